"""A fit does not depend on the number of threads, and parallel jobs do not multiply them."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from skrnn import RNNRegressor
from skrnn.core import kernels


@pytest.fixture(params=sorted({kernels.backend(), "numpy"}))
def backend(request):
    before = kernels.backend()
    kernels.use_backend(request.param)
    yield request.param
    kernels.use_backend(before)


def test_fit_is_bitwise_equal_for_any_number_of_threads(backend):
    rng = np.random.RandomState(0)
    X, y = rng.normal(size=(300, 10, 4)), rng.normal(size=300)

    def fit(threads: int) -> np.ndarray:
        with threadpool_limits(threads):
            model = RNNRegressor(128, batch_size=300, random_state=0)
            return model.partial_fit(X, y).network_.parameters.vector

    np.testing.assert_array_equal(fit(1), fit(2))


# Prints how many threads the kernels may use here, and in each of two jobs on `backend`.
JOBS = """
import sys
from joblib import Parallel, delayed
from threadpoolctl import threadpool_limits
from skrnn.core.kernels import n_threads

def n_threads_of_one():
    with threadpool_limits(1):
        return n_threads()

backend, count = sys.argv[1], globals()[sys.argv[2]]
print(n_threads(), *Parallel(n_jobs=2, backend=backend)(delayed(count)() for _ in range(2)))
"""


# joblib gives every process of loky its share, OpenMP cannot start threads after a fork, and
# threads of one process have to be limited from inside.
@pytest.mark.parametrize(
    ("backend", "count"),
    [("loky", "n_threads"), ("multiprocessing", "n_threads"), ("threading", "n_threads_of_one")],
)
def test_parallel_jobs_do_not_multiply_the_threads(backend, count):
    environment = {key: value for key, value in os.environ.items() if "NUM_THREADS" not in key}
    done = subprocess.run(
        [sys.executable, "-P", "-c", JOBS, backend, count],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    here, *jobs = map(int, done.stdout.split())
    assert sum(jobs) <= max(here, 2)


# Prints how many threads a large call gets at first and after each wait of `waits`.
WAITS = """
import time
from skrnn.core.kernels import _kernels

def n_threads():
    return _kernels.threads_for(1e9)

print(n_threads())
for worked, waited in {waits}:
    _kernels.note_wait(worked, waited)
    time.sleep(1e-2)
    print(n_threads())
assert _kernels.n_threads() == 2
"""


@pytest.mark.skipif(kernels.backend() == "numpy", reason="kernels are not compiled")
@pytest.mark.parametrize(
    ("waits", "expected"),
    [
        ([(1.0, 0.9)], [2, 2]),
        ([(0.001, 1000.0)], [2, 1]),
        ([(0.001, 1000.0), (1.0, 0.0)], [2, 1, 1]),
        ([(1e-7, 1e-6)], [2, 2]),
    ],
    ids=["short wait", "long wait", "others do not end it", "over again"],
)
def test_after_a_long_wait_for_another_thread_calls_run_on_one(waits, expected):
    environment = {**os.environ, "OMP_NUM_THREADS": "2"}
    done = subprocess.run(
        [sys.executable, "-P", "-c", WAITS.format(waits=waits)],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    n_threads = [int(line) for line in done.stdout.split()]
    if n_threads[0] == 1:
        pytest.skip("the kernels are built without OpenMP")
    assert n_threads == expected
