"""skl2onnx converts pipelines of scikit-learn's transformers and our networks."""

from __future__ import annotations

import sys

import numpy as np
import onnx_cases as cases
import pandas as pd
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import BaggingClassifier, StackingClassifier, VotingRegressor
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from skrnn import RNNClassifier, RNNRegressor
from skrnn.core.cells import GRU
from skrnn.onnx import register_converters
from skrnn.preprocessing import SequenceImputer, SequenceScaler

skl2onnx = pytest.importorskip("skl2onnx")
pytest.importorskip("onnxruntime")

pytestmark = pytest.mark.filterwarnings("default::DeprecationWarning")

X = np.random.default_rng(0).normal(size=(20, 12)).astype(np.float32)
X3 = X.reshape(20, 4, 3).copy()
X3[::2, -2:] = np.nan
Y = np.arange(20) % 3


@pytest.fixture(autouse=True)
def registered():
    register_converters()


def converted(est, X, **options):
    return skl2onnx.to_onnx(est, X[:1], options={id(est): {"zipmap": False, **options}})


def test_a_pipeline_of_rows_is_converted():
    est = make_pipeline(StandardScaler(), RNNClassifier(4, n_channels=3, **cases.QUICK)).fit(X, Y)
    outputs = cases.run(converted(est, X), X=X)
    assert list(outputs) == ["label", "probabilities"]
    assert outputs["label"].tolist() == est.predict(X).tolist()
    cases.assert_close(outputs["probabilities"], est.predict_proba(X))


def test_the_probabilities_are_maps_by_default():
    est = RNNClassifier(4, **cases.QUICK).fit(X, Y)
    outputs = cases.run(skl2onnx.to_onnx(est, X[:1]), X=X)
    frame = pd.DataFrame(outputs["output_probability"])
    cases.assert_close(frame.to_numpy(), est.predict_proba(X))


def test_the_probabilities_may_be_outputs_of_their_own():
    est = RNNClassifier(4, **cases.QUICK).fit(X, Y)
    outputs = cases.run(converted(est, X, zipmap="columns"), X=X)
    got = np.column_stack([outputs[name] for name in ("i0", "i1", "i2")])
    cases.assert_close(got, est.predict_proba(X))


def test_labels_may_be_their_numbers():
    est = RNNClassifier(4, **cases.QUICK).fit(X, np.array(["c", "a", "b"])[Y])
    label = cases.run(converted(est, X, nocl=True), X=X)["label"]
    assert est.classes_[label].tolist() == est.predict(X).tolist()


@pytest.mark.parametrize("kind", ["several", "two", "multilabel"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_padded_sequences_go_in_as_they_are(kind, dtype):
    data = X3.astype(dtype)
    y = np.resize(cases.targets(kind), (20, *cases.targets(kind).shape[1:]))
    est = make_pipeline(SequenceScaler(), RNNClassifier(4, **cases.QUICK)).fit(data, y)
    outputs = cases.run(converted(est, data), X=data)
    cases.assert_close(outputs["probabilities"], est.predict_proba(data))
    assert outputs["label"].tolist() == est.predict(data).tolist()


def test_a_prediction_at_every_step_is_converted():
    whole = X.reshape(20, 4, 3)
    est = RNNClassifier(4, return_sequences=True, **cases.QUICK)
    est.fit(whole, np.repeat(Y[:, None], 4, axis=1))
    outputs = cases.run(converted(est, whole), X=whole)
    cases.assert_close(outputs["probabilities"], est.predict_proba(whole))
    with pytest.raises(ValueError, match="'zipmap': False"):
        skl2onnx.to_onnx(est, whole[:1])


@pytest.mark.parametrize(
    "scaler", [StandardScaler(), SequenceScaler("minmax")], ids=["flat", "own"]
)
def test_a_regressor_answers_on_its_scale(scaler):
    est = make_pipeline(scaler, RNNRegressor(4, **cases.QUICK)).fit(X, 1000.0 * Y)
    got = cases.run(skl2onnx.to_onnx(est, X[:1]), X=X)["variable"]
    cases.assert_close(got[:, 0], est.predict(X))


def test_a_scaler_of_several_channels_scales_rows():
    est = SequenceScaler(n_channels=3).fit(X)
    (got,) = cases.run(skl2onnx.to_onnx(est, X[:1]), X=X).values()
    cases.assert_close(got, est.transform(X))


GAPPY = X3.copy()
GAPPY[1::2, 1, 0] = np.nan
GAPPY[2, 0] = np.nan


@pytest.mark.parametrize(
    "front",
    [
        (),
        (SequenceImputer(),),
        (SequenceScaler(), SequenceImputer("mean", add_indicator=True, add_elapsed=True)),
        (SequenceScaler(per="sequence"),),
    ],
    ids=["network", "forward", "added channels", "own scale"],
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_missing_values_go_in_as_they_are(front, dtype):
    data = GAPPY.astype(dtype)
    est = make_pipeline(*front, RNNClassifier(4, **cases.QUICK)).fit(data, Y)
    outputs = cases.run(converted(est, data), X=data)
    cases.assert_close(outputs["probabilities"], est.predict_proba(data))


@pytest.mark.parametrize("front", [(), (SequenceImputer(n_channels=3, add_elapsed=True),)], ids=len)
def test_rows_may_have_gaps(front):
    data = X.copy()
    data[::3, 4] = data[1::3, -1] = np.nan
    n_channels = 5 if front else 3
    est = make_pipeline(*front, RNNClassifier(4, n_channels=n_channels, **cases.QUICK)).fit(data, Y)
    outputs = cases.run(converted(est, data), X=data)
    cases.assert_close(outputs["probabilities"], est.predict_proba(data))


@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize("loss", ["quantile", "gaussian", "negative_binomial"])
def test_several_numbers_a_target_are_predicted(loss, several):
    levels = {"quantile": (0.9, 0.2, 0.5)} if loss == "quantile" else {}
    y = np.column_stack([Y, 5 + Y % 2]) if several else 2.0 * Y
    est = RNNRegressor(4, loss=loss, **levels, **cases.QUICK).fit(X3, y)
    got = cases.run(skl2onnx.to_onnx(est, X3[:1]), X=X3)["variable"]
    expected = est.predict(X3)
    cases.assert_close(got.reshape(expected.shape), expected)


def test_quantiles_at_every_step_are_zero_at_padding():
    y = [np.full((n, 2), float(n)) + np.arange(2) for n in (4, 2) * 10]
    parameters = {"loss": "quantile", "quantile": (0.2, 0.7), "return_sequences": True}
    X_padded = X3.copy()
    X_padded[1::2, -2:] = np.nan
    X_padded[::2, -2:] = 1
    X_list = [x[: len(of_x)] for x, of_x in zip(X_padded, y, strict=True)]
    est = RNNRegressor(4, **parameters, **cases.QUICK).fit(X_list, y)
    got = cases.run(skl2onnx.to_onnx(est, X_padded[:1]), X=X_padded)["variable"]
    for row, expected in zip(got, est.predict(X_list), strict=True):
        cases.assert_close(row[: len(expected)], expected)
        assert (row[len(expected) :] == 0).all()


@pytest.mark.parametrize("transformer", [None, SequenceScaler()], ids=["network", "scaler"])
def test_static_features_are_refused_by_name(transformer):
    frame = pd.DataFrame({"x": list(X), "age": Y * 1.0})
    est = (transformer or RNNClassifier(4, **cases.QUICK)).fit(frame, Y)
    with pytest.raises(ValueError, match=r"fitted with static features.* skrnn\.onnx\.to_onnx"):
        skl2onnx.to_onnx(est, X3[:1])


NETWORK = RNNClassifier(4, **cases.QUICK)
AROUND = {
    "columns": make_pipeline(
        ColumnTransformer([("a", MinMaxScaler(), [0, 1, 2]), ("b", "passthrough", [3, 4, 5])]),
        NETWORK,
    ),
    "search": GridSearchCV(NETWORK, {"alpha": [0.0, 1.0]}, cv=2),
    "calibrated": CalibratedClassifierCV(NETWORK, cv=2),
    "one vs rest": OneVsRestClassifier(NETWORK),
    "bagging": BaggingClassifier(NETWORK, n_estimators=2, random_state=0),
    "stacking": StackingClassifier([("net", NETWORK)], cv=2),
}


@pytest.mark.parametrize("around", AROUND)
@pytest.mark.parametrize("n_classes", [2, 3])
def test_a_network_inside_of_what_skl2onnx_knows_is_converted(around, n_classes):
    est = AROUND[around].fit(X, np.arange(20) % n_classes)
    got = cases.run(converted(est, X), X=X)["probabilities"]
    cases.assert_close(got, est.predict_proba(X))


def test_an_ensemble_of_regressors_is_converted():
    est = VotingRegressor([("a", RNNRegressor(4, **cases.QUICK))]).fit(X, 10.0 * Y)
    got = cases.run(skl2onnx.to_onnx(est, X[:1]), X=X)["variable"]
    cases.assert_close(got[:, 0], est.predict(X))


@pytest.mark.parametrize(
    "front", [None, StandardScaler(), SequenceScaler()], ids=["none", "flat", "own"]
)
def test_columns_of_a_frame_are_inputs_of_their_own(front):
    frame = pd.DataFrame(X, columns=[f"t{i}" for i in range(12)])
    network = RNNClassifier(4, **cases.QUICK)
    est = (network if front is None else make_pipeline(front, network)).fit(frame, Y)
    outputs = cases.run(converted(est, frame), **{name: frame[[name]].to_numpy() for name in frame})
    cases.assert_close(outputs["probabilities"], est.predict_proba(frame))


def test_the_number_of_steps_may_be_left_free():
    from skl2onnx.common.data_types import FloatTensorType

    est = RNNClassifier(4, **cases.QUICK).fit(X3, Y)
    model = skl2onnx.to_onnx(
        est,
        initial_types=[("X", FloatTensorType([None, None, 3]))],
        options={id(est): {"zipmap": False}},
    )
    got = cases.run(model, X=X3[:, :2])["probabilities"]
    cases.assert_close(got, est.predict_proba(X3[:, :2]))


def test_older_operators_are_refused():
    est = RNNRegressor(4, **cases.QUICK).fit(X, 1.0 * Y)
    with pytest.raises(ValueError, match="target_opset=14 or more; got 13"):
        skl2onnx.to_onnx(est, X[:1], target_opset=13)


class OwnCell(GRU):
    def __repr__(self):
        return "OwnCell()"


def test_a_cell_without_an_operator_is_named():
    est = RNNRegressor(4, cell=OwnCell(), **cases.QUICK).fit(X, 1.0 * Y)
    with pytest.raises(ValueError, match=r"no operator for the cell OwnCell\(\)"):
        skl2onnx.to_onnx(est, X[:1])


def test_a_missing_library_is_told_by_its_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "skl2onnx", None)
    with pytest.raises(ImportError, match=r"pip install skrnn\[onnx\]"):
        register_converters()
