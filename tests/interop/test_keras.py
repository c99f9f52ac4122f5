"""Weights in the layouts of Keras, by its formulas and, where it is installed, in its layers."""

from __future__ import annotations

import os
from itertools import product

import export_cases as new
import interop_cases as cases
import numpy as np
import onnx_cases
import pytest
from scipy.special import expit

from skrnn import RNNClassifier, RNNRegressor
from skrnn.core.activations import TANH
from skrnn.interop import from_keras_weights, to_keras_weights

# The only one of its backends that other tests use.
os.environ.setdefault("KERAS_BACKEND", "torch")

X = np.random.default_rng(0).normal(size=(8, 7, 3))
LOGITS = {"several": 3, "two": 1, "multilabel": 2, "number": 1, "numbers": 2}


def fitted(kind="number", dtype=np.float64, **parameters):
    y = onnx_cases.targets(kind)
    y = y[:, :2] if kind == "numbers" else y
    return onnx_cases.estimator(kind, **parameters).fit(X.astype(dtype), y)


# --- its formulas, as its documentation has them --------------------------------------------------


def rnn_step(x, h, c, kernel, recurrent_kernel, bias):
    return np.tanh(x @ kernel + bias + h @ recurrent_kernel), c


def lstm_step(x, h, c, kernel, recurrent_kernel, bias):
    i, f, candidate, o = np.split(x @ kernel + h @ recurrent_kernel + bias, 4, axis=1)
    c = expit(f) * c + expit(i) * np.tanh(candidate)
    return expit(o) * np.tanh(c), c


def gru_step(x, h, c, kernel, recurrent_kernel, bias):
    of_input = np.split(x @ kernel + bias[0], 3, axis=1)
    of_state = np.split(h @ recurrent_kernel + bias[1], 3, axis=1)
    z, r = (expit(of_input[k] + of_state[k]) for k in (0, 1))
    return z * h + (1 - z) * np.tanh(of_input[2] + r * of_state[2]), c


STEPS = {"rnn": rnn_step, "lstm": lstm_step, "gru": gru_step}


def keras_says(weights, cell, n_layers, both):
    """What a stack of such layers with the last states at its end, and Dense, computes."""
    arrays, outputs = list(weights), X
    for _ in range(n_layers):
        directions, ends = [], []
        for direction in range(1 + both):
            own = [arrays.pop(0) for _ in range(3)]
            h = c = np.zeros((len(X), len(own[1])))
            states = []
            for t in range(X.shape[1]):
                t = X.shape[1] - 1 - t if direction else t
                h, c = STEPS[cell](outputs[:, t], h, c, *own)
                states.append(h)
            directions.append(np.stack(states[::-1] if direction else states, axis=1))
            ends.append(h)
        outputs = np.concatenate(directions, axis=2)
    kernel, bias = arrays
    return np.concatenate(ends, axis=1) @ kernel + bias


@pytest.mark.parametrize(
    ("cell", "sizes", "both"), list(product(STEPS, [(5,), (4, 3)], [False, True])), ids=str
)
@pytest.mark.parametrize("kind", ["several", "number"])
def test_the_formulas_of_keras_answer_as_the_estimator_does(cell, sizes, both, kind):
    est = fitted(kind, cell=cell, hidden_layer_sizes=sizes, bidirectional=both)
    got = keras_says(to_keras_weights(est), cell, len(sizes), both)
    onnx_cases.assert_close(got, cases.raw(est, X), 1e-12)


@pytest.mark.parametrize("cell", STEPS)
@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize("kind", LOGITS)
@pytest.mark.parametrize("dtype", cases.TOLERANCES)
def test_weights_come_back_as_they_were(cell, both, kind, dtype):
    est = fitted(kind, dtype, cell=cell, hidden_layer_sizes=(5, 4), bidirectional=both)
    weights = to_keras_weights(est)
    assert {array.dtype for array in weights} == {np.dtype(dtype)}
    again = from_keras_weights(weights, like=est)
    onnx_cases.assert_close(
        again.network_.parameters.vector,
        est.network_.parameters.vector,
        # The scale of the target is in the weights of Dense, and taken out of them again.
        cases.TOLERANCES[dtype] * (100 if kind == "number" and dtype == np.float32 else 1),
    )


@pytest.mark.parametrize("cell", STEPS)
@pytest.mark.parametrize("both", [False, True, "auto"])
def test_an_estimator_that_is_not_fitted_reads_the_sizes(cell, both):
    est = fitted("several", cell=cell, hidden_layer_sizes=(5, 4), bidirectional=both is not False)
    like = RNNClassifier(cell=cell, bidirectional=both)
    again = from_keras_weights(to_keras_weights(est), like=like, classes=est.classes_)
    onnx_cases.assert_close(again.predict_proba(X), est.predict_proba(X), 1e-12)
    assert again.predict(X).tolist() == est.predict(X).tolist()


def test_biases_may_be_missing():
    rng = np.random.default_rng(0)
    weights = [rng.normal(size=shape) for shape in ((3, 15), (5, 15), (5, 1))]
    with pytest.raises(ValueError, match="Expected the arrays of recurrent layers"):
        from_keras_weights(weights[:2], like=RNNRegressor())
    with_zeros = [*weights[:2], np.zeros((2, 15)), weights[2], np.zeros(1)]
    expected = from_keras_weights(with_zeros, like=RNNRegressor()).predict(X)
    got = from_keras_weights([*weights, np.zeros(1)], like=RNNRegressor()).predict(X)
    assert np.array_equal(got, expected)


EMBEDDED = {"readout": "max", "bidirectional": True}


def test_ids_have_an_embedding_in_front():
    ids = np.random.default_rng(0).integers(0, 6, size=(8, 7, 1)).astype(np.float64)
    y = onnx_cases.targets("several")
    est = RNNClassifier(4, embedding_dim=3, **EMBEDDED, **onnx_cases.QUICK).fit(ids, y)
    weights = to_keras_weights(est)
    assert weights[0].shape == (6, 3)
    not_fitted = RNNClassifier(embedding_dim=2, **EMBEDDED)
    for again in (
        from_keras_weights(weights, like=est),
        from_keras_weights(weights, like=not_fitted, classes=est.classes_),
    ):
        onnx_cases.assert_close(again.predict_proba(ids), est.predict_proba(ids), 1e-12)


# --- what does not go ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"cell": "lru"}, "Keras has no layer for the cell LRU"),
        ({"readout": "attention"}, "no layer for the read-out Attention"),
        ({"frame_length": 2}, "frames=.*cannot be exported to Keras"),
        ({"differences": True}, "differences=.*cannot be exported to Keras"),
        ({"readout": ("last", "max"), "bidirectional": True}, "in another order"),
        ({"activation": TANH._replace(function=lambda a: np.tanh(a / 2))}, "activation 'tanh'"),
        ({"loss": "gamma"}, "normalize_y=False"),
    ],
    ids=["lru", "attention", "frames", "differences", "joined", "activation", "gamma"],
)
@pytest.mark.filterwarnings("ignore")
def test_a_part_that_keras_has_no_layer_for_is_named(parameters, message):
    est = RNNRegressor(4, **onnx_cases.QUICK | parameters).fit(X, onnx_cases.targets("number"))
    with pytest.raises(ValueError, match=message):
        to_keras_weights(est)


def test_a_constant_output_is_refused():
    est = RNNRegressor(4, **onnx_cases.QUICK).fit(X, onnx_cases.targets("numbers"))
    with pytest.raises(ValueError, match="An output that is constant"):
        to_keras_weights(est)


RNG = np.random.default_rng(0)
OLD_GRU = [RNG.normal(size=shape) for shape in ((3, 15), (5, 15), (15,), (5, 1), (1,))]


def test_a_gru_that_resets_before_the_product_is_refused_with_the_reason():
    with pytest.raises(ValueError, match="applies the reset gate before the recurrent product"):
        from_keras_weights(OLD_GRU, like=RNNRegressor())


@pytest.mark.parametrize(
    ("weights", "like", "message"),
    [
        (OLD_GRU, RNNRegressor(cell="lstm"), r"cell 'lstm', which has 4 gate\(s\)"),
        (OLD_GRU[:3], RNNRegressor(), "Expected the arrays|are not those of a layer|reset gate"),
        ([OLD_GRU[3], OLD_GRU[4]], RNNRegressor(), "Expected the arrays of recurrent layers"),
        (
            [*OLD_GRU[:2], np.zeros((2, 15)), *OLD_GRU[3:]],
            RNNRegressor(bidirectional=True),
            "both ways",
        ),
        (
            [*OLD_GRU[:2], np.zeros((2, 15)), *OLD_GRU[3:]],
            RNNRegressor(readout=("last", "mean")),
            r"output.W: \(5, 1\), expected \(10, 1\)",
        ),
    ],
    ids=["cell", "no dense", "no layer", "directions", "read-out"],
)
def test_weights_of_another_kind_are_refused(weights, like, message):
    with pytest.raises(ValueError, match=message):
        from_keras_weights(weights, like=like)


def test_two_layers_or_two_directions_are_asked_for_where_sizes_do_not_tell():
    group = [RNG.normal(size=(5, 15)), RNG.normal(size=(5, 15)), np.zeros((2, 15))]
    weights = [*group, *group, RNG.normal(size=(5, 1)), np.zeros(1)]
    with pytest.raises(ValueError, match="set bidirectional of like"):
        from_keras_weights(weights, like=RNNRegressor())
    est = from_keras_weights(weights, like=RNNRegressor(bidirectional=False))
    assert est.network_.architecture.hidden_sizes == (5, 5)


@pytest.mark.parametrize("weights", ["model.keras", 3, {"a": 1}, [np.arange(3)]], ids=str)
def test_weights_are_a_list_of_arrays(weights):
    with pytest.raises(TypeError, match="Keras model"):
        from_keras_weights(weights, like=RNNRegressor())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: new.fitted_static("several", {})[0], "n_static=2, which cannot be exported to"),
        (lambda: new.fitted_gaps("learnt", {}), "decay=Decay.*, which cannot be exported to Keras"),
        (
            lambda: new.fitted_head("number", new.HEADS["quantiles"])[0],
            r"as of the loss Quantile\(.*\), cannot be taken to Keras",
        ),
        (
            lambda: new.fitted_head("number", new.HEADS["gaussian"])[0],
            r"as of the loss Gaussian\(\), cannot be taken to Keras",
        ),
    ],
    ids=["static", "decay", "quantiles", "distribution"],
)
def test_a_part_that_is_no_layer_of_keras_is_named(make, message):
    with pytest.raises(ValueError, match=message):
        to_keras_weights(make())


def test_static_features_as_channels_are_inputs_of_the_first_layer():
    est, _ = new.fitted_static("several", {"static": "channels", "cell": "gru"})
    assert to_keras_weights(est)[0].shape[0] == 3 + 2


# --- Keras itself --------------------------------------------------------------------------------


@pytest.fixture
def keras():
    pytest.importorskip("torch")
    keras = pytest.importorskip("keras")
    keras.utils.set_random_seed(0)
    yield keras
    set_dtype(keras, np.float32)


def set_dtype(keras, dtype):
    keras.config.set_floatx(np.dtype(dtype).name)
    keras.config.set_dtype_policy(np.dtype(dtype).name)


def model_of(keras, cell, sizes, both, n_outputs, pool=None, activation="tanh"):
    layer = {"rnn": keras.layers.SimpleRNN, "lstm": keras.layers.LSTM, "gru": keras.layers.GRU}[
        cell
    ]
    layers = [keras.layers.Input((None, 3))]
    for i, size in enumerate(sizes):
        steps = i + 1 < len(sizes) or pool is not None
        own = layer(size, activation=activation, return_sequences=steps)
        layers.append(keras.layers.Bidirectional(own) if both else own)
    layers += [pool()] if pool is not None else []
    return keras.Sequential([*layers, keras.layers.Dense(n_outputs)])


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")
@pytest.mark.parametrize("cell", STEPS)
@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize("dtype", cases.TOLERANCES)
@pytest.mark.parametrize("readout", ["last", "mean", "max"])
def test_a_keras_model_answers_as_the_estimator_does(keras, cell, both, dtype, readout):
    set_dtype(keras, dtype)
    parameters = {"cell": cell, "hidden_layer_sizes": (5, 4), "bidirectional": both}
    est = fitted("several", dtype, readout=readout, **parameters)
    pool = {"mean": keras.layers.GlobalAveragePooling1D, "max": keras.layers.GlobalMaxPooling1D}
    model = model_of(keras, cell, (5, 4), both, 3, pool.get(readout))
    model.set_weights(to_keras_weights(est))
    got = keras.ops.convert_to_numpy(model(X.astype(dtype)))
    # Its recurrent layers lose digits of double precision; those above tell all of them.
    onnx_cases.assert_close(got, est.decision_function(X.astype(dtype)), 1e-6)
    again = from_keras_weights(model, like=est)
    assert np.array_equal(again.network_.parameters.vector, est.network_.parameters.vector)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")
@pytest.mark.parametrize("cell", STEPS)
@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize("activation", ["tanh", "relu", "sigmoid", "linear", "elu", "softsign"])
def test_a_model_trained_in_keras_comes_here(keras, cell, both, activation):
    model = model_of(keras, cell, (4,), both, 1, activation=activation)
    arrays = [RNG.normal(scale=0.3, size=array.shape) for array in model.get_weights()]
    model.set_weights(arrays)
    ours = {"sigmoid": "logistic", "linear": "identity"}.get(activation, activation)
    est = from_keras_weights(model, like=RNNRegressor(cell=cell, activation=ours))
    x = X.astype(np.float32)
    got = keras.ops.convert_to_numpy(model(x))[:, 0]
    onnx_cases.assert_close(est.predict(x), got.astype(np.float64), 2e-6)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")
def test_what_a_model_says_of_its_layers_is_checked(keras):
    def of(layer):
        return keras.Sequential([keras.layers.Input((None, 3)), layer, keras.layers.Dense(1)])

    for layer, like, message in (
        (keras.layers.GRU(4, reset_after=False), RNNRegressor(), "resets? .*before|before the"),
        (keras.layers.GRU(4, activation="relu"), RNNRegressor(), "activation='relu'"),
        (keras.layers.LSTM(4), RNNRegressor(), "The model has LSTM"),
        (
            keras.layers.GRU(4, recurrent_activation="hard_sigmoid"),
            RNNRegressor(),
            "recurrent_activation",
        ),
        (
            keras.layers.GRU(4, activation="leaky_relu"),
            RNNRegressor(activation="leaky_relu"),
            "leaky",
        ),
    ):
        with pytest.raises(ValueError, match=message):
            from_keras_weights(of(layer), like=like)
