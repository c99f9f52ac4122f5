"""Forecasts of many steps ahead as paths."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal

from skrnn.forecasting import seasonal_naive
from skrnn.plotting import ForecastPathDisplay
from skrnn.preprocessing import make_windows


@pytest.fixture
def table():
    day = pd.date_range("2024-01-01", periods=12)
    return pd.DataFrame(
        {
            "shop": np.repeat(["a", "b"], 12),
            "day": [*day, *day],
            "sold": np.arange(24.0),
            "left": 1.0,
        }
    )


@pytest.fixture
def paths(table):
    """The forecasts from every origin: three days ahead."""
    windows = make_windows(
        table, window=4, horizon=[1, 2, 3], target="sold", group="shop", time="day"
    )
    return seasonal_naive(windows)


def with_levels(paths, levels=(0.9, 0.05, 0.5, 0.1, 0.95)):
    return pd.DataFrame({level: paths + 10 * level for level in levels})


def test_every_origin_has_a_path(pyplot, paths, table):
    history = table.query("shop == 'a'").set_index("day")["sold"]
    display = ForecastPathDisplay.from_forecast(paths.loc["a"], history)
    assert len(display.lines_) == 6
    for line, (_, expected) in zip(
        display.lines_, paths.loc["a"].groupby(level="origin"), strict=True
    ):
        assert_array_equal(line.get_ydata(), expected)
        days = expected.index.get_level_values("day")
        assert_array_equal(pd.DatetimeIndex(line.get_xdata()), days)
    assert_array_equal(display.line_history_.get_ydata(), history)
    assert display.ax_.get_ylabel() == "sold"
    assert display.bands_ == []


def test_only_one_path_is_in_the_legend(pyplot, paths):
    display = ForecastPathDisplay.from_forecast(paths.loc["a"])
    assert [text.get_text() for text in display.ax_.get_legend().texts] == ["forecast"]
    assert display.line_history_ is None


def test_quantiles_are_bands_around_the_median(pyplot, paths):
    bands = with_levels(paths.loc["a"])
    display = ForecastPathDisplay.from_forecast(bands)
    assert len(display.bands_) == 2 * 6
    first = bands.loc[bands.index[0][0]]
    widest = display.bands_[0].get_datalim(display.ax_.transData)
    assert (widest.y0, widest.y1) == (first[0.05].min(), first[0.95].max())
    assert_array_equal(display.lines_[0].get_ydata(), first[0.5])
    labels = [text.get_text() for text in display.ax_.get_legend().texts]
    assert labels == ["0.05 to 0.95", "0.1 to 0.9", "median"]


def test_without_a_median_there_are_bands_alone(pyplot, paths):
    display = ForecastPathDisplay.from_forecast(with_levels(paths.loc["a"], (0.2, 0.8)))
    assert len(display.bands_) == 6
    assert display.lines_ == []


def test_a_single_series_may_keep_its_name(pyplot, paths):
    of_one = paths[paths.index.get_level_values("shop") == "b"]
    display = ForecastPathDisplay.from_forecast(of_one)
    assert_array_equal(display.lines_[0].get_ydata(), of_one[:3])


def test_periods_are_drawn_at_their_beginnings(pyplot):
    month = pd.period_range("2020-01", periods=8, freq="M")
    path = seasonal_naive(make_windows(pd.Series(np.arange(8.0), month), window=3).latest, 2)
    display = ForecastPathDisplay.from_forecast(path, color="green")
    assert display.lines_[0].get_xdata()[0] == pd.Timestamp("2020-09-01")
    assert display.lines_[0].get_color() == "green"


def test_it_draws_where_it_is_told(pyplot, paths):
    _, ax = pyplot.subplots()
    display = ForecastPathDisplay.from_forecast(paths.loc["a"], ax=ax)
    assert display.ax_ is ax


BAD = {
    "an array": (lambda paths: paths.to_numpy(), None, TypeError, "got ndarray"),
    "several series": (lambda p: p, None, ValueError, r"2 series.* such as forecast.loc\['a'\]"),
    "no origin": (
        lambda p: p.loc["a"].droplevel(0),
        None,
        ValueError,
        r"levels \['day'\] in its index",
    ),
    "nothing": (lambda p: p.loc["a"][:0], None, ValueError, "0 rows"),
    "several targets": (
        lambda p: pd.DataFrame({"x": p, "y": p}).loc["a"],
        None,
        ValueError,
        r"columns \['x', 'y'\]; expected the levels of quantiles",
    ),
    "a list": (lambda p: p.loc["a"], [1.0], TypeError, "history must be a Series .* got list"),
    "history of several": (lambda p: p.loc["a"], "itself", ValueError, "history has the levels"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_drawn_is_named(pyplot, paths, case):
    of, history, error, match = BAD[case]
    history = paths if isinstance(history, str) else history
    with pytest.raises(error, match=match):
        ForecastPathDisplay.from_forecast(of(paths), history)
