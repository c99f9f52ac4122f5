"""The parameters `frame_length`, `frame_stride` and `frame_units`."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from small_estimators import (
    ESTIMATORS,
    N_SAMPLES,
    assert_same_weights,
    differ,
    label_sign,
    make_ragged,
    make_X,
    running,
    small,
)

from skrnn import RNNClassifier, RNNRegressor
from skrnn.core.activations import RELU
from skrnn.core.frames import Frames
from skrnn.datasets import make_cylinder_bell_funnel
from skrnn.preprocessing import SequenceScaler

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

FORMS = {
    "plain": {"frame_length": 3},
    "overlapping": {"frame_length": 3, "frame_stride": 2},
    "learnt": {"frame_length": 3, "frame_stride": 2, "frame_units": 4},
    "learnt from single steps": {"frame_length": 1, "frame_units": 4},
}
each_form = pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
each_estimator = pytest.mark.parametrize("cls", ESTIMATORS)


def fitted(cls=RNNClassifier, X=None, y=None, **parameters):
    X = make_ragged() if X is None else X
    return small(cls, **parameters).fit(X, label_sign(X) if y is None else y)


def frames_of(estimator):
    return estimator.network_.architecture.frames


@pytest.mark.parametrize(
    ("parameters", "frames"),
    [
        ({}, None),
        ({"frame_length": 3}, Frames(2, 3, 3)),
        ({"frame_length": 3, "frame_stride": 2}, Frames(2, 3, 2)),
        ({"frame_length": 3, "frame_units": 5}, Frames(2, 3, 3, 5, RELU)),
        ({"frame_units": 5}, Frames(2, 1, 1, 5, RELU)),
    ],
)
def test_parameters_make_frames(parameters, frames):
    assert frames_of(fitted(**parameters)) == frames


@pytest.mark.parametrize("shift", [False, True])
def test_frames_are_shifted_in_training_if_asked(shift):
    estimator = fitted(frame_length=4, frame_stride=3, frame_shift=shift, max_iter=1)
    assert frames_of(estimator).random_phase == shift


def test_no_step_is_lost_by_a_shift():
    """What decides is the last step of sequences that fill their frames without a rest."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 64, 1))
    options = {"hidden_layer_sizes": 16, "max_iter": 60, "learning_rate_init": 0.01}
    options |= {"batch_size": 32, "frame_length": 8, "frame_stride": 4, "frame_shift": True}
    reg = small(RNNRegressor, **options).fit(X[:150], X[:150, -1, 0])
    assert reg.score(X[150:], X[150:, -1, 0]) > 0.9


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [({"return_sequences": True}, "cannot be shifted"), ({"optimizer": "lbfgs"}, "loss random")],
)
def test_shifts_that_cannot_be_are_refused(parameters, reason):
    X = make_X()
    y = np.zeros(X.shape[:2]) if "return_sequences" in parameters else None
    with pytest.raises(ValueError, match=reason):
        fitted(X=X, y=y, frame_length=4, frame_shift=True, **parameters)


def test_shifts_follow_the_random_state():
    X = make_X(n_timesteps=64)
    options = {
        "frame_length": 4,
        "frame_shift": True,
        "init": "identity",
        "recurrent_init": "identity",
    }
    assert_same_weights(fitted(X=X, **options), fitted(X=X, **options))
    # One batch of all samples: nothing else is random.
    assert differ(fitted(X=X, **options), fitted(X=X, **options, random_state=1))


@each_estimator
def test_a_stride_beyond_the_frame_is_refused(cls):
    with pytest.raises(ValueError, match=r"frame_stride=3 is larger than frame_length=2"):
        fitted(cls, frame_length=2, frame_stride=3)


@each_form
@each_estimator
def test_there_is_a_prediction_for_every_step(cls, form):
    X = make_ragged()
    y = running(X, lambda sample: (sample[:, 0] > 0).astype(int))
    predicted = small(cls, return_sequences=True, **form).fit(X, y).predict(X)
    assert [len(steps) for steps in predicted] == [len(sample) for sample in X]


def test_every_step_of_a_frame_is_learnt():
    X = make_X(60, n_timesteps=48)
    y = (X[..., 0] > X[..., 1]).astype(int)
    options = {"hidden_layer_sizes": 24, "max_iter": 150, "learning_rate_init": 0.02}
    estimator = small(RNNClassifier, **options, frame_length=3, return_sequences=True)
    right = estimator.fit(X, y).predict(X) == y
    assert right[:, 0::3].mean() > 0.9
    assert right[:, 1::3].mean() > 0.9
    assert right[:, 2::3].mean() > 0.9


def test_frames_that_answer_for_steps_are_not_shifted():
    X = make_X(n_timesteps=64)
    y = (X[..., 0] > 0).astype(int)
    estimator = small(RNNClassifier, frame_length=2, return_sequences=True, max_iter=1).fit(X, y)
    assert not frames_of(estimator).random_phase


@each_form
def test_predictions_do_not_depend_on_the_form_of_the_sequences(form):
    X = make_ragged()
    estimator = fitted(RNNRegressor, X, **form)
    padded = np.full((len(X), 9, 2), np.nan)
    for row, sample in zip(padded, X, strict=True):
        row[: len(sample)] = sample
    np.testing.assert_array_equal(estimator.predict(padded), estimator.predict(X))


@each_form
def test_predictions_do_not_depend_on_batch_mates(form):
    X = make_ragged()
    estimator = fitted(RNNRegressor, X, **form)
    alone = np.concatenate([estimator.predict([sample]) for sample in X])
    np.testing.assert_allclose(estimator.predict(X), alone, rtol=0, atol=1e-12)


@each_form
def test_sequences_may_be_shorter_than_a_frame(form):
    X = [sample[:1] for sample in make_ragged()]
    assert fitted(X=X, **form).predict(X).shape == (N_SAMPLES,)


@each_form
@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
def test_a_weight_of_two_is_two_samples(form, optimizer):
    X = make_X(n_timesteps=64)
    y = label_sign(X)
    weight = np.arange(N_SAMPLES) % 2 + 1
    one = small(RNNClassifier, optimizer=optimizer, **form).fit(X, y, sample_weight=weight)
    other = small(RNNClassifier, optimizer=optimizer, **form)
    other.fit(np.repeat(X, weight, axis=0), np.repeat(y, weight))
    np.testing.assert_allclose(one.predict_proba(X), other.predict_proba(X), atol=1e-6)


@each_form
def test_a_pickled_estimator_predicts_the_same(form):
    X = make_ragged()
    estimator = fitted(**form)
    again = pickle.loads(pickle.dumps(estimator))
    np.testing.assert_array_equal(again.predict_proba(X), estimator.predict_proba(X))


@each_form
def test_a_clone_fits_to_the_same_weights(form):
    X = make_ragged()
    estimator = fitted(**form)
    assert_same_weights(clone(estimator).fit(X, label_sign(X)), estimator)


@each_form
def test_partial_fit_goes_on(form):
    X = make_ragged()
    estimator = small(RNNClassifier, **form)
    for _ in range(3):
        estimator.partial_fit(X, label_sign(X), classes=[0, 1])
    assert estimator.n_iter_ == 3


@each_form
def test_warm_start_goes_on(form):
    X = make_ragged()
    estimator = fitted(warm_start=True, **form)
    assert estimator.fit(X, label_sign(X)).n_iter_ == 10


@pytest.mark.parametrize(
    "change",
    [
        {"frame_length": 2},
        {"frame_length": 4},
        {"frame_stride": 1},
        {"frame_units": 5},
        {"frame_units": None},
    ],
)
def test_warm_start_refuses_other_shapes(change):
    X = make_ragged()
    estimator = fitted(warm_start=True, **FORMS["learnt"]).set_params(**change)
    with pytest.raises(ValueError, match="frame_stride and frame_units shape the weights"):
        estimator.fit(X, label_sign(X))


def test_a_search_in_a_pipeline_chooses_frames():
    X = make_X(n_timesteps=12)
    pipeline = make_pipeline(SequenceScaler(), small(RNNClassifier))
    grid = {"rnnclassifier__frame_length": [1, 3], "rnnclassifier__frame_units": [None, 4]}
    search = GridSearchCV(pipeline, grid, cv=2, error_score="raise").fit(X, label_sign(X))
    assert len(search.cv_results_["params"]) == 4


@each_form
def test_frames_lie_above_an_embedding(form):
    tokens = [np.abs(sample[:, :1]).round().astype(int) for sample in make_ragged()]
    y = [int(sample[-1, 0] > 0) for sample in tokens]
    estimator = small(RNNClassifier, embedding_dim=5, **form).fit(tokens, y)
    assert frames_of(estimator).n_inputs == 5
    assert estimator.predict(tokens).shape == (N_SAMPLES,)


def test_frames_take_float32():
    X = make_X().astype(np.float32)
    estimator = fitted(X=X, **FORMS["learnt"])
    assert estimator.network_.parameters.vector.dtype == np.float32
    assert estimator.predict_proba(X).dtype == np.float32


@each_form
def test_shapes_are_learnt_through_frames(form):
    X, y = make_cylinder_bell_funnel(240, random_state=0)
    options = {"hidden_layer_sizes": 16, "max_iter": 40, "batch_size": 10, "readout": "max"}
    estimator = small(RNNClassifier, **options, **form, learning_rate_init=0.01)
    assert estimator.fit(X[:90], y[:90]).score(X[90:], y[90:]) > 0.93
