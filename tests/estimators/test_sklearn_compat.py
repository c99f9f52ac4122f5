"""RNNClassifier and RNNRegressor keep scikit-learn's contract, in every configuration."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from functools import partial

import numpy as np
import pytest
import scipy
from own_parts import SCALED_TANH, Averaged, LogCosh
from sklearn.base import clone
from sklearn.utils import estimator_checks, get_tags
from sklearn.utils.estimator_checks import (
    check_classifiers_train,
    check_dataframe_column_names_consistency,
    check_estimator,
    check_fit_idempotent,
    check_inplace_ensure_writeable,
    check_methods_sample_order_invariance,
    check_methods_subset_invariance,
    check_param_validation,
    check_regressors_train,
    check_sample_weight_equivalence_on_dense_data,
    parametrize_with_checks,
)
from sklearn.utils.fixes import parse_version

from skrnn import RNNClassifier, RNNRegressor
from skrnn.core.activations import ACTIVATIONS
from skrnn.core.cells import CELLS
from skrnn.core.losses import REGRESSION_LOSSES
from skrnn.core.optimizers import OPTIMIZERS
from skrnn.core.readouts import READOUTS
from skrnn.core.training import SCHEDULES

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]

HAS_ARRAY_API = parse_version(scipy.__version__) >= parse_version("1.14")

# As small as the scores that the checks demand allow.
SMALL = {
    "hidden_layer_sizes": 8,
    "cell": "rnn",
    "learning_rate_init": 0.03,
    "max_iter": 20,
    "power_t": 0.05,
}
SMALL_CLASSIFIER = partial(RNNClassifier, **SMALL)
SMALL_REGRESSOR = partial(RNNRegressor, **SMALL)
REGISTRIES = {
    "cell": CELLS,
    "activation": {value: name for name, value in reversed(ACTIVATIONS.items())}.values(),
    "optimizer": OPTIMIZERS,
    "readout": READOUTS,
    "learning_rate": SCHEDULES,
    "loss": REGRESSION_LOSSES,
}
SWITCHES = [
    {},
    {"bidirectional": True},
    {"hidden_layer_sizes": (8, 4)},
    {"hidden_layer_sizes": (8, 8), "bidirectional": True, "dropout": 0.1},
    {"dropout": 0.2},
    {"bptt_steps": 6},
    {"max_grad_norm": None},
    {"batch_size": 60, "learning_rate_init": 0.05, "max_iter": 40},
    {"shuffle": False, "alpha": 0.1},
    {"init": "he_normal", "recurrent_init": "identity", "hidden_layer_sizes": 16, "max_iter": 40},
    {"class_weight": "balanced"},
    {"missing_values": "error"},
    {"normalize_y": False},
    {"readout": ("last", "mean", "max")},
    {"frame_length": 2},
    {"frame_length": 3, "frame_stride": 2, "frame_units": 4},
    # Objects in place of names.
    {"cell": CELLS["rnn"]},
    {"activation": SCALED_TANH},
    {"optimizer": OPTIMIZERS["adam"]()},
    {"optimizer": Averaged()},
    {"readout": READOUTS["last"]},
    {"loss": REGRESSION_LOSSES["gamma"]()},
    {"loss": LogCosh()},
]
# What a regressor needs more than that to reach an R2 of 0.5 with every seed.
WIDER = {"hidden_layer_sizes": 16, "max_iter": 40}
FASTER = {"learning_rate_init": 0.03, "max_iter": 40}
RECTIFIED = {"hidden_layer_sizes": 32, "learning_rate_init": 0.01}
MORE = {
    "gru": FASTER,
    "lru": {**FASTER, **WIDER},
    "lstm": {**FASTER, **WIDER},
    "relu": RECTIFIED,
    "leaky_relu": RECTIFIED,
    "logistic": {"cell": "gru", **FASTER, **WIDER, "max_iter": 80},
    "mean": WIDER,
    "max": WIDER,
    "sgd": {"learning_rate_init": 0.1},
    "rmsprop": {"learning_rate_init": 0.01},
    "adagrad": {"learning_rate_init": 0.1},
    "lbfgs": {"max_iter": 40},
}


def configurations(small: partial, more: dict) -> list:
    """One estimator for every entry of every registry and for every switch."""
    base = small().get_params()
    changes = [
        {**more.get(name, {}), parameter: name}
        for parameter, registry in REGISTRIES.items()
        for name in registry
        if name != base.get(parameter)
    ]
    return [small(**change) for change in changes + SWITCHES if change.keys() <= base.keys()]


def ids_of(estimators: list, small: partial) -> list[str]:
    base = small().get_params()
    changes = (
        [f"{k}={v}" for k, v in estimator.get_params().items() if v != base[k]]
        for estimator in estimators
    )
    # Without the addresses of objects, which differ from process to process.
    return [re.sub(r" at 0x\w+", "", "-".join(change)) or "small" for change in changes]


CLASSIFIERS = configurations(SMALL_CLASSIFIER, {})
REGRESSORS = [
    *configurations(SMALL_REGRESSOR, MORE),
    SMALL_REGRESSOR(early_stopping=True, n_iter_no_change=20, **WIDER),
]


@pytest.fixture
def positive_targets(monkeypatch):
    """Targets > 0 for the one check that overlooks the tag `positive_only`."""
    make_regression = estimator_checks.make_regression

    def make_positive_regression(*args, **kwargs):
        X, y = make_regression(*args, **kwargs)
        return X, y - y.min() + 1

    monkeypatch.setattr(estimator_checks, "make_regression", make_positive_regression)


@pytest.fixture(autouse=True)
def skip_nothing(monkeypatch):
    """Let `check_array_api_input` run, as far as SciPy allows once it is imported."""
    if HAS_ARRAY_API:
        monkeypatch.setenv("SCIPY_ARRAY_API", "1")


def not_passed(estimator) -> set[tuple[str, str, str]]:
    results = check_estimator(estimator, on_skip=None, on_fail=None)
    assert len(results) > 50
    return {
        (result["check_name"], result["status"], repr(result["exception"]))
        for result in results
        if result["status"] != "passed"
    }


@parametrize_with_checks([RNNClassifier(), RNNRegressor()])
def test_defaults(estimator, check):
    check(estimator)


@pytest.mark.parametrize("estimator", CLASSIFIERS, ids=ids_of(CLASSIFIERS, SMALL_CLASSIFIER))
def test_classifier(estimator):
    assert not_passed(estimator) == set()


@pytest.mark.parametrize("estimator", REGRESSORS, ids=ids_of(REGRESSORS, SMALL_REGRESSOR))
def test_regressor(estimator, request):
    if get_tags(estimator).target_tags.positive_only:
        request.getfixturevalue("positive_targets")
    assert not_passed(estimator) == set()


def test_several_quantiles_fail_no_check_but_those_of_predictions_like_y():
    failed = not_passed(SMALL_REGRESSOR(loss="quantile", quantile=[0.1, 0.5, 0.9]))
    assert {name for name, *_ in failed} == {
        "check_regressors_train",
        "check_regressor_multioutput",
    }


@pytest.mark.parametrize("small", [SMALL_CLASSIFIER, SMALL_REGRESSOR])
def test_two_channels(small, monkeypatch):
    """The checks' own hook gives every column twice, so that it is a step of two channels."""
    adapt = estimator_checks._enforce_estimator_tags_X

    def twice(*args, **kwargs):
        X = adapt(*args, **kwargs)
        if isinstance(X, tuple):
            return tuple(np.repeat(part, 2, axis=1) for part in X)
        return np.repeat(X, 2, axis=1)

    monkeypatch.setattr(estimator_checks, "_enforce_estimator_tags_X", twice)
    assert not_passed(small(n_channels=2)) == set()


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
def test_early_stopping_of_a_classifier(optimizer):
    """All checks but one.

    That one holds five samples out, two of them of the class with all the weight: the first
    network that gets those two right has the best weighted accuracy that there is.
    """
    failed = not_passed(SMALL_CLASSIFIER(early_stopping=True, optimizer=optimizer))
    assert {name for name, *_ in failed} <= {"check_class_weight_classifiers"}


@pytest.mark.skipif(not HAS_ARRAY_API, reason="SciPy 1.14 added what the check needs")
def test_array_api_set_before_scipy_is_imported():
    code = """
import warnings
warnings.simplefilter("ignore")
from sklearn.utils.estimator_checks import estimator_checks_generator
from skrnn import RNNClassifier, RNNRegressor
from test_sklearn_compat import CLASSIFIERS, REGRESSORS

ESTIMATORS = [RNNClassifier(), RNNRegressor(), *CLASSIFIERS, *REGRESSORS]
n_checks = 0
for estimator in ESTIMATORS:
    for instance, check in estimator_checks_generator(estimator):
        if check.func.__name__ == "check_array_api_input":
            check(instance)
            n_checks += 1
assert n_checks == len(ESTIMATORS), n_checks
"""
    path = [os.path.dirname(__file__), *filter(None, sys.path)]
    environment = {**os.environ, "SCIPY_ARRAY_API": "1", "PYTHONPATH": os.pathsep.join(path)}
    run = subprocess.run([sys.executable, "-P", "-c", code], env=environment, capture_output=True)
    assert run.returncode == 0, run.stderr.decode()


# Checks that scikit-learn runs on its own estimators only.
@pytest.mark.parametrize(
    "check",
    [
        check_dataframe_column_names_consistency,
        check_inplace_ensure_writeable,
        check_param_validation,
    ],
)
@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("small", [SMALL_CLASSIFIER, SMALL_REGRESSOR])
def test_checks_of_scikit_learn_itself(check, small, early_stopping):
    estimator = small(early_stopping=early_stopping)
    check(type(estimator).__name__, estimator)


CHECKS = {
    RNNClassifier: [check_classifiers_train],
    RNNRegressor: [check_regressors_train],
}
CHECKS_OF_BOTH = [
    check_fit_idempotent,
    check_methods_sample_order_invariance,
    check_methods_subset_invariance,
    check_sample_weight_equivalence_on_dense_data,
]


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("small", [SMALL_CLASSIFIER, SMALL_REGRESSOR])
def test_no_check_depends_on_the_seed(small, cell, seed, monkeypatch):
    set_random_state = estimator_checks.set_random_state
    monkeypatch.setattr(
        estimator_checks,
        "set_random_state",
        lambda estimator, random_state=0: set_random_state(estimator, random_state + seed),
    )
    more = MORE.get(cell, {}) if small is SMALL_REGRESSOR else {}
    estimator = small(**{**more, "cell": cell})
    for check in CHECKS[type(estimator)] + CHECKS_OF_BOTH:
        check(type(estimator).__name__, clone(estimator))


def test_tags():
    classifier, regressor = get_tags(RNNClassifier()), get_tags(RNNRegressor())
    assert classifier.input_tags.three_d_array
    assert classifier.classifier_tags.multi_label
    assert classifier.target_tags.required
    assert regressor.target_tags.multi_output
    assert not regressor.target_tags.positive_only
    assert get_tags(RNNRegressor(loss="poisson")).target_tags.positive_only
    for tags in (classifier, regressor):
        assert not tags.non_deterministic
        assert not tags.no_validation
        assert tags.input_tags.allow_nan
    assert not classifier.classifier_tags.poor_score
    assert not regressor.regressor_tags.poor_score
