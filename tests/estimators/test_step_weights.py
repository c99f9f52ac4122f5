"""Weights of single time steps."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import clone
from sklearn.metrics import accuracy_score, log_loss, r2_score
from sklearn.model_selection import GridSearchCV, KFold, cross_validate
from sklearn.pipeline import make_pipeline
from small_estimators import (
    ESTIMATORS,
    N_SAMPLES,
    assert_same_weights,
    differ,
    make_ragged,
    make_X,
    small,
)

from skrnn import RNNClassifier, RNNRegressor
from skrnn.estimators._training import make_objective
from skrnn.inspection import permutation_importance
from skrnn.metrics import score_steps, step_scorer
from skrnn.preprocessing import SequenceScaler

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning",
    "ignore::skrnn.core.training.NotLearntWarning",
)


def task(ragged=True):
    """Sequences, targets 0 and 1 at every step, and weights 0, 1, 2 or 3 of every step."""
    X = make_ragged() if ragged else list(make_X())
    rng = np.random.default_rng(3)
    y = [(x[:, 0] > 0).astype(float) for x in X]
    weight = [rng.integers(0, 4, len(x)).astype(float) for x in X]
    weight[0][0] = weight[1][0] = 1
    return X, y, weight


def repeated(X, y, weight):
    """Return every sequence as often as its heaviest step weighs, with targets so often."""
    repeats = [
        (x, np.where(own > k, targets, np.nan))
        for x, targets, own in zip(X, y, weight, strict=True)
        for k in range(int(own.max()))
    ]
    return [list(part) for part in zip(*repeats, strict=True)]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("cls", ESTIMATORS)
def test_a_weight_is_a_repetition_of_the_target(cls, dtype):
    X, y, weight = task()
    X = [x.astype(dtype) for x in X]
    estimator = small(cls, return_sequences=True).fit(X, y)
    tolerance = 1e-10 if dtype is np.float64 else 1e-4

    def loss_and_gradient(*data):
        read = estimator._read_data(*data, goes_on=True).scaled()
        objective = make_objective(estimator.network_, read, 1e-2, full_batch=False)
        return objective(np.arange(read.n_samples), None)

    value, gradient, total = loss_and_gradient(X, y, weight)
    expected_value, expected, expected_total = loss_and_gradient(*repeated(X, y, weight), None)
    assert total == pytest.approx(expected_total, rel=1e-6)
    assert value == pytest.approx(expected_value, rel=tolerance)
    np.testing.assert_allclose(gradient, expected, rtol=tolerance, atol=tolerance)
    assert np.abs(gradient).max() > 1e-3


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_a_full_batch_fit_is_that_on_repeated_targets(cls):
    X, y, weight = task()
    estimator = small(cls, return_sequences=True, optimizer="lbfgs", max_iter=10)
    expected = clone(estimator).fit(*repeated(X, y, weight))
    np.testing.assert_allclose(
        estimator.fit(X, y, sample_weight=weight).network_.parameters.vector,
        expected.network_.parameters.vector,
        rtol=1e-5,
        atol=1e-6,
    )


FORMS = {
    "list": list,
    "lists": lambda weight: [own.tolist() for own in weight],
    "array of arrays": lambda weight: pd.Series(weight).to_numpy(),
    "Series": pd.Series,
    "cells": lambda weight: pd.DataFrame({"weight": weight}),
    "padded": lambda weight: np.stack(
        [np.r_[own, np.full(6 - len(own), np.nan)] for own in weight]
    ),
    "table": lambda weight: pd.DataFrame(
        [np.r_[own, np.full(6 - len(own), np.nan)] for own in weight]
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_fit_takes_every_form(form):
    X, y, weight = task()
    estimator = small(RNNClassifier, return_sequences=True)
    expected = clone(estimator).fit(X, y, sample_weight=weight)
    assert_same_weights(estimator.fit(X, y, sample_weight=FORMS[form](weight)), expected)
    assert differ(expected, clone(estimator).fit(X, y))


@pytest.mark.parametrize("backend_form", ["3-D", "list"])
@pytest.mark.parametrize("cls", ESTIMATORS)
def test_steps_that_weigh_alike_are_a_sample_of_that_weight_to_the_bit(cls, backend_form):
    X, y, _ = task(ragged=False)
    X, y = (np.stack(X), np.stack(y)) if backend_form == "3-D" else (X, y)
    weight = np.random.default_rng(0).integers(0, 4, N_SAMPLES).astype(float)
    estimator = small(cls, return_sequences=True, batch_size=7)
    expected = clone(estimator).fit(X, y, sample_weight=weight)
    estimator.fit(X, y, sample_weight=np.repeat(weight[:, None], 4, axis=1))
    assert_same_weights(estimator, expected)


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_weights_of_one_are_none_to_the_bit(cls):
    X, y, _ = task()
    estimator = small(cls, return_sequences=True)
    expected = clone(estimator).fit(X, y)
    assert_same_weights(estimator.fit(X, y, sample_weight=[np.ones(len(x)) for x in X]), expected)


def test_a_weight_multiplies_that_of_the_class():
    X, y, weight = task()
    class_weight = {0.0: 1.0, 1.0: 5.0}
    estimator = small(RNNClassifier, return_sequences=True, optimizer="lbfgs")
    both = clone(estimator).set_params(class_weight=class_weight).fit(X, y, sample_weight=weight)
    product = [own * np.where(t == 1, 5.0, 1.0) for own, t in zip(weight, y, strict=True)]
    one = clone(estimator).fit(X, y, sample_weight=product)
    np.testing.assert_allclose(
        both.network_.parameters.vector, one.network_.parameters.vector, rtol=1e-6, atol=1e-7
    )


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_the_score_is_weighted(cls):
    X, y, weight = task()
    estimator = small(cls, return_sequences=True).fit(X, y)
    metric = accuracy_score if cls is RNNClassifier else r2_score
    flat = [np.concatenate(part) for part in (y, estimator.predict(X), weight)]
    expected = metric(flat[0], flat[1], sample_weight=flat[2])
    assert estimator.score(X, y, sample_weight=weight) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_the_validation_set_is_weighted(cls):
    X, y, weight = task()
    estimator = small(cls, return_sequences=True)
    estimator.fit(X, y, X_val=X, y_val=y, sample_weight_val=weight)
    expected = estimator.score(X, y, sample_weight=weight)
    assert estimator.validation_scores_[-1] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_partial_fit_is_weighted(cls):
    X, y, weight = task()
    classes = {"classes": [0.0, 1.0]} if cls is RNNClassifier else {}
    one, other = small(cls, return_sequences=True), small(cls, return_sequences=True)
    one.partial_fit(X, y, sample_weight=weight, **classes)
    other.partial_fit(X, y, **classes)
    assert differ(one, other)
    gaps = [np.where(own > 0, t, np.nan) for own, t in zip(weight, y, strict=True)]
    third = small(cls, return_sequences=True)
    assert_same_weights(one, third.partial_fit(X, gaps, sample_weight=weight, **classes))


def test_step_scorers_are_weighted():
    X, y, weight = task()
    classifier = small(RNNClassifier, return_sequences=True).fit(X, y)
    flat_y, flat_weight = np.concatenate(y), np.concatenate(weight)
    proba = np.concatenate(list(classifier.predict_proba(X)))
    expected = -log_loss(flat_y, proba, sample_weight=flat_weight)
    scorer = step_scorer("neg_log_loss")
    assert scorer(classifier, X, y, sample_weight=weight) == pytest.approx(expected)
    several = step_scorer(["accuracy", "neg_log_loss"])(classifier, X, y, sample_weight=weight)
    assert several["accuracy"] == pytest.approx(classifier.score(X, y, sample_weight=weight))
    y_pred = classifier.predict(X)
    assert several["accuracy"] == pytest.approx(
        score_steps(accuracy_score, y, y_pred, sample_weight=weight)
    )


@pytest.mark.parametrize("form", FORMS)
def test_cross_validation_splits_them(form):
    X, y, weight = task()
    given = FORMS[form](weight)
    classifier = small(RNNClassifier, return_sequences=True)
    X_frame = pd.Series(X).to_numpy()
    with sklearn.config_context(enable_metadata_routing=True):
        classifier.set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        results = cross_validate(
            classifier,
            X_frame,
            y,
            cv=KFold(3),
            params={"sample_weight": given},
            return_estimator=True,
            error_score="raise",
        )
    for (train, test), estimator, score in zip(
        KFold(3).split(X), results["estimator"], results["test_score"], strict=True
    ):
        parts = [[one[i] for i in train] for one in (X, y, weight)]
        expected = clone(classifier).fit(parts[0], parts[1], sample_weight=parts[2])
        assert_same_weights(estimator, expected)
        parts = [[one[i] for i in test] for one in (X, y, weight)]
        assert score == pytest.approx(expected.score(parts[0], parts[1], sample_weight=parts[2]))


@pytest.mark.parametrize("form", ["list", "padded", "cells"])
def test_a_search_over_a_pipeline_splits_them(form):
    X, y, weight = task()
    pipeline = make_pipeline(SequenceScaler(), small(RNNClassifier, return_sequences=True))
    search = GridSearchCV(pipeline, {"rnnclassifier__cell": ["rnn"]}, cv=KFold(3))
    search.fit(X, y, rnnclassifier__sample_weight=FORMS[form](weight))
    expected = clone(pipeline).set_params(rnnclassifier__cell="rnn")
    expected.fit(X, y, rnnclassifier__sample_weight=weight)
    assert_same_weights(search.best_estimator_[-1], expected[-1])


def test_a_search_with_routed_metadata_and_a_step_scorer():
    X, y, weight = task()
    with sklearn.config_context(enable_metadata_routing=True):
        classifier = small(RNNClassifier, return_sequences=True).set_fit_request(sample_weight=True)
        pipeline = make_pipeline(SequenceScaler().set_fit_request(sample_weight=False), classifier)
        scoring = step_scorer("accuracy").set_score_request(sample_weight=True)
        grid = {"rnnclassifier__cell": ["rnn", "gru"]}
        search = GridSearchCV(pipeline, grid, cv=KFold(3), scoring=scoring, error_score="raise")
        search.fit(X, y, sample_weight=weight)
    assert 0 < search.best_score_ <= 1


def test_a_pipeline_routes_them_to_its_scaler_too():
    X, y, weight = task()
    with sklearn.config_context(enable_metadata_routing=True):
        pipeline = make_pipeline(
            SequenceScaler().set_fit_request(sample_weight=True),
            small(RNNClassifier, return_sequences=True).set_fit_request(sample_weight=True),
        ).fit(X, y, sample_weight=weight)
    flat = np.concatenate(X), np.concatenate(weight)
    center = np.average(flat[0], axis=0, weights=flat[1])
    np.testing.assert_allclose(pipeline[0].center_, center)


def test_permutation_importance_is_weighted():
    X, y, weight = task()
    regressor = small(RNNRegressor, return_sequences=True, max_iter=60).fit(X, y)
    one = permutation_importance(regressor, X, y, random_state=0, sample_weight=weight)
    other = permutation_importance(regressor, X, y, random_state=0)
    assert one.importances[0].mean() > 0
    assert not np.allclose(one.importances, other.importances)


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_without_step_targets_they_are_refused(cls):
    with pytest.raises(ValueError, match=r"a weight for every time step.*return_sequences=False"):
        small(cls).fit(make_X(), np.arange(N_SAMPLES) % 2, sample_weight=np.ones((N_SAMPLES, 4)))


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_without_step_targets_the_score_refuses_them(cls):
    X, y = make_X(), np.arange(N_SAMPLES) % 2
    with pytest.raises(ValueError, match=r"a weight for every time step.*return_sequences=False"):
        small(cls).fit(X, y).score(X, y, sample_weight=[[1.0] * 4] * N_SAMPLES)


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_the_sequence_with_too_few_weights_is_named(cls):
    X, y, weight = task()
    weight[5] = np.r_[weight[5], 1.0]
    with pytest.raises(ValueError, match=rf"sample_weight\[5\] has weights for {len(weight[5])}"):
        small(cls, return_sequences=True).fit(X, y, sample_weight=weight)


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_weights_that_are_all_zero_are_refused(cls):
    X, y, weight = task()
    with pytest.raises(ValueError, match="All sample weights are zero"):
        small(cls, return_sequences=True).fit(X, y, sample_weight=[0 * own for own in weight])


def test_weights_of_the_validation_set_are_named_as_such():
    X, y, weight = task()
    with pytest.raises(ValueError, match=r"In the validation set .*sample_weight\[0\] has weights"):
        small(RNNClassifier, return_sequences=True).fit(
            X, y, X_val=X, y_val=y, sample_weight_val=[weight[0][:0], *weight[1:]]
        )
