"""Several quantiles and whole distributions: what RNNRegressor says of how sure it is."""

import pickle
from typing import ClassVar

import numpy as np
import pytest
from scipy.stats import nbinom, norm
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.metrics import d2_pinball_score, r2_score
from sklearn.model_selection import GridSearchCV
from small_estimators import small

from skrnn import RNNRegressor
from skrnn.core.losses import DistributionLoss, Interval, Link, by_target, mean_over_targets
from skrnn.inspection import diagnose, input_attributions

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

LEVELS = [0.05, 0.5, 0.95]
SPREADS = {
    "quantiles": {"loss": "quantile", "quantile": LEVELS},
    "gaussian": {"loss": "gaussian", "quantile": LEVELS},
    "negative_binomial": {"loss": "negative_binomial", "quantile": LEVELS},
}
# A plan of learning that has an end.
PLAN = {
    "hidden_layer_sizes": 8,
    "max_iter": 30,
    "learning_rate": "cosine",
    "learning_rate_init": 0.02,
    "n_iter_no_change": np.inf,
}
each_spread = pytest.mark.parametrize("name", SPREADS)
each_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def make_X(n=120, seed=0):
    return np.random.default_rng(seed).normal(size=(n, 5, 2))


def make_y(X, seed=1):
    """Numbers >= 0 whose mean and spread depend on X; whole ones, so that they may be counts."""
    mean = np.exp(1.5 + X[:, -1, 0])
    return np.random.default_rng(seed).negative_binomial(4, 4 / (4 + mean)).astype(float)


X = make_X()
Y = make_y(X)


def fitted(name, X=X, y=Y, **options):
    return small(RNNRegressor, **{**SPREADS[name], **PLAN, **options}).fit(X, y)


# --- Forms -------------------------------------------------------------------------------


@each_dtype
@each_spread
def test_quantiles_are_columns_in_the_order_given(name, dtype):
    est = fitted(name, X.astype(dtype))
    quantiles = est.predict_quantiles(X.astype(dtype))
    assert quantiles.shape == (len(X), 3)
    assert quantiles.dtype == np.float64
    one_by_one = [est.predict_quantiles(X.astype(dtype), level) for level in LEVELS]
    np.testing.assert_array_equal(quantiles.T, one_by_one)


def test_predict_returns_all_quantiles():
    est = fitted("quantiles")
    np.testing.assert_array_equal(est.predict(X), est.predict_quantiles(X))


def test_the_order_of_the_levels_is_that_of_the_columns_and_nothing_else():
    est, other = fitted("quantiles"), fitted("quantiles", quantile=[0.95, 0.05, 0.5])
    np.testing.assert_array_equal(est.predict(X)[:, [2, 0, 1]], other.predict(X))


def test_a_list_of_one_level_makes_one_column():
    assert fitted("quantiles", quantile=[0.7]).predict(X).shape == (len(X), 1)


@pytest.mark.parametrize("levels", [(0.1, 0.9), np.array([0.1, 0.9])], ids=["tuple", "array"])
def test_any_array_like_of_levels_will_do(levels):
    expected = fitted("quantiles", quantile=[0.1, 0.9]).predict(X)
    np.testing.assert_array_equal(fitted("quantiles", quantile=levels).predict(X), expected)


@each_spread
def test_several_outputs_come_before_the_levels(name):
    y = np.column_stack([Y, make_y(X[:, ::-1]), Y + 3])
    est = fitted(name, y=y)
    quantiles = est.predict_quantiles(X)
    assert quantiles.shape == (len(X), 3, 3)
    assert (np.diff(quantiles, axis=2) >= 0).all()
    assert quantiles[:, 2].mean() > quantiles[:, 0].mean() + 1
    assert est.predict(X).shape == ((len(X), 3, 3) if name == "quantiles" else (len(X), 3))


@pytest.mark.parametrize("name", ["gaussian", "negative_binomial"])
def test_standard_deviations_have_the_shape_of_the_means(name):
    for y in (Y, np.column_stack([Y, Y + 1])):
        est = fitted(name, y=y)
        mean, std = est.predict(X, return_std=True)
        assert mean.shape == std.shape == y.shape
        np.testing.assert_array_equal(mean, est.predict(X))
        assert (std > 0).all()


@pytest.mark.parametrize("n_outputs", [1, 2])
@each_spread
def test_every_step_has_quantiles_of_its_own(name, n_outputs):
    counts = np.random.default_rng(2).poisson(np.exp(X))[:, :, :n_outputs]
    y = counts[:, :, 0] if n_outputs == 1 else counts
    est = fitted(name, y=y, return_sequences=True)
    outputs = () if n_outputs == 1 else (2,)
    assert est.predict_quantiles(X).shape == (len(X), 5, *outputs, 3)
    ragged = [x[: 1 + i % 5] for i, x in enumerate(X)]
    of_ragged = est.predict_quantiles(ragged, [0.05, 0.95])
    assert [rows.shape for rows in of_ragged] == [(len(x), *outputs, 2) for x in ragged]
    assert np.isfinite(est.score(X, y))


@pytest.mark.parametrize("name", ["gaussian", "negative_binomial"])
def test_standard_deviations_of_every_step(name):
    y = np.random.default_rng(2).poisson(np.exp(X[:, :, 0]))
    est = fitted(name, y=y, return_sequences=True)
    mean, std = est.predict([x[:3] for x in X], return_std=True)
    assert [len(rows) for rows in std] == [3] * len(X)
    assert mean[7].shape == std[7].shape == (3,)


def test_frames_start_at_the_constant_in_every_step():
    y = np.random.default_rng(2).poisson(3.0 + (X[:, :, 0] > 0))
    est = small(RNNRegressor, loss="negative_binomial", return_sequences=True, frame_length=2)
    est = est._for_inspection(X, y)[0]
    est.network_.parameters["output.W"][:] = 0
    np.testing.assert_allclose(est.predict(X), y.mean(), rtol=1e-6)


# --- Values ------------------------------------------------------------------------------


def test_quantiles_never_cross_whatever_comes_in():
    est = fitted("quantiles", quantile=np.linspace(0.01, 0.99, 25).tolist(), max_iter=60)
    wild = np.random.default_rng(3).normal(scale=100, size=(300, 7, 2))
    for any_X in (X, wild, np.zeros((1, 1, 2))):
        assert (np.diff(est.predict(any_X), axis=1) >= 0).all()


@each_spread
def test_as_many_targets_lie_below_a_quantile_as_its_level_says(name):
    many = make_X(1500, seed=5)
    y = make_y(many, seed=6)
    est = fitted(name, many, y + 0.0, batch_size=100)
    below = np.mean(y[:, None] <= est.predict_quantiles(many), axis=0)
    if name == "quantiles":
        np.testing.assert_allclose(below, LEVELS, atol=0.05)
    elif name == "negative_binomial":  # whole numbers have a share of ties
        assert (below >= np.subtract(LEVELS, 0.02)).all()
        assert below[2] < 0.98


def test_a_gaussian_finds_mean_and_standard_deviation_of_every_sample():
    many = make_X(1500, seed=5)
    mean, std = 100 + 20 * many[:, -1, 0], np.where(many[:, -1, 1] > 0, 10.0, 2.0)
    y = mean + std * np.random.default_rng(6).normal(size=1500)
    est = fitted("gaussian", many, y, batch_size=50, max_iter=40)
    found_mean, found_std = est.predict(many, return_std=True)
    assert r2_score(mean, found_mean) > 0.95
    clear = np.abs(many[:, -1, 1]) > 0.5
    assert np.median(np.abs(found_std / std - 1)[clear]) < 0.25


def test_gaussian_quantiles_are_those_of_its_mean_and_standard_deviation():
    est = fitted("gaussian")
    mean, std = est.predict(X, return_std=True)
    expected = norm.ppf(np.array([[0.3, 0.8]]), mean[:, None], std[:, None])
    np.testing.assert_allclose(est.predict_quantiles(X, [0.3, 0.8]), expected, rtol=1e-12)


def test_quantiles_of_counts_are_whole_numbers_of_the_distribution_with_that_spread():
    est = fitted("negative_binomial")
    mean, std = est.predict(X, return_std=True)
    r = mean**2 / (std**2 - mean)
    expected = nbinom.ppf(0.9, r, r / (r + mean))
    quantiles = est.predict_quantiles(X, 0.9)
    np.testing.assert_array_equal(quantiles, np.round(quantiles))
    assert np.mean(quantiles == expected) > 0.99  # the other way there is rounding at a step


@pytest.mark.parametrize("name", ["quantiles", "gaussian"])
def test_the_scale_of_the_target_is_that_of_its_spread(name):
    est, other = fitted(name), fitted(name, y=1000 * Y + 5e6)
    expected = 1000 * est.predict_quantiles(X) + 5e6
    np.testing.assert_allclose(other.predict_quantiles(X), expected, rtol=1e-6)
    if name == "gaussian":
        std = est.predict(X, return_std=True)[1]
        np.testing.assert_allclose(other.predict(X, return_std=True)[1], 1000 * std, rtol=1e-4)


@each_spread
def test_without_normalize_y_a_large_target_is_found_all_the_same(name):
    large = np.round(1000 * Y)
    est = fitted(name, y=large, normalize_y=False)
    low, middle, high = np.median(est.predict_quantiles(X), axis=0)
    assert 0.5 < middle / np.median(large) < 2
    assert low < middle < high


@each_spread
def test_a_constant_output_is_predicted_as_it_is_and_does_not_spread(name):
    est = fitted(name, y=np.column_stack([Y, np.full(len(Y), 7.0)]))
    assert (est.predict_quantiles(X)[:, 1] == 7).all()
    if name != "quantiles":
        mean, std = est.predict(X, return_std=True)
        assert (mean[:, 1] == 7).all()
        assert (std[:, 1] == 0).all()


@each_spread
def test_a_network_starts_at_the_constant_that_is_best_without_inputs(name):
    start = small(RNNRegressor, **SPREADS[name])._for_inspection(X, Y)[0]
    start.network_.parameters["output.W"][:] = 0
    quantiles = start.predict_quantiles(X[:1])[0]
    expected = np.quantile(Y, LEVELS, method="inverted_cdf")
    tolerance = {"quantiles": 1e-9, "gaussian": 8.0, "negative_binomial": 2.0}[name]
    np.testing.assert_allclose(quantiles, expected, atol=tolerance)


# --- Score, search, inspection -----------------------------------------------------------


def test_the_score_of_several_quantiles_is_the_mean_of_their_d2():
    est, weight = fitted("quantiles"), np.linspace(0.5, 2, len(Y))
    columns = est.predict(X).T
    expected = [
        d2_pinball_score(Y, column, alpha=level, sample_weight=weight)
        for level, column in zip(LEVELS, columns, strict=True)
    ]
    assert est.score(X, Y, weight) == pytest.approx(np.mean(expected), rel=1e-12)
    assert est.score(X, Y) > 0.1


@pytest.mark.parametrize("name", ["gaussian", "negative_binomial"])
def test_the_score_of_a_distribution_is_the_r2_of_its_mean(name):
    est = fitted(name)
    assert est.score(X, Y) == pytest.approx(r2_score(Y, est.predict(X)), rel=1e-12)


@each_spread
def test_early_stopping_lbfgs_and_partial_fit_know_them(name):
    for options in ({"early_stopping": True}, {"optimizer": "lbfgs", "max_iter": 200, "tol": 1e-2}):
        est = fitted(name, **options)
        assert np.isfinite(est.predict_quantiles(X)).all()
    assert est.score(X, Y) > 0
    est = small(RNNRegressor, **SPREADS[name], learning_rate="constant")
    for _ in range(3):
        est.partial_fit(X, Y)
    assert np.isfinite(est.predict_quantiles(X)).all()


@each_spread
def test_weights_are_repetitions(name):
    times = 1 + np.arange(40) % 3
    weighted = small(RNNRegressor, **SPREADS[name], max_iter=20, learning_rate_init=0.02)
    weighted.set_params(shuffle=False, batch_size=1000)
    repeated = clone(weighted)
    with pytest.warns(UserWarning, match="batch_size"):
        weighted.fit(X[:40], Y[:40], sample_weight=times)
    with pytest.warns(UserWarning, match="batch_size"):
        repeated.fit(np.repeat(X[:40], times, axis=0), np.repeat(Y[:40], times))
    np.testing.assert_allclose(
        weighted.predict_quantiles(X), repeated.predict_quantiles(X), rtol=1e-7
    )


@each_spread
def test_single_outputs_may_be_missing(name):
    y = np.column_stack([Y, make_y(X[:, ::-1])])
    y[::3, 0] = y[1::3, 1] = np.nan
    est = fitted(name, y=y)
    assert est.predict_quantiles(X).shape == (len(X), 2, 3)
    assert est.score(X, y) > 0.05
    assert 0 < diagnose(est, X, y).measurements["skill"] < 1


@each_spread
def test_steps_may_be_without_a_target(name):
    y = np.random.default_rng(2).poisson(np.exp(X[:, :, 0])).astype(float)
    y[:, ::2] = np.nan
    est = fitted(name, y=y, return_sequences=True)
    assert est.predict_quantiles(X).shape == (len(X), 5, 3)
    assert est.score(X, y) > 0.05


@each_spread
def test_a_copy_by_pickle_says_the_same(name):
    est = fitted(name)
    copy = pickle.loads(pickle.dumps(est))
    np.testing.assert_array_equal(copy.predict_quantiles(X), est.predict_quantiles(X))
    assert clone(est).get_params()["quantile"] == LEVELS


def test_levels_may_be_searched():
    grid = {"quantile": [0.5, [0.1, 0.9]]}
    est = small(RNNRegressor, loss="quantile", **PLAN)
    search = GridSearchCV(est, grid, cv=2).fit(X, Y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


@each_spread
def test_diagnose_judges_them_by_the_share_that_they_save(name):
    report = diagnose(fitted(name), X, Y)
    assert 0.05 < report.measurements["skill"] < 1


def test_the_skill_of_a_density_is_the_r2_of_cox_and_snell():
    est = fitted("gaussian")
    mean, std = est.predict(X, return_std=True)
    saved = norm.logpdf(Y, mean, std).mean() - norm.logpdf(Y, Y.mean(), Y.std()).mean()
    skill = diagnose(est, X, Y).measurements["skill"]
    assert skill == pytest.approx(1 - np.exp(-2 * saved), abs=1e-3)


@each_spread
def test_noise_teaches_nothing(name):
    many = make_X(600, seed=5)
    noise = make_y(make_X(600, seed=6))
    with pytest.warns(UserWarning, match="has learnt nothing"):
        fitted(name, many, noise, max_iter=1, learning_rate_init=1e-9)


@pytest.mark.parametrize("name", ["quantiles", "gaussian"])
def test_attributions_explain_where_a_target_lies(name):
    est = fitted(name, y=np.column_stack([Y, X[:, 0, 1]]))
    parts = input_attributions(est, X, target=1, n_steps=256)
    zero = np.zeros_like(X[:1])
    values = est.predict(X), est.predict(zero)
    middle = [y[:, 1, 1] if name == "quantiles" else y[:, 1] for y in values]
    np.testing.assert_allclose(parts.sum(axis=(1, 2)), middle[0] - middle[1], atol=1e-3)
    with pytest.raises(ValueError, match="target must be an output, 0 to 1"):
        input_attributions(est, X, target=2)


# --- A loss of one's own -----------------------------------------------------------------


def laplace_parameters(raw):
    parameters = by_target(raw, 2).copy()
    parameters[..., 1] = np.exp(parameters[..., 1])
    return parameters.reshape(raw.shape)


class Laplace(DistributionLoss):
    """``l = raw_1 + |y - raw_0| / e^raw_1 + log 2``, with nothing but what a user would write."""

    link: ClassVar[Link] = Link("laplace", laplace_parameters, additive=True)

    def __call__(self, raw_prediction, y, sample_weight):
        location, log_scale = np.moveaxis(by_target(raw_prediction, 2), 2, 0)
        z = (y - location) / np.exp(log_scale)
        losses = log_scale + np.abs(z) + y.dtype.type(np.log(2))
        d_raw = np.stack([-np.sign(z) / np.exp(log_scale), 1 - np.abs(z)], axis=2)
        return mean_over_targets(losses, d_raw, sample_weight)

    def predicted(self, parameters):
        return parameters[..., 0]

    def std(self, parameters):
        return np.sqrt(2) * parameters[..., 1]

    def quantiles(self, parameters, levels):
        u = np.asarray(levels) - 0.5
        location, scale = parameters[..., :1], parameters[..., 1:]
        return location - scale * np.sign(u) * np.log1p(-2 * np.abs(u))

    def constant(self, y, sample_weight):
        location = np.median(y, axis=0)
        return np.column_stack([location, np.log(np.abs(y - location).mean(axis=0))]).ravel()


class TwoNumbers:
    """A loss that derives from nothing and says nothing of a spread."""

    interval = Interval()
    link = Link("identity", np.asarray, additive=True)
    n_raw = 2

    def __call__(self, raw_prediction, y, sample_weight):
        error = raw_prediction - np.repeat(y, 2, axis=1)
        return float((sample_weight[:, None] * error**2).sum() / 2), sample_weight[:, None] * error


def test_a_distribution_of_ones_own_is_asked_like_a_built_in_one():
    est = small(RNNRegressor, loss=Laplace(), **PLAN).fit(X, Y)
    low, middle, high = est.predict_quantiles(X, LEVELS).T
    np.testing.assert_allclose(middle, est.predict(X), rtol=1e-12)
    std = est.predict(X, return_std=True)[1]
    np.testing.assert_allclose(high - middle, std / np.sqrt(2) * np.log(10), rtol=1e-9)
    assert ((low < middle) & (middle < high)).all()
    assert est.score(X, Y) > 0.2
    assert diagnose(est, X, Y).measurements["skill"] > 0.1


def test_a_loss_of_several_numbers_predicts_the_first_if_it_says_nothing_else():
    est = small(RNNRegressor, loss=TwoNumbers(), **PLAN).fit(X, Y)
    assert est.predict(X).shape == Y.shape
    assert est.score(X, Y) > 0.2
    with pytest.raises(ValueError, match="predicts one number a target, and not quantiles"):
        est.predict_quantiles(X)


class Negative(TwoNumbers):
    n_raw = 0


class WrongStd(Laplace):
    def std(self, parameters):
        return parameters


@pytest.mark.parametrize(
    ("loss", "message"),
    [(Negative(), "n_raw of .* must be an int >= 1; got 0"), (WrongStd(), "std of .* returns")],
    ids=["n_raw", "std"],
)
def test_what_a_loss_of_ones_own_says_of_a_spread_is_looked_at(loss, message):
    with pytest.raises(ValueError, match=message):
        small(RNNRegressor, loss=loss).fit(X, Y)


# --- Refused -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("levels", "error", "message"),
    [
        ([], ValueError, "one level or more"),
        ([0.1, 1.0], ValueError, r"each in \(0, 1\) without the ends; got \[0.1, 1.0\]"),
        ([0.1, 0.5, 0.1], ValueError, "every level once"),
        ([0.3, 0.1 + 0.2], ValueError, "every level once"),
        ([0.1, "0.9"], TypeError, "got '0.9'"),
        ([0.1, True], TypeError, "got True"),
        ([[0.1, 0.9]], TypeError, r"got \[0.1, 0.9\]"),
        ([0.1, np.nan], ValueError, "got .*nan"),
        (1.5, ValueError, "quantile"),
    ],
    ids=str,
)
def test_levels_that_are_none_are_refused(levels, error, message):
    with pytest.raises(error, match=message):
        small(RNNRegressor, loss="quantile", quantile=levels).fit(X, Y)
    with pytest.raises(error, match=message):
        fitted("gaussian").predict_quantiles(X, levels)


@pytest.mark.parametrize("loss", ["squared_error", "poisson", "gamma", "huber"])
def test_a_loss_without_a_spread_says_which_have_one(loss):
    est = small(RNNRegressor, loss=loss).fit(X, Y + 1)
    with pytest.raises(ValueError, match=rf"loss='{loss}' predicts one number a target, and"):
        est.predict(X, return_std=True)
    with pytest.raises(ValueError, match="'quantile' or 'gaussian' or 'negative_binomial'"):
        est.predict_quantiles(X, [0.1, 0.9])


def test_quantiles_have_no_standard_deviation():
    with pytest.raises(ValueError, match="Fit with loss='gaussian' or 'negative_binomial'"):
        fitted("quantiles").predict(X, return_std=True)


@pytest.mark.parametrize("quantile", [0.5, [0.1, 0.9]], ids=str)
def test_quantiles_that_were_not_fitted_are_not_made_up(quantile):
    est = fitted("quantiles", quantile=quantile)
    with pytest.raises(ValueError, match=r"fitted for the quantiles \[.*no other one, such as 0.2"):
        est.predict_quantiles(X, 0.25)


def test_a_level_is_the_same_however_it_was_computed():
    est = fitted("quantiles", quantile=[0.3, 0.6])
    np.testing.assert_array_equal(est.predict_quantiles(X, 0.1 + 0.2), est.predict(X)[:, 0])


def test_a_single_level_is_asked_for_by_its_number():
    est = fitted("quantiles", quantile=0.9)
    np.testing.assert_array_equal(est.predict_quantiles(X), est.predict(X))
    np.testing.assert_array_equal(est.predict_quantiles(X, [0.9])[:, 0], est.predict(X))


@pytest.mark.parametrize("method", ["predict_quantiles", "predict"])
def test_nothing_is_asked_before_fit(method):
    options = {"return_std": True} if method == "predict" else {}
    with pytest.raises(NotFittedError):
        getattr(RNNRegressor(**SPREADS["gaussian"]), method)(X, **options)


@pytest.mark.parametrize("quantile", [0.5, [0.1, 0.5, 0.9], [0.05, 0.95]], ids=str)
def test_other_levels_cannot_go_on_from_the_same_weights(quantile):
    est = fitted("quantiles", warm_start=True)
    before = est.predict(X)
    with pytest.raises(ValueError, match="predict other quantiles side by side"):
        est.set_params(quantile=quantile).fit(X, Y)
    np.testing.assert_array_equal(est.predict(X), before)


def test_negative_counts_are_refused():
    with pytest.raises(ValueError, match=r"'negative_binomial' needs targets in \[0, inf\)"):
        fitted("negative_binomial", y=Y - 10)


@each_dtype
def test_a_distribution_stays_finite_where_targets_are_met_exactly(dtype):
    easy = X[:, -1, 0].astype(dtype)
    est = fitted("gaussian", X.astype(dtype), easy, max_iter=200)
    mean, std = est.predict(X.astype(dtype), return_std=True)
    assert np.isfinite(est.loss_)
    assert std.min() > 0
    assert r2_score(easy, mean) > 0.95
