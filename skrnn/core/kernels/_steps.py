"""A network that reads one time step a call, with its weights packed once: `NetworkSteps`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from skrnn.core.kernels._twins import _as_int64, _contiguous, _kernel_name, _kernels

# What `NetworkSteps.step` returns; see binding_steps.cpp.
DONE, OTHER_FORM, NOT_FINITE, NO_PREDICTION = range(4)
# Read-outs that it knows, and the arrays of theirs that it carries on.
KINDS = {"last": (0, ()), "mean": (1, ("total", "lengths")), "max": (2, ("largest",))}


class StepLayer(NamedTuple):
    """A recurrent layer in the middle of its sequences.

    Attributes
    ----------
    cell : Cell
        The recurrence.
    weights : dict of str to ndarray
        Its weights.
    state : tuple of ndarray of shape (n_rows, hidden_size)
        ``(h,)`` or ``(h, c)``; every step writes to them.
    """

    cell: Any
    weights: Mapping[str, np.ndarray]
    state: Sequence[np.ndarray]


class StepReadout(NamedTuple):
    """A read-out in the middle of its sequences: its name in `KINDS`, and its arrays."""

    kind: str
    kept: Mapping[str, np.ndarray]


class NetworkStep(NamedTuple):
    """What reads a time step of every row.

    Attributes
    ----------
    step : callable
        ``step(x)`` returns `DONE` or one of the other names above.
    features : ndarray of shape (n_rows, n_features + n_beside)
        What the last layer reads.
    out : ndarray of shape (n_rows, n_outputs)
        What it makes of them.
    """

    step: Callable[[Any], int]
    features: np.ndarray
    out: np.ndarray


def network_steps(
    layers: Sequence[StepLayer],
    readouts: Sequence[StepReadout],
    output: Mapping[str, np.ndarray],
    n_steps: np.ndarray,
    n_beside: int = 0,
) -> NetworkStep | None:
    """Return what reads a time step of every row, and where it leaves what comes of it.

    Parameters
    ----------
    layers : sequence of StepLayer
        The lowest first.
    readouts : sequence of StepReadout
        Of the top layer, side by side. None at all reads the last state.
    output : mapping of str to ndarray
        ``W`` and ``b`` of the last layer.
    n_steps : int64 ndarray of shape (n_rows,)
        Steps that every row has read, to be counted on.
    n_beside : int, default=0
        Further columns of the features, behind those of `readouts`, for the caller to fill.

    Returns
    -------
    NetworkStep or None
        None where there is no kernel.
    """
    names = [_kernel_name(layer.cell) for layer in layers]
    if _kernels is None or None in names or np.dtype(np.intp).itemsize != 8:
        return None
    n_rows, dtype = len(n_steps), output["W"].dtype
    n_active = _as_int64(np.array([n_rows]))
    x = first = np.zeros((1, n_rows, layers[0].weights["W_x"].shape[0]), dtype)
    named = []
    for name, (cell, weights, state) in zip(names, layers, strict=True):
        h = np.zeros((2, *state[0].shape), dtype)
        arrays = {key: _contiguous(w) for key, w in cell.kernel_weights(weights).items()}
        arrays |= {"x": x, "n_active": n_active, "h": h, "state": state[0]}
        if len(state) == 2:
            arrays |= {"c0": state[1], "c_last": state[1]}
        named.append((name, arrays))
        x = h[1:]
    parts, features, width = [], x[0], x.shape[2]
    if readouts:
        features = np.zeros((n_rows, width * len(readouts) + n_beside), dtype)
        parts = [
            {"kind": KINDS[one.kind][0], "at": i * width, "features": features, **one.kept}
            for i, one in enumerate(readouts)
        ]
    raw = np.zeros((n_rows, output["W"].shape[1]), dtype)
    of_output = {"x": features, "W": output["W"], "b": output["b"], "out": raw, "transposed": 0}
    ends = {"x": first, "n_steps": n_steps}
    steps = _kernels.NetworkSteps(named, parts, of_output, ends, dtype == np.float32)
    return NetworkStep(steps.step, features, raw)
