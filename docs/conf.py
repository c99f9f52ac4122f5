"""How Sphinx builds the documentation: ``make docs``."""

from __future__ import annotations

import skrnn

project = "skrnn"
author = "The skrnn developers"
copyright = author
release = version = skrnn.__version__

extensions = ["myst_parser", "numpydoc", "sphinx.ext.autodoc", "sphinx.ext.mathjax"]
exclude_patterns = ["_build", "examples/output", "benchmarks/.cache"]

html_theme = "furo"
html_title = f"skrnn {release}"
html_show_sphinx = False

myst_enable_extensions = ["dollarmath", "deflist"]
myst_heading_anchors = 3

# Members are listed on each page of the API by hand: what scikit-learn's base classes add is
# documented there.
numpydoc_show_class_members = False
autodoc_typehints = "none"
