"""Five hourly loads, one network: the next 24 hours of all of them.

The loads of five sites differ in level, in opening hours and in how much weather and promotions
move them. One network is fitted to all, on windows that are scaled by their own level, with the
forecast of the weather, the promotions and the calendar known in advance. It is compared with the
same hour of the day before, the same hour of the week before, and gradient boosting on lags.

Run it from the repository's root with ``python docs/examples/plot_many_series.py``. The plot goes
to ``docs/examples/output``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.pipeline import make_pipeline

from skrnn import RNNRegressor
from skrnn.forecasting import WindowScaledRegressor, forecast, seasonal_naive
from skrnn.preprocessing import ForecastWindows, SequenceScaler, make_windows

OUTPUT = Path(__file__).parent / "output"
LEVELS = {"mill": 400.0, "office": 120.0, "school": 80.0, "shop": 160.0, "works": 250.0}
KNOWN = ["temperature", "promotion", "hour_sin", "hour_cos", "weekend"]
N_DAYS, N_TEST_DAYS = 200, 36
LAGS = 24


# --- The data ------------------------------------------------------------------------------------


def make_loads(seed: int = 0) -> pd.DataFrame:
    """Return the long table of the loads: a row for each site and hour."""
    rng = np.random.default_rng(seed)
    time = pd.date_range("2024-01-01", periods=24 * N_DAYS, freq="h")
    year = 10 - 10 * np.cos(2 * np.pi * np.arange(len(time)) / (24 * 365))
    day = 4 * np.sin(2 * np.pi * (time.hour - 9) / 24)
    weather = year + day.to_numpy() + wandering(len(time), 0.99, 0.5, rng)
    economy = wandering(len(time), 0.98, 0.006, rng)
    sites = [make_site(k, site, time, weather, economy, rng) for k, site in enumerate(LEVELS)]
    table = pd.concat(sites, ignore_index=True)
    angle = 2 * np.pi * table["time"].dt.hour / 24
    table["hour_sin"], table["hour_cos"] = np.sin(angle), np.cos(angle)
    table["weekend"] = (table["time"].dt.dayofweek >= 5).astype(float)
    return table


def make_site(
    k: int,
    site: str,
    time: pd.DatetimeIndex,
    weather: np.ndarray,
    economy: np.ndarray,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Return the table of one site, which has opening hours and habits of its own."""
    n, hour = len(time), time.hour.to_numpy()
    temperature = weather + rng.normal() + wandering(n, 0.9, 0.3, rng)
    busy = 1 / (1 + np.exp(6 + k % 3 - hour)) / (1 + np.exp(hour - 17 - k))
    workday = np.where(time.dayofweek >= 5, 0.35 + 0.12 * k, 1.0)
    promotion = np.zeros(N_DAYS)
    for start in rng.choice(N_DAYS - 5, size=N_DAYS // 20, replace=False):
        promotion[start : start + 3] = 1
    promotion = np.repeat(promotion, 24)
    heat = 0.03 * np.maximum(14 - temperature, 0) + 0.05 * np.maximum(temperature - 22, 0)
    load = 0.35 + busy * workday * (1 + (0.2 + 0.1 * (k % 3)) * promotion)
    load = load + heat * (0.4 + 0.6 * busy)
    noise = wandering(n, 0.95, 0.008, rng) + rng.normal(scale=0.015, size=n)
    load = LEVELS[site] * load * np.exp(economy * (0.7 + 0.15 * k) + noise)
    return pd.DataFrame(
        {
            "site": site,
            "time": time,
            "load": load,
            "temperature": temperature,
            "promotion": promotion,
        }
    )


def wandering(n: int, memory: float, scale: float, rng: np.random.Generator) -> np.ndarray:
    """Return noise that is a part of what it was the hour before, and something new."""
    new, values = rng.normal(scale=scale, size=n), np.empty(n)
    value = 0.0
    for i in range(n):
        value = memory * value + new[i]
        values[i] = value
    return values


def cut(table: pd.DataFrame) -> tuple[ForecastWindows, ForecastWindows]:
    """Return the windows to train on, and those of midnight after, whose targets they miss."""
    numbers = ["load", *KNOWN]
    windows = make_windows(
        table.astype(dict.fromkeys(numbers, "float32")),
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


# --- The forecasts -------------------------------------------------------------------------------


def network(seed: int = 0, **params) -> WindowScaledRegressor:
    """Return the network: loads by their window's own level, known columns by their own scale."""
    inner = RNNRegressor(
        hidden_layer_sizes=64,
        embedding_dim={"site": 3},
        loss="absolute_error",
        batch_size=256,
        learning_rate="cosine",
        learning_rate_init=0.01,
        max_iter=15,
        random_state=seed,
    )
    scaler = SequenceScaler(channels=["load", *KNOWN])
    return WindowScaledRegressor(make_pipeline(scaler, inner.set_params(**params)))


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
    train, test = cut(make_loads(seed))
    forecasts = {
        "network": forecast(network(seed).fit(train.X, train.y), test),
        "gradient boosting": boosted(train, test, seed),
        "day before": seasonal_naive(test, season=24),
        "week before": seasonal_naive(test, season=168),
    }
    return forecasts, test.on_time_axis(test.y)


def draw(forecasts: dict[str, pd.Series], true: pd.Series) -> None:
    """Draw a week of every site, the forecast of each midnight as a line of its own."""
    import matplotlib.pyplot as plt

    from skrnn.plotting import ForecastPathDisplay

    OUTPUT.mkdir(exist_ok=True)
    figure, axs = plt.subplots(len(LEVELS), 1, figsize=(8, 10), sharex=True, layout="constrained")
    for ax, site in zip(axs, LEVELS, strict=True):
        week = forecasts["network"][site].iloc[-7 * 24 :]
        past = true[site].droplevel("origin").iloc[-9 * 24 :]
        ForecastPathDisplay.from_forecast(week, past, ax=ax)
        ax.set(title=site, ylabel="load")
    figure.savefig(OUTPUT / "many_series.png", dpi=150)


def main() -> None:
    forecasts, true = run()
    print("Mean absolute error of the next 24 hours, in units of each site's mean load:")
    print(errors(forecasts, true).round(4).to_string())
    draw(forecasts, true)
    print(f"Plot: {OUTPUT / 'many_series.png'}")


if __name__ == "__main__":
    main()
