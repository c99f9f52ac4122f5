"""What is known of a sequence as a whole, beside what the recurrence has read of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt
from typing import Any, NamedTuple

import numpy as np

from skrnn.core.affine import affine, affine_gradients
from skrnn.core.initializers import Initializer
from skrnn.core.parameters import Shapes

__all__ = [
    "STATIC_SCALE",
    "StaticCache",
    "StaticFeatures",
    "Weights",
    "join_static",
    "sum_over_samples",
]

Weights = Mapping[str, np.ndarray]

# So many times the static features count as much at the start as all features of the sequence
# together, which are many and, as states, small. With less the network learns its sequences by
# heart before it has found out which static features they go with.
STATIC_SCALE = 4.0


class StaticCache(NamedTuple):
    """What a forward pass leaves for the backward pass.

    Attributes
    ----------
    joined : ndarray of shape (n_rows, n_features + n_static)
        Features and static features side by side.
    u : ndarray of shape (n_rows, units)
        What the learnt layer makes of them.
    """

    joined: np.ndarray
    u: np.ndarray


@dataclass(frozen=True)
class StaticFeatures:
    r"""Static features beside those of the sequence, in front of the output layer.

    .. math::
        joined &= [features, \; static] \\
        u &= \max(0, \; joined \, W + b) \\
        outputs &= [joined, \; u]

    The output layer alone would add up what it makes of the sequence and of the static features.
    The learnt layer ``u`` of `units` lets what the one means depend on the other.

    Parameters
    ----------
    n_features : int
        Features that the read-out makes, >= 1.
    n_static : int
        Static features of a sequence, >= 1.
    units : int
        Width of the learnt layer, >= 0.

    Examples
    --------
    >>> import numpy as np
    >>> from skrnn.core.static import StaticFeatures
    >>> part, weights = StaticFeatures(2, 1, 1), {"W": np.ones((3, 1)), "b": np.ones(1)}
    >>> part.forward(np.zeros((1, 2)), np.ones((1, 1)), weights)[0]
    array([[0., 0., 1., 2.]])
    """

    n_features: int
    n_static: int
    units: int

    @property
    def n_inputs(self) -> int:
        """Features and static features together."""
        return self.n_features + self.n_static

    @property
    def width(self) -> int:
        """Columns of what the output layer sees."""
        return self.n_inputs + self.units

    def shapes(self) -> Shapes:
        """Return name and shape of ``W`` and ``b``; there are none without `units`."""
        if self.units == 0:
            return {}
        return {"W": (self.n_inputs, self.units), "b": (self.units,)}

    def initialize(self, weights: Weights, rng: np.random.RandomState, init: Initializer) -> None:
        """Draw ``W`` by `init`; ``b`` stays zero.

        Rows of static features are scaled by ``STATIC_SCALE * sqrt(n_features / n_static)``.
        """
        if self.units:
            weights["W"][:] = init(rng, *weights["W"].shape)
            share = sqrt(self.n_features / self.n_static)
            weights["W"][self.n_features :] *= STATIC_SCALE * share

    def forward(
        self, features: np.ndarray, static: np.ndarray, weights: Weights
    ) -> tuple[np.ndarray, StaticCache]:
        """Return what the output layer sees, and what the backward pass needs.

        Parameters
        ----------
        features : ndarray of shape (n_rows, n_features)
            Of the sequences or of their time steps.
        static : ndarray of shape (n_rows, n_static)
            Static features of the sequence that every row belongs to.
        weights : mapping of str to ndarray
            As `shapes` says.

        Returns
        -------
        outputs : ndarray of shape (n_rows, width)
        cache : StaticCache
        """
        joined = np.concatenate([features, static], axis=1)
        if self.units == 0:
            return joined, StaticCache(joined, joined[:, :0])
        u = affine(joined, weights["W"], weights["b"])
        np.maximum(u, 0, out=u)
        return np.concatenate([joined, u], axis=1), StaticCache(joined, u)

    def backward(
        self, d_outputs: np.ndarray, cache: StaticCache, weights: Weights
    ) -> tuple[np.ndarray, np.ndarray, Weights]:
        """Return the gradients of the features, of the static features and of the weights."""
        d_joined, dweights = d_outputs[:, : self.n_inputs].copy(), {}
        if self.units:
            joined, u = cache
            dz = d_outputs[:, self.n_inputs :] * (u > 0)
            dW, db = affine_gradients(joined, dz)
            dweights = {"W": dW, "b": db}
            d_joined += affine(dz, weights["W"].T)
        d_features = np.ascontiguousarray(d_joined[:, : self.n_features])
        return d_features, d_joined[:, self.n_features :], dweights


def join_static(
    architecture: Any,
    features: np.ndarray,
    static: np.ndarray | None,
    n_active: np.ndarray,
    weights: Weights,
) -> tuple[np.ndarray, StaticCache | None]:
    """Return what the output layer of a network sees, and the cache of its static features.

    Parameters
    ----------
    architecture : Architecture
        Of the network.
    features : ndarray of shape (n_rows, n_features)
        Of the sequences or of their time steps.
    static : ndarray of shape (n_samples, n_static) or None
        Static features of every sequence.
    n_active : ndarray of shape (n_timesteps,)
        Rows that run at each step of the layers.
    weights : mapping of str to ndarray
        Those of the part that joins both.

    Raises
    ------
    ValueError
        If there are not as many static features as the network has been made for.
    """
    n_given = 0 if static is None else static.shape[1]
    if n_given != architecture.n_static:
        raise ValueError(
            f"The network takes {architecture.n_static} static features, but got {n_given}."
        )
    if static is None or architecture.static is None:
        return features, None
    rows = architecture.features.of_rows(static, n_active)
    return architecture.static.forward(features, rows, weights)


def sum_over_samples(architecture: Any, of_rows: np.ndarray, n_active: np.ndarray) -> np.ndarray:
    """Return for every sample the sum over its rows of features, (n_samples, n)."""
    n_samples = int(n_active[0])
    samples = architecture.features.of_rows(np.arange(n_samples), n_active)
    total = np.zeros((n_samples, of_rows.shape[1]), of_rows.dtype)
    np.add.at(total, samples, of_rows)
    return total
