"""Remedies to try out, as parameters: for a network that overfits, and for one that underfits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from skrnn.core.readouts import READOUTS
from skrnn.inspection._opened import Opened

# Time steps from which on a sequence is read in frames, too.
LONG = 64

Remedy = dict[str, Any]


def against_overfitting(opened: Opened, *, longer: bool) -> Iterator[Remedy]:
    """Yield what may let a network do better on data that it has not seen.

    Parameters
    ----------
    opened : Opened
        The network as it is: what it has already is not proposed.
    longer : bool
        Whether its loss was still falling when training ended.
    """
    p = opened.parameters
    if longer:
        yield _longer(opened)
    yield from _other_views(opened)
    if not p["early_stopping"]:
        yield {"early_stopping": True}
    if not opened.full_batch and p["dropout"] < 0.5:
        yield {"dropout": 0.5}
    for alpha in (0.1, 1.0):
        if p["alpha"] < alpha:
            yield {"alpha": alpha}
    sizes = opened.network.architecture.hidden_sizes
    if max(sizes) >= 8:
        yield {"hidden_layer_sizes": (max(4, max(sizes) // 4),)}


def against_underfitting(opened: Opened) -> Iterator[Remedy]:
    """Yield what may let a network learn more of the data that it is trained on.

    Parameters
    ----------
    opened : Opened
        The network as it is.
    """
    p = opened.parameters
    yield _longer(opened)
    if p["alpha"] > 1e-3:
        yield {"alpha": 1e-4}
    if p["dropout"] > 0:
        yield {"dropout": 0.0}
    sizes = opened.network.architecture.hidden_sizes
    if max(sizes) < 128:
        yield {"hidden_layer_sizes": tuple(int(max(32, 4 * size)) for size in sizes)}
    yield from _other_views(opened)
    if not opened.full_batch:
        if opened.batch_size > 16:
            yield {"batch_size": 16}
        if p["learning_rate_init"] < 0.01:
            yield {"learning_rate_init": 0.01}
    if not opened.network.architecture.cell.gates[1:]:
        yield {"cell": "gru", "activation": "tanh"}


def _longer(opened: Opened) -> Remedy:
    """Return the parameters that let training go on."""
    max_iter = 5 * max(40, int(opened.estimator.n_iter_))
    if opened.full_batch:
        return {"max_iter": max_iter, "tol": 1e-6}
    if opened.parameters["learning_rate"] == "cosine":
        # It is planned for max_iter epochs: an end before that is an end at large steps.
        return {"max_iter": max_iter, "n_iter_no_change": np.inf}
    return {"max_iter": max_iter, "n_iter_no_change": 50, "tol": 1e-5}


def _other_views(opened: Opened) -> Iterator[Remedy]:
    """Yield other ways to look at a sequence: at more states, from both ends, in frames."""
    architecture = opened.network.architecture
    if architecture.readout is not None:
        for readout in ("mean", "max"):
            if architecture.readout != READOUTS[readout]:
                yield {"readout": readout}
    if not architecture.bidirectional:
        yield {"bidirectional": True}
    length = float(np.median(opened.sequences.lengths))
    plain = architecture.frames is None and architecture.embedding is None
    if architecture.readout is not None and plain and length >= LONG:
        stride = 4 if length < 2 * LONG else 8
        yield {"frame_length": 16, "frame_stride": stride, "frame_units": 64}
