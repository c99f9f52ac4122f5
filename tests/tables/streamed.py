"""Configurations that are streamed, in Python and in C: fitted once, by name."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
from sklearn.pipeline import make_pipeline

from skrnn import RNNClassifier, RNNRegressor
from skrnn.core.cells import LRU
from skrnn.core.losses import Poisson
from skrnn.preprocessing import SequenceScaler

ONE_WAY = {
    "hidden_layer_sizes": 5,
    "bidirectional": False,
    "readout": "last",
    "frame_length": 1,
    "frame_stride": 1,
    "frame_units": None,
    "differences": False,
    "max_iter": 2,
    "tol": 0.0,
    "random_state": 0,
}
FRAMES = {"frame_length": 3, "frame_stride": 3}
OVERLAPPING = {"frame_length": 5, "frame_stride": 2}
EMBEDDED = {"embedding_dim": {0: 2}, "n_tokens": {0: 4}}

# Name -> kind of the targets, and parameters of the estimator.
CASES: dict[str, tuple[str, dict]] = {
    **{
        f"{cell} {readout}": ("classes", {"cell": cell, "readout": readout})
        for cell in ("rnn", "lstm", "gru", "lru")
        for readout in ("last", "mean", "max", "attention")
    },
    **{
        f"{cell} joined": ("numbers", {"cell": cell, "readout": ("last", "mean", "max")})
        for cell in ("lstm", "gru")
    },
    "attention joined": ("numbers", {"readout": ("attention", "last")}),
    **{
        f"{cell} at every step": ("step classes", {"cell": cell})
        for cell in ("rnn", "lstm", "gru", "lru")
    },
    "numbers at every step": ("step numbers", {"cell": "gru"}),
    **{
        f"{cell} stacked": ("classes", {"cell": cell, "hidden_layer_sizes": (6, 5)})
        for cell in ("rnn", "lstm", "gru", "lru")
    },
    "three layers mean": ("numbers", {"hidden_layer_sizes": (4, 3, 5), "readout": "mean"}),
    "frames last": ("classes", FRAMES),
    "frames mean": ("classes", {**FRAMES, "readout": "mean", "cell": "lstm"}),
    "frames attention": ("numbers", {**FRAMES, "readout": "attention"}),
    "frames units": ("numbers", {**FRAMES, "frame_units": 4, "readout": "max"}),
    "frames at every step": ("step classes", {**FRAMES, "frame_shift": False}),
    "overlapping frames": ("classes", {**OVERLAPPING, "readout": ("last", "mean")}),
    "overlapping frames attention": ("classes", {**OVERLAPPING, "readout": "attention"}),
    "overlapping frames at every step": ("step numbers", {**OVERLAPPING, "frame_shift": False}),
    "overlapping frames stacked": ("classes", {**OVERLAPPING, "hidden_layer_sizes": (4, 4)}),
    "differences": ("classes", {"differences": True}),
    "differences mean": ("numbers", {"differences": True, "readout": "mean", "cell": "lru"}),
    "differences frames": ("classes", {"differences": True, **FRAMES}),
    "embedding": ("classes", EMBEDDED),
    "embedding frames": ("numbers", {**EMBEDDED, **OVERLAPPING}),
    "two classes": ("two classes", {}),
    "one class": ("one class", {}),
    "multilabel": ("multilabel", {"cell": "lstm"}),
    "several numbers": ("several numbers", {"readout": "mean"}),
    "counts": ("counts", {"loss": Poisson()}),
    "raw numbers": ("numbers", {"normalize_y": False}),
    "constant number": ("constant", {}),
    "several quantiles": ("numbers", {"loss": "quantile", "quantile": (0.1, 0.5, 0.9)}),
    "distribution": ("numbers", {"loss": "gaussian", "readout": "mean"}),
    "relu": ("classes", {"activation": "relu", "cell": "rnn"}),
    "lstm relu without a kernel": ("classes", {"activation": "relu", "cell": "lstm"}),
    "own lru": ("classes", {"cell": LRU(0.5, 0.9)}),
    "scaled": ("scaled classes", {"cell": "lstm", "readout": "mean"}),
    "scaled numbers": ("scaled numbers", {"cell": "gru"}),
}
N_SAMPLES, N_STEPS, N_CHANNELS = 12, 11, 3


def sequences(dtype=np.float64) -> np.ndarray:
    """Return random sequences, whose first channel can be read as an id below 4."""
    rng = np.random.RandomState(1)
    X = rng.normal(size=(N_SAMPLES, N_STEPS, N_CHANNELS))
    X[:, :, 0] = rng.randint(4, size=(N_SAMPLES, N_STEPS))
    return X.astype(dtype)


def targets(kind: str) -> np.ndarray:
    rng = np.random.RandomState(2)
    shape = (N_SAMPLES, N_STEPS) if kind.startswith("step ") else (N_SAMPLES,)
    names = np.array(["a", "b", "c"])
    return {
        "classes": lambda: names[np.arange(np.prod(shape)).reshape(shape) % 3],
        "two classes": lambda: names[np.arange(N_SAMPLES) % 2],
        "one class": lambda: np.repeat("a", N_SAMPLES),
        "multilabel": lambda: rng.randint(2, size=(N_SAMPLES, 4)),
        "numbers": lambda: 50 + 7 * rng.normal(size=shape),
        "several numbers": lambda: 3 + rng.normal(size=(N_SAMPLES, 2)),
        "counts": lambda: rng.poisson(3.0, size=N_SAMPLES).astype(float),
        "constant": lambda: np.full(N_SAMPLES, 7.0),
    }[kind.removeprefix("step ").removeprefix("scaled ")]()


def table(X: np.ndarray) -> pd.DataFrame:
    """Return sequences as cells, with static columns before and behind the channels."""
    rng = np.random.RandomState(4)
    columns = {"age": 40 + 10 * rng.normal(size=N_SAMPLES).astype(X.dtype)}
    columns |= {f"x{j}": list(X[:, :, j]) for j in range(N_CHANNELS)}
    return pd.DataFrame(columns | {"marked": np.arange(N_SAMPLES) % 2 == 0})


STATIC = ["age", "marked"]


@cache
def fitted_static(name: str, place: str, dtype=np.float64):
    """Return the fitted estimator or Pipeline of a case, with static features."""
    est, (kind, _) = unfitted(name), CASES[name]
    (est[-1] if hasattr(est, "steps") else est).set_params(static=place)
    return est.fit(table(sequences(dtype)), targets(kind))


@cache
def fitted(name: str, dtype=np.float64):
    """Return the fitted estimator or Pipeline of a case."""
    return unfitted(name).fit(sequences(dtype), targets(CASES[name][0]))


def unfitted(name: str):
    """Return the estimator or Pipeline of a case."""
    kind, parameters = CASES[name]
    classes = any(word in kind for word in ("class", "multilabel"))
    parameters = {**ONE_WAY, **parameters, "return_sequences": kind.startswith("step ")}
    estimator = (RNNClassifier if classes else RNNRegressor)(**parameters)
    if kind.startswith("scaled "):
        return make_pipeline(SequenceScaler(), estimator)
    return estimator
