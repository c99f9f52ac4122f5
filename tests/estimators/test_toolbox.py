"""The estimators inside scikit-learn's tools, and what every estimator of scikit-learn can do."""

from __future__ import annotations

import io
import pickle
import re
from functools import cache

import joblib
import numpy as np
import pytest
import sklearn
from sklearn.base import clone
from sklearn.model_selection import (
    GridSearchCV,
    KFold,
    cross_val_predict,
    cross_val_score,
    cross_validate,
    learning_curve,
)
from toolbox_cases import (
    FORMS,
    LABELS,
    N_SAMPLES,
    NUMBERS,
    PLAIN,
    PLAIN_STEPS,
    REMEDIES,
    STEP_FORMS,
    STEP_TOOLS,
    TOOLS,
    classifier,
    regressor,
)
from toolbox_table import PAGE, updated

from skrnn import RNNClassifier


@pytest.fixture(params=FORMS)
def X(request):
    return FORMS[request.param]()


# --- the table of tools and forms ----------------------------------------------------------------


@cache
def result_of(run, make):
    return run(*as_arguments(make()))


def as_arguments(data):
    return data if isinstance(data, tuple) else (data,)


def check_cell(tool, form, make, plain):
    """Either scikit-learn refuses and there is a way round, or the result is the plain array's."""
    data = as_arguments(make())
    if form in tool.refusals:
        refusal = tool.refusals[form]
        with pytest.raises(Exception, match=re.escape(refusal.message)):
            tool.run(*data)
        assert tool.right(refusal.instead(*data))
        return
    result = tool.run(*data)
    assert tool.right(result)
    expected = result_of(tool.run, plain)
    if np.asarray(result).dtype.kind in "fc":
        np.testing.assert_allclose(result, expected, rtol=1e-9, atol=1e-12)
    else:
        np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
def test_every_tool_takes_every_form_of_X_or_there_is_a_way_round(tool, form):
    # A tool that takes no 3-D array has to give the same result twice.
    plain = FORMS[form] if "3-D array" in tool.refusals else PLAIN[form]
    check_cell(tool, form, FORMS[form], plain)


@pytest.mark.parametrize("form", STEP_FORMS)
@pytest.mark.parametrize("tool", STEP_TOOLS, ids=lambda tool: tool.name)
def test_every_tool_takes_every_form_of_step_targets_or_there_is_a_way_round(tool, form):
    plain = STEP_FORMS[form] if "ragged list" in tool.refusals else PLAIN_STEPS[form]
    check_cell(tool, form, STEP_FORMS[form], plain)


def test_the_documentation_shows_the_table():
    page = PAGE.read_text(encoding="utf-8")
    assert updated(page) == page, "Run python tests/tables/toolbox_table.py."


def test_every_remedy_is_needed():
    refusals = [refusal for tool in [*TOOLS, *STEP_TOOLS] for refusal in tool.refusals.values()]
    assert {refusal.remedy for refusal in refusals} == set(REMEDIES)


# --- more of the tools ---------------------------------------------------------------------------


def test_a_search_over_the_choices_of_a_network():
    grid = {"cell": ["rnn", "lstm"], "optimizer": ["adam", "lbfgs"], "init": ["he_normal"]}
    search = GridSearchCV(classifier(), grid, cv=3, error_score="raise")
    assert len(search.fit(FORMS["ragged list"](), LABELS).cv_results_["params"]) == 4
    assert search.best_score_ == 1.0


def test_a_search_over_the_losses_of_a_regressor():
    grid = {"cell": ["rnn", "gru"], "loss": ["squared_error", "huber"]}
    search = GridSearchCV(regressor(max_iter=30), grid, cv=KFold(3), error_score="raise")
    assert search.fit(FORMS["ragged list"](), NUMBERS).best_score_ > 0.5


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
    estimator = classifier(learning_rate="constant", tol=9, n_iter_no_change=1).fit(X, LABELS)
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
    weight = (np.arange(N_SAMPLES) // 4 % 2).astype(float)
    y = np.where((LABELS == "up") == (weight > 0), "up", "down")
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


def test_repr_shows_what_differs_from_the_defaults():
    assert repr(RNNClassifier(cell="lstm")) == "RNNClassifier(cell='lstm')"


def test_pickle_is_of_the_weights_size():
    estimator = classifier(hidden_layer_sizes=32).fit(FORMS["3-D array"](), LABELS)
    file = io.BytesIO()
    pickle.dump(estimator, file)
    assert file.tell() < 2 * estimator.network_.parameters.vector.nbytes
