"""Backpropagation through time by hand, against the library's numbers.

A network with two states reads four numbers and gives an answer at every step. Its gradient is
worked out below in the plainest NumPy, formula by formula; every number is then compared with
that of `skrnn.inspection.unrolled`:

- the total error is the sum of the errors at the time steps;
- the error of a step reaches the steps before it through the product of the Jacobians between them;
- the same weights serve every step, so the gradient is the sum of the steps' contributions.

Run it with ``python docs/examples/plot_bptt_by_hand.py``; the picture goes to
``docs/examples/output``.
"""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from skrnn import RNNRegressor
from skrnn.inspection import unrolled
from skrnn.plotting import COLOURS, UnrolledNetworkDisplay

OUTPUT = Path(__file__).parent / "output"


def compare(what: str, by_hand: np.ndarray, by_library: np.ndarray) -> None:
    """Print the largest difference; stop if there is one."""
    difference = float(np.abs(np.asarray(by_hand) - np.asarray(by_library)).max())
    print(f"{what:58} differs by {difference:.0e}")
    assert difference < 1e-12, what


def main() -> None:
    OUTPUT.mkdir(exist_ok=True)
    X = np.array([[[0.5], [-1.0], [0.8], [0.3]]])
    y = np.array([[0.2, -0.4, 0.6, 1.0]])
    network = RNNRegressor(2, cell="rnn", return_sequences=True, normalize_y=False, random_state=0)
    net = unrolled(network, X, 0, y)
    layer, output = net.layers[0].forward, net.output
    W_x, W_h, b = (layer.weights[name] for name in ("W_x", "W_h", "b"))
    W, x, T = output.weights["W"], X[0], 4

    # Forward: h_t = tanh(x_t W_x + h_{t-1} W_h + b), y_hat_t = h_t W + b
    h = np.zeros((T + 1, 2))
    for t in range(T):
        h[t + 1] = np.tanh(x[t] @ W_x + h[t] @ W_h + b)
    error = h[1:] @ W + output.weights["b"] - y[0][:, None]
    compare("states h_t", h, layer.h)

    # The total error is the sum of the errors at the time steps.
    losses = 0.5 * error[:, 0] ** 2
    compare("errors L_t", losses, net.step_losses)
    compare("total error L = sum over t of L_t", losses.sum(), net.loss)

    # Jacobian of a step: W_h diag(1 - h_t^2); its entry (k, j) is dh_t[j] / dh_{t-1}[k].
    jacobian = [W_h * (1 - h[t + 1] ** 2) for t in range(T)]

    # The error of step t reaches the state of step k <= t through the Jacobians between them.
    reach = np.zeros((T, T, 2))
    for t in range(T):
        gradient = error[t] @ W.T
        for k in range(t, -1, -1):
            reach[t, k] = gradient
            gradient = jacobian[k] @ gradient
    compare("dL/dh_k = sum over t >= k of dL_t/dh_k", reach.sum(axis=0), layer.dh[1:])

    # Every step adds its share to the gradients of the weights that all steps have in common.
    da = reach.sum(axis=0) * (1 - h[1:] ** 2)
    shares = {
        "W_x": np.einsum("ti,tj->tij", x, da),
        "W_h": np.einsum("ti,tj->tij", h[:-1], da),
        "b": da,
    }
    for name, share in shares.items():
        compare(f"contribution of every step to dL/d{name}", share, layer.contributions[name])
        compare(f"dL/d{name} = their sum", share.sum(axis=0), layer.gradient[name])

    # And what a gradient is by definition: the change of the error with a weight.
    step, numeric = 1e-6, np.zeros_like(W_h)
    for index in np.ndindex(*W_h.shape):
        for sign in (1, -1):
            moved, state = W_h.copy(), np.zeros(2)
            moved[index] += sign * step
            for t in range(T):
                state = np.tanh(x[t] @ W_x + state @ moved + b)
                e = state @ W + output.weights["b"] - y[0, t]
                numeric[index] += sign * 0.5 * float(e @ e) / (2 * step)
    print(
        "dL/dW_h against central differences: "
        f"differs by {np.abs(numeric - layer.gradient['W_h']).max():.0e}"
    )

    figure, axes = plt.subplots(1, 2, figsize=(11, 4), layout="constrained", width_ratios=(3, 2))
    UnrolledNetworkDisplay.from_estimator(network, X, y, ax=axes[0])
    norms = np.linalg.norm(reach, axis=2)
    bottom = np.zeros(T)
    for t in range(T):
        axes[1].bar(range(T), norms[t], bottom=bottom, color=COLOURS[t], label=f"of step {t}")
        bottom += norms[t]
    axes[1].set_xticks(range(T))
    axes[1].set(xlabel="state $h_k$", ylabel=r"$\|\partial L_t / \partial h_k\|$, stacked")
    axes[1].legend(title="error", frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    axes[1].spines[["top", "right"]].set_visible(False)
    figure.savefig(OUTPUT / "bptt_by_hand.png", dpi=150)


if __name__ == "__main__":
    main()
