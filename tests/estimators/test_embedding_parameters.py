"""The embedding that the parameters ask for, in a first fit and in one that goes on."""

from __future__ import annotations

import numpy as np
import pytest
from small_estimators import N_SAMPLES, small, weights_of

from skrnn import RNNRegressor
from skrnn.core.embedding import Embedding
from skrnn.estimators import _embedding_parameters

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def make_ids(n_tokens=5):
    ids = np.random.default_rng(0).integers(0, n_tokens, size=(N_SAMPLES, 4, 1))
    ids[0, 0] = n_tokens - 1
    return ids, ids.sum(axis=(1, 2)).astype(float)


def test_the_embedding_is_made_once_in_a_fit(monkeypatch):
    made = []

    def counted(sizes):
        made.append(sizes)
        return Embedding(sizes)

    monkeypatch.setattr(_embedding_parameters, "Embedding", counted)
    small(RNNRegressor, embedding_dim=3).fit(*make_ids())
    assert made == [((5, 3),)]


@pytest.mark.parametrize("n_tokens", [None, 5])
def test_a_fit_that_goes_on_counts_the_ids_of_the_first(n_tokens):
    reg = small(RNNRegressor, embedding_dim=3, n_tokens=n_tokens, warm_start=True)
    reg.fit(*make_ids())
    before = weights_of(reg).copy()
    reg.fit(*make_ids(3))
    assert reg.network_.architecture.embedding.sizes == ((5, 3),)
    assert not np.array_equal(weights_of(reg), before)


def test_a_fit_that_goes_on_refuses_new_ids():
    reg = small(RNNRegressor, embedding_dim=3, warm_start=True).fit(*make_ids())
    with pytest.raises(ValueError, match="the known ids are 0 to 4"):
        reg.fit(*make_ids(6))


@pytest.mark.parametrize("change", [{"embedding_dim": 2}, {"embedding_dim": None}, {"n_tokens": 9}])
def test_a_fit_that_goes_on_refuses_another_table(change):
    reg = small(RNNRegressor, embedding_dim=3, warm_start=True).fit(*make_ids())
    with pytest.raises(ValueError, match=r"embedding_dim, n_tokens, .* shape the weights"):
        reg.set_params(**change).fit(*make_ids())
