"""A table whose rows are time steps is no 2-D X."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator

from skrnn import RNNRegressor
from skrnn.sequences import as_sequences, read_sequences

INDEXES = {
    "dates": pd.date_range("2020", periods=6),
    "periods": pd.period_range("2020", periods=6, freq="M"),
    "differences": pd.timedelta_range("0h", periods=6, freq="h"),
    "levels": pd.MultiIndex.from_product([["a", "b"], range(3)], names=["id", "hour"]),
    "nameless levels": pd.MultiIndex.from_product([["a", "b"], range(3)]),
}


def table(index, columns=("temp", "hum")):
    values = np.random.default_rng(0).normal(size=(6, len(columns)))
    return pd.DataFrame(values, INDEXES.get(index), columns)


@pytest.mark.parametrize(
    ("index", "match"),
    [
        ("dates", "an index of times .*'temp', 'hum' would be the time steps.*make_windows"),
        ("periods", "PeriodIndex.*make_windows"),
        ("differences", r"TimedeltaIndex.*pass X.to_numpy\(\)"),
        ("levels", r"2 levels.*from_long\(X, id='id', time='hour'\)"),
        ("nameless levels", "2 levels.*name the levels, and .*from_long"),
    ],
)
@pytest.mark.parametrize("columns", [("temp", "hum"), (0, 1), ("s1", "s2")])
def test_rows_with_times_are_no_sequences(index, match, columns):
    if columns != ("temp", "hum"):
        match = match.partition(".*'temp'")[0]
    with pytest.raises(ValueError, match=match):
        as_sequences(table(index, columns))


def test_a_time_series_is_refused_in_fit():
    with pytest.raises(ValueError, match="make_windows"):
        RNNRegressor().fit(table("dates"), np.arange(6.0))


@pytest.mark.parametrize("columns", ["dates", "named hour"])
def test_rows_may_be_days_where_columns_are_times(columns):
    X = table("dates", range(4))
    X.columns = X.columns.rename("hour") if columns != "dates" else INDEXES["dates"][:4]
    assert as_sequences(X).lengths.tolist() == [4] * 6


def test_a_fitted_estimator_reads_rows_as_in_fit():
    estimator = BaseEstimator()
    read_sequences(estimator, table(None), reset=True)
    assert read_sequences(estimator, table("dates"), reset=False).n_samples == 6


SENSORS = {"temp": [20.0, 21.0], "pressure": [1013.0, 1000.0]}


def test_columns_of_unlike_size_are_warned_of():
    with pytest.warns(UserWarning, match="'temp', 'pressure', which differ in size.*from_long"):
        as_sequences(pd.DataFrame(SENSORS))


@pytest.mark.parametrize(
    ("X", "n_channels"),
    [
        (pd.DataFrame(SENSORS), 2),
        (pd.DataFrame(SENSORS).to_numpy(), 1),
        (pd.DataFrame(SENSORS).set_axis(["day1", "day2"], axis=1), 1),
        (pd.DataFrame(SENSORS).set_axis([0, 1], axis=1), 1),
        (pd.DataFrame({"width": [1.0, 2.0], "length": [5.0, 4.0]}), 1),
    ],
    ids=["channels", "array", "numbered", "numbers", "alike"],
)
def test_other_tables_are_read_without_a_word(X, n_channels):
    assert as_sequences(X, n_channels=n_channels).n_samples == 2
