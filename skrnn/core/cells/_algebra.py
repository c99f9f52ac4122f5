"""The algebra that all cells share: inputs, initial states, and the gradients of an affine map."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

Weights = Mapping[str, np.ndarray]
State = tuple[np.ndarray, ...]


def initial_state(state: State | None, index: int, like: np.ndarray) -> np.ndarray | float:
    """Return one array of `state`, or the zero that stands for it."""
    return 0.0 if state is None else state[index].astype(like.dtype, copy=False)


def arriving_gradient(
    dstate: State | None, index: int, h: np.ndarray, n_active: np.ndarray
) -> np.ndarray:
    """Return a copy of one array of `dstate`, zero for rows that ended before the last step."""
    gradient = np.zeros_like(h[0])
    if dstate is not None:
        gradient[: n_active[-1]] = dstate[index][: n_active[-1]]
    return gradient


def blocks_of(array: np.ndarray, n_blocks: int) -> list[np.ndarray]:
    """Return views of `n_blocks` equal blocks of columns: `np.split` without its checks."""
    width = array.shape[-1] // n_blocks
    return [array[..., i * width : (i + 1) * width] for i in range(n_blocks)]


def project_inputs(x: np.ndarray, W_x: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return ``x_t W_x + b`` of all time steps: one product instead of n_timesteps."""
    n_timesteps, n_samples, n_inputs = x.shape
    a = x.reshape(-1, n_inputs) @ W_x
    a += b
    return a.reshape(n_timesteps, n_samples, -1)


def flat_product(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Return the sum over time steps and samples of ``u_t' v_t``: a weight gradient."""
    return u.reshape(-1, u.shape[2]).T @ v.reshape(-1, v.shape[2])


class InputGradients(NamedTuple):
    """Gradients of the affine map ``a_t = x_t W_x + h_{t-1} W_h + b``."""

    dx: np.ndarray | None
    dweights: dict[str, np.ndarray]


def affine_gradients(
    da: np.ndarray,
    da_h: np.ndarray,
    x: np.ndarray,
    h: np.ndarray,
    weights: Weights,
    need_dx: bool,
) -> InputGradients:
    """Return the gradients of inputs and weights from those of the pre-activations.

    Parameters
    ----------
    da, da_h : ndarray of shape (n_timesteps, n_samples, n_gates * hidden_size)
        Gradient on the side of the input and on the side of the recurrence (the same array
        unless the cell gates its recurrent term, as the GRU does), zero at padding.
    x, h : ndarray
        Inputs and states of the forward pass.
    weights : mapping of str to ndarray
        ``W_x`` is read.
    need_dx : bool
        Whether to compute `dx`.
    """
    dweights = {
        "W_x": flat_product(x, da),
        "W_h": flat_product(h[:-1], da_h),
        "b": da.sum(axis=(0, 1)),
    }
    dx = da @ weights["W_x"].T if need_dx else None
    return InputGradients(dx, dweights)
