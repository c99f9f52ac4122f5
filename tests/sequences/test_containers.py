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


SAMPLES = [np.arange(4.0).reshape(2, 2), np.arange(6.0).reshape(3, 2)]


def test_a_sequence_that_is_no_list_is_read_as_one():
    sequences = as_sequences(UserList(SAMPLES))
    np.testing.assert_array_equal(sequences.values, np.concatenate(SAMPLES))
    assert sequences.kind == "ragged"


@pytest.mark.parametrize(
    ("X", "match"),
    [
        ({"a": SAMPLES}, r"X is a dict, which has no order.*list\(X.values\(\)\).*DataFrame\(X\)"),
        ((one for one in SAMPLES), r"X is a generator.*read only once.*Pass list\(X\)"),
        (map(np.asarray, SAMPLES), r"X is a map.*read only once"),
        ({1, 2}, "X is a set, which has no order"),
        (Dataset(), r"Dataset; expected an array.*\[x for x in X\]"),
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
    ("dims", "match"),
    [
        (("case", "channel", "time"), r"X.transpose\('case', 'time', 'channel'\)"),
        (("time", "case", "feature"), r"X.transpose\('case', 'time', 'feature'\)"),
        (("sample", "variable", "step"), "'variable' is not where it is read"),
        (("time", "channel"), r"'time' is not .* the order is \(samples, time, channels\)"),
    ],
)
def test_dimensions_in_another_order_are_refused(dims, match):
    with pytest.raises(ValueError, match=match):
        as_sequences(Labelled(np.zeros((2, 3, 4)[: len(dims)]), dims))


def test_a_dimension_with_dates_is_time():
    days = pd.date_range("2020", periods=4)
    with pytest.raises(ValueError, match=r"'day' is not where it is read.*to_numpy\(\)"):
        as_sequences(Labelled(np.zeros((2, 3, 4)), ("a", "b", "day"), {"day": days}))


def test_a_single_sequence_has_time_first():
    assert as_sequences([Labelled(np.zeros((5, 2)), ("time", "channel"))]).n_steps == 5
    with pytest.raises(ValueError, match=r"X\[0\] has the dimensions.*\(time, channels\)"):
        as_sequences([Labelled(np.zeros((5, 2)), ("channel", "time"))])


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
    with pytest.raises(ValueError, match="is not where it is read"):
        as_sequences(X.transpose("case", "channel", "time"))
    with pytest.raises(TypeError, match="X is a Dataset"):
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
