"""
Shapley values: who brought what to this answer?
================================================

An estimator answers with a probability. Shapley values share it out among the channels and windows
of time, compared with what is usual; they ask the estimator, whatever it is, and do not look into
it. The right answer is known here: what counts is the force in the fourth fifth of a recording.
That in the second fifth is as large, and says nothing.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.pipeline import make_pipeline

from skrnn import RNNClassifier
from skrnn.inspection import shapley_values
from skrnn.preprocessing import SequenceScaler

rng = np.random.default_rng(0)
names = ["speed", "force", "heat"]
y = np.where(np.arange(400) % 2, "worn", "sound")
recordings = [rng.normal(size=(length, 3)) for length in rng.integers(20, 50, size=400)]
for x, label in zip(recordings, y, strict=True):
    second, third, fourth, fifth = (len(x) * k // 5 for k in (1, 2, 3, 4))
    x[second:third, 1] += rng.choice([-2, 2])
    x[fourth:fifth, 1] += 2 if label == "worn" else -2
X = pd.DataFrame({name: [x[:, j] for x in recordings] for j, name in enumerate(names)})
model = make_pipeline(SequenceScaler(), RNNClassifier(16, random_state=0))
model.fit(X[:360], y[:360])
print(f"test accuracy: {model.score(X[360:], y[360:]):.2f}")

# %%
# Over all recordings
# -------------------
#
# Every recording is cut into five windows, whatever its length: with three channels there are 15
# players. The background is what stands in for a player who does not take part.

result = shapley_values(
    model, X[360:], background=X[:10], n_windows=5, n_permutations=8, random_state=0
)
worn = result.outputs.index("worn")
importance = np.abs(result.values[..., worn]).mean(axis=0)
figure, ax = plt.subplots(figsize=(7, 2.6), layout="constrained")
image = ax.imshow(importance.T, cmap="Blues", aspect="auto")
ax.set_xticks(range(5), [f"fifth {i + 1}" for i in range(5)])
ax.set_yticks(range(3), names)
figure.colorbar(image, label="mean share of the\nprobability of “worn”")
plt.show()

# %%
# One recording
# -------------
#
# From the base value, the mean over the background, to the answer for this recording: the shares
# sum to the difference.

i = int(np.flatnonzero(y[360:] == "worn")[0])
shares = result.values[i, ..., worn]
order = np.argsort(-np.abs(shares), axis=None)[:6]
largest = shares.ravel()[order]
players = [f"{names[j % 3]}, fifth {j // 3 + 1}" for j in order]
rest = shares.sum() - largest.sum()
parts = pd.Series([*largest, rest], index=[*players, "all others"])
base = result.base_values[i, worn]
starts = base + np.concatenate([[0], parts.cumsum().to_numpy()[:-1]])
figure, ax = plt.subplots(figsize=(8, 3.4), layout="constrained")
ax.barh(parts.index, parts, left=starts, color=np.where(parts > 0, "#009E73", "#D55E00"))
ax.axvline(base, color="0.5", linestyle="--", linewidth=1)
ax.axvline(base + parts.sum(), color="black", linewidth=1)
ax.invert_yaxis()
ax.set_xlim(base - 0.03, base + parts.sum() + 0.03)
ax.set(xlabel="probability of “worn”: from the usual (dashed) to this recording's")
ax.spines[["top", "right"]].set_visible(False)
plt.show()
print(f"{base:.3f} + {parts.sum():.3f} = {model.predict_proba(X.iloc[[360 + i]])[0, worn]:.3f}")

# %%
# Quicker, and of the network itself: :func:`~skrnn.inspection.input_attributions`.
# :doc:`/guide/explain` says which of them answers which question.
