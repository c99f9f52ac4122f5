"""Cut a time series into windows and the values to forecast from them."""

from __future__ import annotations

import warnings
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from numbers import Integral
from typing import Any, Literal

import numpy as np
import pandas as pd

from skrnn._shown import python_value
from skrnn.preprocessing._calendar import ROWS, TimeStep, time_step
from skrnn.preprocessing._forecast_windows import ForecastWindows, WindowSource
from skrnn.preprocessing._series import (
    TimeSeries,
    choose_columns,
    follows_of,
    future_rows,
    labels_of,
    read_series,
    refuse_gaps,
)
from skrnn.preprocessing._table import as_table, label
from skrnn.preprocessing._tokens import TokenEncoder
from skrnn.preprocessing._window_targets import WindowTargets


def make_windows(
    data: Any,
    *,
    window: int,
    horizon: int | Sequence[int] = 1,
    stride: int = 1,
    target: Hashable | Sequence[Hashable] | None = None,
    channels: Hashable | Sequence[Hashable] | None = None,
    known: Hashable | Sequence[Hashable] = (),
    group: Hashable | None = None,
    time: Hashable | None = None,
    freq: Any = None,
    tolerance: Any = None,
    gaps: Literal["raise", "skip", "keep"] = "raise",
    return_sequences: bool = False,
    encoders: Mapping[Hashable, TokenEncoder] | None = None,
) -> ForecastWindows:
    """Cut time series into windows and the values to forecast from them.

    A window is `window` rows that follow each other without a gap; its targets lie `horizon`
    time steps after its last row. A window holds nothing from the times of its targets or later,
    except in the columns that are `known` in advance. Windows are in the order of time, also
    those of several series.

    Parameters
    ----------
    data : Series or DataFrame
        The series, one row for each time; or several below each other, told apart by `group`.
        A DataFrame may be of any kind that narwhals reads.
    window : int
        Time steps per window, >= 1.
    horizon : int or sequence of int, default=1
        How many time steps after the last row of the window the target lies, >= 0. Several give
        several outputs. With 0 a window is told what its last row belongs to, such as the state
        of a machine: its own columns then hold no target.
    stride : int, default=1
        Time steps from a window to the next one, >= 1.
    target : label or list of labels, default=None
        Columns to forecast. None takes all channels that are not `known`. A column of strings or
        of categories of strings gives labels for a classifier; these, and all targets at horizon
        0, keep their dtype, and other numbers become floats.
    channels : label or list of labels, default=None
        Columns that a window holds. None takes all numeric ones except `group` and `time`, and
        with horizon 0 except `target`. Columns of strings and categories, which have to be named,
        become ids for `embedding_dim` of the estimators; `group` may be among them, so that a
        network knows which series a window is of.
    known : label or list of labels, default=()
        Channels whose future is known, such as the calendar or a planned price. They run ahead
        of the others by the largest horizon: the last step of a window has their value at the
        time of the farthest target, so `window` must be at least the largest horizon. Rows at
        the end with nothing but these are the future that `latest` is forecast for.
    group : label, default=None
        Column, or level of the index, that says which series a row belongs to.
    time : label, default=None
        Column, or level of the index, with the time stamps. None takes the index. They are
        dates, periods, time differences or integers; the rows need not be in order.
    freq : str, DateOffset or int, default=None
        The time step, such as ``"MS"``. None takes the frequency of the index, or the step that
        most neighbouring time stamps of all series are apart: a fixed one, or business days,
        months, quarters or years. ``"rows"`` takes every row as one step after the row before it,
        whatever time lies between, as for trading days or visits; the time stamps, numbers of any
        kind among them, only put the rows in order.
    tolerance : time difference or int, default=None
        How far a time stamp may be from one time step after the one before it, such as ``"2s"``;
        less than half a time step. None asks for exact time stamps.
    gaps : {"raise", "skip", "keep"}, default="raise"
        Whether a time step without a row, or a row without a value, is an error or is kept out
        of all windows. With ``"keep"`` a value of a channel that is missing in a row comes as NaN
        in the windows, which the estimators take; targets, known channels and whole rows that
        are missing are kept out as with ``"skip"``.
    return_sequences : bool, default=False
        Whether there is a target `horizon` time steps after every step of a window, for
        estimators with ``return_sequences=True``; only with one target and one horizon.
    encoders : mapping of label to TokenEncoder, default=None
        What makes ids of the channels of strings, as `encoders` of earlier windows has them, so
        that ids are the same as there; what they did not see gets the id 0. None learns them.

    Returns
    -------
    ForecastWindows
        `X` and `y` to fit an estimator, their times, and the newest windows as `latest`. With
        ``freq="rows"`` the target times of `latest` are not known: in place of them stand the
        origins and how many rows ahead of them the targets lie.

    Raises
    ------
    TypeError
        If `data` is not a Series or DataFrame, a channel is not numeric, or the time stamps are
        of none of the kinds above.
    ValueError
        If a parameter is out of range, a column is missing, a time stamp is missing or
        occurs twice, there is a gap and `gaps` is ``"raise"``, no window fits, or some of the
        `known` future would be in no window.

    Warns
    -----
    UserWarning
        If some of the series are too short for any window.

    See Also
    --------
    from_long : Gathers whole sequences from a long table.

    Notes
    -----
    The rows are copied at most once, and no window is copied until an estimator gathers a batch.
    Ids must not be scaled: ``SequenceScaler(channels=[...])`` names the channels to scale.
    :class:`skrnn.model_selection.ForecastSplit` validates in the order of time, and keeps the
    targets of the training windows before the test windows by itself.
    ``sklearn.model_selection.TimeSeriesSplit`` counts windows: for one series set its ``gap`` to
    ``max(horizon) - 1``, for `n` series to `n` times that.

    Examples
    --------
    >>> from skrnn.datasets import load_airline_passengers
    >>> from skrnn.preprocessing import make_windows
    >>> windows = make_windows(load_airline_passengers(), window=12)
    >>> windows.X
    Windows(n_samples=132, n_timesteps=12, n_channels=1)
    >>> windows.y.head(2)
    month
    1950-01    115.0
    1950-02    126.0
    Freq: M, Name: passengers, dtype: float64
    >>> windows.latest.target_times
    PeriodIndex(['1961-01'], dtype='period[M]', name='month')
    """
    horizons = _check_parameters(window, horizon, stride, gaps)
    data = as_table(data.to_frame() if isinstance(data, pd.Series) else data)
    names = choose_columns(data, target, channels, known, (group, time), now=0 in horizons)
    keep_dtype = 0 in horizons
    if return_sequences:
        horizons = _horizons_of_steps(horizons, window, names.targets)
    count_rows = isinstance(freq, str) and freq == ROWS
    series = read_series(data, names, group, time, count_rows=count_rows, encoders=encoders)
    series.labels.update(labels_of(data, series, keep_dtype=keep_dtype))
    step = time_step(series.stamps, series.codes, freq, tolerance)
    follows = follows_of(series, step)
    if gaps == "raise":
        refuse_gaps(series, follows, step)
    if names.known:
        _check_that_windows_hold_the_future(window, max(horizons))
    segment = np.cumsum(~follows)
    inputs = _inputs(series, segment, max(horizons))
    usable = _usable(series, inputs, keep_gaps=gaps == "keep")
    origins, newest = _origins(series, usable, follows, window, horizons, stride, step)
    several = return_sequences or not isinstance(horizon, Integral)
    targets = WindowTargets(series, segment, step, horizons, several=several)
    source = WindowSource(inputs, usable, window, targets)
    latest = source.windows(newest) if len(newest) else None
    moment = _moments(series)
    origins = origins[np.argsort(moment[origins], kind="stable")]
    moments = np.column_stack([moment[origins], moment[origins + max(horizons)]])
    windows = source.windows(origins, moments)
    return replace(windows, y=targets.values(origins), latest=latest)


def _moments(series: TimeSeries) -> np.ndarray:
    """The place of every row among all different time stamps."""
    if len(series.ids) == 1:
        return np.arange(len(series.stamps))
    return pd.factorize(series.stamps, sort=True)[0]


def _check_parameters(window: Any, horizon: Any, stride: Any, gaps: Any) -> list[int]:
    horizons = np.ravel(horizon).tolist()
    for name, values in [("window", [window]), ("horizon", horizons), ("stride", [stride])]:
        least, several, got = 1, "", values[:1]
        if name == "horizon":
            least, several, got = 0, " or several", [horizon]
        if not values or not all(isinstance(v, Integral) and int(v) >= least for v in values):
            raise ValueError(
                f"{name} must be an integer >= {least}{several}, got {python_value(got[0])!r}."
            )
    if len(set(horizons)) < len(horizons):
        raise ValueError(f"horizon names a time step twice: {python_value(horizon)!r}.")
    if gaps not in ("raise", "skip", "keep"):
        raise ValueError(f"gaps must be 'raise', 'skip' or 'keep', got {gaps!r}.")
    return [int(h) for h in horizons]


def _check_that_windows_hold_the_future(window: int, farthest: int) -> None:
    """Raise an error if some of the future of known columns would be in no window."""
    if window < farthest:
        raise ValueError(
            f"window={window} is too short for columns that are known in advance with a horizon of "
            f"{farthest}: their values of the first {farthest - window} time steps after "
            f"the window would be nowhere. Set window to {farthest} or more."
        )


def _horizons_of_steps(horizons: list[int], window: int, targets: list[Hashable]) -> list[int]:
    """The horizons of a target after every step of a window, counted from its last step."""
    if len(targets) > 1:
        raise ValueError(
            f"return_sequences=True takes one target, got {targets}. Name one as target."
        )
    if len(horizons) > 1:
        raise ValueError(f"return_sequences=True takes one horizon, got {horizons}.")
    return list(range(horizons[0] - window + 1, horizons[0] + 1))


def _inputs(series: TimeSeries, segment: np.ndarray, lead: int) -> np.ndarray:
    """The channels side by side; those known in advance run ahead by `lead` rows."""
    columns = []
    for name in series.names.channels:
        column = series.columns[name]
        if name in series.names.known:
            ahead = np.full_like(column, np.nan)
            within = segment[lead:] == segment[: len(segment) - lead]
            ahead[: len(within)][within] = column[lead:][within]
            column = ahead
        columns.append(column)
    # One column needs no copy.
    return columns[0].reshape(-1, 1) if len(columns) == 1 else np.column_stack(columns)


def _usable(series: TimeSeries, inputs: np.ndarray, *, keep_gaps: bool) -> np.ndarray:
    """Return the mask of the rows that may be in windows."""
    finite = np.isfinite(inputs)
    if keep_gaps:
        observed = [name not in series.names.known for name in series.names.channels]
        finite[:, observed] |= np.isnan(inputs[:, observed]) & ~future_rows(series)[:, np.newaxis]
    return finite.all(axis=1)


def _origins(
    series: TimeSeries,
    usable: np.ndarray,
    follows: np.ndarray,
    window: int,
    horizons: list[int],
    stride: int,
    step: TimeStep,
) -> tuple[np.ndarray, np.ndarray]:
    """The last rows of the windows with known targets, and of the newest without, per series."""
    rows = np.arange(len(usable))
    # Usable rows since the last break, which is a row that does not follow or is not usable.
    start = np.maximum.accumulate(np.where(usable, np.where(follows, 0, rows), rows + 1))
    run = rows - start + 1
    segment = np.cumsum(~follows)
    targets = np.logical_and.reduce([np.isfinite(series.columns[n]) for n in series.names.targets])
    labelled = np.ones(len(rows), dtype=bool)
    for h in horizons:
        at = (rows + h).clip(0, len(rows) - 1)
        labelled &= (rows + h == at) & (segment[at] == segment) & targets[at]
    origins = np.flatnonzero(labelled & (run >= window) & ((run - window) % stride == 0))
    last = np.full(len(series.ids), -1)
    np.maximum.at(last, series.codes[usable], rows[usable])
    newest = last[last >= 0]
    newest = newest[(run[newest] >= window) & ~labelled[newest]]
    if not len(origins):
        raise ValueError(
            f"No window of {window} time steps fits: with its targets it takes "
            f"{window + max(horizons)} rows without a gap, and the longest run without a gap has "
            f"{run.max()}, where {step.in_words()}. Lower window or horizon, fill the gaps, or "
            "pass another time step as freq; freq='rows' takes every row as a step."
        )
    _warn_of_lost_series(series, np.union1d(series.codes[origins], series.codes[newest]), step)
    return origins, newest


def _warn_of_lost_series(series: TimeSeries, found: np.ndarray, step: TimeStep) -> None:
    """Warn of the series that have neither a window nor a forecast."""
    lost = np.setdiff1d(np.arange(len(series.ids)), found)
    if not len(lost):
        return
    names = ", ".join(repr(label(series.ids, i)) for i in lost[:5])
    warnings.warn(
        f"{len(lost)} of {len(series.ids)} series are too short for a window, and so are in none: "
        f"{series.group} {names}{', ...' if len(lost) > 5 else ''}, where {step.in_words()}. "
        "Lower window or horizon, or drop these series.",
        UserWarning,
        stacklevel=4,
    )
