"""Networks that other libraries have layers for."""

from __future__ import annotations

from itertools import cycle, product

import numpy as np
import onnx_cases

CELLS = (("rnn", "tanh"), ("rnn", "relu"), ("lstm", "tanh"), ("gru", "tanh"))
READOUTS = (*onnx_cases.READOUTS, None)
KINDS = ("several", "two", "multilabel", "number", "numbers", "counts")
TOLERANCES = {np.float32: 1e-6, np.float64: 1e-12}


def torch_cases():
    """All pairs of cell and read-out in both directions, with the rest in turn."""
    kinds, below, sizes, dtypes = map(
        cycle, (KINDS, onnx_cases.BELOW, onnx_cases.SIZES, (np.float32, np.float64))
    )
    found = {}
    for (cell, activation), readout, both in product(CELLS, READOUTS, (False, True)):
        kind, dtype, parameters = next(kinds), next(dtypes), dict(next(below))
        if readout is None:
            parameters |= {"return_sequences": True}
            parameters.pop("frame_shift", None)
        else:
            parameters |= {"readout": readout}
        parameters |= {"cell": cell, "activation": activation, "bidirectional": both}
        parameters |= {"hidden_layer_sizes": next(sizes)}
        name = f"{kind}-{dtype.__name__}-{onnx_cases.name_of(parameters)}"
        found[name] = kind, dtype, parameters
    return found


def fitted(kind, dtype, parameters):
    """A fitted estimator and its sequences."""
    X, y = onnx_cases.sequences(dtype), onnx_cases.targets(kind)
    if parameters.get("return_sequences"):
        y = [np.repeat(y[i : i + 1], len(x), axis=0) for i, x in enumerate(X)]
    return onnx_cases.estimator(kind, **parameters).fit(X, y), X


def raw(est, X):
    """What leaves the network, one row after the other; numbers on the target's scale."""
    method = getattr(est, "decision_function", est.predict)
    rows = method(X)
    if rows.dtype == object:
        rows = np.concatenate(list(rows))
    return rows.reshape(len(rows), -1)


TORCH_CASES = torch_cases()
