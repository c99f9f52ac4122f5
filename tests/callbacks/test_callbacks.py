"""scikit-learn's callbacks on skrnn's estimators, and skrnn's own."""

from __future__ import annotations

import pickle
import re
import signal
import subprocess
import sys
import textwrap
import types
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

from skrnn import RNNClassifier, RNNRegressor
from skrnn.callbacks import (
    Callback,
    Checkpoint,
    EarlyStopping,
    LiveLoss,
    MedianPruning,
    OptunaPruning,
    sparkline,
)
from skrnn.core.optimizers import OPTIMIZERS
from skrnn.core.training import SCHEDULES
from skrnn.estimators._data import Dataset
from skrnn.inspection import GradientFlowRecorder
from skrnn.preprocessing import SequenceScaler

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning",
    "ignore:Training interrupted",
)

N_SAMPLES, N_TIMESTEPS = 24, 4
STOCHASTIC = sorted(set(OPTIMIZERS) - {"lbfgs"})


def make_data():
    X = np.random.default_rng(0).normal(size=(N_SAMPLES, N_TIMESTEPS))
    return X, X.sum(axis=1)


def small(cls=RNNRegressor, **parameters):
    return cls(**{"hidden_layer_sizes": 3, "max_iter": 6, "random_state": 0, **parameters})


def vector_of(est):
    return est.network_.parameters.vector


def fitted_attributes(est):
    """Everything that a fit leaves behind, as bytes."""
    attributes = {name: value for name, value in vars(est).items() if name != "_skl_callbacks"}
    attributes["_random_state"] = est._random_state.get_state()
    # Not the network as a whole: its architecture remembers what it was asked for.
    attributes["network_"] = vector_of(est)
    return {name: pickle.dumps(value) for name, value in attributes.items()}


class Recorder(Callback):
    """Writes down every hook; may raise or stop at an epoch."""

    def __init__(self, at=None, act=None):
        self.hooks, self.fitted, self.at, self.act = [], [], at, act

    def setup(self, estimator, context):
        self.hooks.append("setup")

    def teardown(self, estimator, context):
        self.hooks.append("teardown")

    def on_fit_task_begin(self, estimator, context):
        self.hooks.append(f"begin {context.task_name} {context.task_id}")

    def on_fit_task_end(
        self, estimator, context, *, X=None, y=None, metadata=None, fitted_estimator=None
    ):
        self.hooks.append(f"end {context.task_name} {context.task_id}")
        self.fitted.append((fitted_estimator, X, y, metadata, context.max_subtasks))
        if context.task_name == "epoch" and context.task_id == self.at:
            return self.act()
        return None


def interrupt():
    raise KeyboardInterrupt


def fail():
    raise RuntimeError("on purpose")


# --- The protocol ------------------------------------------------------------------------


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


# --- EarlyStopping -----------------------------------------------------------------------


def test_early_stopping_restores_the_best_epoch_on_the_validation_set():
    X, y = make_data()
    X_val, y_val = X[16:], y[16:]
    stop = EarlyStopping(scoring="r2", X_val=X_val, y_val=y_val, patience=3)
    est = small(max_iter=300, learning_rate_init=0.1).set_callbacks(stop).fit(X[:16], y[:16])
    assert est.n_iter_ == stop.best_epoch_ + 3 < 300
    assert est.score(X_val, y_val) == stop.best_score_ == max(stop.scores_)


@pytest.mark.parametrize(("restore_best", "epoch"), [(True, 2), (False, 4)])
def test_early_stopping_counts_and_restores(restore_best, epoch):
    scores = iter([0.1, 0.5, 0.4, 0.5, 0.9, 1.0])
    stop = EarlyStopping(
        scoring=lambda est, X, y: next(scores), patience=2, restore_best=restore_best
    )
    est = small().set_callbacks(stop).fit(*make_data())
    assert stop.scores_ == [0.1, 0.5, 0.4, 0.5]
    assert stop.best_epoch_ == 2
    np.testing.assert_array_equal(
        vector_of(est), vector_of(small(max_iter=epoch).fit(*make_data()))
    )


def test_an_improvement_must_exceed_min_delta():
    scores = iter([0.1, 0.2, 0.3, 0.4])
    stop = EarlyStopping(scoring=lambda est, X, y: next(scores), patience=2, min_delta=0.15)
    assert small().set_callbacks(stop).fit(*make_data()).n_iter_ == 3
    assert stop.best_epoch_ == 3


def test_without_a_scorer_the_loss_or_the_validation_score_decides():
    stop = EarlyStopping(patience=100)
    est = small().set_callbacks(stop).fit(*make_data())
    assert stop.scores_ == [-loss for loss in est.loss_curve_]
    est = small(early_stopping=True).set_callbacks(stop).fit(*make_data())
    assert stop.scores_ == est.validation_scores_


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


@pytest.mark.parametrize(
    ("callback", "message"),
    [
        (EarlyStopping(X_val=[[1.0]]), "X_val and y_val belong together"),
        (EarlyStopping(X_val=[[1.0]], y_val=[1.0, 2.0]), "inconsistent"),
        (EarlyStopping(scoring="acuracy"), "acuracy"),
    ],
)
def test_bad_validation_sets_are_refused_when_fit_begins(callback, message):
    with pytest.raises(ValueError, match=message):
        small().set_callbacks(callback).fit(*make_data())


@pytest.mark.parametrize("callback", [EarlyStopping(), GradientFlowRecorder()])
def test_other_estimators_are_refused(callback):
    pytest.importorskip("sklearn.callback", exc_type=ImportError)
    with pytest.raises(TypeError, match="got LogisticRegression"):
        LogisticRegression().set_callbacks(callback).fit([[0.0], [1.0]], [0, 1])


# --- MedianPruning -----------------------------------------------------------------------


@pytest.mark.parametrize("in_pipeline", [False, True])
def test_hopeless_candidates_are_stopped_and_the_refit_is_not(in_pipeline):
    pytest.importorskip("sklearn.callback", exc_type=ImportError)
    pruning, recorder = MedianPruning(n_startup_candidates=1, n_warmup_epochs=1), Recorder()
    est = small(tol=0.0).set_callbacks(pruning, recorder)
    grid = {"learning_rate_init": [0.05, 1e-6, 1e-6]}
    if in_pipeline:
        est = make_pipeline(SequenceScaler(), est)
        grid = {f"rnnregressor__{name}": values for name, values in grid.items()}
    search = GridSearchCV(est, grid, cv=2, error_score="raise").fit(*make_data())
    hooks = " ".join(recorder.hooks).split("setup")[1:]
    n_epochs = [hook.count("end epoch") for hook in hooks]
    assert n_epochs == [6, 6, 2, 2, 2, 2, 6]  # two folds of three candidates, and the refit
    best = search.best_estimator_[-1] if in_pipeline else search.best_estimator_
    assert best.n_iter_ == 6


def test_searches_do_not_prune_each_other():
    pytest.importorskip("sklearn.callback", exc_type=ImportError)
    pruning, recorder = MedianPruning(n_startup_candidates=1, n_warmup_epochs=0), Recorder()
    est = small().set_callbacks(pruning, recorder)
    for rate in (0.05, 1e-6):
        GridSearchCV(est, {"learning_rate_init": [rate]}, cv=2, refit=False).fit(*make_data())
    assert sum(hook.startswith("end epoch") for hook in recorder.hooks) == 2 * 2 * 6


def test_pruning_works_across_processes_and_cleans_up():
    pytest.importorskip("sklearn.callback", exc_type=ImportError)
    pruning = MedianPruning(n_startup_candidates=2, n_warmup_epochs=0)
    copy = pickle.loads(pickle.dumps(pruning))  # what a worker gets
    context = types.SimpleNamespace(
        task_name="fit", source_task_name="candidate-split-evaluation", task_id=0, root_uuid="u"
    )
    context.parent = None
    est = small()
    est._skl_callbacks, est._training_state = [copy], types.SimpleNamespace(notes={})
    copy._notes(est).update(fold="fold", scores=[1.0, 2.0])
    copy.on_fit_task_end(est, context)
    assert pruning._others("fold") == [[1.0, 2.0]]
    directory = pruning.directory
    del copy
    assert directory.exists()
    del pruning
    assert not directory.exists()


def test_an_older_scikit_learn_is_told_of():
    with pytest.raises(ImportError, match=r"scikit-learn >= 1\.9"):
        MedianPruning().setup(small(), types.SimpleNamespace())


# --- LiveLoss ----------------------------------------------------------------------------


def test_live_loss_writes_over_one_line(capsys):
    est = small(max_iter=5, early_stopping=True).set_callbacks(LiveLoss(every=2))
    est.fit(*make_data())
    screen = capsys.readouterr().out
    assert screen.count("\n") == 1
    epochs = re.findall(r"\repoch (\d+)  [▁-█]+  loss [\d.e-]+  validation", screen)
    assert epochs == ["2", "4", "5"]


def test_a_sparkline_shows_the_form_of_a_curve():
    assert sparkline([0, 1, 2, 7]) == "▁▂▃█"
    assert sparkline([3.0, 3.0]) == "▁▁"
    assert len(sparkline(np.arange(1000), width=10)) == 10


def test_live_loss_draws(pyplot):
    small().set_callbacks(LiveLoss("plot", every=3)).fit(*make_data())
    (line,) = pyplot.gcf().axes[0].lines
    assert len(line.get_xdata()) == 6


def test_live_loss_updates_the_picture_below_the_cell_of_a_notebook(pyplot, monkeypatch):
    updates = []
    handle = types.SimpleNamespace(update=updates.append)
    ipython = types.SimpleNamespace(display=lambda figure, display_id: handle)
    monkeypatch.setitem(sys.modules, "ipykernel", types.ModuleType("ipykernel"))
    monkeypatch.setitem(sys.modules, "IPython", types.ModuleType("IPython"))
    monkeypatch.setitem(sys.modules, "IPython.display", ipython)
    small().set_callbacks(LiveLoss("plot", every=3)).fit(*make_data())
    assert len(updates) == 2
    assert pyplot.get_fignums() == []


def test_live_loss_names_the_package_it_needs(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match="matplotlib"):
        small().set_callbacks(LiveLoss("plot")).fit(*make_data())


# --- Checkpoint --------------------------------------------------------------------------


def killed_and_resumed(path, at, X, y, cls=RNNRegressor, callbacks=(), **parameters):
    """Fit until an exception at an epoch, then with a new estimator from the file."""
    every = parameters.pop("every", 1)
    killer = Recorder(at=at, act=fail)
    est = small(cls, **parameters).set_callbacks(Checkpoint(path, every=every), *callbacks, killer)
    with pytest.raises(RuntimeError, match="on purpose"):
        est.fit(X, y)
    recorder = Recorder()
    est = small(cls, **parameters).set_callbacks(
        Checkpoint(path, every=every), *callbacks, recorder
    )
    return est.fit(X, y), sum(hook.startswith("end epoch") for hook in recorder.hooks)


CASES = {
    **{f"optimizer {name}": {"optimizer": name} for name in STOCHASTIC},
    **{f"schedule {name}": {"learning_rate": name} for name in SCHEDULES},
    "adaptive and impatient": {"learning_rate": "adaptive", "tol": 9.0, "n_iter_no_change": 1},
    "early stopping": {"early_stopping": True, "learning_rate_init": 0.2, "n_iter_no_change": 2},
    "batches and dropout": {"batch_size": 5, "dropout": 0.5},
    "two layers": {"hidden_layer_sizes": (3, 2), "bidirectional": True},
    "seldom": {"every": 3},
}


@pytest.mark.parametrize("case", CASES)
def test_a_resumed_fit_ends_equal_to_the_bit(case, tmp_path):
    parameters = {"max_iter": 9, **CASES[case]}
    est, n_epochs = killed_and_resumed(tmp_path / "file", 5, *make_data(), **parameters)
    parameters.pop("every", None)
    expected = small(**parameters).fit(*make_data())
    assert 0 < n_epochs < expected.n_iter_
    assert fitted_attributes(est) == fitted_attributes(expected)


def test_a_resumed_classifier_on_float32_ends_equal_to_the_bit(tmp_path):
    X, y = make_data()
    X, y = X.astype(np.float32), np.where(y > 0, "up", "down")
    est, _ = killed_and_resumed(tmp_path / "file", 3, X, y, RNNClassifier)
    assert fitted_attributes(est) == fitted_attributes(small(RNNClassifier).fit(X, y))


def test_without_a_seed_the_validation_split_is_the_same_after_resuming(tmp_path, monkeypatch):
    path = tmp_path / "file"
    parameters = {"random_state": None, "early_stopping": True}
    hold_out, splits = Dataset.hold_out, []

    def noted(data, *args):
        training, held_out = hold_out(data, *args)
        splits.append(held_out.sequences.values)
        return training, held_out

    monkeypatch.setattr(Dataset, "hold_out", noted)
    killed_and_resumed(path, 3, *make_data(), **parameters)
    np.testing.assert_array_equal(*splits)


def test_other_callbacks_are_resumed_too(tmp_path):
    def stop():
        return EarlyStopping(patience=3, min_delta=0.3)

    expected = small(max_iter=50).set_callbacks(stop()).fit(*make_data())
    resumed_stop = stop()
    est, n_epochs = killed_and_resumed(
        tmp_path / "file", 3, *make_data(), max_iter=50, callbacks=(resumed_stop,)
    )
    assert n_epochs < expected.n_iter_ < 50
    assert fitted_attributes(est) == fitted_attributes(expected)
    assert len(resumed_stop.scores_) == expected.n_iter_


def test_a_finished_fit_is_read_from_its_file(tmp_path):
    recorder = Recorder()
    est = small().set_callbacks(Checkpoint(tmp_path / "file"), recorder).fit(*make_data())
    first = fitted_attributes(est)
    recorder.hooks.clear()
    assert fitted_attributes(est.fit(*make_data())) == first
    assert recorder.hooks == ["setup", "begin fit 0", "end fit 0", "teardown"]


def test_an_interrupted_fit_can_be_resumed(tmp_path):
    path = tmp_path / "file"
    killer = Recorder(at=3, act=interrupt)
    small().set_callbacks(Checkpoint(path), killer).fit(*make_data())
    est = small().set_callbacks(Checkpoint(path)).fit(*make_data())
    assert fitted_attributes(est) == fitted_attributes(small().fit(*make_data()))


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"alpha": 1.0}, "alpha"),
        ({"cell": "rnn", "max_iter": 7}, "cell, max_iter"),
        ({"X": np.ones((N_SAMPLES, N_TIMESTEPS))}, "X"),
        ({"y": np.ones(N_SAMPLES)}, "y"),
        ({"sample_weight": np.ones(N_SAMPLES)}, "sample_weight"),
    ],
)
def test_a_checkpoint_of_another_fit_is_refused(changes, name, tmp_path):
    X, y = make_data()
    small().set_callbacks(Checkpoint(tmp_path / "file")).fit(X, y)
    changes = dict(changes)
    data = {name: changes.pop(name) for name in ("X", "y", "sample_weight") if name in changes}
    est = small(**changes).set_callbacks(Checkpoint(tmp_path / "file"))
    with pytest.raises(ValueError, match=rf"another fit, which differs in: {name}\."):
        est.fit(**{"X": X, "y": y, **data})


def test_what_cannot_be_recognised_is_refused(tmp_path):
    est = small(init=lambda rng, n_in, n_out: np.ones((n_in, n_out)))
    with pytest.raises(ValueError, match=r"recognise init=<function .* cannot be pickled"):
        est.set_callbacks(Checkpoint(tmp_path / "file")).fit(*make_data())


def test_a_state_handed_to_a_fit_that_fails_does_not_reach_the_next(tmp_path):
    checkpoint = Checkpoint(tmp_path / "file")
    est = small().set_callbacks(checkpoint).fit(*make_data())

    class FailingBegin(Callback):
        def on_fit_task_begin(self, estimator, context):
            fail()

    with pytest.raises(RuntimeError, match="on purpose"):
        est.set_callbacks(checkpoint, FailingBegin()).fit(*make_data())
    recorder = Recorder()
    est.set_callbacks(recorder).fit(*make_data())
    assert len(recorder.fitted) == 6 + 1


def test_verbose_may_differ(tmp_path):
    small().set_callbacks(Checkpoint(tmp_path / "file")).fit(*make_data())
    small(verbose=2).set_callbacks(Checkpoint(tmp_path / "file")).fit(*make_data())


def test_a_warm_start_is_another_fit(tmp_path):
    est = small(warm_start=True).set_callbacks(Checkpoint(tmp_path / "file")).fit(*make_data())
    with pytest.raises(ValueError, match="the weights to start from"):
        est.fit(*make_data())


@pytest.mark.parametrize(
    "content", [b"", b"text", pickle.dumps({"a": 1}), pickle.dumps([1]), b"\x80\x05c"]
)
def test_a_file_that_is_no_checkpoint_is_refused(content, tmp_path):
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(ValueError, match="no checkpoint of skrnn"):
        small().set_callbacks(Checkpoint(tmp_path / "file")).fit(*make_data())


def test_lbfgs_and_missing_directories_are_refused(tmp_path):
    est = small(optimizer="lbfgs").set_callbacks(Checkpoint(tmp_path / "file"))
    with pytest.raises(ValueError, match="lbfgs"):
        est.fit(*make_data())
    with pytest.raises(FileNotFoundError, match="no directory"):
        small().set_callbacks(Checkpoint(tmp_path / "no" / "file")).fit(*make_data())


def test_a_directory_holds_a_file_for_every_fit_of_a_search(tmp_path):
    recorder = Recorder()
    est = small().set_callbacks(Checkpoint(tmp_path), recorder)
    search = GridSearchCV(est, {"alpha": [0.0, 1.0]}, cv=2, error_score="raise")
    first = search.fit(*make_data()).cv_results_["mean_test_score"]
    assert len(list(tmp_path.iterdir())) == 5
    recorder.hooks.clear()
    np.testing.assert_array_equal(search.fit(*make_data()).cv_results_["mean_test_score"], first)
    assert not any("epoch" in hook for hook in recorder.hooks)


def test_a_failed_write_leaves_the_last_file_whole(tmp_path, monkeypatch):
    path = tmp_path / "file"
    small().set_callbacks(Checkpoint(path)).fit(*make_data())
    whole = path.read_bytes()

    def no_space(descriptor):
        raise OSError("no space left")

    monkeypatch.setattr("os.fsync", no_space)
    with pytest.raises(OSError, match="no space"):
        small().set_callbacks(Checkpoint(path)).fit(*make_data())
    assert path.read_bytes() == whole
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


KILLED = """
import os, signal, sys
import numpy as np
from skrnn import RNNRegressor
from skrnn.callbacks import Callback, Checkpoint

class Kill(Callback):
    def on_fit_task_end(self, estimator, context):
        if context.task_name == "epoch" and context.task_id == 4:
            os.kill(os.getpid(), signal.SIGKILL)

X = np.random.default_rng(0).normal(size=(24, 4))
reg = RNNRegressor(3, max_iter=6, random_state=0, batch_size=5, early_stopping=True)
reg.set_callbacks(Checkpoint(sys.argv[1]), Kill()).fit(X, X.sum(axis=1))
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="there is no SIGKILL")
def test_a_fit_whose_process_was_killed_is_resumed(tmp_path):
    path = tmp_path / "file"
    run = subprocess.run(
        [sys.executable, "-P", "-c", textwrap.dedent(KILLED), str(path)], check=False
    )
    assert run.returncode == -signal.SIGKILL
    parameters = {"batch_size": 5, "early_stopping": True}
    recorder = Recorder()
    est = small(**parameters).set_callbacks(Checkpoint(path), recorder).fit(*make_data())
    assert sum(hook.startswith("end epoch") for hook in recorder.hooks) == 2
    assert fitted_attributes(est) == fitted_attributes(small(**parameters).fit(*make_data()))


# --- Optuna ------------------------------------------------------------------------------


def test_optuna_prunes_a_trial():
    optuna = pytest.importorskip("optuna")
    optuna.logging.set_verbosity(optuna.logging.ERROR)

    def objective(trial):
        rate = trial.suggest_categorical("learning_rate_init", [0.05, 1e-6])
        est = small(learning_rate_init=rate, tol=0.0).set_callbacks(OptunaPruning(trial))
        return -est.fit(*make_data()).loss_

    study = optuna.create_study(
        direction="maximize",
        sampler=optuna.samplers.GridSampler({"learning_rate_init": [0.05, 1e-6]}, seed=1),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=1, n_warmup_steps=2),
    )
    study.enqueue_trial({"learning_rate_init": 0.05})
    study.enqueue_trial({"learning_rate_init": 1e-6})
    study.optimize(objective, n_trials=2)
    good, bad = study.trials
    assert good.state is optuna.trial.TrialState.COMPLETE
    assert len(good.intermediate_values) == 6
    assert bad.state is optuna.trial.TrialState.PRUNED
    assert len(bad.intermediate_values) < 6


def test_the_example_of_the_guide_runs():
    optuna = pytest.importorskip("optuna")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    page = Path(__file__).parents[2] / "docs" / "guide" / "optuna.md"
    (example,) = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    names = {}
    exec(example, names)
    states = {trial.state.name for trial in names["study"].trials}
    assert states == {"COMPLETE", "PRUNED"}
    assert names["study"].best_value > 0.3
