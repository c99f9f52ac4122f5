"""Positive numbers of any raw number: the softplus that is 1 at zero, its slope and its inverse."""

from __future__ import annotations

import numpy as np
from scipy.special import expit

# softplus(SHIFT) = 1
SHIFT = float(np.log(np.expm1(1.0)))


def positive(raw: np.ndarray) -> np.ndarray:
    r"""Return :math:`\log(1 + e^{raw + SHIFT})`, which is 1 at zero and grows like `raw`."""
    return np.logaddexp(raw + raw.dtype.type(SHIFT), raw.dtype.type(0))


def positive_slope(raw: np.ndarray) -> np.ndarray:
    """Return the derivative of `positive`."""
    return expit(raw + raw.dtype.type(SHIFT))


def positive_inverse(value: np.ndarray) -> np.ndarray:
    """Return the raw number of which `positive` makes `value`, > 0."""
    return value + np.log(-np.expm1(-value)) - SHIFT
