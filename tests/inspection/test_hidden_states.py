"""The states and gates of all layers."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.exceptions import NotFittedError

from skrnn import RNNClassifier, RNNRegressor
from skrnn.core.cells import CELLS
from skrnn.inspection import hidden_states, unrolled

SHORT = {"max_iter": 5, "tol": 1e9, "n_iter_no_change": 1, "random_state": 0}


@pytest.fixture
def fitted(ragged):
    """Return a function that fits a classifier of given parameters on ragged sequences."""
    X, y = ragged

    def fit(**parameters):
        return RNNClassifier(**{"hidden_layer_sizes": 5, **SHORT, **parameters}).fit(X, y)

    return fit


@pytest.mark.parametrize("cell", CELLS)
def test_hidden_states_are_those_of_the_single_sequences(fitted, ragged, cell):
    clf = fitted(cell=cell, hidden_layer_sizes=(5, 3))
    states = hidden_states(clf, ragged[0])
    for i in (0, 7, 23):
        net = unrolled(clf, ragged[0], i)
        for layer, part in zip(states.layers, net.layers, strict=True):
            assert_allclose(layer.h[i], part.forward.h[1:], rtol=1e-12)
            for gate in CELLS[cell].gates:
                assert_allclose(layer[gate][i], part.forward[gate][-len(net.x) :], rtol=1e-12)
        assert_allclose(states.features[i], net.features[0], rtol=1e-12)


def test_directions_stand_side_by_side_in_the_time_of_the_data(fitted, ragged):
    clf = fitted(bidirectional=True)
    states, net = hidden_states(clf, ragged[0]), unrolled(clf, ragged[0], 4)
    layer = net.layers[0]
    expected = np.hstack([layer.forward.h[1:], layer.reverse.h[:0:-1]])
    assert_allclose(states.layers[0].h[4], expected, rtol=1e-12)


def test_sequences_of_one_length_give_one_array(fitted, rng):
    states = hidden_states(fitted(), rng.normal(size=(4, 6, 3)))
    assert states.layers[0].h.shape == (4, 6, 5)
    assert states.lengths.tolist() == [6, 6, 6, 6]


def test_blocks_do_not_change_the_states(fitted, ragged, monkeypatch):
    clf = fitted()
    whole = hidden_states(clf, ragged[0])
    monkeypatch.setattr("skrnn.inspection._opened.BLOCK", 5)
    in_blocks = hidden_states(clf, ragged[0])
    assert_allclose(in_blocks.features, whole.features, rtol=1e-12)
    assert_allclose(in_blocks.layers[0].h[3], whole.layers[0].h[3], rtol=1e-12)


def test_a_prediction_at_every_step_has_no_features(ragged):
    X, _ = ragged
    reg = RNNRegressor(4, return_sequences=True, **SHORT).fit(X, [x[:, 0] for x in X])
    states = hidden_states(reg, X)
    assert states.features is None
    assert states.layers[0].h[0].shape == (len(X[0]), 4)


def test_hidden_states_need_a_fitted_estimator(ragged):
    with pytest.raises(NotFittedError):
        hidden_states(RNNClassifier(), ragged[0])
