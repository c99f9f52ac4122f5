"""Time steps in the form of the X that they were read from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from skrnn.sequences._cells import is_arrow
from skrnn.sequences._containers import plain
from skrnn.sequences._scaled import note_channels
from skrnn.sequences._sequences import Sequences, unpack_steps
from skrnn.sequences._static import static_columns
from skrnn.sequences._windows import Windows, as_windows


def in_form_of(X: Any, sequences: Sequences, values: np.ndarray) -> Any:
    """Return time steps in the form of `X`.

    Parameters
    ----------
    X : array-like, DataFrame, list or tuple
        The object that `sequences` was read from.
    sequences : Sequences
        The result of :func:`as_sequences` for it.
    values : ndarray of shape (n_steps_total, n_channels)
        The time steps to return in place of ``sequences.values``.

    Returns
    -------
    ndarray, DataFrame, Series, list, tuple or Windows
        With the index, the columns and the padding of `X`; of a table of another library a
        DataFrame, of any other collection a list. Columns of single
        values are as they were.

    Examples
    --------
    >>> import numpy as np
    >>> from skrnn.sequences import as_sequences, in_form_of
    >>> X = [np.array([1.0, 2.0]), np.array([3.0])]
    >>> in_form_of(X, as_sequences(X), np.array([[10.0], [20.0], [30.0]]))
    [array([10., 20.]), array([30.])]
    """
    X = plain(X)
    if sequences.kind == "2d":
        table = values.reshape(sequences.n_samples, -1)
        return pd.DataFrame(table, X.index, X.columns) if isinstance(X, pd.DataFrame) else table
    if isinstance(X, Windows):
        return X.one_by_one(values)
    if sequences.kind == "3d":
        return _array_like(X, sequences, values)
    if sequences.kind == "nested":
        return _nested_like(X, sequences, values)
    return _ragged_like(X, sequences, values)


def map_steps(update: Callable[[np.ndarray], None], X: Any, sequences: Sequences) -> Any:
    """Apply `update` to every time step and return the result in the form of `X`.

    Parameters
    ----------
    update : callable
        Takes a C-contiguous ndarray of shape (n, n_channels), whose rows are time steps, and
        changes each row by itself, in place.
    X : array-like, DataFrame, list or tuple
        The object that `sequences` was read from; it is not changed.
    sequences : Sequences
        The result of :func:`as_sequences` for it; not to be used afterwards.

    Returns
    -------
    ndarray, DataFrame, Series, list, tuple or Windows
        As :func:`in_form_of`; samples that share rows in `X` share them in the result.

    Examples
    --------
    >>> import numpy as np
    >>> from skrnn.sequences import as_sequences, map_steps
    >>> def double(steps):
    ...     steps *= 2
    >>> X = [np.array([1.0, 2.0]), np.array([3.0])]
    >>> map_steps(double, X, as_sequences(X))
    [array([2., 4.]), array([6.])]
    """
    # Reading these forms joins arrays: the table is new and shares no memory with X.
    is_new = sequences.kind in ("ragged", "nested")
    table = sequences.table if is_new else sequences.table.copy()
    update(table)
    if sequences.kind == "2d":
        return note_channels(in_form_of(X, sequences, table), sequences.n_channels)
    if sequences.first_rows is None:
        return in_form_of(X, sequences, table)
    windows = as_windows(plain(X))
    assert windows is not None
    windows = windows.with_table(table)
    return windows if isinstance(X, Windows) else windows.to_view()


def _array_like(X: Any, sequences: Sequences, values: np.ndarray) -> np.ndarray:
    shape = np.asarray(X).shape
    if len(values) == shape[0] * shape[1]:
        return values.reshape(shape)
    padded = np.full(shape, np.nan, dtype=values.dtype)
    padded[np.arange(shape[1]) < sequences.lengths[:, np.newaxis]] = values
    return padded


def _nested_like(X: Any, sequences: Sequences, values: np.ndarray) -> pd.DataFrame | np.ndarray:
    frame = pd.DataFrame(X)
    channels = iter(np.ascontiguousarray(values.T))
    cells: dict[int, Any] = {}
    for j, (dtype, static) in enumerate(zip(frame.dtypes, static_columns(frame), strict=True)):
        if static:
            cells[j] = frame.iloc[:, j]
        else:
            make = _arrow_cells if is_arrow(dtype) else _object_cells
            cells[j] = make(next(channels), sequences)
    if not isinstance(X, pd.DataFrame):
        return np.column_stack([np.asarray(cell, dtype=object) for cell in cells.values()])
    return pd.DataFrame(cells, index=X.index).set_axis(X.columns, axis=1)


def _object_cells(channel: np.ndarray, sequences: Sequences) -> np.ndarray:
    return unpack_steps(channel, sequences.lengths, ragged=True)


def _arrow_cells(channel: np.ndarray, sequences: Sequences) -> pd.api.extensions.ExtensionArray:
    import pyarrow as pa

    offsets = np.append(sequences.starts, len(channel))
    lists = pa.LargeListArray.from_arrays(offsets, channel)
    return pd.arrays.ArrowExtensionArray(lists)


def _ragged_like(X: Any, sequences: Sequences, values: np.ndarray) -> Any:
    items = unpack_steps(values, sequences.lengths, ragged=True)
    for i, item in enumerate(X):
        items[i] = _item_like(item, items[i])
    if isinstance(X, pd.Series):
        return pd.Series(items, index=X.index, name=X.name)
    if isinstance(X, np.ndarray):
        return items
    return tuple(items) if isinstance(X, tuple) else list(items)


def _item_like(item: Any, values: np.ndarray) -> Any:
    if isinstance(item, pd.DataFrame):
        return pd.DataFrame(values, item.index, item.columns)
    if isinstance(item, pd.Series):
        return pd.Series(values.ravel(), item.index, name=item.name)
    return values if np.asarray(item).ndim == 2 else values.ravel()
