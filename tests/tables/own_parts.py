"""Parts of a network written outside the package, as a user would write them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, NamedTuple

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

from skrnn.core.activations import Activation
from skrnn.core.cells import GRU, LSTM, Cell
from skrnn.core.cells.base import blocks_of, initial_state, project_inputs
from skrnn.core.losses import LOG_LINK, BaseLoss, Interval, Link, mean_over_outputs
from skrnn.core.readouts import BaseReadout, Last, as_readout, real_steps

# --- Cells -------------------------------------------------------------------------------


class LeakyCache(NamedTuple):
    x: np.ndarray
    n_active: np.ndarray
    h: np.ndarray
    u: np.ndarray


class Leaky(Cell):
    """h_t = 0.7 h_{t-1} + 0.3 u_t with u_t = activation(x_t W_x + h_{t-1} W_h + b)."""

    gates = ("u",)

    def forward(self, x, n_active, weights, state=None):
        u = project_inputs(x, weights["W_x"], weights["b"])
        h = np.zeros((len(u) + 1, *u.shape[1:]), dtype=u.dtype)
        h[0] = initial_state(state, 0, like=h)
        for t, n in enumerate(n_active):
            u[t, :n] += h[t, :n] @ weights["W_h"]
            u[t, :n] = self.activation.function(u[t, :n])
            h[t + 1, :n] = 0.7 * h[t, :n] + 0.3 * u[t, :n]
        return h, LeakyCache(x, n_active, h, u)

    def step_back(self, t, n, cache, da, da_h, dh):
        da[:] = 0.3 * dh * self.activation.derivative(cache.u[t, :n])
        return (0.7 * dh,)


class PeepholeCache(NamedTuple):
    x: np.ndarray
    n_active: np.ndarray
    h: np.ndarray
    c: np.ndarray
    gates: np.ndarray
    p: np.ndarray


class Peephole(Cell):
    """A state of two arrays and a weight of its own.

    f_t = logistic(a_f + p c_{t-1}), c_t = f_t c_{t-1} + (1 - f_t) activation(a_u),
    h_t = activation(c_t).
    """

    gates = ("f", "u")
    activated = ("u", "h")

    def shapes(self, n_inputs, hidden_size):
        return {**super().shapes(n_inputs, hidden_size), "p": (hidden_size,)}

    def forward(self, x, n_active, weights, state=None):
        gates = project_inputs(x, weights["W_x"], weights["b"])
        h = np.zeros((len(x) + 1, x.shape[1], len(weights["W_h"])), dtype=gates.dtype)
        c, p = np.zeros_like(h), weights["p"]
        h[0], c[0] = initial_state(state, 0, like=h), initial_state(state, 1, like=h)
        for t, n in enumerate(n_active):
            gates[t, :n] += h[t, :n] @ weights["W_h"]
            f, u = blocks_of(gates[t, :n], 2)
            f[:] = expit(f + p * c[t, :n])
            u[:] = self.activation.function(u)
            c[t + 1, :n] = f * c[t, :n] + (1 - f) * u
            h[t + 1, :n] = self.activation.function(c[t + 1, :n])
        return h, PeepholeCache(x, n_active, h, c, gates, p)

    def state_after(self, h, cache):
        return h[-1], cache.c[-1]

    def step_back(self, t, n, cache, da, da_h, dh, dc):
        c = cache.c[t, :n]
        f, u = blocks_of(cache.gates[t, :n], 2)
        da_f, da_u = blocks_of(da, 2)
        # h_t = activation(c_t)
        dc = dc + dh * self.activation.derivative(cache.h[t + 1, :n])
        # c_t = f_t c_{t-1} + (1 - f_t) u_t
        da_f[:] = dc * (c - u) * f * (1 - f)
        da_u[:] = dc * (1 - f) * self.activation.derivative(u)
        return 0.0, dc * f + da_f * cache.p

    def other_gradients(self, da, da_h, cache):
        da_f, _ = blocks_of(da, 2)
        return {"p": (da_f * cache.c[:-1]).sum(axis=(0, 1))}


class LettersOfTheGRU(GRU):
    """The same formulas in other letters."""

    gates = ("u", "s", "c")


class LettersOfTheLSTM(LSTM):
    """The same formulas in other letters."""

    gates = ("in", "keep", "new", "out")


class DecayCache(NamedTuple):
    x: np.ndarray
    n_active: np.ndarray
    h: np.ndarray


class Decay(Cell):
    """``h_t = activation(x_t W_x + b) + w h_{t-1}``: every unit decays at a rate of its own.

    It has its own way back, and no `W_h`.
    """

    def shapes(self, n_inputs, hidden_size):
        return {"W_x": (n_inputs, hidden_size), "w": (hidden_size,), "b": (hidden_size,)}

    def initialize(self, weights, rng, init, recurrent_init):
        weights["W_x"][:] = init(rng, *weights["W_x"].shape)
        weights["w"][:] = 0.5

    def forward(self, x, n_active, weights, state=None):
        a = self.activation.function(x @ weights["W_x"] + weights["b"])
        h = np.zeros((len(x) + 1, *a.shape[1:]), dtype=a.dtype)
        for t, n in enumerate(n_active):
            h[t + 1, :n] = a[t, :n] + weights["w"] * h[t, :n]
        return h, DecayCache(x, n_active, h)

    def backward(self, dh, cache, weights, *, cut=None, need_dx=True):
        x, n_active, h = cache
        dz = np.zeros_like(h[1:])
        dh_next = np.zeros_like(h[0])
        for t in reversed(range(len(x))):
            n = n_active[t]
            dz[t, :n] = dh[t + 1, :n] + dh_next[:n]
            dh_next[:n] = dz[t, :n] * weights["w"]
            if cut is not None:
                dh_next[cut[t]] = 0
        a = self.activation.function(x @ weights["W_x"] + weights["b"])
        da = dz * self.activation.derivative(a)
        dweights = {
            "W_x": np.einsum("tni,tnh->ih", x, da),
            "w": (dz * h[:-1]).sum(axis=(0, 1)),
            "b": da.sum(axis=(0, 1)),
        }
        return (da @ weights["W_x"].T if need_dx else None), dweights, (dh[0] + dh_next,)


OWN_CELLS = {
    "leaky": Leaky(),
    "peephole": Peephole(),
    "letters_of_the_gru": LettersOfTheGRU(),
    "letters_of_the_lstm": LettersOfTheLSTM(),
}

# --- Activation and initializer ----------------------------------------------------------


def scaled_tanh(a):
    return 1.7159 * np.tanh(2 * a / 3)


def scaled_tanh_derivative(h):
    return 1.7159 * 2 / 3 * (1 - (h / 1.7159) ** 2)


# Named as another one of the package is, which must not make it that one.
SCALED_TANH = Activation("tanh", scaled_tanh, scaled_tanh_derivative, steepest=1.7159 * 2 / 3)


def signs(rng, n_in, n_out):
    """Draw -0.1 or 0.1."""
    return rng.choice([-0.1, 0.1], size=(n_in, n_out))


# --- Losses ------------------------------------------------------------------------------


@dataclass(frozen=True)
class InverseGaussian(BaseLoss):
    """Half the inverse Gaussian deviance with a log link: (y / mu - 1) ** 2 / (2 y)."""

    interval: ClassVar[Interval] = Interval(0)
    link: ClassVar[Link] = LOG_LINK

    def __call__(self, raw_prediction, y, sample_weight):
        excess = y * np.exp(-raw_prediction) - 1
        d_raw = -excess * (excess + 1) / y
        return mean_over_outputs(excess**2 / (2 * y), d_raw, sample_weight)


class PlainLoss:
    """A loss that derives from nothing: |e| ** 3 / 3."""

    interval = Interval()
    link = Link("identity", np.asarray, additive=True)

    def __call__(self, raw_prediction, y, sample_weight):
        error = raw_prediction - y
        weight = sample_weight[:, None]
        return float(np.sum(np.abs(error) ** 3 * weight) / 3), error * np.abs(error) * weight


class LogCosh:
    """``l = log(cosh(raw - y))``, the mean over the outputs."""

    interval = Interval()
    link = Link("identity", lambda raw: raw, additive=True)

    def __call__(self, raw_prediction, y, sample_weight):
        error = raw_prediction - y
        weight = (sample_weight / error.shape[1])[:, None]
        losses = np.logaddexp(error, -error) - np.log(2)
        return float(np.sum(losses * weight)), np.tanh(error) * weight


class Share:
    """Cross-entropy of a share: ``l = log(1 + e^raw) - y raw``, for targets in [0, 1]."""

    interval = Interval(0, 1, True, True)
    link = Link("logistic", expit)

    def __call__(self, raw_prediction, y, sample_weight):
        weight = sample_weight[:, None]
        losses = np.logaddexp(0, raw_prediction) - y * raw_prediction
        return float(np.sum(losses * weight)), (expit(raw_prediction) - y) * weight


class Relative:
    """``l = (log mu - log y)^2 / 2`` with ``mu = e^raw``, for positive targets."""

    interval = Interval(0)
    link = Link("exponential", np.exp)

    def __call__(self, raw_prediction, y, sample_weight):
        error, weight = raw_prediction - np.log(y), sample_weight[:, None]
        return float(np.sum(0.5 * error * error * weight)), error * weight


OWN_LOSSES = {
    "inverse_gaussian": InverseGaussian(),
    "plain": PlainLoss(),
    "log_cosh": LogCosh(),
    "relative": Relative(),
}

# --- Read-outs ---------------------------------------------------------------------------


class Dense:
    """The last state through a layer of its own, wider than the states."""

    def shapes(self, n_units):
        return {"W": (n_units, n_units + 2), "b": (n_units + 2,)}

    def width(self, n_units):
        return n_units + 2

    def initialize(self, weights, rng, init):
        weights["W"][:] = init(rng, *weights["W"].shape)

    def forward(self, h, n_active, weights):
        h_last, cache = Last().forward(h, n_active, {})
        u = np.tanh(h_last @ weights["W"] + weights["b"])
        return u, (h_last, u, cache)

    def backward(self, d_features, cache, weights):
        h_last, u, of_last = cache
        da = d_features * (1 - u * u)
        dh, _ = Last().backward(da @ weights["W"].T, of_last, {})
        return dh, {"W": h_last.T @ da, "b": da.sum(axis=0)}


class Total(BaseReadout):
    """The sum of the states: no weights."""

    def forward(self, h, n_active, weights):
        return h[1:].sum(axis=0), (h.shape, n_active)

    def backward(self, d_features, cache, weights):
        shape, n_active = cache
        dh = np.zeros(shape, d_features.dtype)
        dh[1:] = d_features
        dh[1:][~real_steps(n_active, shape[1])] = 0
        return dh, {}


OWN_READOUTS = {
    "dense": Dense(),
    "total": Total(),
    "dense+attention": as_readout((Dense(), "attention")),
}

# --- Optimizers --------------------------------------------------------------------------


@dataclass
class SignDescent:
    """A step of the learning rate against the sign of the gradient; decay of its own."""

    decouples_decay: ClassVar[bool] = True
    full_batch: ClassVar[bool] = False
    alpha: float = 0.0
    decay_mask: np.ndarray | None = field(default=None, repr=False)

    def step(self, vector, gradient, learning_rate):
        vector -= learning_rate * (np.sign(gradient) + self.alpha * self.decay_mask * vector)


@dataclass
class ConjugateGradients:
    """SciPy's, on all samples at once."""

    decouples_decay: ClassVar[bool] = False
    full_batch: ClassVar[bool] = True

    def minimize(self, objective, vector, *, max_iter, tol, callback):
        return minimize(
            objective,
            vector,
            jac=True,
            method="CG",
            callback=callback,
            options={"maxiter": max_iter, "gtol": tol},
        )


class Averaged:
    """``v = decay v + g; w = w - lr v``: gradient descent that remembers."""

    decouples_decay = False
    full_batch = False

    def __init__(self, decay=0.8):
        self.decay = decay
        self.v = 0.0

    def step(self, vector, gradient, learning_rate):
        self.v = self.decay * self.v + gradient
        vector -= learning_rate * self.v


# --- Read-outs ---------------------------------------------------------------------------


class ScaledSum:
    """``features = s * sum_t h_t``, with a scale `s` for every unit to be learnt."""

    def shapes(self, n_units):
        return {"s": (n_units,)}

    def width(self, n_units):
        return n_units

    def initialize(self, weights, rng, init):
        weights["s"][:] = 0.5

    def forward(self, h, n_active, weights):
        total = h[1:].sum(axis=0)
        return weights["s"] * total, (h, n_active, total)

    def backward(self, d_features, cache, weights):
        h, n_active, total = cache
        dh = np.zeros_like(h)
        for t, n in enumerate(n_active):
            dh[t + 1, :n] = (d_features * weights["s"])[:n]
        return dh, {"s": (d_features * total).sum(axis=0)}
