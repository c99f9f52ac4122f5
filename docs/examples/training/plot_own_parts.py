"""
Parts of your own: a cell and a loss, checked, in a grid search
===============================================================

Doses of a drug are known, minute by minute; the body clears a twentieth of it every minute. What is
to be predicted is the effect at the end, and one measurement in eight of it is wrong: the sensor
had come off. For this we write a loss that stops listening to errors that are too large to be
true, and a cell that forgets slowly, make sure that their gradients are right, and let a search
choose between them and those that skrnn brings along.
"""

from dataclasses import dataclass
from typing import NamedTuple

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from scipy.optimize import approx_fprime
from sklearn.model_selection import GridSearchCV

from skrnn import RNNRegressor
from skrnn.core.activations import TANH
from skrnn.core.cells import Cell
from skrnn.core.cells.base import initial_state, project_inputs
from skrnn.core.initializers import xavier_uniform
from skrnn.core.losses import BaseLoss, mean_over_outputs
from skrnn.core.network import Architecture, Network
from skrnn.core.readouts import READOUTS


def make_doses(n_samples, rng, wrong=0.0):
    """Return the doses of an hour, and the effect at its end."""
    X, level = np.zeros((n_samples, 60, 1)), np.zeros(n_samples)
    for doses in X[:, :, 0]:
        n_doses = rng.integers(1, 6)
        doses[rng.integers(0, 60, n_doses)] = rng.uniform(0.5, 2, n_doses)
    for t in range(60):
        level = 0.95 * level + X[:, t, 0]
    y = level / (1 + level) + rng.normal(0, 0.02, n_samples)
    came_off = rng.random(n_samples) < wrong
    return X, np.where(came_off, rng.uniform(-3, 0, n_samples), y)


rng = np.random.default_rng(0)
X, y = make_doses(200, rng, wrong=1 / 8)
X_test, y_test = make_doses(1000, rng)

# %%
# A loss
# ------
#
# A loss returns its weighted mean and its gradient. The one of Cauchy's distribution grows with the
# logarithm of large errors only, so that an error ten times as large pulls ten times *less*.


@dataclass(frozen=True)
class Cauchy(BaseLoss):
    """log(1 + (error / scale) ** 2) * scale ** 2 / 2."""

    scale: float = 0.1

    def __call__(self, raw_prediction, y, sample_weight):
        error = raw_prediction - y
        ratio = (error / self.scale) ** 2
        losses = self.scale**2 / 2 * np.log1p(ratio)
        return mean_over_outputs(losses, error / (1 + ratio), sample_weight)


# %%
# A cell
# ------
#
# A cell writes the formulas of one step forwards, and the same lines backwards; the loop back
# through time, layers and padding are taken care of around it. The states of this one move only a
# part of the way to where a plain one would jump.
#
# .. math::
#
#     u_t = \tanh(x_t W_x + h_{t-1} W_h + b), \qquad
#     h_t = (1 - \lambda) \, h_{t-1} + \lambda \, u_t


class LeakyCache(NamedTuple):
    """What the way back needs of the way there."""

    x: np.ndarray
    n_active: np.ndarray
    h: np.ndarray
    u: np.ndarray


class Leaky(Cell):
    """A plain cell whose states change slowly."""

    gates = ("u",)
    activated = ("u",)

    def __init__(self, leak=0.5):
        self.leak = leak

    def __repr__(self):
        return f"Leaky({self.leak})"

    def forward(self, x, n_active, weights, state=None):
        a = project_inputs(x, weights["W_x"], weights["b"])
        u = np.zeros_like(a)
        h = np.zeros((len(a) + 1, *a.shape[1:]), dtype=a.dtype)
        h[0] = initial_state(state, 0, like=a)
        for t, n in enumerate(n_active):
            a[t, :n] += h[t, :n] @ weights["W_h"]
            u[t, :n] = self.activation.function(a[t, :n])
            h[t + 1, :n] = (1 - self.leak) * h[t, :n] + self.leak * u[t, :n]
        return h, LeakyCache(x, n_active, h, u)

    def step_back(self, t, n, cache, da, da_h, dh):
        # u_t = activation(x_t W_x + h_{t-1} W_h + b)
        da[:] = self.leak * dh * self.activation.derivative(cache.u[t, :n])
        # h_t = (1 - leak) h_{t-1} + leak u_t
        return ((1 - self.leak) * dh,)


# %%
# Are they right?
# ---------------
#
# Beside it, the same cell with a mistake: its way back forgets that a state is also carried on
# directly. Each gradient is compared, weight by weight, with what the loss does when that weight is
# moved a little.


class Mistaken(Leaky):
    """The same, with a mistake in its gradient."""

    def step_back(self, t, n, cache, da, da_h, dh):
        super().step_back(t, n, cache, da, da_h, dh)
        return (np.zeros_like(dh),)


def gradients(cell, loss):
    """Return the gradient that a network computes, and the one that differences find."""
    rng = np.random.RandomState(0)
    architecture = Architecture(
        cell.with_activation(TANH), n_inputs=2, hidden_sizes=(4, 3), n_outputs=1,
        bidirectional=False, readout=READOUTS["last"],
    )  # fmt: skip
    network = Network.initialize(architecture, rng, xavier_uniform, xavier_uniform)
    n_active = np.array([3, 3, 3, 2, 2, 1])  # three sequences of 6, 5 and 3 steps
    x = rng.normal(size=(6, 3, 2)) * (np.arange(3) < n_active[:, None])[:, :, None]
    y, weight = rng.normal(size=(3, 1)), np.ones(3)

    def loss_and_gradient(vector):
        network.parameters.vector[:] = vector
        return network.loss_and_gradient(x, n_active, y, weight, loss=loss)

    start = network.parameters.vector.copy()
    numeric = approx_fprime(start, lambda vector: loss_and_gradient(vector)[0], 1e-7)
    return loss_and_gradient(start)[1].copy(), numeric


figure, axes = plt.subplots(1, 2, figsize=(9, 3.8), layout="constrained", sharex=True, sharey=True)
for ax, cell in zip(axes, [Leaky(0.5), Mistaken(0.5)], strict=True):
    computed, numeric = gradients(cell, Cauchy(1.0))
    ax.axline((0, 0), slope=1, color="0.7", linewidth=1)
    ax.plot(numeric, computed, "o", alpha=0.7)
    largest = np.abs(computed - numeric).max()
    ax.set(title=type(cell).__name__, xlabel="by differences")
    ax.text(0.05, 0.9, f"largest error {largest:.0e}", transform=ax.transAxes)
axes[0].set(ylabel="computed")
plt.show()

# %%
# Without the check nobody would notice: the mistaken cell trains all the same, only worse.

regressor = RNNRegressor(16, max_iter=40, learning_rate_init=0.01, random_state=0)
X_clean, y_clean = make_doses(200, rng)
pd.Series(
    {
        type(cell).__name__: regressor.set_params(cell=cell)
        .fit(X_clean, y_clean)
        .score(X_test, y_test)
        for cell in (Leaky(0.5), Mistaken(0.5))
    },
    name="R² of clean data",
).to_frame().round(3)

# %%
# The search
# ----------
#
# Objects stand in a grid beside names. Candidates are judged by the median of the absolute errors,
# as one target in eight is wrong in the validation parts, too.

grid = {
    "cell": ["rnn", Leaky(0.5), "gru"],
    "loss": ["squared_error", "huber", Cauchy(0.1)],
}
search = GridSearchCV(regressor, grid, cv=3, scoring="neg_median_absolute_error").fit(X, y)
results = pd.DataFrame(search.cv_results_)
results["error"] = -results["mean_test_score"]
results["cell"], results["loss"] = results["param_cell"].map(str), results["param_loss"].map(str)
table = results.pivot(index="cell", columns="loss", values="error")[map(str, grid["loss"])]

figure, ax = plt.subplots(figsize=(7, 2.8), layout="constrained")
ax.imshow(table, cmap="Blues", aspect="auto")
ax.set_xticks(range(3), table.columns)
ax.set_yticks(range(3), table.index)
ax.spines[:].set_visible(False)
for (i, j), error in np.ndenumerate(table.to_numpy()):
    ax.text(j, i, f"{error:.3f}", ha="center", va="center", color="w" if error > 0.2 else "k")
ax.set(title="Median of the absolute errors, cross-validated")
plt.show()

# %%
# What the wrong measurements cost, on a test part that has none:

best = {
    "chosen": search.best_params_,
    "nothing of our own": {"cell": "gru", "loss": "squared_error"},
}
pd.DataFrame(
    {
        name: {
            "cell": str(parameters["cell"]),
            "loss": str(parameters["loss"]),
            "test R²": round(regressor.set_params(**parameters).fit(X, y).score(X_test, y_test), 3),
        }
        for name, parameters in best.items()
    }
).T
