"""Channels that the user names."""

from __future__ import annotations

from collections.abc import Collection
from numbers import Integral
from typing import Any

import numpy as np

from skrnn._shown import python_value
from skrnn.sequences import Sequences


def chosen_channels(
    channels: Any, sequences: Sequences, static_names: Collection[str] = ()
) -> np.ndarray:
    """Return a mask of the channels that are named, by name or by number; None names all.

    The names of static features may be among them.

    Raises
    ------
    ValueError
        If there is no such channel.
    """
    names, n_channels = sequences.channels or [], sequences.n_channels
    chosen = np.full(n_channels, channels is None)
    for channel in () if channels is None else channels:
        is_number = isinstance(channel, Integral) and not isinstance(channel, bool)
        if channel in names:
            chosen[names.index(channel)] = True
        elif is_number and 0 <= int(channel) < n_channels:
            chosen[int(channel)] = True
        elif not (isinstance(channel, str) and channel in static_names):
            known = f"{names}" if names else f"0 to {n_channels - 1}, without names"
            beside = f", and its static features {[*static_names]}" if static_names else ""
            raise ValueError(
                f"channels names {python_value(channel)!r}, but the channels of X are {known}"
                f"{beside}."
            )
    return chosen
