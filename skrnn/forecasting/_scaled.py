"""A regressor that sees every window on the window's own scale, and its targets with it."""

from __future__ import annotations

from numbers import Integral
from typing import Any, ClassVar, Self

import numpy as np
from sklearn import get_config
from sklearn.base import BaseEstimator, MetaEstimatorMixin, RegressorMixin, clone
from sklearn.utils import check_array, get_tags
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from skrnn._html import DescribedMixin
from skrnn._innermost import innermost
from skrnn._pickling import VersionedPickleMixin
from skrnn._put_back import put_back_on_error
from skrnn._shown import python_value
from skrnn._typing import Labels, OwnStatisticsName, available_if, fit_context
from skrnn.preprocessing._own_scale import OWN_STATISTICS, OwnScale
from skrnn.sequences import (
    Sequences,
    Windows,
    as_windows,
    check_same_order,
    plain_targets,
    read_sequences,
)


def _predicts_quantiles(est: WindowScaledRegressor) -> bool:
    return hasattr(getattr(est, "regressor_", est.regressor), "predict_quantiles")


class WindowScaledRegressor(
    MetaEstimatorMixin, RegressorMixin, DescribedMixin, VersionedPickleMixin, BaseEstimator
):
    """Regressor that scales every window by its own level, and its targets along with it.

    A window with the level `c` and the spread `s` of what is to be forecast goes to `regressor`
    as ``(x - c) / s``, its targets as ``(y - c) / s``; a prediction `p` comes back as
    ``c + s * p``. So a shop that sells 10 a day is forecast as well as one that sells 10,000, and
    one that has never been seen before as well as both. `c` and `s` are computed from the window
    alone: nothing is taken from the time after it.

    Parameters
    ----------
    regressor : estimator
        What is fitted to the scaled windows and targets: an
        :class:`~skrnn.RNNRegressor`, or a pipeline that ends in one and scales the other channels.

    method : {"standard", "minmax", "robust", "mean"}, default="standard"
        What the level and the spread of a window are: mean and standard deviation, minimum and
        range, or median and distance between the quartiles. With "mean" the level is 0 and the
        spread the mean of the absolute values, which suits amounts that are never negative: it is
        steadier than a standard deviation where windows hold few seasons.

    target : str, int or list of these, default=None
        The channels that are forecast, by name or by number, in the order of the targets. None
        takes what the windows of :func:`~skrnn.preprocessing.make_windows` know, or the only
        channel. The other channels pass as they are.

    n_channels : int, default=1
        Columns per time step of a 2D `X`, >= 1; the same as that of `regressor`.

    Attributes
    ----------
    regressor_ : estimator
        The fitted regressor.

    typical_spread_ : ndarray of shape (n_targets,)
        Median spread of the windows in `fit` that are not constant; 1 if all are.

    n_channels_in_ : int
        Number of channels seen in `fit`.

    n_features_in_ : int
        Number of columns of `X`; only if it is 2D.

    feature_names_in_ : ndarray of shape (n_features,)
        Names of columns or channels; only if `X` has names that are all strings.

    See Also
    --------
    skrnn.preprocessing.SequenceScaler : With ``per="sequence"`` it scales all channels so, but
        leaves the targets alone.
    sklearn.compose.TransformedTargetRegressor : Scales all targets alike.

    Notes
    -----
    A window that is constant is divided by its level, or where that is 0 by `typical_spread_`.
    Targets that are missing (NaN) stay so. The scaled windows are copies and take as much memory
    as ``np.asarray(X)``.

    The loss of `regressor` is that of the scaled targets: every series counts alike, while a
    score counts in the units of `y`. With targets at every step of a window, those before the
    last are on a scale that later steps are part of.

    Examples
    --------
    Two shops of very different size, and the forecast of both by one network:

    >>> import numpy as np
    >>> import pandas as pd
    >>> from skrnn import RNNRegressor
    >>> from skrnn.forecasting import WindowScaledRegressor
    >>> from skrnn.preprocessing import make_windows
    >>> day = np.arange(60)
    >>> week = 1 + 0.5 * np.sin(2 * np.pi * day / 7)
    >>> sold = pd.DataFrame({"shop": ["small"] * 60 + ["large"] * 60, "day": [*day, *day]})
    >>> sold["sold"] = np.concatenate([10 * week, 10_000 * week])
    >>> windows = make_windows(sold, window=14, target="sold", group="shop", time="day")
    >>> reg = WindowScaledRegressor(RNNRegressor(16, max_iter=100, random_state=0))
    >>> reg = reg.fit(windows.X[:-14], windows.y[:-14])
    >>> error = abs(reg.predict(windows.X[-14:]) / windows.y[-14:] - 1)
    >>> bool(error.groupby("shop").mean().max() < 0.02)
    True
    """

    _parameter_constraints: ClassVar[dict] = {
        "regressor": [HasMethods(["fit", "predict"])],
        "method": [StrOptions(set(OWN_STATISTICS))],
        "target": [str, Integral, list, tuple, np.ndarray, None],
        "n_channels": [Interval(Integral, 1, None, closed="left")],
    }

    regressor_: Any
    typical_spread_: np.ndarray
    n_features_in_: int
    feature_names_in_: np.ndarray

    def __init__(
        self,
        regressor: Any,
        *,
        method: OwnStatisticsName = "standard",
        target: str | int | Labels | None = None,
        n_channels: int = 1,
    ) -> None:
        self.regressor = regressor
        self.method = method
        self.target = target
        self.n_channels = n_channels

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: Any, y: Any, **fit_params: Any) -> Self:
        """Fit the regressor to the scaled windows and targets.

        Parameters
        ----------
        X : array-like, DataFrame, list, tuple or Windows
            Windows, or sequences in any other form that the estimators accept.

        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets. Of several channels those of the first come first, then those of the second.

        **fit_params : dict
            For `fit` of the regressor, such as `sample_weight`. `X_val` and `y_val` are scaled
            as `X` and `y` are.

        Returns
        -------
        self : object
            The estimator.
        """
        with put_back_on_error(self):
            return self._fit(X, y, fit_params)

    def _fit(self, X: Any, y: Any, fit_params: dict[str, Any]) -> Self:
        if y is None:
            raise ValueError(
                f"This {type(self).__name__} estimator requires y to be passed, but the target y "
                "is None."
            )
        check_same_order(X, y=y, sample_weight=fit_params.get("sample_weight"))
        sequences = read_sequences(self, X, reset=True, allow_nan=self._allows_nan)
        self._channels = _target_channels(self.target, X, sequences)
        own = self._own_scale(sequences)
        spread = own.spread[:, self._channels]
        self.typical_spread_ = np.array(
            [np.median(column[column > 0]) if column.any() else 1.0 for column in spread.T]
        )
        own = self._without_zeros(own)
        params = self._routed("fit", fit_params)
        X, y = self._scaled(X, sequences, own), self._scaled_targets(y, own)
        self.regressor_ = clone(self.regressor).fit(X, y, **self._with_scaled_validation(params))
        return self

    def predict(self, X: Any, **predict_params: Any) -> Any:
        """Predict on the scale of the targets.

        Parameters
        ----------
        X : array-like, DataFrame, list, tuple or Windows
            Windows with the channels seen in `fit`.

        **predict_params : dict
            For `predict` of the regressor, such as ``return_std=True``.

        Returns
        -------
        ndarray
            What the regressor predicts, on the scale of the targets; a tuple of predictions and
            their standard deviations where the regressor gives one.
        """
        check_is_fitted(self)
        params = self._routed("predict", predict_params)
        X, own = self._scaled_windows(X)
        predicted = self.regressor_.predict(X, **params)
        if isinstance(predicted, tuple):
            mean, std = predicted
            return self._back(mean, own), self._back(std, own, with_level=False)
        return self._back(predicted, own)

    @available_if(_predicts_quantiles)
    def predict_quantiles(self, X: Any, *args: Any, **params: Any) -> np.ndarray:
        """Predict quantiles on the scale of the targets; only if the regressor has the method.

        Parameters
        ----------
        X : array-like, DataFrame, list, tuple or Windows
            Windows with the channels seen in `fit`.

        *args, **params
            For the method of the regressor.

        Returns
        -------
        ndarray
            What the regressor predicts, on the scale of the targets.
        """
        check_is_fitted(self)
        X, own = self._scaled_windows(X)
        return self._back(self.regressor_.predict_quantiles(X, *args, **params), own)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the score of the predictions on the scale of the targets.

        Parameters
        ----------
        X : array-like, DataFrame, list, tuple or Windows
            Windows with the channels seen in `fit`.

        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            True targets. Where there are several outputs, single ones may be missing (NaN) if the
            regressor at work inside is a :class:`skrnn.RNNRegressor`.

        sample_weight : array-like of shape (n_samples,), default=None
            Weights.

        Returns
        -------
        float
            The coefficient of determination R2; of several quantiles, as
            :meth:`skrnn.RNNRegressor.score` has it.
        """
        check_is_fitted(self)
        check_same_order(X, y=y, sample_weight=sample_weight)
        targets = getattr(innermost(self.regressor_), "_targets", None)
        if targets is None:
            return super().score(X, y, sample_weight)
        y_pred, y = self.predict(X), _checked_targets(y)
        check_consistent_length(y_pred, y, sample_weight)
        return targets.score(y, y_pred, sample_weight, per_step=False)

    def get_metadata_routing(self) -> Any:
        """Return the metadata that the regressor requests.

        Returns
        -------
        MetadataRouter
        """
        methods = MethodMapping().add(caller="fit", callee="fit")
        methods = methods.add(caller="predict", callee="predict")
        return MetadataRouter(owner=self).add(regressor=self.regressor, method_mapping=methods)

    def _routed(self, method: str, params: dict) -> dict:
        """The parameters that the method of the regressor gets: all, unless they are routed."""
        if not get_config()["enable_metadata_routing"]:
            return params
        return process_routing(self, method, **params).regressor[method]

    def _handed_on(self, X, y):
        """Return data as they arrive at the regressor; `y` may be None once this is fitted."""
        if not hasattr(self, "regressor_"):
            kept = clone(self).set_params(regressor=_Kept())
            inside = kept.fit(X, y).regressor_
            return inside.X_, inside.y_
        scaled, own = self._scaled_windows(X)
        return scaled, None if y is None else self._scaled_targets(y, own)

    def _own_scale(self, sequences: Sequences) -> OwnScale:
        chosen = np.isin(np.arange(sequences.n_channels), self._channels)
        return OwnScale.of(sequences, self.method, chosen)

    def _without_zeros(self, own: OwnScale) -> OwnScale:
        """Give constant windows a spread: that of their level, or the typical one."""
        spread = own.spread.copy()
        chosen, level = spread[:, self._channels], np.abs(own.center[:, self._channels])
        instead = np.where(level > 0, level, self.typical_spread_)
        spread[:, self._channels] = np.where(chosen > 0, chosen, instead)
        return OwnScale(own.center, spread)

    @staticmethod
    def _scaled(X, sequences: Sequences, own: OwnScale) -> Any:
        # Windows made by hand become ones that know which rows they share.
        windows = None if sequences.first_rows is None else as_windows(X)
        return own.scaled(X if windows is None else windows, sequences)

    def _scaled_windows(self, X) -> tuple[Any, OwnScale]:
        sequences = read_sequences(self, X, reset=False, allow_nan=self._allows_nan)
        own = self._without_zeros(self._own_scale(sequences))
        return self._scaled(X, sequences, own), own

    def _scaled_targets(self, y, own: OwnScale) -> np.ndarray:
        y = _checked_targets(y)
        check_consistent_length(own.center, y)
        level, spread = self._per_output(y, own)
        return (y - level) / spread

    def _back(self, predicted, own: OwnScale, *, with_level: bool = True) -> np.ndarray:
        level, spread = self._per_output(np.asarray(predicted), own)
        return predicted * spread + (level if with_level else 0.0)

    def _per_output(self, values: np.ndarray, own: OwnScale) -> tuple[np.ndarray, np.ndarray]:
        """Level and spread in the shape of targets or predictions, or one that fits to it."""
        n_targets = len(self._channels)
        n_outputs = values.shape[1] if values.ndim > 1 else 1
        if n_outputs % n_targets:
            raise ValueError(
                f"There are {n_outputs} outputs of {n_targets} channels that are forecast; "
                "expected as many of every channel. Name those that y is of as target."
            )
        shape = (len(values), n_outputs, *(1,) * (values.ndim - 2))
        level, spread = (
            np.repeat(array[:, self._channels], n_outputs // n_targets, axis=1)
            for array in (own.center, own.spread)
        )
        if values.ndim == 1:
            return level[:, 0], spread[:, 0]
        return level.reshape(shape), spread.reshape(shape)

    def _with_scaled_validation(self, params: dict) -> dict:
        """The parameters of `fit`, with a validation set on its windows' own scale."""
        params = dict(params)
        for name in [name for name in params if name.rpartition("__")[2] == "X_val"]:
            of_targets = name.removesuffix("X_val") + "y_val"
            params[name], own = self._scaled_windows(params[name])
            if params.get(of_targets) is not None:
                params[of_targets] = self._scaled_targets(params[of_targets], own)
        return params

    @property
    def _allows_nan(self) -> bool:
        return get_tags(self.regressor).input_tags.allow_nan

    def __sklearn_tags__(self) -> Any:
        tags, inside = super().__sklearn_tags__(), get_tags(self.regressor)
        tags.input_tags.three_d_array = True
        tags.input_tags.allow_nan = inside.input_tags.allow_nan
        tags.target_tags.multi_output = inside.target_tags.multi_output
        # Of rows that are no sequences, the level may be all that there is to learn.
        tags.regressor_tags.poor_score = True
        return tags


def _checked_targets(y: Any) -> np.ndarray:
    """Return targets as float64; single ones may be missing."""
    if y is None:
        raise ValueError("y is None; expected the true targets, one number or several a window.")
    try:
        return check_array(
            plain_targets(y),
            dtype=np.float64,
            ensure_2d=False,
            ensure_all_finite="allow-nan",
            input_name="y",
        )
    except ValueError as error:
        if "could not convert string" in str(error):
            raise ValueError(
                "y holds texts; WindowScaledRegressor expects numbers. Classify windows by an "
                "RNNClassifier behind SequenceScaler(per='sequence')."
            ) from error
        if "setting an array element" not in str(error):
            raise
        raise ValueError(
            "y holds sequences; expected numbers, as one array of shape (n_samples,) or "
            "(n_samples, n_outputs). Cut windows of one length, with as many targets each, by "
            "skrnn.preprocessing.make_windows."
        ) from error


class _Kept(RegressorMixin, BaseEstimator):
    """Keeps what it is given, to see what a wrapper hands on."""

    def fit(self, X, y):
        self.X_, self.y_ = X, y
        return self

    def predict(self, X):
        return self.y_


def _target_channels(target: Any, X: Any, sequences: Sequences) -> np.ndarray:
    """Return the numbers of the channels that are forecast, in the order of the targets."""
    of_windows = X.targets if isinstance(X, Windows) else None
    names: list = list(X.channels or []) if isinstance(X, Windows) else sequences.channels or []
    n_channels = sequences.n_channels
    if target is not None:
        wanted = [target] if isinstance(target, str | Integral) else list(target)
    elif of_windows is not None:
        wanted = list(of_windows)
    elif n_channels == 1:
        return np.array([0])
    else:
        raise ValueError(
            f"X has {n_channels} channels and does not say which of them are forecast. Name them "
            "as target, or pass the X of skrnn.preprocessing.make_windows as it is."
        )
    found = []
    for name in wanted:
        is_number = isinstance(name, Integral) and not isinstance(name, bool)
        if name in names:
            found.append(names.index(name))
        elif is_number and target is not None and 0 <= int(name) < n_channels:
            found.append(int(name))
        else:
            known = f"{names}" if names else f"0 to {n_channels - 1}, without names"
            raise ValueError(
                f"The target {python_value(name)!r} is no channel of X, of which the level of a "
                f"window could be taken: the channels are {known}. Let the windows hold it."
            )
    if not found or len(set(found)) < len(found):
        raise ValueError(f"target must name channels, each once, got {python_value(target)!r}.")
    return np.array(found)
