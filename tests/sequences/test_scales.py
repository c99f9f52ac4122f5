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
