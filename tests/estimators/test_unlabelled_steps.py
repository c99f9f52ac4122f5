"""Time steps without a target: they add no loss and no score."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score
from sklearn.pipeline import make_pipeline
from small_estimators import (
    ESTIMATORS,
    N_SAMPLES,
    assert_same_weights,
    differ,
    make_ragged,
    make_X,
    running,
    small,
)

from skrnn import RNNClassifier, RNNRegressor
from skrnn.estimators._outcome import losses_of
from skrnn.estimators._training import make_objective
from skrnn.inspection import diagnose, gradient_flow, unrolled
from skrnn.preprocessing import SequenceScaler

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning",
    "ignore::skrnn.core.training.NotLearntWarning",
)

# Labels of every kind, and numbers: (estimator, targets of a sequence, what stands for none).
TASKS = {
    "two texts": (RNNClassifier, lambda x: np.where(x[:, 0] > 0, "up", "down"), None),
    "three texts": (
        RNNClassifier,
        lambda x: np.array(list("abc"))[np.digitize(x[:, 0], [-1, 1])],
        None,
    ),
    "booleans": (RNNClassifier, lambda x: x[:, 0] > 0, pd.NA),
    "integers": (RNNClassifier, lambda x: (x[:, 0] > 0).astype(int), pd.NaT),
    "floats": (RNNClassifier, lambda x: (x[:, 0] > 0).astype(float), np.nan),
    "multilabel": (RNNClassifier, lambda x: (x > 0).astype(int), np.nan),
    "numbers": (RNNRegressor, lambda x: 5 + x[:, 0] - x[:, 1], np.nan),
    "several numbers": (RNNRegressor, lambda x: 3 * x, None),
}


def task_of(name, X):
    """Return the estimator, all targets, those with gaps, and where a target is."""
    cls, as_steps, nothing = TASKS[name]
    rng = np.random.default_rng(2)
    y = running(X, as_steps)
    there = [rng.random(len(x)) < 0.5 for x in X]
    there[0][0], there[1][:] = True, False  # a sequence without any
    gaps = []
    for targets, known in zip(y, there, strict=True):
        dtype = float if nothing is np.nan else object
        with_gaps = targets.astype(dtype)
        with_gaps[~known] = nothing
        gaps.append(with_gaps)
    return cls, y, gaps, there


def labelled_alone(X, y, there):
    """Return flat targets of the labelled steps."""
    return np.concatenate([targets[known] for targets, known in zip(y, there, strict=True)])


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
@pytest.mark.parametrize("task", TASKS)
def test_a_step_without_a_target_is_one_without_weight_to_the_bit(task, optimizer):
    X = make_ragged()
    cls, y, gaps, there = task_of(task, X)
    estimator = small(cls, return_sequences=True, optimizer=optimizer)
    expected = clone(estimator).fit(X, y, sample_weight=there)
    fitted = estimator.fit(X, gaps)
    assert_same_weights(fitted, expected)
    assert fitted.loss_curve_ == expected.loss_curve_


@pytest.mark.parametrize("task", TASKS)
def test_the_form_of_predictions_does_not_change(task):
    X = make_ragged()
    cls, y, gaps, _ = task_of(task, X)
    full = small(cls, return_sequences=True).fit(X, y).predict(X)
    answers = small(cls, return_sequences=True).fit(X, gaps).predict(X)
    assert [one.shape for one in answers] == [one.shape for one in full]
    assert {one.dtype.kind for one in answers} <= {"U", "O", "b", "i", "f"}


@pytest.mark.parametrize("task", [name for name in TASKS if TASKS[name][0] is RNNClassifier])
def test_classes_have_no_missing_one(task):
    X = make_ragged()
    _, y, gaps, _ = task_of(task, X)
    full = small(RNNClassifier, return_sequences=True).fit(X, y)
    fitted = small(RNNClassifier, return_sequences=True).fit(X, gaps)
    assert fitted.classes_.tolist() == full.classes_.tolist()
    if task != "two texts" and task != "three texts":
        assert fitted.classes_.dtype.kind == full.classes_.dtype.kind


@pytest.mark.parametrize("task", TASKS)
def test_the_score_is_that_of_the_labelled_steps(task):
    X = make_ragged()
    cls, y, gaps, there = task_of(task, X)
    estimator = small(cls, return_sequences=True).fit(X, y)
    y_pred = labelled_alone(X, estimator.predict(X), there)
    metric = accuracy_score if cls is RNNClassifier else r2_score
    expected = metric(labelled_alone(X, y, there), y_pred)
    assert estimator.score(X, gaps) == pytest.approx(expected, abs=1e-12)
    assert estimator.score(X, gaps) != pytest.approx(estimator.score(X, y), abs=1e-6)


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_a_sequence_without_any_target_adds_nothing(cls):
    X, y = make_X(), (make_X().cumsum(axis=1)[:, :, 0] > 0).astype(float)
    y[3] = np.nan
    others = np.arange(N_SAMPLES) != 3
    estimator = small(cls, return_sequences=True, batch_size=5)
    expected = clone(estimator).fit(X[others], y[others])
    assert_same_weights(estimator.fit(X, y), expected)


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_numbers_at_steps_without_a_target_leave_no_trace_in_the_scale(cls):
    X, y = make_X(), (make_X()[:, :, 0] > 0).astype(float)
    there = np.random.default_rng(0).random(y.shape) < 0.5
    garbage = np.where(there, y, 1 - y)
    estimator = small(cls, return_sequences=True, random_state=0)
    one = clone(estimator).fit(X, y, sample_weight=there.astype(float))
    assert_same_weights(one, estimator.fit(X, garbage, sample_weight=there.astype(float)))


def test_the_scale_of_the_target_is_that_of_the_labelled_steps():
    X = make_X()
    y = 100 + 7 * X[:, :, 0]
    y[:, ::2] = np.nan
    scale = small(RNNRegressor, return_sequences=True).fit(X, y)._targets.target_scale
    np.testing.assert_allclose(scale.location, np.nanmean(y))
    np.testing.assert_allclose(scale.divisor, np.nanstd(y))


def test_a_target_that_is_constant_where_it_is_known_is_predicted_as_it_is():
    X = make_X()
    y = np.full(X.shape[:2], np.nan)
    y[::3, 1] = 7.5
    regressor = small(RNNRegressor, return_sequences=True).fit(X, y)
    assert (regressor.predict(X) == 7.5).all()


def test_balanced_weights_count_labelled_steps_only():
    X = make_X()
    y = np.full(X.shape[:2], None)
    y[:, 0], y[:6, 1] = "often", "rare"
    balanced = small(RNNClassifier, return_sequences=True, class_weight="balanced").fit(X, y)
    n = N_SAMPLES + 6
    weights = {"often": n / (2 * N_SAMPLES), "rare": n / (2 * 6)}
    named = small(RNNClassifier, return_sequences=True, class_weight=weights).fit(X, y)
    np.testing.assert_allclose(
        balanced.network_.parameters.vector, named.network_.parameters.vector, atol=1e-12
    )
    assert differ(balanced, small(RNNClassifier, return_sequences=True).fit(X, y))


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_the_validation_set_counts_its_labelled_steps(cls):
    X = make_X()
    y = (X.cumsum(axis=1)[:, :, 0] > 0).astype(float)
    y_val = y.copy()
    y_val[::2, 1:] = np.nan
    there = np.isfinite(y_val).astype(float)
    estimator = small(cls, return_sequences=True)
    gaps = clone(estimator).fit(X, y, X_val=X, y_val=y_val)
    weighted = estimator.fit(X, y, X_val=X, y_val=y, sample_weight_val=there)
    assert gaps.validation_loss_curve_ == weighted.validation_loss_curve_
    np.testing.assert_allclose(gaps.validation_scores_, weighted.validation_scores_, atol=1e-12)
    assert gaps.validation_scores_[-1] == pytest.approx(gaps.score(X, y_val), abs=1e-12)


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_early_stopping_sets_aside_sequences_that_have_a_target(cls):
    X = make_X(60)
    y = (X[:, :, 0] > 0).astype(float)
    y[:55] = np.nan
    estimator = small(cls, return_sequences=True, early_stopping=True, validation_fraction=0.4)
    expected = clone(estimator).fit(X[55:], y[55:])
    assert estimator.fit(X, y).validation_loss_curve_ == expected.validation_loss_curve_


def test_a_single_labelled_step_in_the_validation_set_has_no_r2():
    X = make_X()
    y_val = np.full(X.shape[:2], np.nan)
    y_val[2, 3] = 1.0
    regressor = small(RNNRegressor, return_sequences=True)
    regressor.fit(X, X[:, :, 0], X_val=X, y_val=y_val)
    assert np.isnan(regressor.validation_scores_).all()
    assert np.isfinite(regressor.validation_loss_curve_).all()


@pytest.mark.parametrize(
    ("cls", "constant"),
    [(RNNClassifier, np.log(2)), (RNNRegressor, 0.5)],
    ids=["classes", "numbers"],
)
def test_the_constant_it_is_measured_against_knows_labelled_steps_only(cls, constant):
    X = make_X()
    y = np.full(X.shape[:2], np.nan)
    y[:, -1] = np.arange(N_SAMPLES) % 2
    estimator = small(cls, return_sequences=True).fit(X, y)
    data = estimator._read_data(X, y, None, goes_on=True).scaled()
    network_loss, constant_loss = losses_of(estimator, data)
    assert constant_loss == pytest.approx(constant, abs=1e-6)
    last = small(cls, return_sequences=True).fit(X, y, sample_weight=np.isfinite(y)).loss_curve_
    assert network_loss == pytest.approx(last[-1], rel=0.2)


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_partial_fit_takes_them(cls):
    X = make_X()
    y = (X[:, :, 0] > 0).astype(float)
    there = np.random.default_rng(0).random(y.shape) < 0.5
    classes = {"classes": [0.0, 1.0]} if cls is RNNClassifier else {}
    one, other = small(cls, return_sequences=True), small(cls, return_sequences=True)
    for rows in (slice(12), slice(12, None)):
        one.partial_fit(X[rows], np.where(there, y, np.nan)[rows], **classes)
        other.partial_fit(X[rows], y[rows], sample_weight=there[rows].astype(float), **classes)
    assert_same_weights(one, other)


@pytest.mark.parametrize("task", TASKS)
def test_loss_and_gradient_are_those_of_the_labelled_rows(task):
    X = make_ragged()
    cls, y, gaps, there = task_of(task, X)
    estimator = small(cls, return_sequences=True, alpha=0.0).fit(X, y)
    data = estimator._read_data(X, gaps, None, goes_on=True).scaled()
    whole = estimator._read_data(X, y, None, goes_on=True).scaled()
    value, gradient, weight = make_objective(estimator.network_, data, 0.0, full_batch=False)(
        np.arange(N_SAMPLES), None
    )
    known = np.concatenate(there)
    raw = estimator._raw_prediction(whole.sequences)
    total, _ = estimator._make_loss()(raw[known], whole.y[known], np.ones(known.sum()))
    assert weight == known.sum()
    assert value == pytest.approx(total / known.sum(), rel=1e-10)
    assert np.abs(gradient).max() > 0


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_equal_samples_with_other_gaps_are_not_merged(cls):
    X = np.repeat(make_X(2), 6, axis=0)
    y = np.repeat((make_X(2)[:, :, 0] > 0).astype(float), 6, axis=0)
    y[::2, 1] = np.nan
    data = small(cls, return_sequences=True)._read_data(X, y, None, goes_on=False)
    merged = data.prepared(shuffle=True)
    assert merged.n_samples == 4
    assert merged.weight.tolist() == [3, 3, 3, 3]
    assert merged.row_weight().sum() == np.isfinite(y).sum()


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_float32(cls):
    X = make_X().astype(np.float32)
    y = (X[:, :, 0] > 0).astype(np.float32)
    y[:, 1] = np.nan
    estimator = small(cls, return_sequences=True, max_iter=100).fit(X, y)
    assert estimator.network_.parameters.vector.dtype == np.float32
    assert estimator.score(X, y) > 0.8


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_no_target_at_all_is_an_error_that_leaves_no_trace(cls):
    X = make_X()
    y = np.full(X.shape[:2], np.nan)
    estimator = small(cls, return_sequences=True)
    with pytest.raises(ValueError, match="y has no target at all: every one is missing"):
        estimator.fit(X, y)
    assert not hasattr(estimator, "network_")
    fitted = estimator.fit(X, (X[:, :, 0] > 0).astype(float))
    with pytest.raises(ValueError, match="y has no target at all"):
        fitted.score(X, y)


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_labels_only_where_the_weight_is_zero_are_an_error(cls):
    X = make_X()
    y = np.full(X.shape[:2], np.nan)
    y[0] = [0, 1, 0, 1]
    weight = np.ones(N_SAMPLES)
    weight[0] = 0
    with pytest.raises(ValueError, match="All time steps that have a target weigh zero"):
        small(cls, return_sequences=True).fit(X, y, sample_weight=weight)


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_a_missing_target_of_a_whole_sequence_stays_an_error(cls):
    y = np.arange(N_SAMPLES) % 2.0
    y[5] = np.nan
    with pytest.raises(ValueError, match=r"no target at sample 5 \(.*nan.*\)\. Leave out"):
        small(cls).fit(make_X(), y)


@pytest.mark.parametrize("nothing", [None, np.nan, pd.NA], ids=str)
def test_a_missing_array_of_targets_is_named(nothing):
    X = make_ragged()
    y = [nothing, *(x[:, 0] > 0 for x in X[1:])]
    with pytest.raises(ValueError, match=rf"y\[0\] is {nothing}, but .*as many NaN or None"):
        small(RNNClassifier, return_sequences=True).fit(X, y)


@pytest.mark.parametrize("classes", [["a", None], [0.0, 1.0, np.nan]], ids=["None", "NaN"])
def test_a_missing_one_is_no_class_to_come(classes):
    X = make_X()
    y = np.full(X.shape[:2], classes[0])
    with pytest.raises(ValueError, match="classes has a missing one"):
        small(RNNClassifier, return_sequences=True).partial_fit(X, y, classes=classes)


def test_searches_and_pipelines_take_them():
    X = make_ragged()
    _, y, gaps, _ = task_of("two texts", X)
    pipeline = make_pipeline(SequenceScaler(), small(RNNClassifier, return_sequences=True))
    y = pd.Series(gaps)
    scores = cross_val_score(pipeline, X, gaps, cv=KFold(3))
    assert scores.shape == (3,)
    assert np.isfinite(scores).all()
    search = GridSearchCV(pipeline, {"rnnclassifier__cell": ["rnn", "gru"]}, cv=KFold(3))
    assert search.fit(X, y).best_score_ > 0


@pytest.mark.parametrize("task", TASKS)
def test_diagnosis_judges_labelled_steps_only(task):
    X = make_ragged()
    cls, _y, gaps, _there = task_of(task, X)
    estimator = small(cls, return_sequences=True, max_iter=20).fit(X, gaps)
    summary = diagnose(estimator, X, gaps, X_val=X, y_val=gaps, try_remedies=False).measurements
    assert summary["score"] == pytest.approx(estimator.score(X, gaps), abs=1e-9)
    assert summary["held_out_score"] == summary["score"]
    data = estimator._read_data(X, gaps, None, goes_on=True).scaled()
    network_loss, constant_loss = losses_of(estimator, data)
    assert summary["skill"] == pytest.approx(1 - network_loss / constant_loss, rel=1e-6)


def test_diagnosis_finds_a_class_that_is_rare_where_it_is_known():
    X = make_X(60)
    y = np.full(X.shape[:2], None)
    y[:, 0], y[:6, 1] = "often", "rare"
    classifier = small(RNNClassifier, return_sequences=True, max_iter=1).fit(X, y)
    report = diagnose(classifier, X, y, try_remedies=False)
    found = {finding.name: finding.evidence for finding in report}
    assert found["class imbalance"]["samples of the rarest class"] == 6
    assert found["class imbalance"]["imbalance"] == 10


def test_no_error_comes_from_unlabelled_steps():
    X = make_X()
    y = np.full(X.shape[:2], np.nan)
    y[:, :2] = X[:, :2, 0]
    flow = gradient_flow(small(RNNRegressor, return_sequences=True), X, y)
    assert (flow.loss_norms[:, :2] > 0).all()
    assert (flow.loss_norms[:, 2:] == 0).all()
    assert (flow.norms > 0).all()


def test_unrolled_losses_are_zero_at_unlabelled_steps():
    X = make_X()
    y = X[:, :, 0].copy()
    y[0, 1] = np.nan
    regressor = small(RNNRegressor, return_sequences=True).fit(X, y)
    net = unrolled(regressor, X, 0, y)
    assert net.step_losses[1] == 0
    assert (net.output.d_raw[1] == 0).all()
    assert (net.step_losses[[0, 2, 3]] > 0).all()


def test_few_labels_are_learnt_as_well_as_the_same_steps_cut_out():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 20, 1))
    y = (X.cumsum(axis=1)[:, :, 0] > 0).astype(float)
    test_X = rng.normal(size=(100, 20, 1))
    test_y = (test_X.cumsum(axis=1)[:, :, 0] > 0).astype(float)
    there = rng.random(y.shape) < 0.1
    parameters = {"random_state": 0, "learning_rate_init": 0.01, "max_iter": 60}
    gaps = RNNClassifier(16, return_sequences=True, **parameters)
    gaps.fit(X, np.where(there, y, np.nan))
    rows, steps = np.nonzero(there)
    cut = [X[row, : step + 1] for row, step in zip(rows, steps, strict=True)]
    by_hand = RNNClassifier(
        16, bidirectional=False, readout="last", frame_length=1, differences=False, **parameters
    ).fit(cut, y[there])
    prefixes = [x[: t + 1] for x in test_X for t in range(20)]
    expected = by_hand.score(prefixes, test_y.ravel())
    assert gaps.score(test_X, test_y) > expected - 0.02
    assert expected > 0.85


@pytest.mark.parametrize(
    "labels", [[True, False], [3, 7], ["up", "down"]], ids=["booleans", "integers", "texts"]
)
@pytest.mark.parametrize("per_step", [True, False], ids=["steps", "samples"])
def test_objects_of_which_none_is_missing_are_read_as_those_of_which_some_are(labels, per_step):
    X = np.arange(24.0).reshape(4, 3, 2)
    y = np.array(labels, dtype=object)[np.arange(12).reshape(4, 3) % 2]
    y = list(y) if per_step else y[:, 0]
    clf = small(RNNClassifier, max_iter=1, return_sequences=per_step).fit(X, y)
    assert clf.classes_.tolist() == sorted(labels)
    right = np.mean([np.equal(one, other) for one, other in zip(clf.predict(X), y, strict=True)])
    assert clf.score(X, y) == pytest.approx(right)
