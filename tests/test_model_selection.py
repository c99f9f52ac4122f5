"""Sequences with step targets are split by a label of each of them, windows by their times."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from ragged_forms import object_array
from sklearn.model_selection import (
    GridSearchCV,
    StratifiedKFold,
    TimeSeriesSplit,
    cross_val_score,
    train_test_split,
)
from sklearn.pipeline import make_pipeline

from skrnn import RNNClassifier, RNNRegressor
from skrnn.model_selection import ForecastSplit, StratifiedSequenceKFold, sequence_labels
from skrnn.preprocessing import SequenceScaler, make_windows

Y = [["ok", "fault", "ok"], ["ok"], ["fault", "fault"], ["ok", "fault"], ["warm", "ok", "ok"]]
MOST_FREQUENT = ["ok", "ok", "fault", "fault", "ok"]  # of two as frequent the first in order
RAREST = ["fault", "ok", "fault", "fault", "warm"]


@pytest.mark.parametrize(
    ("by", "expected"),
    [("most_frequent", ["ok", "ok", "fault"]), ("rarest", ["ok", "ok", "fault"])],
)
def test_labels_that_are_missing_do_not_count(by, expected):
    y = [["ok", "fault", None, None, None, None, "ok", "ok"], [None], [np.nan, "fault"]]
    assert sequence_labels(y, by).tolist() == expected


FORMS = {
    "lists": list,
    "list of arrays": lambda y: [np.array(steps) for steps in y],
    "object array": object_array,
    "series": lambda y: pd.Series(object_array([np.array(steps) for steps in y]), index=[*"abcde"]),
    "frame": lambda y: pd.DataFrame({"state": object_array([np.array(steps) for steps in y])}),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("by", "expected"), [("most_frequent", MOST_FREQUENT), ("rarest", RAREST)])
def test_a_sequence_has_one_label(form, by, expected):
    np.testing.assert_array_equal(sequence_labels(FORMS[form](Y), by), expected)


def test_an_array_is_read_as_the_list_of_its_rows():
    y = np.array([[0, 1, 1], [0, 0, 1]])
    np.testing.assert_array_equal(sequence_labels(y), [1, 0])
    np.testing.assert_array_equal(sequence_labels(y), sequence_labels(list(y)))


def test_classes_may_be_whole_numbers_of_any_dtype():
    y = [np.array([0.0, 1.0, 1.0]), np.array([0.0])]
    np.testing.assert_array_equal(sequence_labels(y), [1.0, 0.0])


def test_a_function_makes_a_label_of_numbers_and_of_several_outputs():
    y = [np.array([-1.0, 3.0]), np.array([-2.0])]
    np.testing.assert_array_equal(sequence_labels(y, lambda steps: steps.mean() > 0), [True, False])
    two = [np.array([[0, 1], [1, 1]]), np.array([[0, 0]])]
    np.testing.assert_array_equal(sequence_labels(two, lambda steps: steps[:, 0].any()), [1, 0])


def test_targets_at_padding_make_no_label():
    X = np.zeros((2, 4, 1))
    X[0, 1:] = np.nan
    y = np.array([["ok", "?", "?", "?"], ["ok", "ok", "hot", "hot"]])
    np.testing.assert_array_equal(sequence_labels(y, "rarest", X=X), ["ok", "hot"])


@pytest.mark.parametrize(
    ("y", "by", "message"),
    [
        (Y, "last", "by must be one of .*'most_frequent', 'rarest'.* or a function, got 'last'"),
        ([[0.1, 0.2], [0.3]], "rarest", "y has numbers at every time step"),
        ([[[0, 1]], [[1, 1]]], "rarest", "y has several outputs at every time step"),
        (Y, lambda steps: ["a", "b"], "one label for every sequence"),
        (["ok", "fault"], "rarest", "one target per time step is needed"),
        ([["ok"], "fault"], "rarest", r"y\[1\] is fault"),
    ],
)
def test_bad_input_is_named(y, by, message):
    with pytest.raises(ValueError, match=message):
        sequence_labels(y, by)


@pytest.fixture
def task():
    """60 sequences, 12 of which have a fault at one step."""
    rng = np.random.default_rng(0)
    X = [rng.normal(size=(length, 1)) for length in rng.integers(3, 7, 60)]
    y = [np.full(len(sequence), "ok   ") for sequence in X]
    for steps in y[:12]:
        steps[1] = "fault"
    return X, y


def test_every_fold_has_its_share_of_what_is_rare(task):
    X, y = task
    for _, test in StratifiedSequenceKFold(4, by="rarest").split(X, y):
        assert sum("fault" in y[i] for i in test) == 3


def test_folds_are_those_of_scikit_learn_for_the_labels(task):
    X, y = task
    options = {"n_splits": 3, "shuffle": True, "random_state": 0}
    ours = StratifiedSequenceKFold(by="rarest", **options).split(X, y)
    theirs = StratifiedKFold(**options).split(X, sequence_labels(y, "rarest"))
    for one, two in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(one[1], two[1])


def test_train_test_split_takes_the_labels(task):
    X, y = task
    labels = sequence_labels(y, by="rarest")
    *_, y_test = train_test_split(X, y, test_size=20, stratify=labels, random_state=0)
    assert sum("fault" in steps for steps in y_test) == 4


def test_a_search_inside_a_cross_validation(task):
    X, y = task
    folds = StratifiedSequenceKFold(2, by="rarest")
    clf = RNNClassifier(
        3, return_sequences=True, learning_rate="cosine", max_iter=2, random_state=0
    )
    search = GridSearchCV(clf, {"cell": ["rnn", "gru"]}, cv=folds, error_score="raise")
    assert cross_val_score(search, X, y, cv=folds, error_score="raise").shape == (2,)


def test_the_splitter_shows_its_parameters():
    splitter = StratifiedSequenceKFold(3, by="rarest")
    assert "n_splits=3" in repr(splitter)
    assert "by='rarest'" in repr(splitter)
    assert splitter.get_n_splits() == 3


# --- windows in the order of time -----------------------------------------------------------------


def shops(n=(40, 25, 40), horizon=1, freq="D", step=None):
    """Windows of shops whose series start, but do not end, at one time."""
    parts = [
        pd.DataFrame({"day": pd.date_range("2024-01-01", periods=size, freq=freq), "sold": 1.0})
        for size in n
    ]
    data = pd.concat(parts, keys=list("abc")[: len(n)], names=["shop", None]).reset_index(0)
    return make_windows(data, window=4, horizon=horizon, group="shop", time="day", freq=step)


def origins_of(windows):
    return windows.times.get_level_values("day")


@pytest.mark.parametrize("horizon", [1, 5, [1, 2, 3]])
@pytest.mark.parametrize("as_X", [lambda windows: windows.X, lambda windows: windows])
def test_nothing_is_trained_on_that_is_not_known_at_the_first_test(horizon, as_X):
    windows = shops(horizon=horizon)
    folds = list(ForecastSplit(4).split(as_X(windows)))
    assert len(folds) == 4
    for train, test in folds:
        first = origins_of(windows)[test].min()
        assert windows[train].target_times.get_level_values(-1).max() == first
        # All that is known there is trained on.
        last = windows.target_times.get_level_values(-1).to_numpy().reshape(len(windows), -1)
        assert set(train) == set(np.flatnonzero(last.max(axis=1) <= first.to_datetime64()))


def test_the_test_parts_are_the_newest_origins_of_all_series():
    windows = shops()
    days = origins_of(windows)
    tests = [test for _, test in ForecastSplit(3, test_size=5).split(windows.X)]
    assert [days[test].nunique() for test in tests] == [5, 5, 5]
    assert np.concatenate(tests).tolist() == np.flatnonzero(days > days.unique()[-16]).tolist()


def test_old_windows_can_be_left_out():
    windows = shops(horizon=2)
    days = origins_of(windows)
    for train, test in ForecastSplit(3, max_train_size=6).split(windows.X):
        assert days[train].nunique() == 6
        assert days[test].min() - days[train].max() == pd.Timedelta("2D")


@pytest.mark.parametrize("freq", ["MS", "B", "rows"])
def test_the_step_of_the_series_does_not_matter(freq):
    params = {"step": "rows", "freq": "W"} if freq == "rows" else {"freq": freq}
    windows = shops(horizon=3, **params)
    expected = [
        part.tolist() for fold in ForecastSplit(3).split(shops(horizon=3).X) for part in fold
    ]
    found = [part.tolist() for fold in ForecastSplit(3).split(windows.X) for part in fold]
    assert found == expected


def test_one_series_is_cut_as_scikit_learn_cuts_it():
    windows = shops(n=(60,), horizon=4)
    expected = TimeSeriesSplit(4, gap=3).split(windows.X)
    for (train, test), (train_1, test_1) in zip(
        ForecastSplit(4).split(windows.X), expected, strict=True
    ):
        assert test.tolist() == test_1.tolist()
        assert train.tolist() == train_1.tolist()


def test_a_part_of_windows_can_be_cut_again():
    windows = shops()
    train, _ = next(iter(ForecastSplit(2).split(windows.X)))
    for past, future in ForecastSplit(2).split(windows.X[train]):
        days = origins_of(windows[train])
        assert days[past].max() < days[future].min()


def test_searches_and_pipelines_take_it():
    windows = shops(n=(30, 30))
    model = make_pipeline(
        SequenceScaler(),
        RNNRegressor(2, max_iter=4, n_iter_no_change=1, tol=1e9, random_state=0),
    )
    search = GridSearchCV(model, {"rnnregressor__cell": ["rnn"]}, cv=ForecastSplit(2), scoring="r2")
    search.fit(windows.X, windows.y)
    assert search.n_splits_ == ForecastSplit(2).get_n_splits() == 2


def test_scaled_windows_keep_their_times():
    windows = shops()
    scaled = SequenceScaler().fit_transform(windows.X)
    np.testing.assert_array_equal(scaled.moments, windows.X.moments)


@pytest.mark.parametrize(
    ("params", "X", "error", "match"),
    [
        ({}, np.zeros((9, 4, 1)), TypeError, "times of windows, which ndarray has not.*make_windo"),
        ({}, shops().latest.X, TypeError, "times of windows, which Windows has not"),
        ({"n_splits": 0}, shops().X, ValueError, "n_splits must be an integer >= 1, got 0"),
        ({"n_splits": None}, shops().X, ValueError, "n_splits must be .* got None"),
        ({"test_size": 1.5}, shops().X, ValueError, "test_size must be .* got 1.5"),
        ({"max_train_size": True}, shops().X, ValueError, "max_train_size must be .* got True"),
        ({"n_splits": 40}, shops().X, ValueError, "needs more than the 36 forecast origins"),
        ({"test_size": 8}, shops().X, ValueError, "n_splits=5 with test_size=8 needs more"),
        (
            {"n_splits": 2, "test_size": 3},
            shops(n=(24, 24), horizon=12).X,
            ValueError,
            "No window of fold 0 can be trained on: none of the 3 origins",
        ),
    ],
)
def test_what_cannot_be_cut_is_named(params, X, error, match):
    with pytest.raises(error, match=match):
        list(ForecastSplit(**params).split(X))
