"""Labels and numbers: their forms, their losses, and the weights of classes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, r2_score
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.estimator_checks import check_classifiers_multilabel_output_format_predict_proba
from small_estimators import ESTIMATORS, N_SAMPLES, label_sign, make_X, small

from skrnn import RNNClassifier, RNNRegressor
from skrnn.core.losses import REGRESSION_LOSSES
from skrnn.estimators import _number_targets, _targets
from skrnn.estimators._class_weights import class_weights_of_rows
from skrnn.estimators._targets import ClassTargets

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

# --- classes --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "labels",
    [
        np.array([0, 1]),
        np.array([-1, 1]),
        np.array(["no", "yes"]),
        np.array(["no", "yes"], dtype=object),
        np.array([False, True]),
        np.array([2.0, 7.0]),
    ],
    ids=lambda labels: f"{labels.tolist()}-{labels.dtype}",
)
def test_labels_come_back_as_they_came(labels):
    X = make_X()
    y = labels[label_sign(X)]
    classifier = small(RNNClassifier, max_iter=60).fit(X, y)
    y_pred = classifier.predict(X)
    assert y_pred.dtype == labels.dtype
    np.testing.assert_array_equal(classifier.classes_, labels)
    np.testing.assert_array_equal(y_pred, y)
    assert classifier.score(X, y) == 1.0
    np.testing.assert_array_equal(classifier.decision_function(X) > 0, y == labels[1])


@pytest.mark.parametrize("wrap", [list, pd.Series, lambda y: pd.Series(y, dtype="category")])
def test_containers_of_labels(wrap):
    X = make_X()
    y = label_sign(X, ["no", "yes"])
    expected = small(RNNClassifier).fit(X, y).predict_proba(X)
    np.testing.assert_array_equal(small(RNNClassifier).fit(X, wrap(y)).predict_proba(X), expected)


def test_probabilities_of_several_classes():
    X = make_X(60)
    y = np.digitize(X[:, -1, 0], [-0.5, 0.5])
    classifier = small(RNNClassifier, max_iter=80).fit(X, y)
    proba, raw = classifier.predict_proba(X), classifier.decision_function(X)
    assert classifier.out_activation_ == "softmax"
    assert proba.shape == raw.shape == (60, 3)
    np.testing.assert_allclose(proba.sum(axis=1), 1)
    np.testing.assert_allclose(proba, np.exp(raw) / np.exp(raw).sum(axis=1, keepdims=True))
    np.testing.assert_allclose(classifier.predict_log_proba(X), np.log(proba))
    np.testing.assert_array_equal(classifier.predict(X), proba.argmax(axis=1))
    assert classifier.score(X, y) > 0.9


def test_multilabel():
    X = make_X(40)
    y = (X[:, -1, :] > 0).astype(int)
    classifier = small(RNNClassifier, max_iter=80).fit(X, y)
    y_pred, proba = classifier.predict(X), classifier.predict_proba(X)
    assert classifier.out_activation_ == "logistic"
    assert classifier.n_outputs_ == 2
    np.testing.assert_array_equal(classifier.classes_, [0, 1])
    assert y_pred.shape == proba.shape == y.shape
    np.testing.assert_array_equal(y_pred, proba > 0.5)
    np.testing.assert_array_equal(y_pred, classifier.decision_function(X) > 0)
    assert classifier.score(X, y) == accuracy_score(y, y_pred) > 0.9


# --- probabilities -------------------------------------------------------------------------------


def class_targets(n_classes, multilabel=False):
    targets = ClassTargets("RNNClassifier", None, np.arange(n_classes))
    targets._learn(np.zeros((1, n_classes)), multilabel)
    return targets


RAW = np.array([0.0, 1.0, 17.0, 40.0, 800.0, 1e38])
CASES = {
    "two classes": (class_targets(2), np.concatenate([RAW, -RAW])[:, None]),
    "three classes": (class_targets(3), np.column_stack([RAW, -RAW, 0 * RAW])),
    "multilabel": (class_targets(2, multilabel=True), np.column_stack([RAW, -RAW])),
}
each_case = pytest.mark.parametrize("case", CASES)
each_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64])


@each_dtype
@each_case
def test_probabilities_lie_inside_the_open_interval(case, dtype):
    targets, raw = CASES[case]
    proba = targets.probabilities(raw.astype(dtype))
    assert proba.dtype == dtype
    assert ((proba > 0) & (proba < 1)).all()


@each_dtype
@each_case
def test_log_probabilities_are_exact_however_certain_the_network_is(case, dtype):
    targets, raw = CASES[case]
    log_proba = targets.log_probabilities(raw.astype(dtype))
    assert log_proba.dtype == dtype
    gap = {
        "two classes": lambda raw: np.hstack([raw, -raw]),
        "three classes": lambda raw: np.logaddexp(*(np.roll(raw, i, axis=1) for i in (1, 2))) - raw,
        "multilabel": lambda raw: -raw,
    }[case](raw)
    np.testing.assert_allclose(
        log_proba, -np.logaddexp(0, gap), rtol=1e-5 if dtype == np.float32 else 1e-13
    )


@each_dtype
def test_the_largest_gap_between_floats_has_a_finite_log_probability(dtype):
    largest = np.finfo(dtype).max
    raw = np.array([[largest, -largest, 0]], dtype=dtype)
    assert np.isfinite(class_targets(3).log_probabilities(raw)).all()


def test_the_rarer_of_two_classes_keeps_all_digits_of_its_probability():
    proba = class_targets(2).probabilities(np.array([[30.0]]))
    assert proba[0, 0] == pytest.approx(np.exp(-30.0), rel=1e-12)


def test_the_one_class_is_certain():
    targets = class_targets(1)
    np.testing.assert_array_equal(targets.probabilities(np.array([[3.0]])), [[1.0]])
    np.testing.assert_array_equal(targets.log_probabilities(np.array([[3.0]])), [[0.0]])


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("cell", ["rnn", "gru"])
def test_a_network_of_ordinary_size_that_is_driven_to_certainty(cell):
    """Scikit-learn's check of multilabel probabilities, which wants 0 < p < 1."""
    classifier = RNNClassifier(cell=cell, optimizer="lbfgs")
    check_classifiers_multilabel_output_format_predict_proba("RNNClassifier", classifier)


# --- missing labels ------------------------------------------------------------------------------


MISSING = {
    "None": np.array(["a", None] * 12, dtype=object),
    "NaN among texts": np.array(["a", np.nan] * 12, dtype=object),
    "NaN": np.tile([0.0, np.nan], 12),
    "NaT": np.array(["a", pd.NaT] * 12, dtype=object),
    "only None": np.full(24, None),
    "list": ["a", None] * 12,
    "Int64": pd.Series([0, None] * 12, dtype="Int64"),
    "boolean": pd.Series([True, None] * 12, dtype="boolean"),
    "string": pd.Series(["a", None] * 12, dtype="string"),
    "category": pd.Series(["a", None] * 12, dtype="category"),
}


@pytest.mark.parametrize("name", MISSING)
def test_a_missing_label_is_named(name):
    first = 0 if name == "only None" else 1
    with pytest.raises(
        ValueError, match=rf"there is no target at sample {first} .*label of their own"
    ):
        small(RNNClassifier).fit(make_X(), MISSING[name])


@pytest.mark.parametrize("name", ["NaN", "Int64", "None"])
def test_a_missing_number_is_named(name):
    y = MISSING[name]
    if name == "None":
        y = np.array([1.0, None] * 12, dtype=object)
    with pytest.raises(ValueError, match=r"there is no target at sample 1 .*fill them in"):
        small(RNNRegressor).fit(make_X(), y)


def test_a_missing_text_in_a_list_is_no_label_of_its_own():
    with pytest.raises(ValueError, match=r"there is no target at sample 1 \(nan\)"):
        small(RNNClassifier).fit(make_X(), ["a", np.nan] * 12)


def test_a_label_of_their_own_keeps_unlabelled_samples_out_of_the_loss():
    X = make_X()
    y = label_sign(X, ["no", "yes"]).astype(object)
    known = np.arange(N_SAMPLES) % 3 > 0
    y[~known] = "?"
    classifier = small(RNNClassifier, class_weight={"?": 0}, max_iter=60).fit(X, y)
    assert classifier.score(X[known], y[known]) == 1.0


# --- numbers -------------------------------------------------------------------------------------


@pytest.mark.parametrize("wrap", [list, pd.Series, lambda y: y[:, None]])
def test_containers_of_numbers(wrap):
    X = make_X()
    y = X[:, -1, 0]
    expected = small(RNNRegressor).fit(X, y).predict(X)
    y_pred = small(RNNRegressor).fit(X, wrap(y)).predict(X)
    assert y_pred.shape == np.shape(wrap(y))
    np.testing.assert_array_equal(y_pred.ravel(), expected)


def test_several_outputs():
    X = make_X(40)
    y = np.column_stack([X[:, -1, 0], 100 * X[:, -1, 1] + 1000])
    regressor = small(RNNRegressor, max_iter=200).fit(X, y)
    assert regressor.predict(X).shape == y.shape
    assert regressor.n_outputs_ == 2
    assert regressor.score(X, y) == r2_score(y, regressor.predict(X)) > 0.95


# --- regression losses ---------------------------------------------------------------------------


@pytest.mark.parametrize("loss", REGRESSION_LOSSES)
def test_every_loss_learns_on_a_scale_far_from_one(loss):
    X = make_X(60)
    y = 1e6 / (1 + np.exp(-2 * X[:, -1, 0]))
    regressor = small(RNNRegressor, loss=loss, max_iter=100, learning_rate="cosine").fit(X, y)
    assert regressor.score(X, y) > 0.9


def test_normalize_y_makes_scale_and_offset_irrelevant():
    X = make_X()
    y = X[:, -1, 0]
    plain = small(RNNRegressor).fit(X, y).predict(X)
    moved = small(RNNRegressor).fit(X, 1e4 * y - 1e6).predict(X)
    np.testing.assert_allclose((moved + 1e6) / 1e4, plain, rtol=1e-6)
    raw = small(RNNRegressor, normalize_y=False).fit(X, 1e4 * y - 1e6)
    assert raw.score(X, 1e4 * y - 1e6) < 0


@pytest.mark.parametrize("value", [0.0, 1e-6, -3e8])
@pytest.mark.parametrize("loss", ["squared_error", "absolute_error"])
def test_a_constant_target_is_learnt(value, loss):
    X = make_X()
    regressor = small(RNNRegressor, loss=loss, max_iter=200).fit(X, np.full(N_SAMPLES, value))
    np.testing.assert_allclose(regressor.predict(X), value, atol=0.2 * (abs(value) or 1))


def test_poisson_predicts_positive_means():
    rng = np.random.default_rng(0)
    X = make_X(200)
    y = rng.poisson(np.exp(X[:, -1, 0]))
    regressor = small(RNNRegressor, loss="poisson", max_iter=100, batch_size=200).fit(X, y)
    y_pred = regressor.predict(10 * X)
    assert (y_pred > 0).all()
    assert regressor.predict(X).mean() == pytest.approx(y.mean(), rel=0.05)
    assert regressor.out_activation_ == "exponential"


def test_poisson_of_zeros_alone():
    X = make_X()
    regressor = small(RNNRegressor, loss="poisson", max_iter=100).fit(X, np.zeros(N_SAMPLES))
    assert (regressor.predict(X) < 0.05).all()


@pytest.mark.parametrize("quantile", [0.1, 0.5, 0.9])
def test_quantile_covers_its_share(quantile):
    X = make_X(400)
    y = np.random.default_rng(0).gamma(2.0, size=400)
    options = {"alpha": 0.0, "max_iter": 100, "learning_rate": "cosine"}
    regressor = small(RNNRegressor, loss="quantile", quantile=quantile, **options)
    regressor.fit(np.zeros_like(X), y)
    assert np.mean(y <= regressor.predict(np.zeros_like(X))) == pytest.approx(quantile, abs=0.03)


def test_huber_lies_between_mean_and_median():
    X = np.zeros((101, 3, 1))
    y = np.r_[np.zeros(80), np.full(21, 10.0)]

    def center(**parameters):
        regressor = small(RNNRegressor, max_iter=400, alpha=0.0, normalize_y=False, **parameters)
        return regressor.fit(X, y).predict(X[:1])[0]

    median, mean = center(loss="absolute_error"), center(loss="squared_error")
    middle = center(loss="huber", huber_delta=2.0)
    assert mean == pytest.approx(y.mean(), abs=0.2)
    assert median == pytest.approx(0.0, abs=0.2)
    assert median + 0.2 < middle < mean - 0.2


# --- reading --------------------------------------------------------------------------------------


@pytest.mark.parametrize("return_sequences", [False, True])
@pytest.mark.parametrize("cls", ESTIMATORS)
def test_targets_are_checked_once(cls, return_sequences, monkeypatch):
    checked, check_array = [], _targets.check_array

    def counted(y, **options):
        checked.append(options["input_name"])
        return check_array(y, **options)

    for module in (_targets, _number_targets):
        monkeypatch.setattr(module, "check_array", counted)
    X = make_X()
    y = X[:, :, 0] > 0 if return_sequences else label_sign(X)
    small(cls, return_sequences=return_sequences).fit(X, y)
    assert checked == ["y"]


# --- class weights -------------------------------------------------------------------------------


CODES = {
    "two classes": np.array([0, 1, 1, 1, 0, 1]),
    "three classes": np.array([1, 0, 2, 0, 0, 1]),
    "multilabel": np.array([[0, 1], [1, 1], [1, 0], [1, 1], [0, 1], [1, 0]]),
}
CLASSES = {
    "two classes": np.array([-1, 1]),
    "three classes": np.array(["a", "b", "c"]),
    "multilabel": np.array([0, 1]),
}

each_labels = pytest.mark.parametrize("labels", CODES)


def weigh(class_weight, labels, row_weight=None):
    codes = CODES[labels]
    row_weight = np.ones(len(codes)) if row_weight is None else np.asarray(row_weight, float)
    return class_weights_of_rows(class_weight, codes, CLASSES[labels], row_weight)


DICTS = {
    "two classes": {-1: 2.0, 1: 0.5},
    "three classes": {"a": 2.0, "b": 0.5, "c": 3.0},
    "multilabel": [{0: 1, 1: 3}, {0: 5, 1: 2}],
}


@each_labels
def test_balanced_weights_are_those_of_scikit_learn_for_unit_weights(labels):
    expected = compute_sample_weight("balanced", CLASSES[labels][CODES[labels]])
    np.testing.assert_allclose(weigh("balanced", labels), expected, rtol=1e-14)


@each_labels
def test_given_weights_are_those_of_scikit_learn_whatever_the_sample_weights(labels):
    expected = compute_sample_weight(DICTS[labels], CLASSES[labels][CODES[labels]])
    weights = weigh(DICTS[labels], labels, [1, 2, 3, 4, 5, 6])
    np.testing.assert_allclose(weights, expected, rtol=1e-14)


def test_one_dict_holds_for_every_output():
    one, two = weigh({0: 1, 1: 3}, "multilabel"), weigh([{0: 1, 1: 3}] * 2, "multilabel")
    np.testing.assert_array_equal(one, two)
    np.testing.assert_array_equal(one, [3, 9, 3, 9, 3, 3])


def test_classes_left_out_of_a_dict_weigh_one():
    np.testing.assert_array_equal(weigh({"b": 4.0}, "three classes"), [4, 1, 1, 1, 1, 4])


@each_labels
def test_balanced_counts_a_weight_as_a_repetition(labels):
    repetitions = np.array([1, 3, 2, 1, 2, 1])
    weights = weigh("balanced", labels, repetitions)
    repeated = np.repeat(CODES[labels], repetitions, axis=0)
    expected = class_weights_of_rows("balanced", repeated, CLASSES[labels], np.ones(len(repeated)))
    np.testing.assert_allclose(np.repeat(weights, repetitions), expected, rtol=1e-14)


def test_balanced_classes_have_equal_total_weights():
    row_weight = np.array([0.5, 2, 1, 3, 1, 1])
    total = weigh("balanced", "three classes", row_weight) * row_weight
    shares = np.bincount(CODES["three classes"], weights=total)
    np.testing.assert_allclose(shares, row_weight.sum() / 3, rtol=1e-14)


def test_a_class_without_weight_gets_none_and_does_not_count():
    weights = weigh("balanced", "three classes", [1, 1, 0, 1, 1, 1])
    np.testing.assert_allclose(weights, [5 / 4, 5 / 6, 0, 5 / 6, 5 / 6, 5 / 4], rtol=1e-14)


def test_a_dict_that_names_unknown_classes_is_an_error():
    with pytest.raises(ValueError, match="class_weight"):
        weigh({"a": 1.0, "z": 2.0}, "three classes")


@pytest.mark.parametrize(
    ("labels", "n_outputs"), [("two classes", 1), ("multilabel", 2)], ids=["1", "2"]
)
def test_a_list_needs_one_dict_for_every_output(labels, n_outputs):
    with pytest.raises(ValueError, match=rf"list of 3, but y has {n_outputs} output"):
        weigh([{0: 1}] * 3, labels)
