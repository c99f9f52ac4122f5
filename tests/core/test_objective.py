"""A batch in parts has the loss and the gradient of the whole batch."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from skrnn.core.activations import ACTIVATIONS
from skrnn.core.cells import CELLS
from skrnn.core.frames import Frames
from skrnn.core.initializers import orthogonal, xavier_uniform
from skrnn.core.losses import SquaredError
from skrnn.core.network import Architecture, Network, Part
from skrnn.core.objective import loss_and_gradient
from skrnn.core.readouts import READOUTS

LENGTHS = np.array([30, 12, 11, 4, 4, 2])
OPTIONS = {
    "plain": {},
    "dropout": {"dropout": 0.4, "hidden_sizes": (5, 4)},
    "shifted frames": {"frames": Frames(2, 4, 3, 5, ACTIVATIONS["tanh"], random_phase=True)},
    "attention": {"readout": READOUTS["attention"], "bidirectional": True},
    "every step": {"readout": None, "dropout": 0.3},
}


def make_network(**parameters) -> Network:
    options = {"hidden_sizes": (5,), "readout": READOUTS["last"], **parameters}
    architecture = Architecture(CELLS["lstm"], n_inputs=2, n_outputs=1, **options)
    return Network.initialize(architecture, np.random.RandomState(0), xavier_uniform, orthogonal)


def make_part(start: int, stop: int, *, per_step: bool) -> Part:
    """Return some of the same samples."""
    lengths, rng = LENGTHS[start:stop], np.random.RandomState(1)
    X = [rng.normal(size=(length, 2)) for length in LENGTHS][start:stop]
    Y = [rng.normal(size=length) for length in LENGTHS][start:stop]
    weights = np.arange(1.0, 7.0)[start:stop]
    n_active = (lengths > np.arange(lengths[0])[:, None]).sum(axis=1)
    x = np.zeros((lengths[0], len(lengths), 2))
    for i, own in enumerate(X):
        x[: len(own), i] = own
    if not per_step:
        return Part(x, n_active, np.array([own[0] for own in Y])[:, None], weights)
    steps = [(t, i) for t, n in enumerate(n_active) for i in range(n)]
    y = np.array([[Y[i][t]] for t, i in steps])
    return Part(x, n_active, y, np.array([weights[i] for _, i in steps]))


def run(network: Network, bounds: list[int]):
    per_step = network.architecture.readout is None
    parts = [make_part(start, stop, per_step=per_step) for start, stop in pairwise(bounds)]
    rng = np.random.RandomState(3)
    results = loss_and_gradient(network, parts, loss=SquaredError(), alpha=0.1, rng=rng)
    return *results, rng.uniform()


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
@pytest.mark.parametrize("bounds", [[0, 1, 6], [0, 1, 3, 6], [0, 5, 6]], ids=str)
def test_parts_are_the_whole(bounds, options):
    network = make_network(**options)
    loss, gradient, weight, drawn = run(network, bounds)
    of_whole = run(network, [0, 6])
    assert drawn == of_whole[3], "other numbers were drawn"
    assert weight == pytest.approx(of_whole[2], rel=1e-14)
    assert loss == pytest.approx(of_whole[0], rel=1e-12)
    assert np.abs(gradient).max() > 1e-3
    np.testing.assert_allclose(gradient, of_whole[1], rtol=0, atol=1e-13)


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_one_part_gives_the_bits_of_the_network(options):
    network = make_network(**options)
    part = make_part(0, 6, per_step=network.architecture.readout is None)
    rng = np.random.RandomState(3)
    loss, gradient = network.loss_and_gradient(*part[:4], loss=SquaredError(), alpha=0.1, rng=rng)
    of_part = run(network, [0, 6])
    assert loss == of_part[0]
    np.testing.assert_array_equal(gradient, of_part[1])
