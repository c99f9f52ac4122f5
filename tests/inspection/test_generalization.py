"""Diagnosis of what has come of training: nothing, too little, or too much of the training data."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from wrappers import WRAPPERS, fitted, table, target_of

from skrnn import RNNClassifier, RNNRegressor
from skrnn._innermost import Data
from skrnn.callbacks import Callback
from skrnn.datasets import make_adding_problem
from skrnn.inspection import diagnose
from skrnn.inspection._measurements import Measurements
from skrnn.inspection._opened import open_with_validation
from skrnn.inspection._remedies import against_overfitting, against_underfitting
from skrnn.preprocessing import SequenceScaler

# Networks that learn nothing, or are stopped early, are what this is about.
pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore::skrnn.core.training.NotLearntWarning"),
]

# Nothing that a default decides.
PLAIN = {
    "cell": "gru",
    "readout": "last",
    "bidirectional": False,
    "frame_length": 1,
    "differences": False,
    "batch_size": 10,
    "learning_rate": "constant",
    "learning_rate_init": 0.02,
    "max_iter": 40,
    "n_iter_no_change": 10,
    "random_state": 0,
}


def classifier(**parameters):
    return RNNClassifier(**{"hidden_layer_sizes": 16, **PLAIN, **parameters})


def regressor(**parameters):
    return RNNRegressor(**{"hidden_layer_sizes": 16, **PLAIN, **parameters})


def by_chance(n=90, n_train=30):
    """Sequences and labels that have nothing to do with them, in two parts."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(n, 8, 3)), rng.integers(0, 2, size=n)
    return X[:n_train], y[:n_train], X[n_train:], y[n_train:]


def names(report):
    return [finding.name for finding in report]


def measured(est, X, y, X_val=None, y_val=None):
    opened, validation, data = open_with_validation(est, Data(X, y, X_val, y_val))
    return Measurements(opened, validation, data)


# --- overfitting against a validation set --------------------------------------------------------


def test_what_holds_for_the_training_data_only_is_a_problem():
    X, y, X_val, y_val = by_chance()
    clf = classifier().fit(X, y)
    assert clf.score(X, y) > 0.95
    report = diagnose(clf, X, y, X_val=X_val, y_val=y_val, try_remedies=False)
    assert names(report)[0] == "overfitting"
    assert report[0].severity == "problem"
    assert not report.healthy


def mostly_noise(n_train=40):
    """The mean of one channel of twelve, in two parts."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(160, 8, 12))
    y = 3 * X[:, :, 0].mean(axis=1) + rng.normal(0, 0.3, size=160)
    return X[:n_train], y[:n_train], X[n_train:], y[n_train:]


def test_the_score_with_the_remedy_is_the_one_that_its_fit_reaches():
    X, y, X_val, y_val = mostly_noise()
    pipeline = make_pipeline(SequenceScaler(), regressor()).fit(X, y)
    finding = diagnose(pipeline, X, y, X_val=X_val, y_val=y_val)[0]
    mended = finding.apply(pipeline).fit(X, y)
    assert finding.evidence["held-out R2"] == pytest.approx(pipeline.score(X_val, y_val))
    assert finding.evidence["with the remedy"] == pytest.approx(mended.score(X_val, y_val))
    assert mended.score(X_val, y_val) > pipeline.score(X_val, y_val) + 0.1


def test_the_first_remedy_is_the_best_of_those_told():
    X, y, X_val, y_val = by_chance()
    m = measured(classifier().fit(X, y), X, y, X_val, y_val)
    better = m.trials.best_first([{"alpha": 0.1}, {"readout": "mean"}, {"hidden_layer_sizes": 4}])
    assert [trial.rank for trial in better] == sorted((t.rank for t in better), reverse=True)
    assert all(trial.held_out.score >= m.held_out.score for trial in better)


def test_the_two_best_remedies_are_tried_together():
    X, y, X_val, y_val = mostly_noise()
    m = measured(regressor().fit(X, y), X, y, X_val, y_val)
    better = m.trials.best_first([{"alpha": 0.3}, {"readout": "mean"}])
    assert better[0].parameters == {"alpha": 0.3, "readout": "mean"}
    assert better[0].held_out.score > better[1].held_out.score > m.held_out.score


def test_a_remedy_that_cannot_be_fitted_is_passed_over():
    X, y, X_val, y_val = by_chance()
    m = measured(classifier(optimizer="lbfgs").fit(X, y), X, y, X_val, y_val)
    assert m.trials.best_first([{"dropout": 0.5}]) == []


def test_a_network_that_holds_on_other_data_does_not_overfit():
    X, y = make_adding_problem(300, 8, random_state=0)
    reg = regressor().fit(X[:200], y[:200])
    report = diagnose(reg, X[:200], y[:200], X_val=X[200:], y_val=y[200:])
    assert report.healthy
    assert report.notes == ()
    assert report.measurements["held_out_score"] == pytest.approx(reg.score(X[200:], y[200:]))


def test_a_search_is_diagnosed_with_a_validation_set():
    X, y, X_val, y_val = by_chance()
    search = GridSearchCV(classifier(), {"alpha": [0.0, 1e-4]}, cv=2).fit(X, y)
    finding = diagnose(search, X, y, X_val=X_val, y_val=y_val)[0]
    assert finding.name == "overfitting"
    assert finding.apply(search).fit(X, y).score(X_val, y_val) >= search.score(X_val, y_val)


@pytest.mark.parametrize("name", WRAPPERS)
def test_a_validation_set_goes_the_way_of_the_training_data(name):
    est, X, y = fitted(name), table()[0], target_of(name)
    report = diagnose(est, X, y, X_val=X[4:], y_val=y[4:], try_remedies=False)
    wrapper = WRAPPERS[name]
    expected = wrapper.network(est).score(wrapper.X(est, X)[4:], wrapper.y(est, y)[4:])
    assert_allclose(report.measurements["held_out_score"], expected, rtol=1e-9)


@pytest.mark.parametrize("given", ["X_val", "y_val"])
def test_half_a_validation_set_is_refused(given):
    X, y, X_val, y_val = by_chance()
    clf = classifier(max_iter=2).fit(X, y)
    half = {given: X_val if given == "X_val" else y_val}
    with pytest.raises(ValueError, match=f"{given} is given without"):
        diagnose(clf, X, y, **half)


def test_a_validation_set_needs_a_fitted_network():
    X, y, X_val, y_val = by_chance()
    with pytest.raises(NotFittedError, match=r"this RNNClassifier is not fitted\. Call fit first"):
        diagnose(make_pipeline(SequenceScaler(), classifier()), X, y, X_val=X_val, y_val=y_val)


def test_errors_say_that_they_are_about_the_validation_set():
    X, y, X_val, y_val = by_chance()
    clf = classifier(max_iter=2).fit(X, y)
    with pytest.raises(ValueError, match=r"In the validation set .* classes \[5\]"):
        diagnose(clf, X, y, X_val=X_val, y_val=np.full(len(y_val), 5))


# --- overfitting against the curves that a fit has kept ------------------------------------------


def test_the_curves_of_early_stopping_show_that_nothing_holds_on_other_data():
    X, y, *_ = by_chance(n_train=60)
    clf = classifier(early_stopping=True, validation_fraction=0.3).fit(X, y)
    report = diagnose(clf, X, y, try_remedies=False)
    best = int(np.argmin(clf.validation_loss_curve_))
    assert report.measurements["held_out_score"] == clf.validation_scores_[best]
    assert not report.healthy


def test_the_curves_of_a_validation_set_show_overfitting():
    X, y, X_val, y_val = by_chance()
    clf = classifier().fit(X, y, X_val=X_val, y_val=y_val)
    report = diagnose(clf, X, y, try_remedies=False)
    assert names(report)[0] == "overfitting"
    assert report[0].evidence["held-out accuracy"] == clf.validation_scores_[-1]
    assert report[0].evidence["held-out loss"] == clf.validation_loss_curve_[-1]


def test_without_a_validation_set_remedies_are_tried_on_a_part_that_is_set_aside():
    X, y, *_ = by_chance(n_train=40)
    m = measured(classifier().fit(X, y), X, y)
    assert m.trials.as_it_is.held_out.n_samples == 10
    assert m.trials.as_it_is.trained.n_samples == 30
    together = np.concatenate([m.trials.data.X, m.trials.data.X_val])
    assert_array_equal(np.sort(together, axis=0), np.sort(X, axis=0))


def test_windows_that_are_set_aside_share_no_step_with_the_others():
    series = np.random.default_rng(0).normal(size=(60, 1))
    X = np.lib.stride_tricks.sliding_window_view(series[:, 0], 6)[:, :, None]
    y = X[:, -1, 0].copy()
    m = measured(regressor(max_iter=2).fit(X, y), X, y)
    assert m.trials.as_it_is is not None
    assert len(m.trials.data.X_val) == 14
    assert not np.isin(m.trials.data.X_val, m.trials.data.X).any()


def test_a_list_of_sequences_is_set_aside_in_part(ragged):
    X, y = ragged
    m = measured(classifier(max_iter=2).fit(X, y), X, y)
    assert m.trials.as_it_is is not None
    assert len(m.trials.data.X) + len(m.trials.data.X_val) == len(X)


def test_without_data_to_compare_with_the_report_says_so():
    X, y, *_ = by_chance()
    report = diagnose(classifier().fit(X, y), X, y)
    assert report.notes == ("Overfitting was not looked for: pass X_val and y_val.",)
    assert report.notes[0] in str(report)
    assert report.notes[0] in report._repr_html_()


# --- at chance -----------------------------------------------------------------------------------


def test_at_chance_on_the_data_given_is_a_problem():
    X, y, X_new, y_new = by_chance()
    report = diagnose(classifier().fit(X, y), X_new, y_new, try_remedies=False)
    found = {finding.name: finding.severity for finding in report}
    assert found["no better than a constant"] == "problem"


@pytest.mark.parametrize("make", [classifier, regressor])
def test_at_chance_on_the_training_data_is_a_problem(make):
    X, y, *_ = by_chance(n_train=40)
    est = make(learning_rate_init=1e-9, max_iter=3).fit(X, y)
    found = {f.name: f.severity for f in diagnose(est, X, y, try_remedies=False)}
    assert found["no better than a constant"] == "problem"


def test_at_chance_on_validation_data_is_a_problem():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 6, 2)), rng.normal(size=60)
    reg = regressor(hidden_layer_sizes=4, max_iter=8).fit(X[:30], y[:30])
    assert reg.score(X[30:], y[30:]) < 0
    report = diagnose(reg, X[:30], y[:30], X_val=X[30:], y_val=y[30:], try_remedies=False)
    assert any(finding.severity == "problem" for finding in report)


def test_always_the_frequent_class_is_no_better_than_a_constant():
    X = np.random.default_rng(0).normal(size=(40, 6, 2))
    y = (np.arange(40) % 4 == 0).astype(int)
    clf = classifier(learning_rate_init=1e-9, max_iter=3).fit(X, y)
    clf.network_.parameters["output.b"][:] = -1.0
    assert set(clf.predict(X)) == {0}
    report = diagnose(clf, X, y, try_remedies=False)
    constant = next(f for f in report if f.name == "no better than a constant")
    assert constant.evidence["accuracy, the data given"] == pytest.approx(0.75)
    assert constant.evidence["accuracy of a constant, the data given"] == pytest.approx(0.75)


def test_a_quantile_is_judged_by_its_loss_and_not_by_r2():
    X, y = make_adding_problem(200, 6, random_state=0)
    y = 20 * y + np.random.default_rng(0).exponential(40, size=200)
    reg = regressor(loss="quantile", quantile=0.97, max_iter=60).fit(X, y)
    assert reg.score(X, y) < 0
    m = measured(reg, X, y)
    assert m.name_of_score == "skill"
    assert m.trained.score == m.trained.skill > 0
    assert not m.trained.at_chance


def test_balanced_classes_are_judged_by_balanced_accuracy():
    rng = np.random.default_rng(0)
    y = (np.arange(120) % 12 == 0).astype(int)
    X = rng.normal(size=(120, 8, 1)) + 0.6 * y[:, None, None]
    clf = classifier(class_weight="balanced", readout="mean", batch_size=20).fit(X, y)
    m = measured(clf, X, y)
    right = clf.predict(X) == y
    assert m.name_of_score == "weighted accuracy"
    assert m.trained.score == pytest.approx((right[y == 0].mean() + right[y == 1].mean()) / 2)
    assert m.trained.constant_score == pytest.approx(0.5)
    assert not m.trained.at_chance


def test_several_labels_are_right_together():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(30, 4, 2)), rng.integers(0, 2, size=(30, 3))
    clf = classifier(max_iter=3).fit(X, y)
    m = measured(clf, X, y)
    assert m.trained.score == pytest.approx(clf.score(X, y))
    assert m.trained.constant_score == pytest.approx(
        np.unique(y, axis=0, return_counts=True)[1].max() / 30
    )


@pytest.mark.parametrize(("make", "value"), [(regressor, 3.0), (classifier, 1)])
def test_where_there_is_nothing_to_learn_nothing_is_missed(make, value):
    X, y = np.random.default_rng(0).normal(size=(20, 5, 2)), np.full(20, value)
    report = diagnose(make(max_iter=3).fit(X, y), X, y)
    assert "no better than a constant" not in names(report)
    assert "underfitting" not in names(report)


# --- underfitting --------------------------------------------------------------------------------


def test_a_penalty_that_outweighs_the_loss_is_underfitting():
    X, y = make_adding_problem(120, 6, random_state=0)
    reg = regressor(alpha=100.0).fit(X, y)
    report = diagnose(reg, X, y)
    assert names(report)[0] == "underfitting"
    assert report[0].severity == "problem"
    assert report[0].parameters["alpha"] < 1
    assert report[0].apply(reg).fit(X, y).score(X, y) > 0.9


def test_noise_is_not_underfitting():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(80, 5, 2)), rng.normal(size=80)
    report = diagnose(regressor(hidden_layer_sizes=2, max_iter=5, tol=1.0).fit(X, y), X, y)
    assert "underfitting" not in names(report)


def test_noise_that_was_learnt_by_heart_is_not_underfitting():
    rng = np.random.default_rng(1)
    X, y = rng.normal(size=(120, 8, 3)), rng.normal(size=120)
    reg = regressor().fit(X[:60], y[:60])
    report = diagnose(reg, X[60:], y[60:])
    assert names(report) == ["no better than a constant"]


# --- a trial leaves no trace ---------------------------------------------------------------------


class Counts(Callback):
    """Counts the fits that it hears of."""

    fits = 0

    def begin_fit(self, estimator):
        Counts.fits += 1


def test_trials_leave_callbacks_random_numbers_and_the_screen_alone(capsys):
    X, y, X_val, y_val = by_chance()
    clf = classifier(random_state=None, verbose=True).set_callbacks(Counts()).fit(X, y)
    capsys.readouterr()
    fits, vector = Counts.fits, clf.network_.parameters.vector.copy()
    parameters, state = clf.get_params(), np.random.get_state()[1].copy()  # noqa: NPY002
    assert names(diagnose(clf, X, y, X_val=X_val, y_val=y_val))[0] == "overfitting"
    assert Counts.fits == fits
    assert capsys.readouterr().out == ""
    assert_array_equal(np.random.get_state()[1], state)  # noqa: NPY002
    assert_array_equal(clf.network_.parameters.vector, vector)
    assert clf.get_params() == parameters


def test_nothing_is_fitted_where_remedies_are_not_to_be_tried(monkeypatch):
    X, y, X_val, y_val = by_chance()
    clf = classifier().fit(X, y)
    monkeypatch.setattr(RNNClassifier, "fit", None)
    report = diagnose(clf, X, y, X_val=X_val, y_val=y_val, try_remedies=False)
    assert report[0].name == "overfitting"
    assert report[0].parameters == {}
    assert "try_remedies=False" in report.notes[0]


# --- parameters that were left to the fit --------------------------------------------------------

DECIDED = ("readout", "max_iter", "n_iter_no_change", "batch_size", "bidirectional")


@pytest.mark.parametrize("cell", ["rnn", "gru"])
def test_what_the_fit_took_auto_for_is_what_is_diagnosed(cell):
    X, y, X_val, y_val = by_chance()
    clf = classifier(cell=cell, max_iter=4).fit(X, y)
    stated = diagnose(clf, X, y, X_val=X_val, y_val=y_val, try_remedies=False)
    clf.auto_params_ = {name: getattr(clf, name) for name in DECIDED}
    clf.set_params(**dict.fromkeys(DECIDED, "auto"))
    decided = diagnose(clf, X, y, X_val=X_val, y_val=y_val, try_remedies=False)
    assert decided.findings == stated.findings
    assert clf.readout == "auto"


def test_remedies_say_nothing_that_the_fit_has_decided_already():
    X, y, *_ = by_chance()
    clf = classifier(readout="mean", bidirectional=True, batch_size=8).fit(X, y)
    clf.auto_params_ = {"readout": "mean", "bidirectional": True, "batch_size": 8}
    clf.set_params(**dict.fromkeys(clf.auto_params_, "auto"))
    m = measured(clf, X, y)
    for remedies in (against_overfitting(m.opened, longer=False), against_underfitting(m.opened)):
        remedies = list(remedies)
        assert {"readout": "max"} in remedies
        assert {"readout": "mean"} not in remedies
        assert not any("bidirectional" in remedy or "batch_size" in remedy for remedy in remedies)


@pytest.mark.parametrize(("n_timesteps", "stride"), [(63, None), (64, 4), (128, 8)])
def test_frames_are_tried_for_long_sequences(n_timesteps, stride):
    X, y = np.random.default_rng(0).normal(size=(6, n_timesteps, 1)), np.arange(6) % 2
    m = measured(classifier(max_iter=1, batch_size=6).fit(X, y), X, y)
    strides = [remedy.get("frame_stride") for remedy in against_underfitting(m.opened)]
    assert [value for value in strides if value] == ([stride] if stride else [])


def test_a_schedule_that_is_planned_is_not_ended_before():
    X, y, *_ = by_chance()
    clf = classifier(learning_rate="cosine", max_iter=2).fit(X, y)
    longer = next(against_underfitting(measured(clf, X, y).opened))
    assert longer == {"max_iter": 200, "n_iter_no_change": np.inf}
