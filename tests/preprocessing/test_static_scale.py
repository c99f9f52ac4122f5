"""SequenceScaler scales the numbers that stand beside sequences, and passes the rest through."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from ragged_forms import object_array
from sklearn.preprocessing import MinMaxScaler, RobustScaler, StandardScaler

from skrnn.preprocessing import SequenceScaler, from_long, to_long
from skrnn.sequences import as_sequences

THEIRS = {"standard": StandardScaler, "minmax": MinMaxScaler, "robust": RobustScaler}
N = 9  # of so many, all definitions of quartiles agree


@pytest.fixture
def frame(rng):
    cells = object_array([rng.normal(size=length) for length in rng.integers(1, 5, N)])
    return pd.DataFrame(
        {
            "age": rng.uniform(20, 80, N),
            "pulse": cells,
            "ill": [True, False] * 4 + [True],
            "kind": ["old", "new"] * 4 + [None],
            "ward": pd.Categorical([1, 2, 1, 2, 1, 2, 1, 2, 1]),
            "size": np.arange(N),
        },
        index=list("rstuvwxyz"),
    )


@pytest.mark.parametrize("method", THEIRS)
def test_numbers_are_scaled_as_scikit_learn_scales_them(frame, method):
    scaled = SequenceScaler(method).fit_transform(frame)
    expected = THEIRS[method]().fit_transform(frame[["age", "size"]])
    np.testing.assert_allclose(scaled[["age", "size"]], expected, rtol=1e-12, atol=1e-12)


def test_sequences_are_scaled_as_without_them(frame):
    scaled, alone = (SequenceScaler().fit_transform(one) for one in (frame, frame[["pulse"]]))
    np.testing.assert_array_equal(
        as_sequences(scaled[["pulse"]]).values, as_sequences(alone).values
    )


def test_all_else_comes_back_as_it_was(frame):
    scaled = SequenceScaler().fit_transform(frame)
    pd.testing.assert_frame_equal(
        scaled[["ill", "kind", "ward"]], frame[["ill", "kind", "ward"]], check_exact=True
    )
    assert scaled.index.equals(frame.index)
    assert scaled.columns.equals(frame.columns)


def test_attributes_say_what_was_done(frame):
    scaler = SequenceScaler().fit(frame)
    assert (scaler.n_channels_in_, scaler.n_static_in_) == (1, 5)
    assert scaler.center_.shape == scaler.scale_.shape == (1,)
    np.testing.assert_allclose(scaler.static_center_, [frame["age"].mean(), 0, 0, 0, 4])
    np.testing.assert_allclose(
        scaler.static_scale_, [frame["age"].std(ddof=0), 1, 1, 1, np.arange(N).std()], rtol=1e-12
    )
    assert scaler.get_feature_names_out().tolist() == list(frame.columns)


def test_inverse_transform_undoes_it(frame):
    scaler = SequenceScaler().fit(frame)
    back = scaler.inverse_transform(scaler.transform(frame))
    np.testing.assert_allclose(back[["age", "size"]], frame[["age", "size"]], atol=1e-12)


def test_missing_values_stay_and_teach_nothing(frame):
    frame.loc["v", "age"] = np.nan
    scaled = SequenceScaler().fit_transform(frame)
    there = frame["age"].notna()
    assert np.isnan(scaled.loc["v", "age"])
    expected = StandardScaler().fit_transform(frame.loc[there, ["age"]])
    np.testing.assert_allclose(scaled.loc[there, ["age"]], expected, rtol=1e-12)


def test_nullable_numbers_are_scaled(frame):
    frame["size"] = pd.array([*range(N - 1), None], dtype="Int64")
    scaled = SequenceScaler().fit_transform(frame)["size"]
    assert scaled.dtype == np.float64
    assert np.isnan(scaled.iloc[-1])
    assert scaled.mean() == pytest.approx(0)


def test_a_column_without_any_number_stays(frame):
    scaled = SequenceScaler().fit_transform(frame.assign(age=np.nan))
    assert scaled["age"].isna().all()


@pytest.mark.parametrize("switch", ["with_centering", "with_scaling"])
def test_one_switch_each(frame, switch):
    scaled = SequenceScaler(**{switch: False}).fit_transform(frame)["age"]
    assert (scaled.mean() == pytest.approx(0)) == (switch != "with_centering")
    assert (scaled.std(ddof=0) == pytest.approx(1)) == (switch != "with_scaling")


@pytest.mark.parametrize("method", ["standard", "minmax"])
def test_partial_fit_equals_fit(frame, method):
    frame.loc["t", "age"] = np.nan
    parts = SequenceScaler(method).partial_fit(frame[:1]).partial_fit(frame[1:4])
    parts.partial_fit(frame[4:])
    whole = SequenceScaler(method).fit(frame)
    np.testing.assert_allclose(parts.static_center_, whole.static_center_, rtol=1e-12)
    np.testing.assert_allclose(parts.static_scale_, whole.static_scale_, rtol=1e-12)


def test_a_weight_is_a_repetition(frame):
    times = np.arange(1, N + 1)
    weighted = SequenceScaler().fit(frame, sample_weight=times)
    repeated = SequenceScaler().fit(frame.iloc[np.repeat(np.arange(N), times)])
    np.testing.assert_allclose(weighted.static_center_, repeated.static_center_, rtol=1e-12)
    np.testing.assert_allclose(weighted.static_scale_, repeated.static_scale_, rtol=1e-12)


def test_a_constant_column_is_only_centred(frame):
    scaled = SequenceScaler().fit_transform(frame.assign(age=5.0))
    assert (scaled["age"] == 0).all()


def test_single_precision_stays(frame):
    frame["age"] = frame["age"].astype(np.float32)
    assert SequenceScaler().fit_transform(frame)["age"].dtype == np.float32


def test_an_array_of_objects_comes_back_as_one(frame):
    scaled = SequenceScaler().fit_transform(frame.to_numpy(dtype=object))
    expected = SequenceScaler().fit_transform(frame)
    assert isinstance(scaled, np.ndarray)
    np.testing.assert_allclose(scaled[:, 0].astype(float), expected["age"])
    assert scaled[:, 3].tolist() == frame["kind"].tolist()


def test_the_frame_is_left_alone(frame):
    before = frame.copy()
    SequenceScaler().fit_transform(frame)
    pd.testing.assert_frame_equal(frame.drop(columns="pulse"), before.drop(columns="pulse"))


def test_strings_where_there_were_numbers_are_named(frame):
    scaler = SequenceScaler().fit(frame)
    with pytest.raises(ValueError, match="holds strings such as 'x'"):
        scaler.transform(frame.assign(age="x"))


# --- from_long ------------------------------------------------------------------------------------


@pytest.fixture
def log():
    return pd.DataFrame(
        {
            "id": ["b", "a", "b", "a", "c"],
            "hour": [1, 0, 0, 1, 0],
            "pulse": [1.0, 2.0, 3.0, 4.0, 5.0],
            "age": [30, 40, 30, 40, 50],
            "sex": ["f", None, None, "m", "f"],
            "ward": pd.Categorical(["x", "y", "x", "y", "y"]),
            "ill": [True, False, True, False, True],
        }
    )


def test_static_columns_are_gathered_in_their_own_types(log):
    X, y = from_long(log, id="id", time="hour", static=["age", "sex", "ward"], target="ill")
    assert X.columns.tolist() == ["pulse", "age", "sex", "ward"]
    assert X["age"].tolist() == [40, 30, 50]
    assert X["sex"].tolist() == ["m", "f", "f"]
    assert X["ward"].dtype == log["ward"].dtype
    assert X["age"].dtype == np.int64
    assert X["pulse"]["b"].tolist() == [3, 1]
    assert y.tolist() == [False, True, True]


def test_a_long_table_has_them_at_every_step(log):
    X = from_long(log, id="id", time="hour", static=["age", "ward"], channels="pulse")
    table = to_long(X[["age", "pulse", "ward"]], time="hour")
    assert table.columns.tolist() == ["id", "hour", "age", "pulse", "ward"]
    assert table["age"].tolist() == [40, 40, 30, 30, 50]
    again = from_long(table, id="id", time="hour", static=["age", "ward"], channels="pulse")
    pd.testing.assert_frame_equal(again.drop(columns="pulse"), X.drop(columns="pulse"))


def test_one_label_is_one_column(log):
    assert from_long(log, id="id", channels="pulse", static="age").columns.tolist() == [
        "pulse",
        "age",
    ]


def test_sequences_without_a_value_have_a_missing_one(log):
    log["age"] = [np.nan, 40, np.nan, 40, 50]
    log["sex"] = [None, "m", None, "m", "f"]
    X = from_long(log, id="id", static=["age", "sex"], channels="pulse")
    assert np.isnan(X.loc["b", "age"])
    assert pd.isna(X.loc["b", "sex"])
    assert X.loc["a", "age"] == 40


def test_a_column_without_any_value_is_missing(log):
    X = from_long(log.assign(age=np.nan), id="id", static="age", channels="pulse")
    assert X["age"].isna().all()


def test_an_id_with_two_values_is_named(log):
    log.loc[2, "age"] = 31
    with pytest.raises(
        ValueError, match=r"id 'b' has more than one value in column 'age': .*30.*31"
    ):
        from_long(log, id="id", static="age")


@pytest.mark.parametrize("parts", [{"target": "age"}, {"channels": ["pulse", "age"]}])
def test_a_column_has_one_part_to_play(log, parts):
    with pytest.raises(ValueError, match="'age' is named as two of channels, target and static"):
        from_long(log, id="id", static="age", **parts)


def test_a_missing_column_is_named(log):
    with pytest.raises(ValueError, match="weight"):
        from_long(log, id="id", static="weight")


def test_tables_of_other_libraries_have_static_columns(log):
    polars = pytest.importorskip("polars")
    pytest.importorskip("narwhals")
    log["sex"] = ["f", "m", "f", "m", "f"]
    table = polars.DataFrame(log.drop(columns="ward").to_dict("list"))
    X = from_long(table, id="id", time="hour", static=["age", "sex"])
    assert X["age"].tolist() == [40, 30, 50]
    assert X["sex"].tolist() == ["m", "f", "f"]


@pytest.mark.parametrize("per", ["channel", "sequence"])
@pytest.mark.parametrize("channels", [["pulse"], ["size"], ["age", "pulse"], [0], []], ids=str)
def test_only_the_columns_that_are_named_are_scaled(frame, channels, per):
    everything = SequenceScaler(per=per).fit_transform(frame)
    scaled = SequenceScaler(per=per, channels=channels).fit_transform(frame)
    for name in ("age", "size"):
        expected = everything if name in channels else frame
        pd.testing.assert_series_equal(scaled[name], expected[name])
    expected = everything if {"pulse", 0} & set(channels) else frame
    np.testing.assert_array_equal(
        np.concatenate(list(scaled["pulse"])), np.concatenate(list(expected["pulse"]))
    )


def test_a_name_of_no_column_is_refused_with_those_that_there_are(frame):
    with pytest.raises(ValueError, match=r"'weight'.*\['pulse'\], and its static features \['age'"):
        SequenceScaler(channels=["weight"]).fit(frame)
