"""The mean absolute scaled error."""

import numpy as np
import pandas as pd
import pytest

from skrnn.metrics import mase

PAST = [1.0, 2.0, 4.0, 5.0]  # changes 1, 2, 1; over two steps 3, 3


def test_the_unit_is_the_error_of_the_naive_forecast():
    assert mase([5.0, 7.0], [6.0, 7.0], y_train=PAST) == 0.5 / (4 / 3)


def test_a_season_is_looked_back():
    assert mase([5.0, 7.0], [6.0, 7.0], y_train=PAST, season=2) == 0.5 / 3


def test_it_has_no_unit():
    y, predicted, past = (np.array(v) for v in ([5.0, 7.0], [6.0, 7.5], PAST))
    for unit in (1e-3, 1e4):
        assert mase(unit * y, unit * predicted, y_train=unit * past) == pytest.approx(
            mase(y, predicted, y_train=past), rel=1e-14
        )


def test_one_past_serves_all_horizons():
    y, predicted = [[5.0, 5.0], [7.0, 8.0]], [[6.0, 6.0], [7.0, 10.0]]
    raw = mase(y, predicted, y_train=PAST, multioutput="raw_values")
    np.testing.assert_allclose(raw, [0.375, 1.125], rtol=1e-15)
    assert mase(y, predicted, y_train=PAST) == 0.75
    assert mase(y, predicted, y_train=PAST, multioutput=[3, 1]) == pytest.approx(0.5625)


def test_every_target_may_have_a_past_of_its_own():
    past = pd.DataFrame({"a": PAST, "b": 10 * np.array(PAST)})
    raw = mase([[5.0, 50.0]], [[6.0, 60.0]], y_train=past, multioutput="raw_values")
    np.testing.assert_allclose(raw, [0.75, 0.75], rtol=1e-15)


def test_weights_count():
    assert mase([5.0, 7.0], [6.0, 7.0], y_train=PAST, sample_weight=[3, 1]) == 0.75 / (4 / 3)


def test_what_is_missing_in_the_past_is_left_out():
    assert mase([5.0], [6.0], y_train=[1.0, np.nan, 4.0, 5.0, 7.0]) == 1 / 1.5


BAD = {
    "constant": ({"y_train": [3.0, 3.0, 3.0]}, "no change from one season of 1 steps"),
    "nothing known": ({"y_train": [3.0, np.nan, 3.0]}, "no change from one season"),
    "season": ({"y_train": PAST, "season": 4}, "season must be .* below the 4 rows .* got 4"),
    "no season": ({"y_train": PAST, "season": 0}, "season must be an integer >= 1"),
    "columns": ({"y_train": np.ones((4, 3))}, "y_train has 3 columns, but there are 1 outputs"),
    "outputs": ({"y_train": PAST, "multioutput": "mean"}, "multioutput must be .* got 'mean'"),
    "text": ({"y_train": ["a", "b"]}, "could not convert"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_scaled_is_named(case):
    params, match = BAD[case]
    with pytest.raises(ValueError, match=match):
        mase([5.0, 7.0], [6.0, 7.0], **params)
