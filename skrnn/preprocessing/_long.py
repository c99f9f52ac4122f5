"""Between sequences and a long table, which has one row per time step."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any, overload

import numpy as np
import pandas as pd

from skrnn._shown import python_value
from skrnn.preprocessing._regular import EveryRow, Regular, aggregate_of, regular
from skrnn.preprocessing._table import (
    as_table,
    codes_of,
    column_of,
    label,
    listed,
    numeric_columns,
    sequence_order,
    values_of,
)
from skrnn.sequences import (
    as_sequences,
    flatten_cells,
    has_sequence_cells,
    static_columns,
    unpack_steps,
)


@overload
def from_long(
    data: Any,
    *,
    id: Hashable,
    time: Hashable | None = None,
    channels: Hashable | Sequence[Hashable] | None = None,
    target: None = None,
    static: Hashable | Sequence[Hashable] | None = None,
    return_sequences: bool = False,
    sort: bool = True,
    freq: Any = None,
    aggregate: Any = "mean",
    elapsed: Any = False,
) -> pd.DataFrame: ...
@overload
def from_long(
    data: Any,
    *,
    id: Hashable,
    time: Hashable | None = None,
    channels: Hashable | Sequence[Hashable] | None = None,
    target: str | int,
    static: Hashable | Sequence[Hashable] | None = None,
    return_sequences: bool = False,
    sort: bool = True,
    freq: Any = None,
    aggregate: Any = "mean",
    elapsed: Any = False,
) -> tuple[pd.DataFrame, pd.Series]: ...
@overload
def from_long(
    data: Any,
    *,
    id: Hashable,
    time: Hashable | None = None,
    channels: Hashable | Sequence[Hashable] | None = None,
    target: list[Any],
    static: Hashable | Sequence[Hashable] | None = None,
    return_sequences: bool = False,
    sort: bool = True,
    freq: Any = None,
    aggregate: Any = "mean",
    elapsed: Any = False,
) -> tuple[pd.DataFrame, pd.DataFrame]: ...
@overload
def from_long(
    data: Any,
    *,
    id: Hashable,
    time: Hashable | None = None,
    channels: Hashable | Sequence[Hashable] | None = None,
    target: Hashable | Sequence[Hashable] | None = None,
    static: Hashable | Sequence[Hashable] | None = None,
    return_sequences: bool = False,
    sort: bool = True,
    freq: Any = None,
    aggregate: Any = "mean",
    elapsed: Any = False,
) -> Any: ...
def from_long(
    data: Any,
    *,
    id: Hashable,
    time: Hashable | None = None,
    channels: Hashable | Sequence[Hashable] | None = None,
    target: Hashable | Sequence[Hashable] | None = None,
    static: Hashable | Sequence[Hashable] | None = None,
    return_sequences: bool = False,
    sort: bool = True,
    freq: Any = None,
    aggregate: Any = "mean",
    elapsed: Any = False,
) -> Any:
    """Gather sequences from a long table, which has one row per time step.

    Parameters
    ----------
    data : DataFrame
        The long table: of pandas, or of any kind that narwhals reads, such as those of polars
        and pyarrow.
    id : label
        Column, or level of the index, that says which sequence a row belongs to.
    time : label, default=None
        Column, or level of the index, that orders the rows of a sequence. None takes the rows
        in the order in which they come. They may be dates, periods, time differences, numbers or
        ordered categories, but no texts. The rows of a sequence need not be next to each other,
        and gaps in time are not time steps unless `freq` makes them so.
    channels : label or list of labels, default=None
        Columns to keep, of numbers or of strings. None keeps every numeric column but `id`,
        `time`, `target` and `static`.
    target : label or list of labels, default=None
        Columns of targets, which are returned beside the sequences and in the same order.
    static : label or list of labels, default=None
        Columns of what is known of a sequence as a whole, of any type: constant over each
        sequence, and single values in `X`. Rows without a value do not count.
    return_sequences : bool, default=False
        Whether a sequence has a target at every time step, for estimators with
        ``return_sequences=True``. Else a target must be constant over each sequence; rows
        without one do not count.
    sort : bool, default=True
        Whether the sequences are in the order of their ids, as those of ``data.groupby(id)``,
        or in that of their first appearance in `data`, as with ``sort=False`` there.
    freq : str, Timedelta, DateOffset or number, default=None
        Size of the time steps of a regular grid that the rows are laid on: a fixed one such as
        '15min', '1h' or '7D' for dates and time differences, a number for numbers, a number of
        periods for periods. A step begins at a multiple of it (dates: since 1970, days at
        midnight of the place), a sequence has all of them from its first row to its last, and
        one without a row, or without a value of a channel, is a gap: NaN, None among strings.
        None takes every row as a time step, whatever the time between them. Rows of the same
        time are no error with `freq`.
    aggregate : {"mean", "median", "min", "max", "sum", "first", "last"} or dict, default="mean"
        How the values of a channel in one step of `freq` become one, missing ones left out, or a
        dict of channel to that ("mean" for those not named). Strings take "first" or "last".
        Targets at every time step take the last one.
    elapsed : bool or label, default=False
        Whether a channel says how much time has gone by since the row before of the sequence
        (with `freq`, since the last step before that has a row), 0 at its first: in seconds for
        dates and time differences, else in the unit of the numbers or periods. True names it
        "elapsed"; any other label is its name.

    Returns
    -------
    X : DataFrame of shape (n_sequences, n_channels + n_static)
        A cell holds one channel of one sequence as an ndarray of shape (n_timesteps,), float32
        where the column is float32, object where it has strings or categories that are strings,
        else float64; the cells of a column are views of one array. The index has the ids.
        Missing numbers stay NaN, missing strings are None. The columns of `static` come last, in
        their own types; a sequence without any value has a missing one.
    y : Series or DataFrame of n_sequences rows
        Only if `target` is given: the targets, a DataFrame if `target` is a list. With
        `return_sequences` a cell holds those of a sequence. The index is that of `X`.

    Raises
    ------
    TypeError
        If `data` is not a DataFrame, a channel has values that are neither all numbers nor
        all strings, or times are texts.
    ValueError
        If a column is missing, there is no channel or no row, an id or a time is missing, a
        sequence has the same time twice, more than one target or more than one value of a column
        in `static`, a column has two parts to play, `time` is not given and the index holds times
        that are not in order or `freq` or `elapsed` needs them, or if `freq` or `aggregate` does
        not suit the times or channels.
    ImportError
        If `data` is not a pandas object and narwhals is not installed.

    See Also
    --------
    to_long : The inverse.
    SequenceScaler : Scales the channels.

    Examples
    --------
    >>> import pandas as pd
    >>> from skrnn.preprocessing import from_long
    >>> data = pd.DataFrame(
    ...     {
    ...         "patient": ["b", "b", "a", "b"],
    ...         "hour": [0, 2, 0, 1],
    ...         "pulse": [60.0, 80.0, 75.0, 70.0],
    ...         "ill": [1, 1, 0, 1],
    ...     }
    ... )
    >>> X, y = from_long(data, id="patient", time="hour", target="ill")
    >>> X
                        pulse
    patient
    a                    [75.0]
    b        [60.0, 70.0, 80.0]
    >>> y.to_dict()
    {'a': 0, 'b': 1}

    Uneven times on a grid of two hours:

    >>> data["hour"] = [0.5, 6.1, 0, 1.2]
    >>> from_long(data, id="patient", time="hour", channels="pulse", freq=2).loc["b", "pulse"]
    array([65., nan, nan, 80.])
    """
    data = as_table(data)
    codes, ids = codes_of(data, id, sort=sort)
    targets = [] if target is None else listed(target, data)
    known = [] if static is None else listed(static, data)
    if channels is None:
        names = numeric_columns(data, (id, time, *targets, *known))
    else:
        names = listed(channels, data)
        if not names:
            raise ValueError("channels is empty; name at least one column.")
    _check_parts_differ(names, targets, known)
    columns = [values_of(data, name, text=True) for name in names]
    hows = aggregate_of(aggregate, names, columns, regular=freq is not None)
    steps = _steps(data, codes, ids, id, time, freq)
    columns = [steps.gathered(column, how) for column, how in zip(columns, hows, strict=True)]
    if elapsed is not False:
        names = [*names, _name_of_elapsed(elapsed, time, names)]
        columns.append(steps.elapsed())
    cells = [unpack_steps(column, steps.lengths, ragged=True) for column in columns]
    cells += [_static(column_of(data, name), codes, ids, id) for name in known]
    X = pd.DataFrame(dict(enumerate(cells)), index=ids)
    X = X.set_axis(pd.Index([*names, *known], name=data.columns.name), axis=1)
    if target is None:
        return X
    found = [column_of(data, name).set_axis(range(len(data))) for name in targets]
    if return_sequences:
        of_steps = [steps.gathered(column.to_numpy()) for column in found]
        y = [unpack_steps(one, steps.lengths, ragged=True) for one in of_steps]
    else:
        y = [_one_target(column, codes, ids, id) for column in found]
    y = [pd.Series(one, index=ids, name=name) for one, name in zip(y, targets, strict=True)]
    return X, y[0] if targets == [target] else pd.concat(y, axis=1)


def _steps(
    data: pd.DataFrame,
    codes: np.ndarray,
    ids: pd.Index,
    id: Hashable,
    time: Hashable | None,
    freq: Any,
) -> EveryRow | Regular:
    """Return which rows make which time steps."""
    if time is None:
        if freq is not None:
            raise ValueError(f"freq={freq!r} needs to know when the rows are: name the time.")
        _check_index_in_order(data, codes, id)
        return EveryRow(sequence_order(codes, ids, None, id, None), codes, None)
    times = column_of(data, time).set_axis(data.index)
    if freq is not None:
        return regular(times, time, codes, freq)
    return EveryRow(sequence_order(codes, ids, times, id, time), codes, times.rename(time))


def _name_of_elapsed(elapsed: Any, time: Hashable | None, names: list[Hashable]) -> Hashable:
    """Return the label of the channel of elapsed times."""
    name = "elapsed" if elapsed is True else elapsed
    if time is None:
        raise ValueError(f"elapsed={elapsed!r} needs to know when the rows are: name the time.")
    if name in names:
        raise ValueError(
            f"There is a channel {python_value(name)!r} already; give that of the elapsed times "
            "another name, such as elapsed='since_last'."
        )
    return name


def _check_index_in_order(data: pd.DataFrame, codes: np.ndarray, id: Hashable) -> None:
    """Raise an error if an index of times does not grow within every sequence."""
    index = data.index
    if not isinstance(index, pd.DatetimeIndex | pd.PeriodIndex | pd.TimedeltaIndex):
        return
    if index.name == id and id is not None:
        return
    order = np.argsort(codes, kind="stable")
    backwards = (codes[order][1:] == codes[order][:-1]) & np.asarray(
        index[order][1:] < index[order][:-1]
    )
    if backwards.any():
        row = order[int(np.argmax(backwards)) + 1]
        raise ValueError(
            f"The index holds times, which are not in order: {label(index, row)} comes after a "
            "later time of the same sequence. Name the index and pass its name as time, or call "
            "data.reset_index(drop=True) if the rows are in order as they stand."
        )


def _check_parts_differ(*groups: Sequence[Hashable]) -> None:
    """Raise an error if a column is named as two of channel, target and static feature."""
    seen: set[Hashable] = set()
    for group in groups:
        for name in group:
            if name in seen:
                raise ValueError(
                    f"Column {name!r} is named as two of channels, target and static. Name it once."
                )
        seen.update(group)


def _one_target(column: pd.Series, codes: np.ndarray, ids: pd.Index, id: Hashable) -> Any:
    """The one target of every sequence, in its own type."""
    remedy = "For a target at every time step set return_sequences=True."
    values, first = _constant(column, codes, ids, f"{id} {{!r}} has more than one target", remedy)
    if (first < 0).any():
        sequence = label(ids, int(np.argmin(first)))
        raise ValueError(
            f"{id} {sequence!r} has no target in column {column.name!r}. Drop that sequence."
        )
    return values


def _static(column: pd.Series, codes: np.ndarray, ids: pd.Index, id: Hashable) -> Any:
    """The one value of every sequence, in its own type; missing where there is none."""
    remedy = "A column whose values change over time is one of channels."
    column = column.set_axis(range(len(column)))
    return _constant(column, codes, ids, f"{id} {{!r}} has more than one value", remedy)[0]


def _constant(
    column: pd.Series, codes: np.ndarray, ids: pd.Index, about: str, remedy: str
) -> tuple[Any, np.ndarray]:
    """The one value of every sequence, in its own type, and the first row that has it, or -1."""
    rows = np.flatnonzero(column.notna().to_numpy())
    kinds, _ = pd.factorize(column.iloc[rows])
    first = np.full(len(ids), -1)
    first[codes[rows][::-1]] = np.arange(len(rows))[::-1]
    differs = kinds != kinds[first[codes[rows]]]
    if differs.any():
        code = codes[rows][int(np.argmax(differs))]
        one, other = (
            python_value(column.iloc[row]) for row in (rows[first[code]], rows[np.argmax(differs)])
        )
        raise ValueError(
            f"{about.format(label(ids, code))} in column {column.name!r}: {one!r} and {other!r}. "
            f"{remedy}"
        )
    has_value = first >= 0
    if has_value.all():
        return column.iloc[rows[first]].array, first
    labels = np.where(has_value, rows[first], -1) if len(rows) else first
    return column.reindex(labels).array, first


def to_long(
    X: Any,
    *,
    id: Hashable | None = None,
    time: Hashable = "time",
    times: Any = None,
    channels: Sequence[Hashable] | None = None,
    n_channels: int = 1,
) -> pd.DataFrame:
    """Write sequences as a long table, which has one row per time step.

    Parameters
    ----------
    X : array-like, DataFrame, list or tuple
        Sequences, in any form that the estimators accept, or labels for every time step, as
        classifiers predict them. In a DataFrame whose cells are sequences, strings and NaN may
        be among the values; a column of single values is repeated at every time step.
    id : label, default=None
        Name of the column of ids. None takes the name of the index of `X`, or "id".
    time : label, default="time"
        Name of the column of times.
    times : list of array-like, or ndarray of shape (n_timesteps,), default=None
        The times of every sequence, or of the longest one if all of them start at the same time.
        None counts the time steps from 0.
    channels : sequence of labels, default=None
        Names of the channels. None takes those of `X`, or "x0", "x1" and so on.
    n_channels : int, default=1
        Columns per time step of a 2-D `X`, as in the estimators.

    Returns
    -------
    DataFrame of shape (n_steps, 2 + n_channels)
        Ids, times and channels, sequence after sequence. The ids are the index of `X`, or
        numbers from 0. ``from_long(to_long(X), id=id, time=time)`` gives the sequences back.

    Raises
    ------
    ValueError
        If an id occurs twice, two columns would have the same name, there are not as many
        `times` as time steps, or `X` is none of the forms.

    See Also
    --------
    from_long : The inverse.

    Examples
    --------
    >>> from skrnn.preprocessing import to_long
    >>> to_long([[1.0, 2.0], [3.0]], id="run", channels=["speed"])
       run  time  speed
    0    0     0    1.0
    1    0     1    2.0
    2    1     0    3.0
    """
    columns, lengths, own_names = _flattened(X, n_channels)
    ids = X.index if isinstance(X, pd.DataFrame | pd.Series) else pd.RangeIndex(len(lengths))
    if not ids.is_unique:
        twice = label(ids, int(np.argmax(ids.duplicated())))
        raise ValueError(
            f"The index of X has {twice!r} more than once, which would join two sequences. Give "
            "every sequence an id of its own, for example by X.reset_index(drop=True)."
        )
    if id is None:
        id = "id" if ids.name is None else ids.name
    names = own_names if channels is None else list(channels)
    if len(names) != len(columns):
        raise ValueError(f"channels has {len(names)} names, but X has {len(columns)} channels.")
    labels = pd.Index([id, time, *names], name=getattr(own_names, "name", None))
    if not labels.is_unique:
        raise ValueError(
            f"The columns would be {list(labels)}, of which {labels[labels.duplicated()][0]!r} "
            "occurs twice. Choose other names by id, time and channels."
        )
    data = [ids.repeat(lengths), _times(times, lengths), *columns]
    return pd.DataFrame(dict(enumerate(data))).set_axis(labels, axis=1)


def _holds_labels(X: Any) -> bool:
    """Whether `X` has sequences of strings as its items."""
    if not isinstance(X, np.ndarray | list | tuple | pd.Series) or len(X) == 0:
        return False
    first = X.iloc[0] if isinstance(X, pd.Series) else X[0]
    is_sequence = isinstance(first, np.ndarray | list | tuple | pd.Series) and len(first) > 0
    return is_sequence and isinstance(next(iter(first)), str)


def _flattened(X: Any, n_channels: int) -> tuple[list[Any], np.ndarray, Any]:
    """The channels, each of all sequences, the lengths of the sequences and the channels' names."""
    if _holds_labels(X):
        X = pd.DataFrame({"x0": list(X)}, index=X.index if isinstance(X, pd.Series) else None)
    if isinstance(X, pd.DataFrame) and has_sequence_cells(X):
        is_static = static_columns(X)
        cells = X.loc[:, ~is_static]
        channels, lengths = flatten_cells(cells, "X", lambda cell, _: np.asarray(cell))
        flat = iter(channels)
        columns = [
            X.iloc[:, j].repeat(lengths).array if static else next(flat)
            for j, static in enumerate(is_static)
        ]
        return columns, lengths, X.columns
    sequences = as_sequences(X, n_channels=n_channels, allow_nan=True)
    names = sequences.channels or [f"x{j}" for j in range(sequences.n_channels)]
    return list(sequences.values.T), sequences.lengths, names


def _times(times: Any, lengths: np.ndarray) -> Any:
    """The time of every step, sequence after sequence."""
    longest = int(lengths.max())
    if times is None:
        times = np.arange(longest)
    if isinstance(times, pd.Index | np.ndarray) and times.dtype != object:
        if times.ndim != 1 or len(times) < longest:
            raise ValueError(
                f"times has shape {times.shape}, but the longest sequence has {longest} time "
                "steps. Pass one time for each of them, or a list of the times of each sequence."
            )
        step = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        return times[step]
    found = [len(one) for one in times]
    if found != lengths.tolist():
        raise ValueError(
            f"times are those of {len(found)} sequences of {found[:5]} ... time steps, but X has "
            f"{len(lengths)} sequences of {lengths[:5].tolist()} ... time steps."
        )
    return np.concatenate([np.asarray(one) for one in times])
