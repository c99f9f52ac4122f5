"""A broken network is diagnosed, and fixed by following the report.

Everything is wrong at once: raw inputs of size 1000, sigmoid units, a learning rate a
hundred times too high, hardly any epochs. In every round the network is fitted and diagnosed, and
the first remedy of the report is applied as it stands, until nothing is wrong. The score is that on
the speakers' utterances that took no part in it.

Run it with ``python docs/examples/plot_diagnose_and_mend.py``; the picture goes to
``docs/examples/output``.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
from sklearn.exceptions import ConvergenceWarning

from skrnn import RNNClassifier
from skrnn.datasets import load_japanese_vowels
from skrnn.inspection import Report, diagnose
from skrnn.plotting import LossCurveDisplay

OUTPUT = Path(__file__).parent / "output"
MOST_ROUNDS = 8


def load(split: str) -> tuple[Any, Any]:
    """Return the vowels as an instrument might deliver them: in large units, off zero."""
    X, y = load_japanese_vowels(split=split, return_X_y=True, as_frame=False)
    return [2000 * x + 3000 for x in X], y


def rounds(estimator: Any, X: Any, y: Any) -> list[tuple[Any, Report]]:
    """Fit, diagnose, apply the first remedy, and repeat until the network is healthy."""
    history: list[tuple[Any, Report]] = []
    while len(history) < MOST_ROUNDS:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            estimator.fit(X, y)
        report = diagnose(estimator, X, y)
        history.append((estimator, report))
        if report.healthy:
            break
        estimator = report[0].apply(estimator)
    return history


def main() -> None:
    OUTPUT.mkdir(exist_ok=True)
    X, y = load("train")
    X_test, y_test = load("test")
    broken = RNNClassifier(
        hidden_layer_sizes=32,
        cell="rnn",
        activation="logistic",
        learning_rate_init=1.0,
        batch_size=50,
        max_iter=10,
        random_state=0,
    )
    history = rounds(broken, X, y)
    scores = [estimator.score(X_test, y_test) for estimator, _ in history]
    for number, ((_, report), score) in enumerate(zip(history, scores, strict=True), start=1):
        print(f"\n--- round {number}: test accuracy {score:.2f}\n\n{report}")

    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
    names = ["nothing is wrong" if report.healthy else report[0].name for _, report in history]
    bars = left.barh([f"{k}. {name}" for k, name in enumerate(names, start=1)], scores, height=0.6)
    for bar, (_, report) in zip(bars, history, strict=True):
        bar.set_color("#009E73" if report.healthy else "#D55E00")
    left.bar_label(bars, fmt="{:.2f}", padding=3)
    left.invert_yaxis()
    left.set(xlim=(0, 1.1), xlabel="test accuracy", title="first finding of every round")
    left.spines[["top", "right"]].set_visible(False)
    by_round = {f"round {k}": estimator for k, (estimator, _) in enumerate(history, start=1)}
    LossCurveDisplay.from_estimator(by_round, ax=right)
    figure.savefig(OUTPUT / "diagnose_and_mend.png", dpi=150)


if __name__ == "__main__":
    main()
