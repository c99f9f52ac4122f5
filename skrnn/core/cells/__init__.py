"""The recurrent cells.

A cell is a pair of pure functions on plain arrays (the axes are those of `skrnn.core`)::

    h, cache             = cell.forward(x, n_active, weights, state=None)
    dx, dweights, dstate = cell.backward(dh, cache, weights, cut=None, need_dx=True)

`skrnn.core.cells.base.Cell` says what every argument is and what may be left out; its `backward`
runs through time, so that a cell writes only the derivatives of one step. Adding a cell is one
file and one line in `CELLS`: estimators, their parameter checks and the tests follow.
"""

from __future__ import annotations

from skrnn.core.cells.base import Cell
from skrnn.core.cells.gru import GRU
from skrnn.core.cells.lru import LRU
from skrnn.core.cells.lstm import LSTM
from skrnn.core.cells.simple_rnn import SimpleRNN

__all__ = ["CELLS", "GRU", "LRU", "LSTM", "Cell", "SimpleRNN"]

CELLS: dict[str, Cell] = {"rnn": SimpleRNN(), "lstm": LSTM(), "gru": GRU(), "lru": LRU()}
