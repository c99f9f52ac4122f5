"""One class for each form of X, which finds its channels first and reads its values then.

In between, an estimator may compare the channels with those that it was fitted on
(:mod:`skrnn.sequences._register`); reading itself knows no estimator.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from numbers import Integral
from typing import Any, ClassVar, NamedTuple

import numpy as np
import pandas as pd
from scipy.sparse import issparse
from sklearn.utils.validation import check_array

from skrnn.sequences._cells import flatten_cells, is_sequence, items_of
from skrnn.sequences._checks import all_finite, check_finite, check_not_empty
from skrnn.sequences._containers import (
    check_time_index,
    in_order,
    is_labelled,
    plain,
)
from skrnn.sequences._sequences import Sequences
from skrnn.sequences._static import static_columns, static_values
from skrnn.sequences._tables import check_rows_are_sequences, table_of_numbers, with_samples
from skrnn.sequences._values import as_numbers
from skrnn.sequences._windows import Windows

REMEDY_2D = (
    "Pass a 3-D array (n_samples, n_timesteps, n_channels) or a list of (n_timesteps, n_channels) "
    "arrays; a single sequence goes in as [X], univariate rows as X[:, :, np.newaxis], a long "
    "table through skrnn.preprocessing.from_long."
)
REMEDY_MISSING = (
    "Set missing_values='decay' of RNNClassifier or RNNRegressor, which take missing values then; "
    "or impute them first, for example by skrnn.preprocessing.SequenceImputer, or drop the step."
)
TURNED = " If the axes are (channels, time), pass [x.T for x in X]."
DESCRIPTIONS = {
    "3d": "a 3-D array",
    "ragged": "a list of arrays",
    "nested": "a DataFrame whose cells are sequences",
}


class Expected(NamedTuple):
    """The X to expect: one like that which an estimator was fitted on, if there is an estimator.

    Attributes
    ----------
    name : str or None
        Name of the estimator, for errors.
    kind : str or None
        Form of the X that it was fitted on, as :attr:`Sequences.kind`; None in `fit`.
    n_channels : int or None
        Number of channels that it was fitted on; None in `fit`.
    """

    name: str | None = None
    kind: str | None = None
    n_channels: int | None = None

    @property
    def reader(self) -> str:
        """The estimator in words."""
        return self.name or "this estimator"


class Request(NamedTuple):
    """How an X is to be read.

    Attributes
    ----------
    n_channels : int
        Columns per time step of the 2-D form.
    dtypes : tuple of dtype
        Accepted dtypes; values of any other dtype are converted to the first.
    expected : Expected
        The X to expect.
    channels : list of str or None
        Names that a labelled array gives to its channels.
    static : bool
        Whether columns of single values beside columns of sequences are read, as numbers.
    allow_nan : bool
        Whether values may be missing.
    """

    n_channels: int
    dtypes: tuple[np.dtype, ...]
    expected: Expected
    channels: list[str] | None = None
    static: bool = True
    allow_nan: bool = False

    @classmethod
    def of(cls, n_channels: Any, dtype: Any, expected: Expected) -> Request:
        """Make a request of one dtype or several, in any notation.

        Raises
        ------
        ValueError
            If `n_channels` is not a positive integer, or a dtype neither float32 nor float64.
        """
        is_count = isinstance(n_channels, Integral) and not isinstance(n_channels, bool)
        if not is_count or int(n_channels) < 1:
            raise ValueError(f"n_channels must be an integer >= 1, got {n_channels!r}.")
        several = list(dtype) if isinstance(dtype, (list, tuple)) else [dtype]
        try:
            dtypes = tuple(np.dtype(one) for one in several)
        except TypeError:
            dtypes = ()
        if not dtypes or not set(dtypes) <= {np.dtype(np.float32), np.dtype(np.float64)}:
            raise ValueError(
                f"dtype must be float32 or float64, or a list of them in the order of preference; "
                f"got {dtype!r}."
            )
        return cls(int(n_channels), dtypes, expected)


def _check_array(X: Any, **how: Any) -> np.ndarray:
    """Call scikit-learn's check; a number too large for the dtype is infinite without a warning."""
    if _needs_no_check(X, **how):
        return X
    with np.errstate(over="ignore"):
        return check_array(X, input_name="X", **how)


def _check_table(X: Any, request: Request) -> np.ndarray:
    """Return a table of numbers, among which NaN may be."""
    return _check_array(
        X,
        dtype=list(request.dtypes),
        order="C",
        ensure_all_finite="allow-nan",
        estimator=request.expected.name,
    )


def _needs_no_check(
    X: Any, *, dtype: Sequence[np.dtype], order: str | None = None, **how: Any
) -> bool:
    """Tell whether scikit-learn's check would return `X` itself: for one row it takes a while."""
    if type(X) is not np.ndarray or X.dtype not in dtype or order != "C" or X.size == 0:
        return False
    if not X.flags.c_contiguous:
        return False
    if how.get("allow_nd"):
        return how.get("ensure_all_finite") is False and how.get("ensure_2d") is False
    return X.ndim == 2 and all_finite(X)


class Form:
    """An X in one of the accepted forms, with its channels found and its values not read yet.

    Attributes
    ----------
    kind : str
        As :attr:`Sequences.kind`.
    header : DataFrame or array-like of shape (n, n_features)
        The features as scikit-learn is to see them: their number and, in a DataFrame, their
        names. Features are the channels, or the columns of the 2-D form.
    hint : str
        Addition to the error that the number of channels is not the expected one.
    static : tuple of bool
        For every column of a table of sequences whether it holds single values; empty for every
        other form.
    """

    kind: ClassVar[str]
    header: Any
    hint = ""
    static: tuple[bool, ...] = ()

    @property
    def n_channels(self) -> int:
        """Features that are channels, or columns of the 2-D form."""
        return self.header.shape[1] - sum(self.static)

    def sequences(self) -> Sequences:
        """Check the values and return them."""
        raise NotImplementedError


def _channel_names(header: Any) -> list[str] | None:
    """The names in a header that has a column per channel, None if not all of them are strings."""
    if not isinstance(header, pd.DataFrame):
        return None
    names = list(header.columns)
    return names if all(isinstance(name, str) for name in names) else None


class Rows(Form):
    """A table with a sequence in every row."""

    kind = "2d"

    def __init__(self, X: Any, request: Request):
        expected = request.expected
        X = _checked_table(X)
        if expected.kind is None:
            check_rows_are_sequences(X, request.n_channels)
        if expected.kind not in (None, "2d"):
            shape = _check_table(X, request).shape
            raise ValueError(
                f"X is 2-D with shape {shape}, but {expected.reader} was fitted on sequences of "
                f"{count_channels(expected.n_channels)} ({DESCRIPTIONS[expected.kind]}). "
                f"{REMEDY_2D}"
            )
        self.request = request
        # As in scikit-learn, names are compared before values are looked at.
        self.header = X if hasattr(X, "columns") else self._checked(X)

    def _checked(self, X: Any) -> np.ndarray:
        request = self.request
        table = _check_table(X, request)
        # Before it is known whether the columns make whole steps.
        width = request.n_channels if table.shape[1] % request.n_channels == 0 else 1
        values = table.reshape(-1, width)
        lengths = np.full(len(table), table.shape[1] // width)
        check_finite(values, lengths, "X", REMEDY_MISSING, allow_nan=request.allow_nan)
        return table

    def sequences(self) -> Sequences:
        named, n_channels = hasattr(self.header, "columns"), self.request.n_channels
        table = self._checked(self.header) if named else self.header
        n_samples, n_columns = table.shape
        n_timesteps, rest = divmod(n_columns, n_channels)
        if rest:
            raise ValueError(
                f"X has {n_columns} columns, which cannot be split into time steps of "
                f"n_channels={n_channels} columns each. Set n_channels to a divisor of "
                f"{n_columns}, or pass a 3-D array (n_samples, n_timesteps, n_channels)."
            )
        lengths = np.full(n_samples, n_timesteps, dtype=np.intp)
        return Sequences(table.reshape(-1, n_channels), lengths, self.kind)


def _checked_table(X: Any) -> Any:
    """Return a table, or what scikit-learn is to refuse as none, without values to refuse."""
    if isinstance(X, pd.DataFrame):
        return table_of_numbers(X)
    if isinstance(X, (list, tuple)):
        if not X:
            raise ValueError("X is empty: it has 0 sample(s), and at least one is required.")
        return with_samples(as_numbers(X, "X"))
    if X is None or isinstance(X, (str, bytes)):
        raise TypeError(
            f"X is {X!r}; expected sequences: an array, a list of arrays or a DataFrame."
        )
    if issparse(X):
        return X
    numbers = with_samples(as_numbers(X, "X"))
    is_checked_as_it_is = isinstance(X, (np.matrix, pd.Series)) or hasattr(X, "columns")
    return X if is_checked_as_it_is else numbers


class Array(Form):
    """An array of three axes, with NaN as padding."""

    kind = "3d"

    def __init__(self, X: Any, request: Request):
        self.array = _check_array(
            as_numbers(X, "X"),
            dtype=list(request.dtypes),
            order="C",
            ensure_2d=False,
            allow_nd=True,
            ensure_all_finite=False,
            estimator=request.expected.name,
        )
        if self.array.ndim != 3 or 0 in self.array.shape:
            raise ValueError(
                f"X has shape {self.array.shape}; expected (n_samples, n_timesteps, n_channels) "
                "with at least one sample, one time step and one channel."
            )
        self.allow_nan = request.allow_nan
        first, names = self.array[0, :1], request.channels
        self.header = first if names is None else pd.DataFrame(first, columns=names)
        self.hint = _axes_hint(self.array.shape, request.expected)

    def sequences(self) -> Sequences:
        n_samples, n_timesteps, n_channels = self.array.shape
        values = self.array.reshape(-1, n_channels)
        names = _channel_names(self.header)
        if all_finite(values):
            lengths = np.full(n_samples, n_timesteps, dtype=np.intp)
            return Sequences(values, lengths, self.kind, channels=names)
        lengths = _observed_lengths(self.array, self.allow_nan)
        values = self.array[np.arange(n_timesteps) < lengths[:, np.newaxis]]
        check_finite(
            values,
            lengths,
            "X",
            f"Only trailing steps that are NaN in every channel count as padding. {REMEDY_MISSING}",
            allow_nan=self.allow_nan,
        )
        return Sequences(values, lengths, self.kind, channels=names)


def _axes_hint(shape: tuple[int, ...], expected: Expected) -> str:
    hint = f" X has shape {shape}, read as (n_samples, n_timesteps, n_channels)"
    if shape[1] == expected.n_channels:
        hint += "; if the axes are (samples, channels, time), pass X.transpose(0, 2, 1)"
    return hint + "."


def _observed_lengths(X: np.ndarray, allow_nan: bool) -> np.ndarray:
    """Lengths of the samples of `X` without their trailing all-NaN steps."""
    observed = ~np.isnan(X).all(axis=2)
    if allow_nan:
        lengths = np.where(observed, np.arange(1, X.shape[1] + 1), 0).max(axis=1)
    else:
        # If there is a gap among the steps, the first ones, as many as are observed, hold its NaN
        # and are refused.
        lengths = observed.sum(axis=1, dtype=np.intp)
    if not lengths.all():
        raise ValueError(
            f"X[{np.argmin(lengths)}] is NaN at every time step; each sample needs at least one "
            "observed time step. Drop that sample."
        )
    return lengths


class SharedRows(Form):
    """Windows over the rows of one table, which are read without gathering them."""

    kind = "3d"

    def __init__(self, X: Windows, request: Request):
        if 0 in X.shape:
            raise ValueError(
                f"X has no samples or no channels: its shape is {X.shape}; expected (n_samples, "
                "n_timesteps, n_channels) with at least one of each."
            )
        self.windows = X
        self.table = _check_table(as_numbers(X.table, "X"), request)
        if not request.allow_nan and not all_finite(self.table):
            row = int(np.isnan(self.table).any(axis=1).argmax())
            raise ValueError(
                f"X contains NaN in row {row} of the table of its windows. {REMEDY_MISSING}"
            )
        first = self.table[:1]
        self.header = first if X.channels is None else pd.DataFrame(first, columns=X.channels)
        self.hint = _axes_hint(X.shape, request.expected)

    def sequences(self) -> Sequences:
        lengths = np.full(len(self.windows), self.windows.n_timesteps, dtype=np.intp)
        names = _channel_names(self.header)
        starts, rows = self.windows.starts, self.windows.rows
        return Sequences(self.table, lengths, self.kind, starts, names, rows_cut_from=rows)


class Ragged(Form):
    """One array or DataFrame per sequence."""

    kind = "ragged"

    def __init__(self, X: Any, request: Request):
        items = items_of(X)
        arrays = [_item(item, i, request.n_channels) for i, item in enumerate(items)]
        self.lengths = np.fromiter(map(len, arrays), dtype=np.intp, count=len(arrays))
        check_not_empty(self.lengths, lambda i: f"X[{i}] has no time step")
        if len({array.shape[1] for array in arrays}) > 1:
            _raise_unequal_channels(arrays)
        named = _first_if_all_have_its_columns(items)
        self.header = arrays[0][:1] if named is None else named
        if (self.lengths == request.expected.n_channels).all():
            self.hint = TURNED
        self.arrays = arrays
        self.dtypes, self.allow_nan = request.dtypes, request.allow_nan

    def sequences(self) -> Sequences:
        dtype = _common_dtype(self.arrays, self.dtypes)
        with np.errstate(over="ignore"):  # which is named with its place below
            values = np.ascontiguousarray(np.concatenate(self.arrays, dtype=dtype))
        check_finite(
            values,
            self.lengths,
            "X",
            "In this form every sequence has its own length: cut padding off (or pass one padded "
            f"3-D array). {REMEDY_MISSING}",
            allow_nan=self.allow_nan,
        )
        return Sequences(values, self.lengths, self.kind, channels=_channel_names(self.header))


def _item(item: Any, i: int, n_channels: int) -> np.ndarray:
    """Sample `i` as a numeric 2-D array."""
    is_plain = type(item) is np.ndarray and item.dtype.kind in "fiub"
    array = item if is_plain else _numbers_of_item(item, f"X[{i}]")
    if array.ndim == 1:
        if len(array) % n_channels:
            raise ValueError(
                f"X[{i}] has {len(array)} values, which cannot be split into time steps of "
                f"n_channels={n_channels} values each."
            )
        return array.reshape(-1, n_channels)
    if array.ndim != 2 or array.shape[1] == 0:
        raise ValueError(
            f"X[{i}] has shape {array.shape}; every sequence must be an array of shape "
            "(n_timesteps, n_channels) or (n_timesteps,)."
        )
    return array


def _numbers_of_item(item: Any, where: str) -> np.ndarray:
    check_time_index(item, where)
    if is_labelled(item):
        item = np.asarray(in_order(item, where, time_axis=0))
    return as_numbers(plain(item, where), where)


def _raise_unequal_channels(arrays: list[np.ndarray]) -> None:
    channels = np.array([array.shape[1] for array in arrays])
    i = int(np.argmax(channels != channels[0]))
    swapped = len({len(array) for array in arrays}) == 1
    hint = TURNED if swapped else ""
    raise ValueError(
        f"X[{i}] has {count_channels(channels[i])} per time step, but X[0] has {channels[0]}. "
        "Every sequence must have shape (n_timesteps, n_channels) with the same n_channels."
        f"{hint}"
    )


def _first_if_all_have_its_columns(items: Sequence) -> pd.DataFrame | None:
    """The first item if all are DataFrames, which must have the same columns, else None."""
    if not all(isinstance(item, pd.DataFrame) for item in items):
        return None
    columns = items[0].columns
    for i, item in enumerate(items):
        if item.columns is not columns and not item.columns.equals(columns):
            raise ValueError(
                f"X[{i}] has the columns {list(item.columns)}, but X[0] has {list(columns)}. "
                "Every DataFrame must have the same channels in the same order."
            )
    return items[0]


class Nested(Form):
    """A table whose cells are sequences, with a column for each channel, or single values."""

    kind = "nested"

    def __init__(self, X: Any, request: Request):
        self.header = X if type(X) is pd.DataFrame else pd.DataFrame(X)
        self.dtypes, self.allow_nan = request.dtypes, request.allow_nan
        self.reads_static = request.static
        self.static = tuple(static_columns(self.header).tolist())

    def sequences(self) -> Sequences:
        is_static = np.array(self.static)
        cells = self.header.loc[:, ~is_static] if is_static.any() else self.header
        flats, lengths = flatten_cells(cells, "X", _cell)
        with np.errstate(over="ignore"):  # which is named with its place below
            values = _interleave(flats, _common_dtype(flats, self.dtypes))
        check_finite(values, lengths, "X", REMEDY_MISSING, allow_nan=self.allow_nan)
        sequences = Sequences(values, lengths, self.kind, channels=_channel_names(cells))
        if not (is_static.any() and self.reads_static):
            return sequences
        known = self.header.loc[:, is_static]
        static, names = static_values(known, values.dtype), _channel_names(known)
        return replace(sequences, static=static, static_names=names)


def _interleave(flats: list[np.ndarray], dtype: np.dtype, block: int = 1024) -> np.ndarray:
    """The 1-D arrays as columns, filled in blocks of rows that stay in the processor's cache."""
    values = np.empty((len(flats[0]), len(flats)), dtype=dtype)
    for start in range(0, len(values), block):
        rows = slice(start, start + block)
        for j, flat in enumerate(flats):
            values[rows, j] = flat[rows]
    return values


def _cell(cell: Any, where: str) -> np.ndarray:
    """A cell of a table as an array of numbers."""
    check_time_index(cell, where.rstrip(","))
    if not is_sequence(cell):
        return np.empty(())  # which is refused with its place
    return as_numbers(plain(cell, where), where)


def _common_dtype(arrays: Iterable[np.ndarray], accepted: tuple[np.dtype, ...]) -> np.dtype:
    dtypes = {array.dtype for array in arrays}
    dtype = dtypes.pop()
    return dtype if not dtypes and dtype in accepted else accepted[0]


def count_channels(n: int | None) -> str:
    """A number of channels in words."""
    return f"{n} channel" if n == 1 else f"{n} channels"
