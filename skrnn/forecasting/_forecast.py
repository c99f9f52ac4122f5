"""Forecasts many steps ahead: those of a fitted estimator, and the seasonal naive one."""

from __future__ import annotations

from collections.abc import Hashable
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd

from skrnn._shown import python_value
from skrnn.preprocessing._forecast_windows import ForecastWindows, WindowSource
from skrnn.preprocessing._table import label
from skrnn.sequences import Windows


def forecast(
    estimator: Any, windows: ForecastWindows, horizon: Any = None, *, quantiles: Any = None
) -> pd.Series | pd.DataFrame:
    """Forecast from windows, as many time steps ahead as wanted.

    If the estimator was fitted on windows that have all of these horizons as targets, its
    predictions are the forecast (the *direct* one). If it was fitted on the first horizons only,
    such as the next step, what it predicts is put at the end of the windows and forecast from in
    turn (the *recursive* one).

    Parameters
    ----------
    estimator : estimator
        Fitted on the `X` and `y` of windows that were cut as these are.
    windows : ForecastWindows
        What :func:`~skrnn.preprocessing.make_windows` returns, a part of it, or its `latest`.
    horizon : int or sequence of int, default=None
        How many time steps ahead, >= 1: 24 for each of the next 24 time steps, or a list of those
        wanted. None takes those that the windows have as targets.
    quantiles : sequence of float, default=None
        Levels of quantiles to forecast, in (0, 1). The estimator has a method
        ``predict_quantiles(X, quantiles)``, or its `predict` returns these quantiles on an axis
        behind those of the targets. Only direct.

    Returns
    -------
    Series or DataFrame
        A row for each window and horizon, under the forecast origin and the time that it is for,
        below the group if there are groups. A DataFrame with a column for each target if there
        are several, or with a column for each quantile.

    Raises
    ------
    TypeError
        If `windows` are none of `make_windows`.
    ValueError
        If the horizons or quantiles are not valid; or if a recursive forecast would need what is
        not known: the future of a channel that is neither a target nor known in advance, or more
        of the known future than the table holds.

    See Also
    --------
    backtest : Forecasts from origins in the past, beside what came then.

    Notes
    -----
    The table that the windows were cut from gives the future of known columns: put rows for it at
    its end, with nothing else in them. A category that is the same in all rows of a series, such
    as its name, stays the same.

    Examples
    --------
    >>> from skrnn import RNNRegressor
    >>> from skrnn.datasets import load_airline_passengers
    >>> from skrnn.forecasting import WindowScaledRegressor, forecast
    >>> from skrnn.preprocessing import make_windows
    >>> windows = make_windows(load_airline_passengers(), window=24, horizon=1)
    >>> reg = WindowScaledRegressor(RNNRegressor(16, max_iter=60, random_state=0))
    >>> year = forecast(reg.fit(windows.X, windows.y), windows.latest, 12)
    >>> year.index[-1]
    (Period('1960-12', 'M'), Period('1961-12', 'M'))
    >>> bool(year.between(300, 700).all())
    True
    """
    asked = asked_horizons(windows, horizon)
    levels = _levels(quantiles)
    wanted = windows.at_horizons(asked)
    if set(asked) <= set(windows.horizons):
        values = _answer(estimator, windows.X, windows, levels)
        columns = [windows.horizons.index(h) for h in asked]
        return wanted.on_time_axis(values[:, :, columns], levels)
    if levels is not None:
        raise ValueError(
            f"Quantiles of the horizons {_some(asked)} cannot be forecast from windows with the "
            f"targets {_some(windows.horizons)}: quantiles are not put at the end of a window to "
            "forecast from in turn. Make windows with all of these horizons."
        )
    path = _recursive(estimator, windows, max(asked))
    return wanted.on_time_axis(path[:, :, np.array(asked) - 1])


def seasonal_naive(
    windows: ForecastWindows, horizon: Any = None, *, season: Any = 1
) -> pd.Series | pd.DataFrame:
    """Forecast the last value that is known of the same time of the season.

    Parameters
    ----------
    windows : ForecastWindows
        What :func:`~skrnn.preprocessing.make_windows` returns, a part of it, or its `latest`.
    horizon : int or sequence of int, default=None
        As in `forecast`.
    season : int, default=1
        Time steps of a season, >= 1, such as 24 or 168 of hours. 1 repeats the last value.

    Returns
    -------
    Series or DataFrame
        As that of `forecast`; NaN where there is no such value, also across a gap.

    Raises
    ------
    TypeError
        If `windows` are none of `make_windows`.
    ValueError
        If `horizon` or `season` is not valid, or the targets are labels.

    Examples
    --------
    >>> import pandas as pd
    >>> from skrnn.forecasting import seasonal_naive
    >>> from skrnn.preprocessing import make_windows
    >>> windows = make_windows(pd.Series([1.0, 2.0, 3.0, 4.0, 5.0]), window=2)
    >>> seasonal_naive(windows.latest, 3, season=2).tolist()
    [4.0, 5.0, 4.0]
    """
    is_count = isinstance(season, Integral) and not isinstance(season, bool)
    if not is_count or int(season) < 1:
        raise ValueError(f"season must be an integer >= 1, got {python_value(season)!r}.")
    season = int(season)
    asked = asked_horizons(windows, horizon)
    wanted = windows.at_horizons(asked)
    source, rows = source_of(windows)
    if source.targets.series.labels:
        raise ValueError("The targets are labels, of which there is no seasonal naive forecast.")
    values = [
        [source.targets.value(name, rows, h - season * -(-h // season)) for h in asked]
        for name in windows.targets
    ]
    return wanted.on_time_axis(np.moveaxis(np.array(values), 2, 0))


def asked_horizons(windows: Any, horizon: Any) -> list[int]:
    """The horizons that are to be forecast."""
    if not isinstance(windows, ForecastWindows):
        raise TypeError(
            "windows must be what skrnn.preprocessing.make_windows returns, a part of it or its "
            f"latest, got {type(windows).__name__}."
        )
    asked = windows.horizons if horizon is None else np.ravel(horizon).tolist()
    if horizon is not None and np.ndim(horizon) == 0 and isinstance(horizon, Integral):
        asked = list(range(1, int(horizon) + 1))
    if not asked or not all(isinstance(h, Integral) and int(h) >= 1 for h in asked):
        raise ValueError(
            f"horizon must be an integer >= 1 or several, got {python_value(horizon)!r}"
            f"{f'; the windows have {_some(asked)}' if horizon is None else ''}."
        )
    if len(set(asked)) < len(asked):
        raise ValueError(f"horizon names a time step twice: {python_value(horizon)!r}.")
    return [int(h) for h in asked]


def _levels(quantiles: Any) -> list[float] | None:
    if quantiles is None:
        return None
    levels = np.ravel(quantiles).tolist()
    valid = all(isinstance(q, float) and 0 < q < 1 for q in levels)
    if not levels or not valid or len(set(levels)) < len(levels):
        raise ValueError(
            f"quantiles must be numbers in (0, 1), each once, got {python_value(quantiles)!r}."
        )
    return levels


def source_of(windows: ForecastWindows) -> tuple[WindowSource, np.ndarray]:
    assert windows.source is not None  # as at_horizons has checked
    assert windows.rows is not None
    return windows.source, windows.rows


def _answer(
    estimator: Any, X: Windows, windows: ForecastWindows, levels: list[float] | None
) -> np.ndarray:
    """Predictions of shape (n_windows, n_targets, n_horizons), with an axis for quantiles."""
    values = np.asarray(
        estimator.predict(X) if levels is None else _quantiles(estimator, X, levels)
    )
    n_targets, n_horizons = len(windows.targets), len(windows.horizons)
    shape = (len(X), n_targets, n_horizons, *(() if levels is None else (len(levels),)))
    if values.ndim > 3 or len(values) != len(X) or values.size != np.prod(shape):
        what, remedy = "one number", " If it predicts quantiles, pass their levels."
        if levels is not None:
            what = f"{len(levels)} quantiles"
            remedy = (
                " Quantiles come from its method predict_quantiles, which it has not, or from its "
                "predict, on an axis behind that of the targets."
            )
        raise ValueError(
            f"The estimator predicts an array of shape {values.shape} for {len(X)} windows; "
            f"expected {what} of each of {n_targets} target(s) at {n_horizons} horizon(s). Fit it "
            f"on the y of windows that were cut as these are.{remedy}"
        )
    return values.reshape(shape)


def _quantiles(estimator: Any, X: Any, levels: list[float]) -> Any:
    """Quantiles by the method of that name, also of the last step of a pipeline."""
    if hasattr(estimator, "predict_quantiles"):
        return estimator.predict_quantiles(X, levels)
    if hasattr(estimator, "best_estimator_"):
        return _quantiles(estimator.best_estimator_, X, levels)
    if hasattr(estimator, "steps") and hasattr(estimator[-1], "predict_quantiles"):
        before = estimator[:-1]
        return estimator[-1].predict_quantiles(before.transform(X) if len(before) else X, levels)
    return estimator.predict(X)


def _recursive(estimator: Any, windows: ForecastWindows, farthest: int) -> np.ndarray:
    """Predictions of shape (n_windows, n_targets, farthest), block after block."""
    block = next(h for h in range(farthest + 1) if h + 1 not in windows.horizons)
    if block == 0:
        raise ValueError(
            f"The horizons up to {farthest} cannot be forecast from windows with the targets "
            f"{_some(windows.horizons)}: to go on from its own predictions an estimator needs the "
            "next time step among them. Add horizon 1, or all horizons that you want."
        )
    rolling = _RollingWindows(windows, farthest - block)
    columns = [windows.horizons.index(h) for h in range(1, block + 1)]
    for start in [*range(0, farthest - block, block), farthest - block]:
        values = _answer(estimator, rolling.at(start), windows, None)
        rolling.put(start, values[:, :, columns])
    return rolling.path[:, :, :farthest]


class _RollingWindows:
    """Windows that move on over what has been predicted.

    Attributes
    ----------
    path : ndarray of shape (n_windows, n_targets, n_steps)
        What has been predicted.
    """

    def __init__(self, windows: ForecastWindows, n_steps: int):
        source, rows = source_of(windows)
        names = source.targets.series.names
        self.windows, self.n_steps = windows, n_steps
        self.target_channels = [_channel(names.channels, name) for name in windows.targets]
        self.path = np.empty((len(rows), len(windows.targets), 0))
        past = np.asarray(windows.X)
        future = np.repeat(past[:, -1:], n_steps, axis=1)
        for channel, name in enumerate(names.channels):
            if name in names.known:
                future[:, :, channel] = _known_future(windows, name, n_steps)
            elif name not in windows.targets:
                _check_that_it_stays(source, name)
        self.rows = np.concatenate([past, future], axis=1)
        if any(name in source.targets.series.labels for name in windows.targets):
            raise ValueError(
                "Predicted labels cannot be put at the end of a window to forecast from in turn. "
                "Make windows with all horizons that you want."
            )

    def at(self, step: int) -> Windows:
        """The windows that have moved on by so many steps."""
        X, (n, n_timesteps, n_channels) = self.windows.X, self.windows.X.shape
        table = self.rows[:, step : step + n_timesteps].reshape(-1, n_channels)
        starts = n_timesteps * np.arange(n)
        return Windows(table, starts, n_timesteps, X.channels, targets=X.targets)

    def put(self, step: int, values: np.ndarray) -> None:
        """Put what is predicted for the steps after `step` where windows to come find it."""
        self.path = np.concatenate([self.path[:, :, :step], values], axis=2)
        n_timesteps, n_steps = self.windows.X.shape[1], min(self.path.shape[2], self.n_steps)
        ahead = self.rows[:, n_timesteps : n_timesteps + n_steps]
        ahead[:, :, self.target_channels] = self.path[:, :, :n_steps].swapaxes(1, 2)


def _channel(channels: list[Hashable], target: Hashable) -> int:
    if target not in channels:
        raise ValueError(
            f"The target {target!r} is no channel of the windows, so that a prediction of it "
            "cannot be put at their end. Make windows with all horizons that you want, or with the "
            "target among the channels."
        )
    return channels.index(target)


def _known_future(windows: ForecastWindows, name: Hashable, n_steps: int) -> np.ndarray:
    """The values of a known column that move into the windows, (n_windows, n_steps)."""
    source, rows = source_of(windows)
    lead = max(windows.horizons)
    values = [source.targets.value(name, rows, lead + i) for i in range(1, n_steps + 1)]
    future = np.array(values).reshape(n_steps, len(rows)).T
    missing = ~np.isfinite(future)
    if missing.any():
        row, step = np.argwhere(missing)[0]
        raise ValueError(
            f"The forecast from {label(windows.times, int(row))!r} needs {name!r}, which is known "
            f"in advance, up to {lead + n_steps} time steps after it, but has no value "
            f"{lead + 1 + step} steps after it. Put rows for them at the end of the table that "
            "make_windows gets, or lower horizon."
        )
    return future


def _check_that_it_stays(source: WindowSource, name: Hashable) -> None:
    """Raise an error unless a channel is a category that a series keeps."""
    series = source.targets.series
    column = pd.Series(series.columns[name]).groupby(series.codes)
    if name not in series.encoders or (column.nunique() > 1).any():
        raise ValueError(
            f"The future of the channel {name!r} is not known, so that the windows cannot move on. "
            "Forecast it too, as another target; name it as known if its future is; leave it out "
            "of channels; or make windows with all horizons that you want."
        )


def _some(horizons: list[int]) -> str:
    return f"{horizons}" if len(horizons) <= 6 else f"{horizons[0]}, ..., {horizons[-1]}"
