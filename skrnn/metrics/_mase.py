"""The error of a forecast in units of a simple one's."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
from sklearn.metrics import mean_absolute_error
from sklearn.utils import check_array

from skrnn._shown import python_value


def mase(
    y_true: Any,
    y_pred: Any,
    *,
    y_train: Any,
    season: Any = 1,
    sample_weight: Any = None,
    multioutput: Any = "uniform_average",
) -> Any:
    """Mean absolute scaled error: that of a forecast in units of a simple one's in the past.

    ``mean(|y_true - y_pred|) / mean(|y_train[t] - y_train[t - season]|)`` [1]_. It has no unit, so
    it can be compared and averaged over series of every size; below 1 the forecast errs less than
    the seasonal naive forecast of one step (or season) ahead did in the past.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Values of one series and their forecasts; columns are horizons or targets.
    y_train : array-like of shape (n_train,) or (n_train, n_outputs)
        The past of the series that was trained on, step after step. One column serves all outputs.
        Missing values (NaN) are left out.
    season : int, default=1
        Time steps of a season, >= 1. 1 compares with the value of the step before.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights, >= 0.
    multioutput : {"raw_values", "uniform_average"} or array-like, default="uniform_average"
        Whether errors of several outputs are returned as they are or averaged, by weights if an
        array of them is given.

    Returns
    -------
    float or ndarray of shape (n_outputs,)
        Less is better; 0 is perfect.

    Raises
    ------
    ValueError
        If a parameter is not valid, or `y_train` does not change from season to season.

    References
    ----------
    .. [1] R. J. Hyndman, A. B. Koehler, "Another look at measures of forecast accuracy",
       International Journal of Forecasting 22 (2006) 679-688.

    Examples
    --------
    >>> from skrnn.metrics import mase
    >>> mase([5.0, 7.0], [6.0, 7.0], y_train=[1.0, 2.0, 4.0, 5.0])
    0.375
    """
    errors = mean_absolute_error(
        y_true, y_pred, sample_weight=sample_weight, multioutput="raw_values"
    )
    scaled = errors / _naive_error(y_train, season, len(errors))
    if isinstance(multioutput, str) and multioutput == "raw_values":
        return scaled
    if isinstance(multioutput, str) and multioutput != "uniform_average":
        raise ValueError(
            "multioutput must be 'raw_values', 'uniform_average' or weights of the outputs, got "
            f"{multioutput!r}."
        )
    return float(np.average(scaled, weights=None if isinstance(multioutput, str) else multioutput))


def _naive_error(y_train: Any, season: Any, n_outputs: int) -> np.ndarray:
    """The mean absolute error of the seasonal naive forecast, of every column of `y_train`."""
    past = check_array(
        y_train,
        ensure_2d=False,
        dtype=np.float64,
        ensure_all_finite="allow-nan",
        input_name="y_train",
    )
    past = past.reshape(len(past), -1)
    is_count = isinstance(season, Integral) and not isinstance(season, bool)
    if not is_count or not 1 <= int(season) < len(past):
        raise ValueError(
            f"season must be an integer >= 1 and below the {len(past)} rows of y_train, got "
            f"{python_value(season)!r}."
        )
    if past.shape[1] not in (1, n_outputs):
        raise ValueError(
            f"y_train has {past.shape[1]} columns, but there are {n_outputs} outputs; expected as "
            "many, or one for all."
        )
    changes = np.abs(past[int(season) :] - past[: -int(season)])
    known = ~np.isnan(changes)
    error = np.where(known, changes, 0).sum(axis=0) / known.sum(axis=0).clip(min=1)
    if not error.all():
        raise ValueError(
            f"y_train has no change from one season of {season} steps to the next (in column "
            f"{int(np.argmin(error))}), so its error cannot be the unit of another. Take another "
            "season, or an error without scale, such as mean_absolute_error."
        )
    return error
