"""SequenceScaler(per="sequence"): each sequence by its own statistics."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.pipeline import make_pipeline

from skrnn import RNNRegressor
from skrnn.estimators._hold_out import last_windows, share_rows
from skrnn.preprocessing import SequenceScaler, Windows, from_long, make_windows
from skrnn.preprocessing._own_scale import OWN_STATISTICS, OwnScale
from skrnn.preprocessing._statistics import STATISTICS
from skrnn.sequences import as_sequences

PLAIN = {
    "mean": lambda x: (0.0, np.nanmean(np.abs(x))),
    "standard": lambda x: (np.nanmean(x), np.nanstd(x)),
    "minmax": lambda x: (np.nanmin(x), np.nanmax(x) - np.nanmin(x)),
    "robust": lambda x: (
        np.nanmedian(x),
        np.subtract(*np.nanpercentile(x, [75, 25], method="averaged_inverted_cdf")),
    ),
}


def samples(dtype=np.float64):
    rng = np.random.default_rng(0)
    return [
        (rng.normal(size=(length, 2)) * [1, 100] + level).astype(dtype)
        for length, level in [(5, 0), (8, 1000), (3, -20), (8, 7)]
    ]


def plainly_scaled(x, method):
    columns = []
    for column in np.asarray(x, dtype=np.float64).T:
        center, spread = PLAIN[method](column)
        columns.append((column - center) / spread)
    return np.column_stack(columns)


def as_frame(items):
    frames = [pd.DataFrame(item, columns=["a", "b"]).assign(id=i) for i, item in enumerate(items)]
    return from_long(pd.concat(frames), id="id")


FORMS = {
    "list": lambda: samples(),
    "tuple": lambda: tuple(samples()),
    "float32": lambda: samples(np.float32),
    "array": lambda: np.stack([item[:3] for item in samples()]),
    "frame": lambda: as_frame(samples()),
    "windows": lambda: Windows(np.vstack(samples()), [0, 1, 2, 9, 3, 20], 4, ["a", "b"]),
}


@pytest.mark.parametrize("method", STATISTICS)
@pytest.mark.parametrize("form", FORMS)
def test_every_sequence_is_scaled_by_itself(form, method):
    X = FORMS[form]()
    scaled = SequenceScaler(method, per="sequence").fit_transform(X)
    assert type(scaled) is type(X)
    before, after = as_sequences(X), as_sequences(scaled)
    assert after.dtype == before.dtype
    rtol = 1e-12 if before.dtype == np.float64 else 1e-4
    for i in range(before.n_samples):
        expected = plainly_scaled(before.rows(i), method)
        np.testing.assert_allclose(after.rows(i), expected, rtol=rtol, atol=rtol)


def test_rows_of_a_table_are_sequences():
    X = pd.DataFrame([[1.0, 3.0, 5.0], [10.0, 10.0, 40.0]], columns=["t0", "t1", "t2"])
    scaled = SequenceScaler("minmax", per="sequence").set_output(transform="pandas").fit(X)
    expected = pd.DataFrame([[0.0, 0.5, 1.0], [0.0, 0.0, 1.0]], columns=X.columns)
    pd.testing.assert_frame_equal(scaled.transform(X), expected)


def test_padding_does_not_count():
    X = np.array([[[1.0], [3.0], [np.nan]], [[1.0], [2.0], [6.0]]])
    scaled = SequenceScaler("minmax", per="sequence").fit_transform(X)
    np.testing.assert_array_equal(scaled[..., 0], [[0, 1, np.nan], [0, 0.2, 1]])


@pytest.mark.parametrize("method", OWN_STATISTICS)
def test_what_is_missing_does_not_count(method):
    x = np.array([3.0, np.nan, 5.0, 10.0, np.nan, 1.0, 2.0, 4.0])
    with_gaps = np.column_stack([x, np.full(8, np.nan)])
    center, spread = OWN_STATISTICS[method](with_gaps, np.array([6, 2]))
    for sample, steps in enumerate([slice(6), slice(6, 8)]):
        expected = PLAIN[method](x[steps])
        np.testing.assert_allclose([center[sample, 0], spread[sample, 0]], expected, rtol=1e-15)
    np.testing.assert_array_equal([center[:, 1], spread[:, 1]], np.zeros((2, 2)))


@pytest.mark.parametrize("method", STATISTICS)
@pytest.mark.parametrize("value", [0.0, 0.1, 1e7 + 0.3, -3e-9])
def test_a_constant_sequence_becomes_zero(value, method):
    scaled = SequenceScaler(method, per="sequence").fit_transform([[value] * 7, [0.0, 1.0]])
    np.testing.assert_array_equal(scaled[0], np.zeros(7))


def test_a_level_far_from_zero_costs_no_digits():
    x = np.array([1.0, 2.0, 6.0]) + 2.0**40
    (scaled,) = SequenceScaler(per="sequence").fit_transform([x])
    np.testing.assert_allclose(scaled, plainly_scaled(x[:, np.newaxis] - 2.0**40, "standard")[:, 0])


@pytest.mark.parametrize("block", [1, 40])
@pytest.mark.parametrize("form", FORMS)
def test_blocks_change_nothing(form, block, monkeypatch):
    X = FORMS[form]()
    whole = as_sequences(SequenceScaler(per="sequence").fit_transform(X)).values
    monkeypatch.setattr("skrnn.preprocessing._own_scale.BLOCK", block)
    blockwise = as_sequences(SequenceScaler(per="sequence").fit_transform(X)).values
    np.testing.assert_array_equal(blockwise, whole)


@pytest.mark.parametrize("options", [{"with_centering": False}, {"with_scaling": False}])
def test_either_half_alone(options):
    x = np.array([[2.0], [6.0]])
    (scaled,) = SequenceScaler(per="sequence", **options).fit_transform([x])
    np.testing.assert_array_equal(scaled, x / 2 if "with_centering" in options else x - 4)


@pytest.mark.parametrize("per", ["channel", "sequence"])
@pytest.mark.parametrize("channels", [["b"], [1], np.array(["b"])], ids=["name", "number", "array"])
def test_channels_that_are_not_named_pass(per, channels):
    X = as_frame(samples())
    scaled = SequenceScaler(per=per, channels=channels).fit_transform(X)
    everything = SequenceScaler(per=per).fit_transform(X)
    for i in range(len(X)):
        np.testing.assert_array_equal(scaled["a"].iloc[i], X["a"].iloc[i])
        np.testing.assert_array_equal(scaled["b"].iloc[i], everything["b"].iloc[i])


def test_a_channel_that_passes_comes_back_as_it_was():
    X = as_frame(samples())
    scaler = SequenceScaler(channels=["b"]).fit(X)
    assert (scaler.center_[0], scaler.scale_[0]) == (0.0, 1.0)
    back = scaler.inverse_transform(scaler.transform(X))
    np.testing.assert_array_equal(back["a"].iloc[1], X["a"].iloc[1])


@pytest.mark.parametrize("channels", [["c"], [2], [-1], [True]], ids=str)
@pytest.mark.parametrize("per", ["channel", "sequence"])
def test_an_unknown_channel_is_named(per, channels):
    with pytest.raises(ValueError, match=r"channels names .*, but the channels of X are \['a'"):
        SequenceScaler(per=per, channels=channels).fit(as_frame(samples()))


def test_there_is_no_way_back():
    scaler = SequenceScaler(per="sequence").fit(samples())
    assert not hasattr(scaler, "inverse_transform")
    with pytest.raises(AttributeError) as refused:
        _ = scaler.inverse_transform
    assert "WindowScaledRegressor takes targets along" in str(refused.value.__cause__)


def test_nothing_of_an_earlier_fit_stays():
    scaler = SequenceScaler().fit(samples()).set_params(per="sequence").fit(samples())
    assert not {"mean_", "center_", "scale_", "n_steps_seen_"} & set(vars(scaler))
    with pytest.raises(ValueError, match="not fitted yet"):
        scaler.set_params(per="channel").transform(samples())


def test_partial_fit_checks_the_channels():
    scaler = SequenceScaler("robust", per="sequence").partial_fit(samples())
    with pytest.raises(ValueError, match="was fitted with 2"):
        scaler.partial_fit([np.zeros((3, 1))])


def test_weights_of_sequences_change_nothing_but_are_checked():
    scaler = SequenceScaler(per="sequence")
    weighted = scaler.fit(samples(), sample_weight=[1, 2, 3, 0]).transform(samples())
    np.testing.assert_array_equal(weighted[3], scaler.fit_transform(samples())[3])
    with pytest.raises(ValueError, match="sample_weight"):
        scaler.fit(samples(), sample_weight=[1])


def test_weights_of_single_steps_are_refused():
    X = np.arange(6.0).reshape(2, 3, 1)
    with pytest.raises(ValueError, match="takes no weights of single time steps"):
        SequenceScaler(per="sequence").fit(X, sample_weight=np.ones((2, 3)))


def test_an_overflowing_spread_is_an_error():
    with pytest.raises(ValueError, match="spread of a sequence overflows"):
        SequenceScaler(per="sequence").fit_transform([[1.0, 2.0], [1e200, -1e200]])


def test_it_is_cloned_and_pickled():
    scaler = SequenceScaler(per="sequence", channels=[0]).fit(samples())
    again = pickle.loads(pickle.dumps(clone(scaler).fit(samples())))
    np.testing.assert_array_equal(again.transform(samples())[1], scaler.transform(samples())[1])


# --- Windows -------------------------------------------------------------------------------------


def series_windows():
    values = np.random.default_rng(3).normal(size=60).cumsum()
    return make_windows(pd.Series(values, name="v"), window=6)


def test_windows_stay_windows():
    windows = series_windows()
    scaled = SequenceScaler(per="sequence").fit_transform(windows.X)
    assert (scaled.channels, scaled.targets) == (["v"], ["v"])
    np.testing.assert_array_equal(scaled.moments, windows.X.moments)
    np.testing.assert_array_equal(scaled.rows, windows.X.starts)


@pytest.mark.parametrize("key", [slice(3, 9), [5, 2], np.arange(54) % 2 == 0], ids=str)
def test_a_part_of_scaled_windows_knows_its_rows(key):
    windows = series_windows()
    scaled = SequenceScaler(per="sequence").fit_transform(windows.X)[key]
    np.testing.assert_array_equal(scaled.rows, windows.X.starts[key])
    again = SequenceScaler(per="sequence").fit_transform(scaled)
    np.testing.assert_array_equal(again.rows, scaled.rows)


def test_early_stopping_keeps_scaled_windows_apart_that_share_rows():
    windows = series_windows()
    scaled = as_sequences(SequenceScaler(per="sequence").fit_transform(windows.X))
    assert share_rows(scaled)
    for half, expected in zip(
        last_windows(scaled, 0.2), last_windows(as_sequences(windows.X), 0.2), strict=True
    ):
        np.testing.assert_array_equal(half, expected)
    part = scaled.take(np.arange(10, 30))
    np.testing.assert_array_equal(last_windows(part, 0.2)[1], [16, 17, 18, 19])


def test_no_window_sees_what_comes_after_it():
    windows = series_windows()
    series = windows.X.table[:, 0].copy()
    series[30:] += 1000
    changed = make_windows(pd.Series(series, name="v"), window=6)
    scaler = SequenceScaler(per="sequence")
    before, after = (np.asarray(scaler.fit_transform(w.X)) for w in (windows, changed))
    np.testing.assert_array_equal(before[:25], after[:25])


def test_it_works_in_a_pipeline():
    X = [
        level + np.array([[1.0], [2.0], [3.0]])[:: 1 if up else -1]
        for level, up in [(0, 1), (100, 1), (5, 0), (70, 0)] * 5
    ]
    y = [1.0, 1.0, -1.0, -1.0] * 5
    reg = RNNRegressor(4, learning_rate_init=0.05, max_iter=200, random_state=0)
    pipe = make_pipeline(SequenceScaler(per="sequence"), reg).fit(X, y)
    np.testing.assert_allclose(
        pipe.predict([[[1e4], [1e4 + 1], [1e4 + 2]], [[7.0], [6.0], [5.0]]]), [1, -1], atol=0.1
    )


def test_rows_must_be_one_a_window():
    with pytest.raises(ValueError, match=r"rows has shape \(1,\); expected one .* 2 windows"):
        Windows(np.zeros((4, 1)), [0, 1], 2, rows=[0])


def test_a_scale_of_some_channels_leaves_the_others():
    own = OwnScale.of(as_sequences(samples()), "standard", np.array([False, True]))
    np.testing.assert_array_equal(own.center[:, 0], np.zeros(4))
    np.testing.assert_array_equal(own.spread[:, 0], np.ones(4))
