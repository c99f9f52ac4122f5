"""How many targets predicted intervals of 90% hold: as fitted, and after split conformal.

Networks with nothing set but the loss and early stopping, on hourly counts, two series of months
and weeks, and a generated target whose spread is known. Every seed draws anew which whole weeks or
years, of which no two windows in different parts share a step, are trained on (half of them), which
widen the intervals (a quarter), and which are tested on (a quarter).

    python docs/benchmarks/intervals.py
"""

from __future__ import annotations

import argparse
import csv
import warnings
from collections.abc import Callable
from typing import NamedTuple

import _measure
import numpy as np
from _packages import folder
from sklearn.exceptions import ConvergenceWarning

from skrnn import RNNRegressor
from skrnn.metrics import coverage, interval_score

SEEDS = range(5)
LEVELS = [0.05, 0.5, 0.95]
CONFIDENCE = 0.9


class DataSet(NamedTuple):
    """Windows, targets, the block that each belongs to, and the loss of a distribution."""

    X: np.ndarray
    y: np.ndarray
    block: np.ndarray
    distribution: str


def bikes() -> DataSet:
    """Bikes rented in three hours, by the last 24 hours: counts and weather; blocks are weeks.

    8,645 hours in Washington, D.C. (H. Fanaee-T and J. Gama, "Event labeling combining ensemble
    detectors and background knowledge", Progress in Artificial Intelligence 2, 2014), as the
    package of "An Introduction to Statistical Learning with Applications in Python" has them.
    """
    path = folder("ISLP") / "ISLP" / "data" / "Bikeshare.csv"
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))

    def column(name: str) -> np.ndarray:
        return np.array([float(row[name]) for row in rows])

    day, hour, count = column("day"), column("hr"), column("bikers")
    angle = 2 * np.pi * hour / 24
    x = [np.log1p(count), np.sin(angle), np.cos(angle)]
    x += [column(name) for name in ("workingday", "temp", "hum")]
    x = np.column_stack(x)
    return _windows(
        (x - x.mean(axis=0)) / x.std(axis=0),
        count,
        block=(day - 1) // 7,
        time=24 * day + hour,
        width=24,
        ahead=3,
        distribution="negative_binomial",
    )


def el_nino() -> DataSet:
    """The sea's temperature in three months by that of the last 12; blocks are three years."""
    path = folder("statsmodels") / "statsmodels" / "datasets" / "elnino" / "elnino.csv"
    x = np.loadtxt(path, delimiter=",", skiprows=1)[:, 1:].ravel()
    months = np.arange(len(x))
    scaled = (x - x.mean())[:, np.newaxis] / x.std()
    options = {"width": 12, "ahead": 3, "distribution": "gaussian"}
    return _windows(scaled, x, block=months // 36, time=months, **options)


def co2() -> DataSet:
    """The rise of CO2 in four weeks by the weekly rises of the last 13; blocks are years.

    Gaps are filled by the value before.
    """
    path = folder("statsmodels") / "statsmodels" / "datasets" / "co2" / "co2.csv"
    with path.open(newline="") as file:
        _, *rows = csv.reader(file)
    x = np.array([float(row[-1] or "nan") for row in rows])
    x = x[np.maximum.accumulate(np.where(np.isfinite(x), np.arange(len(x)), 0))]
    rise, weeks = np.diff(x), np.arange(len(x) - 1)
    of_four = np.concatenate([np.zeros(3), x[4:] - x[:-4]])  # up to every week
    options = {"width": 13, "ahead": 4, "distribution": "gaussian"}
    scaled = rise[:, np.newaxis] / rise.std()
    return _windows(scaled, of_four, block=weeks // 52, time=weeks, **options)


def skewed() -> DataSet:
    """A sum over 20 steps, with gamma noise whose scale the last five steps of a channel set."""
    rng, n = np.random.RandomState(0), 4000
    X = rng.normal(size=(n, 20, 2))
    scale = np.exp(1.5 * X[:, -5:, 1].mean(axis=1))
    y = 4 * X[:, :, 0].mean(axis=1) + scale * rng.gamma(2.0, size=n)
    return DataSet(X, y, np.arange(n), "gaussian")


def _windows(
    x: np.ndarray,
    y: np.ndarray,
    *,
    block: np.ndarray,
    time: np.ndarray,
    width: int,
    ahead: int,
    distribution: str,
) -> DataSet:
    """Return the windows without a gap of which every step and the target are of one block."""
    first = np.arange(len(x) - width - ahead + 1)
    target = first + width - 1 + ahead
    whole = (time[target] - time[first] == width - 1 + ahead) & (block[target] == block[first])
    first, target = first[whole], target[whole]
    X = np.stack([x[i : i + width] for i in first])
    return DataSet(X, y[target], block[target], distribution)


DATA: dict[str, Callable[[], DataSet]] = {
    "bikes, counts": bikes,
    "CO2": co2,
    "El Niño": el_nino,
    "skewed noise": skewed,
}


def parts(block: np.ndarray, seed: int) -> list[np.ndarray]:
    """Return the samples to train on, to widen by and to test on, in whole blocks."""
    blocks = np.random.RandomState(seed).permutation(np.unique(block))
    ends = [len(blocks) // 2, 3 * len(blocks) // 4]
    return [np.flatnonzero(np.isin(block, part)) for part in np.split(blocks, ends)]


def widened(quantiles: np.ndarray, seen: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return intervals, wider or narrower by what those of other samples lack: split conformal."""
    lack = np.maximum(seen[:, 0] - y, y - seen[:, -1])
    rank = int(np.ceil((len(y) + 1) * CONFIDENCE))
    margin = np.sort(lack)[min(rank, len(y)) - 1]
    return quantiles[:, [0, -1]] + np.array([-margin, margin])


def judged(intervals: np.ndarray, y: np.ndarray) -> list[float]:
    """Return coverage, mean width and interval score."""
    width = float(np.mean(intervals[:, -1] - intervals[:, 0]))
    score = interval_score(y, intervals, confidence_level=CONFIDENCE)
    return [coverage(y, intervals), width, score]


def row_of(name: str, data: DataSet, loss: str, *, early_stopping: bool) -> list[str]:
    """Fit with every seed; return a line of the table."""
    outcomes, n_crossing = [], 0
    for seed in SEEDS:
        train, widen, test = parts(data.block, seed)
        model = RNNRegressor(
            loss=loss, quantile=LEVELS, early_stopping=early_stopping, random_state=seed
        )
        # Whole weeks or years are set aside to stop by, too.
        model.fit(data.X[train], data.y[train], groups=data.block[train])
        quantiles = model.predict_quantiles(data.X[test])
        seen = model.predict_quantiles(data.X[widen])
        n_crossing += int((np.diff(quantiles, axis=1) < 0).any(axis=1).sum())
        conformal = widened(quantiles, seen, data.y[widen])
        outcomes.append([judged(intervals, data.y[test]) for intervals in (quantiles, conformal)])
    told = [f"{name}, {loss}" + ("" if early_stopping else ", all epochs")]
    for of_seeds in np.moveaxis(outcomes, 1, 0):  # as fitted, after conformal
        share, width, score = np.median(of_seeds, axis=0)
        shares = of_seeds[:, 0]
        told += [f"**{share:.3f}**", f"{shares.min():.2f} to {shares.max():.2f}"]
        told += [f"{width:.3g}", f"{score:.3g}"]
    return [*told, str(n_crossing)]


def rows_of(name: str) -> list[list[str]]:
    data = DATA[name]()
    ways = [("quantile", True), (data.distribution, True), ("quantile", False)]
    return [row_of(name, data, loss, early_stopping=stops) for loss, stops in ways]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", nargs="+", choices=list(DATA), default=list(DATA))
    arguments = _measure.parse(parser)
    warnings.simplefilter("ignore", ConvergenceWarning)
    rows = [row for name in arguments.data for row in rows_of(name)]
    header = [
        "",
        "coverage as fitted",
        "seeds",
        "width",
        "score",
        "coverage after conformal",
        "seeds",
        "width",
        "score",
        "crossing",
    ]
    text = (
        f"`RNNRegressor(loss=..., quantile={LEVELS}, early_stopping=True)`, or without early "
        f"stopping where it says so, all else by default. Intervals of the levels {LEVELS[0]} and "
        f"{LEVELS[-1]}, meant to hold {CONFIDENCE:.0%}; coverage, mean width and interval score on "
        f"the test part, medians of {len(SEEDS)} seeds, and the range of the coverage over the "
        "seeds. Conformal: both ends moved by the margin that makes them hold 90% of a quarter of "
        "the data that was set aside. Crossing: test samples of all seeds whose quantiles were out "
        "of order."
    )
    title = "Intervals of 90%"
    _measure.publish(arguments, "intervals", title, [text, _measure.table(header, rows)])


if __name__ == "__main__":
    main()
