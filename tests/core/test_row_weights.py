"""Losses in which single outputs of a row weigh less, or nothing."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import approx_fprime

from skrnn.core.losses import (
    LOSSES,
    BaseLoss,
    SquaredError,
    best_constant,
    mean_over_outputs,
    n_raw_of,
)
from skrnn.core.probes import probe_single_outputs
from skrnn.core.row_weights import by_output, total_weight

# Those of several outputs.
SEVERAL = [name for name in LOSSES if name != "softmax_cross_entropy"]


def example(name):
    """Return a loss, raw predictions, targets within its interval and weights of outputs."""
    loss, rng = LOSSES[name](), np.random.default_rng(0)
    y = rng.uniform(0.2, 2, size=(6, 3))
    if loss.interval.high == 1:
        y = (y > 1).astype(float)
    weight = rng.uniform(0.5, 2, size=(6, 3)) * (rng.random((6, 3)) < 0.6)
    return loss, rng.normal(size=(6, 3 * n_raw_of(loss))), y, weight


@pytest.mark.parametrize("name", SEVERAL)
def test_equal_weights_of_outputs_are_those_of_their_row(name):
    loss, raw, y, weight = example(name)
    rows = weight[:, 0]
    value, d_raw = loss(raw, y, rows)
    of_outputs, d_of_outputs = loss(raw, y, np.repeat(rows[:, None], 3, axis=1))
    assert of_outputs == pytest.approx(value, rel=1e-12)
    np.testing.assert_allclose(d_of_outputs, d_raw, rtol=1e-12)


@pytest.mark.parametrize("name", SEVERAL)
def test_an_output_without_weight_has_no_loss_and_no_gradient(name):
    loss, raw, y, weight = example(name)
    other = np.where(weight > 0, y, 1 - y if loss.interval.high == 1 else y + 0.5)
    value, d_raw = loss(raw, y, weight)
    assert value == loss(raw, other, weight)[0]
    np.testing.assert_array_equal(d_raw, loss(raw, other, weight)[1])
    without = np.repeat(weight == 0, n_raw_of(loss), axis=1)
    assert (d_raw[without] == 0).all()
    assert np.count_nonzero(d_raw) > 0


@pytest.mark.parametrize("name", SEVERAL)
def test_the_gradient_of_weighted_outputs(name):
    loss, raw, y, weight = example(name)
    numerical = approx_fprime(
        raw.ravel(), lambda flat: loss(flat.reshape(raw.shape), y, weight)[0], 1e-7
    )
    np.testing.assert_allclose(loss(raw, y, weight)[1].ravel(), numerical, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", SEVERAL)
def test_every_output_alone_adds_up(name):
    loss, raw, y, weight = example(name)
    value, d_raw = loss(raw, y, weight)
    parts = [loss(raw, y, weight * (np.arange(3) == k)) for k in range(3)]
    assert sum(part for part, _ in parts) == pytest.approx(value, rel=1e-12)
    np.testing.assert_allclose(sum(of_part for _, of_part in parts), d_raw, rtol=1e-12)


@pytest.mark.parametrize("name", SEVERAL)
def test_every_registered_loss_passes_the_probe(name):
    loss, _, y, _ = example(name)
    for dtype in (np.float32, np.float64):
        probe_single_outputs(loss, y.astype(dtype), 3 * n_raw_of(loss), np.dtype(dtype))


class Rows(BaseLoss):
    """Weighs whole rows, as a column."""

    def __call__(self, raw_prediction, y, sample_weight):
        error = raw_prediction - y
        weight = (sample_weight / error.shape[1])[:, np.newaxis]
        return float((0.5 * error * error * weight).sum()), error * weight


class Largest(BaseLoss):
    """Takes the largest weight of a row for all of its outputs."""

    def __call__(self, raw_prediction, y, sample_weight):
        weight = sample_weight.reshape(len(y), -1).max(axis=1)
        error = raw_prediction - y
        return mean_over_outputs(0.5 * error * error, error, weight)


class Coupled(BaseLoss):
    """Couples the outputs of a row."""

    def __call__(self, raw_prediction, y, sample_weight):
        error = (raw_prediction - y).sum(axis=1, keepdims=True) + np.zeros_like(y)
        return mean_over_outputs(0.5 * error * error, error * y.shape[1], sample_weight)


class Fine(BaseLoss):
    """The same as `Rows`, by output."""

    def __call__(self, raw_prediction, y, sample_weight):
        error = raw_prediction - y
        return mean_over_outputs(0.5 * error * error, error, sample_weight)


@pytest.mark.parametrize("cls", [Rows, Largest, Coupled])
def test_a_loss_that_cannot_leave_out_outputs_is_refused(cls):
    with pytest.raises(ValueError, match=r"single outputs are missing.*mean_over_outputs does"):
        probe_single_outputs(cls(), np.ones((4, 2)), 2, np.dtype(float))


def test_a_loss_by_outputs_is_not_refused():
    probe_single_outputs(Fine(), np.ones((4, 2)), 2, np.dtype(float))


def test_the_best_constant_is_that_of_the_outputs_that_are_there():
    y = np.array([[1.0, 5.0], [3.0, 0.0], [0.0, 7.0]])
    weight = np.array([[1.0, 1.0], [1.0, 0.0], [0.0, 1.0]])
    constant, value = best_constant(SquaredError(), y, weight, 2)
    np.testing.assert_allclose(constant, [2, 6], rtol=1e-5)
    assert value == pytest.approx(0.5)


def test_weights_of_rows_and_of_outputs():
    assert total_weight(np.array([2.0, 1.0])) == 3
    assert total_weight(np.array([[2.0, 2.0], [1.0, 1.0]])) == 3
    assert by_output(np.ones(3)).shape == (3, 1)
    assert by_output(np.ones((3, 2))).shape == (3, 2)
