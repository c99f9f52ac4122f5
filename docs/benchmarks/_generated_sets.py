"""Generated data sets of the table of accuracies: each a recipe, a seed and a number of sequences.

Sequences are float32 arrays of shape (n_timesteps, n_channels), or ids of tokens of shape
(n_timesteps, 1). All draws of a set come from one `RandomState`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.ndimage import gaussian_filter

from skrnn.datasets import make_control_charts, make_cylinder_bell_funnel


class DataSet(NamedTuple):
    """Sequences and targets, to train on and to test on.

    `kind` is "classes" (scored by accuracy), "numbers" (by R²) or "steps" (a class at every step,
    scored by the accuracy over all steps). `n_tokens` is 0, or the number of ids if the sequences
    are ids of tokens.
    """

    kind: str
    X_train: list[np.ndarray]
    y_train: np.ndarray | list[np.ndarray]
    X_test: list[np.ndarray]
    y_test: np.ndarray | list[np.ndarray]
    n_tokens: int = 0


def as_list(X: object) -> list[np.ndarray]:
    """Return sequences as float32 arrays of shape (n_timesteps, n_channels)."""
    return [np.asarray(x, np.float32).reshape(len(x), -1) for x in X]  # type: ignore[attr-defined]


def standardized(x: np.ndarray) -> np.ndarray:
    """Return a series with mean 0 and standard deviation 1, as the UCR archive stores series."""
    return (x - x.mean()) / x.std()


Maker = Callable[[int, np.random.RandomState], tuple[list[np.ndarray], object]]


def train_and_test(
    make: Maker, n_train: int, n_test: int, seed: int, kind: str = "classes"
) -> DataSet:
    """Return a set whose parts are drawn one after the other from the same recipe."""
    rng = np.random.RandomState(seed)
    X, y = make(n_train, rng)
    X_test, y_test = make(n_test, rng)
    if kind == "steps":
        return DataSet(kind, as_list(X), y, as_list(X_test), y_test)
    return DataSet(kind, as_list(X), np.array(y), as_list(X_test), np.array(y_test))


# --- classes, from published recipes -------------------------------------------------------------


def cylinder_bell_funnel() -> DataSet:
    """As many series as the UCR archive's CBF has, standardized as there."""

    def make(n: int, rng: np.random.RandomState) -> tuple[list[np.ndarray], np.ndarray]:
        X, y = make_cylinder_bell_funnel(n, random_state=rng)
        return [standardized(x) for x in X], y

    return train_and_test(make, 30, 900, seed=1)


def control_charts() -> DataSet:
    """As many charts as the UCR archive's SyntheticControl has, standardized as there."""

    def make(n: int, rng: np.random.RandomState) -> tuple[list[np.ndarray], np.ndarray]:
        X, y = make_control_charts(n, random_state=rng)
        return [standardized(x) for x in X], y

    return train_and_test(make, 300, 300, seed=2)


def two_patterns() -> DataSet:
    """A step up or down, and later another: four classes, as the UCR archive's TwoPatterns.

    P. Geurts, "Contributions to decision tree induction: bias/variance tradeoff and time series
    classification", PhD thesis, University of Liège (2002).
    """

    def make(n: int, rng: np.random.RandomState) -> tuple[list[np.ndarray], np.ndarray]:
        X, y = [], np.arange(n) % 4
        for c in y:
            x = rng.normal(size=128)
            lengths = 2 * rng.randint(10, 30, size=2)
            starts = rng.randint(1, 64 - lengths[0]), 64 + rng.randint(0, 64 - lengths[1])
            for start, length, up in zip(starts, lengths, (c // 2, c % 2), strict=True):
                step = np.repeat([-5.0, 5.0], length // 2)
                x[start : start + length] = step if up else -step
            X.append(standardized(x))
        return X, y

    return train_and_test(make, 1000, 4000, seed=3)


# Outlines of the ten digits in MNIST-1D, each written from the top to the bottom.
MNIST_1D = [
    [5, 6, 6.5, 6.75, 7, 7, 7, 7, 6.75, 6.5, 6, 5],
    [5, 3, 3, 3.4, 3.8, 4.2, 4.6, 5, 5.4, 5.8, 5, 5],
    [5, 6, 6.5, 6.5, 6, 5.25, 4.75, 4, 3.5, 3.5, 4, 5],
    [5, 6, 6.5, 6.5, 6, 5, 5, 6, 6.5, 6.5, 6, 5],
    [5, 4.4, 3.8, 3.2, 2.6, 2.6, 5, 5, 5, 5, 5, 5],
    [5, 3, 3, 3, 3, 5, 6, 6.5, 6.5, 6, 4.5, 5],
    [5, 4, 3.5, 3.25, 3, 3, 3, 3, 3.25, 3.5, 4, 5],
    [5, 7, 7, 6.6, 6.2, 5.8, 5.4, 5, 4.6, 4.2, 5, 5],
    [5, 4, 3.5, 3.5, 4, 5, 5, 4, 3.5, 3.5, 4, 5],
    [5, 4, 3.5, 3.5, 4, 5, 5, 5, 5, 4.7, 4.3, 5],
]


def mnist_1d() -> DataSet:
    """MNIST-1D with its defaults, the draws in the order of its authors' package `mnist1d`.

    S. Greydanus, D. Kobak, "Scaling down deep learning with MNIST-1D", International Conference
    on Machine Learning (2024), https://github.com/greydanus/mnist1d (Apache License 2.0).
    """
    templates = np.array(MNIST_1D)
    templates -= templates.mean(axis=1, keepdims=True)
    templates /= templates.std(axis=1, keepdims=True)
    templates = (templates - templates[:, :1]) / 6
    rng = np.random.RandomState(42)
    X = np.stack([_mnist_1d_digit(x, rng) for x in np.repeat(templates, 500, axis=0)])
    order = rng.permutation(5000)
    X, y = standardized(X[order]), np.repeat(np.arange(10), 500)[order]
    return DataSet("classes", as_list(X[:4000]), y[:4000], as_list(X[4000:]), y[4000:])


def _mnist_1d_digit(template: np.ndarray, rng: np.random.RandomState) -> np.ndarray:
    """Pad, stretch, scale, shift, add noise, shear and take 40 points."""

    def stretched(x: np.ndarray, n: int) -> np.ndarray:
        return np.interp(np.linspace(0, 1, n), np.linspace(0, 1, len(x)), x)

    x = stretched(np.append(template + 1e-8, np.zeros(36 + int(rng.rand() * 25))), 72)
    x *= 1 + 0.4 * (rng.rand() - 0.5)
    x = np.roll(x, rng.choice(48))
    x = np.where(x != 0, x, gaussian_filter(0.25 * rng.randn(72), 2)) + 0.02 * rng.randn(72)
    return stretched(x - 0.75 * (rng.rand() - 0.5) * np.linspace(-0.5, 0.5, 72), 40)


# --- classes, from recipes of our own ------------------------------------------------------------


def shapelets() -> DataSet:
    """A triangle, plateau, two waves or a ramp of 20 to 30 steps, somewhere in 200 of noise."""
    shapes = (
        lambda u: 1 - abs(2 * u - 1),
        lambda u: (u > 0.2) & (u < 0.8),
        lambda u: np.sin(4 * np.pi * u),
        lambda u: u,
    )

    def make(n: int, rng: np.random.RandomState) -> tuple[list[np.ndarray], np.ndarray]:
        X, y = [], np.arange(n) % 4
        for c in y:
            x, width = _autoregressive(200, 0.7, 0.5, rng), rng.randint(20, 31)
            start = rng.randint(0, 200 - width)
            shape = shapes[c](np.linspace(0, 1, width))
            x[start : start + width] += shape * rng.uniform(2.5, 4)
            X.append(standardized(x))
        return X, y

    return train_and_test(make, 100, 600, seed=4)


def contours() -> DataSet:
    """Distances from the centre along outlines of six kinds of closed shapes, begun anywhere."""
    kinds = np.random.RandomState(50)
    orders = np.arange(1, 9)
    profiles = [
        (kinds.normal(size=8) / orders**0.8, kinds.uniform(0, 2 * np.pi, size=8)) for _ in range(6)
    ]
    angles = np.linspace(0, 2 * np.pi, 300, endpoint=False)

    def make(n: int, rng: np.random.RandomState) -> tuple[list[np.ndarray], np.ndarray]:
        X, y = [], np.arange(n) % 6
        for c in y:
            sizes, phases = profiles[c]
            sizes = sizes * (1 + 0.25 * rng.normal(size=8))
            phases = phases + 0.25 * rng.normal(size=8)
            bent = angles + 0.3 * np.sin(angles + rng.uniform(0, 2 * np.pi))
            t = bent + rng.uniform(0, 2 * np.pi)
            x = np.cos(t[:, np.newaxis] * orders + phases) @ sizes
            X.append(standardized(x + 0.00625 * rng.normal(size=300).cumsum()))
        return X, y

    return train_and_test(make, 150, 600, seed=5)


def sensors() -> DataSet:
    """Three drifting sensors, 30 to 250 steps: one begins to swing, or follows, or has bursts."""

    def make(n: int, rng: np.random.RandomState) -> tuple[list[np.ndarray], np.ndarray]:
        X, y = [], np.arange(n) % 3
        for c in y:
            length = rng.randint(30, 251)
            t = np.arange(length)
            x = 0.3 * rng.normal(size=(length, 3)).cumsum(axis=0)
            x += 0.5 * rng.normal(size=(length, 3)) - x.mean(axis=0)
            if c == 0:
                swing = np.sin(2 * np.pi * t / rng.uniform(6, 10) + rng.uniform(0, 2 * np.pi))
                x[:, 0] += 1.2 * swing * (t > length * rng.uniform(0.2, 0.6))
            elif c == 1:
                x[:, 1] = 0.8 * np.roll(x[:, 0], 3) + 0.4 * x[:, 1]
            else:
                for start in rng.randint(0, length - 5, size=max(1, length // 25)):
                    x[start : start + 5, 2] += 3
            X.append(x)
        return X, y

    return train_and_test(make, 300, 600, seed=6)


def chirps() -> DataSet:
    """A tone within 500 steps of noise: it rises or falls, in a jump or gradually."""

    def make(n: int, rng: np.random.RandomState) -> tuple[list[np.ndarray], np.ndarray]:
        X, y = [], np.arange(n) % 4
        t = np.arange(500)
        for c in y:
            first, last = (0.02, 0.06) if c % 2 else (0.06, 0.02)
            a = rng.uniform(100, 200)
            b = a + rng.uniform(150, 250)
            gradual = first + (last - first) * np.clip((t - a) / (b - a), 0, 1)
            frequency = np.where(t < (a + b) / 2, first, last) if c // 2 else gradual
            phase = np.cumsum(frequency * rng.uniform(0.85, 1.15))
            tone = np.sin(2 * np.pi * phase + rng.uniform(0, 2 * np.pi)) * ((a < t) & (t < b))
            X.append(tone + 0.6 * rng.normal(size=500))
        return X, y

    return train_and_test(make, 120, 600, seed=7)


# Arcs of Reber's grammar: state -> (symbol, next state); a word ends with "E" after state 5.
REBER = {
    0: [("T", 1), ("P", 2)],
    1: [("S", 1), ("X", 3)],
    2: [("T", 2), ("V", 4)],
    3: [("X", 2), ("S", 5)],
    4: [("P", 3), ("V", 5)],
}


def embedded_reber() -> DataSet:
    """Words of the embedded Reber grammar, or such words with one symbol replaced (tokens).

    S. Hochreiter, J. Schmidhuber, "Long short-term memory", Neural Computation 9 (1997),
    1735-1780, experiment 1.
    """
    symbols = "BTSXPVE"

    def word(rng: np.random.RandomState) -> str:
        state, inner = 0, "B"
        while state != 5:
            symbol, state = REBER[state][rng.randint(2)]
            inner += symbol
        outer = "TP"[rng.randint(2)]
        return f"B{outer}{inner}E{outer}E"

    def make(n: int, rng: np.random.RandomState) -> tuple[list[np.ndarray], np.ndarray]:
        X, y = [], np.arange(n) % 2
        for corrupted in y:
            ids = np.array([symbols.index(symbol) for symbol in word(rng)])
            if corrupted:
                ids[rng.randint(len(ids))] += rng.randint(1, 7)
            X.append(ids % 7)
        return X, y

    return train_and_test(make, 1000, 1000, seed=8)._replace(n_tokens=7)


# --- numbers -------------------------------------------------------------------------------------


def long_memory() -> DataSet:
    """The sum of three marked values of 150, and half the largest."""

    def make(n: int, rng: np.random.RandomState) -> tuple[list[np.ndarray], list[float]]:
        X, y = [], []
        for _ in range(n):
            x = _autoregressive(150, 0.9, 0.4, rng)
            marked = rng.choice(150, size=3, replace=False)
            X.append(np.stack([x, np.isin(np.arange(150), marked)], axis=1))
            y.append(x[marked].sum() + 0.5 * x.max())
        return X, y

    return train_and_test(make, 1000, 1000, seed=10, kind="numbers")


def frequency() -> DataSet:
    """How often a noisy wave of 200 steps swings in 100 of them."""

    def make(n: int, rng: np.random.RandomState) -> tuple[list[np.ndarray], np.ndarray]:
        y = rng.uniform(2, 15, size=n)
        phase = y[:, np.newaxis] / 100 * np.arange(200) + rng.uniform(size=(n, 1))
        return list(np.sin(2 * np.pi * phase) + 0.5 * rng.normal(size=(n, 200))), y

    return train_and_test(make, 200, 600, seed=11, kind="numbers")


# --- a class at every step -----------------------------------------------------------------------


def hidden_switch() -> DataSet:
    """The position, two steps ago, of a three-way switch that is heard through noise."""
    signals = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]])

    def make(n: int, rng: np.random.RandomState) -> tuple[list[np.ndarray], list[np.ndarray]]:
        X, y = [], []
        for length in rng.randint(40, 121, size=n):
            states = np.zeros(length, dtype=int)
            for t in range(1, length):
                states[t] = states[t - 1] if rng.rand() < 0.93 else rng.randint(3)
            X.append(signals[states] + 0.9 * rng.normal(size=(length, 2)))
            y.append(np.append([0, 0], states[:-2]))
        return X, y

    return train_and_test(make, 200, 200, seed=12, kind="steps")


def _autoregressive(
    length: int, memory: float, noise: float, rng: np.random.RandomState
) -> np.ndarray:
    """Return a series in which a share `memory` of every value goes on into the next."""
    x = np.zeros(length)
    for t, shock in enumerate(noise * rng.normal(size=length - 1), start=1):
        x[t] = memory * x[t - 1] + shock
    return x
