"""Read-outs see the real steps alone, and send gradients back to where values came from."""

import pickle

import numpy as np
import pytest
from gradcheck import assert_gradient_matches
from small_networks import EQUAL, RAGGED, SEQUENCE_READOUTS, make_readout, n_active_of, padding_of

from skrnn.core.initializers import xavier_uniform
from skrnn.core.readouts import (
    READOUTS,
    Attention,
    Joined,
    Last,
    Max,
    Mean,
    Readout,
    as_readout,
    lengths_of,
    real_steps,
)

LENGTHS = [EQUAL, RAGGED, (5, 2), (1,), (4, 4, 1, 1)]
UNITS = 3

each_name = pytest.mark.parametrize("name", SEQUENCE_READOUTS)
each_lengths = pytest.mark.parametrize("lengths", LENGTHS, ids=str)


def make_states(lengths, dtype=np.float64):
    """States as a cell leaves them: the initial state first, zero at padding."""
    n_active = n_active_of(lengths)
    h = np.random.default_rng(0).normal(size=(len(n_active) + 1, len(lengths), UNITS))
    h[1:][padding_of(n_active)] = 0
    return h.astype(dtype), n_active


def make_problem(name, lengths, dtype=np.float64):
    readout = make_readout(name)
    rng = np.random.default_rng(2)
    weights = {
        key: rng.normal(size=shape).astype(dtype) for key, shape in readout.shapes(UNITS).items()
    }
    return readout, *make_states(lengths, dtype), weights


def by_hand_attention(states, W, b, v):
    e = np.array([float(np.tanh(h @ W + b) @ v[:, 0]) for h in states])
    a = np.exp(e) / np.exp(e).sum()
    return sum(share * h for share, h in zip(a, states, strict=True))


BY_HAND = {
    "last": lambda states: states[-1],
    "mean": lambda states: states.sum(axis=0) / len(states),
    "max": lambda states: np.sort(states, axis=0)[-1],
    "attention": by_hand_attention,
}


def by_hand(name, states, weights):
    """Features of one sequence by the definition of every part."""
    if "+" not in name:
        return BY_HAND[name](states, **weights)
    parts = [
        BY_HAND[part](states, **{k[2:]: W for k, W in weights.items() if k.startswith(f"{i}.")})
        for i, part in enumerate(name.split("+"))
    ]
    return np.concatenate(parts)


@each_lengths
@each_name
def test_features_are_those_of_each_sequence_alone(name, lengths):
    readout, h, n_active, weights = make_problem(name, lengths)
    features, _ = readout.forward(h, n_active, weights)
    assert features.shape == (len(lengths), readout.width(UNITS))
    for r, length in enumerate(lengths):
        expected = by_hand(name, h[1 : length + 1, r], weights)
        np.testing.assert_allclose(features[r], expected, rtol=1e-13)


@each_lengths
@each_name
def test_gradient_matches_differences(name, lengths):
    readout, h, n_active, weights = make_problem(name, lengths)
    features, cache = readout.forward(h, n_active, weights)
    d_features = np.random.default_rng(1).normal(size=features.shape)
    dh, dweights = readout.backward(d_features, cache, weights)
    # What lies in the padding never counts; there a difference would show the plain sum's.
    padding = padding_of(n_active)

    def projected():
        clean = h.copy()
        clean[1:][padding] = 0
        return float(np.vdot(d_features, readout.forward(clean, n_active, weights)[0]))

    assert_gradient_matches(dh, projected, h)
    assert dweights.keys() == weights.keys()
    for key, array in weights.items():
        if max(lengths) > 1:  # a sequence of one step has all of the attention
            assert_gradient_matches(dweights[key], projected, array)


@each_name
def test_no_gradient_reaches_the_initial_state_or_the_padding(name):
    readout, h, n_active, weights = make_problem(name, (5, 2, 1))
    features, cache = readout.forward(h, n_active, weights)
    dh, _ = readout.backward(np.ones(features.shape), cache, weights)
    assert not dh[0].any()
    assert not dh[1:][padding_of(n_active)].any()
    assert dh[1:].any(axis=(0, 2)).all()


@pytest.mark.parametrize("lengths", [(3, 3), (3, 1)])
def test_max_of_negative_states_is_not_the_zero_of_the_padding(lengths):
    h, n_active = make_states(lengths)
    h[1:] = -np.abs(h[1:])
    assert (READOUTS["max"].forward(h, n_active, {})[0] < 0).all()


def test_max_sends_the_gradient_of_a_tie_to_the_first_of_the_largest():
    h = np.array([9.0, 1, 2, 2, 0]).reshape(-1, 1, 1)
    _, cache = READOUTS["max"].forward(h, np.ones(4, dtype=int), {})
    dh, _ = READOUTS["max"].backward(np.ones((1, 1)), cache, {})
    np.testing.assert_array_equal(dh.ravel(), [0, 0, 1, 0, 0])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@each_name
def test_dtype_is_kept(name, dtype):
    readout, h, n_active, weights = make_problem(name, RAGGED, dtype)
    features, cache = readout.forward(h, n_active, weights)
    dh, dweights = readout.backward(features, cache, weights)
    assert {array.dtype for array in (features, dh, *dweights.values())} == {np.dtype(dtype)}


@each_name
def test_float32_is_near_float64(name):
    results = []
    for dtype in (np.float32, np.float64):
        readout, h, n_active, weights = make_problem(name, RAGGED, dtype)
        features, cache = readout.forward(h, n_active, weights)
        dh, dweights = readout.backward(np.ones_like(features), cache, weights)
        results.append([features, dh, *dweights.values()])
    for single, double in zip(*results, strict=True):
        np.testing.assert_allclose(single, double, rtol=1e-5, atol=1e-5)


@each_name
def test_no_argument_is_changed(name):
    readout, h, n_active, weights = make_problem(name, RAGGED)
    for array in (h, n_active, *weights.values()):
        array.flags.writeable = False
    features, cache = readout.forward(h, n_active, weights)
    features.flags.writeable = False
    readout.backward(features, cache, weights)


@each_name
def test_a_sequence_has_the_same_features_and_gradients_beside_any_other(name):
    readout, h, n_active, weights = make_problem(name, (5, 4, 2))
    other = h.copy()
    other[1:, 1] *= -3
    results = []
    for states in (h, other):
        features, cache = readout.forward(states, n_active, weights)
        dh, _ = readout.backward(np.ones_like(features), cache, weights)
        results.append((features[[0, 2]], dh[:, [0, 2]]))
    for one, same in zip(*results, strict=True):
        np.testing.assert_array_equal(one, same)


@each_name
def test_every_read_out_keeps_to_its_protocol(name):
    assert isinstance(make_readout(name), Readout)


@each_name
def test_it_survives_pickle_equal_to_itself(name):
    readout = make_readout(name)
    assert pickle.loads(pickle.dumps(readout)) == readout


# --- Attention ---------------------------------------------------------------------------


def test_shares_of_attention_add_up_to_one_over_the_real_steps():
    readout, h, n_active, weights = make_problem("attention", (5, 4, 2))
    _, cache = readout.forward(h, n_active, weights)
    np.testing.assert_allclose(cache.a.sum(axis=0), 1, rtol=1e-15)
    assert not cache.a[padding_of(n_active)].any()
    assert cache.a[~padding_of(n_active)].all()


def test_a_query_of_zero_gives_the_mean():
    readout, h, n_active, weights = make_problem("attention", (5, 4, 2))
    weights["v"][:] = 0
    features, _ = readout.forward(h, n_active, weights)
    np.testing.assert_allclose(features, READOUTS["mean"].forward(h, n_active, {})[0], rtol=1e-14)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_huge_query_picks_one_step_without_overflow(dtype):
    readout, h, n_active, weights = make_problem("attention", (5, 4, 2), dtype)
    weights["v"] *= dtype(1e6)
    features, cache = readout.forward(h, n_active, weights)
    best = h[1:][cache.a.argmax(axis=0), np.arange(3)]
    np.testing.assert_allclose(features, best, rtol=1e-5)
    dh, dweights = readout.backward(np.ones_like(features), cache, weights)
    assert all(np.isfinite(array).all() for array in (dh, *dweights.values()))


def test_weights_of_attention_are_drawn_and_the_bias_is_zero():
    readout = READOUTS["attention"]
    weights = {name: np.zeros(shape) for name, shape in readout.shapes(4).items()}
    readout.initialize(weights, np.random.RandomState(0), xavier_uniform)
    again = np.random.RandomState(0)
    np.testing.assert_array_equal(weights["W"], xavier_uniform(again, 4, 4))
    np.testing.assert_array_equal(weights["v"], xavier_uniform(again, 4, 1))
    assert not weights["b"].any()


# --- Tuples ------------------------------------------------------------------------------


def test_weights_of_a_tuple_are_named_by_position():
    joined = as_readout(("attention", "last", "attention"))
    assert list(joined.shapes(2)) == ["0.W", "0.b", "0.v", "2.W", "2.b", "2.v"]
    assert joined.width(2) == 6


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("last", Last()),
        (Mean(), Mean()),
        (("last", "max"), Joined((Last(), Max()))),
        (["last", Attention()], Joined((Last(), Attention()))),
        (("last",), Joined((Last(),))),
        (("last", ("mean", "max")), Joined((Last(), Joined((Mean(), Max()))))),
    ],
    ids=str,
)
def test_as_readout_turns_names_and_tuples_into_read_outs(value, expected):
    assert as_readout(value) == expected


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        ("lst", ValueError, r"no read-out 'lst'; choose from \['last', 'mean', 'max', 'atten"),
        (("last", "lst"), ValueError, "no read-out 'lst'"),
        ((), ValueError, "An empty tuple"),
        (3, TypeError, "a name, an object with shapes, width, .* got 3"),
        (Last, TypeError, "got <class"),
    ],
    ids=str,
)
def test_as_readout_refuses_what_is_none(value, error, message):
    with pytest.raises(error, match=message):
        as_readout(value)


# --- Real steps --------------------------------------------------------------------------


@each_lengths
def test_lengths_follow_from_the_rows_that_run(lengths):
    np.testing.assert_array_equal(lengths_of(n_active_of(lengths), len(lengths)), lengths)


def test_real_steps_are_those_before_the_end_of_each_sequence():
    expected = [[True, True, True], [True, True, False], [True, False, False]]
    np.testing.assert_array_equal(real_steps(n_active_of((3, 2, 1)), 3), expected)
