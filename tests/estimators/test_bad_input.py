"""Bad input, parameters and targets are refused with an error that says what to do."""

from __future__ import annotations

import re
from numbers import Integral

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from sklearn.exceptions import NotFittedError
from sklearn.utils._param_validation import Interval

from skrnn import RNNClassifier, RNNRegressor
from skrnn.core.activations import ACTIVATIONS
from skrnn.core.cells import CELLS, GRU
from skrnn.core.initializers import INITIALIZERS
from skrnn.core.losses import REGRESSION_LOSSES
from skrnn.core.optimizers import OPTIMIZERS
from skrnn.core.readouts import READOUTS
from skrnn.core.training import SCHEDULES

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

ESTIMATORS = [RNNClassifier, RNNRegressor]
N_SAMPLES, N_TIMESTEPS, N_CHANNELS = 8, 5, 3
LENGTHS = [2, 5, 3, 4, 5, 1, 2, 3]
Y = np.arange(N_SAMPLES) % 2


def make_X():
    return np.random.default_rng(0).normal(size=(N_SAMPLES, N_TIMESTEPS, N_CHANNELS))


def make_ragged():
    return [sample[:length] for sample, length in zip(make_X(), LENGTHS, strict=True)]


def small(cls, **parameters):
    return cls(**{"hidden_layer_sizes": 2, "max_iter": 2, "random_state": 0, **parameters})


def with_value(X, position, value):
    X = [sample.copy() for sample in X] if isinstance(X, list) else X.copy()
    if isinstance(X, list):
        X[position[0]][position[1:]] = value
    else:
        X[position] = value
    return X


def strings(*shape):
    return np.full(shape, "a", dtype=object)


BAD_X = {
    "NaN inside a 3-D array": (
        with_value(make_X(), (2, 1, 0), np.nan),
        "X contains NaN at sample 2, time step 1.*missing_values='decay'.*SequenceImputer",
    ),
    "inf inside a 3-D array": (
        with_value(make_X(), (2, 1, 0), np.inf),
        r"X contains infinity \(inf\) at sample 2, time step 1",
    ),
    "NaN inside a ragged list": (
        with_value(make_ragged(), (1, 3, 2), np.nan),
        "X contains NaN at sample 1, time step 3.*missing_values='decay'.*SequenceImputer",
    ),
    "NaN in a 2-D array": (
        with_value(np.ones((N_SAMPLES, 4)), (1, 1), np.nan),
        "X contains NaN at sample 1, time step 1.*missing_values='decay'.*SequenceImputer",
    ),
    "inf in a 2-D array": (with_value(np.ones((N_SAMPLES, 4)), (1, 1), np.inf), "infinity"),
    "a sample of NaN alone": (
        with_value(make_X(), 3, np.nan),
        r"X\[3\] is NaN at every time step.*Drop that sample",
    ),
    "an empty sequence": (
        [*make_ragged()[:-1], np.empty((0, N_CHANNELS))],
        r"X\[7\] has no time step.*Drop the empty sequences",
    ),
    "no samples in 2-D": (np.empty((0, 4)), r"0 sample\(s\)"),
    "no samples in 3-D": (np.empty((0, 4, 2)), r"0 sample\(s\)"),
    "no samples in a list": ([], r"X is empty: it has 0 sample\(s\)"),
    "no time steps": (np.empty((N_SAMPLES, 0, 2)), "at least one sample, one time step"),
    "no channels": (np.empty((N_SAMPLES, 2, 0)), "at least one sample, one time step"),
    "ragged channels": (
        [*make_ragged()[:-1], np.ones((3, 2))],
        r"X\[7\] has 2 channels per time step, but X\[0\] has 3",
    ),
    "four axes": (np.ones((N_SAMPLES, 2, 2, 2)), r"expected \(n_samples, n_timesteps, n_channels"),
    "one axis": (np.ones(N_SAMPLES), r"Reshape your data: one sequence.*as \[X\].*make_windows"),
    "a long table": (
        pd.DataFrame({"id": list("aabbaabb"), "speed": np.ones(N_SAMPLES)}),
        "X in column 'id' holds strings such as 'a'.*rows of X are time steps.*from_long",
    ),
    "strings in a 3-D array": (strings(N_SAMPLES, 3, 2), "X holds strings such as 'a'"),
    "strings in a 2-D array": (strings(N_SAMPLES, 3), "X holds strings such as 'a'"),
    "strings in sequences": ([strings(3, 1)] * N_SAMPLES, r"X\[0\] holds strings such as 'a'"),
    "strings in a 1-D array": (strings(N_SAMPLES), "X holds strings such as 'a'"),
    "complex numbers": (np.ones((N_SAMPLES, 3, 2)) * 1j, "Complex data not supported"),
    "a sparse matrix": (sp.csr_matrix(np.ones((N_SAMPLES, 3))), "[Ss]parse"),
}


@pytest.mark.parametrize("cls", ESTIMATORS)
@pytest.mark.parametrize("case", BAD_X)
def test_X_in_fit(cls, case):
    X, message = BAD_X[case]
    with pytest.raises((ValueError, TypeError), match=message):
        small(cls, missing_values="error").fit(
            X, Y[: X.shape[0] if hasattr(X, "shape") else len(X)]
        )


def test_a_sequence_written_as_text_is_no_row_of_a_long_table():
    X = pd.DataFrame({"speed": ["[1.0 2.0]"] * N_SAMPLES})
    with pytest.raises(ValueError, match="written as text") as caught:
        small(RNNRegressor).fit(X, Y)
    assert "from_long" not in str(caught.value)


METHODS = [
    (RNNClassifier, "predict"),
    (RNNClassifier, "predict_proba"),
    (RNNClassifier, "predict_log_proba"),
    (RNNClassifier, "decision_function"),
    (RNNRegressor, "predict"),
]
BAD_X_LATER = {
    "another number of channels": (
        np.ones((N_SAMPLES, 5, 2)),
        "X has 2 channels per time step, but RNN.* was fitted with 3",
    ),
    "another number of channels, ragged": ([np.ones((4, 1))], "X has 1 channel per time step"),
    "axes in another order": (make_X().transpose(0, 2, 1), r"pass X.transpose\(0, 2, 1\)"),
    "a 2-D array": (np.ones((2, 15)), "X is 2-D .* fitted on sequences of 3 channels"),
    "NaN": (with_value(make_X(), (0, 0, 0), np.nan), "X contains NaN at sample 0, time step 0"),
}


@pytest.mark.parametrize(("cls", "method"), METHODS)
@pytest.mark.parametrize("case", BAD_X_LATER)
def test_X_after_fit(cls, method, case):
    X, message = BAD_X_LATER[case]
    estimator = small(cls, missing_values="error").fit(make_X(), Y)
    with pytest.raises(ValueError, match=message):
        getattr(estimator, method)(X)


@pytest.mark.parametrize(("cls", "method"), METHODS)
def test_not_fitted(cls, method):
    with pytest.raises(NotFittedError, match=f"This {cls.__name__} instance is not fitted yet"):
        getattr(small(cls), method)(make_X())


def test_another_order_of_channels_names():
    X = pd.DataFrame({"a": [np.ones(3)] * 4, "b": [np.ones(3)] * 4})
    classifier = small(RNNClassifier).fit(X, [0, 1, 0, 1])
    with pytest.raises(ValueError, match="feature names should match"):
        classifier.predict(X[["b", "a"]])


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_columns_that_are_no_time_steps(cls):
    with pytest.raises(ValueError, match=r"X has 7 columns.*n_channels=3.*divisor of 7"):
        small(cls, n_channels=3).fit(np.ones((N_SAMPLES, 7)), Y)


# --- targets -----------------------------------------------------------------------------------


@pytest.mark.parametrize("cls", ESTIMATORS)
@pytest.mark.parametrize(
    ("y", "message"),
    [
        (None, "requires y to be passed, but the target y is None"),
        (Y[:-1], "inconsistent numbers of samples"),
        ([np.nan, *Y[1:]], "y contains NaN"),
        ([np.inf, *Y[1:]], "y contains infinity"),
    ],
)
def test_y(cls, y, message):
    with pytest.raises(ValueError, match=message):
        small(cls).fit(make_X(), y)


@pytest.mark.parametrize("cls", ESTIMATORS)
@pytest.mark.parametrize(
    "y",
    [
        [np.arange(length) % 2 for length in LENGTHS],
        pd.Series([np.arange(length) % 2 for length in LENGTHS]),
        pd.Series([np.where(np.arange(length) % 2, None, 1.0) for length in LENGTHS]),
        np.zeros((N_SAMPLES, N_TIMESTEPS, 1), dtype=int),
    ],
    ids=["ragged", "Series", "Series with missing targets", "3-D"],
)
def test_step_targets_without_return_sequences(cls, y):
    X = make_X() if isinstance(y, np.ndarray) else make_ragged()
    with pytest.raises(ValueError, match="Set return_sequences=True"):
        small(cls).fit(X, y)


def test_multiclass_step_targets_without_return_sequences():
    y = np.arange(N_SAMPLES * N_TIMESTEPS).reshape(N_SAMPLES, N_TIMESTEPS) % 3
    with pytest.raises(ValueError, match="set return_sequences=True"):
        small(RNNClassifier).fit(make_X(), y)


@pytest.mark.parametrize("cls", ESTIMATORS)
@pytest.mark.parametrize(
    ("y", "message"),
    [
        (Y, r"y has shape \(8,\).*one target per time step.*return_sequences=False"),
        ([np.zeros(2)] * N_SAMPLES, r"y\[1\] has targets for 2 time steps, but X\[1\] has 5"),
        ([np.zeros(length) for length in LENGTHS[:-1]], "inconsistent numbers of samples"),
        (
            [np.full(length, np.nan) for length in LENGTHS],
            "y has no target at all: every one is missing",
        ),
    ],
)
def test_step_targets(cls, y, message):
    with pytest.raises(ValueError, match=message):
        small(cls, return_sequences=True).fit(make_ragged(), y)


def test_continuous_labels():
    with pytest.raises(ValueError, match="Unknown label type: continuous"):
        small(RNNClassifier).fit(make_X(), np.linspace(0, 1, N_SAMPLES))


@pytest.mark.parametrize(
    "y",
    [
        list("abcdefgh"),
        list("12345678"),
        np.arange(8).astype("M8[s]"),
        np.arange(8).astype("m8[s]"),
        pd.Series(pd.date_range("2024", periods=8)),
        np.array(["1", *range(7)], dtype=object),
        np.array([pd.Timestamp("2024"), *range(7)], dtype=object),
    ],
    ids=lambda y: str(np.asarray(y).dtype),
)
@pytest.mark.parametrize("steps", [False, True])
def test_numbers_are_numbers_already(y, steps):
    assert len(y) == N_SAMPLES
    if steps:
        y = [[value] * N_TIMESTEPS for value in y]
    with pytest.raises(
        ValueError, match=r"y (must hold numbers, but its dtype is|holds .*; expected numbers)"
    ):
        small(RNNRegressor, return_sequences=steps).fit(make_X(), y)


def test_negative_counts():
    with pytest.raises(ValueError, match=r"loss='poisson' needs targets in \[0, inf\).*minimum -1"):
        small(RNNRegressor, loss="poisson").fit(make_X(), Y - 1)


@pytest.mark.parametrize(
    "classifier",
    [small(RNNClassifier, warm_start=True), small(RNNClassifier)],
    ids=["warm_start", "partial_fit"],
)
def test_unknown_label_in_a_later_call(classifier):
    classifier.fit(make_X(), Y)
    again = classifier.fit if classifier.warm_start else classifier.partial_fit
    with pytest.raises(ValueError, match=r"y has classes \[7\].*it knows \[0 1\]"):
        again(make_X(), np.where(Y == 1, 7, 0))


@pytest.mark.parametrize(
    ("estimator", "y", "message"),
    [
        (small(RNNClassifier), np.eye(N_SAMPLES, 3, dtype=int), "fitted on single-label targets"),
        (small(RNNRegressor), np.eye(N_SAMPLES, 3), "y has 3 outputs.* was fitted with 1"),
    ],
)
def test_targets_of_another_kind_in_a_later_call(estimator, y, message):
    estimator.fit(make_X(), Y)
    with pytest.raises(ValueError, match=message):
        estimator.partial_fit(make_X(), y)


def test_another_number_of_labels_in_a_later_call():
    classifier = small(RNNClassifier).fit(make_X(), np.eye(N_SAMPLES, 3, dtype=int))
    with pytest.raises(ValueError, match="y has 4 labels, but RNNClassifier was fitted with 3"):
        classifier.partial_fit(make_X(), np.eye(N_SAMPLES, 4, dtype=int))


# --- weights -----------------------------------------------------------------------------------


@pytest.mark.parametrize("cls", ESTIMATORS)
@pytest.mark.parametrize(
    ("weight", "message"),
    [
        (np.zeros(N_SAMPLES), "[Ww]eights.*zero"),
        (np.ones(N_SAMPLES - 1), r"sample_weight.shape == \(7,\), expected \(8,\)"),
        (np.linspace(-1, 1, N_SAMPLES), "Negative values.*`sample_weight`"),
        (np.full(N_SAMPLES, np.nan), "sample_weight contains NaN"),
    ],
)
def test_sample_weight(cls, weight, message):
    with pytest.raises(ValueError, match=message):
        small(cls).fit(make_X(), Y, sample_weight=weight)


def test_sample_weight_of_step_scores():
    y = [np.arange(length) % 2 for length in LENGTHS]
    classifier = small(RNNClassifier, return_sequences=True).fit(make_ragged(), y)
    with pytest.raises(ValueError, match=r"sample_weight.shape == \(1,\), expected \(8,\)"):
        classifier.score(make_ragged(), y, sample_weight=[1.0])


@pytest.mark.parametrize(
    ("class_weight", "message"),
    [
        ({0: 1.0, 1: 5.0, 7: 2.0}, r"class_weight names the class 7, but .* are \[0, 1\]"),
        ({0: -1.0, 1: 1.0}, r"weight of class 0 in class_weight .* >= 0\. Got -1\.0"),
        ({1: -1.0, 0: 2.0}, r"weight of class 1 in class_weight .* >= 0\. Got -1\.0"),
        ({0: np.nan}, "weight of class 0 in class_weight .* Got nan"),
        ({0: np.inf}, "weight of class 0 in class_weight .* Got inf"),
        ({0: "2"}, "weight of class 0 in class_weight .* Got '2'"),
        ({0: True}, "weight of class 0 in class_weight .* Got True"),
        ({0: None}, "weight of class 0 in class_weight .* Got None"),
        (["even"], "class_weight must be a dict of label to weight, or 'balanced'"),
        ({7: 2.0}, r"class_weight names the class 7, but the classes in y are \[0, 1\]"),
        ([{0: 1.0}, {0: 1.0}], r"class_weight is a list of 2, but y has 1 output"),
        ({0: 0.0, 1: 0.0}, "class_weight is zero for every class in y"),
        ("even", r"'class_weight' parameter .* among \{'balanced'\}"),
    ],
)
def test_class_weight(class_weight, message):
    with pytest.raises(ValueError, match=message):
        small(RNNClassifier, class_weight=class_weight).fit(make_X(), Y)


# --- parameters --------------------------------------------------------------------------------


@pytest.mark.parametrize("cls", ESTIMATORS)
@pytest.mark.parametrize("sizes", [True, [4, True], (np.True_,), 4.0, [4.5], "4", [], [[4]], 10**6])
def test_hidden_layer_sizes_are_ints(cls, sizes):
    message = "'hidden_layer_sizes' parameter of|this machine has .* GiB"
    with pytest.raises(ValueError, match=message):
        small(cls, hidden_layer_sizes=sizes).fit(make_X(), Y)


@pytest.mark.parametrize("sizes", [4, np.int32(4), [4], (4,), np.array([4]), np.array(4)])
def test_hidden_layer_sizes_of_any_form(sizes):
    assert small(RNNClassifier, hidden_layer_sizes=sizes).fit(make_X(), Y).n_layers_ == 3


@pytest.mark.parametrize(
    "parameters",
    [
        {"hidden_layer_sizes": 10**9},
        {"hidden_layer_sizes": (4, 10**30)},
        {"hidden_layer_sizes": 10**9, "bidirectional": True},
        {"frame_length": 10**12},
        {"frame_stride": 10**30},
        {"frame_length": 2, "frame_units": 10**30},
        {"embedding_dim": 10**30, "n_tokens": 10},
        {"embedding_dim": 2, "n_tokens": 10**30},
        {"readout": "attention", "hidden_layer_sizes": 10**7},
    ],
    ids=str,
)
@pytest.mark.parametrize("cls", ESTIMATORS)
def test_a_network_larger_than_the_memory_is_refused_before_it_is_made(cls, parameters):
    X = np.arange(N_SAMPLES * 4).reshape(N_SAMPLES, 4) % 10
    with pytest.raises(ValueError, match=r"this machine has .* GiB\. Lower hidden_layer_sizes"):
        small(cls, **parameters).fit(X, Y)


@pytest.mark.parametrize(
    "parameter", ["batch_size", "bptt_steps", "n_iter_no_change", "n_channels"]
)
def test_a_number_of_any_size_that_needs_no_memory(parameter):
    est = small(RNNClassifier, **{parameter: 10**30})
    if parameter == "batch_size":
        with pytest.warns(UserWarning, match="is larger than the 8 samples"):
            est.fit(make_X(), Y)
    else:
        est.fit(make_X(), Y)


NAMES = {
    "cell": CELLS,
    "activation": ACTIVATIONS,
    "init": INITIALIZERS,
    "recurrent_init": INITIALIZERS,
    "optimizer": OPTIMIZERS,
    "readout": READOUTS,
    "learning_rate": SCHEDULES,
}


@pytest.mark.parametrize("cls", ESTIMATORS)
@pytest.mark.parametrize("parameter", NAMES)
def test_unknown_name_lists_the_known_ones(cls, parameter):
    with pytest.raises(ValueError, match=f"The '{parameter}' parameter of {cls.__name__}") as info:
        small(cls, **{parameter: "none of them"}).fit(make_X(), Y)
    assert all(repr(name) in str(info.value) for name in NAMES[parameter])


def test_unknown_loss_lists_the_known_ones():
    with pytest.raises(ValueError, match="The 'loss' parameter of RNNRegressor") as info:
        small(RNNRegressor, loss="softmax_cross_entropy").fit(make_X(), Y)
    assert all(repr(name) in str(info.value) for name in REGRESSION_LOSSES)


def numeric_parameters() -> list:
    return [
        pytest.param(cls, name, constraint, id=f"{cls.__name__}-{name}")
        for cls in ESTIMATORS
        for name, constraints in cls._parameter_constraints.items()
        for constraint in constraints
        if isinstance(constraint, Interval)
    ]


def test_every_number_has_an_interval():
    numbers = {p.values[1] for p in numeric_parameters()}
    defaults = {**RNNClassifier().get_params(), **RNNRegressor().get_params()}
    expected = {k for k, v in defaults.items() if type(v) in (int, float)}
    assert expected <= numbers


@pytest.mark.parametrize(("cls", "name", "interval"), numeric_parameters())
def test_number_outside_its_interval(cls, name, interval):
    bad = [np.nan, -1, True, False, np.True_]
    if interval.right is not None:
        bad.append(interval.right + 1)
    if interval.type is Integral:
        bad += [1.5, interval.left - 1]
    if interval.closed in ("right", "neither"):
        bad.append(interval.left)
    for value in bad:
        message = f"The '{name}' parameter of {cls.__name__} must be .*Got {value!r} instead"
        with pytest.raises(ValueError, match=message):
            small(cls, **{name: value}).fit(make_X(), Y)


@pytest.mark.parametrize("cls", ESTIMATORS)
@pytest.mark.parametrize(
    "sizes",
    [0, -3, (), (8, 0), (8, -1), (8.5,), 2.5, [[8]], "64", None, True, (np.nan,)],
    ids=str,
)
def test_hidden_layer_sizes(cls, sizes):
    message = (
        rf"'hidden_layer_sizes' parameter of {cls.__name__} must be .*{re.escape(repr(sizes))}"
    )
    with pytest.raises(ValueError, match=message):
        small(cls, hidden_layer_sizes=sizes).fit(make_X(), Y)


def test_a_cell_is_an_object_not_a_class():
    with pytest.raises(ValueError, match=r"'cell' parameter .* instance of"):
        small(RNNClassifier, cell=GRU).fit(make_X(), Y)


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_dropout_with_lbfgs(cls):
    with pytest.raises(ValueError, match=r"optimizer='lbfgs'.*Set dropout=0"):
        small(cls, optimizer="lbfgs", dropout=0.5).fit(make_X(), Y)


WITHOUT_PARTIAL_FIT = [
    {"optimizer": "lbfgs"},
    {"early_stopping": True},
    {"early_stopping": np.True_},
    {"learning_rate": "adaptive"},
    {"learning_rate": "cosine"},
]


@pytest.mark.parametrize(
    ("cls", "parameters"),
    [
        *[(cls, parameters) for cls in ESTIMATORS for parameters in WITHOUT_PARTIAL_FIT],
        (RNNClassifier, {"class_weight": "balanced"}),
    ],
)
def test_partial_fit_where_it_makes_no_sense(cls, parameters):
    estimator = small(cls, **parameters)
    assert not hasattr(estimator, "partial_fit")
    with pytest.raises(AttributeError) as info:
        estimator.partial_fit(make_X(), Y)
    ((name, value),) = parameters.items()
    assert f"{name}={value!r}".replace("np.True_", "True") in str(info.value.__cause__)
    assert "call fit" in str(info.value.__cause__)


def test_partial_fit_needs_the_classes():
    with pytest.raises(ValueError, match="classes must be passed on the first call"):
        small(RNNClassifier).partial_fit(make_X(), Y)


@pytest.mark.parametrize(
    "change", [{"hidden_layer_sizes": 3}, {"cell": "lstm"}, {"bidirectional": True}], ids=str
)
def test_other_shapes_in_a_warm_start(change):
    classifier = small(RNNClassifier, warm_start=True).fit(make_X(), Y)
    with pytest.raises(ValueError, match="Set warm_start=False"):
        classifier.set_params(**change).fit(make_X(), Y)


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_too_few_samples_to_hold_some_out(cls):
    with pytest.raises(ValueError, match=r"leaves none to train on.*n_samples=2.*validation_fract"):
        small(cls, early_stopping=True).fit(make_X()[:2], Y[:2])


# --- training ----------------------------------------------------------------------------------


@pytest.mark.parametrize("early_stopping", [False, True])
def test_divergence_names_epoch_and_remedy(early_stopping):
    regressor = RNNRegressor(
        2,
        "relu",
        cell="rnn",
        optimizer="sgd",
        learning_rate_init=1e100,
        max_grad_norm=None,
        early_stopping=early_stopping,
        random_state=0,
    )
    with pytest.raises(ValueError, match=r"diverged at epoch \d+.*Lower learning_rate_init"):
        regressor.fit(make_X(), Y)


# --- unusual, but accepted ---------------------------------------------------------------------


@pytest.mark.parametrize("early_stopping", [False, True])
def test_one_class_is_accepted(early_stopping):
    classifier = small(RNNClassifier, early_stopping=early_stopping)
    classifier.fit(make_X(), ["only"] * N_SAMPLES)
    assert (classifier.predict(make_X()) == "only").all()
    np.testing.assert_array_equal(classifier.predict_proba(make_X()), np.ones((N_SAMPLES, 1)))


@pytest.mark.parametrize("cls", ESTIMATORS)
@pytest.mark.parametrize("readout", READOUTS)
def test_sequences_of_one_step_are_accepted(cls, readout):
    X = [sample[:1] for sample in make_X()]
    y_pred = small(cls, readout=readout, bidirectional=True).fit(X, Y).predict(X)
    np.testing.assert_array_equal(
        y_pred,
        small(cls, readout=readout, bidirectional=True).fit(np.stack(X), Y).predict(np.stack(X)),
    )


def test_one_sample_is_accepted():
    regressor = small(RNNRegressor, max_iter=200).fit(make_X()[:1], [3.0])
    assert regressor.predict(make_X()[:1]) == pytest.approx(3.0, rel=0.2)
