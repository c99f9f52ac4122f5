"""From the raw prediction to labels and probabilities, or to numbers on the target's scale."""

from __future__ import annotations

from typing import Any

import numpy as np

from skrnn._portable import link_name
from skrnn.onnx._nodes import Nodes

# The operators of the inverse links.
LINKS = {"identity": None, "exponential": "Exp", "logistic": "Sigmoid"}


def is_of_classes(targets: Any) -> bool:
    """Tell whether targets are labels."""
    return hasattr(targets, "classes")


def check_targets(targets: Any, n_outputs: int) -> None:
    """Raise ValueError where there is no way from a raw prediction to what `predict` returns.

    Parameters
    ----------
    targets : ClassTargets or NumberTargets
        Those of a fitted estimator.
    n_outputs : int
        Width of the raw prediction.
    """
    if is_of_classes(targets):
        label_dtype(targets)
        return
    loss, expected = targets.loss, targets.target_scale.location.shape
    if link_name(loss) is None or expected != (n_outputs,):
        raise ValueError(
            f"How the loss {loss!r} makes predictions of {n_outputs} raw outputs cannot be "
            "exported: known are one output for every target, and the links identity, "
            "exponential and logistic."
        )


def label_dtype(targets: Any) -> type:
    """Return how labels are exported: as int64, float32 or str."""
    if targets.multilabel:
        return np.int64
    classes = targets.classes
    if classes.dtype.kind in "biu":
        return np.int64
    if classes.dtype.kind == "f":
        return np.float32
    if all(isinstance(label, str) for label in classes):
        return str
    raise ValueError(
        f"Labels of dtype {classes.dtype} cannot be exported to ONNX: {classes[:3].tolist()!r}. "
        "Expected numbers, booleans or strings; encode them before fit."
    )


def classifier_answers(nodes: Nodes, targets: Any, raw: str) -> tuple[str, str]:
    """Return labels and probabilities.

    Parameters
    ----------
    nodes : Nodes
        To which the nodes are added.
    targets : ClassTargets
        Of the fitted estimator.
    raw : str
        Raw prediction, (n_rows, n_outputs), or of every step with an axis more.

    Returns
    -------
    label, probabilities : str
        Names of tensors of shape (n_rows,) and (n_rows, n_classes), or with an axis more; of
        multilabel targets both have one column for every output.
    """
    positive = nodes.add("Greater", raw, nodes.constant(np.float32(0)))
    if targets.multilabel:
        return nodes.cast(positive, np.int64), _inside(nodes, nodes.add("Sigmoid", raw))
    if targets.n_classes == 1:
        certain = nodes.add("Sub", raw, raw)
        certain = nodes.add("Add", certain, nodes.constant(np.float32(1)))
        place = nodes.squeeze(nodes.cast(nodes.add("Sub", raw, raw), np.int64), -1)
        return _labels(nodes, targets, place), certain
    if targets.n_classes == 2:
        place = nodes.squeeze(nodes.cast(positive, np.int64), -1)
        both = [nodes.add("Sigmoid", nodes.add("Neg", raw)), nodes.add("Sigmoid", raw)]
        return _labels(nodes, targets, place), _inside(nodes, nodes.concat(*both, axis=-1))
    place = nodes.add("ArgMax", raw, axis=-1, keepdims=0)
    proba = nodes.add("Softmax", raw, axis=-1)
    return _labels(nodes, targets, place), _inside(nodes, proba)


def _labels(nodes: Nodes, targets: Any, place: str) -> str:
    """Return the labels at these places of `classes_`."""
    dtype = label_dtype(targets)
    classes = targets.classes.astype(object if dtype is str else dtype)
    return nodes.add("Gather", nodes.constant(classes), place, axis=0)


def _inside(nodes: Nodes, proba: str) -> str:
    """Keep probabilities inside (0, 1), as `predict_proba` does."""
    limits = np.finfo(np.float32)
    low, high = nodes.constant(limits.tiny), nodes.constant(np.float32(1 - limits.epsneg))
    return nodes.add("Clip", proba, low, high)


def regressor_answer(nodes: Nodes, targets: Any, raw: str) -> str:
    """Return predictions on the scale of the targets, in the shape of `raw`.

    The scale is given back in double precision: a large number leaves single precision no digits
    for the prediction that is added to it.
    """
    inverse = LINKS[link_name(targets.loss) or "identity"]
    y = nodes.cast(raw, np.float64)
    if inverse is not None:
        y = nodes.add(inverse, y)
    scale = targets.target_scale
    y = nodes.add("Mul", y, nodes.constant(scale.divisor))
    y = nodes.add("Add", y, nodes.constant(scale.location))
    constant = ~np.isnan(scale.constant)
    if constant.any():
        y = nodes.add("Where", nodes.constant(constant), nodes.constant(scale.constant), y)
    return nodes.cast(y, np.float32)
