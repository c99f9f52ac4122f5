"""Diagnosis: planted faults come first, their remedies mend, healthy networks are left alone.

The cases are those of docs/benchmarks/diagnose_cases.py, which prints them as a table.
"""

from __future__ import annotations

import importlib.util
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from sklearn.pipeline import Pipeline, make_pipeline

from skrnn import RNNClassifier, RNNRegressor
from skrnn.inspection import Finding, Report, diagnose
from skrnn.preprocessing import SequenceScaler

SCRIPT = Path(__file__).parents[2] / "docs" / "benchmarks" / "diagnose_cases.py"
SHORT = {"max_iter": 5, "tol": 1e9, "n_iter_no_change": 1, "random_state": 0}


def load_cases():
    spec = importlib.util.spec_from_file_location("diagnose_cases", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


cases = load_cases()


@cache
def outcome(name):
    return cases.examine({**cases.BROKEN, **cases.HEALTHY}[name]())


@pytest.mark.parametrize("name", cases.BROKEN)
def test_the_planted_fault_comes_first(name):
    assert outcome(name).report[0].name == cases.BROKEN[name]().fault
    assert outcome(name).report[0].severity == "problem"


@pytest.mark.parametrize("name", cases.BROKEN)
def test_the_first_remedy_mends(name):
    before, after = outcome(name).before, outcome(name).after
    assert after > before + 0.1


@pytest.mark.parametrize("name", cases.HEALTHY)
def test_a_healthy_network_has_no_problem(name):
    assert outcome(name).before > 0.9
    assert [f.name for f in outcome(name).report if f.severity == "problem"] == []


# --- the report ----------------------------------------------------------------------------------


@pytest.fixture
def report(rng):
    est = RNNRegressor(4, "logistic", cell="rnn", random_state=0)
    return diagnose(est, 1000 * rng.normal(size=(20, 60, 2)), rng.normal(size=20))


def test_the_gravest_comes_first(report):
    order = ["problem", "warning", "info"]
    severities = [order.index(finding.severity) for finding in report]
    assert severities == sorted(severities)
    assert len(report) > 1


def test_the_text_names_finding_evidence_and_remedy(report):
    text = str(report)
    assert text.startswith("Diagnosis of RNNRegressor (before its first epoch)")
    assert "1. inputs not scaled (problem)" in text
    assert "largest channel rms = " in text
    assert "make_pipeline(SequenceScaler(), est)" in text


def test_the_table_is_escaped():
    finding = Finding("a < b", "info", "<script>", "none", {"x": 1.0}, {"cell": "gru"})
    html = Report((finding,), {}, "title")._repr_html_()
    assert "a &lt; b" in html
    assert "<script>" not in html
    assert "est.set_params(cell=&#x27;gru&#x27;)" in html


def test_nothing_wrong_is_said():
    report = Report((), {}, "title")
    assert report.healthy
    assert "Nothing is wrong" in str(report)
    assert "Nothing is wrong" in report._repr_html_()


@pytest.mark.parametrize(
    ("severity", "healthy"), [("info", True), ("warning", False), ("problem", False)]
)
def test_only_information_is_healthy(severity, healthy):
    assert Report((Finding("f", severity, "", ""),), {}, "").healthy is healthy


def test_a_remedy_is_applied_to_a_copy():
    est = RNNClassifier(cell="rnn", random_state=0)
    changed = Finding("f", "problem", "", "", {}, {"cell": "gru"}).apply(est)
    assert (est.cell, changed.cell) == ("rnn", "gru")


def test_a_scaler_is_put_in_front():
    finding = Finding("f", "problem", "", "", preprocessing="SequenceScaler")
    pipeline = finding.apply(RNNClassifier(n_channels=3))
    assert isinstance(pipeline, Pipeline)
    assert isinstance(pipeline[0], SequenceScaler)
    assert pipeline[0].n_channels == 3


def test_a_remedy_reaches_the_last_step_of_a_pipeline():
    pipeline = make_pipeline(SequenceScaler(), RNNClassifier(cell="rnn"))
    changed = Finding("f", "problem", "", "", {}, {"cell": "gru"}).apply(pipeline)
    assert (pipeline[-1].cell, changed[-1].cell) == ("rnn", "gru")


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


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
def test_every_cell_and_optimizer_can_be_diagnosed(ragged, cell, optimizer):
    clf = RNNClassifier((4, 3), cell=cell, optimizer=optimizer, bidirectional=True, **SHORT)
    report = diagnose(clf.fit(*ragged), *ragged)
    assert len(report.measurements["spectral_radius"]) == 2
