"""The network's gradient is that of its loss; its predictions are those of its parts."""

from itertools import product

import numpy as np
import pytest
from gradcheck import (
    assert_gradient_matches,
    assert_gradient_matches_along_a_direction,
)
from small_networks import (
    ALL_READOUTS,
    EQUAL,
    EVERY_STEP,
    RAGGED,
    SEQUENCE_READOUTS,
    count_rows,
    make_batch,
    make_network,
    make_targets,
    padding_of,
    raw_width,
)

from skrnn.core.activations import ACTIVATIONS
from skrnn.core.cells import CELLS
from skrnn.core.initializers import identity, normal, orthogonal, uniform, xavier_uniform
from skrnn.core.losses import LOSSES, SquaredError
from skrnn.core.network import Architecture, Network, reverse_in_time
from skrnn.core.parameters import Parameters

SHAPES = list(product([EQUAL, RAGGED], [False, True], [(3,), (3, 3)]))
LONG_RAGGED = (7, 7, 5, 4, 2, 1)


def weighted_mean_loss(network, x, n_active, y, weight, loss):
    return lambda: loss(network.predict(x, n_active), y, weight)[0] / weight.sum()


def squared_error_problem(network, lengths=RAGGED, dtype=np.float64):
    x, n_active = make_batch(lengths, dtype=dtype)
    rows, n_outputs = count_rows(network, n_active), network.architecture.n_outputs
    y, weight = make_targets("squared_error", rows, n_outputs, dtype=dtype)
    return x, n_active, y, weight


def gradient_of(network, x, n_active, y, weight, **options):
    options = {"loss": SquaredError(), **options}
    return network.loss_and_gradient(x, n_active, y, weight, **options)[1]


def assert_every_gradient_matches(network, gradient, function):
    names = [name for name, array in network.parameters.items() for _ in range(array.size)]
    assert_gradient_matches(gradient, function, network.parameters.vector, names)


# --- Gradients ---------------------------------------------------------------------------


@pytest.mark.parametrize("loss_name", LOSSES)
@pytest.mark.parametrize("readout", ALL_READOUTS)
@pytest.mark.parametrize("activation", ["tanh", "relu", "logistic"])
@pytest.mark.parametrize("cell", CELLS)
def test_gradient_matches_differences_in_every_combination(cell, activation, readout, loss_name):
    loss = LOSSES[loss_name]()
    for lengths, bidirectional, hidden_sizes in SHAPES:
        network = make_network(
            cell,
            activation,
            readout,
            hidden_sizes=hidden_sizes,
            bidirectional=bidirectional,
            n_outputs=raw_width(loss_name),
        )
        x, n_active = make_batch(lengths)
        y, weight = make_targets(loss_name, count_rows(network, n_active))
        gradient = gradient_of(network, x, n_active, y, weight, loss=loss)
        assert all(part.any() for part in Parameters(network.parameters.shapes, gradient).values())
        assert_gradient_matches_along_a_direction(
            gradient,
            weighted_mean_loss(network, x, n_active, y, weight, loss),
            network.parameters.vector,
            f"{lengths=}, {bidirectional=}, {hidden_sizes=}",
        )


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("cell", CELLS)
def test_every_gradient_matches_differences(cell, activation):
    network = make_network(cell, activation, "mean", hidden_sizes=(2, 2), bidirectional=True)
    problem = squared_error_problem(network)
    function = weighted_mean_loss(network, *problem, SquaredError())
    assert_every_gradient_matches(network, gradient_of(network, *problem), function)


@pytest.mark.parametrize("readout", ALL_READOUTS)
@pytest.mark.parametrize("cell", CELLS)
def test_every_gradient_matches_differences_for_every_readout(cell, readout):
    network = make_network(cell, "tanh", readout, hidden_sizes=(2, 3), n_outputs=1)
    problem = squared_error_problem(network)
    function = weighted_mean_loss(network, *problem, SquaredError())
    assert_every_gradient_matches(network, gradient_of(network, *problem), function)


@pytest.mark.parametrize("readout", ALL_READOUTS)
def test_gradient_of_the_penalty_matches_differences(readout):
    network = make_network("gru", "tanh", readout, hidden_sizes=(2, 2))
    problem = squared_error_problem(network)
    options = {"loss": SquaredError(), "alpha": 0.7}
    assert_every_gradient_matches(
        network,
        gradient_of(network, *problem, **options),
        lambda: network.loss_and_gradient(*problem, **options)[0],
    )


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("readout", ALL_READOUTS)
@pytest.mark.parametrize("cell", CELLS)
def test_gradient_under_a_fixed_dropout_mask_matches_differences(cell, readout, bidirectional):
    network = make_network(
        cell, "tanh", readout, hidden_sizes=(4, 4), bidirectional=bidirectional, dropout=0.4
    )
    problem = squared_error_problem(network)

    def loss_and_gradient():
        rng = np.random.RandomState(3)
        return network.loss_and_gradient(*problem, loss=SquaredError(), rng=rng)

    assert_gradient_matches_along_a_direction(
        loss_and_gradient()[1], lambda: loss_and_gradient()[0], network.parameters.vector
    )


def input_gradient(network, x, n_active, y, weight):
    run = network.forward(x, n_active)
    _, d_raw = SquaredError()(run.raw_prediction, y, weight)
    return network.state_gradients(network.gradient_of_top(d_raw, run), run)[0]


@pytest.mark.parametrize("readout", ALL_READOUTS)
@pytest.mark.parametrize("cell", CELLS)
def test_gradient_of_the_inputs_matches_differences(cell, readout):
    network = make_network(cell, "tanh", readout, hidden_sizes=(3, 3), bidirectional=True)
    x, n_active, y, weight = squared_error_problem(network)
    assert_gradient_matches(
        input_gradient(network, x, n_active, y, weight),
        lambda: SquaredError()(network.predict(x, n_active), y, weight)[0],
        x,
    )


@pytest.mark.parametrize("readout", SEQUENCE_READOUTS)
@pytest.mark.parametrize("cell", CELLS)
def test_the_loss_of_one_row_has_no_gradient_at_the_inputs_of_another(cell, readout):
    network = make_network(cell, "tanh", readout, hidden_sizes=(3, 3), bidirectional=True)
    x, n_active, y, _ = squared_error_problem(network, LONG_RAGGED)
    for row, only_this_row in enumerate(np.eye(len(y))):
        dx = input_gradient(network, x, n_active, y, only_this_row)
        reached = np.flatnonzero(dx.any(axis=(0, 2)))
        np.testing.assert_array_equal(reached, [row])


# --- The loss ----------------------------------------------------------------------------


def test_penalty_is_half_alpha_times_the_squared_weights_over_the_total_weight():
    network = make_network("lstm", hidden_sizes=(2, 2), bidirectional=True)
    problem = squared_error_problem(network)
    plain, _ = network.loss_and_gradient(*problem, loss=SquaredError())
    penalised, _ = network.loss_and_gradient(*problem, loss=SquaredError(), alpha=0.3)
    squares = sum(np.sum(W**2) for W in network.parameters.values() if W.ndim == 2)
    assert penalised - plain == pytest.approx(0.5 * 0.3 * squares / problem[-1].sum(), rel=1e-12)


def test_total_gradient_is_the_sum_of_the_gradients_of_the_steps():
    network = make_network("gru", readout=EVERY_STEP)
    x, n_active, y, _ = squared_error_problem(network)
    total = len(y) * gradient_of(network, x, n_active, y, np.ones(len(y)))
    of_rows = [gradient_of(network, x, n_active, y, one_row) for one_row in np.eye(len(y))]
    np.testing.assert_allclose(np.sum(of_rows, axis=0), total, rtol=1e-12, atol=1e-14)


def test_a_weight_of_two_equals_two_samples():
    network = make_network("gru")
    x, n_active, y, _ = squared_error_problem(network, EQUAL)
    weighted = gradient_of(network, x, n_active, y, np.array([2.0, 1, 1, 1]))
    rows = [0, 0, 1, 2, 3]
    repeated = gradient_of(network, x[:, rows], n_active + 1, y[rows], np.ones(5))
    np.testing.assert_allclose(weighted, repeated, rtol=1e-12, atol=1e-15)


def test_samples_without_weight_do_not_count():
    network = make_network("gru")
    x, n_active, y, weight = squared_error_problem(network)
    weight[2:] = 0
    others = y.copy()
    others[2:] = 1e3
    first = network.loss_and_gradient(x, n_active, y, weight, loss=SquaredError())
    second = network.loss_and_gradient(x, n_active, others, weight, loss=SquaredError())
    assert first[0] == second[0]
    np.testing.assert_array_equal(first[1], second[1])


# --- Truncated BPTT ----------------------------------------------------------------------


def block_starts(length, steps):
    return sorted({max(stop - steps, 0) for stop in range(length, 0, -steps)})


def states_at(network, x, starts):
    """For every start of a block and every layer the state that enters it."""
    cell, states = network.architecture.cell, {}
    for start in starts[1:]:
        below, n_active = x[:start], np.ones(start, dtype=int)
        for layer in range(network.architecture.n_layers):
            h, cache = cell.forward(below, n_active, network.weights(layer))
            states[start, layer] = cell.state_after(h, cache)
            below = h[1:]
    return states


def blockwise_prediction(network, x, starts, constants):
    """Run one sequence block by block; every block starts from the given, constant states."""
    architecture, outputs = network.architecture, []
    for start, stop in zip(starts, [*starts[1:], len(x)], strict=True):
        below, n_active = x[start:stop], np.ones(stop - start, dtype=int)
        for layer in range(architecture.n_layers):
            state, weights = constants.get((start, layer)), network.weights(layer)
            below = architecture.cell.predict(below, n_active, weights, state)[1:]
        outputs.append(below)
    h = np.concatenate([np.zeros_like(outputs[0][:1]), *outputs])
    readout = architecture.readout
    features, n_active = h[1:, 0], np.ones(len(x), dtype=int)
    if readout is not None:
        features, _ = readout.forward(h, n_active, network.readout_weights())
    return features @ network.parameters["output.W"] + network.parameters["output.b"]


@pytest.mark.parametrize("bptt_steps", [1, 2, 3])
@pytest.mark.parametrize("readout", ALL_READOUTS)
@pytest.mark.parametrize("cell", CELLS)
def test_truncated_gradient_is_that_with_constant_states_between_blocks(cell, readout, bptt_steps):
    network = make_network(
        cell, "tanh", readout, hidden_sizes=(2, 2), bptt_steps=bptt_steps, n_outputs=1
    )
    loss = SquaredError()
    for length in (1, 2, 5, 6):
        x, n_active, y, weight = squared_error_problem(network, (length,))
        starts = block_starts(length, bptt_steps)
        constants = states_at(network, x, starts)

        def truncated_loss(x=x, y=y, weight=weight, starts=starts, constants=constants):
            raw_prediction = blockwise_prediction(network, x, starts, constants)
            return loss(raw_prediction, y, weight)[0] / weight.sum()

        assert_gradient_matches_along_a_direction(
            gradient_of(network, x, n_active, y, weight),
            truncated_loss,
            network.parameters.vector,
            f"{length=}",
        )


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("cell", CELLS)
def test_truncation_of_a_batch_is_that_of_its_rows(cell, bidirectional):
    network = make_network(cell, readout="mean", bidirectional=bidirectional, bptt_steps=2)
    x, n_active, y, _ = squared_error_problem(network, LONG_RAGGED)
    total = gradient_of(network, x, n_active, y, np.ones(len(y))) * len(y)
    of_rows = [
        gradient_of(network, x[:length, [r]], np.ones(length, int), y[[r]], np.ones(1))
        for r, length in enumerate(LONG_RAGGED)
    ]
    np.testing.assert_allclose(np.sum(of_rows, axis=0), total, rtol=1e-11, atol=1e-13)


def test_truncation_beyond_the_longest_sequence_changes_nothing():
    whole = make_network("lstm", readout="mean")
    problem = squared_error_problem(whole, LONG_RAGGED)
    truncated = make_network("lstm", readout="mean", bptt_steps=max(LONG_RAGGED))
    np.testing.assert_array_equal(gradient_of(truncated, *problem), gradient_of(whole, *problem))


def test_truncation_changes_the_gradient_but_not_the_loss():
    whole = make_network("lstm", readout="mean")
    problem = squared_error_problem(whole, LONG_RAGGED)
    truncated = make_network("lstm", readout="mean", bptt_steps=max(LONG_RAGGED) - 1)
    loss, gradient = whole.loss_and_gradient(*problem, loss=SquaredError())
    truncated_loss, truncated_gradient = truncated.loss_and_gradient(*problem, loss=SquaredError())
    assert truncated_loss == loss
    assert not np.allclose(truncated_gradient, gradient, rtol=1e-6, atol=0)


# --- Padding and batch-mates -------------------------------------------------------------


@pytest.mark.parametrize("garbage", [1.0, -1e300])
@pytest.mark.parametrize("readout", ALL_READOUTS)
@pytest.mark.parametrize("cell", CELLS)
def test_garbage_in_the_padding_changes_no_bit(cell, readout, garbage):
    network = make_network(cell, "tanh", readout, hidden_sizes=(3, 3), bidirectional=True)
    x, n_active, y, weight = squared_error_problem(network, LONG_RAGGED)
    dirty = x.copy()
    dirty[padding_of(n_active)] = garbage
    np.testing.assert_array_equal(network.predict(dirty, n_active), network.predict(x, n_active))
    np.testing.assert_array_equal(
        gradient_of(network, dirty, n_active, y, weight),
        gradient_of(network, x, n_active, y, weight),
    )


@pytest.mark.parametrize("readout", ALL_READOUTS)
@pytest.mark.parametrize("cell", CELLS)
def test_relu_stays_finite_beside_two_thousand_padded_steps(cell, readout):
    network = make_network(cell, "relu", readout, bidirectional=True)
    for direction in network.architecture.directions:
        # Large enough to overflow if padding ran: 3 ** 2000.
        network.weights(0, direction).get("W_h", np.zeros(0))[:] = 3.0
    short, n_active = make_batch((4, 2))
    x = np.zeros((2004, 2, 2))
    x[:4] = short
    n_active = np.concatenate([n_active, np.zeros(2000, dtype=int)])
    y, weight = make_targets("squared_error", count_rows(network, n_active[:4]))
    loss, gradient = network.loss_and_gradient(x, n_active, y, weight, loss=SquaredError())
    assert np.isfinite(loss)
    assert np.isfinite(gradient).all()
    assert gradient.any()


@pytest.mark.parametrize("readout", ALL_READOUTS)
def test_padding_beyond_the_longest_sequence_changes_nothing(readout):
    network = make_network("gru", "tanh", readout, hidden_sizes=(3, 3), bidirectional=True)
    x, n_active, y, weight = squared_error_problem(network)
    longer = np.concatenate([x, np.zeros((5, *x.shape[1:]))])
    padded = np.concatenate([n_active, np.zeros(5, dtype=int)])
    np.testing.assert_allclose(
        network.predict(longer, padded), network.predict(x, n_active), rtol=1e-14
    )
    np.testing.assert_allclose(
        gradient_of(network, longer, padded, y, weight),
        gradient_of(network, x, n_active, y, weight),
        rtol=1e-12,
        atol=1e-15,
    )


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("readout", SEQUENCE_READOUTS)
@pytest.mark.parametrize("cell", CELLS)
def test_a_batch_of_one_equals_the_row_in_a_batch_of_two_hundred(cell, readout, bidirectional):
    network = make_network(cell, "tanh", readout, hidden_sizes=(5, 4), bidirectional=bidirectional)
    lengths = np.sort(np.random.default_rng(0).integers(1, 13, 200))[::-1]
    x, n_active = make_batch(lengths)
    together = network.predict(x, n_active)
    for r in range(0, 200, 20):
        alone = network.predict(x[: lengths[r], [r]], np.ones(lengths[r], dtype=int))
        np.testing.assert_allclose(together[[r]], alone, rtol=0, atol=1e-12)


@pytest.mark.parametrize("cell", CELLS)
def test_a_row_does_not_hear_of_its_batch_mates(cell):
    network = make_network(cell, hidden_sizes=(3, 3), bidirectional=True)
    x, n_active = make_batch(LONG_RAGGED)
    changed = x.copy()
    changed[:5, 2] += 1
    before, after = network.predict(x, n_active), network.predict(changed, n_active)
    others = np.arange(len(before)) != 2
    np.testing.assert_array_equal(after[others], before[others])
    assert (after[2] != before[2]).all()


# --- Composition -------------------------------------------------------------------------


def as_batch_order(h, n_active):
    return h[~padding_of(n_active)]


@pytest.mark.parametrize("readout", ALL_READOUTS)
@pytest.mark.parametrize("cell", CELLS)
def test_training_sees_the_predictions_of_inference(cell, readout):
    network = make_network(cell, "tanh", readout, hidden_sizes=(3, 3), bidirectional=True)
    x, n_active = make_batch(RAGGED)
    np.testing.assert_allclose(
        network.forward(x, n_active).raw_prediction, network.predict(x, n_active), rtol=1e-13
    )


@pytest.mark.parametrize("lengths", [EQUAL, LONG_RAGGED])
def test_reversing_in_time_twice_gives_the_batch_back(lengths):
    x, n_active = make_batch(lengths)
    once = reverse_in_time(x, n_active)
    for r, length in enumerate(lengths):
        np.testing.assert_array_equal(once[:length, r], x[:length, r][::-1])
    np.testing.assert_array_equal(reverse_in_time(once, n_active), x)


@pytest.mark.parametrize("lengths", [EQUAL, LONG_RAGGED])
@pytest.mark.parametrize("cell", CELLS)
def test_reversed_input_reverses_the_outputs_if_the_directions_change_places(cell, lengths):
    network = make_network(cell, "tanh", EVERY_STEP, bidirectional=True)
    swapped = Network(network.architecture, Parameters(network.parameters.shapes))
    swapped.parameters["output.b"][:] = network.parameters["output.b"]
    upper, lower = np.split(network.parameters["output.W"], 2)
    swapped.parameters["output.W"][:] = np.concatenate([lower, upper])
    for here, there in [("forward", "reverse"), ("reverse", "forward")]:
        for name, array in network.weights(0, here).items():
            swapped.weights(0, there)[name][:] = array
    x, n_active = make_batch(lengths)
    outputs = np.zeros((*x.shape[:2], 2))
    outputs[~padding_of(n_active)] = network.predict(x, n_active)
    reversed_outputs = swapped.predict(reverse_in_time(x, n_active), n_active)
    expected = as_batch_order(reverse_in_time(outputs, n_active), n_active)
    np.testing.assert_allclose(reversed_outputs, expected, rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("readout", ALL_READOUTS)
@pytest.mark.parametrize("cell", CELLS)
def test_bidirectional_is_the_sum_of_two_unidirectional_networks(cell, readout):
    both = make_network(cell, "tanh", readout, bidirectional=True)
    x, n_active = make_batch(LONG_RAGGED)

    def one_direction(direction, W):
        network = make_network(cell, "tanh", readout)
        for name, array in both.weights(0, direction).items():
            network.weights(0)[name][:] = array
        for name, array in both.readout_weights(direction).items():
            network.readout_weights()[name][:] = array
        network.parameters["output.W"][:] = W
        network.parameters["output.b"][:] = 0
        return network

    upper, lower = np.split(both.parameters["output.W"], 2)
    forwards = one_direction("forward", upper).predict(x, n_active)
    backwards = one_direction("reverse", lower).predict(reverse_in_time(x, n_active), n_active)
    if readout == EVERY_STEP:
        steps = np.zeros((*x.shape[:2], 2))
        steps[~padding_of(n_active)] = backwards
        backwards = as_batch_order(reverse_in_time(steps, n_active), n_active)
    expected = forwards + backwards + both.parameters["output.b"]
    np.testing.assert_allclose(both.predict(x, n_active), expected, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("cell", CELLS)
def test_stacked_layers_are_the_composition_of_cells(cell):
    network = make_network(cell, "tanh", EVERY_STEP, hidden_sizes=(3, 4, 2))
    x, n_active = make_batch(LONG_RAGGED)
    below = x
    for layer in range(3):
        h, _ = network.architecture.cell.forward(below, n_active, network.weights(layer))
        below = h[1:]
    features = as_batch_order(below, n_active)
    expected = features @ network.parameters["output.W"] + network.parameters["output.b"]
    np.testing.assert_allclose(network.predict(x, n_active), expected, rtol=1e-13)


def test_readout_of_a_reversed_direction_is_its_state_after_the_first_step():
    network = make_network("gru", bidirectional=True)
    x, n_active = make_batch(RAGGED)
    run = network.forward(x, n_active)
    backwards = reverse_in_time(run.states[0]["reverse"][1:], n_active)
    np.testing.assert_array_equal(run.features[:, 3:], backwards[0])


# --- Dropout -----------------------------------------------------------------------------


def test_dropout_silences_the_same_units_at_all_steps_of_a_sequence():
    network = make_network(
        "gru", readout=EVERY_STEP, hidden_sizes=(6, 6), dropout=0.5, bidirectional=True
    )
    x, n_active = make_batch(EQUAL)
    run = network.forward(x, n_active, np.random.RandomState(0))
    silent = run.features.reshape(*x.shape[:2], -1) == 0
    assert 0 < silent.mean() < 1
    np.testing.assert_array_equal(silent, np.broadcast_to(silent[0], silent.shape))


@pytest.mark.parametrize("dropout", [0.2, 0.75])
def test_dropout_silences_its_share_and_keeps_the_mean(dropout):
    network = make_network("rnn", hidden_sizes=(200,), dropout=dropout)
    x, n_active = make_batch((1,) * 100)
    (mask,) = network.forward(x, n_active, np.random.RandomState(0)).masks
    assert np.mean(mask == 0) == pytest.approx(dropout, abs=0.01)
    assert mask.mean() == pytest.approx(1, abs=0.05)
    assert set(np.unique(mask)) == {0, 1 / (1 - dropout)}


def test_dropout_acts_between_layers_and_before_the_output_but_not_on_recurrences():
    network = make_network("rnn", readout=EVERY_STEP, hidden_sizes=(4, 5), dropout=0.5)
    x, n_active = make_batch(EQUAL)
    run = network.forward(x, n_active, np.random.RandomState(0))
    cell, (lower, upper) = network.architecture.cell, run.masks
    h, _ = cell.forward(x, n_active, network.weights(0))
    h, _ = cell.forward(h[1:] * lower, n_active, network.weights(1))
    np.testing.assert_allclose(run.features, (h[1:] * upper).reshape(-1, 5), rtol=1e-13)


def test_dropout_is_drawn_from_its_rng_alone():
    network = make_network("gru", dropout=0.5)
    x, n_active = make_batch(EQUAL)
    runs = [network.forward(x, n_active, np.random.RandomState(seed)) for seed in (1, 1, 2)]
    np.testing.assert_array_equal(runs[0].raw_prediction, runs[1].raw_prediction)
    assert not np.array_equal(runs[0].raw_prediction, runs[2].raw_prediction)


def test_without_rng_nothing_is_dropped():
    network = make_network("gru", dropout=0.5)
    x, n_active = make_batch(EQUAL)
    run = network.forward(x, n_active)
    assert run.masks == [None]
    np.testing.assert_allclose(run.raw_prediction, network.predict(x, n_active), rtol=1e-13)


# --- Parameters --------------------------------------------------------------------------


def test_parameters_lie_in_the_vector_layer_by_layer():
    architecture = Architecture(CELLS["gru"], 2, (3, 4), 5, bidirectional=True)
    assert architecture.shapes() == {
        "layers.0.forward.W_x": (2, 9),
        "layers.0.forward.W_h": (3, 9),
        "layers.0.forward.b": (9,),
        "layers.0.forward.b_hn": (3,),
        "layers.0.reverse.W_x": (2, 9),
        "layers.0.reverse.W_h": (3, 9),
        "layers.0.reverse.b": (9,),
        "layers.0.reverse.b_hn": (3,),
        "layers.1.forward.W_x": (6, 12),
        "layers.1.forward.W_h": (4, 12),
        "layers.1.forward.b": (12,),
        "layers.1.forward.b_hn": (4,),
        "layers.1.reverse.W_x": (6, 12),
        "layers.1.reverse.W_h": (4, 12),
        "layers.1.reverse.b": (12,),
        "layers.1.reverse.b_hn": (4,),
        "output.W": (8, 5),
        "output.b": (5,),
    }


def test_initialize_draws_inputs_by_init_and_recurrences_by_recurrent_init():
    architecture = Architecture(CELLS["rnn"], 2, (3, 3), 2, bidirectional=True)
    network = Network.initialize(architecture, np.random.RandomState(0), uniform, identity)
    for name, array in network.parameters.items():
        if name.endswith("W_h"):
            np.testing.assert_array_equal(array, np.eye(3))
        elif array.ndim == 1:
            np.testing.assert_array_equal(array, 0)
        else:
            assert (array != 0).all()
            assert np.abs(array).max() <= 0.05


def test_initialize_follows_its_seed():
    architecture = Architecture(CELLS["lstm"], 2, (3,), 2)

    def draw(seed):
        rng = np.random.RandomState(seed)
        return Network.initialize(architecture, rng, normal, orthogonal).parameters.vector

    np.testing.assert_array_equal(draw(0), draw(0))
    assert not np.array_equal(draw(0), draw(1))


def test_initialize_draws_the_same_weights_in_every_dtype():
    architecture = Architecture(CELLS["gru"], 2, (3,), 2)
    single, double = (
        Network.initialize(
            architecture, np.random.RandomState(0), xavier_uniform, orthogonal, dtype
        ).parameters.vector
        for dtype in (np.float32, np.float64)
    )
    assert single.dtype == np.float32
    np.testing.assert_array_equal(single, double.astype(np.float32))


def test_weight_mask_marks_matrices_and_leaves_biases_out():
    network = make_network("gru", hidden_sizes=(2, 2), bidirectional=True)
    mask = Parameters(network.parameters.shapes, network.weight_mask())
    for name, array in mask.items():
        assert (array == float(".W" in name)).all(), name


@pytest.mark.parametrize("cell", CELLS)
def test_a_read_only_vector_can_predict(cell):
    network = make_network(cell, hidden_sizes=(3, 3), bidirectional=True)
    x, n_active = make_batch(RAGGED)
    expected = network.predict(x, n_active)
    network.parameters.vector.flags.writeable = False
    x.flags.writeable = False
    np.testing.assert_array_equal(network.predict(x, n_active), expected)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("readout", ALL_READOUTS)
@pytest.mark.parametrize("cell", CELLS)
def test_float32_stays_float32_and_is_near_float64(cell, readout, loss):
    outcomes = []
    for dtype in (np.float32, np.float64):
        options = {"bidirectional": True, "dropout": 0.2, "n_outputs": raw_width(loss)}
        network = make_network(cell, "tanh", readout, hidden_sizes=(3, 3), dtype=dtype, **options)
        x, n_active = make_batch(RAGGED, dtype=dtype)
        y, weight = make_targets(loss, count_rows(network, n_active), dtype=dtype)
        run = network.forward(x, n_active, np.random.RandomState(0))
        arrays = [network.predict(x, n_active), run.raw_prediction, run.features]
        arrays += [h for states in run.states for h in states.values()]
        arrays += [LOSSES[loss]()(run.raw_prediction, y, weight)[1]]
        options = {"loss": LOSSES[loss](), "alpha": 0.1, "rng": np.random.RandomState(0)}
        arrays += [gradient_of(network, x, n_active, y, weight, **options)]
        assert {array.dtype for array in arrays} == {np.dtype(dtype)}
        outcomes.append(arrays)
    for single, double in zip(*outcomes, strict=True):
        np.testing.assert_allclose(single, double, rtol=1e-4, atol=1e-5)


def test_repr_names_the_architecture():
    shown = repr(make_network("rnn", hidden_sizes=(5,), bidirectional=True))
    assert "hidden_sizes=(5,)" in shown
    assert "n_parameters=102" in shown


def test_repr_names_no_part_that_is_not_there():
    shown = repr(make_network("rnn", hidden_sizes=(5,)))
    assert "cell=SimpleRNN()" in shown
    assert "frames" not in shown
    assert "bidirectional" not in shown
