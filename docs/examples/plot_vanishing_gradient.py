"""The vanishing gradient, seen and overcome.

The adding problem asks for the sum of two marked values in a sequence of 60 steps: the first one
has to be remembered. Five networks face it, from the worst of old habits to the LSTM. The first
picture shows how much of the error's gradient is left, going back in time, before and after
training; the second shows how well each network learnt.

Run it with ``python docs/examples/plot_vanishing_gradient.py``; the pictures go to
``docs/examples/output``.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from skrnn import RNNRegressor
from skrnn.datasets import make_adding_problem
from skrnn.inspection import gradient_flow
from skrnn.plotting import GradientFlowDisplay, LossCurveDisplay

OUTPUT = Path(__file__).parent / "output"

TRAINING = {
    "hidden_layer_sizes": 32,
    "learning_rate_init": 3e-3,
    "batch_size": 50,
    "max_iter": 60,
    "random_state": 0,
}
SMALL = {"init": "normal", "recurrent_init": "normal"}
NETWORKS = {
    "sigmoid, small normal": RNNRegressor(cell="rnn", activation="logistic", **SMALL, **TRAINING),
    "tanh, Xavier": RNNRegressor(cell="rnn", recurrent_init="xavier_uniform", **TRAINING),
    "relu, identity": RNNRegressor(
        cell="rnn", activation="relu", recurrent_init="identity", **TRAINING
    ),
    "GRU": RNNRegressor(cell="gru", **TRAINING),
    "LSTM": RNNRegressor(cell="lstm", **TRAINING),
}


def trained(network: RNNRegressor, X: np.ndarray, y: np.ndarray) -> RNNRegressor:
    """Return a fitted copy; that training ends at `max_iter` is intended."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return clone(network).fit(X, y)


def main() -> None:
    OUTPUT.mkdir(exist_ok=True)
    X, y = make_adding_problem(1000, n_timesteps=60, random_state=0)
    X_test, y_test = make_adding_problem(500, n_timesteps=60, random_state=1)
    X, X_test = X.astype(np.float32), X_test.astype(np.float32)
    some = slice(0, 100)

    fitted = {name: trained(network, X, y) for name, network in NETWORKS.items()}
    print(f"{'network':22} {'horizon before':>14} {'after':>6} {'factor':>7} {'test R2':>8}")
    for name, network in NETWORKS.items():
        before = gradient_flow(network, X[some], y[some], n_jacobian_samples=0)
        after = gradient_flow(fitted[name], X[some], y[some], n_jacobian_samples=0)
        score = fitted[name].score(X_test, y_test)
        print(
            f"{name:22} {before.horizon[0]:14.0f} {after.horizon[0]:6.0f} "
            f"{after.factor[0]:7.2f} {score:8.2f}"
        )

    figure, axes = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained", sharey=True)
    for ax, networks, title in zip(
        axes, (NETWORKS, fitted), ("before training", "after training"), strict=True
    ):
        GradientFlowDisplay.from_estimator(networks, X[some], y[some], ax=ax)
        ax.set_title(title)
        ax.get_legend().remove()
    axes[1].set_ylabel("")
    axes[1].legend(list(NETWORKS), frameon=False, loc="center right", handlelength=4)
    axes[0].set_ylim(1e-9, 30)
    figure.savefig(OUTPUT / "vanishing_gradient.png", dpi=150)

    display = LossCurveDisplay.from_estimator(fitted)
    display.ax_.axhline(0.5, color="0.35", linewidth=0.8)
    display.ax_.annotate(
        "always the mean", (60, 0.5), xytext=(0, 3), textcoords="offset points", ha="right"
    )
    display.figure_.savefig(OUTPUT / "vanishing_gradient_loss.png", dpi=150)


if __name__ == "__main__":
    main()
