"""The loss of a batch and its gradient, one part of the batch after the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from skrnn.core import kernels
from skrnn.core.draws import Draws, draw
from skrnn.core.losses import Loss
from skrnn.core.parameters import Parameters
from skrnn.core.passes import Part
from skrnn.core.penalty import add_penalty

__all__ = ["loss_and_gradient"]


def loss_and_gradient(
    network: Any,
    parts: Sequence[Part],
    *,
    loss: Loss,
    alpha: float = 0.0,
    rng: np.random.RandomState | None = None,
) -> tuple[float, np.ndarray, float]:
    """Return the loss of a batch and its gradient, as `Network.loss_and_gradient` says.

    The parts lend each other their memory, so that it is that of the largest one.

    Parameters
    ----------
    network : Network
        At its parameters of the moment.
    parts : sequence of Part
        The samples of the batch, longest first.
    loss, alpha, rng
        As in `Network.loss_and_gradient`. What is drawn is drawn for the whole batch.

    Returns
    -------
    loss : float
        Weighted mean loss plus penalty.
    gradient : ndarray of shape (n_parameters,)
        The sum over the parts, in their order.
    weight : float
        The sum of the weights.
    """
    n_samples, dtype = sum(part.x.shape[1] for part in parts), parts[0].x.dtype
    draws = draw(network.architecture, rng, n_samples, dtype)
    weight = sum(_weight_of(part) for part in parts)
    first, *others = parts
    stop = first.x.shape[1]
    value, gradient = _of_part(network, first, draws.of_rows(0, stop), loss, weight)
    for part in others:
        start, stop = stop, stop + part.x.shape[1]
        own = draws.of_rows(start, stop)
        value_of_part, of_part = _of_part(network, part, own, loss, weight)
        value += value_of_part
        gradient.vector += of_part.vector
    if alpha > 0:
        spans = network.architecture.weight_spans
        value += add_penalty(gradient, network.parameters, spans, alpha, weight)
    return value / weight, gradient.vector, weight


def _weight_of(part: Part) -> float:
    weight = float(part.sample_weight.sum())
    # Of outputs that are missing in some rows: all those of a row together are one row.
    return weight if part.sample_weight.ndim == 1 else weight / part.sample_weight.shape[1]


@kernels.pass_memory()
def _of_part(
    network: Any, part: Part, draws: Draws, loss: Loss, total_weight: float
) -> tuple[float, Parameters]:
    """Return the sum of a part's losses, and the gradient of their share in the mean."""
    run = network.forward(part.x, part.n_active, draws=draws, static=part.static)
    value, d_raw = loss(run.raw_prediction, part.y, part.sample_weight)
    d_raw /= total_weight
    return value, network.backward(d_raw, run)
