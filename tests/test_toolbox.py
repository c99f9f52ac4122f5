"""The estimators inside scikit-learn's tools, with every form of X that the tools let through."""

from __future__ import annotations

import io
import pickle
import re

import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import (
    BaggingClassifier,
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import (
    GridSearchCV,
    KFold,
    cross_val_predict,
    cross_val_score,
    cross_validate,
    learning_curve,
    train_test_split,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.fixes import parse_version

from skrnn import RNNClassifier, RNNRegressor
from skrnn.preprocessing import SequenceScaler, Windows, from_long

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

N_SAMPLES, N_CHANNELS = 30, 2
LABELS = np.array(["down", "up"] * (N_SAMPLES // 2))
NUMBERS = np.where(LABELS == "up", 1.0, -1.0)


def samples(lengths) -> list[np.ndarray]:
    """Sequences whose mean is +1 for "up" and -1 for "down", with a little noise."""
    rng = np.random.default_rng(0)
    return [
        level + 0.3 * rng.normal(size=(length, N_CHANNELS))
        for level, length in zip(NUMBERS, lengths, strict=True)
    ]


def long_frame(sequences) -> pd.DataFrame:
    frames = [pd.DataFrame(s, columns=["x", "y"]).assign(id=i) for i, s in enumerate(sequences)]
    return pd.concat(frames, ignore_index=True)


EQUAL = [4] * N_SAMPLES
RAGGED = np.random.default_rng(1).integers(2, 6, N_SAMPLES).tolist()
FORMS = {
    "2-D frame": lambda: pd.DataFrame(np.stack(samples(EQUAL)).reshape(N_SAMPLES, -1)).add_prefix(
        "column_"
    ),
    "3-D array": lambda: np.stack(samples(EQUAL)),
    "windows": lambda: Windows(np.concatenate(samples(EQUAL)), np.arange(0, 4 * N_SAMPLES, 4), 4),
    "ragged list": lambda: samples(RAGGED),
    "sequence frame": lambda: from_long(long_frame(samples(RAGGED)), id="id"),
}


@pytest.fixture(params=FORMS)
def X(request):
    return FORMS[request.param]()


def classifier(**parameters):
    return RNNClassifier(
        **{
            "hidden_layer_sizes": 4,
            "n_channels": N_CHANNELS,
            "learning_rate_init": 0.05,
            "max_iter": 15,
            "random_state": 0,
            **parameters,
        }
    )


def regressor(**parameters):
    return RNNRegressor(
        **{
            "hidden_layer_sizes": 4,
            "n_channels": N_CHANNELS,
            "learning_rate_init": 0.05,
            "max_iter": 15,
            "random_state": 0,
            **parameters,
        }
    )


def take(X, n):
    return X.iloc[:n] if hasattr(X, "iloc") else X[:n]


# --- tools that take every form ----------------------------------------------------------------


def test_train_test_split(X):
    X_train, X_test, y_train, y_test = train_test_split(
        X, LABELS, test_size=10, stratify=LABELS, random_state=0
    )
    assert type(X_train) is type(X)
    assert classifier().fit(X_train, y_train).score(X_test, y_test) == 1.0


def test_grid_search(X):
    grid = {"cell": ["rnn", "lstm"], "optimizer": ["adam", "lbfgs"], "init": ["he_normal"]}
    search = GridSearchCV(classifier(), grid, cv=3, error_score="raise").fit(X, LABELS)
    assert len(search.cv_results_["params"]) == 4
    assert search.best_score_ == 1.0
    assert search.score(X, LABELS) == 1.0


def test_grid_search_of_a_regressor(X):
    grid = {"cell": ["rnn", "gru"], "loss": ["squared_error", "huber"]}
    search = GridSearchCV(regressor(), grid, cv=KFold(3), error_score="raise").fit(X, NUMBERS)
    assert search.best_score_ > 0.5
    assert search.predict(X).shape == (N_SAMPLES,)


@pytest.mark.parametrize("method", ["predict", "predict_proba", "decision_function"])
def test_cross_val_predict(X, method):
    out = cross_val_predict(classifier(), X, LABELS, cv=3, method=method)
    expected = {
        "predict": LABELS,
        "predict_proba": np.column_stack([LABELS == "down", LABELS == "up"]),
        "decision_function": LABELS == "up",
    }
    if method != "predict":
        out = out > (0.5 if method == "predict_proba" else 0)
    np.testing.assert_array_equal(out, expected[method])


def test_cross_val_predict_of_a_regressor(X):
    y_pred = cross_val_predict(regressor(), X, NUMBERS, cv=3)
    np.testing.assert_array_equal(np.sign(y_pred), NUMBERS)


def test_learning_curve(X):
    sizes, _, test_scores = learning_curve(
        classifier(), X, LABELS, train_sizes=[6, 20], cv=3, error_score="raise"
    )
    np.testing.assert_array_equal(sizes, [6, 20])
    assert (test_scores[1] == 1.0).all()


def test_learning_curve_where_a_part_has_one_class():
    order = np.argsort(LABELS, kind="stable")
    _, train_scores, _ = learning_curve(
        classifier(),
        FORMS["3-D array"]()[order],
        LABELS[order],
        train_sizes=[5],
        cv=KFold(3),
        error_score="raise",
    )
    np.testing.assert_array_equal(train_scores, np.ones((1, 3)))


def two(make):
    return [("rnn", make(cell="rnn")), ("gru", make(cell="gru"))]


@pytest.mark.parametrize("voting", ["hard", "soft"])
def test_voting(X, voting):
    ensemble = VotingClassifier(two(classifier), voting=voting).fit(X, LABELS)
    np.testing.assert_array_equal(ensemble.predict(X), LABELS)


def test_voting_of_regressors(X):
    ensemble = VotingRegressor(two(regressor)).fit(X, NUMBERS)
    members = [member.fit(X, NUMBERS).predict(X) for _, member in two(regressor)]
    np.testing.assert_allclose(ensemble.predict(X), np.mean(members, axis=0))


def test_stacking(X):
    ensemble = StackingClassifier(two(classifier), LogisticRegression(), cv=3).fit(X, LABELS)
    np.testing.assert_array_equal(ensemble.predict(X), LABELS)


def test_stacking_of_regressors(X):
    ensemble = StackingRegressor(two(regressor), Ridge(), cv=3).fit(X, NUMBERS)
    np.testing.assert_array_equal(np.sign(ensemble.predict(X)), NUMBERS)


@pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
def test_calibration(X, method):
    calibrated = CalibratedClassifierCV(classifier(), method=method, cv=3).fit(X, LABELS)
    np.testing.assert_array_equal(calibrated.predict(X), LABELS)
    np.testing.assert_allclose(calibrated.predict_proba(X).sum(axis=1), 1)


def test_pipeline_with_sequence_scaler(X):
    if isinstance(X, pd.DataFrame) and not isinstance(X.iloc[0, 0], np.ndarray):
        scaler = SequenceScaler(n_channels=N_CHANNELS)
    else:
        scaler = SequenceScaler()
    pipeline = make_pipeline(scaler, classifier())
    search = GridSearchCV(pipeline, {"rnnclassifier__cell": ["rnn", "gru"]}, cv=3)
    search.fit(X, LABELS)
    assert search.best_score_ == 1.0


# --- tools that know two axes only ------------------------------------------


@pytest.mark.parametrize("form", ["2-D frame", "sequence frame"])
def test_bagging(form):
    X = FORMS[form]()
    ensemble = BaggingClassifier(classifier(), n_estimators=3, random_state=0).fit(X, LABELS)
    assert ensemble.score(X, LABELS) == 1.0


def test_permutation_importance():
    X = FORMS["2-D frame"]()
    fitted = classifier().fit(X, LABELS)
    result = permutation_importance(fitted, X, LABELS, n_repeats=2, random_state=0)
    assert result.importances_mean.shape == (X.shape[1],)


def test_pipeline_with_a_scaler_of_columns():
    X = FORMS["2-D frame"]()
    pipeline = make_pipeline(StandardScaler().set_output(transform="pandas"), classifier())
    assert pipeline.fit(X, LABELS).score(X, LABELS) == 1.0
    assert list(pipeline[-1].feature_names_in_) == list(X.columns)


def scale_columns(X):
    make_pipeline(StandardScaler(), classifier()).fit(X, LABELS)


def bag(X):
    BaggingClassifier(classifier()).fit(X, LABELS)


@pytest.mark.parametrize(
    ("tool", "form", "message"),
    [
        (scale_columns, "3-D array", "Found array with dim 3"),
        (scale_columns, "ragged list", "inhomogeneous shape"),
        (scale_columns, "sequence frame", "setting an array element with a sequence"),
        (bag, "3-D array", "Found array with dim 3"),
        (bag, "ragged list", "inhomogeneous shape"),
    ],
)
def test_what_scikit_learn_refuses(tool, form, message):
    """Recorded, so that the documentation may send its readers to the 2-D form."""
    with pytest.raises(ValueError, match=message):
        tool(FORMS[form]())


# --- targets at every time step ----------------------------------------------------------------


def test_step_targets_of_equal_length_through_cross_validation():
    X = FORMS["3-D array"]()
    y = X.sum(axis=2)
    estimator = regressor(return_sequences=True, max_iter=60)
    assert cross_val_predict(estimator, X, y, cv=3).shape == y.shape
    assert cross_val_score(estimator, X, y, cv=3, error_score="raise").min() > 0.8


@pytest.mark.parametrize("form", ["ragged list", "sequence frame"])
def test_ragged_step_targets_through_cross_validation(form):
    y = np.empty(N_SAMPLES, dtype=object)
    for i, sequence in enumerate(samples(RAGGED)):
        y[i] = sequence.sum(axis=1)
    X, estimator = FORMS[form](), regressor(return_sequences=True, max_iter=60)
    y_pred = cross_val_predict(estimator, X, y, cv=KFold(3))
    assert [len(steps) for steps in y_pred] == RAGGED
    search = GridSearchCV(estimator, {"cell": ["rnn", "gru"]}, cv=KFold(3), error_score="raise")
    assert search.fit(X, y).best_score_ > 0.8


# --- clone, copies, processes ------------------------------------------------------------------


@pytest.mark.parametrize("make", [classifier, regressor])
def test_clone_copies_parameters_alone(make):
    estimator = make(cell="lstm", hidden_layer_sizes=(4, 3)).fit(FORMS["3-D array"](), NUMBERS)
    copy = clone(estimator)
    assert copy.get_params() == estimator.get_params()
    assert not hasattr(copy, "network_")


@pytest.mark.parametrize("make", [classifier, regressor])
def test_set_params_reaches_every_parameter(make):
    parameters = make().get_params()
    marks = {name: object() for name in parameters}
    assert make().set_params(**marks).get_params() == marks


@pytest.mark.parametrize("make", [classifier, regressor])
@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_copies_predict_the_same_bits(X, make, cell, tmp_path):
    estimator = make(cell=cell, bidirectional=True, max_iter=3).fit(X, NUMBERS)
    joblib.dump(estimator, tmp_path / "estimator")
    copies = [
        pickle.loads(pickle.dumps(estimator)),
        joblib.load(tmp_path / "estimator", mmap_mode="r"),
    ]
    for copy in copies:
        np.testing.assert_array_equal(copy.predict(X), estimator.predict(X))
    assert not copies[1].network_.parameters.vector.flags.writeable


def test_a_copy_goes_on_training():
    X = FORMS["ragged list"]()
    estimator = classifier(max_iter=3).fit(X, LABELS)
    copy = pickle.loads(pickle.dumps(estimator))
    for each in (estimator, copy):
        each.partial_fit(X, LABELS)
    np.testing.assert_array_equal(copy.predict_proba(X), estimator.predict_proba(X))


@pytest.mark.parametrize("form", ["3-D array", "sequence frame"])
def test_two_jobs_give_the_bits_of_one(form):
    X = FORMS[form]()
    one, two = (
        cross_val_predict(
            classifier(max_iter=3, dropout=0.2, batch_size=7),
            X,
            LABELS,
            cv=2,
            method="predict_proba",
            n_jobs=n_jobs,
        )
        for n_jobs in (1, 2)
    )
    np.testing.assert_array_equal(one, two)


# --- metadata routing, names, representation ----------------------------------------------------


def test_sample_weight_is_routed():
    """Half the samples have the wrong label; only their weight of zero makes the task learnable."""
    X = FORMS["3-D array"]()
    weight = np.tile([1.0, 1.0, 0.0, 0.0], N_SAMPLES)[:N_SAMPLES]
    y = np.where(weight == 0, LABELS[::-1], LABELS)
    assert (y != LABELS).any()
    with sklearn.config_context(enable_metadata_routing=True):
        estimator = classifier().set_fit_request(sample_weight=True)
        estimator.set_score_request(sample_weight=True)
        options = {"cv": 3, "error_score": "raise"}
        scores = cross_validate(estimator, X, y, params={"sample_weight": weight}, **options)
        np.testing.assert_array_equal(scores["test_score"], np.ones(3))
        search = GridSearchCV(estimator, {"cell": ["rnn", "gru"]}, **options)
        assert search.fit(X, y, sample_weight=weight).best_score_ == 1.0
    assert cross_val_score(classifier(), X, y, cv=3).mean() < 0.9


def test_feature_names():
    frame = FORMS["2-D frame"]()
    assert list(classifier().fit(frame, LABELS).feature_names_in_) == list(frame.columns)
    cells = FORMS["sequence frame"]()
    assert list(classifier().fit(cells, LABELS).feature_names_in_) == ["x", "y"]
    refitted = classifier().fit(cells, LABELS).fit(FORMS["ragged list"](), LABELS)
    assert not hasattr(refitted, "feature_names_in_")


@pytest.mark.skipif(
    parse_version(sklearn.__version__) < parse_version("1.8"),
    reason="scikit-learn 1.8 added the links of parameters",
)
@pytest.mark.parametrize("make", [classifier, regressor])
def test_html_repr_links_class_and_parameters(make):
    estimator = make().fit(FORMS["3-D array"](), NUMBERS)
    html = estimator._repr_html_()
    page = f"https://skrnn.readthedocs.io/en/latest/api/{type(estimator).__name__}.html"
    assert page in html
    linked = set(re.findall(re.escape(page) + r"#:~:text=(\w+),", html))
    assert set(estimator.get_params()) <= linked


def test_repr_shows_what_differs_from_the_defaults():
    assert repr(RNNClassifier(cell="lstm")) == "RNNClassifier(cell='lstm')"


def test_pickle_is_of_the_weights_size():
    estimator = classifier(hidden_layer_sizes=32).fit(FORMS["3-D array"](), LABELS)
    file = io.BytesIO()
    pickle.dump(estimator, file)
    assert file.tell() < 2 * estimator.network_.parameters.vector.nbytes
