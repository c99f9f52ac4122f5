r"""Optimizers on one flat parameter vector.

A stochastic optimizer takes a step for every batch; a full-batch one minimises the loss of the
whole data set. `Optimizer` is the protocol of both: it says which kind it is and whether it
decays weights. Hyperparameters bear the names of the estimators' parameters. In the formulas
``w`` is the vector, ``g`` the gradient, ``lr`` the learning rate, ``t`` the number of the step,
counted from 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol, runtime_checkable

import numpy as np
from scipy.optimize import OptimizeResult, minimize

from skrnn.core import kernels
from skrnn.core.clipping import clip_by_global_norm as clip_by_global_norm
from skrnn.core.clipping import sum_of_squares as sum_of_squares

__all__ = [
    "LBFGS",
    "OPTIMIZERS",
    "SGD",
    "Adagrad",
    "Adam",
    "AdamW",
    "FullBatchOptimizer",
    "Lion",
    "NAdam",
    "Optimizer",
    "RMSprop",
    "StochasticOptimizer",
    "clip_by_global_norm",
    "decay_weights",
    "moment_update",
    "sum_of_squares",
]


@kernels.compiled(kernels.moment_update)
def moment_update(
    vector: np.ndarray,
    gradient: np.ndarray,
    m: np.ndarray | None,
    v: np.ndarray,
    beta_1: float,
    beta_2: float,
    *,
    m_factor: float,
    g_factor: float,
    epsilon: float,
) -> None:
    r"""Update the moments and take a step by them: what Adam and its kin have in common.

    .. math::
        m &\leftarrow \beta_1 m + (1 - \beta_1) g \\
        v &\leftarrow \beta_2 v + (1 - \beta_2) g^2 \\
        w &\leftarrow w - \frac{m\_factor \, m + g\_factor \, g}{\sqrt{v} + \epsilon}

    Parameters
    ----------
    vector, gradient, m, v : ndarray of shape (n_parameters,)
        Of one dtype; all but the gradient are changed in place. None for `m` leaves it out.
    beta_1, beta_2 : float
        In [0, 1).
    m_factor, g_factor, epsilon : float
        The factors of the step.
    """
    # In place as far as it goes: allocation costs more than arithmetic where arrays are large.
    scratch = gradient * gradient
    scratch *= 1 - beta_2
    v *= beta_2
    v += scratch
    direction = np.multiply(gradient, g_factor, out=scratch)
    if m is not None:
        m *= beta_1
        m += (1 - beta_1) * gradient
        direction += m_factor * m
    root = np.sqrt(v)
    root += epsilon
    direction /= root
    vector -= direction


@runtime_checkable
class Optimizer(Protocol):
    """What every optimizer says of itself; `StochasticOptimizer` and `FullBatchOptimizer` go on.

    Attributes
    ----------
    decouples_decay : bool
        Whether it decays the weights itself. If so, it has the fields ``alpha`` (float, the
        rate) and ``decay_mask`` (ndarray of shape (n_parameters,) with ones where the weight
        matrices lie, or None for ones everywhere; set before the first step), and the loss
        carries no L2 penalty.
    full_batch : bool
        Whether it works on all samples at once, with ``minimize``, and takes no learning rate.
    """

    decouples_decay: ClassVar[bool]
    full_batch: ClassVar[bool]


@runtime_checkable
class StochasticOptimizer(Optimizer, Protocol):
    """Takes a step for every batch; what it gathers from step to step are its own fields.

    A copy (`copy.deepcopy`, `pickle`) goes on as the original would.
    """

    def step(self, vector: np.ndarray, gradient: np.ndarray, learning_rate: float) -> None:
        """Take a step.

        Parameters
        ----------
        vector : ndarray of shape (n_parameters,)
            float32 or float64, changed in place.
        gradient : ndarray of shape (n_parameters,)
            In the dtype of `vector`. Not changed.
        learning_rate : float
            Rate of this step, > 0.
        """


@runtime_checkable
class FullBatchOptimizer(Optimizer, Protocol):
    """Minimises the loss of all samples."""

    def minimize(
        self,
        objective: Callable[[np.ndarray], tuple[float, np.ndarray]],
        vector: np.ndarray,
        *,
        max_iter: int,
        tol: float,
        callback: Callable[[np.ndarray], Any],
    ) -> OptimizeResult:
        """Minimise ``objective(vector) -> (loss, gradient)`` from `vector`.

        Parameters
        ----------
        objective : callable
            Loss (float) and gradient (ndarray of shape (n_parameters,)) at a vector.
        vector : ndarray of shape (n_parameters,)
            The start; not changed.
        max_iter : int
            Iterations at the most, >= 1.
        tol : float
            Bound of the largest entry of the gradient at the solution, >= 0.
        callback : callable
            To be called with the vector after every iteration. It ends the minimisation by
            raising StopIteration, which `minimize` catches.

        Returns
        -------
        OptimizeResult
            With ``x``, the solution, and ``success``, whether it is one.
        """


class _Stochastic:
    """Zero-initialised accumulators of the vector's shape and dtype, made at the first step.

    ``scratch`` holds intermediate results, so that a step need not allocate memory for them.
    """

    decouples_decay: ClassVar[bool] = False
    full_batch: ClassVar[bool] = False
    scratch = None

    def _accumulator(self, name: str, vector: np.ndarray) -> np.ndarray:
        if getattr(self, name) is None:
            setattr(self, name, np.zeros_like(vector))
        return getattr(self, name)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "scratch"}


@dataclass
class SGD(_Stochastic):
    r"""Stochastic gradient descent with (Nesterov) momentum.

    .. math::
        v &\leftarrow momentum \cdot v - lr \cdot g \\
        w &\leftarrow w + v \qquad\text{or, Nesterov's:}\qquad w + momentum \cdot v - lr \cdot g

    References
    ----------
    .. [1] Sutskever, Martens, Dahl & Hinton (2013). On the importance of initialization and
           momentum in deep learning. ICML.
    """

    momentum: float = 0.9
    nesterovs_momentum: bool = True
    velocity: np.ndarray | None = field(default=None, repr=False)

    def step(self, vector: np.ndarray, gradient: np.ndarray, learning_rate: float) -> None:
        velocity = self._accumulator("velocity", vector)
        scratch = self._accumulator("scratch", vector)
        velocity *= self.momentum
        np.multiply(gradient, learning_rate, out=scratch)
        velocity -= scratch
        if self.nesterovs_momentum:
            vector -= scratch
            vector += np.multiply(velocity, self.momentum, out=scratch)
        else:
            vector += velocity


@dataclass
class RMSprop(_Stochastic):
    r"""RMSprop, with Adam's correction of the start.

    .. math::
        v &\leftarrow \beta_2 v + (1 - \beta_2) g^2 \\
        w &\leftarrow w - lr \cdot \frac{g}{\sqrt{v / (1 - \beta_2^t)} + \epsilon}

    The original has no division by :math:`1 - \beta_2^t`; without it the first steps are
    :math:`1 / \sqrt{1 - \beta_2}` times too long (32 times at 0.999).

    References
    ----------
    .. [1] Tieleman & Hinton (2012). Lecture 6.5: RMSprop. Coursera: Neural Networks for
           Machine Learning.
    """

    beta_2: float = 0.999
    epsilon: float = 1e-8
    t: int = 0
    v: np.ndarray | None = field(default=None, repr=False)

    def step(self, vector: np.ndarray, gradient: np.ndarray, learning_rate: float) -> None:
        self.t += 1
        self._step(vector, gradient, None, 0.0, m_factor=0.0, g_factor=learning_rate)

    def _step(
        self,
        vector: np.ndarray,
        gradient: np.ndarray,
        m: np.ndarray | None,
        beta_1: float,
        *,
        m_factor: float,
        g_factor: float,
    ) -> None:
        """Step along ``m_factor * m + g_factor * gradient`` over the corrected root of v."""
        # sqrt(v / c) = sqrt(v) / sqrt(c): the correction is one number, not one for every weight.
        root = math.sqrt(1 - self.beta_2**self.t)
        moment_update(
            vector,
            gradient,
            m,
            self._accumulator("v", vector),
            beta_1,
            self.beta_2,
            m_factor=m_factor * root,
            g_factor=g_factor * root,
            epsilon=self.epsilon * root,
        )


@dataclass
class Adam(RMSprop):
    r"""Adam: momentum and a step size of its own for every weight.

    .. math::
        m &\leftarrow \beta_1 m + (1 - \beta_1) g \\
        v &\leftarrow \beta_2 v + (1 - \beta_2) g^2 \\
        w &\leftarrow w - lr \cdot \frac{m / (1 - \beta_1^t)}
                                        {\sqrt{v / (1 - \beta_2^t)} + \epsilon}

    References
    ----------
    .. [1] Kingma & Ba (2015). Adam: a method for stochastic optimization. ICLR.
    """

    beta_1: float = 0.9
    t: int = 0
    m: np.ndarray | None = field(default=None, repr=False)

    def step(self, vector: np.ndarray, gradient: np.ndarray, learning_rate: float) -> None:
        self.t += 1
        m_factor, g_factor = self._factors(learning_rate)
        m = self._accumulator("m", vector)
        self._step(vector, gradient, m, self.beta_1, m_factor=m_factor, g_factor=g_factor)

    def _factors(self, learning_rate: float) -> tuple[float, float]:
        """Return what momentum and gradient are multiplied with in the step."""
        return learning_rate / (1 - self.beta_1**self.t), 0.0


def decay_weights(
    vector: np.ndarray, rate: float, mask: np.ndarray | None, scratch: np.ndarray
) -> None:
    """Subtract ``rate * mask * vector`` from `vector` in place: decoupled weight decay.

    Parameters
    ----------
    vector : ndarray of shape (n_parameters,)
        Changed in place.
    rate : float
        Learning rate times the strength of the decay.
    mask, scratch : ndarray of shape (n_parameters,)
        Ones for the entries that decay, zeros for the others (None lets all decay); overwritten.
    """
    np.multiply(vector, rate, out=scratch)
    if mask is not None:
        scratch *= mask
    vector -= scratch


@dataclass
class AdamW(Adam):
    r"""Adam with decoupled weight decay: the decay bypasses the moments.

    .. math:: w \leftarrow w - lr \cdot (\text{Adam's direction} + \alpha w)

    Only weight matrices decay, not biases: `decay_mask` has a one for every entry that does
    and is set by whoever knows the layout of the vector.

    References
    ----------
    .. [1] Loshchilov & Hutter (2019). Decoupled weight decay regularization. ICLR.
    """

    decouples_decay: ClassVar[bool] = True
    alpha: float = 1e-4
    decay_mask: np.ndarray | None = field(default=None, repr=False)

    def step(self, vector: np.ndarray, gradient: np.ndarray, learning_rate: float) -> None:
        scratch = self._accumulator("scratch", vector)
        decay_weights(vector, learning_rate * self.alpha, self.decay_mask, scratch)
        super().step(vector, gradient, learning_rate)


@dataclass
class NAdam(Adam):
    r"""Adam with Nesterov's momentum.

    .. math::
        \hat m &= \beta_1 \frac{m}{1 - \beta_1^{t+1}} + (1 - \beta_1) \frac{g}{1 - \beta_1^t} \\
        w &\leftarrow w - lr \cdot \frac{\hat m}{\sqrt{v / (1 - \beta_2^t)} + \epsilon}

    References
    ----------
    .. [1] Dozat (2016). Incorporating Nesterov momentum into Adam. ICLR workshop.
    """

    def _factors(self, learning_rate: float) -> tuple[float, float]:
        m_factor = learning_rate * self.beta_1 / (1 - self.beta_1 ** (self.t + 1))
        return m_factor, learning_rate * (1 - self.beta_1) / (1 - self.beta_1**self.t)


@dataclass
class Adagrad(_Stochastic):
    r"""Adagrad: steps shrink with the sum of squared gradients.

    .. math::
        s &\leftarrow s + g^2 \\
        w &\leftarrow w - lr \cdot \frac{g}{\sqrt{s} + \epsilon}

    References
    ----------
    .. [1] Duchi, Hazan & Singer (2011). Adaptive subgradient methods for online learning and
           stochastic optimization. JMLR 12.
    """

    epsilon: float = 1e-8
    s: np.ndarray | None = field(default=None, repr=False)

    def step(self, vector: np.ndarray, gradient: np.ndarray, learning_rate: float) -> None:
        s, scratch = self._accumulator("s", vector), self._accumulator("scratch", vector)
        s += np.multiply(gradient, gradient, out=scratch)
        np.sqrt(s, out=scratch)
        scratch += self.epsilon
        np.divide(gradient, scratch, out=scratch)
        scratch *= learning_rate
        vector -= scratch


@dataclass
class Lion(_Stochastic):
    r"""Evolved sign momentum: every weight moves by the learning rate, up or down.

    .. math::
        u &= sign(\beta_1 m + (1 - \beta_1) g) \\
        w &\leftarrow w - lr \cdot (u + \alpha w) \\
        m &\leftarrow \beta_2 m + (1 - \beta_2) g

    It keeps one number a weight where Adam keeps two. Its steps are longer than Adam's, so its
    learning rate should be three to ten times smaller, and `alpha` as many times larger [1]_.
    Decay is decoupled and acts on weight matrices only, as in `AdamW`.

    References
    ----------
    .. [1] Chen et al. (2023). Symbolic discovery of optimization algorithms. NeurIPS.
           arXiv:2302.06675.
    """

    decouples_decay: ClassVar[bool] = True
    beta_1: float = 0.9
    beta_2: float = 0.99
    alpha: float = 1e-4
    m: np.ndarray | None = field(default=None, repr=False)
    decay_mask: np.ndarray | None = field(default=None, repr=False)

    def step(self, vector: np.ndarray, gradient: np.ndarray, learning_rate: float) -> None:
        m, scratch = self._accumulator("m", vector), self._accumulator("scratch", vector)
        decay_weights(vector, learning_rate * self.alpha, self.decay_mask, scratch)
        u = np.multiply(gradient, 1 - self.beta_1, out=scratch)
        u += self.beta_1 * m
        np.sign(u, out=u)
        u *= learning_rate
        vector -= u
        m *= self.beta_2
        m += np.multiply(gradient, 1 - self.beta_2, out=scratch)


@dataclass
class LBFGS:
    """Limited-memory BFGS on the whole data set (SciPy's L-BFGS-B without bounds).

    References
    ----------
    .. [1] Liu & Nocedal (1989). On the limited memory BFGS method for large scale
           optimization. Mathematical Programming 45.
    """

    decouples_decay: ClassVar[bool] = False
    full_batch: ClassVar[bool] = True

    def minimize(
        self,
        objective: Callable[[np.ndarray], tuple[float, np.ndarray]],
        vector: np.ndarray,
        *,
        max_iter: int,
        tol: float,
        callback: Callable[[np.ndarray], Any],
    ) -> OptimizeResult:
        """Minimise as `FullBatchOptimizer.minimize` says, in float64 whatever the vector's dtype.

        It also stops when an iteration lowers the loss by less than about 2e-9 of its value,
        SciPy's default.
        """

        def in_double(x: np.ndarray) -> tuple[float, np.ndarray]:
            # SciPy works in float64; the network computes in the dtype of its data.
            loss, gradient = objective(x.astype(vector.dtype, copy=False))
            return loss, gradient.astype(np.float64)

        return minimize(
            in_double,
            vector.astype(np.float64),
            jac=True,
            method="L-BFGS-B",
            callback=callback,
            options={"maxiter": max_iter, "gtol": tol, "maxfun": 20 * max_iter},
        )


OPTIMIZERS: dict[str, type[StochasticOptimizer] | type[FullBatchOptimizer]] = {
    "sgd": SGD,
    "adam": Adam,
    "adamw": AdamW,
    "rmsprop": RMSprop,
    "adagrad": Adagrad,
    "nadam": NAdam,
    "lion": Lion,
    "lbfgs": LBFGS,
}
