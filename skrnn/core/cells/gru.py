"""The gated recurrent unit."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import expit

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

    gates = ("z", "r", "n")
    kernel = "gru"
    cache_type = GRUCache

    def shapes(self, n_inputs: int, hidden_size: int) -> dict[str, tuple[int, ...]]:
        return {**super().shapes(n_inputs, hidden_size), "b_hn": (hidden_size,)}

    @compiled
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

    @compiled
    def backward(
        self,
        dh: np.ndarray,
        cache: GRUCache,
        weights: Weights,
        *,
        cut: np.ndarray | None = None,
        need_dx: bool = True,
        dstate: State | None = None,
        dh_total: np.ndarray | None = None,
    ) -> tuple[np.ndarray | None, dict[str, np.ndarray], State]:
        x, n_active, h, gates, s = cache
        W_h_T = weights["W_h"].T
        da, da_h = np.zeros_like(gates), np.zeros_like(gates)
        dh_next = arriving_gradient(dstate, 0, h, n_active)
        for t in reversed(range(len(x))):
            n = n_active[t]
            z, r, cand = np.split(gates[t, :n], 3, axis=1)
            da_z, da_r, da_n = np.split(da[t, :n], 3, axis=1)
            # h_t = (1 - z_t) * n_t + z_t * h_{t-1}
            dh_t = dh[t + 1, :n] + dh_next[:n]
            if dh_total is not None:
                dh_total[t + 1, :n] = dh_t
            da_z[:] = dh_t * (h[t, :n] - cand) * z * (1 - z)
            # n_t = activation(x_t W_xn + b_n + r_t * s_t)
            da_n[:] = dh_t * (1 - z) * self.activation.derivative(cand)
            da_r[:] = da_n * s[t, :n] * r * (1 - r)
            # s_t = h_{t-1} W_hn + b_hn, and the recurrent side of z and r
            da_h[t, :n] = da[t, :n]
            da_h[t, :n, 2 * z.shape[1] :] *= r
            dh_next[:n] = dh_t * z + da_h[t, :n] @ W_h_T
            if cut is not None:
                dh_next[cut[t]] = 0
        if dh_total is not None:
            dh_total[0] = dh[0] + dh_next
        dx, dweights = affine_gradients(da, da_h, x, h, weights, need_dx)
        dweights["b_hn"] = da_h[:, :, -h.shape[2] :].sum(axis=(0, 1))
        return dx, dweights, (dh[0] + dh_next,)

    state_gradients = state_gradients_of_backward
