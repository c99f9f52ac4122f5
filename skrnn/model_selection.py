"""Splits of sequences with a target at every time step, and of windows in the order of time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from numbers import Integral
from typing import Any, Literal

import numpy as np
from sklearn.model_selection import BaseCrossValidator, StratifiedKFold
from sklearn.utils.multiclass import type_of_target

from skrnn._typing import Seed
from skrnn.sequences import (
    as_sequences,
    as_step_targets,
    check_same_order,
    step_lengths,
    unpack_steps,
    without_missing,
)

__all__ = ["ForecastSplit", "StratifiedSequenceKFold", "sequence_labels"]


def sequence_labels(
    y: Any, by: str | Callable[[np.ndarray], Any] = "most_frequent", *, X: Any = None
) -> np.ndarray:
    """Return one label for every sequence, from its targets at every time step.

    Every stratified splitter of scikit-learn takes such labels.

    Parameters
    ----------
    y : array-like, DataFrame or list
        One target for every time step, as in the estimators' `fit`. One that is missing does not
        count, and a sequence in which all are gets the label of most time steps in all.
    by : {"most_frequent", "rarest"} or callable, default="most_frequent"
        What of the targets is the label of a sequence:

        - "most_frequent": the label of most of its time steps, the first in order of several;
        - "rarest": of the labels it has, the one that the fewest sequences have, so that what
          is rare, such as a fault, gets into every part;
        - a function of the array of a sequence's targets, (n_timesteps,) or (n_timesteps,
          n_outputs), that returns one label. Numbers need one: ``lambda y: y.mean() > 0``.
    X : array-like, default=None
        Sequences; looked at only if they are a 3-D array, whose padding has no targets.

    Returns
    -------
    ndarray of shape (n_samples,)
        Labels.

    Raises
    ------
    ValueError
        If there is not one target for every time step, or if `by` does not suit the targets.

    See Also
    --------
    StratifiedSequenceKFold : Folds that are stratified so.

    Examples
    --------
    >>> from sklearn.model_selection import train_test_split
    >>> from skrnn.model_selection import sequence_labels
    >>> y = [["ok", "ok", "fault"], ["ok"], ["ok", "ok"], ["fault", "ok", "ok"]]
    >>> sequence_labels(y)
    array(['ok', 'ok', 'ok', 'ok'], dtype='<U5')
    >>> labels = sequence_labels(y, by="rarest")
    >>> labels
    array(['fault', 'ok', 'ok', 'fault'], dtype='<U5')
    >>> train, test = train_test_split(range(4), test_size=2, stratify=labels, random_state=0)
    """
    if not callable(by) and by not in SUMMARIES:
        raise ValueError(f"by must be one of {sorted(SUMMARIES)} or a function, got {by!r}.")
    padded = getattr(X, "ndim", 2) == 3
    lengths = as_sequences(X, allow_nan=True).lengths if padded else step_lengths(y)
    steps = as_step_targets(y, lengths).values
    if callable(by):
        labels = np.asarray([by(targets) for targets in unpack_steps(steps, lengths, ragged=True)])
        if labels.ndim != 1:
            raise ValueError(
                f"by must return one label for every sequence; all together have shape "
                f"{labels.shape}."
            )
        return labels
    steps, present = without_missing(steps)
    if steps.ndim != 1 or type_of_target(steps) not in ("binary", "multiclass"):
        what = "numbers" if steps.ndim == 1 else "several outputs"
        raise ValueError(
            f"y has {what} at every time step, of which by={by!r} makes no label. Pass a function "
            "that makes one of a sequence's targets, such as by=lambda y: y.mean() > 0."
        )
    classes, codes = np.unique(steps, return_inverse=True)
    sample = np.repeat(np.arange(len(lengths)), lengths)
    counts = np.zeros((len(lengths), len(classes)), dtype=np.intp)
    np.add.at(counts, (sample, codes.reshape(-1)), 1 if present is None else present)
    of_sequences = SUMMARIES[by](counts)
    of_sequences[~counts.any(axis=1)] = counts.sum(axis=0).argmax()
    return classes[of_sequences]


class StratifiedSequenceKFold(StratifiedKFold):
    """Folds of sequences whose targets at every time step are alike from fold to fold.

    scikit-learn's `StratifiedKFold` refuses targets at every time step; this one makes
    :func:`one label a sequence <sequence_labels>` of them.

    Parameters
    ----------
    n_splits : int, default=5
        Number of folds, >= 2.

    by : {"most_frequent", "rarest"} or callable, default="most_frequent"
        What of the targets is the label of a sequence, see :func:`sequence_labels`.

    shuffle : bool, default=False
        Whether to shuffle the sequences of each label first.

    random_state : int, RandomState instance or None, default=None
        Source of the shuffling.

    See Also
    --------
    sklearn.model_selection.StratifiedKFold : The same for one target a sequence.

    Examples
    --------
    >>> import numpy as np
    >>> from skrnn.model_selection import StratifiedSequenceKFold
    >>> X = [np.zeros((length, 1)) for length in (3, 1, 2, 3)]
    >>> y = [["ok", "ok", "fault"], ["ok"], ["ok", "ok"], ["fault", "ok", "ok"]]
    >>> for train, test in StratifiedSequenceKFold(2, by="rarest").split(X, y):
    ...     print(train, test)
    [2 3] [0 1]
    [0 1] [2 3]
    """

    def __init__(
        self,
        n_splits: int = 5,
        *,
        by: Literal["most_frequent", "rarest"] | Callable[[Any], Any] = "most_frequent",
        shuffle: bool = False,
        random_state: Seed = None,
    ) -> None:
        super().__init__(n_splits, shuffle=shuffle, random_state=random_state)
        self.by = by

    def split(self, X: Any, y: Any, groups: Any = None) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Return the indices of the training and test sequences of every fold.

        Parameters
        ----------
        X : array-like, list of array-like or DataFrame
            Sequences.

        y : array-like, DataFrame or list
            One target for every time step.

        groups : object, default=None
            Not used; present as in every splitter.

        Returns
        -------
        iterator of (ndarray, ndarray)
            Indices of the training and of the test sequences.
        """
        check_same_order(X, y=y)
        return super().split(X, sequence_labels(y, self.by, X=X), groups)


class ForecastSplit(BaseCrossValidator):
    """Folds of windows in the order of time: train on the past, test on the future.

    The windows of all series are cut at the same times. Those to train on have all of their
    targets at or before the origin of the first window to test on, so that nothing is learnt
    that is not known there, whatever the horizon.

    ``sklearn.model_selection.TimeSeriesSplit`` counts samples instead: its folds cut through the
    windows of one time where there are several series, and its `gap` must be set by hand.

    Parameters
    ----------
    n_splits : int, default=5
        Number of folds, >= 1.

    test_size : int, default=None
        Forecast origins, that is different times, in the test part of a fold. None takes
        ``n_origins // (n_splits + 1)``.

    max_train_size : int, default=None
        Number of the newest origins to train on. None takes all.

    See Also
    --------
    skrnn.preprocessing.make_windows : Makes the windows.

    Examples
    --------
    >>> import pandas as pd
    >>> from skrnn.model_selection import ForecastSplit
    >>> from skrnn.preprocessing import make_windows
    >>> days = pd.date_range("2024-01-01", periods=8)
    >>> data = pd.DataFrame({"shop": ["a"] * 8 + ["b"] * 8, "day": [*days, *days], "sold": 1.0})
    >>> windows = make_windows(data, window=2, horizon=2, group="shop", time="day")
    >>> for train, test in ForecastSplit(2).split(windows.X):
    ...     print(train, test)
    [0 1 2 3] [6 7]
    [0 1 2 3 4 5] [8 9]
    """

    def __init__(
        self,
        n_splits: int = 5,
        *,
        test_size: int | None = None,
        max_train_size: int | None = None,
    ) -> None:
        self.n_splits = n_splits
        self.test_size = test_size
        self.max_train_size = max_train_size

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """Return the number of folds.

        Parameters
        ----------
        X, y, groups : object, default=None
            Not used; present as in every splitter.

        Returns
        -------
        int
            That is `n_splits`.
        """
        return self.n_splits

    def split(
        self, X: Any, y: Any = None, groups: Any = None
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Return the indices of the training and test windows of every fold.

        Parameters
        ----------
        X : Windows or ForecastWindows
            Windows of :func:`~skrnn.preprocessing.make_windows`, or a part of them.

        y, groups : object, default=None
            Not used; present as in every splitter.

        Yields
        ------
        train, test : ndarray of int
            Indices of the windows to train and to test on.

        Raises
        ------
        TypeError
            If `X` has no times to cut by.
        ValueError
            If a parameter is out of range, or there are too few origins.
        """
        origin, known = _moments_of(X)
        origins = np.unique(origin)
        test_size = self._test_size(len(origins))
        for fold in range(self.n_splits):
            start = len(origins) - (self.n_splits - fold) * test_size
            first, last = origins[start], origins[start + test_size - 1]
            train = known <= first
            if self.max_train_size is not None:
                past = np.unique(origin[train])
                train &= origin >= past[-self.max_train_size :].min(initial=first)
            if not train.any():
                raise ValueError(
                    f"No window of fold {fold} can be trained on: none of the {start} origins "
                    "before its test part has its targets there. Lower n_splits, test_size or the "
                    "horizon."
                )
            yield np.flatnonzero(train), np.flatnonzero((origin >= first) & (origin <= last))

    def _test_size(self, n_origins: int) -> int:
        for name in ("n_splits", "test_size", "max_train_size"):
            size: Any = getattr(self, name)
            is_count = not isinstance(size, bool) and isinstance(size, Integral) and int(size) >= 1
            if not is_count and (size is not None or name == "n_splits"):
                raise ValueError(f"{name} must be an integer >= 1, got {size!r}.")
        test_size = self.test_size or n_origins // (self.n_splits + 1)
        if test_size == 0 or self.n_splits * test_size >= n_origins:
            raise ValueError(
                f"n_splits={self.n_splits} with test_size={self.test_size} needs more than the "
                f"{n_origins} forecast origins that X has. Lower them."
            )
        return test_size

    def _iter_test_indices(
        self, X: Any = None, y: Any = None, groups: Any = None
    ) -> Iterator[np.ndarray]:
        return (test for _, test in self.split(X, y, groups))


def _moments_of(X: Any) -> tuple[np.ndarray, np.ndarray]:
    """When the last row of every window, and when its last target is known."""
    moments = getattr(getattr(X, "X", X), "moments", None)
    if moments is None:
        raise TypeError(
            f"ForecastSplit cuts by the times of windows, which {type(X).__name__} has not. Pass "
            "the X of skrnn.preprocessing.make_windows, as it is: np.asarray makes an ordinary "
            "array of it."
        )
    return moments[:, 0], moments[:, 1]


def _most_frequent(counts: np.ndarray) -> np.ndarray:
    return counts.argmax(axis=1)


def _rarest(counts: np.ndarray) -> np.ndarray:
    has = counts > 0
    return np.where(has, has.sum(axis=0), len(counts) + 1).argmin(axis=1)


# (n_samples, n_classes) numbers of time steps -> (n_samples,) codes
SUMMARIES = {"most_frequent": _most_frequent, "rarest": _rarest}
