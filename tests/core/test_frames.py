"""Several time steps as one: the part itself, and networks that have it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from gradcheck import assert_gradient_matches, assert_gradient_matches_along_a_direction
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
    make_token_batch,
    padding_of,
)

from skrnn.core.activations import ACTIVATIONS
from skrnn.core.cells import CELLS
from skrnn.core.embedding import Embedding
from skrnn.core.frames import Frames
from skrnn.core.initializers import orthogonal
from skrnn.core.losses import SquaredError
from skrnn.core.network import Network
from skrnn.core.parameters import Parameters
from skrnn.core.readouts import real_steps

RELU = ACTIVATIONS["relu"]
TANH = ACTIVATIONS["tanh"]
# Length and stride; ragged lengths have first and last frames of every kind.
CUTS = [(1, 1), (2, 2), (3, 3), (3, 2), (5, 2), (7, 3), (4, 1)]
LONG = (9, 7, 4, 2, 1)
LENGTHS = {"equal": (6, 6, 6), "one": (1, 1), "ragged": LONG}
PLAIN = Frames(2, 3, 2)
LEARNT = Frames(2, 3, 2, 4, TANH)
BOTH = pytest.mark.parametrize("frames", [PLAIN, LEARNT], ids=["plain", "learnt"])

each_cut = pytest.mark.parametrize(("length", "stride"), CUTS)
each_lengths = pytest.mark.parametrize("lengths", LENGTHS.values(), ids=LENGTHS)
each_shift = pytest.mark.parametrize("shift", [0, -1, -2, -4])  # at most a stride less one


def places(length, stride, lengths, shift):
    """Frame, row and place of every step of every real frame, with the step that stands there."""
    for row, n_timesteps in enumerate(lengths):
        for j in range(-(-(n_timesteps - shift) // stride)):
            for k in range(length):
                yield j, row, k, min(max(j * stride + k + shift, 0), n_timesteps - 1)


def problem(network, lengths=RAGGED):
    x, n_active = make_batch(lengths)
    rows = count_rows(network, n_active)
    return x, n_active, *make_targets("squared_error", rows, network.architecture.n_outputs)


def gradient_of(network, *batch, **options):
    return network.loss_and_gradient(*batch, loss=SquaredError(), **options)[1]


# --- the layer -----------------------------------------------------------------------------------


@each_shift
@each_lengths
@each_cut
def test_a_frame_has_its_steps_side_by_side_and_the_edges_repeated(length, stride, lengths, shift):
    x, n_active = make_batch(lengths)
    shift = max(shift, 1 - stride)
    frames, _ = Frames(2, length, stride).forward(x, n_active, {}, shift)
    assert frames.shape == (-(-(max(lengths) - shift) // stride), len(lengths), 2 * length)
    for j, row, k, step in places(length, stride, lengths, shift):
        np.testing.assert_array_equal(frames[j, row, 2 * k : 2 * k + 2], x[step, row])


@each_cut
def test_what_stands_at_padding_gets_into_no_frame(length, stride):
    x, n_active = make_batch(LONG)
    x[padding_of(n_active)] = np.nan
    frames, _ = Frames(2, length, stride).forward(x, n_active, {})
    assert np.isfinite(frames).all()


@each_lengths
@each_cut
def test_a_row_has_as_many_frames_as_strides_begin_in_it(length, stride, lengths):
    _, n_active = make_batch(lengths)
    of_frames = Frames(2, length, stride).n_active(n_active)
    rows = real_steps(of_frames, len(lengths)).sum(axis=0)
    assert rows.tolist() == [-(-n // stride) for n in lengths]


@each_shift
@each_lengths
@each_cut
def test_backward_adds_up_the_places_of_every_step(length, stride, lengths, shift, rng):
    part, shift = Frames(2, length, stride), max(shift, 1 - stride)
    x, n_active = make_batch(lengths)
    frames, cache = part.forward(x, n_active, {}, shift)
    d_frames = rng.normal(size=frames.shape)
    d_frames[~real_steps(part.n_active(n_active, shift), len(lengths))] = 0
    expected = np.zeros_like(x)
    for j, row, k, step in places(length, stride, lengths, shift):
        expected[step, row] += d_frames[j, row, 2 * k : 2 * k + 2]
    dx, dweights = part.backward(d_frames, cache, {})
    np.testing.assert_allclose(dx, expected, rtol=1e-13, atol=1e-14)
    assert dweights == {}


def test_frames_that_overlap_share_their_memory():
    x, n_active = make_batch((12, 12))
    frames, _ = Frames(2, 6, 2).forward(x, n_active, {})
    assert np.shares_memory(frames[0], frames[1])
    assert not np.shares_memory(frames, x)


def test_the_learnt_layer_is_one_affine_map_of_every_frame(rng):
    x, n_active = make_batch(LONG)
    weights = {"W": rng.normal(size=(6, 4)), "b": rng.normal(size=4)}
    outputs, _ = LEARNT.forward(x, n_active, weights)
    plain, _ = PLAIN.forward(x, n_active, {})
    np.testing.assert_allclose(outputs, np.tanh(plain @ weights["W"] + weights["b"]), rtol=1e-13)


def test_without_units_there_are_no_weights():
    assert PLAIN.shapes() == {}
    assert PLAIN.width == 6


def test_the_weights_of_the_learnt_layer_begin_as_asked_for():
    weights = {name: np.zeros(shape) for name, shape in LEARNT.shapes().items()}
    LEARNT.initialize(weights, np.random.RandomState(0), orthogonal)
    np.testing.assert_array_equal(weights["W"], orthogonal(np.random.RandomState(0), 6, 4))
    assert not weights["b"].any()


@pytest.mark.parametrize("stride", [2, 3, 4, 5])
def test_every_phase_of_the_frames_is_drawn_alike(stride):
    frames, rng = Frames(1, stride, stride, random_phase=True), np.random.RandomState(0)
    drawn = [frames.draw_shift(rng) for _ in range(2000)]
    values, counts = np.unique(drawn, return_counts=True)
    assert values.tolist() == list(range(-stride + 1, 1))
    np.testing.assert_allclose(counts / 2000, 1 / len(values), atol=0.05)


@pytest.mark.parametrize(
    "frames", [Frames(1, 4, 4), Frames(1, 4, 1, random_phase=True)], ids=["fixed", "every step"]
)
def test_nothing_is_drawn_where_frames_are_not_shifted(frames):
    rng = np.random.RandomState(0)
    assert frames.draw_shift(rng) == 0
    assert rng.randint(1000) == np.random.RandomState(0).randint(1000)


def test_what_holds_for_a_frame_holds_for_the_steps_that_begin_with_it():
    of_steps = Frames(1, 5, 3).by_step(np.array([[1], [2], [3]]), 8)
    assert of_steps[:, 0].tolist() == [1, 1, 1, 2, 2, 2, 3, 3]


# --- the network ---------------------------------------------------------------------------------


@pytest.mark.parametrize("lengths", [EQUAL, LONG])
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("readout", ALL_READOUTS)
@pytest.mark.parametrize("cell", CELLS)
@BOTH
def test_gradient_matches_differences(frames, cell, readout, bidirectional, lengths):
    network = make_network(cell, "tanh", readout, frames=frames, bidirectional=bidirectional)
    x, n_active, y, weight = problem(network, lengths)
    options = {"loss": SquaredError(), "alpha": 0.3}
    assert_gradient_matches_along_a_direction(
        network.loss_and_gradient(x, n_active, y, weight, **options)[1],
        lambda: network.loss_and_gradient(x, n_active, y, weight, **options)[0],
        network.parameters.vector,
    )


@each_cut
def test_every_gradient_matches_differences_with_dropout_and_a_random_phase(length, stride):
    frames = Frames(2, length, stride, 3, TANH, random_phase=True)
    network = make_network(hidden_sizes=(3, 2), frames=frames, dropout=0.3, bidirectional=True)
    batch = problem(network, LONG)

    def loss_and_gradient():
        rng = np.random.RandomState(5)
        return network.loss_and_gradient(*batch, loss=SquaredError(), rng=rng)

    assert_gradient_matches(
        loss_and_gradient()[1],
        lambda: loss_and_gradient()[0],
        network.parameters.vector,
        [name for name, array in network.parameters.items() for _ in range(array.size)],
    )


@pytest.mark.parametrize("units", [None, 3])
def test_every_gradient_above_an_embedding_matches_differences(units):
    embedding = Embedding(((5, 3), None))
    frames = Frames(embedding.width, 3, 2, units, TANH, random_phase=True)
    network = make_network(embedding=embedding, frames=frames)
    x, n_active = make_token_batch(LONG)
    y, weight = make_targets("squared_error", len(LONG))

    def loss_and_gradient():
        rng = np.random.RandomState(5)
        return network.loss_and_gradient(x, n_active, y, weight, loss=SquaredError(), rng=rng)

    assert_gradient_matches(
        loss_and_gradient()[1],
        lambda: loss_and_gradient()[0],
        network.parameters.vector,
        [name for name, array in network.parameters.items() for _ in range(array.size)],
    )


@pytest.mark.parametrize("lengths", [EQUAL, LONG])
@pytest.mark.parametrize("readout", ALL_READOUTS)
@BOTH
def test_gradient_of_the_inputs_matches_differences(frames, readout, lengths):
    network = make_network("gru", "tanh", readout, frames=frames, bidirectional=True)
    x, n_active, _, weight = problem(network, lengths)
    selector = np.stack([weight, -weight], axis=1)

    def output():
        return float((network.predict(x, n_active) * selector).sum())

    run = network.forward(x, n_active)
    dx, _ = network.state_gradients(network.gradient_of_top(selector, run), run)
    assert not dx[padding_of(n_active)].any()
    real = ~padding_of(n_active)
    values = x[real]

    def output_of_values():
        x[real] = values
        return output()

    assert_gradient_matches(dx[real], output_of_values, values)


@pytest.mark.parametrize(("bptt_steps", "in_frames"), [(1, 1), (2, 1), (3, 1), (4, 2), (9, 4)])
@pytest.mark.parametrize("cell", CELLS)
def test_layers_over_plain_frames_are_those_over_inputs_made_of_frames(cell, bptt_steps, in_frames):
    network = make_network(cell, frames=PLAIN, bidirectional=True, bptt_steps=bptt_steps)
    x, n_active, y, weight = problem(network, LONG)
    made, _ = PLAIN.forward(x, n_active, {})
    architecture = replace(
        network.architecture, frames=None, n_inputs=PLAIN.width, bptt_steps=in_frames
    )
    same = Network(architecture, network.parameters)
    of_frames = PLAIN.n_active(n_active)
    np.testing.assert_array_equal(network.predict(x, n_active), same.predict(made, of_frames))
    np.testing.assert_array_equal(
        gradient_of(network, x, n_active, y, weight), gradient_of(same, made, of_frames, y, weight)
    )


def test_frames_of_one_step_change_nothing():
    with_frames = make_network(frames=Frames(2, 1, 1, random_phase=True), dropout=0.3)
    without = make_network(dropout=0.3)
    batch = problem(without, LONG)
    np.testing.assert_array_equal(
        gradient_of(with_frames, *batch, rng=np.random.RandomState(0)),
        gradient_of(without, *batch, rng=np.random.RandomState(0)),
    )


@pytest.mark.parametrize("shift", [-1, 0])
def test_a_batch_in_training_sees_the_shift_that_is_drawn(shift):
    network = make_network(frames=replace(PLAIN, random_phase=True))
    x, n_active = make_batch(LONG)
    seed = next(s for s in range(99) if -np.random.RandomState(s).randint(2) == shift)
    run = network.forward(x, n_active, np.random.RandomState(seed))
    expected, _ = PLAIN.forward(x, n_active, {}, shift)
    np.testing.assert_array_equal(run.frames.frames, expected)


def test_predictions_see_no_shift():
    network = make_network(frames=replace(PLAIN, random_phase=True))
    fixed = Network(replace(network.architecture, frames=PLAIN), network.parameters)
    x, n_active = make_batch(LONG)
    np.testing.assert_array_equal(network.predict(x, n_active), fixed.predict(x, n_active))
    np.testing.assert_array_equal(
        network.forward(x, n_active).raw_prediction, fixed.forward(x, n_active).raw_prediction
    )


@pytest.mark.parametrize("garbage", [1.0, -1e300])
@pytest.mark.parametrize("cell", CELLS)
@BOTH
def test_garbage_in_the_padding_changes_no_bit(frames, cell, garbage):
    network = make_network(cell, frames=frames, hidden_sizes=(3, 3), bidirectional=True)
    x, n_active, y, weight = problem(network, LONG)
    dirty = x.copy()
    dirty[padding_of(n_active)] = garbage
    np.testing.assert_array_equal(network.predict(dirty, n_active), network.predict(x, n_active))
    np.testing.assert_array_equal(
        gradient_of(network, dirty, n_active, y, weight),
        gradient_of(network, x, n_active, y, weight),
    )


@BOTH
def test_a_row_does_not_hear_of_its_batch_mates(frames):
    network = make_network(frames=frames, hidden_sizes=(3, 3), bidirectional=True)
    x, n_active = make_batch(LONG)
    changed = x.copy()
    changed[:4, 2] += 1
    before, after = network.predict(x, n_active), network.predict(changed, n_active)
    others = np.arange(len(before)) != 2
    np.testing.assert_array_equal(after[others], before[others])
    assert (after[2] != before[2]).all()


@pytest.mark.parametrize("readout", SEQUENCE_READOUTS)
@BOTH
def test_a_batch_of_one_equals_the_row_in_a_batch_of_two_hundred(frames, readout):
    network = make_network("gru", "tanh", readout, frames=frames, bidirectional=True)
    lengths = np.sort(np.random.default_rng(0).integers(1, 13, 200))[::-1]
    x, n_active = make_batch(lengths)
    together = network.predict(x, n_active)
    for r in range(0, 200, 20):
        alone = network.predict(x[: lengths[r], [r]], np.ones(lengths[r], dtype=int))
        np.testing.assert_allclose(together[[r]], alone, rtol=0, atol=1e-12)


def test_a_random_phase_without_a_readout_is_refused():
    with pytest.raises(ValueError, match="so they cannot be shifted"):
        make_network(readout=EVERY_STEP, frames=replace(PLAIN, random_phase=True))


@each_cut
def test_a_frame_answers_for_the_steps_that_begin_with_it(length, stride):
    network = make_network(readout=EVERY_STEP, frames=Frames(2, length, stride))
    x, n_active = make_batch(LONG)
    h = network.forward(x, n_active).states[0]["forward"][1:]
    W, b = network.parameters["output.W"], network.parameters["output.b"]
    expected = []
    for t, n in enumerate(n_active):
        columns = slice(t % stride * 2, t % stride * 2 + 2)
        expected.append(h[t // stride, :n] @ W[:, columns] + b[columns])
    np.testing.assert_allclose(
        network.predict(x, n_active), np.concatenate(expected), rtol=1e-13, atol=1e-15
    )


def test_steps_of_another_frame_do_not_answer():
    network = make_network(readout=EVERY_STEP, frames=Frames(2, 2, 2))
    x, n_active = make_batch((6, 6))
    changed = x.copy()
    changed[4:] += 1
    before, after = network.predict(x, n_active), network.predict(changed, n_active)
    np.testing.assert_array_equal(after[:8], before[:8])
    assert (after[8:] != before[8:]).all()


def test_weights_lie_between_the_embedding_and_the_layers():
    embedding = Embedding(((5, 3), None))
    network = make_network(embedding=embedding, frames=replace(LEARNT, n_inputs=4))
    assert list(network.parameters)[:4] == [
        "embedding.0.W",
        "frames.W",
        "frames.b",
        "layers.0.forward.W_x",
    ]
    assert network.parameters["frames.W"].shape == (12, 4)
    assert network.parameters["layers.0.forward.W_x"].shape[0] == 4


def test_the_network_above_the_embedding_has_the_frames():
    embedding = Embedding(((5, 3), None))
    network = make_network(embedding=embedding, frames=replace(LEARNT, n_inputs=4))
    x, n_active = make_token_batch(LONG)
    above, embedded = network.above_embedding(), network.embed(x, n_active)
    np.testing.assert_array_equal(above.predict(embedded, n_active), network.predict(x, n_active))
    assert np.shares_memory(above.parameters.vector, network.parameters.vector)


def test_the_biases_of_frames_do_not_decay():
    network = make_network(frames=LEARNT)
    mask = Parameters(network.parameters.shapes, network.weight_mask())
    assert mask["frames.W"].all()
    assert not mask["frames.b"].any()


@BOTH
def test_float32_stays_float32(frames):
    network = make_network(frames=frames, dtype=np.float32)
    x, n_active = make_batch(LONG, dtype=np.float32)
    y, weight = make_targets("squared_error", len(LONG), dtype=np.float32)
    assert network.predict(x, n_active).dtype == np.float32
    assert gradient_of(network, x, n_active, y, weight).dtype == np.float32
