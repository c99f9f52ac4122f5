"""Tables and columns of other libraries whose cells are sequences, as those of pandas.

Nothing is asked of a library but what its objects offer: the stream of Arrow, which polars, pyarrow
and DuckDB speak, or the format "arrow" of a data set of Hugging Face. The numbers are not copied.
"""

from __future__ import annotations

from typing import Any

import pandas as pd


def as_pandas(X: Any) -> Any:
    """Return a table or column of another library with lists in its cells as one of pandas.

    Parameters
    ----------
    X : object
        Anything but an object of pandas.

    Returns
    -------
    object
        A DataFrame or Series whose columns are stored by Arrow; `X` as it is if it is no table, or
        has no lists in its cells.

    Raises
    ------
    ImportError
        If `X` can be read by Arrow alone, and pyarrow is not installed.
    """
    if is_data_set(X):
        return _frame(X.with_format("arrow")[:])
    is_stream = hasattr(X, "__arrow_c_stream__")
    if not (is_stream or hasattr(X, "__arrow_c_array__")) or not _holds_lists(X):
        return X
    pa = _pyarrow(X)
    if hasattr(X, "columns") or hasattr(X, "column_names"):
        return _frame(pa.table(X))
    chunks = pa.chunked_array(X if is_stream else [pa.array(X)])
    return pd.Series(pd.arrays.ArrowExtensionArray(chunks), name=getattr(X, "name", None))


def is_data_set(X: Any) -> bool:
    """Whether `X` is a data set of Hugging Face, with all its rows at hand."""
    return all(hasattr(X, one) for one in ("with_format", "column_names", "__len__"))


def _holds_lists(X: Any) -> bool:
    """Whether a table or column has lists in its cells, by its types alone."""
    schema = getattr(X, "schema", None)
    if schema is None:
        types = [getattr(X, "dtype", getattr(X, "type", ""))]
    elif hasattr(schema, "types"):  # of pyarrow
        types = schema.types
    else:
        types = schema.values()
    lists = ("list", "large_list", "fixed_size_list", "array")
    return any(str(one).lower().startswith(lists) for one in types)


def _pyarrow(X: Any) -> Any:
    try:
        import pyarrow
    except ImportError as error:
        library = type(X).__module__.split(".")[0]
        raise ImportError(
            f"X is a {library} {type(X).__name__} whose cells are sequences, which needs pyarrow: "
            "pip install pyarrow."
        ) from error
    return pyarrow


def _frame(table: Any) -> pd.DataFrame:
    return table.to_pandas(types_mapper=pd.ArrowDtype)
