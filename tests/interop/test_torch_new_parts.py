"""Static features, missing values and several numbers a target in modules of PyTorch."""

from __future__ import annotations

from itertools import cycle

import export_cases as new
import interop_cases as cases
import numpy as np
import onnx_cases
import pytest

from skrnn import RNNRegressor
from skrnn.forecasting import WindowScaledRegressor
from skrnn.interop import from_torch, to_torch

torch = pytest.importorskip("torch")

LENGTHS = onnx_cases.LENGTHS


def in_turn(table):
    """The cases, in single and double precision in turn."""
    return list(zip(table, cycle(cases.TOLERANCES), strict=False))


def module_says(module, X, steps, **inputs):
    stacked = torch.as_tensor(onnx_cases.padded(X, 0))
    answers = module(stacked, LENGTHS, **inputs).detach().numpy()
    return new.real_rows(answers, steps)


def assert_close(got, expected, dtype):
    """Equal up to the rounding of numbers of their size."""
    size = max(1, np.abs(expected).max())
    onnx_cases.assert_close(got / size, expected / size, cases.TOLERANCES[dtype])


def assert_comes_back(est, module, X):
    again = from_torch(module, like=est)
    assert np.array_equal(again.network_.parameters.vector, est.network_.parameters.vector)
    for got, expected in zip(again.predict(X), est.predict(X), strict=True):
        assert np.array_equal(got, expected)


@pytest.mark.parametrize(("case", "dtype"), in_turn(new.STATIC_CASES))
def test_static_features_are_an_argument(case, dtype):
    kind, parameters = new.STATIC_CASES[case]
    est, table = new.fitted_static(kind, parameters, dtype)
    module = to_torch(est)
    static = torch.as_tensor(new.STATIC.astype(dtype))
    got = module_says(module, onnx_cases.sequences(dtype), est.return_sequences, static=static)
    method = getattr(est, "decision_function", est.predict)
    expected = new.rows(method(table))
    assert_close(got.reshape(expected.shape), expected, dtype)
    assert_comes_back(est, module, table)


@pytest.mark.parametrize(("case", "dtype"), in_turn(new.GAP_CASES))
def test_missing_values_are_what_the_estimator_makes_of_them(case, dtype):
    gaps, parameters = new.GAP_CASES[case]
    est = new.fitted_gaps(gaps, parameters, dtype)
    asked = new.gappy((0, 1, 2), dtype)
    got = module_says(module := to_torch(est), asked, est.return_sequences)
    expected = new.rows(est.decision_function(asked))
    assert_close(got, expected, dtype)
    assert_comes_back(est, module, asked)


@pytest.mark.parametrize(("case", "dtype"), in_turn(new.HEAD_CASES))
def test_several_numbers_a_target_are_a_last_axis(case, dtype):
    est, X = new.fitted_head(*new.HEAD_CASES[case], dtype)
    module = to_torch(est)
    got = module_says(module, X, est.return_sequences)
    expected = new.rows(est.predict(X))
    if est.loss != "quantile":
        std = new.rows(est.predict(X, return_std=True)[1])
        expected = np.stack([expected, std], axis=-1)
    assert got.shape == expected.shape
    onnx_cases.assert_close(got, expected, cases.TOLERANCES[dtype])
    assert_comes_back(est, module, X)


def test_a_module_learns_rates_of_decay_and_the_layer_of_static_features():
    X = new.gappy((0, 2), np.float64, seed=3)
    static = new.STATIC.astype(np.float64)
    est = new.RNNClassifier(4, **new.SETTINGS)
    est.fit(new.table(X, static), onnx_cases.targets("several"))
    module = to_torch(est)
    stacked = torch.as_tensor(onnx_cases.padded(X, 0)).requires_grad_(True)
    module(stacked, LENGTHS, torch.as_tensor(static)).square().sum().backward()
    for parameter in module.parameters():
        assert parameter.grad.isfinite().all()
        assert parameter.grad.abs().max() > 0
    # A gap adds nothing itself, as here.
    assert stacked.grad.isfinite().all()
    assert (stacked.grad[stacked.isnan()] == 0).all()


@pytest.mark.parametrize("static", [None, torch.zeros(8, 3), torch.zeros(1, 2)], ids=str)
def test_other_static_features_are_refused(static):
    module = to_torch(new.fitted_static("several", {})[0])
    x = torch.as_tensor(onnx_cases.padded(onnx_cases.sequences(), 0))
    with pytest.raises(ValueError, match=r"takes 2 static features.* shape \(8, 2\); got"):
        module(x, LENGTHS, static)


def test_static_features_that_nobody_asked_for_are_refused():
    module = to_torch(onnx_cases.fitted("several"))
    x = torch.as_tensor(onnx_cases.padded(onnx_cases.sequences(), 0))
    with pytest.raises(ValueError, match="takes 0 static features: static should be none; got"):
        module(x, LENGTHS, torch.zeros(8, 2))


@pytest.mark.parametrize(
    "other",
    [{"loss": "gaussian"}, {"loss": "quantile", "quantile": (0.1, 0.8)}],
    ids=["loss", "levels"],
)
def test_a_module_of_another_loss_is_refused(other):
    est, _ = new.fitted_head("number", {"loss": "quantile", "quantile": (0.1, 0.9)})
    like, _ = new.fitted_head("number", other)
    with pytest.raises(ValueError, match="like by another link"):
        from_torch(to_torch(est), like=like)


def test_a_regressor_of_scaled_windows_names_what_can_go():
    X = onnx_cases.sequences()
    inside = RNNRegressor(4, **onnx_cases.QUICK)
    est = WindowScaledRegressor(inside, target=0).fit(X, new.TARGETS["number"])
    with pytest.raises(TypeError, match=r"got WindowScaledRegressor\. Pass its regressor_"):
        to_torch(est)
