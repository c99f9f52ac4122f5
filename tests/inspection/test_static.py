"""Static features in everything that looks into a network."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from skrnn import RNNClassifier, RNNRegressor
from skrnn.core.parameters import Parameters, part_of
from skrnn.inspection import (
    diagnose,
    gradient_flow,
    hidden_states,
    input_attributions,
    permutation_importance,
    unrolled,
)
from skrnn.inspection._opened import open_estimator
from skrnn.preprocessing import SequenceScaler

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning",
    "ignore::skrnn.core.training.NotLearntWarning",
)
PLACES = ["readout", "channels"]


@pytest.fixture(params=PLACES)
def static(request):
    return request.param


@pytest.fixture
def frame(rng):
    X = pd.Series([rng.normal(size=length) for length in (6, 3, 5, 6)])
    return pd.DataFrame({"age": rng.normal(size=4), "x": X, "ill": [True, False, True, True]})


@pytest.fixture
def fitted(frame, static, rng):
    reg = RNNRegressor(3, static=static, normalize_y=False, max_iter=3, alpha=0, random_state=0)
    return reg.fit(frame, rng.normal(size=4))


# --- attributions ---------------------------------------------------------------------------------


def test_attributions_are_complete(fitted, frame):
    steps, known = input_attributions(fitted, frame, return_static=True, n_steps=200)
    total = [x.sum() for x in steps] + known.sum(axis=1)
    nothing = frame.assign(age=0.0, x=[0 * cell for cell in frame["x"]], ill=False)
    change = fitted.predict(frame) - fitted.predict(nothing)
    np.testing.assert_allclose(total, change, rtol=1e-2, atol=1e-4)
    assert known.shape == (4, 2)
    assert [x.shape for x in steps] == [(len(cell), 1) for cell in frame["x"]]


def test_gradients_of_static_features_are_those_of_the_prediction(fitted, frame):
    _, known = input_attributions(fitted, frame, "gradient_x_input", return_static=True)
    h = 1e-6
    ahead, behind = (fitted.predict(frame.assign(age=frame["age"] + d)) for d in (h, -h))
    slope = (ahead - behind) / (2 * h)
    np.testing.assert_allclose(known[:, 0], frame["age"] * slope, rtol=1e-6, atol=1e-10)


def test_an_occluded_static_feature_is_missed(frame, rng):
    reg = RNNRegressor(3, normalize_y=False, max_iter=3, random_state=0)
    reg.fit(frame, rng.normal(size=4))
    _, known = input_attributions(reg, frame, "occlusion", return_static=True)
    change = reg.predict(frame) - reg.predict(frame.assign(age=0.0))
    np.testing.assert_allclose(known[:, 0], change, rtol=1e-9, atol=1e-12)


def test_the_baseline_of_a_static_feature(fitted, frame):
    level = frame["age"].to_numpy()
    _, known = input_attributions(
        fitted, frame, "gradient_x_input", return_static=True, static_baseline=[level[2], 0.0]
    )
    assert known[2, 0] == 0
    assert (known[[0, 1, 3], 0] != 0).all()
    with pytest.raises(ValueError, match="one for each of the 2 static features"):
        input_attributions(fitted, frame, static_baseline=[1.0, 2.0, 3.0])


def test_of_steps_static_features_get_the_sum(frame, static):
    y = [np.sign(cell) for cell in frame["x"]]
    reg = RNNRegressor(3, static=static, return_sequences=True, max_iter=3, random_state=0)
    reg.fit(frame, y)
    _, known = input_attributions(reg, frame, "gradient_x_input", return_static=True)
    h = 1e-6
    ahead, behind = (reg.predict(frame.assign(age=frame["age"] + d)) for d in (h, -h))
    slope = np.array([(a - b).sum() for a, b in zip(ahead, behind, strict=True)]) / (2 * h)
    np.testing.assert_allclose(known[:, 0], frame["age"] * slope, rtol=1e-5, atol=1e-10)


def test_without_static_features_there_are_no_attributions_of_them(rng):
    X = rng.normal(size=(4, 5, 2))
    reg = RNNRegressor(3, max_iter=2, random_state=0).fit(X, rng.normal(size=4))
    steps, known = input_attributions(reg, X, return_static=True)
    assert known.shape == (4, 0)
    np.testing.assert_array_equal(steps, input_attributions(reg, X))


# --- permutation importance -----------------------------------------------------------------------


@pytest.fixture
def by_age_or_kind(rng):
    n = 60
    X = pd.DataFrame(
        {
            "age": rng.uniform(20, 80, n),
            "x": pd.Series([rng.normal(size=length) for length in rng.integers(2, 6, n)]),
            "kind": rng.choice(["old", "new"], n),
            "unused": rng.normal(size=n),
        }
    )
    return X, np.asarray((X["age"] > 50) ^ (X["kind"] == "old"))


def encoder():
    columns = [("kind", OneHotEncoder(sparse_output=False), ["kind"])]
    return ColumnTransformer(columns, remainder="passthrough")


def test_static_columns_have_an_importance_of_their_own(by_age_or_kind, static):
    X, y = by_age_or_kind
    network = RNNClassifier(8, static=static, max_iter=40, random_state=0)
    model = make_pipeline(SequenceScaler(), encoder(), network).fit(X, y)
    result = permutation_importance(model, X, y, n_repeats=3, random_state=0)
    assert result.importances.shape == (4, 3)
    assert (result.importances_mean[[0, 2]] > 0.2).all()
    assert (np.abs(result.importances_mean[[1, 3]]) < 0.15).all()


def test_time_steps_are_permuted_beside_static_columns(by_age_or_kind):
    X, y = by_age_or_kind
    model = make_pipeline(SequenceScaler(), encoder(), RNNClassifier(4, max_iter=2)).fit(X, y)
    result = permutation_importance(model, X, y, by="time_step", n_repeats=2, random_state=0)
    assert result.importances.shape == (5, 2)


def test_the_data_are_left_alone(by_age_or_kind):
    X, y = by_age_or_kind
    before = X.copy()
    model = make_pipeline(SequenceScaler(), encoder(), RNNClassifier(4, max_iter=2)).fit(X, y)
    permutation_importance(model, X, y, n_repeats=1, random_state=0)
    assert all(one is other for one, other in zip(X["x"], before["x"], strict=True))
    pd.testing.assert_frame_equal(X.drop(columns="x"), before.drop(columns="x"))


# --- other views ----------------------------------------------------------------------------------


def test_unrolled_has_the_static_features_of_the_sequence(frame, rng):
    y = rng.normal(size=4)
    reg = RNNRegressor(3, max_iter=2, alpha=0, random_state=0, normalize_y=False).fit(frame, y)
    net, opened = unrolled(reg, frame, 1, y), open_estimator(reg, frame, y)
    np.testing.assert_array_equal(net.static.x, [frame["age"][1], 0])
    batch = opened.sequences.batch([1])
    _, gradient = opened.network.loss_and_gradient(
        batch.x, batch.n_active, opened.y[1:2], np.ones(1), loss=opened.loss, static=batch.static
    )
    expected = part_of(Parameters(opened.network.parameters.shapes, gradient), "static.")
    for name, own in net.static.gradient.items():
        np.testing.assert_allclose(own, expected[name], rtol=1e-12)
    output = net.output.weights
    raw = net.features @ output["W"] + output["b"]
    np.testing.assert_allclose(raw, net.raw_prediction, rtol=1e-12)


def test_unrolled_without_static_features_has_none(rng):
    X = rng.normal(size=(4, 5, 2))
    assert unrolled(RNNRegressor(3, random_state=0), X, 0, rng.normal(size=4)).static is None


def test_flow_and_states_are_measured(fitted, frame):
    flow = gradient_flow(fitted, frame, np.arange(4.0))
    assert np.isfinite(flow.norms).all()
    assert (flow.norms[:, 0] > 0).all()
    assert hidden_states(fitted, frame).features.shape[0] == 4


def test_an_unfitted_network_is_measured(frame, static):
    flow = gradient_flow(RNNRegressor(3, static=static, random_state=0), frame, np.arange(4.0))
    assert not flow.fitted


def test_a_diagnosis_names_static_features_that_are_not_scaled(rng, static):
    n = 40
    X = pd.DataFrame({"age": rng.uniform(1e3, 2e3, n), "x": pd.Series([*rng.normal(size=(n, 4))])})
    y = rng.normal(size=n)
    reg = RNNRegressor(3, static=static, max_iter=2, random_state=0)
    report = diagnose(reg.fit(X, y), X, y)
    assert "inputs not scaled" in [finding.name for finding in report]
    scaled = SequenceScaler().fit_transform(X)
    report = diagnose(reg.fit(scaled, y), scaled, y)
    assert "inputs not scaled" not in [finding.name for finding in report]
