"""Diagnosis: planted faults come first, their remedies help, healthy networks are left alone.

The cases are those of docs/benchmarks/diagnose_cases.py, which prints them as a table.
"""

from __future__ import annotations

import importlib.util
import itertools
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from skrnn import RNNClassifier, RNNRegressor
from skrnn.core.cells import CELLS
from skrnn.inspection import diagnose
from skrnn.preprocessing import TokenEncoder

SCRIPT = Path(__file__).parents[2] / "docs" / "benchmarks" / "diagnose_cases.py"
SHORT = {"max_iter": 5, "tol": 1e9, "n_iter_no_change": 1, "random_state": 0}


def load_cases():
    spec = importlib.util.spec_from_file_location("diagnose_cases", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


cases = load_cases()
GENERALIZATION = {**cases.OVERFITTED, **cases.UNDERFITTED}


@cache
def outcome(name):
    return cases.examine({**cases.BROKEN, **GENERALIZATION, **cases.HEALTHY}[name]())


@pytest.mark.parametrize("name", cases.BROKEN)
def test_the_planted_fault_comes_first(name):
    assert outcome(name).report[0].name == cases.BROKEN[name]().fault
    assert outcome(name).report[0].severity == "problem"


@pytest.mark.parametrize("name", GENERALIZATION)
def test_what_has_come_of_training_is_named_first(name):
    assert outcome(name).report[0].name == GENERALIZATION[name]().fault
    assert not outcome(name).report.healthy


@pytest.mark.parametrize("name", GENERALIZATION)
def test_the_first_remedy_raises_the_score_on_the_validation_set(name):
    assert outcome(name).validated_after > outcome(name).validated_before


def test_the_first_remedies_raise_the_score_on_data_that_nobody_has_seen():
    rises = [outcome(name).after > outcome(name).before for name in GENERALIZATION]
    assert sum(rises[: len(cases.OVERFITTED)]) >= 4
    assert all(rises[len(cases.OVERFITTED) :])


@pytest.mark.parametrize("name", cases.BROKEN)
def test_the_first_remedy_helps(name):
    before, after = outcome(name).before, outcome(name).after
    assert after > before + 0.1


@pytest.mark.parametrize("name", cases.HEALTHY)
def test_a_healthy_network_has_no_problem(name):
    assert outcome(name).before > 0.9
    assert [f.name for f in outcome(name).report if f.severity == "problem"] == []


# --- single checks -------------------------------------------------------------------------------


def names(report):
    return [finding.name for finding in report]


def test_inputs_that_are_too_small_are_found(rng):
    X, y = 1e-4 * rng.normal(size=(20, 5, 2)), rng.normal(size=20)
    assert names(diagnose(RNNRegressor(4, random_state=0), X, y))[0] == "inputs not scaled"


def test_targets_that_are_not_scaled_are_found(rng):
    X, y = rng.normal(size=(20, 5, 2)), 1e4 * rng.normal(size=20)
    est = RNNRegressor(4, random_state=0, normalize_y=False)
    finding = diagnose(est, X, y)[0]
    assert finding.name == "targets not scaled"
    assert "targets not scaled" not in names(diagnose(finding.apply(est), X, y))


def test_what_was_learnt_all_the_same_is_information(rng):
    X = 20 * rng.normal(size=(60, 5, 1))
    reg = RNNRegressor(8, readout="mean", random_state=0, learning_rate_init=0.02, tol=1e-4)
    y = np.sign(X).sum(axis=(1, 2))
    report = diagnose(reg.fit(X, y), X, y)
    assert report.measurements["skill"] > 0.9
    severities = {finding.name: finding.severity for finding in report}
    assert severities["inputs not scaled"] == "info"


def test_a_rare_class_is_reported_unless_it_is_weighted(rng):
    X, y = rng.normal(size=(60, 4, 1)), (np.arange(60) < 5).astype(int)
    plain = RNNClassifier(4, learning_rate_init=0.05, **SHORT)
    finding = diagnose(plain.fit(X, y), X, y)[0]
    assert finding.name == "class imbalance"
    assert finding.evidence["imbalance"] == 11.0
    weighted = finding.apply(plain).fit(X, y)
    assert "class imbalance" not in names(diagnose(weighted, X, y))


def test_a_diverged_network_is_told_so(ragged):
    clf = RNNClassifier(4, **SHORT).fit(*ragged)
    clf.network_.parameters.vector[:] = np.nan
    assert diagnose(clf, *ragged)[0].name == "diverged"


def test_diagnosis_changes_nothing(ragged):
    clf = RNNClassifier(4, cell="rnn", **SHORT).fit(*ragged)
    before, parameters = clf.network_.parameters.vector.copy(), clf.get_params()
    curve = list(clf.loss_curve_)
    diagnose(clf, *ragged)
    np.testing.assert_array_equal(clf.network_.parameters.vector, before)
    assert clf.get_params() == parameters
    assert clf.loss_curve_ == curve


def test_many_sequences_are_looked_at_in_part(rng, monkeypatch):
    X, y = rng.normal(size=(300, 4, 1)), rng.normal(size=300)
    est = RNNRegressor(4, return_sequences=True, random_state=0)
    steps = X[:, :, 0] + y[:, None]
    monkeypatch.setattr("skrnn.inspection._measurements.MOST_SAMPLES", 10)
    report = diagnose(est, X, steps)
    assert report.measurements["median_length"] == 4


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
def test_every_cell_and_optimizer_can_be_diagnosed(ragged, cell, optimizer):
    clf = RNNClassifier((4, 3), cell=cell, optimizer=optimizer, bidirectional=True, **SHORT)
    report = diagnose(clf.fit(*ragged), *ragged)
    assert len(report.measurements["spectral_radius"]) == 2


# --- ids ------------------------------------------------------------------------------------------

SENTENCES = [" ".join(words) for words in itertools.permutations(["a", "b", "c", "d"])]
FIRST = [sentence[0] for sentence in SENTENCES]


def of_tokens(**params):
    return make_pipeline(TokenEncoder(), RNNClassifier(4, max_iter=2, random_state=0, **params))


@pytest.mark.parametrize("fitted", [False, True])
@pytest.mark.parametrize("wrap", [lambda est: est, lambda est: GridSearchCV(est, {}, cv=2)])
@pytest.mark.filterwarnings("ignore:The network has learnt nothing")
def test_ids_without_an_embedding_are_found(fitted, wrap):
    est = wrap(of_tokens())
    if fitted:
        est = est.fit(SENTENCES, FIRST)
    report = diagnose(est, SENTENCES, FIRST, try_remedies=False)
    finding = next(one for one in report if one.name == "ids read as numbers")
    assert finding.severity == "problem"
    assert finding.evidence == {"largest id": 4.0}
    mended = finding.apply(est)
    assert mended[-1].embedding_dim == 8
    assert "ids read as numbers" not in [one.name for one in diagnose(mended, SENTENCES, FIRST)]


def test_their_size_is_no_fault_beside_it():
    many = [" ".join(f"w{i}" for i in range(start, start + 8)) for start in range(40)]
    names = [one.name for one in diagnose(of_tokens(), many, np.arange(40) % 2)]
    assert "ids read as numbers" in names
    assert "inputs not scaled" not in names


def test_of_several_channels_the_remedy_names_no_parameter():
    X = pd.DataFrame({"word": [["a", "b"], ["b", "a"]] * 5, "size": [[1.0, 0.5], [0.1, 0.2]] * 5})
    report = diagnose(of_tokens(), X, [0, 1] * 5)
    finding = next(one for one in report if one.name == "ids read as numbers")
    assert finding.parameters == {}
    assert "embedding_dim={channel: 8}" in finding.remedy
