"""Broken networks, overfitted and underfitted ones, and healthy ones: what does `diagnose` say?

    python docs/benchmarks/diagnose_cases.py

prints the tables of the documentation: whether it finds the fault that was planted, and what the
network reaches after the first remedy of the report. The tests run the same cases.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.metrics import balanced_accuracy_score
from sklearn.pipeline import make_pipeline

from skrnn import RNNClassifier, RNNRegressor
from skrnn.datasets import load_airline_passengers, load_japanese_vowels, make_adding_problem
from skrnn.inspection import diagnose
from skrnn.preprocessing import SequenceScaler


class Case(NamedTuple):
    """An estimator with data; `fault` is the finding that must come first.

    A validation set is shown to `diagnose`, a test set to nobody before the end.
    """

    estimator: Any
    X: Any
    y: Any
    fault: str | None = None
    X_val: Any = None
    y_val: Any = None
    X_test: Any = None
    y_test: Any = None


# --- tasks ---------------------------------------------------------------------------------------


def vowels(n_speakers: int = 5) -> tuple[Any, Any]:
    X, y = load_japanese_vowels(split="train", return_X_y=True, as_frame=False)
    return X[y <= n_speakers], y[y <= n_speakers]


def digits(n: int = 300) -> tuple[Any, Any]:
    X, y = load_digits(return_X_y=True)
    return X[:n].reshape(-1, 8, 8) / 16, y[:n]


def memory(n_timesteps: int, n: int = 300, marked: int | None = None) -> tuple[Any, Any]:
    """The sign of the value that is marked, early in the sequence."""
    rng = np.random.default_rng(0)
    X = np.zeros((n, n_timesteps, 2))
    X[:, :, 0] = rng.uniform(-1, 1, size=(n, n_timesteps))
    steps = rng.integers(0, marked or max(1, n_timesteps // 10), size=n)
    X[np.arange(n), steps, 1] = 1
    return X, (X[np.arange(n), steps, 0] > 0).astype(int)


def rare_class(n: int = 600) -> tuple[Any, Any]:
    """One sequence in 25 has a mean that is shifted, by less than the noise."""
    rng = np.random.default_rng(0)
    y = (np.arange(n) % 25 == 0).astype(int)
    return rng.normal(size=(n, 8, 1)) + 0.5 * y[:, None, None], y


def sines(per_step: bool = False) -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    frequency, phase = rng.uniform(0.2, 0.8, size=(2, 200, 1))
    waves = np.sin(frequency * np.arange(26) + 6 * phase)
    if per_step:
        return waves[:, :-1, None], waves[:, 1:]
    return waves[:, :25, None] + rng.normal(0, 0.05, size=(200, 25, 1)), frequency[:, 0]


def airline(window: int = 24) -> tuple[Any, Any]:
    series = np.diff(np.log(load_airline_passengers().to_numpy(dtype=float)))
    windows = np.lib.stride_tricks.sliding_window_view(series, window + 1)
    return windows[:, :-1, None] * 10, windows[:, -1]


def shifted(n: int, shift: float, n_timesteps: int = 15) -> tuple[Any, Any]:
    """Two classes whose mean differs by a part of the noise, in one of three channels."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, size=n)
    X = rng.normal(size=(n, n_timesteps, 3))
    X[:, :, 0] += shift * (2 * y[:, None] - 1)
    return X, y


def with_ids(n: int) -> tuple[Any, Any]:
    """Three classes that are seen in one channel, beside six that say which sequence it is."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, size=n)
    X = rng.normal(size=(n, 12, 7))
    X[:, :, 0] += 0.5 * (y[:, None] - 1)
    X[:, :, 1:] = rng.choice([-2.0, 2.0], size=(n, 1, 6))
    return X, y


def noisy_sines(n: int) -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    frequency, phase = rng.uniform(0.2, 0.8, size=(2, n, 1))
    waves = np.sin(frequency * np.arange(12) + 6 * phase)
    return waves[:, :, None] + rng.normal(0, 0.4, size=(n, 12, 1)), frequency[:, 0]


def many_channels(n: int, n_channels: int = 30) -> tuple[Any, Any]:
    """The mean of one channel, beside others that have nothing to do with it."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 10, n_channels))
    return X, 3 * X[:, :, 0].mean(axis=1) + rng.normal(0, 0.3, size=n)


def running_sum(n: int) -> tuple[Any, Any]:
    """At every step the sum of one channel so far, and noise."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 12, 8))
    return X, np.cumsum(X[:, :, 0], axis=1) + rng.normal(0, 0.5, size=(n, 12))


def three_parts(estimator: Any, X: Any, y: Any, n: int, fault: str) -> Case:
    """The first `n` samples to train on, and half of the others each to validate and to test."""
    middle = n + (len(X) - n) // 2
    validation, test = slice(n, middle), slice(middle, None)
    return Case(estimator, X[:n], y[:n], fault, X[validation], y[validation], X[test], y[test])


# --- what breaks them ----------------------------------------------------------------------------


def negative(rng: Any, n_in: int, n_out: int) -> np.ndarray:
    return -np.abs(rng.normal(0, 0.5, size=(n_in, n_out)))


def huge(rng: Any, n_in: int, n_out: int) -> np.ndarray:
    return rng.normal(0, 8, size=(n_in, n_out))


def stretching(rng: Any, n_in: int, n_out: int) -> np.ndarray:
    return 2.2 * np.linalg.qr(rng.normal(size=(n_in, n_out)))[0]


# A network that is built and trained alike for all lengths, so that a case shows one fault.
PLAIN = {
    "hidden_layer_sizes": 16,
    "random_state": 0,
    "bidirectional": False,
    "readout": "last",
    "differences": False,
    "frame_length": 1,
    "batch_size": 32,
    "learning_rate": "constant",
    "max_iter": 200,
    "n_iter_no_change": 10,
}


def classifier(**parameters: Any) -> RNNClassifier:
    return RNNClassifier(**{**PLAIN, **parameters})


def regressor(**parameters: Any) -> RNNRegressor:
    return RNNRegressor(**{**PLAIN, **parameters})


BROKEN: dict[str, Callable[[], Case]] = {
    "sigmoid RNN over 200 steps": lambda: Case(
        classifier(cell="rnn", activation="logistic", max_iter=40, batch_size=20),
        *memory(200, 200),
        "vanishing gradient",
    ),
    "inputs of size 1000": lambda: Case(
        classifier(max_iter=30),
        [2000 * x + 5000 for x in vowels()[0]],
        vowels()[1],
        "inputs not scaled",
    ),
    "dead relu": lambda: Case(
        classifier(
            cell="rnn", activation="relu", init=negative, alpha=0, max_iter=30, batch_size=50
        ),
        *digits(),
        "dead units",
    ),
    "exploding init": lambda: Case(
        classifier(cell="rnn", activation="relu", recurrent_init=stretching, max_iter=40),
        *memory(60),
        "exploding gradient",
    ),
    "rate 100 times too high": lambda: Case(
        classifier(cell="rnn", learning_rate_init=0.5, max_iter=40, batch_size=50),
        *vowels(),
        "learning rate too high",
    ),
    "rate 1000 times too low": lambda: Case(
        classifier(learning_rate_init=5e-6, max_iter=60, batch_size=50),
        *vowels(),
        "learning rate too low",
    ),
    "clipped at 1e-6": lambda: Case(
        classifier(
            optimizer="sgd",
            learning_rate_init=0.1,
            max_grad_norm=1e-6,
            max_iter=60,
            batch_size=50,
        ),
        *vowels(),
        "clipping all the time",
    ),
    "saturated gates": lambda: Case(
        classifier(cell="lstm", init=huge, recurrent_init=huge, max_iter=30, batch_size=50),
        *digits(),
        "saturated units",
    ),
    "sequences beyond the horizon": lambda: Case(
        classifier(
            cell="rnn",
            recurrent_init="xavier_uniform",
            max_iter=40,
            batch_size=20,
            learning_rate_init=1e-3,
        ),
        *memory(200, 200),
        "sequences beyond the horizon",
    ),
    "class imbalance": lambda: Case(
        classifier(max_iter=10, tol=0), *rare_class(), "class imbalance"
    ),
    "bptt_steps=1 on a long lag": lambda: Case(
        classifier(bptt_steps=1, max_iter=60, batch_size=50),
        *memory(20, 200),
        "truncated backpropagation",
    ),
    "zero init": lambda: Case(
        classifier(init="zeros", recurrent_init="zeros", max_iter=30, batch_size=50),
        *digits(),
        "symmetric units",
    ),
    "too few epochs": lambda: Case(classifier(max_iter=3), *vowels(), "too few epochs"),
}

SMALL_BATCHES: dict[str, Any] = {
    "batch_size": 20,
    "max_iter": 60,
    "learning_rate": "constant",
    "n_iter_no_change": 10,
    "readout": "last",
    "bidirectional": False,
    "frame_length": 1,
}

OVERFITTED: dict[str, Callable[[], Case]] = {
    "few and noisy sequences": lambda: three_parts(
        classifier(**SMALL_BATCHES), *shifted(440, 0.15), 40, "overfitting"
    ),
    "labels drawn at random": lambda: three_parts(
        classifier(**SMALL_BATCHES), *shifted(460, 0), 60, "overfitting"
    ),
    "channels that say who it is": lambda: three_parts(
        classifier(**SMALL_BATCHES), *with_ids(460), 60, "overfitting"
    ),
    "64 units for 30 noisy waves": lambda: three_parts(
        regressor(**{**SMALL_BATCHES, "hidden_layer_sizes": 64}),
        *noisy_sines(430),
        30,
        "overfitting",
    ),
    "29 of 30 channels are noise": lambda: three_parts(
        make_pipeline(SequenceScaler(), regressor(**SMALL_BATCHES)),
        *many_channels(460),
        60,
        "overfitting",
    ),
    "a target at every step, two layers": lambda: three_parts(
        regressor(**{**SMALL_BATCHES, "hidden_layer_sizes": (32, 32), "return_sequences": True}),
        *running_sum(225),
        25,
        "overfitting",
    ),
}

UNDERFITTED: dict[str, Callable[[], Case]] = {
    "penalty 100": lambda: three_parts(
        classifier(**{**SMALL_BATCHES, "max_iter": 30, "alpha": 100.0}),
        *digits(400),
        100,
        "underfitting",
    ),
    "one unit": lambda: three_parts(
        classifier(**{**SMALL_BATCHES, "max_iter": 30, "hidden_layer_sizes": 1}),
        *digits(400),
        100,
        "underfitting",
    ),
    "ended after two epochs": lambda: three_parts(
        regressor(**{**SMALL_BATCHES, "tol": 1.0, "n_iter_no_change": 1}),
        *make_adding_problem(500, 10, random_state=0),
        100,
        "underfitting",
    ),
}

HEALTHY: dict[str, Callable[[], Case]] = {
    "vowels, GRU": lambda: Case(
        make_pipeline(SequenceScaler(), classifier(batch_size=50, max_iter=60)), *vowels()
    ),
    "vowels, bidirectional LSTM": lambda: Case(
        classifier(cell="lstm", bidirectional=True, batch_size=50, max_iter=40), *vowels()
    ),
    "vowels, relu RNN, L-BFGS": lambda: Case(
        make_pipeline(
            SequenceScaler(),
            classifier(
                cell="rnn",
                activation="relu",
                recurrent_init="identity",
                readout="mean",
                optimizer="lbfgs",
            ),
        ),
        *vowels(),
    ),
    "digits, GRU": lambda: Case(classifier(batch_size=50, max_iter=60), *digits()),
    "digits, tanh RNN": lambda: Case(classifier(cell="rnn", batch_size=50, max_iter=60), *digits()),
    "digits, two LSTM layers, mean, dropout": lambda: Case(
        classifier(
            cell="lstm",
            hidden_layer_sizes=(16, 16),
            readout="mean",
            dropout=0.2,
            batch_size=50,
            max_iter=60,
        ),
        *digits(),
    ),
    "airline passengers, GRU": lambda: Case(regressor(batch_size=20, max_iter=80), *airline(12)),
    "adding problem, GRU": lambda: Case(
        regressor(batch_size=50, max_iter=60, learning_rate_init=0.01),
        *make_adding_problem(400, 20, random_state=0),
    ),
    "sines, next value at every step": lambda: Case(
        regressor(return_sequences=True, batch_size=50, max_iter=60), *sines(per_step=True)
    ),
    "sines, frequency, LSTM": lambda: Case(
        regressor(cell="lstm", batch_size=50, max_iter=60), *sines()
    ),
}


# --- what is measured ----------------------------------------------------------------------------


def fitted(estimator: Any, X: Any, y: Any) -> Any:
    """Fit, whatever training says; one that diverged is returned as it was left."""
    estimator = clone(estimator)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            estimator.fit(X, y)
        except ValueError as error:
            if "diverged" not in str(error):
                raise
    return estimator


def score(estimator: Any, X: Any, y: Any) -> float:
    """Balanced accuracy, or R2."""
    with np.errstate(all="ignore"):
        if hasattr(estimator, "classes_"):
            return float(balanced_accuracy_score(y, estimator.predict(X)))
        return float(estimator.score(X, y))


class Outcome(NamedTuple):
    """What `diagnose` said, and the scores before and after its first remedy.

    Of a case with a test set these are the scores on that set, and those on the validation set
    stand beside them.
    """

    report: Any
    before: float
    after: float | None
    seconds: float
    validated_before: float | None = None
    validated_after: float | None = None


def examine(case: Case) -> Outcome:
    """Fit, diagnose, and if there is a fault apply the first remedy and fit again."""
    X, y, X_val, y_val = case.X, case.y, case.X_val, case.y_val
    judged_on = (X, y) if case.X_test is None else (case.X_test, case.y_test)
    broken = fitted(case.estimator, X, y)
    before = score(broken, *judged_on)
    start = time.perf_counter()
    report = diagnose(broken, X, y, X_val=X_val, y_val=y_val)
    seconds = time.perf_counter() - start
    validated = None if X_val is None else score(broken, X_val, y_val)
    if case.fault is None or len(report) == 0:
        return Outcome(report, before, None, seconds, validated)
    mended = fitted(report[0].apply(case.estimator), X, y)
    after = score(mended, *judged_on)
    if X_val is None:
        return Outcome(report, before, after, seconds)
    return Outcome(report, before, after, seconds, validated, score(mended, X_val, y_val))


def print_faults(cases: dict[str, Callable[[], Case]], title: str, data: str) -> None:
    """Print a table of networks with a fault."""
    print(f"\n| {title} | first finding | {data} | after its remedy | remedy |")
    print("|---|---|---|---|---|")
    for name, make in cases.items():
        case = make()
        outcome = examine(case)
        if len(outcome.report) == 0:
            print(f"| {name} | none (planted: {case.fault}) | {outcome.before:.2f} | | |")
            continue
        first = outcome.report[0]
        right = "" if first.name == case.fault else f" (planted: {case.fault})"
        remedy = first.preprocessing or ", ".join(f"{k}={v!r}" for k, v in first.parameters.items())
        print(
            f"| {name} | {first.name} ({first.severity}){right} | {outcome.before:.2f} "
            f"| {outcome.after:.2f} | `{remedy}` |"
        )


def main() -> None:
    print_faults(BROKEN, "broken model", "score")
    print_faults(OVERFITTED, "overfitted model", "score on a test set")
    print_faults(UNDERFITTED, "underfitted model", "score on a test set")
    print("\n| healthy model | score | findings |")
    print("|---|---|---|")
    for name, make in HEALTHY.items():
        outcome = examine(make())
        listed = ", ".join(f"{f.name} ({f.severity})" for f in outcome.report) or "none"
        print(f"| {name} | {outcome.before:.2f} | {listed} |")


if __name__ == "__main__":
    main()
