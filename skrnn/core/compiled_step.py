"""One time step of a network in a single call of the kernels, which carry its state on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from skrnn.core import kernels
from skrnn.core.affine import affine
from skrnn.core.architecture import Architecture
from skrnn.core.parameters import Parameters, part_of
from skrnn.core.readouts import Joined, Last, Max, Mean

__all__ = ["READOUTS_OF_KERNELS", "CompiledStep", "compiled_step"]

# Read-outs that kernels know how to carry on.
READOUTS_OF_KERNELS: dict[type, str] = {Last: "last", Mean: "mean", Max: "max"}

# A function that reads what enters the layers, (n_rows, n_inputs), and returns what became of it,
# and where it leaves the raw prediction, (n_rows, n_outputs).
CompiledStep = tuple[Callable[[Any], int], np.ndarray]


def compiled_step(
    architecture: Architecture, parameters: Parameters, arrays: Mapping[str, np.ndarray]
) -> CompiledStep | None:
    """Return the kernels that read one step of all rows; None if there are none for a network.

    Parameters
    ----------
    architecture : Architecture
        Of the network.
    parameters : Parameters
        Its numbers, which are packed.
    arrays : mapping of str to ndarray
        Those of `skrnn.core.stepping.Stepping`, which every step carries on.
    """
    cell, dtype = architecture.cell, parameters.vector.dtype
    if architecture.frames is not None or not kernels.runs_compiled(cell, dtype):
        return None
    readouts = _readouts(architecture, arrays)
    if readouts is None:
        return None
    layers = []
    for i in range(architecture.n_layers):
        state = [array for name, array in arrays.items() if name.startswith(f"layers.{i}.")]
        weights = part_of(parameters, f"layers.{i}.forward.")
        layers.append(kernels.StepLayer(cell, weights, state))
    output, joint = part_of(parameters, "output."), part_of(parameters, "static.")
    steps = kernels.network_steps(
        layers, readouts, joint or output, arrays["n_steps"], architecture.n_static
    )
    if steps is None:
        return None
    if architecture.static is None:
        return steps.step, steps.out
    step = _StepWithStatic(steps, arrays["static"], output if joint else None)
    return step, step.raw


def _readouts(
    architecture: Architecture, arrays: Mapping[str, np.ndarray]
) -> list[kernels.StepReadout] | None:
    """Return the read-outs in a row; none for the state itself; None if one has no kernel."""
    readout = architecture.readout
    if readout is None or type(readout) is Last:
        # Static features stand beside a copy of the state.
        return [] if architecture.static is None else [kernels.StepReadout("last", {})]
    joined = isinstance(readout, Joined)
    parts = readout.readouts if isinstance(readout, Joined) else (readout,)
    if any(type(part) not in READOUTS_OF_KERNELS for part in parts):
        return None
    kept = []
    for i, part in enumerate(parts):
        own = part_of(arrays, f"readout.{i}." if joined else "readout.")
        kept.append(kernels.StepReadout(READOUTS_OF_KERNELS[type(part)], own))
    return kept


class _StepWithStatic:
    """A step whose features stand beside static ones, as `skrnn.core.static` has them.

    Parameters
    ----------
    steps : NetworkStep
        Its last layer is the one that joins both or, without `output`, the output layer.
    static : ndarray of shape (n_rows, n_static)
        Looked up at every step.
    output : dict of str to ndarray or None
        ``W`` and ``b`` of the output layer behind the joint one.
    """

    def __init__(
        self, steps: kernels.NetworkStep, static: np.ndarray, output: dict[str, np.ndarray] | None
    ):
        self._step, self._output, self._static = steps.step, output, static
        self._beside = steps.features[:, -static.shape[1] :]
        self._joined, self._u, self.raw = steps.features, steps.out, steps.out
        if output is not None:
            n_joined, (n_seen, n_outputs) = steps.features.shape[1], output["W"].shape
            self.raw = np.zeros((len(static), n_outputs), static.dtype)
            self._seen = np.zeros((len(static), n_seen), static.dtype)
            self._joined_seen, self._u_seen = self._seen[:, :n_joined], self._seen[:, n_joined:]

    def __call__(self, x: Any) -> int:
        self._beside[:] = self._static
        outcome = self._step(x)
        if self._output is None or outcome not in (kernels.DONE, kernels.NO_PREDICTION):
            return outcome
        self._joined_seen[:] = self._joined
        np.maximum(self._u, 0, out=self._u_seen)
        self.raw[:] = affine(self._seen, self._output["W"], self._output["b"])
        return kernels.DONE if np.isfinite(self.raw).all() else kernels.NO_PREDICTION
