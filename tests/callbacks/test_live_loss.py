"""LiveLoss: what stands on the screen."""

from __future__ import annotations

import re
import sys
import types

import numpy as np
import pytest
from small_fits import make_data, small

from skrnn.callbacks import LiveLoss, sparkline

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning",
    "ignore:Training interrupted",
)


def test_live_loss_writes_over_one_line(capsys):
    est = small(max_iter=5, early_stopping=True).set_callbacks(LiveLoss(every=2))
    est.fit(*make_data())
    screen = capsys.readouterr().out
    assert screen.count("\n") == 1
    epochs = re.findall(r"\repoch (\d+)  [▁-█]+  loss [\d.e-]+  validation", screen)
    assert epochs == ["2", "4", "5"]


def test_a_sparkline_shows_the_form_of_a_curve():
    assert sparkline([0, 1, 2, 7]) == "▁▂▃█"
    assert sparkline([3.0, 3.0]) == "▁▁"
    assert len(sparkline(np.arange(1000), width=10)) == 10


def test_live_loss_draws(pyplot):
    small().set_callbacks(LiveLoss("plot", every=3)).fit(*make_data())
    (line,) = pyplot.gcf().axes[0].lines
    assert len(line.get_xdata()) == 6


def test_live_loss_updates_the_picture_below_the_cell_of_a_notebook(pyplot, monkeypatch):
    updates = []
    handle = types.SimpleNamespace(update=updates.append)
    ipython = types.SimpleNamespace(display=lambda figure, display_id: handle)
    monkeypatch.setitem(sys.modules, "ipykernel", types.ModuleType("ipykernel"))
    monkeypatch.setitem(sys.modules, "IPython", types.ModuleType("IPython"))
    monkeypatch.setitem(sys.modules, "IPython.display", ipython)
    small().set_callbacks(LiveLoss("plot", every=3)).fit(*make_data())
    assert len(updates) == 2
    assert pyplot.get_fignums() == []


def test_live_loss_names_the_package_it_needs(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match="matplotlib"):
        small().set_callbacks(LiveLoss("plot")).fit(*make_data())
