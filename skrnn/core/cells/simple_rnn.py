"""The simple recurrent (Elman) cell."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from skrnn.core.cells.base import (
    Cell,
    State,
    Weights,
    affine_gradients,
    arriving_gradient,
    initial_state,
    project_inputs,
    state_gradients_of_backward,
)
from skrnn.core.kernels import compiled


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

    gates = ("h",)
    kernel = "rnn"
    cache_type = SimpleRNNCache

    @compiled
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

    @compiled
    def backward(
        self,
        dh: np.ndarray,
        cache: SimpleRNNCache,
        weights: Weights,
        *,
        cut: np.ndarray | None = None,
        need_dx: bool = True,
        dstate: State | None = None,
        dh_total: np.ndarray | None = None,
    ) -> tuple[np.ndarray | None, dict[str, np.ndarray], State]:
        x, n_active, h = cache
        W_h_T = weights["W_h"].T
        da = np.zeros_like(h[1:])
        dh_next = arriving_gradient(dstate, 0, h, n_active)
        for t in reversed(range(len(x))):
            n = n_active[t]
            # h_t = activation(a_t)
            da[t, :n] = dh[t + 1, :n] + dh_next[:n]
            if dh_total is not None:
                dh_total[t + 1, :n] = da[t, :n]
            da[t, :n] *= self.activation.derivative(h[t + 1, :n])
            # a_t = x_t W_x + h_{t-1} W_h + b
            dh_next[:n] = da[t, :n] @ W_h_T
            if cut is not None:
                dh_next[cut[t]] = 0
        if dh_total is not None:
            dh_total[0] = dh[0] + dh_next
        dx, dweights = affine_gradients(da, da, x, h, weights, need_dx)
        return dx, dweights, (dh[0] + dh_next,)

    state_gradients = state_gradients_of_backward
