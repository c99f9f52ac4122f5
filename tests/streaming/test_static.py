"""Streams of networks with static features, which come once, when a sequence begins."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.frozen import FrozenEstimator
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from streamed import (
    CASES,
    N_STEPS,
    ONE_WAY,
    STATIC,
    fitted,
    fitted_static,
    sequences,
    table,
    targets,
)

from skrnn import RNNClassifier, RNNRegressor
from skrnn.core import kernels
from skrnn.preprocessing import SequenceImputer, SequenceScaler, TokenEncoder
from skrnn.streaming import SequenceStream

PLACES = ["readout", "channels"]


@pytest.fixture
def back_end():
    """Return the function that chooses a back end for a test."""
    before = kernels.backend()
    yield kernels.use_backend
    kernels.use_backend(before)


def last_estimator(est):
    return est[-1] if hasattr(est, "steps") else est


def prefixes(X, t, rows=slice(None)):
    """Return a table with the first steps of its sequences."""
    return X[rows].map(lambda cell: cell[: t + 1] if isinstance(cell, np.ndarray | list) else cell)


def expected_at(est, X, t, method="predict"):
    answers = np.stack(list(getattr(est, method)(prefixes(X, t))))
    return answers[:, -1] if last_estimator(est).return_sequences else answers


def check(answer, expected, dtype=np.float64):
    """Compare an answer with that of predict: to the bit with the kernels."""
    assert answer.dtype == expected.dtype
    if kernels.backend() != "numpy" or expected.dtype.kind != "f":
        np.testing.assert_array_equal(answer, expected)
    else:
        rtol = 1e-12 if dtype == np.float64 else 1e-4
        np.testing.assert_allclose(answer, expected, rtol=rtol)


def methods(est):
    yield "step", "predict"
    if hasattr(est, "predict_proba"):
        yield "step_proba", "predict_proba"


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", CASES)
def test_every_step_is_the_prediction_for_the_prefix(name, place, dtype):
    est, x = fitted_static(name, place, dtype), sequences(dtype)[:3]
    X = table(sequences(dtype))[:3]
    for step, method in methods(est):
        stream = SequenceStream(est, n_streams=3, static=X[STATIC])
        for t in range(N_STEPS):
            check(getattr(stream, step)(x[:, t]), expected_at(est, X, t, method), dtype)


@pytest.mark.parametrize("on", kernels.backends())
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    "name", ["rnn last", "lstm joined", "gru at every step", "lru stacked", "frames at every step"]
)
def test_every_back_end_gives_the_prediction_for_the_prefix(name, place, on, back_end):
    back_end(on)
    est, x = fitted_static(name, place), sequences()[:3]
    X = table(sequences())[:3]
    stream = SequenceStream(est, n_streams=3, static=X[STATIC])
    for t in range(N_STEPS):
        check(stream.step(x[:, t]), expected_at(est, X, t))


# Which streams have a row at each call; before the fourth, stream 2 begins another sequence.
TURNS = [[0, 1, 2], [1], [2, 0], [0], [1, 2], [2, 0, 1], [0, 1, 2]]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", CASES)
def test_streams_with_static_features_need_not_keep_step(name, place):
    est, x, X = fitted_static(name, place), sequences(), table(sequences())
    stream, read, of_sample = SequenceStream(est, 3, static=X[STATIC][:3]), [0, 0, 0], [0, 1, 2]
    for turn, which in enumerate(TURNS):
        if turn == 4:
            stream.reset(2, static=X[STATIC].iloc[[5]])
            read[2], of_sample[2] = 0, 5
        rows = np.stack([x[of_sample[i], read[i]] for i in which])
        answers = stream.step(rows, only=which)
        for i, answer in zip(which, answers, strict=True):
            expected = expected_at(est, X.iloc[[of_sample[i]]], read[i])[0]
            check(np.asarray(answer), np.asarray(expected))
            read[i] += 1


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", CASES)
def test_pieces_go_on_with_the_static_features_of_their_stream(name, place):
    est, x, X = fitted_static(name, place), sequences()[:3], table(sequences())[:3]
    stream, per_step = (
        SequenceStream(est, 3, static=X[STATIC]),
        last_estimator(est).return_sequences,
    )
    for start, stop in [(0, 4), (4, 5), (5, N_STEPS)]:
        answers = stream.steps(x[:, start:stop])
        for t in range(start, stop) if per_step else [stop - 1]:
            check(answers[:, t - start] if per_step else answers, expected_at(est, X, t))


@pytest.mark.parametrize("place", PLACES)
def test_static_features_count(place):
    est, x = fitted_static("numbers at every step", place), sequences()[0, 0]
    answers = [SequenceStream(est, static=[age, True]).step(x)[0] for age in (20.0, 60.0)]
    assert answers[0] != answers[1]


# --- forms of static features --------------------------------------------------------------------


@pytest.mark.parametrize(
    "form",
    [
        lambda row: row,
        lambda row: row[["marked", "age"]],
        lambda row: row.reset_index(drop=True).set_axis(["here"], axis=0),
        lambda row: row.iloc[0],
        lambda row: row.iloc[0].to_dict(),
        lambda row: {"marked": bool(row["marked"].iloc[0]), "age": [row["age"].iloc[0]]},
        lambda row: [row.iloc[0].to_dict()],
        lambda row: row.iloc[0].tolist(),
        lambda row: tuple(row.iloc[0]),
        lambda row: [row.iloc[0].tolist()],
        lambda row: row.to_numpy(),
        lambda row: row.to_numpy(dtype=float),
        lambda row: row.to_numpy(dtype=float)[0],
        lambda row: row.astype({"age": "Float64", "marked": "boolean"}),
    ],
)
@pytest.mark.parametrize("name", ["lstm mean", "scaled"])
def test_static_features_of_one_stream_in_any_form(name, form):
    est, X = fitted_static(name, "readout"), table(sequences())[:1]
    stream = SequenceStream(est, static=form(X[STATIC]))
    check(stream.step_proba(sequences()[0, 0]), expected_at(est, X, 0, "predict_proba"))


@pytest.mark.parametrize(
    "form",
    [
        lambda rows: rows,
        lambda rows: rows["age"],
        lambda rows: rows["age"].tolist(),
        lambda rows: rows.to_numpy(),
        lambda rows: rows["age"].to_numpy(),
        lambda rows: {"age": rows["age"]},
        lambda rows: {"age": rows["age"].to_numpy()},
        lambda rows: rows.to_dict("records"),
    ],
)
def test_one_static_column_needs_no_axis(form):
    X = table(sequences())[["age", "x1"]]
    est = RNNRegressor(**ONE_WAY).fit(X, targets("numbers"))
    stream = SequenceStream(est, n_streams=3, static=form(X[["age"]][:3]))
    check(stream.step(sequences()[:3, 0, 1]), expected_at(est, X[:3], 0))


def test_one_value_is_a_row_of_one_static_column():
    X = table(sequences())[["age", "x1"]]
    est = RNNRegressor(**ONE_WAY).fit(X, targets("numbers"))
    stream = SequenceStream(est, static=X["age"].iloc[0])
    check(stream.step(sequences()[0, 0, 1]), expected_at(est, X[:1], 0))


def test_a_single_value_in_a_dict_is_that_of_every_stream():
    est, X = fitted_static("lstm mean", "readout"), table(sequences())[:3].assign(marked=True)
    stream = SequenceStream(est, 3, static={"age": X["age"].tolist(), "marked": True})
    check(stream.step_proba(sequences()[:3, 0]), expected_at(est, X, 0, "predict_proba"))


def test_columns_without_names_come_in_the_order_of_fit():
    X = table(sequences()).set_axis(range(5), axis=1)
    est = RNNRegressor(**ONE_WAY).fit(X, targets("numbers"))
    stream = SequenceStream(est, 3, static=X[[0, 4]][:3])
    check(stream.step(sequences()[:3, 0]), expected_at(est, X[:3], 0))


def test_a_row_has_the_channels_alone():
    stream = SequenceStream(fitted_static("scaled", "channels"), static=[40.0, True])
    assert stream.n_channels == 3
    row = pd.DataFrame([sequences()[0, 0]], columns=["x0", "x1", "x2"])
    stream.step(row)
    with pytest.raises(ValueError, match=r"expected \(1, 3\)"):
        stream.step(np.zeros(5))
    with pytest.raises(ValueError, match=r"fitted on \['x0', 'x1', 'x2'\], in this order"):
        stream.step(row[["x1", "x0", "x2"]])


# --- when they come ------------------------------------------------------------------------------


@pytest.mark.parametrize("place", PLACES)
def test_a_stream_may_be_given_them_later(place):
    est, x, X = fitted_static("scaled", place), sequences(), table(sequences())
    stream = SequenceStream(est, n_streams=2)
    stream.reset(1, static=X[STATIC].iloc[[4]])
    check(stream.step_proba(x[4:5, 0], only=1), expected_at(est, X[4:5], 0, "predict_proba"))
    stream.reset(0, static=X[STATIC].iloc[[7]])
    answer = stream.step_proba(np.stack([x[7, 0], x[4, 1]]))
    check(answer[:1], expected_at(est, X[7:8], 0, "predict_proba"))
    check(answer[1:], expected_at(est, X[4:5], 1, "predict_proba"))


@pytest.mark.parametrize("place", PLACES)
def test_static_features_come_in_the_order_of_the_streams(place):
    est, x, X = fitted_static("lstm mean", place), sequences(), table(sequences())
    stream = SequenceStream(est, n_streams=3)
    stream.reset([2, 0], static=X[STATIC].iloc[[8, 9]])
    answer = stream.step_proba(x[[9, 8], 0], only=[0, 2])
    check(answer, expected_at(est, X.iloc[[9, 8]], 0, "predict_proba"))


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", ["lstm mean", "scaled", "overlapping frames", "gru attention"])
def test_a_stream_without_static_features_does_not_go_on(name, place):
    stream = SequenceStream(fitted_static(name, place), n_streams=2)
    stream.reset(0, static=[40.0, True])
    with pytest.raises(
        ValueError, match=r"Stream 1 has no static.*\['age', 'marked'\].*reset\(1, static="
    ):
        stream.step(sequences()[:2, 0])
    assert stream.n_steps.tolist() == [0, 0]
    stream.step(sequences()[:1, 0], only=0)


def test_reset_forgets_the_static_features_of_the_sequence_before():
    stream = SequenceStream(fitted_static("lstm mean", "readout"), static=[40.0, True])
    stream.step(sequences()[0, 0])
    stream.reset()
    with pytest.raises(ValueError, match="Stream 0 has no static features yet"):
        stream.step(sequences()[0, 0])


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", CASES)
def test_a_state_has_the_static_features_in_it(name, place):
    est, x, X = fitted_static(name, place), sequences()[:3], table(sequences())[:3]
    stream = SequenceStream(est, n_streams=3, static=X[STATIC])
    for t in range(6):
        stream.step(x[:, t])
    state = pickle.loads(pickle.dumps(stream.get_state()))
    expected = [stream.step(x[:, t]) for t in range(6, N_STEPS)]
    other = SequenceStream(est, n_streams=3)
    other.set_state(state)
    np.testing.assert_array_equal([other.step(x[:, t]) for t in range(6, N_STEPS)], expected)


def test_a_state_may_have_streams_without_static_features():
    est = fitted_static("lstm mean", "readout")
    stream, other = (SequenceStream(est, 2, static=[[30, True], [40, False]]) for _ in range(2))
    stream.reset(1)
    other.set_state(stream.get_state())
    other.step(sequences()[:1, 0], only=0)
    with pytest.raises(ValueError, match="Stream 1 has no static features yet"):
        other.step(sequences()[:2, 0])


def test_a_state_is_saved_without_pickle(tmp_path):
    est, static = fitted_static("scaled", "readout"), {"age": 40.0, "marked": True}
    stream = SequenceStream(est, static=static)
    stream.step(sequences()[0, 0])
    np.savez(tmp_path / "state.npz", **stream.get_state())
    other = SequenceStream(est)
    with np.load(tmp_path / "state.npz", allow_pickle=False) as state:
        other.set_state(state)
    np.testing.assert_array_equal(
        other.step_proba(sequences()[0, 1]), stream.step_proba(sequences()[0, 1])
    )


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", ["lstm mean", "scaled", "overlapping frames", "gru attention"])
def test_a_pickled_stream_keeps_them(name, place):
    est, x, X = fitted_static(name, place), sequences()[:2], table(sequences())[:2]
    stream = SequenceStream(est, 2, static=X[STATIC])
    stream.step(x[:, 0])
    copy = pickle.loads(pickle.dumps(stream))
    for t in range(1, 4):
        np.testing.assert_array_equal(copy.step(x[:, t]), stream.step(x[:, t]))


# --- pipelines -----------------------------------------------------------------------------------


def wards():
    """Return a table with categories among its static columns, strings, and a gap in one."""
    X = table(sequences()).assign(ward=pd.Categorical(list("nsw") * 4), kind=["a", "b"] * 6)
    X.loc[1, "age"] = np.nan
    return X


def one_hot(*columns):
    return OneHotEncoder(sparse_output=False, handle_unknown="ignore"), list(columns)


FILL = ("fill", SimpleImputer(), ["age"])
ENCODE = ("encode", *one_hot("ward", "kind"))
TO_FRAME = {"verbose_feature_names_out": False}
PIPELINES = {
    "scaled first": [SequenceScaler(), ColumnTransformer([FILL, ENCODE], remainder="passthrough")],
    "scaled last": [
        ColumnTransformer([ENCODE, FILL], remainder="passthrough", **TO_FRAME).set_output(
            transform="pandas"
        ),
        SequenceScaler(),
    ],
    "columns alone": [ColumnTransformer([ENCODE, FILL], remainder="passthrough")],
    "two after another": [
        ColumnTransformer([FILL], remainder="passthrough", **TO_FRAME).set_output(
            transform="pandas"
        ),
        ColumnTransformer([ENCODE], remainder="passthrough"),
    ],
    "scaler in a column": [
        ColumnTransformer(
            [
                ("scale", SequenceScaler(), ["x2", "x0"]),
                ("kept", "passthrough", ["x1", "marked"]),
                ("numbers", make_pipeline(SimpleImputer(), StandardScaler()), ["age"]),
                ENCODE,
            ]
        )
    ],
    "steps with a state in a column": [
        ColumnTransformer(
            [
                (
                    "fill channels",
                    make_pipeline(SequenceImputer("forward"), SequenceScaler()),
                    ["x0", "x1", "marked", "x2"],
                ),
                ENCODE,
            ]
        )
    ],
    "channels dropped": [
        SequenceScaler(),
        ColumnTransformer([("kept", "passthrough", ["x2", "x0"]), FILL, ENCODE]),
    ],
    "imputed": [
        SequenceImputer("forward", add_indicator=True),
        ColumnTransformer([FILL, ENCODE], remainder="passthrough"),
    ],
    "in a pipeline": [
        make_pipeline(
            FrozenEstimator(SequenceScaler().fit(wards())),
            ColumnTransformer([FILL, ENCODE], remainder="passthrough"),
        )
    ],
    "own function of a static column": [
        ColumnTransformer(
            [("log", FunctionTransformer(np.log), ["age"]), ENCODE], remainder="passthrough"
        ),
        ColumnTransformer([("fill", SimpleImputer(), [0])], remainder="passthrough"),
    ],
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", PIPELINES)
def test_static_features_go_through_the_pipeline(name, place):
    x, X = sequences(), wards()
    if "imputed" in name:
        x[::2, 3, 1] = x[:, 0, 2] = np.nan
        X = X.assign(x1=list(x[:, :, 1]), x2=list(x[:, :, 2]))
    net = RNNClassifier(**ONE_WAY, static=place)
    est = make_pipeline(*PIPELINES[name], net).fit(X, targets("classes"))
    stream = SequenceStream(est, 3)
    stream.reset(static=X[stream._static.labels][:3])
    for t in range(N_STEPS):
        answer = stream.step_proba(x[:3, t])
        check(answer, expected_at(est, X[:3], t, "predict_proba"))


@pytest.mark.parametrize("place", PLACES)
def test_columns_that_are_dropped_are_not_asked_for(place):
    X = wards()
    columns = ColumnTransformer([("kept", "passthrough", ["x2", "marked", "x0"]), FILL])
    est = make_pipeline(columns, RNNRegressor(**ONE_WAY, static=place))
    est.fit(X, targets("numbers"))
    stream = SequenceStream(est, 3, static=X[["age", "marked"]][:3])
    with pytest.raises(ValueError, match=r"expected \(3, 2\).*the channels \['x0', 'x2'\] that"):
        stream.step(sequences()[:3, 0])
    for t in range(N_STEPS):
        check(stream.step(sequences()[:3, t][:, [0, 2]]), expected_at(est, X[:3], t))


def test_a_network_need_not_see_the_static_columns():
    X = table(sequences())
    columns = ColumnTransformer([("kept", "passthrough", ["x1", "x0"])])
    est = make_pipeline(SequenceScaler(), columns, RNNRegressor(**ONE_WAY))
    stream = SequenceStream(est.fit(X, targets("numbers")), 3)
    check(stream.step(sequences()[:3, 0]), expected_at(est, X[:3], 0))


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("handle_unknown", ["token", "error"])
def test_static_features_stand_beside_tokens(place, handle_unknown):
    events, x = [list("aba"), list("bcc"), list("cab"), list("acb")] * 3, sequences()
    amounts = list(x[:, :3, 1])
    X = table(x)[["age"]].assign(event=events, ward=list("nsw") * 4, amount=amounts)
    encoder = TokenEncoder(channels=["event"], handle_unknown=handle_unknown)
    columns = ColumnTransformer(
        [("ward", *one_hot("ward"))], remainder="passthrough", **TO_FRAME
    ).set_output(transform="pandas")
    net = RNNRegressor(**ONE_WAY, embedding_dim={"event": 2}, static=place)
    est = make_pipeline(encoder, columns, net).fit(X, targets("numbers"))
    stream = SequenceStream(est, 2, static=X[["age", "ward"]][:2])
    for t in range(3):
        row = [[event[t], amount[t]] for event, amount in zip(events[:2], amounts, strict=False)]
        check(stream.step(row), expected_at(est, X[:2], t))


def test_tokens_may_be_encoded_in_a_column():
    events = [list("aba"), list("bcc"), list("cab"), list("acb")] * 3
    X = table(sequences())[["age"]].assign(event=events)
    encoder = TokenEncoder(handle_unknown="error")
    columns = ColumnTransformer([("token", encoder, ["event"])], remainder="passthrough")
    est = make_pipeline(columns, RNNRegressor(**ONE_WAY, embedding_dim={0: 2}))
    stream = SequenceStream(est.fit(X, targets("numbers")), static=X[["age"]][:1])
    for t in range(3):
        check(stream.step(events[0][t]), expected_at(est, X[:1], t))


def test_an_id_may_be_a_channel_that_is_constant():
    X = table(sequences()).assign(ward=[0, 1, 2] * 4)
    net = RNNRegressor(**ONE_WAY, static="channels", embedding_dim={"ward": 2})
    est = net.fit(X, targets("numbers"))
    stream = SequenceStream(est, 3, static=X[[*STATIC, "ward"]][:3])
    check(stream.step(sequences()[:3, 0]), expected_at(est, X[:3], 0))
    for wrong in (3, -1, 0.5):
        with pytest.raises(ValueError, match=r"static has .* in column 'ward', but the known ids"):
            stream.reset(0, static=[40.0, True, wrong])


@pytest.mark.parametrize("place", PLACES)
def test_missing_values_of_channels_decay_beside_static_features(place):
    x = sequences()
    x[:, 2:5, 1] = np.nan
    X = table(x)
    est = RNNRegressor(**ONE_WAY, static=place, missing_values="decay")
    est.fit(X, targets("numbers"))
    stream = SequenceStream(est, 3, static=X[STATIC][:3])
    for t in range(N_STEPS):
        check(stream.step(x[:3, t]), expected_at(est, X[:3], t))


class Doubler(FunctionTransformer):
    """A transformer of the user's own that acts step by step, on rows with two axes."""

    def _start_steps(self, n_streams):
        return {}

    def _step(self, x, state):
        n_rows, n_channels = x.shape
        assert (n_rows, n_channels) == (1, 3)
        return 2 * x


def test_an_own_step_is_given_rows_with_two_axes():
    doubler = Doubler(lambda X: 2 * X)
    est = make_pipeline(doubler, RNNRegressor(**ONE_WAY)).fit(sequences(), targets("numbers"))
    answer = SequenceStream(est).step(sequences()[0, 0])
    np.testing.assert_allclose(answer, est.predict(sequences()[:1, :1]), rtol=1e-12)


# --- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("static", "message"),
    [
        ([40.0], r"static has shape \(1, 1\); expected \(1, 2\).*\['age', 'marked'\]"),
        ([40.0, True, 1.0], r"static has shape \(1, 3\); expected \(1, 2\)"),
        ([[40.0, True]] * 2, r"static has shape \(2, 2\); expected \(1, 2\)"),
        ([], r"static has shape \(1, 0\); expected \(1, 2\)"),
        ({}, r"static has shape \(\d, 0\); expected \(1, 2\)"),
        ([[40.0, 1.0], True], r"static has True beside a row of values; expected rows for 1"),
        ({"age": 40.0, 1: True}, r"static has no column 'marked'"),
        ({"age": 40.0}, r"static has no column 'marked'; .*\['age', 'marked'\]"),
        ({"age": 40.0, "marked": 1, "old": 1}, r"static has the column 'old'; .*\['age', 'marked'"),
        ({"age": 40.0, "marked": 1, "x0": 1}, r"the column 'x0'.*channels come with the steps"),
        ({"age": [40.0, 50.0], "marked": 1}, r"static has 2 values in column 'age'; expected 1"),
        ([np.nan, True], r"static has no value \(NaN\) in row 0 of the static column 'age'"),
        ([None, True], r"static has no value \(NaN\) in row 0 of the static column 'age'"),
        ([np.inf, True], r"static contains infinity \(inf\) in row 0 of the static column 'age'"),
        (["old", True], r"static in column 'age' holds strings such as 'old'"),
    ],
)
def test_static_features_that_are_not_those_of_fit_are_refused(static, message):
    est = fitted_static("lstm mean", "readout")
    with pytest.raises(ValueError, match=message):
        SequenceStream(est, static=static)
    stream = SequenceStream(est, static=[40.0, True])
    stream.step(sequences()[0, 0])
    before = stream.get_state()
    with pytest.raises(ValueError, match=message):
        stream.reset(static=static)
    for name, array in stream.get_state().items():
        np.testing.assert_array_equal(array, before[name])


def test_what_a_transformer_refuses_is_named():
    X = wards()
    columns = ColumnTransformer(
        [("ward", OneHotEncoder(sparse_output=False), ["ward"])], remainder="passthrough"
    )
    X = X.drop(columns=["age", "kind"])
    est = make_pipeline(columns, RNNRegressor(**ONE_WAY)).fit(X, targets("numbers"))
    with pytest.raises(ValueError, match=r"ColumnTransformer refuses static: .*'east'"):
        SequenceStream(est, static={"ward": "east", "marked": True})


@pytest.mark.parametrize("name", ["lstm mean", "scaled"])
def test_a_network_without_static_features_takes_none(name):
    with pytest.raises(ValueError, match="without static features, so static= has to be left out"):
        SequenceStream(fitted(name), static=[40.0])
    with pytest.raises(ValueError, match="without static features"):
        SequenceStream(fitted(name)).reset(0, static={"age": 40.0})


def mean_of_cells(frame):
    return frame.map(np.mean)


@pytest.mark.parametrize("first", [[], [SequenceScaler()]], ids=["alone", "behind a scaler"])
def test_a_feature_of_the_whole_sequence_is_refused(first):
    mean = ("mean", FunctionTransformer(mean_of_cells), ["x0"])
    columns = ColumnTransformer([mean, ("kept", "passthrough", ["x0", "x1", "age"])])
    est = make_pipeline(*first, columns, RNNRegressor(**ONE_WAY))
    est.fit(table(sequences()), targets("numbers"))
    with pytest.raises(TypeError, match="FunctionTransformer cannot be streamed"):
        SequenceStream(est)


def test_columns_of_a_table_of_rows_are_refused():
    columns = ColumnTransformer([("scale", StandardScaler(), [0])], remainder="passthrough")
    est = make_pipeline(columns, RNNRegressor(**ONE_WAY))
    est.fit(sequences()[:, :, 0], targets("numbers"))
    with pytest.raises(TypeError, match="ColumnTransformer cannot be streamed"):
        SequenceStream(est)
