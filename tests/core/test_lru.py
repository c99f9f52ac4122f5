"""The linear recurrent unit: where it starts, how long it remembers, and what it learns."""

import numpy as np
import pytest
from gradcheck import assert_gradient_matches
from small_networks import RAGGED, make_batch

from skrnn import RNNClassifier
from skrnn.core.architecture import Architecture
from skrnn.core.cells import CELLS, GRU, LRU
from skrnn.core.initializers import orthogonal, uniform, zeros
from skrnn.datasets import make_temporal_order


def initialized(cell, hidden_size, n_inputs=2, init=uniform, seed=0):
    weights = {name: np.zeros(s) for name, s in cell.shapes(n_inputs, hidden_size).items()}
    cell.initialize(weights, np.random.RandomState(seed), init, orthogonal)
    return weights


def random_weights(hidden_size, n_inputs=2):
    rng = np.random.default_rng(0)
    shapes = LRU().shapes(n_inputs, hidden_size)
    return {name: rng.normal(scale=0.6, size=shape) for name, shape in shapes.items()}


# --- Where it starts ---------------------------------------------------------------------


def test_moduli_start_uniformly_distributed_over_the_ring():
    moduli = np.abs(LRU().eigenvalues(initialized(LRU(0.2, 0.8), 20_000)))
    assert moduli.min() == pytest.approx(0.2, abs=1e-3)
    assert moduli.max() == pytest.approx(0.8, abs=1e-3)
    # As many within every ring of the same area.
    counts, _ = np.histogram(moduli**2, bins=5, range=(0.04, 0.64))
    np.testing.assert_allclose(counts, 2_000, atol=2)


def test_phases_start_dense_about_zero_and_reach_pi():
    phases = np.angle(LRU().eigenvalues(initialized(LRU(), 20_000)))
    counts, _ = np.histogram(np.sqrt(phases / np.pi), bins=5, range=(0, 1))
    np.testing.assert_allclose(counts, 2_000, atol=2)


def test_a_small_layer_has_short_and_long_periods_whatever_the_seed():
    for seed in range(20):
        weights = initialized(LRU(), 8, seed=seed)
        periods = 2 * np.pi / np.sort(np.angle(LRU().eigenvalues(weights)))
        assert periods[0] > 32
        assert periods[-1] < 2 / 0.75**2


def test_moduli_and_phases_are_paired_at_random():
    eigenvalues = LRU().eigenvalues(initialized(LRU(), 20_000))
    assert abs(np.corrcoef(np.abs(eigenvalues), np.angle(eigenvalues))[0, 1]) < 0.03


def test_inputs_are_drawn_by_init():
    weights = initialized(LRU(), 5)
    assert weights["W_x"].all()
    assert np.abs(weights["W_x"]).max() <= 0.05
    assert not initialized(LRU(), 5, init=zeros)["W_x"].any()


def test_the_last_of_an_odd_number_of_units_has_a_real_eigenvalue():
    eigenvalues = LRU().eigenvalues(initialized(LRU(), 5))
    assert (eigenvalues.imag != 0).tolist() == [True, True, False]


def test_a_single_unit_has_no_phase():
    assert LRU().shapes(2, 1) == {"W_x": (2, 1), "b": (1,), "nu": (1,)}


@pytest.mark.parametrize("moduli", [(0.9, 0.9), (0.99, 0.9), (-0.1, 0.9), (0.5, 1.0), (0, np.nan)])
def test_moduli_out_of_order_are_an_error(moduli):
    with pytest.raises(ValueError, match=r"0 <= r_min < r_max < 1; got r_min=.* and r_max="):
        LRU(*moduli)


def test_an_object_shows_its_moduli():
    assert repr(LRU(r_max=0.99)) == "LRU(r_min=0.9, r_max=0.99)"


# --- How long it remembers ---------------------------------------------------------------


@pytest.mark.parametrize("hidden_size", [1, 2, 5])
def test_an_input_decays_and_turns_by_the_eigenvalue(hidden_size):
    weights, n = random_weights(hidden_size), (hidden_size + 1) // 2
    weights["b"][:] = 0
    x = np.zeros((6, 1, 2))
    x[0] = 1
    h = LRU().predict(x, np.ones(6, int), weights)[1:, 0]
    c = h[:, :n].astype(complex)
    c.imag[:, : hidden_size - n] = h[:, n:]
    expected = c[0] * LRU().eigenvalues(weights) ** np.arange(6)[:, None]
    np.testing.assert_allclose(c, expected, rtol=1e-12)


def test_a_gradient_shrinks_by_the_modulus_a_step():
    weights = random_weights(4)
    x, n_active = np.ones((9, 1, 2)), np.ones(9, int)
    h, cache = LRU().forward(x, n_active, weights)
    dh = np.zeros_like(h)
    dh[-1] = 1
    _, dh_total = LRU().state_gradients(dh, cache, weights)
    norms = np.hypot(dh_total[1:, 0, :2], dh_total[1:, 0, 2:])[::-1]
    moduli = np.abs(LRU().eigenvalues(weights))
    np.testing.assert_allclose(norms[1:] / norms[:-1], np.tile(moduli, (8, 1)), rtol=1e-12)


@pytest.mark.parametrize("modulus", [0.5, 0.9, 0.99])
def test_units_that_remember_for_longer_are_no_larger(modulus):
    weights = initialized(LRU(), 2, n_inputs=1)
    weights["W_x"][:], weights["nu"][:] = 1, np.log(-np.log(modulus))
    x = np.random.default_rng(0).choice([-1.0, 1.0], size=(600, 500, 1))
    h = LRU().predict(x, np.full(600, 500), weights)
    assert np.mean(h[-1] ** 2) == pytest.approx(np.tanh(1) ** 2, rel=0.1)


# --- Gradients ---------------------------------------------------------------------------


@pytest.mark.parametrize("hidden_size", [1, 2, 5])
def test_gradients_match_differences_for_every_number_of_units(hidden_size):
    weights = random_weights(hidden_size)
    x, n_active = make_batch(RAGGED)
    h, cache = LRU().forward(x, n_active, weights)
    dh = np.random.default_rng(1).normal(size=h.shape)
    dh[0] = 0
    _, dweights, _ = LRU().backward(dh, cache, weights)
    for name in weights:
        assert_gradient_matches(
            dweights[name],
            lambda: float(np.vdot(dh, LRU().predict(x, n_active, weights))),
            weights[name],
        )


@pytest.mark.parametrize("name", ["nu", "theta"])
@pytest.mark.parametrize("value", [-1e3, 1e3])
def test_a_rate_beyond_its_bounds_stays_finite_and_does_not_move(name, value):
    weights = {key: w.astype(np.float32) for key, w in random_weights(4).items()}
    weights[name][:] = value
    h, cache = LRU().forward(np.ones((5, 2, 2), np.float32), np.full(5, 2), weights)
    _, dweights, _ = LRU().backward(np.ones_like(h), cache, weights)
    assert np.isfinite(h).all()
    assert all(np.isfinite(array).all() for array in dweights.values())
    assert not dweights[name].any()


def test_rates_do_not_decay():
    architecture = Architecture(LRU(), 2, (3,), 1)
    names = [
        name
        for name, (start, stop) in spans_of(architecture).items()
        if any(span.start <= start and stop <= span.stop for span in architecture.weight_spans)
    ]
    assert names == ["layers.0.forward.W_x", "output.W"]


def spans_of(architecture):
    stop, spans = 0, {}
    for name, shape in architecture.shapes().items():
        start, stop = stop, stop + int(np.prod(shape))
        spans[name] = (start, stop)
    return spans


# --- What inspection asks ----------------------------------------------------------------


def test_eigenvalues_are_those_of_every_gate():
    rng = np.random.default_rng(0)
    W_h = rng.normal(size=(4, 12))
    expected = [np.linalg.eigvals(block) for block in np.split(W_h, 3, axis=1)]
    np.testing.assert_array_equal(GRU().eigenvalues({"W_h": W_h}), np.concatenate(expected))


# --- What it learns ----------------------------------------------------------------------


def test_a_small_stack_learns_the_order_of_two_symbols():
    X, y = make_temporal_order(600, 20, random_state=0)
    # For 16 epochs, whatever the loss.
    stop = {"max_iter": 30, "tol": 1e9, "n_iter_no_change": 15}
    model = RNNClassifier(
        (8, 8), cell="lru", embedding_dim=4, learning_rate_init=0.02, random_state=0, **stop
    )
    assert model.fit(X[:500], y[:500]).score(X[500:], y[500:]) > 0.95


def test_the_name_stands_for_the_default_moduli():
    assert repr(CELLS["lru"]) == repr(LRU())
