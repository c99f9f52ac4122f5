"""Static features in the estimators: what they decide, and everything that carries them along."""

from __future__ import annotations

import pickle
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder
from small_estimators import ESTIMATORS, small

from skrnn import RNNClassifier, RNNRegressor
from skrnn.callbacks import EarlyStopping
from skrnn.preprocessing import HiddenStates, SequenceScaler

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning",
    "ignore::skrnn.core.training.NotLearntWarning",
)

PLACES = ["readout", "channels"]


def make_frame(n_samples=24, seed=0):
    """One channel, of which the mean tells, a number, a mark and a kind of every sample."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(3, 9, n_samples)
    cells = np.empty(n_samples, dtype=object)
    cells[:] = [rng.normal(rng.normal(), 0.5, length) for length in lengths]
    return pd.DataFrame(
        {
            "age": rng.normal(size=n_samples),
            "pulse": cells,
            "ill": rng.random(n_samples) < 0.5,
            "kind": rng.choice(["old", "new"], n_samples),
        }
    )


def means_of(X):
    return np.array([cell.mean() for cell in X["pulse"]])


DECIDES = {
    "static": lambda X: X["age"] > 0,
    "sequence": lambda X: means_of(X) > 0,
    "their sum": lambda X: X["age"] + means_of(X) > 0,
    "one or the other": lambda X: (means_of(X) > 0) ^ X["ill"],
}


def numbers(X):
    return X[["age", "pulse", "ill"]]


@pytest.mark.parametrize("static", PLACES)
@pytest.mark.parametrize("what", DECIDES)
def test_whatever_decides_is_learnt(what, static):
    X = make_frame(600)
    y = np.asarray(DECIDES[what](X))
    X = numbers(X)
    classifier = RNNClassifier(16, static=static, max_iter=20, random_state=0)
    classifier.fit(X[:400], y[:400])
    assert classifier.score(X[400:], y[400:]) > 0.93


def test_a_regressor_learns_a_product_at_the_readout():
    X = make_frame(600)
    y = np.asarray(means_of(X) * X["age"])
    regressor = RNNRegressor(16, max_iter=30, random_state=0).fit(numbers(X)[:400], y[:400])
    assert regressor.score(numbers(X)[400:], y[400:]) > 0.85


def targets(X, cls, *, steps=False):
    if steps:
        return [np.asarray(cell > 0, dtype=int) for cell in X["pulse"]]
    y = DECIDES["their sum"](X)
    return np.asarray(y) if cls is RNNClassifier else np.asarray(y, dtype=float)


OPTIONS = {
    "one layer": {},
    "both directions": {"bidirectional": True},
    "frames": {"frame_length": 2, "frame_units": 3},
    "differences": {"differences": True},
    "attention": {"readout": "attention"},
    "steps": {"return_sequences": True},
    "steps of frames": {"return_sequences": True, "frame_length": 2},
    "lbfgs": {"optimizer": "lbfgs"},
    "dropout": {"dropout": 0.3},
    "truncated": {"bptt_steps": 2},
}


@pytest.mark.parametrize("static", PLACES)
@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize("cls", ESTIMATORS)
def test_every_kind_of_network_takes_them(cls, option, static):
    X = make_frame()
    y = targets(X, cls, steps="return_sequences" in OPTIONS[option])
    fitted = small(cls, static=static, **OPTIONS[option]).fit(numbers(X), y)
    answers = fitted.predict(numbers(X))
    assert len(answers) == len(X)
    assert fitted.network_.architecture.n_static == (2 if static == "readout" else 0)
    moved = numbers(X).assign(age=X["age"] + 5)
    raw = [fitted._raw_prediction(fitted._read(one, reset=False)) for one in (numbers(X), moved)]
    assert not np.allclose(*raw)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_sequences_give_the_dtype(dtype):
    X = numbers(make_frame())
    X["pulse"] = [cell.astype(dtype) for cell in X["pulse"]]
    fitted = small(RNNRegressor).fit(X, np.arange(24.0))
    assert fitted.network_.parameters.vector.dtype == dtype


@pytest.mark.parametrize("static", PLACES)
def test_attributes_count_all_columns(static):
    X = numbers(make_frame())
    fitted = small(RNNClassifier, static=static).fit(X, targets(make_frame(), RNNClassifier))
    assert (fitted.n_channels_in_, fitted.n_static_in_) == (1, 2)
    assert len(fitted.feature_names_in_) == 3
    assert fitted.feature_names_in_.tolist() == list(X.columns)


def test_as_channels_they_are_what_would_be_written_by_hand():
    X, y = make_frame(), targets(make_frame(), RNNClassifier)
    by_hand = [
        np.column_stack([cell, np.full(len(cell), age), np.full(len(cell), ill)])
        for cell, age, ill in zip(X["pulse"], X["age"], X["ill"], strict=True)
    ]
    fitted = small(RNNClassifier, static="channels").fit(numbers(X), y)
    other = small(RNNClassifier).fit(by_hand, y)
    np.testing.assert_array_equal(fitted.predict_proba(numbers(X)), other.predict_proba(by_hand))


@pytest.mark.parametrize("static", PLACES)
def test_the_place_says_nothing_without_static_features(static):
    X, y = list(make_frame()["pulse"]), targets(make_frame(), RNNClassifier)
    expected = small(RNNClassifier).fit(X, y).predict_proba(X)
    found = small(RNNClassifier, static=static).fit(X, y).predict_proba(X)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("static", PLACES)
def test_a_row_is_answered_alike_in_any_company(static):
    X, y = numbers(make_frame()), targets(make_frame(), RNNClassifier)
    fitted = small(RNNClassifier, static=static).fit(X, y)
    for i in (0, 11):
        alone = fitted.predict_proba(X.iloc[[i]])
        np.testing.assert_allclose(alone, fitted.predict_proba(X)[[i]], rtol=1e-13)


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
@pytest.mark.parametrize("static", PLACES)
def test_a_weight_is_a_repetition(static, optimizer):
    X, y = numbers(make_frame()), targets(make_frame(), RNNClassifier)
    times = np.random.default_rng(0).integers(1, 4, len(X))
    repeated = np.repeat(np.arange(len(X)), times)
    model = small(RNNClassifier, static=static, optimizer=optimizer)
    weighted = clone(model).fit(X, y, sample_weight=times)
    other = clone(model).fit(X.iloc[repeated], y[repeated])
    np.testing.assert_array_equal(weighted.predict_proba(X), other.predict_proba(X))


def test_samples_that_differ_in_a_static_feature_alone_are_not_merged():
    X = numbers(make_frame(2)).iloc[[0, 0, 1, 1]].assign(age=[0.0, 1.0, 0.0, 1.0])
    fitted = small(RNNClassifier, max_iter=100).fit(X, [0, 1, 0, 1])
    assert fitted.score(X, [0, 1, 0, 1]) == 1


@pytest.mark.parametrize("static", PLACES)
def test_partial_fit_and_warm_start_go_on(static):
    X, y = numbers(make_frame()), targets(make_frame(), RNNClassifier)
    model = small(RNNClassifier, static=static).partial_fit(X[:12], y[:12], classes=[False, True])
    assert model.partial_fit(X[12:], y[12:]).t_ == 24
    warm = small(RNNClassifier, static=static, warm_start=True, max_iter=2).fit(X, y).fit(X, y)
    assert len(warm.loss_curve_) == 4


@pytest.mark.parametrize(("before", "after"), [PLACES, PLACES[::-1]])
def test_the_place_cannot_change_under_a_warm_start(before, after):
    X, y = numbers(make_frame()), targets(make_frame(), RNNClassifier)
    model = small(RNNClassifier, static=before, warm_start=True).fit(X, y)
    with pytest.raises(ValueError, match=f"static='{after}', but .* fitted with static='{before}'"):
        model.set_params(static=after).fit(X, y)


@pytest.mark.parametrize("static", PLACES)
def test_a_parameter_set_after_fit_does_not_matter_to_predictions(static):
    X, y = numbers(make_frame()), targets(make_frame(), RNNClassifier)
    fitted = small(RNNClassifier, static=static).fit(X, y)
    expected = fitted.predict_proba(X)
    other = "channels" if static == "readout" else "readout"
    np.testing.assert_array_equal(fitted.set_params(static=other).predict_proba(X), expected)


@pytest.mark.parametrize("static", PLACES)
def test_validation_sets_have_static_features(static):
    X, y = numbers(make_frame(80)), targets(make_frame(80), RNNClassifier)
    given = small(RNNClassifier, static=static).fit(X[:40], y[:40], X_val=X[40:], y_val=y[40:])
    assert given.validation_scores_[-1] == given.score(X[40:], y[40:])
    drawn = small(RNNClassifier, static=static, early_stopping=True).fit(X, y)
    assert len(drawn.validation_loss_curve_) == drawn.n_iter_
    stopping = EarlyStopping(X_val=X[40:], y_val=y[40:])
    called = small(RNNClassifier, static=static).set_callbacks(stopping).fit(X[:40], y[:40])
    assert called.n_iter_ >= 1


@pytest.mark.parametrize("static", PLACES)
def test_a_fitted_estimator_survives_a_pickle(static):
    X, y = numbers(make_frame()), targets(make_frame(), RNNClassifier)
    fitted = small(RNNClassifier, static=static).fit(X, y)
    loaded = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(loaded.predict_proba(X), fitted.predict_proba(X))
    with pytest.raises(ValueError, match="static columns"):
        loaded.predict(list(X["pulse"]))


def test_a_refused_fit_leaves_everything_as_it_was():
    X, y = make_frame(), targets(make_frame(), RNNClassifier)
    fitted = small(RNNClassifier).fit(list(X["pulse"]), y)
    before = dict(vars(fitted))
    with pytest.raises(ValueError, match="OneHotEncoder"):
        fitted.fit(X, y)
    assert vars(fitted) == before


def test_ids_in_all_channels_leave_no_room_for_static_channels():
    X = numbers(make_frame()).assign(pulse=[np.array([0, 1, 2])] * 24)
    y = targets(make_frame(), RNNClassifier)
    model = small(RNNClassifier, embedding_dim=2)
    assert model.fit(X, y).network_.architecture.n_static == 2
    with pytest.raises(ValueError, match=r"embedding_dim=2 takes all channels for ids.*'readout'"):
        model.set_params(static="channels").fit(X, y)
    named = model.set_params(embedding_dim={"pulse": 2}).fit(X, y)
    assert named.network_.architecture.embedding.tables()


def test_an_unknown_place_is_refused():
    with pytest.raises(ValueError, match=r"The 'static' parameter .* must be a str among"):
        small(RNNClassifier, static="both").fit(numbers(make_frame()), [0, 1] * 12)


def test_unscaled_static_features_are_named_where_nothing_is_learnt():
    X = numbers(make_frame(60)).assign(age=np.linspace(1e3, 2e3, 60))
    y = np.random.default_rng(0).integers(0, 2, 60)
    with pytest.warns(UserWarning, match="A static feature has a root mean square of 1.5"):
        small(RNNClassifier, max_iter=2, learning_rate="cosine", learning_rate_init=1e-4).fit(X, y)


# --- pipelines ------------------------------------------------------------------------------------


def encoded(*, as_frame, **steps):
    columns = ColumnTransformer(
        [("kind", OneHotEncoder(sparse_output=False), ["kind"]), *steps.items()],
        remainder="passthrough",
    )
    return columns.set_output(transform="pandas") if as_frame else columns


@pytest.mark.parametrize("as_frame", [True, False])
@pytest.mark.parametrize("scaler_first", [True, False])
def test_categories_are_encoded_in_a_pipeline(scaler_first, as_frame):
    X = make_frame(300)
    y = np.asarray((X["kind"] == "old") ^ (means_of(X) > 0))
    steps = [SequenceScaler(), encoded(as_frame=as_frame)]
    steps = steps if scaler_first else steps[::-1]
    model = make_pipeline(*steps, RNNClassifier(16, max_iter=30, random_state=0))
    assert cross_val_score(model, X, y, cv=2).min() > 0.85
    network = model.fit(X, y)[-1]
    assert (network.n_channels_in_, network.n_static_in_) == (1, 4)
    if as_frame:
        assert "kind__kind_old" in network.feature_names_in_


def test_missing_static_values_are_imputed_in_a_pipeline():
    X, y = numbers(make_frame()), targets(make_frame(), RNNClassifier)
    X.loc[3, "age"] = np.nan
    columns = ColumnTransformer([("age", SimpleImputer(), ["age"])], remainder="passthrough")
    make_pipeline(columns, small(RNNClassifier)).fit(X, y).predict(X)
    make_pipeline(SequenceScaler(), columns, small(RNNClassifier)).fit(X, y).predict(X)


def test_a_search_over_the_place_and_the_columns():
    X = make_frame(40)
    y = targets(X, RNNClassifier)
    model = Pipeline(
        [
            ("columns", encoded(as_frame=True)),
            ("scale", SequenceScaler()),
            ("rnn", small(RNNClassifier)),
        ]
    )
    grid = {"rnn__static": PLACES, "columns__remainder": ["passthrough"]}
    search = GridSearchCV(model, grid, cv=2, error_score="raise").fit(X, y)
    assert search.best_params_["rnn__static"] in PLACES
    np.testing.assert_array_equal(search.predict(X.iloc[:3]), search.predict(X)[:3])


def test_hidden_states_are_those_of_the_recurrence():
    X, y = numbers(make_frame()), targets(make_frame(), RNNClassifier)
    states = HiddenStates(small(RNNClassifier)).fit(X, y).transform(X)
    assert states.shape == (24, 4)
    moved = HiddenStates(small(RNNClassifier, static="channels")).fit(X, y)
    assert not np.allclose(moved.transform(X), moved.transform(X.assign(age=9.0)))


def test_two_fits_are_equal_to_the_bit_whatever_the_order_of_names():
    X, y = numbers(make_frame()), targets(make_frame(), RNNClassifier)
    answers = [
        small(RNNClassifier).fit(one, y).predict_proba(one)
        for one in (X, X[["age", "ill", "pulse"]], X.set_axis([0, 1, 2], axis=1))
    ]
    for one, other in pairwise(answers):
        np.testing.assert_array_equal(one, other)
