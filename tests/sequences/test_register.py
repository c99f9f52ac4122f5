"""An estimator remembers the features of the X it is fitted on, and wants them in every other."""

import numpy as np
import pandas as pd
import pytest
from bad_sequences import BAD
from sequence_forms import EQUAL_FORMS, LENGTHS, RAGGED_FORMS, frame_of_cells, make_samples
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError

from skrnn.sequences import read_sequences


class Estimator(BaseEstimator):
    """An estimator of which only the fitted attributes matter."""


def fitted_on(X, **params):
    estimator = Estimator()
    read_sequences(estimator, X, reset=True, **params)
    return estimator


@pytest.mark.parametrize("form", RAGGED_FORMS)
def test_sequences_have_channels_and_no_columns(form):
    estimator = fitted_on(RAGGED_FORMS[form](make_samples(LENGTHS)))
    assert estimator.n_channels_in_ == 2
    assert not hasattr(estimator, "n_features_in_")


def test_a_fit_on_sequences_forgets_the_columns_of_an_earlier_one():
    estimator = fitted_on(np.zeros((2, 6)))
    read_sequences(estimator, np.zeros((2, 6, 1)), reset=True)
    assert not hasattr(estimator, "n_features_in_")


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
    read_sequences(estimator, RAGGED_FORMS[form](samples), reset=True)
    assert not hasattr(estimator, "feature_names_in_")


@pytest.mark.parametrize("fit_form", ["padded 3-D", "list", "object array of cells"])
@pytest.mark.parametrize("form", ["padded 3-D", "list", "series", "object array of cells"])
def test_forms_of_equal_channels_may_be_exchanged(fit_form, form):
    estimator = fitted_on(RAGGED_FORMS[fit_form](make_samples([2, 5])))
    before = dict(vars(estimator))
    read_sequences(estimator, RAGGED_FORMS[form](make_samples(LENGTHS)), reset=False)
    assert vars(estimator) == before


def test_2d_fit_may_predict_sequences_of_its_channels():
    estimator = fitted_on(pd.DataFrame(np.zeros((2, 6)), columns=list("abcdef")), n_channels=2)
    for form in ["padded 3-D", "list", "list of frames", "frame of arrays"]:
        X = RAGGED_FORMS[form](make_samples(LENGTHS))
        sequences = read_sequences(estimator, X, reset=False, n_channels=2)
        np.testing.assert_array_equal(sequences.lengths, LENGTHS)


def test_a_lone_equal_length_batch_of_lists_stays_univariate():
    estimator = fitted_on([[1.0, 2.0], [3.0]])
    sequences = read_sequences(estimator, [[1.0, 2.0, 3.0]], reset=False)
    assert (sequences.kind, sequences.values.shape) == ("ragged", (3, 1))


@pytest.mark.parametrize("form", {**RAGGED_FORMS, **EQUAL_FORMS})
def test_reading_for_a_fitted_estimator_changes_nothing(form):
    X = {**RAGGED_FORMS, **EQUAL_FORMS}[form](make_samples([4] * 5))
    estimator = fitted_on(X, n_channels=2)
    before = dict(vars(estimator))
    read_sequences(estimator, X, reset=False, n_channels=2)
    assert vars(estimator) == before


@pytest.mark.parametrize("case", BAD)
def test_an_estimator_that_refuses_x_in_fit_stays_as_it_is(case):
    X, error, _ = BAD[case]
    estimator = fitted_on(frame_of_cells(make_samples(LENGTHS)))
    before = dict(vars(estimator))
    with pytest.raises(error):
        read_sequences(estimator, X, reset=True)
    assert vars(estimator) == before


def test_sequences_without_names_get_those_of_fit():
    samples = make_samples(LENGTHS)
    estimator = fitted_on(frame_of_cells(samples))
    with pytest.warns(UserWarning, match="X does not have valid feature names"):
        sequences = read_sequences(estimator, samples, reset=False)
    assert sequences.channels == ["c0", "c1"]


def test_sequences_do_not_get_the_names_of_columns():
    estimator = fitted_on(pd.DataFrame(np.zeros((2, 2)), columns=["a", "b"]), n_channels=2)
    assert read_sequences(estimator, make_samples(LENGTHS), reset=False).channels is None


class WithParameter(Estimator):
    """An estimator that takes `n_channels`, as all of skrnn do."""

    def __init__(self, n_channels=1):
        self.n_channels = n_channels


@pytest.mark.parametrize(
    ("estimator", "expected"), [(WithParameter(3), 3), (Estimator(), 1)], ids=["set", "absent"]
)
def test_rows_are_split_by_the_parameter_of_the_estimator(estimator, expected):
    assert read_sequences(estimator, np.zeros((2, 6)), reset=True).n_channels == expected


def test_the_number_of_channels_can_be_given():
    assert read_sequences(WithParameter(3), np.zeros((2, 6)), reset=True, n_channels=2).n_steps == 6


# --- errors --------------------------------------------------------------------------------------


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
    "ragged channels": (np.zeros((2, 9, 5)), [np.zeros((4, 3))], r"X has 3 channels .* with 5\.$"),
    "swapped axes, ragged": (
        [np.zeros((9, 5)), np.zeros((7, 5))],
        [np.zeros((5, 9))],
        r"X has 9 channels .* with 5\. If the axes are \(channels, time\), pass \[x\.T for x",
    ),
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
        read_sequences(fitted_on(X_fit), X, reset=False)


def test_missing_names_warn_as_scikit_learn_does():
    estimator = fitted_on(frame_of_cells(make_samples(LENGTHS)))
    with pytest.warns(UserWarning, match="X does not have valid feature names"):
        read_sequences(estimator, make_samples(LENGTHS), reset=False)


def test_an_estimator_must_be_fitted_first():
    with pytest.raises(NotFittedError, match="This Estimator has not seen any sequences yet"):
        read_sequences(Estimator(), make_samples(LENGTHS), reset=False)


# --- what else is refused -------------------------------------------------------------------------


def test_one_row_of_a_frame_is_refused():
    X = frame_of_cells(make_samples(LENGTHS))
    with pytest.raises(ValueError, match=r"one row of a DataFrame.*X.iloc\[\[0\]\] in place of"):
        read_sequences(fitted_on(X), X.iloc[0], reset=False)
    assert read_sequences(fitted_on(X), X.iloc[[0]], reset=False).n_samples == 1


def test_columns_of_another_number_come_with_the_remedy():
    estimator = fitted_on(np.zeros((2, 6)))
    match = r"X has 4 features, but Estimator is expecting 6 .*another length go in as a 3-D array"
    with pytest.raises(ValueError, match=match):
        read_sequences(estimator, np.zeros((2, 4)), reset=False)
    assert read_sequences(estimator, np.zeros((2, 4, 1)), reset=False).n_steps == 8


@pytest.mark.parametrize("n_channels", [0, -1, 1.5, "2", True, np.nan], ids=str)
def test_the_number_of_channels_is_checked(n_channels):
    with pytest.raises(ValueError, match="n_channels must be an integer >= 1, got"):
        read_sequences(Estimator(), np.zeros((2, 6)), reset=True, n_channels=n_channels)


@pytest.mark.parametrize("dtype", [np.float32, "float32", (np.float32,), [np.float32, np.float64]])
def test_a_dtype_may_stand_alone(dtype):
    sequences = read_sequences(Estimator(), np.zeros((2, 6), int), reset=True, dtype=dtype)
    assert sequences.dtype == np.float32


@pytest.mark.parametrize("dtype", [np.int64, (np.float64, np.float16), (), "no dtype"], ids=str)
def test_other_dtypes_are_refused(dtype):
    with pytest.raises(ValueError, match="dtype must be float32 or float64"):
        read_sequences(Estimator(), np.zeros((2, 6)), reset=True, dtype=dtype)
