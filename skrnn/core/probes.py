"""What a part of the user's own returns is looked at once, on two small sequences.

NumPy would broadcast an array of a wrong shape without a word, or raise an error far from the
part that made it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from numbers import Integral
from typing import Any

import numpy as np

from skrnn.core.activations import Activation
from skrnn.core.cells import Cell
from skrnn.core.initializers import Initializer
from skrnn.core.losses import Loss, by_target, known_constant, levels_of, n_raw_of
from skrnn.core.readouts import Readout

__all__ = [
    "N_ACTIVE",
    "check_n_raw",
    "check_sizes",
    "checked_initializer",
    "numbers",
    "probe_activation",
    "probe_cell",
    "probe_loss",
    "probe_readout",
    "probe_single_outputs",
]

# Rows that run at the steps of the example: lengths 3 and 2.
N_ACTIVE = np.array([2, 2, 1])


def numbers(*shape: int, dtype: np.dtype | type = np.float64) -> np.ndarray:
    """Return some numbers in (0, 1), all different."""
    size = int(np.prod(shape))
    return ((np.arange(size) + 1) / (size + 1)).reshape(shape).astype(dtype)


def probe_loss(loss: Loss, y: np.ndarray, n_outputs: int, dtype: np.dtype) -> None:
    """Check what a loss makes of a few targets.

    Parameters
    ----------
    loss : Loss
        As the user wrote it.
    y : ndarray of shape (n_rows, n_outputs)
        Targets that it is to be trained on.
    n_outputs : int
        Width of a raw prediction: of all targets together.
    dtype : dtype
        Of the network.

    Raises
    ------
    TypeError, ValueError
        If it does not return a number and an array of the shape of the raw prediction, if its link
        changes the shape, or if it writes to its arguments.
    """
    y = y[:2].copy()
    raw, weight = numbers(len(y), n_outputs, dtype=dtype), np.ones(len(y), dtype)
    given = raw, y, weight
    before = [array.copy() for array in given]
    result = _run(loss, "the loss", lambda: loss(*given))
    if not isinstance(result, tuple) or len(result) != 2:
        raise TypeError(f"{loss!r} must return (loss, gradient); it returned {_kind(result)}.")
    value, d_raw = result
    if np.ndim(value) != 0 or not np.isrealobj(value):
        raise ValueError(
            f"{loss!r} must return the loss of all rows as one number, their weighted sum; it "
            f"returned {_kind(value)}."
        )
    _check_shape(f"the gradient of {loss!r} by the raw prediction", d_raw, raw.shape)
    if not all(np.array_equal(*pair, equal_nan=True) for pair in zip(given, before, strict=True)):
        raise ValueError(f"{loss!r} has changed one of its arguments. Let it work on a copy.")
    y_pred = _run(loss, "its link.inverse", lambda: loss.link.inverse(raw))
    _check_shape(f"what link.inverse of {loss!r} returns", y_pred, raw.shape)
    _probe_spread(loss, y, raw, weight)


def check_n_raw(loss: Loss) -> None:
    """Check that a loss says in the form of an int how many raw numbers a target needs.

    Raises
    ------
    ValueError
        If it does not.
    """
    n_raw: Any = getattr(loss, "n_raw", 1)
    if not isinstance(n_raw, Integral) or n_raw < 1:
        raise ValueError(f"n_raw of {loss!r} must be an int >= 1; got {n_raw!r}.")


def _probe_spread(loss: Loss, y: np.ndarray, raw: np.ndarray, weight: np.ndarray) -> None:
    """Check what a loss makes of a distribution, as far as it says anything of one."""
    if (constant := known_constant(loss, y, weight)) is not None:
        _check_shape(f"what constant of {loss!r} returns", constant, raw.shape[1:])
    n_raw, levels = n_raw_of(loss), levels_of(loss)
    parameters = by_target(loss.link.inverse(raw), n_raw)
    n_rows, n_outputs, _ = parameters.shape
    of_levels = () if levels is None else (len(levels),)
    some = (0.25, 0.5) if levels is None else levels
    expected = {
        "predicted": ((), (n_rows, n_outputs, *of_levels)),
        "std": ((), (n_rows, n_outputs)),
        "quantiles": ((some,), (n_rows, n_outputs, len(some))),
    }
    if n_raw == 1:
        # It may know the quantiles that it was made for, and no others to be tried on.
        del expected["quantiles"]
    for name, (arguments, shape) in expected.items():
        if hasattr(loss, name):
            call = partial(getattr(loss, name), parameters, *arguments)
            _check_shape(f"what {name} of {loss!r} returns", _run(loss, f"its {name}", call), shape)


def probe_single_outputs(loss: Loss, y: np.ndarray, n_outputs: int, dtype: np.dtype) -> None:
    """Check that a loss leaves out the outputs of a row that weigh zero.

    Parameters
    ----------
    loss : Loss
        What is to be minimised.
    y : ndarray of shape (n_rows, n_targets)
        Targets that it is to be trained on, some of them missing.
    n_outputs : int
        Width of a raw prediction.
    dtype : dtype
        Of the network.

    Raises
    ------
    ValueError
        If the loss takes no weight for every output, or if a target that weighs zero changes it.
    """
    y = np.repeat(y[:1], 2, axis=0)
    raw = numbers(2, n_outputs, dtype=dtype)
    some, rows = np.ones(y.shape, dtype), np.ones(2, dtype)
    some[0, 0] = 0
    other = y.copy()
    other[0, 0] = (y.max() + y.min()) / 2 + 1
    try:
        with np.errstate(all="ignore"):
            value, d_raw = loss(raw, y, some)
            others_value, of_others = loss(raw, other, some)
            rest, of_rest = loss(raw, y, 1 - some)
            whole, of_whole = loss(raw, y, rows)
        adds_up = np.allclose(d_raw + of_rest, of_whole, rtol=1e-4) and np.isclose(
            value + rest, whole, rtol=1e-4
        )
        keeps = value == others_value and np.array_equal(d_raw, of_others)
    except Exception:
        adds_up = keeps = False
    if not (adds_up and keeps):
        raise ValueError(
            f"y has rows in which single outputs are missing, and {loss!r} cannot leave them out: "
            f"called with sample_weight of the shape of y, {y.shape}, it must weigh every output "
            "by its own (skrnn.core.losses.mean_over_outputs does). Fill the missing targets in, "
            "leave out the rows that have some, or choose another loss."
        )


def check_sizes(readout: Readout, n_units: int) -> None:
    """Check that a read-out says shapes and width in the form that the protocol asks for.

    Raises
    ------
    TypeError, ValueError
        If it does not.
    """
    shapes: Any = readout.shapes(n_units)
    if not isinstance(shapes, Mapping):
        raise TypeError(
            f"shapes of {readout!r} must return a dict of name to shape; got {shapes!r}."
        )
    width: Any = readout.width(n_units)
    if not isinstance(width, Integral) or width < 1:
        raise ValueError(f"width of {readout!r} must return an int >= 1; it returned {width!r}.")


def probe_readout(readout: Readout, n_units: int, dtype: np.dtype) -> None:
    """Check what a read-out makes of two small sequences.

    Parameters
    ----------
    readout : Readout
        As the user wrote it.
    n_units : int
        Width of a state.
    dtype : dtype
        Of the network.

    Raises
    ------
    TypeError, ValueError
        If features or gradients do not have the shapes that the protocol asks for.
    """
    name, shapes, width = repr(readout), readout.shapes(n_units), readout.width(n_units)
    weights = {key: numbers(*shape, dtype=dtype) for key, shape in shapes.items()}
    h = numbers(len(N_ACTIVE) + 1, 2, n_units, dtype=dtype)
    h[0] = h[-1, 1] = 0
    result = _run(readout, "forward", lambda: readout.forward(h, N_ACTIVE, weights))
    features, cache = _pair(result, f"forward of {name} must return (features, cache)")
    _check_shape(f"what forward of {name} returns as features", features, (2, int(width)))
    d_features = numbers(2, int(width), dtype=dtype)
    result = _run(readout, "backward", lambda: readout.backward(d_features, cache, weights))
    dh, dweights = _pair(result, f"backward of {name} must return (dh, dweights)")
    _check_shape(f"the gradient of the states by {name}", dh, h.shape)
    _check_gradients(name, dweights, weights)


def probe_cell(cell: Cell, n_inputs: int, hidden_size: int, dtype: np.dtype) -> None:
    """Check what a cell makes of two small sequences.

    Parameters
    ----------
    cell : Cell
        As the user wrote it.
    n_inputs, hidden_size : int
        Widths of inputs and state.
    dtype : dtype
        Of the network.

    Raises
    ------
    TypeError, ValueError
        If states or gradients do not have the shapes that :class:`~skrnn.core.cells.Cell` asks
        for.
    """
    name, shapes = type(cell).__name__, cell.shapes(n_inputs, hidden_size)
    weights = {key: 0.1 * numbers(*shape, dtype=dtype) for key, shape in shapes.items()}
    x = numbers(len(N_ACTIVE), 2, n_inputs, dtype=dtype)
    x[-1, 1] = 0
    result = _run(cell, "forward", lambda: cell.forward(x, N_ACTIVE, weights))
    h, cache = _pair(result, f"forward of {name} must return (h, cache)")
    _check_shape(f"the states of {name}", h, (len(N_ACTIVE) + 1, 2, hidden_size))
    dh = numbers(*h.shape, dtype=dtype)
    result = _run(cell, "backward", lambda: cell.backward(dh, cache, weights))
    if not isinstance(result, tuple) or len(result) < 2:
        raise TypeError(
            f"backward of {name} must return (dx, dweights, dstate); it returned {_kind(result)}."
        )
    _check_shape(f"the gradient of the inputs by {name}", result[0], x.shape)
    _check_gradients(name, result[1], weights)


def probe_activation(activation: Activation) -> None:
    """Check that function and derivative of an activation keep the shape.

    Raises
    ------
    ValueError
        If they do not.
    """
    a = numbers(2, 3) - 0.5
    for role in ("function", "derivative"):
        result = _run(activation, f"its {role}", partial(getattr(activation, role), a))
        _check_shape(f"what {role} of the activation {activation.name!r} returns", result, a.shape)


def checked_initializer(init: Initializer) -> Initializer:
    """Return an initializer that refuses to be broadcast.

    Parameters
    ----------
    init : callable
        As the user wrote it.

    Returns
    -------
    callable
        The same function, which raises ValueError where `init` returns another shape than it is
        asked for, or something that is not finite.
    """

    def checked(rng: np.random.RandomState, n_in: int, n_out: int) -> np.ndarray:
        drawn = init(rng, n_in, n_out)
        name = getattr(init, "__name__", repr(init))
        _check_shape(f"what the initializer {name} returns", drawn, (n_in, n_out))
        if not np.isfinite(drawn).all():
            raise ValueError(f"The initializer {name} has drawn weights that are not finite.")
        return drawn

    return checked


def _run(part: Any, what: str, call: Callable[[], Any]) -> Any:
    """Return what `call` returns; let its errors say which part they come from."""
    try:
        with np.errstate(all="ignore"):
            return call()
    except Exception as error:
        raise ValueError(
            f"{type(part).__name__} was tried on two small sequences, and {what} raised "
            f"{type(error).__name__}: {error}"
        ) from error


def _pair(result: Any, expected: str) -> tuple[Any, Any]:
    if not isinstance(result, tuple) or len(result) != 2:
        raise TypeError(f"{expected}; it returned {_kind(result)}.")
    return result


def _check_gradients(name: str, dweights: Any, weights: Mapping[str, np.ndarray]) -> None:
    if not isinstance(dweights, Mapping) or set(dweights) != set(weights):
        found = sorted(dweights) if isinstance(dweights, Mapping) else _kind(dweights)
        raise ValueError(
            f"{name} must return the gradients of the weights {sorted(weights)} as a dict; it "
            f"returned {found}."
        )
    for key, dweight in dweights.items():
        _check_shape(f"the gradient of {key!r} by {name}", dweight, weights[key].shape)


def _check_shape(what: str, array: Any, shape: tuple[int, ...]) -> None:
    if not isinstance(array, np.ndarray) or array.shape != shape or array.dtype.kind != "f":
        what = what[0].upper() + what[1:]
        raise ValueError(f"{what} must be an array of floats of shape {shape}; got {_kind(array)}.")


def _kind(value: Any) -> str:
    """Describe a value for an error."""
    if isinstance(value, np.ndarray):
        return f"an array of {value.dtype} of shape {value.shape}"
    return f"{type(value).__name__} {value!r}"[:100]
