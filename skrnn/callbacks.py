"""Callbacks: what else should happen while a network learns.

They follow the protocol of scikit-learn's own callbacks (scikit-learn >= 1.9) and are set on the
estimator, alone or as the last step of a Pipeline or within a search::

    RNNClassifier().set_callbacks(EarlyStopping(scoring="f1_macro", X_val=X_val, y_val=y_val))

With an older scikit-learn, `set_callbacks` of skrnn's estimators takes them too; only
`MedianPruning` needs the callbacks of scikit-learn's searches. One object may serve several fits
and the clones that a search makes: what it remembers of a fit is kept with that fit.
"""

from __future__ import annotations

import json
import os
import pickle
import shutil
import sys
import tempfile
import weakref
from numbers import Integral, Real
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from sklearn.metrics import check_scoring
from sklearn.utils import check_consistent_length, check_scalar

from skrnn._version import __version__
from skrnn.core.training import TrainingState

__all__ = ["Checkpoint", "EarlyStopping", "LiveLoss", "MedianPruning", "OptunaPruning"]


class Callback:
    """Hooks that do nothing, and what all callbacks need."""

    def setup(self, estimator: Any, context: Any) -> None:
        """Check, at the begin of a fit, that the estimator is one of skrnn's."""
        if not hasattr(estimator, "_start_from"):
            raise TypeError(
                f"{type(self).__name__} follows RNNClassifier and RNNRegressor, got "
                f"{type(estimator).__name__}. Call set_callbacks of the recurrent estimator "
                "itself, before it goes into a Pipeline or a search."
            )

    def teardown(self, estimator: Any, context: Any) -> None:
        """Do nothing."""

    def on_fit_task_begin(self, estimator: Any, context: Any) -> None:
        """Do nothing."""

    def on_fit_task_end(self, estimator: Any, context: Any) -> bool | None:
        """Do nothing."""

    def _notes(self, estimator: Any) -> dict[str, Any]:
        """Return what is remembered of this fit; a checkpoint holds it."""
        # By the position: it is the same in the process that resumes a fit.
        position = [callback is self for callback in estimator._skl_callbacks].index(True)
        return estimator._training_state.notes.setdefault(position, {})


class Monitor(Callback):
    """A callback that looks at one number after every epoch, higher is better."""

    def __init__(self, *, scoring: Any = None, X_val: Any = None, y_val: Any = None):
        self.scoring = scoring
        self.X_val = X_val
        self.y_val = y_val

    def setup(self, estimator: Any, context: Any) -> None:
        """Check scorer and validation set."""
        super().setup(estimator, context)
        if (self.X_val is None) != (self.y_val is None):
            raise ValueError("X_val and y_val belong together; pass both or neither.")
        if self.X_val is not None:
            check_consistent_length(self.X_val, self.y_val)
        check_scoring(estimator, self.scoring)

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
        """Look at an epoch, or at the end of the fit."""
        if context.task_name != "epoch":
            self._end_fit(estimator)
            return False
        return self._judge(estimator, self._value(estimator, fitted_estimator, X, y, metadata))

    def _judge(self, estimator: Any, value: float) -> bool:
        """Take note of an epoch's number; tell whether the fit is to stop."""
        raise NotImplementedError

    def _end_fit(self, estimator: Any) -> None:
        """Do nothing."""

    def _value(self, estimator: Any, fitted: Any, X: Any, y: Any, metadata: Any) -> float:
        if self.X_val is not None:
            return float(check_scoring(estimator, self.scoring)(fitted, self.X_val, self.y_val))
        if self.scoring is not None:
            return float(check_scoring(estimator, self.scoring)(fitted, X, y, **(metadata or {})))
        if estimator.early_stopping:
            return estimator.validation_scores_[-1]
        return -estimator.loss_curve_[-1]


class EarlyStopping(Monitor):
    """Stops when a score no longer improves, and restores the weights of the best epoch.

    The estimator's own rules (`tol`, `n_iter_no_change`, `max_iter`) hold as well: set them so
    that they do not stop the fit first.

    Parameters
    ----------
    scoring : str, callable or None, default=None
        A scorer, higher is better. None is the estimator's `score` on the validation set; without
        one it is the estimator's own validation score, or its negative training loss without
        `early_stopping`.
    X_val, y_val : array-like, default=None
        Sequences and targets to score on, as they arrive at the estimator (in a Pipeline:
        transformed). None scores on the training data.
    patience : int, default=10
        So many epochs in a row without an improvement end training, >= 1.
    min_delta : float, default=0.0
        An improvement is more than this above the best score so far, >= 0.
    restore_best : bool, default=True
        Whether the weights of the best epoch are put back at the end, however training ended.

    Attributes
    ----------
    scores_ : list of float
        The scores of all epochs; here and below of the last fit in this process.
    best_score_ : float
        The highest of them.
    best_epoch_ : int
        Its epoch, counted from 1.

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
        self.patience = check_scalar(patience, "patience", Integral, min_val=1)
        self.min_delta = check_scalar(min_delta, "min_delta", Real, min_val=0)
        self.restore_best = restore_best

    def _judge(self, estimator: Any, value: float) -> bool:
        notes = self._notes(estimator)
        best = max(notes.setdefault("scores", []), default=-np.inf)
        notes["scores"].append(value)
        notes["wait"] = 0 if value > best + self.min_delta else notes.get("wait", 0) + 1
        if value > best and self.restore_best:
            notes["vector"] = estimator.network_.parameters.vector.copy()
        return notes["wait"] >= self.patience

    def _end_fit(self, estimator: Any) -> None:
        """Put the best weights back."""
        notes = self._notes(estimator)
        if "vector" in notes:
            estimator.network_.parameters.vector[:] = notes["vector"]
        self.scores_: list[float] = notes.get("scores", [])
        self.best_score_ = max(self.scores_, default=-np.inf)
        self.best_epoch_ = int(np.argmax(self.scores_)) + 1 if self.scores_ else 0


class MedianPruning(Monitor):
    """Stops those fits of a search that are worse than the median of the candidates before.

    After every epoch the best score so far is compared with the median, over the candidates whose
    fit on the same fold has ended, of their scores at that epoch. A stopped candidate is scored
    as it is. The refit of the best candidate is never stopped, nor is a fit outside of a search.
    Needs scikit-learn >= 1.9, whose searches tell their candidates which search they belong to.

    The fits learn of each other through small files, which works with any `n_jobs` on one
    machine. With `n_jobs` > 1 it depends on time which fits have ended by then, so two runs of a
    search may stop other candidates.

    Parameters
    ----------
    scoring : str, callable or None, default=None
        A scorer, higher is better. None is the estimator's `score` on the validation set; without
        one it is the estimator's own validation score, or its negative training loss without
        `early_stopping`. The training losses of candidates compare only if all have the same loss
        and much the same `alpha`.
    X_val, y_val : array-like, default=None
        Sequences and targets to score on, as they arrive at the estimator (in a Pipeline:
        transformed). None scores on the training data.
    n_startup_candidates : int, default=5
        As long as fewer candidates have reached an epoch, none is stopped there, >= 1.
    n_warmup_epochs : int, default=5
        No fit is stopped before it has run so many epochs, >= 0.
    directory : str or path-like, default=None
        Where the files go, for workers on several machines. None is a temporary directory.

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
        self.n_startup_candidates = check_scalar(
            n_startup_candidates, "n_startup_candidates", Integral, min_val=1
        )
        self.n_warmup_epochs = check_scalar(n_warmup_epochs, "n_warmup_epochs", Integral, min_val=0)
        # Before a search sends copies to its workers, which are to use the same directory.
        self.directory = Path(directory or tempfile.mkdtemp(prefix="skrnn-pruning-"))
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
        """Score an epoch and compare; at the end of the fit leave its scores to others."""
        place = _place_in_search(context)
        if place is None:
            return False
        notes = self._notes(estimator)
        if "fold" not in notes:
            # By its targets: X may have been through steps that the search varies.
            notes.update(fold=f"{place[0]}-{joblib.hash(y)}", scores=[])
        fold, scores = notes["fold"], notes["scores"]
        if context.task_name != "epoch":
            _write(self.directory / f"{fold}.{place[1]}", json.dumps(scores).encode())
            return False
        scores.append(self._value(estimator, fitted_estimator, X, y, metadata))
        n_epochs = len(scores)
        others = [ended[n_epochs - 1] for ended in self._others(fold) if len(ended) >= n_epochs]
        if n_epochs <= self.n_warmup_epochs or len(others) < self.n_startup_candidates:
            return False
        return bool(max(scores) < np.median(others))

    def _others(self, fold: str) -> list[list[float]]:
        """Return the scores of the fits on a fold that have ended."""
        names = [path.name for path in self.directory.glob(f"{fold}.[0-9]*")]
        for name in set(names) - set(self._ended):
            self._ended[name] = json.loads((self.directory / name).read_text())
        return [self._ended[name] for name in names]


def _place_in_search(context: Any) -> tuple[str, int] | None:
    """Return a name for the evaluation of candidates a fit is part of, and its number there."""
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
        one it is the estimator's own validation score, or its negative training loss without
        `early_stopping`.
    X_val, y_val : array-like, default=None
        Sequences and targets to score on, as they arrive at the estimator (in a Pipeline:
        transformed). None scores on the training data.

    Raises
    ------
    optuna.TrialPruned
        From `fit`, when the trial is pruned.
    """

    def __init__(self, trial: Any, *, scoring: Any = None, X_val: Any = None, y_val: Any = None):
        super().__init__(scoring=scoring, X_val=X_val, y_val=y_val)
        self.trial = trial

    def _judge(self, estimator: Any, value: float) -> bool:
        from optuna import TrialPruned

        epoch = estimator._training_state.epoch
        self.trial.report(value, epoch)
        if self.trial.should_prune():
            raise TrialPruned(f"Pruned after epoch {epoch} at {value:.6g}.")
        return False


class LiveLoss(Callback):
    """Shows the training loss, and the validation score if there is one, while it changes.

    Parameters
    ----------
    kind : {'text', 'plot'}, default='text'
        A line of text that is written over, or a picture that is drawn anew: in a notebook below
        the cell, elsewhere in a window of matplotlib, which `'plot'` needs.
    every : int, default=1
        Epochs between two updates, >= 1.

    Examples
    --------
    >>> from skrnn import RNNRegressor
    >>> from skrnn.callbacks import LiveLoss
    >>> reg = RNNRegressor(8).set_callbacks(LiveLoss(every=10))
    """

    def __init__(self, kind: str = "text", *, every: int = 1):
        if kind not in ("text", "plot"):
            raise ValueError(f"kind must be 'text' or 'plot'. Got {kind!r} instead.")
        self.kind = kind
        self.every = check_scalar(every, "every", Integral, min_val=1)

    def setup(self, estimator: Any, context: Any) -> None:
        """Open what is drawn on."""
        super().setup(estimator, context)
        self._screen: Any = _TextScreen() if self.kind == "text" else _PlotScreen()

    def teardown(self, estimator: Any, context: Any) -> None:
        """Finish the line, or let go of the picture."""
        if hasattr(self, "_screen"):
            self._screen.close()
            del self._screen

    def on_fit_task_end(self, estimator: Any, context: Any) -> None:
        """Show an epoch if it is its turn; at the end of the fit the last one if it was not."""
        its_turn = len(estimator.loss_curve_) % self.every == 0
        if its_turn == (context.task_name == "epoch"):
            self._screen.show(estimator.loss_curve_, estimator.validation_scores_)


BARS = "▁▂▃▄▅▆▇█"


def sparkline(values: Any, width: int = 32) -> str:
    """Draw numbers as bars of text: the mean of every one of at most `width` pieces."""
    values = np.asarray(values, dtype=float)
    pieces = np.array([piece.mean() for piece in np.array_split(values, min(width, len(values)))])
    span = pieces.max() - pieces.min()
    heights = (pieces - pieces.min()) / (span or 1.0)
    return "".join(BARS[int(height * (len(BARS) - 1) + 0.5)] for height in heights)


class _TextScreen:
    width = 0

    def show(self, losses: list[float], scores: list[float] | None) -> None:
        line = f"epoch {len(losses)}  {sparkline(losses)}  loss {losses[-1]:.4g}"
        if scores:
            line += f"  validation {scores[-1]:.4g}"
        sys.stdout.write("\r" + line.ljust(self.width))
        sys.stdout.flush()
        self.width = len(line)

    def close(self) -> None:
        if self.width:
            sys.stdout.write("\n")


class _PlotScreen:
    def __init__(self) -> None:
        try:
            from matplotlib import pyplot
        except ImportError as error:
            raise ImportError(
                "LiveLoss(kind='plot') needs matplotlib: pip install 'skrnn[plot]'."
            ) from error
        self.pyplot, self.figure = pyplot, pyplot.figure()
        self.handle = _display_in_notebook(self.figure)

    def show(self, losses: list[float], scores: list[float] | None) -> None:
        from skrnn.plotting import LossCurveDisplay

        self.figure.clear()
        display = LossCurveDisplay({"loss": losses}, {"loss": scores} if scores else None)
        display.plot(ax=self.figure.add_subplot())
        if self.handle is None:
            self.pyplot.pause(0.001)  # lets the window draw itself
        else:
            self.handle.update(self.figure)

    def close(self) -> None:
        # A notebook shows every figure left open once more; a window stays for the user.
        if self.handle is not None:
            self.pyplot.close(self.figure)


def _display_in_notebook(figure: Any) -> Any:
    """Return the handle of a figure shown below the cell, None outside of a notebook."""
    if "ipykernel" not in sys.modules:
        return None
    from IPython.display import display

    return display(figure, display_id=True)


class Checkpoint(Callback):
    """Saves a fit as it goes, so that it can go on after the process was killed.

    Run the same program again: `fit` finds the file, goes on from the epoch it holds, and ends
    equal to the bit to a fit that was never killed, in weights, curves and all other attributes.
    A file that holds a finished fit gives its result at once. After an interrupt (Ctrl-C) the
    last file stays, and the fit can be resumed as well.

    The file is replaced in one step: there is a whole one at any time. It is a pickle, so load
    none from a source that you do not trust.

    Parameters
    ----------
    path : str or path-like
        The file. If it is a directory that exists, every combination of parameters and data gets
        a file of its own there; so even a killed search goes on where it was.
    every : int, default=1
        Epochs between two savings, >= 1.

    Raises
    ------
    ValueError
        From `fit`, if the file belongs to a fit with other parameters or data, if it is no
        checkpoint, or with ``optimizer='lbfgs'`` or another that works on all samples at once,
        whose state lies within a single call and cannot be saved.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from skrnn import RNNRegressor
    >>> from skrnn.callbacks import Checkpoint
    >>> from skrnn.datasets import make_adding_problem
    >>> X, y = make_adding_problem(40, n_timesteps=8, random_state=0)
    >>> with tempfile.TemporaryDirectory() as directory:
    ...     checkpoint = Checkpoint(Path(directory) / "fit.checkpoint", every=10)
    ...     reg = RNNRegressor(4, tol=0.1, random_state=0).set_callbacks(checkpoint)
    ...     first = reg.fit(X, y).loss_curve_
    ...     second = reg.fit(X, y).loss_curve_  # read from the file
    >>> first == second
    True
    """

    def __init__(self, path: Any, *, every: int = 1):
        self.path = Path(path)
        self.every = check_scalar(every, "every", Integral, min_val=1)
        # File and fingerprint of the fits that are running in this process.
        self._fits: dict[int, tuple[Path, dict[str, Any]]] = {}

    def setup(self, estimator: Any, context: Any) -> None:
        """Check that there can be a checkpoint."""
        super().setup(estimator, context)
        if estimator._full_batch:
            raise ValueError(
                f"Checkpoint cannot save a fit with optimizer={estimator.optimizer!r}: its state "
                "lies within a single call, which cannot be interrupted and resumed. Choose "
                "another optimizer, or fit without the callback."
            )
        if not self.path.parent.is_dir():
            raise FileNotFoundError(
                f"Checkpoint cannot write {self.path}: there is no directory {self.path.parent}."
            )

    def teardown(self, estimator: Any, context: Any) -> None:
        """Forget the fit."""
        self._fits.pop(id(estimator), None)

    def on_fit_task_begin(
        self, estimator: Any, context: Any, *, X: Any = None, y: Any = None, metadata: Any = None
    ) -> None:
        """Resume a fit at its begin; save it before an epoch, when the last one is complete."""
        if context.task_name != "epoch":
            fingerprint = fingerprint_of(estimator, X=X, y=y, **(metadata or {}))
            path = self.path
            if path.is_dir():
                path /= f"{joblib.hash(fingerprint)}.checkpoint"
            self._fits[id(estimator)] = path, fingerprint
            if path.exists():
                estimator._start_from(_load(path, fingerprint))
        elif estimator._training_state.epoch and estimator._training_state.epoch % self.every == 0:
            self._save(estimator)

    def on_fit_task_end(self, estimator: Any, context: Any) -> None:
        """Save a fit that is finished."""
        if context.task_name != "epoch" and not estimator._training_state.interrupted:
            self._save(estimator)

    def _save(self, estimator: Any) -> None:
        path, fingerprint = self._fits[id(estimator)]
        content = {"fingerprint": fingerprint, "state": estimator._training_state}
        _write(path, pickle.dumps(content, protocol=5))


def fingerprint_of(estimator: Any, **data: Any) -> dict[str, Any]:
    """Return, by name, what must be the same for a fit to go on equal to the bit."""
    parts = {**estimator.get_params(deep=False), **data}
    del parts["verbose"]
    if estimator.warm_start and hasattr(estimator, "network_"):
        parts["the weights to start from"] = estimator.network_.parameters.vector
    fingerprint = {name: _hash(name, value) for name, value in parts.items()}
    return {**fingerprint, "estimator": type(estimator).__name__, "version of skrnn": __version__}


def _hash(name: str, value: Any) -> str:
    try:
        return joblib.hash(value)
    except Exception as error:  # whatever the value's own pickling raises
        raise ValueError(
            f"Checkpoint has to recognise {name}={value!r} in another process, but it cannot be "
            "pickled. Use a function or class that is defined at the top level of a module."
        ) from error


def _load(path: Path, fingerprint: dict[str, Any]) -> TrainingState:
    """Return the state in a file, if it belongs to the fit with this fingerprint."""
    try:
        content = pickle.loads(path.read_bytes())
        found, state = content["fingerprint"], content["state"]
    except Exception as error:  # pickle names no end to what bytes that are no pickle may raise
        raise ValueError(
            f"{path} is no checkpoint of skrnn. Delete it to begin anew, or give another path."
        ) from error
    names = [name for name in fingerprint | found if fingerprint.get(name) != found.get(name)]
    if names:
        raise ValueError(
            f"{path} belongs to another fit, which differs in: {', '.join(names)}. Fit with what "
            "it was saved with to resume it, delete it to begin anew, or give another path."
        )
    return state


def _write(path: Path, content: bytes) -> None:
    """Write a file so that it is there as a whole or not at all."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise
