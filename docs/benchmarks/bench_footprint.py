"""Measure what skrnn weighs: import time, size of wheel and installation, memory of a fit.

Import time is the median over fresh processes, taking turns, from bytecode, as an installed package
is imported; a first round that is not counted writes it. Peak memory is the largest resident size
of a fresh process that fits, less that of one that only imports.

    python docs/benchmarks/bench_footprint.py
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from importlib.metadata import files
from pathlib import Path

import _measure
import numpy as np

REPOSITORY = Path(__file__).parents[2]
# What is imported before the clock starts, and what is timed.
IMPORTS = {"sklearn": ("", "sklearn"), "skrnn, after sklearn": ("sklearn,", "skrnn")}
TIMED = "import {} time; start = time.perf_counter(); import {}; print(time.perf_counter() - start)"
FIT = """
import warnings
import numpy as np
from skrnn import RNNClassifier
warnings.simplefilter("ignore")
X = np.random.RandomState(0).normal(size=({n}, {steps}, 8)).astype(np.float32)
y = np.arange({n}) % 10
if {fit}:
    RNNClassifier({hidden}, batch_size=64, max_iter=1).fit(X, y)
import resource
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def number_from(code: str) -> float:
    """Run code in a fresh process and return the number that it prints."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, check=True, capture_output=True, text=True
    )
    return float(done.stdout)


def import_times(repeats: int) -> dict[str, np.ndarray]:
    """Return the milliseconds that each import takes, in `repeats` fresh processes."""
    times: dict[str, list[float]] = {name: [] for name in IMPORTS}
    for _ in range(1 + repeats):
        for name, statements in IMPORTS.items():
            times[name].append(1e3 * number_from(TIMED.format(*statements)))
    return {name: np.array(own[1:]) for name, own in times.items()}


def import_section(repeats: int) -> str:
    times = import_times(repeats)
    rows = [[f"import {name}", _measure.describe(own)] for name, own in times.items()]
    return "## Import\n\n" + _measure.table([f"median of {repeats} processes", "ms"], rows)


def wheel_bytes() -> int:
    """Build the wheel in a temporary folder and return its size."""
    with tempfile.TemporaryDirectory() as folder:
        options = ["--no-deps", "--quiet", "--wheel-dir", folder]
        command = [sys.executable, "-m", "pip", "wheel", *options, str(REPOSITORY)]
        subprocess.run(command, check=True)
        (wheel,) = Path(folder).glob("skrnn-*.whl")
        return wheel.stat().st_size


def installed_bytes(distribution: str) -> int:
    """Return the size of the files that a distribution installed."""
    paths = [Path(path.locate()) for path in files(distribution) or ()]
    return sum(path.stat().st_size for path in paths if path.is_file())


def size_section() -> str:
    rows = [["skrnn, wheel", f"{wheel_bytes() / 1e6:.3f}"]]
    for name in ("scikit-learn", "torch", "onnxruntime"):
        size = installed_bytes(name)
        if size:
            rows.append([f"{name}, installed", f"{size / 1e6:.0f}"])
    return "## Size\n\n" + _measure.table(["", "MB"], rows)


def memory_section() -> str:
    rows = []
    for n, steps, hidden in ((1800, 8, 64), (640, 100, 64), (640, 100, 256)):
        used = [
            number_from(FIT.format(n=n, steps=steps, hidden=hidden, fit=fit)) / 1024
            for fit in (True, False)
        ]
        rows.append([f"{n} sequences, {steps} steps, hidden {hidden}", f"{used[0] - used[1]:.1f}"])
    header = ["GRU, batch 64, peak beyond the data", "MiB"]
    return "## Memory\n\n" + _measure.table(header, rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--repeats", type=int, default=20, help="processes for each import")
    arguments = _measure.parse(parser)
    sections = [import_section(arguments.repeats), size_section(), memory_section()]
    _measure.publish(arguments, "bench_footprint", "What skrnn weighs", sections)


if __name__ == "__main__":
    main()
