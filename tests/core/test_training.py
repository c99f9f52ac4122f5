"""The epoch loop: batches, schedules, patience, best weights, divergence and interrupts."""

import numpy as np
import pytest
from scipy.optimize import OptimizeResult

from skrnn.core.optimizers import LBFGS, OPTIMIZERS, SGD
from skrnn.core.training import (
    SCHEDULES,
    SMALLEST_LEARNING_RATE,
    DivergenceError,
    Epoch,
    History,
    LearningRate,
    Progress,
    TrainingState,
    check_finite,
    make_batches,
    run_epoch,
    train_full_batch,
    train_stochastic,
    update_ratio,
)

TARGETS = np.array([1.0, 2.0, 3.0, 6.0])


class LeastSquares:
    """The mean of `TARGETS`, learnt by squared error; records how it is called."""

    def __init__(self):
        self.vector = np.zeros(1)
        self.batches = []

    def __call__(self, samples, rng):
        self.batches.append(samples.tolist())
        error = self.vector - TARGETS[samples]
        return 0.5 * float(np.mean(error**2)), np.array([error.mean()]), float(len(samples))


def plain_sgd():
    return SGD(momentum=0.0)


def constant(learning_rate=0.5, max_iter=10):
    return LearningRate("constant", learning_rate, 0.5, max_iter)


def train(objective, progress=None, learning_rate=None, optimizer=None, **options):
    progress = progress or Progress(TrainingState(objective.vector))
    options = {
        "n_samples": 4,
        "batch_size": 4,
        "max_iter": 10,
        "shuffle": False,
        "max_grad_norm": None,
        "rng": np.random.RandomState(0),
        "t": 0,
        **options,
    }
    state = progress.state
    state.optimizer, state.learning_rate = optimizer or plain_sgd(), learning_rate or constant()
    state.rng, state.t = options.pop("rng"), options.pop("t")
    train_stochastic(objective, progress, **options)
    return progress, state.t


# --- Batches and epochs ------------------------------------------------------------------


def test_batches_without_shuffling_are_in_order():
    batches = [batch.tolist() for batch in make_batches(7, 3, None)]
    assert batches == [[0, 1, 2], [3, 4, 5], [6]]


def test_shuffled_batches_hold_every_sample_once_and_change_with_the_epoch():
    rng = np.random.RandomState(0)
    first, second = (np.concatenate(make_batches(50, 7, rng)) for _ in range(2))
    np.testing.assert_array_equal(np.sort(first), np.arange(50))
    np.testing.assert_array_equal(np.sort(second), np.arange(50))
    assert not np.array_equal(first, second)
    assert not np.array_equal(first, np.arange(50))


@pytest.mark.parametrize("shuffle", [False, True])
def test_shuffle_decides_whether_batches_change(shuffle):
    objective = LeastSquares()
    train(objective, batch_size=1, shuffle=shuffle)
    epochs = {tuple(np.ravel(objective.batches[i : i + 4])) for i in range(0, 40, 4)}
    assert (len(epochs) > 1) == shuffle


def test_the_cosine_schedule_falls_with_every_step():
    cosine, rates = LearningRate("cosine", 1.0, 0.5, 2), []

    class Noted(SGD):
        def step(self, vector, gradient, learning_rate):
            rates.append(learning_rate)
            super().step(vector, gradient, learning_rate)

    train(LeastSquares(), batch_size=1, max_iter=2, learning_rate=cosine, optimizer=Noted())
    np.testing.assert_allclose(rates, (1 + np.cos(np.pi * np.arange(8) / 8)) / 2)


def run_two_batches(first, second, start, max_grad_norm):
    outcomes, vector = iter([first, second]), np.array(start)
    epoch = run_epoch(
        lambda samples, rng: next(outcomes),
        vector,
        plain_sgd(),
        make_batches(4, 2, None),
        learning_rate=lambda done: 1.0,
        max_grad_norm=max_grad_norm,
        rng=np.random.RandomState(0),
        epoch=0,
    )
    return epoch, vector


def test_an_epoch_reports_the_weighted_mean_loss_and_the_mean_norm_before_clipping():
    first, second = (1.0, np.array([3.0, 4.0]), 3.0), (5.0, np.array([0.0, 1.0]), 1.0)
    epoch, vector = run_two_batches(first, second, [0.0, 0.0], max_grad_norm=2.5)
    assert epoch.loss == (3 * 1 + 1 * 5) / 4
    assert epoch.grad_norm == (5 + 1) / 2
    np.testing.assert_allclose(vector, [-1.5, -3.0])  # the first of the two was halved


@pytest.mark.parametrize(("max_grad_norm", "rate"), [(None, 0), (5.0, 0), (2.5, 0.5), (0.5, 1)])
def test_an_epoch_reports_the_share_of_clipped_batches(max_grad_norm, rate):
    first, second = (1.0, np.array([3.0, 4.0]), 3.0), (5.0, np.array([0.0, 1.0]), 1.0)
    epoch, _ = run_two_batches(first, second, [0.0, 0.0], max_grad_norm)
    assert epoch.clip_rate == rate


def test_an_epoch_reports_the_relative_size_of_its_first_step():
    first, second = (1.0, np.array([3.0, 4.0]), 1.0), (1.0, np.array([9.0, 9.0]), 1.0)
    epoch, _ = run_two_batches(first, second, [0.0, 20.0], max_grad_norm=None)
    assert epoch.update_ratio == 5 / 20


class Pure(SGD):
    """Computes new weights, and leaves those that it was given."""

    returns = False

    def step(self, vector, gradient, learning_rate):
        vector = vector - learning_rate * gradient
        return vector if self.returns else None


class Returning(Pure):
    returns = True


@pytest.mark.parametrize(
    ("optimizer", "error", "message"),
    [
        (Pure, ValueError, r"changed no weight.*of your own \(Pure\) changes `vector` in place"),
        (Returning, TypeError, r"has returned ndarray and changed no weight.*in place.*None"),
    ],
)
def test_an_optimizer_that_does_not_change_the_vector_is_found(optimizer, error, message):
    with pytest.raises(error, match=message):
        train(LeastSquares(), optimizer=optimizer(momentum=0.0))


def test_an_optimizer_may_return_the_vector_that_it_has_changed():
    class Chatty(SGD):
        def step(self, vector, gradient, learning_rate):
            super().step(vector, gradient, learning_rate)
            return vector

    objective = LeastSquares()
    train(objective, optimizer=Chatty(momentum=0.0), max_iter=50)
    np.testing.assert_allclose(objective.vector, TARGETS.mean(), rtol=1e-5)


def test_a_rate_too_small_for_any_step_is_found():
    objective = LeastSquares()
    objective.vector[:] = 1.0
    message = r"changed no weight.*learning_rate_init \(the rate is 1e-310\).* in float64"
    with pytest.raises(ValueError, match=message):
        train(objective, learning_rate=constant(1e-310))


def test_training_that_starts_at_the_minimum_may_stay_there():
    objective = LeastSquares()
    objective.vector[:] = TARGETS.mean()
    _, t = train(objective, max_iter=3)
    assert t == 12


def test_training_that_goes_on_may_stay_where_it_is():
    objective = LeastSquares()
    objective.vector[:] = 1.0
    train(objective, learning_rate=constant(1e-310), t=4)
    assert objective.vector == 1.0


def test_the_loss_of_the_last_batch_is_there_before_an_epoch_is_over():
    class Interrupts(LeastSquares):
        def __call__(self, samples, rng):
            if self.batches:
                raise KeyboardInterrupt
            return super().__call__(samples, rng)

    with pytest.warns(UserWarning, match="interrupted"):
        progress, _ = train(Interrupts(), batch_size=2)
    assert progress.state.history.loss_curve == []
    assert progress.state.batch_loss == 0.5 * (1 + 4) / 2


def test_a_step_from_nothing_is_infinitely_large():
    assert update_ratio(np.zeros(2), np.ones(2)) == np.inf


def test_training_takes_one_step_a_batch_and_counts_samples():
    objective = LeastSquares()
    _, t = train(objective, batch_size=3, max_iter=2, t=100)
    assert objective.batches == [[0, 1, 2], [3], [0, 1, 2], [3]]
    assert t == 100 + 2 * 4


def test_history_has_an_entry_for_every_epoch():
    objective = LeastSquares()
    progress = Progress(TrainingState(objective.vector), validate=lambda: (0.0, 0.0))
    train(objective, progress, max_iter=3)
    assert {name: len(curve) for name, curve in vars(progress.state.history).items()} == {
        "loss_curve": 3,
        "grad_norm_curve": 3,
        "validation_losses": 3,
        "validation_scores": 3,
        "clip_rate_curve": 3,
        "update_ratio_curve": 3,
    }


@pytest.mark.parametrize("name", [name for name in OPTIMIZERS if name != "lbfgs"])
def test_training_finds_the_minimum(name):
    objective = LeastSquares()
    progress = Progress(TrainingState(objective.vector), tol=0.0, n_iter_no_change=1000)
    schedule = LearningRate("cosine", 0.5, 0.5, 300)
    train(objective, progress, schedule, OPTIMIZERS[name](), max_iter=300)
    assert objective.vector[0] == pytest.approx(TARGETS.mean(), abs=0.02)


def test_the_rng_reaches_the_objective():
    seen = []

    def objective(samples, rng):
        seen.append(rng)
        return 0.0, np.zeros(1), 1.0

    rng = np.random.RandomState(0)
    train(objective, Progress(TrainingState(np.zeros(1))), rng=rng, max_iter=1)
    assert seen == [rng]


# --- Learning rates ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("constant", [0.8, 0.8, 0.8]),
        ("invscaling", [0.8, 0.8 / np.sqrt(101), 0.8 / np.sqrt(201)]),
        ("adaptive", [0.8, 0.8, 0.8]),
        ("cosine", [0.8, 0.4, 0.8 * (1 + np.cos(np.pi * 3 / 4)) / 2]),
    ],
)
def test_schedules_follow_their_formulas(schedule, expected):
    learning_rate = LearningRate(schedule, 0.8, 0.5, max_iter=4)
    rates = [learning_rate.at(epoch, t) for epoch, t in [(0, 0), (2, 100), (3, 200)]]
    assert rates == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_rates_are_plain_floats(schedule):
    # A NumPy scalar of float64 would lift every float32 step to float64.
    learning_rate = LearningRate(schedule, np.float64(0.8), 0.5, max_iter=4)
    assert type(learning_rate.at(1, 10)) is float


def test_power_t_is_the_exponent_of_invscaling():
    assert LearningRate("invscaling", 1.0, 2.0, 10).at(0, 9) == pytest.approx(0.01)


def test_a_power_of_time_beyond_the_range_of_floats_is_a_rate_of_zero():
    assert LearningRate("invscaling", 0.1, 1e3, 10).at(1, 100) == 0.0


def test_an_adaptive_rate_is_divided_by_five_until_it_is_small():
    learning_rate = LearningRate("adaptive", 1.0, 0.5, 10)
    rates = []
    while learning_rate.reduce():
        rates.append(learning_rate.at(0, 0))
    assert rates == pytest.approx([5.0**-k for k in range(1, 10)])
    assert rates[-1] <= SMALLEST_LEARNING_RATE < rates[-2]


@pytest.mark.parametrize("schedule", [s for s in SCHEDULES if s != "adaptive"])
def test_other_rates_cannot_be_reduced(schedule):
    learning_rate = LearningRate(schedule, 1.0, 0.5, 10)
    before = learning_rate.at(3, 30)
    assert not learning_rate.reduce()
    assert learning_rate.at(3, 30) == before


def test_an_adaptive_rate_gives_training_another_chance_when_patience_runs_out():
    def flat(samples, rng):
        return 1.0, np.zeros(1), 1.0

    progress = Progress(TrainingState(np.zeros(1)), n_iter_no_change=2)
    learning_rate = LearningRate("adaptive", 30 * SMALLEST_LEARNING_RATE, 0.5, 1000)
    train(flat, progress, learning_rate, max_iter=1000)
    # 4 epochs until patience runs out the first time, 3 after each of the 3 reductions.
    assert learning_rate.n_reductions == 3
    assert progress.state.converged
    assert len(progress.state.history.loss_curve) == 4 + 3 * 3


# --- Progress ----------------------------------------------------------------------------


def follow(losses, **options):
    """Report the losses until training should end; return Progress and epochs taken."""
    progress = Progress(TrainingState(np.zeros(1)), **options)
    for epoch, loss in enumerate(losses, start=1):
        progress.end_epoch(Epoch(loss, 1.0))
        if progress.state.over:
            return progress, epoch
    return progress, None


def test_training_ends_after_more_than_n_iter_no_change_epochs_without_improvement():
    progress, epochs = follow([5.0, 4.0, 4.0, 4.0, 4.0, 4.0], n_iter_no_change=2)
    assert epochs == 5
    assert progress.state.converged


def test_an_improvement_starts_the_count_anew():
    _, epochs = follow([5.0, 5.0, 5.0, 4.0, 4.0, 4.0, 4.0], n_iter_no_change=2)
    assert epochs == 7


def test_only_improvements_beyond_tol_count():
    _, epochs = follow([5.0, 4.95, 4.9, 4.85], tol=0.2, n_iter_no_change=2)
    assert epochs == 4
    _, epochs = follow([5.0, 4.95, 4.9, 4.85], tol=0.01, n_iter_no_change=2)
    assert epochs is None


def test_the_smallest_loss_is_kept():
    progress, _ = follow([5.0, 3.0, 4.0])
    assert progress.state.best_loss == 3.0
    assert progress.state.history.loss_curve == [5.0, 3.0, 4.0]


def test_the_validation_loss_decides_and_neither_its_score_nor_the_training_loss():
    seen = [(0.5, 0.1), (0.4, 0.2), (0.4, 0.3), (0.4, 0.4), (0.4, 0.5)]
    answers = iter(seen)
    losses = [9.0, 8.0, 7.0, 6.0, 5.0]
    progress, epochs = follow(losses, n_iter_no_change=2, validate=lambda: next(answers))
    assert epochs == 5
    history = progress.state.history
    assert list(zip(history.validation_losses, history.validation_scores, strict=True)) == seen
    assert progress.state.best_loss == 0.4


def restored(answers, **options):
    """Return the epoch, from 0, whose weights are in place after those validations."""
    answers = iter(answers)
    progress = Progress(TrainingState(np.zeros(2)), validate=lambda: next(answers), **options)
    for epoch in range(4):
        progress.state.vector[:] = epoch
        progress.end_epoch(Epoch(1.0, 1.0))
    progress.restore_best()
    return progress.state.vector[0]


def test_the_weights_of_the_first_of_the_smallest_validation_losses_are_restored():
    assert restored([(0.9, 0.0), (0.1, 0.0), (0.5, 0.0), (0.1, 1.0)]) == 1


def test_a_validation_loss_that_is_not_finite_is_never_the_best():
    assert restored([(np.inf, -np.inf), (np.inf, -np.inf), (3.0, 0.0), (np.inf, -np.inf)]) == 2


def test_a_validation_set_that_does_not_decide_is_recorded_only():
    answers = [(0.1, 0.9), (0.2, 0.8), (0.3, 0.7), (0.4, 0.6)]
    assert restored(answers, stop_early=False) == 3
    validations = iter(answers)
    progress, epochs = follow(
        [4.0, 3.0, 2.0, 1.0],
        n_iter_no_change=1,
        validate=lambda: next(validations),
        stop_early=False,
    )
    assert epochs is None
    assert progress.state.best_loss == 1.0
    assert progress.state.history.validation_losses == [0.1, 0.2, 0.3, 0.4]


def test_epochs_without_a_validation_set_have_nan_in_its_curves():
    history = History()
    for loss, judge in [(4.0, None), (3.0, None), (2.0, lambda: (5.0, 0.5)), (1.0, None)]:
        history.add(Epoch(loss, 1.0))
        history.add_validation(judge)
    assert history.loss_curve == [4.0, 3.0, 2.0, 1.0]
    np.testing.assert_array_equal(history.validation_losses, [np.nan, np.nan, 5.0, np.nan])
    np.testing.assert_array_equal(history.validation_scores, [np.nan, np.nan, 0.5, np.nan])


def test_without_any_validation_set_its_curves_stay_empty():
    history = History()
    history.add(Epoch(1.0, 1.0))
    history.add_validation(None)
    assert history.validation_losses == history.validation_scores == []


def test_infinite_patience_never_runs_out():
    progress, epochs = follow([1.0] * 1000, n_iter_no_change=np.inf)
    assert epochs is None
    assert not progress.state.over


def test_without_validation_the_last_weights_stay():
    progress, _ = follow([1.0, 2.0])
    progress.state.vector[:] = 7
    progress.restore_best()
    np.testing.assert_array_equal(progress.state.vector, 7)


def test_a_loss_within_tol_is_kept_as_the_best_but_not_counted_as_an_improvement():
    answers = iter([(0.5, 0.0), (0.49, 0.0)])
    progress = Progress(TrainingState(np.zeros(1)), tol=0.1, validate=lambda: next(answers))
    progress.end_epoch(Epoch(1.0, 1.0))
    progress.state.vector[:] = 1
    progress.end_epoch(Epoch(1.0, 1.0))
    assert progress.state.best_loss == 0.49
    np.testing.assert_array_equal(progress.state.best_vector, 1)
    assert progress.state.n_epochs_without_improvement == 1


def test_the_callback_sees_the_history_and_may_stop():
    seen = []

    def stop_at_three(history):
        seen.append(list(history.loss_curve))
        return len(history.loss_curve) == 3

    progress, epochs = follow([3.0, 2.0, 1.0, 0.0], on_epoch_end=stop_at_three)
    assert epochs == 3
    assert progress.state.stopped
    assert not progress.state.converged
    assert seen == [[3.0], [3.0, 2.0], [3.0, 2.0, 1.0]]


def test_training_restores_the_best_weights_when_it_ends():
    objective = LeastSquares()
    progress = Progress(
        TrainingState(objective.vector),
        validate=lambda: (abs(float(objective.vector[0]) - 2.0), 0.0),
    )
    train(objective, progress, constant(0.1), max_iter=30)
    losses = progress.state.history.validation_losses
    assert min(losses) < losses[-1]
    assert abs(objective.vector[0] - 2.0) == min(losses)


# --- Divergence and interrupts -----------------------------------------------------------


@pytest.mark.parametrize(
    ("loss", "grad_norm"), [(np.nan, 1.0), (np.inf, 1.0), (1.0, np.nan), (1.0, np.inf)]
)
def test_a_loss_or_gradient_that_is_not_finite_names_epoch_and_remedy(loss, grad_norm):
    with pytest.raises(DivergenceError, match=r"epoch 8.*learning_rate_init.*max_grad_norm"):
        check_finite(loss, grad_norm, epoch=7)


def test_finite_numbers_pass():
    check_finite(1e300, 0.0, epoch=0)


def test_a_rate_too_large_ends_in_a_divergence_error_and_not_in_a_warning():
    with pytest.raises(DivergenceError, match=r"diverged at epoch \d+: loss is inf"):
        train(LeastSquares(), learning_rate=constant(1e60), max_iter=100)


def test_a_step_that_would_diverge_is_not_taken():
    outcomes = iter([(1.0, np.ones(1), 1.0), (np.nan, np.full(1, np.nan), 1.0)])
    progress = Progress(TrainingState(np.zeros(1)))
    with pytest.raises(DivergenceError, match="epoch 2"):
        train(lambda samples, rng: next(outcomes), progress)
    np.testing.assert_array_equal(progress.state.vector, [-0.5])
    assert progress.state.history.loss_curve == [1.0]


def test_weights_that_the_last_step_made_infinite_are_reported():
    objective = LeastSquares()
    progress = Progress(TrainingState(objective.vector))
    with pytest.raises(DivergenceError, match="epoch 1: weights are not finite"):
        train(objective, progress, learning_rate=constant(1e308), max_iter=1, max_grad_norm=None)


class Interrupted(LeastSquares):
    """The user presses Ctrl-C at the given call."""

    def __init__(self, call):
        super().__init__()
        self.call = call

    def __call__(self, samples, rng):
        if len(self.batches) == self.call:
            raise KeyboardInterrupt
        return super().__call__(samples, rng)


def test_an_interrupt_keeps_the_model_so_far():
    objective, reference = Interrupted(call=3), LeastSquares()
    with pytest.warns(UserWarning, match="interrupted by user; the model so far is kept"):
        progress, t = train(objective)
    train(reference, max_iter=3)
    assert progress.state.interrupted
    assert t == 3 * 4
    assert len(progress.state.history.loss_curve) == 3
    np.testing.assert_array_equal(objective.vector, reference.vector)


def test_an_interrupt_restores_the_best_weights_so_far():
    objective = Interrupted(call=3)
    answers = iter([(0.0, 0.0), (1.0, 0.0), (1.0, 0.0)])
    progress = Progress(TrainingState(objective.vector), validate=lambda: next(answers))
    with pytest.warns(UserWarning, match="interrupted"):
        train(objective, progress)
    np.testing.assert_allclose(objective.vector, [0.5 * TARGETS.mean()])


# --- L-BFGS ------------------------------------------------------------------------------


class Valley:
    """Rosenbrock's function at the vector of a `Progress`, as an objective."""

    def __init__(self, interrupt_at=None):
        self.vector = np.array([-1.2, 1.0])
        self.losses, self.interrupt_at = [], interrupt_at

    def loss_at(self, vector):
        return (1 - vector[0]) ** 2 + 100 * (vector[1] - vector[0] ** 2) ** 2

    def __call__(self, samples, rng):
        assert rng is None
        a, b = self.vector
        if len(self.losses) == self.interrupt_at:
            raise KeyboardInterrupt
        self.losses.append(self.loss_at(self.vector))
        gradient = [-2 * (1 - a) - 400 * a * (b - a * a), 200 * (b - a * a)]
        return self.losses[-1], np.array(gradient), float(len(samples))


def train_valley(objective, max_iter=100, tol=1e-6, **options):
    progress = Progress(TrainingState(objective.vector), **{"n_iter_no_change": 100, **options})
    progress.state.optimizer = LBFGS()
    train_full_batch(objective, progress, n_samples=5, max_iter=max_iter, tol=tol)
    return progress, progress.state.t


def test_lbfgs_converges():
    objective = Valley()
    progress, t = train_valley(objective)
    assert progress.state.converged
    np.testing.assert_allclose(objective.vector, [1, 1], atol=1e-3)
    assert t == 5 * len(progress.state.history.loss_curve)


def test_lbfgs_records_the_loss_of_every_iterate():
    objective, losses = Valley(), []
    train_valley(
        objective,
        on_epoch_end=lambda history: losses.append(
            (history.loss_curve[-1], objective.loss_at(objective.vector))
        ),
    )
    assert len(losses) > 5
    for recorded, expected in losses:
        assert recorded == pytest.approx(expected, rel=1e-12)
    assert np.all(np.diff([recorded for recorded, _ in losses]) <= 0)


def test_lbfgs_that_starts_at_the_minimum_has_its_loss():
    objective = LeastSquares()
    objective.vector[:] = TARGETS.mean()
    progress = Progress(TrainingState(objective.vector, LBFGS()))
    train_full_batch(objective, progress, n_samples=4, max_iter=9, tol=1e-4)
    assert progress.state.history.loss_curve == []
    assert progress.state.batch_loss == 0.5 * TARGETS.var()


@pytest.mark.parametrize(
    ("result", "message"),
    [
        (np.zeros(1), "must return an object with 'x' and 'success'.*it returned ndarray"),
        (OptimizeResult(x=np.zeros(2), success=True), r"x of shape \(2,\); it must have .*\(1,\)"),
    ],
)
def test_what_a_full_batch_optimizer_returns_is_checked(result, message):
    class Wrong(LBFGS):
        def minimize(self, *args, **kwargs):
            return result

    objective = LeastSquares()
    progress = Progress(TrainingState(objective.vector, Wrong()))
    with pytest.raises((TypeError, ValueError), match=message):
        train_full_batch(objective, progress, n_samples=4, max_iter=9, tol=1e-4)


def test_lbfgs_without_convergence_says_so():
    progress, _ = train_valley(Valley(), max_iter=3)
    assert len(progress.state.history.loss_curve) == 3
    assert not progress.state.converged
    assert not progress.state.stopped


def test_lbfgs_stops_when_the_callback_says_so():
    objective = Valley()
    progress, _ = train_valley(objective, on_epoch_end=lambda history: True)
    assert progress.state.stopped
    assert len(progress.state.history.loss_curve) == 1
    assert objective.loss_at(objective.vector) == progress.state.history.loss_curve[-1]


def test_lbfgs_stops_when_patience_runs_out():
    progress, _ = train_valley(Valley(), n_iter_no_change=1, validate=lambda: (0.5, 0.5))
    assert progress.state.converged
    assert len(progress.state.history.loss_curve) == 3


def test_lbfgs_restores_the_best_weights():
    objective = Valley()
    losses = iter([0.9, 0.1, *[0.8] * 100])
    seen = []
    train_valley(
        objective,
        validate=lambda: (next(losses), 0.0),
        on_epoch_end=lambda history: seen.append(objective.vector.copy()),
    )
    np.testing.assert_array_equal(objective.vector, seen[1])


@pytest.mark.parametrize("interrupt_at", range(1, 12))
def test_lbfgs_interrupted_keeps_the_last_iterate_and_not_a_trial_of_the_line_search(interrupt_at):
    objective = Valley(interrupt_at)
    iterates = [objective.vector.copy()]
    with pytest.warns(UserWarning, match="interrupted"):
        progress, _ = train_valley(
            objective, on_epoch_end=lambda history: iterates.append(objective.vector.copy())
        )
    assert progress.state.interrupted
    np.testing.assert_array_equal(objective.vector, iterates[-1])


def test_lbfgs_reports_divergence():
    def diverging(samples, rng):
        return np.nan, np.full(2, np.nan), 1.0

    progress = Progress(TrainingState(np.zeros(2), LBFGS()))
    with pytest.raises(DivergenceError, match="epoch 1"):
        train_full_batch(diverging, progress, n_samples=5, max_iter=5, tol=1e-6)
