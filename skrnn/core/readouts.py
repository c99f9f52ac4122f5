"""From the states of all time steps to the features that the output layer sees.

A read-out works on one direction of the top layer, in that direction's own time: ``last`` of a
reversed direction is the state after it has read the whole sequence backwards.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from skrnn.core import kernels


def lengths_of(n_active: np.ndarray, n_samples: int) -> np.ndarray:
    """Return the length of every row, ndarray of shape (n_samples,), from `n_active`."""
    if n_active[-1] == n_samples:
        return np.full(n_samples, len(n_active))
    return np.searchsorted(-n_active, -np.arange(n_samples), side="left")


def real_steps(n_active: np.ndarray, n_samples: int) -> np.ndarray:
    """Return the mask of real (not padded) steps, shape (n_timesteps, n_samples)."""
    return np.arange(n_samples) < n_active[:, None]


def _zeros_like(h: np.ndarray) -> np.ndarray:
    # Not np.zeros: the system would hand out new pages, and clear them, for every batch.
    dh = kernels.empty(h.shape, h.dtype)
    dh.fill(0)
    return dh


class Last:
    """The state after a sequence's last real step."""

    def forward(self, h: np.ndarray, n_active: np.ndarray) -> np.ndarray:
        return h[self._last_steps(h, n_active)]

    def backward(self, d_features: np.ndarray, h: np.ndarray, n_active: np.ndarray) -> np.ndarray:
        dh = _zeros_like(h)
        dh[self._last_steps(h, n_active)] = d_features
        return dh

    @staticmethod
    def _last_steps(h: np.ndarray, n_active: np.ndarray) -> Any:
        """Return the index of the last real states: a plain step where all rows are as long."""
        n_samples = h.shape[1]
        if n_active[-1] == n_samples:
            return -1
        return lengths_of(n_active, n_samples), np.arange(n_samples)


class Mean:
    """The mean of the states over a sequence's real steps."""

    def forward(self, h: np.ndarray, n_active: np.ndarray) -> np.ndarray:
        # States are zero at padding, so the plain sum is the sum over real steps.
        lengths = lengths_of(n_active, h.shape[1]).astype(h.dtype)
        return h[1:].sum(axis=0) / lengths[:, None]

    def backward(self, d_features: np.ndarray, h: np.ndarray, n_active: np.ndarray) -> np.ndarray:
        lengths = lengths_of(n_active, h.shape[1]).astype(h.dtype)
        dh = kernels.empty(h.shape, h.dtype)
        dh[0] = 0
        dh[1:] = d_features / lengths[:, None]
        dh[1:][~real_steps(n_active, h.shape[1])] = 0
        return dh


class Max:
    """Every unit's largest state over a sequence's real steps (the first one if tied)."""

    def forward(self, h: np.ndarray, n_active: np.ndarray) -> np.ndarray:
        return np.take_along_axis(h, self._steps_of_max(h, n_active), axis=0)[0]

    def backward(self, d_features: np.ndarray, h: np.ndarray, n_active: np.ndarray) -> np.ndarray:
        dh = _zeros_like(h)
        np.put_along_axis(dh, self._steps_of_max(h, n_active), d_features[None], axis=0)
        return dh

    @staticmethod
    def _steps_of_max(h: np.ndarray, n_active: np.ndarray) -> np.ndarray:
        candidates = h[1:]
        if n_active[-1] < h.shape[1]:
            padding = ~real_steps(n_active, h.shape[1])
            candidates = np.where(padding[:, :, None], -np.inf, candidates)
        return candidates.argmax(axis=0)[None] + 1


Readout = Last | Mean | Max

READOUTS: dict[str, Readout] = {"last": Last(), "mean": Mean(), "max": Max()}
