r"""
Backpropagation through time by hand
====================================

A network with two states reads four numbers and gives an answer at every step. Its gradient is
worked out below in the plainest NumPy, formula by formula, and every number is compared with that
of :func:`skrnn.inspection.unrolled`. Three facts carry it:

- the total error is the **sum** of the errors at the time steps;
- the error of a step reaches the steps before it through the **product** of the Jacobians between
  them;
- the same weights serve every step, so the gradient is the **sum** of the steps' contributions.
"""

import matplotlib.pyplot as plt
import numpy as np

from skrnn import RNNRegressor
from skrnn.inspection import unrolled
from skrnn.plotting import UnrolledNetworkDisplay


def compare(what, by_hand, by_library):
    """Print the largest difference; stop if there is one."""
    difference = float(np.abs(np.asarray(by_hand) - np.asarray(by_library)).max())
    print(f"{what:46} differs by {difference:.0e}")
    assert difference < 1e-12, what


# %%
# The network and one sequence
# ----------------------------
#
# Four steps of one number each, and a target at every step. ``unrolled`` runs the network forward
# and backward and hands out everything on the way.

X = np.array([[[0.5], [-1.0], [0.8], [0.3]]])
y = np.array([[0.2, -0.4, 0.6, 1.0]])
network = RNNRegressor(2, cell="rnn", return_sequences=True, normalize_y=False, random_state=0)
net = unrolled(network, X, 0, y)
UnrolledNetworkDisplay.from_estimator(network, X, y)
plt.show()

# %%
# Forward
# -------
#
# .. math::
#
#    h_t = \tanh(x_t W_x + h_{t-1} W_h + b), \qquad \hat y_t = h_t W + c

layer, output = net.layers[0].forward, net.output
W_x, W_h, b = (layer.weights[name] for name in ("W_x", "W_h", "b"))
W, c, x, T = output.weights["W"], output.weights["b"], X[0], 4

h = np.zeros((T + 1, 2))
for t in range(T):
    h[t + 1] = np.tanh(x[t] @ W_x + h[t] @ W_h + b)
error = h[1:] @ W + c - y[0][:, None]
compare("states h_t", h, layer.h)

# %%
# The total error is the sum of the errors at the time steps.

losses = 0.5 * error[:, 0] ** 2
compare("errors L_t", losses, net.step_losses)
compare("total error L = sum over t of L_t", losses.sum(), net.loss)

# %%
# Backward
# --------
#
# One step further back costs one Jacobian, :math:`\partial h_t / \partial h_{t-1} = W_h\,
# \mathrm{diag}(1 - h_t^2)`. The error of step t reaches the state of step k through the product of
# those between them.

jacobian = [W_h * (1 - h[t + 1] ** 2) for t in range(T)]
reach = np.zeros((T, T, 2))
for t in range(T):
    gradient = error[t] @ W.T
    for k in range(t, -1, -1):
        reach[t, k] = gradient
        gradient = jacobian[k] @ gradient
compare("dL/dh_k = sum over t >= k of dL_t/dh_k", reach.sum(axis=0), layer.dh[1:])

# %%
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

# %%
# And what a gradient is by definition: the change of the error with a weight.

step, numeric = 1e-6, np.zeros_like(W_h)
for index in np.ndindex(*W_h.shape):
    for sign in (1, -1):
        moved, state = W_h.copy(), np.zeros(2)
        moved[index] += sign * step
        for t in range(T):
            state = np.tanh(x[t] @ W_x + state @ moved + b)
            e = state @ W + c - y[0, t]
            numeric[index] += sign * 0.5 * float(e @ e) / (2 * step)
print(f"against central differences: {np.abs(numeric - layer.gradient['W_h']).max():.0e}")

# %%
# The sums, drawn
# ---------------
#
# Each colour is the error of one step, and how much of it arrives at the states before. The first
# state hears of all four errors, of the last one the least: three Jacobians lie between.

figure, ax = plt.subplots(figsize=(6, 3.6), layout="constrained")
norms, bottom = np.linalg.norm(reach, axis=2), np.zeros(T)
for t in range(T):
    ax.bar(range(T), norms[t], bottom=bottom, color=f"C{t}", label=f"of step {t}")
    bottom += norms[t]
ax.set_xticks(range(T))
ax.set(xlabel="state $h_k$", ylabel=r"$\|\partial L_t / \partial h_k\|$, stacked")
ax.legend(title="error", frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
ax.spines[["top", "right"]].set_visible(False)
plt.show()
