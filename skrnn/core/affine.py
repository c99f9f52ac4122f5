"""Affine maps of rows and sums over time: what surrounds the recurrent layers of a network.

With the kernels every sum has an order that follows from the shapes alone: a row of a product does
not depend on the rows beside it, and no number on the threads of a BLAS. The NumPy lines leave the
order to the BLAS.
"""

from __future__ import annotations

import numpy as np

from skrnn.core import kernels
from skrnn.core.ragged import real_steps

__all__ = ["add_over_time", "affine", "affine_gradients"]


@kernels.compiled(kernels.affine)
def affine(x: np.ndarray, W: np.ndarray, b: np.ndarray | None = None) -> np.ndarray:
    """Return ``x W + b``.

    Parameters
    ----------
    x : ndarray of shape (..., n_inputs)
        Two or three axes; rows may be anywhere in memory, and overlap.
    W : ndarray of shape (n_inputs, n_outputs)
        Weights, or a transpose of weights.
    b : ndarray of shape (n_outputs,), default=None
        None adds nothing.

    Returns
    -------
    ndarray of shape (..., n_outputs)

    Examples
    --------
    >>> import numpy as np
    >>> from skrnn.core.affine import affine
    >>> affine(np.array([[1.0, 2.0]]), np.array([[1.0], [10.0]]), np.array([0.5]))
    array([[21.5]])
    """
    product = np.matmul(x, W)
    return product if b is None else product + b


@kernels.compiled(kernels.affine_gradients)
def affine_gradients(x: np.ndarray, d: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the gradients of ``W`` and ``b`` from that of ``x W + b``.

    Parameters
    ----------
    x : ndarray of shape (..., n_inputs)
        Two or three axes.
    d : ndarray of shape (..., n_outputs)
        Gradient of the map's result.

    Returns
    -------
    dW : ndarray of shape (n_inputs, n_outputs)
        The sum over all rows of ``x' d``.
    db : ndarray of shape (n_outputs,)
        The sum over all rows of ``d``.
    """
    rows = d.reshape(-1, d.shape[-1])
    if x.ndim == 2:
        return x.T @ rows, rows.sum(axis=0)
    # A product for every step: a reshape would copy rows that overlap in memory.
    return np.matmul(x.transpose(0, 2, 1), d).sum(axis=0), rows.sum(axis=0)


@kernels.compiled(kernels.add_over_time)
def add_over_time(total: np.ndarray, x: np.ndarray, n_active: np.ndarray) -> None:
    """Add the real steps of every row to `total`, in place, one after the other.

    In double precision whatever `x` is, since single precision would lose the digits of a sum over
    thousands of steps.

    Parameters
    ----------
    total : ndarray of shape (n_samples, width), dtype float64
        The sums so far.
    x : ndarray of shape (n_timesteps, n_samples, width)
        What stands at padding is left out.
    n_active : ndarray of shape (n_timesteps,)
        Rows that run at each step.

    Examples
    --------
    >>> import numpy as np
    >>> from skrnn.core.affine import add_over_time
    >>> total = np.zeros((2, 1))
    >>> add_over_time(total, np.ones((3, 2, 1)), np.array([2, 1, 1]))
    >>> total[:, 0]
    array([3., 1.])
    """
    real = real_steps(n_active, x.shape[1])[:, :, np.newaxis]
    total += np.sum(x, axis=0, dtype=np.float64, where=real)
