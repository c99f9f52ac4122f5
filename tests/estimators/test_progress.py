"""What `verbose` shows."""

from __future__ import annotations

import re
import sys

import pytest
from small_estimators import label_sign, make_X, small

from skrnn import RNNClassifier, RNNRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
NUMBER = r"\d\.\d+"


def fit_verbosely(verbose, max_iter=3):
    X = make_X()
    classifier = small(RNNClassifier, verbose=verbose, max_iter=max_iter, early_stopping=True)
    return classifier.fit(X, label_sign(X))


@pytest.mark.parametrize(("verbose", "with_tqdm"), [(2, True), (1, False), (True, False)])
def test_verbose_prints_a_line_of_every_epoch(verbose, with_tqdm, capsys, monkeypatch):
    if not with_tqdm:
        monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    fit_verbosely(verbose)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert all(
        re.fullmatch(
            rf"Epoch {i}: loss = {NUMBER}, validation loss = {NUMBER}, validation score = {NUMBER}",
            line,
        )
        for i, line in enumerate(lines, start=1)
    )


@pytest.mark.parametrize("verbose", [1, True])
def test_verbose_shows_a_progress_bar(verbose, capsys):
    pytest.importorskip("tqdm")
    classifier = fit_verbosely(verbose)
    out, err = capsys.readouterr()
    assert out == ""
    last = err.rpartition("\r")[2]
    loss = f"{classifier.loss_:.4g}"
    assert re.search(rf"100%.* 3/3 .*loss={loss}, validation loss=.*, validation score=", last)


def test_verbose_partial_fit_prints_a_line_a_call(capsys):
    X = make_X()
    regressor = small(RNNRegressor, verbose=1)
    for _ in range(2):
        regressor.partial_fit(X, label_sign(X))
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(":")[0] for line in lines] == ["Epoch 1", "Epoch 2"]


def test_without_verbose_nothing_is_printed(capsys):
    fit_verbosely(False)
    assert capsys.readouterr() == ("", "")
