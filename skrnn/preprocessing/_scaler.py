"""Scale every channel of sequences over all time steps."""

from __future__ import annotations

from numbers import Integral
from typing import Any, ClassVar, Literal, Self

import numpy as np
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from skrnn._dispatch import numpy_only
from skrnn._html import DescribedMixin
from skrnn._pickling import VersionedPickleMixin
from skrnn._put_back import put_back_on_error
from skrnn._typing import Labels, StatisticsName, available_if, fit_context
from skrnn.preprocessing._channels import chosen_channels
from skrnn.preprocessing._output import SequenceOutputMixin, names_in
from skrnn.preprocessing._own_scale import OwnScale
from skrnn.preprocessing._static_scale import (
    StaticStatistics,
    centers_and_spreads,
    merged_static,
    static_frame,
    static_statistics,
    with_scaled,
)
from skrnn.preprocessing._statistics import (
    STATISTICS,
    blocks,
    merged,
    statistics_of,
    update_rows,
)
from skrnn.preprocessing._weights import (
    refuse_step_weights,
    weight_of_rows,
    weight_of_samples,
)
from skrnn.sequences import map_steps, read_sequences


def _can_be_incremental(scaler: SequenceScaler) -> bool:
    if scaler.method == "robust" and scaler.per == "channel":
        raise AttributeError(
            "SequenceScaler(method='robust') has no partial_fit: quantiles cannot be updated. "
            "Use fit on all sequences, or method='standard' or 'minmax'."
        )
    return True


class NothingLearnt:
    """What a scaler has learnt that scales each sequence by itself."""


def _can_be_undone(scaler: SequenceScaler) -> bool:
    if scaler.per == "sequence":
        raise AttributeError(
            "SequenceScaler(per='sequence') has no inverse_transform: the scale of a sequence is "
            "not to be seen in its scaled values. skrnn.forecasting.WindowScaledRegressor takes "
            "targets along and gives predictions back on their own scale."
        )
    return True


class SequenceScaler(
    SequenceOutputMixin,
    OneToOneFeatureMixin,
    TransformerMixin,
    DescribedMixin,
    VersionedPickleMixin,
    BaseEstimator,
    auto_wrap_output_keys=None,  # type: ignore[call-arg]
):
    """Scale every channel over all time steps of all sequences.

    A channel `x` becomes ``(x - center_) / scale_``. Both are computed over all real time steps:
    padding does not count, and a long sequence weighs more than a short one. Missing values, NaN,
    do not count either and stay missing. Every form of `X` comes back in the same form. With
    ``per="sequence"`` every sequence has a center and a scale of its own.

    In a DataFrame, columns of numbers beside those of sequences are static features, which are
    scaled over the samples. Booleans, categories and strings come back as they are.

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

    per : {"channel", "sequence"}, default="channel"
        Over which time steps the statistics of a channel are computed:

        - ``"channel"``: those of all sequences in `fit`;
        - ``"sequence"``: those of the sequence itself, also in `transform`. Nothing is learnt in
          `fit`, and nothing is taken from other sequences or from behind the end of a window.
          Series of level 10 and of level 10,000 look alike then, and no network can tell
          them apart by their level.

    channels : list of str or int, default=None
        The channels to scale, by name or by number, and the static features, by name; the others
        pass as they are, such as ids for an embedding. None scales all.

    Attributes
    ----------
    center_ : ndarray of shape (n_channels,)
        Mean, minimum or median of every channel over the time steps seen; 0 for a channel that
        passes. Only with ``per="channel"``.

    scale_ : ndarray of shape (n_channels,)
        Standard deviation, range or distance between the quartiles of every channel; 1 for a
        channel that is constant up to rounding, or passes. A channel without any value has a center
        of 0 and a scale of 1. Only with ``per="channel"``.

    mean_, var_ : ndarray of shape (n_channels,)
        Mean and variance; only if ``method="standard"`` and ``per="channel"``.

    data_min_, data_max_ : ndarray of shape (n_channels,)
        Smallest and largest value; only if ``method="minmax"`` and ``per="channel"``.

    static_center_, static_scale_ : ndarray of shape (n_static,)
        The same of the static features; 0 and 1 for a column that is not scaled.

    n_steps_seen_ : int, float or ndarray of shape (n_channels,)
        Number of time steps seen, padding excluded; with sample weights, the sum of the weights
        of the time steps. Where values are missing, a number for every channel. Only with
        ``per="channel"``.

    n_channels_in_ : int
        Number of channels seen in `fit`.

    n_static_in_ : int
        Number of static features seen in `fit`.

    n_features_in_ : int
        Number of columns of `X`; only if it is 2D.

    feature_names_in_ : ndarray of shape (n_features,)
        Names of columns or channels; only if `X` has names that are all strings.

    See Also
    --------
    sklearn.preprocessing.StandardScaler : Scales every column of a 2D `X`, so every time step
        by itself.
    SequenceImputer : Fills missing values.
    from_long : Gathers sequences from a long table.
    skrnn.forecasting.WindowScaledRegressor : Scales the targets of every window along with it.

    Notes
    -----
    With ``per="sequence"`` the result of windows takes as much memory as ``np.asarray`` of them:
    a row has another value in every window.

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
    >>> SequenceScaler("minmax", per="sequence", channels=[0]).fit_transform(X)
    [array([[ 0., 10.],
           [ 1., 10.]]), array([[ 0., 10.]])]
    """

    _parameter_constraints: ClassVar[dict] = {
        "method": [StrOptions(set(STATISTICS))],
        "with_centering": ["boolean"],
        "with_scaling": ["boolean"],
        "n_channels": [Interval(Integral, 1, None, closed="left")],
        "per": [StrOptions({"channel", "sequence"})],
        "channels": [list, tuple, np.ndarray, None],
    }

    center_: np.ndarray
    scale_: np.ndarray
    mean_: np.ndarray
    var_: np.ndarray
    data_min_: np.ndarray
    data_max_: np.ndarray
    static_center_: np.ndarray
    static_scale_: np.ndarray
    n_steps_seen_: Any
    n_channels_in_: int
    n_static_in_: int
    n_features_in_: int
    feature_names_in_: np.ndarray

    def __init__(
        self,
        method: StatisticsName = "standard",
        *,
        with_centering: bool = True,
        with_scaling: bool = True,
        n_channels: int = 1,
        per: Literal["channel", "sequence"] = "channel",
        channels: Labels | None = None,
    ) -> None:
        self.method = method
        self.with_centering = with_centering
        self.with_scaling = with_scaling
        self.n_channels = n_channels
        self.per = per
        self.channels = channels

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
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
    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
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

    def _all_or_nothing(self, seen: Any, X: Any, sample_weight: Any) -> Self:
        """Learn from sequences; if they are refused, stay as before."""
        with put_back_on_error(self):
            return self._update(seen, X, sample_weight)

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
        check_is_fitted(self, "_statistics")
        return names_in(self, input_features)

    def _update(self, seen: Any, X: Any, sample_weight: Any) -> Self:
        """Learn from sequences, and from what was seen before unless that is None."""
        kind: Any = STATISTICS[self.method] if self.per == "channel" else NothingLearnt
        if not isinstance(seen, kind | None):
            raise ValueError(
                f"partial_fit with per={self.per!r} and method={self.method!r} cannot go on from "
                "what has been seen with others. Call fit."
            )
        sequences = read_sequences(self, X, reset=seen is None, static=False, allow_nan=True)
        with numpy_only():
            weight = weight_of_rows(sequences, sample_weight)
            static = self._of_static(X, seen, weight_of_samples(sequences, sample_weight))
        scaled = chosen_channels(self.channels, sequences, self._static_names())
        if self.per == "sequence":
            refuse_step_weights(sequences, sample_weight)
        self._forget()
        if self.per == "sequence":
            self._statistics = NothingLearnt()
        else:
            with np.errstate(over="ignore", invalid="ignore"):
                statistics = statistics_of(kind, sequences.table, weight)
                if seen is not None:
                    statistics = merged(seen, statistics)
                self._keep(statistics, scaled)
        self._static_statistics: StaticStatistics = static
        with np.errstate(over="ignore", invalid="ignore"):
            self.static_center_, self.static_scale_ = _checked(*centers_and_spreads(static))
        return self

    def _of_static(self, X, seen, weight: np.ndarray | None) -> StaticStatistics:
        """Statistics of the columns of single values, if there are any."""
        if not any(self._X_static):
            return []
        kind = STATISTICS[self.method]
        frame = static_frame(X, self._X_static)
        named = [] if self.channels is None else list(self.channels)
        scaled = [self.channels is None or name in named for name in frame.columns]
        with np.errstate(over="ignore", invalid="ignore"):
            static = static_statistics(frame, kind, weight, scaled)
            return static if seen is None else merged_static(self._static_statistics, static)

    def _static_names(self) -> list[str]:
        """Return the names of the columns of single values, if they have any."""
        if not any(self._X_static) or not hasattr(self, "feature_names_in_"):
            return []
        return self.feature_names_in_[np.array(self._X_static)].tolist()

    def _keep(self, statistics: Any, scaled: np.ndarray) -> None:
        """Set the attributes of what was learnt of the channels."""
        self._statistics = statistics
        for attribute, field in type(statistics).attributes.items():
            setattr(self, attribute, getattr(statistics, field))
        self.n_steps_seen_ = statistics.n
        center = np.where(scaled, statistics.center, 0.0)
        self.center_, self.scale_ = _checked(center, np.where(scaled, statistics.spread, 1.0))

    def _forget(self) -> None:
        """Delete the attributes of an earlier fit, which may have been by another method."""
        of_methods = [name for kind in STATISTICS.values() for name in kind.attributes]
        for attribute in (*of_methods, "n_steps_seen_", "center_", "scale_"):
            if hasattr(self, attribute):
                delattr(self, attribute)

    def transform(self, X: Any) -> Any:
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
        if self.per == "sequence":
            return self._as_set(self._with_static(self._each_by_itself(X), steps, X))
        return self._as_set(self._map(steps, X))

    def _each_by_itself(self, X) -> Any:
        check_is_fitted(self, "_statistics")
        sequences = read_sequences(self, X, reset=False, static=False, allow_nan=True)
        chosen = chosen_channels(self.channels, sequences, self._static_names())
        own = OwnScale.of(sequences, self.method, chosen)
        center = own.center if self.with_centering else np.zeros_like(own.center)
        spread = own.spread if self.with_scaling else np.ones_like(own.spread)
        return OwnScale(center, spread).scaled(X, sequences)

    @available_if(_can_be_undone)
    def inverse_transform(self, X: Any) -> Any:
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
        if not hasattr(self, "center_"):
            raise ValueError(
                "SequenceScaler(per='sequence') cannot be streamed: the scale of a sequence is "
                "known at its end. Use per='channel'."
            )
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
        check_is_fitted(self, "center_")
        sequences = read_sequences(self, X, reset=False, static=False, allow_nan=True)
        operations = [(ufunc, getattr(self, name)) for ufunc, name in steps]
        scaled = map_steps(lambda values: _apply(operations, values), X, sequences)
        return self._with_static(scaled, steps, X)

    def _with_static(self, scaled: Any, steps: list[tuple[Any, str]], X) -> Any:
        """Put the scaled columns of single values, if there are any, beside the sequences."""
        is_static = getattr(self, "_X_static", ())
        if not any(is_static):
            return scaled
        operations = [(ufunc, getattr(self, f"static_{name}")) for ufunc, name in steps]
        known = static_frame(X, is_static)
        return with_scaled(scaled, known, is_static, self._static_statistics, operations)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def _checked(center: np.ndarray, spread: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return center and scale, which is 1 for what is constant up to rounding.

    Raises
    ------
    ValueError
        If one of them is not finite.
    """
    if not (np.isfinite(center).all() and np.isfinite(spread).all()):
        raise ValueError(
            "The spread of a channel overflows: its numbers are too large for float64 statistics. "
            "Divide X by a constant first, or leave the channel out."
        )
    # A spread within the rounding of the values is noise that must not be blown up to 1.
    constant = spread <= 10 * np.finfo(np.float64).eps * np.abs(center)
    return center, np.where(constant, 1.0, spread)


def _apply(operations: list[tuple[Any, np.ndarray]], values: np.ndarray) -> None:
    """Do the operations on the rows of `values` in place, in float64 and block by block."""
    is_double = values.dtype == np.float64
    for rows in blocks(values):
        block = values[rows] if is_double else values[rows].astype(np.float64)
        for ufunc, row in operations:
            update_rows(ufunc, block, row)
        if not is_double:
            values[rows] = block
