"""Messages show NumPy scalars as the numbers and strs that a user would write."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from skrnn import RNNClassifier
from skrnn._shown import python_value
from skrnn.preprocessing import TokenEncoder, from_long, make_windows
from skrnn.sequences import as_sequences

ONE = np.int64(1)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (np.int64(1), "1"),
        (np.float32(0.5), "0.5"),
        (np.str_("a"), "'a'"),
        ((np.int64(1), [np.bool_(True)]), "(1, [True])"),
        ({np.int64(1): np.float64(2)}, "{1: 2.0}"),
        ({np.int64(1)}, "{1}"),
        (None, "None"),
    ],
)
def test_scalars_become_python_values(value, shown):
    assert repr(python_value(value)) == shown


def test_what_is_no_scalar_is_left_as_it_is():
    array = np.arange(3)
    assert python_value(array) is array


def series():
    return pd.DataFrame({"t": range(9), "v": np.arange(9.0)})


def long_table(values):
    return pd.DataFrame({"id": [0, 0], "t": [0, 1], "v": pd.Series(values, dtype=object)})


def classifier(**parameters):
    X = np.zeros((4, 3, 2), dtype=int)
    return RNNClassifier(max_iter=2, **parameters).fit(X, [0, 1, 0, 1])


# What a user passes, and the part of the message that shows it.
MESSAGES = {
    "width of a layer": (lambda: classifier(hidden_layer_sizes=(ONE - 1,)), r"Got \(0,\)"),
    "key of a dict": (lambda: classifier(embedding_dim={ONE + 6: 2}), "the channel 7, "),
    "value of a dict": (lambda: classifier(embedding_dim={ONE: ONE - 1}), r"\[1\] .* Got 0 "),
    "window": (lambda: make_windows(series(), window=ONE - 1), "got 0"),
    "horizon": (lambda: make_windows(series(), window=2, horizon=[ONE, ONE]), r"\[1, 1\]"),
    "channel": (lambda: from_long(long_table([1, 2]), id="id", channels=[ONE]), "column 1"),
    "value of a table": (
        lambda: from_long(long_table([ONE, "a"]), id="id", channels=["v"]),
        "first value is 1",
    ),
    "cell": (
        lambda: as_sequences(pd.DataFrame({0: [np.arange(3.0), np.float64(2)]})),
        "column 0, is 2.0",
    ),
    "columns of cells": (
        lambda: as_sequences(pd.DataFrame({0: [np.arange(3.0)], 1: [np.arange(2.0)]})),
        "3 time steps in column 0, 2 in column 1",
    ),
    "cell of tokens": (
        lambda: TokenEncoder().fit(pd.DataFrame({"a": [np.array(["a"]), np.float64(3)]})),
        "is 3.0",
    ),
}


@pytest.mark.parametrize("name", MESSAGES)
def test_errors_show_what_was_passed_as_it_would_be_written(name):
    fails, shown = MESSAGES[name]
    with pytest.raises((ValueError, TypeError), match=shown) as raised:
        fails()
    assert "np." not in str(raised.value)
