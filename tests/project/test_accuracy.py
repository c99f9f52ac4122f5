"""The table of accuracies: its data are what they are said to be, its figures what was measured."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[2] / "docs" / "benchmarks"


@pytest.fixture(autouse=True)
def scripts(monkeypatch):
    """Make the scripts importable, as they are to each other, and forget them afterwards."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if str(BENCHMARKS) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


@pytest.fixture
def records(tmp_path):
    import accuracy

    return accuracy.Records(tmp_path / "accuracy.jsonl")


def result(score, seconds=1.0, curve=()):
    return {"by": "", "score": score, "seconds": seconds, "curve": [*curve], "note": ""}


# --- data ----------------------------------------------------------------------------------------

GENERATED = (
    "cylinder_bell_funnel",
    "control_charts",
    "shapelets",
    "contours",
    "sensors",
    "chirps",
    "embedded_reber",
    "hidden_switch",
)


@pytest.mark.parametrize("name", GENERATED)
def test_a_generated_set_is_the_same_every_time(name):
    import _generated_sets

    first, second = (getattr(_generated_sets, name)() for _ in range(2))
    for a, b in zip(first.X_train + first.X_test, second.X_train + second.X_test, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("name", GENERATED)
def test_training_and_test_part_know_the_same_classes(name):
    import _generated_sets

    data = getattr(_generated_sets, name)()
    parts = [np.hstack(y) for y in (data.y_train, data.y_test)]
    np.testing.assert_array_equal(*map(np.unique, parts))


def is_in_reber_grammar(word):
    import _generated_sets

    state = 0
    for symbol in word[1:-1]:
        state = dict(_generated_sets.REBER.get(state, [])).get(symbol)
    return word[0] == "B" and word[-1] == "E" and state == 5


def test_a_word_of_class_0_is_in_the_embedded_reber_grammar_and_no_other():
    import _generated_sets

    data = _generated_sets.embedded_reber()
    for x, corrupted in zip(data.X_train, data.y_train, strict=True):
        word = "".join("BTSXPVE"[int(i)] for i in x[:, 0])
        is_legal = word[0] + word[-1] == "BE" and word[1] == word[-2] and word[1] in "TP"
        assert (is_legal and is_in_reber_grammar(word[2:-2])) == (corrupted == 0)


def test_no_target_to_test_on_lies_in_a_window_trained_on():
    import _data_sets

    series = np.arange(50.0)
    data = _data_sets._windows(series, 10, ahead=3, n_train=20)
    assert data.y_train.max() < data.y_test.min()
    np.testing.assert_array_equal(data.y_test, [x[-1, 0] + 3 for x in data.X_test])


def test_a_ts_file_has_channels_and_target_between_colons(tmp_path):
    import _data_sets

    path = tmp_path / "two.ts"
    path.write_text("@problemName two\n@data\n1,2,3:4,5,6:a\n7,8:9,10:b\n")
    X, y = _data_sets.read_ts(path)
    np.testing.assert_array_equal(X[0], [[1, 4], [2, 5], [3, 6]])
    np.testing.assert_array_equal(X[1], [[7, 9], [8, 10]])
    assert y == ["a", "b"]


# --- records -------------------------------------------------------------------------------------


def test_the_last_result_counts_and_outlives_the_program(records):
    import accuracy

    for score in (0.5, 0.75):
        records.add(set="a", method="skrnn", seed=0, **result(score))
    assert accuracy.Records(records.path).get("a", "skrnn", 0)["score"] == 0.75


def test_what_could_not_be_had_is_named_and_tried_again(records):
    records.add(set="a", method="PyTorch", seed=0, missing="PyTorch is not installed.")
    assert records.get("a", "PyTorch", 0) is None
    assert records.missing(["a"], ["PyTorch"]) == ["a, PyTorch: PyTorch is not installed."]


def test_what_was_had_later_is_not_missing(records):
    records.add(set="a", method="skrnn", seed=0, missing="ValueError: once")
    records.add(set="a", method="skrnn", seed=0, **result(0.9))
    assert records.missing(["a"], ["skrnn"]) == []


# --- figures -------------------------------------------------------------------------------------


def test_sooner_compares_the_first_times_at_the_score_of_pytorch(records):
    import accuracy

    theirs = result(0.8, seconds=40.0, curve=[(0.25, 0.6), (0.5, 0.8), (1.0, 0.8)])
    ours = result(0.9, seconds=4.0, curve=[(0.25, 0.7), (0.5, 0.8), (1.0, 0.9)])
    records.add(set="a", method="PyTorch", seed=0, **theirs)
    records.add(set="a", method="skrnn", seed=0, **ours)
    assert accuracy.speed_up(records, "a", 1) == pytest.approx(20.0 / 2.0)


def test_a_score_that_is_not_reached_is_no_speed_up(records):
    import accuracy

    records.add(set="a", method="PyTorch", seed=0, **result(0.9, curve=[(1.0, 0.9)]))
    records.add(set="a", method="skrnn", seed=0, **result(0.8, curve=[(1.0, 0.8)]))
    assert accuracy.speed_up(records, "a", 1) == 0


def test_methods_are_compared_by_medians_and_a_negative_r2_counts_as_0(records):
    import accuracy

    for seed, score in enumerate([0.5, 0.7, 0.9]):
        records.add(set="a", method="skrnn", seed=seed, **result(score))
    records.add(set="a", method="MLP", seed=0, **result(-3.0))
    found = accuracy.differences(records, "skrnn", "MLP", ["a"], 3)
    assert found == {"a": pytest.approx(0.7)}
