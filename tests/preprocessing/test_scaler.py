"""SequenceScaler gives every form back as it came."""

import numpy as np
import pandas as pd
import pytest
from ragged_forms import object_array, padded
from sklearn.base import clone
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, RobustScaler, StandardScaler
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import (
    check_dataframe_column_names_consistency,
    check_estimator,
    check_param_validation,
    check_set_output_transform,
    check_transformer_get_feature_names_out,
    check_transformer_preserve_dtypes,
)

from skrnn.preprocessing import SequenceScaler, Windows
from skrnn.preprocessing._statistics import BLOCK, STATISTICS
from skrnn.sequences import as_sequences, read_sequences

LENGTHS = [3, 1, 4, 4, 2]


def make_samples(lengths=LENGTHS, dtype=np.float64):
    rng = np.random.default_rng(0)
    offset, spread = np.array([3.0, -5.0]), np.array([2.0, 0.1])
    return [(rng.normal(size=(t, 2)) * spread + offset).astype(dtype) for t in lengths]


def nested(samples):
    cells = {name: object_array([s[:, j] for s in samples]) for j, name in enumerate("ab")}
    return pd.DataFrame(cells, index=pd.Index(list("vwxyz"), name="id"))


def item_frames(samples):
    return [pd.DataFrame(s, columns=["a", "b"], index=range(7, 7 + len(s))) for s in samples]


RAGGED_FORMS = {
    "list": list,
    "tuple": tuple,
    "object array": object_array,
    "series": lambda samples: pd.Series(object_array(samples), index=list("vwxyz"), name="x"),
    "list of frames": item_frames,
    "padded 3-D": padded,
    "nested frame": nested,
    "nested object array": lambda samples: nested(samples).to_numpy(),
}


def assert_same_form(result, X):
    assert type(result) is type(X)
    if isinstance(X, pd.DataFrame):
        pd.testing.assert_index_equal(result.index, X.index)
        pd.testing.assert_index_equal(result.columns, X.columns)
        assert (result.dtypes == X.dtypes).all()
        result, X = result.to_numpy().ravel(), X.to_numpy().ravel()
    elif isinstance(X, pd.Series):
        pd.testing.assert_index_equal(result.index, X.index)
        assert result.name == X.name
    elif isinstance(X, np.ndarray):
        assert (result.shape, result.dtype) == (X.shape, X.dtype)
        if X.dtype != object:
            np.testing.assert_array_equal(np.isnan(result), np.isnan(X))
            return
    for a, b in zip(result, X, strict=True):
        if getattr(b, "ndim", 0):
            assert_same_form(a, b)


@pytest.mark.parametrize("form", RAGGED_FORMS)
def test_all_forms_are_scaled_alike(form):
    samples = make_samples()
    steps = np.concatenate(samples)
    X = RAGGED_FORMS[form](samples)
    scaler = SequenceScaler().fit(X)
    expected = (steps - steps.mean(axis=0)) / steps.std(axis=0)
    np.testing.assert_allclose(as_sequences(scaler.transform(X)).values, expected, rtol=1e-12)
    assert scaler.n_steps_seen_ == len(steps)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("method", ["transform", "inverse_transform"])
@pytest.mark.parametrize("form", RAGGED_FORMS)
def test_every_form_comes_back_as_it_came(form, method, dtype):
    X = RAGGED_FORMS[form](make_samples(dtype=dtype))
    assert_same_form(getattr(SequenceScaler().fit(X), method)(X), X)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("form", [np.stack, nested, list, object_array, tuple])
def test_equal_lengths_come_back_as_they_came(form, dtype):
    X = form(make_samples([4] * 5, dtype))
    assert_same_form(SequenceScaler().fit_transform(X), X)


@pytest.mark.parametrize("make", [np.asarray, lambda a: pd.DataFrame(a, list("pqrs"))])
def test_2d_is_scaled_per_channel(make):
    X = make(np.arange(24.0).reshape(4, 6))
    result = SequenceScaler(n_channels=2).fit_transform(X)
    assert_same_form(result, X)
    values = np.asarray(result).reshape(-1, 2)
    np.testing.assert_allclose(values.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(values.std(axis=0), 1)


def test_arrow_lists_come_back_as_arrow_lists():
    pa = pytest.importorskip("pyarrow")
    X = nested(make_samples())
    scaled = SequenceScaler().fit_transform(X.astype(pd.ArrowDtype(pa.list_(pa.float64()))))
    assert (scaled.dtypes == pd.ArrowDtype(pa.large_list(pa.float64()))).all()
    assert_same_form(scaled.map(np.asarray).astype(object), SequenceScaler().fit_transform(X))


def test_items_of_one_axis_keep_one_axis():
    X = [np.array([1.0, 2.0]), pd.Series([3.0], index=["t"], name="s")]
    first, second = SequenceScaler().fit_transform(X)
    assert first.shape == (2,)
    assert (second.name, list(second.index)) == ("s", ["t"])


@pytest.mark.parametrize("form", RAGGED_FORMS)
@pytest.mark.parametrize(
    "params",
    [{}, {"with_centering": False}, {"with_scaling": False}, *({"method": m} for m in STATISTICS)],
)
def test_inverse_transform_undoes_transform(form, params):
    X = RAGGED_FORMS[form](make_samples())
    scaler = SequenceScaler(**params).fit(X)
    restored = scaler.inverse_transform(scaler.transform(X))
    np.testing.assert_allclose(as_sequences(restored).values, as_sequences(X).values, rtol=1e-12)


@pytest.mark.parametrize("form", RAGGED_FORMS)
def test_transform_leaves_x_alone(form):
    samples = make_samples()
    before = [sample.copy() for sample in samples]
    SequenceScaler().fit_transform(RAGGED_FORMS[form](samples))
    for sample, copy in zip(samples, before, strict=True):
        np.testing.assert_array_equal(sample, copy)


def test_transform_leaves_a_single_sequence_alone():
    sample = make_samples()[0]
    copy = sample.copy()
    for X in ([sample], pd.DataFrame({"a": [sample[:, 0]]}), sample[np.newaxis]):
        SequenceScaler().fit_transform(X)
        np.testing.assert_array_equal(sample, copy)


def test_one_switch_each_for_mean_and_scale():
    X = make_samples()
    steps = np.concatenate(X)
    centred = as_sequences(SequenceScaler(with_scaling=False).fit_transform(X)).values
    scaled = as_sequences(SequenceScaler(with_centering=False).fit_transform(X)).values
    np.testing.assert_allclose(centred, steps - steps.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(scaled, steps / steps.std(axis=0), rtol=1e-12)


def test_a_constant_channel_is_only_centred():
    X = np.full((3, 4, 2), 0.1)
    X[..., 1] = np.arange(12).reshape(3, 4)
    scaler = SequenceScaler().fit(X)
    assert scaler.scale_[0] == 1
    assert scaler.var_[0] == 0
    assert not scaler.transform(X)[..., 0].any()


def test_rounding_noise_is_no_spread():
    X = np.array([[0.1 + 0.2, 0.3, 0.3, 0.3]])
    assert np.ptp(X) > 0
    assert SequenceScaler().fit(X).scale_ == 1


def test_large_offsets_cost_no_digits():
    X = 1e9 + np.array([[0.0, 1e-3, 2e-3, 3e-3]])
    np.testing.assert_allclose(SequenceScaler().fit(X).var_, np.var(X - 1e9), rtol=1e-9)


def test_statistics_of_float32_are_computed_in_float64():
    X = np.full((100, 1000, 1), 16777217.0 / 3, dtype=np.float32)
    X[50:] += 1
    scaler = SequenceScaler().fit(X)
    assert scaler.mean_.dtype == scaler.var_.dtype == np.float64
    np.testing.assert_allclose(scaler.mean_, X.mean(dtype=np.float64), rtol=1e-15)


# What fit learns, whatever the method.
LEARNED = ["center_", "scale_", "n_steps_seen_"]
each_method = pytest.mark.parametrize("method", STATISTICS)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("method", ["standard", "minmax"])
def test_partial_fit_equals_fit(method, weighted):
    X = make_samples()
    w = np.array([1.0, 0.0, 2.0, 0.5, 3.0]) if weighted else None
    whole = SequenceScaler(method).fit(X, sample_weight=w)
    parts = SequenceScaler(method)
    for part in [slice(0, 1), slice(2, 4), slice(4, 5)] if weighted else [slice(0, 2), slice(2, 5)]:
        parts.partial_fit(X[part], sample_weight=None if w is None else w[part])
    for name in LEARNED:
        np.testing.assert_allclose(getattr(parts, name), getattr(whole, name), rtol=1e-12)


def test_quantiles_cannot_be_updated():
    scaler = SequenceScaler("robust")
    assert not hasattr(scaler, "partial_fit")
    with pytest.raises(AttributeError, match="has no attribute 'partial_fit'") as error:
        scaler.partial_fit(make_samples())
    assert "method='robust') has no partial_fit: quantiles" in str(error.value.__cause__)


def test_another_method_starts_anew():
    scaler = SequenceScaler("minmax").fit(make_samples()).set_params(method="standard")
    with pytest.raises(ValueError, match=r"method='standard' cannot go on .* Call fit"):
        scaler.partial_fit(make_samples())
    scaler.fit(make_samples())
    assert not hasattr(scaler, "data_min_")
    np.testing.assert_array_equal(scaler.center_, scaler.mean_)


def test_fit_forgets_what_it_saw():
    X = make_samples()
    scaler = SequenceScaler().fit(X[:2]).fit(X)
    np.testing.assert_array_equal(scaler.mean_, SequenceScaler().fit(X).mean_)


@each_method
def test_weights_equal_repetition(method):
    X = make_samples()
    weighted = SequenceScaler(method).fit(X, sample_weight=[2, 0, 1, 3, 1])
    repeated = SequenceScaler(method).fit([X[i] for i in [0, 0, 2, 3, 3, 3, 4]])
    for name in LEARNED:
        np.testing.assert_allclose(getattr(weighted, name), getattr(repeated, name), rtol=1e-12)


@each_method
def test_only_the_ratio_of_weights_counts(method):
    X, w = make_samples(), np.array([0.25, 0.0, 1.0, 0.5, 2.0])
    small, large = (SequenceScaler(method).fit(X, sample_weight=c * w) for c in (2.0**-9, 8))
    for name in ["center_", "scale_"]:
        np.testing.assert_allclose(getattr(small, name), getattr(large, name), rtol=1e-12)


@pytest.mark.parametrize(
    ("weight", "match"),
    [([0, 0, 0, 0, 0], "zero"), ([1, 1, 1, 1, -1], "[Nn]egative"), ([1, 1], "sample_weight.shape")],
)
def test_bad_weights_are_named(weight, match):
    with pytest.raises(ValueError, match=match):
        SequenceScaler().fit(make_samples(), sample_weight=weight)


@pytest.mark.parametrize(
    ("method", "theirs"),
    # Scikit-learn's quantiles are interpolated: the same where they fall on a value, as for 4n + 1.
    [("standard", StandardScaler()), ("minmax", MinMaxScaler()), ("robust", RobustScaler())],
)
def test_equals_scikit_learn_on_single_steps(method, theirs):
    X = np.concatenate(make_samples([13]))
    ours = SequenceScaler(method, n_channels=2)
    np.testing.assert_allclose(ours.fit_transform(X), theirs.fit_transform(X), rtol=1e-12)


@each_method
@pytest.mark.parametrize("n_channels", [1, 3, 700])
def test_many_blocks_are_as_one(method, n_channels):
    rng = np.random.default_rng(1)
    X = 5 + rng.normal(size=(2 * BLOCK // n_channels + 7, n_channels)) * rng.uniform(
        size=n_channels
    )
    theirs = {"standard": StandardScaler(), "minmax": MinMaxScaler(), "robust": None}[method]
    scaled = SequenceScaler(method).fit_transform(X[np.newaxis])[0]
    if theirs is None:
        low, middle, high = np.percentile(X, [25, 50, 75], 0, method="averaged_inverted_cdf")
        expected = (X - middle) / (high - low)
    else:
        expected = theirs.fit_transform(X)
    np.testing.assert_allclose(scaled, expected, rtol=1e-9, atol=1e-12)


@each_method
def test_a_channel_without_spread_is_only_centred(method):
    X = np.full((3, 4, 1), 0.1)
    scaler = SequenceScaler(method).fit(X)
    assert scaler.scale_ == 1
    assert not scaler.transform(X).any()


@each_method
@pytest.mark.parametrize("in_windows", [False, True])
def test_a_weight_of_a_step_is_its_repetition(method, in_windows):
    rng = np.random.default_rng(0)
    X = Windows(rng.normal(size=(16, 2)), [0, 1, 8, 5, 2], 4) if in_windows else make_samples()
    copies = [np.asarray(x) for x in X]
    weight = [rng.integers(0, 4, len(x)).astype(float) for x in copies]
    scaler = SequenceScaler(method).fit(X, sample_weight=weight)
    repeated = [np.repeat(x, w.astype(int), 0) for x, w in zip(copies, weight, strict=True)]
    plain = SequenceScaler(method).fit([np.concatenate(repeated)])
    for name in ("center_", "scale_"):
        np.testing.assert_allclose(getattr(scaler, name), getattr(plain, name), rtol=1e-12)


@each_method
@pytest.mark.parametrize("weighted", [False, True])
def test_windows_are_scaled_as_their_copy_is(method, weighted):
    table = np.random.default_rng(0).normal(size=(16, 2))
    table[12:] = 99, -99  # in no window
    X = Windows(table, [0, 1, 8, 5, 2], 4)
    w = [0.1, 0.7, 0, 0.3, 1.1] if weighted else None
    ours, plain = (SequenceScaler(method).fit(x, sample_weight=w) for x in (X, np.asarray(X)))
    for name in LEARNED:
        np.testing.assert_allclose(getattr(ours, name), getattr(plain, name), rtol=1e-12)
    scaled = ours.transform(X)
    assert isinstance(scaled, Windows)
    assert scaled.table.shape == table.shape
    np.testing.assert_allclose(scaled, plain.transform(np.asarray(X)), rtol=1e-12, atol=1e-15)


def test_overlapping_arrays_still_overlap_when_scaled():
    series = np.random.default_rng(0).normal(size=50)
    X = np.lib.stride_tricks.sliding_window_view(series, 10)[::2, :, np.newaxis]
    scaled = SequenceScaler().fit_transform(X)
    assert scaled.strides[:2] == (16, 8)
    np.testing.assert_allclose(scaled, SequenceScaler().fit_transform(X.copy()), rtol=1e-12)


@pytest.mark.parametrize(
    ("X", "weight", "message"),
    [
        ([np.array([[1e200] * 2, [-1e200] * 2])], None, "overflows"),
        (make_samples(), [1.0, 2.0], "sample_weight.shape"),
        (make_samples(), np.zeros(5), "at least one (non-zero|must be positive)"),
        (np.full((3, 4, 2), np.nan), None, "NaN at every time step"),
    ],
    ids=["overflow", "too few weights", "no weight", "missing values"],
)
def test_a_fit_that_fails_leaves_the_scaler_as_it_was(X, weight, message):
    scaler = SequenceScaler().fit(make_samples())
    before = dict(vars(scaler))
    for method in (scaler.fit, scaler.partial_fit):
        with pytest.raises(ValueError, match=message):
            method(X, sample_weight=weight)
        assert vars(scaler) == before
    unfitted = SequenceScaler()
    with pytest.raises(ValueError, match=message):
        unfitted.fit(X, sample_weight=weight)
    assert vars(unfitted) == vars(SequenceScaler())


@pytest.mark.parametrize("method", ["standard", "minmax"])
def test_a_spread_that_overflows_is_an_error(method):
    with pytest.raises(ValueError, match=r"spread of a channel overflows.*Divide X by a constant"):
        SequenceScaler(method).fit(np.array([[-1.7e308, 1.7e308]]))


def test_channels_are_checked_at_transform():
    scaler = SequenceScaler().fit(make_samples())
    with pytest.raises(ValueError, match="X has 3 channels per time step, but SequenceScaler was"):
        scaler.transform(np.zeros((2, 4, 3)))
    with pytest.raises(ValueError, match="n_channels"):
        SequenceScaler(n_channels=3).fit(np.zeros((2, 4)))


@pytest.mark.parametrize("form", RAGGED_FORMS)
def test_feature_names_out_are_the_channels(form):
    scaler = SequenceScaler().fit(RAGGED_FORMS[form](make_samples()))
    names = ["a", "b"] if "frame" in form else ["x0", "x1"]
    assert list(scaler.get_feature_names_out()) == names


@pytest.mark.parametrize("form", RAGGED_FORMS)
def test_runs_inside_cross_validation(form):
    X = RAGGED_FORMS[form](make_samples())
    probe = make_pipeline(SequenceScaler(), MeanOfSequences())
    assert cross_val_predict(probe, X, np.arange(5.0), cv=5).shape == (5,)


class MeanOfSequences(SequenceScaler):
    """A predictor as small as can be: the mean of every sequence."""

    def predict(self, X):
        sequences = read_sequences(self, X, reset=False)
        return np.array([sequences.rows(i).mean() for i in range(sequences.n_samples)])


SCALERS = [
    SequenceScaler(),
    SequenceScaler(with_centering=False),
    SequenceScaler(with_scaling=False),
    SequenceScaler("minmax"),
    SequenceScaler("robust"),
]


@pytest.mark.parametrize("scaler", SCALERS, ids=repr)
def test_scikit_learn_accepts_it_without_exception(scaler):
    results = check_estimator(scaler, on_fail=None, on_skip=None)
    exceptions = [r for r in results if r["status"] not in ("passed", "skipped")]
    assert not exceptions
    assert {r["check_name"] for r in results if r["status"] == "skipped"} <= {
        "check_array_api_input"  # runs where SCIPY_ARRAY_API=1 was set before scipy's import
    }
    assert len(results) > 50


@pytest.mark.parametrize(
    "check",
    [
        check_dataframe_column_names_consistency,
        check_param_validation,
        check_transformer_get_feature_names_out,
        check_transformer_preserve_dtypes,
        check_set_output_transform,
    ],
)
def test_scikit_learn_checks_its_own_transformers_on(check):
    check("SequenceScaler", clone(SCALERS[0]))


def test_parameters_are_checked_at_every_fit():
    scaler = SequenceScaler().fit(make_samples())
    with pytest.raises(ValueError, match="The 'n_channels' parameter of SequenceScaler must be"):
        scaler.set_params(n_channels=0).fit(make_samples())


def test_tags_tell_what_it_takes_and_gives():
    tags = get_tags(SequenceScaler())
    assert tags.input_tags.three_d_array
    assert set(tags.transformer_tags.preserves_dtype) == {"float64", "float32"}


# --- missing values ------------------------------------------------------------------------------


def with_gaps():
    rng = np.random.default_rng(0)
    values = rng.normal([5.0, -3.0], [2.0, 0.1], size=(12, 7, 2))
    missing = rng.uniform(size=values.shape) < 0.3
    missing[3, :, 0] = True
    missing[5] = False
    missing[5, -2:] = True  # padding
    return np.where(missing, np.nan, values)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("method", ["standard", "minmax", "robust"])
def test_statistics_are_those_of_the_values_that_are_there(method, weighted):
    X = with_gaps()
    weight = np.arange(12.0) % 4 if weighted else None
    scaler = SequenceScaler(method).fit(X, sample_weight=weight)
    for channel in range(2):
        kept = [x[~np.isnan(x[:, channel]), channel] for x in X]
        some = np.array([len(x) > 0 for x in kept])
        one = [x[:, np.newaxis] for x in kept if len(x)]
        alone = SequenceScaler(method).fit(
            one, sample_weight=None if weight is None else weight[some]
        )
        np.testing.assert_allclose(scaler.center_[channel], alone.center_[0], rtol=1e-13)
        np.testing.assert_allclose(scaler.scale_[channel], alone.scale_[0], rtol=1e-13)
        assert scaler.n_steps_seen_[channel] == alone.n_steps_seen_


def test_missing_values_stay_missing():
    X = with_gaps()
    scaler = SequenceScaler().fit(X)
    scaled = scaler.transform(X)
    np.testing.assert_array_equal(np.isnan(scaled), np.isnan(X))
    np.testing.assert_allclose(scaler.inverse_transform(scaled), X)


@pytest.mark.parametrize("method", ["standard", "minmax"])
def test_partial_fit_merges_channels_with_and_without_gaps(method):
    X = with_gaps()
    X[:3, :, 1] = np.nan  # no value at all at first
    whole = SequenceScaler(method).fit(X)
    parts = SequenceScaler(method)
    for part in (X[:3], X[3:8], X[8:]):
        parts.partial_fit(part)
    np.testing.assert_allclose(parts.center_, whole.center_, rtol=1e-13)
    np.testing.assert_allclose(parts.scale_, whole.scale_, rtol=1e-13)
    np.testing.assert_array_equal(parts.n_steps_seen_, whole.n_steps_seen_)


@pytest.mark.parametrize("method", ["standard", "minmax", "robust"])
def test_a_channel_without_any_value_is_left_alone(method):
    X = [np.array([[1.0, np.nan], [3.0, np.nan]]), np.array([[2.0, np.nan]])]
    scaler = SequenceScaler(method).fit(X)
    assert scaler.center_[1] == 0
    assert scaler.scale_[1] == 1
    np.testing.assert_array_equal(scaler.transform([[[1.0, 7.0]]])[0][0, 1], 7.0)


def test_infinity_is_refused_beside_missing_values():
    with pytest.raises(ValueError, match="X contains infinity"):
        SequenceScaler().fit([np.array([np.nan, np.inf])])
