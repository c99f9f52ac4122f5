"""The parameters of both estimators: valid values, documentation, and what does not go together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.utils._param_validation import HasMethods, Interval, Options, StrOptions

from skrnn.core.activations import ACTIVATIONS, RELU, Activation
from skrnn.core.cells import CELLS, Cell
from skrnn.core.frames import Frames
from skrnn.core.initializers import INITIALIZERS
from skrnn.core.optimizers import OPTIMIZERS, FullBatchOptimizer, StochasticOptimizer
from skrnn.core.readouts import READOUTS, Readout
from skrnn.core.training import SCHEDULES


def names_of(registry: Iterable[str]) -> str:
    """The names in a registry, as numpydoc writes a set of choices."""
    return "{" + ", ".join(map(repr, registry)) + "}"


PARAMETERS = f"""\
hidden_layer_sizes : array-like of int or int, default=(64,)
        Units of the stacked recurrent layers, each >= 1; an int is one layer.

    activation : {names_of(ACTIVATIONS)} or Activation, default='tanh'
        Non-linearity of the state; the gates of LSTM and GRU are always logistic.
        `'relu'` does not go flat for large states, but may grow without bound: it goes well
        with `recurrent_init='identity'` and gradient clipping.

    cell : {names_of(CELLS)} or Cell, default='gru'
        The recurrence. `'rnn'` is the simple (Elman) cell; an object that derives from
        :class:`skrnn.core.cells.Cell` is used in its place.

    init : {names_of(INITIALIZERS)} or callable, default='xavier_uniform'
        How the weights of inputs and output start: a name or a function
        ``(rng, n_in, n_out) -> ndarray of shape (n_in, n_out)``.

    recurrent_init : same values as `init`, default='orthogonal'
        How the recurrent weights start.

    optimizer : {names_of(OPTIMIZERS)} or Optimizer, default='adam'
        `'lbfgs'` works on all samples at once and takes no learning rate, which suits small
        data; all others work on batches. `'lion'` takes steps of one size in every weight: give
        it a `learning_rate_init` several times smaller, and a larger `alpha`. An object that
        follows :class:`skrnn.core.optimizers.Optimizer` is copied by every `fit` and keeps its
        own hyperparameters.

    bidirectional : bool, default=False
        Whether every layer also reads the sequences backwards.

    readout : {names_of(READOUTS)}, Readout or tuple of these, default='last'
        What the output layer sees of a sequence: its last state, the mean or maximum over its
        time steps, or a mean whose weights are learnt (`'attention'`). A tuple such as
        ``('last', 'mean', 'max')`` joins several side by side; an object that follows
        :class:`skrnn.core.readouts.Readout` is used in place of a name. Not used with
        `return_sequences=True`.

    return_sequences : bool, default=False
        Whether there is one target, and one prediction, for every time step. The total loss is
        then the sum of the losses of all time steps, divided by the sum of their weights.

    dropout : float, default=0.0
        Share of every layer's outputs that are zeroed in training, in [0, 1). One mask serves
        all time steps of a sequence [3]_.

    n_channels : int, default=1
        Columns a time step of a 2D `X`, >= 1: a row of ``n_timesteps * n_channels`` columns
        is a sequence, time-major. Other forms of `X` have their channels as an axis.

    embedding_dim : int, dict or None, default=None
        Width of learnt vectors that take the place of categories, >= 1. With an int every
        channel holds ids, whole numbers from 0 on, as
        :class:`~skrnn.preprocessing.TokenEncoder` makes them; a dict of channel (name, or index
        from 0) to width says which of the channels do, each of which has vectors of its own.
        None takes all channels as numbers.

    n_tokens : int, dict or None, default=None
        How many ids a channel has, > the largest one, for all channels of ids or as a dict of
        channel to number. None counts those of the first `fit` (`partial_fit` needs to be told).
        Not used without `embedding_dim`.

    frame_length : int, default=1
        Time steps that the first layer reads side by side as one frame, >= 1. Frames shorten the
        way of the gradient and the time of a fit: see `frame_stride`. With `return_sequences=True`
        a frame predicts for the `frame_stride` steps that begin with it, of which it has seen
        all. 1 reads every step by itself.

    frame_stride : int, default=None
        Time steps from the start of a frame to that of the next, >= 1 and <= `frame_length`. The
        recurrence runs that many times fewer steps. None is `frame_length`: frames do not
        overlap.

    frame_units : int, default=None
        Width of a learnt layer with `'relu'` that every frame goes through first, >= 1: a strided
        convolution over time. None passes the frames on as they are.

    frame_shift : bool, default=False
        Whether every batch in training shifts the frames by up to `frame_stride` - 1 steps, at
        random, so that a network does not learn by heart what falls into the same frame. It helps
        to tell patterns that may lie anywhere in long sequences; where a target depends on exact
        positions, as in forecasting, it blurs them. Not with `return_sequences=True` or a
        full-batch optimizer; without effect where `frame_stride` is 1.

    bptt_steps : int, default=None
        Truncated backpropagation through time: the state carries on, but a gradient crosses
        at most so many steps (of frames one at least), >= 1, counted in blocks from a sequence's
        end. None is full BPTT.

    max_grad_norm : float, default=1.0
        Upper bound of the norm of the whole gradient, > 0, by scaling it down [2]_. None does
        not clip. Not used by `'lbfgs'`.

    alpha : float, default=1e-4
        L2 penalty on the weight matrices and the embedding vectors, >= 0; divided by the sum of
        a batch's weights. With `'adamw'` and `'lion'` it is the decoupled weight decay instead.

    batch_size : int or 'auto', default='auto'
        Samples a gradient step, >= 1. `'auto'` takes all of them up to 64 and 32 of more. Not
        used by `'lbfgs'`.

    learning_rate : {names_of(SCHEDULES)}, default='constant'
        Schedule. `'invscaling'`: ``learning_rate_init / (t_ + 1) ** power_t``; `'adaptive'`:
        divided by 5 whenever `n_iter_no_change` epochs bring no improvement, until 1e-6;
        `'cosine'`: from `learning_rate_init` to 0 over `max_iter` epochs.

    learning_rate_init : float, default=5e-3
        Initial learning rate, > 0.

    power_t : float, default=0.5
        Exponent of `'invscaling'`, >= 0.

    max_iter : int, default=200
        Epochs (iterations of `'lbfgs'`) at the most, >= 1.

    shuffle : bool, default=True
        Whether the batches are drawn anew in every epoch.

    random_state : int, RandomState instance or None, default=None
        Source of initial weights, batches, shifts of the frames, dropout and validation split.
        With an int, two fits are equal to the bit.

    tol : float, default=1e-4
        Smallest fall of the loss, with early stopping of the validation loss, that counts, >= 0.

    verbose : bool or int, default=False
        True or 1 shows a progress bar with loss and validation score, if `tqdm` is installed
        (``pip install "skrnn[progress]"``); 2 or more, or no `tqdm`, prints them in a line of
        every epoch.

    warm_start : bool, default=False
        Whether `fit` goes on from the weights of the call before.

    momentum : float, default=0.9
        Momentum of `'sgd'`, in [0, 1].

    nesterovs_momentum : bool, default=True
        Whether `'sgd'` uses Nesterov's momentum.

    early_stopping : bool, default=False
        Whether to stop when the loss on a validation set no longer falls, and to restore the
        weights of its smallest value. The validation set is `X_val` of `fit` or, without one,
        part of the data: of windows that share time steps the end of every run of them, of which
        training leaves out those that share a step with the part set aside; with
        `shuffle=False` the last samples; else samples drawn at random, every class in proportion.

    validation_fraction : float, default=0.1
        Share of the samples that early stopping sets aside (at least 2 of them), in (0, 1). Not
        used where `fit` is given `X_val`.

    beta_1 : float, default=0.9
        Decay of the first moment of `'adam'`, `'adamw'`, `'nadam'`, `'lion'`, in [0, 1).

    beta_2 : float, default=0.999
        Decay of the second moment of `'adam'`, `'adamw'`, `'nadam'`, `'rmsprop'`, and of the
        momentum of `'lion'`, in [0, 1).

    epsilon : float, default=1e-8
        Added to the denominators of the adaptive optimizers, > 0.

    n_iter_no_change : int or np.inf, default=10
        More epochs than this without an improvement end training, >= 1; ``np.inf`` trains for
        all `max_iter` epochs."""

ATTRIBUTES = """\
n_features_in_ : int
        Columns of a 2D `X`; channels of any other form.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of columns or channels. Defined only if all are strings.

    n_channels_in_ : int
        Channels of a time step.

    network_ : Network
        The trained network: ``network_.architecture`` and ``network_.parameters``.

    n_iter_ : int
        Epochs run since the weights were initialised.

    t_ : int
        Samples seen since the weights were initialised.

    loss_ : float
        Training loss of the last epoch.

    best_loss_ : float or None
        Smallest training loss of an epoch; None with early stopping.

    loss_curve_ : list of float
        Training loss of every epoch.

    grad_norm_curve_ : list of float
        Norm of the gradient before clipping, mean of every epoch.

    clip_rate_curve_ : list of float
        Share of the batches whose gradient was clipped to `max_grad_norm`, in every epoch.

    update_ratio_curve_ : list of float
        Norm of the change that the first step of every epoch makes to all parameters, over the
        norm of the parameters. Around 1e-3 to 1e-2 is usual; far less learns slowly, far more
        does not settle.

    validation_loss_curve_ : list of float or None
        Loss on the validation set after every epoch: what training minimises, weighted, without
        the penalty. None without a validation set (early stopping, or `X_val` of `fit`).

    validation_scores_ : list of float or None
        Accuracy or R2 on the validation set after every epoch, weighted as the loss is; for the
        eye, as nothing depends on them.

    best_validation_loss_ : float or None
        The smallest validation loss: of the weights that early stopping restores.

    best_validation_score_ : float or None
        The score of that epoch, which need not be the highest one.

    n_layers_ : int
        Layers: input, recurrent ones, output.

    n_outputs_ : int
        Width of the output layer.

    out_activation_ : str
        Function of the output layer."""

REFERENCES = """\
.. [1] Werbos (1990). Backpropagation through time: what it does and how to do it.
           Proceedings of the IEEE 78(10).
    .. [2] Pascanu, Mikolov & Bengio (2013). On the difficulty of training recurrent neural
           networks. ICML.
    .. [3] Gal & Ghahramani (2016). A theoretically grounded application of dropout in recurrent
           neural networks. NeurIPS."""


class Part(HasMethods):
    """A constraint of scikit-learn's kind: an object, not a class, that follows a protocol.

    Parameters
    ----------
    protocol : type
        Runtime-checkable.
    **values : object
        Members of the protocol that must have these values.
    """

    def __init__(self, protocol: type, **values: Any):
        self.protocol, self.values = protocol, values
        super().__init__(members_of(protocol))

    def is_satisfied_by(self, val: Any) -> bool:
        return (
            not isinstance(val, type)
            and isinstance(val, self.protocol)
            and all(getattr(val, name) == value for name, value in self.values.items())
        )

    def __str__(self) -> str:
        members = [
            f"'{name}' ({self.values[name]})" if name in self.values else f"'{name}'"
            for name in self.methods
        ]
        return f"an object (not a class) with {', '.join(members[:-1])} and {members[-1]}"


class Parts(HasMethods):
    """A constraint of scikit-learn's kind: a tuple of names and of objects in place of names."""

    def __init__(self, registry: dict[str, Any], protocol: type):
        super().__init__([])
        self.constraints = StrOptions(set(registry)), Part(protocol)

    def is_satisfied_by(self, val: Any) -> bool:
        return (
            isinstance(val, tuple)
            and len(val) > 0
            and all(any(c.is_satisfied_by(item) for c in self.constraints) for item in val)
        )

    def __str__(self) -> str:
        return "a tuple of these"


def members_of(protocol: type) -> list[str]:
    """Return the names that a protocol asks for, those of the protocols it extends first."""
    names: dict[str, None] = {}
    for cls in reversed(protocol.__mro__):
        if getattr(cls, "_is_protocol", False):
            names |= dict.fromkeys([*vars(cls).get("__annotations__", {}), *vars(cls)])
    return [name for name in names if name == "__call__" or not name.startswith("_")]


CONSTRAINTS: dict[str, list] = {
    "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
    "activation": [StrOptions(set(ACTIVATIONS)), Activation],
    "cell": [StrOptions(set(CELLS)), Cell],
    "init": [StrOptions(set(INITIALIZERS)), callable],
    "recurrent_init": [StrOptions(set(INITIALIZERS)), callable],
    "optimizer": [
        StrOptions(set(OPTIMIZERS)),
        Part(StochasticOptimizer, full_batch=False),
        Part(FullBatchOptimizer, full_batch=True),
    ],
    "bidirectional": ["boolean"],
    "readout": [StrOptions(set(READOUTS)), Part(Readout), Parts(READOUTS, Readout)],
    "return_sequences": ["boolean"],
    "dropout": [Interval(Real, 0, 1, closed="left")],
    "n_channels": [Interval(Integral, 1, None, closed="left")],
    "embedding_dim": [Interval(Integral, 1, None, closed="left"), dict, None],
    "n_tokens": [Interval(Integral, 1, None, closed="left"), dict, None],
    "frame_length": [Interval(Integral, 1, None, closed="left")],
    "frame_stride": [Interval(Integral, 1, None, closed="left"), None],
    "frame_units": [Interval(Integral, 1, None, closed="left"), None],
    "frame_shift": ["boolean"],
    "bptt_steps": [Interval(Integral, 1, None, closed="left"), None],
    "max_grad_norm": [Interval(Real, 0, None, closed="neither"), None],
    "alpha": [Interval(Real, 0, None, closed="left")],
    "batch_size": [Options(str, {"auto"}), Interval(Integral, 1, None, closed="left")],
    "learning_rate": [StrOptions(set(SCHEDULES))],
    "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
    "power_t": [Interval(Real, 0, None, closed="left")],
    "max_iter": [Interval(Integral, 1, None, closed="left")],
    "shuffle": ["boolean"],
    "random_state": ["random_state"],
    "tol": [Interval(Real, 0, None, closed="left")],
    "verbose": ["verbose"],
    "warm_start": ["boolean"],
    "momentum": [Interval(Real, 0, 1, closed="both")],
    "nesterovs_momentum": ["boolean"],
    "early_stopping": ["boolean"],
    "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
    "beta_1": [Interval(Real, 0, 1, closed="left")],
    "beta_2": [Interval(Real, 0, 1, closed="left")],
    "epsilon": [Interval(Real, 0, None, closed="neither")],
    "n_iter_no_change": [
        Interval(Integral, 1, None, closed="left"),
        Options(Real, {np.inf}),
    ],
}


def named(registry: dict[str, Any], value: Any) -> Any:
    """Return the entry of that name, or the object given in place of a name."""
    return registry[value] if isinstance(value, str) else value


def parameters_of(estimator: Any, cls: type) -> dict[str, Any]:
    """Return those parameters of an estimator that are fields of a dataclass."""
    parameters = estimator.get_params(deep=False)
    return {f.name: parameters[f.name] for f in fields(cls) if f.name in parameters}


def made(registry: dict[str, Any], value: Any, estimator: Any) -> Any:
    """Return the object given, or one of the class of that name with an estimator's parameters."""
    if not isinstance(value, str):
        return value
    cls = registry[value]
    return cls(**parameters_of(estimator, cls))


def hidden_sizes(estimator: Any) -> tuple[int, ...]:
    """Return the units of every layer; raise ValueError where they make no layers."""
    sizes = np.atleast_1d(np.asarray(estimator.hidden_layer_sizes))
    if sizes.ndim != 1 or sizes.size == 0 or sizes.dtype.kind not in "iu" or sizes.min() < 1:
        raise ValueError(
            f"The 'hidden_layer_sizes' parameter of {type(estimator).__name__} must be an int or "
            f"a sequence of ints, each >= 1. Got {estimator.hidden_layer_sizes!r} instead."
        )
    return tuple(int(size) for size in sizes)


def works_on_full_batch(estimator: Any) -> bool:
    """Whether the optimizer takes all samples at once; False for one that is not valid."""
    optimizer = estimator.optimizer
    if isinstance(optimizer, str):
        optimizer = OPTIMIZERS.get(optimizer)
    return bool(getattr(optimizer, "full_batch", False))


def check_together(estimator: Any) -> None:
    """Raise ValueError where valid parameters do not go together."""
    if works_on_full_batch(estimator):
        for reason, remedy in (("dropout", "dropout=0"), ("frame_shift", "frame_shift=False")):
            if getattr(estimator, reason) > 0:
                raise ValueError(
                    f"{reason} makes the loss random, which optimizer={estimator.optimizer!r} "
                    f"cannot minimise. Set {remedy} or choose another optimizer."
                )
    if estimator.frame_shift and estimator.return_sequences:
        raise ValueError(
            "With return_sequences=True frames predict for the steps that begin with them, so they "
            "cannot be shifted. Set frame_shift=False."
        )
    length, stride = estimator.frame_length, estimator.frame_stride
    if stride is not None and stride > length:
        raise ValueError(
            f"frame_stride={stride} is larger than frame_length={length}: the steps between two "
            "frames would be lost. Set frame_stride <= frame_length."
        )


def make_frames(estimator: Any, n_inputs: int) -> Frames | None:
    """Return the frames of time steps of that width, or None if every step stands by itself."""
    length, units = estimator.frame_length, estimator.frame_units
    if length == 1 and units is None:
        return None
    stride = length if estimator.frame_stride is None else estimator.frame_stride
    activation = None if units is None else RELU
    return Frames(n_inputs, length, stride, units, activation, estimator.frame_shift)


def supports_partial_fit(estimator: Any) -> bool:
    """Return True where the parameters make sense without seeing all data; else raise why not."""
    reasons = {
        f"optimizer={estimator.optimizer!r}": works_on_full_batch(estimator),
        "early_stopping=True": bool(estimator.early_stopping),
        "learning_rate='adaptive'": _is(estimator.learning_rate, "adaptive"),
        "learning_rate='cosine'": _is(estimator.learning_rate, "cosine"),
        "n_tokens=None": estimator.embedding_dim is not None and estimator.n_tokens is None,
        "class_weight='balanced'": _is(getattr(estimator, "class_weight", None), "balanced"),
    }
    for reason, holds in reasons.items():
        if holds:
            raise AttributeError(
                f"partial_fit sees one part of the data at a time, but {reason} needs all of it. "
                f"Change that parameter, or call fit."
            )
    return True


def _is(value: Any, name: str) -> bool:
    # Not `==` alone: before validation a value may be an array.
    return isinstance(value, str) and value == name
