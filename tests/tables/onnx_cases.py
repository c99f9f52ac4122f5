"""Networks of every kind that can be exported, and a runtime to ask."""

from __future__ import annotations

from itertools import cycle, product

import numpy as np

from skrnn import RNNClassifier, RNNRegressor

LENGTHS = np.array([7, 3, 9, 1, 5, 9, 2, 8])
QUICK = {"max_iter": 2, "learning_rate": "cosine", "learning_rate_init": 0.05, "random_state": 0}
LABELS = np.array(["no", "yes", "maybe"])
# Weights of a fit this short are close to those of its start: larger ones tell answers apart.
WIDE = {"init": "normal", "recurrent_init": "orthogonal"}

CELLS = ("rnn", "lstm", "gru", "lru")
ACTIVATIONS = ("tanh", "relu", "logistic", "identity", "leaky_relu", "elu", "softsign")
READOUTS = ("last", "mean", "max", "attention", ("last", "mean", "max"), ("attention", "last"))
BELOW = (
    {},
    {"differences": True},
    {"frame_length": 3, "frame_stride": 2},
    {"frame_length": 4, "frame_units": 5, "differences": True},
    {"frame_length": 2, "frame_units": 4, "frame_shift": True},
)
TARGETS = ("several", "two", "multilabel", "number", "numbers", "counts", "one")
SIZES = ((6,), (5, 4), (3, 4, 2))


def sequences(dtype=np.float32, n_channels=3, seed=0):
    """A ragged list of sequences."""
    rng = np.random.default_rng(seed)
    return [rng.normal(size=(n, n_channels)).astype(dtype) for n in LENGTHS]


def padded(X, fill=np.nan):
    """The same as one array."""
    array = np.full((len(X), max(map(len, X)), *X[0].shape[1:]), fill, dtype=X[0].dtype)
    for row, x in zip(array, X, strict=True):
        row[: len(x)] = x
    return array


def targets(kind):
    """Targets of as many sequences."""
    code = np.arange(len(LENGTHS)) % 3
    return {
        "several": LABELS[code],
        "two": code > 0,
        "multilabel": np.stack([code > 0, code < 2], axis=1).astype(int),
        "number": 1000.0 + 50 * code,
        "numbers": np.stack([code * 2.0, 7.0 - code, 0.0 * code + 3], axis=1),
        "counts": code + 1,
        "one": np.zeros(len(code), dtype=int),
    }[kind]


def estimator(kind, **parameters):
    """An estimator for such targets, not fitted."""
    if kind in ("number", "numbers", "counts"):
        loss = "poisson" if kind == "counts" else "squared_error"
        return RNNRegressor(**QUICK | {"loss": loss} | parameters)
    return RNNClassifier(**QUICK | parameters)


def fitted(kind, **parameters):
    """A fitted estimator."""
    return estimator(kind, **parameters).fit(sequences(), targets(kind))


def name_of(parameters):
    """An id of a case."""
    return "-".join(
        "+".join(map(str, value)) if isinstance(value, tuple) else str(value)
        for value in parameters.values()
    )


def cases():
    """All pairs of cell and read-out in both directions, with the rest in turn."""
    activations, below, kinds, sizes = map(cycle, (ACTIVATIONS, BELOW, TARGETS, SIZES))
    found = {}
    for cell, readout, both in product(CELLS, READOUTS, (False, True)):
        for _ in range(2):
            parameters = {
                "cell": cell,
                "readout": readout,
                "bidirectional": both,
                "activation": next(activations),
                "hidden_layer_sizes": next(sizes),
                **next(below),
            }
            kind = next(kinds)
            found[f"{kind}-{name_of(parameters)}"] = kind, parameters
    return found


CASES = cases()


def session(model):
    """ONNX Runtime on a model."""
    import onnxruntime

    return onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )


def run(model, **inputs):
    """What ONNX Runtime answers, by the names of the outputs."""
    asked = session(model)
    names = [output.name for output in asked.get_outputs()]
    return dict(zip(names, asked.run(None, inputs), strict=True))


def answer(est, X):
    """What an estimator says: its probabilities, or numbers with an axis of outputs."""
    if hasattr(est, "predict_proba"):
        return est.predict_proba(X)
    y = est.predict(X)
    return y[:, None] if y.ndim == 1 else y


def answer_of(outputs):
    """The same of a graph's outputs."""
    return outputs["variable" if "variable" in outputs else "probabilities"]


def assert_close(got, expected, tolerance=1e-5):
    """Equal in single precision, by the size of the numbers."""
    assert got.shape == expected.shape
    scale = np.maximum(1, np.abs(expected))
    assert np.max(np.abs(got - expected) / scale) < tolerance
