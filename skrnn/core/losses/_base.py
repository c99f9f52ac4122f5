"""What a loss is, and the losses of one raw number a target."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, NamedTuple, Protocol, runtime_checkable

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, log_expit, xlogy

from skrnn.core import kernels
from skrnn.core.row_weights import by_output, total_weight


def softmax(raw_prediction: np.ndarray) -> np.ndarray:
    """Return ``exp(raw) / sum(exp(raw))`` over the last axis, without overflow."""
    e = np.exp(raw_prediction - raw_prediction.max(axis=1, keepdims=True))
    e /= e.sum(axis=1, keepdims=True)
    return e


def log_softmax(raw_prediction: np.ndarray) -> np.ndarray:
    """Return ``raw - log(sum(exp(raw)))`` over the last axis: the logarithm of `softmax`."""
    rows, largest = np.arange(len(raw_prediction)), raw_prediction.argmax(axis=1)
    shifted = raw_prediction - raw_prediction[rows, largest][:, None]
    others = np.exp(shifted)
    others[rows, largest] = 0
    # log(1 + others): a probability near 1 has all digits of its logarithm.
    return shifted - np.log1p(others.sum(axis=1, keepdims=True))


def unchanged(raw_prediction: np.ndarray) -> np.ndarray:
    """Return `raw_prediction` itself: the inverse of the identity link."""
    return raw_prediction


class Interval(NamedTuple):
    """The targets that a loss takes.

    Attributes
    ----------
    low, high : float, default=-inf, inf
        Ends.
    low_inclusive, high_inclusive : bool, default=False
        Whether the ends belong to it.

    Examples
    --------
    >>> from skrnn.core.losses import Interval
    >>> counts = Interval(0, low_inclusive=True)
    >>> print(counts)
    [0, inf)
    >>> counts.includes([-1.0, 0.0, 2.0])
    array([False,  True,  True])
    """

    low: float = -np.inf
    high: float = np.inf
    low_inclusive: bool = False
    high_inclusive: bool = False

    def includes(self, y: np.ndarray | float) -> np.ndarray | np.bool_:
        """Tell for every entry of `y` whether it lies inside.

        Parameters
        ----------
        y : array-like of float
            Targets.

        Returns
        -------
        bool ndarray of the shape of `y`
            True inside.
        """
        y = np.asarray(y)
        above = y >= self.low if self.low_inclusive else y > self.low
        below = y <= self.high if self.high_inclusive else y < self.high
        return above & below

    def __str__(self) -> str:
        left, right = "(["[self.low_inclusive], ")]"[self.high_inclusive]
        return f"{left}{self.low:g}, {self.high:g}{right}"


class Link(NamedTuple):
    """How raw predictions relate to predictions in the space of the target.

    Attributes
    ----------
    out_activation : str
        Name of the inverse: the activation of the output layer.
    inverse : callable
        ``inverse(raw_prediction)`` gives the predictions (probabilities, means), of the same
        shape and dtype.
    additive : bool, default=False
        Whether shifting and scaling the target shifts and scales the raw prediction alike. Such
        a target may be standardised before training; another is at most scaled.
    log_inverse : callable, default=None
        ``log_inverse(raw_prediction)`` gives the logarithms of the probabilities, finite where
        those round to zero; of links of classes.
    scales : bool, default=True
        Whether the loss of a target that is divided by a constant is minimised by the predictions
        divided by it. Where it is False, as of counts whose spread depends on their size, targets
        are left as they are.
    """

    out_activation: str
    inverse: Callable[[np.ndarray], np.ndarray]
    additive: bool = False
    log_inverse: Callable[[np.ndarray], np.ndarray] | None = None
    scales: bool = True


REAL_LINE = Interval()
IDENTITY_LINK = Link("identity", unchanged, additive=True)
LOG_LINK = Link("exponential", np.exp)
LOGIT_LINK = Link("logistic", expit, log_inverse=log_expit)
SOFTMAX_LINK = Link("softmax", softmax, log_inverse=log_softmax)


@runtime_checkable
class Loss(Protocol):
    """What training, checks and inspection ask of a loss; all of it is required.

    A loss that describes a target by several raw numbers, or says how far it spreads, has more
    members, those of `DistributionLoss`: each of them is optional.

    Attributes
    ----------
    interval : Interval
        The targets that it takes.
    link : Link
        How raw predictions become predictions.
    """

    interval: ClassVar[Interval]
    link: ClassVar[Link]

    def __call__(
        self, raw_prediction: np.ndarray, y: np.ndarray, sample_weight: np.ndarray
    ) -> tuple[float, np.ndarray]:
        """Return the loss of all rows and its gradient.

        Parameters
        ----------
        raw_prediction : ndarray of shape (n_rows, n_outputs)
            float32 or float64. Not changed. A loss with several raw numbers a target has
            ``n_outputs * n_raw`` columns, those of the first target first.
        y : ndarray of shape (n_rows, n_outputs), or (n_rows,) for class codes
            Targets, within `interval`. Not changed.
        sample_weight : ndarray of shape (n_rows,) or of the shape of `y`
            Weights, >= 0. There is one for every output where single targets are missing, which
            then weigh zero; `mean_over_outputs` takes both.

        Returns
        -------
        loss : float
            Weighted sum over rows.
        d_raw : ndarray of the shape of the raw prediction
            Gradient of that sum, in the dtype of the raw prediction.
        """
        ...


class BaseLoss:
    """Defaults for a loss: any real target, identity link. Only `__call__` remains to be written.

    Examples
    --------
    The logarithm of the hyperbolic cosine of the error:

    >>> import numpy as np
    >>> from skrnn.core.losses import BaseLoss, mean_over_outputs
    >>> class LogCosh(BaseLoss):
    ...     def __call__(self, raw_prediction, y, sample_weight):
    ...         error = raw_prediction - y
    ...         losses = np.logaddexp(error, -error) - np.log(2)
    ...         return mean_over_outputs(losses, np.tanh(error), sample_weight)
    >>> value, d_raw = LogCosh()(np.array([[1.0]]), np.array([[0.0]]), np.ones(1))
    >>> round(value, 4), d_raw.round(4)
    (0.4338, array([[0.7616]]))
    """

    interval: ClassVar[Interval] = REAL_LINE
    link: ClassVar[Link] = IDENTITY_LINK
    n_raw: ClassVar[int] = 1
    levels: ClassVar[tuple[float, ...] | None] = None

    def __call__(
        self, raw_prediction: np.ndarray, y: np.ndarray, sample_weight: np.ndarray
    ) -> tuple[float, np.ndarray]:
        """Return the loss of all rows and its gradient, as `Loss` says."""
        raise TypeError(f"{type(self).__name__} does not define __call__.")

    @property
    def out_activation(self) -> str:
        """Name of the activation of the output layer."""
        return self.link.out_activation

    def predict(self, raw_prediction: np.ndarray) -> np.ndarray:
        """Return predictions in the space of the target."""
        return self.link.inverse(raw_prediction)


def mean_over_outputs(
    losses: np.ndarray, d_raw: np.ndarray, sample_weight: np.ndarray
) -> tuple[float, np.ndarray]:
    """Return the weighted sum over rows of the mean over outputs, and its gradient.

    Parameters
    ----------
    losses, d_raw : ndarray of shape (n_rows, n_outputs)
        Loss of every output of every row, and its derivative by the raw prediction.
    sample_weight : ndarray of shape (n_rows,) or (n_rows, n_outputs)
        Weights of rows, or of every output of them.
    """
    weight = by_output(sample_weight / losses.shape[1])
    return float(np.sum(losses * weight, dtype=np.float64)), d_raw * weight


@kernels.compiled(kernels.softmax_cross_entropy)
def softmax_cross_entropy(
    raw_prediction: np.ndarray, y: np.ndarray, sample_weight: np.ndarray
) -> tuple[float, np.ndarray]:
    """Compute the loss and the gradient of `SoftmaxCrossEntropy`."""
    # Below, `ravel` has to be a view, whatever the order in memory of the raw prediction.
    shifted = np.ascontiguousarray(raw_prediction - raw_prediction.max(axis=1, keepdims=True))
    d_raw = np.exp(shifted)
    total = d_raw.sum(axis=1, keepdims=True)
    rows_of_y = np.arange(0, d_raw.size, d_raw.shape[1]) + y
    losses = np.log(total[:, 0]) - shifted.ravel()[rows_of_y]
    d_raw /= total
    d_raw.ravel()[rows_of_y] -= 1
    d_raw *= sample_weight[:, None]
    return float(np.sum(losses * sample_weight, dtype=np.float64)), d_raw


@dataclass(frozen=True)
class SoftmaxCrossEntropy(BaseLoss):
    r"""Multiclass log loss.

    .. math:: l = \log \sum_k e^{raw_k} - raw_y

    `y` holds class codes, an integer ndarray of shape (n_rows,).
    """

    interval: ClassVar[Interval] = Interval(0, low_inclusive=True)
    link: ClassVar[Link] = SOFTMAX_LINK

    def __call__(
        self, raw_prediction: np.ndarray, y: np.ndarray, sample_weight: np.ndarray
    ) -> tuple[float, np.ndarray]:
        return softmax_cross_entropy(raw_prediction, y, sample_weight)


@dataclass(frozen=True)
class LogisticCrossEntropy(BaseLoss):
    r"""Log loss of one (binary) or several independent (multilabel) yes-or-no outputs.

    .. math:: l = \sum_k \log(1 + e^{raw_k}) - y_k \, raw_k

    `y` holds zeros and ones, of shape (n_rows, n_outputs).
    """

    interval: ClassVar[Interval] = Interval(0, 1, True, True)
    link: ClassVar[Link] = LOGIT_LINK

    def __call__(
        self, raw_prediction: np.ndarray, y: np.ndarray, sample_weight: np.ndarray
    ) -> tuple[float, np.ndarray]:
        losses = np.logaddexp(0, raw_prediction) - y * raw_prediction
        if sample_weight.ndim == 1:
            losses = losses.sum(axis=1)
        d_raw = expit(raw_prediction) - y
        d_raw *= by_output(sample_weight)
        return float(np.sum(losses * sample_weight, dtype=np.float64)), d_raw


@dataclass(frozen=True)
class SquaredError(BaseLoss):
    r"""Half the squared error, :math:`l = (raw - y)^2 / 2`: fits the mean."""

    def __call__(
        self, raw_prediction: np.ndarray, y: np.ndarray, sample_weight: np.ndarray
    ) -> tuple[float, np.ndarray]:
        error = raw_prediction - y
        return mean_over_outputs(0.5 * error * error, error, sample_weight)


@dataclass(frozen=True)
class AbsoluteError(BaseLoss):
    r"""Absolute error, :math:`l = |raw - y|`: fits the median."""

    def __call__(
        self, raw_prediction: np.ndarray, y: np.ndarray, sample_weight: np.ndarray
    ) -> tuple[float, np.ndarray]:
        error = raw_prediction - y
        return mean_over_outputs(np.abs(error), np.sign(error), sample_weight)


@dataclass(frozen=True)
class Huber(BaseLoss):
    r"""Squared error near zero, absolute error beyond `huber_delta` (Huber, 1964).

    .. math:: l = \begin{cases} e^2 / 2 & |e| \le \delta \\
                  \delta (|e| - \delta / 2) & \text{else}\end{cases}
              \qquad e = raw - y
    """

    huber_delta: float = 1.0

    def __call__(
        self, raw_prediction: np.ndarray, y: np.ndarray, sample_weight: np.ndarray
    ) -> tuple[float, np.ndarray]:
        error = raw_prediction - y
        clipped = np.clip(error, -self.huber_delta, self.huber_delta)
        return mean_over_outputs(clipped * (error - 0.5 * clipped), clipped, sample_weight)


@dataclass(frozen=True)
class Poisson(BaseLoss):
    r"""Half the Poisson deviance with a log link: for counts, `y` >= 0.

    .. math:: l = y \log(y / \mu) - y + \mu, \qquad \mu = e^{raw}
    """

    interval: ClassVar[Interval] = Interval(0, low_inclusive=True)
    link: ClassVar[Link] = LOG_LINK

    def __call__(
        self, raw_prediction: np.ndarray, y: np.ndarray, sample_weight: np.ndarray
    ) -> tuple[float, np.ndarray]:
        with np.errstate(over="ignore"):  # an infinite loss is reported by the training loop
            mean = np.exp(raw_prediction)
        losses = xlogy(y, y) - y * raw_prediction - y + mean
        return mean_over_outputs(losses, mean - y, sample_weight)


@dataclass(frozen=True)
class Gamma(BaseLoss):
    r"""Half the gamma deviance with a log link: for `y` > 0 whose spread grows with its mean.

    .. math:: l = \log(\mu / y) + y / \mu - 1, \qquad \mu = e^{raw}

    Relative errors count, not absolute ones: amounts of rain or of claims, durations, prices.
    A target divided by a constant has the same losses.

    References
    ----------
    .. [1] McCullagh & Nelder (1989). Generalized Linear Models, 2nd ed., chapter 8. Chapman &
           Hall.
    """

    interval: ClassVar[Interval] = Interval(0)
    link: ClassVar[Link] = LOG_LINK

    def __call__(
        self, raw_prediction: np.ndarray, y: np.ndarray, sample_weight: np.ndarray
    ) -> tuple[float, np.ndarray]:
        with np.errstate(over="ignore"):  # an infinite loss is reported by the training loop
            ratio = y * np.exp(-raw_prediction)
        losses = raw_prediction - np.log(y) + ratio - 1
        return mean_over_outputs(losses, 1 - ratio, sample_weight)


def n_raw_of(loss: Loss) -> int:
    """Return how many raw numbers describe a target of a loss; 1 of a loss that says nothing."""
    return int(getattr(loss, "n_raw", 1))


def levels_of(loss: Loss) -> tuple[float, ...] | None:
    """Return the levels of the quantiles that a loss predicts side by side, None for one number."""
    return getattr(loss, "levels", None)


def known_constant(loss: Loss, y: np.ndarray, sample_weight: np.ndarray) -> np.ndarray | None:
    """Return the raw prediction that a loss names for rows without inputs, None if it does not.

    A network that predicts with such a loss starts there, and not at zero.
    """
    constant = getattr(loss, "constant", None)
    return None if constant is None else constant(y, sample_weight)


def skill_of(loss: Loss, value: float, constant_value: float) -> float:
    r"""Return the share of the loss of the best constant prediction that a prediction saves.

    .. math:: skill = 1 - loss / constant \qquad\text{or}\qquad
              skill = 1 - e^{2 (loss - constant)}

    The second one is for a loss that is the negative logarithm of a density (`log_density`), which
    has no smallest value to compare with: the generalised R2 of Cox and Snell, which of a normal
    distribution with one standard deviation is R2 itself.

    References
    ----------
    .. [1] Cox & Snell (1989). Analysis of Binary Data, 2nd ed., section 6.2. Chapman & Hall.

    Examples
    --------
    >>> from skrnn.core.losses import Gaussian, SquaredError, skill_of
    >>> skill_of(SquaredError(), 0.1, 0.5)
    0.8
    >>> round(skill_of(Gaussian(), -0.3, 0.5), 3)
    0.798
    """
    if getattr(loss, "log_density", False):
        with np.errstate(over="ignore"):
            return float(1 - np.exp(2 * np.float64(value - constant_value)))
    return 1 - value / constant_value if constant_value > 0 else 1.0


def tells_of(loss: Loss, constant_value: float, precision: float) -> bool:
    """Return whether the loss of the best constant prediction leaves anything to be learnt.

    Parameters
    ----------
    loss : Loss
        What it is a value of.
    constant_value : float
        Mean loss of the best constant prediction.
    precision : float
        Values up to it are what rounding leaves of zero. Densities have no zero.
    """
    return bool(getattr(loss, "log_density", False) or constant_value > precision)


def best_constant(
    loss: Loss, y: np.ndarray, sample_weight: np.ndarray, n_outputs: int
) -> tuple[np.ndarray, float]:
    """Return the raw prediction that is best where all rows have the same, and its loss.

    Parameters
    ----------
    loss : Loss
        What it minimises.
    y : ndarray of shape (n_rows, ...)
        Targets as the loss takes them.
    sample_weight : ndarray of shape (n_rows,) or (n_rows, n_outputs)
        Weights, >= 0 and not all zero. The raw predictions have their dtype.
    n_outputs : int
        Width of a raw prediction.

    Returns
    -------
    raw_prediction : ndarray of shape (n_outputs,)
        Found by L-BFGS from zero, or from what the loss itself says, in float64.
    value : float
        Mean loss, weighted.

    Examples
    --------
    >>> import numpy as np
    >>> from skrnn.core.losses import SquaredError, best_constant
    >>> raw_prediction, value = best_constant(
    ...     SquaredError(), np.array([[1.0], [4.0]]), np.array([2.0, 1.0]), n_outputs=1
    ... )
    >>> raw_prediction.round(6), round(value, 6)
    (array([2.]), 1.0)
    """
    total = total_weight(sample_weight)

    def of_constant(constant: np.ndarray) -> tuple[float, np.ndarray]:
        raw = np.empty((len(y), n_outputs), sample_weight.dtype)
        raw[:] = constant
        value, d_raw = loss(raw, y, sample_weight)
        return value / total, d_raw.sum(axis=0, dtype=np.float64) / total

    start = known_constant(loss, y, sample_weight)
    if start is None:
        start = np.zeros(n_outputs)
    result = minimize(of_constant, start, jac=True, method="L-BFGS-B")
    return result.x, float(result.fun)
