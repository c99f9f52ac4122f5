"""Inspection asks the parts of a network, so it knows those that come from outside the package."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from skrnn import RNNClassifier, RNNRegressor
from skrnn.core.activations import ACTIVATIONS, Activation
from skrnn.core.cells import CELLS, GRU, LSTM
from skrnn.core.losses import REGRESSION_LOSSES, BaseLoss, Gamma, SquaredError
from skrnn.core.optimizers import LBFGS, OPTIMIZERS, SGD
from skrnn.inspection import diagnose, input_attributions

SHORT = {"max_iter": 5, "tol": 1e9, "n_iter_no_change": 1, "random_state": 0}


def names(report):
    return [finding.name for finding in report]


# --- cells: which quantities go through the activation -------------------------------------------


class OtherGRU(GRU):
    gates = ("z", "r", "u")


class OtherLSTM(LSTM):
    gates = ("in", "keep", "new", "out")


def rising_or_falling(size):
    """Return 60 lines that rise or fall, and which."""
    rng = np.random.RandomState(0)
    y = np.arange(60) % 2
    lines = [np.linspace(0, 1 if up else -1, rng.randint(5, 15)) for up in y]
    return [size * line + rng.normal(0, 0.1) for line in lines], y


@pytest.mark.parametrize("size", [1, 30])
@pytest.mark.parametrize(("cell", "other"), [("gru", OtherGRU()), ("lstm", OtherLSTM())])
def test_a_cell_with_other_letters_gets_the_same_diagnosis(cell, other, size):
    X, y = rising_or_falling(size)
    known = diagnose(RNNClassifier(8, cell=cell, random_state=0), X, y)
    renamed = diagnose(RNNClassifier(8, cell=other, random_state=0), X, y)
    letters = dict(zip(CELLS[cell].gates, other.gates, strict=True))
    (flat,), (flat_renamed,) = known.measurements["flat"], renamed.measurements["flat"]
    assert {letters.get(name, name): share for name, share in flat.items()} == flat_renamed
    assert (max(flat.values()) > 0.5) is (size == 30)
    assert [(f.name, f.severity, f.message) for f in known] == [
        (f.name, f.severity, f.message) for f in renamed
    ]


# --- activations: the steepest slope, and the slope at zero --------------------------------------


def twice_tanh(a):
    return 2 * np.tanh(a)


def twice_tanh_derivative(h):
    return 2 * (1 - (h / 2) ** 2)


def with_large_weights(activation):
    def init(rng, n_in, n_out):
        return 100 * rng.normal(size=(n_in, n_out))

    return RNNRegressor(4, activation, cell="rnn", init=init, random_state=0)


@pytest.fixture
def data(rng):
    return rng.normal(size=(20, 5, 2)), rng.normal(size=20)


def test_an_activation_of_ones_own_can_saturate(data):
    own = Activation("own", twice_tanh, twice_tanh_derivative, steepest=2.0)
    assert "saturated units" in names(diagnose(with_large_weights(own), *data))


def test_an_activation_that_names_no_steepest_slope_does_not_saturate(data):
    own = Activation("tanh", twice_tanh, twice_tanh_derivative)
    report = diagnose(with_large_weights(own), *data)
    assert "saturated units" not in names(report)
    assert report.measurements["flat"] == [{}]


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_saturation_is_measured_where_an_activation_has_a_steepest_slope(data, name):
    report = diagnose(with_large_weights(name), *data)
    (flat,) = report.measurements["flat"]
    assert list(flat) == (["h"] if ACTIVATIONS[name].steepest is not None else [])


def hinge(a):
    return np.maximum(a, 0) / 2


def hinge_derivative(h):
    return (h > 0) / h.dtype.type(2)


def shut(rng, n_in, n_out):
    return np.full((n_in, n_out), -5.0)


@pytest.mark.parametrize(
    "activation",
    [*ACTIVATIONS, Activation("hinge", hinge, hinge_derivative)],
    ids=lambda value: value if isinstance(value, str) else value.name,
)
def test_units_that_are_always_zero_are_dead_where_the_activation_is_flat_there(data, activation):
    X, y = np.abs(data[0]), data[1]
    est = RNNRegressor(4, activation, cell="rnn", init=shut, random_state=0)
    dead = getattr(activation, "name", activation) in ("relu", "hinge")
    report = diagnose(est, X, y)
    assert ("dead units" in names(report)) is dead
    if dead:
        (finding,) = [finding for finding in report if finding.name == "dead units"]
        assert finding.evidence == {"share of dead units": 1.0}
        assert "dead units" not in names(diagnose(finding.apply(est), X, y))


def test_a_unit_is_dead_before_a_linear_recurrence_too(data):
    X, y = np.abs(data[0]), data[1]
    est = RNNRegressor(4, "relu", cell="lru", init=shut_but_first, random_state=0)
    report = diagnose(est, X, y)
    # The first two units are one complex number: both move, though nothing enters by the second.
    assert report.measurements["dead"] == [0.75]


def shut_but_first(rng, n_in, n_out):
    return np.where(np.arange(n_out) == 0, 5.0, shut(rng, n_in, n_out))


# --- cells: what their recurrence is -------------------------------------------------------------


def test_equal_units_at_rates_of_their_own_are_not_symmetric(data):
    est = RNNRegressor(4, cell="lru", init=all_alike, random_state=0)
    assert "symmetric units" not in names(diagnose(est, *data))


def all_alike(rng, n_in, n_out):
    return np.full((n_in, n_out), 0.5)


@pytest.mark.parametrize("cell", CELLS)
def test_units_without_weights_are_symmetric(data, cell):
    est = RNNRegressor(4, cell=cell, init="zeros", recurrent_init="zeros", random_state=0)
    assert names(diagnose(est, *data))[0] == "symmetric units"


def test_the_spectral_radius_of_an_lru_is_its_largest_modulus(data):
    est = RNNRegressor(5, cell="lru", **SHORT).fit(*data)
    nu = est.network_.parameters["layers.0.forward.nu"]
    (radius,) = diagnose(est, *data).measurements["spectral_radius"]
    assert radius == pytest.approx(np.exp(-np.exp(nu.min())))


# --- losses: whether the target may be shifted and scaled ----------------------------------------


class LogDuration(BaseLoss):
    """Squared error of the logarithm's exponential: a loss of one's own with a log link."""

    interval, link = Gamma.interval, Gamma.link

    def __call__(self, raw_prediction, y, sample_weight):
        error = raw_prediction - np.log(y)
        return SquaredError()(error, np.zeros_like(error), sample_weight)


LOSSES = [*REGRESSION_LOSSES, LogDuration()]


def loss_of(value):
    return REGRESSION_LOSSES[value]() if isinstance(value, str) else value


def name_of(value):
    return value if isinstance(value, str) else type(value).__name__


@pytest.mark.parametrize("loss", LOSSES, ids=name_of)
def test_the_scale_of_the_target_matters_where_the_link_is_additive(data, loss):
    X, y = data[0], 1e4 * np.exp(data[1])
    report = diagnose(RNNRegressor(4, loss=loss, normalize_y=False, random_state=0), X, y)
    assert ("targets not scaled" in names(report)) is loss_of(loss).link.additive


@pytest.mark.parametrize("loss", LOSSES, ids=name_of)
def test_attributions_sum_to_the_gain_in_the_space_of_the_link(data, loss):
    X, y = data[0], np.exp(data[1])
    reg = RNNRegressor(4, loss=loss, **SHORT).fit(X, y)
    predicted = reg.predict(X), reg.predict(np.zeros_like(X))
    if not loss_of(loss).link.additive:
        predicted = np.log(predicted)
    attributions = input_attributions(reg, X)
    assert_allclose(attributions.sum(axis=(1, 2)), predicted[0] - predicted[1], rtol=1e-6)


# --- optimizers: whether there is a learning rate to speak of ------------------------------------


class OwnLBFGS(LBFGS):
    """Takes all samples at once under another name."""


class OwnSGD(SGD):
    """Takes a step for every batch under another name."""


OPTIMIZERS_AND_OWN = [*OPTIMIZERS, OwnLBFGS(), OwnSGD()]


@pytest.mark.parametrize("optimizer", OPTIMIZERS_AND_OWN, ids=name_of)
def test_only_an_optimizer_of_batches_has_a_learning_rate_that_is_too_low(data, optimizer):
    reg = RNNRegressor(4, optimizer=optimizer, learning_rate_init=1e-9, **SHORT).fit(*data)
    reg.update_ratio_curve_ = [1e-9] * 5
    full_batch = (OPTIMIZERS.get(optimizer) if isinstance(optimizer, str) else optimizer).full_batch
    report = diagnose(reg, *data)
    assert ("learning rate too low" in names(report)) is not full_batch
