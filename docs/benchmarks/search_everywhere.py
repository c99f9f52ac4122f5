"""The same grid search in one process, in several, on Dask and on Ray: equal bit for bit.

A grid over cell and init of a pipeline on the ragged Japanese vowels, gathered from their long
table. For every way it prints a digest of the scores of all folds, one of the weights of the
winning network, one of its predictions, and its test accuracy. The exit status is 1 if they
differ. Needs the extra ``ecosystem``, and includes Ray if it is installed. Run from the
repository's root::

    python docs/benchmarks/search_everywhere.py
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from importlib.util import find_spec

import numpy as np
import pandas as pd
from joblib import parallel_config
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline

from skrnn import RNNClassifier
from skrnn.datasets import load_japanese_vowels
from skrnn.preprocessing import SequenceScaler, from_long

GRID = {"rnn__cell": ["rnn", "gru", "lstm"], "rnn__init": ["xavier_uniform", "he_uniform"]}


def utterances(split: str) -> tuple[pd.DataFrame, pd.Series]:
    """One row per utterance, whose cells are sequences, and its speaker."""
    frames = load_japanese_vowels(split=split).long
    channels = [f"lpc{i}" for i in range(1, 13)]
    X = from_long(frames, id="utterance", time="frame", channels=channels)
    return X, frames.groupby("utterance", sort=False)["speaker"].first()


def search(X: pd.DataFrame, y: pd.Series, n_jobs: int, max_iter: int = 30) -> GridSearchCV:
    """Search over `GRID`; the cosine schedule ends after `max_iter` epochs as planned."""
    rnn = RNNClassifier(learning_rate="cosine", max_iter=max_iter, random_state=0)
    pipeline = Pipeline([("scale", SequenceScaler()), ("rnn", rnn)])
    return GridSearchCV(pipeline, GRID, cv=3, n_jobs=n_jobs).fit(X, y)


def outcome(search: GridSearchCV, X: pd.DataFrame) -> dict[str, np.ndarray]:
    """What must not depend on where the search ran."""
    splits = sorted(key for key in search.cv_results_ if key.startswith("split"))
    return {
        "scores": np.stack([search.cv_results_[key] for key in splits]),
        "weights": search.best_estimator_["rnn"].network_.parameters.vector,
        "predictions": search.predict_proba(X),
    }


def digest(array: np.ndarray) -> str:
    """The first digits of the SHA-256 of all bytes of `array`."""
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()[:12]


@contextmanager
def dask() -> Iterator[None]:
    """Let joblib run its tasks in two worker processes of a Dask cluster on this machine."""
    from distributed import Client, LocalCluster

    options = {
        "n_workers": 2,
        "threads_per_worker": 1,
        "host": "127.0.0.1",
        "dashboard_address": None,
        # Even without a dashboard the scheduler answers HTTP: here, on any free port.
        "scheduler_kwargs": {"dashboard_address": "127.0.0.1:0"},
    }
    with (
        LocalCluster(processes=True, **options) as cluster,
        Client(cluster),
        parallel_config("dask"),
    ):
        yield


@contextmanager
def ray() -> Iterator[None]:
    """Let joblib run its tasks in two workers of Ray on this machine."""
    import ray
    from ray.util.joblib import register_ray

    register_ray()
    with (
        ray.init(num_cpus=2, include_dashboard=False, _node_ip_address="127.0.0.1"),
        parallel_config("ray"),
    ):
        yield


WAYS = {"n_jobs=1": (nullcontext, 1), "n_jobs=2": (nullcontext, 2), "dask": (dask, -1)}
if find_spec("ray"):
    WAYS["ray"] = (ray, -1)


def main() -> None:
    X, y = utterances("train")
    X_test, y_test = utterances("test")
    rows = {}
    for way, (context, n_jobs) in WAYS.items():
        with context():
            found = search(X, y, n_jobs)
        digests = {name: digest(array) for name, array in outcome(found, X_test).items()}
        rows[way] = digests | {
            "best": " ".join(map(str, found.best_params_.values())),
            "test accuracy": f"{found.score(X_test, y_test):.4f}",
        }
    table = pd.DataFrame(rows).T
    print(table.to_string())
    sys.exit(0 if len(table.drop_duplicates()) == 1 else "The ways differ.")


if __name__ == "__main__":
    main()
