"""The pinball loss, of one quantile or of several that never cross."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any, cast

import numpy as np
from scipy.special import ndtri

from skrnn.core.losses._base import BaseLoss, Link, mean_over_outputs
from skrnn.core.losses._positive import positive, positive_inverse, positive_slope
from skrnn.core.losses._several import by_target, mean_over_targets

# Widths between neighbouring quantiles, in those of a normal distribution: a start is not below.
LEAST_WIDTH = 1e-3
# Levels that differ by less are the same one, written or computed in another way.
SAME_LEVEL = 1e-9


def as_levels(quantile: Any) -> tuple[float, ...]:
    """Return several levels as a tuple of floats, in the order given.

    Parameters
    ----------
    quantile : array-like of float
        Levels, each in (0, 1), all different.

    Raises
    ------
    TypeError
        If one is no number.
    ValueError
        If there is none, one lies outside (0, 1), or two are equal.

    Examples
    --------
    >>> from skrnn.core.losses import as_levels
    >>> as_levels([0.5, 0.05, 0.95])
    (0.5, 0.05, 0.95)
    """
    given = quantile.tolist() if isinstance(quantile, np.ndarray) else list(quantile)
    for level in given:
        if isinstance(level, bool | np.bool_) or not isinstance(level, Real):
            raise TypeError(
                f"quantile must be a number in (0, 1), or a list of such numbers; got {level!r} in "
                f"{given}."
            )
    levels = tuple(float(level) for level in given)
    if not levels or not all(0 < level < 1 for level in levels):
        raise ValueError(
            f"quantile must hold one level or more, each in (0, 1) without the ends; got {given}."
        )
    if len(levels) > 1 and np.diff(np.sort(levels)).min() < SAME_LEVEL:
        raise ValueError(f"quantile must hold every level once; got {given}.")
    return levels


@dataclass(frozen=True)
class NonCrossing:
    r"""Raw numbers to quantiles that cannot cross.

    The first raw number of a target is its quantile :math:`q_a`, that of the level nearest to the
    median. The others are the widths between neighbours, made positive:

    .. math:: q_k = q_{k-1} + gap_k \, softplus(raw_k), \qquad
              gap_k = \Phi^{-1}(level_k) - \Phi^{-1}(level_{k-1})

    and so downwards from :math:`q_a`. The softplus is shifted to be 1 at zero, so that raw numbers
    of zero make the quantiles of a standard normal distribution.

    Parameters
    ----------
    levels : tuple of float
        As `as_levels` returns them.

    Examples
    --------
    >>> import numpy as np
    >>> from skrnn.core.losses._quantile import NonCrossing
    >>> NonCrossing((0.9, 0.5, 0.1))(np.zeros((1, 3))).round(2) + 0.0
    array([[ 1.28,  0.  , -1.28]])
    """

    levels: tuple[float, ...]

    @property
    def order(self) -> np.ndarray:
        """Indices of the levels, lowest first."""
        return np.argsort(self.levels)

    @property
    def anchor(self) -> int:
        """Place of the level nearest to the median among the sorted ones."""
        return int(np.argmin(np.abs(np.sort(self.levels) - 0.5)))

    @property
    def gaps(self) -> np.ndarray:
        """Widths between neighbours in a standard normal distribution."""
        return np.diff(ndtri(np.sort(self.levels)))

    def __call__(self, raw_prediction: np.ndarray) -> np.ndarray:
        """Return the quantiles, in the order of the levels and the shape of the raw prediction."""
        quantiles = self.sorted(by_target(raw_prediction, len(self.levels)))
        given = np.empty_like(quantiles)
        given[..., self.order] = quantiles
        return given.reshape(raw_prediction.shape)

    def sorted(self, raw: np.ndarray) -> np.ndarray:
        """Return the quantiles of raw numbers of shape (..., n_levels), lowest first."""
        a, quantiles = self.anchor, np.empty_like(raw)
        widths = self.gaps.astype(raw.dtype) * positive(raw[..., 1:])
        # One after the other: rounding cannot take a quantile past its neighbour.
        up = np.concatenate([raw[..., :1], widths[..., a:]], axis=-1)
        down = np.concatenate([raw[..., :1], widths[..., :a][..., ::-1]], axis=-1)
        quantiles[..., a:] = np.add.accumulate(up, axis=-1)
        quantiles[..., : a + 1] = np.subtract.accumulate(down, axis=-1)[..., ::-1]
        return quantiles

    def backward(self, d_quantiles: np.ndarray, raw: np.ndarray) -> np.ndarray:
        """Return the gradient by the raw numbers from that by the sorted quantiles."""
        a, d_raw = self.anchor, np.empty_like(raw)
        d_raw[..., 0] = d_quantiles.sum(axis=-1)
        # A width moves all quantiles on its side of the anchor that lie beyond it.
        above = np.add.accumulate(d_quantiles[..., :a:-1], axis=-1)[..., ::-1]
        d_raw[..., 1 + a :] = above
        d_raw[..., 1 : 1 + a] = -np.add.accumulate(d_quantiles[..., :a], axis=-1)
        d_raw[..., 1:] *= self.gaps.astype(raw.dtype) * positive_slope(raw[..., 1:])
        return d_raw

    def inverse(self, quantiles: np.ndarray) -> np.ndarray:
        """Return the raw numbers of sorted quantiles; equal ones are taken apart a little."""
        widths = np.diff(quantiles, axis=-1) / self.gaps
        others = positive_inverse(np.maximum(widths, LEAST_WIDTH))
        a = self.anchor
        return np.concatenate([quantiles[..., a : a + 1], others], axis=-1)


@dataclass(frozen=True)
class Quantile(BaseLoss):
    r"""Pinball loss (Koenker & Bassett, 1978): fits the given quantile of the target, or several.

    .. math:: l = \max(q \, (y - raw), (q - 1)(y - raw))

    Of several levels it is the mean of their losses, with the quantiles that `NonCrossing` makes of
    the raw numbers in place of `raw`: they are predicted side by side and never cross.

    Parameters
    ----------
    quantile : float or sequence of float, default=0.5
        Level, or several different ones, each in (0, 1).
    """

    quantile: float | Sequence[float] = 0.5

    def __post_init__(self) -> None:
        if np.ndim(self.quantile) == 0:
            return
        levels = as_levels(self.quantile)
        link = Link("non_crossing", NonCrossing(levels), additive=True)
        values = {"quantile": levels, "levels": levels, "n_raw": len(levels), "link": link}
        for name, value in values.items():
            object.__setattr__(self, name, value)  # a frozen dataclass sets its fields so, too

    def __call__(
        self, raw_prediction: np.ndarray, y: np.ndarray, sample_weight: np.ndarray
    ) -> tuple[float, np.ndarray]:
        if self.levels is not None:
            return self._of_several(raw_prediction, y, sample_weight)
        losses, d_raw = pinball_losses(raw_prediction, y, cast(float, self.quantile))
        return mean_over_outputs(losses, d_raw, sample_weight)

    def _of_several(
        self, raw_prediction: np.ndarray, y: np.ndarray, sample_weight: np.ndarray
    ) -> tuple[float, np.ndarray]:
        raw, link = by_target(raw_prediction, self.n_raw), self._non_crossing
        levels = np.sort(link.levels).astype(raw.dtype)
        losses, d_quantiles = pinball_losses(link.sorted(raw), y[:, :, None], levels)
        d_raw = link.backward(d_quantiles, raw) / raw.dtype.type(self.n_raw)
        return mean_over_targets(losses.mean(axis=2), d_raw, sample_weight)

    @property
    def _non_crossing(self) -> NonCrossing:
        assert self.levels is not None
        return NonCrossing(self.levels)

    def predicted(self, parameters: np.ndarray) -> np.ndarray:
        """Return what `predict` does: all of several quantiles, in the order of the levels."""
        return parameters if self.levels is not None else parameters[..., 0]

    def quantiles(self, parameters: np.ndarray, levels: Sequence[float]) -> np.ndarray:
        """Return those of the quantiles that have these levels, as `DistributionLoss` does.

        Raises
        ------
        ValueError
            If the loss is of other levels: there is nothing to tell them from.
        """
        fitted = np.atleast_1d(self.quantile)
        columns = []
        for level in levels:
            column = int(np.argmin(np.abs(fitted - level)))
            if abs(fitted[column] - level) > SAME_LEVEL:
                raise ValueError(
                    f"The network was fitted for the quantiles {fitted.tolist()} and knows no "
                    f"other one, such as {level:g}. Fit it with quantile=[...] that holds all "
                    "levels you need, or with loss='gaussian' or 'negative_binomial', which have "
                    "quantiles of any level."
                )
            columns.append(column)
        return parameters[..., columns]

    def constant(self, y: np.ndarray, sample_weight: np.ndarray) -> np.ndarray | None:
        """Return the raw numbers of the quantiles of `y`; None for a single level."""
        if self.levels is None:
            return None
        quantiles = weighted_quantiles(y, sample_weight, np.sort(self.levels))
        return self._non_crossing.inverse(quantiles).ravel()


def pinball_losses(
    quantile: np.ndarray, y: np.ndarray, level: float | np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the pinball loss of every prediction and its derivative, 0 at the target."""
    error, q = y - quantile, level
    losses = np.maximum(q * error, (q - 1) * error)
    d_quantile = np.where(error > 0, -q, np.where(error < 0, 1 - q, 0)).astype(error.dtype)
    return losses, d_quantile


def weighted_quantiles(y: np.ndarray, weight: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Return the smallest numbers up to which a share of the weight lies, at least `levels` of it.

    Parameters
    ----------
    y : ndarray of shape (n_rows, n_outputs)
        Numbers.
    weight : ndarray of shape (n_rows,) or (n_rows, n_outputs)
        Weights, >= 0; of every output not all zero.
    levels : ndarray of shape (n_levels,)
        In (0, 1).

    Returns
    -------
    float64 ndarray of shape (n_outputs, n_levels)

    Examples
    --------
    >>> import numpy as np
    >>> from skrnn.core.losses._quantile import weighted_quantiles
    >>> weighted_quantiles(np.array([[3.0], [1.0], [2.0]]), np.array([1, 1, 2]), np.array([0.5]))
    array([[2.]])
    """
    weight = np.broadcast_to(weight if weight.ndim == 2 else weight[:, None], y.shape)
    found = np.empty((y.shape[1], len(levels)))
    for output, column in enumerate(y.T):
        weighted = weight[:, output] > 0
        column, of_column = column[weighted], weight[weighted, output].astype(np.float64)
        order = np.argsort(column, kind="stable")
        share = np.cumsum(of_column[order])
        rows = np.searchsorted(share, levels * share[-1])
        found[output] = column[order][np.minimum(rows, len(order) - 1)]
    return found
