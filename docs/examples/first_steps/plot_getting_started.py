"""
Getting started: from a CSV to a saved model
============================================

Ten minutes from a raw file to a model that is tuned, looked at, saved and loaded. skrnn and
matplotlib are all that is needed; :doc:`the front page </index>` says how to install them.
"""

import io
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import ConfusionMatrixDisplay
from sklearn.model_selection import GridSearchCV, cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline

import skrnn
from skrnn import RNNClassifier
from skrnn.inspection import diagnose
from skrnn.plotting import LossCurveDisplay
from skrnn.preprocessing import SequenceScaler, from_long

# %%
# The file
# --------
#
# Machines are recorded at every start: current and vibration over 60 to 120 steps, one row a step,
# and afterwards somebody noted how it went. A healthy start has one surge of current; a worn belt
# slips, so that a second surge follows; a stuck valve shakes before the surge. Where in the
# recording any of it happens differs. The file is made up here, as a CSV in memory.


def recording(kind, rng):
    n_steps = rng.integers(60, 121)
    t, at = np.arange(n_steps), rng.uniform(15, n_steps - 25)

    def bump(place, width):
        return np.exp(-0.5 * ((t - place) / width) ** 2)

    current, vibration = bump(at, 3), 0.3 * bump(at, 6)
    if kind == "belt":
        current = current + 0.7 * bump(at + rng.uniform(9, 14), 3)
    if kind == "valve":
        vibration = vibration + 0.8 * bump(at - 8, 2) * np.cos(2 * t)
    noise = rng.normal(scale=0.15, size=(2, n_steps))
    return 20 + 8 * (current + noise[0]), 0.02 + 0.1 * (vibration + noise[1])


rng = np.random.default_rng(0)
kinds = rng.choice(["healthy", "belt", "valve"], size=300)
rows = []
for start, kind in enumerate(kinds):
    current, vibration = recording(kind, rng)
    rows.append(
        pd.DataFrame(
            {
                "start": start,
                "second": np.arange(len(current)) / 10,
                "current": current.round(2),
                "vibration": vibration.round(4),
                "outcome": kind,
            }
        )
    )
csv = io.StringIO(pd.concat(rows).to_csv(index=False))

# %%
# From rows to sequences
# ----------------------
#
# :func:`~skrnn.preprocessing.from_long` gathers the rows of every start: a DataFrame whose cells
# are sequences comes out, with one row per start and one column per channel. Nothing is padded, and
# ``target`` is gathered along, in the same order.

table = pd.read_csv(csv)
X, y = from_long(
    table, id="start", time="second", channels=["current", "vibration"], target="outcome"
)
X.map(lambda cell: f"{len(cell)} steps").head()

# %%
# A first model
# -------------
#
# The estimators are scikit-learn's in every respect, so ``train_test_split``, pipelines and
# cross-validation need no explanation. Channels come in units of their own: scale them first.

X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)
model = make_pipeline(SequenceScaler(), RNNClassifier(random_state=0))
scores = cross_val_score(model, X_train, y_train, cv=3)
print(f"cross-validated accuracy: {scores.mean():.3f}")
model.fit(X_train, y_train)

# %%
# Nothing was set: how the sequences are read, in which batches and for how long to train was
# decided by the data, and is written down.

pd.Series(model[-1].auto_params_, name="decided").to_frame()

# %%
# Is that any good? Gradient boosting on the usual summaries of every channel is what one would try
# without a recurrent network.


def summaries(X):
    statistics = {
        "mean": np.mean, "std": np.std, "min": np.min, "max": np.max, "median": np.median,
        "last": lambda x: x[-1], "at max": np.argmax, "steps": len,
        "rough": lambda x: np.abs(np.diff(x)).mean(),
    }  # fmt: skip
    return pd.DataFrame(
        {(name, s): X[name].map(f) for name in X for s, f in statistics.items()}
    ).to_numpy()


boosting = HistGradientBoostingClassifier(random_state=0).fit(summaries(X_train), y_train)
pd.Series(
    {
        "RNNClassifier, defaults": model.score(X_test, y_test),
        "boosting on summaries": boosting.score(summaries(X_test), y_test),
    },
    name="test accuracy",
).round(3).to_frame()

# %%
# Did it learn as it should?
# --------------------------
#
# :func:`~skrnn.inspection.diagnose` looks for what goes wrong in recurrent networks: a vanishing
# gradient, saturated units, a learning rate that is off, overfitting. It needs what the network
# saw, and what it did not see.

print(diagnose(model, X_train, y_train, X_val=X_test, y_val=y_test))

# %%

LossCurveDisplay.from_estimator(model[-1])
plt.show()

# %%
# Tune
# ----
#
# Every parameter can be searched over, as anywhere in scikit-learn.

search = GridSearchCV(
    model,
    {"rnnclassifier__cell": ["gru", "lru"], "rnnclassifier__hidden_layer_sizes": [16, 64]},
    cv=3,
)
search.fit(X_train, y_train)
pd.DataFrame(search.cv_results_)[["params", "mean_test_score", "mean_fit_time"]].round(3)

# %%

ConfusionMatrixDisplay.from_estimator(search, X_test, y_test, cmap="Blues", colorbar=False)
plt.show()

# %%
# Save, load, predict
# -------------------
#
# :func:`skrnn.save` writes a file that cannot run code when it is loaded, unlike a pickle; joblib
# works as well. A loaded model predicts the same to the bit.

with tempfile.TemporaryDirectory() as folder:
    file = Path(folder) / "starts.safetensors"
    skrnn.save(search.best_estimator_, file)
    loaded = skrnn.load(file)
    print(f"{file.stat().st_size / 1000:.0f} kB")

one = X_test.iloc[[0]]
pd.DataFrame(loaded.predict_proba(one), columns=loaded.classes_, index=one.index).round(3)

# %%
# Where to go from here
# ---------------------
#
# - Your data have another form: :doc:`/guide/lengths`, :doc:`/guide/long_table`,
#   :doc:`/guide/missing_values`, :doc:`/guide/static_features`, :doc:`/guide/forecasting`,
#   :doc:`/guide/step_targets`, :doc:`/guide/tokens`.
# - The network does not learn: :doc:`/guide/diagnose`, :doc:`/guide/choices`,
#   :doc:`/guide/vanishing_gradients`.
# - You want a range, not a number: :doc:`/guide/uncertainty`.
# - The model goes to work: :doc:`/guide/save_and_load`, :doc:`/guide/streaming`,
#   :doc:`/guide/export`.
