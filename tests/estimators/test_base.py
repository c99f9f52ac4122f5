"""Predictions."""

from __future__ import annotations

import numpy as np
import pytest
from small_estimators import label_sign, make_ragged, running, small

from skrnn import RNNRegressor
from skrnn.estimators import _base

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def test_prediction_does_not_depend_on_its_block(monkeypatch):
    X = make_ragged()
    for parameters in ({}, {"return_sequences": True}):
        y = running(X, lambda x: x[:, 0]) if parameters else label_sign(X)
        regressor = small(RNNRegressor, **parameters).fit(X, y)
        whole = regressor.predict(X)
        monkeypatch.setattr(_base, "PREDICTION_BLOCK", 5)
        for one, other in zip(whole, regressor.predict(X), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-12)
        monkeypatch.undo()
