"""Tables of other libraries with lists in their cells are read as DataFrames of sequences."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from skrnn import RNNClassifier
from skrnn.preprocessing import SequenceScaler
from skrnn.sequences import as_sequences, as_step_targets, plain

pa = pytest.importorskip("pyarrow")

LISTS = [[1.0, 2.0, 3.0], [4.0, 5.0], [6.0]]
COLUMNS = {"pulse": LISTS, "age": [30, 40, 50], "flow": [[-x for x in one] for one in LISTS]}


class DataSet:
    """What a data set of Hugging Face offers, without the library."""

    def __init__(self, table, indices=None):
        self.table, self.indices = table, indices

    column_names = property(lambda self: self.table.column_names)
    shape = property(lambda self: self.table.shape)

    def __len__(self):
        return len(self.table)

    def with_format(self, name):
        assert name == "arrow"
        return self

    def __getitem__(self, key):
        return self.table[key]


def polars():
    return pytest.importorskip("polars")


TABLES = {
    "pyarrow": lambda: pa.table(COLUMNS),
    "record batch": lambda: pa.table(COLUMNS).to_batches()[0],
    "data set": lambda: DataSet(pa.table(COLUMNS)),
    "polars": lambda: polars().DataFrame(COLUMNS),
}
SERIES = {
    "chunked array": lambda lists: pa.chunked_array([pa.array(lists)]),
    "arrow array": lambda lists: pa.array(lists),
    "polars": lambda lists: polars().Series("x", lists),
}


@pytest.mark.parametrize("kind", TABLES)
def test_a_table_of_lists_is_read(kind):
    sequences = as_sequences(TABLES[kind]())
    np.testing.assert_array_equal(sequences.values, np.outer(range(1, 7), [1, -1]))
    np.testing.assert_array_equal(sequences.static[:, 0], COLUMNS["age"])
    assert sequences.lengths.tolist() == [3, 2, 1]
    assert (sequences.channels, sequences.static_names) == (["pulse", "flow"], ["age"])


@pytest.mark.parametrize("kind", SERIES)
def test_a_column_of_lists_is_read(kind):
    sequences = as_sequences(SERIES[kind](LISTS))
    np.testing.assert_array_equal(sequences.values[:, 0], range(1, 7))
    assert sequences.kind == "ragged"


@pytest.mark.parametrize("kind", SERIES)
def test_a_column_of_matrices_has_their_channels(kind):
    matrices = [[[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0]]]
    sequences = as_sequences(SERIES[kind](matrices))
    np.testing.assert_array_equal(sequences.values, np.arange(1.0, 7).reshape(3, 2))
    assert sequences.lengths.tolist() == [2, 1]


def test_matrices_of_uneven_rows_are_refused():
    with pytest.raises(ValueError, match=r"X\[0\] is not a rectangular array"):
        as_sequences(pa.array([[[1.0, 2.0], [3.0]], [[5.0, 6.0]]]))


def test_matrices_in_a_table_are_refused_by_name():
    with pytest.raises(ValueError, match=r"matrices in the cells of column 'm'.*X\['m'\]"):
        as_sequences(pa.table({"m": [[[1.0, 2.0]], [[3.0, 4.0]]]}))


def test_a_missing_list_is_named():
    with pytest.raises(ValueError, match="Row 1 of column 'x' has no sequence"):
        as_sequences(pa.table({"x": [[1.0], None]}))


@pytest.mark.parametrize("kind", SERIES)
def test_step_targets_may_be_a_column_of_lists(kind):
    assert as_step_targets(SERIES[kind](LISTS), [3, 2, 1]).values.tolist() == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("kind", ["arrow array", "frame"])
def test_a_missing_category_stays_missing(kind):
    labels = pa.array(["up", None, "down", "up"]).dictionary_encode()
    y = pa.ListArray.from_arrays([0, 3, 4], labels)
    y = pa.table({"y": y}) if kind == "frame" else y
    values = as_step_targets(y, [3, 1]).values
    assert values[[0, 2, 3]].tolist() == ["up", "down", "up"]
    assert pd.isna(values).tolist() == [False, True, False, False]


def test_the_numbers_are_not_copied():
    table = pa.table(COLUMNS)
    flat = plain(table)["pulse"].array.__arrow_array__().chunk(0).flatten()
    assert flat.buffers()[1].address == table["pulse"].chunk(0).flatten().buffers()[1].address


def test_a_table_of_numbers_stays_what_it_is():
    table = pa.table({"a": [1.0, 2.0], "b": [3.0, 4.0]})
    assert plain(table) is table
    np.testing.assert_array_equal(as_sequences(table).values[:, 0], [1, 3, 2, 4])


def test_without_pyarrow_the_error_says_what_to_install(monkeypatch):
    table = polars().DataFrame(COLUMNS)
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(ImportError, match=r"polars DataFrame .* pip install pyarrow"):
        as_sequences(table)


@pytest.mark.parametrize("kind", TABLES)
def test_estimators_and_scalers_take_such_tables(kind):
    X, y = TABLES[kind](), [0, 1, 1]
    expected = pa.table(COLUMNS).to_pandas()
    fitted = RNNClassifier(3, max_iter=2, random_state=0).fit(X, y)
    assert fitted.feature_names_in_.tolist() == list(COLUMNS)
    other = RNNClassifier(3, max_iter=2, random_state=0).fit(expected, y)
    np.testing.assert_array_equal(fitted.predict_proba(X), other.predict_proba(expected))
    scaled, of_pandas = (SequenceScaler().fit_transform(one) for one in (X, expected))
    assert isinstance(scaled, pd.DataFrame)
    np.testing.assert_array_equal(as_sequences(scaled).values, as_sequences(of_pandas).values)
    np.testing.assert_array_equal(scaled["age"], of_pandas["age"])
