"""make_windows cuts what an estimator may see from what it is to forecast."""

import re
import tracemalloc
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import TimeSeriesSplit, cross_val_score

from skrnn import RNNRegressor
from skrnn.preprocessing import TokenEncoder, make_windows

N = 30
INDICES = {
    "range": pd.RangeIndex(N),
    "every second": pd.RangeIndex(4, 4 + 2 * N, 2),
    "integers": pd.Index(np.arange(N) + 7),
    "days": pd.date_range("2020-01-01", periods=N, name="day"),
    "months": pd.DatetimeIndex(list(pd.date_range("2020-01-01", periods=N, freq="MS"))),
    "business days": pd.DatetimeIndex(list(pd.date_range("2020-01-01", periods=N, freq="B"))),
    "across daylight saving": pd.date_range("2020-03-28", periods=N, freq="h", tz="Europe/Berlin"),
    "periods": pd.period_range("2020-01", periods=N, freq="M", name="month"),
    "differences": pd.timedelta_range("1h", periods=N, freq="15min"),
}


def make_series(index="days"):
    return pd.Series(np.arange(10.0, 10 + N), INDICES[index], name="level")


def make_frame(n=N, **more):
    index = pd.date_range("2020-01-01", periods=n, name="day")
    columns = {"level": np.arange(n) + 100.0, "price": np.arange(n) + 0.5, **more}
    return pd.DataFrame(columns, index)


def make_stores():
    parts = [make_frame(n).assign(store=store) for n, store in [(9, "b"), (4, "c"), (12, "a")]]
    return pd.concat(parts).reset_index()


@pytest.mark.parametrize("index", INDICES)
def test_targets_come_with_their_times(index):
    series = make_series(index)
    windows = make_windows(series, window=5, horizon=3)
    assert windows.X.shape == (N - 7, 5, 1)
    pd.testing.assert_series_equal(windows.y, series[7:], check_freq=False)
    np.testing.assert_array_equal(windows.X[:, -1, 0], series[4:-3])
    assert list(windows.times) == list(series.index[4:-3])
    assert list(windows.target_times) == list(series.index[7:])


@pytest.mark.parametrize("index", INDICES)
def test_the_newest_window_goes_beyond_the_index(index):
    series = make_series(index)
    past = series[:-2]
    latest = make_windows(past, window=5, horizon=2).latest
    np.testing.assert_array_equal(latest.X[0][:, 0], past[-5:])
    forecast = latest.on_time_axis(series[-1:])
    pd.testing.assert_series_equal(forecast, series[-1:], check_freq=False)
    assert latest.y is None


@pytest.mark.parametrize("stride", [1, 2, 7])
@pytest.mark.parametrize("horizon", [1, [1], [1, 2, 4], [3, 1]])
def test_windows_are_those_of_a_plain_loop(horizon, stride):
    frame = make_frame()
    windows = make_windows(frame, window=4, horizon=horizon, stride=stride, target="level")
    steps = np.atleast_1d(horizon)
    ends = range(4, N + 1 - steps.max(), stride)
    np.testing.assert_array_equal(windows.X, [frame[end - 4 : end] for end in ends])
    expected = [[frame["level"].iloc[end - 1 + h] for h in steps] for end in ends]
    np.testing.assert_array_equal(windows.y.to_numpy().reshape(len(windows), -1), expected)


def test_several_horizons_are_columns():
    windows = make_windows(make_series(), window=5, horizon=[1, 3])
    assert list(windows.y.columns) == [1, 3]
    assert windows.y.index.equals(windows.times)
    placed = windows.on_time_axis(windows.y)
    assert placed.index.names == ["origin", "day"]
    series = make_series()
    np.testing.assert_array_equal(placed, series[placed.index.get_level_values("day")])


@pytest.mark.parametrize("horizon", [2, [1, 3]])
def test_several_targets_are_columns(horizon):
    frame = make_frame()
    windows = make_windows(frame, window=5, horizon=horizon)
    assert windows.y.shape == (len(windows), 2 * np.size(horizon))
    placed = windows.on_time_axis(windows.y)
    times = placed.index.get_level_values("day")
    np.testing.assert_array_equal(placed, frame.loc[times])
    assert list(placed) == ["level", "price"]


def test_channels_and_targets_are_chosen_by_name():
    frame = make_frame(note="n")
    windows = make_windows(frame, window=3, target="level", channels=["price"])
    assert windows.X.channels == ["price"]
    np.testing.assert_array_equal(windows.X[0][:, 0], frame["price"][:3])
    assert windows.y.iloc[0] == frame["level"].iloc[3]


@pytest.mark.parametrize(("level", "expected"), [("float32", "f4"), ("int64", "f8")])
def test_the_type_is_that_of_the_channels(level, expected):
    frame = make_frame().astype({"level": level, "price": "float32"})
    assert make_windows(frame, window=3).X.dtype == expected


def test_a_part_keeps_what_belongs_together():
    windows = make_windows(make_series(), window=5, horizon=[1, 2])
    for key in (slice(3, 6), [3, 4, 5], np.isin(np.arange(len(windows)), [3, 4, 5])):
        part = windows[key]
        assert len(part) == 3
        assert part.times.equals(windows.times[3:6])
        pd.testing.assert_series_equal(
            part.on_time_axis(part.y), windows.on_time_axis(windows.y)[6:12], check_freq=False
        )


def test_predictions_must_be_those_of_the_windows():
    windows = make_windows(make_series(), window=5, horizon=[1, 2])
    with pytest.raises(ValueError, match=r"shape \(3,\), but 24 windows have 48 targets"):
        windows.on_time_axis([1, 2, 3])


# --- nothing of the future ----------------------------------------------------------------------


@pytest.mark.parametrize("horizon", [1, 3, [1, 4]])
@pytest.mark.parametrize("known", [(), "price"])
def test_no_window_sees_its_target_or_what_comes_later(horizon, known):
    frame = make_frame()
    windows = make_windows(frame, window=4, horizon=horizon, target="level", known=known)
    for i, origin in enumerate(windows.times):
        changed = frame.copy()
        changed.loc[origin + pd.Timedelta(days=1) :, "level"] *= -1
        if not known:
            changed.loc[origin + pd.Timedelta(days=1) :, "price"] *= -1
        again = make_windows(changed, window=4, horizon=horizon, target="level", known=known)
        np.testing.assert_array_equal(again.X[i], windows.X[i])
        assert (np.asarray(again.y)[i] == -np.asarray(windows.y)[i]).all()


def test_what_is_known_runs_ahead_to_the_farthest_target():
    frame = make_frame()
    windows = make_windows(frame, window=4, horizon=[1, 3], target="level", known="price")
    np.testing.assert_array_equal(windows.X[0][:, 0], frame["level"][:4])
    np.testing.assert_array_equal(windows.X[0][:, 1], frame["price"][3:7])
    assert windows.latest is None


def test_rows_of_the_known_future_are_forecast():
    frame = make_frame()
    frame.loc[frame.index[-2:], "level"] = np.nan
    windows = make_windows(frame, window=4, horizon=2, target="level", known="price")
    assert windows.y.index[-1] == frame.index[-3]
    np.testing.assert_array_equal(
        windows.latest.X[0], np.c_[frame["level"][-6:-2], frame["price"][-4:]]
    )
    assert list(windows.latest.target_times) == [frame.index[-1]]


def test_a_target_after_every_step():
    series = make_series()
    windows = make_windows(series, window=4, horizon=2, return_sequences=True)
    np.testing.assert_array_equal(windows.y.iloc[0], series[2:6])
    placed = windows.on_time_axis(windows.y)
    np.testing.assert_array_equal(placed, series[placed.index.get_level_values("day")])
    reg = RNNRegressor(2, return_sequences=True, random_state=0)
    assert reg.partial_fit(windows.X, windows.y).predict(windows.X).shape == windows.y.shape


# --- several series -------------------------------------------------------------------------------


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("where", ["columns", "index", "group in index", "time in index"])
def test_no_window_reaches_into_another_series(where, shuffle):
    data = make_stores()
    if shuffle:
        data = data.sample(frac=1, random_state=0)
    levels = {"columns": [], "index": ["store", "day"], "group in index": ["store"]}
    data = data.set_index(levels.get(where, ["day"])) if where != "columns" else data
    time = "day" if where in ("columns", "group in index") else None
    with pytest.warns(UserWarning, match="1 of 3 series are too short"):
        windows = make_windows(data, window=5, horizon=2, target="level", group="store", time=time)
    assert len(windows) == 3 + 0 + 6
    assert (np.diff(windows.X[:, :, 0], axis=1) == 1).all()
    assert (windows.y == windows.X[:, -1, 0] + 2).all()
    assert windows.y.index.names == ["store", "day"]
    latest = windows.latest.on_time_axis([1.0, 2.0])
    assert sorted(latest.index.get_level_values("store")) == ["a", "b"]


def test_series_on_other_frames_are_read():
    polars = pytest.importorskip("polars")
    pytest.importorskip("narwhals")
    data = make_stores()
    other = polars.DataFrame({name: data[name].tolist() for name in data})
    params = {"window": 3, "group": "store", "time": "day", "target": "level"}
    ours, theirs = make_windows(other, **params), make_windows(data, **params)
    np.testing.assert_array_equal(ours.X, theirs.X)
    assert list(ours.y.index) == list(theirs.y.index)


# --- gaps ---------------------------------------------------------------------------------------


def with_gap(kind):
    series = make_series()
    return series.drop(series.index[10]) if kind == "no row" else series.where(series != 20)


# A row before the gap has its target behind it where the time axis goes on.
@pytest.mark.parametrize(("kind", "behind"), [("no row", 0), ("no value", 1)])
def test_windows_across_a_gap_can_be_skipped(kind, behind):
    windows = make_windows(with_gap(kind), window=4, horizon=2, gaps="skip")
    assert (np.diff(windows.X[:, :, 0], axis=1) == 1).all()
    assert (windows.y == windows.X[:, -1, 0] + 2).all()
    assert len(windows) == (10 - 5) + (19 - 5) + behind
    assert np.isfinite(windows.X.table).all()


def test_only_targets_may_be_missing_where_they_are_no_channel():
    frame = make_frame()
    frame.loc[frame.index[10], "level"] = np.nan
    params = {"window": 4, "target": "level", "channels": "price"}
    assert len(make_windows(frame, **params, gaps="skip")) == N - 4 - 1
    with pytest.raises(ValueError, match="Time 2020-01-11 00:00:00 has no finite value of 'level'"):
        make_windows(frame, **params)


@pytest.mark.parametrize(
    ("freq", "index"),
    [("MS", "months"), ("B", "business days"), (2, "every second")],
)
def test_the_time_step_can_be_given(freq, index):
    series = make_series(index).drop(INDICES[index][10])
    windows = make_windows(series, window=4, freq=freq, gaps="skip")
    assert len(windows) == (10 - 4) + (19 - 4)


STRINGS = make_series().set_axis([str(i) for i in range(N)])
BAD = {
    "window": ({"window": 0}, ValueError, "window must be an integer >= 1, got 0"),
    "horizon": ({"horizon": [1, -1]}, ValueError, r"must be .* >= 0 or several, got \[1, -1\]"),
    "part of a step": ({"horizon": 1.5}, ValueError, r"horizon must be .* got 1.5"),
    "nothing numeric": ({"data": make_frame(t="x")[["t"]]}, ValueError, "no numeric column to be"),
    "no horizon": ({"horizon": []}, ValueError, r"horizon must be .* got \[\]"),
    "twice": ({"horizon": [1, 1]}, ValueError, "horizon names a time step twice"),
    "stride": ({"stride": 1.5}, ValueError, "stride must be .* got 1.5"),
    "gaps": ({"gaps": "drop"}, ValueError, "gaps must be 'raise', 'skip' or 'keep', got 'drop'"),
    "list": ({"data": [1, 2]}, TypeError, "must be a DataFrame, got builtins.list"),
    "too short": ({"window": 31}, ValueError, "No window of 31 .* longest run .* has 30"),
    "no target": ({"known": "level"}, ValueError, "nothing to forecast"),
    "known target": (
        {"data": make_frame(), "target": "price", "known": "price"},
        ValueError,
        "'price' is a target and known in advance",
    ),
    "dates": (
        {"data": make_frame(t=pd.Timestamp("2020")), "channels": "t"},
        TypeError,
        "'t' has dtype .* real numbers or strings. ",
    ),
    "no column": ({"target": "z"}, ValueError, "no column 'z'"),
    "strings as time": ({"data": STRINGS}, TypeError, "dtype .* expected dates.*to_datetime"),
    "two levels": (
        {"data": make_stores().set_index(["store", "day"])},
        ValueError,
        r"levels \['store', 'day'\]; name the column or level with the time stamps as time",
    ),
    "a day twice": (
        {"data": pd.concat([make_series(), make_series()[3:4]])},
        ValueError,
        "data has more than one row with day Timestamp.'2020-01-04",
    ),
    "a day twice in a store": (
        {"data": pd.concat([make_stores()] * 2), "group": "store", "time": "day"},
        ValueError,
        "store 'b' has more than one row with day",
    ),
    "a missing day": (
        {"data": with_gap("no row")},
        ValueError,
        "Time 2020-01-10 .* followed by 2020-01-12 .* time step is .*gaps='skip'.* pass it as freq",
    ),
    "a missing value": (
        {"data": with_gap("no value")},
        ValueError,
        "Time 2020-01-11 00:00:00 has no finite value of 'level'.*gaps='skip'",
    ),
    "a missing value of a channel": (
        {"data": make_frame(x=[np.nan, *range(N - 1)]), "channels": "x", "target": "level"},
        ValueError,
        "has no finite value of 'x'.*With gaps='keep' it comes as NaN",
    ),
    "a missing value in a store": (
        {
            "data": make_stores().replace({"level": {102.0: np.inf}}),
            "group": "store",
            "time": "day",
        },
        ValueError,
        "Time 2020-01-03 00:00:00 of store 'b' has no finite value of 'level'",
    ),
    "a target of dates": (
        {"data": make_frame(t=pd.Timestamp("2020")), "channels": "level", "target": "t"},
        TypeError,
        "Target 't' has dtype .*; a target must be a column of real numbers.*another target",
    ),
    "horizon 0 without a target": (
        {"horizon": 0},
        ValueError,
        "horizon=0 asks for a value of the last row .*: name the target",
    ),
    "a window that holds its answer": (
        {"data": make_frame(), "horizon": 0, "target": "price", "channels": ["level", "price"]},
        ValueError,
        "'price' is a target at horizon 0 and a channel",
    ),
    "encoders of a channel of numbers": (
        {"data": make_frame(), "encoders": {"level": TokenEncoder()}},
        ValueError,
        "encoders has one for 'level', which is no channel of strings",
    ),
    "an encoder that is missing": (
        {"data": make_frame(shop="a"), "channels": ["level", "shop"], "encoders": {}},
        ValueError,
        "encoders has none for the channel 'shop'",
    ),
    "a missing string": (
        {"data": make_frame(shop=["a"] * 3 + [None] + ["b"] * 26), "channels": ["level", "shop"]},
        ValueError,
        "Time 2020-01-04 00:00:00 has no value of 'shop'",
    ),
    "a missing label": (
        {"data": make_frame(state=["a"] * 3 + [None] + ["b"] * 26), "target": "state"},
        ValueError,
        "Time 2020-01-04 00:00:00 has no value of 'state'",
    ),
    "known beyond the window": (
        {"data": make_frame(), "target": "level", "known": "price", "horizon": [1, 7]},
        ValueError,
        "window=4 is too short .*horizon of 7: their values of the first 3 .*Set window to 7",
    ),
    "no target in sight": ({"data": make_series()[:4]}, ValueError, "No window.*takes 5 rows"),
    "numbers as time": (
        {"data": make_series().set_axis(np.arange(N) / 2)},
        TypeError,
        "dtype float64; expected dates.*freq='rows' numbers of any kind",
    ),
    "no frequency": ({"freq": "often"}, ValueError, "freq must be a frequency.*got 'often'"),
    "no step": ({"freq": "0D"}, ValueError, "freq must be positive, got '0D'"),
    "backwards": ({"data": make_series("range"), "freq": -1}, ValueError, "positive, got -1"),
    "rows and tolerance": ({"freq": "rows", "tolerance": "1s"}, ValueError, "set tolerance=None"),
    "tolerance of periods": (
        {"data": make_series("periods"), "tolerance": "1D"},
        ValueError,
        "Periods have no jitter",
    ),
    "tolerance without a unit": ({"tolerance": 5}, ValueError, "with a unit, such as '2s', got 5"),
    "no tolerance": ({"tolerance": "some"}, ValueError, "tolerance must be a time difference"),
    "negative tolerance": ({"tolerance": "-1s"}, ValueError, "tolerance must be .* >= 0"),
    "tolerance of numbers": (
        {"data": make_series("range"), "tolerance": "1s"},
        ValueError,
        "tolerance must be an integer >= 0",
    ),
    "tolerance of half a step": (
        {"tolerance": "12h"},
        ValueError,
        "less than half a time step, but the time step is D; got 0 days 12:00:00",
    ),
    "stamps beyond int64": (
        {"data": make_series().set_axis(np.arange(N, dtype="u8") + 2**63)},
        ValueError,
        "too large for int64",
    ),
    "another step": ({"freq": "MS"}, ValueError, "the time step is MS"),
    "another kind of step": ({"freq": 1}, ValueError, "freq must be a frequency such as"),
    "no integer": ({"data": make_series("range"), "freq": "D"}, ValueError, "must be an integer"),
    "other periods": ({"data": make_series("periods"), "freq": "D"}, ValueError, "frequency 'M'"),
    "steps of horizons": (
        {"horizon": [1, 2], "return_sequences": True},
        ValueError,
        "return_sequences=True takes one horizon",
    ),
    "steps of targets": (
        {"data": make_frame(), "return_sequences": True},
        ValueError,
        "return_sequences=True takes one target",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_cut_is_named(case):
    params, error, match = BAD[case]
    with pytest.raises(error, match=match):
        make_windows(**{"data": make_series(), "window": 4, **params})


# --- no copy --------------------------------------------------------------------------------------


def test_a_series_is_not_copied():
    series = make_series()
    assert np.shares_memory(make_windows(series, window=5).X.table, series.to_numpy())


def test_windows_of_a_long_series_take_little_memory():
    index = pd.date_range("2000", periods=200_000, freq="min")
    frame = pd.DataFrame(np.zeros((len(index), 2)), index, columns=["a", "b"])
    tracemalloc.start()
    windows = make_windows(frame, window=100, target="a")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert windows.X.shape == (199_900, 100, 2)
    assert peak < 12 * frame.to_numpy().nbytes


def test_windows_are_validated_in_the_order_of_time():
    series = pd.Series(np.sin(np.arange(200) / 3), name="wave")
    windows = make_windows(series, window=8)
    reg = RNNRegressor(8, batch_size=32, learning_rate_init=0.02, tol=1e-3, random_state=0)
    scores = cross_val_score(reg, windows.X, windows.y, cv=TimeSeriesSplit(2))
    assert scores[-1] > 0.9


def test_windows_in_place_of_their_X_are_an_error_that_says_so():
    windows = make_windows(make_series(), window=5)
    model = RNNRegressor(3, max_iter=1, batch_size=25).set_params(n_iter_no_change=1)
    with pytest.raises(TypeError, match=r"pass the field X"):
        model.fit(windows, windows.y)


def test_repr_of_windows_is_a_line():
    text = repr(make_windows(make_series(), window=5, horizon=2))
    assert text.count("\n") == 0
    assert "targets=['level'], horizon 2, from 2020-01-07 00:00:00 to 2020-01-30 00:00:00" in text


# --- the time step --------------------------------------------------------------------------------

CALENDARS = {
    **{freq: freq for freq in ("MS", "ME", "BMS", "BME", "QS-FEB", "YS-JAN", "YE-DEC", "2MS", "B")},
    "D": "1D",
    "W-WED": "7D",
    "15min": "15min",
    "QE-NOV": "QE-FEB",
    pd.DateOffset(months=1): "1 month",
}


def stamps_of(freq, periods=48, **params):
    return pd.date_range("2001-01-15", periods=periods, freq=freq, **params)


@pytest.mark.parametrize("tz", [None, "Europe/Berlin"])
@pytest.mark.parametrize("freq", CALENDARS, ids=str)
def test_a_calendar_is_seen_in_spite_of_gaps(freq, tz):
    stamps = stamps_of(freq, 49, tz=tz)
    series = pd.Series(np.arange(48.0), stamps[:-1]).drop(stamps[[11, 30]])
    windows = make_windows(series, window=6, gaps="skip")
    assert len(windows) == (11 - 6) + (18 - 6) + (17 - 6)
    assert windows.latest.target_times[0] == stamps[-1]


@pytest.mark.parametrize("freq", CALENDARS, ids=str)
def test_errors_name_the_step_that_time_stamps_show(freq):
    series = pd.Series(np.arange(47.0), stamps_of(freq).delete(11))
    step = f"the time step is {CALENDARS[freq]}, as most time stamps show it"
    with pytest.raises(ValueError, match=f"is followed by .* but {step}.*freq='rows'"):
        make_windows(series, window=6)
    with pytest.raises(ValueError, match=f"longest run without a gap has 36, where {step}"):
        make_windows(series, window=40, gaps="skip")


def test_all_series_vote_for_the_step():
    months = pd.date_range("2020-01-01", periods=12, freq="MS")
    data = pd.DataFrame(
        {"id": ["short"] * 3 + ["long"] * 12, "day": [*months[:3], *months], "x": 1.0}
    )
    assert len(make_windows(data, window=2, group="id", time="day")) == 1 + 10


def test_one_time_stamp_off_the_grid_does_not_decide():
    hours = pd.date_range("2020", periods=30, freq="h")
    stamps = hours.insert(5, hours[4] + pd.Timedelta("30min"))
    series = pd.Series(1.0, stamps)
    match = "04:00:00 is followed by 2020-01-01 04:30:00, but the time step is 1h"
    with pytest.raises(ValueError, match=match):
        make_windows(series, window=3)


@pytest.mark.parametrize("step", [1, 4])
def test_the_step_of_numbers_is_seen_in_spite_of_gaps(step):
    series = pd.Series(1.0, step * np.delete(np.arange(30), [4, 5, 20]))
    assert len(make_windows(series, window=3, gaps="skip")) == 1 + (14 - 3) + (9 - 3)


def jittered(seed=0):
    seconds = np.random.default_rng(seed).integers(-1, 2, N)
    index = pd.date_range("2024", periods=N, freq="10min") + pd.to_timedelta(seconds, unit="s")
    return pd.Series(np.arange(float(N)), index, name="level")


@pytest.mark.parametrize("seed", range(3))
def test_jitter_is_tolerated_if_told(seed):
    series = jittered(seed)
    windows = make_windows(series, window=4, horizon=2, tolerance="2s")
    pd.testing.assert_series_equal(windows.y, series[5:])
    assert windows.latest.target_times[0] == series.index[-1] + pd.Timedelta("20min")
    with pytest.raises(ValueError, match=r"is followed by .* tolerance lets"):
        make_windows(series, window=4)


def test_a_gap_is_one_in_spite_of_tolerance():
    series = jittered().drop(jittered().index[9])
    match = "is followed by .* the time step is 10min"
    with pytest.raises(ValueError, match=match):
        make_windows(series, window=4, tolerance="2s")
    assert len(make_windows(series, window=4, tolerance="2s", gaps="skip")) == 5 + 16


def test_numbers_may_have_jitter_too():
    series = pd.Series(1.0, [0, 100, 201, 299, 400, 500, 600, 701])
    assert len(make_windows(series, window=3, tolerance=2)) == 5


ROWS = {
    "trading days": pd.bdate_range("2024-01-01", periods=N + 2).delete([10, 20]),
    "visits": pd.Index(np.cumsum(np.arange(N))),
    "numbers": pd.Index(np.sqrt(np.arange(N))),
    "periods": pd.period_range("2020", periods=N + 1, freq="M").delete(4),
}


@pytest.mark.parametrize("kind", ROWS)
def test_rows_may_be_the_steps(kind):
    series = pd.Series(np.arange(float(N)), ROWS[kind], name="level")
    windows = make_windows(series.sample(frac=1, random_state=0), window=5, horizon=2, freq="rows")
    np.testing.assert_array_equal(windows.X[:, -1, 0], series.iloc[4:-2])
    pd.testing.assert_series_equal(windows.y, series.iloc[6:], check_freq=False)
    forecast = windows.latest.on_time_axis([7.0])
    assert forecast.index.names == ["origin", "rows ahead"]
    assert forecast.index.tolist() == [(ROWS[kind][-1], 2)]


def test_rows_of_several_horizons_and_series():
    data = make_stores().drop(index=[2])
    params = {"window": 5, "horizon": [1, 2], "target": "level", "group": "store", "time": "day"}
    with pytest.warns(UserWarning, match="store 'c', where the time step is one row"):
        windows = make_windows(data, **params, freq="rows")
    assert len(windows) == (8 - 6) + (12 - 6)
    assert windows.latest.target_times.names == ["store", "origin", "rows ahead"]
    steps = windows.latest.target_times.get_level_values("rows ahead")
    assert list(steps) == [1, 2] * len(windows.latest)


def test_rows_of_the_known_future_have_times():
    frame = make_frame().drop(INDICES["days"][10])
    frame.loc[frame.index[-2:], "level"] = np.nan
    windows = make_windows(frame, window=3, target="level", known="price", freq="rows")
    assert list(windows.latest.target_times) == [frame.index[-2]]


# --- the order of windows -------------------------------------------------------------------------


@pytest.mark.parametrize("horizon", [1, [1, 2]])
def test_windows_of_several_series_are_in_the_order_of_time(horizon):
    data = make_stores()
    windows = make_windows(
        data, window=2, horizon=horizon, target="level", group="store", time="day"
    )
    origins = windows.times.get_level_values("day")
    assert origins.is_monotonic_increasing
    expected = data.set_index(["store", "day"])["level"]
    np.testing.assert_array_equal(windows.X[:, -1, 0], expected[windows.times])
    first = np.asarray(windows.y).reshape(len(windows), -1)[:, 0]
    np.testing.assert_array_equal(first, expected[windows.times] + 1)


def test_folds_of_several_series_never_test_on_the_past():
    windows = make_windows(make_stores(), window=2, group="store", time="day")
    days = windows.times.get_level_values("day")
    for train, test in TimeSeriesSplit(3).split(windows.X):
        assert days[train].max() <= days[test].min()


def test_series_without_a_window_are_named():
    with pytest.warns(UserWarning, match="2 of 3 series .* store 'b', 'c', where .*1D") as caught:
        make_windows(make_stores(), window=10, group="store", time="day")
    assert caught[0].filename == __file__


# --- random series --------------------------------------------------------------------------------


def cut_by_a_loop(data, window, horizon, stride, by_rows):
    """The origins, windows and targets of series with the columns group, day and level."""
    found = []
    for group, series in data.sort_values("day").groupby("group", sort=False):
        level = dict(zip(series["day"], series["level"], strict=True))
        days = sorted(level) if by_rows else sorted(range(min(level), max(level) + 1))
        run = 0
        for i, day in enumerate(days):
            value = level.get(day, np.nan)
            run = run + 1 if np.isfinite(value) else 0
            target = level.get(days[i + horizon], np.nan) if i + horizon < len(days) else np.nan
            reaches = by_rows or all(d in level for d in days[i : i + horizon + 1])
            if run < window or (run - window) % stride or not np.isfinite(target) or not reaches:
                continue
            steps = [level[days[k]] for k in range(i - window + 1, i + 1)]
            found.append((day, group, steps, target))
    return found


@pytest.mark.parametrize("seed", range(40))
def test_random_series_are_cut_as_by_a_plain_loop(seed):
    rng = np.random.default_rng(seed)
    parts = []
    for group in range(rng.integers(1, 4)):
        days = np.flatnonzero(rng.random(rng.integers(12, 40)) < 0.9) + rng.integers(0, 9)
        level = np.where(rng.random(len(days)) < 0.05, np.nan, rng.normal(size=len(days)))
        parts.append(pd.DataFrame({"group": f"g{group}", "day": days, "level": level}))
    data = pd.concat(parts).sample(frac=1, random_state=seed)
    window, horizon, stride = (int(rng.integers(1, 4)) for _ in range(3))
    by_rows = bool(rng.integers(2))
    expected = cut_by_a_loop(data, window, horizon, stride, by_rows)
    params = {"group": "group", "time": "day", "freq": "rows" if by_rows else 1, "gaps": "skip"}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "[0-9]+ of [0-9]+ series are too short")
        windows = make_windows(data, window=window, horizon=horizon, stride=stride, **params)
    days = windows.times.get_level_values("day")
    assert days.is_monotonic_increasing
    found = zip(days, windows.times.get_level_values("group"), windows.X, windows.y, strict=True)
    found = {(day, group): (X[:, 0].tolist(), y) for day, group, X, y in found}
    assert found == {(day, group): (X, y) for day, group, X, y in expected}


# --- missing values that are kept ----------------------------------------------------------------


def series_with_gaps():
    index = pd.date_range("2024-01-01", periods=12, freq="D")
    data = pd.DataFrame({"sold": np.arange(12.0), "rain": np.arange(12.0) % 3}, index=index)
    data.loc["2024-01-03", "rain"] = data.loc["2024-01-06", "sold"] = np.nan
    return data


def test_kept_gaps_are_nan_in_the_windows_and_targets_are_not():
    windows = make_windows(series_with_gaps(), window=3, target="sold", gaps="keep")
    X = np.asarray(windows.X)
    assert len(X) == 12 - 3 - 1  # one for every day with a known target
    assert np.isnan(X[0, 2, 1])
    assert np.isnan(X).sum() == 5  # the window whose target is missing would have another
    assert np.isfinite(windows.y).all()
    estimator = RNNRegressor(3, max_iter=2, tol=1.0, random_state=0).fit(windows.X, windows.y)
    assert np.isfinite(estimator.predict(windows.latest.X)).all()


def test_without_gaps_keeping_them_changes_nothing():
    data = series_with_gaps().ffill()
    kept, raised = (make_windows(data, window=3, target="sold", gaps=g) for g in ("keep", "raise"))
    np.testing.assert_array_equal(np.asarray(kept.X), np.asarray(raised.X))
    np.testing.assert_array_equal(kept.y, raised.y)


def test_known_channels_have_to_be_known():
    data = series_with_gaps()
    data.loc["2024-01-11":, "sold"] = np.nan  # the future, of which rain is known
    windows = make_windows(data, window=3, target="sold", known="rain", gaps="keep")
    whole = data.fillna({"rain": 0.0})
    assert len(make_windows(whole, window=3, target="sold", known="rain", gaps="keep").X) > len(
        windows.X
    )
    np.testing.assert_array_equal(windows.latest.times, pd.to_datetime(["2024-01-10"]))
    assert np.isfinite(np.asarray(windows.X)[..., 1]).all()


def test_days_without_a_row_are_kept_out():
    data = series_with_gaps().drop(pd.Timestamp("2024-01-08"))
    windows = make_windows(data, window=3, target="sold", gaps="keep", freq="D")
    days = [3, 4, 5, 6, 11]  # of 5 the target is missing, of 7 its row
    assert windows.times.tolist() == [pd.Timestamp(2024, 1, day) for day in days if day != 5]


# --- what a notebook shows ------------------------------------------------------------------------


def shown(windows):
    return dict(re.findall(r"<tr><th>(.*?)</th><td>(.*?)</td></tr>", windows._repr_html_()))


def test_the_card_of_windows():
    days = pd.date_range("2024-01-01", periods=20)
    data = pd.DataFrame(
        {"shop": np.repeat(["a", "b"], 20), "day": [*days, *days], "sold": np.arange(40.0)}
    )
    windows = make_windows(
        data, window=5, horizon=[1, 2, 3], target="sold", group="shop", time="day",
        channels=["sold", "shop"],
    )  # fmt: skip
    assert shown(windows) == {
        "windows": "26 of 5 time steps",
        "series": "2",
        "channels": "sold, shop (ids)",
        "targets": "sold",
        "horizons": "1 to 3",
        "shape of y": "(26, 3)",
        "forecast origins": "from 2024-01-05 00:00:00 to 2024-01-17 00:00:00",
        "times of targets": "from 2024-01-06 00:00:00 to 2024-01-20 00:00:00",
        "latest": "targets from 2024-01-21 00:00:00 to 2024-01-23 00:00:00",
    }
    assert repr(windows).endswith(
        "horizons 1 to 3, from 2024-01-06 00:00:00 to 2024-01-20 00:00:00, 2 series)"
    )


def test_the_card_of_the_latest_window():
    card = shown(make_windows(make_series(), window=5, horizon=[1, 7]).latest)
    assert card["horizons"] == "1, 7"
    assert card["shape of y"] == "still to come"
    assert card["forecast origins"].startswith("at ")
    assert "series" not in card


def test_no_windows_have_a_card_and_a_line():
    windows = make_windows(make_series(), window=5)[:0]
    assert shown(windows)["windows"] == "0 of 5 time steps"
    assert repr(windows).endswith("targets=['level'])")
