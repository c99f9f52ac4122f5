"""The compiled twins of the cells and of a training step, and the choice between them and NumPy.

A cell's `forward`, `predict` and `backward`, and what else a step of training spends its time on,
are written in NumPy and decorated with `compiled`: where a kernel does the same for these arrays,
its twin runs in their place. Results agree to rounding. The kernels' own are equal to the last
bit for every number of threads, and the states of a sequence do not depend on the sequences
beside it. The twins are in `_twins`, the memory that passes lend each other in `_memory`.

The best instruction set of the processor is chosen at import. The environment variable
``SKRNN_BACKEND`` names another one of `backends`, or ``numpy``. Kernels run on
``OMP_NUM_THREADS`` threads, within what `threadpoolctl` allows, and on one in a process that
came out of ``fork()``.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from skrnn.core.kernels import _twins
from skrnn.core.kernels._cores import cores_shared
from skrnn.core.kernels._memory import empty, give_back, memory_kept, pass_memory
from skrnn.core.kernels._steps import (
    DONE,
    NO_PREDICTION,
    NetworkStep,
    StepLayer,
    StepReadout,
    network_steps,
)
from skrnn.core.kernels._twins import (
    _kernels,
    add_decay,
    add_over_time,
    affine,
    affine_gradients,
    layer_advance,
    layer_backward,
    layer_forward,
    layer_predict,
    moment_update,
    orthonormalize,
    softmax_cross_entropy,
    sum_of_squares,
)

__all__ = [
    "DONE",
    "NO_PREDICTION",
    "NetworkStep",
    "StepLayer",
    "StepReadout",
    "add_decay",
    "add_over_time",
    "affine",
    "affine_gradients",
    "backend",
    "backends",
    "compiled",
    "cores_shared",
    "empty",
    "give_back",
    "layer_advance",
    "layer_backward",
    "layer_forward",
    "layer_predict",
    "memory_kept",
    "moment_update",
    "n_threads",
    "network_steps",
    "orthonormalize",
    "pass_memory",
    "runs_compiled",
    "softmax_cross_entropy",
    "sum_of_squares",
    "use_backend",
]

_Function = TypeVar("_Function", bound=Callable[..., Any])


def backends() -> list[str]:
    """Return the names of the back ends that run here, best first.

    Returns
    -------
    names : list of str
        Instruction sets (``"avx512"``, ``"avx2"``, ``"baseline"``; ``"neon"`` on Arm) and, always
        the last, ``"numpy"``.
    """
    return [*(_kernels.available() if _kernels else ()), "numpy"]


def backend() -> str:
    """Return the name of the back end that runs: one of `backends`.

    Examples
    --------
    >>> from skrnn.core import kernels
    >>> kernels.backend() in kernels.backends()
    True
    """
    return _backend


def use_backend(name: str) -> None:
    """Run all cells on another back end from now on.

    Parameters
    ----------
    name : str
        One of `backends`.

    Raises
    ------
    ValueError
        If there is no such back end here.
    """
    global _backend
    if name not in backends():
        raise ValueError(
            f"The back end {name!r} is not available here; choose one of {backends()}, in the "
            "environment variable SKRNN_BACKEND or in use_backend."
        )
    if name != "numpy":
        _kernels.select(name)
    _backend = name


def n_threads() -> int:
    """Return how many threads the kernels may use now; 1 if they are not compiled."""
    return _kernels.n_threads() if _kernels else 1


def runs_compiled(cell: Any, dtype: Any) -> bool:
    """Tell whether kernels run a cell now.

    Parameters
    ----------
    cell : Cell
        Of the user's own, or of ours.
    dtype : dtype
        Of its inputs and weights.
    """
    return _backend != "numpy" and _twins.knows(cell, np.dtype(dtype))


def compiled(twin: Callable[..., Any]) -> Callable[[_Function], _Function]:
    """Let the compiled twin of a function, or of a cell's method, run where there is one.

    The NumPy lines stay what it means and are at hand as ``function.__wrapped__``.

    Parameters
    ----------
    twin : callable
        Takes the function's arguments and returns its result, or `NotImplemented` where the
        NumPy lines are to run.

    Returns
    -------
    callable
        The decorator of the function.
    """

    def decorate(function: _Function) -> _Function:
        @functools.wraps(function)
        def run(*args: Any, **kwargs: Any) -> Any:
            if _backend != "numpy":
                result = twin(*args, **kwargs)
                if result is not NotImplemented:
                    return result
            return function(*args, **kwargs)

        return run  # type: ignore[return-value]

    return decorate


_backend = "numpy"
use_backend(os.environ.get("SKRNN_BACKEND") or backends()[0])
