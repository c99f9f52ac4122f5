"""
A label for every step: find the heartbeat that comes early
===========================================================

With ``return_sequences=True`` every time step has a target and gets a prediction. Here a pulse runs
at a pace of its own in every recording, and the beats that come too early are to be marked. What is
early depends on the pace, so on beats long past: a window around the step does not tell, unless it
is wide; the network carries the pace along.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import average_precision_score

from skrnn import RNNClassifier
from skrnn.datasets import make_early_beats

# %%
# The recordings
# --------------
#
# A beat is a short bump. One in eight comes at 60 to 75 % of the usual distance to the one before,
# and its steps are labelled: :func:`~skrnn.datasets.make_early_beats`.

X, y = make_early_beats(150, random_state=0)
train, test = slice(0, 100), slice(100, None)
print(f"share of marked steps: {np.mean(np.concatenate(y)):.3f}")

# %%
# The network, and boosting on a window around each step
# ------------------------------------------------------
#
# Both may look ahead as well as back.

network = RNNClassifier(64, return_sequences=True, bidirectional=True, random_state=0)
network.fit(X[train], y[train])


def windows(sequences, reach=40):
    padded = [np.pad(x[:, 0], reach, constant_values=np.nan) for x in sequences]
    views = [np.lib.stride_tricks.sliding_window_view(x, 2 * reach + 1) for x in padded]
    return np.concatenate(views)


boosting = HistGradientBoostingClassifier(random_state=0)
boosting.fit(windows(X[train]), np.concatenate(y[train]))

truth = np.concatenate(y[test])
by_network = np.concatenate([p[:, 1] for p in network.predict_proba(X[test])])
by_boosting = boosting.predict_proba(windows(X[test]))[:, 1]
pd.Series(
    {
        "recurrent network": average_precision_score(truth, by_network),
        "boosting on 81 steps around": average_precision_score(truth, by_boosting),
        "chance": truth.mean(),
    },
    name="average precision",
).round(3).to_frame()

# %%
# One recording of the test part: the probability rises where a beat is early.

i = next(i for i in range(100, 150) if y[i].sum() > 8)
probability = network.predict_proba([X[i]])[0][:, 1]
figure, (top, bottom) = plt.subplots(
    2, figsize=(9, 4), sharex=True, layout="constrained", height_ratios=(3, 1)
)
top.plot(X[i], color="0.3", linewidth=1)
top.fill_between(np.arange(len(X[i])), -0.3, 1.6, where=y[i] == 1, color="#E69F00", alpha=0.4)
top.set(ylabel="signal", title="early beats are shaded")
bottom.plot(probability, color="#0072B2")
bottom.set(xlabel="time step", ylabel="probability", ylim=(0, 1.05))
for ax in (top, bottom):
    ax.spines[["top", "right"]].set_visible(False)
plt.show()
