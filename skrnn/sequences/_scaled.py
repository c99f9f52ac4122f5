"""How many channels the columns of a table were scaled as.

A 2-D array cannot say how many of its columns are a time step, and a scaler and an estimator that
are told different numbers would work without a word. So what a scaler returns is remembered for
as long as it lives, by a weak reference, and compared with what an estimator is told.
"""

from __future__ import annotations

import weakref
from typing import Any, TypeVar

Table = TypeVar("Table")

# id of a table -> weak reference to it, channels
_SCALED: dict[int, tuple[weakref.ref, int]] = {}


def note_channels(table: Table, n_channels: int) -> Table:
    """Remember that the columns of `table` were scaled as so many channels, and return it."""
    key = id(table)

    def forget(reference: weakref.ref) -> None:
        if _SCALED.get(key, (None,))[0] is reference:
            del _SCALED[key]

    _SCALED[key] = (weakref.ref(table, forget), n_channels)
    return table


def note_same_channels(table: Table, before: Any) -> Table:
    """Remember of `table` what is remembered of the table it was made from, and return it."""
    reference, n_channels = _SCALED.get(id(before), (None, 0))
    if reference is None or reference() is not before:
        return table
    return note_channels(table, n_channels)


def check_scaled_channels(X: Any, n_channels: int) -> None:
    """Raise an error if `X` is a table that was scaled as another number of channels."""
    reference, scaled_as = _SCALED.get(id(X), (None, n_channels))
    if reference is not None and reference() is X and scaled_as != n_channels:
        raise ValueError(
            f"X was scaled with n_channels={scaled_as}, but is read with n_channels={n_channels}: "
            "its columns would not be scaled by channel. Set n_channels of SequenceScaler and of "
            "the estimator behind it to the same number."
        )
