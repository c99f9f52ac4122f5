"""The checks for estimators of sequences: skrnn keeps them all, and every one of them can fail."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from unittest import SkipTest

import numpy as np
import pytest
from broken_estimators import BROKEN, Sound, SoundSteps
from scipy.stats import zscore
from sklearn.exceptions import EstimatorCheckFailedWarning, SkipTestWarning
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import check_estimator, estimator_checks_generator

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
from skrnn.testing._forms import FORMS, make_data

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


MEAN = FunctionTransformer(np.mean, kw_args={"axis": 1})
SCALE = FunctionTransformer(zscore, kw_args={"axis": None})


@pytest.mark.parametrize(
    ("steps", "fails"),
    [([MEAN], []), ([SCALE, MEAN], ["check_batch_mates"])],
    ids=["sound", "scales by the batch"],
)
def test_an_estimator_of_three_dimensional_arrays(steps, fails):
    found = statuses(make_pipeline(*steps, LogisticRegression()), Capabilities(forms=["3d"]))
    assert [name for name, status in found.items() if status == "failed"] == fails
    assert sum(status == "passed" for status in found.values()) >= 20


@pytest.mark.filterwarnings("ignore")
def test_an_estimator_of_aeon():
    pytest.importorskip("aeon", exc_type=ImportError)
    from aeon.classification.distance_based import KNeighborsTimeSeriesClassifier

    found = statuses(
        KNeighborsTimeSeriesClassifier(distance="euclidean"),
        Capabilities(forms=("list", "3d"), axis_order="time_last"),
        expected_failed_checks={
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


def test_the_guide_names_every_check_and_every_form():
    guide = (Path(__file__).parents[1] / "docs/guide/conformance.md").read_text(encoding="utf-8")
    named = set(re.findall(r"^\| `(check_\w+)` \|", guide, re.MULTILINE))
    assert named == {name for name in CHECKS if not name.startswith("check_form_")}
    assert set(re.findall(r"^\| `'(\w+)'` \|", guide, re.MULTILINE)) == set(FORMS)


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


# --- how the checks are run --------------------------------------------------------------------


class Silent(Sound):
    """Breaks one promise, with an error of its own kind, and has no weights."""

    def fit(self, X, y):
        return super().fit(X, y)

    def predict(self, X):
        if len(X) == 1:
            raise RuntimeError("one sequence is too few")
        return super().predict(X)


EXPECTED = {"check_batch_mates": "cannot answer to one alone"}


def test_results_are_those_of_scikit_learn(monkeypatch):
    def first_only(*args, **kwargs):
        yield next(estimator_checks_generator(*args, **kwargs))

    monkeypatch.setattr("sklearn.utils.estimator_checks.estimator_checks_generator", first_only)
    (theirs,) = check_estimator(LinearRegression())
    ours = check_sequence_estimator(Sound(), capabilities=ALL_FORMS, on_skip=None)[0]
    assert ours.keys() == theirs.keys()
    assert ours["expected_to_fail_reason"] == theirs["expected_to_fail_reason"]


def test_every_check_has_a_result_and_every_skip_a_reason():
    results = check_sequence_estimator(
        Silent(), capabilities=ALL_FORMS, on_skip=None, expected_failed_checks=EXPECTED
    )
    assert [result["check_name"] for result in results] == list(CHECKS)
    reasons = {r["check_name"]: str(r["exception"]) for r in results if r["status"] == "skipped"}
    assert reasons["check_zero_weight_is_absence"] == "Silent.fit has no sample_weight"
    assert all(reasons.values())


def test_the_first_failure_is_raised_as_it_is():
    with pytest.raises(RuntimeError, match="too few"):
        check_sequence_estimator(Silent(), capabilities=ALL_FORMS, on_skip=None)


def test_failures_can_be_expected():
    found = statuses(Silent(), expected_failed_checks=EXPECTED)
    assert found["check_batch_mates"] == "xfail"
    assert "failed" not in found.values()


def test_skips_and_failures_are_warned_of():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        check_sequence_estimator(Silent(), capabilities=ALL_FORMS, on_fail="warn")
    failures = [w for w in caught if issubclass(w.category, EstimatorCheckFailedWarning)]
    assert [w.message.check_name for w in failures] == ["check_batch_mates"]
    skips = [str(w.message) for w in caught if issubclass(w.category, SkipTestWarning)]
    assert "Skipping check_zero_weight_is_absence: Silent.fit has no sample_weight" in skips
    assert {w.filename for w in caught} == {__file__}


def test_the_callback_gets_every_result():
    results = []
    returned = check_sequence_estimator(
        Sound(),
        capabilities=ALL_FORMS,
        on_skip=None,
        on_fail=None,
        callback=lambda **result: results.append(result),
    )
    assert results == returned


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"estimator": Sound}, TypeError, r"class Sound. Pass Sound\(...\)"),
        ({"expected_failed_checks": {"check_fom": ""}}, ValueError, r"\['check_fom'\].*no checks"),
        ({"callback": print}, ValueError, "callback cannot be provided together"),
        ({"on_fail": "shout"}, ValueError, "'on_fail' parameter"),
        ({"capabilities": {"forms": ["list"]}}, ValueError, "'capabilities' parameter"),
    ],
)
def test_wrong_arguments_are_named(arguments, error, message):
    with pytest.raises(error, match=message):
        check_sequence_estimator(**{"estimator": Sound(), **arguments})


@pytest.mark.parametrize(
    ("claims", "message"),
    [
        ({"forms": ["list", "4d"]}, "one or more of .*'padded'.*Got .*'4d'"),
        ({"forms": "list"}, "sequence of one or more"),
        ({"forms": []}, "sequence of one or more"),
        ({"axis_order": "channels_last"}, "one of .*'time_first'.*Got 'channels_last'"),
        ({"n_channels": 0}, "n_channels must be >= 1. Got 0"),
        ({"min_length": 1}, "min_length must be >= 2. Got 1"),
    ],
)
def test_wrong_capabilities_are_named(claims, message):
    with pytest.raises(ValueError, match=message):
        Capabilities(**claims)


def test_a_declared_form_that_is_refused_fails_and_an_undeclared_one_is_skipped():
    linear = make_pipeline(MEAN, LinearRegression())
    with pytest.raises(ValueError, match="inhomogeneous"):
        run_check("check_form_list", linear, Capabilities(forms=["list", "tuple"]))
    with pytest.raises(SkipTest, match=r"'list': ValueError: .*inhomogeneous"):
        run_check("check_form_list", linear, Capabilities())


def test_an_estimator_of_no_sequences_fails():
    with pytest.raises(AssertionError, match=r"no form of sequences:\n  list: ValueError"):
        check_sequence_estimator(LinearRegression(), on_skip=None)


@pytest.mark.parametrize("mark", ["xfail", "skip"])
def test_expected_failures_can_be_marked(mark):
    checks = list(
        sequence_estimator_checks_generator(Silent(), expected_failed_checks=EXPECTED, mark=mark)
    )
    index = list(CHECKS).index("check_batch_mates")
    assert len(checks) == len(CHECKS)
    if mark == "xfail":
        assert checks[index].marks[0].kwargs == {"reason": EXPECTED["check_batch_mates"]}
    else:
        estimator, check = checks[index]
        with pytest.raises(SkipTest, match="cannot answer to one alone"):
            check(estimator)


def test_the_decorator_names_estimators_and_checks():
    mark = parametrize_with_sequence_checks(
        [Sound(), Silent(penalty=1)],
        capabilities=lambda estimator: ALL_FORMS if isinstance(estimator, Silent) else None,
        expected_failed_checks=lambda estimator: EXPECTED if isinstance(estimator, Silent) else {},
        xfail_strict=True,
    ).mark
    names, parameters = mark.args
    assert names == ("estimator", "check")
    assert len(parameters) == 2 * len(CHECKS)
    estimator, check = parameters[0]
    assert (mark.kwargs["ids"](estimator), mark.kwargs["ids"](check)) == ("Sound()", check.name)
    assert check.capabilities == Capabilities()
    (expected,) = (p for p in parameters if hasattr(p, "marks"))
    assert expected.marks[0].kwargs["strict"]
    assert expected.values[1].capabilities is ALL_FORMS


@pytest.mark.parametrize("task", ["classifier", "regressor"])
@pytest.mark.parametrize("step_targets", [False, True])
def test_every_fold_has_what_there_is_to_learn(task, step_targets):
    """Both classes, positive numbers, and lengths that tell neither."""
    claims = Capabilities(step_targets=step_targets)
    data = make_data(task, claims, equal_lengths=False)
    assert len(set(data.lengths)) > 3
    for fold in np.array_split(np.arange(len(data.samples)), 3):
        targets = np.concatenate([np.atleast_1d(data.targets[i]) for i in fold])
        assert len(set(targets)) == 2 if task == "classifier" else (targets > 0).all()
