"""Loss curves."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.exceptions import NotFittedError

from skrnn import RNNClassifier
from skrnn.plotting import LossCurveDisplay

SHORT = {"max_iter": 5, "tol": 1e9, "n_iter_no_change": 1, "random_state": 0}


def test_loss_curves_are_those_of_training(ragged):
    networks = {"a": RNNClassifier(3, **SHORT), "b": RNNClassifier(4, **SHORT)}
    for network in networks.values():
        network.fit(*ragged)
    display = LossCurveDisplay.from_estimator(networks)
    for line, network in zip(display.lines_, networks.values(), strict=True):
        assert_array_equal(line.get_ydata(), network.loss_curve_)
        assert_array_equal(line.get_xdata(), np.arange(1, network.n_iter_ + 1))
    assert [text.get_text() for text in display.ax_.get_legend().get_texts()] == ["a", "b"]
    assert display.score_lines_ == []


def test_validation_scores_get_an_axis(ragged):
    clf = RNNClassifier(3, early_stopping=True, **SHORT).fit(*ragged)
    display = LossCurveDisplay.from_estimator(clf, scores=True)
    assert_array_equal(display.score_lines_[0].get_ydata(), clf.validation_scores_)
    assert display.score_lines_[0].axes is not display.ax_


def test_validation_losses_stand_beside_those_of_training(ragged):
    clf = RNNClassifier(3, early_stopping=True, **SHORT).fit(*ragged)
    display = LossCurveDisplay.from_estimator(clf)
    assert_array_equal(display.validation_lines_[0].get_ydata(), clf.validation_loss_curve_)
    assert display.validation_lines_[0].axes is display.ax_
    assert display.score_lines_ == []


def test_loss_curves_need_a_fitted_estimator():
    with pytest.raises(NotFittedError):
        LossCurveDisplay.from_estimator(RNNClassifier())
