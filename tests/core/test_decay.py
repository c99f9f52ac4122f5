"""Missing values inside sequences: what stands in their place, gradients, pieces, PyTorch."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from gradcheck import assert_gradient_matches
from small_networks import (
    EVERY_STEP,
    RAGGED,
    count_rows,
    make_batch,
    make_network,
    make_targets,
    make_token_batch,
    padding_of,
)

from skrnn.core import inference
from skrnn.core.activations import ACTIVATIONS
from skrnn.core.decay import Decay
from skrnn.core.differences import Differences
from skrnn.core.draws import draw
from skrnn.core.embedding import Embedding
from skrnn.core.frames import Frames
from skrnn.core.losses import SquaredError
from skrnn.core.network import Network

MEANS = (0.5, -1.0)
BOTH = Decay(2, (0, 1), MEANS)
LENGTHS = (9, 9, 7, 4)
TANH = ACTIVATIONS["tanh"]
VARIANTS = {
    "steps": {},
    "one channel": {"decay": Decay(2, (1,), MEANS[1:])},
    "frames": {"frames": Frames(4, 3, 2, 5, TANH)},
    "frames as they are": {"frames": Frames(4, 2, 2)},
    "differences": {"differences": Differences((2.0, 0.5), 2)},
    "both": {
        "differences": Differences((2.0, 0.5), 2),
        "frames": Frames(6, 3, 2, 5, TANH),
    },
    "bidirectional": {"bidirectional": True},
    "stacked": {"hidden_sizes": (3, 2)},
    "every step": {"readout": EVERY_STEP},
    "frames at every step": {"readout": EVERY_STEP, "frames": Frames(4, 3, 2, 5, TANH)},
}


def make_gaps(lengths=LENGTHS, columns=(0, 1), dtype=np.float64):
    """A batch with gaps at the start, inside and at the end, and one of several steps."""
    x, n_active = make_batch(lengths, dtype=dtype)
    missing = np.random.default_rng(5).uniform(size=x.shape) < 0.4
    missing[0, 0, 0] = missing[2:5, 1, 1] = missing[0, 1, 1] = True
    missing[padding_of(n_active)] = False
    missing[..., [c for c in range(x.shape[2]) if c not in columns]] = False
    x[missing] = np.nan
    return x, n_active


def network_of(variant: dict, cell: str = "gru", **options) -> Network:
    return make_network(cell, **{"decay": BOTH, **variant, **options})


@pytest.fixture(params=VARIANTS.values(), ids=VARIANTS)
def variant(request):
    return request.param


def loss_of(network: Network, x: np.ndarray, n_active: np.ndarray) -> tuple[float, np.ndarray]:
    y, weight = make_targets("squared_error", count_rows(network, n_active), 2)
    return network.loss_and_gradient(x, n_active, y, weight, loss=SquaredError())


def test_the_formula_by_hand():
    x = np.array([np.nan, 2.0, np.nan, np.nan, 6.0]).reshape(5, 1, 1)
    weights = {"w": np.array([0.3]), "b": np.array([0.1])}
    outputs, _ = Decay(1, (0,), (1.0,)).forward(x, weights)
    one, two = np.exp(-0.4), np.exp(-0.7)
    expected = [[1, 0.3], [2, 0], [one * 2 + 1 - one, 0.3], [two * 2 + 1 - two, 0.3], [6, 0]]
    np.testing.assert_allclose(outputs[:, 0], expected, rtol=1e-14)


def test_a_rate_below_zero_carries_the_last_value_on():
    x = np.array([2.0, np.nan]).reshape(2, 1, 1)
    outputs, cache = Decay(1, (0,), (1.0,)).forward(x, {"w": np.array([-1.0]), "b": np.zeros(1)})
    assert outputs[1, 0, 0] == 2.0
    _, dweights = Decay(1, (0,), (1.0,)).backward(np.ones((2, 1, 2)), cache, {})
    assert dweights["w"] == dweights["b"] == 0


def test_without_gaps_nothing_but_an_indicator_of_zeros_is_added():
    x, _ = make_batch(RAGGED)
    weights = {"w": np.ones(1), "b": np.ones(1)}
    outputs, _ = Decay(2, (1,), MEANS[1:]).forward(x, weights)
    np.testing.assert_array_equal(outputs[..., :2], x)
    np.testing.assert_array_equal(outputs[..., 2], 0)


def test_without_columns_it_is_not_there():
    plain, part = make_network("gru"), make_network("gru", decay=Decay(2, (), ()))
    x, n_active = make_batch(RAGGED)
    assert part.architecture.shapes() == plain.architecture.shapes()
    assert not part.architecture.learns_below_layers
    np.testing.assert_array_equal(loss_of(part, x, n_active)[1], loss_of(plain, x, n_active)[1])


def test_the_rates_start_at_a_tenth_without_a_draw():
    plain, part = make_network("gru", seed=3), make_network("gru", decay=BOTH, seed=3)
    network = Network(part.architecture, part.parameters.empty_like())
    own = {"w": np.empty(2), "b": np.zeros(2)}
    rng = np.random.RandomState(0)
    before = rng.get_state()[1].copy()
    BOTH.initialize(own, rng, lambda *_: None)
    np.testing.assert_array_equal(own["w"], 0.1)
    np.testing.assert_array_equal(rng.get_state()[1], before)
    assert network.architecture.layers[0].n_inputs == plain.architecture.layers[0].n_inputs + 2


def test_gradient_matches_differences(variant):
    network = network_of(variant)
    x, n_active = make_gaps(columns=network.architecture.decay.columns)
    _, gradient = loss_of(network, x, n_active)
    names = [name for name, array in network.parameters.items() for _ in range(array.size)]
    assert_gradient_matches(
        gradient,
        lambda: loss_of(network, x, n_active)[0],
        network.parameters.vector,
        names,
    )


def test_truncation_cuts_what_comes_back_to_the_rates():
    """A gradient that crosses as many steps as there are is the whole one."""
    x, n_active = make_gaps()
    gradients = [
        loss_of(network_of({}, bptt_steps=n), x, n_active)[1] for n in (None, len(n_active), 1)
    ]
    np.testing.assert_array_equal(gradients[1], gradients[0])
    rates = slice(0, 4)
    assert (np.abs(gradients[2][rates]) > 0).any()
    assert not np.allclose(gradients[2][rates], gradients[0][rates])


@pytest.mark.parametrize("cell", ["rnn", "lstm", "lru"])
def test_gradient_below_other_cells_matches_differences(cell):
    network, (x, n_active) = network_of({}, cell), make_gaps()
    _, gradient = loss_of(network, x, n_active)
    assert_gradient_matches(
        gradient, lambda: loss_of(network, x, n_active)[0], network.parameters.vector
    )


def test_gradients_of_inputs_match_differences(variant):
    network = network_of(variant)
    x, n_active = make_gaps(columns=network.architecture.decay.columns)
    y, weight = make_targets("squared_error", count_rows(network, n_active), 2)
    run = network.forward(x, n_active)
    _, d_raw = SquaredError()(run.raw_prediction, y, weight)
    dx, _ = network.state_gradients(network.gradient_of_top(d_raw, run), run)
    there = ~np.isnan(x)
    np.testing.assert_array_equal(dx[~there], 0)
    values = x[there]

    def loss():
        changed = x.copy()
        changed[there] = values
        return SquaredError()(network.predict(changed, n_active), y, weight)[0]

    assert_gradient_matches(dx[there], loss, values)


def test_gradient_above_an_embedding_matches_differences():
    embedding = Embedding(((5, 2), None))
    network = make_network(embedding=embedding, decay=Decay(3, (2,), (0.5,)))
    x, n_active = make_token_batch(LENGTHS)
    x[np.isnan(make_gaps(columns=(1,))[0])] = np.nan
    _, gradient = loss_of(network, x, n_active)
    assert_gradient_matches(
        gradient, lambda: loss_of(network, x, n_active)[0], network.parameters.vector
    )


def test_above_embedding_keeps_the_decay():
    embedding = Embedding(((5, 2), None))
    network = make_network(embedding=embedding, decay=Decay(3, (2,), (0.5,)))
    x, n_active = make_token_batch(LENGTHS)
    x[1, 0, 1] = np.nan
    embedded = network.embed(x, n_active)
    np.testing.assert_array_equal(
        network.above_embedding().predict(embedded, n_active), network.predict(x, n_active)
    )


def test_what_stands_at_padding_has_no_effect(variant):
    network = network_of(variant)
    x, n_active = make_gaps(columns=network.architecture.decay.columns)
    expected = network.predict(x, n_active)
    x[padding_of(n_active)] = 7.0
    np.testing.assert_array_equal(network.predict(x, n_active), expected)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_pieces_give_the_same_to_the_bit(variant, dtype, monkeypatch):
    """Estimates go on from the piece before, wherever it ends."""
    network = network_of(variant, dtype=dtype)
    x, n_active = make_gaps((40, 40, 33, 20, 3), network.architecture.decay.columns, dtype)
    expected = network.predict(x, n_active)
    monkeypatch.setattr(inference, "PIECE", 40)
    monkeypatch.setattr(inference, "PADDING", 0)
    np.testing.assert_array_equal(network.predict(x, n_active), expected)
    assert expected.dtype == dtype


def test_pieces_are_taken_where_they_can_be():
    architecture = network_of({}).architecture
    dtype = np.dtype(np.float64)
    plain = inference.runs_in_pieces(replace(architecture, decay=None), dtype)
    assert inference.runs_in_pieces(architecture, dtype) == plain
    assert not inference.runs_in_pieces(replace(architecture, bidirectional=True), dtype)


def test_estimates_do_not_depend_on_other_sequences(variant):
    network = network_of(variant)
    weights = {"w": np.array([0.2, 0.4])[: len(network.architecture.decay.columns)]}
    weights["b"] = 0 * weights["w"]
    x, _ = make_gaps((9, 9, 9, 9), network.architecture.decay.columns)
    together = network.architecture.decay.forward(x, weights)[0]
    for i in range(x.shape[1]):
        alone = network.architecture.decay.forward(x[:, i : i + 1], weights)[0]
        np.testing.assert_array_equal(alone, together[:, i : i + 1])


def test_gradient_against_torch():
    torch = pytest.importorskip("torch")
    x, _ = make_gaps((9, 9, 9, 9))
    weights = {"w": np.array([0.2, 0.4]), "b": np.array([0.1, -0.3])}
    d_outputs = np.random.default_rng(3).normal(size=(9, 4, 4))
    outputs, cache = BOTH.forward(x, weights)
    dx, dweights = BOTH.backward(d_outputs, cache, weights)
    observed = ~np.isnan(x)
    leaf = torch.tensor(np.nan_to_num(x), requires_grad=True)
    w, b = (torch.tensor(weights[name], requires_grad=True) for name in "wb")
    means = torch.tensor(MEANS, dtype=torch.float64)
    last, delta, rows = means.expand(4, 2), torch.zeros(4, 2, dtype=torch.float64), []
    for t in range(9):
        m = torch.tensor(observed[t])
        delta = torch.where(m, 0.0, delta + 1)
        gamma = torch.exp(-torch.relu(w * delta + b))
        rows.append(torch.where(m, leaf[t], gamma * last + (1 - gamma) * means))
        last = torch.where(m, leaf[t], last)
    made = torch.stack(rows)
    made.backward(torch.tensor(d_outputs[..., :2]))
    np.testing.assert_allclose(outputs[..., :2], made.detach().numpy(), rtol=1e-13)
    np.testing.assert_allclose(dx, leaf.grad.numpy(), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(dweights["w"], w.grad.numpy(), rtol=1e-12)
    np.testing.assert_allclose(dweights["b"], b.grad.numpy(), rtol=1e-12)


# --- values hidden in training -------------------------------------------------------------------


def test_what_another_sample_lacks_is_hidden():
    x = np.zeros((3, 3, 1))
    x[0, 0], x[1, 1] = np.nan, np.nan
    # The order by the first number is 1, 2, 0: sample 0 lacks what 1 lacks, 2 what 0 lacks.
    drawn = np.array([[0.9, 0.0], [0.1, 0.0], [0.5, 0.0]])
    hidden = Decay(1, (0,), (0.0,)).hidden(x, np.full(3, 3), drawn)[..., 0]
    np.testing.assert_array_equal(np.argwhere(hidden), [[0, 2], [1, 0]])


def test_one_in_four_samples_keeps_its_values():
    x = np.zeros((1, 4, 1))
    x[0, 3] = np.nan
    drawn = np.array([[0.9, 0.74], [0.8, 0.76], [0.7, 0.1], [0.6, 0.1]])
    hidden = Decay(1, (0,), (0.0,)).hidden(x, np.full(1, 4), drawn)
    assert hidden[0, :, 0].tolist() == [True, False, False, False]


def test_nothing_is_hidden_at_padding_or_where_it_is_missing():
    x, n_active = make_gaps()
    drawn = np.column_stack([[0.3, 0.2, 0.1, 0.0], np.zeros(4)])
    hidden = BOTH.hidden(x, n_active, drawn)
    assert hidden.any()
    assert not hidden[padding_of(n_active)].any()
    assert not (hidden & np.isnan(x)).any()


def test_a_hidden_value_is_estimated_and_not_marked():
    x, n_active = make_gaps()
    weights = {"w": np.array([0.3, 0.1]), "b": np.array([0.1, 0.2])}
    hidden = BOTH.hidden(x, n_active, BOTH.draw(np.random.RandomState(0), 4))
    outputs, _ = BOTH.forward(x, weights, hidden=hidden)
    expected, _ = BOTH.forward(np.where(hidden, np.nan, x), weights)
    np.testing.assert_array_equal(outputs[..., :2], expected[..., :2])
    np.testing.assert_array_equal(outputs[..., 2:], 0.3 * np.isnan(x))


def test_gradient_with_hidden_values_matches_differences(variant):
    network = network_of(variant)
    x, n_active = make_gaps(columns=network.architecture.decay.columns)
    y, weight = make_targets("squared_error", count_rows(network, n_active), 2)

    def loss_and_gradient():
        rng = np.random.RandomState(3)  # the same values every time
        return network.loss_and_gradient(x, n_active, y, weight, loss=SquaredError(), rng=rng)

    loss, gradient, *_ = loss_and_gradient()
    assert loss != loss_of(network, x, n_active)[0]
    vector = network.parameters.vector
    assert_gradient_matches(gradient, lambda: loss_and_gradient()[0], vector)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_hiding_keeps_the_inputs_and_their_dtype(dtype):
    x, n_active = make_gaps(dtype=dtype)
    before = x.copy()
    hidden = BOTH.hidden(x, n_active, BOTH.draw(np.random.RandomState(0), 4))
    outputs, _ = BOTH.forward(x, {"w": np.ones(2, dtype), "b": np.zeros(2, dtype)}, hidden=hidden)
    assert outputs.dtype == dtype
    np.testing.assert_array_equal(x, before)


def test_nothing_is_drawn_without_gaps():
    rng = np.random.RandomState(0)
    assert Decay(2, (), ()).draw(rng, 4) is None
    assert rng.uniform() == np.random.RandomState(0).uniform()


def test_every_part_of_a_batch_gets_its_own_draws():
    network = network_of({})
    draws = draw(network.architecture, np.random.RandomState(0), 4, np.dtype(float))
    np.testing.assert_array_equal(draws.of_rows(1, 3).of_gaps, draws.of_gaps[1:3])
