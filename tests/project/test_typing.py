"""The types of parameters: they name what the registries hold, and are there when the code runs."""

from __future__ import annotations

import inspect
from typing import get_args, get_type_hints

import pytest

from skrnn import RNNClassifier, RNNRegressor, _typing
from skrnn.core.activations import ACTIVATIONS
from skrnn.core.cells import CELLS
from skrnn.core.initializers import INITIALIZERS
from skrnn.core.losses import REGRESSION_LOSSES
from skrnn.core.optimizers import OPTIMIZERS
from skrnn.core.readouts import READOUTS
from skrnn.core.training import SCHEDULES
from skrnn.forecasting import WindowScaledRegressor
from skrnn.inspection._attributions import METHODS
from skrnn.preprocessing import HiddenStates, SequenceImputer, SequenceScaler, TokenEncoder
from skrnn.preprocessing._own_scale import OWN_STATISTICS
from skrnn.preprocessing._statistics import STATISTICS

NAMES = {
    "ActivationName": ACTIVATIONS,
    "AttributionMethod": METHODS,
    "CellName": CELLS,
    "InitializerName": INITIALIZERS,
    "LossName": REGRESSION_LOSSES,
    "OptimizerName": OPTIMIZERS,
    "OwnStatisticsName": OWN_STATISTICS,
    "PlainReadoutName": [name for name, readout in READOUTS.items() if not readout.shapes(1)],
    "ReadoutName": READOUTS,
    "ScheduleName": SCHEDULES,
    "StatisticsName": STATISTICS,
}
ESTIMATORS = [
    HiddenStates,
    RNNClassifier,
    RNNRegressor,
    SequenceImputer,
    SequenceScaler,
    TokenEncoder,
    WindowScaledRegressor,
]


@pytest.mark.parametrize("alias", NAMES)
def test_a_type_names_the_entries_of_its_registry(alias):
    assert sorted(get_args(getattr(_typing, alias))) == sorted(NAMES[alias])


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_every_parameter_has_a_type_that_can_be_asked_for(cls):
    parameters = set(inspect.signature(cls).parameters)
    assert set(get_type_hints(cls.__init__)) == parameters | {"return"}


def test_the_two_networks_have_the_same_types():
    one, other = (get_type_hints(cls.__init__) for cls in (RNNClassifier, RNNRegressor))
    shared = one.keys() & other
    assert len(shared) > 40
    assert {name: one[name] for name in shared} == {name: other[name] for name in shared}
