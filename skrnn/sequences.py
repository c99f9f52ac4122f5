"""Every accepted form of X and of step targets, turned into one internal form.

Inside skrnn a set of sequences is one array of real time steps, sample after sample, and the
length of every sample (:class:`Sequences`). Padding exists only in a :class:`Batch`, where it is
zero. What has passed :func:`as_sequences` is never validated again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from sklearn.utils.validation import check_array, validate_data

from skrnn.windows import Windows, as_windows

REMEDY_2D = (
    "Pass a 3-D array (n_samples, n_timesteps, n_channels) or a list of (n_timesteps, n_channels) "
    "arrays; a single sequence goes in as [X], univariate rows as X[:, :, np.newaxis], a long "
    "table through skrnn.preprocessing.from_long."
)
REMEDY_STRINGS = (
    "skrnn.preprocessing.TokenEncoder turns strings and other tokens into ids, and the parameter "
    "embedding_dim of the estimators takes such ids."
)
REMEDY_MISSING = (
    "Impute the missing values first, for example by interpolation in time, or drop the step."
)


class Batch(NamedTuple):
    """Some samples, padded with zeros and laid out for a loop over time.

    Attributes
    ----------
    x : ndarray of shape (n_timesteps, n_samples, n_channels)
        The values, time-major and C-contiguous; zero at padding.
    n_active : ndarray of shape (n_timesteps,), dtype intp
        Rows still running at each step, non-increasing: row `r` runs at step `t` if and only if
        ``r < n_active[t]``.
    samples : ndarray of shape (n_samples,), dtype intp
        The sample index of every row; the rows are sorted by length, longest first.
    steps : ndarray of shape (sum of lengths,), dtype intp
        For every real step in time-major packed order its index among all time steps, sample
        after sample: for each `t`, for each ``r < n_active[t]``, ``starts[samples[r]] + t``.
    """

    x: np.ndarray
    n_active: np.ndarray
    samples: np.ndarray
    steps: np.ndarray


class StepTargets(NamedTuple):
    """One target per time step, sample after sample.

    Attributes
    ----------
    values : ndarray of shape (n_steps_total,) or (n_steps_total, n_outputs)
        The targets of all real time steps in their own dtype.
    form : {"array", "ragged", "nested"}
        The form they came in: a rectangular array, one array per sample, or a DataFrame whose
        cells are sequences.
    """

    values: np.ndarray
    form: str


@dataclass(frozen=True, eq=False)
class Sequences:
    """A set of multivariate sequences without padding.

    Attributes
    ----------
    table : ndarray of shape (n_rows, n_channels), dtype float32 or float64
        The rows that the time steps are; C-contiguous and finite. It may share memory with the
        X it came from and is never written to.
    lengths : ndarray of shape (n_samples,), dtype intp
        Number of time steps of every sample, at least 1.
    kind : {"2d", "3d", "ragged", "nested"}
        The form of X it came from.
    first_rows : ndarray of shape (n_samples,), dtype intp, or None
        Row in `table` of every sample's first step, for equally long samples that share rows;
        None if `table` has all time steps, sample after sample.
    """

    table: np.ndarray
    lengths: np.ndarray
    kind: str
    first_rows: np.ndarray | None = None

    @property
    def n_samples(self) -> int:
        """Number of sequences."""
        return len(self.lengths)

    @property
    def n_channels(self) -> int:
        """Number of values per time step."""
        return self.table.shape[1]

    @property
    def n_steps(self) -> int:
        """Number of time steps of all sequences together."""
        return int(self.lengths.sum())

    @property
    def dtype(self) -> np.dtype:
        """Data type of the values."""
        return self.table.dtype

    @cached_property
    def values(self) -> np.ndarray:
        """All time steps, sample after sample, ndarray of shape (n_steps, n_channels).

        A copy where samples share rows, many times as large as `table`; else `table` itself.
        """
        if self.first_rows is None:
            return self.table
        rows = self.first_rows[:, np.newaxis] + np.arange(self.lengths[0])
        return self.table.take(rows.ravel(), axis=0)

    @cached_property
    def starts(self) -> np.ndarray:
        """Index of every sample's first step among all time steps, of shape (n_samples,)."""
        return _starts(self.lengths)

    @property
    def _first_rows(self) -> np.ndarray:
        return self.starts if self.first_rows is None else self.first_rows

    @cached_property
    def equal_lengths(self) -> bool:
        """Whether all sequences have the same number of time steps."""
        return bool((self.lengths == self.lengths[:1]).all())

    def rows(self, i: int) -> np.ndarray:
        """The time steps of sample `i`: a view of shape (lengths[i], n_channels)."""
        start = self._first_rows[i]
        return self.table[start : start + self.lengths[i]]

    def row_weight(self, sample_weight: np.ndarray | None = None) -> np.ndarray | None:
        """Weight of every row of `table`: the sum over the steps that it is; None is 1 for all."""
        if self.first_rows is None:
            return None if sample_weight is None else np.repeat(sample_weight, self.lengths)
        if sample_weight is None:
            return self._sum_over_rows(None)
        # Where weights cancel that are no integers, rounding is left over.
        has_weight = self._sum_over_rows(sample_weight > 0) > 0
        return np.where(has_weight, self._sum_over_rows(sample_weight), 0).clip(min=0)

    def _sum_over_rows(self, weight: np.ndarray | None) -> np.ndarray:
        first, size = self._first_rows, len(self.table) + 1
        begin = np.bincount(first, weight, size)
        return np.cumsum(begin - np.bincount(first + self.lengths, weight, size))[:-1]

    def steps_of(self, indices: Any) -> np.ndarray:
        """Indices of all steps of the samples at `indices`, sample after sample."""
        lengths = self.lengths[indices]
        offsets = np.repeat(self.starts[indices] - _starts(lengths), lengths)
        return offsets + np.arange(len(offsets))

    def take(self, indices: Any) -> Sequences:
        """The samples at `indices` (integers, a slice or a mask), in the given order."""
        if self.first_rows is not None:
            first_rows = self.first_rows[indices]
            return Sequences(self.table, self.lengths[indices], self.kind, first_rows)
        return Sequences(self.table[self.steps_of(indices)], self.lengths[indices], self.kind)

    def batch(self, indices: Any) -> Batch:
        """Gather the samples at the integer array `indices`, longest first (ties keep order)."""
        samples = np.asarray(indices, dtype=np.intp)
        lengths = self.lengths[samples]
        n_timesteps = int(lengths.max(initial=0))
        time = np.arange(n_timesteps)[:, np.newaxis]
        if self.equal_lengths or (lengths == n_timesteps).all():
            steps = self.starts[samples] + time
            rows = steps if self.first_rows is None else self.first_rows[samples] + time
            x = self.table.take(rows, axis=0)
            return Batch(x, np.full(n_timesteps, len(samples), np.intp), samples, steps.ravel())
        order = np.argsort(-lengths, kind="stable")
        samples, lengths = samples[order], lengths[order]
        active = time < lengths
        steps = (self.starts[samples] + time)[active]
        x = np.zeros((n_timesteps, len(samples), self.n_channels), self.dtype)
        x[active] = self.table[steps]
        return Batch(x, active.sum(axis=1, dtype=np.intp), samples, steps)


def as_sequences(
    X: Any,
    *,
    estimator: Any = None,
    reset: bool = True,
    n_channels: int = 1,
    dtype: Sequence[type] = (np.float64, np.float32),
) -> Sequences:
    """Validate `X`, whatever its form, and return it as :class:`Sequences`.

    Parameters
    ----------
    X : array-like, DataFrame, list or tuple
        One of

        - a 2-D array or DataFrame: a row is a sequence, time-major, with `n_channels` columns
          per time step;
        - a 3-D array of shape (n_samples, n_timesteps, n_channels), where trailing steps that
          are NaN in every channel are padding;
        - :class:`~skrnn.windows.Windows`, or a 3-D array whose samples overlap in memory: read
          without a copy;
        - a list, tuple, Series or 1-D object array of (n_timesteps, n_channels) arrays or
          DataFrames; a 1-D item is read as a row of the 2-D form;
        - a DataFrame whose cells are sequences: columns are channels.
    estimator : estimator instance, default=None
        Where given, `n_features_in_`, `feature_names_in_`, `n_channels_in_` and `_X_kind` are
        set on it (`reset=True`) or `X` is checked against them (`reset=False`).
    reset : bool, default=True
        True in `fit`, False wherever a fitted estimator receives data.
    n_channels : int, default=1
        Columns per time step of the 2-D form.
    dtype : sequence of dtype, default=(np.float64, np.float32)
        Accepted dtypes; values of any other dtype are converted to the first.

    Returns
    -------
    Sequences
        The real time steps and their lengths.

    Raises
    ------
    ValueError
        If `X` is empty, not numeric, not finite, not of a form above, or does not fit what
        `estimator` was fitted on.
    TypeError
        If `X` is a sparse matrix or holds objects that are no numbers.

    Examples
    --------
    >>> import numpy as np
    >>> from skrnn.sequences import as_sequences
    >>> sequences = as_sequences([np.zeros((2, 3)), np.ones((5, 3))])
    >>> sequences.lengths, sequences.n_channels, sequences.kind
    (array([2, 5]), 3, 'ragged')
    """
    target = _Target(estimator, reset, n_channels, tuple(np.dtype(t) for t in dtype))
    windows = as_windows(X)
    if windows is not None and (isinstance(X, Windows) or _all_finite(windows.table)):
        sequences = _read_windows(windows, target)
    else:
        # A NaN in an array, even one of overlapping windows, may be padding.
        kind = _kind(X, target)
        sequences = Sequences(*_READERS[kind](X, target), kind)
    if estimator is not None and reset:
        estimator.n_channels_in_ = sequences.n_channels
        estimator._X_kind = sequences.kind
    return sequences


def as_step_targets(y: Any, lengths: np.ndarray) -> StepTargets:
    """Flatten one target per time step to the order of `Sequences.values`.

    Parameters
    ----------
    y : array-like, DataFrame, list or tuple
        One of

        - an array or nested list of shape (n_samples, n_timesteps) or
          (n_samples, n_timesteps, n_outputs); positions beyond the length of a sequence are
          dropped;
        - a list, tuple, Series or 1-D object array of arrays of shape (n_timesteps,) or
          (n_timesteps, n_outputs), each as long as its sequence;
        - a DataFrame whose cells are sequences: columns are outputs (one column gives 1-D
          targets).
    lengths : ndarray of shape (n_samples,)
        Number of time steps of every sequence.

    Returns
    -------
    StepTargets
        The targets of all real time steps, in their own dtype, and the form they came in.

    Raises
    ------
    ValueError
        If the targets are not one per time step, differ in length from their sequences, mix
        strings and numbers, or are NaN or infinite.

    Examples
    --------
    >>> from skrnn.sequences import as_step_targets
    >>> as_step_targets([["a", "b"], ["b", "b", "a"]], [2, 3])
    StepTargets(values=array(['a', 'b', 'b', 'b', 'a'], dtype='<U1'), form='ragged')
    """
    lengths = np.asarray(lengths, dtype=np.intp)
    if isinstance(y, pd.DataFrame) and has_sequence_cells(y):
        values, form = _targets_from_cells(y, lengths), "nested"
    elif _is_ragged_target(y):
        values, form = _targets_from_items(_items(y), lengths), "ragged"
    else:
        values, form = _targets_from_array(np.asarray(y), lengths), "array"
    if values.dtype.kind == "f":
        _check_finite(values, lengths, "y", "Remove or impute the steps without a target.")
    return StepTargets(values, form)


def step_lengths(y: Any) -> np.ndarray:
    """Count the targets that every sample has, padding included.

    Parameters
    ----------
    y : array-like, DataFrame, list or tuple
        One target per time step, in any form that :func:`as_step_targets` takes.

    Returns
    -------
    ndarray of shape (n_samples,), dtype intp
        Number of targets of every sample.

    Raises
    ------
    ValueError
        If the targets are not one per time step.

    Examples
    --------
    >>> from skrnn.sequences import step_lengths
    >>> step_lengths([["a", "b"], ["b", "b", "a"]])
    array([2, 3])
    """
    if isinstance(y, pd.DataFrame) and has_sequence_cells(y):
        return flatten_cells(y, "y", _plain)[1]
    if _is_ragged_target(y):
        arrays = [_plain(item, f"y[{i}]") for i, item in enumerate(_items(y))]
        for i, array in enumerate(arrays):
            if array.ndim == 0:
                raise ValueError(
                    f"y[{i}] is {array}, but y[0] has a target per time step; every item must be "
                    "an array as long as its sequence."
                )
        return np.fromiter(map(len, arrays), dtype=np.intp, count=len(arrays))
    y = np.asarray(y)
    _check_rectangular_targets(y)
    return np.full(y.shape[0], y.shape[1], dtype=np.intp)


def unpack_steps(values: np.ndarray, lengths: np.ndarray, *, ragged: bool = False) -> np.ndarray:
    """Cut what holds for every time step back into samples.

    Parameters
    ----------
    values : ndarray of shape (n_steps_total,) or (n_steps_total, n_outputs)
        One entry per time step, sample after sample.
    lengths : ndarray of shape (n_samples,)
        Number of time steps of every sample.
    ragged : bool, default=False
        Return one array per sample even where all lengths are equal, so that the form does not
        depend on which samples happen to be in a batch.

    Returns
    -------
    ndarray
        Of shape (n_samples, n_timesteps) or (n_samples, n_timesteps, n_outputs) where all
        lengths are equal, else a 1-D object array of one array per sample. Both share memory
        with `values`.

    Examples
    --------
    >>> import numpy as np
    >>> from skrnn.sequences import unpack_steps
    >>> unpack_steps(np.arange(6), [3, 3])
    array([[0, 1, 2],
           [3, 4, 5]])
    >>> unpack_steps(np.arange(5), [2, 3])
    array([array([0, 1]), array([2, 3, 4])], dtype=object)
    """
    lengths = np.asarray(lengths, dtype=np.intp)
    if not ragged and (lengths == lengths[0]).all():
        return values.reshape(len(lengths), lengths[0], *values.shape[1:])
    samples = np.empty(len(lengths), dtype=object)
    stops = np.cumsum(lengths).tolist()
    for i, (start, stop) in enumerate(zip([0, *stops], stops, strict=False)):
        samples[i] = values[start:stop]
    return samples


def place_of(row: int, lengths: np.ndarray) -> str:
    """Say which sample and time step a row of :attr:`Sequences.values` is, for errors.

    Parameters
    ----------
    row : int
        Index among the time steps of all samples.
    lengths : ndarray of shape (n_samples,)
        Number of time steps of every sample.

    Returns
    -------
    str

    Examples
    --------
    >>> import numpy as np
    >>> from skrnn.sequences import place_of
    >>> place_of(4, np.array([3, 2]))
    'sample 1, time step 1'
    """
    starts = _starts(lengths)
    sample = int(np.searchsorted(starts, row, side="right")) - 1
    return f"sample {sample}, time step {row - starts[sample]}"


def in_form_of(X: Any, sequences: Sequences, values: np.ndarray) -> Any:
    """Return time steps in the form that `X` has.

    Parameters
    ----------
    X : array-like, DataFrame, list or tuple
        What `sequences` was read from.
    sequences : Sequences
        What :func:`as_sequences` made of it.
    values : ndarray of shape (n_steps_total, n_channels)
        The time steps to return in place of ``sequences.values``.

    Returns
    -------
    ndarray, DataFrame, Series, list or tuple
        With the index, the columns and the padding of `X`.

    Examples
    --------
    >>> import numpy as np
    >>> from skrnn.sequences import as_sequences, in_form_of
    >>> X = [np.array([1.0, 2.0]), np.array([3.0])]
    >>> in_form_of(X, as_sequences(X), np.array([[10.0], [20.0], [30.0]]))
    [array([10., 20.]), array([30.])]
    """
    if sequences.kind == "2d":
        table = values.reshape(sequences.n_samples, -1)
        return pd.DataFrame(table, X.index, X.columns) if isinstance(X, pd.DataFrame) else table
    if isinstance(X, Windows):
        return Windows(values, sequences.starts, X.n_timesteps, X.channels)
    if sequences.kind == "3d":
        shape = np.asarray(X).shape
        if len(values) == shape[0] * shape[1]:
            return values.reshape(shape)
        padded = np.full(shape, np.nan, dtype=values.dtype)
        padded[np.arange(shape[1]) < sequences.lengths[:, np.newaxis]] = values
        return padded
    if sequences.kind == "nested":
        return _nested_like(X, sequences, values)
    return _ragged_like(X, sequences, values)


def map_steps(update: Callable[[np.ndarray], None], X: Any, sequences: Sequences) -> Any:
    """Return what `update` makes of every time step, in the form that `X` has.

    Parameters
    ----------
    update : callable
        Takes a C-contiguous ndarray of shape (n, n_channels), whose rows are time steps, and
        changes each row by itself, in place.
    X : array-like, DataFrame, list or tuple
        What `sequences` was read from; it is not changed.
    sequences : Sequences
        What :func:`as_sequences` made of it; of no use afterwards.

    Returns
    -------
    ndarray, DataFrame, Series, list, tuple or Windows
        As :func:`in_form_of`; what shares rows in `X` shares them again.
    """
    # To read these forms is to join them: their table is new and shares no memory with X.
    is_new = sequences.kind in ("ragged", "nested")
    table = sequences.table if is_new else sequences.table.copy()
    update(table)
    if sequences.first_rows is None:
        return in_form_of(X, sequences, table)
    windows = as_windows(X)
    assert windows is not None
    windows = windows.with_table(table)
    return windows if isinstance(X, Windows) else windows.to_view()


def _nested_like(X: Any, sequences: Sequences, values: np.ndarray) -> pd.DataFrame | np.ndarray:
    channels = np.ascontiguousarray(values.T)
    if not isinstance(X, pd.DataFrame):
        return np.column_stack([_object_cells(channel, sequences) for channel in channels])
    cells = {
        j: (_arrow_cells if _is_arrow(dtype) else _object_cells)(channels[j], sequences)
        for j, dtype in enumerate(X.dtypes)
    }
    return pd.DataFrame(cells, index=X.index).set_axis(X.columns, axis=1)


def _object_cells(channel: np.ndarray, sequences: Sequences) -> np.ndarray:
    return unpack_steps(channel, sequences.lengths, ragged=True)


def _arrow_cells(channel: np.ndarray, sequences: Sequences) -> pd.api.extensions.ExtensionArray:
    import pyarrow as pa

    offsets = np.append(sequences.starts, len(channel))
    lists = pa.LargeListArray.from_arrays(offsets, channel)
    return pd.arrays.ArrowExtensionArray(lists)


def _ragged_like(X: Any, sequences: Sequences, values: np.ndarray) -> Any:
    items = unpack_steps(values, sequences.lengths, ragged=True)
    for i, item in enumerate(X):
        items[i] = _item_like(item, items[i])
    if isinstance(X, pd.Series):
        return pd.Series(items, index=X.index, name=X.name)
    return items if isinstance(X, np.ndarray) else type(X)(items)


def _item_like(item: Any, values: np.ndarray) -> Any:
    if isinstance(item, pd.DataFrame):
        return pd.DataFrame(values, item.index, item.columns)
    if isinstance(item, pd.Series):
        return pd.Series(values.ravel(), item.index, name=item.name)
    return values if np.asarray(item).ndim == 2 else values.ravel()


# --- which form is it? -----------------------------------------------------------------------


class _Target(NamedTuple):
    """What the sequences are wanted for; handed to every reader."""

    estimator: Any
    reset: bool
    n_channels: int
    dtype: tuple[np.dtype, ...]

    @property
    def name(self) -> str:
        return "this estimator" if self.estimator is None else type(self.estimator).__name__

    @property
    def fitted_kind(self) -> str | None:
        """Form of X at fit, None while fitting or without an estimator."""
        return None if self.reset or self.estimator is None else self.estimator._X_kind


def _kind(X: Any, target: _Target) -> str:
    """The form of `X`; anything that is no sequence goes the 2-D way to sklearn's errors."""
    if isinstance(X, pd.DataFrame):
        return "nested" if has_sequence_cells(X) else "2d"
    if isinstance(X, pd.Series):
        return "ragged" if has_sequence_cells(X.to_frame()) else "2d"
    if isinstance(X, np.ndarray) and X.dtype == object and X.ndim in (1, 2):
        return ("ragged", "nested")[X.ndim - 1] if _first_is_sequence(X.flat) else "2d"
    if isinstance(X, (list, tuple)):
        return _kind_of_list(X, target)
    if not hasattr(X, "ndim") and hasattr(X, "__array__"):
        array = np.asarray(X)
        refuse_cells_of_others(X, array)
        X = array
    return "3d" if getattr(X, "ndim", 2) > 2 else "2d"


def refuse_cells_of_others(X: Any, array: np.ndarray) -> None:
    """Refuse frames of another library, read as `array`, whose cells are sequences.

    The array has lost the names of the channels.
    """
    if array.dtype == object and _first_is_sequence(array.flat) and hasattr(X, "to_pandas"):
        raise ValueError(
            f"X is a {type(X).__module__.split('.')[0]} {type(X).__name__} whose cells are "
            "sequences; expected one of pandas. Pass X.to_pandas()."
        )


def _kind_of_list(X: Sequence, target: _Target) -> str:
    """Lists of numbers of equal length are 2-D as numpy reads them, unless fitted otherwise."""
    if not _first_is_sequence(X):
        return "2d"
    if _is_table(X) and target.fitted_kind in (None, "2d"):
        return "2d"
    return "ragged"


def _is_table(X: Sequence) -> bool:
    """Whether `X` is a list of equally long lists of scalars."""
    return (
        all(isinstance(row, (list, tuple)) for row in X)
        and len({len(row) for row in X}) == 1
        and not any(_is_sequence(cell) for cell in X[0])
    )


def _is_sequence(cell: Any) -> bool:
    if isinstance(cell, (list, tuple, pd.Series, pd.DataFrame)):
        return True
    return hasattr(cell, "__array__") and getattr(cell, "ndim", 1) > 0


def _first_is_sequence(cells: Iterable) -> bool:
    """Whether the first cell that is not missing is a sequence."""
    for cell in cells:
        if not (cell is None or cell is pd.NA or isinstance(cell, float)):
            return _is_sequence(cell)
    return False


def has_sequence_cells(X: pd.DataFrame) -> bool:
    """Return whether the cells of a frame are sequences."""
    # Columns are taken out only where their dtype allows sequences: a wide table costs nothing.
    candidates = (j for j, dtype in enumerate(X.dtypes) if _is_object(dtype) or _is_arrow(dtype))
    return len(X) > 0 and any(_is_sequence_column(X.iloc[:, j]) for j in candidates)


def _is_sequence_column(column: pd.Series) -> bool:
    if _is_object(column.dtype):
        return _first_is_sequence(column.array)
    return _is_arrow(column.dtype) and _is_arrow_list(column.dtype)


def _is_object(dtype: Any) -> bool:
    return isinstance(dtype, np.dtype) and dtype.kind == "O"


def _is_arrow(dtype: Any) -> bool:
    return isinstance(dtype, pd.ArrowDtype)


def _is_arrow_list(dtype: Any) -> bool:
    from pyarrow import types

    arrow = dtype.pyarrow_dtype
    return types.is_list(arrow) or types.is_large_list(arrow) or types.is_fixed_size_list(arrow)


# --- one reader per form: (X, target) -> values, lengths ---------------------------------------


def _read_2d(X: Any, target: _Target) -> tuple[np.ndarray, np.ndarray]:
    estimator, n_channels = target.estimator, target.n_channels
    _refuse_strings(X, target)
    if estimator is None:
        X = check_array(X, dtype=list(target.dtype), order="C", input_name="X")
    elif target.fitted_kind in (None, "2d"):
        X = validate_data(estimator, X, reset=target.reset, dtype=list(target.dtype), order="C")
    else:
        shape = check_array(X, dtype=list(target.dtype), input_name="X").shape
        raise ValueError(
            f"X is 2-D with shape {shape}, but {target.name} was fitted on sequences of "
            f"{_channels(estimator.n_channels_in_)} ({_FORMS[target.fitted_kind]}). {REMEDY_2D}"
        )
    n_samples, n_columns = X.shape
    if n_columns % n_channels:
        raise ValueError(
            f"X has {n_columns} columns, which cannot be split into time steps of "
            f"n_channels={n_channels} columns each. Set n_channels to a divisor of {n_columns}, "
            "or pass a 3-D array (n_samples, n_timesteps, n_channels)."
        )
    n_timesteps = n_columns // n_channels
    return X.reshape(-1, n_channels), np.full(n_samples, n_timesteps, dtype=np.intp)


def _read_3d(X: Any, target: _Target) -> tuple[np.ndarray, np.ndarray]:
    _refuse_strings(X, target)
    X = check_array(
        X,
        dtype=list(target.dtype),
        order="C",
        ensure_2d=False,
        allow_nd=True,
        ensure_all_finite=False,
        estimator=target.estimator,
        input_name="X",
    )
    if X.ndim != 3 or 0 in X.shape:
        raise ValueError(
            f"X has shape {X.shape}; expected (n_samples, n_timesteps, n_channels) with at least "
            "one sample, one time step and one channel."
        )
    _register_channels(X[0, :1], target, _axes_hint(X.shape, target))
    n_samples, n_timesteps, n_channels = X.shape
    values = X.reshape(-1, n_channels)
    if _all_finite(values):
        return values, np.full(n_samples, n_timesteps, dtype=np.intp)
    lengths = _observed_lengths(X)
    values = X[np.arange(n_timesteps) < lengths[:, np.newaxis]]
    _check_finite(
        values,
        lengths,
        "X",
        f"Only trailing steps that are NaN in every channel count as padding. {REMEDY_MISSING}",
    )
    return values, lengths


def _axes_hint(shape: tuple[int, ...], target: _Target) -> str:
    hint = f" X has shape {shape}, read as (n_samples, n_timesteps, n_channels)"
    if shape[1] == getattr(target.estimator, "n_channels_in_", None):
        hint += "; if the axes are (samples, channels, time), pass X.transpose(0, 2, 1)"
    return hint + "."


def _read_windows(X: Windows, target: _Target) -> Sequences:
    """Read samples that share the rows of a table, without gathering them."""
    if 0 in X.shape:
        raise ValueError(
            f"X has no samples or no channels: its shape is {X.shape}; expected (n_samples, "
            "n_timesteps, n_channels) with at least one of each."
        )
    table = check_array(
        X.table,
        dtype=list(target.dtype),
        order="C",
        estimator=target.estimator,
        input_name="X",
    )
    sample = table[:1] if X.channels is None else pd.DataFrame(table[:1], columns=X.channels)
    _register_channels(sample, target, _axes_hint(X.shape, target))
    lengths = np.full(len(X), X.n_timesteps, dtype=np.intp)
    return Sequences(table, lengths, "3d", X.starts)


def _observed_lengths(X: np.ndarray) -> np.ndarray:
    """Lengths of the samples of `X` without their trailing all-NaN steps."""
    observed = ~np.isnan(X).all(axis=2)
    # With a gap among them the first steps, as many as are observed, hold a NaN and are refused.
    lengths = observed.sum(axis=1, dtype=np.intp)
    if not lengths.all():
        raise ValueError(
            f"X[{np.argmin(lengths)}] is NaN at every time step; each sample needs at least one "
            "observed time step. Drop that sample."
        )
    return lengths


def _read_ragged(X: Any, target: _Target) -> tuple[np.ndarray, np.ndarray]:
    items = _items(X)
    arrays = [_item(item, i, target.n_channels) for i, item in enumerate(items)]
    lengths = np.fromiter(map(len, arrays), dtype=np.intp, count=len(arrays))
    _check_not_empty(lengths, lambda i: f"X[{i}] has no time step")
    if len({array.shape[1] for array in arrays}) > 1:
        _raise_ragged_channels(arrays)
    named = _common_columns(items)
    _register_channels(arrays[0][:1] if named is None else named, target)
    values = np.ascontiguousarray(np.concatenate(arrays, dtype=_common_dtype(arrays, target)))
    _check_finite(
        values,
        lengths,
        "X",
        "In this form every sequence has its own length: cut padding off (or pass one padded "
        f"3-D array). {REMEDY_MISSING}",
    )
    return values, lengths


def _items(X: Any) -> Sequence:
    """The samples of a ragged `X` or y as a plain sequence of arrays."""
    if isinstance(X, pd.Series) and _is_arrow(X.dtype):
        flat, lengths = _flatten_arrow(X)
        return list(unpack_steps(flat, lengths))
    return X.tolist() if isinstance(X, pd.Series) else X


def _item(item: Any, i: int, n_channels: int) -> np.ndarray:
    """Sample `i` as a numeric 2-D array."""
    array = _numeric(item, f"X[{i}]")
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


def _numeric(item: Any, where: str) -> np.ndarray:
    """`item` as an array of numbers; missing values of any kind become NaN."""
    try:
        array = np.asarray(item)
        if array.dtype.kind == "O":
            missing = np.asarray(pd.isna(array))
            array = np.where(missing, np.nan, array).astype(np.float64)
    except (TypeError, ValueError) as error:
        remedy = f". {REMEDY_STRINGS}" if "convert string" in str(error) else ""
        raise ValueError(
            f"{where} is not a rectangular array of numbers: {error}{remedy}"
        ) from error
    if array.dtype.kind not in "fiub":
        reason = "Complex data not supported: " if array.dtype.kind == "c" else ""
        remedy = f" {REMEDY_STRINGS}" if array.dtype.kind in "US" else ""
        raise ValueError(f"{reason}{where} has dtype {array.dtype}; expected real numbers.{remedy}")
    return array


def _raise_ragged_channels(arrays: list[np.ndarray]) -> None:
    channels = np.array([array.shape[1] for array in arrays])
    i = int(np.argmax(channels != channels[0]))
    raise ValueError(
        f"X[{i}] has {_channels(channels[i])} per time step, but X[0] has {channels[0]}. Every "
        "sequence must have shape (n_timesteps, n_channels) with the same n_channels."
    )


def _common_columns(items: Sequence) -> pd.DataFrame | None:
    """The first of the items where all are DataFrames with the same columns, else None."""
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


def _common_dtype(arrays: Iterable[np.ndarray], target: _Target) -> np.dtype:
    dtypes = {array.dtype for array in arrays}
    dtype = dtypes.pop()
    return dtype if not dtypes and dtype in target.dtype else target.dtype[0]


def _read_nested(X: Any, target: _Target) -> tuple[np.ndarray, np.ndarray]:
    frame = pd.DataFrame(X)
    _register_channels(frame, target)
    flats, lengths = flatten_cells(frame, "X", lambda cell, where: _numeric(cell, where))
    values = _interleave(flats, _common_dtype(flats, target))
    _check_finite(values, lengths, "X", REMEDY_MISSING)
    return values, lengths


def _interleave(flats: list[np.ndarray], dtype: np.dtype, block: int = 1024) -> np.ndarray:
    """The 1-D arrays as columns, filled in blocks of rows that stay in the processor's cache."""
    values = np.empty((len(flats[0]), len(flats)), dtype=dtype)
    for start in range(0, len(values), block):
        rows = slice(start, start + block)
        for j, flat in enumerate(flats):
            values[rows, j] = flat[rows]
    return values


def flatten_cells(
    frame: pd.DataFrame, name: str, as_array: Callable[[Any, str], np.ndarray]
) -> tuple[list[np.ndarray], np.ndarray]:
    """Concatenate the cells of every column; the cells of a row must be equally long."""
    flats = []
    lengths: np.ndarray | None = None
    for j, (label, column) in enumerate(frame.items()):
        if not _is_sequence_column(column):
            raise ValueError(
                f"{name} has sequences in its cells, but column {label!r} has dtype "
                f"{column.dtype} without sequences. Drop that column, or turn each of its values "
                "into a sequence."
            )
        flat, column_lengths = _flatten_column(column, name, as_array)
        if lengths is None:
            lengths = column_lengths
            _check_not_empty(
                lengths,
                lambda i: (
                    f"{name} has no time step in row {frame.index.tolist()[i]!r}, column "
                    f"{frame.columns[0]!r}"
                ),
            )
        elif not np.array_equal(lengths, column_lengths):
            i = int(np.argmax(lengths != column_lengths))
            raise ValueError(
                f"{name} has sequences of unequal length in row {frame.index.tolist()[i]!r}: "
                f"{lengths[i]} time steps in column {frame.columns[0]!r}, {column_lengths[i]} in "
                f"column {frame.columns[j]!r}. All channels of a sequence must be equally long."
            )
        flats.append(flat)
    assert lengths is not None
    return flats, lengths


def _flatten_column(
    column: pd.Series, name: str, as_array: Callable[[Any, str], np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    if _is_arrow(column.dtype):
        return _flatten_arrow(column)
    arrays = []
    for label, cell in zip(column.index, column.to_numpy(), strict=True):
        array = cell if type(cell) is np.ndarray and cell.dtype.kind in "fiub" else None
        if array is None or array.ndim != 1:
            where = f"{name} in row {label!r}, column {column.name!r},"
            array = as_array(cell, where)
            if array.ndim != 1:
                what = f"has shape {array.shape}" if array.ndim else f"is {cell!r}"
                raise ValueError(f"{where} {what}; expected a 1-D sequence.")
        arrays.append(array)
    lengths = np.fromiter(map(len, arrays), dtype=np.intp, count=len(arrays))
    return np.concatenate(arrays), lengths


def _flatten_arrow(column: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """Values and lengths of a column of Arrow lists, without a loop over its cells."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if column.isna().any():
        label = column.index.tolist()[int(np.argmax(column.isna()))]
        raise ValueError(
            f"Row {label!r} of column {column.name!r} has no sequence (null). Drop that row."
        )
    cells = pa.chunked_array(pa.array(column.array))
    lengths = pc.list_value_length(cells).to_numpy().astype(np.intp)
    flat = pc.list_flatten(cells).to_numpy(zero_copy_only=False)
    return flat, lengths


_READERS: dict[str, Callable[[Any, _Target], tuple[np.ndarray, np.ndarray]]] = {
    "2d": _read_2d,
    "3d": _read_3d,
    "ragged": _read_ragged,
    "nested": _read_nested,
}
_FORMS = {
    "3d": "a 3-D array",
    "ragged": "a list of arrays",
    "nested": "a DataFrame whose cells are sequences",
}


# --- targets per time step ---------------------------------------------------------------------


def _is_ragged_target(y: Any) -> bool:
    if isinstance(y, pd.Series):
        return has_sequence_cells(y.to_frame())
    if isinstance(y, np.ndarray):
        return y.dtype == object and y.ndim == 1 and _first_is_sequence(y)
    return isinstance(y, (list, tuple)) and _first_is_sequence(y) and not _is_rectangular(y)


def _is_rectangular(y: Sequence) -> bool:
    """Whether `y` is a nested list that numpy reads as one array of scalars."""
    if _is_table(y):
        return True
    if not all(isinstance(row, (list, tuple)) for row in y):
        return False
    return all(_is_table(row) for row in y) and len({(len(row), len(row[0])) for row in y}) == 1


def _check_rectangular_targets(y: np.ndarray) -> None:
    if y.ndim not in (2, 3):
        raise ValueError(
            f"y has shape {y.shape}, but one target per time step is needed: an array of shape "
            "(n_samples, n_timesteps) or (n_samples, n_timesteps, n_outputs), or a list of one "
            "array per sample. For one target per sequence set return_sequences=False."
        )


def _targets_from_array(y: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    _check_rectangular_targets(y)
    _check_n_samples(len(y), lengths)
    if y.shape[1] < lengths.max():
        i = int(np.argmax(lengths > y.shape[1]))
        _raise_target_length(i, y.shape[1], lengths[i])
    if (lengths == y.shape[1]).all():
        return y.reshape(-1, *y.shape[2:])
    return y[np.arange(y.shape[1]) < lengths[:, np.newaxis]]


def _targets_from_items(items: Sequence, lengths: np.ndarray) -> np.ndarray:
    _check_n_samples(len(items), lengths)
    arrays = [_plain(item, f"y[{i}]") for i, item in enumerate(items)]
    for i, (array, length) in enumerate(zip(arrays, lengths.tolist(), strict=True)):
        if array.ndim not in (1, 2) or array.shape[1:] != arrays[0].shape[1:]:
            raise ValueError(
                f"y[{i}] has shape {array.shape} and y[0] has shape {arrays[0].shape}; every item "
                "must have shape (n_timesteps,), or every one (n_timesteps, n_outputs)."
            )
        if len(array) != length:
            _raise_target_length(i, len(array), length)
    return _join(arrays)


def _targets_from_cells(y: pd.DataFrame, lengths: np.ndarray) -> np.ndarray:
    _check_n_samples(len(y), lengths)
    flats, target_lengths = flatten_cells(y, "y", _plain)
    if not np.array_equal(target_lengths, lengths):
        i = int(np.argmax(target_lengths != lengths))
        _raise_target_length(i, target_lengths[i], lengths[i])
    return flats[0] if len(flats) == 1 else _join([flat[:, np.newaxis] for flat in flats], axis=1)


def _plain(item: Any, where: str) -> np.ndarray:
    try:
        return np.asarray(item)
    except ValueError as error:
        raise ValueError(f"{where} is not a rectangular array: {error}") from error


def _join(arrays: list[np.ndarray], axis: int = 0) -> np.ndarray:
    if len({array.dtype.kind in "US" for array in arrays}) > 1:
        raise ValueError("y mixes strings and numbers. Give all targets the same type.")
    return np.concatenate(arrays, axis=axis)


def _raise_target_length(i: int, n_targets: int, length: int) -> None:
    raise ValueError(
        f"y[{i}] has targets for {n_targets} time steps, but X[{i}] has {length}. With "
        "return_sequences=True give one target per time step of X; for one target per sequence "
        "set return_sequences=False."
    )


def _check_n_samples(n_targets: int, lengths: np.ndarray) -> None:
    if n_targets != len(lengths):
        raise ValueError(
            "Found input variables with inconsistent numbers of samples: "
            f"[{len(lengths)}, {n_targets}]. X and y must have one entry per sequence."
        )


# --- checks ------------------------------------------------------------------------------------


def _register_channels(sample: Any, target: _Target, hint: str = "") -> None:
    """Set or check the channels on the estimator; `sample` is 2-D with one column per channel.

    Feature names and their errors are scikit-learn's own; only the number of channels has a
    message here, because scikit-learn would speak of features.
    """
    estimator = target.estimator
    if estimator is None:
        return
    named = isinstance(sample, pd.DataFrame) and target.fitted_kind != "2d"
    if target.reset or (named and hasattr(estimator, "feature_names_in_")):
        validate_data(estimator, sample, reset=target.reset, skip_check_array=True)
        return
    found, fitted = sample.shape[1], estimator.n_channels_in_
    if found != fitted:
        raise ValueError(
            f"X has {_channels(found)} per time step, but {target.name} was fitted with {fitted}."
            f"{hint}"
        )
    if target.fitted_kind != "2d":
        validate_data(estimator, sample, reset=False, skip_check_array=True)


def _refuse_strings(X: Any, target: _Target) -> None:
    first = X
    if isinstance(X, (list, tuple, pd.Series)) and len(X):
        first = X[0] if isinstance(X, (list, tuple)) else X.iloc[0]
    elif isinstance(X, np.ndarray) and X.size and X.ndim != 2:
        first = X.flat[0]
    if isinstance(first, (str, bytes)) and not isinstance(X, (str, bytes)):
        raise ValueError(
            f"X holds strings such as {str(first)!r}, but {target.name} needs sequences of "
            f"numbers. {REMEDY_STRINGS}"
        )


def _check_not_empty(lengths: np.ndarray, describe: Callable[[int], str]) -> None:
    if not lengths.all():
        raise ValueError(
            f"{describe(int(np.argmin(lengths)))}; each sequence needs at least one. Drop the "
            "empty sequences."
        )


def _all_finite(values: np.ndarray) -> bool:
    # A finite sum proves that every value is finite, at a fraction of the cost and memory.
    with np.errstate(over="ignore", invalid="ignore"):
        return bool(np.isfinite(values.sum()) or np.isfinite(values).all())


def _check_finite(values: np.ndarray, lengths: np.ndarray, name: str, remedy: str) -> None:
    if _all_finite(values):
        return
    step = int(np.flatnonzero(~np.isfinite(values.reshape(len(values), -1)).all(axis=1))[0])
    what = "NaN" if np.isnan(values[step]).any() else "infinity (inf)"
    raise ValueError(f"{name} contains {what} at {place_of(step, lengths)}. {remedy}")


def _starts(lengths: np.ndarray) -> np.ndarray:
    return np.cumsum(lengths) - lengths


def _channels(n: int) -> str:
    return f"{n} channel" if n == 1 else f"{n} channels"
