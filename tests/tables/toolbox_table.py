"""Write the tables of `docs/guide/toolbox.md`: ``python tests/tables/toolbox_table.py``.

They say what `toolbox_cases.py` says; `test_toolbox.py` proves that it is so, and that the page is
up to date.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from toolbox_cases import FORMS, REMEDIES, STEP_FORMS, STEP_TOOLS, TOOLS, Tool

PAGE = Path(__file__).parents[2] / "docs" / "guide" / "toolbox.md"


def table(title: str, tools: list[Tool], forms: Iterable[str]) -> str:
    rows = [[tool.name, *(cell(tool, form) for form in forms)] for tool in tools]
    lines = [[title, *forms], ["---", *(":-:" for _ in forms)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def cell(tool: Tool, form: str) -> str:
    return f"refused[^{label(tool.refusals[form].remedy)}]" if form in tool.refusals else "✓"


def label(remedy: str) -> str:
    return remedy.replace(" ", "-")


def footnotes() -> str:
    refusals = [refusal for tool in [*TOOLS, *STEP_TOOLS] for refusal in tool.refusals.values()]
    notes = []
    for remedy in dict.fromkeys(refusal.remedy for refusal in refusals):
        said = dict.fromkeys(refusal.message for refusal in refusals if refusal.remedy == remedy)
        messages = "; ".join(f"“{message}”" for message in said)
        notes.append(f"[^{label(remedy)}]: {messages}. {REMEDIES[remedy]}")
    return "\n".join(notes)


# The part of the page between a pair of these comments is written here.
PARTS = {
    "X": lambda: table("Tool, by the form of `X`", TOOLS, FORMS),
    "y": lambda: table("Tool, by the form of `y`", STEP_TOOLS, STEP_FORMS),
    "refusals": footnotes,
}


def updated(page: str) -> str:
    for name, write in PARTS.items():
        begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
        before, rest = page.split(begin)
        page = f"{before}{begin}\n\n{write()}\n\n{end}{rest.split(end)[1]}"
    return page


if __name__ == "__main__":
    PAGE.write_text(updated(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
