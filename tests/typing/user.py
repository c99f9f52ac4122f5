"""A program as a user with strict type checking writes it; `make typecheck` reads it."""

from __future__ import annotations

from typing import Any, assert_type

import numpy as np
import pandas as pd

import skrnn
from skrnn import RNNClassifier, RNNRegressor
from skrnn.callbacks import Checkpoint, EarlyStopping
from skrnn.core.activations import RELU
from skrnn.core.cells import GRU, LRU
from skrnn.core.losses import Huber, Loss
from skrnn.core.network import Network
from skrnn.core.optimizers import LBFGS, SGD
from skrnn.core.readouts import Attention, Mean
from skrnn.datasets import load_airline_passengers, load_japanese_vowels, make_adding_problem
from skrnn.forecasting import WindowScaledRegressor, forecast
from skrnn.inspection import Report, diagnose, input_attributions
from skrnn.model_selection import ForecastSplit, StratifiedSequenceKFold
from skrnn.plotting import LossCurveDisplay
from skrnn.preprocessing import (
    HiddenStates,
    SequenceImputer,
    SequenceScaler,
    TokenEncoder,
    Windows,
    from_long,
    make_windows,
)
from skrnn.sequences import Sequences, as_sequences


def sequences_of_speakers() -> None:
    X, y = load_japanese_vowels(split="train", return_X_y=True)
    assert_type(X, pd.DataFrame)
    assert_type(y, pd.Series)
    cells, labels = load_japanese_vowels(return_X_y=True, as_frame=False)
    assert_type(cells, np.ndarray)
    assert_type(labels, np.ndarray)
    model = RNNClassifier((32, 32), cell="lstm", readout=("last", "mean"), random_state=0)
    fitted = model.fit(X, y, X_val=X, y_val=y)
    assert_type(fitted, RNNClassifier)
    assert_type(fitted.predict(X), np.ndarray)
    assert_type(fitted.predict_proba(X), np.ndarray)
    assert_type(fitted.score(X, y), float)
    assert_type(fitted.classes_, np.ndarray)
    assert_type(fitted.network_, Network)
    assert_type(fitted.loss_curve_, list[float])
    assert_type(fitted.best_validation_loss_, float | None)
    assert_type(fitted.partial_fit(X, y), RNNClassifier)


def numbers() -> None:
    X, y = make_adding_problem(50, random_state=0)
    model = RNNRegressor(
        8,
        loss="gaussian",
        n_iter_no_change=np.inf,
        random_state=np.random.RandomState(0),
        early_stopping=True,
    )
    model.set_callbacks(EarlyStopping(patience=3), Checkpoint("fit.npz"))
    model.fit(X, y)
    assert_type(model.predict(X), np.ndarray)
    mean, std = model.predict(X, return_std=True)
    assert_type(mean, np.ndarray)
    assert_type(std, np.ndarray)
    assert_type(model.predict_quantiles(X, [0.1, 0.9]), np.ndarray)
    assert_type(diagnose(model, X, y), Report)
    ragged, _ = make_adding_problem(50, min_timesteps=20)
    assert_type(ragged, list[np.ndarray])
    assert_type(clone_of(model), RNNRegressor)
    LossCurveDisplay({"gru": model.loss_curve_}).plot()
    skrnn.save(model, "model.skrnn")
    skrnn.load("model.skrnn")


def clone_of(model: RNNRegressor) -> RNNRegressor:
    return model.set_params(alpha=0.1)


def own_parts(loss: Loss) -> None:
    RNNRegressor(np.array([8, 8]), loss=loss, cell=LRU(r_min=0.5), optimizer=SGD(momentum=0.5))
    RNNRegressor([8, 8], loss=Huber(0.5), readout=Attention(), optimizer=LBFGS())
    RNNClassifier(activation=RELU, cell=GRU(), readout=[Mean(), "max"], class_weight={0: 2})


def forecasts() -> None:
    windows = make_windows(load_airline_passengers(), window=12, horizon=[1, 2])
    assert_type(windows.X, Windows)
    model = WindowScaledRegressor(RNNRegressor(8), method="mean", target="passengers")
    assert_type(model.fit(windows.X, windows.y), WindowScaledRegressor)
    for train, test in ForecastSplit(3, test_size=2).split(windows.X):
        assert_type(train, np.ndarray)
        assert_type(test, np.ndarray)
    forecast(model, windows)


def tables(data: pd.DataFrame) -> None:
    assert_type(from_long(data, id="machine", static=["kind"]), pd.DataFrame)
    X, y = from_long(data, id="machine", time="hour", target="state", return_sequences=True)
    assert_type(X, pd.DataFrame)
    assert_type(y, pd.Series)
    assert_type(from_long(data, id="machine", target=["a", "b"])[1], pd.DataFrame)
    fitted = RNNClassifier().fit(X, y)
    assert_type(input_attributions(fitted, X, "occlusion"), np.ndarray)
    of_steps, of_static = input_attributions(fitted, X, return_static=True)
    assert_type(of_steps, np.ndarray)
    assert_type(of_static, np.ndarray)


def transformers(X: list[np.ndarray], texts: list[str]) -> None:
    assert_type(as_sequences(X), Sequences)
    scaler = SequenceScaler("robust", per="sequence", channels=[0]).fit(X)
    assert_type(scaler, SequenceScaler)
    assert_type(scaler.get_feature_names_out(), np.ndarray)
    assert_type(SequenceImputer("interpolate", add_elapsed=True).fit(X).statistics_, np.ndarray)
    encoder = TokenEncoder(analyzer=str.split, min_frequency=2).fit(texts)
    assert_type(encoder.vocabularies_, list[dict[Any, int] | None])
    HiddenStates(RNNClassifier(), readout="mean").fit(X, [0, 1])
    StratifiedSequenceKFold(3, by="rarest", random_state=0)


def wrong() -> None:
    """Each of these is an error; an ignored one that is none would be reported."""
    RNNClassifier(cell="lsmt")  # type: ignore[arg-type]
    RNNClassifier(optimizer=0.1)  # type: ignore[arg-type]
    RNNClassifier(readout=("last", "men"))  # type: ignore[arg-type]
    RNNRegressor(loss="log_loss")  # type: ignore[arg-type]
    RNNRegressor(units=8)  # type: ignore[call-arg]
    SequenceScaler("gauss")  # type: ignore[arg-type]
    load_japanese_vowels(split="validation")  # type: ignore[call-overload]
