"""Every X that is refused, with the error that says why."""

from __future__ import annotations

import numpy as np
import pandas as pd
import scipy.sparse as sp
from ragged_forms import padded
from sequence_forms import LENGTHS, make_samples


def with_value(value, *at, lengths=LENGTHS, form=list):
    samples = make_samples(lengths)
    samples[at[0]][at[1:]] = value
    return form(samples)


BAD = {
    "nothing": ([], ValueError, r"X is empty: it has 0 sample\(s\)"),
    "1-D": (np.zeros(3), ValueError, "Reshape your data"),
    "numbers": ([1.0, 2.0], ValueError, "Reshape your data"),
    "number series": (pd.Series([1.0, 2.0]), ValueError, "Reshape your data"),
    "scalar": (3.0, ValueError, "Expected 2D array"),
    "no rows": (np.zeros((0, 3)), ValueError, r"0 sample\(s\)"),
    "no columns": (np.zeros((3, 0)), ValueError, r"0 feature\(s\) \(shape=\(3, 0\)\)"),
    "sparse": (sp.csr_array(np.eye(3)), TypeError, "Sparse"),
    "2-D NaN": (np.full((2, 2), np.nan), ValueError, "NaN"),
    "2-D dict": (np.array([[{"a": 1}, 2.0]], dtype=object), TypeError, "string or a real number"),
    "2-D complex": (np.zeros((2, 2), complex), ValueError, "Complex data not supported"),
    "2-D strings": (np.array([["a", "b"]], object), ValueError, "holds strings such as 'a'"),
    "digits": (np.array([["1", "2"]]), ValueError, "holds strings such as '1'.*pandas.to_numeric"),
    "cells as text": (
        pd.DataFrame({"a": ["[1.0 2.0]", "[3.0]"]}),
        ValueError,
        r"column 'a' holds strings such as '\[1.0 2.0\]'.*as a CSV file does.*to_parquet",
    ),
    "2-D dates": (np.zeros((2, 2), "M8[s]"), ValueError, "X has dtype datetime64.*into numbers"),
    "3-D differences": (np.zeros((2, 2, 1), "m8[s]"), ValueError, "X has dtype timedelta64"),
    "frame of dates": (
        pd.DataFrame({"a": [1.0], "day": [pd.Timestamp("2020")]}),
        ValueError,
        "X in column 'day' has dtype datetime64",
    ),
    "2-D NaT": (np.array([[1.0, pd.NaT]], object), ValueError, "X holds NaT"),
    "ragged swapped": (
        [np.zeros((2, 7)), np.zeros((2, 9))],
        ValueError,
        r"X\[1\] has 9 channels.*\(channels, time\), pass \[x.T for x in X\]",
    ),
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
    "ragged strings": (
        [["a", "b"], ["a"]],
        ValueError,
        r"X\[0\] holds strings such as 'a'.*TokenEncoder",
    ),
    "ragged objects": ([np.array(["a"], object)], ValueError, r"X\[0\] holds strings such as 'a'"),
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
    "static strings": (
        pd.DataFrame({"a": [[1.0], [1.0]], "kind": ["old", "new"]}),
        ValueError,
        r"column 'kind' holds strings such as 'old'.*OneHotEncoder\(.*\['kind'\]",
    ),
    "static digits": (
        pd.DataFrame({"a": [[1.0], [1.0]], "age": ["30", "40"]}),
        ValueError,
        "column 'age' holds strings such as '30' beside sequences.*pandas.to_numeric",
    ),
    "static categories": (
        pd.DataFrame({"a": [[1.0], [1.0]], "kind": pd.Categorical([3, 4])}),
        ValueError,
        r"column 'kind' holds categories beside sequences.*OneHotEncoder\(",
    ),
    "static dates": (
        pd.DataFrame({"a": [[1.0], [1.0]], "born": pd.to_datetime(["2020", "2021"])}),
        ValueError,
        "column 'born' has dtype datetime64.*Turn dates",
    ),
    "static sequences as text": (
        pd.DataFrame({"a": [[1.0], [1.0]], "b": ["[1.0]", "[2.0]"]}),
        ValueError,
        "column 'b' holds strings.*sequence written as text",
    ),
    "static NaN": (
        pd.DataFrame({"age": [3.0, np.nan], "a": [[1.0], [1.0]]}, index=["u", "v"]),
        ValueError,
        r"no value \(NaN\) in row 'v' of the static column 'age'.*SimpleImputer",
    ),
    "static NA": (
        pd.DataFrame({"age": pd.array([3, None], dtype="Int64"), "a": [[1.0], [1.0]]}),
        ValueError,
        r"no value \(NaN\) in row 1 of the static column 'age'",
    ),
    "static inf": (
        pd.DataFrame({"age": [3.0, np.inf], "a": [[1.0], [1.0]]}),
        ValueError,
        "infinity .* in row 1 of the static column 'age'",
    ),
    "static objects": (
        pd.DataFrame({"age": [3.0, {1}], "a": [[1.0], [1.0]]}),
        TypeError,
        r"column 'age' holds \{1\} in place of a number",
    ),
    "static and then a sequence": (
        pd.DataFrame({"a": [[1.0], [1.0]], "age": [3, [4.0]]}),
        ValueError,
        "column 'age' is not a rectangular array",
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
    "nested strings": (pd.DataFrame({"a": [["x"], ["y"]]}), ValueError, "row 0, column 'a', holds"),
    "nested NaN": (
        pd.DataFrame({"a": [[1.0], [1.0, np.nan]]}),
        ValueError,
        "NaN at sample 1, time step 1",
    ),
}
