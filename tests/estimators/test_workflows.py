"""From tables to predictions: what several parts do together, and where a wrong turn leads."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, KFold, TimeSeriesSplit, cross_val_predict
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from skrnn import RNNClassifier, RNNRegressor
from skrnn.inspection import HiddenStates, permutation_importance
from skrnn.preprocessing import SequenceScaler, TokenEncoder, from_long, make_windows, to_long

QUICK = {
    "hidden_layer_sizes": 8,
    "learning_rate_init": 0.05,
    "learning_rate": "cosine",  # ends at max_iter by plan, without a warning
    "max_iter": 20,
    "batch_size": 16,
    "random_state": 0,
}

# --- a log of events, of strings and numbers ------------------------------------------------------

N_USERS = 100


def events():
    """A long table in no order, and for every user whether a payment was a large one."""
    rng = np.random.default_rng(0)
    user = np.repeat(np.arange(N_USERS), rng.integers(3, 8, N_USERS))
    log = pd.DataFrame(
        {
            "user": user,
            "hour": np.arange(len(user)),
            "event": rng.choice(["view", "cart", "pay"], len(user)),
            "amount": rng.choice([0.1, 2.0], len(user)),
        }
    )
    large_payment = ((log["event"] == "pay") & (log["amount"] > 1)).groupby(log["user"]).any()
    log = log.sample(frac=1, random_state=0)
    return log, large_payment[log["user"].unique()].to_numpy()


def event_classifier(**parameters):
    return RNNClassifier(**QUICK, readout="max", embedding_dim={"event": 4}, **parameters)


def sequences_of(log):
    if not isinstance(log, pd.DataFrame):
        pytest.importorskip("narwhals")
    return from_long(log, id="user", time="hour", channels=["event", "amount"], sort=False)


def as_polars(log):
    return pytest.importorskip("polars").DataFrame(log.to_dict("list"))


def as_pyarrow(log):
    return pytest.importorskip("pyarrow").table(log.to_dict("list"))


def as_sequences_of_polars(log):
    """What polars itself groups, as pandas reads it."""
    pytest.importorskip("pyarrow")
    grouped = as_polars(log).sort("hour").group_by("user").agg("event", "amount").to_pandas()
    return grouped.set_index("user").loc[log["user"].unique()]


@pytest.mark.parametrize(
    "read",
    [
        sequences_of,
        lambda log: sequences_of(as_polars(log)),
        lambda log: sequences_of(as_pyarrow(log)),
        as_sequences_of_polars,
    ],
    ids=["pandas", "polars", "pyarrow", "grouped by polars"],
)
def test_a_search_over_events_with_amounts(read):
    log, y = events()
    pipeline = Pipeline([("tokens", TokenEncoder()), ("rnn", event_classifier())])
    grid = {"rnn__cell": ["rnn", "gru"], "rnn__embedding_dim": [{"event": 2}, {"event": 4}]}
    search = GridSearchCV(pipeline, grid, cv=2, error_score="raise").fit(read(log), y)
    assert search.best_score_ > 0.9


@pytest.mark.parametrize("by", ["channel", "time_step"])
@pytest.mark.parametrize("as_arrow", [False, True])
def test_events_are_permuted_as_their_ids_are(as_arrow, by):
    log, y = events()
    X = sequences_of(log)
    model = make_pipeline(TokenEncoder(), event_classifier()).fit(X, y)
    ids = model[:-1].transform(X)
    if as_arrow:
        pa = pytest.importorskip("pyarrow")
        X["event"] = X["event"].astype(pd.ArrowDtype(pa.list_(pa.string())))
    ours, of_ids = (
        permutation_importance(estimator, x, y, by=by, random_state=0).importances
        for estimator, x in [(model, X), (model[-1], ids)]
    )
    np.testing.assert_allclose(ours, of_ids)
    assert by == "time_step" or (ours.mean(axis=1) > 0.1).all()


def test_labels_of_every_step_become_a_long_table():
    log, _ = events()
    params = {"id": "user", "time": "hour", "return_sequences": True}
    X, y = from_long(log, channels="amount", target="event", **params)
    tagger = RNNClassifier(**QUICK, return_sequences=True).fit(X, y)
    table = to_long(tagger.predict(X), channels=["event"])
    assert table["event"].tolist() == np.concatenate(list(tagger.predict(X))).tolist()
    pd.testing.assert_frame_equal(to_long(np.array([["a", "b"]])), to_long([["a", "b"]]))


def test_hidden_states_of_events_beside_a_table():
    log, large_payment = events()
    X = sequences_of(log)
    X["age"] = np.random.default_rng(1).choice([20.0, 60.0], N_USERS)
    y = large_payment & (X["age"] > 40)
    states = make_pipeline(TokenEncoder(), HiddenStates(event_classifier()))
    columns = ColumnTransformer(
        [("states", states, ["event", "amount"]), ("age", StandardScaler(), ["age"])]
    )
    y_pred = cross_val_predict(make_pipeline(columns, LogisticRegression()), X, y, cv=3)
    assert np.mean(y_pred == y) > 0.85


# --- forecasts ------------------------------------------------------------------------------------


def wave_windows():
    index = pd.date_range("2024", periods=150, name="day")
    return make_windows(pd.Series(np.sin(np.arange(150) / 3), index, name="wave"), window=8)


def forecaster():
    return make_pipeline(SequenceScaler(), RNNRegressor(**QUICK))


def test_forecasts_of_every_fold_on_the_axis_of_time():
    windows = wave_windows()
    forecasts = []
    for train, test in TimeSeriesSplit(2).split(windows.X):
        fitted = forecaster().fit(windows[train].X, windows[train].y)
        forecasts.append(windows[test].on_time_axis(fitted.predict(windows[test].X)))
    forecast = pd.concat(forecasts)
    pd.testing.assert_index_equal(forecast.index, windows.y.index[-len(forecast) :])
    assert np.abs(forecast - windows.y).max() < 0.3


def test_cross_val_predict_of_windows_on_the_axis_of_time():
    windows = wave_windows()
    y_pred = cross_val_predict(forecaster(), windows.X, windows.y, cv=KFold(2))
    forecast = windows.on_time_axis(y_pred)
    pd.testing.assert_index_equal(forecast.index, windows.y.index)
    assert np.abs(forecast - windows.y).max() < 0.3


# --- wrong turns ----------------------------------------------------------------------------------


def scale_ids():
    log, y = events()
    make_pipeline(TokenEncoder(), SequenceScaler(), event_classifier()).fit(sequences_of(log), y)


def windows_of_folds():
    windows = wave_windows()
    cross_val_predict(forecaster(), windows, windows.y, cv=KFold(2))


WRONG_TURNS = {
    "ids are scaled": (scale_ids, "TokenEncoder makes ids of tokens, which must not be scaled"),
    "all that make_windows returns, in parts": (
        windows_of_folds,
        "pass the field X as X",
    ),
}


@pytest.mark.parametrize("turn", WRONG_TURNS)
def test_a_wrong_turn_names_the_right_one(turn):
    take, message = WRONG_TURNS[turn]
    with pytest.raises((TypeError, ValueError), match=message):
        take()
