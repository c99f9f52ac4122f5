"""Measure one network for many series: error against simple forecasts, and gradient boosting.

- Five hourly loads, 24 hours ahead, as `docs/examples/forecasting/plot_many_series.py` tells it.
- Four stores that sell 10 to 10,000 a day, a week ahead: the error of every store, against the
  best of its own simple forecasts (last value, a week ago, mean, exponential smoothing).

    python docs/benchmarks/many_series.py
"""

from __future__ import annotations

import argparse
import warnings

import _loads
import _measure
import numpy as np
import pandas as pd
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import make_pipeline

from skrnn import RNNRegressor
from skrnn.forecasting import WindowScaledRegressor, forecast, seasonal_naive
from skrnn.preprocessing import ForecastWindows, SequenceScaler, make_windows

LEVELS = [10, 100, 1_000, 10_000]
N_DAYS, N_TEST_DAYS, WINDOW, HORIZON = 800, 200, 28, 7


def make_stores(seed: int) -> pd.DataFrame:
    """Return daily sales of four stores: a week, a level that wanders, and noise of counts."""
    rng = np.random.default_rng(seed)
    tables = []
    for level in LEVELS:
        week = np.exp(rng.normal(scale=0.35, size=7))
        path = wander(0.98, 0.04, rng)
        mean = level * np.tile(week / week.mean(), N_DAYS // 7 + 1)[:N_DAYS] * np.exp(path)
        # Counts, and a noise of a tenth that stays however much is sold.
        sold = rng.poisson(mean * rng.gamma(100, 0.01, size=N_DAYS))
        store = f"level {level:,}"
        tables.append(pd.DataFrame({"store": store, "day": np.arange(N_DAYS), "sold": sold * 1.0}))
    return pd.concat(tables, ignore_index=True)


def wander(memory: float, scale: float, rng: np.random.Generator) -> np.ndarray:
    """Return noise of which every value is a part of the one before, and something new."""
    values, value = np.empty(N_DAYS), 0.0
    for day, new in enumerate(rng.normal(scale=scale, size=N_DAYS)):
        value = memory * value + new
        values[day] = value
    return values


def cut(table: pd.DataFrame) -> tuple[ForecastWindows, ForecastWindows]:
    windows = make_windows(
        table,
        window=WINDOW,
        horizon=range(1, HORIZON + 1),
        target="sold",
        group="store",
        time="day",
    )
    day = windows.times.get_level_values("day")
    end = N_DAYS - N_TEST_DAYS
    return windows[np.asarray(day <= end - HORIZON)], windows[np.asarray(day >= end)]


def network(seed: int) -> RNNRegressor:
    return RNNRegressor(
        32,
        loss="absolute_error",
        batch_size=64,
        learning_rate="cosine",
        learning_rate_init=0.01,
        max_iter=30,
        random_state=seed,
    )


def window_mean(test: ForecastWindows) -> pd.Series:
    mean = np.asarray(test.X)[:, :, 0].mean(axis=1)
    return test.on_time_axis(np.repeat(mean[:, np.newaxis], HORIZON, axis=1))


def smoothed(table: pd.DataFrame, test: ForecastWindows) -> pd.Series:
    """Forecast by simple exponential smoothing, whose weight fits each store's past best."""
    levels = {}
    for store, part in table.groupby("store", sort=False):
        values = part["sold"].to_numpy()
        paths = [smoothing(values, weight) for weight in np.linspace(0.02, 1, 50)]
        past = N_DAYS - N_TEST_DAYS
        error = [np.abs(values[1:past] - path[: past - 1]).mean() for path in paths]
        levels[store] = paths[int(np.argmin(error))]
    last = [levels[store][day] for store, day in test.times]
    return test.on_time_axis(np.repeat(np.array(last)[:, np.newaxis], HORIZON, axis=1))


def smoothing(values: np.ndarray, weight: float) -> np.ndarray:
    level, levels = values[0], np.empty(len(values))
    for t, value in enumerate(values):
        level += weight * (value - level)
        levels[t] = level
    return levels


def store_errors(seed: int) -> pd.DataFrame:
    """Return the mean absolute error of every store, by forecast."""
    table = make_stores(seed)
    train, test = cut(table)
    scaled = WindowScaledRegressor(network(seed)).fit(train.X, train.y)
    plain = make_pipeline(SequenceScaler(), network(seed)).fit(train.X, train.y)
    forecasts = {
        "network": forecast(scaled, test),
        "network on one scale": forecast(plain, test),
        "last value": seasonal_naive(test),
        "a week ago": seasonal_naive(test, season=7),
        "mean": window_mean(test),
        "smoothing": smoothed(table, test),
    }
    true = test.on_time_axis(test.y)
    return pd.DataFrame(
        {name: (one - true).abs().groupby("store").mean() for name, one in forecasts.items()}
    ).reindex(table["store"].unique())


def store_rows(seeds: range) -> list[list[str]]:
    """Return a row for each store: its best simple forecasts, and the ratios to their errors."""
    tables = [store_errors(seed) for seed in seeds]
    rows = []
    for store in tables[0].index:
        simple = [table.loc[store].iloc[2:] for table in tables]
        best = [one.min() for one in simple]
        names = ", ".join(sorted({str(one.idxmin()) for one in simple}))
        ratios = np.array(
            [table.loc[store].iloc[:2] / one for table, one in zip(tables, best, strict=True)]
        )
        means, worst = ratios.mean(axis=0), ratios.max(axis=0)
        shown = [
            f"{mean:.2f} (at most {most:.2f})" for mean, most in zip(means, worst, strict=True)
        ]
        rows.append([store, f"{np.mean(best):.3g} ({names})", *shown])
    return rows


def load_rows(seeds: range) -> list[list[str]]:
    rows, found = [], []
    for seed in seeds:
        forecasts, true = _loads.run(seed)
        error = _loads.errors(forecasts, true).loc["all"]
        found.append(error)
        rows.append([str(seed), *(f"{value:.4f}" for value in error)])
    medians = np.median(found, axis=0)
    return [*rows, ["median", *(f"**{value:.4f}**" for value in medians)]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--load-seeds", type=int, default=5)
    parser.add_argument("--store-seeds", type=int, default=3)
    arguments = _measure.parse(parser)
    warnings.simplefilter("ignore", ConvergenceWarning)
    of_loads = _measure.table(
        ["draw", "network", "gradient boosting", "day before", "week before"],
        load_rows(range(arguments.load_seeds)),
    )
    of_stores = _measure.table(
        ["store", "best simple forecast", "network", "network on one scale"],
        store_rows(range(arguments.store_seeds)),
    )
    sections = [
        "## Five hourly loads, 24 hours ahead\n\nMean absolute error in units of each site's mean "
        "load, mean of five sites. Draws 0 and 1 of the loads were used to choose the settings, "
        f"the others were not.\n\n{of_loads}",
        "## Four stores, a week ahead\n\nMean absolute error of the best simple forecast of every "
        "store, and that of one network for all of them, in units of it: with every window on its "
        f"own scale, and with one scale for all stores. {arguments.store_seeds} seeds: mean and "
        f"the worst.\n\n{of_stores}",
    ]
    _measure.publish(arguments, "many_series", "One network for many series", sections, ["pandas"])


if __name__ == "__main__":
    main()
