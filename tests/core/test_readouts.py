"""Read-outs see the real steps alone, and send gradients back to where values came from."""

import numpy as np
import pytest
from gradcheck import assert_gradient_matches
from small_networks import EQUAL, RAGGED, n_active_of, padding_of

from skrnn.core.readouts import READOUTS, lengths_of, real_steps

LENGTHS = [EQUAL, RAGGED, (5, 2), (1,), (4, 4, 1, 1)]

each_readout = pytest.mark.parametrize("readout", READOUTS.values(), ids=READOUTS)
each_lengths = pytest.mark.parametrize("lengths", LENGTHS, ids=str)


def make_states(lengths, dtype=np.float64):
    """States as a cell leaves them: the initial state first, zero at padding."""
    n_active = n_active_of(lengths)
    h = np.random.default_rng(0).normal(size=(len(n_active) + 1, len(lengths), 3)).astype(dtype)
    h[1:][padding_of(n_active)] = 0
    return h, n_active


BY_HAND = {
    "last": lambda states: states[-1],
    "mean": lambda states: states.sum(axis=0) / len(states),
    "max": lambda states: np.sort(states, axis=0)[-1],
}


@each_lengths
@pytest.mark.parametrize("name", READOUTS)
def test_features_are_those_of_each_sequence_alone(name, lengths):
    h, n_active = make_states(lengths)
    features = READOUTS[name].forward(h, n_active)
    for r, length in enumerate(lengths):
        expected = BY_HAND[name](h[1 : length + 1, r])
        np.testing.assert_allclose(features[r], expected, rtol=1e-15)


@each_lengths
@each_readout
def test_gradient_matches_differences(readout, lengths):
    h, n_active = make_states(lengths)
    d_features = np.random.default_rng(1).normal(size=h.shape[1:])
    dh = readout.backward(d_features, h, n_active)
    # What lies in the padding never counts; there a difference would show the plain sum's.
    padding = padding_of(n_active)

    def projected():
        clean = h.copy()
        clean[1:][padding] = 0
        return float(np.vdot(d_features, readout.forward(clean, n_active)))

    assert_gradient_matches(dh, projected, h)


@each_readout
def test_no_gradient_reaches_the_initial_state_or_the_padding(readout):
    h, n_active = make_states((5, 2, 1))
    dh = readout.backward(np.ones(h.shape[1:]), h, n_active)
    assert not dh[0].any()
    assert not dh[1:][padding_of(n_active)].any()
    assert dh[1:].any(axis=(0, 2)).all()


@pytest.mark.parametrize("lengths", [(3, 3), (3, 1)])
def test_max_of_negative_states_is_not_the_zero_of_the_padding(lengths):
    h, n_active = make_states(lengths)
    h[1:] = -np.abs(h[1:])
    assert (READOUTS["max"].forward(h, n_active) < 0).all()


def test_max_sends_the_gradient_of_a_tie_to_the_first_of_the_largest():
    h = np.array([9.0, 1, 2, 2, 0]).reshape(-1, 1, 1)
    dh = READOUTS["max"].backward(np.ones((1, 1)), h, np.ones(4, dtype=int))
    np.testing.assert_array_equal(dh.ravel(), [0, 0, 1, 0, 0])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@each_readout
def test_dtype_is_kept(readout, dtype):
    h, n_active = make_states(RAGGED, dtype)
    features = readout.forward(h, n_active)
    assert features.dtype == dtype
    assert readout.backward(features, h, n_active).dtype == dtype


@each_lengths
def test_lengths_follow_from_the_rows_that_run(lengths):
    np.testing.assert_array_equal(lengths_of(n_active_of(lengths), len(lengths)), lengths)


def test_real_steps_are_those_before_the_end_of_each_sequence():
    expected = [[True, True, True], [True, True, False], [True, False, False]]
    np.testing.assert_array_equal(real_steps(n_active_of((3, 2, 1)), 3), expected)
