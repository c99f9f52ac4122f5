"""Missing values, NaN: the last value of their channel, and how long ago it was."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from skrnn._portable import columns_of_numbers
from skrnn.core.architecture import Architecture
from skrnn.core.decay import INDICATOR, Decay
from skrnn.onnx._memory import Memory
from skrnn.onnx._nodes import Nodes, OwnNodes, single

Weights = Mapping[str, np.ndarray]
TO_THE_END = np.iinfo(np.int64).max


class LastValues(NamedTuple):
    """What is known at every place of an array of shape (n_samples, n_channels, n_timesteps).

    Attributes
    ----------
    value : str
        The last value up to it that is not missing.
    since : str or None
        Time steps since then, int64.
    """

    value: str
    since: str | None


def last_values(nodes: Nodes, rows: str, before: str, since: str | None = None) -> LastValues:
    """Look up the last values, all at once.

    The values that are there, one behind the other, are numbered by counting them: at a gap the
    number is that of the value before it. What stands before the first step makes sure that there
    is one.

    Parameters
    ----------
    nodes : Nodes
        To which the nodes are added.
    rows : str
        Floats of shape (n_samples, n_channels, n_timesteps), NaN where missing.
    before : str
        What stands before the first step, (n_samples, n_channels).
    since : str, default=None
        Steps from there to the first step, int64 of shape (n_samples, n_channels). None if nobody
        wants to know how long ago values were.
    """
    joined = nodes.concat(nodes.unsqueeze(before, 2), rows, axis=2)
    shape, flat = nodes.add("Shape", joined), nodes.reshape(joined, -1)
    there = nodes.add("Not", nodes.add("IsNaN", flat))
    counted = nodes.add("CumSum", nodes.cast(there, np.int64), nodes.constant(np.int64(0)))
    source = nodes.add("Sub", counted, nodes.ints(1))

    def at_last(values: str) -> str:
        found = nodes.add("Gather", nodes.add("Compress", values, there), source, axis=0)
        return nodes.slice(nodes.add("Reshape", found, shape), 1, TO_THE_END, axis=2)

    if since is None:
        return LastValues(at_last(flat), None)
    steps = nodes.unsqueeze(nodes.counting(nodes.size(rows, 2)), 0, 1)
    of_rows = nodes.add("Expand", steps, nodes.add("Shape", rows))
    first = nodes.unsqueeze(nodes.add("Neg", since), 2)
    places = nodes.reshape(nodes.concat(first, of_rows, axis=2), -1)
    return LastValues(at_last(flat), nodes.add("Sub", steps, at_last(places)))


def looked_up(
    nodes: Nodes, memory: Memory, name: str, rows: str, start: np.ndarray, since: int | None
) -> LastValues:
    """Look up the last values, from what the memory knows on.

    Parameters
    ----------
    nodes, rows
        As for `last_values`.
    memory : Memory
        What is known of the steps before.
    name : str
        Prefix of the names there.
    start : ndarray of shape (n_channels,)
        What stands before the first value of a sequence, of the dtype of `rows`.
    since : int or None
        So many steps it is before the first one; None as for `last_values`.
    """
    before, ago = memory.before(nodes, f"{name}.last", start), None
    if since is not None:
        ago = memory.before(nodes, f"{name}.since", np.full(start.shape, since, np.int64))
    last = last_values(nodes, rows, before, ago)
    memory.keep(f"{name}.last", nodes.part(last.value, -1, axis=2))
    if last.since is not None:
        passed = nodes.add("Add", nodes.part(last.since, -1, axis=2), nodes.ints(1))
        memory.keep(f"{name}.since", passed)
    return last


def without_gaps(
    nodes: Nodes, architecture: Architecture, x: str, weights: Weights, memory: Memory
) -> str:
    """Put estimates in place of the missing values of a network's inputs.

    Where there were gaps in `fit`, a value decays as has been learnt, and indicators stand behind
    the inputs; elsewhere the last value is carried on.

    Parameters
    ----------
    nodes : Nodes
        To which the nodes are added.
    architecture : Architecture
        Of the network.
    x : str
        What leaves the embedding, float32 of shape (n_timesteps, n_samples, width).
    weights : mapping of str to ndarray
        Those of the decay.
    memory : Memory
        What is known of the steps before.
    """
    columns, fills = columns_of_numbers(architecture)
    decay = architecture.decay
    if decay is None or not columns:
        return x
    if not decay.columns:
        return _carried_on(nodes, x, decay.n_inputs, columns, single(fills), memory)
    places = nodes.constant(np.array(columns, np.int64))
    rows = nodes.transpose(nodes.add("Gather", x, places, axis=2), 1, 2, 0)
    learnt = np.array([columns.index(column) for column in decay.columns], np.int64)
    last = looked_up(nodes, memory, "gaps", rows, single(fills), 1)
    estimates, indicators = _decayed(nodes, decay, rows, last, learnt, weights)
    parts = [x, *(_in_time(nodes, each) for each in (last.value, estimates, indicators))]
    place, first = np.arange(decay.n_inputs), decay.n_inputs + len(columns)
    place[columns] = decay.n_inputs + np.arange(len(columns))
    place[list(decay.columns)] = first + np.arange(len(learnt))
    place = np.concatenate([place, first + len(learnt) + np.arange(len(learnt))])
    whole = nodes.concat(*parts, axis=2)
    return nodes.add("Gather", whole, nodes.constant(place.astype(np.int64)), axis=2)


def _carried_on(
    nodes: Nodes, x: str, n_inputs: int, columns: list[int], fills: np.ndarray, memory: Memory
) -> str:
    """Carry last values on, where any is missing: most sequences have no gaps, and cost no time.

    A graph inside another may use the names of that one. Everything that is used here comes before
    `x`, so that the condition stands behind all of it.
    """
    missing = nodes.cast(nodes.add("IsNaN", x), np.float32)
    zero = nodes.constant(np.float32(0))
    some = nodes.add("Greater", nodes.add("ReduceMax", missing, keepdims=0), zero)
    inside = OwnNodes(nodes.opset, prefix=f"{x}_gaps_")
    places = inside.constant(np.array(columns, np.int64))
    rows = inside.transpose(inside.add("Gather", x, places, axis=2), 1, 2, 0)
    before = memory.before(inside, "gaps.last", fills)
    value = last_values(inside, rows, before).value
    place = np.arange(n_inputs)
    place[columns] = n_inputs + np.arange(len(columns))
    both = inside.concat(x, _in_time(inside, value), axis=2)
    filled = inside.add("Gather", both, inside.constant(place.astype(np.int64)), axis=2)
    with_gaps = _branch(inside, filled, inside.part(value, -1, axis=2))
    inside = OwnNodes(nodes.opset, prefix=f"{x}_no_gaps_")
    places = inside.constant(np.array(columns, np.int64))
    after = inside.add("Gather", inside.part(x, -1, axis=0), places, axis=1)
    without = _branch(inside, inside.add("Identity", x), after)
    filled, after = nodes.several(
        "If", some, n_outputs=2, then_branch=with_gaps, else_branch=without
    )
    memory.keep("gaps.last", after)
    return filled


def _branch(inside: OwnNodes, filled: str, after: str) -> Any:
    """Return the graph of a branch: inputs without gaps, and their last values."""
    from onnx import TensorProto, helper

    outputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [None] * n_axes)
        for name, n_axes in ((filled, 3), (after, 2))
    ]
    return helper.make_graph(inside.nodes, "gaps", [], outputs, inside.initializers)


def _in_time(nodes: Nodes, rows: str) -> str:
    return nodes.transpose(rows, 2, 0, 1)


def _decayed(
    nodes: Nodes, decay: Decay, rows: str, last: LastValues, learnt: np.ndarray, weights: Weights
) -> tuple[str, str]:
    """Return estimates and indicators of the channels that had gaps in `fit`, as in `rows`."""
    assert last.since is not None
    rows, value, since = (
        nodes.add("Gather", each, nodes.constant(learnt), axis=1)
        for each in (rows, last.value, last.since)
    )
    w, b, means = (
        nodes.constant(single(numbers)[:, np.newaxis])
        for numbers in (weights["w"], weights["b"], decay.means)
    )
    exponent = nodes.add("Add", nodes.add("Mul", nodes.cast(since, np.float32), w), b)
    gamma = nodes.add("Exp", nodes.add("Neg", nodes.add("Relu", exponent)))
    left = nodes.add("Mul", gamma, nodes.add("Sub", value, means))
    missing = nodes.add("IsNaN", rows)
    estimates = nodes.add("Where", missing, nodes.add("Add", means, left), value)
    marks = nodes.add("Mul", nodes.cast(missing, np.float32), nodes.constant(np.float32(INDICATOR)))
    return estimates, marks
