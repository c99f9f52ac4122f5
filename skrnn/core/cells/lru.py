"""The linear recurrent unit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

import numpy as np

from skrnn.core.activations import IDENTITY, LOGISTIC, RELU, TANH, Activation
from skrnn.core.cells.base import (
    Cell,
    State,
    Weights,
    arriving_gradient,
    flat_product,
    initial_state,
    project_inputs,
)
from skrnn.core.initializers import Initializer
from skrnn.core.kernels import compiled, layer_backward, layer_forward

__all__ = ["LRU", "LRUCache", "Rates", "as_complex", "from_real", "rates_of", "spread", "to_real"]

# nu and theta count as lying within these bounds: no unit remembers less than nothing or for longer
# than numbers of single precision tell from always.
LOWEST, HIGHEST = -30.0, 5.0


class LRUCache(NamedTuple):
    """What one forward pass leaves for the backward pass and for inspection.

    ``gates[t]`` is ``u_t``.
    """

    x: np.ndarray
    n_active: np.ndarray
    h: np.ndarray
    gates: np.ndarray


class Rates(NamedTuple):
    """What the state of every complex unit is multiplied by, and its input.

    Attributes
    ----------
    decay, phase : ndarray of shape (n_units,)
        ``lambda = exp(-decay + i phase)``; the phase of a unit that has no imaginary part is 0.
    decay_moves, phase_moves : bool ndarray of shape (n_units,)
        Whether they change with ``nu`` and ``theta``: not beyond their bounds.
    """

    decay: np.ndarray
    phase: np.ndarray
    decay_moves: np.ndarray
    phase_moves: np.ndarray

    @property
    def lambda_re(self) -> np.ndarray:
        """Real part of lambda."""
        return np.exp(-self.decay) * np.cos(self.phase)

    @property
    def lambda_im(self) -> np.ndarray:
        """Imaginary part of lambda."""
        return np.exp(-self.decay) * np.sin(self.phase)

    @property
    def gamma(self) -> np.ndarray:
        """``sqrt(1 - |lambda| ** 2)``, which keeps its precision where lambda is close to 1."""
        return np.sqrt(-np.expm1(-2 * self.decay))


class LRU(Cell):
    r"""Linear recurrent unit: complex units that turn and decay, each by itself.

    .. math::
        u_t &= activation(x_t W_x + b) \\
        c_t &= \lambda \odot c_{t-1} + \gamma \odot (u_t^{re} + i \, u_t^{im}) \\
        h_t &= [c_t^{re}, \; c_t^{im}] \\
        \lambda &= \exp(-e^{\nu} + i \, e^{\theta}), \qquad \gamma = \sqrt{1 - |\lambda|^2}

    Two units of the layer are the real and the imaginary part of one complex number: the first
    half of ``h`` and of ``u`` holds the real parts, the second half the imaginary ones; of an odd
    number of units the last one has no imaginary part and a real :math:`\lambda`.

    There is no recurrent matrix: no unit hears of another one, and
    :math:`\partial h_t / \partial h_{t-k}` turns by the phase of :math:`\lambda^k` and shrinks by
    :math:`|\lambda|^k` [1]_, whatever the data. It cannot explode, and vanishes no sooner than the
    unit forgets: :math:`|\lambda| < 1` for every :math:`\nu`. With :math:`\gamma` units that
    remember for long are no larger than others.

    The recurrence is linear; the non-linearity stands in front of it. In the paper it follows:
    there a layer puts out :math:`Re(C c_t)`, which is a linear map of ``h``, and a non-linear one
    follows. Here the map is ``W_x`` of the layer above, or the output layer. So one layer sums up
    what it sees step by step; what several steps have to do with each other is for a second one
    to tell, and stacks of two or more are what this cell is for.

    Moduli start spread uniformly over the ring between `r_min` and `r_max` [1]_. Phases start at
    :math:`\pi v^2` with `v` spread uniformly over (0, 1): a quarter of the units with periods below
    4 steps, a tenth with periods above 200. In the paper they are below :math:`\pi / 10`, which
    takes longer to tell one step from the next.

    Parameters
    ----------
    r_min, r_max : float, default=0.9, 0.999
        Smallest and largest modulus that a unit starts with, ``0 <= r_min < r_max < 1``: a unit of
        modulus `r` remembers for about ``1 / (1 - r)`` steps.

    Raises
    ------
    ValueError
        If they are not in this order.

    References
    ----------
    .. [1] Orvieto, Smith, Gu, Fernando, Gulcehre, Pascanu & De (2023). Resurrecting recurrent
           neural networks for long sequences. ICML. arXiv:2303.06349.

    Examples
    --------
    >>> from skrnn import RNNClassifier
    >>> from skrnn.core.cells import LRU
    >>> from skrnn.datasets import make_temporal_order
    >>> X, y = make_temporal_order(500, 20, random_state=0)
    >>> model = RNNClassifier((8, 8), cell="lru", embedding_dim=4, tol=0.1, random_state=0)
    >>> model.fit(X, y).score(X, y)
    1.0
    >>> longer_memory = model.set_params(cell=LRU(r_min=0.99, r_max=0.9999))
    """

    gates: tuple[str, ...] = ("u",)
    activated: tuple[str, ...] = ("u",)
    kernels: ClassVar[Mapping[Activation, str]] = {
        TANH: "lru_tanh",
        RELU: "lru_relu",
        LOGISTIC: "lru_logistic",
        IDENTITY: "lru_identity",
    }
    cache_type: Any = LRUCache

    def __init__(self, r_min: float = 0.9, r_max: float = 0.999) -> None:
        if not 0 <= r_min < r_max < 1:
            raise ValueError(
                "The moduli that units start with must be in the order 0 <= r_min < r_max < 1; "
                f"got r_min={r_min!r} and r_max={r_max!r}."
            )
        self.r_min = r_min
        self.r_max = r_max

    def shapes(self, n_inputs: int, hidden_size: int) -> dict[str, tuple[int, ...]]:
        shapes: dict[str, tuple[int, ...]] = {
            "W_x": (n_inputs, hidden_size),
            "b": (hidden_size,),
            "nu": ((hidden_size + 1) // 2,),
        }
        return shapes if hidden_size == 1 else {**shapes, "theta": (hidden_size // 2,)}

    def initialize(
        self,
        weights: Weights,
        rng: np.random.RandomState,
        init: Initializer,
        recurrent_init: Initializer,
    ) -> None:
        W_x, nu = weights["W_x"], weights["nu"]
        W_x[:] = init(rng, *W_x.shape)
        # Of a ring the outer part is larger: it is the square that is uniform.
        low, high = self.r_min**2, self.r_max**2
        nu[:] = np.log(-0.5 * np.log(low + (high - low) * spread(rng, len(nu))))
        if "theta" in weights:
            theta = weights["theta"]
            theta[:] = np.log(np.pi * spread(rng, len(theta)) ** 2)

    @compiled(layer_forward)
    def forward(
        self, x: np.ndarray, n_active: np.ndarray, weights: Weights, state: State | None = None
    ) -> tuple[np.ndarray, LRUCache]:
        u = self.activation.function(project_inputs(x, weights["W_x"], weights["b"]))
        n_timesteps, n_samples, hidden_size = u.shape
        h = np.zeros((n_timesteps + 1, n_samples, hidden_size), dtype=u.dtype)
        h[0] = initial_state(state, 0, like=h)
        rates = rates_of(weights)
        lambda_, gamma = as_complex(rates.lambda_re, rates.lambda_im), rates.gamma
        c = from_real(h[0])
        for t, n in enumerate(n_active):
            c[:n] = lambda_ * c[:n] + gamma * from_real(u[t, :n])
            h[t + 1, :n] = to_real(c[:n], hidden_size)
        return h, LRUCache(x, n_active, h, u)

    @compiled(layer_backward)
    def backward(
        self,
        dh: np.ndarray,
        cache: LRUCache,
        weights: Weights,
        *,
        cut: np.ndarray | None = None,
        need_dx: bool = True,
        dstate: State | None = None,
        dh_total: np.ndarray | None = None,
    ) -> tuple[np.ndarray | None, dict[str, np.ndarray], State]:
        x, n_active, h, u = cache
        hidden_size = h.shape[2]
        rates = rates_of(weights)
        lambda_, gamma = as_complex(rates.lambda_re, rates.lambda_im), rates.gamma
        # The gradient of a complex number: that of its real part + i that of its imaginary part.
        dc_next = from_real(arriving_gradient(dstate, 0, h, n_active))
        dlambda, dgamma = np.zeros_like(lambda_), np.zeros_like(gamma)
        da = np.zeros_like(u)
        for t in reversed(range(len(x))):
            n = n_active[t]
            dc = from_real(dh[t + 1, :n]) + dc_next[:n]
            if dh_total is not None:
                dh_total[t + 1, :n] = to_real(dc, hidden_size)
            # c_t = lambda c_{t-1} + gamma u_t
            dlambda += (np.conj(from_real(h[t, :n])) * dc).sum(axis=0)
            dgamma += (np.conj(from_real(u[t, :n])) * dc).real.sum(axis=0)
            du = to_real(gamma * dc, hidden_size)
            # u_t = activation(x_t W_x + b)
            da[t, :n] = du * self.activation.derivative(u[t, :n])
            dc_next[:n] = np.conj(lambda_) * dc
            if cut is not None:
                dc_next[cut[t]] = 0
        dh_0 = to_real(dc_next, hidden_size) + dh[0]
        if dh_total is not None:
            dh_total[0] = dh_0
        of_kernel = {
            "W_x": flat_product(x, da),
            "b": da.sum(axis=(0, 1)),
            "lambda_re": dlambda.real,
            "lambda_im": dlambda.imag,
            "gamma": dgamma,
        }
        dx = da @ weights["W_x"].T if need_dx else None
        return dx, dict(self.weight_gradients(of_kernel, weights)), (dh_0,)

    def eigenvalues(self, weights: Weights) -> np.ndarray:
        rates = rates_of(weights)
        return as_complex(rates.lambda_re, rates.lambda_im)

    def kernel_weights(self, weights: Weights) -> Weights:
        rates = rates_of(weights)
        return {
            "W_x": weights["W_x"],
            "b": weights["b"],
            "lambda_re": rates.lambda_re,
            "lambda_im": rates.lambda_im,
            "gamma": rates.gamma,
        }

    def weight_gradients(
        self, of_kernel: Mapping[str, np.ndarray], weights: Weights
    ) -> dict[str, np.ndarray]:
        rates = rates_of(weights)
        lambda_, gamma = as_complex(rates.lambda_re, rates.lambda_im), rates.gamma
        # d lambda / d log lambda = lambda
        dlog = np.conj(lambda_) * as_complex(of_kernel["lambda_re"], of_kernel["lambda_im"])
        # d gamma / d decay = |lambda|^2 / gamma
        ddecay = of_kernel["gamma"] * np.exp(-2 * rates.decay) / gamma - dlog.real
        dnu = rates.decay_moves * rates.decay * ddecay
        dtheta = rates.phase_moves * rates.phase * dlog.imag
        dweights = {"W_x": of_kernel["W_x"], "b": of_kernel["b"], "nu": dnu}
        if "theta" in weights:
            dweights["theta"] = dtheta[: len(weights["theta"])]
        return dweights


def rates_of(weights: Weights) -> Rates:
    """Return the rates of all complex units from ``nu`` and ``theta``."""
    nu = weights["nu"]
    theta = weights.get("theta", nu[:0])
    phase = np.zeros_like(nu)
    phase[: len(theta)] = np.exp(np.clip(theta, LOWEST, HIGHEST))
    phase_moves = np.zeros(len(nu), dtype=bool)
    phase_moves[: len(theta)] = _within(theta)
    return Rates(np.exp(np.clip(nu, LOWEST, HIGHEST)), phase, _within(nu), phase_moves)


def spread(rng: np.random.RandomState, n: int) -> np.ndarray:
    """Draw one number from each of `n` equal parts of (0, 1), in random order."""
    return (rng.permutation(n) + 1 - rng.uniform(size=n)) / n


def as_complex(re: np.ndarray, im: np.ndarray) -> np.ndarray:
    """Return ``re + i im``, of the precision of `re`."""
    z = np.empty(re.shape, dtype=np.result_type(re, np.complex64))
    z.real, z.imag = re, im
    return z


def from_real(units: np.ndarray) -> np.ndarray:
    """Return the complex numbers whose real parts, then imaginary parts, stand in the last axis."""
    n_units = (units.shape[-1] + 1) // 2
    z = np.zeros((*units.shape[:-1], n_units), dtype=np.result_type(units, np.complex64))
    z.real = units[..., :n_units]
    z.imag[..., : units.shape[-1] - n_units] = units[..., n_units:]
    return z


def to_real(z: np.ndarray, hidden_size: int) -> np.ndarray:
    """Undo `from_real`: return real parts, then imaginary parts, `hidden_size` in all."""
    return np.concatenate([z.real, z.imag], axis=-1)[..., :hidden_size]


def _within(array: np.ndarray) -> np.ndarray:
    return (array > LOWEST) & (array < HIGHEST)
