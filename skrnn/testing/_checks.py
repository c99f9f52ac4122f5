"""One function for each promise that an estimator of sequences makes.

A check gets a :class:`Subject`. It returns where the promise is kept, raises AssertionError (or
whatever the estimator raises) where it is broken, and SkipTest, with the reason, where the
promise is not made.
"""

from __future__ import annotations

import pickle
import tempfile
from collections.abc import Callable
from functools import partial
from inspect import signature
from pathlib import Path
from typing import Any
from unittest import SkipTest

import numpy as np
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, KFold, cross_val_predict
from sklearn.utils.validation import has_fit_parameter

from skrnn.testing._forms import (
    AXIS_ORDERS,
    FORMS,
    FORMS_WITH_NAMES,
    N_SAMPLES,
    Data,
    map_arrays,
    pad,
)
from skrnn.testing._subject import Answers, Subject

SHUFFLED = np.random.RandomState(1).permutation(N_SAMPLES)
# Exact algebra but for the order of summation.
ROUNDING = 1e-10


# --- forms -------------------------------------------------------------------------------------


def check_form(subject: Subject, form: str) -> None:
    """The same sequences in this form and in another are the same, in fit and in answers."""
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
    answers = subject.answers(subject.fit(data, form), data, other)
    subject.assert_equal(answers, expected, f"fitted on the form {form!r} and not {other!r}")


def check_padding_amount(subject: Subject) -> None:
    """More steps of padding change nothing, in fit and in answers."""
    subject.require_form("padded")
    data = subject.ragged
    expected = subject.answers(subject.fit(data, "padded"), data, "padded")
    X = _padded(subject, data, extra_steps=5)
    fitted = subject.fit_to(subject.new(), X, data.y("padded"))
    answers = subject.answers_to(fitted, X, data.lengths)
    subject.assert_equal(answers, expected, "X has 5 more steps of padding")


def check_padding_content(subject: Subject) -> None:
    """The bits of the NaN that pads change nothing: -NaN, a quotient's, pads as well."""
    subject.require_form("padded")
    data = subject.ragged
    fitted = subject.fit(data, "padded")
    answers = subject.answers_to(fitted, _padded(subject, data, fill=-np.nan), data.lengths)
    expected = subject.answers(fitted, data, "padded")
    subject.assert_equal(answers, expected, "X is padded with -NaN and not with NaN")


def check_memory_layout(subject: Subject) -> None:
    """Neither the strides of an array nor what lies around it in memory count."""
    data = subject.data()
    expected = subject.answers(subject.fit(data), data)
    X = map_arrays(subject.X(data), _amid_garbage)
    fitted = subject.fit_to(subject.new(), X, data.y(subject.form))
    answers = subject.answers_to(fitted, X, data.lengths)
    subject.assert_equal(answers, expected, "the arrays of X are views of larger ones")


def check_feature_names(subject: Subject) -> None:
    """feature_names_in_ are the columns, and other ones, or another order, are refused."""
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
        subject.answers_to(fitted, X.add_prefix("other "), data.lengths)
    if X.shape[1] > 1:
        with subject.refuses("the columns of fit in another order"):
            subject.answers_to(fitted, X[X.columns[::-1]], data.lengths)


# --- answers -----------------------------------------------------------------------------------


def check_batch_mates(subject: Subject) -> None:
    """An answer does not depend on the other sequences: all at once is one at a time."""
    data = subject.data()
    fitted = subject.fit(data)
    together = subject.answers(fitted, data)
    alone = _joined([subject.answers(fitted, data.take([i])) for i in range(N_SAMPLES)])
    subject.assert_equal(together, alone, "asked together with the others")
    # Large enough to leave a trace and, where it may, to lengthen the batch that holds it.
    mate = 100 * data.samples[-1]
    if subject.form != "3d" and subject.capabilities.new_lengths:
        mate = np.repeat(mate, 3, axis=0)
    beside = subject.answers(fitted, data.with_sample(N_SAMPLES - 1, mate))
    first = range(N_SAMPLES - 1)
    subject.assert_equal(_taken(beside, first), _taken(alone, first), "beside a large sequence")


def check_predict_order(subject: Subject) -> None:
    """Answers come in the order of the sequences, whatever that is."""
    data = subject.data()
    fitted = subject.fit(data)
    expected = _taken(subject.answers(fitted, data), SHUFFLED)
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
        for method, samples in subject.answers(fitted, data.with_samples(resized)).items():
            if not all(_is_finite(sample) for sample in samples):
                raise AssertionError(
                    f"{subject.name}.{method} answers {what} sequences than in fit with NaN or "
                    f"infinity: {samples!r}"
                )


def check_step_answers(subject: Subject) -> None:
    """With step targets there is one answer for every time step of every sequence."""
    _require_step_targets(subject)
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
    _require_step_targets(subject)
    data = subject.data()
    assert data.targets is not None
    short = data._replace(targets=[target[:-1] for target in data.targets])
    with subject.refuses("targets that are one step shorter than their sequences"):
        subject.fit(short)


# --- fit ---------------------------------------------------------------------------------------


def check_fit_order(subject: Subject) -> None:
    """On a full batch the order of the training sequences does not matter."""
    _require_full_batch(subject)
    data = subject.data()
    expected = subject.answers(subject.fit(data), data)
    answers = subject.answers(subject.fit(data.take(SHUFFLED)), data)
    subject.assert_equal(answers, expected, "fitted on the same sequences in another order")


def check_sample_weight_is_repetition(subject: Subject) -> None:
    """On a full batch a sequence of weight n is that sequence n times, up to rounding."""
    _require_weights(subject)
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
    _require_weights(subject)
    data = subject.data()
    weight = np.ones(N_SAMPLES)
    weight[[3, 10]] = 0
    present = data.take(np.flatnonzero(weight))
    expected = subject.answers(subject.fit(present), data)
    heavy = data.with_sample(3, 100 * data.samples[3]).with_sample(10, -100 * data.samples[10])
    answers = subject.answers(subject.fit(heavy, sample_weight=weight), data)
    subject.assert_equal(
        answers, expected, "fitted with sequences of weight 0 as well", tolerance=ROUNDING
    )


def check_random_state(subject: Subject) -> None:
    """Two fits with the same integer random_state are equal to the bit."""
    _require_determinism(subject)
    data = subject.data()
    first = subject.answers(subject.fit(data), data)
    with _global_random_state(1):
        second = subject.answers(subject.fit(data), data)
    subject.assert_equal(second, first, "fitted again with random_state=0", to_the_bit=True)


def check_global_random_state(subject: Subject) -> None:
    """With an integer random_state fit leaves numpy's global generator alone."""
    if not subject.random_states:
        raise SkipTest(f"{subject.name} has no random_state")
    data = subject.data()
    with _global_random_state(0):
        expected = np.random.random()  # noqa: NPY002 - the global generator is the subject
    with _global_random_state(0):
        subject.fit(data)
        drawn = np.random.random()  # noqa: NPY002
    if drawn != expected:
        raise AssertionError(
            f"{subject.name}.fit draws from, or seeds, numpy's global random generator in spite of "
            "random_state=0."
        )


def check_refit(subject: Subject) -> None:
    """A second fit forgets the first: it equals, to the bit, the fit of a new estimator."""
    _require_determinism(subject)
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
    _require_determinism(subject)
    data = subject.data()
    fitted = subject.fit(data)
    expected = subject.answers(fitted, data)
    answers = subject.answers(subject.fit(data, estimator=clone(fitted)), data)
    subject.assert_equal(answers, expected, "fitted as a clone of the fitted", to_the_bit=True)


def check_partial_fit(subject: Subject) -> None:
    """Chunks, one after the other, are learnt and not forgotten, and reproducibly so."""
    if not hasattr(subject.estimator, "partial_fit"):
        raise SkipTest(f"{subject.name} has no partial_fit")
    _require_determinism(subject)
    data = subject.data()
    chunks = [data.take(chunk) for chunk in np.split(np.arange(N_SAMPLES), [8, 14])]
    classes = _classes_for_partial_fit(subject, data)

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
    if graded and all(_same_numbers(first[method], last[method]) for method in graded):
        raise AssertionError(
            f"{subject.name} answers after several calls of partial_fit as after the last of them "
            "alone: it forgets the chunks before."
        )


# --- copies of a fitted estimator --------------------------------------------------------------


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


# --- X is the caller's -------------------------------------------------------------------------


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
        X = map_arrays(subject.X(data.with_samples(np.copy), form), _read_only)
        fitted = subject.fit_to(subject.new(), X, data.y(form))
        subject.answers_to(fitted, X, data.lengths)


def check_dtypes(subject: Subject) -> None:
    """float32, float64 and integers are accepted; numbers are answered in finite floats."""
    data = subject.data()
    for dtype in (np.float32, np.float64, np.int64):
        scaled = data.with_samples(partial(_as_whole_numbers, dtype=dtype))
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
    sound = sample.dtype in (np.float32, np.float64) and _is_finite(sample)
    if method == "predict" and subject.targets != "numbers":
        # Of a classifier, a clusterer, a detector of outliers.
        sound = sample.dtype.kind in "iu"
    if not sound:
        raise AssertionError(
            f"{subject.name}.{method} answers X of dtype {dtype} with {sample!r} of dtype "
            f"{sample.dtype}; expected integer labels where such were fitted, and finite float32 "
            "or float64 otherwise."
        )


# --- what has to be refused --------------------------------------------------------------------


def check_n_channels(subject: Subject) -> None:
    """Other channels than in fit are refused with a ValueError that names both numbers."""
    n_channels = subject.capabilities.n_channels
    for form in subject.forms:
        if form in FORMS_WITH_NAMES and form != subject.form:
            continue  # may be refused by name, without a number
        data = subject.data(form)
        fitted = subject.fit(data, form)
        wider = data.with_samples(_one_more_channel)
        what = f"{n_channels + 1} channels after a fit on {n_channels} in the form {form!r}"
        with subject.refuses(what, n_channels, n_channels + 1):
            subject.answers(fitted, wider, form)


def check_mixed_n_channels(subject: Subject) -> None:
    """Sequences that differ in their number of channels are refused."""
    if subject.form not in ("list", "tuple", "object", "frames"):
        raise SkipTest(f"sequences in the form {subject.form!r} cannot differ in their channels")
    data = subject.data()
    wider = _one_more_channel(data.samples[5])
    _check_refused(subject, subject.form, {"a sequence of other channels than the first": wider})


def check_missing_values(subject: Subject) -> None:
    """NaN before a sequence's last step is no padding: it is refused."""
    if subject.tag("input_tags.allow_nan"):
        raise SkipTest(f"{subject.name} has the tag allow_nan")
    for form in subject.forms:
        sample = subject.data(form).samples[5]
        one, whole_step = sample.copy(), sample.copy()
        one[1, 0] = whole_step[1] = np.nan
        bad = {"a NaN inside a sequence": one, "a step of NaN inside a sequence": whole_step}
        _check_refused(subject, form, bad)


def check_infinite_values(subject: Subject) -> None:
    """Infinity is refused."""
    for form in subject.forms:
        infinite = subject.data(form).samples[5].copy()
        infinite[1, 0] = np.inf
        _check_refused(subject, form, {"an infinite value": infinite})


def check_empty_sequence(subject: Subject) -> None:
    """A sequence without a time step is refused."""
    for form in subject.forms:
        empty = subject.data(form).samples[5][:0]
        _check_refused(subject, form, {"a sequence without a time step": empty})


def check_no_sequences(subject: Subject) -> None:
    """X without a sequence is refused."""
    for form in subject.forms:
        data = subject.data(form)
        fitted = subject.fit(data, form)
        X, y = subject.X(data, form)[:0], data.y(form)
        with subject.refuses(f"X without a sequence in the form {form!r} at fit"):
            subject.fit_to(subject.new(), X, None if y is None else y[:0])
        with subject.refuses(f"X without a sequence in the form {form!r} when asked"):
            subject.answers_to(fitted, X, [])


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
            subject.answers(fitted, spoilt, form)


# --- scikit-learn's tools ----------------------------------------------------------------------


def check_cross_val_predict(subject: Subject) -> None:
    """cross_val_predict answers what fits by hand on its folds answer."""
    _require_determinism(subject)
    if not hasattr(subject.estimator, "predict"):
        raise SkipTest(f"{subject.name} has no predict")
    data, folds = subject.data(), KFold(3)
    X, y = subject.X(data), data.y(subject.form)
    predictions = cross_val_predict(subject.new(), X, y, cv=folds)
    by_hand: list[np.ndarray] = []
    for training, held_out in folds.split(X):
        fitted = subject.fit(data.take(training))
        by_hand += subject.answers(fitted, data.take(held_out))["predict"]
    answers = {"predict": subject.split(predictions)}
    subject.assert_equal(answers, {"predict": by_hand}, "asked by cross_val_predict")


def check_grid_search(subject: Subject) -> None:
    """GridSearchCV scores folds and refits as by hand."""
    _require_determinism(subject)
    if not hasattr(subject.estimator, "score") or subject.targets is None:
        raise SkipTest(f"{subject.name} has no score of targets")
    data, folds = subject.data(), KFold(3)
    X, y = subject.X(data), data.y(subject.form)
    search = GridSearchCV(subject.new(), {}, cv=folds, error_score="raise").fit(X, y)
    subject.assert_equal(
        subject.answers(search, data),
        subject.answers(subject.fit(data), data),
        "refitted by GridSearchCV",
    )
    training, held_out = (data.take(part) for part in next(folds.split(X)))
    score = subject.fit(training).score(subject.X(held_out), held_out.y(subject.form))
    if not np.isclose(search.cv_results_["split0_test_score"][0], score):
        raise AssertionError(
            f"GridSearchCV scores the first fold of {subject.name} with "
            f"{search.cv_results_['split0_test_score'][0]}, by hand the score is {score}."
        )


# --- helpers -----------------------------------------------------------------------------------


def _require_full_batch(subject: Subject) -> None:
    _require_determinism(subject)
    if not subject.capabilities.full_batch:
        raise SkipTest("full_batch=False is declared")


def _require_weights(subject: Subject) -> None:
    _require_full_batch(subject)
    if not has_fit_parameter(subject.estimator, "sample_weight"):
        raise SkipTest(f"{subject.name}.fit has no sample_weight")


def _require_determinism(subject: Subject) -> None:
    if subject.tag("non_deterministic"):
        raise SkipTest(f"{subject.name} has the tag non_deterministic")


def _require_step_targets(subject: Subject) -> None:
    if not subject.capabilities.step_targets:
        raise SkipTest("step_targets=True is not declared")
    if subject.targets is None:
        raise SkipTest(f"{subject.name} has no targets")


def _classes_for_partial_fit(subject: Subject, data: Data) -> dict[str, Any]:
    if "classes" not in signature(subject.estimator.partial_fit).parameters:
        return {}
    assert data.targets is not None
    return {"classes": np.unique(np.concatenate([np.atleast_1d(t) for t in data.targets]))}


class _global_random_state:
    """Seed numpy's global generator for a while; it goes on afterwards as if nothing had been."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def __enter__(self) -> None:
        self.state = np.random.get_state()  # noqa: NPY002
        np.random.seed(self.seed)  # noqa: NPY002

    def __exit__(self, *_: object) -> None:
        np.random.set_state(self.state)  # noqa: NPY002


def _padded(subject: Subject, data: Data, extra_steps: int = 0, fill: float = np.nan) -> np.ndarray:
    return AXIS_ORDERS[subject.capabilities.axis_order](pad(data.samples, extra_steps, fill))


def _amid_garbage(array: np.ndarray) -> np.ndarray:
    """The same numbers as a view with unusual strides, other ones on all sides."""
    around = np.full([2 * n + 3 for n in array.shape][::-1], 1e3, array.dtype).T
    view = around[tuple(slice(1, 2 * n + 1, 2) for n in array.shape)]
    view[...] = array
    return view


def _read_only(array: np.ndarray) -> np.ndarray:
    array.flags.writeable = False
    return array


def _as_whole_numbers(sample: np.ndarray, dtype: type) -> np.ndarray:
    return np.rint(8 * sample).astype(dtype)


def _one_more_channel(sample: np.ndarray) -> np.ndarray:
    return np.column_stack([sample, sample[:, 0]])


def _is_finite(sample: np.ndarray) -> bool:
    return sample.dtype.kind != "f" or bool(np.isfinite(sample).all())


def _same_numbers(one: list[np.ndarray], other: list[np.ndarray]) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def _joined(parts: list[Answers]) -> Answers:
    return {method: [s for part in parts for s in part[method]] for method in parts[0]}


def _taken(answers: Answers, indices: Any) -> Answers:
    return {method: [samples[i] for i in indices] for method, samples in answers.items()}


# name -> check, in the order in which they run.
CHECKS: dict[str, Callable[[Subject], None]] = {
    **{f"check_form_{form}": partial(check_form, form=form) for form in FORMS},
    **{
        check.__name__: check
        for check in (
            check_padding_amount,
            check_padding_content,
            check_memory_layout,
            check_feature_names,
            check_batch_mates,
            check_predict_order,
            check_predict_twice,
            check_new_lengths,
            check_step_answers,
            check_step_targets_of_other_lengths,
            check_fit_order,
            check_sample_weight_is_repetition,
            check_zero_weight_is_absence,
            check_random_state,
            check_global_random_state,
            check_refit,
            check_clone,
            check_partial_fit,
            check_pickle,
            check_joblib,
            check_memory_map,
            check_X_is_not_modified,
            check_read_only_X,
            check_dtypes,
            check_n_channels,
            check_mixed_n_channels,
            check_missing_values,
            check_infinite_values,
            check_empty_sequence,
            check_no_sequences,
            check_cross_val_predict,
            check_grid_search,
        )
    },
}
