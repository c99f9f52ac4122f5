"""Weights at every time step, in every form that targets at every time step have."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils.validation import _check_sample_weight

from skrnn.sequences._cells import flatten_cells, has_sequence_cells, is_sequence, items_of
from skrnn.sequences._checks import check_finite
from skrnn.sequences._containers import plain
from skrnn.sequences._sequences import place_of
from skrnn.sequences._values import as_numbers

NAME = "sample_weight"
REMEDY = (
    "Give one weight for every time step of X, 0 where it does not count, or one for every sequence"
)


def has_step_weights(sample_weight: Any) -> bool:
    """Tell whether there is a weight for every time step, and not one for every sequence.

    Parameters
    ----------
    sample_weight : object
        As the user passed it.

    Returns
    -------
    bool
        True of an array or a table of two axes and more, and of sequences in a list, an array of
        objects, a Series or the cells of a table.

    Examples
    --------
    >>> from skrnn.sequences import has_step_weights
    >>> has_step_weights([1.0, 2.0]), has_step_weights([[1.0, 0.0], [2.0]])
    (False, True)
    """
    if sample_weight is None or np.isscalar(sample_weight):
        return False
    sample_weight = plain(sample_weight, NAME)
    if isinstance(sample_weight, pd.Series):
        return has_sequence_cells(sample_weight.to_frame())
    if getattr(sample_weight, "ndim", 1) > 1:
        return True
    of_objects = isinstance(sample_weight, np.ndarray) and sample_weight.dtype.kind == "O"
    return (isinstance(sample_weight, list | tuple) or of_objects) and any(
        map(is_sequence, sample_weight)
    )


def as_step_weights(sample_weight: Any, lengths: np.ndarray) -> np.ndarray:
    """Flatten one weight per time step to the order of `Sequences.values`.

    Parameters
    ----------
    sample_weight : array-like, DataFrame, list or tuple
        One of

        - an array or table of shape (n_samples, n_timesteps); positions beyond the length of a
          sequence are dropped;
        - a list, tuple, Series or 1-D object array of arrays of shape (n_timesteps,), each as
          long as its sequence;
        - a DataFrame of one column whose cells are sequences.
    lengths : ndarray of shape (n_samples,)
        Number of time steps of every sample.

    Returns
    -------
    ndarray of shape (n_steps_total,), float64
        A weight for every time step, sample after sample.

    Raises
    ------
    ValueError
        If there is not one weight per time step, or one is negative, NaN or infinite.

    Examples
    --------
    >>> from skrnn.sequences import as_step_weights
    >>> as_step_weights([[1, 0], [2, 1, 1]], [2, 3])
    array([1., 0., 2., 1., 1.])
    """
    lengths = np.asarray(lengths, dtype=np.intp)
    weights = _flat(plain(sample_weight, NAME), lengths).astype(np.float64)
    check_finite(weights, lengths, NAME, f"{REMEDY}.")
    if (weights < 0).any():
        row = int(np.argmax(weights < 0))
        raise ValueError(
            f"Negative values in data passed to `{NAME}`: {weights[row]:g} at "
            f"{place_of(row, lengths)}. Weights must be >= 0."
        )
    return weights


def weights_of_steps(sample_weight: Any, lengths: np.ndarray) -> np.ndarray:
    """Return the weight of every time step from those of the steps, or of the samples.

    Parameters
    ----------
    sample_weight : array-like
        Weights of time steps as :func:`as_step_weights` reads them, or one for every sample,
        which all its steps receive.
    lengths : ndarray of shape (n_samples,)
        Number of time steps of every sample.

    Returns
    -------
    ndarray of shape (n_steps_total,), float64
        A weight for every time step, sample after sample.

    Raises
    ------
    ValueError
        If the weights are not valid.
    """
    if has_step_weights(sample_weight):
        return as_step_weights(sample_weight, lengths)
    return np.repeat(_check_sample_weight(sample_weight, lengths), lengths)


def _flat(weights: Any, lengths: np.ndarray) -> np.ndarray:
    if isinstance(weights, pd.DataFrame) and has_sequence_cells(weights):
        if weights.shape[1] > 1:
            raise ValueError(
                f"{NAME} is a DataFrame of {weights.shape[1]} columns of sequences; expected one "
                "column. Weights are by time step, and not by output."
            )
        flats, given = flatten_cells(weights, NAME, as_numbers)
        _check_lengths(given, lengths)
        return flats[0]
    is_array = isinstance(weights, pd.DataFrame) or getattr(weights, "ndim", 1) > 1
    if is_array:
        return _from_array(as_numbers(weights, NAME), lengths)
    rows = items_of(weights)
    items = [as_numbers(item, f"{NAME}[{i}]") for i, item in enumerate(rows)]
    for i, item in enumerate(items):
        if item.ndim != 1:
            raise ValueError(
                f"{NAME}[{i}] has shape {item.shape}; expected (n_timesteps,). {REMEDY}."
            )
    if len(set(map(len, items))) == 1 and all(isinstance(row, list | tuple) for row in rows):
        return _from_array(np.stack(items), lengths)
    _check_lengths(np.fromiter(map(len, items), dtype=np.intp, count=len(items)), lengths)
    return np.concatenate(items)


def _from_array(weights: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    if weights.ndim != 2:
        raise ValueError(
            f"{NAME} has shape {weights.shape}; expected (n_samples, n_timesteps). {REMEDY}."
        )
    if len(weights) != len(lengths) or weights.shape[1] < lengths.max():
        _check_lengths(np.full(len(weights), weights.shape[1]), lengths, least=True)
    return weights[np.arange(weights.shape[1]) < lengths[:, np.newaxis]]


def _check_lengths(given: np.ndarray, lengths: np.ndarray, *, least: bool = False) -> None:
    """Raise ValueError where a sequence has not as many weights as steps, or `least` as many."""
    if len(given) != len(lengths):
        raise ValueError(
            "Found input variables with inconsistent numbers of samples: "
            f"[{len(lengths)}, {len(given)}]. X and {NAME} must have one entry per sequence."
        )
    wrong = given < lengths if least else given != lengths
    if wrong.any():
        i = int(np.argmax(wrong))
        raise ValueError(
            f"{NAME}[{i}] has weights for {given[i]} time steps, but X[{i}] has {lengths[i]}. "
            f"{REMEDY}."
        )
