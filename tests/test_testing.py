"""The checks for estimators of sequences: skrnn keeps them all, and every one of them can fail."""

from __future__ import annotations

import numpy as np
import pytest
from broken_estimators import BROKEN, Sound, SoundSteps
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from skrnn import RNNClassifier, RNNRegressor
from skrnn.core.cells import CELLS
from skrnn.preprocessing import SequenceScaler
from skrnn.testing import (
    Capabilities,
    check_sequence_estimator,
    parametrize_with_sequence_checks,
    sequence_estimator_checks_generator,
)
from skrnn.testing._checks import CHECKS
from skrnn.testing._forms import FORMS

ALL_FORMS = Capabilities(forms=tuple(FORMS))
SMALL = {"hidden_layer_sizes": 3, "max_iter": 3, "random_state": 0}


def with_step_targets(estimator):
    return Capabilities(
        forms=tuple(FORMS), step_targets=estimator.get_params().get("return_sequences", False)
    )


def statuses(estimator, capabilities=ALL_FORMS, **options):
    results = check_sequence_estimator(
        estimator, capabilities=capabilities, on_fail=None, on_skip=None, **options
    )
    return {result["check_name"]: result["status"] for result in results}


# --- skrnn's own estimators --------------------------------------------------------------------


@parametrize_with_sequence_checks(
    [
        *(cls(cell=cell, **SMALL) for cls in (RNNClassifier, RNNRegressor) for cell in CELLS),
        RNNClassifier(cell="rnn", return_sequences=True, **SMALL),
        RNNRegressor(cell="rnn", return_sequences=True, **SMALL),
        make_pipeline(SequenceScaler(), RNNRegressor(cell="rnn", **SMALL)),
        SequenceScaler(),
    ],
    capabilities=with_step_targets,
)
def test_skrnn_keeps_every_promise(estimator, check):
    check(estimator)


# --- other people's estimators -----------------------------------------------------------------


def test_an_estimator_of_arrays_of_one_length():
    flatten = FunctionTransformer(lambda X: np.asarray(X).reshape(len(X), -1))
    found = statuses(
        make_pipeline(flatten, LinearRegression()),
        Capabilities(forms=["3d"], new_lengths=False),
        expected_failed_checks={
            "check_n_channels": "counts columns, not channels",
            "check_pickle": "a lambda cannot be pickled",
            "check_joblib": "a lambda cannot be pickled",
            "check_memory_map": "a lambda cannot be pickled",
        },
    )
    assert [name for name, status in found.items() if status == "failed"] == []
    assert sum(status == "passed" for status in found.values()) >= 15


@pytest.mark.filterwarnings("ignore")
def test_an_estimator_of_aeon():
    pytest.importorskip("aeon", exc_type=ImportError)
    from aeon.classification.distance_based import KNeighborsTimeSeriesClassifier

    found = statuses(
        KNeighborsTimeSeriesClassifier(distance="euclidean"),
        Capabilities(forms=("list", "3d"), axis_order="time_last"),
        expected_failed_checks={
            "check_dtypes": "does not compare float32 with float64",
            "check_infinite_values": "lets infinity pass",
            "check_no_sequences": "IndexError for an empty list",
        },
    )
    assert [name for name, status in found.items() if status == "failed"] == []
    assert sum(status == "passed" for status in found.values()) >= 20


# --- every check can fail ----------------------------------------------------------------------

STEPS = Capabilities(forms=tuple(FORMS), step_targets=True)


@pytest.mark.parametrize(
    ("estimator", "capabilities"),
    [(Sound(), ALL_FORMS), (SoundSteps(), STEPS)],
    ids=["one target", "step targets"],
)
def test_sound_estimators_pass(estimator, capabilities):
    assert set(statuses(estimator, capabilities).values()) <= {"passed", "skipped"}


def test_every_check_has_an_estimator_that_breaks_it():
    assert set(BROKEN) == set(CHECKS)


@pytest.mark.parametrize("name", CHECKS)
def test_a_check_catches_what_it_is_for(name):
    estimator = BROKEN[name]
    capabilities = STEPS if isinstance(estimator, SoundSteps) else ALL_FORMS
    # What writes where it may not is stopped by numpy itself.
    read_only = name in ("check_memory_map", "check_read_only_X")
    expected = "read-only" if read_only else type(estimator).__name__
    with pytest.raises(ValueError if read_only else AssertionError, match=expected):
        run_check(name, estimator, capabilities)


def run_check(name, estimator, capabilities=ALL_FORMS):
    checks = sequence_estimator_checks_generator(estimator, capabilities=capabilities)
    (check,) = (check for _, check in checks if check.name == name)
    check(estimator)
