"""Test accuracy on the Japanese vowels over seeds, of the network that the demonstration chooses.

The choice is made by the grid search of ``docs/examples/plot_demo.py`` on the training part, as
there; the seed then changes initial weights, batches and nothing else. Run from the repository's
root::

    python docs/benchmarks/japanese_vowels_seeds.py
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from joblib import Parallel, delayed
from sklearn.base import clone

sys.path.insert(0, str(Path(__file__).parents[1] / "examples"))
from plot_demo import search_speaker_model, utterances

N_SEEDS = 5


def test_accuracy(model, seed: int) -> float:
    model = clone(model).set_params(rnn__random_state=seed)
    return model.fit(*utterances("train")).score(*utterances("test"))


def main() -> None:
    search = search_speaker_model(*utterances("train"))
    print("Chosen:", search.best_params_)
    jobs = (delayed(test_accuracy)(search.best_estimator_, seed) for seed in range(N_SEEDS))
    scores = Parallel(n_jobs=2)(jobs)
    print("Test accuracy by seed:", " ".join(f"{score:.4f}" for score in scores))
    print(f"Median of {N_SEEDS} seeds: {np.median(scores):.4f}")


if __name__ == "__main__":
    main()
