"""Stacked recurrent layers with an output layer: predictions, loss and gradient."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod
from typing import Any, NamedTuple

import numpy as np

from skrnn.core import kernels
from skrnn.core.cells import Cell
from skrnn.core.embedding import Embedding
from skrnn.core.initializers import Initializer
from skrnn.core.losses import Loss
from skrnn.core.parameters import Parameters
from skrnn.core.readouts import Readout, lengths_of, real_steps


@dataclass(frozen=True)
class Architecture:
    """All of a network that is not a number to be learnt.

    Parameters
    ----------
    cell : Cell
        The recurrence of every layer.
    n_inputs : int
        Channels of a time step, >= 1.
    hidden_sizes : tuple of int
        Units of the stacked layers (of each direction), each >= 1.
    n_outputs : int
        Width of the raw prediction, >= 1.
    bidirectional : bool, default=False
        Whether every layer also reads the sequences backwards; the states of the two
        directions stand side by side.
    readout : Readout or None, default=None
        How the states of a sequence become one feature vector. None predicts at every step.
    dropout : float, default=0.0
        Share of a layer's outputs that are zeroed in training, in [0, 1).
    bptt_steps : int or None, default=None
        Truncated BPTT: a gradient crosses at most so many steps, counted in blocks from a
        sequence's end. None sends it back to the first step.
    embedding : Embedding or None, default=None
        What turns the categories among the channels into learnt vectors. None takes all
        channels as numbers.
    """

    cell: Cell
    n_inputs: int
    hidden_sizes: tuple[int, ...]
    n_outputs: int
    bidirectional: bool = False
    readout: Readout | None = None
    dropout: float = 0.0
    bptt_steps: int | None = None
    embedding: Embedding | None = None

    @property
    def directions(self) -> tuple[str, ...]:
        """Names of the directions in which every layer reads."""
        return ("forward", "reverse") if self.bidirectional else ("forward",)

    @property
    def n_layers(self) -> int:
        """Number of recurrent layers."""
        return len(self.hidden_sizes)

    def layer_shapes(self, layer: int) -> dict[str, tuple[int, ...]]:
        """Return name and shape of the weights of one direction of a layer."""
        below = self.n_inputs if self.embedding is None else self.embedding.width
        if layer > 0:
            below = self.hidden_sizes[layer - 1] * len(self.directions)
        return self.cell.shapes(below, self.hidden_sizes[layer])

    @cached_property
    def names(self) -> dict[tuple[int, str], dict[str, str]]:
        """For every layer and direction the names of its weights among those of the network."""
        return {
            (layer, direction): {
                name: f"layers.{layer}.{direction}.{name}" for name in self.layer_shapes(layer)
            }
            for layer in range(self.n_layers)
            for direction in self.directions
        }

    @cached_property
    def weight_spans(self) -> list[slice]:
        """Where the weight matrices lie in the vector of all parameters; neighbours in one."""
        spans: list[slice] = []
        stop = 0
        for shape in self.shapes().values():
            start, stop = stop, stop + prod(shape)
            if len(shape) == 1:
                continue
            if spans and spans[-1].stop == start:
                start = spans.pop().start
            spans.append(slice(start, stop))
        return spans

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return name and shape of every array of the network, in the order of the vector."""
        shapes = {} if self.embedding is None else self.embedding.shapes()
        shapes |= {
            full_name: self.layer_shapes(layer)[name]
            for (layer, _), names in self.names.items()
            for name, full_name in names.items()
        }
        n_features = self.hidden_sizes[-1] * len(self.directions)
        shapes["output.W"] = (n_features, self.n_outputs)
        shapes["output.b"] = (self.n_outputs,)
        return shapes


class ForwardPass(NamedTuple):
    """What a forward pass in training leaves for the backward pass and for inspection.

    Attributes
    ----------
    raw_prediction : ndarray of shape (n_rows, n_outputs)
        Before the output activation. Rows are samples, or, with a prediction at every step,
        the real steps in time-major order.
    features : ndarray of shape (n_rows, n_features)
        What the output layer saw (after dropout).
    n_active : ndarray of shape (n_timesteps,)
        Rows that run at each step.
    caches : list of dict of str to NamedTuple
        For every layer and direction the cell's cache; a reversed direction's in its own time.
    states : list of dict of str to ndarray
        For every layer and direction ``h``, a reversed direction's in its own time.
    masks : list of (ndarray or None)
        Dropout mask on the outputs of every layer, (n_samples, width), already scaled.
    x : ndarray of shape (n_timesteps, n_samples, n_inputs)
        The inputs of the network.
    """

    raw_prediction: np.ndarray
    features: np.ndarray
    n_active: np.ndarray
    caches: list[dict[str, Any]]
    states: list[dict[str, np.ndarray]]
    masks: list[np.ndarray | None]
    x: np.ndarray


def reverse_in_time(x: np.ndarray, n_active: np.ndarray) -> np.ndarray:
    """Reverse every row within its own length; padding stays at the end.

    It is its own inverse.

    Examples
    --------
    Two rows of lengths 3 and 2:

    >>> import numpy as np
    >>> from skrnn.core.network import reverse_in_time
    >>> x = np.array([[1, 4], [2, 5], [3, 0]])[:, :, None]
    >>> reverse_in_time(x, n_active=np.array([2, 2, 1]))[:, :, 0]
    array([[3, 5],
           [2, 4],
           [1, 0]])
    """
    n_timesteps, n_samples = x.shape[:2]
    if n_active[-1] == n_samples:
        return np.ascontiguousarray(x[::-1])
    t = np.arange(n_timesteps)[:, None]
    source = lengths_of(n_active, n_samples) - 1 - t
    return x[np.where(source >= 0, source, t), np.arange(n_samples)]


@kernels.compiled
def add_decay(gradient: np.ndarray, weights: np.ndarray, rate: float) -> float:
    """Add ``rate * weights``, the gradient of an L2 penalty, to `gradient` in place.

    Parameters
    ----------
    gradient, weights : ndarray of shape (n_weights,)
        Of the same dtype.
    rate : float
        Twice the factor of the squares in the penalty, >= 0.

    Returns
    -------
    float
        The sum of the squared weights.
    """
    gradient += rate * weights
    # Not np.dot: BLAS may sum in another order with another number of threads.
    return float(np.einsum("i,i", weights, weights))


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
    >>> architecture = Architecture(
    ...     CELLS["gru"], n_inputs=2, hidden_sizes=(8,), n_outputs=1, readout=READOUTS["last"]
    ... )
    >>> network = Network.initialize(
    ...     architecture, np.random.RandomState(0), xavier_uniform, orthogonal
    ... )
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
        if architecture.embedding is not None:
            architecture.embedding.initialize(network.parameters, rng)
        for layer in range(architecture.n_layers):
            for direction in architecture.directions:
                weights = network.weights(layer, direction)
                architecture.cell.initialize(weights, rng, init, recurrent_init)
        W = network.parameters["output.W"]
        W[:] = init(rng, *W.shape)
        return network

    def weights(self, layer: int, direction: str = "forward") -> dict[str, np.ndarray]:
        """Return views of the weights of one direction of a layer."""
        names = self.architecture.names[layer, direction]
        return {name: self.parameters[full_name] for name, full_name in names.items()}

    def embed(self, x: np.ndarray, n_active: np.ndarray) -> np.ndarray:
        """Return the inputs of the first layer: `x` with vectors in place of categories."""
        embedding = self.architecture.embedding
        return x if embedding is None else embedding.forward(x, n_active, self.parameters)

    def above_embedding(self) -> Network:
        """Return the network that takes what `embed` returns; it shares the parameters."""
        embedding = self.architecture.embedding
        if embedding is None:
            return self
        architecture = replace(self.architecture, n_inputs=embedding.width, embedding=None)
        tables = sum(self.parameters[name].size for name in embedding.shapes())
        # The tables lie first in the vector.
        rest = self.parameters.vector[tables:]
        return Network(architecture, Parameters(architecture.shapes(), rest))

    def predict(self, x: np.ndarray, n_active: np.ndarray) -> np.ndarray:
        """Return the raw prediction of a batch, without dropout and without caches.

        Parameters
        ----------
        x : ndarray of shape (n_timesteps, n_samples, n_inputs)
            Zero at padding. A channel with an embedding holds ids.
        n_active : ndarray of shape (n_timesteps,)
            Rows that run at each step.

        Returns
        -------
        ndarray of shape (n_rows, n_outputs)
            Rows are samples, or, where the network predicts at every step, the real steps in
            time-major order.
        """
        x = self.embed(x, n_active)
        for layer in range(self.architecture.n_layers):
            states = self._run_layer(self.architecture.cell.predict, layer, x, n_active)
            if layer + 1 < self.architecture.n_layers:
                x = self._join(states, n_active)
        return self._output(self._read_out(states, n_active))

    def forward(
        self, x: np.ndarray, n_active: np.ndarray, rng: np.random.RandomState | None = None
    ) -> ForwardPass:
        """Run a batch and keep what the backward pass needs.

        Parameters
        ----------
        x, n_active : ndarray
            As in `predict`.
        rng : RandomState, default=None
            Source of the dropout masks. None applies no dropout.
        """
        caches, states, masks = [], [], []
        inputs, x = x, self.embed(x, n_active)
        for layer in range(self.architecture.n_layers):
            runs = self._run_layer(self.architecture.cell.forward, layer, x, n_active)
            states.append({direction: h for direction, (h, _) in runs.items()})
            caches.append({direction: cache for direction, (_, cache) in runs.items()})
            masks.append(self._dropout_mask(rng, layer, x))
            if layer + 1 < self.architecture.n_layers:
                x = self._join(states[-1], n_active)
                if masks[-1] is not None:
                    x = x * masks[-1]
        features = self._read_out(states[-1], n_active)
        if masks[-1] is not None:
            features = features * self._mask_of_rows(masks[-1], n_active)
        raw_prediction = self._output(features)
        return ForwardPass(raw_prediction, features, n_active, caches, states, masks, inputs)

    def _run_layer(
        self, run: Callable, layer: int, x: np.ndarray, n_active: np.ndarray
    ) -> dict[str, Any]:
        """Return what `run`, the cell's `forward` or `predict`, returns for every direction."""
        return {
            direction: run(
                self._in_time_of(direction, x, n_active), n_active, self.weights(layer, direction)
            )
            for direction in self.architecture.directions
        }

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
        np.matmul(run.features.T, d_raw, out=gradient["output.W"])
        d_raw.sum(axis=0, out=gradient["output.b"])
        dh = self.gradient_of_top(d_raw, run)
        for layer in reversed(range(self.architecture.n_layers)):
            dx = self._layer_backward(layer, dh, run, gradient)
            if dx is not None and layer > 0:
                mask = run.masks[layer - 1]
                dh = self._split(dx if mask is None else dx * mask, run.n_active)
        embedding = self.architecture.embedding
        if embedding is not None:
            assert dx is not None
            for name, dW in embedding.backward(dx, run.x).items():
                gradient[name][:] = dW
        return gradient

    def gradient_of_top(self, d_raw: np.ndarray, run: ForwardPass) -> dict[str, np.ndarray]:
        """Return the gradient that arrives at the states of the top layer from the output layer.

        Parameters
        ----------
        d_raw, run
            As in `backward`.

        Returns
        -------
        dict of str to ndarray of shape (n_timesteps + 1, n_samples, hidden_size)
            For every direction, in its own time.
        """
        d_features = d_raw @ self.parameters["output.W"].T
        mask = run.masks[-1]
        if mask is not None:
            d_features *= self._mask_of_rows(mask, run.n_active)
        return self._read_out_backward(d_features, run)

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
            and through the layers above; a reversed direction's in its own time.
        """
        dh_total: list[dict[str, np.ndarray]] = []
        for layer in reversed(range(self.architecture.n_layers)):
            totals, parts = {}, {}
            for direction, cache in run.caches[layer].items():
                parts[direction], totals[direction] = self.architecture.cell.state_gradients(
                    dh[direction],
                    cache,
                    self.weights(layer, direction),
                    cut=self.cut(run.n_active, dh[direction].shape[1]),
                )
            dh_total.insert(0, totals)
            if layer > 0:
                dh = self.gradient_below(parts, run.n_active)
        return self._sum_of_inputs(parts, run.n_active), dh_total

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
        return self._split(self._sum_of_inputs(dx, n_active), n_active)

    def _sum_of_inputs(self, dx: dict[str, np.ndarray], n_active: np.ndarray) -> np.ndarray:
        aligned = [self._in_time_of(direction, part, n_active) for direction, part in dx.items()]
        return aligned[0] if len(aligned) == 1 else aligned[0] + aligned[1]

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
        sample_weight : ndarray of shape (n_rows,)
            Weights, not all zero.
        loss : Loss
            From `skrnn.core.losses`.
        alpha : float, default=0.0
            L2 penalty on the weight matrices (the tables of an embedding, too; not on
            biases), >= 0.
        rng : RandomState, default=None
            Source of the dropout masks. None applies no dropout.

        Returns
        -------
        loss : float
            Weighted mean loss plus penalty.
        gradient : ndarray of shape (n_parameters,)
            In the order of ``parameters.vector``.
        """
        run = self.forward(x, n_active, rng)
        value, d_raw = loss(run.raw_prediction, y, sample_weight)
        total_weight = float(sample_weight.sum())
        d_raw /= total_weight
        gradient = self.backward(d_raw, run)
        if alpha > 0:
            value += self._add_penalty(gradient, alpha, total_weight)
        return value / total_weight, gradient.vector

    def weight_mask(self) -> np.ndarray:
        """Return a vector with ones where the weight matrices lie, zeros elsewhere."""
        mask = np.zeros_like(self.parameters.vector)
        for span in self.architecture.weight_spans:
            mask[span] = 1
        return mask

    def _add_penalty(self, gradient: Parameters, alpha: float, total_weight: float) -> float:
        squares = 0.0
        for span in self.architecture.weight_spans:
            squares += add_decay(
                gradient.vector[span], self.parameters.vector[span], alpha / total_weight
            )
        return 0.5 * alpha * squares

    def _in_time_of(self, direction: str, x: np.ndarray, n_active: np.ndarray) -> np.ndarray:
        return reverse_in_time(x, n_active) if direction == "reverse" else x

    def _join(self, states: dict[str, np.ndarray], n_active: np.ndarray) -> np.ndarray:
        """Return the outputs of a layer's directions side by side, in the data's time."""
        aligned = [self._in_time_of(direction, h[1:], n_active) for direction, h in states.items()]
        return aligned[0] if len(aligned) == 1 else np.concatenate(aligned, axis=2)

    def _split(self, dx: np.ndarray, n_active: np.ndarray) -> dict[str, np.ndarray]:
        """Undo `_join` for gradients, with the zero gradient of the initial state in front."""
        dh = {}
        for direction, block in self._blocks(dx).items():
            n_timesteps, n_samples, width = block.shape
            dh[direction] = kernels.empty((n_timesteps + 1, n_samples, width), dx.dtype)
            dh[direction][0] = 0
            dh[direction][1:] = self._in_time_of(direction, block, n_active)
        return dh

    def _blocks(self, joined: np.ndarray) -> dict[str, np.ndarray]:
        """Return the units of each direction of what stands side by side along the last axis."""
        directions = self.architecture.directions
        width = joined.shape[-1] // len(directions)
        return {
            direction: joined[..., i * width : (i + 1) * width]
            for i, direction in enumerate(directions)
        }

    def _read_out(self, states: dict[str, np.ndarray], n_active: np.ndarray) -> np.ndarray:
        readout = self.architecture.readout
        if readout is None:
            outputs = self._join(states, n_active)
            return outputs[real_steps(n_active, outputs.shape[1])]
        features = [readout.forward(h, n_active) for h in states.values()]
        return features[0] if len(features) == 1 else np.concatenate(features, axis=1)

    def _read_out_backward(self, d_features: np.ndarray, run: ForwardPass) -> dict[str, np.ndarray]:
        states, readout = run.states[-1], self.architecture.readout
        if readout is None:
            n_timesteps, n_samples = len(run.n_active), next(iter(states.values())).shape[1]
            d_outputs = np.zeros(
                (n_timesteps, n_samples, d_features.shape[1]), dtype=d_features.dtype
            )
            d_outputs[real_steps(run.n_active, n_samples)] = d_features
            return self._split(d_outputs, run.n_active)
        return {
            direction: readout.backward(block, states[direction], run.n_active)
            for direction, block in self._blocks(d_features).items()
        }

    def _layer_backward(
        self, layer: int, dh: dict[str, np.ndarray], run: ForwardPass, gradient: Parameters
    ) -> np.ndarray | None:
        """Write the gradients of a layer's weights; return that of its inputs if needed."""
        total_dx = None
        for direction, cache in run.caches[layer].items():
            dx, dweights, _ = self.architecture.cell.backward(
                dh[direction],
                cache,
                self.weights(layer, direction),
                cut=self.cut(run.n_active, dh[direction].shape[1]),
                need_dx=layer > 0 or self.architecture.embedding is not None,
            )
            names = self.architecture.names[layer, direction]
            for name, dweight in dweights.items():
                gradient[names[name]][:] = dweight
            if dx is not None:
                dx = self._in_time_of(direction, dx, run.n_active)
                total_dx = dx if total_dx is None else total_dx + dx
        return total_dx

    def cut(self, n_active: np.ndarray, n_samples: int) -> np.ndarray | None:
        """Return where truncated BPTT lets no gradient pass, as `Cell.backward` takes it."""
        if self.architecture.bptt_steps is None:
            return None
        steps_to_end = lengths_of(n_active, n_samples) - np.arange(len(n_active))[:, None]
        return (steps_to_end > 0) & (steps_to_end % self.architecture.bptt_steps == 0)

    def _dropout_mask(
        self, rng: np.random.RandomState | None, layer: int, x: np.ndarray
    ) -> np.ndarray | None:
        """Draw one mask a sequence: the same units are silent at all of its steps."""
        keep = 1.0 - self.architecture.dropout
        if rng is None or keep == 1.0:
            return None
        width = self.architecture.hidden_sizes[layer] * len(self.architecture.directions)
        return ((rng.uniform(size=(x.shape[1], width)) < keep) / keep).astype(x.dtype)

    def _mask_of_rows(self, mask: np.ndarray, n_active: np.ndarray) -> np.ndarray:
        """Return the dropout mask of every row of the output layer."""
        if self.architecture.readout is not None:
            return mask
        return mask[np.nonzero(real_steps(n_active, len(mask)))[1]]

    def _output(self, features: np.ndarray) -> np.ndarray:
        return features @ self.parameters["output.W"] + self.parameters["output.b"]
