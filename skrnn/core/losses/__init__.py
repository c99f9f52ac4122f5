"""Losses in the space of the raw prediction (before softmax, logistic or exponential).

A loss is called as ``loss(raw_prediction, y, sample_weight)`` and returns the weighted *sum*
of the losses of its rows and the gradient of that sum: BPTT's total error is a sum over
samples and time steps, and whoever wants a mean divides once, by the sum of the weights.
Regression losses average over outputs, the logistic loss of multilabel targets sums over them,
as scikit-learn's multi-layer perceptron does.

A loss also says which targets it takes (`Interval`), how a raw prediction becomes a prediction
(`Link`), and how many raw numbers describe a target, so that nobody else has to know it by its
name. `Loss` is the protocol; one of your own may derive from `BaseLoss` or `DistributionLoss`.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import MutableMapping

from skrnn.core.losses._base import (
    IDENTITY_LINK,
    LOG_LINK,
    LOGIT_LINK,
    REAL_LINE,
    SOFTMAX_LINK,
    AbsoluteError,
    BaseLoss,
    Gamma,
    Huber,
    Interval,
    Link,
    LogisticCrossEntropy,
    Loss,
    Poisson,
    SoftmaxCrossEntropy,
    SquaredError,
    best_constant,
    known_constant,
    levels_of,
    log_softmax,
    mean_over_outputs,
    n_raw_of,
    skill_of,
    softmax,
    softmax_cross_entropy,
    tells_of,
    unchanged,
)
from skrnn.core.losses._distributions import (
    LEAST_DISPERSION,
    LEAST_SCALE,
    DistributionLoss,
    Gaussian,
    NegativeBinomial,
)
from skrnn.core.losses._positive import SHIFT
from skrnn.core.losses._quantile import NonCrossing, Quantile, as_levels
from skrnn.core.losses._several import by_target, mean_over_targets

CLASSIFICATION_LOSSES: dict[str, type[BaseLoss]] = {
    "softmax_cross_entropy": SoftmaxCrossEntropy,
    "logistic_cross_entropy": LogisticCrossEntropy,
}
REGRESSION_LOSSES: dict[str, type[BaseLoss]] = {
    "squared_error": SquaredError,
    "absolute_error": AbsoluteError,
    "huber": Huber,
    "quantile": Quantile,
    "poisson": Poisson,
    "gamma": Gamma,
    "gaussian": Gaussian,
    "negative_binomial": NegativeBinomial,
}
# A view of both: an entry added to either is here, too.
LOSSES: MutableMapping[str, type[BaseLoss]] = ChainMap(REGRESSION_LOSSES, CLASSIFICATION_LOSSES)

__all__ = [
    "CLASSIFICATION_LOSSES",
    "IDENTITY_LINK",
    "LEAST_DISPERSION",
    "LEAST_SCALE",
    "LOGIT_LINK",
    "LOG_LINK",
    "LOSSES",
    "REAL_LINE",
    "REGRESSION_LOSSES",
    "SHIFT",
    "SOFTMAX_LINK",
    "AbsoluteError",
    "BaseLoss",
    "DistributionLoss",
    "Gamma",
    "Gaussian",
    "Huber",
    "Interval",
    "Link",
    "LogisticCrossEntropy",
    "Loss",
    "NegativeBinomial",
    "NonCrossing",
    "Poisson",
    "Quantile",
    "SoftmaxCrossEntropy",
    "SquaredError",
    "as_levels",
    "best_constant",
    "by_target",
    "known_constant",
    "levels_of",
    "log_softmax",
    "mean_over_outputs",
    "mean_over_targets",
    "n_raw_of",
    "skill_of",
    "softmax",
    "softmax_cross_entropy",
    "tells_of",
    "unchanged",
]
