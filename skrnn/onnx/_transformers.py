"""The transformers that a pipeline may have in front of the network, as nodes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skrnn.core.embedding import Embedding
from skrnn.forecasting import WindowScaledRegressor
from skrnn.onnx._gaps import looked_up
from skrnn.onnx._memory import Memory
from skrnn.onnx._network import Values
from skrnn.onnx._nodes import Nodes
from skrnn.onnx._own_scale import own_scale
from skrnn.preprocessing import SequenceImputer, SequenceScaler, TokenEncoder

# The transformers, and those of their parameters that are taken along. Another one came later: it
# must not be left out in silence.
KNOWN = {
    SequenceScaler: {
        *("method", "with_centering", "with_scaling", "n_channels", "per", "channels"),
    },
    WindowScaledRegressor: {"regressor", "method", "target", "n_channels"},
    SequenceImputer: {"strategy", "fill_value", "add_indicator", "add_elapsed", "n_channels"},
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
                f"A {name} cannot be exported: known in front of the network are SequenceScaler, "
                "SequenceImputer and TokenEncoder. Put it in front of them, export the rest of the "
                "Pipeline, such as pipeline[1:], and give the model what it returns; or, if X is "
                "2-D, see skrnn.onnx.register_converters for skl2onnx.to_onnx."
            )
        _check_parameters(transformer)
        if isinstance(transformer, TokenEncoder):
            if i > 0:
                raise ValueError(f"{name} can be exported as the first step of a pipeline only.")
            _check_encoder(transformer, embedding)
        elif isinstance(transformer, SequenceImputer):
            _check_imputer(transformer)
        elif transformer.method == "robust" and _by_itself(transformer):
            raise ValueError(
                f"A {name} that scales every sequence by itself with method='robust' cannot be "
                "exported: ONNX has no quantiles. Use method='standard' or 'minmax'."
            )


def _by_itself(transformer: Any) -> bool:
    """Tell whether a transformer scales every sequence by its own time steps."""
    return getattr(transformer, "per", "sequence") == "sequence"


def check_running(transformers: list[Any]) -> None:
    """Raise ValueError where a transformer looks at time steps that are still to come."""
    for transformer in transformers:
        scales = isinstance(transformer, SequenceScaler | WindowScaledRegressor)
        if scales and _by_itself(transformer):
            raise ValueError(
                f"The {type(transformer).__name__} scales every sequence by all of its time steps, "
                "so it cannot take them as they come. Use SequenceScaler(per='channel')."
            )


def _check_imputer(imputer: SequenceImputer) -> None:
    if imputer.strategy == "interpolate":
        raise ValueError(
            "SequenceImputer(strategy='interpolate') cannot be exported. Use strategy='forward', "
            "'mean', 'median' or 'constant', or leave missing values to the network."
        )
    if imputer.add_elapsed and imputer.elapsed_unit_ != "steps":
        raise ValueError(
            f"SequenceImputer(add_elapsed=True) that counts {imputer.elapsed_unit_} cannot be "
            "exported: a graph knows time steps, and no index of times."
        )


def _check_parameters(transformer: Any) -> None:
    """Raise ValueError where a parameter is set that is not known here."""
    kind = type(transformer)
    missing = {"regressor": None} if kind is WindowScaledRegressor else {}
    defaults = kind(**missing).get_params(deep=False)
    for name, value in transformer.get_params(deep=False).items():
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


def encoded(nodes: Nodes, encoder: TokenEncoder, channels: dict[int, str]) -> tuple[str, type]:
    """Return the ids of tokens, and their type.

    Parameters
    ----------
    nodes : Nodes
        To which the nodes are added.
    encoder : TokenEncoder
        One that `check_transformers` accepts.
    channels : dict of int to str
        Names of the channels, each of shape (n_samples, n_timesteps), by their numbers.

    Returns
    -------
    x : str
        Name of a tensor of shape (n_samples, n_timesteps, n_channels).
    dtype : type
        int64, or float32 where a channel passes as it is.
    """
    passes = any(encoder.vocabularies_[channel] is None for channel in channels)
    dtype = np.float32 if passes else np.int64
    columns = []
    for channel, values in channels.items():
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


def run_transformer(
    nodes: Nodes, transformer: Any, values: Values, memory: Memory, name: str
) -> Values:
    """Run a transformer of numbers.

    Parameters
    ----------
    nodes : Nodes
        To which the nodes are added.
    transformer : SequenceScaler, SequenceImputer or WindowScaledRegressor
        One that `check_transformers` accepts.
    values : Values
        What goes in.
    memory : Memory
        What is known of the steps before.
    name : str
        Of the transformer there.
    """
    if isinstance(transformer, SequenceImputer):
        return imputed(nodes, transformer, values, memory, name)
    if isinstance(transformer, WindowScaledRegressor):
        return scaled_windows(nodes, transformer, values)
    return scaled(nodes, transformer, values)


def scaled(nodes: Nodes, scaler: SequenceScaler, values: Values) -> Values:
    """Scale every channel, in double precision; float32 comes back as such, as `transform` does."""
    x = values.x if values.dtype is np.float64 else nodes.cast(values.x, np.float64)
    center, spread = _statistics(nodes, scaler, x, values.lengths)
    dtype = np.float32 if values.dtype is np.float32 else np.float64
    x = nodes.cast(_scaled(nodes, scaler, x, center, spread), dtype)
    static = values.static
    if static is not None and len(scaler.static_center_):
        static = nodes.cast(static, np.float64)
        center, spread = (
            nodes.constant(np.asarray(each, dtype=np.float64))
            for each in (scaler.static_center_, scaler.static_scale_)
        )
        static = _scaled(nodes, scaler, static, center, spread)
    return values._replace(x=x, dtype=dtype, static=static)


def _scaled(nodes: Nodes, scaler: SequenceScaler, x: str, center: str, spread: str) -> str:
    x = nodes.add("Sub", x, center) if scaler.with_centering else x
    return nodes.add("Div", x, spread) if scaler.with_scaling else x


def _statistics(
    nodes: Nodes, scaler: SequenceScaler, x: str, lengths: str | None
) -> tuple[str, str]:
    """Return center and scale of every channel: those of `fit`, or of every sequence."""
    if scaler.per == "channel":
        center, spread = (
            nodes.constant(np.asarray(each, dtype=np.float64))
            for each in (scaler.center_, scaler.scale_)
        )
        return center, spread
    center, spread = own_scale(nodes, scaler.method, x, lengths)
    one, zero = nodes.constant(np.float64(1)), nodes.constant(np.float64(0))
    spread = nodes.add("Where", nodes.add("Greater", spread, zero), spread, one)
    if scaler.channels is None:
        return center, spread
    chosen = nodes.constant(_chosen(scaler))
    return nodes.add("Where", chosen, center, zero), nodes.add("Where", chosen, spread, one)


def _chosen(scaler: SequenceScaler) -> np.ndarray:
    """Return the mask of the channels that are scaled, by name or by number."""
    is_static = np.array(getattr(scaler, "_X_static", ()), dtype=bool)
    names = np.array(getattr(scaler, "feature_names_in_", ()), dtype=object)
    names = names[~is_static].tolist() if len(names) == len(is_static) else names.tolist()
    chosen = np.zeros(scaler.n_channels_in_, dtype=bool)
    for channel in () if scaler.channels is None else scaler.channels:
        chosen[names.index(channel) if channel in names else int(channel)] = True
    return chosen


def scaled_windows(nodes: Nodes, scaling: WindowScaledRegressor, values: Values) -> Values:
    """Scale the channels that are forecast by their own level, and take down how to go back."""
    x = values.x if values.dtype is np.float64 else nodes.cast(values.x, np.float64)
    center, spread = own_scale(nodes, scaling.method, x, values.lengths)
    channels = np.asarray(scaling._channels, dtype=np.int64)
    center, spread = (
        nodes.add("Gather", each, nodes.constant(channels), axis=2) for each in (center, spread)
    )
    zero, one = nodes.constant(np.float64(0)), nodes.constant(np.float64(1))
    level = nodes.add("Abs", center)
    typical = nodes.constant(np.asarray(scaling.typical_spread_, dtype=np.float64))
    instead = nodes.add("Where", nodes.add("Greater", level, zero), level, typical)
    spread = nodes.add("Where", nodes.add("Greater", spread, zero), spread, instead)
    # Other channels pass: what is put in front of them stands for a center of 0, a spread of 1.
    place = np.zeros(scaling.n_channels_in_, dtype=np.int64)
    place[channels] = 1 + np.arange(len(channels))
    first = nodes.slice(center, 0, 1, axis=2)
    nothing = nodes.add("Mul", first, zero)
    of_all = [
        nodes.add("Gather", nodes.concat(other, each, axis=2), nodes.constant(place), axis=2)
        for other, each in ((nothing, center), (nodes.add("Add", nothing, one), spread))
    ]
    x = nodes.add("Div", nodes.add("Sub", x, of_all[0]), of_all[1])
    dtype = np.float32 if values.dtype is np.float32 else np.float64
    back = nodes.squeeze(center, 1), nodes.squeeze(spread, 1)
    return values._replace(x=nodes.cast(x, dtype), dtype=dtype, back=back)


def imputed(
    nodes: Nodes, imputer: SequenceImputer, values: Values, memory: Memory, name: str
) -> Values:
    """Fill missing values, and add the channels that the imputer adds."""
    x, dtype = values.x, values.dtype
    if dtype is np.int64:
        x, dtype = nodes.cast(x, np.float32), np.float32
    fills: np.ndarray = np.asarray(imputer.statistics_, dtype=dtype)
    rows = nodes.transpose(x, 0, 2, 1)
    since = 0 if imputer.add_elapsed else None
    filled = nodes.add("Where", nodes.add("IsNaN", x), nodes.constant(fills), x)
    if imputer.strategy == "forward" or imputer.add_elapsed:
        last = looked_up(nodes, memory, name, rows, fills, since)
        if imputer.strategy == "forward":
            filled = nodes.transpose(last.value, 0, 2, 1)
    parts = [filled]
    gappy = nodes.constant(np.asarray(imputer.gappy_channels_, dtype=np.int64))
    if imputer.add_indicator:
        parts.append(nodes.cast(nodes.add("IsNaN", nodes.add("Gather", x, gappy, axis=2)), dtype))
    if imputer.add_elapsed:
        assert last.since is not None
        elapsed = nodes.transpose(nodes.add("Gather", last.since, gappy, axis=1), 0, 2, 1)
        parts.append(nodes.cast(elapsed, dtype))
    if len(imputer.gappy_channels_) == 0:
        parts = parts[:1]
    return values._replace(x=nodes.concat(*parts, axis=2), dtype=dtype)
