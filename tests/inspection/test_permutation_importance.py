"""Permutation importance of channels and time steps."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.pipeline import make_pipeline

from skrnn import RNNClassifier
from skrnn.inspection import permutation_importance
from skrnn.preprocessing import SequenceScaler


class FirstChannel:
    """Scores by the first channel at the first step alone."""

    def fit(self, X, y):
        return self

    def score(self, X, y):
        first = [np.asarray(x["a"] if isinstance(x, pd.DataFrame) else x)[0] for x in X]
        first = np.array([value if np.ndim(value) == 0 else value[0] for value in first])
        return float(np.mean((first > 0) == y))


@pytest.fixture
def by_first_channel(rng):
    X = [rng.normal(size=(length, 3)) for length in rng.integers(2, 6, size=40)]
    return X, np.array([x[0, 0] > 0 for x in X])


@pytest.mark.parametrize("by", ["channel", "time_step"])
@pytest.mark.parametrize("form", ["ragged", "3d"])
def test_only_what_matters_is_important(by_first_channel, by, form):
    X, y = by_first_channel
    if form == "3d":
        X = np.stack([x[:2] for x in X])
    result = permutation_importance(FirstChannel(), X, y, by=by, n_repeats=3, random_state=0)
    assert result.importances_mean[0] > 0.3
    assert_array_equal(result.importances[1:], 0)
    assert_allclose(result.importances_std, result.importances.std(axis=1))


def test_a_network_in_a_pipeline_on_a_frame_of_sequences(ragged):
    X, y = ragged
    frame = pd.DataFrame({name: [x[:, j] for x in X] for j, name in enumerate("abc")})
    clf = RNNClassifier(8, random_state=0, learning_rate_init=0.02, tol=1e-3)
    pipeline = make_pipeline(SequenceScaler(), clf).fit(frame, y)
    result = permutation_importance(pipeline, frame, y, scoring="neg_log_loss", random_state=0)
    assert result.importances_mean.argmax() == 0


def test_a_table_of_several_channels(rng):
    X = rng.normal(size=(40, 6))
    y = (X[:, 0::2].sum(axis=1) > 0).astype(int)
    clf = RNNClassifier(8, n_channels=2, random_state=0, learning_rate_init=0.02, tol=1e-3)
    clf.fit(X, y)
    result = permutation_importance(clf, X, y, random_state=0)
    assert result.importances.shape == (2, 5)
    assert result.importances_mean[0] > 0.2 > result.importances_mean[1]


def test_wrong_parameters_of_permutation_are_refused(by_first_channel):
    with pytest.raises(ValueError, match="by must be"):
        permutation_importance(FirstChannel(), *by_first_channel, by="sample")
    with pytest.raises(ValueError, match="n_repeats"):
        permutation_importance(FirstChannel(), *by_first_channel, n_repeats=0)
    with pytest.raises(ValueError, match=r"one number, got those of \['one', 'two'\]"):
        permutation_importance(
            FirstChannel(), *by_first_channel, scoring=lambda *_: {"one": 1.0, "two": 2.0}
        )
