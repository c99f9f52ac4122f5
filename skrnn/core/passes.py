"""What a pass over a batch takes, and what it leaves."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from skrnn.core.decay import DecayCache
from skrnn.core.frames import FramesCache
from skrnn.core.layer import LayerPass
from skrnn.core.static import StaticCache

__all__ = ["ForwardPass", "Part"]


class Part(NamedTuple):
    """Some samples of a batch.

    Attributes
    ----------
    x : ndarray of shape (n_timesteps, n_samples, n_inputs)
        Zero at padding.
    n_active : ndarray of shape (n_timesteps,)
        Rows that run at each step.
    y : ndarray of shape (n_rows, ...)
        Targets in the order of the raw prediction's rows.
    sample_weight : ndarray of shape (n_rows,) or (n_rows, n_outputs)
        Weights; of every output where single targets are missing.
    static : ndarray of shape (n_samples, n_static) or None
        Static features of the rows of `x`, if the network takes any.
    """

    x: np.ndarray
    n_active: np.ndarray
    y: np.ndarray
    sample_weight: np.ndarray
    static: np.ndarray | None = None


class ForwardPass(NamedTuple):
    """What a forward pass in training leaves for the backward pass and for inspection.

    Attributes
    ----------
    raw_prediction : ndarray of shape (n_rows, n_outputs)
        Before the output activation. Rows are samples, or, with a prediction at every step,
        the real steps in time-major order.
    features : ndarray of shape (n_rows, n_features)
        What the output layer saw (after dropout), static features and what is made of them
        behind those of the states; with frames and a prediction at every step, a row for every
        real frame.
    n_active : ndarray of shape (n_timesteps,)
        Rows that run at each step of the layers; with frames, (n_frames,).
    layers : list of LayerPass
        States and caches of every layer.
    readout : object
        The cache of the part that made the features: with a read-out a dict of its caches, by
        direction.
    masks : list of (ndarray or None)
        Dropout mask on the outputs of every layer, (n_samples, width), already scaled; the last
        one on the features.
    x : ndarray of shape (n_timesteps, n_samples, n_inputs)
        The inputs of the network, NaN where missing.
    frames : FramesCache or None
        The cache of the frames, if there are any.
    static : StaticCache or None
        The cache of the static features, if there are any.
    decay : DecayCache or None
        That of the estimates of missing values, if there may be any.
    """

    raw_prediction: np.ndarray
    features: np.ndarray
    n_active: np.ndarray
    layers: list[LayerPass]
    readout: Any
    masks: list[np.ndarray | None]
    x: np.ndarray
    frames: FramesCache | None = None
    static: StaticCache | None = None
    decay: DecayCache | None = None

    @property
    def caches(self) -> list[dict[str, Any]]:
        """For every layer and direction the cell's cache; a reversed one's in its own time."""
        return [layer.caches for layer in self.layers]

    @property
    def states(self) -> list[dict[str, np.ndarray]]:
        """For every layer and direction ``h``; a reversed one's in its own time."""
        return [layer.states for layer in self.layers]
