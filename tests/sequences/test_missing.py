"""Targets that are missing, in every form and dtype."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from skrnn.sequences import as_step_targets, missing_in, without_missing

LENGTHS = np.array([2, 1, 3])
# The second and the third of six labels are missing; in lists by sequence.
LABELS = {
    "texts and None": [["a", None], [None], ["b", "a", "b"]],
    "texts and NaN": [["a", np.nan], [np.nan], ["b", "a", "b"]],
    "texts and NaT": [["a", pd.NaT], [pd.NaT], ["b", "a", "b"]],
    "texts and NA": [["a", pd.NA], [pd.NA], ["b", "a", "b"]],
    "booleans": [[False, None], [None], [True, False, True]],
    "numbers": [[0, None], [None], [1, 0, 1]],
    "floats": [[0.0, np.nan], [np.nan], [1.0, 0.0, 1.0]],
}


def series_of(dtype):
    return lambda items: [pd.Series(item, dtype=dtype) for item in items]


FORMS = {
    "lists": list,
    "arrays of objects": lambda items: [np.array(item, dtype=object) for item in items],
    "an array of arrays": lambda items: pd.Series(
        [np.array(item, dtype=object) for item in items]
    ).to_numpy(),
    "a Series": lambda items: pd.Series(items),
    "cells": lambda items: pd.DataFrame({"y": items}),
    "cells of Series": lambda items: pd.DataFrame({"y": [pd.Series(item) for item in items]}),
    "an array": lambda items: np.array(
        [[*item, *[None] * (3 - len(item))] for item in items], dtype=object
    ),
    "a table": lambda items: [[*item, *[None] * (3 - len(item))] for item in items],
    "categories": series_of("category"),
}
EXPECTED = {
    "texts": ["a", "b"],
    "booleans": [False, True],
    "numbers": [0, 1],
    "floats": [0.0, 1.0],
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("labels", LABELS)
def test_missing_labels_are_known_in_every_form(labels, form):
    values = as_step_targets(FORMS[form](LABELS[labels]), LENGTHS).values
    filled, present = without_missing(values)
    assert present.tolist() == [True, False, False, True, True, True]
    low, high = EXPECTED[labels.split()[0]]
    assert filled.tolist() == [low, low, low, high, low, high]
    assert np.unique(filled).tolist() == [low, high]


@pytest.mark.parametrize(
    ("dtype", "labels", "kind"),
    [
        ("Int64", "numbers", "i"),
        ("Float64", "floats", "f"),
        ("boolean", "booleans", "b"),
        ("string", "texts and None", "O"),
        ("category", "texts and None", "O"),
    ],
)
def test_nullable_dtypes_become_those_of_their_labels(dtype, labels, kind):
    values = as_step_targets(series_of(dtype)(LABELS[labels]), LENGTHS).values
    assert without_missing(values)[0].dtype.kind == kind


def test_arrow_lists_may_have_nulls():
    pa = pytest.importorskip("pyarrow")
    dtype = pd.ArrowDtype(pa.list_(pa.string()))
    y = pd.DataFrame({"y": pd.array(LABELS["texts and None"], dtype=dtype)})
    filled, present = without_missing(as_step_targets(y, LENGTHS).values)
    assert filled.tolist() == ["a", "a", "a", "b", "a", "b"]
    assert present.tolist() == [True, False, False, True, True, True]


@pytest.mark.skipif(not hasattr(np.dtypes, "StringDType"), reason="needs the texts of NumPy 2")
@pytest.mark.parametrize("missing", [None, np.nan], ids=["None", "NaN"])
def test_texts_of_numpy_may_be_missing(missing):
    y = np.array(["a", missing, "b"], dtype=np.dtypes.StringDType(na_object=missing))
    filled, present = without_missing(y)
    assert filled.tolist() == ["a", "a", "b"]
    assert present.tolist() == [True, False, True]


@pytest.mark.parametrize(
    "y",
    [np.array([1.0, 2.0]), np.array([1, 2]), np.array(["a", "nan"]), np.array(["a", 1], object)],
    ids=["floats", "integers", "texts", "objects"],
)
def test_targets_without_a_missing_one_stay_the_same_array(y):
    values, present = without_missing(y)
    assert values is y
    assert present is None
    assert missing_in(y) is None


def test_every_output_is_filled_with_its_own():
    values, present = without_missing(np.array([[np.nan, 7.0], [3.0, np.nan]]))
    np.testing.assert_array_equal(values, [[3, 7], [3, 7]])
    np.testing.assert_array_equal(present, [[False, True], [True, False]])


def test_an_output_that_is_missing_is_filled_with_another_one():
    values, present = without_missing(np.array([[np.nan, 7.0], [np.nan, 8.0]]))
    np.testing.assert_array_equal(values, [[7, 7], [7, 8]])
    np.testing.assert_array_equal(present, [[False, True], [False, True]])


def test_no_target_at_all_is_an_error():
    with pytest.raises(ValueError, match="y has no target at all"):
        without_missing(np.full(3, np.nan))


def test_dates_are_refused_beside_what_is_missing():
    with pytest.raises(ValueError, match=r"y holds Timestamp.*expected numbers or labels"):
        as_step_targets([[pd.Timestamp("2020-01-01"), pd.NaT]], [2])


def test_infinity_is_refused_beside_what_is_missing():
    with pytest.raises(ValueError, match=r"infinity \(inf\) at sample 1, time step 0"):
        as_step_targets([[1.0, np.nan], [np.inf, 2.0]], [2, 2])


def test_texts_beside_numbers_are_refused_with_and_without_missing_ones():
    with pytest.raises(ValueError, match="y mixes strings and numbers"):
        as_step_targets([np.array([1.0, np.nan]), np.array(["a", "b", "c"])], [2, 3])
