"""Weights of rows, or of every output of them where single targets are missing."""

from __future__ import annotations

import numpy as np

__all__ = ["by_output", "total_weight"]


def by_output(sample_weight: np.ndarray) -> np.ndarray:
    """Return weights of rows as a column; those of single outputs as they are."""
    return sample_weight[:, None] if sample_weight.ndim == 1 else sample_weight


def total_weight(sample_weight: np.ndarray) -> float:
    """Return the sum that turns a sum of losses into their mean.

    A row in which half of the outputs are missing weighs half.

    Parameters
    ----------
    sample_weight : ndarray of shape (n_rows,) or (n_rows, n_outputs)
        As a loss takes it.

    Examples
    --------
    >>> import numpy as np
    >>> from skrnn.core.row_weights import total_weight
    >>> total_weight(np.array([[2.0, 0.0], [1.0, 1.0]]))
    2.0
    """
    total = float(sample_weight.sum(dtype=np.float64))
    return total if sample_weight.ndim == 1 else total / sample_weight.shape[1]
