"""
A range, not a number: quantiles that widen where it is uncertain
=================================================================

The wind at noon is gusty, at night it is calm. A forecast of one number has the same error bar for
both; a network with several quantiles learns how sure it can be, hour by hour.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from skrnn import RNNRegressor
from skrnn.metrics import coverage, interval_score
from skrnn.preprocessing import make_windows

# %%
# The series
# ----------
#
# Half a year of hours: the spread of the wind follows the hour, and the level drifts over days.

rng = np.random.RandomState(0)
time = pd.date_range("2024-01-01", periods=24 * 180, freq="h")
gusty = 0.25 + 1.75 * np.clip(np.sin(2 * np.pi * (time.hour.to_numpy() - 6) / 24), 0, None)
level = np.zeros(len(time))
for t in range(1, len(time)):
    level[t] = 0.98 * level[t - 1] + rng.normal(scale=0.25)
wind = pd.DataFrame(
    {
        "wind": 8 + level + gusty * rng.normal(size=len(time)),
        "hour_sin": np.sin(2 * np.pi * time.hour / 24),
        "hour_cos": np.cos(2 * np.pi * time.hour / 24),
    },
    index=time,
)
windows = make_windows(wind, window=24, horizon=1, target="wind")
n_train, n_conform = 24 * 100, 24 * 40
train, rest = windows[:n_train], windows[n_train:]
conform, test = rest[:n_conform], rest[n_conform:]

# %%
# One network, five quantiles
# ---------------------------
#
# The quantiles cannot cross. Beside it, what a model of one number has: the same range around its
# answer at every hour, from its errors.

levels = [0.05, 0.25, 0.5, 0.75, 0.95]
network = {"hidden_layer_sizes": 16, "early_stopping": True, "random_state": 0}
reg = RNNRegressor(loss="quantile", quantile=levels, **network).fit(train.X, train.y)
quantiles = reg.predict(test.X)

one_number = RNNRegressor(loss="absolute_error", **network).fit(train.X, train.y)
errors = np.quantile(conform.y - one_number.predict(conform.X), [0.05, 0.95])
of_one = one_number.predict(test.X)[:, np.newaxis] + errors

noon = (np.asarray(test.times.hour) >= 10) & (np.asarray(test.times.hour) <= 14)
night = (np.asarray(test.times.hour) >= 20) | (np.asarray(test.times.hour) <= 2)
ranges = {"quantiles": quantiles[:, [0, -1]], "one number ± its errors": of_one}
pd.DataFrame(
    {
        name: {
            "coverage": coverage(test.y, both),
            "coverage at noon": coverage(test.y[noon], both[noon]),
            "coverage at night": coverage(test.y[night], both[night]),
            "interval score (less is better)": interval_score(test.y, both, confidence_level=0.9),
        }
        for name, both in ranges.items()
    }
).round(3)

# %%
# Both were to hold 90 %. The range of one size is right on average, and too narrow at noon, too
# wide at night.

shown = slice(-5 * 24, None)
hours = test.times[shown]
figure, axes = plt.subplots(2, figsize=(9, 5), sharex=True, sharey=True, layout="constrained")
axes[0].fill_between(hours, *quantiles[shown, ::4].T, color="#0072B2", alpha=0.2, label="90 %")
axes[0].fill_between(hours, *quantiles[shown, 1::2].T, color="#0072B2", alpha=0.3, label="50 %")
axes[0].plot(hours, quantiles[shown, 2], color="#0072B2", label="median")
axes[0].set(title="quantiles", ylabel="wind, m/s")
axes[1].fill_between(hours, *of_one[shown].T, color="#D55E00", alpha=0.2, label="90 %")
axes[1].plot(hours, one_number.predict(test.X)[shown], color="#D55E00", label="median")
axes[1].set(title="one number ± its errors", ylabel="wind, m/s")
for ax in axes:
    ax.plot(hours, test.y[shown], ".", color="0.2", markersize=4, label="came")
    ax.legend(frameon=False, ncols=4, loc="upper left", fontsize="small")
    ax.spines[["top", "right"]].set_visible(False)
plt.show()

# %%
# Split conformal prediction
# --------------------------
#
# Whether a network is too sure of itself or, as this one, too careful, shows on data that were set
# aside: how far their targets stick out of the intervals, or stay inside, is the margin by which to
# widen or narrow all of them.

seen = reg.predict_quantiles(conform.X, [0.05, 0.95])
lack = np.maximum(seen[:, 0] - conform.y, conform.y - seen[:, 1])
margin = np.sort(lack)[int(np.ceil((len(lack) + 1) * 0.9)) - 1]
adjusted = quantiles[:, [0, -1]] + [-margin, margin]
print(f"margin: {margin:+.2f} m/s, coverage: {coverage(test.y, adjusted):.3f}")

# %%
# A distribution in place of quantiles, counts, MAPIE and crepes: :doc:`/guide/uncertainty`.
