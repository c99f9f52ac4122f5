"""The parameters of both estimators: valid values, documentation, and what does not go together."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import fields
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.utils._param_validation import HasMethods, Options, StrOptions

from skrnn._shown import python_value
from skrnn.core.activations import ACTIVATIONS, RELU, Activation
from skrnn.core.cells import CELLS, Cell
from skrnn.core.frames import Frames
from skrnn.core.initializers import INITIALIZERS
from skrnn.core.optimizers import OPTIMIZERS, FullBatchOptimizer, StochasticOptimizer
from skrnn.core.readouts import READOUTS, Readout
from skrnn.core.training import SCHEDULES
from skrnn.estimators._constraints import Interval


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
    """A constraint of scikit-learn's kind: several names, or objects in place of names."""

    def __init__(self, registry: dict[str, Any], protocol: type):
        super().__init__([])
        self.constraints = StrOptions(set(registry)), Part(protocol)

    def is_satisfied_by(self, val: Any) -> bool:
        return (
            isinstance(val, tuple | list)
            and len(val) > 0
            and all(any(c.is_satisfied_by(item) for c in self.constraints) for item in val)
        )

    def __str__(self) -> str:
        return "a tuple or list of these"


def members_of(protocol: type) -> list[str]:
    """Return the names that a protocol asks for, those of the protocols it extends first."""
    names: dict[str, None] = {}
    for cls in reversed(protocol.__mro__):
        if getattr(cls, "_is_protocol", False):
            names |= dict.fromkeys([*vars(cls).get("__annotations__", {}), *vars(cls)])
    return [name for name in names if name == "__call__" or not name.startswith("_")]


AUTO = Options(str, {"auto"})

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
    "bidirectional": ["boolean", AUTO],
    "readout": [StrOptions({*READOUTS, "auto"}), Part(Readout), Parts(READOUTS, Readout)],
    "return_sequences": ["boolean"],
    "dropout": [Interval(Real, 0, 1, closed="left")],
    "n_channels": [Interval(Integral, 1, None, closed="left")],
    "embedding_dim": [Interval(Integral, 1, None, closed="left"), dict, None],
    "n_tokens": [Interval(Integral, 1, None, closed="left"), dict, None],
    "static": [StrOptions({"readout", "channels"})],
    "differences": ["boolean", AUTO],
    "missing_values": [StrOptions({"decay", "error"})],
    "frame_length": [Interval(Integral, 1, None, closed="left"), AUTO],
    "frame_stride": [Interval(Integral, 1, None, closed="left"), AUTO, None],
    "frame_units": [Interval(Integral, 1, None, closed="left"), AUTO, None],
    "frame_shift": ["boolean", AUTO],
    "bptt_steps": [Interval(Integral, 1, None, closed="left"), None],
    "max_grad_norm": [Interval(Real, 0, None, closed="neither"), None],
    "alpha": [Interval(Real, 0, None, closed="left")],
    "batch_size": [AUTO, Interval(Integral, 1, None, closed="left")],
    "learning_rate": [StrOptions({*SCHEDULES, "auto"})],
    "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
    "power_t": [Interval(Real, 0, None, closed="left")],
    "max_iter": [Interval(Integral, 1, None, closed="left"), AUTO],
    "shuffle": ["boolean"],
    "random_state": [
        Interval(Integral, 0, 2**32 - 1, closed="both"),
        np.random.RandomState,
        None,
    ],
    "tol": [Interval(Real, 0, None, closed="left")],
    "verbose": ["verbose"],
    "warm_start": ["boolean"],
    "momentum": [Interval(Real, 0, 1, closed="both")],
    "nesterovs_momentum": ["boolean"],
    "early_stopping": ["boolean"],
    "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
    "beta_1": [Interval(Real, 0, 1, closed="left")],
    "beta_2": [Interval(Real, 0, 1, closed="left"), None],
    "epsilon": [Interval(Real, 0, None, closed="neither")],
    "n_iter_no_change": [
        Interval(Integral, 1, None, closed="left"),
        Options(Real, {np.inf}),
        AUTO,
    ],
}


def named(registry: dict[str, Any], value: Any) -> Any:
    """Return the entry of that name, or the object given in place of a name."""
    return registry[value] if isinstance(value, str) else value


def parameters_of(estimator: Any, cls: type) -> dict[str, Any]:
    """Return those parameters of an estimator that are fields of a dataclass.

    A parameter that is None stands for the default of the field.
    """
    parameters = estimator.get_params(deep=False)
    known = [field for field in fields(cls) if field.name in parameters]
    given = ((field, parameters[field.name]) for field in known)
    return {field.name: field.default if value is None else value for field, value in given}


def made(registry: dict[str, Any], value: Any, estimator: Any) -> Any:
    """Return the object given, or one of the class of that name with an estimator's parameters."""
    if not isinstance(value, str):
        return value
    cls = registry[value]
    return cls(**parameters_of(estimator, cls))


def hidden_sizes(estimator: Any) -> tuple[int, ...]:
    """Return the units of every layer; raise ValueError where they make no layers."""
    asked = estimator.hidden_layer_sizes
    sizes = np.atleast_1d(asked).tolist() if isinstance(asked, np.ndarray) else asked
    if not isinstance(sizes, Iterable):
        sizes = [sizes]
    sizes = list(sizes)
    unit = CONSTRAINTS["hidden_layer_sizes"][-1]
    if not sizes or not all(unit.is_satisfied_by(size) for size in sizes):
        raise ValueError(
            f"The 'hidden_layer_sizes' parameter of {type(estimator).__name__} must be an int or "
            f"a sequence of ints, each >= 1. Got {python_value(asked)!r} instead."
        )
    return tuple(int(size) for size in sizes)


def works_on_full_batch(estimator: Any) -> bool:
    """Whether the optimizer takes all samples at once; False for one that is not valid."""
    optimizer = estimator.optimizer
    if isinstance(optimizer, str):
        optimizer = OPTIMIZERS.get(optimizer)
    return bool(getattr(optimizer, "full_batch", False))


def check_together(parameters: Any) -> None:
    """Raise ValueError where valid parameters, of which none is 'auto', do not go together."""
    if works_on_full_batch(parameters):
        for reason, remedy in (("dropout", "dropout=0"), ("frame_shift", "frame_shift=False")):
            if getattr(parameters, reason) > 0:
                raise ValueError(
                    f"{reason} makes the loss random, which optimizer={parameters.optimizer!r} "
                    f"cannot minimise. Set {remedy} or choose another optimizer."
                )
    if parameters.frame_shift and parameters.return_sequences:
        raise ValueError(
            "With return_sequences=True frames predict for the steps that begin with them, so they "
            "cannot be shifted. Set frame_shift=False."
        )
    if parameters.differences and parameters.embedding_dim is not None:
        raise ValueError(
            "differences=True is for numbers, and embedding_dim makes vectors of ids, whose "
            "differences mean nothing. Set differences=False or embedding_dim=None."
        )
    length, stride = parameters.frame_length, parameters.frame_stride
    if stride is not None and stride > length:
        raise ValueError(
            f"frame_stride={stride} is larger than frame_length={length}: the steps between two "
            "frames would be lost. Set frame_stride <= frame_length."
        )


def warn_of_large_batches(estimator: Any, n_samples: int) -> None:
    """Warn where the batches asked for are larger than all of the data."""
    asked = estimator.batch_size
    if not is_auto(asked) and asked > n_samples and not works_on_full_batch(estimator):
        warnings.warn(
            f"batch_size={asked} is larger than the {n_samples} samples to train on; all of them "
            "make one batch.",
            stacklevel=6,  # the line that calls fit
        )


def make_frames(parameters: Any, n_inputs: int) -> Frames | None:
    """Return the frames of time steps of that width, or None if every step stands by itself."""
    length, units = parameters.frame_length, parameters.frame_units
    if length == 1 and units is None:
        return None
    stride = length if parameters.frame_stride is None else parameters.frame_stride
    activation = None if units is None else RELU
    return Frames(n_inputs, length, stride, units, activation, bool(parameters.frame_shift))


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


def is_auto(value: Any) -> bool:
    """Whether a parameter is left to be decided by the data."""
    return _is(value, "auto")


def _is(value: Any, name: str) -> bool:
    # Not `==` alone: before validation a value may be an array.
    return isinstance(value, str) and value == name
