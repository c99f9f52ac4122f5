"""Time preparing sequences against the plain memory work that it cannot do without.

- `SequenceScaler` on ragged sequences, against reading them all and writing them to new memory.
- `from_long`, against pandas' own ``groupby(id).size()`` and ``sort_values([id, time])``.
- `make_windows` and reading the windows, against a copy of the series; and the largest memory
  that they take, in copies of the series.

    python docs/benchmarks/bench_preprocessing.py
"""

from __future__ import annotations

import argparse
import tracemalloc
from collections.abc import Callable

import _measure
import numpy as np
import pandas as pd

from skrnn.preprocessing import SequenceScaler, from_long, make_windows
from skrnn.sequences import as_sequences

# sequences, time steps of one on average, channels
RAGGED = [(100_000, 50, 4), (20_000, 200, 8), (2_000, 1000, 32)]
METHODS = ["standard", "minmax", "robust"]
N_TIMESTEPS = 100


def ragged(n: int, length: int, n_channels: int, dtype: type) -> list[np.ndarray]:
    """Return sequences of half to one and a half times the length."""
    rng = np.random.default_rng(0)
    lengths = rng.integers(length // 2, length + length // 2, size=n)
    return [rng.standard_normal((t, n_channels), dtype=dtype) for t in lengths]


def scaler_rows(seconds: float) -> list[list[str]]:
    rows = []
    for shape in RAGGED:
        for dtype in (np.float64, np.float32):
            X = ragged(*shape, dtype)
            # What every form has to be read into, and what a transform has to write.
            plain = [lambda X=X: [sequence.copy() for sequence in X], lambda X=X: np.concatenate(X)]
            scalers = [SequenceScaler(method).fit(X) for method in METHODS]
            fits = [lambda s=s, X=X: s.fit(X) for s in scalers]
            transform = [lambda s=scalers[0], X=X: s.transform(X)]
            base, joined, *times = _measure.alternate([*plain, *fits, *transform], seconds)
            sizes = f"{', '.join(map(str, shape))}, {np.dtype(dtype).name}"
            ratios = [f"{1 / _measure.ratio(base, own):.1f}" for own in (joined, *times)]
            rows.append([sizes, _measure.describe(base), *ratios])
    return rows


def long_table(n_rows: int, n_ids: int) -> pd.DataFrame:
    """Return a table in the order of id and time, with ids that are not numbers from 0."""
    rng = np.random.default_rng(0)
    lengths = np.bincount(rng.integers(n_ids, size=n_rows), minlength=n_ids)
    ids = np.repeat(np.sort(rng.choice(10 * n_ids, n_ids, replace=False)), lengths)
    time = np.arange(n_rows) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    values = {f"x{j}": rng.normal(size=n_rows) for j in range(2)}
    return pd.DataFrame({"id": ids, "time": time, **values})


def tables(n_rows: int, n_ids: int) -> dict[str, pd.DataFrame]:
    ordered = long_table(n_rows, n_ids)
    shuffled = ordered.sample(frac=1, random_state=0, ignore_index=True)
    hours = pd.Timestamp("2020-01-01") + pd.to_timedelta(shuffled["time"], unit="h")
    return {
        "in order": ordered,
        "shuffled": shuffled,
        "shuffled, time stamps": shuffled.assign(time=hours),
        "shuffled, strings as ids": shuffled.assign(id="id" + shuffled["id"].astype(str)),
    }


def count_and_sort(data: pd.DataFrame) -> None:
    data.groupby("id").size()
    data.sort_values(["id", "time"])


def long_rows(n_rows: int, n_ids: int, seconds: float) -> list[list[str]]:
    rows = []
    for name, data in tables(n_rows, n_ids).items():
        functions = [
            lambda data=data: count_and_sort(data),
            lambda data=data: from_long(data, id="id", time="time"),
        ]
        theirs, ours = _measure.alternate(functions, seconds, least=2)
        ratio = 1 / _measure.ratio(theirs, ours)
        rows.append([name, _measure.describe(theirs), _measure.describe(ours), f"{ratio:.2f}"])
    return rows


def peak_memory(function: Callable[[], object]) -> int:
    """Return the most bytes that a call has allocated at any one time."""
    tracemalloc.start()
    result = function()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    del result
    return peak


def window_rows(n_rows: int, seconds: float) -> list[list[str]]:
    rows = []
    rng = np.random.default_rng(0)
    for n_channels in (1, 8):
        index = pd.date_range("2000-01-01", periods=n_rows, freq="min")
        columns = [f"x{j}" for j in range(n_channels)]
        data = pd.DataFrame(rng.normal(size=(n_rows, n_channels)), index, columns)
        X = make_windows(data, window=N_TIMESTEPS, target="x0").X
        tasks = {
            "make_windows": lambda data=data: make_windows(data, window=N_TIMESTEPS, target="x0"),
            "read by an estimator": lambda X=X: as_sequences(X),
            "SequenceScaler": lambda X=X: SequenceScaler().fit_transform(X),
            "an array of all windows": lambda X=X: np.asarray(X),
        }
        copy = lambda data=data: data.to_numpy(copy=True)  # noqa: E731
        base, *times = _measure.alternate([copy, *tasks.values()], seconds)
        for (name, task), own in zip(tasks.items(), times, strict=True):
            memory = peak_memory(task) / data.to_numpy().nbytes
            ratio = 1 / _measure.ratio(base, own)
            label = f"{name}, {n_channels} channel{'s' * (n_channels > 1)}"
            rows.append([label, _measure.describe(own), f"{ratio:.1f}", f"{memory:.1f}"])
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=10, help="for each line of a table")
    parser.add_argument("--rows", type=int, default=5_000_000, help="of the long table")
    parser.add_argument("--ids", type=int, default=100_000, help="sequences in the long table")
    parser.add_argument("--series", type=int, default=200_000, help="rows of the series")
    arguments = _measure.parse(parser)
    scaler = _measure.table(
        ["sequences, steps, channels", "copies, ms", "joined", *METHODS, "transform"],
        scaler_rows(arguments.seconds),
    )
    long = _measure.table(
        ["table", "pandas, ms", "from_long, ms", "from_long / pandas"],
        long_rows(arguments.rows, arguments.ids, arguments.seconds),
    )
    windows = _measure.table(
        ["task", "ms", "time / copy", "memory / copy"],
        window_rows(arguments.series, arguments.seconds),
    )
    sections = [
        "## SequenceScaler\n\nThe first column is the time of a copy of every sequence, one read "
        "and one write of all bytes. The others are multiples of it: all sequences joined to one "
        f"array, `fit` by method, and `transform`.\n\n{scaler}",
        f"## from_long\n\n{arguments.rows} rows, {arguments.ids} sequences, two channels; pandas "
        f"counts the rows of every id and sorts by id and time.\n\n{long}",
        f"## Windows\n\nOf {N_TIMESTEPS} time steps over a series of {arguments.series} rows; time "
        f"and peak memory in copies of the series.\n\n{windows}",
    ]
    _measure.publish(
        arguments, "preprocessing", "Preparing sequences", sections, ["pandas", "narwhals"]
    )


if __name__ == "__main__":
    main()
