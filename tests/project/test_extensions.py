"""The rows of `docs/guide/contribute.md`: an entry in a registry is all that a new part takes.

Each part comes from outside the package, enters the registry before the estimators are imported,
as a line in the package's own file would, and is then asked for by its name.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import skrnn

TABLES = Path(__file__).parents[1] / "tables"
PAGE = Path(__file__).parents[2] / "docs" / "guide" / "contribute.md"
# registry -> (the entry as own_parts.py has it, the parameters that ask for it)
ENTRIES = {
    "core.cells.CELLS": ("Leaky()", "cell='new'"),
    "core.activations.ACTIVATIONS": ("SCALED_TANH", "activation='new', cell='rnn'"),
    "core.initializers.INITIALIZERS": ("signs", "init='new', recurrent_init='new'"),
    "core.losses.REGRESSION_LOSSES": ("InverseGaussian", "loss='new'"),
    "core.optimizers.OPTIMIZERS": ("SignDescent", "optimizer='new'"),
    "core.readouts.READOUTS": ("Dense()", "readout=('last', 'new')"),
}
SCRIPT = """
import sys
import warnings
import numpy as np
from importlib import import_module
sys.path.insert(0, {tables!r})
import own_parts
registry = getattr(import_module("skrnn.{module}"), {name!r})
registry["new"] = own_parts.{entry}
# The estimators check names against the registries that they find when they are imported.
for module in [name for name in sys.modules if name.startswith("skrnn.estimators")]:
    del sys.modules[module]
from skrnn.estimators import RNNRegressor
from skrnn.inspection import diagnose, gradient_flow
from sklearn.model_selection import GridSearchCV
warnings.simplefilter("error")
warnings.filterwarnings("ignore", message="The network has learnt nothing")
rng = np.random.default_rng(0)
X, y = rng.normal(size=(30, 6, 2)), rng.uniform(1, 2, size=30)
reg = RNNRegressor(4, {parameters}, learning_rate="cosine", max_iter=3, random_state=0)
assert np.isfinite(reg.fit(X, y).predict(X)).all()
search = GridSearchCV(reg, {{"alpha": [0.0, 0.1]}}, cv=2).fit(X, y)
assert np.isfinite(gradient_flow(search, X, y).norms).all()
assert diagnose(search, X, y).measurements["horizon"]
"""


@pytest.mark.parametrize("registry", ENTRIES)
def test_a_new_entry_is_used_wherever_a_built_in_one_is(registry):
    (module, name), (entry, parameters) = registry.rsplit(".", 1), ENTRIES[registry]
    script = SCRIPT.format(
        tables=str(TABLES), module=module, name=name, entry=entry, parameters=parameters
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_callback_needs_only_the_hooks_that_it_wants(ragged):
    from skrnn.callbacks import Callback

    class Epochs(Callback):
        seen = 0

        def on_fit_task_end(self, estimator, context):
            self.seen += context.task_name == "epoch"

    callback = Epochs()
    clf = skrnn.RNNClassifier(4, learning_rate="cosine", max_iter=3, random_state=0)
    clf.set_callbacks(callback).fit(*ragged)
    assert callback.seen == 3


def test_the_page_names_every_registry():
    page = PAGE.read_text(encoding="utf-8")
    for registry in ENTRIES:
        assert re.search(rf"`{registry.rsplit('.', 1)[1]}`", page)
