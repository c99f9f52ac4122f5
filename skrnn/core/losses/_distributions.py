"""Losses that fit a whole distribution: minus the logarithm of its density at the target."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.special import digamma, expit, gammaln, log_expit, ndtri

from skrnn.core.losses._base import BaseLoss, Interval, Link
from skrnn.core.losses._positive import positive, positive_inverse, positive_slope
from skrnn.core.losses._several import by_target, mean_over_targets

# Of the standard deviation of the target, where that is standardised: a density may not grow
# beyond all bounds at targets that are met exactly.
LEAST_SCALE = 1e-3
# A variance that so little of the squared mean is added to is Poisson's.
LEAST_DISPERSION = 1e-5
# Means of counts: the logarithm of zero is no number to start from.
LEAST_MEAN = 1e-6


class DistributionLoss(BaseLoss, ABC):
    """A loss of which several raw numbers a target describe a distribution.

    `parameters` stands for what ``link.inverse`` makes of the raw numbers, with those of a target
    as the last axis: an ndarray of shape (n_rows, n_outputs, n_raw). It speaks of the target on
    the scale that the loss sees; the estimator brings means, standard deviations and quantiles to
    the user's own.

    Attributes
    ----------
    n_raw : int
        Raw numbers a target. The first one says where the target lies.
    log_density : bool
        Whether the loss is minus the logarithm of a density, which has no smallest value.
    """

    n_raw: ClassVar[int] = 2
    log_density: ClassVar[bool] = True

    @abstractmethod
    def predicted(self, parameters: np.ndarray) -> np.ndarray:
        """Return what `predict` does, the means.

        Parameters
        ----------
        parameters : ndarray of shape (n_rows, n_outputs, n_parameters)
            Those of the distributions.

        Returns
        -------
        ndarray of shape (n_rows, n_outputs)
            The means.
        """

    @abstractmethod
    def std(self, parameters: np.ndarray) -> np.ndarray:
        """Return the standard deviations.

        Parameters
        ----------
        parameters : ndarray of shape (n_rows, n_outputs, n_parameters)
            Those of the distributions.

        Returns
        -------
        ndarray of shape (n_rows, n_outputs)
            The standard deviations.
        """

    @abstractmethod
    def quantiles(self, parameters: np.ndarray, levels: Sequence[float]) -> np.ndarray:
        """Return quantiles.

        Parameters
        ----------
        parameters : ndarray of shape (n_rows, n_outputs, n_parameters)
            Those of the distributions.
        levels : sequence of float
            Levels in (0, 1).

        Returns
        -------
        ndarray of shape (n_rows, n_outputs, n_levels)
            In the order of `levels`.
        """

    @abstractmethod
    def constant(self, y: np.ndarray, sample_weight: np.ndarray) -> np.ndarray:
        """Return the raw numbers that fit the targets of all rows, about.

        Parameters
        ----------
        y : ndarray of shape (n_rows, n_outputs)
            Targets as the loss takes them.
        sample_weight : ndarray of shape (n_rows,) or (n_rows, n_outputs)
            Weights.

        Returns
        -------
        ndarray of shape (n_outputs * n_raw,)
            Where the network starts.
        """


def gaussian_parameters(raw_prediction: np.ndarray) -> np.ndarray:
    """Return means and standard deviations in place of the raw numbers, in their shape."""
    parameters = by_target(raw_prediction, 2).copy()
    parameters[..., 1] = positive(parameters[..., 1]) + LEAST_SCALE
    return parameters.reshape(raw_prediction.shape)


@dataclass(frozen=True)
class Gaussian(DistributionLoss):
    r"""Minus the logarithm of a normal density: mean and spread both depend on the inputs [1]_.

    .. math:: l = \log \sigma + \frac{(y - \mu)^2}{2 \sigma^2} + \frac{1}{2} \log 2 \pi,
              \qquad \mu = raw_0, \quad \sigma = softplus(raw_1) + 0.001

    The softplus is shifted to be 1 at zero. On a standardised target :math:`\sigma` is in units of
    its standard deviation.

    References
    ----------
    .. [1] Nix & Weigend (1994). Estimating the mean and variance of the target probability
           distribution. IEEE International Conference on Neural Networks.
    """

    link: ClassVar[Link] = Link("identity_and_softplus", gaussian_parameters, additive=True)

    def __call__(
        self, raw_prediction: np.ndarray, y: np.ndarray, sample_weight: np.ndarray
    ) -> tuple[float, np.ndarray]:
        raw = by_target(raw_prediction, 2)
        mean, scale = np.moveaxis(by_target(gaussian_parameters(raw_prediction), 2), 2, 0)
        with np.errstate(over="ignore"):  # an infinite loss is reported by the training loop
            z = (y - mean) / scale
            losses = 0.5 * z * z + np.log(scale) + y.dtype.type(0.5 * np.log(2 * np.pi))
            d_scale = (1 - z * z) / scale
        d_raw = np.stack([-z / scale, d_scale * positive_slope(raw[..., 1])], axis=2)
        return mean_over_targets(losses, d_raw, sample_weight)

    def predicted(self, parameters: np.ndarray) -> np.ndarray:
        return parameters[..., 0]

    def std(self, parameters: np.ndarray) -> np.ndarray:
        return parameters[..., 1]

    def quantiles(self, parameters: np.ndarray, levels: Sequence[float]) -> np.ndarray:
        mean, scale = parameters[..., :1], parameters[..., 1:]
        return mean + scale * ndtri(np.asarray(levels))

    def constant(self, y: np.ndarray, sample_weight: np.ndarray) -> np.ndarray:
        mean, variance = moments(y, sample_weight)
        scale = np.maximum(np.sqrt(variance) - LEAST_SCALE, LEAST_SCALE)
        return np.column_stack([mean, positive_inverse(scale)]).ravel()


def count_parameters(raw_prediction: np.ndarray) -> np.ndarray:
    """Return means and dispersions in place of the raw numbers, in their shape."""
    parameters = by_target(raw_prediction, 2).copy()
    with np.errstate(over="ignore"):
        parameters[..., 0] = np.exp(parameters[..., 0])
    parameters[..., 1] = positive(parameters[..., 1]) + LEAST_DISPERSION
    return parameters.reshape(raw_prediction.shape)


@dataclass(frozen=True)
class NegativeBinomial(DistributionLoss):
    r"""Minus the logarithm of a negative binomial probability: for counts, `y` >= 0 [1]_.

    .. math:: l = -\log \frac{\Gamma(y + r)}{\Gamma(y + 1) \Gamma(r)}
              - r \log \frac{r}{r + \mu} - y \log \frac{\mu}{r + \mu}, \qquad
              \mu = e^{raw_0}, \quad 1 / r = \alpha = softplus(raw_1) + 0.00001

    The mean is :math:`\mu` and the variance :math:`\mu + \alpha \mu^2`, larger than Poisson's.
    The softplus is shifted to be 1 at zero. Targets are never scaled: how far counts spread
    depends on their size. It is computed in double precision.

    References
    ----------
    .. [1] Salinas, Flunkert, Gasthaus & Januschowski (2020). DeepAR: Probabilistic forecasting with
           autoregressive recurrent networks. International Journal of Forecasting 36(3).
    """

    interval: ClassVar[Interval] = Interval(0, low_inclusive=True)
    link: ClassVar[Link] = Link("exponential_and_softplus", count_parameters, scales=False)

    def __call__(
        self, raw_prediction: np.ndarray, y: np.ndarray, sample_weight: np.ndarray
    ) -> tuple[float, np.ndarray]:
        raw, y = by_target(raw_prediction.astype(np.float64), 2), y.astype(np.float64)
        dispersion = positive(raw[..., 1]) + LEAST_DISPERSION
        r = 1 / dispersion
        odds = raw[..., 0] + np.log(dispersion)  # the logarithm of mu / r
        p = expit(odds)  # mu / (r + mu)
        losses = gammaln(r) + gammaln(y + 1) - gammaln(y + r)
        losses -= r * log_expit(-odds) + y * log_expit(odds)
        d_r = digamma(r) - digamma(y + r) - log_expit(-odds) + (1 - p) * (1 + y / r) - 1
        d_dispersion = -d_r * r * r
        d_raw = np.stack([(r + y) * p - y, d_dispersion * positive_slope(raw[..., 1])], axis=2)
        value, d_raw = mean_over_targets(losses, d_raw, sample_weight)
        return value, d_raw.astype(raw_prediction.dtype)

    def predicted(self, parameters: np.ndarray) -> np.ndarray:
        return parameters[..., 0]

    def std(self, parameters: np.ndarray) -> np.ndarray:
        mean, dispersion = np.moveaxis(parameters, 2, 0)
        return np.sqrt(mean) * np.sqrt(1 + dispersion * mean)

    def quantiles(self, parameters: np.ndarray, levels: Sequence[float]) -> np.ndarray:
        # Here, as importing it takes longer than importing all of skrnn.
        from scipy.stats import nbinom

        mean, dispersion = parameters[..., :1], parameters[..., 1:]
        of_none = 1 / (1 + dispersion * np.maximum(mean, LEAST_MEAN))
        return nbinom.ppf(np.asarray(levels), 1 / dispersion, of_none)

    def constant(self, y: np.ndarray, sample_weight: np.ndarray) -> np.ndarray:
        mean, variance = moments(y, sample_weight)
        mean = np.maximum(mean, LEAST_MEAN)
        # By the method of moments, within what counts usually have.
        dispersion = np.clip((variance - mean) / mean**2, 0.01, 10)
        return np.column_stack([np.log(mean), positive_inverse(dispersion)]).ravel()


def moments(y: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return weighted mean and variance of every output.

    Parameters
    ----------
    y : ndarray of shape (n_rows, n_outputs)
        Targets.
    weight : ndarray of shape (n_rows,) or (n_rows, n_outputs)
        Weights; of every output not all zero.
    """
    weight = np.broadcast_to(weight if weight.ndim == 2 else weight[:, None], y.shape)
    # What weighs nothing may be no number.
    weight, y = weight.astype(np.float64), np.where(weight > 0, y, 0).astype(np.float64)
    mean = np.average(y, axis=0, weights=weight)
    return mean, np.average(np.square(y - mean), axis=0, weights=weight)
