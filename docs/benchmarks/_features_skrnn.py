"""The attempts of `features.py` with skrnn."""

from __future__ import annotations

import pickle
import tempfile
from pathlib import Path
from typing import NamedTuple

import _features as data
import numpy as np
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

import skrnn
from skrnn import RNNClassifier, RNNRegressor

SMALL = {"hidden_layer_sizes": 4, "max_iter": 3, "random_state": 0}


def fitted() -> RNNClassifier:
    return RNNClassifier(**SMALL).fit(data.RAGGED, data.LABELS)


def different_lengths() -> None:
    data.finite(fitted().predict_proba(data.RAGGED))


def cells() -> None:
    RNNClassifier(**SMALL).fit(data.CELLS, data.LABELS).predict(data.CELLS)


def missing() -> None:
    data.finite(RNNClassifier(**SMALL).fit(data.GAPS, data.LABELS).predict_proba(data.GAPS))


def static() -> None:
    X = data.CELLS.assign(age=data.AGE / 80)
    assert RNNClassifier(**SMALL).fit(X, data.LABELS).n_static_in_ == 1


def strings() -> None:
    from skrnn.preprocessing import TokenEncoder

    model = make_pipeline(TokenEncoder(), RNNClassifier(embedding_dim=2, **SMALL))
    model.fit(data.WORDS, data.LABELS).predict(data.WORDS)


def steps() -> None:
    y = [labels[:n] for labels, n in zip(data.STEP_LABELS, data.LENGTHS, strict=True)]
    model = RNNClassifier(return_sequences=True, **SMALL).fit(data.RAGGED, y)
    assert [len(each) for each in model.predict(data.RAGGED)] == data.LENGTHS.tolist()


def sample_weight() -> None:
    RNNClassifier(**SMALL).fit(data.X, data.LABELS, sample_weight=data.AGE)


def class_weight() -> None:
    RNNClassifier(class_weight="balanced", **SMALL).fit(data.X, data.LABELS)


def partial_fit() -> None:
    fitted().partial_fit(data.RAGGED, data.LABELS)


def early_stopping() -> None:
    RNNClassifier(early_stopping=True, **SMALL).fit(data.X, data.LABELS)


def callbacks() -> None:
    from skrnn.callbacks import GradientFlowRecorder

    RNNClassifier(**SMALL).set_callbacks(GradientFlowRecorder()).fit(data.X, data.LABELS)


def seed() -> None:
    data.same(fitted().predict_proba(data.RAGGED), fitted().predict_proba(data.RAGGED))


def checks() -> str:
    return data.checked(RNNClassifier())


def search() -> None:
    GridSearchCV(RNNClassifier(**SMALL), {"cell": ["gru", "lstm"]}, cv=2).fit(
        data.RAGGED, data.LABELS
    )


def pickles() -> None:
    model = fitted()
    data.same(pickle.loads(pickle.dumps(model)).predict(data.RAGGED), model.predict(data.RAGGED))


def quantiles() -> None:
    model = RNNRegressor(loss="quantile", quantile=data.LEVELS, **SMALL)
    data.ordered(model.fit(data.X, data.NUMBERS).predict(10 * data.X))


def spread() -> None:
    model = RNNRegressor(loss="gaussian", **SMALL).fit(data.X, data.NUMBERS)
    data.finite(model.predict(data.X, return_std=True))


def alone() -> None:
    model = fitted()
    together = model.predict_proba(data.RAGGED)
    data.same([model.predict_proba([x])[0] for x in data.RAGGED], together)


def attributions() -> str:
    from skrnn.inspection import input_attributions, shapley_values

    input_attributions(fitted(), data.RAGGED)
    shapley_values(fitted(), data.RAGGED[:4], background=data.RAGGED[:4], n_windows=2)
    return "integrated gradients and Shapley values"


def diagnosis() -> str:
    from skrnn.inspection import diagnose, gradient_flow

    gradient_flow(fitted(), data.RAGGED, data.LABELS)
    diagnose(fitted(), data.RAGGED, data.LABELS)
    return "by time step, with a verdict and a remedy"


def safe_file() -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.safetensors"
        model = fitted()
        skrnn.save(model, file)
        data.same(skrnn.load(file).predict(data.RAGGED), model.predict(data.RAGGED))


def onnx() -> None:
    import onnxruntime

    from skrnn.onnx import to_onnx

    model = RNNClassifier(**SMALL).fit(data.X, data.LABELS)
    graph = to_onnx(model, padding=None).SerializeToString()
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    probabilities = session.run(None, {"X": data.X})[1]
    np.testing.assert_allclose(probabilities, model.predict_proba(data.X), atol=1e-5)


def streaming() -> None:
    from skrnn.streaming import SequenceStream

    model = RNNClassifier(bidirectional=False, readout="last", frame_units=None, **SMALL)
    model.fit(data.X, data.LABELS)
    stream = SequenceStream(model)
    for row in data.X[0]:
        answer = stream.step_proba(row)
    np.testing.assert_allclose(answer, model.predict_proba(data.X[:1]), atol=1e-6)


def gpu() -> None:
    RNNClassifier(device="cuda")


def own_layer() -> str:
    from skrnn.core.cells import Cell
    from skrnn.core.cells.base import initial_state, project_inputs

    class OnlyForwardCache(NamedTuple):
        x: np.ndarray
        n_active: np.ndarray
        h: np.ndarray

    class OnlyForward(Cell):
        gates = ("u",)
        activated = ("u",)

        def forward(self, x, n_active, weights, state=None):  # type: ignore[no-untyped-def]
            u = np.tanh(project_inputs(x, weights["W_x"], weights["b"]))
            h = np.zeros((len(u) + 1, *u.shape[1:]), dtype=u.dtype)
            h[0] = initial_state(state, 0, like=u)
            for t, n in enumerate(n_active):
                u[t, :n] = np.tanh(u[t, :n] + h[t, :n] @ weights["W_h"])
                h[t + 1, :n] = u[t, :n]
            return h, OnlyForwardCache(x, n_active, h)

    RNNClassifier(cell=OnlyForward(), **SMALL).fit(data.X, data.LABELS)  # type: ignore[abstract]
    return ""


def other_networks() -> None:
    data.named(skrnn, "convolution", "rocket", "feedforward")


def other_tasks() -> None:
    data.named(skrnn, "cluster", "distance")
