"""From the states of the top layer to features: the read-outs, over real steps only."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from skrnn.core.parameters import part_of
from skrnn.core.readouts import Attention, Joined, Last, Max, Mean, Readout
from skrnn.onnx._nodes import Nodes, single

Weights = Mapping[str, np.ndarray]
# By the class itself: one derived from it may read something else.
KNOWN = (Last, Mean, Max, Attention)


def check_readout(readout: Readout | None) -> None:
    """Raise ValueError where a read-out is not one of ours."""
    if type(readout) is Joined:
        for part in readout.readouts:
            check_readout(part)
    elif readout is not None and type(readout) not in KNOWN:
        raise ValueError(
            f"The read-out {readout!r} cannot be exported. Those of readout='last', 'mean', 'max', "
            "'attention', and tuples of these, can."
        )


def parts_of(readout: Readout, weights: Weights) -> list[tuple[Readout, Weights]]:
    """Return the read-outs that are joined, one after the other, and the weights of each."""
    if not isinstance(readout, Joined):
        return [(readout, weights)]
    return [
        each
        for i, part in enumerate(readout.readouts)
        for each in parts_of(part, part_of(weights, f"{i}."))
    ]


def real_steps(nodes: Nodes, x: str, lengths: str) -> str:
    """Return the mask of the real steps of a tensor (n_timesteps, n_samples, width).

    Its shape is (n_timesteps, n_samples, 1).
    """
    t = nodes.unsqueeze(nodes.counting(nodes.size(x, 0)), 1, 2)
    return nodes.add("Less", t, nodes.unsqueeze(lengths, 0, 2))


def features(
    nodes: Nodes, readout: Readout, weights: Weights, h: str, last: str, lengths: str | None
) -> str:
    """Return the features of one direction, (n_samples, width).

    Parameters
    ----------
    nodes : Nodes
        To which the nodes are added.
    readout : Readout
        One that `check_readout` accepts.
    weights : mapping of str to ndarray
        Its weights.
    h : str
        States of all steps, (n_timesteps, n_samples, n_units).
    last : str
        That after a sequence's last step in the direction's time, (n_samples, n_units).
    lengths : str or None
        As in `Steps`.
    """
    real = None if lengths is None else real_steps(nodes, h, lengths)
    parts = []
    for part, own in parts_of(readout, weights):
        if isinstance(part, Last):
            parts.append(last)
        elif isinstance(part, Mean):
            total = nodes.reduce("ReduceSum", masked(nodes, h, real, 0.0), 0)
            n = nodes.size(h, 0) if lengths is None else nodes.unsqueeze(lengths, 1)
            parts.append(nodes.add("Div", total, nodes.cast(n, np.float32)))
        elif isinstance(part, Max):
            parts.append(nodes.reduce("ReduceMax", masked(nodes, h, real, -np.inf), 0))
        else:
            e = masked(nodes, scores(nodes, own, h), real, -np.inf)
            a = nodes.add("Softmax", e, axis=0)
            # A share of nothing of a step that is padding: whatever stands there.
            shares = nodes.add("Mul", a, masked(nodes, h, real, 0.0))
            parts.append(nodes.reduce("ReduceSum", shares, 0))
    return nodes.concat(*parts, axis=1)


def masked(nodes: Nodes, x: str, real: str | None, fill: float) -> str:
    """Put a number at padding."""
    return x if real is None else nodes.add("Where", real, x, nodes.constant(np.float32(fill)))


def scores(nodes: Nodes, weights: Weights, h: str) -> str:
    """Return how much every step matters to the attention, before the softmax, (..., 1)."""
    u = nodes.add("Tanh", nodes.affine(h, weights["W"], weights["b"]))
    return nodes.add("MatMul", u, nodes.constant(single(weights["v"])))
