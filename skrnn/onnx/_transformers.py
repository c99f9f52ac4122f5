"""The transformers that a pipeline may have in front of the network, as nodes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skrnn.core.embedding import Embedding
from skrnn.onnx._network import Values
from skrnn.onnx._nodes import Nodes
from skrnn.preprocessing import SequenceScaler, TokenEncoder

# The transformers, and those of their parameters that are taken along. Another one came later: it
# must not be left out in silence.
KNOWN = {
    SequenceScaler: {"method", "with_centering", "with_scaling", "n_channels"},
    TokenEncoder: {
        *("analyzer", "lowercase", "token_pattern", "min_frequency"),
        *("max_tokens", "handle_unknown", "channels", "dtype"),
    },
}
# An id that is in no table: the runtime refuses it.
REFUSED = 2**31 - 1


def check_transformers(transformers: list[Any], embedding: Embedding | None) -> None:
    """Check that every transformer of a pipeline can be exported.

    Parameters
    ----------
    transformers : list
        Fitted, the first one first.
    embedding : Embedding or None
        Of the network behind them.

    Raises
    ------
    ValueError
        If one of them cannot, with its name.
    """
    for i, transformer in enumerate(transformers):
        check_is_fitted(transformer)
        name = type(transformer).__name__
        if type(transformer) not in KNOWN:
            raise ValueError(
                f"A {name} cannot be exported: known in front of the network are SequenceScaler "
                "and TokenEncoder. Pipelines with transformers of scikit-learn, which take a 2-D "
                "X, go through skl2onnx.to_onnx; see skrnn.onnx.register_converters."
            )
        _check_parameters(transformer)
        if isinstance(transformer, TokenEncoder):
            if i > 0:
                raise ValueError(f"{name} can be exported as the first step of a pipeline only.")
            _check_encoder(transformer, embedding)


def _check_parameters(transformer: Any) -> None:
    """Raise ValueError where a parameter is set that is not known here."""
    kind = type(transformer)
    defaults = kind().get_params()
    for name, value in transformer.get_params().items():
        if name not in KNOWN[kind] and value is not defaults[name] and value != defaults[name]:
            raise ValueError(f"A {kind.__name__} with {name}={value!r} cannot be exported to ONNX.")


def _check_encoder(encoder: TokenEncoder, embedding: Embedding | None) -> None:
    for channel, vocabulary in enumerate(encoder.vocabularies_):
        if vocabulary is None:
            continue
        token_dtype(encoder, channel)
        sizes = () if embedding is None else embedding.sizes
        embedded = channel < len(sizes) and sizes[channel] is not None
        if encoder.handle_unknown == "error" and not embedded:
            raise ValueError(
                "TokenEncoder(handle_unknown='error') can be exported only in front of a network "
                "with an embedding, which refuses an id that it does not have. Use "
                "handle_unknown='token' or set embedding_dim."
            )


def token_dtype(encoder: TokenEncoder, channel: int) -> type:
    """Return the type of the tokens of a channel, str or int64."""
    tokens = list(encoder._counts[channel])
    if all(isinstance(token, str) for token in tokens):
        return str
    if all(isinstance(token, int | np.integer) and not isinstance(token, bool) for token in tokens):
        return np.int64
    kinds = sorted({type(token).__name__ for token in tokens})
    raise ValueError(
        f"Tokens of type {', '.join(kinds)} cannot be exported to ONNX: expected strings, or "
        "whole numbers."
    )


def encoded(nodes: Nodes, encoder: TokenEncoder, channels: list[str]) -> tuple[str, type]:
    """Return the ids of tokens, and their type.

    Parameters
    ----------
    nodes : Nodes
        To which the nodes are added.
    encoder : TokenEncoder
        One that `check_transformers` accepts.
    channels : list of str
        Names of the channels, each of shape (n_samples, n_timesteps).

    Returns
    -------
    x : str
        Name of a tensor of shape (n_samples, n_timesteps, n_channels).
    dtype : type
        int64, or float32 where a channel passes as it is.
    """
    dtype = np.float32 if None in encoder.vocabularies_ else np.int64
    columns = []
    for channel, values in enumerate(channels):
        if encoder.vocabularies_[channel] is not None:
            values = _ids(nodes, encoder, channel, values)
            values = values if dtype is np.int64 else nodes.cast(values, dtype)
        columns.append(nodes.unsqueeze(values, 2))
    return nodes.concat(*columns, axis=2), dtype


def _ids(nodes: Nodes, encoder: TokenEncoder, channel: int, values: str) -> str:
    vocabulary, default = encoder.vocabularies_[channel] or {}, 0
    tokens: Iterable[Any] = vocabulary
    if encoder.handle_unknown == "error":
        # Rare ones have been seen.
        tokens, default = encoder._counts[channel], REFUSED
    tokens = list(tokens)
    keys = "keys_strings" if token_dtype(encoder, channel) is str else "keys_int64s"
    return nodes.add(
        "LabelEncoder",
        values,
        domain="ai.onnx.ml",
        **{keys: tokens, "values_int64s": [vocabulary.get(token, 0) for token in tokens]},
        default_int64=default,
    )


def scaled(nodes: Nodes, scaler: SequenceScaler, values: Values) -> Values:
    """Scale every channel, in double precision; float32 comes back as such, as `transform` does."""
    x = values.x if values.dtype is np.float64 else nodes.cast(values.x, np.float64)
    if scaler.with_centering:
        x = nodes.add("Sub", x, nodes.constant(np.asarray(scaler.center_, dtype=np.float64)))
    if scaler.with_scaling:
        x = nodes.add("Div", x, nodes.constant(np.asarray(scaler.scale_, dtype=np.float64)))
    if values.dtype is np.float32:
        return values._replace(x=nodes.cast(x, np.float32))
    return values._replace(x=x, dtype=np.float64)
