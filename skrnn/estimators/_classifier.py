"""RNNClassifier: parameters, documentation, probabilities."""

from __future__ import annotations

from copy import copy
from typing import Any, ClassVar, Literal, Self

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.multiclass import _check_partial_fit_first_call

from skrnn import _typing as t
from skrnn._dispatch import numpy_only
from skrnn._typing import available_if, fit_context
from skrnn.estimators._atomic import all_or_nothing
from skrnn.estimators._base import BaseRNN
from skrnn.estimators._documentation import ATTRIBUTES, PARAMETERS, REFERENCES
from skrnn.estimators._parameters import CONSTRAINTS, supports_partial_fit
from skrnn.estimators._targets import ClassTargets
from skrnn.sequences import labels_as_array, missing_in


class RNNClassifier(ClassifierMixin, BaseRNN):
    __doc__ = f"""Recurrent neural network classifier.

    Trains a simple RNN, an LSTM or a GRU by backpropagation through time [1]_ on sequences of
    equal or different lengths, and minimises the log loss: of one class of several (softmax),
    of two (logistic), or of any number of labels at once (multilabel indicator `y`).

    Parameters
    ----------
    {PARAMETERS}

    class_weight : dict, list of dict, 'balanced' or None, default=None
        Weights of the classes, multiplied with `sample_weight`. `'balanced'` weighs them
        inversely to their frequency. Multilabel targets have the classes 0 and 1 at every
        output: a dict holds for all outputs, a list has one dict an output, and the weights of
        a sample's outputs are multiplied.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels; for multilabel targets the indices of the outputs.

    {ATTRIBUTES}

    See Also
    --------
    RNNRegressor : The same networks for numbers.
    skrnn.preprocessing.SequenceScaler : Brings channels to one scale.
    skrnn.preprocessing.TokenEncoder : Turns texts and tokens into ids for `embedding_dim`.
    sklearn.neural_network.MLPClassifier : Feed-forward networks.

    References
    ----------
    {REFERENCES}

    Examples
    --------
    Sequences of different lengths, told apart by their trend:

    >>> import numpy as np
    >>> from skrnn import RNNClassifier
    >>> rng = np.random.RandomState(0)
    >>> y = np.arange(60) % 2
    >>> X = [np.linspace(0, 1 if up else -1, rng.randint(5, 15)) + rng.normal(0, 0.1) for up in y]
    >>> clf = RNNClassifier(hidden_layer_sizes=8, random_state=0).fit(X[:40], y[:40])
    >>> clf.predict(X[40:44])
    array([0, 1, 0, 1])
    >>> clf.score(X[40:], y[40:])
    1.0
    """

    _parameter_constraints: ClassVar[dict] = {
        **CONSTRAINTS,
        "class_weight": [dict, list, StrOptions({"balanced"}), None],
    }

    classes_: np.ndarray
    _targets: ClassTargets

    def __init__(
        self,
        hidden_layer_sizes: t.HiddenLayerSizes = (64,),
        activation: t.ActivationLike = "tanh",
        *,
        cell: t.CellLike = "gru",
        init: t.InitializerLike = "xavier_uniform",
        recurrent_init: t.InitializerLike = "orthogonal",
        optimizer: t.OptimizerLike = "adam",
        bidirectional: bool | t.Auto = "auto",
        readout: t.Readouts = "auto",
        return_sequences: bool = False,
        dropout: float = 0.0,
        n_channels: int = 1,
        embedding_dim: t.OfChannels = None,
        n_tokens: t.OfChannels = None,
        static: Literal["readout", "channels"] = "readout",
        differences: bool | t.Auto = "auto",
        missing_values: Literal["decay", "error"] = "decay",
        frame_length: int | t.Auto = "auto",
        frame_stride: int | t.Auto | None = "auto",
        frame_units: int | t.Auto | None = "auto",
        frame_shift: bool | t.Auto = "auto",
        bptt_steps: int | None = None,
        max_grad_norm: float | None = 1.0,
        alpha: float = 1e-4,
        batch_size: int | t.Auto = "auto",
        learning_rate: t.ScheduleName | t.Auto = "auto",
        learning_rate_init: float = 5e-3,
        power_t: float = 0.5,
        max_iter: int | t.Auto = "auto",
        shuffle: bool = True,
        random_state: t.Seed = None,
        tol: float = 1e-4,
        verbose: bool | int = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float | None = None,
        epsilon: float = 1e-8,
        n_iter_no_change: float | t.Auto = "auto",
        class_weight: t.ClassWeight | t.Balanced = None,
    ) -> None:
        super().__init__(
            hidden_layer_sizes=hidden_layer_sizes,
            activation=activation,
            cell=cell,
            init=init,
            recurrent_init=recurrent_init,
            optimizer=optimizer,
            bidirectional=bidirectional,
            readout=readout,
            return_sequences=return_sequences,
            dropout=dropout,
            n_channels=n_channels,
            embedding_dim=embedding_dim,
            n_tokens=n_tokens,
            static=static,
            differences=differences,
            missing_values=missing_values,
            frame_length=frame_length,
            frame_stride=frame_stride,
            frame_units=frame_units,
            frame_shift=frame_shift,
            bptt_steps=bptt_steps,
            max_grad_norm=max_grad_norm,
            alpha=alpha,
            batch_size=batch_size,
            learning_rate=learning_rate,
            learning_rate_init=learning_rate_init,
            power_t=power_t,
            max_iter=max_iter,
            shuffle=shuffle,
            random_state=random_state,
            tol=tol,
            verbose=verbose,
            warm_start=warm_start,
            momentum=momentum,
            nesterovs_momentum=nesterovs_momentum,
            early_stopping=early_stopping,
            validation_fraction=validation_fraction,
            beta_1=beta_1,
            beta_2=beta_2,
            epsilon=epsilon,
            n_iter_no_change=n_iter_no_change,
        )
        self.class_weight = class_weight

    @available_if(supports_partial_fit)
    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None) -> Self:
        """Train for one epoch, going on from the calls before.

        Parameters
        ----------
        X : {array-like, list of array-like, DataFrame}
            Sequences, as in `fit`.

        y : array-like
            Targets, as in `fit`.

        sample_weight : {array-like of shape (n_samples,), array-like of shape (n_samples, \
n_timesteps), list of array-like, DataFrame}, default=None
            Weights, as in `fit`.

        classes : array-like of shape (n_classes,), default=None
            All classes that any call will see (for multilabel targets the indices of the
            outputs). Needed at the first call, may be left out later.

        Returns
        -------
        self : object
            The estimator.
        """
        with all_or_nothing(self, incremental=True):
            with numpy_only():
                _check_none_missing(classes)
                _check_partial_fit_first_call(self, classes)
            return self._fit(X, y, sample_weight=sample_weight, incremental=True)

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the probability of every class.

        Parameters
        ----------
        X : {array-like, list of array-like, DataFrame}
            Sequences, as in `fit`.

        Returns
        -------
        ndarray
            Shape (n_samples, n_classes), in the order of `classes_`. With
            `return_sequences=True` (n_samples, n_timesteps, n_classes), or an object array of
            arrays of shape (n_timesteps, n_classes), as `predict` answers. All lie inside (0, 1),
            unless there is one class only.
        """
        return self._answer(*self._predicted(X, "probabilities"))

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Return the logarithm of the probability of every class.

        Parameters
        ----------
        X : {array-like, list of array-like, DataFrame}
            Sequences, as in `fit`.

        Returns
        -------
        ndarray
            In the shape of `predict_proba`. Finite, also where probabilities round to zero.
        """
        return self._answer(*self._predicted(X, "log_probabilities"))

    def decision_function(self, X: Any) -> np.ndarray:
        """Return the confidence in every class: the network's output before its activation.

        Parameters
        ----------
        X : {array-like, list of array-like, DataFrame}
            Sequences, as in `fit`.

        Returns
        -------
        ndarray
            Shape (n_samples, n_classes), or (n_samples,) for two classes, where positive values
            mean ``classes_[1]``. With `return_sequences=True` the same for every time step, in
            the form that `predict` answers in.
        """
        return self._answer(*self._predicted(X, "decisions"))

    # ClassifierMixin's own score knows no targets at every step.
    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        return BaseRNN.score(self, X, y, sample_weight)

    score.__doc__ = BaseRNN.score.__doc__

    def _make_targets(self, *, goes_on: bool, incremental: bool) -> ClassTargets:
        if not goes_on:
            # The first call of partial_fit has set all classes that are to come.
            classes = self.classes_ if incremental else None
            return ClassTargets(type(self).__name__, self.class_weight, classes)
        targets = copy(self._targets)
        targets.class_weight = self.class_weight
        return targets

    def _keep(self, targets: Any) -> None:
        super()._keep(targets)
        self.classes_ = targets.classes

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


def _check_none_missing(classes: Any) -> None:
    """Raise ValueError where one of the classes is a missing one."""
    if classes is not None and missing_in(labels_as_array(classes, "classes")) is not None:
        raise ValueError(
            "classes has a missing one (NaN or None), which is no class: time steps without a "
            "label add no loss. Leave it out of classes."
        )
