"""Search and prediction give the same in threads, in processes and on a Dask cluster."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from joblib import Parallel, delayed, parallel_config
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline

from skrnn import RNNClassifier
from skrnn.core import kernels
from skrnn.datasets import load_japanese_vowels
from skrnn.preprocessing import SequenceScaler, from_long

pytest.importorskip("distributed")

from distributed import Client, LocalCluster


@pytest.fixture(scope="module")
def vowels():
    """54 utterances as a frame of sequences, from the long table; and their speakers."""
    frames = load_japanese_vowels(split="train").long
    frames = frames[frames["utterance"] % 5 == 0]
    X = from_long(frames, id="utterance", time="frame", channels=[f"lpc{i}" for i in range(1, 13)])
    return X, frames.groupby("utterance", sort=False)["speaker"].first()


@pytest.fixture(scope="module")
def cluster():
    """Two worker processes, reachable on this machine alone, with Dask's own environment."""
    options = {
        "n_workers": 2,
        "threads_per_worker": 1,
        "host": "127.0.0.1",
        "dashboard_address": None,
        # Without a dashboard too the scheduler answers HTTP: here, on any free port.
        "scheduler_kwargs": {"dashboard_address": "127.0.0.1:0"},
    }
    with pytest.MonkeyPatch.context() as environment:
        environment.delenv("OMP_NUM_THREADS", raising=False)
        cluster = LocalCluster(processes=True, **options)
    with cluster, Client(cluster) as client:
        yield client


@pytest.fixture(scope="module")
def fitted(vowels):
    return _pipeline().fit(*vowels)


def _pipeline() -> Pipeline:
    rnn = RNNClassifier(8, learning_rate="cosine", max_iter=8, random_state=0)
    return Pipeline([("scale", SequenceScaler()), ("rnn", rnn)])


def _search(X, y, n_jobs: int | None) -> GridSearchCV:
    grid = {"rnn__cell": ["rnn", "gru"], "rnn__batch_size": [10, 20]}
    return GridSearchCV(_pipeline(), grid, cv=2, n_jobs=n_jobs).fit(X, y)


@pytest.fixture(scope="module")
def search_here(vowels):
    return _search(*vowels, n_jobs=1)


def _assert_same_search(search: GridSearchCV, expected: GridSearchCV, X: pd.DataFrame) -> None:
    assert search.best_params_ == expected.best_params_
    for key in expected.cv_results_:
        if key.endswith("_test_score"):
            np.testing.assert_array_equal(search.cv_results_[key], expected.cv_results_[key])
    weights, expected_weights = (
        s.best_estimator_["rnn"].network_.parameters.vector for s in (search, expected)
    )
    np.testing.assert_array_equal(weights, expected_weights)
    np.testing.assert_array_equal(search.predict_proba(X), expected.predict_proba(X))


def test_search_in_two_processes_is_bitwise_the_same(vowels, search_here):
    _assert_same_search(_search(*vowels, n_jobs=2), search_here, vowels[0])


def test_search_on_dask_is_bitwise_the_same(vowels, search_here, cluster):
    with parallel_config("dask"):
        _assert_same_search(_search(*vowels, n_jobs=-1), search_here, vowels[0])


def test_workers_of_dask_compute_on_one_thread(cluster):
    assert list(cluster.run(kernels.n_threads).values()) == [1, 1]


def test_predict_over_blocks_of_a_dask_array(cluster, rng):
    da = pytest.importorskip("dask.array")
    X = rng.normal(size=(30, 6, 2))
    model = RNNClassifier(4, random_state=0).partial_fit(X, X[:, 0, 0] > 0, classes=[False, True])
    blocks = da.from_array(X, chunks=(8, -1, -1))
    labels = da.map_blocks(model.predict, blocks, drop_axis=[1, 2], dtype=bool, meta=X[:0, 0, 0])
    proba = da.map_blocks(
        model.predict_proba, blocks, drop_axis=2, chunks=(blocks.chunks[0], 2), meta=X[:0, 0]
    )
    np.testing.assert_array_equal(labels.compute(), model.predict(X))
    # Without kernels, the BLAS may round a smaller block otherwise.
    tolerance = 1e-12 if kernels.backend() == "numpy" else 0
    np.testing.assert_allclose(proba.compute(), model.predict_proba(X), rtol=tolerance)
    assert proba.shape == (30, 2)


def test_predict_over_partitions_of_a_dask_bag(cluster, ragged):
    bag = pytest.importorskip("dask.bag")
    X, y = ragged
    model = RNNClassifier(4, random_state=0).partial_fit(X, y, classes=[0, 1])
    predicted = bag.from_sequence(X, npartitions=5).map_partitions(model.predict).compute()
    np.testing.assert_array_equal(predicted, model.predict(X))


@pytest.mark.filterwarnings("ignore:The inplace keyword:DeprecationWarning")  # Dask's own call
def test_predict_over_partitions_of_a_dask_dataframe(cluster, vowels, fitted, tmp_path):
    dd = pytest.importorskip("dask.dataframe")
    X, _ = vowels
    for i, part in enumerate(np.array_split(np.arange(len(X)), 3)):
        X.iloc[part].to_parquet(tmp_path / f"part{i}.parquet")

    def predict(part: pd.DataFrame) -> pd.Series:
        return pd.Series(fitted.predict(part), index=part.index, name="speaker")

    frame = dd.read_parquet(tmp_path, dtype_backend="pyarrow")
    predicted = frame.map_partitions(predict, meta=("speaker", "int64")).compute()
    assert predicted.index.tolist() == X.index.tolist()
    np.testing.assert_array_equal(predicted, fitted.predict(X))


def test_predict_in_threads_shares_one_model(vowels, fitted):
    X, _ = vowels
    parts = [X.iloc[i::4] for i in range(4)]
    predict = delayed(fitted.predict_proba)
    proba = Parallel(n_jobs=2, prefer="threads")(predict(part) for part in parts)
    one_by_one = [fitted.predict_proba(part) for part in parts]
    np.testing.assert_array_equal(np.concatenate(proba), np.concatenate(one_by_one))
