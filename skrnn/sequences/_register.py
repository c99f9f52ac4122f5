"""The X that an estimator receives: its features are kept in `fit` and compared ever after.

Nothing else in this package sets an attribute of an estimator or looks at one.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import validate_data

from skrnn._dispatch import numpy_only
from skrnn._shown import python_value
from skrnn.sequences._forms import Expected, Form, Request, count_channels
from skrnn.sequences._read import FLOATS, open_form
from skrnn.sequences._scaled import check_scaled_channels
from skrnn.sequences._sequences import Sequences


def read_sequences(
    estimator: Any,
    X: Any,
    *,
    reset: bool,
    n_channels: int | None = None,
    dtype: Any = FLOATS,
    static: bool = True,
    allow_nan: bool = False,
) -> Sequences:
    """Validate the `X` that an estimator receives, whatever its form.

    The counterpart of ``sklearn.utils.validation.validate_data`` for sequences.

    Parameters
    ----------
    estimator : estimator instance
        It gets the attributes `n_channels_in_`, `n_static_in_`, of a 2-D `X` also
        `n_features_in_`, and, if the features have names that are all strings,
        `feature_names_in_` (``reset=True``), or `X` is compared with them (``reset=False``). The
        features are the channels and the static features, or the columns of a 2-D `X`.
    X : array-like, DataFrame, list or tuple
        Sequences, in any form that :func:`as_sequences` reads.
    reset : bool
        True in `fit`, False wherever a fitted estimator receives data. If `X` is refused, or
        with False, the estimator stays as it is.
    n_channels : int, default=None
        Columns per time step of a 2-D `X`. None takes the estimator's parameter of that name as
        it was in `fit`, or 1 if it has none.
    dtype : dtype or sequence of dtype, default=(np.float64, np.float32)
        Accepted dtypes, of float32 and float64; values of any other dtype are converted to the
        first.
    static : bool, default=True
        Whether columns of single values beside columns of sequences are read, as numbers. False
        leaves them to the caller, whatever they hold.
    allow_nan : bool, default=False
        Whether values may be missing, as in :func:`as_sequences`.

    Returns
    -------
    Sequences
        The real time steps, the lengths of the sequences and the names of their channels; the
        names seen in `fit` where `X` has none. The static features, if there are any.

    Raises
    ------
    ValueError
        If :func:`as_sequences` refuses `X`, or `X` does not have the features seen in `fit`.
    TypeError
        If `X` is a sparse matrix or holds objects that are not numbers, or only some of the names
        are strings.
    sklearn.exceptions.NotFittedError
        If `reset` is False and the estimator has not read sequences yet.

    See Also
    --------
    as_sequences : The same without an estimator.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.base import BaseEstimator, TransformerMixin
    >>> from skrnn.sequences import read_sequences
    >>> class LastStep(TransformerMixin, BaseEstimator):
    ...     def fit(self, X, y=None):
    ...         read_sequences(self, X, reset=True)
    ...         return self
    ...
    ...     def transform(self, X):
    ...         sequences = read_sequences(self, X, reset=False)
    ...         return np.stack([sequences.rows(i)[-1] for i in range(sequences.n_samples)])
    >>> LastStep().fit_transform([[[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0]]])
    array([[3., 4.],
           [5., 6.]])
    """
    if n_channels is None:
        n_channels = _columns_per_step(estimator, reset)
    check_scaled_channels(X, n_channels)
    with numpy_only():
        request = Request.of(n_channels, dtype, _expected(estimator, reset))
        if not reset:
            _refuse_row(estimator, X)
        form = open_form(X, request._replace(static=static, allow_nan=allow_nan))
        if not reset:
            checks = [_check_features, _check_static]
            # Names come first where there are any to compare.
            for check in checks if _are_named(estimator, form) else reversed(checks):
                check(estimator, form)
            return _with_names(form.sequences(), estimator)
        sequences = form.sequences()
    validate_data(estimator, form.header, reset=True, skip_check_array=True)
    if sequences.kind != "2d":
        # scikit-learn counts the columns of a table, and what it is used with tries an estimator
        # that has this attribute on a table of so many columns.
        del estimator.n_features_in_
    estimator.n_channels_in_ = sequences.n_channels
    estimator.n_static_in_ = sum(form.static)
    estimator._X_kind = sequences.kind
    estimator._X_static = form.static
    return sequences


def _columns_per_step(estimator: Any, reset: bool) -> int:
    """Return what the parameter says or, after a fit on a 2-D `X`, what it said then."""
    if not reset and getattr(estimator, "_X_kind", None) == "2d":
        return estimator.n_channels_in_
    return getattr(estimator, "n_channels", 1)


def _expected(estimator: Any, reset: bool) -> Expected:
    name = type(estimator).__name__
    if reset:
        return Expected(name)
    if not hasattr(estimator, "_X_kind"):
        raise NotFittedError(f"This {name} has not seen any sequences yet. Call fit first.")
    return Expected(name, estimator._X_kind, estimator.n_channels_in_)


def _refuse_row(estimator: Any, X: Any) -> None:
    """Raise an error if `X` is one row of a frame of sequences, whose cells would be sequences."""
    if not isinstance(X, pd.Series) or not hasattr(estimator, "feature_names_in_"):
        return
    names = list(estimator.feature_names_in_)
    if estimator._X_kind == "nested" and len(names) > 1 and X.index.tolist() == names:
        raise ValueError(
            f"X is a Series whose index has the channels {names}: one row of a DataFrame, of which "
            "each cell would be read as a sequence of one channel. Pass the row as a frame, "
            "X.iloc[[0]] in place of X.iloc[0]."
        )


def _check_features(estimator: Any, form: Form) -> None:
    """Compare the features of `form` with those that the estimator was fitted on.

    Names and the errors about them are scikit-learn's own. Only a wrong number of channels has a
    message here, because scikit-learn would speak of features.
    """
    named = isinstance(form.header, pd.DataFrame) and hasattr(estimator, "feature_names_in_")
    has_columns, had_columns = form.kind == "2d", estimator._X_kind == "2d"
    if not has_columns and (had_columns or not named):
        found, fitted = form.n_channels, estimator.n_channels_in_
        if found != fitted:
            raise ValueError(
                f"X has {count_channels(found)} per time step, but {type(estimator).__name__} was "
                f"fitted with {fitted}.{form.hint}"
            )
    # Names of columns, which are channels at one time step, say nothing about channels.
    if has_columns or not had_columns:
        _compare_with_fit(estimator, form)


def _are_named(estimator: Any, form: Form) -> bool:
    names = form.header.columns if isinstance(form.header, pd.DataFrame) else [None]
    return hasattr(estimator, "feature_names_in_") and all(isinstance(n, str) for n in names)


def _static_in_fit(estimator: Any) -> tuple[bool, ...]:
    """Which features were static in `fit`; none for what an older release has fitted."""
    return getattr(estimator, "_X_static", ())


def _check_static(estimator: Any, form: Form) -> None:
    """Raise an error unless the features that are static are those that were in `fit`."""
    fitted, found = _static_in_fit(estimator), form.static
    if fitted == found or not (any(fitted) or any(found)):
        return
    reader = type(estimator).__name__
    names = list(getattr(estimator, "feature_names_in_", range(len(fitted))))
    if len(fitted) == len(found):
        j = int(np.argmax(np.not_equal(fitted, found)))
        what = ("sequences", "single values")
        raise ValueError(
            f"X has {what[found[j]]} in column {python_value(names[j])!r}, but {reader} was fitted "
            f"on {what[fitted[j]]} there."
        )
    if any(fitted):
        static = [python_value(name) for name, one in zip(names, fitted, strict=True) if one]
        raise ValueError(
            f"{reader} was fitted with the static columns {static} beside columns of sequences, "
            f"and X has none of them. Pass a DataFrame with the columns {names}."
        )
    raise ValueError(
        f"X has {sum(found)} columns of single values beside columns of sequences, but {reader} "
        "was fitted without any. Drop them."
    )


def _compare_with_fit(estimator: Any, form: Form) -> None:
    """Raise scikit-learn's errors about features; about columns of a 2-D X with the remedy."""
    if _has_features_of_fit(estimator, form.header):
        return
    try:
        validate_data(estimator, form.header, reset=False, skip_check_array=True)
    except ValueError as error:
        if form.kind != "2d" or "is expecting" not in str(error):
            raise
        raise ValueError(
            f"{error}. A 2-D X has as many columns as in fit; sequences of another length go in "
            "as a 3-D array, such as X.reshape(len(X), -1, n_channels), or as a list of arrays."
        ) from error


def _has_features_of_fit(estimator: Any, header: Any) -> bool:
    """Tell whether scikit-learn's comparison would find nothing: for one row it takes a while."""
    names = getattr(estimator, "feature_names_in_", None)
    if type(header) is np.ndarray:
        n_features = getattr(estimator, "n_features_in_", header.shape[1])
        return names is None and header.shape[1] == n_features
    if names is None or not isinstance(header, pd.DataFrame):
        return False
    return header.columns.tolist() == names.tolist()


def _with_names(sequences: Sequences, estimator: Any) -> Sequences:
    """Give channels without names those that they had in `fit`."""
    had_names = estimator._X_kind != "2d" and hasattr(estimator, "feature_names_in_")
    if sequences.channels is not None or not had_names:
        return sequences
    names = np.asarray(estimator.feature_names_in_)
    if any(_static_in_fit(estimator)):
        names = names[~np.array(_static_in_fit(estimator))]
    return replace(sequences, channels=names.tolist())
