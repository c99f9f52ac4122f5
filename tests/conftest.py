"""Fixtures shared by all tests."""

from __future__ import annotations

import os

# Before NumPy loads its BLAS: the arrays of these tests are too small to share among threads.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

from pathlib import Path

import numpy as np
import pytest

import skrnn


def pytest_report_header() -> str:
    return f"skrnn: {skrnn.__version__} from {Path(skrnn.__file__).parent}"


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture
def ragged(rng) -> tuple[list[np.ndarray], np.ndarray]:
    """24 sequences of 2 to 7 steps and 3 channels; the class is the sign of the first channel.

    Lengths and classes are independent, so a model cannot tell the classes by the lengths.
    """
    y = np.tile([0, 1], 12)
    X = [rng.normal(size=(length, 3)) for length in rng.integers(2, 8, size=y.size)]
    for values, label in zip(X, y, strict=True):
        values[:, 0] += 3 if label else -3
    return X, y


@pytest.fixture
def pyplot():
    """`matplotlib.pyplot` drawing to memory; every figure is closed afterwards."""
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    from matplotlib import pyplot

    yield pyplot
    pyplot.close("all")
