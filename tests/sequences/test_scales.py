"""Whether two sets of sequences are on one scale."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from skrnn.sequences import as_sequences, other_scale

X = np.random.default_rng(0).normal(size=(20, 5, 2))


def said(given, expected=X):
    return other_scale(as_sequences(given), as_sequences(expected))


@pytest.mark.parametrize(
    "given",
    [
        500 + 200 * X,
        [1000 + each for each in X],
        X * [1, 100],
        X + np.array([0, 50]),
        20 + 8 * X,
        X / 100,
    ],
    ids=["both", "a list", "spread of one", "mean of one", "temperatures", "smaller"],
)
def test_raw_data_are_not_on_the_scale_of_scaled_ones(given):
    assert said(given) is not None
    assert said(X, np.asarray(given)) is not None


@pytest.mark.parametrize(
    "given",
    [X + 1, 3 * X, X[:10], X[:, :2], X[:1], X * [1, 0], np.abs(X), np.cumsum(X, axis=1)],
    ids=["shifted", "wider", "fewer", "shorter", "few steps", "constant", "positive", "walks"],
)
def test_data_of_one_origin_are(given):
    assert said(given) is None


def test_the_channel_is_named_and_both_scales_are_told():
    frames = [pd.DataFrame(each, columns=["wind", "rain"]) for each in X * [1, 1000]]
    assert said(frames).startswith("channel 'rain' has mean")
    assert "standard deviation 945, not 0.101 and 0.945" in said(frames)


def test_windows_are_compared_by_their_rows():
    series = np.arange(40.0)[:, np.newaxis]
    windows = np.lib.stride_tricks.sliding_window_view(series, 5, axis=0).swapaxes(1, 2)
    assert said(windows, 100 * windows) is not None
    assert said(windows, windows + 1) is None


def with_static(values, name="age"):
    frame = pd.DataFrame({"a": list(X[..., 0]), name: values})
    return as_sequences(frame)


AGE = np.random.default_rng(1).normal(size=20)


def test_static_features_are_compared():
    found = other_scale(with_static(40 + 15 * AGE), with_static(AGE))
    assert found.startswith("static feature 'age' has mean")
    assert other_scale(with_static(2 * AGE), with_static(AGE)) is None
    assert other_scale(with_static(100 * AGE), as_sequences(X[..., :1])) is None


def test_marks_of_rare_categories_are_on_no_scale():
    often = np.arange(20) % 2 > 0
    frames = [pd.DataFrame({"a": [np.ones(3)] * 2000, "mark": np.arange(2000) < 1})]
    frames.append(pd.DataFrame({"a": list(X[..., 0]), "mark": often}))
    assert other_scale(*map(as_sequences, frames)) is None


def test_few_samples_say_nothing_of_static_features():
    few = as_sequences(pd.DataFrame({"a": list(X[:5, :, 0]), "age": 100 * AGE[:5]}))
    assert other_scale(few, with_static(AGE)) is None
