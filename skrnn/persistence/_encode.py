"""From an object to text and arrays: a flat list of nodes, of which each refers to earlier ones."""

from __future__ import annotations

import base64
import math
from collections import Counter, UserList
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from sklearn.utils import Bunch

from skrnn._pickling import KEY
from skrnn.core.parameters import Parameters
from skrnn.persistence._safetensors import NAMES
from skrnn.persistence._types import PLAIN_TYPES, dotted, entries, name_of

# Values inside nodes: these as they are, all else as [the number of its node].
PLAIN = (type(None), bool, int, str)
DEEPEST = 100
# Callbacks belong to the program that fits, not to the model.
LEFT_OUT = ("_skl_callbacks", KEY)


class NotSafeError(TypeError):
    """An object that cannot be stored without code."""


class Encoder:
    """Turns one object into nodes and arrays.

    A node is a dict with one key that says its kind, such as ``{"tuple": [1, [0]]}``, in which
    ``[0]`` refers to the first node. Objects that occur twice have one node, so that they are one
    object again when loaded.

    Attributes
    ----------
    nodes : list of dict
        The object itself is the last one.
    arrays : dict of str to ndarray
        By the paths on which they are found.
    """

    def __init__(self) -> None:
        self.nodes: list[dict[str, Any]] = []
        self.arrays: dict[str, np.ndarray] = {}
        # The objects are kept as well: an id is theirs as long as they live.
        self._known: dict[int, tuple[list[int], Any]] = {}
        self._by_type: dict[type, Callable[[Any, str, int], dict[str, Any]]] = {
            **dict.fromkeys((list, tuple, set, frozenset), self._container),
            **dict.fromkeys((dict, Bunch, Counter), self._dict),
            float: _float,
            bytes: _bytes,
            slice: self._slice,
            np.ndarray: self._array,
            np.memmap: self._array,
            np.random.RandomState: self._generator,
            Parameters: self._parameters,
        }

    def value(self, value: Any, path: str = "", depth: int = 0) -> Any:
        """Return a value as it stands in a node, after adding the nodes that it needs."""
        if type(value) in PLAIN or (type(value) is float and math.isfinite(value)):
            return value
        if id(value) in self._known:
            return self._known[id(value)][0]
        if depth > DEEPEST:
            raise NotSafeError(f"{path} is nested too deeply, or contains itself.")
        node = self._node(value, path, depth + 1)
        reference = [len(self.nodes)]
        self.nodes.append(node)
        self._known[id(value)] = reference, value
        return reference

    def _node(self, value: Any, path: str, depth: int) -> dict[str, Any]:
        """Return the node of a value that is not plain."""
        by_type = self._by_type.get(type(value))
        if by_type is not None:
            return by_type(value, path, depth)
        if isinstance(value, UserList) and type(value).__module__.startswith("sklearn."):
            # Before 1.7 a ColumnTransformer kept names of columns in a list that warns.
            return self._container(value.data, path, depth)
        if isinstance(value, np.generic):
            return {"scalar": self.value(np.asarray(value), path, depth)}
        if isinstance(value, np.dtype):
            return {"dtype": _dtype(value, path)}
        for name, entry in PLAIN_TYPES.items():
            if value is entry:
                return {"type": name}
        for name, entry in entries().items():
            if value is entry or (type(value) is type(entry) is not type and value == entry):
                return {"entry": name}
        return self._object(value, path, depth)

    def _object(self, value: Any, path: str, depth: int) -> dict[str, Any]:
        cls = type(value)
        name = name_of(cls)
        if name is None:
            raise NotSafeError(_refusal(value, path))
        if isinstance(value, tuple):
            names = (_join(path, field) for field in cls._fields)
            fields = [self.value(*one, depth) for one in zip(value, names, strict=True)]
            return {"object": name, "fields": fields}
        state = value.__getstate__()
        slots: Any = None
        if isinstance(state, tuple):
            state, slots = state
        attributes = {**(state or {}), **(slots or {})}
        for left_out in LEFT_OUT:
            attributes.pop(left_out, None)
        if attributes.get("memory") is not None:
            raise NotSafeError(
                f"{path or name} has memory={attributes['memory']!r}: whoever loads the file would "
                "read pickles from there when they fit. Set memory=None before you save."
            )
        if name.startswith("sklearn.routing."):
            # The estimator that they belong to, which messages name: a circle.
            owner = attributes["owner"]
            attributes["owner"] = owner if isinstance(owner, str) else type(owner).__name__
        inner = {key: self.value(one, _join(path, key), depth) for key, one in attributes.items()}
        return {"object": name, "state": inner}

    def _values(self, values: Iterable[Any], path: str, depth: int) -> list[Any]:
        return [self.value(one, _join(path, i), depth) for i, one in enumerate(values)]

    def _container(self, value: Any, path: str, depth: int) -> dict[str, Any]:
        unordered = isinstance(value, set | frozenset)
        ordered = sorted(value, key=repr) if unordered else value
        return {type(value).__name__: self._values(ordered, path, depth)}

    def _dict(self, value: dict[Any, Any], path: str, depth: int) -> dict[str, Any]:
        pairs = [
            [self.value(key, _join(path, "key"), depth), self.value(one, _join(path, key), depth)]
            for key, one in value.items()
        ]
        return {type(value).__name__: pairs}

    def _slice(self, value: slice, path: str, depth: int) -> dict[str, Any]:
        return {"slice": self._values((value.start, value.stop, value.step), path, depth)}

    def _generator(self, value: np.random.RandomState, path: str, depth: int) -> dict[str, Any]:
        state: Any = value.get_state(legacy=False)
        if state["bit_generator"] != "MT19937":
            raise NotSafeError(
                f"{path or 'it'} is a RandomState on {state['bit_generator']}. Only those on "
                "MT19937, which is NumPy's own choice, can be saved."
            )
        twister = state["state"]
        numbers = (twister["key"], int(twister["pos"]), state["has_gauss"], state["gauss"])
        return {"RandomState": self._values(numbers, path, depth)}

    def _parameters(self, value: Parameters, path: str, depth: int) -> dict[str, Any]:
        """Store weights one by one, under names by which other programs find them."""
        path = path.removesuffix("parameters").rstrip(".")
        names = {name: self._stored(weights, _join(path, name)) for name, weights in value.items()}
        return {"parameters": list(names.items()), "dtype": value.vector.dtype.name}

    def _array(self, value: np.ndarray, path: str, depth: int) -> dict[str, Any]:
        kind, shape = value.dtype.kind, list(value.shape)
        if kind == "U":
            return {"strings": value.ravel().tolist(), "shape": shape, "width": _width(value)}
        if kind == "O":
            return {"objects": self._values(value.ravel(), path, depth), "shape": shape}
        # The order of the axes in memory decides in which order a BLAS adds up.
        turned = value.flags.f_contiguous and not value.flags.c_contiguous
        node: dict[str, Any] = {"turned": turned} if turned else {}
        if kind in "mM":
            node["dtype"] = value.dtype.str
            value = value.view(np.int64)
        if value.dtype.newbyteorder("<") not in NAMES:
            raise NotSafeError(f"{path} is an array of {value.dtype}, which cannot be saved.")
        return {"array": self._stored(value.T if turned else value, path), **node}

    def _stored(self, array: np.ndarray, path: str) -> str:
        """Keep an array and return its name."""
        name, number = path or "array", 2
        while name in self.arrays:
            name, number = f"{path} {number}", number + 1
        self.arrays[name] = array
        return name


def _join(path: str, key: Any) -> str:
    return f"{path}.{key}" if path else str(key)


def _float(value: float, path: str, depth: int) -> dict[str, Any]:
    return {"float": str(value)}


def _bytes(value: bytes, path: str, depth: int) -> dict[str, Any]:
    return {"bytes": base64.b64encode(value).decode()}


def _width(value: np.ndarray) -> int:
    return value.dtype.itemsize // 4


def _dtype(value: np.dtype, path: str) -> str:
    if value.newbyteorder("<") not in NAMES and value.kind != "O":
        raise NotSafeError(f"{path} is the dtype {value}, which cannot be saved.")
    return value.name


def _refusal(value: Any, path: str) -> str:
    """Return why a part cannot be saved, and what to do."""
    kind = value if callable(value) and hasattr(value, "__qualname__") else type(value)
    name = dotted(kind) if isinstance(getattr(kind, "__module__", None), str) else repr(kind)
    what = "the function or class" if kind is value else "a"
    where = f"its part {path}" if path else "it"
    if name.split(".")[0] in ("sklearn", "numpy", "scipy", "pandas"):
        remedy = (
            "Its state is more than numbers and text: skops.io.dump stores many such parts "
            "(trusted=skrnn.TRUSTED_TYPES loads skrnn's). Of a search, save best_estimator_."
        )
    else:
        remedy = (
            "The file would need that code to be loaded, and a file that is safe holds none. Use "
            "pickle or joblib for people who trust you, or skops, whose reader names what they "
            "trust."
        )
    return (
        f"skrnn.save stores what skrnn and scikit-learn define; {where} is {what} {name}. {remedy}"
    )
