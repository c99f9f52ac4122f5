"""Labels of X in another order in what goes with it are an error."""

import numpy as np
import pandas as pd
import pytest

from skrnn import RNNClassifier, RNNRegressor
from skrnn.forecasting import WindowScaledRegressor
from skrnn.model_selection import StratifiedSequenceKFold
from skrnn.preprocessing import make_windows
from skrnn.sequences import check_same_order

LABELS = list("badc")


def cells(index=LABELS):
    return pd.DataFrame({"x": [np.arange(3.0) + i for i in range(4)]}, index)


XS = {
    "cells": cells(),
    "rows": pd.DataFrame(np.arange(8.0).reshape(4, 2), LABELS),
    "series": cells()["x"],
}


@pytest.mark.parametrize("form", XS)
@pytest.mark.parametrize("as_other", [lambda y: y, lambda y: y.to_frame()])
def test_the_same_labels_in_another_order_are_refused(form, as_other):
    y = as_other(pd.Series(range(4), sorted(LABELS)))
    match = r"X and y have the same labels in another order.*'b'.*'a'. Pass y.loc\[X.index\]"
    with pytest.raises(ValueError, match=match):
        check_same_order(XS[form], y=y)
    check_same_order(XS[form], y=y.loc[XS[form].index])


@pytest.mark.parametrize(
    ("index", "other"),
    [
        (LABELS, list("wxyz")),
        (LABELS, range(4)),
        (LABELS, list("bade")),
        (list("aabb"), list("bbaa")),
        ([0, 1, 2, 3], [0.0, 1.0, 2.0, 3.0]),
        (LABELS, LABELS[:2]),
    ],
    ids=str,
)
def test_other_labels_are_matched_by_place(index, other):
    check_same_order(cells(index), y=pd.Series(range(len(other)), other))


def test_what_has_no_labels_is_matched_by_place():
    check_same_order(cells(), y=np.arange(4), sample_weight=None)
    check_same_order(list(cells()["x"]), y=pd.Series(range(4), sorted(LABELS)))


def test_levels_are_compared():
    index = pd.MultiIndex.from_product([["a", "b"], [0, 1]])
    with pytest.raises(ValueError, match="same labels in another order"):
        check_same_order(cells(index), y=pd.Series(range(4), index[::-1]))


QUICK = {"hidden_layer_sizes": 2, "max_iter": 4, "n_iter_no_change": 1, "tol": 1e9}
RIGHT = pd.Series([0, 1, 0, 1], LABELS)
WRONG = RIGHT.sort_index()
each_estimator = pytest.mark.parametrize("cls", [RNNClassifier, RNNRegressor])


@each_estimator
@pytest.mark.parametrize(
    ("method", "data"),
    [
        ("fit", {"y": WRONG}),
        ("fit", {"y": RIGHT, "sample_weight": WRONG + 1}),
        ("fit", {"y": RIGHT, "X_val": cells(), "y_val": WRONG}),
        ("partial_fit", {"y": WRONG}),
        ("score", {"y": WRONG}),
        ("score", {"y": RIGHT, "sample_weight": WRONG + 1}),
    ],
    ids=["fit", "weights", "validation", "partial_fit", "score", "score weights"],
)
def test_estimators_refuse_labels_in_another_order(cls, method, data):
    model = cls(**QUICK, random_state=0).fit(cells(), RIGHT)
    with pytest.raises(ValueError, match="same labels in another order"):
        getattr(model, method)(cells(), **data)


@each_estimator
def test_step_targets_are_compared_too(cls):
    y = pd.Series([[0.0, 1.0, 0.0]] * 4, sorted(LABELS))
    with pytest.raises(ValueError, match="same labels in another order"):
        cls(**QUICK, return_sequences=True).fit(cells(), y)


def test_folds_of_step_targets_are_compared_too():
    y = pd.Series([["u", "v"], ["u"], ["v"], ["v"]], sorted(LABELS))
    with pytest.raises(ValueError, match="same labels in another order"):
        list(StratifiedSequenceKFold(2).split(cells(), y))


def in_time(horizon, **more):
    days = pd.date_range("2024-01-01", periods=12)
    data = pd.DataFrame({"shop": list("uw") * 12, "day": days.repeat(2), "sold": np.arange(24.0)})
    return make_windows(data, window=3, horizon=horizon, time="day", group="shop", **more)


@pytest.mark.parametrize("horizon", [1, [1, 2]], ids=["one", "several"])
@pytest.mark.parametrize(
    "estimator", [RNNRegressor(2), WindowScaledRegressor(RNNRegressor(2))], ids=["plain", "scaled"]
)
def test_targets_of_windows_in_another_order_of_time_are_refused(estimator, horizon):
    windows = in_time(horizon)
    for y in (windows.y[::-1], windows.y.sample(frac=1, random_state=0)):
        with pytest.raises(ValueError, match=r"X and y are in another order.* one way in time"):
            estimator.fit(windows.X, y)


def test_windows_and_targets_in_any_order_that_they_share_are_taken():
    windows = in_time(1)
    shuffled = np.random.default_rng(0).permutation(len(windows.X))
    for y in (windows.y, windows.y.to_numpy()[::-1], windows.y.reset_index(drop=True)):
        check_same_order(windows.X, y=y)
    check_same_order(windows.X[shuffled], y=windows.y.iloc[shuffled])


def test_series_of_which_each_has_days_of_its_own_are_taken():
    days = pd.to_datetime(["2024-01-01", "2024-01-02", "2024-01-03", "2024-06-01"])
    other = pd.date_range("2024-01-05", periods=4)
    data = pd.DataFrame({"s": list("uuuuwwww"), "d": [*days, *other], "v": np.arange(8.0)})
    windows = make_windows(data, window=2, time="d", group="s", freq="rows")
    check_same_order(windows.X, y=windows.y)


def test_a_scaled_regressor_compares_labels():
    X = cells()
    with pytest.raises(ValueError, match="X and y have the same labels in another order"):
        WindowScaledRegressor(RNNRegressor(2)).fit(X, pd.Series(range(4), sorted(LABELS)))
