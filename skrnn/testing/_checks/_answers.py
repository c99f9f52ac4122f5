"""Checks of answers: the form of `X`, padding and the rest of a batch change nothing."""

from __future__ import annotations

from unittest import SkipTest

import numpy as np
import pandas as pd

from skrnn.testing._checks._common import (
    ROUNDING,
    SHUFFLED,
    amid_garbage,
    joined,
    padded,
    require_full_batch,
    require_step_targets,
    require_validation,
    taken,
)
from skrnn.testing._forms import (
    FORMS,
    N_SAMPLES,
    map_arrays,
)
from skrnn.testing._subject import Subject


def check_takes_sequences(subject: Subject) -> None:
    """The estimator takes one form of sequences at least; declared ones have their own checks."""
    if subject.capabilities.forms is not None:
        raise SkipTest("forms are declared, and each of them has a check of its own")
    reasons = {form: subject.refusal(form) for form in FORMS}
    if all(reasons.values()):
        said = "".join(f"\n  {form}: {reason}" for form, reason in reasons.items())
        raise AssertionError(f"{subject.name} takes no form of sequences:{said}")


def check_form(subject: Subject, form: str) -> None:
    """The same sequences in this form and in another are the same, in fit and in answers."""
    if subject.breaks_its_word(form):
        subject.try_form(form)  # raises what the estimator raises
    subject.require_form(form)
    others = [other for other in subject.forms if other != form]
    if not others:
        raise SkipTest(f"{subject.name} takes no other form to compare {form!r} with")
    other = others[0]
    data = subject.data(form, other)
    fitted = subject.fit(data, other)
    expected = subject.answers(fitted, data, other)
    answers = subject.answers(fitted, data, form)
    subject.assert_equal(answers, expected, f"X is in the form {form!r} and not {other!r}")
    if subject.tag("non_deterministic"):
        return
    answers = subject.answers(subject.fit(data, form), data, other)
    subject.assert_equal(answers, expected, f"fitted on the form {form!r} and not {other!r}")


def check_padding_amount(subject: Subject) -> None:
    """More steps of padding change nothing, in fit and in answers."""
    subject.require_form("padded")
    data = subject.ragged
    fitted = subject.fit(data, "padded")
    expected = subject.answers(fitted, data, "padded")
    X = padded(subject, data, extra_steps=5)
    if not subject.tag("non_deterministic"):
        fitted = subject.fit_to(subject.new(), X, data.y("padded"))
    answers = subject.answers_to(fitted, X, data.lengths)
    subject.assert_equal(answers, expected, "X has 5 more steps of padding")


def check_padding_content(subject: Subject) -> None:
    """The bits of the NaN that pads change nothing: -NaN, a quotient's, pads as well."""
    subject.require_form("padded")
    data = subject.ragged
    fitted = subject.fit(data, "padded")
    answers = subject.answers_to(fitted, padded(subject, data, fill=-np.nan), data.lengths)
    expected = subject.answers(fitted, data, "padded")
    subject.assert_equal(answers, expected, "X is padded with -NaN and not with NaN")


def check_memory_layout(subject: Subject) -> None:
    """Neither the strides of an array nor what lies around it in memory count."""
    data = subject.data()
    fitted = subject.fit(data)
    expected = subject.answers(fitted, data)
    X = map_arrays(subject.X(data), amid_garbage)
    if not subject.tag("non_deterministic"):
        fitted = subject.fit_to(subject.new(), X, data.y(subject.form))
    answers = subject.answers_to(fitted, X, data.lengths)
    subject.assert_equal(answers, expected, "the arrays of X are views of larger ones")


def check_feature_names(subject: Subject) -> None:
    """feature_names_in_ are the columns, and other ones, or another order, are refused."""
    require_validation(subject)
    forms = [form for form in subject.forms if form in ("dataframe", "series", "arrow")]
    if not forms:
        raise SkipTest(f"{subject.name} takes no DataFrame whose columns are channels")
    X, data = subject.X(subject.ragged, forms[0]), subject.ragged
    fitted = subject.fit(data, forms[0])
    if not hasattr(fitted, "feature_names_in_"):
        raise SkipTest(f"{subject.name} has no feature_names_in_")
    if list(fitted.feature_names_in_) != list(X.columns):
        raise AssertionError(
            f"{subject.name}.feature_names_in_ is {list(fitted.feature_names_in_)}, but X has the "
            f"columns {list(X.columns)}."
        )
    with subject.refuses("columns of other names than in fit"):
        subject.ask(fitted, X.add_prefix("other "))
    if X.shape[1] > 1:
        with subject.refuses("the columns of fit in another order"):
            subject.ask(fitted, X[X.columns[::-1]])


def check_batch_mates(subject: Subject) -> None:
    """An answer does not depend on the other sequences: all at once is one at a time."""
    data = subject.data()
    fitted = subject.fit(data)
    together = subject.answers(fitted, data)
    alone = joined([subject.answers(fitted, data.take([i])) for i in range(N_SAMPLES)])
    subject.assert_equal(together, alone, "asked together with the others")
    # Large enough to leave a trace and, where it may, to lengthen the batch that holds it.
    mate = 100 * data.samples[-1]
    if subject.form != "3d" and subject.capabilities.new_lengths:
        mate = np.repeat(mate, 3, axis=0)
    beside = subject.answers(fitted, data.with_sample(N_SAMPLES - 1, mate))
    first = range(N_SAMPLES - 1)
    subject.assert_equal(taken(beside, first), taken(alone, first), "beside a large sequence")


def check_predict_order(subject: Subject) -> None:
    """Answers come in the order of the sequences, whatever that is."""
    data = subject.data()
    fitted = subject.fit(data)
    expected = taken(subject.answers(fitted, data), SHUFFLED)
    answers = subject.answers(fitted, data.take(SHUFFLED))
    subject.assert_equal(answers, expected, "asked in another order")


def check_predict_twice(subject: Subject) -> None:
    """Asking leaves no state behind: the second answer is the first, to the bit."""
    data = subject.data()
    fitted = subject.fit(data)
    first = subject.answers(fitted, data)
    subject.assert_equal(subject.answers(fitted, data), first, "asked again", to_the_bit=True)


def check_new_lengths(subject: Subject) -> None:
    """A fitted estimator answers to longer and to shorter sequences than it was fitted on."""
    if not subject.capabilities.new_lengths:
        raise SkipTest("new_lengths=False is declared")
    data = subject.data()
    n_timesteps = subject.capabilities.min_length
    fitted = subject.fit(subject.other_data(extra_steps=2))
    for what, resized in {
        "longer": lambda sample: np.tile(sample, (5, 1))[: len(sample) + 8],
        "shorter": lambda sample: sample[:n_timesteps],
    }.items():
        to = f"a {what} sequence than those in fit"
        subject.answers(fitted, data.with_samples(resized), to=to)


def check_step_answers(subject: Subject) -> None:
    """With step targets there is one answer for every time step of every sequence."""
    require_step_targets(subject)
    data = subject.data()
    samples = subject.split(subject.fit(data).predict(subject.X(data)))
    for i, (sample, length) in enumerate(zip(samples, data.lengths, strict=True)):
        n_answers = len(sample) if sample.ndim else 0
        # A padded array may be answered with padding.
        if n_answers != length and not (subject.form == "padded" and n_answers > length):
            raise AssertionError(
                f"{subject.name}.predict answers sequence {i} of {length} time steps with "
                f"{sample!r}; expected one answer for every step."
            )


def check_step_targets_of_other_lengths(subject: Subject) -> None:
    """Step targets that are not as long as their sequences are refused."""
    require_step_targets(subject)
    require_validation(subject)
    data = subject.data()
    assert data.targets is not None
    short = data._replace(targets=[target[:-1] for target in data.targets])
    with subject.refuses("targets that are one step shorter than their sequences"):
        subject.fit(short)


def check_missing_step_targets(subject: Subject) -> None:
    """Steps without a target are predicted as all others, and on a full batch add nothing."""
    require_step_targets(subject)
    if not subject.capabilities.missing_step_targets:
        raise SkipTest("missing_step_targets=True is not declared")
    data = subject.data()
    assert data.targets is not None
    gaps = [_without(target, np.arange(len(target)) % 3 == 1) for target in data.targets]
    fitted = subject.fit(data._replace(targets=gaps))
    subject.answers(fitted, data)
    for i, sample in enumerate(subject.split(fitted.predict(subject.X(data)))):
        if pd.isna(sample).any():
            raise AssertionError(
                f"{subject.name}.predict answers sequence {i} with a missing target: {sample!r}"
            )
    require_full_batch(subject)
    known = np.delete(np.arange(N_SAMPLES), [3, 10])
    none = [
        target if i in known else _without(target, np.ones(len(target), dtype=bool))
        for i, target in enumerate(data.targets)
    ]
    subject.assert_equal(
        subject.answers(subject.fit(data._replace(targets=none)), data),
        subject.answers(subject.fit(data.take(known)), data),
        "fitted with sequences without any target as well",
        tolerance=ROUNDING,
    )


def _without(target: np.ndarray, missing: np.ndarray) -> np.ndarray:
    """Return step targets with some of them missing."""
    gaps = target.astype(float if target.dtype.kind == "f" else object)
    gaps[missing] = np.nan if target.dtype.kind == "f" else None
    return gaps
