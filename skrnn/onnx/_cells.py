"""The recurrence of a layer: by an operator of ONNX's own, or step by step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from skrnn.core.activations import ACTIVATIONS, Activation
from skrnn.core.cells import GRU, LRU, LSTM, Cell, SimpleRNN
from skrnn.core.cells.lru import rates_of
from skrnn.core.layer import Layer
from skrnn.onnx._nodes import Nodes, OwnNodes, single

Weights = Mapping[str, np.ndarray]


class Steps(NamedTuple):
    """Sequences on their way through the network.

    Attributes
    ----------
    x : str
        Name of a tensor of shape (n_timesteps, n_samples, width).
    lengths : str or None
        Name of the lengths, int64 of shape (n_samples,). None where all steps are real.
    """

    x: str
    lengths: str | None


class LayerStates(NamedTuple):
    """Names of what a layer has computed.

    Attributes
    ----------
    h : str
        States of all steps, (n_timesteps, n_directions, n_samples, hidden_size), in the data's
        time, without the initial one.
    last : tuple of str
        State of every direction after its last step, each (n_directions, n_samples, hidden_size).
    """

    h: str
    last: tuple[str, ...]


class ActivationOp(NamedTuple):
    """An activation among ONNX's: the operator, and how the recurrent operators name it."""

    op: str
    name: str
    alpha: float | None = None
    beta: float | None = None


_OPS = {
    "tanh": ActivationOp("Tanh", "Tanh"),
    "relu": ActivationOp("Relu", "Relu"),
    "logistic": ActivationOp("Sigmoid", "Sigmoid"),
    "identity": ActivationOp("Identity", "Affine", 1.0, 0.0),
    "leaky_relu": ActivationOp("LeakyRelu", "LeakyRelu", 0.01),
    "elu": ActivationOp("Elu", "Elu", 1.0),
    "softsign": ActivationOp("Softsign", "Softsign"),
}
# By the function itself: an activation of the user's own may have the name of one of ours.
ACTIVATION_OPS = {ACTIVATIONS[name].function: op for name, op in _OPS.items()}
SIGMOID = _OPS["logistic"]


class Operator(NamedTuple):
    """How ONNX has one of the cells.

    Attributes
    ----------
    op : str
        Name of the operator.
    order : tuple of int
        Our gates in its order.
    n_states : int
        Arrays of the state.
    n_sigmoid, n_activated : int
        Of its activation functions, those that are the sigmoid, and the cell's, which follow.
    attributes : dict
        Others that it takes.
    """

    op: str
    order: tuple[int, ...]
    n_states: int
    n_sigmoid: int
    n_activated: int
    attributes: dict[str, Any]


# By the class itself: one derived from it computes something else.
OPERATORS: dict[type[Cell], Operator] = {
    SimpleRNN: Operator("RNN", (0,), 1, 0, 1, {}),
    # i, f, g, o become i, o, f, g.
    LSTM: Operator("LSTM", (0, 3, 1, 2), 2, 1, 2, {}),
    GRU: Operator("GRU", (0, 1, 2), 1, 1, 1, {"linear_before_reset": 1}),
}


def check_cell(cell: Cell) -> None:
    """Raise ValueError where ONNX has no such cell or activation."""
    if type(cell) not in OPERATORS and type(cell) is not LRU:
        raise ValueError(
            f"ONNX has no operator for the cell {cell!r}. Those of cell='rnn', 'lstm', 'gru' and "
            "'lru' can be exported."
        )
    check_activation(cell.activation)


def check_activation(activation: Activation) -> None:
    """Raise ValueError where ONNX has no such activation."""
    if activation.function not in ACTIVATION_OPS:
        raise ValueError(
            f"ONNX has no operator for the activation {activation.name!r}. Those that can be "
            f"exported are {', '.join(map(repr, _OPS))}."
        )


def activated(nodes: Nodes, activation: Activation, a: str) -> str:
    """Put an activation on every number."""
    op = ACTIVATION_OPS[activation.function]
    if op.op in ("LeakyRelu", "Elu"):
        return nodes.add(op.op, a, alpha=op.alpha)
    return nodes.add(op.op, a)


def run_layer(
    nodes: Nodes,
    layer: Layer,
    weights: Mapping[str, Weights],
    steps: Steps,
    state: tuple[str, ...] | None = None,
) -> LayerStates:
    """Run a recurrent layer.

    Parameters
    ----------
    nodes : Nodes
        To which the nodes are added.
    layer : Layer
        Of a cell that `check_cell` accepts.
    weights : mapping of str to mapping of str to ndarray
        Of every direction.
    steps : Steps
        Its inputs.
    state : tuple of str, default=None
        Initial state, every array of shape (n_directions, n_samples, hidden_size). None starts
        with zeros.
    """
    if type(layer.cell) is LRU:
        return _run_lru(nodes, layer, weights, steps, state)
    operator = OPERATORS[type(layer.cell)]
    own = list(weights.values())
    W, R, B = (
        nodes.constant(np.stack([single(part(operator, each)) for each in own]))
        for part in (_input_weights, _recurrent_weights, _biases)
    )
    lengths = "" if steps.lengths is None else nodes.cast(steps.lengths, np.int32)
    h, *last = nodes.several(
        operator.op,
        *(steps.x, W, R, B),
        *_without_empty_end(lengths, *(state or ())),
        n_outputs=1 + operator.n_states,
        hidden_size=layer.hidden_size,
        direction="bidirectional" if len(layer.directions) == 2 else "forward",
        **_activations(operator, layer.cell.activation, len(layer.directions)),
        **operator.attributes,
    )
    return LayerStates(h, tuple(last))


def _without_empty_end(*inputs: str) -> tuple[str, ...]:
    return inputs if any(inputs) else ()


def _activations(operator: Operator, activation: Activation, n_directions: int) -> dict[str, Any]:
    """Return the attributes that name the activations of all gates and directions."""
    own = ACTIVATION_OPS[activation.function]
    functions = [SIGMOID] * operator.n_sigmoid + [own] * operator.n_activated
    functions *= n_directions
    attributes: dict[str, Any] = {"activations": [each.name for each in functions]}
    alphas = [each.alpha for each in functions if each.alpha is not None]
    betas = [each.beta for each in functions if each.beta is not None]
    return (
        attributes
        | ({"activation_alpha": alphas} if alphas else {})
        | ({"activation_beta": betas} if betas else {})
    )


def _in_order(operator: Operator, columns: np.ndarray) -> np.ndarray:
    """Return column blocks of gates as ONNX has them: as rows, in its order."""
    blocks = np.split(columns, len(operator.order), axis=-1)
    return np.concatenate([blocks[i].T for i in operator.order], axis=0)


def _input_weights(operator: Operator, weights: Weights) -> np.ndarray:
    return _in_order(operator, weights["W_x"])


def _recurrent_weights(operator: Operator, weights: Weights) -> np.ndarray:
    return _in_order(operator, weights["W_h"])


def _biases(operator: Operator, weights: Weights) -> np.ndarray:
    """Return the biases of the input's side, then those of the recurrent side."""
    b = _in_order(operator, weights["b"])
    recurrent = np.zeros_like(b)
    if "b_hn" in weights:
        recurrent[-len(weights["b_hn"]) :] = weights["b_hn"]
    return np.concatenate([b, recurrent])


# --- the linear recurrent unit, which ONNX has no operator for ------------------------------------


def _run_lru(
    nodes: Nodes,
    layer: Layer,
    weights: Mapping[str, Weights],
    steps: Steps,
    state: tuple[str, ...] | None,
) -> LayerStates:
    """Run a layer of linear recurrent units, step by step: in ``Scan``."""
    h, last = [], []
    for i, (direction, own) in enumerate(weights.items()):
        x = _in_time_of(nodes, direction, steps.x, steps.lengths)
        u = activated(nodes, layer.cell.activation, nodes.affine(x, own["W_x"], own["b"]))
        first = nodes.part(u, 0, axis=0)
        before = nodes.add("Sub", first, first) if state is None else nodes.part(state[0], i, 0)
        states, end = _scan_lru(nodes, own, u, before, steps.lengths)
        h.append(nodes.unsqueeze(_in_time_of(nodes, direction, states, steps.lengths), 1))
        last.append(nodes.unsqueeze(end, 0))
    return LayerStates(nodes.concat(*h, axis=1), (nodes.concat(*last, axis=0),))


def _in_time_of(nodes: Nodes, direction: str, x: str, lengths: str | None) -> str:
    """Turn sequences of shape (n_timesteps, n_samples, width) around in time, or back."""
    if direction != "reverse":
        return x
    if lengths is None:
        size = nodes.add("Gather", nodes.add("Shape", x), nodes.ints(0, 1), axis=0)
        steps, samples = nodes.slice(size, 0, 1, axis=0), nodes.slice(size, 1, 2, axis=0)
        lengths = nodes.add("Expand", steps, samples)
    return nodes.add("ReverseSequence", x, lengths, time_axis=0, batch_axis=1)


def _scan_lru(
    nodes: Nodes, weights: Weights, u: str, before: str, lengths: str | None
) -> tuple[str, str]:
    """Return the states of all steps, and the last real one of every sequence.

    With ``h = [c.re, c.im]``, ``lambda * c`` is ``h * re + swapped(h) * im`` in real numbers.
    """
    from onnx import TensorProto, helper

    rates = rates_of(weights)
    size = len(weights["b"])
    re, im, gamma = (
        single(np.concatenate(both)[:size])
        for both in (
            (rates.lambda_re, rates.lambda_re),
            (-rates.lambda_im, rates.lambda_im),
            (rates.gamma, rates.gamma),
        )
    )
    n_units = (size + 1) // 2
    # The last of an odd number of units has no imaginary part, and an `im` of zero.
    partner = np.r_[np.arange(n_units) + n_units, np.arange(size - n_units)].clip(max=size - 1)
    u = nodes.add("Mul", u, nodes.constant(gamma))
    body = OwnNodes(nodes.opset, prefix=f"{u}_body_")
    swapped = body.add("Gather", "h_before", body.constant(partner.astype(np.int64)), axis=1)
    turned = body.add(
        "Add",
        body.add("Mul", "h_before", body.constant(re)),
        body.add("Mul", swapped, body.constant(im)),
    )
    body.nodes.append(helper.make_node("Add", [turned, "u_t"], ["h_next"]))
    body.nodes.append(helper.make_node("Identity", ["h_next"], ["h_t"]))
    values = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, size])
        for name in ("h_before", "u_t", "h_next", "h_t")
    ]
    graph = helper.make_graph(body.nodes, "lru", values[:2], values[2:], body.initializers)
    end, states = nodes.several("Scan", before, u, n_outputs=2, body=graph, num_scan_inputs=1)
    if lengths is not None:
        end = at_last_step(nodes, states, lengths)
    return states, end


def at_last_step(nodes: Nodes, states: str, lengths: str) -> str:
    """Return what stands at the last real step, of a tensor (n_timesteps, n_samples, width)."""
    last = nodes.add("Sub", lengths, nodes.ints(1))
    by_sample = nodes.transpose(states, 1, 0, 2)
    return nodes.add("GatherND", by_sample, nodes.unsqueeze(last, 1), batch_dims=1)
