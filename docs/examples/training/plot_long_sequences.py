"""
Long sequences: what frames, direction and read-out do
======================================================

A pattern of 20 steps lies somewhere in 400 steps of noise, and tells the class. A recurrence that
reads step by step and answers from its last state has to carry the pattern over hundreds of steps;
its gradient has to come all the way back. The defaults do not try: they read the sequence in frames
of several steps, in both directions, and keep the largest value of every unit over time.
"""

import time

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from skrnn import RNNClassifier

# %%
# Data
# ----


def make_patterns(n_samples, rng):
    X = rng.normal(scale=0.5, size=(n_samples, 400, 1))
    y = rng.choice(["rise", "fall", "none"], size=n_samples)
    ramp = np.linspace(-1.5, 1.5, 20)
    for x, label in zip(X, y, strict=True):
        start = rng.integers(0, 380)
        if label != "none":
            x[start : start + 20, 0] += ramp if label == "rise" else -ramp
    return X.astype(np.float32), y


rng = np.random.default_rng(0)
X, y = make_patterns(300, rng)
X_test, y_test = make_patterns(500, rng)

# %%
# From the plainest network to the defaults
# -----------------------------------------
#
# One thing changes at a time; all have the same number of epochs.

plain = {
    "frame_length": 1, "bidirectional": False, "readout": "last", "differences": False,
    "max_iter": 32, "random_state": 0,
}  # fmt: skip
networks = {
    "step by step, last state": RNNClassifier(**plain),
    "largest value over time": RNNClassifier(**{**plain, "readout": "max"}),
    "both directions": RNNClassifier(**{**plain, "readout": "max", "bidirectional": True}),
    "the defaults": RNNClassifier(max_iter=32, random_state=0),
}
rows = []
for name, network in networks.items():
    start = time.perf_counter()
    network.fit(X, y)
    seconds = time.perf_counter() - start
    rows.append({"network": name, "accuracy": network.score(X_test, y_test), "seconds": seconds})
table = pd.DataFrame(rows).set_index("network")
table.round(2)

# %%
# What was decided, and for which reason, stands in the documentation of the parameters.

pd.Series(networks["the defaults"].auto_params_, name="decided").to_frame()

# %%

figure, ax = plt.subplots(figsize=(7, 3.2), layout="constrained")
ax.scatter(table["seconds"], table["accuracy"], color="#0072B2", zorder=3)
for name, row in table.iterrows():
    ax.annotate(name, row[["seconds", "accuracy"]], xytext=(6, 6), textcoords="offset points")
ax.axhline(1 / 3, color="0.5", linewidth=0.8, linestyle="--")
ax.set(xlabel="seconds to fit", ylabel="test accuracy", ylim=(0.25, 1.08))
ax.set_xlim(0, table["seconds"].max() * 1.35)
ax.spines[["top", "right"]].set_visible(False)
plt.show()
