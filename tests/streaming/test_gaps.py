"""Streams of sensors whose readings are missing now and then."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.pipeline import make_pipeline
from streamed import ONE_WAY, sequences, targets

from skrnn import RNNClassifier, RNNRegressor
from skrnn.c import to_c
from skrnn.core import kernels
from skrnn.preprocessing import SequenceImputer, SequenceScaler
from skrnn.streaming import SequenceStream

DECAY = {
    "plain": {},
    "mean": {"readout": "mean", "cell": "lstm"},
    "differences": {"differences": True},
    "frames": {"frame_length": 3, "frame_stride": 2},
    "embedding": {"embedding_dim": {0: 2}},
    "every step": {"return_sequences": True},
}


def with_gaps(dtype=np.float64):
    X = sequences(dtype)
    X[:, :, 1:][np.random.RandomState(3).uniform(size=X[:, :, 1:].shape) < 0.3] = np.nan
    X[:, -1, 2] = 1.0  # no step at the end is padding
    return X


def check_steps(est, X, *, per_step=False):
    """Compare every step of three streams with predict on the prefix."""
    stream = SequenceStream(est, n_streams=3)
    for t in range(X.shape[1]):
        # A list: of a 3-D array, trailing steps without a value are padding.
        expected = est.predict(list(X[:3, : t + 1]))
        if per_step:
            expected = np.stack([answers[-1] for answers in expected])
        answer = stream.step(X[:3, t])
        if kernels.backend() == "numpy" and answer.dtype.kind == "f":
            rtol = 1e-12 if X.dtype == np.float64 else 1e-5
            np.testing.assert_allclose(answer, expected, rtol=rtol)
        else:
            np.testing.assert_array_equal(answer, expected)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", DECAY)
def test_missing_values_decay_in_a_stream_as_in_predict(name, dtype):
    X, parameters = with_gaps(dtype), {**ONE_WAY, **DECAY[name], "missing_values": "decay"}
    per_step = parameters.get("return_sequences", False)
    y = targets("step numbers" if per_step else "numbers")
    est = RNNRegressor(**parameters).fit(list(X), list(y) if per_step else y)
    check_steps(est, X, per_step=per_step)


def test_streams_with_gaps_need_not_keep_step():
    X = with_gaps()
    est = RNNClassifier(**ONE_WAY, missing_values="decay").fit(list(X), targets("classes"))
    stream = SequenceStream(est, n_streams=2)
    stream.step(X[:2, 0])
    stream.step(X[:1, 1], only=[0])
    answer = stream.step_proba(np.stack([X[0, 2], X[1, 1]]))
    expected = est.predict_proba([X[0, :3], X[1, :2]])
    np.testing.assert_allclose(answer, expected, rtol=1e-12)


def test_a_gap_in_a_channel_that_had_none_is_refused():
    X = with_gaps()
    est = RNNRegressor(**ONE_WAY, missing_values="decay").fit(list(X), targets("numbers"))
    with pytest.raises(ValueError, match="stream 0, channel 0"):
        SequenceStream(est).step([np.nan, 1.0, 2.0])
    with pytest.raises(ValueError, match="stream 0, channel 1"):
        SequenceStream(est).step([1.0, np.inf, 2.0])


def test_decay_is_not_written_in_c():
    est = RNNRegressor(**ONE_WAY, missing_values="decay").fit(list(with_gaps()), targets("numbers"))
    with pytest.raises(ValueError, match="no missing values"):
        to_c(est)


@pytest.mark.parametrize("strategy", ["forward", "mean", "median", "constant"])
@pytest.mark.parametrize("added", [{}, {"add_indicator": True, "add_elapsed": True}])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_an_imputer_fills_gaps_in_a_stream_as_in_transform(strategy, added, dtype):
    X = with_gaps(dtype)
    steps = SequenceImputer(strategy, **added), SequenceScaler(), RNNRegressor(**ONE_WAY)
    check_steps(make_pipeline(*steps).fit(list(X), targets("numbers")), X)


def test_a_stream_begins_anew_with_an_imputer():
    X = with_gaps()
    est = make_pipeline(SequenceImputer(), RNNRegressor(**ONE_WAY)).fit(list(X), targets("numbers"))
    stream = SequenceStream(est)
    first = [stream.step(row) for row in X[4]]
    stream.reset()
    np.testing.assert_array_equal([stream.step(row) for row in X[4]], first)


def test_interpolation_looks_ahead():
    est = make_pipeline(SequenceImputer("interpolate"), RNNRegressor(**ONE_WAY))
    est.fit(list(with_gaps()), targets("numbers"))
    with pytest.raises(ValueError, match=r"looks at the next value. Use strategy='forward'"):
        SequenceStream(est)


def test_times_of_an_index_are_not_steps():
    index = pd.date_range("2024-01-01", periods=11, freq="h")
    X = [pd.DataFrame(x, index=index, columns=["a", "b", "c"]) for x in with_gaps()]
    est = make_pipeline(SequenceImputer(add_elapsed=True), RNNRegressor(**ONE_WAY))
    est.fit(X, targets("numbers"))
    with pytest.raises(ValueError, match="a stream counts steps"):
        SequenceStream(est)
