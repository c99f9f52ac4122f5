"""skops loads every model with the types that skrnn publishes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from saved_models import UNFITTED, X3, Y, answers, assert_same_answers, fitted, reg
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

import skrnn
from skrnn import RNNClassifier, RNNRegressor
from skrnn.callbacks import EarlyStopping, GradientFlowRecorder, LiveLoss
from skrnn.core.activations import ACTIVATIONS
from skrnn.core.cells import CELLS
from skrnn.core.cells import gru as module_of_a_cell
from skrnn.core.initializers import INITIALIZERS
from skrnn.core.losses import LOSSES
from skrnn.core.optimizers import OPTIMIZERS
from skrnn.core.readouts import READOUTS
from skrnn.persistence import _types
from skrnn.preprocessing import SequenceScaler

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning", "ignore::UserWarning"
)

NOT_BY_SKOPS = {
    "routing": "skops follows the requests of scikit-learn 1.9 in a circle",
    "calibrated": "skops does not know the private parts of CalibratedClassifierCV",
}


def through_skops(est):
    skops_io = pytest.importorskip("skops.io")
    saved = skops_io.dumps(est)
    assert set(skops_io.get_untrusted_types(data=saved)) <= set(skrnn.TRUSTED_TYPES)
    return skops_io.loads(saved, trusted=list(skrnn.TRUSTED_TYPES))


@pytest.mark.parametrize("name", [name for name in UNFITTED if name not in NOT_BY_SKOPS])
def test_skops_needs_no_more_than_the_trusted_types(name):
    pytest.importorskip("skops.io")
    est, X = fitted(name)
    assert_same_answers(through_skops(est), X, answers(est, X))


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_skops_keeps_what_partial_fit_goes_on_from(optimizer):
    est = reg(optimizer=optimizer, warm_start=True)
    go_on = RNNRegressor.fit if optimizer == "lbfgs" else RNNRegressor.partial_fit
    loaded = through_skops(go_on(est, X3, Y))
    go_on(est, X3, Y)
    go_on(loaded, X3, Y)
    assert_same_answers(loaded, X3, answers(est, X3))


def test_skops_keeps_what_encodes_and_fills_in_static_features(rng):
    X = pd.DataFrame({"pulse": list(rng.normal(size=(12, 5))), "ward": list("abc") * 4})
    X["age"] = np.where(np.arange(12) == 3, np.nan, np.arange(12.0))
    columns = ColumnTransformer(
        [("ward", OneHotEncoder(sparse_output=False), ["ward"]), ("age", SimpleImputer(), ["age"])],
        remainder="passthrough",
    ).set_output(transform="pandas")
    est = make_pipeline(columns, SequenceScaler(), reg()).fit(X, np.arange(12.0))
    np.testing.assert_array_equal(through_skops(est).predict(X), est.predict(X))


@pytest.mark.parametrize("make", [EarlyStopping, GradientFlowRecorder, lambda: LiveLoss(every=9)])
def test_skops_keeps_callbacks_that_touch_nothing_outside(make):
    est = reg().set_callbacks(make()).fit(X3, Y)
    (callback,) = through_skops(est)._skl_callbacks
    assert type(callback) is type(make())


def test_all_registered_parts_and_both_estimators_are_trusted():
    registered = [
        *(type(part) for registry in (CELLS, READOUTS) for part in registry.values()),
        *(part for registry in (LOSSES, OPTIMIZERS) for part in registry.values()),
        *(RNNClassifier, RNNRegressor, type(ACTIVATIONS["tanh"])),
        *(part for part in INITIALIZERS.values()),
        *(activation.derivative for activation in ACTIVATIONS.values()),
    ]
    ours = [one for one in registered if one.__module__.startswith("skrnn")]
    assert {_types.dotted(part) for part in ours} <= set(skrnn.TRUSTED_TYPES)
    assert len(ours) > 40


def test_nothing_that_acts_on_the_outside_is_trusted():
    named = {name.rpartition(".")[2] for name in skrnn.TRUSTED_TYPES}
    assert not named & {"Checkpoint", "MedianPruning", "OptunaPruning", "Callback", "Training"}
    outside = [name for name in skrnn.TRUSTED_TYPES if not name.startswith("skrnn.")]
    assert sorted(outside) == [
        "collections.Counter",
        "numpy.copy",
        "numpy.dtype",
        "numpy.ones_like",
        "sklearn.utils._bunch.Bunch",
    ]
    assert isinstance(skrnn.TRUSTED_TYPES, tuple)


def clear_tables():
    for table in (_types.types_of_skrnn, _types._by_name, _types._names):
        table.cache_clear()


def test_a_part_of_tomorrow_is_trusted_without_being_listed(monkeypatch):
    class Tomorrow(CELLS["gru"].__class__):
        pass

    Tomorrow.__module__, Tomorrow.__qualname__ = module_of_a_cell.__name__, "Tomorrow"
    monkeypatch.setattr(module_of_a_cell, "Tomorrow", Tomorrow, raising=False)
    clear_tables()
    try:
        assert "skrnn.core.cells.gru.Tomorrow" in skrnn.TRUSTED_TYPES
    finally:
        monkeypatch.undo()
        clear_tables()
    assert "skrnn.core.cells.gru.Tomorrow" not in skrnn.TRUSTED_TYPES


def test_skrnn_has_no_other_lazy_names():
    assert {"save", "load", "TRUSTED_TYPES"} <= set(dir(skrnn))
    with pytest.raises(AttributeError, match="module 'skrnn' has no attribute 'laden'"):
        skrnn.laden  # noqa: B018
