"""How good predicted intervals and quantiles are."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np
from sklearn.utils import check_array, check_consistent_length
from sklearn.utils.validation import _check_sample_weight

from skrnn.core.losses import as_levels


def pinball(
    y_true: Any,
    y_pred: Any,
    *,
    quantile: Any,
    sample_weight: Any = None,
    per_level: bool = False,
) -> float | np.ndarray:
    r"""Return the mean pinball loss of one quantile or of several side by side.

    .. math:: l = \max(q \, (y\_true - y\_pred), (q - 1)(y\_true - y\_pred))

    the mean over samples, outputs and levels `q` [1]_. It is the smaller, the better; of a single
    level it equals :func:`sklearn.metrics.mean_pinball_loss`. Of many levels twice its value comes
    near to the continuous ranked probability score.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,) or (n_samples, n_outputs)
        True targets.
    y_pred : array-like of shape (n_samples, n_levels) or (n_samples, n_outputs, n_levels)
        Predicted quantiles in the order of `quantile`, as `predict_quantiles` returns them. Of a
        single level that is a number, in the shape of `y_true`.
    quantile : float or array-like of float of shape (n_levels,)
        Levels of the columns, all different, in (0, 1).
    sample_weight : array-like of shape (n_samples,), default=None
        Weights, >= 0 and not all zero.
    per_level : bool, default=False
        Whether to return one value for every level.

    Returns
    -------
    float or ndarray of shape (n_levels,)
        0.0 is a perfect prediction. With `per_level` an array.

    Raises
    ------
    TypeError, ValueError
        If `quantile` is not valid, or the shapes do not belong together.

    See Also
    --------
    interval_score : The same thought for the two ends of an interval.
    sklearn.metrics.d2_pinball_score : The share of the loss of the best constant that is saved.

    References
    ----------
    .. [1] Koenker & Bassett (1978). Regression quantiles. Econometrica 46(1).

    Examples
    --------
    >>> from skrnn.metrics import pinball
    >>> pinball([3.0, 5.0], [[1.0, 4.0], [5.0, 6.0]], quantile=[0.1, 0.9])
    0.1
    >>> pinball([3.0, 5.0], [[1.0, 4.0], [5.0, 6.0]], quantile=[0.1, 0.9], per_level=True)
    array([0.1, 0.1])

    As a scorer:

    >>> from sklearn.metrics import make_scorer
    >>> scoring = make_scorer(pinball, greater_is_better=False, quantile=[0.1, 0.9])
    """
    single = np.ndim(quantile) == 0
    levels = np.asarray(as_levels([quantile] if single else quantile))
    y_true = _targets(y_true)
    y_pred = _numbers(y_pred, "y_pred")
    if single and y_pred.shape == y_true.shape:
        y_pred = y_pred[..., np.newaxis]
    _check_shape(y_true, y_pred, len(levels), f"quantile={quantile!r}")
    error = y_true[..., np.newaxis] - y_pred
    losses = np.maximum(levels * error, (levels - 1) * error)
    of_levels = _mean(losses, sample_weight)
    return of_levels if per_level else float(of_levels.mean())


def coverage(y_true: Any, y_pred: Any, *, sample_weight: Any = None) -> float:
    r"""Return the share of the targets that lie in their interval, ends included.

    .. math:: \frac{1}{n} \sum_i [\,lower_i \le y_i \le upper_i\,]

    It should be what the interval promises, such as 0.9 for the quantiles 0.05 and 0.95: neither
    less nor more. Alone it says nothing of how wide the intervals are; `interval_score` judges
    both.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,) or (n_samples, n_outputs)
        True targets.
    y_pred : array-like of shape (n_samples, n_columns) or (n_samples, n_outputs, n_columns)
        The first column holds the lower ends, the last one the upper ends; those between, such as
        a median, are not looked at. Where they cross, no target lies inside.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights, >= 0 and not all zero.

    Returns
    -------
    float
        In [0, 1], the mean over outputs.

    Raises
    ------
    ValueError
        If the shapes do not belong together, or there are fewer than two columns.

    See Also
    --------
    interval_score : Rewards narrow intervals, too.

    Examples
    --------
    >>> from skrnn.metrics import coverage
    >>> coverage([3.0, 5.0, 9.0, 2.0], [[1.0, 4.0], [5.0, 6.0], [7.0, 8.0], [0.0, 2.0]])
    0.75
    """
    y_true, lower, upper = _ends(y_true, y_pred)
    return float(_mean(((lower <= y_true) & (y_true <= upper))[..., np.newaxis], sample_weight)[0])


def interval_score(
    y_true: Any, y_pred: Any, *, confidence_level: Any, sample_weight: Any = None
) -> float:
    r"""Return the mean interval score of Winkler: width, and a fine for what lies outside.

    .. math:: upper - lower + \frac{2}{\alpha} \max(lower - y, 0)
              + \frac{2}{\alpha} \max(y - upper, 0), \qquad \alpha = 1 - confidence\_level

    It is the smaller, the better, and smallest for the true quantiles
    :math:`\alpha / 2` and :math:`1 - \alpha / 2`: of two kinds of intervals of the same coverage
    the narrower ones win, and missed targets cost more, the further away they lie [1]_ [2]_.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,) or (n_samples, n_outputs)
        True targets.
    y_pred : array-like of shape (n_samples, n_columns) or (n_samples, n_outputs, n_columns)
        The first column holds the lower ends, the last one the upper ends; those between are not
        looked at.
    confidence_level : float
        Share of the targets that the intervals are meant to hold, in (0, 1).
    sample_weight : array-like of shape (n_samples,), default=None
        Weights, >= 0 and not all zero.

    Returns
    -------
    float
        In units of the target, the mean over samples and outputs.

    Raises
    ------
    ValueError
        If `confidence_level` lies outside (0, 1), the shapes do not belong together, or there are
        fewer than two columns.

    See Also
    --------
    coverage : The share of the targets inside.
    pinball : The loss of every quantile for itself.

    References
    ----------
    .. [1] Winkler (1972). A decision-theoretic approach to interval estimation. Journal of the
           American Statistical Association 67(337).
    .. [2] Gneiting & Raftery (2007). Strictly proper scoring rules, prediction, and estimation.
           Journal of the American Statistical Association 102(477), section 6.2.

    Examples
    --------
    >>> from skrnn.metrics import interval_score
    >>> interval_score([3.0, 9.0], [[1.0, 4.0], [7.0, 8.0]], confidence_level=0.8)
    7.0

    As a scorer:

    >>> from sklearn.metrics import make_scorer
    >>> scoring = make_scorer(interval_score, greater_is_better=False, confidence_level=0.9)
    """
    _check_share(confidence_level)
    y_true, lower, upper = _ends(y_true, y_pred)
    outside = np.maximum(lower - y_true, 0) + np.maximum(y_true - upper, 0)
    scores = upper - lower + 2 / (1 - confidence_level) * outside
    return float(_mean(scores[..., np.newaxis], sample_weight)[0])


def _check_share(confidence_level: Any) -> None:
    if not isinstance(confidence_level, Real) or not 0 < float(confidence_level) < 1:
        raise ValueError(
            "confidence_level must be the share of the targets that the intervals are meant to "
            f"hold, in (0, 1); got {confidence_level!r}."
        )


def _ends(y_true: Any, y_pred: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return targets, lower and upper ends of intervals, all of one shape."""
    y_true, y_pred = _targets(y_true), _numbers(y_pred, "y_pred")
    if y_pred.ndim != y_true.ndim + 1 or y_pred.shape[-1] < 2:
        raise ValueError(
            f"y_pred of shape {y_pred.shape} holds no intervals for y_true of shape "
            f"{y_true.shape}: its last axis must be the two ends, lower and upper, as "
            "np.column_stack([lower, upper]) makes them."
        )
    _check_shape(y_true, y_pred, y_pred.shape[-1], "intervals")
    return y_true, y_pred[..., 0], y_pred[..., -1]


def _targets(y_true: Any) -> np.ndarray:
    y_true = _numbers(y_true, "y_true")
    if y_true.ndim > 2:
        raise ValueError(
            f"y_true has shape {y_true.shape}; expected (n_samples,) or (n_samples, n_outputs). "
            "For targets at every time step wrap the metric: skrnn.metrics.score_steps(metric, "
            "y_true, y_pred), or make_step_scorer(metric) as a scorer."
        )
    return y_true


def _numbers(values: Any, name: str) -> np.ndarray:
    return check_array(values, ensure_2d=False, allow_nd=True, dtype=np.float64, input_name=name)


def _check_shape(y_true: np.ndarray, y_pred: np.ndarray, n_columns: int, what: str) -> None:
    check_consistent_length(y_true, y_pred)
    expected = (*y_true.shape, n_columns)
    if y_pred.shape != expected:
        raise ValueError(
            f"For y_true of shape {y_true.shape} and {what} y_pred must have shape {expected}; "
            f"got {y_pred.shape}."
        )


def _mean(values: np.ndarray, sample_weight: Any) -> np.ndarray:
    """Return the mean of every entry of the last axis, weighted over the first."""
    weight = _check_sample_weight(sample_weight, values, dtype=np.float64, ensure_non_negative=True)
    if not weight.any():
        raise ValueError("All sample weights are zero: there is nothing to score.")
    of_columns = np.average(values, axis=0, weights=weight)
    return of_columns.reshape(-1, values.shape[-1]).mean(axis=0)
