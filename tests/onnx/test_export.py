"""A model of ONNX answers as the estimator does that it was made of."""

from __future__ import annotations

import sys
from dataclasses import dataclass

import numpy as np
import onnx_cases as cases
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from skrnn import RNNClassifier, RNNRegressor
from skrnn.core.activations import TANH
from skrnn.core.architecture import Architecture
from skrnn.core.cells import GRU
from skrnn.core.losses import BaseLoss, Link, mean_over_outputs
from skrnn.core.readouts import Last
from skrnn.onnx import to_onnx
from skrnn.onnx._transformers import KNOWN
from skrnn.preprocessing import SequenceScaler, TokenEncoder

onnx = pytest.importorskip("onnx")
runtime = pytest.importorskip("onnxruntime")

X = cases.sequences()
PADDED = cases.padded(X)
FEEDS = {"X": PADDED, "lengths": cases.LENGTHS}


def close_to(est, model, **inputs):
    cases.assert_close(cases.answer_of(cases.run(model, **inputs)), cases.answer(est, X))


# --- networks ------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", cases.CASES)
def test_the_runtime_answers_as_the_estimator_does(case):
    kind, parameters = cases.CASES[case]
    est = cases.fitted(kind, **parameters)
    outputs = cases.run(to_onnx(est), **FEEDS)
    cases.assert_close(cases.answer_of(outputs), cases.answer(est, X))
    if "label" in outputs:
        assert outputs["label"].tolist() == est.predict(X).tolist()


def test_the_cases_are_many_and_their_answers_differ_from_sequence_to_sequence():
    assert len(cases.CASES) >= 80
    kind, parameters = next(iter(cases.CASES.values()))
    assert cases.answer(cases.fitted(kind, **parameters), X).std(axis=0).max() > 0.01


@pytest.mark.parametrize("cell", cases.CELLS)
@pytest.mark.parametrize("both", [False, True])
def test_what_stands_behind_a_sequences_end_has_no_effect(cell, both):
    est = cases.fitted("several", cell=cell, bidirectional=both, readout=("last", "mean", "max"))
    model = to_onnx(est)
    for fill in (0.0, 1e30, -np.inf):
        close_to(est, model, X=cases.padded(X, fill), lengths=cases.LENGTHS)


@pytest.mark.parametrize("cell", cases.CELLS)
@pytest.mark.parametrize("below", cases.BELOW, ids=cases.name_of)
def test_steps_of_nan_are_padding_where_that_is_asked_for(cell, below):
    est = cases.fitted("several", cell=cell, bidirectional=True, readout="max", **below)
    close_to(est, to_onnx(est, padding="nan"), X=PADDED)


@pytest.mark.parametrize("kind", ["several", "number"])
@pytest.mark.parametrize("padding", ["lengths", "nan"])
@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_a_sequence_that_is_not_finite_has_no_answer(kind, padding, wrong):
    model = to_onnx(est := cases.fitted(kind, missing_values="error"), padding=padding)
    spoilt = PADDED.copy()
    spoilt[2, 4, 1] = wrong
    feeds = {"X": spoilt} if padding == "nan" else {"X": spoilt, "lengths": cases.LENGTHS}
    got = cases.answer_of(cases.run(model, **feeds))
    assert np.isnan(got[2]).all()
    others = np.arange(len(X)) != 2
    cases.assert_close(got[others], cases.answer(est, X)[others])


def answers_or_refusal(model, **inputs):
    """What the runtime answers; NaN where it raises an error."""
    state = runtime.capi.onnxruntime_pybind11_state
    try:
        return cases.answer_of(cases.run(model, **inputs))
    except (state.Fail, state.InvalidArgument):
        return np.array([np.nan])


@pytest.mark.parametrize("length", [0, -1, 10, 500])
@pytest.mark.parametrize("cell", cases.CELLS)
@pytest.mark.parametrize("below", cases.BELOW[:3], ids=cases.name_of)
@pytest.mark.parametrize("readout", ["last", "mean"])
def test_a_length_that_no_sequence_can_have_has_no_answer(length, cell, below, readout):
    est = cases.fitted("number", cell=cell, readout=readout, **below)
    lengths = np.array([*cases.LENGTHS[:-1], length])
    assert np.isnan(answers_or_refusal(to_onnx(est), X=PADDED, lengths=lengths)[-1]).all()


def test_a_sequence_without_any_number_has_no_answer():
    est = cases.fitted("number")
    outputs = cases.run(to_onnx(est, padding="nan"), X=np.full((1, 3, 3), np.nan, np.float32))
    assert np.isnan(outputs["variable"]).all()


@pytest.mark.parametrize("cell", cases.CELLS)
@pytest.mark.parametrize("below", cases.BELOW, ids=cases.name_of)
def test_without_padding_all_sequences_fill_the_time_axis(cell, below):
    est = cases.fitted("several", cell=cell, bidirectional=True, readout="mean", **below)
    model = to_onnx(est, padding=None)
    for n in (1, 2, 6):
        whole = np.random.default_rng(n).normal(size=(4, n, 3)).astype(np.float32)
        got = cases.run(model, X=whole)["probabilities"]
        cases.assert_close(got, est.predict_proba(whole))


@pytest.mark.parametrize("below", cases.BELOW[:4], ids=cases.name_of)
@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize("kind", ["several", "two", "number"])
def test_a_prediction_at_every_step_is_zero_at_padding(below, both, kind):
    y = [np.repeat(target, n) for target, n in zip(cases.targets(kind), cases.LENGTHS, strict=True)]
    est = cases.estimator(kind, return_sequences=True, bidirectional=both, **below).fit(X, y)
    outputs = cases.run(to_onnx(est), **FEEDS)
    expected = est.predict(X) if kind == "number" else est.predict_proba(X)
    got = cases.answer_of(outputs)
    for row, of_steps, n in zip(got, expected, cases.LENGTHS, strict=True):
        cases.assert_close(row[:n].reshape(of_steps.shape), of_steps)
        assert (row[n:] == 0).all()
    if kind == "several":
        assert outputs["label"][0].tolist()[: len(X[0])] == est.predict(X)[0].tolist()


def test_weights_in_double_precision_are_rounded():
    X_double, y = cases.sequences(np.float64), cases.targets("several")
    est = RNNClassifier((5, 4), cell="lstm", **cases.QUICK).fit(X_double, y)
    cases.assert_close(
        cases.run(to_onnx(est), **FEEDS)["probabilities"], est.predict_proba(X_double)
    )


@pytest.mark.parametrize("opset", [14, 17, 18, 21])
def test_the_version_of_the_operators_is_that_asked_for(opset):
    est = cases.fitted("several", readout=("max", "mean"), frame_length=2)
    model = to_onnx(est, target_opset=opset)
    assert {each.domain: each.version for each in model.opset_import} == {"": opset}
    close_to(est, model, **FEEDS)


def test_the_recurrence_is_one_operator():
    model = to_onnx(cases.fitted("several", cell="gru", hidden_layer_sizes=(4, 4)))
    assert [node.op_type for node in model.graph.node].count("GRU") == 2


def test_the_model_says_who_made_it():
    assert to_onnx(cases.fitted("several")).producer_name == "skrnn"


# --- targets -------------------------------------------------------------------------------------


def shapes(values):
    return {
        each.name: [dim.dim_param or dim.dim_value for dim in each.type.tensor_type.shape.dim]
        for each in values
    }


def test_inputs_and_outputs_have_free_axes_of_samples_and_steps():
    graph = to_onnx(cases.fitted("several")).graph
    assert shapes(graph.input) == {"X": ["n_samples", "n_timesteps", 3], "lengths": ["n_samples"]}
    assert shapes(graph.output) == {"label": ["n_samples"], "probabilities": ["n_samples", 3]}


def test_the_answers_at_every_step_have_an_axis_of_steps():
    y = [np.arange(n) % 3 for n in cases.LENGTHS]
    est = RNNClassifier(4, return_sequences=True, **cases.QUICK).fit(X, y)
    assert shapes(to_onnx(est, padding=None).graph.output) == {
        "label": ["n_samples", "n_timesteps"],
        "probabilities": ["n_samples", "n_timesteps", 3],
    }


def test_multilabel_answers_have_a_column_for_every_label():
    outputs = cases.run(to_onnx(est := cases.fitted("multilabel")), **FEEDS)
    assert outputs["label"].tolist() == est.predict(X).tolist()


@pytest.mark.parametrize(
    ("classes", "dtype"),
    [
        (["b", "a", "c"], object),
        ([5, -2, 9], np.int64),
        (np.array([3.0, 1.0, -2.0]), np.float32),
        (np.array([2, 0, 1], dtype=np.uint8), np.int64),
        (pd.Categorical(["x", "y", "z"]), object),
    ],
    ids=["str", "int", "float", "uint8", "categories"],
)
def test_labels_are_strings_or_numbers(classes, dtype):
    y = np.asarray(classes)[np.arange(len(X)) % 3]
    est = RNNClassifier(4, **cases.QUICK).fit(X, y)
    label = cases.run(to_onnx(est), **FEEDS)["label"]
    assert label.dtype == dtype
    assert label.tolist() == est.predict(X).tolist()


def test_labels_that_are_neither_are_refused():
    est = cases.fitted("two")
    est._targets.classes = np.array(["2024-01", "2024-02"], dtype="datetime64[M]")
    with pytest.raises(ValueError, match=r"dtype datetime64\[M\] cannot be exported"):
        to_onnx(est)


def test_probabilities_may_be_maps_of_label_to_number():
    est = cases.fitted("several")
    outputs = cases.run(to_onnx(est, zipmap=True), **FEEDS)
    assert outputs["output_label"].tolist() == est.predict(X).tolist()
    frame = pd.DataFrame(outputs["output_probability"])
    assert sorted(frame) == ["maybe", "no", "yes"]
    cases.assert_close(frame[est.classes_].to_numpy(), est.predict_proba(X))


def test_the_scale_of_the_target_is_given_back_in_double_precision():
    y = 1e9 + np.arange(len(X)) * 1000.0
    est = RNNRegressor(4, **cases.QUICK).fit(X, y)
    got = cases.run(to_onnx(est), **FEEDS)["variable"][:, 0]
    assert (got == est.predict(X).astype(np.float32)).mean() > 0.5
    assert np.abs(got - est.predict(X)).max() <= 64


@pytest.mark.parametrize("loss", ["absolute_error", "huber", "quantile", "gamma"])
def test_every_loss_of_numbers_has_its_link(loss):
    est = RNNRegressor(4, loss=loss, **cases.QUICK).fit(X, cases.targets("number"))
    close_to(est, to_onnx(est), **FEEDS)


class LogCosh(BaseLoss):
    def __call__(self, raw_prediction, y, sample_weight):
        error = raw_prediction - y
        losses = np.logaddexp(error, -error) - np.log(2)
        return mean_over_outputs(losses, np.tanh(error), sample_weight)


def test_a_loss_of_the_users_own_with_a_known_link_is_exported():
    est = RNNRegressor(4, loss=LogCosh(), **cases.QUICK).fit(X, cases.targets("number"))
    close_to(est, to_onnx(est), **FEEDS)


# --- tokens --------------------------------------------------------------------------------------

WORDS = [["a", "b", "b"], ["c"], ["b", "a"], ["d", "d", "a", "b"], ["e", "a"], ["b", "e", "e"]]
CODES = np.array([0, 1, 0, 1, 0, 1])
TOKENS = {"embedding_dim": 3, **cases.QUICK}


def padded_words(words, fill="?"):
    array = np.full((len(words), max(map(len, words)), 1), fill, dtype=object)
    for row, word in zip(array, words, strict=True):
        row[: len(word), 0] = word
    return array, np.array([len(word) for word in words])


@pytest.mark.parametrize("readout", ["last", "max", "attention"])
def test_ids_go_in_as_whole_numbers(readout):
    rng = np.random.default_rng(0)
    ids = [rng.integers(0, 7, size=n) for n in cases.LENGTHS]
    est = RNNClassifier(4, readout=readout, frame_length=2, **TOKENS).fit(ids, cases.targets("two"))
    model = to_onnx(est)
    assert model.graph.input[0].type.tensor_type.elem_type == onnx.TensorProto.INT64
    for fill in (0, 6, 10**6):
        stacked = cases.padded([each[:, None] for each in ids], fill)
        got = cases.run(model, X=stacked, lengths=cases.LENGTHS)["probabilities"]
        cases.assert_close(got, est.predict_proba(ids))


def test_ids_beside_numbers_go_in_as_floats():
    rng = np.random.default_rng(0)
    mixed = [np.column_stack([rng.integers(0, 5, n), rng.normal(size=n)]) for n in cases.LENGTHS]
    mixed = [each.astype(np.float32) for each in mixed]
    parameters = {"embedding_dim": {0: 3}, **cases.QUICK}
    est = RNNClassifier(4, frame_length=2, **parameters).fit(mixed, cases.targets("two"))
    got = cases.run(to_onnx(est), X=cases.padded(mixed), lengths=cases.LENGTHS)
    cases.assert_close(got["probabilities"], est.predict_proba(mixed))


@pytest.mark.parametrize("wrong", [5, -1, 1.5, np.nan])
def test_the_runtime_refuses_what_is_no_id(wrong):
    mixed = np.zeros((6, 4, 2), np.float32)
    mixed[..., 0] = np.arange(24).reshape(6, 4) % 5
    est = RNNClassifier(4, embedding_dim={0: 3}, **cases.QUICK).fit(mixed, CODES)
    model = to_onnx(est, padding=None)
    mixed[3, 2, 0] = wrong
    with pytest.raises(Exception, match="out of data bounds"):
        cases.run(model, X=mixed)


@pytest.mark.parametrize("options", [{}, {"min_frequency": 2}, {"max_tokens": 3}], ids=str)
def test_tokens_go_in_as_strings(options):
    pipeline = make_pipeline(TokenEncoder(**options), RNNClassifier(4, **TOKENS)).fit(WORDS, CODES)
    array, lengths = padded_words(WORDS)
    model = to_onnx(pipeline)
    got = cases.run(model, X=array, lengths=lengths)["probabilities"]
    cases.assert_close(got, pipeline.predict_proba(WORDS))
    array[0, 0] = "never seen"
    unseen = [["never seen", "b", "b"], *WORDS[1:]]
    got = cases.run(model, X=array, lengths=lengths)["probabilities"]
    cases.assert_close(got, pipeline.predict_proba(unseen))


def test_tokens_may_be_whole_numbers():
    words = [[10, 30, 30], [20], [30, 10], [20, 20, 10, 30], [10, 10], [30, 20, 20]]
    pipeline = make_pipeline(TokenEncoder(), RNNClassifier(4, **TOKENS)).fit(words, CODES)
    array, lengths = padded_words(words, fill=-1)
    got = cases.run(to_onnx(pipeline), X=array.astype(np.int64), lengths=lengths)
    cases.assert_close(got["probabilities"], pipeline.predict_proba(words))


def test_unknown_tokens_are_an_error_of_the_runtime_where_they_are_one_here():
    encoder = TokenEncoder(handle_unknown="error", min_frequency=2)
    pipeline = make_pipeline(encoder, RNNClassifier(4, **TOKENS)).fit(WORDS, CODES)
    array, lengths = padded_words(WORDS)
    model = to_onnx(pipeline)
    # A rare one is known.
    got = cases.run(model, X=array, lengths=lengths)["probabilities"]
    cases.assert_close(got, pipeline.predict_proba(WORDS))
    array[0, 0] = "never seen"
    with pytest.raises(Exception, match="out of data bounds"):
        cases.run(model, X=array, lengths=lengths)


def test_several_channels_of_tokens_and_numbers_are_inputs_of_their_own():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "event": WORDS,
            "amount": [rng.normal(size=len(each)).astype(np.float32) for each in WORDS],
        }
    )
    network = RNNClassifier(4, embedding_dim={"event": 3}, **cases.QUICK)
    pipeline = make_pipeline(TokenEncoder(dtype=np.float32), network).fit(frame, CODES)
    array, lengths = padded_words(WORDS)
    amount = cases.padded([each[:, None] for each in frame["amount"]])[:, :, 0]
    model = to_onnx(pipeline)
    assert list(shapes(model.graph.input)) == ["event", "amount", "lengths"]
    outputs = cases.run(model, event=array[:, :, 0], amount=amount, lengths=lengths)
    cases.assert_close(outputs["probabilities"], pipeline.predict_proba(frame))


# --- pipelines -----------------------------------------------------------------------------------

SCALERS = {
    "standard": SequenceScaler(),
    "minmax": SequenceScaler("minmax"),
    "robust": SequenceScaler("robust"),
    "centering": SequenceScaler(with_scaling=False),
    "scaling": SequenceScaler(with_centering=False),
}


@pytest.mark.parametrize("scaler", SCALERS)
@pytest.mark.parametrize("padding", ["lengths", "nan"])
def test_a_scaler_in_front_scales(scaler, padding):
    est = make_pipeline(SCALERS[scaler], RNNClassifier(4, **cases.QUICK))
    est.fit([3 + 5 * x for x in X], cases.targets("several"))
    feeds = FEEDS if padding == "lengths" else {"X": PADDED}
    close_to(est, to_onnx(est, padding=padding), **feeds)


def test_numbers_that_single_precision_cannot_tell_apart_go_in_as_doubles():
    large = [1e9 + 100 * x.astype(np.float64) for x in X]
    est = make_pipeline(SequenceScaler(), RNNClassifier(4, **cases.QUICK))
    est.fit(large, cases.targets("several"))
    model = to_onnx(est, input_dtype=np.float64)
    got = cases.run(model, X=cases.padded(large), lengths=cases.LENGTHS)["probabilities"]
    cases.assert_close(got, est.predict_proba(large))


@pytest.mark.parametrize(
    "wrap",
    [
        lambda est: make_pipeline(make_pipeline(SequenceScaler(), "passthrough"), est),
        lambda est: make_pipeline(SequenceScaler(), SequenceScaler("minmax"), est),
        lambda est: Pipeline([("scale", SequenceScaler()), ("nothing", None), ("net", est)]),
        lambda est: GridSearchCV(make_pipeline(SequenceScaler(), est), {}, cv=2),
    ],
    ids=["nested", "two scalers", "none", "search"],
)
def test_a_network_is_found_inside(wrap):
    est = wrap(RNNClassifier(4, **cases.QUICK)).fit(X, cases.targets("several"))
    close_to(est, to_onnx(est), **FEEDS)


def test_a_frozen_network_is_found_inside():
    est = cases.fitted("several")
    close_to(est, to_onnx(FrozenEstimator(est)), **FEEDS)


# --- what cannot be exported ---------------------------------------------------------------------


class OwnCell(GRU):
    def __repr__(self):
        return "OwnCell()"


class OwnReadout(Last):
    def __repr__(self):
        return "OwnReadout()"


OWN_LINK = Link("cubed", np.cbrt)


class OwnLoss(LogCosh):
    link = OWN_LINK

    def __repr__(self):
        return "OwnLoss()"


class ChoosingLoss(LogCosh):
    def predicted(self, parameters):
        return -parameters[..., 0]


@pytest.mark.parametrize(
    ("parameters", "name"),
    [
        ({"cell": OwnCell()}, r"OwnCell\(\)"),
        ({"activation": TANH._replace(function=lambda a: np.tanh(a / 2))}, "activation 'tanh'"),
        ({"readout": OwnReadout()}, r"OwnReadout\(\)"),
        ({"readout": ("last", OwnReadout())}, r"OwnReadout\(\)"),
        ({"loss": OwnLoss()}, r"OwnLoss\(\)"),
        ({"loss": ChoosingLoss()}, "ChoosingLoss"),
    ],
    ids=["cell", "activation", "readout", "joined", "loss", "choosing loss"],
)
def test_a_part_that_has_no_operator_is_named(parameters, name):
    est = RNNRegressor(4, **cases.QUICK | parameters)
    # As before its first epoch: a part that is wrong on purpose would not pass a fit.
    est, _, _ = est._for_inspection(X, cases.targets("number"))
    with pytest.raises(ValueError, match=name):
        to_onnx(est)


@dataclass(frozen=True)
class LaterArchitecture(Architecture):
    """That of a version to come."""

    more: int = 0


def test_a_part_that_this_version_does_not_know_is_named():
    est = cases.fitted("several")
    values = est.network_.architecture.__getstate__()
    est.network_.architecture = LaterArchitecture(**values)
    close_to(est, to_onnx(est), **FEEDS)
    est.network_.architecture = LaterArchitecture(**values, more=2)
    with pytest.raises(ValueError, match="more=2, which cannot be exported to ONNX"):
        to_onnx(est)


@pytest.mark.parametrize(
    ("transformers", "message"),
    [
        (
            [FunctionTransformer()],
            r"A FunctionTransformer cannot be exported.*in front of them.*pipeline\[1:\]",
        ),
        ([StandardScaler()], "skl2onnx.to_onnx"),
    ],
    ids=["function", "standard"],
)
def test_another_transformer_is_named(transformers, message):
    flat = np.random.default_rng(0).normal(size=(8, 6))
    est = make_pipeline(*transformers, RNNClassifier(4, **cases.QUICK))
    with pytest.raises(ValueError, match=message):
        to_onnx(est.fit(flat, cases.targets("two")))


def test_a_parameter_that_this_version_does_not_know_is_named(monkeypatch):
    est = make_pipeline(SequenceScaler("robust"), RNNClassifier(4, **cases.QUICK))
    est.fit(X, cases.targets("two"))
    monkeypatch.setitem(KNOWN, SequenceScaler, KNOWN[SequenceScaler] - {"n_channels"})
    to_onnx(est)
    monkeypatch.setitem(KNOWN, SequenceScaler, KNOWN[SequenceScaler] - {"method"})
    with pytest.raises(ValueError, match="A SequenceScaler with method='robust' cannot be"):
        to_onnx(est)


def test_tokens_of_several_kinds_are_refused():
    words = [["a", 1], ["b"], [2, "a"], ["a"], [1], ["b", 2]]
    pipeline = make_pipeline(TokenEncoder(), RNNClassifier(4, **TOKENS)).fit(words, CODES)
    with pytest.raises(ValueError, match="Tokens of type int, str"):
        to_onnx(pipeline)


def test_an_encoder_that_refuses_needs_an_embedding_behind_it():
    encoder = TokenEncoder(handle_unknown="error")
    pipeline = make_pipeline(encoder, RNNClassifier(4, **cases.QUICK)).fit(WORDS, CODES)
    with pytest.raises(ValueError, match="handle_unknown='error'"):
        to_onnx(pipeline)


def test_the_encoder_comes_first():
    frame = pd.DataFrame({"a": [x[:, 0] for x in X]})
    encoder = TokenEncoder(channels="a")
    pipeline = make_pipeline(SequenceScaler(), encoder, RNNClassifier(4, **cases.QUICK))
    pipeline.fit(frame, cases.targets("two"))
    with pytest.raises(ValueError, match="first step"):
        to_onnx(pipeline)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"padding": "zeros"}, "padding must be 'lengths', 'nan' or None; got 'zeros'"),
        ({"target_opset": 13}, "target_opset must be a version from 14 to 21"),
        ({"target_opset": "latest"}, "got 'latest'"),
        ({"input_dtype": np.int32}, "input_dtype must be"),
        ({"zipmap": "columns"}, "zipmap must be True or False"),
    ],
    ids=str,
)
def test_a_wrong_option_is_named(options, message):
    with pytest.raises(ValueError, match=message):
        to_onnx(cases.fitted("several"), **options)


@pytest.mark.parametrize("kind", ["number", "multilabel"])
def test_maps_are_for_one_label_only(kind):
    with pytest.raises(ValueError, match="zipmap=True makes one map"):
        to_onnx(cases.fitted(kind), zipmap=True)


def test_ids_have_no_nan():
    ids = [np.arange(n) % 4 for n in cases.LENGTHS]
    est = RNNClassifier(4, **TOKENS).fit(ids, cases.targets("two"))
    with pytest.raises(ValueError, match="padding='nan' is for numbers"):
        to_onnx(est, padding="nan")


def test_an_estimator_that_is_not_fitted_is_refused():
    with pytest.raises(NotFittedError):
        to_onnx(RNNClassifier())


@pytest.mark.parametrize("est", [DummyClassifier(), "gru", None], ids=["dummy", "str", "none"])
def test_another_estimator_is_refused(est):
    with pytest.raises(TypeError, match="Expected a fitted RNNClassifier or RNNRegressor"):
        to_onnx(est)


def test_a_missing_library_is_told_by_its_extra(monkeypatch):
    est = cases.fitted("several")
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ImportError, match=r"pip install skrnn\[onnx\]"):
        to_onnx(est)
