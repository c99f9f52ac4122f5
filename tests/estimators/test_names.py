"""Names of other libraries, and slips of the pen, are answered with the name here."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from small_estimators import ESTIMATORS, label_sign, make_X, small

from skrnn import RNNClassifier, RNNRegressor
from skrnn.estimators._names import INSTEAD, NAMES_HERE, VALUES_HERE
from skrnn.preprocessing import SequenceScaler

each_estimator = pytest.mark.parametrize("cls", ESTIMATORS)


@pytest.mark.parametrize("name", NAMES_HERE)
def test_a_name_of_elsewhere_is_that_of_a_parameter_here(name):
    known = RNNClassifier().get_params() | RNNRegressor().get_params()
    assert name not in known
    assert all(here in known for here in NAMES_HERE[name].split(" and "))


@pytest.mark.parametrize(
    "name", [n for n in NAMES_HERE if NAMES_HERE[n][:5] not in ("loss", "class")]
)
@each_estimator
def test_set_params_says_what_the_name_is_here(cls, name):
    message = f"Invalid parameter '{name}' for estimator {cls.__name__}: skrnn calls it "
    with pytest.raises(ValueError, match=message) as info:
        cls().set_params(**{name: 1})
    assert all(repr(here) in str(info.value) for here in NAMES_HERE[name].split(" and "))


@pytest.mark.parametrize("name", INSTEAD)
@each_estimator
def test_set_params_says_what_does_the_work_here(cls, name):
    assert name not in cls().get_params()
    with pytest.raises(ValueError, match=f"Invalid parameter '{name}' .*: skrnn has none: "):
        cls().set_params(**{name: 1})


@pytest.mark.parametrize(
    ("cls", "name", "message"),
    [
        (RNNClassifier, "loss", "RNNClassifier always minimises the log loss"),
        (RNNClassifier, "criterion", "RNNClassifier always minimises the log loss"),
        (RNNRegressor, "criterion", "skrnn calls it 'loss'"),
        (RNNRegressor, "class_weight", "a regressor has no classes"),
        (RNNClassifier, "class_weights", "skrnn calls it 'class_weight'"),
        (RNNClassifier, "max_itr", "did you mean 'max_iter'"),
        (RNNRegressor, "hidden_layer_size", "did you mean 'hidden_layer_sizes'"),
        (RNNRegressor, "xyzzy", "Valid parameters are"),
        (RNNRegressor, "units__x", "skrnn calls it 'hidden_layer_sizes'"),
    ],
)
def test_other_names(cls, name, message):
    with pytest.raises(ValueError, match=message):
        cls().set_params(**{name: 1})


def test_valid_names_are_set_and_nothing_is_set_with_an_invalid_one():
    est = RNNClassifier().set_params(max_iter=3, cell="lstm")
    assert (est.max_iter, est.cell) == (3, "lstm")
    with pytest.raises(ValueError, match="skrnn calls it 'optimizer'"):
        est.set_params(max_iter=5, solver="adam")
    assert est.max_iter == 3


@pytest.mark.parametrize("grid", [{"solver": ["adam"]}, {"epochs": [1, 2]}])
def test_a_search_says_so_as_well(grid):
    X = make_X()
    with pytest.raises(ValueError, match="skrnn calls it"):
        GridSearchCV(small(RNNClassifier), grid, cv=2).fit(X, label_sign(X))
    pipeline = make_pipeline(SequenceScaler(), small(RNNClassifier))
    nested = {f"rnnclassifier__{name}": values for name, values in grid.items()}
    with pytest.raises(ValueError, match="skrnn calls it"):
        GridSearchCV(pipeline, nested, cv=2).fit(X, label_sign(X))


@pytest.mark.parametrize("rate", [0.001, 1, np.float32(0.5)])
@each_estimator
def test_a_rate_in_place_of_a_schedule_is_told_its_parameter(cls, rate):
    X = make_X()
    message = r"'learning_rate' parameter of .* must be .* Got .* instead\. It is the schedule; "
    with pytest.raises(ValueError, match=message + "the rate itself is learning_rate_init="):
        small(cls, learning_rate=rate).fit(X, label_sign(X))


@each_estimator
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("units", "has no parameter 'units': skrnn calls it 'hidden_layer_sizes'"),
        ("callbacks", "has no parameter 'callbacks': skrnn has none: call set_callbacks"),
        ("max_itr", "has no parameter 'max_itr': did you mean 'max_iter'"),
        ("xyzzy", "unexpected keyword argument 'xyzzy'"),
    ],
)
def test_the_constructor_says_what_the_name_is_here(cls, name, message):
    with pytest.raises(TypeError, match=message):
        cls(**{name: 1})


def test_a_subclass_may_have_names_of_its_own():
    class Units(RNNRegressor):
        def __init__(self, units=3):
            super().__init__(hidden_layer_sizes=units)
            self.units = units

    class Anything(RNNRegressor):
        def __init__(self, **params):
            super().__init__(hidden_layer_sizes=params["units"])

    assert Units(units=5).hidden_layer_sizes == Anything(units=5).hidden_layer_sizes == 5


@pytest.mark.parametrize(
    ("cls", "params", "message"),
    [
        (RNNRegressor, {"loss": "mse"}, "skrnn calls it 'squared_error'"),
        (RNNRegressor, {"loss": "MAE"}, "skrnn calls it 'absolute_error'"),
        (RNNClassifier, {"cell": "LSTM"}, "skrnn calls it 'lstm'"),
        (RNNClassifier, {"cell": "BiLSTM"}, "Set cell='lstm' and bidirectional=True"),
        (RNNClassifier, {"cell": "ltsm"}, "Did you mean 'lstm'"),
        (RNNClassifier, {"optimizer": "Adam"}, "skrnn calls it 'adam'"),
        (RNNClassifier, {"learning_rate": "plateau"}, "skrnn calls it 'adaptive'"),
        (RNNClassifier, {"activation": "linear"}, "skrnn calls it 'identity'"),
        (RNNClassifier, {"readout": "avg"}, "skrnn calls it 'mean'"),
        (RNNClassifier, {"cell": "xyzzy"}, "Got 'xyzzy' instead.$"),
    ],
)
def test_a_value_of_elsewhere_is_answered_with_the_one_here(cls, params, message):
    with pytest.raises(ValueError, match=message):
        cls(**params).fit(make_X(), np.arange(len(make_X())) % 2)


@pytest.mark.parametrize(
    ("name", "value"),
    [(name, value) for name in VALUES_HERE for value in VALUES_HERE[name].items()],
)
def test_a_value_of_elsewhere_is_none_here(name, value):
    allowed = RNNRegressor._parameter_constraints[name][0].options
    assert value[0] not in allowed
    assert value[1] in allowed
