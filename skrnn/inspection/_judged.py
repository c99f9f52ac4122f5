"""How good a network is on some data: against the best constant, and against other data."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from sklearn.metrics import r2_score

from skrnn.core.losses import Loss, SquaredError, best_constant, skill_of, tells_of
from skrnn.core.row_weights import total_weight
from skrnn.inspection._opened import Opened, predicted_codes

# Below this share of skill a loss is no better than that of the best constant prediction.
LEAST_SKILL = 0.01
# Below this one it takes many samples to tell it from such a loss.
LITTLE_SKILL = 0.1
# Differences of fewer standard errors may be chance.
ERRORS = 2.0
# What sums of weights in another order may differ by.
ROUNDING = 1e-9


@dataclass(frozen=True)
class Judged:
    r"""Loss and score of a network on some data, beside those of the best constant prediction.

    .. math:: gain = \frac{score - constant\_score}{1 - constant\_score}

    Attributes
    ----------
    loss : float
        Mean of what training minimises, weighted alike, without the penalty; infinite where the
        predictions are not finite.
    constant_loss : float
        The same of the best constant prediction.
    score : float
        Accuracy, weighted by class weights; of a regressor with squared error R2, with another
        loss the skill. -inf where the predictions are not finite.
    constant_score : float
        That of the most frequent class, or 0.0 of a regressor.
    n_samples : int
        Sequences.
    classifies : bool
        Whether the score is an accuracy.
    measure : Loss
        What the losses are values of.
    """

    loss: float
    constant_loss: float
    score: float
    constant_score: float
    n_samples: int
    classifies: bool
    measure: Loss

    @property
    def tells(self) -> bool:
        """Whether the targets differ, so that there is anything to learn."""
        precision = float(np.finfo(np.float32).eps)
        return tells_of(self.measure, self.constant_loss, precision) and self.constant_score < 1

    @property
    def skill(self) -> float:
        """1.0 is the best there can be, 0.0 that of the best constant prediction."""
        if not np.isfinite(self.loss):
            return -np.inf
        return skill_of(self.measure, self.loss, self.constant_loss)

    @property
    def gain(self) -> float:
        """1.0 is a perfect score, 0.0 that of the best constant prediction."""
        return (self.score - self.constant_score) / (1 - self.constant_score) if self.tells else 1.0

    @property
    def error(self) -> float:
        """About one standard error of `gain`, from the number of samples."""
        score = min(max(self.score, 0.0), 1.0)
        if self.classifies:
            # Not of the score itself, which is 0 for a score of 1: of one with a miss in it.
            n = self.n_samples + 2
            share = (score * self.n_samples + 1) / n
            return float(np.sqrt(share * (1 - share) / n)) / (1 - self.constant_score)
        return 2 * (1 - score) / float(np.sqrt(self.n_samples))

    @property
    def at_chance(self) -> bool:
        """Whether a constant would do as well, as far as so many samples can tell."""
        return self.tells and (
            self.gain <= ROUNDING
            or (self.skill < LITTLE_SKILL and self.gain <= ERRORS * self.error)
        )

    @property
    def clearly_at_chance(self) -> bool:
        """Whether neither the score nor the loss has anything to show."""
        return self.at_chance and (self.gain < -ROUNDING or self.skill < LEAST_SKILL)


@dataclass(frozen=True)
class Judge:
    """Judges a network on the data that it is opened with."""

    opened: Opened

    @cached_property
    def raw_prediction(self) -> np.ndarray:
        """Raw prediction of every row."""
        with np.errstate(over="ignore", invalid="ignore"):
            return self.opened.raw_prediction()

    @cached_property
    def judged(self) -> Judged:
        """Loss and score."""
        opened, loss = self.opened, self._loss()
        _, constant_loss = best_constant(
            opened.loss, self._y, self._weight, opened.network.architecture.n_outputs
        )
        constant_score, score = self._scores(skill_of(opened.loss, loss, constant_loss))
        return Judged(
            loss,
            constant_loss,
            score if np.isfinite(self.raw_prediction).all() else -np.inf,
            constant_score,
            opened.sequences.n_samples,
            opened.classifies,
            opened.loss,
        )

    @property
    def _y(self) -> np.ndarray:
        assert self.opened.y is not None
        return self.opened.y

    @property
    def _weight(self) -> np.ndarray:
        assert self.opened.row_weight is not None
        return self.opened.row_weight

    def _loss(self) -> float:
        with np.errstate(over="ignore", invalid="ignore"):
            value, _ = self.opened.loss(self.raw_prediction, self._y, self._weight)
        mean = value / total_weight(self._weight)
        return mean if np.isfinite(mean) else np.inf

    def _scores(self, skill: float) -> tuple[float, float]:
        """Return the score of the best constant, and that of the network."""
        if self.opened.classifies:
            return self._accuracies()
        raw, y = self.raw_prediction, self._y
        squared = isinstance(self.opened.loss, SquaredError)
        if not squared or not np.isfinite(raw).all():
            return 0.0, skill
        return 0.0, self._r2(y, raw) if self._most_targets() >= 2 else skill

    def _most_targets(self) -> int:
        """Return the number of targets of the output that has the most."""
        labelled = self.opened.labelled
        return len(self._y) if labelled is None else int(labelled.sum(axis=0).max())

    def _r2(self, y: np.ndarray, raw: np.ndarray) -> float:
        if self._weight.ndim == 1:
            return float(r2_score(y, raw, sample_weight=self._weight))
        scores = [
            r2_score(y[own > 0, k], raw[own > 0, k], sample_weight=own[own > 0])
            for k, own in enumerate(self._weight.T)
            if np.count_nonzero(own) >= 2
        ]
        return float(np.mean(scores))

    def _accuracies(self) -> tuple[float, float]:
        if self.opened.multilabel:
            predicted, y = (self.raw_prediction > 0).astype(int), self._y.astype(int)
            if self._weight.ndim == 2:
                return self._accuracies_of_known(predicted, y)
        else:
            # A single class has nothing that it could be taken for.
            predicted = predicted_codes(self.raw_prediction)[:, None]
            y = self._y.reshape(-1, 1).astype(int)
        weight = self._weight.astype(np.float64) / self._weight.sum(dtype=np.float64)
        _, rows = np.unique(y, axis=0, return_inverse=True)
        constant = float(np.bincount(rows.reshape(-1), weights=weight).max())
        right = float(weight[(predicted == y).all(axis=1)].sum())
        return min(constant, 1.0), min(right, 1.0)

    def _accuracies_of_known(self, predicted: np.ndarray, y: np.ndarray) -> tuple[float, float]:
        """Return the same where single labels are missing: they cannot be wrong."""
        weight = self._weight.astype(np.float64)
        constant = (weight * y).sum(axis=0) > weight.sum(axis=0) / 2
        of_rows = weight.max(axis=1) / weight.max(axis=1).sum()
        constant_score, score = (
            float(of_rows[((labels == y) | (weight == 0)).all(axis=1)].sum())
            for labels in (constant, predicted)
        )
        return min(constant_score, 1.0), min(score, 1.0)
