"""What is promised to be equal is equal to the bit, in threads, in parts, with any BLAS."""

from __future__ import annotations

import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import numpy as np
import pytest
from joblib import Parallel, delayed
from threadpoolctl import threadpool_info, threadpool_limits

from skrnn import RNNClassifier, RNNRegressor
from skrnn.core import kernels
from skrnn.estimators._blas import one_blas_thread

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore::skrnn.core.training.NotLearntWarning"),
]
compiled = pytest.mark.skipif(kernels.backend() == "numpy", reason="the BLAS decides on NumPy")

# Wide enough for OpenBLAS to use several threads, and other sums with each number of them.
WIDE = {"hidden_layer_sizes": 131, "max_iter": 1, "batch_size": 128, "random_state": 0}
NETWORKS = [
    {},
    {"cell": "lstm", "readout": "mean"},
    {"readout": ("attention", "max"), "bidirectional": True},
    {"frame_length": 4, "frame_stride": 2, "frame_units": 90},
]


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    X = [rng.normal(size=(length, 3)) for length in rng.integers(1, 13, size=200)]
    return X, np.arange(200) % 50


def digest(X, y, **parameters) -> str:
    model = RNNClassifier(**{**WIDE, **parameters}).fit(X, y)
    numbers = (model.network_.parameters.vector, model.predict_proba(X))
    return hashlib.sha256(b"".join(part.tobytes() for part in numbers)).hexdigest()


def blas_threads() -> list[int]:
    return sorted(lib["num_threads"] for lib in threadpool_info() if lib["user_api"] == "blas")


@contextmanager
def limits(n_threads: int):
    """Give the BLAS so many threads for as long as the context lasts."""
    with threadpool_limits(n_threads, user_api="blas"):
        yield


@compiled
@pytest.mark.parametrize("parameters", NETWORKS, ids=str)
def test_the_blas_has_no_part_in_weights_and_probabilities(parameters, data):
    digests = set()
    for n_threads in (1, 2, 4):
        with limits(n_threads):
            digests.add(digest(*data, **parameters))
    assert len(digests) == 1


@compiled
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("parameters", NETWORKS, ids=str)
def test_the_probabilities_of_a_row_do_not_depend_on_its_batch(parameters, dtype, data):
    X = [x.astype(dtype) for x in data[0]]
    model = RNNClassifier(**{**WIDE, **parameters}).fit(X, data[1])
    whole = model.predict_proba(X)
    for size, n in ((1, 20), (7, 100), (512, 200)):
        parts = [model.predict_proba(X[i : min(n, i + size)]) for i in range(0, n, size)]
        np.testing.assert_array_equal(np.concatenate(parts), whole[:n])


@pytest.mark.parametrize("parameters", [{}, {"optimizer": "lbfgs", "max_iter": 3}], ids=str)
def test_fits_beside_each_other_are_the_fit_alone(parameters, data):
    with limits(2):
        expected = digest(*data, **parameters)
        with ThreadPoolExecutor(4) as pool:
            digests = list(pool.map(lambda _: digest(*data, **parameters), range(8)))
    assert set(digests) == {expected}


@compiled
def test_fits_in_threads_of_joblib_are_the_fit_alone(data):
    with limits(2):
        in_threads = Parallel(2, backend="threading")(delayed(digest)(*data) for _ in range(4))
    assert set(in_threads) == {digest(*data)}


def test_fits_that_overlap_leave_no_limit_behind(data):
    with limits(2):
        before = blas_threads()
        with ThreadPoolExecutor(3) as pool:
            options = [{"optimizer": "lbfgs"}, {}, {"activation": "relu"}] * 2
            list(pool.map(lambda own: digest(*data, **own), options))
        assert blas_threads() == before


def test_the_limit_lasts_as_long_as_the_last_holder():
    left, may_leave = threading.Event(), threading.Event()

    def hold():
        with one_blas_thread():
            left.set()
            may_leave.wait(10)

    with limits(2):
        before = blas_threads()
        other = threading.Thread(target=hold)
        with one_blas_thread():
            other.start()
            left.wait(10)
        assert set(blas_threads()) == {1}
        may_leave.set()
        other.join()
        assert blas_threads() == before


def test_the_limit_is_lifted_by_an_error():
    with limits(2):
        before = blas_threads()
        with pytest.raises(KeyError), one_blas_thread():
            raise KeyError
        assert blas_threads() == before


@compiled
def test_a_compiled_fit_touches_no_setting(data, monkeypatch):
    monkeypatch.setattr("skrnn.estimators._blas._limit.take", lambda: pytest.fail("limited"))
    RNNRegressor(**WIDE).fit(data[0], data[1]).predict(data[0])


@compiled
def test_threads_that_fit_share_the_cores(data):
    with threadpool_limits(4, user_api="openmp"):
        alone = kernels.n_threads()
        inside = threading.Barrier(2)

        def count(_):
            with threadpool_limits(4, user_api="openmp"), kernels.cores_shared:
                inside.wait(10)
                n = kernels.n_threads()
                inside.wait(10)
                return n

        with ThreadPoolExecutor(2) as pool:
            shares = list(pool.map(count, range(2)))
        assert shares == [max(1, alone // 2)] * 2
        assert kernels.n_threads() == alone
