"""Losses in the space of the raw prediction (before softmax, logistic or exponential).

A loss is called as ``loss(raw_prediction, y, sample_weight)`` and returns the weighted *sum*
of the losses of its rows and the gradient of that sum: BPTT's total error is a sum over
samples and time steps, and whoever wants a mean divides once, by the sum of the weights.
Regression losses average over outputs, the logistic loss of multilabel targets sums over them,
as scikit-learn's multi-layer perceptron does.

``predict(raw_prediction)`` maps to the space of the target: probabilities or means.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.special import expit, xlogy

from skrnn.core.kernels import compiled


def softmax(raw_prediction: np.ndarray) -> np.ndarray:
    """Return ``exp(raw) / sum(exp(raw))`` over the last axis, without overflow."""
    e = np.exp(raw_prediction - raw_prediction.max(axis=1, keepdims=True))
    e /= e.sum(axis=1, keepdims=True)
    return e


@compiled
def softmax_cross_entropy(
    raw_prediction: np.ndarray, y: np.ndarray, sample_weight: np.ndarray
) -> tuple[float, np.ndarray]:
    """Return what `SoftmaxCrossEntropy` does."""
    shifted = raw_prediction - raw_prediction.max(axis=1, keepdims=True)
    d_raw = np.exp(shifted)
    total = d_raw.sum(axis=1, keepdims=True)
    of_y = np.arange(0, d_raw.size, d_raw.shape[1]) + y
    losses = np.log(total[:, 0]) - shifted.ravel()[of_y]
    d_raw /= total
    d_raw.ravel()[of_y] -= 1
    d_raw *= sample_weight[:, None]
    return float(np.sum(losses * sample_weight)), d_raw


@dataclass(frozen=True)
class SoftmaxCrossEntropy:
    r"""Multiclass log loss.

    .. math:: l = \log \sum_k e^{raw_k} - raw_y

    `y` holds class codes, an integer ndarray of shape (n_rows,).
    """

    out_activation: ClassVar[str] = "softmax"

    def __call__(
        self, raw_prediction: np.ndarray, y: np.ndarray, sample_weight: np.ndarray
    ) -> tuple[float, np.ndarray]:
        return softmax_cross_entropy(raw_prediction, y, sample_weight)

    def predict(self, raw_prediction: np.ndarray) -> np.ndarray:
        return softmax(raw_prediction)


@dataclass(frozen=True)
class LogisticCrossEntropy:
    r"""Log loss of one (binary) or several independent (multilabel) yes-or-no outputs.

    .. math:: l = \sum_k \log(1 + e^{raw_k}) - y_k \, raw_k

    `y` holds zeros and ones, of shape (n_rows, n_outputs).
    """

    out_activation: ClassVar[str] = "logistic"

    def __call__(
        self, raw_prediction: np.ndarray, y: np.ndarray, sample_weight: np.ndarray
    ) -> tuple[float, np.ndarray]:
        losses = (np.logaddexp(0, raw_prediction) - y * raw_prediction).sum(axis=1)
        d_raw = expit(raw_prediction) - y
        d_raw *= sample_weight[:, None]
        return float(np.sum(losses * sample_weight)), d_raw

    def predict(self, raw_prediction: np.ndarray) -> np.ndarray:
        return expit(raw_prediction)


def _weighted_mean_over_outputs(
    losses: np.ndarray, d_raw: np.ndarray, sample_weight: np.ndarray
) -> tuple[float, np.ndarray]:
    weight = (sample_weight / losses.shape[1])[:, None]
    return float(np.sum(losses * weight)), d_raw * weight


@dataclass(frozen=True)
class SquaredError:
    r"""Half the squared error, :math:`l = (raw - y)^2 / 2`: fits the mean."""

    out_activation: ClassVar[str] = "identity"

    def __call__(
        self, raw_prediction: np.ndarray, y: np.ndarray, sample_weight: np.ndarray
    ) -> tuple[float, np.ndarray]:
        error = raw_prediction - y
        return _weighted_mean_over_outputs(0.5 * error * error, error, sample_weight)

    def predict(self, raw_prediction: np.ndarray) -> np.ndarray:
        return raw_prediction


@dataclass(frozen=True)
class AbsoluteError:
    r"""Absolute error, :math:`l = |raw - y|`: fits the median."""

    out_activation: ClassVar[str] = "identity"

    def __call__(
        self, raw_prediction: np.ndarray, y: np.ndarray, sample_weight: np.ndarray
    ) -> tuple[float, np.ndarray]:
        error = raw_prediction - y
        return _weighted_mean_over_outputs(np.abs(error), np.sign(error), sample_weight)

    def predict(self, raw_prediction: np.ndarray) -> np.ndarray:
        return raw_prediction


@dataclass(frozen=True)
class Huber:
    r"""Squared error near zero, absolute error beyond `huber_delta` (Huber, 1964).

    .. math:: l = \begin{cases} e^2 / 2 & |e| \le \delta \\
                  \delta (|e| - \delta / 2) & \text{else}\end{cases}
              \qquad e = raw - y
    """

    huber_delta: float = 1.0
    out_activation: ClassVar[str] = "identity"

    def __call__(
        self, raw_prediction: np.ndarray, y: np.ndarray, sample_weight: np.ndarray
    ) -> tuple[float, np.ndarray]:
        error = raw_prediction - y
        clipped = np.clip(error, -self.huber_delta, self.huber_delta)
        return _weighted_mean_over_outputs(
            clipped * (error - 0.5 * clipped), clipped, sample_weight
        )

    def predict(self, raw_prediction: np.ndarray) -> np.ndarray:
        return raw_prediction


@dataclass(frozen=True)
class Quantile:
    r"""Pinball loss (Koenker & Bassett, 1978): fits the given quantile of the target.

    .. math:: l = \max(q \, (y - raw), (q - 1)(y - raw))
    """

    quantile: float = 0.5
    out_activation: ClassVar[str] = "identity"

    def __call__(
        self, raw_prediction: np.ndarray, y: np.ndarray, sample_weight: np.ndarray
    ) -> tuple[float, np.ndarray]:
        error = y - raw_prediction
        q = self.quantile
        losses = np.maximum(q * error, (q - 1) * error)
        d_raw = np.where(error > 0, -q, np.where(error < 0, 1 - q, 0)).astype(error.dtype)
        return _weighted_mean_over_outputs(losses, d_raw, sample_weight)

    def predict(self, raw_prediction: np.ndarray) -> np.ndarray:
        return raw_prediction


@dataclass(frozen=True)
class Poisson:
    r"""Half the Poisson deviance with a log link: for counts, `y` >= 0.

    .. math:: l = y \log(y / \mu) - y + \mu, \qquad \mu = e^{raw}
    """

    out_activation: ClassVar[str] = "exponential"

    def __call__(
        self, raw_prediction: np.ndarray, y: np.ndarray, sample_weight: np.ndarray
    ) -> tuple[float, np.ndarray]:
        with np.errstate(over="ignore"):  # an infinite loss is reported by the training loop
            mean = np.exp(raw_prediction)
        losses = xlogy(y, y) - y * raw_prediction - y + mean
        return _weighted_mean_over_outputs(losses, mean - y, sample_weight)

    def predict(self, raw_prediction: np.ndarray) -> np.ndarray:
        return np.exp(raw_prediction)


Loss = (
    SoftmaxCrossEntropy
    | LogisticCrossEntropy
    | SquaredError
    | AbsoluteError
    | Huber
    | Quantile
    | Poisson
)

LOSSES: dict[str, type[Loss]] = {
    "softmax_cross_entropy": SoftmaxCrossEntropy,
    "logistic_cross_entropy": LogisticCrossEntropy,
    "squared_error": SquaredError,
    "absolute_error": AbsoluteError,
    "huber": Huber,
    "quantile": Quantile,
    "poisson": Poisson,
}
REGRESSION_LOSSES = tuple(name for name in LOSSES if not name.endswith("cross_entropy"))
