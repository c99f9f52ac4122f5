"""One recurrent layer: a cell in every direction, and what lies between two layers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from skrnn.core import kernels
from skrnn.core.cells import Cell
from skrnn.core.initializers import Initializer
from skrnn.core.parameters import Shapes, part_of, with_prefix
from skrnn.core.ragged import lengths_of, reverse_in_time

__all__ = [
    "Layer",
    "LayerPass",
    "OfDirections",
    "Weights",
    "blocks_of_directions",
    "dropout_mask",
    "in_time_of",
    "join",
    "split",
    "sum_of_inputs",
]

Weights = Mapping[str, np.ndarray]
# What there is for every direction, in its own time: a reversed one runs backwards.
OfDirections = dict[str, np.ndarray]


def in_time_of(direction: str, x: np.ndarray, n_active: np.ndarray) -> np.ndarray:
    """Turn `x` from the data's time into that of a direction, or back."""
    return reverse_in_time(x, n_active) if direction == "reverse" else x


def blocks_of_directions(joined: np.ndarray, directions: tuple[str, ...]) -> OfDirections:
    """Return views of each direction's part of what stands side by side along the last axis."""
    width = joined.shape[-1] // len(directions)
    return {
        direction: joined[..., i * width : (i + 1) * width]
        for i, direction in enumerate(directions)
    }


def join(states: OfDirections, n_active: np.ndarray) -> np.ndarray:
    """Return the outputs of a layer's directions side by side, in the data's time.

    Parameters
    ----------
    states : dict of str to ndarray of shape (n_timesteps + 1, n_samples, hidden_size)
        States of every direction, the initial one first.
    n_active : ndarray of shape (n_timesteps,)
        Rows that run at each step.
    """
    aligned = [in_time_of(direction, h[1:], n_active) for direction, h in states.items()]
    return aligned[0] if len(aligned) == 1 else np.concatenate(aligned, axis=2)


def split(dx: np.ndarray, n_active: np.ndarray, directions: tuple[str, ...]) -> OfDirections:
    """Undo `join` for gradients, with the zero gradient of the initial state in front."""
    dh = {}
    for direction, block in blocks_of_directions(dx, directions).items():
        n_timesteps, n_samples, width = block.shape
        dh[direction] = kernels.empty((n_timesteps + 1, n_samples, width), dx.dtype)
        dh[direction][0] = 0
        dh[direction][1:] = in_time_of(direction, block, n_active)
    return dh


def sum_of_inputs(dx: OfDirections, n_active: np.ndarray) -> np.ndarray:
    """Return the gradient of a layer's inputs from those by its directions, in the data's time."""
    aligned = [in_time_of(direction, part, n_active) for direction, part in dx.items()]
    return aligned[0] if len(aligned) == 1 else aligned[0] + aligned[1]


def dropout_mask(
    rng: np.random.RandomState | None, dropout: float, shape: tuple[int, int], dtype: np.dtype
) -> np.ndarray | None:
    """Draw a mask for every sequence: the same units are silent at all of its steps [1]_.

    Parameters
    ----------
    rng : RandomState or None
        Source of the mask. None drops nothing.
    dropout : float
        Share of the units that are silent, in [0, 1).
    shape : tuple of int
        ``(n_samples, width)``.
    dtype : dtype
        Of the mask.

    Returns
    -------
    ndarray or None
        Zero for a silent unit, ``1 / (1 - dropout)`` for another; None if nothing is dropped.

    References
    ----------
    .. [1] Gal & Ghahramani (2016). A theoretically grounded application of dropout in recurrent
           neural networks. NeurIPS.
    """
    keep = 1.0 - dropout
    if rng is None or keep == 1.0:
        return None
    return ((rng.uniform(size=shape) < keep) / keep).astype(dtype)


class LayerPass(NamedTuple):
    """What a forward pass leaves of a layer for the backward pass and for inspection.

    Attributes
    ----------
    n_active : ndarray of shape (n_timesteps,)
        Rows that run at each step.
    states : dict of str to ndarray of shape (n_timesteps + 1, n_samples, hidden_size)
        ``h`` of every direction, in its own time.
    caches : dict of str to NamedTuple
        The cell's cache of every direction.
    """

    n_active: np.ndarray
    states: OfDirections
    caches: dict[str, Any]


@dataclass(frozen=True)
class Layer:
    """A recurrent layer.

    Parameters
    ----------
    cell : Cell
        The recurrence.
    n_inputs, hidden_size : int
        Widths of the inputs and of the state of each direction, each >= 1.
    directions : tuple of str, default=("forward",)
        ``"forward"`` and perhaps ``"reverse"``, each with weights of its own.
    bptt_steps : int or None, default=None
        Truncated BPTT: a gradient crosses at most so many steps, counted in blocks from a
        sequence's end. None sends it back to the first step.
    """

    cell: Cell
    n_inputs: int
    hidden_size: int
    directions: tuple[str, ...] = ("forward",)
    bptt_steps: int | None = None

    @property
    def width(self) -> int:
        """Units of all directions."""
        return self.hidden_size * len(self.directions)

    def shapes(self) -> Shapes:
        """Return name and shape of every weight array, one direction after the other."""
        return {
            name: shape
            for direction in self.directions
            for name, shape in with_prefix(
                f"{direction}.", self.cell.shapes(self.n_inputs, self.hidden_size)
            ).items()
        }

    def initialize(
        self,
        weights: Weights,
        rng: np.random.RandomState,
        init: Initializer,
        recurrent_init: Initializer,
    ) -> None:
        """Fill `weights` in place, one direction after the other."""
        for direction in self.directions:
            own = part_of(weights, f"{direction}.")
            self.cell.initialize(own, rng, init, recurrent_init)

    def forward(
        self, x: np.ndarray, n_active: np.ndarray, weights: Weights
    ) -> tuple[OfDirections, LayerPass]:
        """Return the states of every direction, and what the backward pass needs.

        Parameters
        ----------
        x : ndarray of shape (n_timesteps, n_samples, n_inputs)
            Inputs in the data's time, zero at padding.
        n_active : ndarray of shape (n_timesteps,)
            Rows that run at each step.
        weights : mapping of str to ndarray
            As `shapes` says.
        """
        states, caches = {}, {}
        for direction in self.directions:
            inputs, own = in_time_of(direction, x, n_active), part_of(weights, f"{direction}.")
            states[direction], caches[direction] = self.cell.forward(inputs, n_active, own)
        return states, LayerPass(n_active, states, caches)

    def predict(self, x: np.ndarray, n_active: np.ndarray, weights: Weights) -> OfDirections:
        """Return the states of `forward` alone."""
        return {
            direction: self.cell.predict(
                in_time_of(direction, x, n_active), n_active, part_of(weights, f"{direction}.")
            )
            for direction in self.directions
        }

    def backward(
        self, dh: OfDirections, run: LayerPass, weights: Weights, *, need_dx: bool = True
    ) -> tuple[np.ndarray | None, Weights]:
        """Return the gradients of the inputs and of the weights.

        Parameters
        ----------
        dh : dict of str to ndarray of shape (n_timesteps + 1, n_samples, hidden_size)
            What arrives at the states of every direction from above.
        run, weights
            Of the forward pass.
        need_dx : bool, default=True
            Whether the gradient of the inputs is wanted; if not, None stands for it.
        """
        parts: OfDirections = {}
        dweights: dict[str, np.ndarray] = {}
        for direction, cache in run.caches.items():
            dx, d_own, _ = self.cell.backward(
                dh[direction],
                cache,
                part_of(weights, f"{direction}."),
                cut=self.cut(run.n_active, dh[direction].shape[1]),
                need_dx=need_dx,
            )
            dweights |= with_prefix(f"{direction}.", d_own)
            if dx is not None:
                parts[direction] = dx
        if not need_dx:
            return None, dweights
        total_dx = sum_of_inputs(parts, run.n_active)
        if len(parts) > 1:  # or the sum is the one part itself
            kernels.give_back(*parts.values())
        return total_dx, dweights

    def state_gradients(
        self, dh: OfDirections, run: LayerPass, weights: Weights
    ) -> tuple[OfDirections, OfDirections]:
        """Return by direction, in its own time, the gradients of the inputs and of all states."""
        dx, dh_total = {}, {}
        for direction, cache in run.caches.items():
            dx[direction], dh_total[direction] = self.cell.state_gradients(
                dh[direction],
                cache,
                part_of(weights, f"{direction}."),
                cut=self.cut(run.n_active, dh[direction].shape[1]),
            )
        return dx, dh_total

    def cut(self, n_active: np.ndarray, n_samples: int) -> np.ndarray | None:
        """Return where truncated BPTT lets no gradient pass, as `Cell.backward` takes it."""
        if self.bptt_steps is None:
            return None
        steps_to_end = lengths_of(n_active, n_samples) - np.arange(len(n_active))[:, None]
        # A block longer than all sequences cuts nothing, however long it is.
        block = min(self.bptt_steps, len(n_active) + 1)
        return (steps_to_end > 0) & (steps_to_end % block == 0)
