"""From the states of all time steps to the features that the output layer sees.

A read-out works on one direction of the top layer, in that direction's own time: ``last`` of a
reversed direction is the state after it has read the whole sequence backwards. `Readout` is the
protocol; one of your own that has no weights may derive from `BaseReadout`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, cast, runtime_checkable

import numpy as np

from skrnn.core import kernels
from skrnn.core.affine import add_over_time, affine, affine_gradients
from skrnn.core.initializers import Initializer
from skrnn.core.parameters import Shapes, part_of, with_prefix
from skrnn.core.ragged import lengths_of, real_steps
from skrnn.core.running import Running, RunningJoined, RunningLast, RunningMax, RunningMean

__all__ = [
    "READOUTS",
    "Attention",
    "AttentionCache",
    "BaseReadout",
    "Joined",
    "Last",
    "Max",
    "Mean",
    "Readout",
    "States",
    "Weights",
    "as_readout",
    "running_of",
]

Weights = Mapping[str, np.ndarray]


@runtime_checkable
class Readout(Protocol):
    """What a network asks of a read-out; all of it is required.

    A read-out holds no numbers: it may be shared by networks and directions. Its weights come in
    as a mapping with the names of `shapes`; those with two axes are weight matrices, which decay
    under a penalty, those with one are biases. The axes are those of `skrnn.core`.

    Examples
    --------
    The last state through a layer of its own, three features wide:

    >>> import numpy as np
    >>> from skrnn.core.cells import CELLS
    >>> from skrnn.core.initializers import xavier_uniform
    >>> from skrnn.core.network import Architecture, Network
    >>> from skrnn.core.readouts import READOUTS
    >>> class Dense:
    ...     last = READOUTS["last"]
    ...     def shapes(self, n_units):
    ...         return {"W": (n_units, 3)}
    ...     def width(self, n_units):
    ...         return 3
    ...     def initialize(self, weights, rng, init):
    ...         weights["W"][:] = init(rng, *weights["W"].shape)
    ...     def forward(self, h, n_active, weights):
    ...         h_last, cache = self.last.forward(h, n_active, {})
    ...         u = np.tanh(h_last @ weights["W"])
    ...         return u, (h_last, u, cache)
    ...     def backward(self, d_features, cache, weights):
    ...         h_last, u, cache = cache
    ...         da = d_features * (1 - u * u)
    ...         dh, _ = self.last.backward(da @ weights["W"].T, cache, {})
    ...         return dh, {"W": h_last.T @ da}
    >>> architecture = Architecture(CELLS["gru"], 2, (8,), 1, readout=Dense())
    >>> architecture.shapes()["readout.forward.W"], architecture.shapes()["output.W"]
    ((8, 3), (3, 1))
    >>> rng = np.random.RandomState(0)
    >>> network = Network.initialize(architecture, rng, xavier_uniform, xavier_uniform)
    >>> network.predict(np.ones((5, 4, 2)), np.full(5, 4)).shape
    (4, 1)
    """

    def shapes(self, n_units: int) -> Shapes:
        """Return name and shape of every weight array.

        Parameters
        ----------
        n_units : int
            Width of the states.

        Returns
        -------
        mapping of str to tuple of int
            Without weights ``{}``.
        """

    def width(self, n_units: int) -> int:
        """Return the number of features.

        Parameters
        ----------
        n_units : int
            Width of the states.

        Returns
        -------
        int
            Columns that `forward` returns.
        """

    def initialize(self, weights: Weights, rng: np.random.RandomState, init: Initializer) -> None:
        """Fill `weights` in place.

        Parameters
        ----------
        weights : mapping of str to ndarray
            As `shapes` says, zero when they come.
        rng : RandomState
            Source of the random numbers.
        init : callable
            Initializer of what is multiplied with the input.
        """

    def forward(
        self, h: np.ndarray, n_active: np.ndarray, weights: Weights
    ) -> tuple[np.ndarray, Any]:
        """Return the features of all sequences.

        Parameters
        ----------
        h : ndarray of shape (n_timesteps + 1, n_samples, n_units)
            States, the initial one first, zero at padding. Not changed.
        n_active : ndarray of shape (n_timesteps,)
            Rows that run at each step. Every sequence has a step.
        weights : mapping of str to ndarray
            As `shapes` says. Not changed.

        Returns
        -------
        features : ndarray of shape (n_samples, width)
            In the dtype of `h`.
        cache : object
            All that `backward` needs.
        """

    def backward(
        self, d_features: np.ndarray, cache: Any, weights: Weights
    ) -> tuple[np.ndarray, Weights]:
        """Return the gradients of the states and of the weights.

        Parameters
        ----------
        d_features : ndarray of shape (n_samples, width)
            Gradient of the features. Not changed; its rows may be apart in memory.
        cache, weights : object
            Of the forward pass.

        Returns
        -------
        dh : ndarray of the shape of `h`
            A new array, zero for the initial state and at padding.
        dweights : mapping of str to ndarray
            Sums over samples, one array for every weight.
        """


class States(NamedTuple):
    """The cache of a read-out that needs nothing but its inputs."""

    h: np.ndarray
    n_active: np.ndarray


def _zeros_like(h: np.ndarray) -> np.ndarray:
    # Not np.zeros: the system would hand out new pages, and clear them, for every batch.
    dh = kernels.empty(h.shape, h.dtype)
    dh.fill(0)
    return dh


class BaseReadout:
    """A read-out without weights, as wide as the states. The two passes remain to be written."""

    def shapes(self, n_units: int) -> Shapes:
        return {}

    def width(self, n_units: int) -> int:
        return n_units

    def initialize(self, weights: Weights, rng: np.random.RandomState, init: Initializer) -> None:
        pass


@dataclass(frozen=True)
class Last(BaseReadout):
    """The state after a sequence's last real step."""

    def forward(
        self, h: np.ndarray, n_active: np.ndarray, weights: Weights
    ) -> tuple[np.ndarray, States]:
        return h[self._last_steps(h, n_active)], States(h, n_active)

    def backward(
        self, d_features: np.ndarray, cache: States, weights: Weights
    ) -> tuple[np.ndarray, Weights]:
        dh = _zeros_like(cache.h)
        dh[self._last_steps(*cache)] = d_features
        return dh, {}

    running = RunningLast

    @staticmethod
    def _last_steps(h: np.ndarray, n_active: np.ndarray) -> Any:
        """Return the index of the last real states; one step if all rows have the same length."""
        n_samples = h.shape[1]
        if n_active[-1] == n_samples:
            return -1
        return lengths_of(n_active, n_samples), np.arange(n_samples)


@dataclass(frozen=True)
class Mean(BaseReadout):
    """The mean of the states over a sequence's real steps."""

    def forward(
        self, h: np.ndarray, n_active: np.ndarray, weights: Weights
    ) -> tuple[np.ndarray, States]:
        mean = RunningMean(h.shape[1], h.shape[2], h.dtype)
        mean.add(h, n_active, 0)
        return mean.features(), States(h, n_active)

    def backward(
        self, d_features: np.ndarray, cache: States, weights: Weights
    ) -> tuple[np.ndarray, Weights]:
        h, n_active = cache
        lengths = lengths_of(n_active, h.shape[1]).astype(h.dtype)
        dh = kernels.empty(h.shape, h.dtype)
        dh[0] = 0
        dh[1:] = d_features / lengths[:, None]
        dh[1:][~real_steps(n_active, h.shape[1])] = 0
        return dh, {}

    running = RunningMean


@dataclass(frozen=True)
class Max(BaseReadout):
    """Every unit's largest state over a sequence's real steps (the first one if tied)."""

    def forward(
        self, h: np.ndarray, n_active: np.ndarray, weights: Weights
    ) -> tuple[np.ndarray, States]:
        steps = self._steps_of_max(h, n_active)
        return np.take_along_axis(h, steps, axis=0)[0], States(h, n_active)

    def backward(
        self, d_features: np.ndarray, cache: States, weights: Weights
    ) -> tuple[np.ndarray, Weights]:
        dh = _zeros_like(cache.h)
        np.put_along_axis(dh, self._steps_of_max(*cache), d_features[None], axis=0)
        return dh, {}

    running = RunningMax

    @staticmethod
    def _steps_of_max(h: np.ndarray, n_active: np.ndarray) -> np.ndarray:
        candidates = h[1:]
        if n_active[-1] < h.shape[1]:
            padding = ~real_steps(n_active, h.shape[1])
            candidates = np.where(padding[:, :, None], -np.inf, candidates)
        return candidates.argmax(axis=0)[None] + 1


class AttentionCache(NamedTuple):
    """What one forward pass leaves for the backward pass and for inspection.

    ``u`` and ``a`` have no initial state: ``a[t]``, the share of step ``t`` in the features, is
    zero at padding.
    """

    h: np.ndarray
    n_active: np.ndarray
    u: np.ndarray
    a: np.ndarray


@dataclass(frozen=True)
class Attention(BaseReadout):
    r"""A mean of the states whose weights are learnt: additive attention with a learnt query.

    .. math::
        u_t &= \tanh(h_t W + b) \\
        e_t &= u_t \, v \\
        a_t &= e^{e_t} / \textstyle\sum_s e^{e_s} \\
        features &= \textstyle\sum_t a_t \, h_t

    The sums run over a sequence's real steps. The score of a step is that of Bahdanau et al.
    [1]_ without a decoder: `v` is the query that asks every step how much it matters [2]_.
    ``W`` (n_units, n_units) and ``v`` (n_units, 1) are drawn by ``init``, ``b`` is zero.

    References
    ----------
    .. [1] Bahdanau, Cho & Bengio (2015). Neural machine translation by jointly learning to align
           and translate. ICLR.
    .. [2] Yang et al. (2016). Hierarchical attention networks for document classification. NAACL.
    """

    def shapes(self, n_units: int) -> Shapes:
        return {"W": (n_units, n_units), "b": (n_units,), "v": (n_units, 1)}

    def initialize(self, weights: Weights, rng: np.random.RandomState, init: Initializer) -> None:
        for name in ("W", "v"):
            weights[name][:] = init(rng, *weights[name].shape)

    def forward(
        self, h: np.ndarray, n_active: np.ndarray, weights: Weights
    ) -> tuple[np.ndarray, AttentionCache]:
        n_timesteps, n_samples, n_units = h[1:].shape
        u = affine(h[1:], weights["W"], weights["b"])
        np.tanh(u, out=u)
        e = affine(u, weights["v"]).reshape(n_timesteps, n_samples)
        e[~real_steps(n_active, n_samples)] = -np.inf
        e -= e.max(axis=0)  # the largest becomes 0: no overflow
        a = np.exp(e, out=e)
        total, features = np.zeros((n_samples, 1)), np.zeros((n_samples, n_units))
        add_over_time(total, a[:, :, None], n_active)
        a /= total[:, 0].astype(a.dtype)
        add_over_time(features, a[:, :, None] * h[1:], n_active)
        return features.astype(h.dtype), AttentionCache(h, n_active, u, a)

    def backward(
        self, d_features: np.ndarray, cache: AttentionCache, weights: Weights
    ) -> tuple[np.ndarray, Weights]:
        h, _, u, a = cache
        # features = sum_t a_t h_t
        da = (h[1:] * d_features).sum(axis=2)
        # a = softmax(e)
        de = a * (da - (a * da).sum(axis=0))
        # e_t = u_t v, u_t = tanh(z_t)
        dz = de[:, :, None] * weights["v"][:, 0]
        dz *= 1 - u * u
        # z_t = h_t W + b
        dW, db = affine_gradients(h[1:], dz)
        dv, _ = affine_gradients(u, de[:, :, None])
        dh = kernels.empty(h.shape, h.dtype)
        dh[0] = 0
        np.multiply(a[:, :, None], d_features, out=dh[1:])
        dh[1:] += affine(dz, weights["W"].T)
        return dh, {"W": dW, "b": db, "v": dv}


@dataclass(frozen=True)
class Joined:
    """Several read-outs, their features side by side.

    The names of their weights begin with their position: ``"0.W"``.

    Parameters
    ----------
    readouts : tuple of Readout
        At least one.

    Examples
    --------
    >>> import numpy as np
    >>> from skrnn.core.readouts import as_readout
    >>> joined = as_readout(("last", "mean", "max"))
    >>> joined.width(8)
    24
    >>> h = np.array([0.0, 1.0, 5.0, 3.0]).reshape(4, 1, 1)
    >>> joined.forward(h, np.array([1, 1, 1]), {})[0]
    array([[3., 3., 5.]])
    """

    readouts: tuple[Readout, ...]

    def shapes(self, n_units: int) -> Shapes:
        return {
            name: shape
            for i, readout in enumerate(self.readouts)
            for name, shape in with_prefix(f"{i}.", readout.shapes(n_units)).items()
        }

    def width(self, n_units: int) -> int:
        return sum(readout.width(n_units) for readout in self.readouts)

    def initialize(self, weights: Weights, rng: np.random.RandomState, init: Initializer) -> None:
        for i, readout in enumerate(self.readouts):
            readout.initialize(part_of(weights, f"{i}."), rng, init)

    def forward(
        self, h: np.ndarray, n_active: np.ndarray, weights: Weights
    ) -> tuple[np.ndarray, list[tuple[int, Any]]]:
        parts, caches = [], []
        for i, readout in enumerate(self.readouts):
            features, cache = readout.forward(h, n_active, part_of(weights, f"{i}."))
            parts.append(features)
            caches.append((features.shape[1], cache))
        return np.concatenate(parts, axis=1), caches

    def backward(
        self, d_features: np.ndarray, cache: list[tuple[int, Any]], weights: Weights
    ) -> tuple[np.ndarray, Weights]:
        dh: Any = 0
        dweights: dict[str, np.ndarray] = {}
        stop = 0
        for i, (readout, (width, part)) in enumerate(zip(self.readouts, cache, strict=True)):
            start, stop = stop, stop + width
            own = part_of(weights, f"{i}.")
            dh_part, d_own = readout.backward(d_features[:, start:stop], part, own)
            dh = dh_part if i == 0 else dh + dh_part
            dweights |= with_prefix(f"{i}.", d_own)
        return dh, dweights

    def running(self, n_samples: int, n_units: int, dtype: np.dtype) -> Running | None:
        """Return the parts in the middle of the sequences, None if one of them needs all states."""
        parts = [running_of(part, n_samples, n_units, dtype) for part in self.readouts]
        known = [part for part in parts if part is not None]
        return RunningJoined(known) if len(known) == len(parts) else None


def running_of(readout: Readout, n_samples: int, n_units: int, dtype: np.dtype) -> Running | None:
    """Return a read-out at the start of the sequences, to be given their states piece by piece.

    Parameters
    ----------
    readout : Readout
        Of one direction.
    n_samples, n_units : int
        Rows, and units of a state.
    dtype : dtype
        Of the states.

    Returns
    -------
    Running or None
        None if the read-out needs all states at once. A class derived from one of ours may read
        something else: it does not inherit `running`.
    """
    if "running" not in vars(type(readout)):
        return None
    return cast(Any, readout).running(n_samples, n_units, dtype)


READOUTS: dict[str, Readout] = {
    "last": Last(),
    "mean": Mean(),
    "max": Max(),
    "attention": Attention(),
}


def as_readout(value: str | Readout | Sequence[str | Readout]) -> Readout:
    """Return the read-out that `value` names.

    Parameters
    ----------
    value : str, Readout, or a tuple or list of these
        A name in `READOUTS`, a read-out, which is returned as it is, or several that are joined
        side by side.

    Returns
    -------
    Readout
        The one named or given; of several a `Joined`.

    Raises
    ------
    ValueError
        If there is no read-out of that name, or none at all in a tuple.
    TypeError
        If it is something else.

    Examples
    --------
    >>> from skrnn.core.readouts import as_readout
    >>> as_readout("mean")
    Mean()
    >>> as_readout(["last", "attention"])
    Joined(readouts=(Last(), Attention()))
    """
    if isinstance(value, str):
        if value not in READOUTS:
            raise ValueError(f"There is no read-out {value!r}; choose from {list(READOUTS)}.")
        return READOUTS[value]
    if isinstance(value, tuple | list):
        if not value:
            raise ValueError("An empty tuple of read-outs leaves the output layer nothing to see.")
        return Joined(tuple(as_readout(part) for part in value))
    if isinstance(value, type) or not isinstance(value, Readout):
        raise TypeError(
            f"A read-out is a name, an object with {', '.join(_METHODS)}, or a tuple of these; "
            f"got {value!r}."
        )
    return value


_METHODS = ("shapes", "width", "initialize", "forward", "backward")
