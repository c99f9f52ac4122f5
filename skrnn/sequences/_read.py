"""Read sequences in any accepted form: find out which form an X has, and have it read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from skrnn._dispatch import numpy_only
from skrnn.sequences._cells import (
    first_is_sequence,
    has_sequence_cells,
    has_sequences,
    is_table,
    refuse_cells_of_others,
)
from skrnn.sequences._checks import all_finite
from skrnn.sequences._containers import channel_names, in_order, is_labelled, plain
from skrnn.sequences._forms import (
    Array,
    Expected,
    Form,
    Nested,
    Ragged,
    Request,
    Rows,
    SharedRows,
)
from skrnn.sequences._sequences import Sequences
from skrnn.sequences._windows import Windows, as_windows

FLOATS = (np.float64, np.float32)
FORMS: dict[str, Callable[[Any, Request], Form]] = {
    form.kind: form for form in (Rows, Array, Ragged, Nested)
}


def as_sequences(
    X: Any, *, n_channels: int = 1, dtype: Any = FLOATS, allow_nan: bool = False
) -> Sequences:
    """Validate `X`, whatever its form, and return it as :class:`Sequences`.

    Parameters
    ----------
    X : array-like, DataFrame, list or tuple
        One of

        - a 2-D array or DataFrame: a row is a sequence, time-major, with `n_channels` columns
          per time step;
        - a 3-D array of shape (n_samples, n_timesteps, n_channels), where trailing steps that
          are NaN in every channel are padding;
        - :class:`~skrnn.preprocessing.Windows`, or a 3-D array whose samples overlap in memory:
          read without a copy;
        - a list, tuple or other collection with an order, a Series or 1-D object array of
          (n_timesteps, n_channels) arrays or DataFrames; a 1-D item is read as a row of the 2-D
          form;
        - a DataFrame whose cells are sequences: columns are channels. Columns of numbers or
          booleans beside them are static features.

        A table of another library with lists in its cells, such as one of polars or pyarrow or a
        data set of Hugging Face, is read as that DataFrame, a column of lists as such a Series.
        What is masked in a masked array is NaN. The axes of an array whose dimensions have names,
        as xarray's, are those that the names say.
    n_channels : int, default=1
        Columns per time step of the 2-D form.
    dtype : dtype or sequence of dtype, default=(np.float64, np.float32)
        Accepted dtypes, of float32 and float64; values of any other dtype are converted to the
        first.
    allow_nan : bool, default=False
        Whether values may be missing: NaN, or None in lists and object arrays, anywhere but in
        the trailing steps that are padding.

    Returns
    -------
    Sequences
        The real time steps, the lengths of the sequences, the names of their channels, and the
        static features, if there are any.

    Raises
    ------
    ValueError
        If `X` is empty, not numeric (dates, time differences and strings of digits are no
        numbers), not finite, or in none of these forms; or if its index, or the names of its
        dimensions, say that its axes are others.
    TypeError
        If `X` is a sparse matrix, a mapping, an iterator or a set, or holds objects that are not
        numbers.

    See Also
    --------
    read_sequences : The same inside an estimator.

    Examples
    --------
    >>> import numpy as np
    >>> from skrnn.sequences import as_sequences
    >>> sequences = as_sequences([np.zeros((2, 3)), np.ones((5, 3))])
    >>> sequences.lengths, sequences.n_channels, sequences.kind
    (array([2, 5]), 3, 'ragged')
    """
    with numpy_only():
        request = Request.of(n_channels, dtype, Expected())._replace(allow_nan=allow_nan)
        return open_form(X, request).sequences()


def open_form(X: Any, request: Request) -> Form:
    """Return `X` in its form, with the channels found and the values not read yet."""
    if is_labelled(X):
        X = in_order(X, "X", time_axis=1)
    request = request._replace(channels=channel_names(X))
    X = plain(X)
    windows = as_windows(X)
    # A NaN in an array, even one of overlapping windows, may be padding.
    if windows is not None and (isinstance(X, Windows) or all_finite(windows.table)):
        return SharedRows(windows, request)
    return FORMS[_kind(X, request.expected)](X, request)


def _kind(X: Any, expected: Expected) -> str:
    """The form of `X`; anything that is not a sequence goes the 2-D way to sklearn's errors."""
    if isinstance(X, pd.DataFrame):
        return "nested" if has_sequence_cells(X) else "2d"
    if isinstance(X, pd.Series):
        return "ragged" if has_sequence_cells(X.to_frame()) else "2d"
    if isinstance(X, np.ndarray) and X.dtype == object and X.ndim in (1, 2):
        holds = has_sequences(X)
        return ("ragged", "nested")[X.ndim - 1] if holds else "2d"
    if isinstance(X, (list, tuple)):
        return _kind_of_list(X, expected)
    if not hasattr(X, "ndim") and hasattr(X, "__array__"):
        array = np.asarray(X)
        refuse_cells_of_others(X, array)
        X = array
    return "3d" if getattr(X, "ndim", 2) > 2 else "2d"


def _kind_of_list(X: Sequence, expected: Expected) -> str:
    """Lists of numbers of equal length are 2-D as numpy reads them, unless fitted otherwise."""
    if not first_is_sequence(X):
        return "2d"
    if is_table(X) and expected.kind in (None, "2d"):
        return "2d"
    return "ragged"
