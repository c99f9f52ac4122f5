"""Scores of targets at every time step, by any metric and any scorer of scikit-learn.

scikit-learn's metrics want one target a sample. Here every time step becomes a sample, and then
they are asked: nothing is measured anew.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from functools import wraps
from typing import Any

import numpy as np
from sklearn.metrics import check_scoring, make_scorer
from sklearn.utils.metadata_routing import get_routing_for_object

from skrnn.sequences import (
    as_step_targets,
    place_of,
    step_lengths,
    weights_of_steps,
    without_missing,
)

__all__ = ["StepScorer", "make_step_scorer", "score_steps", "step_scorer"]

RESPONSE_METHODS = ("predict", "predict_proba", "predict_log_proba", "decision_function")


def score_steps(
    metric: Callable, y_true: Any, y_pred: Any, *, sample_weight: Any = None, **options: Any
) -> Any:
    """Call a metric of scikit-learn on the targets of all time steps.

    Parameters
    ----------
    metric : callable
        ``metric(y_true, y_pred, **options)``, with one entry a sample: any function of
        :mod:`sklearn.metrics`, such as ``f1_score``, ``confusion_matrix`` or ``log_loss``.
    y_true : array-like, DataFrame or list
        True targets, one for every time step, as in the estimators' `fit`. Where sequences of
        `X` are padded, entries beyond their length are dropped. Time steps whose target is missing
        (NaN, None, NaT, pandas' NA) are left out.
    y_pred : ndarray or list of array-like
        What `predict`, `predict_proba` or `decision_function` answered.
    sample_weight : {array-like of shape (n_samples,), array-like of shape (n_samples, \
n_timesteps), list of array-like, DataFrame}, default=None
        Weight of every time step, or of every sequence, which each of its time steps receives.
        All time steps weigh alike by default, and a long sequence more than a short one;
        ``1 / lengths`` gives all sequences the same weight.
    **options
        Further arguments of `metric`.

    Returns
    -------
    object
        What `metric` returns.

    Raises
    ------
    TypeError
        If `metric` is no function.
    ValueError
        If there is not one target for every time step, if all are missing, or if single outputs
        of a step are.

    See Also
    --------
    step_scorer : The same for the parameter `scoring`.

    Examples
    --------
    >>> from sklearn.metrics import accuracy_score, confusion_matrix
    >>> from skrnn.metrics import score_steps
    >>> y_true, y_pred = [["a", "b"], ["a", "a", "b"]], [["a", "b"], ["a", "b", "b"]]
    >>> score_steps(accuracy_score, y_true, y_pred)
    0.8
    >>> score_steps(confusion_matrix, y_true, y_pred)
    array([[2, 1],
           [0, 2]])
    >>> score_steps(accuracy_score, y_true, y_pred, sample_weight=[1 / 2, 1 / 3])
    0.83...
    """
    _check_metric(metric)
    lengths = step_lengths(y_pred)
    y_true, labelled = _labelled(y_true, lengths)
    if sample_weight is not None:
        options["sample_weight"] = weights_of_steps(sample_weight, lengths)[labelled]
    return metric(y_true, _values(y_pred, lengths)[labelled], **options)


def step_scorer(scoring: Any) -> StepScorer:
    """Return scikit-learn's scorer for targets at every time step.

    Parameters
    ----------
    scoring : str, callable, list, tuple, set or dict
        What scikit-learn's own parameter `scoring` may be: a name of
        :func:`sklearn.metrics.get_scorer_names`, a scorer, or several of them as a list of
        names or a dict of names and scorers.

    Returns
    -------
    StepScorer
        To be passed as `scoring`. It counts every time step as one sample.

    Raises
    ------
    ValueError
        If `scoring` is None or not what scikit-learn takes.

    See Also
    --------
    make_step_scorer : A scorer of a metric that has no name.
    score_steps : The value of a metric for predictions at hand.

    Notes
    -----
    scikit-learn's names are a closed list, so ``scoring="accuracy"`` itself cannot learn what a
    time step is: wrap it as ``scoring=step_scorer("accuracy")``. Without a `scoring` the
    estimators' own `score` is asked, which needs no wrapping: accuracy or R2 over all steps.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.model_selection import KFold, cross_validate
    >>> from skrnn import RNNClassifier
    >>> from skrnn.metrics import step_scorer
    >>> rng = np.random.RandomState(0)
    >>> X = [rng.normal(size=(length, 1)) for length in rng.randint(5, 15, size=60)]
    >>> y = np.array([walk[:, 0] > 0 for walk in X], dtype=object)
    >>> clf = RNNClassifier(8, return_sequences=True, learning_rate_init=0.1, random_state=0)
    >>> scoring = step_scorer(["f1", "roc_auc", "neg_log_loss"])
    >>> scores = cross_validate(clf.set_params(tol=0.01), X, y, cv=KFold(3), scoring=scoring)
    >>> bool(scores["test_f1"].min() > 0.9)
    True
    """
    if scoring is None:
        raise ValueError(
            "scoring=None asks the estimator's own score, which knows targets at every time step "
            "and needs no step_scorer: leave scoring=None where you use it, or name a scorer."
        )
    if isinstance(scoring, StepScorer):
        return scoring
    # A copy, so that a metadata request set here does not reach the scorer it was made of.
    return StepScorer(deepcopy(check_scoring(scoring=scoring)))


def make_step_scorer(
    metric: Callable,
    *,
    response_method: Any = "predict",
    greater_is_better: bool = True,
    **options: Any,
) -> StepScorer:
    """Make a scorer for targets at every time step of a metric.

    Parameters
    ----------
    metric : callable
        ``metric(y_true, y_pred, **options)``, with one entry a sample.
    response_method : {"predict", "predict_proba", "decision_function"} or list of them, \
default="predict"
        What the estimator is asked for; of a list, the first that it has.
    greater_is_better : bool, default=True
        Whether a high value is good. That of a loss gets the opposite sign.
    **options
        Further arguments of `metric`.

    Returns
    -------
    StepScorer
        To be passed as `scoring`.

    Raises
    ------
    TypeError
        If `metric` is no function.

    See Also
    --------
    sklearn.metrics.make_scorer : The same for one target a sample.

    Examples
    --------
    >>> from sklearn.metrics import fbeta_score, log_loss
    >>> from skrnn.metrics import make_step_scorer
    >>> recall_counts_more = make_step_scorer(fbeta_score, beta=2, pos_label="fault")
    >>> loss = make_step_scorer(
    ...     log_loss, response_method="predict_proba", greater_is_better=False, labels=[0, 1]
    ... )
    """
    _check_metric(metric)
    return StepScorer(
        make_scorer(
            metric,
            response_method=response_method,
            greater_is_better=greater_is_better,
            **options,
        )
    )


class StepScorer:
    """A scorer that counts every time step as one sample; made by :func:`step_scorer`.

    Parameters
    ----------
    scorer : callable
        ``scorer(estimator, X, y)``, a scorer of scikit-learn.
    """

    def __init__(self, scorer: Any) -> None:
        self._scorer = scorer

    def __call__(
        self, estimator: Any, X: Any, y_true: Any, sample_weight: Any = None, **params: Any
    ) -> Any:
        """Score the predictions of a fitted estimator.

        Parameters
        ----------
        estimator : estimator
            Fitted with `return_sequences=True`: a network, a pipeline that ends in one, or a
            search over either.
        X : array-like, list of array-like or DataFrame
            Sequences.
        y_true : array-like, DataFrame or list
            True targets, one for every time step. Steps whose target is missing are left out.
        sample_weight : {array-like of shape (n_samples,), array-like of shape (n_samples, \
n_timesteps), list of array-like, DataFrame}, default=None
            Weight of every time step, or of every sequence, which each of its time steps receives.
        **params
            Further metadata that was requested by `set_score_request`.

        Returns
        -------
        float or dict of float
            Greater is better. A dict by name where there are several scorers.
        """
        if not isinstance(estimator, _StepView):  # as it is for one of several scorers
            _check_predicts_steps(estimator)
            estimator = _StepView(estimator)
            lengths = estimator.lengths(X, getattr(self._scorer, "_response_method", "predict"))
            y_true, estimator.labelled = _labelled(y_true, lengths)
            if sample_weight is not None:
                sample_weight = weights_of_steps(sample_weight, lengths)[estimator.labelled]
        if sample_weight is not None:
            params["sample_weight"] = sample_weight
        return self._scorer(estimator, X, y_true, **params)

    def set_score_request(self, **requests: bool | str | None) -> StepScorer:
        """Request metadata, as of any scorer; needs ``enable_metadata_routing=True``.

        Parameters
        ----------
        **requests
            Such as ``sample_weight=True``.

        Returns
        -------
        StepScorer
            This one.

        Raises
        ------
        AttributeError
            If it holds several scorers: each has requests of its own.
        """
        if not hasattr(self._scorer, "set_score_request"):
            raise AttributeError(
                f"{self!r} holds several scorers, or a function of your own, which has no requests "
                "to set. Set them on every scorer, and pass a dict of these: scoring={'accuracy': "
                "step_scorer('accuracy').set_score_request(sample_weight=True), ...}."
            )
        self._scorer.set_score_request(**requests)
        return self

    def get_metadata_routing(self) -> Any:
        """Return the metadata that this scorer requests.

        Returns
        -------
        MetadataRequest or MetadataRouter
            That of scikit-learn's scorer.
        """
        return get_routing_for_object(self._scorer)

    # Asked by scikit-learn of the scorers in a dict, where metadata routing is off.
    def _accept_sample_weight(self) -> bool:
        return self._scorer._accept_sample_weight()

    def __repr__(self) -> str:
        return f"step_scorer({self._scorer!r})"


class _StepView:
    """A fitted estimator whose samples are time steps: one row of a response is one step.

    Every response is computed once, for scorers that share it. Of the steps, those that are
    `labelled`: all, until it is set.
    """

    def __init__(self, estimator):
        self._estimator = estimator
        self.labelled: np.ndarray | slice = slice(None)
        self._responses: dict[str, tuple[np.ndarray, np.ndarray]] = {}  # values, lengths

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._estimator, name)
        if name not in RESPONSE_METHODS:
            return attribute

        @wraps(attribute)  # scikit-learn reads its name
        def response(X):
            if name not in self._responses:
                answer = attribute(X)
                lengths = step_lengths(answer)
                self._responses[name] = _values(answer, lengths), lengths
            return self._responses[name][0][self.labelled]

        return response

    def lengths(self, X: Any, methods: str | list[str] | tuple[str, ...]) -> np.ndarray:
        """Return the length of every sequence, by the first of the responses that there is."""
        names = [methods] if isinstance(methods, str) else methods
        name = next((name for name in names if hasattr(self._estimator, name)), "predict")
        getattr(self, name)(X)
        return self._responses[name][1]


def _check_metric(metric: Any) -> None:
    if not callable(metric):
        raise TypeError(
            f"metric must be a function such as sklearn.metrics.f1_score, got {metric!r}. The name "
            "of a scorer is for step_scorer."
        )


def _check_predicts_steps(estimator: Any) -> None:
    """Raise an error where an estimator is known to predict one target a sequence."""
    parameters = estimator.get_params() if hasattr(estimator, "get_params") else {}
    # By the end of the name, to find it inside a pipeline or a search as well.
    settings = [value for name, value in parameters.items() if name.endswith("return_sequences")]
    if settings and not any(settings):
        raise ValueError(
            f"step_scorer needs an estimator that predicts at every time step, but this "
            f"{type(estimator).__name__} has return_sequences=False. Set return_sequences=True, "
            "or use scikit-learn's own scorer."
        )


def _values(y: Any, lengths: np.ndarray) -> np.ndarray:
    return as_step_targets(y, lengths).values


def _labelled(y_true: Any, lengths: np.ndarray) -> tuple[np.ndarray, np.ndarray | slice]:
    """Return the targets that are there, and of which of all time steps they are."""
    y, present = without_missing(_values(y_true, lengths))
    if present is None:
        return y, slice(None)
    outputs = present.reshape(len(y), -1)
    labelled = np.asarray(outputs.any(axis=1))
    if not outputs[labelled].all():
        place = place_of(int(np.argmax(labelled & ~outputs.all(axis=1))), lengths)
        raise ValueError(
            f"y_true has a target for some of its outputs only at {place}, and metrics of "
            "scikit-learn leave out no single outputs. The score of the estimator itself does; or "
            "score the outputs one by one."
        )
    return y[labelled], labelled
