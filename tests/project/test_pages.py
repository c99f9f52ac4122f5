"""The pages of the documentation: every block of Python on them can be run."""

from __future__ import annotations

import ast
import doctest
import re
import sys
import textwrap

import pytest
from doc_pages import NOTE, ROOT, as_doctests, pages, with_prompt, write

pytestmark = pytest.mark.skipif(
    not (ROOT / "docs").is_dir(), reason="there is no documentation beside the tests"
)

ALWAYS_THERE = {"skrnn", "numpy", "scipy", "sklearn", "pandas", "joblib", "threadpoolctl"}
PAGES = {str(page.relative_to(ROOT)): page.read_text(encoding="utf-8") for page in pages()}
# Of the extras, and two that are in none.
LIBRARIES = {
    "aeon",
    "crepes",
    "dask",
    "distributed",
    "imblearn",
    "mapie",
    "mlflow",
    "onnx",
    "onnxruntime",
    "optuna",
    "pyarrow",
    "ray",
    "rich",
    "shap",
    "skops",
    "tensorboardX",
    "wandb",
    "skl2onnx",
    "torch",
}


def without_prompt(page):
    return [
        (page[: match.start()], match["code"])
        for match in re.finditer(r"^```python\n(?P<code>.*?)^```$", page, re.M | re.S)
        if ">>> " not in match["code"]
    ]


@pytest.mark.parametrize("name", PAGES)
def test_every_block_of_python_is_called_python(name):
    """A block of another name is not run."""
    opened = re.findall(r"^\s*(?:```+|~~~+)(\S.*)$", PAGES[name], re.M)
    assert {info for info in opened if not info.startswith("{")} <= {"python", "shell", "cpp"}


@pytest.mark.parametrize("name", PAGES)
def test_blocks_are_left_out_only_for_a_library_that_is_missing(name):
    for before, _ in without_prompt(PAGES[name]):
        note = NOTE.search(before)
        if note is not None:
            assert note["kind"] == "needs"
            assert {library.strip() for library in note["text"].split(",")} <= LIBRARIES


@pytest.mark.parametrize("name", PAGES)
def test_a_block_says_which_libraries_it_needs(name):
    for before, code in without_prompt(PAGES[name]):
        nodes = list(ast.walk(ast.parse(code)))
        modules = {
            each.name for node in nodes if isinstance(node, ast.Import) for each in node.names
        }
        modules |= {node.module for node in nodes if isinstance(node, ast.ImportFrom)}
        note = NOTE.search(before)
        needs = set() if note is None else set(re.split(r",\s*", note["text"]))
        for module in modules:
            assert module.partition(".")[0] in ALWAYS_THERE | sys.stdlib_module_names | needs


@pytest.mark.parametrize("name", PAGES)
def test_the_copy_has_every_line_where_it_was(name):
    copied = as_doctests(PAGES[name]).splitlines()
    assert len(copied) == len(PAGES[name].splitlines())
    prompt = re.compile(r"^(>>> (_ = )?|\.\.\. ?)")
    for line, original in zip(copied, PAGES[name].splitlines(), strict=True):
        assert prompt.sub("", line) == prompt.sub("", original) or original == "```"


def run(page):
    """Run a page as pytest does; the number of examples, and of those that failed."""
    test = doctest.DocTestParser().get_doctest(as_doctests(page), {}, "page", None, 0)
    result = doctest.DocTestRunner(verbose=False).run(test, out=lambda _: None)
    return result.attempted, result.failed


CODE = """
import functools


@functools.cache
def double(x):
    # of anything

    return 2 * x


# the same
values = [
    double(1),
    double(2),
]; more = 3
for value in values:
    more += value
double(
    4
)
"""


def test_code_without_a_prompt_is_run_in_the_namespace_of_the_page():
    page = f"```python\n{CODE}```\n\n```python\n>>> values, more\n([2, 4], 9)\n\n```\n"
    assert run(page) == (6, 0)


@pytest.mark.parametrize("code", ["1 / 0", "print('something')", "undefined"])
def test_code_that_fails_or_prints_is_reported(code):
    assert run(f"```python\n{code}\n```\n") == (1, 1)


@pytest.mark.parametrize(
    ("note", "n_examples"),
    [
        ("needs: numpy", 1),
        ("needs: numpy, no_such_library", 0),
        ("not run: takes a day", 0),
    ],
)
def test_a_note_says_where_a_block_runs(note, n_examples):
    assert run(f"text\n\n<!-- {note} -->\n\n```python\nx = 1\n```\n") == (n_examples, 0)


def test_a_note_is_about_the_next_block_alone():
    page = "<!-- not run: so -->\n\n```python\n1 / 0\n```\n\n```python\nx = 1\n```\n"
    assert run(page) == (1, 0)


def test_code_that_is_none_is_refused():
    with pytest.raises(SyntaxError):
        with_prompt(textwrap.dedent("x = (\n"))


def test_the_copies_are_written_below_the_folder(tmp_path):
    write(tmp_path)
    assert (tmp_path / "README.md").read_text(encoding="utf-8").count(">>> ") > 10
    assert {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.md")} == set(PAGES)
    compile((tmp_path / "conftest.py").read_text(encoding="utf-8"), "conftest.py", "exec")
