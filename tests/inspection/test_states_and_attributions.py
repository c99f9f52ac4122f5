"""Hidden states, attributions and permutation importance."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

from skrnn import RNNClassifier, RNNRegressor
from skrnn.core.cells import CELLS
from skrnn.inspection import (
    HiddenStates,
    hidden_states,
    input_attributions,
    permutation_importance,
    unrolled,
)
from skrnn.preprocessing import SequenceScaler

SHORT = {"max_iter": 5, "tol": 1e9, "n_iter_no_change": 1, "random_state": 0}


@pytest.fixture
def fitted(ragged):
    """Return a function that fits a classifier of given parameters on ragged sequences."""
    X, y = ragged

    def fit(**parameters):
        return RNNClassifier(**{"hidden_layer_sizes": 5, **SHORT, **parameters}).fit(X, y)

    return fit


# --- hidden states -------------------------------------------------------------------------------


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
    monkeypatch.setattr("skrnn.inspection._model.BLOCK", 5)
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


# --- the transformer -----------------------------------------------------------------------------


@parametrize_with_checks(
    [
        HiddenStates(RNNClassifier(4, **SHORT)),
        HiddenStates(RNNRegressor(4, **SHORT), readout="mean"),
    ]
)
def test_the_transformer_passes_the_checks_of_scikit_learn(estimator, check):
    check(estimator)


def test_the_transformer_gives_what_the_output_layer_sees(fitted, ragged):
    X, y = ragged
    clf = fitted()
    features = HiddenStates(FrozenEstimator(clf)).fit(X, y).transform(X)
    assert_allclose(features, hidden_states(clf, X).features, rtol=1e-12)


@pytest.mark.parametrize("readout", ["last", "mean", "max"])
def test_the_transformer_reads_out_any_layer(fitted, ragged, readout):
    X, y = ragged
    clf = fitted(hidden_layer_sizes=(5, 3))
    transformer = HiddenStates(FrozenEstimator(clf), layer=0, readout=readout).fit(X, y)
    h = hidden_states(clf, X).layers[0].h
    reduce = {"last": lambda x: x[-1], "mean": lambda x: x.mean(0), "max": lambda x: x.max(0)}
    assert_allclose(transformer.transform(X), [reduce[readout](x) for x in h], rtol=1e-12)


def test_the_transformer_names_its_units(fitted, ragged):
    transformer = HiddenStates(FrozenEstimator(fitted(hidden_layer_sizes=2, bidirectional=True)))
    frame = transformer.set_output(transform="pandas").fit(*ragged).transform(ragged[0])
    assert list(frame.columns) == ["h0_0", "h0_1", "h0_reverse_0", "h0_reverse_1"]


def test_the_transformer_feeds_a_pipeline(ragged):
    X, y = ragged
    states = HiddenStates(RNNClassifier(8, random_state=0, max_iter=30, tol=0.05))
    pipeline = make_pipeline(SequenceScaler(), states, LogisticRegression())
    assert pipeline.fit(X, y).score(X, y) > 0.9


def test_the_transformer_refuses_a_layer_that_is_not_there(fitted, ragged):
    with pytest.raises(ValueError, match=r"layer=1.* has 1 recurrent"):
        HiddenStates(FrozenEstimator(fitted()), layer=1).fit(*ragged)


# --- attributions --------------------------------------------------------------------------------


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


# --- permutation importance ----------------------------------------------------------------------


class FirstChannel:
    """Scores by the first channel at the first step alone."""

    def fit(self, X, y):
        return self

    def score(self, X, y):
        first = [np.asarray(x["a"] if isinstance(x, pd.DataFrame) else x)[0] for x in X]
        first = np.array([value if np.ndim(value) == 0 else value[0] for value in first])
        return float(np.mean((first > 0) == y))


@pytest.fixture
def by_first_channel(rng):
    X = [rng.normal(size=(length, 3)) for length in rng.integers(2, 6, size=40)]
    return X, np.array([x[0, 0] > 0 for x in X])


@pytest.mark.parametrize("by", ["channel", "time_step"])
@pytest.mark.parametrize("form", ["ragged", "3d"])
def test_only_what_matters_is_important(by_first_channel, by, form):
    X, y = by_first_channel
    if form == "3d":
        X = np.stack([x[:2] for x in X])
    result = permutation_importance(FirstChannel(), X, y, by=by, n_repeats=3, random_state=0)
    assert result.importances_mean[0] > 0.3
    assert_array_equal(result.importances[1:], 0)
    assert_allclose(result.importances_std, result.importances.std(axis=1))


def test_a_network_in_a_pipeline_on_a_frame_of_sequences(ragged):
    X, y = ragged
    frame = pd.DataFrame({name: [x[:, j] for x in X] for j, name in enumerate("abc")})
    clf = RNNClassifier(8, random_state=0, learning_rate_init=0.02, tol=1e-3)
    pipeline = make_pipeline(SequenceScaler(), clf).fit(frame, y)
    result = permutation_importance(pipeline, frame, y, scoring="neg_log_loss", random_state=0)
    assert result.importances_mean.argmax() == 0


def test_a_table_of_several_channels(rng):
    X = rng.normal(size=(40, 6))
    y = (X[:, 0::2].sum(axis=1) > 0).astype(int)
    clf = RNNClassifier(8, n_channels=2, random_state=0, learning_rate_init=0.02, tol=1e-3)
    clf.fit(X, y)
    result = permutation_importance(clf, X, y, random_state=0)
    assert result.importances.shape == (2, 5)
    assert result.importances_mean[0] > 0.2 > result.importances_mean[1]


def test_wrong_parameters_of_permutation_are_refused(by_first_channel):
    with pytest.raises(ValueError, match="by must be"):
        permutation_importance(FirstChannel(), *by_first_channel, by="sample")
    with pytest.raises(ValueError, match="n_repeats"):
        permutation_importance(FirstChannel(), *by_first_channel, n_repeats=0)
    with pytest.raises(ValueError, match=r"one number, got those of \['one', 'two'\]"):
        permutation_importance(
            FirstChannel(), *by_first_channel, scoring=lambda *_: {"one": 1.0, "two": 2.0}
        )
