r"""How weight matrices start.

An initializer is a function ``init(rng, n_in, n_out)`` that returns a new ndarray of shape
(n_in, n_out); the dtype of the network is given to it afterwards. It draws from ``rng``, a
RandomState, and from nothing else. It is called for *one* gate: a cell with four gates draws
four blocks, so that the fans are those of the mapping itself and not of the stacked matrix. One
of your own is passed as it is::

    def signs(rng, n_in, n_out):
        return rng.choice([-0.1, 0.1], size=(n_in, n_out))

With ``n_in`` and ``n_out`` the fans, the variance of the entries is

===============  =====================  ==============================================
``xavier_*``     2 / (n_in + n_out)     Glorot & Bengio (2010), keeps the variance of
                                        states and gradients for tanh-like activations
``he_*``         2 / n_in               He, Zhang, Ren & Sun (2015), for relu
``lecun_*``      1 / n_in               LeCun, Bottou, Orr & Müller (1998)
===============  =====================  ==============================================

References
----------
.. [1] Glorot & Bengio (2010). Understanding the difficulty of training deep feedforward
       neural networks. AISTATS.
.. [2] He, Zhang, Ren & Sun (2015). Delving deep into rectifiers. ICCV.
.. [3] LeCun, Bottou, Orr & Müller (1998). Efficient BackProp. Neural Networks: Tricks of
       the Trade.
.. [4] Saxe, McClelland & Ganguli (2014). Exact solutions to the nonlinear dynamics of
       learning in deep linear neural networks. ICLR.
.. [5] Le, Jaitly & Hinton (2015). A simple way to initialize recurrent networks of
       rectified linear units. arXiv:1504.00941.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from skrnn.core import kernels

__all__ = [
    "INITIALIZERS",
    "Initializer",
    "he_normal",
    "he_uniform",
    "identity",
    "lecun_normal",
    "lecun_uniform",
    "normal",
    "orthogonal",
    "orthonormalize",
    "uniform",
    "xavier_normal",
    "xavier_uniform",
    "zeros",
]

Initializer = Callable[[np.random.RandomState, int, int], np.ndarray]

# Channels whose root mean square lies beyond these are far from the scale that weights start for.
LARGE_INPUT, SMALL_INPUT = 10.0, 0.01


def _uniform_of_variance(
    rng: np.random.RandomState, n_in: int, n_out: int, variance: float
) -> np.ndarray:
    bound = np.sqrt(3.0 * variance)
    return rng.uniform(-bound, bound, size=(n_in, n_out))


def _normal_of_variance(
    rng: np.random.RandomState, n_in: int, n_out: int, variance: float
) -> np.ndarray:
    return rng.normal(0.0, np.sqrt(variance), size=(n_in, n_out))


def xavier_uniform(rng: np.random.RandomState, n_in: int, n_out: int) -> np.ndarray:
    """Draw from U(-sqrt(6 / (n_in + n_out)), sqrt(6 / (n_in + n_out)))."""
    return _uniform_of_variance(rng, n_in, n_out, 2.0 / (n_in + n_out))


def xavier_normal(rng: np.random.RandomState, n_in: int, n_out: int) -> np.ndarray:
    """Draw from N(0, 2 / (n_in + n_out))."""
    return _normal_of_variance(rng, n_in, n_out, 2.0 / (n_in + n_out))


def he_uniform(rng: np.random.RandomState, n_in: int, n_out: int) -> np.ndarray:
    """Draw from U(-sqrt(6 / n_in), sqrt(6 / n_in))."""
    return _uniform_of_variance(rng, n_in, n_out, 2.0 / n_in)


def he_normal(rng: np.random.RandomState, n_in: int, n_out: int) -> np.ndarray:
    """Draw from N(0, 2 / n_in)."""
    return _normal_of_variance(rng, n_in, n_out, 2.0 / n_in)


def lecun_uniform(rng: np.random.RandomState, n_in: int, n_out: int) -> np.ndarray:
    """Draw from U(-sqrt(3 / n_in), sqrt(3 / n_in))."""
    return _uniform_of_variance(rng, n_in, n_out, 1.0 / n_in)


def lecun_normal(rng: np.random.RandomState, n_in: int, n_out: int) -> np.ndarray:
    """Draw from N(0, 1 / n_in)."""
    return _normal_of_variance(rng, n_in, n_out, 1.0 / n_in)


@kernels.compiled(kernels.orthonormalize)
def orthonormalize(a: np.ndarray) -> None:
    """Turn the rows of `a` into orthonormal ones, in place.

    Each becomes a combination of itself and the rows before it, its own factor positive.

    Parameters
    ----------
    a : ndarray of shape (n_rows, width)
        Linearly independent rows; dtype float64, C-contiguous.
    """
    q, r = np.linalg.qr(a.T)
    # The QR decomposition is unique only up to signs; fixing them makes the draw uniform.
    q *= np.sign(np.diag(r))
    a[:] = q.T


def orthogonal(rng: np.random.RandomState, n_in: int, n_out: int) -> np.ndarray:
    """Draw a matrix with orthonormal rows or columns, uniform over all such matrices [4]_.

    All singular values are 1, so the product of many such matrices neither shrinks nor
    grows a gradient.
    """
    tall = rng.normal(size=(max(n_in, n_out), min(n_in, n_out)))
    rows = np.ascontiguousarray(tall.T)
    orthonormalize(rows)
    return np.ascontiguousarray(rows.T) if n_in >= n_out else rows


def identity(rng: np.random.RandomState, n_in: int, n_out: int) -> np.ndarray:
    """Return ones on the diagonal, zeros elsewhere: the IRNN's recurrent matrix [5]_."""
    return np.eye(n_in, n_out)


def uniform(rng: np.random.RandomState, n_in: int, n_out: int) -> np.ndarray:
    """Draw from U(-0.05, 0.05), whatever the fans."""
    return rng.uniform(-0.05, 0.05, size=(n_in, n_out))


def normal(rng: np.random.RandomState, n_in: int, n_out: int) -> np.ndarray:
    """Draw from N(0, 0.05 ** 2), whatever the fans."""
    return rng.normal(0.0, 0.05, size=(n_in, n_out))


def zeros(rng: np.random.RandomState, n_in: int, n_out: int) -> np.ndarray:
    """Return zeros."""
    return np.zeros((n_in, n_out))


INITIALIZERS: dict[str, Initializer] = {
    "xavier_uniform": xavier_uniform,
    "xavier_normal": xavier_normal,
    "glorot_uniform": xavier_uniform,
    "glorot_normal": xavier_normal,
    "he_uniform": he_uniform,
    "he_normal": he_normal,
    "lecun_uniform": lecun_uniform,
    "lecun_normal": lecun_normal,
    "orthogonal": orthogonal,
    "identity": identity,
    "uniform": uniform,
    "normal": normal,
    "zeros": zeros,
}
