"""From the raw prediction to labels and probabilities, or to numbers on the target's scale."""

from __future__ import annotations

from typing import Any

import numpy as np

from skrnn._portable import head_name
from skrnn.core.losses import LEAST_DISPERSION, LEAST_SCALE, SHIFT, n_raw_of
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
    loss, n_targets = targets.loss, len(targets.target_scale.location)
    if head_name(loss) is None or n_targets * n_raw_of(loss) != n_outputs:
        raise ValueError(
            f"How the loss {loss!r} makes predictions of {n_outputs} raw outputs cannot be "
            "exported: known are several quantiles, 'gaussian', 'negative_binomial' and, with one "
            "output for every target, the links identity, exponential and logistic."
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


def columns_of(targets: Any) -> dict[str, tuple[int, ...]]:
    """Return the axes behind those of the rows of everything that a regressor answers.

    Parameters
    ----------
    targets : NumberTargets
        Of the fitted estimator.

    Returns
    -------
    dict of str to tuple of int
        By the names of the outputs.
    """
    n_targets, head = len(targets.target_scale.location), head_name(targets.loss)
    if head == "quantiles":
        n_levels = n_raw_of(targets.loss)
        return {"variable": (n_levels,) if targets.single else (n_targets, n_levels)}
    names = ("variable",) if head in LINKS else ("variable", "std")
    return dict.fromkeys(names, (n_targets,))


def regressor_answers(
    nodes: Nodes, targets: Any, raw: str, n_axes: int, back: tuple[str, str] | None = None
) -> dict[str, str]:
    """Return predictions on the scale of the targets, with the axes that `columns_of` says.

    The scale is given back in double precision: a large number leaves single precision no digits
    for the prediction that is added to it.

    Parameters
    ----------
    nodes : Nodes
        To which the nodes are added.
    targets : NumberTargets
        Of the fitted estimator.
    raw : str
        Raw prediction, with the axes of the rows and that of the outputs.
    n_axes : int
        Axes of the rows.
    back : tuple of str, default=None
        Level and spread of every row, to which predictions are then taken back.
    """
    y, loss = nodes.cast(raw, np.float64), targets.loss
    scale, head = targets.target_scale, head_name(loss)
    if head in LINKS:
        inverse = LINKS[head]
        y = y if inverse is None else nodes.add(inverse, y)
        answers = {"variable": _on_scale(nodes, scale, y)}
    else:
        by_target = *[0] * n_axes, len(scale.location), n_raw_of(loss)
        y = nodes.reshape(y, *by_target)
        if head == "quantiles":
            quantiles = _on_scale(nodes, scale, _quantiles(nodes, loss.link.inverse, y), (1,))
            answers = {"variable": nodes.squeeze(quantiles, -2) if targets.single else quantiles}
        else:
            mean, std = DISTRIBUTIONS[str(head)](nodes, y)
            std = nodes.add("Mul", std, nodes.constant(scale.factor))
            answers = {"variable": _on_scale(nodes, scale, mean), "std": std}
    if back is not None:
        answers = _of_windows(nodes, targets, answers, back)
    return {name: nodes.cast(y, np.float32) for name, y in answers.items()}


def _of_windows(
    nodes: Nodes, targets: Any, answers: dict[str, str], back: tuple[str, str]
) -> dict[str, str]:
    """Return answers on the scale of their own windows; each has the targets as its axis 1."""
    n_targets = len(targets.target_scale.location)
    several = len(columns_of(targets)["variable"]) == 2
    # Of several channels the targets of the first come first, then those of the second.
    level, spread = (_repeated(nodes, each, n_targets) for each in back)
    if several:
        level, spread = nodes.unsqueeze(level, 2), nodes.unsqueeze(spread, 2)
    found = {name: nodes.add("Mul", y, spread) for name, y in answers.items()}
    return found | {"variable": nodes.add("Add", found["variable"], level)}


def _repeated(nodes: Nodes, of_channels: str, n_targets: int) -> str:
    """Return what holds for channels, (n_samples, n_channels), for as many targets of each."""
    n_channels = nodes.size(of_channels, 1)
    each = nodes.add("Div", nodes.ints(n_targets), n_channels)
    times = nodes.concat(nodes.ints(1, 1), each, axis=0)
    repeated = nodes.add("Expand", nodes.unsqueeze(of_channels, 2), times)
    return nodes.reshape(repeated, 0, n_targets)


def _on_scale(nodes: Nodes, scale: Any, y: str, more: tuple[int, ...] = ()) -> str:
    """Return predictions on the scale of the targets; `more` axes stand behind that of these."""
    location, divisor, constant = (
        each.reshape(-1, *more) for each in (scale.location, scale.divisor, scale.constant)
    )
    y = nodes.add("Mul", y, nodes.constant(divisor))
    y = nodes.add("Add", y, nodes.constant(location))
    is_constant = ~np.isnan(constant)
    if is_constant.any():
        y = nodes.add("Where", nodes.constant(is_constant), nodes.constant(constant), y)
    return y


def _positive(nodes: Nodes, raw: str) -> str:
    """Return the softplus that is 1 at zero: ``max(a, 0) + log(1 + exp(-abs(a)))``."""
    a = nodes.add("Add", raw, nodes.constant(np.float64(SHIFT)))
    small = nodes.add("Exp", nodes.add("Neg", nodes.add("Abs", a)))
    rest = nodes.add("Log", nodes.add("Add", small, nodes.constant(np.float64(1))))
    return nodes.add("Add", nodes.add("Max", a, nodes.constant(np.float64(0))), rest)


def _quantiles(nodes: Nodes, link: Any, raw: str) -> str:
    """Return the quantiles of every target, (..., n_targets, n_levels), in the order asked for."""
    a, n_levels = link.anchor, len(link.levels)

    def part(x: str, start: int, stop: int) -> str:
        return nodes.slice(x, start, stop, axis=-1)

    middle, quantiles = part(raw, 0, 1), []
    if n_levels == 1:
        return middle
    widths = nodes.add("Mul", _positive(nodes, part(raw, 1, n_levels)), nodes.constant(link.gaps))
    axis = nodes.constant(np.int64(-1))
    # Added up one after the other, rounding cannot take a quantile past its neighbour.
    if a > 0:
        turned = nodes.constant(np.arange(a)[::-1].astype(np.int64))
        down = nodes.add("Neg", nodes.add("Gather", widths, turned, axis=-1))
        below = nodes.add("CumSum", nodes.concat(middle, down, axis=-1), axis)
        order = nodes.constant(np.arange(a, 0, -1, dtype=np.int64))
        quantiles.append(nodes.add("Gather", below, order, axis=-1))
    up = nodes.concat(middle, part(widths, a, n_levels - 1), axis=-1)
    quantiles.append(nodes.add("CumSum", up, axis))
    rank = np.argsort(link.order).astype(np.int64)
    return nodes.add("Gather", nodes.concat(*quantiles, axis=-1), nodes.constant(rank), axis=-1)


def _of_normal(nodes: Nodes, raw: str) -> tuple[str, str]:
    """Return mean and standard deviation of every target, (..., n_targets)."""
    std = _positive(nodes, nodes.part(raw, 1, axis=-1))
    return nodes.part(raw, 0, axis=-1), nodes.add(
        "Add", std, nodes.constant(np.float64(LEAST_SCALE))
    )


def _of_counts(nodes: Nodes, raw: str) -> tuple[str, str]:
    """Return mean and standard deviation: of a variance of ``mean + dispersion * mean ** 2``."""
    mean = nodes.add("Exp", nodes.part(raw, 0, axis=-1))
    dispersion = _positive(nodes, nodes.part(raw, 1, axis=-1))
    dispersion = nodes.add("Add", dispersion, nodes.constant(np.float64(LEAST_DISPERSION)))
    more = nodes.add("Add", nodes.add("Mul", dispersion, mean), nodes.constant(np.float64(1)))
    return mean, nodes.add("Mul", nodes.add("Sqrt", mean), nodes.add("Sqrt", more))


DISTRIBUTIONS = {"gaussian": _of_normal, "negative_binomial": _of_counts}
