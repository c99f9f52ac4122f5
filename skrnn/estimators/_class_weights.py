"""Weights of classes: what `class_weight` may be, and what it gives every row."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Real
from typing import Any

import numpy as np


def class_weights_of_rows(
    class_weight: Any,
    codes: np.ndarray,
    classes: np.ndarray,
    row_weight: np.ndarray,
    present: np.ndarray | None = None,
) -> np.ndarray:
    """Return the class weight of every row.

    Parameters
    ----------
    class_weight : dict, list of dict or "balanced"
        As in scikit-learn; a dict holds for every output, and classes that it does not name weigh
        one. ``"balanced"`` gives every class that occurs the same total weight.
    codes : int ndarray of shape (n_rows,) or (n_rows, n_outputs)
        Indices in `classes`; the weights of several outputs are multiplied.
    classes : ndarray of shape (n_classes,)
        All classes, whether or not they occur.
    row_weight : ndarray of shape (n_rows,)
        Weights that ``"balanced"`` counts with, so that a weight of two equals two rows.
    present : ndarray of bool of shape (n_rows, n_outputs), default=None
        Which outputs have a class, where single ones are missing. None stands for all.

    Returns
    -------
    ndarray of shape (n_rows,)

    Raises
    ------
    ValueError
        If `class_weight` names unknown classes, has a weight that is no finite number >= 0, or
        does not have one dict for every output.

    Examples
    --------
    >>> import numpy as np
    >>> from skrnn.estimators._class_weights import class_weights_of_rows
    >>> classes = np.array(["no", "yes"])
    >>> class_weights_of_rows({"yes": 5}, np.array([0, 1, 1]), classes, np.ones(3))
    array([1., 5., 5.])
    """
    columns = codes.reshape(len(codes), -1).T
    if not isinstance(class_weight, list):
        class_weight = [class_weight] * len(columns)
    elif len(class_weight) != len(columns):
        raise ValueError(
            f"class_weight is a list of {len(class_weight)}, but y has {len(columns)} output(s): "
            "give one dict for every output."
        )
    weights = np.ones(len(codes))
    for k, (column, column_weight) in enumerate(zip(columns, class_weight, strict=True)):
        there = True if present is None else present[:, k]
        if isinstance(column_weight, str) and column_weight == "balanced":
            of_column = _balanced(column, row_weight * there)[column]
        else:
            of_column = _of_classes(column_weight, classes)[column]
        weights *= np.where(there, of_column, 1)
    return weights


def _of_classes(class_weight: Any, classes: np.ndarray) -> np.ndarray:
    """Return the weight of every class; check what the user gave."""
    if not isinstance(class_weight, Mapping):
        raise ValueError(
            f"class_weight must be a dict of label to weight, or 'balanced', for every output. Got "
            f"{class_weight!r} instead."
        )
    labels = classes.tolist()
    for label, weight in class_weight.items():
        if label not in labels:
            raise ValueError(
                f"class_weight names the class {label!r}, but the classes in y are {labels}. "
                "Correct the name, or drop it."
            )
        valid = isinstance(weight, Real) and not isinstance(weight, bool | np.bool_)
        if not (valid and 0 <= weight <= np.finfo(np.float64).max):
            raise ValueError(
                f"The weight of class {label!r} in class_weight must be a finite number >= 0. Got "
                f"{weight!r} instead."
            )
    return np.array([float(class_weight.get(label, 1.0)) for label in labels])


def _balanced(codes: np.ndarray, row_weight: np.ndarray) -> np.ndarray:
    """Return weights by code that give every code that occurs the same total weight."""
    count = np.bincount(codes, weights=row_weight)
    present = count > 0
    balanced = np.zeros(len(count))
    balanced[present] = count.sum() / (present.sum() * count[present])
    return balanced
