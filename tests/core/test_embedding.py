"""Ids through a learnt table: the core, the estimators and what inspection sees of them."""

from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from gradcheck import assert_gradient_matches, assert_gradient_matches_along_a_direction
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline, make_pipeline
from small_networks import (
    ALL_READOUTS,
    EQUAL,
    RAGGED,
    count_rows,
    make_network,
    make_targets,
    make_token_batch,
    padding_of,
)

from skrnn import RNNClassifier, RNNRegressor
from skrnn.core import kernels
from skrnn.core.cells import CELLS
from skrnn.core.embedding import Embedding
from skrnn.core.initializers import zeros
from skrnn.core.losses import SquaredError
from skrnn.core.network import Network
from skrnn.core.parameters import Parameters
from skrnn.inspection import (
    HiddenStates,
    diagnose,
    gradient_flow,
    hidden_states,
    input_attributions,
    permutation_importance,
    record_gradient_flow,
    unrolled,
)
from skrnn.preprocessing import SequenceScaler, TokenEncoder

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

N_TOKENS, WIDTH = 5, 3
MIXED = Embedding(((N_TOKENS, WIDTH), None))


def problem(network, lengths=RAGGED):
    x, n_active = make_token_batch(lengths, N_TOKENS)
    rows = count_rows(network, n_active)
    return x, n_active, *make_targets("squared_error", rows, network.architecture.n_outputs)


# --- the layer -----------------------------------------------------------------------------------


def test_forward_looks_rows_up_and_passes_numbers():
    table = np.arange(15.0).reshape(N_TOKENS, WIDTH)
    x, n_active = make_token_batch(RAGGED)
    embedded, _ = MIXED.forward(x, n_active, {"0.W": table})
    real = ~padding_of(n_active)
    np.testing.assert_array_equal(embedded[real][:, :3], table[x[real][:, 0].astype(int)])
    np.testing.assert_array_equal(embedded[real][:, 3], x[real][:, 1])


def test_padding_is_embedded_as_zero():
    x, n_active = make_token_batch(RAGGED)
    embedded, _ = MIXED.forward(x, n_active, {"0.W": np.ones((N_TOKENS, WIDTH))})
    assert not embedded[padding_of(n_active)].any()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_backward_adds_up_what_every_id_received(dtype, rng):
    ids = rng.integers(0, N_TOKENS, size=(40, 30, 1))
    d_embedded = rng.normal(size=(40, 30, WIDTH)).astype(dtype)
    _, gradient = Embedding(((N_TOKENS, WIDTH),)).backward(d_embedded, ids.astype(dtype), {})
    expected = np.zeros((N_TOKENS, WIDTH), dtype)
    np.add.at(expected, ids[..., 0], d_embedded)
    assert gradient["0.W"].dtype == dtype
    np.testing.assert_array_equal(gradient["0.W"], expected)


def test_every_channel_has_a_table_of_its_own():
    embedding = Embedding(((4, 2), None, (6, 1)))
    assert embedding.shapes() == {"0.W": (4, 2), "2.W": (6, 1)}
    assert embedding.widths.tolist() == [2, 1, 1]
    assert embedding.width == 4


def test_vectors_start_small_and_random():
    tables = {"0.W": np.zeros((400, 50))}
    Embedding(((400, 50),)).initialize(tables, np.random.RandomState(0), zeros)
    assert tables["0.W"].std() == pytest.approx(0.1, rel=0.02)
    assert tables["0.W"].mean() == pytest.approx(0, abs=0.002)


# --- the network ---------------------------------------------------------------------------------


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("lengths", [EQUAL, RAGGED])
@pytest.mark.parametrize("readout", ALL_READOUTS)
@pytest.mark.parametrize("cell", CELLS)
def test_gradient_matches_differences(cell, readout, lengths, bidirectional):
    network = make_network(cell, "tanh", readout, embedding=MIXED, bidirectional=bidirectional)
    x, n_active, y, weight = problem(network, lengths)
    options = {"loss": SquaredError(), "alpha": 0.3}
    assert_gradient_matches_along_a_direction(
        network.loss_and_gradient(x, n_active, y, weight, **options)[1],
        lambda: network.loss_and_gradient(x, n_active, y, weight, **options)[0],
        network.parameters.vector,
    )


@pytest.mark.parametrize("embedding", [MIXED, Embedding(((N_TOKENS, 2), (4, 1)))])
def test_every_gradient_matches_differences(embedding):
    network = make_network(hidden_sizes=(2, 2), embedding=embedding, dropout=0.3)
    x, n_active, y, weight = problem(network)
    x[..., 1] = np.abs(x[..., 1]).round()

    def loss_and_gradient():
        rng = np.random.RandomState(3)
        return network.loss_and_gradient(x, n_active, y, weight, loss=SquaredError(), rng=rng)

    assert_gradient_matches(
        loss_and_gradient()[1],
        lambda: loss_and_gradient()[0],
        network.parameters.vector,
        [name for name, array in network.parameters.items() for _ in range(array.size)],
    )


def test_padding_trains_no_vector():
    network = make_network(embedding=MIXED)
    x, n_active, y, weight = problem(network)
    x[..., 0] = np.maximum(x[..., 0], 1)  # but at padding nowhere id 0
    x[padding_of(n_active)] = 0
    gradient = network.loss_and_gradient(x, n_active, y, weight, loss=SquaredError())[1]
    dW = Parameters(network.parameters.shapes, gradient)["embedding.0.W"]
    assert not dW[0].any()
    assert dW[1:].any()


def test_gradient_of_the_embedded_inputs_matches_differences():
    network = make_network(hidden_sizes=(3, 3), embedding=MIXED, bidirectional=True)
    x, n_active, y, weight = problem(network)
    run = network.forward(x, n_active)
    _, d_raw = SquaredError()(run.raw_prediction, y, weight)
    dx, _ = network.state_gradients(network.gradient_of_top(d_raw, run), run)
    above, embedded = network.above_embedding(), network.embed(x, n_active)
    assert_gradient_matches(
        dx, lambda: SquaredError()(above.predict(embedded, n_active), y, weight)[0], embedded
    )


def test_the_network_above_shares_the_weights():
    network = make_network(embedding=MIXED)
    x, n_active = make_token_batch(RAGGED)
    above = network.above_embedding()
    assert np.shares_memory(above.parameters.vector, network.parameters.vector)
    np.testing.assert_array_equal(
        above.predict(network.embed(x, n_active), n_active), network.predict(x, n_active)
    )


def test_one_hot_inputs_and_a_weight_matrix_are_the_same_network():
    network = make_network(embedding=Embedding(((N_TOKENS, WIDTH), (4, 2))))
    x, n_active = make_token_batch(EQUAL)
    x[..., 1] = x[..., 0] % 4
    one_hot = np.concatenate([x[..., [0]] == np.arange(5), x[..., [1]] == np.arange(4)], axis=2)
    W = np.zeros((9, 5))
    W[:5, :3], W[5:, 3:] = network.parameters["embedding.0.W"], network.parameters["embedding.1.W"]
    architecture = replace(network.architecture, n_inputs=9, embedding=None)
    plain = Network(architecture, Parameters(architecture.shapes()))
    for name, array in plain.parameters.items():
        value = network.parameters[name]
        array[:] = W @ value if name.endswith("W_x") else value
    np.testing.assert_allclose(
        network.predict(x, n_active), plain.predict(one_hot.astype(float), n_active), rtol=1e-10
    )


@pytest.mark.parametrize("backend", kernels.backends())
def test_every_back_end_finds_the_same_gradient(backend):
    network = make_network(embedding=MIXED)
    expected = network.loss_and_gradient(*problem(network), loss=SquaredError())[1]
    before = kernels.backend()
    kernels.use_backend(backend)
    try:
        found = network.loss_and_gradient(*problem(network), loss=SquaredError())[1]
    finally:
        kernels.use_backend(before)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-13)


# --- the estimators ------------------------------------------------------------------------------

ESTIMATORS = [RNNClassifier, RNNRegressor]


def make_tokens(n_samples=40, dtype=np.int64):
    """Sequences of ids below 12; the class says whether a 1 comes before the 2."""
    rng = np.random.default_rng(0)
    X, y = [], np.arange(n_samples) % 2
    for label in y:
        ids = rng.integers(3, 12, size=rng.integers(4, 9))
        first, second = np.sort(rng.choice(len(ids), 2, replace=False))
        ids[[first, second]] = (1, 2) if label else (2, 1)
        X.append(ids.astype(dtype))
    X[0][-1] = 11
    return X, y


def make_events():
    """A frame of events with an amount."""
    X, y = make_tokens()
    rng = np.random.default_rng(1)
    return pd.DataFrame({"event": pd.Series(X), "amount": [rng.normal(size=len(x)) for x in X]}), y


def small(cls=RNNClassifier, **parameters):
    defaults = {"hidden_layer_sizes": 6, "max_iter": 3, "random_state": 0, "tol": 10.0}
    return cls(**{**defaults, "embedding_dim": 4, **parameters})


def table_of(estimator, channel=0):
    return estimator.network_.parameters[f"embedding.{channel}.W"]


def test_the_order_of_tokens_is_learnt():
    X, y = make_tokens(200)
    clf = small(max_iter=60, tol=1e-3, learning_rate_init=0.02).fit(X[:150], y[:150])
    assert clf.score(X[150:], y[150:]) > 0.9


FORMS = {
    "list of arrays": lambda X: X,
    "list of lists": lambda X: [x.tolist() for x in X],
    "object array": lambda X: pd.Series(X).to_numpy(),
    "Series": pd.Series,
    "frame": lambda X: pd.DataFrame({"token": X}),
    "columns of one channel": lambda X: [x[:, np.newaxis] for x in X],
    "padded with NaN": lambda X: np.stack(
        [np.pad(x.astype(float), (0, 8 - len(x)), constant_values=np.nan)[:, None] for x in X]
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_ids_gives_the_same_model(form):
    X, y = make_tokens()
    expected = small().fit(X, y).predict_proba(X)
    estimator = small().fit(FORMS[form](X), y)
    np.testing.assert_array_equal(estimator.predict_proba(FORMS[form](X)), expected)


@pytest.mark.parametrize("as_frame", [False, True])
def test_a_table_of_ids_has_a_sequence_as_every_row(as_frame, rng):
    X = rng.integers(0, 4, size=(20, 5))
    y = X[:, 0] > 1
    table = pd.DataFrame(X, columns=list("abcde")) if as_frame else X
    estimator = small().fit(table, y)
    np.testing.assert_array_equal(
        estimator.predict_proba(table), small().fit(list(X), y).predict_proba(list(X))
    )


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_a_prediction_does_not_depend_on_the_others(cls):
    X, y = make_tokens()
    estimator = small(cls).fit(X, y)
    together = estimator.predict(X)
    alone = np.concatenate([estimator.predict([x]) for x in X])
    np.testing.assert_allclose(alone, together, rtol=1e-12)


def test_ids_of_single_precision_are_computed_in_single_precision():
    X, y = make_tokens(dtype=np.float32)
    estimator = small().fit(X, y)
    assert table_of(estimator).dtype == np.float32
    assert estimator.predict_proba(make_tokens()[0]).dtype == np.float32


@pytest.mark.parametrize("optimizer", ["adamw", "lbfgs", "sgd"])
def test_other_optimizers_train_the_table(optimizer):
    X, y = make_tokens()
    start = small(learning_rate_init=1e-12).fit(X, y)
    trained = small(optimizer=optimizer, tol=1e-6).fit(X, y)
    assert not np.allclose(table_of(trained), table_of(start))


def test_a_target_at_every_step():
    X, _ = make_tokens()
    y = [x == 1 for x in X]
    estimator = small(return_sequences=True, max_iter=40, learning_rate_init=0.05).fit(X, y)
    assert estimator.score(X, y) == 1.0


def test_a_weight_of_two_is_a_sample_twice():
    X, y = make_tokens(20)
    weighted = small().fit(X, y, sample_weight=np.repeat([2, 1], 10))
    repeated = small().fit([*X, *X[:10]], np.concatenate([y, y[:10]]))
    np.testing.assert_allclose(weighted.predict_proba(X), repeated.predict_proba(X), rtol=1e-9)


def test_numbers_and_categories_side_by_side():
    X, y = make_events()
    by_name = small(embedding_dim={"event": 4}).fit(X, y)
    assert by_name.network_.parameters["layers.0.forward.W_x"].shape[0] == 4 + 1
    by_index = small(embedding_dim={0: 4}).fit(X, y)
    np.testing.assert_array_equal(by_name.predict_proba(X), by_index.predict_proba(X))
    X = X.assign(amount=X["amount"] + 1)
    assert not np.array_equal(by_name.predict_proba(X), by_index.predict_proba(make_events()[0]))


def test_several_categories_of_several_widths():
    X, y = make_events()
    X["user"] = [x % 3 for x in X["event"]]
    estimator = small(embedding_dim={"event": 4, "user": 2}).fit(X, y)
    assert table_of(estimator, 0).shape == (12, 4)
    assert table_of(estimator, 2).shape == (3, 2)


def test_categories_of_a_flat_table_are_named_by_index(rng):
    X = np.stack([rng.integers(0, 3, size=(20, 4)), rng.normal(size=(20, 4))], axis=2)
    y = X[:, 0, 0] > 0
    flat = small(n_channels=2, embedding_dim={0: 2}).fit(X.reshape(20, 8), y)
    np.testing.assert_array_equal(
        flat.predict_proba(X.reshape(20, 8)), small(embedding_dim={0: 2}).fit(X, y).predict_proba(X)
    )


def test_the_number_of_ids_comes_from_the_data_or_the_parameter():
    X, y = make_tokens()
    assert table_of(small().fit(X, y)).shape == (12, 4)
    estimator = small(n_tokens=20).fit(X, y)
    assert table_of(estimator).shape == (20, 4)
    assert estimator.predict([np.array([19, 0])]).shape == (1,)
    X, y = make_events()
    mixed = small(embedding_dim={"event": 3}, n_tokens={"event": 15}).fit(X, y)
    assert table_of(mixed).shape == (15, 3)


def test_partial_fit_needs_the_number_of_ids():
    X, y = make_tokens()
    assert not hasattr(small(), "partial_fit")
    with pytest.raises(AttributeError, match="partial_fit") as error:
        _ = small().partial_fit
    assert "n_tokens=None needs all of it" in str(error.value.__cause__)
    estimator = small(n_tokens=12).partial_fit(X[1:20], y[1:20], classes=[0, 1])
    before = table_of(estimator).copy()
    assert not np.array_equal(table_of(estimator.partial_fit(X, y)), before)


def test_warm_start_goes_on_with_the_table():
    X, y = make_tokens()
    estimator = small(warm_start=True).fit(X, y)
    before = table_of(estimator).copy()
    # Fewer ids than at first are no reason to shrink it.
    estimator.set_params(learning_rate_init=1e-9).fit([x[x < 8] for x in X], y)
    np.testing.assert_allclose(table_of(estimator), before, atol=1e-6)


@pytest.mark.parametrize(
    "change", [{"embedding_dim": 5}, {"embedding_dim": None}, {"n_tokens": 30}]
)
def test_warm_start_refuses_another_table(change):
    X, y = make_tokens()
    estimator = small(warm_start=True).fit(X, y).set_params(**change)
    with pytest.raises(ValueError, match=r"embedding_dim, n_tokens, .* shape the weights"):
        estimator.fit(X, y)


def test_clone_and_pickle():
    X, y = make_tokens()
    estimator = small(embedding_dim={0: 4}).fit(X, y)
    copy = pickle.loads(pickle.dumps(estimator))
    np.testing.assert_array_equal(copy.predict_proba(X), estimator.predict_proba(X))
    again = clone(estimator).fit(X, y)
    np.testing.assert_array_equal(again.predict_proba(X), estimator.predict_proba(X))


BAD_IDS = {
    "fractions": ([1, 2.5], "X has 2.5 at sample 2, time step 1, but with embedding_dim it needs"),
    "negative": ([1, -1], "X has -1 at sample 2, time step 1, but .* whole numbers >= 0.*Token"),
    "missing": ([1, np.nan], "nan at sample 2, time step 1, where an id is missing"),
    "strings": (
        ["a", "b"],
        r"X\[2\] holds strings such as 'a'; expected real numbers.*TokenEncoder",
    ),
}


@pytest.mark.parametrize("case", BAD_IDS)
def test_bad_ids_in_fit(case):
    item, message = BAD_IDS[case]
    X, y = make_tokens()
    X[2] = np.array(item)
    with pytest.raises(ValueError, match=message):
        small().fit(X, y)


def test_unknown_ids_in_predict():
    X, y = make_tokens()
    estimator = small().fit(X, y)
    message = "X has 12 at sample 1, time step 2, but the known ids are 0 to 11.*TokenEncoder"
    with pytest.raises(ValueError, match=message):
        estimator.predict([X[0], np.array([1, 2, 12])])


def test_ids_beyond_n_tokens_in_fit():
    X, y = make_tokens()
    with pytest.raises(ValueError, match=r"the known ids are 0 to 4.*n_tokens above the largest"):
        small(n_tokens=5).fit(X, y)


def test_an_unknown_id_names_its_channel():
    X, y = make_events()
    estimator = small(embedding_dim={"event": 4}).fit(X, y)
    X["event"] = [x + 1 for x in X["event"]]
    with pytest.raises(ValueError, match=r"X has 12 at sample 0, time step ., channel 'event'"):
        estimator.predict(X)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"embedding_dim": {"evnt": 4}}, r"names the channel 'evnt', .* are \['event', 'amount'\]"),
        ({"embedding_dim": {2: 4}}, "embedding_dim names the channel 2"),
        ({"embedding_dim": {"event": 0}}, r"embedding_dim\['event'\] must be an int >= 1. Got 0"),
        ({"embedding_dim": {"event": 2.5}}, r"must be an int >= 1. Got 2.5"),
        ({"embedding_dim": 0}, "The 'embedding_dim' parameter of RNNClassifier must be"),
        (
            {"embedding_dim": {"event": 4}, "n_tokens": {"amount": 4}},
            "n_tokens names channel 'amount', which embedding_dim takes for numbers",
        ),
    ],
)
def test_bad_parameters(parameters, message):
    X, y = make_events()
    with pytest.raises(ValueError, match=message):
        small(**parameters).fit(X, y)


def test_names_of_channels_that_have_none():
    X, y = make_tokens()
    with pytest.raises(ValueError, match="channels of X are 0 to 0, without names"):
        small(embedding_dim={"event": 4}).fit(X, y)


def test_a_search_over_encoder_and_embedding():
    X, y = make_tokens()
    X = [[f"word{i}" for i in x] for x in X]
    pipeline = Pipeline([("tokens", TokenEncoder()), ("network", small())])
    grid = {"tokens__min_frequency": [1, 10], "network__embedding_dim": [2, 4]}
    search = GridSearchCV(pipeline, grid, cv=2, error_score="raise").fit(X, y)
    # What no fold has seen, and nothing at all, is predicted too.
    assert search.predict([["never", "seen"], []]).shape == (2,)


def test_events_are_encoded_and_amounts_are_scaled():
    X, y = make_events()
    X["event"] = [[f"event {i}" for i in x] for x in X["event"]]
    columns = ColumnTransformer(
        [("event", TokenEncoder(), ["event"]), ("amount", SequenceScaler(), ["amount"])]
    )
    model = make_pipeline(columns, small(embedding_dim={0: 4})).fit(X, y)
    assert model[-1].network_.parameters["layers.0.forward.W_x"].shape[0] == 5
    assert model.predict(X).shape == y.shape


# --- inspection ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def fitted():
    X, y = make_tokens()
    return small(bidirectional=True, readout="last", max_iter=30).fit(X, y), X, y


@pytest.fixture(scope="module")
def fitted_on_events():
    X, y = make_events()
    return small(embedding_dim={"event": 4}, readout="last", max_iter=30).fit(X, y), X, y


def test_integrated_gradients_of_tokens_sum_to_the_difference(fitted):
    clf, X, _ = fitted
    attributions = input_attributions(clf, X, target=1, n_steps=64)
    assert attributions[0].shape == (len(X[0]), 1)
    output = clf.decision_function(X)
    for sample in range(5):
        zeros = np.zeros((len(X[sample]), 1, 4))
        base = clf.network_.above_embedding().predict(zeros, np.ones(len(zeros), int))[0, 0]
        assert attributions[sample].sum() == pytest.approx(output[sample] - base, rel=1e-6)


def test_gradient_x_input_is_that_of_the_vectors(fitted):
    clf, X, _ = fitted
    (attribution,) = input_attributions(clf, X[:1], "gradient_x_input", target=1)
    network, n_active = clf.network_, np.ones(len(X[0]), int)
    x = network.embed(X[0][:, None, None].astype(float), n_active)
    run = network.above_embedding().forward(x, n_active)
    dh = network.gradient_of_top(np.ones((1, 1)), run)
    dx, _ = network.above_embedding().state_gradients(dh, run)
    np.testing.assert_allclose(attribution[:, 0], (dx * x).sum(axis=2)[:, 0])


def test_occlusion_of_a_token_takes_its_whole_vector(fitted):
    clf, X, _ = fitted
    (attribution,) = input_attributions(clf, X[:1], "occlusion", target=1)
    above, n_active = clf.network_.above_embedding(), np.ones(len(X[0]), int)
    x = clf.network_.embed(X[0][:, None, None].astype(float), n_active)
    without = x.copy()
    without[2] = 0
    lost = above.predict(x, n_active) - above.predict(without, n_active)
    assert attribution[2, 0] == pytest.approx(lost[0, 0])


@pytest.mark.parametrize("method", ["integrated_gradients", "gradient_x_input", "occlusion"])
def test_attributions_have_the_channels_of_the_data(method, fitted_on_events):
    clf, X, _ = fitted_on_events
    attributions = input_attributions(clf, X, method, baseline=[0.0, 0.5])
    assert [a.shape for a in attributions] == [(len(x), 2) for x in X["event"]]
    assert all(np.isfinite(a).all() for a in attributions)


def test_flow_states_and_the_unrolled_network(fitted):
    clf, X, y = fitted
    assert gradient_flow(clf, X, y).verdict.shape == (1,)
    assert hidden_states(clf, X).layers[0].h[0].shape == (len(X[0]), 12)
    assert HiddenStates(clone(clf)).fit(X, y).transform(X).shape == (len(X), 12)
    layer = unrolled(clf, X, 0, y).layers[0].forward
    assert layer.x.shape == (len(X[0]), 4)
    np.testing.assert_allclose(layer.contributions["W_x"].sum(axis=0), layer.gradient["W_x"])


def test_a_record_of_an_embedding(fitted):
    clf, X, y = fitted
    assert record_gradient_flow(clone(clf).set_params(max_iter=2), X, y, every=1).epochs[-1] == 2


def test_channels_of_ids_can_be_permuted(fitted_on_events):
    clf, X, y = fitted_on_events
    importances = permutation_importance(clf, X, y, random_state=0).importances_mean
    assert importances[0] > importances[1]


def test_a_remedy_is_tried_out_with_the_embedding(rng):
    X, y = list(rng.integers(0, 9, size=(30, 60))), np.arange(30) % 2
    finding = diagnose(small(activation="logistic", cell="rnn"), X, y)[0]
    assert finding.name == "vanishing gradient"
    assert finding.evidence["horizon with the remedy"] > finding.evidence["horizon"]


def test_ids_are_no_inputs_to_scale(fitted):
    clf, X, y = fitted
    for estimator in (clf, clone(clf)):
        report = diagnose(estimator, [10 * x for x in X] if estimator is not clf else X, y)
        assert "inputs not scaled" not in [finding.name for finding in report]


def test_numbers_beside_ids_are_to_be_scaled_without_them():
    X, y = make_events()
    X["amount"] = [1000 * x for x in X["amount"]]
    (finding,) = (
        finding
        for finding in diagnose(small(embedding_dim={"event": 4}), X, y)
        if finding.name == "inputs not scaled"
    )
    assert "ColumnTransformer" in finding.remedy
    # A scaler in front of all would take the ids for numbers.
    assert finding.preprocessing is None


def test_ids_taken_for_numbers_are_suspected():
    X, y = make_tokens()
    report = diagnose(small(embedding_dim=None), [x + 20 for x in X], y)
    (finding,) = (finding for finding in report if finding.name == "inputs not scaled")
    assert "set embedding_dim instead" in finding.remedy
