"""How far back in time the error of one step reaches."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils import Bunch, check_scalar

from skrnn.core.network import ForwardPass, reverse_in_time
from skrnn.core.readouts import READOUTS, real_steps
from skrnn.inspection._opened import Opened, in_data_time, open_estimator
from skrnn.sequences import Batch

# A gradient of which less is left has vanished; one that grew by the inverse has exploded.
SHARE_LEFT = 0.01

# Entries of the largest array that state Jacobians are computed with: bounds the memory.
JACOBIAN_ENTRIES = 2**22


def gradient_flow(est: Any, X: Any, y: Any, *, n_jacobian_samples: int = 1) -> Bunch:
    r"""Measure how the error of one time step travels back through the earlier ones.

    In backpropagation through time the error :math:`L_t` of step `t` reaches the state
    :math:`lag` steps before it through a product of Jacobians [1]_ [2]_:

    .. math::
        \frac{\partial L_t}{\partial h_{t-lag}} = \frac{\partial L_t}{\partial h_t}
        \prod_{k=t-lag+1}^{t} \frac{\partial h_k}{\partial h_{k-1}}

    If its norm shrinks from factor to factor, the network cannot learn what the early steps have
    to do with the error: the gradient vanishes. Everything here is exact: it comes from the
    backward pass that training uses, `bptt_steps` included, without dropout. Steps are those of
    the data: with `frame_length` the norm of a frame's state stands for each of the
    `frame_stride` steps that begin with it.

    Parameters
    ----------
    est : RNNClassifier, RNNRegressor, or a Pipeline, search or other wrapper of one
        Fitted, or not: then the network is looked at as it is before the first epoch of `fit`.
        Of a Pipeline the last step is looked at, of a fitted search the best estimator, of a
        fitted CalibratedClassifierCV the first of its estimators.
    X : array-like, list of array-like or DataFrame
        Sequences, in any form that the estimator takes.
    y : array-like
        Targets, as in `fit`.
    n_jacobian_samples : int, default=1
        Number of sequences (the longest) to multiply state Jacobians for, >= 0. One costs as
        much as the backward pass of `hidden_size` sequences.

    Returns
    -------
    flow : :class:`~sklearn.utils.Bunch`
        With `n_lags` the length of the longest sequence, and the attributes

        lags : ndarray of shape (n_lags,)
            0, 1, ..., steps back in time.
        norms : ndarray of shape (n_layers, n_lags)
            :math:`\|\partial L_t / \partial h_{t-lag}\|` for every layer, mean over the
            sequences longer than `lag`. :math:`L_t` is the error at a sequence's last step
            `t`, unweighted: all of it with `readout="last"`, otherwise that part of the total
            error that arrives at the last state. The directions of a bidirectional layer
            count as one state, each in its own time. If that step has no target, a valid one
            stands in for it.
        sample_norms : ndarray of shape (n_layers, n_lags, n_samples)
            The same for every sequence; NaN where it is too short.
        retained : ndarray of shape (n_layers, n_lags)
            What is left of the gradient at lag 0: the ratio of the sums over the sequences
            longer than `lag`.
        horizon : ndarray of shape (n_layers,)
            Steps until 1 % is left: the first lag from which on `retained` stays below
            0.01, infinite if there is none.
        verdict : ndarray of shape (n_layers,), dtype str
            "exploding" if `retained` exceeds 100 or is not finite; else "vanishing" if the
            horizon is shorter than the median sequence; else "healthy".
        factor : ndarray of shape (n_layers,)
            Mean factor a step (geometric) up to the horizon.
        loss_norms : ndarray of shape (n_layers, n_lags)
            :math:`\|\partial L / \partial h_t\|` of a sequence's whole error, the sum over its
            steps that have a target, against time step `t`, mean over the sequences longer
            than `t`.
        sample_loss_norms : ndarray of shape (n_layers, n_lags, n_samples)
            The same for every sequence.
        jacobian_norms : ndarray of shape (n_layers, n_lags)
            :math:`\|\partial h_t / \partial h_{t-lag}\|_F / \sqrt{hidden\_size}` of the last
            step `t` at fixed inputs of the layer, mean over `n_jacobian_samples` sequences
            and directions: the root mean square factor by which the recurrence alone
            stretches an error. NaN if there are none.
        lengths : ndarray of shape (n_samples,)
            Time steps of every sequence.
        thresholds : dict
            The numbers behind the verdict: "vanishing", "exploding", "median_length".
        fitted : bool
            Whether `est` was fitted.

    Raises
    ------
    TypeError
        If `est` is no recurrent estimator.
    ValueError
        If data or parameters are not valid.

    See Also
    --------
    diagnose : Verdicts and remedies for this and for other faults.
    unrolled : Every quantity of one sequence.
    skrnn.plotting.GradientFlowDisplay : Draws it.

    References
    ----------
    .. [1] Bengio, Simard & Frasconi (1994). Learning long-term dependencies with gradient
           descent is difficult. IEEE Transactions on Neural Networks 5(2).
    .. [2] Pascanu, Mikolov & Bengio (2013). On the difficulty of training recurrent neural
           networks. ICML.

    Examples
    --------
    >>> from skrnn import RNNRegressor
    >>> from skrnn.datasets import make_adding_problem
    >>> from skrnn.inspection import gradient_flow
    >>> X, y = make_adding_problem(20, n_timesteps=50, random_state=0)
    >>> sigmoid = RNNRegressor(16, "logistic", cell="rnn", random_state=0)
    >>> flow = gradient_flow(sigmoid, X, y)
    >>> flow.horizon, flow.verdict
    (array([4.]), array(['vanishing'], dtype='<U9'))
    >>> relu = RNNRegressor(16, "relu", cell="rnn", recurrent_init="identity", random_state=0)
    >>> gradient_flow(relu, X, y).verdict
    array(['healthy'], dtype='<U9')
    """
    check_scalar(n_jacobian_samples, "n_jacobian_samples", int, min_val=0)
    return flow_of(open_estimator(est, X, y), n_jacobian_samples)


def flow_of(opened: Opened, n_jacobian_samples: int = 0) -> Bunch:
    """Return the gradient flow of an estimator opened with data."""
    lengths = opened.sequences.lengths
    shape = (opened.network.architecture.n_layers, int(lengths.max()), len(lengths))
    sample_norms, sample_loss_norms = np.full(shape, np.nan), np.full(shape, np.nan)
    jacobian_norms = None
    for batch in opened.batches():
        # An overflow is an explosion, and reported as one.
        with np.errstate(over="ignore", invalid="ignore"):
            run = opened.network.forward(batch.x, batch.n_active, static=batch.static)
            of_step, of_loss = _norms(opened, batch, run)
        # A curve over the lags, or over the time steps, for every sequence.
        n_timesteps = len(batch.n_active)
        sample_norms[:, :n_timesteps, batch.samples] = of_step
        sample_loss_norms[:, :n_timesteps, batch.samples] = of_loss
        if jacobian_norms is None:  # the first batch has the longest sequences
            with np.errstate(over="ignore", invalid="ignore"):
                jacobian_norms = _jacobian_norms(opened, batch, run, n_jacobian_samples)
    reached = np.arange(shape[1])[:, np.newaxis] < lengths
    retained = _retained(sample_norms, reached)
    horizon = _horizon(retained)
    median_length = float(np.median(lengths))
    return Bunch(
        lags=np.arange(shape[1]),
        norms=_mean(sample_norms, reached),
        sample_norms=sample_norms,
        retained=retained,
        horizon=horizon,
        verdict=_verdict(retained, horizon, median_length),
        factor=_factor(retained, horizon),
        loss_norms=_mean(sample_loss_norms, reached),
        sample_loss_norms=sample_loss_norms,
        jacobian_norms=jacobian_norms,
        lengths=lengths,
        thresholds={
            "vanishing": SHARE_LEFT,
            "exploding": 1 / SHARE_LEFT,
            "median_length": median_length,
        },
        fitted=opened.fitted,
    )


def _norms(opened: Opened, batch: Batch, run: ForwardPass) -> tuple[np.ndarray, np.ndarray]:
    """Return the norms against lag and against time step, (n_layers, n_timesteps, n_samples)."""
    network, n_active = opened.network, batch.n_active
    dh = network.gradient_of_top(opened.error(batch, run), run)
    _, of_loss = network.state_gradients(dh, run)
    of_step = of_loss
    if opened.labelled is not None:
        # The last step may have no target, and yet shows how far back one would reach.
        dh = network.gradient_of_top(opened.error(batch, run, everywhere=True), run)
    if network.architecture.readout != READOUTS["last"]:
        _, of_step = network.state_gradients(_last_steps_only(dh, run.n_active), run)
    by_time = [np.sqrt(sum(_squares(layer, opened, n_active).values())) for layer in of_loss]
    by_lag = []
    for layer in of_step:
        squares = _squares(layer, opened, n_active)
        # A reversed direction takes its last step at the first one of the data.
        from_end = (
            square if direction == "reverse" else reverse_in_time(square, n_active)
            for direction, square in squares.items()
        )
        by_lag.append(np.sqrt(sum(from_end)))
    padding = ~real_steps(n_active, by_time[0].shape[1])
    norms = np.array(by_lag), np.array(by_time)
    for norm in norms:
        norm[:, padding] = np.nan
    return norms


def _squares(
    gradients: dict[str, np.ndarray], opened: Opened, n_active: np.ndarray
) -> dict[str, np.ndarray]:
    """Return the squared norm of every direction's gradients at every time step of the data."""
    return {
        direction: in_data_time(
            np.einsum("tnu,tnu->tn", d[1:], d[1:]), direction, opened.network, n_active
        )
        for direction, d in gradients.items()
    }


def _last_steps_only(dh: dict[str, np.ndarray], n_active: np.ndarray) -> dict[str, np.ndarray]:
    """Keep what arrives at every row's last state, in each direction's own time."""
    last = READOUTS["last"]
    return {
        direction: last.backward(*last.forward(d, n_active, {}), {})[0]
        for direction, d in dh.items()
    }


def _mean(sample_norms: np.ndarray, reached: np.ndarray) -> np.ndarray:
    """Return the mean over the sequences that reach so far; not finite where one is not."""
    return np.where(reached, sample_norms, 0).sum(axis=2) / reached.sum(axis=1)


def _retained(sample_norms: np.ndarray, reached: np.ndarray) -> np.ndarray:
    now = np.where(reached, sample_norms, 0).sum(axis=2)
    first = np.where(reached, sample_norms[:, :1], 0).sum(axis=2)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(first == 0, 0.0, now / first)


def _horizon(retained: np.ndarray) -> np.ndarray:
    n_lags = retained.shape[1]
    enough = ~(retained < SHARE_LEFT)
    steps = np.where(enough.any(axis=1), n_lags - enough[:, ::-1].argmax(axis=1), 0)
    return np.where(steps == n_lags, np.inf, steps)


def _verdict(retained: np.ndarray, horizon: np.ndarray, median_length: float) -> np.ndarray:
    exploding = ~(retained <= 1 / SHARE_LEFT).all(axis=1)
    return np.where(
        exploding, "exploding", np.where(horizon < median_length, "vanishing", "healthy")
    )


def _factor(retained: np.ndarray, horizon: np.ndarray) -> np.ndarray:
    last = np.minimum(horizon, retained.shape[1] - 1).astype(int)
    left = retained[np.arange(len(retained)), last]
    with np.errstate(divide="ignore"):
        return np.where(last > 0, left ** (1 / np.maximum(last, 1)), left)


# --- state Jacobians -----------------------------------------------------------------------------


def _jacobian_norms(opened: Opened, batch: Batch, run: ForwardPass, n_samples: int) -> np.ndarray:
    """Return the norms of the Jacobian products of the batch's first sequences."""
    network, n_timesteps = opened.network, len(batch.n_active)
    norms = np.full((len(run.caches), n_timesteps), np.nan)
    n_samples = min(n_samples, int(batch.n_active[-1]))
    if n_samples == 0:
        return norms
    longest = np.ones(n_timesteps, dtype=int)
    for layer, caches in enumerate(run.caches):
        of_directions = []
        for direction, cache in caches.items():
            weights = network.weights(layer, direction)
            by_lag = _products(network.architecture.cell, cache, weights, n_samples)
            by_step = in_data_time(by_lag[::-1, None], direction, network, longest)[:, 0]
            of_directions.append(by_step if direction == "reverse" else by_step[::-1])
        norms[layer] = np.mean(of_directions, axis=0)
    return norms


def _products(cell: Any, cache: Any, weights: dict, n_samples: int) -> np.ndarray:
    """Return the norms of the derivatives of the last state by the ones before, by lag.

    One sequence stands in the batch once for every unit, with a gradient of one at that unit of
    its last state: what the backward pass returns are the rows of the Jacobian products.
    """
    n_timesteps, hidden_size = len(cache.x), cache.h.shape[2]
    widest = max(array.shape[-1] for array in cache)
    at_once = max(1, JACOBIAN_ENTRIES // (n_timesteps * n_samples * widest))
    squares = np.zeros((n_timesteps, n_samples))
    for start in range(0, hidden_size, at_once):
        seeds = np.eye(hidden_size, dtype=cache.h.dtype)[start : start + at_once]
        repeated = {
            name: np.repeat(array[:, :n_samples], len(seeds), axis=1)
            for name, array in cache._asdict().items()
            if array.ndim > 1
        }
        repeated["n_active"] = np.full(n_timesteps, n_samples * len(seeds))
        dh = np.zeros_like(repeated["h"])
        dh[-1] = np.tile(seeds, (n_samples, 1))
        _, product = cell.state_gradients(dh, cache._replace(**repeated), weights)
        of_units = np.square(product[1:], dtype=np.float64).sum(axis=2)
        squares += of_units.reshape(n_timesteps, n_samples, -1).sum(axis=2)
    return np.sqrt(squares[::-1] / hidden_size).mean(axis=1)
