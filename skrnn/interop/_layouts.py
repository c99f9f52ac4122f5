"""Weights of a recurrent layer in the layouts of PyTorch and Keras, and back.

Ours are ``W_x`` (n_inputs, n_gates * n), ``W_h`` (n, n_gates * n) and ``b``, with the gates side by
side: ``i, f, g, o`` of an LSTM, ``z, r, n`` of a GRU, which has a bias more, ``b_hn``, inside what
the gate ``r`` multiplies.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from skrnn.core.activations import ACTIVATIONS, Activation
from skrnn.core.cells import GRU, LSTM, Cell, SimpleRNN

Weights = Mapping[str, np.ndarray]

# PyTorch's order of the gates in terms of ours, and ours in terms of its; Keras has ours.
TORCH_ORDER: dict[type[Cell], tuple[int, ...]] = {
    SimpleRNN: (0,),
    LSTM: (0, 1, 2, 3),
    GRU: (1, 0, 2),
}
NAMES = {SimpleRNN: "rnn", LSTM: "lstm", GRU: "gru"}


def check_cell(cell: Cell, target: str) -> None:
    """Raise ValueError where there is no such cell in another library."""
    # By the class itself: one derived from it computes something else.
    if type(cell) not in TORCH_ORDER:
        raise ValueError(
            f"{target} has no layer for the cell {cell!r}. Those of cell='rnn', 'lstm' and 'gru' "
            "can be taken there."
        )


def activation_name(activation: Activation) -> str | None:
    """Return the name of an activation of ours, None of another one, whatever its name is."""
    names = (name for name, each in ACTIVATIONS.items() if each.function is activation.function)
    return next(names, None)


def to_torch_layer(cell: Cell, weights: Weights) -> dict[str, np.ndarray]:
    """Return ``weight_ih``, ``weight_hh``, ``bias_ih`` and ``bias_hh`` of one direction."""
    order = TORCH_ORDER[type(cell)]
    recurrent = np.zeros_like(weights["b"])
    if "b_hn" in weights:
        recurrent[-len(weights["b_hn"]) :] = weights["b_hn"]
    return {
        "weight_ih": _reordered(weights["W_x"], order).T,
        "weight_hh": _reordered(weights["W_h"], order).T,
        "bias_ih": _reordered(weights["b"], order),
        "bias_hh": _reordered(recurrent, order),
    }


def from_torch_layer(cell: Cell, arrays: Weights) -> dict[str, np.ndarray]:
    """Undo `to_torch_layer`; biases that are left out are zero."""
    # Every order is its own inverse.
    order = TORCH_ORDER[type(cell)]
    weight_ih, weight_hh = arrays["weight_ih"], arrays["weight_hh"]
    none = np.zeros(len(weight_hh), weight_hh.dtype)
    b, b_h = (_reordered(arrays.get(name, none), order) for name in ("bias_ih", "bias_hh"))
    return {
        "W_x": _reordered(weight_ih.T, order),
        "W_h": _reordered(weight_hh.T, order),
        **_biases(cell, b, b_h),
    }


def to_keras_layer(cell: Cell, weights: Weights) -> list[np.ndarray]:
    """Return kernel, recurrent kernel and bias of one direction."""
    bias = weights["b"]
    if "b_hn" in weights:
        recurrent = np.zeros_like(bias)
        recurrent[-len(weights["b_hn"]) :] = weights["b_hn"]
        bias = np.stack([bias, recurrent])
    return [weights["W_x"].copy(), weights["W_h"].copy(), bias.copy()]


def from_keras_layer(
    cell: Cell, kernel: np.ndarray, recurrent_kernel: np.ndarray, bias: np.ndarray | None
) -> dict[str, np.ndarray]:
    """Undo `to_keras_layer`; a bias that is left out is zero."""
    b = np.zeros(kernel.shape[1], kernel.dtype) if bias is None else bias
    b_h = np.zeros(kernel.shape[1], kernel.dtype)
    if b.ndim == 2:
        b, b_h = b
    return {"W_x": kernel, "W_h": recurrent_kernel, **_biases(cell, b, b_h)}


def n_gates(cell: Cell) -> int:
    """Return the number of column blocks of a cell's weights."""
    return len(cell.gates)


def _biases(cell: Cell, b: np.ndarray, b_h: np.ndarray) -> dict[str, np.ndarray]:
    """Return our biases from those of the input's side and of the recurrent side."""
    if type(cell) is not GRU:
        return {"b": b + b_h}
    size = len(b) // 3
    inside = np.r_[np.zeros(2 * size, bool), np.ones(size, bool)]
    return {"b": np.where(inside, b, b + b_h), "b_hn": b_h[2 * size :]}


def _reordered(columns: np.ndarray, order: tuple[int, ...]) -> np.ndarray:
    """Put the blocks of gates, along the last axis, into another order."""
    blocks = np.split(columns, len(order), axis=-1)
    return np.concatenate([blocks[i] for i in order], axis=-1)
