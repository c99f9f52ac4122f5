"""Objects of other libraries and of Python that hold sequences, as one of the forms of X."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import issparse

from skrnn.sequences._values import unmasked

# What dimensions are called whose place is known; every other name is one of samples.
TIME_NAMES = frozenset(
    {"time", "times", "t", "step", "steps", "timestep", "timesteps", "time_step", "time_steps"}
)
CHANNEL_NAMES = frozenset({"channel", "channels"})
# Names of channels among three axes; of two, the second is often called so whatever it holds.
WIDE_CHANNEL_NAMES = CHANNEL_NAMES | {"feature", "features", "variable", "variables"}


def plain(X: Any, name: str = "X") -> Any:
    """Return `X` as one of the forms that are told apart by their type.

    Parameters
    ----------
    X : object
        What came as sequences.
    name : str, default="X"
        Its name in errors.

    Returns
    -------
    object
        What is masked in a masked array is NaN; a sequence that is neither list nor tuple, nor
        an array, is a list; a labelled array whose dimensions stand in the right order is a
        plain one. Everything else as it is.

    Raises
    ------
    TypeError
        If `X` is a mapping, an iterator, a set or another collection without an order.
    ValueError
        If the dimensions of a labelled array stand in another order.
    """
    known = (list, tuple, pd.DataFrame, pd.Series)
    if type(X) is np.ndarray or isinstance(X, known) or issparse(X):
        return X
    if is_labelled(X):
        check_dimensions(X, name, time_axis=1)
        return np.asarray(X)
    return plain_targets(X, name)


def plain_targets(y: Any, name: str = "y") -> Any:
    """Return targets of samples as :func:`plain` returns sequences.

    The names of dimensions do not matter, as the axis of samples of windows may be time.

    Raises
    ------
    TypeError
        If `y` is a mapping, an iterator, a set or another collection without an order.
    """
    if type(y) is np.ndarray or isinstance(y, (list, tuple, pd.DataFrame, pd.Series)):
        return y
    if isinstance(y, np.ma.MaskedArray):
        return unmasked(y)
    if isinstance(y, (str, bytes, bytearray, memoryview)):
        return y
    if hasattr(y, "__array__") and not hasattr(y, "data_vars"):
        return y
    if isinstance(y, Sequence):
        return list(y)
    _refuse_collection(y, name)
    return y


def _refuse_collection(X: Any, name: str) -> None:
    kind = type(X).__name__
    if isinstance(X, Mapping) or hasattr(X, "data_vars"):
        raise TypeError(
            f"{name} is a {kind}, which has no order of samples; expected an array, a list or a "
            f"DataFrame. If its values are sequences, pass list({name}.values()); if they are "
            f"channels, pass pandas.DataFrame({name})."
        )
    if isinstance(X, Iterator):
        raise TypeError(
            f"{name} is a {kind}, which can be read only once; expected an array, a list or a "
            f"DataFrame. Pass list({name})."
        )
    if isinstance(X, AbstractSet):
        raise TypeError(
            f"{name} is a {kind}, which has no order; expected an array, a list or a DataFrame."
        )
    is_table = any(hasattr(X, one) for one in ("__dataframe__", "columns", "ndim", "shape"))
    is_collection = hasattr(X, "__iter__") or (hasattr(X, "__getitem__") and hasattr(X, "__len__"))
    if is_collection and not is_table and not hasattr(X, "__array_interface__"):
        raise TypeError(
            f"{name} is a {type(X).__module__}.{kind}; expected an array, a list or a DataFrame. "
            f"Gather its sequences in a list, for example [x for x in {name}]."
        )


def is_labelled(X: Any) -> bool:
    """Whether `X` is an array whose dimensions have names, such as one of xarray."""
    # A frame may have columns of these names, and a set of arrays has them.
    if type(X) is np.ndarray or isinstance(X, (list, pd.DataFrame)) or hasattr(X, "data_vars"):
        return False
    return hasattr(X, "dims") and hasattr(X, "coords") and hasattr(X, "__array__")


def check_dimensions(X: Any, name: str, *, time_axis: int) -> None:
    """Raise an error if the dimensions of a labelled array say that its axes stand otherwise.

    Parameters
    ----------
    X : labelled array
        With `dims` and `coords`.
    name : str
        Its name in errors.
    time_axis : int
        The axis of time steps: 1 for a set of sequences, 0 for a single one. Channels come
        after it, samples before.
    """
    roles = [_role(X, dim) for dim in X.dims]
    places = {"time": time_axis, "channel": time_axis + 1}
    misplaced = [
        dim
        for axis, (dim, role) in enumerate(zip(X.dims, roles, strict=True))
        if role != "sample" and axis != places[role]
    ]
    if not misplaced:
        return
    order = [
        dim
        for one in ("sample", "time", "channel")
        for dim, role in zip(X.dims, roles, strict=True)
        if role == one
    ]
    wanted = "(samples, time, channels)" if time_axis else "(time, channels)"
    remedy = f"Pass {name}.transpose({', '.join(map(repr, order))})"
    if order == list(X.dims):
        remedy = "Add the axis that is missing"
    raise ValueError(
        f"{name} has the dimensions {tuple(X.dims)}, of which {misplaced[0]!r} is not where it is "
        f"read; the order is {wanted}. {remedy}, or {name}.to_numpy() if the axes do stand so."
    )


def _role(X: Any, dim: Any) -> str:
    name = str(dim).lower()
    if name in TIME_NAMES:
        return "time"
    if name in (CHANNEL_NAMES if len(X.dims) == 2 else WIDE_CHANNEL_NAMES):
        return "channel"
    if dim in X.coords and np.asarray(X.coords[dim]).dtype.kind in "mM":
        return "time"
    return "sample"


def channel_names(X: Any) -> list[str] | None:
    """The names that a labelled array of three axes gives to its channels, None if it does not."""
    if not is_labelled(X) or len(X.dims) != 3 or X.dims[2] not in X.coords:
        return None
    names = np.asarray(X.coords[X.dims[2]]).tolist()
    return names if isinstance(names, list) and all(isinstance(n, str) for n in names) else None


def check_time_index(item: Any, where: str) -> None:
    """Raise an error if a Series or DataFrame has an index of times that is not in order."""
    if not isinstance(item, (pd.Series, pd.DataFrame)):
        return
    index = item.index
    is_time = isinstance(index, (pd.DatetimeIndex, pd.PeriodIndex, pd.TimedeltaIndex))
    if is_time and not index.is_monotonic_increasing:
        raise ValueError(
            f"{where} has an index of times that are not in order, but its rows are read as they "
            "stand. Pass it with sort_index(), or without the times, as to_numpy()."
        )
