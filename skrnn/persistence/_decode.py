"""From nodes and arrays back to an object, on the word of nobody."""

from __future__ import annotations

import base64
import dataclasses
import inspect
import math
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from sklearn.utils import Bunch

from skrnn._pickling import KEY, VersionedPickleMixin
from skrnn._version import __version__
from skrnn.core.network import Network
from skrnn.core.parameters import Parameters
from skrnn.persistence._encode import DEEPEST
from skrnn.persistence._safetensors import DTYPES, DamagedFileError
from skrnn.persistence._types import PLAIN_TYPES, entries, named

# Parts that occur in many places count in each of them: a small file can describe a huge object.
LARGEST = 20_000_000
LENGTH_OF_MT19937 = 624


class Decoder:
    """Builds objects node by node; a node refers only to nodes before it.

    So there is no cycle, no recursion and nothing to be done twice. A type is known by its name in
    a table, its instances are made without calling it, and get their attributes as they stand.

    Parameters
    ----------
    nodes : list of dict
        As an `Encoder` writes them.
    arrays : dict of str to ndarray
        Each is used at most once; none may be left.
    """

    def __init__(self, nodes: Any, arrays: Mapping[str, np.ndarray]):
        self._nodes = nodes
        self._arrays = dict(arrays)
        self._built: list[Any] = []
        # Of every node: how many values it stands for, how deeply nested, whether a key.
        self._sizes: list[int] = []
        self._depths: list[int] = []
        self._read: dict[str, Callable[[Any, dict[str, Any]], Any]] = {
            **{kind.__name__: self._container(kind) for kind in (list, tuple, set, frozenset)},
            "dict": self._dict,
            "Counter": lambda pairs, node: Counter(self._dict(pairs, node)),
            "Bunch": lambda pairs, node: Bunch(**self._dict(pairs, node)),
            "float": _float,
            "bytes": lambda text, node: base64.b64decode(text, validate=True),
            "slice": lambda values, node: slice(*self._values(values)),
            "array": self._array,
            "strings": _strings,
            "objects": self._objects,
            "scalar": self._scalar,
            "dtype": _dtype,
            "type": lambda name, node: PLAIN_TYPES[name],
            "entry": lambda name, node: entries()[name],
            "RandomState": self._generator,
            "parameters": self._parameters,
            "object": self._object,
        }

    def build(self) -> Any:
        """Return the object.

        Raises
        ------
        DamagedFileError, or what Python raises of values that are not as they should be
            If the nodes are not those of an object that skrnn saves.
        """
        for node in self._nodes:
            kind, content = next(iter(node.items()))
            self._size, self._depth = 1, 0
            value = self._read[kind](content, node)
            self._built.append(value)
            self._sizes.append(self._size)
            self._depths.append(self._depth + 1)
            if self._size > LARGEST or self._depth > DEEPEST:
                raise DamagedFileError("it describes a larger object than its size allows")
        if self._arrays:
            raise DamagedFileError(f"nothing refers to its array {next(iter(self._arrays))!r}")
        return self._built[-1]

    def _value(self, value: Any) -> Any:
        """Return a value in a node: itself, or the earlier node that it refers to."""
        if not isinstance(value, list | dict):
            return value
        (number,) = value
        if type(number) is not int or not 0 <= number < len(self._built):
            raise DamagedFileError("a part of it refers to what does not stand before it")
        self._size += self._sizes[number]
        self._depth = max(self._depth, self._depths[number])
        return self._built[number]

    def _values(self, values: Any) -> list[Any]:
        if not isinstance(values, list):
            raise DamagedFileError("a list of its parts is none")
        self._size += len(values)
        return [self._value(value) for value in values]

    def _key(self, value: Any) -> Any:
        """Return a key of a dict or an item of a set: a plain value or a flat tuple of them."""
        key = self._value(value)
        if not all(_is_plain(part) for part in (key if type(key) is tuple else (key,))):
            raise DamagedFileError("a key in it is no plain value")
        return key

    def _container(self, kind: type) -> Callable[[Any, dict[str, Any]], Any]:
        if kind in (set, frozenset):
            return lambda values, node: kind([self._key(value) for value in values])
        return lambda values, node: kind(self._values(values))

    def _dict(self, pairs: Any, node: dict[str, Any]) -> dict[Any, Any]:
        self._size += len(pairs)
        return {self._key(key): self._value(value) for key, value in pairs}

    def _array(self, name: str, node: dict[str, Any]) -> np.ndarray:
        array = self._arrays.pop(name)
        if "dtype" in node:
            array = array.view(_time(node["dtype"]))
        return array.T if node.get("turned") else array

    def _objects(self, values: Any, node: dict[str, Any]) -> np.ndarray:
        items = self._values(values)
        array = np.empty(len(items), dtype=object)
        for i, item in enumerate(items):
            array[i] = item
        return array.reshape(_shape(node, len(items)))

    def _scalar(self, value: Any, node: dict[str, Any]) -> Any:
        array = self._value(value)
        if not isinstance(array, np.ndarray) or array.shape != () or array.dtype == object:
            raise DamagedFileError("a number in it is none")
        return array[()]

    def _generator(self, values: Any, node: dict[str, Any]) -> np.random.RandomState:
        key, position, has_gauss, gauss = self._values(values)
        # NumPy would read beyond its numbers at another position.
        if not (
            isinstance(key, np.ndarray)
            and (key.shape, key.dtype) == ((LENGTH_OF_MT19937,), np.uint32)
            and type(position) is int
            and 0 <= position <= LENGTH_OF_MT19937
        ):
            raise DamagedFileError("the state of a random generator in it is none")
        rng = np.random.RandomState()
        rng.set_state(("MT19937", key, position, int(has_gauss), float(gauss)))
        return rng

    def _parameters(self, stored: Any, node: dict[str, Any]) -> Parameters:
        arrays = {name: self._arrays.pop(key) for name, key in stored}
        dtype = np.dtype(DTYPES[{"float32": "F32", "float64": "F64"}[node["dtype"]]])
        if any(array.dtype != dtype for array in arrays.values()):
            raise DamagedFileError("its weights are of several types")
        shapes = {name: array.shape for name, array in arrays.items()}
        flat = [array.ravel() for array in arrays.values()]
        return Parameters(shapes, np.concatenate(flat) if flat else np.empty(0, dtype))

    def _object(self, name: str, node: dict[str, Any]) -> Any:
        cls = named(name)
        if cls is None:
            raise DamagedFileError(f"it names the type {name!r}, which no file may")
        if issubclass(cls, tuple):
            return cls._make(self._values(node["fields"]))  # type: ignore[attr-defined]
        stored = node["state"]
        self._size += len(stored)
        state = {key: self._value(value) for key, value in stored.items()}
        if state.get("memory") is not None:
            raise DamagedFileError("it names a folder of pickles (memory=)")
        return _revived(cls, state)


def _revived(cls: Any, state: dict[str, Any]) -> Any:
    """Return an instance with these attributes; those that are newer than the file by default."""
    if any(key.startswith("__") or not key.isidentifier() for key in state):
        raise DamagedFileError("a name of an attribute in it is none")
    instance = cls.__new__(cls)
    state = {**_defaults(cls), **state}
    if issubclass(cls, VersionedPickleMixin):
        state[KEY] = __version__  # the file as a whole says who wrote it
    if hasattr(cls, "__setstate__"):
        instance.__setstate__(state)
    else:
        for key, value in state.items():
            object.__setattr__(instance, key, value)
    if isinstance(instance, Network):
        _check_network(instance)
    return instance


def _defaults(cls: type) -> dict[str, Any]:
    """Return defaults of what a class of skrnn may have learnt to hold since a file was written."""
    if dataclasses.is_dataclass(cls):
        return {
            field.name: field.default if field.default_factory is dataclasses.MISSING
            else field.default_factory()
            for field in dataclasses.fields(cls)
            if (field.default, field.default_factory) != (dataclasses.MISSING,) * 2
        }  # fmt: skip
    if not issubclass(cls, VersionedPickleMixin):
        return {}
    parameters = inspect.signature(cls).parameters.values()
    return {one.name: one.default for one in parameters if one.default is not one.empty}


def _check_network(network: Network) -> None:
    """Check that the weights are those of the architecture: kernels trust the shapes."""
    expected = dict(network.architecture.shapes())
    if list(network.parameters.shapes.items()) != list(expected.items()):
        raise DamagedFileError("its weights are not those of its network")


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, bool | int | float | str | np.generic)


def _float(text: str, node: dict[str, Any]) -> float:
    return {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}[text]


def _dtype(name: str, node: dict[str, Any]) -> np.dtype:
    known = {np.dtype(code).name: np.dtype(code) for code in DTYPES.values()}
    return {**known, "object": np.dtype(object)}[name].newbyteorder("=")


def _time(text: str) -> np.dtype:
    units = ("Y", "M", "W", "D", "h", "m", "s", "ms", "us", "ns")
    known = {f"<{kind}8[{unit}]" for kind in "mM" for unit in units}
    if text not in known:
        raise DamagedFileError("a type of times in it is none")
    return np.dtype(text)


def _strings(values: Any, node: dict[str, Any]) -> np.ndarray:
    if not all(isinstance(value, str) for value in values):
        raise DamagedFileError("a text in it is none")
    width, longest = node["width"], max(map(len, values), default=0)
    # The width is that of the saved array; a file must not ask for much more than it holds.
    if type(width) is not int or not longest <= width <= max(longest, 1000):
        raise DamagedFileError("the width of a text in it is none")
    if width * len(values) > LARGEST:
        raise DamagedFileError("it describes a larger object than its size allows")
    return np.array(values, dtype=f"<U{width}").reshape(_shape(node, len(values)))


def _shape(node: dict[str, Any], size: int) -> tuple[int, ...]:
    shape = tuple(node["shape"])
    if not all(type(n) is int and n >= 0 for n in shape) or math.prod(shape) != size:
        raise DamagedFileError("the shape of an array in it is none")
    return shape
