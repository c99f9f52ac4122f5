"""Fixtures of the tests of displays."""

from __future__ import annotations

import pytest

from skrnn import RNNClassifier


@pytest.fixture(autouse=True)
def in_memory(pyplot):
    """No test opens a window or leaves a figure behind."""


@pytest.fixture
def clf(ragged):
    """A fitted LSTM of five units."""
    return RNNClassifier(
        5, cell="lstm", max_iter=5, tol=1e9, n_iter_no_change=1, random_state=0
    ).fit(*ragged)
