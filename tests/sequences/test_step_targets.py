"""Every form of step targets becomes the same flat array, or a clear error."""

import numpy as np
import pandas as pd
import pytest
from ragged_forms import object_array
from sequence_forms import LENGTHS, frame_of_cells

from skrnn.sequences import as_step_targets

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
