"""Weights of samples and classes; merged samples are the same data set."""

from __future__ import annotations

import numpy as np
import pytest
from small_estimators import (
    N_SAMPLES,
    assert_same_weights,
    label_sign,
    make_ragged,
    make_X,
    running,
    small,
)

from skrnn import RNNClassifier, RNNRegressor
from skrnn.core.cells import CELLS
from skrnn.estimators._data import merge_repeated_samples
from skrnn.sequences import as_sequences

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

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
    classifier = small(RNNClassifier, class_weight={0: 1.2})
    classifier.partial_fit(X, label_sign(X), classes=[0, 1, 2])
    classifier.partial_fit(X, label_sign(X, [1, 2]))
    assert classifier.t_ == 2 * N_SAMPLES


# --- merging -------------------------------------------------------------------------------------


A, B, C = (np.array(values, dtype=float)[:, None] for values in ([1, 2], [3, 4, 5], [1]))


def merge(samples, y, weight, indices=None, per_step=False):
    return merge_repeated_samples(
        as_sequences(samples),
        np.asarray(y),
        np.asarray(weight, dtype=float),
        np.arange(len(samples)) if indices is None else np.asarray(indices),
        per_step=per_step,
    )


def test_equal_samples_become_one_with_the_sum_of_their_weights():
    samples, weight = merge([A, B, A, A], [0, 1, 0, 0], [1, 2, 4, 0.5])
    assert dict(zip(samples, weight, strict=True)) == {0: 5.5, 1: 2.0}


@pytest.mark.parametrize(
    ("samples", "y"),
    [([A, B], [0, 0]), ([A, A], [0, 1]), ([A, C], [0, 0]), ([A, A], [[0, 1], [0, 2]])],
    ids=["other values", "other target", "a prefix", "one other output"],
)
def test_samples_that_differ_stay_apart(samples, y):
    indices, weight = merge(samples, y, [1, 1])
    assert sorted(indices) == [0, 1]
    np.testing.assert_array_equal(weight, 1)


def test_the_same_numbers_in_other_steps_and_channels_stay_apart():
    # Two channels throughout: [[1, 2], [3, 4]] and [[1, 2]] followed by the targets 3 and 4.
    long, short = np.array([[1.0, 2], [3, 4]]), np.array([[1.0, 2]])
    indices, _ = merge([long, short], [[5.0, 6, 7, 8], [3.0, 4, 5, 6]], [1, 1])
    assert len(indices) == 2


@pytest.mark.parametrize("y", [[0, 0], [-0.0, 0.0]])
def test_negative_zero_equals_zero(y):
    indices, weight = merge([np.zeros((2, 1)), -np.zeros((2, 1))], y, [1, 1])
    assert len(indices) == 1
    np.testing.assert_array_equal(weight, [2])


def test_with_targets_at_every_step_all_of_them_count():
    y = np.array([0, 1, 0, 1, 0, 2])
    indices, weight = merge([A, A, A], y, [1, 2, 4], per_step=True)
    assert dict(zip(indices, weight, strict=True)) == {0: 3.0, 2: 4.0}


@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_the_samples_does_not_matter(seed):
    rng = np.random.default_rng(seed)
    pool = [A, B, C, A + 1, B + 1]
    drawn = rng.integers(0, 5, 30)
    weight = rng.uniform(0.1, 1, 30)

    def merged(order):
        samples = [pool[i] for i in drawn[order]]
        indices, weights = merge(samples, drawn[order], weight[order])
        return drawn[order][indices], weights

    expected = merged(np.arange(30))
    shuffled = merged(rng.permutation(30))
    np.testing.assert_array_equal(shuffled[0], expected[0])
    np.testing.assert_array_equal(shuffled[1], expected[1])  # to the last bit


def test_a_weight_equals_repetitions():
    weighted = merge([A, B, C], [0, 1, 1], [2, 1, 3])
    samples, y = [C, A, C, B, A, C], [1, 0, 1, 1, 0, 1]
    repeated = merge(samples, y, np.ones(6))
    np.testing.assert_array_equal(weighted[1], repeated[1])
    for one, other in zip(weighted[0], repeated[0], strict=True):
        np.testing.assert_array_equal([A, B, C][one], samples[other])


def test_sums_of_weights_are_rounded_once():
    _, weight = merge([A] * 10, np.zeros(10), np.full(10, 0.1))
    assert weight[0] == 1.0  # sum([0.1] * 10) is 0.9999999999999999


def test_only_the_samples_asked_for_are_merged():
    indices, weight = merge([A, B, A, A], [0, 1, 0, 0], [1, 2, 4, 8], indices=[2, 3])
    np.testing.assert_array_equal(indices, [2])
    np.testing.assert_array_equal(weight, [12])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_weights_keep_their_dtype(dtype):
    sequences = as_sequences([A, A])
    _, weight = merge_repeated_samples(
        sequences, np.zeros(2), np.ones(2, dtype), np.arange(2), per_step=False
    )
    assert weight.dtype == dtype


@pytest.mark.parametrize(
    ("dtype", "weight"), [(np.float64, 1e-300), (np.float64, 1e300), (np.float32, 1e-30)]
)
@pytest.mark.parametrize("cls", [RNNClassifier, RNNRegressor])
def test_weights_too_far_from_one_to_compute_with_are_refused(cls, dtype, weight):
    X = make_X().astype(dtype)
    with pytest.raises(ValueError, match=r"The largest weight .* Divide the weights by their mean"):
        small(cls).fit(X, label_sign(X), np.full(len(X), weight))


def test_class_weights_that_overflow_are_refused():
    X = make_X().astype(np.float32)
    with pytest.raises(ValueError, match="The largest weight of all"):
        small(RNNClassifier, class_weight={0: 1e39}).fit(X, label_sign(X))
