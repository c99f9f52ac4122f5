"""
Name the speaker: sequences of different lengths
================================================

Nine speakers utter two Japanese vowels; every utterance is a sequence of 7 to 29 frames of 12
numbers. From a long table with one row per frame to the speaker of an utterance never heard before,
with nothing set but a scaler.
"""

import matplotlib.pyplot as plt
from sklearn.metrics import ConfusionMatrixDisplay
from sklearn.pipeline import make_pipeline

from skrnn import RNNClassifier
from skrnn.datasets import load_japanese_vowels
from skrnn.preprocessing import SequenceScaler, from_long


def utterances(split):
    frames = load_japanese_vowels(split=split).long
    channels = [f"lpc{i}" for i in range(1, 13)]
    return from_long(frames, id="utterance", time="frame", channels=channels, target="speaker")


X_train, y_train = utterances("train")
X_test, y_test = utterances("test")
lengths = X_train["lpc1"].map(len)
print(f"{len(X_train)} utterances of {lengths.min()} to {lengths.max()} frames to learn from")

# %%
# Two utterances of each of two speakers, the first channels: what the network has to go by.

figure, axes = plt.subplots(2, 2, figsize=(8, 4), layout="constrained", sharex=True, sharey=True)
for row, speaker in zip(axes, (1, 2), strict=True):
    for ax, i in zip(row, (y_train == speaker).to_numpy().nonzero()[0][:2], strict=True):
        for j in range(4):
            ax.plot(X_train.iloc[i, j], label=X_train.columns[j])
        ax.set_title(f"speaker {speaker}", fontsize=10)
axes[0, 1].legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0))
figure.supxlabel("frame")
plt.show()

# %%

model = make_pipeline(SequenceScaler(), RNNClassifier(random_state=0)).fit(X_train, y_train)
accuracy = model.score(X_test, y_test)
print(f"accuracy on {len(X_test)} test utterances: {accuracy:.3f}")

# %%
# Who is taken for whom:

figure, ax = plt.subplots(figsize=(5.4, 5), layout="constrained")
ConfusionMatrixDisplay.from_estimator(model, X_test, y_test, ax=ax, cmap="Blues", colorbar=False)
for text in ax.texts:
    text.set_visible(text.get_text() != "0")
ax.set_title(f"{len(y_test)} test utterances, accuracy {accuracy:.3f}")
plt.show()
