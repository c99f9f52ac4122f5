"""What early stopping sets aside where samples have an order or share time steps."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn import config_context
from sklearn.model_selection import GroupKFold, cross_validate
from small_estimators import assert_same_weights, make_ragged, make_X, small

from skrnn import RNNClassifier, RNNRegressor
from skrnn.estimators._data import Dataset
from skrnn.estimators._hold_out import last_windows, whole_groups
from skrnn.preprocessing import Windows
from skrnn.sequences import as_sequences

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def windows(starts, n_timesteps=4):
    """Windows over a table whose rows are their own numbers."""
    table = np.arange(max(starts) + n_timesteps, dtype=float)[:, np.newaxis]
    return Windows(table, starts, n_timesteps)


@pytest.fixture
def split(monkeypatch):
    """The first value of every sequence of both sides of the splits of the fits that follow."""
    seen = []
    for name in ("hold_out", "hold_out_last"):
        method = getattr(Dataset, name)

        def noted(data, *args, _method=method, **kwargs):
            parts = _method(data, *args, **kwargs)
            seen.append(
                [[part.sequences.rows(i)[0, 0] for i in range(part.n_samples)] for part in parts]
            )
            return parts

        monkeypatch.setattr(Dataset, name, noted)
    return seen


# starts of windows of 4 rows, share to hold out, indices to train on and to hold out
SPLITS = {
    "one run": (range(20), 0.2, range(13), range(16, 20)),
    "not in order": ([*range(10, 20), *range(10)], 0.2, [0, 1, 2, *range(10, 20)], range(6, 10)),
    "two runs": (
        [*range(10), *range(100, 110)],
        0.2,
        [*range(5), *range(10, 15)],
        [8, 9, 18, 19],
    ),
    "steps of two": (range(0, 40, 2), 0.2, range(15), range(16, 20)),
    "runs too short to cut": (
        [100 * run + step for run in range(10) for step in range(3)],
        0.2,
        [*range(6), *range(9, 21), *range(24, 30)],
        [6, 7, 8, 21, 22, 23],
    ),
    "a single one beside a run": ([*range(19), 500], 0.1, [*range(14), 19], [17, 18]),
    "two short runs": ([0, 1, 2, 100, 101, 102], 0.1, [0, 1, 2], [3, 4, 5]),
    "one short run": (range(5), 0.4, range(5), []),
    "one run to cut": ([14, 28, 34, 36], 0.7, [0], [1, 2, 3]),
    "repeated windows": ([0, 0, 0, 4, 5, 8, 8], 0.2, [0, 1, 2, 3], [5, 6]),
}


@pytest.mark.parametrize("case", SPLITS)
def test_windows_are_held_out_at_the_end_of_every_run(case):
    starts, fraction, training, held_out = SPLITS[case]
    found = last_windows(as_sequences(windows(list(starts))), fraction)
    assert [list(part) for part in found] == [list(training), list(held_out)]


@pytest.mark.parametrize("fraction", [0.05, 0.1, 0.3, 0.6])
@pytest.mark.parametrize("seed", range(5))
def test_no_row_is_on_both_sides(fraction, seed):
    rng = np.random.default_rng(seed)
    sequences = as_sequences(windows(rng.integers(0, 600, 120)))
    sides = last_windows(sequences, fraction)
    rows = [{row for i in side for row in sequences.rows(i)[:, 0]} for side in sides]
    assert not rows[0] & rows[1]
    assert abs(len(sides[1]) - fraction * 120) < 10


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("n_samples", [30, 90])
def test_early_stopping_holds_out_the_last_windows(split, shuffle, n_samples):
    X = windows(range(n_samples))
    small(RNNRegressor, early_stopping=True, shuffle=shuffle).fit(X, np.arange(n_samples))
    ((training, held_out),) = split
    n_held_out = n_samples // 10
    assert sorted(held_out) == list(range(n_samples - n_held_out, n_samples))
    assert sorted(training) == list(range(n_samples - n_held_out - 3))


def test_windows_of_step_targets_keep_their_targets(split):
    X = windows(range(30))
    y = np.asarray(X)[:, :, 0]
    regressor = small(RNNRegressor, early_stopping=True, return_sequences=True).fit(X, y)
    held_out = split[0][1]
    expected = regressor.score(X[27:], y[27:])
    assert held_out == [27, 28, 29]
    assert regressor.best_validation_score_ == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("weightless", [[], [29], [3, 29]])
def test_without_shuffling_the_last_samples_with_a_weight_are_held_out(split, weightless):
    X, weight = make_X(30), np.ones(30)
    weight[weightless] = 0
    samples = np.flatnonzero(weight)
    regressor = small(RNNRegressor, early_stopping=True, shuffle=False)
    regressor.fit(X, X[:, -1, 0], weight)
    assert split == [[list(X[samples[:-3], 0, 0]), list(X[samples[-3:], 0, 0])]]


def test_a_part_held_out_by_order_trains_as_one_that_is_given():
    X, classes = make_ragged(30), np.arange(30) % 3
    parameters = {"early_stopping": True, "shuffle": False, "max_iter": 20}
    classifier = small(RNNClassifier, **parameters).fit(X, classes)
    expected = small(RNNClassifier, **parameters)
    expected.fit(X[:27], classes[:27], X_val=X[27:], y_val=classes[27:])
    assert_same_weights(classifier, expected)
    assert classifier.validation_loss_curve_ == expected.validation_loss_curve_


def test_windows_that_share_no_row_are_drawn(split):
    X = windows(range(0, 120, 4))
    small(RNNRegressor, early_stopping=True, batch_size=10).fit(X, np.arange(30))
    held_out = split[0][1]
    assert len(held_out) == 3
    assert held_out != [108, 112, 116]


@pytest.mark.parametrize(
    ("X", "parameters", "message"),
    [
        (windows(range(5)), {}, "n_samples=5 .*windows of 4 time steps.*pass X_val"),
        (make_X(2), {"shuffle": False}, "sets 2 samples aside.*n_samples=2"),
        (make_X(10), {"shuffle": False, "validation_fraction": 0.99}, "sets 10 samples aside"),
        (make_X(2), {}, "sets 2 samples aside.*n_samples=2"),
    ],
)
def test_an_error_says_when_nothing_is_left(X, parameters, message):
    with pytest.raises(ValueError, match=message):
        small(RNNRegressor, early_stopping=True, **parameters).fit(X, np.arange(len(X)))


def random_walk(seed):
    """Windows of 10 steps of a series that hardly forgets, with the value 10 steps after them."""
    noise = np.random.default_rng(seed).normal(size=700)
    series = np.zeros(700)
    for i in range(1, 700):
        series[i] = 0.97 * series[i - 1] + noise[i]
    series /= series.std()
    starts = np.arange(680)
    return Windows(series[:, np.newaxis], starts, 10), series[starts + 19]


def test_the_score_on_overlapping_windows_is_not_that_of_their_neighbours():
    X, y = random_walk(0)
    model = RNNRegressor(32, early_stopping=True, max_iter=40, random_state=0)
    model.fit(X[:500], y[:500])
    drawn = RNNRegressor(32, early_stopping=True, max_iter=40, random_state=0)
    drawn.fit(np.asarray(X[:500]), y[:500])
    assert model.score(X[530:], y[530:]) >= drawn.score(X[530:], y[530:])
    assert drawn.best_validation_score_ - model.best_validation_score_ > 0.1


@pytest.mark.parametrize("cls", [RNNClassifier, RNNRegressor])
def test_a_part_held_out_that_has_one_target_only_is_warned_of(cls):
    y = np.repeat([0, 1], 30)
    with pytest.warns(
        UserWarning, match="6 samples aside whose targets are all the same"
    ) as caught:
        small(cls, early_stopping=True, shuffle=False).fit(make_X(60), y)
    assert caught[0].filename == __file__


def test_a_constant_target_is_no_reason_to_warn():
    small(RNNRegressor, early_stopping=True, shuffle=False).fit(make_X(60), np.ones(60))


# --- groups --------------------------------------------------------------------------------------


@pytest.mark.parametrize("fraction", [0.1, 0.34, 0.9])
@pytest.mark.parametrize("seed", range(5))
def test_of_a_group_all_samples_are_held_out_or_none(fraction, seed):
    groups = np.random.default_rng(seed).integers(0, 6, 40)
    training, held_out = whole_groups(groups, fraction, np.random.RandomState(seed))
    assert not set(groups[training]) & set(groups[held_out])
    assert sorted([*training, *held_out]) == list(range(40))
    assert len(training) > 0
    assert len(held_out) > 0


def test_without_a_generator_the_last_groups_are_held_out():
    groups = np.array([1, 0, 1, 0, 2, 3, 2, 3])
    training, held_out = whole_groups(groups, 0.2, None)
    assert (training.tolist(), held_out.tolist()) == ([0, 1, 2, 3, 4, 6], [5, 7])


@pytest.mark.parametrize("names", [np.arange(6), list("fedcba"), pd.Categorical(list("fedcba"))])
def test_early_stopping_holds_out_whole_groups(split, names):
    X, groups = np.arange(24.0)[:, None, None], np.asarray(names)[np.arange(24) // 4]
    small(RNNRegressor, early_stopping=True).fit(X, np.arange(24), groups=groups)
    ((training, held_out),) = split
    assert {int(value) // 4 for value in held_out}.isdisjoint(int(v) // 4 for v in training)
    assert len(held_out) == 4


def test_equal_samples_of_different_groups_stay_apart(split):
    X, groups = np.zeros((8, 3, 1)), np.arange(8) // 2
    small(RNNRegressor, early_stopping=True).fit(X, np.tile([0.0, 1.0], 4), groups=groups)
    ((training, held_out),) = split
    assert (len(training), len(held_out)) == (6, 2)


def test_a_single_group_leaves_nothing_to_train_on():
    with pytest.raises(ValueError, match="all 24 samples are of one group"):
        small(RNNRegressor, early_stopping=True).fit(make_X(), np.arange(24), groups=[1] * 24)


def test_every_sample_needs_a_group():
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        small(RNNRegressor, early_stopping=True).fit(make_X(), np.arange(24), groups=[1, 2])


def test_groups_are_routed_to_the_splitter_and_to_early_stopping(split):
    X, groups = np.arange(24.0)[:, None, None], np.arange(24) // 4
    with config_context(enable_metadata_routing=True):
        model = small(RNNRegressor, early_stopping=True).set_fit_request(groups=True)
        cross_validate(model, X, np.arange(24), cv=GroupKFold(3), params={"groups": groups})
    assert len(split) == 3
    for training, held_out in split:
        assert {int(v) // 4 for v in held_out}.isdisjoint(int(v) // 4 for v in training)
