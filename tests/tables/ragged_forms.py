"""Sequences of different lengths in the forms of an array."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def object_array(items: Sequence) -> np.ndarray:
    """A 1-D array of the items, also where they are equally long."""
    array = np.empty(len(items), dtype=object)
    for i, item in enumerate(items):
        array[i] = item
    return array


def padded(samples: Sequence[np.ndarray], extra_steps: int = 1) -> np.ndarray:
    """A 3-D array with steps of NaN behind the samples, one more than the longest needs."""
    n_timesteps = max(map(len, samples)) + extra_steps
    X = np.full((len(samples), n_timesteps, samples[0].shape[1]), np.nan, samples[0].dtype)
    for row, sample in zip(X, samples, strict=True):
        row[: len(sample)] = sample
    return X
