"""The estimator inside any wrapper, and the data on their way there."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.ensemble import BaggingRegressor
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import Pipeline
from wrappers import N_CHANNELS, WRAPPERS, fitted, frozen, network, scaled, table, target_of

from skrnn import RNNClassifier, RNNRegressor
from skrnn._innermost import innermost, innermost_with, inside, way_to_innermost, wrappers
from skrnn.preprocessing import SequenceScaler


@pytest.mark.parametrize("name", WRAPPERS)
def test_the_network_inside_a_fitted_wrapper(name):
    est = fitted(name)
    assert innermost(est) is WRAPPERS[name].network(est)
    assert hasattr(innermost(est), "network_")


@pytest.mark.parametrize("name", WRAPPERS)
def test_the_way_to_the_network_is_an_expression(name):
    est = fitted(name)
    assert eval(way_to_innermost(est)) is innermost(est)


@pytest.mark.parametrize("name", WRAPPERS)
def test_the_way_into_an_unfitted_wrapper_is_an_expression(name):
    est = WRAPPERS[name].make()
    assert eval(way_to_innermost(est)) is innermost(est)


@pytest.mark.parametrize("name", WRAPPERS)
def test_the_network_inside_an_unfitted_wrapper(name):
    est = innermost(WRAPPERS[name].make())
    assert isinstance(est, RNNClassifier if WRAPPERS[name].classifies else RNNRegressor)
    assert est.n_channels == N_CHANNELS


@pytest.mark.parametrize("name", WRAPPERS)
def test_the_data_arrive_as_at_the_network_of_a_fitted_wrapper(name):
    est, (X, _, _) = fitted(name), table()
    inner, inner_X, inner_y = innermost_with(est, X, target_of(name))
    assert inner is WRAPPERS[name].network(est)
    assert_allclose(inner_X, WRAPPERS[name].X(est, X), rtol=1e-12)
    assert_allclose(inner_y, WRAPPERS[name].y(est, target_of(name)), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", WRAPPERS)
def test_the_data_arrive_as_the_network_of_an_unfitted_wrapper_will_see_them(name):
    est, X, y = WRAPPERS[name].make(), table()[0], target_of(name)
    _, inner_X, inner_y = innermost_with(est, X, y)
    est.fit(X, y)
    assert_allclose(inner_X, WRAPPERS[name].X(est, X), rtol=1e-12)
    assert_allclose(inner_y, WRAPPERS[name].y(est, y), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", WRAPPERS)
def test_nothing_on_the_way_is_fitted_or_changed(name):
    est = WRAPPERS[name].make()
    before = {id(wrapper): sorted(vars(wrapper)) for wrapper in wrappers(est)}
    innermost_with(est, table()[0], target_of(name))
    assert {id(wrapper): sorted(vars(wrapper)) for wrapper in wrappers(est)} == before


def test_without_a_target_only_the_sequences_go_through():
    est, (X, _, _) = fitted("TransformedTargetRegressor with a transformer"), table()
    _, inner_X, inner_y = innermost_with(est, X)
    assert_allclose(inner_X, est.regressor_["scale"].transform(X))
    assert inner_y is None


def test_a_target_of_several_columns_stays_so():
    X, y, _ = table()
    est = WRAPPERS["TransformedTargetRegressor"].make()
    two = np.column_stack([y, y + 1])
    for regressor in (est, est.fit(X, two)):
        assert_allclose(innermost_with(regressor, X, two)[2], np.log(two))


@pytest.mark.parametrize(
    "est", [scaled(network()), scaled(frozen(network()))], ids=["network", "frozen network"]
)
def test_without_a_target_nothing_is_fitted(est):
    with pytest.raises(NotFittedError):
        innermost_with(est, table()[0])


def test_a_search_that_keeps_no_estimator_is_as_before_its_fit():
    X, y, _ = table()
    search = GridSearchCV(network(), {"alpha": [0.0]}, cv=2, refit=False).fit(X, y)
    assert innermost(search) is search.estimator


@pytest.mark.parametrize(
    "est", [LinearRegression(), network(), Pipeline([("scale", SequenceScaler())])], ids=type
)
def test_what_wraps_nothing_is_innermost_itself(est):
    inner = est.steps[-1][1] if isinstance(est, Pipeline) else est
    assert inside(inner) is None
    assert innermost(est) is inner


@pytest.mark.parametrize("wrap", [MultiOutputRegressor, BaggingRegressor])
def test_a_wrapper_of_several_networks_hands_no_data_on(wrap):
    X, y, _ = table()
    with pytest.raises(TypeError, match=rf"{wrap.__name__} does not train one RNNRegressor"):
        innermost_with(wrap(network()), X, y)
    assert innermost(wrap(network())).n_channels == N_CHANNELS
