"""Forecasts."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.testing import assert_array_equal

from skrnn import RNNRegressor
from skrnn.plotting import ForecastDisplay

SHORT = {"max_iter": 5, "tol": 1e9, "n_iter_no_change": 1, "random_state": 0}


def test_forecasts_stand_at_their_time(rng):
    time = pd.period_range("2020-01", periods=12, freq="M")
    y = pd.Series(np.arange(12.0), index=time, name="sold")
    display = ForecastDisplay.from_predictions(y, y + 1, time=time, split=time[8])
    assert_array_equal(display.line_true_.get_ydata(), y)
    assert_array_equal(display.line_pred_.get_ydata(), y + 1)
    assert display.line_true_.get_xdata()[0] == pd.Timestamp("2020-01-01")
    assert display.ax_.get_ylabel() == "sold"


def test_forecasts_of_an_estimator(rng):
    X, y = rng.normal(size=(10, 5)), rng.normal(size=10)
    reg = RNNRegressor(3, **SHORT).fit(X, y)
    display = ForecastDisplay.from_estimator(reg, X, y)
    assert_array_equal(display.line_pred_.get_ydata(), reg.predict(X))
