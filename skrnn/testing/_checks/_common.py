"""What the checks share: reasons to skip one, and ways to change sequences."""

from __future__ import annotations

from inspect import signature
from numbers import Real
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
    if subject.kind == "clusterer":
        raise SkipTest(f"{subject.name} is a clusterer: the numbering of its labels is arbitrary")
    draws = [name for name, value in subject.estimator.get_params().items() if _draws(name, value)]
    if draws:
        raise SkipTest(f"{subject.name} draws samples by their number: {', '.join(draws)}")


def _draws(name: str, value: Any) -> bool:
    """Whether a parameter lets an estimator choose samples by their number."""
    match name.rpartition("__")[2]:
        case "bootstrap" | "early_stopping":
            return value is True
        case "subsample":
            return isinstance(value, Real) and value < 1
        case "max_samples":
            return value is not None
        case "cv":
            return value != "prefit"
    return False


def require_weights(subject: Subject) -> None:
    require_full_batch(subject)
    if has_fit_parameter(subject.estimator, "sample_weight"):
        return
    if not has_keywords(subject.estimator.fit):
        raise SkipTest(f"{subject.name}.fit has no sample_weight")
    data = subject.data()
    weight = np.where(np.arange(N_SAMPLES) < N_SAMPLES // 2, 1.0, 9.0)
    try:
        weighted = subject.answers(subject.fit(data, sample_weight=weight), data)
    except Exception as error:
        raise SkipTest(f"{subject.name}.fit takes no sample_weight: {error}") from error
    plain = subject.answers(subject.fit(data), data)
    if all(same_numbers(weighted[method], plain[method]) for method in plain):
        raise SkipTest(f"{subject.name}.fit takes any keyword, and does nothing with sample_weight")


def require_validation(subject: Subject) -> None:
    if subject.tag("no_validation"):
        raise SkipTest(f"{subject.name} has the tag no_validation")


def has_keywords(method: Any) -> bool:
    """Whether a method takes keywords that its signature does not name."""
    try:
        parameters = signature(method).parameters.values()
    except (TypeError, ValueError):  # of a compiled one
        return False
    return any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters)


def require_determinism(subject: Subject) -> None:
    if subject.tag("non_deterministic"):
        raise SkipTest(f"{subject.name} has the tag non_deterministic")


def require_step_targets(subject: Subject) -> None:
    if not subject.capabilities.step_targets:
        raise SkipTest("step_targets=True is not declared")
    if subject.targets is None:
        raise SkipTest(f"{subject.name} has no targets")


def classes_for_partial_fit(subject: Subject, data: Data) -> dict[str, Any]:
    method = subject.estimator.partial_fit
    is_classifier = subject.kind == "classifier"
    takes_classes = _names(method, "classes") or (is_classifier and has_keywords(method))
    if subject.targets != "classes" or data.targets is None or not takes_classes:
        return {}
    return {"classes": np.unique(np.concatenate([np.atleast_1d(t) for t in data.targets]))}


def _names(method: Any, name: str) -> bool:
    """Whether a method has a parameter of that name."""
    try:
        return name in signature(method).parameters
    except (TypeError, ValueError):  # of a compiled one
        return False


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


def same_numbers(one: list[np.ndarray], other: list[np.ndarray]) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def joined(parts: list[Answers]) -> Answers:
    return {method: [s for part in parts for s in part[method]] for method in parts[0]}


def taken(answers: Answers, indices: Any) -> Answers:
    return {method: [samples[i] for i in indices] for method, samples in answers.items()}
