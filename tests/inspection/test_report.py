"""The report of a diagnosis: what it shows, and what its remedies change."""

from __future__ import annotations

from html import escape

import numpy as np
import pytest
from sklearn.pipeline import Pipeline, make_pipeline

from skrnn import RNNClassifier, RNNRegressor
from skrnn.inspection import Finding, Report, diagnose
from skrnn.preprocessing import SequenceScaler


@pytest.fixture
def report(rng):
    est = RNNRegressor(4, "logistic", cell="rnn", random_state=0)
    return diagnose(est, 1000 * rng.normal(size=(20, 60, 2)), rng.normal(size=20))


def test_the_most_severe_comes_first(report):
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


@pytest.mark.parametrize("findings", [(), (Finding("f", "info", "", ""),)])
def test_what_was_not_looked_for_is_not_said_to_be_right(findings):
    report = Report(findings, {}, "title", notes=("Overfitting was not looked for.",))
    assert "Nothing is wrong" not in str(report)
    assert "No fault was found" in str(report)
    assert "Overfitting was not looked for." in str(report)


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


def test_the_line_of_a_remedy_changes_the_network_in_a_pipeline(rng):
    X, y = rng.normal(size=(20, 60, 2)), rng.normal(size=20)
    est = make_pipeline(SequenceScaler(), RNNRegressor(4, "logistic", cell="rnn", random_state=0))
    report = diagnose(est, X, y)
    (line,) = [row.strip() for row in str(report).splitlines() if ".set_params(" in row][:1]
    assert line.startswith("est[-1].set_params(")
    assert line in report._repr_html_().replace("&#x27;", "'")
    assert eval(line).get_params().items() >= report[0].parameters.items()


# --- numbers as a user would write them ----------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (np.int64(1), "1"),
        (np.float64(0.5), "0.5"),
        (np.str_("a"), "'a'"),
        (np.bool_(True), "True"),
        ((np.int64(4), np.int64(3)), "(4, 3)"),
        ([np.float64(0.5)], "[0.5]"),
        ({np.int64(0): np.str_("a")}, "{0: 'a'}"),
        ("gru", "'gru'"),
        (None, "None"),
        (np.inf, "float('inf')"),
    ],
)
def test_a_remedy_shows_plain_values(value, shown):
    finding = Finding("f", "info", "", "", {}, {"p": value})
    report = Report((finding,), {}, "")
    assert f"est.set_params(p={shown})" in str(report)
    assert f"est.set_params(p={escape(shown)})" in report._repr_html_()


def test_evidence_holds_plain_values():
    finding = Finding("f", "info", "", "", {"rate": np.float64(0.5), "layers": [np.int64(1)]})
    assert "np." not in repr(finding)
    assert finding.evidence == {"rate": 0.5, "layers": [1]}


def test_measurements_hold_plain_values(rng):
    X, y = rng.normal(size=(20, 6, 2)), rng.normal(size=20)
    reg = RNNRegressor(4, max_iter=5, tol=1e9, n_iter_no_change=1, random_state=0).fit(X, y)
    report = diagnose(reg, X, y, X_val=X, y_val=y, try_remedies=False)
    assert "np." not in repr(report)


@pytest.mark.parametrize(("labels", "shown"), [((0, 1), "1"), (("no", "yes"), "'yes'")])
def test_a_class_is_shown_as_the_user_writes_it(rng, labels, shown):
    X, y = rng.normal(size=(60, 4, 1)), np.array(labels)[(np.arange(60) < 5).astype(int)]
    clf = RNNClassifier(
        4, learning_rate_init=0.05, max_iter=5, tol=1e9, n_iter_no_change=1, random_state=0
    )
    finding = diagnose(clf.fit(X, y), X, y)[0]
    assert finding.name == "class imbalance"
    assert finding.message.startswith(f"Class {shown} is rare, ")


def test_a_rate_of_numpy_is_shown_as_a_number(rng):
    X, y = rng.normal(size=(20, 60, 2)), rng.normal(size=20)
    rate = np.float64(0.0001)
    report = diagnose(RNNRegressor(4, "logistic", cell="rnn", learning_rate_init=rate), X, y)
    assert report[0].parameters["learning_rate_init"] == rate
    assert "learning_rate_init=0.0001" in str(report)
    assert "np." not in str(report)


def test_a_report_shows_its_text_in_a_console():
    report = Report((Finding("f", "info", "seen", "do"),), {}, "title")
    assert repr(report) == str(report)


def test_the_card_has_a_badge_for_every_severity(report):
    html = report._repr_html_()
    for finding in report:
        assert f'skrnn-{finding.severity}">{finding.severity}</span>' in html
        assert f'<span class="skrnn-name">{escape(finding.name)}</span>' in html


def test_the_card_says_what_was_measured_of_a_healthy_network():
    html = Report((), {"input_rms": np.array([1.0, 0.25]), "flat": [{"z": 0.5}]}, "t")._repr_html_()
    assert "<tr><th>input rms</th><td>1; 0.25</td></tr>" in html
    assert "<tr><th>flat</th><td>z 0.5</td></tr>" in html
    assert "skrnn-healthy" in html
