"""Attributions: what each input adds to the output."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from skrnn import RNNClassifier, RNNRegressor
from skrnn.core.cells import CELLS
from skrnn.inspection import input_attributions

SHORT = {"max_iter": 5, "tol": 1e9, "n_iter_no_change": 1, "random_state": 0}


@pytest.fixture
def fitted(ragged):
    """Return a function that fits a classifier of given parameters on ragged sequences."""
    X, y = ragged

    def fit(**parameters):
        return RNNClassifier(**{"hidden_layer_sizes": 5, **SHORT, **parameters}).fit(X, y)

    return fit


@pytest.mark.parametrize("variant", [{}, {"readout": "mean"}, {"bidirectional": True}])
@pytest.mark.parametrize("cell", CELLS)
def test_integrated_gradients_are_complete(fitted, ragged, cell, variant):
    X, _ = ragged
    clf = fitted(cell=cell, **variant)
    attributions = input_attributions(clf, X, "integrated_gradients", target=1)
    gain = clf.decision_function(X) - clf.decision_function([np.zeros_like(x) for x in X])
    assert_allclose([a.sum() for a in attributions], gain, rtol=1e-8, atol=1e-8)
    assert np.abs(gain).max() > 0.01


def test_integrated_gradients_are_complete_for_every_step(ragged):
    X, _ = ragged
    reg = RNNRegressor(4, return_sequences=True, **SHORT).fit(X, [5 * x[:, 0] for x in X])
    baseline = np.array([1.0, 0.0, -1.0])
    attributions = input_attributions(reg, X, baseline=baseline)
    before = reg.predict([np.tile(baseline, (len(x), 1)) for x in X])
    gain = [p.sum() - b.sum() for p, b in zip(reg.predict(X), before, strict=True)]
    assert_allclose([a.sum() for a in attributions], gain, rtol=1e-8, atol=1e-8)


def test_gradient_x_input_is_the_gradient_times_the_input(fitted, rng):
    clf, X = fitted(), rng.normal(size=(2, 4, 3))
    attributions = input_attributions(clf, X, "gradient_x_input", target=1)
    moved = X.copy()
    moved[1, 2, 0] *= 1 + 1e-6
    slope = (clf.decision_function(moved) - clf.decision_function(X))[1] / 1e-6
    assert_allclose(attributions[1, 2, 0], slope, rtol=1e-5)


@pytest.mark.parametrize("window", [1, 2])
def test_occlusion_is_the_change_of_the_output(fitted, ragged, window):
    X, _ = ragged
    clf = fitted()
    i = int(np.argmax([len(x) for x in X]))
    attributions = input_attributions(clf, X, "occlusion", target=1, window=window)
    occluded = X[i].copy()
    occluded[2 : 2 + window, 1] = 0
    lost = clf.decision_function([X[i]]) - clf.decision_function([occluded])
    assert_allclose(attributions[i][2, 1], lost[0] / window, rtol=1e-9)


def test_the_predicted_class_is_explained_unless_told_otherwise(rng):
    X = rng.normal(size=(30, 5, 2))
    y = np.array(["a", "b", "c"])[X[:, -1, 0].round().clip(-1, 1).astype(int) + 1]
    clf = RNNClassifier(6, random_state=0, max_iter=20, tol=0.02).fit(X, y)
    attributions = input_attributions(clf, X)
    predicted = clf.predict(X)
    assert len(set(predicted)) > 1
    for label in set(predicted):
        own = input_attributions(clf, X[predicted == label], target=label)
        assert_allclose(attributions[predicted == label], own, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"method": "magic"}, "method must be one of"),
        ({"target": 7}, "one of the classes"),
        ({"baseline": [0.0, 1.0]}, r"3 channels; got shape \(2,\)"),
        ({"n_steps": 0}, "n_steps"),
        ({"window": 0}, "window"),
    ],
)
def test_wrong_parameters_of_attributions_are_refused(fitted, ragged, parameters, message):
    with pytest.raises(ValueError, match=message):
        input_attributions(fitted(), ragged[0], **parameters)


@pytest.mark.parametrize("target", [np.int64(7), 7])
def test_an_unknown_class_is_named_as_the_user_writes_it(fitted, ragged, target):
    with pytest.raises(ValueError, match=r"one of the classes \[0 1\]; got 7\."):
        input_attributions(fitted(), ragged[0], target=target)
