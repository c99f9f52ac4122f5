"""Small fits, and a callback that writes down what happens in them."""

from __future__ import annotations

import pickle

import numpy as np

from skrnn import RNNRegressor
from skrnn.callbacks import Callback

N_SAMPLES, N_TIMESTEPS = 24, 4


def make_data():
    X = np.random.default_rng(0).normal(size=(N_SAMPLES, N_TIMESTEPS))
    return X, X.sum(axis=1)


def small(cls=RNNRegressor, **parameters):
    constant = {"learning_rate": "constant", "n_iter_no_change": 10}
    return cls(
        **{"hidden_layer_sizes": 3, "max_iter": 6, "random_state": 0, **constant, **parameters}
    )


def vector_of(est):
    return est.network_.parameters.vector


def fitted_attributes(est):
    """Everything that a fit leaves behind, as bytes."""
    attributes = {name: value for name, value in vars(est).items() if name != "_skl_callbacks"}
    attributes["_random_state"] = est._random_state.get_state()
    # Not the network as a whole: its architecture remembers what it was asked for.
    attributes["network_"] = vector_of(est)
    return {name: pickle.dumps(value) for name, value in attributes.items()}


class Recorder(Callback):
    """Writes down every hook; may raise or stop at an epoch."""

    def __init__(self, at=None, act=None):
        self.hooks, self.fitted, self.at, self.act = [], [], at, act

    def setup(self, estimator, context):
        self.hooks.append("setup")

    def teardown(self, estimator, context):
        self.hooks.append("teardown")

    def on_fit_task_begin(self, estimator, context):
        self.hooks.append(f"begin {context.task_name} {context.task_id}")

    def on_fit_task_end(
        self, estimator, context, *, X=None, y=None, metadata=None, fitted_estimator=None
    ):
        self.hooks.append(f"end {context.task_name} {context.task_id}")
        self.fitted.append((fitted_estimator, X, y, metadata, context.max_subtasks))
        if context.task_name == "epoch" and context.task_id == self.at:
            return self.act()
        return None


def interrupt():
    raise KeyboardInterrupt


def fail():
    raise RuntimeError("on purpose")
