"""Whether a fit has learnt anything: its loss against that of the best constant prediction."""

from __future__ import annotations

from typing import Any

import numpy as np

from skrnn.core.initializers import LARGE_INPUT, SMALL_INPUT
from skrnn.core.losses import best_constant
from skrnn.estimators._data import Dataset, evenly_spaced

# A network below this share of skill has learnt nothing of its sequences.
LEAST_SKILL = 0.01


def why_not_learnt(estimator: Any, data: Dataset, *, out_of_patience: bool) -> str | None:
    """Return what to tell the user of a fit that is no better than a constant, None of another.

    Parameters
    ----------
    estimator : BaseRNN
        After its training.
    data : Dataset
        What it was trained on, scaled.
    out_of_patience : bool
        Whether training ended because the loss no longer fell.
    """
    losses = losses_of(estimator, evenly_spaced(data))
    if losses is None or losses[0] < (1 - LEAST_SKILL) * losses[1]:
        return None
    network_loss, constant_loss = losses
    rms = channel_rms(estimator, data)
    advice = ""
    if len(rms) and rms.max() > LARGE_INPUT:
        advice = f"A channel has a root mean square of {rms.max():.3g}, and weights start for 1: "
    elif len(rms) and rms.max() < SMALL_INPUT:
        advice = f"No channel has a root mean square above {rms.max():.3g}, weights start for 1: "
    if advice:
        advice += "put skrnn.preprocessing.SequenceScaler in front. "
    elif out_of_patience:
        advice = (
            "If the loss was on a plateau, a larger n_iter_no_change (now "
            f"{estimator.n_iter_no_change}) lets training get past it. "
        )
    return (
        "The network has learnt nothing: its training loss is no better than that of the best "
        f"constant prediction ({network_loss:.3g} against {constant_loss:.3g}). {advice}"
        "skrnn.inspection.diagnose looks for the cause."
    )


def losses_of(estimator: Any, data: Dataset) -> tuple[float, float] | None:
    """Return the mean losses of the network and of the best constant; None of a constant target."""
    weight = data.row_weight()
    weighted = data.y[weight > 0]
    if (weighted == weighted[0]).all():
        return None
    loss, total = data.targets.loss, float(weight.sum(dtype=np.float64))
    with np.errstate(over="ignore", invalid="ignore"):
        network_loss, _ = loss(estimator._raw_prediction(data.sequences), data.y, weight)
        _, constant_loss = best_constant(loss, data.y, weight, data.targets.n_outputs)
    # What is left of a constant target by rounding has no loss to speak of.
    if not constant_loss > np.finfo(weight.dtype).eps:
        return None
    return network_loss / total, constant_loss


def channel_rms(estimator: Any, data: Dataset) -> np.ndarray:
    """Return the root mean square of every channel of numbers; ids have none."""
    sequences = data.sequences
    squares = np.square(sequences.table, dtype=np.float64)
    # Of windows, only the rows that are in one.
    rms = np.sqrt(np.average(squares, axis=0, weights=sequences.row_weight()))
    embedding = estimator.network_.architecture.embedding
    tables = [] if embedding is None else embedding.tables()
    return np.delete(rms, [channel for channel, _, _ in tables])
