"""The report of a diagnosis: findings that can be read, printed, and applied."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape
from textwrap import fill
from typing import Any

from sklearn.base import clone
from sklearn.pipeline import make_pipeline

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
        do better. "info": it is there, but the network learns all the same.
    message : str
        What was seen and what it means.
    remedy : str
        What to do.
    evidence : dict of str to object
        The numbers, by name.
    parameters : dict of str to object
        The remedy as parameters: ``est.set_params(**finding.parameters)``. Empty where it is
        none of the estimator's parameters.
    preprocessing : str or None
        Name of the transformer of `skrnn.preprocessing` to put in front of the estimator.
    """

    name: str
    severity: str
    message: str
    remedy: str
    evidence: dict[str, Any] = field(default_factory=dict)
    parameters: dict[str, Any] = field(default_factory=dict)
    preprocessing: str | None = None

    def apply(self, est: Any) -> Any:
        """Return an unfitted copy of `est` with the remedy applied.

        Parameters
        ----------
        est : RNNClassifier, RNNRegressor or Pipeline
            What was diagnosed; not changed.

        Returns
        -------
        estimator
            A copy with other parameters, or a Pipeline with the transformer in front.
        """
        est = clone(getattr(est, "best_estimator_", est))
        last = est[-1] if hasattr(est, "steps") else est
        last.set_params(**self.parameters)
        if self.preprocessing is None:
            return est
        return make_pipeline(SequenceScaler(n_channels=last.n_channels), est)


@dataclass(frozen=True)
class Report:
    """What `diagnose` found, the gravest first.

    It prints as text and shows as a table in a notebook; ``report[0]`` is the first finding.

    Parameters
    ----------
    findings : tuple of Finding
        Sorted by severity, then from cause to consequence.
    measurements : dict of str to object
        What was measured, whether there is a finding or not.
    title : str
        What was looked at.
    """

    findings: tuple[Finding, ...]
    measurements: dict[str, Any]
    title: str

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
        lines = [self.title, "=" * len(self.title), self._summary(), ""]
        for number, finding in enumerate(self.findings, start=1):
            lines += [f"{number}. {finding.name} ({finding.severity})", _wrapped(finding.message)]
            if finding.evidence:
                lines.append(_wrapped(f"Evidence: {_listed(finding.evidence)}."))
            lines.append(_wrapped(f"Remedy: {finding.remedy}"))
            lines += [f"       {line}" for line in _code(finding)]
            lines.append("")
        return "\n".join(lines).rstrip()

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td><b>{escape(finding.name)}</b><br><i>{finding.severity}</i></td>"
            f"<td style='text-align:left'>{escape(finding.message)}<br>"
            f"<small>{escape(_listed(finding.evidence))}</small></td>"
            f"<td style='text-align:left'>{escape(finding.remedy)}"
            f"{''.join(f'<br><code>{escape(line)}</code>' for line in _code(finding))}</td></tr>"
            for finding in self.findings
        )
        head = "<tr><th>Finding</th><th>What was seen</th><th>Remedy</th></tr>"
        table = f"<table><thead>{head}</thead><tbody>{rows}</tbody></table>" if rows else ""
        return f"<h4>{escape(self.title)}</h4><p>{escape(self._summary())}</p>{table}"

    def _summary(self) -> str:
        if not self.findings:
            return "Nothing is wrong: no fault was found."
        counts = [
            (sum(finding.severity == severity for finding in self.findings), severity)
            for severity in SEVERITIES
        ]
        listed = ", ".join(
            f"{n} {severity}{'s' if n > 1 and severity != 'info' else ''}"
            for n, severity in counts
            if n
        )
        return f"Nothing is wrong ({listed})." if self.healthy else f"Found {listed}."


def _listed(evidence: dict[str, Any]) -> str:
    return ", ".join(f"{name} = {_shown(value)}" for name, value in evidence.items())


def _shown(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _code(finding: Finding) -> list[str]:
    """Return the remedy as lines of Python."""
    code = []
    if finding.preprocessing is not None:
        code.append(f"make_pipeline({finding.preprocessing}(), est)")
    if finding.parameters:
        listed = ", ".join(f"{name}={value!r}" for name, value in finding.parameters.items())
        code.append(f"est.set_params({listed})")
    return code


def _wrapped(text: str) -> str:
    return fill(text, width=88, initial_indent="   ", subsequent_indent="   ")
