"""Missing values inside sequences: what stands before and after them, and for how long."""

from __future__ import annotations

import numpy as np

from skrnn.sequences._checks import all_finite


def has_gaps(values: np.ndarray) -> bool:
    """Whether a value is missing: NaN."""
    return not all_finite(values) and bool(np.isnan(values).any())


def carried_on(values: np.ndarray, starts: np.ndarray, fill: np.ndarray) -> np.ndarray:
    """Return values with the last one of its channel and sequence in place of each missing one.

    Parameters
    ----------
    values : ndarray of shape (n_steps, n_channels)
        Time steps, sample after sample; NaN where missing.
    starts : ndarray of shape (n_samples,)
        Index of every sample's first step.
    fill : ndarray of shape (n_channels,)
        What stands before the first value of a channel.

    Returns
    -------
    ndarray of shape (n_steps, n_channels)
        Of the same dtype. No value depends on a later one.

    Examples
    --------
    >>> import numpy as np
    >>> from skrnn.sequences import carried_on
    >>> values = np.array([[np.nan], [1.0], [np.nan], [np.nan]])
    >>> carried_on(values, np.array([0, 3]), np.array([9.0])).ravel()
    array([9., 1., 1., 9.])
    """
    source = last_observed(values, starts)
    known = source >= 0
    before = np.take_along_axis(values, source.clip(min=0), axis=0)
    return np.where(known, before, fill.astype(values.dtype))


def last_observed(values: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Return for every place the last step up to it that is not missing, -1 for none.

    Parameters
    ----------
    values, starts : ndarray
        As in `carried_on`.

    Returns
    -------
    ndarray of shape (n_steps, n_channels), dtype intp
        Indices among all steps, of steps of the same sample.
    """
    steps = np.arange(len(values))[:, np.newaxis]
    last = np.maximum.accumulate(np.where(np.isnan(values), -1, steps), axis=0)
    return np.where(last >= _first_of_sample(starts, len(values))[:, np.newaxis], last, -1)


def interpolated(values: np.ndarray, starts: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Return values with missing ones on the line between their neighbours in time.

    Before the first value of a channel of a sequence, and after the last one, that one stands; a
    channel without any value stays missing.

    Parameters
    ----------
    values, starts : ndarray
        As in `carried_on`.
    times : ndarray of shape (n_steps,)
        When the steps are; growing within every sample.
    """
    result = values.copy()
    stops = np.append(starts[1:], len(values))
    for j in range(values.shape[1]):
        missing = np.isnan(values[:, j])
        counts = np.add.reduceat(missing, starts)
        for i in np.flatnonzero((counts > 0) & (counts < stops - starts)):
            steps = slice(starts[i], stops[i])
            gap = missing[steps]
            known = values[steps, j][~gap].astype(np.float64)
            result[steps, j][gap] = np.interp(times[steps][gap], times[steps][~gap], known)
    return result


def elapsed_since(values: np.ndarray, starts: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Return the time since the last value of every channel, ndarray of shape of `values`.

    Zero where there is a value. Before the first one of a channel, time is counted from the first
    step of the sequence.

    Parameters
    ----------
    values, starts, times : ndarray
        As in `interpolated`.
    """
    source = last_observed(values, starts)
    first = _first_of_sample(starts, len(values))[:, np.newaxis]
    return times[:, np.newaxis] - times[np.where(source >= 0, source, first)]


def _first_of_sample(starts: np.ndarray, n_steps: int) -> np.ndarray:
    """Return for every step the first one of its sample."""
    lengths = np.diff(np.append(starts, n_steps))
    return np.repeat(starts, lengths)
