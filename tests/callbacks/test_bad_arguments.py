"""What callbacks refuse, and how they say so."""

from __future__ import annotations

import numpy as np
import pytest
from small_fits import make_data, small

from skrnn.callbacks import (
    Checkpoint,
    EarlyStopping,
    GradientFlowRecorder,
    LiveLoss,
    MedianPruning,
    OptunaPruning,
    sparkline,
)
from skrnn.callbacks._pruning import _scores_in

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, Y = make_data()
# What counts something -> the callback with that number.
COUNTS = {
    "patience": lambda n: EarlyStopping(patience=n),
    "n_startup_candidates": lambda n: MedianPruning(n_startup_candidates=n),
    "every": lambda n: Checkpoint("file", every=n),
    "every of LiveLoss": lambda n: LiveLoss(every=n),
    "every of GradientFlowRecorder": lambda n: GradientFlowRecorder(every=n),
    "n_samples": lambda n: GradientFlowRecorder(n_samples=n),
    "width": lambda n: sparkline([1.0], width=n),
}


@pytest.mark.parametrize("name", COUNTS)
@pytest.mark.parametrize("value", [0, -1, 1.5, "1", True, None])
def test_a_count_is_an_int_of_one_or_more(name, value):
    with pytest.raises((TypeError, ValueError), match=f"^{name.split()[0]} "):
        COUNTS[name](value)


@pytest.mark.parametrize("min_delta", [-1.0, np.nan, np.inf, "0"])
def test_min_delta_is_finite(min_delta):
    with pytest.raises((TypeError, ValueError), match=r"^min_delta "):
        EarlyStopping(min_delta=min_delta)


def test_restore_best_is_a_truth_value():
    with pytest.raises(TypeError, match=r"restore_best must be True or False. Got 'no'"):
        EarlyStopping(restore_best="no")


@pytest.mark.parametrize(
    "scoring",
    [["r2", "neg_max_error"], lambda *_: np.nan, lambda *_: "1", lambda *_: np.ones(3)],
    ids=["two scores", "NaN", "text", "array"],
)
def test_a_score_that_is_no_number_is_refused(scoring):
    est = small().set_callbacks(EarlyStopping(scoring=scoring))
    with pytest.raises(ValueError, match=r"EarlyStopping compares one number.* after epoch 1\."):
        est.fit(X, Y)


def test_numbers_of_any_kind_are_scores():
    stop = EarlyStopping(scoring=lambda *_: np.array(1, np.float32), patience=2)
    assert small().set_callbacks(stop).fit(X, Y).n_iter_ == 3
    assert stop.scores_ == [1.0] * 3


def test_errors_of_a_validation_set_say_that_it_is_one():
    est = small().set_callbacks(EarlyStopping(X_val=X[:, :, np.newaxis] + [0, 1], y_val=Y))
    with pytest.raises(ValueError, match=r"validation set of EarlyStopping \(X_val\): X has 2 ch"):
        est.fit(X[:, :, np.newaxis].tolist(), Y)


def test_what_is_no_trial_is_refused_before_training():
    with pytest.raises(TypeError, match=r"trial must be the optuna.trial.Trial.*Got None"):
        small().set_callbacks(OptunaPruning(None)).fit(X, Y)


@pytest.mark.parametrize("content", [b"", b"[1, ", b"3", b'["a"]', b"\xff"])
def test_a_damaged_file_of_another_fit_is_refused_by_name(content, tmp_path):
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(ValueError, match=r"file does not hold the scores of a fit.*Delete it"):
        _scores_in(tmp_path / "file")


@pytest.mark.parametrize("values", [[], [1.0, np.nan], [np.inf], [[1.0, 2.0]]])
def test_a_sparkline_needs_finite_numbers(values):
    with pytest.raises(ValueError, match="values must be a sequence of one or more finite numbers"):
        sparkline(values)
