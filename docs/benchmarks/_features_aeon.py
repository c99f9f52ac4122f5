"""The attempts of `features.py` with aeon: MiniRocket, and other classifiers where these can more.

aeon's order of the axes is (samples, channels, time).
"""

from __future__ import annotations

import pickle
from typing import Any

import _features as data
import aeon
import numpy as np
from aeon.classification.convolution_based import MiniRocketClassifier
from aeon.classification.distance_based import KNeighborsTimeSeriesClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

X = data.X.transpose(0, 2, 1).astype(float)
RAGGED = [x.T.astype(float) for x in data.RAGGED]


def fitted() -> Any:
    return MiniRocketClassifier(n_kernels=100, random_state=0).fit(X, data.LABELS)


def deep_learner() -> None:
    """The networks of aeon, whose callbacks and devices are those of TensorFlow."""
    from aeon.regression.deep_learning import RecurrentRegressor

    RecurrentRegressor(n_epochs=1, callbacks=[]).fit(X, data.NUMBERS)


def different_lengths() -> str:
    KNeighborsTimeSeriesClassifier(distance="dtw").fit(RAGGED, data.LABELS).predict(RAGGED)
    return "several estimators, here nearest neighbours; others refuse them"


def cells() -> None:
    KNeighborsTimeSeriesClassifier().fit(data.CELLS, data.LABELS)


def missing() -> str:
    from aeon.transformations.collection import SimpleImputer

    gaps = data.GAPS.transpose(0, 2, 1).astype(float)
    model = make_pipeline(SimpleImputer(), MiniRocketClassifier(n_kernels=100))
    data.finite(model.fit(gaps, data.LABELS).predict_proba(gaps))
    return "behind an imputer of sequences"


def static() -> None:
    KNeighborsTimeSeriesClassifier().fit(RAGGED, data.LABELS, static=data.AGE)  # type: ignore[call-arg]


def strings() -> None:
    KNeighborsTimeSeriesClassifier().fit(data.WORDS, data.LABELS)


def steps() -> None:
    MiniRocketClassifier(n_kernels=100).fit(X, data.STEP_LABELS)


def sample_weight() -> None:
    MiniRocketClassifier(n_kernels=100).fit(X, data.LABELS, sample_weight=data.AGE)  # type: ignore[call-arg]


def class_weight() -> None:
    MiniRocketClassifier(n_kernels=100, class_weight="balanced").fit(X, data.LABELS)


def partial_fit() -> None:
    fitted().partial_fit(X, data.LABELS)


def early_stopping() -> None:
    deep_learner()


def callbacks() -> None:
    deep_learner()


def seed() -> None:
    data.same(fitted().predict_proba(X), fitted().predict_proba(X))


def checks() -> str:
    return data.checked(MiniRocketClassifier(n_kernels=100))


def search() -> None:
    grid = {"n_neighbors": [1, 3]}
    model = KNeighborsTimeSeriesClassifier(distance="dtw")
    GridSearchCV(model, grid, cv=2, error_score="raise").fit(RAGGED, data.LABELS)


def pickles() -> None:
    model = fitted()
    data.same(pickle.loads(pickle.dumps(model)).predict(X), model.predict(X))


def quantiles() -> None:
    from aeon.regression.convolution_based import MiniRocketRegressor

    MiniRocketRegressor(n_kernels=100).fit(X, data.NUMBERS).predict_quantiles(X, data.LEVELS)  # type: ignore[attr-defined]


def spread() -> None:
    from aeon.regression.convolution_based import MiniRocketRegressor

    model = MiniRocketRegressor(n_kernels=100).fit(X, data.NUMBERS)
    model.predict(X, return_std=True)  # type: ignore[call-arg]


def alone() -> None:
    model = KNeighborsTimeSeriesClassifier(distance="dtw").fit(RAGGED, data.LABELS)
    together = model.predict_proba(RAGGED)
    data.same([model.predict_proba([x])[0] for x in RAGGED], together)


def attributions() -> None:
    data.named(aeon, "attribution", "shapley", "saliency")


def diagnosis() -> None:
    data.named(aeon, "gradient", "diagnos")


def safe_file() -> str:
    model = fitted()
    data.same(data.through_skops(model).predict(X), model.predict(X))  # type: ignore[attr-defined]
    return "by skops"


def onnx() -> None:
    from skl2onnx import to_onnx

    to_onnx(fitted(), X.astype(np.float32))


def streaming() -> None:
    data.named(MiniRocketClassifier, "step", "stream")  # type: ignore[arg-type]


def gpu() -> None:
    deep_learner()


def own_layer() -> None:
    MiniRocketClassifier(activation=np.tanh)  # type: ignore[call-arg]


def other_networks() -> str:
    fitted()
    return "dozens of classifiers and regressors of every kind"


def other_tasks() -> None:
    from aeon.clustering import TimeSeriesKMeans
    from aeon.distances import dtw_distance

    dtw_distance(X[0], X[1])
    TimeSeriesKMeans(2, distance="euclidean", averaging_method="mean", max_iter=3).fit(X)
