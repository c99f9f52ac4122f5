"""From what the user passed to the data of a fit: targets, weights, and what is missing of them."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from sklearn.utils.validation import _check_sample_weight

from skrnn.core.architecture import Architecture
from skrnn.estimators._data import Dataset
from skrnn.estimators._embedding_parameters import check_ids
from skrnn.estimators._gaps import allows_gaps, without_unlearnt_gaps
from skrnn.estimators._targets import Targets
from skrnn.sequences import (
    Sequences,
    as_step_weights,
    has_step_weights,
    padding_in,
    plain_targets,
    read_sequences,
)


def read_to_decide(estimator: Any, X: Any) -> Sequences:
    """Return the sequences that decide about a new network, in their own dtype."""
    allow_nan = allows_gaps(estimator)
    sequences = read_sequences(estimator, X, reset=True, allow_nan=allow_nan)
    _warn_of_padding(estimator, sequences)
    return sequences if estimator.static == "readout" else sequences.static_as_channels()


def _warn_of_padding(estimator: Any, sequences: Sequences) -> None:
    """Warn where steps that count look like padding."""
    padding = padding_in(sequences)
    if padding is None:
        return
    n_steps = padding.n_steps[padding.n_steps > 0]
    end, step = "end" if padding.at_end else "begin", [f"{value:.6g}" for value in padding.step]
    held = f"{step[0]} in every channel" if len(set(step)) == 1 else f"[{', '.join(step)}]"
    warnings.warn(
        f"X looks padded as it comes to {type(estimator).__name__}: {len(n_steps)} of "
        f"{sequences.n_samples} sequences {end} in {n_steps.min()} to {n_steps.max()} time steps "
        f"that are {held}, and no other step is. All of them count as steps here. Pass a list of "
        "sequences without the padding, or a 3-D array in which shorter sequences end in NaN in "
        "every channel.",
        stacklevel=9,  # the line that calls fit
    )


def read_for(
    estimator: Any, X: Any, dtype: np.dtype, architecture: Architecture, *, trains: bool = False
) -> Sequences:
    """Return the sequences as a network takes them that there is already.

    Parameters
    ----------
    estimator : BaseRNN
        It has read sequences before.
    X : array-like
        As the user passed them.
    dtype : dtype
        Of the network.
    architecture : Architecture
        It says whether values may be missing: predictions follow what was fitted.
    trains : bool, default=False
        Whether the network is to be trained on them: the parameter says it then.

    Raises
    ------
    ValueError
        If they are unlike those that it was made for.
    """
    allow_nan = allows_gaps(estimator) if trains else architecture.decay is not None
    sequences = read_sequences(estimator, X, reset=False, dtype=(dtype.type,), allow_nan=allow_nan)
    if architecture.n_static == 0:
        sequences = sequences.static_as_channels()
    if architecture.embedding is not None:
        check_ids(sequences, architecture.embedding)
    return without_unlearnt_gaps(sequences, architecture)


def read_data(
    sequences: Sequences, y: Any, sample_weight: Any, targets: Targets, *, per_step: bool
) -> Dataset:
    """Check targets and sample weights.

    Parameters
    ----------
    sequences : Sequences
        What they belong to.
    y, sample_weight : array-like
        As the user passed them.
    targets : Targets
        What encodes `y`.
    per_step : bool
        Whether there is a target at every time step.

    Returns
    -------
    Dataset

    Raises
    ------
    ValueError
        If targets or weights are not valid, or all weights are zero.
    """
    encoded, present = targets.read(plain_targets(y), sequences, per_step=per_step)
    weight, step_weight = weights_of(sample_weight, sequences, per_step=per_step)
    if present is not None and per_step:
        rows = present.reshape(len(present), -1).any(axis=1)
        step_weight = np.where(rows, 1.0 if step_weight is None else step_weight, 0.0)
        # Which single outputs are there says nothing where all of a step are, or none.
        partly = present.ndim == 2 and not present[rows].all()
        present = present if partly else None
    data = Dataset(sequences, encoded, weight, targets, per_step, present=present)
    if step_weight is not None:
        data = _with_step_weights(data, step_weight)
    elif present is None:
        return data
    return data._replace(y=_without_the_uncounted(data.y, data.row_weight() > 0, data.present))


def weights_of(
    sample_weight: Any, sequences: Sequences, *, per_step: bool
) -> tuple[np.ndarray, np.ndarray | None]:
    """Return the weights of all samples, and those of their time steps where the user gave such.

    Parameters
    ----------
    sample_weight : array-like or None
        As the user passed it.
    sequences : Sequences
        What is weighted.
    per_step : bool
        Whether there is a target at every time step.

    Returns
    -------
    weight : ndarray of shape (n_samples,)
        In the dtype of the sequences.
    step_weight : float64 ndarray of shape (n_steps_total,) or None

    Raises
    ------
    ValueError
        If weights are not valid, all zero, or by time step where there is one target a sequence.
    """
    step_weight = None
    if has_step_weights(sample_weight):
        if not per_step:
            raise step_weights_refused()
        step_weight, sample_weight = as_step_weights(sample_weight, sequences.lengths), None
    weight = _check_sample_weight(
        sample_weight, sequences.lengths, dtype=sequences.dtype, ensure_non_negative=True
    )
    if not (weight if step_weight is None else step_weight).any():
        raise ValueError("All sample weights are zero: there is nothing to learn from.")
    return weight, step_weight


def step_weights_refused() -> ValueError:
    """Return the error of weights of time steps where there is one target a sequence."""
    return ValueError(
        "sample_weight has a weight for every time step (it must be a 1D array); with "
        "return_sequences=False one for every sequence is expected. Sum them over the steps, or "
        "set return_sequences=True."
    )


def _with_step_weights(data: Dataset, step_weight: np.ndarray) -> Dataset:
    """Return the data with weights of time steps, the largest of each sample in its own weight.

    So a sample of which all steps weigh alike is that of a plain weight.
    """
    starts, lengths = data.sequences.starts, data.sequences.lengths
    largest = np.maximum.reduceat(step_weight, starts)
    share = step_weight / np.repeat(np.where(largest > 0, largest, 1), lengths)
    dtype = data.weight.dtype
    with np.errstate(over="ignore"):
        weight = (data.weight * largest).astype(dtype)
    share = share.astype(dtype)
    if not weight.any():
        raise ValueError(
            "All time steps that have a target weigh zero: there is nothing to learn from."
        )
    # Nothing of a sample without weight is looked at.
    uneven = (share != 1) & np.repeat(weight > 0, lengths)
    return data._replace(weight=weight, step_weight=share if uneven.any() else None)


def _without_the_uncounted(
    y: np.ndarray, counts: np.ndarray, present: np.ndarray | None
) -> np.ndarray:
    """Return encoded targets, the smallest of its output in place of each that does not count.

    Whatever stood there then leaves no trace, not even in the order of the samples.
    """
    y = y.copy()
    for k, column in enumerate(y.reshape(len(y), -1).T):
        own = counts if present is None else counts & present[:, k]
        column[~own] = column[own].min() if own.any() else column.min()
    return y
