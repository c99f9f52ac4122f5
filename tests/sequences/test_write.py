"""Time steps come back in the form that they were read from."""

import numpy as np
import pandas as pd
import pytest
from sequence_forms import EQUAL_FORMS, LENGTHS, RAGGED_FORMS, make_samples

from skrnn.sequences import as_sequences, in_form_of, map_steps

ARROW = ["frame of Arrow lists", "sliced frame of Arrow lists"]
# Lists of numbers and array-likes come back as arrays.
AS_ARRAYS = {"3-D array-like", "2-D list of lists", "2-D array-like"}
FORMS = {
    **{
        form: RAGGED_FORMS[form](make_samples(LENGTHS))
        for form in RAGGED_FORMS
        if form not in ARROW
    },
    **{form: make(make_samples([4] * 5)) for form, make in EQUAL_FORMS.items()},
}


def add_one(steps):
    steps += 1


@pytest.mark.parametrize("form", FORMS)
def test_the_form_is_kept(form):
    X = FORMS[form]
    sequences = as_sequences(X, n_channels=2)
    back = in_form_of(X, sequences, sequences.values + 1)
    assert type(back) is (np.ndarray if form in AS_ARRAYS else type(X))
    again = as_sequences(back, n_channels=2)
    np.testing.assert_array_equal(again.values, sequences.values + 1)
    np.testing.assert_array_equal(again.lengths, sequences.lengths)
    assert (again.kind, again.channels) == (sequences.kind, sequences.channels)


@pytest.mark.parametrize("form", ARROW)
def test_columns_of_arrow_lists_stay_such(form):
    X = RAGGED_FORMS[form](make_samples(LENGTHS))
    sequences = as_sequences(X)
    back = in_form_of(X, sequences, sequences.values + 1)
    assert all(isinstance(dtype, pd.ArrowDtype) for dtype in back.dtypes)
    assert back.index.equals(X.index)
    np.testing.assert_array_equal(as_sequences(back).values, sequences.values + 1)


@pytest.mark.parametrize("form", FORMS)
def test_steps_are_mapped_without_changing_x(form):
    X = FORMS[form]
    before = as_sequences(X, n_channels=2).values.copy()
    mapped = map_steps(add_one, X, as_sequences(X, n_channels=2))
    np.testing.assert_array_equal(as_sequences(mapped, n_channels=2).values, before + 1)
    np.testing.assert_array_equal(as_sequences(X, n_channels=2).values, before)
