"""Libraries of conformal prediction take the estimators, and X in every form that they pass on."""

import numpy as np
import pandas as pd
import pytest
from ragged_forms import object_array
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.pipeline import make_pipeline
from small_estimators import label_sign, small

from skrnn import RNNClassifier, RNNRegressor
from skrnn.metrics import coverage
from skrnn.preprocessing import SequenceScaler

N = 120
FIT, CONFORM, TEST = np.arange(40), np.arange(40, 80), np.arange(80, N)
SAMPLES = np.random.default_rng(0).normal(size=(N, 6, 2))
LENGTHS = np.random.default_rng(1).integers(3, 7, N)
Y = SAMPLES[:, 0, 0] + 0.3 * np.random.default_rng(2).normal(size=N)
LABELS = label_sign(SAMPLES[:, :1], ("low", "high"))


def ragged():
    return [sample[:length] for sample, length in zip(SAMPLES, LENGTHS, strict=True)]


def frame():
    columns = {f"c{k}": [sample[:, k] for sample in ragged()] for k in (0, 1)}
    return pd.DataFrame(columns, index=np.arange(N) + 7)


FORMS = {
    "2-D": lambda: SAMPLES.reshape(N, -1),
    "3-D": lambda: SAMPLES,
    "list": ragged,
    "object array": lambda: object_array(ragged()),
    "frame of cells": frame,
}
each_form = pytest.mark.parametrize("form", FORMS)
PLAN = {"n_channels": 2, "max_iter": 20, "learning_rate": "cosine", "n_iter_no_change": np.inf}


def take(X, rows):
    if isinstance(X, pd.DataFrame):
        return X.iloc[rows]
    return [X[row] for row in rows] if isinstance(X, list) else X[rows]


def regressor(**options):
    return small(RNNRegressor, **PLAN, **options)


def classifier():
    return small(RNNClassifier, **PLAN)


def parts_of(form, y):
    X = FORMS[form]()
    return [part for rows in (FIT, CONFORM) for part in (take(X, rows), y[rows])] + [take(X, TEST)]


def assert_intervals(intervals):
    """About 90 % of the targets: 40 of them, by 40 others."""
    intervals = np.asarray(intervals).reshape(len(TEST), 2)
    assert (intervals[:, 0] < intervals[:, 1]).all()
    assert coverage(Y[TEST], intervals) > 0.7
    assert np.median(np.diff(intervals, axis=1)) < 6 * Y.std()


# --- MAPIE -------------------------------------------------------------------------------


@pytest.mark.parametrize("prefit", [False, True])
@each_form
def test_split_conformal(form, prefit):
    mapie = pytest.importorskip("mapie.regression")
    X, y, X_conform, y_conform, X_test = parts_of(form, Y)
    est = regressor().fit(X, y) if prefit else regressor()
    conformal = mapie.SplitConformalRegressor(est, confidence_level=0.9, prefit=prefit)
    if not prefit:
        conformal.fit(X, y)
    conformal.conformalize(X_conform, y_conform)
    y_pred, intervals = conformal.predict_interval(X_test)
    assert y_pred.shape == (len(TEST),)
    assert_intervals(intervals)


class Column(RegressorMixin, BaseEstimator):
    """One of the quantiles of a network, as an estimator of its own: the recipe of the guide."""

    def __init__(self, estimator, quantile):
        self.estimator = estimator
        self.quantile = quantile

    is_fitted = True

    def fit(self, X, y):
        return self

    def predict(self, X):
        return self.estimator.predict_quantiles(X, self.quantile)


@each_form
def test_conformalized_quantiles_of_one_network(form):
    mapie = pytest.importorskip("mapie.regression")
    X, y, X_conform, y_conform, X_test = parts_of(form, Y)
    est = regressor(loss="quantile", quantile=[0.05, 0.5, 0.95]).fit(X, y)
    columns = [Column(est, level) for level in (0.05, 0.95, 0.5)]
    conformal = mapie.ConformalizedQuantileRegressor(columns, confidence_level=0.9, prefit=True)
    intervals = conformal.conformalize(X_conform, y_conform).predict_interval(X_test)[1]
    assert_intervals(intervals)
    raw = est.predict_quantiles(X_test, [0.05, 0.95])
    widened = intervals[:, :, 0] - raw
    np.testing.assert_allclose(widened, np.broadcast_to(widened[0], raw.shape), atol=1e-12)


@each_form
def test_cross_conformal(form):
    mapie = pytest.importorskip("mapie.regression")
    X, rows = FORMS[form](), np.concatenate([FIT, CONFORM])
    conformal = mapie.CrossConformalRegressor(regressor(), confidence_level=0.9, cv=3)
    conformal.fit_conformalize(take(X, rows), Y[rows])
    assert_intervals(conformal.predict_interval(take(X, TEST))[1])


@each_form
def test_ensemble_of_batch_predictions_of_a_series(form):
    mapie = pytest.importorskip("mapie.regression")
    blocks = pytest.importorskip("mapie.subsample").BlockBootstrap(8, n_blocks=8, random_state=0)
    X, rows = FORMS[form](), np.concatenate([FIT, CONFORM])
    series = mapie.TimeSeriesRegressor(regressor(), method="enbpi", cv=blocks)
    series.fit(take(X, rows), Y[rows])
    intervals = series.predict(take(X, TEST), ensemble=True, confidence_level=0.9)[1]
    assert_intervals(intervals)


@each_form
def test_sets_of_classes(form):
    mapie = pytest.importorskip("mapie.classification")
    X, y, X_conform, y_conform, X_test = parts_of(form, LABELS)
    est = classifier().fit(X, y)
    conformal = mapie.SplitConformalClassifier(est, confidence_level=0.9, prefit=True)
    sets = conformal.conformalize(X_conform, y_conform).predict_set(X_test)[1][:, :, 0]
    codes = np.searchsorted(est.classes_, LABELS[TEST])
    assert sets[np.arange(len(TEST)), codes].mean() > 0.7


@each_form
def test_sets_of_classes_by_folds(form):
    mapie = pytest.importorskip("mapie.classification")
    X, rows = FORMS[form](), np.concatenate([FIT, CONFORM])
    conformal = mapie.CrossConformalClassifier(classifier(), confidence_level=0.9, cv=3)
    conformal.fit_conformalize(take(X, rows), LABELS[rows])
    sets = conformal.predict_set(take(X, TEST))[1][:, :, 0]
    codes = np.searchsorted(np.unique(LABELS), LABELS[TEST])
    assert sets[np.arange(len(TEST)), codes].mean() > 0.7


@each_form
def test_a_pipeline_is_conformalized_as_a_whole(form):
    mapie = pytest.importorskip("mapie.regression")
    X, y, X_conform, y_conform, X_test = parts_of(form, Y)
    pipeline = make_pipeline(SequenceScaler(n_channels=2), regressor()).fit(X, y)
    conformal = mapie.SplitConformalRegressor(pipeline, confidence_level=0.9, prefit=True)
    conformal.conformalize(X_conform, y_conform)
    assert_intervals(conformal.predict_interval(X_test)[1])


# --- crepes ------------------------------------------------------------------------------


@each_form
def test_a_wrapped_regressor(form):
    crepes = pytest.importorskip("crepes")
    X, y, X_calibrate, y_calibrate, X_test = parts_of(form, Y)
    wrapped = crepes.WrapRegressor(regressor())
    wrapped.fit(X, y)
    wrapped.calibrate(X_calibrate, y_calibrate)
    assert_intervals(wrapped.predict_int(X_test, confidence=0.9))


@each_form
def test_a_conformal_predictive_distribution(form):
    crepes = pytest.importorskip("crepes")
    X, y, X_calibrate, y_calibrate, X_test = parts_of(form, Y)
    wrapped = crepes.WrapRegressor(regressor().fit(X, y))
    wrapped.calibrate(X_calibrate, y_calibrate, cps=True)
    percentiles = wrapped.predict_percentiles(X_test, lower_percentiles=5, higher_percentiles=95)
    assert_intervals(percentiles)


@each_form
def test_a_wrapped_classifier(form):
    crepes = pytest.importorskip("crepes")
    X, y, X_calibrate, y_calibrate, X_test = parts_of(form, LABELS)
    wrapped = crepes.WrapClassifier(classifier())
    wrapped.fit(X, y)
    wrapped.calibrate(X_calibrate, y_calibrate)
    p_values = wrapped.predict_p(X_test)
    codes = np.searchsorted(np.unique(LABELS), LABELS[TEST])
    assert (p_values[np.arange(len(TEST)), codes] > 0.1).mean() > 0.7
