"""An estimator under test, and what two of its answers have to have in common."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from importlib.util import find_spec
from typing import Any
from unittest import SkipTest

import numpy as np
import pandas as pd
from scipy.sparse import issparse

from skrnn.testing._described import Described
from skrnn.testing._forms import AXIS_ORDERS, FORMS, Capabilities, Data, in_form, make_data

# Whichever of these an estimator has is asked.
METHODS = ("predict", "predict_proba", "decision_function", "transform")

# rtol by the precision of an answer, as in scikit-learn's own checks; atol is a hundredth of it.
TOLERANCES = {np.dtype(np.float64): 1e-7, np.dtype(np.float32): 1e-4}

# method -> one array for each sequence.
Answers = dict[str, list[np.ndarray]]


class Subject(Described):
    """An estimator under test: makes data in its forms, fits clones of it, asks them.

    Parameters
    ----------
    estimator : estimator instance
        Not fitted itself, only clones of it.
    capabilities : Capabilities
        What it claims.
    refusals : dict of str to (str or None), default=None
        What other checks have found out about the forms; what this one finds out is added.
    """

    def __init__(
        self,
        estimator: Any,
        capabilities: Capabilities,
        refusals: dict[str, str | None] | None = None,
    ) -> None:
        super().__init__(estimator, capabilities)
        self._refusals = {} if refusals is None else refusals

    # --- data ----------------------------------------------------------------------------------

    @cached_property
    def ragged(self) -> Data:
        """Sequences of different lengths."""
        return self._make_data(self.capabilities, equal_lengths=False)

    @cached_property
    def equal(self) -> Data:
        """Sequences of one length."""
        return self._make_data(self.capabilities, equal_lengths=True)

    def data(self, *forms: str) -> Data:
        """Data that can be given in all of these forms (by default in `self.form`)."""
        return self.equal if "3d" in (forms or (self.form,)) else self.ragged

    def other_data(self, *, extra_steps: int = 0) -> Data:
        """Sequences of other values, and longer by so many steps, that go into `self.form`."""
        longer = replace(self.capabilities, min_length=self.capabilities.min_length + extra_steps)
        return self._make_data(longer, equal_lengths=self.form == "3d", seed=1)

    def _make_data(self, capabilities: Capabilities, **how: Any) -> Data:
        return make_data(self.targets, capabilities, positive=self.positive_only, **how)

    def X(self, data: Data, form: str | None = None) -> Any:
        """The sequences of `data` in a form, by default in `self.form`."""
        return in_form(data.samples, form or self.form, self.capabilities.axis_order)

    # --- forms ---------------------------------------------------------------------------------

    def refusal(self, form: str) -> str | None:
        """Why the form is not to be checked; None where the estimator claims or takes it."""
        if form not in self._refusals:
            self._refusals[form] = self._find_refusal(form)
        return self._refusals[form]

    def _find_refusal(self, form: str) -> str | None:
        if form == "arrow" and find_spec("pyarrow") is None:
            return "pyarrow is not installed"
        if not self.declares(form) and self.capabilities.forms is not None:
            return "it is not among the declared forms"
        try:
            self.try_form(form)
        except Exception as error:
            # Whatever an estimator throws at a form that it does not know is a refusal.
            said = f"{type(error).__name__}: {error}"
            return f"see check_form_{form}: {said}" if self.declares(form) else said
        return None

    def declares(self, form: str) -> bool:
        """Whether the form is among those that are declared."""
        return self.capabilities.forms is not None and form in self.capabilities.forms

    def breaks_its_word(self, form: str) -> bool:
        """Whether the estimator refuses a form that is declared."""
        return self.declares(form) and (self.refusal(form) or "").startswith("see ")

    def try_form(self, form: str) -> None:
        """Fit and ask in one form; raises whatever the estimator raises."""
        data = self.data(form)
        self.answers(self.fit(data, form), data, form)

    @cached_property
    def form(self) -> str:
        """The form of checks that need only one."""
        for form in FORMS:
            if self.refusal(form) is None:
                return form
        # Said once, and not by every check.
        reason = "; ".join(self.refusal(form) or "" for form in FORMS if self.declares(form))
        raise SkipTest(f"{self.name} takes no sequences: {reason or 'see check_takes_sequences'}")

    @property
    def forms(self) -> list[str]:
        """All forms to check, `form` first."""
        return [self.form, *(f for f in FORMS if f != self.form and self.refusal(f) is None)]

    def require_form(self, form: str) -> None:
        """Skip the check unless the estimator takes the form."""
        reason = self.refusal(form)
        if reason is not None:
            raise SkipTest(f"{self.name} is not checked on the form {form!r}: {reason}")

    # --- the estimator -------------------------------------------------------------------------

    def fit(
        self, data: Data, form: str | None = None, *, estimator: Any = None, **fit_params: Any
    ) -> Any:
        """Fit a new clone, or the estimator given."""
        form = form or self.form
        estimator = self.new() if estimator is None else estimator
        return self.fit_to(estimator, self.X(data, form), data.y(form), **fit_params)

    @staticmethod
    def fit_to(estimator: Any, X: Any, y: Any, **fit_params: Any) -> Any:
        """Fit with or without targets."""
        targets = () if y is None else (y,)
        estimator.fit(X, *targets, **fit_params)
        return estimator

    def answers(
        self, fitted: Any, data: Data, form: str | None = None, *, to: str = "a finite sequence"
    ) -> Answers:
        """What a fitted estimator answers to every sequence; to finite ones, finite numbers."""
        return self.answers_to(fitted, self.X(data, form), data.lengths, to=to)

    def answers_to(
        self, fitted: Any, X: Any, lengths: Sequence[int], *, to: str = "a finite sequence"
    ) -> Answers:
        """The same for an `X` made by hand."""
        answers = {
            method: self._by_sample(method, answer, lengths)
            for method, answer in self.ask(fitted, X).items()
        }
        for method, samples in answers.items():
            for i, sample in enumerate(samples):
                if not _is_finite(sample):
                    raise AssertionError(
                        f"{self.name}.{method} answers {to} (number {i}) with NaN or infinity: "
                        f"{sample!r}"
                    )
        return answers

    def ask(self, fitted: Any, X: Any) -> dict[str, Any]:
        """Whatever a fitted estimator says, in its own form."""
        methods = [method for method in METHODS if hasattr(fitted, method)]
        if not methods:
            raise AssertionError(f"{self.name} has none of the methods {', '.join(METHODS)}.")
        return {method: getattr(fitted, method)(X) for method in methods}

    def _by_sample(self, method: str, answer: Any, lengths: Sequence[int]) -> list[np.ndarray]:
        samples = self.split(answer)
        if len(samples) != len(lengths):
            raise AssertionError(
                f"{self.name}.{method} answers {len(lengths)} sequences with {len(samples)} items."
            )
        return [
            self._without_padding(method, sample, length)
            for sample, length in zip(samples, lengths, strict=True)
        ]

    def _without_padding(self, method: str, sample: np.ndarray, length: int) -> np.ndarray:
        """The answer to one sequence, cut to its length where it has one entry a time step."""
        if method == "transform":
            if sample.ndim != 2:
                return sample
            time_first = self.capabilities.axis_order == "time_first"
            return sample[:length] if time_first else sample[:, :length]
        return sample[:length] if self.capabilities.step_targets and sample.ndim else sample

    def split(self, answer: Any) -> list[np.ndarray]:
        """One array for each sequence, from an answer in any form."""
        layout = AXIS_ORDERS[self.capabilities.axis_order]
        if issparse(answer):
            answer = answer.toarray()
        if isinstance(answer, pd.DataFrame):
            rows = answer.itertuples(index=False, name=None)
            samples = [_side_by_side(row) for row in rows]
            return [layout(sample) if sample.ndim == 2 else sample for sample in samples]
        return [
            layout(sample.to_numpy()) if isinstance(sample, pd.DataFrame) else np.asarray(sample)
            for sample in answer
        ]

    # --- assertions ----------------------------------------------------------------------------

    def assert_equal(
        self,
        actual: Answers,
        expected: Answers,
        when: str,
        *,
        to_the_bit: bool = False,
        tolerance: float | None = None,
    ) -> None:
        """Raise AssertionError unless the answers to all sequences are the same.

        `tolerance` is relative and absolute, and holds for answers in float64; None takes that
        of `TOLERANCES`, and other precisions never less.
        """
        for method, samples in expected.items():
            for i, (one, other) in enumerate(zip(actual[method], samples, strict=True)):
                same = _identical(one, other) if to_the_bit else _close(one, other, tolerance)
                if not same:
                    raise AssertionError(
                        f"{self.name}.{method} answers sequence {i} with {one!r} when {when}, and "
                        f"otherwise with {other!r}."
                    )

    @contextmanager
    def refuses(self, what: str, *mentions: int) -> Iterator[None]:
        """Raise AssertionError unless the body raises a ValueError that mentions these numbers."""
        try:
            yield
        except ValueError as error:
            unsaid = [str(n) for n in mentions if not re.search(rf"(?<!\d){n}(?!\d)", str(error))]
            if unsaid:
                raise AssertionError(
                    f"{self.name} refuses {what} with a message that does not name "
                    f"{' and '.join(unsaid)}: {error}"
                ) from error
        except Exception as error:
            raise AssertionError(
                f"{self.name} refuses {what} with {type(error).__name__} in place of ValueError: "
                f"{error}"
            ) from error
        else:
            raise AssertionError(f"{self.name} accepts {what}; expected a ValueError.")


def _side_by_side(row: Sequence[Any]) -> np.ndarray:
    """The cells of a row, without single values that stand beside sequences."""
    cells = [np.asarray(cell) for cell in row]
    sequences = [cell for cell in cells if cell.ndim]
    return np.stack(sequences or cells, axis=-1)


def _is_finite(sample: np.ndarray) -> bool:
    return sample.dtype.kind != "f" or bool(np.isfinite(sample).all())


def _identical(actual: np.ndarray, expected: np.ndarray) -> bool:
    if (actual.dtype, actual.shape) != (expected.dtype, expected.shape):
        return False
    return np.array_equal(actual, expected)


def _close(actual: np.ndarray, expected: np.ndarray, tolerance: float | None) -> bool:
    if actual.shape != expected.shape:
        return False
    if actual.dtype.kind != "f" or expected.dtype.kind != "f":
        return np.array_equal(actual, expected)
    rtol = max(TOLERANCES.get(array.dtype, 1e-4) for array in (actual, expected))
    atol = rtol / 100
    if tolerance is not None:
        in_double = rtol == TOLERANCES[np.dtype(np.float64)]
        rtol = atol = tolerance if in_double else max(tolerance, rtol)
    return np.allclose(actual, expected, rtol=rtol, atol=atol)
