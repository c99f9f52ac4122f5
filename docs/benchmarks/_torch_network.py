"""A recurrent network in PyTorch, trained with care: the peer to be reached.

One layer of GRU, 64 units in each direction; Adam with a learning rate that falls from 5e-3 to 0
by a cosine; batches of 16; gradients clipped at a norm of 1; 1,200 steps or 20 epochs, whichever
is more; channels, and numbers to be predicted, standardized. Rate, batches and steps are those that
did best for the same network in trials with skrnn's own code, on a dozen of the sets; they were not
sought anew in PyTorch, nor was it given frames. **Tuned to a set** is the read-out, the last states
or the maximum over all: both are trained for a quarter of the steps on four fifths of the training
sequences, and the one with the smaller loss on the others is trained anew on all. The search does
not count as time.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import torch
from _generated_sets import DataSet
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence

HIDDEN_SIZE = 64
LEARNING_RATE = 5e-3
BATCH_SIZE = 16
STEPS, EPOCHS = 1200, 20  # at least
EMBEDDING = 16  # of tokens
AT_ONCE = 256  # sequences, where nothing is learned
CHECKPOINTS = 10
READOUTS = ("max", "last")


class Network(nn.Module):
    """One bidirectional layer of GRU, its read-out, an output layer."""

    def __init__(self, n_inputs: int, n_outputs: int, n_tokens: int, readout: str):
        super().__init__()
        self.readout = readout
        self.embedding = nn.Embedding(n_tokens, EMBEDDING) if n_tokens else None
        width = EMBEDDING if n_tokens else n_inputs
        self.recurrent = nn.GRU(width, HIDDEN_SIZE, batch_first=True, bidirectional=True)
        self.output = nn.Linear(2 * HIDDEN_SIZE, n_outputs)

    def forward(self, X: list[torch.Tensor]) -> torch.Tensor:
        """Return one row a sequence; with the read-out "all" one a step, sequence by sequence."""
        lengths = torch.tensor([len(x) for x in X])
        x = pad_sequence(X, batch_first=True)
        if self.embedding is not None:
            x = self.embedding(x[:, :, 0].long())
        if lengths.min() < lengths.max():
            packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
            states, last = self.recurrent(packed)
            states = pad_packed_sequence(states, batch_first=True)[0]
        else:
            states, last = self.recurrent(x)
        if self.readout == "last":
            return self.output(torch.cat([last[0], last[1]], dim=1))
        real = torch.arange(states.shape[1]) < lengths[:, None]
        if self.readout == "all":
            return self.output(states[real])
        return self.output(states.masked_fill(~real[:, :, None], -torch.inf).amax(dim=1))


class Trained(NamedTuple):
    """A trained network: its score, the seconds of its training, and scores on the way.

    `curve` has a pair for every tenth of the training: the share that is done, and the score.
    """

    score: float
    seconds: float
    curve: list[tuple[float, float]]


class Task:
    """The sequences and targets of a data set as tensors, standardized by the training part."""

    def __init__(self, data: DataSet):
        self.data = data
        steps = np.concatenate(data.X_train)
        scale = steps.std(axis=0)
        self.mean, self.scale = steps.mean(axis=0), np.where(scale > 0, scale, 1)
        self.X = self.tensors(data.X_train)
        if data.kind == "numbers":
            self.y_mean, self.y_scale = data.y_train.mean(), data.y_train.std()
            standardized = (data.y_train - self.y_mean) / self.y_scale
            self.y = list(torch.tensor(standardized, dtype=torch.float32))
            self.n_outputs = 1
        else:
            labels = np.concatenate(data.y_train) if data.kind == "steps" else data.y_train
            self.classes = np.unique(labels)
            self.y = [torch.tensor(np.searchsorted(self.classes, y)) for y in data.y_train]
            self.n_outputs = len(self.classes)

    def tensors(self, X: list[np.ndarray]) -> list[torch.Tensor]:
        if self.data.n_tokens:
            return [torch.from_numpy(x) for x in X]
        return [torch.from_numpy(((x - self.mean) / self.scale).astype(np.float32)) for x in X]

    def targets(self, rows: np.ndarray) -> torch.Tensor:
        chosen = [self.y[i] for i in rows]
        return torch.cat(chosen) if self.data.kind == "steps" else torch.stack(chosen)

    def loss(self, output: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        if self.data.kind == "numbers":
            return nn.functional.mse_loss(output[:, 0], y)
        return nn.functional.cross_entropy(output, y)

    @torch.no_grad()
    def mean_loss(self, network: Network, rows: np.ndarray) -> float:
        losses = [
            len(part) * self.loss(network([self.X[i] for i in part]), self.targets(part)).item()
            for part in np.split(rows, range(AT_ONCE, len(rows), AT_ONCE))
        ]
        return sum(losses) / len(rows)

    @torch.no_grad()
    def predict(self, network: Network, X: list[torch.Tensor]) -> np.ndarray:
        """Return the predictions, those of all steps one after the other."""
        parts = [network(X[i : i + AT_ONCE]) for i in range(0, len(X), AT_ONCE)]
        output = torch.cat(parts).numpy()
        if self.data.kind == "numbers":
            return output[:, 0] * self.y_scale + self.y_mean
        return self.classes[output.argmax(axis=1)]


def choose_readout(data: DataSet) -> str:
    """Return the better of `READOUTS` on a fifth of the training sequences, drawn at random."""
    if data.kind == "steps":
        return "all"
    task = Task(data)
    rows = np.random.RandomState(0).permutation(len(task.X))
    train, validation = rows[len(rows) // 5 :], rows[: len(rows) // 5]
    losses = {}
    for readout in READOUTS:
        *_, (_, network) = _training(task, train, seed=0, readout=readout, share=0.25)
        losses[readout] = task.mean_loss(network, validation)
    return min(losses, key=losses.__getitem__)


def train(data: DataSet, seed: int, readout: str, score: Callable[[np.ndarray], float]) -> Trained:
    """Train a network on all training sequences.

    Parameters
    ----------
    data : DataSet
        To train on; its test sequences are predicted.
    seed : int
        Of the weights and of the order of the sequences.
    readout : str
        What `choose_readout` returned.
    score : callable
        Of the predictions for the test sequences, in the form of `Task.predict`.
    """
    task = Task(data)
    X_test = task.tensors(data.X_test)
    seconds, curve = 0.0, []
    start = time.process_time()
    for share, network in _training(task, np.arange(len(task.X)), seed, readout):
        seconds += time.process_time() - start
        curve.append((share, score(task.predict(network, X_test))))
        start = time.process_time()
    return Trained(curve[-1][1], seconds, curve)


def _training(
    task: Task, rows: np.ndarray, seed: int, readout: str, share: float = 1.0
) -> Iterator[tuple[float, Network]]:
    """Train a network; give it out after every tenth of the steps, with the share that is done."""
    torch.manual_seed(seed)
    batches = _batches(rows, np.random.RandomState(seed))
    data = task.data
    network = Network(data.X_train[0].shape[1], task.n_outputs, data.n_tokens, readout)
    optimizer = torch.optim.Adam(network.parameters(), lr=LEARNING_RATE)
    n_steps = math.ceil(share * max(STEPS, EPOCHS * math.ceil(len(rows) / BATCH_SIZE)))
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, n_steps)
    for step in range(1, n_steps + 1):
        batch = next(batches)
        optimizer.zero_grad()
        task.loss(network([task.X[i] for i in batch]), task.targets(batch)).backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if step * CHECKPOINTS // n_steps > (step - 1) * CHECKPOINTS // n_steps:
            yield step / n_steps, network


def _batches(rows: np.ndarray, rng: np.random.RandomState) -> Iterator[np.ndarray]:
    while True:
        order = rng.permutation(rows)
        yield from np.split(order, range(BATCH_SIZE, len(order), BATCH_SIZE))
