"""State non-linearities and their derivatives.

A derivative is a function of the activation's *output*: training keeps the states ``h``
anyway, so the pre-activations need no memory.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.special import expit


class Activation(NamedTuple):
    """A non-linearity of the recurrent state.

    Attributes
    ----------
    name : str
        Canonical name: what a compiled kernel looks at to find its own twin.
    function : callable
        ``function(a)`` gives ``h``, of the shape and dtype of ``a``. Not in place.
    derivative : callable
        ``derivative(h)`` gives ``dh/da`` at the point where the output is ``h``.
    """

    name: str
    function: Callable[[np.ndarray], np.ndarray]
    derivative: Callable[[np.ndarray], np.ndarray]


# Named functions throughout: a lambda could not be pickled with a fitted network.
def _tanh_derivative(h: np.ndarray) -> np.ndarray:
    return 1 - h * h


def _logistic_derivative(h: np.ndarray) -> np.ndarray:
    return h * (1 - h)


def _relu(a: np.ndarray) -> np.ndarray:
    return np.maximum(a, 0)


def _relu_derivative(h: np.ndarray) -> np.ndarray:
    return (h > 0).astype(h.dtype)


def _leaky_relu(a: np.ndarray) -> np.ndarray:
    return np.where(a > 0, a, a.dtype.type(0.01) * a)


def _leaky_relu_derivative(h: np.ndarray) -> np.ndarray:
    return np.where(h > 0, h.dtype.type(1), h.dtype.type(0.01))


def _elu(a: np.ndarray) -> np.ndarray:
    return np.where(a > 0, a, np.expm1(np.minimum(a, 0)))


def _elu_derivative(h: np.ndarray) -> np.ndarray:
    return np.where(h > 0, h.dtype.type(1), h + 1)


def _softsign(a: np.ndarray) -> np.ndarray:
    return a / (1 + np.abs(a))


def _softsign_derivative(h: np.ndarray) -> np.ndarray:
    return (1 - np.abs(h)) ** 2


TANH = Activation("tanh", np.tanh, _tanh_derivative)
RELU = Activation("relu", _relu, _relu_derivative)
LOGISTIC = Activation("logistic", expit, _logistic_derivative)
IDENTITY = Activation("identity", np.copy, np.ones_like)

ACTIVATIONS = {
    "tanh": TANH,
    "relu": RELU,
    "logistic": LOGISTIC,
    "sigmoid": LOGISTIC,
    "identity": IDENTITY,
    "leaky_relu": Activation("leaky_relu", _leaky_relu, _leaky_relu_derivative),
    "elu": Activation("elu", _elu, _elu_derivative),
    "softsign": Activation("softsign", _softsign, _softsign_derivative),
}
