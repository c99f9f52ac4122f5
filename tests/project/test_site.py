"""The site: how its reference groups parameters, and what its check of links finds."""

from __future__ import annotations

import importlib.util
import inspect
from pathlib import Path

import pytest

from skrnn import RNNClassifier, RNNRegressor

DOCS = Path(__file__).parents[2] / "docs"
pytestmark = pytest.mark.skipif(
    not DOCS.is_dir(), reason="there is no documentation beside the tests"
)


def loaded(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# --- the reference -------------------------------------------------------------------------------


@pytest.mark.parametrize("estimator", [RNNClassifier, RNNRegressor])
def test_every_parameter_has_one_heading(estimator):
    groups = loaded(DOCS / "_extensions" / "groups.py").GROUPS
    grouped = [name for names in groups.values() for name in names.split()]
    assert len(set(grouped)) == len(grouped)
    assert set(inspect.signature(estimator).parameters) <= set(grouped)


def test_no_heading_names_a_parameter_that_is_gone():
    groups = loaded(DOCS / "_extensions" / "groups.py").GROUPS
    known = {
        p for each in (RNNClassifier, RNNRegressor) for p in inspect.signature(each).parameters
    }
    assert {name for names in groups.values() for name in names.split()} <= known


# --- links ---------------------------------------------------------------------------------------

GOOD = """
<h1 id="top">A page</h1> <a name="old">here</a>
<a href="#top">up</a> <a href="other.html#old%20name">there</a>
<a href="https://scikit-learn.org/stable/">out</a> <a href="mailto:someone@example.org">write</a>
<img src="data:image/png;base64,AA,BB"> <img src="a.png" srcset="a.png, a.png 2x">
<link rel="stylesheet" href="style.css"> <link rel="canonical" href="https://example.org/gone">
<script>var here = 1;</script> <script src="a.js?v=1"></script>
"""


@pytest.fixture
def found(tmp_path):
    """Return a function from a piece of HTML to what is wrong with the links in it."""
    for name in ("a.png", "a.js", "style.css"):
        (tmp_path / name).touch()
    (tmp_path / "other.html").write_text('<p id="old name">', encoding="utf-8")
    check_links = loaded(DOCS / "check_links.py")

    def found(html):
        (tmp_path / "page.html").write_text(html, encoding="utf-8")
        return list(check_links.problems(tmp_path))

    return found


def test_good_links_are_no_problem(found):
    assert found(GOOD) == []


@pytest.mark.parametrize(
    ("html", "wrong"),
    [
        ('<a href="gone.html">', "gone.html leads to nothing"),
        ('<a href="../page.html">', "../page.html leads to nothing"),
        ('<a href="#gone">', "#gone leads to a place that the page does not have"),
        ('<a href="other.html#gone">', "other.html#gone leads to a place that the page does not"),
        ('<a href="/page.html">', "/page.html begins at the root of the server"),
        ('<a href="http://localhost/x">', "http://localhost/x is no address of a page"),
        ('<a href="file:///x">', "file:///x is no address of a page"),
        ('<img src="gone.png">', "gone.png leads to nothing"),
        ('<img src="a.png" srcset="a.png, gone.png 2x">', "gone.png leads to nothing"),
        ('<script src="https://example.org/a.js">', "https://example.org/a.js is loaded from"),
        ('<link rel="stylesheet" href="//example.org/a.css">', "//example.org/a.css is loaded"),
    ],
)
def test_a_bad_link_is_named(found, html, wrong):
    (line,) = found(html)
    assert line.startswith(f"page.html: {wrong}")
