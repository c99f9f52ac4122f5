"""A model that takes steps as they come answers as `predict` does for the steps so far."""

from __future__ import annotations

from itertools import cycle, product

import numpy as np
import onnx_cases as cases
import pandas as pd
import pytest
from sklearn.pipeline import make_pipeline

from skrnn import RNNClassifier, RNNRegressor
from skrnn.onnx import initial_state, to_onnx, to_streaming_onnx
from skrnn.preprocessing import SequenceImputer, SequenceScaler, TokenEncoder

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

N, T = 5, 11
X = np.random.default_rng(0).normal(size=(N, T, 3)).astype(np.float32)
Y = np.arange(N) % 3
FRAMES = (
    {},
    {"frame_length": 3, "frame_stride": 2},
    {"frame_length": 2, "frame_units": 4},
    {"frame_length": 4, "frame_stride": 1, "frame_units": 3, "differences": True},
    {"frame_length": 1, "frame_units": 4},
    {"differences": True},
)


def stream_cases():
    frames = cycle(FRAMES)
    return [
        {"cell": cell, "readout": readout, **next(frames)}
        for cell, readout in product(cases.CELLS, cases.READOUTS)
    ]


class Stream:
    """A session with its state between the calls."""

    def __init__(self, model, n_samples=N):
        self.session = cases.session(model)
        self.names = [output.name for output in self.session.get_outputs()]
        self.state = initial_state(model, n_samples)

    def step(self, **inputs):
        values = self.session.run(None, {**inputs, **self.state})
        outputs = dict(zip(self.names, values, strict=True))
        self.state = {name: outputs.pop("next." + name[6:]) for name in self.state}
        return cases.answer_of(outputs)


@pytest.mark.parametrize("parameters", stream_cases(), ids=cases.name_of)
def test_every_step_answers_for_the_steps_so_far(parameters):
    parameters = {"bidirectional": False, **cases.QUICK, **parameters}
    est = RNNClassifier((5, 4), **parameters).fit(X, Y)
    model = to_streaming_onnx(est)
    expected = [est.predict_proba(X[:, :stop]) for stop in range(1, T + 1)]
    for pieces in ([1] * T, [2, 3, 1, 5]):
        stream, stop = Stream(model), 0
        for piece in pieces:
            start, stop = stop, stop + piece
            cases.assert_close(stream.step(X=X[:, start:stop]), expected[stop - 1])


@pytest.mark.parametrize("frames", FRAMES, ids=cases.name_of)
def test_a_row_of_zeros_in_the_state_begins_anew(frames):
    parameters = {"readout": ("last", "mean", "max", "attention"), "bidirectional": False}
    est = RNNClassifier(4, "tanh", **parameters, **cases.QUICK, **frames).fit(X, Y)
    stream = Stream(to_streaming_onnx(est))
    for t in range(5):
        stream.step(X=X[:, t : t + 1])
    for part in stream.state.values():
        part[2] = 0
    for t in range(5, T):
        got = stream.step(X=X[:, t : t + 1])
        cases.assert_close(got[[2]], est.predict_proba(X[[2], 5 : t + 1]))
        cases.assert_close(got[[0]], est.predict_proba(X[[0], : t + 1]))


def test_a_regressor_streams_on_the_scale_of_its_target():
    est = RNNRegressor(4, **cases.QUICK).fit(X, 100.0 + Y)
    stream = Stream(to_streaming_onnx(est))
    for t in range(T):
        got = stream.step(X=X[:, t : t + 1])
        cases.assert_close(got[:, 0], est.predict(X[:, : t + 1]))


def test_a_prediction_at_every_step_is_that_of_the_steps_of_the_call():
    y = np.repeat(Y[:, None], T, axis=1)
    est = RNNClassifier((4, 4), return_sequences=True, differences=True, **cases.QUICK).fit(X, y)
    stream = Stream(to_streaming_onnx(est))
    for start, stop in ((0, 1), (1, 4), (4, T)):
        expected = est.predict_proba(X)[:, start:stop]
        cases.assert_close(stream.step(X=X[:, start:stop]), expected)


def test_a_scaler_in_front_runs_inside():
    est = make_pipeline(SequenceScaler(), RNNClassifier(4, **cases.QUICK)).fit(3 + 5 * X, Y)
    stream = Stream(to_streaming_onnx(est))
    stream.step(X=X[:, :4])
    cases.assert_close(stream.step(X=X[:, 4:]), est.predict_proba(X))


def test_tokens_stream_too():
    words = [list("abcab"), list("cabba"), list("bbacc"), list("aabbc"), list("cccba")]
    network = RNNClassifier(4, embedding_dim=3, bidirectional=False, **cases.QUICK)
    est = make_pipeline(TokenEncoder(), network).fit(words, Y)
    stream = Stream(to_streaming_onnx(est))
    array = np.array(words, dtype=object)[:, :, None]
    for t in range(5):
        got = stream.step(X=array[:, t : t + 1])
        cases.assert_close(got, est.predict_proba([word[: t + 1] for word in words]))


GAPPY = X.copy()
GAPPY[np.random.default_rng(1).uniform(size=X.shape) < 0.4] = np.nan
GAPPY[1, 0] = np.nan


def as_list(X):
    """Sequences whose last steps are no padding, though they may be all NaN."""
    return list(X)


@pytest.mark.parametrize("learnt", [(), (1,), (0, 1, 2)], ids=str)
@pytest.mark.parametrize("frames", FRAMES, ids=cases.name_of)
def test_missing_values_stream(learnt, frames):
    parameters = {"readout": ("last", "mean"), "bidirectional": False, **cases.QUICK, **frames}
    missing = np.isnan(GAPPY) & np.isin(np.arange(3), learnt)
    est = RNNClassifier(4, **parameters).fit(np.where(missing, np.nan, X), Y)
    assert est.network_.architecture.decay.columns == learnt
    model, expected = to_streaming_onnx(est), {}
    for pieces in ([1] * T, [2, 3, 1, 5]):
        stream, stop = Stream(model), 0
        for piece in pieces:
            start, stop = stop, stop + piece
            if stop not in expected:
                expected[stop] = est.predict_proba(as_list(GAPPY[:, :stop]))
            cases.assert_close(stream.step(X=GAPPY[:, start:stop]), expected[stop])


def test_a_row_that_begins_anew_remembers_no_values():
    est = RNNClassifier(4, bidirectional=False, **cases.QUICK).fit(GAPPY, Y)
    stream = Stream(to_streaming_onnx(est))
    stream.step(X=GAPPY[:, :4])
    for part in stream.state.values():
        part[1] = 0
    got = stream.step(X=GAPPY[:, 4:])
    cases.assert_close(got[[1]], est.predict_proba(as_list(GAPPY[[1], 4:])))
    cases.assert_close(got[[0]], est.predict_proba(as_list(GAPPY[[0]])))


@pytest.mark.parametrize(
    "imputer",
    [
        SequenceImputer(),
        SequenceImputer(add_indicator=True, add_elapsed=True),
        SequenceImputer("mean", add_elapsed=True),
    ],
    ids=["forward", "forward with both", "mean with elapsed"],
)
def test_an_imputer_in_front_streams(imputer):
    network = RNNClassifier(4, bidirectional=False, **cases.QUICK)
    est = make_pipeline(SequenceScaler(), imputer, network).fit(GAPPY, Y)
    stream = Stream(to_streaming_onnx(est))
    for t in range(T):
        got = stream.step(X=GAPPY[:, t : t + 1])
        cases.assert_close(got, est.predict_proba(as_list(GAPPY[:, : t + 1])))


@pytest.mark.parametrize("where", ["readout", "channels"])
@pytest.mark.parametrize("steps", [False, True])
def test_static_features_go_in_at_every_call(where, steps):
    static = np.random.default_rng(2).normal(size=(N, 2)).astype(np.float32)

    def table(stop):
        cells = {f"x{j}": list(X[:, :stop, j]) for j in range(3)}
        return pd.DataFrame(cells | {"a": static[:, 0], "b": static[:, 1]})

    y = np.repeat(Y[:, None], T, axis=1) if steps else Y
    parameters = {"bidirectional": False, "return_sequences": steps, "static": where}
    est = RNNClassifier(4, **cases.QUICK | parameters).fit(table(T), y)
    stream = Stream(to_streaming_onnx(est))
    for t in range(T):
        got = stream.step(X=X[:, t : t + 1], static=static)
        expected = np.stack(list(est.predict_proba(table(t + 1))))
        cases.assert_close(got, expected[:, -1:] if steps else expected)


@pytest.mark.parametrize("where", ["readout", "channels"])
@pytest.mark.parametrize("frames", [{}, FRAMES[1], FRAMES[3]], ids=["none", "some", "learnt"])
def test_a_sequence_begins_anew_with_other_static_features(where, frames):
    known = 40 + 10 * np.random.default_rng(2).normal(size=(N, 2)).astype(np.float32)

    def table(order, stop):
        cells = {f"x{j}": list(X[order, :stop, j]) for j in range(3)}
        return pd.DataFrame(cells | {"a": known[order, 0], "b": known[order, 1]})

    every = np.arange(N)
    network = RNNClassifier(4, bidirectional=False, static=where, **cases.QUICK | frames)
    est = make_pipeline(SequenceScaler(), network).fit(table(every, T), Y)
    stream = Stream(to_streaming_onnx(est))
    for t in range(6):
        stream.step(X=X[:, t : t + 1], static=known)
    for array in stream.state.values():
        array[1:] = 0
    order = np.array([0, 3, 4, 1, 2])
    for t in range(5):
        step = np.where(every[:, None, None] == 0, X[:, t + 6 :][:, :1], X[order, t : t + 1])
        got = stream.step(X=step, static=known[order])
        cases.assert_close(got[1:], est.predict_proba(table(order[1:], t + 1)))
        cases.assert_close(got[:1], est.predict_proba(table(every[:1], t + 7)))


@pytest.mark.parametrize("loss", ["gaussian", "quantile"])
def test_several_numbers_a_target_stream(loss):
    levels = {"quantile": (0.2, 0.7)} if loss == "quantile" else {}
    est = RNNRegressor(4, loss=loss, bidirectional=False, **levels, **cases.QUICK)
    est.fit(X, 100.0 + Y)
    stream = Stream(to_streaming_onnx(est))
    stream.step(X=X[:, :5])
    got, expected = stream.step(X=X[:, 5:]), est.predict(X)
    cases.assert_close(got.reshape(expected.shape), expected)


def test_a_scale_of_the_whole_sequence_does_not_stream():
    est = make_pipeline(SequenceScaler(per="sequence"), RNNClassifier(4, **cases.QUICK))
    with pytest.raises(ValueError, match="per='channel'"):
        to_streaming_onnx(est.fit(X, Y))


def test_what_was_not_finite_spoils_all_that_follows():
    stream = Stream(to_streaming_onnx(RNNClassifier(4, **cases.QUICK).fit(X, Y)))
    stream.step(X=X[:, :1])
    spoilt = X[:, 1:2].copy()
    spoilt[1, 0, 0] = np.inf
    for x in (spoilt, X[:, 2:3]):
        assert np.isnan(stream.step(X=x)).all(axis=1).tolist() == [False, True, False, False, False]


def test_the_state_begins_with_zeros():
    state = initial_state(
        to_streaming_onnx(RNNClassifier(4, cell="lstm", **cases.QUICK).fit(X, Y)), 7
    )
    assert {name: part.shape for name, part in state.items()} == {
        "state.n_steps": (7, 1),
        "state.finite": (7, 1),
        "state.gaps.last": (7, 3),
        "state.layers.0.h": (7, 4),
        "state.layers.0.c": (7, 4),
    }
    assert not any(part.any() for part in state.values())


def test_a_model_of_whole_sequences_has_no_state():
    with pytest.raises(ValueError, match="make it with to_streaming_onnx"):
        initial_state(to_onnx(RNNClassifier(4, **cases.QUICK).fit(X, Y)))


def test_a_network_that_reads_backwards_does_not_stream():
    est = RNNClassifier(4, bidirectional=True, **cases.QUICK).fit(X, Y)
    with pytest.raises(ValueError, match="bidirectional=False"):
        to_streaming_onnx(est)


def test_frames_that_answer_for_every_step_do_not_stream():
    y = np.repeat(Y[:, None], T, axis=1)
    parameters = {"return_sequences": True, "frame_length": 2, **cases.QUICK}
    with pytest.raises(ValueError, match="frame_length=1"):
        to_streaming_onnx(RNNClassifier(4, **parameters).fit(X, y))
