"""Hidden states."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from skrnn.inspection import hidden_states
from skrnn.plotting import HiddenStateDisplay


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
