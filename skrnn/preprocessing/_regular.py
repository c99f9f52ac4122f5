"""Uneven times: rows gathered on a grid of equal time steps, and the time between rows."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from numbers import Integral, Real
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from pandas.tseries.frequencies import to_offset
from sklearn.utils._param_validation import Interval

from skrnn._shown import python_value
from skrnn.preprocessing._table import NUMBERS, check_times

# How the values of a time step become one.
AGGREGATES = ("mean", "median", "min", "max", "sum", "first", "last")
OF_STRINGS = ("first", "last")
# Of more time steps, freq is rather a slip.
MOST_STEPS = 10**9
DAY = pd.Timedelta(days=1)


class Clock(NamedTuple):
    """Times as numbers to count with.

    Attributes
    ----------
    ticks : ndarray of shape (n_rows,), dtype int64 or float64
        The times.
    per_unit : int
        Ticks of a unit of elapsed time: a second, a period or 1.
    kind : {"times", "periods", "numbers"}
        What they are.
    local : ndarray of shape (n_rows,)
        The times as clocks on the spot show them.
    """

    ticks: np.ndarray
    per_unit: int
    kind: str
    local: np.ndarray


class EveryRow(NamedTuple):
    """Every row as a time step, whatever the time between them.

    Attributes
    ----------
    order : ndarray of shape (n_rows,), dtype intp, or slice
        The rows, sequence after sequence and by time.
    codes : ndarray of shape (n_rows,), dtype intp
        For every row of the table the number of its sequence.
    times : Series or None
        When the rows are, if that is known.
    """

    order: np.ndarray | slice
    codes: np.ndarray
    times: pd.Series | None

    @property
    def lengths(self) -> np.ndarray:
        """Time steps of every sequence."""
        return np.bincount(self.codes)

    def gathered(self, column: np.ndarray, how: str = "last") -> np.ndarray:
        """Return the values of a column in the order of the time steps, in an array of their own.

        There is one for every step, so `how` does not matter.
        """
        return column.copy() if isinstance(self.order, slice) else column[self.order]

    def elapsed(self) -> np.ndarray:
        """Return the time since the row before of the same sequence, 0 for the first.

        In seconds for dates and time differences, in periods, or in the unit of numbers.
        """
        assert self.times is not None
        clock = clock_of(self.times, self.times.name)
        ticks, sequence = clock.ticks[self.order], self.codes[self.order]
        elapsed = np.diff(ticks, prepend=ticks[:1]) / clock.per_unit
        elapsed[1:][sequence[1:] != sequence[:-1]] = 0
        return elapsed


class Regular(NamedTuple):
    """Time steps of equal size for every sequence, from its first row to its last.

    Attributes
    ----------
    order : ndarray of shape (n_rows,), dtype intp
        The rows, sequence after sequence and by time.
    step : ndarray of shape (n_rows,), dtype int64
        Of the rows in that order, the time step among those of all sequences.
    lengths : ndarray of shape (n_sequences,), dtype intp
        Time steps of every sequence.
    size : float
        Of a time step, in units of elapsed time.
    """

    order: np.ndarray
    step: np.ndarray
    lengths: np.ndarray
    size: float

    def gathered(self, column: np.ndarray, how: str = "last") -> np.ndarray:
        """Return a value for every time step, missing where there is none.

        That is NaN among numbers, whole ones of which become floats, and None among all else.
        """
        rows = pd.Series(column[self.order]).groupby(self.step, sort=True)
        found = rows.sum(min_count=1) if how == "sum" else getattr(rows, how)()
        n_steps, dtype = int(self.lengths.sum()), column.dtype
        if len(found) == n_steps and dtype.kind != "O":
            return found.to_numpy().astype(dtype)
        if dtype.kind in "fiu":
            values = np.full(n_steps, np.nan, dtype if dtype.kind == "f" else np.float64)
        else:
            values = np.full(n_steps, None, dtype=object)
            found = found.astype(object).where(found.notna(), None)
        values[found.index.to_numpy()] = found.to_numpy()
        return values

    def elapsed(self) -> np.ndarray:
        """Return the time since the step before that has a row, 0 at a sequence's first."""
        stops = np.cumsum(self.lengths)
        has_row = np.zeros(stops[-1], dtype=bool)
        has_row[self.step] = True
        last = np.maximum.accumulate(np.where(has_row, np.arange(len(has_row)), -1))
        before = np.append(0, last[:-1])
        elapsed = (np.arange(len(has_row)) - before) * self.size
        elapsed[stops - self.lengths] = 0
        return elapsed


def clock_of(times: pd.Series, name: Hashable) -> Clock:
    """Return times as numbers.

    Raises
    ------
    TypeError
        If they cannot be counted with.
    ValueError
        If one is missing.
    """
    check_times(times, name)
    if times.hasnans:
        row = python_value(times.index[int(np.argmax(times.isna()))])
        raise ValueError(f"Row {row!r} has no {name!r}. Drop such rows.")
    if pd.api.types.is_object_dtype(times.dtype):
        times = _inferred(times)
    dtype = times.dtype
    if isinstance(dtype, pd.PeriodDtype):
        ordinals = pd.PeriodIndex(times).asi8
        return Clock(ordinals, 1, "periods", ordinals)
    if pd.api.types.is_datetime64_any_dtype(dtype):
        stamps = pd.DatetimeIndex(times).as_unit("ns")
        return Clock(stamps.asi8, 10**9, "times", stamps.tz_localize(None).asi8)
    if pd.api.types.is_timedelta64_dtype(dtype):
        since = pd.TimedeltaIndex(times).as_unit("ns").asi8
        return Clock(since, 10**9, "times", since)
    if pd.api.types.is_any_real_numeric_dtype(dtype):
        integers = pd.api.types.is_integer_dtype(dtype)
        numbers = times.to_numpy(np.int64 if integers else np.float64)
        return Clock(numbers, 1, "numbers", numbers)
    raise TypeError(
        f"The times in {name!r} have dtype {dtype}; to count with them they must be dates, "
        "periods, time differences or numbers. Convert them, for example with pandas.to_datetime."
    )


def _inferred(times: pd.Series) -> pd.Series:
    """Return objects that are all dates or numbers in a type of these."""
    found = pd.api.types.infer_dtype(times)
    if found in ("date", "datetime", "datetime64"):
        return pd.to_datetime(times)
    return times.astype(np.float64) if found in NUMBERS else times.infer_objects()


def regular(times: pd.Series, name: Hashable, codes: np.ndarray, freq: Any) -> Regular:
    """Lay rows on time steps of equal size.

    Parameters
    ----------
    times : Series of n_rows values
        When the rows are.
    name : label
        Of the column, for errors.
    codes : ndarray of shape (n_rows,)
        For every row the number of its sequence.
    freq : object
        Size of a step, as `from_long` takes it.

    Raises
    ------
    TypeError, ValueError
        If `freq` does not suit the times, or makes too many steps.
    """
    clock = clock_of(times, name)
    size = _size(freq, clock, name)
    ticks = clock.ticks
    if clock.kind == "times" and size % DAY.value == 0:
        ticks = clock.local  # days are those of the place
    if isinstance(size, float) or ticks.dtype.kind == "f":
        # 0.3 is the third step of 0.1, whatever the quotient of the floats.
        numbers = np.floor(np.round(ticks / size, 9)).astype(np.int64)
    else:
        numbers = ticks // size
    n_sequences = int(codes.max()) + 1
    first = np.full(n_sequences, np.iinfo(np.int64).max)
    last = np.full(n_sequences, np.iinfo(np.int64).min)
    np.minimum.at(first, codes, numbers)
    np.maximum.at(last, codes, numbers)
    lengths = last - first + 1
    if lengths.sum(dtype=np.float64) > MOST_STEPS:
        raise ValueError(
            f"freq={freq!r} makes {lengths.sum(dtype=np.float64):.3g} time steps, of which the "
            f"{len(codes)} rows fill few. Choose a larger one."
        )
    order = np.lexsort((clock.ticks, codes))
    step = numbers + (np.cumsum(lengths) - lengths - first)[codes]
    return Regular(order, step[order], lengths.astype(np.intp), size / clock.per_unit)


def _size(freq: Any, clock: Clock, name: Hashable) -> Any:
    """Return a step in ticks."""
    if clock.kind != "times":
        kind, what = (Integral, "an integer") if clock.kind == "periods" else (Real, "a number")
        allowed = Interval(kind, 0, None, closed="neither")
        if isinstance(freq, bool) or not allowed.is_satisfied_by(freq):
            raise ValueError(
                f"freq must be {what} > 0, as the times in {name!r} are {clock.kind}; got {freq!r}."
            )
        return int(freq) if isinstance(freq, Integral) else float(freq)
    try:
        if isinstance(freq, Real):
            raise TypeError
        offset = to_offset(freq)
        size = offset.n * DAY if isinstance(offset, pd.offsets.Day) else pd.Timedelta(offset)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"freq must be a time step of a fixed size, such as '15min', '1h' or '7D', got "
            f"{freq!r}. For months, quarters and years turn {name!r} into periods, for example by "
            "dt.to_period('M'), and pass freq=1."
        ) from error
    if size <= pd.Timedelta(0):
        raise ValueError(f"freq must be positive, got {freq!r}.")
    return size.value


def aggregate_of(
    aggregate: Any, names: list[Hashable], columns: list[np.ndarray], *, regular: bool
) -> list[str]:
    """Return how every channel is aggregated.

    Parameters
    ----------
    aggregate : str or dict
        As `from_long` takes it.
    names : list of label
        Of the channels.
    columns : list of ndarray
        Theirs.
    regular : bool
        Whether there are time steps to aggregate in.

    Raises
    ------
    ValueError
        If a name is unknown, a dict names no channel, or strings are to be averaged; or if there
        is nothing to aggregate.
    """
    if not regular:
        if not (isinstance(aggregate, str) and aggregate == "mean"):
            raise ValueError(
                f"aggregate={aggregate!r} says how the rows of a time step become one, but without "
                "freq every row is a step. Set freq, or leave aggregate out."
            )
        return ["mean"] * len(names)
    if isinstance(aggregate, Mapping):
        unknown = [name for name in aggregate if name not in names]
        if unknown:
            raise ValueError(
                f"aggregate names {python_value(unknown[0])!r}, but the channels are {names}."
            )
        hows = [aggregate.get(name, "mean") for name in names]
    else:
        hows = [aggregate] * len(names)
    for name, how, column in zip(names, hows, columns, strict=True):
        if not isinstance(how, str) or how not in AGGREGATES:
            raise ValueError(
                f"aggregate must be one of {list(AGGREGATES)}, or a dict of channel to one of "
                f"them; got {how!r}."
            )
        if column.dtype == object and how not in OF_STRINGS:
            raise ValueError(
                f"Channel {name!r} holds strings, of which aggregate={how!r} makes no value. Name "
                f"'first' or 'last' for it: aggregate={{{name!r}: 'last'}}."
            )
    return hows
