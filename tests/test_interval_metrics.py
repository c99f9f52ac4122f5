"""Metrics of quantiles and intervals have the values of their formulas."""

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.metrics import make_scorer, mean_pinball_loss
from sklearn.model_selection import cross_val_score

from skrnn import RNNRegressor
from skrnn.metrics import coverage, interval_score, make_step_scorer, pinball, score_steps

RNG = np.random.default_rng(0)
Y = RNG.normal(size=50)
LEVELS = [0.05, 0.5, 0.95]
COLUMNS = RNG.normal(size=(50, 3))
WEIGHT = RNG.uniform(0.5, 2, size=50)
METRICS = {
    "pinball": lambda *y, **options: pinball(*y, quantile=LEVELS, **options),
    "coverage": coverage,
    "interval_score": lambda *y, **options: interval_score(*y, confidence_level=0.9, **options),
}
each_metric = pytest.mark.parametrize("name", METRICS)


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["plain", "weighted"])
def test_pinball_is_scikit_learns_at_every_level(weight):
    expected = [
        mean_pinball_loss(Y, column, alpha=level, sample_weight=weight)
        for column, level in zip(COLUMNS.T, LEVELS, strict=True)
    ]
    options = {"quantile": LEVELS, "sample_weight": weight}
    found = pinball(Y, COLUMNS, per_level=True, **options)
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert pinball(Y, COLUMNS, **options) == pytest.approx(np.mean(expected), rel=1e-12)


@pytest.mark.parametrize("y_pred", [COLUMNS[:, 0], COLUMNS[:, :1]], ids=["vector", "column"])
def test_pinball_of_a_single_level(y_pred):
    expected = mean_pinball_loss(Y, COLUMNS[:, 0], alpha=0.3)
    assert pinball(Y, y_pred, quantile=0.3) == pytest.approx(expected, rel=1e-12)


def test_coverage_counts_the_ends_and_nothing_where_they_cross():
    intervals = [[0, 1], [0, 1], [0, 1], [1, 0]]
    assert coverage([0.0, 1.0, 1.1, 0.5], intervals) == 0.5


def test_columns_between_the_ends_are_not_looked_at():
    ends = COLUMNS[:, [0, 2]]
    assert coverage(Y, COLUMNS) == coverage(Y, ends)
    assert METRICS["interval_score"](Y, COLUMNS) == METRICS["interval_score"](Y, ends)


def test_interval_score_worked_out_by_hand():
    scores = [3, 1 + 10 * 2, 2 + 10 * 0.5]  # inside, two below, half a unit above
    found = interval_score([1.0, 0.0, 5.5], [[0, 3], [2, 3], [3, 5]], confidence_level=0.8)
    assert found == pytest.approx(np.mean(scores))


def test_interval_score_is_the_pinball_losses_of_its_ends():
    ends = np.sort(COLUMNS[:, [0, 2]], axis=1)
    of_ends = pinball(Y, ends, quantile=[0.05, 0.95], per_level=True).sum()
    found = interval_score(Y, ends, confidence_level=0.9)
    assert found == pytest.approx(of_ends * 2 / 0.1, rel=1e-12)


def test_the_true_quantiles_have_the_smallest_scores():
    y = np.random.default_rng(1).normal(size=4000)
    true = np.broadcast_to(norm.ppf([0.05, 0.95]), (4000, 2))
    for wrong in (true * 0.7, true * 1.3, true + 0.4):
        for metric, options in (
            (interval_score, {"confidence_level": 0.9}),
            (pinball, {"quantile": [0.05, 0.95]}),
        ):
            assert metric(y, true, **options) < metric(y, wrong, **options)


@each_metric
def test_a_weight_is_a_repetition(name):
    times = 1 + np.arange(50) % 3
    weighted = METRICS[name](Y, COLUMNS, sample_weight=times)
    repeated = METRICS[name](np.repeat(Y, times), np.repeat(COLUMNS, times, axis=0))
    assert weighted == pytest.approx(repeated, rel=1e-12)


@each_metric
def test_several_outputs_count_alike(name):
    y, y_pred = np.column_stack([Y, 2 * Y]), np.stack([COLUMNS, COLUMNS + 1], axis=1)
    one_by_one = [METRICS[name](y[:, k], y_pred[:, k], sample_weight=WEIGHT) for k in (0, 1)]
    found = METRICS[name](y, y_pred, sample_weight=WEIGHT)
    assert found == pytest.approx(np.mean(one_by_one), rel=1e-12)


@each_metric
def test_it_scores_an_estimator(name):
    X = RNG.normal(size=(40, 4, 1))
    options = {"pinball": {"quantile": LEVELS}, "interval_score": {"confidence_level": 0.9}}
    metric = {"pinball": pinball, "coverage": coverage, "interval_score": interval_score}[name]
    scoring = make_scorer(metric, **options.get(name, {}))
    est = RNNRegressor(8, loss="quantile", quantile=LEVELS, random_state=0)
    scores = cross_val_score(est, X, X[:, -1, 0], scoring=scoring, cv=2)
    assert np.isfinite(scores).all()


@each_metric
def test_it_scores_every_time_step(name):
    y_true = [Y[:20], Y[20:]]
    y_pred = np.array([COLUMNS[:20], COLUMNS[20:]], dtype=object)
    found = score_steps(METRICS[name], y_true, y_pred)
    assert found == pytest.approx(METRICS[name](Y, COLUMNS), rel=1e-12)


def test_a_step_scorer_takes_it():
    X = RNG.normal(size=(30, 4, 1))
    est = RNNRegressor(8, loss="quantile", quantile=LEVELS, return_sequences=True, random_state=0)
    scorer = make_step_scorer(coverage)
    score = scorer(est.fit(X, X[:, :, 0]), X, X[:, :, 0])
    assert score == coverage(X[:, :, 0].ravel(), est.predict(X).reshape(-1, 3))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: coverage(Y, Y), ValueError, r"its last axis must be the two ends"),
        (lambda: coverage(Y, COLUMNS[:, :1]), ValueError, r"shape \(50, 1\) holds no intervals"),
        (lambda: coverage(Y, COLUMNS[:-1]), ValueError, "inconsistent numbers of samples"),
        (lambda: coverage(Y[:, None], COLUMNS), ValueError, "holds no intervals"),
        (lambda: coverage([np.nan, 1], [[0, 1], [0, 1]]), ValueError, "y_true contains NaN"),
        (lambda: coverage(np.zeros((2, 2, 2)), COLUMNS), ValueError, "score_steps"),
        (
            lambda: coverage(Y, COLUMNS, sample_weight=0 * WEIGHT),
            ValueError,
            "weights are zero|one non-zero",
        ),
        (lambda: coverage(Y, COLUMNS, sample_weight=-WEIGHT), ValueError, "[Nn]egative"),
        (lambda: pinball(Y, COLUMNS, quantile=[0.1, 0.9]), ValueError, r"have shape \(50, 2\)"),
        (lambda: pinball(Y, COLUMNS, quantile=[0.1, 0.1, 0.9]), ValueError, "every level once"),
        (lambda: pinball(Y, Y, quantile="0.5"), TypeError, "got '0.5'"),
        (
            lambda: interval_score(Y, COLUMNS, confidence_level=90),
            ValueError,
            r"confidence_level must .* in \(0, 1\); got 90",
        ),
    ],
    ids=[
        "vector",
        "one column",
        "length",
        "outputs",
        "nan",
        "steps",
        "no weight",
        "negative",
        "levels",
        "repeated",
        "text",
        "percent",
    ],
)
def test_bad_arguments_are_named(call, error, message):
    with pytest.raises(error, match=message):
        call()
