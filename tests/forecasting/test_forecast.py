"""Forecasts many steps ahead, direct and recursive, and tests of them on the past."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import make_pipeline

from skrnn import RNNClassifier, RNNRegressor
from skrnn.forecasting import WindowScaledRegressor, backtest, forecast, seasonal_naive
from skrnn.metrics import mase
from skrnn.model_selection import ForecastSplit
from skrnn.preprocessing import SequenceScaler, Windows, make_windows

N = 20


class Steps(RegressorMixin, BaseEstimator):
    """Knows that every series goes on as it went last: exact on a straight line.

    A known channel is added to the forecast of the step that it is of.
    """

    def __init__(self, target=0, horizons=(1,), known=None, levels=None):
        self.target = target
        self.horizons = horizons
        self.known = known
        self.levels = levels

    def fit(self, X, y):
        self.fitted_ = True
        return self

    def predict(self, X):
        X = np.asarray(X)
        last, before = X[:, -1, self.target], X[:, -2, self.target]
        path = last[:, None] + np.outer(last - before, self.horizons)
        if self.known is not None:  # of which the last step is that of the farthest target
            steps = np.array(self.horizons) - max(self.horizons) - 1
            path = X[:, steps, self.known]
        if self.levels is not None:
            return path[:, :, None] + np.array(self.levels)
        return path[:, 0] if len(self.horizons) == 1 else path


class Quantiles(Steps):
    def predict_quantiles(self, X, quantiles):
        return Steps.predict(self, X).reshape(len(X), -1, 1) + np.array(quantiles)


def make_shops(future=0, **more):
    """A shop that gains 1 a day and one that loses 10; the last days may be to come."""
    day = np.arange(N + future)
    table = pd.concat(
        [
            pd.DataFrame({"shop": "a", "day": day, "sold": 100.0 + day}),
            pd.DataFrame({"shop": "b", "day": day, "sold": 5000.0 - 10 * day}),
        ],
        ignore_index=True,
    ).assign(**more)
    table.loc[table["day"] >= N, "sold"] = np.nan
    return table


def cut(table=None, **params):
    settings = {"window": 4, "target": "sold", "group": "shop", "time": "day"}
    return make_windows(make_shops() if table is None else table, **{**settings, **params})


def truth(index):
    """What the shops sell at the times of a forecast."""
    shop, day = index.get_level_values("shop"), index.get_level_values("day")
    return np.where(shop == "a", 100.0 + day, 5000.0 - 10 * day)


# --- Forecasts -----------------------------------------------------------------------------------


@pytest.mark.parametrize("trained", [[1], [1, 2], [1, 2, 3], [1, 2, 3, 4, 5, 6, 7], [1, 2, 9]])
def test_a_path_goes_as_far_as_wanted(trained):
    windows = cut(horizon=trained)
    path = forecast(Steps(horizons=trained), windows.latest, 7)
    assert_allclose(path, truth(path.index), rtol=1e-12)
    assert path.index.names == ["shop", "origin", "day"]
    assert path.index.get_level_values("day").tolist() == [*range(20, 27)] * 2
    assert path.name == "sold"


@pytest.mark.parametrize("horizon", [[5], [6, 2], np.array([3, 4])], ids=str)
@pytest.mark.parametrize("trained", [1, [1, 2, 3, 4, 5, 6]], ids=str)
def test_some_steps_of_a_path(trained, horizon):
    windows = cut(horizon=trained)
    path = forecast(Steps(horizons=np.ravel(trained)), windows[3:7], horizon)
    assert_allclose(path, truth(path.index), rtol=1e-12)
    ahead = path.index.get_level_values("day") - path.index.get_level_values("origin")
    assert_array_equal(ahead, np.tile(horizon, 4))


def test_without_a_horizon_it_is_that_of_the_windows():
    windows = cut(horizon=[2, 4])
    path = forecast(Steps(horizons=[2, 4]), windows.latest)
    assert_allclose(path, truth(path.index), rtol=1e-12)
    assert path.index.get_level_values("day").tolist() == [21, 23, 21, 23]


def test_a_direct_forecast_is_the_prediction():
    windows = cut(horizon=[1, 2, 3])
    reg = RNNRegressor(4, max_iter=3, random_state=0).fit(windows.X, windows.y)
    path = forecast(reg, windows.latest, 3)
    assert_array_equal(path, reg.predict(windows.latest.X).ravel())


def test_a_recursive_forecast_is_that_of_a_loop():
    series = pd.Series(np.sin(np.arange(40.0)), name="v")
    windows = make_windows(series, window=5)
    reg = WindowScaledRegressor(RNNRegressor(4, max_iter=5, random_state=0))
    reg.fit(windows.X, windows.y)
    path = forecast(reg, windows.latest, 6)
    values = list(series)
    for _ in range(6):
        newest = Windows(np.array(values[-5:]).reshape(5, 1), [0], 5, ["v"])
        values.append(reg.predict(newest)[0])
    assert_allclose(path, values[-6:], rtol=1e-12)


def test_no_forecast_looks_at_what_came():
    path = forecast(Steps(), cut()[:6], 5)
    later = make_shops()
    later.loc[later["day"] > 6, "sold"] = -1e6  # behind the third origin of both shops
    assert_array_equal(forecast(Steps(), cut(later)[:6], 5), path)


def test_several_targets_are_columns():
    windows = cut(make_shops(more=np.arange(2.0 * N)), target=["sold", "more"])

    class Both(Steps):
        def predict(self, X):
            X = np.asarray(X)
            return 2 * X[:, -1] - X[:, -2]

    path = forecast(Both(), windows.latest, 3)
    assert path.columns.tolist() == ["sold", "more"]
    assert_allclose(path["sold"], truth(path.index))
    assert_allclose(path["more"], [20, 21, 22, 40, 41, 42])


@pytest.mark.parametrize("trained", [[1], [1, 2], [1, 2, 3]])
def test_known_columns_move_on(trained):
    days = np.arange(N + 5)
    table = make_shops(future=5, price=np.concatenate([days * 2.0, days * 3.0]))
    windows = cut(table, known="price", horizon=trained)
    channel = windows.X.channels.index("price")
    path = forecast(Steps(channel, horizons=trained, known=channel), windows.latest, 5)
    day = path.index.get_level_values("day")
    assert_array_equal(path, np.where(path.index.get_level_values("shop") == "a", 2, 3) * day)


def test_the_known_future_must_reach_as_far():
    windows = cut(make_shops(future=2, price=1.0), known="price")
    assert len(forecast(Steps(), windows.latest, 2)) == 4
    with pytest.raises(ValueError, match=r"from \('a', 19\) needs 'price', .* up to 4 time steps"):
        forecast(Steps(), windows.latest, 4)


def test_a_category_of_the_series_stays():
    windows = cut(channels=["sold", "shop"])
    path = forecast(Steps(), windows.latest, 4)
    assert_allclose(path, truth(path.index))


def test_months_are_counted_on():
    index = pd.period_range("2020-01", periods=12, freq="M", name="month")
    windows = make_windows(pd.Series(np.arange(12.0), index), window=3)
    path = forecast(Steps(), windows.latest, 14)
    assert str(path.index[-1][1]) == "2022-02"
    assert_allclose(path, np.arange(12, 26))


def test_labels_are_forecast_directly():
    state = np.where(np.arange(2 * N) % 4 < 2, "idle", "busy")
    windows = cut(make_shops(state=state), target="state", channels="state", horizon=[1, 2])
    clf = RNNClassifier(8, embedding_dim=2, max_iter=3, random_state=0)
    clf.fit(windows.X, windows.y[1])

    class One(BaseEstimator):
        def predict(self, X):
            return np.column_stack([clf.predict(X)] * 2)

    path = forecast(One(), windows.latest, 2)
    assert set(path) <= {"idle", "busy"}
    with pytest.raises(ValueError, match="Predicted labels cannot be put at the end"):
        forecast(One(), windows.latest, 3)


# --- Quantiles -----------------------------------------------------------------------------------

LEVELS = [0.1, 0.5, 0.9]


class Passing(BaseEstimator):
    def fit(self, X, y=None):
        self.fitted_ = True
        return self

    def transform(self, X):
        return X


PREDICTORS = {
    "its own method": Quantiles(horizons=[1, 2]),
    "in a pipeline": make_pipeline(Passing(), Quantiles(horizons=[1, 2])).fit(None, []),
    "predict has an axis": Steps(horizons=[1, 2], levels=LEVELS),
}


@pytest.mark.parametrize("name", PREDICTORS)
def test_quantiles_are_columns(name):
    windows = cut(horizon=[1, 2])
    bands = forecast(PREDICTORS[name], windows.latest, quantiles=LEVELS)
    assert bands.columns.tolist() == LEVELS
    assert_allclose(bands, truth(bands.index)[:, np.newaxis] + LEVELS)


def test_quantiles_of_a_search():
    windows = cut()
    search = GridSearchCV(Quantiles(), {"target": [0]}, cv=ForecastSplit(2))
    search.fit(windows.X, windows.y)
    bands = forecast(search, windows.latest, quantiles=[0.5])
    assert_allclose(bands[0.5], truth(bands.index) + 0.5)


def test_quantiles_of_several_targets_are_below_them():
    windows = cut(make_shops(more=1.0), target=["sold", "more"])

    class Both(Steps):
        def predict_quantiles(self, X, quantiles):
            return np.asarray(X)[:, -1, :, None] + np.array(quantiles)

    bands = forecast(Both(), windows.latest, quantiles=[0.25, 0.75])
    assert bands.columns.names == ["target", "quantile"]
    assert_array_equal(bands["more"], [[1.25, 1.75]] * 2)
    assert_array_equal(bands["sold"], [[119.25, 119.75], [4810.25, 4810.75]])


# --- Seasonal naive ------------------------------------------------------------------------------


@pytest.mark.parametrize("season", [1, 3, 5])
def test_the_naive_forecast_repeats_the_last_season(season):
    windows = cut()
    path = seasonal_naive(windows[10:], 7, season=season)
    origin, day = (path.index.get_level_values(n) for n in ("origin", "day"))
    expected = day.to_numpy()
    while (expected > origin).any():
        expected = np.where(expected > origin, expected - season, expected)
    shop = path.index.get_level_values("shop")
    assert_array_equal(path, np.where(shop == "a", 100.0 + expected, 5000.0 - 10 * expected))


def test_the_naive_forecast_looks_back_beyond_the_window_but_not_beyond_the_series():
    path = seasonal_naive(cut(), 1, season=6)
    # Windows of 4 days end at day 3; the value 6 days before the target is there from day 5 on.
    assert path.isna().sum() == 4
    assert path.iloc[4] == 100.0


def test_the_naive_forecast_stops_at_a_gap():
    table = make_shops().query("day != 8")
    path = seasonal_naive(cut(table, gaps="skip"), 1, season=5)
    origin = path.index.get_level_values("origin")
    # Windows begin at days 0 and 9.
    assert set(origin[path.isna()]) == {3, 12}


# --- Back-testing --------------------------------------------------------------------------------


def test_every_origin_is_forecast_beside_the_truth():
    windows = cut()
    result = backtest(Steps(), windows, cv=2, horizon=3, season=2)
    assert result.columns.tolist() == [
        "fold",
        "horizon",
        "true",
        "predicted",
        "baseline",
        "scale",
    ]
    assert_array_equal(result["true"], truth(result.index))
    assert_allclose(result["predicted"], result["true"])
    shop = result.index.get_level_values("shop")
    assert_array_equal(result["scale"], np.where(shop == "a", 2.0, 20.0))
    off = {1: 2, 2: 2, 3: 4}  # days from the value that is repeated
    late = result["horizon"].map(off) * np.where(shop == "a", 1, -10)
    assert_array_equal(result["true"] - result["baseline"], late)


def test_origins_and_folds_are_those_of_the_split():
    windows = cut(horizon=[1, 2])
    result = backtest(Steps(horizons=[1, 2]), windows, cv=3)
    for fold, (_, test) in enumerate(ForecastSplit(3).split(windows.X)):
        part = result[result["fold"] == fold]
        assert part.index.equals(windows[test].target_times)


def test_a_truth_that_is_not_known_is_left_out():
    result = backtest(Steps(), cut(), cv=2, horizon=4)
    assert result["true"].notna().all()
    assert result.index.get_level_values("day").max() == N - 1
    counts = result.groupby("horizon").size()
    assert (counts.diff().dropna() == -2).all()  # the newest origin of both shops


def test_only_the_past_is_trained_on():
    seen = []

    class Watching(Steps):
        def fit(self, X, y):
            seen.append((X.moments[:, 1].max(), len(y)))
            return super().fit(X, y)

    windows = cut(horizon=[1, 2, 3])
    result = backtest(Watching(horizons=[1, 2, 3]), windows, cv=2)
    first = result.reset_index().groupby("fold")["origin"].min()
    assert [newest for newest, _ in seen] == first.tolist()


def test_scaled_errors_are_those_of_mase():
    rng = np.random.default_rng(0)
    series = pd.Series(rng.normal(size=40).cumsum(), name="v")
    result = backtest(Steps(), make_windows(series, window=4), cv=1, season=3)
    scaled = ((result["true"] - result["predicted"]).abs() / result["scale"]).mean()
    first = result.index.get_level_values("origin").min()
    past = series.loc[:first]
    expected = mase(result["true"], result["predicted"], y_train=past, season=3)
    assert scaled == pytest.approx(expected, rel=1e-12)


def test_several_targets_are_below_each_other():
    windows = cut(make_shops(more=np.arange(2.0 * N)), target=["sold", "more"])

    class Both(Steps):
        def predict(self, X):
            return 2 * np.asarray(X)[:, -1] - np.asarray(X)[:, -2]

    result = backtest(Both(), windows, cv=2)
    assert_allclose(result["predicted"], result["true"])
    assert set(result["target"]) == {"sold", "more"}
    assert result[result["target"] == "more"]["scale"].eq(1).all()


@pytest.mark.parametrize("levels", [LEVELS, [0.1, 0.9]], ids=str)
def test_quantiles_stand_beside_the_forecast(levels):
    result = backtest(Quantiles(horizons=[1, 2]), cut(horizon=[1, 2]), cv=2, quantiles=levels)
    for level in levels:
        assert_allclose(result[level], result["true"] + level)
    assert_allclose(result["predicted"], result["true"] + (0.5 if 0.5 in levels else 0))


def test_a_network_is_better_than_the_baseline():
    day = np.arange(120)
    wave = np.sin(2 * np.pi * day / 11)
    table = pd.concat(
        pd.DataFrame({"shop": shop, "day": day, "sold": level * (2 + wave)})
        for shop, level in [("small", 10.0), ("large", 10_000.0)]
    )
    windows = cut(table, window=14, horizon=[1, 2, 3], channels=["sold", "shop"])
    inner = RNNRegressor(16, embedding_dim={"shop": 2}, max_iter=60, random_state=0)
    reg = WindowScaledRegressor(make_pipeline(SequenceScaler(channels=["sold"]), inner))
    result = backtest(reg, windows, cv=1)
    error = {
        name: ((result[name] - result["true"]).abs() / result["scale"]).groupby("shop").mean()
        for name in ("predicted", "baseline")
    }
    assert (error["predicted"] < 0.2 * error["baseline"]).all()


# --- What is refused -----------------------------------------------------------------------------

BAD = {
    "horizon": ({"horizon": 0}, r"horizon must be an integer >= 1 or several, got 0"),
    "part": ({"horizon": 1.5}, r"horizon must be an integer >= 1 or several, got 1.5"),
    "twice": ({"horizon": [1, 1]}, "horizon names a time step twice"),
    "level": ({"quantiles": [0.5, 1.0]}, r"quantiles must be numbers in \(0, 1\)"),
    "levels twice": ({"quantiles": [0.5, 0.5]}, r"quantiles must be .* each once"),
    "recursive quantiles": (
        {"horizon": 3, "quantiles": [0.5]},
        r"Quantiles of the horizons \[1, 2, 3\] cannot be forecast from windows with .* \[1\]",
    ),
    "no quantiles": (
        {"quantiles": [0.1, 0.9]},
        r"predicts an array of shape \(2,\) for 2 windows; expected 2 quantiles of each",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_forecast_is_named(case):
    params, match = BAD[case]
    with pytest.raises(ValueError, match=match):
        forecast(Steps(), cut().latest, **params)


def test_there_must_be_a_next_step_to_go_on_from():
    windows = cut(horizon=[2, 3])
    with pytest.raises(ValueError, match=r"up to 3 cannot .* \[2, 3\].* Add horizon 1"):
        forecast(Steps(horizons=[2, 3]), windows.latest, 3)


def test_a_channel_without_a_future_is_named():
    windows = cut(make_shops(rain=1.0), channels=["sold", "rain"])
    with pytest.raises(ValueError, match="future of the channel 'rain' is not known"):
        forecast(Steps(), windows.latest, 2)


def test_a_category_that_changes_is_named():
    windows = cut(make_shops(sky=["sun", "rain"] * N), channels=["sold", "sky"])
    with pytest.raises(ValueError, match="future of the channel 'sky' is not known"):
        forecast(Steps(), windows.latest, 2)


def test_a_target_that_is_no_channel_is_named():
    windows = cut(make_shops(rain=1.0), channels="rain")
    with pytest.raises(ValueError, match="target 'sold' is no channel of the windows"):
        forecast(Steps(), windows.latest, 2)


def test_an_estimator_of_other_windows_is_named():
    with pytest.raises(ValueError, match=r"shape \(2, 3\) for 2 windows; expected one number"):
        forecast(Steps(horizons=[1, 2, 3]), cut().latest, 2)


@pytest.mark.parametrize("function", [forecast, backtest])
def test_only_windows_of_make_windows_are_forecast(function):
    with pytest.raises(TypeError, match=r"must be what .*make_windows returns.*, got Windows"):
        function(Steps(), cut().X)


def test_windows_at_horizon_0_are_not_forecast():
    windows = cut(make_shops(state=1), target="state", horizon=0)
    with pytest.raises(ValueError, match=r"integer >= 1 .* the windows have \[0\]"):
        forecast(Steps(), windows)


def test_labels_have_no_naive_forecast():
    windows = cut(make_shops(state="x"), target="state")
    with pytest.raises(ValueError, match="targets are labels"):
        backtest(Steps(), windows)


@pytest.mark.parametrize(
    ("params", "error", "match"),
    [
        ({"season": 0}, ValueError, "season must be an integer >= 1, got 0"),
        ({"cv": None}, TypeError, "cv must be an int or a splitter, got NoneType"),
        ({"cv": 0}, ValueError, "n_splits must be an integer >= 1"),
    ],
    ids=str,
)
def test_parameters_of_a_test_on_the_past_are_checked(params, error, match):
    with pytest.raises(error, match=match):
        backtest(Steps(), cut(), **params)


def test_nothing_is_tested_without_targets():
    with pytest.raises(ValueError, match="no targets yet, as latest"):
        backtest(Steps(), cut().latest)


def test_any_splitter_cuts():
    result = backtest(Steps(), cut(), cv=KFold(4))
    assert len(result) == len(cut())


def test_windows_of_elsewhere_are_named():
    from dataclasses import replace

    with pytest.raises(ValueError, match="do not know the series that they are from"):
        forecast(Steps(), replace(cut(), source=None))
