"""
Watch a fit: stop it, resume it, look at what it learns
=======================================================

Callbacks are called at the beginning and at the end of every epoch. One of our own watches how well
each of nine speakers is known while a network learns to tell them apart, one of skrnn's stops the
fit by a score of our choice, and another makes a fit survive the end of its process.
"""

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.metrics import recall_score
from sklearn.model_selection import train_test_split

from skrnn import RNNClassifier
from skrnn.callbacks import Callback, Checkpoint, EarlyStopping
from skrnn.datasets import load_japanese_vowels

X, y = load_japanese_vowels(split="train", return_X_y=True)
X_test, y_test = load_japanese_vowels(split="test", return_X_y=True)
X_train, X_val, y_train, y_val = train_test_split(X, y, stratify=y, test_size=0.4, random_state=0)

# %%
# A callback of our own
# ---------------------
#
# A hook that names ``fitted_estimator`` gets a copy of the model as if the fit had ended there;
# what no hook names is not computed. ``metadata`` holds the validation set that came to ``fit``.


class RecallOfEveryClass(Callback):
    """Writes down the share of every class that is found, after every epoch."""

    def __init__(self):
        self.recalls = []

    def on_fit_task_end(self, estimator, context, *, metadata=None, fitted_estimator=None):
        if context.task_name == "epoch":
            y_pred = fitted_estimator.predict(metadata["X_val"])
            recalls = recall_score(metadata["y_val"], y_pred, average=None, zero_division=0)
            self.recalls.append(recalls)


watched = RecallOfEveryClass()
stop = EarlyStopping(scoring="balanced_accuracy", patience=20)
model = RNNClassifier(
    16, learning_rate="constant", learning_rate_init=0.002, max_iter=200, tol=0, random_state=0
)
model.set_callbacks(watched, stop).fit(X_train, y_train, X_val=X_val, y_val=y_val)
print(f"{model.n_iter_} epochs, the best was number {stop.best_epoch_}")
print(f"test accuracy {model.score(X_test, y_test):.3f}")

# %%
# Some speakers are known at once, others only when the rest is settled. The weights that are kept
# are those of the dashed line.

recalls = np.transpose(watched.recalls)
epochs = np.arange(1, model.n_iter_ + 1)
order = np.argsort(recalls.mean(axis=1))
figure, (above, below) = plt.subplots(
    2, figsize=(9, 5), sharex=True, layout="constrained", height_ratios=(3, 2)
)
image = above.pcolormesh(epochs, np.arange(9), recalls[order], cmap="Blues", vmin=0, vmax=1)
above.set_yticks(np.arange(9), model.classes_[order])
above.set(ylabel="speaker", title="Share of a speaker's utterances that are recognised")
figure.colorbar(image, ax=above)
below.plot(epochs, model.loss_curve_, color="#0072B2", label="training loss")
below.plot(epochs, model.validation_loss_curve_, color="#009E73", label="validation loss")
below.set(xlabel="epoch", yscale="log")
below.legend()
for ax in (above, below):
    ax.axvline(stop.best_epoch_, color="#D55E00", linestyle="--")
plt.show()

# %%
# A fit that is killed
# --------------------
#
# ``Checkpoint`` saves the fit after every so many epochs. Here another callback pulls the plug
# in the eleventh; the same call finds the file, goes on where it was saved, and ends with the same
# numbers as a fit that nobody disturbed, to the bit.


class PowerCut(Callback):
    """Ends the process, or nearly so."""

    def on_fit_task_begin(self, estimator, context):
        if context.task_name == "epoch" and context.task_id == 11:
            raise RuntimeError("power cut")


settings = {"hidden_layer_sizes": 16, "max_iter": 30, "random_state": 0}
undisturbed = RNNClassifier(**settings).fit(X_train, y_train)
with tempfile.TemporaryDirectory() as folder:
    checkpoint = Checkpoint(Path(folder, "fit.checkpoint"), every=5)
    resumed = RNNClassifier(**settings).set_callbacks(checkpoint, PowerCut())
    try:
        resumed.fit(X_train, y_train)
    except RuntimeError as error:
        print(error)
    resumed.set_callbacks(checkpoint).fit(X_train, y_train)

same = resumed.predict_proba(X_test) == undisturbed.predict_proba(X_test)
pd.Series({"epochs": resumed.n_iter_, "equal predictions": f"{np.all(same, axis=1).mean():.0%}"})
