"""Tasks of symbols that ask a network to remember them, their order or their parity."""

from __future__ import annotations

from numbers import Integral

import numpy as np
from sklearn.utils import check_random_state, check_scalar

from skrnn._typing import Seed

__all__ = ["make_copy_memory", "make_parity", "make_temporal_order"]


def make_copy_memory(
    n_samples: int = 100,
    delay: int = 50,
    *,
    n_symbols: int = 8,
    n_to_copy: int = 10,
    random_state: Seed = None,
) -> tuple[np.ndarray, np.ndarray]:
    r"""Make the copy memory problem: say symbols again after a delay (a class at every step).

    A sequence has :math:`delay + 2 k` steps, with `k` the symbols to copy: these, ``delay - 1``
    blanks, a marker, and `k` blanks. The target is blank until the marker has been seen, then the
    symbols in their order [1]_ [2]_:

    .. math::
        x &= s_1, \dots, s_k, \; blank \times (delay - 1), \; marker, \; blank \times k \\
        y &= blank \times (delay + k), \; s_1, \dots, s_k, \qquad s_i \sim U\{0, \dots, m - 1\}

    Blank has the id `m`, the marker `m + 1`, with `m` the number of symbols. Always saying blank,
    and guessing after the marker, has a cross-entropy of :math:`k \log m / (delay + 2 k)`; a
    network below it has learned to remember.

    Parameters
    ----------
    n_samples : int, default=100
        Number of sequences, >= 1.
    delay : int, default=50
        Steps from the last symbol to the marker, >= 1.
    n_symbols : int, default=8
        Number of different symbols, >= 2.
    n_to_copy : int, default=10
        Symbols of a sequence, >= 1.
    random_state : int, RandomState instance or None, default=None
        Source of the random numbers; an int gives the same data on every call.

    Returns
    -------
    X : ndarray of shape (n_samples, delay + 2 * n_to_copy, 1), dtype float64
        Ids, for ``RNNClassifier(embedding_dim=...)``.
    y : ndarray of shape (n_samples, delay + 2 * n_to_copy), dtype int64
        Ids, for ``RNNClassifier(return_sequences=True)``.

    Raises
    ------
    ValueError, TypeError
        If a number is out of its interval or no integer.

    References
    ----------
    .. [1] S. Hochreiter, J. Schmidhuber, "Long short-term memory", Neural Computation 9 (1997)
       1735-1780.
    .. [2] M. Arjovsky, A. Shah, Y. Bengio, "Unitary evolution recurrent neural networks",
       International Conference on Machine Learning (2016) 1120-1128.

    Examples
    --------
    >>> from skrnn.datasets import make_copy_memory
    >>> X, y = make_copy_memory(1, delay=3, n_to_copy=2, random_state=0)
    >>> X[0, :, 0].astype(int), y[0]
    (array([4, 7, 8, 8, 9, 8, 8]), array([8, 8, 8, 8, 8, 4, 7]))
    """
    for name, value, least in (
        ("n_samples", n_samples, 1),
        ("delay", delay, 1),
        ("n_symbols", n_symbols, 2),
        ("n_to_copy", n_to_copy, 1),
    ):
        check_scalar(value, name, Integral, min_val=least)
    rng = check_random_state(random_state)
    symbols = rng.randint(n_symbols, size=(n_samples, n_to_copy))
    blank, marker = n_symbols, n_symbols + 1
    x = np.full((n_samples, delay + 2 * n_to_copy), blank)
    y = x.copy()
    x[:, :n_to_copy] = symbols
    x[:, n_to_copy + delay - 1] = marker
    y[:, n_to_copy + delay :] = symbols
    return x[:, :, np.newaxis].astype(np.float64), y


def make_temporal_order(
    n_samples: int = 100, n_timesteps: int = 100, *, random_state: Seed = None
) -> tuple[np.ndarray, np.ndarray]:
    r"""Make the temporal order problem: tell in which order two symbols came (classification).

    Among distractors (ids 0 to 3) stand two symbols, each "X" (id 4) or "Y" (id 5), one in the
    second tenth of a sequence and one in its sixth tenth [1]_ [2]_:

    .. math::
        t_1 \sim U\{T / 10, \dots, 2 T / 10\}, \qquad t_2 \sim U\{5 T / 10, \dots, 6 T / 10\}

    Parameters
    ----------
    n_samples : int, default=100
        Number of sequences, >= 1.
    n_timesteps : int, default=100
        Length `T` of every sequence, >= 10.
    random_state : int, RandomState instance or None, default=None
        Source of the random numbers; an int gives the same data on every call.

    Returns
    -------
    X : ndarray of shape (n_samples, n_timesteps, 1), dtype float64
        Ids, for ``RNNClassifier(embedding_dim=...)``.
    y : ndarray of shape (n_samples,), dtype str
        "XX", "XY", "YX" or "YY".

    Raises
    ------
    ValueError, TypeError
        If a number is out of its interval or no integer.

    References
    ----------
    .. [1] S. Hochreiter, J. Schmidhuber, "Long short-term memory", Neural Computation 9 (1997)
       1735-1780, task 6a.
    .. [2] R. Pascanu, T. Mikolov, Y. Bengio, "On the difficulty of training recurrent neural
       networks", International Conference on Machine Learning (2013) 1310-1318.

    Examples
    --------
    >>> from skrnn.datasets import make_temporal_order
    >>> X, y = make_temporal_order(3, n_timesteps=10, random_state=0)
    >>> ids = X[0, :, 0].astype(int)
    >>> "".join("XY"[i - 4] for i in ids[ids >= 4]) == y[0]
    True
    """
    check_scalar(n_samples, "n_samples", Integral, min_val=1)
    check_scalar(n_timesteps, "n_timesteps", Integral, min_val=10)
    rng = check_random_state(random_state)
    x = rng.randint(4, size=(n_samples, n_timesteps))
    symbols = rng.randint(2, size=(n_samples, 2))
    tenth = n_timesteps / 10
    rows = np.arange(n_samples)
    for which, (first, last) in enumerate([(1, 2), (5, 6)]):
        at = rng.randint(int(first * tenth), int(last * tenth) + 1, size=n_samples)
        x[rows, at] = 4 + symbols[:, which]
    y = np.array(["XX", "XY", "YX", "YY"])[2 * symbols[:, 0] + symbols[:, 1]]
    return x[:, :, np.newaxis].astype(np.float64), y


def make_parity(
    n_samples: int = 100,
    n_timesteps: int = 20,
    *,
    every_step: bool = False,
    random_state: Seed = None,
) -> tuple[np.ndarray, np.ndarray]:
    r"""Make the parity problem: tell whether the number of ones so far is odd (classification).

    .. math:: x_t \sim U\{-1, 1\}, \qquad y_t = \sum_{k \le t} 1_{x_k = 1} \bmod 2

    One bit of state solves it, and no bag of the time steps does: every single step decides.

    Parameters
    ----------
    n_samples : int, default=100
        Number of sequences, >= 1.
    n_timesteps : int, default=20
        Length of every sequence, >= 1.
    every_step : bool, default=False
        Whether there is a target at every step, rather than that of the last step alone.
    random_state : int, RandomState instance or None, default=None
        Source of the random numbers; an int gives the same data on every call.

    Returns
    -------
    X : ndarray of shape (n_samples, n_timesteps, 1), dtype float64
        -1 and 1.
    y : ndarray of shape (n_samples,) or (n_samples, n_timesteps), dtype int64
        0 for even, 1 for odd.

    Raises
    ------
    ValueError, TypeError
        If a number is out of its interval or no integer.

    Examples
    --------
    >>> from skrnn.datasets import make_parity
    >>> X, y = make_parity(1, n_timesteps=5, every_step=True, random_state=0)
    >>> X[0, :, 0], y[0]
    (array([-1.,  1.,  1., -1.,  1.]), array([0, 1, 0, 0, 1]))
    """
    check_scalar(n_samples, "n_samples", Integral, min_val=1)
    check_scalar(n_timesteps, "n_timesteps", Integral, min_val=1)
    bits = check_random_state(random_state).randint(2, size=(n_samples, n_timesteps))
    parity = bits.cumsum(axis=1) % 2
    X = (2.0 * bits - 1.0)[:, :, np.newaxis]
    return X, parity if every_step else parity[:, -1]
