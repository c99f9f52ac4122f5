"""Reading tables that have one row per time step."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from numbers import Number
from typing import Any

import numpy as np
import pandas as pd

from skrnn._shown import python_value

# What pandas infers of objects that are all numbers, missing ones aside.
NUMBERS = {"floating", "integer", "mixed-integer-float", "decimal", "boolean", "empty"}
# What it infers of objects that sort in the order of time.
TIMES = NUMBERS | {"datetime", "datetime64", "date", "time", "timedelta", "timedelta64", "period"}


def as_table(data: Any) -> pd.DataFrame:
    """Return a pandas DataFrame of any frame that narwhals reads.

    Raises
    ------
    TypeError
        If `data` is no frame.
    ImportError
        If `data` is no pandas object and narwhals is not installed.
    ValueError
        If `data` has no rows.
    """
    table = data if isinstance(data, pd.DataFrame) else _from_narwhals(data)
    if len(table) == 0:
        raise ValueError("data has no rows; at least one time step is needed.")
    return table


def _from_narwhals(data: Any) -> pd.DataFrame:
    found = f"got {type(data).__module__}.{type(data).__qualname__}"
    if isinstance(data, np.ndarray | list | tuple | dict | str | pd.Series):
        raise TypeError(f"data must be a DataFrame, {found}. Wrap it in pandas.DataFrame.")
    try:
        import narwhals as nw
    except ImportError as error:
        raise ImportError(
            f"data must be a pandas DataFrame, {found}. To read other frames, such as those of "
            "polars and pyarrow, install narwhals: pip install narwhals."
        ) from error
    try:
        frame = nw.from_native(data)
    except TypeError as error:
        raise TypeError(
            f"data must be a DataFrame of a kind that narwhals reads, {found}."
        ) from error
    if isinstance(frame, nw.LazyFrame):
        raise TypeError(f"data must be a DataFrame in memory, {found}. Call its collect() first.")
    columns = {name: _pandas_column(frame[name]) for name in frame.columns}
    return pd.DataFrame(columns, copy=False)


def _pandas_column(column: Any) -> Any:
    """A column of a narwhals frame as what pandas makes of it."""
    import narwhals as nw

    dtype = column.dtype
    if isinstance(dtype, nw.Categorical | nw.Enum):
        column = column.cast(nw.String)
    values = column.to_numpy()
    if isinstance(dtype, nw.Datetime) and dtype.time_zone is not None and values.dtype.kind == "M":
        return pd.DatetimeIndex(values).tz_localize("UTC").tz_convert(dtype.time_zone)
    if dtype == nw.Boolean and values.dtype == object:
        return pd.array(values, dtype="boolean")
    return values


def column_of(data: pd.DataFrame, name: Hashable) -> pd.Series:
    """Return a column or a level of the index, by name."""
    if name in data.columns:
        column = data[name]
        if isinstance(column, pd.DataFrame):
            raise ValueError(
                f"data has {column.shape[1]} columns named {python_value(name)!r}; rename them."
            )
        return column
    if name in data.index.names:
        return pd.Series(data.index.get_level_values(name))
    levels = [level for level in data.index.names if level is not None]
    raise ValueError(
        f"data has no column {python_value(name)!r}. Its columns are {list(data.columns)}"
        f"{f' and the levels of its index {levels}' if levels else ''}."
    )


def label(index: pd.Index, i: int) -> Any:
    """Return an entry of an index as a Python object, which errors show as the user wrote it."""
    return index[i : i + 1].tolist()[0]


def listed(names: Any, data: pd.DataFrame) -> list[Hashable]:
    """Return one label or several as a list; a tuple is one if it is the label of a column."""
    is_array = isinstance(names, pd.Series | np.ndarray)
    if is_array and not pd.Index(np.ravel(names)).isin(data.columns).all():
        raise TypeError(
            f"Columns are named by their labels, but got a {type(names).__name__} of {len(names)} "
            "values. Make a column of data of what has a value for every row; what has one for "
            "every sequence goes beside X afterwards, as y.loc[X.index]."
        )
    several = not isinstance(names, Hashable) or (
        isinstance(names, tuple) and names not in data.columns
    )
    return list(names) if several else [names]


def numeric_columns(data: pd.DataFrame, but: Sequence[Hashable]) -> list[Hashable]:
    """Return the labels of the columns of real numbers, without some."""
    names = [name for name, dtype in data.dtypes.items() if _is_real(dtype) and name not in but]
    if not names:
        left_out = " and ".join(repr(name) for name in but if name is not None)
        raise ValueError(
            f"data has no numeric column{f' but {left_out}' if left_out else ''} to be a channel."
        )
    return names


def _is_real(dtype: Any) -> bool:
    is_number = pd.api.types.is_numeric_dtype(dtype) or pd.api.types.is_bool_dtype(dtype)
    return is_number and not pd.api.types.is_complex_dtype(dtype)


def codes_of(
    data: pd.DataFrame, id: Hashable, *, sort: bool = False
) -> tuple[np.ndarray, pd.Index]:
    """Return for every row the number of its sequence, and the ids.

    The ids are in the order of appearance or, with `sort`, in that of ``data.groupby(id)``.
    """
    codes, ids = pd.factorize(column_of(data, id), sort=sort)
    if (codes < 0).any():
        row = label(data.index, int(np.argmin(codes)))
        raise ValueError(f"Row {row!r} has no id: column {id!r} is missing there. Drop such rows.")
    return codes, pd.Index(ids, name=id)


def sequence_order(
    codes: np.ndarray, ids: pd.Index, times: pd.Series | None, id: Hashable, time: Hashable | None
) -> np.ndarray | slice:
    """Return the rows, sequence after sequence and by time; a slice where they stand so already.

    Raises
    ------
    ValueError
        If a time is missing, or a sequence has the same time twice.
    """
    if times is None:
        return slice(None) if (codes[1:] >= codes[:-1]).all() else np.argsort(codes, kind="stable")
    check_times(times, time)
    if times.hasnans:
        sequence = _name_of(codes, ids, id, int(np.argmax(times.isna())))
        raise ValueError(f"{sequence} has a row without {time!r}. Drop such rows.")
    place = _places(codes, len(ids), times)
    if (place[1:] > place[:-1]).all():
        return slice(None)
    order = np.argsort(place)
    place = place[order]
    distinct = place[1:] > place[:-1]
    if not distinct.all():
        row = order[int(np.argmin(distinct))]
        raise ValueError(
            f"{_name_of(codes, ids, id, row)} has more than one row with {time} "
            f"{label(pd.Index(times), row)!r}. Drop the duplicates, or aggregate them."
        )
    return order


def check_times(times: pd.Series, name: Hashable) -> None:
    """Raise an error if times are texts, which are in another order than the times they tell.

    Raises
    ------
    TypeError
        If the values are texts, categories without an order, or of several types.
    """
    dtype = times.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        if dtype.ordered:
            return
        times = pd.Series(dtype.categories)
    if not (pd.api.types.is_object_dtype(times.dtype) or pd.api.types.is_string_dtype(times.dtype)):
        return
    found = pd.api.types.infer_dtype(times, skipna=True)
    if found in TIMES:
        return
    first = next((value for value in times if isinstance(value, str)), None)
    example = "" if first is None else f" such as {first!r}"
    raise TypeError(
        f"The times in {name!r} are of the type {found}{example}, which sorts in another order "
        "than time runs. Convert them, for example with pandas.to_datetime, to_timedelta or "
        "to_numeric, or make them ordered categories."
    )


def _name_of(codes: np.ndarray, ids: pd.Index, id: Hashable | None, row: int) -> str:
    """The sequence that a row belongs to, in words."""
    return "data" if id is None else f"{id} {label(ids, codes[row])!r}"


def _places(codes: np.ndarray, n_ids: int, times: pd.Series) -> np.ndarray:
    """One integer for every row that grows with its sequence, and within it with its time."""
    keys = None
    if isinstance(times.dtype, np.dtype) and times.dtype.kind in "iumM":
        keys = times.to_numpy().astype(np.int64, copy=False)
        width = int(keys.max()) - int(keys.min()) + 1
        keys = keys - keys.min() if width * n_ids < 2**63 else None
    if keys is None:
        keys, distinct = pd.factorize(times, sort=True)
        width = len(distinct)
    return codes * np.int64(width) + keys


def values_of(
    data: pd.DataFrame, name: Hashable, *, text: bool = False, what: str = "Channel"
) -> np.ndarray:
    """Return a column of real numbers as a float array; missing ones are NaN.

    Parameters
    ----------
    data : DataFrame
        The table.
    name : label
        Of the column.
    text : bool, default=False
        Whether the column may as well be one of strings. It becomes an object array, in which
        missing strings are None.
    what : str, default="Channel"
        What the column is for, in errors.

    Returns
    -------
    ndarray of shape (n_rows,)
        float32 where the column is, else float64, or object. It may share memory with `data`.

    Raises
    ------
    TypeError
        If the column is of another type, or mixes types.
    """
    column = column_of(data, name)
    dtype = column.dtype
    if _is_real(dtype):
        as_float = (
            np.float32 if str(dtype).lower().startswith(("float32", "float[")) else np.float64
        )
        if isinstance(dtype, np.dtype):
            return column.to_numpy(dtype=as_float)
        return column.to_numpy(dtype=as_float, na_value=np.nan)
    objects = _objects(column)
    if objects is not None:
        inferred = pd.api.types.infer_dtype(objects, skipna=True)
        if inferred in NUMBERS:
            return pd.Series(objects).astype(np.float64).to_numpy()
        if inferred == "string" and text:
            return pd.Series(objects, dtype=object).where(pd.notna(objects), None).to_numpy()
        _refuse_mixture(data, name, objects, what)
    remedy = "leave it out of channels" if what == "Channel" else "name another target"
    if what == "Channel" and pd.api.types.is_datetime64_any_dtype(dtype):
        remedy = (
            f"Take what matters of it, such as its hour (.dt.hour), or {remedy}; "
            "from_long(..., elapsed=True) adds the time between rows"
        )
    else:
        remedy = f"Convert it, or {remedy}"
    raise TypeError(
        f"{what} {name!r} has dtype {dtype}; a {what.lower()} must be a column of real numbers"
        f"{' or strings' if text else ''}. {remedy}."
    )


def _objects(column: pd.Series) -> np.ndarray | None:
    """The values of a column of objects, strings or categories, else None."""
    dtype = column.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        # The code of what is missing is -1, the last one.
        categories = np.array([*dtype.categories, None], dtype=object)
        return categories[column.cat.codes]
    if pd.api.types.is_object_dtype(dtype) or pd.api.types.is_string_dtype(dtype):
        return column.to_numpy(dtype=object)
    return None


def _refuse_mixture(data: pd.DataFrame, name: Hashable, objects: np.ndarray, what: str) -> None:
    """Raise an error that names the first value that is no number among numbers, or is one."""
    present = np.flatnonzero(pd.notna(objects))
    is_number = np.array([isinstance(objects[i], Number) for i in present])
    differs = is_number != is_number[0]
    if differs.any():
        i = int(present[np.argmax(differs)])
        value, first = python_value(objects[i]), python_value(objects[present[0]])
        raise TypeError(
            f"{what} {name!r} mixes types: row {label(data.index, i)!r} holds {value!r}, a "
            f"{type(objects[i]).__name__}, and the first value is {first!r}. "
            "Convert the column to numbers, for example with pandas.to_numeric."
        )
