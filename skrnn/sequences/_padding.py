"""Steps that look like padding in a form of `X` in which every step counts."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from skrnn.sequences._sequences import Sequences

# Fewer sequences of one end may be so by chance, where values are few.
LEAST_SHARE = 1 / 4


class Padding(NamedTuple):
    """What sequences seem to be padded with.

    Attributes
    ----------
    step : ndarray of shape (n_channels,)
        What they are.
    n_steps : ndarray of shape (n_samples,)
        How many there are in each sequence.
    at_end : bool
        Whether they stand at the ends of the sequences, or before their beginnings.
    """

    step: np.ndarray
    n_steps: np.ndarray
    at_end: bool


def padding_in(sequences: Sequences) -> Padding | None:
    """Return what looks like padding in sequences that are equally long.

    A quarter of the sequences or more end, or begin, in steps that are all the same, not equally
    many in each of them, and no other step of any sequence is like these.

    Parameters
    ----------
    sequences : Sequences
        As they were read: what the form of X marks as padding has been cut off.

    Returns
    -------
    Padding or None
        None if nothing looks like it.

    Examples
    --------
    >>> import numpy as np
    >>> from skrnn.sequences import as_sequences, padding_in
    >>> X = np.random.RandomState(0).normal(size=(4, 9, 2))
    >>> padding_in(as_sequences(X)) is None
    True
    >>> X[1, 5:], X[3, 7:] = 0, 0
    >>> padding_in(as_sequences(X)).n_steps
    array([0, 4, 0, 2])
    """
    # Windows that share steps are cut from one series, and not padded.
    if sequences.first_rows is not None or not sequences.equal_lengths:
        return None
    steps = sequences.table.reshape(sequences.n_samples, -1, sequences.n_channels)
    return _at_end(steps, at_end=True) or _at_end(steps[:, ::-1], at_end=False)


def _at_end(steps: np.ndarray, *, at_end: bool) -> Padding | None:
    """Look for padding at the end of an array of shape (n_samples, n_timesteps, n_channels)."""
    step, count = _most_frequent(steps[:, -1])
    if count == 1 or count < LEAST_SHARE * len(steps):
        return None
    n_timesteps = steps.shape[1]
    padded = np.ones(steps.shape[:2], dtype=bool)
    for channel, value in enumerate(step):
        column = steps[:, :, channel]
        padded &= np.isnan(column) if np.isnan(value) else column == value
    n_steps = padded.sum(axis=1)
    at_ends = np.arange(n_timesteps) >= n_timesteps - n_steps[:, np.newaxis]
    looks_so = n_steps.max() < n_timesteps and len(np.unique(n_steps[n_steps > 0])) > 1
    return Padding(step, n_steps, at_end) if looks_so and (padded == at_ends).all() else None


def _most_frequent(rows: np.ndarray) -> tuple[np.ndarray, int]:
    """Return the row that occurs most often, NaN being equal to NaN, and how often."""
    # As bytes: np.unique tells NaN from NaN along an axis. Zeros lose their sign.
    rows = np.where(np.isnan(rows), np.nan, rows + 0)
    as_bytes = rows.view(np.dtype((np.void, rows.itemsize * rows.shape[1]))).ravel()
    _, first, counts = np.unique(as_bytes, return_index=True, return_counts=True)
    most = counts.argmax()
    return rows[first[most]], int(counts[most])
