"""Forecasts of the hourly loads of `skrnn.datasets.make_loads`, a day ahead.

`docs/examples/forecasting/plot_many_series.py` tells the same step by step.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.pipeline import make_pipeline

from skrnn import RNNRegressor
from skrnn.datasets import make_loads
from skrnn.forecasting import WindowScaledRegressor, forecast, seasonal_naive
from skrnn.preprocessing import ForecastWindows, SequenceScaler, make_windows

KNOWN = ["temperature", "promotion", "hour_sin", "hour_cos", "weekend"]
N_TEST_DAYS = 36
N_HELD_OUT_DAYS = 14  # before the test part, to widen intervals by
N_LAST_DAYS = 7
LAGS = 24
LEVELS = [0.05, 0.5, 0.95]
CONFIDENCE = 0.9


def cut(table: pd.DataFrame) -> ForecastWindows:
    """Return windows of two days and the day after, of every hour and site."""
    return make_windows(
        table.astype(dict.fromkeys(["load", *KNOWN], "float32")),
        window=48,
        horizon=range(1, 25),
        target="load",
        channels=["load", "site", *KNOWN],
        known=KNOWN,
        group="site",
        time="time",
    )


def parts(windows: ForecastWindows, *days: int) -> list[ForecastWindows]:
    """Return windows of all hours to train on, then those of midnight in parts of so many days.

    The last part ends with the windows. No target of one part is one of another.
    """
    origin = windows.times.get_level_values("time")
    last = origin.max() + pd.Timedelta(hours=24)
    ends = [last - pd.Timedelta(days=sum(days[i:])) for i in range(len(days) + 1)]
    found = [windows[np.asarray(origin <= ends[0] - pd.Timedelta(hours=24))]]
    for start, end in pairwise(ends):
        here = (origin >= start) & (origin <= end - pd.Timedelta(hours=24)) & (origin.hour == 23)
        found.append(windows[np.asarray(here)])
    return found


def network(seed: int = 0, **params) -> WindowScaledRegressor:
    """Return the network: loads by their window's own level, known columns by their own scale."""
    inner = RNNRegressor(
        64,
        embedding_dim={"site": 3},
        loss="absolute_error",
        batch_size=256,
        learning_rate="cosine",
        learning_rate_init=0.01,
        max_iter=15,
        random_state=seed,
    )
    scaler = SequenceScaler(channels=["load", *KNOWN])
    pipeline = make_pipeline(scaler, inner.set_params(**params))
    return WindowScaledRegressor(pipeline, method="mean")


def boosted(train: ForecastWindows, test: ForecastWindows, seed: int = 0) -> pd.Series:
    """Forecast by gradient boosting on lags, the known columns, the horizon and the site.

    Loads are divided by the mean of their site, which trees cannot do by themselves.
    """
    level = train.on_time_axis(train.y).groupby("site").mean()
    model = HistGradientBoostingRegressor(max_iter=300, random_state=seed)
    scale = level[train.times.get_level_values("site")].to_numpy()[:, np.newaxis]
    model.fit(lag_features(train, scale), (train.y.to_numpy() / scale).T.ravel())
    scale = level[test.times.get_level_values("site")].to_numpy()[:, np.newaxis]
    predicted = model.predict(lag_features(test, scale)).reshape(24, -1).T
    return test.on_time_axis(predicted * scale)


def lag_features(windows: ForecastWindows, scale: np.ndarray) -> np.ndarray:
    """Return a row for each horizon and window: lags of the day before, and of the week before."""
    names, X = windows.X.channels, np.asarray(windows.X)
    lags = X[:, -LAGS:, names.index("load")] / scale
    site = X[:, 0, names.index("site")]
    week = seasonal_naive(windows, season=168).to_numpy().reshape(-1, 24) / scale
    rows = []
    for h in range(1, 25):
        known = X[:, h - 25, [names.index(name) for name in KNOWN]]
        rows.append(np.column_stack([lags, known, week[:, h - 1], np.full(len(X), h), site]))
    return np.vstack(rows)


def errors(forecasts: dict[str, pd.Series], true: pd.Series) -> pd.DataFrame:
    """Return mean absolute errors in units of the level of each site, site by site and of all."""
    level = true.groupby("site").mean()
    table = pd.DataFrame(
        {name: (one - true).abs().groupby("site").mean() / level for name, one in forecasts.items()}
    )
    table.loc["all"] = table.mean()
    return table


def run(seed: int = 0) -> tuple[dict[str, pd.Series], pd.Series]:
    """Return the forecasts by name, and the truth."""
    train, test = parts(cut(make_loads(random_state=seed)), N_TEST_DAYS)
    forecasts = {
        "network": forecast(network(seed).fit(train.X, train.y), test),
        "gradient boosting": boosted(train, test, seed),
        "day before": seasonal_naive(test, season=24),
        "week before": seasonal_naive(test, season=168),
    }
    return forecasts, test.on_time_axis(test.y)


class Day(NamedTuple):
    """Forecasts of the test part by name, and quantiles beside the truth.

    The quantiles are in units of the level of their site.
    """

    forecasts: dict[str, pd.Series]
    true: pd.Series
    intervals: dict[str, pd.DataFrame]


def run_quantiles(seed: int = 0) -> Day:
    """Return what one network of three quantiles says, and simple forecasts of the same loads.

    The network learns what comes before the last 50 days; gradient boosting, all before the test
    part. By the errors in the 14 days between, the outer quantiles are moved once for all of the
    test part; or at every origin by those of the last 7 days before it.
    """
    windows = cut(make_loads(random_state=seed))
    train, rest = parts(windows, N_HELD_OUT_DAYS + N_TEST_DAYS)
    before, test = parts(windows, N_TEST_DAYS)
    reg = network(seed, loss="quantile", quantile=LEVELS).fit(train.X, train.y)
    found = forecast(reg, rest, quantiles=LEVELS)
    true = test.on_time_axis(test.y)
    forecasts = {
        "network": found[0.5].loc[true.index],
        "gradient boosting": boosted(before, test, seed),
        "day before": seasonal_naive(test, season=24),
        "week before": seasonal_naive(test, season=168),
    }
    level = train.on_time_axis(train.y).groupby("site").mean()
    found = found.assign(true=rest.on_time_axis(rest.y)).div(level, axis=0, level="site")
    return Day(forecasts, true, conformal(found))


def conformal(found: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return quantiles of the test part as they are, and moved by what earlier ones lack."""
    origin = found.index.get_level_values("origin")
    first = origin.max() - pd.Timedelta(days=N_TEST_DAYS - 1)
    test, before = found[origin >= first], found[origin < first]
    week = pd.Timedelta(days=N_LAST_DAYS)
    days = [
        moved(day, found[(origin < at) & (origin >= at - week)])
        for at, day in test.groupby(level="origin")
    ]
    return {"as fitted": test, "held-out": moved(test, before), "last days": pd.concat(days)}


def moved(found: pd.DataFrame, seen: pd.DataFrame) -> pd.DataFrame:
    """Return quantiles of which the outer ones hold as much as they should of `seen`."""
    low, high = LEVELS[0], LEVELS[-1]
    lack = np.sort(np.maximum(seen[low] - seen["true"], seen["true"] - seen[high]))
    rank = min(int(np.ceil((len(lack) + 1) * CONFIDENCE)), len(lack))
    result = found.copy()
    result[low] -= lack[rank - 1]
    result[high] += lack[rank - 1]
    return result
