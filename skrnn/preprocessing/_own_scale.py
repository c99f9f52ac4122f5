"""Centre and spread of every sequence by itself, over its own time steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from skrnn.sequences import Sequences, in_form_of
from skrnn.sequences._scaled import note_channels

BLOCK = 2**20  # values


@dataclass(frozen=True, eq=False)
class OwnScale:
    """Centre and spread of every channel of every sequence.

    Attributes
    ----------
    center, spread : float64 ndarray of shape (n_samples, n_channels)
        Of the values that are there; `spread` is 0 for a channel that is constant up to rounding,
        and both are 0 for one without any value. 0 and 1 for a channel that passes as it is.

    Examples
    --------
    >>> import numpy as np
    >>> from skrnn.preprocessing._own_scale import OwnScale
    >>> from skrnn.sequences import as_sequences
    >>> own = OwnScale.of(as_sequences([[[1.0], [3.0]], [[700.0], [700.0], [700.0]]]), "standard")
    >>> own.center.ravel(), own.spread.ravel()
    (array([  2., 700.]), array([1., 0.]))
    """

    center: np.ndarray
    spread: np.ndarray

    @classmethod
    def of(cls, sequences: Sequences, method: str, channels: np.ndarray | None = None) -> OwnScale:
        """Compute them.

        Parameters
        ----------
        sequences : Sequences
            The sequences.
        method : {"standard", "minmax", "robust", "mean"}
            The statistics, as those of `SequenceScaler`; with "mean" the center is 0 and the
            spread the mean of the absolute values.
        channels : ndarray of bool of shape (n_channels,), default=None
            Those to be scaled. None for all.

        Raises
        ------
        ValueError
            If a spread overflows.
        """
        center = np.zeros((sequences.n_samples, sequences.n_channels))
        spread = np.ones_like(center)
        chosen = np.arange(sequences.n_channels) if channels is None else np.flatnonzero(channels)
        with np.errstate(over="ignore", invalid="ignore"):
            for samples, values, lengths in _blocks(sequences):
                found = OWN_STATISTICS[method](values[:, chosen], lengths)
                center[samples, chosen], spread[samples, chosen] = found
        if not (np.isfinite(center).all() and np.isfinite(spread).all()):
            raise ValueError(
                "The spread of a sequence overflows: its numbers are too large for float64 "
                "statistics. Divide X by a constant first."
            )
        spread[spread <= 10 * np.finfo(np.float64).eps * np.abs(center)] = 0.0
        return cls(center, spread)

    def scaled(self, X: Any, sequences: Sequences) -> Any:
        """Return ``(x - center) / spread`` in the form of `X`, with 1 in place of a spread of 0.

        Parameters
        ----------
        X : array-like, DataFrame, list, tuple or Windows
            What `sequences` were read from.
        sequences : Sequences
            As in `of`.
        """
        divisor = np.where(self.spread > 0, self.spread, 1.0)
        scaled = np.empty((sequences.n_steps, sequences.n_channels), sequences.dtype)
        row = 0
        for samples, values, lengths in _blocks(sequences):
            values -= np.repeat(self.center[samples], lengths, axis=0)
            values /= np.repeat(divisor[samples], lengths, axis=0)
            scaled[row : row + len(values)] = values
            row += len(values)
        result = in_form_of(X, sequences, scaled)
        return note_channels(result, sequences.n_channels) if sequences.kind == "2d" else result


def _blocks(sequences: Sequences) -> Iterator[tuple[slice, np.ndarray, np.ndarray]]:
    """Yield so many sequences at a time: which ones, a copy of their time steps, their lengths."""
    per_block = max(1, BLOCK // (int(sequences.lengths.max()) * sequences.n_channels))
    for start in range(0, sequences.n_samples, per_block):
        samples = slice(start, start + per_block)
        some = sequences.take(np.arange(sequences.n_samples)[samples])
        yield samples, some.values.astype(np.float64), some.lengths


def _moments(values: np.ndarray, lengths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation, counted from the smallest value: no digits cancel."""
    starts, n = _starts(lengths), _counts(values, lengths)
    origin = np.fmin.reduceat(values, starts, axis=0)
    shifted = values - np.repeat(origin, lengths, axis=0)
    mean = _sums(shifted, starts) / n
    shifted -= np.repeat(mean, lengths, axis=0)
    variance = _sums(np.square(shifted, out=shifted), starts) / n
    return _or_zero(origin + mean, origin), _or_zero(np.sqrt(variance), origin)


def _range(values: np.ndarray, lengths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Smallest value, and distance to the largest one."""
    low, high = (ufunc.reduceat(values, _starts(lengths), axis=0) for ufunc in (np.fmin, np.fmax))
    return _or_zero(low, low), _or_zero(high - low, low)


def _quartiles(values: np.ndarray, lengths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Median, and distance between the quartiles; where the distribution is flat, its middle."""
    sample = np.repeat(np.arange(len(lengths)), lengths)
    # Missing values are sorted behind all others.
    ordered = [column[np.lexsort((column, sample))] for column in values.T]
    n = _counts(values, lengths)
    level = n[..., np.newaxis] * np.array([0.25, 0.5, 0.75])
    below, above = (np.ceil(level) - 1).astype(np.intp), np.floor(level).astype(np.intp)
    first = _starts(lengths)[:, np.newaxis]
    found = [
        (x[first + below[:, channel]] + x[first + above[:, channel]]) / 2
        for channel, x in enumerate(ordered)
    ]
    lower, center, upper = np.moveaxis(np.array(found), 2, 0).swapaxes(1, 2)
    return _or_zero(center, center), _or_zero(upper - lower, center)


def _mean_size(values: np.ndarray, lengths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Zero, and the mean of the absolute values."""
    starts = _starts(lengths)
    size = _sums(np.abs(values), starts) / _counts(values, lengths)
    return np.zeros_like(size), size


def _starts(lengths: np.ndarray) -> np.ndarray:
    return np.cumsum(lengths) - lengths


def _counts(values: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """How many values are there, at least 1 so that it can divide."""
    present = (~np.isnan(values)).astype(np.intp)
    return np.add.reduceat(present, _starts(lengths), axis=0).clip(min=1)


def _sums(values: np.ndarray, starts: np.ndarray) -> np.ndarray:
    return np.add.reduceat(np.where(np.isnan(values), 0.0, values), starts, axis=0)


def _or_zero(statistic: np.ndarray, observed: np.ndarray) -> np.ndarray:
    """A statistic, and 0 where nothing is observed."""
    return np.where(np.isnan(observed), 0.0, statistic)


# (values of shape (n_steps, n_channels), lengths) -> centre and spread, (n_samples, n_channels)
OWN_STATISTICS: dict[str, Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]] = {
    "standard": _moments,
    "minmax": _range,
    "robust": _quartiles,
    "mean": _mean_size,
}
