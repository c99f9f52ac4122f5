"""Samples laid out for a loop over time: a few steps at once, and batches cut where they pay."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from skrnn.sequences._sequences import Sequences

# A group of samples is cut in two if it has more padded steps than the first of these, and so many
# times its real ones; or more than the last of these whatever they are. A batch whose lengths are
# uniformly distributed has about twice its real steps.
SMALL_GROUP = 1 << 12
MOST_PADDING = 2.5
LARGE_GROUP = 1 << 19


class Batch(NamedTuple):
    """Some samples, padded with zeros and laid out for a loop over time.

    Attributes
    ----------
    x : ndarray of shape (n_timesteps, n_samples, n_channels)
        The values, time-major; zero at padding.
    n_active : ndarray of shape (n_timesteps,), dtype intp
        Rows still running at each step, non-increasing: row `r` runs at step `t` if and only if
        ``r < n_active[t]``.
    samples : ndarray of shape (n_samples,), dtype intp
        The sample index of every row; the rows are sorted by length, longest first.
    steps : ndarray of shape (sum of lengths,), dtype intp
        The real steps in time-major packed order, each as its index among all time steps, sample
        after sample: for each `t`, for each ``r < n_active[t]``, ``starts[samples[r]] + t``.
    static : ndarray of shape (n_samples, n_static) or None
        Static features of every row.
    """

    x: np.ndarray
    n_active: np.ndarray
    samples: np.ndarray
    steps: np.ndarray
    static: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class InTime:
    """Samples, longest first, whose time steps are gathered when they are asked for.

    Attributes
    ----------
    sequences : Sequences
        Where they are from.
    samples : ndarray of shape (n_samples,), dtype intp
        The sample index of every row.
    in_order : bool
        Whether the samples lie one after the other in the table, all of one length.
    lengths : ndarray of shape (n_samples,), dtype intp
        Number of time steps of every row.
    """

    sequences: Sequences
    samples: np.ndarray
    in_order: bool = False
    lengths: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "lengths", self.sequences.lengths[self.samples])

    @property
    def dtype(self) -> np.dtype:
        """Data type of the values."""
        return self.sequences.dtype

    @property
    def static(self) -> np.ndarray | None:
        """Static features of every row, ndarray of shape (n_samples, n_static), or None."""
        static = self.sequences.static
        return None if static is None else static[self.samples]

    @cached_property
    def n_active(self) -> np.ndarray:
        """Rows still running at each step, ndarray of shape (n_timesteps,)."""
        if len(self.lengths) and self.lengths[-1] == self.lengths[0]:
            return np.full(self.lengths[0], len(self.lengths), np.intp)
        ending = np.bincount(self.lengths)
        # Those that end after more than t steps.
        return np.cumsum(ending[::-1])[::-1][1:].astype(np.intp)

    def steps(self, start: int, stop: int, *, reverse: bool = False) -> np.ndarray:
        """Return time steps of the rows that run at `start`.

        Parameters
        ----------
        start, stop : int
            The first step, and the one after the last.
        reverse : bool, default=False
            Whether steps are counted from every sequence's end.

        Returns
        -------
        ndarray of shape (stop - start, n_active[start], n_channels)
            Time-major; zero at padding. Not to be written to: it may be a view of the data.
        """
        table, n_running = self.sequences.table, int(self.n_active[start])
        if n_running == self.n_active[stop - 1]:
            if self.in_order and not reverse:
                first, length = self.sequences.starts[self.samples[0]], self.lengths[0]
                rows = table[first : first + n_running * length]
                return rows.reshape(n_running, length, -1)[:, start:stop].swapaxes(0, 1)
            return table.take(self._rows(*self._grid(start, stop, n_running), reverse), axis=0)
        step, row = self._packed(start, stop)
        x = np.zeros((stop - start, n_running, table.shape[1]), table.dtype)
        x[step - start, row] = table.take(self._rows(step, row, reverse), axis=0)
        return x

    def positions(self, start: int, stop: int) -> np.ndarray:
        """Return the real ones of these steps in time-major order, as indices among all steps."""
        if self.n_active[start] == self.n_active[stop - 1]:
            step, row = self._grid(start, stop, int(self.n_active[start]))
        else:
            step, row = self._packed(start, stop)
        return (self.sequences.starts[self.samples[row]] + step).ravel()

    def batch(self) -> Batch:
        """Gather all time steps."""
        n_timesteps = len(self.n_active)
        if n_timesteps and self.n_active[-1] < len(self.samples):
            x, steps = self.steps(0, n_timesteps), self.positions(0, n_timesteps)
            return Batch(x, self.n_active, self.samples, steps, self.static)
        time, first_rows = np.arange(n_timesteps)[:, np.newaxis], self.sequences.first_rows
        steps = self.sequences.starts[self.samples] + time
        rows = steps if first_rows is None else first_rows[self.samples] + time
        x = self.sequences.table.take(rows, axis=0)
        return Batch(x, self.n_active, self.samples, steps.ravel(), self.static)

    def groups(self, most_steps: int = LARGE_GROUP) -> list[InTime]:
        """Return the samples in groups that bound the padded steps, as `group_bounds` cuts them."""
        if len(self.samples) * len(self.n_active) <= min(SMALL_GROUP, most_steps):
            return [self]
        bounds = group_bounds(self.lengths, most_steps)
        if len(bounds) == 2:
            return [self]
        return [InTime(self.sequences, self.samples[i:j]) for i, j in pairwise(bounds)]

    @property
    def _first_rows(self) -> np.ndarray:
        first_rows = self.sequences.first_rows
        return (self.sequences.starts if first_rows is None else first_rows)[self.samples]

    def _rows(self, step: np.ndarray, row: np.ndarray, reverse: bool) -> np.ndarray:
        """Return the rows of the table for steps of rows."""
        if reverse:
            return (self._first_rows + self.lengths - 1)[row] - step
        return self._first_rows[row] + step

    @staticmethod
    def _grid(start: int, stop: int, n_running: int) -> tuple[np.ndarray, np.ndarray]:
        return np.arange(start, stop)[:, np.newaxis], np.arange(n_running)

    def _packed(self, start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        """Return step and row of every real step in time-major order: memory as for these alone."""
        n_active = self.n_active[start:stop]
        step = np.repeat(np.arange(start, stop), n_active)
        row = np.arange(len(step)) - np.repeat(np.cumsum(n_active) - n_active, n_active)
        return step, row


def group_bounds(lengths: np.ndarray, most_steps: int = LARGE_GROUP) -> list[int]:
    """Return where samples are cut into groups, so that padding does not decide time and memory.

    Where there is little padding there is one group. The rule looks at nothing but the lengths, so
    that sums over groups are the same on every machine.

    Parameters
    ----------
    lengths : ndarray of shape (n_samples,)
        Longest first.
    most_steps : int, default=2 ** 19
        Padded steps of a group, unless it is one sample.

    Returns
    -------
    list of int
        The first sample of every group, and `n_samples`.

    Examples
    --------
    >>> import numpy as np
    >>> from skrnn.sequences._in_time import group_bounds
    >>> group_bounds(np.array([50, 40, 30, 20]))
    [0, 4]
    >>> group_bounds(np.array([10000, 40, 30, 20]))
    [0, 1, 4]
    """
    bounds, waiting = [0], [(0, len(lengths))]
    while waiting:
        start, stop = waiting.pop()
        cut = _cut(lengths[start:stop], most_steps)
        if cut is None:
            bounds.append(stop)
        else:
            waiting += [(start + cut, stop), (start, start + cut)]
    return bounds


def _cut(lengths: np.ndarray, most_steps: int) -> int | None:
    """Return where to cut a group so that the two parts have the fewest padded steps; or None."""
    n_samples = len(lengths)
    padded = n_samples * int(lengths[0]) if n_samples else 0
    too_large = padded > most_steps
    wasteful = padded > SMALL_GROUP and padded > MOST_PADDING * float(lengths.sum())
    if n_samples < 2 or not (too_large or wasteful):
        return None
    if lengths[-1] == lengths[0]:
        return n_samples // 2
    saved = (n_samples - np.arange(1, n_samples)) * (lengths[0] - lengths[1:])
    return 1 + int(saved.argmax())
