"""A fitted estimator from the weights of a network that was trained elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.utils import check_random_state

from skrnn.core.activations import ACTIVATIONS
from skrnn.core.architecture import Architecture
from skrnn.core.cells import CELLS, Cell
from skrnn.estimators._target_scale import TargetScale

# What is decided by data where it is left at 'auto', and was not decided by any here.
UNDECIDED = {
    "readout": "last",
    "differences": False,
    "frame_length": 1,
    "frame_stride": 1,
    "frame_units": None,
    "frame_shift": False,
}


class Found(NamedTuple):
    """Weights of another library, in our layout.

    Attributes
    ----------
    layers : list of list of dict of str to ndarray
        For every layer and direction our arrays.
    tables : list of ndarray
        Of the embedding, in the order of its channels.
    W, b : ndarray of shape (n_features, n_outputs) and (n_outputs,)
        Of the output layer.
    others : dict of str to ndarray
        What else there is, by the names in the other library.
    scale : tuple of ndarray or None
        Location, divisor and constants of the scale of the target, if they are there.
    """

    layers: list[list[dict[str, np.ndarray]]]
    tables: list[np.ndarray]
    W: np.ndarray
    b: np.ndarray
    others: dict[str, np.ndarray]
    scale: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None

    def named(
        self, tables: list[str], directions: tuple[str, ...], other_names: Mapping[str, str]
    ) -> dict[str, np.ndarray]:
        """Return all arrays by our names; `other_names` holds the other library's by ours."""
        arrays = dict(zip(tables, self.tables, strict=True))
        ours = {theirs: name for name, theirs in other_names.items()}
        others = {ours.get(name, name): array for name, array in self.others.items()}
        for i, layer in enumerate(self.layers):
            for direction, weights in zip(directions, layer, strict=True):
                arrays |= {f"layers.{i}.{direction}.{name}": w for name, w in weights.items()}
        return {**arrays, **others, "output.W": self.W, "output.b": self.b}


def cell_of(like: Any) -> Cell:
    """Return the cell of an estimator, with its activation, fitted or not."""
    if hasattr(like, "network_"):
        return like.network_.architecture.cell
    cell = CELLS[like.cell] if isinstance(like.cell, str) else like.cell
    activation = like.activation
    if isinstance(activation, str):
        activation = ACTIVATIONS[activation]
    return cell.with_activation(activation)


def check_like(like: Any) -> None:
    """Check that `like` is an estimator of ours, of valid parameters."""
    if (
        isinstance(like, type)
        or not hasattr(like, "hidden_layer_sizes")
        or not hasattr(like, "cell")
    ):
        raise TypeError(
            "like must be an RNNClassifier or RNNRegressor, fitted or not; got "
            f"{like!r}. Of a Pipeline pass the last step."
        )
    like._validate_params()


def no_other_names(architecture: Architecture) -> dict[str, str]:
    """Return no names: there is nothing beside layers, embedding and output."""
    return {}


def estimator_with(
    like: Any,
    found: Found,
    classes: Any,
    other_names: Callable[[Architecture], Mapping[str, str]] = no_other_names,
) -> Any:
    """Return a fitted estimator with these weights.

    Parameters
    ----------
    like : RNNClassifier or RNNRegressor
        It is not changed. Of a fitted one the network has to be of the same shape; of another the
        sizes are read from the weights.
    found : Found
        The weights.
    classes : array-like or None
        Labels, in the order of the outputs; only for a `like` that is not fitted.
    other_names : callable
        ``other_names(architecture)`` returns the other library's names of `found.others` by ours.

    Raises
    ------
    ValueError
        If the weights do not go with the parameters of `like`.
    """
    fitted = hasattr(like, "network_")
    if fitted and classes is not None:
        raise ValueError("like is fitted and has classes_; leave classes out.")
    estimator = deepcopy(like) if fitted else _new(like, found, classes)
    if not fitted:
        found = _of_one_output(estimator, found)
    network = estimator.network_
    tables = [name for name in network.parameters if name.startswith("embedding.")]
    if len(tables) != len(found.tables):
        raise ValueError(
            f"The weights have {len(found.tables)} embedding(s), like has {len(tables)}."
        )
    architecture = network.architecture
    if any(len(layer) != len(architecture.directions) for layer in found.layers):
        raise ValueError(
            f"The weights are of {len(found.layers[0])} direction(s), like has "
            f"bidirectional={architecture.bidirectional}."
        )
    arrays = found.named(tables, architecture.directions, other_names(architecture))
    _check_shapes(arrays, network.architecture.shapes())
    for name, array in arrays.items():
        network.parameters[name] = array
    if found.scale is not None and not is_classifier(estimator):
        _rescale(estimator, *found.scale)
    return _without_course(estimator)


def _rescale(estimator: Any, *found: np.ndarray) -> None:
    """Give a regressor another scale of the target; its own, if that is only more precise."""
    own = estimator._targets.target_scale
    pairs = list(zip(own[:3], found, strict=True))
    if not all(np.array_equal(a.astype(b.dtype), b, equal_nan=True) for a, b in pairs):
        location, divisor, constant = (each.astype(np.float64) for each in found)
        # Targets are copied with the estimator: those of `like` keep their scale.
        scale = TargetScale(location, divisor, constant, own.weight)
        estimator._targets.target_scale = scale


def _new(like: Any, found: Found, classes: Any) -> Any:
    """Return a copy of an estimator with a new network, of the sizes of the weights."""
    for name, off in UNDECIDED.items():
        value = getattr(like, name)
        if name != "readout" and not (isinstance(value, str) or value == off):
            raise ValueError(
                f"like has {name}={value!r}, and the weights alone do not tell the channels in "
                "front of it. Pass a fitted estimator."
            )
    sizes = tuple(len(layer[0]["W_h"]) for layer in found.layers)
    dtype = np.result_type(found.W.dtype, np.float32)
    estimator = clone(like).set_params(
        hidden_layer_sizes=sizes,
        bidirectional=len(found.layers[0]) == 2,
        **{name: value for name, value in UNDECIDED.items() if _is_auto(getattr(like, name))},
    )
    n_channels = found.layers[0][0]["W_x"].shape[0]
    if found.tables:
        n_tokens, dim = found.tables[0].shape
        if len(found.tables) > 1 or n_channels != dim:
            raise ValueError(
                "The embedding of several channels is read by a fitted `like` only: the weights "
                "alone do not tell which channels they are."
            )
        estimator.set_params(embedding_dim=dim, n_tokens=n_tokens)
        n_channels = 1
    y = _targets_like(estimator, found, classes)
    X = np.zeros((len(y), 2, n_channels), dtype=dtype)
    estimator, _, _ = estimator._for_inspection(X, y)
    if not is_classifier(estimator):
        n_outputs = estimator.n_outputs_
        estimator._targets.target_scale = TargetScale(
            np.zeros(n_outputs), np.ones(n_outputs), np.full(n_outputs, np.nan), 0.0
        )
    return estimator


def _is_auto(value: Any) -> bool:
    return isinstance(value, str) and value == "auto"


def _targets_like(estimator: Any, found: Found, classes: Any) -> np.ndarray:
    """Return targets from which the estimator learns its classes, or its number of outputs."""
    per_step, n_outputs = estimator.return_sequences, found.W.shape[1]
    if not is_classifier(estimator):
        if classes is not None:
            raise ValueError("classes is for an RNNClassifier; RNNRegressor has none.")
        y = np.ones((2, n_outputs))
        y = y[:, 0] if n_outputs == 1 else y
    else:
        y = np.arange(max(2, n_outputs)) if classes is None else np.asarray(classes)
        if y.ndim != 1 or len(np.unique(y)) != len(y) or (y != np.sort(y)).any():
            raise ValueError(
                f"classes must be different labels in ascending order; got {classes!r}. Put the "
                "columns of the output layer into that order, too."
            )
        if len(y) != max(2, n_outputs):
            raise ValueError(
                f"The output layer is of {max(2, n_outputs)} classes; got {len(y)} classes."
            )
    return np.repeat(y[:, None], 2, axis=1) if per_step else y


def _of_one_output(estimator: Any, found: Found) -> Found:
    """Return weights with one output for two classes, where they have a softmax of two.

    Its probabilities are those of the logistic function of the difference.
    """
    if not is_classifier(estimator) or estimator.n_outputs_ == found.W.shape[1]:
        return found
    W, b = found.W[:, 1:] - found.W[:, :1], found.b[1:] - found.b[:1]
    return found._replace(W=W, b=b)


def _check_shapes(arrays: dict[str, np.ndarray], shapes: Any) -> None:
    wrong = [
        f"{name}: {arrays[name].shape if name in arrays else 'missing'}, expected "
        f"{shapes.get(name, 'none')}"
        for name in {**shapes, **arrays}
        if name not in arrays or name not in shapes or arrays[name].shape != tuple(shapes[name])
    ]
    if wrong:
        raise ValueError(
            "The weights are not those of a network like `like`. " + "; ".join(wrong[:4]) + "."
        )


def _without_course(estimator: Any) -> Any:
    """Take off what tells how a network was trained, which is not this one."""
    estimator._random_state = check_random_state(estimator.random_state)
    estimator._optimizer = None, None
    for name in ("loss", "grad_norm", "clip_rate", "update_ratio"):
        setattr(estimator, f"{name}_curve_", [])
    for name in ("validation_loss_curve_", "validation_scores_", "best_validation_loss_"):
        setattr(estimator, name, None)
    estimator.best_validation_score_ = None
    estimator.t_ = estimator.n_iter_ = 0
    estimator.loss_, estimator.best_loss_ = float("nan"), None
    return estimator
