"""Time steps in the form of the X that they were read from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from skrnn.sequences._cells import is_arrow
from skrnn.sequences._containers import plain
from skrnn.sequences._scaled import note_channels
from skrnn.sequences._sequences import Sequences, unpack_steps
from skrnn.sequences._static import static_columns
from skrnn.sequences._windows import Windows, as_windows

# Of further channels: what their labels begin with, and the channel that they are about.
Added = Sequence[tuple[str, int]]


def labels_with(labels: Any, n_channels: int, added: Added) -> list[Any]:
    """Return the labels of columns with those of further channels behind those of every time step.

    Parameters
    ----------
    labels : sequence
        Of the channels, or of the columns of a 2-D table.
    n_channels : int
        Columns per time step among them.
    added : sequence of (str, int)
        What the label of a further channel begins with, and the channel whose label follows.

    Examples
    --------
    >>> from skrnn.sequences import labels_with
    >>> labels_with(["a0", "b0", "a1", "b1"], 2, [("is_", 1)])
    ['a0', 'b0', 'is_b0', 'a1', 'b1', 'is_b1']
    """
    result: list[Any] = []
    for start in range(0, len(labels), n_channels):
        own = list(labels[start : start + n_channels])
        result += [*own, *(f"{prefix}{own[channel]}" for prefix, channel in added)]
    return result


def in_form_of(X: Any, sequences: Sequences, values: np.ndarray, added: Added = ()) -> Any:
    """Return time steps in the form of `X`.

    Parameters
    ----------
    X : array-like, DataFrame, list or tuple
        The object that `sequences` was read from.
    sequences : Sequences
        The result of :func:`as_sequences` for it.
    values : ndarray of shape (n_steps_total, n_channels + n_added)
        The time steps to return in place of ``sequences.values``.
    added : sequence of (str, int), default=()
        For every further channel, behind those of `X`, what its label begins with, and the
        channel that it is about.

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
        if not isinstance(X, pd.DataFrame):
            return table
        return pd.DataFrame(table, X.index, _columns(X.columns, sequences.n_channels, added))
    if isinstance(X, Windows):
        return X.one_by_one(values, X.channels and labels_with(X.channels, len(X.channels), added))
    if sequences.kind == "3d":
        return _array_like(X, sequences, values)
    if sequences.kind == "nested":
        return _nested_like(X, sequences, values, added)
    return _ragged_like(X, sequences, values, added)


def _columns(columns: pd.Index, n_channels: int, added: Added) -> pd.Index:
    if not added:
        return columns
    return pd.Index(labels_with(columns.tolist(), n_channels, added), name=columns.name)


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
    shape = (*np.asarray(X).shape[:2], values.shape[1])
    if len(values) == shape[0] * shape[1]:
        return values.reshape(shape)
    padded = np.full(shape, np.nan, dtype=values.dtype)
    padded[np.arange(shape[1]) < sequences.lengths[:, np.newaxis]] = values
    return padded


def _nested_like(
    X: Any, sequences: Sequences, values: np.ndarray, added: Added
) -> pd.DataFrame | np.ndarray:
    frame = pd.DataFrame(X)
    is_static = static_columns(frame)
    dtypes = frame.dtypes.to_numpy()[~is_static]
    channels = iter(np.ascontiguousarray(values.T))
    cells: list[Any] = []
    for j, (dtype, static) in enumerate(zip(frame.dtypes, is_static, strict=True)):
        cells.append(frame.iloc[:, j] if static else _cells_like(dtype, next(channels), sequences))
    for _, channel in added:
        cells.append(_cells_like(dtypes[channel], next(channels), sequences))
    if not isinstance(X, pd.DataFrame):
        return np.column_stack([np.asarray(cell, dtype=object) for cell in cells])
    names = labels_with(X.columns[~is_static], len(dtypes), added)[len(dtypes) :]
    columns = pd.Index([*X.columns, *names], name=X.columns.name) if names else X.columns
    return pd.DataFrame(dict(enumerate(cells)), index=X.index).set_axis(columns, axis=1)


def _cells_like(dtype: Any, channel: np.ndarray, sequences: Sequences) -> Any:
    return (_arrow_cells if is_arrow(dtype) else _object_cells)(channel, sequences)


def _object_cells(channel: np.ndarray, sequences: Sequences) -> np.ndarray:
    return unpack_steps(channel, sequences.lengths, ragged=True)


def _arrow_cells(channel: np.ndarray, sequences: Sequences) -> pd.api.extensions.ExtensionArray:
    import pyarrow as pa

    offsets = np.append(sequences.starts, len(channel))
    lists = pa.LargeListArray.from_arrays(offsets, channel)
    return pd.arrays.ArrowExtensionArray(lists)


def _ragged_like(X: Any, sequences: Sequences, values: np.ndarray, added: Added) -> Any:
    items = unpack_steps(values, sequences.lengths, ragged=True)
    for i, item in enumerate(X):
        items[i] = _item_like(item, items[i], added)
    if isinstance(X, pd.Series):
        return pd.Series(items, index=X.index, name=X.name)
    if isinstance(X, np.ndarray):
        return items
    return tuple(items) if isinstance(X, tuple) else list(items)


def _item_like(item: Any, values: np.ndarray, added: Added) -> Any:
    if isinstance(item, pd.DataFrame):
        return pd.DataFrame(values, item.index, _columns(item.columns, item.shape[1], added))
    if isinstance(item, pd.Series):
        if not added:
            return pd.Series(values.ravel(), item.index, name=item.name)
        return pd.DataFrame(values, item.index, labels_with([item.name], 1, added))
    return values if added or np.asarray(item).ndim == 2 else values.ravel()
