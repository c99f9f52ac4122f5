"""What a bug report needs to know about the environment."""

from __future__ import annotations

import platform
import sys
from importlib.metadata import PackageNotFoundError, version

from skrnn._version import __version__

DEPENDENCIES = ("numpy", "scipy", "scikit-learn", "pandas", "matplotlib")


def _version_of(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "not installed"


def _kernels() -> str:
    """Back end of the recurrent layers and the number of threads it computes with."""
    from threadpoolctl import threadpool_info

    threads = [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]
    return f"numpy, {max(threads) if threads else 'unknown'} thread(s)"


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
        "kernels": _kernels(),
    }
    for name, value in lines.items():
        print(f"{name:<13} {value}")
