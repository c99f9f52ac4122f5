"""Memory that one pass lends to the next: it saves time, and no array that lasts lies in it."""

from __future__ import annotations

import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from small_networks import ALL_READOUTS, RAGGED, make_batch, make_network

from skrnn import RNNClassifier, RNNRegressor
from skrnn.core import kernels
from skrnn.core.cells import CELLS
from skrnn.core.kernels import _memory
from skrnn.core.losses import SquaredError

LARGE = (64, 2048)


def borrow(*shapes):
    """Addresses of arrays that a pass borrows."""
    with kernels.pass_memory():
        arrays = [kernels.empty(shape, np.dtype(np.float32)) for shape in shapes or (LARGE,)]
        return [array.ctypes.data for array in arrays]


def test_large_arrays_begin_at_a_line_of_the_cache():
    with kernels.memory_kept():
        assert all(address % 64 == 0 for address in borrow(LARGE, (65, 2049), (66, 2050)))


def test_memory_kept_is_lent_to_the_next_pass():
    with kernels.memory_kept():
        assert borrow() == borrow()


def test_memory_kept_serves_smaller_and_larger_passes():
    with kernels.memory_kept():
        first = borrow(LARGE)
        assert borrow((64, 1600)) == first
        with kernels.pass_memory():
            assert kernels.empty((64, 3200), np.dtype(np.float32)).shape == (64, 3200)


def test_memory_kept_stays_in_proportion_where_lengths_differ():
    lengths = np.random.default_rng(0).integers(100, 300, size=60)
    with kernels.memory_kept():
        for length in lengths:
            borrow((length, 1536), (length, 6144), (length, 1536), (length, 1536))
        kept = sum(block.nbytes for block in _memory._memory.store.blocks)
    assert kept < 2.5 * 300 * (6144 + 3 * 1536) * 4


def test_two_arrays_of_a_pass_have_memory_of_their_own():
    with kernels.memory_kept():
        borrow(LARGE, LARGE)
        first, second = borrow(LARGE, LARGE)
    assert abs(first - second) >= np.prod(LARGE) * 4


def test_what_is_given_back_early_is_lent_within_the_pass():
    with kernels.memory_kept(), kernels.pass_memory():
        array = kernels.empty(LARGE, np.dtype(np.float32))
        address = array.ctypes.data
        kernels.give_back(None, np.empty(LARGE), array[3:, 5:])
        assert kernels.empty(LARGE, np.dtype(np.float32)).ctypes.data == address


def test_what_is_given_back_twice_is_lent_once():
    with kernels.memory_kept(), kernels.pass_memory():
        array = kernels.empty(LARGE, np.dtype(np.float32))
        kernels.give_back(array, array)
        again = [kernels.empty(LARGE, np.dtype(np.float32)).ctypes.data for _ in range(2)]
        assert len(set(again)) == 2


def test_a_pass_within_a_pass_gives_back_its_own_memory_alone():
    with kernels.memory_kept(), kernels.pass_memory():
        outer = kernels.empty(LARGE, np.dtype(np.float32)).ctypes.data
        inner = borrow()
        assert kernels.empty(LARGE, np.dtype(np.float32)).ctypes.data == inner[0] != outer


def test_a_pass_that_fails_gives_its_memory_back():
    def fail():
        with kernels.pass_memory():
            kernels.empty(LARGE, np.dtype(np.float32))
            raise KeyboardInterrupt

    with kernels.memory_kept():
        (address,) = borrow()
        with pytest.raises(KeyboardInterrupt):
            fail()
        assert borrow() == [address]


@pytest.mark.parametrize("scope", [kernels.memory_kept, kernels.pass_memory])
def test_one_scope_alone_lends_nothing(scope):
    with scope():
        arrays = [kernels.empty(LARGE, np.dtype(np.float32)) for _ in range(2)]
        kernels.give_back(arrays[0])
        arrays.append(kernels.empty(LARGE, np.dtype(np.float32)))
    assert len({array.ctypes.data for array in arrays}) == 3


def test_memory_kept_is_kept_for_its_thread_alone():
    with kernels.memory_kept(), ThreadPoolExecutor(1) as pool:
        borrow()
        store = _memory._memory.store
        assert pool.submit(lambda: _memory._memory.store).result() is None
        assert len(store.blocks) == 1


def test_memory_kept_is_given_back_at_the_end():
    with kernels.memory_kept():
        with kernels.memory_kept():
            borrow()
            block = weakref.ref(_memory._memory.store.blocks[0])
        assert block() is not None
    assert block() is None


# What lasts does not lie in borrowed memory.


class PoisonedStore(_memory._Store):
    """Fills all that it lends or is given back with what is not a number, and counts."""

    n_lent = 0

    def take(self, n_bytes):
        PoisonedStore.n_lent += 1
        block = super().take(n_bytes)
        block.fill(0xFF)
        return block

    def put(self, block):
        block.fill(0xFF)
        super().put(block)


@pytest.fixture(params=[kernels.backends()[0], "numpy"])
def poison(request, monkeypatch):
    """A function that from then on borrows small arrays, too, and poisons what is borrowed."""
    before = kernels.backend()
    kernels.use_backend(request.param)

    def start():
        monkeypatch.setattr(_memory, "_SMALL", 0)
        monkeypatch.setattr(_memory, "_Store", PoisonedStore)
        monkeypatch.setattr(PoisonedStore, "n_lent", 0)

    yield start
    kernels.use_backend(before)


def results_of(network, batch, y):
    """Prediction, loss and gradient, read when all passes are over."""
    x, n_active = batch
    rows = np.ones(len(y))
    with kernels.memory_kept():
        raw_prediction = network.predict(x, n_active)
        loss, gradient = network.loss_and_gradient(
            x, n_active, y, rows, loss=SquaredError(), alpha=0.1, rng=np.random.RandomState(0)
        )
    return raw_prediction, loss, gradient


@pytest.mark.parametrize(
    "options", [{}, {"bidirectional": True}, {"dropout": 0.5}, {"bptt_steps": 2}], ids=str
)
@pytest.mark.parametrize("lengths", [(3, 3, 3, 3), RAGGED])
@pytest.mark.parametrize("readout", ALL_READOUTS)
@pytest.mark.parametrize("cell", CELLS)
def test_results_of_a_network_are_not_borrowed(cell, readout, lengths, options, poison):
    network = make_network(cell, readout=readout, hidden_sizes=(3, 4, 2), **options)
    batch = make_batch(lengths)
    y = np.ones_like(network.predict(*batch))
    expected = results_of(network, batch, y)
    poison()
    got = results_of(network, batch, y)
    assert PoisonedStore.n_lent > 0
    for mine, right in zip(got, expected, strict=True):
        np.testing.assert_array_equal(mine, right)


def sequences(rng):
    return [rng.normal(size=(length, 2)) for length in rng.integers(1, 7, size=30)]


MODELS = {
    "lstm": RNNClassifier(4, cell="lstm"),
    "stacked": RNNClassifier((3, 4, 3), bidirectional=True, dropout=0.2),
    "early stopping": RNNClassifier(3, early_stopping=True, validation_fraction=0.3),
    "lbfgs": RNNRegressor(3, optimizer="lbfgs"),
    "truncated": RNNRegressor(3, cell="rnn", bptt_steps=2, readout="mean"),
}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("name", MODELS)
def test_what_a_fit_leaves_is_not_borrowed(name, poison):
    rng = np.random.default_rng(0)
    X, y = sequences(rng), rng.integers(2, size=30)
    model = MODELS[name].set_params(max_iter=3, tol=10, batch_size=8, random_state=0)
    expected, curve = model.fit(X, y).predict(X), model.loss_curve_
    poison()
    np.testing.assert_array_equal(model.fit(X, y).predict(X), expected)
    assert model.loss_curve_ == curve
    assert PoisonedStore.n_lent > 0


def test_a_forward_pass_outside_of_a_pass_scope_keeps_its_arrays(poison):
    network, (x, n_active) = make_network("lstm", hidden_sizes=(3, 4)), make_batch(RAGGED)
    poison()
    with kernels.memory_kept():
        run = network.forward(x, n_active)
        gates = run.caches[1]["forward"].gates.copy()
        network.predict(x, n_active)
        gradient = network.backward(np.ones_like(run.raw_prediction), run)
        network.predict(x, n_active)
        np.testing.assert_array_equal(run.caches[1]["forward"].gates, gates)
        assert np.isfinite(gradient.vector).all()
