"""Time series read from a table: their rows in the order of time, the time step, and gaps."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from skrnn.preprocessing._calendar import TimeStep
from skrnn.preprocessing._table import (
    codes_of,
    column_of,
    label,
    listed,
    numeric_columns,
    sequence_order,
    values_of,
)
from skrnn.preprocessing._tokens import TokenEncoder


class ColumnNames(NamedTuple):
    """Labels of the channels of a window, of those known in advance, and of the targets."""

    channels: list[Hashable]
    known: list[Hashable]
    targets: list[Hashable]


def choose_columns(
    data: pd.DataFrame,
    target: Any,
    channels: Any,
    known: Any,
    but: tuple[Any, Any],
    *,
    now: bool = False,
) -> ColumnNames:
    """Choose the columns that the parameters of `make_windows` name; `but` are not channels.

    With `now` a target is that of the last row of its window, which must not hold it.

    Raises
    ------
    ValueError
        If there is no target, one is known in advance, or with `now` one is a channel.
    """
    known = listed(known, data)
    if now:
        but = (*but, *_targets_of_now(data, target, channels))
    names = numeric_columns(data, but) if channels is None else listed(channels, data)
    names = [*names, *(name for name in known if name not in names)]
    if target is None:
        targets = [name for name in names if name not in known]
    else:
        targets = listed(target, data)
    if not targets:
        raise ValueError("There is nothing to forecast: name the target, a column.")
    both = [name for name in targets if name in known]
    if both:
        raise ValueError(f"Column {both[0]!r} is a target and known in advance; it cannot be both.")
    return ColumnNames(names, known, targets)


def _targets_of_now(data: pd.DataFrame, target: Any, channels: Any) -> list[Hashable]:
    """The targets at horizon 0, which are not to be channels."""
    if target is None:
        raise ValueError(
            "horizon=0 asks for a value of the last row of every window: name the target, a column "
            "that the window does not hold."
        )
    targets = listed(target, data)
    both = [] if channels is None else [n for n in listed(channels, data) if n in targets]
    if both:
        raise ValueError(
            f"Column {both[0]!r} is a target at horizon 0 and a channel: a window would hold its "
            "own answer. Leave it out of channels, or set horizon to 1 or more."
        )
    return targets


class TimeSeries(NamedTuple):
    """The rows of a table, series after series and in the order of time.

    Attributes
    ----------
    columns : dict of label to ndarray of shape (n_rows,)
        Channels and targets; missing values are NaN.
    names : ColumnNames
        Which of them is which.
    codes : ndarray of shape (n_rows,), dtype intp
        For every row the series that it belongs to, as an index in `ids`.
    ids : Index of length n_series
        Names of the series; only None without groups.
    stamps : Index of length n_rows
        The time stamps.
    group : label or None
        Name of the column that tells the series apart.
    encoders : dict of label to TokenEncoder
        What has made ids of the channels of strings.
    labels : dict of label to Series of length n_rows
        The targets that keep their dtype.
    order : ndarray of shape (n_rows,) or slice
        Where the rows stand in the table.
    """

    columns: dict[Hashable, np.ndarray]
    names: ColumnNames
    codes: np.ndarray
    ids: pd.Index
    stamps: pd.Index
    group: Hashable | None
    encoders: dict[Hashable, TokenEncoder]
    labels: dict[Hashable, pd.Series]
    order: np.ndarray | slice


def read_series(
    data: pd.DataFrame,
    names: ColumnNames,
    group: Any,
    time: Any,
    *,
    count_rows: bool,
    encoders: Mapping[Hashable, TokenEncoder] | None = None,
) -> TimeSeries:
    """Read the columns from a table, in which neither rows nor series need be in order.

    With `count_rows` the time stamps order the rows and need not be ones to count with. Strings
    become the ids that `encoders` give them, or encoders that are learnt.
    """
    codes, ids = np.zeros(len(data), dtype=np.intp), pd.Index([None])
    if group is not None:
        codes, ids = codes_of(data, group)
    stamps = _stamps(data, group, time)
    if not _are_counted(stamps) and not (count_rows and _are_numbers(stamps)):
        raise TypeError(
            f"The time stamps have dtype {stamps.dtype}; expected dates, periods, time differences "
            "or integers. Convert them, for example with pandas.to_datetime; with freq='rows' "
            "numbers of any kind put the rows in order."
        )
    name = "time stamp" if stamps.name is None else stamps.name
    order = sequence_order(codes, ids, pd.Series(stamps), group, name)
    columns, learnt = _read_columns(data, names, encoders)
    columns = {name: column[order] for name, column in columns.items()}
    return TimeSeries(columns, names, codes[order], ids, stamps[order], group, learnt, {}, order)


def _read_columns(
    data: pd.DataFrame, names: ColumnNames, encoders: Mapping[Hashable, TokenEncoder] | None
) -> tuple[dict[Hashable, np.ndarray], dict[Hashable, TokenEncoder]]:
    """Channels and targets as numbers, and the encoders of the channels that hold strings."""
    columns, used = {}, {}
    for name in dict.fromkeys([*names.channels, *names.targets]):
        is_channel = name in names.channels
        column = values_of(data, name, text=True, what="Channel" if is_channel else "Target")
        if column.dtype == object and is_channel:
            used[name] = _encoder_of(name, column, encoders)
            column = _ids(column, used[name])
        elif column.dtype == object:
            codes = pd.factorize(column)[0]
            column = np.where(codes < 0, np.nan, codes)
        columns[name] = column
    unused = [name for name in encoders or () if name not in used]
    if unused:
        raise ValueError(
            f"encoders has one for {unused[0]!r}, which is no channel of strings or categories. "
            "Name it among the channels, or leave its encoder out."
        )
    return columns, used


def _encoder_of(
    name: Hashable, column: np.ndarray, encoders: Mapping[Hashable, TokenEncoder] | None
) -> TokenEncoder:
    if encoders is None:
        return TokenEncoder().fit([column[pd.notna(column)]])
    if name not in encoders:
        raise ValueError(
            f"encoders has none for the channel {name!r}, which holds strings; it has "
            f"{list(encoders)}. Add one, or pass None to learn all of them."
        )
    return encoders[name]


def _ids(column: np.ndarray, encoder: TokenEncoder) -> np.ndarray:
    """The id of every string; NaN where there is none."""
    present = pd.notna(column)
    ids = np.full(len(column), np.nan)
    if present.any():
        ids[present] = encoder.transform([column[present]])[0]
    return ids


def labels_of(
    data: pd.DataFrame, series: TimeSeries, *, keep_dtype: bool
) -> dict[Hashable, pd.Series]:
    """Return the targets that keep their dtype: those of strings, with `keep_dtype` all."""
    labels = {}
    for name in series.names.targets:
        column = column_of(data, name)
        if keep_dtype or values_of(data, name, text=True, what="Target").dtype == object:
            labels[name] = column.iloc[series.order]
    return labels


def _stamps(data: pd.DataFrame, group: Any, time: Any) -> pd.Index:
    """The time stamps of all rows."""
    if time is not None:
        stamps = pd.Index(column_of(data, time), name=time)
    else:
        levels = [level for level in range(data.index.nlevels) if data.index.names[level] != group]
        if group is None or group in data.columns:
            levels = list(range(data.index.nlevels))
        if len(levels) != 1:
            raise ValueError(
                f"The index has the levels {list(data.index.names)}; name the column or level with "
                "the time stamps as time."
            )
        stamps = data.index.get_level_values(levels[0])
    if pd.api.types.is_datetime64_any_dtype(stamps.dtype):
        return pd.DatetimeIndex(stamps)
    if pd.api.types.is_integer_dtype(stamps.dtype) and not stamps.hasnans:
        if len(stamps) and stamps.max() > np.iinfo(np.int64).max:
            raise ValueError(f"The time stamps, up to {stamps.max()}, are too large for int64.")
        return stamps.astype(np.int64)
    return stamps


def _are_counted(stamps: pd.Index) -> bool:
    """Whether time stamps are of one of the types that can be counted with."""
    if isinstance(stamps, pd.DatetimeIndex | pd.PeriodIndex | pd.TimedeltaIndex):
        return True
    return stamps.dtype == np.int64


def _are_numbers(stamps: pd.Index) -> bool:
    return pd.api.types.is_any_real_numeric_dtype(stamps.dtype)


def follows_of(series: TimeSeries, step: TimeStep) -> np.ndarray:
    """For every row, whether it is one time step after the row before, in the same series."""
    follows = np.zeros(len(series.codes), dtype=bool)
    follows[1:] = series.codes[1:] == series.codes[:-1]
    follows[1:] &= step.follows(series.stamps)
    return follows


def refuse_gaps(series: TimeSeries, follows: np.ndarray, step: TimeStep) -> None:
    """Raise an error that names the first time step without a row or without a value."""
    remedy = "Put in what is missing, or set gaps='skip' to leave out the windows across it."
    codes, stamps = series.codes, series.stamps
    jumps = np.flatnonzero(~follows[1:] & (codes[1:] == codes[:-1]))
    if len(jumps):
        row = int(jumps[0])
        raise ValueError(
            f"{_place(series, row)} is followed by {label(stamps, row + 1)}, but "
            f"{step.in_words()}. {remedy} If the time step is another one, pass it as freq; "
            "freq='rows' takes every row as a step, and tolerance lets time stamps be off a little."
        )
    future = future_rows(series)
    for name, column in series.columns.items():
        missing = ~np.isfinite(column)
        if name not in series.names.known:
            missing &= ~future
        if missing.any():
            row = int(np.argmax(missing))
            finite = "" if name in series.labels or name in series.encoders else "finite "
            left_out = (*series.names.targets, *series.names.known, *series.encoders)
            kept = np.isnan(column[row]) and name not in left_out
            more = " With gaps='keep' it comes as NaN, which the estimators take." if kept else ""
            raise ValueError(
                f"{_place(series, row)} has no {finite}value of {name!r}. {remedy}{more}"
            )


def future_rows(series: TimeSeries) -> np.ndarray:
    """Whether a row is one of those at the end of its series that hold known channels alone."""
    if not series.names.known:
        return np.zeros(len(series.codes), dtype=bool)
    # The category of a series, such as its name, is there before its values are.
    categories = set(series.encoders) - set(series.names.targets)
    observed = [
        ~np.isnan(column)
        for name, column in series.columns.items()
        if name not in series.names.known and name not in categories
    ]
    rows = np.flatnonzero(np.logical_or.reduce(observed))
    last = np.full(len(series.ids), -1)
    np.maximum.at(last, series.codes[rows], rows)
    return np.arange(len(series.codes)) > last[series.codes]


def _place(series: TimeSeries, row: int) -> str:
    """The series and the time of a row, in words."""
    when = f"Time {label(series.stamps, row)}"
    if series.group is None:
        return when
    return f"{when} of {series.group} {label(series.ids, series.codes[row])!r}"
