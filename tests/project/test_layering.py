"""The imports of skrnn follow the arrows of its design; this table is also its reading order."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import pytest

import skrnn

PACKAGE = Path(skrnn.__file__).parent

# unit -> the units it may import. "core" as a target is the whole of core. A unit is a module of
# skrnn, or of one of `OPENED`; a package there (core.cells, datasets) is one unit with all its
# files.
OPENED = ("core", "estimators")
ARROWS: dict[str, set[str]] = {
    "_version": set(),
    "_dispatch": set(),
    "_pickling": {"_version"},
    "_put_back": set(),
    "core": set(),
    "core.activations": set(),
    "core.initializers": {"core.kernels"},
    "core.kernels": set(),
    "core.row_weights": set(),
    "core.losses": {"core.kernels", "core.row_weights"},
    "core.clipping": {"core.kernels"},
    "core.optimizers": {"core.clipping", "core.kernels"},
    "core.parameters": set(),
    "core.ragged": set(),
    "core.affine": {"core.kernels", "core.ragged"},
    "core.penalty": {"core.kernels", "core.parameters"},
    "core.running": {"core.affine", "core.ragged"},
    "core.readouts": {
        "core.affine",
        "core.initializers",
        "core.kernels",
        "core.parameters",
        "core.ragged",
        "core.running",
    },
    "core.history": {"core.optimizers"},
    "core.training": {"core.clipping", "core.history", "core.optimizers"},
    "core.cells": {"core.activations", "core.initializers", "core.kernels"},
    "core.embedding": {"core.initializers", "core.parameters", "core.ragged"},
    "core.decay": {"core.initializers", "core.parameters"},
    "core.differences": set(),
    "core.frames": {
        "core.activations",
        "core.affine",
        "core.initializers",
        "core.parameters",
        "core.ragged",
    },
    "core.layer": {
        "core.cells",
        "core.initializers",
        "core.kernels",
        "core.parameters",
        "core.ragged",
    },
    "core.output": {
        "core.affine",
        "core.initializers",
        "core.layer",
        "core.parameters",
        "core.ragged",
        "core.readouts",
    },
    "core.probes": {
        "core.activations",
        "core.cells",
        "core.initializers",
        "core.losses",
        "core.readouts",
    },
    "core.static": {"core.affine", "core.initializers", "core.parameters"},
    "core.architecture": {
        "core.cells",
        "core.decay",
        "core.differences",
        "core.embedding",
        "core.frames",
        "core.layer",
        "core.output",
        "core.parameters",
        "core.readouts",
        "core.static",
    },
    "core.draws": {"core.architecture", "core.layer"},
    "core.passes": {"core.decay", "core.frames", "core.layer", "core.static"},
    "core.inference": {
        "core.architecture",
        "core.decay",
        "core.frames",
        "core.kernels",
        "core.layer",
        "core.output",
        "core.parameters",
        "core.ragged",
        "core.readouts",
        "core.static",
    },
    "core.steppable": {"core.architecture", "core.inference", "core.kernels"},
    "core.objective": {
        "core.draws",
        "core.kernels",
        "core.losses",
        "core.parameters",
        "core.passes",
        "core.penalty",
    },
    "core.network": {
        "core.architecture",
        "core.decay",
        "core.draws",
        "core.embedding",
        "core.frames",
        "core.inference",
        "core.initializers",
        "core.kernels",
        "core.layer",
        "core.losses",
        "core.objective",
        "core.parameters",
        "core.passes",
        "core.penalty",
        "core.ragged",
        "core.static",
    },
    "core.compiled_step": {
        "core.affine",
        "core.architecture",
        "core.kernels",
        "core.parameters",
        "core.readouts",
    },
    "core.stepping": {
        "core.compiled_step",
        "core.decay",
        "core.inference",
        "core.kernels",
        "core.network",
        "core.output",
        "core.parameters",
        "core.readouts",
        "core.running",
    },
    "_shown": set(),
    "_html": set(),
    "_typing": {"core"},
    "sequences": {"_dispatch", "_shown"},
    "_innermost": set(),
    "preprocessing": {
        "_html",
        "_dispatch",
        "_innermost",
        "_pickling",
        "_put_back",
        "_shown",
        "_typing",
        "core",
        "sequences",
    },
    "metrics": {"_shown", "core", "sequences"},
    "forecasting": {
        "_html",
        "_innermost",
        "_pickling",
        "_put_back",
        "_shown",
        "_typing",
        "model_selection",
        "preprocessing",
        "sequences",
    },
    "model_selection": {"_typing", "sequences"},
    "datasets": {"_typing"},
    "estimators._atomic": {"_put_back", "core"},
    "estimators._callbacks": set(),
    "estimators._interrupt": set(),
    "estimators._progress": {"core"},
    "estimators._constraints": {"core"},
    "estimators._memory": {"core"},
    "estimators._names": {"_html"},
    "estimators._own_parts": {"core", "estimators._memory"},
    "estimators._parameters": {"_shown", "core", "estimators._constraints"},
    "estimators._documentation": {"core"},
    "estimators._embedding_parameters": {"_shown", "core", "sequences"},
    "estimators._class_weights": set(),
    "estimators._target_scale": set(),
    "estimators._targets": {"core", "estimators._class_weights", "sequences"},
    "estimators._number_targets": {
        "core",
        "estimators._target_scale",
        "estimators._targets",
    },
    "estimators._fitted": set(),
    "estimators._finite": {"sequences"},
    "estimators._hold_out": {"sequences"},
    "estimators._data": {"estimators._hold_out", "estimators._targets", "sequences"},
    "estimators._reading": {
        "core",
        "estimators._data",
        "estimators._embedding_parameters",
        "estimators._gaps",
        "estimators._targets",
        "sequences",
    },
    "estimators._validation": {"core", "estimators._data", "sequences"},
    "estimators._defaults": {
        "core",
        "estimators._data",
        "estimators._parameters",
        "sequences",
    },
    "estimators._gaps": {"core", "estimators._data", "sequences"},
    "estimators._outcome": {"core", "estimators._data", "sequences"},
    "estimators._architecture": {
        "core",
        "estimators._data",
        "estimators._defaults",
        "estimators._embedding_parameters",
        "estimators._gaps",
        "estimators._own_parts",
        "estimators._parameters",
        "sequences",
    },
    "estimators._training": {
        "core",
        "estimators._blas",
        "estimators._callbacks",
        "estimators._data",
        "estimators._defaults",
        "estimators._hold_out",
        "estimators._interrupt",
        "estimators._outcome",
        "estimators._own_parts",
        "estimators._parameters",
        "estimators._progress",
        "estimators._validation",
        "sequences",
    },
    "estimators._blas": {"core"},
    "estimators._prediction": {"core", "estimators._blas", "sequences"},
    "estimators._base": {
        "_typing",
        "_dispatch",
        "_pickling",
        "core",
        "estimators._architecture",
        "estimators._atomic",
        "estimators._blas",
        "estimators._callbacks",
        "estimators._data",
        "estimators._embedding_parameters",
        "estimators._finite",
        "estimators._fitted",
        "estimators._gaps",
        "estimators._names",
        "estimators._own_parts",
        "estimators._parameters",
        "estimators._prediction",
        "estimators._reading",
        "estimators._targets",
        "estimators._training",
        "estimators._validation",
        "sequences",
    },
    "estimators._classifier": {
        "_typing",
        "_dispatch",
        "core",
        "estimators._atomic",
        "estimators._base",
        "estimators._documentation",
        "estimators._parameters",
        "estimators._targets",
        "sequences",
    },
    "estimators._regressor": {
        "_typing",
        "core",
        "estimators._atomic",
        "estimators._base",
        "estimators._constraints",
        "estimators._documentation",
        "estimators._number_targets",
        "estimators._parameters",
    },
    "estimators": {"estimators._classifier", "estimators._regressor"},
    "streaming": {
        "_innermost",
        "core",
        "estimators",
        "estimators._finite",
        "sequences",
    },
    "c": {"_version", "core", "preprocessing", "streaming"},
    "inspection": {
        "_html",
        "_innermost",
        "_shown",
        "_typing",
        "core",
        "preprocessing",
        "sequences",
    },
    "plotting": {"_innermost", "_typing", "inspection"},
    "_files": set(),
    "persistence": {"_files", "_pickling", "_version", "core"},
    "callbacks": {
        "_files",
        "_innermost",
        "_version",
        "core",
        "inspection",
        "persistence",
        "plotting",
        "sequences",
    },
    "testing": set(),  # for any estimator, so it knows none
    "_portable": {"core"},
    "onnx": {
        "_innermost",
        "_portable",
        "_version",
        "core",
        "estimators",
        "forecasting",
        "preprocessing",
    },
    "interop": {"_portable", "core", "estimators._target_scale"},
    "_show_versions": {"_version", "core.kernels"},
    "skrnn": {"_show_versions", "_version", "estimators", "persistence"},
}

# Names that a unit still answers to though their place is now in a unit above it: imported only
# when somebody asks for them.
ALIASES: dict[str, set[str]] = {"inspection": {"callbacks"}}

CORE_LIBRARIES = {"numpy", "scipy"}
# joblib comes with scikit-learn.
LIBRARIES = CORE_LIBRARIES | {"joblib", "pandas", "sklearn"}
# Installed only with an extra, or worth its import time only when asked for: inside functions.
DEFERRED_LIBRARIES: dict[str, set[str]] = {
    "_show_versions": {"threadpoolctl"},
    "estimators._blas": {"threadpoolctl"},
    "estimators._progress": {"tqdm"},
    "callbacks": {"IPython", "matplotlib", "mlflow", "optuna", "tensorboardX", "torch", "wandb"},
    "sequences": {"pyarrow"},
    "preprocessing": {"_typing", "narwhals"},
    "inspection": {"shap"},
    "plotting": {"matplotlib"},
    "testing": {"joblib", "pyarrow", "pytest"},
    "onnx": {"onnx", "skl2onnx"},
    "interop": {"torch"},
}


class Import(NamedTuple):
    target: str
    line: int
    deferred: bool  # inside a function, or under `if TYPE_CHECKING`


def unit_of(module: str) -> str:
    """`skrnn.core.cells.lstm` -> `core.cells`, `skrnn.datasets.memory` -> `datasets`."""
    parts = module.split(".")[1:]
    depth = 2 if parts and parts[0] in OPENED else 1
    return ".".join(parts[:depth]) or "skrnn"


def imports_of(node: ast.AST, deferred: bool = False) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            for alias in child.names:
                yield Import(alias.name, child.lineno, deferred)
        elif isinstance(child, ast.ImportFrom):
            prefix = "." * child.level + (child.module or "")
            for alias in child.names:
                yield Import(f"{prefix}.{alias.name}", child.lineno, deferred)
        else:
            lazy = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) or (
                isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)
            )
            yield from imports_of(child, deferred or lazy)


def internal_target(target: str) -> str:
    """The unit an import reaches; `from skrnn.core import CELLS` reaches `core` itself."""
    unit = unit_of(target)
    return unit if unit in ARROWS else unit_of(target.rpartition(".")[0])


def may_import(unit: str, target: str) -> bool:
    allowed = ARROWS[unit]
    return target == unit or target in allowed or (target.startswith("core") and "core" in allowed)


def violations(module: str, source: str) -> list[str]:
    unit = unit_of(module)
    if unit not in ARROWS:
        return [f"{module} is not in the table of arrows"]
    libraries = CORE_LIBRARIES if unit.startswith("core") else LIBRARIES
    found = []
    for target, line, deferred in imports_of(ast.parse(source)):
        root = target.partition(".")[0]
        if root == "skrnn":
            reached = internal_target(target)
            allowed = may_import(unit, reached) or (deferred and reached in ALIASES.get(unit, ()))
        else:
            allowed = (
                root in sys.stdlib_module_names
                or root in libraries
                or (deferred and root in DEFERRED_LIBRARIES.get(unit, ()))
            )
        if not allowed:
            found.append(f"{module}, line {line}: may not import {target}")
    return found


def module_name(path: Path) -> str:
    parts = ("skrnn", *path.relative_to(PACKAGE).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=module_name)
def test_imports_follow_the_arrows(path):
    assert violations(module_name(path), path.read_text(encoding="utf-8")) == []


def test_the_arrows_make_no_circle():
    # Raises CycleError where they do; an arrow that leads nowhere would be one unit more.
    assert set(TopologicalSorter(ARROWS).static_order()) == set(ARROWS)


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("skrnn.core.layer", "from skrnn.core.cells import CELLS"),
        ("skrnn.core.cells.lstm", "from skrnn.core.cells.base import Cell"),
        ("skrnn.core.optimizers", "import math\nfrom scipy.optimize import minimize"),
        ("skrnn.estimators._base", "from skrnn.core.network import Network\nimport sklearn.base"),
        ("skrnn.estimators._base", "from skrnn import sequences\nfrom skrnn.core import network"),
        ("skrnn.estimators._training", "from skrnn.estimators._data import Dataset"),
        ("skrnn.plotting", "def plot():\n    import matplotlib.pyplot as plt"),
        ("skrnn.plotting", "if TYPE_CHECKING:\n    from matplotlib.axes import Axes"),
        ("skrnn.inspection", "def __getattr__(name):\n    from skrnn import callbacks"),
        ("skrnn", "from skrnn.estimators import RNNClassifier"),
    ],
)
def test_the_walk_accepts_what_the_design_allows(module, source):
    assert violations(module, source) == []


@pytest.mark.parametrize(
    ("module", "source", "culprit"),
    [
        ("skrnn.core.cells.lstm", "import sklearn", "sklearn"),
        ("skrnn.core.losses", "def f():\n    import pandas as pd", "pandas"),
        ("skrnn.core.network", "from skrnn.sequences import to_batch", "skrnn.sequences.to_batch"),
        ("skrnn.core.network", "from skrnn import sequences", "skrnn.sequences"),
        ("skrnn.core.losses", "from skrnn.core.activations import tanh", "activations"),
        ("skrnn.core.losses", "from skrnn.core import activations", "activations"),
        ("skrnn.core.training", "from .optimizers import SGD", ".optimizers"),
        ("skrnn.inspection", "from skrnn.estimators import RNNClassifier", "skrnn.estimators"),
        ("skrnn.estimators._data", "from skrnn.estimators._training import Training", "_training"),
        ("skrnn.estimators._targets", "from skrnn.estimators import _data", "_data"),
        ("skrnn.estimators._targets", "from skrnn.estimators import RNNClassifier", "estimators"),
        ("skrnn.inspection", "def f():\n    import matplotlib", "matplotlib"),
        ("skrnn.inspection", "from skrnn.callbacks import Callback", "skrnn.callbacks"),
        ("skrnn.preprocessing", "import skrnn", "skrnn"),
        ("skrnn.plotting", "import matplotlib.pyplot as plt", "matplotlib"),
        ("skrnn.plotting", "class Display:\n    import matplotlib", "matplotlib"),
        ("skrnn.estimators", "try:\n    import torch\nexcept ImportError:\n    pass", "torch"),
        ("skrnn.estimators", "async def f():\n    from skrnn.plotting import x", "skrnn.plotting"),
        ("skrnn.surprise", "", "skrnn.surprise"),
        ("skrnn.core.surprise", "", "skrnn.core.surprise"),
    ],
)
def test_the_walk_reports_a_wrong_arrow(module, source, culprit):
    (message,) = violations(module, source)
    assert culprit in message
