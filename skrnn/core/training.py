"""The epoch loop: shuffle, batch, clip, step, watch, stop.

Everything with knowledge of networks or data comes in as a function:
``objective(samples, rng) -> (loss, gradient, weight)`` for a batch of sample indices and
``validate() -> (loss, score)``. All that training changes is one object, `TrainingState`; what
happens after an epoch (history, validation, best weights, stop) is another, `Progress`, that
stochastic and full-batch optimizers share.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn, cast

import numpy as np

from skrnn.core.clipping import clip_by_global_norm
from skrnn.core.history import Epoch, History, update_ratio
from skrnn.core.optimizers import FullBatchOptimizer, Optimizer, StochasticOptimizer

__all__ = [
    "SCHEDULES",
    "SMALLEST_LEARNING_RATE",
    "DivergenceError",
    "LearningRate",
    "NotLearntWarning",
    "Objective",
    "Progress",
    "TrainingState",
    "check_finite",
    "make_batches",
    "run_epoch",
    "train_full_batch",
    "train_stochastic",
]

Objective = Callable[[np.ndarray, np.random.RandomState | None], tuple[float, np.ndarray, float]]

# The adaptive schedule ends training below this rate, as scikit-learn's perceptron does.
SMALLEST_LEARNING_RATE = 1e-6


class DivergenceError(ValueError):
    """Training produced a loss or a gradient that is not finite."""


class NotLearntWarning(UserWarning):
    """Training ended no better than a constant, or not much so on inputs far from unit scale."""


@dataclass
class LearningRate:
    r"""The learning rate of every epoch.

    ============  =================================================================
    constant      ``learning_rate_init``
    invscaling    ``learning_rate_init / (t + 1) ** power_t``, ``t`` samples seen
    adaptive      ``learning_rate_init``, divided by 5 whenever patience runs out
    cosine        ``learning_rate_init * (1 + cos(pi * epoch / max_iter)) / 2`` [1]_, where
                  `epoch` counts the share of the present one, too: the rate falls every step
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

    def at(self, epoch: float, t: int) -> float:
        """Return the rate at `epoch` (from 0), before which `t` samples have been seen."""
        rate = self.learning_rate_init
        if self.schedule == "invscaling":
            try:
                rate /= (t + 1) ** self.power_t
            except OverflowError:
                rate = 0.0
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


@dataclass
class TrainingState:
    """All that training changes: from a copy of it training goes on, equal to the bit.

    Attributes
    ----------
    vector : ndarray of shape (n_parameters,)
        The parameters in training.
    optimizer : Optimizer
        With the moments it has gathered.
    learning_rate : LearningRate or None
        Of the epochs; None for a full-batch optimizer, which has none.
    rng : RandomState
        Source of shuffling and dropout; not used by a full-batch optimizer.
    history : History
        Of all epochs since the weights were initialised.
    epoch : int
        Epochs run since training began.
    t : int
        Samples seen since the weights were initialised.
    batch_loss : float
        Loss of the last batch, for as long as no epoch is over; infinite before the first one.
    best_loss : float
        The smallest loss of an epoch, of that loss which decides when training ends.
    best_vector : ndarray of shape (n_parameters,) or None
        The parameters of `best_loss` where they are to be restored.
    n_epochs_without_improvement : int
        In a row.
    converged, stopped, interrupted : bool
        Whether training is over: patience ran out, somebody outside said so, the user
        interrupted. After an interrupt the parameters may be those of the middle of an epoch.
    rng_at_start : tuple or None
        State of the generator before anything was drawn from it.
    notes : dict
        What others who follow training have to remember from one epoch to the next.
    """

    vector: np.ndarray
    optimizer: Optimizer = None  # type: ignore[assignment]  # given before training starts
    learning_rate: LearningRate | None = None
    rng: Any = None
    history: History = field(default_factory=History)
    epoch: int = 0
    t: int = 0
    batch_loss: float = np.inf
    best_loss: float = np.inf
    best_vector: np.ndarray | None = None
    n_epochs_without_improvement: int = 0
    converged: bool = False
    stopped: bool = False
    interrupted: bool = False
    rng_at_start: Any = None
    notes: dict[Any, Any] = field(default_factory=dict)

    @property
    def over(self) -> bool:
        """Whether training should not go on."""
        return self.converged or self.stopped or self.interrupted


@dataclass
class Progress:
    """Records every epoch and decides whether training goes on.

    An epoch counts as an improvement if its loss falls below the best so far by more than `tol`.
    More than `n_iter_no_change` epochs in a row without one end training. With `stop_early` it
    is the validation loss that counts, and the weights of its first minimum are restored.

    Parameters
    ----------
    state : TrainingState
        Kept up to date.
    tol : float
        Smallest improvement that counts, >= 0.
    n_iter_no_change : int or inf
        Patience in epochs, >= 1; infinity never runs out.
    validate : callable, default=None
        Returns loss and score on the validation set; both are recorded.
    stop_early : bool, default=True
        Whether the validation set, if there is one, decides in place of the training loss.
    on_epoch_begin : callable, default=None
        Called as ``on_epoch_begin()`` before every epoch.
    on_epoch_end : callable, default=None
        Called as ``on_epoch_end(history)`` after every epoch; a true result stops training.
    keeps_interrupted : callable, default=None
        Tells, when the user interrupts, whether training ends with the weights as they are. If
        not, the KeyboardInterrupt goes on to the caller. None always keeps them.
    """

    state: TrainingState
    tol: float = 1e-4
    n_iter_no_change: float = 10
    validate: Callable[[], tuple[float, float]] | None = None
    stop_early: bool = True
    on_epoch_begin: Callable[[], None] | None = None
    on_epoch_end: Callable[[History], bool | None] | None = None
    keeps_interrupted: Callable[[], bool] | None = None

    def begin_epoch(self) -> None:
        """Announce an epoch."""
        if self.on_epoch_begin is not None:
            self.on_epoch_begin()

    def end_epoch(self, epoch: Epoch, n_samples: int = 0) -> None:
        """Record an epoch of so many samples; tell in the state where training should end."""
        state, loss = self.state, epoch.loss
        state.epoch += 1
        state.t += n_samples
        state.history.add(epoch)
        validation_loss = state.history.add_validation(self.validate)
        if self.validate is not None and self.stop_early:
            loss = validation_loss
            if loss < state.best_loss:
                state.best_vector = state.vector.copy()
        self._count(improved=loss < state.best_loss - self.tol)
        state.best_loss = min(state.best_loss, loss)
        if self.on_epoch_end is not None and self.on_epoch_end(state.history):
            state.stopped = True

    def restore_best(self) -> None:
        """Put back the weights of the smallest validation loss, if they were kept."""
        if self.state.best_vector is not None:
            self.state.vector[:] = self.state.best_vector

    def interrupt(self, interrupt: KeyboardInterrupt) -> None:
        """End training with the weights as they are, or raise the interrupt again."""
        if self.keeps_interrupted is not None and not self.keeps_interrupted():
            raise interrupt
        self.state.interrupted = True
        warnings.warn("Training interrupted by user; the model so far is kept.", stacklevel=3)

    def _count(self, improved: bool) -> None:
        """Count the epochs without improvement; patience may pay for a lower learning rate."""
        state = self.state
        state.n_epochs_without_improvement += 1
        if improved:
            state.n_epochs_without_improvement = 0
        if state.n_epochs_without_improvement <= self.n_iter_no_change:
            return
        if state.learning_rate is not None and state.learning_rate.reduce():
            state.n_epochs_without_improvement = 0
        else:
            state.converged = True


SCHEDULES = ("constant", "invscaling", "adaptive", "cosine")


def make_batches(
    n_samples: int, batch_size: int, rng: np.random.RandomState | None
) -> list[np.ndarray]:
    """Return the sample indices of an epoch's batches, shuffled if there is an `rng`."""
    order = np.arange(n_samples)
    if rng is not None:
        rng.shuffle(order)
    return [order[start : start + batch_size] for start in range(0, n_samples, batch_size)]


def check_finite(loss: float, grad_norm: float, epoch: int) -> None:
    """Raise `DivergenceError` where the loss or the gradient of an epoch is not finite."""
    if math.isfinite(loss) and math.isfinite(grad_norm):
        return
    _raise_diverged(f"loss is {loss}, gradient norm is {grad_norm}", epoch)


REMEDIES = (
    "Lower learning_rate_init, set max_grad_norm (1.0 is usual), or scale X and y "
    "(skrnn.preprocessing.SequenceScaler)."
)


def _raise_diverged(what: str, epoch: int) -> NoReturn:
    raise DivergenceError(f"Training diverged at epoch {epoch + 1}: {what}. {REMEDIES}")


# What is asked of an optimizer, for errors.
IN_PLACE = "changes `vector` in place (vector -= ..., not vector = vector - ...)"


def _check_first_step(optimizer: Any, returned: Any, before: np.ndarray, after: np.ndarray) -> None:
    """Raise TypeError where the first step of an epoch has returned something and done nothing."""
    if returned is not None and np.array_equal(before, after):
        raise TypeError(
            f"The step of {optimizer!r} has returned {type(returned).__name__} and changed no "
            f"weight. A step {IN_PLACE} and returns None."
        )


def _check_started(optimizer: Any, before: np.ndarray, after: np.ndarray, rate: float) -> None:
    """Raise ValueError where the first epoch, with a gradient, has changed no weight."""
    if np.array_equal(before, after):
        raise ValueError(
            f"The first epoch has changed no weight, though there is a gradient. Raise "
            f"learning_rate_init (the rate is {rate:g}) or max_grad_norm, which are too small for "
            f"any weight to change in {after.dtype}; an optimizer of your own "
            f"({type(optimizer).__name__}) {IN_PLACE}."
        )


def run_epoch(
    objective: Objective,
    vector: np.ndarray,
    optimizer: StochasticOptimizer,
    batches: Sequence[np.ndarray],
    *,
    learning_rate: Callable[[float], float],
    max_grad_norm: float | None,
    rng: np.random.RandomState,
    epoch: int,
) -> Epoch:
    """Take one optimizer step a batch.

    Parameters
    ----------
    objective : callable
        ``objective(samples, rng) -> (loss, gradient, weight)`` at the current vector.
    vector : ndarray of shape (n_parameters,)
        The parameters, which are changed.
    optimizer : StochasticOptimizer
        With the moments it has gathered.
    batches : sequence of ndarray
        Sample indices of every batch.
    learning_rate : callable
        ``learning_rate(done) -> float``, with the share of the epoch's batches before, in [0, 1).
    max_grad_norm : float or None
        Bound of the gradient's global norm.
    rng : RandomState
        Of the objective.
    epoch : int
        For messages.

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
    step: Callable[..., Any] = optimizer.step
    # Overflow on the way to a divergence is reported once, by check_finite.
    with np.errstate(over="ignore", invalid="ignore"):
        for i, batch in enumerate(batches):
            loss, gradient, weight = objective(batch, rng)
            norm = clip_by_global_norm(gradient, max_grad_norm)
            check_finite(loss, norm, epoch)
            returned = step(vector, gradient, learning_rate(i / len(batches)))
            if not losses:
                ratio = update_ratio(before, vector)
                _check_first_step(optimizer, returned, before, vector)
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
    progress: Progress,
    *,
    n_samples: int,
    batch_size: int,
    max_iter: int,
    shuffle: bool,
    max_grad_norm: float | None,
) -> None:
    """Train until `progress` or `max_iter` says stop, or the user interrupts.

    Parameters
    ----------
    objective : callable
        ``objective(samples, rng) -> (loss, gradient, weight)`` at the current vector.
    progress : Progress
        Its state, with a stochastic optimizer, a learning rate and a generator, is where
        training starts; it is changed.
    n_samples, batch_size, max_iter : int
        Sizes, each >= 1; `max_iter` counts epochs, those before `state` included.
    shuffle : bool
        Whether batches are drawn anew in every epoch.
    max_grad_norm : float or None
        Bound of the gradient's global norm.
    """
    state = progress.state

    def learning_rate(done: float) -> float:
        assert state.learning_rate is not None
        return state.learning_rate.at(state.epoch + done, state.t)

    def noting(samples: np.ndarray, rng: Any) -> tuple[float, np.ndarray, float]:
        result = objective(samples, rng)
        state.batch_loss = result[0]
        return result

    first = state.vector.copy() if state.t == 0 else None
    try:
        while state.epoch < max_iter and not state.over:
            progress.begin_epoch()
            rate = learning_rate(0.0)
            record = run_epoch(
                noting,
                state.vector,
                cast(StochasticOptimizer, state.optimizer),
                make_batches(n_samples, batch_size, state.rng if shuffle else None),
                learning_rate=learning_rate,
                max_grad_norm=max_grad_norm,
                rng=state.rng,
                epoch=state.epoch,
            )
            if first is not None and record.grad_norm > 0:
                _check_started(state.optimizer, first, state.vector, rate)
                first = None
            progress.end_epoch(record, n_samples)
    except KeyboardInterrupt as interrupt:
        progress.interrupt(interrupt)
    progress.restore_best()


def _solution(optimizer: Any, result: Any, vector: np.ndarray) -> np.ndarray:
    """Return the parameters that a full-batch optimizer has found."""
    if not (hasattr(result, "x") and hasattr(result, "success")):
        raise TypeError(
            f"minimize of {optimizer!r} must return an object with 'x' and 'success', such as "
            f"scipy.optimize.OptimizeResult; it returned {type(result).__name__}."
        )
    if np.shape(result.x) != vector.shape:
        raise ValueError(
            f"minimize of {optimizer!r} returned x of shape {np.shape(result.x)}; it must have "
            f"that of the vector, {vector.shape}."
        )
    return result.x


def train_full_batch(
    objective: Objective,
    progress: Progress,
    *,
    n_samples: int,
    max_iter: int,
    tol: float,
) -> None:
    """Train on all samples at once; an iteration of the optimizer counts as an epoch.

    The parameters are those of `train_stochastic`, with a full-batch optimizer in the state;
    `tol` bounds the largest entry of the gradient at the solution.
    """
    state = progress.state
    samples = np.arange(n_samples)
    last = (np.inf, np.inf)
    start = state.vector.copy()
    in_epoch = False

    def loss_and_gradient(vector: np.ndarray) -> tuple[float, np.ndarray]:
        nonlocal last, in_epoch
        # Not after the iteration before: the optimizer alone knows whether there is another one.
        if not in_epoch:
            in_epoch = True
            progress.begin_epoch()
        state.vector[:] = vector
        with np.errstate(over="ignore", invalid="ignore"):
            loss, gradient, _ = objective(samples, None)
            norm = clip_by_global_norm(gradient, None)
        check_finite(loss, norm, len(state.history.loss_curve))
        if not np.isfinite(state.batch_loss):
            state.batch_loss = loss  # at the start, where training stays without an iteration
        last = (loss, norm)
        return loss, gradient

    def after_iteration(vector: np.ndarray) -> None:
        nonlocal start, in_epoch
        in_epoch = False
        state.vector[:] = vector
        record = Epoch(*last, update_ratio=update_ratio(start, state.vector))
        progress.end_epoch(record, n_samples)
        start = state.vector.copy()
        if state.over:
            raise StopIteration

    try:
        result = cast(FullBatchOptimizer, state.optimizer).minimize(
            loss_and_gradient, state.vector, max_iter=max_iter, tol=tol, callback=after_iteration
        )
        state.vector[:] = _solution(state.optimizer, result, state.vector)
        state.converged = state.converged or bool(result.success)
    except KeyboardInterrupt as interrupt:
        state.vector[:] = start  # not where the line search happened to be
        progress.interrupt(interrupt)
    progress.restore_best()
