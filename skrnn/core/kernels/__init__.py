"""The compiled twins of the cells and of a training step, and the choice between them and NumPy.

A cell's `forward`, `predict` and `backward`, and what else a step of training spends its time on,
are written in NumPy and decorated with `compiled`: where a kernel does the same for these arrays,
it runs in their place. Results agree to rounding. The kernels' own are equal to the last bit for
every number of threads, and the states of a sequence do not depend on the sequences beside it.

The best instruction set of the processor is chosen at import. The environment variable
``SKRNN_BACKEND`` names another one of `backends`, or ``numpy``. Kernels run on
``OMP_NUM_THREADS`` threads, within what `threadpoolctl` allows, and on one in a process that
came out of ``fork()``.
"""

from __future__ import annotations

import functools
import math
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import numpy as np

try:
    from skrnn.core.kernels import _kernels  # type: ignore[attr-defined]
except ImportError:  # installed where there was no compiler
    _kernels = None

__all__ = ["backend", "backends", "compiled", "empty", "memory_kept", "n_threads", "use_backend"]

_Function = TypeVar("_Function", bound=Callable[..., Any])


def backends() -> list[str]:
    """Return the names of the back ends that run here, best first.

    Returns
    -------
    names : list of str
        Instruction sets (``"avx512"``, ``"avx2"``, ``"baseline"``; ``"neon"`` on Arm) and, always
        the last, ``"numpy"``.
    """
    return [*(_kernels.available() if _kernels else ()), "numpy"]


def backend() -> str:
    """Return the name of the back end that runs: one of `backends`.

    Examples
    --------
    >>> from skrnn.core import kernels
    >>> kernels.backend() in kernels.backends()
    True
    """
    return _backend


def use_backend(name: str) -> None:
    """Run all cells on another back end from now on.

    Parameters
    ----------
    name : str
        One of `backends`.

    Raises
    ------
    ValueError
        If there is no such back end here.
    """
    global _backend
    if name not in backends():
        raise ValueError(
            f"The back end {name!r} is not available here; choose one of {backends()}, in the "
            "environment variable SKRNN_BACKEND or in use_backend."
        )
    if name != "numpy":
        _kernels.select(name)
    _backend = name


def n_threads() -> int:
    """Return how many threads the kernels may use now; 1 if they are not compiled."""
    return _kernels.n_threads() if _kernels else 1


def compiled(function: _Function) -> _Function:
    """Let the compiled twin of a function, or of a cell's method, run where there is one.

    The NumPy lines stay what it means and are at hand as ``function.__wrapped__``.
    """
    twin: Callable[..., Any] = _TWINS[function.__name__]

    @functools.wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        if _backend != "numpy":
            result = twin(*args, **kwargs)
            if result is not NotImplemented:
                return result
        return function(*args, **kwargs)

    return run  # type: ignore[return-value]


class _Memory(threading.local):
    """Blocks that `memory_kept` keeps on this thread; None outside of it."""

    blocks: list[np.ndarray] | None = None


_memory = _Memory()
_probe = [np.empty(0)]
_REFERENCES_OF_UNUSED = sys.getrefcount(_probe[0])


@contextmanager
def memory_kept() -> Iterator[None]:
    """Let the arrays of a pass that is over lend their memory to those of the next one.

    States and gates of a large batch are tens of megabytes, which the system hands out anew,
    page by page and cleared, for every batch: up to half of the time of a forward pass. It holds
    on this thread; all is given back at the end.
    """
    outer = _memory.blocks
    if outer is None:
        _memory.blocks = []
    try:
        yield
    finally:
        _memory.blocks = outer


# A vector of 64 bytes that does not begin at a line of the cache lies on two of them. For arrays
# below the second number neither that nor new memory matters.
_LINE = 64
_SMALL = 1 << 18


def empty(shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """Return an uninitialised array for what a pass computes.

    A large one begins at a line of the cache, and within `memory_kept` its memory is that of an
    array of a pass before which is no longer used.
    """
    n_bytes = math.prod(shape) * dtype.itemsize
    if n_bytes < _SMALL:
        return np.empty(shape, dtype)
    block = _block(n_bytes + _LINE)
    start = -block.__array_interface__["data"][0] % _LINE
    return block[start : start + n_bytes].view(dtype).reshape(shape)


def _block(n_bytes: int) -> np.ndarray:
    """Return memory that no array uses, kept from before if there is some of about that size."""
    blocks = [] if _memory.blocks is None else _memory.blocks
    # An array holds a reference to the block that its memory lies in.
    unused = [i for i in range(len(blocks)) if sys.getrefcount(blocks[i]) == _REFERENCES_OF_UNUSED]
    # Not twice as large, or gates and states would trade places until all blocks were as large
    # as the gates' when lengths differ from batch to batch.
    fitting = [i for i in unused if n_bytes <= blocks[i].size <= 2 * n_bytes]
    if fitting:
        return blocks[min(fitting, key=lambda i: blocks[i].size)]
    outgrown = [i for i in unused if blocks[i].size < n_bytes]
    if outgrown:
        del blocks[max(outgrown, key=lambda i: blocks[i].size)]
    blocks.append(np.empty(n_bytes, np.uint8))
    return blocks[-1]


def _twin_name(cell: Any, *arrays: np.ndarray) -> str | None:
    """Return the name of the kernel for this cell and these arrays; None if there is none."""
    # A subclass may compute something else: it does not inherit the kernel.
    name = f"{vars(type(cell)).get('kernel')}_{cell.activation.name}"
    dtype = arrays[0].dtype
    fits = (
        name in _NAMES
        and dtype in _DTYPES
        and all(array.dtype == dtype and array.size > 0 for array in arrays)
    )
    return name if fits else None


def _sequences(array: np.ndarray) -> np.ndarray:
    """Return `array` with its last axis contiguous; the others may have any stride."""
    step, row, unit = array.strides
    size = array.itemsize
    fits = (unit == size or array.shape[2] == 1) and step % size == 0 == row % size
    return array if fits and array.flags.aligned else np.array(array, order="C")


def _steps(n_active: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(n_active, dtype=np.int64)


def _state(state: Any, dtype: np.dtype) -> tuple[Any, Any]:
    """Return `state` as two arrays of this dtype; None for zeros and for what there is not."""
    if state is None:
        return None, None
    h, c, *_ = (*(_plain(array.astype(dtype, copy=False)) for array in state), None)
    return h, c


def _run_forward(
    cell: Any, x: np.ndarray, n_active: Any, weights: Any, state: Any, keep: bool
) -> Any:
    W_x, W_h, b, b_hn = (_plain(weights.get(name)) for name in ("W_x", "W_h", "b", "b_hn"))
    name = _twin_name(cell, x, W_x, W_h, b)
    if name is None:
        return NotImplemented
    x = _sequences(x)
    n_timesteps, n_samples, _ = x.shape
    hidden_size, n_columns = W_h.shape
    h0, c0 = _state(state, x.dtype)
    h = empty((n_timesteps + 1, n_samples, hidden_size), x.dtype)
    arrays: dict[str, np.ndarray] = {"h": h}
    if keep:
        fields = cell.cache_type._fields[3:]
        widths = {"gates": n_columns}
        for field in fields:
            shape = (n_timesteps + (field == "c"), n_samples, widths.get(field, hidden_size))
            arrays[field] = empty(shape, x.dtype)
    extra = arrays.get("c_out", arrays.get("s"))
    _kernels.forward(
        name, x, _steps(n_active), W_x, W_h, b, b_hn, h0, c0,
        h, arrays.get("c"), arrays.get("gates"), extra,
    )  # fmt: skip
    return h, cell.cache_type(x, n_active, **arrays) if keep else None


def _forward(cell: Any, x: Any, n_active: Any, weights: Any, state: Any = None) -> Any:
    return _run_forward(cell, x, n_active, weights, state, keep=True)


def _predict(cell: Any, x: Any, n_active: Any, weights: Any, state: Any = None) -> Any:
    result = _run_forward(cell, x, n_active, weights, state, keep=False)
    return result if result is NotImplemented else result[0]


def _plain(array: Any) -> Any:
    """Return `array` C-contiguous and aligned, a copy only where it is not."""
    if array is None or (array.flags.c_contiguous and array.flags.aligned):
        return array
    return np.require(array, requirements=("C", "A"))


def _backward(
    cell: Any,
    dh: Any,
    cache: Any,
    weights: Any,
    *,
    cut: Any = None,
    need_dx: bool = True,
    dstate: Any = None,
    dh_total: Any = None,
) -> Any:
    x, n_active, h, *_ = cache
    W_x, W_h = _plain(weights["W_x"]), _plain(weights["W_h"])
    name = _twin_name(cell, x, dh, h, W_x, W_h)
    if name is None or not _fits_total(dh_total, dh):
        return NotImplemented
    x, dh, h = _sequences(x), _sequences(dh), _plain(h)
    c, gates, c_out, s = (
        _plain(getattr(cache, field, None)) for field in ("c", "gates", "c_out", "s")
    )
    if cut is not None:
        cut = np.ascontiguousarray(cut, dtype=bool)
    dh_last, dc_last = _state(dstate, x.dtype)
    dx = empty(x.shape, x.dtype) if need_dx else None
    dweights = {key: np.empty(w.shape, dtype=x.dtype) for key, w in weights.items()}
    dstart = tuple(np.empty(h.shape[1:], dtype=x.dtype) for _ in range(1 if c is None else 2))
    dh0, dc0 = dstart if c is not None else (*dstart, None)
    _kernels.backward(
        name, dh, dh_last, dc_last, cut, x, _steps(n_active), W_x, W_h, h, c, gates,
        s if c is None else c_out, dx, dweights["W_x"], dweights["W_h"], dweights["b"],
        dweights.get("b_hn"), dh0, dc0, dh_total,
    )  # fmt: skip
    return dx, dweights, dstart


def _fits_total(dh_total: Any, dh: np.ndarray) -> bool:
    """Tell whether a kernel can write `dh_total` where it lies."""
    return dh_total is None or (dh_total.dtype == dh.dtype and dh_total.flags.carray)


def _fits(first: np.ndarray, *others: np.ndarray) -> bool:
    """Tell whether a kernel takes these arrays as they are: one dtype, in order, none empty."""
    return (
        first.dtype in _DTYPES
        and first.size > 0
        and first.flags.carray
        and all(array.dtype == first.dtype and array.flags.carray for array in others)
    )


def _step_by_moments(
    vector: Any, gradient: Any, m: Any, v: Any, beta_1: float, beta_2: float, **factors: float
) -> Any:
    if not _fits(vector, gradient, v, *(() if m is None else (m,))):
        return NotImplemented
    return _kernels.step_by_moments(vector, gradient, m, v, beta_1, beta_2, **factors)


def _softmax_cross_entropy(raw_prediction: Any, y: Any, sample_weight: Any) -> Any:
    if not _fits(raw_prediction, sample_weight) or y.dtype != np.int64 or not y.flags.carray:
        return NotImplemented
    d_raw = np.empty_like(raw_prediction)
    return _kernels.softmax_cross_entropy(raw_prediction, y, sample_weight, d_raw), d_raw


def _sum_of_squares(vector: Any) -> Any:
    return _kernels.sum_of_squares(vector) if _fits(vector) else NotImplemented


def _add_decay(gradient: Any, weights: Any, rate: float) -> Any:
    if not _fits(gradient, weights):
        return NotImplemented
    return _kernels.add_decay(gradient, weights, rate)


_TWINS: dict[str, Callable[..., Any]] = {
    "forward": _forward,
    "predict": _predict,
    "backward": _backward,
    "step_by_moments": _step_by_moments,
    "softmax_cross_entropy": _softmax_cross_entropy,
    "add_decay": _add_decay,
    "sum_of_squares": _sum_of_squares,
}
_NAMES = frozenset(_kernels.twins() if _kernels else ())
_DTYPES = (np.dtype(np.float32), np.dtype(np.float64))
_backend = "numpy"
use_backend(os.environ.get("SKRNN_BACKEND") or backends()[0])
