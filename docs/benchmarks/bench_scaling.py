"""Show how a forward and backward pass scales with threads, steps, batch and hidden size.

One size varies at a time around batch 128, 100 steps, 8 inputs and 64 units, float32.

    python docs/benchmarks/bench_scaling.py --threads 1 2
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import _measure
import numpy as np
import threadpoolctl

from skrnn.core import kernels
from skrnn.core.cells import CELLS

BASE = {"batch": 128, "steps": 100, "inputs": 8, "hidden": 64}
VALUES = {
    "batch": [1, 8, 32, 128, 512],
    "steps": [10, 30, 100, 300],
    "hidden": [16, 32, 64, 128, 256],
}


def layer(cell_name: str, threads: int, **sizes: int) -> Callable[[], object]:
    """Return a function that runs forward and backward once on the given number of threads."""
    cell = CELLS[cell_name]
    rng = np.random.RandomState(0)
    shape = (sizes["steps"], sizes["batch"], sizes["inputs"])
    weights = {
        name: (0.1 * rng.normal(size=size)).astype(np.float32)
        for name, size in cell.shapes(sizes["inputs"], sizes["hidden"]).items()
    }
    x = rng.normal(size=shape).astype(np.float32)
    n_active = np.full(sizes["steps"], sizes["batch"])
    dh = np.zeros((sizes["steps"] + 1, sizes["batch"], sizes["hidden"]), np.float32)
    dh[-1] = 1
    # Made once: looking for the libraries takes longer than a small layer.
    controller = threadpoolctl.ThreadpoolController()

    @kernels.pass_memory()
    def run() -> None:
        with controller.limit(limits=threads):
            _, cache = cell.forward(x, n_active, weights)
            cell.backward(dh, cache, weights, need_dx=False)

    return run


def measure(cell: str, threads: list[int], seconds: float) -> dict[str, list[list[np.ndarray]]]:
    """Return the times for the values of every varied size, one array for each thread count."""
    return {
        name: [
            _measure.alternate(
                [layer(cell, count, **{**BASE, name: value}) for count in threads], seconds
            )
            for value in values
        ]
        for name, values in VALUES.items()
    }


def section(name: str, times: list[list[np.ndarray]], threads: list[int]) -> str:
    header = [name, *(f"{count} thread(s), ms" for count in threads), "speed-up"]
    rows = [
        [str(value), *map(_measure.describe, own), f"{_measure.ratio(own[0], own[-1]):.2f}"]
        for value, own in zip(VALUES[name], times, strict=True)
    ]
    return _measure.table(header, rows)


def plot(
    arguments: argparse.Namespace, results: dict[str, dict[str, list[list[np.ndarray]]]]
) -> None:
    """Write a figure: a row for each cell, a column for each varied size."""
    if arguments.results is None:
        return
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, grid = plt.subplots(
        len(results), len(VALUES), figsize=(10, 3 * len(results)), squeeze=False
    )
    for row, (cell, by_size) in zip(grid, results.items(), strict=True):
        for axes, (name, times) in zip(row, by_size.items(), strict=True):
            for i, count in enumerate(arguments.threads):
                medians = [np.median(own[i]) for own in times]
                axes.loglog(VALUES[name], medians, marker="o", label=f"{count} thread(s)")
            axes.set(title=cell, xlabel=name, ylabel="ms")
            axes.set_xticks(VALUES[name], [str(value) for value in VALUES[name]])
            axes.minorticks_off()
    grid[0, 0].legend()
    figure.tight_layout()
    figure.savefig(arguments.results / "bench_scaling.png", dpi=120)
    plt.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--cells", nargs="+", choices=list(CELLS), default=["gru", "lstm"])
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--seconds", type=float, default=2.0, help="for each line of a table")
    arguments = _measure.parse(parser)
    # As training runs them: memory is lent from pass to pass.
    with kernels.memory_kept():
        results = {
            cell: measure(cell, arguments.threads, arguments.seconds) for cell in arguments.cells
        }
    base = ", ".join(f"{name} {value}" for name, value in BASE.items())
    sections = [f"Forward and backward of one layer around {base}."]
    for cell, by_size in results.items():
        sections.append(f"## {cell}")
        sections += [section(name, times, arguments.threads) for name, times in by_size.items()]
    _measure.publish(arguments, "bench_scaling", "Scaling", sections)
    plot(arguments, results)


if __name__ == "__main__":
    main()
