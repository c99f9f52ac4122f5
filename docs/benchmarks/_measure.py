"""What the benchmarks share: timing in turns, the description of the machine, tables."""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
from collections.abc import Callable, Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

import skrnn
from skrnn.core import kernels

RESULTS = Path(__file__).parent / "results"

# batch, steps, inputs, hidden: from a small network on short sequences to pixel-by-pixel MNIST.
SHAPES = [
    (32, 50, 8, 32),
    (32, 100, 1, 64),
    (128, 100, 8, 64),
    (64, 100, 16, 128),
    (128, 100, 32, 128),
    (256, 50, 64, 256),
    (200, 784, 1, 128),
]


GATES = {"lstm": 4, "gru": 3, "rnn": 1, "rnn_relu": 1}

_clock: Callable[[], float] = time.perf_counter
SHORT = 20.0  # milliseconds
# Seconds before a short timing and before a long one: OpenBLAS's threads spin for 2^26 cycles.
PAUSES = (5e-3, 5e-2)


def alternate(
    functions: list[Callable[[], object]], seconds: float, least: int = 3
) -> list[np.ndarray]:
    """Time functions in turns, so that whatever slows the machine down slows all of them.

    The threads of a library go on spinning for a while after its call, and its data fill the
    caches: before each timing there is a pause, and before a short one a call that does not count.

    Parameters
    ----------
    functions : list of callable
        Each is called once beforehand and then in every turn.
    seconds : float
        For all turns together, approximately.
    least : int, default=3
        Minimum number of turns.

    Returns
    -------
    list of ndarray of shape (n_turns,)
        Milliseconds of every function.
    """
    for function in functions:
        function()
    times: list[list[float]] = [[] for _ in functions]
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(times[0]) < least:
        for function, own in zip(functions, times, strict=True):
            short = not own or own[-1] < SHORT
            time.sleep(PAUSES[0] if short else PAUSES[1])
            if short:
                function()
            start = _clock()
            function()
            own.append(1e3 * (_clock() - start))
    return [np.array(own) for own in times]


def peak_gflops(dtype: str, size: int = 1536) -> float:
    """Return the speed of the fastest large matrix product of NumPy and PyTorch.

    Parameters
    ----------
    dtype : str
        Of the matrices.
    size : int, default=1536
        Rows and columns of the matrices.
    """
    import torch

    a, b = np.random.RandomState(0).normal(size=(2, size, size)).astype(dtype)
    best = np.inf
    for one, other in ((a, b), (torch.from_numpy(a), torch.from_numpy(b))):
        for _ in range(8):
            start = time.perf_counter()
            one @ other
            best = min(best, time.perf_counter() - start)
    return 2e-9 * size**3 / best


def layer_flops(cell: str, n_steps: int, n_inputs: int, hidden_size: int) -> float:
    """Return the arithmetic of a layer's products, forward and backward.

    The products with all inputs and states, those for the gradients of the weights, and that for
    the gradient of the states. `n_steps` counts the time steps of all sequences.
    """
    columns = GATES[cell] * hidden_size
    return 2.0 * n_steps * columns * (2 * (n_inputs + hidden_size) + hidden_size)


def describe(times: np.ndarray) -> str:
    """Return median and spread: half the distance between the quartiles, relative to it."""
    low, middle, high = np.percentile(times, [25, 50, 75])
    return f"{middle:.3g} ± {(high - low) / 2 / middle if middle else 0:.0%}"


def ratio(theirs: np.ndarray, ours: np.ndarray) -> float:
    """Return how many times faster `ours` is, by the medians."""
    return float(np.median(theirs) / np.median(ours))


def table(header: list[str], rows: Iterable[list[str]]) -> str:
    """Return a Markdown table; columns after the first are right-aligned."""
    ruler = ["---", *["---:"] * (len(header) - 1)]
    return "\n".join("| " + " | ".join(row) + " |" for row in [header, ruler, *rows])


def environment(*packages: str) -> str:
    """Return one line on the machine and versions; `packages` are named beside the usual ones."""
    versions = [f"{name} {_version_of(name)}" for name in ("numpy", "scikit-learn", *packages)]
    return (
        f"{processor()}, {os.cpu_count()} cores, {platform.system()}; Python "
        f"{platform.python_version()}, {', '.join(versions)}, skrnn {skrnn.__version__} "
        f"({kernels.backend()})."
    )


def processor() -> str:
    """Return the name of the processor, as far as the system tells it."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _version_of(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "(not installed)"


def add_results(parser: argparse.ArgumentParser) -> None:
    """Add the option that says where table and plot are written."""
    parser.add_argument(
        "--results",
        type=Path,
        metavar="FOLDER",
        help=f"write table and plot there; the published ones lie in {RESULTS.name}",
    )


def parse(parser: argparse.ArgumentParser) -> argparse.Namespace:
    """Parse the command line, with the options that all benchmarks of speed have."""
    global _clock
    add_results(parser)
    parser.add_argument(
        "--processor-time",
        action="store_true",
        help="count the process's own time, which other programs do not lengthen; one thread only",
    )
    arguments = parser.parse_args()
    if arguments.processor_time:
        if getattr(arguments, "threads", [1]) != [1]:
            parser.error("--processor-time adds up the time of all threads: give --threads 1.")
        _clock = time.process_time
    return arguments


def publish(
    arguments: argparse.Namespace,
    name: str,
    title: str,
    sections: Iterable[str],
    packages: Iterable[str] = (),
) -> None:
    """Print the results, and write them to NAME.md in the requested folder.

    Parameters
    ----------
    arguments : Namespace
        What `parse` returned.
    name : str
        Stem of the files.
    title : str
        Heading of the page.
    sections : iterable of str
        Its text.
    packages : iterable of str
        Distributions measured beside skrnn.
    """
    script = Path(sys.argv[0]).name
    head = [f"# {title}", f"Written by `docs/benchmarks/{script}`.", environment(*packages)]
    if _clock is time.process_time:
        head.append("Times are processor time, not wall time.")
    text = "\n\n".join([*head, *sections]) + "\n"
    print(text)
    if arguments.results is not None:
        arguments.results.mkdir(parents=True, exist_ok=True)
        (arguments.results / f"{name}.md").write_text(text)


def plot_bars(
    arguments: argparse.Namespace,
    name: str,
    *,
    labels: list[str],
    series: dict[str, list[float]],
    xlabel: str,
) -> None:
    """Write NAME.png, one bar for every label and series, and show it on the page of NAME."""
    if arguments.results is None:
        return
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(8, 0.6 + 0.3 * len(labels) * len(series)))
    height = 0.8 / len(series)
    for i, (label, values) in enumerate(series.items()):
        bars = axes.barh(np.arange(len(labels)) + i * height, values, height, label=label)
        axes.bar_label(bars, fmt="%.3g", padding=3)
    axes.set_yticks(np.arange(len(labels)) + 0.4 - height / 2, labels)
    axes.margins(x=0.1, y=0.01)
    axes.invert_yaxis()
    axes.set_xlabel(xlabel)
    axes.axvline(1, color="black", linewidth=0.8)
    if len(series) > 1:
        axes.legend()
    figure.savefig(arguments.results / f"{name}.png", dpi=120, bbox_inches="tight")
    plt.close(figure)
    with (arguments.results / f"{name}.md").open("a") as page:
        page.write(f"\n![{xlabel}]({name}.png)\n")
