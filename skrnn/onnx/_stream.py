"""A model that takes the steps of running sequences as they come, its state going in and out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from skrnn.core.frames import Frames
from skrnn.core.network import Network
from skrnn.core.parameters import part_of
from skrnn.core.readouts import Attention, Last, Max, Readout
from skrnn.onnx._below import add_differences, channels_of, cut_into_frames
from skrnn.onnx._cells import OPERATORS, Steps, run_layer
from skrnn.onnx._export import DEFAULT_OPSET, ROWS, beside_static, take_values, transformed
from skrnn.onnx._memory import RunningSequences
from skrnn.onnx._model import Model, check_zipmap, opened, require_onnx
from skrnn.onnx._network import (
    doubted,
    filled,
    in_time,
    nothing_if_finite,
    of_steps,
    output,
    side_by_side,
)
from skrnn.onnx._nodes import Nodes
from skrnn.onnx._readouts import Weights, masked, parts_of, real_steps, scores
from skrnn.onnx._transformers import check_running

State = dict[str, str]


def to_streaming_onnx(
    est: Any,
    *,
    zipmap: bool = False,
    input_dtype: Any = np.float32,
    target_opset: int = DEFAULT_OPSET,
) -> Any:
    """Return an ONNX model that takes the time steps of running sequences as they come.

    Every call takes one further step of every sequence, or several, and answers as `predict` does
    for all the steps so far. The state comes out of a call and goes into the next one. The graph
    holds no state: any number of sequences can be served by one session.

    Parameters
    ----------
    est : RNNClassifier, RNNRegressor, Pipeline, or a search of these
        As for `to_onnx`.

    zipmap, input_dtype, target_opset : object
        As for `to_onnx`.

    Returns
    -------
    onnx.ModelProto
        Its inputs are those of `to_onnx`, without lengths, and an array for every part of the
        state, of shape (n_samples, ...), with a name that begins with ``"state."``. A sequence
        begins with zeros in all of them, so a row that is put to zero begins anew. Its outputs
        are those of `to_onnx`, and the state after the call under the same names, which begin
        with ``"next."`` there. With ``return_sequences=True`` the answers are those for the steps
        of the call. Static features go in at every call.

    Raises
    ------
    ImportError, NotFittedError, TypeError
        As `to_onnx`.
    ValueError
        As `to_onnx`; and if the network reads backwards, or answers for every step by frames, for
        which it must have seen the steps to come, as a `SequenceScaler` with ``per="sequence"``
        must.

    See Also
    --------
    initial_state : The state at the start.
    to_onnx : A model for whole sequences.
    """
    require_onnx()
    transformers, estimator = opened(est)
    check_zipmap(estimator, zipmap)
    network = estimator.network_
    architecture = network.architecture
    _check_streams(architecture)
    check_running(transformers)
    model = Model(estimator, target_opset)
    nodes = model.nodes
    values = take_values(model, transformers, input_dtype, *ROWS)
    before = _take_state(model, values.dtype)
    states = {name: f"state.{name}" for name in before}
    memory = RunningSequences(model, states["n_steps"])
    values = transformed(nodes, transformers, values, memory)
    values = beside_static(nodes, estimator, values)
    x = filled(nodes, network, in_time(nodes, values).x, values.dtype, memory)
    seen, after = _advance(nodes, network, x, states)
    if architecture.readout is None:
        raw = of_steps(nodes, network, seen, "", values.static)
    else:
        raw = output(nodes, network, seen, values.static)
    doubts = list(values.doubts)
    finite = nothing_if_finite(nodes, x, values.dtype)
    if finite is not None:
        # What was not finite once spoils all that follows.
        after["finite"] = nodes.add("Add", states["finite"], finite)
        doubts.append(after["finite"])
    raw = doubted(nodes, network, raw, doubts)
    model.answer(raw, ROWS if architecture.readout is None else ROWS[:1], zipmap, None)
    after |= memory.after
    for name, (dtype, shape) in (before | memory.parts).items():
        model.give(f"next.{name}", after[name], dtype, "n_samples", *shape)
    return model.built()


def initial_state(model: Any, n_samples: int = 1) -> dict[str, np.ndarray]:
    """Return the state with which sequences begin, for a model of `to_streaming_onnx`.

    Parameters
    ----------
    model : onnx.ModelProto
        What `to_streaming_onnx` returned.

    n_samples : int, default=1
        Sequences that run side by side, >= 1.

    Returns
    -------
    dict of str to ndarray
        Zeros, by the names of the inputs.

    Raises
    ------
    ValueError
        If the model has no state.
    """
    from onnx import helper

    state = {}
    for each in model.graph.input:
        if each.name.startswith("state."):
            tensor = each.type.tensor_type
            shape = [dim.dim_value for dim in tensor.shape.dim[1:]]
            dtype = helper.tensor_dtype_to_np_dtype(tensor.elem_type)
            state[each.name] = np.zeros((n_samples, *shape), dtype)
    if not state:
        raise ValueError("The model has no inputs of a state; make it with to_streaming_onnx.")
    return state


def _check_streams(architecture: Any) -> None:
    if architecture.bidirectional:
        raise ValueError(
            "A bidirectional network reads every sequence from its end, too, so it cannot take "
            "steps as they come. Fit with bidirectional=False."
        )
    if architecture.readout is None and architecture.steps_of_row > 1:
        raise ValueError(
            "With return_sequences=True and frames, the network answers for a step from steps "
            "that are still to come. Fit with frame_length=1."
        )


def _take_state(model: Model, dtype: type) -> dict[str, tuple[type, tuple[int, ...]]]:
    """Declare the inputs of the state; return type and shape of every part of it."""
    architecture = model.network.architecture
    parts: dict[str, tuple[type, tuple[int, ...]]] = {"n_steps": (np.int64, (1,))}
    if dtype is not np.int64:
        parts["finite"] = np.float32, (1,)
    if architecture.differences is not None:
        parts["before"] = np.float32, (len(architecture.differences.scales),)
    if architecture.frames is not None and architecture.frames.length > 1:
        frames = architecture.frames
        parts["tail"] = np.float32, (frames.length - 1, frames.n_inputs)
    for i, layer in enumerate(architecture.layers):
        operator = OPERATORS.get(type(layer.cell))
        for name in ("h", "c")[: 1 if operator is None else operator.n_states]:
            parts[f"layers.{i}.{name}"] = np.float32, (layer.hidden_size,)
    for i, (readout, _) in enumerate(_readouts(model.network)):
        for name, width in _kept(readout, architecture.hidden_sizes[-1]).items():
            parts[f"readout.{i}.{name}"] = np.float32, (width,)
    for name, (of_part, shape) in parts.items():
        model.take(f"state.{name}", of_part, "n_samples", *shape)
    return parts


def _readouts(network: Network) -> list[tuple[Readout, Weights]]:
    readout = network.architecture.readout
    return [] if readout is None else parts_of(readout, network.readout_weights("forward"))


def _kept(readout: Readout, n_units: int) -> dict[str, int]:
    """Return name and width of what a read-out keeps of the steps so far."""
    if isinstance(readout, Last):
        return {}
    if isinstance(readout, Attention):
        return {"max": 1, "total": 1, "sum": n_units}
    return {"max" if isinstance(readout, Max) else "sum": n_units}


def _advance(nodes: Nodes, network: Network, x: str, state: State) -> tuple[str, State]:
    """Return the features or, without a read-out, the states of all steps; and the new state.

    `x` is what enters the differences, (n_timesteps, n_samples, width).
    """
    architecture = network.architecture
    n_new = nodes.size(x, 0)
    after = {"n_steps": nodes.add("Add", state["n_steps"], n_new)}
    if architecture.differences is not None:
        channels = channels_of(nodes, architecture.differences, x)
        first = nodes.slice(channels, 0, 1, axis=0)
        starts = nodes.add("Equal", state["n_steps"], nodes.ints(0))
        before = nodes.add("Where", starts, first, nodes.unsqueeze(state["before"], 0))
        after["before"] = nodes.part(channels, -1, axis=0)
        x = add_differences(nodes, architecture.differences, x, before)
    if architecture.frames is None:
        seen, of_layers = _run(nodes, network, Steps(x, None), state, state["n_steps"])
        return seen, after | of_layers
    seen, of_frames = _advance_frames(nodes, network, x, state)
    return seen, after | of_frames


# --- frames: what they reach into is run again when there is more of it ---------------------------


def _advance_frames(nodes: Nodes, network: Network, x: str, state: State) -> tuple[str, State]:
    """Run the frames that are new or not complete, and keep the state after those that are.

    The tail holds the steps from the start of the first frame on that was not complete. With the
    new ones behind them they are sequences of different lengths, read like any other.
    """
    frames = network.architecture.frames
    assert frames is not None
    own = part_of(network.parameters, "frames.")
    complete_before = _complete(nodes, frames, state["n_steps"])
    in_tail = _beyond(nodes, frames, state["n_steps"], complete_before)
    steps = _behind_tail(nodes, frames, x, state, in_tail)
    assert steps.lengths is not None
    cut = cut_into_frames(nodes, frames, steps, own)
    seen, _ = _run(nodes, network, cut, state, complete_before)
    complete = _complete(nodes, frames, nodes.unsqueeze(steps.lengths, 1))
    whole = Steps(cut.x, nodes.squeeze(complete, 1))
    _, moved = _run(nodes, network, whole, state, complete_before)
    none = nodes.add("Equal", complete, nodes.ints(0))
    after = {name: nodes.add("Where", none, state[name], new) for name, new in moved.items()}
    if frames.length > 1:
        first = nodes.add("Mul", complete, nodes.ints(frames.stride))
        after["tail"] = _taken(nodes, steps, first, frames.length - 1)
    return seen, after


def _complete(nodes: Nodes, frames: Frames, n_steps: str) -> str:
    """Return how many frames lie wholly within so many steps."""
    room = nodes.add("Sub", n_steps, nodes.ints(frames.length - frames.stride))
    return nodes.add("Div", nodes.add("Max", room, nodes.ints(0)), nodes.ints(frames.stride))


def _beyond(nodes: Nodes, frames: Frames, n_steps: str, complete: str) -> str:
    """Return how many steps there are from the first frame on that is not complete."""
    return nodes.add("Sub", n_steps, nodes.add("Mul", complete, nodes.ints(frames.stride)))


def _behind_tail(nodes: Nodes, frames: Frames, x: str, state: State, in_tail: str) -> Steps:
    """Return the steps of the tail and the new ones behind them, as sequences with lengths."""
    n_new = nodes.size(x, 0)
    if frames.length == 1:
        return Steps(x, nodes.add("Expand", n_new, nodes.size(x, 1)))
    size = frames.length - 1
    tail = nodes.transpose(state["tail"], 1, 0, 2)
    # The places of the tail beyond its end move behind everything else.
    both = nodes.transpose(nodes.concat(tail, x, axis=0), 1, 0, 2)
    n_places = nodes.add("Add", n_new, nodes.ints(size))
    place = nodes.unsqueeze(nodes.counting(n_places), 0)
    skipped = nodes.add("Sub", nodes.ints(size), in_tail)
    moved = nodes.add("Where", nodes.add("Less", place, in_tail), nodes.ints(0), skipped)
    last = nodes.add("Sub", n_places, nodes.ints(1))
    source = nodes.add("Min", nodes.add("Add", place, moved), last)
    gathered = nodes.add("GatherND", both, nodes.unsqueeze(source, 2), batch_dims=1)
    lengths = nodes.squeeze(nodes.add("Add", in_tail, n_new), 1)
    return Steps(nodes.transpose(gathered, 1, 0, 2), lengths)


def _taken(nodes: Nodes, steps: Steps, first: str, n: int) -> str:
    """Return `n` steps of every sequence from a step on, (n_samples, n, width).

    Those beyond its end have no meaning.
    """
    places = nodes.add("Add", first, nodes.constant(np.arange(n, dtype=np.int64)[None]))
    last = nodes.add("Sub", nodes.size(steps.x, 0), nodes.ints(1))
    there = nodes.unsqueeze(nodes.add("Min", places, last), 2)
    return nodes.add("GatherND", nodes.transpose(steps.x, 1, 0, 2), there, batch_dims=1)


# --- layers and read-outs, from a state on --------------------------------------------------------


def _run(
    nodes: Nodes, network: Network, steps: Steps, state: State, n_before: str
) -> tuple[str, State]:
    """Run layers and read-outs from a state on.

    Parameters
    ----------
    nodes, network
        Where to, and what.
    steps : Steps
        Inputs of the first layer.
    state : dict of str to str
        Names of the parts of the state.
    n_before : str
        Steps of the first layer so far, int64 of shape (n_samples, 1).

    Returns
    -------
    seen : str
        What the output layer sees.
    after : dict of str to str
        The parts of the state of layers and read-outs after the steps.
    """
    after: State = {}
    for i, layer in enumerate(network.architecture.layers):
        names = [f"layers.{i}.{each}" for each in ("h", "c") if f"layers.{i}.{each}" in state]
        first = tuple(nodes.unsqueeze(state[name], 0) for name in names)
        run = run_layer(nodes, layer, {"forward": network.weights(i)}, steps, first)
        for name, last in zip(names, run.last, strict=True):
            after[name] = nodes.squeeze(last, 0)
        steps = Steps(side_by_side(nodes, run, layer.width), steps.lengths)
    if network.architecture.readout is None:
        return steps.x, after
    parts = []
    for i, (readout, own) in enumerate(_readouts(network)):
        if isinstance(readout, Last):
            parts.append(after[names[0]])
            continue
        kept = {name: state[f"readout.{i}.{name}"] for name in _kept(readout, 1)}
        read = _read_out(readout)
        features, kept = read(nodes, own, steps, kept, n_before)
        parts.append(features)
        after |= {f"readout.{i}.{name}": new for name, new in kept.items()}
    return nodes.concat(*parts, axis=1), after


def _read_out(readout: Readout) -> Callable[..., tuple[str, State]]:
    if isinstance(readout, Attention):
        return _attend
    return _keep_largest if isinstance(readout, Max) else _average


def _average(
    nodes: Nodes, weights: Weights, steps: Steps, kept: State, n_before: str
) -> tuple[str, State]:
    total = nodes.reduce("ReduceSum", masked(nodes, steps.x, _real(nodes, steps), 0.0), 0)
    total = nodes.add("Add", kept["sum"], total)
    new = nodes.size(steps.x, 0) if steps.lengths is None else nodes.unsqueeze(steps.lengths, 1)
    n = nodes.cast(nodes.add("Add", n_before, new), np.float32)
    return nodes.add("Div", total, n), {"sum": total}


def _keep_largest(
    nodes: Nodes, weights: Weights, steps: Steps, kept: State, n_before: str
) -> tuple[str, State]:
    new = nodes.reduce("ReduceMax", masked(nodes, steps.x, _real(nodes, steps), -np.inf), 0)
    largest = nodes.add("Max", _unless_first(nodes, kept["max"], n_before), new)
    return largest, {"max": largest}


def _attend(
    nodes: Nodes, weights: Weights, steps: Steps, kept: State, n_before: str
) -> tuple[str, State]:
    real = _real(nodes, steps)
    e = masked(nodes, scores(nodes, weights, steps.x), real, -np.inf)
    before = _unless_first(nodes, kept["max"], n_before)
    largest = nodes.add("Max", before, nodes.reduce("ReduceMax", e, 0))
    shrink = nodes.add("Exp", nodes.add("Sub", before, largest))
    a = nodes.add("Exp", nodes.add("Sub", e, largest))
    of_states = nodes.add("Mul", a, masked(nodes, steps.x, real, 0.0))
    total, summed = (
        nodes.add("Add", nodes.add("Mul", kept[name], shrink), nodes.reduce("ReduceSum", new, 0))
        for name, new in (("total", a), ("sum", of_states))
    )
    features = nodes.add("Div", summed, total)
    return features, {"max": largest, "total": total, "sum": summed}


def _unless_first(nodes: Nodes, kept: str, n_before: str) -> str:
    """Return what is kept of the steps before, minus infinity where there were none."""
    none = nodes.add("Equal", n_before, nodes.ints(0))
    return nodes.add("Where", none, nodes.constant(np.float32(-np.inf)), kept)


def _real(nodes: Nodes, steps: Steps) -> str | None:
    return None if steps.lengths is None else real_steps(nodes, steps.x, steps.lengths)
