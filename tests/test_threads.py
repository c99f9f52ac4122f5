"""A fit does not depend on the number of threads, to the last bit."""

from __future__ import annotations

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
