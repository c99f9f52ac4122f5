"""The site: how its reference groups parameters, and what its check of links finds."""

from __future__ import annotations

import importlib.util
import inspect
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

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


@pytest.fixture
def reference(monkeypatch):
    pytest.importorskip("sphinx")
    monkeypatch.syspath_prepend(DOCS / "_extensions")
    return loaded(DOCS / "_extensions" / "reference.py")


@pytest.mark.parametrize(
    ("page", "n_entries", "listed"),
    [("api/parts", 3, True), ("api/parts", 2, False), ("guide", 3, False)],
)
def test_a_page_of_several_entries_begins_with_a_list(reference, page, n_entries, listed):
    entries = "".join(
        f".. autoclass:: skrnn.Entry{i}\n   :members: fit\n" for i in range(n_entries)
    )
    text = f"# Title\n\nSome words.\n\n## First\n\n```{{eval-rst}}\n{entries}```\n"
    source = [text]
    reference.with_contents(None, page, source)
    names = re.findall(r"^   ~skrnn\.(Entry\d)$", source[0], re.M)
    assert names == ([f"Entry{i}" for i in range(n_entries)] if listed else [])
    before, _, after = source[0].partition("## First")
    assert before.startswith("# Title\n\nSome words.\n\n")
    assert f"## First{after}" == text[text.index("## First") :]


@pytest.mark.parametrize(
    ("what", "name", "expected"),
    [
        ("class", "skrnn.A", [".. minigallery:: skrnn.A skrnn.A.fit"]),
        ("function", "skrnn.f", [".. minigallery:: skrnn.f"]),
        ("class", "skrnn.Unused", []),
        ("method", "skrnn.A.fit", []),
    ],
)
def test_an_entry_ends_with_the_examples_that_use_it(reference, tmp_path, what, name, expected):
    names = '{"skrnn.A": [], "skrnn.AB": [], "skrnn.A.fit": [], "skrnn.f": []}'
    (tmp_path / "backreferences_all.json").write_text(names, encoding="utf-8")
    config = SimpleNamespace(sphinx_gallery_conf={"backreferences_dir": "."})
    lines = ["Text."]
    app = SimpleNamespace(srcdir=tmp_path, config=config)
    reference.examples_using(app, what, name, None, None, lines)
    assert [line for line in lines if "minigallery" in line] == expected


CONF = """
import sys
sys.path.insert(0, {extensions!r})
extensions = ["numpydoc", "sphinx.ext.autodoc", "reference"]
numpydoc_show_class_members = False
autodoc_typehints = "none"
default_role = "literal"


def setup(app):
    app.add_config_value("sphinx_gallery_conf", {{"backreferences_dir": "none"}}, "")
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The page of RNNRegressor, and of a protocol."""
    pytest.importorskip("sphinx")
    folder = tmp_path_factory.mktemp("site")
    conf = CONF.format(extensions=str(DOCS / "_extensions"))
    (folder / "conf.py").write_text(conf, encoding="utf-8")
    names = ("skrnn.RNNRegressor", "skrnn.core.readouts.Readout")
    entries = "".join(f".. autoclass:: {name}\n\n" for name in names)
    (folder / "index.rst").write_text(f"Title\n=====\n\n{entries}", encoding="utf-8")
    command = [sys.executable, "-m", "sphinx", "-q", "-b", "html", ".", "out"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return (folder / "out" / "index.html").read_text(encoding="utf-8")


def test_the_parameters_of_an_estimator_stand_under_headings(built):
    groups = loaded(DOCS / "_extensions" / "groups.py").GROUPS
    known = inspect.signature(RNNRegressor).parameters
    expected = [
        entry
        for title, names in groups.items()
        for entry in (title, *(name for name in names.split() if name in known))
    ]
    pattern = r'<p class="skrnn-group">(.*?)</p>|<dt id="skrnn.RNNRegressor-(\w+)">'
    assert [a or b for a, b in re.findall(pattern, built)] == expected


def test_the_signature_leads_to_the_parameters(built):
    linked = re.findall(r'href="#skrnn.RNNRegressor-(\w+)"><span class="n">', built)
    assert linked == list(inspect.signature(RNNRegressor).parameters)


def test_a_type_keeps_the_quotes_of_python(built):
    types = re.findall(r'<span class="classifier">(.*?)</span>', built)
    assert any("'rnn'" in each for each in types)
    assert not any(quote in each for each in types for quote in "‘’“”")


def test_a_protocol_has_no_signature(built):
    (entry,) = re.findall(r'<dt[^>]* id="skrnn.core.readouts.Readout">(.*?)</dt>', built, re.S)
    assert "sig-paren" not in entry


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
