"""Targets of RNNRegressor: numbers, encoded and scaled in double precision."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Any, ClassVar, cast

import numpy as np
from sklearn.utils import check_array

from skrnn.core.losses import (
    REGRESSION_LOSSES,
    DistributionLoss,
    Loss,
    by_target,
    levels_of,
    n_raw_of,
)
from skrnn.estimators._target_scale import TargetScale
from skrnn.estimators._targets import Targets


@dataclass
class NumberTargets(Targets):
    """Numbers, one or several a row.

    Encoded they are a float64 ndarray of shape (n_rows, n_outputs), whatever the dtype of the
    network: a float32 of 5,300,000 has no room for decimals. The loss sees them as
    ``(y - location) / scale``, which are of order one, in the network's dtype. An output that is
    the same in all rows is predicted as that number.

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
    target_scale : TargetScale, default=None
        What `learn_scale` has learnt.
    """

    owner: str
    loss: Loss
    loss_name: str
    normalize_y: bool
    single: bool | None = None
    n_outputs: int = 0
    target_scale: TargetScale | None = None
    least_rows_to_score: ClassVar[int] = 2  # R2 has a variance in it
    remedy_for_missing: ClassVar[str] = "Leave out the samples without one, or fill them in."

    @property
    def location(self) -> np.ndarray:
        """What is subtracted from the targets, ndarray of shape (n_outputs,)."""
        assert self.target_scale is not None
        return self.target_scale.location

    @property
    def scale(self) -> np.ndarray:
        """By how much a prediction changes with a raw one, ndarray of shape (n_outputs,)."""
        assert self.target_scale is not None
        return self.target_scale.factor

    @property
    def scaling(self) -> str:
        """How targets are scaled: "standard", "mean" or "none"."""
        low, high = self.loss.interval[:2]
        link = self.loss.link
        if not (self.normalize_y and link.scales) or {low, high} - {-np.inf, 0, np.inf}:
            # Any other scale would take targets out of the interval.
            return "none"
        return "standard" if link.additive and 0 not in (low, high) else "mean"

    def scales_as(self, other: NumberTargets) -> bool:
        """Tell whether raw predictions mean the same under both."""
        return self.scaling == other.scaling and self.loss.link == other.loss.link

    def _checked(self, y: Any) -> np.ndarray:
        y = check_array(
            y,
            ensure_2d=False,
            dtype=None,
            ensure_all_finite="allow-nan",
            input_name="y",
            estimator=self.owner,
        )
        if y.dtype.kind not in "biufO" or (y.dtype == object and _holds_no_numbers(y)):
            raise ValueError(
                f"y must hold numbers, but its dtype is {y.dtype}. RNNClassifier takes labels; "
                "convert times, and numbers written as text, to numbers first."
            )
        y = y.astype(np.float64)
        if np.isnan(y).any():
            raise ValueError("Input y contains NaN.")
        return y

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

    def learn_scale(self, y: np.ndarray, row_weight: np.ndarray) -> None:
        if self.target_scale is None:
            self.target_scale = TargetScale.of(y, row_weight, self.scaling)
        else:
            self.target_scale = self.target_scale.with_more(y, row_weight, self.scaling)

    def scaled(self, y: np.ndarray, dtype: np.dtype) -> np.ndarray:
        assert self.target_scale is not None
        with np.errstate(over="ignore"):
            scaled = self.target_scale.apply(y).astype(dtype)
        if not np.isfinite(scaled).all():
            value = y.flat[int(np.argmin(np.isfinite(scaled)))]
            remedy = "Divide y by a constant"
            if dtype == np.float32:
                remedy += ", or pass X as float64"
            raise ValueError(
                f"y holds {value:.3g}, which overflows in {dtype}, the dtype of the network, on "
                f"the scale that training uses. {remedy}."
            )
        return scaled

    def decode(self, raw_prediction: np.ndarray) -> np.ndarray:
        parameters = self._parameters(raw_prediction)
        # A loss that says no more predicts the first number of every target.
        predicted = getattr(self.loss, "predicted", lambda parameters: parameters[..., 0])
        return self._answer(predicted(parameters))

    def mean_and_std(self, raw_prediction: np.ndarray) -> np.ndarray:
        """Return means and standard deviations on the user's scale, side by side.

        Returns
        -------
        ndarray of shape (n_rows, 2) or (n_rows, n_outputs, 2)
        """
        assert self.target_scale is not None
        parameters, loss = self._parameters(raw_prediction), cast(DistributionLoss, self.loss)
        mean = self.target_scale.undo(loss.predicted(parameters))
        with np.errstate(over="ignore"):
            std = loss.std(parameters) * self.scale
        return self.unencoded(np.stack([mean, std], axis=2))

    def quantiles(self, raw_prediction: np.ndarray, levels: tuple[float, ...]) -> np.ndarray:
        """Return quantiles on the user's scale.

        Returns
        -------
        ndarray of shape (n_rows, n_levels) or (n_rows, n_outputs, n_levels)
        """
        loss = cast(DistributionLoss, self.loss)
        return self._answer(loss.quantiles(self._parameters(raw_prediction), levels))

    def check_tells(self, method: str, what: str) -> None:
        """Raise ValueError where the loss has no such method: it does not know that of a target.

        Parameters
        ----------
        method : {"std", "quantiles"}
            Of the loss.
        what : str
            What the user asks for.
        """
        if hasattr(self.loss, method):
            return
        able = [f"'{name}'" for name, one in REGRESSION_LOSSES.items() if hasattr(one, method)]
        raise ValueError(
            f"{self.loss_name} predicts one number a target, and not {what}. Fit with loss="
            f"{' or '.join(able)} for that."
        )

    def _parameters(self, raw_prediction: np.ndarray) -> np.ndarray:
        """Return what the link makes of raw numbers, (n_rows, n_outputs, n_raw), on its scale."""
        with np.errstate(over="ignore"):
            parameters = self.loss.link.inverse(raw_prediction.astype(np.float64))
        return by_target(parameters, n_raw_of(self.loss))

    def _answer(self, values: np.ndarray) -> np.ndarray:
        """Return values of the targets, (n_rows, n_outputs, ...), as the user's own."""
        assert self.target_scale is not None
        undone = self.target_scale.undo(np.moveaxis(values, 1, -1))
        return self.unencoded(np.ascontiguousarray(np.moveaxis(undone, -1, 1)))

    def unencoded(self, y: np.ndarray) -> np.ndarray:
        return y[:, 0] if self.single else y

    def _score(self, y: Any, y_pred: np.ndarray, sample_weight: np.ndarray | None) -> float:
        # Here, as importing it takes longer than importing all of skrnn.
        from sklearn.metrics import d2_pinball_score, r2_score

        levels = levels_of(self.loss)
        if levels is None:
            return r2_score(y, y_pred, sample_weight=sample_weight)
        scores = [
            d2_pinball_score(y, y_pred[..., k], sample_weight=sample_weight, alpha=level)
            for k, level in enumerate(levels)
        ]
        return float(np.mean(scores))

    def _score_outputs(
        self,
        y: np.ndarray,
        y_pred: np.ndarray,
        sample_weight: np.ndarray | None,
        present: np.ndarray,
    ) -> float:
        def of_output(k: int) -> float:
            there = present[:, k]
            weight = None if sample_weight is None else sample_weight[there]
            return self._score(y[there, k], y_pred[there, k], weight)

        counts = present.sum(axis=0)
        # An output without enough targets has no score; where none has, there is none at all.
        enough = min(self.least_rows_to_score, counts.max())
        return float(np.mean([of_output(k) for k in np.flatnonzero(counts >= enough).tolist()]))


# What NumPy would convert to numbers without a word.
NO_NUMBERS = (
    str,
    bytes,
    datetime.date,
    datetime.time,
    datetime.timedelta,
    np.datetime64,
    np.timedelta64,
)


def _holds_no_numbers(y: np.ndarray) -> bool:
    """Tell whether an array of objects has texts or times in it."""
    return any(isinstance(value, NO_NUMBERS) for value in y.flat)
