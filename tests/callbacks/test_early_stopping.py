"""EarlyStopping: it counts, stops and restores."""

from __future__ import annotations

import numpy as np
import pytest
import sklearn
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.utils.fixes import parse_version
from small_fits import make_data, small, vector_of

from skrnn.callbacks import EarlyStopping, MedianPruning
from skrnn.preprocessing import SequenceScaler

PRUNING = pytest.param(
    MedianPruning,
    marks=pytest.mark.skipif(
        parse_version(sklearn.__version__) < parse_version("1.9"),
        reason="scikit-learn 1.9 tells a fit of its search",
    ),
)

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning",
    "ignore:Training interrupted",
)


def test_early_stopping_restores_the_best_epoch_on_the_validation_set():
    X, y = make_data()
    X_val, y_val = X[16:], y[16:]
    stop = EarlyStopping(scoring="r2", X_val=X_val, y_val=y_val, patience=3)
    est = small(max_iter=300, learning_rate_init=0.1).set_callbacks(stop).fit(X[:16], y[:16])
    assert est.n_iter_ == stop.best_epoch_ + 3 < 300
    assert est.score(X_val, y_val) == stop.best_score_ == max(stop.scores_)


@pytest.mark.parametrize(("restore_best", "epoch"), [(True, 2), (False, 4)])
def test_early_stopping_counts_and_restores(restore_best, epoch):
    scores = iter([0.1, 0.5, 0.4, 0.5, 0.9, 1.0])
    stop = EarlyStopping(
        scoring=lambda est, X, y: next(scores), patience=2, restore_best=restore_best
    )
    est = small().set_callbacks(stop).fit(*make_data())
    assert stop.scores_ == [0.1, 0.5, 0.4, 0.5]
    assert stop.best_epoch_ == 2
    np.testing.assert_array_equal(
        vector_of(est), vector_of(small(max_iter=epoch).fit(*make_data()))
    )


def test_an_improvement_must_exceed_min_delta():
    scores = iter([0.1, 0.2, 0.3, 0.4])
    stop = EarlyStopping(scoring=lambda est, X, y: next(scores), patience=2, min_delta=0.15)
    assert small().set_callbacks(stop).fit(*make_data()).n_iter_ == 3
    assert stop.best_epoch_ == 3


def test_without_a_scorer_the_loss_or_the_validation_score_decides():
    stop = EarlyStopping(patience=100)
    est = small().set_callbacks(stop).fit(*make_data())
    assert stop.scores_ == [-loss for loss in est.loss_curve_]
    est = small(early_stopping=True).set_callbacks(stop).fit(*make_data())
    assert stop.scores_ == est.validation_scores_


@pytest.mark.parametrize(
    ("callback", "message"),
    [
        (EarlyStopping(X_val=[[1.0]]), "X_val and y_val belong together"),
        (EarlyStopping(X_val=[[1.0]], y_val=[1.0, 2.0]), "inconsistent"),
        (EarlyStopping(scoring="acuracy"), "acuracy"),
    ],
)
def test_bad_validation_sets_are_refused_when_fit_begins(callback, message):
    with pytest.raises(ValueError, match=message):
        small().set_callbacks(callback).fit(*make_data())


@pytest.mark.parametrize("make", [EarlyStopping, PRUNING])
def test_a_validation_set_that_the_pipeline_does_not_transform_is_told_once(make):
    """The network sees scaled data, the callback raw ones."""
    X, y = make_data()
    callback = make(X_val=500 + 200 * X, y_val=y)
    model = make_pipeline(SequenceScaler(), small().set_callbacks(callback))
    search = GridSearchCV(model, {}, cv=2, refit=False)
    with pytest.warns(UserWarning, match=f"X_val of {make.__name__} is on another scale") as said:
        search.fit(500 + 200 * X, y)
    assert sum("another scale" in str(each.message) for each in said) == 2  # once in every fit


def test_a_validation_set_on_the_scale_of_the_data_is_not_remarked():
    X, y = make_data()
    stop = EarlyStopping(X_val=SequenceScaler().fit_transform(X), y_val=y)
    make_pipeline(SequenceScaler(), small().set_callbacks(stop)).fit(500 + 200 * X, y)
