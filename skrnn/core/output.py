"""From the states of the top layer to the raw prediction: features, and one affine map."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from skrnn.core.affine import affine, affine_gradients
from skrnn.core.initializers import Initializer
from skrnn.core.layer import blocks_of_directions, join, split
from skrnn.core.parameters import Shapes, part_of, with_prefix
from skrnn.core.ragged import real_steps
from skrnn.core.readouts import Readout

__all__ = ["Output", "SequenceFeatures", "StepFeatures", "Weights"]

Weights = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class SequenceFeatures:
    """A row of features for every sequence: the read-outs of all directions side by side.

    Parameters
    ----------
    readout : Readout
        Of every direction, with weights of its own.
    n_units : int
        Units of the top layer in each direction, >= 1.
    directions : tuple of str
        Names of the directions.
    """

    readout: Readout
    n_units: int
    directions: tuple[str, ...]

    @property
    def width(self) -> int:
        """Number of features."""
        return self.readout.width(self.n_units) * len(self.directions)

    def shapes(self) -> Shapes:
        """Return name and shape of every weight array, one direction after the other."""
        return {
            name: shape
            for direction in self.directions
            for name, shape in with_prefix(
                f"{direction}.", self.readout.shapes(self.n_units)
            ).items()
        }

    def initialize(self, weights: Weights, rng: np.random.RandomState, init: Initializer) -> None:
        """Fill `weights` in place, one direction after the other."""
        for direction in self.directions:
            self.readout.initialize(part_of(weights, f"{direction}."), rng, init)

    def forward(
        self, states: dict[str, np.ndarray], n_active: np.ndarray, weights: Weights
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Return the features and the caches of the read-outs.

        Parameters
        ----------
        states : dict of str to ndarray of shape (n_timesteps + 1, n_samples, n_units)
            States of every direction, in its own time.
        n_active : ndarray of shape (n_timesteps,)
            Rows that run at each step.
        weights : mapping of str to ndarray
            As `shapes` says.

        Returns
        -------
        features : ndarray of shape (n_samples, width)
        caches : dict of str to object
        """
        parts, caches = [], {}
        for direction, h in states.items():
            own = part_of(weights, f"{direction}.")
            features, caches[direction] = self.readout.forward(h, n_active, own)
            parts.append(features)
        return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1), caches

    def backward(
        self, d_features: np.ndarray, caches: dict[str, Any], weights: Weights
    ) -> tuple[dict[str, np.ndarray], Weights]:
        """Return the gradients of the states of every direction, and of the weights."""
        dh: dict[str, np.ndarray] = {}
        dweights: dict[str, np.ndarray] = {}
        for direction, block in blocks_of_directions(d_features, self.directions).items():
            own = part_of(weights, f"{direction}.")
            dh[direction], d_own = self.readout.backward(block, caches[direction], own)
            dweights |= with_prefix(f"{direction}.", d_own)
        return dh, dweights

    def of_rows(self, of_samples: np.ndarray, n_active: np.ndarray) -> np.ndarray:
        """Return what holds for every sample for every row of features."""
        return of_samples


@dataclass(frozen=True)
class StepFeatures:
    """A row of features for every real time step: the states of all directions at that step.

    The rows are in time-major order. There are no weights. Parameters are those of
    `SequenceFeatures`, without a read-out.
    """

    n_units: int
    directions: tuple[str, ...]

    @property
    def width(self) -> int:
        """Number of features."""
        return self.n_units * len(self.directions)

    def shapes(self) -> Shapes:
        """Return an empty dict: there are no weights."""
        return {}

    def initialize(self, weights: Weights, rng: np.random.RandomState, init: Initializer) -> None:
        """Draw nothing."""

    def forward(
        self, states: dict[str, np.ndarray], n_active: np.ndarray, weights: Weights
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the features, (n_steps, width), and the mask of the real steps."""
        outputs = join(states, n_active)
        real = real_steps(n_active, outputs.shape[1])
        return outputs[real], real

    def backward(
        self, d_features: np.ndarray, real: np.ndarray, weights: Weights
    ) -> tuple[dict[str, np.ndarray], Weights]:
        """Return the gradients of the states of every direction."""
        d_outputs = np.zeros((*real.shape, self.width), dtype=d_features.dtype)
        d_outputs[real] = d_features
        return split(d_outputs, real.sum(axis=1), self.directions), {}

    def of_rows(self, of_samples: np.ndarray, n_active: np.ndarray) -> np.ndarray:
        """Return what holds for every sample for every row of features."""
        return of_samples[np.nonzero(real_steps(n_active, len(of_samples)))[1]]


@dataclass(frozen=True)
class Output:
    """The output layer, ``raw = features W + b``.

    Parameters
    ----------
    n_features, n_outputs : int
        Widths, each >= 1.
    """

    n_features: int
    n_outputs: int

    def shapes(self) -> Shapes:
        """Return name and shape of ``W`` and ``b``."""
        return {"W": (self.n_features, self.n_outputs), "b": (self.n_outputs,)}

    def initialize(self, weights: Weights, rng: np.random.RandomState, init: Initializer) -> None:
        """Draw ``W`` by `init`; ``b`` stays zero."""
        weights["W"][:] = init(rng, *weights["W"].shape)

    def forward(
        self, features: np.ndarray, n_active: np.ndarray, weights: Weights
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the raw prediction, (n_rows, n_outputs), and the features."""
        return affine(features, weights["W"], weights["b"]), features

    def backward(
        self, d_raw: np.ndarray, features: np.ndarray, weights: Weights
    ) -> tuple[np.ndarray, Weights]:
        """Return the gradients of the features and of the weights."""
        dW, db = affine_gradients(features, d_raw)
        return affine(d_raw, weights["W"].T), {"W": dW, "b": db}
