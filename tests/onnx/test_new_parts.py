"""Static features, missing values and several numbers a target in models of ONNX."""

from __future__ import annotations

import export_cases as new
import numpy as np
import onnx_cases as cases
import pandas as pd
import pytest
from sklearn.pipeline import make_pipeline

from skrnn import RNNClassifier, RNNRegressor
from skrnn.core.losses import Gaussian
from skrnn.forecasting import WindowScaledRegressor
from skrnn.onnx import to_onnx, to_streaming_onnx
from skrnn.preprocessing import SequenceImputer, SequenceScaler, TokenEncoder

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

X = cases.sequences()
FEEDS = {"X": cases.padded(X), "lengths": cases.LENGTHS}
GAPPY = new.gappy((0, 1, 2))
GAPPY_FEEDS = {"X": cases.padded(GAPPY), "lengths": cases.LENGTHS}
Y = cases.targets("several")


def rows_of(outputs, est, name=None):
    answers = cases.answer_of(outputs) if name is None else outputs[name]
    return new.real_rows(answers, est.return_sequences)


# --- static features ------------------------------------------------------------------------------


@pytest.mark.parametrize("case", new.STATIC_CASES)
def test_static_features_are_an_input_of_their_own(case):
    est, table = new.fitted_static(*new.STATIC_CASES[case])
    got = rows_of(cases.run(to_onnx(est), **FEEDS, static=new.STATIC), est)
    expected = new.rows(est.predict_proba(table) if "number" not in case else est.predict(table))
    cases.assert_close(got.reshape(expected.shape), expected)


@pytest.mark.parametrize("where", ["readout", "channels"])
def test_static_features_count(where):
    est, table = new.fitted_static("several", {"static": where})
    other = new.STATIC[::-1].copy()
    got = cases.run(to_onnx(est), **FEEDS, static=other)["probabilities"]
    cases.assert_close(got, est.predict_proba(new.table(X, other)))
    assert np.abs(got - est.predict_proba(table)).max() > 1e-3


@pytest.mark.parametrize("where", ["readout", "channels"])
def test_a_static_feature_that_is_not_finite_has_no_answer(where):
    est, table = new.fitted_static("several", {"static": where})
    static = new.STATIC.copy()
    static[[1, 5], [0, 1]] = np.nan, np.inf
    got = cases.run(to_onnx(est), **FEEDS, static=static)["probabilities"]
    assert np.flatnonzero(np.isnan(got).all(axis=1)).tolist() == [1, 5]
    others = ~np.isnan(got[:, 0])
    cases.assert_close(got[others], est.predict_proba(table)[others])


@pytest.mark.parametrize("where", ["readout", "channels"])
@pytest.mark.parametrize("input_dtype", [np.float32, np.float64])
def test_a_scaler_scales_static_features_too(where, input_dtype):
    table = new.table([3 + 5 * x for x in X], 40 + 7 * new.STATIC)
    est = make_pipeline(SequenceScaler(), RNNClassifier(4, static=where, **new.SETTINGS))
    est.fit(table, Y)
    feeds = {"X": cases.padded([3 + 5 * x for x in X]).astype(input_dtype)}
    feeds |= {"static": (40 + 7 * new.STATIC).astype(input_dtype), "lengths": cases.LENGTHS}
    got = cases.run(to_onnx(est, input_dtype=input_dtype), **feeds)["probabilities"]
    cases.assert_close(got, est.predict_proba(table))


def test_the_padding_of_channels_does_not_hide_behind_static_ones():
    est, table = new.fitted_static("several", {"static": "channels", "readout": "mean"})
    got = cases.run(to_onnx(est, padding="nan"), X=FEEDS["X"], static=new.STATIC)["probabilities"]
    cases.assert_close(got, est.predict_proba(table))


@pytest.mark.parametrize("where", ["readout", "channels"])
def test_static_features_stand_beside_tokens(where):
    words = [list("abcab"), list("cab"), list("b"), list("cc"), list("abab"), list("ca")]
    age = np.array([1.0, -1.0, 0.5, 2.0, 0.0, -2.0], dtype=np.float32)
    frame = pd.DataFrame({"age": age, "event": words, "size": [np.ones(len(w)) for w in words]})
    network = RNNClassifier(4, embedding_dim={"event": 3}, static=where, **new.SETTINGS)
    est = make_pipeline(TokenEncoder(channels=["event"]), network).fit(frame, [0, 1, 0, 1, 0, 1])
    model = to_onnx(est)
    assert [each.name for each in model.graph.input] == ["event", "size", "static", "lengths"]
    lengths = np.array([len(w) for w in words])
    event = np.array([w + [""] * (5 - len(w)) for w in words], dtype=object)
    size = np.ones((6, 5), np.float32)
    got = cases.run(model, event=event, size=size, static=age[:, None], lengths=lengths)
    cases.assert_close(got["probabilities"], est.predict_proba(frame))


# --- missing values -------------------------------------------------------------------------------


@pytest.mark.parametrize("case", new.GAP_CASES)
def test_missing_values_are_what_the_estimator_makes_of_them(case):
    gaps, parameters = new.GAP_CASES[case]
    est = new.fitted_gaps(gaps, parameters)
    assert len(est.network_.architecture.decay.columns) == len(new.GAPS[gaps])
    got = rows_of(cases.run(to_onnx(est), **GAPPY_FEEDS), est)
    cases.assert_close(got, new.rows(est.predict_proba(GAPPY)))


@pytest.mark.parametrize("gaps", new.GAPS)
def test_padding_of_nan_ends_a_sequence_and_gaps_do_not(gaps):
    est = new.fitted_gaps(gaps, {"readout": ("last", "mean")})
    got = cases.run(to_onnx(est, padding="nan"), X=GAPPY_FEEDS["X"])["probabilities"]
    # In a 3-D array, steps at the end that are missing in all channels are padding.
    cases.assert_close(got, est.predict_proba(GAPPY_FEEDS["X"]))


@pytest.mark.parametrize("gaps", new.GAPS)
def test_a_sequence_without_any_value_is_one_of_means(gaps):
    est = new.fitted_gaps(gaps, {})
    nothing = [np.full((4, 3), np.nan, np.float32)]
    got = cases.run(to_onnx(est), X=np.stack(nothing), lengths=np.array([4]))["probabilities"]
    cases.assert_close(got, est.predict_proba(nothing))


@pytest.mark.parametrize("gaps", new.GAPS)
def test_infinity_has_no_answer_beside_gaps(gaps):
    est = new.fitted_gaps(gaps, {})
    spoilt = GAPPY_FEEDS["X"].copy()
    spoilt[1, 1, 0] = np.inf
    got = cases.run(to_onnx(est), X=spoilt, lengths=cases.LENGTHS)["probabilities"]
    assert np.isnan(got[1]).all()
    others = np.arange(len(X)) != 1
    cases.assert_close(got[others], est.predict_proba(GAPPY)[others])


def test_ids_stand_beside_channels_with_gaps():
    asked = new.gappy((1, 2), np.float64)
    for x in asked:
        x[:, 0] = np.arange(len(x)) % 4
    network = RNNClassifier(4, embedding_dim={0: 3}, n_tokens={0: 4}, **new.SETTINGS)
    est = network.fit([np.where(np.arange(3) == 1, 0.5, x) for x in asked], Y)
    assert est.network_.architecture.decay.columns == (4,)
    feeds = {"X": cases.padded(asked).astype(np.float32), "lengths": cases.LENGTHS}
    got = cases.run(to_onnx(est), **feeds)["probabilities"]
    cases.assert_close(got, est.predict_proba(asked))


IMPUTERS = {
    "forward": SequenceImputer(),
    "forward with both": SequenceImputer(add_indicator=True, add_elapsed=True),
    "mean": SequenceImputer("mean"),
    "median with indicator": SequenceImputer("median", add_indicator=True),
    "constant": SequenceImputer("constant", fill_value=2.5),
    "constant with elapsed": SequenceImputer("constant", add_elapsed=True),
}


@pytest.mark.parametrize("imputer", IMPUTERS)
@pytest.mark.parametrize(("scale", "dtype"), [(False, np.float64), (True, np.float32)])
def test_an_imputer_in_front_fills(imputer, scale, dtype):
    transformers = [SequenceScaler()] * scale + [IMPUTERS[imputer]]
    est = make_pipeline(*transformers, RNNClassifier(4, **new.SETTINGS))
    est.fit(new.gappy((0, 2), dtype, seed=3), Y)
    feeds = GAPPY_FEEDS | {"X": GAPPY_FEEDS["X"].astype(dtype)}
    got = cases.run(to_onnx(est, input_dtype=dtype), **feeds)["probabilities"]
    cases.assert_close(got, est.predict_proba(new.gappy((0, 1, 2), dtype)))


def test_an_imputer_that_saw_no_gaps_adds_nothing():
    imputer = SequenceImputer(add_indicator=True, add_elapsed=True)
    est = make_pipeline(imputer, RNNClassifier(4, **new.SETTINGS)).fit(X, Y)
    got = cases.run(to_onnx(est), **GAPPY_FEEDS)["probabilities"]
    cases.assert_close(got, est.predict_proba(GAPPY))


@pytest.mark.parametrize("method", ["standard", "minmax"])
@pytest.mark.parametrize("channels", [None, [0, 2]], ids=str)
@pytest.mark.parametrize("padding", ["lengths", "nan", None])
def test_every_sequence_may_be_scaled_by_itself(method, channels, padding):
    asked = [x.astype(np.float64) + 1000.0 * i for i, x in enumerate(GAPPY)]
    asked[2][:, 1] = 7.0  # constant
    asked = [each[:1] for each in asked] if padding is None else asked
    scaler = SequenceScaler(method, per="sequence", channels=channels)
    est = make_pipeline(scaler, RNNClassifier(4, **new.SETTINGS)).fit(asked, Y)
    feeds = {"X": cases.padded(asked)}
    if padding == "lengths":
        feeds["lengths"] = cases.LENGTHS
    got = cases.run(to_onnx(est, padding=padding, input_dtype=np.float64), **feeds)
    expected = est.predict_proba(feeds["X"] if padding == "nan" else asked)
    cases.assert_close(got["probabilities"], expected)


@pytest.mark.parametrize("per", ["channel", "sequence"])
def test_channels_to_be_scaled_may_be_named_beside_static_ones(per):
    asked = [x * 5 + 3 for x in X]
    scaler = SequenceScaler(channels=["x1", "x2"], per=per)
    est = make_pipeline(scaler, RNNClassifier(4, **new.SETTINGS)).fit(new.table(asked), Y)
    feeds = {"X": cases.padded(asked), "lengths": cases.LENGTHS, "static": new.STATIC}
    got = cases.run(to_onnx(est), **feeds)["probabilities"]
    cases.assert_close(got, est.predict_proba(new.table(asked)))


# --- windows on their own scale -------------------------------------------------------------------

LEVELS = [1e4, 3.0, 700.0, 0.0, 1e6, -50.0, 20.0, 5.0]
ON_LEVELS = [level + x.astype(np.float64) for x, level in zip(X, LEVELS, strict=True)]
ON_LEVELS[1][:, 0] = 6.0  # constant
ON_LEVELS[3][:, 0] = 0.0


def forecast_of(n):
    """Targets on the levels of the windows, `n` of each of two channels."""
    return np.column_stack([np.array(LEVELS) + k for k in range(2 * n)])


@pytest.mark.parametrize("method", ["standard", "minmax", "mean"])
@pytest.mark.parametrize("head", [None, *new.HEADS][:-1])
def test_windows_are_scaled_by_their_own_level_and_predictions_back(method, head):
    network = RNNRegressor(4, **cases.QUICK | ({} if head is None else new.HEADS[head]))
    regressor = make_pipeline(SequenceScaler(channels=[1]), network)
    est = WindowScaledRegressor(regressor, method=method, target=[2, 0])
    est.fit(ON_LEVELS, forecast_of(3))
    feeds = {"X": cases.padded(ON_LEVELS), "lengths": cases.LENGTHS}
    outputs = cases.run(to_onnx(est, input_dtype=np.float64), **feeds)
    expected = {"variable": est.predict(ON_LEVELS)}
    if "std" in outputs:
        expected["std"] = est.predict(ON_LEVELS, return_std=True)[1]
    assert list(outputs) == list(expected)
    for name, values in expected.items():
        cases.assert_close(outputs[name], values)


@pytest.mark.parametrize("head", ["quantiles", "gaussian"])
def test_windows_of_one_target_have_the_axes_of_predict(head):
    network = RNNRegressor(4, **cases.QUICK | new.HEADS[head])
    asked = [each.copy() for each in ON_LEVELS]
    asked[4][2, 0] = asked[0][:2, 1] = np.nan
    est = WindowScaledRegressor(network, target=0).fit(asked, np.array(LEVELS))
    feeds = {"X": cases.padded(asked), "lengths": cases.LENGTHS}
    got = cases.run(to_onnx(est, input_dtype=np.float64), **feeds)["variable"]
    expected = est.predict(asked)
    cases.assert_close(got.reshape(expected.shape), expected)


def test_windows_whose_scale_is_not_known_before_their_end_do_not_stream():
    est = WindowScaledRegressor(RNNRegressor(4, **cases.QUICK), target=0)
    with pytest.raises(ValueError, match="The WindowScaledRegressor scales every sequence by all"):
        to_streaming_onnx(est.fit(ON_LEVELS, np.array(LEVELS)))


def test_windows_on_a_scale_of_quartiles_are_refused():
    est = WindowScaledRegressor(RNNRegressor(4, **cases.QUICK), method="robust", target=0)
    with pytest.raises(ValueError, match=r"A WindowScaledRegressor .* ONNX has no quantiles"):
        to_onnx(est.fit(ON_LEVELS, np.array(LEVELS)))


def test_windows_with_a_prediction_at_every_step_are_refused():
    whole = np.random.default_rng(0).normal(size=(8, 6, 1))
    network = RNNRegressor(4, return_sequences=True, **cases.QUICK)
    est = WindowScaledRegressor(network).fit(whole, whole[:, :, 0])
    with pytest.raises(ValueError, match="with a prediction at every step, cannot be exported"):
        to_onnx(est)


# --- several numbers a target ---------------------------------------------------------------------


@pytest.mark.parametrize("case", new.HEAD_CASES)
def test_several_numbers_a_target_are_predicted(case):
    est, _ = new.fitted_head(*new.HEAD_CASES[case])
    outputs = cases.run(to_onnx(est), **FEEDS)
    names = ["variable"]
    expected = [est.predict(X)]
    if "std" in outputs:
        names, expected = ["variable", "std"], est.predict(X, return_std=True)
    assert list(outputs) == names
    for name, wanted in zip(names, expected, strict=True):
        wanted = new.rows(wanted)
        got = rows_of(outputs, est, name)
        cases.assert_close(got.reshape(wanted.shape), wanted)


@pytest.mark.parametrize("kind", new.TARGETS)
@pytest.mark.parametrize("head", ["quantiles", "gaussian"])
def test_the_axes_are_those_of_predict(kind, head):
    est, _ = new.fitted_head(kind, new.HEADS[head] | {"bidirectional": False})
    outputs = cases.run(to_onnx(est), **FEEDS)
    shape = est.predict(X).shape
    if head == "quantiles":
        assert outputs["variable"].shape == shape
    else:
        assert outputs["variable"].shape == outputs["std"].shape == (*shape, 1)[:2]


def test_quantiles_do_not_cross():
    levels = np.linspace(0.01, 0.99, 50)
    est, _ = new.fitted_head("number", {"loss": "quantile", "quantile": levels})
    got = cases.run(to_onnx(est), **FEEDS)["variable"]
    assert (np.diff(got, axis=1) >= 0).all()


# --- what cannot be exported ----------------------------------------------------------------------


class OwnGaussian(Gaussian):
    def predicted(self, parameters):
        return -parameters[..., 0]


def test_a_distribution_of_ones_own_is_refused():
    est = RNNRegressor(4, loss=OwnGaussian(), **cases.QUICK).fit(X, new.TARGETS["number"])
    with pytest.raises(ValueError, match="OwnGaussian"):
        to_onnx(est)


@pytest.mark.parametrize(
    ("transformer", "message"),
    [
        (SequenceImputer("interpolate"), r"strategy='interpolate'\) cannot be exported"),
        (SequenceScaler("robust", per="sequence"), "ONNX has no quantiles"),
    ],
    ids=["interpolate", "quartiles"],
)
def test_a_transformer_that_has_no_operators_is_refused(transformer, message):
    est = make_pipeline(transformer, RNNClassifier(4, **cases.QUICK)).fit(GAPPY, Y)
    with pytest.raises(ValueError, match=message):
        to_onnx(est)


def test_time_in_seconds_is_refused():
    index = pd.date_range("2024-01-01", periods=9, freq="h")
    asked = [pd.DataFrame(x, index[: len(x)], ["a", "b", "c"]) for x in GAPPY]
    est = make_pipeline(SequenceImputer(add_elapsed=True), RNNClassifier(4, **cases.QUICK))
    with pytest.raises(ValueError, match="counts seconds cannot be exported"):
        to_onnx(est.fit(asked, Y))
