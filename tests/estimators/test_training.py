"""How training runs: optimizers, seeds, dtypes, warnings, interrupts."""

from __future__ import annotations

import hashlib
import inspect
import subprocess
import sys

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from small_estimators import (
    ESTIMATORS,
    N_SAMPLES,
    assert_same_weights,
    differ,
    label_sign,
    make_ragged,
    make_X,
    small,
    weights_of,
)

from skrnn import RNNClassifier, RNNRegressor
from skrnn.core.cells import CELLS
from skrnn.core.optimizers import OPTIMIZERS
from skrnn.estimators import _training

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


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
    # The network's dtype rules later: predictions do not depend on that of new data.
    for data in (X, make_X()):
        if cls is RNNClassifier:
            assert estimator.predict_proba(data).dtype == dtype
        np.testing.assert_array_equal(estimator.predict(data), estimator.predict(X))


def test_integers_are_computed_in_double():
    X = np.arange(48).reshape(12, 4)
    assert weights_of(small(RNNRegressor).fit(X, X[:, 0])).dtype == np.float64


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
    parameters["batch_size"] = N_SAMPLES
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
    with pytest.warns(UserWarning, match="batch_size=100 is larger than the 24 samples") as record:
        small(RNNClassifier, batch_size=100, max_iter=500, tol=1e-2).fit(X, label_sign(X))
    assert len(record) == 1


@pytest.mark.parametrize("cls", ESTIMATORS)
@pytest.mark.parametrize("fill", [0.0, np.nan], ids=str)
def test_what_looks_like_padding_is_warned_of_where_fit_is_called(cls, fill):
    X = make_X()
    X[3:6, 3:], X[8:12, 2:] = fill, fill
    message = f"looks padded .* {cls.__name__}: 7 of 24 .* end in .* are {fill:g} in every channel"
    with pytest.warns(UserWarning, match=message) as record:
        small(cls, max_iter=500, tol=1e-2).fit(list(X), label_sign(make_X()))
    assert [warning.filename for warning in record] == [__file__]


@pytest.mark.filterwarnings("error")
def test_padding_that_is_cut_off_is_not_warned_of():
    X = make_X()
    X[3:6, 3:], X[8:12, 2:] = np.nan, np.nan
    small(RNNClassifier, max_iter=500, tol=1e-2).fit(X, label_sign(make_X()))


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
@pytest.mark.parametrize("epochs", [0, 3])
def test_an_interrupt_keeps_the_model_so_far(optimizer, early_stopping, epochs, monkeypatch):
    X = make_X()
    classifier = small(
        RNNClassifier, optimizer=optimizer, early_stopping=early_stopping, max_iter=50, tol=0.0
    )
    make_objective = _training.make_objective

    def interrupted(*args, **kwargs):
        objective = make_objective(*args, **kwargs)

        def until_interrupt(*arguments):
            if len(classifier.loss_curve_) == epochs:
                raise KeyboardInterrupt
            return objective(*arguments)

        return until_interrupt

    monkeypatch.setattr(_training, "make_objective", interrupted)
    with pytest.warns(UserWarning, match="interrupted by user; the model so far is kept"):
        classifier.fit(X, label_sign(X))
    assert classifier.n_iter_ == len(classifier.loss_curve_) == epochs
    assert classifier.predict(X).shape == (N_SAMPLES,)


def test_curves_have_one_entry_an_epoch():
    X = make_X()
    classifier = small(RNNClassifier, batch_size=7, tol=0.0).fit(X, label_sign(X))
    assert classifier.n_iter_ == 5
    for name, value in vars(classifier).items():
        if name.endswith("_curve_") and name != "validation_loss_curve_":
            assert len(value) == 5, name
            assert np.isfinite(value).all(), name
    assert classifier.loss_ == classifier.loss_curve_[-1]
    assert classifier.t_ == 5 * N_SAMPLES
    assert classifier.validation_loss_curve_ is classifier.validation_scores_ is None
    assert classifier.best_validation_loss_ is classifier.best_validation_score_ is None
