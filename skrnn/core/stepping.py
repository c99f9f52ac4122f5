"""Predictions step by step: a network that keeps its state between calls, for many streams.

Where `skrnn.core.inference` reads sequences that are there already, this reads them as they come:
after every time step the prediction is that for the sequence so far. The parts are the same, so
the numbers are: to the bit with the kernels, whose sums do not depend on how a sequence is cut.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from skrnn.core import kernels
from skrnn.core.compiled_step import CompiledStep, compiled_step
from skrnn.core.decay import Decay, DecayState
from skrnn.core.inference import Stack
from skrnn.core.network import Architecture, Network
from skrnn.core.output import SequenceFeatures
from skrnn.core.parameters import Parameters, part_of
from skrnn.core.readouts import running_of
from skrnn.core.running import Running, RunningStates

__all__ = ["Group", "Stepping"]


class Group(NamedTuple):
    """Streams that have read equally many steps, where that matters.

    Attributes
    ----------
    at : ndarray of int
        Their places among the rows of a call.
    streams : ndarray of int
        Which streams they are.
    n_before : int
        Steps that they have read so far; of those that have begun, those of the first one where
        it does not matter.
    """

    at: np.ndarray
    streams: np.ndarray
    n_before: int


class Stepping:
    """A network in the middle of several sequences.

    Parameters
    ----------
    network : Network
        One without an `obstacle` (`skrnn.core.steppable`). Its parameters are copied: what is
        learnt later has no effect.
    n_streams : int
        Sequences, >= 1.
    n_constant : int, default=0
        How many of the inputs, the last ones, are static features: channels that are constant
        over time.

    Attributes
    ----------
    arrays : dict of str to ndarray
        The state: arrays with a row for every stream. Those of a read-out that looks back at all
        states grow with the longest stream. ``"static"`` has the static features, if there are
        any, NaN in a stream that has not been given its own.

    Examples
    --------
    >>> import numpy as np
    >>> from skrnn.core.cells import CELLS
    >>> from skrnn.core.initializers import orthogonal, xavier_uniform
    >>> from skrnn.core.network import Architecture, Network
    >>> from skrnn.core.readouts import READOUTS
    >>> from skrnn.core.stepping import Stepping
    >>> architecture = Architecture(CELLS["gru"], 2, (8,), 1, readout=READOUTS["mean"])
    >>> rng = np.random.RandomState(0)
    >>> network = Network.initialize(architecture, rng, xavier_uniform, orthogonal)
    >>> x, stepping = rng.normal(size=(5, 1, 2)), Stepping(network, 1)
    >>> for t in range(5):
    ...     raw = stepping.advance(x[t : t + 1])
    >>> bool(np.allclose(raw[-1], network.predict(x, np.ones(5, int)), rtol=1e-12))
    True
    """

    def __init__(self, network: Network, n_streams: int, n_constant: int = 0):
        self.architecture: Architecture = network.architecture
        self.n_constant = n_constant
        shapes, vector = network.parameters.shapes, network.parameters.vector
        self.parameters: Parameters = Parameters(shapes, vector.copy())
        self.n_streams = n_streams
        self._layers = self.architecture.layers
        n_layers = range(len(self._layers))
        self._weights = [part_of(self.parameters, f"layers.{i}.forward.") for i in n_layers]
        self._all = np.arange(n_streams)
        self.arrays: dict[str, np.ndarray] = self._start()
        self._of_layers = [self._names(f"layers.{i}.") for i in n_layers]
        self._of_readout = self._names("readout.")
        self._keeps_states = self._of_readout == ["readout.states"]
        self._backend: str | None = None
        self._compiled: CompiledStep | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Return all but the packed weights, which are packed again."""
        return {**vars(self), "_backend": None, "_compiled": None}

    @property
    def dtype(self) -> np.dtype:
        """Type of the numbers."""
        return self.parameters.vector.dtype

    @property
    def per_step(self) -> bool:
        """Whether the network predicts at every step."""
        return self.architecture.readout is None

    def _names(self, prefix: str) -> list[str]:
        return [name for name in self.arrays if name.startswith(prefix)]

    def _start(self) -> dict[str, np.ndarray]:
        """Return the state before the first step: zeros, but for the largest states so far."""
        architecture, n, dtype = self.architecture, self.n_streams, self.dtype
        arrays = {"n_steps": np.zeros(n, np.int64)}
        n_static = architecture.n_static + self.n_constant
        if n_static:
            arrays["static"] = np.full((n, n_static), np.nan, dtype)
        if architecture.decay is not None:
            known = architecture.decay.start(n, dtype)
            arrays["decay.last"], arrays["decay.elapsed"] = map(np.array, known)
        if architecture.differences is not None:
            width = architecture.differences.width - len(architecture.differences.scales)
            arrays["differences.before"] = np.zeros((n, width), dtype)
        if architecture.frames is not None:
            shape = n, architecture.frames.length, architecture.frames.n_inputs
            arrays["frames.steps"] = np.zeros(shape, dtype)
        for i, (layer, weights) in enumerate(zip(self._layers, self._weights, strict=True)):
            x = np.zeros((1, 1, layer.n_inputs), dtype)
            _, state = layer.cell.advance(x, np.ones(1, np.intp), weights)
            for j, part in enumerate(state):
                arrays[f"layers.{i}.{j}"] = np.zeros((n, *part.shape[1:]), part.dtype)
        if isinstance(architecture.features, SequenceFeatures):
            kept = self._running(n, np.zeros((n, 0, architecture.hidden_sizes[-1]), dtype)).kept()
            arrays |= {f"readout.{name}": array for name, array in kept.items()}
        return arrays

    def _running(self, n_samples: int, states: np.ndarray) -> Running:
        """Return the read-out of so many streams before their first step, or after `states`."""
        assert isinstance(self.architecture.features, SequenceFeatures)
        readout, n_units = self.architecture.features.readout, self.architecture.hidden_sizes[-1]
        running = running_of(readout, n_samples, n_units, self.dtype)
        if running is None:
            weights = part_of(self.parameters, "readout.forward.")
            return RunningStates(readout, weights, states)
        return running

    def reset(self, streams: Any, static: np.ndarray | None = None) -> None:
        """Let streams begin anew.

        Parameters
        ----------
        streams : ndarray of int
            Which ones.
        static : ndarray of shape (n_rows, n_static), default=None
            Their static features. None leaves them unknown, until the next `reset`.
        """
        for name, first in self._start().items():
            if name != "readout.states":
                self.arrays[name][streams] = first[streams]
        self.arrays["n_steps"][streams] = 0
        if static is not None:
            self.arrays["static"][streams] = static

    def restore(self, arrays: dict[str, np.ndarray]) -> None:
        """Go on from copies of `arrays`, as they once were."""
        for name, array in arrays.items():
            if name == "readout.states":
                self.arrays[name] = array.copy()
            else:
                self.arrays[name][:] = array

    def compiled(self) -> CompiledStep | None:
        """Return what reads one step of all streams, and where the prediction will be.

        It reads, and carries on, the same `arrays`. None where there are no kernels for this
        network, or where something lies below its layers that has a state of its own.
        """
        if self._backend != kernels.backend():
            self._backend = kernels.backend()
            self._compiled = compiled_step(self.architecture, self.parameters, self.arrays)
        return self._compiled

    def with_constant(self, x: np.ndarray, streams: Any = slice(None)) -> np.ndarray:
        """Return time steps with the static features that are channels beside the others.

        Parameters
        ----------
        x : ndarray of shape (n_timesteps, n_rows, n_channels) or (n_rows, n_channels)
            As they come.
        streams : ndarray of int, default=slice(None)
            The stream of every row.
        """
        if self.n_constant == 0:
            return x
        static = self.arrays["static"][streams]
        if x.ndim == 3:
            static = np.broadcast_to(static, (*x.shape[:-1], self.n_constant))
        return np.concatenate([x, static], axis=-1)

    def advance(self, x: np.ndarray, streams: np.ndarray | None = None) -> np.ndarray:
        """Read the next time steps.

        Parameters
        ----------
        x : ndarray of shape (n_timesteps, n_rows, n_inputs - n_constant)
            In the dtype of the network; NaN where a value is missing of a channel that may have
            gaps, else finite. A channel with an embedding holds ids.
        streams : ndarray of int of shape (n_rows,), default=None
            The stream of every row, each at most once. None stands for all of them in order.

        Returns
        -------
        ndarray of shape (n_timesteps or 1, n_rows, n_outputs)
            Raw predictions: after the last of the steps or, where the network predicts at every
            step, at each of them, for the sequence up to there.
        """
        if self.architecture.frames is not None and len(x) > 1:
            answers = [self.advance(x[t : t + 1], streams) for t in range(len(x))]
            return np.concatenate(answers if self.per_step else answers[-1:])
        every = streams is None
        streams = self._all if streams is None else streams
        groups = list(self._groups(streams))
        if len(groups) == 1:
            return self._advance_group(x, groups[0], every=every)
        n_outputs = self.architecture.n_outputs
        raw = np.empty((len(x) if self.per_step else 1, len(streams), n_outputs), self.dtype)
        for group in groups:
            raw[:, group.at] = self._advance_group(x[:, group.at], group)
        return raw

    def _groups(self, streams: np.ndarray) -> Iterator[Group]:
        """Yield the streams that can go on side by side."""
        n_steps = self.arrays["n_steps"][streams]
        by_length = self._keeps_states or self.architecture.frames is not None
        # The initial state of a cell of the user's own is its own business.
        key = n_steps if by_length else np.minimum(n_steps, 1)
        for value in np.unique(key):
            at = np.flatnonzero(key == value)
            yield Group(at, streams[at], int(value))

    def _advance_group(self, x: np.ndarray, group: Group, *, every: bool = False) -> np.ndarray:
        u = self._columns(x, group)
        compiled = self.compiled() if every and len(x) == 1 else None
        if compiled is not None:
            step, raw = compiled
            if step(u[0]) in (kernels.DONE, kernels.NO_PREDICTION):
                return raw[np.newaxis].copy()
        if self.architecture.frames is not None:
            raw = self._advance_frames(u, group)
        else:
            running = self._readout_of(group)
            h = self._run(u, group)
            raw = self._raw(h, running, group)
            self._keep_readout(running, group)
        self.arrays["n_steps"][group.streams] += len(x)
        return raw

    def _columns(self, x: np.ndarray, group: Group) -> np.ndarray:
        """Return the steps with constants, vectors for categories, estimates and differences."""
        x = self.with_constant(x, group.streams)
        embedding, differences = self.architecture.embedding, self.architecture.differences
        if embedding is not None:
            weights = part_of(self.parameters, "embedding.")
            x = embedding.forward(x, _all_active(x), weights)[0]
        decay = self.architecture.decay
        if decay is not None:
            own = part_of(self.parameters, "decay.")
            x = _estimated(decay, x, own, part_of(self.arrays, "decay."), group.streams)
        if differences is None:
            return x
        before = self.arrays["differences.before"]
        if group.n_before == 0:
            columns = differences.forward(x)
        else:
            columns = differences.forward(np.concatenate([before[group.streams][None], x]))[1:]
        before[group.streams] = x[-1]
        return columns

    def _run(
        self, x: np.ndarray, group: Group, n_before: int | None = None, keep: bool = True
    ) -> np.ndarray:
        """Return the states of the top layer, the initial one first, and go on from them."""
        stack = Stack(self._layers, self._weights)
        if (group.n_before if n_before is None else n_before) > 0:
            stack.states = [
                tuple(self.arrays[name][group.streams] for name in names)
                for names in self._of_layers
            ]
        h = stack.advance(x, _all_active(x))
        if keep:
            for names, state in zip(self._of_layers, stack.states, strict=True):
                assert state is not None
                for name, part in zip(names, state, strict=True):
                    self.arrays[name][group.streams] = part
        return h

    def _readout_of(self, group: Group) -> Running | None:
        """Return the read-out of these streams as it is after the steps so far."""
        if self.per_step:
            return None
        states = np.empty(0)
        if self._keeps_states:
            states = self.arrays["readout.states"][group.streams, : self._n_states(group.n_before)]
        running = self._running(len(group.streams), states)
        if not self._keeps_states:
            for name, array in running.kept().items():
                array[:] = self.arrays[f"readout.{name}"][group.streams]
        return running

    def _n_states(self, n_steps: int) -> int:
        """Return how many states of the top layer so many steps have left: of whole frames."""
        frames = self.architecture.frames
        return n_steps if frames is None else frames.n_whole(n_steps)

    def _keep_readout(self, running: Running | None, group: Group) -> None:
        if running is None:
            return
        kept = running.kept()
        if self._keeps_states:
            n_before = self._n_states(group.n_before)
            self._keep_states(kept["states"], n_before, group.streams)
            return
        for name, array in kept.items():
            self.arrays[f"readout.{name}"][group.streams] = array

    def _keep_states(self, states: np.ndarray, n_before: int, streams: np.ndarray) -> None:
        """Keep the states of some streams that are new, in an array that doubles when full."""
        n_states, before = states.shape[1], self.arrays["readout.states"]
        if n_states > before.shape[1]:
            n_places = max(16, n_states, 2 * before.shape[1])
            larger = np.zeros((self.n_streams, n_places, states.shape[2]), states.dtype)
            larger[:, : before.shape[1]] = before
            self.arrays["readout.states"] = larger
        self.arrays["readout.states"][streams, n_before:n_states] = states[:, n_before:]

    def _advance_frames(self, x: np.ndarray, group: Group) -> np.ndarray:
        """Read one step of frames.

        The frame that is whole now, if there is one, moves the state on. Those that are not are
        filled up by their last step, as at the end of a sequence, and leave the state as it was.
        """
        frames, n_steps = self.architecture.frames, group.n_before + 1
        assert frames is not None
        n_before, n_whole = frames.n_whole(group.n_before), frames.n_whole(n_steps)
        kept, n_kept = self.arrays["frames.steps"], n_steps - n_before * frames.stride
        kept[group.streams, n_kept - 1] = x[0]
        steps = kept[group.streams, :n_kept].swapaxes(0, 1)
        weights = part_of(self.parameters, "frames.")
        u, _ = frames.forward(steps, _all_active(steps), weights)
        running, h = self._readout_of(group), None
        if n_whole > n_before:
            h = self._run(u[:1], group, n_before)
            if running is not None:
                running.add(h, _all_active(h[1:]), 0)
            self._keep_readout(running, group)
            kept[group.streams, : n_kept - frames.stride] = steps[frames.stride :].swapaxes(0, 1)
            u = u[1:]
        if len(u):
            h = self._run(u, group, n_whole, keep=False)
            return self._raw(h, running, group, (n_steps - 1) % frames.stride)
        assert h is not None
        return self._output_of(h, running, group, (n_steps - 1) % frames.stride)

    def _raw(
        self, h: np.ndarray, running: Running | None, group: Group, offset: int = 0
    ) -> np.ndarray:
        """Return the raw prediction after the next states."""
        if running is not None:
            running.add(h, _all_active(h[1:]), 0)
        return self._output_of(h, running, group, offset)

    def _output_of(
        self, h: np.ndarray, running: Running | None, group: Group, offset: int
    ) -> np.ndarray:
        """Return the raw prediction of a read-out or, without one, at the steps of `h`.

        Parameters
        ----------
        h : ndarray of shape (n_timesteps + 1, n_rows, n_units)
            States, the initial one first.
        running : Running or None
            After these states.
        group : Group
            The streams.
        offset : int
            Of the steps that the last frame answers for, the one that is meant.
        """
        if running is not None:
            return self._output(running.features(), group)[np.newaxis]
        frames = self.architecture.frames
        if frames is None:
            n_timesteps, n_rows, n_units = h[1:].shape
            raw = self._output(np.ascontiguousarray(h[1:]).reshape(-1, n_units), group)
            return raw.reshape(n_timesteps, n_rows, -1)
        raw = self._output(h[-1], group)
        return raw.reshape(len(raw), frames.stride, -1)[np.newaxis, :, offset]

    def _output(self, features: np.ndarray, group: Group) -> np.ndarray:
        """Return the raw prediction of features of all streams, or of several steps of theirs."""
        joint = self.architecture.static
        if joint is not None:
            static = np.tile(
                self.arrays["static"][group.streams], (len(features) // len(group.streams), 1)
            )
            features, _ = joint.forward(features, static, part_of(self.parameters, "static."))
        weights = part_of(self.parameters, "output.")
        return self.architecture.output.forward(features, np.ones(1, np.intp), weights)[0]


def _estimated(
    decay: Decay,
    x: np.ndarray,
    weights: dict[str, np.ndarray],
    known: dict[str, np.ndarray],
    streams: np.ndarray,
) -> np.ndarray:
    """Return steps with estimates in place of missing values; bring up to date what is known."""
    names = DecayState._fields
    state = DecayState(*(known[name][streams] for name in names))
    estimated, cache = decay.forward(x, weights, state)
    if cache is not None:
        for name, part in zip(names, cache.after(len(x)), strict=True):
            known[name][streams] = part
    return estimated


def _all_active(x: np.ndarray) -> np.ndarray:
    return np.full(len(x), x.shape[1], np.intp)
