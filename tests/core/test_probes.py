"""A part that returns arrays of a wrong shape is named before it is used."""

from __future__ import annotations

import numpy as np
import pytest
from own_parts import (
    SCALED_TANH,
    Decay,
    Leaky,
    LogCosh,
    Peephole,
    Relative,
    ScaledSum,
    Share,
    signs,
)

from skrnn import RNNClassifier, RNNRegressor
from skrnn.core.activations import ACTIVATIONS, Activation
from skrnn.core.cells import CELLS
from skrnn.core.initializers import INITIALIZERS
from skrnn.core.losses import REGRESSION_LOSSES, BaseLoss, Link, SquaredError, n_raw_of
from skrnn.core.probes import (
    checked_initializer,
    probe_activation,
    probe_cell,
    probe_loss,
    probe_readout,
)
from skrnn.core.readouts import READOUTS, BaseReadout, Last

X = np.random.default_rng(0).normal(size=(12, 4, 2))
Y = X[:, -1, 0] ** 2
each_dtype = pytest.mark.parametrize("dtype", [np.dtype(np.float32), np.dtype(np.float64)], ids=str)

# --- good parts ----------------------------------------------------------------------------------


@each_dtype
@pytest.mark.parametrize(
    "loss", [*(L() for L in REGRESSION_LOSSES.values()), LogCosh(), Share(), Relative()]
)
def test_losses_pass(loss, dtype):
    probe_loss(loss, np.array([[0.5, 0.25]], dtype), 2 * n_raw_of(loss), dtype)


@each_dtype
@pytest.mark.parametrize("readout", [*READOUTS.values(), ScaledSum()])
def test_readouts_pass(readout, dtype):
    probe_readout(readout, 4, dtype)


@each_dtype
@pytest.mark.parametrize("cell", [*CELLS.values(), Leaky(), Peephole(), Decay()])
def test_cells_pass(cell, dtype):
    probe_cell(cell, 2, 4, dtype)


@pytest.mark.parametrize("activation", [*ACTIVATIONS.values(), SCALED_TANH])
def test_activations_pass(activation):
    probe_activation(activation)


@pytest.mark.parametrize("init", [*INITIALIZERS.values(), signs])
def test_initializers_draw_as_before(init):
    checked = checked_initializer(init)
    one, other = (function(np.random.RandomState(0), 3, 5) for function in (init, checked))
    np.testing.assert_array_equal(one, other)


# --- bad parts -----------------------------------------------------------------------------------


class OwnLoss(BaseLoss):
    interval, link = SquaredError.interval, SquaredError.link

    def __init__(self, change):
        self.change = change

    def __call__(self, raw_prediction, y, sample_weight):
        return self.change(*SquaredError()(raw_prediction, y, sample_weight), raw_prediction)


class OwnLink(OwnLoss):
    link = Link("mean", lambda raw: raw.mean(axis=1), additive=True)


def in_place(value, gradient, raw):
    raw += 1
    return value, gradient


LOSSES = {
    "no gradient": (
        OwnLoss(lambda value, gradient, raw: value),
        TypeError,
        r"must return \(loss, grad",
    ),
    "losses of rows": (
        OwnLoss(lambda value, gradient, raw: (np.ones(len(raw)), gradient)),
        ValueError,
        r"as one number, .*array of float64 of shape \(2,\)",
    ),
    "gradient of one axis": (
        OwnLoss(lambda value, gradient, raw: (value, gradient[:, 0])),
        ValueError,
        r"gradient of .* must be an array of floats of shape \(2, 1\); got .* \(2,\)",
    ),
    "gradient of pairs": (
        OwnLoss(lambda value, gradient, raw: (value, raw[:, 0] - raw)),
        ValueError,
        r"gradient of .* shape \(2, 1\); got .* \(2, 2\)",
    ),
    "list": (OwnLoss(lambda value, gradient, raw: (value, [[0.0], [0.0]])), ValueError, "got list"),
    "in place": (OwnLoss(in_place), ValueError, "has changed one of its arguments"),
    "link": (
        OwnLink(lambda value, gradient, raw: (value, gradient)),
        ValueError,
        r"link.inverse of",
    ),
    "error": (OwnLoss(lambda value, gradient, raw: 1 / 0), ValueError, "ZeroDivisionError"),
}


@pytest.mark.parametrize("case", LOSSES)
def test_bad_losses_are_named(case):
    loss, error, message = LOSSES[case]
    with pytest.raises(error, match=message):
        RNNRegressor(4, loss=loss, max_iter=2).fit(X, Y)


class OwnReadout(BaseReadout):
    """The last state, and one change."""

    def __init__(self, **changes):
        self.changes = changes

    def _changed(self, name, value):
        return self.changes.get(name, lambda value: value)(value)

    def shapes(self, n_units):
        return self._changed("shapes", {})

    def width(self, n_units):
        return self._changed("width", n_units)

    def forward(self, h, n_active, weights):
        return self._changed("forward", Last().forward(h, n_active, weights))

    def backward(self, d_features, cache, weights):
        return self._changed("backward", Last().backward(d_features, cache, weights))


READOUT_CHANGES = {
    "width": (
        {"width": lambda width: 2 * width},
        r"as features must be .* \(2, 8\); got .* \(2, 4\)",
    ),
    "no width": ({"width": lambda width: None}, "width of .* must return an int >= 1"),
    "shapes": ({"shapes": lambda shapes: [("W", (2, 2))]}, "shapes of .* must return a dict"),
    "features alone": ({"forward": lambda pair: pair[0]}, r"forward of .* \(features, cache\)"),
    "mean of samples": (
        {"forward": lambda pair: (pair[0].mean(axis=0), pair[1])},
        r"as features must be .* \(2, 4\); got .* \(4,\)",
    ),
    "dh": ({"backward": lambda pair: (pair[0][1:], {})}, r"gradient of the states .* \(4, 2, 4\)"),
    "dh alone": ({"backward": lambda pair: pair[0]}, r"backward of .* \(dh, dweights\)"),
    "gradients": ({"shapes": lambda shapes: {"W": (2, 2)}}, r"gradients of the weights \['W'\]"),
    "gradient": (
        {
            "shapes": lambda shapes: {"W": (2, 2)},
            "backward": lambda pair: (pair[0], {"W": np.ones(2)}),
        },
        r"gradient of 'W' .* \(2, 2\); got .* \(2,\)",
    ),
}


@pytest.mark.parametrize("joined", [False, True])
@pytest.mark.parametrize("case", READOUT_CHANGES)
def test_bad_readouts_are_named(case, joined):
    changes, message = READOUT_CHANGES[case]
    readout = OwnReadout(**changes)
    with pytest.raises((TypeError, ValueError), match=message):
        RNNClassifier(4, readout=("mean", readout) if joined else readout).fit(X, Y > 1)


class OwnCell(Leaky):
    def __init__(self, change):
        self.change = change

    def forward(self, x, n_active, weights, state=None):
        return self.change(*super().forward(x, n_active, weights, state))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda h, cache: h, r"forward of OwnCell must return \(h, cache\)"),
        (
            lambda h, cache: (h[1:], cache),
            r"states of OwnCell must be .* \(4, 2, 4\); got .* \(3, 2, 4\)",
        ),
        (lambda h, cache: (h, cache._replace(u=cache.u[:1])), "backward raised IndexError"),
    ],
)
def test_bad_cells_are_named(change, message):
    with pytest.raises((TypeError, ValueError), match=message):
        RNNRegressor(4, cell=OwnCell(change)).fit(X, Y)


@pytest.mark.parametrize(
    ("function", "derivative", "message"),
    [
        (np.sum, np.ones_like, "function of the activation 'own' returns"),
        (np.tanh, lambda h: 1.0, "derivative of the activation 'own' returns"),
        (lambda a: a @ a, np.ones_like, "its function raised ValueError"),
    ],
)
def test_bad_activations_are_named(function, derivative, message):
    with pytest.raises(ValueError, match=message):
        RNNRegressor(4, activation=Activation("own", function, derivative)).fit(X, Y)


@pytest.mark.parametrize("parameter", ["init", "recurrent_init"])
@pytest.mark.parametrize(
    ("init", "message"),
    [
        (lambda rng, n_in, n_out: 0.1, r"must be an array of floats of shape .*; got float 0\.1"),
        (lambda rng, n_in, n_out: rng.normal(size=n_out), "must be an array of floats of shape"),
        (lambda rng, n_in, n_out: np.zeros((n_in, n_out), int), "got an array of int64"),
        (lambda rng, n_in, n_out: np.full((n_in, n_out), np.nan), "not finite"),
    ],
)
def test_bad_initializers_are_named(parameter, init, message):
    with pytest.raises(ValueError, match=message):
        RNNRegressor(4, **{parameter: init}).fit(X, Y)
