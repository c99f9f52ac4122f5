"""One fit: what is drawn at its start, how it trains, and the course it takes."""

from __future__ import annotations

import warnings
from copy import deepcopy
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from skrnn.core.kernels import cores_shared, memory_kept
from skrnn.core.losses import known_constant
from skrnn.core.network import Network, Part
from skrnn.core.objective import loss_and_gradient
from skrnn.core.optimizers import OPTIMIZERS, Optimizer
from skrnn.core.parameters import Parameters
from skrnn.core.training import (
    History,
    LearningRate,
    Objective,
    Progress,
    TrainingState,
    train_full_batch,
    train_stochastic,
)
from skrnn.estimators._blas import is_compiled, one_blas_thread
from skrnn.estimators._callbacks import FitTasks
from skrnn.estimators._data import MOST_MERGED, Dataset
from skrnn.estimators._defaults import decide_course, decided
from skrnn.estimators._hold_out import n_to_hold_out
from skrnn.estimators._interrupt import ends_the_fit_alone
from skrnn.estimators._outcome import check_large_weights, why_not_learnt
from skrnn.estimators._own_parts import check_own_loss
from skrnn.estimators._parameters import made, parameters_of, works_on_full_batch
from skrnn.estimators._progress import Reporter, make_reporter
from skrnn.estimators._validation import Validation
from skrnn.sequences import Batch

# Fewer than this often have the same target by chance, which says nothing of the data.
FEW_SAMPLES = 5


class Training:
    """One call of `fit`, or one of `partial_fit`.

    All random numbers come from `rng`, in this order: initial weights (which the estimator draws),
    validation split, batches and dropout. While training goes on, its course (curves, epochs) is
    written to the estimator.

    Parameters
    ----------
    estimator : BaseRNN
        In its fit.
    data : Dataset
        Checked, encoded and prepared.
    validation : Dataset or None
        The validation set, where the user gave one.
    X, y : array-like
        As the user passed them; for callbacks.
    metadata : dict
        What else the user passed: sample_weight, X_val, y_val, sample_weight_val.
    goes_on : bool
        Whether the estimator keeps the weights of the call before.
    incremental : bool
        Whether this is `partial_fit`: one epoch, with the optimizer of the calls before.

    Attributes
    ----------
    rng : RandomState
        The generator.
    state : TrainingState
        All that training changes; set by `run`, and the estimator's `_training_state` meanwhile.
    data : Dataset
        What is trained on; from `run` on scaled, and without what is held out.
    """

    state: TrainingState

    def __init__(
        self,
        estimator: Any,
        data: Dataset,
        validation: Dataset | None,
        X: Any,
        y: Any,
        metadata: dict[str, Any],
        *,
        goes_on: bool,
        incremental: bool,
    ):
        self.estimator = estimator
        self.data, self.validation = data, validation
        self.goes_on, self.incremental = goes_on, incremental
        n_samples = data.n_samples
        if self.holds_out:
            n_samples -= n_to_hold_out(estimator.validation_fraction, n_samples)
        estimator.auto_params_ |= decide_course(
            estimator, data, max(1, n_samples), incremental=incremental
        )
        self.parameters = decided(estimator, estimator.auto_params_)
        self.max_iter = 1 if incremental else self.parameters.max_iter
        if not goes_on:
            estimator._random_state = check_random_state(estimator.random_state)
        # Callbacks follow `fit`: a call of partial_fit is part of a fit that has no end.
        self.tasks = None
        if not incremental:
            self.tasks = FitTasks(estimator, X, y, metadata, self.as_fitted, self.max_iter)
            if self.tasks.resumed_state is not None:
                # What is drawn before the first epoch is drawn again.
                estimator._random_state = np.random.RandomState()
                estimator._random_state.set_state(self.tasks.resumed_state.rng_at_start)
        self.rng_at_start = self.rng.get_state()

    @property
    def rng(self) -> np.random.RandomState:
        """The generator, which the estimator keeps for the calls that go on from this one."""
        return self.estimator._random_state

    @property
    def holds_out(self) -> bool:
        """Whether a part of the data is set aside for validation."""
        return self.estimator.early_stopping and self.validation is None

    def run(self) -> None:
        """Train the estimator's network.

        Raises
        ------
        ValueError
            If the parameters leave no data to train on, or if training diverges.
        """
        est, data, validation = self.estimator, self.data, self.validation
        if self.holds_out:
            varies = not data.constant_target
            data, validation = self._split(data)
            if varies:
                self._warn_of_one_target(data, validation)
        data = self._for_batches(data)
        if not self.goes_on:
            data.check_outputs()
        self.data = data = data.learn_scale().scaled()
        self.validation, targets = validation, data.targets
        check_own_loss(
            targets.loss,
            data.y,
            targets.width,
            data.sequences.dtype,
            single_outputs=data.present is not None,
        )
        if not self.goes_on:
            start_at_constant(est.network_, data)
        resumed = None if self.tasks is None else self.tasks.resumed_state
        self.state = est._training_state = resumed or self._new_state()
        try:
            self._train(data, None if validation is None else Validation(validation))
            if not self.state.interrupted:
                check_large_weights(est, data)
            if self.tasks is not None:
                self.tasks.end()
        finally:
            del est._training_state

    @property
    def unfinished(self) -> bool:
        """Whether training ended for no other reason than `max_iter`, and not by plan."""
        # The cosine schedule ends at max_iter by plan, and partial_fit after its epoch.
        planned = self.incremental or self.parameters.learning_rate == "cosine"
        return not (self.state.over or planned)

    def shortfall(self) -> str | None:
        """Return what to tell the user of a `fit` that has learnt nothing, None of another.

        Raises
        ------
        DivergenceError
            If the network has no finite loss.
        """
        if self.incremental or self.state.interrupted:
            return None
        patience_ended_it = self.state.converged and not self.state.optimizer.full_batch
        try:
            return why_not_learnt(self.estimator, self.data, out_of_patience=patience_ended_it)
        except KeyboardInterrupt:
            # Training is done: an interrupt of this look at its result costs the look alone.
            if not self._keeps_interrupted():
                raise
            return None

    def course(self) -> dict[str, Any]:
        """Return the fitted attributes that tell how training has gone so far."""
        state, history = self.state, self.state.history
        losses = history.loss_curve
        validated = self.validation is not None or bool(history.validation_losses)
        return {
            "t_": state.t,
            "n_iter_": len(losses),
            "loss_curve_": losses,
            "grad_norm_curve_": history.grad_norm_curve,
            "clip_rate_curve_": history.clip_rate_curve,
            "update_ratio_curve_": history.update_ratio_curve,
            "loss_": losses[-1] if losses else state.batch_loss,
            "best_loss_": (
                None if self.estimator.early_stopping else min(losses, default=state.batch_loss)
            ),
            "validation_loss_curve_": history.validation_losses if validated else None,
            "validation_scores_": history.validation_scores if validated else None,
            **self._best_of_validation(),
        }

    def _best_of_validation(self) -> dict[str, float | None]:
        """Return the smallest validation loss of this fit, and the score of its epoch."""
        history, n_epochs = self.state.history, self.state.epoch
        best = None
        # Training that validates but has no epoch behind it has no best one.
        if self.validation is not None and n_epochs:
            # Of other fits the validation set was another one, and the weights are gone.
            best = int(np.argmin(history.validation_losses[-n_epochs:])) - n_epochs
        return {
            "best_validation_loss_": None if best is None else history.validation_losses[best],
            "best_validation_score_": None if best is None else history.validation_scores[best],
        }

    def as_fitted(self) -> dict[str, Any]:
        """Return the attributes that turn a copy of the estimator into one whose fit is over."""
        course = self.course()
        curves = {name: value[:] for name, value in course.items() if isinstance(value, list)}
        network = self.estimator.network_
        parameters = network.parameters
        copied = Parameters(parameters.shapes, parameters.vector.copy())
        return {**course, **curves, "network_": Network(network.architecture, copied)}

    @staticmethod
    def _warn_of_one_target(data: Dataset, validation: Dataset) -> None:
        """Warn where a part of the data, though not the whole, has one target only."""
        if data.constant_target:
            part = f"leaves {data.n_samples} samples to train on"
        elif validation.n_samples >= FEW_SAMPLES and validation.constant_target:
            part = f"sets {validation.n_samples} samples aside"
        else:
            return
        warnings.warn(
            f"early_stopping=True {part} whose targets are all the same, unlike the others: the "
            "loss says little of what is learnt. Change validation_fraction or the order of the "
            "samples, pass X_val and y_val to fit, or set early_stopping=False.",
            stacklevel=7,  # the line that calls fit
        )

    def _split(self, data: Dataset) -> tuple[Dataset, Dataset]:
        """Return what to train on and what to set aside."""
        fraction = self.estimator.validation_fraction
        if data.has_order(shuffle=self.estimator.shuffle):
            return data.hold_out_last(fraction)
        return data.hold_out(fraction, self.rng)

    def _for_batches(self, data: Dataset) -> Dataset:
        """Return the samples as they come in batches; weight and repetition are the same."""
        if batch_size(self.parameters, data.n_samples) == data.n_samples:
            return data.merged()
        if self.estimator.shuffle and data.n_samples <= MOST_MERGED:
            return data.merged().spread()
        return data

    def _new_state(self) -> TrainingState:
        """Return the state in which training starts."""
        est = self.estimator
        history = History(
            est.loss_curve_,
            est.grad_norm_curve_,
            est.validation_scores_ or [],
            est.clip_rate_curve_,
            est.update_ratio_curve_,
            est.validation_loss_curve_ or [],
        )
        optimizer = self._optimizer_of_before() if self.incremental else make_optimizer(est)
        return TrainingState(
            est.network_.parameters.vector,
            optimizer,
            None if optimizer.full_batch else self._make_learning_rate(),
            self.rng,
            history,
            t=est.t_,
            rng_at_start=self.rng_at_start,
        )

    def _make_learning_rate(self) -> LearningRate:
        """Return the schedule of this fit."""
        p = self.parameters
        return LearningRate(p.learning_rate, p.learning_rate_init, p.power_t, self.max_iter)

    def _optimizer_of_before(self) -> Optimizer:
        """Return the optimizer of the calls of partial_fit before, or a new one at the first."""
        est = self.estimator
        asked, optimizer = est._optimizer
        if isinstance(asked, str) and asked == est.optimizer:
            vars(optimizer).update(parameters_of(est, type(optimizer)))
        elif asked is not est.optimizer:
            optimizer = make_optimizer(est)
            est._optimizer = est.optimizer, optimizer
        return optimizer

    def _train(self, data: Dataset, validation: Validation | None) -> None:
        """Train from the state on, which is a new one or one to resume."""
        optimizer, loss = self.state.optimizer, data.targets.loss
        # BLAS may sum in another order with another number of threads; the kernels do not.
        ours = is_compiled(self.estimator.network_, optimizer, loss) and not optimizer.full_batch
        with cores_shared, memory_kept(), one_blas_thread(needed=not ours):
            self._run_epochs(data, validation)

    def _run_epochs(self, data: Dataset, validation: Validation | None) -> None:
        est, state = self.estimator, self.state
        est.network_.parameters.vector = state.vector
        est._random_state = state.rng
        n_samples = data.n_samples
        size = batch_size(self.parameters, n_samples)
        objective = self._objective(data, size)
        reporter = make_reporter(est.verbose, epoch=state.epoch, max_iter=self.max_iter)
        progress = self._progress(validation, reporter)
        vars(est).update(self.course())  # the curves grow while callbacks look
        try:
            if state.optimizer.full_batch:
                train_full_batch(
                    objective, progress, n_samples=n_samples, max_iter=self.max_iter, tol=est.tol
                )
            else:
                train_stochastic(
                    objective,
                    progress,
                    n_samples=n_samples,
                    batch_size=size,
                    max_iter=self.max_iter,
                    shuffle=est.shuffle,
                    max_grad_norm=est.max_grad_norm,
                )
        finally:
            reporter.close()
            vars(est).update(self.course())

    def _progress(self, validation: Validation | None, reporter: Reporter) -> Progress:
        """Return what records every epoch, tells those who follow it, and decides on the next."""
        tasks = self.tasks

        def on_epoch_end(history: History) -> bool:
            reporter.report(history)
            if tasks is None or not tasks.watched:
                return False
            vars(self.estimator).update(self.course())  # callbacks see what is true now
            return tasks.end_epoch()

        return Progress(
            self.state,
            tol=self.estimator.tol,
            n_iter_no_change=self.parameters.n_iter_no_change,
            validate=None if validation is None else lambda: self._validate(validation),
            stop_early=self.estimator.early_stopping,
            on_epoch_begin=None if tasks is None else tasks.begin_epoch,
            on_epoch_end=on_epoch_end,
            keeps_interrupted=self._keeps_interrupted,
        )

    def _keeps_interrupted(self) -> bool:
        """Whether an interrupt ends this fit with the model so far, and not its caller."""
        # A call of partial_fit is one of many: the loop around it would go on.
        return not self.incremental and ends_the_fit_alone()

    def _objective(self, data: Dataset, size: int) -> Objective:
        """Return the objective on `data` in batches of that size, for the loop over epochs."""
        est = self.estimator
        alpha = 0.0 if self.state.optimizer.decouples_decay else est.alpha
        return make_objective(est.network_, data, alpha, full_batch=size == data.n_samples)

    def _validate(self, validation: Validation) -> tuple[float, float]:
        """Return loss and score of the network of the moment."""
        with np.errstate(over="ignore", invalid="ignore"):
            raw_prediction = self.estimator._raw_prediction(validation.sequences)
        return validation.judge(raw_prediction)


def make_objective(network: Network, data: Dataset, alpha: float, *, full_batch: bool) -> Objective:
    """Return ``objective(samples, rng) -> (loss, gradient, weight)``.

    Parameters
    ----------
    network : Network
        In training; the objective looks at its parameters of the moment.
    data : Dataset
        Scaled.
    alpha : float
        L2 penalty, >= 0.
    full_batch : bool
        Whether all samples make one batch.
    """
    loss, weight = data.targets.loss, data.loss_weight()

    gather = data.sequences.batches
    # All samples make the same batch every time: gathered once.
    whole = gather(np.arange(data.n_samples)) if full_batch else None

    def part_of(batch: Batch) -> Part:
        rows = batch.steps if data.per_step else batch.samples
        return Part(batch.x, batch.n_active, data.y[rows], weight[rows], batch.static)

    def objective(
        samples: np.ndarray, rng: np.random.RandomState | None
    ) -> tuple[float, np.ndarray, float]:
        parts = [part_of(batch) for batch in whole or gather(samples)]
        return loss_and_gradient(network, parts, loss=loss, alpha=alpha, rng=rng)

    return objective


def start_at_constant(network: Network, data: Dataset) -> None:
    """Let a new network predict the constant that its loss names, whatever comes in.

    Parameters
    ----------
    network : Network
        Its output layer gets other biases if the loss names a constant.
    data : Dataset
        What it is to be trained on, scaled.
    """
    constant = known_constant(data.targets.loss, data.y, data.loss_weight())
    if constant is not None:
        bias = network.parameters["output.b"]
        # Of a frame, that of every one of its steps.
        bias[:] = np.tile(constant, len(bias) // len(constant))


def batch_size(parameters: Any, n_samples: int) -> int:
    """Return the samples in a batch, at most all of them."""
    return n_samples if works_on_full_batch(parameters) else min(parameters.batch_size, n_samples)


def make_optimizer(estimator: Any) -> Optimizer:
    """Return a new optimizer for the network of an estimator; an object given is copied."""
    optimizer = made(OPTIMIZERS, estimator.optimizer, estimator)
    if optimizer is estimator.optimizer:
        optimizer = deepcopy(optimizer)
    if optimizer.decouples_decay:
        optimizer.decay_mask = estimator.network_.weight_mask()
    return optimizer


def forget_earlier_fit(estimator: Any) -> None:
    """Take off the network and the course of an earlier fit: callbacks see those of this one."""
    names = [name for name in vars(estimator) if name.endswith(("_curve_", "_loss_", "_score_"))]
    for name in (*names, "network_", "n_iter_", "t_", "loss_", "validation_scores_"):
        vars(estimator).pop(name, None)
