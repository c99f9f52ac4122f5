"""Targets: from the user's labels or numbers to those that the loss takes, and back.

An estimator has one object of targets, which learns from the first `y` (classes, outputs, scale)
and holds every later `y` to that. In between, targets are *encoded*: one row for every sample
or, with a target at every time step, for every real time step, as numbers but on the user's
scale. `scaled` brings them to the form and the scale of the loss.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple

import numpy as np
from sklearn.utils import check_array, check_consistent_length, column_or_1d
from sklearn.utils.multiclass import check_classification_targets, type_of_target

from skrnn.core.losses import CLASSIFICATION_LOSSES, Loss, n_raw_of
from skrnn.estimators._class_weights import class_weights_of_rows
from skrnn.sequences import (
    Sequences,
    as_step_targets,
    labels_as_array,
    missing_in,
    without_missing,
)


class Encoded(NamedTuple):
    """Targets of all rows, and which of them the user gave.

    Attributes
    ----------
    y : ndarray of shape (n_rows, ...)
        Encoded; a valid target stands where one is missing.
    present : ndarray of bool of shape (n_rows,) or (n_rows, n_outputs), or None
        Which are there; None for all of them.
    """

    y: np.ndarray
    present: np.ndarray | None


class Targets(ABC):
    """What classes and numbers have in common.

    Attributes
    ----------
    owner : str
        Name of the estimator, for errors.
    loss : Loss
        What training minimises.
    n_outputs : int
        Targets a row.
    multilabel : bool
        Whether every output is a yes-or-no label of its own.
    least_rows_to_score : int
        Rows that `score` needs to be defined.
    remedy_for_missing : str
        What to do about rows without a target, for errors.
    """

    owner: str
    loss: Loss
    n_outputs: int
    multilabel: bool | None = False
    least_rows_to_score: ClassVar[int] = 1
    remedy_for_missing: ClassVar[str]

    @property
    def width(self) -> int:
        """Width of the output layer: the raw numbers of all outputs."""
        return self.n_outputs * n_raw_of(self.loss)

    def read(self, y: Any, sequences: Sequences, *, per_step: bool) -> Encoded:
        """Check the targets of all rows and encode them.

        Parameters
        ----------
        y : array-like
            As the user passed them.
        sequences : Sequences
            What they are the targets of.
        per_step : bool
            Whether there is a target at every time step.

        Returns
        -------
        Encoded

        Raises
        ------
        ValueError
            If they are not of a valid form or value, or unlike those seen before; if none is
            there or, without a target at every step, none of a sample.
        """
        if per_step:
            y = as_step_targets(y, sequences.lengths).values
        else:
            check_consistent_length(sequences.lengths, y)
        try:
            there, present = self._present(y, per_step)
            checked = self._checked(there)
        except (TypeError, ValueError) as error:
            if not per_step and _has_step_targets(y, sequences):
                raise ValueError(
                    "y has one target for every time step; with return_sequences=False one for "
                    "every sequence is expected. Set return_sequences=True."
                ) from error
            raise
        if present is not None and checked.ndim == 1:
            present = present.reshape(len(present))
        return Encoded(self._encode(checked, sequences.dtype), present)

    def _present(self, y: Any, per_step: bool) -> tuple[Any, np.ndarray | None]:
        """Return `y` with a valid target in place of those that are missing, and which are there.

        Without a missing one `y` is as it came, but objects that are numbers are numbers, and the
        second None.
        """
        try:
            values = y if per_step else labels_as_array(y, "y")
        except (TypeError, ValueError):  # no array: `_checked` says so
            return y, None
        missing = missing_in(values.astype(object) if values.dtype.kind == "T" else values)
        if missing is None:
            # A part of labels that may be missing, in which none is, is read as the others are.
            return (without_missing(values)[0] if values.dtype == object else y), None
        if not per_step:
            self._check_one_a_sample(values, missing)
        return without_missing(values)

    def _check_one_a_sample(self, values: np.ndarray, missing: np.ndarray) -> None:
        """Raise ValueError with the first sample that has no target at all."""
        without = missing.reshape(len(missing), -1).all(axis=1)
        if without.any():
            sample = int(np.argmax(without))
            value = values.reshape(len(values), -1)[sample].tolist()[0]
            raise ValueError(
                f"Input y contains NaN or None: there is no target at sample {sample} "
                f"({value!r}). {self.remedy_for_missing}"
            )

    @abstractmethod
    def _checked(self, y: Any) -> np.ndarray:
        """Return `y` as a finite array of one or two axes."""

    @abstractmethod
    def _encode(self, y: np.ndarray, dtype: np.dtype) -> np.ndarray:
        """Learn classes or outputs from the first `y`, check a later one; return it encoded.

        `dtype` is that of the network: of targets that are not numbers.
        """

    def weights(
        self, y: np.ndarray, row_weight: np.ndarray, present: np.ndarray | None = None
    ) -> np.ndarray | None:
        """Return the weight that every row has by its encoded target, None where all are one.

        Parameters
        ----------
        y : ndarray of shape (n_rows, ...)
            Encoded targets.
        row_weight : ndarray of shape (n_rows,)
            Weights of the rows by their samples.
        present : ndarray of bool of shape (n_rows, n_outputs), default=None
            Which targets are there, where single ones are missing.
        """
        return None

    def strata(self, y: np.ndarray, n_held_out: int) -> np.ndarray | None:
        """Return the labels to stratify by where `n_held_out` rows are held out, None for none."""
        return None

    @abstractmethod
    def learn_scale(self, y: np.ndarray, row_weight: np.ndarray) -> None:
        """Learn from the targets to train on how to scale targets, where that is not known yet.

        Parameters
        ----------
        y : ndarray of shape (n_rows, ...)
            Encoded targets.
        row_weight : ndarray of shape (n_rows,) or (n_rows, n_outputs)
            Weights of the rows; of every output where single ones are missing.
        """

    @abstractmethod
    def scaled(self, y: np.ndarray, dtype: np.dtype) -> np.ndarray:
        """Return encoded targets as the loss takes them.

        Parameters
        ----------
        y : ndarray of shape (n_rows, ...)
            Encoded targets.
        dtype : dtype
            Of the network: float32 or float64.

        Raises
        ------
        ValueError
            If one is too large for `dtype`.
        """

    @abstractmethod
    def decode(self, raw_prediction: np.ndarray) -> np.ndarray:
        """Return predictions on the user's scale and in the user's labels.

        Parameters
        ----------
        raw_prediction : ndarray of shape (n_rows, n_outputs)
            What leaves the output layer.

        Returns
        -------
        ndarray of shape (n_rows,) or (n_rows, n_outputs)
        """

    @abstractmethod
    def unencoded(self, y: np.ndarray) -> np.ndarray:
        """Return encoded targets as the user's own."""

    def score(
        self, y: Any, y_pred: np.ndarray, sample_weight: np.ndarray | None, *, per_step: bool
    ) -> float:
        """Return the estimator's score of the targets that are there, accuracy or R2.

        Parameters
        ----------
        y : array-like of shape (n_rows,) or (n_rows, n_outputs)
            As the user's targets.
        y_pred : ndarray of the same shape
            Predictions of all rows, alike.
        sample_weight : ndarray of shape (n_rows,) or None
            Weights of the rows.
        per_step : bool
            Whether a row is a time step.

        Raises
        ------
        ValueError
            If none is there or, without a target at every step, none of a sample.
        """
        y, present = self._present(y, per_step)
        return self.score_present(y, y_pred, sample_weight, present)

    def score_present(
        self,
        y: Any,
        y_pred: np.ndarray,
        sample_weight: np.ndarray | None,
        present: np.ndarray | None,
    ) -> float:
        """Return the score of what is there; `present` is of the shape of `y`, None for all."""
        if present is None:
            return self._score(y, y_pred, sample_weight)
        rows = present.reshape(len(y), -1).any(axis=1)
        y, y_pred, present = y[rows], y_pred[rows], present[rows]
        weight = None if sample_weight is None else sample_weight[rows]
        if present.all():
            return self._score(y, y_pred, weight)
        return self._score_outputs(y, y_pred, weight, present)

    @abstractmethod
    def _score(self, y: Any, y_pred: np.ndarray, sample_weight: np.ndarray | None) -> float:
        """Return the score of rows without a missing target."""

    @abstractmethod
    def _score_outputs(
        self,
        y: np.ndarray,
        y_pred: np.ndarray,
        sample_weight: np.ndarray | None,
        present: np.ndarray,
    ) -> float:
        """Return the score of rows in which single outputs are missing, though not all."""


def _has_step_targets(y: Any, sequences: Sequences) -> bool:
    try:
        as_step_targets(y, sequences.lengths)
    except ValueError:
        return False
    return True


@dataclass
class ClassTargets(Targets):
    """Labels: of one class out of several, or of several yes-or-no outputs (multilabel).

    Encoded labels are indices in `classes`, an integer ndarray of shape (n_rows,), or, if
    multilabel, zeros and ones of shape (n_rows, n_outputs).

    Parameters
    ----------
    owner : str
        Name of the estimator, for errors.
    class_weight : dict, list of dict, "balanced" or None
        As the estimator takes it.
    classes : ndarray of shape (n_classes,), default=None
        All labels, sorted. None takes those of the first `y`.
    multilabel : bool, default=None
        Whether there are several outputs. None decides by the first `y`, as for those that
        follow.
    loss : Loss
        Cross-entropy: softmax for three classes and more, else logistic.
    n_outputs : int
        Two classes need one output.
    """

    owner: str
    class_weight: Any
    classes: np.ndarray | None = None
    multilabel: bool | None = None
    loss: Loss = field(init=False)
    n_outputs: int = field(init=False)
    remedy_for_missing: ClassVar[str] = (
        "Leave out the samples without one, or give them a label of their own, which "
        "class_weight={label: 0} keeps out of the loss."
    )

    @property
    def n_classes(self) -> int:
        """Number of classes; of outputs if multilabel."""
        assert self.classes is not None
        return len(self.classes)

    @property
    def _several(self) -> bool:
        return not self.multilabel and self.n_classes > 2

    def _checked(self, y: Any) -> np.ndarray:
        y = check_array(y, ensure_2d=False, dtype=None, input_name="y", estimator=self.owner)
        return column_or_1d(y, warn=True) if y.ndim == 2 and y.shape[1] == 1 else y

    def _encode(self, y: np.ndarray, dtype: np.dtype) -> np.ndarray:
        multilabel = self._is_multilabel(y)
        if self.multilabel is None:
            self._learn(y, multilabel)
        elif multilabel != self.multilabel:
            raise ValueError(
                f"y is {type_of_target(y, input_name='y')}, but {self.owner} was fitted on "
                f"{'multilabel' if self.multilabel else 'single-label'} targets."
            )
        if not multilabel:
            return self._codes(y)
        if y.shape[1] != self.n_classes:
            raise ValueError(
                f"y has {y.shape[1]} labels, but {self.owner} was fitted with {self.n_classes}."
            )
        return y.astype(dtype)

    def _learn(self, y: np.ndarray, multilabel: bool) -> None:
        """Set what the first `y` decides."""
        self.multilabel = multilabel
        if self.classes is None:
            self.classes = np.arange(y.shape[1]) if multilabel else np.unique(y)
        self.n_outputs = self.n_classes if multilabel or self._several else 1
        name = "softmax_cross_entropy" if self._several else "logistic_cross_entropy"
        self.loss = CLASSIFICATION_LOSSES[name]()

    @staticmethod
    def _is_multilabel(y: np.ndarray) -> bool:
        check_classification_targets(y)
        target_type = type_of_target(y, input_name="y")
        if target_type == "multiclass-multioutput":
            raise ValueError(
                f"y of shape {y.shape} has several columns of more than two classes. For one "
                "label at every time step set return_sequences=True; for several multiclass "
                "outputs use sklearn.multioutput.MultiOutputClassifier."
            )
        return target_type == "multilabel-indicator"

    def _codes(self, y: np.ndarray) -> np.ndarray:
        """Return the index in `classes` of every label."""
        assert self.classes is not None
        labels, codes = np.unique(y, return_inverse=True)
        unknown = np.setdiff1d(labels, self.classes)
        if len(unknown):
            raise ValueError(
                f"y has classes {unknown} that {self.owner} does not know; it knows "
                f"{self.classes}. Name all classes at the first call, or fit anew."
            )
        return np.searchsorted(self.classes, labels)[codes.reshape(-1)]

    def weights(
        self, y: np.ndarray, row_weight: np.ndarray, present: np.ndarray | None = None
    ) -> np.ndarray | None:
        if self.class_weight is None:
            return None
        assert self.classes is not None
        classes = np.array([0, 1]) if self.multilabel else self.classes
        codes = y.astype(np.intp)
        weights = class_weights_of_rows(self.class_weight, codes, classes, row_weight, present)
        with np.errstate(over="ignore"):
            return weights.astype(row_weight.dtype)

    def strata(self, y: np.ndarray, n_held_out: int) -> np.ndarray | None:
        if self.multilabel:
            return None
        count = np.bincount(y)
        count = count[count > 0]
        # Every class needs a sample on both sides; else a plain random split has to do.
        possible = count.min() >= 2 and len(count) <= min(n_held_out, len(y) - n_held_out)
        return y if possible else None

    def learn_scale(self, y: np.ndarray, row_weight: np.ndarray) -> None:
        """Labels have no scale."""

    def scaled(self, y: np.ndarray, dtype: np.dtype) -> np.ndarray:
        return y if self.multilabel or self._several else y[:, None].astype(dtype)

    def decode(self, raw_prediction: np.ndarray) -> np.ndarray:
        assert self.classes is not None
        if self.multilabel:
            return (raw_prediction > 0).astype(int)
        if self.n_classes == 1:
            return np.repeat(self.classes, len(raw_prediction))
        if self.n_classes == 2:
            return self.classes[(raw_prediction[:, 0] > 0).astype(int)]
        return self.classes[raw_prediction.argmax(axis=1)]

    def unencoded(self, y: np.ndarray) -> np.ndarray:
        assert self.classes is not None
        return y.astype(int) if self.multilabel else self.classes[y]

    def decisions(self, raw_prediction: np.ndarray) -> np.ndarray:
        """Return the confidence in every class; of two classes that in the second alone."""
        if not self.multilabel and self.n_outputs == 1:
            return raw_prediction[:, 0]
        return raw_prediction

    def probabilities(self, raw_prediction: np.ndarray) -> np.ndarray:
        """Return the probability of every class, ndarray of shape (n_rows, n_classes).

        Of two classes and more it lies inside (0, 1), however certain the network is: there are
        no floats between 1 and the largest one below, so that is the most that it can be.
        """
        proba = self._of_classes(raw_prediction, self.loss.link.inverse, certain=1.0)
        if self.n_classes == 1:
            return proba
        limits = np.finfo(proba.dtype)
        return np.clip(proba, limits.tiny, 1 - limits.epsneg)

    def log_probabilities(self, raw_prediction: np.ndarray) -> np.ndarray:
        """Return the logarithms of the probabilities: finite, and exact where those round to 0."""
        log_inverse = self.loss.link.log_inverse
        assert log_inverse is not None
        with np.errstate(over="ignore"):
            log_proba = self._of_classes(raw_prediction, log_inverse, certain=0.0)
        return np.maximum(log_proba, np.finfo(log_proba.dtype).min)

    def _of_classes(
        self,
        raw_prediction: np.ndarray,
        inverse: Callable[[np.ndarray], np.ndarray],
        *,
        certain: float,
    ) -> np.ndarray:
        """Return what `inverse` makes of a raw prediction, for every class."""
        if not self.multilabel and self.n_classes == 1:
            return np.full_like(raw_prediction, certain)
        if not self.multilabel and self.n_classes == 2:
            # Not one minus the other, which loses all digits of what is nearly impossible.
            return np.hstack([inverse(-raw_prediction), inverse(raw_prediction)])
        return inverse(raw_prediction)

    def _score(self, y: Any, y_pred: np.ndarray, sample_weight: np.ndarray | None) -> float:
        # Here, as importing it takes longer than importing all of skrnn.
        from sklearn.metrics import accuracy_score

        return accuracy_score(y, y_pred, sample_weight=sample_weight)

    def _score_outputs(
        self,
        y: np.ndarray,
        y_pred: np.ndarray,
        sample_weight: np.ndarray | None,
        present: np.ndarray,
    ) -> float:
        # A row is right if all of its labels that are known are.
        return self._score(y, np.where(present, y_pred, y), sample_weight)
