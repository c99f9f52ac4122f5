"""What notebooks show of estimators and cards: described, escaped, and without dead links."""

from __future__ import annotations

import re

import numpy as np
import pytest
import sklearn
from sklearn.pipeline import make_pipeline
from sklearn.utils.fixes import parse_version

from skrnn import RNNClassifier, RNNRegressor
from skrnn._html import STYLE, card, code, facts, folded
from skrnn.forecasting import WindowScaledRegressor
from skrnn.preprocessing import HiddenStates, SequenceImputer, SequenceScaler, TokenEncoder

ESTIMATORS = (
    RNNClassifier(),
    RNNRegressor(),
    SequenceScaler(),
    SequenceImputer(),
    TokenEncoder(),
    HiddenStates(RNNRegressor()),
    WindowScaledRegressor(RNNRegressor()),
)
each_estimator = pytest.mark.parametrize("est", ESTIMATORS, ids=lambda est: type(est).__name__)
describes = pytest.mark.skipif(
    parse_version(sklearn.__version__) < parse_version("1.9"),
    reason="scikit-learn describes parameters in its displays from 1.9 on",
)


@describes
@each_estimator
def test_every_parameter_is_described(est):
    html = est._repr_html_()
    for name in est.get_params(deep=False):
        assert re.search(rf">\s*{name}: [^<]", html), name


@describes
def test_a_fitted_attribute_is_described():
    html = SequenceScaler().fit(np.arange(12.0).reshape(2, 3, 2))._repr_html_()
    assert re.search(r">\s*center_: ", html)


@each_estimator
def test_nothing_links_to_an_address_that_is_not_there(est):
    assert "href=" not in est._repr_html_()


def test_the_links_of_scikit_learn_stay_in_a_pipeline():
    html = make_pipeline(SequenceScaler(), RNNClassifier())._repr_html_()
    addresses = set(re.findall(r'href="([^"#]*)', html))
    assert all(address.startswith("https://scikit-learn.org/") for address in addresses)
    assert addresses


@describes
def test_two_displays_share_no_anchor():
    anchors = [
        set(re.findall(r"anchor-name: (--doc-link-[\w-]+)", RNNClassifier()._repr_html_()))
        for _ in "ab"
    ]
    assert anchors[0]
    assert not anchors[0] & anchors[1]


def test_facts_are_escaped():
    assert facts({"<a>": "<b>"}) == (
        '<table class="skrnn-facts"><tbody><tr><th>&lt;a&gt;</th><td>&lt;b&gt;</td></tr>'
        "</tbody></table>"
    )


def test_nothing_to_show_is_no_table_and_no_fold():
    assert facts({}) == folded("more", "") == ""


def test_code_can_be_copied():
    assert code("f('<')").startswith('<div class="skrnn-code"><code>f(&#x27;&lt;&#x27;)</code><b')


def test_a_card_brings_its_style_and_its_badges():
    html = card("a < b", "<p>body</p>", badges=[("problem", "1 & 2")])
    assert STYLE in html
    assert '<span class="skrnn-badge skrnn-problem">1 &amp; 2</span>' in html
    assert "a &lt; b" in html


def test_the_style_is_of_cards_alone():
    selectors = re.findall(r"([^{}]+)\{", STYLE)
    parts = [part.strip() for selector in selectors for part in selector.split(",")]
    assert all(part.startswith(".skrnn-display") for part in parts)


def test_no_text_has_a_colour_of_its_own_but_on_its_own_ground():
    for body in re.findall(r"\{([^{}]*)\}", STYLE):
        colour = re.search(r"(?<![\w-])color: ([^;]+)", body)
        assert colour is None or colour[1].strip() == "inherit" or "#fff" in colour[1]
