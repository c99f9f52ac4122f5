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
from skrnn.core.losses import REGRESSION_LOSSES

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


def test_a_parameter_set_back_to_none_is_the_optimizers_own_again():
    X = make_X()
    y = label_sign(X)
    plain, changed = (small(RNNClassifier).partial_fit(X, y, classes=[0, 1]) for _ in range(2))
    changed.set_params(beta_2=0.5, learning_rate_init=1e-300).partial_fit(X, y)
    assert changed._optimizer[1].beta_2 == 0.5
    changed.set_params(beta_2=None).partial_fit(X, y)
    assert changed._optimizer[1].beta_2 == plain._optimizer[1].beta_2 == 0.999


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


# --- parameters set after fit --------------------------------------------------------------------


def flat(X):
    return X.reshape(len(X), -1)


@pytest.mark.parametrize("cls", ESTIMATORS)
@pytest.mark.parametrize(
    "parameters",
    [
        {"n_channels": 4},
        {"return_sequences": True},
        {"readout": "mean"},
        {"hidden_layer_sizes": (3, 3)},
        {"cell": "lstm"},
        {"bidirectional": True},
        {"frame_length": 2},
        {"embedding_dim": 2},
    ],
    ids=str,
)
def test_predictions_follow_the_fitted_values(cls, parameters):
    X = flat(make_X())
    y = label_sign(make_X())
    est = small(cls, n_channels=2).fit(X, y)
    predicted, score = est.predict(X), est.score(X, y)
    est.set_params(**parameters)
    np.testing.assert_array_equal(est.predict(X), predicted)
    assert est.score(X, y) == score


@pytest.mark.parametrize("loss", REGRESSION_LOSSES)
def test_a_loss_set_after_fit_changes_no_prediction(loss):
    X = make_X()
    y = np.exp(X[:, -1, 0])
    est = small(RNNRegressor, loss="poisson").fit(X, y)
    predicted = est.predict(X)
    est.set_params(loss=loss, normalize_y=False, quantile=0.9)
    np.testing.assert_array_equal(est.predict(X), predicted)


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ({"n_channels": 2}, {"n_channels": 4}, "n_channels=4, but the network was fitted with 2"),
        ({"loss": "poisson"}, {"loss": "squared_error"}, "loss='squared_error' and normalize_y"),
        ({}, {"loss": "gamma"}, "would predict on another scale"),
        ({}, {"normalize_y": False}, "normalize_y=False the network would predict on another"),
        ({}, {"hidden_layer_sizes": 5}, "shape the weights"),
        ({}, {"alpha": -1.0}, "'alpha' parameter of RNNRegressor must be"),
        ({}, {"batch_size": "x"}, "'batch_size' parameter of RNNRegressor must be"),
        ({}, {"max_iter": True}, "'max_iter' parameter of RNNRegressor must be"),
    ],
)
def test_what_does_not_fit_the_network_cannot_go_on(before, after, message, method):
    X = flat(make_X())
    y = np.exp(X[:, 0])
    est = small(RNNRegressor, warm_start=True, **before).fit(X, y)
    predicted = est.predict(X)
    est.set_params(**after)
    with pytest.raises(ValueError, match=message):
        getattr(est, method)(X, y)
    np.testing.assert_array_equal(est.predict(X), predicted)


@pytest.mark.parametrize("loss", ["absolute_error", "huber", "quantile"])
def test_another_loss_of_the_same_scale_goes_on(loss):
    X = make_X()
    est = small(RNNRegressor, warm_start=True).fit(X, X[:, 0, 0])
    assert est.set_params(loss=loss).fit(X, X[:, 0, 0]).n_iter_ == 10


# --- curves --------------------------------------------------------------------------------------

CURVES = [
    "loss_curve_",
    "grad_norm_curve_",
    "clip_rate_curve_",
    "update_ratio_curve_",
    "validation_loss_curve_",
    "validation_scores_",
]


def lengths_of_curves(est):
    return {len(getattr(est, name)) for name in CURVES}


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_curves_go_on_together_under_warm_start_and_early_stopping(cls):
    X = make_X(40)
    est = small(cls, warm_start=True, early_stopping=True, max_iter=3).fit(X, label_sign(X))
    first = {name: list(getattr(est, name)) for name in CURVES}
    est.fit(X, label_sign(X))
    assert est.n_iter_ == 6
    assert lengths_of_curves(est) == {6}
    for name, curve in first.items():
        assert getattr(est, name)[:3] == curve, name
        assert np.isfinite(getattr(est, name)).all(), name


def test_the_best_validation_loss_is_that_of_the_weights_that_are_restored():
    X = make_X(40)
    est = small(RNNRegressor, warm_start=True, early_stopping=True, max_iter=3)
    est.fit(X, X[:, -1, 0])
    est.set_params(learning_rate_init=0.5).fit(X, -100 * X[:, -1, 0])
    assert est.best_validation_loss_ == min(est.validation_loss_curve_[3:])
    best = 3 + int(np.argmin(est.validation_loss_curve_[3:]))
    assert est.best_validation_score_ == est.validation_scores_[best]


@pytest.mark.parametrize("validated", [(True, False), (False, True)])
def test_epochs_without_a_validation_set_have_nan(validated):
    X = make_X()
    y = label_sign(X)
    est = small(RNNClassifier, warm_start=True, max_iter=3)
    for with_set in validated:
        est.fit(X, y, **({"X_val": X, "y_val": y} if with_set else {}))
    assert lengths_of_curves(est) == {6}
    known = np.repeat(validated, 3)
    np.testing.assert_array_equal(np.isfinite(est.validation_loss_curve_), known)
    np.testing.assert_array_equal(np.isfinite(est.validation_scores_), known)
    assert (est.best_validation_loss_ is None) == (not validated[1])


def test_partial_fit_after_a_validated_fit_keeps_curves_of_one_length():
    X = make_X()
    y = label_sign(X)
    est = small(RNNClassifier).fit(X, y, X_val=X, y_val=y).partial_fit(X, y)
    assert lengths_of_curves(est) == {est.n_iter_}


def test_lbfgs_without_an_iteration_has_a_finite_loss():
    X = make_X()
    est = small(RNNRegressor, optimizer="lbfgs", tol=1e3).fit(X, X[:, -1, 0])
    assert est.n_iter_ == 0
    assert est.loss_ == est.best_loss_
    assert 0 < est.loss_ < 10
