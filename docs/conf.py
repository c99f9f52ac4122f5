"""How Sphinx builds the documentation: ``make docs``."""

from __future__ import annotations

import os
import re
import warnings
from typing import Any

from docutils import nodes

import skrnn

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
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build", "examples/**", "benchmarks/.cache", "gallery/**/*.md5"]

html_theme = "pydata_sphinx_theme"
html_title = "skrnn"
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
    "navbar_end": ["version-switcher", "theme-switcher"],
    "switcher": {"json_url": "_static/switcher.json", "version_match": release},
    "check_switcher": False,
    "secondary_sidebar_items": ["page-toc", "sg_download_links"],
    "footer_start": ["copyright"],
    "footer_end": [],
}
# A page that stands alone has nothing to list at its side.
ALONE = ("index", "gallery/first_steps/plot_getting_started", "peers", "changelog")
html_sidebars: dict[str, list[str]] = {page: [] for page in ALONE}

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
    "download_all_examples": True,
    "remove_config_comments": True,
    "show_memory": False,
    "min_reported_time": 10_000,
    "capture_repr": ("_repr_html_", "__repr__"),
    "matplotlib_animations": False,
    "abort_on_example_error": True,
    "nested_sections": False,
}
warnings.filterwarnings("ignore", message="FigureCanvasAgg is non-interactive")


def without_last_empty_line(app: Any, docname: str, source: list[str]) -> None:
    """Take away the empty line that ends the output of a doctest before the closing fence."""
    source[0] = re.sub(r"\n\n```\n", "\n```\n", source[0])


def with_plain_references(app: Any, doctree: Any, docname: str) -> None:
    """Show a reference by its number, which numpydoc has made unique among all docstrings."""
    for text in list(doctree.findall(nodes.Text)):
        number = re.sub(r"\bR[0-9a-f]{12}-(\w+)", r"\1", text)
        if number != text:
            text.parent.replace(text, nodes.Text(number))


def setup(app: Any) -> None:
    """Connect the above."""
    app.connect("source-read", without_last_empty_line)
    app.connect("doctree-resolved", with_plain_references)
