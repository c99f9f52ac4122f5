"""Which samples early stopping sets aside where their order or their shared rows say so."""

from __future__ import annotations

import numpy as np

from skrnn.sequences import Sequences


def n_to_hold_out(fraction: float, n_samples: int) -> int:
    """Return how many of the samples to set aside: at least two, which R2 needs."""
    return max(2, int(np.ceil(fraction * n_samples)))


def share_rows(sequences: Sequences) -> bool:
    """Tell whether two samples have a row of the table in common."""
    return sequences.first_rows is not None and len(runs(sequences)) < sequences.n_samples


def _rows(sequences: Sequences) -> np.ndarray:
    """The first row of every sample, in the table that the samples were cut from."""
    rows = sequences.first_rows if sequences.rows_cut_from is None else sequences.rows_cut_from
    assert rows is not None
    return rows


def runs(sequences: Sequences) -> list[np.ndarray]:
    """Return the indices of the samples of every run, in the order of their rows.

    Parameters
    ----------
    sequences : Sequences
        With `first_rows`. Neighbours in a run have a row in common; two runs have none.
    """
    first = _rows(sequences)
    order = np.argsort(first, kind="stable")
    apart = np.diff(first[order]) >= sequences.lengths[0]
    return np.split(order, np.flatnonzero(apart) + 1)


def whole_groups(
    groups: np.ndarray, fraction: float, rng: np.random.RandomState | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return the indices of the samples to train on and to hold out: of every group all or none.

    Groups are held out until the share is met, one of them at the least.

    Parameters
    ----------
    groups : ndarray of shape (n_samples,)
        The group of every sample.
    fraction : float
        Share of the samples to hold out, in (0, 1).
    rng : RandomState or None
        Draws the groups; without, the last ones are held out.

    Returns
    -------
    training, held_out : ndarray of intp
        In the order of the samples; `training` is empty if there is one group only.
    """
    _, first, codes, sizes = np.unique(
        groups, return_index=True, return_inverse=True, return_counts=True
    )
    order = np.argsort(-first) if rng is None else rng.permutation(len(sizes))
    # The last groups are the ones whose first sample comes last.
    before = np.cumsum(sizes[order]) - sizes[order]
    held = order[before < n_to_hold_out(fraction, len(groups))]
    is_held = np.isin(codes, held)
    if is_held.all() and len(sizes) > 1:
        is_held = is_held & (codes != order[-1])
    return np.flatnonzero(~is_held), np.flatnonzero(is_held)


def last_samples(n_samples: int, fraction: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the indices of the samples to train on and, the last ones, to hold out."""
    samples = np.arange(n_samples)
    n_training = max(0, n_samples - n_to_hold_out(fraction, n_samples))
    return samples[:n_training], samples[n_training:]


def last_windows(sequences: Sequences, fraction: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the indices of the windows to train on and to hold out, which share no row.

    The last windows of every run are held out, and those before that reach into them are used
    for neither. A run too short for that goes to one side whole, so that the share is met over
    all runs.

    Parameters
    ----------
    sequences : Sequences
        Windows of one table.
    fraction : float
        Share to hold out, in (0, 1).

    Returns
    -------
    training, held_out : ndarray of intp
        In the order of the samples; both may be empty.
    """
    first, length = _rows(sequences), sequences.lengths[0]
    share = n_to_hold_out(fraction, sequences.n_samples) / sequences.n_samples
    training, held_out = [], []
    due = 0.0
    for run in runs(sequences):
        due += share * len(run)
        n = min(len(run), max(0, int(due + 0.5)))
        held = run[len(run) - n :]
        before = run[first[run] + length <= first[held[0]]] if n else run
        if len(before) == 0:
            whole = due >= len(run) / 2
            held, before = (run, run[:0]) if whole else (run[:0], run)
        due -= len(held)
        training.append(before)
        held_out.append(held)
    if not any(map(len, held_out)) and len(training) > 1:
        held_out.append(training.pop())
    if not any(map(len, training)) and len(held_out) > 1 and share < 1:
        training.append(held_out.pop(0))
    return np.sort(np.concatenate(training)), np.sort(np.concatenate(held_out))
