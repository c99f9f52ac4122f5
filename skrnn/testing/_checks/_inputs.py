"""Checks of what an estimator does with `X`: leave it as it is, or refuse it."""

from __future__ import annotations

from functools import partial
from typing import Any
from unittest import SkipTest

import numpy as np
from sklearn.utils import get_tags

from skrnn.testing._checks._common import (
    as_whole_numbers,
    one_more_channel,
    read_only,
    require_validation,
)
from skrnn.testing._forms import (
    FORMS_WITH_NAMES,
    map_arrays,
)
from skrnn.testing._subject import Subject


def check_X_is_not_modified(subject: Subject) -> None:
    """Neither fit nor an answer writes into X, in any form."""
    for form in subject.forms:
        data = subject.data(form)
        X, pristine = (subject.X(data.with_samples(np.copy), form) for _ in range(2))
        fitted = subject.fit_to(subject.new(), X, data.y(form))
        subject.answers_to(fitted, X, data.lengths)
        same = zip(subject.split(X), subject.split(pristine), strict=True)
        for i, (after, before) in enumerate(same):
            if not np.array_equal(after, before, equal_nan=True):
                raise AssertionError(
                    f"{subject.name} modifies sequence {i} of X in the form {form!r} from "
                    f"{before!r} to {after!r}."
                )


def check_read_only_X(subject: Subject) -> None:
    """Arrays that cannot be written to, such as joblib's workers receive, are accepted."""
    for form in subject.forms:
        data = subject.data(form)
        X = map_arrays(subject.X(data.with_samples(np.copy), form), read_only)
        fitted = subject.fit_to(subject.new(), X, data.y(form))
        subject.answers_to(fitted, X, data.lengths)


def check_dtypes(subject: Subject) -> None:
    """float32, float64 and integers are accepted; numbers are answered in such floats."""
    data = subject.data()
    for dtype in (np.float32, np.float64, np.int64):
        scaled = data.with_samples(partial(as_whole_numbers, dtype=dtype))
        for method, samples in subject.answers(subject.fit(scaled), scaled).items():
            for sample in samples:
                _check_dtype(subject, method, sample, np.dtype(dtype))
    fitted = subject.fit(data)
    rounded = data.with_samples(lambda sample: sample.astype(np.float32))
    subject.assert_equal(
        subject.answers(fitted, rounded),
        subject.answers(fitted, data),
        "asked in float32 after a fit in float64",
        tolerance=1e-3,
    )


def _check_dtype(subject: Subject, method: str, sample: np.ndarray, dtype: np.dtype) -> None:
    sound = sample.dtype in (np.float32, np.float64)
    if method == "predict" and subject.targets != "numbers":
        # Of a classifier, a clusterer, a detector of outliers.
        sound = sample.dtype.kind in "iu"
    if not sound:
        raise AssertionError(
            f"{subject.name}.{method} answers X of dtype {dtype} with {sample!r} of dtype "
            f"{sample.dtype}; expected integer labels where such were fitted, and float32 or "
            "float64 otherwise."
        )


def check_n_channels(subject: Subject) -> None:
    """Other channels than in fit are refused with a ValueError that names both numbers."""
    require_validation(subject)
    n_channels = subject.capabilities.n_channels
    for form in subject.forms:
        if form in FORMS_WITH_NAMES and form != subject.form:
            continue  # may be refused by name, without a number
        data = subject.data(form)
        fitted = subject.fit(data, form)
        wider = data.with_samples(one_more_channel)
        what = f"{n_channels + 1} channels after a fit on {n_channels} in the form {form!r}"
        with subject.refuses(what, n_channels, n_channels + 1):
            subject.ask(fitted, subject.X(wider, form))


def check_mixed_n_channels(subject: Subject) -> None:
    """Sequences that differ in their number of channels are refused."""
    require_validation(subject)
    if subject.form not in ("list", "tuple", "object", "frames"):
        raise SkipTest(f"sequences in the form {subject.form!r} cannot differ in their channels")
    data = subject.data()
    wider = one_more_channel(data.samples[5])
    _check_refused(subject, subject.form, {"a sequence of other channels than the first": wider})


def check_missing_values(subject: Subject) -> None:
    """NaN before a sequence's last step is no padding: refused, or, by the tag, taken alike."""
    require_validation(subject)
    if subject.tag("input_tags.allow_nan"):
        _check_missing_values_are_taken(subject)
        return
    if _passes_missing_values_on(subject.estimator):
        raise SkipTest(
            f"scikit-learn's tags do not tell whether {subject.name} takes missing values, which "
            "the estimator inside does"
        )
    for form in subject.forms:
        sample = subject.data(form).samples[5]
        one, whole_step = sample.copy(), sample.copy()
        one[1, 0] = whole_step[1] = np.nan
        bad = {"a NaN inside a sequence": one, "a step of NaN inside a sequence": whole_step}
        _check_refused(subject, form, bad)


def _check_missing_values_are_taken(subject: Subject) -> None:
    """An estimator with the tag allow_nan takes gaps in fit and after it, in every form alike.

    What a transformer returns may have gaps itself.
    """
    for form in subject.forms:
        data = subject.data(form, subject.form).with_samples(_with_gaps)
        fitted = subject.fit(data, form)
        if "transform" in subject.ask(fitted, subject.X(data, form)):
            continue
        to = "a sequence with missing values"
        answers = subject.answers(fitted, data, form, to=to)
        if not subject.tag("non_deterministic"):
            expected = subject.answers(subject.fit(data), data, to=to)
            subject.assert_equal(answers, expected, f"X has gaps and the form {form!r}")


def _passes_missing_values_on(estimator: Any) -> bool:
    """Whether the estimator that data of a Pipeline or another wrapper reach first takes gaps."""
    steps = getattr(estimator, "steps", None)
    inside = steps[0][1] if steps else getattr(estimator, "estimator", None)
    if not hasattr(inside, "__sklearn_tags__"):
        return False
    return get_tags(inside).input_tags.allow_nan or _passes_missing_values_on(inside)


def _with_gaps(sample: np.ndarray) -> np.ndarray:
    """Take some values out, at the start as well, but none of the last step."""
    gappy = sample.copy()
    gappy[:-1:3, 0] = np.nan
    gappy[1:-1:4] = np.nan
    return gappy


def check_infinite_values(subject: Subject) -> None:
    """Infinity is refused."""
    require_validation(subject)
    for form in subject.forms:
        infinite = subject.data(form).samples[5].copy()
        infinite[1, 0] = np.inf
        _check_refused(subject, form, {"an infinite value": infinite})


def check_empty_sequence(subject: Subject) -> None:
    """A sequence without a time step is refused."""
    require_validation(subject)
    for form in subject.forms:
        empty = subject.data(form).samples[5][:0]
        _check_refused(subject, form, {"a sequence without a time step": empty})


def check_no_sequences(subject: Subject) -> None:
    """X without a sequence is refused."""
    require_validation(subject)
    for form in subject.forms:
        data = subject.data(form)
        fitted = subject.fit(data, form)
        X, y = subject.X(data, form)[:0], data.y(form)
        with subject.refuses(f"X without a sequence in the form {form!r} at fit"):
            subject.fit_to(subject.new(), X, None if y is None else y[:0])
        with subject.refuses(f"X without a sequence in the form {form!r} when asked"):
            subject.ask(fitted, X)


def _check_refused(subject: Subject, form: str, bad: dict[str, np.ndarray]) -> None:
    """Both fit and answers refuse sound data with each of these in place of one sequence."""
    data = subject.data(form)
    fitted = subject.fit(data, form)
    for what, sample in bad.items():
        spoilt = data.with_sample(5, sample)
        if form == "3d" and len(sample) == 0:
            spoilt = data.with_samples(lambda sound: sound[:0])
        with subject.refuses(f"{what} in the form {form!r} at fit"):
            subject.fit(spoilt, form)
        with subject.refuses(f"{what} in the form {form!r} when asked"):
            subject.ask(fitted, subject.X(spoilt, form))
