"""What all callbacks share: their hooks, and the notes that they take of a fit."""

from __future__ import annotations

import copy
import warnings
from inspect import Parameter, signature
from numbers import Integral
from reprlib import Repr
from typing import Any

import numpy as np
from sklearn.metrics import check_scoring
from sklearn.utils import check_consistent_length, check_scalar

from skrnn.sequences import other_scale

# A validation set is no line of text.
_SHORT = Repr()
_SHORT.maxother = _SHORT.maxstring = 60


class Callback:
    """Base of callbacks: every hook is there and does nothing, so write only those you want.

    A fit is a task with one subtask for every epoch; the two `on_fit_task_...` hooks are called
    for the fit and for each epoch, in this order::

        setup
        on_fit_task_begin               context.task_name == "fit"
            on_fit_task_begin           context.task_name == "epoch", context.task_id == 0
            on_fit_task_end
            on_fit_task_begin           context.task_name == "epoch", context.task_id == 1
            on_fit_task_end
            ...
        on_fit_task_end                 context.task_name == "fit"
        teardown

    All get the `estimator` that is fitted and the `context` of the task: its `task_name`, its
    `task_id` among its siblings, its `max_subtasks` and its `parent`. While the fit runs, the
    curves of the estimator (`loss_curve_`, `validation_scores_`, ...) and its `network_` are those
    of the moment.

    The two `on_fit_task_...` hooks may ask for more, by naming it as a keyword-only parameter
    whose default is None: `X`, `y` and `metadata` as they came to `fit` (`metadata` is None or a
    dict with what came of "sample_weight", "X_val", "y_val" and "sample_weight_val"), and
    `fitted_estimator`, a copy of the estimator as if the fit had ended there, with which to
    predict and to score (at the end of an epoch). Only what is asked for is computed.

    Attributes
    ----------
    name : str or None, default=None
        Under which a :class:`Checkpoint` finds the notes of this callback again; None is the name
        of its type. Callbacks of one name are numbered as they stand in `set_callbacks`: give
        those of one type names if a resumed fit may have more or fewer of them.

    See Also
    --------
    Monitor : Base of callbacks that judge every epoch by a score.

    Examples
    --------
    >>> from skrnn import RNNRegressor
    >>> from skrnn.callbacks import Callback
    >>> from skrnn.datasets import make_adding_problem
    >>> class StopAt(Callback):
    ...     def __init__(self, loss):
    ...         self.loss = loss
    ...
    ...     def on_fit_task_end(self, estimator, context):
    ...         return context.task_name == "epoch" and estimator.loss_curve_[-1] < self.loss
    >>> X, y = make_adding_problem(50, n_timesteps=8, random_state=0)
    >>> reg = RNNRegressor(8, learning_rate_init=0.01, random_state=0)
    >>> reg = reg.set_callbacks(StopAt(loss=0.4)).fit(X, y)
    >>> reg.loss_curve_[-2] > 0.4 > reg.loss_curve_[-1]
    True
    """

    name: str | None = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for hook in vars(cls):
            if hook.startswith("on_") and not hasattr(Callback, hook):
                raise TypeError(_no_hook(cls.__name__, hook))

    def __repr__(self) -> str:
        values = []
        for name, parameter in signature(type(self)).parameters.items():
            value = getattr(self, name, parameter.default)
            if value is not parameter.default and parameter.kind is not Parameter.VAR_KEYWORD:
                values.append(f"{name}={' '.join(_SHORT.repr(value).split())}")
        return f"{type(self).__name__}({', '.join(values)})"

    def setup(self, estimator: Any, context: Any) -> None:
        """Called once, before everything else: the place to check and to prepare.

        Parameters and data have been checked. The base refuses estimators that are not skrnn's;
        call it with ``super().setup(estimator, context)``.

        Parameters
        ----------
        estimator : estimator
            That is fitted.
        context : object
            Of the fit.

        Raises
        ------
        TypeError
            If the estimator is none of skrnn's.
        """
        if not hasattr(estimator, "_start_from"):
            raise TypeError(
                f"{type(self).__name__} follows RNNClassifier and RNNRegressor, got "
                f"{type(estimator).__name__}. Call set_callbacks of the recurrent estimator "
                "itself, before it goes into a Pipeline or a search."
            )

    def teardown(self, estimator: Any, context: Any) -> None:
        """Called once, after everything else, also if the fit ends in an error.

        Parameters
        ----------
        estimator : estimator
            That was fitted.
        context : object
            Of the fit.
        """

    def on_fit_task_begin(self, estimator: Any, context: Any) -> None:
        """Called before the first epoch for the fit, and before every epoch.

        Before an epoch, all that the epoch before has changed is in place.

        Parameters
        ----------
        estimator : estimator
            That is fitted.
        context : object
            Of the fit or the epoch.
        """

    def on_fit_task_end(self, estimator: Any, context: Any) -> bool | None:
        """Called after every epoch, and after the last one for the fit.

        After the last epoch, weights that early stopping had put aside are in place again.

        Parameters
        ----------
        estimator : estimator
            That is fitted.
        context : object
            Of the epoch or the fit.

        Returns
        -------
        bool or None
            After an epoch: whether training is to stop. After the fit it is ignored.
        """

    def notes(self, estimator: Any) -> dict[str, Any]:
        """Return what this callback remembers of a fit: empty at first, and its own to fill.

        A callback that keeps here, rather than on itself, what one epoch has to tell the next can
        follow several fits at once, and goes on where it was when a :class:`Checkpoint` resumes
        the fit. What it puts there must be picklable.

        Parameters
        ----------
        estimator : estimator
            In its fit.

        Returns
        -------
        dict
            The same one for the whole of the fit.
        """
        return estimator._training_state.notes.setdefault(self._key(estimator), {})

    def _key(self, estimator: Any) -> tuple[str, int]:
        """Return the name and the number among its equals: the same in a fit that is resumed."""
        followers = estimator._skl_callbacks
        equals = [other for other in followers if _name_of(other) == _name_of(self)]
        return _name_of(self), [other is self for other in equals].index(True)


def _no_hook(callback: str, hook: str) -> str:
    """Say that nothing would ever call a hook, and which one comes at that moment."""
    begins = any(word in hook for word in ("begin", "start"))
    here = f"on_fit_task_{'begin' if begins else 'end'}"
    epoch = "epoch" if "epoch" in hook else "fit"
    if "batch" in hook or "step" in hook:
        moment = "There is none for a batch: the smallest task is an epoch."
    else:
        moment = f"Write {here}(self, estimator, context), where context.task_name is {epoch!r}."
    return f"{callback} defines {hook!r}, which is no hook and would never be called. {moment}"


def check_count(value: Any, name: str, *, least: int = 1) -> int:
    """Return a parameter that counts something; True is no count."""
    if isinstance(value, bool):
        raise TypeError(f"{name} must be an int >= {least}. Got {value!r} instead.")
    return check_scalar(value, name, Integral, min_val=least)


def _name_of(callback: Any) -> str:
    return getattr(callback, "name", None) or type(callback).__qualname__


def _data_to_score_on(X: Any, y: Any, metadata: dict[str, Any]) -> tuple[Any, Any, dict[str, Any]]:
    """Return X, y and weights, if any: the validation set of the fit, else its training data."""
    weight = metadata.get("sample_weight")
    if "X_val" in metadata:
        X, y, weight = metadata["X_val"], metadata["y_val"], metadata.get("sample_weight_val")
    return X, y, {} if weight is None else {"sample_weight": weight}


class Monitor(Callback):
    """Base of callbacks that judge every epoch by one number, of which higher is better.

    Derive from it and write `judge`; it is told the score of every epoch.

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

    Examples
    --------
    >>> from skrnn import RNNRegressor
    >>> from skrnn.callbacks import Monitor
    >>> from skrnn.datasets import make_adding_problem
    >>> class StopAbove(Monitor):
    ...     threshold = 0.5
    ...
    ...     def judge(self, estimator, value):
    ...         return value > self.threshold
    >>> X, y = make_adding_problem(50, n_timesteps=8, random_state=0)
    >>> reg = RNNRegressor(16, learning_rate_init=0.02, max_iter=500, random_state=0)
    >>> reg = reg.set_callbacks(StopAbove(scoring="r2")).fit(X, y)
    >>> reg.score(X, y) > 0.5
    True
    """

    # Whether this is a copy that has lost its own validation set.
    _data_left_out = False

    def __init__(self, *, scoring: Any = None, X_val: Any = None, y_val: Any = None):
        self.scoring = scoring
        self.X_val = X_val
        self.y_val = y_val

    def without_data(self) -> Monitor:
        """Return what a copy or a pickle of a fitted estimator keeps of this callback.

        Returns
        -------
        Monitor
            This one, or a copy without its own validation set, which no other fit accepts.
        """
        if self.X_val is None:
            return self
        copied = copy.copy(self)
        copied.X_val = copied.y_val = None
        copied._data_left_out = True
        return copied

    def judge(self, estimator: Any, value: float) -> bool:
        """Called after every epoch with its score.

        Parameters
        ----------
        estimator : estimator
            In its fit.
        value : float
            The score.

        Returns
        -------
        bool
            Whether training is to stop.
        """
        raise NotImplementedError(f"{type(self).__name__} does not define judge.")

    def end_fit(self, estimator: Any) -> None:
        """Called once, after the last epoch.

        Parameters
        ----------
        estimator : estimator
            In its fit.
        """

    def value(self, estimator: Any, fitted: Any, X: Any, y: Any, metadata: Any) -> float:
        """Return the score of an epoch.

        Parameters
        ----------
        estimator : estimator
            In its fit.
        fitted : estimator
            A copy, as if the fit had ended with this epoch.
        X, y : array-like
            The training data.
        metadata : dict or None
            With what came to `fit` of "sample_weight", "X_val", "y_val" and
            "sample_weight_val".

        Returns
        -------
        float
            The higher, the better.
        """
        if self.X_val is not None:
            self._check_scale(estimator, X)
            return self._score(estimator, fitted, self.X_val, self.y_val)
        if self.scoring is not None:
            X, y, weight = _data_to_score_on(X, y, metadata or {})
            return self._score(estimator, fitted, X, y, **weight)
        if estimator.validation_scores_ is not None:
            return estimator.validation_scores_[-1]
        return -estimator.loss_curve_[-1]

    def _score(self, estimator: Any, fitted: Any, X: Any, y: Any, **weight: Any) -> float:
        """Return what the scorer says, which has to be one number."""
        score = check_scoring(estimator, self.scoring)(fitted, X, y, **weight)
        try:
            number = np.nan if isinstance(score, str) else float(score)
        except (TypeError, ValueError):
            number = np.nan
        if np.isnan(number):
            raise ValueError(
                f"{type(self).__name__} compares one number an epoch, but scoring="
                f"{self.scoring!r} gave {score!r} after epoch {len(estimator.loss_curve_)}."
            )
        return number

    def _check_scale(self, estimator: Any, X: Any) -> None:
        """Warn, once a fit, of a validation set that no step of a Pipeline has transformed."""
        notes = self.notes(estimator)
        if notes.get("scale checked") or estimator.network_.architecture.embedding is not None:
            return
        notes["scale checked"] = True
        try:
            given = estimator._read(self.X_val, reset=False)
        except (TypeError, ValueError) as error:
            name = type(self).__name__
            raise type(error)(f"In the validation set of {name} (X_val): {error}") from error
        usual = estimator._read(X, reset=False)
        difference = other_scale(given, usual)
        if difference is not None:
            warnings.warn(
                f"The X_val of {type(self).__name__} is on another scale than the training data: "
                f"{difference}. No step of a Pipeline transforms it: give X_val and y_val to fit, "
                'with Pipeline(..., transform_input=["X_val"]), or transform it as X is.',
                stacklevel=2,
            )

    def setup(self, estimator: Any, context: Any) -> None:
        """Check scorer and validation set."""
        super().setup(estimator, context)
        if self._data_left_out:
            name = type(self).__name__
            raise ValueError(
                f"This {name} was copied or saved along with a fitted estimator, which leaves out "
                f"its X_val and y_val. Before another fit give set_callbacks a new {name}, or "
                "give X_val and y_val to fit."
            )
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
        """Call `judge` after an epoch, `end_fit` after the fit."""
        if context.task_name != "epoch":
            self.end_fit(estimator)
            return False
        return self.judge(estimator, self.value(estimator, fitted_estimator, X, y, metadata))
