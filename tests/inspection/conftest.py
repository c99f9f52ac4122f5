"""Fixtures of the tests of inspection."""

from __future__ import annotations

import pytest


@pytest.fixture
def data(rng):
    """Four ragged sequences and a target for each."""
    X = [rng.normal(size=(length, 2)) for length in (6, 3, 5, 6)]
    return X, rng.normal(size=4)
