"""The L2 penalty on the weight matrices."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from skrnn.core import kernels
from skrnn.core.parameters import Parameters

__all__ = ["add_decay", "add_penalty"]


@kernels.compiled(kernels.add_decay)
def add_decay(gradient: np.ndarray, weights: np.ndarray, rate: float) -> float:
    """Add ``rate * weights``, the gradient of an L2 penalty, to `gradient` in place.

    Parameters
    ----------
    gradient, weights : ndarray of shape (n_weights,)
        Of the same dtype.
    rate : float
        Twice the factor of the squares in the penalty, >= 0.

    Returns
    -------
    float
        The sum of the squared weights.
    """
    gradient += rate * weights
    # Not np.dot: BLAS may sum in another order with another number of threads.
    return float(np.einsum("i,i", weights, weights))


def add_penalty(
    gradient: Parameters,
    parameters: Parameters,
    spans: Iterable[slice],
    alpha: float,
    total_weight: float,
) -> float:
    """Add the gradient of a penalty to that of a mean loss, and return the penalty of the sum.

    Parameters
    ----------
    gradient, parameters : Parameters
        The gradient is changed.
    spans : iterable of slice
        Where the weight matrices lie in the vectors.
    alpha : float
        Factor of half the squares, > 0.
    total_weight : float
        What the sum of the losses is divided by, > 0.
    """
    squares = 0.0
    for span in spans:
        squares += add_decay(gradient.vector[span], parameters.vector[span], alpha / total_weight)
    return 0.5 * alpha * squares
