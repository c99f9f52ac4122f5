"""
Gaps: three values in ten are missing
=====================================

Recordings have holes, and time goes by unevenly. The network takes both as they come: what is
missing it estimates from the last value that was seen, and learns how long that is worth anything.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.pipeline import make_pipeline

from skrnn import RNNClassifier
from skrnn.datasets import load_japanese_vowels
from skrnn.preprocessing import SequenceImputer, SequenceScaler, from_long

# %%
# Holes are made
# --------------
#
# Nine speakers, twelve channels, sequences of 7 to 29 steps. Values are taken away in runs of three
# steps on average, of every channel by itself, in training and test part alike.

X, y = load_japanese_vowels(split="train", return_X_y=True)
X_test, y_test = load_japanese_vowels(split="test", return_X_y=True)
rng = np.random.RandomState(0)


def with_gaps(cell, share):
    """Take about so many values away, in runs."""
    ends = rng.uniform(size=len(cell)) < 1 / 3
    run = np.concatenate([[0], np.cumsum(ends)[:-1]])
    return np.where((rng.uniform(size=len(cell)) < share)[run], np.nan, cell)


# %%
# Three ways
# ----------
#
# The estimator's own, with nothing to be set; the same behind an imputer that interpolates; and
# behind one that puts the mean of the channel into every hole.

ways = {
    "as they are": make_pipeline(SequenceScaler(), RNNClassifier(random_state=0)),
    "interpolated": make_pipeline(
        SequenceScaler(), SequenceImputer("interpolate"), RNNClassifier(random_state=0)
    ),
    "filled with the mean": make_pipeline(
        SequenceScaler(), SequenceImputer("mean"), RNNClassifier(random_state=0)
    ),
}
accuracy = {}
for share in (0.0, 0.3, 0.6):
    train = X.map(with_gaps, share=share)
    test = X_test.map(with_gaps, share=share)
    accuracy[f"{share:.0%} missing"] = {
        name: model.fit(train, y).score(test, y_test) for name, model in ways.items()
    }
pd.DataFrame(accuracy).T.round(3)

# %%
# The estimator's own way does best here, the mean worst. **No way is the best on all data**:
# :doc:`the benchmark </benchmarks/results/missing_values>` has four sets, three shares and two
# kinds of gaps. An imputer is a step of the pipeline, so that a search can choose it.
#
# What was learnt
# ---------------
#
# Between two values the estimate drifts from the last one to the mean of the channel, at a rate of
# the channel's own: what is left of the last value after so many steps.

network = ways["as they are"][-1].network_
w, b = network.parameters["decay.w"], network.parameters["decay.b"]
steps = np.arange(1, 13)
figure, ax = plt.subplots(figsize=(8, 3.4), layout="constrained")
for j, color in enumerate(plt.colormaps["Blues"](np.linspace(1, 0.3, len(w)))):
    left = np.exp(-np.maximum(0, w[j] * steps + b[j]))
    ax.plot(steps, left, color=color, label=f"{j + 1}")
ax.set(xlabel="steps since the last value", ylabel="weight of it", ylim=(0, 1.05))
ax.legend(title="channel", frameon=False, fontsize="x-small", bbox_to_anchor=(1, 1))
ax.spines[["top", "right"]].set_visible(False)
plt.show()

# %%
# Uneven time
# -----------
#
# A patient is seen when there is reason to. ``freq`` lays the visits on days; days without one are
# gaps like any other.

day = np.sort(rng.choice(40, size=14, replace=False))
visits = pd.DataFrame(
    {
        "patient": "a",
        "seen": pd.Timestamp("2024-05-01") + pd.to_timedelta(day, "D"),
        "pulse": 70 + 10 * np.sin(day / 6) + rng.normal(scale=1.5, size=14),
    }
)
by_visit = from_long(visits, id="patient", time="seen").loc["a", "pulse"]
by_day = from_long(visits, id="patient", time="seen", freq="1D").loc["a", "pulse"]
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 2.8), sharey=True, layout="constrained")
left.plot(by_visit, "o-", color="#D55E00")
left.set(xlabel="visit", ylabel="pulse", title="a step for every visit")
right.plot(by_day, "o", color="#0072B2")
right.vlines(np.flatnonzero(np.isnan(by_day)), 55, 57, color="0.6")
right.set(xlabel="day", title='freq="1D": gaps are marked below')
for ax in (left, right):
    ax.spines[["top", "right"]].set_visible(False)
plt.show()
