"""Predictions, and what an estimator says of its fit."""

from __future__ import annotations

import numpy as np
import pytest
from small_estimators import ESTIMATORS, label_sign, make_ragged, make_X, running, small

from skrnn import RNNRegressor
from skrnn.estimators import _prediction

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.mark.parametrize("return_sequences", [False, True])
def test_prediction_does_not_depend_on_its_block(return_sequences, monkeypatch):
    X = make_ragged()
    y = running(X, lambda x: x[:, 0]) if return_sequences else label_sign(X)
    regressor = small(RNNRegressor, return_sequences=return_sequences).fit(X, y)
    whole = regressor.predict(X)
    monkeypatch.setattr(_prediction, "BLOCK", 5)
    for one, other in zip(whole, regressor.predict(X), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12)


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_an_estimator_says_whether_it_is_fitted(cls):
    est = small(cls)
    assert not est.is_fitted
    X = make_X()
    assert est.fit(X, label_sign(X)).is_fitted


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_features_are_counted_in_tables_alone(cls):
    X = make_X()
    est = small(cls, n_channels=2).fit(X.reshape(len(X), -1), label_sign(X))
    assert est.n_features_in_ == 8
    assert not hasattr(est.fit(X, label_sign(X)), "n_features_in_")
