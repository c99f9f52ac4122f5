"""A network as nodes: from the steps of sequences to the raw prediction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np

from skrnn._portable import KNOWN_FIELDS, check_known
from skrnn.core.architecture import Architecture
from skrnn.core.network import Network
from skrnn.core.parameters import part_of
from skrnn.onnx._below import add_differences, channels_of, cut_into_frames, embed
from skrnn.onnx._cells import LayerStates, Steps, check_activation, check_cell, run_layer
from skrnn.onnx._gaps import without_gaps
from skrnn.onnx._memory import Memory, WholeSequences
from skrnn.onnx._nodes import Nodes
from skrnn.onnx._readouts import check_readout, features, real_steps

Weights = Mapping[str, np.ndarray]


class Values(NamedTuple):
    """The sequences that enter the network.

    Attributes
    ----------
    x : str
        Name of a tensor of shape (n_samples, n_timesteps, n_channels).
    dtype : type
        Its type: float32, float64 or int64.
    lengths : str or None
        Name of the lengths, int64 of shape (n_samples,). None where all steps are real.
    static : str or None
        Name of the static features, floats of shape (n_samples, n_static).
    doubts : tuple of str
        Names of tensors of shape (n_samples, 1) that are NaN for a sequence without an answer, and
        zero for others.
    back : tuple of str or None
        Level and spread by which what is forecast has been scaled, float64 of shape (n_samples,
        n_targets).
    """

    x: str
    dtype: type
    lengths: str | None
    static: str | None = None
    doubts: tuple[str, ...] = ()
    back: tuple[str, str] | None = None


def check_network(architecture: Architecture) -> None:
    """Raise ValueError, with the name of the part, where a network cannot be exported."""
    check_known(architecture, KNOWN_FIELDS, "ONNX")
    check_cell(architecture.cell)
    check_readout(architecture.readout)
    frames = architecture.frames
    if frames is not None and frames.activation is not None:
        check_activation(frames.activation)


def raw_prediction(nodes: Nodes, network: Network, values: Values) -> str:
    """Return the raw prediction, (n_samples, n_outputs) or (n_samples, n_timesteps, n_outputs).

    Parameters
    ----------
    nodes : Nodes
        To which the nodes are added.
    network : Network
        Whose architecture `check_network` accepts.
    values : Values
        The sequences.
    """
    architecture = network.architecture
    steps, memory = in_time(nodes, values), WholeSequences(values.x)
    n_timesteps = nodes.size(steps.x, 0)
    x = filled(nodes, network, steps.x, values.dtype, memory)
    doubts = [nothing_if_finite(nodes, x, values.dtype), *values.doubts]
    doubts.append(_nothing_if_within(nodes, steps.lengths, n_timesteps))
    steps = _below_layers(nodes, network, Steps(x, steps.lengths))
    for i, layer in enumerate(architecture.layers):
        own = {each: network.weights(i, each) for each in architecture.directions}
        states = run_layer(nodes, layer, own, steps)
        steps = Steps(side_by_side(nodes, states, layer.width), steps.lengths)
    if architecture.readout is None:
        raw = of_steps(nodes, network, steps.x, n_timesteps, values.static)
    else:
        seen = _features(nodes, network, states, steps.lengths)
        raw = output(nodes, network, seen, values.static)
    return doubted(nodes, network, raw, doubts)


def doubted(nodes: Nodes, network: Network, raw: str, doubts: Iterable[str | None]) -> str:
    """Return a raw prediction, NaN for sequences that one of the doubts is about.

    Parameters
    ----------
    nodes, network
        Where to, and what predicts.
    raw : str
        As `raw_prediction` returns it.
    doubts : iterable of str or None
        As in `Values`; None is none.
    """
    for doubt in filter(None, doubts):
        of_rows = nodes.unsqueeze(doubt, 2) if network.architecture.readout is None else doubt
        raw = nodes.add("Add", raw, of_rows)
    return raw


def _nothing_if_within(nodes: Nodes, lengths: str | None, n_timesteps: str) -> str | None:
    """Return zero for every length that a sequence can have, NaN for another.

    Not all runtimes refuse a length of zero, or one beyond the time axis.
    """
    if lengths is None:
        return None
    low = nodes.add("Greater", lengths, nodes.ints(0))
    within = nodes.add("And", low, nodes.add("LessOrEqual", lengths, n_timesteps))
    zero, nan = nodes.constant(np.float32(0)), nodes.constant(np.float32(np.nan))
    return nodes.unsqueeze(nodes.add("Where", within, zero, nan), 1)


def nothing_if_finite(nodes: Nodes, x: str, dtype: type) -> str | None:
    """Return zero for every sequence of numbers, NaN for one that has a number that is not finite.

    The estimators refuse such a sequence. Runtimes have approximations of tanh that make something
    of NaN that looks like an answer.

    Parameters
    ----------
    nodes : Nodes
        To which the nodes are added.
    x : str
        Sequences, (n_timesteps, n_samples, n_channels), zero at padding, with estimates in place
        of missing values.
    dtype : type
        Of the values that they come from; whole numbers are finite.

    Returns
    -------
    str or None
        Name of a tensor of shape (n_samples, 1); None for whole numbers.
    """
    if dtype is np.int64:
        return None
    by_channel = nodes.reduce("ReduceSum", nodes.add("Sub", x, x), 0)
    return nodes.reduce("ReduceSum", by_channel, 1, keepdims=True)


def in_time(nodes: Nodes, values: Values) -> Steps:
    """Return the sequences with the steps first, of a type that the network takes.

    What stands at padding is put to zero: no NaN from there gets into a sum.
    """
    x, dtype = nodes.transpose(values.x, 1, 0, 2), values.dtype
    if dtype is np.float64:
        x, dtype = nodes.cast(x, np.float32), np.float32
    if values.lengths is not None:
        real = real_steps(nodes, x, values.lengths)
        x = nodes.add("Where", real, x, nodes.constant(np.zeros((), dtype)))
    return Steps(x, values.lengths)


def nothing_if_known(nodes: Nodes, static: str) -> str:
    """Return zero for every sequence of which all static features are finite, NaN for another."""
    return nodes.reduce("ReduceSum", nodes.add("Sub", static, static), 1, keepdims=True)


def static_as_channels(nodes: Nodes, values: Values) -> Values:
    """Put static features behind the channels, the same at every step."""
    x, dtype = values.x, values.dtype
    assert values.static is not None
    if dtype is np.int64:
        x, dtype = nodes.cast(x, np.float32), np.float32
    static = values.static if dtype is np.float32 else nodes.cast(values.static, dtype)
    times = nodes.concat(nodes.ints(1), nodes.size(x, 1), nodes.ints(1), axis=0)
    constant = nodes.add("Expand", nodes.unsqueeze(static, 1), times)
    x = nodes.concat(x, constant, axis=2)
    return values._replace(x=x, dtype=dtype, static=None)


def _below_layers(nodes: Nodes, network: Network, steps: Steps) -> Steps:
    """Run differences and frames."""
    architecture, x = network.architecture, steps.x
    if architecture.differences is not None:
        channels = channels_of(nodes, architecture.differences, x)
        before = nodes.slice(channels, 0, 1, axis=0)
        x = add_differences(nodes, architecture.differences, x, before)
    steps = Steps(x, steps.lengths)
    if architecture.frames is None:
        return steps
    own = part_of(network.parameters, "frames.")
    return cut_into_frames(nodes, architecture.frames, steps, own)


def filled(nodes: Nodes, network: Network, x: str, dtype: type, memory: Memory) -> str:
    """Run the embedding, and put estimates in place of missing values.

    Returns
    -------
    str
        Name of a tensor of shape (n_timesteps, n_samples, width), float32.
    """
    x = _embedded(nodes, network, x, dtype)
    own = part_of(network.parameters, "decay.")
    return without_gaps(nodes, network.architecture, x, own, memory)


def _embedded(nodes: Nodes, network: Network, x: str, dtype: type) -> str:
    embedding = network.architecture.embedding
    if embedding is None:
        return nodes.cast(x, np.float32) if dtype is np.int64 else x
    ids = np.int64 if dtype is np.int64 else np.float32
    return embed(nodes, embedding, x, ids, part_of(network.parameters, "embedding."))


def side_by_side(nodes: Nodes, states: LayerStates, width: int) -> str:
    """Return the states of all directions beside each other, (n_timesteps, n_samples, width)."""
    return nodes.reshape(nodes.transpose(states.h, 0, 2, 1, 3), 0, 0, width)


def _features(nodes: Nodes, network: Network, states: LayerStates, lengths: str | None) -> str:
    """Return the features of all directions side by side, (n_samples, width)."""
    readout = network.architecture.readout
    assert readout is not None
    parts = []
    for i, direction in enumerate(network.architecture.directions):
        h, last = nodes.part(states.h, i, axis=1), nodes.part(states.last[0], i, axis=0)
        own = network.readout_weights(direction)
        parts.append(features(nodes, readout, own, h, last, lengths))
    return nodes.concat(*parts, axis=1)


def output(nodes: Nodes, network: Network, features: str, static: str | None) -> str:
    """Join features and static features, and run the output layer.

    Parameters
    ----------
    nodes, network
        Where to, and what.
    features : str
        Of sequences, (n_samples, width), or of their steps, with the axis of steps in front.
    static : str or None
        Static features, float32 of shape (n_samples, n_static), or of the axes of `features`.
    """
    if static is not None:
        features = nodes.concat(features, static, axis=-1)
        joint = part_of(network.parameters, "static.")
        if joint:
            u = nodes.add("Relu", nodes.affine(features, joint["W"], joint["b"]))
            features = nodes.concat(features, u, axis=-1)
    own = part_of(network.parameters, "output.")
    return nodes.affine(features, own["W"], own["b"])


def of_steps(
    nodes: Nodes, network: Network, states: str, n_timesteps: str, static: str | None
) -> str:
    """Return the raw prediction of every step, (n_samples, n_timesteps, n_outputs).

    A frame answers for several steps at once.
    """
    architecture = network.architecture
    if static is not None:
        times = nodes.concat(nodes.size(states, 0), nodes.ints(1, 1), axis=0)
        static = nodes.add("Expand", nodes.unsqueeze(static, 0), times)
    raw = nodes.transpose(output(nodes, network, states, static), 1, 0, 2)
    if architecture.steps_of_row == 1:
        return raw
    by_step = nodes.reshape(raw, 0, -1, architecture.n_outputs)
    return nodes.add("Slice", by_step, nodes.ints(0), n_timesteps, nodes.ints(1))
