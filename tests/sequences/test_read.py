"""Every form of X becomes the same sequences, or a clear error."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from bad_sequences import BAD
from sequence_forms import EQUAL_FORMS, LENGTHS, RAGGED_FORMS, make_samples
from sklearn.base import BaseEstimator

from skrnn.sequences import as_sequences, read_sequences

READERS = {
    "alone": as_sequences,
    "for an estimator": lambda X, **params: read_sequences(
        BaseEstimator(), X, reset=True, **params
    ),
}
each_reader = pytest.mark.parametrize("reader", READERS)


@pytest.mark.parametrize("form", RAGGED_FORMS)
def test_every_ragged_form_gives_the_same_sequences(form):
    samples = make_samples(LENGTHS)
    sequences = as_sequences(RAGGED_FORMS[form](samples))
    np.testing.assert_array_equal(sequences.values, np.concatenate(samples))
    np.testing.assert_array_equal(sequences.lengths, LENGTHS)
    assert sequences.values.flags.c_contiguous
    assert sequences.lengths.dtype == np.intp


@pytest.mark.parametrize("form", {**RAGGED_FORMS, **EQUAL_FORMS})
def test_every_form_of_equal_lengths_gives_the_same_sequences(form):
    samples = make_samples([4] * 5)
    X = {**RAGGED_FORMS, **EQUAL_FORMS}[form](samples)
    sequences = as_sequences(X, n_channels=2)
    np.testing.assert_array_equal(sequences.values, np.concatenate(samples))
    np.testing.assert_array_equal(sequences.lengths, [4] * 5)
    assert sequences.equal_lengths


@pytest.mark.parametrize("form", ["list", "object array", "series", "frame of arrays"])
def test_sequences_of_one_step_are_accepted(form):
    samples = make_samples([1] * 5)
    np.testing.assert_array_equal(as_sequences(RAGGED_FORMS[form](samples)).lengths, [1] * 5)


@pytest.mark.parametrize(
    ("X", "kind"),
    [
        (np.zeros((3, 4)), "2d"),
        ([[1.0, 2.0], [3.0, 4.0]], "2d"),
        (np.zeros((3, 4), dtype=object), "2d"),
        (np.zeros((3, 4, 2)), "3d"),
        ([np.zeros(2), np.zeros(2)], "ragged"),
        ([np.zeros((2, 1)), np.zeros((2, 1))], "ragged"),
        ([[1.0, 2.0], [3.0]], "ragged"),
        (pd.Series([[1.0, 2.0], [3.0]]), "ragged"),
        (pd.DataFrame({"a": [[1.0, 2.0], [3.0]]}), "nested"),
        (pd.DataFrame({"a": [1.0, 2.0]}), "2d"),
        (pd.DataFrame({"a": [1.0, 2.0]}, dtype=object), "2d"),
    ],
)
def test_kind_names_the_form(X, kind):
    assert as_sequences(X).kind == kind


# None where a form is not named here.
NAMES = {
    "list of frames": ["a", "b"],
    "frame of arrays": ["c0", "c1"],
    "frame of lists": ["c0", "c1"],
    "frame of series": ["c0", "c1"],
    "frame of Arrow lists": ["c0", "c1"],
    "sliced frame of Arrow lists": ["c0", "c1"],
}
# "ragged" where a form is not named here.
KINDS = {
    "padded 3-D": "3d",
    "frame of arrays": "nested",
    "frame of lists": "nested",
    "frame of series": "nested",
    "object array of cells": "nested",
    "frame of Arrow lists": "nested",
    "sliced frame of Arrow lists": "nested",
    "3-D": "3d",
    "3-D Fortran order": "3d",
    "3-D nested lists": "ragged",
    "3-D array-like": "3d",
    "2-D": "2d",
    "2-D list of lists": "2d",
    "2-D object array": "2d",
    "2-D frame": "2d",
    "2-D array-like": "2d",
}


@pytest.mark.parametrize("form", {**RAGGED_FORMS, **EQUAL_FORMS})
def test_sequences_carry_the_names_of_their_channels(form):
    X = {**RAGGED_FORMS, **EQUAL_FORMS}[form](make_samples([4] * 5))
    assert as_sequences(X, n_channels=2).channels == NAMES.get(form)


@pytest.mark.parametrize("form", {**RAGGED_FORMS, **EQUAL_FORMS})
def test_sequences_carry_their_kind(form):
    X = {**RAGGED_FORMS, **EQUAL_FORMS}[form](make_samples([4] * 5))
    assert as_sequences(X, n_channels=2).kind == KINDS.get(form, "ragged")


def test_names_of_columns_are_not_names_of_channels():
    X = pd.DataFrame(np.zeros((2, 4)), columns=list("abcd"))
    assert as_sequences(X, n_channels=2).channels is None


@pytest.mark.parametrize("names", [[0, 1], ["a", 1]], ids=str)
@pytest.mark.parametrize("form", ["list of frames", "frame of arrays"])
def test_names_that_are_not_all_strings_are_none(form, names):
    samples = make_samples(LENGTHS)
    if form == "list of frames":
        X = [pd.DataFrame(s, columns=names) for s in samples]
    else:
        X = RAGGED_FORMS[form](samples).set_axis(names, axis=1)
    assert as_sequences(X).channels is None


def test_univariate_items_are_one_channel():
    sequences = as_sequences([np.array([1.0, 2.0]), np.array([3.0])])
    np.testing.assert_array_equal(sequences.values, [[1.0], [2.0], [3.0]])


def test_flat_items_are_split_into_channels_as_rows_are():
    sequences = as_sequences([np.arange(4.0), np.arange(6.0)], n_channels=2)
    np.testing.assert_array_equal(sequences.lengths, [2, 3])
    np.testing.assert_array_equal(sequences.rows(1), [[0, 1], [2, 3], [4, 5]])


def test_rows_of_2d_input_are_time_major():
    sequences = as_sequences(np.arange(12).reshape(2, 6), n_channels=3)
    np.testing.assert_array_equal(sequences.rows(1), [[6, 7, 8], [9, 10, 11]])


@pytest.mark.parametrize(
    "form",
    [
        "list",
        "list of frames",
        "frame of arrays",
        "frame of Arrow lists",
        "3-D",
        "2-D",
        "2-D frame",
    ],
)
@pytest.mark.parametrize(
    ("given", "expected"),
    [(np.float32, np.float32), (np.float64, np.float64), (np.int64, np.float64)],
)
def test_float32_stays_and_everything_else_becomes_float64(form, given, expected):
    X = {**RAGGED_FORMS, **EQUAL_FORMS}[form](make_samples([4] * 5, dtype=given))
    assert as_sequences(X, n_channels=2).values.dtype == expected


def test_a_single_float64_item_makes_the_list_float64():
    samples = make_samples(LENGTHS, dtype=np.float32)
    assert as_sequences(samples).values.dtype == np.float32
    assert as_sequences([*samples, samples[0].astype(float)]).values.dtype == np.float64


@pytest.mark.parametrize("shape", [(4, 6), (4, 3, 2)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_contiguous_arrays_are_not_copied(shape, dtype):
    X = np.zeros(shape, dtype=dtype)
    assert np.shares_memory(as_sequences(X, n_channels=2).values, X)


@each_reader
@pytest.mark.parametrize("shape", [(4, 2), (4, 3, 2), (4, 1, 2)])
def test_values_are_contiguous_whatever_the_order_of_x(shape, reader):
    X = np.asfortranarray(np.arange(np.prod(shape), dtype=float).reshape(shape))
    sequences = READERS[reader](X, n_channels=2)
    assert sequences.values.flags.c_contiguous
    np.testing.assert_array_equal(sequences.values, X.reshape(-1, 2))


@pytest.mark.parametrize("form", ["3-D", "2-D"])
def test_read_only_input_is_accepted(form):
    X = EQUAL_FORMS[form](make_samples([4] * 5))
    X.flags.writeable = False
    as_sequences(X, n_channels=2).batch([1, 0])


def test_nested_frames_work_without_pyarrow():
    code = (
        "import sys; sys.modules['pyarrow'] = None\n"
        "import pandas as pd; from skrnn.sequences import as_sequences\n"
        "assert as_sequences(pd.DataFrame({'a': [[1.0], [2.0, 3.0]]})).n_samples == 2"
    )
    subprocess.run([sys.executable, "-P", "-c", code], check=True)


# --- errors --------------------------------------------------------------------------------------


@each_reader
@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_named(case, reader):
    X, error, match = BAD[case]
    with pytest.raises(error, match=f"(?s){match}"):
        READERS[reader](X)


def test_channels_of_a_long_frame_stand_side_by_side(rng):
    channels = rng.normal(size=(2, 3000))
    X = pd.DataFrame({name: [c[:1300], c[1300:]] for name, c in zip("ab", channels, strict=True)})
    np.testing.assert_array_equal(as_sequences(X).values, channels.T)


def test_arrow_null_is_named():
    pa = pytest.importorskip("pyarrow")
    X = pd.DataFrame({"a": pd.Series([[1.0], None], dtype=pd.ArrowDtype(pa.list_(pa.float64())))})
    with pytest.raises(ValueError, match="Row 1 of column 'a' has no sequence"):
        as_sequences(X)


def test_columns_must_be_a_multiple_of_n_channels():
    with pytest.raises(ValueError, match=r"7 columns.*n_channels=2.*divisor of 7"):
        as_sequences(np.zeros((3, 7)), n_channels=2)
    with pytest.raises(ValueError, match=r"X\[1\] has 7 values.*n_channels=2"):
        as_sequences([np.zeros(4), np.zeros(7)], n_channels=2)


def test_sums_that_overflow_are_still_finite():
    X = np.full((2, 3, 1), np.finfo(np.float64).max)
    np.testing.assert_array_equal(as_sequences(X).lengths, [3, 3])


@pytest.mark.parametrize(
    "X",
    [[np.full((3, 1), 1e300)], np.full((2, 3, 1), 1e300), pd.DataFrame({"a": [[1e300], [1.0]]})],
    ids=["list", "3-D", "cells"],
)
def test_numbers_too_large_for_float32_are_named(X):
    with pytest.raises(ValueError, match=r"too large for (dtype\('float32'\)|float32)"):
        as_sequences(X, dtype=np.float32)


def test_dates_in_arrow_lists_are_named():
    pa = pytest.importorskip("pyarrow")
    lists = pa.array([[pd.Timestamp("2020")], [pd.Timestamp("2021")]])
    X = pd.DataFrame({"day": pd.array(lists, dtype=pd.ArrowDtype(lists.type))})
    with pytest.raises(ValueError, match="X in column 'day' has dtype datetime64"):
        as_sequences(X)


@pytest.mark.parametrize("shape", [(3, 4), (3, 4, 2)])
def test_a_tensor_keeps_its_precision(shape):
    torch = pytest.importorskip("torch")
    assert as_sequences(torch.zeros(shape, dtype=torch.float32)).dtype == np.float32


def test_a_frame_may_have_columns_that_are_called_as_parts_of_a_labelled_array():
    X = pd.DataFrame({"dims": [[1.0, 2.0]] * 3, "coords": [[3.0, 4.0]] * 3})
    sequences = as_sequences(X)
    assert sequences.channels == ["dims", "coords"]
    assert sequences.lengths.tolist() == [2, 2, 2]
