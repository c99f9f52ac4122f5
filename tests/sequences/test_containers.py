"""Objects of other libraries and of Python are read as what they are, or refused."""

from collections import UserList

import numpy as np
import pandas as pd
import pytest
from random_forms import Labelled

from skrnn.preprocessing import Windows
from skrnn.sequences import as_sequences, as_step_targets


class Dataset:
    """A collection that is neither a sequence nor an array, as data sets of torch are."""

    def __len__(self):
        return 2

    def __getitem__(self, i):
        return np.zeros((3, 1))


class Pairs(Dataset):
    def __getitem__(self, i):
        return np.zeros((3, 1)), 0


class Lazy:
    """A table that is not in memory, as lazy ones of polars."""

    def collect_schema(self):
        return {}


class Stream:
    """Something that can be read from start to end alone, as streamed data sets."""

    def __iter__(self):
        return iter([np.zeros((3, 1))])


SAMPLES = [np.arange(4.0).reshape(2, 2), np.arange(6.0).reshape(3, 2)]


class Indexed(Dataset):
    def __getitem__(self, i):
        return SAMPLES[i]


@pytest.mark.parametrize(
    "X",
    [UserList(SAMPLES), dict(enumerate(SAMPLES)).values(), Indexed()],
    ids=["Sequence", "Collection", "by index"],
)
def test_a_collection_with_an_order_is_read_as_a_list(X):
    sequences = as_sequences(X)
    np.testing.assert_array_equal(sequences.values, np.concatenate(SAMPLES))
    assert sequences.kind == "ragged"


TABLE = pd.DataFrame({"id": ["a", "a", "b"], "speed": [1.0, 2.0, 3.0]})


@pytest.mark.parametrize(
    ("X", "match"),
    [
        ({"a": SAMPLES}, r"X is a dict, which has no order.*list\(X.values\(\)\).*DataFrame\(X\)"),
        ((one for one in SAMPLES), r"X is a generator.*read only once.*Pass list\(X\)"),
        (map(np.asarray, SAMPLES), r"X is a map.*read only once"),
        ({1, 2}, "X is a set, which has no order"),
        (Pairs(), r"Pairs whose items are tuples.*\[x for x, \*_ in X\]"),
        (Lazy(), r"Lazy, which has no rows yet.*collect\(\)"),
        (Stream(), r"Stream; expected an array.*\[x for x in X\]"),
        (TABLE.groupby("id"), "X is a DataFrameGroupBy, the groups of a table; .*from_long"),
        (TABLE.groupby("id")["speed"], "X is a SeriesGroupBy, the groups of a table; .*from_long"),
        (None, "X is None; expected sequences"),
    ],
)
@pytest.mark.parametrize("read", [as_sequences, lambda X: as_step_targets(X, [2, 3])])
def test_what_has_no_order_of_samples_is_refused(X, match, read):
    if read is not as_sequences:
        match = match.replace("X is a", "y is a").replace("X", "y") if X is not None else "y has"
    with pytest.raises((TypeError, ValueError), match=match):
        read(X)


# --- arrays whose dimensions have names -----------------------------------------------------------


@pytest.mark.parametrize("dims", [("case", "time", "channel"), ("a", "b", "c"), ("n", "t", "x")])
def test_dimensions_in_order_are_read(dims):
    values = np.arange(24.0).reshape(2, 3, 4)
    np.testing.assert_array_equal(as_sequences(Labelled(values, dims)).values, values.reshape(6, 4))


@pytest.mark.parametrize(
    ("dims", "axes"),
    [
        (("case", "channel", "time"), (0, 2, 1)),
        (("time", "case", "feature"), (1, 0, 2)),
        (("sample", "variable", "step"), (0, 2, 1)),
        (("channel", "t", "patient"), (2, 1, 0)),
    ],
)
def test_dimensions_say_which_axis_is_which(dims, axes):
    values = np.arange(24.0).reshape(2, 3, 4)
    expected = as_sequences(values.transpose(axes))
    found = as_sequences(Labelled(values, dims))
    np.testing.assert_array_equal(found.values, expected.values)
    np.testing.assert_array_equal(found.lengths, expected.lengths)


def test_of_two_dimensions_one_is_time():
    values = np.arange(6.0).reshape(2, 3)
    found = as_sequences(Labelled(values.T, ("time", "case")))
    np.testing.assert_array_equal(found.values, values.reshape(6, 1))


@pytest.mark.parametrize(
    "dims", [("time", "channel"), ("case", "sensor", "time"), ("channel", "case", "value")]
)
def test_dimensions_that_do_not_say_which_is_which_are_refused(dims):
    match = r"is not where it is read; the order is \(samples, time, channels\), and the names"
    with pytest.raises(ValueError, match=match):
        as_sequences(Labelled(np.zeros((2, 3, 4)[: len(dims)]), dims))


def test_a_dimension_with_dates_is_time():
    days = pd.date_range("2020", periods=4)
    with pytest.raises(ValueError, match=r"'day' is not where it is read.*to_numpy\(\)"):
        as_sequences(Labelled(np.zeros((2, 3, 4)), ("a", "b", "day"), {"day": days}))


def test_a_single_sequence_has_time_first():
    assert as_sequences([Labelled(np.zeros((5, 2)), ("time", "channel"))]).n_steps == 5
    turned = as_sequences([Labelled(np.arange(10.0).reshape(2, 5), ("sensor", "time"))])
    np.testing.assert_array_equal(turned.values, np.arange(10.0).reshape(2, 5).T)
    with pytest.raises(ValueError, match=r"X\[0\] has the dimensions.*\(time, channels\)"):
        as_sequences([Labelled(np.zeros((5, 2)), ("channel", "case"))])


def test_a_dimension_names_the_channels():
    X = Labelled(np.zeros((2, 3, 2)), ("case", "time", "channel"), {"channel": ["u", "v"]})
    assert as_sequences(X).channels == ["u", "v"]


def test_xarray_is_read_by_its_dimensions():
    xarray = pytest.importorskip("xarray")
    X = xarray.DataArray(
        np.arange(24.0).reshape(2, 3, 4),
        dims=("case", "time", "channel"),
        coords={"channel": list("abcd")},
    )
    assert as_sequences(X).channels == list("abcd")
    turned = as_sequences(X.transpose("channel", "time", "case"))
    np.testing.assert_array_equal(turned.values, np.arange(24.0).reshape(6, 4))
    assert turned.channels == list("abcd")
    with pytest.raises(TypeError, match=r"X is a Dataset.*to_dataarray\(dim='channel'\)"):
        as_sequences(X.to_dataset(name="x"))


# --- masks ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64])
def test_masked_steps_at_the_end_are_padding(dtype):
    values = np.arange(12).reshape(2, 3, 2).astype(dtype)
    X = np.ma.MaskedArray(values, mask=np.zeros(values.shape, bool))
    X[0, 2] = np.ma.masked
    sequences = as_sequences(X)
    np.testing.assert_array_equal(sequences.lengths, [2, 3])
    np.testing.assert_array_equal(sequences.values, np.r_[values[0, :2], values[1]])
    assert sequences.dtype == (np.float32 if dtype is np.float32 else np.float64)


def masked(shape):
    X = np.ma.MaskedArray(np.ones(shape), mask=np.zeros(shape, bool))
    X[(0,) * len(shape)] = np.ma.masked
    return X


@pytest.mark.parametrize(
    "X",
    [
        masked((3, 4)),
        masked((3, 4, 2)),
        [masked((4, 2)), np.ones((3, 2))],
        Windows(masked((6, 2)), [0, 1, 2], 3),
        pd.DataFrame({"a": [masked((4,)), np.ones(2)]}),
    ],
    ids=["2-D", "3-D", "list", "Windows", "cells"],
)
def test_what_is_masked_is_missing(X):
    with pytest.raises(ValueError, match="NaN"):
        as_sequences(X)


def test_masked_targets_are_missing():
    values = as_step_targets(masked((2, 3)), [3, 3]).values
    assert np.isnan(values[0])
    assert np.isfinite(values[1:]).all()


# --- times in an index ----------------------------------------------------------------------------

TIMES = {
    "dates": pd.date_range("2020", periods=3),
    "periods": pd.period_range("2020", periods=3, freq="M"),
    "differences": pd.timedelta_range("0h", periods=3, freq="h"),
}


@pytest.mark.parametrize("kind", TIMES)
@pytest.mark.parametrize("form", ["frames", "series", "cells"])
def test_a_sequence_whose_times_run_backwards_is_refused(form, kind):
    def make(index):
        one = pd.Series([1.0, 2.0, 3.0], index)
        if form == "cells":
            return pd.DataFrame({"a": pd.Series([one], dtype=object)})
        return [one.to_frame("a")] if form == "frames" else [one]

    np.testing.assert_array_equal(as_sequences(make(TIMES[kind])).values, [[1], [2], [3]])
    with pytest.raises(ValueError, match=r"has an index of times that are not in order.*sort_inde"):
        as_sequences(make(TIMES[kind][::-1]))
