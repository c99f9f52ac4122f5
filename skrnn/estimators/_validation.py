"""The validation set of a fit: what is asked of it, and what it says after every epoch."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from skrnn.core.row_weights import total_weight
from skrnn.estimators._data import Dataset
from skrnn.sequences import Sequences, other_scale


class Validation:
    """Judges raw predictions of a validation set.

    Parameters
    ----------
    data : Dataset
        Encoded; its targets have learnt the scale of the training data.

    Attributes
    ----------
    sequences : Sequences
        What to predict.
    """

    def __init__(self, data: Dataset):
        self.sequences = data.sequences
        self.targets = data.targets
        self.weight = data.loss_weight()
        self.row_weight, self.labelled = data.row_weight(), data.labelled
        self.y = data.scaled().y
        self.y_true = data.targets.unencoded(data.y)

    def judge(self, raw_prediction: np.ndarray) -> tuple[float, float]:
        """Return loss and score.

        Parameters
        ----------
        raw_prediction : ndarray of shape (n_rows, n_outputs)
            Of every row, in the order of the samples.

        Returns
        -------
        loss : float
            Mean of what training minimises, weighted as there, without the penalty; infinite
            where it is not finite.
        score : float
            Accuracy or R2, weighted alike; -inf where the predictions are not finite, NaN where
            there are too few rows for it.
        """
        if not np.isfinite(raw_prediction).all():
            return np.inf, -np.inf  # the next epoch reports the divergence
        with np.errstate(over="ignore", invalid="ignore"):
            total, _ = self.targets.loss(raw_prediction, self.y, self.weight)
            y_pred = self.targets.decode(raw_prediction)
        loss = float(total / total_weight(self.weight))
        if not np.isfinite(loss):
            return np.inf, -np.inf
        if self._most_targets() < self.targets.least_rows_to_score:
            return loss, np.nan
        score = self.targets.score_present(self.y_true, y_pred, self.row_weight, self.labelled)
        return loss, float(score)

    def _most_targets(self) -> int:
        """Return the number of targets of the output that has the most."""
        return len(self.y_true) if self.labelled is None else int(self.labelled.sum(axis=0).max())


def has_validation_set(metadata: dict[str, Any]) -> bool:
    """Tell whether a validation set came to `fit`.

    Parameters
    ----------
    metadata : dict
        What came besides `X` and `y`, without what is None.

    Raises
    ------
    ValueError
        If only a part of one came.
    """
    names = ("X_val", "y_val", "sample_weight_val")
    given = [name for name in names if name in metadata]
    for needed in names[:2] if given else ():
        if needed not in metadata:
            raise ValueError(f"{given[0]} is provided, but {needed} was not provided.")
    return bool(given)


def warn_of_other_scale(validation: Sequences, training: Sequences) -> None:
    """Warn of a validation set that has not been through the steps that the data have."""
    difference = other_scale(validation, training)
    if difference is not None:
        warnings.warn(
            f"The validation set is on another scale than the training data: {difference}. In a "
            'Pipeline let Pipeline(..., transform_input=["X_val"]) transform the X_val of fit; '
            "elsewhere transform it as X is.",
            stacklevel=7,  # the line that calls fit
        )


@contextmanager
def about_the_validation_set() -> Iterator[None]:
    """Let errors of data say that it is the validation set they speak of."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"In the validation set (X_val, y_val): {error}") from error
