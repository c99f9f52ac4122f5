"""Forecasts of the hourly loads of `skrnn.datasets.make_loads`, a day ahead.

`docs/examples/forecasting/plot_many_series.py` tells the same step by step.
"""

from __future__ import annotations

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
LAGS = 24


def cut(table: pd.DataFrame) -> tuple[ForecastWindows, ForecastWindows]:
    """Return the windows to train on, and those of midnight after, whose targets they miss."""
    windows = make_windows(
        table.astype(dict.fromkeys(["load", *KNOWN], "float32")),
        window=48,
        horizon=range(1, 25),
        target="load",
        channels=["load", "site", *KNOWN],
        known=KNOWN,
        group="site",
        time="time",
    )
    origin = windows.times.get_level_values("time")
    end = table["time"].max() - pd.Timedelta(days=N_TEST_DAYS)
    train = windows[np.asarray(origin <= end - pd.Timedelta(hours=24))]
    return train, windows[np.asarray((origin >= end) & (origin.hour == 23))]


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
    train, test = cut(make_loads(random_state=seed))
    forecasts = {
        "network": forecast(network(seed).fit(train.X, train.y), test),
        "gradient boosting": boosted(train, test, seed),
        "day before": seasonal_naive(test, season=24),
        "week before": seasonal_naive(test, season=168),
    }
    return forecasts, test.on_time_axis(test.y)
