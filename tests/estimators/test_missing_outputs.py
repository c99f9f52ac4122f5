"""Targets of several outputs of which single ones are missing."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.metrics import r2_score
from sklearn.model_selection import KFold, cross_val_score
from small_estimators import (
    N_SAMPLES,
    assert_same_weights,
    differ,
    make_X,
    small,
)

from skrnn import RNNClassifier, RNNRegressor
from skrnn.core.losses import REGRESSION_LOSSES, BaseLoss
from skrnn.estimators._outcome import losses_of
from skrnn.estimators._training import make_objective
from skrnn.inspection import diagnose
from skrnn.metrics import step_scorer

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning",
    "ignore::skrnn.core.training.NotLearntWarning",
)


def task(cls, per_step=False, n_samples=N_SAMPLES):
    """Return sequences, targets of two outputs, and those with single ones missing."""
    X = make_X(n_samples)
    y = X if per_step else X[:, -1]
    y = (y > 0).astype(float) if cls is RNNClassifier else np.exp(y)
    gaps = y.copy()
    gaps[::2, ..., 0], gaps[1::4, ..., 1] = np.nan, np.nan
    if per_step:
        gaps[3], gaps[4, 1] = np.nan, np.nan
    return X, y, gaps


CASES = [(cls, steps) for cls in (RNNClassifier, RNNRegressor) for steps in (False, True)]
cases = pytest.mark.parametrize(
    ("cls", "per_step"), CASES, ids=["labels", "labels a step", "numbers", "numbers a step"]
)


@cases
def test_they_are_learnt(cls, per_step):
    X, y, gaps = task(cls, per_step, 100)
    estimator = small(cls, return_sequences=per_step, hidden_layer_sizes=16, max_iter=60)
    assert estimator.fit(X, gaps).score(X, y) > 0.8
    assert estimator.predict(X).shape == y.shape
    assert np.isfinite(estimator.predict(X)).all()


@cases
def test_what_stands_for_a_missing_one_leaves_no_trace(cls, per_step):
    X, y, gaps = task(cls, per_step)
    estimator = small(cls, return_sequences=per_step, batch_size=5)
    objects = gaps.astype(object)
    objects[np.isnan(gaps)] = None
    assert_same_weights(clone(estimator).fit(X, objects), estimator.fit(X, gaps))
    assert differ(estimator, clone(estimator).fit(X, y))


@cases
def test_loss_and_gradient_are_the_means_over_what_is_there(cls, per_step):
    X, y, gaps = task(cls, per_step)
    estimator = small(cls, return_sequences=per_step).fit(X, y)
    data = estimator._read_data(X, gaps, None, goes_on=True).scaled()
    value, gradient, weight = make_objective(estimator.network_, data, 0.0, full_batch=False)(
        np.arange(N_SAMPLES), None
    )
    there = np.isfinite(gaps).reshape(-1, 2)
    raw, full = (
        estimator._raw_prediction(data.sequences),
        estimator._read_data(X, y, None, goes_on=True).scaled(),
    )
    loss = estimator._make_loss()
    total = sum(
        loss(raw[rows][:, [k]], full.y[rows][:, [k]], np.ones(rows.sum()))[0]
        for k, rows in enumerate(there.T)
    )
    by_row = 1 if cls is RNNClassifier else 2  # labels add up, numbers are averaged
    assert weight == pytest.approx(there.sum() / 2)
    assert value == pytest.approx(total / by_row / weight, rel=1e-10)
    step = 1e-6 * np.random.default_rng(0).normal(size=gradient.shape)
    vector = estimator.network_.parameters.vector
    objective = make_objective(estimator.network_, data, 0.0, full_batch=False)
    vector += step
    above = objective(np.arange(N_SAMPLES), None)[0]
    vector -= 2 * step
    below = objective(np.arange(N_SAMPLES), None)[0]
    assert above - below == pytest.approx(2 * gradient @ step, rel=1e-5)


@pytest.mark.parametrize("loss", REGRESSION_LOSSES)
def test_every_loss_leaves_them_out(loss):
    X, _y, gaps = task(RNNRegressor)
    regressor = small(RNNRegressor, loss=loss)
    fitted = clone(regressor).fit(X, gaps)
    garbage = np.where(np.isnan(gaps), np.nanmin(gaps, axis=0), gaps)
    assert differ(fitted, clone(regressor).fit(X, garbage))
    assert np.isfinite(fitted.predict(X)).all()


def test_an_output_is_scaled_by_its_own_targets():
    X, _, gaps = task(RNNRegressor)
    scale = small(RNNRegressor).fit(X, 1e3 * gaps)._targets.target_scale
    np.testing.assert_allclose(scale.location, np.nanmean(1e3 * gaps, axis=0))
    np.testing.assert_allclose(scale.divisor, np.nanstd(1e3 * gaps, axis=0))


def test_the_scale_of_calls_that_go_on_knows_what_was_missing():
    X, _, gaps = task(RNNRegressor)
    gaps[:12, 1] = np.where(np.isnan(gaps[:12, 1]), np.nan, 4.0)  # constant at first
    regressor = small(RNNRegressor).partial_fit(X[:12], gaps[:12])
    assert (regressor.predict(X)[:, 1] == 4.0).all()
    regressor.partial_fit(X[12:], gaps[12:])
    scale = regressor._targets.target_scale
    np.testing.assert_allclose(scale.location[1], np.nanmean(gaps[:, 1]))
    np.testing.assert_allclose(scale.location[0], np.nanmean(gaps[:12, 0]))


@pytest.mark.parametrize("per_step", [False, True])
def test_r2_is_the_mean_over_outputs_of_what_is_there(per_step):
    X, y, gaps = task(RNNRegressor, per_step)
    regressor = small(RNNRegressor, return_sequences=per_step).fit(X, y)
    y_pred, there = regressor.predict(X), np.isfinite(gaps)
    weight = np.random.default_rng(0).uniform(size=N_SAMPLES)
    of_rows = np.broadcast_to(weight[:, None], X.shape[:2]) if per_step else weight
    expected = np.mean(
        [
            r2_score(
                y[..., k][there[..., k]],
                y_pred[..., k][there[..., k]],
                sample_weight=of_rows[there[..., k]],
            )
            for k in range(2)
        ]
    )
    assert regressor.score(X, gaps, sample_weight=weight) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("per_step", [False, True])
def test_a_row_is_right_if_all_labels_that_are_known_are(per_step):
    X, y, gaps = task(RNNClassifier, per_step)
    classifier = small(RNNClassifier, return_sequences=per_step).fit(X, y)
    right = ((classifier.predict(X) == gaps) | np.isnan(gaps)).all(axis=-1)
    known = np.isfinite(gaps).any(axis=-1)
    assert classifier.score(X, gaps) == pytest.approx(right[known].mean())


def test_class_weights_of_labels_that_are_missing_are_one():
    X, _y, gaps = task(RNNClassifier)
    classifier = small(RNNClassifier, class_weight=[{1: 3.0}, {1: 7.0}], optimizer="lbfgs")
    expected = np.nan_to_num(np.where(gaps == 1, [3.0, 7.0], 1.0), nan=1.0).prod(axis=1)
    data = classifier._read_data(X, gaps, None, goes_on=False).with_target_weights()
    np.testing.assert_array_equal(data.row_weight(), expected)


def test_balanced_weights_count_the_labels_of_each_output():
    X, _, gaps = task(RNNClassifier)
    gaps[:, 1] = np.where(np.isnan(gaps[:, 1]), np.nan, np.arange(N_SAMPLES) % 3 == 0)
    data = small(RNNClassifier, class_weight="balanced")._read_data(X, gaps, None, goes_on=False)
    expected = np.ones(N_SAMPLES)
    for column in gaps.T:
        for label in (0, 1):
            share = np.isfinite(column).sum() / (2 * (column == label).sum())
            expected[column == label] *= share
    np.testing.assert_allclose(data.with_target_weights().row_weight(), expected)


@cases
def test_a_validation_set_may_have_them(cls, per_step):
    X, y, gaps = task(cls, per_step)
    estimator = (
        small(cls, return_sequences=per_step, class_weight="balanced")
        if (cls is RNNClassifier)
        else small(cls, return_sequences=per_step)
    )
    estimator.fit(X, y, X_val=X, y_val=gaps)
    if cls is RNNRegressor:
        assert estimator.validation_scores_[-1] == pytest.approx(estimator.score(X, gaps))
        data = estimator._read_data(X, gaps, None, goes_on=True).scaled()
        expected, _ = losses_of(estimator, data)
        assert estimator.validation_loss_curve_[-1] == pytest.approx(expected)
    assert np.isfinite(estimator.validation_loss_curve_).all()


@cases
def test_early_stopping_and_searches_take_them(cls, per_step):
    X, _, gaps = task(cls, per_step, 60)
    estimator = small(cls, return_sequences=per_step, early_stopping=True)
    scores = cross_val_score(estimator, X, gaps, cv=KFold(3), error_score="raise")
    assert np.isfinite(scores).all()


@cases
def test_diagnosis_leaves_them_out(cls, per_step):
    X, _, gaps = task(cls, per_step)
    estimator = small(cls, return_sequences=per_step, max_iter=20).fit(X, gaps)
    measured = diagnose(estimator, X, gaps, try_remedies=False).measurements
    data = estimator._read_data(X, gaps, None, goes_on=True).scaled()
    network_loss, constant_loss = losses_of(estimator, data)
    assert measured["skill"] == pytest.approx(1 - network_loss / constant_loss, rel=1e-6)
    if cls is RNNClassifier:
        known = np.isfinite(gaps).any(axis=-1)
        assert 0 <= measured["score"] <= 1
        assert known.any()
    assert measured["score"] == pytest.approx(estimator.score(X, gaps), abs=1e-9)


def test_equal_samples_with_other_gaps_are_not_merged():
    X, y = np.repeat(make_X(1), 6, axis=0), np.ones((6, 2))
    y[3:, 1] = np.nan
    data = small(RNNRegressor)._read_data(X, y, None, goes_on=False).prepared(shuffle=True)
    assert data.n_samples == 2
    assert data.loss_weight().sum() == 9


def test_frames_of_nullable_numbers():
    X, _y, gaps = task(RNNClassifier)
    frame = pd.DataFrame(gaps).astype("Int64")
    expected = small(RNNClassifier).fit(X, gaps)
    assert_same_weights(small(RNNClassifier).fit(X, frame), expected)
    assert expected.classes_.tolist() == [0, 1]


@pytest.mark.parametrize("cls", [RNNClassifier, RNNRegressor])
def test_a_sample_without_any_target_is_named(cls):
    X, _, gaps = task(cls)
    gaps[7] = np.nan
    for call in (small(cls).fit, small(cls).fit(X[8:], gaps[8:]).score):
        with pytest.raises(ValueError, match=r"no target at sample 7 \(.*nan.*Leave out"):
            call(X, gaps)


@cases
def test_an_output_without_any_target_is_named(cls, per_step):
    X, _, gaps = task(cls, per_step)
    gaps = np.where(np.isnan(gaps[..., :1]), 1.0, gaps)
    gaps[..., 1] = np.nan
    gaps[..., 0] = np.where(np.isnan(gaps[..., 0]), 0.0, gaps[..., 0])
    estimator = small(cls, return_sequences=per_step)
    with pytest.raises(ValueError, match="Output 1 of y has no target at all"):
        estimator.fit(X, gaps)
    assert not hasattr(estimator, "network_")


def test_a_later_call_may_miss_an_output():
    X, y, _ = task(RNNRegressor)
    regressor = small(RNNRegressor).partial_fit(X, y)
    before = regressor.network_.parameters["output.W"].copy()
    y[:, 1] = np.nan
    after = regressor.partial_fit(X, y).network_.parameters["output.W"]
    assert not np.array_equal(after[:, 0], before[:, 0])
    assert np.isfinite(after).all()


class OfRows(BaseLoss):
    """Weighs rows only."""

    def __call__(self, raw_prediction, y, sample_weight):
        error = raw_prediction - y
        weight = (sample_weight / error.shape[1])[:, np.newaxis]
        return float((0.5 * error * error * weight).sum()), error * weight


def test_a_loss_of_the_users_own_that_cannot_is_refused():
    X, y, gaps = task(RNNRegressor)
    regressor = small(RNNRegressor, loss=OfRows())
    with pytest.raises(ValueError, match=r"single outputs are missing, and .*OfRows.* cannot"):
        regressor.fit(X, gaps)
    assert np.isfinite(regressor.fit(X, y).predict(X)).all()


def test_scorers_of_steps_refuse_them():
    X, y, gaps = task(RNNRegressor, per_step=True)
    regressor = small(RNNRegressor, return_sequences=True).fit(X, gaps)
    with pytest.raises(ValueError, match="for some of its outputs only at sample 0, time step 0"):
        step_scorer("r2")(regressor, X, gaps)
    whole = np.where(np.isnan(gaps).any(axis=-1, keepdims=True), np.nan, y)
    assert step_scorer("r2")(regressor, X, whole) == pytest.approx(regressor.score(X, whole))


def test_several_multiclass_outputs_stay_refused():
    y = np.array([["a", None], ["b", "c"], ["c", "a"]] * 8, dtype=object)
    with pytest.raises(ValueError, match=r"several columns of more than two classes|multioutput"):
        small(RNNClassifier).fit(make_X(), y)
