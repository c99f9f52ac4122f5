"""Objects that the user gave in place of names: which they are, and whether they fit."""

from __future__ import annotations

from typing import Any

import numpy as np

from skrnn.core.activations import ACTIVATIONS
from skrnn.core.cells import CELLS
from skrnn.core.initializers import INITIALIZERS, Initializer
from skrnn.core.losses import LOSSES, Loss
from skrnn.core.network import Architecture
from skrnn.core.probes import (
    check_sizes,
    checked_initializer,
    probe_activation,
    probe_cell,
    probe_loss,
    probe_readout,
    probe_single_outputs,
)
from skrnn.core.readouts import READOUTS
from skrnn.estimators._memory import check_fits_memory


def check_parts(estimator: Any, architecture: Architecture, dtype: np.dtype) -> None:
    """Check the network's size, and the shapes of what the user's own parts of it return.

    Parameters
    ----------
    estimator : BaseRNN
        With the parts among its parameters.
    architecture : Architecture
        Made of them.
    dtype : dtype
        Of the network.

    Raises
    ------
    TypeError, ValueError
        If the network does not go into memory, or a part does not follow its protocol.
    """
    n_units, readouts = architecture.hidden_sizes[-1], []
    if architecture.readout is not None:
        asked = estimator.readout if isinstance(estimator.readout, tuple | list) else ()
        readouts = [one for one in asked or [estimator.readout] if _is_own(one, READOUTS)]
    for readout in readouts:
        check_sizes(readout, n_units)
    check_fits_memory(architecture, dtype)
    for readout in readouts:
        probe_readout(readout, n_units, dtype)
    if _is_own(estimator.activation, ACTIVATIONS):
        probe_activation(estimator.activation)
    if _is_own(estimator.cell, CELLS):
        first = architecture.layers[0]
        probe_cell(architecture.cell, first.n_inputs, first.hidden_size, dtype)


def check_own_loss(
    loss: Loss, y: np.ndarray, n_outputs: int, dtype: np.dtype, *, single_outputs: bool = False
) -> None:
    """Check the shapes of what the user's own loss returns; see `skrnn.core.probes.probe_loss`.

    With `single_outputs`, some of which are missing, any loss has to show that it leaves them out.
    """
    if type(loss) not in LOSSES.values():
        probe_loss(loss, y, n_outputs, dtype)
    if single_outputs:
        probe_single_outputs(loss, y, n_outputs, dtype)


def initializer(value: Any) -> Initializer:
    """Return the initializer of that name, or the user's own with a check of what it returns."""
    return INITIALIZERS[value] if isinstance(value, str) else checked_initializer(value)


def _is_own(value: Any, registry: dict[str, Any]) -> bool:
    """Tell whether a part is neither the name of one of ours nor one of them."""
    ours = {type(part) for part in registry.values()}
    if ours == {type(value)}:  # activations are all of one class
        return value not in registry.values()
    return not isinstance(value, str) and type(value) not in ours
