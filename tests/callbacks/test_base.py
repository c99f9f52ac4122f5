"""The protocol of callbacks: scikit-learn's, skrnn's and one's own."""

from __future__ import annotations

import pickle
import re
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from small_fits import N_SAMPLES, Recorder, fail, interrupt, make_data, small, vector_of

from skrnn import callbacks
from skrnn.callbacks import (
    Callback,
    Checkpoint,
    EarlyStopping,
    GradientFlowRecorder,
    LiveLoss,
    MedianPruning,
    Monitor,
)
from skrnn.preprocessing import SequenceScaler

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning",
    "ignore:Training interrupted",
)


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
def test_every_epoch_is_a_task_of_the_fit(optimizer):
    recorder = Recorder()
    small(optimizer=optimizer, max_iter=2).set_callbacks(recorder).fit(*make_data())
    epochs = [f"{when} epoch {i}" for i in range(2) for when in ("begin", "end")]
    assert recorder.hooks == ["setup", "begin fit 0", *epochs, "end fit 0", "teardown"]


def test_lbfgs_that_converges_begins_no_epoch_that_it_does_not_end():
    recorder = Recorder()
    est = small(optimizer="lbfgs", max_iter=500, tol=0.1, n_iter_no_change=400)
    est.set_callbacks(recorder).fit(*make_data())
    assert 1 < est.n_iter_ < 500
    assert recorder.hooks[-3] == f"end epoch {est.n_iter_ - 1}"


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
def test_a_callback_stops_the_fit(optimizer):
    recorder = Recorder(at=1, act=lambda: True)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        est = small(optimizer=optimizer).set_callbacks(recorder).fit(*make_data())
    assert est.n_iter_ == 2
    assert recorder.hooks[-2:] == ["end fit 0", "teardown"]


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
def test_teardown_follows_an_interrupt_and_the_model_is_kept(optimizer):
    recorder = Recorder(at=1, act=interrupt)
    with pytest.warns(UserWarning, match="interrupted"):
        est = small(optimizer=optimizer).set_callbacks(recorder).fit(*make_data())
    assert recorder.hooks[-2:] == ["end fit 0", "teardown"]
    assert np.isfinite(est.predict(make_data()[0])).all()


def test_teardown_follows_an_exception():
    recorder = Recorder(at=1, act=fail)
    est = small().set_callbacks(recorder)
    with pytest.raises(RuntimeError, match="on purpose"):
        est.fit(*make_data())
    assert recorder.hooks[-1] == "teardown"
    assert "_training_state" not in vars(est)


class Scalars(Callback):
    """Compares at the end of every epoch what the estimator says with its curves."""

    def __init__(self):
        self.n_epochs = 0

    def on_fit_task_end(self, estimator, context):
        if context.task_name == "epoch":
            self.n_epochs += 1
            assert estimator.n_iter_ == len(estimator.loss_curve_) == self.n_epochs
            assert estimator.loss_ == estimator.loss_curve_[-1]
            if estimator.best_loss_ is not None:
                assert estimator.best_loss_ == min(estimator.loss_curve_)
            if estimator.validation_scores_ is not None:
                assert estimator.best_validation_loss_ == min(estimator.validation_loss_curve_)
            assert estimator.t_ > 0
        return False


@pytest.mark.parametrize(
    "parameters", [{}, {"optimizer": "lbfgs"}, {"early_stopping": True}, {"batch_size": 5}]
)
def test_callbacks_see_what_is_true_now(parameters):
    scalars = Scalars()
    est = small(**parameters).set_callbacks(scalars).fit(*make_data())
    assert scalars.n_epochs == est.n_iter_ > 1


def test_a_second_fit_begins_without_the_numbers_of_the_first():
    seen = []

    class Looks(Callback):
        def on_fit_task_begin(self, estimator, context):
            if context.task_name == "fit":
                seen.append({name for name in vars(estimator) if name.endswith("_")})

    est = small(early_stopping=True).set_callbacks(Looks())
    est.fit(*make_data())
    est.fit(*make_data())
    assert seen[0]
    assert seen[1] - seen[0] == {"n_outputs_", "n_layers_", "out_activation_"}


def test_a_stop_rule_on_the_number_of_epochs_fires():
    class Stop(Callback):
        def on_fit_task_end(self, estimator, context):
            return context.task_name == "epoch" and estimator.n_iter_ >= 4

    assert small(max_iter=50).set_callbacks(Stop()).fit(*make_data()).n_iter_ == 4


def test_the_fitted_estimator_of_an_epoch_is_what_a_fit_of_so_many_epochs_gives():
    recorder = Recorder()
    X, y = make_data()
    X = pd.DataFrame(X, columns=list("abcd"))
    weight = np.linspace(1, 2, N_SAMPLES)
    small().set_callbacks(recorder).fit(X, y, sample_weight=weight)
    fitted, seen_X, seen_y, metadata, max_subtasks = recorder.fitted[2]
    assert seen_X is X
    assert seen_y is y
    assert metadata["sample_weight"] is weight
    assert max_subtasks == 0
    assert recorder.fitted[-1][-1] == 6
    expected = small(max_iter=3).fit(X, y, sample_weight=weight)
    np.testing.assert_array_equal(fitted.predict(X), expected.predict(X))
    assert fitted.loss_curve_ == expected.loss_curve_
    assert fitted.n_iter_ == 3


def test_what_no_hook_asks_for_is_not_evaluated(monkeypatch):
    monkeypatch.setattr("skrnn.estimators._training.Training.as_fitted", fail)
    est = small().set_callbacks(LiveLoss(every=100))
    est.fit(*make_data())
    with pytest.raises(TypeError):
        est.set_callbacks(Recorder()).fit(*make_data())


def test_callbacks_change_neither_parameters_nor_the_fit():
    recorder = Recorder()
    plain, watched = small().fit(*make_data()), small().set_callbacks(recorder)
    assert watched.get_params() == plain.get_params()
    assert clone(watched)._skl_callbacks[0] is recorder
    watched.fit(*make_data())
    np.testing.assert_array_equal(vector_of(watched), vector_of(plain))
    recorder.fitted.clear()
    restored = pickle.loads(pickle.dumps(watched))
    np.testing.assert_array_equal(vector_of(restored), vector_of(plain))
    assert "_skl_callbacks" not in vars(watched.set_callbacks())


def test_without_callbacks_no_epoch_leaves_a_context_behind(monkeypatch):
    tasks = []
    monkeypatch.setattr("skrnn.estimators._callbacks.FitTasks.end", lambda self: tasks.append(self))
    small().fit(*make_data())
    small().set_callbacks(Recorder()).fit(*make_data())
    assert [hasattr(task, "epoch") for task in tasks] == [False, True]


def test_partial_fit_calls_no_callback():
    recorder = Recorder()
    small().set_callbacks(recorder).partial_fit(*make_data())
    assert recorder.hooks == []


def test_callbacks_must_follow_the_protocol():
    for wrong in (object(), Recorder):
        with pytest.raises(TypeError, match="FitCallback protocol"):
            small().set_callbacks(wrong)


def test_scikit_learns_monitor_scores_every_epoch_in_a_search_of_pipelines():
    callback = pytest.importorskip("sklearn.callback", exc_type=ImportError)
    monitor = callback.ScoringMonitor(scoring="r2")
    est = make_pipeline(SequenceScaler(), small(max_iter=2).set_callbacks(monitor))
    grid = {"rnnregressor__learning_rate_init": [0.1, 0.01]}
    search = GridSearchCV(est, grid, cv=2, error_score="raise").fit(*make_data())
    log = monitor.get_logs().data_as_pandas
    assert len(log) == (2 * 2 + 1) * (2 + 1)
    refit = log[(log.task_name == "fit") & (log.task_id == 1)]
    X, y = make_data()
    assert search.score(X, y) in refit.r2.to_numpy()


def test_scikit_learns_progress_bar_shows_fit_and_search(capsys):
    callback = pytest.importorskip("sklearn.callback", exc_type=ImportError)
    pytest.importorskip("rich")
    small().set_callbacks(callback.ProgressBar()).fit(*make_data())
    assert re.search(r"RNNRegressor - fit .*100%", capsys.readouterr().out)
    search = GridSearchCV(small(max_iter=2), {"alpha": [0, 1]}, cv=2, error_score="raise")
    search.set_callbacks(callback.ProgressBar()).fit(*make_data())
    assert re.search(r"RNNRegressor - fit #3 .*100%", capsys.readouterr().out)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: EarlyStopping(patience=0), ValueError, "patience"),
        (lambda: EarlyStopping(min_delta=-1.0), ValueError, "min_delta"),
        (lambda: MedianPruning(n_startup_candidates=0), ValueError, "n_startup_candidates"),
        (lambda: LiveLoss("film"), ValueError, "'text' or 'plot'.*'film'"),
        (lambda: LiveLoss(every=0), ValueError, "every"),
        (lambda: Checkpoint("x", every=1.5), TypeError, "every"),
    ],
)
def test_bad_parameters_are_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize("callback", [EarlyStopping(), GradientFlowRecorder()])
def test_other_estimators_are_refused(callback):
    pytest.importorskip("sklearn.callback", exc_type=ImportError)
    with pytest.raises(TypeError, match="got LogisticRegression"):
        LogisticRegression().set_callbacks(callback).fit([[0.0], [1.0]], [0, 1])


# --- callbacks of one's own ----------------------------------------------------------------------


HOOKS = {
    "setup": ["setup"],
    "teardown": ["teardown"],
    "on_fit_task_begin": ["fit", "epoch", "epoch"],
    "on_fit_task_end": ["epoch", "epoch", "fit"],
}


@pytest.mark.parametrize("hook", HOOKS)
def test_a_callback_writes_only_the_hook_that_it_wants(hook):
    seen = []

    def note(self, estimator, context):
        seen.append(hook if hook in ("setup", "teardown") else context.task_name)

    callback = type("Own", (Callback,), {hook: note})()
    small(max_iter=2).set_callbacks(callback).fit(*make_data())
    assert seen == HOOKS[hook]


@pytest.mark.parametrize("hook", HOOKS)
def test_every_hook_says_when_it_is_called(hook):
    assert getattr(Callback, hook).__doc__.startswith("Called ")


def test_a_monitor_needs_only_a_judgement():
    seen = []

    class Own(Monitor):
        def judge(self, estimator, value):
            seen.append(value)
            return len(seen) == 3

    est = small().set_callbacks(Own(scoring="r2")).fit(*make_data())
    assert est.n_iter_ == 3
    assert seen[-1] == est.score(*make_data())


def test_a_monitor_without_a_judgement_is_told_so():
    with pytest.raises(NotImplementedError, match="Monitor does not define judge"):
        small().set_callbacks(Monitor()).fit(*make_data())


@pytest.mark.parametrize("name", callbacks.__all__)
def test_the_public_names_are_there(name):
    assert getattr(callbacks, name).__doc__


# --- notes ---------------------------------------------------------------------------------------


class Counter(Callback):
    """Counts the epochs in its notes."""

    def on_fit_task_end(self, estimator, context):
        if context.task_name == "epoch":
            notes = self.notes(estimator)
            notes["epochs"] = self.epochs = notes.get("epochs", 0) + 1


class OtherCounter(Counter):
    """The same under another name."""


def notes_by_key(*followers):
    """The notes of a fit of two epochs, as the last epoch leaves them."""
    kept = {}

    class Keep(Callback):
        def on_fit_task_end(self, estimator, context):
            kept.update(estimator._training_state.notes)

    small(max_iter=2).set_callbacks(*followers, Keep()).fit(*make_data())
    return kept


def test_notes_are_kept_by_the_type_of_the_callback():
    expected = {("Counter", 0): {"epochs": 2}, ("OtherCounter", 0): {"epochs": 2}}
    assert notes_by_key(Counter(), OtherCounter()) == expected
    assert notes_by_key(OtherCounter(), LiveLoss(every=9), Counter()) == expected


def test_equal_callbacks_have_notes_of_their_own():
    assert notes_by_key(Counter(), Counter()) == {
        ("Counter", 0): {"epochs": 2},
        ("Counter", 1): {"epochs": 2},
    }


def test_a_name_of_its_own_tells_a_callback_from_others_of_its_type():
    named = Counter()
    named.name = "mine"
    assert set(notes_by_key(Counter(), named)) == {("Counter", 0), ("mine", 0)}


def test_a_callback_of_scikit_learn_may_stand_beside_one_that_takes_notes():
    callback = pytest.importorskip("sklearn.callback", exc_type=ImportError)
    assert set(notes_by_key(callback.ScoringMonitor(scoring="r2"), Counter())) == {("Counter", 0)}


@pytest.mark.parametrize(
    ("hook", "message"),
    [
        ("on_epoch_end", "Write on_fit_task_end.*task_name is 'epoch'"),
        ("on_epoch_begin", "Write on_fit_task_begin.*task_name is 'epoch'"),
        ("on_train_begin", "Write on_fit_task_begin.*task_name is 'fit'"),
        ("on_train_end", "Write on_fit_task_end.*task_name is 'fit'"),
        ("on_batch_end", "the smallest task is an epoch"),
        ("on_fit_end", "Write on_fit_task_end.*task_name is 'fit'"),
    ],
)
def test_a_hook_of_another_library_is_refused(hook, message):
    with pytest.raises(TypeError, match=f"Mine defines '{hook}', which is no hook.*{message}"):
        type("Mine", (Callback,), {hook: lambda self, *args: None})


@pytest.mark.parametrize(
    ("callback", "shown"),
    [
        (Callback(), "Callback()"),
        (EarlyStopping(), "EarlyStopping()"),
        (EarlyStopping(scoring="r2", patience=3), "EarlyStopping(scoring='r2', patience=3)"),
        (Checkpoint("file", every=5), f"Checkpoint(path={Path('file')!r}, every=5)"),
    ],
)
def test_repr_shows_what_was_set(callback, shown):
    assert repr(callback) == shown


def test_repr_does_not_show_all_of_a_validation_set():
    shown = repr(EarlyStopping(X_val=np.zeros((50, 20, 3)), y_val=np.zeros(50)))
    assert shown.startswith("EarlyStopping(X_val=array(")
    assert len(shown) < 250
    assert "\n" not in shown
