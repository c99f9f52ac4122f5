"""Early stopping: what is held out, and whose weights are restored."""

from __future__ import annotations

import numpy as np
import pytest
import sklearn.model_selection
from sklearn.metrics import average_precision_score
from sklearn.model_selection import train_test_split
from sklearn.utils._param_validation import InvalidParameterError
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
    estimator = small(
        cls,
        early_stopping=True,
        validation_fraction=0.2,
        batch_size=10,
        max_iter=30,
        n_iter_no_change=3,
        **parameters,
    )
    monkeypatch.setattr(
        _data, "merge_repeated_samples", lambda s, y, w, i, **options: (i, w[i])
    )  # keeps the order
    estimator.fit(X, y)
    (samples,) = held_out
    assert len(samples) == 12
    best = int(np.argmin(estimator.validation_loss_curve_))
    assert estimator.best_validation_loss_ == estimator.validation_loss_curve_[best]
    assert estimator.best_validation_score_ == estimator.validation_scores_[best]
    score = estimator.score([X[i] for i in samples], [y[i] for i in samples])
    assert score == pytest.approx(estimator.best_validation_score_, abs=1e-12)
    curves = estimator.validation_loss_curve_, estimator.validation_scores_, estimator.loss_curve_
    assert [len(curve) for curve in curves] == [estimator.n_iter_] * 3
    assert estimator.best_loss_ is None


def test_early_stopping_ends_training():
    X = make_X(60)
    classifier = small(RNNClassifier, early_stopping=True, max_iter=500, n_iter_no_change=5)
    classifier.set_params(tol=0.0).fit(X, label_sign(X))
    assert classifier.n_iter_ < 500
    best = int(np.argmin(classifier.validation_loss_curve_))
    assert classifier.n_iter_ - 1 - best >= 5


def test_early_stopping_stratifies_classes(monkeypatch):
    options = []

    def split(samples, **kwargs):
        options.append(kwargs)
        return train_test_split(samples, **kwargs)

    monkeypatch.setattr(sklearn.model_selection, "train_test_split", split)
    y = np.arange(N_SAMPLES) % 2
    small(RNNClassifier, early_stopping=True, batch_size=5).fit(make_X(), y)
    rare = small(RNNClassifier, early_stopping=True, batch_size=5, random_state=1)
    rare.fit(make_X(), [0] * 23 + [1])
    np.testing.assert_array_equal(np.sort(options[0]["stratify"]), np.sort(y))
    assert options[1]["stratify"] is None


def test_validation_scores_count_class_weights():
    X = make_X(60)
    classifier = small(
        RNNClassifier, early_stopping=True, class_weight={0: 0.0, 1: 1.0}, validation_fraction=0.3
    )
    classifier.fit(X, label_sign(X))
    assert (classifier.predict(X) == 1).all()
    assert classifier.best_validation_score_ == 1.0


@pytest.mark.parametrize("early_stopping", [False, True])
def test_infinite_patience_trains_to_max_iter(early_stopping):
    X = make_X()
    classifier = small(RNNClassifier, early_stopping=early_stopping, tol=9.0, max_iter=30)
    classifier.set_params(n_iter_no_change=np.inf).fit(X, label_sign(X))
    assert classifier.n_iter_ == 30


@pytest.mark.parametrize("n_iter_no_change", [-np.inf, np.nan, 2.5, 0])
def test_patience_is_counted_in_epochs(n_iter_no_change):
    X = make_X()
    with pytest.raises(InvalidParameterError, match="n_iter_no_change"):
        small(RNNClassifier, n_iter_no_change=n_iter_no_change).fit(X, label_sign(X))


def test_rare_steps_are_found_with_early_stopping():
    # Accuracy is the same in all early epochs: nearly all steps are negative.
    X = np.random.default_rng(0).normal(size=(150, 20, 1))
    Y = (X[:, :, 0] > 2.0).astype(int)
    classifier = RNNClassifier(
        8, return_sequences=True, early_stopping=True, max_iter=60, batch_size=8, random_state=0
    )
    classifier.fit(X[:100], Y[:100])
    proba = classifier.predict_proba(X[100:])[:, :, 1]
    assert average_precision_score(Y[100:].ravel(), proba.ravel()) > 0.8


@pytest.mark.parametrize("seed", range(3))
def test_rare_sequences_are_found_with_early_stopping(seed):
    X = np.random.default_rng(0).normal(size=(600, 10, 2))
    total = X[:, -1, 0] + X[:, -2, 0]
    y = (total > np.quantile(total, 0.96)).astype(int)
    classifier = RNNClassifier(8, early_stopping=True, random_state=seed).fit(X[:300], y[:300])
    assert average_precision_score(y[300:], classifier.predict_proba(X[300:])[:, 1]) > 0.6


@pytest.mark.parametrize("seed", range(3))
def test_quantiles_cover_their_share_with_early_stopping(seed):
    # R2 would prefer the network that predicts the mean.
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 8, 1))
    y = X[:, -2:, 0].sum(axis=1) + 2 * rng.exponential(size=400)
    regressor = RNNRegressor(
        8, loss="quantile", quantile=0.1, early_stopping=True, random_state=seed
    ).fit(X[:200], y[:200])
    assert 0.05 < np.mean(y[200:] < regressor.predict(X[200:])) < 0.18


@pytest.mark.parametrize(
    ("y", "part"),
    [
        (np.r_[np.zeros(54), np.ones(6)], "leaves 54 samples to train on"),
        (np.r_[np.zeros(56), np.ones(4)], "leaves 54 samples to train on"),
        (np.r_[np.ones(20), np.zeros(40)], "sets 6 samples aside"),
    ],
    ids=["one class each", "one class to train on", "one class set aside"],
)
def test_a_part_with_one_target_only_is_told(y, part):
    X = np.random.RandomState(0).normal(size=(60, 5, 1))
    clf = small(RNNClassifier, shuffle=False, early_stopping=True, max_iter=2, tol=1e9)
    with pytest.warns(UserWarning, match=f"early_stopping=True {part} whose targets are all the"):
        clf.set_params(learning_rate="cosine").fit(X, y)
