"""Tables of numbers that are no 2-D X, though they have its shape: rows that are time steps."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd

from skrnn.sequences._containers import TIME_NAMES
from skrnn.sequences._values import REMEDY_TEXT_CELLS, with_numbers

# Names of an axis of columns along which time runs.
TIME_AXES = TIME_NAMES | {"second", "minute", "hour", "day", "week", "month", "quarter", "lag"}
TIMES = (pd.DatetimeIndex, pd.PeriodIndex, pd.TimedeltaIndex)
# Tables of more columns are too wide for one with a column for each channel.
MANY_COLUMNS = 20
# Ratio of the root mean squares of two columns from which on they hardly are the same channel.
UNLIKE = 30


def check_rows_are_sequences(X: Any, n_channels: int) -> None:
    """Refuse a table whose index says that its rows are time steps, and warn where it may be.

    Parameters
    ----------
    X : object
        Anything; only a DataFrame has an index to look at.
    n_channels : int
        Columns per time step.

    Raises
    ------
    ValueError
        If the index holds times, or has several levels, and the columns are not named as times.

    Warns
    -----
    UserWarning
        If a few columns of unlike size have names without a number, as channels do.
    """
    if not isinstance(X, pd.DataFrame):
        return
    if isinstance(X.index, (*TIMES, pd.MultiIndex)) and not _has_times_as_columns(X.columns):
        raise ValueError(_about_index(X))
    if n_channels == 1 and _looks_like_channels(X):
        warnings.warn(
            f"X is a table of the columns {_listed(X.columns)}, which differ in size as channels "
            "do, but each row is read as a sequence and each column as a time step of one "
            "channel. If the rows are time steps, see skrnn.preprocessing.from_long and "
            "make_windows; if they are sequences, pass X.to_numpy().",
            UserWarning,
            stacklevel=2,
        )


def table_of_numbers(X: pd.DataFrame) -> pd.DataFrame:
    """Return a table with a sequence in every row, its columns of objects as numbers.

    Raises
    ------
    ValueError, TypeError
        As `as_numbers`. What is no number is often a column of a table whose rows are time steps.
    """
    try:
        return with_numbers(X, "X")
    except ValueError as error:
        if REMEDY_TEXT_CELLS in str(error):
            raise
        raise ValueError(
            f"{error} If the rows of X are time steps, skrnn.preprocessing.from_long gathers them."
        ) from error


def with_samples(X: np.ndarray) -> np.ndarray:
    """Return `X` itself, unless it has a single axis: there scikit-learn's advice would mislead.

    Raises
    ------
    ValueError
        If it has.
    """
    if X.ndim == 1:
        raise ValueError(
            f"X has shape {X.shape}; expected several sequences. Reshape your data: one sequence "
            "of one channel goes in as [X], one number for each sequence as X.reshape(-1, 1); "
            "skrnn.preprocessing.make_windows cuts a time series into windows."
        )
    return X


def _has_times_as_columns(columns: pd.Index) -> bool:
    return isinstance(columns, TIMES) or any(
        str(name).lower() in TIME_AXES for name in columns.names
    )


def _about_index(X: pd.DataFrame) -> str:
    if isinstance(X.index, pd.MultiIndex):
        what, levels = f"an index of {X.index.nlevels} levels", list(X.index.names)
        id, time = levels[0], levels[-1]
        remedy = (
            f"skrnn.preprocessing.from_long(X, id={id!r}, time={time!r}) gathers the time steps "
            "of each sequence"
        )
        if None in levels:
            remedy = f"name the levels, and {remedy}"
    else:
        what = f"an index of times ({type(X.index).__name__})"
        remedy = (
            "skrnn.preprocessing.make_windows cuts a series into windows, from_long gathers several"
        )
    return (
        f"X has {what}, but in a 2-D X every row is a sequence and every column a time step: "
        f"{_listed(X.columns)} would be the time steps. If the rows are time steps, {remedy}; if "
        "they are sequences, pass X.to_numpy() or X.reset_index(drop=True)."
    )


def _looks_like_channels(X: pd.DataFrame) -> bool:
    if not 2 <= X.shape[1] <= MANY_COLUMNS or len(X) == 0:
        return False
    if not all(isinstance(name, str) and not any(map(str.isdigit, name)) for name in X.columns):
        return False
    with np.errstate(all="ignore"):
        values = X.to_numpy(dtype=np.float64, na_value=np.nan)
        size = np.sqrt(np.nanmean(np.square(values), axis=0)) if np.isfinite(values).all() else [1]
        return bool(np.min(size) > 0 and np.max(size) / np.min(size) >= UNLIKE)


def _listed(columns: pd.Index) -> str:
    names = [repr(name) for name in columns.tolist()]
    return ", ".join(names) if len(names) <= 5 else ", ".join([*names[:4], "..."])
