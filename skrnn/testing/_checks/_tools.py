"""Checks with scikit-learn's tools."""

from __future__ import annotations

from unittest import SkipTest

import numpy as np
from sklearn.model_selection import GridSearchCV, KFold, cross_val_predict

from skrnn.testing._checks._common import (
    require_determinism,
)
from skrnn.testing._subject import Subject


def check_cross_val_predict(subject: Subject) -> None:
    """cross_val_predict answers what fits by hand on its folds answer."""
    require_determinism(subject)
    if not hasattr(subject.estimator, "predict"):
        raise SkipTest(f"{subject.name} has no predict")
    data, folds = subject.data(), KFold(3)
    X, y = subject.X(data), data.y(subject.form)
    predictions = cross_val_predict(subject.new(), X, y, cv=folds)
    by_hand: list[np.ndarray] = []
    for training, held_out in folds.split(X):
        fitted = subject.fit(data.take(training))
        by_hand += subject.answers(fitted, data.take(held_out))["predict"]
    answers = {"predict": subject.split(predictions)}
    subject.assert_equal(answers, {"predict": by_hand}, "asked by cross_val_predict")


def check_grid_search(subject: Subject) -> None:
    """GridSearchCV scores folds and refits as by hand."""
    require_determinism(subject)
    if not hasattr(subject.estimator, "score") or subject.targets is None:
        raise SkipTest(f"{subject.name} has no score of targets")
    data, folds = subject.data(), KFold(3)
    X, y = subject.X(data), data.y(subject.form)
    search = GridSearchCV(subject.new(), {}, cv=folds, error_score="raise").fit(X, y)
    subject.assert_equal(
        subject.answers(search, data),
        subject.answers(subject.fit(data), data),
        "refitted by GridSearchCV",
    )
    training, held_out = (data.take(part) for part in next(folds.split(X)))
    score = subject.fit(training).score(subject.X(held_out), held_out.y(subject.form))
    if not np.isclose(search.cv_results_["split0_test_score"][0], score):
        raise AssertionError(
            f"GridSearchCV scores the first fold of {subject.name} with "
            f"{search.cv_results_['split0_test_score'][0]}, by hand the score is {score}."
        )
