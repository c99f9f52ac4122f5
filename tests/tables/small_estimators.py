"""Estimators that train in milliseconds, and data that they can learn."""

from __future__ import annotations

import numpy as np

from skrnn import RNNClassifier, RNNRegressor
from skrnn.core.optimizers import OPTIMIZERS

ESTIMATORS = [RNNClassifier, RNNRegressor]
STOCHASTIC = [name for name in OPTIMIZERS if name != "lbfgs"]
N_SAMPLES = 24


def small(cls, **parameters):
    return cls(
        **{
            "hidden_layer_sizes": 4,
            "learning_rate_init": 0.05,
            "max_iter": 5,
            "learning_rate": "constant",
            "n_iter_no_change": 10,
            "random_state": 0,
            **parameters,
        }
    )


def make_X(n_samples=N_SAMPLES, n_timesteps=4, n_channels=2):
    return np.random.default_rng(0).normal(size=(n_samples, n_timesteps, n_channels))


def make_ragged(n_samples=N_SAMPLES):
    lengths = np.random.default_rng(1).integers(1, 7, n_samples)
    return [sample[:length] for sample, length in zip(make_X(n_samples, 6), lengths, strict=True)]


def label_sign(X, labels=(0, 1)):
    """A class that can be learnt: the sign of the last value of the first channel."""
    return np.array([labels[int(sample[-1, 0] > 0)] for sample in X])


def running(X, as_steps):
    """A target for every time step of every sample."""
    return [as_steps(sample) for sample in X]


def weights_of(estimator):
    return estimator.network_.parameters.vector


def assert_same_weights(one, other):
    np.testing.assert_array_equal(weights_of(one), weights_of(other))


def differ(one, other):
    return not np.array_equal(weights_of(one), weights_of(other))
