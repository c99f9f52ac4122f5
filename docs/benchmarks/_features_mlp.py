"""The attempts of `features.py` with the perceptrons of scikit-learn."""

from __future__ import annotations

import pickle

import _features as data
import sklearn
import sklearn.inspection
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier, MLPRegressor

SMALL = {"hidden_layer_sizes": (4,), "max_iter": 3, "random_state": 0}


def fitted() -> MLPClassifier:
    return MLPClassifier(**SMALL).fit(data.FLAT, data.LABELS)


def different_lengths() -> None:
    MLPClassifier(**SMALL).fit(data.RAGGED, data.LABELS)


def cells() -> None:
    MLPClassifier(**SMALL).fit(data.CELLS, data.LABELS)


def missing() -> None:
    MLPClassifier(**SMALL).fit(data.GAPS.reshape(data.N, -1), data.LABELS)


def static() -> str:
    import numpy as np

    MLPClassifier(**SMALL).fit(np.column_stack([data.FLAT, data.AGE]), data.LABELS)
    return "as one more column of sequences of one length"


def strings() -> None:
    MLPClassifier(**SMALL).fit(data.WORDS, data.LABELS)


def steps() -> str:
    MLPClassifier(**SMALL).fit(data.FLAT, data.STEP_LABELS)
    return "of sequences of one length, two classes"


def sample_weight() -> None:
    MLPClassifier(**SMALL).fit(data.FLAT, data.LABELS, sample_weight=data.AGE)


def class_weight() -> None:
    MLPClassifier(class_weight="balanced", **SMALL)


def partial_fit() -> None:
    fitted().partial_fit(data.FLAT, data.LABELS)


def early_stopping() -> None:
    MLPClassifier(early_stopping=True, **SMALL).fit(data.FLAT, data.LABELS)


def callbacks() -> None:
    MLPClassifier(**SMALL).set_callbacks()


def seed() -> None:
    data.same(fitted().predict_proba(data.FLAT), fitted().predict_proba(data.FLAT))


def checks() -> str:
    return data.checked(MLPClassifier())


def search() -> None:
    grid = {"hidden_layer_sizes": [(4,), (8,)]}
    GridSearchCV(MLPClassifier(**SMALL), grid, cv=2, error_score="raise").fit(
        data.RAGGED, data.LABELS
    )


def pickles() -> None:
    model = fitted()
    data.same(pickle.loads(pickle.dumps(model)).predict(data.FLAT), model.predict(data.FLAT))


def quantiles() -> None:
    MLPRegressor(loss="quantile", **SMALL).fit(data.FLAT, data.NUMBERS)


def spread() -> None:
    MLPRegressor(**SMALL).fit(data.FLAT, data.NUMBERS).predict(data.FLAT, return_std=True)


def alone() -> None:
    model = fitted()
    together = model.predict_proba(data.FLAT)
    data.same([model.predict_proba(x[None])[0] for x in data.FLAT], together)


def attributions() -> None:
    data.named(sklearn.inspection, "attribution", "shapley", "saliency")


def diagnosis() -> None:
    data.named(sklearn.inspection, "gradient", "diagnos")


def safe_file() -> str:
    model = fitted()
    data.same(data.through_skops(model).predict(data.FLAT), model.predict(data.FLAT))  # type: ignore[attr-defined]
    return "by skops"


def onnx() -> str:
    from skl2onnx import to_onnx

    to_onnx(fitted(), data.FLAT)
    return "by skl2onnx"


def streaming() -> None:
    data.named(MLPClassifier, "step", "stream")  # type: ignore[arg-type]


def gpu() -> str | None:
    MLPClassifier(device="cuda")
    return None


def own_layer() -> None:
    MLPClassifier(activation=lambda a: a, **SMALL).fit(data.FLAT, data.LABELS)


def other_networks() -> str:
    fitted()
    return "the perceptron itself"


def other_tasks() -> None:
    import sklearn.neural_network

    data.named(sklearn.neural_network, "cluster", "distance")
