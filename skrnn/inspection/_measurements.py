"""What the checks of a diagnosis look at, measured once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from sklearn.utils import Bunch

from skrnn._innermost import Data
from skrnn.core.activations import LOGISTIC
from skrnn.core.cells import Cell
from skrnn.core.losses import SquaredError
from skrnn.core.readouts import real_steps
from skrnn.inspection._gradient_flow import flow_of
from skrnn.inspection._judged import Judge, Judged
from skrnn.inspection._opened import Opened, quantities
from skrnn.inspection._trials import Trials

# Sequences that are looked at, evenly spaced: more do not change a verdict.
MOST_SAMPLES = 400
# Sequences on which a remedy is tried out before it is proposed.
TRIAL_SAMPLES = 32
# A non-linearity is flat where its slope is below this share of its steepest.
FLAT = 0.05


@dataclass(frozen=True)
class Measurements:
    """An estimator opened with data, and everything that the checks want to know of it.

    Attributes
    ----------
    opened : Opened
        With the data of training.
    validation : Opened or None
        With a validation set.
    data : Data
        As they arrive at the estimator, to fit copies of it.
    try_remedies : bool
        Whether copies may be fitted.
    """

    opened: Opened
    validation: Opened | None
    data: Data
    try_remedies: bool = True

    @property
    def estimator(self) -> Any:
        """The estimator with weights."""
        return self.opened.estimator

    @property
    def median_length(self) -> float:
        """Time steps of the median sequence."""
        return float(np.median(self.opened.sequences.lengths))

    @cached_property
    def flow(self) -> Bunch:
        """The gradient flow."""
        return flow_of(self.opened.some(MOST_SAMPLES))

    @cached_property
    def judge(self) -> Judge:
        """The judge of the network on the data given."""
        return Judge(self.opened)

    @property
    def raw_prediction(self) -> np.ndarray:
        """Raw prediction of every row."""
        return self.judge.raw_prediction

    @property
    def trained(self) -> Judged:
        """Loss and score on the data given, which are those of training."""
        return self.judge.judged

    @property
    def loss(self) -> float:
        """Mean loss, weighted as in training."""
        return self.trained.loss

    @property
    def skill(self) -> float:
        """The share by which the network's loss is below that of the best constant prediction."""
        return self.trained.skill

    @property
    def name_of_score(self) -> str:
        """What the score of `Judged` is called."""
        if self.opened.classifies:
            weighted = self.opened.parameters["class_weight"] is not None
            return "weighted accuracy" if weighted else "accuracy"
        return "R2" if isinstance(self.opened.loss, SquaredError) else "skill"

    @cached_property
    def held_out(self) -> Judged | None:
        """Loss and score on data that the network was not trained on, None if not known.

        Those of the validation set, or else of the one that the fit kept curves of.
        """
        if self.validation is not None:
            return Judge(self.validation).judged
        return self._held_out_of_the_fit()

    def _held_out_of_the_fit(self) -> Judged | None:
        losses = self.optional_curve("validation_loss_curve_")
        scores = self.optional_curve("validation_scores_")
        if len(losses) == 0 or len(scores) != len(losses):
            return None
        # The weights that are kept are those of the lowest loss, if early stopping chose them.
        callbacks = getattr(self.estimator, "_skl_callbacks", None) or ()
        chosen = self.opened.parameters["early_stopping"] or any(
            getattr(callback, "restore_best", False) for callback in callbacks
        )
        epoch = int(np.argmin(losses)) if chosen else len(losses) - 1
        judged = replace(self.trained, loss=float(losses[epoch]), score=float(scores[epoch]))
        if chosen:
            share = self.opened.parameters["validation_fraction"]
            judged = replace(judged, n_samples=int(np.ceil(share * judged.n_samples)))
        if judged.classifies or isinstance(self.opened.loss, SquaredError):
            return judged
        return replace(judged, score=judged.skill)

    @cached_property
    def trials(self) -> Trials:
        """Fits of copies of the estimator, to try remedies out."""
        return Trials(self.opened, self.data, None if self.validation is None else self.held_out)

    @cached_property
    def channel_rms(self) -> np.ndarray:
        """Root mean square of the values of every channel, of vectors where it has an embedding."""
        values, network = self.opened.sequences.values, self.opened.network
        squares = np.square(values, dtype=np.float64)
        for channel, name, _ in self.tables:
            of_token = np.square(network.parameters[f"embedding.{name}"], dtype=np.float64)
            of_token = of_token.mean(axis=1)
            squares[:, channel] = of_token[values[:, channel].astype(np.intp)]
        missing = np.isnan(squares)
        squares[missing] = 0
        return np.sqrt(squares.sum(axis=0) / (len(squares) - missing.sum(axis=0)).clip(min=1))

    @property
    def static_rms(self) -> np.ndarray:
        """Root mean square of every static feature at the read-out."""
        static = self.opened.sequences.static
        if static is None:
            return np.empty(0)
        return np.sqrt(np.square(static, dtype=np.float64).mean(axis=0))

    @property
    def tables(self) -> list[tuple[int, str, tuple[int, int]]]:
        """Channel, name and shape of the tables of the network's embedding."""
        embedding = self.opened.network.architecture.embedding
        return [] if embedding is None else list(embedding.tables())

    @cached_property
    def unit_health(self) -> Bunch:
        """How much of every layer is flat or dead.

        With the attributes flat (list of dict of str to float, by layer: share of the values of
        a quantity in the flat region) and dead (list of float: share of units that are zero at
        every step).
        """
        architecture = self.opened.network.architecture
        flat: list[dict[str, list[float]]] = [{} for _ in range(architecture.n_layers)]
        alive: list[dict[str, np.ndarray]] = [{} for _ in range(architecture.n_layers)]
        for batch in self.opened.some(MOST_SAMPLES).batches():
            with np.errstate(over="ignore", invalid="ignore"):
                run = self.opened.network.forward(batch.x, batch.n_active, static=batch.static)
            real = real_steps(run.n_active, batch.x.shape[1])
            for layer, caches in enumerate(run.caches):
                for direction, cache in caches.items():
                    named = quantities(architecture.cell, cache)
                    moved = alive_units(architecture.cell, named, real)
                    alive[layer][direction] = alive[layer].get(direction, False) | moved
                    for name, share in flat_shares(architecture.cell, named, real).items():
                        flat[layer].setdefault(name, []).append(share)
        return Bunch(
            flat=[
                {name: float(np.mean(shares)) for name, shares in layer.items()} for layer in flat
            ],
            dead=[float(1 - np.mean(list(layer.values()))) for layer in alive],
        )

    @cached_property
    def symmetric_layers(self) -> list[int]:
        """Layers whose units all have the same weights, or none but zeros, and always will."""
        network = self.opened.network
        architecture = network.architecture
        return [
            layer
            for layer in range(architecture.n_layers)
            if architecture.hidden_sizes[layer] > 1
            and all(
                are_symmetric(network.weights(layer, direction), architecture.hidden_sizes[layer])
                for direction in architecture.directions
            )
        ]

    @cached_property
    def spectral_radius(self) -> list[float]:
        """Largest modulus of an eigenvalue of every layer's recurrence."""
        network = self.opened.network
        radii = []
        for layer in range(network.architecture.n_layers):
            of_layer = [0.0]
            for direction in network.architecture.directions:
                weights = network.weights(layer, direction)
                if all(np.isfinite(W).all() for W in weights.values()):
                    eigenvalues = network.architecture.cell.eigenvalues(weights)
                    of_layer.append(float(np.abs(eigenvalues).max(initial=0.0)))
            radii.append(max(of_layer))
        return radii

    def optional_curve(self, name: str) -> np.ndarray:
        """Return a curve that not every training records; empty where it has not."""
        curve = getattr(self.estimator, name, None) if self.opened.fitted else None
        return np.asarray([] if curve is None else curve, dtype=float)

    def curve(self, name: str) -> np.ndarray:
        """Return a curve that training recorded; empty for an unfitted estimator."""
        return np.asarray(getattr(self.estimator, name) if self.opened.fitted else [], dtype=float)

    def horizon_with(self, parameters: dict[str, Any]) -> float:
        """Return the shortest horizon of the layers that a fit with `parameters` starts from."""
        trial = self.opened.some(TRIAL_SAMPLES).with_parameters(parameters)
        return float(flow_of(trial).horizon.min())


def are_symmetric(weights: Mapping[str, np.ndarray], hidden_size: int) -> bool:
    """Tell whether all units of a layer hold the same, or nothing, and get the same gradient."""
    if not any(W.any() for W in weights.values() if W.ndim == 2):
        return True
    return all(
        np.ptp(block, axis=-1).max() == 0
        for W in weights.values()
        # A recurrence that has fewer rates than units stands in one block.
        for block in np.split(W, max(1, W.shape[-1] // hidden_size), axis=-1)
    )


def alive_units(cell: Cell, named: dict[str, np.ndarray], real: np.ndarray) -> np.ndarray:
    """Tell which units are other than zero at some step, before and after the recurrence.

    Parameters
    ----------
    cell, named, real
        As in `flat_shares`, ``h`` among the quantities.

    Returns
    -------
    ndarray of shape (hidden_size,), dtype bool
    """
    checked = [named[name] for name in ("h", *cell.activated) if name in named]
    return np.all([(values[real] != 0).any(axis=0) for values in checked], axis=0)


def flat_shares(cell: Cell, named: dict[str, np.ndarray], real: np.ndarray) -> dict[str, float]:
    """Return the share of flat values of every quantity that a cell sends through a non-linearity.

    Parameters
    ----------
    cell : Cell
        Says which of its gates, and which other quantities, go through its activation.
    named : dict of str to ndarray of shape (n_timesteps, n_samples, hidden_size)
        Quantities by name.
    real : ndarray of shape (n_timesteps, n_samples), dtype bool
        False at padding.

    Returns
    -------
    dict of str to float
        Without the quantities whose non-linearity does not go flat on both sides.
    """
    shares = {}
    for name in dict.fromkeys((*cell.gates, *cell.activated)):
        activation = cell.activation if name in cell.activated else LOGISTIC
        if name in named and activation.steepest is not None:
            slope = activation.derivative(named[name][real])
            shares[name] = float(np.mean(slope < FLAT * activation.steepest))
    return shares
