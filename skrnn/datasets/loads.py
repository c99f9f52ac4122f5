"""Hourly loads of related sites, which differ in level and habits and share the weather."""

from __future__ import annotations

from numbers import Integral

import numpy as np
import pandas as pd
from sklearn.utils import check_random_state, check_scalar

from skrnn._typing import Seed

__all__ = ["LEVELS", "make_loads"]

LEVELS = {"mill": 400.0, "office": 120.0, "school": 80.0, "shop": 160.0, "works": 250.0}


def make_loads(n_days: int = 200, *, random_state: Seed = None) -> pd.DataFrame:
    r"""Make the hourly loads of five sites, for forecasts of many series.

    With the hour `t` of the day and the place `k` of the site, its load is

    .. math::
        level_k \, \bigl( 0.35 + busy_k(t) \, workday_k \, (1 + gain_k \, promotion)
        + heat(temperature) \, (0.4 + 0.6 \, busy_k(t)) \bigr) \, e^{wander}

    where `busy` are the opening hours, `workday` is below 1 at weekends, `heat` is
    ``0.03 * max(14 - temperature, 0) + 0.05 * max(temperature - 22, 0)``, and `wander` is made of
    an economy that all sites share, which remembers days, a part of the site's own, which
    remembers hours, and noise of 1.5 %.

    Parameters
    ----------
    n_days : int, default=200
        Days of 24 hours, >= 6, from the first of January.
    random_state : int, RandomState instance or None, default=None
        Source of the random numbers; an int gives the same data on every call.

    Returns
    -------
    DataFrame of 5 * 24 * n_days rows
        A row for each site and hour, with the columns `site` and `time`, the target `load`, and
        what is known in advance: `temperature` in degrees Celsius, `promotion` (0 or 1), the hour
        as `hour_sin` and `hour_cos`, and `weekend` (0 or 1).

    Raises
    ------
    ValueError, TypeError
        If `n_days` is out of its interval or no integer.

    Examples
    --------
    >>> from skrnn.datasets import make_loads
    >>> loads = make_loads(random_state=0)
    >>> loads.shape
    (24000, 8)
    >>> loads["site"].unique().tolist()
    ['mill', 'office', 'school', 'shop', 'works']
    """
    check_scalar(n_days, "n_days", Integral, min_val=6)
    rng = check_random_state(random_state)
    time = pd.date_range("2024-01-01", periods=24 * n_days, freq="h")
    year = 10 - 10 * np.cos(2 * np.pi * np.arange(len(time)) / (24 * 365))
    hour = time.hour.to_numpy()
    weather = year + 4 * np.sin(2 * np.pi * (hour - 9) / 24) + _wander(len(time), 0.99, 0.5, rng)
    economy = _wander(len(time), 0.98, 0.006, rng)
    table = pd.concat(
        [_site(k, site, time, weather, economy, rng) for k, site in enumerate(LEVELS)],
        ignore_index=True,
    )
    angle = 2 * np.pi * table["time"].dt.hour / 24
    table["hour_sin"], table["hour_cos"] = np.sin(angle), np.cos(angle)
    table["weekend"] = (table["time"].dt.day_of_week >= 5).astype(float)
    return table


def _site(
    k: int,
    site: str,
    time: pd.DatetimeIndex,
    weather: np.ndarray,
    economy: np.ndarray,
    rng: np.random.RandomState,
) -> pd.DataFrame:
    """The rows of one site, which has opening hours and habits of its own."""
    n, hour = len(time), time.hour.to_numpy()
    temperature = weather + rng.normal() + _wander(n, 0.9, 0.3, rng)
    busy = 1 / (1 + np.exp(6.0 + k % 3 - hour)) / (1 + np.exp(hour - 17.0 - k))
    workday = np.where(time.day_of_week >= 5, 0.35 + 0.12 * k, 1.0)
    n_days = n // 24
    promotion = np.zeros(n_days)
    for start in rng.choice(n_days - 5, size=n_days // 20, replace=False):
        promotion[start : start + 3] = 1
    promotion = np.repeat(promotion, 24)
    heat = 0.03 * np.maximum(14 - temperature, 0) + 0.05 * np.maximum(temperature - 22, 0)
    load = 0.35 + busy * workday * (1 + (0.2 + 0.1 * (k % 3)) * promotion)
    load += heat * (0.4 + 0.6 * busy)
    own = _wander(n, 0.95, 0.008, rng) + rng.normal(scale=0.015, size=n)
    return pd.DataFrame(
        {
            "site": site,
            "time": time,
            "load": LEVELS[site] * load * np.exp(economy * (0.7 + 0.15 * k) + own),
            "temperature": temperature,
            "promotion": promotion,
        }
    )


def _wander(n: int, memory: float, scale: float, rng: np.random.RandomState) -> np.ndarray:
    """Noise of which every value is a part of the one before, and something new."""
    new, values = rng.normal(scale=scale, size=n).tolist(), np.empty(n)
    value = 0.0
    for i in range(n):
        value = memory * value + new[i]
        values[i] = value
    return values
