"""Attributions."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from sklearn.pipeline import make_pipeline

from skrnn import RNNClassifier, RNNRegressor
from skrnn.inspection import input_attributions
from skrnn.plotting import AttributionDisplay
from skrnn.preprocessing import SequenceScaler

SHORT = {"max_iter": 5, "tol": 1e9, "n_iter_no_change": 1, "random_state": 0}


@pytest.mark.parametrize("method", ["gradient_x_input", "integrated_gradients", "occlusion"])
def test_attributions_are_shown_by_channel_and_step(clf, ragged, method):
    display = AttributionDisplay.from_estimator(clf, ragged[0], 3, method=method)
    expected = input_attributions(clf, ragged[0], method)[3]
    assert_array_equal(np.asarray(display.image_.get_array()).T, expected)
    assert len(display.ax_.lines) == 3


def test_channels_have_their_names(ragged):
    X, y = ragged
    frame = pd.DataFrame({name: [x[:, j] for x in X] for j, name in enumerate("abc")})
    clf = RNNClassifier(3, **SHORT).fit(frame, y)
    display = AttributionDisplay.from_estimator(clf, frame, 0)
    assert [label.get_text() for label in display.ax_.get_yticklabels()] == ["a", "b", "c"]


def test_channels_keep_their_names_behind_a_transformer(ragged):
    X, y = ragged
    frame = pd.DataFrame({name: [x[:, j] for x in X] for j, name in enumerate("abc")})
    est = make_pipeline(SequenceScaler(), RNNClassifier(3, **SHORT)).fit(frame, y)
    assert AttributionDisplay.from_estimator(est, frame, 0).channels == ["a", "b", "c"]


def test_columns_of_a_table_are_no_channels(rng):
    frame = pd.DataFrame(rng.normal(size=(8, 4)), columns=list("abcd"))
    est = RNNRegressor(3, n_channels=2, **SHORT).fit(frame, rng.normal(size=8))
    assert AttributionDisplay.from_estimator(est, frame, 0).channels is None


def test_a_network_that_reads_frames_is_shown_in_time_steps(rng):
    X = rng.normal(size=(8, 20, 2))
    est = RNNRegressor(3, frame_length=4, frame_units=3, **SHORT).fit(X, X[:, -1, 0])
    display = AttributionDisplay.from_estimator(est, X, 1)
    assert_array_equal(display.attributions, input_attributions(est, X)[1])
    assert_array_equal(display.x, X[1])


def test_the_output_to_explain_may_be_named(clf, ragged):
    label = clf.classes_[1]
    display = AttributionDisplay.from_estimator(clf, ragged[0], 3, target=label)
    expected = input_attributions(clf, ragged[0], target=label)[3]
    assert_array_equal(display.attributions, expected)
