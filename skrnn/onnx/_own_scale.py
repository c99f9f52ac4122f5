"""Center and spread of every sequence by itself, over its own time steps."""

from __future__ import annotations

import numpy as np

from skrnn.onnx._nodes import Nodes

# A spread of so little of the level is rounding.
CONSTANT = np.float64(10 * np.finfo(np.float64).eps)


def own_scale(nodes: Nodes, method: str, x: str, lengths: str | None) -> tuple[str, str]:
    """Return center and spread of every channel of every sequence, (n_samples, 1, n_channels).

    The spread is 0 for a channel that is constant up to rounding, and both are 0 for one without
    any value.

    Parameters
    ----------
    nodes : Nodes
        To which the nodes are added.
    method : {"standard", "minmax", "mean"}
        The statistics.
    x : str
        Sequences, float64 of shape (n_samples, n_timesteps, n_channels), NaN where missing.
    lengths : str or None
        Their lengths, int64 of shape (n_samples,). None where all steps are real.
    """
    there = nodes.add("Not", nodes.add("IsNaN", x))
    if lengths is not None:
        t = nodes.unsqueeze(nodes.counting(nodes.size(x, 1)), 0, 2)
        real = nodes.add("Less", t, nodes.unsqueeze(lengths, 1, 2))
        there = nodes.add("And", there, real)
    center, spread = STATISTICS[method](nodes, x, there)
    size = nodes.add("Mul", nodes.add("Abs", center), nodes.constant(CONSTANT))
    zero = nodes.constant(np.float64(0))
    return center, nodes.add("Where", nodes.add("Greater", spread, size), spread, zero)


def _range(nodes: Nodes, x: str, there: str) -> tuple[str, str]:
    """Return smallest value and range of every sequence, 0 and 0 where there is none."""
    infinite = nodes.constant(np.float64(np.inf))
    low = nodes.add("Where", there, x, infinite)
    low = nodes.reduce("ReduceMin", low, 1, keepdims=True)
    high = nodes.add("Where", there, x, nodes.add("Neg", infinite))
    high = nodes.reduce("ReduceMax", high, 1, keepdims=True)
    some = nodes.add("Less", low, infinite)
    zero = nodes.constant(np.float64(0))
    low = nodes.add("Where", some, low, zero)
    return low, nodes.add("Sub", nodes.add("Where", some, high, zero), low)


def _mean(nodes: Nodes, values: str, there: str) -> str:
    """Return the mean over the steps where there is a value, 0 where there is none."""
    one, zero = nodes.constant(np.float64(1)), nodes.constant(np.float64(0))
    n = nodes.reduce("ReduceSum", nodes.cast(there, np.float64), 1, keepdims=True)
    total = nodes.reduce("ReduceSum", nodes.add("Where", there, values, zero), 1, keepdims=True)
    return nodes.add("Div", total, nodes.add("Max", n, one))


def _moments(nodes: Nodes, x: str, there: str) -> tuple[str, str]:
    """Return mean and standard deviation, counted from the smallest value: no digits cancel."""
    low, _ = _range(nodes, x, there)
    shifted = nodes.add("Sub", x, low)
    mean = _mean(nodes, shifted, there)
    error = nodes.add("Sub", shifted, mean)
    variance = _mean(nodes, nodes.add("Mul", error, error), there)
    return nodes.add("Add", low, mean), nodes.add("Sqrt", variance)


def _mean_size(nodes: Nodes, x: str, there: str) -> tuple[str, str]:
    """Return zero, and the mean of the absolute values."""
    size = _mean(nodes, nodes.add("Abs", x), there)
    return nodes.add("Sub", size, size), size


STATISTICS = {"standard": _moments, "minmax": _range, "mean": _mean_size}
