"""MedianPruning and OptunaPruning: which fits they stop."""

from __future__ import annotations

import pickle
import re
import types
from pathlib import Path

import pytest
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from small_fits import Recorder, make_data, small

from skrnn.callbacks import MedianPruning, OptunaPruning
from skrnn.preprocessing import SequenceScaler

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning",
    "ignore:Training interrupted",
)


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
    copy.notes(est).update(fold="fold", scores=[1.0, 2.0])
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
