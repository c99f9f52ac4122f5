"""Targets: from the user's labels or numbers to those that the loss takes, and back.

An estimator has one object of targets, which learns from the first `y` (classes, outputs, scale)
and holds every later `y` to that. In between, targets are *encoded*: one row for every sample
or, with a target at every time step, for every real time step, as numbers but on the user's
scale. `scaled` brings them to the form and the scale of the loss.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from sklearn.utils import check_array, check_consistent_length, column_or_1d
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets, type_of_target

from skrnn.core.losses import CLASSIFICATION_LOSSES, Loss
from skrnn.sequences import Sequences, as_step_targets


class Targets(ABC):
    """What classes and numbers have in common.

    Attributes
    ----------
    owner : str
        Name of the estimator, for errors.
    loss : Loss
        What training minimises.
    n_outputs : int
        Width of the output layer.
    multilabel : bool
        Whether every output is a yes-or-no label of its own.
    least_rows_to_score : int
        Rows that `score` needs to be defined.
    """

    owner: str
    loss: Loss
    n_outputs: int
    multilabel: bool | None = False
    least_rows_to_score: ClassVar[int] = 1

    def read(self, y: Any, sequences: Sequences, *, per_step: bool) -> np.ndarray:
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
        ndarray of shape (n_rows, ...)
            Encoded targets.

        Raises
        ------
        ValueError
            If they are not of a valid form or value, or unlike those seen before.
        """
        dtype = sequences.dtype
        if per_step:
            y = as_step_targets(y, sequences.lengths).values
            return self._encode(self._checked(y, dtype), dtype)
        check_consistent_length(sequences.lengths, y)
        try:
            checked = self._checked(y, dtype)
        except ValueError as error:
            if _has_step_targets(y, sequences):
                raise ValueError(
                    "y has one target for every time step; with return_sequences=False one for "
                    "every sequence is expected. Set return_sequences=True."
                ) from error
            raise
        return self._encode(checked, dtype)

    @abstractmethod
    def _checked(self, y: Any, dtype: np.dtype) -> np.ndarray:
        """Return `y` as a finite array of one or two axes."""

    @abstractmethod
    def _encode(self, y: np.ndarray, dtype: np.dtype) -> np.ndarray:
        """Learn classes or outputs from the first `y`, check a later one; return it encoded."""

    def weights(self, y: np.ndarray, row_weight: np.ndarray) -> np.ndarray | None:
        """Return the weight that every row has by its encoded target, None where all are one.

        Parameters
        ----------
        y : ndarray of shape (n_rows, ...)
            Encoded targets.
        row_weight : ndarray of shape (n_rows,)
            Weights of the rows by their samples.
        """
        return None

    def strata(self, y: np.ndarray, n_held_out: int) -> np.ndarray | None:
        """Return the labels to stratify by where `n_held_out` rows are held out, None for none."""
        return None

    @abstractmethod
    def scaled(self, y: np.ndarray, row_weight: np.ndarray) -> np.ndarray:
        """Return encoded targets as the loss takes them.

        Parameters
        ----------
        y : ndarray of shape (n_rows, ...)
            Encoded targets.
        row_weight : ndarray of shape (n_rows,)
            Weights of the rows: the first call learns the scale with them.
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

    @abstractmethod
    def score(self, y: Any, y_pred: np.ndarray, sample_weight: np.ndarray | None) -> float:
        """Return the estimator's score of rows, accuracy or R2; all as the user's targets."""


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

    @property
    def n_classes(self) -> int:
        """Number of classes; of outputs if multilabel."""
        assert self.classes is not None
        return len(self.classes)

    @property
    def _several(self) -> bool:
        return not self.multilabel and self.n_classes > 2

    def _checked(self, y: Any, dtype: np.dtype) -> np.ndarray:
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

    def weights(self, y: np.ndarray, row_weight: np.ndarray) -> np.ndarray | None:
        if self.class_weight is None:
            return None
        assert self.classes is not None
        classes = np.array([0, 1]) if self.multilabel else self.classes
        codes = y.astype(np.intp)
        weights = class_weights_of_rows(self.class_weight, codes, classes, row_weight)
        return weights.astype(row_weight.dtype)

    def strata(self, y: np.ndarray, n_held_out: int) -> np.ndarray | None:
        if self.multilabel:
            return None
        count = np.bincount(y)
        count = count[count > 0]
        # Every class needs a sample on both sides; else a plain random split has to do.
        possible = count.min() >= 2 and len(count) <= min(n_held_out, len(y) - n_held_out)
        return y if possible else None

    def scaled(self, y: np.ndarray, row_weight: np.ndarray) -> np.ndarray:
        if self.multilabel or self._several:
            return y
        return y[:, None].astype(row_weight.dtype)

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

    def probabilities(self, raw_prediction: np.ndarray) -> np.ndarray:
        """Return the probability of every class, ndarray of shape (n_rows, n_classes)."""
        if not self.multilabel and self.n_classes == 1:
            return np.ones_like(raw_prediction)
        proba = self.loss.link.inverse(raw_prediction)
        if not self.multilabel and self.n_classes == 2:
            proba = np.hstack([1 - proba, proba])
        return proba

    def score(self, y: Any, y_pred: np.ndarray, sample_weight: np.ndarray | None) -> float:
        # Here, as importing it takes longer than importing all of skrnn.
        from sklearn.metrics import accuracy_score

        return accuracy_score(y, y_pred, sample_weight=sample_weight)


@dataclass
class NumberTargets(Targets):
    """Numbers, one or several a row.

    Encoded they are an ndarray of shape (n_rows, n_outputs) in the dtype of the network; the
    loss sees them as ``(y - location) / scale``.

    Parameters
    ----------
    owner : str
        Name of the estimator, for errors.
    loss : Loss
        What training minimises; it says which targets are valid and how they may be scaled.
    loss_name : str
        How the user asked for the loss, for errors.
    normalize_y : bool
        As the estimator takes it.
    single : bool, default=None
        Whether the user's targets have one axis. None decides by the first `y`, as for those
        that follow.
    n_outputs : int, default=0
        Numbers a row.
    location, scale : ndarray of shape (n_outputs,), default=None
        What is subtracted from the targets, and what they are divided by.
    """

    owner: str
    loss: Loss
    loss_name: str
    normalize_y: bool
    single: bool | None = None
    n_outputs: int = 0
    location: np.ndarray | None = None
    scale: np.ndarray | None = None
    least_rows_to_score: ClassVar[int] = 2  # R2 has a variance in it

    def _checked(self, y: Any, dtype: np.dtype) -> np.ndarray:
        return check_array(y, ensure_2d=False, dtype=dtype, input_name="y", estimator=self.owner)

    def _encode(self, y: np.ndarray, dtype: np.dtype) -> np.ndarray:
        self._check_domain(y)
        columns = y.reshape(len(y), -1)
        if self.single is None:
            self.single, self.n_outputs = y.ndim == 1, columns.shape[1]
        elif columns.shape[1] != self.n_outputs:
            raise ValueError(
                f"y has {columns.shape[1]} outputs, but {self.owner} was fitted with "
                f"{self.n_outputs}."
            )
        return columns

    def _check_domain(self, y: np.ndarray) -> None:
        """Check that the loss is defined for all targets."""
        interval = self.loss.interval
        for extreme, value in (("minimum", y.min()), ("maximum", y.max())):
            if not interval.includes(value):
                raise ValueError(
                    f"{self.loss_name} needs targets in {interval}; got y with {extreme} {value}. "
                    "Choose another loss."
                )

    def scaled(self, y: np.ndarray, row_weight: np.ndarray) -> np.ndarray:
        if self.location is None:
            self.location, self.scale = self._location_and_scale(y, row_weight)
        return (y - self.location) / self.scale

    def _location_and_scale(
        self, y: np.ndarray, row_weight: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        zero, one = np.zeros(y.shape[1], y.dtype), np.ones(y.shape[1], y.dtype)
        low, high = self.loss.interval[:2]
        if not self.normalize_y or {low, high} - {-np.inf, 0, np.inf}:
            # Any other scale would take targets out of the interval.
            return zero, one
        mean = np.average(y, axis=0, weights=row_weight)
        if not self.loss.link.additive or 0 in (low, high):
            return zero, np.where(mean > 0, mean, one)
        scale = np.sqrt(np.average(np.square(y - mean), axis=0, weights=row_weight))
        # Rounding alone gives a constant target a spread of this size; its value is a scale too.
        constant = scale <= 10 * np.finfo(y.dtype).eps * np.abs(mean)
        return mean, np.where(constant, np.where(mean == 0, one, np.abs(mean)), scale)

    def decode(self, raw_prediction: np.ndarray) -> np.ndarray:
        y_pred = self.loss.link.inverse(raw_prediction) * self.scale + self.location
        return self.unencoded(y_pred)

    def unencoded(self, y: np.ndarray) -> np.ndarray:
        return y[:, 0] if self.single else y

    def score(self, y: Any, y_pred: np.ndarray, sample_weight: np.ndarray | None) -> float:
        from sklearn.metrics import r2_score

        return r2_score(y, y_pred, sample_weight=sample_weight)


def class_weights_of_rows(
    class_weight: Any, codes: np.ndarray, classes: np.ndarray, row_weight: np.ndarray
) -> np.ndarray:
    """Return the class weight of every row.

    Parameters
    ----------
    class_weight : dict, list of dict or "balanced"
        As in scikit-learn; a dict holds for every output. ``"balanced"`` gives every class that
        occurs the same total weight.
    codes : int ndarray of shape (n_rows,) or (n_rows, n_outputs)
        Indices in `classes`; the weights of several outputs are multiplied.
    classes : ndarray of shape (n_classes,)
        All classes, whether or not they occur.
    row_weight : ndarray of shape (n_rows,)
        Weights that ``"balanced"`` counts with, so that a weight of two equals two rows.

    Returns
    -------
    ndarray of shape (n_rows,)

    Raises
    ------
    ValueError
        If `class_weight` names unknown classes or does not have one dict for every output.
    """
    columns = codes.reshape(len(codes), -1).T
    if not isinstance(class_weight, list):
        class_weight = [class_weight] * len(columns)
    elif len(class_weight) != len(columns):
        raise ValueError(
            f"class_weight is a list of {len(class_weight)}, but y has {len(columns)} output(s): "
            "give one dict for every output."
        )
    weights = np.ones(len(codes))
    for column, column_weight in zip(columns, class_weight, strict=True):
        if column_weight == "balanced":
            weights *= _balanced(column, row_weight)[column]
        else:
            weights *= compute_class_weight(column_weight, classes=classes, y=classes)[column]
    return weights


def _balanced(codes: np.ndarray, row_weight: np.ndarray) -> np.ndarray:
    """Return weights by code that give every code that occurs the same total weight."""
    count = np.bincount(codes, weights=row_weight)
    present = count > 0
    balanced = np.zeros(len(count))
    balanced[present] = count.sum() / (present.sum() * count[present])
    return balanced
