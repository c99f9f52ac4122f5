"""The long short-term memory cell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

import numpy as np
from scipy.special import expit

from skrnn.core.activations import TANH, Activation
from skrnn.core.cells.base import (
    Cell,
    State,
    Weights,
    blocks_of,
    initial_state,
    project_inputs,
)
from skrnn.core.initializers import Initializer
from skrnn.core.kernels import compiled, layer_forward

__all__ = ["LSTM", "LSTMCache"]


class LSTMCache(NamedTuple):
    """What one forward pass leaves for the backward pass and for inspection.

    ``gates[t]`` holds ``[i_t, f_t, g_t, o_t]`` side by side; ``c`` is offset as ``h`` is;
    ``c_out[t]`` is ``activation(c_t)``.
    """

    x: np.ndarray
    n_active: np.ndarray
    h: np.ndarray
    c: np.ndarray
    gates: np.ndarray
    c_out: np.ndarray


class LSTM(Cell):
    r"""Long short-term memory cell with a forget gate.

    .. math::
        [i_t, f_t, g_t, o_t] &= [\sigma, \sigma, activation, \sigma](x_t W_x + h_{t-1} W_h + b) \\
        c_t &= f_t \odot c_{t-1} + i_t \odot g_t \\
        h_t &= o_t \odot activation(c_t)

    The gradient of :math:`c_t` reaches :math:`c_{t-1}` through the factor :math:`f_t` alone,
    with no weight matrix and no flat non-linearity in between [1]_. The forget bias starts at 1,
    so that early training remembers [2]_ [3]_.

    References
    ----------
    .. [1] Hochreiter & Schmidhuber (1997). Long short-term memory. Neural Computation 9(8).
    .. [2] Gers, Schmidhuber & Cummins (2000). Learning to forget: continual prediction with
           LSTM. Neural Computation 12(10).
    .. [3] Jozefowicz, Zaremba & Sutskever (2015). An empirical exploration of recurrent network
           architectures. ICML.
    """

    gates: tuple[str, ...] = ("i", "f", "g", "o")
    activated: tuple[str, ...] = ("g", "c_out")
    kernels: ClassVar[Mapping[Activation, str]] = {TANH: "lstm_tanh"}
    cache_type: Any = LSTMCache

    def initialize(
        self,
        weights: Weights,
        rng: np.random.RandomState,
        init: Initializer,
        recurrent_init: Initializer,
    ) -> None:
        super().initialize(weights, rng, init, recurrent_init)
        _, b_f, _, _ = blocks_of(weights["b"], 4)
        b_f[:] = 1.0

    @compiled(layer_forward)
    def forward(
        self, x: np.ndarray, n_active: np.ndarray, weights: Weights, state: State | None = None
    ) -> tuple[np.ndarray, LSTMCache]:
        W_h = weights["W_h"]
        gates = project_inputs(x, weights["W_x"], weights["b"])
        n_timesteps, n_samples, hidden_size = len(x), x.shape[1], len(W_h)
        h = np.zeros((n_timesteps + 1, n_samples, hidden_size), dtype=gates.dtype)
        c, c_out = np.zeros_like(h), np.zeros_like(h[1:])
        h[0] = initial_state(state, 0, like=h)
        c[0] = initial_state(state, 1, like=h)
        for t, n in enumerate(n_active):
            gates[t, :n] += h[t, :n] @ W_h
            i, f, g, o = blocks_of(gates[t, :n], 4)
            expit(i, out=i)
            expit(f, out=f)
            g[:] = self.activation.function(g)
            expit(o, out=o)
            c[t + 1, :n] = f * c[t, :n] + i * g
            c_out[t, :n] = self.activation.function(c[t + 1, :n])
            h[t + 1, :n] = o * c_out[t, :n]
        return h, LSTMCache(x, n_active, h, c, gates, c_out)

    def state_after(self, h: np.ndarray, cache: LSTMCache) -> State:
        return h[-1], cache.c[-1]

    def step_back(
        self,
        t: int,
        n: int,
        cache: LSTMCache,
        da: np.ndarray,
        da_h: np.ndarray,
        dh: np.ndarray,
        *dstate: np.ndarray,
    ) -> tuple[np.ndarray | float, ...]:
        (dc,) = dstate
        c, c_out = cache.c[t, :n], cache.c_out[t, :n]
        i, f, g, o = blocks_of(cache.gates[t, :n], 4)
        da_i, da_f, da_g, da_o = blocks_of(da, 4)
        # h_t = o_t * activation(c_t)
        da_o[:] = dh * c_out * o * (1 - o)
        dc = dc + dh * o * self.activation.derivative(c_out)
        # c_t = f_t * c_{t-1} + i_t * g_t
        da_i[:] = dc * g * i * (1 - i)
        da_f[:] = dc * c * f * (1 - f)
        da_g[:] = dc * i * self.activation.derivative(g)
        return 0.0, dc * f
