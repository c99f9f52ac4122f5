"""Targets that are missing: which they are, and what stands in for them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from pandas.api.extensions import ExtensionDtype

from skrnn.sequences._values import as_array


def labels_as_array(item: Any, where: str) -> np.ndarray:
    """Return targets as an array in which a label that is missing stays missing.

    NumPy makes the text ``"nan"`` of a NaN in a list of texts, and pandas floats of integers
    beside a missing one.

    Parameters
    ----------
    item : array-like
        Targets.
    where : str
        What it is, at the beginning of errors.

    Returns
    -------
    ndarray
        Of objects where texts and missing labels stand side by side.

    Raises
    ------
    ValueError
        If `item` is not rectangular.
    """
    array = as_array(item, where)
    listed = array.dtype.kind in "US" and isinstance(item, list | tuple)
    if listed or (array.dtype.kind == "f" and _is_nullable(item)):
        objects = np.array(item, dtype=object)
        if objects.shape == array.shape and pd.isna(objects).any():
            return objects
    return array


def _is_nullable(item: Any) -> bool:
    """Tell whether something of pandas holds integers or booleans that may be missing."""
    dtypes = item.dtypes if isinstance(item, pd.DataFrame) else [getattr(item, "dtype", None)]
    return all(
        isinstance(dtype, ExtensionDtype) and getattr(dtype, "kind", "O") in "iub"
        for dtype in dtypes
    )


def missing_in(values: np.ndarray) -> np.ndarray | None:
    """Return the mask of the values that are missing: None, NaN, NaT or pandas' NA.

    Returns
    -------
    ndarray of bool, of the shape of `values`, or None
        None where nothing is missing.
    """
    if values.dtype.kind == "f":
        missing = np.isnan(values)
    elif values.dtype.kind == "O":
        missing = pd.isna(values)
    else:
        return None
    return missing if missing.any() else None


def without_missing(values: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    """Return targets with a valid one in place of each that is missing, and which are there.

    Parameters
    ----------
    values : ndarray of shape (n_rows,) or (n_rows, n_outputs)
        Targets.

    Returns
    -------
    values : ndarray
        What is missing is replaced by the first target of its output that is there, in a copy.
        Objects that are numbers become numbers.
    present : ndarray of bool, of the shape of `values`, or None
        Which targets are there; None for all of them.

    Raises
    ------
    ValueError
        If none is there.

    Examples
    --------
    >>> import numpy as np
    >>> from skrnn.sequences import without_missing
    >>> without_missing(np.array([None, True, False], dtype=object))
    (array([ True,  True, False]), array([False,  True,  True]))
    """
    if values.dtype.kind == "T":  # texts of NumPy, which may have a value for missing ones
        objects = values.astype(object)
        return (values, None) if missing_in(objects) is None else without_missing(objects)
    missing = missing_in(values)
    if missing is None:
        return _as_numbers(values), None
    if missing.all():
        raise ValueError(
            "y has no target at all: every one is missing (NaN or None). Give at least one."
        )
    filled, there = values.copy(), values[~missing]
    for column, gaps in zip(_columns(filled), _columns(missing), strict=True):
        own = column[~gaps]
        column[gaps] = own[0] if len(own) else there[0]
    return _as_numbers(filled), ~missing


def _columns(values: np.ndarray) -> np.ndarray:
    """Return a view with one row for each output."""
    return values.reshape(len(values), -1).T


def _as_numbers(values: np.ndarray) -> np.ndarray:
    """Return an array of objects that are all numbers as one of numbers, another as it is."""
    if values.dtype != object or any(isinstance(value, str | bytes) for value in values.flat):
        return values
    numbers = np.array(values.tolist())
    return numbers if numbers.dtype.kind in "biuf" and numbers.shape == values.shape else values


def join_targets(arrays: list[np.ndarray], *, axis: int = 0) -> np.ndarray:
    """Concatenate the targets of several sequences or outputs.

    Parameters
    ----------
    arrays : list of ndarray
        Each in the dtype that its own targets gave it.
    axis : int, default=0
        The axis to join on.

    Raises
    ------
    ValueError
        If there are strings beside numbers.
    """
    kinds = {array.dtype.kind for array in arrays}
    if "f" in kinds and kinds - set("iuf"):
        # NaN alone says nothing of what kind the labels are.
        arrays = [_as_objects_where_all_missing(array) for array in arrays]
        kinds = {array.dtype.kind for array in arrays}
    kinds -= {"O"}  # texts may be objects, too
    if len({kind in "UST" for kind in kinds}) > 1:
        raise ValueError("y mixes strings and numbers. Give all targets the same type.")
    if "O" in {array.dtype.kind for array in arrays}:
        arrays = [array.astype(object) for array in arrays]
    return np.concatenate(arrays, axis=axis)


def _as_objects_where_all_missing(array: np.ndarray) -> np.ndarray:
    all_missing = array.dtype.kind == "f" and bool(np.isnan(array).all())
    return array.astype(object) if all_missing else array
