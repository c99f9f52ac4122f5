"""Does the linear recurrent unit pay? Error, weights and time of `"lru"` and `"gru"`.

    python docs/benchmarks/ablation_lru.py

Three tasks with long lags, three seeds each; a GRU of one layer, of two, and of about as many
weights as the LRU. All see the same data and take the same number of steps. About three minutes.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import _measure
import numpy as np
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import root_mean_squared_error
from sklearn.model_selection import train_test_split

from skrnn import RNNClassifier, RNNRegressor
from skrnn.datasets import make_adding_problem, make_temporal_order

SEEDS = (0, 1, 2)
# Every step as it is, forward, read out at the last one: the lags are as long as the sequences.
PLAIN = {
    "differences": False,
    "frame_length": 1,
    "bidirectional": False,
    "readout": "last",
    "learning_rate": "cosine",
    "n_iter_no_change": np.inf,
    "batch_size": 32,
}
HEADER = ["network", "weights", "median", "seeds", "processor time of a fit, s"]


class Task(NamedTuple):
    """Data in two parts, the networks that are tried, and what is told of a fitted one."""

    title: str
    data: tuple[Any, Any, Any, Any]
    networks: dict[str, Any]
    score: Callable[[Any, Any, Any], float]


def digits_by_pixels() -> Task:
    X, y = load_digits(return_X_y=True)
    X = (X.reshape(-1, 64, 1) / 8 - 1).astype(np.float32)
    data = train_test_split(X, y, test_size=0.25, stratify=y, random_state=0)
    sizes = {"gru": (64, (64, 64), (22, 22)), "lru": (64, (64, 64))}
    networks = {
        name_of(cell, units): RNNClassifier(units, cell=cell, max_iter=40, **PLAIN)
        for cell in sizes
        for units in sizes[cell]
    }
    networks |= {
        f"{name_of(cell, units)}, all else by default": RNNClassifier(units, cell=cell)
        for cell, units in (("gru", 64), ("lru", 64), ("lru", (64, 64)))
    }
    return Task("Digits by pixels, 64 steps: test accuracy", data, networks, accuracy)


def adding_problem(n_timesteps: int = 400) -> Task:
    X, y = make_adding_problem(8500, n_timesteps, random_state=0)
    X = X.astype(np.float32)
    networks = {
        name_of(cell, units, activation): RNNRegressor(
            units, activation, cell=cell, max_iter=10, **PLAIN
        )
        for cell, units, activation in (
            ("gru", 32, "tanh"),
            ("gru", 18, "tanh"),
            ("lru", (32, 32), "tanh"),
            ("lru", 32, "relu"),
            ("lru", (32, 32), "relu"),
        )
    }
    title = f"Adding problem, {n_timesteps} steps: RMSE (0.41 for the best constant)"
    return Task(title, (X[:8000], X[8000:], y[:8000], y[8000:]), networks, error)


def temporal_order(n_timesteps: int = 100) -> Task:
    X, y = make_temporal_order(4500, n_timesteps, random_state=0)
    networks = {
        name_of(cell, units): RNNClassifier(units, cell=cell, embedding_dim=4, max_iter=15, **PLAIN)
        for cell, units in (("gru", 32), ("gru", 17), ("lru", 32), ("lru", (32, 32)))
    }
    title = f"Temporal order, {n_timesteps} steps, 4 classes: test accuracy"
    return Task(title, (X[:4000], X[4000:], y[:4000], y[4000:]), networks, accuracy)


def name_of(cell: str, units: Any, activation: str = "tanh") -> str:
    """Return a name such as "lru 64 + 64, relu"."""
    widths = " + ".join(map(str, np.atleast_1d(units)))
    return f"{cell} {widths}" + (f", {activation}" if activation != "tanh" else "")


def accuracy(model: Any, X: Any, y: Any) -> float:
    """Share of the sequences whose class is right."""
    return model.score(X, y)


def error(model: Any, X: Any, y: Any) -> float:
    """Root of the mean squared error."""
    return root_mean_squared_error(y, model.predict(X))


def table_of(task: Task) -> str:
    """Fit every network with every seed; return the table with its heading."""
    X, X_test, y, y_test = task.data
    rows = []
    for name, network in task.networks.items():
        scores, seconds = [], []
        for seed in SEEDS:
            start = time.process_time()
            model = network.set_params(random_state=seed).fit(X, y)
            seconds.append(time.process_time() - start)
            scores.append(task.score(model, X_test, y_test))
        n_weights = model.network_.parameters.vector.size
        told = [f"{n_weights:,}", f"{np.median(scores):.3f}", " ".join(f"{s:.3f}" for s in scores)]
        rows.append([name, *told, f"{np.median(seconds):.1f}"])
    return f"## {task.title}\n\n{_measure.table(HEADER, rows)}"


def main() -> None:
    arguments = _measure.parse(argparse.ArgumentParser(description=__doc__))
    # Some of these networks are there to fail, and all of them stop after a set number of epochs.
    warnings.simplefilter("ignore", ConvergenceWarning)
    warnings.filterwarnings("ignore", message="The network has learnt nothing")
    intro = (
        f"Adam with rate 0.005 and a cosine schedule, batches of 32, {len(SEEDS)} seeds of initial "
        "weights and batches; the median of the seeds, then each of them."
    )
    tasks = (digits_by_pixels(), adding_problem(), temporal_order())
    title = "The linear recurrent unit against the GRU"
    _measure.publish(arguments, "ablation_lru", title, [intro, *map(table_of, tasks)])


if __name__ == "__main__":
    main()
