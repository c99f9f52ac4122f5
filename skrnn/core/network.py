"""A network put together from its parts: predictions, loss and gradient."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from math import prod
from typing import NamedTuple

import numpy as np

from skrnn.core import kernels
from skrnn.core.architecture import Architecture
from skrnn.core.decay import DecayCache
from skrnn.core.draws import Draws, draw
from skrnn.core.frames import FramesCache
from skrnn.core.inference import ArraySource, Pieces, Source, runs_at_once
from skrnn.core.initializers import Initializer
from skrnn.core.layer import Layer, join, split, sum_of_inputs
from skrnn.core.losses import Loss
from skrnn.core.objective import loss_and_gradient
from skrnn.core.parameters import Parameters, part_of, with_prefix
from skrnn.core.passes import ForwardPass as ForwardPass
from skrnn.core.passes import Part as Part
from skrnn.core.penalty import add_decay as add_decay
from skrnn.core.ragged import reverse_in_time as reverse_in_time
from skrnn.core.static import StaticCache, join_static, sum_over_samples

__all__ = ["Architecture", "ForwardPass", "Network", "Part", "static_gradient"]

Weights = Mapping[str, np.ndarray]


def _write(gradient: Parameters, prefix: str, dweights: Weights) -> None:
    for name, dweight in dweights.items():
        gradient[prefix + name][:] = dweight


class _Top(NamedTuple):
    """Gradients of the top layer's states, of all weights above them, and of static features."""

    dh: dict[str, np.ndarray]
    of_readout: Weights
    of_joint: Weights
    of_output: Weights
    d_static: np.ndarray | None


class Network:
    """An architecture with its parameters.

    Parameters
    ----------
    architecture : Architecture
        Shapes and functions.
    parameters : Parameters
        The numbers, of the shapes that the architecture asks for.

    Examples
    --------
    >>> import numpy as np
    >>> from skrnn.core.cells import CELLS
    >>> from skrnn.core.initializers import orthogonal, xavier_uniform
    >>> from skrnn.core.network import Architecture, Network
    >>> from skrnn.core.readouts import READOUTS
    >>> architecture = Architecture(CELLS["gru"], 2, (8,), 1, readout=READOUTS["last"])
    >>> rng = np.random.RandomState(0)
    >>> network = Network.initialize(architecture, rng, xavier_uniform, orthogonal)
    >>> x, n_active = np.ones((5, 3, 2)), np.array([3, 3, 3, 2, 1])
    >>> network.predict(x, n_active).shape
    (3, 1)
    """

    def __init__(self, architecture: Architecture, parameters: Parameters):
        self.architecture = architecture
        self.parameters = parameters

    def __repr__(self) -> str:
        return f"Network({self.architecture}, n_parameters={self.parameters.vector.size})"

    @classmethod
    def initialize(
        cls,
        architecture: Architecture,
        rng: np.random.RandomState,
        init: Initializer,
        recurrent_init: Initializer,
        dtype: type | np.dtype = np.float64,
    ) -> Network:
        """Draw the weights: `init` for inputs and output, `recurrent_init` for recurrences."""
        network = cls(architecture, Parameters(architecture.shapes(), dtype=dtype))
        for prefix, part in architecture.parts.items():
            own = network._weights_of(prefix)
            if isinstance(part, Layer):
                part.initialize(own, rng, init, recurrent_init)
            else:
                part.initialize(own, rng, init)
        return network

    def weights(self, layer: int, direction: str = "forward") -> dict[str, np.ndarray]:
        """Return views of the weights of one direction of a layer."""
        return part_of(self._weights_of(f"layers.{layer}."), f"{direction}.")

    def readout_weights(self, direction: str = "forward") -> dict[str, np.ndarray]:
        """Return views of the weights of one direction's read-out; most have none."""
        return part_of(self._weights_of("readout."), f"{direction}.")

    def _weights_of(self, prefix: str) -> dict[str, np.ndarray]:
        return part_of(self.parameters, prefix)

    def embed(self, x: np.ndarray, n_active: np.ndarray) -> np.ndarray:
        """Return what leaves the embedding: `x` with vectors in place of categories."""
        embedding = self.architecture.embedding
        if embedding is None:
            return x
        return embedding.forward(x, n_active, self._weights_of("embedding."))[0]

    def above_embedding(self) -> Network:
        """Return the network that takes what `embed` returns; it shares the parameters."""
        embedding = self.architecture.embedding
        if embedding is None:
            return self
        architecture = replace(self.architecture, n_inputs=embedding.width, embedding=None)
        tables = sum(prod(shape) for shape in embedding.shapes().values())
        # The tables lie first in the vector.
        rest = self.parameters.vector[tables:]
        return Network(architecture, Parameters(architecture.shapes(), rest))

    def _framed(
        self, x: np.ndarray, n_active: np.ndarray, shift: int = 0, of_gaps: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray, FramesCache | None, DecayCache | None]:
        """Return the first layer's inputs, their `n_active`, and caches of frames and decay."""
        x, frames = self.embed(x, n_active), self.architecture.frames
        decayed = None
        if self.architecture.decay is not None:
            hidden = self.architecture.decay.hidden(x, n_active, of_gaps)
            own = self._weights_of("decay.")
            x, decayed = self.architecture.decay.forward(x, own, hidden=hidden)
        if self.architecture.differences is not None:
            x = self.architecture.differences.forward(x)
        if frames is None:
            return x, n_active, None, decayed
        outputs, cache = frames.forward(x, n_active, self._weights_of("frames."), shift)
        return outputs, frames.n_active(n_active, shift), cache, decayed

    def predict(
        self, x: np.ndarray, n_active: np.ndarray, static: np.ndarray | None = None
    ) -> np.ndarray:
        """Return the raw prediction of a batch, without dropout and without caches.

        Parameters
        ----------
        x : ndarray of shape (n_timesteps, n_samples, n_inputs)
            Zero at padding. A channel with an embedding holds ids; one that may have gaps NaN
            where a value is missing.
        n_active : ndarray of shape (n_timesteps,)
            Rows that run at each step.
        static : ndarray of shape (n_samples, n_static), default=None
            Static features, needed by a network that has been made for them.

        Returns
        -------
        ndarray of shape (n_rows, n_outputs)
            Rows are samples, or, where the network predicts at every step, the real steps in
            time-major order.
        """
        source = ArraySource(x, n_active, static)
        if runs_at_once(self.architecture, source):
            return self._predict_at_once(source)
        return np.concatenate([raw for _, raw in self._predict_pieces(source)])

    def predict_parts(self, source: Source) -> Iterator[tuple[slice, np.ndarray]]:
        """Yield the raw prediction of a batch part by part, in the order of its rows.

        Parameters
        ----------
        source : Source
            The sequences.

        Yields
        ------
        rows : slice
            Rows of the raw prediction, as `predict` returns it.
        raw_prediction : ndarray of shape (n_rows, n_outputs)
            Theirs.
        """
        if runs_at_once(self.architecture, source):
            raw = self._predict_at_once(source)
            yield slice(0, len(raw)), raw
        else:
            yield from self._predict_pieces(source)

    def _predict_pieces(self, source: Source) -> Iterator[tuple[slice, np.ndarray]]:
        with kernels.pass_memory():
            yield from Pieces(self.architecture, self.parameters, source).predict()

    @kernels.pass_memory()
    def _predict_at_once(self, source: Source) -> np.ndarray:
        """Return the raw prediction, from the states of all time steps."""
        n_active = source.n_active
        x, n_active, framed, _ = self._framed(source.steps(0, len(n_active)), n_active)
        states: dict[str, np.ndarray] = {}
        for i, layer in enumerate(self.architecture.layers):
            below = states
            states = layer.predict(x, n_active, self._weights_of(f"layers.{i}."))
            kernels.give_back(*below.values())
            if i + 1 < self.architecture.n_layers:
                x = join(states, n_active)
        readout = self.architecture.features
        features, _ = readout.forward(states, n_active, self._weights_of("readout."))
        return self._raw_prediction(features, source.static, n_active, framed)[0]

    def forward(
        self,
        x: np.ndarray,
        n_active: np.ndarray,
        rng: np.random.RandomState | None = None,
        *,
        draws: Draws | None = None,
        static: np.ndarray | None = None,
    ) -> ForwardPass:
        """Run a batch and keep what the backward pass needs.

        Parameters
        ----------
        x, n_active : ndarray
            As in `predict`.
        rng : RandomState, default=None
            Source of the shift of the frames and of the dropout masks. None applies neither.
        draws : Draws, default=None
            Shift and masks that have been drawn before, in place of `rng`.
        static : ndarray of shape (n_samples, n_static), default=None
            As in `predict`.
        """
        architecture, inputs, layers = self.architecture, x, []
        if draws is None:
            draws = draw(architecture, rng, x.shape[1], x.dtype)
        x, n_active, framed, decayed = self._framed(x, n_active, draws.shift, draws.of_gaps)
        for i, (layer, mask) in enumerate(zip(architecture.layers, draws.masks, strict=True)):
            states, run = layer.forward(x, n_active, self._weights_of(f"layers.{i}."))
            layers.append(run)
            if i + 1 < architecture.n_layers:
                x = join(states, n_active)
                x = x if mask is None else x * mask
        readout = architecture.features
        features, cache = readout.forward(states, n_active, self._weights_of("readout."))
        if mask is not None:
            features = features * readout.of_rows(mask, n_active)
        raw, features, joined = self._raw_prediction(features, static, n_active, framed)
        return ForwardPass(
            raw, features, n_active, layers, cache, draws.masks, inputs, framed, joined, decayed
        )

    def _raw_prediction(
        self,
        features: np.ndarray,
        static: np.ndarray | None,
        n_active: np.ndarray,
        framed: FramesCache | None,
    ) -> tuple[np.ndarray, np.ndarray, StaticCache | None]:
        """Return the raw prediction, what the output layer saw, and the static features' cache.

        Frames may answer for several steps in their rows.
        """
        output, frames = self.architecture.output, self.architecture.frames
        own = self._weights_of("static.")
        features, joined = join_static(self.architecture, features, static, n_active, own)
        rows, _ = output.forward(features, n_active, self._weights_of("output."))
        if frames is not None and framed is not None and self.architecture.steps_of_row > 1:
            rows = frames.rows_of_steps(rows, framed)
        return rows, features, joined

    def backward(self, d_raw: np.ndarray, run: ForwardPass) -> Parameters:
        """Return the gradient of all parameters (BPTT).

        Parameters
        ----------
        d_raw : ndarray of shape (n_rows, n_outputs)
            Gradient of the loss with respect to the raw prediction.
        run : ForwardPass
            What `forward` returned.
        """
        gradient = self.parameters.empty_like()
        learns_below = self.architecture.learns_below_layers
        top = self._gradients_of_top(d_raw, run)
        dh = top.dh
        _write(gradient, "readout.", top.of_readout)
        _write(gradient, "static.", top.of_joint)
        _write(gradient, "output.", top.of_output)
        for i, layer in reversed(list(enumerate(self.architecture.layers))):
            prefix = f"layers.{i}."
            need_dx = i > 0 or learns_below
            own = self._weights_of(prefix)
            dx, dweights = layer.backward(dh, run.layers[i], own, need_dx=need_dx)
            _write(gradient, prefix, dweights)
            if i > 0:
                assert dx is not None
                mask, above = run.masks[i - 1], dh
                masked = dx if mask is None else dx * mask
                dh = split(masked, run.n_active, self.architecture.directions)
                kernels.give_back(dx, *above.values())
        if learns_below:
            assert dx is not None
            self._backward_below_layers(dx, run, gradient)
        return gradient

    def _backward_below_layers(
        self, dx: np.ndarray, run: ForwardPass, gradient: Parameters
    ) -> None:
        """Write the gradients of what is below, from that of the first layer's inputs."""
        embedding = self.architecture.embedding
        below, of_parts = self._backward_inputs(dx, run, need_dx=embedding is not None)
        _write(gradient, "", of_parts)
        if embedding is not None:
            assert below is not None
            _, of_tables = embedding.backward(below, run.x, self._weights_of("embedding."))
            _write(gradient, "embedding.", of_tables)

    def _backward_inputs(
        self, dx: np.ndarray, run: ForwardPass, *, need_dx: bool = True
    ) -> tuple[np.ndarray | None, Weights]:
        """Return the gradients of what leaves the embedding, and of the weights above it."""
        below: np.ndarray | None = dx
        of_parts: dict[str, np.ndarray] = {}
        frames, differences = self.architecture.frames, self.architecture.differences
        decay, need_decay = self.architecture.decay, need_dx or run.decay is not None
        if frames is not None and run.frames is not None:
            own = self._weights_of("frames.")
            below, of_frames = frames.backward(dx, run.frames, own, need_dx=need_decay)
            of_parts |= with_prefix("frames.", of_frames)
        if differences is not None and below is not None and need_decay:
            below = differences.backward(below)
        if decay is not None and below is not None and need_decay:
            own = self._weights_of("decay.")
            below, of_decay = decay.backward(below, run.decay, own, need_dx=need_dx)
            of_parts |= with_prefix("decay.", of_decay)
        return below, of_parts

    def _gradients_of_top(self, d_raw: np.ndarray, run: ForwardPass) -> _Top:
        """Return the gradients of everything above the layers, and of their top states."""
        readout, output = self.architecture.features, self.architecture.output
        frames, static = self.architecture.frames, self.architecture.static
        of_joint: Weights = {}
        d_static = None
        if frames is not None and run.frames is not None and self.architecture.steps_of_row > 1:
            d_raw = frames.rows_of_frames(d_raw, run.frames)
        d_features, of_output = output.backward(d_raw, run.features, self._weights_of("output."))
        if static is not None and run.static is not None:
            own = self._weights_of("static.")
            d_features, d_static, of_joint = static.backward(d_features, run.static, own)
        mask = run.masks[-1]
        if mask is not None:
            d_features *= readout.of_rows(mask, run.n_active)
        dh, of_readout = readout.backward(d_features, run.readout, self._weights_of("readout."))
        return _Top(dh, of_readout, of_joint, of_output, d_static)

    def gradient_of_top(self, d_raw: np.ndarray, run: ForwardPass) -> dict[str, np.ndarray]:
        """Return the gradient that arrives at the states of the top layer from the output layer.

        Parameters
        ----------
        d_raw, run
            As in `backward`.

        Returns
        -------
        dict of str to ndarray of shape (n_timesteps + 1, n_samples, hidden_size)
            For every direction, in its own time. With frames these are the steps.
        """
        return self._gradients_of_top(d_raw, run).dh

    def state_gradients(
        self, dh: dict[str, np.ndarray], run: ForwardPass
    ) -> tuple[np.ndarray, list[dict[str, np.ndarray]]]:
        """Return the gradients of the inputs and of the states of all layers.

        Parameters
        ----------
        dh : dict of str to ndarray
            What arrives at the states of the top layer, as `gradient_of_top` returns it.
        run : ForwardPass
            What `forward` returned, without dropout.

        Returns
        -------
        dx : ndarray of shape (n_timesteps, n_samples, n_inputs)
            Gradient of the inputs; with an embedding, of the inputs that it makes of them.
        dh_total : list of dict of str to ndarray of shape (n_timesteps + 1, n_samples, width)
            For every layer and direction the gradient of every ``h[t]``, through later steps
            and through the layers above; a reversed direction's in its own time. With frames
            these are the steps.
        """
        dh_total: list[dict[str, np.ndarray]] = []
        for i, layer in reversed(list(enumerate(self.architecture.layers))):
            own = self._weights_of(f"layers.{i}.")
            dx, of_states = layer.state_gradients(dh, run.layers[i], own)
            dh_total.insert(0, of_states)
            if i > 0:
                dh = self.gradient_below(dx, run.n_active)
        of_steps, _ = self._backward_inputs(sum_of_inputs(dx, run.n_active), run)
        assert of_steps is not None
        return of_steps, dh_total

    def gradient_below(
        self, dx: dict[str, np.ndarray], n_active: np.ndarray
    ) -> dict[str, np.ndarray]:
        """Return what arrives at the states of the layer below.

        Parameters
        ----------
        dx : dict of str to ndarray of shape (n_timesteps, n_samples, n_inputs)
            Gradient of a layer's inputs by every direction, in its own time.
        n_active : ndarray of shape (n_timesteps,)
            Rows that run at each step.
        """
        return split(sum_of_inputs(dx, n_active), n_active, self.architecture.directions)

    def cut(self, n_active: np.ndarray, n_samples: int) -> np.ndarray | None:
        """Return where truncated BPTT lets no gradient pass, as `Cell.backward` takes it."""
        return self.architecture.layers[0].cut(n_active, n_samples)

    def loss_and_gradient(
        self,
        x: np.ndarray,
        n_active: np.ndarray,
        y: np.ndarray,
        sample_weight: np.ndarray,
        *,
        loss: Loss,
        alpha: float = 0.0,
        rng: np.random.RandomState | None = None,
        static: np.ndarray | None = None,
    ) -> tuple[float, np.ndarray]:
        r"""Return the loss of a batch and its gradient.

        .. math::
            L = \frac{\sum_i w_i \, l(raw_i, y_i) + \alpha / 2 \sum_W \|W\|^2}{\sum_i w_i}

        The sum runs over the samples or, with a target at every step, over all real steps of
        all samples: the total error of BPTT.

        Parameters
        ----------
        x, n_active : ndarray
            As in `predict`.
        y : ndarray of shape (n_rows, ...)
            Targets in the form that `loss` takes, in the order of the raw prediction's rows.
        sample_weight : ndarray of shape (n_rows,) or (n_rows, n_outputs)
            Weights, not all zero; of every output where single targets are missing.
        loss : Loss
            From `skrnn.core.losses`.
        alpha : float, default=0.0
            L2 penalty on the weight matrices (the tables of an embedding, too; not on
            biases), >= 0.
        rng : RandomState, default=None
            Source of the shift of the frames and of the dropout masks. None applies neither.
        static : ndarray of shape (n_samples, n_static), default=None
            As in `predict`.

        Returns
        -------
        loss : float
            Weighted mean loss plus penalty.
        gradient : ndarray of shape (n_parameters,)
            In the order of ``parameters.vector``.
        """
        part = Part(x, n_active, y, sample_weight, static)
        return loss_and_gradient(self, [part], loss=loss, alpha=alpha, rng=rng)[:2]

    def weight_mask(self) -> np.ndarray:
        """Return a vector with ones where the weight matrices lie, zeros elsewhere."""
        mask = np.zeros_like(self.parameters.vector)
        for span in self.architecture.weight_spans:
            mask[span] = 1
        return mask


def static_gradient(network: Network, d_raw: np.ndarray, run: ForwardPass) -> np.ndarray | None:
    """Return the gradient of the static features of a batch.

    Parameters
    ----------
    network : Network
        What made the raw prediction.
    d_raw, run
        As in `Network.backward`.

    Returns
    -------
    ndarray of shape (n_samples, n_static) or None
        None if the network takes none.
    """
    of_rows = network._gradients_of_top(d_raw, run).d_static
    if of_rows is None:
        return None
    return sum_over_samples(network.architecture, of_rows, run.n_active)
