"""What notebooks show: cards of facts, and the parameters of estimators with what they mean."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape
from itertools import count
from typing import Any

# No colour of text or background is set but where both are: a card is as light or as dark as the
# page that it is on, whatever that page is (JupyterLab, VS Code, the site), and nothing has to
# find out which. Tints are thin layers of grey, which both bear.
STYLE = """
.skrnn-display {font-size: 0.93em; line-height: 1.45; max-width: 60rem; color: inherit}
.skrnn-display .skrnn-head {display: flex; flex-wrap: wrap; gap: .3em .7em; align-items: baseline;
  margin-bottom: .4em}
.skrnn-display .skrnn-title {font-weight: 600; font-size: 1.1em}
.skrnn-display p {margin: .25em 0}
.skrnn-display .skrnn-badge {display: inline-block; border-radius: .8em; padding: 0 .7em;
  font-size: .85em; font-weight: 600; color: #fff; white-space: nowrap}
.skrnn-display .skrnn-problem {background: #b3261e}
.skrnn-display .skrnn-warning {background: #8a5300}
.skrnn-display .skrnn-info {background: #2a5f9e}
.skrnn-display .skrnn-healthy {background: #1d6b3c}
.skrnn-display .skrnn-finding {border: 1px solid rgba(128, 128, 128, .4); border-radius: .4em;
  margin: .5em 0; padding: .5em .8em}
.skrnn-display .skrnn-finding > summary, .skrnn-display details > summary {cursor: pointer;
  display: list-item}
.skrnn-display .skrnn-name {font-weight: 600; margin-left: .3em}
.skrnn-display .skrnn-sides {display: flex; flex-wrap: wrap; gap: .3em 2em; margin-top: .4em}
.skrnn-display .skrnn-words {flex: 3 1 20rem; min-width: 0}
.skrnn-display .skrnn-numbers {flex: 1 1 14rem; min-width: 0}
.skrnn-display .skrnn-label {font-size: .8em; letter-spacing: .04em; text-transform: uppercase;
  opacity: .75; margin-top: .4em}
.skrnn-display .skrnn-code {display: flex; align-items: flex-start; gap: .5em; margin: .4em 0;
  background: rgba(128, 128, 128, .15); border-radius: .3em; padding: .3em .6em}
.skrnn-display .skrnn-code code {flex: 1; background: none; color: inherit; padding: 0;
  white-space: pre-wrap; overflow-wrap: anywhere; border: none}
.skrnn-display .skrnn-code button {font: inherit; font-size: .8em; color: inherit; cursor: pointer;
  background: none; border: 1px solid rgba(128, 128, 128, .6); border-radius: .3em}
.skrnn-display table.skrnn-facts {border-collapse: collapse; border: none; margin: .2em 0;
  font-size: .95em; width: auto; table-layout: auto; color: inherit}
.skrnn-display table.skrnn-facts tbody tr, .skrnn-display table.skrnn-facts tbody tr:nth-child(n) {
  background: none; border: none; border-bottom: 1px solid rgba(128, 128, 128, .25)}
.skrnn-display table.skrnn-facts tbody tr th, .skrnn-display table.skrnn-facts tbody tr td {
  text-align: left; vertical-align: top; padding: .15em 1.2em .15em 0; border: none;
  max-width: none; white-space: normal; color: inherit; background: none}
.skrnn-display table.skrnn-facts tbody tr th {font-weight: normal; opacity: .8}
.skrnn-display table.skrnn-facts tbody tr td {font-variant-numeric: tabular-nums;
  overflow-wrap: break-word}
""".replace("\n  ", " ")

_COPY = (
    "navigator.clipboard.writeText(this.previousElementSibling.textContent);"
    "this.textContent='copied';setTimeout(()=>{this.textContent='copy'},1500)"
)


def card(title: str, body: str, *, badges: Iterable[tuple[str, str]] = ()) -> str:
    """Return a card in HTML.

    Parameters
    ----------
    title : str
        What stands above; escaped here.
    body : str
        HTML.
    badges : iterable of (str, str), default=()
        Kind ("problem", "warning", "info" or "healthy") and text of what stands beside the title.

    Examples
    --------
    >>> from skrnn._html import card, facts
    >>> "<td>3</td>" in card("Windows", facts({"windows": 3}))
    True
    """
    beside = "".join(badge(kind, text) for kind, text in badges)
    return (
        f'<div class="skrnn-display"><style>{STYLE}</style><div class="skrnn-head">'
        f'<span class="skrnn-title">{escape(title)}</span>{beside}</div>{body}</div>'
    )


def badge(kind: str, text: str) -> str:
    """Return a word on a coloured ground."""
    return f'<span class="skrnn-badge skrnn-{kind}">{escape(text)}</span>'


def facts(rows: dict[str, Any]) -> str:
    """Return names and values as a table; empty for none."""
    if not rows:
        return ""
    lines = "".join(
        f"<tr><th>{escape(str(name))}</th><td>{escape(str(value))}</td></tr>"
        for name, value in rows.items()
    )
    return f'<table class="skrnn-facts"><tbody>{lines}</tbody></table>'


def code(line: str) -> str:
    """Return a line of Python with a button that copies it."""
    button = f'<button type="button" title="Copy" onclick="{_COPY}">copy</button>'
    return f'<div class="skrnn-code"><code>{escape(line)}</code>{button}</div>'


def folded(summary: str, body: str) -> str:
    """Return what is seen after a click; empty where there is nothing to see."""
    return f"<details><summary>{escape(summary)}</summary>{body}</details>" if body else ""


class DescribedMixin:
    """Estimators whose display in a notebook says what every parameter is, without a site.

    scikit-learn shows the description of a parameter under its link to the documentation, and
    without an address neither of the two. Descriptions come from the docstring and need none.
    """

    def _get_params_html(self, *args: Any, **kwargs: Any) -> Any:
        return _described(super()._get_params_html(*args, **kwargs))  # type: ignore[misc]

    def _get_fitted_attr_html(self, *args: Any, **kwargs: Any) -> Any:
        return _described(super()._get_fitted_attr_html(*args, **kwargs))  # type: ignore[misc]


_ANCHOR = re.compile(r'<a class="param-doc-link"[^>]*>')
_LINK = re.compile(r'\s+(?:rel|target|href)="[^"]*"')
_DISPLAYS = count()


def _described(shown: Any) -> Any:
    """Let what scikit-learn shows describe its entries, though they link to nothing."""
    # Before scikit-learn 1.8 there are no descriptions.
    if getattr(shown, "doc_link", None) != "" or not hasattr(type(shown), "_html_repr"):
        return shown

    def html() -> str:
        shown.doc_link = "#"
        try:
            linked = type(shown)._html_repr(shown)
        finally:
            shown.doc_link = ""
        # A description stands beside its anchor: the name must not be that of another display.
        described = _ANCHOR.sub(lambda anchor: _LINK.sub("", anchor[0]), linked)
        return described.replace("--doc-link-", f"--doc-link-skrnn-{next(_DISPLAYS)}-")

    shown._html_repr = html
    return shown
