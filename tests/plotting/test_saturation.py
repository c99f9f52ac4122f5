"""Saturation."""

from __future__ import annotations

import pytest
from numpy.testing import assert_allclose

from skrnn import RNNClassifier
from skrnn.plotting import SaturationDisplay


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
