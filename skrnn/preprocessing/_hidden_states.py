"""The states of a recurrent network as features for other estimators."""

from __future__ import annotations

from numbers import Integral
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator, MetaEstimatorMixin, TransformerMixin, clone
from sklearn.utils import get_tags
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from skrnn._html import DescribedMixin
from skrnn._innermost import innermost, innermost_with
from skrnn._pickling import VersionedPickleMixin
from skrnn._typing import PlainReadoutName
from skrnn.core.network import ForwardPass, Network
from skrnn.core.readouts import READOUTS, Readout

# Sequences that one pass works on: bounds the memory of the caches.
BLOCK = 256


class HiddenStates(
    MetaEstimatorMixin, TransformerMixin, DescribedMixin, VersionedPickleMixin, BaseEstimator
):
    """Turn sequences into the states of a recurrent network: features for any other estimator.

    `fit` trains a copy of the network on the targets; `transform` gives what one of its layers
    knows of every sequence.

    Parameters
    ----------
    estimator : RNNClassifier, RNNRegressor, or a Pipeline, search or other wrapper of one
        The network to train. One that is fitted already can be kept as it is:
        ``HiddenStates(FrozenEstimator(fitted))``.

    layer : int, default=-1
        Which recurrent layer, counted from the input or, if negative, from the output.

    readout : {'last', 'mean', 'max'} or None, default=None
        What is taken of the states over time. None is what the estimator itself reads out;
        it is `'last'` if the estimator predicts at every time step, and for layers below the
        top if its read-out has weights, which belong to the top layer.

    Attributes
    ----------
    estimator_ : estimator
        `estimator`, trained.

    n_features_in_ : int
        Columns of `X`. Defined only if it is 2D.

    feature_names_in_ : ndarray of shape (n_features,)
        Names of columns or channels. Defined only if all are strings.

    See Also
    --------
    skrnn.inspection.hidden_states : States and gates of all layers and steps.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from skrnn import RNNClassifier
    >>> from skrnn.datasets import load_japanese_vowels
    >>> from skrnn.preprocessing import HiddenStates
    >>> X, y = load_japanese_vowels(split="train", return_X_y=True)
    >>> states = HiddenStates(RNNClassifier(8, tol=0.1, random_state=0))
    >>> states.fit(X, y).transform(X).shape
    (270, 8)
    >>> pipeline = make_pipeline(states, LogisticRegression()).fit(X, y)
    """

    _parameter_constraints: ClassVar[dict] = {
        "estimator": [HasMethods(["fit", "predict"])],
        "layer": [Interval(Integral, None, None, closed="neither")],
        "readout": [StrOptions({name for name, r in READOUTS.items() if not r.shapes(1)}), None],
    }

    estimator_: Any
    n_features_in_: int
    feature_names_in_: np.ndarray

    def __init__(
        self, estimator: Any, *, layer: int = -1, readout: PlainReadoutName | None = None
    ) -> None:
        self.estimator = estimator
        self.layer = layer
        self.readout = readout

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train the network.

        Parameters
        ----------
        X : array-like, list of array-like or DataFrame
            Sequences, in any form that the estimator takes.

        y : array-like
            Targets, as in the estimator's `fit`.

        sample_weight : array-like, default=None
            Weights, as in the estimator's `fit`.

        Returns
        -------
        self : object
            The transformer.
        """
        self._validate_params()
        weights = {} if sample_weight is None else {"sample_weight": sample_weight}
        self.estimator_ = clone(self.estimator).fit(X, y, **weights)
        if not hasattr(innermost(self.estimator_), "network_"):
            raise TypeError(
                "estimator must be RNNClassifier or RNNRegressor, alone or inside a Pipeline, a "
                f"search or another wrapper; got {type(innermost(self.estimator)).__name__}."
            )
        n_layers = self._network().architecture.n_layers
        if not -n_layers <= self.layer < n_layers:
            raise ValueError(
                f"layer={self.layer}, but the network has {n_layers} recurrent layers, which "
                f"are {-n_layers} to {n_layers - 1}."
            )
        for name in ("n_features_in_", "feature_names_in_"):
            if hasattr(self, name):
                delattr(self, name)
            if hasattr(self.estimator_, name):
                setattr(self, name, getattr(self.estimator_, name))
        return self

    def transform(self, X: Any) -> np.ndarray:
        """Return the states that are read out of every sequence.

        Parameters
        ----------
        X : array-like, list of array-like or DataFrame
            Sequences, as in `fit`; their lengths may be others.

        Returns
        -------
        ndarray of shape (n_samples, width)
            The directions of a bidirectional layer stand side by side.

        Raises
        ------
        ValueError
            If `X` is not valid, or if a state is not finite.
        """
        check_is_fitted(self, "estimator_")
        est, X, _ = innermost_with(self.estimator_, X)
        sequences = est._read(X, reset=False)
        width = len(self.get_feature_names_out())
        features = np.empty((sequences.n_samples, width), sequences.dtype)
        # Neighbours in length make batches with little padding.
        order = np.argsort(-sequences.lengths, kind="stable")
        for start in range(0, len(order), BLOCK):
            for batch in sequences.batches(order[start : start + BLOCK]):
                run = est.network_.forward(batch.x, batch.n_active, static=batch.static)
                features[batch.samples] = self._features(est.network_, run)
        good = np.isfinite(features).all(axis=1)
        if not good.all():
            raise ValueError(
                f"The states of sample {np.argmin(good)} are not finite: they grow beyond the "
                f"range of {features.dtype}. Leave the sample out, cut it or scale it as the "
                "training data, or fit an estimator with activation='tanh', which bounds them."
            )
        return features

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Return the names of the features, such as "h0_3" for unit 3 of layer 0.

        Parameters
        ----------
        input_features : ignored
            Not used, present for API consistency.

        Returns
        -------
        ndarray of str of shape (width,)
            Those of a direction that reads backwards are named "h0_reverse_3". A read-out that
            makes more features than there are units counts on.
        """
        check_is_fitted(self, "estimator_")
        architecture = self._network().architecture
        layer = range(architecture.n_layers)[self.layer]
        width = self._read_out_of_layer().width(architecture.hidden_sizes[layer])
        names = [
            f"h{layer}_{'reverse_' if direction == 'reverse' else ''}{feature}"
            for direction in architecture.directions
            for feature in range(width)
        ]
        return np.asarray(names, dtype=object)

    def _network(self) -> Network:
        return innermost(self.estimator_).network_

    def _read_out_of_layer(self) -> Readout:
        """Return the read-out that the states of the layer go through."""
        if self.readout is not None:
            return READOUTS[self.readout]
        architecture = self._network().architecture
        own, n_layers = architecture.readout, architecture.n_layers
        # Weights of a read-out are learnt for the states of the top layer.
        foreign = range(n_layers)[self.layer] < n_layers - 1 and own is not None and own.shapes(1)
        return READOUTS["last"] if own is None or foreign else own

    def _features(self, network: Network, run: ForwardPass) -> np.ndarray:
        readout = self._read_out_of_layer()
        parts = [
            readout.forward(h, run.n_active, network.readout_weights(direction))[0]
            for direction, h in run.states[self.layer].items()
        ]
        return np.concatenate(parts, axis=1)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        inner = get_tags(self.estimator)
        tags.input_tags = inner.input_tags
        tags.target_tags = inner.target_tags
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
