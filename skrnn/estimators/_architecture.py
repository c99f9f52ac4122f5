"""The architecture that an estimator's parameters ask for, with the data of a fit."""

from __future__ import annotations

from typing import Any

from skrnn.core.activations import ACTIVATIONS
from skrnn.core.architecture import Architecture
from skrnn.core.cells import CELLS
from skrnn.core.decay import Decay
from skrnn.core.differences import Differences
from skrnn.core.embedding import Embedding
from skrnn.core.readouts import as_readout
from skrnn.estimators._data import Dataset
from skrnn.estimators._defaults import decide_shape, decided, make_differences
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
    asked = estimator.embedding_dim, estimator.n_tokens
    n_inputs, n_outputs = sequences.n_channels, data.targets.n_outputs
    if not goes_on:
        embedding = new_embedding(*asked, sequences)
        decay = make_decay(parameters, data, embedding)
        differences = make_differences(parameters, data, decay)
        made = make_architecture(
            estimator, auto, n_inputs, n_outputs, embedding, differences, decay
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
        estimator, auto, n_inputs, n_outputs, embedding, differences, decay
    )
    _check_same_channels(estimator, sequences, before)
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


def _check_same_shapes(architecture: Architecture, before: Architecture) -> None:
    strides = [getattr(one.frames, "stride", 1) for one in (architecture, before)]
    if architecture.shapes() != before.shapes() or strides[0] != strides[1]:
        raise ValueError(
            "cell, hidden_layer_sizes, bidirectional, readout, embedding_dim, n_tokens, "
            "differences, missing_values, frame_length, frame_stride and frame_units shape the "
            "weights, so they cannot change between calls that go on from the same weights. Set "
            "warm_start=False and call fit, or use a new estimator."
        )
