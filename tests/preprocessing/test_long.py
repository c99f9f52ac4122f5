"""from_long gathers what a table scatters, to_long scatters it again."""

import datetime
import sys
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from skrnn.preprocessing import SequenceScaler, Windows, from_long, to_long
from skrnn.sequences import as_sequences


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
    assert as_lists(X) == {"x": [[4, 5], [1, 2, 3], [6]], "n": [[40, 50], [10, 20, 30], [60]]}
    assert list(X.index) == ["a", "b", "c"]
    assert X.index.name == "id"


def test_from_long_without_time_keeps_the_order_of_rows():
    X = from_long(make_long(), id="id", channels=["x"])
    assert as_lists(X) == {"x": [[5, 4], [3, 1, 2], [6]]}


@pytest.mark.parametrize("time", [None, "time"])
def test_from_long_of_sorted_rows_equals_that_of_shuffled_ones(time):
    data = make_long().sort_values(["id", "time"])
    X = from_long(data, id="id", time=time, channels=["x", "n"])
    shuffled = from_long(data.sample(frac=1, random_state=1), id="id", time="time")
    assert as_lists(X) == as_lists(shuffled.loc[X.index])


IDS = {
    "text": lambda ids: ids,
    "numbers": lambda ids: ids.map({"a": 3, "b": 2, "c": 5}),
    "categories": lambda ids: pd.Categorical(ids, ["c", "b", "a", "unused"]),
    "dates": lambda ids: ids.map(
        {"a": pd.Timestamp("2021"), "b": pd.Timestamp("2020"), "c": pd.NaT}
    ).fillna(pd.Timestamp("2022")),
    "mixed": lambda ids: ids.astype(object).replace({"a": 7, "c": 1}),
    "tuples": lambda ids: ids.map({"a": (1, 2), "b": (1, 1), "c": (0, 5)}),
}


@pytest.mark.parametrize("sort", [True, False])
@pytest.mark.parametrize("kind", IDS)
def test_from_long_order_is_that_of_groupby(kind, sort):
    data = make_long().sample(frac=1, random_state=0)
    data["id"] = IDS[kind](data["id"])
    labels = data.groupby("id", sort=sort, observed=True)["label"].first()
    X = from_long(data, id="id", time="time", sort=sort)
    assert X.index.equals(labels.index)
    assert list(X.index) == list(labels.index)


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
        lambda t: pd.Categorical.from_codes(t, list("fedcba"), ordered=True),
        lambda t: [datetime.date(2020, 1, 1 + day) for day in t],
        lambda t: [datetime.time(9 + hour) for hour in t],
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
    np.testing.assert_array_equal(from_long(data, id="id", time="time")["x"]["b"], [np.nan, 2, 3])


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


def test_from_long_gives_the_targets_in_the_order_of_the_sequences():
    data = make_long().sample(frac=1, random_state=0).reset_index(drop=True)
    data.loc[0, "label"] = None
    X, y = from_long(data, id="id", time="time", target="label")
    assert list(X) == ["x", "n"]
    pd.testing.assert_series_equal(y, data.groupby("id")["label"].first())
    _, table = from_long(data, id="id", time="time", target=["label"])
    pd.testing.assert_frame_equal(table, y.to_frame())


@pytest.mark.parametrize("dtype", ["int8", "float32", "bool", "Int64", "category"])
def test_from_long_keeps_the_type_of_targets(dtype):
    data = make_long().assign(target=[0, 1, 0, 1, 1, 0]).astype({"target": dtype})
    _, y = from_long(data, id="id", time="time", target="target")
    assert (y.dtype, y.tolist()) == (data["target"].dtype, [1, 0, 1])


def test_from_long_gives_a_target_at_every_step():
    params = {"id": "id", "time": "time", "return_sequences": True}
    X, y = from_long(make_long(), channels="x", target="n", **params)
    assert as_lists(y.to_frame()) == {"n": [[40, 50], [10, 20, 30], [60]]}
    assert y.index.equals(X.index)
    _, both = from_long(make_long(), channels="x", target=["n", "label"], **params)
    assert as_lists(both)["label"] == [["v", "v"], ["u", "u", "u"], ["u"]]


def test_from_long_reads_times_in_the_index_where_they_are_in_order():
    data = make_long().set_index(pd.date_range("2020", periods=6))
    assert as_lists(from_long(data, id="id", channels="x")) == {"x": [[5, 4], [3, 1, 2], [6]]}


def test_from_long_feeds_the_scaler():
    X = from_long(make_long(), id="id", time="time")
    scaled = SequenceScaler().fit_transform(X)
    np.testing.assert_allclose(np.concatenate(scaled["n"].tolist()).mean(), 0, atol=1e-12)


def with_cell(column, row, value):
    data = make_long().astype({column: object})
    data.at[row, column] = value
    return data


BAD_LONG = {
    "list": ([1, 2], {}, TypeError, "must be a DataFrame, got builtins.list"),
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
    "dates": (
        make_long().assign(day=pd.Timestamp("2020")),
        {"channels": ["x", "day"]},
        TypeError,
        "'day' has dtype datetime64.*real numbers or strings",
    ),
    "number among strings": (
        with_cell("label", 4, 1.5),
        {"channels": "label"},
        TypeError,
        "'label' mixes types: row 4 holds 1.5, a float, and the first value is 'u'",
    ),
    "string among numbers": (
        with_cell("x", 3, "six"),
        {"channels": "x"},
        TypeError,
        "'x' mixes types: row 3 holds 'six', a str, and the first value is 3.0.*to_numeric",
    ),
    "objects": (with_cell("x", 3, {}), {"channels": "x"}, TypeError, "row 3 holds {}, a dict"),
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
    "text times": (
        make_long().astype({"time": str}),
        {},
        TypeError,
        "times in 'time' are of the type string such as '2', which sorts.*to_datetime",
    ),
    "text among times": (
        with_cell("time", 3, "10:30"),
        {},
        TypeError,
        "'time' are of the type mixed-integer such as '10:30'",
    ),
    "categories as times": (
        make_long().assign(time=pd.Categorical(list("cbafab"))),
        {},
        TypeError,
        "'time' are of the type string.*ordered categories",
    ),
    "two targets": (
        make_long().assign(label=list("uvxuvu")),
        {"target": "label"},
        ValueError,
        "id 'b' has more than one target in column 'label': 'u' and 'x'.*return_sequences=True",
    ),
    "no target": (
        make_long().assign(label=["u", None, "u", "v", None, "u"]),
        {"target": "label"},
        ValueError,
        "id 'a' has no target in column 'label'. Drop",
    ),
    "target of another table": (
        make_long(),
        {"target": pd.Series(["u", "v", "u"])},
        TypeError,
        r"named by their labels, but got a Series of 3 values.*y.loc\[X.index\]",
    ),
    "static values": (
        make_long(),
        {"static": np.array(["u", "v", "u"])},
        TypeError,
        "named by their labels, but got a ndarray of 3 values",
    ),
    "a channel of dates": (
        make_long().assign(seen=pd.Timestamp("2024-05-01")),
        {"channels": ["x", "seen"]},
        TypeError,
        r"Channel 'seen' has dtype datetime64.*its hour \(.dt.hour\).*elapsed=True",
    ),
    "index backwards": (
        make_long().set_index(pd.date_range("2020", periods=6)[::-1]),
        {"time": None},
        ValueError,
        r"index holds times, which are not in order: 2020-01-0.*as time, or call.*reset_index",
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


# --- other columns and frames --------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [object, "str", "string", "category"])
def test_from_long_takes_strings_that_are_named(dtype):
    data = make_long().astype({"label": dtype})
    data.loc[5, "label"] = None
    X = from_long(data, id="id", time="time", channels=["x", "label"])
    assert as_lists(X[["label"]]) == {"label": [["v", "v"], ["u", None, "u"], ["u"]]}
    assert {cell.dtype for cell in X["label"]} == {np.dtype(object)}
    assert list(from_long(data, id="id", time="time")) == ["x", "n"]


@pytest.mark.parametrize("convert", [Decimal, int, float, lambda x: None if x == 2 else x])
def test_from_long_reads_objects_that_are_numbers(convert):
    data = make_long()
    X = from_long(data, id="id", time="time", channels="x")
    data["x"] = pd.Series([convert(x) for x in data["x"].tolist()], dtype=object)
    (cell, *_) = from_long(data, id="id", time="time", channels="x")["x"]
    expected = np.where(X["x"].iloc[0] == 2, np.nan if convert(2) is None else 2, X["x"].iloc[0])
    np.testing.assert_array_equal(cell, expected)
    assert cell.dtype == np.float64


def test_from_long_sorts_times_too_far_apart_for_one_integer():
    data = pd.DataFrame({"id": [0, 1, 0, 1], "t": [2**62, 0, -(2**62), 5], "x": [2.0, 3, 1, 4]})
    assert as_lists(from_long(data, id="id", time="t")) == {"x": [[1, 2], [3, 4]]}


@pytest.fixture(params=["polars", "pyarrow"])
def as_other(request):
    pytest.importorskip("narwhals")
    library = pytest.importorskip(request.param)

    def convert(data):
        columns = {name: data[name].tolist() for name in data}
        return library.table(columns) if request.param == "pyarrow" else library.DataFrame(columns)

    return convert


def test_from_long_reads_other_frames(as_other):
    data = make_long()
    channels = ["x", "n", "label"]
    X = from_long(as_other(data), id="id", time="time", channels=channels)
    assert as_lists(X) == as_lists(from_long(data, id="id", time="time", channels=channels))
    assert list(X.index) == ["a", "b", "c"]


def test_from_long_finds_what_other_frames_miss(as_other):
    data = as_other(with_cell("x", 2, None))
    np.testing.assert_array_equal(from_long(data, id="id", time="time")["x"]["b"], [np.nan, 2, 3])
    with pytest.raises(ValueError, match="has no id"):
        from_long(as_other(with_cell("id", 2, None)), id="id")


def test_lazy_frames_are_to_be_collected():
    polars = pytest.importorskip("polars")
    pytest.importorskip("narwhals")
    with pytest.raises(TypeError, match=r"in memory, got polars.*LazyFrame. Call its collect\(\)"):
        from_long(polars.LazyFrame({"id": [1]}), id="id")


def test_what_is_no_frame_is_named():
    pytest.importorskip("narwhals")
    with pytest.raises(TypeError, match=r"of a kind that narwhals reads, got builtins\.object"):
        from_long(object(), id="id")


def test_without_narwhals_the_error_names_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "narwhals", None)
    with pytest.raises(ImportError, match="pip install narwhals"):
        from_long(object(), id="id")


@pytest.mark.parametrize("dtype", ["bool", "int8", "float", "double"])
def test_from_long_takes_arrow_columns(dtype):
    pytest.importorskip("pyarrow")
    data = make_long().astype({"x": f"{dtype}[pyarrow]", "id": "string[pyarrow]"})
    X = from_long(data, id="id", time="time")
    assert list(X) == ["x", "n"]
    expected = [[1, 1], [1, 1, 1], [1]] if dtype == "bool" else [[4, 5], [1, 2, 3], [6]]
    assert as_lists(X)["x"] == expected
    assert X["x"].iloc[0].dtype == (np.float32 if dtype == "float" else np.float64)


# --- to_long -------------------------------------------------------------------------------------


def assert_same_cells(result, X):
    pd.testing.assert_index_equal(result.index, X.index)
    pd.testing.assert_index_equal(result.columns, X.columns)
    for name in X:
        for a, b in zip(result[name], X[name], strict=True):
            np.testing.assert_array_equal(a, b)
            assert a.dtype == b.dtype


@pytest.mark.parametrize("channels", [None, ["x"], ["label", "n"]])
@pytest.mark.parametrize("ids", ["str", "category", "datetime64[ns]"])
def test_from_long_undoes_to_long(channels, ids):
    data = make_long().replace({"id": {"a": "2020", "b": "2021", "c": "2022"}})
    data = data.astype({"id": ids}).rename_axis(columns="what")
    data.loc[2, "n"] = np.nan
    X = from_long(data, id="id", time="time", channels=channels)
    assert_same_cells(from_long(to_long(X), id="id", time="time", channels=list(X)), X)


FORMS = {
    "list": lambda items: items,
    "series": lambda items: pd.Series(items, index=list("pq")),
    "frames": lambda items: [pd.DataFrame(item, columns=["u", "v"]) for item in items],
    "padded": lambda items: np.stack([items[0], np.vstack([items[1], [[np.nan] * 2]])]),
    "2-D": lambda items: np.array([items[1].ravel(), items[1].ravel()]),
    "windows": lambda items: Windows(items[0], [0, 1], 2, ["u", "v"]),
}


@pytest.mark.parametrize("form", FORMS)
def test_to_long_takes_every_form(form):
    items = [np.arange(6.0).reshape(3, 2), np.arange(4.0).reshape(2, 2)]
    X = FORMS[form](items)
    data = to_long(X, n_channels=2)
    names = ["u", "v"] if form in ("frames", "windows") else ["x0", "x1"]
    assert list(data) == ["id", "time", *names]
    back = from_long(data, id="id", time="time")
    assert list(back.index) == (["p", "q"] if form == "series" else [0, 1])
    np.testing.assert_array_equal(as_sequences(back).values, as_sequences(X, n_channels=2).values)


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        (None, [0, 1, 2, 0, 1]),
        (np.array([10, 20, 30]), [10, 20, 30, 10, 20]),
        ([[3, 4, 5], [8, 9]], [3, 4, 5, 8, 9]),
    ],
)
def test_to_long_writes_times(times, expected):
    data = to_long([np.zeros(3), np.zeros(2)], times=times, time="t")
    assert data["t"].tolist() == expected


def test_to_long_keeps_dates():
    dates = pd.date_range("2020-01-01", periods=3, tz="Asia/Tokyo")
    data = to_long([np.zeros(3), np.zeros(2)], times=dates)
    assert data["time"].tolist() == [*dates, *dates[:2]]


@pytest.mark.parametrize(
    ("params", "match"),
    [
        ({"times": np.arange(2)}, r"times has shape \(2,\), but the longest sequence has 3"),
        ({"times": [[1, 2, 3]]}, "times are those of 1 sequences"),
        ({"channels": ["a", "b"]}, "channels has 2 names, but X has 1"),
        ({"channels": ["time"]}, "'time' occurs twice"),
        ({"X": pd.Series([np.zeros(2)] * 2, index=[7, 7])}, "has 7 more than once.*reset_index"),
    ],
)
def test_to_long_names_what_does_not_fit(params, match):
    with pytest.raises(ValueError, match=match):
        to_long(**{"X": [np.zeros(3), np.zeros(2)], **params})
