"""Faults of the data, and of what training has made of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from skrnn._shown import python_value
from skrnn.core.initializers import LARGE_INPUT, SMALL_INPUT
from skrnn.inspection._checks._severity import MOST, severity
from skrnn.inspection._measurements import Measurements
from skrnn.inspection._opened import predicted_codes
from skrnn.inspection._report import Finding
from skrnn.preprocessing import TokenEncoder

# A class that is so many times rarer than the most frequent one is rare.
IMBALANCE = 5.0


def ids_read_as_numbers(est: Any, m: Measurements) -> Finding | None:
    """Look at what is around the network, too: only there it shows that its inputs are ids."""
    encodes = any(isinstance(part, TokenEncoder) for part in est.get_params().values())
    if not encodes or m.estimator.embedding_dim is not None:
        return None
    n_channels = m.opened.sequences.n_channels
    of_one = "embedding_dim=8" if n_channels == 1 else "embedding_dim={channel: 8} for each of them"
    return Finding(
        "ids read as numbers",
        severity(m),
        "TokenEncoder numbers the tokens, and the network takes the numbers for amounts; but that "
        "one token is 3 and another one 4 says nothing about their distance.",
        f"Let the network learn a vector for every id: {of_one}.",
        {"largest id": float(m.opened.sequences.values.max())},
        {"embedding_dim": 8} if n_channels == 1 else {},
    )


def inputs_not_scaled(m: Measurements) -> Finding | None:
    # Vectors are learnt: scaling has no say in their size.
    rms = np.delete(m.channel_rms, [channel for channel, _, _ in m.tables])
    # A static feature that is small, as a rare mark of a category, does no harm.
    largest = np.append(rms, m.static_rms).max(initial=0)
    if len(rms) == 0 or (rms.max() >= SMALL_INPUT and largest <= LARGE_INPUT):
        return None
    size = "large" if largest > LARGE_INPUT else "small"
    consequence = "units saturate" if size == "large" else "states and gradients stay near zero"
    return Finding(
        "inputs not scaled",
        severity(m),
        f"Inputs are so {size} that {consequence}: initial weights suit a channel of size 1.",
        _scaling_remedy(m),
        {
            "smallest channel rms": float(rms.min()),
            "largest channel rms": float(rms.max()),
            **_size_of_static(m.static_rms),
        },
        preprocessing=None if m.tables else "SequenceScaler",
    )


def _size_of_static(rms: np.ndarray) -> dict[str, float]:
    return {"largest static rms": float(rms.max())} if len(rms) else {}


def _scaling_remedy(m: Measurements) -> str:
    if m.tables:
        return (
            "Put SequenceScaler in front of the channels of numbers, by means of scikit-learn's "
            "ColumnTransformer: each gets mean 0 and standard deviation 1."
        )
    remedy = "Put SequenceScaler in front: every channel gets mean 0 and standard deviation 1."
    values = m.opened.sequences.values
    if ((values >= 0) & (values == np.floor(values))).all():
        remedy += " If the whole numbers are ids of categories, set embedding_dim instead."
    return remedy


def targets_not_scaled(m: Measurements) -> Finding | None:
    if getattr(m.estimator, "normalize_y", True) or not m.opened.loss.link.additive:
        return None
    y = np.asarray(m.opened.y)
    if m.opened.labelled is not None:
        y = y[np.broadcast_to(m.opened.labelled, y.shape)]
    rms = float(np.sqrt(np.mean(np.square(y, dtype=np.float64))))
    if SMALL_INPUT <= rms <= LARGE_INPUT:
        return None
    return Finding(
        "targets not scaled",
        severity(m),
        "The target is far from size 1, where the network's output starts.",
        "Let the regressor standardise it.",
        {"target rms": rms},
        {"normalize_y": True},
    )


def class_imbalance(m: Measurements) -> Finding | None:
    est = m.estimator
    if not m.opened.fitted or not hasattr(est, "classes_") or m.opened.multilabel:
        return None
    y = np.asarray(m.opened.y).reshape(-1).astype(int)
    predicted = predicted_codes(m.raw_prediction)
    if m.opened.labelled is not None:
        there = m.opened.labelled[:, 0]
        y, predicted = y[there], predicted[there]
    count = np.bincount(y, minlength=len(est.classes_))
    rarest = int(np.argmin(np.where(count > 0, count, np.inf)))
    recall = float(np.mean(predicted[y == rarest] == rarest))
    ratio, label = float(count.max() / count[rarest]), python_value(est.classes_[rarest])
    if ratio < IMBALANCE or recall >= MOST or est.class_weight is not None:
        return None
    return Finding(
        "class imbalance",
        "problem",
        f"Class {label!r} is rare, and most of it is predicted as another one: the frequent "
        "classes make up the loss.",
        "Give all classes the same weight in the loss.",
        {"samples of the rarest class": int(count[rarest]), "imbalance": ratio, "recall": recall},
        {"class_weight": "balanced"},
    )
