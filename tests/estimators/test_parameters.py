"""Every parameter has an effect, and is documented as it is."""

from __future__ import annotations

import inspect
import re

import numpy as np
import pandas as pd
import pytest
from small_estimators import ESTIMATORS, N_SAMPLES, differ, label_sign, make_X, small

from skrnn import RNNClassifier, RNNRegressor
from skrnn.core.activations import ACTIVATIONS
from skrnn.core.cells import CELLS
from skrnn.core.initializers import INITIALIZERS
from skrnn.core.losses import REGRESSION_LOSSES
from skrnn.core.optimizers import OPTIMIZERS
from skrnn.core.readouts import READOUTS
from skrnn.core.training import SCHEDULES

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

EFFECTS = {
    "activation": "relu",
    "cell": "lstm",
    "init": "he_normal",
    "recurrent_init": "identity",
    "optimizer": "rmsprop",
    "bidirectional": True,
    "readout": "mean",
    "dropout": 0.5,
    "bptt_steps": 1,
    "max_grad_norm": 1e-3,
    "alpha": 10.0,
    "batch_size": 5,
    "learning_rate": "cosine",
    "learning_rate_init": 0.01,
    "shuffle": False,
    "beta_1": 0.5,
    "beta_2": 0.5,
    "epsilon": 0.1,
    "hidden_layer_sizes": (4, 3),
    "max_iter": 4,
    "random_state": 1,
    "early_stopping": True,
    "class_weight": {0: 3.0},
    "n_channels": 2,
    "return_sequences": True,
    "embedding_dim": 3,
    "differences": True,
    "frame_length": 2,
    "frame_units": 3,
}
EFFECTS_ELSEWHERE = {
    "frame_shift": (True, {"frame_length": 3}),
    "power_t": (0.9, {"learning_rate": "invscaling"}),
    "momentum": (0.1, {"optimizer": "sgd"}),
    "nesterovs_momentum": (False, {"optimizer": "sgd"}),
    "validation_fraction": (0.5, {"early_stopping": True}),
    "tol": (10.0, {"max_iter": 40, "n_iter_no_change": 2}),
    "n_iter_no_change": (1, {"max_iter": 40, "tol": 10.0}),
    "warm_start": (True, {}),
    "verbose": (True, {}),
    "loss": ("huber", {}),
    "quantile": (0.9, {"loss": "quantile"}),
    "huber_delta": (0.1, {"loss": "huber"}),
    "normalize_y": (False, {}),
    "n_tokens": (50, {"embedding_dim": 3}),
    "frame_stride": (1, {"frame_length": 2}),
    "static": ("channels", {}),
    "missing_values": ("error", {}),
}
BY_OTHER_TESTS = {"warm_start", "verbose", "missing_values"}


def test_the_table_of_effects_is_complete():
    parameters = {**RNNClassifier().get_params(), **RNNRegressor().get_params()}
    assert set(parameters) == set(EFFECTS) | set(EFFECTS_ELSEWHERE)


@pytest.mark.parametrize("parameter", sorted({*EFFECTS, *EFFECTS_ELSEWHERE} - BY_OTHER_TESTS))
def test_every_parameter_changes_the_outcome(parameter):
    value, others = EFFECTS_ELSEWHERE.get(parameter) or (EFFECTS[parameter], {})
    cls = RNNClassifier if parameter == "class_weight" else RNNRegressor
    X = make_X()
    y = label_sign(X)
    if parameter == "n_channels":
        X = X.reshape(N_SAMPLES, -1)
    if parameter in ("embedding_dim", "n_tokens"):
        X = np.abs(X).round()
    if parameter == "static":
        X = pd.DataFrame({"level": list(X[:, :, 0]), "age": X[:, 0, 1]})
    if parameter == "shuffle":
        others = {"batch_size": 5}
    without = small(cls, **others).fit(X, y)
    if parameter == "return_sequences":
        y = np.repeat(y[:, None], 4, axis=1)
    with_it = small(cls, **{**others, parameter: value}).fit(X, y)
    assert differ(without, with_it)


@pytest.mark.parametrize("sizes", [4, (4,), [4], np.array([4]), (np.int64(4),)], ids=repr)
def test_forms_of_hidden_layer_sizes(sizes):
    classifier = small(RNNClassifier, hidden_layer_sizes=sizes).fit(make_X(), label_sign(make_X()))
    assert classifier.network_.architecture.hidden_sizes == (4,)
    assert classifier.n_layers_ == 3


def documentation(obj):
    docscrape = pytest.importorskip("numpydoc.docscrape")
    return docscrape.NumpyDocString(inspect.getdoc(obj))


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_documented_attributes_are_the_fitted_ones(cls):
    X = pd.DataFrame(make_X().reshape(N_SAMPLES, -1)).add_prefix("column_")
    fitted = small(cls, early_stopping=True).fit(X, label_sign(make_X()))
    documented = {p.name for p in documentation(cls)["Attributes"]}
    assert documented == {name for name in vars(fitted) if name.endswith("_")}


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_documented_parameters_are_those_of_the_signature(cls):
    parameters = inspect.signature(cls).parameters
    documented = {p.name: p.type for p in documentation(cls)["Parameters"]}
    assert set(documented) == set(parameters)
    for name, parameter in parameters.items():
        text = documented[name].rpartition("default=")[2]
        assert eval(text) == parameter.default, name


METHODS = [
    (cls, name)
    for cls in ESTIMATORS
    for name in (
        "fit",
        "partial_fit",
        "predict",
        "predict_proba",
        "predict_log_proba",
        "decision_function",
        "score",
    )
    if hasattr(cls, name)
]


@pytest.mark.parametrize(("cls", "method"), METHODS)
def test_documented_parameters_of_methods(cls, method):
    function = getattr(cls(), method)
    documented = [p.name for p in documentation(function)["Parameters"]]
    assert documented == list(inspect.signature(function).parameters)


REGISTRIES = {
    "cell": CELLS,
    "activation": ACTIVATIONS,
    "init": INITIALIZERS,
    "optimizer": OPTIMIZERS,
    "readout": READOUTS,
    "learning_rate": SCHEDULES,
    "loss": REGRESSION_LOSSES,
}


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_documented_names_are_those_of_the_registries(cls):
    documented = {p.name: p.type for p in documentation(cls)["Parameters"]}
    for name in REGISTRIES.keys() & documented.keys():
        text = re.search(r"\{(.*?)\}", documented[name]).group(1)
        assert sorted(re.findall(r"'(\w+)'", text)) == sorted(REGISTRIES[name]), name


@pytest.mark.parametrize(("cls", "method"), [(cls, None) for cls in ESTIMATORS] + METHODS)
def test_docstrings_are_valid(cls, method):
    validate = pytest.importorskip("numpydoc.validate").validate
    # What scikit-learn does not ask of its own docstrings either.
    ignored = (
        {"RT02", "GL01", "GL02", "GL08"}
        if method is None
        else {"RT02", "GL01", "GL02", "EX01", "SA01", "ES01"}
    )
    path = ".".join(filter(None, ["skrnn", cls.__name__, method]))
    errors = [error for error in validate(path)["errors"] if error[0] not in ignored]
    assert errors == []
