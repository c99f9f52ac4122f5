"""Which types a file may name: those whose instances are data, and nothing that a file can misuse.

Nothing is looked up by a name that a file gives: a name is either a key of one of the tables here
or it is refused.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections import Counter
from collections.abc import Iterator
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np
from sklearn.utils import Bunch

from skrnn.core.activations import ACTIVATIONS
from skrnn.core.initializers import INITIALIZERS

# What a fitted estimator, a transformer, a stream or a running fit is made of. Every class that
# these define may be named, those of tomorrow too.
PACKAGES = (
    *("skrnn.core", "skrnn.estimators", "skrnn.forecasting", "skrnn.preprocessing"),
    "skrnn.streaming",
)
# What works while a fit runs and is part of no model.
NO_PARTS = (
    "skrnn.core.kernels",
    *(f"skrnn.core.{name}" for name in ("draws", "inference", "passes", "probes")),
    *(f"skrnn.estimators._{name}" for name in ("blas", "callbacks", "constraints", "data")),
    *(f"skrnn.estimators._{name}" for name in ("progress", "training", "validation")),
)
# Other callbacks write files or speak to services, and a file would choose which.
HARMLESS_CALLBACKS = ("EarlyStopping", "GradientFlowRecorder", "LiveLoss")

# Where scikit-learn offers its estimators, transformers, splitters and selectors.
SKLEARN_MODULES = frozenset(
    {
        *("calibration", "cluster", "compose", "covariance", "cross_decomposition"),
        *("decomposition", "discriminant_analysis", "dummy", "ensemble", "feature_extraction"),
        *("feature_extraction.text", "feature_selection", "frozen", "gaussian_process", "impute"),
        *("isotonic", "kernel_approximation", "kernel_ridge", "linear_model", "manifold"),
        *("mixture", "model_selection", "multiclass", "multioutput", "naive_bayes", "neighbors"),
        *("neural_network", "pipeline", "preprocessing", "random_projection"),
        *("semi_supervised", "svm", "tree"),
    }
)

# Types that parameters of estimators name, such as dtype=np.float32.
PLAIN_TYPES: dict[str, type] = {
    **{kind.__name__: kind for kind in (bool, int, float, str, object)},
    **{f"numpy.{kind}": np.dtype(kind).type for kind in ("bool", "float32", "float64")},
    **{f"numpy.{sign}int{bits}": np.dtype(f"{sign}int{bits}").type
       for sign in ("", "u") for bits in (8, 16, 32, 64)},
}  # fmt: skip


def dotted(value: Any) -> str:
    """Return the full name of a class or function."""
    return f"{value.__module__}.{value.__qualname__}"


@cache
def types_of_skrnn() -> tuple[type, ...]:
    """Return the classes of skrnn that a file may name."""
    return tuple(
        value
        for module in _modules()
        for value in vars(module).values()
        if isinstance(value, type) and value.__module__ == module.__name__ and is_data(value)
    )


@cache
def _by_name() -> dict[str, type]:
    """Return them by the names that they have in files.

    That is ``skrnn.core.GRU``, the package and the class: within its package a class may move from
    module to module, and files that name it are still read.
    """
    short = {
        cls: ".".join([*cls.__module__.split(".")[:2], cls.__qualname__])
        for cls in types_of_skrnn()
    }
    often = Counter(short.values())
    return {name if often[name] == 1 else dotted(cls): cls for cls, name in short.items()}


@cache
def _names() -> dict[type, str]:
    return {cls: name for name, cls in _by_name().items()}


@cache
def entries() -> dict[str, Any]:
    """Return the entries of skrnn's registries that are values and not of a class of their own.

    Activations and initializers are functions, or tuples of them: a file names the entry.
    """
    return {
        **{f"activation {name}": value for name, value in ACTIVATIONS.items()},
        **{f"initializer {name}": value for name, value in INITIALIZERS.items()},
    }


def trusted_names() -> tuple[str, ...]:
    """Return what `skrnn.TRUSTED_TYPES` lists."""
    callbacks = importlib.import_module("skrnn.callbacks")
    harmless = (getattr(callbacks, name) for name in HARMLESS_CALLBACKS)
    functions = set()
    for entry in entries().values():
        parts = entry if isinstance(entry, tuple) else (entry,)
        functions |= {dotted(part) for part in parts if _is_function(part)}
    # A TokenEncoder counts, and scikit-learn's ensembles keep their parts, in dicts of these kinds;
    # its SimpleImputer keeps the dtype that it was fitted on.
    others = map(dotted, (Counter, Bunch, np.dtype))
    ours = map(dotted, (*types_of_skrnn(), *harmless))
    return tuple(sorted({*ours, *functions, *others}))


def _is_function(value: Any) -> bool:
    """Tell whether it is a function that skops does not know: it knows ufuncs."""
    return callable(value) and not isinstance(value, np.ufunc)


def is_data(cls: type) -> bool:
    """Tell whether all of an instance is in its state, or its fields if it is a NamedTuple."""
    if issubclass(cls, tuple):
        return hasattr(cls, "_fields")
    if getattr(cls, "_is_protocol", False):
        return False
    return (
        cls.__reduce__ is object.__reduce__
        and cls.__reduce_ex__ is object.__reduce_ex__
        and not issubclass(cls, dict | list | set | str | int | float)
    )


def name_of(cls: type) -> str | None:
    """Return the name that a class has in files, None of one that no file may name."""
    return _names().get(cls) or _sklearn_name(cls)


def _sklearn_name(cls: type) -> str | None:
    """Return the public name of a class of scikit-learn, None of one that has none."""
    parts = cls.__module__.split(".")
    if parts[0] != "sklearn":
        return None
    for n_parts in (3, 2):
        module = ".".join(parts[1:n_parts])
        if module in SKLEARN_MODULES and _offered(module).get(cls.__qualname__) is cls:
            return f"sklearn.{module}.{cls.__qualname__}"
    if _routing().get(cls.__qualname__) is cls:
        return f"sklearn.routing.{cls.__qualname__}"
    return None


def named(name: str) -> type | None:
    """Return the class of a name in a file, None if no file may name it."""
    if name in _by_name():
        return _by_name()[name]
    library, _, rest = name.partition(".")
    module, _, cls = rest.rpartition(".")
    if library != "sklearn":
        return None
    if module == "routing":
        return _routing().get(cls)
    return _offered(module).get(cls) if module in SKLEARN_MODULES else None


@cache
def _offered(module: str) -> dict[str, type]:
    """Return the classes that a public module of scikit-learn offers, and those that it defines."""
    loaded = importlib.import_module(f"sklearn.{module}")
    classes = {name: cls for name, cls in vars(loaded).items() if isinstance(cls, type)}
    public = getattr(loaded, "__all__", ())
    return {
        name: cls
        for name, cls in classes.items()
        if (name in public or cls.__module__ == loaded.__name__) and is_data(cls)
    }


@cache
def _routing() -> dict[str, type]:
    """Return the classes in which an estimator keeps what `set_fit_request` told it."""
    from sklearn.utils import _metadata_requests as requests

    return {cls.__name__: cls for cls in (requests.MetadataRequest, requests.MethodMetadataRequest)}


def _modules() -> Iterator[ModuleType]:
    """Yield the modules of `PACKAGES`; all but the core are users of this package, or above it."""
    skrnn = importlib.import_module("skrnn")
    there = {module.name for module in pkgutil.iter_modules(skrnn.__path__, "skrnn.")}
    for name in PACKAGES:
        if name not in there:
            continue
        package = importlib.import_module(name)
        yield package
        for info in pkgutil.walk_packages(getattr(package, "__path__", []), f"{name}."):
            if not info.name.startswith(NO_PARTS):
                yield importlib.import_module(info.name)
