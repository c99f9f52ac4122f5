"""Samples laid out for a loop over time."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from skrnn.preprocessing import make_windows
from skrnn.sequences import as_sequences
from skrnn.sequences._in_time import LARGE_GROUP, group_bounds


@pytest.fixture
def ragged():
    rng = np.random.default_rng(0)
    return as_sequences([rng.normal(size=(n, 2)) for n in (4, 9, 1, 9, 6)])


@pytest.fixture(params=["ragged", "equal", "windows"])
def sequences(request, ragged):
    if request.param == "ragged":
        return ragged
    table = pd.DataFrame(np.random.default_rng(0).normal(size=(12, 2)), columns=["a", "b"])
    windows = make_windows(table, window=6, target="a").X
    return as_sequences(windows if request.param == "windows" else np.asarray(windows))


def test_a_sample_has_its_steps_wherever_they_are_cut(sequences):
    rows = sequences.in_time([3, 0, 2])
    for start, stop in [(0, 1), (0, len(rows.n_active)), (2, 5), (3, 4)]:
        x = rows.steps(start, stop)
        for r, sample in enumerate(rows.samples[: rows.n_active[start]]):
            own = sequences.rows(sample)[start:stop]
            np.testing.assert_array_equal(x[: len(own), r], own)
            np.testing.assert_array_equal(x[len(own) :, r], 0)


def test_reversed_steps_count_from_the_end(sequences):
    rows = sequences.in_time([3, 0, 2])
    x = rows.steps(1, 4, reverse=True)
    for r, sample in enumerate(rows.samples[: rows.n_active[1]]):
        own = sequences.rows(sample)[::-1][1:4]
        np.testing.assert_array_equal(x[: len(own), r], own)
        np.testing.assert_array_equal(x[len(own) :, r], 0)


def test_positions_are_those_of_the_values(sequences):
    rows = sequences.in_time([3, 0, 2])
    positions = rows.positions(1, 4)
    expected = [
        sequences.starts[sample] + t
        for t in range(1, 4)
        for sample in rows.samples[: rows.n_active[t]]
    ]
    np.testing.assert_array_equal(positions, expected)


def test_samples_that_lie_in_order_are_not_copied():
    X = np.random.default_rng(0).normal(size=(6, 5, 2))
    blocks = list(as_sequences(X).by_length(4))
    assert [len(block.samples) for block in blocks] == [4, 2]
    x = blocks[1].steps(1, 3)
    assert np.shares_memory(x, X)
    np.testing.assert_array_equal(x, X[4:, 1:3].swapaxes(0, 1))


def test_a_batch_is_a_copy_that_may_be_written_to():
    X = np.random.default_rng(0).normal(size=(1, 5, 2))
    assert not np.shares_memory(as_sequences(X).batch([0]).x, X)


def test_by_length_yields_every_sample_once_longest_first(ragged):
    blocks = list(ragged.by_length(2))
    samples = np.concatenate([block.samples for block in blocks])
    np.testing.assert_array_equal(samples, [1, 3, 4, 0, 2])


def padded(lengths: np.ndarray) -> int:
    bounds = group_bounds(lengths)
    return max(int(lengths[i]) * (j - i) for i, j in pairwise(bounds))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("sigma", [0.5, 1.0, 1.5])
def test_groups_bound_the_padding(sigma, seed):
    rng = np.random.default_rng(seed)
    lengths = np.sort(np.exp(rng.normal(4, sigma, size=1000)).astype(int) + 1)[::-1]
    bounds = group_bounds(lengths)
    assert bounds[0] == 0
    assert bounds[-1] == len(lengths)
    for start, stop in pairwise(bounds):
        group = lengths[start:stop]
        assert len(group) * group[0] <= max(1 << 12, 2.5 * group.sum())


@pytest.mark.parametrize("n", [2, 8, 32, 200])
def test_batches_of_ordinary_lengths_stay_whole(n):
    rng = np.random.default_rng(n)
    for _ in range(20):
        lengths = np.sort(rng.integers(1, 200, size=n))[::-1]
        lengths = lengths[: LARGE_GROUP // 200]
        if n * lengths[0] <= 2.5 * lengths.sum():
            assert group_bounds(lengths) == [0, n]


def test_one_long_sample_is_a_group_of_its_own():
    assert group_bounds(np.array([20_000] + [5] * 511)) == [0, 1, 512]


def test_a_group_is_never_larger_than_the_limit():
    lengths = np.full(3000, 1000)
    assert padded(lengths) <= LARGE_GROUP


def test_batches_are_one_group_and_that_of_batch(ragged):
    (group,) = ragged.batches([4, 1, 2])
    whole = ragged.batch([4, 1, 2])
    for one, other in zip(group, whole, strict=True):
        np.testing.assert_array_equal(one, other)


def test_batches_of_skewed_lengths_hold_every_step_once():
    rng = np.random.default_rng(0)
    X = as_sequences([rng.normal(size=(n, 1)) for n in (3, 5000, 2, 40)])
    groups = X.batches([0, 1, 2, 3])
    assert [len(group.samples) for group in groups] == [1, 3]
    steps = np.concatenate([group.steps for group in groups])
    np.testing.assert_array_equal(np.sort(steps), np.arange(5045))
