"""What inspection tells of a network that reads frames: everything in time steps of the data."""

from __future__ import annotations

from copy import deepcopy

import numpy as np
import pytest
from small_estimators import label_sign, make_ragged, running, small

from skrnn import RNNClassifier, RNNRegressor
from skrnn.core.frames import Frames
from skrnn.core.network import Network
from skrnn.inspection import (
    HiddenStates,
    diagnose,
    gradient_flow,
    hidden_states,
    input_attributions,
    permutation_importance,
    record_gradient_flow,
    unrolled,
)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

LENGTH, STRIDE = 3, 2
PLAIN = {"frame_length": LENGTH, "frame_stride": STRIDE}
FORMS = {"plain": PLAIN, "learnt": {**PLAIN, "frame_units": 5}}
each_form = pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
X = make_ragged()
Y = label_sign(X)
LENGTHS = np.array([len(sample) for sample in X])
SHAPES = {
    "one layer": {},
    "bidirectional": {"bidirectional": True, "readout": "max"},
    "stacked": {"hidden_layer_sizes": (4, 3), "bidirectional": True},
}
each_shape = pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)


def fitted(**parameters):
    return small(RNNClassifier, **parameters).fit(X, Y)


def framed(sample):
    """The frames of a sequence, as the channels of a shorter one."""
    n_active = np.ones(len(sample), int)
    return Frames(2, LENGTH, STRIDE).forward(sample[:, None], n_active, {})[0][:, 0]


def without_frames(estimator):
    """The same network over sequences that are frames already, and these sequences."""
    frames = [framed(sample) for sample in X]
    other = small(RNNClassifier, **estimator.get_params())
    other.set_params(frame_length=1, frame_stride=None).fit(frames, Y)
    parameters = deepcopy(estimator.network_.parameters)
    other.network_ = Network(other.network_.architecture, parameters)
    return other, frames


@each_shape
def test_states_of_a_frame_stand_at_the_steps_that_begin_with_it(shape):
    estimator = fitted(**PLAIN, **shape)
    other, frames = without_frames(estimator)
    ours, theirs = hidden_states(estimator, X), hidden_states(other, frames)
    for layer, of_frames in zip(ours.layers, theirs.layers, strict=True):
        for name in of_frames:
            for i, length in enumerate(LENGTHS):
                expected = np.repeat(of_frames[name][i], STRIDE, axis=0)[:length]
                np.testing.assert_array_equal(layer[name][i], expected)
    np.testing.assert_array_equal(ours.features, theirs.features)


@each_shape
def test_gradients_of_a_frame_stand_at_the_steps_that_begin_with_it(shape):
    estimator = fitted(**PLAIN, **shape)
    other, frames = without_frames(estimator)
    ours, theirs = gradient_flow(estimator, X, Y), gradient_flow(other, frames, Y)
    for i, length in enumerate(LENGTHS):
        n_frames = len(frames[i])
        expected = np.repeat(theirs.sample_loss_norms[:, :n_frames, i], STRIDE, axis=1)
        # Batches of other shapes: NumPy's products are equal up to rounding.
        np.testing.assert_allclose(
            ours.sample_loss_norms[:, :length, i], expected[:, :length], rtol=1e-12
        )
        assert np.isnan(ours.sample_loss_norms[:, length:, i]).all()


def test_lags_of_the_gradient_count_steps_from_the_end():
    estimator = fitted(**PLAIN)
    other, frames = without_frames(estimator)
    ours, theirs = gradient_flow(estimator, X, Y), gradient_flow(other, frames, Y)
    for i, length in enumerate(LENGTHS):
        by_frame = theirs.sample_norms[0, : len(frames[i]), i][::-1]
        expected = np.repeat(by_frame, STRIDE)[:length][::-1]
        np.testing.assert_allclose(ours.sample_norms[0, :length, i], expected, rtol=1e-12)


def test_the_last_lag_of_a_reversed_direction_is_the_end_of_the_data():
    """Both directions are told in their own time: the read-out sees them at lag 0."""
    estimator = fitted(**PLAIN, bidirectional=True)
    other, frames = without_frames(estimator)
    ours, theirs = gradient_flow(estimator, X, Y), gradient_flow(other, frames, Y)
    np.testing.assert_array_equal(ours.sample_norms[:, 0], theirs.sample_norms[:, 0])


@pytest.mark.parametrize("n_timesteps", [40, 41])
def test_jacobians_and_horizon_count_steps(n_timesteps):
    rng = np.random.default_rng(0)
    long = rng.normal(size=(6, n_timesteps, 2))
    y = np.arange(6) % 2
    options = {"activation": "logistic", "cell": "rnn", "max_iter": 1, "readout": "last"}
    options |= {"bidirectional": False, "differences": False}
    estimator = small(RNNClassifier, **options, **PLAIN).fit(long, y)
    other = small(RNNClassifier, **options)
    other.fit([framed(sample) for sample in long], y)
    other.network_ = Network(other.network_.architecture, estimator.network_.parameters)
    ours = gradient_flow(estimator, long, y)
    theirs = gradient_flow(other, np.stack([framed(sample) for sample in long]), y)
    expected = np.repeat(theirs.jacobian_norms[0][::-1], STRIDE)[:n_timesteps][::-1]
    np.testing.assert_array_equal(ours.jacobian_norms[0], expected)
    # The last frame has one step of its own where the length is odd.
    in_steps = theirs.horizon[0] * STRIDE - n_timesteps % STRIDE
    assert ours.horizon[0] == in_steps
    assert ours.verdict[0] == theirs.verdict[0] == "vanishing"


@each_form
@each_shape
def test_integrated_gradients_add_up_to_the_change_of_the_output(form, shape):
    estimator = fitted(**form, **shape)
    attributions = input_attributions(estimator, X, target=1, n_steps=200)
    assert [part.shape for part in attributions] == [sample.shape for sample in X]
    nothing = [np.zeros_like(sample) for sample in X]
    change = estimator.decision_function(X) - estimator.decision_function(nothing)
    # Kinks of relu and of the maximum keep the rule from being exact.
    np.testing.assert_allclose([part.sum() for part in attributions], change, atol=0.05)


def test_gradients_of_steps_match_differences():
    estimator = fitted(**FORMS["learnt"], bidirectional=True)
    attributions = input_attributions(estimator, X, "gradient_x_input", target=1)
    i = int(LENGTHS.argmax())
    for t in range(LENGTHS[i]):
        ahead, back = X[i].copy(), X[i].copy()
        ahead[t, 1] += 1e-5
        back[t, 1] -= 1e-5
        above, below = estimator.decision_function([ahead, back])
        slope = (above - below) / 2e-5
        assert attributions[i][t, 1] == pytest.approx(slope * X[i][t, 1], rel=1e-6, abs=1e-9)


@each_form
def test_occlusion_is_told_by_step(form):
    estimator = fitted(**form)
    attributions = input_attributions(estimator, X, "occlusion", target=1)
    i = int(LENGTHS.argmax())
    occluded = X[i].copy()
    occluded[1, 0] = 0
    whole, without = estimator.decision_function([X[i], occluded])
    assert attributions[i][1, 0] == pytest.approx(whole - without, abs=1e-12)


@each_form
def test_gradients_of_predictions_at_every_step_match_differences(form):
    steps = running(X, lambda sample: sample[:, 0])
    estimator = small(RNNRegressor, return_sequences=True, **form).fit(X, steps)
    attributions = input_attributions(estimator, X, "gradient_x_input")
    i = int(LENGTHS.argmax())
    for t in range(LENGTHS[i]):
        ahead, back = X[i].copy(), X[i].copy()
        ahead[t, 1] += 1e-5
        back[t, 1] -= 1e-5
        above, below = (part.sum() for part in estimator.predict([ahead, back]))
        slope = (above - below) / 2e-5
        assert attributions[i][t, 1] == pytest.approx(slope * X[i][t, 1], rel=1e-6, abs=1e-8)


@each_form
def test_a_network_that_predicts_at_every_step_can_be_diagnosed(form):
    steps = running(X, lambda sample: sample[:, 0])
    estimator = small(RNNRegressor, return_sequences=True, **form).fit(X, steps)
    flow = gradient_flow(estimator, X, steps)
    assert np.isfinite(flow.norms).all()
    assert flow.norms.shape == (1, LENGTHS.max())
    assert "frame" not in str(diagnose(estimator, X, steps))


@each_form
def test_unrolled_does_not_show_frames(form):
    with pytest.raises(ValueError, match="reads its time steps one by one"):
        unrolled(fitted(**form), X, 0, Y)


@each_form
@each_shape
def test_a_diagnosis_measures_the_units_over_the_real_frames(form, shape):
    estimator = fitted(**form, **shape, activation="relu", cell="rnn")
    report = diagnose(estimator, X, Y)
    assert report is not None
    assert "frame" not in str(report)


@each_form
def test_an_unfitted_estimator_can_be_diagnosed(form):
    flow = gradient_flow(small(RNNClassifier, **form), X, Y)
    assert not flow.fitted
    assert flow.lags.tolist() == list(range(LENGTHS.max()))


@each_form
def test_read_out_states_are_features(form):
    features = HiddenStates(small(RNNClassifier, **form)).fit(X, Y).transform(X)
    assert features.shape == (len(X), 4)


@each_form
def test_channels_can_be_permuted(form):
    importance = permutation_importance(fitted(**form), X, Y, n_repeats=2, random_state=0)
    assert importance.importances_mean.shape == (2,)


@each_form
def test_flow_is_recorded_in_time_steps(form):
    history = record_gradient_flow(small(RNNClassifier, **form), X, Y)
    assert history.retained.shape[-1] == LENGTHS.max()
