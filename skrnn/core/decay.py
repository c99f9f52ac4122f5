"""Missing values inside sequences: the last value, drifting to the mean at a learnt rate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from skrnn.core.initializers import Initializer
from skrnn.core.parameters import Shapes

__all__ = ["INDICATOR", "INITIAL_RATE", "Decay", "DecayCache", "DecayState"]

# Rate of every channel before it is learnt: half of the way to the mean takes seven time steps.
INITIAL_RATE = 0.1
# What an indicator says of a missing value. Beside channels of unit scale it is small: in few data
# a network would otherwise learn by heart where the gaps are.
INDICATOR = 0.3
# Share of the sequences of which values are hidden in a training step.
HIDING = 0.75


class DecayState(NamedTuple):
    """What is known of the channels with gaps between two time steps.

    Attributes
    ----------
    last : ndarray of shape (n_samples, n_gappy)
        The last value that is not missing, the mean where there is none yet.
    elapsed : ndarray of shape (n_samples, n_gappy), dtype intp
        Time steps that are missing since.
    """

    last: np.ndarray
    elapsed: np.ndarray


class DecayCache(NamedTuple):
    """What a forward pass leaves for the backward pass, with an entry for every missing value.

    Attributes
    ----------
    where : tuple of ndarray
        Time step, sample and number among the channels with gaps.
    source : ndarray of int
        Time step of the last value, -1 for one before the first step.
    delta, last, gamma : ndarray
        Time steps since the last value, that value, and how much of it is left.
    rising : ndarray of bool
        Whether the decay depends on the weights there.
    state : DecayState
        In which the pass began.
    values : ndarray of shape (n_timesteps, n_samples, n_gappy)
        The channels with gaps, as they came.
    """

    where: tuple[np.ndarray, ...]
    source: np.ndarray
    delta: np.ndarray
    last: np.ndarray
    gamma: np.ndarray
    rising: np.ndarray
    state: DecayState
    values: np.ndarray

    def after(self, n_steps: int) -> DecayState:
        """Return what is known after so many time steps of the pass."""
        if n_steps == 0:
            return self.state
        source = _last_observed(~np.isnan(self.values[:n_steps]))[-1]
        known = source >= 0
        last = np.take_along_axis(self.values, source.clip(min=0)[np.newaxis], axis=0)[0]
        return DecayState(
            np.where(known, last, self.state.last),
            np.where(known, n_steps - 1 - source, self.state.elapsed + n_steps),
        )


@dataclass(frozen=True)
class Decay:
    r"""Estimates in place of missing values, and indicators of them as further inputs.

    A missing value, NaN, is taken to be the last one of its channel, which loses its worth with
    the time that has gone by since: it drifts to the mean of the channel [1]_.

    .. math::
        \gamma_t &= \exp(-\max(0, w \, \delta_t + b)) \\
        \hat x_t &= m_t x_t + (1 - m_t) (\gamma_t x_{last} + (1 - \gamma_t) x_{mean})

    with :math:`m_t` one where there is a value and zero where it is missing,
    :math:`\delta_t` the time steps since the last value, and a learnt rate `w`, offset `b` for
    every channel. Before the first value of a channel the mean stands. What leaves the part is
    :math:`[\hat x_t, 0.3 (1 - m_t)]`, with the indicators of the channels with gaps alone: zero
    where there is a value, so that sequences without gaps say nothing by them.

    Parameters
    ----------
    n_inputs : int
        Columns of a time step, >= 1.
    columns : tuple of int
        The columns that may have gaps, in ascending order. No other may hold NaN.
    means : tuple of float
        What each of these decays to.
    fills : tuple of float, default=()
        For whoever reads sequences for a network: the mean of every channel, which stands before
        the first value of one whose column is none of these. Not used here.

    References
    ----------
    .. [1] Che, Purushotham, Cho, Sontag & Liu (2018). Recurrent neural networks for multivariate
           time series with missing values. Scientific Reports 8.

    Examples
    --------
    >>> import numpy as np
    >>> from skrnn.core.decay import Decay
    >>> x = np.array([8.0, np.nan, np.nan, 4.0]).reshape(4, 1, 1)
    >>> weights = {"w": np.log([2.0]), "b": np.zeros(1)}
    >>> Decay(1, columns=(0,), means=(0.0,)).forward(x, weights)[0][:, 0]
    array([[8. , 0. ],
           [4. , 0.3],
           [2. , 0.3],
           [4. , 0. ]])
    """

    n_inputs: int
    columns: tuple[int, ...]
    means: tuple[float, ...]
    fills: tuple[float, ...] = ()

    @property
    def width(self) -> int:
        """Columns of what leaves this part."""
        return self.n_inputs + len(self.columns)

    def shapes(self) -> Shapes:
        """Return name and shape of the rates and offsets; there are none without gaps."""
        n_gappy = len(self.columns)
        return {"w": (n_gappy,), "b": (n_gappy,)} if n_gappy else {}

    def initialize(
        self, weights: Mapping[str, np.ndarray], rng: np.random.RandomState, init: Initializer
    ) -> None:
        """Set the rates to 0.1; ``b`` stays zero. Nothing is drawn."""
        if self.columns:
            weights["w"][:] = INITIAL_RATE

    def draw(self, rng: np.random.RandomState | None, n_samples: int) -> np.ndarray | None:
        """Draw by what `hidden` hides: two numbers in [0, 1) a sample, nothing without gaps."""
        return rng.uniform(size=(n_samples, 2)) if rng is not None and self.columns else None

    def hidden(
        self, x: np.ndarray, n_active: np.ndarray, drawn: np.ndarray | None
    ) -> np.ndarray | None:
        """Return which values are hidden in a training step: those that another sample lacks.

        Parameters
        ----------
        x : ndarray of shape (n_timesteps, n_samples, n_inputs)
            Inputs, NaN where missing.
        n_active : ndarray of shape (n_timesteps,)
            How many of the samples, which are sorted by length, have not ended.
        drawn : ndarray of shape (n_samples, 2) or None
            What `draw` drew: who the other one is, and who loses anything. None hides nothing.

        Returns
        -------
        ndarray of bool of shape (n_timesteps, n_samples, n_gappy), or None
            False where a value is missing anyway, and at padding.
        """
        if drawn is None:
            return None
        missing = np.isnan(x[..., self.columns])
        other, loses = np.argsort(drawn[:, 0], kind="stable"), drawn[:, 1] < HIDING
        runs = np.arange(x.shape[1]) < n_active[:, np.newaxis]
        return missing[:, other] & ~missing & (runs & loses)[..., np.newaxis]

    def start(self, n_samples: int, dtype: np.dtype) -> DecayState:
        """Return what is known before the first time step."""
        shape = (n_samples, len(self.columns))
        means = np.broadcast_to(np.array(self.means, dtype), shape)
        return DecayState(means, np.zeros(shape, np.intp))

    def forward(
        self,
        x: np.ndarray,
        weights: Mapping[str, np.ndarray],
        state: DecayState | None = None,
        *,
        hidden: np.ndarray | None = None,
    ) -> tuple[np.ndarray, DecayCache | None]:
        """Put estimates in place of missing values.

        Parameters
        ----------
        x : ndarray of shape (n_timesteps, n_samples, n_inputs)
            Inputs, NaN where missing. What stands at padding is not NaN.
        weights : mapping of str to ndarray
            As `shapes` says.
        state : DecayState, default=None
            What is known from time steps before. None is a sequence's start.
        hidden : ndarray of bool of shape (n_timesteps, n_samples, n_gappy), default=None
            Values to be estimated as if they were missing, which the indicators do not mark.

        Returns
        -------
        outputs : ndarray of shape (n_timesteps, n_samples, width)
            Of the same dtype, without NaN: `x` itself where no column may have gaps.
        cache : DecayCache or None
            What `backward` needs; None where no column may have gaps.
        """
        if not self.columns:
            return x, None
        values = x[..., self.columns]
        missing = np.isnan(values)
        state = self.start(x.shape[1], x.dtype) if state is None else state
        if hidden is not None:
            values[hidden] = np.nan
        cache = self._estimates(values, np.isnan(values), weights, state)
        outputs = np.empty((*x.shape[:2], self.width), x.dtype)
        outputs[..., : self.n_inputs] = x
        step, sample, gappy = cache.where
        means = np.array(self.means, x.dtype)[gappy]
        columns = np.array(self.columns)[gappy]
        outputs[step, sample, columns] = means + cache.gamma * (cache.last - means)
        np.multiply(missing, x.dtype.type(INDICATOR), out=outputs[..., self.n_inputs :])
        return outputs, cache

    def backward(
        self,
        d_outputs: np.ndarray,
        cache: DecayCache | None,
        weights: Mapping[str, np.ndarray],
        *,
        need_dx: bool = True,
    ) -> tuple[np.ndarray | None, dict[str, np.ndarray]]:
        """Send gradients back to the values that there are.

        Parameters
        ----------
        d_outputs : ndarray of shape (n_timesteps, n_samples, width)
            Gradient of what `forward` returned, zero at padding.
        cache, weights
            Of the forward pass.
        need_dx : bool, default=True
            Whether the gradient of the inputs is wanted; if not, None stands for it.

        Returns
        -------
        dx : ndarray of shape (n_timesteps, n_samples, n_inputs), or None
            Zero where a value is missing: what is made of it is the last value's.
        dweights : dict of str to ndarray
            Sums over time steps and samples.
        """
        if cache is None:
            return d_outputs, {}
        step, sample, gappy = cache.where
        d_hat = d_outputs[step, sample, np.array(self.columns)[gappy]]
        means = np.array(self.means, d_hat.dtype)[gappy]
        # gamma = exp(-max(0, w delta + b))
        d_exponent = np.where(cache.rising, -cache.gamma * d_hat * (cache.last - means), 0)
        n_gappy, dtype = len(self.columns), d_hat.dtype
        dweights = {
            "w": np.bincount(gappy, d_exponent * cache.delta, n_gappy).astype(dtype),
            "b": np.bincount(gappy, d_exponent, n_gappy).astype(dtype),
        }
        return (self._to_last_values(d_outputs, d_hat, cache) if need_dx else None), dweights

    def _estimates(
        self,
        values: np.ndarray,
        missing: np.ndarray,
        weights: Mapping[str, np.ndarray],
        state: DecayState,
    ) -> DecayCache:
        """Return last value and decay of every missing value."""
        where = np.nonzero(missing)
        step, sample, gappy = where
        source = _last_observed(~missing)[where] if len(step) else np.zeros(0, np.intp)
        known = source >= 0
        last = np.where(known, values[source.clip(min=0), sample, gappy], state.last[sample, gappy])
        elapsed = np.where(known, step - source, step + 1 + state.elapsed[sample, gappy])
        delta = elapsed.astype(values.dtype)
        exponent = weights["w"][gappy] * delta + weights["b"][gappy]
        rising = exponent > 0
        gamma = np.exp(-np.where(rising, exponent, 0))
        return DecayCache(where, source, delta, last, gamma, rising, state, values)

    def _to_last_values(
        self, d_outputs: np.ndarray, d_hat: np.ndarray, cache: DecayCache
    ) -> np.ndarray:
        """Return the gradient of the inputs: an estimate's goes to the last value."""
        step, sample, gappy = cache.where
        columns = np.array(self.columns)[gappy]
        dx = d_outputs[..., : self.n_inputs].copy()
        dx[step, sample, columns] = 0
        known = cache.source >= 0
        places = cache.source[known], sample[known], columns[known]
        flat = np.ravel_multi_index(places, dx.shape)
        # One after the other, in the order of time: always the same to the bit.
        dx += np.bincount(flat, (d_hat * cache.gamma)[known], dx.size).reshape(dx.shape)
        return dx


def _last_observed(observed: np.ndarray) -> np.ndarray:
    """Return for every place the last time step up to it that is observed, -1 for none."""
    steps = np.arange(len(observed))[:, np.newaxis, np.newaxis]
    return np.maximum.accumulate(np.where(observed, steps, -1), axis=0)
