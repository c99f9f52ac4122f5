"""The compiled twins: each brings the arguments of a NumPy function into the form of its kernel.

A twin takes what the function beside it takes and returns the same, or `NotImplemented` where the
kernel does not know the cell, the types or the layout: then the NumPy lines run. Kernels take
their arguments by name, in a dict; the names are those of `binding.cpp`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from skrnn.core.kernels._memory import empty

try:
    from skrnn.core.kernels import _kernels  # type: ignore[attr-defined]
except ImportError:  # installed where there was no compiler
    _kernels = None

_NAMES = frozenset(_kernels.twins() if _kernels else ())
_DTYPES = (np.dtype(np.float32), np.dtype(np.float64))


def layer_forward(cell: Any, x: Any, n_active: Any, weights: Any, state: Any = None) -> Any:
    """Stand in for `Cell.forward`."""
    return _forward(cell, x, n_active, weights, state, keep=True)


def layer_predict(cell: Any, x: Any, n_active: Any, weights: Any, state: Any = None) -> Any:
    """Stand in for `Cell.predict`."""
    result = _forward(cell, x, n_active, weights, state, keep=False)
    return result if result is NotImplemented else result[0]


def layer_advance(cell: Any, x: Any, n_active: Any, weights: Any, state: Any = None) -> Any:
    """Stand in for `Cell.advance`."""
    if _kernel_name(cell) is None:
        return NotImplemented
    after: dict[str, Any] = dict.fromkeys(("c_last",)[: _n_states(cell) - 1])
    result = _forward(cell, x, n_active, weights, state, keep=False, after=after)
    if result is NotImplemented:
        return NotImplemented
    h, _ = result
    return h, (h[-1].copy(), *after.values())


def _forward(
    cell: Any,
    x: Any,
    n_active: Any,
    weights: Any,
    state: Any,
    *,
    keep: bool,
    after: dict[str, Any] | None = None,
) -> Any:
    """Run the kernel; what it leaves after the last step is put into `after`, by its names."""
    kernel = _kernel_name(cell)
    if kernel is None:
        return NotImplemented
    weights = {name: _contiguous(w) for name, w in cell.kernel_weights(weights).items()}
    if not _of_one_kind(x, *weights.values()):
        return NotImplemented
    x = _as_strided_rows(x)
    n_timesteps, n_samples, _ = x.shape
    n_columns = weights["W_x"].shape[1]
    hidden_size = n_columns // len(cell.gates)
    # The fields of the cache that the kernel writes; h alone where nothing is kept.
    arrays = {"h": empty((n_timesteps + 1, n_samples, hidden_size), x.dtype)}
    for field in cell.cache_type._fields[3:] if keep else ():
        width = n_columns if field == "gates" else hidden_size
        arrays[field] = empty((n_timesteps + (field == "c"), n_samples, width), x.dtype)
    after = {} if after is None else after
    after.update((name, np.empty((n_samples, hidden_size), x.dtype)) for name in after)
    start = _named(state, ("h0", "c0"), cell, x.dtype)
    named = {"x": x, "n_active": _as_int64(n_active), **weights, **start, **arrays, **after}
    _kernels.forward(kernel, named, keep)
    return arrays["h"], cell.cache_type(x, n_active, **arrays) if keep else None


def layer_backward(
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
    """Stand in for `Cell.backward`."""
    x, n_active, h, *_ = cache
    kernel = _kernel_name(cell)
    if kernel is None:
        return NotImplemented
    of_kernel = cell.kernel_weights(weights)
    read = {name: _contiguous(w) for name, w in of_kernel.items() if not name.startswith("b")}
    if not _of_one_kind(x, dh, h, *read.values()) or not _can_be_written(dh_total, like=dh):
        return NotImplemented
    kept = {field: _contiguous(getattr(cache, field)) for field in cache._fields[2:]}
    dx = empty(x.shape, x.dtype) if need_dx else None
    dweights = {key: np.empty(w.shape, dtype=x.dtype) for key, w in of_kernel.items()}
    names = ("dh0", "dc0")[: _n_states(cell)]
    dstart = {name: np.empty(h.shape[1:], dtype=x.dtype) for name in names}
    named = {
        "x": _as_strided_rows(x),
        "n_active": _as_int64(n_active),
        **read,
        **kept,
        "dh": _as_strided_rows(dh),
        **_named(dstate, ("dh_last", "dc_last"), cell, x.dtype),
        "cut": None if cut is None else np.ascontiguousarray(cut, dtype=bool),
        "dx": dx,
        "dh_total": dh_total,
        **{f"d{key}": dweight for key, dweight in dweights.items()},
        **dstart,
    }
    _kernels.backward(kernel, named)
    return dx, dict(cell.weight_gradients(dweights, weights)), tuple(dstart.values())


def affine(x: Any, W: Any, b: Any = None) -> Any:
    """Stand in for `affine.affine`."""
    if not _of_one_kind(x, W) or (b is not None and b.dtype != x.dtype):
        return NotImplemented
    transposed = not W.flags.c_contiguous
    out = np.empty((*x.shape[:-1], W.shape[1]), x.dtype)
    arrays = {"x": _as_strided_rows(x), "W": _contiguous(W.T if transposed else W), "out": out}
    if b is not None:
        arrays["b"] = _contiguous(b)
    _kernels.affine({**arrays, "transposed": transposed})
    return out


def affine_gradients(x: Any, d: Any) -> Any:
    """Stand in for `affine.affine_gradients`."""
    if not _of_one_kind(x, d):
        return NotImplemented
    dW, db = np.empty((x.shape[-1], d.shape[-1]), x.dtype), np.empty(d.shape[-1], x.dtype)
    arrays = {"x": _as_strided_rows(x), "d": _as_strided_rows(d)}
    _kernels.affine_gradients({**arrays, "dW": dW, "db": db})
    return dW, db


def add_over_time(total: Any, x: Any, n_active: Any) -> Any:
    """Stand in for `affine.add_over_time`."""
    if not _of_one_kind(x) or total.dtype != np.float64 or not total.flags.carray:
        return NotImplemented
    _kernels.add_over_time(
        {"x": _as_strided_rows(x), "n_active": _as_int64(n_active), "total": total}
    )
    return None


def orthonormalize(a: Any) -> Any:
    """Stand in for `initializers.orthonormalize`."""
    if a.dtype != np.float64 or a.size == 0 or not a.flags.carray:
        return NotImplemented
    _kernels.orthonormalize({"a": a})
    return None


def moment_update(
    vector: Any, gradient: Any, m: Any, v: Any, beta_1: float, beta_2: float, **factors: float
) -> Any:
    """Stand in for `optimizers.moment_update`."""
    if not _fit(vector, gradient, v, *(() if m is None else (m,))):
        return NotImplemented
    arrays = {"vector": vector, "gradient": gradient, "m": m, "v": v}
    return _kernels.moment_update({**arrays, "beta_1": beta_1, "beta_2": beta_2, **factors})


def softmax_cross_entropy(raw_prediction: Any, y: Any, sample_weight: Any) -> Any:
    """Stand in for `losses.softmax_cross_entropy`."""
    if not _fit(raw_prediction, sample_weight) or y.dtype != np.int64 or not y.flags.carray:
        return NotImplemented
    d_raw = np.empty_like(raw_prediction)
    arrays = {"raw_prediction": raw_prediction, "y": y, "sample_weight": sample_weight}
    return _kernels.softmax_cross_entropy({**arrays, "d_raw": d_raw}), d_raw


def sum_of_squares(vector: Any) -> Any:
    """Stand in for `optimizers.sum_of_squares`."""
    return _kernels.sum_of_squares({"vector": vector}) if _fit(vector) else NotImplemented


def add_decay(gradient: Any, weights: Any, rate: float) -> Any:
    """Stand in for `network.add_decay`."""
    if not _fit(gradient, weights):
        return NotImplemented
    return _kernels.add_decay({"gradient": gradient, "weights": weights, "rate": rate})


def knows(cell: Any, dtype: np.dtype) -> bool:
    """Tell whether there is a kernel for this cell and arrays of this dtype."""
    return dtype in _DTYPES and _kernel_name(cell) is not None


def _kernel_name(cell: Any) -> str | None:
    """Look up the kernel of this cell; None if there is none."""
    # A subclass may compute something else: it does not inherit the kernels. Activations are
    # compared as a whole, since one of the user's may bear the name of one of ours.
    for activation, name in vars(type(cell)).get("kernels", {}).items():
        same = activation is cell.activation or activation == cell.activation
        if same and name in _NAMES:
            return name
    return None


def _of_one_kind(first: np.ndarray, *others: np.ndarray) -> bool:
    """Tell whether these arrays have one dtype that kernels know, and none is empty."""
    dtype = first.dtype
    if dtype not in _DTYPES or first.size == 0:
        return False
    # A loop, here and below: a generator costs more than all that it looks at.
    for array in others:  # noqa: SIM110
        if array.dtype != dtype or array.size == 0:
            return False
    return True


def _as_strided_rows(array: np.ndarray) -> np.ndarray:
    """Give `array` a contiguous last axis, by a copy where need be; others may have any stride."""
    flags = array.flags
    if flags.c_contiguous and flags.aligned:
        return array
    *others, unit = array.strides
    size = array.itemsize
    fits = (unit == size or array.shape[-1] == 1) and not any(other % size for other in others)
    return array if fits and flags.aligned else np.array(array, order="C")


def _contiguous(array: np.ndarray) -> np.ndarray:
    """Make `array` C-contiguous and aligned, by a copy where need be."""
    if array.flags.c_contiguous and array.flags.aligned:
        return array
    return np.require(array, requirements=("C", "A"))


def _as_int64(n_active: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(n_active, dtype=np.int64)


def _n_states(cell: Any) -> int:
    return 2 if "c" in cell.cache_type._fields else 1


def _named(state: Any, names: tuple[str, ...], cell: Any, dtype: np.dtype) -> dict[str, np.ndarray]:
    """Give the arrays of a state their names, and this dtype; nothing stands for zeros."""
    if state is None:
        return {}
    return {
        name: _contiguous(array.astype(dtype, copy=False))
        for name, array in zip(names[: _n_states(cell)], state, strict=False)
    }


def _can_be_written(dh_total: Any, *, like: np.ndarray) -> bool:
    """Tell whether a kernel can write `dh_total` where it lies."""
    return dh_total is None or (dh_total.dtype == like.dtype and dh_total.flags.carray)


def _fit(first: np.ndarray, *others: np.ndarray) -> bool:
    """Tell whether a kernel takes these arrays as they are: one dtype, in order, none empty."""
    dtype = first.dtype
    if dtype not in _DTYPES or first.size == 0 or not first.flags.carray:
        return False
    for array in others:  # noqa: SIM110
        if array.dtype != dtype or not array.flags.carray:
            return False
    return True
