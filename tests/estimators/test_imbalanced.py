"""Resampling by imbalanced-learn, as the guide does it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.model_selection import cross_validate
from sklearn.preprocessing import FunctionTransformer

from skrnn import RNNClassifier

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
RNG = np.random.default_rng(0)
SEQUENCES = [RNG.normal(size=(length, 2)) for length in RNG.integers(2, 6, size=40)]
FRAME = pd.DataFrame({name: [x[:, j] for x in SEQUENCES] for j, name in enumerate("ab")})
RARE = np.where(np.arange(40) % 5 == 0, "rare", "usual")
ROWS = np.arange(40).reshape(-1, 1)


def look_up(rows):
    return [SEQUENCES[i] for i in rows[:, 0]]


class Seen(ClassifierMixin, BaseEstimator):
    """Keeps what it is fitted on."""

    def fit(self, X, y):
        self.classes_, self.X_, self.y_ = np.unique(y), X, y
        return self

    def predict(self, X):
        return np.full(len(X), self.classes_[0])


def pipeline(*steps):
    imblearn = pytest.importorskip("imblearn")
    sampler = imblearn.over_sampling.RandomOverSampler(random_state=0)
    return imblearn.pipeline.make_pipeline(sampler, *steps)


@pytest.mark.parametrize("form", ["rows", "frame"])
def test_the_classes_are_as_frequent_after_resampling_and_sequences_whole(form):
    steps = [FunctionTransformer(look_up)] if form == "rows" else []
    seen = pipeline(*steps, Seen()).fit(ROWS if form == "rows" else FRAME, RARE)[-1]
    assert dict(zip(*np.unique(seen.y_, return_counts=True), strict=True)) == {
        "rare": 32,
        "usual": 32,
    }
    first = seen.X_[33] if form == "rows" else np.column_stack(list(seen.X_.iloc[33]))
    assert seen.y_[33] in ("rare", "usual")
    assert any(np.array_equal(first, x) for x in SEQUENCES)


@pytest.mark.parametrize("form", ["rows", "frame"])
def test_only_the_training_part_of_a_fold_is_resampled(form):
    steps = [FunctionTransformer(look_up)] if form == "rows" else []
    clf = RNNClassifier(2, max_iter=1, random_state=0)
    X = ROWS if form == "rows" else FRAME
    result = cross_validate(
        pipeline(*steps, clf), X, RARE, cv=4, return_indices=True, error_score="raise"
    )
    assert [len(test) for test in result["indices"]["test"]] == [10] * 4
    assert np.isfinite(result["test_score"]).all()
