"""The report of a diagnosis: findings that can be read, printed, and applied."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape
from textwrap import fill
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import make_pipeline

from skrnn._html import badge, card, code, facts, folded
from skrnn._innermost import innermost, inside, is_search
from skrnn._shown import python_value
from skrnn.preprocessing import SequenceScaler

SEVERITIES = ("problem", "warning", "info")


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, or worth knowing.

    Parameters
    ----------
    name : str
        What it is, such as "vanishing gradient".
    severity : {"problem", "warning", "info"}
        "problem": it keeps the network from learning. "warning": it may, or the network could
        do better. "info": it is present, but the network learns all the same.
    message : str
        What was seen and what it means.
    remedy : str
        What to do.
    evidence : dict of str to object
        The numbers, by name.
    parameters : dict of str to object
        The remedy as parameters of the recurrent estimator itself, for its `set_params`; `apply`
        finds it inside a Pipeline. Empty where the remedy is none of its parameters.
    preprocessing : str or None
        Name of the transformer of `skrnn.preprocessing` to put in front of the estimator.

    Notes
    -----
    NumPy scalars in `evidence` and `parameters` become numbers and strs of Python.
    """

    name: str
    severity: str
    message: str
    remedy: str
    evidence: dict[str, Any] = field(default_factory=dict)
    parameters: dict[str, Any] = field(default_factory=dict)
    preprocessing: str | None = None

    def __post_init__(self) -> None:
        for name in ("evidence", "parameters"):
            object.__setattr__(self, name, python_value(getattr(self, name)))

    def apply(self, est: Any) -> Any:
        """Return an unfitted copy of `est` with the remedy applied.

        Parameters
        ----------
        est : RNNClassifier, RNNRegressor, or a Pipeline, search or other wrapper of one
            What was diagnosed; not changed.

        Returns
        -------
        estimator
            A copy with other parameters, or a Pipeline with the transformer in front. A search is
            replaced by its best estimator (by the one it was given if it is not fitted), a
            FrozenEstimator by the estimator inside.
        """
        changed = self._copy(est)
        if self.preprocessing is None:
            return changed
        return make_pipeline(SequenceScaler(n_channels=innermost(est).n_channels), changed)

    def _copy(self, est: Any) -> Any:
        """Copy an estimator and the wrappers around it, with the parameters changed inside."""
        inner = inside(est)
        if inner is None:
            return clone(est).set_params(**self.parameters)
        if isinstance(est, FrozenEstimator) or is_search(est):
            return self._copy(inner)
        if hasattr(est, "steps"):
            name = est.steps[-1][0]
        else:
            name = "regressor" if "regressor" in est.get_params(deep=False) else "estimator"
        return clone(est).set_params(**{name: self._copy(inner)})


@dataclass(frozen=True)
class Report:
    """The findings of `diagnose`, the most severe first.

    It prints as text and shows as a card in a notebook; ``report[0]`` is the first finding.

    Parameters
    ----------
    findings : tuple of Finding
        Sorted by severity, then from cause to consequence.
    measurements : dict of str to object
        What was measured, whether there is a finding or not.
    title : str
        What was looked at.
    notes : tuple of str, default=()
        What was not looked for, and why.
    recurrent : str, default="est"
        How a line of Python reaches the recurrent estimator in `est`, what was diagnosed:
        ``"est[-1]"`` of a Pipeline.
    """

    findings: tuple[Finding, ...]
    measurements: dict[str, Any]
    title: str
    notes: tuple[str, ...] = ()
    recurrent: str = "est"

    @property
    def healthy(self) -> bool:
        """Whether there is neither a problem nor a warning."""
        return all(finding.severity == "info" for finding in self.findings)

    def __len__(self) -> int:
        return len(self.findings)

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)

    def __getitem__(self, index: int) -> Finding:
        return self.findings[index]

    def __str__(self) -> str:
        lines = [self.title, "=" * len(self.title), self._summary(), *self.notes, ""]
        for number, finding in enumerate(self.findings, start=1):
            lines += [f"{number}. {finding.name} ({finding.severity})", _wrapped(finding.message)]
            if finding.evidence:
                lines.append(_wrapped(f"Evidence: {_listed(finding.evidence)}."))
            lines.append(_wrapped(f"Remedy: {finding.remedy}"))
            lines += [f"       {line}" for line in _code(finding, self.recurrent)]
            lines.append("")
        return "\n".join(lines).rstrip()

    def __repr__(self) -> str:
        # What a console shows of a last line: the fields say the same, and cannot be read.
        return str(self)

    def _repr_html_(self) -> str:
        notes = "".join(f"<p>{escape(note)}</p>" for note in self.notes)
        findings = "".join(_finding_html(finding, self.recurrent) for finding in self.findings)
        measured = folded("What was measured", facts(_measured(self.measurements)))
        kind = "healthy" if self.healthy else self.findings[0].severity
        return card(self.title, f"{notes}{findings}{measured}", badges=[(kind, self._summary())])

    def _summary(self) -> str:
        # Where something was not looked for, more cannot be said.
        healthy = "No fault was found" if self.notes else "Nothing is wrong"
        if not self.findings:
            return f"{healthy}."
        counts = [
            (sum(finding.severity == severity for finding in self.findings), severity)
            for severity in SEVERITIES
        ]
        listed = ", ".join(
            f"{n} {severity}{'s' if n > 1 and severity != 'info' else ''}"
            for n, severity in counts
            if n
        )
        return f"{healthy} ({listed})." if self.healthy else f"Found {listed}."


def _finding_html(finding: Finding, recurrent: str) -> str:
    """Return a finding with its numbers beside what it says."""
    lines = "".join(code(line) for line in _code(finding, recurrent))
    words = (
        f"<p>{escape(finding.message)}</p>"
        f'<div class="skrnn-label">Remedy</div><p>{escape(finding.remedy)}</p>{lines}'
    )
    numbers = facts({name: _shown(value) for name, value in finding.evidence.items()})
    if numbers:
        numbers = (
            f'<div class="skrnn-numbers"><div class="skrnn-label">Evidence</div>{numbers}</div>'
        )
    return (
        f'<details class="skrnn-finding" open><summary>{badge(finding.severity, finding.severity)}'
        f'<span class="skrnn-name">{escape(finding.name)}</span></summary>'
        f'<div class="skrnn-sides"><div class="skrnn-words">{words}</div>{numbers}</div></details>'
    )


def _measured(measurements: dict[str, Any]) -> dict[str, str]:
    """Return measurements under names that can be read, one line for each."""
    return {name.replace("_", " "): _as_line(value) for name, value in measurements.items()}


def _as_line(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_as_line(item)}" for name, item in value.items())
    if isinstance(value, list | tuple | np.ndarray):
        return "; ".join(_as_line(item) for item in value)
    return _shown(python_value(value))


def _listed(evidence: dict[str, Any]) -> str:
    return ", ".join(f"{name} = {_shown(value)}" for name, value in evidence.items())


def _shown(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _code(finding: Finding, recurrent: str) -> list[str]:
    """Return the remedy as lines of Python."""
    lines = []
    if finding.preprocessing is not None:
        lines.append(f"make_pipeline({finding.preprocessing}(), est)")
    if finding.parameters:
        lines.append(f"{recurrent}.set_params({code_of(finding.parameters)})")
    return lines


def code_of(parameters: dict[str, Any]) -> str:
    """Return parameters as a call in Python has them."""
    return ", ".join(f"{name}={_literal(value)}" for name, value in parameters.items())


def _literal(value: Any) -> str:
    """Return a value as Python reads it again."""
    value = python_value(value)
    return "float('inf')" if isinstance(value, float) and value == float("inf") else repr(value)


def _wrapped(text: str) -> str:
    return fill(text, width=88, initial_indent="   ", subsequent_indent="   ")
