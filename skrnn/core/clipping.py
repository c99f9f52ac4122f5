"""The norm of a gradient, and its upper bound."""

from __future__ import annotations

import math

import numpy as np

from skrnn.core import kernels

__all__ = ["clip_by_global_norm", "sum_of_squares"]


@kernels.compiled(kernels.sum_of_squares)
def sum_of_squares(vector: np.ndarray) -> float:
    """Return the sum of the squared entries of a vector: always in the same order."""
    # Not np.dot: BLAS may sum in another order with another number of threads.
    return float(np.einsum("i,i", vector, vector))


def clip_by_global_norm(gradient: np.ndarray, max_norm: float | None) -> float:
    r"""Scale `gradient` in place so that its Euclidean norm is at most `max_norm`.

    .. math:: g \leftarrow g \cdot \min(1, max\_norm / \|g\|)

    Parameters
    ----------
    gradient : ndarray of shape (n_parameters,)
        Changed in place if it is too long.
    max_norm : float or None
        Upper bound, > 0. None leaves the gradient as it is.

    Returns
    -------
    float
        The norm before clipping.

    References
    ----------
    .. [1] Pascanu, Mikolov & Bengio (2013). On the difficulty of training recurrent neural
           networks. ICML.

    Examples
    --------
    >>> import numpy as np
    >>> from skrnn.core.clipping import clip_by_global_norm
    >>> gradient = np.array([3.0, 4.0])
    >>> clip_by_global_norm(gradient, max_norm=1.0)
    5.0
    >>> gradient
    array([0.6, 0.8])
    """
    norm = math.sqrt(sum_of_squares(gradient))
    if max_norm is not None and norm > max_norm:
        gradient *= max_norm / norm
    return norm
