"""Static features at the read-out: values, gradients, and predictions however they are made."""

from __future__ import annotations

import numpy as np
import pytest
from gradcheck import assert_gradient_matches
from small_networks import (
    ALL_READOUTS,
    EVERY_STEP,
    RAGGED,
    count_rows,
    make_batch,
    make_network,
    make_targets,
    padding_of,
)

from skrnn.core import inference, kernels
from skrnn.core.activations import ACTIVATIONS
from skrnn.core.frames import Frames
from skrnn.core.inference import ArraySource
from skrnn.core.initializers import INITIALIZERS
from skrnn.core.losses import SquaredError
from skrnn.core.network import Network, static_gradient
from skrnn.core.static import StaticFeatures

N_STATIC = 3
LOSS = SquaredError()
FRAMES = Frames(2, 3, 2, 5, ACTIVATIONS["tanh"])
OPTIONS = {
    "one direction": {},
    "both directions": {"bidirectional": True},
    "frames": {"frames": FRAMES},
    "no joint layer": {"static_units": 0},
}


def static_network(readout="last", dtype=np.float64, **options):
    options = {"static_units": 4, **options}
    return make_network("gru", readout=readout, n_static=N_STATIC, dtype=dtype, **options)


def static_of(n_samples, dtype=np.float64):
    return np.random.default_rng(3).normal(size=(n_samples, N_STATIC)).astype(dtype)


def problem(network, dtype=np.float64):
    x, n_active = make_batch(RAGGED, dtype=dtype)
    n_rows = count_rows(network, n_active)
    return x, n_active, *make_targets("squared_error", n_rows, dtype=dtype)


@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize("readout", ALL_READOUTS)
def test_gradients_of_weights_against_finite_differences(readout, option):
    network, static = static_network(readout, **OPTIONS[option]), static_of(len(RAGGED))

    def loss_and_gradient():
        return network.loss_and_gradient(*problem(network), loss=LOSS, alpha=0.1, static=static)

    _, gradient = loss_and_gradient()
    assert_gradient_matches(gradient, lambda: loss_and_gradient()[0], network.parameters.vector)


@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize("readout", ["last", EVERY_STEP])
def test_gradients_of_inputs_and_static_features_against_finite_differences(readout, option):
    network, static = static_network(readout, **OPTIONS[option]), static_of(len(RAGGED))
    x, n_active, y, weight = problem(network)
    run = network.forward(x, n_active, static=static)
    _, d_raw = LOSS(run.raw_prediction, y, weight)

    def loss():
        return LOSS(network.predict(x, n_active, static), y, weight)[0]

    assert_gradient_matches(static_gradient(network, d_raw, run), loss, static)
    dx, _ = network.state_gradients(network.gradient_of_top(d_raw, run), run)
    assert_gradient_matches(dx, loss, x)


@pytest.mark.parametrize("readout", ["last", EVERY_STEP])
def test_gradients_against_torch(readout):
    torch = pytest.importorskip("torch")
    network, static = make_network("rnn", readout=readout, n_static=2, static_units=4), None
    static = static_of(4)[:, :2]
    x, n_active = make_batch((5, 5, 5, 5))
    y, weight = make_targets("squared_error", count_rows(network, n_active))
    value, gradient = network.loss_and_gradient(x, n_active, y, weight, loss=LOSS, static=static)

    theirs = {
        name: torch.tensor(array, requires_grad=True) for name, array in network.parameters.items()
    }
    cell = {name: theirs[f"layers.0.forward.{name}"] for name in ("W_x", "W_h", "b")}
    h, states = torch.zeros(4, 3, dtype=torch.float64), []
    for x_t in torch.tensor(x):
        h = torch.tanh(x_t @ cell["W_x"] + h @ cell["W_h"] + cell["b"])
        states.append(h)
    rows = torch.cat(states) if readout == EVERY_STEP else h
    known = torch.tensor(static).repeat(len(rows) // 4, 1)
    joined = torch.cat([rows, known], dim=1)
    u = torch.relu(joined @ theirs["static.W"] + theirs["static.b"])
    raw = torch.cat([joined, u], dim=1) @ theirs["output.W"] + theirs["output.b"]
    w = torch.tensor(weight)
    loss = (w * ((raw - torch.tensor(y)) ** 2).mean(dim=1)).sum() / 2 / w.sum()
    loss.backward()
    assert value == pytest.approx(loss.item(), rel=1e-12)
    expected = np.concatenate([theirs[name].grad.numpy().ravel() for name in network.parameters])
    np.testing.assert_allclose(gradient, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("readout", ["last", "mean", EVERY_STEP])
def test_training_sees_the_predictions_of_inference(readout):
    network, static = static_network(readout), static_of(len(RAGGED))
    x, n_active = make_batch(RAGGED)
    raw = network.forward(x, n_active, static=static).raw_prediction
    np.testing.assert_array_equal(network.predict(x, n_active, static), raw)


@pytest.mark.parametrize("readout", ["last", EVERY_STEP])
def test_predictions_piece_by_piece_are_those_at_once(readout, monkeypatch):
    network = static_network(readout)
    x, n_active = make_batch((40, 30, 20, 1))
    expected = network.predict(x, n_active, static_of(4))
    monkeypatch.setattr(inference, "PIECE", 24)
    monkeypatch.setattr(inference, "PADDING", 1)
    in_pieces = not inference.runs_at_once(network.architecture, ArraySource(x, n_active))
    assert in_pieces == kernels.runs_compiled(network.architecture.cell, x.dtype)
    np.testing.assert_array_equal(network.predict(x, n_active, static_of(4)), expected)


def test_a_row_does_not_hear_of_its_batch_mates():
    network = static_network()
    x, n_active = make_batch((3, 3, 3, 3))
    static = static_of(4)
    whole = network.predict(x, n_active, static)
    alone = network.predict(x[:, 2:3], np.ones(3, int), static[2:3])
    np.testing.assert_allclose(alone, whole[2:3], rtol=1e-14)


def test_what_stands_at_padding_has_no_effect():
    network, static = static_network(EVERY_STEP), static_of(len(RAGGED))
    x, n_active = make_batch(RAGGED)
    expected = network.predict(x, n_active, static)
    x[padding_of(n_active)] = 7.0
    np.testing.assert_array_equal(network.predict(x, n_active, static), expected)


def test_static_features_are_joined_in_the_dtype_of_the_network():
    network, static = static_network(dtype=np.float32), static_of(4, np.float32)
    x, n_active, y, weight = problem(network, np.float32)
    _, gradient = network.loss_and_gradient(x, n_active, y, weight, loss=LOSS, static=static)
    assert gradient.dtype == network.predict(x, n_active, static).dtype == np.float32


def test_dropout_leaves_static_features_alone():
    network, static = static_network(dropout=0.5), static_of(len(RAGGED))
    x, n_active = make_batch(RAGGED)
    run = network.forward(x, n_active, np.random.RandomState(0), static=static)
    np.testing.assert_array_equal(run.static.joined[:, -N_STATIC:], static)
    assert (run.static.joined[:, :-N_STATIC] == 0).any()


@pytest.mark.parametrize("static", [None, np.zeros((4, 2))], ids=["none", "two"])
def test_another_number_of_static_features_is_refused(static):
    x, n_active = make_batch(RAGGED)
    with pytest.raises(ValueError, match=r"takes 3 static features, but got"):
        static_network().predict(x, n_active, static)


def test_a_network_without_static_features_has_the_weights_it_always_had():
    without, plain = make_network("gru", n_static=0, static_units=4), make_network("gru")
    assert without.architecture.shapes() == plain.architecture.shapes()
    assert static_gradient(plain, np.ones((4, 2)), plain.forward(*make_batch(RAGGED))) is None


def test_an_architecture_of_an_older_release_has_no_static_features():
    network = make_network("gru")
    state = network.architecture.__getstate__()
    old = {name: value for name, value in state.items() if not name.startswith("n_static")}
    architecture = object.__new__(type(network.architecture))
    architecture.__dict__.update({k: v for k, v in old.items() if k != "static_units"})
    x, n_active = make_batch(RAGGED)
    expected = network.predict(x, n_active)
    np.testing.assert_array_equal(
        Network(architecture, network.parameters).predict(x, n_active), expected
    )


def test_static_features_weigh_four_times_the_others_at_the_start():
    part = StaticFeatures(n_features=32, n_static=2, units=200)
    weights = {name: np.zeros(shape) for name, shape in part.shapes().items()}
    part.initialize(weights, np.random.RandomState(0), INITIALIZERS["normal"])
    rms = [np.sqrt(np.square(rows).sum()) for rows in np.split(weights["W"], [32])]
    assert rms[1] / rms[0] == pytest.approx(4, rel=0.1)
    assert not weights["b"].any()
