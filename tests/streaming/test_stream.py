"""A stream answers as `predict` does of the sequence so far, and keeps where it is."""

from __future__ import annotations

import pickle
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from streamed import CASES, N_STEPS, ONE_WAY, fitted, sequences, targets

from skrnn import RNNClassifier, RNNRegressor
from skrnn.c import to_c
from skrnn.core import kernels
from skrnn.core.cells import LSTM
from skrnn.core.readouts import BaseReadout
from skrnn.preprocessing import SequenceImputer, SequenceScaler, TokenEncoder
from skrnn.streaming import SequenceStream

compiled = pytest.mark.skipif(kernels.backend() == "numpy", reason="the kernels are not compiled")


@pytest.fixture
def on_numpy():
    before = kernels.backend()
    kernels.use_backend("numpy")
    yield
    kernels.use_backend(before)


def last_estimator(est):
    return est[-1] if hasattr(est, "steps") else est


def expected_at(est, X, t, method):
    answers = getattr(est, method)(X[:, : t + 1])
    return answers[:, -1] if last_estimator(est).return_sequences else answers


def methods(est):
    yield "step", "predict"
    if hasattr(est, "predict_proba"):
        yield "step_proba", "predict_proba"


@compiled
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", CASES)
def test_every_step_is_the_prediction_for_the_prefix_to_the_bit(name, dtype):
    est, X = fitted(name, dtype), sequences(dtype)[:3]
    for step, method in methods(est):
        stream = SequenceStream(est, n_streams=3)
        for t in range(N_STEPS):
            answer = getattr(stream, step)(X[:, t])
            expected = expected_at(est, X, t, method)
            assert answer.dtype == expected.dtype
            np.testing.assert_array_equal(answer, expected)


@pytest.mark.parametrize("name", CASES)
def test_every_step_is_the_prediction_for_the_prefix_on_numpy(name, on_numpy):
    est, X = fitted(name), sequences()[:3]
    *_, (step, method) = methods(est)
    stream = SequenceStream(est, n_streams=3)
    for t in range(N_STEPS):
        expected = expected_at(est, X, t, method)
        np.testing.assert_allclose(getattr(stream, step)(X[:, t]), expected, rtol=1e-12)


def test_there_are_more_than_forty_configurations():
    assert len(CASES) > 40


# Streams that begin, wait and end at different times: which ones have a row at each call.
TURNS = [[0, 1, 2], [1], [2, 0], [0], [1, 2], [2, 0, 1], [0, 1]]


@pytest.mark.parametrize("name", CASES)
def test_streams_need_not_keep_step(name):
    est, X = fitted(name), sequences()[:3]
    stream, read = SequenceStream(est, n_streams=3), [0, 0, 0]
    for turn, which in enumerate(TURNS):
        if turn == 4:
            stream.reset(2)
            read[2] = 0
        answers = stream.step(np.stack([X[i, read[i]] for i in which]), only=which)
        for i, answer in zip(which, answers, strict=True):
            expected = expected_at(est, X[i : i + 1], read[i], "predict")[0]
            if kernels.backend() == "numpy" and expected.dtype.kind == "f":
                expected = pytest.approx(expected, rel=1e-12)
            assert np.all(answer == expected)
            read[i] += 1
    assert stream.n_steps.tolist() == read


@compiled
@pytest.mark.parametrize("name", CASES)
def test_pieces_go_on_where_the_last_one_ended(name):
    est, X = fitted(name), sequences()[:3]
    stream, per_step = SequenceStream(est, n_streams=3), last_estimator(est).return_sequences
    for start, stop in [(0, 4), (4, 5), (5, N_STEPS)]:
        answers = stream.steps(X[:, start:stop])
        for t in range(start, stop) if per_step else [stop - 1]:
            expected = expected_at(est, X, t, "predict")
            np.testing.assert_array_equal(answers[:, t - start] if per_step else answers, expected)


@pytest.mark.parametrize("name", CASES)
def test_a_state_goes_on_in_another_stream(name):
    est, X = fitted(name), sequences()[:3]
    stream = SequenceStream(est, n_streams=3)
    for t in range(6):
        stream.step(X[:, t])
    state = pickle.loads(pickle.dumps(stream.get_state()))
    expected = [stream.step(X[:, t]) for t in range(6, N_STEPS)]
    other = SequenceStream(est, n_streams=3)
    other.step(X[:, 0])
    other.set_state(state)
    np.testing.assert_array_equal([other.step(X[:, t]) for t in range(6, N_STEPS)], expected)


@pytest.mark.parametrize("name", ["lstm mean", "scaled", "overlapping frames", "gru attention"])
def test_a_pickled_stream_goes_on(name):
    est, X = fitted(name), sequences()[:2]
    stream = SequenceStream(est, n_streams=2)
    for t in range(5):
        stream.step(X[:, t])
    copy = pickle.loads(pickle.dumps(stream))
    for t in range(5, N_STEPS):
        np.testing.assert_array_equal(copy.step(X[:, t]), stream.step(X[:, t]))


def test_a_state_is_a_copy():
    stream = SequenceStream(fitted("lstm mean"))
    state = stream.get_state()
    stream.step(sequences()[0, 0])
    assert state["network.n_steps"].tolist() == [0]
    assert not state["network.layers.0.0"].any()


def test_a_state_is_made_of_plain_arrays():
    state = SequenceStream(fitted("scaled"), n_streams=2).get_state()
    assert all(type(array) is np.ndarray and array.dtype.kind in "if" for array in state.values())
    assert all(len(array) == 2 for array in state.values())


def test_reset_lets_all_streams_begin_anew():
    est, X = fitted("overlapping frames"), sequences()[:2]
    stream = SequenceStream(est, n_streams=2)
    first = [stream.step(X[:, t]) for t in range(N_STEPS)]
    stream.reset()
    assert stream.n_steps.tolist() == [0, 0]
    np.testing.assert_array_equal([stream.step(X[:, t]) for t in range(N_STEPS)], first)


def test_a_later_fit_does_not_change_a_stream():
    X, y = sequences(), targets("numbers")
    est = RNNRegressor(**ONE_WAY).fit(X, y)
    expected, stream = est.predict(X[:1, :1]), SequenceStream(est)
    est.partial_fit(X, y + 100)
    est.network_.parameters.vector[:] += 1
    np.testing.assert_allclose(stream.step(X[0, 0]), expected, rtol=1e-12)


def test_another_back_end_takes_over():
    est, X = fitted("lstm mean"), sequences()
    stream, before = SequenceStream(est), kernels.backend()
    try:
        for t, name in enumerate(kernels.backends()):
            kernels.use_backend(name)
            expected = est.predict_proba(X[:1, : t + 1])
            np.testing.assert_allclose(stream.step_proba(X[0, t]), expected, rtol=1e-12)
    finally:
        kernels.use_backend(before)


# --- forms of a row ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "form",
    [
        lambda row: row,
        lambda row: row[np.newaxis],
        lambda row: row.tolist(),
        lambda row: [row.tolist()],
        lambda row: np.asfortranarray(np.stack([row, row]))[:1],
        lambda row: np.repeat(row, 2)[::2],
        lambda row: row.astype(">f8"),
        lambda row: row.astype(object),
        lambda row: np.ma.masked_array(row),
        lambda row: pd.Series(row),
        lambda row: pd.DataFrame([row]),
        lambda row: pd.DataFrame([row], columns=["u", "v", "w"], dtype="Float64"),
    ],
)
@pytest.mark.parametrize("name", ["lstm mean", "scaled"])
def test_a_row_of_one_stream_in_any_form(name, form):
    est, row = fitted(name), sequences()[0, 0]
    expected = SequenceStream(est).step_proba(row)
    np.testing.assert_array_equal(SequenceStream(est).step_proba(form(row)), expected)


@pytest.mark.parametrize("form", [lambda x: x, lambda x: x[:, np.newaxis], lambda x: x.tolist()])
def test_one_channel_needs_no_axis(form):
    X, y = sequences()[:, :, :1], targets("numbers")
    est = RNNRegressor(**ONE_WAY).fit(X, y)
    stream = SequenceStream(est, n_streams=12)
    np.testing.assert_allclose(stream.step(form(X[:, 0, 0])), est.predict(X[:, :1]), rtol=1e-12)


def test_one_number_is_a_row_of_one_channel():
    X, y = sequences()[:, :, :1], targets("numbers")
    est = RNNRegressor(**ONE_WAY).fit(X, y)
    assert SequenceStream(est).step(0.5).shape == (1,)


@pytest.mark.parametrize("method", ["standard", None])
def test_rows_of_one_channel_may_be_scaled(method):
    X, y = sequences()[:, :, 1:2], targets("numbers")
    est = RNNRegressor(**ONE_WAY)
    est = make_pipeline(SequenceScaler(method), est) if method else est
    stream = SequenceStream(est.fit(X, y), n_streams=12)
    for t in range(3):
        answer = stream.step(X[:, t, 0])
    np.testing.assert_allclose(answer, est.predict(X[:, :3]), rtol=1e-12)


@pytest.mark.parametrize(
    ("n_streams", "form"),
    [
        (1, lambda x: x[0, :, 0]),
        (1, lambda x: x[0]),
        (1, lambda x: x[:1, :, 0]),
        (1, lambda x: x[:1]),
        (3, lambda x: x[:3, :, 0]),
        (3, lambda x: x[:3]),
    ],
)
def test_pieces_of_one_channel_need_no_axis(n_streams, form):
    X, y = sequences()[:, :, 1:2], targets("numbers")
    est = RNNRegressor(**ONE_WAY).fit(X, y)
    answer = SequenceStream(est, n_streams).steps(form(X))
    np.testing.assert_allclose(answer, est.predict(X[:n_streams]), rtol=1e-12)


def test_integers_are_numbers():
    est = fitted("lstm mean")
    row = np.array([1, 2, 3])
    expected = est.predict_proba(row[np.newaxis, np.newaxis].astype(float))
    np.testing.assert_allclose(SequenceStream(est).step_proba(row), expected, rtol=1e-12)


def test_what_is_masked_is_missing():
    row = np.ma.masked_array(sequences()[0, 0], mask=[False, True, False])
    with pytest.raises(ValueError, match="stream 0, channel 1"):
        SequenceStream(fitted("lstm mean")).step(row)


def test_rows_of_another_dtype_are_scaled_as_transform_scales_them():
    X, y = sequences(np.float32), targets("numbers")
    est = make_pipeline(SequenceScaler(), RNNRegressor(**ONE_WAY)).fit(X, y)
    for rows in (X, X.astype(np.float64)):
        expected = est.predict(rows[:, :1])
        answer = SequenceStream(est, n_streams=12).step(rows[:, 0])
        np.testing.assert_allclose(answer, expected, rtol=1e-6)
        if kernels.backend() != "numpy":
            np.testing.assert_array_equal(answer, expected)


# --- pipelines and wrappers ----------------------------------------------------------------------


@pytest.mark.parametrize("method", ["standard", "minmax", "robust"])
@pytest.mark.parametrize("parameters", [{}, {"with_centering": False}, {"with_scaling": False}])
@compiled
def test_every_scaler_runs_inside(method, parameters):
    X, y = sequences(), targets("numbers")
    scaler = SequenceScaler(method, **parameters)
    est = make_pipeline(scaler, "passthrough", RNNRegressor(**ONE_WAY)).fit(X, y)
    stream = SequenceStream(est, n_streams=12)
    np.testing.assert_array_equal(stream.step(X[:, 0]), est.predict(X[:, :1]))


def test_a_scaler_fitted_on_tables_runs_inside():
    X, y = sequences(), targets("numbers")
    steps = SequenceScaler(n_channels=3), RNNRegressor(**ONE_WAY, n_channels=3)
    est = make_pipeline(*steps).fit(X.reshape(12, -1), y)
    stream = SequenceStream(est, n_streams=12)
    for t in range(N_STEPS):
        answer = stream.step(X[:, t])
    np.testing.assert_allclose(answer, est.predict(X.reshape(12, -1)), rtol=1e-12)


TOKENS = [["a", "b", "a"], ["b", "c"], ["c", "a", "b", "b"], ["a"]] * 3


def test_tokens_are_encoded_inside():
    y = targets("numbers")
    est = make_pipeline(TokenEncoder(), RNNRegressor(**ONE_WAY, embedding_dim=2)).fit(TOKENS, y)
    stream, so_far = SequenceStream(est), []
    for token in ["b", "never seen", "a"]:
        so_far.append(token)
        expected = est.predict([so_far])
        np.testing.assert_allclose(stream.step(token), expected, rtol=1e-12)


def test_a_piece_of_tokens_is_encoded_inside():
    est = make_pipeline(TokenEncoder(), RNNRegressor(**ONE_WAY, embedding_dim=2))
    est.fit(TOKENS, targets("numbers"))
    stream = SequenceStream(est)
    stream.steps(["b"])
    answer = stream.steps(["c", "a"])
    np.testing.assert_allclose(answer, est.predict([["b", "c", "a"]]), rtol=1e-12)


def test_channels_beside_tokens_pass():
    X = pd.DataFrame({"event": TOKENS, "amount": [[float(len(x))] * len(x) for x in TOKENS]})
    model = RNNRegressor(**ONE_WAY, embedding_dim={"event": 2})
    est = make_pipeline(TokenEncoder(), model).fit(X, targets("numbers"))
    stream = SequenceStream(est, n_streams=2)
    row = pd.DataFrame({"event": ["b", "c"], "amount": [0.5, 2.0]})
    expected = est.predict(pd.DataFrame({"event": [["b"], ["c"]], "amount": [[0.5], [2.0]]}))
    np.testing.assert_allclose(stream.step(row), expected, rtol=1e-12)


def test_an_unknown_token_may_be_an_error():
    encoder = TokenEncoder(handle_unknown="error")
    est = make_pipeline(encoder, RNNRegressor(**ONE_WAY, embedding_dim=2))
    stream = SequenceStream(est.fit(TOKENS, targets("numbers")))
    with pytest.raises(ValueError, match="'never seen' in channel 0"):
        stream.step("never seen")
    assert stream.n_steps.tolist() == [0]


@pytest.mark.parametrize("token", [None, np.nan, ["a"]])
def test_a_token_that_is_none_is_an_error(token):
    est = make_pipeline(TokenEncoder(), RNNRegressor(**ONE_WAY, embedding_dim=2))
    stream = SequenceStream(est.fit(TOKENS, targets("numbers")))
    row = np.empty((1, 1), object)
    row[0, 0] = token
    with pytest.raises(ValueError, match="token"):
        stream.step(row)


def test_an_id_beyond_the_table_is_an_error():
    stream = SequenceStream(fitted("embedding"), n_streams=2)
    row = sequences()[:2, 0]
    row[1, 0] = 4
    with pytest.raises(
        ValueError, match="has 4 in stream 1, channel 0, but the known ids are 0 to"
    ):
        stream.step(row)
    assert stream.n_steps.tolist() == [0, 0]


class Lagging(SequenceScaler):
    """Gives the row before: a transformer with a state of its own."""

    def _start_steps(self, n_streams):
        return {"row": np.zeros((n_streams, 3))}

    def _step(self, x, state):
        before = state["row"].copy()
        state["row"][:] = x
        return before


def test_a_transformer_may_keep_a_state():
    X, y = sequences(), targets("numbers")
    scaler = Lagging(with_centering=False, with_scaling=False)
    est = make_pipeline(scaler, RNNRegressor(**ONE_WAY)).fit(X, y)
    stream = SequenceStream(est, n_streams=2)
    stream.step(X[:2, 0])
    answer = stream.step(X[:1, 1], only=[0])
    lagged = np.stack([np.zeros(3), X[0, 0]])[np.newaxis]
    np.testing.assert_allclose(answer, est[-1].predict(lagged), rtol=1e-12)
    np.testing.assert_array_equal(stream.get_state()["transformers.0.row"], [X[0, 1], X[1, 0]])
    stream.reset(1)
    np.testing.assert_array_equal(stream.get_state()["transformers.0.row"], [X[0, 1], [0, 0, 0]])


def test_a_refused_row_leaves_the_state_of_a_transformer():
    X, y = sequences(), targets("numbers")
    scaler = Lagging(with_centering=False, with_scaling=False)
    stream = SequenceStream(make_pipeline(scaler, RNNRegressor(**ONE_WAY)).fit(X, y))
    stream.step(X[0, 0])
    stream.step([np.nan, 0.0, 0.0])  # comes a step later
    before = stream.get_state()
    with pytest.raises(ValueError, match="NaN"):
        stream.step(X[0, 1])
    for name, array in stream.get_state().items():
        np.testing.assert_array_equal(array, before[name])


def test_a_search_and_a_frozen_pipeline_stand_for_what_is_inside():
    X, y = sequences(), targets("two classes")
    pipeline = make_pipeline(SequenceScaler(), RNNClassifier(**ONE_WAY))
    search = GridSearchCV(pipeline, {"rnnclassifier__alpha": [0.0, 0.1]}, cv=2).fit(X, y)
    for est in (search, FrozenEstimator(search.best_estimator_)):
        answer = SequenceStream(est, n_streams=12).step_proba(X[:, 0])
        np.testing.assert_allclose(answer, search.predict_proba(X[:, :1]), rtol=1e-12)


# --- what cannot be streamed ---------------------------------------------------------------------


@pytest.mark.parametrize("run", [SequenceStream, to_c], ids=["stream", "C"])
@pytest.mark.parametrize(
    ("transformer", "message"),
    [
        (SequenceScaler(per="sequence"), r"per='sequence'\) cannot be streamed.*per='channel'"),
        (SequenceImputer("interpolate"), "cannot be streamed: it looks at the next value"),
    ],
    ids=["own scale", "interpolation"],
)
def test_what_needs_the_whole_sequence_is_refused_at_once(run, transformer, message):
    clf = RNNClassifier(**ONE_WAY)
    pipeline = make_pipeline(transformer, clf).fit(sequences(), targets("two classes"))
    with pytest.raises(ValueError, match=message):
        run(pipeline)


def test_a_bidirectional_network_is_refused_with_the_remedy():
    est = RNNRegressor(**{**ONE_WAY, "bidirectional": True}).fit(sequences(), targets("numbers"))
    with pytest.raises(ValueError, match=r"cannot be streamed: it is bidirectional.*=False"):
        SequenceStream(est)


def test_a_transformer_of_whole_rows_is_refused():
    X, y = sequences()[:, :, 0], targets("numbers")
    est = make_pipeline(StandardScaler(), RNNRegressor(**ONE_WAY)).fit(X, y)
    with pytest.raises(TypeError, match=r"StandardScaler cannot be streamed.*pipeline\[1:\]"):
        SequenceStream(est)


def test_a_wrapper_that_changes_the_prediction_is_refused():
    X, y = sequences(), targets("two classes")
    est = CalibratedClassifierCV(RNNClassifier(**ONE_WAY), cv=2).fit(X, y)
    with pytest.raises(TypeError, match="Got CalibratedClassifierCV"):
        SequenceStream(est)


@pytest.mark.parametrize(
    "est",
    [
        RNNClassifier(),
        make_pipeline(SequenceScaler(), RNNClassifier()),
        GridSearchCV(RNNClassifier(), {"alpha": [0.1]}),
    ],
    ids=["estimator", "pipeline", "search"],
)
def test_what_is_not_fitted_is_refused(est):
    with pytest.raises(NotFittedError):
        SequenceStream(est)


class Clocked(LSTM):
    """Reads every other step twice as strongly, and does not say which one it is at."""

    def forward(self, x, n_active, weights, state=None):
        strength = 1.0 + np.arange(len(x)) % 2
        return super().forward(x * strength[:, None, None], n_active, weights, state)


class Slow(LSTM):
    """An own cell that says all of its state."""


def test_an_own_cell_that_hides_a_part_of_its_state_is_refused():
    est = RNNRegressor(**{**ONE_WAY, "cell": Clocked()})
    est.fit(sequences(), targets("numbers"))
    with pytest.raises(ValueError, match="state_after"):
        SequenceStream(est)


def test_an_own_cell_is_streamed():
    X, y = sequences(), targets("numbers")
    est = RNNRegressor(**{**ONE_WAY, "cell": Slow(), "readout": "mean"}).fit(X, y)
    stream = SequenceStream(est, n_streams=12)
    for t in range(N_STEPS):
        expected = est.predict(X[:, : t + 1])
        np.testing.assert_allclose(stream.step(X[:, t]), expected, rtol=1e-12)


class Median(BaseReadout):
    """A read-out of the user's own, which needs all states."""

    def forward(self, h, n_active, weights):
        return np.median(h[1:], axis=0), (h, n_active)

    def backward(self, d_features, cache, weights):
        return np.zeros_like(cache[0]), {}


def test_an_own_readout_is_streamed():
    X, y = sequences(), targets("numbers")
    est = RNNRegressor(**{**ONE_WAY, "readout": Median()}).fit(X, y)
    stream = SequenceStream(est, n_streams=12)
    for t in range(N_STEPS):
        expected = est.predict(X[:, : t + 1])
        np.testing.assert_allclose(stream.step(X[:, t]), expected, rtol=1e-12)


@dataclass(frozen=True)
class Wider(type(fitted("gru last").network_.architecture)):
    """An architecture with a part that streaming does not know."""

    gaps: object = None


def test_a_part_that_streaming_does_not_know_is_refused():
    est = RNNRegressor(**ONE_WAY).fit(sequences(), targets("numbers"))
    known = est.network_.architecture.__getstate__()
    est.network_.architecture = Wider(**known)
    SequenceStream(est)
    est.network_.architecture = Wider(**known, gaps="drift")
    with pytest.raises(ValueError, match="does not know 'gaps', a part of this network"):
        SequenceStream(est)


def test_a_sequence_in_the_cells_of_a_frame_is_refused_with_the_remedy():
    X = pd.DataFrame({name: list(sequences()[:, :, j]) for j, name in enumerate("abc")})
    est = RNNRegressor(**ONE_WAY).fit(X, targets("numbers"))
    with pytest.raises(ValueError, match=r"cells are sequences.*numpy\.column_stack\(X\[channels"):
        SequenceStream(est).steps(X.iloc[[0]])
    np.testing.assert_allclose(
        SequenceStream(est).steps(np.column_stack(X.iloc[0])), est.predict(X.iloc[[0]])
    )


# --- wrong calls ---------------------------------------------------------------------------------


@pytest.mark.parametrize("n_streams", [0, -1, 1.0, True, "2", None])
def test_the_number_of_streams_is_a_positive_int(n_streams):
    with pytest.raises(ValueError, match="n_streams must be an int >= 1"):
        SequenceStream(fitted("lstm last"), n_streams)


@pytest.mark.parametrize("only", [3, -1, [0, 3], [[0]], [], 0.5, [True], "0", [0, 0]])
def test_streams_are_named_by_their_numbers(only):
    stream = SequenceStream(fitted("lstm last"), n_streams=3)
    with pytest.raises(ValueError, match=r"Streams are named|names one twice"):
        stream.step(np.zeros((2, 3)), only=only)


@pytest.mark.parametrize("name", ["lstm last", "scaled", "lstm relu without a kernel"])
@pytest.mark.parametrize(
    "rows", [np.zeros(3), np.zeros((3, 3)), np.zeros((2, 4)), np.zeros((2, 1)), np.zeros((2, 1, 3))]
)
def test_rows_of_another_shape_are_refused(name, rows):
    stream = SequenceStream(fitted(name), n_streams=2)
    with pytest.raises(ValueError, match=r"has shape .* expected \(2, 3\)"):
        stream.step(rows)
    assert stream.n_steps.tolist() == [0, 0]


@pytest.mark.parametrize("name", ["lstm last", "scaled", "differences"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_number_that_is_not_finite_is_refused(name, value):
    stream = SequenceStream(fitted(name), n_streams=2)
    rows = np.zeros((2, 3))
    rows[1, 2] = value
    with pytest.raises(ValueError, match="in stream 1, channel 2"):
        stream.step(rows)
    assert stream.n_steps.tolist() == [0, 0]


def test_a_number_beyond_single_precision_is_refused():
    stream = SequenceStream(fitted("lstm last", np.float32))
    with pytest.raises(ValueError, match="too large for float32"):
        stream.step([1e300, 0.0, 0.0])


@pytest.mark.parametrize("row", [["a", "b", "c"], [None, 1.0, 2.0], [1j, 0, 0]])
def test_what_is_no_number_is_refused(row):
    with pytest.raises(ValueError, match="x_t"):
        SequenceStream(fitted("lstm last")).step(row)


def test_channels_come_in_the_order_of_fit():
    X = pd.DataFrame({"u": [[1.0, 2.0]] * 12, "v": [[0.0, 1.0]] * 12})
    est = RNNRegressor(**ONE_WAY).fit(X, targets("numbers"))
    stream = SequenceStream(est)
    stream.step(pd.DataFrame({"u": [1.0], "v": [0.0]}))
    with pytest.raises(ValueError, match=r"channels \['v', 'u'\].*\['u', 'v'\], in this order"):
        stream.step(pd.Series({"v": 0.0, "u": 1.0}))


def test_numbers_have_no_probabilities():
    with pytest.raises(AttributeError, match="Use step"):
        SequenceStream(fitted("gru joined")).step_proba(np.zeros(3))


@pytest.mark.parametrize("on", ["kernels", "numpy"])
def test_a_prediction_that_is_not_finite_is_an_error(on, request):
    if on == "numpy":
        request.getfixturevalue("on_numpy")
    est = clone(fitted("relu")).fit(sequences(), targets("classes"))
    est.network_.parameters.vector[:] = 1e200
    stream = SequenceStream(est)
    with np.errstate(all="ignore"), pytest.raises(ValueError, match=r"The prediction of .* finite"):
        stream.steps(np.ones((1, 3, 3)))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda state: state.pop("network.n_steps"),
        lambda state: state.update(more=np.zeros(2)),
        lambda state: state.update({"network.layers.0.0": np.zeros((2, 4))}),
        lambda state: state.update({"network.layers.0.0": np.zeros((2, 5), np.float32)}),
        lambda state: state.update({"network.n_steps": np.array([1, -1])}),
    ],
)
def test_a_state_of_another_stream_is_refused(spoil):
    stream = SequenceStream(fitted("lstm mean"), n_streams=2)
    stream.step(sequences()[:2, 0])
    before, state = stream.get_state(), stream.get_state()
    spoil(state)
    with pytest.raises(ValueError, match="state"):
        stream.set_state(state)
    for name, array in stream.get_state().items():
        np.testing.assert_array_equal(array, before[name])


@pytest.mark.parametrize("shape", [(2, 0, 3), (3, 4, 3), (2, 4, 2), (4, 3)])
def test_pieces_of_another_shape_are_refused(shape):
    with pytest.raises(ValueError, match=r"expected \(2, n_timesteps, 3\)"):
        SequenceStream(fitted("lstm last"), n_streams=2).steps(np.zeros(shape))


def test_a_stream_shows_what_it_runs():
    assert repr(SequenceStream(fitted("scaled"), 2)) == "SequenceStream(RNNClassifier, n_streams=2)"
