"""Stop when a score no longer improves."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np
from sklearn.utils import check_scalar

from skrnn.callbacks._base import Monitor, check_count


class EarlyStopping(Monitor):
    """Stops when a score no longer improves, and restores the weights of the best epoch.

    The estimator's own rules (`tol`, `n_iter_no_change`, `max_iter`) hold as well: set them so
    that they do not stop the fit first.

    Parameters
    ----------
    scoring : str, callable or None, default=None
        A scorer, higher is better. None is the estimator's `score` on the validation set; without
        one it is the estimator's own validation score, or its negative training loss if it
        validates nothing.
    X_val, y_val : array-like, default=None
        Sequences and targets to score on, as they arrive at the estimator (in a Pipeline:
        transformed). None scores on the `X_val` and `y_val` of `fit`, which a Pipeline can
        transform, or without these on the training data.
    patience : int, default=10
        Training stops after so many epochs in a row without an improvement, >= 1.
    min_delta : float, default=0.0
        A score counts as an improvement if it exceeds the best one so far by more than this,
        >= 0.
    restore_best : bool, default=True
        Whether the weights of the best epoch are restored at the end, however training ended.

    Attributes
    ----------
    scores_ : list of float
        The scores of all epochs. This and the other attributes are those of the last fit in this
        process.
    best_score_ : float
        The highest score.
    best_epoch_ : int
        The epoch that reached it, counted from 1.

    Examples
    --------
    >>> from skrnn import RNNRegressor
    >>> from skrnn.callbacks import EarlyStopping
    >>> from skrnn.datasets import make_adding_problem
    >>> X, y = make_adding_problem(120, n_timesteps=8, random_state=0)
    >>> stop = EarlyStopping(scoring="r2", X_val=X[80:], y_val=y[80:], patience=5)
    >>> reg = RNNRegressor(8, learning_rate_init=0.02, n_iter_no_change=200, random_state=0)
    >>> reg = reg.set_callbacks(stop).fit(X[:80], y[:80])
    >>> stop.best_score_ == max(stop.scores_) == reg.score(X[80:], y[80:])
    True
    """

    def __init__(
        self,
        *,
        scoring: Any = None,
        X_val: Any = None,
        y_val: Any = None,
        patience: int = 10,
        min_delta: float = 0.0,
        restore_best: bool = True,
    ):
        super().__init__(scoring=scoring, X_val=X_val, y_val=y_val)
        self.patience: int = check_count(patience, "patience")
        self.min_delta: float = check_scalar(min_delta, "min_delta", Real, min_val=0)
        if not np.isfinite(min_delta):
            raise ValueError(f"min_delta must be finite and >= 0. Got {min_delta!r} instead.")
        if not isinstance(restore_best, bool | np.bool_):
            raise TypeError(f"restore_best must be True or False. Got {restore_best!r} instead.")
        self.restore_best = restore_best

    def judge(self, estimator: Any, value: float) -> bool:
        notes = self.notes(estimator)
        best = max(notes.setdefault("scores", []), default=-np.inf)
        notes["scores"].append(value)
        notes["wait"] = 0 if value > best + self.min_delta else notes.get("wait", 0) + 1
        if value > best and self.restore_best:
            notes["vector"] = estimator.network_.parameters.vector.copy()
        return notes["wait"] >= self.patience

    def end_fit(self, estimator: Any) -> None:
        """Restore the best weights."""
        notes = self.notes(estimator)
        if "vector" in notes:
            estimator.network_.parameters.vector[:] = notes["vector"]
        self.scores_: list[float] = notes.get("scores", [])
        self.best_score_: float = max(self.scores_, default=-np.inf)
        self.best_epoch_: int = int(np.argmax(self.scores_)) + 1 if self.scores_ else 0
