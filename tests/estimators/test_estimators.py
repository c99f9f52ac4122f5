"""What every parameter does, the form of every answer, and the fitted attributes."""

from __future__ import annotations

import hashlib
import inspect
import re
import subprocess
import sys
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
import sklearn.model_selection
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import train_test_split

from skrnn import RNNClassifier, RNNRegressor, _base
from skrnn.core.activations import ACTIVATIONS, Activation
from skrnn.core.cells import CELLS, Cell
from skrnn.core.initializers import INITIALIZERS
from skrnn.core.losses import LOSSES, REGRESSION_LOSSES
from skrnn.core.optimizers import OPTIMIZERS
from skrnn.core.readouts import READOUTS
from skrnn.core.training import SCHEDULES
from skrnn.sequences import as_sequences

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

ESTIMATORS = [RNNClassifier, RNNRegressor]
STOCHASTIC = [name for name in OPTIMIZERS if name != "lbfgs"]
N_SAMPLES = 24


def small(cls, **parameters):
    return cls(
        **{
            "hidden_layer_sizes": 4,
            "learning_rate_init": 0.05,
            "max_iter": 5,
            "random_state": 0,
            **parameters,
        }
    )


def make_X(n_samples=N_SAMPLES, n_timesteps=4, n_channels=2):
    return np.random.default_rng(0).normal(size=(n_samples, n_timesteps, n_channels))


def make_ragged(n_samples=N_SAMPLES):
    lengths = np.random.default_rng(1).integers(1, 7, n_samples)
    return [sample[:length] for sample, length in zip(make_X(n_samples, 6), lengths, strict=True)]


def label_sign(X, labels=(0, 1)):
    """A class that can be learnt: the sign of the last value of the first channel."""
    return np.array([labels[int(sample[-1, 0] > 0)] for sample in X])


def weights_of(estimator):
    return estimator.network_.parameters.vector


def assert_same_weights(one, other):
    np.testing.assert_array_equal(weights_of(one), weights_of(other))


def differ(one, other):
    return not np.array_equal(weights_of(one), weights_of(other))


# --- classes -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "labels",
    [
        np.array([0, 1]),
        np.array([-1, 1]),
        np.array(["no", "yes"]),
        np.array(["no", "yes"], dtype=object),
        np.array([False, True]),
        np.array([2.0, 7.0]),
    ],
    ids=lambda labels: f"{labels.tolist()}-{labels.dtype}",
)
def test_labels_come_back_as_they_came(labels):
    X = make_X()
    y = labels[label_sign(X)]
    classifier = small(RNNClassifier, max_iter=60).fit(X, y)
    y_pred = classifier.predict(X)
    assert y_pred.dtype == labels.dtype
    np.testing.assert_array_equal(classifier.classes_, labels)
    np.testing.assert_array_equal(y_pred, y)
    assert classifier.score(X, y) == 1.0
    np.testing.assert_array_equal(classifier.decision_function(X) > 0, y == labels[1])


@pytest.mark.parametrize("wrap", [list, pd.Series, lambda y: pd.Series(y, dtype="category")])
def test_containers_of_labels(wrap):
    X = make_X()
    y = label_sign(X, ["no", "yes"])
    expected = small(RNNClassifier).fit(X, y).predict_proba(X)
    np.testing.assert_array_equal(small(RNNClassifier).fit(X, wrap(y)).predict_proba(X), expected)


def test_probabilities_of_several_classes():
    X = make_X(60)
    y = np.digitize(X[:, -1, 0], [-0.5, 0.5])
    classifier = small(RNNClassifier, max_iter=80).fit(X, y)
    proba, raw = classifier.predict_proba(X), classifier.decision_function(X)
    assert classifier.out_activation_ == "softmax"
    assert proba.shape == raw.shape == (60, 3)
    np.testing.assert_allclose(proba.sum(axis=1), 1)
    np.testing.assert_allclose(proba, np.exp(raw) / np.exp(raw).sum(axis=1, keepdims=True))
    np.testing.assert_allclose(classifier.predict_log_proba(X), np.log(proba))
    np.testing.assert_array_equal(classifier.predict(X), proba.argmax(axis=1))
    assert classifier.score(X, y) > 0.9


def test_multilabel():
    X = make_X(40)
    y = (X[:, -1, :] > 0).astype(int)
    classifier = small(RNNClassifier, max_iter=80).fit(X, y)
    y_pred, proba = classifier.predict(X), classifier.predict_proba(X)
    assert classifier.out_activation_ == "logistic"
    assert classifier.n_outputs_ == 2
    np.testing.assert_array_equal(classifier.classes_, [0, 1])
    assert y_pred.shape == proba.shape == y.shape
    np.testing.assert_array_equal(y_pred, proba > 0.5)
    np.testing.assert_array_equal(y_pred, classifier.decision_function(X) > 0)
    assert classifier.score(X, y) == accuracy_score(y, y_pred) > 0.9


# --- numbers -----------------------------------------------------------------------------------


@pytest.mark.parametrize("wrap", [list, pd.Series, lambda y: y[:, None]])
def test_containers_of_numbers(wrap):
    X = make_X()
    y = X[:, -1, 0]
    expected = small(RNNRegressor).fit(X, y).predict(X)
    y_pred = small(RNNRegressor).fit(X, wrap(y)).predict(X)
    assert y_pred.shape == np.shape(wrap(y))
    np.testing.assert_array_equal(y_pred.ravel(), expected)


def test_several_outputs():
    X = make_X(40)
    y = np.column_stack([X[:, -1, 0], 100 * X[:, -1, 1] + 1000])
    regressor = small(RNNRegressor, max_iter=200).fit(X, y)
    assert regressor.predict(X).shape == y.shape
    assert regressor.n_outputs_ == 2
    assert regressor.score(X, y) == r2_score(y, regressor.predict(X)) > 0.95


# --- targets at every time step -----------------------------------------------------------------


def running(X, as_steps):
    return [as_steps(sample) for sample in X]


STEP_TASKS = {
    "labels": (RNNClassifier, lambda x: np.where(x[:, 0] > 0, "up", "down"), (), "U"),
    "multilabel": (RNNClassifier, lambda x: (x > 0).astype(int), (2,), "i"),
    "numbers": (RNNRegressor, lambda x: x[:, 0] - x[:, 1], (), "f"),
    "several numbers": (RNNRegressor, lambda x: 3 * x, (2,), "f"),
}


@pytest.mark.parametrize("task", STEP_TASKS)
def test_equal_step_targets(task):
    cls, as_steps, outputs, kind = STEP_TASKS[task]
    X = make_X()
    y = np.stack(running(X, as_steps))
    estimator = small(cls, return_sequences=True, max_iter=150).fit(X, y)
    y_pred = estimator.predict(X)
    assert y_pred.shape == (N_SAMPLES, 4, *outputs) == y.shape
    assert y_pred.dtype.kind == kind
    assert estimator.score(X, y) > 0.9


@pytest.mark.parametrize("task", STEP_TASKS)
def test_ragged_step_targets(task):
    cls, as_steps, outputs, kind = STEP_TASKS[task]
    X = make_ragged()
    y = running(X, as_steps)
    estimator = small(cls, return_sequences=True, max_iter=150).fit(X, y)
    y_pred = estimator.predict(X)
    assert y_pred.shape == (N_SAMPLES,)
    assert [steps.shape for steps in y_pred] == [(len(x), *outputs) for x in X]
    assert {steps.dtype.kind for steps in y_pred} == {kind}
    assert estimator.score(X, y) > 0.9


def test_step_probabilities():
    X = make_ragged()
    y = running(X, lambda x: np.digitize(x[:, 0], [-0.5, 0.5]))
    classifier = small(RNNClassifier, return_sequences=True).fit(X, y)
    for method in (classifier.predict_proba, classifier.decision_function):
        assert [steps.shape for steps in method(X)] == [(len(x), 3) for x in X]
    proba, log_proba = classifier.predict_proba(X), classifier.predict_log_proba(X)
    np.testing.assert_allclose(np.exp(np.concatenate(log_proba)), np.concatenate(proba))


def test_binary_step_decisions_are_one_number_a_step():
    X = make_X()
    y = (X[:, :, 0] > 0).astype(int)
    classifier = small(RNNClassifier, return_sequences=True).fit(X, y)
    assert classifier.decision_function(X).shape == y.shape
    assert classifier.predict_proba(X).shape == (*y.shape, 2)


def test_the_form_of_step_answers_follows_X_and_not_the_lengths():
    X = make_ragged()
    regressor = small(RNNRegressor, return_sequences=True)
    regressor.fit(X, running(X, lambda x: x[:, 0]))
    equal = [x for x in X if len(x) == len(X[0])]
    assert regressor.predict(equal).shape == (len(equal),)
    assert regressor.predict(np.stack(equal)).shape == (len(equal), len(X[0]))


def test_step_score_weighs_every_step_of_a_sample():
    X = make_ragged()
    y = running(X, lambda x: (x[:, 0] > 0).astype(int))
    classifier = small(RNNClassifier, return_sequences=True).fit(X, y)
    weight = np.arange(N_SAMPLES)
    right = np.array([np.sum(a == b) for a, b in zip(classifier.predict(X), y, strict=True)])
    lengths = np.array([len(x) for x in X])
    expected = np.sum(weight * right) / np.sum(weight * lengths)
    assert classifier.score(X, y, sample_weight=weight) == pytest.approx(expected)


def test_the_loss_of_steps_is_their_sum_over_their_number():
    """With all weights zero every step is a coin toss, whatever the lengths."""
    X = make_ragged()
    y = running(X, lambda x: (x[:, 0] > 0).astype(int))
    classifier = small(
        RNNClassifier, return_sequences=True, init="zeros", recurrent_init="zeros", max_iter=1
    ).fit(X, y)
    assert classifier.loss_ == pytest.approx(np.log(2))


# --- weights of samples and classes ---------------------------------------------------------------


WEIGHTED = [
    pytest.param(RNNClassifier, {}, id="classifier"),
    pytest.param(RNNClassifier, {"class_weight": "balanced"}, id="balanced classifier"),
    pytest.param(RNNRegressor, {}, id="regressor"),
    pytest.param(RNNRegressor, {"optimizer": "lbfgs"}, id="lbfgs"),
    pytest.param(RNNRegressor, {"loss": "poisson"}, id="poisson"),
    pytest.param(RNNRegressor, {"early_stopping": True}, id="early stopping"),
    pytest.param(RNNClassifier, {"dropout": 0.3, "bidirectional": True}, id="dropout"),
]


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("form", ["ragged", "2-D", "steps"])
@pytest.mark.parametrize(("cls", "parameters"), WEIGHTED)
def test_a_weight_is_a_repetition_to_the_bit(cls, parameters, form, cell, seed):
    rng = np.random.default_rng(seed)
    X = make_ragged() if form != "2-D" else list(make_X(n_timesteps=3).reshape(N_SAMPLES, -1))
    y = list(rng.integers(0, 3, N_SAMPLES))
    if form == "steps":
        y = [rng.integers(0, 3, len(x)) for x in X]
    weight = rng.integers(0, 4, N_SAMPLES)
    order = rng.permutation(N_SAMPLES)
    repeated = np.repeat(np.arange(N_SAMPLES), weight)

    def part(samples):
        chosen = [X[i] for i in samples]
        return np.stack(chosen) if form == "2-D" else chosen, [y[i] for i in samples]

    parameters = {
        "cell": cell,
        "n_channels": 2,
        "return_sequences": form == "steps",
        "random_state": seed,
        **parameters,
    }
    weighted = small(cls, **parameters).fit(*part(order), sample_weight=weight[order])
    assert_same_weights(weighted, small(cls, **parameters).fit(*part(repeated)))


def test_weights_in_batches_are_repetitions_on_average():
    """Out of full batch no merge hides the weighted loss; one epoch of one step shows it."""
    X, y = make_X(4), np.array([0.0, 1.0, 2.0, 3.0])
    weight = np.array([1.0, 2.0, 3.0, 2.0])
    curve = small(
        RNNRegressor,
        batch_size=2,
        shuffle=False,
        max_iter=1,
        normalize_y=False,
        init="zeros",
        recurrent_init="zeros",
        alpha=0.0,
        learning_rate_init=1e-300,
    )
    loss = curve.fit(X, y, sample_weight=weight).loss_
    assert loss == pytest.approx(np.average(0.5 * y**2, weights=weight))


@pytest.mark.parametrize("class_weight", [{0: 1.0, 1: 3.0}, {1: 3.0}])
def test_a_class_weight_is_a_sample_weight(class_weight):
    X = make_X()
    y = label_sign(X)
    by_class = small(RNNClassifier, class_weight=class_weight).fit(X, y)
    by_sample = small(RNNClassifier).fit(X, y, sample_weight=np.where(y == 1, 3.0, 1.0))
    np.testing.assert_allclose(by_class.predict_proba(X), by_sample.predict_proba(X), rtol=1e-10)


def test_balanced_classes_have_equal_total_weight():
    X, y = make_X(), np.array([0] * 18 + [1] * 6)
    balanced = small(RNNClassifier, class_weight="balanced").fit(X, y)
    by_hand = small(RNNClassifier, class_weight={0: 24 / 36, 1: 24 / 12}).fit(X, y)
    np.testing.assert_allclose(balanced.predict_proba(X), by_hand.predict_proba(X), rtol=1e-10)


def test_class_weights_of_multilabel_targets_are_multiplied():
    X = make_X()
    y = (X[:, -1, :] > 0).astype(int)
    by_class = small(RNNClassifier, class_weight=[{0: 1, 1: 2}, {0: 1, 1: 5}]).fit(X, y)
    weight = np.where(y[:, 0], 2.0, 1.0) * np.where(y[:, 1], 5.0, 1.0)
    by_sample = small(RNNClassifier).fit(X, y, sample_weight=weight)
    np.testing.assert_allclose(by_class.predict_proba(X), by_sample.predict_proba(X), rtol=1e-10)
    one_for_all = small(RNNClassifier, class_weight={0: 1, 1: 2}).fit(X, y)
    one_each = small(RNNClassifier, class_weight=[{0: 1, 1: 2}] * 2).fit(X, y)
    assert_same_weights(one_for_all, one_each)


def test_class_weights_of_steps_weigh_steps():
    X = make_ragged()
    y = running(X, lambda x: (x[:, 0] > 0).astype(int))
    classifier = small(RNNClassifier, return_sequences=True, class_weight={0: 0.0, 1: 1.0})
    classifier.set_params(max_iter=60).fit(X, y)
    assert np.concatenate(classifier.predict(X)).all()


def test_a_part_of_the_data_may_lack_a_class_with_a_weight():
    X = make_X()
    classifier = small(RNNClassifier, class_weight={0: 5.0})
    classifier.partial_fit(X, label_sign(X), classes=[0, 1, 2])
    classifier.partial_fit(X, label_sign(X, [1, 2]))
    assert classifier.t_ == 2 * N_SAMPLES


# --- going on: partial_fit, warm_start -----------------------------------------------------------


@pytest.mark.parametrize("optimizer", STOCHASTIC)
@pytest.mark.parametrize("cls", ESTIMATORS)
def test_partial_fit_is_an_epoch_of_fit(cls, optimizer):
    X = make_ragged()
    y = label_sign(X)
    parameters = {"optimizer": optimizer, "batch_size": 7, "dropout": 0.2, "tol": 0.0}
    whole = small(cls, max_iter=4, **parameters).fit(X, y)
    step_by_step = small(cls, **parameters)
    for _ in range(4):
        if cls is RNNClassifier:
            step_by_step.partial_fit(X, y, classes=[0, 1])
        else:
            step_by_step.partial_fit(X, y)
    assert_same_weights(whole, step_by_step)
    assert step_by_step.loss_curve_ == whole.loss_curve_
    assert step_by_step.n_iter_ == 4
    assert step_by_step.t_ == whole.t_ == 4 * N_SAMPLES


def test_partial_fit_knows_classes_that_have_not_come_yet():
    X = make_X()
    classifier = small(RNNClassifier).partial_fit(X, label_sign(X), classes=[2, 0, 1])
    np.testing.assert_array_equal(classifier.classes_, [0, 1, 2])
    assert classifier.predict_proba(X).shape == (N_SAMPLES, 3)


def test_partial_fit_goes_on_from_fit():
    X = make_X()
    classifier = small(RNNClassifier).fit(X, label_sign(X))
    before = weights_of(classifier).copy()
    classifier.partial_fit(X, label_sign(X))
    assert not np.array_equal(weights_of(classifier), before)
    assert len(classifier.loss_curve_) == 6


def test_partial_fit_uses_the_parameters_of_now():
    X, y = make_X(), make_X()[:, -1, 0]
    regressor = small(RNNRegressor, optimizer="sgd").partial_fit(X, y)
    before = weights_of(regressor).copy()
    regressor.set_params(momentum=0.0, learning_rate_init=1e-300).partial_fit(X, y)
    np.testing.assert_array_equal(weights_of(regressor), before)


def test_partial_fit_keeps_the_scale_of_its_first_call():
    X = make_X()
    regressor = small(RNNRegressor).partial_fit(X, X[:, -1, 0])
    mean, scale = regressor._y_mean.copy(), regressor._y_scale.copy()
    regressor.partial_fit(X, 1000 * X[:, -1, 0])
    np.testing.assert_array_equal(regressor._y_mean, mean)
    np.testing.assert_array_equal(regressor._y_scale, scale)


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_warm_start_goes_on(cls):
    X = make_X()
    y = label_sign(X)
    estimator = small(cls, warm_start=True).fit(X, y)
    first = estimator.loss_curve_[0]
    estimator.fit(X, y)
    assert estimator.n_iter_ == len(estimator.loss_curve_) == 10
    assert estimator.loss_curve_[0] == first
    assert estimator.loss_curve_[5] < first


def test_without_warm_start_fit_starts_anew():
    X = make_X()
    classifier = small(RNNClassifier).fit(X, label_sign(X))
    before = weights_of(classifier).copy()
    classifier.fit(X, label_sign(X))
    np.testing.assert_array_equal(weights_of(classifier), before)
    assert classifier.n_iter_ == 5


def test_warm_start_heeds_changed_parameters():
    X, y = make_X(), label_sign(make_X())
    fits = []
    for changes in ({}, {"dropout": 0.5}, {"readout": "mean"}, {"bptt_steps": 1}):
        classifier = small(RNNClassifier, warm_start=True).fit(X, y)
        fits.append(classifier.set_params(**changes).fit(X, y))
    assert all(differ(fits[0], other) for other in fits[1:])


# --- early stopping ------------------------------------------------------------------------------


EARLY = {
    "classes": (RNNClassifier, lambda x: int(x[-1, 0] > 0), {}),
    "multilabel": (RNNClassifier, lambda x: (x[-1] > 0).astype(int), {}),
    "numbers": (RNNRegressor, lambda x: x[-1, 0] + 5, {}),
    "steps": (RNNRegressor, lambda x: x[:, 0], {"return_sequences": True}),
    "label steps": (RNNClassifier, lambda x: (x[:, 0] > 0) * 1, {"return_sequences": True}),
    "lbfgs": (RNNRegressor, lambda x: x[-1, 0] + 5, {"optimizer": "lbfgs"}),
}


@pytest.mark.parametrize("task", EARLY)
def test_early_stopping_restores_the_best_weights(task, monkeypatch):
    cls, target, parameters = EARLY[task]
    held_out = []

    def split(*args, **kwargs):
        parts = train_test_split(*args, **kwargs)
        held_out.append(parts[1])
        return parts

    monkeypatch.setattr(sklearn.model_selection, "train_test_split", split)
    X = make_ragged(60)
    y = [target(x) for x in X]
    # Batches, so that the samples keep their order and can be found again.
    estimator = small(
        cls,
        early_stopping=True,
        validation_fraction=0.2,
        batch_size=10,
        max_iter=30,
        n_iter_no_change=3,
        **parameters,
    )
    if task == "lbfgs":
        monkeypatch.setattr(_base, "merge_repeated_samples", lambda s, y, w, i, per_step: (i, w[i]))
    estimator.fit(X, y)
    (samples,) = held_out
    assert len(samples) == 12
    score = estimator.score([X[i] for i in samples], [y[i] for i in samples])
    assert score == pytest.approx(estimator.best_validation_score_, abs=1e-12)
    assert estimator.best_validation_score_ == max(estimator.validation_scores_)
    assert len(estimator.validation_scores_) == len(estimator.loss_curve_) == estimator.n_iter_
    assert estimator.best_loss_ is None


def test_early_stopping_ends_training():
    X = make_X(60)
    classifier = small(RNNClassifier, early_stopping=True, max_iter=500, n_iter_no_change=5)
    classifier.fit(X, label_sign(X))
    assert classifier.n_iter_ < 500
    best = int(np.argmax(classifier.validation_scores_))
    assert classifier.n_iter_ - 1 - best >= 5


def test_early_stopping_stratifies_classes(monkeypatch):
    options = []

    def split(samples, **kwargs):
        options.append(kwargs)
        return train_test_split(samples, **kwargs)

    monkeypatch.setattr(sklearn.model_selection, "train_test_split", split)
    y = np.arange(N_SAMPLES) % 2
    small(RNNClassifier, early_stopping=True, batch_size=5).fit(make_X(), y)
    small(RNNClassifier, early_stopping=True, batch_size=5).fit(make_X(), [0] * 23 + [1])
    np.testing.assert_array_equal(options[0]["stratify"], y)
    assert options[1]["stratify"] is None


def test_validation_scores_count_class_weights():
    X = make_X(60)
    classifier = small(
        RNNClassifier, early_stopping=True, class_weight={0: 0.0, 1: 1.0}, validation_fraction=0.3
    )
    classifier.fit(X, label_sign(X))
    assert (classifier.predict(X) == 1).all()
    assert classifier.best_validation_score_ == 1.0


# --- how training runs ---------------------------------------------------------------------------


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("cls", ESTIMATORS)
def test_every_optimizer_lowers_the_loss(cls, optimizer):
    X = make_ragged()
    estimator = small(cls, optimizer=optimizer, max_iter=40).fit(X, label_sign(X))
    assert estimator.loss_ < 0.7 * estimator.loss_curve_[0]
    assert estimator.best_loss_ == min(estimator.loss_curve_)


@pytest.mark.parametrize("cls", ESTIMATORS)
@pytest.mark.parametrize("cell", CELLS)
def test_the_same_seed_gives_the_same_bits(cls, cell):
    X = make_ragged()
    y = label_sign(X)
    parameters = {"cell": cell, "dropout": 0.3, "batch_size": 7, "early_stopping": True}
    first = small(cls, **parameters).fit(X, y)
    assert_same_weights(first, small(cls, **parameters).fit(X, y))
    assert differ(first, small(cls, **parameters, random_state=1).fit(X, y))


def hash_of_a_fit():
    X = np.random.default_rng(0).normal(size=(20, 4, 2))
    classifier = RNNClassifier(8, dropout=0.2, batch_size=6, max_iter=3, random_state=5)
    classifier.fit(X, X[:, -1, 0] > 0)
    return hashlib.sha256(classifier.network_.parameters.vector.tobytes()).hexdigest()


def test_the_same_seed_gives_the_same_bits_in_another_process():
    code = "\n".join(
        [
            "import hashlib, warnings",
            "import numpy as np",
            "from skrnn import RNNClassifier",
            "warnings.simplefilter('ignore')",
            inspect.getsource(hash_of_a_fit),
            "print(hash_of_a_fit())",
        ]
    )
    run = subprocess.run(
        [sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == hash_of_a_fit()


def test_a_generator_as_random_state_moves_on():
    X = make_X()
    rng = np.random.RandomState(0)
    first = small(RNNClassifier, random_state=rng).fit(X, label_sign(X))
    assert differ(first, small(RNNClassifier, random_state=rng).fit(X, label_sign(X)))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("cls", ESTIMATORS)
def test_the_dtype_of_X_is_computed_in(cls, dtype):
    X = make_X().astype(dtype)
    y = label_sign(X)
    estimator = small(cls, bidirectional=True, dropout=0.2).fit(X, y, sample_weight=y + 1)
    assert weights_of(estimator).dtype == dtype
    output = estimator.predict_proba if cls is RNNClassifier else estimator.predict
    assert output(X).dtype == dtype
    # The network's dtype rules later: predictions do not depend on that of new data.
    assert output(make_X()).dtype == dtype


def test_integers_are_computed_in_double():
    X = np.arange(48).reshape(12, 4)
    assert weights_of(small(RNNRegressor).fit(X, X[:, 0])).dtype == np.float64


EFFECTS = {
    "activation": "relu",
    "cell": "lstm",
    "init": "he_normal",
    "recurrent_init": "identity",
    "optimizer": "rmsprop",
    "bidirectional": True,
    "readout": "mean",
    "dropout": 0.5,
    "bptt_steps": 1,
    "max_grad_norm": 1e-3,
    "alpha": 10.0,
    "batch_size": 5,
    "learning_rate": "cosine",
    "learning_rate_init": 0.01,
    "shuffle": False,
    "beta_1": 0.5,
    "beta_2": 0.5,
    "epsilon": 0.1,
    "hidden_layer_sizes": (4, 3),
    "max_iter": 4,
    "random_state": 1,
    "early_stopping": True,
    "class_weight": {0: 3.0},
    "n_channels": 2,
    "return_sequences": True,
    "embedding_dim": 3,
}
EFFECTS_ELSEWHERE = {
    "power_t": (0.9, {"learning_rate": "invscaling"}),
    "momentum": (0.1, {"optimizer": "sgd"}),
    "nesterovs_momentum": (False, {"optimizer": "sgd"}),
    "validation_fraction": (0.5, {"early_stopping": True}),
    "tol": (10.0, {"max_iter": 40, "n_iter_no_change": 2}),
    "n_iter_no_change": (1, {"max_iter": 40, "tol": 10.0}),
    "warm_start": (True, {}),
    "verbose": (True, {}),
    "loss": ("huber", {}),
    "quantile": (0.9, {"loss": "quantile"}),
    "huber_delta": (0.1, {"loss": "huber"}),
    "normalize_y": (False, {}),
    "n_tokens": (50, {"embedding_dim": 3}),
}
BY_OTHER_TESTS = {"warm_start", "verbose"}


def test_the_table_of_effects_is_complete():
    parameters = {**RNNClassifier().get_params(), **RNNRegressor().get_params()}
    assert set(parameters) == set(EFFECTS) | set(EFFECTS_ELSEWHERE)


@pytest.mark.parametrize("parameter", sorted({*EFFECTS, *EFFECTS_ELSEWHERE} - BY_OTHER_TESTS))
def test_every_parameter_changes_the_outcome(parameter):
    value, others = EFFECTS_ELSEWHERE.get(parameter) or (EFFECTS[parameter], {})
    cls = RNNClassifier if parameter == "class_weight" else RNNRegressor
    X = make_X()
    y = label_sign(X)
    if parameter == "n_channels":
        X = X.reshape(N_SAMPLES, -1)
    if parameter in ("embedding_dim", "n_tokens"):
        X = np.abs(X).round()
    if parameter == "shuffle":
        others = {"batch_size": 5}
    without = small(cls, **others).fit(X, y)
    if parameter == "return_sequences":
        y = np.repeat(y[:, None], 4, axis=1)
    with_it = small(cls, **{**others, parameter: value}).fit(X, y)
    assert differ(without, with_it)


def test_dropout_is_for_training_only():
    X = make_X()
    classifier = small(RNNClassifier, dropout=0.9).fit(X, label_sign(X))
    np.testing.assert_array_equal(classifier.predict_proba(X), classifier.predict_proba(X))
    classifier.dropout = 0.0
    expected = classifier.predict_proba(X)
    np.testing.assert_array_equal(classifier.predict_proba(X), expected)
    features = classifier.network_.forward(*batch_of(X)).masks
    assert features == [None]


def batch_of(X):
    n_samples, n_timesteps, _ = X.shape
    return np.ascontiguousarray(X.transpose(1, 0, 2)), np.full(n_timesteps, n_samples)


def test_bptt_steps_as_long_as_the_sequences_change_nothing():
    X = make_X()
    full = small(RNNClassifier).fit(X, label_sign(X))
    assert_same_weights(full, small(RNNClassifier, bptt_steps=4).fit(X, label_sign(X)))


def test_max_grad_norm_bounds_the_step():
    """One step of plain gradient descent is as long as the clipped gradient says."""
    X = make_X()
    parameters = {"optimizer": "sgd", "momentum": 0.0, "learning_rate_init": 1.0, "max_iter": 1}
    start = small(RNNRegressor, **{**parameters, "learning_rate_init": 1e-300})
    start = weights_of(start.fit(X, label_sign(X))).copy()
    regressor = small(RNNRegressor, max_grad_norm=1e-3, **parameters).fit(X, label_sign(X))
    assert regressor.grad_norm_curve_[0] > 1e-2
    assert np.linalg.norm(weights_of(regressor) - start) == pytest.approx(1e-3)


def test_alpha_shrinks_weights():
    X = make_X()
    norms = []
    for alpha in (0.0, 100.0):
        regressor = small(RNNRegressor, alpha=alpha, max_iter=100).fit(X, label_sign(X))
        norms.append(np.linalg.norm(weights_of(regressor)))
    assert norms[1] < 0.5 * norms[0]


def fit_verbosely(verbose, max_iter=3):
    X = make_X()
    classifier = small(RNNClassifier, verbose=verbose, max_iter=max_iter, early_stopping=True)
    return classifier.fit(X, label_sign(X))


@pytest.mark.parametrize(("verbose", "with_tqdm"), [(2, True), (1, False), (True, False)])
def test_verbose_prints_a_line_of_every_epoch(verbose, with_tqdm, capsys, monkeypatch):
    if not with_tqdm:
        monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    fit_verbosely(verbose)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert all(
        re.fullmatch(rf"Epoch {i}: loss = \d\.\d+, validation score = \d\.\d+", line)
        for i, line in enumerate(lines, start=1)
    )


@pytest.mark.parametrize("verbose", [1, True])
def test_verbose_shows_a_progress_bar(verbose, capsys):
    pytest.importorskip("tqdm")
    classifier = fit_verbosely(verbose)
    out, err = capsys.readouterr()
    assert out == ""
    last = err.rpartition("\r")[2]
    loss = f"{classifier.loss_:.4g}"
    assert re.search(rf"100%.* 3/3 .*loss={loss}, validation score=", last)


def test_verbose_partial_fit_prints_a_line_a_call(capsys):
    X = make_X()
    regressor = small(RNNRegressor, verbose=1)
    for _ in range(2):
        regressor.partial_fit(X, label_sign(X))
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(":")[0] for line in lines] == ["Epoch 1", "Epoch 2"]


def test_without_verbose_nothing_is_printed(capsys):
    fit_verbosely(False)
    assert capsys.readouterr() == ("", "")


def test_lbfgs_has_no_learning_rate_to_lower():
    X = make_X()
    parameters = {"optimizer": "lbfgs", "tol": 10.0, "n_iter_no_change": 2, "max_iter": 40}
    adaptive = small(RNNRegressor, learning_rate="adaptive", **parameters).fit(X, label_sign(X))
    constant = small(RNNRegressor, **parameters).fit(X, label_sign(X))
    assert adaptive.n_iter_ == constant.n_iter_


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
def test_too_few_epochs_are_warned_of(optimizer):
    X = make_X()
    with pytest.warns(ConvergenceWarning, match=r"Maximum iterations \(2\) reached"):
        small(RNNClassifier, optimizer=optimizer, max_iter=2, tol=0.0).fit(X, label_sign(X))


@pytest.mark.filterwarnings("error")
def test_enough_epochs_are_not_warned_of():
    X = make_X()
    classifier = small(RNNClassifier, max_iter=500, tol=1e-2).fit(X, label_sign(X))
    assert classifier.n_iter_ < 500


def test_a_batch_larger_than_the_data_is_warned_of():
    X = make_X()
    with pytest.warns(UserWarning, match="batch_size=100 is larger than the 24 samples"):
        small(RNNClassifier, batch_size=100).fit(X, label_sign(X))


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
@pytest.mark.parametrize("epochs", [0, 3])
def test_an_interrupt_keeps_the_model_so_far(optimizer, early_stopping, epochs, monkeypatch):
    X = make_X()
    classifier = small(
        RNNClassifier, optimizer=optimizer, early_stopping=early_stopping, max_iter=50, tol=0.0
    )
    make_objective = RNNClassifier._make_objective

    def interrupted(self, *args):
        objective = make_objective(self, *args)

        def until_interrupt(*arguments):
            if len(self.loss_curve_) == epochs:
                raise KeyboardInterrupt
            return objective(*arguments)

        return until_interrupt

    monkeypatch.setattr(RNNClassifier, "_make_objective", interrupted)
    with pytest.warns(UserWarning, match="interrupted by user; the model so far is kept"):
        classifier.fit(X, label_sign(X))
    assert classifier.n_iter_ == len(classifier.loss_curve_) == epochs
    assert classifier.predict(X).shape == (N_SAMPLES,)


# --- regression losses ---------------------------------------------------------------------------


@pytest.mark.parametrize("loss", REGRESSION_LOSSES)
def test_every_loss_learns_on_a_scale_far_from_one(loss):
    X = make_X(60)
    y = 1e6 / (1 + np.exp(-2 * X[:, -1, 0]))
    regressor = small(RNNRegressor, loss=loss, max_iter=300).fit(X, y)
    assert regressor.score(X, y) > 0.9


def test_normalize_y_makes_scale_and_offset_irrelevant():
    X = make_X()
    y = X[:, -1, 0]
    plain = small(RNNRegressor).fit(X, y).predict(X)
    moved = small(RNNRegressor).fit(X, 1e4 * y - 1e6).predict(X)
    np.testing.assert_allclose((moved + 1e6) / 1e4, plain, rtol=1e-6)
    raw = small(RNNRegressor, normalize_y=False).fit(X, 1e4 * y - 1e6)
    assert raw.score(X, 1e4 * y - 1e6) < 0


@pytest.mark.parametrize("value", [0.0, 1e-6, -3e8])
@pytest.mark.parametrize("loss", ["squared_error", "absolute_error"])
def test_a_constant_target_is_learnt(value, loss):
    X = make_X()
    regressor = small(RNNRegressor, loss=loss, max_iter=200).fit(X, np.full(N_SAMPLES, value))
    np.testing.assert_allclose(regressor.predict(X), value, atol=0.2 * (abs(value) or 1))


def test_poisson_predicts_positive_means():
    rng = np.random.default_rng(0)
    X = make_X(200)
    y = rng.poisson(np.exp(X[:, -1, 0]))
    regressor = small(RNNRegressor, loss="poisson", max_iter=100, batch_size=200).fit(X, y)
    y_pred = regressor.predict(10 * X)
    assert (y_pred > 0).all()
    assert regressor.predict(X).mean() == pytest.approx(y.mean(), rel=0.05)
    assert regressor.out_activation_ == "exponential"


def test_poisson_of_zeros_alone():
    X = make_X()
    regressor = small(RNNRegressor, loss="poisson", max_iter=100).fit(X, np.zeros(N_SAMPLES))
    assert (regressor.predict(X) < 0.05).all()


@pytest.mark.parametrize("quantile", [0.1, 0.5, 0.9])
def test_quantile_covers_its_share(quantile):
    X = make_X(400)
    y = np.random.default_rng(0).gamma(2.0, size=400)
    regressor = small(RNNRegressor, loss="quantile", quantile=quantile, alpha=0.0, max_iter=300)
    regressor.fit(np.zeros_like(X), y)
    assert np.mean(y <= regressor.predict(np.zeros_like(X))) == pytest.approx(quantile, abs=0.03)


def test_huber_lies_between_mean_and_median():
    X = np.zeros((101, 3, 1))
    y = np.r_[np.zeros(80), np.full(21, 10.0)]

    def center(**parameters):
        regressor = small(RNNRegressor, max_iter=400, alpha=0.0, normalize_y=False, **parameters)
        return regressor.fit(X, y).predict(X[:1])[0]

    median, mean = center(loss="absolute_error"), center(loss="squared_error")
    middle = center(loss="huber", huber_delta=2.0)
    assert mean == pytest.approx(y.mean(), abs=0.2)
    assert median == pytest.approx(0.0, abs=0.2)
    assert median + 0.2 < middle < mean - 0.2


# --- one's own cell, activation, initializer -----------------------------------------------------


class DecayCache(NamedTuple):
    x: np.ndarray
    n_active: np.ndarray
    h: np.ndarray


class Decay(Cell):
    """``h_t = activation(x_t W_x + b) + w h_{t-1}``: every unit decays at a rate of its own."""

    def shapes(self, n_inputs, hidden_size):
        return {"W_x": (n_inputs, hidden_size), "w": (hidden_size,), "b": (hidden_size,)}

    def initialize(self, weights, rng, init, recurrent_init):
        weights["W_x"][:] = init(rng, *weights["W_x"].shape)
        weights["w"][:] = 0.5

    def forward(self, x, n_active, weights, state=None):
        a = self.activation.function(x @ weights["W_x"] + weights["b"])
        h = np.zeros((len(x) + 1, *a.shape[1:]), dtype=a.dtype)
        for t, n in enumerate(n_active):
            h[t + 1, :n] = a[t, :n] + weights["w"] * h[t, :n]
        return h, DecayCache(x, n_active, h)

    def backward(self, dh, cache, weights, *, cut=None, need_dx=True):
        x, n_active, h = cache
        dz = np.zeros_like(h[1:])
        dh_next = np.zeros_like(h[0])
        for t in reversed(range(len(x))):
            n = n_active[t]
            dz[t, :n] = dh[t + 1, :n] + dh_next[:n]
            dh_next[:n] = dz[t, :n] * weights["w"]
            if cut is not None:
                dh_next[cut[t]] = 0
        a = self.activation.function(x @ weights["W_x"] + weights["b"])
        da = dz * self.activation.derivative(a)
        dweights = {
            "W_x": np.einsum("tni,tnh->ih", x, da),
            "w": (dz * h[:-1]).sum(axis=(0, 1)),
            "b": da.sum(axis=(0, 1)),
        }
        return (da @ weights["W_x"].T if need_dx else None), dweights, (dh[0] + dh_next,)


@pytest.mark.parametrize("parameters", [{}, {"bidirectional": True, "hidden_layer_sizes": (3, 4)}])
def test_the_gradient_of_ones_own_cell(parameters):
    X = make_ragged(6)
    network = small(RNNRegressor, cell=Decay(), max_iter=1, **parameters).fit(X, range(6)).network_
    batch = as_sequences(X).batch(np.arange(6))
    y = np.arange(6.0)[batch.samples, None]

    def value_and_gradient():
        return network.loss_and_gradient(
            batch.x, batch.n_active, y, np.ones(6), loss=LOSSES["squared_error"]()
        )

    _, gradient = value_and_gradient()
    vector = network.parameters.vector
    differences = np.empty_like(gradient)
    for i in range(len(vector)):
        kept = vector[i]
        sides = []
        for step in (1e-6, -1e-6):
            vector[i] = kept + step
            sides.append(value_and_gradient()[0])
        vector[i] = kept
        differences[i] = (sides[0] - sides[1]) / 2e-6
    assert np.abs(gradient).max() > 1e-3
    np.testing.assert_allclose(gradient, differences, rtol=1e-5, atol=1e-8)


def test_ones_own_cell_learns():
    X = make_ragged(60)
    y = np.array([x[:, 0].sum() for x in X])
    regressor = small(RNNRegressor, cell=Decay(), activation="identity", max_iter=300).fit(X, y)
    assert regressor.score(X, y) > 0.95


def test_ones_own_activation_and_initializer():
    tanh = Activation("my_tanh", np.tanh, lambda h: 1 - h * h)
    drawn = []

    def constant(rng, n_in, n_out):
        drawn.append((n_in, n_out))
        return np.full((n_in, n_out), 0.1)

    X = make_X()
    y = label_sign(X)
    own = small(RNNRegressor, cell="rnn", activation=tanh, init=constant).fit(X, y)
    named = small(RNNRegressor, cell="rnn", init=constant).fit(X, y)
    assert drawn == [(2, 4), (4, 1)] * 2
    np.testing.assert_allclose(own.predict(X), named.predict(X))


# --- fitted attributes and docstrings ------------------------------------------------------------


def test_curves_have_one_entry_an_epoch():
    X = make_X()
    classifier = small(RNNClassifier, batch_size=7, tol=0.0).fit(X, label_sign(X))
    assert classifier.n_iter_ == 5
    for name, value in vars(classifier).items():
        if name.endswith("_curve_"):
            assert len(value) == 5, name
            assert np.isfinite(value).all(), name
    assert classifier.loss_ == classifier.loss_curve_[-1]
    assert classifier.t_ == 5 * N_SAMPLES
    assert classifier.validation_scores_ is None
    assert classifier.best_validation_score_ is None


@pytest.mark.parametrize("sizes", [4, (4,), [4], np.array([4]), (np.int64(4),)], ids=repr)
def test_forms_of_hidden_layer_sizes(sizes):
    classifier = small(RNNClassifier, hidden_layer_sizes=sizes).fit(make_X(), label_sign(make_X()))
    assert classifier.network_.architecture.hidden_sizes == (4,)
    assert classifier.n_layers_ == 3


def test_prediction_does_not_depend_on_its_block(monkeypatch):
    X = make_ragged()
    for parameters in ({}, {"return_sequences": True}):
        y = running(X, lambda x: x[:, 0]) if parameters else label_sign(X)
        regressor = small(RNNRegressor, **parameters).fit(X, y)
        whole = regressor.predict(X)
        monkeypatch.setattr(_base, "PREDICTION_BLOCK", 5)
        for one, other in zip(whole, regressor.predict(X), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-12)
        monkeypatch.undo()


def documentation(obj):
    docscrape = pytest.importorskip("numpydoc.docscrape")
    return docscrape.NumpyDocString(inspect.getdoc(obj))


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_documented_attributes_are_the_fitted_ones(cls):
    X = pd.DataFrame(make_X().reshape(N_SAMPLES, -1)).add_prefix("column_")
    fitted = small(cls, early_stopping=True).fit(X, label_sign(make_X()))
    documented = {p.name for p in documentation(cls)["Attributes"]}
    assert documented == {name for name in vars(fitted) if name.endswith("_")}


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_documented_parameters_are_those_of_the_signature(cls):
    parameters = inspect.signature(cls).parameters
    documented = {p.name: p.type for p in documentation(cls)["Parameters"]}
    assert set(documented) == set(parameters)
    for name, parameter in parameters.items():
        text = documented[name].rpartition("default=")[2]
        assert eval(text) == parameter.default, name


METHODS = [
    (cls, name)
    for cls in ESTIMATORS
    for name in (
        "fit",
        "partial_fit",
        "predict",
        "predict_proba",
        "predict_log_proba",
        "decision_function",
        "score",
    )
    if hasattr(cls, name)
]


@pytest.mark.parametrize(("cls", "method"), METHODS)
def test_documented_parameters_of_methods(cls, method):
    function = getattr(cls(), method)
    documented = [p.name for p in documentation(function)["Parameters"]]
    assert documented == list(inspect.signature(function).parameters)


REGISTRIES = {
    "cell": CELLS,
    "activation": ACTIVATIONS,
    "init": INITIALIZERS,
    "optimizer": OPTIMIZERS,
    "readout": READOUTS,
    "learning_rate": SCHEDULES,
    "loss": REGRESSION_LOSSES,
}


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_documented_names_are_those_of_the_registries(cls):
    documented = {p.name: p.type for p in documentation(cls)["Parameters"]}
    for name in REGISTRIES.keys() & documented.keys():
        text = re.search(r"\{(.*?)\}", documented[name]).group(1)
        assert sorted(re.findall(r"'(\w+)'", text)) == sorted(REGISTRIES[name]), name


@pytest.mark.parametrize(("cls", "method"), [(cls, None) for cls in ESTIMATORS] + METHODS)
def test_docstrings_are_valid(cls, method):
    validate = pytest.importorskip("numpydoc.validate").validate
    # What scikit-learn does not ask of its own docstrings either.
    ignored = (
        {"RT02", "GL01", "GL02", "GL08"}
        if method is None
        else {"RT02", "GL01", "GL02", "EX01", "SA01", "ES01"}
    )
    path = ".".join(filter(None, ["skrnn", cls.__name__, method]))
    errors = [error for error in validate(path)["errors"] if error[0] not in ignored]
    assert errors == []
