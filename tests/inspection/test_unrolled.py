"""The unrolled network: its parts sum to the whole."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from small_regressors import ALL_CELLS, SHORT, VARIANTS, ids, regressor

from skrnn.core.cells import CELLS
from skrnn.core.parameters import Parameters
from skrnn.inspection import gradient_flow, unrolled
from skrnn.inspection._opened import open_estimator


@pytest.mark.parametrize("truncated", [None, 2], ids=["whole", "truncated"])
@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("cell", ALL_CELLS, ids=ids)
def test_the_contributions_of_the_steps_sum_to_the_gradient(data, cell, variant, truncated):
    est, X, y = regressor(data, variant, cell=cell, bptt_steps=truncated)
    net = unrolled(est, X, 2, y)
    parts = [part for layer in net.layers for part in layer.values()]
    for part in [*parts, net.output]:
        for name, gradient in part.gradient.items():
            total = part.contributions[name].sum(axis=0)
            assert np.abs(gradient).max() > 0
            assert_allclose(total, gradient, rtol=1e-12, atol=1e-12 * np.abs(gradient).max())


def test_the_gradient_of_unrolled_is_that_of_training(data):
    est, X, y = regressor(data, alpha=0.0, normalize_y=False)
    net, opened = unrolled(est, X, 0, y), open_estimator(est, X, y)
    batch = opened.sequences.batch([0])
    loss, gradient = opened.network.loss_and_gradient(
        batch.x, batch.n_active, opened.y[:1], np.ones(1), loss=opened.loss
    )
    assert net.loss == pytest.approx(loss)
    part = net.layers[0].forward.gradient
    names = [*part, "W", "b"]
    flat = [*part.values(), *(net.output.gradient[name] for name in "Wb")]
    assert names[:3] == ["W_x", "W_h", "b"]
    assert_allclose(np.concatenate([array.ravel() for array in flat]), gradient, rtol=1e-12)


def test_the_gradient_of_a_read_out_with_weights_is_that_of_training(data):
    est, X, y = regressor(data, readout=("last", "attention"), bidirectional=True, alpha=0.0)
    net, opened = unrolled(est, X, 1, y), open_estimator(est, X, y)
    batch = opened.sequences.batch([1])
    _, gradient = opened.network.loss_and_gradient(
        batch.x, batch.n_active, opened.y[1:2], np.ones(1), loss=opened.loss
    )
    of_training = Parameters(opened.network.parameters.shapes, gradient)
    for direction in ("forward", "reverse"):
        part = net.readout[direction]
        assert set(part.weights) == set(part.gradient) == {"1.W", "1.b", "1.v"}
        for name, array in part.gradient.items():
            expected = of_training[f"readout.{direction}.{name}"]
            assert np.abs(expected).max() > 0
            assert_allclose(array, expected, rtol=1e-12)


def test_most_read_outs_have_no_weights(data):
    est, X, y = regressor(data)
    assert unrolled(est, X, 0, y).readout == {"forward": {"weights": {}, "gradient": {}}}


def test_the_total_error_is_the_sum_of_the_errors_at_the_time_steps(data):
    est, X, y = regressor(data, "per step", normalize_y=False)
    net = unrolled(est, X, 2, y)
    assert len(net.step_losses) == 5
    assert_allclose(net.step_losses, 0.5 * (net.raw_prediction[:, 0] - y[2]) ** 2)
    assert net.loss == pytest.approx(net.step_losses.sum())


@pytest.mark.parametrize("cell", CELLS)
def test_unrolled_states_and_gates_satisfy_the_formulas(data, cell):
    est, X, y = regressor(data, cell=cell)
    layer = unrolled(est, X, 0, y).layers[0].forward
    W_x, W_h, b = (layer.weights.get(name) for name in ("W_x", "W_h", "b"))
    before, after = layer.h[:-1], layer.h[1:]
    if cell == "rnn":
        assert_allclose(after, np.tanh(layer.x @ W_x + before @ W_h + b))
    elif cell == "lstm":
        assert_allclose(after, layer.o * np.tanh(layer.c))
        assert_allclose(layer.c[1:], layer.f[1:] * layer.c[:-1] + layer.i[1:] * layer.g[1:])
    elif cell == "lru":
        nu, theta = layer.weights["nu"], layer.weights["theta"]
        assert_allclose(layer.u, np.tanh(layer.x @ W_x + b))
        rate = np.exp(-np.exp(nu) + 1j * np.exp(theta))
        c, u = (units[:, :2] + 1j * units[:, 2:] for units in (before, layer.u))
        c = rate * c + np.sqrt(1 - abs(rate) ** 2) * u
        assert_allclose(after, np.hstack([c.real, c.imag]))
    else:
        assert_allclose(layer.s, before @ W_h[:, 8:] + layer.weights["b_hn"])
        assert_allclose(after, (1 - layer.z) * layer.n + layer.z * before)


@pytest.mark.parametrize("cell", ALL_CELLS, ids=ids)
def test_unrolled_gradients_are_those_of_gradient_flow(data, cell):
    est, X, y = regressor(data, "stacked", cell=cell)
    net, flow = unrolled(est, X, 2, y), gradient_flow(est, X, y)
    for layer, part in enumerate(net.layers):
        norms = np.linalg.norm(part.forward.dh[1:], axis=1)
        assert_allclose(norms, flow.sample_loss_norms[layer, :5, 2], rtol=1e-12)


def test_unrolled_without_targets_has_no_gradients(data):
    est, X, y = regressor(data, **SHORT)
    net = unrolled(est.fit(X, y), X, -1)
    assert_array_equal(net.x, X[3])
    assert "loss" not in net


def test_unrolled_names_a_missing_sequence(data):
    est, X, y = regressor(data)
    with pytest.raises(IndexError, match="n_samples=4"):
        unrolled(est, X, 4, y)
