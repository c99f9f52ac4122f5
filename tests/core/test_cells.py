"""Cells: the recurrence by hand, its exact gradients, and no leak between rows or from padding."""

import copy
import pickle

import numpy as np
import pytest
from gradcheck import (
    assert_gradient_matches,
    assert_gradient_matches_along_a_direction,
)
from own_parts import OWN_CELLS, LeakyCache
from scipy.special import expit
from small_networks import (
    EQUAL,
    RAGGED,
    count_rows,
    make_batch,
    make_cell,
    make_network,
    make_targets,
    n_active_of,
    padding_of,
)

from skrnn.core.activations import ACTIVATIONS
from skrnn.core.cells import CELLS, GRU, LSTM, Cell, SimpleRNN
from skrnn.core.initializers import identity, normal, orthogonal, uniform, zeros
from skrnn.core.losses import SquaredError

HIDDEN = 3
LONG_RAGGED = (6, 6, 4, 3, 1)

ALL_CELLS = {**CELLS, **OWN_CELLS}

each_cell = pytest.mark.parametrize("name", ALL_CELLS)
each_cell_with_W_h = pytest.mark.parametrize(
    "name", [name for name, cell in ALL_CELLS.items() if "W_h" in cell.shapes(2, HIDDEN)]
)
each_lengths = pytest.mark.parametrize("lengths", [EQUAL, LONG_RAGGED], ids=str)


def make_weights(cell, seed=0, dtype=np.float64):
    rng = np.random.default_rng(seed)
    shapes = cell.shapes(2, HIDDEN)
    weights = {name: rng.normal(scale=0.6, size=shape) for name, shape in shapes.items()}
    for name, array in weights.items():
        if name.startswith("b"):
            array += 0.5
    return {name: array.astype(dtype) for name, array in weights.items()}


def make_state(cell, n_samples, dtype=np.float64):
    """A state of random numbers, of as many arrays as the cell carries on."""
    rng = np.random.default_rng(5)
    h, cache = cell.forward(*make_batch((1,) * n_samples), make_weights(cell))
    shapes = [array.shape for array in cell.state_after(h, cache)]
    return tuple(rng.normal(size=shape).astype(dtype) for shape in shapes)


def make_dh(n_active, dtype=np.float64):
    """Gradients that arrive at every real state, the initial one included."""
    dh = np.random.default_rng(6).normal(size=(len(n_active) + 1, n_active[0], HIDDEN))
    dh[1:][padding_of(n_active)] = 0
    return dh.astype(dtype)


def make_problem(name, lengths, activation="tanh", dtype=np.float64):
    cell = make_cell(ALL_CELLS[name], activation)
    x, n_active = make_batch(lengths, dtype=dtype)
    state = make_state(cell, len(lengths), dtype)
    return cell, x, n_active, make_weights(cell, dtype=dtype), state, make_dh(n_active, dtype)


# --- The recurrence ----------------------------------------------------------------------


def rnn_step(x, weights, state):
    (h,) = state
    return (np.tanh(x @ weights["W_x"] + h @ weights["W_h"] + weights["b"]),)


def lstm_step(x, weights, state):
    h, c = state
    a_i, a_f, a_g, a_o = np.split(x @ weights["W_x"] + h @ weights["W_h"] + weights["b"], 4)
    c = expit(a_f) * c + expit(a_i) * np.tanh(a_g)
    return expit(a_o) * np.tanh(c), c


def gru_step(x, weights, state):
    (h,) = state
    x_z, x_r, x_n = np.split(x @ weights["W_x"] + weights["b"], 3)
    h_z, h_r, h_n = np.split(h @ weights["W_h"], 3)
    z, r = expit(x_z + h_z), expit(x_r + h_r)
    n = np.tanh(x_n + r * (h_n + weights["b_hn"]))
    return ((1 - z) * n + z * h,)


def lru_step(x, weights, state):
    (h,) = state
    u = np.append(np.tanh(x @ weights["W_x"] + weights["b"]), 0)  # no fourth unit: 2 complex ones
    modulus, phase = np.exp(-np.exp(weights["nu"])), np.append(np.exp(weights["theta"]), 0)
    c = modulus * np.exp(1j * phase) * (h[:2] + 1j * np.append(h[2:], 0))
    c += np.sqrt(1 - modulus**2) * (u[:2] + 1j * u[2:])
    return (np.append(c.real, c.imag)[:HIDDEN],)


def leaky_step(x, weights, state):
    (h,) = state
    u = np.tanh(x @ weights["W_x"] + h @ weights["W_h"] + weights["b"])
    return (0.7 * h + 0.3 * u,)


def peephole_step(x, weights, state):
    h, c = state
    a_f, a_u = np.split(x @ weights["W_x"] + h @ weights["W_h"] + weights["b"], 2)
    f = expit(a_f + weights["p"] * c)
    c = f * c + (1 - f) * np.tanh(a_u)
    return np.tanh(c), c


STEPS = {
    "rnn": rnn_step,
    "lstm": lstm_step,
    "gru": gru_step,
    "lru": lru_step,
    "leaky": leaky_step,
    "peephole": peephole_step,
    "letters_of_the_gru": gru_step,
    "letters_of_the_lstm": lstm_step,
}


@each_cell
def test_states_follow_the_recurrence_row_by_row(name):
    cell, x, n_active, weights, initial, _ = make_problem(name, LONG_RAGGED)
    h, _ = cell.forward(x, n_active, weights, initial)
    for r, length in enumerate(LONG_RAGGED):
        state = tuple(array[r] for array in initial)
        np.testing.assert_array_equal(h[0, r], state[0])
        for t in range(length):
            state = STEPS[name](x[t, r], weights, state)
            np.testing.assert_allclose(h[t + 1, r], state[0], rtol=1e-12, atol=1e-14)


@each_cell
def test_states_are_zero_at_padding(name):
    cell, x, n_active, weights, initial, _ = make_problem(name, LONG_RAGGED)
    h, _ = cell.forward(x, n_active, weights, initial)
    assert not h[1:][padding_of(n_active)].any()
    assert h[1:][~padding_of(n_active)].all()


@each_cell
def test_no_state_means_zeros(name):
    cell, x, n_active, weights, initial, _ = make_problem(name, RAGGED)
    zero = tuple(np.zeros_like(array) for array in initial)
    given, _ = cell.forward(x, n_active, weights, zero)
    np.testing.assert_array_equal(cell.forward(x, n_active, weights)[0], given)


@each_lengths
@each_cell
def test_predict_gives_the_states_of_forward(name, lengths):
    cell, x, n_active, weights, initial, _ = make_problem(name, lengths)
    h, _ = cell.forward(x, n_active, weights, initial)
    predicted = cell.predict(x, n_active, weights, initial)
    np.testing.assert_allclose(predicted, h, rtol=1e-14, atol=1e-15)


@each_cell
def test_going_on_from_the_state_after_equals_one_run(name):
    cell, x, n_active, weights, initial, _ = make_problem(name, LONG_RAGGED)
    whole, whole_cache = cell.forward(x, n_active, weights, initial)
    first, cache = cell.forward(x[:2], n_active[:2], weights, initial)
    second, second_cache = cell.forward(
        x[2:], n_active[2:], weights, cell.state_after(first, cache)
    )
    np.testing.assert_allclose(first, whole[:3], rtol=1e-14)
    np.testing.assert_allclose(second[1:], whole[3:], rtol=1e-13)
    for part, total in zip(
        cell.state_after(second, second_cache), cell.state_after(whole, whole_cache), strict=True
    ):
        np.testing.assert_allclose(part, total, rtol=1e-13)


# --- Gradients ---------------------------------------------------------------------------


def assert_all_gradients_match(gradients, projected, x, weights, state):
    dx, dweights, dstate = gradients
    assert dweights.keys() == weights.keys()
    for weight in weights:
        assert_gradient_matches(dweights[weight], projected, weights[weight])
    for analytic, array in zip((dx, *dstate), (x, *state), strict=True):
        assert_gradient_matches(analytic, projected, array)


@each_lengths
@pytest.mark.parametrize("activation", ACTIVATIONS)
@each_cell
def test_gradients_match_differences(name, activation, lengths):
    cell, x, n_active, weights, state, dh = make_problem(name, lengths, activation)
    _, cache = cell.forward(x, n_active, weights, state)
    gradients = cell.backward(dh, cache, weights)

    def projected():
        return float(np.vdot(dh, cell.predict(x, n_active, weights, state)))

    assert_all_gradients_match(gradients, projected, x, weights, state)


@each_lengths
@each_cell
def test_gradient_of_the_state_after_the_last_step_matches_differences(name, lengths):
    cell, x, n_active, weights, state, dh = make_problem(name, lengths)
    rng = np.random.default_rng(7)
    arriving = tuple(rng.normal(size=array.shape) for array in state)
    for array in arriving:
        array[n_active[-1] :] = 0

    def projected():
        h, cache = cell.forward(x, n_active, weights, state)
        after = cell.state_after(h, cache)
        return float(
            np.vdot(dh, h) + sum(np.vdot(d, s) for d, s in zip(arriving, after, strict=True))
        )

    _, cache = cell.forward(x, n_active, weights, state)
    gradients = cell.backward(dh, cache, weights, dstate=arriving)
    assert_all_gradients_match(gradients, projected, x, weights, state)


@each_cell
def test_gradient_in_two_halves_equals_that_in_one_run(name):
    cell, x, n_active, weights, state, dh = make_problem(name, EQUAL)
    _, cache = cell.forward(x, n_active, weights, state)
    dx, dweights, dstate = cell.backward(dh, cache, weights)
    h, first = cell.forward(x[:2], n_active[:2], weights, state)
    _, second = cell.forward(x[2:], n_active[2:], weights, cell.state_after(h, first))
    later = dh[2:].copy()
    later[0] = 0  # it arrives at the last state of the first half
    dx_2, dweights_2, carried = cell.backward(later, second, weights)
    dx_1, dweights_1, dstate_1 = cell.backward(dh[:3], first, weights, dstate=carried)
    np.testing.assert_allclose(np.concatenate([dx_1, dx_2]), dx, rtol=1e-12, atol=1e-14)
    for weight in weights:
        total = dweights_1[weight] + dweights_2[weight]
        np.testing.assert_allclose(total, dweights[weight], rtol=1e-12, atol=1e-14)
    for part, total in zip(dstate_1, dstate, strict=True):
        np.testing.assert_allclose(part, total, rtol=1e-12, atol=1e-14)


@each_cell
def test_cut_gradients_are_those_with_constant_states(name):
    cell, x, n_active, weights, state, dh = make_problem(name, (6, 5, 3, 1))
    cut = np.random.default_rng(3).uniform(size=x.shape[:2]) < 0.4
    cut[0, 0] = True
    assert cut[1:][~padding_of(n_active)[1:]].any()

    def state_before(t, r):
        if t == 0:
            return tuple(array[[r]].copy() for array in state)
        row = tuple(array[[r]] for array in state)
        return cell.state_after(*cell.forward(x[:t, [r]], n_active_of((t,)), weights, row))

    starts = [[0, *np.flatnonzero(cut[1:n, r]) + 1] for r, n in enumerate((6, 5, 3, 1))]
    constants = {(t, r): state_before(t, r) for r in range(4) for t in starts[r]}

    def projected():
        total = float(np.vdot(dh[0], state[0]))
        for r, n in enumerate((6, 5, 3, 1)):
            for start, stop in zip(starts[r], [*starts[r][1:], n], strict=True):
                constant = start > 0 or cut[0, r]
                before = constants[start, r] if constant else tuple(s[[r]] for s in state)
                block = x[start:stop, [r]]
                h = cell.predict(block, n_active_of((stop - start,)), weights, before)
                total += float(np.vdot(dh[start + 1 : stop + 1, r], h[1:, 0]))
        return total

    _, cache = cell.forward(x, n_active, weights, state)
    gradients = cell.backward(dh, cache, weights, cut=cut)
    assert_all_gradients_match(gradients, projected, x, weights, state)


@each_cell
def test_cut_at_every_step_leaves_no_way_back(name):
    cell, x, n_active, weights, state, dh = make_problem(name, LONG_RAGGED)
    _, cache = cell.forward(x, n_active, weights, state)
    dh[:-1] = 0
    dx, _, dstate = cell.backward(dh, cache, weights, cut=np.ones(x.shape[:2], bool))
    assert dx[-1].any()
    assert not dx[:-1].any()
    assert not any(array.any() for array in dstate)


@each_lengths
@each_cell
def test_leaving_dx_out_changes_no_other_gradient(name, lengths):
    cell, x, n_active, weights, state, dh = make_problem(name, lengths)
    _, cache = cell.forward(x, n_active, weights, state)
    _, dweights, dstate = cell.backward(dh, cache, weights)
    nothing, same_weights, same_state = cell.backward(dh, cache, weights, need_dx=False)
    assert nothing is None
    for weight in weights:
        np.testing.assert_array_equal(same_weights[weight], dweights[weight])
    for same, array in zip(same_state, dstate, strict=True):
        np.testing.assert_array_equal(same, array)


@each_cell
def test_gradient_of_every_state_is_that_of_a_run_from_there(name):
    cell, x, n_active, weights, _, dh = make_problem(name, LONG_RAGGED)
    h, cache = cell.forward(x, n_active, weights)
    dh_total = np.zeros_like(h)
    cell.backward(dh, cache, weights, dh_total=dh_total)
    for t in range(len(x)):
        state = cell.state_after(*cell.forward(x[:t], n_active[:t], weights)) if t else None
        state = state or tuple(np.zeros_like(array) for array in make_state(cell, x.shape[1]))
        _, rest = cell.forward(x[t:], n_active[t:], weights, state)
        running = slice(n_active[max(t - 1, 0)])
        _, _, (dh_t, *_) = cell.backward(dh[t:], rest, weights)
        np.testing.assert_allclose(dh_total[t, running], dh_t[running], rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("with_cut", [False, True])
@each_cell
def test_state_gradients_in_one_pass_are_those_step_by_step(name, with_cut):
    cell, x, n_active, weights, _, dh = make_problem(name, LONG_RAGGED)
    _, cache = cell.forward(x, n_active, weights)
    cut = np.random.default_rng(1).uniform(size=x.shape[:2]) < 0.3 if with_cut else None
    dx, dh_total = cell.state_gradients(dh, cache, weights, cut=cut)
    expected_dx, expected = cell._state_gradients_by_steps(dh, cache, weights, cut)
    np.testing.assert_allclose(dx, expected_dx, rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(dh_total, expected, rtol=1e-11, atol=1e-13)


# --- Rows and padding --------------------------------------------------------------------


@pytest.mark.parametrize("garbage", [1.0, 1e300])
@each_cell
def test_garbage_at_padding_changes_no_bit(name, garbage):
    cell, x, n_active, weights, state, dh = make_problem(name, LONG_RAGGED)
    dirty_x, dirty_dh = x.copy(), dh.copy()
    dirty_x[padding_of(n_active)] = garbage
    dirty_dh[1:][padding_of(n_active)] = np.nan
    h, cache = cell.forward(x, n_active, weights, state)
    dirty_h, dirty_cache = cell.forward(dirty_x, n_active, weights, state)
    np.testing.assert_array_equal(dirty_h, h)
    dx, dweights, dstate = cell.backward(dh, cache, weights)
    dirty_dx, dirty_dweights, dirty_dstate = cell.backward(dirty_dh, dirty_cache, weights)
    np.testing.assert_array_equal(dirty_dx, dx)
    for weight in weights:
        np.testing.assert_array_equal(dirty_dweights[weight], dweights[weight])
    for dirty, array in zip(dirty_dstate, dstate, strict=True):
        np.testing.assert_array_equal(dirty, array)


@each_cell
def test_no_gradient_reaches_padding(name):
    cell, x, n_active, weights, state, dh = make_problem(name, LONG_RAGGED)
    _, cache = cell.forward(x, n_active, weights, state)
    dx, _, _ = cell.backward(dh, cache, weights)
    assert not dx[padding_of(n_active)].any()
    assert dx[~padding_of(n_active)].all()


@pytest.mark.parametrize("row", range(len(LONG_RAGGED)))
@each_cell
def test_the_gradient_of_one_row_reaches_no_other(name, row):
    cell, x, n_active, weights, state, dh = make_problem(name, LONG_RAGGED)
    others = np.arange(len(LONG_RAGGED)) != row
    dh[:, others] = 0
    _, cache = cell.forward(x, n_active, weights, state)
    dx, _, dstate = cell.backward(dh, cache, weights)
    for array in (dx, np.stack(dstate)):
        assert not array[:, others].any()
        assert array[:, row].any()


@each_cell
def test_a_batch_of_one_equals_the_row_in_a_batch_of_two_hundred(name):
    lengths = np.sort(np.random.default_rng(0).integers(1, 13, 200))[::-1]
    cell, x, n_active, weights, state, dh = make_problem(name, lengths)
    h, cache = cell.forward(x, n_active, weights, state)
    dx, _, _ = cell.backward(dh, cache, weights)
    for r in range(0, 200, 40):
        n = lengths[r]
        row_state = tuple(array[[r]] for array in state)
        row_h, row_cache = cell.forward(x[:n, [r]], n_active_of((n,)), weights, row_state)
        row_dx, _, _ = cell.backward(dh[: n + 1, [r]], row_cache, weights)
        np.testing.assert_allclose(h[: n + 1, [r]], row_h, rtol=0, atol=1e-12)
        np.testing.assert_allclose(dx[:n, [r]], row_dx, rtol=0, atol=1e-12)


@each_cell
def test_weight_gradients_are_sums_over_rows(name):
    cell, x, n_active, weights, state, dh = make_problem(name, LONG_RAGGED)
    _, cache = cell.forward(x, n_active, weights, state)
    _, total, _ = cell.backward(dh, cache, weights)
    of_rows = []
    for r, n in enumerate(LONG_RAGGED):
        row_state = tuple(array[[r]] for array in state)
        _, row = cell.forward(x[:n, [r]], n_active_of((n,)), weights, row_state)
        of_rows.append(cell.backward(dh[: n + 1, [r]], row, weights)[1])
    for weight in weights:
        summed = sum(dweights[weight] for dweights in of_rows)
        np.testing.assert_allclose(summed, total[weight], rtol=1e-11, atol=1e-13)


# --- Plain functions of plain arrays -----------------------------------------------------


@each_cell
def test_no_argument_is_changed(name):
    cell, x, n_active, weights, state, dh = make_problem(name, LONG_RAGGED)
    for array in (x, n_active, dh, *weights.values(), *state):
        array.flags.writeable = False
    _, cache = cell.forward(x, n_active, weights, state)
    for array in cache:
        array.flags.writeable = False
    cell.backward(dh, cache, weights, cut=np.zeros(x.shape[:2], bool), dstate=state)


@each_cell
def test_arrays_may_have_any_strides(name):
    cell, x, n_active, weights, state, dh = make_problem(name, LONG_RAGGED)
    h, cache = cell.forward(x, n_active, weights, state)
    gradients = cell.backward(dh, cache, weights)
    strided = [np.asfortranarray(array) for array in (x, dh)]
    turned = {weight: np.asfortranarray(array) for weight, array in weights.items()}
    turned_state = tuple(np.repeat(array, 2, axis=1)[:, ::2] for array in state)
    same_h, same_cache = cell.forward(strided[0], n_active, turned, turned_state)
    same = cell.backward(strided[1], same_cache, turned)
    np.testing.assert_allclose(same_h, h, rtol=1e-12)
    np.testing.assert_allclose(same[0], gradients[0], rtol=1e-11, atol=1e-14)
    for weight in weights:
        np.testing.assert_allclose(same[1][weight], gradients[1][weight], rtol=1e-11, atol=1e-14)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@each_cell
def test_float32_stays_float32_and_is_near_float64(name, activation):
    outcomes = []
    for dtype in (np.float32, np.float64):
        cell, x, n_active, weights, state, dh = make_problem(name, RAGGED, activation, dtype)
        h, cache = cell.forward(x, n_active, weights, state)
        dx, dweights, dstate = cell.backward(dh, cache, weights)
        arrays = [h, cell.predict(x, n_active, weights, state), dx, *dweights.values(), *dstate]
        floats = [array for array in cache if array.dtype.kind == "f"]
        assert {array.dtype for array in [*arrays, *floats]} == {np.dtype(dtype)}
        outcomes.append(arrays)
    for single, double in zip(*outcomes, strict=True):
        np.testing.assert_allclose(single, double, rtol=1e-4, atol=1e-4)


@each_cell
def test_with_activation_returns_another_cell_and_leaves_this_one(name):
    cell = ALL_CELLS[name]
    other = cell.with_activation(ACTIVATIONS["relu"])
    assert type(other) is type(cell)
    assert other.activation.name == "relu"
    assert cell.activation.name == "tanh"


@pytest.mark.parametrize(
    "transport", [copy.deepcopy, lambda cell: pickle.loads(pickle.dumps(cell))]
)
@each_cell
def test_a_copy_computes_the_same(name, transport):
    cell, x, n_active, weights, state, _ = make_problem(name, RAGGED, "elu")
    np.testing.assert_array_equal(
        transport(cell).predict(x, n_active, weights, state),
        cell.predict(x, n_active, weights, state),
    )


# --- Initial weights ---------------------------------------------------------------------


def initialized(cell, init, recurrent_init, seed=0):
    weights = {name: np.zeros(shape) for name, shape in cell.shapes(5, HIDDEN).items()}
    cell.initialize(weights, np.random.RandomState(seed), init, recurrent_init)
    return weights


@each_cell
def test_shapes_have_a_block_for_every_gate(name):
    cell = ALL_CELLS[name]
    shapes = cell.shapes(5, HIDDEN)
    n_columns = len(cell.gates) * HIDDEN
    assert shapes["W_x"] == (5, n_columns)
    assert shapes.get("W_h", (HIDDEN, n_columns)) == (HIDDEN, n_columns)
    assert shapes["b"] == (n_columns,)


@each_cell_with_W_h
def test_every_gate_is_initialized_by_itself(name):
    cell = ALL_CELLS[name]
    weights = initialized(cell, normal, orthogonal)
    blocks = np.split(weights["W_h"], len(cell.gates), axis=1)
    for block in blocks:
        np.testing.assert_allclose(block @ block.T, np.eye(HIDDEN), atol=1e-14)
    for other in blocks[1:]:
        assert not np.allclose(other, blocks[0])


@each_cell_with_W_h
def test_inputs_are_drawn_by_init_and_recurrences_by_recurrent_init(name):
    cell = ALL_CELLS[name]
    weights = initialized(cell, uniform, identity)
    assert weights["W_x"].all()
    assert np.abs(weights["W_x"]).max() <= 0.05
    np.testing.assert_array_equal(weights["W_h"], np.tile(np.eye(HIDDEN), len(cell.gates)))


@each_cell
def test_biases_start_at_zero_but_the_forget_gate_of_an_lstm_at_one(name):
    cell = ALL_CELLS[name]
    weights = initialized(cell, zeros, zeros)
    forget = 1 if isinstance(cell, LSTM) else None
    for gate, block in enumerate(np.split(weights["b"], len(cell.gates))):
        np.testing.assert_array_equal(block, 1.0 if gate == forget else 0.0)
    assert not any(array.any() for key, array in weights.items() if key.startswith("W"))


# --- What a cell says of itself ----------------------------------------------------------

ACTIVATED = {
    "rnn": ("h",),
    "lstm": ("g", "c_out"),
    "gru": ("n",),
    "lru": ("u",),
    "leaky": ("u",),
    "peephole": ("u", "h"),
    "letters_of_the_gru": ("c",),
    "letters_of_the_lstm": ("new", "c_out"),
}


@each_cell
def test_a_cell_names_what_goes_through_its_activation(name):
    assert ALL_CELLS[name].activated == ACTIVATED[name]


@each_cell
def test_what_is_activated_lies_in_the_range_of_the_activation_and_gates_in_that_of_logistic(name):
    cell, x, n_active, weights, state, _ = make_problem(name, EQUAL, "relu")
    weights = {key: 40 * array for key, array in weights.items()}
    h, cache = cell.forward(x, n_active, weights, state)
    named = {**cache._asdict(), "h": h[1:]}
    if "gates" in named:
        named.update(zip(cell.gates, np.split(cache.gates, len(cell.gates), axis=2), strict=True))
    for gate in {*cell.gates, *cell.activated}:
        assert (named[gate].max() > 1) == (gate in cell.activated), gate


def test_roles_stay_with_positions_through_two_subclasses():
    class Renamed(GRU):
        gates = ("n", "z", "r")

    class Again(Renamed):
        gates = ("a", "b", "c")

    assert Renamed.activated == ("r",)
    assert Again.activated == ("c",)


def test_a_subclass_may_say_itself_what_is_activated():
    class Own(SimpleRNN):
        gates = ("a",)
        activated = ("k",)

    assert Own.activated == ("k",)


# --- A cell of one's own -----------------------------------------------------------------


@pytest.mark.parametrize("readout", ["mean", "every step"])
@pytest.mark.parametrize("name", OWN_CELLS)
def test_a_cell_of_ones_own_works_in_a_network(name, readout):
    network = make_network(
        OWN_CELLS[name], "softsign", readout, hidden_sizes=(3, 2), bidirectional=True
    )
    assert_network_gradient_matches(network)


def assert_network_gradient_matches(network):
    x, n_active = make_batch(RAGGED)
    y, weight = make_targets("squared_error", count_rows(network, n_active))
    loss = SquaredError()
    assert_gradient_matches_along_a_direction(
        network.loss_and_gradient(x, n_active, y, weight, loss=loss)[1],
        lambda: loss(network.predict(x, n_active), y, weight)[0] / weight.sum(),
        network.parameters.vector,
    )


class LeakyIntegrator(Cell):
    """h_t = 0.7 h_{t-1} + 0.3 activation(x_t W_x + h_{t-1} W_h + b), with its own `backward`."""

    def forward(self, x, n_active, weights, state=None):
        h = np.zeros((len(x) + 1, x.shape[1], len(weights["W_h"])), dtype=x.dtype)
        candidate = np.zeros_like(h[1:])
        if state is not None:
            h[0] = state[0]
        for t, n in enumerate(n_active):
            a = x[t, :n] @ weights["W_x"] + h[t, :n] @ weights["W_h"] + weights["b"]
            candidate[t, :n] = self.activation.function(a)
            h[t + 1, :n] = 0.7 * h[t, :n] + 0.3 * candidate[t, :n]
        return h, (x, n_active, h, candidate)

    def backward(self, dh, cache, weights, *, cut=None, need_dx=True):
        x, n_active, h, candidate = cache
        dx, dh_next = np.zeros_like(x), np.zeros_like(h[0])
        dweights = {name: np.zeros_like(array) for name, array in weights.items()}
        for t in reversed(range(len(x))):
            n = n_active[t]
            dh_t = dh[t + 1, :n] + dh_next[:n]
            da = 0.3 * dh_t * self.activation.derivative(candidate[t, :n])
            dweights["W_x"] += x[t, :n].T @ da
            dweights["W_h"] += h[t, :n].T @ da
            dweights["b"] += da.sum(axis=0)
            dx[t, :n] = da @ weights["W_x"].T
            dh_next[:n] = 0.7 * dh_t + da @ weights["W_h"].T
            if cut is not None:
                dh_next[cut[t]] = 0
        return dx if need_dx else None, dweights, (dh[0] + dh_next,)


@pytest.mark.parametrize("readout", ["mean", "every step"])
def test_a_cell_may_write_backward_as_a_whole(readout):
    network = make_network(
        LeakyIntegrator(), "softsign", readout, hidden_sizes=(3, 2), bidirectional=True
    )
    assert_network_gradient_matches(network)


class LeakyWithFields(LeakyIntegrator):
    """As above, with a cache that `state_gradients` can read."""

    def forward(self, x, n_active, weights, state=None):
        h, cache = super().forward(x, n_active, weights, state)
        return h, LeakyCache(*cache)


def test_state_gradients_of_a_backward_without_dh_total_are_taken_step_by_step():
    _, x, n_active, weights, _, dh = make_problem("leaky", LONG_RAGGED)
    cut = np.random.default_rng(1).uniform(size=x.shape[:2]) < 0.3
    results = []
    for cell in (LeakyWithFields(), OWN_CELLS["leaky"]):
        _, cache = cell.forward(x, n_active, weights)
        results.append(cell.state_gradients(dh, cache, weights, cut=cut))
    for whole, usual in zip(*results, strict=True):
        np.testing.assert_allclose(whole, usual, rtol=1e-12, atol=1e-14)


def test_a_cell_without_forward_says_so():
    with pytest.raises(TypeError, match="Unfinished does not define forward"):
        type("Unfinished", (Cell,), {})().forward(None, None, None)


def test_a_cell_without_step_back_says_so():
    class Unfinished(Cell):
        forward = SimpleRNN.forward

    cell, x, n_active, weights, _, dh = make_problem("rnn", EQUAL)
    _, cache = cell.forward(x, n_active, weights)
    with pytest.raises(TypeError, match="Unfinished does not define step_back"):
        Unfinished().backward(dh, cache, weights)
