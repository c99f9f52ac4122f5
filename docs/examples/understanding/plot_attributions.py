"""
What does the network look at?
==============================

A trained network is asked which channel matters, and at which steps. The answer is known here: of
four channels, the second decides, by a bump of either sign somewhere in its middle third.
"""

# sphinx_gallery_thumbnail_number = 2
import matplotlib.pyplot as plt
import numpy as np

from skrnn import RNNClassifier
from skrnn.inspection import input_attributions, permutation_importance
from skrnn.plotting import AttributionDisplay

rng = np.random.default_rng(0)
X = rng.normal(scale=0.5, size=(300, 60, 4)).astype(np.float32)
sign = rng.choice([-1, 1], size=300)
for x, s, at in zip(X, sign, rng.integers(20, 36, size=300), strict=True):
    x[at : at + 5, 1] += 2 * s
y = np.where(sign > 0, "up", "down")
train, test = slice(0, 200), slice(200, None)
clf = RNNClassifier(random_state=0).fit(X[train], y[train])
print(f"test accuracy: {clf.score(X[test], y[test]):.2f}")

# %%
# Which channel?
# --------------
#
# One channel after the other is exchanged between the sequences; what accuracy is lost tells what
# the channel is worth.

importance = permutation_importance(clf, X[test], y[test], n_repeats=5, random_state=0)
figure, ax = plt.subplots(figsize=(6, 2.6), layout="constrained")
ax.barh(
    [f"channel {j}" for j in range(4)],
    importance.importances_mean,
    xerr=importance.importances_std,
    color="#0072B2",
)
ax.invert_yaxis()
ax.set(xlabel="accuracy lost")
ax.spines[["top", "right"]].set_visible(False)
plt.show()

# %%
# Which steps?
# ------------
#
# Integrated gradients share the answer for one sequence out among its steps and channels; the
# shares sum to the answer. The bump is where they are.

i = next(i for i in range(200, 300) if y[i] == "up")
AttributionDisplay.from_estimator(clf, X, i, target="up")
plt.show()

# %%
# On average over the test part: how much of all that was shared out fell to each step and channel.

shares = np.abs(input_attributions(clf, X[test], target="up")).mean(axis=0)
figure, ax = plt.subplots(figsize=(8, 2.8), layout="constrained")
for j in range(4):
    ax.plot(shares[:, j], label=f"channel {j}", linewidth=2 if j == 1 else 1)
ax.axvspan(20, 40, color="0.92", zorder=0)
ax.legend(frameon=False)
ax.set(xlabel="time step", ylabel="mean share", title="the bumps lie in the shaded third")
ax.spines[["top", "right"]].set_visible(False)
plt.show()
