"""Calls that go on from the weights of the call before: partial_fit and warm_start."""

from __future__ import annotations

import numpy as np
import pytest
from small_estimators import (
    ESTIMATORS,
    N_SAMPLES,
    STOCHASTIC,
    assert_same_weights,
    differ,
    label_sign,
    make_ragged,
    make_X,
    small,
    weights_of,
)

from skrnn import RNNClassifier, RNNRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.mark.parametrize("optimizer", STOCHASTIC)
@pytest.mark.parametrize("cls", ESTIMATORS)
def test_partial_fit_is_an_epoch_of_fit(cls, optimizer):
    X = make_ragged()
    y = label_sign(X)
    parameters = {"optimizer": optimizer, "batch_size": 7, "dropout": 0.2, "tol": 0.0}
    whole = small(cls, max_iter=4, **parameters).fit(X, y)
    step_by_step = small(cls, **parameters)
    for _ in range(4):
        if cls is RNNClassifier:
            step_by_step.partial_fit(X, y, classes=[0, 1])
        else:
            step_by_step.partial_fit(X, y)
    assert_same_weights(whole, step_by_step)
    assert step_by_step.loss_curve_ == whole.loss_curve_
    assert step_by_step.n_iter_ == 4
    assert step_by_step.t_ == whole.t_ == 4 * N_SAMPLES


def test_partial_fit_knows_classes_that_have_not_come_yet():
    X = make_X()
    classifier = small(RNNClassifier).partial_fit(X, label_sign(X), classes=[2, 0, 1])
    np.testing.assert_array_equal(classifier.classes_, [0, 1, 2])
    assert classifier.predict_proba(X).shape == (N_SAMPLES, 3)


def test_partial_fit_goes_on_from_fit():
    X = make_X()
    classifier = small(RNNClassifier).fit(X, label_sign(X))
    before = weights_of(classifier).copy()
    classifier.partial_fit(X, label_sign(X))
    assert not np.array_equal(weights_of(classifier), before)
    assert len(classifier.loss_curve_) == 6


def test_partial_fit_uses_the_parameters_of_now():
    X, y = make_X(), make_X()[:, -1, 0]
    regressor = small(RNNRegressor, optimizer="sgd").partial_fit(X, y)
    before = weights_of(regressor).copy()
    regressor.set_params(momentum=0.0, learning_rate_init=1e-300).partial_fit(X, y)
    np.testing.assert_array_equal(weights_of(regressor), before)


def test_partial_fit_keeps_the_scale_of_its_first_call():
    X = make_X()
    regressor = small(RNNRegressor).partial_fit(X, X[:, -1, 0])
    mean, scale = regressor._targets.location.copy(), regressor._targets.scale.copy()
    regressor.partial_fit(X, 1000 * X[:, -1, 0])
    np.testing.assert_array_equal(regressor._targets.location, mean)
    np.testing.assert_array_equal(regressor._targets.scale, scale)


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_warm_start_goes_on(cls):
    X = make_X()
    y = label_sign(X)
    estimator = small(cls, warm_start=True).fit(X, y)
    first = estimator.loss_curve_[0]
    estimator.fit(X, y)
    assert estimator.n_iter_ == len(estimator.loss_curve_) == 10
    assert estimator.loss_curve_[0] == first
    assert estimator.loss_curve_[5] < first


def test_without_warm_start_fit_starts_anew():
    X = make_X()
    classifier = small(RNNClassifier).fit(X, label_sign(X))
    before = weights_of(classifier).copy()
    classifier.fit(X, label_sign(X))
    np.testing.assert_array_equal(weights_of(classifier), before)
    assert classifier.n_iter_ == 5


def test_warm_start_heeds_changed_parameters():
    X, y = make_X(), label_sign(make_X())
    fits = []
    for changes in ({}, {"dropout": 0.5}, {"readout": "mean"}, {"bptt_steps": 1}):
        classifier = small(RNNClassifier, warm_start=True).fit(X, y)
        fits.append(classifier.set_params(**changes).fit(X, y))
    assert all(differ(fits[0], other) for other in fits[1:])
