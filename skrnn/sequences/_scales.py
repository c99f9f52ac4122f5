"""Whether two sets of sequences are on one scale."""

from __future__ import annotations

from typing import Any

import numpy as np

from skrnn.sequences._gaps import has_gaps
from skrnn.sequences._sequences import Sequences

# Fewer time steps say little of a channel's mean and spread.
FEW_STEPS = 10
# Data of one origin stay below both by far; what a scaler has been through and what it has not
# seldom do.
OTHER_MEAN, OTHER_SPREAD = 10, 20


# Mean and standard deviation of every feature.
Moments = tuple[np.ndarray, np.ndarray]


def other_scale(given: Sequences, expected: Sequences) -> str | None:
    """Say how a channel or static feature of one set is on another scale than in the other set.

    One is, if its means differ by more than 10 of the smaller standard deviation and more
    than the larger one, or if one standard deviation is more than 20 times the other.

    Parameters
    ----------
    given, expected : Sequences
        With the same channels and static features.

    Returns
    -------
    str or None
        The first one, with the numbers; None if there is none, or too few steps to say. Static
        features within [-1, 1] in both sets are marks, and are not compared.

    Examples
    --------
    >>> import numpy as np
    >>> from skrnn.sequences import as_sequences, other_scale
    >>> X = np.random.RandomState(0).normal(size=(20, 5, 1))
    >>> other_scale(as_sequences(300 * X + 1000), as_sequences(X))
    'channel 0 has mean 1.02e+03 and standard deviation 302, not 0.0598 and 1.01'
    """
    found = None
    if min(len(given.table), len(expected.table)) >= FEW_STEPS:
        names: list[Any] = given.channels or list(range(given.n_channels))
        found = _first_other(_moments(given), _moments(expected), names, "channel")
    one, other = given.static, expected.static
    if found is not None or one is None or other is None or min(len(one), len(other)) < FEW_STEPS:
        return found
    # Marks of a category may be rare in one of the sets, and are on no scale.
    measured = np.flatnonzero(np.maximum(_reach(one), _reach(other)) > 1)
    labels: list[Any] = given.static_names or list(range(given.n_static))
    moments = _of_table(one[:, measured]), _of_table(other[:, measured])
    return _first_other(*moments, [labels[j] for j in measured], "static feature")


def _reach(static: np.ndarray) -> np.ndarray:
    reach: np.ndarray = np.abs(static).max(axis=0)
    return reach


def _first_other(found: Moments, usual: Moments, names: list[Any], what: str) -> str | None:
    """Say which feature is the first on another scale, with the numbers; None if none is."""
    (mean, spread), (usual_mean, usual_spread) = found, usual
    less, more = np.minimum(spread, usual_spread), np.maximum(spread, usual_spread)
    apart = np.abs(mean - usual_mean)
    # What is constant in one of the sets has no spread to compare.
    other = (less > 0) & (
        ((apart > OTHER_MEAN * less) & (apart > more)) | (more > OTHER_SPREAD * less)
    )
    if not other.any():
        return None
    i = int(other.argmax())
    name = repr(names[i]) if isinstance(names[i], str) else names[i]
    return (
        f"{what} {name} has mean {mean[i]:.3g} and standard deviation {spread[i]:.3g}, not "
        f"{usual_mean[i]:.3g} and {usual_spread[i]:.3g}"
    )


def _moments(sequences: Sequences) -> Moments:
    """Mean and standard deviation of every channel, NaN for one without any value."""
    if has_gaps(sequences.table):
        columns = [column[~np.isnan(column)][:, np.newaxis] for column in sequences.table.T]
        parts = [_of_table(column) for column in columns]
        return np.concatenate([part[0] for part in parts]), np.concatenate([p[1] for p in parts])
    return _of_table(sequences.table)


def _of_table(table: np.ndarray) -> Moments:
    if len(table) == 0:
        return np.array([np.nan]), np.array([np.nan])
    with np.errstate(over="ignore", invalid="ignore"):
        mean = table.mean(axis=0, dtype=np.float64)
        return mean, table.std(axis=0, dtype=np.float64)
