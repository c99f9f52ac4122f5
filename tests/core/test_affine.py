"""Affine maps, their gradients and sums over time, by the kernels and by NumPy."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from affine_cases import (
    assert_affine_twins_agree,
    make_affine_case,
    random_affine_case,
    run_affine,
)
from threadpoolctl import threadpool_limits

from skrnn.core import kernels
from skrnn.core.affine import add_over_time, affine
from skrnn.core.initializers import orthonormalize

COMPILED = kernels.backends()[:-1]
each_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64])


@pytest.fixture(params=kernels.backends())
def backend(request: pytest.FixtureRequest) -> Iterator[str]:
    """Run the test on one back end."""
    before = kernels.backend()
    kernels.use_backend(request.param)
    yield request.param
    kernels.use_backend(before)


@pytest.fixture(params=COMPILED or [pytest.param("", marks=pytest.mark.skip("no compiler"))])
def compiled(request: pytest.FixtureRequest) -> Iterator[str]:
    """Run the test on one instruction set."""
    before = kernels.backend()
    kernels.use_backend(request.param)
    yield request.param
    kernels.use_backend(before)


@pytest.mark.parametrize("seed", range(40))
def test_both_twins_agree_on_a_random_map(seed, compiled):
    assert_affine_twins_agree(random_affine_case(np.random.default_rng(seed)))


@each_dtype
@pytest.mark.parametrize("width", [1, 4, 8, 9, 16, 17, 31, 32, 33, 64])
def test_both_twins_agree_at_every_width(width, dtype, compiled, rng):
    assert_affine_twins_agree(make_affine_case(rng, (300, width), width, dtype))


@pytest.mark.parametrize("option", ["transposed", "overlapping", "sample_major"])
def test_both_twins_agree_with(option, compiled, rng):
    assert_affine_twins_agree(make_affine_case(rng, (7, 40, 12), 20, **{option: True}))


@each_dtype
def test_the_kernel_runs(dtype, compiled, rng, monkeypatch):
    case = make_affine_case(rng, (3, 4, 5), 2, dtype)
    monkeypatch.setattr(np, "matmul", lambda *args: pytest.fail("the NumPy lines ran"))
    run_affine(case)


@each_dtype
def test_a_row_does_not_depend_on_the_rows_beside_it(dtype, compiled, rng):
    case = make_affine_case(rng, (211, 37), 21, dtype)
    whole = affine(case.x, case.W, case.b)
    for first, stop in [(0, 1), (1, 3), (5, 12), (90, 211), (210, 211)]:
        np.testing.assert_array_equal(affine(case.x[first:stop], case.W, case.b), whole[first:stop])


@each_dtype
def test_a_row_does_not_depend_on_the_layout(dtype, compiled, rng):
    case = make_affine_case(rng, (6, 13, 20), 33, dtype, overlapping=True)
    flat = affine(case.x.reshape(-1, 20), case.W, case.b)
    np.testing.assert_array_equal(affine(case.x, case.W, case.b).reshape(-1, 33), flat)


@each_dtype
def test_any_number_of_threads_gives_the_same_bits(dtype, compiled, rng):
    case = make_affine_case(rng, (40, 150, 60), 70, dtype)
    results = []
    for threads in (1, 2, 3, 4):
        with threadpool_limits(threads):
            results.append(run_affine(case))
    for result in results[1:]:
        for name in result:
            np.testing.assert_array_equal(result[name], results[0][name])


def test_a_gradient_keeps_its_digits_over_many_rows(compiled):
    x = np.ones((200_000, 1), np.float32)
    d = np.full((200_000, 1), 0.1, np.float32)
    dW, db = kernels.affine_gradients(x, d)
    np.testing.assert_allclose([dW[0, 0], db[0]], 20_000.0, rtol=1e-5)


def test_a_sum_over_time_keeps_its_digits(backend):
    total = np.zeros((1, 1))
    add_over_time(total, np.full((100_000, 1, 1), 0.1, np.float32), np.ones(100_000, int))
    np.testing.assert_allclose(total, 100_000 * float(np.float32(0.1)), rtol=1e-12)


def test_a_sum_over_time_goes_on_where_it_was_left(compiled, rng):
    x, n_active = rng.normal(size=(20, 5, 3)), np.array([5] * 8 + [3] * 8 + [1] * 4)
    whole, pieces = np.zeros((5, 3)), np.zeros((5, 3))
    add_over_time(whole, x, n_active)
    for start, stop in [(0, 1), (1, 11), (11, 20)]:
        add_over_time(pieces, x[start:stop], n_active[start:stop])
    np.testing.assert_array_equal(pieces, whole)


@pytest.mark.parametrize("shape", [(1, 1), (3, 3), (4, 9), (130, 130), (70, 200)])
def test_orthonormal_rows_are_those_of_the_qr_decomposition(shape, backend, rng):
    a = rng.normal(size=shape)
    q = a.copy()
    orthonormalize(q)
    np.testing.assert_allclose(q @ q.T, np.eye(len(a)), atol=1e-13)
    factors = a @ q.T  # lower triangular, with a positive diagonal
    np.testing.assert_allclose(np.triu(factors, 1), 0, atol=1e-11)
    assert (np.diag(factors) > 0).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"W": np.zeros((4, 2))}, "W must have shape"),
        ({"W": np.zeros(3)}, "W must have 2 axes"),
        ({"b": np.zeros(3)}, "b must have shape"),
        ({"x": np.zeros(3)}, "x must have 2 axes"),
        ({"x": np.zeros((0, 3)), "out": np.zeros((0, 2))}, "at least one row"),
        ({"out": np.zeros((5, 3))}, "out must have shape"),
        ({"other": np.zeros(1)}, "There is no argument other"),
    ],
)
def test_the_binding_refuses(change, message, compiled):
    arguments = {"x": np.zeros((5, 3)), "W": np.zeros((3, 2)), "out": np.zeros((5, 2))}
    with pytest.raises((ValueError, TypeError), match=message):
        kernels._twins._kernels.affine({**arguments, "transposed": False, **change})


def test_the_binding_refuses_gradients_of_other_rows(compiled):
    arrays = {"x": np.zeros((5, 3)), "d": np.zeros((4, 2)), "dW": np.zeros((3, 2))}
    with pytest.raises(ValueError, match="d must have shape"):
        kernels._twins._kernels.affine_gradients({**arrays, "db": np.zeros(2)})
