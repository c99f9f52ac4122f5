"""WindowScaledRegressor sees every window and its targets on the window's own scale."""

import pickle

import numpy as np
import pandas as pd
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.dummy import DummyRegressor
from sklearn.exceptions import NotFittedError
from sklearn.metrics import d2_pinball_score, r2_score
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import check_estimator

from skrnn import RNNRegressor
from skrnn._innermost import innermost, innermost_with
from skrnn.forecasting import WindowScaledRegressor
from skrnn.model_selection import ForecastSplit
from skrnn.preprocessing import SequenceScaler, Windows, make_windows
from skrnn.sequences import as_sequences


class Kept(RegressorMixin, BaseEstimator):
    """Keeps what it is given and predicts what it is told to."""

    def __init__(self, answer=None):
        self.answer = answer

    def fit(self, X, y, **params):
        self.X_, self.y_, self.params_ = X, y, params
        return self

    def predict(self, X, return_std=False):
        self.seen_ = X
        return (self.answer, self.answer) if return_std else self.answer

    def predict_quantiles(self, X, levels):
        return self.answer


X = np.array([[[1.0], [3.0]], [[10.0], [30.0]], [[200.0], [0.0]]])
LEVEL, SPREAD = np.array([2.0, 20.0, 100.0]), np.array([1.0, 10.0, 100.0])
Y = np.array([4.0, 0.0, 100.0])


def fitted(answer=None, **params):
    return WindowScaledRegressor(Kept(answer), **params).fit(X, Y)


def test_windows_and_targets_get_the_scale_of_the_window():
    inner = fitted().regressor_
    assert_array_equal(inner.X_[..., 0], [[-1, 1], [-1, 1], [1, -1]])
    assert_array_equal(inner.y_, [2, -2, 0])


def test_the_mean_is_that_of_absolute_values():
    est = WindowScaledRegressor(Kept(np.ones(2)), method="mean")
    est.fit([[[-1.0], [3.0]], [[0.0], [0.0]]], [4.0, 8.0])
    assert_array_equal(est.regressor_.X_[0][:, 0], [-0.5, 1.5])
    assert_array_equal(est.regressor_.y_, [2.0, 4.0])  # of all zeros: the typical spread
    assert_array_equal(est.predict([[[8.0], [0.0]], [[1.0], [1.0]]]), [4.0, 1.0])


def test_predictions_come_back_on_the_scale_of_the_targets():
    assert_array_equal(fitted(np.array([0.0, 1.0, -1.0])).predict(X), [2, 30, 0])


def test_perfect_predictions_of_scaled_targets_are_perfect_targets():
    est = fitted()
    est.regressor_.answer = est.regressor_.y_
    assert_array_equal(est.predict(X), Y)


@pytest.mark.parametrize(
    ("method", "level", "spread"), [("minmax", 1.0, 2.0), ("robust", 2.0, 2.0), ("mean", 0.0, 2.0)]
)
def test_the_scale_is_that_of_the_method(method, level, spread):
    est = fitted(np.ones(3), method=method)
    assert est.predict(X)[0] == level + spread


@pytest.mark.parametrize("shape", [(3, 2), (3, 2, 4)], ids=str)
def test_predictions_of_any_shape_come_back(shape):
    answer = np.arange(np.prod(shape), dtype=float).reshape(shape)
    expected = (LEVEL + SPREAD * answer.T).T
    assert_array_equal(fitted(answer).predict(X), expected)
    assert_array_equal(fitted(answer).predict_quantiles(X, [0.1, 0.9]), expected)


def test_a_standard_deviation_has_a_spread_but_no_level():
    mean, std = fitted(np.ones(3)).predict(X, return_std=True)
    assert_array_equal(mean, LEVEL + SPREAD)
    assert_array_equal(std, SPREAD)


def test_quantiles_are_there_only_if_the_regressor_has_them():
    est = WindowScaledRegressor(RNNRegressor(2, max_iter=1))
    assert hasattr(est, "predict_quantiles") == hasattr(est.regressor, "predict_quantiles")
    assert not hasattr(WindowScaledRegressor(DummyRegressor()), "predict_quantiles")


def test_other_channels_pass():
    both = np.concatenate([X, X + 5], axis=2)
    inner = WindowScaledRegressor(Kept(), target=1).fit(both, Y).regressor_
    assert_array_equal(inner.X_[..., 0], X[..., 0])
    assert_array_equal(inner.X_[..., 1], [[-1, 1], [-1, 1], [1, -1]])
    assert_array_equal(inner.y_, (Y - LEVEL - 5) / SPREAD)


def test_outputs_belong_to_the_channels_in_their_order():
    both = np.concatenate([X, X + 5], axis=2)
    y = np.column_stack([Y, Y, Y, Y])  # two horizons of channel 1, two of channel 0
    inner = WindowScaledRegressor(Kept(), target=[1, 0]).fit(both, y).regressor_
    assert_array_equal(inner.y_[:, 1], (Y - LEVEL - 5) / SPREAD)
    assert_array_equal(inner.y_[:, 2], (Y - LEVEL) / SPREAD)


def test_missing_targets_stay_missing():
    inner = WindowScaledRegressor(Kept()).fit(X, [np.nan, 0.0, 100.0]).regressor_
    assert_array_equal(inner.y_, [np.nan, -2, 0])


def test_constant_windows_have_the_spread_of_their_level():
    constant = np.array([[[50.0], [50.0]], [[0.0], [0.0]], [[1.0], [3.0]]])
    est = WindowScaledRegressor(Kept(np.ones(3))).fit(constant, [100.0, 1.0, 2.0])
    assert_array_equal(est.typical_spread_, [1.0])
    assert_array_equal(est.regressor_.X_[:2], np.zeros((2, 2, 1)))
    assert_array_equal(est.regressor_.y_, [1, 1, 0])
    assert_array_equal(est.predict(constant), [100, 1, 3])


def test_windows_that_are_all_zero_have_the_typical_spread():
    zero = np.vstack([X, np.zeros((1, 2, 1))])
    est = WindowScaledRegressor(Kept(np.ones(4))).fit(zero, [*Y, 20.0])
    assert_array_equal(est.typical_spread_, [10.0])
    assert est.regressor_.y_[-1] == 2
    assert est.predict(zero)[-1] == 10


def test_where_every_window_is_zero_nothing_is_scaled():
    est = WindowScaledRegressor(Kept(np.ones(1))).fit(np.zeros((1, 3, 1)), [7.0])
    assert_array_equal(est.regressor_.y_, [7.0])


FORMS = {
    "list": lambda: list(X),
    "ragged": lambda: [*X[:2], np.array([[200.0], [0.0], [200.0], [0.0]])],
    "rows": lambda: X[..., 0],
    "float32": lambda: X.astype(np.float32),
    "frame of cells": lambda: pd.DataFrame({"v": list(X[..., 0])}),
    "windows": lambda: Windows(X.reshape(-1, 1), [0, 2, 4], 2),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_windows(form):
    windows = FORMS[form]()
    est = WindowScaledRegressor(Kept(np.ones(3))).fit(windows, Y)
    assert type(est.regressor_.X_) is type(windows)
    assert_array_equal(est.regressor_.y_, [2, -2, 0])
    assert_array_equal(est.predict(windows), LEVEL + SPREAD)
    assert as_sequences(est.regressor_.seen_).dtype == as_sequences(windows).dtype


def make_shops(levels=(10.0, 10_000.0), n=70):
    day = np.arange(n)
    shape = 1 + 0.5 * np.sin(2 * np.pi * day / 7)
    return pd.concat(
        pd.DataFrame({"shop": i, "day": day, "price": day % 3 + 1.0, "sold": level * shape})
        for i, level in enumerate(levels)
    )


def shop_windows(**params):
    settings = {"window": 14, "target": "sold", "known": "price", "group": "shop", "time": "day"}
    return make_windows(make_shops(), **{**settings, **params})


def test_windows_say_what_is_forecast():
    windows = shop_windows()
    est = WindowScaledRegressor(Kept()).fit(windows.X, windows.y)
    scaled = np.asarray(est.regressor_.X_)
    sold, price = (windows.X.channels.index(name) for name in ("sold", "price"))
    assert_allclose(scaled[..., sold].std(axis=1), 1)
    assert_array_equal(scaled[..., price], np.asarray(windows.X)[..., price])


def test_windows_of_overlapping_memory_know_that_they_share_rows():
    series = np.arange(20.0)[:, np.newaxis] ** 2
    view = np.lib.stride_tricks.sliding_window_view(series, 4, axis=0).swapaxes(1, 2)
    inner = WindowScaledRegressor(Kept()).fit(view, np.arange(17.0)).regressor_
    assert_array_equal(inner.X_.rows, np.arange(17))


def test_a_small_series_is_forecast_as_well_as_a_large_one():
    windows = shop_windows(horizon=[1, 2, 3])
    train, test = next(ForecastSplit(1).split(windows.X))
    reg = make_pipeline(SequenceScaler(), RNNRegressor(16, max_iter=60, random_state=0))
    est = WindowScaledRegressor(reg).fit(windows.X[train], windows.y.iloc[train])
    error = abs(est.predict(windows.X[test]) / windows.y.iloc[test] - 1)
    assert error.groupby("shop").mean().to_numpy().max() < 0.03


def test_a_series_never_seen_is_forecast_by_its_own_scale():
    windows = shop_windows()
    reg = WindowScaledRegressor(RNNRegressor(8, max_iter=20, random_state=0))
    reg.fit(windows.X, windows.y)
    ten = windows.X[np.asarray(windows.times.get_level_values("shop") == 0)]
    thousand = Windows(ten.table * [1.0, 128.0], ten.starts, 14, ten.channels, targets=ten.targets)
    if ten.channels[0] == "sold":
        thousand = thousand.with_table(ten.table * [128.0, 1.0])
    assert_allclose(reg.predict(thousand), 128 * reg.predict(ten), rtol=1e-9)


def test_it_works_in_a_search():
    windows = shop_windows()
    est = WindowScaledRegressor(RNNRegressor(4, max_iter=3, random_state=0))
    grid = {"method": ["standard", "robust"], "regressor__hidden_layer_sizes": [2, 4]}
    search = GridSearchCV(est, grid, cv=ForecastSplit(2), error_score="raise")
    search.fit(windows.X, windows.y)
    assert np.isfinite(search.best_score_)
    assert search.predict(windows.X[-2:]).shape == (2,)


def test_early_stopping_takes_the_end_of_every_series():
    windows = shop_windows()
    inner = RNNRegressor(4, max_iter=3, early_stopping=True, random_state=0)
    WindowScaledRegressor(inner).fit(windows.X, windows.y)
    by_hand = WindowScaledRegressor(Kept()).fit(windows.X, windows.y).regressor_
    held = as_sequences(by_hand.X_)
    assert held.rows_cut_from is not None
    assert len(np.unique(held.rows_cut_from)) == len(windows)


# --- Fit parameters ------------------------------------------------------------------------------


def test_weights_go_to_the_regressor():
    est = WindowScaledRegressor(Kept()).fit(X, Y, sample_weight=[1, 2, 3])
    assert est.regressor_.params_ == {"sample_weight": [1, 2, 3]}


@pytest.mark.parametrize("prefix", ["", "step__"])
def test_a_validation_set_is_scaled_by_its_own_windows(prefix):
    names = {f"{prefix}X_val": X[1:], f"{prefix}y_val": Y[1:]}
    params = WindowScaledRegressor(Kept()).fit(X, Y, **names).regressor_.params_
    assert_array_equal(params[f"{prefix}X_val"][..., 0], [[-1, 1], [1, -1]])
    assert_array_equal(params[f"{prefix}y_val"], [-2, 0])


def test_metadata_are_routed():
    with sklearn.config_context(enable_metadata_routing=True):
        inner = RNNRegressor(2, max_iter=2, random_state=0)
        est = WindowScaledRegressor(inner.set_fit_request(sample_weight=True))
        est.set_score_request(sample_weight=True)
        weights = np.array([0.0, 1.0, 1.0])
        cross_val_score(
            est,
            np.vstack([X] * 4),
            np.tile(Y, 4),
            cv=2,
            error_score="raise",
            params={"sample_weight": np.tile(weights, 4)},
        )
        est.fit(X, Y, sample_weight=weights)
        with pytest.raises(TypeError, match="got unexpected argument"):
            est.fit(X, Y, other=weights)


# --- What is refused -----------------------------------------------------------------------------

BOTH = np.concatenate([X, X], axis=2)
BAD = {
    "which channel": (
        {},
        BOTH,
        Y,
        "has 2 channels and does not say which of them .* Name them as target",
    ),
    "no such number": ({"target": 2}, BOTH, Y, "target 2 is no channel of X.* 0 to 1, without"),
    "no such name": ({"target": "v"}, BOTH, Y, "target 'v' is no channel of X"),
    "no channels": ({"target": []}, BOTH, Y, "target must name channels, each once"),
    "twice": ({"target": [0, 0]}, BOTH, Y, "target must name channels, each once"),
    "outputs": (
        {"target": [0, 1]},
        BOTH,
        np.ones((3, 3)),
        "3 outputs of 2 channels that are forecast",
    ),
    "labels": ({}, X, ["a", "b", "c"], "y holds texts; WindowScaledRegressor expects numbers"),
    "infinity": ({}, X, [1.0, np.inf, 2.0], "y contains infinity"),
    "too few targets": ({}, X, Y[:2], "inconsistent numbers of samples"),
    "no targets": ({}, X, None, "requires y to be passed"),
    "method": ({"method": "median"}, X, Y, "The 'method' parameter"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_scaled_is_named(case):
    params, windows, y, match = BAD[case]
    with pytest.raises(ValueError, match=match):
        WindowScaledRegressor(Kept(), **params).fit(windows, y)


def test_a_target_that_the_windows_do_not_hold_is_named():
    windows = shop_windows(channels="price", known=())
    with pytest.raises(ValueError, match=r"target 'sold' is no channel of X.*Let the windows hold"):
        WindowScaledRegressor(Kept()).fit(windows.X, windows.y)


def test_a_failed_fit_changes_nothing():
    est = fitted(np.ones(3))
    with pytest.raises(ValueError, match="y contains infinity"):
        est.fit(BOTH[..., :1] + 1, [np.inf] * 3)
    assert_array_equal(est.predict(X), LEVEL + SPREAD)


def test_it_predicts_only_once_fitted():
    with pytest.raises(NotFittedError):
        WindowScaledRegressor(Kept()).predict(X)


# --- As an estimator -----------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore")
def test_it_keeps_the_contract_of_estimators():
    check_estimator(
        WindowScaledRegressor(RNNRegressor(4, max_iter=3, random_state=0)), on_skip=None
    )


def test_it_is_pickled_and_cloned():
    est = clone(WindowScaledRegressor(RNNRegressor(2, max_iter=2, random_state=0))).fit(X, Y)
    assert_array_equal(pickle.loads(pickle.dumps(est)).predict(X), est.predict(X))


@pytest.mark.parametrize("is_fitted", [False, True])
def test_the_network_inside_is_found_with_its_data(is_fitted):
    est = WindowScaledRegressor(RNNRegressor(2, max_iter=2, random_state=0))
    if is_fitted:
        est.fit(X, Y)
    inner, scaled, y = innermost_with(est, X, Y)
    assert inner is innermost(est)
    assert_array_equal(scaled[..., 0], [[-1, 1], [-1, 1], [1, -1]])
    assert_array_equal(y, [2, -2, 0])


RNG = np.random.default_rng(0)
WINDOWS = 100 * RNG.random((30, 4, 1)) + 1000
TARGETS = WINDOWS[:, -1, 0] + RNG.normal(size=30)


@pytest.mark.parametrize("y", [TARGETS, np.column_stack([TARGETS, -TARGETS])], ids=["one", "two"])
def test_quantiles_are_scored_on_the_scale_of_the_targets(y):
    levels = [0.1, 0.5, 0.9]
    inner = RNNRegressor(2, loss="quantile", quantile=levels, max_iter=5, tol=0.1, random_state=0)
    est = WindowScaledRegressor(inner).fit(WINDOWS, y)
    predicted, weight = est.predict(WINDOWS), np.arange(30.0)
    scores = [
        d2_pinball_score(y, predicted[..., k], sample_weight=weight, alpha=level)
        for k, level in enumerate(levels)
    ]
    assert est.score(WINDOWS, y, weight) == pytest.approx(np.mean(scores), abs=1e-12)


def test_missing_targets_are_left_out_of_the_score():
    y = np.column_stack([TARGETS, TARGETS])
    y[::2, 1] = np.nan
    est = WindowScaledRegressor(RNNRegressor(2, max_iter=5, tol=0.1, random_state=0))
    predicted = est.fit(WINDOWS, y).predict(WINDOWS)
    scores = r2_score(y[:, 0], predicted[:, 0]), r2_score(y[1::2, 1], predicted[1::2, 1])
    assert est.score(WINDOWS, y) == pytest.approx(np.mean(scores), abs=1e-12)


@pytest.mark.parametrize(
    "y",
    [[np.ones(2), np.ones(3)], pd.DataFrame({"y": [[1.0, 2.0], [3.0, 4.0]]})],
    ids=["list", "frame"],
)
def test_targets_that_are_sequences_are_refused(y):
    with pytest.raises(ValueError, match="y holds sequences; expected numbers"):
        WindowScaledRegressor(RNNRegressor()).fit([np.ones((2, 1)), np.ones((3, 1))], y)
