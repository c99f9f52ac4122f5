"""Classes of time series that differ in their shape, drawn from published recipes."""

from __future__ import annotations

from numbers import Integral

import numpy as np
from sklearn.utils import check_random_state, check_scalar

from skrnn._typing import Seed

__all__ = [
    "CONTROL_CHARTS",
    "CYLINDER_BELL_FUNNEL",
    "make_control_charts",
    "make_cylinder_bell_funnel",
]

CYLINDER_BELL_FUNNEL = ("cylinder", "bell", "funnel")
CONTROL_CHARTS = (
    "normal",
    "cyclic",
    "increasing trend",
    "decreasing trend",
    "upward shift",
    "downward shift",
)


def make_cylinder_bell_funnel(
    n_samples: int = 30, *, random_state: Seed = None
) -> tuple[np.ndarray, np.ndarray]:
    r"""Make series of 128 steps with a cylinder, a bell or a funnel in them (classification).

    Between a random start `a` and end `b` a series is on a plateau, rises or falls; everything
    else is noise [1]_. With :math:`t = 1, \dots, 128`, all draws independent:

    .. math::
        a &\sim U\{16, \dots, 32\}, \qquad b - a \sim U\{32, \dots, 96\}, \qquad
        \eta, \epsilon_t \sim N(0, 1) \\
        cylinder_t &= (6 + \eta) \, 1_{[a, b]}(t) + \epsilon_t \\
        bell_t &= (6 + \eta) \, 1_{[a, b]}(t) \, (t - a) / (b - a) + \epsilon_t \\
        funnel_t &= (6 + \eta) \, 1_{[a, b]}(t) \, (b - t) / (b - a) + \epsilon_t

    Parameters
    ----------
    n_samples : int, default=30
        Number of series, >= 1. The classes take turns before they are shuffled, so that their
        sizes differ by one at most.
    random_state : int, RandomState instance or None, default=None
        Source of the random numbers; an int gives the same data on every call.

    Returns
    -------
    X : ndarray of shape (n_samples, 128, 1), dtype float64
        The series.
    y : ndarray of shape (n_samples,), dtype str
        "cylinder", "bell" or "funnel".

    Raises
    ------
    ValueError, TypeError
        If `n_samples` is below 1 or no integer.

    References
    ----------
    .. [1] N. Saito, "Local feature extraction and its applications using a library of bases",
       PhD thesis, Yale University (1994).

    Examples
    --------
    >>> from skrnn.datasets import make_cylinder_bell_funnel
    >>> X, y = make_cylinder_bell_funnel(4, random_state=0)
    >>> X.shape, y.shape
    ((4, 128, 1), (4,))
    """
    check_scalar(n_samples, "n_samples", Integral, min_val=1)
    rng = check_random_state(random_state)
    classes = rng.permutation(np.arange(n_samples) % 3)
    a = rng.randint(16, 33, size=(n_samples, 1))
    b = a + rng.randint(32, 97, size=(n_samples, 1))
    height = 6 + rng.normal(size=(n_samples, 1))
    t = np.arange(1, 129)
    slope = np.stack([np.ones((n_samples, 128)), (t - a) / (b - a), (b - t) / (b - a)])
    shape = slope[classes, np.arange(n_samples)] * ((a <= t) & (t <= b))
    X = height * shape + rng.normal(size=(n_samples, 128))
    return X[:, :, np.newaxis], np.array(CYLINDER_BELL_FUNNEL)[classes]


def make_control_charts(
    n_samples: int = 600, *, n_timesteps: int = 60, random_state: Seed = None
) -> tuple[np.ndarray, np.ndarray]:
    r"""Make synthetic control charts, of a process that is in order or goes wrong (classification).

    A chart of `n` steps is noise around 30, to which five of the six classes add something [1]_.
    With :math:`t = 1, \dots, n`, all draws independent:

    .. math::
        normal_t &= 30 + 2 r_t, & r_t &\sim U(-3, 3) \\
        cyclic_t &= normal_t + a \sin(2 \pi t / T), & a, T &\sim U(10, 15) \\
        trend_t &= normal_t \pm g t, & g &\sim U(0.2, 0.5) \\
        shift_t &= normal_t \pm x \, 1_{t \ge s}, & x &\sim U(7.5, 20), \; s \sim U(n/3, 2n/3)

    Parameters
    ----------
    n_samples : int, default=600
        Number of charts, >= 1. The classes take turns before they are shuffled, so that their
        sizes differ by one at most.
    n_timesteps : int, default=60
        Length of every chart, >= 3.
    random_state : int, RandomState instance or None, default=None
        Source of the random numbers; an int gives the same data on every call.

    Returns
    -------
    X : ndarray of shape (n_samples, n_timesteps, 1), dtype float64
        The charts.
    y : ndarray of shape (n_samples,), dtype str
        "normal", "cyclic", "increasing trend", "decreasing trend", "upward shift" or
        "downward shift".

    Raises
    ------
    ValueError, TypeError
        If a number is out of its interval or no integer.

    References
    ----------
    .. [1] R. J. Alcock, Y. Manolopoulos, "Time-series similarity queries employing a
       feature-based approach", 7th Hellenic Conference on Informatics (1999).

    Examples
    --------
    >>> from skrnn.datasets import make_control_charts
    >>> X, y = make_control_charts(12, random_state=0)
    >>> X.shape, len(set(y))
    ((12, 60, 1), 6)
    """
    check_scalar(n_samples, "n_samples", Integral, min_val=1)
    check_scalar(n_timesteps, "n_timesteps", Integral, min_val=3)
    rng = check_random_state(random_state)
    classes = rng.permutation(np.arange(n_samples) % 6)
    t = np.arange(1, n_timesteps + 1)

    def draw(low: float, high: float) -> np.ndarray:
        return rng.uniform(low, high, size=(n_samples, 1))

    cycle = draw(10, 15) * np.sin(2 * np.pi * t / draw(10, 15))
    trend = draw(0.2, 0.5) * t
    shift = draw(7.5, 20) * (t >= draw(n_timesteps / 3, 2 * n_timesteps / 3))
    added = np.stack([np.zeros_like(trend), cycle, trend, -trend, shift, -shift])
    noise = rng.uniform(-3, 3, size=(n_samples, n_timesteps))
    X = 30 + 2 * noise + added[classes, np.arange(n_samples)]
    return X[:, :, np.newaxis], np.array(CONTROL_CHARTS)[classes]
