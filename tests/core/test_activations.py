"""Activations have the derivative they claim and stay finite wherever floats are."""

import pickle

import numpy as np
import pytest
from gradcheck import numeric_gradient

from skrnn.core.activations import ACTIVATIONS

VALUES_AT = {  # at -2, 0 and 2
    "tanh": [-np.tanh(2), 0, np.tanh(2)],
    "relu": [0, 0, 2],
    "logistic": [1 / (1 + np.exp(2)), 0.5, 1 / (1 + np.exp(-2))],
    "identity": [-2, 0, 2],
    "leaky_relu": [-0.02, 0, 2],
    "elu": [np.exp(-2) - 1, 0, 2],
    "softsign": [-2 / 3, 0, 2 / 3],
}

each_activation = pytest.mark.parametrize("activation", ACTIVATIONS.values(), ids=ACTIVATIONS)
each_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64])


@each_activation
def test_values_are_those_of_the_formula(activation):
    h = activation.function(np.array([-2.0, 0.0, 2.0]))
    np.testing.assert_allclose(h, VALUES_AT[activation.name], rtol=1e-15)


@each_activation
def test_derivative_of_the_output_matches_differences(activation):
    a = np.linspace(-6, 6, 40)  # 0, where some have a kink, lies between two points
    derivative = activation.derivative(activation.function(a))
    numeric = numeric_gradient(lambda: float(activation.function(a).sum()), a)
    np.testing.assert_allclose(derivative, numeric, rtol=1e-6, atol=1e-9)


@each_dtype
@each_activation
def test_values_and_derivatives_are_finite_at_the_ends_of_the_range(activation, dtype):
    largest = np.finfo(dtype).max
    a = np.array([-largest, -1e4, -0.0, np.finfo(dtype).tiny, 1e4, largest], dtype)
    h = activation.function(a)
    assert np.isfinite(h).all()
    assert np.isfinite(activation.derivative(h)).all()


@each_dtype
@each_activation
def test_shape_and_dtype_are_kept(activation, dtype):
    a = np.linspace(-1, 1, 6, dtype=dtype).reshape(2, 3)
    h = activation.function(a)
    derivative = activation.derivative(h)
    assert h.shape == derivative.shape == a.shape
    assert h.dtype == derivative.dtype == dtype


@each_activation
def test_arguments_are_not_changed(activation):
    a = np.linspace(-1, 1, 6)
    a.flags.writeable = False
    h = activation.function(a)
    assert not np.shares_memory(h, a)
    h.flags.writeable = False
    assert not np.shares_memory(activation.derivative(h), h)


@each_activation
def test_it_survives_pickle(activation):
    assert pickle.loads(pickle.dumps(activation)) == activation


def test_a_name_of_the_registry_is_that_of_its_activation_or_an_alias_of_it():
    assert {activation.name for activation in ACTIVATIONS.values()} <= set(ACTIVATIONS)
    assert ACTIVATIONS["sigmoid"] is ACTIVATIONS["logistic"]
