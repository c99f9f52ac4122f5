"""Windows with channels of strings, and with labels as targets."""

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline

from skrnn import RNNClassifier, RNNRegressor
from skrnn.model_selection import ForecastSplit
from skrnn.preprocessing import SequenceScaler, make_windows

N = 24
KINDS = {
    "objects": lambda values: pd.Series(values, dtype=object),
    "categories": lambda values: pd.Series(values, dtype="category"),
    "strings": lambda values: pd.Series(values, dtype="string"),
}


def make_shops(n=N, **more):
    """Two shops of which one goes up and the other down, by a step a day."""
    day = np.arange(n)
    shop = np.repeat(["up", "down"], n)
    return pd.DataFrame(
        {"shop": shop, "day": np.tile(day, 2), "level": np.concatenate([day, -day]) * 1.0, **more}
    )


def cut(data, **params):
    settings = {"window": 3, "target": "level", "group": "shop", "time": "day"}
    return make_windows(data, **{**settings, **params})


@pytest.mark.parametrize("kind", KINDS)
def test_strings_become_the_ids_of_their_encoder(kind):
    data = make_shops(weather=KINDS[kind](["sun", "rain", "sun", "snow"] * (N // 2)))
    windows = cut(data, channels=["level", "weather"])
    vocabulary = windows.encoders["weather"].vocabulary_
    assert vocabulary == {"sun": 1, "rain": 2, "snow": 3}
    first = np.asarray(windows.X[0])[:, 1]
    np.testing.assert_array_equal(first, [1, 2, 1])


def test_the_group_may_be_a_channel():
    windows = cut(make_shops(), channels=["level", "shop"])
    ids = np.asarray(windows.X)[:, :, 1]
    names = windows.times.get_level_values("shop")
    expected = names.map(windows.encoders["shop"].vocabulary_)
    np.testing.assert_array_equal(ids, np.repeat(expected.to_numpy()[:, np.newaxis], 3, axis=1))


def test_given_encoders_give_the_ids_of_before():
    windows = cut(make_shops(), channels=["level", "shop"])
    newer = make_shops().replace({"shop": {"up": "new"}})
    again = cut(newer, channels=["level", "shop"], encoders=windows.encoders)
    names = again.times.get_level_values("shop")
    ids = np.asarray(again.X)[:, 0, 1]
    assert set(ids[names == "new"]) == {0}
    assert set(ids[names == "down"]) == {windows.encoders["shop"].vocabulary_["down"]}
    assert again.encoders["shop"] is windows.encoders["shop"]


def test_a_known_category_runs_ahead():
    data = make_shops(plan=np.tile(["a", "b"], N))
    windows = cut(data, channels=["level"], known="plan", horizon=1)
    ids = windows.encoders["plan"].vocabulary_
    np.testing.assert_array_equal(windows.X[0][:, 1], [ids["b"], ids["a"], ids["b"]])


def test_a_row_with_only_its_category_and_known_columns_is_the_future():
    data = make_shops(price=np.arange(2.0 * N))
    data.loc[data["day"] == N - 1, "level"] = np.nan
    windows = cut(data, channels=["level", "shop"], known="price")
    assert windows.latest.target_times.tolist() == [("up", N - 1), ("down", N - 1)]


def test_an_embedding_tells_the_series_apart():
    windows = cut(make_shops(), channels=["shop"], window=2)
    train, test = windows[:24], windows[24:]
    y = np.where(train.times.get_level_values("shop") == "up", 5.0, -5.0)
    reg = RNNRegressor(8, embedding_dim={"shop": 2}, max_iter=100, random_state=0).fit(train.X, y)
    expected = np.where(test.times.get_level_values("shop") == "up", 5.0, -5.0)
    np.testing.assert_allclose(reg.predict(test.X), expected, atol=0.5)


def test_a_scaler_leaves_ids_alone():
    windows = cut(make_shops(), channels=["level", "shop"])
    scaled = SequenceScaler(channels=["level"]).fit_transform(windows.X)
    np.testing.assert_array_equal(np.asarray(scaled)[:, :, 1], np.asarray(windows.X)[:, :, 1])
    scores = cross_val_score(
        make_pipeline(
            SequenceScaler(channels=["level"]),
            RNNRegressor(4, embedding_dim={"shop": 1}, max_iter=3, random_state=0),
        ),
        windows.X,
        windows.y,
        cv=ForecastSplit(2),
        error_score="raise",
    )
    assert np.isfinite(scores).all()


# --- Labels --------------------------------------------------------------------------------------


def states(n=2 * N):
    return np.where(np.arange(n) % 6 < 3, "idle", "busy")


@pytest.mark.parametrize("horizon", [0, 1, 2])
@pytest.mark.parametrize("kind", KINDS)
def test_labels_keep_their_dtype(kind, horizon):
    data = make_shops(state=KINDS[kind](states()))
    windows = cut(data, target="state", horizon=horizon)
    assert windows.y.dtype == data["state"].dtype
    assert windows.X.channels == ["level"]
    for row in (0, 7):
        shop, day = windows.times[row]
        of_shop = data[(data["shop"] == shop) & (data["day"] == day + horizon)]
        assert windows.y.iloc[row] == of_shop["state"].item()
        assert windows.y.index[row] == (shop, day + horizon)


@pytest.mark.parametrize("dtype", ["int64", "int8", "bool", "float32", "boolean"])
def test_numbers_at_horizon_0_keep_their_dtype(dtype):
    data = make_shops(state=pd.Series(np.arange(2 * N) % 2).astype(dtype))
    windows = cut(data, target="state", horizon=0)
    assert windows.y.dtype == dtype
    assert windows.X.channels == ["level"]
    np.testing.assert_array_equal(windows.y[:2].astype(int), [0, 0])  # of day 2, of both shops


def test_several_labels_are_columns_of_their_own_dtypes():
    data = make_shops(state=states(), alarm=np.arange(2 * N) % 3)
    windows = cut(data, target=["state", "alarm"], horizon=0)
    assert windows.y.columns.tolist() == ["state", "alarm"]
    assert windows.y["alarm"].dtype == data["alarm"].dtype
    assert windows.y["state"].dtype == data["state"].dtype


def test_labels_of_several_horizons_are_columns():
    windows = cut(make_shops(state=states()), target="state", horizon=[1, 3])
    assert windows.y.columns.tolist() == [1, 3]
    assert windows.y.iloc[0].tolist() == ["busy", "busy"]  # days 3 and 5


def test_a_label_at_every_step():
    data = make_shops(state=states())
    windows = cut(data, target="state", horizon=0, return_sequences=True)
    assert windows.y.iloc[0].tolist() == ["idle"] * 3  # days 0 to 2
    assert windows.y.iloc[2].tolist() == ["idle", "idle", "busy"]


def test_the_newest_window_may_wait_for_its_label():
    state = pd.Series(states())
    state[N - 1] = None
    windows = cut(make_shops(state=state), target="state", horizon=0, gaps="skip")
    assert windows.latest.times.tolist() == [("up", N - 1)]
    assert windows.latest.y is None


def test_the_past_of_a_label_may_be_a_channel():
    data = make_shops(state=states())
    windows = cut(data, target="state", channels="state", horizon=1)
    assert windows.y.iloc[0] == "busy"
    clf = RNNClassifier(16, embedding_dim=4, max_iter=150, random_state=0)
    train, test = windows[:28], windows[28:]
    assert clf.fit(train.X, train.y).score(test.X, test.y) == 1.0
    assert set(clf.classes_) == {"idle", "busy"}


def test_predicted_labels_come_back_under_their_times():
    windows = cut(make_shops(state=states()), target="state", horizon=0)
    labels = windows.on_time_axis(windows.y.to_numpy())
    assert labels.tolist() == windows.y.tolist()
    assert labels.index.equals(windows.y.index)
