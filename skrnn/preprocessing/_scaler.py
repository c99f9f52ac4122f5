"""Scale every channel of sequences over all time steps."""

from __future__ import annotations

from numbers import Integral
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin, _fit_context
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import _check_sample_weight, check_is_fitted

from skrnn.sequences import Sequences, as_sequences, in_form_of


class SequenceScaler(
    OneToOneFeatureMixin,
    TransformerMixin,
    BaseEstimator,
    auto_wrap_output_keys=None,  # type: ignore[call-arg]
):
    """Standardise every channel over all time steps of all sequences.

    A channel `x` becomes ``(x - mean_) / scale_``, where ``mean_`` and ``scale_`` are the mean
    and the standard deviation over all real time steps: padding does not count, and a long
    sequence weighs more than a short one. Every form of `X` comes back in the same form.

    Parameters
    ----------
    with_mean : bool, default=True
        Whether to subtract `mean_`.

    with_std : bool, default=True
        Whether to divide by `scale_`.

    n_channels : int, default=1
        Columns a time step of a 2D `X`, >= 1: a row of ``n_timesteps * n_channels`` columns
        is a sequence, time-major. Other forms of `X` have their channels as an axis.

    Attributes
    ----------
    mean_ : ndarray of shape (n_channels,)
        Mean of every channel over the time steps seen.

    var_ : ndarray of shape (n_channels,)
        Variance of every channel over the time steps seen.

    scale_ : ndarray of shape (n_channels,)
        Square root of `var_`; 1 for a channel that is constant up to rounding.

    n_steps_seen_ : int or float
        Number of time steps seen, padding excluded; with sample weights, the sum of the weights
        of the time steps.

    n_channels_in_ : int
        Number of channels seen in `fit`.

    n_features_in_ : int
        Number of columns of a 2D `X`, of channels of every other form.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of columns or channels; only if `X` has names that are all strings.

    See Also
    --------
    sklearn.preprocessing.StandardScaler : Scales every column of a 2D `X`, so every time step
        by itself.
    from_long : Gathers sequences from a long table.

    Notes
    -----
    The statistics are computed in float64 and merged over calls of `partial_fit` without
    cancellation [1]_. float32 sequences come back as float32, everything else as float64.
    Because the output has the form of the input there is no `set_output`.

    References
    ----------
    .. [1] T. F. Chan, G. H. Golub, R. J. LeVeque, "Algorithms for computing the sample variance:
       analysis and recommendations", The American Statistician 37 (1983) 242-247.

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
    """

    _parameter_constraints: ClassVar[dict] = {
        "with_mean": ["boolean"],
        "with_std": ["boolean"],
        "n_channels": [Interval(Integral, 1, None, closed="left")],
    }

    n_steps_seen_: float
    mean_: np.ndarray
    var_: np.ndarray

    def __init__(self, *, with_mean=True, with_std=True, n_channels=1):
        self.with_mean = with_mean
        self.with_std = with_std
        self.n_channels = n_channels

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None, sample_weight=None):
        """Compute mean and standard deviation of every channel.

        Parameters
        ----------
        X : array-like, DataFrame, list or tuple
            Sequences, in any form that the estimators accept.

        y : object, default=None
            Not used; present for pipelines.

        sample_weight : array-like of shape (n_samples,), default=None
            Weight of every sequence, which each of its time steps receives.

        Returns
        -------
        SequenceScaler
            The fitted scaler.
        """
        if hasattr(self, "n_steps_seen_"):
            del self.n_steps_seen_
        return self.partial_fit(X, y, sample_weight)

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y=None, sample_weight=None):
        """Update mean and standard deviation of every channel with further sequences.

        Parameters
        ----------
        X : array-like, DataFrame, list or tuple
            Sequences, in any form that the estimators accept.

        y : object, default=None
            Not used; present for pipelines.

        sample_weight : array-like of shape (n_samples,), default=None
            Weight of every sequence, which each of its time steps receives.

        Returns
        -------
        SequenceScaler
            The fitted scaler.
        """
        first = not hasattr(self, "n_steps_seen_")
        sequences = as_sequences(X, estimator=self, reset=first, n_channels=self.n_channels)
        n, mean, var = _moments(sequences, sample_weight)
        if not first:
            seen, n_new = self.n_steps_seen_, n
            n = seen + n_new
            delta = mean - self.mean_
            mean = self.mean_ + delta * (n_new / n)
            var = (seen * self.var_ + n_new * var + delta**2 * (seen * n_new / n)) / n
        # A spread within the rounding of the mean is noise that must not be blown up to 1.
        std = np.sqrt(var)
        constant = std <= 10 * np.finfo(np.float64).eps * np.abs(mean)
        self.n_steps_seen_, self.mean_, self.var_ = n, mean, var
        self.scale_ = np.where(constant, 1.0, std)
        return self

    def transform(self, X):
        """Standardise sequences.

        Parameters
        ----------
        X : array-like, DataFrame, list or tuple
            Sequences with the channels seen in `fit`.

        Returns
        -------
        ndarray, DataFrame, Series, list or tuple
            The standardised sequences in the form of `X`: frames keep index and columns, a
            padded 3D array its padding. Columns of Arrow lists come back as such; other cells
            of a DataFrame as ndarrays, lists of numbers too.
        """
        sequences = self._validate(X)
        values = np.array(sequences.values)
        if self.with_mean:
            values -= self.mean_
        if self.with_std:
            values /= self.scale_
        return in_form_of(X, sequences, values)

    def inverse_transform(self, X):
        """Undo `transform`.

        Parameters
        ----------
        X : array-like, DataFrame, list or tuple
            Standardised sequences.

        Returns
        -------
        ndarray, DataFrame, Series, list or tuple
            Sequences on the original scale in the form of `X`.
        """
        sequences = self._validate(X)
        values = np.array(sequences.values)
        if self.with_std:
            values *= self.scale_
        if self.with_mean:
            values += self.mean_
        return in_form_of(X, sequences, values)

    def _validate(self, X) -> Sequences:
        check_is_fitted(self)
        return as_sequences(X, estimator=self, reset=False, n_channels=self.n_channels)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def _moments(
    sequences: Sequences, sample_weight: Any
) -> tuple[int | float, np.ndarray, np.ndarray]:
    """Number, mean and variance of the time steps, per channel."""
    # Counted from the first time step, a constant channel has a variance of exactly zero, and a
    # large offset costs no digits.
    origin = sequences.values[0].astype(np.float64)
    shifted = sequences.values - origin
    if sample_weight is None:
        mean = shifted.mean(axis=0)
        shifted -= mean
        return len(shifted), origin + mean, np.square(shifted, out=shifted).mean(axis=0)
    weight = _check_sample_weight(
        sample_weight, sequences.lengths, dtype=np.float64, ensure_non_negative=True
    )
    if not weight.any():
        raise ValueError("All sample weights are zero; at least one must be positive.")
    weight = np.repeat(weight, sequences.lengths)
    n = weight.sum()
    mean = weight @ shifted / n
    shifted -= mean
    return float(n), origin + mean, weight @ np.square(shifted, out=shifted) / n
