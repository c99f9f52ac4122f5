"""How Sphinx builds the documentation: ``make docs``."""

from __future__ import annotations

import os
import re
import sys
import warnings
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.util.fileutil import copy_asset

import skrnn

sys.path.insert(0, str(Path(__file__).with_name("_extensions")))

project = "skrnn"
author = "The skrnn developers"
copyright = author
release = version = skrnn.__version__

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.intersphinx",
    "sphinx.ext.mathjax",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
    "reference",
]
exclude_patterns = ["_build", "examples/**", "benchmarks/.cache", "gallery/**/*.md5"]

SOURCE = "https://github.com/skrnn/skrnn"

html_theme = "pydata_sphinx_theme"
html_title = "skrnn"
html_baseurl = "https://skrnn.github.io/skrnn/"
html_logo = "_static/logo.svg"
html_favicon = "_static/favicon.svg"
html_static_path = ["_static"]
html_css_files = ["skrnn.css"]
html_show_sphinx = False
html_show_sourcelink = False
html_theme_options = {
    "navigation_with_keys": False,
    "show_toc_level": 2,
    "show_nav_level": 1,
    "navigation_depth": 3,
    "header_links_before_dropdown": 6,
    "navbar_persistent": ["search-button"],
    "navbar_end": ["version-switcher", "theme-switcher", "navbar-icon-links"],
    "switcher": {"json_url": "_static/switcher.json", "version_match": release},
    "check_switcher": False,
    "secondary_sidebar_items": ["page-toc", "edit-this-page", "sg_download_links"],
    "icon_links": [
        {"name": "Source", "url": SOURCE, "icon": "fa-brands fa-github"},
    ],
    "use_edit_page_button": True,
    "footer_start": ["copyright"],
    "footer_end": ["skrnn-footer"],
}
# A page of the gallery is made from a script.
html_context = {
    "source_url": SOURCE,
    "edit_page_url_template": (
        SOURCE + "/edit/main/docs/{{ file_name"
        ".replace('gallery/', 'examples/', 1).replace('.rst', '.py')"
        ".replace('/index.py', '/GALLERY_HEADER.rst') }}"
    ),
    "edit_page_provider_name": "GitHub",
}
templates_path = ["_templates"]
# A page that stands alone has nothing to list at its side.
ALONE = (
    "index",
    "search",
    "genindex",
    "gallery/first_steps/plot_getting_started",
    "peers",
    "changelog",
)
html_sidebars: dict[str, list[str]] = {page: [] for page in ALONE}

# What stands between single backticks in a docstring is a name or a value.
default_role = "literal"
# One parameter a line where a signature is long.
python_maximum_signature_line_length = 110

myst_enable_extensions = ["dollarmath", "deflist", "colon_fence", "attrs_inline"]
myst_heading_anchors = 3

# Prompts and output are shown, and left out of what is copied.
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

# Members are listed on each page of the API by hand: what scikit-learn's base classes add is
# documented there.
numpydoc_show_class_members = False
numpydoc_xref_param_type = False
autodoc_typehints = "none"
# Methods by their own name: with that of the class they do not fit at the side.
toc_object_entries_show_parents = "hide"
autosummary_generate = False

# Only where the net is there: a build without it has plain names in place of these links.
intersphinx_mapping = (
    {
        "python": ("https://docs.python.org/3", None),
        "numpy": ("https://numpy.org/doc/stable", None),
        "pandas": ("https://pandas.pydata.org/docs", None),
        "sklearn": ("https://scikit-learn.org/stable", None),
    }
    if os.environ.get("SKRNN_DOCS_INTERSPHINX")
    else {}
)

sphinx_gallery_conf = {
    "examples_dirs": "examples",
    "gallery_dirs": "gallery",
    "filename_pattern": r"/plot_",
    "ignore_pattern": r"^(__init__|demo)\.py$",
    "subsection_order": [
        "examples/first_steps",
        "examples/data",
        "examples/forecasting",
        "examples/training",
        "examples/understanding",
        "examples/production",
    ],
    "within_subsection_order": "ExampleTitleSortKey",
    "doc_module": ("skrnn",),
    "backreferences_dir": "api/_examples",
    "reset_modules": ("matplotlib", "figures.set_style"),
    "image_srcset": ["2x"],
    "download_all_examples": True,
    "remove_config_comments": True,
    "show_memory": False,
    "write_computation_times": False,
    "capture_repr": ("_repr_html_", "__repr__"),
    "matplotlib_animations": False,
    "abort_on_example_error": True,
    "show_signature": False,
}
warnings.filterwarnings("ignore", message="FigureCanvasAgg is non-interactive")


# MathJax comes with the site, so that formulas show without a net.
mathjax_path = "mathjax/tex-chtml.js"


def copy_mathjax(app: Any, error: Exception | None) -> None:
    """Copy as much of MathJax as formulas need."""
    if error is None and app.builder.format == "html":
        with as_file(files("sphinx-mathjax-offline") / "static" / "mathjax") as mathjax:
            for part in ("tex-chtml.js", "output/chtml/fonts"):
                target = Path(app.outdir, "_static", "mathjax", part).parent
                target.mkdir(parents=True, exist_ok=True)
                source = mathjax / part
                copy_asset(source, target / part.rpartition("/")[2] if source.is_dir() else target)


def without_last_empty_line(app: Any, docname: str, source: list[str]) -> None:
    """Take away the empty line that ends the output of a doctest before the closing fence."""
    source[0] = re.sub(r"\n\n```\n", "\n```\n", source[0])


def with_plain_references(app: Any, doctree: Any, docname: str) -> None:
    """Show a reference by its number, which numpydoc has made unique among all docstrings."""
    for text in list(doctree.findall(nodes.Text)):
        number = re.sub(r"\bR[0-9a-f]{12}-(\w+)", r"\1", text)
        if number != text:
            text.parent.replace(text, nodes.Text(number))


def with_marked_answers(app: Any, doctree: nodes.document, docname: str) -> None:
    """Mark the cells of a table of features, so that "yes" is seen before it is read."""
    for entry in doctree.findall(nodes.entry):
        if entry.astext() in ("yes", "no", "own code", "not tried"):
            entry["classes"].append("skrnn-" + entry.astext().replace(" ", "-"))


def setup(app: Any) -> None:
    """Connect the above."""
    app.connect("source-read", without_last_empty_line)
    app.connect("doctree-resolved", with_plain_references)
    app.connect("doctree-resolved", with_marked_answers)
    app.connect("build-finished", copy_mathjax)
