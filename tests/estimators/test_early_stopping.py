"""Early stopping: what is held out, and whose weights are restored."""

from __future__ import annotations

import numpy as np
import pytest
import sklearn.model_selection
from sklearn.model_selection import train_test_split
from small_estimators import N_SAMPLES, label_sign, make_ragged, make_X, small

from skrnn import RNNClassifier, RNNRegressor
from skrnn.estimators import _data

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

EARLY = {
    "classes": (RNNClassifier, lambda x: int(x[-1, 0] > 0), {}),
    "multilabel": (RNNClassifier, lambda x: (x[-1] > 0).astype(int), {}),
    "numbers": (RNNRegressor, lambda x: x[-1, 0] + 5, {}),
    "steps": (RNNRegressor, lambda x: x[:, 0], {"return_sequences": True}),
    "label steps": (RNNClassifier, lambda x: (x[:, 0] > 0) * 1, {"return_sequences": True}),
    "lbfgs": (RNNRegressor, lambda x: x[-1, 0] + 5, {"optimizer": "lbfgs"}),
}


@pytest.mark.parametrize("task", EARLY)
def test_early_stopping_restores_the_best_weights(task, monkeypatch):
    cls, target, parameters = EARLY[task]
    held_out = []

    def split(*args, **kwargs):
        parts = train_test_split(*args, **kwargs)
        held_out.append(parts[1])
        return parts

    monkeypatch.setattr(sklearn.model_selection, "train_test_split", split)
    X = make_ragged(60)
    y = [target(x) for x in X]
    # Batches, so that the samples keep their order and can be found again.
    estimator = small(
        cls,
        early_stopping=True,
        validation_fraction=0.2,
        batch_size=10,
        max_iter=30,
        n_iter_no_change=3,
        **parameters,
    )
    if task == "lbfgs":
        monkeypatch.setattr(_data, "merge_repeated_samples", lambda s, y, w, i, per_step: (i, w[i]))
    estimator.fit(X, y)
    (samples,) = held_out
    assert len(samples) == 12
    score = estimator.score([X[i] for i in samples], [y[i] for i in samples])
    assert score == pytest.approx(estimator.best_validation_score_, abs=1e-12)
    assert estimator.best_validation_score_ == max(estimator.validation_scores_)
    assert len(estimator.validation_scores_) == len(estimator.loss_curve_) == estimator.n_iter_
    assert estimator.best_loss_ is None


def test_early_stopping_ends_training():
    X = make_X(60)
    classifier = small(RNNClassifier, early_stopping=True, max_iter=500, n_iter_no_change=5)
    classifier.fit(X, label_sign(X))
    assert classifier.n_iter_ < 500
    best = int(np.argmax(classifier.validation_scores_))
    assert classifier.n_iter_ - 1 - best >= 5


def test_early_stopping_stratifies_classes(monkeypatch):
    options = []

    def split(samples, **kwargs):
        options.append(kwargs)
        return train_test_split(samples, **kwargs)

    monkeypatch.setattr(sklearn.model_selection, "train_test_split", split)
    y = np.arange(N_SAMPLES) % 2
    small(RNNClassifier, early_stopping=True, batch_size=5).fit(make_X(), y)
    small(RNNClassifier, early_stopping=True, batch_size=5).fit(make_X(), [0] * 23 + [1])
    np.testing.assert_array_equal(options[0]["stratify"], y)
    assert options[1]["stratify"] is None


def test_validation_scores_count_class_weights():
    X = make_X(60)
    classifier = small(
        RNNClassifier, early_stopping=True, class_weight={0: 0.0, 1: 1.0}, validation_fraction=0.3
    )
    classifier.fit(X, label_sign(X))
    assert (classifier.predict(X) == 1).all()
    assert classifier.best_validation_score_ == 1.0
