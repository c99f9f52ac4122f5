"""Optimizers take the steps of their formulas, reach minima and keep their state."""

import copy
import pickle

import numpy as np
import pytest

from skrnn.core.optimizers import (
    LBFGS,
    OPTIMIZERS,
    SGD,
    FullBatchOptimizer,
    Lion,
    Optimizer,
    StochasticOptimizer,
    clip_by_global_norm,
)

STOCHASTIC = [name for name, cls in OPTIMIZERS.items() if not cls.full_batch]
DECOUPLED = [name for name, cls in OPTIMIZERS.items() if cls.decouples_decay]
LR, B1, B2, EPS = 0.1, 0.9, 0.999, 1e-8
G1, G2 = np.array([2.0, -0.5, 0.0]), np.array([-1.0, -0.5, 3.0])
START = np.array([1.0, -2.0, 0.5])

each_optimizer = pytest.mark.parametrize("name", STOCHASTIC)


def adam_steps(direction):
    """Steps one and two with `direction` in the place of Adam's first moment."""
    m1, v1 = (1 - B1) * G1, (1 - B2) * G1**2
    m2, v2 = B1 * m1 + (1 - B1) * G2, B2 * v1 + (1 - B2) * G2**2
    for t, m, v, g in [(1, m1, v1, G1), (2, m2, v2, G2)]:
        yield -LR * direction(t, m, g) / (np.sqrt(v / (1 - B2**t)) + EPS)


def steps_of_adam(w):
    return adam_steps(lambda t, m, g: m / (1 - B1**t))


def steps_of_nadam(w):
    return adam_steps(lambda t, m, g: B1 * m / (1 - B1 ** (t + 1)) + (1 - B1) * g / (1 - B1**t))


def steps_of_rmsprop(w):
    return adam_steps(lambda t, m, g: g)


def steps_of_adamw(w):
    for step in steps_of_adam(w):
        step = step - LR * 1e-4 * w
        w = w + step
        yield step


def steps_of_sgd(w):
    v1 = -LR * G1
    v2 = 0.9 * v1 - LR * G2
    yield 0.9 * v1 - LR * G1
    yield 0.9 * v2 - LR * G2


def steps_of_adagrad(w):
    yield -LR * G1 / (np.abs(G1) + EPS)
    yield -LR * G2 / (np.sqrt(G1**2 + G2**2) + EPS)


def steps_of_lion(w):
    m1 = (1 - 0.99) * G1
    yield -LR * (np.sign((1 - B1) * G1) + 1e-4 * w)
    w = w - LR * (np.sign((1 - B1) * G1) + 1e-4 * w)
    yield -LR * (np.sign(B1 * m1 + (1 - B1) * G2) + 1e-4 * w)


BY_HAND = {
    "lion": steps_of_lion,
    "sgd": steps_of_sgd,
    "adam": steps_of_adam,
    "adamw": steps_of_adamw,
    "nadam": steps_of_nadam,
    "rmsprop": steps_of_rmsprop,
    "adagrad": steps_of_adagrad,
}


@each_optimizer
def test_the_first_two_steps_are_those_of_the_formula(name):
    optimizer, vector, expected = OPTIMIZERS[name](), START.copy(), START.copy()
    for gradient, step in zip((G1, G2), BY_HAND[name](START), strict=True):
        optimizer.step(vector, gradient, LR)
        expected = expected + step
        np.testing.assert_allclose(vector, expected, rtol=1e-13)


def test_sgd_without_nesterov_adds_the_velocity():
    optimizer, vector = SGD(momentum=0.5, nesterovs_momentum=False), START.copy()
    optimizer.step(vector, G1, LR)
    np.testing.assert_allclose(vector, START - LR * G1, rtol=1e-15)
    optimizer.step(vector, G2, LR)
    np.testing.assert_allclose(vector, START - LR * (1.5 * G1 + G2), rtol=1e-14)


@pytest.mark.parametrize("nesterovs_momentum", [False, True])
def test_sgd_without_momentum_goes_down_the_gradient(nesterovs_momentum):
    vector = START.copy()
    SGD(momentum=0.0, nesterovs_momentum=nesterovs_momentum).step(vector, G1, LR)
    np.testing.assert_allclose(vector, START - LR * G1, rtol=1e-15)


@pytest.mark.parametrize("name", DECOUPLED)
def test_decoupled_decay_is_applied_once_to_what_the_mask_marks(name):
    mask = np.array([1.0, 0.0, 1.0])
    vector = START.copy()
    OPTIMIZERS[name](alpha=0.5, decay_mask=mask).step(vector, np.zeros(3), LR)
    np.testing.assert_allclose(vector, START * (1 - LR * 0.5 * mask), rtol=1e-15)


@pytest.mark.parametrize("name", DECOUPLED)
def test_without_a_mask_everything_decays(name):
    vector = START.copy()
    OPTIMIZERS[name](alpha=0.5).step(vector, np.zeros(3), LR)
    np.testing.assert_allclose(vector, START * (1 - LR * 0.5), rtol=1e-15)


def published_lion(w, g, m, lr, beta_1, beta_2, weight_decay):
    """Program 1 of Chen et al. (2023), line by line."""
    update = np.sign(beta_1 * m + (1 - beta_1) * g)
    m = beta_2 * m + (1 - beta_2) * g
    return w - lr * (update + weight_decay * w), m


def test_lion_takes_the_published_steps():
    rng = np.random.default_rng(0)
    vector, m = rng.normal(size=50), np.zeros(50)
    expected, optimizer = vector.copy(), Lion(beta_1=0.8, beta_2=0.95, alpha=0.3)
    for _ in range(20):
        gradient = rng.normal(size=50)
        optimizer.step(vector, gradient, 0.01)
        expected, m = published_lion(expected, gradient, m, 0.01, 0.8, 0.95, 0.3)
        np.testing.assert_allclose(vector, expected, rtol=1e-13)


def test_lion_moves_every_weight_by_the_learning_rate():
    vector, gradient = np.zeros(3), np.array([1e-8, -3.0, 0.0])
    Lion(alpha=0.0).step(vector, gradient, LR)
    np.testing.assert_array_equal(vector, [-LR, LR, 0])


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_keeps_to_its_protocol(name):
    optimizer = OPTIMIZERS[name]()
    assert isinstance(optimizer, Optimizer)
    kind = FullBatchOptimizer if optimizer.full_batch else StochasticOptimizer
    assert isinstance(optimizer, kind)
    assert hasattr(optimizer, "decay_mask") == optimizer.decouples_decay


@pytest.mark.parametrize("name", ["adam", "nadam", "rmsprop", "adagrad"])
def test_adaptive_steps_do_not_depend_on_the_scale_of_the_gradient(name):
    small, large = np.zeros(3), np.zeros(3)
    OPTIMIZERS[name](epsilon=0.0).step(small, G2, LR)
    OPTIMIZERS[name](epsilon=0.0).step(large, 1e4 * G2, LR)
    np.testing.assert_allclose(small, large, rtol=1e-12)


CURVATURE = np.array([1.0, 4.0, 0.3])
MINIMUM = np.array([1.0, -1.0, 0.5])


def quadratic(vector):
    error = vector - MINIMUM
    return 0.5 * float(np.sum(CURVATURE * error**2)), CURVATURE * error


@each_optimizer
def test_it_reaches_the_minimum_of_a_quadratic(name):
    optimizer, vector = OPTIMIZERS[name](), np.zeros(3)
    n_steps = 1200
    for step in range(n_steps):
        learning_rate = 0.3 * (1 - step / n_steps)
        optimizer.step(vector, quadratic(vector)[1], learning_rate)
    np.testing.assert_allclose(vector, MINIMUM, atol=1e-3)


@each_optimizer
def test_a_zero_gradient_at_the_start_moves_nothing(name):
    vector = np.zeros(3)
    OPTIMIZERS[name]().step(vector, np.zeros(3), LR)
    np.testing.assert_array_equal(vector, 0)


def through_pickle(optimizer):
    return pickle.loads(pickle.dumps(optimizer))


@pytest.mark.parametrize("transport", [copy.deepcopy, through_pickle])
@each_optimizer
def test_state_survives(name, transport):
    optimizer, vector = OPTIMIZERS[name](), START.copy()
    optimizer.step(vector, G1, LR)
    twin, twin_vector = transport(optimizer), vector.copy()
    optimizer.step(vector, G2, LR)
    twin.step(twin_vector, G2, LR)
    fresh_vector = twin_vector.copy()
    OPTIMIZERS[name]().step(fresh_vector, G2, LR)
    np.testing.assert_array_equal(twin_vector, vector)
    assert not np.array_equal(fresh_vector, vector)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@each_optimizer
def test_vector_and_state_keep_their_dtype(name, dtype):
    optimizer, vector = OPTIMIZERS[name](), START.astype(dtype)
    for gradient in (G1, G2):
        optimizer.step(vector, gradient.astype(dtype), LR)
    state = [value for value in vars(optimizer).values() if isinstance(value, np.ndarray)]
    assert state
    assert {array.dtype for array in [vector, *state]} == {np.dtype(dtype)}


@each_optimizer
def test_it_works_in_place_and_leaves_the_gradient_alone(name):
    vector, gradient = START.copy(), G1.copy()
    view = vector[:2]
    gradient.flags.writeable = False
    OPTIMIZERS[name]().step(vector, gradient, LR)
    assert (view != START[:2]).all()


# --- Clipping ----------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_clipping_shortens_a_long_gradient_and_keeps_its_direction(dtype):
    gradient = np.array([6.0, -8.0], dtype)
    assert clip_by_global_norm(gradient, 5.0) == 10.0
    np.testing.assert_allclose(gradient, [3, -4], rtol=1e-6)
    assert gradient.dtype == dtype


@pytest.mark.parametrize("max_norm", [10.0, 11.0, None])
def test_clipping_leaves_a_short_gradient_alone(max_norm):
    gradient = np.array([6.0, -8.0])
    assert clip_by_global_norm(gradient, max_norm) == 10.0
    np.testing.assert_array_equal(gradient, [6, -8])


def test_clipping_a_zero_gradient_divides_by_nothing():
    gradient = np.zeros(2)
    assert clip_by_global_norm(gradient, 1.0) == 0
    np.testing.assert_array_equal(gradient, 0)


# --- L-BFGS ------------------------------------------------------------------------------


def ignore(vector):
    pass


def rosenbrock(vector):
    a, b = vector
    value = (1 - a) ** 2 + 100 * (b - a * a) ** 2
    return value, np.array([-2 * (1 - a) - 400 * a * (b - a * a), 200 * (b - a * a)])


def test_lbfgs_reaches_the_minimum_of_a_curved_valley():
    result = LBFGS().minimize(
        rosenbrock, np.array([-1.2, 1.0]), max_iter=100, tol=1e-9, callback=ignore
    )
    assert result.success
    np.testing.assert_allclose(result.x, [1, 1], atol=1e-4)


def test_lbfgs_starts_from_the_vector_and_does_not_change_it():
    start, seen = START.copy(), []

    def objective(vector):
        seen.append(vector.copy())
        return quadratic(vector)

    LBFGS().minimize(objective, start, max_iter=3, tol=0.0, callback=ignore)
    np.testing.assert_array_equal(seen[0], START)
    np.testing.assert_array_equal(start, START)


@pytest.mark.parametrize("max_iter", [1, 4])
def test_lbfgs_stops_after_max_iter_and_calls_back_after_every_iteration(max_iter):
    calls = []
    result = LBFGS().minimize(
        rosenbrock, np.array([-1.2, 1.0]), max_iter=max_iter, tol=1e-9, callback=calls.append
    )
    assert result.nit == max_iter == len(calls)
    assert not result.success


def test_lbfgs_computes_in_the_dtype_of_the_vector():
    dtypes = set()

    def objective(vector):
        dtypes.add(vector.dtype)
        loss, gradient = quadratic(vector)
        return loss, gradient.astype(vector.dtype)

    start = np.zeros(3, np.float32)
    result = LBFGS().minimize(objective, start, max_iter=50, tol=1e-4, callback=ignore)
    assert dtypes == {np.dtype(np.float32)}
    np.testing.assert_allclose(result.x, MINIMUM, atol=1e-3)


def test_lbfgs_stops_where_no_entry_of_the_gradient_exceeds_tol():
    result = LBFGS().minimize(quadratic, np.zeros(3), max_iter=50, tol=0.5, callback=ignore)
    assert result.success
    assert np.abs(quadratic(result.x)[1]).max() <= 0.5
    assert np.abs(quadratic(result.x)[1]).max() > 1e-6
