"""
Hidden states: what a unit remembers
====================================

The cells carry a state from step to step. Here a network has learnt to say, at every step, whether
more ones than zeros have come so far; one of its units has become a counter. The states are
features for any other estimator, too.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline

from skrnn import RNNClassifier
from skrnn.inspection import hidden_states
from skrnn.plotting import HiddenStateDisplay
from skrnn.preprocessing import HiddenStates

rng = np.random.default_rng(0)
X = rng.integers(0, 2, size=(400, 40, 1)).astype(np.float32)
count = (2 * X[:, :, 0] - 1).cumsum(axis=1)
y = (count > 0).astype(int)
train, test = slice(0, 300), slice(300, None)
clf = RNNClassifier(8, return_sequences=True, max_iter=60, random_state=0).fit(X[train], y[train])
print(f"accuracy over all test steps: {clf.score(X[test], y[test]):.3f}")

# %%

HiddenStateDisplay.from_estimator(clf, X[test], 0)
plt.show()

# %%
# Is there a counter? The correlation of every unit with the true count says so.

states = hidden_states(clf, X[test]).layers[0].h  # (n_samples, n_timesteps, units)
truth = count[test].ravel()
units = states.reshape(-1, 8).T
correlation = pd.Series([np.corrcoef(unit, truth)[0, 1] for unit in units], name="correlation")
correlation.round(2).to_frame().T

# %%
# The counter in one recording
# ----------------------------

unit = int(correlation.abs().argmax())
figure, ax = plt.subplots(figsize=(8, 3), layout="constrained")
ax.step(range(40), count[test][0], where="mid", color="0.4", label="ones less zeros")
twin = ax.twinx()
twin.plot(np.sign(correlation[unit]) * states[0, :, unit], color="#D55E00", label=f"unit {unit}")
ax.set(xlabel="time step", ylabel="ones less zeros")
twin.set_ylabel("state", color="#D55E00")
ax.spines["top"].set_visible(False)
twin.spines["top"].set_visible(False)
twin.spines["right"].set_visible(True)
plt.show()

# %%
# States as features
# ------------------
#
# :class:`~skrnn.preprocessing.HiddenStates` is a transformer: whatever scikit-learn has can stand
# behind a network. A linear model reads the count itself off the states of a network.

network = RNNClassifier(8, max_iter=60, random_state=0)
reader = make_pipeline(HiddenStates(network), Ridge()).fit(X[train], count[train][:, -1])
print(f"R2 of the count: {reader.score(X[test], count[test][:, -1]):.2f}")
