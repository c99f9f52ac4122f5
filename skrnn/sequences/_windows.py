"""Overlapping sequences that share the rows of one table."""

from __future__ import annotations

from collections.abc import Sequence
from operator import index
from typing import Any, SupportsIndex

import numpy as np
from numpy.typing import ArrayLike

from skrnn.sequences._values import unmasked


class Windows:
    """Equally long runs of rows of one table, as an array of three axes that copies nothing.

    It has the `shape`, `ndim`, `dtype`, length and items of an ndarray of shape (n_samples,
    n_timesteps, n_channels), so train-test splits and cross-validation take it, and the
    estimators gather it batch by batch. ``np.asarray`` turns it into an ordinary array, which is
    about `n_timesteps` times as large as the table.

    Parameters
    ----------
    table : ndarray of shape (n_rows, n_channels)
        The rows.
    starts : array-like of int of shape (n_samples,)
        Row of the first time step of every window; a window is rows ``start`` to
        ``start + n_timesteps - 1``.
    n_timesteps : int
        Rows per window, >= 1.
    channels : sequence of str, default=None
        Names of the channels, which the estimators keep as `feature_names_in_`.
    moments : array-like of int of shape (n_samples, 2), default=None
        When the last row of every window, and when its last target is known: integers that grow
        with time and are comparable between windows.
        :class:`~skrnn.model_selection.ForecastSplit` cuts by them.
    targets : sequence of str, default=None
        Names of what is to be forecast from the windows, most often channels among others.
    rows : array-like of int of shape (n_samples,), default=None
        The first row of every window in the table that it was cut from, if `table` holds copies
        of the windows one by one; ``early_stopping=True`` keeps windows apart by it that share
        rows there. None where `table` is that table.

    Attributes
    ----------
    table, starts, n_timesteps, channels, moments, targets, rows
        As above; `starts`, `moments` and `rows` are ndarrays.

    Raises
    ------
    ValueError
        If `table` is not two-dimensional, a window reaches beyond it, or there are not as many
        `channels` as columns, or `moments` or `rows` as windows.

    See Also
    --------
    skrnn.preprocessing.make_windows : Cuts them from a time series, with their targets.

    Examples
    --------
    >>> import numpy as np
    >>> from skrnn.preprocessing import Windows
    >>> X = Windows(np.array([[1.0], [2.0], [3.0], [4.0]]), starts=[0, 1, 2], n_timesteps=2)
    >>> X.shape
    (3, 2, 1)
    >>> X[1:]
    Windows(n_samples=2, n_timesteps=2, n_channels=1)
    >>> np.asarray(X)[:, :, 0]
    array([[1., 2.],
           [2., 3.],
           [3., 4.]])
    """

    ndim: int = 3

    def __init__(
        self,
        table: Any,
        starts: ArrayLike,
        n_timesteps: SupportsIndex,
        channels: Sequence[Any] | None = None,
        moments: ArrayLike | None = None,
        *,
        targets: Sequence[Any] | None = None,
        rows: ArrayLike | None = None,
    ) -> None:
        self.table: np.ndarray = np.asarray(unmasked(table))
        self.starts: np.ndarray = np.asarray(starts, dtype=np.intp)
        self.n_timesteps: int = index(n_timesteps)
        self.channels = channels
        self.moments: np.ndarray | None = None if moments is None else np.asarray(moments)
        self.targets = targets
        self.rows: np.ndarray | None = None if rows is None else np.asarray(rows, dtype=np.intp)
        self._check()

    def _check(self) -> None:
        channels = self.channels
        if self.table.ndim != 2 or self.starts.ndim != 1 or self.n_timesteps < 1:
            raise ValueError(
                "Windows are made of a table of shape (n_rows, n_channels), starts of shape "
                f"(n_samples,) and n_timesteps >= 1; got shapes {self.table.shape} and "
                f"{self.starts.shape}, and n_timesteps={self.n_timesteps}."
            )
        last = len(self.table) - self.n_timesteps
        if len(self.starts) and not 0 <= self.starts.min() <= self.starts.max() <= last:
            raise ValueError(
                f"A window of {self.n_timesteps} rows that starts at row {self.starts.min()} or "
                f"{self.starts.max()} reaches beyond the table of {len(self.table)} rows."
            )
        if channels is not None and len(channels) != self.table.shape[1]:
            raise ValueError(
                f"channels has {len(channels)} names, but the table has {self.table.shape[1]} "
                "columns."
            )
        if self.moments is not None and self.moments.shape != (len(self.starts), 2):
            raise ValueError(
                f"moments has shape {self.moments.shape}; expected two for each of the "
                f"{len(self.starts)} windows."
            )
        if self.rows is not None and self.rows.shape != self.starts.shape:
            raise ValueError(
                f"rows has shape {self.rows.shape}; expected one for each of the "
                f"{len(self.starts)} windows."
            )

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape of the array, (n_samples, n_timesteps, n_channels)."""
        return len(self.starts), self.n_timesteps, self.table.shape[1]

    @property
    def dtype(self) -> np.dtype:
        """Data type of the table."""
        return self.table.dtype

    def with_table(self, table: np.ndarray) -> Windows:
        """Return the same windows over another table."""
        return Windows(
            table,
            self.starts,
            self.n_timesteps,
            self.channels,
            self.moments,
            targets=self.targets,
            rows=self.rows,
        )

    def one_by_one(self, table: np.ndarray, channels: Sequence[Any] | None) -> Windows:
        """Return the windows over a table that holds one after the other, sharing no row.

        Parameters
        ----------
        table : ndarray of shape (n_windows * n_timesteps, n_columns)
            The time steps.
        channels : sequence of str or None
            Names of its columns.
        """
        return Windows(
            table,
            self.n_timesteps * np.arange(len(self)),
            self.n_timesteps,
            channels,
            self.moments,
            targets=self.targets,
            rows=self.starts if self.rows is None else self.rows,
        )

    def _at(self, samples: Any) -> Windows:
        """Return some of the windows."""
        moments, rows = (
            None if values is None else values[samples] for values in (self.moments, self.rows)
        )
        return Windows(
            self.table,
            self.starts[samples],
            self.n_timesteps,
            self.channels,
            moments,
            targets=self.targets,
            rows=rows,
        )

    def to_view(self) -> np.ndarray:
        """Return an ndarray that shares the table's memory; only for evenly spaced windows."""
        step = int(self.starts[1] - self.starts[0])
        per_row, per_channel = self.table.strides
        return np.lib.stride_tricks.as_strided(
            self.table[self.starts[0] :],
            shape=self.shape,
            strides=(step * per_row, per_row, per_channel),
            writeable=False,
        )

    def __len__(self) -> int:
        return len(self.starts)

    def __getitem__(self, key: Any) -> Any:
        """Return windows, or for one index a view of shape (n_timesteps, n_channels).

        Only a selection along the other axes copies: it returns an ordinary array.
        """
        samples, *rest = key if isinstance(key, tuple) else (key,)
        if samples is Ellipsis:
            return np.asarray(self)[key]
        starts = self.starts[samples]
        if np.ndim(starts) == 0:
            chosen: Any = self.table[starts : starts + self.n_timesteps]
            return chosen[tuple(rest)]
        if starts.ndim != 1:
            return np.asarray(self)[key]
        chosen = self._at(samples)
        if rest and rest != [Ellipsis]:
            return np.asarray(chosen)[(slice(None), *rest)]
        return chosen

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        if copy is False:
            raise ValueError("Windows overlap: an array of them is always a copy.")
        rows = self.starts[:, np.newaxis] + np.arange(self.n_timesteps)
        return self.table.take(rows, axis=0).astype(dtype or self.dtype, copy=False)

    def __repr__(self) -> str:
        n_samples, n_timesteps, n_channels = self.shape
        return f"Windows({n_samples=}, {n_timesteps=}, {n_channels=})"


def as_windows(X: Any) -> Windows | None:
    """Return `X` as windows if its samples overlap in memory, else None.

    Parameters
    ----------
    X : object
        Windows, or an ndarray of shape (n_samples, n_timesteps, n_channels) whose samples
        overlap in memory, as those of ``np.lib.stride_tricks.sliding_window_view`` do.

    Returns
    -------
    Windows or None
        Windows that share the memory of `X`.
    """
    if isinstance(X, Windows):
        return X
    if not isinstance(X, np.ndarray) or X.ndim != 3 or 0 in X.shape or X.dtype.kind not in "fiub":
        return None
    n_samples, n_timesteps, n_channels = X.shape
    per_sample, per_step, per_channel = X.strides
    if n_samples == 1 or n_timesteps == 1 or per_step <= 0 or per_sample % per_step:
        return None
    step = per_sample // per_step
    if not 0 <= step < n_timesteps:
        return None
    starts = step * np.arange(n_samples)
    table = np.lib.stride_tricks.as_strided(
        X,
        shape=(starts[-1] + n_timesteps, n_channels),
        strides=(per_step, per_channel),
        writeable=False,
    )
    return Windows(table, starts, n_timesteps)
