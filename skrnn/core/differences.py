"""First differences as further inputs: how the channels change, beside what they are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["Differences", "autocorrelation"]


@dataclass(frozen=True)
class Differences:
    r"""The change of every channel since the step before, beside the channel itself.

    .. math:: x'_t = [x_t, \; scales \odot (x_t - x_{t-1})]

    with zero for the change at the first step. A smooth series hardly moves from one step to the
    next: what tells two of them apart is in the slope, which a network would have to make of the
    small difference of two large products. Of noise, the differences are more noise.

    Parameters
    ----------
    scales : tuple of float
        Factor of every channel's differences, which brings them to unit scale.
    n_others : int, default=0
        Columns behind the channels that come without differences, such as indicators of missing
        values; the differences stand behind these.

    Examples
    --------
    >>> import numpy as np
    >>> from skrnn.core.differences import Differences
    >>> Differences((10.0,)).forward(np.array([[[1.0]], [[1.1]], [[1.0]]]))[:, 0].round(6)
    array([[ 1. ,  0. ],
           [ 1.1,  1. ],
           [ 1. , -1. ]])
    """

    scales: tuple[float, ...]
    n_others: int = 0

    @property
    def width(self) -> int:
        """Columns of what leaves this part: those of what enters, and the differences."""
        return 2 * len(self.scales) + self.n_others

    def forward(self, x: np.ndarray) -> np.ndarray:
        """Put the differences beside the inputs.

        Parameters
        ----------
        x : ndarray of shape (n_timesteps, n_samples, n_inputs)
            Inputs.

        Returns
        -------
        ndarray of shape (n_timesteps, n_samples, width)
            Of the same dtype. What stands at padding has no meaning.
        """
        n_inputs, n_channels = x.shape[-1], len(self.scales)
        outputs = np.zeros((*x.shape[:2], self.width), x.dtype)
        outputs[..., :n_inputs] = x
        channels = x[..., :n_channels]
        np.subtract(channels[1:], channels[:-1], out=outputs[1:, :, n_inputs:])
        outputs[1:, :, n_inputs:] *= np.asarray(self.scales, x.dtype)
        return outputs

    def backward(self, d_outputs: np.ndarray) -> np.ndarray:
        """Send gradients back to the inputs.

        Parameters
        ----------
        d_outputs : ndarray of shape (n_timesteps, n_samples, width)
            Gradient of what `forward` returned, zero at padding.

        Returns
        -------
        ndarray of shape (n_timesteps, n_samples, n_inputs)
        """
        n_channels = len(self.scales)
        n_inputs = n_channels + self.n_others
        dx = d_outputs[..., :n_inputs].copy()
        of_change = d_outputs[1:, :, n_inputs:] * np.asarray(self.scales, d_outputs.dtype)
        dx[1:, :, :n_channels] += of_change
        dx[:-1, :, :n_channels] -= of_change
        return dx


def autocorrelation(changes: np.ndarray, follows: np.ndarray) -> float:
    """Return the lag-1 autocorrelation of the differences, mean of the channels that change.

    Parameters
    ----------
    changes : ndarray of shape (n_changes, n_channels)
        First differences, of one sequence after the other.
    follows : ndarray of shape (n_changes - 1,), dtype bool
        Whether a difference and the next one are of the same sequence.

    Returns
    -------
    float
        Above zero for smooth series, about -1/2 for white noise; 0 where no channel changes.
    """
    squares = np.square(changes).sum(axis=0)
    products = (changes[1:] * changes[:-1])[follows].sum(axis=0)
    moves = squares > 0
    return float(np.mean(products[moves] / squares[moves])) if moves.any() else 0.0
