"""Every claim of the README: shown here, or by the test that is named."""

from __future__ import annotations

import ast
import inspect
import re
import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.neural_network import MLPClassifier, MLPRegressor

import skrnn
from skrnn import RNNClassifier, RNNRegressor, callbacks, inspection, plotting
from skrnn.core.activations import ACTIVATIONS
from skrnn.core.cells import CELLS
from skrnn.core.initializers import INITIALIZERS
from skrnn.core.optimizers import OPTIMIZERS
from skrnn.core.readouts import READOUTS
from skrnn.preprocessing import make_windows
from skrnn.sequences import as_sequences

ROOT = Path(__file__).parents[2]
README = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
SMALL = {"hidden_layer_sizes": 3, "max_iter": 5, "tol": 9.0, "n_iter_no_change": 1}
RNG = np.random.default_rng(0)
RAGGED = [RNG.normal(size=(length, 2)) for length in (3, 5, 2, 4, 3, 6, 2, 5)]
LABELS = np.arange(8) % 2

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def project():
    path = ROOT / "pyproject.toml"
    if not path.exists():
        pytest.skip("there is no pyproject.toml beside the tests")
    return tomllib.loads(path.read_text(encoding="utf-8"))["project"]


def needs_nothing_else():
    names = {re.match(r"[\w-]+", each)[0] for each in project()["dependencies"]}
    assert names == {"numpy", "scipy", "scikit-learn", "pandas"}


def parameters_are_those_of_the_perceptron():
    for ours, theirs in ((RNNClassifier, MLPClassifier), (RNNRegressor, MLPRegressor)):
        names = set(theirs().get_params()) - set(ours().get_params())
        assert names == {"solver", "max_fun"}
    RNNClassifier(**SMALL).set_params(n_iter_no_change=np.inf, max_iter=1).fit(RAGGED, LABELS)


def lists_are_sequences():
    assert as_sequences(RAGGED).lengths.tolist() == [len(each) for each in RAGGED]


def needs_python():
    assert project()["requires-python"] == ">=3.11"


def versions_name_the_kernels(capsys):
    skrnn.show_versions()
    assert re.search(r"^kernels +\S", capsys.readouterr().out, re.M)


def help_lists_every_target():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    (phony,) = re.findall(r"^\.PHONY: (.*)$", makefile, re.M)
    helped = re.findall(r"^([a-z]+):.*## ", makefile, re.M)
    assert set(phony.split()) == set(helped)


def every_cell_is_named():
    (sentence,) = re.findall(r"\*\*Cells\*\* (.*?), or \[your own\]", README)
    assert set(re.findall(r"`(\w+)`", sentence)) == set(CELLS)


def every_readout_is_there():
    assert {"last", "mean", "max", "attention"} <= set(READOUTS)
    model = RNNRegressor(readout=("last", "mean"), bidirectional=True, **SMALL)
    model.set_params(hidden_layer_sizes=(3, 2)).fit(RAGGED, LABELS)


def every_optimizer_is_named():
    (listed,) = re.findall(r"orthogonal and identity; (.*?)\. \[Vanishing", README)
    named = {name.lower().replace("-", "") for name in re.split(r", | and ", listed)}
    assert named == set(OPTIMIZERS)


def activations_and_initializers_are_there():
    assert {"tanh", "relu"} <= set(ACTIVATIONS)
    kinds = {name.split("_")[0] for name in INITIALIZERS}
    assert {"xavier", "he", "lecun", "orthogonal", "identity"} <= kinds


def windows_are_never_copied():
    series = pd.DataFrame({"sold": np.arange(30.0)})
    windows = make_windows(series, window=20).X
    assert windows.table.size == series.size
    assert as_sequences(windows).table is windows.table


def predictions_do_not_depend_on_the_others():
    model = RNNClassifier(**SMALL, random_state=0).fit(RAGGED, LABELS)
    alone = np.concatenate([model.predict_proba([each]) for each in RAGGED])
    np.testing.assert_allclose(model.predict_proba(RAGGED), alone, rtol=1e-12)
    padded = np.full((8, 9, 2), np.nan)
    for row, each in zip(padded, RAGGED, strict=True):
        row[: len(each)] = each
    np.testing.assert_allclose(model.predict_proba(padded), alone, rtol=1e-12)


def targets_are_of_every_kind():
    two = np.column_stack([LABELS, 1 - LABELS])
    assert RNNRegressor(**SMALL).fit(RAGGED, two).predict(RAGGED).shape == (8, 2)
    assert RNNClassifier(**SMALL).fit(RAGGED, two).predict(RAGGED).shape == (8, 2)
    weighted = RNNClassifier(class_weight="balanced", **SMALL)
    weighted.fit(RAGGED, LABELS, sample_weight=np.arange(1.0, 9.0))


def training_has_what_is_listed():
    parameters = RNNClassifier().get_params()
    listed = "early_stopping learning_rate max_grad_norm dropout warm_start bptt_steps"
    assert set(listed.split()) <= set(parameters)
    assert "X_val" in inspect.signature(RNNClassifier.fit).parameters
    assert hasattr(RNNClassifier(), "partial_fit")


def frames_are_plain_or_learnt():
    parameters = RNNClassifier().get_params()
    assert {"frame_length", "frame_stride", "frame_units"} <= set(parameters)


def callbacks_are_there():
    assert {"EarlyStopping", "MedianPruning", "Checkpoint"} <= set(callbacks.__all__)


def inspection_is_there():
    assert {"gradient_flow", "diagnose"} <= set(inspection.__all__)
    assert {"GradientFlowDisplay", "SaturationDisplay"} <= set(plotting.__all__)


def layers_are_as_fast_as_measured():
    results = ROOT / "docs" / "benchmarks" / "results" / "bench_layers_float32.md"
    if not results.exists():
        pytest.skip("there are no results of benchmarks beside the tests")
    rows = re.findall(r"^\| (\w+) \| 2 \| \*\*([\d.]+)\*\* \|", results.read_text("utf-8"), re.M)
    ratio = {cell: float(value) for cell, value in rows}
    assert ratio["lstm"] == min(ratio.values())
    assert ratio["gru"] == max(ratio.values())
    assert round(ratio["lstm"]) == 2
    assert round(ratio["gru"]) == 7
    shapes = re.findall(r"^\| lstm: [\d, ]+ \| 2 \|", results.read_text("utf-8"), re.M)
    assert len(shapes) == 7


# What the README says -> a function that shows it, or the test that does.
CLAIMS = {
    "They need NumPy, SciPy, scikit-learn and pandas, and nothing else.": needs_nothing_else,
    "a grid written for those keeps working, but for `solver`, here `optimizer`, and `max_fun`": (
        parameters_are_those_of_the_perceptron
    ),
    "Any list of arrays is a set of sequences too": lists_are_sequences,
    "with Python 3.11 or newer": needs_python,
    "without one the same install runs on NumPy": (
        "tests/core/test_kernels.py::test_numpy_is_a_back_end_too"
    ),
    "`skrnn.show_versions()` says which is in use": versions_name_the_kernels,
    "`make help` lists the other targets": help_lists_every_target,
    "**Cells**": every_cell_is_named,
    "read out at the last step, by the mean, the maximum or attention, or by several of these": (
        every_readout_is_there
    ),
    "Every part may be [an object of yours]": (
        "tests/project/test_extensions.py::test_a_new_entry_is_used_wherever_a_built_in_one_is"
    ),
    "**Activation, init and optimizer** are parameters to search over": every_optimizer_is_named,
    "tanh, ReLU and the like; Xavier, He, LeCun, orthogonal and identity": (
        activations_and_initializers_are_there
    ),
    "windows over a time series that are never copied": windows_are_never_copied,
    "Predictions never depend on padding or on the other sequences of a batch": (
        predictions_do_not_depend_on_the_others
    ),
    "through a learnt embedding, alongside numeric channels": (
        "tests/estimators/test_workflows.py::test_a_search_over_events_with_amounts"
    ),
    "several outputs, several labels; [class and sample weights]": targets_are_of_every_kind,
    "[Gaps](https://skrnn.github.io/skrnn/guide/missing_values.html) inside them are taken": (
        "tests/estimators/test_missing_values.py::test_every_ragged_form_is_read_alike"
    ),
    "single values in the same table join the network at its read-out": (
        "tests/estimators/test_static.py::test_whatever_decides_is_learnt"
    ),
    "Steps or outputs without a target add nothing": (
        "tests/estimators/test_unlabelled_steps.py::"
        "test_a_step_without_a_target_is_one_without_weight_to_the_bit"
    ),
    "several quantiles from one network, which never cross": (
        "tests/estimators/test_uncertainty.py::test_quantiles_never_cross_whatever_comes_in"
    ),
    "MAPIE and crepes on sequences of any form": (
        "tests/estimators/test_conformal.py::test_split_conformal"
    ),
    "each window at its own scale": (
        "tests/forecasting/test_scaled.py::test_windows_and_targets_get_the_scale_of_the_window"
    ),
    "back-tested beside a naive forecast": (
        "tests/forecasting/test_forecast.py::test_every_origin_is_forecast_beside_the_truth"
    ),
    "[saved](https://skrnn.github.io/skrnn/guide/save_and_load.html) without pickle": (
        "tests/persistence/test_persistence.py::test_a_model_answers_as_it_did_to_the_bit"
    ),
    "from a stream, equal to `predict` to the bit": (
        "tests/streaming/test_stream.py::"
        "test_every_step_is_the_prediction_for_the_prefix_to_the_bit"
    ),
    "early stopping on the validation loss": (
        "tests/estimators/test_validation_set.py::"
        "test_the_validation_loss_is_the_one_that_is_minimised"
    ),
    "one that keeps overlapping windows apart": (
        "tests/estimators/test_hold_out.py::test_no_row_is_on_both_sides"
    ),
    "learning-rate schedules, clipping, dropout, warm starts, `partial_fit`": (
        training_has_what_is_listed
    ),
    "A fit that learnt nothing says so": (
        "tests/estimators/test_outcome.py::test_a_network_no_better_than_a_constant_says_so"
    ),
    "of several steps, plain or through a learnt layer": frames_are_plain_or_learnt,
    "scikit-learn's progress bar and scoring monitor": (
        "tests/callbacks/test_base.py::"
        "test_scikit_learns_monitor_scores_every_epoch_in_a_search_of_pipelines"
    ),
    "pruning of hopeless candidates": callbacks_are_there,
    "checkpoints from which a killed fit resumes, bit for bit": (
        "tests/callbacks/test_checkpoint.py::test_a_fit_whose_process_was_killed_is_resumed"
    ),
    "and `skrnn.plotting` draws it": inspection_is_there,
    "names the fault, its evidence and the parameter that fixes it": (
        "tests/inspection/test_diagnosis.py::test_the_planted_fault_comes_first"
    ),
    "with NumPy as a readable twin": (
        "tests/core/test_kernels.py::test_both_twins_agree_on_a_random_layer"
    ),
    "two (LSTM) to seven times (GRU) as fast as PyTorch's, in geometric mean over [seven "
    "shapes]": layers_are_as_fast_as_measured,
    "the same `random_state` gives the same network, bit for bit, on any number of threads": (
        "tests/core/test_threads.py::test_fit_is_bitwise_equal_for_any_number_of_threads"
    ),
    "for the defaults": "tests/estimators/test_sklearn_compat.py::test_defaults",
    "for every cell, activation, optimizer, read-out, loss and schedule": (
        "tests/estimators/test_sklearn_compat.py::test_regressor"
    ),
    "`partial_fit` trains on a file larger than memory": (
        "tests/estimators/test_out_of_core.py::test_training_needs_less_memory_than_the_file"
    ),
    "finds the same network bit for bit": (
        "tests/estimators/test_cluster.py::test_search_in_two_processes_is_bitwise_the_same"
    ),
    "`predict` maps over the parts of Dask arrays, bags and data frames": (
        "tests/estimators/test_cluster.py::test_predict_over_blocks_of_a_dask_array"
    ),
}


@pytest.mark.parametrize("claim", CLAIMS)
def test_the_readme_says_so(claim):
    """A claim that is worded anew is to be looked at anew."""
    assert claim in README


@pytest.mark.parametrize(
    "claim", [claim for claim, shown in CLAIMS.items() if not isinstance(shown, str)]
)
def test_it_is_so(claim, capsys):
    show = CLAIMS[claim]
    show(capsys) if inspect.signature(show).parameters else show()


@pytest.mark.parametrize(
    "test", [shown for shown in CLAIMS.values() if isinstance(shown, str)], ids=str
)
def test_the_test_that_shows_it_exists(test):
    path, name = test.split("::")
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_every_point_of_what_it_does_has_a_claim():
    section = re.search(r"## What it does(.*?)## Questions it answers", README)[1]
    points = re.split(r" - (?=\*\*)", section)[1:]
    claimed = [claim for claim in CLAIMS if claim in section]
    assert [point for point in points if not any(claim in point for claim in claimed)] == []
