"""Columns of single values beside columns of sequences: what is known of a sample as a whole."""

from __future__ import annotations

import numpy as np
import pandas as pd

from skrnn._shown import python_value
from skrnn.sequences._cells import is_sequence_column
from skrnn.sequences._values import about_text, as_numbers, is_written_sequence

REMEDY_CATEGORIES = (
    "Encode it in front of the estimator, for example with ColumnTransformer([(name, "
    "OneHotEncoder(sparse_output=False), [{column!r}])], remainder='passthrough'), or drop it."
)
REMEDY_DIGITS = "Convert strings of digits to numbers first, for example with pandas.to_numeric."
REMEDY_MISSING = (
    "Impute it in front of the estimator, for example with ColumnTransformer([(name, "
    "SimpleImputer(), [{column!r}])], remainder='passthrough'), or drop the row."
)


def static_columns(frame: pd.DataFrame) -> np.ndarray:
    """Tell which columns of a table hold single values, and not sequences.

    Parameters
    ----------
    frame : DataFrame of shape (n_samples, n_columns)
        With sequences in the cells of one column at least.

    Returns
    -------
    ndarray of shape (n_columns,), dtype bool
    """
    columns = range(frame.shape[1])
    return np.array([not is_sequence_column(frame.iloc[:, j]) for j in columns], dtype=bool)


def static_values(frame: pd.DataFrame, dtype: np.dtype, where: str = "X") -> np.ndarray:
    """Return the numbers in columns of single values.

    Parameters
    ----------
    frame : DataFrame of shape (n_samples, n_static)
        Columns of numbers or booleans.
    dtype : dtype
        Of the result.
    where : str, default="X"
        Name of the table in errors.

    Returns
    -------
    ndarray of shape (n_samples, n_static)

    Raises
    ------
    ValueError
        If a column holds categories, strings or dates, or a value is missing or infinite.
    TypeError
        If a column holds anything else that is no number.
    """
    values = np.empty(frame.shape, dtype)
    with np.errstate(over="ignore"):  # which is named with its place below
        for j in range(frame.shape[1]):
            values[:, j] = _numbers(frame.iloc[:, j], where)
    _check_finite(values, frame, where)
    return values


def is_numeric(column: pd.Series) -> bool:
    """Whether a column of single values holds numbers, missing ones perhaps, and no booleans."""
    if isinstance(column.dtype, pd.CategoricalDtype) or _is_boolean(column):
        return False
    try:
        as_numbers(_plain(column), "X")
    except (TypeError, ValueError):
        return False
    return True


def _is_boolean(column: pd.Series) -> bool:
    if pd.api.types.is_bool_dtype(column.dtype):
        return True
    return column.dtype == object and set(map(type, column)) <= {bool, np.bool_}


def numbers_of(column: pd.Series) -> np.ndarray:
    """Return a column of numbers as float64, or float32 if it is; what is missing is NaN."""
    array = as_numbers(_plain(column), "X")
    return array if array.dtype == np.float32 else array.astype(np.float64)


def _numbers(column: pd.Series, table: str) -> np.ndarray:
    label = python_value(column.name)
    where = f"{table} in column {label!r}"
    dtype = column.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        raise ValueError(
            f"{where} holds categories beside sequences; expected numbers. "
            f"{REMEDY_CATEGORIES.format(column=label)}"
        )
    array = _plain(column)
    text = _first_text(array)
    if text is not None and not is_written_sequence(text):
        remedy = REMEDY_DIGITS if _is_written_number(text) else REMEDY_CATEGORIES
        raise ValueError(
            f"{where} holds strings such as {about_text(text)} beside sequences; expected numbers. "
            f"{remedy.format(column=label)}"
        )
    return as_numbers(array, where)


def _plain(column: pd.Series) -> np.ndarray:
    """Return a column as an array; of a nullable dtype with None for what is missing."""
    array = column.to_numpy()
    if array.dtype.kind == "O":
        array = array.copy()
        array[np.asarray(pd.isna(array))] = None
    return array


def _is_written_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _first_text(array: np.ndarray) -> str | None:
    if array.dtype.kind not in "OUS":
        return None
    return next((str(value) for value in array if isinstance(value, str | bytes)), None)


def _check_finite(values: np.ndarray, frame: pd.DataFrame, where: str) -> None:
    bad = ~np.isfinite(values)
    if not bad.any():
        return
    row, j = np.argwhere(bad)[0]
    label, column = frame.index.tolist()[row], python_value(frame.columns.tolist()[j])
    if np.isnan(values[row, j]):
        raise ValueError(
            f"{where} has no value (NaN) in row {label!r} of the static column {column!r}. "
            f"{REMEDY_MISSING.format(column=column)}"
        )
    raise ValueError(
        f"{where} contains infinity (inf) in row {label!r} of the static column {column!r}, or a "
        f"value too large for {values.dtype}. Clip such values, or divide the column by a power "
        "of ten."
    )
