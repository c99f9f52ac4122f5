"""
Diagnose a broken network, and mend it by the report
====================================================

Everything is wrong at once: raw inputs of size 1000, sigmoid units, a learning rate a hundred times
too high, hardly any epochs. In every round the network is fitted and
:func:`skrnn.inspection.diagnose` looks at it; then the first remedy of its report is applied as it
stands, until nothing is wrong. The score is that on utterances of the speakers that took no part
in it.
"""

import warnings

import matplotlib.pyplot as plt

from skrnn import RNNClassifier
from skrnn.datasets import load_japanese_vowels
from skrnn.inspection import diagnose
from skrnn.plotting import LossCurveDisplay

# %%
# The vowels as an instrument might deliver them: in large units, off zero.


def load(split):
    X, y = load_japanese_vowels(split=split, return_X_y=True, as_frame=False)
    return [2000 * x + 3000 for x in X], y


X, y = load("train")
X_test, y_test = load("test")

# %%
# Fit, diagnose, apply the first remedy, and again.

estimator = RNNClassifier(
    hidden_layer_sizes=32,
    cell="rnn",
    activation="logistic",
    learning_rate_init=1.0,
    batch_size=50,
    max_iter=10,
    random_state=0,
)
rounds = []
while len(rounds) < 8:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the report will say it all, and better
        estimator.fit(X, y)
    report = diagnose(estimator, X, y)
    rounds.append((estimator, report))
    if report.healthy:
        break
    estimator = report[0].apply(estimator)

# %%
# What the first report says:

print(rounds[0][1])

# %%
# From round to round
# -------------------

scores = [estimator.score(X_test, y_test) for estimator, _ in rounds]
names = ["nothing is wrong" if report.healthy else report[0].name for _, report in rounds]

figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
bars = left.barh([f"{k}. {name}" for k, name in enumerate(names, start=1)], scores, height=0.6)
for bar, (_, report) in zip(bars, rounds, strict=True):
    bar.set_color("#009E73" if report.healthy else "#D55E00")
left.bar_label(bars, fmt="{:.2f}", padding=3)
left.invert_yaxis()
left.set(xlim=(0, 1.15), xlabel="test accuracy", title="first finding of every round")
left.spines[["top", "right"]].set_visible(False)
by_round = {f"round {k}": estimator for k, (estimator, _) in enumerate(rounds, start=1)}
LossCurveDisplay.from_estimator(by_round, ax=right)
right.legend(frameon=False)
plt.show()

# %%
# What the last one needed, next to what was asked for at first:

estimator
