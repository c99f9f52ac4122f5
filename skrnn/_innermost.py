"""Which estimator is at work inside a Pipeline, a search or another wrapper, and on which data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import FixedThresholdClassifier, TunedThresholdClassifierCV

# Where wrappers keep the estimator inside: the fitted one, or else the one they were given.
ATTRIBUTES = ("best_estimator_", "regressor_", "estimator_", "regressor", "estimator")
# Those that train one estimator on the data as they are.
THROUGH = (
    CalibratedClassifierCV,
    FixedThresholdClassifier,
    FrozenEstimator,
    TunedThresholdClassifierCV,
)


def inside(est: Any) -> Any:
    """Return the estimator one wrapper further in, None if `est` wraps none.

    Parameters
    ----------
    est : estimator
        Fitted or not.

    Returns
    -------
    estimator or None
        The last step of a Pipeline, the best estimator of a fitted search, the first of the
        estimators of a fitted CalibratedClassifierCV. Of any other wrapper the estimator that it
        has fitted, or the one that it was given.
    """
    # Before anything is asked of it: it answers for the estimator inside.
    if isinstance(est, FrozenEstimator):
        return est.estimator
    if hasattr(est, "steps"):
        return est.steps[-1][1]
    if hasattr(est, "calibrated_classifiers_"):
        return est.calibrated_classifiers_[0].estimator
    found = (getattr(est, name, None) for name in ATTRIBUTES)
    return next((estimator for estimator in found if estimator is not None), None)


def wrappers(est: Any) -> Iterator[Any]:
    """Yield `est`, the estimator inside, the one inside that, ..., down to the innermost."""
    while est is not None:
        yield est
        est = inside(est)


def innermost(est: Any) -> Any:
    """Return the estimator inside all wrappers: `est` itself if it wraps none.

    Examples
    --------
    >>> from sklearn.model_selection import GridSearchCV
    >>> from sklearn.pipeline import make_pipeline
    >>> from skrnn import RNNClassifier
    >>> from skrnn._innermost import innermost
    >>> from skrnn.preprocessing import SequenceScaler
    >>> pipeline = make_pipeline(SequenceScaler(), RNNClassifier(8))
    >>> innermost(GridSearchCV(pipeline, {"rnnclassifier__alpha": [0.0, 1e-4]}))
    RNNClassifier(hidden_layer_sizes=8)
    """
    return list(wrappers(est))[-1]


def way_to_innermost(est: Any, name: str = "est") -> str:
    """Return the expression of Python that leads from `est` to the estimator inside all wrappers.

    Parameters
    ----------
    est : estimator
        Fitted or not.
    name : str, default="est"
        What it is called in the expression.

    Returns
    -------
    str
        The name alone if `est` wraps none.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from skrnn import RNNClassifier
    >>> from skrnn._innermost import way_to_innermost
    >>> from skrnn.preprocessing import SequenceScaler
    >>> way_to_innermost(make_pipeline(SequenceScaler(), RNNClassifier(8)))
    'est[-1]'
    """
    while (inner := inside(est)) is not None:
        if isinstance(est, FrozenEstimator):
            name += ".estimator"
        elif hasattr(est, "steps"):
            name += "[-1]"
        elif hasattr(est, "calibrated_classifiers_"):
            name += ".calibrated_classifiers_[0].estimator"
        else:
            name += "." + next(one for one in ATTRIBUTES if getattr(est, one, None) is inner)
        est = inner
    return name


def innermost_with(est: Any, X: Any, y: Any = None) -> tuple[Any, Any, Any]:
    """Return the estimator inside all wrappers, and the data as they arrive there.

    `X` goes through the transformers of every Pipeline on the way, `y` through that of every
    TransformedTargetRegressor. What is not fitted is fitted first, as in `fit` of the whole; `est`
    is not changed.

    Parameters
    ----------
    est : estimator
        Fitted or not.
    X : array-like
        As for `est`.
    y : array-like, default=None
        As for `est`. Without it nothing is fitted.

    Returns
    -------
    estimator, X, y
        `y` is None if it was not given.

    Raises
    ------
    TypeError
        If a wrapper on the way trains several estimators, or one on other data.
    NotFittedError
        If there is no `y`, and a transformer on the way is not fitted.
    """
    estimator, data = innermost_with_data(est, Data(X, y))
    return estimator, data.X, data.y


class Data(NamedTuple):
    """Data of a fit, and a validation set that takes the same way; None where there are none.

    Attributes
    ----------
    X, y, X_val, y_val : array-like
        As for `fit`.
    """

    X: Any
    y: Any = None
    X_val: Any = None
    y_val: Any = None


def innermost_with_data(est: Any, data: Data) -> tuple[Any, Data]:
    """Do as `innermost_with`, with a validation set too: nothing is fitted on it."""
    path = list(wrappers(est))
    for wrapper in path[:-1]:
        if hasattr(wrapper, "steps") and not isinstance(wrapper, FrozenEstimator):
            data = _through_steps(wrapper, data)
        elif isinstance(wrapper, TransformedTargetRegressor):
            data = _transformed_target(wrapper, data)
        elif hasattr(wrapper, "_handed_on"):
            data = _handed_on(wrapper, data)
        elif not (isinstance(wrapper, THROUGH) or is_search(wrapper)):
            raise TypeError(
                f"{type(wrapper).__name__} does not train one {type(path[-1]).__name__} on the "
                "data as they are. Pass the estimator inside that you mean, and its data."
            )
    return path[-1], data


def _handed_on(wrapper: Any, data: Data) -> Data:
    """Return the data as a wrapper says that it hands them on."""
    X, y = wrapper._handed_on(data.X, data.y)
    if data.X_val is None:
        return data._replace(X=X, y=y)
    X_val, y_val = wrapper._handed_on(data.X_val, data.y_val)
    return Data(X, y, X_val, y_val)


def is_search(est: Any) -> bool:
    """Tell whether `est` looks for the best of several estimators, and keeps that one."""
    # Of whatever library: a fitted one has the best estimator, any has the choice to refit it.
    searches = hasattr(est, "best_estimator_") or hasattr(est, "refit")
    return searches and not isinstance(est, THROUGH)


def _through_steps(pipeline: Any, data: Data) -> Data:
    """Return the data as they arrive at the last step of a Pipeline."""
    before, X = pipeline[:-1], None
    if len(before) == 0:
        return data
    if hasattr(innermost(pipeline), "network_"):
        try:
            X = before.transform(data.X)
        except NotFittedError:
            # A frozen network may be the last step of a Pipeline that is not fitted.
            if data.y is None:
                raise
    elif data.y is None:
        raise NotFittedError(
            f"This {type(pipeline).__name__} is not fitted yet. Call fit, or pass y as well."
        )
    if X is None:
        before = clone(before)
        X = before.fit_transform(data.X, data.y)
    X_val = None if data.X_val is None else before.transform(data.X_val)
    return data._replace(X=X, X_val=X_val)


class _KeptTarget(RegressorMixin, BaseEstimator):
    """Keeps the target that it is given, to see what a wrapper makes of one."""

    def fit(self, X: Any, y: Any) -> _KeptTarget:
        self.y_ = y
        return self

    def predict(self, X: Any) -> Any:
        return self.y_


def _transformed_target(regressor: Any, data: Data) -> Data:
    """Return the data as a TransformedTargetRegressor hands them on."""
    if data.y is None:
        return data
    y = data.y
    if not hasattr(regressor, "transformer_"):
        kept = clone(regressor).set_params(regressor=_KeptTarget(), check_inverse=False)
        regressor = kept.fit(y, y)
        y = regressor.regressor_.y_
    else:
        y = _transformed(regressor, y)
    y_val = None if data.y_val is None else _transformed(regressor, data.y_val)
    return data._replace(y=y, y_val=y_val)


def _transformed(regressor: Any, y: Any) -> np.ndarray:
    """Return targets as a fitted TransformedTargetRegressor transforms them."""
    y = np.asarray(y)
    columns = regressor.transformer_.transform(y.reshape(-1, 1) if y.ndim == 1 else y)
    return columns[:, 0] if columns.ndim == 2 and columns.shape[1] == 1 else columns
