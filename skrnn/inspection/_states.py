"""What the cells hold: states and gates as arrays, and read-out states as features."""

from __future__ import annotations

from numbers import Integral
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator, MetaEstimatorMixin, TransformerMixin, clone
from sklearn.utils import Bunch, get_tags
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from skrnn.core.network import ForwardPass, Network, reverse_in_time
from skrnn.core.readouts import READOUTS
from skrnn.inspection._model import Model, open_fitted, packed, quantities


def hidden_states(est: Any, X: Any) -> Bunch:
    """Return the states and gates of every layer at every time step.

    Parameters
    ----------
    est : RNNClassifier, RNNRegressor, Pipeline or search
        Fitted.
    X : array-like, list of array-like or DataFrame
        Sequences, in any form that the estimator takes.

    Returns
    -------
    states : :class:`~sklearn.utils.Bunch`
        With the attributes

        layers : list of Bunch
            For every layer ``h``, the states after every step, and the gates and memories by
            the letters of the cell's formulas (``i, f, g, o, c, c_out`` of an LSTM, ``z, r,
            n, s`` of a GRU). Each is an ndarray of shape (n_samples, n_timesteps, width) if
            the sequences are of one length, else an object array of one array of shape
            (n_timesteps, width) for every sequence. `width` is the layer's; the directions
            of a bidirectional layer stand side by side, both in the time of the data.
        features : ndarray of shape (n_samples, n_features)
            What the output layer sees of every sequence; with `return_sequences=True` that is
            the top layer's ``h``, and `features` is None.
        lengths : ndarray of shape (n_samples,)
            Time steps of every sequence.

    Raises
    ------
    NotFittedError
        If `est` is not fitted.

    See Also
    --------
    HiddenStates : The read-out states as a transformer.
    skrnn.plotting.HiddenStateDisplay : Draws the states of a sequence.

    Examples
    --------
    >>> from skrnn import RNNClassifier
    >>> from skrnn.datasets import load_japanese_vowels
    >>> from skrnn.inspection import hidden_states
    >>> X, y = load_japanese_vowels(split="train", return_X_y=True)
    >>> clf = RNNClassifier(8, cell="lstm", tol=0.1, random_state=0).fit(X, y)
    >>> states = hidden_states(clf, X)
    >>> sorted(states.layers[0])
    ['c', 'c_out', 'f', 'g', 'h', 'i', 'o']
    >>> states.layers[0].h[0].shape, states.features.shape
    ((20, 8), (270, 8))
    """
    return states_of(open_fitted(est, X))


def states_of(model: Model) -> Bunch:
    """Return the states of an open model."""
    network, sequences = model.network, model.sequences
    layers: list[dict[str, np.ndarray]] = [{} for _ in range(network.architecture.n_layers)]
    features = None
    for batch in model.batches():
        run = network.forward(batch.x, batch.n_active)
        for layer, caches in enumerate(run.caches):
            for name, values in _side_by_side(network, caches, run.n_active).items():
                if name not in layers[layer]:
                    shape = (sequences.n_steps, values.shape[2])
                    layers[layer][name] = np.empty(shape, dtype=values.dtype)
                layers[layer][name][batch.steps] = packed(values, run.n_active)
        if not model.per_step:
            if features is None:
                features = np.empty((sequences.n_samples, run.features.shape[1]), values.dtype)
            features[batch.samples] = run.features
    return Bunch(
        layers=[
            Bunch(**{name: model.unpack(values) for name, values in layer.items()})
            for layer in layers
        ],
        features=features,
        lengths=sequences.lengths,
    )


def _side_by_side(
    network: Network, caches: dict[str, Any], n_active: np.ndarray
) -> dict[str, np.ndarray]:
    """Return the quantities of a layer's directions in the time of the data."""
    aligned = [
        {
            name: reverse_in_time(values, n_active) if direction == "reverse" else values
            for name, values in quantities(network.architecture.cell, cache).items()
        }
        for direction, cache in caches.items()
    ]
    return {name: np.concatenate([part[name] for part in aligned], axis=2) for name in aligned[0]}


class HiddenStates(MetaEstimatorMixin, TransformerMixin, BaseEstimator):
    """Turn sequences into the states of a recurrent network: features for any other estimator.

    `fit` trains a copy of the network on the targets; `transform` gives what one of its layers
    knows of every sequence.

    Parameters
    ----------
    estimator : RNNClassifier or RNNRegressor
        The network to train. One that is fitted already can be kept as it is:
        ``HiddenStates(FrozenEstimator(fitted))``.

    layer : int, default=-1
        Which recurrent layer, counted from the input or, if negative, from the output.

    readout : {'last', 'mean', 'max'} or None, default=None
        What is taken of the states over time. None is what the estimator itself reads out, or
        `'last'` if that predicts at every time step.

    Attributes
    ----------
    estimator_ : RNNClassifier or RNNRegressor
        The trained network.

    n_features_in_ : int
        Columns of a 2D `X`; channels of any other form.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of columns or channels. Defined only if all are strings.

    See Also
    --------
    hidden_states : States and gates of all layers and steps.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from skrnn import RNNClassifier
    >>> from skrnn.datasets import load_japanese_vowels
    >>> from skrnn.inspection import HiddenStates
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

    def __init__(self, estimator, *, layer=-1, readout=None):
        self.estimator = estimator
        self.layer = layer
        self.readout = readout

    def fit(self, X: Any, y: Any, sample_weight: Any = None):
        """Train the network.

        Parameters
        ----------
        X : array-like, list of array-like or DataFrame
            Sequences, in any form that the estimator takes.

        y : array-like
            Targets, as in the estimator's `fit`.

        sample_weight : array-like of shape (n_samples,), default=None
            Weights, as in the estimator's `fit`.

        Returns
        -------
        self : object
            The transformer.
        """
        self._validate_params()
        weights = {} if sample_weight is None else {"sample_weight": sample_weight}
        self.estimator_ = clone(self.estimator).fit(X, y, **weights)
        n_layers = self.estimator_.network_.architecture.n_layers
        if not -n_layers <= self.layer < n_layers:
            raise ValueError(
                f"layer={self.layer}, but the network has {n_layers} recurrent layers, which "
                f"are {-n_layers} to {n_layers - 1}."
            )
        self.n_features_in_ = self.estimator_.n_features_in_
        if hasattr(self.estimator_, "feature_names_in_"):
            self.feature_names_in_ = self.estimator_.feature_names_in_
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
        """
        check_is_fitted(self, "estimator_")
        model = open_fitted(self.estimator_, X)
        width = len(self._unit_names())
        features = np.empty((model.sequences.n_samples, width), model.sequences.dtype)
        for batch in model.batches():
            run = model.network.forward(batch.x, batch.n_active)
            features[batch.samples] = self._read_out(run)
        return features

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Return the names of the units, such as "h0_3" for unit 3 of layer 0.

        Parameters
        ----------
        input_features : ignored
            Not used, present for API consistency.

        Returns
        -------
        ndarray of str of shape (width,)
            The units that read backwards are named "h0_reverse_3".
        """
        check_is_fitted(self, "estimator_")
        return np.asarray(self._unit_names(), dtype=object)

    def _unit_names(self) -> list[str]:
        architecture = self.estimator_.network_.architecture
        layer = range(architecture.n_layers)[self.layer]
        return [
            f"h{layer}_{'reverse_' if direction == 'reverse' else ''}{unit}"
            for direction in architecture.directions
            for unit in range(architecture.hidden_sizes[layer])
        ]

    def _read_out(self, run: ForwardPass) -> np.ndarray:
        network = self.estimator_.network_
        own = network.architecture.readout
        n_units = network.architecture.hidden_sizes[self.layer]
        top = range(network.architecture.n_layers)[self.layer] + 1 == network.architecture.n_layers
        # The features are named by units, and weights of a read-out are for the top layer.
        if own is None or own.width(n_units) != n_units or (own.shapes(n_units) and not top):
            own = READOUTS["last"]
        readout = own if self.readout is None else READOUTS[self.readout]
        parts = [
            readout.forward(h, run.n_active, network.readout_weights(direction))[0]
            for direction, h in run.states[self.layer].items()
        ]
        return np.concatenate(parts, axis=1)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        inner = get_tags(self.estimator)
        tags.input_tags = inner.input_tags
        tags.target_tags = inner.target_tags
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
