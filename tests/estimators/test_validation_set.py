"""A validation set that is given to fit: what is recorded, what decides, what is refused."""

from __future__ import annotations

import numpy as np
import pytest
import sklearn
from sklearn.metrics import log_loss
from sklearn.pipeline import make_pipeline
from small_estimators import (
    ESTIMATORS,
    assert_same_weights,
    label_sign,
    make_ragged,
    make_X,
    small,
    weights_of,
)

from skrnn import RNNClassifier, RNNRegressor
from skrnn.callbacks import Callback, Checkpoint, EarlyStopping
from skrnn.core.losses import REGRESSION_LOSSES
from skrnn.preprocessing import SequenceScaler

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(7)
X, X_VAL = make_X(40), RNG.normal(size=(15, 4, 2))
Y, Y_VAL = label_sign(X), label_sign(X_VAL)
WEIGHT_VAL = RNG.uniform(0.5, 2.0, 15)
VALIDATION = {"X_val": X_VAL, "y_val": Y_VAL, "sample_weight_val": WEIGHT_VAL}


@pytest.mark.parametrize("cls", ESTIMATORS)
@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
def test_without_early_stopping_a_validation_set_is_recorded_and_changes_nothing(cls, optimizer):
    estimator = small(cls, optimizer=optimizer, max_iter=12)
    expected = small(cls, optimizer=optimizer, max_iter=12).fit(X, Y)
    estimator.fit(X, Y, **VALIDATION)
    assert_same_weights(estimator, expected)
    assert estimator.loss_curve_ == expected.loss_curve_
    assert len(estimator.validation_loss_curve_) == len(estimator.validation_scores_)
    assert len(estimator.validation_scores_) == estimator.n_iter_
    score = estimator.score(X_VAL, Y_VAL, WEIGHT_VAL)
    assert estimator.validation_scores_[-1] == pytest.approx(score, abs=1e-12)
    assert estimator.best_loss_ == min(estimator.loss_curve_)


@pytest.mark.parametrize("class_weight", [None, {0: 1.0, 1: 5.0}, "balanced"])
def test_the_validation_loss_is_the_weighted_log_loss(class_weight):
    y, weight = np.repeat([0, 1], [30, 10]), RNG.uniform(0.5, 2.0, 40)
    classifier = small(RNNClassifier, class_weight=class_weight, alpha=1.0)
    classifier.fit(X, y, weight, **VALIDATION)
    if class_weight == "balanced":
        # As in training, whatever the shares of the classes in the validation set.
        class_weight = {k: weight.sum() / (2 * weight[y == k].sum()) for k in (0, 1)}
    factor = 1.0 if class_weight is None else np.array([class_weight[k] for k in Y_VAL])
    proba = classifier.predict_proba(X_VAL)
    expected = log_loss(Y_VAL, proba, sample_weight=WEIGHT_VAL * factor)
    assert classifier.validation_loss_curve_[-1] == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("loss", REGRESSION_LOSSES)
def test_the_validation_loss_is_the_one_that_is_minimised(loss):
    y = 1 + np.abs(X[:, -1, 0])
    regressor = small(RNNRegressor, loss=loss, batch_size=40, alpha=0.0, max_iter=3, tol=0.0)
    regressor.fit(X, y, X_val=X, y_val=y)
    # The training loss of an epoch of one batch is that of the weights before it.
    np.testing.assert_allclose(
        regressor.validation_loss_curve_[:-1], regressor.loss_curve_[1:], rtol=1e-9
    )


def test_with_early_stopping_nothing_is_held_out():
    estimator = small(RNNClassifier, early_stopping=True, max_iter=40, n_iter_no_change=3)
    estimator.fit(X, Y, **VALIDATION)
    assert estimator.t_ == estimator.n_iter_ * len(X)
    best = int(np.argmin(estimator.validation_loss_curve_))
    assert estimator.best_validation_loss_ == estimator.validation_loss_curve_[best]
    expected = small(RNNClassifier, max_iter=best + 1, tol=0.0).fit(X, Y)
    assert_same_weights(estimator, expected)


def test_step_targets_are_validated_step_by_step():
    X_train, X_val = make_ragged(), make_ragged(9)
    y, y_val = ([(x[:, 0] > 0) * 1 for x in part] for part in (X_train, X_val))
    weight = np.arange(1.0, 10)
    classifier = small(RNNClassifier, return_sequences=True)
    classifier.fit(X_train, y, X_val=X_val, y_val=y_val, sample_weight_val=weight)
    assert classifier.validation_scores_[-1] == pytest.approx(
        classifier.score(X_val, y_val, weight), abs=1e-12
    )


def test_the_validation_set_may_have_another_form_dtype_and_length_than_the_training_data():
    expected = small(RNNRegressor).fit(X, Y, X_val=X_VAL.astype("f4"), y_val=Y_VAL)
    estimator = small(RNNRegressor).fit(X, Y, X_val=list(X_VAL.astype("f4")), y_val=list(Y_VAL))
    assert estimator.validation_loss_curve_ == expected.validation_loss_curve_
    assert weights_of(estimator).dtype == np.float64
    small(RNNRegressor).fit(X, Y, X_val=X_VAL[:, :2], y_val=Y_VAL)


def test_labels_of_the_validation_set_are_those_of_training():
    names = np.array(["down", "up"])
    expected = small(RNNClassifier).fit(X, Y, X_val=X_VAL[:4], y_val=[1] * 4)
    classifier = small(RNNClassifier).fit(X, names[Y], X_val=X_VAL[:4], y_val=["up"] * 4)
    assert classifier.validation_loss_curve_ == expected.validation_loss_curve_


def test_a_single_sample_has_a_loss_but_no_r2():
    regressor = small(RNNRegressor).fit(X, Y, X_val=X_VAL[:1], y_val=Y_VAL[:1])
    assert np.isfinite(regressor.validation_loss_curve_).all()
    assert np.isnan(regressor.validation_scores_).all()


WRONG = {
    "no targets": ({"X_val": X_VAL}, "X_val is provided, but y_val was not provided"),
    "no sequences": ({"y_val": Y_VAL}, "y_val is provided, but X_val was not provided"),
    "only weights": ({"sample_weight_val": WEIGHT_VAL}, "but X_val was not provided"),
    "unknown class": ({**VALIDATION, "y_val": Y_VAL + 1}, r"validation set .*y has classes \[2\]"),
    "channels": ({**VALIDATION, "X_val": X_VAL[:, :, :1]}, "validation set .*X has 1 channel"),
    "lengths": ({**VALIDATION, "y_val": Y_VAL[:-1]}, "validation set .*inconsistent numbers"),
    "weights": (
        {**VALIDATION, "sample_weight_val": np.zeros(15)},
        "validation set .*zero",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_validation_set_that_does_not_fit_is_refused(case):
    validation, message = WRONG[case]
    with pytest.raises(ValueError, match=message):
        small(RNNClassifier).fit(X, Y, **validation)


def test_a_validation_set_whose_classes_all_weigh_nothing_is_refused():
    classifier = small(RNNClassifier, class_weight={0: 0.0, 1: 1.0})
    with pytest.raises(ValueError, match=r"validation set .*class_weight is zero"):
        classifier.fit(X, Y, X_val=X_VAL[:2], y_val=[0, 0])


def test_ids_of_the_validation_set_must_be_known():
    ids = RNG.integers(0, 4, size=(20, 5, 1))
    classifier = small(RNNClassifier, embedding_dim=3)
    with pytest.raises(ValueError, match=r"validation set .*the known ids are 0 to 3"):
        classifier.fit(ids, ids[:, -1, 0] > 1, X_val=ids + 4, y_val=ids[:, -1, 0] > 1)


@pytest.fixture
def routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


def raw(part):
    """Return sequences that a network cannot read without a scaler in front."""
    return 500 + 200 * part


@pytest.mark.skipif(
    not hasattr(sklearn.pipeline.Pipeline(None), "transform_input"),
    reason="Pipeline has transform_input since scikit-learn 1.6",
)
@pytest.mark.usefixtures("routing")
@pytest.mark.parametrize("callbacks", [(), (EarlyStopping(),), (EarlyStopping(scoring="r2"),)])
def test_a_pipeline_transforms_the_validation_set(callbacks):
    X_raw, X_val_raw = raw(X), raw(X_VAL)
    model = small(RNNRegressor, early_stopping=True, max_iter=20)
    scaler = SequenceScaler().fit(X_raw)
    expected = small(RNNRegressor, early_stopping=True, max_iter=20)
    expected.fit(scaler.transform(X_raw), Y, X_val=scaler.transform(X_val_raw), y_val=Y_VAL)
    model.set_fit_request(X_val=True, y_val=True)
    model.set_callbacks(*callbacks)
    pipeline = make_pipeline(SequenceScaler(), model, transform_input=["X_val"])
    pipeline.fit(X_raw, Y, X_val=X_val_raw, y_val=Y_VAL)
    n_epochs = model.n_iter_
    np.testing.assert_array_equal(
        model.validation_loss_curve_, expected.validation_loss_curve_[:n_epochs]
    )
    if callbacks:
        scores = callbacks[0].scores_
        np.testing.assert_allclose(scores, expected.validation_scores_[:n_epochs], rtol=1e-9)


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_a_validation_set_that_no_step_has_transformed_is_told(cls):
    pipeline = make_pipeline(SequenceScaler(), small(cls, early_stopping=True))
    name = cls.__name__.lower()
    with pytest.warns(UserWarning, match="on another scale.*channel 0 has mean.*transform_input"):
        pipeline.fit(raw(X), Y, **{f"{name}__X_val": raw(X_VAL), f"{name}__y_val": Y_VAL})


def test_token_ids_have_no_scale():
    model = small(RNNClassifier, n_tokens=2000, embedding_dim=2)
    few, many = np.tile([1.0, 2.0], (12, 2)), np.tile([1.0, 1900.0], (12, 2))
    model.fit(few, np.arange(12) % 2, X_val=many, y_val=np.arange(12) % 2)


def test_a_scorer_of_a_callback_takes_the_weights_of_the_validation_set():
    stop = EarlyStopping(scoring="r2")
    regressor = small(RNNRegressor).set_callbacks(stop).fit(X, Y, **VALIDATION)
    np.testing.assert_allclose(stop.scores_, regressor.validation_scores_, rtol=1e-9)


class StopAfter(Callback):
    """Breaks a fit off after so many epochs, as a lost machine would."""

    def __init__(self, n_epochs):
        self.n_epochs = n_epochs

    def on_fit_task_end(self, estimator, context):
        if context.task_name == "epoch" and context.task_id == self.n_epochs:
            raise RuntimeError("lost")


def test_a_resumed_fit_with_a_validation_set_ends_equal_to_the_bit(tmp_path):
    def make(*callbacks):
        model = small(RNNClassifier, early_stopping=True, max_iter=30, batch_size=8, dropout=0.3)
        return model.set_callbacks(*callbacks)

    expected = make().fit(X, Y, **VALIDATION)
    checkpoint = Checkpoint(tmp_path / "file")
    with pytest.raises(RuntimeError, match="lost"):
        make(checkpoint, StopAfter(4)).fit(X, Y, **VALIDATION)
    estimator = make(checkpoint).fit(X, Y, **VALIDATION)
    assert_same_weights(estimator, expected)
    assert estimator.validation_loss_curve_ == expected.validation_loss_curve_
    with pytest.raises(ValueError, match="differs in: y_val"):
        make(checkpoint).fit(X, Y, **{**VALIDATION, "y_val": 1 - Y_VAL})
