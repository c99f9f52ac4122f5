"""The comparison with other libraries: its figures are those of the published results."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
BENCHMARKS = DOCS / "benchmarks"

pytestmark = pytest.mark.skipif(
    not BENCHMARKS.is_dir(), reason="there is no documentation beside the tests"
)

IN_THE_RESULTS = {
    "scikit-learn's perceptron": "MLP",
    "boosted trees on the flat table": "boosting",
    "MiniRocket of aeon": "MiniRocket",
    "a GRU of the same size in PyTorch": "PyTorch",
}
MODULES = ["skrnn", "mlp", "skorch", "keras", "aeon"]


def page():
    return (DOCS / "peers.md").read_text(encoding="utf-8")


def results(name):
    return (BENCHMARKS / "results" / f"{name}.md").read_text(encoding="utf-8")


def cells_of(text, first):
    (line,) = (line for line in text.splitlines() if line.startswith(f"| {first} |"))
    return [cell.strip() for cell in line.strip("|").split("|")]


def attempts(module):
    source = (BENCHMARKS / f"_features_{module}.py").read_text(encoding="utf-8")
    return {node.name for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)}


def features():
    tree = ast.parse((BENCHMARKS / "features.py").read_text(encoding="utf-8"))
    (table,) = (
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "FEATURES"
    )
    groups = ast.literal_eval(table).values()
    return {name: words for group in groups for name, words in group.items()}


@pytest.mark.parametrize("method", IN_THE_RESULTS)
def test_the_accuracies_are_those_of_the_results(method):
    _, n_sets, share, mean, worst = cells_of(page(), method)
    told = f"no worse on {share.replace(' ', '')} of {n_sets} sets, mean difference {mean}"
    other = IN_THE_RESULTS[method]
    assert f"- skrnn against {other}: {told}, worst {worst} (" in results("accuracy")


@pytest.mark.parametrize("name", ["PLAID", "PigCVP", "ACSF1"])
def test_the_sets_that_are_lost_are_told_as_they_are(name):
    scores = cells_of(results("accuracy").split("## Time")[0], name)[1:5]
    ours, _, _, rocket = (re.search(r"[\d.]+", score)[0] for score in scores)
    assert re.search(rf"{name} \({re.escape(rocket)}\s+against {re.escape(ours)}\)", page())


@pytest.mark.parametrize(
    ("library", "size"),
    [("scikit-learn", "48"), ("onnxruntime", "80"), ("torch", "757")],
)
def test_the_sizes_are_those_of_the_results(library, size):
    assert cells_of(results("bench_footprint"), f"{library}, installed")[1] == size
    assert re.search(rf"\| [\w -]+, installed \| {size} \|", page())


@pytest.mark.parametrize("module", MODULES)
def test_every_feature_is_tried_in_every_library(module):
    assert set(features()) <= attempts(module)


def test_the_published_table_has_every_feature():
    for words in features().values():
        cells = cells_of(results("features").split("<!-- notes -->")[0], words)
        assert len(cells) == 1 + len(MODULES)
        assert set(cells[1:]) <= {"yes", "own code", "no", "not tried"}
