"""RNNClassifier and RNNRegressor: the networks of `skrnn.core` as scikit-learn estimators."""

from __future__ import annotations

from numbers import Real
from typing import Any, ClassVar

import numpy as np
from sklearn.base import ClassifierMixin, MultiOutputMixin, RegressorMixin, _fit_context
from sklearn.utils import check_array, column_or_1d
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import (
    _check_partial_fit_first_call,
    check_classification_targets,
    type_of_target,
)

from skrnn._base import ATTRIBUTES, PARAMETERS, REFERENCES, BaseRNN, supports_partial_fit
from skrnn.core.losses import CLASSIFICATION_LOSSES, REAL_LINE, REGRESSION_LOSSES, Loss
from skrnn.core.losses import Interval as TargetInterval
from skrnn.sample_weights import class_weights_of_rows


class RNNClassifier(ClassifierMixin, BaseRNN):
    __doc__ = f"""Recurrent neural network classifier.

    Trains a simple RNN, an LSTM or a GRU by backpropagation through time [1]_ on sequences of
    equal or different lengths, and minimises the log loss: of one class of several (softmax),
    of two (logistic), or of any number of labels at once (multilabel indicator `y`).

    Read more in the user guide: ``docs/index.md``.

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
        **BaseRNN._parameter_constraints,
        "class_weight": [dict, list, StrOptions({"balanced"}), None],
    }

    def __init__(
        self,
        hidden_layer_sizes=(64,),
        activation="tanh",
        *,
        cell="gru",
        init="xavier_uniform",
        recurrent_init="orthogonal",
        optimizer="adam",
        bidirectional=False,
        readout="last",
        return_sequences=False,
        dropout=0.0,
        n_channels=1,
        embedding_dim=None,
        n_tokens=None,
        bptt_steps=None,
        max_grad_norm=1.0,
        alpha=1e-4,
        batch_size="auto",
        learning_rate="constant",
        learning_rate_init=5e-3,
        power_t=0.5,
        max_iter=200,
        shuffle=True,
        random_state=None,
        tol=1e-4,
        verbose=False,
        warm_start=False,
        momentum=0.9,
        nesterovs_momentum=True,
        early_stopping=False,
        validation_fraction=0.1,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-8,
        n_iter_no_change=10,
        class_weight=None,
    ):
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
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None):
        """Train for one epoch, going on from the calls before.

        Parameters
        ----------
        X : {array-like, list of array-like, DataFrame}
            Sequences, as in `fit`.

        y : array-like
            Targets, as in `fit`.

        sample_weight : array-like of shape (n_samples,), default=None
            Weights, >= 0 and not all zero.

        classes : array-like of shape (n_classes,), default=None
            All classes that any call will see (for multilabel targets the indices of the
            outputs). Needed at the first call, may be left out later.

        Returns
        -------
        self : object
            The estimator.
        """
        _check_partial_fit_first_call(self, classes)
        return self._fit(X, y, sample_weight, incremental=True)

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
            arrays of shape (n_timesteps, n_classes), as `predict` answers.
        """
        raw_prediction, sequences = self._raw_prediction_of(X)
        return self._answer(self._proba_of_rows(raw_prediction), sequences)

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Return the logarithm of the probability of every class.

        Parameters
        ----------
        X : {array-like, list of array-like, DataFrame}
            Sequences, as in `fit`.

        Returns
        -------
        ndarray
            In the shape of `predict_proba`; -inf where that is zero.
        """
        raw_prediction, sequences = self._raw_prediction_of(X)
        with np.errstate(divide="ignore"):
            log_proba = np.log(self._proba_of_rows(raw_prediction))
        return self._answer(log_proba, sequences)

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
        raw_prediction, sequences = self._raw_prediction_of(X)
        if not self._multilabel and self.n_outputs_ == 1:
            raw_prediction = raw_prediction[:, 0]
        return self._answer(raw_prediction, sequences)

    # ClassifierMixin's own score knows no targets at every step.
    score = BaseRNN.score

    def _make_loss(self) -> Loss:
        several = not self._multilabel and len(self.classes_) > 2
        return CLASSIFICATION_LOSSES[
            "softmax_cross_entropy" if several else "logistic_cross_entropy"
        ]()

    def _encode(self, y: Any, dtype: np.dtype, reset: bool, incremental: bool) -> np.ndarray:
        y = check_array(y, ensure_2d=False, dtype=None, input_name="y", estimator=self)
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        check_classification_targets(y)
        target_type = type_of_target(y, input_name="y")
        if target_type == "multiclass-multioutput":
            raise ValueError(
                f"y of shape {y.shape} has several columns of more than two classes. For one "
                "label at every time step set return_sequences=True; for several multiclass "
                "outputs use sklearn.multioutput.MultiOutputClassifier."
            )
        multilabel = target_type == "multilabel-indicator"
        if reset:
            self._multilabel = multilabel
        elif multilabel != self._multilabel:
            raise ValueError(
                f"y is {target_type}, but {type(self).__name__} was fitted on "
                f"{'multilabel' if self._multilabel else 'single-label'} targets."
            )
        if reset and not incremental:
            self.classes_ = np.arange(y.shape[1]) if multilabel else np.unique(y)
        if multilabel:
            return self._check_n_labels(y).astype(dtype)
        return self._codes(y)

    def _check_n_labels(self, y: np.ndarray) -> np.ndarray:
        if y.shape[1] != len(self.classes_):
            raise ValueError(
                f"y has {y.shape[1]} labels, but {type(self).__name__} was fitted with "
                f"{len(self.classes_)}."
            )
        return y

    def _codes(self, y: np.ndarray) -> np.ndarray:
        """Return the index in `classes_` of every label."""
        labels, codes = np.unique(y, return_inverse=True)
        unknown = np.setdiff1d(labels, self.classes_)
        if len(unknown):
            raise ValueError(
                f"y has classes {unknown} that {type(self).__name__} does not know; it knows "
                f"{self.classes_}. Name all classes at the first call, or fit anew."
            )
        return np.searchsorted(self.classes_, labels)[codes.reshape(-1)]

    def _prepare_for_loss(self, y: np.ndarray, weight: np.ndarray, reset: bool) -> np.ndarray:
        if self._multilabel or len(self.classes_) > 2:
            return y
        return y[:, None].astype(weight.dtype)

    def _target_weights(self, y: np.ndarray, weight: np.ndarray) -> np.ndarray | None:
        if self.class_weight is None:
            return None
        classes = np.array([0, 1]) if self._multilabel else self.classes_
        codes = y.astype(np.intp)
        row_weight = class_weights_of_rows(self.class_weight, codes, classes, weight)
        return row_weight.astype(weight.dtype)

    def _n_outputs_of(self, y: np.ndarray) -> int:
        n_classes = len(self.classes_)
        return n_classes if self._multilabel or n_classes > 2 else 1

    def _stratify(self, y: np.ndarray, n_held_out: int) -> np.ndarray | None:
        if self._multilabel:
            return None
        count = np.bincount(y)
        count = count[count > 0]
        # Every class needs a sample on both sides; else a plain random split has to do.
        possible = count.min() >= 2 and len(count) <= min(n_held_out, len(y) - n_held_out)
        return y if possible else None

    def _decode(self, raw_prediction: np.ndarray) -> np.ndarray:
        if self._multilabel:
            return (raw_prediction > 0).astype(int)
        if len(self.classes_) == 1:
            return np.repeat(self.classes_, len(raw_prediction))
        if len(self.classes_) == 2:
            return self.classes_[(raw_prediction[:, 0] > 0).astype(int)]
        return self.classes_[raw_prediction.argmax(axis=1)]

    def _decode_targets(self, y: np.ndarray) -> np.ndarray:
        return y.astype(int) if self._multilabel else self.classes_[y]

    def _proba_of_rows(self, raw_prediction: np.ndarray) -> np.ndarray:
        if not self._multilabel and len(self.classes_) == 1:
            return np.ones_like(raw_prediction)
        proba = self._make_loss().link.inverse(raw_prediction)
        if not self._multilabel and len(self.classes_) == 2:
            proba = np.hstack([1 - proba, proba])
        return proba

    def _score_rows(self, y: Any, y_pred: np.ndarray, sample_weight: np.ndarray | None) -> float:
        # Here, as importing it takes longer than importing all of skrnn.
        from sklearn.metrics import accuracy_score

        return accuracy_score(y, y_pred, sample_weight=sample_weight)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


class RNNRegressor(MultiOutputMixin, RegressorMixin, BaseRNN):
    __doc__ = f"""Recurrent neural network regressor.

    Trains a simple RNN, an LSTM or a GRU by backpropagation through time [1]_ on sequences of
    equal or different lengths, for one or several numbers a sequence or a time step.

    Read more in the user guide: ``docs/index.md``.

    Parameters
    ----------
    {PARAMETERS}

    loss : {{'squared_error', 'absolute_error', 'huber', 'poisson', 'gamma', 'quantile'}}, \
default='squared_error'
        What is minimised. `'squared_error'` fits the mean, `'absolute_error'` the median,
        `'quantile'` the given quantile; `'huber'` is squared for small errors and absolute for
        large ones; `'poisson'` fits positive means of counts through an exponential output,
        `'gamma'` those of positive amounts, whose relative errors count.

    quantile : float, default=0.5
        Quantile that `loss='quantile'` fits, in (0, 1).

    huber_delta : float, default=1.0
        Error at which `loss='huber'` turns from squared to absolute, > 0; in standard
        deviations of the target with `normalize_y=True`.

    normalize_y : bool, default=True
        Whether the target is standardised inside (predictions are on its own scale). With
        `loss='poisson'` or `'gamma'` it is divided by its mean. Losses are those of the
        standardised target. `partial_fit` takes mean and scale from its first call.

    Attributes
    ----------
    {ATTRIBUTES}

    See Also
    --------
    RNNClassifier : The same networks for classes.
    skrnn.preprocessing.SequenceScaler : Brings channels to one scale.
    skrnn.preprocessing.TokenEncoder : Turns texts and tokens into ids for `embedding_dim`.
    sklearn.neural_network.MLPRegressor : Feed-forward networks.

    References
    ----------
    {REFERENCES}

    Examples
    --------
    The mean of a sequence, learnt on short ones and asked of a longer one:

    >>> import numpy as np
    >>> from skrnn import RNNRegressor
    >>> rng = np.random.RandomState(0)
    >>> X = rng.uniform(size=(200, 10, 1))
    >>> y = X.mean(axis=(1, 2))
    >>> reg = RNNRegressor(hidden_layer_sizes=16, readout="mean", random_state=0).fit(X, y)
    >>> bool(reg.score(X, y) > 0.95)
    True
    >>> bool(abs(reg.predict([np.full((15, 1), 0.5)])[0] - 0.5) < 0.05)
    True
    """

    _parameter_constraints: ClassVar[dict] = {
        **BaseRNN._parameter_constraints,
        "loss": [StrOptions(set(REGRESSION_LOSSES)), Loss],
        "quantile": [Interval(Real, 0, 1, closed="neither")],
        "huber_delta": [Interval(Real, 0, None, closed="neither")],
        "normalize_y": ["boolean"],
    }

    def __init__(
        self,
        hidden_layer_sizes=(64,),
        activation="tanh",
        *,
        cell="gru",
        init="xavier_uniform",
        recurrent_init="orthogonal",
        optimizer="adam",
        bidirectional=False,
        readout="last",
        return_sequences=False,
        dropout=0.0,
        n_channels=1,
        embedding_dim=None,
        n_tokens=None,
        bptt_steps=None,
        max_grad_norm=1.0,
        alpha=1e-4,
        batch_size="auto",
        learning_rate="constant",
        learning_rate_init=5e-3,
        power_t=0.5,
        max_iter=200,
        shuffle=True,
        random_state=None,
        tol=1e-4,
        verbose=False,
        warm_start=False,
        momentum=0.9,
        nesterovs_momentum=True,
        early_stopping=False,
        validation_fraction=0.1,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-8,
        n_iter_no_change=10,
        loss="squared_error",
        quantile=0.5,
        huber_delta=1.0,
        normalize_y=True,
    ):
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
        self.loss = loss
        self.quantile = quantile
        self.huber_delta = huber_delta
        self.normalize_y = normalize_y

    @available_if(supports_partial_fit)
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None):
        """Train for one epoch, going on from the calls before.

        Parameters
        ----------
        X : {array-like, list of array-like, DataFrame}
            Sequences, as in `fit`.

        y : array-like
            Targets, as in `fit`.

        sample_weight : array-like of shape (n_samples,), default=None
            Weights, >= 0 and not all zero.

        Returns
        -------
        self : object
            The estimator.
        """
        return self._fit(X, y, sample_weight, incremental=True)

    # RegressorMixin's own score knows no targets at every step.
    score = BaseRNN.score

    def _make_loss(self) -> Loss:
        if not isinstance(self.loss, str):
            return self.loss
        return self._from_parameters(REGRESSION_LOSSES[self.loss])

    def _interval(self) -> TargetInterval:
        name = self.loss if isinstance(self.loss, str) else ""
        return getattr(REGRESSION_LOSSES.get(name, self.loss), "interval", REAL_LINE)

    def _encode(self, y: Any, dtype: np.dtype, reset: bool, incremental: bool) -> np.ndarray:
        y = check_array(y, ensure_2d=False, dtype=dtype, input_name="y", estimator=self)
        interval = self._interval()
        if not interval.includes(y).all():
            raise ValueError(
                f"loss={self.loss!r} needs targets in {interval}; got y with minimum "
                f"{y.min()} and maximum {y.max()}. Choose another loss."
            )
        columns = y.reshape(len(y), -1)
        if reset:
            self._single_output = y.ndim == 1
        elif columns.shape[1] != self.n_outputs_:
            raise ValueError(
                f"y has {columns.shape[1]} outputs, but {type(self).__name__} was fitted with "
                f"{self.n_outputs_}."
            )
        return columns

    def _prepare_for_loss(self, y: np.ndarray, weight: np.ndarray, reset: bool) -> np.ndarray:
        if reset:
            self._y_mean, self._y_scale = self._location_and_scale(y, weight)
        return (y - self._y_mean) / self._y_scale

    def _location_and_scale(
        self, y: np.ndarray, weight: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return what is taken off the target and what it is then divided by."""
        zero, one = np.zeros(y.shape[1], y.dtype), np.ones(y.shape[1], y.dtype)
        if not self.normalize_y:
            return zero, one
        mean = np.average(y, axis=0, weights=weight)
        if not self._make_loss().link.additive:
            return zero, np.where(mean > 0, mean, one)
        scale = np.sqrt(np.average(np.square(y - mean), axis=0, weights=weight))
        # Rounding alone gives a constant target a spread of this size; its value is a scale too.
        constant = scale <= 10 * np.finfo(y.dtype).eps * np.abs(mean)
        return mean, np.where(constant, np.where(mean == 0, one, np.abs(mean)), scale)

    def _n_outputs_of(self, y: np.ndarray) -> int:
        return y.shape[1]

    def _decode(self, raw_prediction: np.ndarray) -> np.ndarray:
        y_pred = self._make_loss().link.inverse(raw_prediction) * self._y_scale + self._y_mean
        return self._decode_targets(y_pred)

    def _decode_targets(self, y: np.ndarray) -> np.ndarray:
        return y[:, 0] if self._single_output else y

    def _score_rows(self, y: Any, y_pred: np.ndarray, sample_weight: np.ndarray | None) -> float:
        from sklearn.metrics import r2_score

        return r2_score(y, y_pred, sample_weight=sample_weight)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.positive_only = not self._interval().includes(-1.0)
        return tags
