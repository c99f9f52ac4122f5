"""Time RNNClassifier.fit against skorch, and against scikit-learn's MLPClassifier.

All train on the same data with the same widths, epochs, batch size and Adam, float32, in one
process, taking turns. The training loss at the end shows that they do the same work; it differs
only by the random start and order.

    python docs/benchmarks/bench_fit.py --threads 1 2
"""

from __future__ import annotations

import argparse
import warnings
from typing import Any, NamedTuple

import _measure
import numpy as np
import skorch
import threadpoolctl
import torch
from sklearn.datasets import load_digits
from sklearn.neural_network import MLPClassifier

from skrnn import RNNClassifier

LEARNING_RATE = 5e-3
TORCH_CELLS = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU, "rnn": torch.nn.RNN}


class Task(NamedTuple):
    """Data, width, batch and epochs of a fit."""

    name: str
    X: np.ndarray
    y: np.ndarray
    hidden_size: int
    batch_size: int
    epochs: int


def digits() -> Task:
    """8 x 8 pixels, one row of pixels per time step."""
    X, y = load_digits(return_X_y=True)
    return Task("digits", (X / 16).reshape(-1, 8, 8).astype(np.float32), y, 64, 64, epochs=10)


def long_sequences() -> Task:
    """Noise with a class-dependent mean: 100 steps of 8 channels."""
    rng = np.random.RandomState(0)
    y = rng.randint(10, size=320)
    X = rng.normal(size=(320, 100, 8)) + rng.normal(size=(10, 1, 8))[y]
    return Task("long", X.astype(np.float32), y, 256, 64, epochs=1)


TASKS = {"digits": digits, "long": long_sequences}


class TorchNetwork(torch.nn.Module):
    """One recurrent layer; the output layer sees its last state."""

    def __init__(self, cell: str, n_inputs: int, hidden_size: int, n_classes: int):
        super().__init__()
        self.recurrent = TORCH_CELLS[cell](n_inputs, hidden_size, batch_first=True)
        self.output = torch.nn.Linear(hidden_size, n_classes)

    def forward(self, X: torch.Tensor) -> torch.Tensor:
        return self.output(self.recurrent(X)[0][:, -1])


def our_model(task: Task, cell: str) -> RNNClassifier:
    return RNNClassifier(
        task.hidden_size,
        cell=cell,
        batch_size=task.batch_size,
        learning_rate_init=LEARNING_RATE,
        alpha=0.0,
        max_grad_norm=None,
        max_iter=task.epochs,
        n_iter_no_change=task.epochs,
        random_state=0,
    )


def skorch_model(task: Task, cell: str) -> skorch.NeuralNetClassifier:
    return skorch.NeuralNetClassifier(
        TorchNetwork,
        module__cell=cell,
        module__n_inputs=task.X.shape[2],
        module__hidden_size=task.hidden_size,
        module__n_classes=len(np.unique(task.y)),
        criterion=torch.nn.CrossEntropyLoss,
        optimizer=torch.optim.Adam,
        lr=LEARNING_RATE,
        batch_size=task.batch_size,
        max_epochs=task.epochs,
        iterator_train__shuffle=True,
        train_split=None,
        verbose=0,
    )


def mlp(task: Task) -> MLPClassifier:
    return MLPClassifier(
        task.hidden_size,
        batch_size=task.batch_size,
        learning_rate_init=LEARNING_RATE,
        alpha=0.0,
        max_iter=task.epochs,
        n_iter_no_change=task.epochs,
        random_state=0,
    )


def final_loss(model: Any) -> float:
    if isinstance(model, skorch.NeuralNetClassifier):
        return model.history[-1, "train_loss"]
    return model.loss_


class Row(NamedTuple):
    """Times in milliseconds and final losses of skrnn, skorch and the perceptron.

    `peak` is the speed of the fastest large matrix product in GFLOP/s.
    """

    task: Task
    cell: str
    threads: int
    times: list[np.ndarray]
    losses: list[float]
    peak: float

    @property
    def ratio(self) -> float:
        return _measure.ratio(self.times[1], self.times[0])

    @property
    def ratio_at_peak(self) -> float:
        """The ratio if the layer ran at the peak and everything else took no time."""
        n_samples, n_timesteps, n_inputs = self.task.X.shape
        n_steps = n_samples * n_timesteps * self.task.epochs
        flops = _measure.layer_flops(self.cell, n_steps, n_inputs, self.task.hidden_size)
        return float(np.median(self.times[1]) / (flops / self.peak / 1e6))

    def cells(self) -> list[str]:
        task = self.task
        return [
            f"{self.cell}, {task.name}: {len(task.X)} sequences of {task.X.shape[1]} steps, "
            f"hidden {task.hidden_size}, batch {task.batch_size}, {task.epochs} epoch(s)",
            str(self.threads),
            *(_measure.describe(times) for times in self.times),
            f"**{self.ratio:.2f}**",
            f"{self.ratio_at_peak:.2f}",
            " · ".join(f"{loss:.3f}" for loss in self.losses),
        ]


def measure(task: Task, cell: str, threads: int, seconds: float) -> Row:
    models = [our_model(task, cell), skorch_model(task, cell), mlp(task)]
    flat = task.X.reshape(len(task.X), -1)
    functions = [
        lambda: models[0].fit(task.X, task.y),
        lambda: models[1].fit(task.X, task.y),
        lambda: models[2].fit(flat, task.y),
    ]
    torch.set_num_threads(threads)
    with threadpoolctl.threadpool_limits(threads), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the number of epochs is meant
        times = _measure.alternate(functions, seconds)
        peak = _measure.peak_gflops("float32")
    return Row(task, cell, threads, times, [final_loss(model) for model in models], peak)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--cells", nargs="+", choices=list(TORCH_CELLS), default=list(TORCH_CELLS))
    parser.add_argument("--tasks", nargs="+", choices=list(TASKS), default=list(TASKS))
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--seconds", type=float, default=15.0, help="for each line of the table")
    arguments = _measure.parse(parser)
    rows = [
        measure(task(), cell, threads, arguments.seconds)
        for task in (TASKS[name] for name in arguments.tasks)
        for threads in arguments.threads
        for cell in arguments.cells
    ]
    header = ["fit", "threads", "skrnn, ms", "skorch, ms", "MLP, ms", "skorch / skrnn"]
    sections = [
        "The ratio at the peak is what a fit would reach whose layers run as fast as the fastest "
        "large matrix product of NumPy and PyTorch, and to which all the rest comes for nothing.",
        _measure.table([*header, "at the peak", "losses"], (row.cells() for row in rows)),
    ]
    _measure.publish(arguments, "bench_fit", "Training an estimator", sections, ["torch", "skorch"])
    _measure.plot_bars(
        arguments,
        "bench_fit",
        labels=[f"{row.cell} {row.task.hidden_size}, {row.threads} thread(s)" for row in rows],
        series={"skorch / skrnn": [row.ratio for row in rows]},
        xlabel="how many times faster than skorch",
    )


if __name__ == "__main__":
    main()
