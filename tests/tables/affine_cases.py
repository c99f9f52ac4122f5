"""Random affine maps on which a compiled kernel and its NumPy twin must agree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from skrnn.core.affine import add_over_time, affine, affine_gradients

TOLERANCE = {np.dtype(np.float32): 2e-5, np.dtype(np.float64): 1e-12}


@dataclass
class AffineCase:
    """Everything that an affine map, its gradients and a sum over time take."""

    x: np.ndarray
    W: np.ndarray
    b: np.ndarray | None
    d: np.ndarray
    n_active: np.ndarray

    def __str__(self) -> str:
        return (
            f"{self.x.dtype} x {self.x.shape} strides {self.x.strides} W {self.W.shape} "
            f"strides {self.W.strides}{'' if self.b is None else ' b'} n_active {self.n_active}"
        )


def make_affine_case(
    rng: np.random.Generator,
    shape: tuple[int, ...],
    width: int,
    dtype: Any = np.float64,
    *,
    bias: bool = True,
    transposed: bool = False,
    overlapping: bool = False,
    sample_major: bool = False,
) -> AffineCase:
    """Draw a map of `x` of this shape, two or three axes, to rows of `width`."""
    x = rng.normal(size=shape).astype(dtype)
    if len(shape) == 3 and overlapping:
        steps, rows, depth = shape
        memory = rng.normal(size=(rows, 2 * steps + depth)).astype(dtype)
        row, unit = memory.strides
        x = as_strided(memory, shape, (2 * unit, row, unit), writeable=False)
    elif len(shape) == 3 and sample_major:
        x = np.ascontiguousarray(x.swapaxes(0, 1)).swapaxes(0, 1)
    W = rng.normal(size=(shape[-1], width), scale=shape[-1] ** -0.5).astype(dtype)
    if transposed:
        W = np.ascontiguousarray(W.T).T
    steps = shape[0] if len(shape) == 3 else 1
    return AffineCase(
        x,
        W,
        rng.normal(size=width).astype(dtype) if bias else None,
        rng.normal(size=(*shape[:-1], width)).astype(dtype),
        np.sort(rng.integers(shape[-2] + 1, size=steps))[::-1],
    )


def random_affine_case(rng: np.random.Generator) -> AffineCase:
    """Draw a map of any kind and a small random size."""
    shape = (rng.integers(1, 9), rng.integers(1, 60), rng.integers(1, 70))
    if rng.integers(2):
        shape = (rng.integers(1, 400), shape[2])
    names = ("bias", "transposed", "overlapping", "sample_major")
    flags = {name: bool(rng.integers(2)) for name in names}
    dtype = (np.float32, np.float64)[rng.integers(2)]
    return make_affine_case(rng, shape, rng.integers(1, 80), dtype, **flags)


def run_affine(case: AffineCase, *, reference: bool = False) -> dict[str, np.ndarray]:
    """Return all results of a case by name, of the NumPy lines where `reference` says so."""
    functions = (affine, affine_gradients, add_over_time)
    if reference:
        functions = tuple(function.__wrapped__ for function in functions)
    forward, gradients, over_time = functions
    dW, db = gradients(case.x, case.d)
    results = {"out": forward(case.x, case.W, case.b), "dW": dW, "db": db}
    if case.x.ndim == 3:
        results["total"] = np.full(case.x.shape[1:], 0.5)
        over_time(results["total"], case.x, case.n_active)
    return results


def assert_affine_twins_agree(case: AffineCase) -> None:
    """Fail with the case and the result in which the kernel differs from NumPy."""
    got, expected = run_affine(case), run_affine(case, reference=True)
    for name in expected:
        scale = max(1.0, np.abs(expected[name]).max())
        np.testing.assert_allclose(
            got[name] / scale,
            expected[name] / scale,
            rtol=0,
            atol=TOLERANCE[case.x.dtype],
            err_msg=f"{name} of {case}",
        )
        assert got[name].dtype == expected[name].dtype
        assert got[name].shape == expected[name].shape
