"""What all displays have in common."""

from __future__ import annotations

import sys

import pytest
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
