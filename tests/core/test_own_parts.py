"""Parts from outside the package do all that the package's own do.

Cells are in test_cells.py, among the others.
"""

import copy
import pickle
from math import prod

import numpy as np
import pytest
from gradcheck import assert_gradient_matches
from own_parts import (
    OWN_CELLS,
    OWN_LOSSES,
    OWN_READOUTS,
    SCALED_TANH,
    ConjugateGradients,
    InverseGaussian,
    SignDescent,
    scaled_tanh,
    signs,
)
from scipy.optimize import approx_fprime
from sklearn.metrics import mean_gamma_deviance
from small_networks import (
    RAGGED,
    count_rows,
    make_batch,
    make_network,
    make_targets,
    padding_of,
)

from skrnn import RNNRegressor
from skrnn.core.activations import ACTIVATIONS, TANH, Activation
from skrnn.core.cells import CELLS
from skrnn.core.losses import Loss, SquaredError
from skrnn.core.network import Architecture, Network
from skrnn.core.optimizers import Adam, FullBatchOptimizer, Optimizer, StochasticOptimizer
from skrnn.core.parameters import Parameters
from skrnn.core.readouts import Readout
from skrnn.estimators import _training

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

LONG_RAGGED = (7, 7, 5, 4, 2, 1)


def gradient_and_loss(network, lengths=RAGGED, loss=None, name="squared_error", **options):
    x, n_active = make_batch(lengths)
    loss = SquaredError() if loss is None else loss
    y, weight = make_targets(name, count_rows(network, n_active))

    def value():
        return network.loss_and_gradient(x, n_active, y, weight, loss=loss, **options)[0]

    gradient = network.loss_and_gradient(x, n_active, y, weight, loss=loss, **options)[1]
    return gradient, value


def assert_every_gradient_matches(network, **options):
    gradient, value = gradient_and_loss(network, **options)
    names = [name for name, array in network.parameters.items() for _ in range(array.size)]
    assert_gradient_matches(gradient, value, network.parameters.vector, names)


def data(n_samples=24):
    rng = np.random.RandomState(0)
    X = rng.normal(size=(n_samples, 6, 1))
    return X, np.exp(X.sum(axis=(1, 2)) / 3)


# --- Read-outs ---------------------------------------------------------------------------

each_readout = pytest.mark.parametrize("readout", OWN_READOUTS.values(), ids=OWN_READOUTS)


def network_with(readout, **options):
    architecture = Architecture(CELLS["gru"], 2, (3, 2), 2, readout=readout, **options)
    size = sum(prod(shape) for shape in architecture.shapes().values())
    vector = np.random.default_rng(0).normal(scale=0.5, size=size)
    return Network(architecture, Parameters(architecture.shapes(), vector))


@pytest.mark.parametrize("bidirectional", [False, True])
@each_readout
def test_every_gradient_matches_differences(readout, bidirectional):
    network = network_with(readout, bidirectional=bidirectional)
    assert_every_gradient_matches(network, alpha=0.3)


@each_readout
def test_gradient_under_dropout_matches_differences(readout):
    network = network_with(readout, dropout=0.4)
    x, n_active = make_batch(RAGGED)
    y, weight = make_targets("squared_error", len(RAGGED))

    def loss_and_gradient():
        rng = np.random.RandomState(3)
        return network.loss_and_gradient(x, n_active, y, weight, loss=SquaredError(), rng=rng)

    gradient = loss_and_gradient()[1]
    assert_gradient_matches(gradient, lambda: loss_and_gradient()[0], network.parameters.vector)


@each_readout
def test_garbage_in_the_padding_changes_no_bit(readout):
    network = network_with(readout, bidirectional=True)
    x, n_active = make_batch(LONG_RAGGED)
    dirty = x.copy()
    dirty[padding_of(n_active)] = 1e300
    np.testing.assert_array_equal(network.predict(dirty, n_active), network.predict(x, n_active))


def test_parameters_of_a_read_out_lie_before_the_output_and_only_matrices_decay():
    network = network_with(OWN_READOUTS["dense+attention"], bidirectional=True)
    names = [name for name in network.parameters if name.startswith("readout.")]
    assert names[:5] == [
        "readout.forward.0.W",
        "readout.forward.0.b",
        "readout.forward.1.W",
        "readout.forward.1.b",
        "readout.forward.1.v",
    ]
    assert list(network.parameters)[-12:] == [*names, "output.W", "output.b"]
    assert network.parameters["output.W"].shape == (2 * (4 + 2), 2)
    network.parameters.vector[:] = network.weight_mask()
    for name, array in network.parameters.items():
        np.testing.assert_array_equal(array, float(array.ndim == 2), err_msg=name)


@each_readout
def test_an_estimator_trains_with_it(readout):
    assert isinstance(readout, Readout)
    X, y = data()
    reg = RNNRegressor(4, readout=readout, bidirectional=True, max_iter=30, random_state=0)
    reg.fit(X, y)
    assert reg.loss_curve_[-1] < 0.7 * reg.loss_curve_[0]
    same = pickle.loads(pickle.dumps(reg))
    np.testing.assert_array_equal(same.predict(X), reg.predict(X))


@pytest.mark.parametrize("readout", ["attention", ("last", "mean", "max"), ("last", "attention")])
def test_an_estimator_trains_with_attention_and_tuples(readout):
    X, y = data()
    reg = RNNRegressor(4, readout=readout, max_iter=60, random_state=0).fit(X, y)
    assert reg.loss_curve_[-1] < 0.7 * reg.loss_curve_[0]


def test_attention_finds_the_one_step_that_matters():
    rng = np.random.RandomState(0)
    X = rng.normal(size=(300, 30, 2))
    X[..., 1] = 0
    marked = rng.randint(30, size=300)
    X[np.arange(300), marked, 1] = 1
    y = X[np.arange(300), marked, 0]
    options = {"n_channels": 2, "learning_rate_init": 0.02, "max_iter": 80, "random_state": 0}
    reg = RNNRegressor(8, readout="attention", **options).fit(X, y)
    assert reg.score(X, y) > 0.9


# --- Losses ------------------------------------------------------------------------------

each_loss = pytest.mark.parametrize("loss", OWN_LOSSES.values(), ids=OWN_LOSSES)


@each_loss
def test_gradient_of_a_network_under_it_matches_differences(loss):
    network = make_network("gru", readout="mean")
    assert isinstance(loss, Loss)
    assert_every_gradient_matches(network, loss=loss, name="gamma")


def test_a_second_log_link_loss_trains_on_positive_targets():
    X, y = data(60)
    reg = RNNRegressor(8, loss=InverseGaussian(), max_iter=60, random_state=0).fit(X, y)
    assert (reg.predict(X) > 0).all()
    assert reg.out_activation_ == "exponential"
    constant = RNNRegressor(8, loss=InverseGaussian(), max_iter=1, random_state=0).fit(0 * X, y)
    assert reg.loss_ < 0.5 * constant.loss_


@pytest.mark.parametrize("loss", [InverseGaussian(), "gamma"], ids=str)
def test_targets_outside_the_interval_are_refused_by_its_name(loss):
    X, y = data()
    y[3] = 0
    with pytest.raises(ValueError, match=r"\(0, inf\)"):
        RNNRegressor(loss=loss).fit(X, y)


def test_gamma_trains_on_positive_targets_better_than_a_constant():
    X, y = data(80)
    y *= np.random.RandomState(1).gamma(20, size=80) / 20
    reg = RNNRegressor(8, loss="gamma", max_iter=100, random_state=0).fit(X[:60], y[:60])
    constant = mean_gamma_deviance(y[60:], np.full(20, y[:60].mean()))
    assert mean_gamma_deviance(y[60:], reg.predict(X[60:])) < 0.5 * constant


# --- Optimizers --------------------------------------------------------------------------


def names_of(reg):
    parameters = reg.network_.parameters
    return [name for name, array in parameters.items() for _ in range(array.size)]


def step_of(optimizer, alpha, monkeypatch):
    """What one step on a loss without gradient does to the weights, and the weights before."""
    X, y = data()
    seen = {}
    loss_and_gradient = _training.loss_and_gradient

    def flat(network, *args, **kwargs):
        seen.setdefault("before", network.parameters.vector.copy())
        value, gradient, weight = loss_and_gradient(network, *args, **kwargs)
        seen["alpha"] = kwargs["alpha"]
        return value, 0 * gradient, weight

    monkeypatch.setattr(_training, "loss_and_gradient", flat)
    options = {"max_iter": 1, "batch_size": len(X), "learning_rate_init": 0.1, "random_state": 0}
    reg = RNNRegressor(4, optimizer=optimizer, alpha=alpha, **options).fit(X, y)
    return reg, seen["before"], seen["alpha"]


@pytest.mark.parametrize("optimizer", [SignDescent(alpha=0.5), "adamw", "lion"], ids=str)
def test_decoupled_decay_acts_once_and_never_on_biases(optimizer, monkeypatch):
    assert isinstance(SignDescent(), StochasticOptimizer)
    reg, before, l2 = step_of(optimizer, 0.5, monkeypatch)
    assert l2 == 0
    decays = np.array([".b" not in name for name in names_of(reg)])
    expected = before * (1 - 0.1 * 0.5 * decays)
    np.testing.assert_allclose(reg.network_.parameters.vector, expected, rtol=1e-14)
    assert decays.any()


@pytest.mark.parametrize("optimizer", ["adam", Adam()], ids=str)
def test_the_penalty_is_left_to_the_loss_by_all_others(optimizer, monkeypatch):
    assert step_of(optimizer, 0.5, monkeypatch)[2] == 0.5


def test_an_optimizer_given_as_an_object_is_a_template():
    X, y = data()
    optimizer = Adam(beta_1=0.5)
    reg = RNNRegressor(4, optimizer=optimizer, max_iter=2, random_state=0).fit(X, y)
    assert optimizer.m is None
    named = RNNRegressor(4, optimizer="adam", beta_1=0.5, max_iter=2, random_state=0).fit(X, y)
    np.testing.assert_array_equal(reg.predict(X), named.predict(X))


def test_a_full_batch_optimizer_sees_all_samples_and_takes_no_dropout():
    assert isinstance(ConjugateGradients(), FullBatchOptimizer)
    assert isinstance(ConjugateGradients(), Optimizer)
    X, y = data()
    reg = RNNRegressor(4, optimizer=ConjugateGradients(), max_iter=30, random_state=0).fit(X, y)
    assert reg.loss_curve_[-1] < 0.2 * reg.loss_curve_[0]
    assert (np.diff(reg.loss_curve_) <= 0).all()
    with pytest.raises(ValueError, match="dropout"):
        RNNRegressor(4, optimizer=ConjugateGradients(), dropout=0.2).fit(X, y)


@pytest.mark.parametrize("optimizer", [SignDescent(), ConjugateGradients()], ids=str)
def test_it_may_be_copied(optimizer):
    assert copy.deepcopy(optimizer) == optimizer
    assert pickle.loads(pickle.dumps(optimizer)) == optimizer


# --- Activation and initializer ----------------------------------------------------------


@pytest.mark.parametrize("cell", [*CELLS, *OWN_CELLS])
def test_every_gradient_matches_differences_with_an_activation_from_outside(cell, monkeypatch):
    monkeypatch.setitem(ACTIVATIONS, "scaled", SCALED_TANH)
    network = make_network({**CELLS, **OWN_CELLS}[cell], "scaled", "mean", hidden_sizes=(2, 2))
    assert_every_gradient_matches(network)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_the_steepest_slope_is_the_largest_one_of_an_activation_flat_on_both_sides(name):
    activation = ACTIVATIONS[name]
    a = np.linspace(-200, 200, 40001)
    slope = activation.derivative(activation.function(a))
    flat = max(slope[0], slope[-1]) < 1e-3
    assert (activation.steepest is not None) == flat
    if flat:
        assert activation.steepest == pytest.approx(slope.max(), rel=1e-6)


def test_an_activation_needs_no_steepest_slope():
    assert Activation("mine", scaled_tanh, np.ones_like).steepest is None
    assert SCALED_TANH != TANH


def test_an_activation_from_outside_is_what_its_function_says():
    a = np.array([0.3])
    derivative = SCALED_TANH.derivative(SCALED_TANH.function(a))
    numeric = approx_fprime(a, lambda a: SCALED_TANH.function(a))
    np.testing.assert_allclose(derivative, numeric.ravel(), rtol=1e-6)


def test_weights_are_drawn_by_an_initializer_from_outside():
    X, y = data()
    reg = RNNRegressor(4, init=signs, recurrent_init=signs, max_iter=1, learning_rate_init=1e-300)
    reg.fit(X, y)
    weights = reg.network_.weights(0)
    for name in ("W_x", "W_h"):
        np.testing.assert_allclose(np.abs(weights[name]), 0.1, rtol=1e-12)
    assert len(np.unique(np.sign(weights["W_h"]))) == 2
