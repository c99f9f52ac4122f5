"""Sequences hold what was read, and gather batches of it."""

import numpy as np
import pytest
from sequence_forms import LENGTHS, frame_of_cells, make_samples

from skrnn.sequences import Sequences, Windows, as_sequences, as_step_targets, unpack_steps

WINDOWS = Windows(np.arange(14.0).reshape(7, 2), [0, 1, 3], 4, ["c0", "c1"])


def assert_batch_is_exact(sequences, indices):
    batch = sequences.batch(indices)
    lengths = sequences.lengths[batch.samples]
    by_length = sorted(indices, key=lambda i: -sequences.lengths[i])
    np.testing.assert_array_equal(batch.samples, by_length)
    assert batch.x.shape == (lengths.max(), len(indices), sequences.n_channels)
    assert batch.x.flags.c_contiguous
    assert batch.x.dtype == sequences.values.dtype
    steps = []
    for t in range(lengths.max()):
        assert batch.n_active[t] == np.sum(lengths > t)
        for r, sample in enumerate(batch.samples):
            if r < batch.n_active[t]:
                np.testing.assert_array_equal(batch.x[t, r], sequences.rows(sample)[t])
                steps.append(sequences.starts[sample] + t)
            else:
                assert not batch.x[t, r].any()
    np.testing.assert_array_equal(batch.steps, steps)
    for array in (batch.n_active, batch.samples, batch.steps):
        assert array.dtype == np.intp


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("lengths", [LENGTHS, [4] * 5, [1, 2, 3, 4, 9]])
@pytest.mark.parametrize("indices", [[0, 1, 2, 3, 4], [4, 2, 0, 3], [2, 3], [1]])
def test_batch_holds_what_it_says(lengths, indices, dtype):
    assert_batch_is_exact(as_sequences(make_samples(lengths, dtype=dtype)), indices)


def test_batch_shares_no_memory_with_the_input():
    X = np.zeros((1, 3, 2))
    assert not np.shares_memory(as_sequences(X).batch([0]).x, X)


@pytest.mark.parametrize("lengths", [LENGTHS, [4] * 5])
@pytest.mark.parametrize(
    "indices", [[3, 0, 3], slice(1, 4), np.array([True, False, True, False, True])]
)
def test_take_keeps_the_given_order(lengths, indices):
    sequences = as_sequences(make_samples(lengths))
    taken = sequences.take(indices)
    chosen = np.arange(5)[indices]
    np.testing.assert_array_equal(taken.lengths, np.take(lengths, chosen))
    for i, j in enumerate(chosen):
        np.testing.assert_array_equal(taken.rows(i), sequences.rows(j))


def test_rows_is_a_view():
    sequences = as_sequences(make_samples(LENGTHS))
    assert np.shares_memory(sequences.rows(2), sequences.values)


@pytest.mark.parametrize(
    "X", [frame_of_cells(make_samples(LENGTHS)), WINDOWS], ids=["cells", "windows"]
)
def test_take_keeps_kind_and_names(X):
    sequences = as_sequences(X)
    taken = sequences.take([2, 0])
    assert taken.channels == sequences.channels == ["c0", "c1"]
    assert taken.kind == sequences.kind


def test_sequences_know_their_size():
    sequences = Sequences(np.zeros((6, 3)), np.array([2, 4]), "ragged")
    assert (sequences.n_samples, sequences.n_channels) == (2, 3)
    assert not sequences.equal_lengths
    np.testing.assert_array_equal(sequences.starts, [0, 2])


@pytest.mark.parametrize("shape", [(), (3,)])
def test_unpack_steps_of_equal_lengths_is_one_array(shape):
    values = np.arange(6 * int(np.prod(shape))).reshape(6, *shape)
    np.testing.assert_array_equal(unpack_steps(values, [2] * 3), values.reshape(3, 2, *shape))


@pytest.mark.parametrize("shape", [(), (3,)])
def test_unpack_steps_inverts_as_step_targets(shape):
    values = np.arange(14 * int(np.prod(shape))).reshape(14, *shape)
    unpacked = unpack_steps(values, LENGTHS)
    assert (unpacked.dtype, unpacked.shape) == (object, (5,))
    assert [item.shape for item in unpacked] == [(length, *shape) for length in LENGTHS]
    np.testing.assert_array_equal(as_step_targets(unpacked, LENGTHS).values, values)


def test_unpack_steps_can_keep_equal_lengths_apart():
    unpacked = unpack_steps(np.arange(6), [2, 2, 2], ragged=True)
    assert [item.tolist() for item in unpacked] == [[0, 1], [2, 3], [4, 5]]
    assert unpacked.dtype == object


def test_repr_is_a_line_without_the_values():
    sequences = Sequences(np.zeros((6, 2)), np.array([2, 4]), "ragged", channels=["a", "b"])
    assert repr(sequences) == (
        "Sequences(n_samples=2, n_channels=2, lengths from 2 to 4, channels=['a', 'b'], "
        "dtype=float64)"
    )
