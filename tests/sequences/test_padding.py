"""Padding that no form of X marks as such is noticed, and nothing else is taken for it."""

import numpy as np
import pandas as pd
import pytest

from skrnn.preprocessing import make_windows
from skrnn.sequences import as_sequences, padding_in

LENGTHS = np.array([9, 5, 7, 9, 3, 6])


def padded(fill, *, at_end=True, n_channels=2, n_timesteps=9):
    X = np.random.RandomState(0).normal(size=(len(LENGTHS), n_timesteps, n_channels))
    for sequence, length in zip(X, LENGTHS, strict=True):
        n_steps = n_timesteps - length
        sequence[slice(length, None) if at_end else slice(0, n_steps)] = fill
    return X


FORMS = {
    "list": list,
    "object array": lambda X: as_objects(list(X)),
    "cells": lambda X: pd.DataFrame({c: list(X[:, :, c]) for c in range(X.shape[2])}),
    "2-D": lambda X: X[:, :, 0],
}


def as_objects(items):
    array = np.empty(len(items), dtype=object)
    array[:] = items
    return array


@pytest.mark.parametrize("fill", [0.0, -0.0, -999.0, np.nan, [1.0, np.nan]], ids=str)
@pytest.mark.parametrize("at_end", [True, False], ids=["end", "begin"])
@pytest.mark.parametrize("form", FORMS)
def test_it_is_found_in_every_form_at_both_ends(form, at_end, fill):
    X = FORMS[form](padded(fill, at_end=at_end))
    found = padding_in(as_sequences(X, allow_nan=True))
    np.testing.assert_array_equal(found.n_steps, 9 - LENGTHS)
    assert found.at_end == at_end
    np.testing.assert_array_equal(found.step, np.broadcast_to(fill, 2)[: len(found.step)])


def test_it_is_found_where_every_sequence_is_padded():
    found = padding_in(as_sequences(padded(0.0, n_timesteps=12)))
    np.testing.assert_array_equal(found.n_steps, 12 - LENGTHS)


def test_zeros_of_both_signs_are_one_fill():
    X = padded(0.0)
    X[1, 5:] *= -1
    np.testing.assert_array_equal(padding_in(as_sequences(X)).n_steps, 9 - LENGTHS)


def with_the_same_inside(X):
    X[0, 2] = X[1, -1]
    return X


def equally_long(X):
    X[:, 4:] = np.random.RandomState(1).normal(size=X[:, 4:].shape)
    X[1:3, 4:] = 0
    return X


def few(X):
    full = np.random.RandomState(2).normal(size=(20, *X.shape[1:]))
    return np.concatenate([X, full])


def one_sequence_of_it(X):
    X[3] = 0
    return X


@pytest.mark.parametrize(
    "change",
    [with_the_same_inside, equally_long, few, one_sequence_of_it],
    ids=lambda change: change.__name__,
)
def test_steps_are_not_taken_for_padding(change):
    assert padding_in(as_sequences(change(padded(0.0)))) is None


@pytest.mark.parametrize(
    "X",
    [
        padded(np.nan),  # its NaN is cut off
        list(np.random.RandomState(0).normal(size=(5, 8, 1))),
        np.random.RandomState(0).normal(size=(20, 1)),
        np.zeros((4, 5, 1)),
        np.random.RandomState(0).randint(0, 3, size=(50, 12)),
        [np.zeros((length, 2)) for length in (3, 4, 5)],
    ],
    ids=["marked", "numbers", "one step", "constant", "counts", "ragged"],
)
def test_plain_data_have_none(X):
    assert padding_in(as_sequences(X)) is None


def test_windows_have_none():
    series = np.concatenate([np.arange(1.0, 9), np.zeros(6)])
    windows = make_windows(pd.DataFrame({"v": series}), window=5, horizon=1)
    assert padding_in(as_sequences(windows.X)) is None


def test_gaps_at_random_are_not_taken_for_padding():
    X = np.random.RandomState(0).normal(size=(50, 12, 1))
    X[np.random.RandomState(1).random_sample(X.shape) < 0.3] = np.nan
    assert padding_in(as_sequences(list(X), allow_nan=True)) is None
