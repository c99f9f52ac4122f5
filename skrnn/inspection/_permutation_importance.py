"""How much the score depends on a channel or on a time step."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral
from typing import Any, Literal

import numpy as np
import pandas as pd
from sklearn.metrics import check_scoring
from sklearn.utils import Bunch, check_random_state, check_scalar

from skrnn._innermost import innermost
from skrnn._typing import Seed
from skrnn.sequences import (
    Sequences,
    as_sequences,
    flatten_cells,
    has_sequence_cells,
    in_form_of,
    plain,
    static_columns,
)


def permutation_importance(
    est: Any,
    X: Any,
    y: Any,
    *,
    by: Literal["channel", "time_step"] = "channel",
    scoring: Any = None,
    n_repeats: int = 5,
    random_state: Seed = None,
    sample_weight: Any = None,
) -> Bunch:
    """Tell how much the score falls if a channel, or a time step, comes from other sequences.

    scikit-learn's function of this name [1]_ permutes the columns of a table; this one permutes
    what belongs together in sequences.

    Parameters
    ----------
    est : estimator
        Fitted; anything that takes `X`.
    X : array-like, list of array-like or DataFrame
        Sequences of numbers, in any form that the estimator takes (missing values are permuted
        with the others), or a DataFrame with
        sequences of tokens, or of both, in its cells. A 2-D table has as many channels as
        `n_channels` of the recurrent estimator inside `est` says, one if there is none.
    y : array-like
        Targets.
    by : {"channel", "time_step"}, default="channel"
        "channel": every sequence gets a channel of another one, in whole; a longer one is cut,
        a shorter one repeated. Columns of single values beside columns of sequences, which are
        static features, count as channels: their values are permuted. "time_step": the values
        of all channels at a step are permuted among the sequences that have that step.
    scoring : str, callable or None, default=None
        As in scikit-learn; None is the estimator's own `score`.
    n_repeats : int, default=5
        Permutations of each, >= 1.
    random_state : int, RandomState instance or None, default=None
        Source of the permutations.
    sample_weight : array-like, default=None
        Weights in the score, in any form that it takes.

    Returns
    -------
    result : :class:`~sklearn.utils.Bunch`
        With `n` the number of channels (columns of a DataFrame) or of time steps of the longest
        sequence: importances_mean and importances_std of shape (n,), importances of shape (n,
        n_repeats): the score of `X` less that of the permuted `X`.

    Raises
    ------
    ValueError
        If a parameter is not valid.

    References
    ----------
    .. [1] Breiman (2001). Random forests. Machine Learning 45(1).

    Examples
    --------
    >>> from skrnn import RNNClassifier
    >>> from skrnn.datasets import load_japanese_vowels
    >>> from skrnn.inspection import permutation_importance
    >>> X, y = load_japanese_vowels(split="train", return_X_y=True)
    >>> clf = RNNClassifier(8, tol=0.1, random_state=0).fit(X, y)
    >>> result = permutation_importance(clf, X, y, random_state=0)
    >>> result.importances.shape
    (12, 5)
    """
    if by not in ("channel", "time_step"):
        raise ValueError(f"by must be 'channel' or 'time_step', got {by!r}.")
    check_scalar(n_repeats, "n_repeats", Integral, min_val=1)
    scorer, rng = check_scoring(est, scoring=scoring), check_random_state(random_state)
    table = _Columns.of(X)
    sequences = _read(table.cells, n_channels=getattr(innermost(est), "n_channels", 1))
    weights = {} if sample_weight is None else {"sample_weight": sample_weight}
    baseline = scorer(est, X, y, **weights)
    if isinstance(baseline, dict):
        raise ValueError(
            f"scoring must give one number, got those of {list(baseline)}. Call once for each."
        )
    permute = _permute_channel if by == "channel" else _permute_step
    n = sequences.n_channels + table.n_static if by == "channel" else int(sequences.lengths.max())
    importances = np.empty((n, n_repeats))
    for k in range(n):
        for repeat in range(n_repeats):
            if by == "channel" and table.is_static(k):
                permuted = table.with_static(k, rng.permutation(sequences.n_samples))
            else:
                steps = permute(sequences, table.channel(k) if by == "channel" else k, rng)
                permuted = table.with_cells(in_form_of(table.cells, sequences, steps))
            importances[k, repeat] = baseline - scorer(est, permuted, y, **weights)
    return Bunch(
        importances_mean=importances.mean(axis=1),
        importances_std=importances.std(axis=1),
        importances=importances,
    )


@dataclass(frozen=True)
class _Columns:
    """An `X`, of which some columns may be single values beside columns of sequences.

    Attributes
    ----------
    X : object
        As a table of pandas if it has such columns.
    cells : object
        `X` without them.
    static : ndarray of shape (n_columns,), dtype bool
        Which columns they are; empty if there are none.
    """

    X: Any
    cells: Any
    static: np.ndarray

    @classmethod
    def of(cls, X: Any) -> _Columns:
        table = pd.DataFrame(X) if isinstance(X, np.ndarray) and X.dtype == object else plain(X)
        if not (isinstance(table, pd.DataFrame) and has_sequence_cells(table)):
            return cls(X, X, np.zeros(0, dtype=bool))
        static = static_columns(table)
        if not static.any():
            return cls(X, X, np.zeros(0, dtype=bool))
        return cls(table, table.loc[:, ~static], static)

    @property
    def n_static(self) -> int:
        return int(self.static.sum())

    def is_static(self, k: int) -> bool:
        return bool(self.n_static and self.static[k])

    def channel(self, k: int) -> int:
        """Return which of the channels column `k` is."""
        return k - int(self.static[:k].sum())

    def with_static(self, k: int, order: np.ndarray) -> Any:
        """Return `X` with the values of a column in another order."""
        permuted = self.X.copy(deep=False)
        permuted.isetitem(k, self.X.iloc[order, k].array)
        return permuted

    def with_cells(self, cells: Any) -> Any:
        """Return `X` with other sequences."""
        if not self.n_static:
            return cells
        permuted = self.X.copy(deep=False)
        for channel, k in enumerate(np.flatnonzero(~self.static).tolist()):
            permuted.isetitem(k, cells.iloc[:, channel].array)
        return permuted


def _read(X: Any, n_channels: int) -> Sequences:
    """Read sequences to permute, of numbers or, in the cells of a frame, of tokens."""
    if isinstance(X, pd.DataFrame) and has_sequence_cells(X):
        columns, lengths = flatten_cells(X, "X", lambda cell, _: np.asarray(cell))
        if any(column.dtype.kind in "OUS" for column in columns):
            table = np.column_stack([column.astype(object) for column in columns])
            return Sequences(table, lengths, "nested")
    return as_sequences(X, n_channels=n_channels, allow_nan=True)


def _permute_channel(sequences: Sequences, channel: int, rng: np.random.RandomState) -> np.ndarray:
    values = sequences.values.copy()
    donors = rng.permutation(sequences.n_samples)
    step = np.concatenate([np.arange(length) for length in sequences.lengths])
    donor = np.repeat(donors, sequences.lengths)
    source = sequences.starts[donor] + step % sequences.lengths[donor]
    values[:, channel] = sequences.values[source, channel]
    return values


def _permute_step(sequences: Sequences, step: int, rng: np.random.RandomState) -> np.ndarray:
    values = sequences.values.copy()
    rows = (sequences.starts + step)[sequences.lengths > step]
    values[rows] = sequences.values[rng.permutation(rows)]
    return values
