"""Forecasts."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal

from skrnn import RNNRegressor
from skrnn.plotting import ForecastDisplay
from skrnn.preprocessing import make_windows

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


@pytest.fixture
def windows(rng):
    """Windows of two series, with two targets at two horizons each."""
    table = pd.DataFrame(rng.normal(size=(30, 2)), columns=["wind", "load"])
    return make_windows(table, window=4, horizon=[1, 3], target=["wind", "load"])


@pytest.mark.parametrize("column", range(4))
def test_one_of_several_horizons_is_drawn_by_its_name(column, windows):
    reg = RNNRegressor(3, **SHORT).fit(windows.X, windows.y)
    horizon = windows.y.columns[column]
    display = ForecastDisplay.from_estimator(reg, windows.X, windows.y, horizon=horizon)
    assert_array_equal(display.line_true_.get_ydata(), windows.y[horizon])
    assert_array_equal(display.line_pred_.get_ydata(), reg.predict(windows.X)[:, column])
    assert display.ax_.get_ylabel() == f"horizon {horizon}"


def test_one_of_several_columns_of_an_array_is_drawn_by_its_number(rng):
    y = rng.normal(size=(9, 3))
    display = ForecastDisplay.from_predictions(y, y + 1, horizon=2)
    assert_array_equal(display.line_pred_.get_ydata(), y[:, 2] + 1)


def test_a_single_column_needs_no_name(rng):
    y = rng.normal(size=(9, 1))
    display = ForecastDisplay.from_predictions(pd.DataFrame(y, columns=[7]), y[:, 0])
    assert_array_equal(display.line_true_.get_ydata(), y[:, 0])


@pytest.mark.parametrize("horizon", [None, 3, -1, "load", ("load", 2)])
def test_several_horizons_without_a_name_are_refused_with_the_names(horizon, windows):
    with pytest.raises(ValueError, match=r"4 column.*\('wind', 1\), .*Got horizon="):
        ForecastDisplay.from_predictions(windows.y, windows.y.to_numpy(), horizon=horizon)


@pytest.mark.parametrize(
    ("y_true", "y_pred", "time", "message"),
    [
        (np.zeros(5), np.zeros(4), None, r"y_true has shape \(5,\) and y_pred \(4,\)"),
        (np.zeros((5, 2)), np.zeros(5), None, r"y_true has shape \(5, 2\) and y_pred \(5,\)"),
        (np.zeros(5), np.zeros(5), range(4), "time has 4 entries, but y_true has 5 rows"),
        (np.zeros((5, 2, 1)), np.zeros((5, 2, 1)), None, r"y_true must be.*\(5, 2, 1\)"),
        (np.array([1, "a"], object), np.zeros(2), None, "y_true must be numbers.*dtype object"),
    ],
)
def test_what_cannot_be_drawn_is_refused_by_name(y_true, y_pred, time, message):
    with pytest.raises(ValueError, match=message):
        ForecastDisplay.from_predictions(y_true, y_pred, time=time)
