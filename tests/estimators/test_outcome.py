"""A fit that has learnt nothing says so, and names the cause where it can be seen."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from small_estimators import label_sign, make_ragged, make_X, small

from skrnn import RNNClassifier, RNNRegressor
from skrnn.callbacks import Callback
from skrnn.core.losses import REGRESSION_LOSSES
from skrnn.core.training import NotLearntWarning
from skrnn.estimators import _data, _outcome
from skrnn.inspection import diagnose
from skrnn.preprocessing import Windows

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

# Ends after two epochs, by patience.
SHORT = {"tol": 1e9, "n_iter_no_change": 1, "learning_rate_init": 1e-4}
X = make_X()
Y = X[:, -1, 0]
LABELS = label_sign(X)


@pytest.fixture
def silent():
    """Turns the warning, which other tests ignore, into an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", NotLearntWarning)
        yield


NOT_LEARNT = {
    "number": (RNNRegressor, X, Y),
    "two classes": (RNNClassifier, X, LABELS),
    "three classes": (RNNClassifier, X, np.arange(24) % 3),
    "multilabel": (RNNClassifier, X, (X[:, -1] > 0).astype(int)),
    "step targets": (
        lambda **parameters: RNNRegressor(return_sequences=True, **parameters),
        make_ragged(),
        [x[:, 0] for x in make_ragged()],
    ),
}


@pytest.mark.parametrize("case", NOT_LEARNT)
def test_a_network_no_better_than_a_constant_says_so(case):
    cls, X, y = NOT_LEARNT[case]
    with pytest.warns(NotLearntWarning, match=r"learnt nothing.*n_iter_no_change.*diagnose"):
        small(cls, **SHORT).fit(X, y)


@pytest.mark.parametrize("loss", REGRESSION_LOSSES)
def test_every_loss_has_a_best_constant_to_compare_with(loss):
    with pytest.warns(NotLearntWarning):
        small(RNNRegressor, loss=loss, **SHORT).fit(X, np.exp(Y))


@pytest.mark.parametrize(
    ("factor", "message"), [(1e3, "A channel.*Seq"), (1e-4, "No channel.*Seq")]
)
@pytest.mark.parametrize("form", ["array", "windows"])
def test_channels_far_from_unit_scale_are_named(factor, message, form):
    data, y = factor * X, Y
    if form == "windows":
        table = np.vstack([factor * X.reshape(-1, 2), np.full((5, 2), 1e9 / factor)])
        data, y = Windows(table, np.arange(24) * 4, 4), Y
        np.testing.assert_array_equal(np.asarray(data), factor * X)
    with pytest.warns(NotLearntWarning, match=message):
        small(RNNRegressor, **SHORT).fit(data, y)


def test_raw_inputs_are_found_as_diagnose_finds_them():
    raw = 1000 + 10 * np.random.default_rng(0).normal(size=(60, 12, 1))
    y = raw[:, -3:, 0].mean(axis=1)
    with pytest.warns(NotLearntWarning, match="SequenceScaler"):
        regressor = RNNRegressor(8, random_state=0).fit(raw, y)
    assert "inputs not scaled" in [finding.name for finding in diagnose(regressor, raw, y).findings]


def test_raw_inputs_are_named_where_little_has_been_learnt():
    data = make_X(60)
    y = data[:, -1, 0] + 0.5 * np.random.default_rng(0).normal(size=60)
    with pytest.warns(NotLearntWarning, match=r"less than it could.*square of 4.*SequenceScaler"):
        regressor = small(RNNRegressor, max_iter=60).fit(40 * data, y)
    assert 0.01 < regressor.score(40 * data, y) < 0.9


@pytest.mark.usefixtures("silent")
def test_scaled_inputs_are_not_blamed_where_little_has_been_learnt():
    data = make_X(60)
    y = data[:, -1, 0] + 3 * np.random.default_rng(0).normal(size=60)
    regressor = small(RNNRegressor, max_iter=10, learning_rate="cosine").fit(data, y)
    assert 0.01 < regressor.score(data, y) < 0.9


@pytest.mark.usefixtures("silent")
def test_raw_inputs_are_not_blamed_where_enough_has_been_learnt():
    raw = 20 * make_X(60)
    classifier = small(RNNClassifier, max_iter=300).fit(raw, label_sign(raw))
    assert classifier.loss_ < 0.05


def test_channels_of_zeros_have_no_scale():
    with pytest.warns(NotLearntWarning) as caught:
        small(RNNRegressor, **SHORT).fit(np.zeros_like(X), Y)
    assert "SequenceScaler" not in str(caught[0].message)


def test_ids_have_no_scale():
    ids = np.random.default_rng(2).integers(0, 900, size=(24, 4, 1))
    with pytest.warns(NotLearntWarning) as caught:
        small(RNNRegressor, embedding_dim=2, **SHORT).fit(ids, Y)
    assert "SequenceScaler" not in str(caught[0].message)


@pytest.mark.usefixtures("silent")
def test_the_verdict_is_that_of_the_weights_that_are_kept():
    # The loss of an epoch is that before its step.
    X, y = np.ones((20, 1, 1)) * np.repeat([-1.0, 1.0], 10)[:, None, None], np.repeat([0, 1], 10)
    parameters = {**SHORT, "learning_rate_init": 0.05}
    classifier = RNNClassifier(8, random_state=1, **parameters).fit(X, y)
    assert classifier.loss_curve_[-1] > np.log(2)


@pytest.mark.usefixtures("silent")
def test_a_network_that_has_learnt_is_silent():
    small(RNNClassifier, max_iter=200).fit(make_X(60), label_sign(make_X(60)))


@pytest.mark.parametrize("weight", [None, np.repeat([1.0, 0.0], 12)])
@pytest.mark.parametrize("cls", [RNNClassifier, RNNRegressor])
@pytest.mark.usefixtures("silent")
def test_nothing_can_be_learnt_of_a_constant_target(cls, weight):
    y = np.full(24, 7) if weight is None else np.repeat([7, 8], 12)
    small(cls, **SHORT).fit(X, y, weight)


@pytest.mark.usefixtures("silent")
def test_a_fit_that_max_iter_ends_says_only_that():
    small(RNNRegressor, max_iter=1, learning_rate_init=1e-5).fit(X, Y)


@pytest.mark.usefixtures("silent")
def test_partial_fit_has_not_ended():
    small(RNNRegressor, learning_rate_init=1e-5).partial_fit(X, Y)


class Interrupt(Callback):
    def on_fit_task_end(self, estimator, context):
        if context.task_name == "epoch":
            raise KeyboardInterrupt


@pytest.mark.usefixtures("silent")
def test_a_fit_that_is_interrupted_says_only_that():
    regressor = small(RNNRegressor, **SHORT).set_callbacks(Interrupt())
    with pytest.warns(UserWarning, match="interrupted"):
        regressor.fit(X, Y)


def test_the_warning_names_the_line_that_calls_fit():
    with pytest.warns(NotLearntWarning) as caught:
        small(RNNRegressor, **SHORT).fit(X, Y)
    assert caught[0].filename == __file__


@pytest.mark.parametrize(("least", "n_seen"), [(1, 10), (15, 15), (50, 24)])
def test_of_many_time_steps_some_are_looked_at(least, n_seen, monkeypatch):
    seen = []
    losses_of = _outcome.losses_of

    def noted(estimator, data):
        seen.append(data.n_samples)
        return losses_of(estimator, data)

    monkeypatch.setattr(_outcome, "losses_of", noted)
    monkeypatch.setattr(_data, "MOST_STEPS", 40)
    monkeypatch.setattr(_data, "LEAST_SAMPLES", least)
    with pytest.warns(NotLearntWarning):
        small(RNNRegressor, **SHORT).fit(X, Y)
    assert seen == [n_seen]
