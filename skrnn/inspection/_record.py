"""Gradient flow recorded while a network learns."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.utils import Bunch, check_scalar

from skrnn.inspection._gradient_flow import flow_of
from skrnn.inspection._model import last_step, open_model


def record_gradient_flow(
    est: Any, X: Any, y: Any, *, every: int = 10, n_samples: int = 100
) -> Bunch:
    """Fit a copy of an estimator and measure its gradient flow every few epochs.

    Parameters
    ----------
    est : RNNClassifier, RNNRegressor or Pipeline
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
            What :func:`gradient_flow` returns, by epoch, without Jacobian norms.
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
    >>> from skrnn.datasets import make_adding_problem
    >>> from skrnn.inspection import record_gradient_flow
    >>> X, y = make_adding_problem(200, n_timesteps=20, random_state=0)
    >>> est = RNNRegressor(16, learning_rate_init=0.02, batch_size=50, tol=0.1, random_state=0)
    >>> record = record_gradient_flow(est, X, y, every=10)
    >>> record.epochs[:2], record.horizon[0]
    (array([ 0, 10]), array([13.]))
    """
    check_scalar(every, "every", Integral, min_val=1)
    check_scalar(n_samples, "n_samples", Integral, min_val=1)
    est, X = last_step(est, X, y)
    est = clone(est)
    model = open_model(est, X, y).some(n_samples)
    flows = {0: flow_of(model)}

    def watch(history: Any) -> None:
        epoch = len(history.loss_curve)
        if epoch % every == 0:
            flows[epoch] = flow_of(model.with_estimator(est))

    est._watch = watch
    try:
        est.fit(X, y)
    finally:
        del est._watch
    return Bunch(
        estimator=est,
        epochs=np.array(list(flows)),
        flows=flows,
        horizon=np.array([flow.horizon for flow in flows.values()]),
        retained=np.array([flow.retained for flow in flows.values()]),
    )
