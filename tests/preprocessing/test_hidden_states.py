"""The states of a network as features."""

from __future__ import annotations

import pytest
from numpy.testing import assert_allclose
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

from skrnn import RNNClassifier, RNNRegressor, inspection
from skrnn.inspection import hidden_states
from skrnn.preprocessing import HiddenStates, SequenceScaler

SHORT = {"max_iter": 5, "tol": 1e9, "n_iter_no_change": 1, "random_state": 0}


@pytest.fixture
def fitted(ragged):
    """Return a function that fits a classifier of given parameters on ragged sequences."""
    X, y = ragged

    def fit(**parameters):
        return RNNClassifier(**{"hidden_layer_sizes": 5, **SHORT, **parameters}).fit(X, y)

    return fit


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


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("readout", ["attention", ("last", "mean", "max"), ("max", "attention")])
def test_the_transformer_gives_what_the_output_layer_sees_of_any_read_out(
    fitted, ragged, readout, bidirectional
):
    X, y = ragged
    clf = fitted(readout=readout, bidirectional=bidirectional)
    transformer = HiddenStates(FrozenEstimator(clf)).fit(X, y)
    features = hidden_states(clf, X).features
    assert_allclose(transformer.transform(X), features, rtol=1e-12)
    assert len(set(transformer.get_feature_names_out())) == features.shape[1]


def test_weights_of_a_read_out_are_for_the_top_layer_only(fitted, ragged):
    X, y = ragged
    clf = fitted(hidden_layer_sizes=(5, 3), readout="attention")
    transformer = HiddenStates(FrozenEstimator(clf), layer=0).fit(X, y)
    h = hidden_states(clf, X).layers[0].h
    assert_allclose(transformer.transform(X), [x[-1] for x in h], rtol=1e-12)


def test_blocks_do_not_change_the_features(fitted, ragged, monkeypatch):
    transformer = HiddenStates(FrozenEstimator(fitted())).fit(*ragged)
    whole = transformer.transform(ragged[0])
    monkeypatch.setattr("skrnn.preprocessing._hidden_states.BLOCK", 5)
    assert_allclose(transformer.transform(ragged[0]), whole, rtol=1e-12)


def test_a_transformer_of_another_estimator_is_refused():
    states = HiddenStates(LogisticRegression())
    with pytest.raises(TypeError, match="got LogisticRegression"):
        states.fit([[0.0], [1.0]], [0, 1])


def test_the_transformer_is_found_under_its_older_name():
    assert inspection.HiddenStates is HiddenStates
