"""Predictions for any number of sequences of any length, in memory that does not depend on them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from skrnn.core.inference import fits_in_piece, runs_in_pieces
from skrnn.core.kernels import cores_shared, memory_kept
from skrnn.core.network import Network
from skrnn.estimators._blas import is_compiled, one_blas_thread
from skrnn.sequences import InTime, Sequences

# Sequences that a prediction works on at once, and numbers in an array of it: they bound the
# memory, and are large enough to be fast.
BLOCK = 512
BLOCK_NUMBERS = 1 << 23


def predicted(
    network: Network, sequences: Sequences, answer: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray:
    """Return an answer for every row, in the order of the samples or of their time steps.

    Parameters
    ----------
    network : Network
        What predicts.
    sequences : Sequences
        In the dtype of the network.
    answer : callable
        ``answer(raw_prediction)`` takes some rows and returns an array with one entry for each of
        them. It is called block by block, so that raw predictions of all rows need never exist.

    Returns
    -------
    ndarray of shape (n_rows, ...)
        Rows are samples, or time steps where the network predicts at every step.
    """
    per_step = network.architecture.readout is None
    n_rows = sequences.n_steps if per_step else sequences.n_samples
    answers = None
    for rows, raw_prediction in raw_blocks(network, sequences):
        block = answer(raw_prediction)
        if answers is None:
            answers = np.empty((n_rows, *block.shape[1:]), block.dtype)
        answers[rows] = block
    assert answers is not None
    return answers


def raw_blocks(
    network: Network, sequences: Sequences
) -> Iterator[tuple[np.ndarray | slice, np.ndarray]]:
    """Yield rows and their raw predictions, in all every row once.

    Parameters
    ----------
    network, sequences
        As in `predicted`.

    Yields
    ------
    rows : ndarray of int
        Indices of samples, or of time steps among those of all samples.
    raw_prediction : ndarray of shape (n_rows, n_outputs)
    """
    per_step = network.architecture.readout is None
    with cores_shared, memory_kept(), one_blas_thread(needed=not is_compiled(network)):
        for block in _blocks(network, sequences):
            steps = block.positions(0, len(block.n_active)) if per_step else None
            for rows, raw_prediction in network.predict_parts(block):
                yield (block.samples if steps is None else steps)[rows], raw_prediction


def _blocks(network: Network, sequences: Sequences) -> Iterator[InTime]:
    """Yield neighbours in length, longest first."""
    architecture = network.architecture
    n_rows = max(1, min(BLOCK, BLOCK_NUMBERS // architecture.n_outputs))
    for block in sequences.by_length(n_rows):
        if fits_in_piece(architecture, block) or runs_in_pieces(architecture, block.dtype):
            yield block
        else:
            yield from block.groups(max(1, BLOCK_NUMBERS // architecture.widest))
