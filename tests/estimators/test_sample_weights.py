"""Class weights count with sample weights; merged samples are the same data set."""

import numpy as np
import pytest
from sklearn.utils.class_weight import compute_sample_weight

from skrnn.sample_weights import class_weights_of_rows, merge_repeated_samples
from skrnn.sequences import as_sequences

CODES = {
    "two classes": np.array([0, 1, 1, 1, 0, 1]),
    "three classes": np.array([1, 0, 2, 0, 0, 1]),
    "multilabel": np.array([[0, 1], [1, 1], [1, 0], [1, 1], [0, 1], [1, 0]]),
}
CLASSES = {
    "two classes": np.array([-1, 1]),
    "three classes": np.array(["a", "b", "c"]),
    "multilabel": np.array([0, 1]),
}

each_labels = pytest.mark.parametrize("labels", CODES)


def weigh(class_weight, labels, row_weight=None):
    codes = CODES[labels]
    row_weight = np.ones(len(codes)) if row_weight is None else np.asarray(row_weight, float)
    return class_weights_of_rows(class_weight, codes, CLASSES[labels], row_weight)


# --- Class weights -----------------------------------------------------------------------

DICTS = {
    "two classes": {-1: 2.0, 1: 0.5},
    "three classes": {"a": 2.0, "b": 0.5, "c": 3.0},
    "multilabel": [{0: 1, 1: 3}, {0: 5, 1: 2}],
}


@each_labels
def test_balanced_weights_are_those_of_scikit_learn_for_unit_weights(labels):
    expected = compute_sample_weight("balanced", CLASSES[labels][CODES[labels]])
    np.testing.assert_allclose(weigh("balanced", labels), expected, rtol=1e-14)


@each_labels
def test_given_weights_are_those_of_scikit_learn_whatever_the_sample_weights(labels):
    expected = compute_sample_weight(DICTS[labels], CLASSES[labels][CODES[labels]])
    weights = weigh(DICTS[labels], labels, [1, 2, 3, 4, 5, 6])
    np.testing.assert_allclose(weights, expected, rtol=1e-14)


def test_one_dict_holds_for_every_output():
    one, two = weigh({0: 1, 1: 3}, "multilabel"), weigh([{0: 1, 1: 3}] * 2, "multilabel")
    np.testing.assert_array_equal(one, two)
    np.testing.assert_array_equal(one, [3, 9, 3, 9, 3, 3])


def test_classes_left_out_of_a_dict_weigh_one():
    np.testing.assert_array_equal(weigh({"b": 4.0}, "three classes"), [4, 1, 1, 1, 1, 4])


@each_labels
def test_balanced_counts_a_weight_as_a_repetition(labels):
    repetitions = np.array([1, 3, 2, 1, 2, 1])
    weights = weigh("balanced", labels, repetitions)
    repeated = np.repeat(CODES[labels], repetitions, axis=0)
    expected = class_weights_of_rows("balanced", repeated, CLASSES[labels], np.ones(len(repeated)))
    np.testing.assert_allclose(np.repeat(weights, repetitions), expected, rtol=1e-14)


def test_balanced_classes_have_equal_total_weights():
    row_weight = np.array([0.5, 2, 1, 3, 1, 1])
    total = weigh("balanced", "three classes", row_weight) * row_weight
    shares = np.bincount(CODES["three classes"], weights=total)
    np.testing.assert_allclose(shares, row_weight.sum() / 3, rtol=1e-14)


def test_a_class_without_weight_gets_none_and_does_not_count():
    weights = weigh("balanced", "three classes", [1, 1, 0, 1, 1, 1])
    np.testing.assert_allclose(weights, [5 / 4, 5 / 6, 0, 5 / 6, 5 / 6, 5 / 4], rtol=1e-14)


def test_a_dict_that_names_unknown_classes_is_an_error():
    with pytest.raises(ValueError, match="class_weight"):
        weigh({"a": 1.0, "z": 2.0}, "three classes")


@pytest.mark.parametrize(
    ("labels", "n_outputs"), [("two classes", 1), ("multilabel", 2)], ids=["1", "2"]
)
def test_a_list_needs_one_dict_for_every_output(labels, n_outputs):
    with pytest.raises(ValueError, match=rf"list of 3, but y has {n_outputs} output"):
        weigh([{0: 1}] * 3, labels)


# --- Merging -----------------------------------------------------------------------------

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
