"""Splits of sequences that have a target at every time step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.model_selection import StratifiedKFold
from sklearn.utils.multiclass import type_of_target

from skrnn.sequences import as_sequences, as_step_targets, step_lengths, unpack_steps


def sequence_labels(
    y: Any, by: str | Callable[[np.ndarray], Any] = "most_frequent", *, X: Any = None
) -> np.ndarray:
    """Return one label for every sequence, from its targets at every time step.

    Every stratified splitter of scikit-learn takes such labels.

    Parameters
    ----------
    y : array-like, DataFrame or list
        One target for every time step, as in the estimators' `fit`.
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
    lengths = as_sequences(X).lengths if getattr(X, "ndim", 2) == 3 else step_lengths(y)
    steps = as_step_targets(y, lengths).values
    if callable(by):
        labels = np.asarray([by(targets) for targets in unpack_steps(steps, lengths, ragged=True)])
        if labels.ndim != 1:
            raise ValueError(
                f"by must return one label for every sequence; all together have shape "
                f"{labels.shape}."
            )
        return labels
    if steps.ndim != 1 or type_of_target(steps) not in ("binary", "multiclass"):
        what = "numbers" if steps.ndim == 1 else "several outputs"
        raise ValueError(
            f"y has {what} at every time step, of which by={by!r} makes no label. Pass a function "
            "that makes one of a sequence's targets, such as by=lambda y: y.mean() > 0."
        )
    classes, codes = np.unique(steps, return_inverse=True)
    sample = np.repeat(np.arange(len(lengths)), lengths)
    counts = np.zeros((len(lengths), len(classes)), dtype=np.intp)
    np.add.at(counts, (sample, codes.reshape(-1)), 1)
    return classes[SUMMARIES[by](counts)]


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

    def __init__(self, n_splits=5, *, by="most_frequent", shuffle=False, random_state=None):
        super().__init__(n_splits, shuffle=shuffle, random_state=random_state)
        self.by = by

    def split(self, X, y, groups=None):
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
        return super().split(X, sequence_labels(y, self.by, X=X), groups)


def _most_frequent(counts: np.ndarray) -> np.ndarray:
    return counts.argmax(axis=1)


def _rarest(counts: np.ndarray) -> np.ndarray:
    has = counts > 0
    return np.where(has, has.sum(axis=0), len(counts) + 1).argmin(axis=1)


# (n_samples, n_classes) numbers of time steps -> (n_samples,) codes
SUMMARIES = {"most_frequent": _most_frequent, "rarest": _rarest}
