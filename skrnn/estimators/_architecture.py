"""The architecture that an estimator's parameters ask for, with the data of a fit."""

from __future__ import annotations

from numbers import Integral
from typing import Any

from skrnn.core.activations import ACTIVATIONS
from skrnn.core.architecture import Architecture
from skrnn.core.cells import CELLS
from skrnn.core.decay import Decay
from skrnn.core.differences import Differences
from skrnn.core.embedding import Embedding
from skrnn.core.readouts import as_readout
from skrnn.estimators._data import Dataset
from skrnn.estimators._defaults import STATIC_UNITS, decide_shape, decided, make_differences
from skrnn.estimators._embedding_parameters import embedding_as_before, new_embedding
from skrnn.estimators._gaps import allows_gaps, make_decay
from skrnn.estimators._own_parts import check_parts
from skrnn.estimators._parameters import check_together, hidden_sizes, make_frames, named
from skrnn.sequences import Sequences


def plan(
    estimator: Any, sequences: Sequences, data: Dataset, *, goes_on: bool
) -> tuple[dict[str, Any], Architecture]:
    """Return what 'auto' stands for with these data, and the architecture.

    Parameters
    ----------
    estimator : BaseRNN
        In its fit.
    sequences : Sequences
        All of the user's, in his order: they tell the ids, and errors speak of them.
    data : Dataset
        What is to be trained on.
    goes_on : bool
        Whether the fit goes on from the network of the one before: it keeps what was decided
        then, and may not change shapes.

    Raises
    ------
    TypeError, ValueError
        If parameters do not go together, with each other, the data, or the network before, if the
        network does not go into memory, or if a part of the user's own does not follow its
        protocol.
    """
    auto = decide_shape(estimator, data)
    if goes_on:
        auto |= {name: value for name, value in estimator.auto_params_.items() if name in auto}
    parameters = decided(estimator, auto)
    check_together(parameters)
    _check_static(estimator)
    asked = estimator.embedding_dim, estimator.n_tokens
    n_inputs, n_outputs = sequences.n_channels, data.targets.width
    if not goes_on:
        embedding = new_embedding(*asked, sequences)
        decay = make_decay(parameters, data, embedding)
        differences = make_differences(parameters, data, decay)
        made = make_architecture(
            estimator,
            auto,
            n_inputs,
            n_outputs,
            embedding,
            differences,
            decay,
            sequences.n_static,
        )
        check_parts(parameters, made, sequences.dtype)
        return auto, made
    before = estimator.network_.architecture
    embedding = embedding_as_before(*asked, sequences, before.embedding)
    # The scale of the differences is that of the first data, and so are gaps and means.
    decay = before.decay if allows_gaps(parameters) else None
    if decay is None:
        decay = make_decay(parameters, data, embedding)
    differences = before.differences if parameters.differences else None
    if differences is None:
        differences = make_differences(parameters, data, decay)
    architecture = make_architecture(
        estimator, auto, n_inputs, n_outputs, embedding, differences, decay, sequences.n_static
    )
    _check_same_channels(estimator, sequences, before)
    _check_same_place(estimator, before)
    _check_same_shapes(architecture, before)
    check_parts(parameters, architecture, sequences.dtype)
    return auto, architecture


def make_architecture(
    estimator: Any,
    auto: dict[str, Any],
    n_inputs: int,
    n_outputs: int,
    embedding: Embedding | None,
    differences: Differences | None,
    decay: Decay | None,
    n_static: int,
) -> Architecture:
    """Return the architecture that the parameters ask for, with values for those at 'auto'."""
    parameters = decided(estimator, auto)
    activation = named(ACTIVATIONS, parameters.activation)
    width = n_inputs if embedding is None else embedding.width
    width = width if decay is None else decay.width
    width = width if differences is None else differences.width
    return Architecture(
        cell=named(CELLS, parameters.cell).with_activation(activation),
        n_inputs=n_inputs,
        hidden_sizes=hidden_sizes(estimator),
        n_outputs=n_outputs,
        bidirectional=bool(parameters.bidirectional),
        readout=None if parameters.return_sequences else as_readout(parameters.readout),
        dropout=parameters.dropout,
        bptt_steps=parameters.bptt_steps,
        embedding=embedding,
        differences=differences,
        frames=make_frames(parameters, width),
        n_static=n_static,
        static_units=STATIC_UNITS if n_static else 0,
        decay=decay,
    )


def _check_same_channels(estimator: Any, sequences: Sequences, before: Architecture) -> None:
    # Only of a 2-D X the parameter says how many channels there are.
    if sequences.kind == "2d" and estimator.n_channels != before.n_inputs:
        raise ValueError(
            f"n_channels={estimator.n_channels}, but the network was fitted with "
            f"{before.n_inputs} channels, which cannot change between calls that go on from the "
            "same weights. Set warm_start=False and call fit, or use a new estimator."
        )


def _check_static(estimator: Any) -> None:
    """Refuse static columns as channels where every channel is taken for one of ids."""
    all_are_ids = isinstance(estimator.embedding_dim, Integral)
    if all_are_ids and estimator.static == "channels" and _n_static_columns(estimator):
        raise ValueError(
            f"embedding_dim={estimator.embedding_dim} takes all channels for ids, and "
            "static='channels' makes channels of the static columns, which hold numbers. Set "
            "static='readout', or name the channels of ids: embedding_dim={channel: width}."
        )


def _check_same_place(estimator: Any, before: Architecture) -> None:
    at_readout = estimator.static == "readout"
    if _n_static_columns(estimator) and at_readout != (before.n_static > 0):
        was = "readout" if before.n_static else "channels"
        raise ValueError(
            f"static={estimator.static!r}, but the network was fitted with static={was!r}, which "
            "shapes the weights, so it cannot change between calls that go on from the same "
            "weights. Set warm_start=False and call fit, or use a new estimator."
        )


def _n_static_columns(estimator: Any) -> int:
    # What an older release has fitted does not know of any.
    return getattr(estimator, "n_static_in_", 0)


def _check_same_shapes(architecture: Architecture, before: Architecture) -> None:
    strides = [getattr(one.frames, "stride", 1) for one in (architecture, before)]
    if architecture.shapes() != before.shapes() or strides[0] != strides[1]:
        raise ValueError(
            "cell, hidden_layer_sizes, bidirectional, readout, embedding_dim, n_tokens, "
            "differences, missing_values, frame_length, frame_stride and frame_units shape the "
            "weights, so they cannot change between calls that go on from the same weights. Set "
            "warm_start=False and call fit, or use a new estimator."
        )
