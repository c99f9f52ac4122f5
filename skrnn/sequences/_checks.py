"""Checks that hold for sequences and step targets in every form."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from skrnn.sequences._sequences import place_of


def check_not_empty(lengths: np.ndarray, describe: Callable[[int], str]) -> None:
    """Raise an error if a sequence has no time step; `describe(i)` says so of sequence `i`."""
    if not lengths.all():
        raise ValueError(
            f"{describe(int(np.argmin(lengths)))}; each sequence needs at least one. Drop the "
            "empty sequences."
        )


def all_finite(values: np.ndarray) -> bool:
    """Whether no value is NaN or infinite."""
    # A finite sum proves that every value is finite, at a fraction of the cost and memory.
    with np.errstate(over="ignore", invalid="ignore"):
        return bool(np.isfinite(values.sum()) or np.isfinite(values).all())


def check_finite(
    values: np.ndarray, lengths: np.ndarray, name: str, remedy: str, *, allow_nan: bool = False
) -> None:
    """Raise an error that names the first time step at which a value is NaN or infinite.

    With `allow_nan` NaN stands for a missing value and is none of them.
    """
    if all_finite(values):
        return
    good = ~np.isinf(values) if allow_nan else np.isfinite(values)
    if good.all():
        return
    step = int(np.flatnonzero(~good.reshape(len(values), -1).all(axis=1))[0])
    place = place_of(step, lengths)
    if not allow_nan and np.isnan(values[step]).any():
        raise ValueError(f"{name} contains NaN at {place}. {remedy}")
    raise ValueError(
        f"{name} contains infinity (inf) at {place}, or a value too large for {values.dtype}. "
        "Clip such values, or divide the channel by a power of ten."
    )
