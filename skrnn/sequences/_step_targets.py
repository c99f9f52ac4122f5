"""Targets at every time step, in every accepted form, as one flat array."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from skrnn.sequences._cells import (
    first_is_sequence,
    flatten_cells,
    has_sequence_cells,
    is_table,
    items_of,
)
from skrnn.sequences._checks import all_finite, check_finite
from skrnn.sequences._containers import plain
from skrnn.sequences._missing import join_targets, labels_as_array, missing_in
from skrnn.sequences._values import as_array, refuse_dates


class StepTargets(NamedTuple):
    """One target per time step, sample after sample.

    Attributes
    ----------
    values : ndarray of shape (n_steps_total,) or (n_steps_total, n_outputs)
        The targets of all real time steps in their own dtype.
    form : {"array", "ragged", "nested"}
        The form they came in: a rectangular array, one array per sample, or a DataFrame whose
        cells are sequences.
    """

    values: np.ndarray
    form: str


def as_step_targets(y: Any, lengths: np.ndarray) -> StepTargets:
    """Flatten one target per time step to the order of `Sequences.values`.

    Parameters
    ----------
    y : array-like, DataFrame, list or tuple
        One of

        - an array or nested list of shape (n_samples, n_timesteps) or
          (n_samples, n_timesteps, n_outputs); positions beyond the length of a sequence are
          dropped;
        - a list, tuple, Series or 1-D object array of arrays of shape (n_timesteps,) or
          (n_timesteps, n_outputs), each as long as its sequence;
        - a DataFrame whose cells are sequences: columns are outputs (one column gives 1-D
          targets).
    lengths : ndarray of shape (n_samples,)
        Number of time steps of every sequence.

    Returns
    -------
    StepTargets
        The targets of all real time steps, in their own dtype, and the form they came in. A target
        that is missing stays so: NaN among numbers; None, NaN, NaT or pandas' NA among objects.

    Raises
    ------
    ValueError
        If there is not one target per time step, or the targets mix strings and numbers, or are
        infinite.

    Examples
    --------
    >>> from skrnn.sequences import as_step_targets
    >>> as_step_targets([["a", "b"], ["b", "b", "a"]], [2, 3])
    StepTargets(values=array(['a', 'b', 'b', 'b', 'a'], dtype='<U1'), form='ragged')
    """
    lengths = np.asarray(lengths, dtype=np.intp)
    y = plain(y, "y")
    if isinstance(y, pd.DataFrame) and has_sequence_cells(y):
        values, form = _targets_from_cells(y, lengths), "nested"
    elif _is_ragged_target(y):
        values, form = _targets_from_items(items_of(y), lengths), "ragged"
    else:
        values, form = _targets_from_array(labels_as_array(y, "y"), lengths), "array"
    missing = missing_in(values)
    known = values if missing is None else values[~missing]
    refuse_dates(known, "y")
    if known.dtype.kind == "f" and not all_finite(known):
        finite = values if missing is None else np.where(missing, 0, values)
        check_finite(finite, lengths, "y", "")
    return StepTargets(values, form)


def step_lengths(y: Any) -> np.ndarray:
    """Count the targets of every sample, padding included.

    Parameters
    ----------
    y : array-like, DataFrame, list or tuple
        One target per time step, in any form that :func:`as_step_targets` takes.

    Returns
    -------
    ndarray of shape (n_samples,), dtype intp
        Number of targets of every sample.

    Raises
    ------
    ValueError
        If there is not one target per time step.

    Examples
    --------
    >>> from skrnn.sequences import step_lengths
    >>> step_lengths([["a", "b"], ["b", "b", "a"]])
    array([2, 3])
    """
    y = plain(y, "y")
    if isinstance(y, pd.DataFrame) and has_sequence_cells(y):
        return flatten_cells(y, "y", as_array)[1]
    if _is_ragged_target(y):
        arrays = [as_array(item, f"y[{i}]") for i, item in enumerate(items_of(y))]
        for i, array in enumerate(arrays):
            if array.ndim == 0:
                raise ValueError(
                    f"y[{i}] is {array}, but y[0] has a target per time step; every item must be "
                    "an array as long as its sequence."
                )
        return np.fromiter(map(len, arrays), dtype=np.intp, count=len(arrays))
    y = as_array(y, "y")
    _check_rectangular_targets(y)
    return np.full(y.shape[0], y.shape[1], dtype=np.intp)


def _is_ragged_target(y: Any) -> bool:
    if isinstance(y, pd.Series):
        return has_sequence_cells(y.to_frame())
    if isinstance(y, np.ndarray):
        return y.dtype == object and y.ndim == 1 and first_is_sequence(y)
    return isinstance(y, (list, tuple)) and first_is_sequence(y) and not _is_rectangular(y)


def _is_rectangular(y: Sequence) -> bool:
    """Whether `y` is a nested list that numpy reads as one array of scalars."""
    if is_table(y):
        return True
    if not all(isinstance(row, (list, tuple)) for row in y):
        return False
    return all(is_table(row) for row in y) and len({(len(row), len(row[0])) for row in y}) == 1


def _check_rectangular_targets(y: np.ndarray) -> None:
    if y.ndim not in (2, 3):
        raise ValueError(
            f"y has shape {y.shape}, but one target per time step is needed: an array of shape "
            "(n_samples, n_timesteps) or (n_samples, n_timesteps, n_outputs), or a list of one "
            "array per sample. For one target per sequence set return_sequences=False."
        )


def _targets_from_array(y: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    _check_rectangular_targets(y)
    _check_n_samples(len(y), lengths)
    if y.shape[1] < lengths.max():
        i = int(np.argmax(lengths > y.shape[1]))
        _raise_target_length(i, y.shape[1], lengths[i])
    if (lengths == y.shape[1]).all():
        return y.reshape(-1, *y.shape[2:])
    return y[np.arange(y.shape[1]) < lengths[:, np.newaxis]]


def _targets_from_items(items: Sequence, lengths: np.ndarray) -> np.ndarray:
    _check_n_samples(len(items), lengths)
    arrays = [labels_as_array(item, f"y[{i}]") for i, item in enumerate(items)]
    for i, (array, length) in enumerate(zip(arrays, lengths.tolist(), strict=True)):
        if array.ndim == 0 and pd.isna(array.item()):
            raise ValueError(
                f"y[{i}] is {array.item()}, but X[{i}] has {length} time steps. Give an array of "
                "as many NaN or None where a sequence has no target at all."
            )
        if array.ndim not in (1, 2) or array.shape[1:] != arrays[0].shape[1:]:
            raise ValueError(
                f"y[{i}] has shape {array.shape} and y[0] has shape {arrays[0].shape}; every item "
                "must have shape (n_timesteps,), or every one (n_timesteps, n_outputs)."
            )
        if len(array) != length:
            _raise_target_length(i, len(array), length)
    return join_targets(arrays)


def _targets_from_cells(y: pd.DataFrame, lengths: np.ndarray) -> np.ndarray:
    _check_n_samples(len(y), lengths)
    flats, target_lengths = flatten_cells(y, "y", labels_as_array, join_targets)
    if not np.array_equal(target_lengths, lengths):
        i = int(np.argmax(target_lengths != lengths))
        _raise_target_length(i, target_lengths[i], lengths[i])
    if len(flats) == 1:
        return flats[0]
    return join_targets([flat[:, np.newaxis] for flat in flats], axis=1)


def _raise_target_length(i: int, n_targets: int, length: int) -> None:
    raise ValueError(
        f"y[{i}] has targets for {n_targets} time steps, but X[{i}] has {length}. With "
        "return_sequences=True give one target per time step of X; for one target per sequence "
        "set return_sequences=False."
    )


def _check_n_samples(n_targets: int, lengths: np.ndarray) -> None:
    if n_targets != len(lengths):
        raise ValueError(
            "Found input variables with inconsistent numbers of samples: "
            f"[{len(lengths)}, {n_targets}]. X and y must have one entry per sequence."
        )
