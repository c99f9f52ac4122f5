"""What is lost where values are missing: the network's own decay against filling them.

    python docs/benchmarks/missing_values.py

10, 30 and 50 % of the values of four sets are taken away, in the training part and in the test
part, at random or in runs, and every way of dealing with that gets the same gaps. Three seeds each,
of the gaps and of the networks. About two minutes.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Callable
from typing import Any

import _data_sets
import _measure
import numpy as np
import pandas as pd
from _generated_sets import DataSet
from _packages import Missing
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import make_pipeline

from skrnn import RNNClassifier
from skrnn.preprocessing import SequenceImputer, SequenceScaler

SETS = ("Japanese vowels", "ItalyPowerDemand", "sensors", "BasicMotions")
LONGEST = 100  # longer sequences are left out, for the time they take
SEEDS = (0, 1, 2)
SHARES = (0.1, 0.3, 0.5)
KINDS = ("at random", "in runs")
RUN = 5  # time steps of a run, on average
IMPUTERS = {
    "imputer, forward": SequenceImputer("forward"),
    "imputer, interpolate": SequenceImputer("interpolate"),
    "imputer, mean": SequenceImputer("mean"),
}
DECAY, TREES, BY_HAND = "decay", "boosted trees", "forward fill by hand"
METHODS = (DECAY, *IMPUTERS, BY_HAND, TREES)


class ForwardFill(TransformerMixin, BaseEstimator):
    """What users write for want of an imputer: forward fill, and zero before the first value."""

    def fit(self, X: Any, y: Any = None) -> ForwardFill:
        return self

    def transform(self, X: Any) -> list[np.ndarray]:
        return [pd.DataFrame(x).ffill().fillna(0).to_numpy() for x in X]

    def __sklearn_is_fitted__(self) -> bool:
        return True


def missing(shape: tuple[int, int], share: float, kind: str, rng: np.random.RandomState) -> Any:
    """Return the mask of what is taken away of a sequence; in runs by a chain of two states."""
    if kind == "at random":
        return rng.uniform(size=shape) < share
    gone = rng.uniform(size=shape[1]) < share
    mask = np.zeros(shape, dtype=bool)
    ends, begins = 1 / RUN, share / (1 - share) / RUN
    for row in mask:
        row[:] = gone
        change = rng.uniform(size=shape[1]) < np.where(gone, ends, begins)
        gone = gone ^ change
    return mask


def load(name: str) -> DataSet:
    """Return the sequences of a set that are not too long."""
    data = _data_sets.load(name)
    train, test = ([len(x) <= LONGEST for x in X] for X in (data.X_train, data.X_test))
    return data._replace(
        X_train=[x for x, kept in zip(data.X_train, train, strict=True) if kept],
        y_train=np.asarray(data.y_train)[train],
        X_test=[x for x, kept in zip(data.X_test, test, strict=True) if kept],
        y_test=np.asarray(data.y_test)[test],
    )


def with_gaps(data: DataSet, share: float, kind: str, seed: int) -> DataSet:
    """Return a set of which values are missing."""
    rng = np.random.RandomState(seed)

    def lose(X: list[np.ndarray]) -> list[np.ndarray]:
        return [np.where(missing(x.shape, share, kind, rng), np.nan, x) for x in X]

    return data._replace(X_train=lose(data.X_train), X_test=lose(data.X_test))


def accuracy_of(method: str, data: DataSet, seed: int) -> float:
    """Return the accuracy on the test part."""
    if method == TREES:
        length = max(map(len, data.X_train))
        X, X_test = flat(data.X_train, length), flat(data.X_test, length)
        known = ~np.isnan(X).all(axis=0)  # trees take no column without any value
        model = HistGradientBoostingClassifier(min_samples_leaf=5, random_state=seed)
        model.fit(X[:, known], data.y_train)
        return float(model.score(X_test[:, known], data.y_test))
    steps: list[Any] = [SequenceScaler(), RNNClassifier(random_state=seed)]
    if method != DECAY:
        steps.insert(1, ForwardFill() if method == BY_HAND else IMPUTERS[method])
    return float(make_pipeline(*steps).fit(data.X_train, data.y_train).score(*data[3:5]))


def flat(X: list[np.ndarray], length: int) -> np.ndarray:
    """Return sequences as rows of one length; what is beyond their end is missing, too."""
    rows = np.full((len(X), length, X[0].shape[1]), np.nan)
    for row, x in zip(rows, X, strict=True):
        row[: len(x)] = x[:length]
    return rows.reshape(len(X), -1)


def median(score: Callable[[int], float]) -> float:
    """Return the median over the seeds."""
    return float(np.median([score(seed) for seed in SEEDS]))


def scores_of(data: DataSet) -> dict[tuple[float, str], dict[str, float]]:
    """Return the median accuracy of every method under every kind of gaps."""
    scores: dict[tuple[float, str], dict[str, float]] = {}
    for share in SHARES:
        for kind in KINDS:
            gappy = {seed: with_gaps(data, share, kind, seed) for seed in SEEDS}
            scores[share, kind] = {
                method: median(lambda seed, m=method, g=gappy: accuracy_of(m, g[seed], seed))
                for method in METHODS
                # Trees take many times as long as all others, and say the same at every share.
                if method != TREES or share == 0.3
            }
    return scores


def section(name: str, data: DataSet, whole: float, scores: Any) -> str:
    """Return the table of a set with its heading."""
    rows = [
        [f"{share:.0%} {kind}", *(f"{found[m]:.3f}" if m in found else "" for m in METHODS)]
        for (share, kind), found in scores.items()
    ]
    text = f"{_data_sets.describe(data)}. Without gaps: {whole:.3f}."
    return f"## {name}\n\n{text}\n\n{_measure.table(['missing', *METHODS], rows)}"


def summary(wholes: dict[str, float], scores: dict[str, Any]) -> str:
    """Return in words what 30 % of gaps cost, and how decay stands against mean fill."""
    lines = []
    for name, whole in wholes.items():
        for kind in KINDS:
            found = scores[name][0.3, kind]
            best = max(IMPUTERS, key=lambda imputer, f=found: f[imputer])
            lines.append(
                f"- {name}, 30 % {kind}: decay loses {whole - found[DECAY]:.3f} against no gap, "
                f"the best imputer ({best.split(', ')[1]}) {whole - found[best]:.3f}, mean fill "
                f"{whole - found['imputer, mean']:.3f}."
            )
    cells = [found for one in scores.values() for found in one.values()]
    means = {m: np.mean([found[m] for found in cells]) for m in METHODS if m != TREES}
    told = ", ".join(f"{method} {mean:.3f}" for method, mean in means.items())
    return "\n".join([*lines, "", f"Mean over all sets and kinds of gaps: {told}."])


def main() -> None:
    arguments = _measure.parse(argparse.ArgumentParser(description=__doc__))
    warnings.simplefilter("ignore")
    sections, wholes, scores = [], {}, {}
    for name in SETS:
        try:
            data = load(name)
        except Missing as reason:
            sections.append(f"## {name}\n\nLeft out: {reason}")
            continue
        wholes[name] = median(lambda seed, d=data: accuracy_of(DECAY, d, seed))
        scores[name] = scores_of(data)
        sections.append(section(name, data, wholes[name], scores[name]))
    intro = (
        "Test accuracy, the median of three seeds of gaps and networks. Values are taken from "
        "training and test part alike, of every channel by itself, at random or in runs of "
        f"{RUN} time steps on average. All networks are `RNNClassifier()` with nothing set, behind "
        "`SequenceScaler()`; boosted trees are `HistGradientBoostingClassifier` on the flat table "
        f"with NaN. Sequences of more than {LONGEST} steps are left out."
    )
    title = "Missing values: decay, imputers, trees"
    _measure.publish(
        arguments, "missing_values", title, [intro, summary(wholes, scores), *sections]
    )


if __name__ == "__main__":
    main()
