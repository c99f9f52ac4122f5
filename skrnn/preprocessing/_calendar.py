"""The time step of a series: what it is, what time stamps show it to be, and who keeps it."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Integral
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from pandas.tseries.frequencies import to_offset

ROWS = "rows"
DAY = pd.Timedelta(days=1)
# Differences that are looked at as the possible time step: the most frequent ones.
MOST_FREQUENT = 50
# Units that a time step with jitter is rounded to, the coarsest first.
ROUND_UNITS = [pd.Timedelta(1, unit) for unit in ("D", "h", "min", "s", "ms", "us")]


@dataclass(frozen=True)
class TimeStep:
    """The difference of two time stamps that follow each other.

    Attributes
    ----------
    size : DateOffset, Timedelta, int or None
        What to add to a time stamp; None if every row follows the one before it.
    assumed : bool
        Whether the time stamps showed it, and nobody gave it.
    tolerance : Timedelta, int or None
        How far a time stamp may be from one step after the one before it; None for not at all.
    """

    size: Any
    assumed: bool
    tolerance: Any = None

    def __str__(self) -> str:
        if self.size is None:
            return "one row"
        if isinstance(self.size, pd.Timedelta):
            return _named(self.size)
        for unit, n in getattr(self.size, "kwds", {}).items():
            if unit in ("days", "months"):
                return f"{n} {unit}" if n > 1 else f"1 {unit[:-1]}"
        return str(getattr(self.size, "freqstr", self.size))

    def in_words(self) -> str:
        """Return a clause that says what the step is, and whether time stamps showed it."""
        return f"the time step is {self}{', as most time stamps show it' if self.assumed else ''}"

    def after(self, stamps: pd.Index, n: int) -> pd.Index:
        """Return the time stamps that are `n` steps after others."""
        with warnings.catch_warnings():
            # Some offsets of business months are added one by one.
            warnings.simplefilter("ignore", pd.errors.PerformanceWarning)
            return stamps + n * self.size

    def follows(self, stamps: pd.Index) -> np.ndarray:
        """Return for every time stamp but the first whether it is one step after the last one."""
        if self.size is None:
            return np.ones(max(0, len(stamps) - 1), dtype=bool)
        expected = self.after(stamps[:-1], 1)
        if self.tolerance is None:
            return np.asarray(expected == stamps[1:])
        return np.asarray(abs(expected - stamps[1:]) <= self.tolerance)


def time_step(stamps: pd.Index, codes: np.ndarray, freq: Any, tolerance: Any) -> TimeStep:
    """Return the time step of series.

    Parameters
    ----------
    stamps : Index of length n_rows
        Time stamps, series after series and in the order of time.
    codes : ndarray of shape (n_rows,)
        The series of every row.
    freq, tolerance : object
        As `make_windows` takes them.

    Raises
    ------
    ValueError
        If `freq` or `tolerance` does not suit the time stamps.
    """
    kind = _kind(stamps)
    if isinstance(freq, str) and freq == ROWS:
        if tolerance is not None:
            raise ValueError("With freq='rows' time stamps are not counted: set tolerance=None.")
        return TimeStep(None, assumed=False)
    allowed = _tolerance(tolerance, kind)
    if kind == "periods":
        if freq is not None and _offset(freq) != stamps.freq:
            raise ValueError(f"The periods have the frequency {stamps.freqstr!r}, got {freq=}.")
        return TimeStep(stamps.freq, assumed=False)
    if freq is not None:
        step = TimeStep(_given(freq, kind), assumed=False, tolerance=allowed)
    elif getattr(stamps, "freq", None) is not None:
        step = TimeStep(stamps.freq, False, allowed)
    else:
        step = TimeStep(_shown_by(stamps, codes, allowed, kind), True, allowed)
    _check_tolerance(step)
    return step


def _kind(stamps: pd.Index) -> str:
    if isinstance(stamps, pd.PeriodIndex):
        return "periods"
    if isinstance(stamps, pd.DatetimeIndex | pd.TimedeltaIndex):
        return "times"
    return "numbers"


def _offset(freq: Any) -> Any:
    try:
        return to_offset(freq)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"freq must be a frequency such as 'D' or 'MS', or 'rows', got {freq!r}."
        ) from error


def _given(freq: Any, kind: str) -> Any:
    is_integer = isinstance(freq, Integral) and not isinstance(freq, bool)
    if (kind == "numbers") != is_integer:
        expected = "an integer" if kind == "numbers" else "a frequency such as 'D' or 'MS'"
        raise ValueError(
            f"freq must be {expected}, as the time stamps are, or 'rows'; got {freq!r}."
        )
    size = freq if is_integer else _offset(freq)
    if getattr(size, "n", size) < 1:
        raise ValueError(f"freq must be positive, got {freq!r}.")
    return size


def _tolerance(tolerance: Any, kind: str) -> Any:
    if tolerance is None:
        return None
    if kind == "periods":
        raise ValueError("Periods have no jitter: set tolerance=None.")
    if kind == "numbers":
        if not isinstance(tolerance, Integral) or tolerance < 0:
            raise ValueError(
                f"tolerance must be an integer >= 0, as the time stamps are, got {tolerance!r}."
            )
        return int(tolerance)
    try:
        allowed = pd.Timedelta(tolerance)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"tolerance must be a time difference such as '2s', got {tolerance!r}."
        ) from error
    if isinstance(tolerance, Integral) or not allowed >= pd.Timedelta(0):
        raise ValueError(
            f"tolerance must be a time difference >= 0 with a unit, such as '2s', got "
            f"{tolerance!r}."
        )
    return allowed


def _check_tolerance(step: TimeStep) -> None:
    if step.tolerance is None:
        return
    try:
        size = step.size if isinstance(step.size, Integral) else pd.Timedelta(step.size)
    except (TypeError, ValueError):  # a month has no fixed length
        size = DAY
    if 2 * step.tolerance >= size:
        raise ValueError(
            f"tolerance must be less than half a time step, but {step.in_words()}; got "
            f"{step.tolerance}."
        )


# --- what time stamps show ------------------------------------------------------------------------


class Grid(NamedTuple):
    """A grid that time stamps may lie on.

    Attributes
    ----------
    ordinals : ndarray of shape (n_rows,), dtype int64
        The number of every time stamp on the grid.
    on : ndarray of shape (n_rows,), dtype bool
        Whether a time stamp lies on it.
    step : callable
        Takes a number of grid points, and returns that as something to add to a time stamp.
    """

    ordinals: np.ndarray
    on: np.ndarray
    step: Callable[[int], Any]


def _shown_by(stamps: pd.Index, codes: np.ndarray, tolerance: Any, kind: str) -> Any:
    """The step that most pairs of neighbouring time stamps are apart, on any of the grids.

    A pair votes for a step if it is just one step apart, and against it if it is no whole number
    of them: a gap is not held against a calendar that explains it.
    """
    same = codes[1:] == codes[:-1]
    if not same.any():
        return 1 if kind == "numbers" else DAY
    best: tuple[int, Any] | None = None
    for grid in _grids(stamps, kind):
        n, votes = _vote(grid, same, tolerance if best is None else None, kind)
        if n and (best is None or votes > best[0] or (votes == best[0] and _is_month(best[1]))):
            best = votes, grid.step(n)
    assert best is not None
    return best[1]


def _named(size: pd.Timedelta) -> str:
    """A time difference in the largest unit that it is a whole number of."""
    for unit in ("D", "h", "min", "s", "ms", "us"):
        n, rest = divmod(size, pd.Timedelta(1, unit))
        if not rest:
            return f"{n}{unit}"
    return f"{size.value}ns"


def _is_month(step: Any) -> bool:
    """Whether a step is a number of days that may as well be a month of the calendar."""
    return isinstance(step, pd.Timedelta) and step >= 28 * DAY


def _vote(grid: Grid, same: np.ndarray, tolerance: Any, kind: str) -> tuple[int, int]:
    """The best number of grid points for a step, 0 for none, and the votes for it."""
    on = (grid.on[1:] & grid.on[:-1])[same]
    differences = np.diff(grid.ordinals)[same][on]
    if len(differences) == 0:
        return 0, 0
    allowed = 0 if tolerance is None else _as_int(tolerance)
    candidates = _candidates(differences, allowed, kind)
    best, most = 0, -len(same) - 1
    for n in candidates:
        count = np.rint(differences / n).astype(np.int64)
        fits = np.abs(differences - count * n) <= allowed
        votes = int((fits & (count == 1)).sum()) - int((~fits).sum()) - int((~on).sum())
        if votes > most:
            best, most = int(n), votes
    return best, most


def _candidates(differences: np.ndarray, allowed: int, kind: str) -> list[int]:
    values, counts = np.unique(differences, return_counts=True)
    frequent = np.sort(values[np.argsort(-counts, kind="stable")[:MOST_FREQUENT]]).tolist()
    if not allowed:
        return frequent
    middle = int(np.median(differences))
    rounded = []
    if kind == "times":
        for unit in map(_as_int, ROUND_UNITS):
            near = round(middle / unit) * unit
            if near and abs(near - middle) <= allowed:
                rounded.append(near)
    return [*rounded, middle, *frequent]


def _as_int(difference: Any) -> int:
    """A time difference in nanoseconds; an integer as it is."""
    return difference.value if isinstance(difference, pd.Timedelta) else int(difference)


def _grids(stamps: pd.Index, kind: str) -> list[Grid]:
    """The grids to try, in the order in which they win where votes are equal."""
    everywhere = np.ones(len(stamps), dtype=bool)
    if kind == "numbers":
        return [Grid(np.asarray(stamps, dtype=np.int64), everywhere, int)]
    nanoseconds = stamps.as_unit("ns").asi8
    grids = [Grid(nanoseconds, everywhere, lambda n: pd.Timedelta(n, "ns"))]
    if isinstance(stamps, pd.DatetimeIndex):
        grids += _calendars(stamps)
    return grids


def _calendars(stamps: pd.DatetimeIndex) -> list[Grid]:
    """Days, business days and months, for time stamps that have one time of day."""
    local = stamps.tz_localize(None)
    days = local.normalize()
    times, counts = np.unique((local - days).to_numpy(), return_counts=True)
    at_time = np.asarray((local - days).to_numpy() == times[counts.argmax()])
    dates = days.to_numpy().astype("M8[D]")
    grids = []
    if stamps.tz is not None:
        grids.append(Grid(dates.astype(np.int64), at_time, lambda n: pd.DateOffset(days=n)))
    weekday = np.is_busday(dates)
    number = np.busday_count(np.datetime64("1970-01-01", "D"), dates)
    grids.append(Grid(number, at_time & weekday, pd.offsets.BDay))
    return [*grids, *_months(dates, at_time)]


def _months(dates: np.ndarray, at_time: np.ndarray) -> list[Grid]:
    """Months that are told by their first or last day or business day, or by one day of all."""
    month = dates.astype("M8[M]")
    first = month.astype("M8[D]")
    following = (month + np.timedelta64(1, "M")).astype("M8[D]")
    day = (dates - first).astype(np.int64) + 1
    usual = int(np.bincount(day).argmax())
    name = _first_month(month)
    anchors = [
        (first, lambda n: _month_offset(n, name, "Begin", "")),
        (following - np.timedelta64(1, "D"), lambda n: _month_offset(n, name, "End", "")),
        (np.busday_offset(first, 0, "forward"), lambda n: _month_offset(n, name, "Begin", "B")),
        (np.busday_offset(following, -1, "forward"), lambda n: _month_offset(n, name, "End", "B")),
    ]
    grids = [
        Grid(month.astype(np.int64), at_time & (dates == anchor), step) for anchor, step in anchors
    ]
    if usual <= 28:
        on = at_time & (day == usual)
        grids.append(Grid(month.astype(np.int64), on, lambda n: pd.DateOffset(months=n)))
    return grids


def _first_month(month: np.ndarray) -> int:
    return int(month.astype(np.int64)[0]) % 12 + 1


def _month_offset(n: int, month: int, end: str, business: str) -> Any:
    """An offset of `n` months, named as quarters or years where it is one or several of these."""
    offsets = pd.offsets
    if n % 12 == 0:
        return getattr(offsets, f"{business}Year{end}")(n // 12, month=month)
    if n % 3 == 0:
        return getattr(offsets, f"{business}Quarter{end}")(n // 3, startingMonth=month)
    return getattr(offsets, f"{business}Month{end}")(n)
