"""Gather sequences from a long table, which has one row per time step."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from skrnn.sequences import unpack_steps


def from_long(
    data: pd.DataFrame,
    *,
    id: Hashable,
    time: Hashable | None = None,
    channels: Hashable | Sequence[Hashable] | None = None,
) -> pd.DataFrame:
    """Gather sequences from a long table, which has one row per time step.

    Parameters
    ----------
    data : DataFrame
        The long table.
    id : label
        Column, or level of the index, that says which sequence a row belongs to.
    time : label, default=None
        Column, or level of the index, that orders the rows of a sequence. None takes the rows
        in the order in which they stand. Rows of a sequence need not stand together.
    channels : label or list of labels, default=None
        Numeric columns to keep. None keeps every numeric column but `id` and `time`; name the
        channels where a target stands beside them.

    Returns
    -------
    DataFrame of shape (n_sequences, n_channels)
        A cell holds one channel of one sequence as an ndarray of shape (n_timesteps,), float32
        where the column is float32, else float64; the cells of a column are views of one array.
        The index has the ids in the order of their first appearance in `data`, which is that
        of ``data.groupby(id, sort=False)``. Missing values stay NaN.

    Raises
    ------
    TypeError
        If `data` is no DataFrame or a channel is not numeric.
    ValueError
        If a column is missing, there is no channel or no row, an id or a time is missing, or a
        sequence has the same time twice.

    See Also
    --------
    SequenceScaler : Standardises the channels.

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
    >>> X = from_long(data, id="patient", time="hour", channels=["pulse"])
    >>> X
                        pulse
    patient
    b        [60.0, 70.0, 80.0]
    a                    [75.0]
    >>> y = data.groupby("patient", sort=False)["ill"].first()
    """
    if not isinstance(data, pd.DataFrame):
        raise TypeError(f"data must be a pandas DataFrame, got {type(data).__name__}.")
    if len(data) == 0:
        raise ValueError("data has no rows; at least one time step is needed.")
    codes, ids = pd.factorize(_column(data, id))
    if (codes < 0).any():
        row = data.index.tolist()[int(np.argmin(codes))]
        raise ValueError(f"Row {row!r} has no id: column {id!r} is missing there. Drop such rows.")
    names = _channel_names(data, id, time, channels)
    order = _sequence_order(codes, ids, None if time is None else _column(data, time), id, time)
    lengths = np.bincount(codes)
    cells = [unpack_steps(_channel(data, name, order), lengths, ragged=True) for name in names]
    X = pd.DataFrame(dict(enumerate(cells)), index=pd.Index(ids, name=id))
    return X.set_axis(pd.Index(names, name=data.columns.name), axis=1)


def _column(data: pd.DataFrame, name: Hashable) -> pd.Series:
    """A column or a level of the index, by name."""
    if name in data.columns:
        column = data[name]
        if isinstance(column, pd.DataFrame):
            raise ValueError(f"data has {column.shape[1]} columns named {name!r}; rename them.")
        return column
    if name in data.index.names:
        return pd.Series(data.index.get_level_values(name))
    levels = [level for level in data.index.names if level is not None]
    raise ValueError(
        f"data has no column {name!r}. Its columns are {list(data.columns)}"
        f"{f' and the levels of its index {levels}' if levels else ''}."
    )


def _channel_names(
    data: pd.DataFrame, id: Hashable, time: Hashable | None, channels: Any
) -> list[Hashable]:
    """The labels of the channels, each of which is a numeric column of `data`."""
    if channels is None:
        numeric = data.select_dtypes(["number", "bool"]).columns
        names = [name for name in numeric if name not in (id, time)]
        if not names:
            raise ValueError(f"data has no numeric column but {id!r} and {time!r} to be a channel.")
    else:
        several = not isinstance(channels, Hashable) or (
            isinstance(channels, tuple) and channels not in data.columns
        )
        names = list(channels) if several else [channels]
        if not names:
            raise ValueError("channels is empty; name at least one column.")
    for name in names:
        dtype = _column(data, name).dtype
        if not pd.api.types.is_numeric_dtype(dtype) or pd.api.types.is_complex_dtype(dtype):
            raise TypeError(
                f"Channel {name!r} has dtype {dtype}; a channel must be a column of real numbers. "
                "Convert it, or leave it out of channels."
            )
    return names


def _sequence_order(
    codes: np.ndarray, ids: pd.Index, times: pd.Series | None, id: Hashable, time: Hashable | None
) -> np.ndarray | slice:
    """The rows, sequence after sequence and by time; a slice where they stand so already."""
    if times is None:
        return slice(None) if (codes[1:] >= codes[:-1]).all() else np.argsort(codes, kind="stable")
    if times.hasnans:
        sequence = ids.tolist()[codes[int(np.argmax(times.isna()))]]
        raise ValueError(f"{id} {sequence!r} has a row without {time!r}. Drop such rows.")
    keys = _sort_keys(times)
    if _strictly_sorted(codes, keys).all():
        return slice(None)
    order = np.lexsort((keys, codes))
    distinct = _strictly_sorted(codes[order], keys[order])
    if not distinct.all():
        row = order[int(np.argmin(distinct))]
        raise ValueError(
            f"{id} {ids.tolist()[codes[row]]!r} has more than one row with {time} "
            f"{times.tolist()[row]!r}. Drop the duplicates, or aggregate them."
        )
    return order


def _strictly_sorted(codes: np.ndarray, keys: np.ndarray) -> np.ndarray:
    """For every row but the last, whether the next one comes after it in sequence or time."""
    later = (codes[1:] == codes[:-1]) & (keys[1:] > keys[:-1])
    return (codes[1:] > codes[:-1]) | later


def _sort_keys(times: pd.Series) -> np.ndarray:
    if isinstance(times.dtype, np.dtype) and times.dtype.kind in "iufmM":
        return times.to_numpy()
    return pd.factorize(times, sort=True)[0]


def _channel(data: pd.DataFrame, name: Hashable, order: np.ndarray | slice) -> np.ndarray:
    """A new float array with one channel of all sequences."""
    column = _column(data, name)
    dtype = np.float32 if str(column.dtype).lower() == "float32" else np.float64
    if isinstance(column.dtype, np.dtype):
        values = column.to_numpy(dtype=dtype)
    else:
        values = column.to_numpy(dtype=dtype, na_value=np.nan)
    return values.copy() if isinstance(order, slice) else values[order]
