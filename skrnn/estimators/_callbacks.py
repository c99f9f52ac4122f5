"""What scikit-learn's callbacks need of an estimator, and a stand-in where it has none.

scikit-learn has `sklearn.callback` since 1.9. Before that, `CallbackContext` does what skrnn's own
callbacks need: they run in a fit, alone and in a Pipeline or a search, by the same protocol; but
they know nothing of the Pipeline or the search around them.
"""

from __future__ import annotations

import copy
import functools
from importlib.util import find_spec
from typing import Any, Self

HAS_CALLBACKS = find_spec("sklearn.callback") is not None
HOOKS = ("setup", "teardown", "on_fit_task_begin", "on_fit_task_end")
# What an estimator has while it is fitted, and no copy or pickle of it needs.
DURING_A_FIT = (
    "_callback_fit_ctx",
    "_parent_callback_ctx",
    "_resumed_state",
    "_skl_callbacks_to_teardown",
    "_training_state",
)


class CallbackSupportMixin:
    """Callbacks of an estimator: scikit-learn's mixin of that name, if it has one.

    Not by inheritance: importing `sklearn.callback` takes longer than importing skrnn.
    """

    def set_callbacks(self, *callbacks: Any) -> Self:
        """Set the callbacks of `fit`.

        Parameters
        ----------
        *callbacks : callback instances
            Those of :mod:`skrnn.callbacks`, those of scikit-learn (>= 1.9), or others that follow
            its `FitCallback` protocol. None takes all off.

        Returns
        -------
        self : object
            The estimator itself.

        Raises
        ------
        TypeError
            If a callback does not follow the protocol.
        """
        if HAS_CALLBACKS:
            from sklearn.callback import CallbackSupportMixin as Mixin

            return Mixin.set_callbacks(self, *callbacks)
        for callback in callbacks:
            if isinstance(callback, type) or not all(hasattr(callback, hook) for hook in HOOKS):
                raise TypeError("callbacks must be instances following the FitCallback protocol.")
        vars(self).pop("_skl_callbacks", None)
        if callbacks:
            self._skl_callbacks = list(callbacks)
        return self

    def __sklearn_clone__(self) -> Any:
        new = super().__sklearn_clone__()  # type: ignore[misc]
        if hasattr(self, "_skl_callbacks"):
            new._skl_callbacks = self._skl_callbacks
        return new

    def __getstate__(self) -> dict[str, Any]:
        """Return what a copy needs: nothing of a fit that runs, no data of callbacks it is past."""
        state: dict[str, Any] = {**super().__getstate__()}  # type: ignore[dict-item]
        for name in DURING_A_FIT:
            state.pop(name, None)
        if "network_" in state and "_skl_callbacks" in state:
            callbacks = (
                one.without_data() if hasattr(one, "without_data") else one
                for one in state.pop("_skl_callbacks")
            )
            kept = [one for one in callbacks if one is not None]
            if kept:
                state["_skl_callbacks"] = kept
        return state

    def _start_from(self, state: Any) -> None:
        """Let the fit go on from a `TrainingState`; for callbacks, when they hear it begins."""
        # `FitTasks` takes it from here.
        self._resumed_state = state

    def _init_callback_context(self, max_subtasks: int) -> Any:
        """Set the callbacks up and return the context of the fit."""
        if HAS_CALLBACKS:
            from sklearn.callback import CallbackSupportMixin as Mixin

            return Mixin._init_callback_context(self, max_subtasks=max_subtasks)
        self._callback_fit_ctx = CallbackContext(self, "fit", max_subtasks)
        self._skl_callbacks_to_teardown: list[Any] = []
        for callback in self._callback_fit_ctx.callbacks:
            self._skl_callbacks_to_teardown.append(callback)
            callback.setup(self, self._callback_fit_ctx)
        return self._callback_fit_ctx


def with_callbacks(method: Any) -> Any:
    """Call the `teardown` hooks however a method ends."""

    @functools.wraps(method)
    def managed(estimator: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return method(estimator, *args, **kwargs)
        finally:
            # scikit-learn's own callbacks are torn down by its `_fit_context`, around the method.
            if not HAS_CALLBACKS:
                tear_down(estimator)

    return managed


def tear_down(estimator: Any) -> None:
    """Call the hooks of the callbacks that were set up."""
    context = vars(estimator).pop("_callback_fit_ctx", None)
    for callback in vars(estimator).pop("_skl_callbacks_to_teardown", []):
        callback.teardown(estimator, context)


class CallbackContext:
    """A task of a fit: the fit itself or one of its epochs."""

    def __init__(self, estimator: Any, task_name: str, max_subtasks: int, task_id: int = 0):
        self.callbacks = getattr(estimator, "_skl_callbacks", [])
        self.estimator, self.estimator_name = estimator, type(estimator).__name__
        self.task_name, self.task_id = task_name, task_id
        self.max_subtasks, self.n_subtasks = max_subtasks, 0
        self.parent: CallbackContext | None = None

    def subcontext(self, task_name: str) -> CallbackContext:
        """Return the next subtask."""
        context = CallbackContext(self.estimator, task_name, 0, task_id=self.n_subtasks)
        context.parent = self
        self.n_subtasks += 1
        return context

    def call_on_fit_task_begin(self, **values: Any) -> None:
        """Call the hook of all callbacks."""
        self._call("on_fit_task_begin", **values)

    def call_on_fit_task_end(self, **values: Any) -> bool:
        """Call the hook of all callbacks; tell whether one of them asks to stop."""
        return self._call("on_fit_task_end", **values)

    def _call(self, hook: str, *, estimator: Any, **values: Any) -> bool:
        answers = []
        for callback in self.callbacks:
            method = getattr(callback, hook)
            wanted = method.__kwdefaults__ or {}
            arguments = {name: self._evaluate(name, values) for name in wanted}
            answers.append(bool(method(estimator, self, **arguments)))
        return any(answers)

    def _evaluate(self, name: str, values: dict[str, Any]) -> Any:
        if name != "fitted_estimator":
            return values[name]
        attributes = values["reconstruction_attributes"]
        if attributes is None:
            return None
        fitted = copy.copy(self.estimator)
        vars(fitted).update(attributes() if callable(attributes) else attributes)
        return fitted


class FitTasks:
    """The tasks of one fit, as callbacks see them: the fit itself and every epoch.

    Parameters
    ----------
    estimator : BaseRNN
        In its fit; its callbacks are set up and told that it begins.
    X, y : array-like
        As the user passed them.
    metadata : dict
        What else the user passed, by name.
    as_fitted : callable
        Called as ``as_fitted()`` when a callback asks for the estimator as if its fit were over;
        returns the attributes that make it so.

    max_iter : int
        Epochs at the most.

    Attributes
    ----------
    resumed_state : TrainingState or None
        Where training goes on, if a callback has such a state.
    """

    def __init__(
        self,
        estimator: Any,
        X: Any,
        y: Any,
        metadata: dict[str, Any],
        as_fitted: Any,
        max_iter: int,
    ):
        self.now = {"estimator": estimator, "X": X, "y": y, "metadata": metadata or None}
        self.as_fitted = as_fitted
        # scikit-learn keeps the context of every task until the outermost fit ends: an epoch gets
        # none if there is nobody to tell.
        self.watched = bool(getattr(estimator, "_skl_callbacks", ()))
        self.fit = estimator._init_callback_context(max_subtasks=max_iter)
        try:
            self.fit.call_on_fit_task_begin(**self.now, reconstruction_attributes=None)
        finally:
            self.resumed_state = vars(estimator).pop("_resumed_state", None)

    def begin_epoch(self) -> None:
        """Tell the callbacks that an epoch begins."""
        if not self.watched:
            return
        self.epoch = self.fit.subcontext(task_name="epoch")
        self.epoch.call_on_fit_task_begin(**self._now())

    def end_epoch(self) -> bool:
        """Tell the callbacks that an epoch is over; return whether one of them asks to stop."""
        return self.watched and self.epoch.call_on_fit_task_end(**self._now())

    def end(self) -> None:
        """Tell the callbacks that the fit is over."""
        self.fit.call_on_fit_task_end(**self.now, reconstruction_attributes={})

    def _now(self) -> dict[str, Any]:
        # A function is called only if a callback asks for what it returns.
        return {**self.now, "reconstruction_attributes": self.as_fitted}
