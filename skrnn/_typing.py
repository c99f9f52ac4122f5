"""Types of parameters, and scikit-learn's decorators with the types that they leave as they are.

The names in a `Literal` are those of the registry of that part of a network.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray
from sklearn.base import _fit_context
from sklearn.utils import metaestimators

from skrnn.core.activations import Activation
from skrnn.core.cells import Cell
from skrnn.core.initializers import Initializer
from skrnn.core.losses import Loss
from skrnn.core.optimizers import FullBatchOptimizer, StochasticOptimizer
from skrnn.core.readouts import Readout

Auto: TypeAlias = Literal["auto"]
Seed: TypeAlias = int | np.random.RandomState | None
Ints: TypeAlias = Sequence[int] | NDArray[np.integer[Any]]
Floats: TypeAlias = Sequence[float] | NDArray[np.floating[Any]]
Labels: TypeAlias = Sequence[Any] | NDArray[Any]

ActivationName: TypeAlias = Literal[
    "tanh", "relu", "logistic", "sigmoid", "identity", "leaky_relu", "elu", "softsign"
]
CellName: TypeAlias = Literal["rnn", "lstm", "gru", "lru"]
InitializerName: TypeAlias = Literal[
    "xavier_uniform",
    "xavier_normal",
    "glorot_uniform",
    "glorot_normal",
    "he_uniform",
    "he_normal",
    "lecun_uniform",
    "lecun_normal",
    "orthogonal",
    "identity",
    "uniform",
    "normal",
    "zeros",
]
LossName: TypeAlias = Literal[
    "squared_error",
    "absolute_error",
    "huber",
    "quantile",
    "poisson",
    "gamma",
    "gaussian",
    "negative_binomial",
]
OptimizerName: TypeAlias = Literal[
    "sgd", "adam", "adamw", "rmsprop", "adagrad", "nadam", "lion", "lbfgs"
]
PlainReadoutName: TypeAlias = Literal["last", "mean", "max"]
ReadoutName: TypeAlias = Literal["last", "mean", "max", "attention"]
ScheduleName: TypeAlias = Literal["constant", "invscaling", "adaptive", "cosine"]
StatisticsName: TypeAlias = Literal["standard", "minmax", "robust"]
OwnStatisticsName: TypeAlias = Literal["standard", "minmax", "robust", "mean"]

# Parameters of the estimators, by their names.
HiddenLayerSizes: TypeAlias = int | Ints
ActivationLike: TypeAlias = ActivationName | Activation
CellLike: TypeAlias = CellName | Cell
InitializerLike: TypeAlias = InitializerName | Initializer
OptimizerLike: TypeAlias = OptimizerName | StochasticOptimizer | FullBatchOptimizer
ReadoutLike: TypeAlias = ReadoutName | Readout
Readouts: TypeAlias = Auto | ReadoutLike | Sequence[ReadoutLike]
LossLike: TypeAlias = LossName | Loss
OfChannels: TypeAlias = int | Mapping[Any, int] | None
ClassWeight: TypeAlias = Mapping[Any, float] | Sequence[Mapping[Any, float]] | None
AttributionMethod: TypeAlias = Literal["integrated_gradients", "gradient_x_input", "occlusion"]
Balanced: TypeAlias = Literal["balanced"]

Method = TypeVar("Method", bound=Callable[..., Any])


def fit_context(*, prefer_skip_nested_validation: bool) -> Callable[[Method], Method]:
    """Return scikit-learn's decorator of methods that fit."""
    return _fit_context(prefer_skip_nested_validation=prefer_skip_nested_validation)


def available_if(check: Callable[[Any], bool]) -> Callable[[Method], Method]:
    """Return scikit-learn's decorator of methods that an estimator has only if `check` says so."""
    return metaestimators.available_if(check)
