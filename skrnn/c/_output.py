"""From the raw prediction to the answer, in C: probabilities and a class, or numbers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass
class Answer:
    """What ``step`` writes and returns.

    Attributes
    ----------
    size : int
        Numbers that it writes.
    returns : str
        Type that it returns in C.
    description : str
        For the comment at the top.
    """

    size: int
    returns: str
    description: str

    def constants(self) -> dict[str, np.ndarray]:
        """Return names and values of the arrays that `body` reads."""
        return {}

    def functions(self, P: str) -> Iterator[str]:
        """Yield further functions of the header."""
        yield from ()

    def body(self, P: str, raw: str) -> str:
        """Return the lines from the raw prediction, which begins at the pointer `raw`, to y."""
        raise NotImplementedError


@dataclass
class ClassAnswer(Answer):
    """The probability of every class, and the index of the one that is predicted.

    Attributes
    ----------
    labels : list of str
        The classes in words.
    """

    labels: list[str]

    def functions(self, P: str) -> Iterator[str]:
        labels = ", ".join(_string(label) for label in self.labels)
        yield (
            f"/* The label of a class, by its index. */\n"
            f"static inline const char *{P}_label(int i) {{\n"
            f"    static const char *const labels[{self.size}] = {{{labels}}};\n"
            f"    return labels[i];\n}}\n"
        )

    def body(self, P: str, raw: str) -> str:
        if self.size == 1:
            return "    y[0] = 1.0f;\n    return 0;\n"
        if self.size == 2:
            return (
                f"    y[0] = {P}_logistic(-({raw})[0]);\n    y[1] = {P}_logistic(({raw})[0]);\n"
                f"    return ({raw})[0] > 0.0f;\n"
            )
        return (
            f"    {{\n        const float *r = {raw};\n        float total = 0.0f;\n"
            f"        int best = 0;\n"
            f"        for (j = 1; j < {self.size}; j++)\n"
            f"            if (r[j] > r[best]) best = j;\n"
            f"        for (j = 0; j < {self.size}; j++) total += y[j] = expf(r[j] - r[best]);\n"
            f"        for (j = 0; j < {self.size}; j++) y[j] /= total;\n"
            f"        return best;\n    }}\n"
        )


@dataclass
class LabelsAnswer(Answer):
    """The probability of every yes-or-no label."""

    def body(self, P: str, raw: str) -> str:
        return f"    for (j = 0; j < {self.size}; j++) y[j] = {P}_logistic(({raw})[j]);\n"


@dataclass
class NumberAnswer(Answer):
    """Numbers on the scale of the targets.

    Attributes
    ----------
    function : str
        Of the link in C, around the raw prediction.
    factor, location : ndarray of shape (n_outputs,)
        What the result is multiplied by, and what is added.
    """

    function: str
    factor: np.ndarray
    location: np.ndarray

    def constants(self) -> dict[str, np.ndarray]:
        return {"y_factor": self.factor, "y_location": self.location}

    def body(self, P: str, raw: str) -> str:
        return (
            f"    for (j = 0; j < {self.size}; j++)\n"
            f"        y[j] = {P}_y_factor[j] * {self.function}(({raw})[j]) + {P}_y_location[j];\n"
        )


LINKS = {"identity": "", "exponential": "expf"}


def answer_of(targets: Any, name: str) -> Answer:
    """Return the answer of an estimator's targets.

    Raises
    ------
    ValueError
        If there is a loss that is not written in C.
    """
    if hasattr(targets, "probabilities"):
        n = targets.n_classes
        if targets.multilabel:
            return LabelsAnswer(n, "void", f"the probabilities of {n} labels.")
        labels = [str(label) for label in targets.classes.tolist()]
        what = f"the probabilities of {n} classes; step returns the index of the predicted one."
        return ClassAnswer(n, "int", what, labels)
    scale, link = targets.target_scale, targets.loss.link.out_activation
    if link not in LINKS or not _is_scaled_link(targets):
        raise ValueError(
            f"This {name} cannot be written in C, which has losses whose prediction is a number "
            f"for every output, not loss={targets.loss!r}."
        )
    varies = np.isnan(scale.constant)
    factor, location = np.where(varies, scale.divisor, 0), np.where(varies, scale.location, 0)
    location = np.where(varies, location, scale.constant)
    n = len(factor)
    description = f"{n} predicted number{'s' if n > 1 else ''}."
    return NumberAnswer(n, "void", description, LINKS[link], factor, location)


def _is_scaled_link(targets: Any) -> bool:
    """Tell whether predictions are raw ones through the link, scaled, and nothing else."""
    scale = targets.target_scale
    raw = np.random.RandomState(0).normal(size=(5, targets.n_outputs))
    known = np.exp(raw) if targets.loss.link.out_activation == "exponential" else raw
    if known.shape[1:] != scale.divisor.shape:
        return False
    expected = np.where(
        np.isnan(scale.constant), known * scale.divisor + scale.location, scale.constant
    )
    given = np.asarray(targets.decode(raw), np.float64)
    return given.size == expected.size and np.allclose(given.reshape(expected.shape), expected)


def _string(text: str) -> str:
    """Return a string constant of C: bytes beyond printable ASCII in octal."""
    inside = "".join(
        chr(byte) if 32 <= byte < 127 and byte not in b'"\\?' else f"\\{byte:03o}"
        for byte in text.encode("utf-8")
    )
    return f'"{inside}"'
