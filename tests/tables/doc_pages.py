"""Copy the pages of the documentation so that all their Python is doctests, and can be run.

``python tests/tables/doc_pages.py FOLDER`` writes README.md and every page of docs/ below FOLDER,
for ``pytest --doctest-glob='*.md' FOLDER``. A page is run from top to bottom in one namespace, in a
folder of its own. Line numbers stay those of the page.

Blocks with the prompt ``>>>`` are doctests as they stand. In the copies every other Python block
has the prompt, too: its statements have to run, and not to print anything. A comment in front of
a block says where that is not possible::

    <!-- needs: dask, distributed -->     run where these are installed
    <!-- not run: REASON -->              never run
"""

from __future__ import annotations

import ast
import re
import sys
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```python *\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)
NOTE = re.compile(r"<!-- (?P<kind>needs|not run): (?P<text>[^>]+) -->\s*\Z")

# The blocks of a page may write files, and use libraries that use others in an outdated way.
CONFTEST = """from pathlib import Path

import pytest

OUTDATED = ["default::DeprecationWarning", "default::PendingDeprecationWarning"]
OF_MLFLOW = "ignore:.*type hint is inferred as AnyType"


def pytest_collection_modifyitems(items):
    for item in items:
        if not item.path.is_relative_to(Path(__file__).parent):
            continue
        for each in (*OUTDATED, OF_MLFLOW):
            item.add_marker(pytest.mark.filterwarnings(each))


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
"""


def pages() -> list[Path]:
    """Return the pages, the README first; not those in folders of what was built or fetched."""
    docs = ROOT / "docs"
    found = (
        page
        for page in docs.rglob("*.md")
        if not any(part.startswith((".", "_")) for part in page.relative_to(docs).parts)
    )
    return [ROOT / "README.md", *sorted(found)]


def as_doctests(page: str) -> str:
    """Return a page whose Python blocks all have the prompt, but for those that cannot run."""

    def replaced(match: re.Match[str]) -> str:
        code = match["code"]
        if re.search(r"^>>> ", code, re.MULTILINE) or not runs(page[: match.start()]):
            return match[0]
        # An empty line in place of the closing fence: it would be taken for expected output.
        return f"```python\n{with_prompt(code)}"

    return BLOCK.sub(replaced, page)


def runs(before: str) -> bool:
    """Tell whether the block behind this text is to be run here."""
    note = NOTE.search(before)
    if note is None:
        return True
    needs = [name.strip() for name in note["text"].split(",")]
    return note["kind"] == "needs" and all(find_spec(name) for name in needs)


def with_prompt(code: str) -> str:
    """Return statements as the examples of a doctest, with as many lines."""
    lines = [f"... {line}".rstrip() if line.strip() else "..." for line in code.splitlines()]
    within: set[int] = set()
    for node in ast.parse(code).body:
        first = min([node.lineno, *(each.lineno for each in getattr(node, "decorator_list", []))])
        assert node.end_lineno is not None
        goes_on = first in within  # behind a semicolon
        within |= set(range(first, node.end_lineno + 1))
        if goes_on:
            continue
        line = code.splitlines()[first - 1]
        # A value that the prompt would show.
        assigned = "_ = " if isinstance(node, ast.Expr) else ""
        lines[first - 1] = f">>> {assigned}{line}"
    for number, line in enumerate(code.splitlines(), start=1):
        if number not in within:
            lines[number - 1] = f">>> {line}" if line.strip() else ""
    return "".join(f"{line}\n" for line in lines)


def write(folder: Path) -> None:
    """Write the copies of all pages below a folder."""
    for page in pages():
        path = folder / page.relative_to(ROOT)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(as_doctests(page.read_text(encoding="utf-8")), encoding="utf-8")
    (folder / "conftest.py").write_text(CONFTEST, encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
