"""What a bug report needs to know about the environment."""

from __future__ import annotations

import platform
import sys
from importlib.metadata import PackageNotFoundError, version

from skrnn._version import __version__
from skrnn.core import kernels

DEPENDENCIES = ("numpy", "scipy", "scikit-learn", "pandas", "matplotlib")


def _version_of(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "not installed"


def _threads() -> int | str:
    """Threads of the back end: the kernels' own, or those of NumPy's BLAS."""
    if kernels.backend() != "numpy":
        return kernels.n_threads()
    from threadpoolctl import threadpool_info

    blas = [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]
    return max(blas, default="unknown")


def _why_numpy() -> str:
    """Say that there are no compiled kernels, which an install without a compiler leaves out."""
    if kernels.backends() != ["numpy"]:
        return ""
    return " (no compiled kernels: install again with a C++ compiler)"


def show_versions() -> None:
    """Print the versions of skrnn and of what it runs on, for a bug report.

    The last line names the back end that computes the recurrent layers and the number of
    threads it may use.

    Examples
    --------
    >>> import skrnn
    >>> skrnn.show_versions()
    skrnn         ...
    kernels       ...
    """
    lines = {
        "skrnn": __version__,
        "python": sys.version.split()[0],
        "platform": platform.platform(),
        **{name: _version_of(name) for name in DEPENDENCIES},
        "kernels": f"{kernels.backend()}, {_threads()} thread(s){_why_numpy()}",
    }
    for name, value in lines.items():
        print(f"{name:<13} {value}")
