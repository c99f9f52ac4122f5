"""Shapley values of channels and windows, on sequences of every form."""

from __future__ import annotations

import sys
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.pipeline import make_pipeline

from skrnn import RNNClassifier, RNNRegressor
from skrnn.inspection import shapley_values
from skrnn.plotting import AttributionDisplay
from skrnn.preprocessing import SequenceScaler, TokenEncoder, Windows

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning",
    "ignore::PendingDeprecationWarning",  # of SHAP, when it is imported
)
RNG = np.random.default_rng(0)
LENGTHS = [7, 4, 9, 2, 6, 8]
RAGGED = [RNG.normal(size=(length, 2)) for length in LENGTHS]
EQUAL = RNG.normal(size=(6, 6, 2))
Y = np.arange(6.0)


class Weighted(BaseEstimator):
    """Adds up what every step says by itself: the Shapley values are known."""

    weights = np.array([1.0, -3.0])

    def predict(self, X):
        return np.array([(np.asarray(x) @ self.weights).sum() for x in X])


class Product(BaseEstimator):
    """The product of the means of two channels: each has half of it, where nothing is usual."""

    def predict(self, X):
        return np.array([np.prod(np.mean(x, axis=0)) for x in X])


def network(cls=RNNRegressor, **parameters):
    parameters = {"hidden_layer_sizes": 4, "max_iter": 5, "random_state": 0, **parameters}
    return cls(**parameters)


# --- what the values are -------------------------------------------------------------------------


def test_what_adds_up_is_shared_out_as_it_adds_up():
    result = shapley_values(Weighted(), RAGGED, [np.zeros((5, 2))], n_windows=2)
    for x, bounds, shares in zip(RAGGED, result.bounds, result.values, strict=True):
        windows = [x[start:stop] for start, stop in pairwise(bounds)]
        expected = [window.sum(axis=0) * Weighted.weights for window in windows]
        np.testing.assert_allclose(shares[..., 0], expected, atol=1e-12)


def test_what_acts_together_is_halved():
    x = np.array([[2.0, 3.0]] * 4)
    result = shapley_values(Product(), [x], [np.zeros((1, 2))], n_windows=1)
    np.testing.assert_allclose(result.values.ravel(), [3, 3])


def test_the_exact_values_are_the_limit_of_the_drawn_ones():
    est = network().fit(RAGGED, Y)
    exact = shapley_values(est, RAGGED[:2], RAGGED, n_windows=3, n_permutations=99)
    drawn = shapley_values(est, RAGGED[:2], RAGGED, n_windows=3, n_permutations=4, random_state=0)
    assert not np.array_equal(drawn.values, exact.values)
    np.testing.assert_allclose(drawn.values, exact.values, atol=0.05)


@pytest.mark.parametrize("n_permutations", [1, 3, 99])
def test_values_sum_to_the_prediction_less_the_base_value(n_permutations):
    est = network(RNNClassifier).fit(RAGGED, Y > 2)
    result = shapley_values(est, RAGGED, n_windows=3, n_permutations=n_permutations)
    np.testing.assert_allclose(result.predictions, est.predict_proba(RAGGED), atol=1e-6)
    sums = result.values.sum(axis=(1, 2))
    np.testing.assert_allclose(sums, result.predictions - result.base_values, atol=1e-12)
    assert result.values.shape == (6, 3, 2, 2)


def test_the_base_value_is_the_mean_of_what_is_usual():
    est = network().fit(EQUAL, Y)
    result = shapley_values(est, EQUAL[:2], EQUAL[2:], n_windows=2)
    np.testing.assert_allclose(result.base_values, est.predict(EQUAL[2:]).mean())


def planted(n_samples):
    """The label is in channel 1, in the fourth fifth of every sequence."""
    rng = np.random.default_rng(1)
    X, y = [], rng.permutation(np.arange(n_samples) % 2)
    for label in y:
        length = rng.integers(10, 20)
        x = rng.normal(size=(length, 3))
        start, stop = np.round(length * np.array([0.6, 0.8])).astype(int)
        x[start:stop, 1] += 3 if label else -3
        X.append(x)
    return X, y


def test_the_planted_channel_and_window_are_found_on_ragged_data():
    X, y = planted(60)
    clf = network(RNNClassifier, hidden_layer_sizes=8, max_iter=40).fit(X, y)
    assert clf.score(X, y) == 1
    result = shapley_values(clf, X[:8], X[40:50], n_permutations=3, random_state=0)
    importance = np.abs(result.values[..., 1]).mean(axis=0)
    assert np.unravel_index(importance.argmax(), importance.shape) == (3, 1)
    # And the sign is that of the label.
    assert (np.sign(result.values[:, 3, 1, 1]) == np.where(y[:8], 1, -1)).all()


def test_short_sequences_have_empty_windows_of_no_value():
    result = shapley_values(Weighted(), [np.ones((2, 2))], [np.zeros((1, 2))], n_windows=4)
    empty = np.diff(result.bounds[0]) == 0
    assert empty.sum() == 2
    assert (result.values[0, empty] == 0).all()


def test_the_same_seed_gives_the_same_values():
    est = network().fit(RAGGED, Y)
    results = [
        shapley_values(est, RAGGED[:2], n_permutations=2, random_state=seed).values
        for seed in (3, 3, 4)
    ]
    np.testing.assert_array_equal(results[0], results[1])
    assert not np.array_equal(results[0], results[2])


def test_the_values_are_those_of_the_library_shap(monkeypatch):
    monkeypatch.setenv("NUMBA_DISABLE_JIT", "1")  # compiling takes longer than a small game
    shap = pytest.importorskip("shap")
    est = network().fit(EQUAL, Y)
    result = shapley_values(est, EQUAL[:1], EQUAL[1:], n_windows=6, n_permutations=999)

    def value(table):
        return est.predict(table.reshape(-1, 6, 2))

    masker = shap.maskers.Independent(EQUAL[1:].reshape(5, 12))
    expected = shap.explainers.Exact(value, masker)(EQUAL[:1].reshape(1, 12), silent=True)
    np.testing.assert_allclose(result.values.ravel(), expected.values.ravel(), atol=1e-10)
    np.testing.assert_allclose(result.base_values.ravel(), expected.base_values)


# --- forms, wrappers and names -------------------------------------------------------------------

FORMS = {
    "3-D": EQUAL,
    "float32": EQUAL.astype(np.float32),
    "list": list(EQUAL),
    "tuple": tuple(EQUAL),
    "2-D": EQUAL.reshape(6, 12),
    "wide frame": pd.DataFrame(EQUAL.reshape(6, 12), columns=[f"x{i}" for i in range(12)]),
    "frame of cells": pd.DataFrame({k: list(EQUAL[..., i]) for i, k in enumerate("ab")}),
    "windows": Windows(EQUAL.reshape(36, 2), np.arange(0, 36, 6), 6, channels=["a", "b"]),
    "list of frames": [pd.DataFrame(x, columns=["a", "b"]) for x in EQUAL],
    "padded": np.concatenate([EQUAL, np.full((6, 1, 2), np.nan)], axis=1),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_has_the_same_values(form):
    X = FORMS[form]
    options = {"n_windows": 2, "n_permutations": 2, "random_state": 0}
    found = shapley_values(network(n_channels=2).fit(X, Y), X, **options)
    expected = shapley_values(network().fit(EQUAL, Y), EQUAL, **options)
    tolerance = 1e-4 if form == "float32" else 1e-12
    np.testing.assert_allclose(found.values, expected.values, atol=tolerance)
    named = form in ("frame of cells", "windows", "list of frames")
    assert found.channels == (["a", "b"] if named else ["0", "1"])


def test_a_pipeline_is_explained_from_its_own_input():
    pipeline = make_pipeline(SequenceScaler(), network(RNNClassifier)).fit(RAGGED, Y > 2)
    result = shapley_values(pipeline, RAGGED, n_windows=2)
    np.testing.assert_allclose(result.predictions, pipeline.predict_proba(RAGGED), atol=1e-6)
    assert result.outputs == [False, True]


def test_tokens_are_players_too():
    X = pd.DataFrame({"word": [["a", "b"], ["b", "c", "a"], ["c"], ["a", "a"]]})
    est = make_pipeline(TokenEncoder(), network(n_tokens=5, embedding_dim=2)).fit(X, Y[:4])
    result = shapley_values(est, X, n_windows=2)
    np.testing.assert_allclose(result.predictions[:, 0], est.predict(X), atol=1e-6)
    assert result.channels == ["word"]


class PlusAge(BaseEstimator):
    """Takes a column of single values beside one of sequences."""

    def predict(self, X):
        assert list(X.columns) == ["a", "age"]
        return np.array([10 * age + np.sum(a) for a, age in zip(X["a"], X["age"], strict=True)])


def test_columns_of_single_values_stay_as_they_are():
    X = pd.DataFrame({"a": [x[:, 0] for x in RAGGED], "age": Y})
    result = shapley_values(PlusAge(), X, X.assign(a=[np.zeros(3)] * 6), n_windows=2)
    np.testing.assert_allclose(result.base_values[:, 0], 10 * Y)
    np.testing.assert_allclose(result.predictions[:, 0], PlusAge().predict(X))
    assert result.channels == ["a"]


def of_named_axes():
    X = pd.DataFrame({k: [x[:, i] for x in RAGGED] for i, k in enumerate(["speed", "force"])})
    labels = np.array(["no", "yes", "no", "maybe", "yes", "no"])
    est = network(RNNClassifier).fit(X, labels)
    return shapley_values(est, X, n_windows=2, n_permutations=1)


def test_names_are_on_every_axis():
    result = of_named_axes()
    assert result.channels == ["speed", "force"]
    assert result.outputs == ["maybe", "no", "yes"]
    assert repr(result) == "ShapleyValues(n_samples=6, n_windows=2, n_channels=2, n_outputs=3)"


def test_the_plots_of_shap_take_it(monkeypatch):
    monkeypatch.setenv("NUMBA_DISABLE_JIT", "1")
    shap = pytest.importorskip("shap")
    result = of_named_axes()
    explanation = result.explanation()
    assert isinstance(explanation, shap.Explanation)
    assert explanation.feature_names == [
        *("speed, window 1 of 2", "force, window 1 of 2"),
        *("speed, window 2 of 2", "force, window 2 of 2"),
    ]
    np.testing.assert_array_equal(explanation.values, result.values.reshape(6, 4, 3))
    one = explanation[..., 1]
    np.testing.assert_array_equal(one.values, result.values[..., 1].reshape(6, 4))


def test_steps_share_their_window_and_are_drawn():
    result = shapley_values(Weighted(), RAGGED, n_windows=2)
    for x, steps, shares in zip(RAGGED, result.steps, result.values, strict=True):
        assert steps.shape == (len(x), 2, 1)
        np.testing.assert_allclose(steps.sum(axis=0), shares.sum(axis=0))
    pytest.importorskip("matplotlib")
    display = AttributionDisplay(result.steps[0][..., 0], channels=result.channels).plot()
    assert display.image_.get_array().shape == (2, 7)


# --- bad input -----------------------------------------------------------------------------------


class Labels(ClassifierMixin, BaseEstimator):
    classes_ = np.array(["a", "b"])

    def predict(self, X):
        return self.classes_[[0] * len(X)]


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"n_windows": 0}, ValueError, "n_windows"),
        ({"n_permutations": 1.5}, TypeError, "n_permutations"),
        ({"random_state": "a"}, ValueError, "cannot be used to seed"),
        ({"response_method": "score"}, ValueError, "response_method must be one of"),
        ({"response_method": "predict_proba"}, ValueError, "Weighted has no predict_proba"),
        ({"background": [np.ones((3, 5))]}, ValueError, "5 channels, but X has 2"),
        ({"est": Labels()}, ValueError, "Labels cannot be shared out: explain predict_proba"),
        (
            {"est": network(return_sequences=True).fit(EQUAL, EQUAL[..., 0])},
            ValueError,
            "one answer for every sequence.*input_attributions",
        ),
    ],
)
def test_what_cannot_be_explained_is_refused(change, error, message):
    arguments = {"est": Weighted(), "X": RAGGED, **change}
    with pytest.raises(error, match=message):
        shapley_values(**arguments)


def test_a_missing_library_is_named_with_its_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "shap", None)
    result = shapley_values(Weighted(), RAGGED, n_windows=1)
    with pytest.raises(ImportError, match=r"needs SHAP: pip install 'skrnn\[shap\]'"):
        result.explanation()
