"""Which channels hold categories, how many, and whether the ids in them are known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Integral
from typing import Any, NoReturn

import numpy as np

from skrnn.core.embedding import Embedding
from skrnn.sequences import Sequences, place_of

REMEDY_IDS = (
    "skrnn.preprocessing.TokenEncoder makes ids of tokens, which must not be scaled (a "
    "ColumnTransformer scales other channels alone); embedding_dim={channel: width} names the "
    "channels that hold ids where others hold numbers."
)
REMEDY_UNKNOWN = (
    "skrnn.preprocessing.TokenEncoder gives tokens that it did not see in fit the id 0; ids that "
    "are to come later need an n_tokens above the largest of them."
)


def make_embedding(
    embedding_dim: Any, n_tokens: Any, n_ids: Sequence[int], names: Sequence[str] | None
) -> Embedding | None:
    """Return the embedding that the parameters of an estimator ask for.

    Parameters
    ----------
    embedding_dim, n_tokens : int, dict or None
        As the estimator takes them.
    n_ids : sequence of int
        For every channel the number of ids that the data of the first fit have, which counts
        where `n_tokens` is None.
    names : sequence of str or None
        Names of the channels, where they have some.

    Raises
    ------
    ValueError
        If a dict names an unknown channel or holds something else than positive ints.
    """
    widths = by_channel(embedding_dim, "embedding_dim", len(n_ids), names)
    if not any(widths):
        return None
    counts = by_channel(n_tokens, "n_tokens", len(n_ids), names)
    for channel, (width, count) in enumerate(zip(widths, counts, strict=True)):
        if isinstance(n_tokens, dict) and count and not width:
            raise ValueError(
                f"n_tokens names channel {_label(channel, names)}, which embedding_dim takes for "
                "numbers. Name it in embedding_dim too, or drop it from n_tokens."
            )
    return Embedding(
        tuple(
            (count or n, width) if width else None
            for width, count, n in zip(widths, counts, n_ids, strict=True)
        )
    )


def by_channel(
    value: Any, parameter: str, n_channels: int, names: Sequence[str] | None
) -> list[int | None]:
    """Return the value of every channel: an int holds for all, a dict for those that it names."""
    if not isinstance(value, Mapping):
        return [value] * n_channels
    values: list[int | None] = [None] * n_channels
    for key, number in value.items():
        if isinstance(number, bool) or not isinstance(number, Integral) or int(number) < 1:
            raise ValueError(f"{parameter}[{key!r}] must be an int >= 1. Got {number!r} instead.")
        values[_channel(key, parameter, n_channels, names)] = int(number)
    return values


def _channel(key: Any, parameter: str, n_channels: int, names: Sequence[str] | None) -> int:
    """Return the index of the channel that is meant by a name or an index."""
    known = list(names) if names is not None else []
    if isinstance(key, str):
        if key in known:
            return known.index(key)
    elif isinstance(key, Integral) and 0 <= int(key) < n_channels:
        return int(key)
    channels = f"{known}" if known else f"0 to {n_channels - 1}, without names"
    raise ValueError(
        f"{parameter} names the channel {key!r}, but the channels of X are {channels}."
    )


def count_ids(
    sequences: Sequences, embedding_dim: Any, names: Sequence[str] | None
) -> tuple[int, ...]:
    """Return how many ids the channels have that hold ids by `embedding_dim`, 0 for the others.

    Raises
    ------
    ValueError
        If what should be an id is no whole number or negative.
    """
    widths = by_channel(embedding_dim, "embedding_dim", sequences.n_channels, names)
    return tuple(
        _count(sequences, channel, names) if width else 0 for channel, width in enumerate(widths)
    )


def _count(sequences: Sequences, channel: int, names: Sequence[str] | None) -> int:
    """Return the largest id plus one."""
    values = sequences.values[:, channel]
    wrong = (values < 0) | (values != np.floor(values))
    if wrong.any():
        _raise_at(
            sequences,
            channel,
            names,
            int(np.argmax(wrong)),
            f"but with embedding_dim it needs ids there: whole numbers >= 0. {REMEDY_IDS}",
        )
    return int(values.max()) + 1


def check_ids(sequences: Sequences, embedding: Embedding, names: Sequence[str] | None) -> None:
    """Check that there is a vector for every id.

    Raises
    ------
    ValueError
        If what should be an id is no whole number, negative, or too large.
    """
    for channel, _, (n_tokens, _) in embedding.tables():
        if _count(sequences, channel, names) > n_tokens:
            _raise_at(
                sequences,
                channel,
                names,
                int(np.argmax(sequences.values[:, channel] >= n_tokens)),
                f"but the known ids are 0 to {n_tokens - 1}. {REMEDY_UNKNOWN}",
            )


def _raise_at(
    sequences: Sequences, channel: int, names: Sequence[str] | None, row: int, expected: str
) -> NoReturn:
    where = place_of(row, sequences.lengths)
    if sequences.n_channels > 1:
        where += f", channel {_label(channel, names)}"
    raise ValueError(f"X has {sequences.values[row, channel]:.15g} at {where}, {expected}")


def _label(channel: int, names: Sequence[str] | None) -> str:
    return repr(channel if names is None else names[channel])
