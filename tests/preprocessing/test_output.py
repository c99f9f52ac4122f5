"""What set_output means where sequences come back in the form in which they came."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sequence_forms import RAGGED_FORMS
from sklearn import config_context
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import make_pipeline

from skrnn import RNNClassifier
from skrnn.preprocessing import SequenceScaler, TokenEncoder

RNG = np.random.default_rng(0)
SAMPLES = [RNG.normal(size=(length, 2)) for length in (3, 5, 2, 4, 3, 6)]
TABLE = RNG.normal(size=(6, 4))
ARRAY = RNG.normal(size=(6, 4, 2))
FRAMES = {
    "2-D frame": lambda _: pd.DataFrame(TABLE, index=list("pqrstu"), columns=list("abcd")),
    **{name: make for name, make in RAGGED_FORMS.items() if name.startswith("frame of")},
}
FORMS = {
    "3-D": ARRAY,
    "list": SAMPLES,
    "object array": RAGGED_FORMS["object array"](SAMPLES),
}


def told(transform="pandas"):
    return SequenceScaler().set_output(transform=transform)


@pytest.mark.parametrize("name", FRAMES)
def test_a_frame_comes_back_as_a_frame_of_the_same_labels(name):
    X = FRAMES[name](SAMPLES)
    scaled = told().fit_transform(X)
    pd.testing.assert_frame_equal(scaled, SequenceScaler().fit_transform(X))
    assert scaled.columns.equals(X.columns)
    assert scaled.index.equals(X.index)


@pytest.mark.parametrize("by_config", [False, True])
def test_a_table_becomes_a_frame_with_the_names_of_the_features(by_config):
    scaler = SequenceScaler() if by_config else told()
    with config_context(transform_output="pandas" if by_config else "default"):
        scaled = scaler.fit_transform(TABLE)
    assert list(scaled.columns) == ["x0", "x1", "x2", "x3"]
    np.testing.assert_array_equal(scaled, SequenceScaler().fit_transform(TABLE))


def test_a_frame_after_a_fit_on_an_array_gets_the_names_of_the_fit():
    frame = pd.DataFrame(TABLE, index=list("pqrstu"), columns=list("abcd"))
    scaler = told().fit(TABLE)
    with pytest.warns(UserWarning, match="fitted without feature names"):
        scaled = scaler.transform(frame)
    assert list(scaled.columns) == ["x0", "x1", "x2", "x3"]
    assert scaled.index.equals(frame.index)


@pytest.mark.parametrize("name", FORMS)
def test_what_is_no_table_is_refused_with_the_reason(name):
    scaler = told().fit(FORMS[name])
    with pytest.raises(ValueError, match=r"X is a .*, which is no table.*from_long"):
        scaler.transform(FORMS[name])


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("how", ["default", "by config"])
def test_other_forms_come_back_as_they_are_unless_this_scaler_was_told(name, how):
    X = FORMS[name]
    with config_context(transform_output="pandas" if how == "by config" else "default"):
        scaler = SequenceScaler() if how == "by config" else told("default")
        scaled = scaler.fit_transform(X)
    assert type(scaled) is type(X)


def test_other_containers_are_refused_by_name():
    with pytest.raises(
        ValueError, match=r"'default' or 'pandas'. Got 'polars'.*only those of pandas"
    ):
        told("polars")


def test_none_leaves_it_as_it_is():
    scaler = told().set_output(transform=None)
    assert isinstance(scaler.fit_transform(TABLE), pd.DataFrame)


def test_a_clone_is_told_as_well():
    assert isinstance(clone(told()).fit_transform(TABLE), pd.DataFrame)


def test_the_way_back_keeps_the_form():
    scaler = told().fit(TABLE)
    back = scaler.inverse_transform(SequenceScaler().fit_transform(TABLE))
    np.testing.assert_allclose(back, TABLE)
    assert isinstance(back, np.ndarray)


@pytest.mark.parametrize("name", FRAMES)
def test_a_pipeline_and_its_columns_can_be_told(name):
    X, y = FRAMES[name](SAMPLES), np.arange(6) % 2
    columns = ColumnTransformer([("scale", SequenceScaler(), list(X.columns))])
    network = RNNClassifier(2, max_iter=5, tol=9.0, n_iter_no_change=1, random_state=0)
    pipeline = make_pipeline(columns, network).set_output(transform="pandas").fit(X, y)
    assert list(pipeline[-1].feature_names_in_) == [f"scale__{name}" for name in X.columns]
    assert len(pipeline.predict(X)) == 6


def test_tokens_are_told_alike():
    texts = pd.DataFrame({"title": ["a b", "b"], "body": ["c", "c d"]})
    encoder = TokenEncoder().set_output(transform="pandas")
    pd.testing.assert_frame_equal(encoder.fit_transform(texts), TokenEncoder().fit_transform(texts))
    with pytest.raises(ValueError, match=r"TokenEncoder was told .* X is a list"):
        encoder.fit(["a b"]).transform(["a b"])
