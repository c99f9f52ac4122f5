"""Pulses at a pace of their own, some of which come early: a target at every time step."""

from __future__ import annotations

from numbers import Integral

import numpy as np
from sklearn.utils import check_random_state, check_scalar

from skrnn._typing import Seed

__all__ = ["make_early_beats"]

# Steps from beat to beat, the share of early ones, and what part of the usual distance they take.
PACES, EARLY, SHORTENED, USUAL = (15, 50), 1 / 8, (0.6, 0.75), (0.95, 1.05)
WIDTH, NOISE = 1.2, 0.1


def make_early_beats(
    n_samples: int = 100,
    n_timesteps: int = 500,
    *,
    min_timesteps: int = 300,
    random_state: Seed = None,
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    r"""Make recordings of a pulse whose early beats are to be marked (classification of steps).

    Every recording has a pace :math:`p \sim U[15, 50)` of its own. With independent draws, beat
    `i` comes at

    .. math::
        t_{i + 1} = t_i + p\, d_i, \qquad
        d_i \sim \begin{cases}
            U[0.6, 0.75) & \text{with probability } 1/8 \text{: early} \\
            U[0.95, 1.05) & \text{else}
        \end{cases}

    and the signal is :math:`x_t = \sum_i a_i \exp(-(t - t_i)^2 / (2 \cdot 1.2^2)) + e_t` with
    heights :math:`a_i \sim U[0.8, 1.2)` and noise :math:`e_t \sim N(0, 0.1^2)`. The four steps
    around an early beat have the target 1. What is early depends on the pace, so on beats that may
    lie a hundred steps back.

    Parameters
    ----------
    n_samples : int, default=100
        Number of recordings, >= 1.
    n_timesteps : int, default=500
        Greatest length of a recording, >= 2.
    min_timesteps : int, default=300
        Smallest length, in [2, n_timesteps]; lengths are drawn uniformly.
    random_state : int, RandomState instance or None, default=None
        Source of the random numbers; an int gives the same data on every call.

    Returns
    -------
    X : list of ndarray of shape (n_timesteps_i, 1), dtype float64
        The recordings.
    y : list of ndarray of shape (n_timesteps_i,), dtype int64
        1 at the steps of early beats, else 0; about one step in sixty.

    Raises
    ------
    ValueError, TypeError
        If a number is out of its interval or no integer.

    Examples
    --------
    >>> from skrnn.datasets import make_early_beats
    >>> X, y = make_early_beats(n_samples=3, random_state=0)
    >>> [x.shape for x in X]
    [(417, 1), (332, 1), (386, 1)]
    """
    check_scalar(n_samples, "n_samples", Integral, min_val=1)
    check_scalar(n_timesteps, "n_timesteps", Integral, min_val=2)
    check_scalar(min_timesteps, "min_timesteps", Integral, min_val=2, max_val=n_timesteps)
    rng = check_random_state(random_state)
    recordings = [_recording(rng, min_timesteps, n_timesteps) for _ in range(n_samples)]
    return [x for x, _ in recordings], [y for _, y in recordings]


def _recording(
    rng: np.random.RandomState, shortest: int, longest: int
) -> tuple[np.ndarray, np.ndarray]:
    pace, n_steps = rng.uniform(*PACES), rng.randint(shortest, longest + 1)
    time, at = np.arange(n_steps), rng.uniform(0, PACES[1])
    signal, label = rng.normal(scale=NOISE, size=n_steps), np.zeros(n_steps, dtype=np.int64)
    early = False
    while at < n_steps:
        signal += rng.uniform(0.8, 1.2) * np.exp(-0.5 * np.square((time - at) / WIDTH))
        if early:
            label[max(0, int(at) - 1) : int(at) + 3] = 1
        early = rng.uniform() < EARLY
        at += pace * rng.uniform(*(SHORTENED if early else USUAL))
    return signal[:, np.newaxis], label
