"""What may be a value of a sequence, and what is refused rather than read as a number."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd

REMEDY_STRINGS = (
    "skrnn.preprocessing.TokenEncoder turns strings and other tokens into ids, and the parameter "
    "embedding_dim of the estimators takes such ids. Convert strings of digits to numbers first, "
    "for example with pandas.to_numeric."
)
REMEDY_TEXT_CELLS = (
    "It looks like a sequence written as text, as a CSV file does with cells that are sequences: "
    "write such a frame with to_parquet, or parse the cells, for example with json.loads."
)
REMEDY_DATES = (
    "Turn dates and time differences into numbers of a unit first, for example into the seconds "
    "since the step before, or leave them out."
)
# Types whose values need no second look.
PLAIN = frozenset({float, int, bool, type(None), type(pd.NA), Decimal, np.bool_})
DATES = (
    datetime.date,
    datetime.time,
    datetime.timedelta,
    np.datetime64,
    np.timedelta64,
    pd.Period,
    type(pd.NaT),
)


def unmasked(array: Any) -> Any:
    """Return a masked array with what is masked as missing: NaN, or None among objects.

    Anything else comes back as it is.
    """
    if not isinstance(array, np.ma.MaskedArray):
        return array
    if not np.ma.getmaskarray(array).any():
        return array.data
    mask = np.ma.getmaskarray(array)
    if array.dtype.kind in "fiub":
        dtype = array.dtype if array.dtype.kind == "f" else np.float64
        return np.where(mask, np.nan, array.data).astype(dtype)
    objects = array.data.astype(object)
    objects[mask] = None
    return objects


def as_numbers(item: Any, where: str) -> np.ndarray:
    """Return `item` as an array of real numbers; missing values of any kind become NaN.

    Parameters
    ----------
    item : array-like
        A sequence, a column or a table.
    where : str
        What it is, at the beginning of errors.

    Returns
    -------
    ndarray of a float, integer or boolean dtype
        Of any shape; it may share memory with `item`.

    Raises
    ------
    ValueError
        If `item` is not rectangular, or holds strings, dates or complex numbers.
    TypeError
        If it holds anything else that is no number.
    """
    array = as_array(item, where)
    kind = array.dtype.kind
    if kind in "fiub":
        return array
    if kind == "O":
        return _numbers_of_objects(array, where)
    if kind in "US":
        raise ValueError(_about_string(array.flat[0] if array.size else "", where))
    if kind in "mM":
        raise ValueError(f"{where} has dtype {array.dtype}; expected real numbers. {REMEDY_DATES}")
    reason = "Complex data not supported: " if kind == "c" else ""
    raise ValueError(f"{reason}{where} has dtype {array.dtype}; expected real numbers.")


def as_array(item: Any, where: str) -> np.ndarray:
    """Return `item` as an array in which what is masked is missing.

    Raises
    ------
    ValueError
        If `item` is not rectangular.
    """
    if isinstance(item, (list, tuple)) and any(
        isinstance(part, np.ma.MaskedArray) for part in item
    ):
        item = [unmasked(part) for part in item]
    try:
        return np.asarray(unmasked(item))
    except ValueError as error:
        raise ValueError(
            f"{where} is not a rectangular array: its parts have different lengths or depths."
        ) from error


def refuse_dates(array: np.ndarray, where: str) -> None:
    """Raise an error if an array of numbers or labels has dates or time differences instead."""
    value: Any = array
    if array.dtype.kind == "O":
        kinds = set(map(type, array.ravel()))
        dates = [kind for kind in kinds if issubclass(kind, DATES)]
        if not dates:
            return
        value = next(value for value in array.ravel() if type(value) in dates)
    elif array.dtype.kind not in "mM":
        return
    what = f"dtype {value.dtype}" if value is array else repr(value)
    raise ValueError(f"{where} holds {what}; expected numbers or labels. {REMEDY_DATES}")


def with_numbers(table: pd.DataFrame, where: str) -> pd.DataFrame:
    """Return a table with columns of numbers in place of columns of objects that are numbers.

    Raises
    ------
    ValueError, TypeError
        As `as_numbers`.
    """
    doubtful = {dtype for dtype in set(table.dtypes) if not _is_real(dtype)}
    if not doubtful:
        return table
    columns = [
        as_numbers(table.iloc[:, j], f"{where} in column {table.columns.tolist()[j]!r}")
        if dtype in doubtful
        else table.iloc[:, j]
        for j, dtype in enumerate(table.dtypes)
    ]
    numbers = pd.DataFrame(dict(enumerate(columns)), index=table.index)
    return numbers.set_axis(table.columns, axis=1)


def _is_real(dtype: Any) -> bool:
    is_number = pd.api.types.is_numeric_dtype(dtype) or pd.api.types.is_bool_dtype(dtype)
    return is_number and not pd.api.types.is_complex_dtype(dtype)


def _numbers_of_objects(array: np.ndarray, where: str) -> np.ndarray:
    values = array.ravel()
    for kind in set(map(type, values)) - PLAIN:
        _check_object(next(value for value in values if type(value) is kind), where)
    missing = np.asarray(pd.isna(array))
    try:
        return np.where(missing, np.nan, array).astype(np.float64)
    except OverflowError as error:
        raise ValueError(f"{where} holds a number too large for float64.") from error


def _check_object(value: Any, where: str) -> None:
    """Raise an error that names `value` if it is no real number."""
    if isinstance(value, (str, bytes)):
        raise ValueError(_about_string(value, where))
    if isinstance(value, DATES):
        raise ValueError(f"{where} holds {value!r}; expected real numbers. {REMEDY_DATES}")
    if isinstance(value, (complex, np.complexfloating)):
        raise ValueError(
            f"Complex data not supported: {where} holds {value!r}; expected real numbers."
        )
    if isinstance(value, Sequence) or getattr(value, "ndim", 0) > 0:
        raise ValueError(
            f"{where} is not a rectangular array: it holds {about_text(value)}, a "
            f"{type(value).__name__}, in place of a number."
        )
    try:
        float(value)
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"{where} holds {about_text(value)} in place of a number: argument must be a string "
            f"or a real number, not {type(value).__name__!r}."
        ) from error


def _about_string(value: Any, where: str) -> str:
    remedy = REMEDY_TEXT_CELLS if is_written_sequence(str(value)) else REMEDY_STRINGS
    return f"{where} holds strings such as {about_text(value)}; expected real numbers. {remedy}"


def is_written_sequence(text: str) -> bool:
    """Whether a string looks like a sequence written as text."""
    text = text.strip()
    return text.startswith(("[", "(", "array(")) and text.endswith(("]", ")"))


def about_text(value: Any) -> str:
    """Return a value as it is written, cut if it is long."""
    text = repr(str(value) if isinstance(value, np.str_) else value)
    return text if len(text) <= 60 else f"{text[:57]}..."
