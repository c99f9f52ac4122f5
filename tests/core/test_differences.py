"""First differences beside the channels: values, gradients, and when a series is smooth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from gradcheck import assert_gradient_matches
from small_networks import RAGGED, count_rows, make_batch, make_network, make_targets, padding_of

from skrnn.core.activations import ACTIVATIONS
from skrnn.core.differences import Differences, autocorrelation
from skrnn.core.frames import Frames
from skrnn.core.losses import SquaredError
from skrnn.core.network import Network

SCALES = (2.0, 0.5)
FRAMES = {"steps": None, "frames": Frames(4, 3, 2, 5, ACTIVATIONS["tanh"])}


@pytest.fixture(params=FRAMES.values(), ids=FRAMES)
def network(request):
    return make_network("gru", differences=Differences(SCALES), frames=request.param)


def test_changes_stand_beside_the_channels():
    x, _ = make_batch((4, 4, 4))
    outputs = Differences(SCALES).forward(x)
    np.testing.assert_array_equal(outputs[..., :2], x)
    np.testing.assert_array_equal(outputs[0, :, 2:], 0)
    np.testing.assert_array_equal(outputs[1:, :, 2:], np.diff(x, axis=0) * SCALES)


def test_a_network_reads_them_as_if_they_had_been_given(network):
    x, n_active = make_batch(RAGGED)
    given = Differences(SCALES).forward(x)
    given[padding_of(n_active)] = 0
    architecture = replace(network.architecture, n_inputs=4, differences=None)
    other = Network(architecture, network.parameters)
    np.testing.assert_array_equal(network.predict(x, n_active), other.predict(given, n_active))


def test_what_stands_at_padding_has_no_effect(network):
    x, n_active = make_batch(RAGGED)
    expected = network.predict(x, n_active)
    x[padding_of(n_active)] = 7.0
    np.testing.assert_array_equal(network.predict(x, n_active), expected)


def test_gradients_of_inputs_against_finite_differences(network):
    x, n_active = make_batch(RAGGED)
    y, weight = make_targets("squared_error", count_rows(network, n_active), 2)
    run = network.forward(x, n_active)
    _, d_raw = SquaredError()(run.raw_prediction, y, weight)
    dx, _ = network.state_gradients(network.gradient_of_top(d_raw, run), run)
    assert_gradient_matches(
        dx, lambda: SquaredError()(network.predict(x, n_active), y, weight)[0], x
    )


def test_gradients_of_weights_against_finite_differences(network):
    x, n_active = make_batch(RAGGED)
    targets = make_targets("squared_error", count_rows(network, n_active), 2)

    def loss():
        return network.loss_and_gradient(x, n_active, *targets, loss=SquaredError())[0]

    _, gradient = network.loss_and_gradient(x, n_active, *targets, loss=SquaredError())
    assert_gradient_matches(gradient, loss, network.parameters.vector)


def test_noise_is_not_smooth_and_a_slow_wave_is():
    noise = np.random.default_rng(0).normal(size=(2000, 1))
    wave = np.sin(np.arange(2000.0) / 10)[:, None]
    follows = np.ones(1998, dtype=bool)
    assert autocorrelation(np.diff(noise, axis=0), follows) == pytest.approx(-0.5, abs=0.05)
    assert autocorrelation(np.diff(wave, axis=0), follows) > 0.9


def test_two_sequences_do_not_follow_each_other():
    changes = np.array([[1.0], [1.0], [1.0], [1.0]])
    apart = np.array([True, False, True])
    assert autocorrelation(changes, apart) == pytest.approx(0.5)


def test_channels_that_do_not_change_have_no_say():
    changes = np.array([[1.0, 0.0], [1.0, 0.0], [1.0, 0.0]])
    follows = np.ones(2, dtype=bool)
    assert autocorrelation(changes, follows) == pytest.approx(2 / 3)
    assert autocorrelation(np.zeros((3, 2)), follows) == 0.0
