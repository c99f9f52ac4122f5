"""Gradients against central differences.

A difference over ``2 * EPS`` carries a truncation error of about ``EPS ** 2`` and a rounding
error of about ``1e-16 / EPS``: some 1e-10 of a gradient near one, far below the `RTOL` that the
checks demand. Where a function has kinks (relu, max, absolute error) a difference is meaningless
if a kink lies within `EPS`; the data of the tests are fixed so that none does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

EPS = 1e-5
RTOL = 1e-6
# Entries below this share of the gradient's largest one are compared with that share: their
# differences are rounding noise.
SMALLEST_SHARE = 1e-3


def central_difference(
    function: Callable[[], float], vector: np.ndarray, direction: np.ndarray
) -> float:
    """Derivative of `function`, which reads `vector`, along `direction`; `vector` is put back."""
    start = vector.copy()
    vector[...] = start + EPS * direction
    above = function()
    vector[...] = start - EPS * direction
    below = function()
    vector[...] = start
    return (above - below) / (2 * EPS)


def numeric_gradient(function: Callable[[], float], vector: np.ndarray) -> np.ndarray:
    """Gradient of `function` with respect to every entry of `vector`."""
    numeric, direction = np.zeros_like(vector), np.zeros_like(vector)
    for index in np.ndindex(vector.shape):
        direction[index] = 1
        numeric[index] = central_difference(function, vector, direction)
        direction[index] = 0
    return numeric


def assert_gradient_matches(
    analytic: np.ndarray,
    function: Callable[[], float],
    vector: np.ndarray,
    names: Sequence[str] | None = None,
) -> None:
    """Compare every entry; a gradient that is zero throughout is no proof and fails.

    `names` says what the entries of a one-dimensional `vector` belong to. Each name then needs
    an entry that is not zero.
    """
    numeric = numeric_gradient(function, vector)
    assert analytic.shape == numeric.shape
    names = np.full(numeric.shape, "entry") if names is None else np.asarray(names)
    for name in np.unique(names):
        assert numeric[names == name].any(), f"{name}: the gradient is zero throughout"
    scale = np.maximum(np.abs(numeric), SMALLEST_SHARE * np.abs(numeric).max())
    error = np.abs(analytic - numeric) / scale
    worst = np.unravel_index(error.argmax(), error.shape)
    assert error[worst] < RTOL, (
        f"{names[worst]} at {list(map(int, worst))}: analytic {analytic[worst]:.12g}, "
        f"numeric {numeric[worst]:.12g}, relative error {error[worst]:.2g}"
    )


def assert_gradient_matches_along_a_direction(
    analytic: np.ndarray, function: Callable[[], float], vector: np.ndarray, name: str = ""
) -> None:
    """Compare one random projection of all entries: two evaluations, however many entries.

    The error is relative to the gradient's norm, the root mean square of such projections.
    """
    direction = np.random.default_rng(0).normal(size=vector.shape)
    numeric = central_difference(function, vector, direction)
    norm = np.linalg.norm(analytic)
    assert norm > 0, f"{name}: the gradient is zero throughout"
    error = abs(np.vdot(analytic, direction) - numeric) / norm
    assert error < RTOL, (
        f"{name}: analytic {np.vdot(analytic, direction):.12g}, numeric {numeric:.12g}, "
        f"error {error:.2g} of the norm {norm:.3g}"
    )
