"""Gradient flows."""

from __future__ import annotations

import numpy as np
from numpy.testing import assert_array_equal

from skrnn import RNNRegressor
from skrnn.inspection import gradient_flow
from skrnn.plotting import GradientFlowDisplay


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
