"""Classic synthetic tasks that ask a network to remember."""

from __future__ import annotations

from numbers import Integral
from typing import overload

import numpy as np
from sklearn.utils import check_random_state, check_scalar

from skrnn._typing import Seed

__all__ = ["make_adding_problem"]


@overload
def make_adding_problem(
    n_samples: int = 100,
    n_timesteps: int = 50,
    *,
    min_timesteps: None = None,
    random_state: Seed = None,
) -> tuple[np.ndarray, np.ndarray]: ...
@overload
def make_adding_problem(
    n_samples: int = 100,
    n_timesteps: int = 50,
    *,
    min_timesteps: int,
    random_state: Seed = None,
) -> tuple[list[np.ndarray], np.ndarray]: ...
def make_adding_problem(
    n_samples: int = 100,
    n_timesteps: int = 50,
    *,
    min_timesteps: int | None = None,
    random_state: Seed = None,
) -> tuple[np.ndarray | list[np.ndarray], np.ndarray]:
    r"""Make the adding problem: sum two marked numbers of a long sequence (regression).

    Channel 0 is a value :math:`v_t`, channel 1 a marker :math:`m_t` that is 1 at two time steps
    and 0 elsewhere. The target is the sum of the marked values. With `T` the length of a sequence
    and `h = T // 2`, all draws independent:

    .. math::
        v_t &\sim U[0, 1), \quad t = 0, \dots, T - 1 \\
        t_1 &\sim U\{0, \dots, h - 1\}, \qquad t_2 \sim U\{h, \dots, T - 1\} \\
        y &= v_{t_1} + v_{t_2} = \sum_t m_t v_t

    The longer the sequences, the longer the first value must be kept: plain recurrent networks
    fail where the gradient vanishes. Always predicting 1 has a mean squared error of
    :math:`1/6 \approx 0.167`; a network below it has learned to remember.

    Parameters
    ----------
    n_samples : int, default=100
        Number of sequences, >= 1.
    n_timesteps : int, default=50
        Length of every sequence, >= 2; with `min_timesteps` the greatest length.
    min_timesteps : int, default=None
        Where given, in [2, n_timesteps], lengths are drawn uniformly between `min_timesteps`
        and `n_timesteps`, both included. None makes all sequences equally long.
    random_state : int, RandomState instance or None, default=None
        Source of the random numbers; an int gives the same data on every call.

    Returns
    -------
    X : ndarray of shape (n_samples, n_timesteps, 2), dtype float64
        The sequences; with `min_timesteps` a list of ndarrays of shape (n_timesteps_i, 2).
    y : ndarray of shape (n_samples,), dtype float64
        The sums, in [0, 2).

    Raises
    ------
    ValueError, TypeError
        If a number is out of its interval or no integer.

    Notes
    -----
    The task is due to Hochreiter and Schmidhuber [1]_, who drew values from [-1, 1] and rescaled
    the sum. This is the variant of Arjovsky, Shah and Bengio [2]_, with one marker in each half.

    References
    ----------
    .. [1] S. Hochreiter, J. Schmidhuber, "Long short-term memory", Neural Computation 9 (1997)
       1735-1780.
    .. [2] M. Arjovsky, A. Shah, Y. Bengio, "Unitary evolution recurrent neural networks",
       International Conference on Machine Learning (2016) 1120-1128.

    Examples
    --------
    >>> import numpy as np
    >>> from skrnn.datasets import make_adding_problem
    >>> X, y = make_adding_problem(n_samples=3, n_timesteps=8, random_state=0)
    >>> X.shape
    (3, 8, 2)
    >>> bool(np.allclose((X[..., 0] * X[..., 1]).sum(axis=1), y))
    True
    """
    check_scalar(n_samples, "n_samples", Integral, min_val=1)
    check_scalar(n_timesteps, "n_timesteps", Integral, min_val=2)
    rng = check_random_state(random_state)
    lengths = np.full(n_samples, n_timesteps)
    if min_timesteps is not None:
        check_scalar(min_timesteps, "min_timesteps", Integral, min_val=2, max_val=n_timesteps)
        lengths = rng.randint(min_timesteps, n_timesteps + 1, size=n_samples)
    half = lengths // 2
    marked = np.stack([rng.randint(half), rng.randint(half, lengths)], axis=1)
    X = np.zeros((n_samples, n_timesteps, 2))
    X[..., 0] = rng.uniform(size=(n_samples, n_timesteps))
    X[np.arange(n_samples)[:, np.newaxis], marked, 1] = 1.0
    y = np.take_along_axis(X[..., 0], marked, axis=1).sum(axis=1)
    if min_timesteps is None:
        return X, y
    return [row[:length].copy() for row, length in zip(X, lengths, strict=True)], y
