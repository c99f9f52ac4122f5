"""The checks for estimators of sequences: skrnn keeps them all, and every one of them can fail."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from unittest import SkipTest

import numpy as np
import pytest
from broken_estimators import (
    BROKEN,
    AnswersGapsWithNan,
    RefusesTheGapsItClaims,
    Sound,
    SoundSteps,
)
from scipy.sparse import csr_array
from scipy.stats import zscore
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.cluster import KMeans
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import (
    BaggingRegressor,
    GradientBoostingRegressor,
    RandomForestClassifier,
)
from sklearn.exceptions import EstimatorCheckFailedWarning, SkipTestWarning
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import MultinomialNB
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import check_estimator, estimator_checks_generator
from sklearn.utils.metaestimators import available_if

from skrnn import RNNClassifier, RNNRegressor
from skrnn.core.cells import CELLS
from skrnn.inspection import HiddenStates
from skrnn.preprocessing import SequenceImputer, SequenceScaler
from skrnn.testing import (
    Capabilities,
    check_sequence_estimator,
    parametrize_with_sequence_checks,
    sequence_estimator_checks_generator,
)
from skrnn.testing._checks import CHECKS
from skrnn.testing._forms import FORMS, make_data

ALL_FORMS = Capabilities(forms=tuple(FORMS))
LISTS = Capabilities(forms=("list", "tuple"))
SMALL = {"hidden_layer_sizes": 3, "max_iter": 3, "random_state": 0}


def claims_of(estimator):
    """Every form, and what the estimator's own tags do not tell."""
    return Capabilities(
        forms=tuple(FORMS),
        targets="classes" if isinstance(estimator, HiddenStates) else None,
        step_targets=estimator.get_params().get("return_sequences", False),
        missing_step_targets=estimator.get_params().get("return_sequences", False),
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
        SequenceImputer("interpolate"),
        RNNRegressor(cell="rnn", missing_values="error", **SMALL),
        HiddenStates(RNNClassifier(cell="rnn", **SMALL)),
    ],
    capabilities=claims_of,
)
def test_skrnn_keeps_every_promise(estimator, check):
    check(estimator)


# --- other people's estimators -----------------------------------------------------------------


MEAN = FunctionTransformer(np.mean, kw_args={"axis": 1})
SCALE = FunctionTransformer(zscore, kw_args={"axis": None})


@pytest.mark.parametrize(
    ("steps", "fails"),
    [
        ([MEAN, LogisticRegression()], []),
        ([MEAN, KMeans(2, n_init=1)], []),
        ([SCALE, MEAN, LogisticRegression()], ["check_batch_mates"]),
    ],
    ids=["sound", "starts at some samples", "scales by the batch"],
)
def test_an_estimator_of_three_dimensional_arrays(steps, fails):
    found = statuses(
        make_pipeline(*steps),
        Capabilities(forms=["3d"]),
        expected_failed_checks={"check_dtypes": "KMeans fitted in float64 takes no float32"},
    )
    assert [name for name, status in found.items() if status == "failed"] == fails
    assert sum(status == "passed" for status in found.values()) >= 17


class OnMeans(BaseEstimator):
    """Any estimator of tables on the means of three-dimensional arrays, with its own tags."""

    def __init__(self, estimator):
        self.estimator = estimator

    def fit(self, X, y=None):
        self.estimator_ = clone(self.estimator)
        self.n_channels_ = X.shape[2]
        self.estimator_.fit(self.means(X), y)
        return self

    def means(self, X):
        if 0 in X.shape or X.shape[2] != self.n_channels_:
            raise ValueError(f"X has shape {X.shape}, not (n, t, {self.n_channels_})")
        return X.mean(axis=1)

    @available_if(lambda self: hasattr(self.estimator, "predict"))
    def predict(self, X):
        return self.estimator_.predict(self.means(X))

    @available_if(lambda self: hasattr(self.estimator, "transform"))
    def transform(self, X):
        return csr_array(self.estimator_.transform(self.means(X)))

    def __sklearn_tags__(self):
        return get_tags(self.estimator)


@pytest.mark.parametrize(
    "estimator",
    [
        RandomForestClassifier(5),
        BaggingRegressor(n_estimators=3),
        GradientBoostingRegressor(n_estimators=5, subsample=0.5),
        MLPClassifier(4, max_iter=9, early_stopping=True),
        GridSearchCV(LogisticRegression(), {"C": [1]}, cv=2),
        MultinomialNB(),
        DummyClassifier(),
        StandardScaler(),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
def test_sound_estimators_of_scikit_learn_are_not_blamed(estimator):
    found = statuses(OnMeans(estimator), Capabilities(forms=["3d"]))
    assert set(found.values()) <= {"passed", "skipped"}
    assert sum(status == "passed" for status in found.values()) >= 10


def test_order_does_not_matter_where_batches_are_drawn():
    network = RNNRegressor(cell="rnn", batch_size=7, shuffle=False, **SMALL)
    assert statuses(network, LISTS)["check_fit_order"] == "failed"
    drawn = statuses(network, Capabilities(forms=LISTS.forms, full_batch=False))
    assert set(drawn.values()) <= {"passed", "skipped"}


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

STEPS = Capabilities(forms=tuple(FORMS), step_targets=True, missing_step_targets=True)


@pytest.mark.parametrize(
    ("estimator", "capabilities"),
    [(Sound(), ALL_FORMS), (SoundSteps(), STEPS)],
    ids=["one target", "step targets"],
)
def test_sound_estimators_pass(estimator, capabilities):
    assert set(statuses(estimator, capabilities).values()) <= {"passed", "skipped"}


@pytest.mark.parametrize("cls", [RefusesTheGapsItClaims, AnswersGapsWithNan])
def test_who_claims_to_take_gaps_has_to(cls):
    assert statuses(cls(), LISTS)["check_missing_values"] == "failed"


def test_every_check_has_an_estimator_that_breaks_it():
    assert set(BROKEN) == set(CHECKS)


def test_the_guide_names_every_check_and_every_form():
    guide = (Path(__file__).parents[2] / "docs/guide/conformance.md").read_text(encoding="utf-8")
    named = set(re.findall(r"^\| `(check_\w+)` \|", guide, re.MULTILINE))
    assert named == {name for name in CHECKS if not name.startswith("check_form_")}
    assert set(re.findall(r"^\| `'(\w+)'` \|", guide, re.MULTILINE)) == set(FORMS)


@pytest.mark.parametrize("name", CHECKS)
def test_a_check_catches_what_it_is_for(name):
    estimator = BROKEN[name]
    capabilities = STEPS if isinstance(estimator, SoundSteps) else ALL_FORMS
    if name == "check_takes_sequences":
        capabilities = Capabilities()
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
    ours = check_sequence_estimator(Sound(), capabilities=LISTS, on_skip=None)[0]
    assert ours.keys() == theirs.keys()
    assert ours["expected_to_fail_reason"] == theirs["expected_to_fail_reason"]


def test_every_check_has_a_result_and_every_skip_a_reason():
    results = check_sequence_estimator(
        Silent(), capabilities=LISTS, on_skip=None, expected_failed_checks=EXPECTED
    )
    assert [result["check_name"] for result in results] == list(CHECKS)
    reasons = {r["check_name"]: str(r["exception"]) for r in results if r["status"] == "skipped"}
    assert reasons["check_zero_weight_is_absence"] == "Silent.fit has no sample_weight"
    assert all(reasons.values())


def test_the_first_failure_is_raised_as_it_is():
    with pytest.raises(RuntimeError, match="too few"):
        check_sequence_estimator(Silent(), capabilities=LISTS, on_skip=None)


def test_failures_can_be_expected():
    found = statuses(Silent(), LISTS, expected_failed_checks=EXPECTED)
    assert found["check_batch_mates"] == "xfail"
    assert "failed" not in found.values()


def test_skips_and_failures_are_warned_of():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        check_sequence_estimator(Silent(), capabilities=LISTS, on_fail="warn")
    failures = [w for w in caught if issubclass(w.category, EstimatorCheckFailedWarning)]
    assert [w.message.check_name for w in failures] == ["check_batch_mates"]
    skips = [str(w.message) for w in caught if issubclass(w.category, SkipTestWarning)]
    assert "Skipping check_zero_weight_is_absence: Silent.fit has no sample_weight" in skips
    assert {w.filename for w in caught} == {__file__}


def test_the_callback_gets_every_result():
    results = []
    returned = check_sequence_estimator(
        Sound(),
        capabilities=LISTS,
        on_skip=None,
        on_fail=None,
        callback=lambda **result: results.append(result),
    )
    assert results == returned


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"estimator": Sound}, TypeError, r"class Sound. Pass Sound\(...\)"),
        ({"estimator": "Sound"}, TypeError, "got 'Sound'. Derive its class from"),
        ({"expected_failed_checks": {"check_fom": ""}}, ValueError, r"\['check_fom'\].*no checks"),
        ({"callback": print}, ValueError, "callback cannot be provided together"),
        ({"on_fail": "shout"}, ValueError, "'on_fail' parameter"),
        ({"capabilities": {"forms": ["list"]}}, ValueError, "'capabilities' parameter"),
    ],
)
def test_wrong_arguments_are_named(arguments, error, message):
    with pytest.raises(error, match=message):
        check_sequence_estimator(**{"estimator": Sound(), **arguments})


def test_wrong_arguments_of_the_generator_and_the_decorator_are_named():
    with pytest.raises(ValueError, match="'mark' parameter"):
        sequence_estimator_checks_generator(Sound(), mark="fail")
    with pytest.raises(ValueError, match="'expected_failed_checks' parameter"):
        parametrize_with_sequence_checks([Sound()], expected_failed_checks=EXPECTED)
    with pytest.raises(TypeError, match="class Sound"):
        parametrize_with_sequence_checks([Sound])
    for estimators in (Sound(), 3):
        with pytest.raises(TypeError, match=r"estimators must be a list of estimators. Got"):
            parametrize_with_sequence_checks(estimators)


@pytest.mark.parametrize(
    ("claims", "message"),
    [
        ({"forms": ["list", "4d"]}, "one or more of .*'padded'.*Got .*'4d'"),
        ({"forms": "list"}, "sequence of one or more"),
        ({"forms": []}, "sequence of one or more"),
        ({"forms": 3}, "sequence of one or more"),
        ({"forms": [["list"]]}, "sequence of one or more"),
        ({"axis_order": "channels_last"}, "one of .*'time_first'.*Got 'channels_last'"),
        ({"targets": "labels"}, "one of .*'classes', 'numbers'.*Got 'labels'"),
        ({"n_channels": 0}, "n_channels == 0, must be >= 1"),
        ({"min_length": 1}, "min_length == 1, must be >= 2"),
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


class CountsFits(Sound):
    """Refuses lists, and counts how often it is asked to learn from one."""

    n_lists = 0

    def fit(self, X, y, sample_weight=None):
        if isinstance(X, list):
            CountsFits.n_lists += 1
            raise ValueError("no lists")
        return super().fit(X, y, sample_weight)


def test_a_refused_form_is_reported_once_and_the_others_are_checked():
    found = statuses(CountsFits(), Capabilities(forms=("list", "padded", "object")))
    assert [name for name, status in found.items() if status == "failed"] == ["check_form_list"]
    assert sum(status == "passed" for status in found.values()) >= 28
    # Once to find out, once more for the error with its traceback.
    assert CountsFits.n_lists == 2


def test_where_every_declared_form_is_refused_only_their_own_checks_fail():
    results = check_sequence_estimator(
        CountsFits(), capabilities=Capabilities(forms=["list"]), on_fail=None, on_skip=None
    )
    said = {r["check_name"]: str(r["exception"]) for r in results}
    assert [r["check_name"] for r in results if r["status"] == "failed"] == ["check_form_list"]
    assert said["check_refit"] == (
        "CountsFits takes no sequences: see check_form_list: ValueError: no lists"
    )


class Broken(Sound):
    """Has one method that always raises."""

    def transform(self, X):
        raise AttributeError("not today")


def test_a_method_that_raises_is_reported_once():
    found = statuses(Broken(), Capabilities(forms=["list"]))
    assert [name for name, status in found.items() if status == "failed"] == ["check_form_list"]


class AnswersNaN(Sound):
    def predict(self, X):
        return np.full(len(X), np.nan)


def test_an_estimator_that_answers_nothing_but_nan_passes_no_check():
    results = check_sequence_estimator(AnswersNaN(), capabilities=LISTS, on_fail=None, on_skip=None)
    assert "passed" not in {result["status"] for result in results}
    failed = [result for result in results if result["status"] == "failed"]
    assert [result["check_name"] for result in failed] == ["check_form_list", "check_form_tuple"]
    assert "predict answers a finite sequence (number 0) with NaN" in str(failed[0]["exception"])
    found = statuses(AnswersNaN(), Capabilities())
    assert [name for name, s in found.items() if s == "failed"] == ["check_takes_sequences"]


class Chunks(ClassifierMixin, Sound):
    """A classifier whose partial_fit takes `classes` by keyword, without naming them."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return super().fit(X, y)

    def partial_fit(self, X, y, *args, **kwargs):
        if not hasattr(self, "classes_"):
            self.classes_ = np.asarray(kwargs["classes"])
            self.offset_ = self.draw()
            self.start()
        return self.learn(X, y, None, reset=not hasattr(self, "coef_"))

    def predict_proba(self, X):
        positive = 1 / (1 + np.exp(-super().predict(X)))
        return np.column_stack([1 - positive, positive])

    def predict(self, X):
        return (self.predict_proba(X)[:, 1] > 0.7).astype(int)


def test_classes_are_passed_where_any_keyword_is_taken():
    run_check("check_partial_fit", Chunks(), LISTS)


class AnyKeyword(Sound):
    """Its fit names no weights; what it does with them is a parameter."""

    def __init__(self, does="repeat", penalty=1e-6, random_state=None):
        super().__init__(penalty, random_state)
        self.does = does

    def fit(self, X, y, **fit_params):
        weight = fit_params.get("sample_weight")
        if weight is not None and self.does == "refuse":
            raise TypeError("no weights here")
        weight = None if self.does == "ignore" else weight
        return super().fit(X, y, weight)

    def weigh(self, sample_weight):
        return sample_weight ** (2 if self.does == "square" else 1)


@pytest.mark.parametrize("name", ["check_sample_weight_is_repetition"])
def test_weights_that_any_keyword_may_carry_are_checked(name):
    run_check(name, AnyKeyword("repeat"), LISTS)
    with pytest.raises(AssertionError, match="weights in place of repetitions"):
        run_check(name, AnyKeyword("square"), LISTS)
    with pytest.raises(SkipTest, match="takes no sample_weight: no weights here"):
        run_check(name, AnyKeyword("refuse"), LISTS)
    with pytest.raises(SkipTest, match="does nothing with sample_weight"):
        run_check(name, AnyKeyword("ignore"), LISTS)


class Tagged(Sound):
    """An estimator with any of scikit-learn's tags."""

    def __init__(self, tag=None, penalty=1e-6, random_state=None):
        super().__init__(penalty, random_state)
        self.tag = tag

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        if self.tag is not None:
            path, _, name = self.tag.rpartition(".")
            setattr(getattr(tags, path) if path else tags, name, True)
        return tags


class Random(Tagged):
    def draw(self):
        return np.random.default_rng().normal()


class Careless(Tagged):
    """Takes whatever it gets."""

    def read(self, X, reset):
        if isinstance(X, list):
            X = [np.nan_to_num(x[:, :2]) if len(x) else np.zeros((1, 2)) for x in X]
            X = X or [np.zeros((1, 2))]
        return super().read(X, reset)


class Positive(Tagged):
    def read(self, X, reset):
        sequences = super().read(X, reset)
        if (sequences.values < 0).any():
            raise ValueError("Negative values in data passed to Positive.")
        return sequences


@pytest.mark.parametrize(
    ("cls", "tag"),
    [
        (Random, "non_deterministic"),
        (Careless, "no_validation"),
        (Positive, "input_tags.positive_only"),
    ],
)
def test_tags_excuse_what_they_say_and_no_more(cls, tag):
    every = Capabilities(forms=("list", "padded", "object"))
    assert "failed" in statuses(cls(), every).values()
    found = statuses(cls(tag), every)
    assert set(found.values()) <= {"passed", "skipped"}
    assert sum(status == "passed" for status in found.values()) >= 18


@pytest.mark.parametrize("tag", ["_skip_test", "input_tags.pairwise"])
def test_tags_that_exclude_everything_skip_every_check(tag):
    assert set(statuses(Tagged(tag), LISTS).values()) == {"skipped"}


def test_an_estimator_of_no_sequences_fails():
    found = statuses(LinearRegression(), Capabilities())
    assert "passed" not in found.values()
    failed = [name for name, status in found.items() if status == "failed"]
    assert failed == ["check_takes_sequences"]
    with pytest.raises(AssertionError, match=r"no form of sequences:\n  list: ValueError"):
        run_check("check_takes_sequences", LinearRegression(), Capabilities())
    with pytest.raises(SkipTest, match="LinearRegression takes no sequences: see check_takes"):
        run_check("check_X_is_not_modified", LinearRegression(), Capabilities())


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
        capabilities=lambda estimator: LISTS if isinstance(estimator, Silent) else None,
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
    assert expected.values[1].capabilities is LISTS


@pytest.mark.parametrize("targets", ["classes", "numbers"])
@pytest.mark.parametrize("step_targets", [False, True])
def test_every_fold_has_what_there_is_to_learn(targets, step_targets):
    """Both classes, positive numbers, and lengths that tell neither."""
    claims = Capabilities(step_targets=step_targets)
    data = make_data(targets, claims, equal_lengths=False)
    assert len(set(data.lengths)) > 3
    for fold in np.array_split(np.arange(len(data.samples)), 3):
        learnt = np.concatenate([np.atleast_1d(data.targets[i]) for i in fold])
        assert len(set(learnt)) == 2 if targets == "classes" else (learnt > 0).all()
