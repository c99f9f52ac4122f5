"""Checks of fits and of their copies: weights, order, seeds, refits, pickles."""

from __future__ import annotations

import pickle
import tempfile
from pathlib import Path
from unittest import SkipTest

import numpy as np
from sklearn.base import clone

from skrnn.testing._checks._common import (
    ROUNDING,
    SHUFFLED,
    classes_for_partial_fit,
    global_random_state,
    require_determinism,
    require_full_batch,
    require_weights,
    same_numbers,
)
from skrnn.testing._forms import (
    N_SAMPLES,
    Data,
)
from skrnn.testing._subject import Answers, Subject


def check_fit_order(subject: Subject) -> None:
    """On a full batch the order of the training sequences does not matter."""
    require_full_batch(subject)
    data = subject.data()
    expected = subject.answers(subject.fit(data), data)
    answers = subject.answers(subject.fit(data.take(SHUFFLED)), data)
    subject.assert_equal(answers, expected, "fitted on the same sequences in another order")


def check_sample_weight_is_repetition(subject: Subject) -> None:
    """On a full batch a sequence of weight n is that sequence n times, up to rounding."""
    require_weights(subject)
    data = subject.data()
    weight = np.arange(N_SAMPLES) % 3 + 1
    repeated = data.take(np.repeat(np.arange(N_SAMPLES), weight))
    expected = subject.answers(subject.fit(repeated), data)
    answers = subject.answers(subject.fit(data, sample_weight=weight.astype(float)), data)
    subject.assert_equal(
        answers, expected, "fitted with weights in place of repetitions", tolerance=ROUNDING
    )


def check_zero_weight_is_absence(subject: Subject) -> None:
    """On a full batch a sequence of weight 0, however large its numbers, leaves no trace."""
    require_weights(subject)
    data = subject.data()
    weight = np.ones(N_SAMPLES)
    weight[[3, 10]] = 0
    present = data.take(np.flatnonzero(weight))
    expected = subject.answers(subject.fit(present), data)
    other = 100 if subject.positive_only else -100
    heavy = data.with_sample(3, 100 * data.samples[3]).with_sample(10, other * data.samples[10])
    answers = subject.answers(subject.fit(heavy, sample_weight=weight), data)
    subject.assert_equal(
        answers, expected, "fitted with sequences of weight 0 as well", tolerance=ROUNDING
    )


def check_random_state(subject: Subject) -> None:
    """Two fits with the same integer random_state are equal to the bit."""
    require_determinism(subject)
    data = subject.data()
    first = subject.answers(subject.fit(data), data)
    with global_random_state(1):
        second = subject.answers(subject.fit(data), data)
    subject.assert_equal(second, first, "fitted again with random_state=0", to_the_bit=True)


def check_global_random_state(subject: Subject) -> None:
    """With an integer random_state fit leaves numpy's global generator alone."""
    if not subject.random_states:
        raise SkipTest(f"{subject.name} has no random_state")
    data = subject.data()
    with global_random_state(0):
        expected = np.random.random()  # noqa: NPY002 - the global generator is the subject
    with global_random_state(0):
        subject.fit(data)
        drawn = np.random.random()  # noqa: NPY002
    if drawn != expected:
        raise AssertionError(
            f"{subject.name}.fit draws from, or seeds, numpy's global random generator in spite of "
            "random_state=0."
        )


def check_refit(subject: Subject) -> None:
    """A second fit forgets the first: it equals, to the bit, the fit of a new estimator."""
    require_determinism(subject)
    if subject.estimator.get_params().get("warm_start"):
        raise SkipTest("warm_start=True goes on from the fit before")
    data = subject.data()
    expected = subject.answers(subject.fit(data), data)
    other = subject.other_data()
    refitted = subject.fit(data, estimator=subject.fit(other))
    answers = subject.answers(refitted, data)
    subject.assert_equal(answers, expected, "fitted after a fit on other data", to_the_bit=True)


def check_clone(subject: Subject) -> None:
    """Fit keeps its results out of the parameters: a clone of the fitted fits alike, to the bit."""
    require_determinism(subject)
    data = subject.data()
    fitted = subject.fit(data)
    expected = subject.answers(fitted, data)
    answers = subject.answers(subject.fit(data, estimator=clone(fitted)), data)
    subject.assert_equal(answers, expected, "fitted as a clone of the fitted", to_the_bit=True)


def check_partial_fit(subject: Subject) -> None:
    """Chunks, one after the other, are learnt and not forgotten, and reproducibly so."""
    if not hasattr(subject.estimator, "partial_fit"):
        raise SkipTest(f"{subject.name} has no partial_fit")
    require_determinism(subject)
    data = subject.data()
    chunks = [data.take(chunk) for chunk in np.split(np.arange(N_SAMPLES), [8, 14])]
    classes = classes_for_partial_fit(subject, data)

    def trained(chunks: list[Data]) -> Answers:
        estimator = subject.new()
        for chunk in chunks:
            targets = () if chunk.targets is None else (chunk.y(subject.form),)
            estimator.partial_fit(subject.X(chunk), *targets, **classes)
        return subject.answers(estimator, data)

    first, again, last = trained(chunks), trained(chunks), trained(chunks[-1:])
    subject.assert_equal(again, first, "trained again on the same chunks", to_the_bit=True)
    # Labels may stay the same while the model changes.
    graded = [method for method, samples in first.items() if samples[0].dtype.kind == "f"]
    if graded and all(same_numbers(first[method], last[method]) for method in graded):
        raise AssertionError(
            f"{subject.name} answers after several calls of partial_fit as after the last of them "
            "alone: it forgets the chunks before."
        )


def check_pickle(subject: Subject) -> None:
    """A pickled and loaded estimator answers alike, to the bit."""
    data = subject.data()
    fitted = subject.fit(data)
    expected = subject.answers(fitted, data)
    answers = subject.answers(pickle.loads(pickle.dumps(fitted)), data)
    subject.assert_equal(answers, expected, "pickled and loaded", to_the_bit=True)


def check_joblib(subject: Subject) -> None:
    """An estimator saved and loaded by joblib answers alike, to the bit."""
    _check_saved(subject, mmap_mode=None)


def check_memory_map(subject: Subject) -> None:
    """The same where joblib maps its arrays into memory, read-only."""
    _check_saved(subject, mmap_mode="r")


def _check_saved(subject: Subject, mmap_mode: str | None) -> None:
    import joblib

    data = subject.data()
    fitted = subject.fit(data)
    expected = subject.answers(fitted, data)
    # A mapped file cannot be removed on every system.
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        path = Path(folder) / "estimator.joblib"
        joblib.dump(fitted, path)
        answers = subject.answers(joblib.load(path, mmap_mode=mmap_mode), data)
    subject.assert_equal(
        answers, expected, f"loaded by joblib with mmap_mode={mmap_mode!r}", to_the_bit=True
    )
