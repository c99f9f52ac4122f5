"""Random layers on which a compiled kernel and its NumPy twin must agree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from skrnn.core.activations import ACTIVATIONS
from skrnn.core.cells import CELLS, Cell

# Every cell with every activation that has a kernel: as the cells themselves name them.
TWINS = [
    (name, activation.name) for name, cell in CELLS.items() for activation in type(cell).kernels
]
TOLERANCE = {np.dtype(np.float32): 2e-4, np.dtype(np.float64): 1e-10}


@dataclass
class Case:
    """Everything that a forward and a backward pass of one layer take."""

    cell: Cell
    x: np.ndarray
    n_active: np.ndarray
    weights: dict[str, np.ndarray]
    state: tuple[np.ndarray, ...] | None
    dh: np.ndarray
    dstate: tuple[np.ndarray, ...] | None
    cut: np.ndarray | None
    need_dx: bool
    total: bool = False

    def __str__(self) -> str:
        present = [name for name in ("state", "dstate", "cut") if getattr(self, name) is not None]
        return (
            f"{type(self.cell).__name__} {self.cell.activation.name} "
            f"{self.x.dtype} x {self.x.shape} "
            f"hidden {self.dh.shape[2]} n_active {self.n_active.tolist()} "
            f"with {present}{' dx' if self.need_dx else ''}{' total' if self.total else ''}"
        )

    @property
    def active(self) -> np.ndarray:
        """Mask (n_timesteps, n_samples) of the real steps."""
        return np.arange(self.x.shape[1]) < self.n_active[:, None]


def make_cell(name: str, activation: str) -> Cell:
    """Return the cell `name` with the activation `activation`."""
    return CELLS[name].with_activation(ACTIVATIONS[activation])


def make_case(
    rng: np.random.Generator,
    cell: Cell,
    shape: tuple[int, int, int],
    hidden_size: int,
    dtype: Any = np.float64,
    *,
    ragged: bool = False,
    state: bool = False,
    dstate: bool = False,
    cut: bool = False,
    need_dx: bool = True,
    total: bool = False,
) -> Case:
    """Draw a layer for `x` of this shape (n_timesteps, n_samples, n_inputs)."""
    n_timesteps, n_samples, n_inputs = shape

    def draw(*shape: int, scale: float = 1.0) -> np.ndarray:
        return rng.normal(scale=scale, size=shape).astype(dtype)

    lengths = rng.integers(n_timesteps + 1, size=n_samples) if ragged else [n_timesteps] * n_samples
    n_active = np.array([np.sum(np.asarray(lengths) > t) for t in range(n_timesteps)])
    x, dh = draw(*shape), draw(n_timesteps + 1, n_samples, hidden_size)
    x[np.arange(n_samples) >= n_active[:, None]] = 0
    weights = {
        name: draw(*shape, scale=0.7 / np.sqrt(shape[0]) if len(shape) == 2 else 0.5)
        for name, shape in cell.shapes(n_inputs, hidden_size).items()
    }
    n_states = 2 if "c" in cell.cache_type._fields else 1
    states = [tuple(draw(n_samples, hidden_size) for _ in range(n_states)) for _ in range(2)]
    return Case(
        cell,
        x,
        n_active,
        weights,
        states[0] if state else None,
        dh,
        states[1] if dstate else None,
        rng.uniform(size=(n_timesteps, n_samples)) < 0.3 if cut else None,
        need_dx,
        total,
    )


def random_case(rng: np.random.Generator) -> Case:
    """Draw a layer of any kind and a small random size."""
    cell = make_cell(*TWINS[rng.integers(len(TWINS))])
    n_timesteps = rng.integers(1, 13)
    n_samples = rng.integers(1, 70) if rng.uniform() < 0.5 else rng.integers(1, 10)
    shape = (n_timesteps, n_samples, rng.integers(1, 20))
    dtype = (np.float32, np.float64)[rng.integers(2)]
    options = ("ragged", "state", "dstate", "cut", "need_dx", "total")
    flags = {name: bool(rng.integers(2)) for name in options}
    return make_case(rng, cell, shape, rng.integers(1, 41), dtype, **flags)


def run(case: Case, *, reference: bool = False) -> dict[str, np.ndarray]:
    """Return all results of a case by name, of the NumPy lines where `reference` says so.

    What the cache holds at padding has no meaning and is set to zero.
    """
    forward, backward = type(case.cell).forward, type(case.cell).backward
    if reference:
        forward, backward = forward.__wrapped__, backward.__wrapped__
    arguments = (case.x, case.n_active, case.weights, case.state)
    h, cache = forward(case.cell, *arguments)
    dh_total = np.zeros_like(case.dh) if case.total else None
    dx, dweights, dstate = backward(
        case.cell,
        case.dh,
        cache,
        case.weights,
        cut=case.cut,
        need_dx=case.need_dx,
        dstate=case.dstate,
        dh_total=dh_total,
    )
    results = {"h": h, "predicted h": h if reference else case.cell.predict(*arguments)}
    for name in set(cache._fields) - {"x", "n_active", "h"}:
        values = getattr(cache, name)[-len(case.x) :]
        results[name] = np.where(case.active[:, :, None], values, 0)
    if dh_total is not None:
        results["dh_total"] = dh_total
    if dx is not None:
        results["dx"] = dx
    results.update({f"d{name}": dweight for name, dweight in dweights.items()})
    results.update({f"dstate[{i}]": part for i, part in enumerate(dstate)})
    return results


def assert_twins_agree(case: Case) -> None:
    """Fail with the case and the result in which the kernel differs from NumPy."""
    got, expected = run(case), run(case, reference=True)
    assert got.keys() == expected.keys()
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
