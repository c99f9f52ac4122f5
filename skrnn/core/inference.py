"""Predictions piece by piece: what a network keeps of a sequence is its state.

Where states can be carried from one time step to the next, and the read-out needs no more than a
running value, the layers run over a few time steps of all sequences at a time. A sequence that has
ended takes no part any more, so neither memory nor time goes into padding, and memory does not grow
with the length.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple, Protocol

import numpy as np

from skrnn.core import kernels
from skrnn.core.architecture import Architecture
from skrnn.core.decay import Decay, DecayCache, DecayState
from skrnn.core.frames import FramesCache
from skrnn.core.layer import Layer
from skrnn.core.output import SequenceFeatures, StepFeatures
from skrnn.core.parameters import Parameters, part_of
from skrnn.core.ragged import reverse_in_time
from skrnn.core.readouts import running_of
from skrnn.core.static import join_static

__all__ = [
    "PADDING",
    "PIECE",
    "ArraySource",
    "Piece",
    "Pieces",
    "Source",
    "Stack",
    "fits_in_piece",
    "runs_at_once",
    "runs_in_pieces",
]

# Numbers in the largest array of a piece: a megabyte or two, which a processor's caches hold, at
# a cost of calls that does not count.
PIECE = 1 << 18
# Padded numbers in the array of a piece that are worth a piece of their own.
PADDING = 1 << 14


class Source(Protocol):
    """Sequences, longest first, whose time steps are read when they are needed."""

    @property
    def n_active(self) -> np.ndarray:
        """Rows that run at each step, ndarray of shape (n_timesteps,)."""
        ...

    @property
    def dtype(self) -> np.dtype:
        """Type of the values."""
        ...

    @property
    def static(self) -> np.ndarray | None:
        """Static features of every row, ndarray of shape (n_samples, n_static), or None."""
        ...

    def steps(self, start: int, stop: int, *, reverse: bool = False) -> np.ndarray:
        """Return time steps of the rows that run at `start`.

        Parameters
        ----------
        start, stop : int
            The first step, and the one after the last.
        reverse : bool, default=False
            Whether steps are counted from every sequence's end.

        Returns
        -------
        ndarray of shape (stop - start, n_active[start], n_inputs)
            Not to be written to; what stands at padding is finite.
        """
        ...


@dataclass(frozen=True)
class ArraySource:
    """A batch that is in memory.

    Parameters
    ----------
    x : ndarray of shape (n_timesteps, n_samples, n_inputs)
        The inputs.
    n_active : ndarray of shape (n_timesteps,)
        Rows that run at each step.
    static : ndarray of shape (n_samples, n_static), default=None
        Static features.
    """

    x: np.ndarray
    n_active: np.ndarray
    static: np.ndarray | None = None

    @property
    def dtype(self) -> np.dtype:
        """Type of the values."""
        return self.x.dtype

    @cached_property
    def _reversed(self) -> np.ndarray:
        return reverse_in_time(self.x, self.n_active)

    def steps(self, start: int, stop: int, *, reverse: bool = False) -> np.ndarray:
        """Return views, as `Source.steps` says."""
        x = self._reversed if reverse else self.x
        return x[start:stop, : self.n_active[start]]


def runs_in_pieces(architecture: Architecture, dtype: np.dtype) -> bool:
    """Tell whether a network can predict piece by piece.

    The cell has to be one that the kernels run, since one of the user's own may keep more from
    step to step than it says. Two directions have to meet in nothing but the read-out, and that has
    to be one that needs no more than a running value of the states.
    """
    if not kernels.runs_compiled(architecture.cell, dtype):
        return False
    if isinstance(architecture.features, SequenceFeatures):
        readout = architecture.features.readout
        if running_of(readout, 1, architecture.hidden_sizes[-1], dtype) is None:
            return False
    if not architecture.bidirectional:
        return True
    return (
        architecture.readout is not None
        and architecture.n_layers == 1
        and architecture.frames is None
        and architecture.differences is None
        and (architecture.decay is None or not architecture.decay.columns)
    )


def fits_in_piece(architecture: Architecture, source: Source) -> bool:
    """Tell whether sequences are no more than one piece, padding included."""
    n_active = source.n_active
    numbers = len(n_active) * int(n_active[0]) * _numbers_of_step(architecture)
    return numbers <= PIECE


def runs_at_once(architecture: Architecture, source: Source) -> bool:
    """Tell whether the states of all time steps are few, or all of them are needed."""
    return fits_in_piece(architecture, source) or not runs_in_pieces(architecture, source.dtype)


def _numbers_of_step(architecture: Architecture) -> int:
    """Return how many numbers the largest array of a piece has for a time step."""
    outputs = architecture.output.n_outputs if architecture.readout is None else 0
    return max(architecture.widest, outputs)


class Piece(NamedTuple):
    """Time steps of the layers: frames, if there are any.

    Attributes
    ----------
    h : ndarray of shape (n_timesteps + 1, n_running, n_units)
        States of the top layer.
    n_active : ndarray of shape (n_timesteps,)
        Rows that run at each of them.
    n_going_on : int
        Rows that run beyond them.
    frames : FramesCache or None
        Cache of the frames alone that begin in this piece.
    """

    h: np.ndarray
    n_active: np.ndarray
    n_going_on: int
    frames: FramesCache | None


@dataclass
class Stack:
    """The layers in one direction, with the states in which the pieces so far left them."""

    layers: tuple[Layer, ...]
    weights: list[dict[str, np.ndarray]]
    states: list[tuple[np.ndarray, ...] | None] = field(init=False)

    def __post_init__(self) -> None:
        self.states = [None] * len(self.layers)

    def advance(self, x: np.ndarray, n_active: np.ndarray) -> np.ndarray:
        """Return the states of the top layer over the next time steps."""
        h = None
        for i, (layer, weights) in enumerate(zip(self.layers, self.weights, strict=True)):
            state, below = self.states[i], h
            if state is not None:
                state = tuple(part[: x.shape[1]] for part in state)
            h, self.states[i] = layer.cell.advance(x, n_active, weights, state)
            kernels.give_back(below)
            x = h[1:]
        assert h is not None
        return h


class Pieces:
    """A network that reads sequences from their first step to their last, piece by piece.

    Parameters
    ----------
    architecture : Architecture
        One for which `runs_in_pieces` holds.
    parameters : Parameters
        Of the network.
    source : Source
        The sequences.
    """

    def __init__(self, architecture: Architecture, parameters: Parameters, source: Source):
        self.architecture = architecture
        self.parameters = parameters
        self.source = source
        self.stride: int = 1 if architecture.frames is None else architecture.frames.stride
        self.n_active: np.ndarray = source.n_active[:: self.stride]
        self._decayed: tuple[int, DecayCache] | None = None

    def predict(self) -> Iterator[tuple[slice, np.ndarray]]:
        """Yield rows of the prediction, and their raw prediction; in all, every row once.

        Rows are sequences, or, where the network predicts at every step, the real steps in
        time-major order.
        """
        if isinstance(self.architecture.features, StepFeatures):
            yield from self._predict_steps(self.architecture.features)
        else:
            features = self._features_of_sequences(self.architecture.features)
            yield slice(0, len(features)), self._output(features, self.n_active)

    def _features_of_sequences(self, features: SequenceFeatures) -> np.ndarray:
        n_samples, n_units = int(self.n_active[0]), features.n_units
        dtype, parts = self.parameters.vector.dtype, []
        for direction in self.architecture.directions:
            readout = running_of(features.readout, n_samples, n_units, dtype)
            assert readout is not None
            for piece in self._pieces(direction):
                readout.add(piece.h, piece.n_active, piece.n_going_on)
                kernels.give_back(piece.h)
            parts.append(readout.features())
        return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)

    def _predict_steps(self, features: StepFeatures) -> Iterator[tuple[slice, np.ndarray]]:
        stop = 0
        for piece in self._pieces("forward"):
            rows, _ = features.forward({"forward": piece.h}, piece.n_active, {})
            raw = self._output(rows, piece.n_active)
            if piece.frames is not None and self.architecture.frames is not None:
                raw = self.architecture.frames.rows_of_steps(raw, piece.frames)
            kernels.give_back(piece.h)
            start, stop = stop, stop + len(raw)
            yield slice(start, stop), raw

    def _output(self, features: np.ndarray, n_active: np.ndarray) -> np.ndarray:
        static = self.source.static
        if static is not None:
            static = static[: n_active[0]]
        own = part_of(self.parameters, "static.")
        features, _ = join_static(self.architecture, features, static, n_active, own)
        weights = part_of(self.parameters, "output.")
        return self.architecture.output.forward(features, n_active, weights)[0]

    def _pieces(self, direction: str) -> Iterator[Piece]:
        """Yield the states of the top layer, in the time of a direction."""
        layers = self.architecture.layers
        names = [f"layers.{i}.{direction}." for i in range(len(layers))]
        stack = Stack(layers, [part_of(self.parameters, name) for name in names])
        start, n_steps = 0, len(self.n_active)
        while start < n_steps:
            stop = self._end_of_piece(start)
            n_active = self.n_active[start:stop]
            x, frames = self._inputs(start, stop, reverse=direction == "reverse")
            h = stack.advance(x, n_active)
            n_going_on = 0 if stop == n_steps else int(self.n_active[stop])
            yield Piece(h, n_active, n_going_on, frames)
            start = stop

    def _end_of_piece(self, start: int) -> int:
        """Return where the piece that begins at `start` ends: before half of its rows have."""
        n_running, n_steps = int(self.n_active[start]), len(self.n_active)
        of_step = n_running * _numbers_of_step(self.architecture)
        stop = min(n_steps, start + max(1, PIECE // of_step))
        most_run = start + int(np.searchsorted(-self.n_active[start:stop], -n_running / 2, "right"))
        return most_run if (stop - most_run) * of_step > PADDING else stop

    def _inputs(
        self, start: int, stop: int, *, reverse: bool
    ) -> tuple[np.ndarray, FramesCache | None]:
        """Return what the first layer reads at these steps of its own."""
        frames, n_steps = self.architecture.frames, len(self.source.n_active)
        first, end = start * self.stride, stop * self.stride
        if frames is not None:
            end = min(n_steps, (stop - 1) * self.stride + frames.length)
        x = self._columns(first, end, reverse=reverse)
        if frames is None:
            return x, None
        n_active = self.source.n_active[first:end]
        outputs, cache = frames.forward(x, n_active, part_of(self.parameters, "frames."))
        # Frames that begin in the part that the last one shares with the next piece do not count.
        n_frames, own = stop - start, n_active[: (stop - start) * self.stride]
        cache = FramesCache(cache.frames[:n_frames], outputs[:n_frames], own, 0)
        return outputs[:n_frames], cache

    def _columns(self, first: int, end: int, *, reverse: bool) -> np.ndarray:
        """Return time steps of the sequences, with vectors for categories and differences."""
        embedding, differences = self.architecture.embedding, self.architecture.differences
        # The first difference of a piece is that from the last step of the piece before.
        before = int(differences is not None and first > 0)
        x = self.source.steps(first - before, end, reverse=reverse)
        if embedding is not None:
            n_active = self.source.n_active[first - before : end]
            x = embedding.forward(x, n_active, part_of(self.parameters, "embedding."))[0]
        if self.architecture.decay is not None:
            x = self._estimated(self.architecture.decay, x, first - before)
        if differences is not None:
            x = differences.forward(x)[before:, : self.source.n_active[first]]
        return x

    def _estimated(self, decay: Decay, x: np.ndarray, first: int) -> np.ndarray:
        """Return time steps from `first` on with estimates in place of missing values."""
        state = None
        if self._decayed is not None:
            begun, earlier = self._decayed
            last, elapsed = earlier.after(first - begun)
            state = DecayState(last[: x.shape[1]], elapsed[: x.shape[1]])
        estimated, cache = decay.forward(x, part_of(self.parameters, "decay."), state)
        if cache is not None:
            self._decayed = first, cache
        return estimated
