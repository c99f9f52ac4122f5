"""Sequences without padding, and batches of them laid out for a loop over time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from skrnn.sequences._in_time import Batch, InTime


@dataclass(frozen=True, eq=False)
class Sequences:
    """A set of multivariate sequences without padding.

    Attributes
    ----------
    table : ndarray of shape (n_rows, n_channels), dtype float32 or float64
        The rows that hold the time steps; C-contiguous and finite, or NaN where a value is
        missing. It may share memory with the X it was read from and is never written to.
    lengths : ndarray of shape (n_samples,), dtype intp
        Number of time steps of every sample, at least 1.
    kind : {"2d", "3d", "ragged", "nested"}
        The form of the X it was read from: a table with a sequence in every row, an array of
        three axes, one array per sequence, or a table whose cells are sequences.
    first_rows : ndarray of shape (n_samples,), dtype intp, or None
        Row in `table` of every sample's first step, for equally long samples that share rows;
        None if `table` has all time steps, sample after sample.
    channels : list of str of length n_channels, or None
        Names of the channels; None if they have none, as those of the form ``"2d"``, whose
        names belong to columns, each of them one channel at one time step.
    static : ndarray of shape (n_samples, n_static), dtype that of `table`, or None
        What is known of every sample as a whole; finite. None if there is nothing of the kind.
    static_names : list of str of length n_static, or None
        Names of the static features; None if they have none.
    rows_cut_from : ndarray of shape (n_samples,), dtype intp, or None
        Row of every sample's first step in the table it was once cut from, where `table` holds
        copies of samples that shared rows there; None where there is no such table.
    """

    table: np.ndarray
    lengths: np.ndarray
    kind: str
    first_rows: np.ndarray | None = None
    channels: list[str] | None = None
    static: np.ndarray | None = None
    static_names: list[str] | None = None
    rows_cut_from: np.ndarray | None = None

    def __repr__(self) -> str:
        n_samples, n_channels = self.n_samples, self.n_channels
        shown = f"{n_samples=}, {n_channels=}"
        if n_samples:
            shown += f", lengths from {self.lengths.min()} to {self.lengths.max()}"
        if self.channels is not None:
            shown += f", channels={self.channels}"
        if self.static is not None:
            shown += f", static={self.static_names or self.n_static}"
        return f"Sequences({shown}, dtype={self.dtype})"

    @property
    def n_samples(self) -> int:
        """Number of sequences."""
        return len(self.lengths)

    @property
    def n_channels(self) -> int:
        """Number of values per time step."""
        return self.table.shape[1]

    @property
    def n_static(self) -> int:
        """Number of static features."""
        return 0 if self.static is None else self.static.shape[1]

    @property
    def n_steps(self) -> int:
        """Number of time steps of all sequences together."""
        return int(self.lengths.sum())

    @property
    def dtype(self) -> np.dtype:
        """Data type of the values."""
        return self.table.dtype

    @cached_property
    def values(self) -> np.ndarray:
        """All time steps, sample after sample, ndarray of shape (n_steps, n_channels).

        `table` itself, or a copy many times its size where samples share rows.
        """
        if self.first_rows is None:
            return self.table
        rows = self.first_rows[:, np.newaxis] + np.arange(self.lengths[0])
        return self.table.take(rows.ravel(), axis=0)

    @cached_property
    def starts(self) -> np.ndarray:
        """Index of every sample's first step among all time steps, of shape (n_samples,)."""
        return _starts(self.lengths)

    @property
    def _first_rows(self) -> np.ndarray:
        return self.starts if self.first_rows is None else self.first_rows

    @cached_property
    def equal_lengths(self) -> bool:
        """Whether all sequences have the same number of time steps."""
        return bool((self.lengths == self.lengths[:1]).all())

    def rows(self, i: int) -> np.ndarray:
        """Return the time steps of a sample.

        Parameters
        ----------
        i : int
            The sample.

        Returns
        -------
        ndarray of shape (lengths[i], n_channels)
            A view.
        """
        start = self._first_rows[i]
        return self.table[start : start + self.lengths[i]]

    def row_weight(self, sample_weight: np.ndarray | None = None) -> np.ndarray | None:
        """Weight of every row of `table`: the sum over the time steps it stands for.

        Parameters
        ----------
        sample_weight : ndarray of shape (n_samples,), default=None
            Weights, >= 0, of which every time step of a sample has the full one. None gives
            every sample a weight of 1.

        Returns
        -------
        ndarray of shape (n_rows,) or None
            None if every row weighs 1.
        """
        if self.first_rows is None:
            return None if sample_weight is None else np.repeat(sample_weight, self.lengths)
        if sample_weight is None:
            return self._sum_over_rows(None)
        # Where weights that are not whole numbers cancel, rounding is left over.
        has_weight = self._sum_over_rows(sample_weight > 0) > 0
        return np.where(has_weight, self._sum_over_rows(sample_weight), 0).clip(min=0)

    def _sum_over_rows(self, weight: np.ndarray | None) -> np.ndarray:
        first, size = self._first_rows, len(self.table) + 1
        starting = np.bincount(first, weight, size)
        return np.cumsum(starting - np.bincount(first + self.lengths, weight, size))[:-1]

    def steps_of(self, indices: Any) -> np.ndarray:
        """Indices of all steps of the samples at `indices`, sample after sample."""
        lengths = self.lengths[indices]
        offsets = np.repeat(self.starts[indices] - _starts(lengths), lengths)
        return offsets + np.arange(len(offsets))

    def take(self, indices: Any) -> Sequences:
        """Return some of the samples.

        Parameters
        ----------
        indices : array of int, slice or mask
            Which ones.

        Returns
        -------
        Sequences
            In the given order.
        """
        lengths = self.lengths[indices]
        static = None if self.static is None else self.static[indices]
        if self.first_rows is not None:
            first_rows = self.first_rows[indices]
            rows = None if self.rows_cut_from is None else self.rows_cut_from[indices]
            return replace(
                self, lengths=lengths, first_rows=first_rows, rows_cut_from=rows, static=static
            )
        table = self.table[self.steps_of(indices)]
        return replace(self, table=table, lengths=lengths, static=static)

    def static_as_channels(self) -> Sequences:
        """Return the same with every static feature as a channel that is constant in time."""
        if self.static is None:
            return self
        constant = np.repeat(self.static, self.lengths, axis=0)
        names = None
        if self.channels is not None and self.static_names is not None:
            names = [*self.channels, *self.static_names]
        return Sequences(np.hstack([self.values, constant]), self.lengths, self.kind, None, names)

    def in_time(self, indices: Any) -> InTime:
        """Lay the samples at the integer array `indices` out, longest first (ties keep order)."""
        samples = np.asarray(indices, dtype=np.intp)
        if not self.equal_lengths:
            samples = samples[np.argsort(-self.lengths[samples], kind="stable")]
        return InTime(self, samples)

    def by_length(self, n_samples: int) -> Iterator[InTime]:
        """Yield all samples, so many at a time, neighbours in length together, longest first."""
        if self.equal_lengths:
            order = np.arange(self.n_samples)
        else:
            order = np.argsort(-self.lengths, kind="stable")
        in_order = self.equal_lengths and self.first_rows is None
        for start in range(0, len(order), n_samples):
            yield InTime(self, order[start : start + n_samples], in_order)

    def batches(self, indices: Any) -> list[Batch]:
        """Gather the samples at the integer array `indices` in groups with little padding.

        There is one group, and the same as `batch` returns, unless the longest sample makes the
        others' padding count; see :func:`group_bounds`.
        """
        whole = self.in_time(indices)
        return [group.batch() for group in whole.groups()]

    def batch(self, indices: Any) -> Batch:
        """Gather samples, padded and time-major.

        Parameters
        ----------
        indices : array of int
            Which ones.

        Returns
        -------
        Batch
            Longest first; ties keep their order.
        """
        return self.in_time(indices).batch()


def unpack_steps(values: np.ndarray, lengths: np.ndarray, *, ragged: bool = False) -> np.ndarray:
    """Cut an array with one entry per time step back into samples.

    Parameters
    ----------
    values : ndarray of shape (n_steps_total,) or (n_steps_total, n_outputs)
        One entry per time step, sample after sample.
    lengths : ndarray of shape (n_samples,)
        Number of time steps of every sample.
    ragged : bool, default=False
        Return one array per sample even where all lengths are equal, so that the form does not
        depend on which samples happen to be in a batch.

    Returns
    -------
    ndarray
        Of shape (n_samples, n_timesteps) or (n_samples, n_timesteps, n_outputs) where all
        lengths are equal, else a 1-D object array of one array per sample. Both share memory
        with `values`.

    Examples
    --------
    >>> import numpy as np
    >>> from skrnn.sequences import unpack_steps
    >>> unpack_steps(np.arange(6), [3, 3])
    array([[0, 1, 2],
           [3, 4, 5]])
    >>> unpack_steps(np.arange(5), [2, 3])
    array([array([0, 1]), array([2, 3, 4])], dtype=object)
    """
    lengths = np.asarray(lengths, dtype=np.intp)
    if not ragged and (lengths == lengths[0]).all():
        return values.reshape(len(lengths), lengths[0], *values.shape[1:])
    samples = np.empty(len(lengths), dtype=object)
    stops = np.cumsum(lengths).tolist()
    for i, (start, stop) in enumerate(zip([0, *stops], stops, strict=False)):
        samples[i] = values[start:stop]
    return samples


def place_of(row: int, lengths: np.ndarray) -> str:
    """Name the sample and the time step of a row of :attr:`Sequences.values`, for errors.

    Parameters
    ----------
    row : int
        Index among the time steps of all samples.
    lengths : ndarray of shape (n_samples,)
        Number of time steps of every sample.

    Returns
    -------
    str

    Examples
    --------
    >>> import numpy as np
    >>> from skrnn.sequences import place_of
    >>> place_of(4, np.array([3, 2]))
    'sample 1, time step 1'
    """
    starts = _starts(lengths)
    sample = int(np.searchsorted(starts, row, side="right")) - 1
    return f"sample {sample}, time step {row - starts[sample]}"


def _starts(lengths: np.ndarray) -> np.ndarray:
    return np.cumsum(lengths) - lengths
