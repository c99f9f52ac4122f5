"""from_long gathers what a table scatters."""

import numpy as np
import pandas as pd
import pytest

from skrnn.preprocessing import SequenceScaler, from_long


def make_long():
    data = pd.DataFrame(
        {
            "id": ["b", "a", "b", "c", "a", "b"],
            "time": [2, 1, 0, 5, 0, 1],
            "x": [3.0, 5.0, 1.0, 6.0, 4.0, 2.0],
            "n": [30, 50, 10, 60, 40, 20],
            "label": ["u", "v", "u", "u", "v", "u"],
        }
    )
    return data.astype({"x": np.float32})


def as_lists(X):
    return {name: [cell.tolist() for cell in X[name]] for name in X}


def test_from_long_sorts_by_time_within_sequences():
    X = from_long(make_long(), id="id", time="time")
    assert as_lists(X) == {"x": [[1, 2, 3], [4, 5], [6]], "n": [[10, 20, 30], [40, 50], [60]]}
    assert list(X.index) == ["b", "a", "c"]
    assert X.index.name == "id"


def test_from_long_without_time_keeps_the_order_of_rows():
    X = from_long(make_long(), id="id", channels=["x"])
    assert as_lists(X) == {"x": [[3, 1, 2], [5, 4], [6]]}


@pytest.mark.parametrize("time", [None, "time"])
def test_from_long_of_sorted_rows_equals_that_of_shuffled_ones(time):
    data = make_long().sort_values(["id", "time"])
    X = from_long(data, id="id", time=time, channels=["x", "n"])
    shuffled = from_long(data.sample(frac=1, random_state=1), id="id", time="time")
    assert as_lists(X) == as_lists(shuffled.loc[X.index])


def test_from_long_order_is_that_of_groupby():
    data = make_long().sample(frac=1, random_state=0)
    labels = data.groupby("id", sort=False)["label"].first()
    assert list(from_long(data, id="id", time="time").index) == list(labels.index)


@pytest.mark.parametrize("columns", [["id"], ["time"], ["id", "time"]])
def test_from_long_reads_levels_of_the_index(columns):
    X = from_long(make_long().set_index(columns), id="id", time="time")
    assert as_lists(X) == as_lists(from_long(make_long(), id="id", time="time"))


@pytest.mark.parametrize(
    "convert",
    [
        lambda t: pd.Timestamp("2020-01-01") + pd.to_timedelta(t, unit="h"),
        lambda t: pd.Timestamp("2020-01-01", tz="Asia/Tokyo") + pd.to_timedelta(t, unit="h"),
        lambda t: pd.PeriodIndex.from_ordinals(t, freq="M"),
        lambda t: t.astype(str),
        lambda t: t.astype("Int64"),
        lambda t: t.astype(float) - 2.5,
    ],
)
def test_from_long_sorts_any_kind_of_time(convert):
    data = make_long()
    expected = as_lists(from_long(data, id="id", time="time", channels="x"))
    data["time"] = convert(data["time"])
    assert as_lists(from_long(data, id="id", time="time", channels="x")) == expected


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [
        ("float64", np.float64),
        ("float32", np.float32),
        ("Float32", np.float32),
        ("int8", np.float64),
        ("bool", np.float64),
        ("Int64", np.float64),
        ("float16", np.float64),
    ],
)
def test_from_long_gives_floats(dtype, expected):
    X = from_long(make_long().astype({"x": dtype}), id="id", time="time")
    assert {cell.dtype for cell in X["x"]} == {np.dtype(expected)}


@pytest.mark.parametrize("dtype", ["float64", "Float64"])
def test_from_long_keeps_missing_values_as_nan(dtype):
    data = make_long().astype({"x": dtype})
    data.loc[2, "x"] = None
    np.testing.assert_array_equal(
        from_long(data, id="id", time="time")["x"].iloc[0], [np.nan, 2, 3]
    )


@pytest.mark.parametrize("sort", [True, False])
def test_from_long_cells_are_views_of_one_new_array(sort):
    data = make_long().sort_values(["id", "time"]) if sort else make_long()
    column = from_long(data, id="id", time="time")["x"]
    assert all(cell.base is column.iloc[0].base for cell in column)
    column.iloc[0][0] = -1
    assert data["x"].min() == 1


def test_from_long_equal_lengths_stay_cells():
    data = pd.DataFrame({"id": [0, 0, 1, 1], "x": [1.0, 2.0, 3.0, 4.0]})
    assert as_lists(from_long(data, id="id")) == {"x": [[1, 2], [3, 4]]}


def test_from_long_keeps_the_type_of_ids_and_names():
    data = make_long().astype({"id": "category"}).rename(columns={"x": 7})
    X = from_long(data, id="id", time="time", channels=[7])
    assert isinstance(X.index, pd.CategoricalIndex)
    assert list(X.columns) == [7]


@pytest.mark.parametrize("channels", ["x", ["x"], ("x",), pd.Index(["x"]), np.array(["x"])])
def test_from_long_channels_are_one_or_several(channels):
    assert list(from_long(make_long(), id="id", time="time", channels=channels)) == ["x"]


def test_from_long_feeds_the_scaler():
    X = from_long(make_long(), id="id", time="time")
    scaled = SequenceScaler().fit_transform(X)
    np.testing.assert_allclose(np.concatenate(scaled["n"].tolist()).mean(), 0, atol=1e-12)


def with_cell(column, row, value):
    data = make_long().astype({column: object})
    data.loc[row, column] = value
    return data


BAD_LONG = {
    "no frame": ([1, 2], {}, TypeError, "must be a pandas DataFrame, got list"),
    "no rows": (make_long().iloc[:0], {}, ValueError, "no rows"),
    "no id": (make_long(), {"id": "ID"}, ValueError, r"no column 'ID'.*\['id', 'time', 'x'"),
    "no level": (
        make_long().set_index("id"),
        {"id": "ID"},
        ValueError,
        r"no column 'ID'.*levels of its index \['id'\]",
    ),
    "no time": (make_long(), {"time": "t"}, ValueError, "no column 't'"),
    "no channel": (make_long(), {"channels": ["x", "z"]}, ValueError, "no column 'z'"),
    "no channels": (make_long(), {"channels": []}, ValueError, "channels is empty"),
    "nothing numeric": (make_long()[["id", "label"]], {"time": None}, ValueError, "no numeric"),
    "text": (make_long(), {"channels": ["x", "label"]}, TypeError, "'label' has dtype"),
    "complex": (make_long().astype({"x": complex}), {"channels": "x"}, TypeError, "complex128"),
    "twice": (make_long().set_axis(["id", "time", "x", "x", "l"], axis=1), {}, ValueError, "2 col"),
    "id NaN": (with_cell("id", 3, None), {}, ValueError, "Row 3 has no id: column 'id'"),
    "time NaN": (with_cell("time", 2, None), {}, ValueError, "id 'b' has a row without 'time'"),
    "time twice, numeric id": (
        with_cell("time", 5, 2).astype({"time": int}).assign(id=[4, 3, 4, 2, 3, 4]),
        {},
        ValueError,
        "id 4 has more than one row with time 2",
    ),
    "time twice": (
        with_cell("time", 5, 2),
        {},
        ValueError,
        "id 'b' has more than one row with time 2",
    ),
}


@pytest.mark.parametrize("case", BAD_LONG)
def test_bad_tables_are_named(case):
    data, params, error, match = BAD_LONG[case]
    with pytest.raises(error, match=match):
        from_long(data, **{"id": "id", "time": "time", **params})
