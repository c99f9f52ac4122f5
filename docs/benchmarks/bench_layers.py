"""Time one recurrent layer, forward and backward, against PyTorch on the CPU.

Both libraries run in one process, taking turns, on the same shapes and threads. A time is the
median over the turns; the spread is half the distance between the quartiles, relative to it.

    python docs/benchmarks/bench_layers.py --threads 1 2 --cells lstm gru rnn rnn_relu
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import NamedTuple

import _measure
import numpy as np
import threadpoolctl
import torch

from skrnn.core import kernels
from skrnn.core.activations import ACTIVATIONS
from skrnn.core.cells import CELLS, Cell


class Row(NamedTuple):
    """One line of the table: times in milliseconds, and the arithmetic that they took.

    `peak` is the speed of the fastest large matrix product in GFLOP/s: no layer is faster.
    """

    cell: str
    shape: tuple[int, ...]
    threads: int
    ours: np.ndarray
    theirs: np.ndarray
    flops: float
    peak: float

    @property
    def ratio(self) -> float:
        return _measure.ratio(self.theirs, self.ours)

    @property
    def gflops(self) -> float:
        return float(self.flops / np.median(self.ours) / 1e6)

    @property
    def ratio_at_peak(self) -> float:
        """The ratio if our layer ran at the peak, with element-wise functions for free."""
        return self.ratio * self.peak / self.gflops


def our_cell(name: str) -> Cell:
    kind, _, activation = name.partition("_")
    return CELLS[kind].with_activation(ACTIVATIONS[activation or "tanh"])


def our_layer(name: str, shape: tuple[int, ...], dtype: str, ragged: bool) -> Callable[[], object]:
    """Return a function that runs one forward and backward pass of skrnn."""
    n_samples, n_timesteps, n_inputs, hidden_size = shape
    rng = np.random.RandomState(0)
    cell = our_cell(name)
    weights = {
        key: (rng.normal(size=size) * 0.1).astype(dtype)
        for key, size in cell.shapes(n_inputs, hidden_size).items()
    }
    lengths = lengths_of(shape, ragged)
    n_active = (lengths > np.arange(n_timesteps)[:, None]).sum(axis=1)
    x = rng.normal(size=(n_timesteps, n_samples, n_inputs)).astype(dtype)
    x[np.arange(n_samples) >= n_active[:, None]] = 0
    dh = np.zeros((n_timesteps + 1, n_samples, hidden_size), dtype)
    dh[lengths, np.arange(n_samples)] = 1

    @kernels.pass_memory()
    def run() -> object:
        _, cache = cell.forward(x, n_active, weights)
        return cell.backward(dh, cache, weights, need_dx=False)

    return run


def torch_layer(
    name: str, shape: tuple[int, ...], dtype: str, ragged: bool
) -> Callable[[], object]:
    """Return a function that does the same in PyTorch."""
    n_samples, n_timesteps, n_inputs, hidden_size = shape
    torch.manual_seed(0)
    kind = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU}.get(name, torch.nn.RNN)
    options = {"nonlinearity": "relu"} if name == "rnn_relu" else {}
    layer = kind(n_inputs, hidden_size, **options).to(getattr(torch, dtype))
    x = torch.randn(n_timesteps, n_samples, n_inputs, dtype=getattr(torch, dtype))
    lengths = torch.from_numpy(lengths_of(shape, ragged))
    if ragged:
        x = torch.nn.utils.rnn.pack_padded_sequence(x, lengths)

    def run() -> object:
        layer.zero_grad(set_to_none=True)
        out, last = layer(x)
        # The gradient arrives at the last real step of every sequence.
        (last[0] if name == "lstm" else last).sum().backward()
        return out

    return run


def lengths_of(shape: tuple[int, ...], ragged: bool) -> np.ndarray:
    """Return the sequence lengths, longest first: uniform in 1 ... n_timesteps, or all equal."""
    n_samples, n_timesteps = shape[:2]
    lengths = np.random.RandomState(1).randint(1, n_timesteps + 1, size=n_samples)
    return np.sort(lengths if ragged else np.full(n_samples, n_timesteps))[::-1].copy()


def measure(arguments: argparse.Namespace) -> list[Row]:
    rows = []
    peaks: dict[int, list[float]] = {threads: [] for threads in arguments.threads}
    for threads in arguments.threads:
        torch.set_num_threads(threads)
        # As training runs them: memory is lent from pass to pass.
        with threadpoolctl.threadpool_limits(threads), kernels.memory_kept():
            for name in arguments.cells:
                for shape in arguments.shapes:
                    layers = [
                        make(name, shape, arguments.dtype, arguments.ragged)
                        for make in (our_layer, torch_layer)
                    ]
                    ours, theirs = _measure.alternate(layers, arguments.seconds)
                    n_steps = lengths_of(shape, arguments.ragged).sum()
                    flops = _measure.layer_flops(name, n_steps, *shape[2:])
                    rows.append(Row(name, shape, threads, ours, theirs, flops, 0.0))
                    # Beside every layer: on a shared machine the peak is not always the same.
                    peaks[threads].append(_measure.peak_gflops(arguments.dtype))
    best = {threads: max(own) for threads, own in peaks.items()}
    return [row._replace(peak=best[row.threads]) for row in rows]


def report(rows: list[Row], arguments: argparse.Namespace) -> list[str]:
    lengths = "uniform in 1 ... steps" if arguments.ragged else "equal"
    times = [
        [
            f"{row.cell}: {', '.join(map(str, row.shape))}",
            str(row.threads),
            _measure.describe(row.ours),
            _measure.describe(row.theirs),
            f"**{row.ratio:.2f}**",
            f"{row.gflops:.0f}",
            f"{row.gflops / row.peak:.0%}",
            f"{row.ratio_at_peak:.2f}",
        ]
        for row in rows
    ]
    header = ["batch, steps, inputs, hidden", "threads", "skrnn, ms", "PyTorch, ms", "ratio"]
    peaks = {row.threads: f"{row.peak:.0f} GFLOP/s on {row.threads} thread(s)" for row in rows}
    return [
        f"{arguments.dtype}, lengths {lengths}. The peak is that of the fastest large matrix "
        f"product of NumPy and PyTorch in this run: {', '.join(peaks.values())}. The ratio at the "
        "peak is what a layer would reach that runs at it, element-wise functions for nothing.",
        _measure.table([*header, "skrnn, GFLOP/s", "of the peak", "ratio at the peak"], times),
        _measure.table(
            ["cell", "threads", "geometric mean ratio", "lowest", "mean at the peak"], means(rows)
        ),
    ]


def geometric_mean(ratios: list[float]) -> float:
    return float(np.exp(np.mean(np.log(ratios))))


def means(rows: list[Row]) -> list[list[str]]:
    lines = []
    for cell, threads in dict.fromkeys((row.cell, row.threads) for row in rows):
        own = [row for row in rows if (row.cell, row.threads) == (cell, threads)]
        ratios = [row.ratio for row in own]
        possible = geometric_mean([row.ratio_at_peak for row in own])
        mean = f"**{geometric_mean(ratios):.2f}**"
        lines.append([cell, str(threads), mean, f"{min(ratios):.2f}", f"{possible:.2f}"])
    return lines


def parse_shape(text: str) -> tuple[int, ...]:
    shape = tuple(int(part) for part in text.split(","))
    if len(shape) != 4:
        raise argparse.ArgumentTypeError("a shape is batch,steps,inputs,hidden")
    return shape


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "--cells", nargs="+", choices=list(_measure.GATES), default=list(_measure.GATES)
    )
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--shapes", nargs="+", type=parse_shape, default=_measure.SHAPES)
    parser.add_argument("--dtype", choices=["float32", "float64"], default="float32")
    parser.add_argument("--ragged", action="store_true", help="lengths uniform in 1 ... steps")
    parser.add_argument("--seconds", type=float, default=3.0, help="for each line of the table")
    arguments = _measure.parse(parser)
    rows = measure(arguments)
    ragged = "_ragged" if arguments.ragged else ""
    name = f"bench_layers_{arguments.dtype}{ragged}"
    lengths = ", lengths uniform" if arguments.ragged else ""
    title = f"One recurrent layer, forward and backward, {arguments.dtype}{lengths}"
    _measure.publish(arguments, name, title, report(rows, arguments), ["torch"])
    _measure.plot_bars(
        arguments,
        name,
        labels=[f"{r.cell} {', '.join(map(str, r.shape))}; {r.threads}" for r in rows],
        series={"ratio": [row.ratio for row in rows]},
        xlabel="how many times faster than PyTorch",
    )


if __name__ == "__main__":
    main()
