"""The parameter `missing_values`: gaps in every form of X, in fit, predict and what follows."""

from __future__ import annotations

import pickle
from functools import partial
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from sequence_forms import EQUAL_FORMS, RAGGED_FORMS
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.utils import get_tags

from skrnn import RNNClassifier, RNNRegressor
from skrnn.estimators._outcome import channel_rms
from skrnn.inspection import (
    diagnose,
    gradient_flow,
    hidden_states,
    input_attributions,
    permutation_importance,
    unrolled,
)
from skrnn.preprocessing import HiddenStates, SequenceScaler, TokenEncoder, Windows

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning",
    "ignore::skrnn.core.training.NotLearntWarning",
)

NAN = np.nan
N_SAMPLES = 12
Y = np.arange(N_SAMPLES) % 2
SMALL = {"hidden_layer_sizes": 3, "max_iter": 3, "random_state": 0}
small_classifier = partial(RNNClassifier, **SMALL)
small_regressor = partial(RNNRegressor, **SMALL)
ESTIMATORS = [small_classifier, small_regressor]
IDS = ["classifier", "regressor"]


def samples(lengths=(6, 4, 5) * 4, dtype=np.float64):
    rng = np.random.default_rng(0)
    return [rng.normal(size=(length, 2)).astype(dtype) for length in lengths]


def gappy(lengths=(6, 4, 5) * 4, dtype=np.float64, channels=(0, 1)):
    """Samples with gaps, but with a value in their last step."""
    rng, X = np.random.default_rng(1), samples(lengths, dtype)
    for sample in X:
        missing = rng.uniform(size=sample.shape) < 0.4
        missing[:, [c for c in range(2) if c not in channels]] = False
        missing[-1] = False
        sample[missing] = NAN
    X[0][0, channels[0]] = NAN
    return X


def vector(estimator):
    return estimator.network_.parameters.vector


def decay_of(estimator):
    return estimator.network_.architecture.decay


def carried(values, mean):
    """Fill the gaps of one channel by hand."""
    filled, last = [], mean
    for value in values:
        last = last if np.isnan(value) else value
        filled.append(last)
    return np.array(filled)


# --- nothing is missing --------------------------------------------------------------------------


@pytest.mark.parametrize("return_sequences", [False, True])
@pytest.mark.parametrize("make", ESTIMATORS, ids=IDS)
def test_without_gaps_the_network_is_the_same_to_the_bit(make, return_sequences):
    X = np.stack(samples([6] * N_SAMPLES))
    y = np.repeat(Y[:, np.newaxis], 6, axis=1) if return_sequences else Y
    fits = [
        make(missing_values=value, return_sequences=return_sequences).fit(X, y)
        for value in ("decay", "error")
    ]
    np.testing.assert_array_equal(*map(vector, fits))
    np.testing.assert_array_equal(*(fit.predict(X) for fit in fits))
    assert decay_of(fits[0]).columns == ()
    assert decay_of(fits[1]) is None


def test_a_padded_array_has_no_gaps():
    padded = RAGGED_FORMS["padded 3-D"](samples())
    estimator = small_classifier().fit(padded, Y)
    assert decay_of(estimator).columns == ()
    np.testing.assert_array_equal(vector(estimator), vector(small_classifier().fit(samples(), Y)))


# --- gaps in fit ---------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("form", RAGGED_FORMS)
def test_every_ragged_form_is_read_alike(form, dtype):
    """Five samples, as these forms' labels are five; lists of Python's floats are float64."""
    samples = gappy((6, 4, 5, 3, 6), dtype)
    expected = small_classifier().fit(samples, Y[:5])
    X = RAGGED_FORMS[form](samples)
    estimator = small_classifier().fit(X, Y[:5])
    assert decay_of(estimator).columns == (0, 1)
    if vector(estimator).dtype == dtype:
        np.testing.assert_array_equal(vector(estimator), vector(expected))
    np.testing.assert_allclose(
        estimator.predict_proba(X), expected.predict_proba(samples), rtol=1e-4
    )


@pytest.mark.parametrize("form", EQUAL_FORMS)
def test_every_form_of_one_length_is_read_alike(form):
    X = gappy([5] * N_SAMPLES)
    expected = small_classifier().fit(X, Y)
    n_channels = 2 if form.startswith("2-D") else 1
    estimator = small_classifier(n_channels=n_channels).fit(EQUAL_FORMS[form](X), Y)
    np.testing.assert_array_equal(vector(estimator), vector(expected))


def test_windows_are_read_as_what_they_hold():
    table = np.random.default_rng(0).normal(size=(N_SAMPLES + 4, 1))
    table[[2, 3, 9]] = NAN
    windows = Windows(table, np.arange(N_SAMPLES), 5)
    # Of which none ends in a gap: padding is not meant.
    estimator = small_regressor(shuffle=False).fit(windows, Y)
    plain = small_regressor(shuffle=False).fit(list(windows), Y)
    np.testing.assert_allclose(decay_of(estimator).means, decay_of(plain).means, rtol=1e-12)
    np.testing.assert_allclose(estimator.predict(windows), plain.predict(list(windows)), rtol=1e-6)


def test_means_are_weighted_and_of_what_is_there():
    X = [np.array([1.0, NAN]), np.array([3.0, 3.0]), np.array([NAN, 50.0])]
    estimator = small_classifier().fit(X, [0, 1, 0], sample_weight=[2.0, 1.0, 0.0])
    assert decay_of(estimator).means == pytest.approx([2.0])


def test_gaps_without_weight_are_no_gaps():
    X = [np.array([1.0, 2.0]), np.array([3.0, 3.0]), np.array([NAN, 50.0])]
    estimator = small_classifier().fit(X, [0, 1, 0], sample_weight=[2.0, 1.0, 0.0])
    assert decay_of(estimator).columns == ()


def test_a_weight_is_a_repetition_to_the_bit():
    X = gappy()
    weighted = small_classifier().fit(X, Y, sample_weight=np.arange(N_SAMPLES) % 3)
    repeated = np.repeat(np.arange(N_SAMPLES), np.arange(N_SAMPLES) % 3)
    twice = small_classifier().fit([X[i] for i in repeated], Y[repeated])
    np.testing.assert_array_equal(vector(weighted), vector(twice))


def test_the_bits_of_nan_mean_nothing():
    X = gappy()
    other = [np.where(np.isnan(x), -np.abs(x), x) for x in X]
    np.testing.assert_array_equal(
        vector(small_classifier().fit(X, Y)), vector(small_classifier().fit(other, Y))
    )


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"bidirectional": True},
        {"hidden_layer_sizes": (3, 2)},
        {"differences": True},
        {"frame_length": 3, "frame_stride": 2, "frame_units": 4},
        {"differences": True, "frame_length": 2},
        {"bptt_steps": 2},
        {"dropout": 0.3},
        {"optimizer": "lbfgs"},
        {"early_stopping": True, "validation_fraction": 0.4},
        {"readout": ("last", "mean", "attention")},
    ],
    ids=repr,
)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_every_network_takes_gaps_and_no_answer_depends_on_others(parameters, dtype):
    X = gappy(dtype=dtype)
    estimator = small_classifier(**parameters).fit(X, Y)
    probabilities = estimator.predict_proba(X)
    assert np.isfinite(probabilities).all()
    alone = np.concatenate([estimator.predict_proba([x]) for x in X])
    np.testing.assert_allclose(alone, probabilities, rtol=1e-6 if dtype == np.float32 else 1e-13)


def test_a_target_at_every_step():
    X = gappy()
    y = [x[:, 0] > 0 for x in samples()]
    estimator = small_classifier(return_sequences=True).fit(X, y)
    assert [len(one) for one in estimator.predict(X)] == [len(x) for x in X]


def test_a_regressor_finds_what_the_gaps_say():
    """The value that counts is missing half of the time; what is missing tells the rest."""
    rng = np.random.RandomState(0)
    X = rng.normal(size=(300, 6, 1))
    gone = rng.uniform(size=300) < 0.5
    X[gone, 2, 0] = NAN
    reg = RNNRegressor(16, random_state=0).fit(X[:200], gone[:200].astype(float))
    assert reg.score(X[200:], gone[200:].astype(float)) > 0.9


# --- gaps that come later ------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["list", "frame of arrays", "padded 3-D"])
@pytest.mark.parametrize("make", ESTIMATORS, ids=IDS)
def test_the_last_value_is_carried_on_where_there_were_no_gaps_in_fit(make, form):
    estimator = make(bidirectional=True).fit(RAGGED_FORMS[form](samples()), Y)
    means = np.concatenate(samples()).mean(axis=0)
    filled = [np.column_stack([carried(x[:, j], means[j]) for j in range(2)]) for x in gappy()]
    np.testing.assert_allclose(
        estimator.predict(RAGGED_FORMS[form](gappy())),
        estimator.predict(RAGGED_FORMS[form](filled)),
        rtol=1e-12,
    )


def test_the_last_value_is_carried_on_in_a_channel_without_gaps_in_fit():
    estimator = small_regressor().fit(gappy(channels=(1,)), Y)
    assert decay_of(estimator).columns == (1,)
    mean, X = np.concatenate(samples())[:, 0].mean(), gappy()
    filled = [np.column_stack([carried(x[:, 0], mean), x[:, 1]]) for x in X]
    np.testing.assert_allclose(estimator.predict(X), estimator.predict(filled), rtol=1e-12)


def test_windows_do_not_see_what_is_before_them():
    table = np.random.default_rng(0).normal(size=(20, 1))
    estimator = small_regressor().fit(Windows(table, np.arange(N_SAMPLES), 4), Y)
    table[[5, 6]] = NAN
    windows = Windows(table, np.arange(15), 4)
    np.testing.assert_array_equal(estimator.predict(windows), estimator.predict(list(windows)))


def test_a_sequence_without_any_value_is_one_of_means():
    estimator = small_regressor().fit(samples(), Y)
    means = np.concatenate(samples()).mean(axis=0)
    np.testing.assert_allclose(
        estimator.predict([np.full((3, 2), NAN)]), estimator.predict([np.tile(means, (3, 1))])
    )


@pytest.mark.parametrize("incremental", [False, True])
def test_a_fit_that_goes_on_keeps_gaps_and_means_of_the_first(incremental):
    first, later = gappy(channels=(1,)), gappy()
    estimator = small_classifier(warm_start=not incremental)
    if incremental:
        estimator.partial_fit(first, Y, classes=[0, 1])
        before = decay_of(estimator)
        estimator.partial_fit(later, Y)
    else:
        estimator.fit(first, Y)
        before = decay_of(estimator)
        estimator.fit(later, Y)
    assert decay_of(estimator) == before
    assert before.columns == (1,)
    assert np.isfinite(estimator.predict_proba(later)).all()


def test_a_fit_that_goes_on_cannot_change_the_parameter():
    estimator = small_classifier(warm_start=True).fit(gappy(), Y)
    with pytest.raises(ValueError, match=r"missing_values.*shape the weights"):
        estimator.set_params(missing_values="error").fit(samples(), Y)


@pytest.mark.parametrize("X", [samples(), gappy(channels=(1,))], ids=["none", "some"])
def test_a_validation_set_with_gaps(X):
    estimator = small_classifier(early_stopping=True).fit(X, Y, X_val=gappy(), y_val=Y)
    assert np.isfinite(estimator.validation_loss_curve_).all()


def test_predictions_follow_what_was_fitted():
    takes, refuses = small_classifier().fit(gappy(), Y), small_classifier(missing_values="error")
    refuses.fit(samples(), Y).set_params(missing_values="decay")
    expected = takes.predict_proba(gappy())
    takes.set_params(missing_values="error")
    np.testing.assert_array_equal(takes.predict_proba(gappy()), expected)
    diagnose(takes, gappy(), Y)
    for call in (refuses.predict, lambda X: refuses.score(X, Y), lambda X: diagnose(refuses, X, Y)):
        with pytest.raises(ValueError, match="X contains NaN at sample"):
            call(gappy())
    with pytest.raises(ValueError, match="X contains NaN at sample"):
        takes.set_params(warm_start=True).fit(gappy(), Y)


# --- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["list", "padded 3-D", "frame of arrays"])
@pytest.mark.parametrize("value", ["error", "decay"])
def test_infinity_is_refused(value, form):
    X = gappy() if value == "decay" else samples()
    X[1][2, 0] = np.inf
    with pytest.raises(ValueError, match=r"infinity \(inf\) at sample 1, time step 2"):
        small_classifier(missing_values=value).fit(RAGGED_FORMS[form](X), Y)


def test_nan_is_refused_where_it_is_an_error():
    estimator = small_classifier(missing_values="error").fit(samples(), Y)
    message = "X contains NaN.*missing_values='decay'.*SequenceImputer"
    for X in (gappy(), np.full((1, 2, 2), NAN, dtype=object), Windows(gappy()[0], [0], 2)):
        with pytest.raises(ValueError, match=f"{message}|NaN at every time step"):
            estimator.predict(X)


def test_a_missing_id_is_refused():
    ids = [np.array([[1.0, 0.5], [NAN, 0.5]])] * 4
    with pytest.raises(ValueError, match="nan at sample 0, time step 1, channel 0, where an id is"):
        small_classifier(embedding_dim={0: 2}).fit(ids, [0, 1, 0, 1])
    fitted = small_classifier(embedding_dim={0: 2}).fit(np.nan_to_num(ids), [0, 1, 0, 1])
    with pytest.raises(ValueError, match="where an id is missing"):
        fitted.predict(ids)


@pytest.mark.parametrize("value", ["mean", None, True])
def test_a_wrong_value(value):
    with pytest.raises(ValueError, match="'missing_values' parameter"):
        small_classifier(missing_values=value).fit(samples(), Y)


# --- beside other parts --------------------------------------------------------------------------


def test_numbers_beside_tokens():
    frame = pd.DataFrame(
        {
            "word": [np.array(list("abc")[: len(x) % 3 + 1], object) for x in samples()],
            "size": [x[: len(x) % 3 + 1, 0] for x in gappy()],
        }
    )
    model = make_pipeline(
        TokenEncoder(), small_classifier(embedding_dim={"word": 2}, n_tokens={"word": 5})
    )
    model.fit(frame, Y)
    assert decay_of(model[-1]).columns == (2,)
    assert np.isfinite(model.predict_proba(frame)).all()


def test_a_pipeline_a_search_and_a_pickle():
    model = make_pipeline(SequenceScaler(), small_classifier())
    scores = cross_val_score(model, gappy(), Y, cv=2, error_score="raise")
    assert np.isfinite(scores).all()
    grid = {"rnnclassifier__missing_values": ["decay"], "rnnclassifier__hidden_layer_sizes": [2, 3]}
    search = GridSearchCV(model, grid, cv=2, error_score="raise").fit(gappy(), Y)
    again = pickle.loads(pickle.dumps(search))
    np.testing.assert_array_equal(again.predict_proba(gappy()), search.predict_proba(gappy()))


def test_tags():
    for cls in (RNNClassifier, RNNRegressor):
        assert get_tags(cls()).input_tags.allow_nan
        assert not get_tags(cls(missing_values="error")).input_tags.allow_nan
        assert not get_tags(cls(embedding_dim=3)).input_tags.allow_nan
        assert get_tags(cls(embedding_dim={0: 3})).input_tags.allow_nan


# --- inspection ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def fitted():
    return small_classifier(bidirectional=False).fit(gappy(), Y)


@pytest.mark.parametrize("method", ["gradient_x_input", "integrated_gradients", "occlusion"])
def test_attributions_of_gaps_are_zero(fitted, method):
    X = gappy()
    for x, one in zip(X, input_attributions(fitted, X, method), strict=True):
        np.testing.assert_array_equal(one[np.isnan(x)], 0)
        assert np.abs(one[~np.isnan(x)]).sum() > 0


def test_integrated_gradients_add_up_to_the_change_from_a_baseline_with_the_same_gaps(fitted):
    X = gappy()
    baseline = [np.where(np.isnan(x), NAN, 0.0) for x in X]
    sums = [one.sum() for one in input_attributions(fitted, X, target=1)]
    change = fitted.decision_function(X) - fitted.decision_function(baseline)
    np.testing.assert_allclose(sums, change, rtol=1e-6, atol=1e-9)


def test_inspection_takes_gaps(fitted):
    X = gappy()
    assert np.isfinite(gradient_flow(fitted, X, Y).norms).all()
    assert np.isfinite(np.concatenate(list(hidden_states(fitted, X).layers[0].h))).all()
    assert permutation_importance(fitted, X, Y, n_repeats=2).importances.shape == (2, 2)
    assert np.isfinite(HiddenStates(fitted).fit(X, Y).transform(X)).all()


@pytest.mark.parametrize(("size", "found"), [(1.0, False), (1000.0, True)])
def test_a_diagnosis_looks_at_the_size_of_what_is_there(size, found):
    X = [size * x for x in gappy()]
    report = diagnose(small_classifier().fit(X, Y), X, Y)
    sizes = [f.evidence for f in report.findings if f.name == "inputs not scaled"]
    assert bool(sizes) == found
    if found:
        values = np.concatenate(X)
        rms = np.sqrt(np.nanmean(values**2, axis=0)).max()
        assert sizes[0]["largest channel rms"] == pytest.approx(rms)


def test_unrolled_shows_what_the_layer_reads(fitted):
    net = unrolled(fitted, gappy(), 0, Y)
    layer = net.layers[0].forward
    np.testing.assert_array_equal(layer.x[:, 2:], 0.3 * np.isnan(net.x))
    assert np.isfinite(layer.x).all()
    total = layer.contributions["W_x"].sum(axis=0)
    np.testing.assert_allclose(total, layer.gradient["W_x"])


def test_an_unfitted_network_is_inspected_with_gaps():
    assert np.isfinite(gradient_flow(small_classifier(), gappy(), Y).norms).all()


def test_large_weights_are_warned_of_by_the_size_of_what_is_there():
    """What the check at the end of a fit looks at, with gaps and with weights of windows."""
    table = np.array([[3.0], [NAN], [4.0], [1.0], [70.0]])
    windows = Windows(table, [0, 1], 3)  # rows 1 and 2 are in both, row 4 in none
    estimator = small_regressor().fit(windows, [0.0, 1.0])
    data = SimpleNamespace(sequences=estimator._read(windows, reset=False))
    # Of 3, 4 and 4 again, and 1.
    expected = np.sqrt((9 + 16 + 16 + 1) / 4)
    assert channel_rms(estimator, data) == pytest.approx([expected])
