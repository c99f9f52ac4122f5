"""Targets keep their precision: of any level and size, whatever the dtype of X."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import r2_score
from small_estimators import N_SAMPLES, make_ragged, make_X, running, small

from skrnn import RNNRegressor
from skrnn.core.losses import REGRESSION_LOSSES, BaseLoss, Interval, SquaredError
from skrnn.estimators._target_scale import TargetScale, mean_and_spread

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


class Bounded(SquaredError):
    """A loss of targets that may not be scaled."""

    interval = Interval(-10.0, 10.0)


# --- float32 data --------------------------------------------------------------------------------


@pytest.mark.parametrize("level", [0.0, 5.3e6, 1.7e9, 1e12])
def test_a_level_of_the_target_costs_no_digits_with_float32_data(level):
    X = make_X(60).astype(np.float32)
    y = X[:, -1, 0].astype(np.float64)
    at_zero = small(RNNRegressor, max_iter=60).fit(X, y).predict(X)
    moved = small(RNNRegressor, max_iter=60).fit(X, y + level).predict(X)
    np.testing.assert_allclose(moved - level, at_zero, atol=max(1e-5, 1e-14 * level))


def test_the_level_of_step_targets_costs_no_digits_either():
    X = [sample.astype(np.float32) for sample in make_ragged()]
    at_zero = running(X, lambda sample: sample[:, 0].astype(float))
    moved = [target + 1.7e9 for target in at_zero]
    regressor = small(RNNRegressor, return_sequences=True, max_iter=60)
    expected = np.concatenate(regressor.fit(X, at_zero).predict(X))
    predicted = np.concatenate(regressor.fit(X, moved).predict(X))
    np.testing.assert_allclose(predicted - 1.7e9, expected, atol=1e-5)


@pytest.mark.parametrize("unit", [1e-300, 1e-170, 1e-25, 1.0, 1e25, 1e160, 1e300])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_unit_of_the_target_does_not_matter(unit, dtype):
    X = make_X().astype(dtype)
    y = X[:, -1, 0].astype(np.float64)
    expected = small(RNNRegressor).fit(X, y).predict(X)
    predicted = small(RNNRegressor).fit(X, y * unit).predict(X)
    np.testing.assert_allclose(predicted / unit, expected, rtol=1e-5)


def test_the_score_has_the_digits_of_the_target():
    X = make_X(60).astype(np.float32)
    y = 1.7e9 + X[:, -1, 0].astype(np.float64)
    regressor = small(RNNRegressor, max_iter=60).fit(X, y)
    assert regressor.score(X, y) == r2_score(y, regressor.predict(X)) > 0.9


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_predictions_are_double_whatever_the_network_computes_in(dtype):
    X = make_X().astype(dtype)
    regressor = small(RNNRegressor).fit(X, X[:, -1, 0])
    assert regressor.network_.parameters.vector.dtype == dtype
    assert regressor.predict(X).dtype == np.float64


@pytest.mark.parametrize(
    ("dtype", "y", "parameters"),
    [
        (np.float32, np.linspace(0, 1e39, N_SAMPLES), {"normalize_y": False}),
        (np.float64, np.r_[-1.7e308, np.full(N_SAMPLES - 1, 1.7e308)], {}),
    ],
)
def test_a_target_beyond_the_range_of_floats_is_refused(dtype, y, parameters):
    with pytest.raises(ValueError, match=r"y holds .* overflows in float"):
        small(RNNRegressor, **parameters).fit(make_X().astype(dtype), y)


def test_a_single_target_of_another_size_does_not_spoil_the_others():
    X = make_X()
    y = X[:, -1, 0].copy()
    y[3] = 1e200
    assert np.isfinite(small(RNNRegressor).fit(X, y).predict(X)).all()


# --- constant targets ----------------------------------------------------------------------------


@pytest.mark.parametrize("loss", [*REGRESSION_LOSSES, Bounded()], ids=str)
@pytest.mark.parametrize("normalize_y", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("value", [0.1, 7.0])
def test_a_constant_target_is_predicted_as_it_is(loss, normalize_y, dtype, value):
    X = make_X().astype(dtype)
    regressor = small(RNNRegressor, loss=loss, normalize_y=normalize_y)
    regressor.fit(X, np.full(N_SAMPLES, value))
    np.testing.assert_array_equal(regressor.predict(100 * X), value)


@pytest.mark.parametrize("value", [0.0, 1e-6, -3e8, 1e300])
def test_a_constant_may_have_any_size(value):
    X = make_X()
    predicted = small(RNNRegressor).fit(X, np.full(N_SAMPLES, value)).predict(-X)
    np.testing.assert_array_equal(predicted, value)


def test_a_constant_output_leaves_the_other_one_alone():
    X = make_X(40)
    y = np.column_stack([X[:, -1, 0], np.full(40, 1000.0)])
    regressor = small(RNNRegressor, max_iter=100).fit(X, y)
    predicted = regressor.predict(10 * X)
    np.testing.assert_array_equal(predicted[:, 1], 1000.0)
    assert r2_score(y[:, 0], regressor.predict(X)[:, 0]) > 0.9


def test_what_has_no_weight_does_not_make_a_target_vary():
    X = make_X()
    y, weight = np.full(N_SAMPLES, 5.0), np.ones(N_SAMPLES)
    y[2], weight[2] = 99.0, 0.0
    np.testing.assert_array_equal(small(RNNRegressor).fit(X, y, weight).predict(X), 5.0)


def test_a_constant_of_step_targets_is_predicted_as_it_is():
    X = make_ragged()
    regressor = small(RNNRegressor, return_sequences=True)
    regressor.fit(X, running(X, lambda sample: np.full(len(sample), 2.5)))
    np.testing.assert_array_equal(np.concatenate(regressor.predict(X)), 2.5)


# --- chunks --------------------------------------------------------------------------------------


@pytest.mark.parametrize("normalize_y", [False, True])
@pytest.mark.parametrize("night", [0.0, 3.0])
def test_a_first_chunk_without_spread_does_not_fix_the_scale(night, normalize_y):
    """Solar power: nothing at night, then days in units far from one."""
    X = make_X(100)
    unit = 1000.0 if normalize_y else 1.0
    y = unit * X[:, -1, 0]
    regressor = small(RNNRegressor, normalize_y=normalize_y)
    regressor.partial_fit(X[:50], np.full(50, night))
    np.testing.assert_array_equal(regressor.predict(X), night)
    for _ in range(60):
        regressor.partial_fit(X, y)
    assert regressor.score(X, y) > 0.9


def test_constant_chunks_that_differ_give_a_scale():
    X = make_X()
    regressor = small(RNNRegressor).partial_fit(X, np.full(N_SAMPLES, 2.0))
    regressor.partial_fit(X, np.full(N_SAMPLES, 6.0))
    assert regressor._targets.location == 4.0
    assert regressor._targets.scale == 2.0


def test_the_scale_is_that_of_all_rows_until_an_output_varies():
    X = make_X()
    y = np.column_stack([X[:, 0, 0], X[:, 1, 0]])
    still = np.column_stack([y[:, 0], np.full(N_SAMPLES, 5.0)])
    weight = np.arange(1.0, N_SAMPLES + 1)
    regressor = small(RNNRegressor).partial_fit(X, still, weight)
    first = regressor._targets.location[0]
    regressor.partial_fit(X, y, weight)
    assert regressor._targets.location[0] == first
    both, twice = np.r_[still[:, 1], y[:, 1]], np.r_[weight, weight]
    mean = np.average(both, weights=twice)
    assert regressor._targets.location[1] == pytest.approx(mean)
    spread = np.sqrt(np.average((both - mean) ** 2, weights=twice))
    assert regressor._targets.scale[1] == pytest.approx(spread)


def test_a_chunk_that_is_constant_after_one_that_is_not_changes_nothing():
    X = make_X()
    regressor = small(RNNRegressor).partial_fit(X, X[:, -1, 0])
    before = regressor._targets.target_scale
    regressor.partial_fit(X, np.full(N_SAMPLES, 2.0))
    assert regressor._targets.target_scale is before
    assert np.ptp(regressor.predict(X)) > 0


# --- the arithmetic ------------------------------------------------------------------------------


def test_mean_and_spread_are_those_of_the_formulas_to_the_bit(rng):
    y, weight = 3 + rng.normal(size=(50, 2)), rng.uniform(0.1, 2, 50)
    mean, spread = mean_and_spread(y, weight)
    expected = np.average(y, axis=0, weights=weight)
    np.testing.assert_array_equal(mean, expected)
    variance = np.average(np.square(y - expected), axis=0, weights=weight)
    np.testing.assert_array_equal(spread, np.sqrt(variance))


def test_undo_takes_back_apply(rng):
    y = 1e9 + rng.normal(size=(20, 3))
    scale = TargetScale.of(y, np.ones(20), "standard")
    np.testing.assert_allclose(scale.undo(scale.apply(y)), y, rtol=1e-15)


def test_a_loss_sees_float32_of_order_one():
    seen = []

    class Watched(BaseLoss):
        interval, link = SquaredError.interval, SquaredError.link

        def __call__(self, raw_prediction, y, sample_weight):
            seen.append(y)
            return SquaredError()(raw_prediction, y, sample_weight)

    X = make_X().astype(np.float32)
    small(RNNRegressor, loss=Watched(), max_iter=1).fit(X, 1e9 + X[:, -1, 0].astype(float))
    assert {y.dtype for y in seen} == {np.dtype(np.float32)}
    assert np.abs(np.concatenate(seen)).max() < 10
