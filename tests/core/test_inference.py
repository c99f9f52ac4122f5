"""Predictions piece by piece are those of all time steps at once, to the bit."""

from __future__ import annotations

import tracemalloc
from dataclasses import dataclass

import numpy as np
import pytest

from skrnn.core import inference, kernels
from skrnn.core.activations import ACTIVATIONS
from skrnn.core.cells import CELLS, GRU, Cell
from skrnn.core.differences import Differences
from skrnn.core.embedding import Embedding
from skrnn.core.frames import Frames
from skrnn.core.inference import ArraySource, runs_in_pieces
from skrnn.core.initializers import orthogonal, xavier_uniform
from skrnn.core.network import Architecture, Network
from skrnn.core.readouts import READOUTS, Last, as_readout

pytestmark = pytest.mark.skipif(kernels.backend() == "numpy", reason="NumPy runs at once")

LENGTHS = np.array([23, 23, 17, 9, 9, 4, 1])


def make_network(dtype=np.float64, **parameters) -> Network:
    sizes = parameters.pop("hidden_sizes", (6,))
    options = {"cell": CELLS["gru"], "readout": READOUTS["last"], **parameters}
    architecture = Architecture(n_inputs=2, hidden_sizes=sizes, n_outputs=3, **options)
    rng = np.random.RandomState(0)
    return Network.initialize(architecture, rng, xavier_uniform, orthogonal, dtype)


def make_source(lengths=LENGTHS, dtype=np.float64) -> ArraySource:
    n_active = (lengths > np.arange(lengths[0])[:, None]).sum(axis=1)
    x = np.random.RandomState(1).normal(size=(lengths[0], len(lengths), 2)).astype(dtype)
    x[np.arange(len(lengths)) >= n_active[:, None]] = 0
    return ArraySource(x, n_active)


def in_pieces(network: Network, source: ArraySource, size: int, monkeypatch) -> np.ndarray:
    """Return the prediction in pieces of so many numbers, and prove that they are several."""
    monkeypatch.setattr(inference, "PIECE", size)
    assert runs_in_pieces(network.architecture, source.dtype)
    lengths = []
    advance = inference.Stack.advance

    def count(stack, x, n_active):
        lengths.append(len(x))
        return advance(stack, x, n_active)

    monkeypatch.setattr(inference.Stack, "advance", count)
    raw = network.predict(source.x, source.n_active)
    monkeypatch.undo()
    assert len(lengths) > 1
    return raw


OPTIONS = {
    **{f"{cell} {name}": {"cell": CELLS[cell], "readout": READOUTS[name]}
       for cell in CELLS for name in ("last", "mean", "max")
       if runs_in_pieces(Architecture(CELLS[cell], 1, (1,), 1, readout=READOUTS["last"]), "f8")},
    "joined": {"readout": as_readout(("max", "last", "mean"))},
    "both directions": {"readout": as_readout(("last", "mean", "max")), "bidirectional": True},
    "stacked": {"hidden_sizes": (5, 8), "cell": CELLS["lstm"]},
    "every step": {"readout": None, "cell": CELLS["lstm"]},
    "every step, stacked": {"readout": None, "hidden_sizes": (5, 8)},
    "embedding": {"embedding": Embedding(((3, 4), None))},
    "differences": {"differences": Differences((2.0, 0.5))},
    "differences in frames": {"differences": Differences((2.0, 0.5)), "frames": Frames(4, 3, 2)},
    "frames": {"frames": Frames(2, 4, 3)},
    "overlapping frames": {"frames": Frames(2, 7, 2), "readout": READOUTS["mean"]},
    "learnt frames": {"frames": Frames(2, 3, 2, 5, ACTIVATIONS["tanh"])},
    "frames, every step": {"frames": Frames(2, 5, 3), "readout": None},
}  # fmt: skip


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_pieces_give_the_same_bits(options, dtype, monkeypatch):
    network, source = make_network(dtype, **options), make_source(dtype=dtype)
    if "embedding" in options:
        source.x[..., 0] = np.abs(source.x[..., 0]).astype(int) % 3
    at_once = network.predict(source.x, source.n_active)
    for size in (8, 50, 200):
        np.testing.assert_array_equal(in_pieces(network, source, size, monkeypatch), at_once)


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_a_prediction_is_that_of_training_without_draws(options, monkeypatch):
    network, source = make_network(**options), make_source()
    if "embedding" in options:
        source.x[..., 0] = 1
    forward = network.forward(source.x, source.n_active).raw_prediction
    np.testing.assert_array_equal(in_pieces(network, source, 30, monkeypatch), forward)


def test_pieces_of_the_next_piece_are_longer_where_sequences_have_ended(monkeypatch):
    network, source = make_network(), make_source(np.array([90] + [3] * 29))
    monkeypatch.setattr(inference, "PIECE", 360)
    pieces = inference.Pieces(network.architecture, network.parameters, source)
    lengths = [len(piece.n_active) for piece in pieces._pieces("forward")]
    assert lengths == [2, 2, 60, 26]


class Renamed(GRU):
    """Computes the same, but the kernels cannot know that."""


@dataclass(frozen=True)
class OwnLast(Last):
    """Reads the first state, not the last one."""

    def forward(self, h, n_active, weights):
        return h[1].copy(), (h, n_active)


class Running(Cell):
    """Adds up its inputs."""

    def forward(self, x, n_active, weights, state=None):
        h = np.zeros((len(x) + 1, x.shape[1], 1))
        h[0] = 0.0 if state is None else state[0]
        h[1:] = h[0] + np.cumsum(x[:, :, :1], axis=0)
        return h, None


@pytest.mark.parametrize(
    "cell", [*CELLS.values(), Renamed(), Running()], ids=lambda cell: type(cell).__name__
)
def test_a_cell_goes_on_from_where_it_was(cell, rng):
    weights = {name: rng.normal(size=shape, scale=0.5) for name, shape in cell.shapes(2, 5).items()}
    x = rng.normal(size=(9, 4, 2))
    whole, _ = cell.forward(x, np.array([4] * 9), weights)
    first, state = cell.advance(x[:5], np.array([4] * 5), weights)
    second, _ = cell.advance(x[5:], np.array([4] * 4), weights, state)
    np.testing.assert_allclose(np.concatenate([first, second[1:]]), whole, rtol=1e-12)


@pytest.mark.parametrize(
    "options",
    [
        {"cell": Renamed()},
        {"cell": CELLS["gru"].with_activation(ACTIVATIONS["relu"])},
        {"readout": OwnLast()},
        {"readout": as_readout(("last", OwnLast()))},
        {"readout": READOUTS["attention"]},
        {"readout": None, "bidirectional": True},
        {"differences": Differences((1.0, 1.0)), "bidirectional": True},
        {"hidden_sizes": (3, 3), "bidirectional": True},
    ],
)
def test_what_needs_all_states_runs_at_once(options, monkeypatch):
    network, source = make_network(**options), make_source()
    expected = network.forward(source.x, source.n_active).raw_prediction
    monkeypatch.setattr(inference, "PIECE", 8)
    assert not runs_in_pieces(network.architecture, source.dtype)
    np.testing.assert_allclose(network.predict(source.x, source.n_active), expected, rtol=1e-12)


@pytest.mark.parametrize("name", ["last", "mean", "max"])
def test_memory_does_not_grow_with_the_length(name):
    network = make_network(np.float32, hidden_sizes=(64,), readout=READOUTS[name])

    def peak(n_timesteps: int) -> int:
        source = make_source(np.array([n_timesteps]), np.float32)
        tracemalloc.start()
        network.predict(source.x, source.n_active)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(10)
    assert peak(100_000) < 1.2 * peak(20_000)
