"""All weights of a network in one flat vector, with named views into it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import accumulate
from math import prod
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike

__all__ = ["Parameters", "Shapes", "part_of", "with_prefix"]

Shapes = Mapping[str, tuple[int, ...]]


class Parameters(Mapping[str, np.ndarray]):
    """Named arrays that share one flat vector.

    Optimizers, clipping, weight decay, L-BFGS, early-stopping snapshots and gradient
    checks act on `vector`; the layers read and write the named views. No view is stored in what
    `copy.deepcopy` and `pickle` take: there it would lose its tie to the vector.

    Parameters
    ----------
    shapes : mapping of str to tuple of int
        Name and shape of every array, in the order in which they lie in the vector.
    vector : ndarray of shape (n_parameters,), default=None
        The numbers. None starts with zeros of the given `dtype`.
    dtype : dtype, default=numpy.float64
        Type of the vector if it is created here.

    Raises
    ------
    ValueError
        If the vector does not have as many entries as the shapes ask for.

    Examples
    --------
    >>> from skrnn.core.parameters import Parameters
    >>> parameters = Parameters({"W": (2, 3), "b": (3,)})
    >>> parameters["b"][:] = 1.0
    >>> parameters.vector
    array([0., 0., 0., 0., 0., 0., 1., 1., 1.])

    An array of the right shape may be set by its name, which writes to the vector, too:

    >>> parameters["b"] = [1.0, 2.0, 3.0]
    >>> parameters.vector
    array([0., 0., 0., 0., 0., 0., 1., 2., 3.])
    """

    # The vector that views were made of, and the views of every part, by its prefix.
    _parts: tuple[np.ndarray, dict[str, dict[str, np.ndarray]]] | None = None

    def __init__(
        self, shapes: Shapes, vector: np.ndarray | None = None, dtype: type | np.dtype = np.float64
    ):
        self.shapes: dict[str, tuple[int, ...]] = dict(shapes)
        sizes = [prod(shape) for shape in self.shapes.values()]
        stops = list(accumulate(sizes))
        self._slices = {
            name: slice(stop - size, stop)
            for name, size, stop in zip(self.shapes, sizes, stops, strict=True)
        }
        n_parameters = stops[-1] if stops else 0
        if vector is None:
            vector = np.zeros(n_parameters, dtype=dtype)
        if vector.shape != (n_parameters,):
            raise ValueError(
                f"These parameters need a vector of shape ({n_parameters},); got {vector.shape}."
            )
        self.vector = vector

    def __getstate__(self) -> dict[str, Any]:
        state = vars(self).copy()
        state.pop("_parts", None)
        return state

    def __getitem__(self, name: str) -> np.ndarray:
        return self.vector[self._slices[name]].reshape(self.shapes[name])

    def __setitem__(self, name: str, value: ArrayLike) -> None:
        if name not in self.shapes:
            raise KeyError(f"There is no {name!r}; the parameters are {', '.join(self.shapes)}.")
        array = np.asarray(value)
        if array.shape != self.shapes[name]:
            raise ValueError(f"{name!r} has the shape {self.shapes[name]}; got {array.shape}.")
        self[name][...] = array

    def __iter__(self) -> Iterator[str]:
        return iter(self.shapes)

    def __len__(self) -> int:
        return len(self.shapes)

    def __repr__(self) -> str:
        return f"Parameters({self.shapes}, dtype={self.vector.dtype})"

    def part(self, prefix: str) -> dict[str, np.ndarray]:
        """Return the views whose names begin with `prefix`, under the rest of their names."""
        kept = self._parts
        # A pass asks for every part, and another pass follows: their views are made once.
        if kept is None or kept[0] is not self.vector:
            kept = self._parts = self.vector, {}
        views = kept[1].get(prefix)
        if views is None:
            views = {name[len(prefix) :]: self[name] for name in self if name.startswith(prefix)}
            kept[1][prefix] = views
        return views.copy()

    def empty_like(self) -> Parameters:
        """Return parameters of the same names and shapes, uninitialised."""
        other = object.__new__(type(self))  # shares the layout, which never changes
        other.__dict__.update(self.__dict__, vector=np.empty_like(self.vector))
        return other


_Value = TypeVar("_Value")


def part_of(arrays: Mapping[str, np.ndarray], prefix: str) -> dict[str, np.ndarray]:
    """Return the arrays whose names begin with `prefix`, under the rest of their names.

    Examples
    --------
    >>> from skrnn.core.parameters import Parameters, part_of
    >>> part_of(Parameters({"output.W": (1, 2), "output.b": (2,), "v": (1,)}), "output.")
    {'W': array([[0., 0.]]), 'b': array([0., 0.])}
    """
    if isinstance(arrays, Parameters):
        return arrays.part(prefix)
    if not arrays:
        return {}
    return {own: arrays[name] for own, name in _names_of_part(tuple(arrays), prefix)}


# A pass asks for every part's weights: the same few names for every batch.
@lru_cache(maxsize=1024)
def _names_of_part(names: tuple[str, ...], prefix: str) -> list[tuple[str, str]]:
    return [(name[len(prefix) :], name) for name in names if name.startswith(prefix)]


def with_prefix(prefix: str, named: Mapping[str, _Value]) -> dict[str, _Value]:
    """Return `named` with `prefix` before every name: the names that `part_of` took it off."""
    return {prefix + name: value for name, value in named.items()}
