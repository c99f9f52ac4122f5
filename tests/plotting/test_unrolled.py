"""The unrolled network."""

from __future__ import annotations

import pytest

from skrnn import RNNRegressor
from skrnn.core.cells import CELLS
from skrnn.plotting import UnrolledNetworkDisplay


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


@pytest.mark.parametrize(
    ("readout", "width", "name"),
    [
        ("mean", 4, "the mean state"),
        ("attention", 4, "the attention state"),
        (("last", "max"), 8, "the last, max state"),
    ],
)
def test_the_output_is_as_wide_as_the_read_out(rng, readout, width, name):
    X, y = rng.normal(size=(4, 5, 2)), rng.normal(size=4)
    display = UnrolledNetworkDisplay.from_estimator(RNNRegressor(4, readout=readout), X, y)
    texts = [text.get_text() for text in display.ax_.texts]
    assert f"$W$: {width} × 1\nof {name}" in texts


@pytest.mark.parametrize(("cell", "has_W_h"), [("gru", True), ("lru", False)])
def test_a_recurrent_matrix_is_named_where_there_is_one(rng, cell, has_W_h):
    X, y = rng.normal(size=(4, 5, 2)), rng.normal(size=4)
    display = UnrolledNetworkDisplay.from_estimator(RNNRegressor(4, cell=cell), X, y)
    assert any("$W_h$" in text.get_text() for text in display.ax_.texts) is has_W_h
    assert display.layers[0]["n_gates"] == len(CELLS[cell].gates)
