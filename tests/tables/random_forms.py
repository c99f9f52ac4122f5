"""Random sequences in random forms and types, and whether they may be read.

A form lays samples out, a type makes other values of their numbers. What may be read has one right
answer; everything else has to be refused by an error that somebody wrote.
"""

from __future__ import annotations

import ast
import datetime
from collections import UserList, deque
from collections.abc import Callable
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import sklearn
from ragged_forms import object_array, padded

import skrnn

OWNERS = tuple(str(Path(module.__file__).parent) for module in (skrnn, sklearn))


class Case(NamedTuple):
    """An X and what is to come of it.

    Attributes
    ----------
    name : str
        Its form and type.
    X : object
        What is passed.
    samples : list of ndarray of shape (n_timesteps, n_channels), or None
        The sequences, NaN where a value is missing; None if X is to be refused.
    static : ndarray of shape (n_samples, n_static), or None
        What stands beside them in columns of single values.
    """

    name: str
    X: Any
    samples: list[np.ndarray] | None
    static: np.ndarray | None = None

    @property
    def has_gaps(self) -> bool:
        """Whether a value is missing, which is to be refused unless the reader takes that."""
        return self.samples is not None and any(np.isnan(sample).any() for sample in self.samples)

    @property
    def plain(self) -> Any:
        """The same sequences as a list of arrays; as a frame of arrays if something is static."""
        assert self.samples is not None
        if self.static is None:
            return self.samples
        columns = {f"c{j}": cells for j, cells in enumerate(_columns(self.samples).values())}
        static = {f"s{j}": column for j, column in enumerate(self.static.T)}
        return pd.DataFrame({**static, **columns})


class Labelled:
    """An array whose dimensions have names, as xarray has them."""

    def __init__(self, values, dims, coords=None):
        self.values, self.dims, self.coords = np.asarray(values), tuple(dims), coords or {}

    @property
    def shape(self):
        return self.values.shape

    @property
    def ndim(self):
        return self.values.ndim

    def __len__(self):
        return len(self.values)

    def __getitem__(self, key):
        return self.values[key]

    def transpose(self, *dims):
        axes = [self.dims.index(dim) for dim in dims]
        return Labelled(self.values.transpose(axes), dims, self.coords)

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.values, dtype=dtype)


# --- types: (n, c) numbers 0 to 9 -> values; what is not among READABLE is refused --------------

DAY = np.datetime64("2020-01-01")


def _with_one(values: np.ndarray, value: Any) -> np.ndarray:
    values = values.astype(object)
    values[0, 0] = value
    return values


def _each(function: Callable) -> Callable:
    return lambda values: np.vectorize(function, otypes=[object])(values)


def _holes(values: np.ndarray) -> np.ndarray:
    """A mask of a few values that are missing, never of the last step: that may be padding."""
    holes = np.random.default_rng(int(values.sum())).random(values.shape) < 0.3
    holes[0, 0], holes[-1] = True, False
    return holes


def _with_holes(value: Any) -> Callable:
    def typed(values: np.ndarray) -> np.ndarray:
        holes = _holes(values)
        values = values.astype(object)
        values[holes] = value
        return values

    return typed


READABLE = {
    "f8": lambda v: v,
    "f4": lambda v: v.astype("f4"),
    "f2": lambda v: v.astype("f2"),
    "longdouble": lambda v: v.astype(np.longdouble),
    "i8": lambda v: v.astype("i8"),
    "u1": lambda v: v.astype("u1"),
    "big-endian": lambda v: v.astype(">f8"),
    "objects": lambda v: v.astype(object),
    "decimals": _each(lambda x: Decimal(str(x))),
    "mixed numbers": lambda v: _with_one(v, int(v[0, 0])),
    "nothing masked": lambda v: np.ma.MaskedArray(v, mask=np.zeros(v.shape, bool)),
}
# Read where values may be missing, and else refused.
MISSING = {
    "NaN": lambda v: np.where(_holes(v), np.nan, v),
    "NaN f4": lambda v: np.where(_holes(v), np.nan, v).astype("f4"),
    "None": _with_holes(None),
    "NA": _with_holes(pd.NA),
    "masked": lambda v: np.ma.MaskedArray(v, mask=_holes(v)),
    "masked i8": lambda v: np.ma.MaskedArray(v.astype("i8"), mask=_holes(v)),
}
REFUSED = {
    "inf": lambda v: np.where(np.arange(v.size).reshape(v.shape) == 0, np.inf, v),
    "complex": lambda v: v + 1j,
    "complex object": lambda v: _with_one(v, 1j),
    "dates": lambda v: DAY + v.astype("m8[D]"),
    "NaT": lambda v: np.where(v > 8, np.datetime64("NaT", "D"), DAY + v.astype("m8[D]")),
    "differences": lambda v: v.astype("m8[s]"),
    "time stamps": _each(lambda x: pd.Timestamp("2020") + pd.Timedelta(days=int(x))),
    "python dates": _each(lambda x: datetime.date(2020, 1, 1 + int(x))),
    "one date": lambda v: _with_one(v, pd.Timestamp("2020")),
    "one NaT": lambda v: _with_one(v, pd.NaT),
    "one difference": lambda v: _with_one(v, np.timedelta64(3, "s")),
    "periods": _each(lambda x: pd.Period("2020", "M") + int(x)),
    "digits": lambda v: v.astype(int).astype(str),
    "digits as objects": _each(lambda x: str(int(x))),
    "bytes": lambda v: v.astype(int).astype("S"),
    "one digit": lambda v: _with_one(v, "3"),
    "words": _each(lambda x: "abcdefghij"[int(x)]),
    "one word": lambda v: _with_one(v, "x"),
    "a dict": lambda v: _with_one(v, {"a": 1}),
    "a list": lambda v: _with_one(v, [1.0, 2.0]),
    "a set": lambda v: _with_one(v, {1}),
    "records": lambda v: v.astype([("a", "f8")]),
    "too large": lambda v: _with_one(v, 10**400),
}
# A type that does not come through a form as it is, such as masks in lists of numbers.
LOST = {"masked", "masked i8", "nothing masked"}


# --- forms: samples -> X -------------------------------------------------------------------------


def _columns(samples: list) -> dict[str, np.ndarray]:
    return {f"c{j}": object_array([s[:, j] for s in samples]) for j in range(samples[0].shape[1])}


def _stack(samples: list) -> Any:
    is_masked = any(isinstance(sample, np.ma.MaskedArray) for sample in samples)
    return np.ma.stack(samples) if is_masked else np.stack(samples)


def _rows(samples: list) -> Any:
    table = _stack(samples)
    return table.reshape(len(table), -1)


def _frame(table: Any, name: Callable[[int], Any] = int) -> pd.DataFrame:
    # Objects stay what they are: older pandas would look for dates among them.
    dtype = object if table.dtype == object else None
    columns = {name(j): table[:, j] for j in range(table.shape[1])}
    return pd.DataFrame(columns, dtype=dtype)


def _is_even(samples: list) -> np.ndarray:
    return np.arange(len(samples)) % 2 == 0


def _static_of(samples: list) -> np.ndarray:
    """What the columns of single values hold."""
    return np.column_stack([np.arange(len(samples)), _is_even(samples)]).astype(float)


def _arrow(samples: list) -> pd.DataFrame:
    import pyarrow as pa

    columns = {
        name: pa.array([c.tolist() for c in cells]) for name, cells in _columns(samples).items()
    }
    return pd.DataFrame({k: pd.array(v, dtype=pd.ArrowDtype(v.type)) for k, v in columns.items()})


RAGGED = {
    "list": list,
    "tuple": tuple,
    "object array": object_array,
    "series": lambda samples: pd.Series(object_array(samples)),
    "deque": deque,
    "user list": UserList,
    "list of lists": lambda samples: [s.tolist() for s in samples],
    "list of frames": lambda samples: [_frame(s) for s in samples],
    "list of labelled": lambda samples: [Labelled(s, ("time", "channel")) for s in samples],
    "frame of cells": lambda samples: pd.DataFrame(_columns(samples)),
    "frame of lists": lambda samples: pd.DataFrame(
        {
            name: object_array([c.tolist() for c in cells])
            for name, cells in _columns(samples).items()
        }
    ),
    "object array of cells": lambda samples: pd.DataFrame(_columns(samples)).to_numpy(),
    "frame of Arrow lists": _arrow,
    "frame with static columns": lambda samples: pd.DataFrame(
        {"age": np.arange(len(samples)), **_columns(samples), "ill": _is_even(samples)}
    ),
    "frame of lists with static columns": lambda samples: pd.DataFrame(
        {
            **{name: [c.tolist() for c in cells] for name, cells in _columns(samples).items()},
            "age": pd.array(np.arange(len(samples)), dtype="Int64"),
            "ill": _is_even(samples).astype(object),
        }
    ),
    "frame of Arrow lists with static columns": lambda samples: _arrow(samples).assign(
        age=pd.array(np.arange(len(samples)), dtype="float32[pyarrow]"), ill=_is_even(samples)
    ),
    "object array with static columns": lambda samples: pd.DataFrame(
        {"age": np.arange(len(samples)), **_columns(samples), "ill": _is_even(samples)}
    ).to_numpy(dtype=object),
    "dict values": lambda samples: dict(enumerate(samples)).values(),
}
EQUAL = {
    "3-D": _stack,
    "3-D Fortran": lambda samples: np.asfortranarray(_stack(samples)),
    "3-D labelled": lambda samples: Labelled(_stack(samples), ("case", "time", "channel")),
    "3-D labelled otherwise": lambda samples: Labelled(
        _stack(samples).transpose(2, 0, 1), ("channel", "case", "time")
    ),
    "2-D": _rows,
    "2-D list": lambda samples: _rows(samples).tolist(),
    "2-D frame": lambda samples: _frame(_rows(samples), "x{}".format),
    "2-D labelled": lambda samples: Labelled(_rows(samples), ("case", "position")),
}
# Objects that are refused whatever their values are.
STRANGE = {
    "dict": lambda samples: dict(enumerate(samples)),
    "generator": lambda samples: (sample for sample in samples),
    "map": lambda samples: map(np.asarray, samples),
    "set": lambda samples: set(range(len(samples))),
    "3-D labelled unclearly": lambda samples: Labelled(
        np.zeros((2, 3, 4)), ("case", "sensor", "time")
    ),
    "2-D by time": lambda samples: pd.DataFrame(
        np.zeros((4, 2)), pd.date_range("2020", periods=4), ["a", "b"]
    ),
    "2-D by levels": lambda samples: pd.DataFrame(
        np.zeros((4, 2)), pd.MultiIndex.from_product([["u", "v"], [0, 1]])
    ),
    "list of frames backwards": lambda samples: [
        pd.DataFrame(s, pd.date_range("2020", periods=len(s))[::-1]) for s in [np.zeros((3, 2))]
    ],
    "4-D": lambda samples: np.zeros((2, 3, 2, 2)),
    "1-D": lambda samples: np.zeros(3),
    "numbers": lambda samples: [1.0, 2.0],
    "range": lambda samples: range(4),
    "empty list": lambda samples: [],
    "empty array": lambda samples: np.zeros((0, 3)),
    "no steps": lambda samples: np.zeros((2, 0, 3)),
    "no channels": lambda samples: np.zeros((2, 3, 0)),
    "an empty sequence": lambda samples: [np.zeros((0, 2)), np.zeros((3, 2))],
    "other channels": lambda samples: [np.zeros((3, 2)), np.zeros((3, 5))],
    "text": lambda samples: "sequences",
    "texts": lambda samples: ["a text", "another"],
    "cells as text": lambda samples: pd.DataFrame({"a": ["[1.0, 2.0]", "[3.0]"]}),
    "None": lambda samples: None,
    "a number": lambda samples: 3.0,
    "a type": lambda samples: list,
    "nothing but None": lambda samples: [None, None],
    "item that is None": lambda samples: [np.zeros((3, 2)), None],
    "uneven nesting": lambda samples: [[[1.0], [2.0, 3.0]], [[1.0]]],
    "uneven cells": lambda samples: pd.DataFrame({"a": [[1.0], [1.0, 2.0]], "b": [[1.0], [1.0]]}),
}


def random_case(rng: np.random.Generator) -> Case:
    """Draw an X; a list is as likely as an array, and a type that is read as one that is not."""
    n_channels, n_samples = int(rng.integers(1, 4)), int(rng.integers(1, 6))
    if rng.random() < 0.1:
        name = str(rng.choice(list(STRANGE)))
        return Case(name, STRANGE[name]([np.zeros((3, n_channels))]), None)
    forms = EQUAL if rng.random() < 0.4 else RAGGED
    form = str(rng.choice(list(forms)))
    lengths = rng.integers(2, 7, n_samples)
    if forms is EQUAL or rng.random() < 0.2:
        lengths[:] = lengths[0]
    samples = [rng.integers(0, 10, (length, n_channels)).astype(float) for length in lengths]
    draw = rng.random()
    kinds = READABLE if draw < 0.4 else MISSING if draw < 0.7 else REFUSED
    kind = str(rng.choice([kind for kind in kinds if not _is_lost(form, kind)]))
    typed = [kinds[kind](sample) for sample in samples]
    is_padded = form == "3-D" and kind in ("f8", "NaN") and rng.random() < 0.5
    X = padded(typed, int(rng.integers(1, 3))) if is_padded else forms[form](typed)
    static = _static_of(samples) if "static" in form else None
    if kinds is MISSING:
        samples = [np.where(_holes(sample), np.nan, sample) for sample in samples]
    return Case(f"{form}, {kind}", X, None if kinds is REFUSED else samples, static)


def _is_lost(form: str, kind: str) -> bool:
    """Whether the form cannot hold values of the type, or makes another of it."""
    # pyarrow makes its own numbers of all that are numbers, and refuses what it cannot hold.
    arrow = {"f2", "longdouble", "big-endian", "a dict", "a list", "a set", "records", "complex"}
    arrow |= {"complex object", "one word", "one digit", "one date", "one NaT", "too large"}
    arrow |= {"one difference", "periods", "mixed numbers", "NA", "bytes"}
    if form.startswith("frame of Arrow lists"):
        return kind in arrow or kind in LOST
    # A table with a column of lists beside numbers has static features.
    if kind == "a list" and form in ("2-D", "2-D frame", "2-D labelled"):
        return True
    if kind in LOST:
        return form not in ("list", "tuple", "object array", "series", "deque", "3-D", "2-D")
    return kind == "records" and form not in ("list", "tuple", "3-D", "2-D", "object array")


# --- errors --------------------------------------------------------------------------------------


def is_written(error: BaseException) -> bool:
    """Whether skrnn or scikit-learn raised the error by a statement, and not what they called."""
    traceback = error.__traceback__
    assert traceback is not None
    while traceback.tb_next is not None:
        traceback = traceback.tb_next
    file = traceback.tb_frame.f_code.co_filename
    return file.startswith(OWNERS) and traceback.tb_lineno in _lines_that_raise(file)


@cache
def _lines_that_raise(file: str) -> frozenset[int]:
    tree = ast.parse(Path(file).read_text(encoding="utf-8"))
    spans = [
        range(node.lineno, (node.end_lineno or node.lineno) + 1)
        for node in ast.walk(tree)
        if isinstance(node, ast.Raise)
    ]
    return frozenset(line for span in spans for line in span)
