"""Read-outs piece by piece: what they keep of the time steps that have gone by.

`Running` is what a read-out of `skrnn.core.readouts` makes by its method ``running`` if it does not
need all states at once. Every class here gives what the read-out's `forward` gives, to the bit,
wherever the time steps are cut into pieces.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from skrnn.core.affine import add_over_time
from skrnn.core.ragged import lengths_of, real_steps

__all__ = ["Running", "RunningJoined", "RunningLast", "RunningMax", "RunningMean", "RunningStates"]


class Running(Protocol):
    """A read-out in the middle of the sequences."""

    def add(self, h: np.ndarray, n_active: np.ndarray, n_going_on: int) -> None:
        """Take the next time steps in.

        Parameters
        ----------
        h : ndarray of shape (n_timesteps + 1, n_running, n_units)
            States, the one before these time steps first, of the rows that still run: the first
            ones. Not kept.
        n_active : ndarray of shape (n_timesteps,)
            Rows that run at each step, `n_running` at the first one.
        n_going_on : int
            Rows that run beyond these time steps.
        """
        ...

    def features(self) -> np.ndarray:
        """Return the features of all rows, once all time steps have been taken in."""
        ...

    def kept(self) -> dict[str, np.ndarray]:
        """Return by name the arrays that hold what has gone by, a row for every sample.

        The arrays themselves: to write to them is to go on from other steps.
        """
        ...


class RunningLast:
    """The last state of every row that has ended."""

    def __init__(self, n_samples: int, n_units: int, dtype: np.dtype):
        self._last = np.empty((n_samples, n_units), dtype)

    def add(self, h: np.ndarray, n_active: np.ndarray, n_going_on: int) -> None:
        n_running = h.shape[1]
        ended = np.arange(n_going_on, n_running)
        if len(ended):
            steps = lengths_of(n_active, n_running)[n_going_on:]
            self._last[n_going_on:n_running] = h[steps, ended]

    def features(self) -> np.ndarray:
        return self._last

    def kept(self) -> dict[str, np.ndarray]:
        return {}  # the next state takes the place of the last one


class RunningMean:
    """The sum of the states so far, and how many they were."""

    def __init__(self, n_samples: int, n_units: int, dtype: np.dtype):
        self._total = np.zeros((n_samples, n_units))
        self._lengths = np.zeros(n_samples, np.intp)
        self._dtype = dtype

    def add(self, h: np.ndarray, n_active: np.ndarray, n_going_on: int) -> None:
        n_running = h.shape[1]
        add_over_time(self._total[:n_running], h[1:], n_active)
        self._lengths[:n_running] += lengths_of(n_active, n_running)

    def features(self) -> np.ndarray:
        return (self._total / self._lengths[:, None]).astype(self._dtype)

    def kept(self) -> dict[str, np.ndarray]:
        return {"total": self._total, "lengths": self._lengths}


class RunningMax:
    """The largest states so far."""

    def __init__(self, n_samples: int, n_units: int, dtype: np.dtype):
        self._largest = np.full((n_samples, n_units), -np.inf, dtype)

    def add(self, h: np.ndarray, n_active: np.ndarray, n_going_on: int) -> None:
        n_running, candidates = h.shape[1], h[1:]
        if n_active[-1] < n_running:
            padding = ~real_steps(n_active, n_running)
            candidates = np.where(padding[:, :, None], -np.inf, candidates)
        largest = self._largest[:n_running]
        np.maximum(largest, candidates.max(axis=0), out=largest)

    def features(self) -> np.ndarray:
        return self._largest

    def kept(self) -> dict[str, np.ndarray]:
        return {"largest": self._largest}


class RunningJoined:
    """Several of them, their features side by side."""

    def __init__(self, parts: list[Running]):
        self._parts = parts

    def add(self, h: np.ndarray, n_active: np.ndarray, n_going_on: int) -> None:
        for part in self._parts:
            part.add(h, n_active, n_going_on)

    def features(self) -> np.ndarray:
        return np.concatenate([part.features() for part in self._parts], axis=1)

    def kept(self) -> dict[str, np.ndarray]:
        return {
            f"{i}.{name}": array
            for i, part in enumerate(self._parts)
            for name, array in part.kept().items()
        }


class RunningStates:
    """All states so far, for a read-out that looks back at every one of them.

    Parameters
    ----------
    readout : Readout
        For example attention: a new state changes the weights of all those before it.
    weights : dict of str to ndarray
        Of the read-out.
    states : ndarray of shape (n_samples, n_steps, n_units)
        Those that have gone by; all rows have as many.
    """

    def __init__(self, readout: Any, weights: dict[str, np.ndarray], states: np.ndarray):
        self._readout = readout
        self._weights = weights
        n_samples, _, n_units = states.shape
        # The read-outs take the initial state first.
        first = np.zeros((1, n_samples, n_units), states.dtype)
        self._h = np.concatenate([first, states.swapaxes(0, 1)])

    def add(self, h: np.ndarray, n_active: np.ndarray, n_going_on: int) -> None:
        self._h = np.concatenate([self._h, h[1:]])

    def features(self) -> np.ndarray:
        n_timesteps, n_samples = len(self._h) - 1, self._h.shape[1]
        n_active = np.full(n_timesteps, n_samples)
        return self._readout.forward(self._h, n_active, self._weights)[0]

    def kept(self) -> dict[str, np.ndarray]:
        return {"states": self._h[1:].swapaxes(0, 1)}
