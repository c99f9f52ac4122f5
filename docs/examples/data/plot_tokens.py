"""
Sentences: is this one in order?
================================

Sentences from the Python documentation that comes with every Python, each once as it stands and
once with its words shuffled: tell the two apart. The words alone say nothing, since both have the
same. :class:`~skrnn.preprocessing.TokenEncoder` turns words into ids, and the network learns a
vector for each of them.

Logistic regression on counts is the baseline. Counts of words are blind to order. Counts of pairs
are told that neighbours matter, which the network has to learn; **on so few sentences they stay
ahead of it**, and are the better choice.
"""

import re
from pydoc_data.topics import topics

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

from skrnn import RNNClassifier
from skrnn.inspection import input_attributions
from skrnn.preprocessing import TokenEncoder

# %%
# The sentences
# -------------


def sentences():
    """Return the words of every sentence of 5 to 40 words, each sentence once."""
    found = {}
    for _, text in sorted(topics.items()):
        for paragraph in re.split(r"\n\s*\n", text):
            for sentence in re.split(r"(?<=[.!?:])\s+(?=[A-Z])", " ".join(paragraph.split())):
                words = re.findall(r"\w+", sentence.lower())
                if 5 <= len(words) <= 40 and sentence[-1] in ".!?:":
                    found[tuple(words)] = None
    return [list(words) for words in found]


def with_shuffled(in_order, rng):
    """Return all sentences, then all of them shuffled, with their labels."""
    shuffled = [[words[i] for i in rng.permutation(len(words))] for words in in_order]
    return in_order + shuffled, np.repeat(["in order", "shuffled"], len(in_order))


rng = np.random.RandomState(0)
train, test = train_test_split(sentences(), test_size=0.3, random_state=0)
X, y = with_shuffled(train, rng)
X_test, y_test = with_shuffled(test, rng)
print(f"{len(X)} sentences to learn from, {len(X_test)} to be tested on")
print(" ".join(X[0]), "|", " ".join(X[len(train)]))

# %%
# Network and baselines
# ---------------------

network = make_pipeline(
    TokenEncoder(min_frequency=5),
    RNNClassifier(hidden_layer_sizes=32, embedding_dim=32, dropout=0.3, max_iter=6, random_state=0),
)


def runs(n_words):
    """Return what lists all runs of up to so many words."""
    return lambda words: [
        " ".join(words[i : i + n]) for n in range(1, n_words + 1) for i in range(len(words) - n + 1)
    ]


def counts(n_words):
    return make_pipeline(
        TfidfVectorizer(analyzer=runs(n_words)), LogisticRegression(C=10, max_iter=1000)
    )


models = {
    "recurrent network, words embedded": network,
    "counts of words": counts(1),
    "counts of words and pairs": counts(2),
}
pd.Series(
    {name: model.fit(X, y).score(X_test, y_test) for name, model in models.items()},
    name="test accuracy",
).round(3).to_frame()

# %%
# What every word adds
# --------------------
#
# The attributions of a sentence sum to what the network answers for it. In order, most words speak
# for it; shuffled, the words that stand where they cannot speak against it.

sentence = min(test, key=lambda words: abs(len(words) - 12))
pair, labels = with_shuffled([sentence], rng)
attributions = input_attributions(network, pair, target="in order")
figure, axes = plt.subplots(1, 2, figsize=(9, 4.5), layout="constrained", sharex=True)
for ax, words, label, attribution in zip(axes, pair, labels, attributions, strict=True):
    colors = np.where(attribution[:, 0] > 0, "#009E73", "#D55E00")
    ax.barh(np.arange(len(words)), attribution[:, 0], color=colors)
    ax.set_yticks(np.arange(len(words)), words)
    ax.invert_yaxis()
    ax.axvline(0, color="black", linewidth=0.8)
    ax.set(title=label, xlabel='adds to the log odds of "in order"')
    ax.spines[["top", "right", "left"]].set_visible(False)
plt.show()
