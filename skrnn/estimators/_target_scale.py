"""Where numbers lie and how far they spread: always in double precision, whatever X is."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class TargetScale(NamedTuple):
    """How numbers are brought to the scale of the loss, and predictions back.

    Attributes
    ----------
    location, divisor : ndarray of shape (n_outputs,)
        What is subtracted from the targets, and what they are divided by.
    constant : ndarray of shape (n_outputs,)
        The value of an output that has been the same in all rows so far: it is predicted as it
        is. NaN for all others.
    weight : float or ndarray of shape (n_outputs,)
        Sum of the weights of all rows so far, as long as an output is constant; of every output
        where single targets were missing.

    Examples
    --------
    >>> import numpy as np
    >>> from skrnn.estimators._target_scale import TargetScale
    >>> y = np.array([[1.0, 7.0], [3.0, 7.0]])
    >>> scale = TargetScale.of(y, np.ones(2), "standard")
    >>> scale.apply(y)
    array([[-1.,  0.],
           [ 1.,  0.]])
    >>> scale.undo(np.array([[2.0, 0.1]]))
    array([[4., 7.]])
    """

    location: np.ndarray
    divisor: np.ndarray
    constant: np.ndarray
    weight: float | np.ndarray

    @classmethod
    def of(cls, y: np.ndarray, row_weight: np.ndarray, kind: str) -> TargetScale:
        """Learn the scale from the first targets.

        Parameters
        ----------
        y : float64 ndarray of shape (n_rows, n_outputs)
            Finite.
        row_weight : ndarray of shape (n_rows,) or (n_rows, n_outputs)
            Weights, >= 0 and not all zero; of every output where single targets are missing.
        kind : {"standard", "mean", "none"}
            Whether targets are standardised, divided by their mean, or left as they are.
        """
        if row_weight.ndim == 2:
            outputs = range(y.shape[1])
            return cls._side_by_side([cls.of(y[:, [k]], row_weight[:, k], kind) for k in outputs])
        y, row_weight = y[row_weight > 0], row_weight[row_weight > 0].astype(np.float64)
        mean, spread = mean_and_spread(y, row_weight)
        constant = np.where(y.min(axis=0) == y.max(axis=0), mean, np.nan)
        location, divisor = np.zeros_like(mean), np.ones_like(mean)
        if kind == "mean":
            divisor = np.where(mean > 0, mean, divisor)
        elif kind == "standard":
            location = mean
            # The value of a constant is a scale, too.
            size = np.where(np.isnan(constant), spread, np.abs(mean))
            divisor = np.where(size > 0, size, divisor)
        return cls(location, divisor, constant, float(row_weight.sum()))

    def with_more(self, y: np.ndarray, row_weight: np.ndarray, kind: str) -> TargetScale:
        """Return the scale after more targets: that of all rows for an output no longer constant.

        An output that has varied keeps its scale.
        """
        unknown = ~np.isnan(self.constant)
        if not unknown.any():
            return self
        # All rows so far are one row of their weight.
        so_far = np.where(unknown, self.constant, self.location)
        if row_weight.ndim == 1 and np.ndim(self.weight) == 0:
            weight = np.append(self.weight, row_weight)
        else:
            of_rows = row_weight if row_weight.ndim == 2 else row_weight[:, None]
            so_far_weight = np.broadcast_to(self.weight, y.shape[1:])
            weight = np.vstack([so_far_weight, np.broadcast_to(of_rows, y.shape)])
        new = self.of(np.vstack([so_far, y]), weight, kind)
        return TargetScale(
            np.where(unknown, new.location, self.location),
            np.where(unknown, new.divisor, self.divisor),
            np.where(unknown, new.constant, np.nan),
            new.weight,
        )

    @classmethod
    def _side_by_side(cls, scales: list[TargetScale]) -> TargetScale:
        """Return the scale of several outputs from those of each."""
        location, divisor, constant = (
            np.concatenate(parts) for parts in zip(*(scale[:3] for scale in scales), strict=True)
        )
        return cls(location, divisor, constant, np.array([scale.weight for scale in scales]))

    @property
    def factor(self) -> np.ndarray:
        """By how much a prediction changes with a raw one: 0 for a constant output."""
        return np.where(np.isnan(self.constant), self.divisor, 0.0)

    def apply(self, y: np.ndarray) -> np.ndarray:
        """Return targets on the scale of the loss."""
        with np.errstate(over="ignore"):
            return (y - self.location) / self.divisor

    def undo(self, y: np.ndarray) -> np.ndarray:
        """Return predictions on the scale of the targets."""
        with np.errstate(over="ignore", invalid="ignore"):
            y = y * self.divisor + self.location
        return np.where(np.isnan(self.constant), y, self.constant)


def mean_and_spread(y: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and standard deviation of every column, whatever its size.

    Numbers whose squares or sums leave the range of floats are counted in a unit of their own: a
    power of two, which rounds nothing.

    Parameters
    ----------
    y : float64 ndarray of shape (n_rows, n_columns)
        Finite.
    weight : float64 ndarray of shape (n_rows,)
        Weights, > 0.

    Returns
    -------
    mean, spread : ndarray of shape (n_columns,)
        The mean of equal numbers is that number, and their spread is zero.

    Examples
    --------
    >>> import numpy as np
    >>> from skrnn.estimators._target_scale import mean_and_spread
    >>> mean_and_spread(np.array([[1e200, 0.1], [3e200, 0.1]]), np.ones(2))
    (array([2.e+200, 1.e-001]), array([1.e+200, 0.e+000]))
    """
    unit = _exponent(y)
    y = np.ldexp(y, -unit)
    # Rounding could take the mean out of the interval.
    mean = np.clip(np.average(y, axis=0, weights=weight), y.min(axis=0), y.max(axis=0))
    deviation = y - mean
    finer = _exponent(deviation)
    variance = np.average(np.square(np.ldexp(deviation, -finer)), axis=0, weights=weight)
    return np.ldexp(mean, unit), np.ldexp(np.sqrt(variance), unit + finer)


def _exponent(y: np.ndarray) -> np.ndarray:
    """Return for every column the least ``e`` with ``abs(y) < 2 ** e``."""
    return np.frexp(np.abs(y).max(axis=0))[1]
