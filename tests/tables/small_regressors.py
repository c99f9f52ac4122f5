"""Regressors that inspection is tested on, over cells and kinds of networks."""

from __future__ import annotations

from skrnn import RNNRegressor
from skrnn.core.cells import CELLS, Cell, SimpleRNN

# A fit of three epochs, which is enough where a network only has to be fitted.
SHORT = {"max_iter": 5, "tol": 1e9, "n_iter_no_change": 1}


class Own(SimpleRNN):
    """A user's own cell: it knows forward and backward as training calls them, and no more."""

    def backward(self, dh, cache, weights, *, cut=None, need_dx=True):
        return super().backward(dh, cache, weights, cut=cut, need_dx=need_dx)

    # Without the short cut that SimpleRNN takes.
    state_gradients = Cell.state_gradients


ALL_CELLS = [*CELLS, Own()]
VARIANTS = {
    "last": {},
    "mean": {"readout": "mean"},
    "read-out with weights": {"readout": ("max", "attention")},
    "per step": {"return_sequences": True},
    "stacked": {"hidden_layer_sizes": (4, 3)},
    "both ways": {"hidden_layer_sizes": (3, 2), "bidirectional": True},
}


def ids(value):
    return value if isinstance(value, str) else type(value).__name__


def regressor(data, variant="last", **parameters):
    """An unfitted regressor with the targets that it takes."""
    X, y = data
    parameters = {"hidden_layer_sizes": 4, "random_state": 0, **VARIANTS[variant], **parameters}
    if parameters.get("return_sequences"):
        y = [values[:, 0] + target for values, target in zip(X, y, strict=True)]
    return RNNRegressor(**parameters), X, y
