"""Split the time of one training step into its parts, for a small and for a large network.

The functions of a step are wrapped while the network trains; a part's time is what its functions
take themselves, without the wrapped functions that they call. What is left over is the Python
around them. Figures are the median over several fits.

    python docs/benchmarks/profile_fit.py
"""

from __future__ import annotations

import argparse
import functools
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple
from unittest import mock

import _measure
import numpy as np
import threadpoolctl

from skrnn import RNNClassifier
from skrnn.core import training
from skrnn.core.cells import CELLS
from skrnn.core.losses import SoftmaxCrossEntropy
from skrnn.core.network import Network
from skrnn.core.optimizers import Adam
from skrnn.core.output import Output, SequenceFeatures
from skrnn.sequences import Sequences

PARTS: dict[str, list[tuple[Any, str]]] = {
    "gather the batch": [(Sequences, "batch")],
    "cells forward": [(type(cell), "forward") for cell in CELLS.values()],
    "cells backward": [(type(cell), "backward") for cell in CELLS.values()],
    "read-out": [(SequenceFeatures, "forward"), (SequenceFeatures, "backward")],
    "output layer": [(Output, "forward"), (Output, "backward")],
    "loss": [(SoftmaxCrossEntropy, "__call__")],
    "penalty": [(Network, "_add_penalty")],
    "clipping": [(training, "clip_by_global_norm")],
    "optimizer": [(Adam, "step")],
    "network around them": [(Network, "loss_and_gradient")],
}
REST = "epoch loop and objective"


class Task(NamedTuple):
    """Data and network to profile."""

    name: str
    n_samples: int
    n_timesteps: int
    n_channels: int
    hidden_size: int
    batch_size: int
    max_iter: int

    def data(self) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.RandomState(0)
        X = rng.normal(size=(self.n_samples, self.n_timesteps, self.n_channels))
        return X.astype(np.float32), rng.randint(10, size=self.n_samples)

    @property
    def n_steps(self) -> int:
        return self.max_iter * -(-self.n_samples // self.batch_size)


TASKS = [
    Task("small", 1800, 8, 8, hidden_size=32, batch_size=32, max_iter=10),
    Task("digits", 1800, 8, 8, hidden_size=64, batch_size=64, max_iter=10),
    Task("large", 640, 100, 8, hidden_size=256, batch_size=64, max_iter=1),
]


@contextmanager
def timed_parts() -> Iterator[Counter[str]]:
    """Wrap the functions of all parts; yield their own times so far, in seconds."""
    own: Counter[str] = Counter()
    running: list[str] = []
    last = time.thread_time()

    def switch() -> None:
        nonlocal last
        now = time.thread_time()
        if running:
            own[running[-1]] += now - last
        last = now

    def wrap(function: Callable[..., Any], part: str) -> Callable[..., Any]:
        @functools.wraps(function)
        def run(*args: Any, **kwargs: Any) -> Any:
            switch()
            running.append(part)
            try:
                return function(*args, **kwargs)
            finally:
                switch()
                running.pop()

        return run

    with ExitStack() as stack:
        for part, functions in PARTS.items():
            for owner, name in functions:
                function = wrap(getattr(owner, name), part)
                stack.enter_context(mock.patch.object(owner, name, function))
        run_epoch = wrap(training.run_epoch, REST)
        stack.enter_context(mock.patch.object(training, "run_epoch", run_epoch))
        yield own


def profile(task: Task, cell: str, repeats: int) -> dict[str, np.ndarray]:
    """Return the microseconds per training step of every part, one entry for each fit."""
    X, y = task.data()
    model = RNNClassifier(
        task.hidden_size,
        cell=cell,
        batch_size=task.batch_size,
        max_iter=task.max_iter,
        n_iter_no_change=task.max_iter,
        random_state=0,
    )
    runs = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the number of epochs is meant
        for _ in range(repeats + 1):
            with timed_parts() as own:
                model.fit(X, y)
            runs.append(own)
    parts = [*PARTS, REST]
    return {part: np.array([1e6 * run[part] / task.n_steps for run in runs[1:]]) for part in parts}


def report(task: Task, cell: str, threads: int, parts: dict[str, np.ndarray]) -> str:
    total = np.sum(list(parts.values()), axis=0)
    title = (
        f"{cell}, {threads} thread(s), {task.name}: hidden {task.hidden_size}, batch "
        f"{task.batch_size}, {task.n_timesteps} steps of {task.n_channels}"
    )
    rows = [
        [part, _measure.describe(times), f"{np.median(times) / np.median(total):.1%}"]
        for part, times in parts.items()
    ]
    rows.append(["**a training step**", _measure.describe(total), ""])
    return f"### {title}\n\n" + _measure.table(["part", "time, µs", "share"], rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--cells", nargs="+", default=["gru", "lstm"])
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--tasks", nargs="+", default=[task.name for task in TASKS])
    parser.add_argument("--repeats", type=int, default=11, help="fits for each table")
    arguments = _measure.parse(parser)
    sections = []
    for threads in arguments.threads:
        with threadpoolctl.threadpool_limits(threads):
            for task in TASKS:
                for cell in arguments.cells if task.name in arguments.tasks else ():
                    parts = profile(task, cell, arguments.repeats)
                    sections.append(report(task, cell, threads, parts))
    _measure.publish(arguments, "profile_fit", "Where the time of a training step goes", sections)


if __name__ == "__main__":
    main()
