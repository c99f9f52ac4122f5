"""SequenceImputer: what stands in gaps, in every form of X, and the channels it adds."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
from sequence_forms import EQUAL_FORMS, RAGGED_FORMS
from sklearn import set_config
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import parametrize_with_checks

from skrnn import RNNClassifier
from skrnn.preprocessing import SequenceImputer, SequenceScaler, Windows
from skrnn.sequences import as_sequences

NAN = np.nan
STRATEGIES = ["forward", "interpolate", "mean", "median", "constant"]
SERIES = [np.array([NAN, 1.0, NAN, NAN, 4.0, NAN]), np.array([10.0, NAN]), np.array([NAN])]
# Mean of 1, 4, 10 is 5, median 4.
FILLED = {
    "forward": [[5, 1, 1, 1, 4, 4], [10, 10], [5]],
    "interpolate": [[1, 1, 2, 3, 4, 4], [10, 10], [5]],
    "mean": [[5, 1, 5, 5, 4, 5], [10, 5], [5]],
    "median": [[4, 1, 4, 4, 4, 4], [10, 4], [4]],
    "constant": [[-1, 1, -1, -1, 4, -1], [10, -1], [-1]],
}


@pytest.fixture(params=[np.float64, np.float32], ids=["float64", "float32"])
def dtype(request):
    return request.param


def gappy(lengths, dtype=np.float64):
    """Samples of two channels; the last step of each has a value."""
    rng = np.random.default_rng(0)
    samples = [rng.normal(size=(length, 2)).astype(dtype) for length in lengths]
    for sample in samples:
        sample[rng.uniform(size=sample.shape) < 0.4] = NAN
        sample[-1, 1] = 2.0
    return samples


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_what_stands_in_a_gap(strategy):
    imputer = SequenceImputer(strategy, fill_value=-1 if strategy == "constant" else None)
    for item, expected in zip(imputer.fit_transform(SERIES), FILLED[strategy], strict=True):
        np.testing.assert_allclose(item, expected)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_fills_come_from_fit_alone(strategy):
    imputer = SequenceImputer(strategy).fit([np.array([2.0, 4.0]), np.array([9.0])])
    expected = {"constant": 0.0, "median": 4.0}.get(strategy, 5.0)
    np.testing.assert_array_equal(imputer.transform([np.array([NAN])])[0], [expected])
    assert imputer.statistics_.tolist() == [expected]


def test_a_forward_fill_knows_nothing_of_later_values():
    imputer, (sample,) = SequenceImputer().fit(SERIES), gappy([9])
    imputer = SequenceImputer().fit([sample])
    whole = imputer.transform([sample])[0]
    for n in range(1, 9):
        np.testing.assert_array_equal(imputer.transform([sample[:n]])[0], whole[:n])


def test_sequences_do_not_see_each_other():
    samples = gappy([4, 3, 5])
    imputer = SequenceImputer("interpolate", add_elapsed=True).fit(samples)
    for sample, expected in zip(samples, imputer.transform(samples), strict=True):
        np.testing.assert_array_equal(imputer.transform([sample])[0], expected)


@pytest.mark.parametrize("fill_value", [None, 7.0])
@pytest.mark.parametrize("strategy", ["forward", "interpolate", "mean", "median"])
def test_a_channel_without_any_value_in_fit(strategy, fill_value):
    X = [np.array([[1.0, NAN], [NAN, NAN]])]
    filled = SequenceImputer(strategy, fill_value=fill_value).fit_transform(X)[0]
    np.testing.assert_array_equal(filled[:, 1], fill_value or 0.0)
    np.testing.assert_array_equal(filled[:, 0], 1.0)


@pytest.mark.parametrize("add", [False, True])
@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("form", RAGGED_FORMS)
def test_every_ragged_form_comes_back_in_its_form(form, strategy, add, dtype):
    samples = gappy([3, 1, 4, 4, 2], dtype)
    imputer = SequenceImputer(strategy, add_indicator=add, add_elapsed=add)
    expected = clone(imputer).fit_transform(samples)
    X = RAGGED_FORMS[form](samples)
    result = imputer.fit_transform(X)
    read = as_sequences(result)
    assert read.kind == as_sequences(X, allow_nan=True).kind
    assert read.n_channels == (6 if add else 2)
    np.testing.assert_allclose(read.values, np.concatenate(expected), rtol=1e-6)
    assert type(result) is type(X) or not isinstance(X, list | tuple | pd.DataFrame | pd.Series)


@pytest.mark.parametrize("add", [False, True])
@pytest.mark.parametrize("form", EQUAL_FORMS)
def test_every_form_of_one_length_comes_back_in_its_form(form, add):
    samples = gappy([4] * 5)
    n_channels = 2 if form.startswith("2-D") else 1
    imputer = SequenceImputer(add_indicator=add, add_elapsed=add, n_channels=n_channels)
    expected = np.stack(clone(imputer).set_params(n_channels=1).fit_transform(samples))
    result = imputer.fit_transform(EQUAL_FORMS[form](samples))
    # Rows in a list become arrays of steps where there are more channels than they had.
    np.testing.assert_array_equal(np.asarray(result).reshape(expected.shape), expected)
    assert form == "2-D list of arrays" or np.ndim(result) == 2 + (n_channels == 1)


def test_x_is_not_changed():
    samples = gappy([3, 4])
    copies = [sample.copy() for sample in samples]
    SequenceImputer(add_indicator=True).fit_transform(samples)
    SequenceImputer("mean").fit_transform(np.stack([samples[0][:3], samples[1][:3]]))
    for sample, copied in zip(samples, copies, strict=True):
        np.testing.assert_array_equal(sample, copied)


def test_padding_stays_padding():
    X = np.full((2, 4, 2), NAN)
    X[0, :3, 0] = [1.0, NAN, 3.0]
    X[1] = 5.0
    filled = SequenceImputer("mean").fit_transform(X)
    np.testing.assert_array_equal(filled[0, :, 1], [5, 5, 5, NAN])
    assert np.isnan(filled[0, 3]).all()


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_windows_have_nothing_before_their_first_step(strategy):
    table = np.array([[1.0], [NAN], [3.0], [NAN], [5.0]])
    windows = Windows(table, [0, 1, 2], 3, channels=["a"])
    imputer = SequenceImputer(strategy, add_indicator=True)
    filled = imputer.fit_transform(windows)
    assert isinstance(filled, Windows)
    assert filled.channels == ["a", "missingindicator_a"]
    plain = SequenceImputer(strategy, add_indicator=True).fit_transform(list(windows))
    np.testing.assert_allclose(np.asarray(filled), np.stack(plain))


def test_rows_of_no_window_are_not_learnt_from():
    windows = Windows(np.array([[1.0], [3.0], [NAN], [50.0]]), [0], 2)
    imputer = SequenceImputer("mean", add_indicator=True).fit(windows)
    assert imputer.statistics_ == [2.0]
    assert len(imputer.gappy_channels_) == 0


# --- added channels ------------------------------------------------------------------------------


def test_indicator_and_elapsed_steps():
    imputer = SequenceImputer(add_indicator=True, add_elapsed=True)
    first = imputer.fit_transform(SERIES)[0]
    np.testing.assert_array_equal(first[:, 1], [1, 0, 1, 1, 0, 1])
    np.testing.assert_array_equal(first[:, 2], [0, 0, 1, 2, 0, 1])
    assert imputer.elapsed_unit_ == "steps"


def test_channels_are_added_for_those_with_gaps_in_fit():
    X = [np.array([[1.0, NAN], [2.0, 3.0]])]
    imputer = SequenceImputer(add_indicator=True).fit(X)
    assert imputer.gappy_channels_.tolist() == [1]
    other = imputer.transform([np.array([[NAN, 5.0]])])[0]
    np.testing.assert_array_equal(other, [[1.5, 5.0, 0.0]])


INDICES = {
    "dates": pd.to_datetime(["2024-01-01", "2024-01-02", "2024-01-04"]),
    "differences": pd.to_timedelta([0, 1, 3], unit="D"),
    "periods": pd.PeriodIndex(["2024-01-01", "2024-01-02", "2024-01-04"], freq="D"),
}


@pytest.mark.parametrize("index", INDICES.values(), ids=INDICES)
def test_time_is_that_of_the_index(index):
    X = [pd.Series([0.0, NAN, 9.0], index, name="a")]
    filled = SequenceImputer("interpolate", add_elapsed=True).fit_transform(X)[0]
    assert list(filled.columns) == ["a", "elapsed_a"]
    np.testing.assert_allclose(filled["a"], [0, 3, 9])
    np.testing.assert_array_equal(filled["elapsed_a"], [0, 86400, 0])


def test_units_of_time_are_not_mixed():
    timed, plain = pd.Series([1.0, NAN], INDICES["dates"][:2]), pd.Series([1.0, NAN])
    with pytest.raises(ValueError, match="1 of the 2 sequences have an index of times"):
        SequenceImputer().fit([timed, plain])
    imputer = SequenceImputer(add_elapsed=True).fit([timed])
    with pytest.raises(ValueError, match=r"counts time in steps, but in fit it was .* seconds"):
        imputer.transform([plain])


def test_names_of_channels():
    X = pd.DataFrame({"a": [[1.0, NAN]], "b": [[1.0, 2.0]]})
    imputer = SequenceImputer(add_indicator=True, add_elapsed=True).fit(X)
    names = ["a", "b", "missingindicator_a", "elapsed_a"]
    assert imputer.get_feature_names_out().tolist() == names
    assert imputer.transform(X).columns.tolist() == names


def test_names_of_the_columns_of_a_table():
    X = pd.DataFrame([[1.0, NAN, 3.0, 4.0]], columns=["a0", "b0", "a1", "b1"])
    imputer = SequenceImputer(add_indicator=True, n_channels=2).fit(X)
    names = ["a0", "b0", "missingindicator_b0", "a1", "b1", "missingindicator_b1"]
    assert imputer.get_feature_names_out().tolist() == names
    assert imputer.transform(X).columns.tolist() == names
    assert imputer.set_output(transform="pandas").transform(X).columns.tolist() == names


def test_a_name_that_is_taken_is_refused():
    X = pd.DataFrame({"a": [[1.0, NAN]], "elapsed_a": [[1.0, 2.0]]})
    with pytest.raises(ValueError, match="'elapsed_a' would be there twice"):
        SequenceImputer(add_elapsed=True).fit(X)
    assert SequenceImputer().fit(X).get_feature_names_out().tolist() == ["a", "elapsed_a"]


def test_arrow_columns_stay_arrow_columns():
    pytest.importorskip("pyarrow")
    X = RAGGED_FORMS["frame of Arrow lists"](gappy([3, 2]))
    filled = SequenceImputer(add_indicator=True).fit_transform(X)
    assert all(isinstance(dtype, pd.ArrowDtype) for dtype in filled.dtypes)


def test_a_table_with_more_columns_a_step_is_not_read_as_before():
    X = np.array([[1.0, NAN, 3.0, 4.0], [0.0, 1.0, 2.0, 3.0]])
    table = SequenceImputer(add_indicator=True, n_channels=2).fit_transform(X)
    with pytest.raises(ValueError, match="n_channels=3, but is read with n_channels=2"):
        RNNClassifier(n_channels=2).fit(table, [0, 1])


# --- as a transformer ----------------------------------------------------------------------------


@parametrize_with_checks(
    [
        SequenceImputer(),
        SequenceImputer("interpolate", add_indicator=True, add_elapsed=True),
        SequenceImputer("median", n_channels=1),
        SequenceImputer("constant", fill_value=3.0),
    ]
)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


def test_tags():
    tags = get_tags(SequenceImputer())
    assert tags.input_tags.allow_nan
    assert tags.input_tags.three_d_array


def test_in_a_pipeline_behind_a_scaler():
    samples = gappy([6] * 30)
    y = np.arange(30) % 2
    model = make_pipeline(
        SequenceScaler(),
        SequenceImputer(add_indicator=True),
        RNNClassifier(4, max_iter=2, random_state=0, missing_values="error"),
    )
    assert model.fit(samples, y).predict(samples).shape == (30,)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict_proba(samples), model.predict_proba(samples))


def test_a_fit_that_fails_changes_nothing():
    imputer = SequenceImputer().fit(SERIES)
    with pytest.raises(ValueError, match="infinity"):
        imputer.fit([np.array([[np.inf, 1.0]])])
    assert imputer.n_channels_in_ == 1
    assert imputer.statistics_.tolist() == [5.0]


def test_the_configured_output_is_a_frame():
    set_config(transform_output="pandas")
    try:
        table = SequenceImputer(add_indicator=True).fit_transform(np.array([[1.0, NAN]]))
    finally:
        set_config(transform_output="default")
    assert table.columns.tolist() == [
        "x0",
        "missingindicator_x0",
        "x1",
        "missingindicator_x1",
    ]


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"strategy": "ffill"}, "'strategy' parameter of SequenceImputer"),
        ({"fill_value": "0"}, "'fill_value' parameter"),
        ({"add_indicator": 2}, "'add_indicator' parameter"),
    ],
)
def test_wrong_parameters(parameters, message):
    with pytest.raises(ValueError, match=message):
        SequenceImputer(**parameters).fit(SERIES)


@pytest.mark.parametrize("output", ["default", "pandas"])
def test_columns_of_single_values_pass_and_have_no_channels_added(output):
    cells = pd.Series([np.array([1.0, NAN]), np.array([2.0])])
    X = pd.DataFrame({"age": [NAN, 3.0], "a": cells, "kind": ["u", "v"], "b": cells})
    imputer = SequenceImputer(add_indicator=True, add_elapsed=True).set_output(transform=output)
    out = imputer.fit_transform(X)
    added = ["missingindicator_a", "missingindicator_b", "elapsed_a", "elapsed_b"]
    assert out.columns.tolist() == ["age", "a", "kind", "b", *added]
    assert imputer.get_feature_names_out().tolist() == out.columns.tolist()
    pd.testing.assert_frame_equal(out[["age", "kind"]], X[["age", "kind"]])
    assert (imputer.n_static_in_, imputer.gappy_channels_.tolist()) == (2, [0, 1])
    assert [cell.tolist() for cell in out["b"]] == [[1, 1], [2]]
    assert [cell.tolist() for cell in out["missingindicator_a"]] == [[0, 1], [0]]


def test_channels_of_a_list_are_named_by_number():
    imputer = SequenceImputer(add_elapsed=True).fit([np.array([[1.0, NAN], [2.0, 3.0]])])
    assert imputer.get_feature_names_out().tolist() == ["x0", "x1", "elapsed_x1"]
    assert imputer.get_feature_names_out(["a", "b"]).tolist() == ["a", "b", "elapsed_b"]
    with pytest.raises(ValueError, match=r"input_features should have length .* \(2\), got 1"):
        imputer.get_feature_names_out(["a"])
