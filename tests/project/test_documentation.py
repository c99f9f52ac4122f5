"""The reference: every public name has a place in it, and its docstring is complete."""

from __future__ import annotations

import importlib
import pkgutil
import re
import sys
import tomllib
from pathlib import Path
from typing import NamedTuple

import numpydoc
import pytest
from numpydoc.docscrape import get_doc_object
from numpydoc.validate import ERROR_MSGS, validate

import skrnn

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(
    not (ROOT / "docs").is_dir(), reason="there is no documentation beside the tests"
)

DIRECTIVE = re.compile(
    r"^\.\. (?P<kind>auto\w+|py:data):: (?P<name>\S+)\n(?:   :members: (?P<members>.*)\n)?", re.M
)


class Place(NamedTuple):
    kind: str
    name: str
    members: list[str]


def places():
    pages = sorted((ROOT / "docs" / "api").glob("*.md"))
    return [
        Place(found["kind"], found["name"], re.findall(r"\w+", found["members"] or ""))
        for page in pages
        for found in DIRECTIVE.finditer(page.read_text(encoding="utf-8"))
    ]


def found_at(name):
    module, _, attribute = name.rpartition(".")
    return getattr(importlib.import_module(module), attribute)


PLACES = places()
MODULES = [
    "skrnn",
    *(f"skrnn.{m.name}" for m in pkgutil.iter_modules(skrnn.__path__) if m.name[0] != "_"),
]
NAMES = [
    f"{module}.{name}"
    for module in MODULES
    for name in getattr(importlib.import_module(module), "__all__", [])
]


def test_there_are_pages_and_names():
    assert len(PLACES) > 100
    assert len(NAMES) > 100


@pytest.mark.parametrize("name", NAMES)
def test_a_public_name_has_a_place(name):
    """A name of several modules has one, under whichever of its names."""
    wanted = found_at(name)
    by_name = {place.name for place in PLACES}
    assert name in by_name or any(wanted is found_at(place.name) for place in PLACES)


ALL_MODULES = [
    module.name
    for module in pkgutil.walk_packages(skrnn.__path__, prefix="skrnn.")
    # skrnn.core is a package of modules, with nothing of its own.
    if "._" not in module.name and module.name != "skrnn.core"
]


@pytest.mark.parametrize("name", ALL_MODULES)
def test_a_module_says_what_is_public_in_it(name):
    module = importlib.import_module(name)
    assert module.__all__
    assert [each for each in module.__all__ if not hasattr(module, each)] == []


def test_nothing_has_two_places():
    names = [place.name for place in PLACES]
    assert sorted(set(names)) == sorted(names)


def test_what_has_a_place_is_public():
    for place in PLACES:
        importlib.import_module(place.name.rpartition(".")[0])
    parts = [place.name.rpartition(".") for place in PLACES]
    hidden = [
        (module, name) for module, _, name in parts if name not in sys.modules[module].__all__
    ]
    assert hidden == []


# --- docstrings ----------------------------------------------------------------------------------

DOCUMENTED = [
    name
    for place in PLACES
    if place.kind in ("autoclass", "autofunction")
    for name in (place.name, *(f"{place.name}.{member}" for member in place.members))
]


def checks():
    """Return the codes to check, as pyproject.toml names them: all but those that follow."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        everything, *excepted = tomllib.load(file)["tool"]["numpydoc_validation"]["checks"]
    assert everything == "all"
    return set(ERROR_MSGS) - set(excepted)


CLASSES = {place.name for place in PLACES if place.kind == "autoclass"}


def documents_its_fields(name):
    """Whether a class is a protocol, or a record whose fields are documented as attributes."""
    if name not in CLASSES:
        return False
    cls = found_at(name)
    if getattr(cls, "_is_protocol", False):
        return True
    fields = getattr(cls, "_fields", None) or getattr(cls, "__dataclass_fields__", None)
    documented = re.findall(r"\w+", " ".join(p.name for p in get_doc_object(cls)["Attributes"]))
    return fields is not None and set(fields) <= set(documented)


@pytest.mark.skipif(
    tuple(map(int, numpydoc.__version__.split(".")[:2])) < (1, 11),
    reason="GL01 of older numpydoc asks for another first line",
)
@pytest.mark.parametrize("name", DOCUMENTED)
def test_a_docstring_is_complete(name):
    checked = checks() - ({"PR01"} if documents_its_fields(name) else set())
    assert [error for error in validate(name)["errors"] if error[0] in checked] == []
