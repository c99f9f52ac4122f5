"""A prediction that is not finite is an error that names the sample, and never a label."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from small_estimators import label_sign, make_ragged, make_X, running, small

from skrnn import RNNClassifier, RNNRegressor
from skrnn.estimators._finite import NotFiniteError, finite
from skrnn.preprocessing import HiddenStates

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning"),
    pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning"),
    pytest.mark.filterwarnings("ignore::skrnn.core.training.NotLearntWarning"),
]

UNBOUNDED = {"cell": "rnn", "activation": "relu", "recurrent_init": "he_uniform"}
METHODS = [
    (RNNClassifier, "predict"),
    (RNNClassifier, "predict_proba"),
    (RNNClassifier, "predict_log_proba"),
    (RNNClassifier, "decision_function"),
    (RNNRegressor, "predict"),
]
each_method = pytest.mark.parametrize(("cls", "method"), METHODS)
each_kind_of_label = pytest.mark.parametrize(
    "make_y",
    [
        lambda X: label_sign(X, ["up", "down"]),
        lambda X: np.digitize(X[:, -1, 0], [-0.5, 0.5]),
        lambda X: (X[:, -1] > 0).astype(int),
    ],
    ids=["two classes", "three classes", "multilabel"],
)


def exploding(est):
    """Grow without bound: a state times 2 at every step."""
    for name, weight in est.network_.parameters.items():
        weight[:] = 2 * np.eye(*weight.shape) if name.endswith("W_h") else np.abs(weight) + 0.1
    return est


def one_too_long(n_steps=20_000):
    X = make_ragged()
    X[3] = np.ones((n_steps, 2))
    return X


@each_method
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_state_that_overflows_is_an_error_that_names_the_sample(cls, method, dtype):
    X = make_X().astype(dtype)
    est = exploding(small(cls, **UNBOUNDED).fit(X, label_sign(X)))
    assert np.isfinite(getattr(est, method)(make_ragged())).all()
    message = rf"prediction of {cls.__name__} for sample 3 is not finite.*20000 time steps.*tanh"
    with pytest.raises(ValueError, match=message):
        getattr(est, method)(one_too_long())


@pytest.mark.parametrize("cls", [RNNClassifier, RNNRegressor])
def test_the_score_is_an_error_as_well(cls):
    X = make_X()
    est = exploding(small(cls, **UNBOUNDED).fit(X, label_sign(X)))
    with pytest.raises(ValueError, match="for sample 3 is not finite"):
        est.score(one_too_long(), label_sign(make_X()))


@each_kind_of_label
def test_no_label_comes_of_a_network_without_numbers(make_y):
    X = make_X()
    classifier = small(RNNClassifier).fit(X, make_y(X))
    classifier.network_.parameters["output.b"][:] = np.nan
    for method in ("predict", "predict_proba", "predict_log_proba", "decision_function"):
        with pytest.raises(ValueError, match="for sample 0 is not finite"):
            getattr(classifier, method)(X)


def test_the_step_is_named_where_there_is_a_prediction_at_every_step():
    X = make_ragged()
    est = small(RNNRegressor, return_sequences=True, **UNBOUNDED)
    exploding(est.fit(X, running(X, lambda sample: sample[:, 0])))
    with pytest.raises(ValueError, match=r"for sample 3, time step 10\d\d is not finite"):
        est.predict(one_too_long(2000))


def test_an_exponential_that_overflows_is_an_error():
    X = make_X()
    regressor = small(RNNRegressor, loss="poisson").fit(X, label_sign(X))
    regressor.network_.parameters["output.b"][:] = 800.0
    with pytest.raises(ValueError, match="for sample 0 is not finite"):
        regressor.predict(X)


def test_a_pipeline_passes_the_error_on():
    X = make_X()
    pipeline = make_pipeline(FunctionTransformer(), small(RNNRegressor)).fit(X, label_sign(X))
    pipeline[-1].network_.parameters["output.b"][:] = np.inf
    with pytest.raises(ValueError, match="is not finite"):
        pipeline.predict(X)


def test_hidden_states_that_overflow_are_an_error():
    X = make_X()
    states = HiddenStates(small(RNNRegressor, **UNBOUNDED)).fit(X, label_sign(X))
    exploding(states.estimator_)
    assert np.isfinite(states.transform(make_ragged())).all()
    with pytest.raises(ValueError, match="states of sample 3 are not finite"):
        states.transform(one_too_long())


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_goes_in_and_what_comes_out_is_checked(value):
    with pytest.raises(NotFiniteError):
        finite(lambda raw: np.zeros(len(raw)))(np.array([[value]]))
    with pytest.raises(NotFiniteError):
        finite(lambda raw: np.full(len(raw), value))(np.zeros((1, 1)))
    labels = finite(lambda raw: np.array(["a"]))(np.zeros((1, 1)))
    np.testing.assert_array_equal(labels, ["a"])
