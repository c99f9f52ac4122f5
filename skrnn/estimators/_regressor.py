"""RNNRegressor: parameters and documentation."""

from __future__ import annotations

from copy import copy
from numbers import Real
from typing import Any, ClassVar, Literal, Self, overload

import numpy as np
from sklearn.base import MultiOutputMixin, RegressorMixin
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.validation import check_is_fitted

from skrnn import _typing as t
from skrnn._typing import available_if, fit_context
from skrnn.core.losses import REGRESSION_LOSSES, Loss, as_levels, levels_of
from skrnn.core.probes import check_n_raw
from skrnn.estimators._atomic import all_or_nothing
from skrnn.estimators._base import BaseRNN
from skrnn.estimators._constraints import Interval, is_of_classes
from skrnn.estimators._documentation import ATTRIBUTES, PARAMETERS, REFERENCES, names_of
from skrnn.estimators._number_targets import NumberTargets
from skrnn.estimators._parameters import CONSTRAINTS, Part, made, supports_partial_fit


class RNNRegressor(MultiOutputMixin, RegressorMixin, BaseRNN):
    __doc__ = f"""Recurrent neural network regressor.

    Trains a simple RNN, an LSTM or a GRU by backpropagation through time [1]_ on sequences of
    equal or different lengths, for one or several numbers a sequence or a time step.

    Parameters
    ----------
    {PARAMETERS}

    loss : {names_of(REGRESSION_LOSSES)} or Loss, default='squared_error'
        What is minimised. `'squared_error'` fits the mean, `'absolute_error'` the median,
        `'quantile'` the given quantiles; `'huber'` is squared for small errors and absolute for
        large ones. `'poisson'` fits positive means of counts, and `'gamma'` those of positive
        amounts whose spread grows with their mean, through an exponential output. `'gaussian'`
        fits mean and standard deviation of a normal distribution, both as functions of `X`, and
        `'negative_binomial'` those of a distribution of counts whose variance is larger than
        their mean: `predict` returns the mean. An object that follows
        :class:`skrnn.core.losses.Loss` is used in place of a name.

    quantile : float or array-like of float, default=0.5
        Levels in (0, 1) that `loss='quantile'` fits. Several different ones, in any order, are
        fitted side by side in one network and never cross: `predict` returns a column for each,
        in the order given. They are also those that `predict_quantiles` returns unless it is told
        others.

    huber_delta : float, default=1.0
        Error at which `loss='huber'` turns from squared to absolute, > 0; in standard
        deviations of the target with `normalize_y=True`.

    normalize_y : bool, default=True
        Whether the target is standardised inside (predictions are on its own scale). With
        `'poisson'` and `'gamma'` it is divided by its mean, and with `'negative_binomial'` left
        as it is. Losses are those of the standardised
        target. `partial_fit` takes mean and scale from its first call, or from all calls up to
        the first in which an output varies. An output that is the same in all rows is predicted
        as that number, with or without `normalize_y`.

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
        **CONSTRAINTS,
        "loss": [StrOptions(set(REGRESSION_LOSSES)), Part(Loss)],
        "quantile": [Interval(Real, 0, 1, closed="neither"), "array-like"],
        "huber_delta": [Interval(Real, 0, None, closed="neither")],
        "normalize_y": ["boolean"],
    }

    _targets: NumberTargets

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
        loss: t.LossLike = "squared_error",
        quantile: float | t.Floats = 0.5,
        huber_delta: float = 1.0,
        normalize_y: bool = True,
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
        self.loss = loss
        self.quantile = quantile
        self.huber_delta = huber_delta
        self.normalize_y = normalize_y

    @available_if(supports_partial_fit)
    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
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

        Returns
        -------
        self : object
            The estimator.
        """
        with all_or_nothing(self, incremental=True):
            return self._fit(X, y, sample_weight=sample_weight, incremental=True)

    @overload
    def predict(self, X: Any, return_std: Literal[False] = False) -> np.ndarray: ...
    @overload
    def predict(self, X: Any, return_std: Literal[True]) -> tuple[np.ndarray, np.ndarray]: ...
    def predict(self, X: Any, return_std: bool = False) -> Any:
        """Predict the targets of `X`, and how far they spread.

        Parameters
        ----------
        X : {array-like, list of array-like, DataFrame}
            Sequences, as in `fit`; their lengths may be others.

        return_std : bool, default=False
            Whether to return the standard deviations of the predicted distributions, too. The
            loss must be one of a distribution: `'gaussian'`, `'negative_binomial'` or your own.

        Returns
        -------
        y_pred : ndarray
            Shape (n_samples,) or (n_samples, n_outputs); of several quantiles
            (n_samples, n_levels) or (n_samples, n_outputs, n_levels), in the order of `quantile`.
            With `return_sequences=True` the time steps are the second axis if `X` is an array of
            sequences of one length; else there is an object array of one array for each sequence.

        y_std : ndarray
            Standard deviations, in the shape of `y_pred`. Only with ``return_std=True``.

        Raises
        ------
        ValueError
            If `X` is not valid, if a prediction is not finite, or if the loss knows no spread.
        """
        if not return_std:
            return super().predict(X)
        check_is_fitted(self, "network_")
        self._targets.check_tells("std", "a standard deviation")
        both, sequences = self._predicted(X, "mean_and_std")
        mean, std = np.moveaxis(both, -1, 0).copy()
        return self._answer(mean, sequences), self._answer(std, sequences)

    def predict_quantiles(self, X: Any, quantile: Any = None) -> np.ndarray:
        """Predict quantiles of the targets of `X`.

        Parameters
        ----------
        X : {array-like, list of array-like, DataFrame}
            Sequences, as in `fit`; their lengths may be others.

        quantile : float or array-like of float, default=None
            Levels in (0, 1), all different. With `'gaussian'` and `'negative_binomial'` any;
            with `loss='quantile'` some of those that were fitted, as there is nothing to tell
            others from. None takes the parameter `quantile`.

        Returns
        -------
        ndarray
            Shape (n_samples,) or (n_samples, n_outputs) of a single level that is a number; of
            several (n_samples, n_levels) or (n_samples, n_outputs, n_levels), in the order given.
            With `return_sequences=True` in the form of `predict`.

        Raises
        ------
        TypeError, ValueError
            If `X` or `quantile` is not valid, or if the loss knows no quantiles.

        Examples
        --------
        >>> import numpy as np
        >>> from skrnn import RNNRegressor
        >>> rng = np.random.RandomState(0)
        >>> X = rng.uniform(size=(100, 5, 1))
        >>> y = X[:, -1, 0] + rng.normal(scale=0.1, size=100)
        >>> reg = RNNRegressor(hidden_layer_sizes=8, loss="gaussian", random_state=0).fit(X, y)
        >>> low, high = reg.predict_quantiles(X, [0.05, 0.95]).T
        >>> bool(0.8 < np.mean((low <= y) & (y <= high)) < 1)
        True
        """
        check_is_fitted(self, "network_")
        self._targets.check_tells("quantiles", "quantiles")
        asked = self.quantile if quantile is None else quantile
        single = np.ndim(asked) == 0
        levels = as_levels([asked] if single else asked)
        rows, sequences = self._predicted(X, "quantiles", levels=levels)
        return self._answer(rows[..., 0] if single else rows, sequences)

    # RegressorMixin's own score knows no targets at every step.
    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        return BaseRNN.score(self, X, y, sample_weight)

    score.__doc__ = BaseRNN.score.__doc__

    def _make_targets(self, *, goes_on: bool, incremental: bool) -> NumberTargets:
        if np.ndim(self.quantile) > 0:
            as_levels(self.quantile)  # not valid for any loss, not for the one that asks alone
        loss = made(REGRESSION_LOSSES, self.loss, self)
        check_n_raw(loss)
        if is_of_classes(loss):
            raise ValueError(
                f"loss={loss!r} is a loss of classes, which RNNRegressor does not predict. Choose "
                f"one of {', '.join(map(repr, REGRESSION_LOSSES))}, or use RNNClassifier."
            )
        if not goes_on:
            name = type(self).__name__
            return NumberTargets(name, loss, f"loss={self.loss!r}", self.normalize_y)
        targets = copy(self._targets)
        targets.loss, targets.loss_name = loss, f"loss={self.loss!r}"
        targets.normalize_y = self.normalize_y
        before, now = levels_of(self._targets.loss), levels_of(loss)
        if before != now and (before is not None or now is not None):
            raise ValueError(
                f"With {targets.loss_name} and quantile={self.quantile!r} the network would "
                f"predict other quantiles side by side ({now}) than it was trained for "
                f"({before}), so they cannot change between calls that go on from the same "
                "weights. Set warm_start=False and call fit, or use a new estimator."
            )
        if not targets.scales_as(self._targets):
            raise ValueError(
                f"With loss={self.loss!r} and normalize_y={self.normalize_y} the network would "
                "predict on another scale than it was trained on, so they cannot change between "
                "calls that go on from the same weights. Set warm_start=False and call fit, or "
                "use a new estimator."
            )
        return targets

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        # Tags are asked of parameters that have not been validated, too.
        loss: Any = self.loss
        if isinstance(loss, str):
            loss = REGRESSION_LOSSES.get(loss)
        if hasattr(loss, "interval"):
            tags.target_tags.positive_only = not loss.interval.includes(-1.0)
        return tags
