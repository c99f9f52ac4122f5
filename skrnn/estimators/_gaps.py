"""The parameter `missing_values`: what a network makes of missing values, and what before it."""

from __future__ import annotations

from dataclasses import replace
from numbers import Integral
from typing import Any

import numpy as np

from skrnn.core.architecture import Architecture
from skrnn.core.decay import Decay
from skrnn.core.embedding import Embedding
from skrnn.estimators._data import Dataset
from skrnn.sequences import Sequences, carried_on, has_gaps


def allows_gaps(estimator: Any) -> bool:
    """Whether an estimator takes missing values."""
    asked = estimator.missing_values
    return isinstance(asked, str) and asked == "decay"


def tells_gaps(estimator: Any) -> bool:
    """Whether that holds for some channel: ids cannot be missing."""
    return allows_gaps(estimator) and not isinstance(estimator.embedding_dim, Integral)


def make_decay(parameters: Any, data: Dataset, embedding: Embedding | None) -> Decay | None:
    """Return what puts estimates in place of missing values, with an indicator for gappy channels.

    Parameters
    ----------
    parameters : object
        With the parameter `missing_values`.
    data : Dataset
        What is to be trained on: it tells which channels have gaps, and their means.
    embedding : Embedding or None
        Of the network; its channels have no gaps.

    Returns
    -------
    Decay or None
        None where missing values are errors.
    """
    if not allows_gaps(parameters):
        return None
    sequences = data.sequences
    n_inputs = sequences.n_channels if embedding is None else embedding.width
    weight = sequences.row_weight(data.weight)
    first_columns = _first_columns(embedding, sequences.n_channels)
    fills, columns, means = [], [], []
    for channel, holds_ids in enumerate(_holds_ids(embedding, sequences.n_channels)):
        mean, gappy = (0.0, False) if holds_ids else _mean(sequences.table[:, channel], weight)
        fills.append(mean)
        if gappy:
            columns.append(int(first_columns[channel]))
            means.append(mean)
    return Decay(n_inputs, tuple(columns), tuple(means), tuple(fills))


def without_unlearnt_gaps(sequences: Sequences, architecture: Architecture) -> Sequences:
    """Return sequences in which nothing is missing but in the channels that had gaps in `fit`.

    The last value of the channel and the sequence is carried on; before the first one stands the
    channel's mean in `fit`.

    Parameters
    ----------
    sequences : Sequences
        As an estimator reads them.
    architecture : Architecture
        Of its network.
    """
    decay, embedding = architecture.decay, architecture.embedding
    if decay is None or not has_gaps(sequences.table):
        return sequences
    columns = _first_columns(embedding, sequences.n_channels)
    ids = _holds_ids(embedding, sequences.n_channels)
    learnt = ids | np.isin(columns, decay.columns)
    missing = np.isnan(sequences.table).any(axis=0) & ~learnt
    if not missing.any():
        return sequences
    # Windows that share rows may begin at any of them, each with nothing before it.
    values = sequences.values.copy()
    fills = np.array(decay.fills)[missing]
    values[:, missing] = carried_on(values[:, missing], sequences.starts, fills)
    return replace(sequences, table=values, first_rows=None)


def _mean(values: np.ndarray, weight: np.ndarray | None) -> tuple[float, bool]:
    """Return the weighted mean of what is there, 0 if that is nothing, and whether some is not."""
    missing = np.isnan(values)
    if weight is not None:
        missing &= weight > 0
        there = ~np.isnan(values) & (weight > 0)
        weight = weight[there].astype(np.float64)
    else:
        there = ~missing
    found = values[there].astype(np.float64)
    if len(found) == 0:
        return 0.0, bool(missing.any())
    # Counted from the first one, a large offset costs no digits.
    mean = found[0] + np.average(found - found[0], weights=weight)
    return float(mean), bool(missing.any())


def _holds_ids(embedding: Embedding | None, n_channels: int) -> np.ndarray:
    """Return the mask of the channels that have an embedding."""
    if embedding is None:
        return np.zeros(n_channels, dtype=bool)
    return np.array([size is not None for size in embedding.sizes])


def _first_columns(embedding: Embedding | None, n_channels: int) -> np.ndarray:
    """Return the first column of every channel in what leaves the embedding."""
    if embedding is None:
        return np.arange(n_channels)
    return np.cumsum(embedding.widths) - embedding.widths
