"""The shipped data are what their descriptions say, the synthetic ones what their formulas say."""

import numpy as np
import pandas as pd
import pytest

from skrnn.datasets import load_airline_passengers, load_japanese_vowels, make_adding_problem
from skrnn.preprocessing import from_long
from skrnn.sequences import as_sequences

SPLITS = {"train": 270, "test": 370, None: 640}


@pytest.mark.parametrize("split", SPLITS)
def test_japanese_vowels_has_the_documented_size(split):
    bunch = load_japanese_vowels(split=split)
    sequences = as_sequences(bunch.data)
    assert sequences.n_samples == len(bunch.target) == SPLITS[split]
    assert sequences.n_channels == len(bunch.feature_names) == 12
    assert sequences.lengths.sum() == len(bunch.long)
    assert sorted(bunch.target.unique()) == list(range(1, 10))
    assert len(bunch.target_names) == 9


def test_japanese_vowels_lengths_are_those_described():
    lengths = as_sequences(load_japanese_vowels().data).lengths
    assert (lengths.min(), lengths.max(), lengths.sum()) == (7, 29, 9961)


def test_japanese_vowels_train_and_test_make_the_whole():
    parts = [load_japanese_vowels(split=split).frame for split in ("train", "test")]
    pd.testing.assert_frame_equal(pd.concat(parts), load_japanese_vowels().frame)


def test_japanese_vowels_train_split_is_balanced():
    counts = load_japanese_vowels(split="train").target.value_counts()
    assert (counts == 30).all()


def test_japanese_vowels_long_table_gives_the_same_sequences():
    bunch = load_japanese_vowels(split="test")
    X = from_long(bunch.long, id="utterance", time="frame", channels=bunch.feature_names)
    pd.testing.assert_frame_equal(X, bunch.data)
    first = bunch.long.groupby("utterance", sort=False)["speaker"].first()
    pd.testing.assert_series_equal(first, bunch.target)


def test_japanese_vowels_as_arrays():
    frames, arrays = load_japanese_vowels(), load_japanese_vowels(as_frame=False)
    assert isinstance(arrays.target, np.ndarray)
    assert arrays.data.shape == (640,)
    assert arrays.frame is None
    np.testing.assert_array_equal(arrays.target, frames.target)
    np.testing.assert_array_equal(
        as_sequences(arrays.data).values, as_sequences(frames.data).values
    )


@pytest.mark.parametrize("as_frame", [True, False])
def test_japanese_vowels_x_y_are_data_and_target(as_frame):
    X, y = load_japanese_vowels(split="train", return_X_y=True, as_frame=as_frame)
    bunch = load_japanese_vowels(split="train", as_frame=as_frame)
    assert type(X) is type(bunch.data)
    np.testing.assert_array_equal(as_sequences(X).values, as_sequences(bunch.data).values)
    np.testing.assert_array_equal(y, bunch.target)


def test_japanese_vowels_frame_has_the_target_beside_the_data():
    bunch = load_japanese_vowels(split="train")
    assert list(bunch.frame) == [*bunch.feature_names, "speaker"]


def test_japanese_vowels_credits_its_authors():
    text = load_japanese_vowels().DESCR
    for words in ["Kudo", "CC BY 4.0", "creativecommons.org/licenses/by/4.0", "UCI"]:
        assert words in text
    assert "CC BY 4.0" in load_japanese_vowels.__doc__


def test_japanese_vowels_cells_may_be_written():
    X, _ = load_japanese_vowels(return_X_y=True)
    before = X.iloc[1, 0].copy()
    X.iloc[0, 0][:] = 0
    np.testing.assert_array_equal(X.iloc[1, 0], before)


@pytest.mark.parametrize("split", ["validation", "Train", 1])
def test_japanese_vowels_names_a_wrong_split(split):
    with pytest.raises(ValueError, match=f"'train', 'test' or None, got {split!r}"):
        load_japanese_vowels(split=split)


def test_airline_passengers_is_a_monthly_series():
    series = load_airline_passengers()
    assert (series.name, series.index.name, len(series)) == ("passengers", "month", 144)
    months = pd.period_range("1949-01", "1960-12", freq="M", name="month")
    pd.testing.assert_index_equal(series.index, months)
    assert (series.iloc[0], series["1960-07"], series.iloc[-1]) == (112, 622, 432)


@pytest.mark.parametrize("min_timesteps", [None, 5])
def test_adding_problem_follows_its_formula(min_timesteps):
    X, y = make_adding_problem(500, 9, min_timesteps=min_timesteps, random_state=0)
    for x, target in zip(X, y, strict=True):
        value, marker = x.T
        first, second = np.flatnonzero(marker)
        assert set(marker) == {0.0, 1.0}
        assert first < len(x) // 2 <= second
        assert target == value[first] + value[second]
        assert value.min() >= 0
        assert value.max() < 1


@pytest.mark.parametrize("min_timesteps", [None, 5])
def test_adding_problem_draws_from_all_it_may(min_timesteps):
    X, _ = make_adding_problem(2000, 9, min_timesteps=min_timesteps, random_state=0)
    lengths = {len(x) for x in X}
    assert lengths == ({9} if min_timesteps is None else {5, 6, 7, 8, 9})
    marked = {int(t) for x in X if len(x) == 9 for t in np.flatnonzero(x[:, 1])}
    assert marked == set(range(9))


def test_adding_problem_baseline_is_a_sixth():
    _, y = make_adding_problem(200_000, 2, random_state=0)
    assert np.mean((y - 1) ** 2) == pytest.approx(1 / 6, rel=0.01)


def test_adding_problem_is_a_3d_array_or_a_list():
    X, y = make_adding_problem(3, 6, random_state=0)
    assert (X.shape, y.shape) == ((3, 6, 2), (3,))
    X, _ = make_adding_problem(3, 6, min_timesteps=2, random_state=0)
    assert isinstance(X, list)
    assert as_sequences(X).n_channels == 2


def test_adding_problem_is_reproducible():
    first, second = (make_adding_problem(5, 8, random_state=3)[0] for _ in range(2))
    other, _ = make_adding_problem(5, 8, random_state=4)
    np.testing.assert_array_equal(first, second)
    assert (first != other).any()


@pytest.mark.parametrize(
    ("params", "error", "match"),
    [
        ({"n_samples": 0}, ValueError, "n_samples == 0"),
        ({"n_timesteps": 1}, ValueError, "n_timesteps == 1"),
        ({"n_timesteps": 5.0}, TypeError, "n_timesteps must be an instance of"),
        ({"min_timesteps": 1}, ValueError, "min_timesteps == 1"),
        ({"min_timesteps": 51}, ValueError, "min_timesteps == 51"),
    ],
)
def test_adding_problem_names_wrong_numbers(params, error, match):
    with pytest.raises(error, match=match):
        make_adding_problem(**params)
