"""Several time steps side by side as one: what a recurrence reads of a long sequence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided

from skrnn.core.activations import Activation
from skrnn.core.affine import affine, affine_gradients
from skrnn.core.initializers import Initializer
from skrnn.core.parameters import Shapes
from skrnn.core.ragged import lengths_of, real_steps

__all__ = ["Frames", "FramesCache"]


class FramesCache(NamedTuple):
    """What a forward pass leaves for the backward pass.

    Attributes
    ----------
    frames : ndarray of shape (n_frames, n_samples, length * n_inputs)
        The frames, overlapping in memory where they overlap in time.
    outputs : ndarray of shape (n_frames, n_samples, width)
        What left the layer.
    n_active : ndarray of shape (n_timesteps,)
        Rows that run at each time step.
    shift : int
        Time steps by which the frames were shifted.
    """

    frames: np.ndarray
    outputs: np.ndarray
    n_active: np.ndarray
    shift: int


@dataclass(frozen=True)
class Frames:
    r"""Frames of several time steps each, as the inputs of the first recurrent layer.

    Frame `j` has the steps from ``j * stride`` on, `length` of them side by side. The
    recurrence takes as many steps as there are frames, so a gradient has a way back that is
    `stride` times shorter, and the layer runs about `stride` times faster. A sequence of `T`
    steps has ``ceil(T / stride)`` frames; in those that reach beyond its end the last step is
    repeated, so that neither padding nor other sequences have a part in them.

    With `units`, a frame goes through a learnt layer first, the same one for all of them: a
    strided convolution over time [1]_.

    .. math:: u_j = activation([x_{j s}, \dots, x_{j s + k - 1}] \, W + b)

    with `k` the length and `s` the stride.

    Where the frames begin is arbitrary, and a network can learn a training set by heart from
    what happens to fall into the same frame. With `random_phase`, every batch in training lets
    the first frame begin up to ``stride - 1`` steps before the first step, which stands for those
    before it, and every other frame as many earlier.

    Parameters
    ----------
    n_inputs : int
        Columns of a time step, >= 1.
    length : int
        Time steps of a frame, >= 1.
    stride : int
        Time steps from the start of a frame to that of the next, >= 1 and <= `length`.
    units : int or None, default=None
        Width of the learnt layer, >= 1. None passes the frames on as they are.
    activation : Activation or None, default=None
        Non-linearity of the learnt layer; not used without `units`, and needed with it.
    random_phase : bool, default=False
        Whether the frames are shifted at random in training.

    References
    ----------
    .. [1] Waibel, Hanazawa, Hinton, Shikano & Lang (1989). Phoneme recognition using time-delay
           neural networks. IEEE Transactions on Acoustics, Speech, and Signal Processing 37(3).

    Examples
    --------
    >>> import numpy as np
    >>> from skrnn.core.frames import Frames
    >>> x = np.arange(1.0, 6.0).reshape(5, 1, 1)
    >>> frames, _ = Frames(n_inputs=1, length=2, stride=2).forward(x, np.ones(5, int), {})
    >>> frames[:, 0]
    array([[1., 2.],
           [3., 4.],
           [5., 5.]])
    """

    n_inputs: int
    length: int
    stride: int
    units: int | None = None
    activation: Activation | None = None
    random_phase: bool = False

    @property
    def width(self) -> int:
        """Columns of what leaves the layer."""
        return self.length * self.n_inputs if self.units is None else self.units

    def shapes(self) -> Shapes:
        """Return name and shape of every weight array; there are none without `units`."""
        if self.units is None:
            return {}
        return {"W": (self.length * self.n_inputs, self.units), "b": (self.units,)}

    def initialize(
        self, weights: Mapping[str, np.ndarray], rng: np.random.RandomState, init: Initializer
    ) -> None:
        """Draw ``W`` by `init`; ``b`` stays zero."""
        if self.units is not None:
            weights["W"][:] = init(rng, *weights["W"].shape)

    def n_active(self, n_active: np.ndarray, shift: int = 0) -> np.ndarray:
        """Return the rows that run at each frame, ndarray of shape (n_frames,).

        Parameters
        ----------
        n_active : ndarray of shape (n_timesteps,)
            Rows that run at each time step.
        shift : int, default=0
            As in `forward`.
        """
        # A frame is there as soon as its first step is.
        first_steps = np.arange(shift, len(n_active), self.stride)
        return n_active[first_steps.clip(min=0)]

    def n_whole(self, n_timesteps: int) -> int:
        """Return how many frames have all of their steps, without a shift.

        Parameters
        ----------
        n_timesteps : int
            Length of the sequence so far, >= 0.
        """
        return max(0, (n_timesteps - self.length) // self.stride + 1)

    def by_step(self, of_frames: np.ndarray, n_timesteps: int) -> np.ndarray:
        """Repeat what holds for every frame at the `stride` time steps that begin with it.

        Parameters
        ----------
        of_frames : ndarray of shape (n_frames, ...)
            In the time of the data.
        n_timesteps : int
            Length of the result.
        """
        return np.repeat(of_frames, self.stride, axis=0)[:n_timesteps]

    def rows_of_steps(self, of_frames: np.ndarray, cache: FramesCache) -> np.ndarray:
        """Return a row for every real time step, from rows that hold those of a frame's steps.

        Parameters
        ----------
        of_frames : ndarray of shape (n_real_frames, stride * n_outputs)
            Of every real frame, in time-major order, what belongs to each of the `stride` time
            steps that begin with it.
        cache : FramesCache
            Of the forward pass, which had no shift.

        Returns
        -------
        ndarray of shape (n_real_steps, n_outputs)
            In time-major order. What a frame has for steps beyond a sequence's end is left out.
        """
        n_frames, n_samples = cache.frames.shape[:2]
        n_outputs = of_frames.shape[1] // self.stride
        by_frame = np.zeros((n_frames, n_samples, self.stride, n_outputs), of_frames.dtype)
        real_frames = real_steps(self.n_active(cache.n_active), n_samples)
        by_frame[real_frames] = of_frames.reshape(-1, self.stride, n_outputs)
        by_step = by_frame.swapaxes(1, 2).reshape(-1, n_samples, n_outputs)
        return by_step[: len(cache.n_active)][real_steps(cache.n_active, n_samples)]

    def rows_of_frames(self, of_steps: np.ndarray, cache: FramesCache) -> np.ndarray:
        """Undo `rows_of_steps`, with zeros at steps beyond a sequence's end."""
        n_frames, n_samples = cache.frames.shape[:2]
        n_outputs = of_steps.shape[1]
        by_step = np.zeros((n_frames * self.stride, n_samples, n_outputs), of_steps.dtype)
        real = real_steps(cache.n_active, n_samples)
        by_step[: len(cache.n_active)][real] = of_steps
        by_frame = by_step.reshape(n_frames, self.stride, n_samples, n_outputs).swapaxes(1, 2)
        real_frames = real_steps(self.n_active(cache.n_active), n_samples)
        return by_frame[real_frames].reshape(-1, self.stride * n_outputs)

    def draw_shift(self, rng: np.random.RandomState | None) -> int:
        """Draw the shift of a batch; 0, and no draw, without `rng` or `random_phase`."""
        if rng is None or not self.random_phase or self.stride == 1:
            return 0
        return -int(rng.randint(self.stride))

    def forward(
        self,
        x: np.ndarray,
        n_active: np.ndarray,
        weights: Mapping[str, np.ndarray],
        shift: int = 0,
    ) -> tuple[np.ndarray, FramesCache]:
        """Turn time steps into frames.

        Parameters
        ----------
        x : ndarray of shape (n_timesteps, n_samples, n_inputs)
            Inputs. What stands at padding has no effect.
        n_active : ndarray of shape (n_timesteps,)
            Rows that run at each time step.
        weights : mapping of str to ndarray
            As `shapes` says.
        shift : int, default=0
            In ``(-stride, 0]``: frame `j` begins at the step ``j * stride + shift``. The first
            step stands for those before it, as the last one does for those after it.

        Returns
        -------
        outputs : ndarray of shape (n_frames, n_samples, width)
            Not to be written to. Frames beyond a row's end are finite, and to be ignored.
        cache : FramesCache
            What `backward` needs.
        """
        frames = self._cut(x, n_active, shift)
        outputs = frames
        if self.units is not None:
            assert self.activation is not None
            outputs = self.activation.function(affine(frames, weights["W"], weights["b"]))
        return outputs, FramesCache(frames, outputs, n_active, shift)

    def backward(
        self,
        d_outputs: np.ndarray,
        cache: FramesCache,
        weights: Mapping[str, np.ndarray],
        *,
        need_dx: bool = True,
    ) -> tuple[np.ndarray | None, dict[str, np.ndarray]]:
        """Send gradients back from frames to time steps.

        Parameters
        ----------
        d_outputs : ndarray of shape (n_frames, n_samples, width)
            Gradient of what `forward` returned, zero at frames beyond a row's end.
        cache, weights
            Of the forward pass.
        need_dx : bool, default=True
            Whether the gradient of the inputs is wanted; if not, None stands for it.

        Returns
        -------
        dx : ndarray of shape (n_timesteps, n_samples, n_inputs), or None
            Zero at padding.
        dweights : dict of str to ndarray
            Sums over frames and samples.
        """
        d_frames, dweights = d_outputs, {}
        if self.units is not None:
            assert self.activation is not None
            da = d_outputs * self.activation.derivative(cache.outputs)
            dweights["W"], dweights["b"] = affine_gradients(cache.frames, da)
            d_frames = affine(da, weights["W"].T) if need_dx else da
        return (self._add_up(d_frames, cache) if need_dx else None), dweights

    def _cut(self, x: np.ndarray, n_active: np.ndarray, shift: int) -> np.ndarray:
        """Return the frames as a view of a copy of `x` with the samples one after the other."""
        n_timesteps, n_samples, n_inputs = x.shape
        n_frames = len(self.n_active(n_active, shift))
        n_places = (n_frames - 1) * self.stride + self.length
        lengths = lengths_of(n_active, n_samples)
        # Place `p` of the frames holds step `p + shift`, where there is one.
        filled = np.empty((n_samples, n_places, n_inputs), x.dtype)
        first, stop = -shift, min(n_places, n_timesteps - shift)
        filled[:, :first] = x[0][:, None]
        filled[:, first:stop] = x[: stop - first].transpose(1, 0, 2)
        beyond = np.arange(n_places) + shift >= lengths[:, None]
        last = x[lengths - 1, np.arange(n_samples)]
        filled[beyond] = np.repeat(last, beyond.sum(axis=1), axis=0)
        per_sample, per_step, per_input = filled.strides
        return as_strided(
            filled,
            shape=(n_frames, n_samples, self.length * n_inputs),
            strides=(self.stride * per_step, per_sample, per_input),
            writeable=False,
        )

    def _add_up(self, d_frames: np.ndarray, cache: FramesCache) -> np.ndarray:
        """Add the gradients of all places that a time step stands in: the reverse of `_cut`."""
        n_frames, n_samples, width = d_frames.shape
        n_inputs, stride = width // self.length, self.stride
        n_timesteps, lengths = len(cache.n_active), lengths_of(cache.n_active, n_samples)
        n_blocks = -(-self.length // stride)
        # Room for the places before the first step, and for whole blocks of `stride` after it.
        before = -cache.shift
        n_rows = max((n_frames + n_blocks - 1) * stride, before + n_timesteps)
        d_places = np.zeros((n_rows, n_samples, n_inputs), d_frames.dtype)
        by_place = d_frames.reshape(n_frames, n_samples, self.length, n_inputs).swapaxes(1, 2)
        for block in range(n_blocks):
            part = by_place[:, block * stride : (block + 1) * stride]
            rows = d_places[block * stride :][: n_frames * stride]
            rows.reshape(n_frames, stride, n_samples, n_inputs)[:, : part.shape[1]] += part
        dx = d_places[before:]
        dx[0] += d_places[:before].sum(axis=0)
        beyond = np.arange(len(dx))[:, None] >= lengths
        dx[lengths - 1, np.arange(n_samples)] += np.where(beyond[..., None], dx, 0).sum(axis=0)
        dx[beyond] = 0
        return dx[:n_timesteps]
