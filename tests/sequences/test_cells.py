"""Cells that are sequences are told from those that are not, and flattened."""

import numpy as np
import pandas as pd
import pytest

from skrnn.sequences import flatten_cells, has_sequence_cells, is_sequence, items_of


@pytest.mark.parametrize(
    "cell",
    [[], [1.0], (1, 2), np.zeros(2), np.zeros((2, 2)), pd.Series([1]), pd.DataFrame({"a": [1]})],
)
def test_sequences_are_told(cell):
    assert is_sequence(cell)


@pytest.mark.parametrize(
    "cell", ["ab", b"ab", 1.0, None, np.float64(1), np.array(1), {"a": 1}, {1}]
)
def test_single_values_are_told(cell):
    assert not is_sequence(cell)


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"a": [1.0, 2.0]}, False),
        ({"a": ["x", "y"]}, False),
        ({"a": [None, None]}, False),
        ({"a": [None, [1.0]]}, True),
        ({"age": [3, 4], "a": [[1.0], [2.0]]}, True),
        ({"a": []}, False),
    ],
    ids=str,
)
def test_frames_whose_cells_are_sequences_are_told(columns, expected):
    assert has_sequence_cells(pd.DataFrame(columns)) is expected


def test_items_of_a_series_are_its_entries():
    assert items_of(pd.Series(["a", "b"], index=[5, 3])) == ["a", "b"]


@pytest.mark.parametrize("items", [[[1.0], [2.0]], ([1.0], [2.0]), np.zeros((2, 1))], ids=str)
def test_items_of_anything_else_are_left_as_they_are(items):
    assert items_of(items) is items


def test_items_of_arrow_lists_are_arrays():
    pa = pytest.importorskip("pyarrow")
    lists = pd.Series([[1.0, 2.0], [3.0]], dtype=pd.ArrowDtype(pa.list_(pa.float64())))
    first, second = items_of(lists)
    assert (first.tolist(), second.tolist()) == ([1.0, 2.0], [3.0])
    assert isinstance(first, np.ndarray)


def test_items_of_arrow_numbers_are_numbers():
    pa = pytest.importorskip("pyarrow")
    assert items_of(pd.Series([1, 2], dtype=pd.ArrowDtype(pa.int64()))) == [1, 2]


def test_cells_are_joined_column_by_column():
    frame = pd.DataFrame({"a": [[1, 2], [3]], "b": [["x", "y"], ["z"]]})
    (a, b), lengths = flatten_cells(frame, "X", lambda cell, _: np.asarray(cell))
    assert (a.tolist(), b.tolist(), lengths.tolist()) == ([1, 2, 3], ["x", "y", "z"], [2, 1])


def test_cells_that_are_no_array_yet_are_named():
    frame = pd.DataFrame({"a": [[1, 2], [3]]}, index=["u", "v"])
    places = []
    flatten_cells(frame, "y", lambda cell, where: places.append(where) or np.asarray(cell))
    assert places == ["y in row 'u', column 'a',", "y in row 'v', column 'a',"]
