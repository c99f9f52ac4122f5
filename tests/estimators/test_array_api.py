"""With scikit-learn's array API dispatch, arrays of other libraries are read as without it."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec

import pytest

# SCIPY_ARRAY_API has to be set before SciPy is imported, so each runs in a process of its own.
# CI runs the files that say importorskip("torch") where torch is installed.
SCRIPT = """
import sys, warnings
from importlib import import_module

import numpy as np
from sklearn import config_context
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import make_pipeline

from skrnn import RNNClassifier, RNNRegressor
from skrnn.inspection import hidden_states, permutation_importance
from skrnn.preprocessing import HiddenStates, SequenceScaler

warnings.simplefilter("error")
warnings.simplefilter("ignore", ConvergenceWarning)
warnings.filterwarnings("ignore", "The network has learnt nothing")
other = import_module(sys.argv[1]).asarray
X = np.random.default_rng(0).normal(size=(20, 7, 2))
Y, WEIGHT, STEPS = np.arange(20) % 2, np.linspace(1.0, 2.0, 20), (X[:, :, 0] > 0).astype(int)
SMALL = {"max_iter": 2, "random_state": 0}


def results(of):
    A, y, w, steps = of(X), of(Y), of(WEIGHT), of(STEPS)
    number = of(Y.astype(float))
    clf = RNNClassifier(3, **SMALL).fit(A, y, sample_weight=w)
    yield clf.predict(A)
    yield clf.predict_proba(A)
    yield clf.score(A, y, w)
    yield permutation_importance(clf, A, y, n_repeats=1, random_state=0).importances
    yield hidden_states(clf, A).layers[-1].h[0]
    yield RNNClassifier(3, **SMALL).partial_fit(A, y, classes=of(np.arange(2))).predict_proba(A)
    reg = RNNRegressor(3, early_stopping=True, **SMALL).fit(A, number, X_val=A, y_val=number)
    yield reg.validation_loss_curve_
    yield RNNRegressor(3, **SMALL).fit(A[:, :, 0], number).predict(A[:, :, 0])
    yield RNNRegressor(3, **SMALL).fit([A[i, :, :] for i in range(20)], number).predict(A)
    yield RNNClassifier(3, return_sequences=True, **SMALL).fit(A, steps).score(A, steps, w)
    yield make_pipeline(SequenceScaler(), RNNRegressor(3, **SMALL)).fit(A, number).predict(A)
    yield SequenceScaler().fit(A, sample_weight=w).transform(A)
    yield HiddenStates(RNNClassifier(3, **SMALL)).fit(A, y).transform(A)


expected = list(results(np.asarray))
with config_context(array_api_dispatch=True):
    for k, (one, another) in enumerate(zip(results(other), expected, strict=True)):
        assert isinstance(one, (np.ndarray, float, list)), (k, type(one))
        np.testing.assert_array_equal(one, another, err_msg=str(k))
"""


@pytest.mark.parametrize("library", ["torch", "array_api_strict"])
def test_arrays_of_other_libraries_give_the_results_of_numpy(library):
    if find_spec(library) is None:
        pytest.skip(f"{library} is not installed")
    environment = {**os.environ, "SCIPY_ARRAY_API": "1"}
    run = subprocess.run(
        [sys.executable, "-P", "-c", SCRIPT, library],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
