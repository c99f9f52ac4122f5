"""Time and memory on sequences of very different lengths, against PyTorch's packed sequences.

Lengths are log-normal around 50 steps, or all short but for a single long one. Both libraries have
the same weights' shapes, the same data in float32 and batches of the same samples: 512 to predict,
32 to train. PyTorch gets `pack_sequence(..., enforce_sorted=False)`, which knows no padding.
Times are taken in turns in one process. Memory is the peak of a fresh process during the call, less
what it had before, after a call on a few short sequences.

    python docs/benchmarks/bench_skewed.py --threads 2
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import _measure
import numpy as np
import threadpoolctl
import torch
from torch.nn.utils.rnn import pack_sequence

from skrnn import RNNClassifier

N_CHANNELS, HIDDEN, N_CLASSES = 2, 64, 10
BLOCK, BATCH = 512, 32
# The network that PyTorch gets: one direction, every step by itself, read out at the end.
PLAIN = {"bidirectional": False, "readout": "last", "differences": False, "frame_length": 1}
CELLS = {"gru": torch.nn.GRU, "lstm": torch.nn.LSTM}
CASES = ("sigma 0.5", "sigma 1.0", "sigma 1.5", "one of 20000, 511 of 5")
LIBRARIES = ("skrnn", "PyTorch")
TASKS = ("predict", "one epoch")


def make_sequences(case: str) -> list[np.ndarray]:
    rng = np.random.RandomState(0)
    if case.startswith("one of"):
        lengths = np.array([5] * 511 + [20_000])
    else:
        sigma = float(case.split()[1])
        lengths = np.exp(rng.normal(np.log(50), sigma, size=1024)).astype(int).clip(min=1)
    return [rng.normal(size=(length, N_CHANNELS)).astype(np.float32) for length in lengths]


class TorchNetwork(torch.nn.Module):
    def __init__(self, cell: str):
        super().__init__()
        self.layer = CELLS[cell](N_CHANNELS, HIDDEN)
        self.output = torch.nn.Linear(HIDDEN, N_CLASSES)

    def forward(self, sequences: list[torch.Tensor]) -> torch.Tensor:
        _, state = self.layer(pack_sequence(sequences, enforce_sorted=False))
        last = state[0] if isinstance(state, tuple) else state
        return self.output(last[-1])


def torch_task(
    cell: str, task: str, sequences: list[np.ndarray], y: np.ndarray
) -> Callable[[], object]:
    network = TorchNetwork(cell)
    tensors, targets = [torch.from_numpy(x) for x in sequences], torch.from_numpy(y)

    def predict() -> list[torch.Tensor]:
        with torch.inference_mode():
            starts = range(0, len(tensors), BLOCK)
            return [network(tensors[i : i + BLOCK]).argmax(dim=1) for i in starts]

    def train() -> None:
        optimizer = torch.optim.Adam(network.parameters())
        order = np.random.RandomState(0).permutation(len(tensors))
        for i in range(0, len(order), BATCH):
            batch = order[i : i + BATCH]
            loss = torch.nn.functional.cross_entropy(
                network([tensors[j] for j in batch]), targets[batch]
            )
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()

    return predict if task == "predict" else train


def skrnn_task(
    cell: str, task: str, sequences: list[np.ndarray], y: np.ndarray
) -> Callable[[], object]:
    model = RNNClassifier(HIDDEN, cell=cell, batch_size=BATCH, max_iter=1, random_state=0, **PLAIN)
    if task == "one epoch":
        return lambda: model.fit(sequences, y)
    short = [x[:5] for x in sequences]
    model.fit(short, y)
    return lambda: model.predict(sequences)


def make_task(library: str, cell: str, task: str, case: str) -> Callable[[], object]:
    sequences = make_sequences(case)
    y = np.arange(len(sequences)) % N_CLASSES
    return (skrnn_task if library == "skrnn" else torch_task)(cell, task, sequences, y)


def peak_megabytes() -> float:
    status = Path("/proc/self/status").read_text().splitlines()
    return float(next(line.split()[1] for line in status if line.startswith("VmHWM"))) / 1e3


def print_memory(library: str, cell: str, task: str, case: str, threads: int) -> None:
    """Print the peak of one call in this process, in megabytes above what it had before."""
    torch.set_num_threads(threads)
    warnings.simplefilter("ignore")
    short = [x[:5] for x in make_sequences("sigma 0.5")[:64]]
    warm_up = skrnn_task if library == "skrnn" else torch_task
    warm_up(cell, task, short, np.arange(64) % N_CLASSES)()
    run = make_task(library, cell, task, case)
    reset = Path("/proc/self/clear_refs")
    if reset.exists():
        reset.write_text("5")  # the peak is counted from here on
        before = peak_megabytes()
        run()
        print(peak_megabytes() - before)
        return
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    run()
    unit = 1e6 if sys.platform == "darwin" else 1e3
    print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / unit)


def memory_of(library: str, cell: str, task: str, case: str, threads: int) -> float:
    """Return the megabytes that a fresh process prints."""
    command = [sys.executable, __file__, "--memory-of", library, cell, task, case]
    done = subprocess.run(
        [*command, "--threads", str(threads)],
        env={**os.environ, "OMP_NUM_THREADS": str(threads)},
        check=True,
        capture_output=True,
        text=True,
    )
    return float(done.stdout)


def row_of(cell: str, task: str, case: str, threads: int, seconds: float) -> list[str]:
    runs = [make_task(library, cell, task, case) for library in LIBRARIES]
    times = _measure.alternate(runs, seconds, least=2)
    memory = [memory_of(library, cell, task, case, threads) for library in LIBRARIES]
    return [
        f"{cell}, {task}: {case}",
        *(_measure.describe(own) for own in times),
        f"**{_measure.ratio(times[1], times[0]):.1f}**",
        *(f"{megabytes:.1f}" for megabytes in memory),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--cells", nargs="+", choices=list(CELLS), default=list(CELLS))
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=4.0, help="for each line of the table")
    parser.add_argument("--memory-of", nargs=4, help=argparse.SUPPRESS)
    arguments = _measure.parse(parser)
    if arguments.memory_of:
        print_memory(*arguments.memory_of, arguments.threads)
        return
    torch.set_num_threads(arguments.threads)
    warnings.simplefilter("ignore")  # one epoch does not converge
    with threadpoolctl.threadpool_limits(arguments.threads):
        rows = [
            row_of(cell, task, case, arguments.threads, arguments.seconds)
            for cell in arguments.cells
            for task in TASKS
            for case in CASES
        ]
    header = ["", "skrnn, ms", "PyTorch, ms", "PyTorch / skrnn", "skrnn, MB", "PyTorch, MB"]
    text = (
        f"Hidden {HIDDEN}, {N_CHANNELS} channels, {N_CLASSES} classes, {arguments.threads} "
        "thread(s). 1,024 sequences around 50 steps, or the 512 that are named. Memory is the peak "
        "during the call, beyond the data and what the process had before."
    )
    _measure.publish(
        arguments,
        "bench_skewed",
        "Sequences of very different lengths",
        [text, _measure.table(header, rows)],
        ["torch"],
    )


if __name__ == "__main__":
    main()
