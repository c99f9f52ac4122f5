"""What skrnn and its peers do with sequences: every cell of the table is tried.

Each feature is tried in the plain public way of each library, on a few small sequences. A cell is
"yes" where that works, "own code" where it works with a module, a loss or padding that the user
writes, "no" where it fails or there is nothing to
call, and "not tried" where a package was missing; what the library said then stands below the
table. Needs aeon, Keras, ONNX Runtime, PyTorch,
safetensors, skl2onnx, skops and skorch.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import re
import warnings
from collections.abc import Callable

os.environ.setdefault("KERAS_BACKEND", "torch")

import _features_aeon
import _features_keras
import _features_mlp
import _features_skorch
import _features_skrnn
import _measure

LIBRARIES = {
    "skrnn": _features_skrnn,
    "scikit-learn's MLP": _features_mlp,
    "skorch + PyTorch": _features_skorch,
    "Keras": _features_keras,
    "aeon": _features_aeon,
}
FEATURES = {
    "Data": {
        "different_lengths": "sequences of different lengths",
        "cells": "a DataFrame whose cells are sequences",
        "missing": "missing values inside a sequence",
        "static": "numbers beside a sequence (age, kind)",
        "strings": "words or events as strings",
        "steps": "a target at every time step",
    },
    "Training": {
        "sample_weight": "`sample_weight` in `fit`",
        "class_weight": "weights of classes",
        "partial_fit": "going on with new data",
        "early_stopping": "early stopping",
        "callbacks": "callbacks during a fit",
        "seed": "same numbers again by a parameter of the estimator",
    },
    "scikit-learn": {
        "checks": "`check_estimator` without a failure",
        "search": "`GridSearchCV` over sequences of different lengths",
        "pickles": "a fitted model is pickled",
    },
    "Answers": {
        "quantiles": "several quantiles that never cross",
        "spread": "mean and standard deviation",
        "alone": "a sequence alone gets the answer it gets in a batch, to the bit",
        "attributions": "what each time step adds to a prediction",
        "diagnosis": "a look at the gradients: does it learn?",
    },
    "Elsewhere": {
        "safe_file": "a file that is loaded without a pickle",
        "onnx": "ONNX",
        "streaming": "one step a call, the state kept",
    },
    "Beyond small recurrent networks": {
        "gpu": "a GPU",
        "own_layer": "a layer of your own, its gradient found automatically",
        "other_networks": "models that are not recurrent",
        "other_tasks": "clustering and distances of series",
    },
}


def tried(module: object, feature: str) -> tuple[str, str]:
    """Return the cell of a feature, and what is to be said about it."""
    attempt: Callable[[], str | None] = getattr(module, feature)
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # bars of progress
            note = attempt()
    except ModuleNotFoundError as error:
        return "not tried", first_words(str(error))
    except Exception as error:  # whatever a library says
        return "no", f"{type(error).__name__}: {first_words(str(error))}"
    return ("own code" if getattr(attempt, "own_code", False) else "yes"), note or ""


def first_words(text: str, length: int = 110) -> str:
    """Return the beginning of a message, on one line, without places in memory."""
    line = re.sub(r"\s+", " ", re.sub(r" at 0x[0-9a-f]+| \(/[^)]*\)", "", text)).strip()
    return line if len(line) <= length else line[:length].rsplit(" ", 1)[0] + " ..."


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--only", nargs="+", metavar="FEATURE", help="names of functions")
    arguments = _measure.parse(parser)
    warnings.simplefilter("ignore")
    rows, said = [], []
    for features in FEATURES.values():
        for feature, words in features.items():
            if arguments.only and feature not in arguments.only:
                continue
            outcomes = {name: tried(module, feature) for name, module in LIBRARIES.items()}
            rows.append([words, *(outcome for outcome, _ in outcomes.values())])
            said += [f"| {words} | {name} | {note.replace('|', chr(92) + '|')} |"
                     for name, (_, note) in outcomes.items() if note]  # fmt: skip
    ruler = ["---", *[":-:"] * len(LIBRARIES)]
    lines = ["| " + " | ".join(row) + " |" for row in [["", *LIBRARIES], ruler, *rows]]
    notes = ["| | | in detail |", "| --- | --- | --- |", *said]
    text = "Every cell was tried; `docs/benchmarks/_features_*.py` has the attempts."
    sections = [text, "<!-- table -->\n\n" + "\n".join(lines), "<!-- notes -->", "\n".join(notes)]
    packages = ["torch", "skorch", "keras", "aeon", "skl2onnx", "skops"]
    _measure.publish(arguments, "features", "Features, tried", sections, packages)


if __name__ == "__main__":
    main()
