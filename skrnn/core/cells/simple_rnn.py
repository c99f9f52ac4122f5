"""The simple recurrent (Elman) cell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

import numpy as np

from skrnn.core.activations import IDENTITY, LOGISTIC, RELU, TANH, Activation
from skrnn.core.cells.base import Cell, State, Weights, initial_state, project_inputs
from skrnn.core.kernels import compiled, layer_forward

__all__ = ["SimpleRNN", "SimpleRNNCache"]


class SimpleRNNCache(NamedTuple):
    """What one forward pass leaves for the backward pass and for inspection."""

    x: np.ndarray
    n_active: np.ndarray
    h: np.ndarray


class SimpleRNN(Cell):
    r"""Simple recurrent cell.

    .. math:: h_t = activation(x_t W_x + h_{t-1} W_h + b)

    Its state Jacobian :math:`\partial h_t / \partial h_{t-1} = W_h \, diag(activation'(a_t))`
    is multiplied once a step, which is why gradients vanish or explode over long sequences [2]_.

    References
    ----------
    .. [1] Elman (1990). Finding structure in time. Cognitive Science 14(2).
    .. [2] Bengio, Simard & Frasconi (1994). Learning long-term dependencies with gradient
           descent is difficult. IEEE Transactions on Neural Networks 5(2).
    """

    gates: tuple[str, ...] = ("h",)
    activated: tuple[str, ...] = ("h",)
    kernels: ClassVar[Mapping[Activation, str]] = {
        TANH: "rnn_tanh",
        RELU: "rnn_relu",
        LOGISTIC: "rnn_logistic",
        IDENTITY: "rnn_identity",
    }
    cache_type: Any = SimpleRNNCache

    @compiled(layer_forward)
    def forward(
        self, x: np.ndarray, n_active: np.ndarray, weights: Weights, state: State | None = None
    ) -> tuple[np.ndarray, SimpleRNNCache]:
        W_h = weights["W_h"]
        a = project_inputs(x, weights["W_x"], weights["b"])
        h = np.zeros((len(a) + 1, *a.shape[1:]), dtype=a.dtype)
        h[0] = initial_state(state, 0, like=a)
        for t, n in enumerate(n_active):
            a[t, :n] += h[t, :n] @ W_h
            h[t + 1, :n] = self.activation.function(a[t, :n])
        return h, SimpleRNNCache(x, n_active, h)

    def step_back(
        self,
        t: int,
        n: int,
        cache: SimpleRNNCache,
        da: np.ndarray,
        da_h: np.ndarray,
        dh: np.ndarray,
        *dstate: np.ndarray,
    ) -> tuple[np.ndarray | float, ...]:
        # h_t = activation(a_t)
        np.multiply(dh, self.activation.derivative(cache.h[t + 1, :n]), out=da)
        return (0.0,)
