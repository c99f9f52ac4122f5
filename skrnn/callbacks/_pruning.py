"""Stop the fits of a search that promise nothing."""

from __future__ import annotations

import json
import shutil
import tempfile
import weakref
from pathlib import Path
from typing import Any

import joblib
import numpy as np

from skrnn._files import write_whole
from skrnn.callbacks._base import Monitor, check_count


class MedianPruning(Monitor):
    """Stops those fits of a search that are worse than the median of earlier candidates.

    After every epoch the best score so far is compared with the median of the scores, at that
    epoch, of the candidates whose fit on the same fold has ended. A stopped candidate is scored as
    it is. The refit of the best candidate is never stopped, nor is a fit outside of a search.
    Needs scikit-learn >= 1.9, whose searches tell their candidates which search they belong to.

    The fits learn of each other through small files, which works with any `n_jobs` on one
    machine. With `n_jobs` > 1 it depends on timing which fits have ended by then, so two runs of a
    search may stop different candidates.

    Parameters
    ----------
    scoring : str, callable or None, default=None
        A scorer, higher is better. None is the estimator's `score` on the validation set; without
        one it is the estimator's own validation score, or its negative training loss if it
        validates nothing. Training losses can be compared only between candidates with the same
        `loss` and much the same `alpha`.
    X_val, y_val : array-like, default=None
        Sequences and targets to score on, as they arrive at the estimator (in a Pipeline:
        transformed). None scores on the `X_val` and `y_val` of `fit`, which a Pipeline can
        transform, or without these on the training data.
    n_startup_candidates : int, default=5
        No fit is stopped at an epoch that fewer candidates have reached, >= 1.
    n_warmup_epochs : int, default=5
        No fit is stopped before it has run so many epochs, >= 0.
    directory : str or path-like, default=None
        Where the files are kept: a shared one if workers run on several machines. None is a
        temporary directory.

    References
    ----------
    .. [1] Golovin et al. (2017). Google Vizier: a service for black-box optimization. KDD,
           section 3.2.2.

    Examples
    --------
    >>> from sklearn.model_selection import GridSearchCV
    >>> from skrnn import RNNRegressor
    >>> from skrnn.callbacks import MedianPruning
    >>> reg = RNNRegressor(8, random_state=0).set_callbacks(MedianPruning())
    >>> search = GridSearchCV(reg, {"learning_rate_init": [1e-2, 3e-3, 1e-3]}, cv=3)
    """

    def __init__(
        self,
        *,
        scoring: Any = None,
        X_val: Any = None,
        y_val: Any = None,
        n_startup_candidates: int = 5,
        n_warmup_epochs: int = 5,
        directory: Any = None,
    ):
        super().__init__(scoring=scoring, X_val=X_val, y_val=y_val)
        self.n_startup_candidates: int = check_count(n_startup_candidates, "n_startup_candidates")
        self.n_warmup_epochs: int = check_count(n_warmup_epochs, "n_warmup_epochs", least=0)
        # Before a search sends copies to its workers, which are to use the same directory.
        self.directory: Path = Path(directory or tempfile.mkdtemp(prefix="skrnn-pruning-"))
        if directory is None:
            weakref.finalize(self, shutil.rmtree, self.directory, ignore_errors=True)
        self._ended: dict[str, list[float]] = {}

    def setup(self, estimator: Any, context: Any) -> None:
        """Check scorer, validation set and scikit-learn's version."""
        super().setup(estimator, context)
        if not hasattr(context, "source_task_name"):
            raise ImportError(
                "MedianPruning needs scikit-learn >= 1.9: before, a fit does not know the search "
                "that it is part of."
            )
        self.directory.mkdir(parents=True, exist_ok=True)

    def on_fit_task_end(
        self,
        estimator: Any,
        context: Any,
        *,
        X: Any = None,
        y: Any = None,
        metadata: Any = None,
        fitted_estimator: Any = None,
    ) -> bool:
        """Score an epoch and compare; at the end of the fit leave the scores for others."""
        place = _place_in_search(context)
        if place is None:
            return False
        notes = self.notes(estimator)
        if "fold" not in notes:
            # By its targets: X may have been through steps that the search varies.
            notes.update(fold=f"{place[0]}-{joblib.hash(y)}", scores=[])
        fold, scores = notes["fold"], notes["scores"]
        if context.task_name != "epoch":
            write_whole(self.directory / f"{fold}.{place[1]}", json.dumps(scores).encode())
            return False
        scores.append(self.value(estimator, fitted_estimator, X, y, metadata))
        n_epochs = len(scores)
        others = [ended[n_epochs - 1] for ended in self._others(fold) if len(ended) >= n_epochs]
        if n_epochs <= self.n_warmup_epochs or len(others) < self.n_startup_candidates:
            return False
        return bool(max(scores) < np.median(others))

    def _others(self, fold: str) -> list[list[float]]:
        """Return the scores of the fits on a fold that have ended."""
        names = [path.name for path in self.directory.glob(f"{fold}.[0-9]*")]
        for name in set(names) - set(self._ended):
            self._ended[name] = _scores_in(self.directory / name)
        return [self._ended[name] for name in names]


def _scores_in(path: Path) -> list[float]:
    """Return the scores that another fit has left."""
    try:
        return [float(score) for score in json.loads(path.read_bytes())]
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{path} does not hold the scores of a fit, as MedianPruning writes them. Delete it, "
            "or give another directory."
        ) from error


def _place_in_search(context: Any) -> tuple[str, int] | None:
    """Return the name of the candidate evaluation that a fit belongs to, and its number in it."""
    while context is not None:
        if "candidate-split-evaluation" in (context.task_name, context.source_task_name):
            above, parts = context.parent, [str(context.root_uuid)]
            while above is not None:
                parts.append(str(above.task_id))
                above = above.parent
            return "-".join(parts), context.task_id
        context = context.parent
    return None


class OptunaPruning(Monitor):
    """Reports every epoch to an Optuna trial and ends the fit when Optuna prunes the trial.

    A trial is one fit: Optuna takes one value for each epoch of a trial.

    Parameters
    ----------
    trial : optuna.trial.Trial
        Its study maximises.
    scoring : str, callable or None, default=None
        A scorer, higher is better. None is the estimator's `score` on the validation set; without
        one it is the estimator's own validation score, or its negative training loss if it
        validates nothing.
    X_val, y_val : array-like, default=None
        Sequences and targets to score on, as they arrive at the estimator (in a Pipeline:
        transformed). None scores on the `X_val` and `y_val` of `fit`, which a Pipeline can
        transform, or without these on the training data.

    Raises
    ------
    optuna.TrialPruned
        From `fit`, when the trial is pruned.
    """

    def __init__(self, trial: Any, *, scoring: Any = None, X_val: Any = None, y_val: Any = None):
        super().__init__(scoring=scoring, X_val=X_val, y_val=y_val)
        self.trial = trial

    def setup(self, estimator: Any, context: Any) -> None:
        """Check trial, scorer and validation set."""
        super().setup(estimator, context)
        if not (hasattr(self.trial, "report") and hasattr(self.trial, "should_prune")):
            raise TypeError(
                "trial must be the optuna.trial.Trial that the objective receives. Got "
                f"{self.trial!r} instead."
            )

    def judge(self, estimator: Any, value: float) -> bool:
        from optuna import TrialPruned

        epoch = estimator._training_state.epoch
        self.trial.report(value, epoch)
        if self.trial.should_prune():
            raise TrialPruned(f"Pruned after epoch {epoch} at {value:.6g}.")
        return False
