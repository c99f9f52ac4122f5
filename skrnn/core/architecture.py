"""All of a network that is not a number: its parts and the shapes of their parameters."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import MISSING, dataclass, fields
from functools import cached_property
from math import prod
from typing import Any

from skrnn.core.cells import Cell
from skrnn.core.decay import Decay
from skrnn.core.differences import Differences
from skrnn.core.embedding import Embedding
from skrnn.core.frames import Frames
from skrnn.core.layer import Layer
from skrnn.core.output import Output, SequenceFeatures, StepFeatures
from skrnn.core.parameters import with_prefix
from skrnn.core.readouts import Readout
from skrnn.core.static import StaticFeatures

__all__ = ["Architecture", "Part"]

# A part has `shapes`, `initialize`, `forward` and `backward`; see `skrnn.core`.
Part = (
    Embedding | Decay | Frames | Layer | SequenceFeatures | StepFeatures | StaticFeatures | Output
)


@dataclass(frozen=True)
class Architecture:
    """All of a network that is not a number to be learnt.

    Parameters
    ----------
    cell : Cell
        The recurrence of every layer.
    n_inputs : int
        Channels of a time step, >= 1.
    hidden_sizes : tuple of int
        Units of the stacked layers (of each direction), each >= 1.
    n_outputs : int
        Width of the raw prediction, >= 1.
    bidirectional : bool, default=False
        Whether every layer also reads the sequences backwards; the states of the two
        directions stand side by side.
    readout : Readout or None, default=None
        How the states of a sequence become one feature vector. None predicts at every step.
    dropout : float, default=0.0
        Share of a layer's outputs that are zeroed in training, in [0, 1).
    bptt_steps : int or None, default=None
        Truncated BPTT: a gradient crosses at most so many time steps (of frames one at least),
        counted in blocks from a sequence's end. None sends it back to the first step.
    embedding : Embedding or None, default=None
        What turns the categories among the channels into learnt vectors. None takes all
        channels as numbers.
    differences : Differences or None, default=None
        What puts the changes beside what leaves the parts before. None leaves them out.
    frames : Frames or None, default=None
        What puts several time steps side by side, of the width that leaves the part before. The
        layers then run over frames; without a `readout` the output layer answers for all the
        time steps that begin with a frame at once. None takes the time steps one by one.
    n_static : int, default=0
        Static features of a sequence, >= 0, which the output layer sees beside those that come
        of its time steps.
    static_units : int, default=0
        Units of the layer that joins both, >= 0; not used without static features.
    decay : Decay or None, default=None
        What puts estimates in place of the missing values in what leaves the embedding. None
        takes sequences without missing values.

    Raises
    ------
    ValueError
        If there is no `readout`, but `frames` with a random phase: a shifted frame would answer
        for other time steps.
    """

    cell: Cell
    n_inputs: int
    hidden_sizes: tuple[int, ...]
    n_outputs: int
    bidirectional: bool = False
    readout: Readout | None = None
    dropout: float = 0.0
    bptt_steps: int | None = None
    embedding: Embedding | None = None
    differences: Differences | None = None
    frames: Frames | None = None
    n_static: int = 0
    static_units: int = 0
    decay: Decay | None = None

    def __post_init__(self) -> None:
        if self.readout is None and self.frames is not None and self.frames.random_phase:
            raise ValueError(
                "Frames of a network that predicts at every time step answer for the steps that "
                "begin with them, so they cannot be shifted; use a read-out or random_phase=False."
            )

    def __repr__(self) -> str:
        # Parts that a network has not are not spoken of.
        shown = [f"{name}={value!r}" for name, value in parts_beyond(self, ())]
        return f"Architecture({', '.join(shown)})"

    def __getstate__(self) -> dict[str, Any]:
        """Return the fields alone: whatever is derived from them is derived again."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @property
    def directions(self) -> tuple[str, ...]:
        """Names of the directions in which every layer reads."""
        return ("forward", "reverse") if self.bidirectional else ("forward",)

    @property
    def n_layers(self) -> int:
        """Number of recurrent layers."""
        return len(self.hidden_sizes)

    @cached_property
    def layers(self) -> tuple[Layer, ...]:
        """The recurrent layers, the lowest first."""
        layers: list[Layer] = []
        below = self.n_inputs if self.embedding is None else self.embedding.width
        bptt_steps = self.bptt_steps
        if self.decay is not None:
            below = self.decay.width
        if self.differences is not None:
            below = self.differences.width
        if self.frames is not None:
            below = self.frames.width
            bptt_steps = bptt_steps and max(1, bptt_steps // self.frames.stride)
        for size in self.hidden_sizes:
            layers.append(Layer(self.cell, below, size, self.directions, bptt_steps))
            below = layers[-1].width
        return tuple(layers)

    @cached_property
    def features(self) -> SequenceFeatures | StepFeatures:
        """What makes features of the states of the top layer."""
        n_units = self.hidden_sizes[-1]
        if self.readout is None:
            return StepFeatures(n_units, self.directions)
        return SequenceFeatures(self.readout, n_units, self.directions)

    @cached_property
    def static(self) -> StaticFeatures | None:
        """What puts static features beside those of the states; None if there are none."""
        if self.n_static == 0:
            return None
        return StaticFeatures(self.features.width, self.n_static, self.static_units)

    @property
    def steps_of_row(self) -> int:
        """Time steps that a row of the output layer answers for, if it answers for steps."""
        return self.frames.stride if self.readout is None and self.frames is not None else 1

    @property
    def learns_below_layers(self) -> bool:
        """Whether embedding, decay or frames have parameters."""
        parts = (self.embedding, self.decay, self.frames)
        return any(part is not None and part.shapes() for part in parts)

    @cached_property
    def widest(self) -> int:
        """Numbers that a time step has in the widest array of states or inputs."""
        return max(self.layers[0].n_inputs, *(layer.width for layer in self.layers))

    @cached_property
    def output(self) -> Output:
        """The output layer."""
        seen = self.features.width if self.static is None else self.static.width
        return Output(seen, self.n_outputs * self.steps_of_row)

    @cached_property
    def parts(self) -> dict[str, Part]:
        """The parts that have parameters, by the prefix of their names, in their order."""
        parts: dict[str, Part] = {}
        if self.embedding is not None:
            parts["embedding."] = self.embedding
        if self.decay is not None:
            parts["decay."] = self.decay
        if self.frames is not None:
            parts["frames."] = self.frames
        parts |= {f"layers.{i}.": layer for i, layer in enumerate(self.layers)}
        parts["readout."] = self.features
        if self.static is not None:
            parts["static."] = self.static
        return {**parts, "output.": self.output}

    @cached_property
    def weight_spans(self) -> list[slice]:
        """Where the weight matrices lie in the vector of all parameters; neighbours in one."""
        spans: list[slice] = []
        stop = 0
        for shape in self.shapes().values():
            start, stop = stop, stop + prod(shape)
            if len(shape) == 1:
                continue
            if spans and spans[-1].stop == start:
                start = spans.pop().start
            spans.append(slice(start, stop))
        return spans

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return name and shape of every array of the network, in the order of the vector."""
        return {
            name: shape
            for prefix, part in self.parts.items()
            for name, shape in with_prefix(prefix, part.shapes()).items()
        }


def parts_beyond(architecture: Architecture, known: Collection[str]) -> Iterator[tuple[str, Any]]:
    """Yield name and value of the fields of an architecture that are in use and not known.

    Parameters
    ----------
    architecture : Architecture
        Of the network that is to be taken along.
    known : collection of str
        Names of the fields that are taken along, or that matter in training alone.
    """
    for field in fields(architecture):
        value = getattr(architecture, field.name)
        if field.name in known:
            continue
        if field.name == "decay" and not getattr(value, "columns", ()):
            continue  # no channel with gaps has been learnt: it does nothing in the network
        if field.default is MISSING or value != field.default:
            yield field.name, value
