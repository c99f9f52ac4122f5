"""Weights to Keras and back: lists of arrays, as ``get_weights`` returns them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from skrnn._portable import check_known, link_name, network_of
from skrnn.core.architecture import Architecture
from skrnn.core.cells import GRU, Cell
from skrnn.core.readouts import Joined, Last, Max, Mean, Readout
from skrnn.interop._fitted import Found, cell_of, check_like, estimator_with
from skrnn.interop._layouts import (
    NAMES,
    activation_name,
    check_cell,
    from_keras_layer,
    n_gates,
    to_keras_layer,
)

# Differences, frames, learnt decay and static features beside a read-out are no layers of Keras.
KNOWN = {
    "bidirectional",
    "bptt_steps",
    "cell",
    "dropout",
    "embedding",
    "hidden_sizes",
    "n_inputs",
    "n_outputs",
    "readout",
}
# Keras's names of activations, by ours; what it calls leaky_relu has another slope.
ACTIVATIONS = {
    "logistic": "sigmoid",
    "identity": "linear",
    "leaky_relu": "leaky_relu(negative_slope=0.01)",
}


def to_keras_weights(est: Any) -> list[np.ndarray]:
    """Return the weights of a fitted estimator as Keras has them.

    Parameters
    ----------
    est : RNNClassifier or RNNRegressor
        Fitted.

    Returns
    -------
    list of ndarray
        For ``set_weights`` of a Keras model with, in this order, an ``Embedding`` if there is one
        (of a single channel), ``SimpleRNN``, ``LSTM`` or ``GRU(reset_after=True)`` for every
        layer, in ``Bidirectional`` if they read both ways, and ``Dense``, which answers with
        logits or, where the loss has the identity link, on the target's scale. In the dtype of
        the network.

    Raises
    ------
    NotFittedError
        If the estimator is not fitted.
    TypeError
        If it is none of ours.
    ValueError
        If Keras has no layer for a part of the network: cells other than ``"rnn"``, ``"lstm"``
        and ``"gru"``, activations of your own, attention, differences, frames, static features at
        the read-out, learnt decay of missing values, several raw numbers a target.

    Notes
    -----
    The activations of the layers are no weights: pass `activation` on, ``"logistic"`` as
    ``"sigmoid"``. ``readout="last"`` is ``return_sequences=False`` of the last layer, ``"mean"``
    and ``"max"`` are ``GlobalAveragePooling1D`` and ``GlobalMaxPooling1D``. Shorter sequences need
    a mask there, as of ``Masking``. Static features taken as channels are the last ones of the
    inputs. Missing values are to be filled before: those of a channel without gaps in `fit` by its
    last value, as `SequenceImputer` does.

    Examples
    --------
    >>> import numpy as np
    >>> from skrnn import RNNRegressor
    >>> from skrnn.interop import from_keras_weights, to_keras_weights
    >>> X = np.random.default_rng(0).normal(size=(20, 6, 2))
    >>> reg = RNNRegressor(8, max_iter=1, learning_rate="cosine").fit(X, X.mean(axis=(1, 2)))
    >>> [array.shape for array in to_keras_weights(reg)]
    [(2, 24), (8, 24), (2, 24), (8, 1), (1,)]
    >>> again = from_keras_weights(to_keras_weights(reg), like=reg)
    >>> bool(np.abs(again.predict(X) - reg.predict(X)).max() < 1e-12)
    True
    """
    network = network_of(est)
    architecture = network.architecture
    _check(architecture)
    arrays = []
    if architecture.embedding is not None:
        arrays += [network.parameters[f"embedding.{name}"] for name in _tables(architecture)]
    for i in range(architecture.n_layers):
        for direction in architecture.directions:
            arrays += to_keras_layer(architecture.cell, network.weights(i, direction))
    W, b = network.parameters["output.W"], network.parameters["output.b"]
    location, divisor = _target_scale(est, architecture.n_outputs)
    dense = [W * divisor, b * divisor + location]
    return [array.astype(W.dtype) for array in (*arrays, *dense)]


def from_keras_weights(weights: Any, like: Any, *, classes: Any = None) -> Any:
    """Return a fitted estimator with weights of Keras.

    Parameters
    ----------
    weights : list of ndarray, or keras.Model
        What ``model.get_weights()`` returns, or the model, whose activations are then checked too:
        recurrent layers as they follow each other, then one ``Dense``; with an `embedding_dim` an
        ``Embedding`` in front.

    like : RNNClassifier or RNNRegressor
        What the weights are of, as in `from_torch`. `bidirectional` is read from the sizes where
        `like` leaves it at ``"auto"``.

    classes : array-like, default=None
        As in `from_torch`.

    Returns
    -------
    RNNClassifier or RNNRegressor
        Fitted.

    Raises
    ------
    TypeError
        If `weights` or `like` is something else.
    ValueError
        If the weights do not go with `like`, or are of ``GRU(reset_after=False)``, which resets
        before the recurrent product: another recurrence, which no weights of ours compute.

    See Also
    --------
    from_torch : The same for PyTorch.
    """
    check_like(like)
    cell = cell_of(like)
    check_cell(cell, "Keras")
    if hasattr(like, "network_"):
        _check(like.network_.architecture)
    arrays = _arrays(weights)
    _check_layers(weights, cell)
    found = _found(arrays, cell, _directions(like), embeds=like.embedding_dim is not None)
    if hasattr(like, "network_"):
        location, divisor = _target_scale(like, like.network_.architecture.n_outputs)
        found = found._replace(W=found.W / divisor, b=(found.b - location) / divisor)
    return estimator_with(like, found, classes)


def _check(architecture: Architecture) -> None:
    """Raise ValueError, with the name of the part, where Keras has no layer for it."""
    check_known(architecture, KNOWN, "Keras")
    check_cell(architecture.cell, "Keras")
    if activation_name(architecture.cell.activation) is None:
        raise ValueError(
            f"The activation {architecture.cell.activation.name!r} is none of ours and cannot be "
            "taken to Keras."
        )
    if architecture.embedding is not None and architecture.n_inputs > 1:
        raise ValueError("Keras's Embedding takes a single channel of ids; the network has more.")
    if architecture.readout is not None:
        _check_readout(architecture.readout, architecture.bidirectional)


def _check_readout(readout: Readout, bidirectional: bool) -> None:
    if isinstance(readout, Joined):
        if bidirectional:
            raise ValueError(
                "Several read-outs of both directions stand side by side in another order in "
                "Keras. Fit with one read-out, or bidirectional=False."
            )
        for part in readout.readouts:
            _check_readout(part, bidirectional)
    elif type(readout) not in (Last, Mean, Max):
        raise ValueError(f"Keras has no layer for the read-out {readout!r}.")


def _tables(architecture: Architecture) -> list[str]:
    assert architecture.embedding is not None
    return [name for _, name, _ in architecture.embedding.tables()]


def _target_scale(est: Any, n_outputs: int) -> tuple[np.ndarray | float, np.ndarray | float]:
    """Return what is added to raw predictions, and what they are multiplied by, before that."""
    scale = getattr(est._targets, "target_scale", None)
    if scale is None:
        return 0.0, 1.0
    loss = est._targets.loss
    if len(scale.location) != n_outputs or not np.isnan(scale.constant).all():
        raise ValueError(
            "An output that is constant, or several raw outputs for one target, as of the loss "
            f"{loss!r}, cannot be taken to Keras."
        )
    link = link_name(loss)
    if link == "identity":
        return scale.location, scale.divisor
    if link is not None and (scale.divisor == 1).all() and (scale.location == 0).all():
        return 0.0, 1.0
    raise ValueError(
        f"With the loss {loss!r} the scale of the target comes after its link, where Dense has no "
        "weights for it. Fit with normalize_y=False and a loss of ours."
    )


def _arrays(weights: Any) -> list[np.ndarray]:
    """Return the arrays of a model, or a list of them."""
    arrays = weights.get_weights() if hasattr(weights, "get_weights") else weights
    if isinstance(arrays, str | dict | np.ndarray) or not isinstance(arrays, Iterable):
        raise TypeError(
            "Expected a Keras model, or the list of arrays of its get_weights(); got "
            f"{type(weights).__name__}."
        )
    arrays = [np.asarray(array) for array in arrays]
    if any(array.dtype.kind != "f" for array in arrays):
        raise TypeError("The weights of a Keras model are arrays of floats.")
    return arrays


def _directions(like: Any) -> int | None:
    """Return the number of directions, None if the sizes are to tell."""
    if hasattr(like, "network_"):
        return len(like.network_.architecture.directions)
    auto = isinstance(like.bidirectional, str)
    return None if auto else 1 + bool(like.bidirectional)


def _check_layers(model: Any, cell: Cell) -> None:
    """Check the recurrent layers of a model, where there is one."""
    for layer in getattr(model, "layers", ()):
        recurrent = getattr(layer, "forward_layer", layer)
        if not hasattr(recurrent, "recurrent_initializer"):
            continue
        if getattr(recurrent, "reset_after", True) is False:
            raise ValueError(RESETS_BEFORE)
        kind = type(recurrent).__name__.lower().replace("simple", "")
        own = activation_name(cell.activation) or ""
        activation = getattr(recurrent.activation, "__name__", "")
        if kind != NAMES[type(cell)] or activation != ACTIVATIONS.get(own, own):
            raise ValueError(
                f"The model has {type(recurrent).__name__}(activation={activation!r}), like has "
                f"cell={NAMES[type(cell)]!r} with activation={own!r}. Give `like` those of the "
                "model."
            )
        gate = getattr(recurrent, "recurrent_activation", None)
        if gate is not None and getattr(gate, "__name__", "") != "sigmoid":
            raise ValueError("The gates of our cells have the sigmoid as recurrent_activation.")


RESETS_BEFORE = (
    "These are weights of GRU(reset_after=False), which applies the reset gate before the "
    "recurrent product, r * h, and not after it, r * (h W): another recurrence. No weights make "
    "our GRU, which is that of cuDNN and of Keras's default, compute it. Train it with "
    "reset_after=True."
)


def _found(arrays: list[np.ndarray], cell: Cell, directions: int | None, *, embeds: bool) -> Found:
    """Return the layers, embedding and output layer among the arrays of a model."""
    rest = list(arrays)
    tables = [rest.pop(0)] if embeds and rest else []
    groups = []
    while len(rest) > 2:
        groups.append(_group(rest, cell))
    if not groups or not rest or rest[0].ndim != 2 or any(each.ndim != 1 for each in rest[1:]):
        raise ValueError(
            "Expected the arrays of recurrent layers, then those of one Dense; got the shapes "
            f"{[array.shape for array in arrays]}."
        )
    W = rest[0]
    b = rest[1] if len(rest) == 2 else np.zeros(W.shape[1], W.dtype)
    if directions is None:
        directions = _directions_by_sizes(groups)
    if len(groups) % directions:
        raise ValueError(
            f"{len(groups)} recurrent kernels are not those of layers that read both ways."
        )
    layers = [groups[i : i + directions] for i in range(0, len(groups), directions)]
    return Found(layers, tables, W, b, {})


def _group(rest: list[np.ndarray], cell: Cell) -> dict[str, np.ndarray]:
    """Take kernel, recurrent kernel and bias of one direction of a layer off the list."""
    kernel, recurrent = rest.pop(0), rest.pop(0)
    size = len(recurrent)
    columns = n_gates(cell) * size
    if kernel.ndim != 2 or recurrent.shape != (size, columns) or kernel.shape[1] != columns:
        raise ValueError(
            f"A kernel of shape {kernel.shape} and a recurrent kernel of shape {recurrent.shape} "
            f"are not those of a layer of the cell {NAMES[type(cell)]!r}, which has "
            f"{n_gates(cell)} gate(s). Set the `cell` that the weights are of."
        )
    bias = None
    if rest and (rest[0].shape == (columns,) or rest[0].shape == (2, columns)):
        bias = rest.pop(0)
        if type(cell) is GRU and bias.ndim == 1:
            raise ValueError(RESETS_BEFORE)
        if type(cell) is not GRU and bias.ndim == 2:
            raise ValueError(f"A bias of shape {bias.shape} is that of a GRU. Set cell='gru'.")
    return from_keras_layer(cell, kernel, recurrent, bias)


def _directions_by_sizes(groups: list[dict[str, np.ndarray]]) -> int:
    """Tell whether layers read both ways: the next one then sees both beside each other."""
    if len(groups) % 2:
        return 1
    size = len(groups[0]["W_h"])
    same = groups[0]["W_x"].shape == groups[1]["W_x"].shape
    if same and len(groups[0]["W_x"]) == size:
        raise ValueError(
            "The sizes do not tell two layers from two directions; set bidirectional of like to "
            "True or False."
        )
    return 2 if same else 1
