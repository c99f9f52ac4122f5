"""Scale of the columns of single values that stand beside columns of sequences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from skrnn.sequences import plain
from skrnn.sequences._static import is_numeric, numbers_of

# For every column its statistics, an object of `STATISTICS`; None if there is nothing to learn.
StaticStatistics = list[Any]


def static_frame(X: Any, is_static: Sequence[bool]) -> pd.DataFrame:
    """Return the columns of single values of a table of sequences."""
    return pd.DataFrame(plain(X)).loc[:, np.asarray(is_static, dtype=bool)]


def static_statistics(
    frame: pd.DataFrame, kind: Any, weight: Any, scaled: Sequence[bool]
) -> StaticStatistics:
    """Return the statistics of every column of numbers over the values that are there.

    Parameters
    ----------
    frame : DataFrame of shape (n_samples, n_static)
        Columns of single values, of whatever kind.
    kind : type
        One of `STATISTICS`.
    weight : array-like of shape (n_samples,) or None
        Weights of the samples, >= 0.
    scaled : sequence of bool of length n_static
        Which columns are to be scaled, if they hold numbers.

    Returns
    -------
    list of length n_static
    """
    weight = None if weight is None else np.asarray(weight, dtype=np.float64)
    return [
        _of_column(frame.iloc[:, j], kind, weight) if scaled[j] else None
        for j in range(frame.shape[1])
    ]


def _of_column(column: pd.Series, kind: Any, weight: np.ndarray | None) -> Any:
    if not is_numeric(column):
        return None
    values = numbers_of(column)
    there = ~np.isnan(values)
    of_values = None if weight is None else weight[there]
    if not there.any() or (of_values is not None and not of_values.any()):
        return None
    return kind.of(values[there, np.newaxis], of_values)


def merged_static(before: StaticStatistics, after: StaticStatistics) -> StaticStatistics:
    """Return the statistics of both."""
    return [
        one or other if one is None or other is None else one.merge(other)
        for one, other in zip(before, after, strict=True)
    ]


def centers_and_spreads(statistics: StaticStatistics) -> tuple[np.ndarray, np.ndarray]:
    """Return center and spread of every column, 0 and 1 where there is nothing to scale."""
    center = [0.0 if one is None else one.center[0] for one in statistics]
    spread = [1.0 if one is None else one.spread[0] for one in statistics]
    return np.array(center), np.array(spread)


def with_scaled(
    table: Any,
    frame: pd.DataFrame,
    is_static: Sequence[bool],
    statistics: StaticStatistics,
    operations: list[tuple[Any, np.ndarray]],
) -> Any:
    """Put the scaled columns of single values into a table of sequences, and return it.

    Parameters
    ----------
    table : DataFrame or ndarray of shape (n_samples, n_columns)
        Changed in place.
    frame : DataFrame of shape (n_samples, n_static)
        The columns as they came.
    is_static : sequence of bool
        Which columns of `table` they are.
    statistics : list of length n_static
        Tells which of them are scaled.
    operations : list of (ufunc, ndarray of shape (n_static,))
        What to do, one after the other.
    """
    for k, j in enumerate(np.flatnonzero(is_static).tolist()):
        if statistics[k] is None:
            continue
        values = numbers_of(frame.iloc[:, k])
        dtype = values.dtype
        for ufunc, row in operations:
            values = ufunc(values, row[k], dtype=np.float64)
        values = values.astype(dtype)
        if isinstance(table, pd.DataFrame):
            table.isetitem(j, values)
        else:
            table[:, j] = values
    return table
