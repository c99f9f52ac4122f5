"""Nodes of an ONNX graph, added one by one: to a graph of our own, or to one of skl2onnx."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np

# The operators are used as they have been since this version of ONNX's standard set.
LEAST_OPSET = 14
# From this version on the axes of all reductions are an input.
AXES_ARE_INPUTS = 18


class Nodes(ABC):
    """A graph that grows: every method adds nodes and returns the name of what they compute.

    Attributes
    ----------
    opset : int
        Version of the standard operators.
    """

    opset: int

    @abstractmethod
    def constant(self, value: Any) -> str:
        """Store an array of the dtype that it has; one of Python strings as strings."""

    @abstractmethod
    def several(
        self, op: str, *inputs: str, n_outputs: int, domain: str = "", **attributes: Any
    ) -> list[str]:
        """Add a node with several outputs, and return their names."""

    def add(self, op: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """Add a node with one output, and return its name."""
        return self.several(op, *inputs, n_outputs=1, domain=domain, **attributes)[0]

    def ints(self, *values: int) -> str:
        """Store whole numbers, as an axis or a shape is given by."""
        return self.constant(np.array(values, dtype=np.int64))

    def cast(self, x: str, dtype: type) -> str:
        """Turn a tensor into one of another type."""
        from onnx.helper import np_dtype_to_tensor_dtype

        return self.add("Cast", x, to=np_dtype_to_tensor_dtype(np.dtype(dtype)))

    def size(self, x: str, axis: int) -> str:
        """Return the size of an axis, int64 of shape (1,)."""
        return self.add("Gather", self.add("Shape", x), self.ints(axis), axis=0)

    def part(self, x: str, index: int, axis: int) -> str:
        """Return what stands at one place of an axis, without that axis."""
        return self.add("Gather", x, self.constant(np.int64(index)), axis=axis)

    def slice(self, x: str, start: int, stop: int, axis: int) -> str:
        """Return ``x[start:stop]`` along an axis."""
        return self.add("Slice", x, self.ints(start), self.ints(stop), self.ints(axis))

    def transpose(self, x: str, *order: int) -> str:
        """Put the axes into another order."""
        return self.add("Transpose", x, perm=list(order))

    def reshape(self, x: str, *shape: int) -> str:
        """Give a tensor another shape: 0 keeps an axis, -1 takes what is left."""
        return self.add("Reshape", x, self.ints(*shape))

    def unsqueeze(self, x: str, *axes: int) -> str:
        """Insert axes of size one."""
        return self.add("Unsqueeze", x, self.ints(*axes))

    def squeeze(self, x: str, *axes: int) -> str:
        """Take off axes of size one."""
        return self.add("Squeeze", x, self.ints(*axes))

    def concat(self, *parts: str, axis: int) -> str:
        """Put tensors side by side."""
        return parts[0] if len(parts) == 1 else self.add("Concat", *parts, axis=axis)

    def reduce(self, op: str, x: str, axis: int, *, keepdims: bool = False) -> str:
        """Reduce along an axis, by ``ReduceSum``, ``ReduceMax`` or ``ReduceMin``."""
        if op == "ReduceSum" or self.opset >= AXES_ARE_INPUTS:
            return self.add(op, x, self.ints(axis), keepdims=int(keepdims))
        return self.add(op, x, axes=[axis], keepdims=int(keepdims))

    def affine(self, x: str, W: np.ndarray, b: np.ndarray) -> str:
        """Return ``x W + b``, in single precision."""
        product = self.add("MatMul", x, self.constant(single(W)))
        return self.add("Add", product, self.constant(single(b)))

    def counting(self, n: str) -> str:
        """Return 0, 1, ..., n - 1, from `n` of shape (1,)."""
        zero, one = self.constant(np.int64(0)), self.constant(np.int64(1))
        return self.add("Range", zero, self.squeeze(n, 0), one)


class OwnNodes(Nodes):
    """Nodes of a graph of our own.

    Parameters
    ----------
    opset : int
        Version of the standard operators, at least `LEAST_OPSET`.
    prefix : str, default=""
        With what the names begin: those of a graph inside another must differ from its own.

    Attributes
    ----------
    nodes, initializers : list
        What has been added.
    """

    def __init__(self, opset: int, prefix: str = ""):
        self.opset, self.prefix = opset, prefix
        self.nodes: list[Any] = []
        self.initializers: list[Any] = []
        self._stored: dict[tuple[str, tuple[int, ...], bytes], str] = {}

    def constant(self, value: Any) -> str:
        from onnx import TensorProto, helper, numpy_helper

        value = np.asarray(value)
        name = f"{self.prefix}constant_{len(self.initializers)}"
        if value.dtype.kind in "UO":
            texts = [str(text).encode() for text in value.ravel()]
            tensor = helper.make_tensor(name, TensorProto.STRING, value.shape, texts)
            self.initializers.append(tensor)
            return name
        key = value.dtype.str, value.shape, value.tobytes()
        if key not in self._stored:
            self.initializers.append(numpy_helper.from_array(value, name))
            self._stored[key] = name
        return self._stored[key]

    def several(
        self, op: str, *inputs: str, n_outputs: int, domain: str = "", **attributes: Any
    ) -> list[str]:
        from onnx import helper

        base = f"{self.prefix}{op}_{len(self.nodes)}"
        outputs = [base] if n_outputs == 1 else [f"{base}_{i}" for i in range(n_outputs)]
        node = helper.make_node(op, list(inputs), outputs, name=base, domain=domain, **attributes)
        self.nodes.append(node)
        return outputs

    def named(self, x: str, name: str) -> None:
        """Give a tensor the name of an output of the graph."""
        from onnx import helper

        self.nodes.append(helper.make_node("Identity", [x], [name], name=f"{name}_output"))


def single(value: Any) -> np.ndarray:
    """Return an array in single precision, in which the recurrent operators compute."""
    return np.asarray(value, dtype=np.float32)
