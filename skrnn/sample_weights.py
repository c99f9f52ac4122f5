"""Sample weights: class weights, and repeated samples as one weighted sample."""

from __future__ import annotations

from math import fsum
from typing import Any

import numpy as np
from sklearn.utils.class_weight import compute_sample_weight

from skrnn.sequences import Sequences


def class_weights_of_rows(
    class_weight: Any, y: np.ndarray, row_weight: np.ndarray | None
) -> np.ndarray:
    """Return the class weight of every row.

    Parameters
    ----------
    class_weight : dict, list of dict, "balanced" or None
        As in scikit-learn. ``"balanced"`` gives every class the same total weight.
    y : ndarray of shape (n_rows,) or (n_rows, n_outputs)
        Labels; the weights of several outputs are multiplied.
    row_weight : ndarray of shape (n_rows,)
        Weights that ``"balanced"`` counts with, so that a weight of two equals two rows.

    Returns
    -------
    ndarray of shape (n_rows,)
    """
    if class_weight is None:
        return np.ones(len(y))
    if class_weight != "balanced":
        return compute_sample_weight(class_weight, y)
    weights = np.ones(len(y))
    for column in y.reshape(len(y), -1).T:
        classes, codes = np.unique(column, return_inverse=True)
        count = np.bincount(codes, weights=row_weight)
        present = count > 0
        balanced = np.zeros(len(classes))
        balanced[present] = count.sum() / (present.sum() * count[present])
        weights *= balanced[codes]
    return weights


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
