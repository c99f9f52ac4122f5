"""What the parameters left at 'auto' stand for: decided by the data, kept, and learning well."""

from __future__ import annotations

import numpy as np
import pytest
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
from skrnn.datasets import make_cylinder_bell_funnel
from skrnn.preprocessing import SequenceScaler

AUTO = {
    "max_iter": "auto",
    "learning_rate": "auto",
    "n_iter_no_change": "auto",
}
pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore::skrnn.core.training.NotLearntWarning"),
]


def noise(n_samples, n_timesteps):
    return np.random.default_rng(0).normal(size=(n_samples, n_timesteps, 1))


def waves(n_samples, n_timesteps):
    phase = np.random.default_rng(0).uniform(0, 6, size=(n_samples, 1, 1))
    return np.sin(phase + np.arange(n_timesteps)[:, None] / 5)


def decided(cls, X, y=None, **parameters):
    y = np.arange(len(X)) % 2 if y is None else y
    estimator = small(cls, **{"max_iter": 1, **parameters}).fit(X, y)
    return estimator.auto_params_, estimator.network_.architecture


FRAMES = {
    31: (1, 1, None, False),
    32: (5, 1, 64, False),
    63: (5, 1, 64, False),
    64: (16, 4, 64, True),
    127: (16, 4, 64, True),
    128: (8, 4, 64, True),
    255: (8, 4, 64, True),
    256: (16, 8, 64, True),
    999: (16, 8, 64, True),
    1000: (16, 8, 64, True),
    1300: (22, 11, 64, True),
}


@pytest.mark.parametrize("n_timesteps", FRAMES)
def test_a_classifier_reads_long_sequences_in_frames(n_timesteps):
    auto, architecture = decided(RNNClassifier, noise(6, n_timesteps))
    names = ("frame_length", "frame_stride", "frame_units", "frame_shift")
    assert tuple(auto[name] for name in names) == FRAMES[n_timesteps]
    assert (architecture.frames is None) is (n_timesteps < 32)
    assert architecture.bidirectional is auto["bidirectional"] is (n_timesteps >= 32)
    assert auto["readout"] == ("max" if n_timesteps >= 32 else "last")


def test_smooth_channels_are_cut_on_a_coarser_grid():
    auto, _ = decided(RNNClassifier, waves(6, 130))
    assert (auto["frame_length"], auto["frame_stride"]) == (16, 8)


@pytest.mark.parametrize(("period", "differences"), [(1.0, False), (30.0, True)])
def test_a_regressor_reads_the_slope_of_very_smooth_channels(period, differences):
    X = np.sin(np.arange(6)[:, None, None] + np.arange(64)[:, None] / period)
    auto, _ = decided(RNNRegressor, X)
    assert auto["differences"] is differences


@pytest.mark.parametrize("n_timesteps", [31, 64, 1000])
def test_a_regressor_reads_step_by_step_to_the_end(n_timesteps):
    auto, architecture = decided(RNNRegressor, noise(6, n_timesteps))
    assert architecture.frames is architecture.differences is None
    assert (auto["bidirectional"], auto["readout"]) == (False, "last")


def test_targets_at_every_step_are_answered_step_by_step():
    X = noise(6, 64)
    _, architecture = decided(RNNClassifier, X, X[:, :, 0] > 0, return_sequences=True)
    assert architecture.frames is None
    assert not architecture.bidirectional


@pytest.mark.parametrize(("n_timesteps", "frame_length"), [(4, 1), (40, 5), (100, 8)])
def test_tokens_are_searched_at_any_length(n_timesteps, frame_length):
    ids = np.random.default_rng(0).integers(0, 5, size=(6, n_timesteps, 1))
    auto, architecture = decided(RNNClassifier, ids, embedding_dim=2)
    assert architecture.differences is None
    assert auto["frame_length"] == frame_length
    assert (auto["readout"], auto["bidirectional"], auto["frame_shift"]) == ("max", True, False)


@pytest.mark.parametrize(("data", "smooth"), [(noise, False), (waves, True)])
def test_smooth_channels_come_with_their_differences(data, smooth):
    auto, architecture = decided(RNNClassifier, data(6, 40))
    assert auto["differences"] is smooth
    assert (architecture.differences is not None) is smooth


def test_differences_are_brought_to_unit_scale():
    X = waves(6, 40)
    _, architecture = decided(RNNClassifier, X)
    (scale,) = architecture.differences.scales
    size = np.sqrt(np.mean(np.square(np.diff(X, axis=1))))
    assert scale * size == pytest.approx(1, rel=0.01)


def test_differences_of_a_constant_channel_keep_their_scale():
    _, architecture = decided(RNNRegressor, np.ones((6, 4, 1)), differences=True)
    assert architecture.differences.scales == (1.0,)


def test_differences_of_ids_are_refused():
    ids = np.random.default_rng(0).integers(0, 5, size=(6, 4, 1))
    with pytest.raises(ValueError, match="differences=True is for numbers"):
        decided(RNNClassifier, ids, embedding_dim=2, differences=True)


GIVEN = {
    "plain frames": ({"frame_length": 8}, (8, 8, None, False)),
    "no frames": ({"frame_length": 1}, (1, 1, None, False)),
    "stride": ({"frame_stride": 32}, (32, 32, 64, True)),
    "no shift": ({"frame_shift": False}, (8, 4, 64, False)),
    "units": ({"frame_units": None}, (8, 4, None, True)),
    "full batch": ({"optimizer": "lbfgs"}, (8, 4, 64, False)),
}


@pytest.mark.parametrize("case", GIVEN)
def test_what_is_given_goes_before_what_is_decided(case):
    parameters, expected = GIVEN[case]
    auto, _ = decided(RNNClassifier, noise(6, 130), **parameters)
    values = {**auto, **parameters}
    names = ("frame_length", "frame_stride", "frame_units", "frame_shift")
    assert tuple(values[name] for name in names) == expected
    assert not set(auto) & set(parameters)


STEPS = {
    # samples, time steps, units: samples a batch, epochs
    "few": (24, 4, 64, 8, 100),
    "few and long": (24, 40, 64, 8, 134),
    "some": (160, 4, 64, 16, 30),
    "some and long": (160, 40, 64, 16, 60),
    "more": (1600, 4, 64, 16, 15),
    "many": (4000, 4, 64, 32, 12),
    "very many": (8000, 4, 64, 32, 10),
    "narrow": (24, 4, 16, 8, 200),
    "very narrow": (24, 4, 1, 8, 400),
    "more and long": (1600, 256, 64, 16, 20),
}


@pytest.mark.parametrize("case", STEPS)
def test_small_data_get_as_many_steps_as_they_need(case):
    n_samples, n_timesteps, units, batch_size, max_iter = STEPS[case]
    X = noise(n_samples, n_timesteps)
    regressor = RNNRegressor(units, cell="rnn", max_iter="auto", random_state=0)
    regressor.set_callbacks(Stop()).fit(X, X[:, -1, 0])
    assert regressor.auto_params_["batch_size"] == batch_size
    assert regressor.auto_params_["max_iter"] == max_iter


class Stop:
    """Ends training after an epoch."""

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context):
        return context.task_name == "epoch"


COURSES = {
    "plain": ({}, ("cosine", np.inf)),
    "warm start": ({"warm_start": True}, ("constant", 10)),
    "early stopping": ({"early_stopping": True}, ("cosine", 20)),
    "constant": ({"learning_rate": "constant"}, ("constant", 10)),
    "lbfgs": ({"optimizer": "lbfgs"}, ("constant", 10)),
}


@pytest.mark.parametrize("case", COURSES)
def test_the_end_of_training_is_planned(case):
    parameters, expected = COURSES[case]
    X = make_X()
    options = {**AUTO, "max_iter": 100, **parameters}
    estimator = small(RNNClassifier, **options).fit(X, label_sign(X))
    values = {**options, **estimator.auto_params_}
    assert (values["learning_rate"], values["n_iter_no_change"]) == expected


def test_partial_fit_trains_at_a_constant_rate():
    X = make_X()
    step_by_step, whole = (small(RNNRegressor, learning_rate=r) for r in ("auto", "constant"))
    for estimator in (step_by_step, whole):
        estimator.partial_fit(X, label_sign(X)).partial_fit(X, label_sign(X))
    assert_same_weights(step_by_step, whole)


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_explicit_values_are_what_auto_stands_for(cls):
    X = waves(12, 70)
    y = np.arange(12) % 2
    auto = cls(cell="rnn", random_state=0).fit(X, y)
    explicit = cls(cell="rnn", random_state=0, **auto.auto_params_).fit(X, y)
    assert explicit.auto_params_ == {}
    assert_same_weights(auto, explicit)


def test_a_fit_that_goes_on_keeps_what_was_decided():
    X, y = waves(12, 70), np.arange(12) % 2
    classifier = small(RNNClassifier, warm_start=True).fit(X, y)
    before = classifier.network_.architecture
    classifier.fit(10 * X[:, :5], y)
    after = classifier.network_.architecture
    assert (after.shapes(), after.frames) == (before.shapes(), before.frames)
    assert after.differences == before.differences


def test_the_median_length_decides_and_counts_weights():
    X = [np.zeros((n, 1)) for n in (10, 10, 50)]
    y, weight = [0, 1, 0], [1, 1, 3]
    light, heavy = (
        small(RNNClassifier, max_iter=1).fit(X, y, w).auto_params_["readout"]
        for w in (None, weight)
    )
    assert (light, heavy) == ("last", "max")


WEIGHTED = {
    "short": {},
    "long": {"n_timesteps": 70},
    "batches of one": {"batch_size": 1},
    "early stopping": {"early_stopping": True, "validation_fraction": 0.2},
}


@pytest.mark.parametrize("case", WEIGHTED)
@pytest.mark.parametrize("cls", ESTIMATORS)
def test_a_weight_is_a_repetition_to_the_bit(cls, case):
    parameters = dict(WEIGHTED[case])
    X = make_X(n_timesteps=parameters.pop("n_timesteps", 4))
    y = label_sign(X)
    weight = np.random.default_rng(3).integers(0, 4, len(X))
    order = np.random.default_rng(4).permutation(weight.sum())
    repeated = np.repeat(np.arange(len(X)), weight)[order]
    estimators = [small(cls, **AUTO, **parameters) for _ in range(2)]
    estimators[0].set_params(max_iter=4).fit(X, y, weight)
    estimators[1].set_params(max_iter=4).fit(X[repeated], y[repeated])
    assert_same_weights(*estimators)


def test_a_heavy_sample_comes_as_often_as_it_weighs():
    X = make_X()
    y, weight = label_sign(X), np.ones(len(X))
    weight[0] = 13
    classifier = small(RNNClassifier, max_iter=1).fit(X, y, weight)
    # Of a mean of 36 / 24 = 1.5, 13 is 8.7 times as much.
    assert classifier.t_ == 23 + 9


def test_rounding_does_not_change_the_batches():
    X = make_X()
    y = X[:, -1, 0]
    plain, rounded = (small(RNNRegressor, **AUTO).fit(x, y) for x in (X, X * (1 + 1e-15)))
    np.testing.assert_allclose(weights_of(plain), weights_of(rounded), rtol=1e-6)


def test_shapes_are_told_apart_out_of_the_box():
    X, y = make_cylinder_bell_funnel(430, random_state=0)
    X = SequenceScaler().fit(X[:30]).transform(X)
    classifier = RNNClassifier(random_state=0).fit(X[:30], y[:30])
    assert classifier.score(X[30:], y[30:]) > 0.97


def test_forms_do_not_matter_for_what_is_decided():
    X = make_ragged()
    y = label_sign(X)
    padded = np.full((len(X), 6, 2), np.nan)
    for row, x in zip(padded, X, strict=True):
        row[: len(x)] = x
    assert_same_weights(*(small(RNNClassifier, **AUTO).fit(x, y) for x in (X, padded)))
