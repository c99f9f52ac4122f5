"""The static features of a stream: what is known of a sequence when it begins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from skrnn.core.embedding import without_vector
from skrnn.sequences import as_pandas, is_sequence, plain
from skrnn.sequences._static import static_values
from skrnn.sequences._values import unmasked
from skrnn.streaming._chain import Chain
from skrnn.streaming._steps import example_of


class StaticReader:
    """Reads static features as the user has them, and brings them to where a network takes them.

    They go through `transform` of all that stands in front of the network, in a table whose
    sequences have one step.

    Parameters
    ----------
    chain : Chain
        What a stream runs.

    Attributes
    ----------
    n : int
        Static features that the network takes of a sequence, perhaps none.
    n_constant : int
        How many of them are channels.
    labels : list
        Names, or numbers, of the columns that the user gives.
    """

    def __init__(self, chain: Chain):
        estimator = chain.estimator
        network = estimator.network_
        self.n: int = getattr(estimator, "n_static_in_", 0)
        self.n_constant: int = 0 if network.architecture.n_static else self.n
        self._name = type(estimator).__name__
        self._fitted = chain.fitted
        self._dtype = network.parameters.vector.dtype
        self._columns = dict(enumerate(chain.is_static if self.n else ()))
        names = getattr(chain.first, "feature_names_in_", None)
        self._names = list(self._columns if names is None else names)
        self.labels: list[Any] = [self._names[j] for j, one in self._columns.items() if one]
        self._behind = estimator._X_static if self.n else ()
        first = chain.transformers[0] if chain.transformers else None
        self._example = example_of(first, chain.n_channels)
        embedding, n_channels = network.architecture.embedding, network.architecture.n_inputs
        tables = [] if embedding is None else embedding.tables()
        first_constant = n_channels - self.n_constant
        self._n_ids = {j - first_constant: n for j, _, (n, _) in tables if j >= first_constant}

    def read(self, static: Any, n_rows: int) -> np.ndarray:
        """Return the static features of some streams, (n_rows, n), as the network takes them.

        Raises
        ------
        ValueError
            If they are not those of the columns in `fit`, or not valid.
        """
        if self.n == 0:
            raise ValueError(
                f"{self._name} was fitted without static features, so static= has to be left out."
            )
        table = self._table(self._checked(_frame_of(static, n_rows, len(self.labels)), n_rows))
        for one in self._fitted:
            try:
                table = one.transform(table)
            except ValueError as error:
                raise ValueError(f"{type(one).__name__} refuses static: {error}") from error
        behind = pd.DataFrame(plain(table)).loc[:, np.array(self._behind)]
        values = static_values(behind.reset_index(drop=True), self._dtype, "static")
        for j, n_ids in self._n_ids.items():
            ids = values[:, j]
            wrong = without_vector(ids, n_ids)
            if wrong.any():
                raise ValueError(
                    f"static has {ids[wrong][0]:.15g} in column {behind.columns[j]!r}, but the "
                    f"known ids are 0 to {n_ids - 1}."
                )
        return values

    def missing(self, stream: int) -> ValueError:
        """Return the error of a stream that goes on without static features."""
        return ValueError(
            f"Stream {stream} has no static features yet, but {self._name} was fitted with the "
            f"static columns {self.labels}. Pass those of all streams as static= when the stream "
            f"is made, or those of this one by reset({stream}, static=...)."
        )

    def _checked(self, frame: pd.DataFrame, n_rows: int) -> pd.DataFrame:
        """Return the columns in the order of `fit`."""
        names = frame.columns.tolist()
        has_names = any(isinstance(name, str) for name in names)
        if has_names and all(isinstance(label, str) for label in self.labels):
            unknown = [name for name in names if name not in self.labels]
            lacking = [name for name in self.labels if name not in names]
            if unknown or lacking:
                what = f"no column {lacking[0]!r}" if lacking else f"the column {unknown[0]!r}"
                channels = unknown and not lacking and unknown[0] in self._names
                raise ValueError(
                    f"static has {what}; {self._name} was fitted with the static columns "
                    f"{self.labels}."
                    + (" Values of channels come with the steps." if channels else "")
                )
            frame = frame[self.labels]
        if frame.shape != (n_rows, len(self.labels)):
            raise ValueError(
                f"static has shape {frame.shape}; expected {(n_rows, len(self.labels))}: a row "
                f"for every stream that begins, with the static columns {self.labels}."
            )
        return frame

    def _table(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return static features beside sequences of one step."""
        n_rows, parts = len(frame), []
        static, examples = iter(range(frame.shape[1])), iter(self._example)
        for is_static in self._columns.values():
            if is_static:
                parts.append(frame.iloc[:, next(static)].array)
            else:
                cell = [np.nan if is_static is None else next(examples)]
                parts.append(pd.Series([cell] * n_rows, dtype=object).array)
        return pd.DataFrame(dict(enumerate(parts))).set_axis(self._names, axis=1)


def _frame_of(static: Any, n_rows: int, n_static: int) -> pd.DataFrame:
    """Return static features in any form as a table, with names if they have any."""
    static = unmasked(as_pandas(static))
    if isinstance(static, pd.DataFrame):
        return static
    if isinstance(static, pd.Series):
        named = all(isinstance(name, str) for name in static.index)
        static = static.to_dict() if named else static.tolist()
    if isinstance(static, Mapping):
        return _frame_of_columns(static, n_rows)
    rows = list(static) if is_sequence(static) else [static]
    if rows and all(isinstance(row, Mapping) for row in rows):
        return pd.DataFrame(rows)
    single = [not is_sequence(row) for row in rows]
    if all(single):
        # One row of a single stream, or one value for every stream.
        rows = [[value] for value in rows] if n_rows != 1 and n_static == 1 else [rows]
    elif any(single):
        raise ValueError(
            f"static has {rows[single.index(True)]!r} beside a row of values; expected rows for "
            f"{n_rows} streams, each with {n_static} values."
        )
    if isinstance(static, np.ndarray) and static.dtype != object:
        return pd.DataFrame(np.array(rows, static.dtype))
    return pd.DataFrame(rows).infer_objects()


def _frame_of_columns(columns: Mapping[Any, Any], n_rows: int) -> pd.DataFrame:
    """Return a table of columns by name; a single value is that of every stream."""
    values = {
        name: list(column) if is_sequence(column) else [column] * n_rows
        for name, column in columns.items()
    }
    wrong = [name for name, column in values.items() if len(column) != n_rows]
    if wrong:
        raise ValueError(
            f"static has {len(values[wrong[0]])} values in column {wrong[0]!r}; expected {n_rows}: "
            "one for every stream that begins."
        )
    return pd.DataFrame(values)
