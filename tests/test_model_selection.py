"""Sequences with targets at every time step are split by a label of each of them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from ragged_forms import object_array
from sklearn.model_selection import (
    GridSearchCV,
    StratifiedKFold,
    cross_val_score,
    train_test_split,
)

from skrnn import RNNClassifier
from skrnn.model_selection import StratifiedSequenceKFold, sequence_labels

Y = [["ok", "fault", "ok"], ["ok"], ["fault", "fault"], ["ok", "fault"], ["warm", "ok", "ok"]]
MOST_FREQUENT = ["ok", "ok", "fault", "fault", "ok"]  # of two as frequent the first in order
RAREST = ["fault", "ok", "fault", "fault", "warm"]


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
