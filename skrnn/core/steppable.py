"""Which networks can read their sequences step by step, and why others cannot."""

from __future__ import annotations

import numpy as np

from skrnn.core import kernels
from skrnn.core.architecture import Architecture, parts_beyond
from skrnn.core.inference import Stack

__all__ = ["KNOWN", "TRIED_STEPS", "carries_its_state", "gappy_channels", "obstacle"]

# Fields of an architecture that `skrnn.core.stepping` knows how to run, or that matter in training
# alone.
KNOWN = frozenset(
    {
        "cell",
        "n_inputs",
        "hidden_sizes",
        "n_outputs",
        "bidirectional",
        "readout",
        "dropout",
        "bptt_steps",
        "embedding",
        "decay",
        "differences",
        "frames",
        "n_static",
        "static_units",
    }
)
# Time steps over which a cell of the user's own has to give the same, at once and one by one.
TRIED_STEPS = 32


def obstacle(architecture: Architecture, dtype: np.dtype) -> str | None:
    """Say why a network cannot read sequences step by step, and what to do; None if it can.

    Parameters
    ----------
    architecture : Architecture
        Of the network.
    dtype : dtype
        Of its parameters.
    """
    if architecture.bidirectional:
        return (
            "it is bidirectional, and its second direction begins at the end of a sequence, "
            "which a stream does not have yet. Fit with bidirectional=False."
        )
    for name, _ in parts_beyond(architecture, KNOWN):
        return (
            f"streaming does not know {name!r}, a part of this network. Fit without it, or call "
            "predict on the sequence so far."
        )
    if not carries_its_state(architecture, dtype):
        return (
            f"the cell {architecture.cell!r} keeps more from step to step than its state_after "
            "says: step by step it gives other states than over a whole sequence. Let "
            "state_after return all of it."
        )
    return None


def carries_its_state(architecture: Architecture, dtype: np.dtype) -> bool:
    """Tell whether a cell gives the same step by step as over a whole sequence.

    The cells with kernels do. Every other one is tried on random numbers.
    """
    cell = architecture.cell
    if kernels.runs_compiled(cell, dtype):
        return True
    rng, (n_inputs, size) = np.random.RandomState(0), (2, 3)
    shapes = cell.shapes(n_inputs, size)
    weights = {n: rng.normal(scale=0.3, size=shape).astype(dtype) for n, shape in shapes.items()}
    x = rng.normal(size=(TRIED_STEPS, 1, n_inputs)).astype(dtype)
    whole, _ = cell.forward(x, np.ones(TRIED_STEPS, np.intp), weights)
    stack = Stack((architecture.layers[0],), [weights])
    parts = [stack.advance(x[t : t + 1], np.ones(1, np.intp))[1] for t in range(TRIED_STEPS)]
    rounding = np.sqrt(np.finfo(dtype).eps)
    return bool(np.allclose(parts, whole[1:], rtol=rounding, atol=rounding, equal_nan=True))


def gappy_channels(architecture: Architecture) -> list[int]:
    """Return the channels of which values may be missing."""
    decay, embedding = architecture.decay, architecture.embedding
    if decay is None:
        return []
    widths = np.ones(architecture.n_inputs, int) if embedding is None else embedding.widths
    columns = np.cumsum(widths) - widths
    return [channel for channel, column in enumerate(columns) if column in decay.columns]
