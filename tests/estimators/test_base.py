"""Predictions."""

from __future__ import annotations

import numpy as np
import pytest
from small_estimators import label_sign, make_ragged, running, small

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
