"""The same sequences in every form that skrnn reads."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from ragged_forms import object_array, padded
from sklearn.utils.estimator_checks import _NotAnArray

LENGTHS = [3, 1, 4, 4, 2]


def make_samples(lengths, n_channels=2, dtype=np.float64):
    rng = np.random.default_rng(0)
    return [rng.normal(size=(length, n_channels)).astype(dtype) for length in lengths]


def frame_of_cells(samples, cell=np.asarray, index=None):
    columns = {f"c{j}": [cell(s[:, j]) for s in samples] for j in range(samples[0].shape[1])}
    return pd.DataFrame({k: object_array(v) for k, v in columns.items()}, index=index)


def arrow_frame(samples):
    pa = pytest.importorskip("pyarrow")
    dtype = pd.ArrowDtype(pa.list_(pa.from_numpy_dtype(samples[0].dtype)))
    return frame_of_cells(samples).astype(dtype)


RAGGED_FORMS = {
    "list": list,
    "tuple": tuple,
    "object array": object_array,
    "series": lambda samples: pd.Series(object_array(samples), index=list("vwxyz")),
    "list of lists": lambda samples: [s.tolist() for s in samples],
    "list of frames": lambda samples: [pd.DataFrame(s, columns=["a", "b"]) for s in samples],
    "list of nullable frames": lambda samples: [pd.DataFrame(s, dtype="Float64") for s in samples],
    "list of array-likes": lambda samples: [_NotAnArray(s) for s in samples],
    "padded 3-D": padded,
    "frame of arrays": frame_of_cells,
    "frame of lists": lambda samples: frame_of_cells(samples, cell=list),
    "frame of series": lambda samples: frame_of_cells(samples, cell=pd.Series),
    "object array of cells": lambda samples: frame_of_cells(samples).to_numpy(),
    "frame of Arrow lists": arrow_frame,
    "sliced frame of Arrow lists": lambda samples: arrow_frame([samples[0], *samples]).iloc[1:],
}
EQUAL_FORMS = {
    "3-D": np.stack,
    "3-D Fortran order": lambda samples: np.asfortranarray(np.stack(samples)),
    "3-D nested lists": lambda samples: np.stack(samples).tolist(),
    "3-D array-like": lambda samples: _NotAnArray(np.stack(samples)),
    "2-D": lambda samples: np.stack([s.ravel() for s in samples]),
    "2-D list of lists": lambda samples: [s.ravel().tolist() for s in samples],
    "2-D list of arrays": lambda samples: [s.ravel() for s in samples],
    "2-D object array": lambda samples: np.stack([s.ravel() for s in samples]).astype(object),
    "2-D frame": lambda samples: pd.DataFrame(np.stack([s.ravel() for s in samples])),
    "2-D array-like": lambda samples: _NotAnArray(np.stack([s.ravel() for s in samples])),
}
