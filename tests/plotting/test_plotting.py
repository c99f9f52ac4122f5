"""Displays: the artists are there and show the data. No pixels."""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import NotFittedError

from skrnn import RNNClassifier, RNNRegressor
from skrnn.inspection import gradient_flow, hidden_states, input_attributions
from skrnn.plotting import (
    AttributionDisplay,
    ForecastDisplay,
    GradientFlowDisplay,
    HiddenStateDisplay,
    LossCurveDisplay,
    SaturationDisplay,
    UnrolledNetworkDisplay,
)

SHORT = {"max_iter": 5, "tol": 1e9, "n_iter_no_change": 1, "random_state": 0}

pytestmark = pytest.mark.usefixtures("pyplot")


@pytest.fixture
def clf(ragged):
    return RNNClassifier(5, cell="lstm", **SHORT).fit(*ragged)


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
    display = LossCurveDisplay.from_estimator(clf)
    assert_array_equal(display.score_lines_[0].get_ydata(), clf.validation_scores_)
    assert display.score_lines_[0].axes is not display.ax_


def test_loss_curves_need_a_fitted_estimator():
    with pytest.raises(NotFittedError):
        LossCurveDisplay.from_estimator(RNNClassifier())


def test_several_gradient_flows_share_axes(rng):
    X, y = rng.normal(size=(4, 12, 1)), rng.normal(size=4)
    networks = [RNNRegressor(4, cell=cell, random_state=0) for cell in ("rnn", "gru", "lstm")]
    display = GradientFlowDisplay.from_estimator(networks, X, y)
    for line, network in zip(display.lines_, networks, strict=True):
        assert_array_equal(line.get_ydata(), gradient_flow(network, X, y).retained[0])
    legend = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert [label.split(" (")[0] for label in legend] == ["rnn", "gru", "lstm"]
    assert display.ax_.get_yscale() == "log"
    styles = {(line.get_color(), str(line.get_linestyle())) for line in display.lines_}
    assert len({color for color, _ in styles}) == len({style for _, style in styles}) == 3


def test_networks_alike_are_numbered(rng):
    X, y = rng.normal(size=(4, 5, 1)), rng.normal(size=4)
    networks = [RNNRegressor(4, "relu", random_state=seed) for seed in (0, 1)]
    display = GradientFlowDisplay.from_estimator(networks, X, y)
    assert list(display.flows) == ["gru, relu (1)", "gru, relu (2)"]


def test_a_flow_that_is_zero_can_be_drawn(rng):
    X, y = rng.normal(size=(4, 5, 1)), rng.normal(size=4)
    est = RNNRegressor(4, cell="rnn", recurrent_init="zeros", random_state=0)
    (line,) = GradientFlowDisplay.from_estimator(est, X, y).lines_
    assert_array_equal(np.isnan(line.get_ydata()), [False, True, True, True, True])


def test_hidden_states_are_shown_by_unit_and_step(clf, ragged):
    h = hidden_states(clf, ragged[0]).layers[0].h[2]
    display = HiddenStateDisplay.from_estimator(clf, ragged[0], 2)
    shown = np.asarray(display.image_.get_array()).T
    assert_array_equal(np.sort(shown, axis=1), np.sort(h, axis=1))
    in_order = HiddenStateDisplay(h).plot(sort=False)
    assert_array_equal(np.asarray(in_order.image_.get_array()).T, h)


def test_gates_are_shown_from_zero(clf, ragged):
    display = HiddenStateDisplay.from_estimator(clf, ragged[0], 2, name="f")
    assert display.image_.get_clim()[0] == 0


def test_an_unknown_quantity_is_refused(clf, ragged):
    with pytest.raises(ValueError, match=r"must be one of .*'h'.* got 'z'"):
        HiddenStateDisplay.from_estimator(clf, ragged[0], name="z")


def test_saturation_has_a_bar_for_every_gate(clf, ragged):
    display = SaturationDisplay.from_estimator(clf, *ragged)
    assert [label.get_text() for label in display.ax_.get_yticklabels()] == [
        "i",
        "f",
        "g",
        "o",
        "c_out",
    ]
    widths = [bar.get_width() for bar in display.bars_]
    assert_allclose(widths, list(display.flat[0].values()))


def test_what_cannot_saturate_is_refused(ragged):
    with pytest.raises(ValueError, match="Nothing can saturate"):
        SaturationDisplay.from_estimator(RNNClassifier(4, "relu", cell="rnn"), *ragged)


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


def test_forecasts_stand_at_their_time(rng):
    time = pd.period_range("2020-01", periods=12, freq="M")
    y = pd.Series(np.arange(12.0), index=time, name="sold")
    display = ForecastDisplay.from_predictions(y, y + 1, time=time, split=time[8])
    assert_array_equal(display.line_true_.get_ydata(), y)
    assert_array_equal(display.line_pred_.get_ydata(), y + 1)
    assert display.line_true_.get_xdata()[0] == pd.Timestamp("2020-01-01")
    assert display.ax_.get_ylabel() == "sold"


def test_forecasts_of_an_estimator(rng):
    X, y = rng.normal(size=(10, 5)), rng.normal(size=10)
    reg = RNNRegressor(3, **SHORT).fit(X, y)
    display = ForecastDisplay.from_estimator(reg, X, y)
    assert_array_equal(display.line_pred_.get_ydata(), reg.predict(X))


@pytest.mark.parametrize(
    ("parameters", "n_timesteps", "n_boxes"),
    [
        ({}, 3, 3),
        ({"hidden_layer_sizes": (4, 3)}, 9, 8),
        ({"bidirectional": True, "readout": "mean"}, 5, 5),
        ({"return_sequences": True}, 4, 4),
    ],
)
def test_the_unrolled_network_has_a_box_for_every_cell(rng, parameters, n_timesteps, n_boxes):
    X = rng.normal(size=(4, n_timesteps, 2))
    y = X[:, :, 0] if "return_sequences" in parameters else X[:, 0, 0]
    est = RNNRegressor(**{"hidden_layer_sizes": 4, **parameters})
    display = UnrolledNetworkDisplay.from_estimator(est, X, y)
    assert len(display.boxes_) == n_boxes
    texts = [text.get_text() for text in display.ax_.texts]
    assert any("$W_x$: 2 × 12" in text for text in texts)
    assert f"$x_{{{n_timesteps - 1}}}$" in texts


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
