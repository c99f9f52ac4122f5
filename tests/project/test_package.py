"""What the installed package shows of itself."""

from __future__ import annotations

import importlib
import pkgutil
import re
import subprocess
import sys
from importlib import metadata
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

import skrnn
from skrnn.core import kernels

README = Path(__file__).parents[2] / "README.md"
MODULES = [module.name for module in pkgutil.walk_packages(skrnn.__path__, prefix="skrnn.")]


def test_the_version_is_the_one_installed():
    try:
        installed = metadata.version("skrnn")
    except metadata.PackageNotFoundError:
        pytest.skip("skrnn is imported from its source without being installed")
    assert skrnn.__version__ == installed


def test_every_public_name_exists():
    assert [name for name in skrnn.__all__ if not hasattr(skrnn, name)] == []


# What users import from, besides skrnn itself; the core is for those who extend it.
PUBLIC = [name for name in MODULES if re.fullmatch(r"skrnn\.[a-z]\w*", name)]


@pytest.mark.parametrize("name", [name for name in PUBLIC if name != "skrnn.core"])
def test_a_public_module_lists_what_it_offers(name):
    module = importlib.import_module(name)
    offered = {
        key
        for key, value in vars(module).items()
        if not key.startswith("_") and getattr(value, "__module__", "") == name
    }
    assert offered <= set(module.__all__)
    assert [key for key in module.__all__ if not hasattr(module, key)] == []


def test_no_page_is_linked_that_does_not_exist():
    assert skrnn.RNNClassifier()._get_doc_link() == ""


@pytest.mark.parametrize("name", MODULES)
def test_public_modules_say_what_they_are(name):
    assert importlib.import_module(name).__doc__


EXTRAS = {"matplotlib", "mlflow", "onnx", "optuna", "rich", "shap", "torch", "tqdm", "wandb"}


@pytest.mark.parametrize(
    ("module", "extras"),
    [
        ("skrnn", EXTRAS),
        ("skrnn.onnx", {"onnx", "onnxruntime", "skl2onnx"}),
        ("skrnn.interop", {"keras", "torch"}),
    ],
)
def test_importing_skrnn_neither_warns_nor_loads_an_extra(module, extras):
    code = f"import {module}, sys; print(*{extras} & set(sys.modules))"
    command = [sys.executable, "-W", "error", "-c", code]
    run = subprocess.run(command, check=True, capture_output=True, text=True)
    assert run.stdout.split() == []


def test_importing_skrnn_does_not_import_what_exports_networks():
    code = "import skrnn, sys; print(*{'skrnn.onnx', 'skrnn.interop'} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert run.stdout.split() == []


def test_types_are_declared():
    assert files("skrnn").joinpath("py.typed").is_file()


def test_show_versions_names_every_dependency(capsys):
    skrnn.show_versions()
    lines = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    assert lines["skrnn"] == skrnn.__version__
    assert lines["numpy"] == metadata.version("numpy")
    assert set(lines) == {
        "skrnn",
        "python",
        "platform",
        "numpy",
        "scipy",
        "scikit-learn",
        "pandas",
        "matplotlib",
        "kernels",
    }


@pytest.mark.parametrize("name", kernels.backends())
def test_show_versions_names_back_end_and_threads(name, capsys):
    before = kernels.backend()
    kernels.use_backend(name)
    try:
        skrnn.show_versions()
    finally:
        kernels.use_backend(before)
    last = capsys.readouterr().out.splitlines()[-1]
    assert re.fullmatch(rf"kernels +{name}, \d+ thread\(s\)( \(no compiled kernels: .*\))?", last)


def test_show_versions_says_that_there_are_no_kernels(capsys, monkeypatch):
    monkeypatch.setattr(kernels, "backends", lambda: ["numpy"])
    skrnn.show_versions()
    assert "thread(s) (no compiled kernels: install again" in capsys.readouterr().out


def test_show_versions_does_not_speak_of_kernels_that_are_there(capsys, monkeypatch):
    monkeypatch.setattr(kernels, "backends", lambda: ["baseline", "numpy"])
    skrnn.show_versions()
    assert "no compiled kernels" not in capsys.readouterr().out


def test_show_versions_says_what_is_not_installed(capsys, monkeypatch):
    monkeypatch.setattr("skrnn._show_versions.DEPENDENCIES", ("no-such-distribution",))
    skrnn.show_versions()
    assert re.search(r"no-such-distribution +not installed", capsys.readouterr().out)


def test_the_readme_examples_train_a_useful_model():
    names: dict[str, Any] = {}
    for block in re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL):
        exec(block, names)
    (printed,) = re.findall(r"model\.score\(.*\)  # (0\.\d+)", README.read_text(encoding="utf-8"))
    assert names["accuracy"] == pytest.approx(float(printed), abs=0.01)
    assert names["search"].best_score_ > 0.8


SITE, SOURCE = "https://skrnn.github.io/skrnn/", "https://github.com/skrnn/skrnn/blob/main/"


def source_of(link):
    """Return the file that a page of the site, or of the repository, is made from."""
    address = link.partition("#")[0]
    if address.startswith(SOURCE):
        return README.parent / address.removeprefix(SOURCE)
    page = (address.removeprefix(SITE) or "index.html").removesuffix(".html")
    if page == "gallery/index":
        return README.parent / "docs" / "examples" / "GALLERY_HEADER.rst"
    if page.startswith("gallery/"):
        return README.parent / "docs" / "examples" / f"{page.removeprefix('gallery/')}.py"
    return README.parent / "docs" / f"{page}.md"


def test_the_links_of_the_readme_lead_somewhere():
    """From the page of a package index, too, which knows no files of the repository."""
    links = re.findall(r"\]\(([^)]+)\)", README.read_text(encoding="utf-8"))
    assert len(links) > 30
    assert [link for link in links if not link.startswith((SITE, SOURCE))] == []
    assert [link for link in links if not source_of(link).is_file()] == []


def test_the_places_that_the_readme_links_to_are_there():
    links = re.findall(r"\]\(([^)]+#[^)]+)\)", README.read_text(encoding="utf-8"))
    assert links
    for link in links:
        headings = re.findall(r"^#+ (.*)$", source_of(link).read_text(encoding="utf-8"), re.M)
        places = {re.sub(r"[^\w -]", "", each).lower().replace(" ", "-") for each in headings}
        assert link.partition("#")[2] in places
