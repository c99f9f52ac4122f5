"""
Five loads, one network, the next 24 hours
==========================================

The hourly loads of five sites differ in level, in opening hours, and in how much weather and
promotions move them. One network is fitted to all of them. It halves the error of the better naive
forecast, and errs a little less than gradient boosting on lags.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.pipeline import make_pipeline

from skrnn import RNNRegressor
from skrnn.datasets import make_loads
from skrnn.forecasting import WindowScaledRegressor, forecast, seasonal_naive
from skrnn.plotting import ForecastPathDisplay
from skrnn.preprocessing import SequenceScaler, make_windows

# %%
# Windows of all sites
# --------------------
#
# :func:`~skrnn.preprocessing.make_windows` cuts two days before every hour, with the 24 loads after
# it as targets. The forecast of the weather, the promotions and the calendar are known in advance:
# they run ahead, to the time of the last target. The name of the site becomes a channel of ids.

loads = make_loads(random_state=1)
known = ["temperature", "promotion", "hour_sin", "hour_cos", "weekend"]
windows = make_windows(
    loads.astype(dict.fromkeys(["load", *known], "float32")),
    window=48,
    horizon=range(1, 25),
    target="load",
    channels=["load", "site", *known],
    known=known,
    group="site",
    time="time",
)
origin = windows.times.get_level_values("time")
end = loads["time"].max() - pd.Timedelta(days=36)
train = windows[np.asarray(origin <= end - pd.Timedelta(hours=24))]
test = windows[np.asarray((origin >= end) & (origin.hour == 23))]  # every midnight of 36 days
print(f"{len(train)} windows to train on, {len(test)} to test on, of {windows.X.shape[1]} hours")

# %%
# One network
# -----------
#
# :class:`~skrnn.forecasting.WindowScaledRegressor` scales the loads of every window, and its
# targets along with them, by the window's own level: a small site counts as much as a large one.
# The mean of a load that is never negative is a steadier scale than its spread, which at weekends
# is another one. Inside, the known columns are scaled as usual, the ids not at all.

network = RNNRegressor(
    64,
    embedding_dim={"site": 3},
    loss="absolute_error",
    batch_size=256,
    learning_rate="cosine",
    learning_rate_init=0.01,
    max_iter=15,
    random_state=1,
)
scaler = SequenceScaler(channels=["load", *known])
reg = WindowScaledRegressor(make_pipeline(scaler, network), method="mean")
reg = reg.fit(train.X, train.y)
forecasts = {
    "network": forecast(reg, test),
    "day before": seasonal_naive(test, season=24),
    "week before": seasonal_naive(test, season=168),
}

# %%
# Gradient boosting on lags
# -------------------------
#
# It gets a row for each window and horizon: the loads of the last day, that of the same hour a
# week before, the known columns at the time of the target, the horizon and the site. Loads are
# divided by the mean of their site.

level = train.on_time_axis(train.y).groupby("site").mean()


def lag_features(windows, scale):
    names, X = windows.X.channels, np.asarray(windows.X)
    week = seasonal_naive(windows, season=168).to_numpy().reshape(-1, 24)
    return np.vstack(
        [
            np.column_stack(
                [
                    X[:, -24:, names.index("load")] / scale,
                    X[:, h - 25, [names.index(name) for name in known]],
                    week[:, h - 1 : h] / scale,
                    np.full(len(X), h),
                    X[:, 0, names.index("site")],
                ]
            )
            for h in range(1, 25)
        ]
    )


def scale_of(windows):
    return level[windows.times.get_level_values("site")].to_numpy()[:, np.newaxis]


boosting = HistGradientBoostingRegressor(max_iter=300, random_state=1)
boosting.fit(lag_features(train, scale_of(train)), (train.y / scale_of(train)).T.to_numpy().ravel())
predicted = boosting.predict(lag_features(test, scale_of(test))).reshape(24, -1).T
forecasts["gradient boosting"] = test.on_time_axis(predicted * scale_of(test))

# %%
# Who errs least
# --------------
#
# Mean absolute errors, in units of the mean load of each site.

true = test.on_time_axis(test.y)
errors = pd.DataFrame(
    {name: (one - true).abs().groupby("site").mean() for name, one in forecasts.items()}
).div(true.groupby("site").mean(), axis=0)
errors.loc["all"] = errors.mean()
errors.round(3)

# %%
# The last week of three of the sites: every midnight begins a forecast of its own.

figure, axs = plt.subplots(3, 1, figsize=(9, 7), sharex=True, layout="constrained")
for ax, site in zip(axs, ["mill", "school", "works"], strict=True):
    week = forecasts["network"][site].iloc[-7 * 24 :]
    past = true[site].droplevel("origin").iloc[-9 * 24 :]
    ForecastPathDisplay.from_forecast(week, past, ax=ax)
    ax.set(title=site, ylabel="load")
plt.show()
