"""Show what every default that the data decide is worth: one thing changed at a time.

    pip install -e ".[bench]"
    python docs/benchmarks/ablations.py --results docs/benchmarks/results

Fits the classifier with nothing set, and then with each of `CHANGES`, to the sets of the table of
accuracies (`_data_sets.py`) named in `NAMES`: short and long, smooth and noisy, few samples and
many. A row is one change; its figures are means over the sets, each the median of its seeds.
"""

from __future__ import annotations

import argparse
import time
import warnings
from typing import Any

import _data_sets
import _measure
import numpy as np
from _methods import score, skrnn_model, together
from threadpoolctl import threadpool_limits

NAMES = [
    "Japanese vowels",
    "ItalyPowerDemand",
    "digits by rows",
    "BasicMotions",
    "GunPoint",
    "cylinder-bell-funnel",
    "control charts",
    "shapelets",
    "contours",
    "sensors",
    "ArrowHead",
    "Trace",
    "OSULeaf",
]
CHANGES: dict[str, dict[str, Any]] = {
    "nothing": {},
    "no frames": {"frame_length": 1},
    "plain frames of 8": {"frame_length": 8},
    "frames not shifted": {"frame_shift": False},
    "no differences": {"differences": False},
    "differences everywhere": {"differences": True},
    "forwards only": {"bidirectional": False},
    "read-out: last": {"readout": "last"},
    "read-out: mean": {"readout": "mean"},
    "read-out: attention": {"readout": "attention"},
    "read-out: last, mean, max": {"readout": ("last", "mean", "max")},
    "LSTM": {"cell": "lstm"},
    "tanh RNN": {"cell": "rnn"},
    "ReLU RNN": {"cell": "rnn", "activation": "relu", "recurrent_init": "identity"},
    "32 units": {"hidden_layer_sizes": 32},
    "two layers": {"hidden_layer_sizes": (64, 64)},
    "dropout of .2": {"dropout": 0.2},
    "AdamW, alpha .1": {"optimizer": "adamw", "alpha": 0.1},
    "constant rate": {"learning_rate": "constant", "n_iter_no_change": np.inf},
    "batches of 32": {"batch_size": 32},
    "early stopping": {"early_stopping": True},
}


def fit_and_score(data: Any, seed: int, parameters: dict[str, Any]) -> tuple[float, float]:
    """Return the score on the test part and the processor time of the fit."""
    model = skrnn_model(data, seed, **parameters)
    X, X_test = together(data.X_train), together(data.X_test)
    start = time.process_time()
    with warnings.catch_warnings():
        # Some changes learn nothing, which is what the table shows; small sets make one batch.
        warnings.simplefilter("ignore")
        model.fit(X, data.y_train)
    seconds = time.process_time() - start
    return score(data, model.predict(X_test)), seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sets", nargs="+", default=NAMES, choices=_data_sets.SETS)
    parser.add_argument("--seeds", type=int, default=3)
    _measure.add_results(parser)
    args = parser.parse_args()
    sets = {name: _data_sets.load(name) for name in args.sets}
    # changes x sets: medians of the seeds
    scores, seconds = np.empty((2, len(CHANGES), len(sets)))
    with threadpool_limits(1):
        for i, (change, parameters) in enumerate(CHANGES.items()):
            for j, data in enumerate(sets.values()):
                runs = [fit_and_score(data, seed, parameters) for seed in range(args.seeds)]
                scores[i, j], seconds[i, j] = np.median(runs, axis=0)
            print(f"{change}: {scores[i].mean():.3f}", flush=True)
    ratios = np.exp(np.log(seconds / seconds[0]).mean(axis=1))
    header = ["change", "mean accuracy", "difference", "worst set", "time"]
    rows = []
    for change, own, ratio in zip(CHANGES, scores, ratios, strict=True):
        lost = own - scores[0]
        worst = f"{lost.min():+.3f} {args.sets[int(lost.argmin())]}" if lost.min() < 0 else "-"
        rows.append([change, f"{own.mean():.3f}", f"{lost.mean():+.3f}", worst, f"{ratio:.2f}x"])
    sections = [
        f"Means over {len(sets)} sets ({', '.join(sets)}), medians of {args.seeds} seeds.",
        _measure.table(header, rows),
    ]
    _measure.publish(args, "ablations", "What the defaults are worth", sections)


if __name__ == "__main__":
    main()
