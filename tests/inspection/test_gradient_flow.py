"""Gradient flow: every number against one obtained in another way."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.pipeline import make_pipeline
from small_regressors import ALL_CELLS, SHORT, VARIANTS, ids, regressor

from skrnn import RNNClassifier, RNNRegressor
from skrnn.core.cells import CELLS
from skrnn.core.layer import in_time_of, join
from skrnn.core.parameters import part_of
from skrnn.inspection import gradient_flow
from skrnn.inspection._opened import open_estimator
from skrnn.preprocessing import SequenceScaler

EPS = 1e-6

# --- the error after a small change of one state --------------------------------------------------


def run_with_change(network, x, n_active, change):
    """States of the top layer if ``change[layer, direction, k]`` is added to ``h[k]``."""
    architecture = network.architecture
    for layer in range(architecture.n_layers):
        states = {}
        for direction in architecture.directions:
            weights, cell = network.weights(layer, direction), architecture.cell
            inputs = in_time_of(direction, x, n_active)
            h, state = [np.zeros((1, x.shape[1], architecture.hidden_sizes[layer]))], None
            for t in range(len(x)):
                h_t, cache = cell.forward(inputs[t : t + 1], n_active[t : t + 1], weights, state)
                state = cell.state_after(h_t, cache)
                delta = change.get((layer, direction, t + 1), 0)
                state = (state[0] + delta, *state[1:])
                h.append(state[0][None])
            states[direction] = np.concatenate(h)
        x = join(states, n_active)
    return states


def error(opened, batch, states, only_last):
    """Error of a single sequence; with `only_last` what arrives through its last states."""
    network, n_active = opened.network, batch.n_active
    if only_last:
        fixed = network.forward(batch.x, n_active).states[-1]
        last = {
            direction: np.where(
                np.arange(len(h))[:, None, None] == len(n_active), h, fixed[direction]
            )
            for direction, h in states.items()
        }
        states = last
    architecture, parameters = network.architecture, network.parameters
    features, _ = architecture.features.forward(states, n_active, part_of(parameters, "readout."))
    raw, _ = architecture.output.forward(features, n_active, part_of(parameters, "output."))
    return opened.loss(raw, opened.y[opened.rows(batch)], np.ones(len(raw)))[0]


def numeric_norm(opened, i, layer, step_of, only_last):
    """Norm of the central differences by all units of a layer at one step of sequence `i`."""
    batch = opened.sequences.batch([i])
    squares = 0.0
    for direction in opened.network.architecture.directions:
        k = step_of(direction, len(batch.n_active))
        for unit in range(opened.network.architecture.hidden_sizes[layer]):
            values = []
            for sign in (1, -1):
                delta = np.zeros((1, opened.network.architecture.hidden_sizes[layer]))
                delta[0, unit] = sign * EPS
                change = {(layer, direction, k): delta}
                states = run_with_change(opened.network, batch.x, batch.n_active, change)
                values.append(error(opened, batch, states, only_last))
            squares += ((values[0] - values[1]) / (2 * EPS)) ** 2
    return np.sqrt(squares)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("cell", ALL_CELLS, ids=ids)
def test_gradient_flow_agrees_with_finite_differences(data, cell, variant):
    est, X, y = regressor(data, variant, cell=cell)
    flow, opened = gradient_flow(est, X, y), open_estimator(est, X, y)
    for layer in range(len(flow.norms)):
        for i, lag in [(0, 0), (0, 5), (1, 1), (2, 2)]:
            expected = numeric_norm(
                opened, i, layer, lambda direction, n, lag=lag: n - lag, only_last=True
            )
            assert_allclose(flow.sample_norms[layer, lag, i], expected, rtol=1e-6, atol=1e-9)
        for i, t in [(0, 0), (1, 2), (2, 3)]:
            expected = numeric_norm(
                opened,
                i,
                layer,
                lambda direction, n, t=t: t + 1 if direction == "forward" else n - t,
                only_last=False,
            )
            assert_allclose(flow.sample_loss_norms[layer, t, i], expected, rtol=1e-6, atol=1e-9)
    assert (flow.norms > 0).all()


@pytest.mark.parametrize("cell", ALL_CELLS, ids=ids)
def test_jacobian_norms_agree_with_finite_differences(data, cell):
    est, X, y = regressor(data, cell=cell)
    flow, opened = gradient_flow(est, X, y, n_jacobian_samples=1), open_estimator(est, X, y)
    batch = opened.sequences.batch([0])
    for lag in range(len(flow.lags)):
        k, columns = 6 - lag, []
        for unit in range(4):
            delta = np.zeros((1, 4))
            delta[0, unit] = EPS
            ends = [
                run_with_change(
                    opened.network, batch.x, batch.n_active, {(0, "forward", k): sign * delta}
                )["forward"][-1, 0]
                for sign in (1, -1)
            ]
            columns.append((ends[0] - ends[1]) / (2 * EPS))
        expected = np.linalg.norm(columns) / np.sqrt(4)
        assert_allclose(flow.jacobian_norms[0, lag], expected, rtol=1e-6)


def test_jacobians_in_chunks_are_the_same(data, monkeypatch):
    est, X, y = regressor(data, cell="lstm")
    whole = gradient_flow(est, X, y, n_jacobian_samples=2)
    monkeypatch.setattr("skrnn.inspection._gradient_flow.JACOBIAN_ENTRIES", 1)
    in_chunks = gradient_flow(est, X, y, n_jacobian_samples=2)
    assert_allclose(in_chunks.jacobian_norms, whole.jacobian_norms, rtol=1e-12)


def test_without_jacobian_samples_there_are_no_jacobian_norms(data):
    flow = gradient_flow(*regressor(data), n_jacobian_samples=0)
    assert np.isnan(flow.jacobian_norms).all()


# --- PyTorch's autograd ---------------------------------------------------------------------------


def torch_states(torch, cell, x, weights):
    """States of a cell written in PyTorch, one tensor a step, from our weights."""
    from torch_lru import step as torch_lru_step

    W_x, W_h, b = (weights.get(name) for name in ("W_x", "W_h", "b"))
    h = torch.zeros(1, weights["b"].shape[0] // len(CELLS[cell].gates), dtype=torch.float64)
    h.requires_grad_()
    c, states = torch.zeros_like(h), []
    for x_t in x:
        if cell == "rnn":
            h = torch.tanh(x_t @ W_x + h @ W_h + b)
        elif cell == "lstm":
            i, f, g, o = torch.chunk(x_t @ W_x + h @ W_h + b, 4, dim=1)
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(c)
        elif cell == "lru":
            h = torch_lru_step(torch.tanh(x_t @ W_x + b), h, weights["nu"], weights["theta"])
        else:
            zr, n = (x_t @ W_x + b).split([2 * h.shape[1], h.shape[1]], dim=1)
            zr_h, s = (h @ W_h).split([2 * h.shape[1], h.shape[1]], dim=1)
            z, r = torch.chunk(torch.sigmoid(zr + zr_h), 2, dim=1)
            n = torch.tanh(n + r * (s + weights["b_hn"]))
            h = (1 - z) * n + z * h
        states.append(h)
    return states


@pytest.mark.parametrize("cell", CELLS)
def test_gradient_flow_agrees_with_autograd_of_torch(rng, cell):
    torch = pytest.importorskip("torch")
    X, y = rng.normal(size=(3, 20, 2)), rng.normal(size=3)
    est = RNNRegressor(5, cell=cell, random_state=0, normalize_y=False)
    flow, network = gradient_flow(est, X, y), open_estimator(est, X, y).network
    weights = {name: torch.tensor(W) for name, W in network.weights(0).items()}
    W, b = (torch.tensor(network.parameters[f"output.{name}"]) for name in "Wb")
    for i in range(3):
        states = torch_states(torch, cell, torch.tensor(X[i])[:, None], weights)
        loss = 0.5 * ((states[-1] @ W + b - y[i]) ** 2).sum()
        gradients = torch.autograd.grad(loss, states, retain_graph=True)
        expected = [float(gradient.norm()) for gradient in reversed(gradients)]
        assert_allclose(flow.sample_norms[0, :, i], expected, rtol=1e-9)


# --- the verdict ----------------------------------------------------------------------------------


def linear(recurrent_weight, n_timesteps=20, **parameters):
    """A network of identity units whose gradient changes by a known factor a step."""

    def init(rng, n_in, n_out):
        return recurrent_weight * np.eye(n_in, n_out)

    est = RNNRegressor(3, "identity", cell="rnn", recurrent_init=init, random_state=0, **parameters)
    rng = np.random.default_rng(0)
    return est, rng.normal(size=(4, n_timesteps, 1)), rng.normal(size=4)


@pytest.mark.parametrize(
    ("factor", "verdict", "horizon"),
    [(0.5, "vanishing", 7), (1.0, "healthy", np.inf), (2.0, "exploding", np.inf)],
)
def test_the_verdict_on_a_known_factor(factor, verdict, horizon):
    flow = gradient_flow(*linear(factor))
    assert flow.verdict == [verdict]
    assert flow.horizon == [horizon]
    assert_allclose(flow.retained[0], factor ** np.arange(20.0))
    assert_allclose(flow.factor, factor)
    assert_allclose(flow.jacobian_norms[0], factor ** np.arange(20.0))


def test_a_gradient_that_vanishes_beyond_the_sequences_is_healthy():
    assert gradient_flow(*linear(0.5, n_timesteps=6)).verdict == ["healthy"]


def test_an_overflow_is_an_explosion():
    assert gradient_flow(*linear(1e30)).verdict == ["exploding"]


def test_no_gradient_at_all_has_vanished():
    est, X, y = linear(1.0)
    assert gradient_flow(est.set_params(init="zeros"), X, y).verdict == ["vanishing"]


def test_truncation_cuts_the_flow():
    flow = gradient_flow(*linear(1.0, bptt_steps=4))
    assert flow.horizon == [4]
    assert (flow.norms[0] > 0).sum() == 4


def test_short_sequences_do_not_count_at_long_lags(rng):
    est, X, y = linear(0.9)
    flow = gradient_flow(est, [X[0], X[1, :5], X[2], X[3, :7]], y)
    assert_allclose(flow.retained[0], 0.9 ** np.arange(20.0))
    assert_array_equal(np.isnan(flow.sample_norms[0]).sum(axis=0), [0, 15, 0, 13])
    assert flow.thresholds["median_length"] == 13.5


# --- what may be passed ---------------------------------------------------------------------------


def test_an_unfitted_estimator_is_looked_at_before_its_first_epoch(data):
    est, X, y = regressor(data)
    before = gradient_flow(est, X, y)
    assert not before.fitted
    assert not hasattr(est, "network_")
    fitted = gradient_flow(est.set_params(learning_rate_init=1e-12, **SHORT).fit(X, y), X, y)
    assert fitted.fitted
    assert_allclose(fitted.norms, before.norms, rtol=1e-9)


def test_inspection_does_not_change_a_fitted_estimator(data):
    est, X, y = regressor(data, **SHORT)
    before = est.fit(X, y).network_.parameters.vector.copy()
    gradient_flow(est, X, y)
    assert_array_equal(est.network_.parameters.vector, before)


@pytest.mark.parametrize("fitted", [True, False])
def test_a_pipeline_is_looked_into(data, fitted):
    est, X, y = regressor(data, **SHORT)
    pipeline = make_pipeline(SequenceScaler(), est)
    if fitted:
        pipeline.fit(X, y)
    alone = gradient_flow(pipeline[-1], SequenceScaler().fit_transform(X), y)
    assert_array_equal(gradient_flow(pipeline, X, y).norms, alone.norms)


def test_other_estimators_are_refused(data):
    from sklearn.linear_model import LinearRegression

    with pytest.raises(TypeError, match="got LinearRegression"):
        gradient_flow(LinearRegression(), *data)


def test_class_weights_do_not_scale_a_samples_own_error(ragged):
    X, y = ragged
    plain = RNNClassifier(4, random_state=0)
    weighted = RNNClassifier(4, random_state=0, class_weight={0: 9, 1: 1})
    assert_array_equal(gradient_flow(plain, X, y).norms, gradient_flow(weighted, X, y).norms)


def test_invalid_parameters_are_refused(data):
    est, X, y = regressor(data, bptt_steps=0)
    with pytest.raises(ValueError, match="bptt_steps"):
        gradient_flow(est, X, y)
    with pytest.raises(ValueError, match="n_jacobian_samples"):
        gradient_flow(*regressor(data), n_jacobian_samples=-1)
