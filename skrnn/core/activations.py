"""State non-linearities and their derivatives.

A derivative is a function of the activation's *output*: training keeps the states ``h``
anyway, so the pre-activations need no memory.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.special import expit

__all__ = ["ACTIVATIONS", "IDENTITY", "LOGISTIC", "RELU", "TANH", "Activation"]


class Activation(NamedTuple):
    """A non-linearity of the recurrent state.

    Attributes
    ----------
    name : str
        For the reader.
    function : callable
        ``function(a)`` gives ``h``, of the shape and dtype of ``a``. Not in place.
    derivative : callable
        ``derivative(h)`` gives ``dh/da`` at the point where the output is ``h``, of the shape
        and dtype of ``h``.
    steepest : float or None, default=None
        Largest slope of an activation that goes flat on both sides; None for one that does not.
        Inspection calls a unit saturated where its slope is a small share of this one.

    Examples
    --------
    A tanh that is scaled as LeCun, Bottou, Orr & Müller (1998) advise:

    >>> import numpy as np
    >>> from skrnn.core.activations import Activation
    >>> def scaled_tanh(a):
    ...     return 1.7159 * np.tanh(2 * a / 3)
    >>> def scaled_tanh_derivative(h):
    ...     return 1.7159 * 2 / 3 * (1 - (h / 1.7159) ** 2)
    >>> scaled = Activation("scaled_tanh", scaled_tanh, scaled_tanh_derivative, steepest=1.1439)
    >>> h = scaled.function(np.array([0.0, 1.0]))
    >>> scaled.derivative(h).round(3)
    array([1.144, 0.755])
    """

    name: str
    function: Callable[[np.ndarray], np.ndarray]
    derivative: Callable[[np.ndarray], np.ndarray]
    steepest: float | None = None


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


TANH = Activation("tanh", np.tanh, _tanh_derivative, steepest=1.0)
RELU = Activation("relu", _relu, _relu_derivative)
LOGISTIC = Activation("logistic", expit, _logistic_derivative, steepest=0.25)
IDENTITY = Activation("identity", np.copy, np.ones_like)

ACTIVATIONS: dict[str, Activation] = {
    "tanh": TANH,
    "relu": RELU,
    "logistic": LOGISTIC,
    "sigmoid": LOGISTIC,
    "identity": IDENTITY,
    "leaky_relu": Activation("leaky_relu", _leaky_relu, _leaky_relu_derivative),
    "elu": Activation("elu", _elu, _elu_derivative),
    "softsign": Activation("softsign", _softsign, _softsign_derivative, steepest=1.0),
}
