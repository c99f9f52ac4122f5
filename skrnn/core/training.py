"""The epoch loop: shuffle, batch, clip, step, watch, stop.

Everything with knowledge of networks or data comes in as a function:
``objective(samples, rng) -> (loss, gradient, weight)`` for a batch of sample indices and
``validate() -> score``. What happens after an epoch (history, validation, best weights, stop)
is one object, `Progress`, that stochastic optimizers and L-BFGS share.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple, NoReturn

import numpy as np

from skrnn.core.optimizers import LBFGS, StochasticOptimizer, clip_by_global_norm

Objective = Callable[[np.ndarray, np.random.RandomState | None], tuple[float, np.ndarray, float]]

# The adaptive schedule ends training below this rate, as scikit-learn's perceptron does.
SMALLEST_LEARNING_RATE = 1e-6


class DivergenceError(ValueError):
    """Training produced a loss or a gradient that is not finite."""


@dataclass
class History:
    """What training records after every epoch.

    Attributes
    ----------
    loss_curve : list of float
        Mean training loss of every epoch, penalty included.
    grad_norm_curve : list of float
        Mean over the epoch's batches of the gradient's norm before clipping.
    validation_scores : list of float
        Score on the validation set after every epoch; empty without one.
    clip_rate_curve : list of float
        Share of every epoch's batches whose gradient was clipped.
    update_ratio_curve : list of float
        Norm of the step of every epoch's first batch over the norm of the parameters before it.
    """

    loss_curve: list[float] = field(default_factory=list)
    grad_norm_curve: list[float] = field(default_factory=list)
    validation_scores: list[float] = field(default_factory=list)
    clip_rate_curve: list[float] = field(default_factory=list)
    update_ratio_curve: list[float] = field(default_factory=list)


class Epoch(NamedTuple):
    """What one epoch adds to the curves of `History`."""

    loss: float
    grad_norm: float
    clip_rate: float = 0.0
    update_ratio: float = np.nan


def update_ratio(before: np.ndarray, after: np.ndarray) -> float:
    """Return ``||after - before|| / ||before||``, infinite where `before` is all zero."""
    # Not np.dot: BLAS may sum in another order with another number of threads.
    change = after - before
    size = float(np.einsum("i,i", before, before))
    return float(np.sqrt(np.einsum("i,i", change, change) / size)) if size else np.inf


@dataclass
class Progress:
    """Records every epoch and decides whether training goes on.

    An epoch counts as an improvement if the loss falls below the best so far by more than
    `tol`, or, with `validate`, if the score rises above the best so far by more than `tol`.
    More than `n_iter_no_change` epochs in a row without one end training.

    Parameters
    ----------
    vector : ndarray of shape (n_parameters,)
        The parameters in training; overwritten by `restore_best`.
    history : History
        Appended to.
    tol : float
        Smallest improvement that counts, >= 0.
    n_iter_no_change : int
        Patience in epochs, >= 1.
    validate : callable, default=None
        Returns the score on the validation set, higher is better. With it the best weights
        are kept and restored.
    on_epoch_end : callable, default=None
        Called as ``on_epoch_end(history)`` after every epoch; a true result stops training.
    """

    vector: np.ndarray
    history: History
    tol: float = 1e-4
    n_iter_no_change: int = 10
    validate: Callable[[], float] | None = None
    on_epoch_end: Callable[[History], bool | None] | None = None
    best_loss: float = np.inf
    best_score: float = -np.inf
    best_vector: np.ndarray | None = None
    n_epochs_without_improvement: int = 0
    converged: bool = False
    stopped: bool = False

    def end_epoch(self, epoch: Epoch) -> None:
        """Record an epoch; set `converged` or `stopped` where training should end."""
        loss = epoch.loss
        self.history.loss_curve.append(loss)
        self.history.grad_norm_curve.append(epoch.grad_norm)
        self.history.clip_rate_curve.append(epoch.clip_rate)
        self.history.update_ratio_curve.append(epoch.update_ratio)
        if self.validate is None:
            improved = loss < self.best_loss - self.tol
            self.best_loss = min(self.best_loss, loss)
        else:
            improved = self._validate()
        self.n_epochs_without_improvement = 0 if improved else self.n_epochs_without_improvement + 1
        self.converged = self.n_epochs_without_improvement > self.n_iter_no_change
        if self.on_epoch_end is not None and self.on_epoch_end(self.history):
            self.stopped = True

    def restore_best(self) -> None:
        """Put back the weights of the best validation score, if there is one."""
        if self.best_vector is not None:
            self.vector[:] = self.best_vector

    def _validate(self) -> bool:
        score = float(self.validate())  # type: ignore[misc]
        self.history.validation_scores.append(score)
        improved = score > self.best_score + self.tol
        if score > self.best_score:
            self.best_score = score
            self.best_vector = self.vector.copy()
        return improved


@dataclass
class LearningRate:
    r"""The learning rate of every epoch.

    ============  =================================================================
    constant      ``learning_rate_init``
    invscaling    ``learning_rate_init / (t + 1) ** power_t``, ``t`` samples seen
    adaptive      ``learning_rate_init``, divided by 5 whenever patience runs out
    cosine        ``learning_rate_init * (1 + cos(pi * epoch / max_iter)) / 2`` [1]_
    ============  =================================================================

    References
    ----------
    .. [1] Loshchilov & Hutter (2017). SGDR: stochastic gradient descent with warm restarts.
           ICLR.
    """

    schedule: str
    learning_rate_init: float
    power_t: float
    max_iter: int
    n_reductions: int = 0

    def at(self, epoch: int, t: int) -> float:
        """Return the rate of `epoch` (from 0), after `t` samples have been seen."""
        rate = self.learning_rate_init
        if self.schedule == "invscaling":
            rate /= (t + 1) ** self.power_t
        elif self.schedule == "adaptive":
            rate /= 5.0**self.n_reductions
        elif self.schedule == "cosine":
            rate *= 0.5 * (1 + np.cos(np.pi * epoch / self.max_iter))
        # A NumPy scalar would lift float32 steps to float64.
        return float(rate)

    def reduce(self) -> bool:
        """Lower an adaptive rate; return False where it is none or is as low as it may get."""
        if self.schedule != "adaptive" or self.at(0, 0) <= SMALLEST_LEARNING_RATE:
            return False
        self.n_reductions += 1
        return True


SCHEDULES = ("constant", "invscaling", "adaptive", "cosine")


def iter_batches(
    n_samples: int, batch_size: int, rng: np.random.RandomState | None
) -> Iterator[np.ndarray]:
    """Yield the sample indices of an epoch's batches, shuffled if there is an `rng`."""
    order = np.arange(n_samples)
    if rng is not None:
        rng.shuffle(order)
    for start in range(0, n_samples, batch_size):
        yield order[start : start + batch_size]


def check_finite(loss: float, grad_norm: float, epoch: int) -> None:
    """Raise `DivergenceError` where the loss or the gradient of an epoch is not finite."""
    if math.isfinite(loss) and math.isfinite(grad_norm):
        return
    _raise_diverged(f"loss is {loss}, gradient norm is {grad_norm}", epoch)


def _raise_diverged(what: str, epoch: int) -> NoReturn:
    raise DivergenceError(
        f"Training diverged at epoch {epoch + 1}: {what}. "
        "Lower learning_rate_init, set max_grad_norm (1.0 is usual), or scale X and y "
        "(skrnn.preprocessing.SequenceScaler)."
    )


def run_epoch(
    objective: Objective,
    vector: np.ndarray,
    optimizer: StochasticOptimizer,
    batches: Iterator[np.ndarray],
    *,
    learning_rate: float,
    max_grad_norm: float | None,
    rng: np.random.RandomState,
    epoch: int,
) -> Epoch:
    """Take one optimizer step a batch.

    Returns
    -------
    Epoch
        Mean of the batches' losses, weighted by the batches' weights; mean of the gradients'
        norms before clipping; share of clipped batches; relative size of the first step.

    Raises
    ------
    DivergenceError
        If a loss or a gradient is not finite.
    """
    losses: list[float] = []
    weights: list[float] = []
    norms: list[float] = []
    before, ratio = vector.copy(), np.nan
    # Overflow on the way to a divergence is reported once, by check_finite.
    with np.errstate(over="ignore", invalid="ignore"):
        for batch in batches:
            loss, gradient, weight = objective(batch, rng)
            norm = clip_by_global_norm(gradient, max_grad_norm)
            check_finite(loss, norm, epoch)
            optimizer.step(vector, gradient, learning_rate)
            if not losses:
                ratio = update_ratio(before, vector)
            losses.append(loss)
            weights.append(weight)
            norms.append(norm)
    # The last step has no loss after it that would tell.
    if not np.isfinite(vector).all():
        _raise_diverged("weights are not finite", epoch)
    clipped = 0.0 if max_grad_norm is None else sum(norm > max_grad_norm for norm in norms)
    loss = float(np.average(losses, weights=weights))
    return Epoch(loss, float(np.mean(norms)), clipped / len(norms), ratio)


def train_stochastic(
    objective: Objective,
    optimizer: StochasticOptimizer,
    progress: Progress,
    learning_rate: LearningRate,
    *,
    n_samples: int,
    batch_size: int,
    max_iter: int,
    shuffle: bool,
    max_grad_norm: float | None,
    rng: np.random.RandomState,
    t: int = 0,
) -> int:
    """Train until `progress` or `max_iter` says stop, or the user interrupts.

    Parameters
    ----------
    objective : callable
        ``objective(samples, rng) -> (loss, gradient, weight)`` at the current vector.
    optimizer : SGD, Adam, ...
        Keeps its state between calls.
    progress : Progress
        Owns the vector and the history.
    learning_rate : LearningRate
        Rate of every epoch.
    n_samples, batch_size, max_iter : int
        Sizes, each >= 1; `max_iter` counts epochs.
    shuffle : bool
        Whether batches are drawn anew in every epoch.
    max_grad_norm : float or None
        Bound of the gradient's global norm.
    rng : RandomState
        Source of shuffling and dropout.
    t : int, default=0
        Samples seen before.

    Returns
    -------
    int
        Samples seen in all.
    """
    try:
        for epoch in range(max_iter):
            record = run_epoch(
                objective,
                progress.vector,
                optimizer,
                iter_batches(n_samples, batch_size, rng if shuffle else None),
                learning_rate=learning_rate.at(epoch, t),
                max_grad_norm=max_grad_norm,
                rng=rng,
                epoch=epoch,
            )
            t += n_samples
            progress.end_epoch(record)
            if progress.converged and learning_rate.reduce():
                progress.converged, progress.n_epochs_without_improvement = False, 0
            if progress.converged or progress.stopped:
                break
    except KeyboardInterrupt:
        _stop_interrupted(progress)
    progress.restore_best()
    return t


def _stop_interrupted(progress: Progress) -> None:
    progress.stopped = True
    warnings.warn("Training interrupted by user; the model so far is kept.", stacklevel=3)


def train_lbfgs(
    objective: Objective,
    optimizer: LBFGS,
    progress: Progress,
    *,
    n_samples: int,
    max_iter: int,
    tol: float,
    t: int = 0,
) -> int:
    """Train on all samples at once; an iteration of L-BFGS counts as an epoch.

    Parameters and return value are those of `train_stochastic`; `tol` bounds the largest entry
    of the gradient at the solution.
    """
    samples = np.arange(n_samples)
    last = (np.inf, np.inf)
    start = progress.vector.copy()

    def loss_and_gradient(vector: np.ndarray) -> tuple[float, np.ndarray]:
        nonlocal last
        progress.vector[:] = vector
        with np.errstate(over="ignore", invalid="ignore"):
            loss, gradient, _ = objective(samples, None)
            norm = clip_by_global_norm(gradient, None)
        check_finite(loss, norm, len(progress.history.loss_curve))
        last = (loss, norm)
        return loss, gradient

    def after_iteration(vector: np.ndarray) -> None:
        nonlocal t, start
        t += n_samples
        progress.vector[:] = vector
        progress.end_epoch(Epoch(*last, update_ratio=update_ratio(start, progress.vector)))
        start = progress.vector.copy()
        if progress.converged or progress.stopped:
            raise StopIteration

    try:
        result = optimizer.minimize(
            loss_and_gradient, progress.vector, max_iter=max_iter, tol=tol, callback=after_iteration
        )
        progress.vector[:] = result.x
        progress.converged = progress.converged or bool(result.success)
    except KeyboardInterrupt:
        progress.vector[:] = start  # not where the line search happened to be
        _stop_interrupted(progress)
    progress.restore_best()
    return t
