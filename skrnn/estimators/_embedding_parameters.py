"""The parameters `embedding_dim` and `n_tokens`, and whether the ids in `X` are known."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral
from typing import Any, NoReturn

import numpy as np

from skrnn._shown import python_value
from skrnn.core.embedding import Embedding
from skrnn.sequences import Sequences, place_of

REMEDY_IDS = (
    "skrnn.preprocessing.TokenEncoder makes ids of tokens, which must not be scaled "
    "(SequenceScaler(channels=[...]) or a ColumnTransformer scales other channels alone); "
    "embedding_dim={channel: width} names the channels that hold ids where others hold numbers."
)
REMEDY_MISSING_ID = (
    "Ids have no value between them to put in its place: replace missing tokens by one of their "
    "own, such as 'missing', before skrnn.preprocessing.TokenEncoder makes ids of them."
)
REMEDY_UNKNOWN = (
    "skrnn.preprocessing.TokenEncoder gives tokens that it did not see in fit the id 0; ids that "
    "are to come later need an n_tokens above the largest of them."
)


def new_embedding(embedding_dim: Any, n_tokens: Any, sequences: Sequences) -> Embedding | None:
    """Return the embedding that the parameters of an estimator ask for in its first fit.

    Parameters
    ----------
    embedding_dim, n_tokens : int, dict or None
        As the estimator takes them; where `n_tokens` is None, the ids of `sequences` are counted.
    sequences : Sequences
        The data of the fit.

    Raises
    ------
    ValueError
        If a dict names an unknown channel or holds anything but positive ints, or if an id is
        not a whole number, negative or too large.
    """
    widths = by_channel(embedding_dim, "embedding_dim", sequences)
    n_ids = [_count(sequences, channel) if width else 0 for channel, width in enumerate(widths)]
    embedding = _make_embedding(widths, n_tokens, n_ids, sequences)
    if embedding is not None and n_tokens is not None:
        check_ids(sequences, embedding)
    return embedding


def embedding_as_before(
    embedding_dim: Any, n_tokens: Any, sequences: Sequences, before: Embedding | None
) -> Embedding | None:
    """Return the embedding that the parameters ask for where a fit goes on.

    Parameters
    ----------
    embedding_dim, n_tokens : int, dict or None
        As the estimator takes them; where `n_tokens` is None, there are as many ids as `before`.
    sequences : Sequences
        The data of the fit.
    before : Embedding or None
        That of the network.

    Raises
    ------
    ValueError
        If a dict names an unknown channel or holds anything but positive ints.
    """
    widths = by_channel(embedding_dim, "embedding_dim", sequences)
    sizes = [None] * len(widths) if before is None else before.sizes
    n_ids = [0 if size is None else size[0] for size in sizes]
    return _make_embedding(widths, n_tokens, n_ids, sequences)


def _make_embedding(
    widths: list[int | None], n_tokens: Any, n_ids: list[int], sequences: Sequences
) -> Embedding | None:
    """Return the embedding; `n_ids` says how many ids a channel has where `n_tokens` is None."""
    if not any(widths):
        return None
    counts = by_channel(n_tokens, "n_tokens", sequences)
    for channel, (width, count) in enumerate(zip(widths, counts, strict=True)):
        if isinstance(n_tokens, dict) and count and not width:
            raise ValueError(
                f"n_tokens names channel {_label(channel, sequences)}, which embedding_dim takes "
                "for numbers. Name it in embedding_dim too, or drop it from n_tokens."
            )
    return Embedding(
        tuple(
            (count or n, width) if width else None
            for width, count, n in zip(widths, counts, n_ids, strict=True)
        )
    )


def by_channel(value: Any, parameter: str, sequences: Sequences) -> list[int | None]:
    """Return the value of every channel: an int holds for all, a dict for those that it names."""
    if not isinstance(value, Mapping):
        return [value] * sequences.n_channels
    values: list[int | None] = [None] * sequences.n_channels
    for key, number in value.items():
        if isinstance(number, bool) or not isinstance(number, Integral) or int(number) < 1:
            key, number = python_value(key), python_value(number)
            raise ValueError(f"{parameter}[{key!r}] must be an int >= 1. Got {number!r} instead.")
        values[_channel(key, parameter, sequences)] = int(number)
    return values


def _channel(key: Any, parameter: str, sequences: Sequences) -> int:
    """Return the index of the channel that is meant by a name or an index."""
    names, n_channels = sequences.channels or [], sequences.n_channels
    if isinstance(key, str):
        if key in names:
            return names.index(key)
    elif isinstance(key, Integral) and 0 <= int(key) < n_channels:
        return int(key)
    channels = f"{names}" if names else f"0 to {n_channels - 1}, without names"
    raise ValueError(
        f"{parameter} names the channel {python_value(key)!r}, but the channels of X are "
        f"{channels}."
    )


def _count(sequences: Sequences, channel: int) -> int:
    """Return the largest id plus one; raise ValueError where there is anything but ids."""
    values = sequences.values[:, channel]
    missing = np.isnan(values)
    if missing.any():
        row = int(np.argmax(missing))
        _raise_at(sequences, channel, row, f"where an id is missing. {REMEDY_MISSING_ID}")
    wrong = (values < 0) | (values != np.floor(values))
    if wrong.any():
        _raise_at(
            sequences,
            channel,
            int(np.argmax(wrong)),
            f"but with embedding_dim it needs ids there: whole numbers >= 0. {REMEDY_IDS}",
        )
    return int(values.max()) + 1


def check_ids(sequences: Sequences, embedding: Embedding) -> None:
    """Check that there is a vector for every id.

    Raises
    ------
    ValueError
        If an id is not a whole number, negative or too large.
    """
    for channel, _, (n_tokens, _) in embedding.tables():
        if _count(sequences, channel) > n_tokens:
            _raise_at(
                sequences,
                channel,
                int(np.argmax(sequences.values[:, channel] >= n_tokens)),
                f"but the known ids are 0 to {n_tokens - 1}. {REMEDY_UNKNOWN}",
            )


def _raise_at(sequences: Sequences, channel: int, row: int, expected: str) -> NoReturn:
    where = place_of(row, sequences.lengths)
    if sequences.n_channels > 1:
        where += f", channel {_label(channel, sequences)}"
    raise ValueError(f"X has {sequences.values[row, channel]:.15g} at {where}, {expected}")


def _label(channel: int, sequences: Sequences) -> str:
    return repr(channel if sequences.channels is None else sequences.channels[channel])
