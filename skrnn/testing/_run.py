"""Run the checks: as a function, as a generator, and as a decorator for pytest."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from unittest import SkipTest

from sklearn import config_context
from sklearn.exceptions import EstimatorCheckFailedWarning, SkipTestWarning
from sklearn.utils._param_validation import StrOptions, validate_params

from skrnn.testing._checks import CHECKS
from skrnn.testing._forms import Capabilities
from skrnn.testing._subject import Subject


class Trials:
    """Which forms an estimator refuses: found out by one check, and known to the others."""

    def __init__(self) -> None:
        self._estimator: Any = None
        self._refusals: dict[str, str | None] = {}

    def refusals_of(self, estimator: Any) -> dict[str, str | None]:
        """Return what is known of an estimator, for a check to read and to add to."""
        if estimator is not self._estimator:
            self._estimator, self._refusals = estimator, {}
        return self._refusals


@dataclass(frozen=True)
class SequenceCheck:
    """A check that can be called with an estimator, as those of scikit-learn can.

    Attributes
    ----------
    name : str
        Key of the check in `expected_failed_checks`.
    capabilities : Capabilities
        What the estimator claims.
    trials : Trials
        What the checks made together have found out about the estimator.
    """

    name: str
    capabilities: Capabilities
    trials: Trials = field(default_factory=Trials, compare=False, repr=False, kw_only=True)

    def __call__(self, estimator: Any) -> None:
        """Raise SkipTest where the check does not apply, another exception where it fails."""
        subject = Subject(estimator, self.capabilities, self.trials.refusals_of(estimator))
        if subject.tag("_skip_test"):
            raise SkipTest(f"{subject.name} has the tag _skip_test")
        if subject.tag("input_tags.pairwise"):
            raise SkipTest(f"{subject.name} has the tag pairwise, and takes no sequences")
        with warnings.catch_warnings():
            # Of names that one form has and another lacks, of too few epochs: not the question.
            warnings.simplefilter("ignore")
            CHECKS[self.name](subject)


@validate_params(
    {
        "capabilities": [Capabilities, None],
        "expected_failed_checks": [dict, None],
        "mark": [StrOptions({"xfail", "skip"}), None],
        "xfail_strict": ["boolean", None],
    },
    prefer_skip_nested_validation=False,
)
def sequence_estimator_checks_generator(
    estimator: Any,
    *,
    capabilities: Capabilities | None = None,
    expected_failed_checks: dict[str, str] | None = None,
    mark: str | None = None,
    xfail_strict: bool | None = None,
) -> Iterator[Any]:
    """Return every check for an estimator of sequences, one after the other.

    Parameters
    ----------
    estimator : estimator instance
        Any estimator of sequences with `fit` and one or more of `predict`, `predict_proba`,
        `decision_function` and `transform`. It is cloned, never fitted itself.

    capabilities : Capabilities, default=None
        What the estimator claims. None is ``Capabilities()``.

    expected_failed_checks : dict of str to str, default=None
        Names of checks that are expected to fail, and why.

    mark : {'xfail', 'skip'}, default=None
        How to mark these: `'xfail'` yields them as parameters of pytest with that mark, `'skip'`
        as checks that raise SkipTest. None yields them like all others.

    xfail_strict : bool, default=None
        With `mark='xfail'`, whether a check that is expected to fail and passes is a failure.
        None leaves that to the configuration of pytest.

    Returns
    -------
    iterator of tuple (estimator, check)
        The estimator given, and a function: ``check(estimator)`` raises SkipTest where it does not
        apply, and another exception where it fails. It has its name in ``check.name``.

    Raises
    ------
    TypeError
        If `estimator` is a class, or has no `fit` or no `get_params`.
    ValueError
        If `expected_failed_checks` names a check that does not exist.

    See Also
    --------
    sklearn.utils.estimator_checks.estimator_checks_generator : The checks of scikit-learn.

    Examples
    --------
    >>> from skrnn import RNNClassifier
    >>> from skrnn.testing import sequence_estimator_checks_generator
    >>> estimator, check = next(sequence_estimator_checks_generator(RNNClassifier(max_iter=2)))
    >>> check.name
    'check_takes_sequences'
    >>> check(estimator)
    """
    _check_is_estimator(estimator)
    reasons = _known(expected_failed_checks)
    capabilities = Capabilities() if capabilities is None else capabilities
    trials = Trials()
    checks = (SequenceCheck(name, capabilities, trials=trials) for name in CHECKS)
    return (
        _marked(estimator, check, reasons.get(check.name), mark, xfail_strict) for check in checks
    )


@validate_params(
    {
        "capabilities": [Capabilities, callable, None],
        "expected_failed_checks": [callable, None],
        "xfail_strict": ["boolean", None],
    },
    prefer_skip_nested_validation=False,
)
def parametrize_with_sequence_checks(
    estimators: Iterable[Any],
    *,
    capabilities: Capabilities | Callable[[Any], Capabilities | None] | None = None,
    expected_failed_checks: Callable[[Any], dict[str, str]] | None = None,
    xfail_strict: bool | None = None,
) -> Any:
    """Parametrize a test of pytest with every check for every estimator.

    Parameters
    ----------
    estimators : iterable of estimator instances
        The estimators.

    capabilities : Capabilities or callable, default=None
        What the estimators claim: one for all, or a function of an estimator that returns it.

    expected_failed_checks : callable, default=None
        A function of an estimator that returns a dict from the names of the checks that are
        expected to fail to the reasons. They are marked as xfail.

    xfail_strict : bool, default=None
        Whether a check that is expected to fail and passes is a failure. None leaves that to the
        configuration of pytest.

    Returns
    -------
    decorator : pytest.MarkDecorator
        For a test with the arguments `estimator` and `check`.

    Raises
    ------
    ImportError
        If pytest is not installed.
    TypeError
        If one of `estimators` is a class, or has no `fit` or no `get_params`.
    ValueError
        If `expected_failed_checks` names a check that does not exist.

    See Also
    --------
    check_sequence_estimator : The same without pytest.
    sklearn.utils.estimator_checks.parametrize_with_checks : The checks of scikit-learn.

    Examples
    --------
    >>> from skrnn import RNNClassifier, RNNRegressor
    >>> from skrnn.testing import parametrize_with_sequence_checks
    >>> @parametrize_with_sequence_checks([RNNClassifier(max_iter=2), RNNRegressor(max_iter=2)])
    ... def test_promises_of_sequence_estimators(estimator, check):
    ...     check(estimator)
    """
    import pytest

    if hasattr(estimators, "get_params") or not isinstance(estimators, Iterable):
        raise TypeError(f"estimators must be a list of estimators. Got {estimators!r} instead.")
    parameters: list[Any] = []
    for estimator in estimators:
        expected = None if expected_failed_checks is None else expected_failed_checks(estimator)
        parameters += sequence_estimator_checks_generator(
            estimator,
            capabilities=capabilities(estimator) if callable(capabilities) else capabilities,
            expected_failed_checks=expected,
            mark="xfail",
            xfail_strict=xfail_strict,
        )
    return pytest.mark.parametrize(("estimator", "check"), parameters, ids=_test_id)


@validate_params(
    {
        "capabilities": [Capabilities, None],
        "expected_failed_checks": [dict, None],
        "on_skip": [StrOptions({"warn"}), None],
        "on_fail": [StrOptions({"raise", "warn"}), None],
        "callback": [callable, None],
    },
    prefer_skip_nested_validation=False,
)
def check_sequence_estimator(
    estimator: Any,
    *,
    capabilities: Capabilities | None = None,
    expected_failed_checks: dict[str, str] | None = None,
    on_skip: str | None = "warn",
    on_fail: str | None = "raise",
    callback: Callable[..., Any] | None = None,
) -> list[dict[str, Any]]:
    """Check whether an estimator keeps what estimators of sequences promise.

    scikit-learn's `check_estimator` feeds 2-D data alone. These checks feed sequences, in every
    form the estimator takes: that padding and the other sequences of a batch change nothing, that
    the forms agree, that a weight is a repetition, that sequences may be of any length and must
    have the channels of `fit`, and more. The user guide lists them all. Nothing of skrnn is needed
    in the estimator.

    Parameters
    ----------
    estimator : estimator instance
        Any estimator of sequences with `fit` and one or more of `predict`, `predict_proba`,
        `decision_function` and `transform`. It is cloned, never fitted itself; its clones get
        `random_state=0` where they have one.

    capabilities : Capabilities, default=None
        What the estimator claims. None is ``Capabilities()``.

    expected_failed_checks : dict of str to str, default=None
        Names of checks that are expected to fail, and why.

    on_skip : 'warn' or None, default='warn'
        Whether a check that does not apply gives a `SkipTestWarning` with the reason. The results
        tell of it either way.

    on_fail : {'raise', 'warn'} or None, default='raise'
        What happens when a check fails that is not expected to: its exception is raised and ends
        the run, or an `EstimatorCheckFailedWarning` is given, or only the results tell of it.

    callback : callable, default=None
        Called with every result as keyword arguments, as soon as there is one. Not with
        `on_fail='raise'`.

    Returns
    -------
    list of dict
        One for each check, as scikit-learn's `check_estimator` returns them:
        `estimator`, `check_name`, `exception` (None if passed), `status` (`'passed'`,
        `'failed'`, `'xfail'` or `'skipped'`), `expected_to_fail`, `expected_to_fail_reason`.

    Raises
    ------
    Exception
        With `on_fail='raise'`, that of the first check that fails.
    TypeError
        If `estimator` is a class, or has no `fit` or no `get_params`.
    ValueError
        If `expected_failed_checks` names a check that does not exist, or `callback` comes with
        `on_fail='raise'`.

    See Also
    --------
    parametrize_with_sequence_checks : The same as tests of pytest.
    sklearn.utils.estimator_checks.check_estimator : The checks of scikit-learn.

    Examples
    --------
    >>> from collections import Counter
    >>> from skrnn import RNNClassifier
    >>> from skrnn.testing import check_sequence_estimator
    >>> classifier = RNNClassifier(hidden_layer_sizes=3, max_iter=2)
    >>> results = check_sequence_estimator(classifier, on_skip=None)
    >>> {result["check_name"]: str(result["exception"]) for result in results
    ...  if result["status"] != "passed"}
    {'check_step_answers': 'step_targets=True is not declared',
     'check_step_targets_of_other_lengths': 'step_targets=True is not declared',
     'check_missing_step_targets': 'step_targets=True is not declared'}
    """
    if on_fail == "raise" and callback is not None:
        raise ValueError(
            "callback cannot be provided together with on_fail='raise'. Set on_fail to 'warn' or "
            "None."
        )
    reasons = _known(expected_failed_checks)
    results = []
    for _, check in sequence_estimator_checks_generator(estimator, capabilities=capabilities):
        result = _result(estimator, check, reasons)
        if result["status"] == "failed" and on_fail == "raise":
            raise result["exception"]
        _warn_of(result, on_skip, on_fail)
        results.append(result)
        if callback is not None:
            callback(**result)
    return results


def _result(estimator: Any, check: SequenceCheck, reasons: dict[str, str]) -> dict[str, Any]:
    """Run one check."""
    expected = check.name in reasons
    exception: Exception | None = None
    try:
        check(estimator)
        status = "passed"
    except SkipTest as skip:
        exception, status = skip, "skipped"
    except Exception as failure:
        exception, status = failure, "xfail" if expected else "failed"
    return {
        "estimator": estimator,
        "check_name": check.name,
        "exception": exception,
        "status": status,
        "expected_to_fail": expected,
        "expected_to_fail_reason": reasons.get(check.name, "Check is not expected to fail"),
    }


def _warn_of(result: dict[str, Any], on_skip: str | None, on_fail: str | None) -> None:
    if result["status"] == "skipped" and on_skip == "warn":
        message = f"Skipping {result['check_name']}: {result['exception']}"
        warnings.warn(message, SkipTestWarning, stacklevel=4)
    if result["status"] in ("failed", "xfail") and on_fail == "warn":
        warnings.warn(EstimatorCheckFailedWarning(**result), stacklevel=4)


def _check_is_estimator(estimator: Any) -> None:
    if isinstance(estimator, type):
        raise TypeError(
            f"The checks need an instance, got the class {estimator.__name__}. Pass "
            f"{estimator.__name__}(...)."
        )
    if not (hasattr(estimator, "fit") and hasattr(estimator, "get_params")):
        raise TypeError(
            "The checks need an estimator with fit, get_params and set_params, got "
            f"{estimator!r}. Derive its class from sklearn.base.BaseEstimator."
        )


def _known(expected_failed_checks: dict[str, str] | None) -> dict[str, str]:
    unknown = sorted(set(expected_failed_checks or {}) - set(CHECKS))
    if unknown:
        raise ValueError(
            f"expected_failed_checks names {unknown}, which are no checks. The checks are "
            f"{list(CHECKS)}."
        )
    return expected_failed_checks or {}


def _marked(
    estimator: Any,
    check: SequenceCheck,
    reason: str | None,
    mark: str | None,
    xfail_strict: bool | None,
) -> Any:
    """The pair of estimator and check, marked where the check is expected to fail."""
    if reason is None or mark is None:
        return estimator, check
    if mark == "skip":
        return estimator, _Skipped(check.name, check.capabilities, reason)
    import pytest

    # Without strict the configuration of pytest decides.
    strict: dict[str, Any] = {} if xfail_strict is None else {"strict": xfail_strict}
    return pytest.param(estimator, check, marks=pytest.mark.xfail(reason=reason, **strict))


@dataclass(frozen=True)
class _Skipped(SequenceCheck):
    """A check that is expected to fail and not run."""

    reason: str

    def __call__(self, estimator: Any) -> None:
        raise SkipTest(f"{self.name} is expected to fail: {self.reason}")


def _test_id(value: Any) -> str | None:
    if isinstance(value, SequenceCheck):
        return value.name
    with config_context(print_changed_only=True):
        return re.sub(r"\s", "", str(value))
