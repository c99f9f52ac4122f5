"""What Ctrl-C ends: the fit alone, or whatever runs it as one of many."""

from __future__ import annotations

import sys
from collections.abc import Iterator

# Packages that fit estimators over and over, by the first part of the names of their modules.
RUN_MANY_FITS = frozenset(
    {
        *("sklearn", "skrnn", "joblib", "multiprocessing", "concurrent"),
        *("dask", "distributed", "ray"),
        *("optuna", "hyperopt", "skopt", "aeon", "sktime", "tslearn", "imblearn", "mlxtend"),
    }
)
# Modules of these that stand between a user and a single fit: Pipelines and decorators.
RUN_ONE_FIT = (
    *("skrnn.estimators", "skrnn.core", "skrnn.preprocessing", "skrnn.callbacks"),
    *("sklearn.base", "sklearn.pipeline", "sklearn.utils", "sklearn.callback"),
    *("sklearn.compose._target", "joblib.memory"),
)


def ends_the_fit_alone() -> bool:
    """Whether an interrupt in a fit ends this fit and no more, which then keeps its model.

    So it is where the user calls `fit` of the estimator or of a Pipeline around it. A fit that a
    search, an ensemble or another tool runs as one of many is none that the user could name:
    there the interrupt has to reach the tool, which would start the next fit otherwise. Call it
    within the fit.
    """
    return not any(_runs_many_fits(module) for module in _modules_of_callers())


def _modules_of_callers() -> Iterator[str]:
    """Yield the names of the modules whose functions are running, the innermost first."""
    frame = sys._getframe(1)
    while frame is not None:
        yield frame.f_globals.get("__name__") or ""
        frame = frame.f_back  # type: ignore[assignment]


def _runs_many_fits(module: str) -> bool:
    if module.partition(".")[0] not in RUN_MANY_FITS:
        return False
    return not any(module == one or module.startswith(f"{one}.") for one in RUN_ONE_FIT)
