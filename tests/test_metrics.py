"""scikit-learn's metrics and scorers count time steps, in every place that takes a scorer."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
import sklearn
from ragged_forms import object_array
from sklearn import metrics
from sklearn.inspection import permutation_importance
from sklearn.metrics import check_scoring, make_scorer
from sklearn.model_selection import GridSearchCV, KFold, cross_validate
from sklearn.pipeline import make_pipeline

from skrnn import RNNClassifier, RNNRegressor
from skrnn.metrics import make_step_scorer, score_steps, step_scorer
from skrnn.preprocessing import SequenceScaler

LENGTHS = [2, 5, 3, 4, 1, 5, 2, 4, 3, 5, 4, 2]
QUICK = {
    "hidden_layer_sizes": 3,
    "cell": "rnn",
    "return_sequences": True,
    "learning_rate": "cosine",
    "max_iter": 3,
    "random_state": 0,
}
N_CLASSES = {"two classes": 2, "three classes": 3}


@pytest.fixture(scope="module")
def X():
    rng = np.random.default_rng(0)
    return [rng.normal(size=(length, 2)) for length in LENGTHS]


def labels(X, n_classes):
    names = np.array(["a", "b", "c"])
    return [names[np.digitize(s[:, 0], [-0.2, 0.6][: n_classes - 1])] for s in X]


def numbers(X):
    return [s.sum(axis=1) for s in X]


@pytest.fixture(scope="module", params=N_CLASSES)
def classified(request, X):
    """A classifier that is far from perfect, and the truth."""
    y = labels(X, N_CLASSES[request.param])
    return RNNClassifier(**QUICK).fit(X, y), y


@pytest.fixture(scope="module")
def regressed(X):
    y = numbers(X)
    return RNNRegressor(**QUICK).fit(X, y), y


# --- score_steps -----------------------------------------------------------------------------

FORMS = {
    "list": list,
    "lists": lambda y: [steps.tolist() for steps in y],
    "object array": object_array,
    "series": lambda y: pd.Series(object_array(y), index=[f"s{i}" for i in range(len(y))]),
    "frame": lambda y: pd.DataFrame({"target": object_array(y)}),
}


@pytest.mark.parametrize("form", FORMS)
def test_score_steps_is_the_metric_of_all_steps(form, X, classified):
    clf, y = classified
    y_pred = clf.predict(X)
    joined = np.concatenate(y), np.concatenate(list(y_pred))
    for metric in (metrics.accuracy_score, metrics.confusion_matrix):
        np.testing.assert_array_equal(score_steps(metric, FORMS[form](y), y_pred), metric(*joined))


def test_score_steps_passes_options_on(X, classified):
    clf, y = classified
    joined = np.concatenate(y), np.concatenate(list(clf.predict(X)))
    assert score_steps(metrics.f1_score, y, clf.predict(X), average="macro") == metrics.f1_score(
        *joined, average="macro"
    )


def test_score_steps_of_arrays(rng):
    y_true, y_pred = rng.normal(size=(2, 6, 4))
    assert score_steps(metrics.r2_score, y_true, y_pred) == metrics.r2_score(
        y_true.ravel(), y_pred.ravel()
    )
    # That differs from scikit-learn's own number, the mean over time steps as outputs.
    assert score_steps(metrics.r2_score, y_true, y_pred) != metrics.r2_score(y_true, y_pred)


def test_scikit_learns_accuracy_of_rectangular_labels_counts_whole_sequences():
    """As the documentation warns: it takes the time steps of a 2-D y for labels of a sample."""
    y_true, y_pred = np.array([[0, 1], [1, 1]]), np.array([[0, 1], [0, 1]])
    assert metrics.accuracy_score(y_true, y_pred) == 0.5
    assert score_steps(metrics.accuracy_score, y_true, y_pred) == 0.75


def test_score_steps_of_several_outputs(rng):
    y_true, y_pred = rng.normal(size=(2, 6, 4, 2))
    errors = score_steps(metrics.mean_squared_error, y_true, y_pred, multioutput="raw_values")
    np.testing.assert_allclose(errors, np.square(y_true - y_pred).mean(axis=(0, 1)))


def test_weights_are_those_of_sequences(X, classified):
    clf, y = classified
    y_pred = clf.predict(X)
    right = [np.mean(steps == answer) for steps, answer in zip(y, y_pred, strict=True)]
    by_sequence = score_steps(
        metrics.accuracy_score, y, y_pred, sample_weight=1 / np.array(LENGTHS)
    )
    assert by_sequence == pytest.approx(np.mean(right))
    assert by_sequence != pytest.approx(score_steps(metrics.accuracy_score, y, y_pred))


def test_targets_at_padding_do_not_count(X, regressed):
    reg, y = regressed
    padded, targets = np.full((len(X), 6, 2), np.nan), np.full((len(X), 6), 99.0)
    for i, (sequence, steps) in enumerate(zip(X, y, strict=True)):
        padded[i, : len(steps)], targets[i, : len(steps)] = sequence, steps
    expected = step_scorer("neg_mean_absolute_error")(reg, X, y)
    assert score_steps(metrics.mean_absolute_error, targets, reg.predict(padded)) == -expected
    assert step_scorer("neg_mean_absolute_error")(reg, padded, targets) == expected


@pytest.mark.parametrize(
    ("y_true", "message"),
    [
        ([["a"], ["a", "b"]], r"y\[0\] has targets for 1 time steps, but X\[0\] has 2"),
        ([["a", "b"]], "inconsistent numbers of samples"),
        (["a", "b"], "one target per time step is needed"),
    ],
)
def test_targets_that_do_not_fit_the_predictions_are_named(y_true, message):
    with pytest.raises(ValueError, match=message):
        score_steps(metrics.accuracy_score, y_true, [["a", "b"], ["a", "b"]])


# --- scorers ------------------------------------------------------------------------------------

CLASSIFICATION = {
    "accuracy": lambda y, answer, proba: metrics.accuracy_score(y, answer),
    "balanced_accuracy": lambda y, answer, proba: metrics.balanced_accuracy_score(y, answer),
    "f1_macro": lambda y, answer, proba: metrics.f1_score(y, answer, average="macro"),
    "neg_log_loss": lambda y, answer, proba: -metrics.log_loss(y, proba),
    "roc_auc_ovr": lambda y, answer, proba: metrics.roc_auc_score(
        y, proba[:, 1] if proba.shape[1] == 2 else proba, multi_class="ovr"
    ),
}
REGRESSION = {
    "r2": metrics.r2_score,
    "explained_variance": metrics.explained_variance_score,
    "neg_mean_absolute_error": lambda y, y_pred: -metrics.mean_absolute_error(y, y_pred),
    "neg_root_mean_squared_error": lambda y, y_pred: -metrics.root_mean_squared_error(y, y_pred),
    "neg_max_error": lambda y, y_pred: -metrics.max_error(y, y_pred),
}


@pytest.mark.parametrize("name", CLASSIFICATION)
def test_scorers_of_classifiers_count_steps(name, X, classified):
    clf, y = classified
    answer, proba = (np.concatenate(list(f(X))) for f in (clf.predict, clf.predict_proba))
    expected = CLASSIFICATION[name](np.concatenate(y), answer, proba)
    assert step_scorer(name)(clf, X, y) == pytest.approx(expected)


def test_scorers_of_two_classes_know_the_positive_one(X):
    y = labels(X, 2)
    clf = RNNClassifier(**QUICK).fit(X, y)
    proba = np.concatenate(list(clf.predict_proba(X)))
    is_a = np.concatenate(y) == "a"
    scorer = make_step_scorer(
        metrics.average_precision_score, response_method="predict_proba", pos_label="a"
    )
    expected = metrics.average_precision_score(is_a, proba[:, 0])
    assert scorer(clf, X, y) == pytest.approx(expected)
    assert step_scorer("roc_auc")(clf, X, y) == pytest.approx(
        metrics.roc_auc_score(~is_a, proba[:, 1])
    )


@pytest.mark.parametrize("name", REGRESSION)
def test_scorers_of_regressors_count_steps(name, X, regressed):
    reg, y = regressed
    expected = REGRESSION[name](np.concatenate(y), np.concatenate(list(reg.predict(X))))
    assert step_scorer(name)(reg, X, y) == pytest.approx(expected)


def test_scorers_of_several_labels_a_step(X):
    y = [(s > 0).astype(int) for s in X]
    clf = RNNClassifier(**QUICK).fit(X, y)
    joined = np.concatenate(y), np.concatenate(list(clf.predict(X)))
    assert step_scorer("f1_micro")(clf, X, y) == metrics.f1_score(*joined, average="micro")


def test_the_estimators_own_score_is_that_of_the_scorer(X, classified, regressed):
    for (estimator, y), name in [(classified, "accuracy"), (regressed, "r2")]:
        assert estimator.score(X, y) == step_scorer(name)(estimator, X, y)


def test_a_loss_gets_the_opposite_sign(X, regressed):
    reg, y = regressed
    scorer = make_step_scorer(metrics.mean_pinball_loss, greater_is_better=False, alpha=0.9)
    expected = metrics.mean_pinball_loss(
        np.concatenate(y), np.concatenate(list(reg.predict(X))), alpha=0.9
    )
    assert scorer(reg, X, y) == -expected


def test_a_scorer_of_ones_own_sees_steps_as_samples(X, classified):
    clf, y = classified

    def n_right(estimator, X, y):
        return (estimator.predict(X) == y).sum()

    right = np.concatenate(list(clf.predict(X))) == np.concatenate(y)
    scorer = step_scorer(n_right)
    assert scorer(clf, X, y) == right.sum()
    assert step_scorer({"right": scorer})(clf, X, y) == {"right": right.sum()}


def test_a_pipeline_is_scored_as_its_network(X, classified):
    _, y = classified
    pipeline = make_pipeline(SequenceScaler(), RNNClassifier(**QUICK)).fit(X, y)
    scaled = pipeline[0].transform(X)
    scorer = step_scorer("neg_log_loss")
    assert scorer(pipeline, X, y) == scorer(pipeline[1], scaled, y)


SEVERAL = {
    "list": ["accuracy", "neg_log_loss"],
    "tuple": ("accuracy", "neg_log_loss"),
    "dict": {"accuracy": "accuracy", "neg_log_loss": check_scoring(scoring="neg_log_loss")},
}


@pytest.mark.parametrize("scoring", SEVERAL)
def test_several_scorers_give_the_scores_of_each(scoring, X, classified):
    clf, y = classified
    scores = step_scorer(SEVERAL[scoring])(clf, X, y)
    assert scores == {name: step_scorer(name)(clf, X, y) for name in scores}
    assert list(scores) == ["accuracy", "neg_log_loss"]


def test_several_scorers_share_a_prediction(X, classified, monkeypatch):
    clf, y = classified
    calls = []
    once = RNNClassifier.predict

    def predict(self, X):
        calls.append(X)
        return once(self, X)

    monkeypatch.setattr(RNNClassifier, "predict", predict)
    step_scorer(["accuracy", "f1_macro", "balanced_accuracy"])(clf, X, y)
    assert len(calls) == 1


def test_cross_validation_with_several_scores(X, classified):
    _, y = classified
    scoring = {"f1": step_scorer("f1_macro"), "loss": step_scorer("neg_log_loss")}
    options = {"cv": KFold(2), "error_score": "raise", "return_estimator": True}
    scores = cross_validate(RNNClassifier(**QUICK), X, y, scoring=scoring, **options)
    for (_, test), fitted, f1, loss in zip(
        KFold(2).split(X), scores["estimator"], scores["test_f1"], scores["test_loss"], strict=True
    ):
        fold = [X[i] for i in test], [y[i] for i in test]
        assert f1 == step_scorer("f1_macro")(fitted, *fold)
        assert loss == step_scorer("neg_log_loss")(fitted, *fold)


@pytest.mark.parametrize("n_outputs", [1, 2])
def test_cross_validation_of_rectangular_targets(n_outputs, rng):
    X = rng.normal(size=(20, 4, 2))
    y = X[:, :, 0] if n_outputs == 1 else X[:, :, ::-1]
    scoring = step_scorer(["r2", "neg_mean_squared_error"])
    options = {"cv": 2, "error_score": "raise", "return_estimator": True}
    scores = cross_validate(RNNRegressor(**QUICK), X, y, scoring=scoring, **options)
    halves = [(X[:10], y[:10]), (X[10:], y[10:])]
    for fitted, (X_test, y_test), r2, mse in zip(
        scores["estimator"],
        halves,
        scores["test_r2"],
        scores["test_neg_mean_squared_error"],
        strict=True,
    ):
        assert r2 == pytest.approx(fitted.score(X_test, y_test))
        assert mse == pytest.approx(-np.mean((fitted.predict(X_test) - y_test) ** 2))


def test_a_search_chooses_by_one_of_several_scores(X, classified):
    _, y = classified
    search = GridSearchCV(
        RNNClassifier(**QUICK),
        {"learning_rate_init": [1e-6, 0.1]},
        cv=KFold(2),
        scoring=step_scorer(["accuracy", "neg_log_loss"]),
        refit="neg_log_loss",
        error_score="raise",
    ).fit(X, y)
    assert search.best_params_ == {"learning_rate_init": 0.1}
    assert step_scorer("accuracy")(search, X, y) == search.best_estimator_.score(X, y)


def test_a_scorer_survives_pickling(X, classified):
    clf, y = classified
    scorer = make_step_scorer(metrics.f1_score, average="macro", pos_label=None)
    copy = pickle.loads(pickle.dumps(scorer))
    assert copy(clf, X, y) == scorer(clf, X, y)


def test_a_scorer_says_what_it_is():
    assert repr(step_scorer("r2")).startswith("step_scorer(make_scorer(r2_score")


def test_a_step_scorer_stays_as_it_is():
    scorer = step_scorer("r2")
    assert step_scorer(scorer) is scorer


# --- weights and metadata ------------------------------------------------------------------------


@pytest.fixture
def weight():
    return np.arange(1.0, len(LENGTHS) + 1)


def test_a_scorer_takes_the_weights_of_sequences(X, regressed, weight):
    reg, y = regressed
    expected = metrics.r2_score(
        np.concatenate(y),
        np.concatenate(list(reg.predict(X))),
        sample_weight=np.repeat(weight, LENGTHS),
    )
    assert step_scorer("r2")(reg, X, y, sample_weight=weight) == expected
    assert step_scorer(["r2"])(reg, X, y, sample_weight=weight) == {"r2": expected}
    several = check_scoring(reg, scoring={"r2": step_scorer("r2")})
    assert several(reg, X, y, sample_weight=weight) == {"r2": expected}


def test_weights_reach_the_permutation_importance(rng):
    """Of a 2-D X, whose columns are steps; the first sequences alone depend on x."""
    X = pd.DataFrame(rng.normal(size=(40, 3))).add_prefix("step_")
    y = np.where(X > 0, "up", "down")
    y[20:] = "down"
    weight = np.r_[np.ones(20), np.zeros(20)]
    clf = RNNClassifier(**{**QUICK, "max_iter": 20, "learning_rate_init": 0.1})
    clf.fit(X, y, sample_weight=weight)
    options = {"scoring": step_scorer("accuracy"), "n_repeats": 2, "random_state": 0}
    weighted = permutation_importance(clf, X, y, sample_weight=weight, **options)
    plain = permutation_importance(clf, X, y, **options)
    assert (weighted.importances_mean > 1.5 * plain.importances_mean).all()


@pytest.mark.parametrize("several", [False, True])
def test_weights_are_routed(several, X, regressed, weight):
    _, y = regressed
    options = {"cv": KFold(2), "error_score": "raise", "return_estimator": True}
    with sklearn.config_context(enable_metadata_routing=True):
        scorer = step_scorer("r2").set_score_request(sample_weight=True)
        scores = cross_validate(
            RNNRegressor(**QUICK).set_fit_request(sample_weight=True),
            X,
            y,
            scoring=step_scorer({"score": scorer}) if several else scorer,
            params={"sample_weight": weight},
            **options,
        )
    for (_, test), fitted, score in zip(
        KFold(2).split(X), scores["estimator"], scores["test_score"], strict=True
    ):
        fold = [X[i] for i in test], [y[i] for i in test]
        assert score == pytest.approx(fitted.score(*fold, sample_weight=weight[test]))


def test_weights_are_routed_through_a_search(X, regressed, weight):
    _, y = regressed
    with sklearn.config_context(enable_metadata_routing=True):
        search = GridSearchCV(
            RNNRegressor(**QUICK).set_fit_request(sample_weight=True),
            {"cell": ["rnn"]},
            cv=KFold(2),
            scoring=step_scorer("r2").set_score_request(sample_weight=True),
            error_score="raise",
        ).fit(X, y, sample_weight=weight)
        score = search.score(X, y, sample_weight=weight)
    assert score == search.best_estimator_.score(X, y, sample_weight=weight)


def test_a_request_stays_with_the_scorer_it_was_set_on(X, regressed):
    plain = make_scorer(metrics.r2_score)
    with sklearn.config_context(enable_metadata_routing=True):
        step_scorer(plain).set_score_request(sample_weight=True)
        assert plain.get_metadata_routing().score.requests.get("sample_weight") is None


def test_requests_of_several_scorers_are_set_on_each():
    with pytest.raises(AttributeError, match="Set them on every scorer"):
        step_scorer(["r2", "neg_max_error"]).set_score_request(sample_weight=True)


# --- errors --------------------------------------------------------------------------------------


def test_no_scoring_is_pointed_to_the_estimators_score():
    with pytest.raises(ValueError, match="leave scoring=None"):
        step_scorer(None)


def test_an_unknown_name_is_scikit_learns_error():
    with pytest.raises(ValueError, match="acuracy"):
        step_scorer("acuracy")


@pytest.mark.parametrize("use", [make_step_scorer, lambda name: score_steps(name, [[1]], [[1]])])
def test_a_name_in_place_of_a_metric_is_pointed_to_step_scorer(use):
    with pytest.raises(TypeError, match=r"got 'accuracy'.*step_scorer"):
        use("accuracy")


WRAPPED = {
    "alone": lambda network: network,
    "pipeline": lambda network: make_pipeline(SequenceScaler(), network),
    "search": lambda network: GridSearchCV(network, {"cell": ["rnn"]}, cv=2),
}


@pytest.mark.parametrize("wrapped", WRAPPED)
def test_an_estimator_without_step_predictions_is_named(wrapped, X):
    y = np.array([s[0, 0] > 0 for s in X])
    estimator = WRAPPED[wrapped](RNNClassifier(**{**QUICK, "return_sequences": False})).fit(X, y)
    with pytest.raises(ValueError, match="return_sequences=False"):
        step_scorer("accuracy")(estimator, X, y)


# --- steps without a target ----------------------------------------------------------------------


def with_gaps(y):
    """Targets of which every other one is missing, and those that are left, flat."""
    gaps, known = [], []
    for steps in y:
        missing = np.arange(len(steps)) % 2 == 1
        one = steps.astype(float if steps.dtype.kind == "f" else object)
        one[missing] = np.nan if steps.dtype.kind == "f" else None
        gaps.append(one)
        known.append(~missing)
    return gaps, np.concatenate(known)


@pytest.mark.parametrize("name", ["accuracy", "f1_macro", "neg_log_loss", "roc_auc_ovr"])
def test_a_scorer_leaves_out_steps_without_a_label(X, classified, name):
    classifier, y = classified
    gaps, known = with_gaps(y)
    flat = Flat(classifier, known)
    expected = check_scoring(scoring=name)(flat, X, np.concatenate(y)[known])
    assert step_scorer(name)(classifier, X, gaps) == pytest.approx(expected)
    together = step_scorer([name, "balanced_accuracy"])(classifier, X, gaps)
    assert together[name] == pytest.approx(expected)


class Flat:
    """A classifier that answers for the known steps alone, one row each."""

    def __init__(self, classifier, known):
        self.classifier, self.known = classifier, known
        self.classes_, self._estimator_type = classifier.classes_, "classifier"

    def __sklearn_tags__(self):
        return self.classifier.__sklearn_tags__()

    def predict(self, X):
        return np.concatenate(list(self.classifier.predict(X)))[self.known]

    def predict_proba(self, X):
        return np.concatenate(list(self.classifier.predict_proba(X)))[self.known]


@pytest.mark.parametrize("name", ["r2", "neg_mean_absolute_error"])
def test_a_scorer_leaves_out_steps_without_a_number(X, regressed, name):
    regressor, y = regressed
    gaps, known = with_gaps(y)
    weight = np.arange(len(X)) + 1.0
    metric = {"r2": metrics.r2_score, "neg_mean_absolute_error": metrics.mean_absolute_error}[name]
    y_pred = np.concatenate(list(regressor.predict(X)))[known]
    flat = np.concatenate(y)[known], y_pred
    weights = {"sample_weight": np.repeat(weight, LENGTHS)[known]}
    sign = -1 if name.startswith("neg") else 1
    assert step_scorer(name)(regressor, X, gaps, sample_weight=weight) == pytest.approx(
        sign * metric(*flat, **weights)
    )
    assert score_steps(metric, gaps, regressor.predict(X)) == pytest.approx(metric(*flat))


def test_no_target_at_all_has_no_score(X, regressed):
    regressor, y = regressed
    with pytest.raises(ValueError, match="y has no target at all"):
        step_scorer("r2")(regressor, X, [np.full(len(steps), np.nan) for steps in y])
