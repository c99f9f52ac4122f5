"""What is known before the first time step of a graph: nothing, or what a stream has kept."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from skrnn.onnx._nodes import Nodes


class Memory(Protocol):
    """What parts of a graph know of the steps before."""

    def before(self, nodes: Nodes, name: str, start: np.ndarray) -> str:
        """Return what is known before the first step, (n_samples, *shape).

        Parameters
        ----------
        nodes : Nodes
            Where it is asked for: the graph, or one inside it.
        name : str
            Of the part of the state.
        start : ndarray
            What stands at the start of a sequence, of the dtype and shape of the part.
        """

    def keep(self, name: str, after: str) -> None:
        """Take down what is known after the last step, of the shape that `before` returned."""


class WholeSequences:
    """Nothing is known: the first step of the graph is the first one of every sequence.

    Parameters
    ----------
    x : str
        Name of a tensor whose first axis is that of the samples.
    """

    def __init__(self, x: str):
        self.x = x

    def before(self, nodes: Nodes, name: str, start: np.ndarray) -> str:
        shape = nodes.concat(nodes.size(self.x, 0), nodes.ints(*start.shape), axis=0)
        return nodes.add("Expand", nodes.constant(start[np.newaxis]), shape)

    def keep(self, name: str, after: str) -> None:
        pass


class RunningSequences:
    """What a stream has kept is an input, and what it is to keep an output.

    Parameters
    ----------
    model : Model
        Whose inputs and outputs they are.
    n_steps : str
        Name of the number of steps before, int64 of shape (n_samples, 1).

    Attributes
    ----------
    parts : dict of str to (type, tuple of int)
        Type and shape of every part of the state.
    after : dict of str to str
        What has been kept.
    """

    def __init__(self, model: Any, n_steps: str):
        self.model = model
        self.first = model.nodes.add("Equal", n_steps, model.nodes.ints(0))
        self.parts: dict[str, tuple[type, tuple[int, ...]]] = {}
        self.after: dict[str, str] = {}

    def before(self, nodes: Nodes, name: str, start: np.ndarray) -> str:
        self.parts[name] = start.dtype.type, start.shape
        kept = self.model.take(f"state.{name}", start.dtype.type, "n_samples", *start.shape)
        return nodes.add("Where", self.first, nodes.constant(start[np.newaxis]), kept)

    def keep(self, name: str, after: str) -> None:
        self.after[name] = after
