"""Is this sentence in order? Word order, which counts of words cannot see.

Sentences from the Python documentation that comes with every Python (``pydoc_data.topics``), each
once as it stands and once with its words shuffled: tell the two apart. The words alone say nothing,
since both have the same. `TokenEncoder` turns words into ids, and the network learns a vector for
each of them; a grid search chooses the width of the vectors and how rare a word may be.

Logistic regression on counts is the baseline. Counts of words are blind to order. Counts of pairs
are told that neighbours matter, which the network has to learn; on so few sentences they stay
ahead of it.

Run it with ``python docs/examples/plot_tokens.py``; the picture goes to ``docs/examples/output``.
"""

from __future__ import annotations

import re
from pathlib import Path
from pydoc_data.topics import topics

import matplotlib.pyplot as plt
import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, GroupKFold, train_test_split
from sklearn.pipeline import Pipeline, make_pipeline

from skrnn import RNNClassifier
from skrnn.inspection import input_attributions
from skrnn.preprocessing import TokenEncoder

OUTPUT = Path(__file__).parent / "output"
LABELS = np.array(["shuffled", "in order"])


def sentences() -> list[list[str]]:
    """Return the words of every sentence of 5 to 40 words, each sentence once."""
    found: dict[tuple[str, ...], None] = {}
    for _, text in sorted(topics.items()):
        for paragraph in re.split(r"\n\s*\n", text):
            for sentence in re.split(r"(?<=[.!?:])\s+(?=[A-Z])", " ".join(paragraph.split())):
                words = re.findall(r"\w+", sentence.lower())
                if 5 <= len(words) <= 40 and sentence[-1] in ".!?:":
                    found[tuple(words)] = None
    return [list(words) for words in found]


def with_shuffled(
    in_order: list[list[str]], rng: np.random.RandomState
) -> tuple[list[list[str]], np.ndarray]:
    """Return all sentences, then all of them shuffled, with their labels."""
    shuffled = [[words[i] for i in rng.permutation(len(words))] for words in in_order]
    return in_order + shuffled, np.repeat(LABELS[[1, 0]], len(in_order))


def search() -> GridSearchCV:
    """Return the pipeline to fit; a sentence and its shuffled copy stay in one fold."""
    network = RNNClassifier(
        hidden_layer_sizes=32,
        bidirectional=True,
        readout="max",
        dropout=0.3,
        learning_rate="cosine",
        learning_rate_init=0.01,
        max_iter=6,
        random_state=0,
    )
    pipeline = Pipeline([("tokens", TokenEncoder()), ("network", network)])
    grid = {"tokens__min_frequency": [1, 5], "network__embedding_dim": [8, 32]}
    return GridSearchCV(pipeline, grid, cv=GroupKFold(2))


def baseline(n_words: int) -> Pipeline:
    """Return logistic regression on the counts of runs of up to `n_words` words."""
    # The sentences are already lists of words.
    counts = TfidfVectorizer(analyzer=lambda words: runs(words, n_words))
    return make_pipeline(counts, LogisticRegression(C=10, max_iter=1000))


def runs(words: list[str], n_words: int) -> list[str]:
    """Return all runs of up to `n_words` words."""
    return [
        " ".join(words[i : i + n]) for n in range(1, n_words + 1) for i in range(len(words) - n + 1)
    ]


def draw(model: Pipeline, sentence: list[str], rng: np.random.RandomState) -> None:
    """Show what every word of a sentence adds, in order and shuffled."""
    pair, labels = with_shuffled([sentence], rng)
    attributions = input_attributions(model, pair, target="in order")
    figure, axes = plt.subplots(1, 2, figsize=(10, 5), layout="constrained", sharex=True)
    for ax, words, label, attribution in zip(axes, pair, labels, attributions, strict=True):
        steps = np.arange(len(words))
        colors = np.where(attribution[:, 0] > 0, "#009E73", "#D55E00")
        ax.barh(steps, attribution[:, 0], color=colors)
        ax.set_yticks(steps, words)
        ax.invert_yaxis()
        ax.axvline(0, color="black", linewidth=0.8)
        ax.set(title=label, xlabel='adds to the log odds of "in order"')
        ax.spines[["top", "right", "left"]].set_visible(False)
    figure.savefig(OUTPUT / "tokens.png", dpi=150)
    plt.close(figure)


def main() -> None:
    OUTPUT.mkdir(exist_ok=True)
    rng = np.random.RandomState(0)
    train, test = train_test_split(sentences(), test_size=0.3, random_state=0)
    X, y = with_shuffled(train, rng)
    X_test, y_test = with_shuffled(test, rng)
    groups = np.tile(np.arange(len(train)), 2)
    print(f"{len(X)} sentences to learn from, {len(X_test)} to be tested on")

    model = search().fit(X, y, groups=groups)
    print(f"chosen: {model.best_params_}")
    print(f"words known to the encoder: {len(model.best_estimator_['tokens'].vocabulary_)}")
    print("\nTest accuracy:")
    print(f"recurrent network, words embedded  {model.score(X_test, y_test):.3f}")
    for n_words, name in ((1, "counts of words"), (2, "counts of words and pairs")):
        score = baseline(n_words).fit(X, y).score(X_test, y_test)
        print(f"{name:34} {score:.3f}")
    draw(model.best_estimator_, min(test, key=lambda words: abs(len(words) - 12)), rng)


if __name__ == "__main__":
    main()
