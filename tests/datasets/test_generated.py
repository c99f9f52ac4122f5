"""The generated tasks follow the recipes that their docstrings state."""

import numpy as np
import pytest

from skrnn import datasets

# Those of sequences and their targets.
GENERATORS = [
    getattr(datasets, name)
    for name in datasets.__all__
    if name.startswith("make_") and name != "make_loads"
]


@pytest.mark.parametrize("make", GENERATORS, ids=lambda make: make.__name__)
def test_the_same_seed_gives_the_same_data(make):
    first, second, other = (make(20, random_state=seed) for seed in (0, 0, 1))
    for a, b in zip(first, second, strict=True):
        for one, again in zip(a, b, strict=True):
            np.testing.assert_array_equal(one, again)
    assert not np.array_equal(first[0][0], other[0][0])


@pytest.mark.parametrize("make", GENERATORS, ids=lambda make: make.__name__)
@pytest.mark.parametrize(("n_samples", "error"), [(0, ValueError), (2.5, TypeError)])
def test_a_wrong_number_of_samples_is_refused(make, n_samples, error):
    with pytest.raises(error, match="n_samples"):
        make(n_samples)


def test_copy_memory_asks_for_the_symbols_after_the_marker():
    X, y = datasets.make_copy_memory(50, delay=7, n_symbols=4, n_to_copy=3, random_state=0)
    x = X[:, :, 0].astype(int)
    assert x.shape == y.shape == (50, 13)
    np.testing.assert_array_equal(y[:, 10:], x[:, :3])
    assert (y[:, :10] == 4).all()
    assert (x[:, 9] == 5).all()
    assert (np.delete(x[:, 3:], 6, axis=1) == 4).all()
    assert set(x[:, :3].ravel()) == {0, 1, 2, 3}


def test_temporal_order_is_that_of_the_two_symbols():
    X, y = datasets.make_temporal_order(200, n_timesteps=50, random_state=0)
    x = X[:, :, 0].astype(int)
    rows, at = np.nonzero(x >= 4)
    assert (np.bincount(rows) == 2).all()
    first, second = at[::2], at[1::2]
    assert (first.min(), first.max()) == (5, 10)
    assert (second.min(), second.max()) == (25, 30)
    names = np.array(list("XY"))[x[rows, at] - 4].reshape(-1, 2)
    assert ["".join(pair) for pair in names] == y.tolist()
    assert set(y) == {"XX", "XY", "YX", "YY"}


def test_parity_counts_the_ones_so_far():
    X, y = datasets.make_parity(30, n_timesteps=9, every_step=True, random_state=0)
    np.testing.assert_array_equal(y, (X[:, :, 0] == 1).cumsum(axis=1) % 2)
    np.testing.assert_array_equal(datasets.make_parity(30, 9, random_state=0)[1], y[:, -1])


def test_cylinder_bell_and_funnel_differ_in_their_slope():
    X, y = datasets.make_cylinder_bell_funnel(3000, random_state=0)
    assert X.shape == (3000, 128, 1)
    # Every shape covers steps 33 to 48; only some last until step 70.
    early, late = X[:, 34:40, 0].mean(axis=1), X[:, 70:100, 0].mean(axis=1)
    mean = {name: (early[y == name].mean(), late[y == name].mean()) for name in set(y)}
    assert mean["cylinder"][0] == pytest.approx(6, abs=0.1)
    assert mean["bell"][0] < 2 < mean["bell"][1]
    assert mean["funnel"][0] > 4 > mean["funnel"][1]
    assert np.abs(X[:, :15].mean()) < 0.02  # before the earliest start
    assert X[:, :15].std() == pytest.approx(1, abs=0.02)


def test_control_charts_have_the_levels_and_slopes_of_their_classes():
    X, y = datasets.make_control_charts(6000, random_state=0)
    x = X[:, :, 0]
    change = x[:, 40:].mean(axis=1) - x[:, :20].mean(axis=1)
    rise = {name: change[y == name].mean() for name in set(y)}
    assert x[y == "normal"].std() == pytest.approx(2 * 6 / np.sqrt(12), rel=0.01)
    assert x[y == "cyclic"].std() > 8
    # 40 steps at 0.2 to 0.5 a step; a shift by 7.5 to 20.
    expected = {"increasing trend": 0.35 * 40, "upward shift": 13.75}
    for (name, value), opposite in zip(
        expected.items(), ["decreasing trend", "downward shift"], strict=True
    ):
        assert rise[name] == pytest.approx(value, rel=0.05)
        assert rise[opposite] == pytest.approx(-value, rel=0.05)
    assert abs(rise["normal"]) < 0.2
    assert sorted(np.unique(y, return_counts=True)[1]) == [1000] * 6


def test_early_beats_are_marked_where_the_distance_is_short():
    X, y = datasets.make_early_beats(40, random_state=0)
    assert {len(x) for x in X} <= set(range(300, 501))
    for x, label in zip(X, y, strict=True):
        starts = np.flatnonzero(np.diff(label, prepend=0) == 1)
        signal = x[:, 0]
        beats = [
            t
            for t in range(1, len(signal) - 1)
            if signal[t] > 0.6 and signal[t] == signal[max(0, t - 5) : t + 6].max()
        ]
        pace = np.median(np.diff(beats))
        for start in starts:
            marked = [beat for beat in beats if start <= beat < start + 4]
            before = [beat for beat in beats if beat < start]
            if marked and before:
                assert marked[0] - before[-1] < 0.9 * pace


def test_about_one_step_in_sixty_is_an_early_beat():
    _, y = datasets.make_early_beats(200, random_state=0)
    assert 1 / 75 < np.concatenate(y).mean() < 1 / 50
