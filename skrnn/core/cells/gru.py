"""The gated recurrent unit."""

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
from skrnn.core.kernels import compiled, layer_forward

__all__ = ["GRU", "GRUCache"]


class GRUCache(NamedTuple):
    """What one forward pass leaves for the backward pass and for inspection.

    ``gates[t]`` holds ``[z_t, r_t, n_t]`` side by side; ``s[t]`` is the recurrent term that
    ``r_t`` gates, ``h_{t-1} W_hn + b_hn``.
    """

    x: np.ndarray
    n_active: np.ndarray
    h: np.ndarray
    gates: np.ndarray
    s: np.ndarray


class GRU(Cell):
    r"""Gated recurrent unit, in the form that resets after the recurrent product.

    .. math::
        [z_t, r_t] &= \sigma(x_t W_{x,zr} + h_{t-1} W_{h,zr} + b_{zr}) \\
        s_t &= h_{t-1} W_{hn} + b_{hn} \\
        n_t &= activation(x_t W_{xn} + b_n + r_t \odot s_t) \\
        h_t &= (1 - z_t) \odot n_t + z_t \odot h_{t-1}

    The original [1]_ resets before the product; this form [2]_ is the one of cuDNN, PyTorch,
    Keras' default and ONNX' ``linear_before_reset=1``. It has one bias more, ``b_hn``.

    References
    ----------
    .. [1] Cho et al. (2014). Learning phrase representations using RNN encoder-decoder for
           statistical machine translation. EMNLP.
    .. [2] Appleyard, Kociský & Blunsom (2016). Optimizing performance of recurrent neural
           networks on GPUs. arXiv:1604.01946.
    """

    gates: tuple[str, ...] = ("z", "r", "n")
    activated: tuple[str, ...] = ("n",)
    gates_recurrence: bool = True
    kernels: ClassVar[Mapping[Activation, str]] = {TANH: "gru_tanh"}
    cache_type: Any = GRUCache

    def shapes(self, n_inputs: int, hidden_size: int) -> dict[str, tuple[int, ...]]:
        return {**super().shapes(n_inputs, hidden_size), "b_hn": (hidden_size,)}

    @compiled(layer_forward)
    def forward(
        self, x: np.ndarray, n_active: np.ndarray, weights: Weights, state: State | None = None
    ) -> tuple[np.ndarray, GRUCache]:
        W_h, b_hn = weights["W_h"], weights["b_hn"]
        gates = project_inputs(x, weights["W_x"], weights["b"])
        n_timesteps, n_samples, hidden_size = len(x), x.shape[1], len(W_h)
        h = np.zeros((n_timesteps + 1, n_samples, hidden_size), dtype=gates.dtype)
        s = np.zeros_like(h[1:])
        h[0] = initial_state(state, 0, like=h)
        for t, n in enumerate(n_active):
            recurrent = h[t, :n] @ W_h
            zr, cand = gates[t, :n, : 2 * hidden_size], gates[t, :n, 2 * hidden_size :]
            zr += recurrent[:, : 2 * hidden_size]
            expit(zr, out=zr)
            z, r = zr[:, :hidden_size], zr[:, hidden_size:]
            s[t, :n] = recurrent[:, 2 * hidden_size :] + b_hn
            cand += r * s[t, :n]
            cand[:] = self.activation.function(cand)
            h[t + 1, :n] = (1 - z) * cand + z * h[t, :n]
        return h, GRUCache(x, n_active, h, gates, s)

    def step_back(
        self,
        t: int,
        n: int,
        cache: GRUCache,
        da: np.ndarray,
        da_h: np.ndarray,
        dh: np.ndarray,
        *dstate: np.ndarray,
    ) -> tuple[np.ndarray | float, ...]:
        z, r, cand = blocks_of(cache.gates[t, :n], 3)
        da_z, da_r, da_n = blocks_of(da, 3)
        # h_t = (1 - z_t) * n_t + z_t * h_{t-1}
        da_z[:] = dh * (cache.h[t, :n] - cand) * z * (1 - z)
        # n_t = activation(x_t W_xn + b_n + r_t * s_t)
        da_n[:] = dh * (1 - z) * self.activation.derivative(cand)
        da_r[:] = da_n * cache.s[t, :n] * r * (1 - r)
        # s_t = h_{t-1} W_hn + b_hn, and the recurrent side of z and r
        da_h[:] = da
        ds = blocks_of(da_h, 3)[2]
        ds *= r
        return (dh * z,)

    def other_gradients(
        self, da: np.ndarray, da_h: np.ndarray, cache: GRUCache
    ) -> Mapping[str, np.ndarray]:
        return {"b_hn": blocks_of(da_h, 3)[2].sum(axis=(0, 1))}
