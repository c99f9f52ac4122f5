"""Texts and sequences of tokens, in every form that TokenEncoder takes, as a table of cells."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from numbers import Number
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.sparse import issparse

from skrnn._shown import python_value
from skrnn.sequences import (
    as_pandas,
    has_sequence_cells,
    is_sequence,
    items_of,
    unpack_steps,
)


class Column(NamedTuple):
    """One channel: its entries at all time steps, sample after sample, and the lengths."""

    values: np.ndarray
    lengths: np.ndarray


class Cells(NamedTuple):
    """Any accepted X as a table of cells, each of them a text or a sequence.

    Attributes
    ----------
    frame : DataFrame of shape (n_samples, n_channels)
        The cells.
    form : {"table", "rows", "items"}
        Whether X is such a table, has a sequence as every row, or is a list of sequences.
    X : DataFrame, Series, ndarray, list or tuple
        The object that they were read from.
    """

    frame: pd.DataFrame
    form: str
    X: Any

    @classmethod
    def of(cls, X: Any) -> Cells:
        """Read an X of any form."""
        if not isinstance(X, (list, tuple, pd.Series, pd.DataFrame)) and hasattr(X, "__array__"):
            X = as_pandas(X)
            if not isinstance(X, (pd.Series, pd.DataFrame)):
                X = np.asarray(X)
        _check_form(X)
        if getattr(X, "ndim", 1) == 1:
            column = X if isinstance(X, pd.Series) else _objects(X)
            return cls(pd.DataFrame({0: column}), "items", X)
        table = X if isinstance(X, pd.DataFrame) else pd.DataFrame(X)
        if has_sequence_cells(table) or _is_column_of_texts(table):
            return cls(table, "table", X)
        rows = _objects(table.to_numpy(dtype=object))
        return cls(pd.DataFrame({0: rows}), "rows", X)

    def sequences(self, channel: int, analyze: Callable[[str], Iterable]) -> list[list]:
        """Return the tokens of every sample."""
        cells = items_of(self.frame.iloc[:, channel])
        return [self._tokens(cell, i, channel, analyze) for i, cell in enumerate(cells)]

    def _tokens(self, cell: Any, i: int, channel: int, analyze: Callable) -> list:
        if isinstance(cell, (str, bytes)):
            return list(analyze(cell))
        if not is_sequence(cell) or getattr(cell, "ndim", 1) != 1:
            what = f"has shape {cell.shape}" if is_sequence(cell) else f"is {python_value(cell)!r}"
            raise ValueError(
                f"{self._cell(i, channel)} {what}; expected a text or a 1-D sequence of tokens. "
                "An empty one is '' or []."
            )
        return cell.tolist() if hasattr(cell, "tolist") else list(cell)

    def _cell(self, i: int, channel: int) -> str:
        if self.form != "table":
            return f"X[{i}]"
        row, column = self.frame.index.tolist()[i], self.frame.columns.tolist()[channel]
        return f"X in row {row!r}, column {column!r},"

    def with_columns(self, columns: list[Column | None]) -> Any:
        """Return X in its own form with other values in the columns that are given."""
        if self.form == "rows":
            table = columns[0].values.reshape(len(self.X), -1)  # type: ignore[union-attr]
            if isinstance(self.X, pd.DataFrame):
                return pd.DataFrame(table, self.X.index, self.X.columns)
            return table
        cells = [
            self.frame.iloc[:, channel].array
            if column is None
            else unpack_steps(column.values, column.lengths, ragged=True)
            for channel, column in enumerate(columns)
        ]
        if isinstance(self.X, pd.DataFrame):
            frame = pd.DataFrame(dict(enumerate(cells)), index=self.X.index)
            return frame.set_axis(self.X.columns, axis=1)
        if self.form == "table":
            return np.column_stack(cells)
        (items,) = cells
        if isinstance(self.X, pd.Series):
            return pd.Series(items, index=self.X.index, name=self.X.name)
        return items if isinstance(self.X, np.ndarray) else type(self.X)(items)


def _check_form(X: Any) -> None:
    n_axes = 1 if isinstance(X, (list, tuple)) else getattr(X, "ndim", 0)
    if issparse(X):
        raise TypeError("X is a sparse matrix; sparse input is not supported. Pass tokens.")
    if n_axes not in (1, 2):
        what = f"has shape {X.shape}" if n_axes else f"is {type(X).__name__}"
        raise ValueError(
            f"X {what}; expected a list of texts or of sequences of tokens, a DataFrame whose "
            "cells are such, or a 2-D array whose rows are sequences. A single one goes in as [X]."
        )
    for size, what in zip(getattr(X, "shape", [len(X)]), ("sample", "feature"), strict=False):
        if size == 0:
            shape = f" (shape={X.shape})" if hasattr(X, "shape") else ""
            raise ValueError(f"X has 0 {what}(s){shape} while a minimum of 1 is required.")


def _objects(items: Any) -> np.ndarray:
    """Return a 1-D object array of the items, whatever sequences they are."""
    return np.fromiter(items, dtype=object, count=len(items))


def _is_column_of_texts(table: pd.DataFrame) -> bool:
    return table.shape[1] == 1 and isinstance(table.iat[0, 0], (str, bytes))


def holds_numbers(column: pd.Series) -> bool:
    """Return whether the first sequence of a column that is not empty holds numbers."""
    for cell in items_of(column):
        if is_sequence(cell) and len(cell):
            return all(isinstance(token, (Number, np.bool_)) for token in cell)
    return False
