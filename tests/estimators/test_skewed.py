"""Sequences of very different lengths: time and memory follow the real steps."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from skrnn import RNNClassifier, RNNRegressor
from skrnn.core import kernels
from skrnn.sequences import _in_time

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def make_skewed(n_steps: int, n_short: int) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    lengths = [*rng.integers(3, 8, size=n_short), n_steps]
    return [rng.normal(size=(length, 2)).astype(np.float32) for length in lengths]


def peak(call) -> int:
    call()
    tracemalloc.start()
    call()
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most


def small(**parameters) -> RNNRegressor:
    options = {"max_iter": 1, "random_state": 0, **parameters}
    return RNNRegressor(16, **options)


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"cell": "lstm", "readout": "mean"},
        {"readout": "attention"},
        {"bidirectional": True, "readout": "max"},
        {"frame_length": 8, "frame_stride": 4, "frame_units": 8},
        {"hidden_layer_sizes": (8, 8), "bidirectional": True},
    ],
    ids=str,
)
def test_a_long_sequence_among_short_ones_takes_the_memory_it_takes_alone(parameters):
    X = make_skewed(8000, 300)
    reg = small(batch_size=32).set_params(**parameters)
    reg.fit(X[:64], np.arange(64.0))
    data = sum(x.nbytes for x in X)
    assert peak(lambda: reg.predict(X)) < 3 * peak(lambda: reg.predict(X[-1:])) + 10 * data


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
def test_a_fit_takes_the_memory_of_the_long_sequence(optimizer):
    X, y = make_skewed(5000, 127), np.arange(128.0)
    together = peak(lambda: small(batch_size=128, optimizer=optimizer).fit(X, y))
    alone = peak(lambda: small(optimizer=optimizer).fit(X[-2:], y[-2:]))
    assert together < 3 * alone + 10 * sum(x.nbytes for x in X)


@pytest.mark.parametrize("return_sequences", [False, True])
def test_answers_do_not_depend_on_a_long_neighbour(return_sequences):
    X = make_skewed(3000, 40)
    y = [x[:, 0] for x in X] if return_sequences else np.arange(41.0)
    reg = small(return_sequences=return_sequences).fit(X, y)
    together = reg.predict(X)
    tolerance = 1e-5 if kernels.backend() == "numpy" else 0
    for i in (0, 17, 40):
        alone = reg.predict(X[i : i + 1])[0]
        np.testing.assert_allclose(together[i], alone, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("parameters", [{}, {"return_sequences": True}, {"dropout": 0.3}], ids=str)
def test_groups_of_a_batch_train_as_the_batch_does(parameters, monkeypatch):
    X = [x.astype(float) for x in make_skewed(2000, 31)]
    y = [x[:, 0] for x in X] if "return_sequences" in parameters else np.arange(32.0)
    reg = small(batch_size=32, max_iter=3, **parameters)
    grouped = reg.fit(X, y).network_.parameters.vector.copy()
    monkeypatch.setattr(_in_time, "MOST_PADDING", np.inf)
    whole = reg.fit(X, y).network_.parameters.vector
    np.testing.assert_allclose(grouped, whole, rtol=0, atol=1e-12)


def test_labels_do_not_take_the_memory_of_all_probabilities():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(3000, 3, 1)).astype(np.float32), np.arange(3000) % 1000
    clf = RNNClassifier(4, max_iter=1, batch_size=1000, random_state=0).fit(X, y)
    X = np.tile(X, (2, 1, 1))
    assert clf.predict(X).dtype == y.dtype
    assert peak(lambda: clf.predict(X)) < 0.4 * (4 * len(X) * 1000)


def test_labels_are_those_of_the_probabilities():
    X = make_skewed(500, 600)
    clf = RNNClassifier(8, max_iter=1, random_state=0).fit(X, np.arange(601) % 3)
    labels = clf.classes_[clf.predict_proba(X).argmax(axis=1)]
    np.testing.assert_array_equal(clf.predict(X), labels)
