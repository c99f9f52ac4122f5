"""Batches of sequences of different lengths: which steps are real, and how to run backwards."""

from __future__ import annotations

import numpy as np

__all__ = ["lengths_of", "real_steps", "reverse_in_time"]


def lengths_of(n_active: np.ndarray, n_samples: int) -> np.ndarray:
    """Return the length of every row, ndarray of shape (n_samples,), from `n_active`."""
    if n_active[-1] == n_samples:
        return np.full(n_samples, len(n_active))
    return np.searchsorted(-n_active, -np.arange(n_samples), side="left")


def real_steps(n_active: np.ndarray, n_samples: int) -> np.ndarray:
    """Return the mask of real (not padded) steps, shape (n_timesteps, n_samples)."""
    return np.arange(n_samples) < n_active[:, None]


def reverse_in_time(x: np.ndarray, n_active: np.ndarray) -> np.ndarray:
    """Reverse every row within its own length; padding stays at the end.

    It is its own inverse.

    Examples
    --------
    Two rows of lengths 3 and 2:

    >>> import numpy as np
    >>> from skrnn.core.ragged import reverse_in_time
    >>> x = np.array([[1, 4], [2, 5], [3, 0]])[:, :, None]
    >>> reverse_in_time(x, n_active=np.array([2, 2, 1]))[:, :, 0]
    array([[3, 5],
           [2, 4],
           [1, 0]])
    """
    n_timesteps, n_samples = x.shape[:2]
    if n_active[-1] == n_samples:
        return np.ascontiguousarray(x[::-1])
    t = np.arange(n_timesteps)[:, None]
    source = lengths_of(n_active, n_samples) - 1 - t
    return x[np.where(source >= 0, source, t), np.arange(n_samples)]
