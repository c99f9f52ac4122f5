"""Fill missing values inside sequences."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, ClassVar, Literal, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from skrnn._html import DescribedMixin
from skrnn._pickling import VersionedPickleMixin
from skrnn._put_back import put_back_on_error
from skrnn._typing import fit_context
from skrnn.preprocessing._output import SequenceOutputMixin, names_in
from skrnn.preprocessing._statistics import STATISTICS, statistics_of
from skrnn.sequences import (
    Sequences,
    carried_on,
    elapsed_since,
    has_gaps,
    in_form_of,
    interpolated,
    labels_with,
    map_steps,
    read_sequences,
)
from skrnn.sequences._scaled import note_channels

STRATEGIES = ("forward", "interpolate", "mean", "median", "constant")
INDICATOR, ELAPSED = "missingindicator_", "elapsed_"


class SequenceImputer(
    SequenceOutputMixin,
    TransformerMixin,
    DescribedMixin,
    VersionedPickleMixin,
    BaseEstimator,
    auto_wrap_output_keys=None,  # type: ignore[call-arg]
):
    """Fill missing values, NaN, of every channel of sequences.

    What a gap is filled with comes from the same sequence where the strategy looks at it, and
    otherwise from the sequences of `fit` alone. Trailing steps of a 3D array that are NaN in every
    channel are padding and stay so. Every form of `X` comes back in the same form. Columns of
    single values beside those of sequences pass as they are.

    Parameters
    ----------
    strategy : {"forward", "interpolate", "mean", "median", "constant"}, default="forward"
        What stands in a gap:

        - ``"forward"``: the last value before it, the channel's mean in `fit` where there is none.
          No value depends on a later one, as a forecast or a stream needs it;
        - ``"interpolate"``: the value on the line between the last one before and the first one
          after it; before the first value of a sequence that one, after the last one that. It
          looks ahead;
        - ``"mean"``, ``"median"``: that of the channel in `fit`, over all time steps;
        - ``"constant"``: `fill_value`.

    fill_value : float, default=None
        With ``strategy="constant"`` what stands in every gap; else what stands in those of a
        channel that has no value at all in `fit`. None is 0.

    add_indicator : bool, default=False
        Whether a channel is added for every one that has gaps in `fit`: 1 where its value is
        missing, else 0.

    add_elapsed : bool, default=False
        Whether a channel is added for every one that has gaps in `fit`: how long ago its last
        value was, 0 where there is one. Before the first one it is the time since the start of
        the sequence. The unit is the time step; for a list of Series or DataFrames whose index
        holds dates, periods or time differences the second.

    n_channels : int, default=1
        Columns per time step of a 2D `X`, >= 1: a row of ``n_timesteps * n_channels`` columns
        is a sequence, time-major. Other forms of `X` have an axis of channels. With added
        channels a time step has as many columns more on the way out, behind its own.

    Attributes
    ----------
    statistics_ : ndarray of shape (n_channels,)
        What stands in a gap of every channel that no value of its sequence fills.

    gappy_channels_ : ndarray of int
        The channels that have gaps in `fit`, for which channels are added.

    elapsed_unit_ : {"steps", "seconds"}
        Unit of the channels that `add_elapsed` adds.

    n_channels_in_ : int
        Number of channels seen in `fit`.

    n_static_in_ : int
        Number of columns of single values beside those of sequences, seen in `fit`.

    n_features_in_ : int
        Number of columns of `X`; only if it is 2D.

    feature_names_in_ : ndarray of shape (n_features,)
        Names of columns or channels; only if `X` has names that are all strings.

    See Also
    --------
    SequenceScaler : Lets missing values through and learns from the others.
    sklearn.impute.SimpleImputer : Fills the columns of a table.
    skrnn.RNNClassifier : Takes missing values itself, with ``missing_values="decay"``.

    Notes
    -----
    A mean in `fit` is over all time steps that hold a value, so a long sequence weighs more than a
    short one. Times are those of the index in ``"interpolate"`` too, where it holds any.

    Examples
    --------
    >>> import numpy as np
    >>> from skrnn.preprocessing import SequenceImputer
    >>> X = [np.array([1.0, np.nan, np.nan, 4.0]), np.array([np.nan, 7.0])]
    >>> SequenceImputer().fit_transform(X)
    [array([1., 1., 1., 4.]), array([4., 7.])]
    >>> SequenceImputer("interpolate").fit_transform(X)
    [array([1., 2., 3., 4.]), array([7., 7.])]
    >>> SequenceImputer(add_elapsed=True).fit_transform(X)[0]
    array([[1., 0.],
           [1., 1.],
           [1., 2.],
           [4., 0.]])
    """

    _parameter_constraints: ClassVar[dict] = {
        "strategy": [StrOptions(set(STRATEGIES))],
        "fill_value": [Interval(Real, None, None, closed="neither"), None],
        "add_indicator": ["boolean"],
        "add_elapsed": ["boolean"],
        "n_channels": [Interval(Integral, 1, None, closed="left")],
    }

    statistics_: np.ndarray
    gappy_channels_: np.ndarray
    elapsed_unit_: str
    n_channels_in_: int
    n_features_in_: int
    feature_names_in_: np.ndarray

    def __init__(
        self,
        strategy: Literal["forward", "interpolate", "mean", "median", "constant"] = "forward",
        *,
        fill_value: float | None = None,
        add_indicator: bool = False,
        add_elapsed: bool = False,
        n_channels: int = 1,
    ) -> None:
        self.strategy = strategy
        self.fill_value = fill_value
        self.add_indicator = add_indicator
        self.add_elapsed = add_elapsed
        self.n_channels = n_channels

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn what stands in gaps, and which channels have any.

        Parameters
        ----------
        X : array-like, DataFrame, list, tuple or Windows
            Sequences, in any form that the estimators accept.

        y : object, default=None
            Not used; present for pipelines.

        Returns
        -------
        SequenceImputer
            The fitted imputer.
        """
        with put_back_on_error(self):
            sequences = read_sequences(self, X, reset=True, static=False, allow_nan=True)
            _, self.elapsed_unit_ = _times(X, sequences)
            self.statistics_ = self._learn(sequences)
            missing = np.isnan(sequences.table)
            weight = sequences.row_weight()
            if weight is not None:
                missing = missing[weight > 0]  # rows of the table that are in no window
            self.gappy_channels_ = np.flatnonzero(missing.any(axis=0))
            self._check_names()
        return self

    def transform(self, X: Any) -> Any:
        """Fill the gaps of sequences.

        Parameters
        ----------
        X : array-like, DataFrame, list, tuple or Windows
            Sequences with the channels seen in `fit`.

        Returns
        -------
        ndarray, DataFrame, Series, list, tuple or Windows
            The sequences in the form of `X`, with the added channels behind its own: frames keep
            index and columns, a padded 3D array its padding. One-dimensional items of a list
            become two-dimensional where channels are added, Series DataFrames.
        """
        check_is_fitted(self)
        sequences = read_sequences(self, X, reset=False, static=False, allow_nan=True)
        added = self._added()
        looks_at_rows = self.strategy in ("mean", "median", "constant")
        if looks_at_rows and not added:
            return self._as_set(map_steps(self._fill_rows, X, sequences))
        values, starts = sequences.values, sequences.starts
        times, unit = _times(X, sequences)
        filled = self._filled(values, starts, times)
        if added:
            gappy = values[:, self.gappy_channels_]
            parts = [filled]
            if self.add_indicator:
                parts.append(np.isnan(gappy).astype(values.dtype))
            if self.add_elapsed:
                self._check_unit(unit)
                parts.append(elapsed_since(gappy, starts, times).astype(values.dtype))
            filled = np.concatenate(parts, axis=1)
        result = in_form_of(X, sequences, np.ascontiguousarray(filled), added)
        if sequences.kind == "2d":
            note_channels(result, filled.shape[1])
        return self._as_set(result)

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Return the names of the features that `transform` returns.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of the features of `X`; None takes those of `fit`, or "x0", "x1" and so on.

        Returns
        -------
        ndarray of str
            Those of `X`, and behind those of a frame, or of a time step of a 2-D table,
            "missingindicator_x0" for the indicator and "elapsed_x0" for the time since the last
            value.
        """
        check_is_fitted(self)
        names = names_in(self, input_features)
        if self._X_kind == "2d":
            labels = labels_with(names, self.n_channels_in_, self._added())
        else:
            channels = names[~np.array(self._X_static, dtype=bool)] if self.n_static_in_ else names
            added = labels_with(channels, len(channels), self._added())[len(channels) :]
            labels = [*names, *added]
        return np.asarray(labels, dtype=object)

    def _start_steps(self, n_streams: int) -> dict[str, np.ndarray]:
        """Return the state of a stream: the last values, and the steps since those of the gappy."""
        if self.strategy == "interpolate":
            raise ValueError(
                "SequenceImputer(strategy='interpolate') cannot be streamed: it looks at the next "
                "value. Use strategy='forward'."
            )
        if self.add_elapsed and self.elapsed_unit_ != "steps":
            raise ValueError(
                f"SequenceImputer(add_elapsed=True) was fitted on times in {self.elapsed_unit_}, "
                "but a stream counts steps. Fit it on sequences without an index of times."
            )
        state = {}
        if self.strategy == "forward":
            state["last"] = np.full((n_streams, self.n_channels_in_), np.nan)
        if self.add_elapsed:
            state["elapsed"] = np.full((n_streams, len(self.gappy_channels_)), -1.0)
        return state

    def _step(self, x: np.ndarray, state: dict[str, np.ndarray]) -> np.ndarray:
        """Fill the gaps of one time step, of shape (n_rows, n_channels), as `transform` does."""
        x = x if x.dtype == np.float32 else x.astype(np.float64)
        missing, filled = np.isnan(x), x
        if self.strategy == "forward":
            np.copyto(state["last"], x, where=~missing)
            filled = np.where(missing, state["last"], x).astype(x.dtype)
        parts = [np.where(np.isnan(filled), self.statistics_.astype(x.dtype), filled)]
        gappy = missing[:, self.gappy_channels_]
        if self.add_indicator:
            parts.append(gappy.astype(x.dtype))
        if self.add_elapsed:
            state["elapsed"] += 1
            state["elapsed"][~gappy] = 0
            parts.append(state["elapsed"].astype(x.dtype))
        return np.concatenate(parts, axis=1)

    def _learn(self, sequences: Sequences) -> np.ndarray:
        """Return what stands in gaps that no value of the sequence fills."""
        fill = 0.0 if self.fill_value is None else float(self.fill_value)
        if self.strategy == "constant":
            return np.full(sequences.n_channels, fill)
        kind = STATISTICS["robust" if self.strategy == "median" else "standard"]
        found = statistics_of(kind, sequences.table, sequences.row_weight())
        return np.where(np.asarray(found.n) > 0, found.center, fill)

    def _filled(self, values: np.ndarray, starts: np.ndarray, times: np.ndarray) -> np.ndarray:
        if not has_gaps(values):
            return values
        if self.strategy == "forward":
            return carried_on(values, starts, self.statistics_)
        filled = interpolated(values, starts, times) if self.strategy == "interpolate" else values
        return np.where(np.isnan(filled), self.statistics_.astype(values.dtype), filled)

    def _fill_rows(self, values: np.ndarray) -> None:
        row, channel = np.nonzero(np.isnan(values))
        values[row, channel] = self.statistics_[channel]

    def _added(self) -> list[tuple[str, int]]:
        """Return prefix and channel of every added channel."""
        prefixes = [INDICATOR] * self.add_indicator + [ELAPSED] * self.add_elapsed
        return [(prefix, int(channel)) for prefix in prefixes for channel in self.gappy_channels_]

    def _check_names(self) -> None:
        """Refuse names of added channels that are taken."""
        if not hasattr(self, "feature_names_in_"):
            return
        names = self.get_feature_names_out().tolist()
        taken = {name for name in names if names.count(name) > 1}
        if taken:
            raise ValueError(
                f"The channel {min(taken)!r} would be there twice: X has one of this name, which "
                "is that of an added channel. Rename it, or set add_indicator=False and "
                "add_elapsed=False."
            )

    def _check_unit(self, unit: str) -> None:
        if unit != self.elapsed_unit_:
            raise ValueError(
                f"X counts time in {unit}, but in fit it was counted in {self.elapsed_unit_}: "
                "either all sequences are Series or DataFrames with an index of times, or none is."
            )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def _times(X: Any, sequences: Sequences) -> tuple[np.ndarray, str]:
    """Return when the steps are, counted from every sequence's first one, and the unit."""
    indices = _time_indices(X) if sequences.kind == "ragged" else []
    if not indices:
        return np.arange(sequences.n_steps) - np.repeat(
            sequences.starts, sequences.lengths
        ), "steps"
    if len(indices) < sequences.n_samples:
        raise ValueError(
            f"{len(indices)} of the {sequences.n_samples} sequences have an index of times, so "
            "time would be counted in different units. Give every sequence such an index, or none."
        )
    return np.concatenate([_seconds(index) for index in indices]), "seconds"


def _time_indices(X: Any) -> list[pd.Index]:
    """Return the indices of the items that hold times."""
    kinds = pd.DatetimeIndex, pd.PeriodIndex, pd.TimedeltaIndex
    items = [item for item in X if isinstance(item, pd.Series | pd.DataFrame)]
    return [item.index for item in items if isinstance(item.index, kinds)]


def _seconds(index: Any) -> np.ndarray:
    if isinstance(index, pd.PeriodIndex):
        index = index.to_timestamp()
    return (index - index[0]).total_seconds().to_numpy()
