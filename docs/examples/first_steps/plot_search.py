"""
Search over cell, activation, init and optimizer
================================================

What goes into a recurrent network is what scikit-learn calls a hyperparameter: ``GridSearchCV``
finds the best of twelve networks by cross-validation on the training part, and the test part is
looked at once.
"""

import matplotlib.pyplot as plt
import pandas as pd
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import Pipeline

from skrnn import RNNClassifier
from skrnn.datasets import load_japanese_vowels
from skrnn.preprocessing import SequenceScaler

X, y = load_japanese_vowels(split="train", return_X_y=True)
X_test, y_test = load_japanese_vowels(split="test", return_X_y=True)

# %%
# Two grids, since ``activation`` is worth asking for with the simple recurrence alone: the gates of
# LSTM and GRU are always logistic.

pipeline = Pipeline(
    [
        ("scale", SequenceScaler()),
        ("rnn", RNNClassifier(32, max_iter=30, batch_size=30, random_state=0)),
    ]
)
grid = [
    {
        "rnn__cell": ["rnn"],
        "rnn__activation": ["tanh", "relu"],
        "rnn__init": ["xavier_uniform", "he_uniform"],
        "rnn__optimizer": ["adam", "rmsprop"],
    },
    {"rnn__cell": ["lstm", "gru"], "rnn__optimizer": ["adam", "rmsprop"]},
]
folds = StratifiedKFold(3, shuffle=True, random_state=0)
search = GridSearchCV(pipeline, grid, cv=folds, n_jobs=2).fit(X, y)
print(f"chosen: {search.best_params_}")
print(f"test accuracy: {search.score(X_test, y_test):.3f}")

# %%
# All twelve, best first.

results = pd.DataFrame(search.cv_results_).sort_values("rank_test_score")
table = results.filter(like="param_rnn__").fillna("–")
table.columns = table.columns.str.removeprefix("param_rnn__")
table = table.assign(
    accuracy=results["mean_test_score"], std=results["std_test_score"], s=results["mean_fit_time"]
)
table.round(3).reset_index(drop=True)

# %%

figure, ax = plt.subplots(figsize=(7, 4), layout="constrained")
names = [" ".join(str(v) for v in row if v != "–") for row in table.iloc[:, :4].to_numpy()]
colors = {"rnn": "#0072B2", "lstm": "#D55E00", "gru": "#009E73"}
ax.barh(
    names, table["accuracy"], xerr=table["std"], height=0.6,
    color=[colors[cell] for cell in table["cell"]],
)  # fmt: skip
ax.invert_yaxis()
ax.set(xlim=(0.8, 1), xlabel="cross-validated accuracy, standard deviation over folds")
ax.spines[["top", "right"]].set_visible(False)
plt.show()
