"""Columns of single values beside columns of sequences are static features, in every form."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator

from skrnn.sequences import as_sequences, in_form_of, read_sequences, static_columns

SAMPLES = [np.array([1.0, 2.0, 3.0]), np.array([4.0, 5.0]), np.array([6.0])]
AGES, ILL = [30, 40, 50], [True, False, True]
STATIC = np.array([[30.0, 1.0], [40.0, 0.0], [50.0, 1.0]])


def cells(samples=SAMPLES):
    array = np.empty(len(samples), dtype=object)
    array[:] = samples
    return array


def frame(samples=SAMPLES):
    return pd.DataFrame({"age": AGES, "pulse": cells(samples), "ill": ILL, "flow": cells(samples)})


FORMS = {
    "frame": frame,
    "frame without names": lambda: frame().set_axis(range(4), axis=1),
    "objects": lambda: frame().astype(object),
    "object array": lambda: frame().to_numpy(dtype=object),
    "nullable": lambda: frame().astype({"age": "Int64", "ill": "boolean"}),
    "decimals": lambda: frame().assign(age=[*map(np.float64, AGES)], ill=[*map(int, ILL)]),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_table_has_its_static_features(form):
    sequences = as_sequences(FORMS[form]())
    np.testing.assert_array_equal(sequences.static, STATIC)
    np.testing.assert_array_equal(sequences.values[:, 0], np.concatenate(SAMPLES))
    assert (sequences.n_channels, sequences.n_static, sequences.kind) == (2, 2, "nested")


def test_arrow_columns_have_static_features_and_lists():
    pa = pytest.importorskip("pyarrow")
    table = pa.table({"age": AGES, "pulse": [s.tolist() for s in SAMPLES], "ill": ILL})
    sequences = as_sequences(table.to_pandas(types_mapper=pd.ArrowDtype))
    np.testing.assert_array_equal(sequences.static, STATIC)


def test_names_are_those_of_the_columns():
    sequences = as_sequences(frame())
    assert sequences.channels == ["pulse", "flow"]
    assert sequences.static_names == ["age", "ill"]
    assert as_sequences(FORMS["frame without names"]()).static_names is None


def test_the_sequences_give_the_dtype():
    narrow = as_sequences(frame([s.astype(np.float32) for s in SAMPLES]))
    assert narrow.static.dtype == narrow.dtype == np.float32


def test_other_forms_have_none():
    sequences = as_sequences(SAMPLES)
    assert sequences.static is None
    assert sequences.n_static == 0
    assert sequences.batch([0, 1]).static is None


@pytest.mark.parametrize("indices", [[2, 0], slice(1, 3), [True, False, True], [0, 0]])
def test_samples_take_their_static_features_along(indices):
    taken = as_sequences(frame()).take(indices)
    np.testing.assert_array_equal(taken.static, STATIC[indices])


def test_windows_take_their_static_features_along():
    windows = as_sequences(np.lib.stride_tricks.sliding_window_view(np.arange(6.0), 4)[:, :, None])
    assert windows.first_rows is not None
    known = type(windows)(
        windows.table, windows.lengths, "3d", windows.first_rows, static=STATIC, static_names=None
    )
    np.testing.assert_array_equal(known.take([2, 1]).static, STATIC[[2, 1]])
    as_channels = known.static_as_channels()
    np.testing.assert_array_equal(as_channels.values[:, 0], windows.values[:, 0])
    np.testing.assert_array_equal(as_channels.values[:, 1:], STATIC.repeat(4, axis=0))


def test_batches_have_the_static_features_of_their_rows():
    sequences = as_sequences(frame())
    batch = sequences.batch([1, 0, 2])
    assert batch.samples.tolist() == [0, 1, 2]  # longest first
    np.testing.assert_array_equal(batch.static, STATIC)
    for block in sequences.by_length(2):
        np.testing.assert_array_equal(block.static, STATIC[block.samples])
    for group in sequences.batches([2, 1]):
        np.testing.assert_array_equal(group.static, STATIC[group.samples])


def test_as_channels_they_are_constant_over_time():
    sequences = as_sequences(frame()).static_as_channels()
    assert sequences.channels == ["pulse", "flow", "age", "ill"]
    assert sequences.static is None
    np.testing.assert_array_equal(sequences.rows(1)[:, 2:], STATIC[[1, 1]])


@pytest.mark.parametrize("form", ["frame", "object array"])
def test_other_time_steps_leave_single_values_as_they_are(form):
    X = FORMS[form]()
    sequences = as_sequences(X)
    doubled = in_form_of(X, sequences, 2 * sequences.values)
    again = as_sequences(doubled)
    np.testing.assert_array_equal(again.values, 2 * sequences.values)
    np.testing.assert_array_equal(again.static, STATIC)
    assert type(doubled) is type(X)
    if form == "frame":
        pd.testing.assert_frame_equal(doubled[["age", "ill"]], X[["age", "ill"]])


def test_which_columns_are_static():
    assert static_columns(frame()).tolist() == [True, False, True, False]


# --- estimators -----------------------------------------------------------------------------------


class Reader(BaseEstimator):
    pass


@pytest.fixture
def reader():
    reader = Reader()
    read_sequences(reader, frame(), reset=True)
    return reader


def test_an_estimator_keeps_all_columns(reader):
    assert (reader.n_channels_in_, reader.n_static_in_) == (2, 2)
    assert reader.feature_names_in_.tolist() == ["age", "pulse", "ill", "flow"]


def test_names_of_fit_are_given_to_channels_without_names(reader):
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        sequences = read_sequences(reader, FORMS["object array"](), reset=False)
    assert sequences.channels == ["pulse", "flow"]


REFUSED = {
    "none of them": (
        lambda: frame()[["pulse", "flow"]],
        r"(?s)yet now missing:.*age",
    ),
    "another order": (
        lambda: frame()[["pulse", "age", "ill", "flow"]],
        "must be in the same order",
    ),
    "a sequence": (
        lambda: frame().assign(age=cells()),
        "X has sequences in column 'age', but Reader was fitted on single values there",
    ),
    "a single value": (
        lambda: frame().assign(flow=1.0),
        "X has single values in column 'flow', but Reader was fitted on sequences there",
    ),
    "an array": (
        lambda: np.zeros((3, 2, 2)),
        r"static columns \['age', 'ill'\] beside columns of sequences, and X has none.*"
        r"Pass a DataFrame with the columns \['age', 'pulse', 'ill', 'flow'\]",
    ),
    "a list": (lambda: [np.zeros((3, 2))], "X has none of them"),
    "a row": (lambda: frame().iloc[0], r"X.iloc\[\[0\]\]"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_other_columns_than_in_fit_are_refused(case, reader):
    make, message = REFUSED[case]
    with pytest.raises(ValueError, match=message):
        read_sequences(reader, make(), reset=False)


def test_static_columns_are_refused_after_a_fit_without():
    reader = Reader()
    read_sequences(reader, [np.zeros((3, 2))], reset=True)
    with pytest.raises(ValueError, match=r"2 columns of single values .* fitted without any"):
        read_sequences(reader, FORMS["object array"](), reset=False)


def test_a_reader_may_leave_single_values_to_itself():
    X = frame().assign(kind=["old", "new", None])
    assert read_sequences(Reader(), X, reset=True, static=False).static is None
