"""What Ctrl-C ends: a plain fit, which keeps its model, or all of what runs fit after fit."""

from __future__ import annotations

import numpy as np
import pytest
from joblib import Parallel, delayed
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import BaggingRegressor, StackingRegressor, VotingRegressor
from sklearn.feature_selection import SequentialFeatureSelector
from sklearn.model_selection import (
    GridSearchCV,
    RandomizedSearchCV,
    cross_val_predict,
    cross_val_score,
    learning_curve,
    validation_curve,
)
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import make_pipeline
from small_fits import Recorder, interrupt, make_data, small

from skrnn.estimators import _training
from skrnn.preprocessing import HiddenStates, SequenceScaler
from skrnn.testing import check_sequence_estimator

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

GRID = {"alpha": [0.0, 1.0, 2.0]}


class PressCtrlC(Recorder):
    """Interrupts every fit after its second epoch."""

    def __init__(self):
        super().__init__(at=1, act=interrupt)

    @property
    def n_fits(self):
        return sum(hook == "end epoch 0" for hook in self.hooks)


def interrupted(**parameters):
    press = PressCtrlC()
    return small(**parameters).set_callbacks(press), press


PLAIN = {
    "fit": lambda est: est.fit(*make_data()),
    "Pipeline": lambda est: make_pipeline(SequenceScaler(), est).fit(*make_data())[-1],
    "TransformedTargetRegressor": lambda est: (
        TransformedTargetRegressor(est).fit(*make_data()).regressor_
    ),
    "HiddenStates": lambda est: HiddenStates(est).fit(*make_data()).estimator_,
}


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
@pytest.mark.parametrize("name", PLAIN)
def test_a_fit_of_the_users_own_ends_and_keeps_its_model(name, optimizer):
    est, _ = interrupted(optimizer=optimizer)
    with pytest.warns(UserWarning, match="interrupted by user; the model so far is kept"):
        fitted = PLAIN[name](est)
    assert fitted.n_iter_ == 2
    assert np.isfinite(fitted.predict(make_data()[0])).all()


@pytest.fixture
def interrupted_after_training(monkeypatch):
    def why_not_learnt(*args, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(_training, "why_not_learnt", why_not_learnt)


@pytest.mark.usefixtures("interrupted_after_training")
def test_an_interrupt_after_the_last_epoch_keeps_the_model():
    X, y = make_data()
    assert np.isfinite(small(learning_rate="cosine").fit(X, y).predict(X)).all()


@pytest.mark.usefixtures("interrupted_after_training")
def test_an_interrupt_after_the_last_epoch_of_one_fit_of_many_ends_them_all():
    X, y = make_data()
    with pytest.raises(KeyboardInterrupt):
        cross_val_score(small(learning_rate="cosine"), X, y, cv=2)


def run_in_optuna(est, X, y):
    optuna = pytest.importorskip("optuna")
    optuna.logging.set_verbosity(optuna.logging.ERROR)

    def objective(trial):
        return clone(est).fit(X, y).score(X, y)

    optuna.create_study().optimize(objective, n_trials=3)


MANY = {
    "GridSearchCV": lambda est, X, y: GridSearchCV(est, GRID, cv=2).fit(X, y),
    "GridSearchCV of a Pipeline": lambda est, X, y: GridSearchCV(
        make_pipeline(SequenceScaler(), est), {"rnnregressor__alpha": [0.0, 1.0]}, cv=2
    ).fit(X, y),
    "RandomizedSearchCV": lambda est, X, y: RandomizedSearchCV(est, GRID, n_iter=2, cv=2).fit(X, y),
    "cross_val_score": lambda est, X, y: cross_val_score(est, X, y, cv=2),
    "cross_val_predict": lambda est, X, y: cross_val_predict(est, X, y, cv=2),
    "learning_curve": lambda est, X, y: learning_curve(est, X, y, cv=2),
    "validation_curve": lambda est, X, y: validation_curve(
        est, X, y, param_name="alpha", param_range=[0, 1], cv=2
    ),
    "VotingRegressor": lambda est, X, y: VotingRegressor([("a", est), ("b", est)]).fit(X, y),
    "StackingRegressor": lambda est, X, y: StackingRegressor([("a", est)]).fit(X, y),
    "BaggingRegressor": lambda est, X, y: BaggingRegressor(est).fit(X, y),
    "MultiOutputRegressor": lambda est, X, y: MultiOutputRegressor(est).fit(
        X, np.column_stack([y, y])
    ),
    "SequentialFeatureSelector": lambda est, X, y: SequentialFeatureSelector(
        est, n_features_to_select=1, cv=2
    ).fit(X, y),
    "joblib": lambda est, X, y: Parallel()(delayed(clone(est).fit)(X, y) for _ in range(3)),
    "joblib over a function": lambda est, X, y: Parallel()(
        delayed(lambda: clone(est).fit(X, y))() for _ in range(3)
    ),
    "optuna": run_in_optuna,
    "skrnn.testing": lambda est, X, y: check_sequence_estimator(est),
}


@pytest.mark.parametrize("name", MANY)
def test_whatever_runs_many_fits_ends_at_once(name):
    est, press = interrupted()
    with pytest.raises(KeyboardInterrupt):
        MANY[name](est, *make_data())
    assert press.n_fits == 1


def test_the_refit_of_a_search_ends_it_as_well():
    class PressInRefit(PressCtrlC):
        def on_fit_task_end(self, estimator, context, **asked):
            if self.n_fits < 3 and context.task_name == "epoch" and context.task_id:
                return None
            return super().on_fit_task_end(estimator, context, **asked)

    search = GridSearchCV(small().set_callbacks(PressInRefit()), {"alpha": [0.0]}, cv=2)
    with pytest.raises(KeyboardInterrupt):
        search.fit(*make_data())


def test_a_loop_over_partial_fit_ends(monkeypatch):
    from skrnn.estimators import _training

    X, y = make_data()
    reg = small().partial_fit(X, y)

    def interrupted_objective(*args, **kwargs):
        return lambda samples, rng: interrupt()

    monkeypatch.setattr(_training, "make_objective", interrupted_objective)
    with pytest.raises(KeyboardInterrupt):
        reg.partial_fit(X, y)
