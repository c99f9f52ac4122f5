"""A table that was scaled as other channels than it is read as is refused."""

import gc

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from skrnn import RNNRegressor
from skrnn.preprocessing import SequenceScaler
from skrnn.sequences import _scaled, as_sequences

TABLE = np.random.default_rng(0).normal(size=(12, 6))
Y = TABLE[:, 0]
QUICK = {"hidden_layer_sizes": 2, "max_iter": 4, "n_iter_no_change": 1, "tol": 1e9}


@pytest.mark.parametrize("X", [TABLE, pd.DataFrame(TABLE)], ids=["array", "frame"])
def test_scaler_and_estimator_must_agree_about_channels(X):
    model = make_pipeline(SequenceScaler(), RNNRegressor(**QUICK, n_channels=2))
    with pytest.raises(ValueError, match=r"scaled with n_channels=1, but .* n_channels=2.*Set"):
        model.fit(X, Y)
    model.set_params(sequencescaler__n_channels=2).fit(X, Y).predict(X)


def test_a_table_asked_for_as_a_frame_remembers_its_channels():
    scaler = SequenceScaler().set_output(transform="pandas")
    model = make_pipeline(scaler, RNNRegressor(**QUICK, n_channels=2))
    with pytest.raises(ValueError, match="scaled with n_channels=1"):
        model.fit(np.asarray(TABLE), Y)


def test_an_agreement_can_be_searched_for():
    model = make_pipeline(SequenceScaler(n_channels=2), RNNRegressor(**QUICK, n_channels=2))
    search = GridSearchCV(model, {"sequencescaler__method": ["standard", "minmax"]}, cv=2)
    assert search.fit(TABLE, Y).best_index_ in (0, 1)


def test_what_was_scaled_can_be_scaled_back():
    scaler = SequenceScaler(n_channels=3).fit(TABLE)
    np.testing.assert_allclose(scaler.inverse_transform(scaler.transform(TABLE)), TABLE)


def test_a_copy_is_read_as_it_is_told():
    scaled = SequenceScaler().fit_transform(TABLE)
    assert as_sequences(scaled.copy(), n_channels=2).n_channels == 2


def test_nothing_is_remembered_of_what_is_gone():
    gc.collect()
    before = len(_scaled._SCALED)
    scaled = SequenceScaler().fit_transform(TABLE)
    assert len(_scaled._SCALED) == before + 1
    del scaled
    gc.collect()
    assert len(_scaled._SCALED) == before
