"""Targets at every time step."""

from __future__ import annotations

import numpy as np
import pytest
from small_estimators import N_SAMPLES, make_ragged, make_X, running, small

from skrnn import RNNClassifier, RNNRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


STEP_TASKS = {
    "labels": (RNNClassifier, lambda x: np.where(x[:, 0] > 0, "up", "down"), (), "U"),
    "multilabel": (RNNClassifier, lambda x: (x > 0).astype(int), (2,), "i"),
    "numbers": (RNNRegressor, lambda x: x[:, 0] - x[:, 1], (), "f"),
    "several numbers": (RNNRegressor, lambda x: 3 * x, (2,), "f"),
}


@pytest.mark.parametrize("task", STEP_TASKS)
def test_equal_step_targets(task):
    cls, as_steps, outputs, kind = STEP_TASKS[task]
    X = make_X()
    y = np.stack(running(X, as_steps))
    estimator = small(cls, return_sequences=True, max_iter=150).fit(X, y)
    y_pred = estimator.predict(X)
    assert y_pred.shape == (N_SAMPLES, 4, *outputs) == y.shape
    assert y_pred.dtype.kind == kind
    assert estimator.score(X, y) > 0.9


@pytest.mark.parametrize("task", STEP_TASKS)
def test_ragged_step_targets(task):
    cls, as_steps, outputs, kind = STEP_TASKS[task]
    X = make_ragged()
    y = running(X, as_steps)
    estimator = small(cls, return_sequences=True, max_iter=150).fit(X, y)
    y_pred = estimator.predict(X)
    assert y_pred.shape == (N_SAMPLES,)
    assert [steps.shape for steps in y_pred] == [(len(x), *outputs) for x in X]
    assert {steps.dtype.kind for steps in y_pred} == {kind}
    assert estimator.score(X, y) > 0.9


def test_step_probabilities():
    X = make_ragged()
    y = running(X, lambda x: np.digitize(x[:, 0], [-0.5, 0.5]))
    classifier = small(RNNClassifier, return_sequences=True).fit(X, y)
    for method in (classifier.predict_proba, classifier.decision_function):
        assert [steps.shape for steps in method(X)] == [(len(x), 3) for x in X]
    proba, log_proba = classifier.predict_proba(X), classifier.predict_log_proba(X)
    np.testing.assert_allclose(np.exp(np.concatenate(log_proba)), np.concatenate(proba))


def test_binary_step_decisions_are_one_number_a_step():
    X = make_X()
    y = (X[:, :, 0] > 0).astype(int)
    classifier = small(RNNClassifier, return_sequences=True).fit(X, y)
    assert classifier.decision_function(X).shape == y.shape
    assert classifier.predict_proba(X).shape == (*y.shape, 2)


def test_the_form_of_step_answers_follows_X_and_not_the_lengths():
    X = make_ragged()
    regressor = small(RNNRegressor, return_sequences=True)
    regressor.fit(X, running(X, lambda x: x[:, 0]))
    equal = [x for x in X if len(x) == len(X[0])]
    assert regressor.predict(equal).shape == (len(equal),)
    assert regressor.predict(np.stack(equal)).shape == (len(equal), len(X[0]))


def test_step_score_weighs_every_step_of_a_sample():
    X = make_ragged()
    y = running(X, lambda x: (x[:, 0] > 0).astype(int))
    classifier = small(RNNClassifier, return_sequences=True).fit(X, y)
    weight = np.arange(N_SAMPLES)
    right = np.array([np.sum(a == b) for a, b in zip(classifier.predict(X), y, strict=True)])
    lengths = np.array([len(x) for x in X])
    expected = np.sum(weight * right) / np.sum(weight * lengths)
    assert classifier.score(X, y, sample_weight=weight) == pytest.approx(expected)


def test_the_loss_of_steps_is_their_sum_over_their_number():
    """With all weights zero every step is a coin toss, whatever the lengths."""
    X = make_ragged()
    y = running(X, lambda x: (x[:, 0] > 0).astype(int))
    classifier = small(
        RNNClassifier,
        return_sequences=True,
        init="zeros",
        recurrent_init="zeros",
        max_iter=1,
        batch_size=24,
    ).fit(X, y)
    assert classifier.loss_ == pytest.approx(np.log(2))
