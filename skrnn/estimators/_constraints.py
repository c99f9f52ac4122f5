"""Constraints of parameters beyond those that scikit-learn has."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils import _param_validation

from skrnn.core.losses import CLASSIFICATION_LOSSES


class Interval(_param_validation.Interval):
    """An interval of numbers: True and False are none, though Python counts with them.

    Parameters
    ----------
    type, left, right, closed
        As scikit-learn's.

    Examples
    --------
    >>> from numbers import Integral
    >>> from skrnn.estimators._constraints import Interval
    >>> positive = Interval(Integral, 1, None, closed="left")
    >>> positive.is_satisfied_by(1), positive.is_satisfied_by(True)
    (True, False)
    """

    def is_satisfied_by(self, val: Any) -> bool:
        return not isinstance(val, bool | np.bool_) and super().is_satisfied_by(val)


def is_of_classes(loss: Any) -> bool:
    """Tell whether a loss is one of classes, which takes codes of classes and not numbers."""
    return isinstance(loss, tuple(CLASSIFICATION_LOSSES.values()))
