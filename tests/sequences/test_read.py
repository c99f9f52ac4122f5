"""Every form of X becomes the same sequences, or a clear error."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from ragged_forms import padded
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


def with_value(value, *at, lengths=LENGTHS, form=list):
    samples = make_samples(lengths)
    samples[at[0]][at[1:]] = value
    return form(samples)


BAD = {
    "nothing": ([], ValueError, "Reshape your data"),
    "1-D": (np.zeros(3), ValueError, "Reshape your data"),
    "numbers": ([1.0, 2.0], ValueError, "Reshape your data"),
    "number series": (pd.Series([1.0, 2.0]), ValueError, "2-dimensional"),
    "scalar": (3.0, ValueError, "Expected 2D array"),
    "no rows": (np.zeros((0, 3)), ValueError, r"0 sample\(s\)"),
    "no columns": (np.zeros((3, 0)), ValueError, r"0 feature\(s\) \(shape=\(3, 0\)\)"),
    "sparse": (sp.csr_array(np.eye(3)), TypeError, "Sparse"),
    "2-D NaN": (np.full((2, 2), np.nan), ValueError, "NaN"),
    "2-D dict": (np.array([[{"a": 1}, 2.0]], dtype=object), TypeError, "string or a real number"),
    "2-D complex": (np.zeros((2, 2), complex), ValueError, "Complex data not supported"),
    "2-D strings": (np.array([["a", "b"]], object), ValueError, "could not convert string"),
    "strings": (["ab", "cd"], ValueError, "holds strings such as 'ab'"),
    "object strings": (np.array(["a", "b"], object), ValueError, "holds strings such as 'a'"),
    "string series": (pd.Series(["a", "b"]), ValueError, "holds strings such as 'a'"),
    "3-D strings": (np.full((2, 2, 2), "a"), ValueError, "holds strings such as 'a'"),
    "3-D objects": (np.full((2, 2, 2), "a", object), ValueError, "holds strings such as 'a'"),
    "3-D complex": (np.zeros((2, 2, 2), complex), ValueError, "Complex data not supported"),
    "3-D no rows": (np.zeros((0, 3, 2)), ValueError, r"0 sample\(s\)"),
    "3-D no steps": (np.zeros((2, 0, 2)), ValueError, "at least .* one time step"),
    "3-D no channels": (np.zeros((2, 3, 0)), ValueError, "at least .* one channel"),
    "4-D": (np.zeros((2, 3, 4, 5)), ValueError, r"shape \(2, 3, 4, 5\); expected \(n_samples"),
    "3-D NaN": (
        with_value(np.nan, 2, 1, 0, form=padded),
        ValueError,
        "NaN at sample 2, time step 1.*trailing.*padding.*Impute",
    ),
    "3-D last NaN in one channel": (
        with_value(np.nan, 2, 3, 0, form=padded),
        ValueError,
        "NaN at sample 2, time step 3",
    ),
    "3-D NaN step": (
        with_value(np.nan, 2, 2, form=padded),
        ValueError,
        "NaN at sample 2, time step 2",
    ),
    "3-D inf": (with_value(np.inf, 3, 1, 0, form=padded), ValueError, "inf.*sample 3, time step 1"),
    "3-D all NaN": (
        with_value(np.nan, 1, form=padded),
        ValueError,
        r"X\[1\] is NaN .* at least one observed time step",
    ),
    "ragged NaN": (with_value(np.nan, 2, 1, 0), ValueError, "NaN at sample 2, time step 1"),
    "ragged NaN at the end": (with_value(np.nan, 2, 3), ValueError, "time step 3.*cut padding off"),
    "ragged -inf": (with_value(-np.inf, 4, 0, 1), ValueError, "inf.*sample 4, time step 0"),
    "ragged channels": (
        [np.zeros((3, 2)), np.zeros((4, 2)), np.zeros((3, 5))],
        ValueError,
        r"X\[2\] has 5 channels per time step, but X\[0\] has 2",
    ),
    "ragged empty": ([np.zeros((3, 2)), np.zeros((0, 2))], ValueError, r"X\[1\] has no time step"),
    "ragged empty list": ([[1.0, 2.0], []], ValueError, r"X\[1\] has no time step"),
    "ragged no channels": ([np.zeros((3, 0))], ValueError, r"X\[0\] has shape \(3, 0\)"),
    "ragged 3-D": ([np.zeros((3, 2, 1))], ValueError, r"X\[0\] has shape \(3, 2, 1\)"),
    "ragged scalar": ([np.zeros(3), 2.0], ValueError, r"X\[1\] has shape \(\)"),
    "ragged None": ([np.zeros(3), None], ValueError, r"X\[1\] has shape \(\)"),
    "ragged item": ([[1.0, [2.0]], [3.0]], ValueError, r"X\[0\] is not a rectangular array"),
    "ragged complex": ([np.zeros(3, complex)], ValueError, "Complex data not supported"),
    "ragged strings": ([["a", "b"], ["a"]], ValueError, r"X\[0\] has dtype <U1"),
    "ragged objects": ([np.array(["a"], object)], ValueError, r"X\[0\] .* could not convert"),
    "ragged dates": ([np.zeros(2, "M8[s]")], ValueError, r"X\[0\] has dtype datetime64"),
    "item columns": (
        [pd.DataFrame({"a": [1.0]}), pd.DataFrame({"b": [1.0]})],
        ValueError,
        r"X\[1\] has the columns \['b'\], but X\[0\] has \['a'\]",
    ),
    "item column order": (
        [pd.DataFrame({"a": [1.0], "b": 2.0}), pd.DataFrame({"b": [1.0], "a": 2.0})],
        ValueError,
        r"X\[1\] has the columns \['b', 'a'\].*same order",
    ),
    "nested lengths": (
        pd.DataFrame({"a": [[1.0], [1.0, 2.0]], "b": [[1.0], [1.0]]}, index=["u", "v"]),
        ValueError,
        "row 'v': 2 time steps in column 'a', 1 in column 'b'",
    ),
    "nested numbers": (
        pd.DataFrame({"a": [[1.0], [1.0]], "age": [3, 4]}),
        ValueError,
        "column 'age' has dtype int64",
    ),
    "nested None": (
        pd.DataFrame({"a": [None, [1.0]]}, index=["u", "v"]),
        ValueError,
        "row 'u', column 'a', is None",
    ),
    "nested empty": (
        pd.DataFrame({"a": [[1.0], []]}, index=["u", "v"]),
        ValueError,
        "no time step in row 'v', column 'a'",
    ),
    "nested 2-D": (
        pd.DataFrame({"a": [np.zeros((2, 2)).tolist(), [1.0]]}),
        ValueError,
        r"row 0, column 'a', has shape \(2, 2\); expected a 1-D sequence",
    ),
    "nested strings": (pd.DataFrame({"a": [["x"], ["y"]]}), ValueError, "row 0, column 'a', has"),
    "nested NaN": (
        pd.DataFrame({"a": [[1.0], [1.0, np.nan]]}),
        ValueError,
        "NaN at sample 1, time step 1",
    ),
}


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
