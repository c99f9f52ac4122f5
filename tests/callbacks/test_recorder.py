"""The gradient flow recorded in training."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.pipeline import make_pipeline
from small_regressors import SHORT, regressor

from skrnn import callbacks, inspection
from skrnn.callbacks import EarlyStopping, GradientFlowRecorder, record_gradient_flow
from skrnn.inspection import gradient_flow
from skrnn.preprocessing import SequenceScaler


@pytest.fixture
def data(rng):
    """Four ragged sequences and a target for each."""
    X = [rng.normal(size=(length, 2)) for length in (6, 3, 5, 6)]
    return X, rng.normal(size=4)


def test_the_record_begins_before_training_and_ends_with_it(data):
    est, X, y = regressor(data, max_iter=20, tol=1e9, n_iter_no_change=4)
    record = record_gradient_flow(est, X, y, every=3)
    assert record.epochs.tolist() == [0, 3, 6]
    assert_allclose(record.retained[0], gradient_flow(est, X, y).retained, rtol=1e-12)
    after = gradient_flow(record.estimator, X, y)
    assert_allclose(record.retained[-1], after.retained, rtol=1e-12)
    assert not np.array_equal(record.retained[0], record.retained[-1])


def test_recording_does_not_change_the_fit(data):
    est, X, y = regressor(data, **SHORT)
    record = record_gradient_flow(make_pipeline(SequenceScaler(), est), X, y, n_samples=2)
    alone = est.fit(SequenceScaler().fit_transform(X), y)
    assert_array_equal(
        record.estimator.network_.parameters.vector, alone.network_.parameters.vector
    )
    assert record.flows[0].lengths.shape == (2,)
    assert vars(record.estimator).keys() == vars(alone).keys()


@pytest.mark.parametrize("name", ["GradientFlowRecorder", "record_gradient_flow"])
def test_what_records_is_found_in_inspection_too(name):
    assert getattr(inspection, name) is getattr(callbacks, name)
    assert name in dir(inspection)


def test_inspection_knows_no_other_name_of_callbacks():
    with pytest.raises(AttributeError, match=r"'skrnn\.inspection' has no attribute 'LiveLoss'"):
        _ = inspection.LiveLoss


def test_a_recorder_stands_beside_other_callbacks(data):
    est, X, y = regressor(data, **SHORT)
    recorder, stop = GradientFlowRecorder(every=1), EarlyStopping()
    est.set_callbacks(stop, recorder).fit(X, y)
    assert list(recorder.flows) == list(range(est.n_iter_ + 1))
