"""Cut a time series into windows and the values to forecast from them."""

from __future__ import annotations

import warnings
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd

from skrnn._shown import python_value
from skrnn.preprocessing._calendar import ROWS, TimeStep, time_step
from skrnn.preprocessing._series import (
    TimeSeries,
    choose_columns,
    follows_of,
    future_rows,
    read_series,
    refuse_gaps,
)
from skrnn.preprocessing._table import as_table, label
from skrnn.sequences import Windows


@dataclass(frozen=True, eq=False)
class ForecastWindows:
    """Windows of a time series and the values to forecast from them.

    They have a length, and ``windows[key]`` with a slice, a mask or indices is a part of them.

    Attributes
    ----------
    X : Windows of shape (n_windows, n_timesteps, n_channels)
        The windows, which share the rows of the table.
    y : Series or DataFrame of n_windows rows, or None
        The targets. With one horizon a Series, or a DataFrame with a column for each target,
        whose index has the times of the targets; with several horizons a DataFrame with a column
        for each target and horizon, whose index has the forecast origins. With
        `return_sequences` the horizons are those of all steps, counted from the last one. None
        where they are not known yet.
    times : Index of length n_windows
        The forecast origins: the time of the last step of every window, below its group if
        there are groups.
    target_times : Index of length n_windows * n_horizons
        The times of the targets, window after window; with several horizons below the origin.
    targets : list of labels
        Names of the targets.
    latest : ForecastWindows or None
        The newest window of every series, with targets still to come; None for none.
    """

    X: Windows
    y: pd.Series | pd.DataFrame | None
    times: pd.Index
    target_times: pd.Index
    targets: list[Hashable]
    latest: ForecastWindows | None = None

    def __len__(self) -> int:
        return len(self.X)

    def __repr__(self) -> str:
        span = ""
        if len(self.target_times):
            span = f", from {self.target_times.min()} to {self.target_times.max()}"
        return f"ForecastWindows(X={self.X!r}, targets={self.targets}{span})"

    def __array__(self, *args: Any, **kwargs: Any) -> np.ndarray:
        raise TypeError(
            "This holds windows and their targets side by side: pass the field X as X, and the "
            "field y as y, for example windows.latest.X for the forecast from the newest rows."
        )

    def __getitem__(self, key: Any) -> ForecastWindows:
        chosen = np.atleast_1d(np.arange(len(self))[key])
        n_horizons = len(self.target_times) // max(1, len(self))
        rows = chosen[:, np.newaxis] * n_horizons + np.arange(n_horizons)
        return replace(
            self,
            X=self.X[chosen],
            y=None if self.y is None else self.y.iloc[chosen],
            times=self.times[chosen],
            target_times=self.target_times[rows.ravel()],
        )

    def on_time_axis(self, y_pred: Any) -> pd.Series | pd.DataFrame:
        """Return predictions with the times they are for.

        Parameters
        ----------
        y_pred : array-like of shape (n_windows,) or (n_windows, n_horizons * n_targets)
            The predictions from `X` of an estimator that was fitted on such windows.

        Returns
        -------
        Series or DataFrame
            One row for each entry of `target_times`; a DataFrame with a column for each target
            if there are several.

        Raises
        ------
        ValueError
            If there are not as many predictions as targets.
        """
        values = np.asarray(y_pred)
        expected = len(self.target_times) * len(self.targets)
        if len(values) != len(self) or values.size != expected:
            raise ValueError(
                f"y_pred has shape {values.shape}, but {len(self)} windows have {expected} "
                "targets. Pass what the estimator predicts from X of the same windows."
            )
        # The columns of y are target after target, as those of a DataFrame would be.
        values = values.reshape(len(self), len(self.targets), -1).swapaxes(1, 2)
        values = values.reshape(-1, len(self.targets))
        if len(self.targets) == 1:
            return pd.Series(values[:, 0], index=self.target_times, name=self.targets[0])
        return pd.DataFrame(values, index=self.target_times, columns=self.targets)


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
    gaps: str = "raise",
    return_sequences: bool = False,
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
        How many time steps after the window the target lies, >= 1. Several give several outputs.
    stride : int, default=1
        Time steps from a window to the next one, >= 1.
    target : label or list of labels, default=None
        Columns to forecast. None takes all channels that are not `known`.
    channels : label or list of labels, default=None
        Columns that a window holds. None takes all numeric ones except `group` and `time`.
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

    Returns
    -------
    ForecastWindows
        `X` and `y` to fit an estimator, their times, and the newest windows as `latest`. With
        ``freq="rows"`` the target times of `latest` are not known: in place of them stand the
        origins and how many rows ahead of them the targets lie.

    Warns
    -----
    UserWarning
        If some of the series are too short for any window.

    Raises
    ------
    TypeError
        If `data` is not a Series or DataFrame, a channel is not numeric, or the time stamps are
        of none of the kinds above.
    ValueError
        If a parameter is out of range, a column is missing, a time stamp is missing or
        occurs twice, there is a gap and `gaps` is ``"raise"``, no window fits, or some of the
        `known` future would be in no window.

    See Also
    --------
    from_long : Gathers whole sequences from a long table.

    Notes
    -----
    The rows are copied at most once, and no window is copied until an estimator gathers a batch.
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
    if return_sequences:
        horizons = _horizons_of_steps(horizons, window)
    data = as_table(data.to_frame() if isinstance(data, pd.Series) else data)
    names = choose_columns(data, target, channels, known, (group, time))
    if return_sequences and len(names.targets) > 1:
        raise ValueError(
            f"return_sequences=True takes one target, got {names.targets}. Name one as target."
        )
    count_rows = isinstance(freq, str) and freq == ROWS
    series = read_series(data, names, group, time, count_rows=count_rows)
    step = time_step(series.stamps, series.codes, freq, tolerance)
    follows = follows_of(series, step)
    if gaps == "raise":
        refuse_gaps(series, follows, step)
    if names.known and window < max(horizons):
        raise ValueError(
            f"window={window} is too short for columns that are known in advance with a horizon of "
            f"{max(horizons)}: their values of the first {max(horizons) - window} time steps after "
            f"the window would be nowhere. Set window to {max(horizons)} or more."
        )
    inputs = _inputs(series, follows, max(horizons))
    usable = _usable(series, inputs, keep_gaps=gaps == "keep")
    origins, newest = _origins(series, usable, follows, window, horizons, stride, step)
    # Rows that no window may touch are left out, so that an estimator finds nothing to refuse.
    place = np.cumsum(usable) - window
    table = inputs if usable.all() else inputs[usable]
    several = return_sequences or not isinstance(horizon, Integral)
    targets = _Targets(series, follows, step, horizons, several=several)

    def windows_at(rows: np.ndarray, moments: np.ndarray | None = None) -> ForecastWindows:
        X = Windows(table, place[rows], window, names.channels, moments)
        return ForecastWindows(
            X, None, targets.origins(rows), targets.times(rows), names.targets, None
        )

    latest = windows_at(newest) if len(newest) else None
    moment = _moments(series)
    origins = origins[np.argsort(moment[origins], kind="stable")]
    moments = np.column_stack([moment[origins], moment[origins + max(horizons)]])
    windows = windows_at(origins, moments)
    return replace(windows, y=targets.values(origins), latest=latest)


def _moments(series: TimeSeries) -> np.ndarray:
    """The place of every row among all different time stamps."""
    if len(series.ids) == 1:
        return np.arange(len(series.stamps))
    return pd.factorize(series.stamps, sort=True)[0]


def _check_parameters(window: Any, horizon: Any, stride: Any, gaps: Any) -> list[int]:
    horizons = np.ravel(horizon).tolist()
    for name, values in [("window", [window]), ("horizon", horizons), ("stride", [stride])]:
        if not values or not all(isinstance(v, Integral) and int(v) >= 1 for v in values):
            several = " or several" if name == "horizon" else ""
            got = horizon if name == "horizon" else values[0]
            raise ValueError(f"{name} must be an integer >= 1{several}, got {python_value(got)!r}.")
    if len(set(horizons)) < len(horizons):
        raise ValueError(f"horizon names a time step twice: {python_value(horizon)!r}.")
    if gaps not in ("raise", "skip", "keep"):
        raise ValueError(f"gaps must be 'raise', 'skip' or 'keep', got {gaps!r}.")
    return [int(h) for h in horizons]


def _horizons_of_steps(horizons: list[int], window: int) -> list[int]:
    """The horizons of a target after every step of a window, counted from its last step."""
    if len(horizons) > 1:
        raise ValueError(f"return_sequences=True takes one horizon, got {horizons}.")
    return list(range(horizons[0] - window + 1, horizons[0] + 1))


def _inputs(series: TimeSeries, follows: np.ndarray, lead: int) -> np.ndarray:
    """The channels side by side; those known in advance run ahead by `lead` rows."""
    segment = np.cumsum(~follows)
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


class _Targets:
    """The targets of windows, which lie `horizons` time steps after their last rows."""

    def __init__(
        self,
        series: TimeSeries,
        follows: np.ndarray,
        step: TimeStep,
        horizons: list[int],
        *,
        several: bool,
    ):
        self.series, self.step, self.horizons, self.several = series, step, horizons, several
        self.segment = np.cumsum(~follows)

    def values(self, rows: np.ndarray) -> pd.Series | pd.DataFrame:
        """The targets of the windows that end in `rows`."""
        names = self.series.names.targets
        columns = [self.series.columns[name][rows + h] for name in names for h in self.horizons]
        if not self.several and len(names) == 1:
            return pd.Series(columns[0], index=self.times(rows), name=names[0])
        if not self.several:
            return pd.DataFrame(
                np.column_stack(columns), self.times(rows), pd.Index(names, tupleize_cols=False)
            )
        labels = pd.Index(self.horizons, name="horizon")
        if len(names) > 1:
            labels = pd.MultiIndex.from_product([names, labels], names=["target", "horizon"])
        return pd.DataFrame(np.column_stack(columns), self.origins(rows), labels)

    def origins(self, rows: np.ndarray) -> pd.Index:
        """The times of the rows."""
        return self._index(rows, [self.series.stamps[rows]])

    def times(self, rows: np.ndarray) -> pd.Index:
        """The times of the targets of the rows, row after row."""
        stamps = self.series.stamps[rows]
        found = [self._ahead(rows, h) for h in self.horizons]
        ahead = [one for one in found if one is not None]
        if len(ahead) < len(found):
            ahead = [pd.Index(np.full(len(rows), h), name="rows ahead") for h in self.horizons]
        elif not self.several:
            return self._index(rows, [ahead[0].rename(stamps.name)])
        else:
            ahead = [one.rename(stamps.name or "time") for one in ahead]
        by_row = np.arange(len(rows) * len(ahead)).reshape(len(ahead), -1).T.ravel()
        targets = ahead[0].append(ahead[1:])[by_row]
        origins = stamps.repeat(len(ahead)).rename("origin")
        return self._index(rows.repeat(len(ahead)), [origins, targets])

    def _ahead(self, rows: np.ndarray, h: int) -> pd.Index | None:
        """The times `h` steps after the rows; None if there is no row and no step to count."""
        at = (rows + h).clip(0, len(self.segment) - 1)
        has_row = (rows + h == at) & (self.segment[at] == self.segment[rows])
        stamps = self.series.stamps[at]
        if has_row.all():
            return stamps
        if self.step.size is None:
            return None
        # Where there is a row, its time stamp may be off the grid by the tolerance.
        return stamps.where(has_row, self.step.after(self.series.stamps[rows], h))

    def _index(self, rows: np.ndarray, levels: list[pd.Index]) -> pd.Index:
        """Levels as one index, below the group if there are groups."""
        if self.series.group is not None:
            levels = [self.series.ids[self.series.codes[rows]], *levels]
        return levels[0] if len(levels) == 1 else pd.MultiIndex.from_arrays(levels)
