"""What all displays have in common."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression
from wrappers import WRAPPERS, fitted, table, target_of

from skrnn import plotting
from skrnn.plotting import (
    AttributionDisplay,
    ForecastDisplay,
    GradientFlowDisplay,
    HiddenStateDisplay,
    LossCurveDisplay,
    SaturationDisplay,
    UnrolledNetworkDisplay,
)


def test_every_display_draws_into_given_axes(pyplot, clf, ragged):
    X, y = ragged
    makers = [
        lambda ax: LossCurveDisplay.from_estimator(clf, ax=ax),
        lambda ax: GradientFlowDisplay.from_estimator(clf, X, y, ax=ax),
        lambda ax: HiddenStateDisplay.from_estimator(clf, X, ax=ax),
        lambda ax: SaturationDisplay.from_estimator(clf, X, y, ax=ax),
        lambda ax: AttributionDisplay.from_estimator(clf, X, ax=ax),
        lambda ax: ForecastDisplay.from_predictions([1, 2], [1, 2], ax=ax),
        lambda ax: UnrolledNetworkDisplay.from_estimator(clf, X, ax=ax),
    ]
    for make in makers:
        figure, ax = pyplot.subplots()
        display = make(ax)
        assert display.ax_ is ax
        assert display.figure_ is figure
        figure.canvas.draw()
        pyplot.close(figure)


def test_without_matplotlib_the_error_names_the_extra(monkeypatch, clf):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.delitem(sys.modules, "matplotlib.pyplot", raising=False)
    with pytest.raises(ImportError, match=r"skrnn\[plot\]"):
        LossCurveDisplay.from_estimator(clf)


@pytest.mark.parametrize("display", [LossCurveDisplay, GradientFlowDisplay])
def test_estimators_of_others_are_refused_by_name(display, ragged):
    data = () if display is LossCurveDisplay else ragged
    with pytest.raises(TypeError, match=r"RNNClassifier and RNNRegressor.*got LinearRegression"):
        display.from_estimator(LinearRegression(), *data)


@pytest.mark.parametrize("ax", [3, [1, 2], np.empty(2, object)])
def test_what_is_no_axes_is_refused_by_name(ax, clf, ragged):
    for draw in (
        lambda: LossCurveDisplay.from_estimator(clf, ax=ax),
        lambda: UnrolledNetworkDisplay.from_estimator(clf, ragged[0], ax=ax),
    ):
        with pytest.raises(TypeError, match=r"ax must be an Axes of matplotlib or None. Got"):
            draw()


@pytest.mark.parametrize("i", [24, -25, "a", 1.0, True])
@pytest.mark.parametrize("display", [HiddenStateDisplay, AttributionDisplay])
def test_a_sequence_that_is_not_there_is_refused_with_the_range(display, i, clf, ragged):
    with pytest.raises(ValueError, match=r"one of the 24 sequences.*range \[-24, 23\]. Got"):
        display.from_estimator(clf, ragged[0], i)


@pytest.mark.parametrize("curves", [None, [1.0, 2.0]])
def test_curves_without_names_are_refused(curves):
    with pytest.raises(TypeError, match="curves must be a dict from names to the losses"):
        LossCurveDisplay(curves).plot()


# Every display of one estimator, and what it holds to be drawn.
HELD = {
    "LossCurveDisplay": lambda est, X, y: list(LossCurveDisplay.from_estimator(est).curves.items()),
    "GradientFlowDisplay": lambda est, X, y: [
        (name, flow.retained.tolist())
        for name, flow in GradientFlowDisplay.from_estimator(est, X, y).flows.items()
    ],
    "HiddenStateDisplay": lambda est, X, y: HiddenStateDisplay.from_estimator(
        est, X, 3
    ).states.tolist(),
    "SaturationDisplay": lambda est, X, y: SaturationDisplay.from_estimator(est, X, y).flat,
    "AttributionDisplay": lambda est, X, y: AttributionDisplay.from_estimator(
        est, X, 3
    ).attributions.tolist(),
    "UnrolledNetworkDisplay": lambda est, X, y: (
        UnrolledNetworkDisplay.from_estimator(est, X).layers
    ),
}


@pytest.mark.parametrize("display", HELD)
@pytest.mark.parametrize("name", WRAPPERS)
def test_a_display_of_a_wrapper_shows_the_network_inside(name, display):
    est, X, y = fitted(name), table()[0], target_of(name)
    wrapper = WRAPPERS[name]
    inside = wrapper.network(est), wrapper.X(est, X), wrapper.y(est, y)
    held = HELD[display](est, X, y)
    assert held
    assert held == HELD[display](*inside)


@pytest.mark.parametrize("name", plotting.__all__)
def test_the_public_names_are_displays(name):
    assert callable(getattr(plotting, name).plot)
