"""Objects of other libraries and of Python that hold sequences, as one of the forms of X."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.typing import DataFrameGroupBy, SeriesGroupBy
from scipy.sparse import issparse

from skrnn.sequences._foreign import as_pandas
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
        What is masked in a masked array is NaN; a collection with an order that is neither list nor
        tuple, nor an array, is a list; a labelled array is a plain one, with its axes in order; a
        table of another library with lists in its cells is one of pandas. Everything else as it is.

    Raises
    ------
    TypeError
        If `X` is a mapping, an iterator, a set or another collection without an order.
    ValueError
        If the dimensions of a labelled array do not say which are which.
    """
    known = (list, tuple, pd.DataFrame, pd.Series)
    if type(X) is np.ndarray or isinstance(X, known) or issparse(X):
        return X
    if is_labelled(X):
        return np.asarray(in_order(X, name, time_axis=1))
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
    if isinstance(y, (type, str, bytes, bytearray, memoryview)):
        return y
    y = as_pandas(y)
    if isinstance(y, (pd.DataFrame, pd.Series)):
        return y
    if hasattr(y, "__array__") and not hasattr(y, "data_vars"):
        return y
    _refuse_without_order(y, name)
    if _is_table(y):
        return y
    if isinstance(y, Collection):
        return list(y)
    if hasattr(y, "__getitem__") and hasattr(y, "__len__"):
        return _items_by_index(y, name)
    if hasattr(y, "__iter__"):
        raise _not_understood(y, name)
    return y


def _is_table(X: Any) -> bool:
    """Whether `X` is something of rows and columns, or axes, that scikit-learn may know."""
    known = ("__dataframe__", "columns", "ndim", "shape", "__array_interface__")
    return any(hasattr(X, one) for one in known)


def _items_by_index(X: Any, name: str) -> list:
    """The items of an object that has a length and answers to indices, as data sets of torch."""
    items = [X[i] for i in range(len(X))]
    if any(isinstance(item, tuple) for item in items):
        raise TypeError(
            f"{name} is a {type(X).__module__}.{type(X).__name__} whose items are tuples, in which "
            f"targets may stand beside sequences. Gather the parts apart, for example "
            f"[x for x, *_ in {name}]."
        )
    return items


def _not_understood(X: Any, name: str) -> TypeError:
    return TypeError(
        f"{name} is a {type(X).__module__}.{type(X).__name__}; expected an array, a list or a "
        f"DataFrame. Gather its sequences in a list, for example [x for x in {name}]."
    )


def _refuse_without_order(X: Any, name: str) -> None:
    kind = type(X).__name__
    if hasattr(X, "collect_schema") and not hasattr(X, "__len__"):
        raise TypeError(
            f"{name} is a {kind}, which has no rows yet; expected a table in memory. Call its "
            "collect()."
        )
    if isinstance(X, (DataFrameGroupBy, SeriesGroupBy)):
        raise TypeError(
            f"{name} is a {kind}, the groups of a table; skrnn.preprocessing.from_long gathers "
            "them from the table itself, with what they are grouped by as id."
        )
    if hasattr(X, "data_vars"):
        raise TypeError(
            f"{name} is a {kind}, a set of arrays; expected one array. If its variables are the "
            f"channels, pass {name}.to_dataarray(dim='channel')."
        )
    if isinstance(X, Mapping):
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


def is_labelled(X: Any) -> bool:
    """Whether `X` is an array whose dimensions have names, such as one of xarray."""
    # A frame may have columns of these names, and a set of arrays has them.
    if type(X) is np.ndarray or isinstance(X, (list, pd.DataFrame)) or hasattr(X, "data_vars"):
        return False
    return hasattr(X, "dims") and hasattr(X, "coords") and hasattr(X, "__array__")


def in_order(X: Any, name: str, *, time_axis: int) -> Any:
    """Return a labelled array with its axes where they are read.

    Parameters
    ----------
    X : labelled array
        With `dims`, `coords` and `transpose`.
    name : str
        Its name in errors.
    time_axis : int
        The axis of time steps: 1 for a set of sequences, 0 for a single one. Channels come
        after it, samples before.

    Returns
    -------
    labelled array
        `X` itself, or a view of it.

    Raises
    ------
    ValueError
        If the names of the dimensions contradict the order and do not say which one is meant.
    """
    roles = [_role(X, dim) for dim in X.dims]
    places = {"time": time_axis, "channel": time_axis + 1}
    misplaced = [
        dim
        for axis, (dim, role) in enumerate(zip(X.dims, roles, strict=True))
        if role != "sample" and axis != places[role]
    ]
    if not misplaced:
        return X
    # Beside time, a single sequence has one axis, whatever it is called.
    roles_in_order = ["sample", "time", "channel"]
    if time_axis == 0:
        roles_in_order = ["time", "channel", "sample"]
    order = [
        dim
        for one in roles_in_order
        for dim, role in zip(X.dims, roles, strict=True)
        if role == one
    ]
    is_complete = time_axis == 0 or "sample" in roles
    if "time" in roles and is_complete and len(set(roles)) == len(roles):
        return X.transpose(*order)
    wanted = "(samples, time, channels)" if time_axis else "(time, channels)"
    raise ValueError(
        f"{name} has the dimensions {tuple(X.dims)}, of which {misplaced[0]!r} is not where it is "
        f"read; the order is {wanted}, and the names do not say which dimension is which. Bring "
        f"them into that order with {name}.transpose, or pass {name}.to_numpy() if they stand so."
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
