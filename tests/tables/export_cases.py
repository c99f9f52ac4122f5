"""Networks with static features, with gaps, and with several raw numbers a target."""

from __future__ import annotations

from itertools import cycle, product

import numpy as np
import onnx_cases
import pandas as pd

from skrnn import RNNClassifier, RNNRegressor

LENGTHS = onnx_cases.LENGTHS
STATIC = np.random.default_rng(5).normal(size=(len(LENGTHS), 2)).astype(np.float32)
SETTINGS = onnx_cases.QUICK
# How a network without learnt gaps, and one with them, take missing values.
GAPS = {"unlearnt": (), "learnt": (0, 2), "all learnt": (0, 1, 2)}
HEADS = {
    "quantiles": {"loss": "quantile", "quantile": (0.9, 0.1, 0.5, 0.3)},
    "upper quantiles": {"loss": "quantile", "quantile": (0.6, 0.9)},
    "one quantile": {"loss": "quantile", "quantile": (0.8,)},
    "gaussian": {"loss": "gaussian"},
    "negative binomial": {"loss": "negative_binomial"},
}
TARGETS = {
    "number": np.arange(len(LENGTHS)) % 3 * 10.0 + 500,
    "numbers": np.stack([np.arange(len(LENGTHS)) % 3, 7.0 - np.arange(len(LENGTHS)) % 4], axis=1),
    "column": np.arange(len(LENGTHS))[:, None] % 3 * 2.0,
    "with a constant": np.stack([np.arange(len(LENGTHS)) % 3, np.full(len(LENGTHS), 4)], axis=1),
}


def gappy(columns, dtype=np.float32, seed=0):
    """A ragged list of sequences with missing values in some columns, at starts and ends too."""
    rng, X = np.random.default_rng(seed), onnx_cases.sequences(dtype, seed=seed)
    for x in X:
        for column in columns:
            x[rng.uniform(size=len(x)) < 0.5, column] = np.nan
    # All missing at a step inside, at the first step, and in the whole sequence but another column.
    X[0][[0, 3]] = np.where(np.isin(np.arange(3), columns), np.nan, X[0][[0, 3]])
    X[4][:, list(columns)[:1]] = np.nan
    return X


def table(X, static=STATIC):
    """The same with static columns beside those of sequences, one of them in front."""
    frame = {"s0": static[:, 0]}
    frame |= {f"x{j}": [x[:, j] for x in X] for j in range(X[0].shape[1])}
    return pd.DataFrame(frame | {"s1": static[:, 1]})


def per_step(y):
    """The same target at every step, moved a little from step to step."""
    return [np.repeat(y[i : i + 1], n, axis=0) for i, n in enumerate(LENGTHS)]


def static_cases():
    """Static features at the read-out and as channels, with all that is below and above."""
    found, below = {}, cycle(onnx_cases.BELOW)
    cells, kinds = cycle(onnx_cases.CELLS[:3]), cycle(("several", "two", "number"))
    for where, readout, both in product(
        ("readout", "channels"), ("last", ("attention", "mean"), None), (False, True)
    ):
        parameters = dict(next(below)) | {"static": where, "bidirectional": both}
        parameters |= {"cell": next(cells)}
        if readout is None:
            parameters.pop("frame_shift", None)
            parameters |= {"return_sequences": True}
        else:
            parameters |= {"readout": readout}
        kind = next(kinds)
        found[f"{kind}-{onnx_cases.name_of(parameters)}"] = kind, parameters
    return found


def gap_cases():
    """Every way to take missing values, with all that is below and above."""
    found, below, cells = {}, cycle(onnx_cases.BELOW), cycle(onnx_cases.CELLS[:3])
    for gaps, readout, both in product(GAPS, ("last", "mean", None), (False, True)):
        parameters = dict(next(below)) | {"cell": next(cells), "bidirectional": both}
        if readout is None:
            parameters.pop("frame_shift", None)
            parameters |= {"return_sequences": True}
        else:
            parameters |= {"readout": readout}
        found[f"{gaps}-{onnx_cases.name_of(parameters)}"] = gaps, parameters
    return found


def head_cases():
    """Every loss of several raw numbers, for every form of targets, every other at every step."""
    found, bothways = {}, cycle((False, True))
    for (i, head), (j, kind) in product(enumerate(HEADS), enumerate(TARGETS)):
        steps = (i + j) % 2 == 1 and kind != "column"
        parameters = HEADS[head] | {"bidirectional": next(bothways)}
        parameters |= {"return_sequences": True} if steps else {"readout": "mean"}
        found[f"{head}-{kind}{'-steps' if steps else ''}"] = kind, parameters
    return found


STATIC_CASES, GAP_CASES, HEAD_CASES = static_cases(), gap_cases(), head_cases()


def fitted_static(kind, parameters, dtype=np.float32):
    """A fitted estimator with static features, and its table."""
    X = table(onnx_cases.sequences(dtype), STATIC.astype(dtype))
    y = onnx_cases.targets(kind)
    y = per_step(y) if parameters.get("return_sequences") else y
    return onnx_cases.estimator(kind, **SETTINGS | parameters).fit(X, y), X


def fitted_gaps(gaps, parameters, dtype=np.float32):
    """A fitted estimator that has learnt these gaps."""
    y = onnx_cases.targets("several")
    y = per_step(y) if parameters.get("return_sequences") else y
    X = gappy(GAPS[gaps], dtype, seed=3)
    return RNNClassifier(**SETTINGS | parameters).fit(X, y)


def fitted_head(kind, parameters, dtype=np.float32):
    """A fitted regressor with several raw numbers a target, and its sequences."""
    X, y = onnx_cases.sequences(dtype), TARGETS[kind]
    y = per_step(y) if parameters.get("return_sequences") else y
    return RNNRegressor(4, **SETTINGS | parameters).fit(X, y), X


def rows(answers):
    """Answers for all sequences or steps, one row after the other."""
    if isinstance(answers, np.ndarray) and answers.dtype != object:
        return answers
    return np.concatenate([np.asarray(each) for each in answers])


def real_rows(answers, steps):
    """The same of padded answers."""
    if not steps:
        return answers
    return np.concatenate([row[:n] for row, n in zip(answers, LENGTHS, strict=True)])
