"""Every form of X and y becomes the same internal form, or a clear error."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from ragged_forms import object_array, padded
from sklearn.base import BaseEstimator
from sklearn.utils.estimator_checks import _NotAnArray

from skrnn.sequences import Sequences, as_sequences, as_step_targets, unpack_steps

LENGTHS = [3, 1, 4, 4, 2]


class Estimator(BaseEstimator):
    """An estimator of which only the fitted attributes matter."""


def make_samples(lengths, n_channels=2, dtype=np.float64):
    rng = np.random.default_rng(0)
    return [rng.normal(size=(length, n_channels)).astype(dtype) for length in lengths]


def frame_of_cells(samples, cell=np.asarray, index=None):
    columns = {f"c{j}": [cell(s[:, j]) for s in samples] for j in range(samples[0].shape[1])}
    return pd.DataFrame({k: object_array(v) for k, v in columns.items()}, index=index)


def arrow_frame(samples):
    pa = pytest.importorskip("pyarrow")
    dtype = pd.ArrowDtype(pa.list_(pa.from_numpy_dtype(samples[0].dtype)))
    return frame_of_cells(samples).astype(dtype)


RAGGED_FORMS = {
    "list": list,
    "tuple": tuple,
    "object array": object_array,
    "series": lambda samples: pd.Series(object_array(samples), index=list("vwxyz")),
    "list of lists": lambda samples: [s.tolist() for s in samples],
    "list of frames": lambda samples: [pd.DataFrame(s, columns=["a", "b"]) for s in samples],
    "list of nullable frames": lambda samples: [pd.DataFrame(s, dtype="Float64") for s in samples],
    "list of array-likes": lambda samples: [_NotAnArray(s) for s in samples],
    "padded 3-D": padded,
    "frame of arrays": frame_of_cells,
    "frame of lists": lambda samples: frame_of_cells(samples, cell=list),
    "frame of series": lambda samples: frame_of_cells(samples, cell=pd.Series),
    "object array of cells": lambda samples: frame_of_cells(samples).to_numpy(),
    "frame of Arrow lists": arrow_frame,
    "sliced frame of Arrow lists": lambda samples: arrow_frame([samples[0], *samples]).iloc[1:],
}
EQUAL_FORMS = {
    "3-D": np.stack,
    "3-D Fortran order": lambda samples: np.asfortranarray(np.stack(samples)),
    "3-D nested lists": lambda samples: np.stack(samples).tolist(),
    "3-D array-like": lambda samples: _NotAnArray(np.stack(samples)),
    "2-D": lambda samples: np.stack([s.ravel() for s in samples]),
    "2-D list of lists": lambda samples: [s.ravel().tolist() for s in samples],
    "2-D list of arrays": lambda samples: [s.ravel() for s in samples],
    "2-D object array": lambda samples: np.stack([s.ravel() for s in samples]).astype(object),
    "2-D frame": lambda samples: pd.DataFrame(np.stack([s.ravel() for s in samples])),
    "2-D array-like": lambda samples: _NotAnArray(np.stack([s.ravel() for s in samples])),
}


# --- as_sequences: the values ------------------------------------------------------------------


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


@pytest.mark.parametrize("estimator", [None, Estimator()], ids=["alone", "for an estimator"])
@pytest.mark.parametrize("shape", [(4, 2), (4, 3, 2), (4, 1, 2)])
def test_values_are_contiguous_whatever_the_order_of_x(shape, estimator):
    X = np.asfortranarray(np.arange(np.prod(shape), dtype=float).reshape(shape))
    sequences = as_sequences(X, estimator=estimator, n_channels=2)
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


# --- Sequences and Batch -------------------------------------------------------------------------


def assert_batch_is_exact(sequences, indices):
    batch = sequences.batch(indices)
    lengths = sequences.lengths[batch.samples]
    by_length = sorted(indices, key=lambda i: -sequences.lengths[i])
    np.testing.assert_array_equal(batch.samples, by_length)
    assert batch.x.shape == (lengths.max(), len(indices), sequences.n_channels)
    assert batch.x.flags.c_contiguous
    assert batch.x.dtype == sequences.values.dtype
    steps = []
    for t in range(lengths.max()):
        assert batch.n_active[t] == np.sum(lengths > t)
        for r, sample in enumerate(batch.samples):
            if r < batch.n_active[t]:
                np.testing.assert_array_equal(batch.x[t, r], sequences.rows(sample)[t])
                steps.append(sequences.starts[sample] + t)
            else:
                assert not batch.x[t, r].any()
    np.testing.assert_array_equal(batch.steps, steps)
    for array in (batch.n_active, batch.samples, batch.steps):
        assert array.dtype == np.intp


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("lengths", [LENGTHS, [4] * 5, [1, 2, 3, 4, 9]])
@pytest.mark.parametrize("indices", [[0, 1, 2, 3, 4], [4, 2, 0, 3], [2, 3], [1]])
def test_batch_holds_what_it_says(lengths, indices, dtype):
    assert_batch_is_exact(as_sequences(make_samples(lengths, dtype=dtype)), indices)


def test_batch_shares_no_memory_with_the_input():
    X = np.zeros((1, 3, 2))
    assert not np.shares_memory(as_sequences(X).batch([0]).x, X)


@pytest.mark.parametrize("lengths", [LENGTHS, [4] * 5])
@pytest.mark.parametrize(
    "indices", [[3, 0, 3], slice(1, 4), np.array([True, False, True, False, True])]
)
def test_take_keeps_the_given_order(lengths, indices):
    sequences = as_sequences(make_samples(lengths))
    taken = sequences.take(indices)
    chosen = np.arange(5)[indices]
    np.testing.assert_array_equal(taken.lengths, np.take(lengths, chosen))
    for i, j in enumerate(chosen):
        np.testing.assert_array_equal(taken.rows(i), sequences.rows(j))


def test_rows_is_a_view():
    sequences = as_sequences(make_samples(LENGTHS))
    assert np.shares_memory(sequences.rows(2), sequences.values)


def test_sequences_know_their_size():
    sequences = Sequences(np.zeros((6, 3)), np.array([2, 4]), "ragged")
    assert (sequences.n_samples, sequences.n_channels) == (2, 3)
    assert not sequences.equal_lengths
    np.testing.assert_array_equal(sequences.starts, [0, 2])


# --- fitted attributes ---------------------------------------------------------------------------


def fitted_on(X, **params):
    estimator = Estimator()
    as_sequences(X, estimator=estimator, **params)
    return estimator


@pytest.mark.parametrize("form", RAGGED_FORMS)
def test_features_are_the_channels_of_sequences(form):
    estimator = fitted_on(RAGGED_FORMS[form](make_samples(LENGTHS)))
    assert estimator.n_features_in_ == estimator.n_channels_in_ == 2


def test_features_are_the_columns_of_2d_input():
    estimator = fitted_on(pd.DataFrame(np.zeros((2, 6)), columns=list("abcdef")), n_channels=2)
    assert (estimator.n_features_in_, estimator.n_channels_in_) == (6, 2)
    assert list(estimator.feature_names_in_) == list("abcdef")


@pytest.mark.parametrize(
    ("form", "names"),
    [
        ("list of frames", ["a", "b"]),
        ("frame of arrays", ["c0", "c1"]),
        ("frame of Arrow lists", ["c0", "c1"]),
    ],
)
def test_columns_become_feature_names(form, names):
    estimator = fitted_on(RAGGED_FORMS[form](make_samples(LENGTHS)))
    assert list(estimator.feature_names_in_) == names


@pytest.mark.parametrize("form", ["padded 3-D", "list", "object array"])
def test_refit_without_names_forgets_them(form):
    samples = make_samples(LENGTHS)
    estimator = fitted_on(frame_of_cells(samples))
    as_sequences(RAGGED_FORMS[form](samples), estimator=estimator)
    assert not hasattr(estimator, "feature_names_in_")


@pytest.mark.parametrize("fit_form", ["padded 3-D", "list", "object array of cells"])
@pytest.mark.parametrize("form", ["padded 3-D", "list", "series", "object array of cells"])
def test_forms_of_equal_channels_may_be_exchanged(fit_form, form):
    estimator = fitted_on(RAGGED_FORMS[fit_form](make_samples([2, 5])))
    before = dict(vars(estimator))
    as_sequences(RAGGED_FORMS[form](make_samples(LENGTHS)), estimator=estimator, reset=False)
    assert vars(estimator) == before


def test_2d_fit_may_predict_sequences_of_its_channels():
    estimator = fitted_on(pd.DataFrame(np.zeros((2, 6)), columns=list("abcdef")), n_channels=2)
    for form in ["padded 3-D", "list", "list of frames", "frame of arrays"]:
        X = RAGGED_FORMS[form](make_samples(LENGTHS))
        sequences = as_sequences(X, estimator=estimator, reset=False, n_channels=2)
        np.testing.assert_array_equal(sequences.lengths, LENGTHS)


def test_a_lone_equal_length_batch_of_lists_stays_univariate():
    estimator = fitted_on([[1.0, 2.0], [3.0]])
    sequences = as_sequences([[1.0, 2.0, 3.0]], estimator=estimator, reset=False)
    assert (sequences.kind, sequences.values.shape) == ("ragged", (3, 1))


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


@pytest.mark.parametrize("case", BAD)
@pytest.mark.parametrize("estimator", [None, Estimator()], ids=["alone", "for an estimator"])
def test_bad_input_is_named(case, estimator):
    X, error, match = BAD[case]
    with pytest.raises(error, match=f"(?s){match}"):
        as_sequences(X, estimator=estimator)


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


MISFITS = {
    "columns": (np.zeros((2, 4)), np.zeros((2, 3)), "X has 3 features, but Estimator is expecting"),
    "channels": (
        np.zeros((2, 9, 5)),
        np.zeros((2, 9, 3)),
        "X has 3 channels per time step, but Estimator was fitted with 5",
    ),
    "swapped axes": (
        np.zeros((40, 300, 6)),
        np.zeros((40, 6, 300)),
        r"\(samples, channels, time\), pass X.transpose\(0, 2, 1\)",
    ),
    "ragged channels": (np.zeros((2, 9, 5)), [np.zeros((4, 3))], "X has 3 channels"),
    "univariate": (np.zeros((2, 9, 5)), [[1.0, 2.0]], "X has 1 channel per time step"),
    "2-D for 3-D": (np.zeros((2, 9, 5)), np.zeros((9, 5)), r"fitted .* 5 channels.*as \[X\]"),
    "2-D for ragged": ([np.zeros(3)], np.zeros((2, 9)), "fitted .* 1 channel .*newaxis"),
    "2-D for nested": (
        frame_of_cells(make_samples(LENGTHS)),
        pd.DataFrame(np.zeros((9, 2)), columns=["c0", "c1"]),
        "fitted .*whose cells are sequences.*from_long",
    ),
    "3-D for 2-D": (np.zeros((2, 9)), np.zeros((2, 9, 3)), "X has 3 channels .* fitted with 1"),
    "nested order": (
        frame_of_cells(make_samples(LENGTHS)),
        frame_of_cells(make_samples(LENGTHS))[["c1", "c0"]],
        "must be in the same order",
    ),
    "item order": (
        [pd.DataFrame({"a": [1.0], "b": 2.0})],
        [pd.DataFrame({"b": [1.0], "a": 2.0})],
        "must be in the same order",
    ),
    "item names": (
        [pd.DataFrame({"a": [1.0], "b": 2.0})],
        [pd.DataFrame({"a": [1.0], "z": 2.0})],
        "unseen at fit time",
    ),
}


@pytest.mark.parametrize("case", MISFITS)
def test_input_unlike_the_fitted_one_is_named(case):
    X_fit, X, match = MISFITS[case]
    with pytest.raises(ValueError, match=f"(?s){match}"):
        as_sequences(X, estimator=fitted_on(X_fit), reset=False)


def test_missing_names_warn_as_scikit_learn_does():
    estimator = fitted_on(frame_of_cells(make_samples(LENGTHS)))
    with pytest.warns(UserWarning, match="X does not have valid feature names"):
        as_sequences(make_samples(LENGTHS), estimator=estimator, reset=False)


def test_sums_that_overflow_are_still_finite():
    X = np.full((2, 3, 1), np.finfo(np.float64).max)
    np.testing.assert_array_equal(as_sequences(X).lengths, [3, 3])


# --- targets per time step ------------------------------------------------------------------------

TARGETS = [np.arange(length) + 10 * i for i, length in enumerate(LENGTHS)]


def stacked(targets):
    y = np.full((len(targets), max(map(len, targets)) + 1), -1, dtype=targets[0].dtype)
    for row, target in zip(y, targets, strict=True):
        row[: len(target)] = target
    return y


TARGET_FORMS = {
    "array": (stacked, "array"),
    "nested list": (lambda y: stacked(y).tolist(), "array"),
    "frame": (lambda y: pd.DataFrame(stacked(y)), "array"),
    "list of arrays": (list, "ragged"),
    "list of lists": (lambda y: [t.tolist() for t in y], "ragged"),
    "object array": (object_array, "ragged"),
    "series": (lambda y: pd.Series(object_array(y), index=list("vwxyz")), "ragged"),
    "frame of cells": (lambda y: pd.DataFrame({"y": object_array(y)}), "nested"),
}


@pytest.mark.parametrize("form", TARGET_FORMS)
@pytest.mark.parametrize("dtype", [np.int64, np.float64, "<U2"])
def test_every_form_of_step_targets_gives_the_same_values(form, dtype):
    make, name = TARGET_FORMS[form]
    targets = [target.astype(dtype) for target in TARGETS]
    values, found = as_step_targets(make(targets), LENGTHS)
    np.testing.assert_array_equal(values, np.concatenate(targets))
    assert values.dtype.kind in (np.dtype(dtype).kind, "O")
    assert found == name


@pytest.mark.parametrize("kind", ["array", "nested list", "ragged", "frame"])
def test_step_targets_may_have_several_outputs(kind):
    y = np.arange(24.0).reshape(3, 4, 2)
    forms = {
        "array": y,
        "nested list": y.tolist(),
        "ragged": list(y),
        "frame": frame_of_cells(list(y)),
    }
    values, _ = as_step_targets(forms[kind], [4, 4, 4])
    np.testing.assert_array_equal(values, y.reshape(12, 2))


def test_object_labels_keep_their_dtype():
    y = np.array([["a", "b"], ["c", "d"]], dtype=object)
    values, form = as_step_targets(y, [2, 1])
    assert (values.tolist(), values.dtype, form) == (["a", "b", "c"], object, "array")


BAD_TARGETS = {
    "one per sequence": (np.zeros(3), "one target per time step.*return_sequences=False"),
    "4-D": (np.zeros((3, 4, 1, 1)), r"y has shape \(3, 4, 1, 1\)"),
    "samples": (np.zeros((2, 4)), r"inconsistent numbers of samples: \[3, 2\]"),
    "samples, ragged": ([np.zeros(4)], r"inconsistent numbers of samples: \[3, 1\]"),
    "samples, nested": (pd.DataFrame({"y": [[1.0]]}), r"numbers of samples: \[3, 1\]"),
    "narrow": (np.zeros((3, 3)), r"y\[1\] has targets for 3 time steps, but X\[1\] has 4"),
    "short": (
        [np.zeros(2), np.zeros(3), np.zeros(1)],
        r"y\[1\] has targets for 3 time steps, but X\[1\] has 4.*return_sequences=False",
    ),
    "long": ([np.zeros(2), np.zeros(4), np.zeros(4)], r"y\[2\] has targets for 4 .* X\[2\] has 1"),
    "nested": (
        pd.DataFrame({"y": [[1, 2], [1, 2, 3], [1]]}),
        r"y\[1\] has targets for 3 time steps, but X\[1\] has 4",
    ),
    "outputs": ([np.zeros((2, 1)), np.zeros((4, 2)), np.zeros((1, 1))], r"y\[1\] has shape \(4, 2"),
    "scalar": ([np.zeros(2), 1.0, np.zeros(1)], r"y\[1\] has shape \(\)"),
    "mixed": ([[1, 2], list("abcd"), [1]], "mixes strings and numbers"),
    "item": ([[1, [2]], [1, 2, 3, 4], [1]], r"y\[0\] is not a rectangular array"),
    "NaN": ([[1, 2], [1, 2, np.nan, 4], [1]], "y contains NaN at sample 1, time step 2"),
    "inf": (np.full((3, 4), np.inf), r"y contains infinity \(inf\) at sample 0, time step 0"),
}


@pytest.mark.parametrize("case", BAD_TARGETS)
def test_bad_step_targets_are_named(case):
    y, match = BAD_TARGETS[case]
    with pytest.raises(ValueError, match=f"(?s){match}"):
        as_step_targets(y, [2, 4, 1])


def test_targets_at_padding_may_be_nan():
    values, _ = as_step_targets(np.array([[1.0, np.nan], [2.0, 3.0]]), [1, 2])
    np.testing.assert_array_equal(values, [1.0, 2.0, 3.0])


@pytest.mark.parametrize("shape", [(), (3,)])
def test_unpack_steps_of_equal_lengths_is_one_array(shape):
    values = np.arange(6 * int(np.prod(shape))).reshape(6, *shape)
    np.testing.assert_array_equal(unpack_steps(values, [2] * 3), values.reshape(3, 2, *shape))


@pytest.mark.parametrize("shape", [(), (3,)])
def test_unpack_steps_inverts_as_step_targets(shape):
    values = np.arange(14 * int(np.prod(shape))).reshape(14, *shape)
    unpacked = unpack_steps(values, LENGTHS)
    assert (unpacked.dtype, unpacked.shape) == (object, (5,))
    assert [item.shape for item in unpacked] == [(length, *shape) for length in LENGTHS]
    np.testing.assert_array_equal(as_step_targets(unpacked, LENGTHS).values, values)


def test_unpack_steps_can_keep_equal_lengths_apart():
    unpacked = unpack_steps(np.arange(6), [2, 2, 2], ragged=True)
    assert [item.tolist() for item in unpacked] == [[0, 1], [2, 3], [4, 5]]
    assert unpacked.dtype == object
