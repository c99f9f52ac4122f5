"""What inspection costs.

    python docs/benchmarks/bench_inspection.py

measures `gradient_flow` against one forward and backward pass over the same data, and what
recording clipped batches and steps adds to an epoch of training. Medians, taking turns in one
process.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np

from skrnn import RNNRegressor, show_versions
from skrnn.core import training
from skrnn.estimators._training import make_optimizer
from skrnn.inspection import gradient_flow

SHAPES = [
    (32, 50, 8, 32),
    (128, 100, 8, 64),
    (200, 30, 12, 64),
    (500, 20, 4, 32),
    (64, 100, 16, 128),
]


def seconds(functions: list[Callable[[], Any]], repeats: int) -> list[float]:
    """Return the median time of every function; they take turns."""
    times: list[list[float]] = [[] for _ in functions]
    for _ in range(repeats):
        for function, taken in zip(functions, times, strict=True):
            start = time.perf_counter()
            function()
            taken.append(time.perf_counter() - start)
    return [median(taken) for taken in times]


def network(shape: tuple[int, ...], cell: str) -> tuple[RNNRegressor, np.ndarray, np.ndarray]:
    n, n_timesteps, n_channels, hidden = shape
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(n, n_timesteps, n_channels)), rng.normal(size=n)
    est = RNNRegressor(
        hidden, cell=cell, batch_size=n, max_iter=3, tol=1e9, n_iter_no_change=1, random_state=0
    )
    return est.fit(X, y), X, y


def flow_ratio(shape: tuple[int, ...], cell: str, repeats: int) -> float:
    """Return the cost of `gradient_flow` in passes forward and backward."""
    est, X, y = network(shape, cell)
    model, data, weight = est._for_inspection(X, y)
    batch = data.sequences.batch(np.arange(len(X)))
    arguments = (batch.x, batch.n_active, data.y[batch.samples], weight)

    def one_pass() -> None:
        model.network_.loss_and_gradient(*arguments, loss=model._make_loss())

    flow, base = seconds([lambda: gradient_flow(est, X, y), one_pass], repeats)
    return flow / base


def recording_share(shape: tuple[int, ...], cell: str, repeats: int) -> float:
    """Return the time that recording takes in an epoch of one batch, relative to the epoch."""
    est, X, y = network(shape, cell)
    _, data, weight = est._for_inspection(X, y)
    batch = data.sequences.batch(np.arange(len(X)))
    arguments = (batch.x, batch.n_active, data.y[batch.samples], weight)
    vector = est.network_.parameters.vector
    optimizer = make_optimizer(est)

    def epoch() -> None:
        _, gradient = est.network_.loss_and_gradient(*arguments, loss=est._make_loss())
        optimizer.step(vector, gradient, 1e-6)

    def recording() -> None:
        training.update_ratio(vector.copy(), vector)
        sum(norm > 1.0 for norm in (0.5,))

    whole, extra = seconds([epoch, recording], repeats)
    return extra / whole


def main(repeats: int = 7) -> None:
    show_versions()
    print(
        "\n| n, steps, channels, hidden | cell | gradient_flow, passes | recording, % of an epoch |"
    )
    print("|---|---|---|---|")
    for shape in SHAPES:
        for cell in ("rnn", "gru", "lstm"):
            flow = flow_ratio(shape, cell, repeats)
            share = recording_share(shape, cell, repeats)
            print(f"| {', '.join(map(str, shape))} | {cell} | {flow:.1f} | {100 * share:.2f} |")


if __name__ == "__main__":
    main()
