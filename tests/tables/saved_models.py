"""A small fitted model of every kind, for tests of what files keep of it.

``python tests/tables/saved_models.py FOLDER`` writes the golden files of this version.
"""

from __future__ import annotations

import sys
import warnings
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import sklearn
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.ensemble import StackingClassifier, VotingRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import StandardScaler

import skrnn
from skrnn import RNNClassifier, RNNRegressor
from skrnn.core.activations import ACTIVATIONS
from skrnn.core.cells import CELLS
from skrnn.core.initializers import INITIALIZERS
from skrnn.core.losses import REGRESSION_LOSSES
from skrnn.core.optimizers import OPTIMIZERS
from skrnn.core.readouts import READOUTS
from skrnn.core.training import SCHEDULES
from skrnn.forecasting import WindowScaledRegressor
from skrnn.preprocessing import (
    HiddenStates,
    SequenceImputer,
    SequenceScaler,
    TokenEncoder,
)

RNG = np.random.default_rng(0)
N_SAMPLES = 20
X2 = RNG.normal(size=(N_SAMPLES, 6))
X3 = X2.reshape(N_SAMPLES, 3, 2)
RAGGED = [sample[: 1 + i % 3] for i, sample in enumerate(X3)]
CELLS_FRAME = pd.DataFrame(
    {name: [sample[:, i] for sample in RAGGED] for i, name in enumerate(["speed", "force"])}
)
GAPS = [np.where(sample > 1, np.nan, sample) for sample in RAGGED]
STATIC_FRAME = CELLS_FRAME.assign(age=np.arange(20.0), ill=np.arange(20) % 2 > 0)
WIDE_FRAME = pd.DataFrame(X2, columns=list("abcdef"))
IDS = np.round(abs(X2)) % 3
TEXTS = ["a b", "b c a", "", "c"] * 5
Y = abs(X2[:, 0]) + 0.1
LABELS = np.array(["down", "up", "even"])[np.arange(N_SAMPLES) % 3]
PER_STEP = (X3[..., 0] > 0).astype(int)


def small(cls, **parameters):
    parameters = {"hidden_layer_sizes": 3, "max_iter": 2, "random_state": 0, **parameters}
    return cls(**parameters)


clf, reg = partial(small, RNNClassifier), partial(small, RNNRegressor)


def asking_for_weights(est):
    with sklearn.config_context(enable_metadata_routing=True):
        return est.set_fit_request(sample_weight=True)


def of_registries():
    """One model for every entry of every registry, those of tomorrow too."""
    registries = {
        "cell": CELLS,
        "activation": ACTIVATIONS,
        "init": INITIALIZERS,
        "optimizer": OPTIMIZERS,
        "readout": READOUTS,
        "learning_rate": SCHEDULES,
        "loss": REGRESSION_LOSSES,
    }
    return {
        f"{parameter}={name}": (reg(**{parameter: name}), X3, Y)
        for parameter, registry in registries.items()
        for name in registry
    }


UNFITTED = {
    **of_registries(),
    "2-D": (clf(), X2, LABELS),
    "float32": (clf(), X3.astype(np.float32), LABELS),
    "ragged": (reg(), RAGGED, Y),
    "frame with names": (clf(n_channels=2), WIDE_FRAME, LABELS),
    "frame of cells": (reg(bidirectional=True), CELLS_FRAME, Y),
    "stacked": (clf(hidden_layer_sizes=(3, 2), bidirectional=True, dropout=0.2), X3, LABELS),
    "frames": (reg(frame_length=2, frame_units=3), X2, Y),
    "frames that overlap": (clf(frame_length=3, frame_stride=2, frame_shift=False), X2, LABELS),
    "differences": (reg(differences=True), X3, Y),
    "embedding": (clf(n_tokens=3, embedding_dim=2), IDS, LABELS),
    "read-outs": (reg(readout=("last", "mean", "max")), X3, Y),
    "labels at every step": (clf(return_sequences=True), X3, PER_STEP),
    "numbers at every step": (reg(return_sequences=True, frame_length=2), X3, X3[..., :1]),
    "unlabelled steps": (reg(return_sequences=True), X3, np.where(X3 > 1, np.nan, X3)),
    "two labels": (clf(), X3, LABELS == "up"),
    "multilabel": (clf(), X3, PER_STEP),
    "several numbers": (reg(), X3, X2[:, :2]),
    "labels of objects": (clf(), X3, LABELS.astype(object)),
    "class weights": (clf(class_weight={"down": 1.0, "up": np.float64(2), "even": 1}), X3, LABELS),
    "early stopping": (reg(early_stopping=True, batch_size=np.int64(5)), X3, Y),
    "raw targets": (reg(normalize_y=False), X3, Y),
    "objects": (
        reg(
            cell=CELLS["lstm"],
            readout=READOUTS["max"],
            optimizer=OPTIMIZERS["adam"](),
            loss=REGRESSION_LOSSES["gamma"](),
            activation=ACTIVATIONS["relu"],
            init=INITIALIZERS["he_normal"],
            random_state=np.random.RandomState(3),
            hidden_layer_sizes=np.array([3, 2]),
        ),
        X3,
        Y,
    ),
    "routing": (asking_for_weights(clf()), X3, LABELS),
    "pipeline": (make_pipeline(SequenceScaler("robust"), clf()), RAGGED, LABELS),
    "tokens": (make_pipeline(TokenEncoder(), clf(n_tokens=5, embedding_dim=2)), TEXTS, LABELS),
    "standard scaler": (make_pipeline(StandardScaler(), reg(n_channels=2)), WIDE_FRAME, Y),
    "hidden states": (
        make_pipeline(
            ColumnTransformer([("states", HiddenStates(clf()), ["speed", "force"])]),
            LogisticRegression(),
        ),
        CELLS_FRAME,
        LABELS,
    ),
    "union": (FeatureUnion([("states", HiddenStates(reg())), ("none", "drop")]), X3, Y),
    "standard": (SequenceScaler(), RAGGED, None),
    "scaler": (SequenceScaler("minmax"), X3, None),
    "encoder": (TokenEncoder(analyzer="char"), TEXTS, None),
    "target": (TransformedTargetRegressor(reg(), transformer=StandardScaler()), X3, Y),
    "gaps": (clf(cell="rnn"), GAPS, LABELS),
    "static": (make_pipeline(SequenceScaler(), reg()), STATIC_FRAME, Y),
    "static channels": (clf(static="channels"), STATIC_FRAME, LABELS),
    "quantiles": (reg(loss="quantile", quantile=[0.1, 0.5, 0.9]), X3, Y),
    "gaussian": (reg(loss="gaussian"), X3, X2[:, :2]),
    "counts": (reg(loss="negative_binomial"), X3, np.round(Y)),
    "imputer": (SequenceImputer(add_indicator=True, add_elapsed=True), GAPS, None),
    "own scale": (SequenceScaler(per="sequence"), RAGGED, None),
    "scaled windows": (WindowScaledRegressor(reg(loss="gaussian"), target=[0]), X3, Y),
    "voting": (VotingRegressor([("a", reg()), ("b", reg(cell="rnn"))]), X3, Y),
    "stacking": (StackingClassifier([("a", clf())], cv=2), X3, LABELS == "up"),
    "calibrated": (CalibratedClassifierCV(clf(), cv=2, ensemble=False), X3, LABELS == "up"),
}
GOLDEN = ["stacked", "frames", "embedding", "labels at every step", "objects", "pipeline", "tokens"]


def fitted(name):
    """Return a fitted model and the data that it was fitted on."""
    est, X, y = UNFITTED[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return est.fit(X, y), X


def answers(est, X):
    """Return what a model says of data, by every method that says something."""
    methods = ("predict", "predict_proba", "decision_function", "transform")
    found = {name: getattr(est, name)(X) for name in methods if hasattr(est, name)}
    assert found
    return found


def assert_same_answers(est, X, expected):
    found = answers(est, X)
    assert found.keys() == expected.keys()
    for name, answer in found.items():
        assert type(answer) is type(expected[name])
        assert len(answer) == len(expected[name])
        parts = zip(answer, expected[name], strict=True) if isinstance(answer, list) else ()
        for one, other in [*parts] or [(answer, expected[name])]:
            assert one.dtype == other.dtype
            np.testing.assert_array_equal(one, other)


def write_golden(folder: Path) -> None:
    """Write a file for some of the models, with sequences and what the model says of them."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in GOLDEN:
        est, X = fitted(name)
        path = folder / f"{name.replace(' ', '_')}.safetensors"
        skrnn.save({"model": est, "X": X, "answers": answers(est, X)}, path)


if __name__ == "__main__":
    write_golden(Path(sys.argv[1]))
