"""What the attempts of `features.py` share: a few small sequences, and the mark of own code."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import TypeVar

import numpy as np
import pandas as pd

_Attempt = TypeVar("_Attempt", bound=Callable[[], str | None])

N, STEPS, CHANNELS = 40, 12, 2
RNG = np.random.RandomState(0)
LABELS = np.arange(N) % 2
X = (RNG.normal(size=(N, STEPS, CHANNELS)) + LABELS[:, np.newaxis, np.newaxis]).astype(np.float32)
FLAT = X.reshape(N, -1)
NUMBERS = X.mean(axis=(1, 2)).astype(np.float32)
RAGGED = [x[: 5 + i % 8] for i, x in enumerate(X)]
LENGTHS = np.array([len(x) for x in RAGGED])
PADDED = np.zeros_like(X)
for _row, _x in zip(PADDED, RAGGED, strict=True):
    _row[: len(_x)] = _x
CELLS = pd.DataFrame({name: [x[:, j] for x in RAGGED] for j, name in enumerate(["a", "b"])})
AGE = RNG.uniform(20, 80, N).astype(np.float32)
GAPS = np.where(RNG.uniform(size=X.shape) < 0.2, np.nan, X).astype(np.float32)
STEP_LABELS = (X[:, :, 0] > 0.5).astype(np.int64)
WORDS = [["not", "bad"] if label else ["bad", "not", "good"] for label in LABELS]
LEVELS = [0.1, 0.5, 0.9]


def own_code(attempt: _Attempt) -> _Attempt:
    """Mark an attempt that needs a module, a loss or padding that the user writes."""
    attempt.own_code = True  # type: ignore[attr-defined]
    return attempt


def finite(values: object) -> None:
    """Raise if a prediction is not a number."""
    if not np.isfinite(np.asarray(values, dtype=float)).all():
        raise ValueError("the predictions are NaN")


def ordered(quantiles: object) -> None:
    """Raise if quantiles cross."""
    if (np.diff(np.asarray(quantiles), axis=-1) < 0).any():
        raise ValueError("the quantiles cross")


def same(one: object, other: object) -> None:
    """Raise if two answers are not equal to the bit."""
    if not np.array_equal(np.asarray(one), np.asarray(other)):
        raise ValueError("the answers differ")


def named(module: ModuleType, *words: str) -> str:
    """Return a public name of a class or module, or of a file in it, that has one of the words."""
    files = [
        file.stem
        for folder in getattr(module, "__path__", [])
        for file in Path(folder).rglob("*.py")
        if "tests" not in file.parts
    ]
    for name in [*dir(module), *files]:
        if not name.startswith("_") and any(word in name.lower() for word in words):
            return name
    raise AttributeError(f"{module.__name__} has no name with {' or '.join(words)} in it")


def checked(estimator: object) -> str:
    """Raise if a check of scikit-learn fails; return how many were passed."""
    from sklearn.utils.estimator_checks import check_estimator

    results = check_estimator(estimator, on_fail=None)
    failed = [each["check_name"] for each in results if each["status"] in ("failed", "xfail")]
    if failed:
        raise ValueError(f"{len(failed)} of {len(results)} checks fail, {failed[0]} the first")
    return f"{len(results)} checks"


def through_skops(model: object) -> object:
    """Return a model from a file of skops, all of whose types are trusted."""
    import skops.io

    text = skops.io.dumps(model)
    return skops.io.loads(text, trusted=skops.io.get_untrusted_types(data=text))
