"""What training records: the curves that a fit leaves."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from skrnn.core.optimizers import sum_of_squares

__all__ = ["Epoch", "History", "update_ratio"]


class Epoch(NamedTuple):
    """What one epoch adds to the curves of `History`."""

    loss: float
    grad_norm: float
    clip_rate: float = 0.0
    update_ratio: float = np.nan


@dataclass
class History:
    """What training records after every epoch.

    Attributes
    ----------
    loss_curve : list of float
        Mean training loss of every epoch, penalty included.
    grad_norm_curve : list of float
        Mean over the epoch's batches of the gradient's norm before clipping.
    validation_losses, validation_scores : list of float
        Loss and score on the validation set after every epoch, NaN after those without one;
        empty if no epoch had one.
    clip_rate_curve : list of float
        Share of every epoch's batches whose gradient was clipped.
    update_ratio_curve : list of float
        Norm of the step of every epoch's first batch over the norm of the parameters before it.
    """

    loss_curve: list[float] = field(default_factory=list)
    grad_norm_curve: list[float] = field(default_factory=list)
    validation_scores: list[float] = field(default_factory=list)
    clip_rate_curve: list[float] = field(default_factory=list)
    update_ratio_curve: list[float] = field(default_factory=list)
    validation_losses: list[float] = field(default_factory=list)

    def add(self, epoch: Epoch) -> None:
        """Record an epoch."""
        self.loss_curve.append(epoch.loss)
        self.grad_norm_curve.append(epoch.grad_norm)
        self.clip_rate_curve.append(epoch.clip_rate)
        self.update_ratio_curve.append(epoch.update_ratio)

    def add_validation(self, judge: Callable[[], tuple[float, float]] | None) -> float:
        """Record what `judge` says of the epoch added last; return its loss.

        The curves stay as long as those of training: epochs without a validation set have NaN.
        """
        if judge is None and not self.validation_losses:
            return np.nan
        n_without = len(self.loss_curve) - 1 - len(self.validation_losses)
        loss, score = (np.nan, np.nan) if judge is None else judge()
        self.validation_losses += [np.nan] * n_without + [float(loss)]
        self.validation_scores += [np.nan] * n_without + [float(score)]
        return float(loss)


def update_ratio(before: np.ndarray, after: np.ndarray) -> float:
    """Return ``||after - before|| / ||before||``, infinite where `before` is all zero."""
    size = sum_of_squares(before)
    return math.sqrt(sum_of_squares(after - before) / size) if size else math.inf
