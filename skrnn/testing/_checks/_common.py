"""What the checks share: reasons to skip one, and ways to change sequences."""

from __future__ import annotations

from inspect import signature
from typing import Any
from unittest import SkipTest

import numpy as np
from sklearn.utils.validation import has_fit_parameter

from skrnn.testing._forms import (
    AXIS_ORDERS,
    N_SAMPLES,
    Data,
    pad,
)
from skrnn.testing._subject import Answers, Subject

SHUFFLED = np.random.RandomState(1).permutation(N_SAMPLES)
# Exact algebra but for the order of summation.
ROUNDING = 1e-10


def require_full_batch(subject: Subject) -> None:
    require_determinism(subject)
    if not subject.capabilities.full_batch:
        raise SkipTest("full_batch=False is declared")


def require_weights(subject: Subject) -> None:
    require_full_batch(subject)
    if not has_fit_parameter(subject.estimator, "sample_weight"):
        raise SkipTest(f"{subject.name}.fit has no sample_weight")


def require_determinism(subject: Subject) -> None:
    if subject.tag("non_deterministic"):
        raise SkipTest(f"{subject.name} has the tag non_deterministic")


def require_step_targets(subject: Subject) -> None:
    if not subject.capabilities.step_targets:
        raise SkipTest("step_targets=True is not declared")
    if subject.targets is None:
        raise SkipTest(f"{subject.name} has no targets")


def classes_for_partial_fit(subject: Subject, data: Data) -> dict[str, Any]:
    if "classes" not in signature(subject.estimator.partial_fit).parameters:
        return {}
    assert data.targets is not None
    return {"classes": np.unique(np.concatenate([np.atleast_1d(t) for t in data.targets]))}


class global_random_state:
    """Seed numpy's global generator for a while; it goes on afterwards as if nothing had been."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def __enter__(self) -> None:
        self.state = np.random.get_state()  # noqa: NPY002
        np.random.seed(self.seed)  # noqa: NPY002

    def __exit__(self, *_: object) -> None:
        np.random.set_state(self.state)  # noqa: NPY002


def padded(subject: Subject, data: Data, extra_steps: int = 0, fill: float = np.nan) -> np.ndarray:
    return AXIS_ORDERS[subject.capabilities.axis_order](pad(data.samples, extra_steps, fill))


def amid_garbage(array: np.ndarray) -> np.ndarray:
    """The same numbers as a view with unusual strides, other ones on all sides."""
    around = np.full([2 * n + 3 for n in array.shape][::-1], 1e3, array.dtype).T
    view = around[tuple(slice(1, 2 * n + 1, 2) for n in array.shape)]
    view[...] = array
    return view


def read_only(array: np.ndarray) -> np.ndarray:
    array.flags.writeable = False
    return array


def as_whole_numbers(sample: np.ndarray, dtype: type) -> np.ndarray:
    return np.rint(8 * sample).astype(dtype)


def one_more_channel(sample: np.ndarray) -> np.ndarray:
    return np.column_stack([sample, sample[:, 0]])


def is_finite(sample: np.ndarray) -> bool:
    return sample.dtype.kind != "f" or bool(np.isfinite(sample).all())


def same_numbers(one: list[np.ndarray], other: list[np.ndarray]) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def joined(parts: list[Answers]) -> Answers:
    return {method: [s for part in parts for s in part[method]] for method in parts[0]}


def taken(answers: Answers, indices: Any) -> Answers:
    return {method: [samples[i] for i in indices] for method, samples in answers.items()}
