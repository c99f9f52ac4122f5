"""Weights at every time step, in every form."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from skrnn.sequences import as_step_weights, has_step_weights, weights_of_steps

LENGTHS = np.array([2, 1, 3])
ITEMS = [[1.0, 0.0], [2.0], [0.5, 1.0, 3.0]]
FLAT = [1.0, 0.0, 2.0, 0.5, 1.0, 3.0]
PADDED = [[1.0, 0.0, np.nan], [2.0, 9.0, 9.0], [0.5, 1.0, 3.0]]


def objects(items):
    return pd.Series([np.array(item) for item in items]).to_numpy()


FORMS = {
    "lists": ITEMS,
    "a tuple": tuple(ITEMS),
    "arrays": [np.array(item) for item in ITEMS],
    "float32": [np.array(item, np.float32) for item in ITEMS],
    "an array of arrays": objects(ITEMS),
    "a Series": pd.Series(ITEMS),
    "a list of Series": [pd.Series(item) for item in ITEMS],
    "cells": pd.DataFrame({"weight": objects(ITEMS)}),
    "an array": np.array(PADDED),
    "a table": PADDED,
    "a DataFrame": pd.DataFrame(PADDED),
    "objects": np.array(PADDED, dtype=object),
    "nullable": [pd.array(item, dtype="Float64") for item in ITEMS],
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_read(form):
    assert has_step_weights(FORMS[form])
    weights = as_step_weights(FORMS[form], LENGTHS)
    assert weights.dtype == np.float64
    assert weights.tolist() == FLAT


def test_arrow_lists_are_read():
    pa = pytest.importorskip("pyarrow")
    weights = pd.DataFrame({"w": pd.array(ITEMS, dtype=pd.ArrowDtype(pa.list_(pa.float64())))})
    assert has_step_weights(weights)
    assert as_step_weights(weights, LENGTHS).tolist() == FLAT


@pytest.mark.parametrize(
    "weight",
    [None, 2.0, np.float32(1), [1, 2.0, 3], np.ones(3), np.array(1.0), pd.Series([1, 2, 3])],
    ids=["None", "number", "NumPy's", "list", "array", "no axis", "Series"],
)
def test_weights_of_samples_are_told_apart(weight):
    assert not has_step_weights(weight)


def test_weights_of_samples_are_those_of_their_steps():
    assert weights_of_steps([1.0, 2.0, 3.0], LENGTHS).tolist() == [1, 1, 2, 3, 3, 3]


def test_weights_of_steps_are_as_they_are():
    assert weights_of_steps(ITEMS, LENGTHS).tolist() == FLAT


BAD = {
    "a sequence too short": (
        [[1.0], [2.0], [0.5, 1.0, 3.0]],
        r"sample_weight\[0\] has weights for 1 time steps, but X\[0\] has 2. Give one weight",
    ),
    "a sequence too long": ([[1.0, 1.0], [2.0], [1.0] * 4], r"weight\[2\] has weights for 4 time"),
    "an array too short": (np.ones((3, 2)), r"sample_weight\[2\] has weights for 2 time steps"),
    "a column": (np.ones((3, 1)), r"sample_weight\[0\] has weights for 1 time steps"),
    "too few sequences": ([[1.0, 1.0], [2.0]], r"inconsistent numbers of samples: \[3, 2\]"),
    "too few rows": (np.ones((2, 3)), r"inconsistent numbers of samples: \[3, 2\]"),
    "three axes": (np.ones((3, 3, 1)), r"shape \(3, 3, 1\); expected \(n_samples, n_timesteps\)"),
    "items of two axes": ([np.ones((2, 1)), [1.0], [1.0] * 3], r"sample_weight\[0\] has shape"),
    "two columns": (
        pd.DataFrame({"a": objects(ITEMS), "b": objects(ITEMS)}),
        "2 columns of sequences; expected one",
    ),
    "NaN": ([[1.0, np.nan], [2.0], [1.0] * 3], "sample_weight contains NaN at sample 0, time step"),
    "infinity": ([[1.0, 1.0], [np.inf], [1.0] * 3], "contains infinity .* at sample 1, time step"),
    "negative": ([[1.0, 1.0], [1.0], [1.0, -2.0, 1.0]], "-2 at sample 2, time step 1.*>= 0"),
    "texts": ([["a", "b"], ["c"], ["d"] * 3], r"sample_weight\[0\] holds strings"),
    "a number among them": ([[1.0, 1.0], 2.0, [1.0] * 3], r"sample_weight\[1\] has shape \(\)"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_weights_are_named(case):
    weights, match = BAD[case]
    assert has_step_weights(weights)
    with pytest.raises(ValueError, match=f"(?s){match}"):
        as_step_weights(weights, LENGTHS)
