"""A prediction that is no number is an error, and never a label."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from skrnn.sequences import Sequences, place_of

Answer = Callable[[np.ndarray], np.ndarray]


class NotFiniteError(ArithmeticError):
    """A raw prediction, or what was made of it, is NaN or infinite."""


def finite(answer: Answer) -> Answer:
    """Return `answer` with a check of what goes in and of what comes out.

    Parameters
    ----------
    answer : callable
        ``answer(raw_prediction)`` returns an array with one entry for every row.

    Returns
    -------
    callable
        The same, but for a NotFiniteError where a number is NaN or infinite.
    """

    def checked(raw_prediction: np.ndarray) -> np.ndarray:
        if not np.isfinite(raw_prediction).all():
            raise NotFiniteError
        rows = answer(raw_prediction)
        if rows.dtype.kind == "f" and not np.isfinite(rows).all():
            raise NotFiniteError
        return rows

    return checked


def not_finite(
    name: str, answer: Answer, raw_prediction: np.ndarray, sequences: Sequences
) -> ValueError:
    """Return the error that names the first sample without a finite prediction.

    Parameters
    ----------
    name : str
        Of the estimator.
    answer : callable
        As in `finite`.
    raw_prediction : ndarray of shape (n_rows, n_outputs)
        Of all samples or, with a prediction at every step, of all their time steps.
    sequences : Sequences
        What was predicted.
    """
    good = np.isfinite(raw_prediction).all(axis=1)
    if good.all():
        good = np.isfinite(answer(raw_prediction).reshape(len(good), -1)).all(axis=1)
    row = int(np.argmin(good))
    sample, place = row, f"sample {row}"
    if len(raw_prediction) != sequences.n_samples:
        sample = int(np.searchsorted(sequences.starts, row, side="right")) - 1
        place = place_of(row, sequences.lengths)
    values = sequences.rows(sample)
    return ValueError(
        f"The prediction of {name} for {place} is not finite: the numbers grow beyond the range of "
        f"{raw_prediction.dtype}. X has {len(values)} time steps there and values up to "
        f"{np.abs(values).max():.3g}. If that is unlike the training data, leave the sample out, "
        "cut it or scale it (skrnn.preprocessing.SequenceScaler); else fit with "
        "activation='tanh', which bounds the state, or with a lower learning_rate_init."
    )
