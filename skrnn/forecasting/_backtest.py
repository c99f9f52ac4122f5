"""Forecasts from origins in the past, beside what came then and beside a simple forecast."""

from __future__ import annotations

from collections.abc import Hashable
from numbers import Integral
from typing import Any, cast

import numpy as np
import pandas as pd
from sklearn.base import clone

from skrnn.forecasting._forecast import asked_horizons, forecast, seasonal_naive, source_of
from skrnn.model_selection import ForecastSplit
from skrnn.preprocessing._forecast_windows import ForecastWindows


def backtest(
    estimator: Any,
    windows: ForecastWindows,
    *,
    cv: Any = 3,
    horizon: Any = None,
    season: Any = 1,
    quantiles: Any = None,
) -> pd.DataFrame:
    """Forecast from origins in the past, and put the truth and a simple forecast beside it.

    In every fold a clone of the estimator is fitted to the past alone, and forecasts from each
    origin of the test part, for all series.

    Parameters
    ----------
    estimator : estimator
        It is cloned; fitted or not.
    windows : ForecastWindows
        What :func:`~skrnn.preprocessing.make_windows` returns, or a part of it.
    cv : int or splitter, default=3
        A number of folds for :class:`~skrnn.model_selection.ForecastSplit`, or a splitter that
        trains on the past.
    horizon : int or sequence of int, default=None
        As in :func:`forecast`, which goes on from its own predictions beyond the horizons of the
        windows.
    season : int, default=1
        Time steps of a season, >= 1, for the simple forecast, :func:`seasonal_naive`.
    quantiles : sequence of float, default=None
        Levels of quantiles to forecast as well, as in :func:`forecast`.

    Returns
    -------
    DataFrame
        A row for each window, horizon and target, under the origin and the time that it is for,
        below the group if there are groups. Rows whose truth is not known are left out. Columns:

        - ``fold`` and ``horizon``, and with several targets ``target``;
        - ``true``, ``predicted`` and ``baseline``, the seasonal naive forecast. With `quantiles`
          `predicted` is the median if it is among them, else what `predict` returns;
        - a column for each quantile, under its level;
        - ``scale``, the mean absolute error of the one-step seasonal naive forecast of the series
          up to the first origin of the fold: mean absolute errors divided by it are those of
          :func:`skrnn.metrics.mase`, which can be compared and averaged over series.

    Raises
    ------
    TypeError, ValueError
        As `forecast` and `ForecastSplit`; or if the windows have no targets.

    Examples
    --------
    >>> from skrnn import RNNRegressor
    >>> from skrnn.datasets import load_airline_passengers
    >>> from skrnn.forecasting import WindowScaledRegressor, backtest
    >>> from skrnn.preprocessing import make_windows
    >>> windows = make_windows(load_airline_passengers(), window=24, horizon=range(1, 7))
    >>> reg = WindowScaledRegressor(RNNRegressor(16, max_iter=100, random_state=0))
    >>> result = backtest(reg, windows, cv=2, season=12)
    >>> errors = result[["predicted", "baseline"]].sub(result["true"], axis=0).abs()
    >>> errors.groupby(result["horizon"]).mean().shape
    (6, 2)
    """
    # Checks the parameters before anything is fitted.
    seasonal_naive(windows, horizon, season=season)
    if windows.y is None:
        raise ValueError("These windows have no targets yet, as latest: there is nothing to test.")
    folds = ForecastSplit(cast(int, cv)) if isinstance(cv, Integral) else cv
    if not hasattr(folds, "split"):
        raise TypeError(f"cv must be an int or a splitter, got {type(cv).__name__}.")
    parts = []
    for fold, (train, test) in enumerate(folds.split(windows.X)):
        past, part = windows[train], windows[test]
        fitted = clone(estimator).fit(past.X, past.y)
        compared = _compared(fitted, part, horizon, season, quantiles)
        compared.insert(0, "fold", fold)
        parts.append(compared)
    return pd.concat(parts).dropna(subset="true")


def _compared(
    fitted: Any, windows: ForecastWindows, horizon: Any, season: int, quantiles: Any
) -> pd.DataFrame:
    """Truth and forecasts side by side, target after target."""
    bands = None if quantiles is None else forecast(fitted, windows, horizon, quantiles=quantiles)
    if bands is not None and 0.5 in np.ravel(quantiles):
        several = bands.columns.nlevels > 1
        predicted = bands.xs(0.5, axis=1, level="quantile") if several else bands[0.5]
    else:
        predicted = forecast(fitted, windows, horizon)
    forecasts = {
        "predicted": predicted,
        "baseline": seasonal_naive(windows, horizon, season=season),
    }
    asked = asked_horizons(windows, horizon)
    source, rows = source_of(windows)
    frames = []
    for name in windows.targets:
        frame = pd.DataFrame({"horizon": np.tile(asked, len(rows))}, index=predicted.index)
        if len(windows.targets) > 1:
            frame["target"] = name
        frame["true"] = np.column_stack(
            [source.targets.value(name, rows, h) for h in asked]
        ).ravel()
        for column, values in forecasts.items():
            frame[column] = (values if values.ndim == 1 else values[name]).to_numpy()
        if bands is not None:
            of_target = bands if bands.columns.nlevels == 1 else bands[name]
            for level in np.ravel(quantiles).tolist():
                frame[level] = of_target[level].to_numpy()
        frame["scale"] = np.repeat(naive_error(windows, name, season), len(asked))
        frames.append(frame)
    return pd.concat(frames)


def naive_error(windows: ForecastWindows, name: Hashable, season: int) -> np.ndarray:
    """The error of the seasonal naive forecast up to the first origin, for the series of each."""
    source, rows = source_of(windows)
    series = source.targets.series
    past = np.flatnonzero(series.stamps <= series.stamps[rows].min())
    errors = pd.Series(series.columns[name][past] - source.targets.value(name, past, -season))
    return errors.abs().groupby(series.codes[past]).mean().reindex(series.codes[rows]).to_numpy()
