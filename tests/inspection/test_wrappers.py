"""Every function of inspection looks through every wrapper, and at what arrives behind it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import Pipeline
from wrappers import N_CHANNELS, WRAPPERS, fitted, network, table, target_of

from skrnn._innermost import innermost
from skrnn.callbacks import record_gradient_flow
from skrnn.inspection import (
    Finding,
    diagnose,
    gradient_flow,
    hidden_states,
    input_attributions,
    permutation_importance,
    unrolled,
)
from skrnn.preprocessing import HiddenStates, SequenceScaler


def opened_by_hand(name: str, est: Any) -> tuple[Any, Any, Any]:
    """The network inside a fitted wrapper, and the data as it sees them."""
    wrapper, X, y = WRAPPERS[name], table()[0], target_of(name)
    return wrapper.network(est), wrapper.X(est, X), wrapper.y(est, y)


# What is compared of each function, on an estimator and its data.
FUNCTIONS = {
    "gradient_flow": lambda est, X, y: gradient_flow(est, X, y).sample_norms,
    "diagnose": lambda est, X, y: diagnose(est, X, y).measurements["input_rms"],
    "unrolled": lambda est, X, y: unrolled(est, X, 3, y).layers[0].forward.dh,
    "unrolled without targets": lambda est, X, y: unrolled(est, X, 3).raw_prediction,
    "hidden_states": lambda est, X, y: hidden_states(est, X).features,
    "input_attributions": lambda est, X, y: input_attributions(est, X),
    "HiddenStates": lambda est, X, y: HiddenStates(FrozenEstimator(est)).fit(X, y).transform(X),
    "record_gradient_flow": lambda est, X, y: record_gradient_flow(est, X, y).flows[0].retained,
}


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("name", WRAPPERS)
def test_what_is_said_of_a_wrapper_is_said_of_the_network_inside(name, function):
    est = fitted(name)
    answer = FUNCTIONS[function](est, table()[0], target_of(name))
    expected = FUNCTIONS[function](*opened_by_hand(name, est))
    assert np.abs(expected).max() > 0
    assert_allclose(answer, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", [name for name in WRAPPERS if "rozen" not in name])
def test_of_an_unfitted_wrapper_the_network_is_as_its_fit_starts(name):
    est, X, y = WRAPPERS[name].make(), table()[0], target_of(name)
    flow = gradient_flow(est, X, y)
    unfitted = clone(innermost(est))
    wrapper = est.fit(X, y)
    data = WRAPPERS[name].X(wrapper, X), WRAPPERS[name].y(wrapper, y)
    assert not flow.fitted
    assert_allclose(flow.sample_norms, gradient_flow(unfitted, *data).sample_norms, rtol=1e-9)


@pytest.mark.parametrize("name", WRAPPERS)
def test_a_table_is_permuted_by_the_channels_of_the_network_inside(name):
    X, y = table()[0], target_of(name)
    result = permutation_importance(fitted(name), X, y, n_repeats=3, random_state=0)
    assert result.importances.shape == (N_CHANNELS, 3)


def test_a_table_is_permuted_by_the_channels_of_a_network_that_stands_there_several_times():
    X, y, _ = table()
    est = MultiOutputRegressor(network()).fit(X, np.column_stack([y, y]))
    result = permutation_importance(est, X, np.column_stack([y, y]), n_repeats=3)
    assert result.importances.shape == (N_CHANNELS, 3)


@pytest.mark.parametrize("is_fitted", [False, True], ids=["unfitted", "fitted"])
@pytest.mark.parametrize("name", WRAPPERS)
def test_a_remedy_reaches_the_network_inside(name, is_fitted):
    est = fitted(name) if is_fitted else WRAPPERS[name].make()
    before = innermost(est).get_params()
    changed = Finding("f", "problem", "", "", {}, {"cell": "rnn", "alpha": 0.5}).apply(est)
    inner = innermost(changed)
    assert innermost(est).get_params() == before
    assert inner.get_params() == {**before, "cell": "rnn", "alpha": 0.5}
    assert not hasattr(inner, "network_")
    assert changed.fit(table()[0], target_of(name)).predict(table()[0]).shape == (24,)


@pytest.mark.parametrize("name", WRAPPERS)
def test_a_scaler_goes_in_front_with_the_channels_of_the_network_inside(name):
    changed = Finding("f", "problem", "", "", preprocessing="SequenceScaler").apply(fitted(name))
    assert isinstance(changed, Pipeline)
    assert isinstance(changed[0], SequenceScaler)
    assert changed[0].n_channels == N_CHANNELS


def test_a_remedy_for_a_search_changes_the_best_estimator_and_keeps_what_is_around_it():
    est = fitted("Pipeline of a TransformedTargetRegressor of a search")
    changed = Finding("f", "problem", "", "", {}, {"cell": "rnn"}).apply(est)
    best = est["rnn"].regressor_.best_params_
    assert [name for name, _ in changed.steps] == ["scale", "rnn"]
    assert changed["rnn"].func is np.log
    assert changed["rnn"].regressor.cell == "rnn"
    assert changed["rnn"].regressor.learning_rate_init == best["learning_rate_init"]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_other_estimators_are_refused_by_name(function):
    X, y, _ = table()
    with pytest.raises(TypeError, match="got LinearRegression"):
        FUNCTIONS[function](LinearRegression().fit(X, y), X, y)


def test_the_features_of_wrapped_networks_have_names():
    X, y, _ = table()
    states = HiddenStates(WRAPPERS["search of a Pipeline"].make()).fit(X, y)
    assert_array_equal(states.get_feature_names_out(), ["h0_0", "h0_1", "h0_2", "h0_3"])
