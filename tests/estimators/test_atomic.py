"""A fit that fails or is interrupted leaves the estimator as it was before, to the bit."""

from __future__ import annotations

import pickle

import joblib
import numpy as np
import pandas as pd
import pytest
from small_estimators import ESTIMATORS, assert_same_weights, label_sign, make_ragged, make_X, small

from skrnn import RNNClassifier, RNNRegressor
from skrnn.callbacks import Callback
from skrnn.core.network import Network
from skrnn.core.training import DivergenceError

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore::skrnn.core.training.NotLearntWarning"),
]

X = make_X()
Y = label_sign(X)
FRAME = pd.DataFrame({f"t{i}": X[:, i, 0] for i in range(4)})


class Fails(Callback):
    """Raises at the end of an epoch."""

    def __init__(self, epoch=1, error=RuntimeError):
        self.epoch, self.error = epoch, error

    def on_fit_task_end(self, estimator, context):
        if context.task_name == "epoch" and len(estimator.loss_curve_) >= self.epoch:
            raise self.error("from a callback")
        return False


# Every way to fail, and the error: what `fit` is called with, after `set_params`.
REFUSED = {
    "unknown value": ({"alpha": -1.0}, (X, Y), {}),
    "parameters that do not go together": ({"frame_length": 2, "frame_stride": 3}, (X, Y), {}),
    "no X": ({}, (None, Y), {}),
    "NaN in X": ({}, (np.full_like(X, np.nan), Y), {}),
    "channels and wrong y": ({}, (X[:, :, :1], Y[:-1]), {}),
    "names and NaN in y": ({}, (FRAME, np.where(Y, np.nan, 1.0)), {}),
    "channels and no y": ({}, (X[:, :, :1], None), {}),
    "channels and negative weights": ({}, (X[:, :, :1], Y, -np.ones(len(Y))), {}),
    "channels and zero weights": ({}, (X[:, :, :1], Y, np.zeros(len(Y))), {}),
    "channels and wrong X_val": ({}, (X[:, :, :1], Y), {"X_val": X, "y_val": Y}),
    "channels and no y_val": ({}, (X[:, :, :1], Y), {"X_val": X}),
    "nothing to train on": ({"early_stopping": True}, (X[:2, :, :1], Y[:2]), {}),
    "no such number of ids": ({"embedding_dim": 2, "n_tokens": 1}, (np.abs(X[:, :, :1]), Y), {}),
}
each_refusal = pytest.mark.parametrize("case", REFUSED)
each_estimator = pytest.mark.parametrize("cls", ESTIMATORS)


def everything(est):
    """All that an estimator holds, but for its parameters."""
    parameters = est.get_params()
    return pickle.dumps({k: v for k, v in vars(est).items() if k not in parameters})


def bits(est):
    predicted = est.predict(FRAME if hasattr(est, "n_features_in_") else X)
    return predicted.tobytes(), est.network_.parameters.vector.tobytes()


@each_refusal
@each_estimator
def test_a_refused_fit_leaves_an_unfitted_estimator_unfitted(cls, case):
    parameters, data, validation = REFUSED[case]
    est = small(cls, **parameters)
    before = dict(vars(est))
    with pytest.raises((ValueError, TypeError)):
        est.fit(*data, **validation)
    assert vars(est) == before


@each_refusal
@pytest.mark.parametrize("warm_start", [False, True])
@each_estimator
def test_a_refused_fit_leaves_a_fitted_estimator_as_it_was(cls, warm_start, case):
    est = small(cls, warm_start=warm_start).fit(X, Y)
    before, predicted = everything(est), bits(est)
    parameters, data, validation = REFUSED[case]
    est.set_params(**parameters)
    with pytest.raises((ValueError, TypeError)):
        est.fit(*data, **validation)
    assert everything(est) == before
    assert bits(est) == predicted


@each_estimator
def test_names_of_columns_are_not_taken_from_a_refused_fit(cls):
    est = small(cls).fit(FRAME, Y)
    with pytest.raises(ValueError, match="inconsistent"):
        est.fit(FRAME.rename(columns=str.upper), Y[:-1])
    np.testing.assert_array_equal(est.feature_names_in_, FRAME.columns)
    with pytest.raises(ValueError, match="inconsistent"):
        est.fit(FRAME.to_numpy()[:, :2], Y[:-1])
    assert est.n_features_in_ == 4


def test_new_labels_of_a_refused_fit_are_not_taken():
    classifier = small(RNNClassifier).fit(X, Y)
    with pytest.raises(ValueError, match="Negative values"):
        classifier.fit(X, label_sign(X, ["ham", "spam"]), -np.ones(len(Y)))
    np.testing.assert_array_equal(classifier.classes_, [0, 1])


# --- divergence ----------------------------------------------------------------------------------

# Steps that leave the range of floats.
FAR = {"optimizer": "sgd", "learning_rate_init": 1e300, "max_grad_norm": None}


@each_estimator
def test_a_diverged_fit_leaves_an_unfitted_estimator_unfitted(cls):
    est = small(cls, **FAR)
    before = dict(vars(est))
    with pytest.raises(DivergenceError):
        est.fit(X, Y)
    assert vars(est) == before


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize("warm_start", [False, True])
@each_estimator
def test_a_diverged_fit_keeps_the_model_of_before(cls, warm_start, method):
    est = small(cls, optimizer="sgd", warm_start=warm_start, batch_size=4).fit(X, Y)
    before, predicted = everything(est), bits(est)
    far = {k: v for k, v in FAR.items() if k != "optimizer"}
    with pytest.raises(DivergenceError):
        getattr(est.set_params(**far), method)(X, Y)
    assert everything(est) == before
    assert bits(est) == predicted


def test_what_went_well_before_the_divergence_of_a_later_batch_is_undone():
    regressor = small(RNNRegressor, batch_size=4, shuffle=False, normalize_y=False)
    regressor.partial_fit(X, X[:, 0, 0])
    before = everything(regressor)
    y = X[:, 0, 0].copy()
    y[-1] = 1e200
    with pytest.raises(DivergenceError):
        regressor.partial_fit(X, y)
    assert everything(regressor) == before


TOO_FAR = {"optimizer": "adamw", "alpha": 5e307, "max_iter": 1, "learning_rate_init": 1.0}
TOO_FAR["batch_size"] = len(X)


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_weights_that_grow_too_large_in_the_last_step_are_a_divergence(method):
    regressor = small(RNNRegressor, **TOO_FAR)
    with pytest.raises(DivergenceError, match="in its last step"):
        getattr(regressor, method)(X, Y)
    assert not hasattr(regressor, "network_")


# --- partial_fit ---------------------------------------------------------------------------------


def test_a_first_call_with_wrong_classes_can_be_corrected():
    classifier = small(RNNClassifier)
    with pytest.raises(ValueError, match="does not know"):
        classifier.partial_fit(X, Y, classes=[5, 6])
    classifier.partial_fit(X, Y, classes=[0, 1])
    assert_same_weights(classifier, small(RNNClassifier).partial_fit(X, Y, classes=[0, 1]))


@each_estimator
def test_training_goes_on_after_a_failure_as_if_it_had_not_been(cls):
    once, again = (small(cls, batch_size=5, dropout=0.2).fit(X, Y) for _ in range(2))
    with pytest.raises(RuntimeError, match="from a callback"):
        again.set_params(warm_start=True).set_callbacks(Fails()).fit(X, Y)
    with pytest.raises(ValueError, match="inconsistent"):
        again.partial_fit(X, Y[:-1])
    again.set_params(warm_start=False).set_callbacks()
    for est in (once, again):
        est.partial_fit(X, Y).partial_fit(X, Y)
    assert_same_weights(once, again)
    assert once.loss_curve_ == again.loss_curve_


def test_the_users_generator_moves_on_whatever_happens():
    rng = np.random.RandomState(0)
    before = rng.get_state()[1].copy()
    with pytest.raises(DivergenceError):
        small(RNNRegressor, random_state=rng, **FAR).fit(X, Y)
    assert not np.array_equal(rng.get_state()[1], before) or rng.get_state()[2] > 0


# --- errors and interrupts from outside ----------------------------------------------------------


@pytest.mark.parametrize("epoch", [1, 3])
@pytest.mark.parametrize("warm_start", [False, True])
@each_estimator
def test_an_error_of_a_callback_undoes_the_fit(cls, warm_start, epoch):
    est = small(cls, warm_start=warm_start).fit(X, Y)
    before = everything(est)
    with pytest.raises(RuntimeError, match="from a callback"):
        est.set_callbacks(Fails(epoch)).fit(X, Y)
    assert everything(est.set_callbacks()) == before


@each_estimator
def test_callbacks_are_torn_down_after_a_failure(cls):
    torn_down = []

    class Watched(Fails):
        def teardown(self, estimator, context):
            torn_down.append(hasattr(estimator, "network_"))

    est = small(cls).set_callbacks(Watched())
    with pytest.raises(RuntimeError, match="from a callback"):
        est.fit(X, Y)
    assert len(torn_down) == 1
    assert not [name for name in vars(est) if "teardown" in name or "ctx" in name]


@each_estimator
def test_an_interrupt_before_the_first_epoch_undoes_the_fit(cls, monkeypatch):
    est = small(cls).fit(X, Y)
    before = everything(est)

    def interrupt(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(Network, "initialize", interrupt)
    with pytest.raises(KeyboardInterrupt):
        est.fit(X[:, :, :1], Y)
    assert everything(est) == before


# --- copies --------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@each_estimator
def test_a_memory_mapped_estimator_goes_on(cls, method, tmp_path):
    est = small(cls, warm_start=True).fit(X, Y)
    joblib.dump(est, tmp_path / "est.joblib")
    mapped = joblib.load(tmp_path / "est.joblib", mmap_mode="r")
    getattr(mapped, method)(X, Y)
    getattr(est, method)(X, Y)
    assert_same_weights(mapped, est)


@each_estimator
def test_a_refit_with_other_data_succeeds_after_a_failure(cls):
    est = small(cls).fit(X, Y)
    with pytest.raises(ValueError, match="inconsistent"):
        est.fit(make_ragged(), Y[:-1])
    ragged = make_ragged()
    assert_same_weights(est.fit(ragged, Y), small(cls).fit(ragged, Y))
