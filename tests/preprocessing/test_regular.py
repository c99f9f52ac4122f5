"""from_long on a grid of equal time steps, and the time between rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from skrnn import RNNClassifier
from skrnn.preprocessing import SequenceImputer, from_long

NAN = np.nan
TIMES = ["2024-01-01 00:10", "2024-01-01 00:50", "2024-01-03 00:00", "2024-01-01 03:30"]


def make_long():
    """Rows of b at ten to and ten past the hour, and at half past three; one of a."""
    return pd.DataFrame(
        {
            "id": list("bbab"),
            "time": pd.to_datetime(TIMES),
            "x": np.array([1.0, 3.0, 5.0, 7.0], np.float32),
            "word": list("pqrs"),
            "y": [0, 0, 1, 0],
            "step": [1, 2, 3, 4],
        }
    )


def cells(X, channel="x"):
    return [cell.tolist() for cell in X[channel]]


def same(found, expected):
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("shuffled", [False, True])
def test_a_step_without_a_row_is_a_gap(shuffled):
    data = make_long().sample(frac=1, random_state=int(shuffled)) if shuffled else make_long()
    X, y = from_long(data, id="id", time="time", channels="x", freq="1h", target="y")
    same(X["x"], [[5.0], [2.0, NAN, NAN, 7.0]])
    assert X["x"].iloc[0].dtype == np.float32
    assert y.to_dict() == {"a": 1, "b": 0}


AGGREGATED = {
    "mean": 2.0,
    "median": 2.0,
    "min": 1.0,
    "max": 3.0,
    "sum": 4.0,
    "first": 1.0,
    "last": 3.0,
}


@pytest.mark.parametrize("aggregate", AGGREGATED)
def test_values_of_a_step_become_one(aggregate):
    data = make_long().iloc[::-1]  # first and last are those in time
    X = from_long(data, id="id", time="time", channels="x", freq="1h", aggregate=aggregate)
    same(X["x"], [[5.0], [AGGREGATED[aggregate], NAN, NAN, 7.0]])


@pytest.mark.parametrize("aggregate", AGGREGATED)
def test_missing_values_are_left_out_of_a_step(aggregate):
    data = make_long()
    data["x"] = [NAN, 3.0, NAN, 7.0]
    X = from_long(data, id="id", time="time", channels="x", freq="1h", aggregate=aggregate)
    same(X["x"], [[NAN], [3.0, NAN, NAN, 7.0]])


def test_every_channel_in_its_own_way():
    X = from_long(
        make_long(),
        id="id",
        time="time",
        channels=["x", "step", "word"],
        freq="1h",
        aggregate={"x": "max", "word": "last"},
    )
    same(X.loc["b"], [[3.0, NAN, NAN, 7.0], [1.5, NAN, NAN, 4.0], ["q", None, None, "s"]])


def test_two_rows_of_the_same_time_are_one_step():
    data = make_long().assign(time=0)
    X = from_long(data, id="id", time="time", channels="x", freq=1)
    same(X["x"], [[5.0], [np.float32(11 / 3)]])


KINDS = {
    "integers": ([0, 1, 9, 7], 2, [[5.0], [2.0, NAN, NAN, 7.0]]),
    "floats": ([0.25, 0.3, 5.0, 0.6], 0.1, [[5.0], [1.0, 3.0, NAN, NAN, 7.0]]),
    "negative": ([-3, -1, 0, 1], 2, [[5.0], [1.0, 3.0, 7.0]]),
    "differences": (pd.to_timedelta([0, 5, 0, 30], "min"), "10min", [[5.0], [2.0, NAN, NAN, 7.0]]),
    "periods": (pd.PeriodIndex(["2023-11", "2023-12", "2020-01", "2024-02"], freq="M"), 1, None),
    "dates as objects": (pd.to_datetime(TIMES).date, "D", [[5.0], [11 / 3]]),
    "nullable": (pd.array([0, 1, 9, 7], "Int64"), 2, [[5.0], [2.0, NAN, NAN, 7.0]]),
}


@pytest.mark.parametrize("kind", KINDS)
def test_times_of_every_kind(kind):
    times, freq, expected = KINDS[kind]
    X = from_long(make_long().assign(time=times), id="id", time="time", channels="x", freq=freq)
    expected = expected or [[5.0], [1.0, 3.0, NAN, 7.0]]
    for cell, one in zip(X["x"], expected, strict=True):
        np.testing.assert_allclose(cell, one, rtol=1e-6)


def test_days_are_those_of_the_place():
    stamps = pd.to_datetime(
        ["2024-01-01 22:00", "2024-01-02 01:00", *TIMES[2:3], "2024-01-02 23:30"]
    )
    data = make_long().assign(time=stamps.tz_localize("Europe/Berlin"))
    X = from_long(data, id="id", time="time", channels="x", freq="1D")
    assert cells(X) == [[5.0], [1.0, 5.0]]


def test_targets_at_every_step_are_the_last_ones():
    arguments = {"id": "id", "time": "time", "channels": "x", "return_sequences": True}
    _, y = from_long(make_long(), freq="1h", target="step", **arguments)
    same(y, [[3], [2, NAN, NAN, 4]])
    _, y = from_long(make_long(), freq="1h", target="word", **arguments)
    same(y, [["r"], ["q", None, None, "s"]])
    _, y = from_long(make_long().iloc[:3], freq="1h", target="step", **arguments)
    assert [one.tolist() for one in y] == [[3], [2]]
    assert y.iloc[0].dtype == np.int64


# --- elapsed time --------------------------------------------------------------------------------


def test_time_since_the_row_before():
    data = make_long().sample(frac=1, random_state=0)
    X = from_long(data, id="id", time="time", channels="x", elapsed=True)
    assert list(X.columns) == ["x", "elapsed"]
    assert cells(X, "elapsed") == [[0.0], [0.0, 2400.0, 9600.0]]


def test_time_since_the_step_before_that_has_a_row():
    X = from_long(make_long(), id="id", time="time", channels="x", freq="1h", elapsed="since")
    assert cells(X, "since") == [[0.0], [0.0, 3600.0, 7200.0, 10800.0]]


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ([0.5, 0.75, 9.0, 2.0], [[0.0], [0.0, 0.25, 1.25]]),
        (pd.PeriodIndex(TIMES, freq="h"), [[0.0], [0.0, 0.0, 3.0]]),
        (pd.to_timedelta([0, 1, 2, 3], "s"), [[0.0], [0.0, 1.0, 2.0]]),
    ],
    ids=["numbers", "periods", "differences"],
)
def test_the_unit_of_elapsed_time(times, expected):
    data = make_long().assign(time=times)
    if isinstance(times, pd.PeriodIndex):
        data = data.drop(index=1).assign(id=list("bab"))
        expected = [[0.0], [0.0, 3.0]]
    assert cells(from_long(data, id="id", time="time", channels="x", elapsed=True), "elapsed") == (
        expected
    )


def test_the_way_to_an_estimator():
    rng = np.random.default_rng(0)
    data = pd.DataFrame(
        {
            "id": np.repeat(np.arange(20), 8),
            "time": np.tile(np.cumsum(rng.uniform(0.1, 3, 8)), 20),
            "x": rng.normal(size=160),
            "y": np.repeat(np.arange(20) % 2, 8),
        }
    )
    X, y = from_long(data, id="id", time="time", target="y", freq=1.0, elapsed=True)
    assert X.isna().to_numpy().sum() == 0
    assert np.isnan(np.concatenate(list(X["x"]))).any()
    estimator = RNNClassifier(4, max_iter=40, random_state=0).fit(X, y)
    assert estimator.network_.architecture.decay.columns == (0,)
    assert estimator.predict(X).shape == (20,)
    filled = SequenceImputer().fit_transform(X)
    assert not np.isnan(np.concatenate(list(filled["x"]))).any()


# --- what is refused -----------------------------------------------------------------------------

REFUSED = {
    "a month": ({"freq": "MS"}, r"fixed size.*dt.to_period\('M'\), and pass freq=1"),
    "a number of dates": ({"freq": 5}, "freq must be a time step of a fixed size"),
    "no frequency": ({"freq": "soon"}, "freq must be a time step of a fixed size"),
    "backwards": ({"freq": "-1h"}, "freq must be positive"),
    "too small": ({"freq": "1ns"}, "makes 1.*time steps, of which the 4 rows fill few"),
    "no time": ({"freq": "1h", "time": None}, "freq='1h' needs to know when the rows are"),
    "an unknown aggregate": ({"freq": "1h", "aggregate": "mode"}, "aggregate must be one of"),
    "the mean of strings": ({"freq": "1h", "channels": ["word"]}, "'word' holds strings"),
    "an unknown channel": (
        {"freq": "1h", "aggregate": {"z": "last"}},
        "aggregate names 'z', but the channels are",
    ),
    "nothing to aggregate": ({"aggregate": "last"}, "without freq every row is a step"),
    "elapsed without time": ({"elapsed": True, "time": None}, "elapsed=True needs to know when"),
    "a name twice": ({"elapsed": "x"}, "There is a channel 'x' already"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused(case):
    arguments, message = REFUSED[case]
    with pytest.raises(ValueError, match=message):
        from_long(make_long(), **{"id": "id", "time": "time", **arguments})


@pytest.mark.parametrize("freq", [0, -1, "1h", True, np.inf])
def test_a_number_is_asked_for_where_times_are_numbers(freq):
    with pytest.raises(ValueError, match="freq must be a number > 0"):
        from_long(make_long().assign(time=[0, 1, 2, 3]), id="id", time="time", freq=freq)


TIMES_REFUSED = {
    "missing": (pd.to_datetime([TIMES[0], None, *TIMES[2:]]), ValueError, "Row 1 has no 'time'"),
    "texts": (TIMES, TypeError, r"pandas\.to_datetime"),
    "categories": (pd.Categorical(list("abca"), ordered=True), TypeError, "must be dates"),
}


@pytest.mark.parametrize("case", TIMES_REFUSED)
def test_times_that_cannot_be_counted_with_are_refused(case):
    times, error, message = TIMES_REFUSED[case]
    data = make_long().assign(time=times)
    with pytest.raises(error, match=message):
        from_long(data, id="id", time="time", freq="1h")
