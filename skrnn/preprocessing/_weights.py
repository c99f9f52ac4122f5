"""Weights of the rows and of the samples of sequences, from those that the user gives."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils.validation import _check_sample_weight

from skrnn.sequences import Sequences, as_step_weights, has_step_weights


def weight_of_rows(sequences: Sequences, sample_weight: Any) -> np.ndarray | None:
    """Weight of every row of the table of `sequences`; None where all are 1."""
    if sample_weight is None:
        return sequences.row_weight()
    # scikit-learn's contract: a table has one weight a row.
    by_step = sequences.kind != "2d" and has_step_weights(sample_weight)
    if by_step:
        weight = as_step_weights(sample_weight, sequences.lengths)
    else:
        weight = _check_sample_weight(
            sample_weight, sequences.lengths, dtype=np.float64, ensure_non_negative=True
        )
    if not weight.any():
        raise ValueError("All sample weights are zero; at least one must be positive.")
    return _of_table(sequences, weight) if by_step else sequences.row_weight(weight)


def weight_of_samples(sequences: Sequences, sample_weight: Any) -> np.ndarray | None:
    """Weight of every sequence, the mean of those of its steps; None where all are 1."""
    if sample_weight is None or sequences.kind == "2d" or not has_step_weights(sample_weight):
        return sample_weight
    weight = as_step_weights(sample_weight, sequences.lengths)
    return np.add.reduceat(weight, sequences.starts) / sequences.lengths


def _of_table(sequences: Sequences, step_weight: np.ndarray) -> np.ndarray:
    """Return the weight of every row of the table, from those of the time steps."""
    if sequences.first_rows is None:
        return step_weight
    rows = sequences.first_rows[:, np.newaxis] + np.arange(sequences.lengths[0])
    return np.bincount(rows.ravel(), step_weight, len(sequences.table))


def refuse_step_weights(sequences: Sequences, sample_weight: Any) -> None:
    """Raise an error if there is a weight for every step, which `transform` does not know of."""
    if sample_weight is None or sequences.kind == "2d" or not has_step_weights(sample_weight):
        return
    raise ValueError(
        "SequenceScaler(per='sequence') takes no weights of single time steps: the scale of a "
        "sequence is computed in transform, which is given none. Pass a weight for every sequence, "
        "or none."
    )
