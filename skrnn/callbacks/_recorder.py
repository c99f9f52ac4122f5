"""Gradient flow recorded while a network learns."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.utils import Bunch

from skrnn._innermost import innermost_with
from skrnn.callbacks._base import Callback, check_count
from skrnn.inspection._gradient_flow import flow_of
from skrnn.inspection._opened import check_recurrent, open_estimator


def record_gradient_flow(
    est: Any, X: Any, y: Any, *, every: int = 10, n_samples: int = 100
) -> Bunch:
    """Fit a copy of an estimator and measure its gradient flow every few epochs.

    Parameters
    ----------
    est : RNNClassifier, RNNRegressor, or a Pipeline, search or other wrapper of one
        Not changed. Of a Pipeline the steps before the network are fitted first.
    X : array-like, list of array-like or DataFrame
        Sequences.
    y : array-like
        Targets.
    every : int, default=10
        Epochs between two measurements, >= 1.
    n_samples : int, default=100
        Sequences that are measured, evenly spaced, >= 1.

    Returns
    -------
    record : :class:`~sklearn.utils.Bunch`
        With the attributes

        estimator : RNNClassifier or RNNRegressor
            The fitted copy.
        epochs : ndarray of shape (n_records,)
            0 (before the first epoch), `every`, 2 * `every`, ...
        flows : dict of int to Bunch
            What :func:`skrnn.inspection.gradient_flow` returns, without Jacobian norms, by epoch.
            :class:`skrnn.plotting.GradientFlowDisplay` draws it.
        horizon : ndarray of shape (n_records, n_layers)
            The horizons.
        retained : ndarray of shape (n_records, n_layers, n_lags)
            What is left of the gradient at every lag.

    Raises
    ------
    TypeError
        If `est` is no recurrent estimator.
    ValueError
        If data or parameters are not valid.

    Examples
    --------
    The gates of a GRU open while it learns to remember:

    >>> from skrnn import RNNRegressor
    >>> from skrnn.callbacks import record_gradient_flow
    >>> from skrnn.datasets import make_adding_problem
    >>> X, y = make_adding_problem(200, n_timesteps=20, random_state=0)
    >>> est = RNNRegressor(16, learning_rate_init=0.02, batch_size=50, tol=0.1, random_state=0)
    >>> record = record_gradient_flow(est, X, y, every=10)
    >>> record.epochs[:2], record.horizon[0]
    (array([ 0, 10]), array([13.]))
    """
    est, X, y = innermost_with(est, X, y)
    check_recurrent(est)
    est = clone(est)
    recorder = GradientFlowRecorder(every=every, n_samples=n_samples)
    callbacks = getattr(est, "_skl_callbacks", [])
    est.set_callbacks(*callbacks, recorder)
    try:
        est.fit(X, y)
    finally:
        est.set_callbacks(*callbacks)
    flows = recorder.flows
    return Bunch(
        estimator=est,
        epochs=np.array(list(flows)),
        flows=flows,
        horizon=np.array([flow.horizon for flow in flows.values()]),
        retained=np.array([flow.retained for flow in flows.values()]),
    )


class GradientFlowRecorder(Callback):
    """Callback that measures the gradient flow before the first epoch and every few epochs.

    :func:`record_gradient_flow` with an estimator and a fit of your own.

    Parameters
    ----------
    every : int, default=10
        Epochs between two measurements, >= 1.
    n_samples : int, default=100
        Sequences that are measured, evenly spaced, >= 1.

    Attributes
    ----------
    flows : dict of int to Bunch
        What :func:`skrnn.inspection.gradient_flow` returns, without Jacobian norms, by the epochs
        of the last fit in this process.

    Examples
    --------
    >>> from skrnn import RNNRegressor
    >>> from skrnn.callbacks import GradientFlowRecorder
    >>> from skrnn.datasets import make_adding_problem
    >>> X, y = make_adding_problem(50, n_timesteps=10, random_state=0)
    >>> recorder = GradientFlowRecorder(every=5)
    >>> reg = RNNRegressor(8, tol=0.1, random_state=0).set_callbacks(recorder).fit(X, y)
    >>> list(recorder.flows)[:2]
    [0, 5]
    """

    def __init__(self, *, every: int = 10, n_samples: int = 100):
        self.every: int = check_count(every, "every")
        self.n_samples: int = check_count(n_samples, "n_samples")
        self.flows: dict[int, Bunch] = {}

    def setup(self, estimator: Any, context: Any) -> None:
        """Check the estimator, and forget the fit before."""
        super().setup(estimator, context)
        self.flows = {}

    def teardown(self, estimator: Any, context: Any) -> None:
        """Let go of the data."""
        vars(self).pop("_opened", None)

    def on_fit_task_begin(
        self, estimator: Any, context: Any, *, X: Any = None, y: Any = None
    ) -> None:
        """Measure the weights that the first epoch starts from."""
        if context.task_name == "epoch" and not hasattr(self, "_opened"):
            self._opened = open_estimator(estimator, X, y).some(self.n_samples)
            self._measure(estimator)

    def on_fit_task_end(self, estimator: Any, context: Any) -> None:
        """Measure after an epoch, if it is its turn."""
        if context.task_name == "epoch" and len(estimator.loss_curve_) % self.every == 0:
            self._measure(estimator)

    def _measure(self, estimator: Any) -> None:
        self.flows[len(estimator.loss_curve_)] = flow_of(self._opened)
