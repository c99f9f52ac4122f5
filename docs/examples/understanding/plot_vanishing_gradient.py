"""
The vanishing gradient, seen and overcome
=========================================

The adding problem asks for the sum of two marked values in a sequence of 60 steps: the first one
has to be remembered. Five networks face it, from the worst of old habits to the LSTM:

========================  ============================================================
network                   remedy
========================  ============================================================
sigmoid, small normal     none
tanh, Xavier              a proper initialization
ReLU, identity            an activation that does not saturate, and one that starts as
                          a plain memory
GRU, LSTM                 gates that decide what is kept
========================  ============================================================
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from skrnn import RNNRegressor
from skrnn.core.training import NotLearntWarning
from skrnn.datasets import make_adding_problem
from skrnn.inspection import gradient_flow
from skrnn.plotting import GradientFlowDisplay, LossCurveDisplay

TRAINING = {
    "hidden_layer_sizes": 32,
    "learning_rate": "constant",
    "learning_rate_init": 3e-3,
    "batch_size": 50,
    "max_iter": 60,
    "n_iter_no_change": np.inf,
    "random_state": 0,
}
SMALL = {"init": "normal", "recurrent_init": "normal"}
networks = {
    "sigmoid, small normal": RNNRegressor(cell="rnn", activation="logistic", **SMALL, **TRAINING),
    "tanh, Xavier": RNNRegressor(cell="rnn", recurrent_init="xavier_uniform", **TRAINING),
    "relu, identity": RNNRegressor(
        cell="rnn", activation="relu", recurrent_init="identity", **TRAINING
    ),
    "GRU": RNNRegressor(cell="gru", **TRAINING),
    "LSTM": RNNRegressor(cell="lstm", **TRAINING),
}

# %%
# Train all five on the same data, for the same number of steps. That some of them learn nothing is
# the point; the warnings that say so are left out here.

X, y = make_adding_problem(1000, n_timesteps=60, random_state=0)
X_test, y_test = make_adding_problem(500, n_timesteps=60, random_state=1)
X, X_test = X.astype(np.float32), X_test.astype(np.float32)
fitted = {}
for name, network in networks.items():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", NotLearntWarning)
        fitted[name] = clone(network).fit(X, y)

# %%
# How far back does the error reach?
# ----------------------------------
#
# :func:`skrnn.inspection.gradient_flow` measures how much of the error's gradient is left at every
# step, going back in time. The horizon is the number of steps over which one per cent of it is
# left; the factor is what a step leaves of it.

some = slice(0, 100)
rows = []
for name, network in networks.items():
    before = gradient_flow(network, X[some], y[some], n_jacobian_samples=0)
    after = gradient_flow(fitted[name], X[some], y[some], n_jacobian_samples=0)
    rows.append(
        {
            "network": name,
            "horizon before": before.horizon[0],
            "horizon after": after.horizon[0],
            "factor": round(float(after.factor[0]), 2),
            "test R2": round(fitted[name].score(X_test, y_test), 2),
        }
    )
pd.DataFrame(rows).set_index("network")

# %%
# The gradient falls on a straight line in the logarithm, as a product of Jacobians must; the slope
# is what the remedies change.

figure, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained", sharey=True)
for ax, shown, title in zip(
    axes, (networks, fitted), ("before training", "after training"), strict=True
):
    GradientFlowDisplay.from_estimator(shown, X[some], y[some], ax=ax)
    ax.set_title(title)
    ax.get_legend().remove()
axes[1].set_ylabel("")
axes[1].legend(list(networks), frameon=False, loc="center right", handlelength=4)
axes[0].set_ylim(1e-9, 30)
plt.show()

# %%
# What it means for learning
# --------------------------
#
# A network whose gradient does not reach back stays at the loss of always answering with the mean.

display = LossCurveDisplay.from_estimator(fitted)
display.ax_.axhline(0.5, color="0.35", linewidth=0.8)
display.ax_.annotate(
    "always the mean", (60, 0.5), xytext=(0, 3), textcoords="offset points", ha="right"
)
plt.show()
