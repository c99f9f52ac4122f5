"""Wrappers of estimators, with the way to the network inside each written out by hand."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import (
    FixedThresholdClassifier,
    GridSearchCV,
    HalvingGridSearchCV,
    RandomizedSearchCV,
    TunedThresholdClassifierCV,
)
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from skrnn import RNNClassifier, RNNRegressor
from skrnn.preprocessing import SequenceScaler

SHORT = {"max_iter": 5, "tol": 1e9, "n_iter_no_change": 1, "random_state": 0}
N_CHANNELS = 2
RATES = [0.01, 0.02]


def table() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return 24 sequences of 6 steps and 2 channels as a 2-D table, numbers and classes."""
    rng = np.random.default_rng(0)
    X = 3 + 2 * rng.normal(size=(24, 6 * N_CHANNELS))
    y = X[:, 0] - X[:, 3] + 10
    return X, y, (y > np.median(y)).astype(int)


def network() -> RNNRegressor:
    return RNNRegressor(4, n_channels=N_CHANNELS, **SHORT)


def classifier() -> RNNClassifier:
    return RNNClassifier(4, n_channels=N_CHANNELS, **SHORT)


def scaled(est: Any) -> Pipeline:
    return Pipeline([("scale", SequenceScaler(n_channels=N_CHANNELS)), ("rnn", est)])


def search(est: Any, parameter: str) -> GridSearchCV:
    return GridSearchCV(est, {parameter: RATES}, cv=2)


def logarithm_of(est: Any) -> TransformedTargetRegressor:
    return TransformedTargetRegressor(est, func=np.log, inverse_func=np.exp)


def frozen(est: Any) -> FrozenEstimator:
    X, y, labels = table()
    innermost = est["rnn"] if isinstance(est, Pipeline) else est
    return FrozenEstimator(est.fit(X, y if isinstance(innermost, RNNRegressor) else labels))


class Wrapper(NamedTuple):
    """A wrapper, and the way through it when it is fitted."""

    make: Callable[[], Any]
    network: Callable[[Any], Any]
    X: Callable[[Any, Any], Any] = lambda est, X: X
    y: Callable[[Any, Any], Any] = lambda est, y: y
    classifies: bool = False


WRAPPERS = {
    "itself": Wrapper(network, lambda est: est),
    "Pipeline": Wrapper(
        lambda: scaled(network()),
        lambda est: est["rnn"],
        lambda est, X: est["scale"].transform(X),
    ),
    "Pipeline of a Pipeline": Wrapper(
        lambda: Pipeline([("standard", StandardScaler()), ("inner", scaled(network()))]),
        lambda est: est["inner"]["rnn"],
        lambda est, X: est["inner"]["scale"].transform(est["standard"].transform(X)),
    ),
    "Pipeline without transformers": Wrapper(
        lambda: Pipeline([("rnn", network())]), lambda est: est["rnn"]
    ),
    "search": Wrapper(
        lambda: search(network(), "learning_rate_init"), lambda est: est.best_estimator_
    ),
    "randomized search": Wrapper(
        lambda: RandomizedSearchCV(
            network(), {"learning_rate_init": RATES}, n_iter=1, cv=2, random_state=0
        ),
        lambda est: est.best_estimator_,
    ),
    "halving search": Wrapper(
        lambda: HalvingGridSearchCV(
            network(), {"learning_rate_init": RATES}, cv=2, min_resources=12, random_state=0
        ),
        lambda est: est.best_estimator_,
    ),
    "search of a Pipeline": Wrapper(
        lambda: search(scaled(network()), "rnn__learning_rate_init"),
        lambda est: est.best_estimator_["rnn"],
        lambda est, X: est.best_estimator_["scale"].transform(X),
    ),
    "Pipeline of a search": Wrapper(
        lambda: scaled(search(network(), "learning_rate_init")),
        lambda est: est["rnn"].best_estimator_,
        lambda est, X: est["scale"].transform(X),
    ),
    "FrozenEstimator": Wrapper(lambda: frozen(network()), lambda est: est.estimator),
    "FrozenEstimator of a Pipeline": Wrapper(
        lambda: frozen(scaled(network())),
        lambda est: est.estimator["rnn"],
        lambda est, X: est.estimator["scale"].transform(X),
    ),
    "Pipeline of a FrozenEstimator": Wrapper(
        lambda: scaled(frozen(network())),
        lambda est: est["rnn"].estimator,
        lambda est, X: est["scale"].transform(X),
    ),
    "TransformedTargetRegressor": Wrapper(
        lambda: logarithm_of(network()),
        lambda est: est.regressor_,
        y=lambda est, y: np.log(y),
    ),
    "TransformedTargetRegressor with a transformer": Wrapper(
        lambda: TransformedTargetRegressor(scaled(network()), transformer=StandardScaler()),
        lambda est: est.regressor_["rnn"],
        lambda est, X: est.regressor_["scale"].transform(X),
        lambda est, y: (y - y.mean()) / y.std(),
    ),
    "Pipeline of a TransformedTargetRegressor of a search": Wrapper(
        lambda: scaled(logarithm_of(search(network(), "learning_rate_init"))),
        lambda est: est["rnn"].regressor_.best_estimator_,
        lambda est, X: est["scale"].transform(X),
        lambda est, y: np.log(y),
    ),
    "CalibratedClassifierCV": Wrapper(
        lambda: CalibratedClassifierCV(classifier(), cv=2),
        lambda est: est.calibrated_classifiers_[0].estimator,
        classifies=True,
    ),
    "CalibratedClassifierCV of a frozen Pipeline": Wrapper(
        lambda: CalibratedClassifierCV(frozen(scaled(classifier()))),
        lambda est: est.calibrated_classifiers_[0].estimator.estimator["rnn"],
        lambda est, X: est.calibrated_classifiers_[0].estimator.estimator["scale"].transform(X),
        classifies=True,
    ),
    "FixedThresholdClassifier": Wrapper(
        lambda: FixedThresholdClassifier(scaled(classifier())),
        lambda est: est.estimator_["rnn"],
        lambda est, X: est.estimator_["scale"].transform(X),
        classifies=True,
    ),
    "TunedThresholdClassifierCV": Wrapper(
        lambda: TunedThresholdClassifierCV(classifier(), cv=2),
        lambda est: est.estimator_,
        classifies=True,
    ),
}


def target_of(name: str) -> np.ndarray:
    """Return the target that a wrapper is fitted on."""
    _, y, labels = table()
    return labels if WRAPPERS[name].classifies else y


@cache
def fitted(name: str) -> Any:
    """Return a fitted wrapper, always the same: not to be changed."""
    return clone(WRAPPERS[name].make()).fit(table()[0], target_of(name))
