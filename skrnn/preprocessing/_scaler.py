"""Scale every channel of sequences over all time steps."""

from __future__ import annotations

from numbers import Integral
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin, _fit_context
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import (
    _check_feature_names_in,
    _check_sample_weight,
    check_is_fitted,
)

from skrnn._dispatch import numpy_only
from skrnn._pickling import VersionedPickleMixin
from skrnn.preprocessing._output import SequenceOutputMixin
from skrnn.preprocessing._statistics import STATISTICS, blocks, update_rows
from skrnn.sequences import (
    Sequences,
    as_step_weights,
    has_step_weights,
    map_steps,
    read_sequences,
)


def _can_be_incremental(scaler: SequenceScaler) -> bool:
    if scaler.method == "robust":
        raise AttributeError(
            "SequenceScaler(method='robust') has no partial_fit: quantiles cannot be updated. "
            "Use fit on all sequences, or method='standard' or 'minmax'."
        )
    return True


class SequenceScaler(
    SequenceOutputMixin,
    OneToOneFeatureMixin,
    TransformerMixin,
    VersionedPickleMixin,
    BaseEstimator,
    auto_wrap_output_keys=None,  # type: ignore[call-arg]
):
    """Scale every channel over all time steps of all sequences.

    A channel `x` becomes ``(x - center_) / scale_``. Both are computed over all real time steps:
    padding does not count, and a long sequence weighs more than a short one. Every form of `X`
    comes back in the same form.

    Parameters
    ----------
    method : {"standard", "minmax", "robust"}, default="standard"
        The statistics that `center_` and `scale_` hold:

        - ``"standard"``: mean and standard deviation;
        - ``"minmax"``: minimum and range, so that a channel lies in [0, 1];
        - ``"robust"``: median and distance between the quartiles, which outliers do not move.

    with_centering : bool, default=True
        Whether to subtract `center_`.

    with_scaling : bool, default=True
        Whether to divide by `scale_`.

    n_channels : int, default=1
        Columns per time step of a 2D `X`, >= 1: a row of ``n_timesteps * n_channels`` columns
        is a sequence, time-major. Other forms of `X` have an axis of channels.

    Attributes
    ----------
    center_ : ndarray of shape (n_channels,)
        Mean, minimum or median of every channel over the time steps seen.

    scale_ : ndarray of shape (n_channels,)
        Standard deviation, range or distance between the quartiles of every channel; 1 for a
        channel that is constant up to rounding.

    mean_, var_ : ndarray of shape (n_channels,)
        Mean and variance; only if ``method="standard"``.

    data_min_, data_max_ : ndarray of shape (n_channels,)
        Smallest and largest value; only if ``method="minmax"``.

    n_steps_seen_ : int or float
        Number of time steps seen, padding excluded; with sample weights, the sum of the weights
        of the time steps.

    n_channels_in_ : int
        Number of channels seen in `fit`.

    n_features_in_ : int
        Number of columns of `X`; only if it is 2D.

    feature_names_in_ : ndarray of shape (n_features,)
        Names of columns or channels; only if `X` has names that are all strings.

    See Also
    --------
    sklearn.preprocessing.StandardScaler : Scales every column of a 2D `X`, so every time step
        by itself.
    from_long : Gathers sequences from a long table.

    Notes
    -----
    Mean and variance are computed in float64 and merged over blocks of time steps, and over calls
    of `partial_fit`, without cancellation [1]_. Quantiles are those of the weighted empirical
    distribution, averaged where it is flat [2]_, so that a weight of two equals two sequences.
    float32 sequences come back as float32, everything else as float64. The output has the form
    of the input; `set_output` asks for DataFrames where there can be any.

    References
    ----------
    .. [1] T. F. Chan, G. H. Golub, R. J. LeVeque, "Algorithms for computing the sample variance:
       analysis and recommendations", The American Statistician 37 (1983) 242-247.
    .. [2] R. J. Hyndman, Y. Fan, "Sample quantiles in statistical packages", The American
       Statistician 50 (1996) 361-365, definition 2.

    Examples
    --------
    >>> import numpy as np
    >>> from skrnn.preprocessing import SequenceScaler
    >>> X = [np.array([[0.0, 10.0], [2.0, 10.0]]), np.array([[4.0, 10.0]])]
    >>> scaler = SequenceScaler().fit(X)
    >>> scaler.mean_, scaler.n_steps_seen_
    (array([ 2., 10.]), 3)
    >>> scaler.transform(X)
    [array([[-1.22474487,  0.        ],
           [ 0.        ,  0.        ]]), array([[1.22474487, 0.        ]])]
    >>> SequenceScaler("minmax").fit_transform(X)
    [array([[0. , 0. ],
           [0.5, 0. ]]), array([[1., 0.]])]
    """

    _parameter_constraints: ClassVar[dict] = {
        "method": [StrOptions(set(STATISTICS))],
        "with_centering": ["boolean"],
        "with_scaling": ["boolean"],
        "n_channels": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(self, method="standard", *, with_centering=True, with_scaling=True, n_channels=1):
        self.method = method
        self.with_centering = with_centering
        self.with_scaling = with_scaling
        self.n_channels = n_channels

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None, sample_weight=None):
        """Compute center and scale of every channel.

        Parameters
        ----------
        X : array-like, DataFrame, list, tuple or Windows
            Sequences, in any form that the estimators accept.

        y : object, default=None
            Not used; present for pipelines.

        sample_weight : {array-like of shape (n_samples,), array-like of shape (n_samples, \
n_timesteps), list of array-like, DataFrame}, default=None
            Weight of every time step, or of every sequence, which each of its time steps
            receives; >= 0 and not all zero. Of a 2-D table, one of every row.

        Returns
        -------
        SequenceScaler
            The fitted scaler.
        """
        return self._all_or_nothing(None, X, sample_weight)

    @available_if(_can_be_incremental)
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y=None, sample_weight=None):
        """Update center and scale of every channel with further sequences.

        Not available with ``method="robust"``.

        Parameters
        ----------
        X : array-like, DataFrame, list, tuple or Windows
            Sequences, in any form that the estimators accept.

        y : object, default=None
            Not used; present for pipelines.

        sample_weight : {array-like of shape (n_samples,), array-like of shape (n_samples, \
n_timesteps), list of array-like, DataFrame}, default=None
            Weight of every time step, or of every sequence, which each of its time steps
            receives; >= 0 and not all zero. Of a 2-D table, one of every row.

        Returns
        -------
        SequenceScaler
            The fitted scaler.
        """
        return self._all_or_nothing(getattr(self, "_statistics", None), X, sample_weight)

    def _all_or_nothing(self, seen, X, sample_weight) -> SequenceScaler:
        """Learn from sequences; if they are refused, stay as before."""
        before = dict(vars(self))
        try:
            return self._update(seen, X, sample_weight)
        except BaseException:
            self.__dict__ = before
            raise

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Return the names of the channels, or of the columns of a 2-D `X`.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names; those seen in `fit` have to be the same. None takes these, or "x0", "x1", ...

        Returns
        -------
        ndarray of str
        """
        check_is_fitted(self, "scale_")
        if hasattr(self, "n_features_in_"):
            return super().get_feature_names_out(input_features)
        # Of sequences, which have channels, scikit-learn knows no number of features.
        if input_features is None and not hasattr(self, "feature_names_in_"):
            input_features = [f"x{channel}" for channel in range(self.n_channels_in_)]
        names = _check_feature_names_in(self, input_features)
        if len(names) != self.n_channels_in_:
            raise ValueError(
                "input_features should have length equal to number of features "
                f"({self.n_channels_in_}), got {len(names)}"
            )
        return names

    def _update(self, seen, X, sample_weight) -> SequenceScaler:
        """Learn from sequences, and from what was seen before unless that is None."""
        kind = STATISTICS[self.method]
        if not isinstance(seen, kind | None):
            raise ValueError(
                f"partial_fit with method={self.method!r} cannot go on from what another method "
                "has seen. Call fit."
            )
        sequences = read_sequences(self, X, reset=seen is None)
        with numpy_only():
            weight = _weight_of_rows(sequences, sample_weight)
        with np.errstate(over="ignore", invalid="ignore"):
            statistics = kind.of(sequences.table, weight)
            if seen is not None:
                statistics = seen.merge(statistics)
            center, spread = statistics.center, statistics.spread
        if not (np.isfinite(center).all() and np.isfinite(spread).all()):
            raise ValueError(
                "The spread of a channel overflows: its numbers are too large for float64 "
                "statistics. Divide X by a constant first, or leave the channel out."
            )
        self._forget()
        self._statistics = statistics
        for attribute, field in kind.attributes.items():
            setattr(self, attribute, getattr(statistics, field))
        self.n_steps_seen_ = statistics.n
        self.center_ = center
        # A spread within the rounding of the values is noise that must not be blown up to 1.
        constant = spread <= 10 * np.finfo(np.float64).eps * np.abs(center)
        self.scale_ = np.where(constant, 1.0, spread)
        return self

    def _forget(self) -> None:
        """Delete the attributes of a method, which may be another one now."""
        for statistics in STATISTICS.values():
            for attribute in statistics.attributes:
                if hasattr(self, attribute):
                    delattr(self, attribute)

    def transform(self, X):
        """Scale sequences.

        Parameters
        ----------
        X : array-like, DataFrame, list, tuple or Windows
            Sequences with the channels seen in `fit`.

        Returns
        -------
        ndarray, DataFrame, Series, list, tuple or Windows
            The scaled sequences in the form of `X`: frames keep index and columns, a padded 3D
            array its padding. Columns of Arrow lists come back as such; other cells of a
            DataFrame as ndarrays, lists of numbers too.
        """
        steps: list[tuple[Any, str]] = []
        if self.with_centering:
            steps.append((np.subtract, "center_"))
        if self.with_scaling:
            steps.append((np.divide, "scale_"))
        return self._as_set(self._map(steps, X))

    def inverse_transform(self, X):
        """Undo `transform`.

        Parameters
        ----------
        X : array-like, DataFrame, list, tuple or Windows
            Scaled sequences.

        Returns
        -------
        ndarray, DataFrame, Series, list, tuple or Windows
            Sequences on the original scale in the form of `X`.
        """
        steps: list[tuple[Any, str]] = []
        if self.with_scaling:
            steps.append((np.multiply, "scale_"))
        if self.with_centering:
            steps.append((np.add, "center_"))
        return self._map(steps, X)

    def _start_steps(self, n_streams: int) -> dict[str, np.ndarray]:
        """Return the state of a stream: a step does not depend on those before."""
        return {}

    def _step(self, x: np.ndarray, state: dict[str, np.ndarray]) -> np.ndarray:
        """Scale one time step, of shape (n_rows, n_channels), as `transform` scales it."""
        values = x.astype(np.float64)
        if self.with_centering:
            values -= self.center_
        if self.with_scaling:
            values /= self.scale_
        return values.astype(np.float32) if x.dtype == np.float32 else values

    def _map(self, steps: list[tuple[Any, str]], X) -> Any:
        check_is_fitted(self)
        sequences = read_sequences(self, X, reset=False)
        operations = [(ufunc, getattr(self, name)) for ufunc, name in steps]
        return map_steps(lambda values: _apply(operations, values), X, sequences)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def _weight_of_rows(sequences: Sequences, sample_weight: Any) -> np.ndarray | None:
    """Weight of every row of the table of `sequences`; None where all are 1."""
    if sample_weight is None:
        return sequences.row_weight()
    # scikit-learn's contract: a table has one weight a row.
    by_step = sequences.kind != "2d" and has_step_weights(sample_weight)
    if by_step:
        weight = as_step_weights(sample_weight, sequences.lengths)
    else:
        weight = _check_sample_weight(
            sample_weight, sequences.lengths, dtype=np.float64, ensure_non_negative=True
        )
    if not weight.any():
        raise ValueError("All sample weights are zero; at least one must be positive.")
    return _of_table(sequences, weight) if by_step else sequences.row_weight(weight)


def _of_table(sequences: Sequences, step_weight: np.ndarray) -> np.ndarray:
    """Return the weight of every row of the table, from those of the time steps."""
    if sequences.first_rows is None:
        return step_weight
    rows = sequences.first_rows[:, np.newaxis] + np.arange(sequences.lengths[0])
    return np.bincount(rows.ravel(), step_weight, len(sequences.table))


def _apply(operations: list[tuple[Any, np.ndarray]], values: np.ndarray) -> None:
    """Do the operations on the rows of `values` in place, in float64 and block by block."""
    is_double = values.dtype == np.float64
    for rows in blocks(values):
        block = values[rows] if is_double else values[rows].astype(np.float64)
        for ufunc, row in operations:
            update_rows(ufunc, block, row)
        if not is_double:
            values[rows] = block
