"""Missing values as sequences read them: where they are allowed, and what is made of them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from skrnn.sequences import (
    Windows,
    as_sequences,
    carried_on,
    elapsed_since,
    has_gaps,
    interpolated,
    labels_with,
    other_scale,
)

NAN = np.nan
# Two samples of two channels: of three steps and of two.
VALUES = np.array([[NAN, 1.0], [2.0, NAN], [NAN, NAN], [NAN, NAN], [5.0, NAN]])
STARTS = np.array([0, 3])


def test_the_last_value_is_carried_on_within_a_sample():
    expected = [[8, 1], [2, 1], [2, 1], [8, 9], [5, 9]]
    np.testing.assert_array_equal(carried_on(VALUES, STARTS, np.array([8.0, 9.0])), expected)


def test_float32_stays_float32():
    assert carried_on(VALUES.astype(np.float32), STARTS, np.zeros(2)).dtype == np.float32


def test_lines_between_neighbours_in_time():
    values = np.array([[NAN], [1.0], [NAN], [4.0], [NAN], [NAN]])
    times = np.array([0.0, 1.0, 3.0, 4.0, 5.0, 0.0])
    found = interpolated(values, np.array([0, 5]), times).ravel()
    np.testing.assert_allclose(found, [1, 1, 3, 4, 4, NAN])


def test_time_since_the_last_value():
    times = np.array([0.0, 1.0, 3.0, 0.0, 2.0])
    expected = [[0, 0], [0, 1], [2, 3], [0, 0], [0, 2]]
    np.testing.assert_array_equal(elapsed_since(VALUES, STARTS, times), expected)


def test_labels_of_further_channels_stand_behind_their_step():
    assert labels_with(["a", 1], 1, [("is_", 0)]) == ["a", "is_a", 1, "is_1"]


def test_infinity_is_no_gap():
    assert has_gaps(VALUES)
    assert not has_gaps(np.array([np.inf, 1.0]))
    assert not has_gaps(np.ones(3))


GAPPY = {
    "2-D": np.array([[1.0, NAN, 3.0], [NAN, NAN, NAN]]),
    "2-D masked": np.ma.masked_equal([[1.0, -1.0, 3.0], [-1.0, -1.0, -1.0]], -1.0),
    "2-D frame": pd.DataFrame([[1.0, NAN, 3.0], [NAN] * 3]),
    "2-D nullable frame": pd.DataFrame([[1.0, None, 3.0], [None] * 3], dtype="Float64"),
    "lists": [[1.0, None, 3.0], [None, None, None]],
    "arrays": [np.array([1.0, NAN, 3.0]), np.array([NAN] * 3)],
    "cells": pd.DataFrame({"a": [[1.0, None, 3.0], [NAN, pd.NA, None]]}),
    "windows": Windows(np.array([1.0, NAN, 3.0, NAN, NAN, NAN])[:, np.newaxis], [0, 3], 3),
}


@pytest.mark.parametrize("form", GAPPY)
def test_missing_values_of_every_form(form):
    sequences = as_sequences(GAPPY[form], allow_nan=True)
    np.testing.assert_array_equal(sequences.values.ravel(), [1, NAN, 3, NAN, NAN, NAN])
    with pytest.raises(ValueError, match="NaN"):
        as_sequences(GAPPY[form])


def test_only_trailing_steps_of_nan_are_padding():
    X = np.full((2, 4, 2), NAN)
    X[0, 1, 0] = X[1, 3, 1] = 7.0
    sequences = as_sequences(X, allow_nan=True)
    np.testing.assert_array_equal(sequences.lengths, [2, 4])
    np.testing.assert_array_equal(sequences.rows(0), [[NAN, NAN], [7.0, NAN]])
    assert np.isnan(sequences.rows(1)[:3]).all()


def test_a_sample_of_padding_alone_is_refused():
    with pytest.raises(ValueError, match=r"X\[1\] is NaN at every time step"):
        as_sequences(np.array([[[1.0]], [[NAN]]]), allow_nan=True)


def test_the_place_of_nan_in_a_table_of_several_channels():
    X = np.ones((3, 6))
    X[1, 4] = NAN
    with pytest.raises(ValueError, match="X contains NaN at sample 1, time step 2"):
        as_sequences(X, n_channels=2)


def test_windows_say_in_which_row_nan_is():
    with pytest.raises(ValueError, match="X contains NaN in row 1 of the table"):
        as_sequences(GAPPY["windows"])


def test_gaps_are_no_other_scale():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(30, 2))
    X[rng.uniform(size=X.shape) < 0.5] = NAN
    gappy, whole = as_sequences([X], allow_nan=True), as_sequences([rng.normal(size=(30, 2))])
    assert other_scale(gappy, whole) is None
    assert "channel 0 has mean" in other_scale(as_sequences([X * 99], allow_nan=True), whole)
    empty = as_sequences([np.column_stack([X[:, 0], np.full(30, NAN)])], allow_nan=True)
    assert other_scale(empty, whole) is None
