"""What came of a fit: whether it has a loss, and one below that of the best constant prediction."""

from __future__ import annotations

from typing import Any

import numpy as np

from skrnn.core.initializers import LARGE_INPUT, SMALL_INPUT
from skrnn.core.losses import best_constant, skill_of, tells_of
from skrnn.core.row_weights import total_weight
from skrnn.core.training import REMEDIES, DivergenceError
from skrnn.estimators._data import LEAST_SAMPLES, Dataset, evenly_spaced
from skrnn.sequences import has_gaps

# A network below this share of skill has learnt nothing of its sequences.
LEAST_SKILL = 0.01
# Up to this share, channels that are not scaled may be what keeps a network from learning more;
# above it, `skrnn.inspection.diagnose` does not mind them either.
AMPLE_SKILL = 0.9
# Weights are of order one. From here on it is worth a look at what the network makes of them.
LARGE_WEIGHT = 1e6


def why_not_learnt(estimator: Any, data: Dataset, *, out_of_patience: bool) -> str | None:
    """Return what to tell the user of a fit that has learnt nothing, None of another.

    Nothing, or little on inputs that are far from unit scale.

    Parameters
    ----------
    estimator : BaseRNN
        After its training.
    data : Dataset
        What it was trained on, scaled.
    out_of_patience : bool
        Whether training ended because the loss no longer fell.

    Raises
    ------
    DivergenceError
        If the network has no finite loss.
    """
    losses = losses_of(estimator, evenly_spaced(data))
    if losses is None:
        return None
    check_outcome(losses[0])
    skill = skill_of(data.targets.loss, *losses)
    if skill > AMPLE_SKILL:
        return None
    network_loss, constant_loss = losses
    advice = _advice_on_scale(estimator, data)
    if skill > LEAST_SKILL:
        if not advice:
            return None
        return (
            "The network may have learnt less than it could: its training loss is "
            f"{network_loss:.3g}, that of the best constant prediction {constant_loss:.3g}. "
            f"{advice}skrnn.inspection.diagnose looks further."
        )
    if not advice and out_of_patience:
        patience = estimator.auto_params_.get("n_iter_no_change", estimator.n_iter_no_change)
        advice = (
            f"If the loss was on a plateau, a larger n_iter_no_change (now {patience}) lets "
            "training get past it. "
        )
    return (
        "The network has learnt nothing: its training loss is no better than that of the best "
        f"constant prediction ({network_loss:.3g} against {constant_loss:.3g}). {advice}"
        "skrnn.inspection.diagnose looks for the cause."
    )


def _advice_on_scale(estimator: Any, data: Dataset) -> str:
    """Return what to do about inputs that are far from unit scale, nothing where none is."""
    rms, static = channel_rms(estimator, data), static_rms(data)
    if len(static) and static.max() > LARGE_INPUT:
        what = f"A static feature has a root mean square of {static.max():.3g}, and weights"
    elif len(rms) and rms.max() > LARGE_INPUT:
        what = f"A channel has a root mean square of {rms.max():.3g}, and weights"
    elif len(rms) and 0 < rms.max() < SMALL_INPUT:
        what = f"No channel has a root mean square above {rms.max():.3g}, weights"
    else:
        return ""
    return f"{what} start for 1: put skrnn.preprocessing.SequenceScaler in front. "


def check_outcome(loss: float) -> None:
    """Raise `DivergenceError` where the loss of a trained network is not finite."""
    if not np.isfinite(loss):
        raise DivergenceError(
            f"Training diverged in its last step: the loss of the network is {loss}. {REMEDIES}"
        )


def check_large_weights(estimator: Any, data: Dataset) -> None:
    """Raise `DivergenceError` where weights have grown so large that there is no finite loss.

    Parameters
    ----------
    estimator : BaseRNN
        After its training.
    data : Dataset
        What it was trained on, scaled; a few of its samples are looked at.
    """
    if np.abs(estimator.network_.parameters.vector).max() > LARGE_WEIGHT:
        some = np.linspace(0, data.n_samples - 1, min(data.n_samples, LEAST_SAMPLES))
        check_outcome(loss_of(estimator, data.take(some.astype(np.intp))))


def losses_of(estimator: Any, data: Dataset) -> tuple[float, float] | None:
    """Return the mean losses of the network and of the best constant; None of a constant target."""
    weight = data.loss_weight()
    weighted = data.y[data.row_weight() > 0]
    if (weighted == weighted[0]).all():
        return None
    with np.errstate(over="ignore", invalid="ignore"):
        _, constant_loss = best_constant(data.targets.loss, data.y, weight, data.targets.width)
    # What is left of a constant target by rounding has no loss to speak of.
    if not tells_of(data.targets.loss, constant_loss, np.finfo(weight.dtype).eps):
        return None
    return loss_of(estimator, data), constant_loss


def loss_of(estimator: Any, data: Dataset) -> float:
    """Return the mean loss of the network, without the penalty."""
    weight = data.loss_weight()
    with np.errstate(over="ignore", invalid="ignore"):
        raw_prediction = estimator._raw_prediction(data.sequences)
        total, _ = data.targets.loss(raw_prediction, data.y, weight)
    return float(total) / total_weight(weight)


def static_rms(data: Dataset) -> np.ndarray:
    """Return the root mean square of every static feature at the read-out."""
    static = data.sequences.static
    if static is None:
        return np.empty(0)
    return np.sqrt(np.square(static, dtype=np.float64).mean(axis=0))


def channel_rms(estimator: Any, data: Dataset) -> np.ndarray:
    """Return the root mean square of every channel of numbers; ids have none."""
    sequences = data.sequences
    squares = np.square(sequences.table, dtype=np.float64)
    # Of windows, only the rows that are in one.
    weight = sequences.row_weight()
    if has_gaps(sequences.table):
        there = ~np.isnan(squares) * (1 if weight is None else weight[:, np.newaxis])
        squares = np.nan_to_num(squares) * there / there.mean(axis=0).clip(min=1e-300)
        weight = None
    rms = np.sqrt(np.average(squares, axis=0, weights=weight))
    embedding = estimator.network_.architecture.embedding
    tables = [] if embedding is None else embedding.tables()
    return np.delete(rms, [channel for channel, _, _ in tables])
