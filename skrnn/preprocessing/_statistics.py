"""Centre and spread of every channel, over the rows of a table and in one pass where possible.

A block of rows is worked on while it is in the processor's cache. Rows have few channels, and
NumPy is slow on short rows: what can be is done on many rows side by side, as one long row.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import reduce
from typing import Any, ClassVar

import numpy as np

from skrnn.sequences import has_gaps

BLOCK = 65536  # values
WIDTH = 512  # values of the rows that are put side by side


def blocks(values: np.ndarray) -> Iterator[slice]:
    """Yield slices of the rows of `values`, one for each block."""
    n_rows = max(1, BLOCK // values.shape[1])
    return (slice(start, start + n_rows) for start in range(0, len(values), n_rows))


def update_rows(ufunc: Any, values: np.ndarray, row: np.ndarray) -> None:
    """Do ``values = ufunc(values, row)`` in place; `values` are C-contiguous."""
    wide, rest = _side_by_side(values)
    ufunc(wide, np.tile(row, wide.shape[1] // len(row)), out=wide)
    ufunc(rest, row, out=rest)


def reduce_rows(ufunc: np.ufunc, values: np.ndarray) -> np.ndarray:
    """Return ``ufunc.reduce(values, axis=0)``; `values` are C-contiguous and not empty."""
    wide, rest = _side_by_side(values)
    parts = [rest]
    if len(wide):
        parts.append(ufunc.reduce(wide, axis=0).reshape(-1, values.shape[1]))
    return ufunc.reduce(np.concatenate(parts), axis=0)


def _side_by_side(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Views of `values`: many rows as one, and the rows that are left over."""
    n_rows, n_channels = values.shape
    abreast = max(1, WIDTH // n_channels)
    n_wide = n_rows - n_rows % abreast
    return values[:n_wide].reshape(-1, abreast * n_channels), values[n_wide:]


@dataclass(frozen=True)
class Moments:
    """Mean and variance of every channel.

    Attributes
    ----------
    n : int or float
        Weight of all rows.
    center, var : ndarray of shape (n_channels,)
        Mean and variance.
    """

    attributes: ClassVar[dict[str, str]] = {"mean_": "center", "var_": "var"}

    n: float
    center: np.ndarray
    var: np.ndarray

    @property
    def spread(self) -> np.ndarray:
        """Standard deviation."""
        return np.sqrt(self.var)

    @classmethod
    def of(cls, values: np.ndarray, weight: np.ndarray | None) -> Moments:
        """Return the moments of the rows of `values`."""
        # Counted from the first row, a constant channel has a variance of exactly zero, and a
        # large offset costs no digits.
        origin = values[0].astype(np.float64)
        parts = [
            cls._of_block(values[rows], None if weight is None else weight[rows], origin)
            for rows in blocks(values)
        ]
        # Merged pairwise, rounding grows with the logarithm of the number of blocks.
        while len(parts) > 1:
            parts = [reduce(cls.merge, parts[i : i + 2]) for i in range(0, len(parts), 2)]
        return cls(parts[0].n, origin + parts[0].center, parts[0].var)

    @classmethod
    def _of_block(
        cls, values: np.ndarray, weight: np.ndarray | None, origin: np.ndarray
    ) -> Moments:
        shifted = values.astype(np.float64)
        update_rows(np.subtract, shifted, origin)
        n = len(shifted) if weight is None else weight.sum()
        if n == 0:
            return cls(n, np.zeros_like(origin), np.zeros_like(origin))
        mean = _weighted_sum(shifted, weight) / n
        update_rows(np.subtract, shifted, mean)
        return cls(n, mean, _weighted_sum(np.square(shifted, out=shifted), weight) / n)

    def merge(self, other: Moments) -> Moments:
        """Return the moments of the rows of both."""
        if 0 in (self.n, other.n):
            return self if self.n else other
        n = self.n + other.n
        delta = other.center - self.center
        var = self.n * self.var + other.n * other.var + delta**2 * (self.n * other.n / n)
        return Moments(n, self.center + delta * (other.n / n), var / n)


def _weighted_sum(values: np.ndarray, weight: np.ndarray | None) -> np.ndarray:
    # No product of matrices: BLAS may sum in another order with another number of threads.
    return reduce_rows(np.add, values) if weight is None else np.einsum("i,ij->j", weight, values)


@dataclass(frozen=True)
class Range:
    """Smallest and largest value of every channel.

    Attributes
    ----------
    n : int or float
        Weight of all rows.
    center, max : ndarray of shape (n_channels,)
        The smallest value, which is where the range begins, and the largest one.
    """

    attributes: ClassVar[dict[str, str]] = {"data_min_": "center", "data_max_": "max"}

    n: float
    center: np.ndarray
    max: np.ndarray

    @property
    def spread(self) -> np.ndarray:
        """Width of the range."""
        return self.max - self.center

    @classmethod
    def of(cls, values: np.ndarray, weight: np.ndarray | None) -> Range:
        """Return the range of the rows of `values` that have a weight."""
        values, n = _rows_with_weight(values, weight)
        parts = [values[rows] for rows in blocks(values)]
        low, high = (
            reduce(ufunc, (reduce_rows(ufunc, part) for part in parts)).astype(np.float64)
            for ufunc in (np.minimum, np.maximum)
        )
        return cls(n, low, high)

    def merge(self, other: Range) -> Range:
        """Return the range of the rows of both."""
        if 0 in (self.n, other.n):
            return self if self.n else other
        low, high = np.minimum(self.center, other.center), np.maximum(self.max, other.max)
        return Range(self.n + other.n, low, high)


@dataclass(frozen=True)
class Quartiles:
    """Median of every channel and the quartiles around it.

    Attributes
    ----------
    n : int or float
        Weight of all rows.
    lower, center, upper : ndarray of shape (n_channels,)
        The quartiles.
    """

    attributes: ClassVar[dict[str, str]] = {}

    n: float
    lower: np.ndarray
    center: np.ndarray
    upper: np.ndarray

    @property
    def spread(self) -> np.ndarray:
        """Distance between the quartiles."""
        return self.upper - self.lower

    @classmethod
    def of(cls, values: np.ndarray, weight: np.ndarray | None) -> Quartiles:
        """Return the quartiles of the rows of `values`."""
        values, n = _rows_with_weight(values, weight)
        if weight is not None:
            weight = weight[weight > 0]
        columns = [_quartiles(column.astype(np.float64), weight) for column in values.T]
        return cls(n, *np.array(columns).T)


def _rows_with_weight(
    values: np.ndarray, weight: np.ndarray | None
) -> tuple[np.ndarray, float | int]:
    if weight is None:
        return values, len(values)
    return (values if weight.all() else values[weight > 0]), weight.sum()


def _quartiles(x: np.ndarray, weight: np.ndarray | None) -> np.ndarray:
    """Quantiles 1/4, 2/4 and 3/4; where the weighted distribution is flat, its middle."""
    if weight is None:
        return np.percentile(x, [25, 50, 75], method="averaged_inverted_cdf")
    order = np.argsort(x)
    x, cumulative = x[order], np.cumsum(weight[order])
    level = cumulative[-1] * np.array([0.25, 0.5, 0.75])
    at, beyond = (np.searchsorted(cumulative, level, side=side) for side in ("left", "right"))
    return (x[at] + x[beyond]) / 2


def statistics_of(kind: Any, values: np.ndarray, weight: np.ndarray | None) -> Any:
    """Return the statistics of the values that are not missing, channel by channel if some are.

    Parameters
    ----------
    kind : class
        One of `STATISTICS`.
    values : ndarray of shape (n_rows, n_channels)
        NaN where missing.
    weight : ndarray of shape (n_rows,) or None
        Weights of the rows.

    Returns
    -------
    object of that class
        With gaps `n` is an array, one number for every channel; all numbers of a channel without
        any value are zero.
    """
    if not has_gaps(values):
        return kind.of(values, weight)
    channels = [_of_channel(kind, column, weight) for column in values.T]
    parts = [[getattr(one, field.name) for one in channels] for field in fields(kind)]
    return kind(np.array(parts[0]), *(np.concatenate(part) for part in parts[1:]))


def _of_channel(kind: Any, column: np.ndarray, weight: np.ndarray | None) -> Any:
    """Return the statistics of one channel, of zeros if it has no value."""
    there = ~np.isnan(column)
    if weight is not None:
        there &= weight > 0
        weight = weight[there]
    if not there.any():
        return kind(0, *(np.zeros(1) for _ in fields(kind)[1:]))
    return kind.of(np.ascontiguousarray(column[there][:, np.newaxis]), weight)


def merged(seen: Any, new: Any) -> Any:
    """Return the statistics of what was seen and of new rows, either of which may have gaps."""
    if not (np.ndim(seen.n) or np.ndim(new.n)):
        return seen.merge(new)
    n_channels = len(seen.center)
    channels = [_channel(seen, j).merge(_channel(new, j)) for j in range(n_channels)]
    parts = [[getattr(one, field.name) for one in channels] for field in fields(seen)]
    return type(seen)(np.array(parts[0]), *(np.concatenate(part) for part in parts[1:]))


def _channel(statistics: Any, j: int) -> Any:
    """Return the statistics of one channel alone."""
    n, *others = (getattr(statistics, field.name) for field in fields(statistics))
    return type(statistics)(n[j] if np.ndim(n) else n, *(one[j : j + 1] for one in others))


STATISTICS: dict[str, Any] = {"standard": Moments, "minmax": Range, "robust": Quartiles}
