"""Sample weights: class weights, and repeated samples as one weighted sample."""

from __future__ import annotations

from math import fsum
from typing import Any

import numpy as np
from sklearn.utils.class_weight import compute_class_weight

from skrnn.sequences import Sequences


def class_weights_of_rows(
    class_weight: Any, codes: np.ndarray, classes: np.ndarray, row_weight: np.ndarray
) -> np.ndarray:
    """Return the class weight of every row.

    Parameters
    ----------
    class_weight : dict, list of dict or "balanced"
        As in scikit-learn; a dict holds for every output. ``"balanced"`` gives every class that
        occurs the same total weight.
    codes : int ndarray of shape (n_rows,) or (n_rows, n_outputs)
        Indices in `classes`; the weights of several outputs are multiplied.
    classes : ndarray of shape (n_classes,)
        All classes, whether or not they occur.
    row_weight : ndarray of shape (n_rows,)
        Weights that ``"balanced"`` counts with, so that a weight of two equals two rows.

    Returns
    -------
    ndarray of shape (n_rows,)

    Raises
    ------
    ValueError
        If `class_weight` names unknown classes or has not one dict for every output.
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
    for column, column_weight in zip(columns, class_weight, strict=True):
        if column_weight == "balanced":
            weights *= _balanced(column, row_weight)[column]
        else:
            weights *= compute_class_weight(column_weight, classes=classes, y=classes)[column]
    return weights


def _balanced(codes: np.ndarray, row_weight: np.ndarray) -> np.ndarray:
    """Return weights by code that give every code that occurs the same total weight."""
    count = np.bincount(codes, weights=row_weight)
    present = count > 0
    balanced = np.zeros(len(count))
    balanced[present] = count.sum() / (present.sum() * count[present])
    return balanced


def merge_repeated_samples(
    sequences: Sequences,
    y: np.ndarray,
    sample_weight: np.ndarray,
    samples: np.ndarray,
    *,
    per_step: bool,
) -> tuple[np.ndarray, np.ndarray]:
    """Merge equal samples into one, their weights summed, in an order of their own.

    The full-batch gradient is a weighted sum over samples, so this is exact. It makes a
    full-batch fit the same to the bit whatever the order of the samples, and whether a sample
    is repeated or weighted: rounding cannot grow into a difference over the epochs.

    Parameters
    ----------
    sequences : Sequences
        The samples.
    y : ndarray of shape (n_samples, ...) or (n_steps_total, ...)
        Numeric targets of the samples or, with `per_step`, of all their time steps.
    sample_weight : ndarray of shape (n_samples,)
        Weights.
    samples : ndarray of shape (n,)
        Indices of the samples to look at.
    per_step : bool
        Whether there is a target at every time step.

    Returns
    -------
    samples : ndarray of shape (n_unique,)
        One index for each different sample.
    sample_weight : ndarray of shape (n_unique,)
        Sum of the weights of its equals.
    """
    equals: dict[tuple[bytes, bytes], list[int]] = {}
    for i in samples:
        start = sequences.starts[i]
        target = y[start : start + sequences.lengths[i]] if per_step else y[i]
        # Adding zero turns -0.0 into 0.0, which is equal but has other bytes.
        key = ((sequences.rows(i) + 0.0).tobytes(), (target + 0).tobytes())
        equals.setdefault(key, []).append(i)
    groups = [equals[key] for key in sorted(equals)]
    return (
        np.array([group[0] for group in groups], dtype=np.intp),
        np.array([fsum(sample_weight[group]) for group in groups], dtype=sample_weight.dtype),
    )
