"""Tables whose cells are sequences, Arrow lists among them: tell them apart and flatten them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from skrnn._shown import python_value
from skrnn.sequences._checks import check_not_empty
from skrnn.sequences._sequences import unpack_steps

# Cells of a table that are looked at one by one.
SMALL_TABLE = 256


def is_sequence(cell: Any) -> bool:
    """Whether an object is a sequence of values rather than a single one; a string is not."""
    if isinstance(cell, (list, tuple, pd.Series, pd.DataFrame)):
        return True
    if isinstance(cell, Sequence):
        return not isinstance(cell, (str, bytes, bytearray, memoryview))
    return hasattr(cell, "__array__") and getattr(cell, "ndim", 1) > 0


def first_is_sequence(cells: Iterable) -> bool:
    """Whether the first cell that is not missing is a sequence."""
    for cell in cells:
        if not (cell is None or cell is pd.NA or isinstance(cell, float)):
            return is_sequence(cell)
    return False


def has_sequences(array: np.ndarray) -> bool:
    """Whether the entries of an array of objects, of one or two axes, are sequences.

    Of two axes, the first row decides, in which single values may stand beside sequences.
    """
    row = array[0] if array.ndim == 2 and len(array) else array[:0]
    return any(map(is_sequence, row)) or first_is_sequence(array.flat)


def is_table(X: Sequence) -> bool:
    """Whether `X` is a list of equally long lists of single values."""
    return (
        all(isinstance(row, (list, tuple)) for row in X)
        and len({len(row) for row in X}) == 1
        and not any(is_sequence(cell) for cell in X[0])
    )


def has_sequence_cells(X: pd.DataFrame) -> bool:
    """Whether the cells of a DataFrame are sequences, in one column at least."""
    cells = _small_table_of_objects(X)
    if cells is not None:
        return any(map(first_is_sequence, cells.T))
    # Columns are taken out only where their dtype allows sequences: a wide table costs nothing.
    candidates = (j for j, dtype in enumerate(X.dtypes) if _is_object(dtype) or is_arrow(dtype))
    return len(X) > 0 and any(is_sequence_column(X.iloc[:, j]) for j in candidates)


def _small_table_of_objects(X: pd.DataFrame) -> np.ndarray | None:
    """Return the cells of a few samples, of which pandas takes longer to make columns."""
    if X.size > SMALL_TABLE or not all(map(_is_object, X.dtypes)):
        return None
    return X.to_numpy()


def is_sequence_column(column: pd.Series) -> bool:
    """Whether the cells of a column are sequences."""
    if _is_object(column.dtype):
        return first_is_sequence(column.array)
    return _is_arrow_list(column.dtype)


def refuse_cells_of_others(X: Any, array: np.ndarray) -> None:
    """Raise an error if another library's frame, read as `array`, has sequences as cells.

    The array has lost the names of the channels.
    """
    if array.dtype == object and first_is_sequence(array.flat) and hasattr(X, "to_pandas"):
        raise ValueError(
            f"X is a {type(X).__module__.split('.')[0]} {type(X).__name__} whose cells are "
            "sequences; expected one of pandas. Pass X.to_pandas()."
        )


def is_arrow(dtype: Any) -> bool:
    """Whether a column of this dtype is stored by Arrow."""
    return isinstance(dtype, pd.ArrowDtype)


def _is_arrow_list(dtype: Any) -> bool:
    if not is_arrow(dtype):
        return False
    from pyarrow import types

    arrow = dtype.pyarrow_dtype
    return types.is_list(arrow) or types.is_large_list(arrow) or types.is_fixed_size_list(arrow)


def _is_object(dtype: Any) -> bool:
    return isinstance(dtype, np.dtype) and dtype.kind == "O"


def items_of(X: Any) -> Sequence[Any]:
    """The entries of a Series as a list, of Arrow lists as one array each; others as they are."""
    if not isinstance(X, pd.Series):
        return X
    if _is_arrow_list(X.dtype):
        flat, lengths = _flatten_arrow(X)
        return list(unpack_steps(flat, lengths, ragged=True))
    return X.tolist()


def flatten_cells(
    frame: pd.DataFrame,
    name: str,
    as_cell: Callable[[Any, str], np.ndarray],
    join: Callable[[list[np.ndarray]], np.ndarray] = np.concatenate,
) -> tuple[list[np.ndarray], np.ndarray]:
    """Concatenate the cells of every column of a table whose cells are sequences.

    Parameters
    ----------
    frame : DataFrame of shape (n_samples, n_channels)
        The table.
    name : str
        Its name in errors.
    as_cell : callable
        ``as_cell(cell, where) -> ndarray`` for a cell that is not an array of numbers yet;
        `where` names the cell in errors.
    join : callable, default=numpy.concatenate
        ``join(arrays) -> ndarray``, for the cells of a column.

    Returns
    -------
    flats : list of ndarray of shape (n_steps_total,)
        One array per column: its cells, one after the other.
    lengths : ndarray of shape (n_samples,), dtype intp
        Number of time steps of every row.

    Raises
    ------
    ValueError
        If a column has no sequences, a cell is empty or not one-dimensional, or the cells of a
        row are not equally long.
    """
    plain = _flatten_plain_cells(frame)
    if plain is not None:
        return plain
    flats = []
    lengths: np.ndarray | None = None
    for j, (label, column) in enumerate(frame.items()):
        if not is_sequence_column(column):
            raise ValueError(
                f"{name} has sequences in its cells, but column {python_value(label)!r} has dtype "
                f"{column.dtype} without sequences. Drop that column, or turn each of its values "
                "into a sequence."
            )
        flat, column_lengths = _flatten_column(column, name, as_cell, join)
        if lengths is None:
            lengths = column_lengths
            _check_rows_not_empty(lengths, name, frame)
        elif not np.array_equal(lengths, column_lengths):
            i = int(np.argmax(lengths != column_lengths))
            first, other = (python_value(frame.columns[k]) for k in (0, j))
            raise ValueError(
                f"{name} has sequences of unequal length in row {frame.index.tolist()[i]!r}: "
                f"{lengths[i]} time steps in column {first!r}, {column_lengths[i]} in column "
                f"{other!r}. All channels of a sequence must be equally long."
            )
        flats.append(flat)
    assert lengths is not None
    return flats, lengths


def _flatten_plain_cells(frame: pd.DataFrame) -> tuple[list[np.ndarray], np.ndarray] | None:
    """Do as `flatten_cells` for a few samples of arrays, with which nothing is wrong."""
    cells = _small_table_of_objects(frame)
    if cells is None or cells.size == 0:
        return None
    for cell in cells.flat:
        if type(cell) is not np.ndarray or cell.ndim != 1 or cell.dtype.kind not in "fiub":
            return None
    lengths = np.array([[len(cell) for cell in row] for row in cells], dtype=np.intp)
    if not lengths.all() or (lengths != lengths[:, :1]).any():
        return None
    return [np.concatenate(list(column)) for column in cells.T], lengths[:, 0]


def _check_rows_not_empty(lengths: np.ndarray, name: str, frame: pd.DataFrame) -> None:
    check_not_empty(
        lengths,
        lambda i: (
            f"{name} has no time step in row {frame.index.tolist()[i]!r}, column "
            f"{python_value(frame.columns[0])!r}"
        ),
    )


def _flatten_column(
    column: pd.Series,
    name: str,
    as_cell: Callable[[Any, str], np.ndarray],
    join: Callable[[list[np.ndarray]], np.ndarray],
) -> tuple[np.ndarray, np.ndarray]:
    if is_arrow(column.dtype):
        flat, lengths = _flatten_arrow(column)
        if flat.ndim > 1:
            label = python_value(column.name)
            raise ValueError(
                f"{name} has matrices in the cells of column {label!r}; expected 1-D sequences, in "
                f"one column for each channel. If they are all there is, pass the column: "
                f"{name}[{label!r}]."
            )
        if flat.dtype.kind not in "fiub":
            flat = as_cell(flat, f"{name} in column {column.name!r}")
        return flat, lengths
    arrays = []
    for label, cell in zip(column.index, column.to_numpy(), strict=True):
        array = cell if type(cell) is np.ndarray and cell.dtype.kind in "fiub" else None
        if array is None or array.ndim != 1:
            label, channel = python_value(label), python_value(column.name)
            where = f"{name} in row {label!r}, column {channel!r},"
            array = as_cell(cell, where)
            if array.ndim != 1:
                what = f"has shape {array.shape}" if array.ndim else f"is {python_value(cell)!r}"
                raise ValueError(f"{where} {what}; expected a 1-D sequence.")
        arrays.append(array)
    lengths = np.fromiter(map(len, arrays), dtype=np.intp, count=len(arrays))
    return join(arrays), lengths


def _flatten_arrow(column: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """Values and lengths of a column of Arrow lists, without a loop over its cells."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if column.isna().any():
        label = column.index.tolist()[int(np.argmax(column.isna()))]
        channel = python_value(column.name)
        raise ValueError(
            f"Row {label!r} of column {channel!r} has no sequence (null). Drop that row."
        )
    cells = pa.chunked_array(pa.array(column.array))
    lengths = pc.list_value_length(cells).to_numpy().astype(np.intp)
    flat = pc.list_flatten(cells)
    if not pa.types.is_nested(flat.type):
        return _arrow_values(flat), lengths
    # Each cell is a matrix: as many values at every time step.
    widths = set(pc.list_value_length(flat).to_numpy().tolist())
    values = _arrow_values(pc.list_flatten(flat))
    if len(widths) != 1 or values.dtype.kind not in "fiub":
        return np.array(flat.to_pylist(), dtype=object), lengths
    return values.reshape(-1, int(widths.pop())), lengths


def _arrow_values(flat: Any) -> np.ndarray:
    """Return a chunked array of Arrow as one of NumPy."""
    import pyarrow as pa

    if pa.types.is_dictionary(flat.type):
        # Of categories, pyarrow makes the last one of a value that is missing.
        return np.asarray(flat.to_pandas())
    return flat.to_numpy(zero_copy_only=False)
