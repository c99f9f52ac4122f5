"""
One month ahead: the airline passengers
=======================================

144 monthly totals, of which the first two thirds train and the rest tests. So little data is no
place for a large network, and the honest baseline is hard to beat: last month, grown as it grew a
year ago. The network is no more than level with it.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.ensemble import BaggingRegressor
from sklearn.metrics import root_mean_squared_error

from skrnn import RNNRegressor
from skrnn.datasets import load_airline_passengers
from skrnn.preprocessing import make_windows

# %%
# Windows of growth
# -----------------
#
# What is forecast is the growth of the logarithm: it stays in one range while the level rises.
# :func:`~skrnn.preprocessing.make_windows` cuts the twelve months before each month, without a
# copy.

passengers = load_airline_passengers().astype(float)
windows = make_windows(np.log(passengers).diff().dropna(), window=12)
X, y = windows.X[:, :, 0], windows.y
is_test = y.index >= passengers.index[len(passengers) * 2 // 3]
print(f"{np.sum(~is_test)} windows to train on, {np.sum(is_test)} to test on")

# %%
# Twelve steps are short, and little data want a small network: the simple recurrence does here what
# the gated cells do worse. On so little data the seed matters; the mean of several networks depends
# on it less.

network = RNNRegressor(16, cell="rnn", batch_size=8, max_iter=40, learning_rate_init=0.01)
networks = BaggingRegressor(network, n_estimators=8, bootstrap=False, random_state=0)
networks.fit(X[~is_test], y[~is_test])

# %%

test = y.index[is_test]
last_month = passengers.shift(1)[test]
forecasts = pd.DataFrame(
    {
        "recurrent networks": last_month * np.exp(networks.predict(X[is_test])),
        "last month": last_month,
        "last month, grown as last year": last_month
        * passengers.shift(12)[test]
        / passengers.shift(13)[test],
        "same month last year": passengers.shift(12)[test],
    }
)
errors = forecasts.apply(lambda forecast: root_mean_squared_error(passengers[test], forecast))
errors.rename("RMSE, thousands").round(1).to_frame()

# %%

figure, ax = plt.subplots(figsize=(9, 4), layout="constrained")
passengers[-72:].plot(ax=ax, color="black", label="passengers")
forecasts.iloc[:, 0].plot(ax=ax, color="#D55E00", marker="o", markersize=3)
forecasts.iloc[:, 2].plot(ax=ax, color="#0072B2", linestyle="--")
ax.set(ylabel="thousands", xlabel="")
ax.legend(frameon=False)
ax.spines[["top", "right"]].set_visible(False)
plt.show()
