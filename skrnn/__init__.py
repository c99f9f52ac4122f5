"""Recurrent neural networks as ordinary scikit-learn estimators.

`RNNClassifier` and `RNNRegressor` are trained by backpropagation through time and live wherever a
scikit-learn estimator does: pipelines, grid searches, cross-validation, pandas workflows.
`skrnn.preprocessing` prepares sequences and `skrnn.datasets` brings some to try.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from skrnn._show_versions import show_versions
from skrnn._version import __version__
from skrnn.estimators import RNNClassifier, RNNRegressor

if TYPE_CHECKING:
    from skrnn.persistence import load, save

    TRUSTED_TYPES: tuple[str, ...]

__all__ = [
    "TRUSTED_TYPES",
    "RNNClassifier",
    "RNNRegressor",
    "__version__",
    "load",
    "save",
    "show_versions",
]


def __getattr__(name: str) -> Any:
    """Import what few programs need when it is asked for."""
    if name in ("load", "save"):
        from skrnn import persistence

        return getattr(persistence, name)
    if name == "TRUSTED_TYPES":
        from skrnn.persistence._types import trusted_names

        return trusted_names()
    raise AttributeError(f"module 'skrnn' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
