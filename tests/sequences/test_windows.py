"""Windows are read like the array they stand for, but hold each row once."""

import pickle
import tracemalloc

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit, train_test_split
from sklearn.pipeline import make_pipeline

from skrnn import RNNClassifier, RNNRegressor
from skrnn.inspection import (
    HiddenStates,
    gradient_flow,
    input_attributions,
    permutation_importance,
)
from skrnn.preprocessing import SequenceScaler
from skrnn.sequences import Windows, as_sequences, as_windows

TABLE = np.random.default_rng(0).normal(size=(14, 2))


def make_windows(channels=None):
    return Windows(TABLE, [0, 3, 1, 9, 4, 10], 4, channels)


VIEWS = {
    "windows": make_windows(),
    "next to each other": sliding_window_view(TABLE, 5, axis=0).transpose(0, 2, 1),
    "some": sliding_window_view(TABLE, 5, axis=0).transpose(0, 2, 1)[1::3],
    "one channel": sliding_window_view(TABLE[:, 0].copy(), 5)[:, :, np.newaxis],
    "integers": sliding_window_view(np.arange(9), 4)[:, :, np.newaxis],
    "float32": sliding_window_view(TABLE.astype(np.float32), 5, axis=0).transpose(0, 2, 1),
    "all the same": np.broadcast_to(TABLE, (3, *TABLE.shape)),
}
each_view = pytest.mark.parametrize("view", VIEWS)


@each_view
def test_views_are_read_as_their_copies(view):
    X = VIEWS[view]
    ours, copied = as_sequences(X), as_sequences(np.array(X))
    assert ours.first_rows is not None
    assert copied.first_rows is None
    np.testing.assert_array_equal(ours.values, copied.values)
    assert (ours.kind, ours.dtype, ours.n_steps) == ("3d", copied.dtype, copied.n_steps)
    for a, b in zip(ours.batch([2, 0]), copied.batch([2, 0]), strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(ours.rows(1), copied.rows(1))
    np.testing.assert_array_equal(ours.take([2, 1]).values, copied.take([2, 1]).values)


@each_view
def test_no_view_is_copied(view):
    X = VIEWS[view]
    table = as_sequences(X).table
    assert len(table) <= len(TABLE)
    if X.dtype.kind == "f":
        assert np.shares_memory(table, X.table if isinstance(X, Windows) else X)


@pytest.mark.parametrize(
    "X",
    [
        np.zeros((3, 4, 2)),
        np.zeros((3, 2, 4)).transpose(0, 2, 1),
        np.zeros((4, 3, 2)).transpose(1, 0, 2),
        np.zeros((3, 4, 2))[:, ::-1],
        np.zeros((9, 4, 2))[::2],
        np.zeros((3, 4)),
        [[[1.0], [2.0]]],
        sliding_window_view(TABLE, 14, axis=0).transpose(0, 2, 1),
    ],
)
def test_what_does_not_overlap_is_left_to_others(X):
    assert as_windows(X) is None


def test_trailing_nan_in_a_view_is_padding_still():
    series = np.arange(10.0)
    series[8:] = np.nan
    X = sliding_window_view(series, 4)[:, :, np.newaxis]
    np.testing.assert_array_equal(as_sequences(X).lengths, [4, 4, 4, 4, 4, 3, 2])
    series[3] = np.nan
    with pytest.raises(ValueError, match="NaN at sample 1, time step 2"):
        as_sequences(X)


def test_nan_in_windows_is_refused():
    X = make_windows().with_table(np.where(TABLE > 0, np.nan, TABLE))
    with pytest.raises(ValueError, match="X contains NaN"):
        as_sequences(X)


def test_row_weight_counts_the_steps_that_a_row_is():
    sequences = as_sequences(make_windows())
    weight = np.array([1, 2, 0, 3, 1, 5])
    counted = np.zeros(len(TABLE))
    for start, w in zip(make_windows().starts, weight, strict=True):
        counted[start : start + 4] += w
    np.testing.assert_array_equal(sequences.row_weight(weight), counted)


# --- as an array -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "key",
    [
        2,
        -1,
        slice(1, 4),
        slice(None, None, -2),
        [3, 0, 3],
        np.array([True, False, True, False, False, True]),
        (2, 1),
        (2, slice(None), 0),
        (slice(None), slice(None), 0),
        (slice(1, 4), -1),
        ([0, 2], ...),
        ...,
        (..., 1),
        np.array([[0, 1], [2, 3]]),
    ],
    ids=str,
)
def test_items_are_those_of_the_array(key):
    X = make_windows()
    np.testing.assert_array_equal(np.asarray(X[key]), np.asarray(X)[key])


@pytest.mark.parametrize("key", [slice(1, 4), [3, 0], np.arange(6) > 2, ([0, 1], ...)], ids=str)
def test_a_selection_of_windows_shares_the_table(key):
    assert make_windows()[key].table is TABLE


def test_it_looks_like_an_array():
    X = make_windows(["a", "b"])
    assert (len(X), X.shape, X.ndim, X.dtype) == (6, (6, 4, 2), 3, TABLE.dtype)
    assert np.asarray(X, dtype=np.float32).dtype == np.float32
    assert repr(X) == "Windows(n_samples=6, n_timesteps=4, n_channels=2)"
    with pytest.raises(IndexError):
        X[6]
    with pytest.raises(ValueError, match="always a copy"):
        X.__array__(copy=False)


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ((TABLE[0], [0], 2), r"table of shape .* got shapes \(2,\)"),
        ((TABLE, [0], 0), "n_timesteps=0"),
        ((TABLE, [0, 12], 4), "reaches beyond the table of 14 rows"),
        ((TABLE, [-1], 4), "starts at row -1"),
        ((TABLE, [0], 2, ["a"]), "channels has 1 names, but the table has 2"),
    ],
)
def test_impossible_windows_are_refused(arguments, match):
    with pytest.raises(ValueError, match=match):
        Windows(*arguments)


def test_no_windows_are_no_samples():
    with pytest.raises(ValueError, match="no samples"):
        as_sequences(make_windows()[:0])


# --- in estimators -----------------------------------------------------------------------------


def long_windows(n=60):
    series = np.random.default_rng(1).normal(size=(n, 2)).cumsum(axis=0) / 5
    return Windows(series, np.arange(n - 6), 5, ["a", "b"]), series[6:, 0]


def fast(cls, **params):
    return cls(3, tol=1e9, n_iter_no_change=1, max_iter=3, random_state=0).set_params(**params)


@pytest.mark.parametrize(
    "params",
    [
        {"batch_size": 16},
        {},
        {"optimizer": "lbfgs"},
        {"batch_size": 16, "early_stopping": True},
        {"return_sequences": True, "batch_size": 16},
        {"return_sequences": True},
    ],
    ids=str,
)
def test_a_fit_is_that_of_the_copy(params):
    X, y = long_windows()
    if "return_sequences" in params:
        y = np.asarray(X)[:, :, 0] + y[:, np.newaxis]
    weight = np.linspace(0, 1, len(y))
    # Without a validation set early stopping holds out other samples of windows than of a copy.
    ours, plain = (
        fast(RNNRegressor, **params).fit(x, y, sample_weight=weight, X_val=x[:9], y_val=y[:9])
        for x in (X, np.asarray(X))
    )
    assert ours.loss_curve_ == plain.loss_curve_
    assert ours.validation_loss_curve_ == plain.validation_loss_curve_
    np.testing.assert_array_equal(ours.predict(X), plain.predict(np.asarray(X)))


def test_windows_bring_the_names_of_their_channels():
    X, y = long_windows()
    reg = fast(RNNRegressor).fit(X, y)
    assert list(reg.feature_names_in_) == ["a", "b"]
    with pytest.raises(ValueError, match="feature names should match"):
        reg.predict(Windows(X.table, X.starts, 5, ["b", "a"]))
    with pytest.raises(ValueError, match="X has 1 channel per time step"):
        reg.predict(Windows(X.table[:, :1], X.starts, 5))


def test_a_pipeline_searches_over_windows():
    X, y = long_windows()
    pipeline = make_pipeline(SequenceScaler(), fast(RNNRegressor))
    grid = {"sequencescaler__method": ["standard", "robust"]}
    ours, plain = (
        GridSearchCV(pipeline, grid, cv=TimeSeriesSplit(2)).fit(x, y) for x in (X, X[...])
    )
    np.testing.assert_allclose(
        ours.cv_results_["mean_test_score"], plain.cv_results_["mean_test_score"], rtol=1e-6
    )


def test_scikit_learn_splits_without_a_copy():
    X, y = long_windows()
    parts = train_test_split(X, y, random_state=0)[:2]
    assert all(part.table is X.table for part in parts)


def test_inspection_takes_windows():
    X, y = long_windows()
    clf = fast(RNNClassifier).fit(X, y > 0)
    arrays = [
        (gradient_flow(clf, x, y > 0).norms[0], input_attributions(clf, x))
        for x in (X, Windows(np.asarray(X).reshape(-1, 2), 5 * np.arange(len(X)), 5, ["a", "b"]))
    ]
    for ours, plain in zip(*arrays, strict=True):
        np.testing.assert_allclose(ours, plain, rtol=1e-12)
    assert isinstance(arrays[0][1], np.ndarray)
    assert permutation_importance(clf, X, y > 0, n_repeats=1).importances.shape == (2, 1)
    assert HiddenStates(clf).fit(X, y > 0).transform(X).shape == (len(X), 3)


def test_windows_survive_pickle():
    X = pickle.loads(pickle.dumps(make_windows(["a", "b"])))
    np.testing.assert_array_equal(X, make_windows())
    assert X.channels == ["a", "b"]


def peak_memory_of(function):
    tracemalloc.start()
    try:
        function()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


N_TIMESTEPS = 100
SERIES = np.random.default_rng(0).normal(size=200_000)
READERS = {
    "read": lambda X: as_sequences(X).batch(np.arange(200)),
    "scale": lambda X: SequenceScaler().fit_transform(X),
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("form", ["array", "windows"])
def test_a_hundred_steps_do_not_take_a_hundred_times_the_memory(form, reader):
    X = sliding_window_view(SERIES, N_TIMESTEPS)[:, :, np.newaxis]
    if form == "windows":
        X = as_windows(X)
    assert peak_memory_of(lambda: READERS[reader](X)) < 10 * SERIES.nbytes


@pytest.mark.parametrize("form", ["array", "windows"])
def test_fit_and_predict_gather_batch_by_batch(form):
    series = SERIES[:20_000]
    X = sliding_window_view(series, N_TIMESTEPS)[:, :, np.newaxis]
    y = X[:, -1, 0]
    if form == "windows":
        X = as_windows(X)
    reg = fast(RNNRegressor, hidden_layer_sizes=1, cell="rnn")
    assert peak_memory_of(lambda: reg.partial_fit(X, y).predict(X)) < 30 * series.nbytes
