"""Losses have the values of their formulas and the gradients of their values."""

import pickle

import numpy as np
import pytest
from gradcheck import assert_gradient_matches
from scipy.special import expit
from scipy.stats import poisson
from sklearn._loss import HalfGammaLoss
from small_networks import make_targets, raw_width

from skrnn.core.losses import (
    CLASSIFICATION_LOSSES,
    LOSSES,
    REGRESSION_LOSSES,
    BaseLoss,
    Gamma,
    Gaussian,
    Huber,
    Interval,
    Loss,
    NegativeBinomial,
    Poisson,
    Quantile,
    SoftmaxCrossEntropy,
    SquaredError,
    best_constant,
    by_target,
    log_softmax,
    softmax,
)

each_loss = pytest.mark.parametrize("name", LOSSES)
each_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def raw_of(positive):
    """Return the raw number of a positive one: log(1 + e^(raw + shift)) is 1 at zero."""
    return np.log(np.expm1(positive)) - np.log(np.expm1(1))


# raw prediction of one row, its target, its loss worked out from the definition
BY_HAND = {
    "softmax_cross_entropy": ([0.0, np.log(3)], 0, np.log(4)),
    "logistic_cross_entropy": ([0.0, np.log(3)], [1, 0], np.log(2) + np.log(4)),
    "squared_error": ([1.0, 5.0], [3.0, 4.0], (4 / 2 + 1 / 2) / 2),
    "absolute_error": ([1.0, 5.0], [3.0, 4.0], (2 + 1) / 2),
    "huber": ([1.0, 4.5], [3.0, 4.0], (1.5 + 0.125) / 2),
    "quantile": ([1.0, 5.0], [3.0, 4.0], 0.5 * (2 + 1) / 2),
    "poisson": ([0.0, np.log(2)], [0, 3], (1 + 3 * np.log(3 / 2) - 3 + 2) / 2),
    "gamma": ([0.0, np.log(2)], [1, 6], (0 + np.log(2 / 6) + 6 / 2 - 1) / 2),
    # A standard deviation of 2; dispersions of 1, whose probabilities are mu^y / (1 + mu)^(y + 1).
    "gaussian": (
        [1.0, raw_of(2 - 1e-3), 0.0, raw_of(2 - 1e-3)],
        [3.0, 0.0],
        np.log(2) + np.log(2 * np.pi) / 2 + 1 / 4,
    ),
    "negative_binomial": (
        [0.0, raw_of(1 - 1e-5), np.log(3), raw_of(1 - 1e-5)],
        [1, 0],
        (np.log(4) + np.log(4)) / 2,
    ),
}
LOG_LINK = [
    name for name, cls in LOSSES.items() if cls.link.out_activation.startswith("exponential")
]


def make_problem(name, n_rows=6, dtype=np.float64):
    y, weight = make_targets(name, n_rows, n_outputs=3, dtype=dtype)
    size = n_rows, raw_width(name, 3)
    raw_prediction = np.random.default_rng(0).normal(scale=2, size=size).astype(dtype)
    return raw_prediction, y, weight


@each_loss
def test_value_is_that_of_the_formula(name):
    raw_prediction, y, expected = BY_HAND[name]
    value, _ = LOSSES[name]()(np.array([raw_prediction]), np.array([y]), np.ones(1))
    assert value == pytest.approx(expected, rel=1e-14)


@each_loss
def test_gradient_matches_differences(name):
    raw_prediction, y, weight = make_problem(name)
    loss = LOSSES[name]()
    _, d_raw = loss(raw_prediction, y, weight)
    assert_gradient_matches(d_raw, lambda: loss(raw_prediction, y, weight)[0], raw_prediction)


@pytest.mark.parametrize("loss", [Huber(0.3), Huber(4.0), Quantile(0.1), Quantile(0.9)], ids=repr)
def test_gradient_matches_differences_for_other_shapes_of_the_loss(loss):
    raw_prediction, y, weight = make_problem("squared_error")
    _, d_raw = loss(raw_prediction, y, weight)
    assert_gradient_matches(d_raw, lambda: loss(raw_prediction, y, weight)[0], raw_prediction)


@each_loss
def test_total_is_the_weighted_sum_over_rows(name):
    raw_prediction, y, weight = make_problem(name)
    loss, one = LOSSES[name](), np.ones(1)
    total, d_raw = loss(raw_prediction, y, weight)
    rows = [loss(raw_prediction[[i]], y[[i]], one) for i in range(len(y))]
    assert total == pytest.approx(
        sum(w * value for w, (value, _) in zip(weight, rows, strict=True))
    )
    expected = [w * d_row[0] for w, (_, d_row) in zip(weight, rows, strict=True)]
    np.testing.assert_allclose(d_raw, expected, rtol=1e-14)


@each_loss
def test_a_row_without_weight_does_not_count(name):
    raw_prediction, y, weight = make_problem(name)
    weight[2] = 0
    loss, others = LOSSES[name](), np.arange(6) != 2
    total, d_raw = loss(raw_prediction, y, weight)
    assert total == pytest.approx(loss(raw_prediction[others], y[others], weight[others])[0])
    assert not d_raw[2].any()


@each_loss
def test_arguments_are_not_changed(name):
    arguments = make_problem(name)
    for array in arguments:
        array.flags.writeable = False
    LOSSES[name]()(*arguments)


@each_dtype
@each_loss
def test_dtype_of_the_prediction_is_kept(name, dtype):
    loss, (raw_prediction, y, weight) = LOSSES[name](), make_problem(name, dtype=dtype)
    value, d_raw = loss(raw_prediction, y, weight)
    assert type(value) is float
    assert d_raw.dtype == dtype
    assert loss.predict(raw_prediction).dtype == dtype


@each_loss
def test_many_float32_rows_are_summed_in_double(name):
    loss, n_rows = LOSSES[name](), 2**18 + 1
    raw_prediction, y, weight = (rows[:1] for rows in make_problem(name, dtype=np.float32))
    one, _ = loss(raw_prediction, y, weight)
    many, _ = loss(*(np.repeat(rows, n_rows, axis=0) for rows in (raw_prediction, y, weight)))
    assert many / n_rows == pytest.approx(one, rel=1e-10)


@each_dtype
@pytest.mark.parametrize("name", [name for name in LOSSES if name not in LOG_LINK])
def test_extreme_predictions_give_finite_losses_and_gradients(name, dtype):
    loss, (raw_prediction, y, weight) = LOSSES[name](), make_problem(name, dtype=dtype)
    value, d_raw = loss(raw_prediction * dtype(1e6), y, weight)
    assert np.isfinite(value)
    assert np.isfinite(d_raw).all()
    assert np.isfinite(loss.predict(raw_prediction * dtype(1e6))).all()


def test_poisson_overflows_to_infinity_for_the_training_loop_to_report():
    value, d_raw = Poisson()(np.array([[1e4]]), np.ones((1, 1)), np.ones(1))
    assert value == np.inf
    assert d_raw == np.inf


def test_poisson_of_a_sure_zero_is_finite():
    value, d_raw = Poisson()(np.array([[-1e4]]), np.zeros((1, 1)), np.ones(1))
    assert value == 0
    assert d_raw == 0


@pytest.mark.parametrize("name", ["logistic_cross_entropy", "poisson", "squared_error"])
def test_gradient_is_the_prediction_minus_the_target(name):
    raw_prediction, y, weight = make_problem(name)
    loss = LOSSES[name]()
    _, d_raw = loss(raw_prediction, y, weight)
    mean_over_outputs = 3 if name in REGRESSION_LOSSES else 1
    expected = (loss.predict(raw_prediction) - y) * weight[:, None] / mean_over_outputs
    np.testing.assert_allclose(d_raw, expected, rtol=1e-14)


def test_two_classes_cost_the_same_by_softmax_and_by_logistic():
    difference, codes = np.array([-3.0, 0.5, 2.0]), np.array([0, 1, 1])
    two = np.column_stack([np.zeros(3), difference])
    weight = np.array([1.0, 2.0, 0.5])
    of_softmax, d_softmax = LOSSES["softmax_cross_entropy"]()(two, codes, weight)
    of_logistic, d_logistic = LOSSES["logistic_cross_entropy"]()(
        difference[:, None], codes[:, None], weight
    )
    assert of_softmax == pytest.approx(of_logistic, rel=1e-14)
    np.testing.assert_allclose(d_softmax[:, 1], d_logistic[:, 0], rtol=1e-14)


@pytest.mark.parametrize(
    ("loss", "statistic"),
    [
        (LOSSES["squared_error"](), np.mean),
        (LOSSES["absolute_error"](), np.median),
        (Quantile(0.25), lambda y: np.quantile(y, 0.25)),
        (Quantile(0.75), lambda y: np.quantile(y, 0.75)),
        (Poisson(), lambda y: np.log(np.mean(y))),
        (Gamma(), lambda y: np.log(np.mean(y))),
    ],
    ids=["mean", "median", "quantile-0.25", "quantile-0.75", "log-mean", "log-mean-gamma"],
)
def test_the_best_constant_is_the_statistic_that_the_loss_fits(loss, statistic):
    y = np.array([1.0, 2, 3, 5, 8, 13, 21, 34, 55])[:, None]
    best, weight = statistic(y), np.ones(len(y))

    def slope(constant):
        return loss(np.full_like(y, constant), y, weight)[1].sum()

    assert slope(best - 0.01) < 0 < slope(best + 0.01)


def test_huber_is_squared_near_zero_and_absolute_far_away():
    y, weight = np.zeros((1, 1)), np.ones(1)
    assert Huber(2.0)(np.array([[1.9]]), y, weight)[0] == pytest.approx(1.9**2 / 2)
    assert Huber(2.0)(np.array([[-9.0]]), y, weight)[0] == pytest.approx(2 * (9 - 1))


def test_softmax_sums_to_one_and_keeps_ratios():
    p = softmax(np.array([[0.0, np.log(2), np.log(5)], [1e4, 0, -1e4]]))
    np.testing.assert_allclose(p, [[1 / 8, 2 / 8, 5 / 8], [1, 0, 0]], rtol=1e-14)


def test_log_softmax_is_the_logarithm_of_softmax(rng):
    raw_prediction = rng.normal(scale=5, size=(20, 4))
    np.testing.assert_allclose(
        log_softmax(raw_prediction), np.log(softmax(raw_prediction)), rtol=1e-11
    )


@pytest.mark.parametrize("gap", [17.0, 40.0, 800.0])
@each_dtype
def test_log_softmax_of_a_sure_class_keeps_its_digits(dtype, gap):
    log_proba = log_softmax(np.array([[gap, 0.0]], dtype=dtype))
    expected = [[-np.logaddexp(0, -gap), -gap]]
    np.testing.assert_allclose(log_proba, expected, rtol=1e-6, atol=np.finfo(dtype).tiny)


def test_predictions_are_in_the_space_of_the_target():
    raw_prediction = np.random.default_rng(0).normal(size=(4, 3))
    maps = {"softmax": softmax, "logistic": expit, "exponential": np.exp, "identity": np.asarray}
    for cls in LOSSES.values():
        if cls.n_raw > 1:
            continue
        expected = maps[cls().out_activation](raw_prediction)
        np.testing.assert_allclose(cls().predict(raw_prediction), expected, rtol=1e-14)


@each_loss
def test_it_survives_pickle(name):
    assert pickle.loads(pickle.dumps(LOSSES[name]())) == LOSSES[name]()


# --- Gamma -------------------------------------------------------------------------------


def test_gamma_equals_the_loss_of_scikit_learn():
    raw_prediction, y, weight = make_problem("gamma")
    raw_prediction, y = raw_prediction[:, 0].copy(), y[:, 0].copy()
    theirs = HalfGammaLoss()
    losses, expected = theirs.loss_gradient(y, raw_prediction, weight)
    losses += theirs.constant_to_optimal_zero(y, weight)
    value, d_raw = Gamma()(raw_prediction[:, None], y[:, None], weight)
    assert value == pytest.approx(losses.sum(), rel=1e-13)
    np.testing.assert_allclose(d_raw[:, 0], expected, rtol=1e-13)


def test_gamma_is_zero_at_the_target_and_positive_elsewhere():
    y, one = np.array([[3.0]]), np.ones(1)
    assert Gamma()(np.log(y), y, one)[0] == pytest.approx(0, abs=1e-15)
    assert Gamma()(np.log(y) + 0.1, y, one)[0] > 0
    assert Gamma()(np.log(y) - 0.1, y, one)[0] > 0


def test_gamma_sees_relative_errors():
    raw_prediction, y, weight = make_problem("gamma")
    value, d_raw = Gamma()(raw_prediction, y, weight)
    scaled, same_d_raw = Gamma()(raw_prediction + np.log(1000), y * 1000, weight)
    assert scaled == pytest.approx(value, rel=1e-12)
    np.testing.assert_allclose(same_d_raw, d_raw, rtol=1e-12, atol=1e-14)


def test_gamma_overflows_to_infinity_for_the_training_loop_to_report():
    value, d_raw = Gamma()(np.array([[-1e4]]), np.ones((1, 1)), np.ones(1))
    assert value == np.inf
    assert d_raw == -np.inf


# --- Distributions and several quantiles ---------------------------------------------------

SPREADS = [Quantile((0.1, 0.5, 0.8)), Gaussian(), NegativeBinomial()]
each_spread = pytest.mark.parametrize("loss", SPREADS, ids=lambda loss: type(loss).__name__)


@each_spread
def test_no_raw_numbers_are_better_for_all_rows_than_the_best_constant(loss):
    y = np.random.default_rng(3).negative_binomial(3, 0.3, size=(200, 2)).astype(float)
    weight = np.random.default_rng(4).uniform(0.5, 2, size=200)
    raw_prediction, value = best_constant(loss, y, weight, n_outputs=2 * loss.n_raw)
    for k in range(len(raw_prediction)):
        for step in (-0.1, 0.1):
            other = np.tile(raw_prediction, (200, 1))
            other[:, k] += step
            assert loss(other, y, weight)[0] / weight.sum() > value - 1e-9


@each_spread
@pytest.mark.parametrize("by_output", [False, True])
def test_what_weighs_nothing_does_not_move_the_constant(loss, by_output):
    y = np.random.default_rng(3).poisson(4.0, size=(50, 2)).astype(float)
    weight = np.ones((50, 2) if by_output else 50)
    expected = loss.constant(y[5:], weight[5:])
    weight[:5], y[:5] = 0, np.nan
    np.testing.assert_allclose(loss.constant(y, weight), expected, rtol=1e-12)


@each_spread
def test_every_output_may_have_a_weight_of_its_own(loss):
    y = np.random.default_rng(3).poisson(4.0, size=(6, 2)).astype(float)
    raw = np.random.default_rng(0).normal(size=(6, 2 * loss.n_raw))
    weight = np.random.default_rng(4).uniform(0.5, 2, size=(6, 2))
    value, d_raw = loss(raw, y, weight)
    columns = np.split(raw, 2, axis=1)
    each = [loss(columns[k], y[:, [k]], weight[:, k]) for k in (0, 1)]
    assert value == pytest.approx((each[0][0] + each[1][0]) / 2, rel=1e-12)
    np.testing.assert_allclose(d_raw, np.hstack([d for _, d in each]) / 2, rtol=1e-12)


@each_spread
def test_quantiles_rise_with_their_levels(loss):
    raw = np.random.default_rng(0).normal(scale=3, size=(40, 2 * loss.n_raw))
    parameters = by_target(loss.link.inverse(raw), loss.n_raw)
    levels = (0.1, 0.5, 0.8)
    assert (np.diff(loss.quantiles(parameters, levels), axis=2) >= 0).all()


def test_quantiles_keep_the_order_of_their_levels_in_the_loss_too():
    raw, y = np.random.default_rng(0).normal(size=(6, 3)), np.zeros((6, 1))
    one, other = Quantile((0.1, 0.5, 0.8)), Quantile((0.8, 0.1, 0.5))
    assert one(raw, y, np.ones(6))[0] == other(raw, y, np.ones(6))[0]
    expected = one.link.inverse(raw)[:, [2, 0, 1]]
    np.testing.assert_array_equal(other.link.inverse(raw), expected)


def test_many_counts_of_little_dispersion_cost_what_poisson_does():
    y, mean = np.array([[3.0, 7.0]]), np.array([[4.0, 6.0]])
    raw = np.stack([np.log(mean), np.full((1, 2), -40.0)], axis=2).reshape(1, -1)
    value, _ = NegativeBinomial()(raw, y, np.ones(1))
    assert value == pytest.approx(-poisson.logpmf(y, mean).mean(), abs=1e-4)


# --- What a loss says of itself ----------------------------------------------------------


@pytest.mark.parametrize(
    ("interval", "text", "inside", "outside"),
    [
        (Interval(), "(-inf, inf)", [-1e9, 0, 1e9], [np.inf, -np.inf, np.nan]),
        (Interval(0), "(0, inf)", [1e-9, 5], [0, -1]),
        (Interval(0, low_inclusive=True), "[0, inf)", [0, 5], [-1e-9]),
        (Interval(0, 1, True, True), "[0, 1]", [0, 0.5, 1], [-0.1, 1.1]),
        (Interval(0, 1), "(0, 1)", [0.5], [0, 1]),
        (Interval(-0.5, 1, False, True), "(-0.5, 1]", [1], [-0.5]),
    ],
    ids=str,
)
def test_an_interval_includes_what_lies_between_its_ends(interval, text, inside, outside):
    assert str(interval) == text
    assert interval.includes(np.array(inside)).all()
    assert not interval.includes(np.array(outside)).any()
    assert all(interval.includes(value) for value in inside)


DOMAINS = {
    "softmax_cross_entropy": "[0, inf)",
    "logistic_cross_entropy": "[0, 1]",
    "poisson": "[0, inf)",
    "gamma": "(0, inf)",
    "negative_binomial": "[0, inf)",
}


@each_loss
def test_targets_lie_within_the_interval(name):
    assert str(LOSSES[name].interval) == DOMAINS.get(name, "(-inf, inf)")
    assert LOSSES[name].interval.includes(make_problem(name)[1]).all()


@each_loss
def test_every_loss_keeps_to_its_protocol(name):
    assert isinstance(LOSSES[name](), Loss)


@pytest.mark.parametrize("name", REGRESSION_LOSSES)
def test_shifting_target_and_prediction_alike_changes_nothing_if_the_link_is_additive(name):
    raw_prediction, y, weight = make_problem(name)
    loss = LOSSES[name]()
    shifted = raw_prediction.copy()
    shifted[:, :: loss.n_raw] += 3  # where the targets lie, not how far they spread
    same = np.isclose(loss(raw_prediction, y, weight)[0], loss(shifted, y + 3, weight)[0])
    assert same == loss.link.additive


def test_the_registries_are_split_and_a_new_entry_is_in_the_view_of_both(monkeypatch):
    assert not CLASSIFICATION_LOSSES.keys() & REGRESSION_LOSSES.keys()
    assert list(LOSSES) == [*CLASSIFICATION_LOSSES, *REGRESSION_LOSSES]
    monkeypatch.setitem(REGRESSION_LOSSES, "another", BaseLoss)
    assert LOSSES["another"] is BaseLoss


def test_a_loss_that_is_not_written_says_so():
    class Unfinished(BaseLoss):
        pass

    with pytest.raises(TypeError, match="Unfinished does not define __call__"):
        Unfinished()(np.zeros((1, 1)), np.zeros((1, 1)), np.ones(1))


BEST_CONSTANTS = {
    "squared_error": (SquaredError(), np.average),
    "poisson": (Poisson(), lambda y, weights: np.log(np.average(y, weights=weights))),
    "gamma": (Gamma(), lambda y, weights: np.log(np.average(y, weights=weights))),
}


@pytest.mark.parametrize("name", BEST_CONSTANTS)
def test_the_best_constant_is_the_known_one(name):
    loss, expected = BEST_CONSTANTS[name]
    y, weight = np.array([1.0, 2.0, 6.0, 9.0]), np.array([1.0, 3.0, 1.0, 0.5])
    raw_prediction, value = best_constant(loss, y[:, None], weight, n_outputs=1)
    assert raw_prediction[0] == pytest.approx(expected(y, weights=weight), abs=1e-4)
    at_it = loss(np.full((4, 1), raw_prediction[0]), y[:, None], weight)[0] / weight.sum()
    assert value == pytest.approx(at_it, rel=1e-12)


def test_the_best_constant_loss_of_classes_is_the_entropy_of_their_shares():
    y, weight = np.array([0, 0, 1, 2]), np.array([1.0, 1.0, 1.0, 3.0])
    share = np.array([2, 1, 3]) / 6
    raw_prediction, value = best_constant(SoftmaxCrossEntropy(), y, weight, n_outputs=3)
    assert value == pytest.approx(-(share * np.log(share)).sum(), rel=1e-6)
    np.testing.assert_allclose(softmax(raw_prediction[None])[0], share, atol=1e-3)


@each_loss
@each_dtype
def test_the_order_in_memory_of_a_raw_prediction_does_not_matter(name, dtype):
    loss = LOSSES[name]()
    raw_prediction, y, weight = make_problem(name, dtype=dtype)
    value, d_raw = loss(raw_prediction, y, weight)
    other_value, other_d_raw = loss(np.asfortranarray(raw_prediction), y, weight)
    assert other_value == pytest.approx(value, rel=1e-6)
    np.testing.assert_allclose(other_d_raw, d_raw, rtol=1e-5, atol=1e-7)
