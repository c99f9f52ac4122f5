"""Networks, batches and targets of a few numbers, for tests that look at every one of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from skrnn.core.activations import ACTIVATIONS
from skrnn.core.cells import CELLS, Cell
from skrnn.core.initializers import xavier_uniform
from skrnn.core.losses import LOSSES, n_raw_of
from skrnn.core.network import Architecture, Network
from skrnn.core.readouts import READOUTS, Readout, as_readout, real_steps

EQUAL = (3, 3, 3, 3)
RAGGED = (3, 3, 2, 1)
# Another way to read a network out, beside READOUTS: predict at every step.
EVERY_STEP = "every step"
# Tuples of read-outs are written with a plus.
SEQUENCE_READOUTS = [*READOUTS, "last+mean+max", "attention+last+attention"]
ALL_READOUTS = [*SEQUENCE_READOUTS, EVERY_STEP]


def make_readout(name: str) -> Readout | None:
    if name == EVERY_STEP:
        return None
    return as_readout(tuple(name.split("+")) if "+" in name else name)


def make_cell(cell: str | Cell, activation: str = "tanh") -> Cell:
    return (CELLS[cell] if isinstance(cell, str) else cell).with_activation(ACTIVATIONS[activation])


def n_active_of(lengths: Sequence[int]) -> np.ndarray:
    return (np.arange(max(lengths))[:, None] < np.asarray(lengths)).sum(axis=1)


def padding_of(n_active: np.ndarray) -> np.ndarray:
    return ~real_steps(n_active, n_active[0])


def make_batch(
    lengths: Sequence[int], n_inputs: int = 2, seed: int = 0, dtype: Any = np.float64
) -> tuple[np.ndarray, np.ndarray]:
    n_active = n_active_of(lengths)
    x = np.random.default_rng(seed).normal(size=(len(n_active), len(lengths), n_inputs))
    x[padding_of(n_active)] = 0
    return x.astype(dtype), n_active


def make_token_batch(
    lengths: Sequence[int], n_tokens: int = 5, seed: int = 0, dtype: Any = np.float64
) -> tuple[np.ndarray, np.ndarray]:
    """A batch whose channel 0 holds ids, among them the largest, and channel 1 numbers."""
    x, n_active = make_batch(lengths, seed=seed, dtype=dtype)
    x[..., 0] = np.random.default_rng(seed).integers(0, n_tokens, x.shape[:2])
    x[0, 0, 0] = n_tokens - 1
    x[padding_of(n_active)] = 0
    return x, n_active


def make_network(
    cell: str | Cell = "gru",
    activation: str = "tanh",
    readout: str = "last",
    *,
    hidden_sizes: tuple[int, ...] = (3,),
    n_outputs: int = 2,
    seed: int = 0,
    dtype: Any = np.float64,
    **options: Any,
) -> Network:
    """A network for batches of two inputs; no parameter is zero, biases are about 0.5.

    So relu units run at most steps, and no weight gradient vanishes for lack of them.
    """
    architecture = Architecture(
        make_cell(cell, activation),
        2,
        hidden_sizes,
        n_outputs,
        readout=make_readout(readout),
        **options,
    )
    network = Network.initialize(
        architecture, np.random.RandomState(seed), xavier_uniform, xavier_uniform, dtype
    )
    noise = np.random.default_rng(seed).normal(scale=0.3, size=network.parameters.vector.size)
    network.parameters.vector[:] += noise.astype(dtype)
    for array in network.parameters.values():
        if array.ndim == 1:
            array += 0.5
    return network


def count_rows(network: Network, n_active: np.ndarray) -> int:
    return int(n_active.sum() if network.architecture.readout is None else n_active[0])


def raw_width(loss: str, n_outputs: int = 2) -> int:
    """Columns of the raw prediction of targets as `make_targets` makes them."""
    return n_outputs * n_raw_of(LOSSES[loss]())


def make_targets(
    loss: str, n_rows: int, n_outputs: int = 2, seed: int = 1, dtype: Any = np.float64
) -> tuple[np.ndarray, np.ndarray]:
    """Targets as `loss` takes them, and weights between 0.5 and 2."""
    rng = np.random.default_rng(seed)
    weight = rng.uniform(0.5, 2, n_rows).astype(dtype)
    if loss == "softmax_cross_entropy":
        return rng.integers(0, n_outputs, n_rows), weight
    if loss == "logistic_cross_entropy":
        return rng.integers(0, 2, (n_rows, n_outputs)).astype(dtype), weight
    if loss in ("poisson", "negative_binomial"):
        return rng.poisson(1.0, (n_rows, n_outputs)).astype(dtype), weight
    if not LOSSES[loss].interval.includes(-1.0):
        return rng.gamma(2.0, size=(n_rows, n_outputs)).astype(dtype), weight
    return rng.normal(size=(n_rows, n_outputs)).astype(dtype), weight
