"""What losses with several raw numbers a target have in common."""

from __future__ import annotations

import numpy as np

from skrnn.core.losses._base import mean_over_outputs


def mean_over_targets(
    losses: np.ndarray, d_raw: np.ndarray, sample_weight: np.ndarray
) -> tuple[float, np.ndarray]:
    """Return what `mean_over_outputs` does, of a loss with several raw numbers a target.

    Parameters
    ----------
    losses : ndarray of shape (n_rows, n_outputs)
        Loss of every output of every row.
    d_raw : ndarray of shape (n_rows, n_outputs, n_raw)
        Its derivatives by the raw numbers of that output.
    sample_weight : ndarray
        Weights, as `mean_over_outputs` takes them.

    Returns
    -------
    loss : float
        Weighted sum over rows.
    d_raw : ndarray of shape (n_rows, n_outputs * n_raw)
        Its gradient.
    """
    weighted, value = np.empty_like(d_raw), 0.0
    for k in range(d_raw.shape[2]):
        value, weighted[:, :, k] = mean_over_outputs(losses, d_raw[:, :, k], sample_weight)
    return value, weighted.reshape(len(d_raw), -1)


def by_target(raw_prediction: np.ndarray, n_raw: int) -> np.ndarray:
    """Return the raw numbers of every target.

    Parameters
    ----------
    raw_prediction : ndarray of shape (n_rows, n_outputs * n_raw)
        Those of the first target first.
    n_raw : int
        How many there are of a target.

    Returns
    -------
    ndarray of shape (n_rows, n_outputs, n_raw)
        A view.
    """
    return raw_prediction.reshape(len(raw_prediction), -1, n_raw)
