"""What a diagnosis looks at, measured once."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from scipy.optimize import minimize
from sklearn.utils import Bunch, check_random_state

from skrnn.core.activations import LOGISTIC
from skrnn.inspection._gradient_flow import flow_of
from skrnn.inspection._model import Model, quantities

# Sequences that are looked at, evenly spaced: more do not change a verdict.
MOST_SAMPLES = 400
# Sequences on which a remedy is tried out before it is proposed.
TRIAL_SAMPLES = 32
# A non-linearity is flat where its slope is below this share of its steepest.
FLAT = 0.05
# The steepest slopes of the non-linearities that go flat on both sides.
STEEPEST = {"tanh": 1.0, "logistic": 0.25, "softsign": 1.0}
# What each kind of cell sends through its activation, rather than through the logistic function.
ACTIVATED = ("h", "g", "c_out", "n")


@dataclass(frozen=True)
class Measurements:
    """An open model and everything that the checks want to know of it."""

    model: Model

    @property
    def estimator(self) -> Any:
        """The estimator with weights."""
        return self.model.estimator

    @property
    def median_length(self) -> float:
        """Time steps of the median sequence."""
        return float(np.median(self.model.sequences.lengths))

    @cached_property
    def flow(self) -> Bunch:
        """The gradient flow."""
        return flow_of(self.model.some(MOST_SAMPLES))

    @cached_property
    def raw_prediction(self) -> np.ndarray:
        """Raw prediction of every row."""
        with np.errstate(over="ignore", invalid="ignore"):
            return self.estimator._raw_prediction(self.model.sequences)

    @cached_property
    def loss(self) -> float:
        """Mean loss, weighted as in training."""
        with np.errstate(over="ignore", invalid="ignore"):
            return self._mean_loss(self.raw_prediction)[0]

    @cached_property
    def constant_loss(self) -> float:
        """Mean loss of the best prediction that does not look at the sequences."""
        shape = self.raw_prediction.shape

        def of_constant(constant: np.ndarray) -> tuple[float, np.ndarray]:
            raw = np.broadcast_to(constant, shape).astype(self.raw_prediction.dtype)
            value, d_raw = self._mean_loss(raw)
            return value, d_raw.sum(axis=0).astype(np.float64)

        return float(minimize(of_constant, np.zeros(shape[1]), jac=True, method="L-BFGS-B").fun)

    @cached_property
    def skill(self) -> float:
        """Share of the constant prediction's loss that the network has learnt away."""
        if not np.isfinite(self.loss):
            return -np.inf
        return 1 - self.loss / self.constant_loss if self.constant_loss > 0 else 1.0

    def _mean_loss(self, raw: np.ndarray) -> tuple[float, np.ndarray]:
        assert self.model.y is not None
        assert self.model.row_weight is not None
        value, d_raw = self.model.loss(raw, self.model.y, self.model.row_weight)
        total = float(self.model.row_weight.sum())
        return value / total, d_raw / total

    @cached_property
    def channel_rms(self) -> np.ndarray:
        """Root mean square of every channel, of its vectors where it has an embedding."""
        values, network = self.model.sequences.values, self.model.network
        squares = np.square(values, dtype=np.float64)
        for channel, name, _ in self.tables:
            of_token = np.square(network.parameters[f"embedding.{name}"], dtype=np.float64)
            of_token = of_token.mean(axis=1)
            squares[:, channel] = of_token[values[:, channel].astype(np.intp)]
        return np.sqrt(squares.mean(axis=0))

    @property
    def tables(self) -> list[tuple[int, str, tuple[int, int]]]:
        """Channel, name and shape of the tables of the network's embedding."""
        embedding = self.model.network.architecture.embedding
        return [] if embedding is None else list(embedding.tables())

    @cached_property
    def units(self) -> Bunch:
        """Shares of what is flat and what is dead among the units of every layer.

        With the attributes flat (list of dict of str to float, by layer: share of the values of
        a quantity in the flat region) and dead (list of float: share of units that are zero at
        every step).
        """
        network = self.model.network
        architecture = network.architecture
        n_layers = architecture.n_layers
        flat: list[dict[str, list[float]]] = [{} for _ in range(n_layers)]
        alive: list[dict[str, np.ndarray]] = [{} for _ in range(n_layers)]
        for batch in self.model.some(MOST_SAMPLES).batches():
            with np.errstate(over="ignore", invalid="ignore"):
                run = network.forward(batch.x, batch.n_active)
            real = np.arange(batch.x.shape[1]) < batch.n_active[:, None]
            for layer, caches in enumerate(run.caches):
                for direction, cache in caches.items():
                    named = quantities(architecture.cell, cache)
                    h = named["h"][real]
                    alive[layer][direction] = alive[layer].get(direction, False) | (h != 0).any(
                        axis=0
                    )
                    for name, share in self._flat(named, real).items():
                        flat[layer].setdefault(name, []).append(share)
        return Bunch(
            flat=[
                {name: float(np.mean(shares)) for name, shares in layer.items()} for layer in flat
            ],
            dead=[float(1 - np.mean(list(layer.values()))) for layer in alive],
        )

    @cached_property
    def symmetric_layers(self) -> list[int]:
        """Layers whose units all have the same weights, and so will have for ever."""
        architecture, network = self.model.network.architecture, self.model.network
        return [
            layer
            for layer in range(architecture.n_layers)
            if architecture.hidden_sizes[layer] > 1
            and all(
                np.ptp(block, axis=-1).max() == 0
                for direction in architecture.directions
                for W in network.weights(layer, direction).values()
                for block in np.split(W, W.shape[-1] // architecture.hidden_sizes[layer], axis=-1)
            )
        ]

    def _flat(self, named: dict[str, np.ndarray], real: np.ndarray) -> dict[str, float]:
        cell = self.model.network.architecture.cell
        gated = len(cell.gates) > 1
        shares = {}
        for name in [*cell.gates, "c_out"]:
            if name not in named:
                continue
            activation = cell.activation if name in ACTIVATED or not gated else LOGISTIC
            if activation.name in STEEPEST:
                slope = activation.derivative(named[name][real])
                shares[name] = float(np.mean(slope < FLAT * STEEPEST[activation.name]))
        return shares

    @cached_property
    def spectral_radius(self) -> list[float]:
        """Largest modulus of an eigenvalue of W_h, for every layer the largest of its gates."""
        network = self.model.network
        radii = []
        for layer in range(network.architecture.n_layers):
            of_layer = [0.0]
            for direction in network.architecture.directions:
                W_h = network.weights(layer, direction).get("W_h")
                if W_h is None or not np.isfinite(W_h).all():
                    continue
                for block in np.split(W_h, len(network.architecture.cell.gates), axis=1):
                    of_layer.append(float(np.abs(np.linalg.eigvals(block)).max()))
            radii.append(max(of_layer))
        return radii

    def curve(self, name: str) -> np.ndarray:
        """Return a curve that training recorded; empty for an unfitted estimator."""
        return np.asarray(getattr(self.estimator, name) if self.model.fitted else [], dtype=float)

    def horizon_with(self, parameters: dict[str, Any]) -> float:
        """Return the shortest horizon of the layers that a fit with `parameters` starts from."""
        trial = self.model.some(TRIAL_SAMPLES)
        est = copy(self.estimator).set_params(**parameters)
        shape = est.network_.architecture
        architecture = est._make_architecture(shape.n_inputs, shape.n_outputs, shape.embedding)
        rng = check_random_state(0)
        est.network_ = est._new_network(architecture, trial.sequences.dtype, rng)
        return float(flow_of(replace(trial, estimator=est, fitted=False)).horizon.min())
