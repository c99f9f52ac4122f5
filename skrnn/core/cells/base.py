"""The interface of a recurrent cell."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, cast

import numpy as np

from skrnn.core.activations import TANH, Activation
from skrnn.core.cells._algebra import State as State
from skrnn.core.cells._algebra import Weights as Weights
from skrnn.core.cells._algebra import affine_gradients, arriving_gradient
from skrnn.core.cells._algebra import blocks_of as blocks_of
from skrnn.core.cells._algebra import flat_product as flat_product
from skrnn.core.cells._algebra import initial_state as initial_state
from skrnn.core.cells._algebra import project_inputs as project_inputs
from skrnn.core.initializers import Initializer
from skrnn.core.kernels import compiled, layer_advance, layer_backward, layer_predict

__all__ = ["Cell", "State", "Weights", "initial_state", "project_inputs"]


class Cell:
    """A recurrence and nothing else: whole sequences forward, whole sequences backward.

    A cell is stateless: weights come in as a mapping, everything that the backward pass needs
    goes out as a cache. Stacking, direction, read-out and padding live in
    `skrnn.core.network`; the axes are those of `skrnn.core`.

    To add one, derive from this class and give it

    - `gates`, the names of the column blocks;
    - `forward`, the recurrence;
    - `step_back`, the derivatives of one step of it: its lines in reverse. `backward` runs it
      from the last step to the first.

    An instance is then accepted wherever an estimator takes the name of a cell. What else there
    is need be written only by a cell that differs from the usual one:

    - `activated`, if it has several gates, for inspection;
    - `shapes` and `initialize`, if its weights are more than ``W_x`` (n_inputs,
      n_gates * hidden_size), drawn gate by gate by ``init``, ``W_h`` (hidden_size,
      n_gates * hidden_size), drawn gate by gate by ``recurrent_init``, and ``b``
      (n_gates * hidden_size,), zero; and `other_gradients`, which returns the gradients of the
      additional ones;
    - `state_after`, if its state is more than ``h``;
    - `gates_recurrence`, if the recurrent term does not enter as ``h_{t-1} W_h`` alone;
    - `predict`, if it can do with less memory or time than `forward`;
    - `backward` as a whole, if its recurrence is not of the form that `step_back` differentiates;
    - `eigenvalues`, for inspection, if it has no ``W_h``;
    - `kernel_weights` and `weight_gradients`, if its kernel takes other arrays than its weights.

    Attributes
    ----------
    gates : tuple of str
        Names of the column blocks of ``W_x``, ``W_h`` and ``b``, in their order.
    activated : tuple of str
        Those of the gates, and of the fields of the cache, that go through `activation`. All
        other gates are logistic. A class that only renames the gates of another keeps the
        meaning of each by its position.
    gates_recurrence : bool
        Whether the gradient of ``h_{t-1} W_h`` differs from that of ``x_t W_x``, as it does if
        a gate multiplies the recurrent term. `step_back` then writes both.
    activation : Activation
        Non-linearity of the state; set by `with_activation`.
    kernels : mapping of Activation to str
        Names of the compiled twins by the activation that each computes; see
        `skrnn.core.kernels`. They hold for the class that sets them and not for those derived
        from it, which may compute something else.
    cache_type : type
        The NamedTuple that `forward` returns; a cell with kernels names it.

    Examples
    --------
    Units that change slowly, ``h_t = (1 - leak) h_{t-1} + leak u_t`` with
    ``u_t = activation(x_t W_x + h_{t-1} W_h + b)``:

    >>> from typing import NamedTuple
    >>> import numpy as np
    >>> from skrnn.core.cells import Cell
    >>> from skrnn.core.cells.base import initial_state, project_inputs
    >>> class LeakyCache(NamedTuple):
    ...     x: np.ndarray
    ...     n_active: np.ndarray
    ...     h: np.ndarray
    ...     u: np.ndarray
    >>> class Leaky(Cell):
    ...     gates, activated, leak = ("u",), ("u",), 0.5
    ...
    ...     def forward(self, x, n_active, weights, state=None):
    ...         u = project_inputs(x, weights["W_x"], weights["b"])
    ...         h = np.zeros((len(u) + 1, *u.shape[1:]), dtype=u.dtype)
    ...         h[0] = initial_state(state, 0, like=h)
    ...         for t, n in enumerate(n_active):
    ...             u[t, :n] += h[t, :n] @ weights["W_h"]
    ...             u[t, :n] = self.activation.function(u[t, :n])
    ...             h[t + 1, :n] = (1 - self.leak) * h[t, :n] + self.leak * u[t, :n]
    ...         return h, LeakyCache(x, n_active, h, u)
    ...
    ...     def step_back(self, t, n, cache, da, da_h, dh):
    ...         da[:] = self.leak * dh * self.activation.derivative(cache.u[t, :n])
    ...         return ((1 - self.leak) * dh,)
    >>> cell = Leaky()
    >>> weights = {name: np.full(shape, 0.1) for name, shape in cell.shapes(1, 2).items()}
    >>> h, cache = cell.forward(np.ones((3, 1, 1)), np.array([1, 1, 1]), weights)
    >>> dx, dweights, dstate = cell.backward(np.ones_like(h), cache, weights)
    >>> dx[:, 0, 0].round(3)
    array([0.187, 0.152, 0.095])
    """

    gates: tuple[str, ...] = ("h",)
    activated: tuple[str, ...] = ("h",)
    gates_recurrence: bool = False
    activation: Activation = TANH
    kernels: ClassVar[Mapping[Activation, str]] = {}
    cache_type: Any = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        own, above = vars(cls), cast(Any, super(cls, cls))
        if "gates" in own and "activated" not in own and len(cls.gates) == len(above.gates):
            renamed = dict(zip(above.gates, cls.gates, strict=True))
            cls.activated = tuple(renamed.get(name, name) for name in above.activated)

    def __repr__(self) -> str:
        names = [name for name in inspect.signature(type(self)).parameters if hasattr(self, name)]
        values = (f"{name}={getattr(self, name)!r}" for name in names)
        return f"{type(self).__name__}({', '.join(values)})"

    def with_activation(self, activation: Activation) -> Cell:
        """Return a copy of this cell that uses another activation for its state.

        Parameters
        ----------
        activation : Activation
            Non-linearity of the state.

        Returns
        -------
        Cell
            The copy.
        """
        cell = copy.copy(self)
        cell.activation = activation
        return cell

    def shapes(self, n_inputs: int, hidden_size: int) -> dict[str, tuple[int, ...]]:
        """Return name and shape of every weight array of a layer.

        Parameters
        ----------
        n_inputs : int
            Width of the inputs.
        hidden_size : int
            Units.

        Returns
        -------
        dict of str to tuple of int
            In the order in which the arrays lie in the vector of all weights.
        """
        n_columns = len(self.gates) * hidden_size
        return {"W_x": (n_inputs, n_columns), "W_h": (hidden_size, n_columns), "b": (n_columns,)}

    def initialize(
        self,
        weights: Weights,
        rng: np.random.RandomState,
        init: Initializer,
        recurrent_init: Initializer,
    ) -> None:
        """Fill `weights` in place, one gate after the other.

        Parameters
        ----------
        weights : mapping of str to ndarray
            As `shapes` says, zero when they come.
        rng : RandomState
            Source of the random numbers.
        init, recurrent_init : callable
            Initializers of what is multiplied with the input, and with the state.
        """
        for name, initializer in (("W_x", init), ("W_h", recurrent_init)):
            for block in np.split(weights[name], len(self.gates), axis=1):
                block[:] = initializer(rng, *block.shape)

    def forward(
        self,
        x: np.ndarray,
        n_active: np.ndarray,
        weights: Weights,
        state: State | None = None,
    ) -> tuple[np.ndarray, Any]:
        """Run the recurrence over all time steps.

        Parameters
        ----------
        x : ndarray of shape (n_timesteps, n_samples, n_inputs)
            Inputs, zero at padding (other finite numbers there change nothing). Not changed.
        n_active : ndarray of shape (n_timesteps,)
            Rows that run at each step, not increasing. Rows at and beyond it are padding.
        weights : mapping of str to ndarray
            As `shapes` says. Not changed (they may be read-only).
        state : tuple of ndarray of shape (n_samples, hidden_size), default=None
            Initial state, ``(h0,)`` or ``(h0, c0)``. None starts with zeros.

        Returns
        -------
        h : ndarray of shape (n_timesteps + 1, n_samples, hidden_size)
            ``h[0]`` is the initial state, ``h[t + 1]`` the state after step ``t``, zero where
            a row has ended.
        cache : NamedTuple of ndarray
            All that `backward` needs, `h` and `n_active` included.
        """
        raise TypeError(f"{type(self).__name__} does not define forward.")

    @compiled(layer_predict)
    def predict(
        self,
        x: np.ndarray,
        n_active: np.ndarray,
        weights: Weights,
        state: State | None = None,
    ) -> np.ndarray:
        """Return the `h` of `forward` alone; override it where that saves memory or time.

        Parameters
        ----------
        x, n_active, weights, state : object
            As in `forward`.

        Returns
        -------
        ndarray of shape (n_timesteps + 1, n_samples, hidden_size)
            The states.
        """
        return self.forward(x, n_active, weights, state)[0]

    @compiled(layer_advance)
    def advance(
        self,
        x: np.ndarray,
        n_active: np.ndarray,
        weights: Weights,
        state: State | None = None,
    ) -> tuple[np.ndarray, State]:
        """Return the `h` of `forward`, and the state after the last step, to go on from.

        Of a row that ended earlier that state has no meaning.
        """
        h, cache = self.forward(x, n_active, weights, state)
        return h, self.state_after(h, cache)

    def state_after(self, h: np.ndarray, cache: Any) -> State:
        """Return the state after the last step of a forward pass, to go on from with `forward`.

        Of a row that ended earlier it is zero. Override it where the state is more than `h`.

        Parameters
        ----------
        h : ndarray of shape (n_timesteps + 1, n_samples, hidden_size)
            The states.
        cache : NamedTuple of ndarray
            What `forward` returned beside them.

        Returns
        -------
        tuple of ndarray of shape (n_samples, hidden_size)
            As `forward` takes it.
        """
        return (h[-1],)

    @compiled(layer_backward)
    def backward(
        self,
        dh: np.ndarray,
        cache: Any,
        weights: Weights,
        *,
        cut: np.ndarray | None = None,
        need_dx: bool = True,
        dstate: State | None = None,
        dh_total: np.ndarray | None = None,
    ) -> tuple[np.ndarray | None, dict[str, np.ndarray], State]:
        """Send gradients back through all time steps (BPTT), with the cell's `step_back`.

        A cell that overrides it may leave out `dstate` and `dh_total`.

        Parameters
        ----------
        dh : ndarray of shape (n_timesteps + 1, n_samples, hidden_size)
            Gradient that arrives at every ``h[t]`` from above (from the read-out or the next
            layer), zero where nothing arrives. Not changed; ignored at padding.
        cache : NamedTuple of ndarray
            What `forward` returned, with the fields ``x``, ``n_active`` and ``h``.
        weights : mapping of str to ndarray
            The weights of the forward pass.
        cut : bool ndarray of shape (n_timesteps, n_samples), default=None
            True where no gradient may cross from step ``t`` to the state before it
            (truncated BPTT).
        need_dx : bool, default=True
            Whether the gradient with respect to `x` is wanted.
        dstate : tuple of ndarray of shape (n_samples, hidden_size), default=None
            Gradient that arrives at the state after the last step, as `state_after` gives it,
            from steps beyond; ignored for rows that ended earlier. None stands for zeros.
        dh_total : ndarray of the shape of `dh`, default=None
            Where given, receives the whole gradient of every ``h[t]``: what arrives from
            above and what comes back from later steps. Written at real steps only.

        Returns
        -------
        dx : ndarray of the shape of `x`, or None
            Exactly zero at padding.
        dweights : dict of str to ndarray
            Sum over samples and time steps of the gradients, one array for every weight.
        dstate : tuple of ndarray of shape (n_samples, hidden_size)
            Gradient with respect to the initial state.
        """
        x, n_active, h = cache.x, cache.n_active, cache.h
        W_h_T = weights["W_h"].T
        da = np.zeros((*x.shape[:2], len(W_h_T)), dtype=h.dtype)
        da_h = np.zeros_like(da) if self.gates_recurrence else da
        n_states = len(self.state_after(h, cache))
        dh_next, *carried = (arriving_gradient(dstate, i, h, n_active) for i in range(n_states))
        for t in reversed(range(len(x))):
            n = n_active[t]
            dh_t = dh[t + 1, :n] + dh_next[:n]
            if dh_total is not None:
                dh_total[t + 1, :n] = dh_t
            later = (part[:n] for part in carried)
            direct, *others = self.step_back(t, n, cache, da[t, :n], da_h[t, :n], dh_t, *later)
            # a_t = x_t W_x + h_{t-1} W_h + b
            dh_next[:n] = direct + da_h[t, :n] @ W_h_T
            for part, value in zip(carried, others, strict=True):
                part[:n] = value
            if cut is not None:
                for part in (dh_next, *carried):
                    part[cut[t]] = 0
        dh_next += dh[0]
        if dh_total is not None:
            dh_total[0] = dh_next
        dx, dweights = affine_gradients(da, da_h, x, h, weights, need_dx)
        dweights.update(self.other_gradients(da, da_h, cache))
        return dx, dweights, (dh_next, *carried)

    def step_back(
        self,
        t: int,
        n: int,
        cache: Any,
        da: np.ndarray,
        da_h: np.ndarray,
        dh: np.ndarray,
        *dstate: np.ndarray,
    ) -> tuple[np.ndarray | float, ...]:
        """Send the gradient of the state after step ``t`` back to the state before it.

        The way through ``h_{t-1} W_h`` is not its business: `backward` adds ``da_h W_h'``. Nor
        are padding, truncation and the gradients of weights and inputs.

        Parameters
        ----------
        t, n : int
            The step, and the rows that run at it.
        cache : NamedTuple of ndarray
            What `forward` returned: ``cache.h[t, :n]`` is the state before the step,
            ``cache.h[t + 1, :n]`` the one after it. Of the weights it holds what is needed here.
        da : ndarray of shape (n, n_gates * hidden_size)
            To be filled with the gradient of ``x_t W_x + b``.
        da_h : ndarray of the shape of `da`
            To be filled with the gradient of ``h_{t-1} W_h``, if `gates_recurrence`; otherwise
            `da` itself.
        dh : ndarray of shape (n, hidden_size)
            Whole gradient of ``h_t``. Not to be changed.
        *dstate : ndarray of shape (n, hidden_size)
            Gradients of the other arrays of the state after the step, in the order of
            `state_after`, as later steps left them. Not to be changed.

        Returns
        -------
        tuple of ndarray of shape (n, hidden_size)
            Gradient of ``h_{t-1}`` on any way but through ``W_h`` (0.0 if there is none), and
            those of the other arrays of the state before the step.
        """
        raise TypeError(f"{type(self).__name__} does not define step_back.")

    def other_gradients(
        self, da: np.ndarray, da_h: np.ndarray, cache: Any
    ) -> Mapping[str, np.ndarray]:
        """Return the gradients of the weights other than ``W_x``, ``W_h`` and ``b``.

        Parameters
        ----------
        da, da_h : ndarray of shape (n_timesteps, n_samples, n_gates * hidden_size)
            What `step_back` wrote at all steps, zero at padding.
        cache : NamedTuple of ndarray
            What `forward` returned.

        Returns
        -------
        mapping of str to ndarray
            One array for every such weight; none here.
        """
        return {}

    def eigenvalues(self, weights: Weights) -> np.ndarray:
        """Return the eigenvalues of the recurrence, of one gate after the other.

        Those of ``W_h``, and none where there is no such weight.

        Parameters
        ----------
        weights : mapping of str to ndarray
            As `shapes` says, finite.

        Returns
        -------
        ndarray of shape (n_eigenvalues,)
            Real or complex.
        """
        if "W_h" not in weights:
            return np.zeros(0)
        blocks = np.split(weights["W_h"], len(self.gates), axis=1)
        return np.concatenate([np.linalg.eigvals(block) for block in blocks])

    def kernel_weights(self, weights: Weights) -> Weights:
        """Return the arrays that the kernel of the cell takes in place of its weights."""
        return weights

    def weight_gradients(
        self, of_kernel: Mapping[str, np.ndarray], weights: Weights
    ) -> Mapping[str, np.ndarray]:
        """Return the gradients of `weights` from those of `kernel_weights`, of the same names."""
        return of_kernel

    def state_gradients(
        self,
        dh: np.ndarray,
        cache: Any,
        weights: Weights,
        *,
        cut: np.ndarray | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the gradients of all inputs and of all states.

        Parameters
        ----------
        dh, cache, weights, cut : object
            As in `backward`.

        Returns
        -------
        dx : ndarray of the shape of ``cache.x``
            Zero at padding.
        dh_total : ndarray of the shape of `dh`
            Gradient of every ``h[t]``: of ``h[t]`` from above and from later steps. Zero at
            padding.
        """
        if "dh_total" not in inspect.signature(self.backward).parameters:
            return self._state_gradients_by_steps(dh, cache, weights, cut)
        dh_total = np.zeros_like(dh)
        dx, _, _ = self.backward(dh, cache, weights, cut=cut, dh_total=dh_total)
        assert dx is not None
        return dx, dh_total

    def _state_gradients_by_steps(
        self, dh: np.ndarray, cache: Any, weights: Weights, cut: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Stand in for a `backward` of one's own that takes no `dh_total`.

        The initial state of the pass was zero. `backward` is asked for its `dstate` only if the
        state is more than `h`.
        """
        steps = list(self.steps(cache, weights))
        dx, dh_total = np.zeros_like(cache.x), np.zeros_like(dh)
        dstate: State = tuple(np.zeros_like(dh[0]) for _ in self.state_after(cache.h, cache))
        for t in reversed(range(len(steps))):
            n = cache.n_active[t]
            dh_total[t + 1, :n] = dh[t + 1, :n] + dstate[0][:n]
            rest = (np.zeros_like(dh[0]), *dstate[1:])
            beyond: dict[str, Any] = {"dstate": rest} if len(rest) > 1 else {}
            d_step = np.stack([np.zeros_like(dh[0]), dh_total[t + 1]])
            dx_t, _, dstate = self.backward(d_step, steps[t], weights, **beyond)
            dx[t] = dx_t[0]  # type: ignore[index]
            if cut is not None:
                dstate = tuple(np.where(cut[t][:, None], 0, part) for part in dstate)
        dh_total[0] = dh[0] + dstate[0]
        return dx, dh_total

    def steps(self, cache: Any, weights: Weights) -> Iterator[Any]:
        """Yield the caches of the single time steps of a pass that began with zeros."""
        state = None
        for t in range(len(cache.x)):
            h, step = self.forward(cache.x[t : t + 1], cache.n_active[t : t + 1], weights, state)
            state = self.state_after(h, step)
            yield step
