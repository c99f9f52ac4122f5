"""What the parameters stand for that are left at 'auto': the data of a fit decide.

The rules come from trials on 26 data sets for classification and 9 for regression, which
docs/benchmarks/accuracy.py repeats. Long sequences are read in frames, both ways, and the largest
value of every unit over time is kept, so that a pattern is found wherever it lies; a target that
is a number often depends on where things are, which all of that blurs.
"""

from __future__ import annotations

from functools import cache
from math import ceil, sqrt
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import is_classifier

from skrnn.core.decay import Decay
from skrnn.core.differences import Differences, autocorrelation
from skrnn.estimators._data import Dataset, evenly_spaced
from skrnn.estimators._parameters import hidden_sizes, is_auto, works_on_full_batch
from skrnn.sequences import Sequences

# From this length on sequences are searched for patterns, and from these they are read in frames:
# overlapping ones of a few steps, longer ones, and ones that leave about 125 of the sequence.
LONG, FRAMED, VERY_LONG = 32, 64, 1000
N_FRAMES = 125
# Autocorrelation of the differences of curves such as spectra, whose slope tells a number as well;
# of series to be forecast it is lower, and the differences do harm.
VERY_SMOOTH = 0.9
FRAME_UNITS = 64
# Of the layer that joins static features and those of the sequence. Without it, or with fewer, what
# depends on the static features alone, or on both together, is learnt late or not at all.
STATIC_UNITS = 64

# Samples up to which batches are of 8 and of 16; those of more have 32.
FEW, SOME = 64, 2048
# Optimizer steps at the least. Small data need them, however few batches an epoch has.
STEPS, STEPS_OF_SHORT, STEPS_OF_FEW = 600, 300, 400
# Epochs that are usual, while they take no more than so many steps, and epochs at the least;
# more of these, up to the usual number, where the recurrence takes more than so many steps: the
# longer it is, the longer the loss stays on a plateau before a gradient finds its way back.
EPOCHS, MOST_STEPS, LEAST_EPOCHS = 30, 1500, 10
RECURRENT_STEPS = 128
# Units for which these numbers hold; narrower networks train longer, four times at the most.
USUAL_UNITS = 64
FULL_BATCH_ITERATIONS = 200
# Epochs without improvement that end a fit: without a schedule that plans its end, and the share
# of all epochs that early stopping waits for a smaller validation loss.
PATIENCE, SHARE_OF_PATIENCE = 10, 0.2

SHAPES = ("bidirectional", "readout", "differences")
FRAMES = ("frame_length", "frame_stride", "frame_units", "frame_shift")
COURSE = ("batch_size", "max_iter", "learning_rate", "n_iter_no_change")


class FrameSizes(NamedTuple):
    """Values of the parameters `frame_...`."""

    frame_length: int = 1
    frame_stride: int = 1
    frame_units: int | None = None
    frame_shift: bool = False


def decided(estimator: Any, auto: dict[str, Any]) -> Any:
    """Return the parameters of an estimator as attributes, with values for those left at 'auto'."""
    parameters = {name: getattr(estimator, name) for name in _names_of(estimator.__class__)}
    values = {name: auto[name] for name in auto if is_auto(parameters.get(name))}
    return SimpleNamespace(**{**parameters, **values})


@cache
def _names_of(estimator_type: type) -> list[str]:
    # To read them from the signature takes longer than a step of a small network.
    return estimator_type._get_param_names()  # type: ignore[attr-defined]


def undecided(estimator: Any, values: dict[str, Any]) -> dict[str, Any]:
    """Return those of the values whose parameter is left at 'auto'."""
    return {name: value for name, value in values.items() if is_auto(getattr(estimator, name))}


def decide_shape(estimator: Any, data: Dataset) -> dict[str, Any]:
    """Decide what shapes the network.

    Parameters
    ----------
    estimator : BaseRNN
        Of whose parameters those at 'auto' are decided.
    data : Dataset
        What it is to be fitted to.

    Returns
    -------
    dict of str to object
        The values, by the names of the parameters.
    """
    length = typical_length(data)
    tokens = estimator.embedding_dim is not None
    # What a text is about is said at any place, however short it is.
    searches = is_classifier(estimator) and not data.per_step and (tokens or length >= LONG)
    numbers = not tokens and not data.per_step and length >= LONG
    numbers &= is_auto(estimator.differences) or is_auto(estimator.frame_length)
    smoothness = smoothness_of(data) if numbers else 0.0
    shape = {
        "bidirectional": searches,
        "readout": "max" if searches else "last",
        "differences": smoothness > (0.0 if searches else VERY_SMOOTH),
        **frame_sizes(estimator, length if searches else 0, smoothness)._asdict(),
    }
    return undecided(estimator, shape)


def frame_sizes(estimator: Any, length: int, smoothness: float) -> FrameSizes:
    """Return the frames of sequences of that length, around what the estimator's parameters say."""
    if not is_auto(estimator.frame_length):
        return FrameSizes(frame_stride=estimator.frame_length)
    if length < LONG:
        sizes = FrameSizes()
    elif length < FRAMED:
        sizes = FrameSizes(5, 1, FRAME_UNITS)
    elif estimator.embedding_dim is not None and length < VERY_LONG:
        # A shorter reach than for numbers: neighbouring tokens seldom repeat each other.
        sizes = FrameSizes(8, 4, FRAME_UNITS)
    elif 2 * FRAMED <= length < 4 * FRAMED and smoothness <= 0:
        # Short patterns in noise are lost on the grid that is fine enough for smooth curves.
        sizes = FrameSizes(8, 4, FRAME_UNITS, True)
    elif length < VERY_LONG:
        stride = 4 if length < 2 * FRAMED else 8
        sizes = FrameSizes(16, stride, FRAME_UNITS, True)
    else:
        stride = ceil(length / N_FRAMES)
        sizes = FrameSizes(2 * stride, stride, FRAME_UNITS, True)
    stride = estimator.frame_stride
    if not is_auto(stride) and stride is not None:
        sizes = sizes._replace(frame_length=max(sizes.frame_length, stride))
    return sizes._replace(frame_shift=sizes.frame_shift and not works_on_full_batch(estimator))


def decide_course(
    estimator: Any, data: Dataset, n_samples: int, *, incremental: bool
) -> dict[str, Any]:
    """Decide how long and in which steps to train.

    Parameters
    ----------
    estimator : BaseRNN
        Of whose parameters those at 'auto' are decided.
    data : Dataset
        What it is to be fitted to.
    n_samples : int
        How many of its samples are trained on.
    incremental : bool
        Whether this is `partial_fit`, which knows no end.

    Returns
    -------
    dict of str to object
        The values, by the names of the parameters.
    """
    if works_on_full_batch(estimator):
        course: dict[str, Any] = {"batch_size": n_samples, "max_iter": FULL_BATCH_ITERATIONS}
        course |= {"learning_rate": "constant", "n_iter_no_change": PATIENCE}
        return undecided(estimator, course)
    few = n_samples if not estimator.shuffle else 8
    course = {"batch_size": few if n_samples <= FEW else 16 if n_samples <= SOME else 32}
    given = decided(estimator, course)
    n_batches = ceil(n_samples / min(given.batch_size, n_samples))
    course["max_iter"] = n_epochs(estimator, typical_length(data), n_samples, n_batches)
    given = decided(estimator, course)
    # The idiom of a warm start is a loop of short fits: each of them would end with small steps.
    ends_by_plan = not (incremental or estimator.warm_start)
    course["learning_rate"] = "cosine" if ends_by_plan else "constant"
    given = decided(estimator, course)
    course["n_iter_no_change"] = PATIENCE
    if estimator.early_stopping:
        course["n_iter_no_change"] = max(PATIENCE, ceil(SHARE_OF_PATIENCE * given.max_iter))
    elif given.learning_rate == "cosine":
        course["n_iter_no_change"] = np.inf
    return undecided(estimator, course)


def n_epochs(estimator: Any, length: int, n_samples: int, n_batches: int) -> int:
    """Return how many epochs of so many batches to train on sequences of that length."""
    steps = STEPS_OF_SHORT if length < LONG else STEPS_OF_FEW if n_samples <= FEW else STEPS
    steps = max(steps, min(EPOCHS * n_batches, MOST_STEPS))
    # The fewer units share in a change of the output, the further each has to go.
    further = max(1.0, min(4.0, sqrt(USUAL_UNITS / max(hidden_sizes(estimator)))))
    shape = decided(estimator, estimator.auto_params_)
    recurrent_steps = length / (shape.frame_stride or shape.frame_length)
    least = min(EPOCHS, LEAST_EPOCHS * max(1.0, recurrent_steps / RECURRENT_STEPS))
    return max(ceil(steps * further / n_batches), ceil(least))


def typical_length(data: Dataset) -> int:
    """Return the median number of time steps, weighted: a sample of weight two counts twice."""
    lengths = data.sequences.lengths
    order = np.argsort(lengths, kind="stable")
    below = np.cumsum(data.weight[order], dtype=np.float64)
    return int(lengths[order[np.searchsorted(below, below[-1] / 2)]])


def smoothness_of(data: Dataset) -> float:
    """Return how far a change of the channels goes on in its direction, in [-1, 1]."""
    changes, follows = _changes(evenly_spaced(data).sequences)
    changes[np.isnan(changes)] = 0  # which adds nothing to sums of products
    with np.errstate(over="ignore", invalid="ignore"):
        smoothness = autocorrelation(changes, follows)
    return smoothness if np.isfinite(smoothness) else 0.0


def make_differences(
    parameters: Any, data: Dataset, decay: Decay | None = None
) -> Differences | None:
    """Return what puts differences beside the channels, at unit scale; None if not asked for.

    Parameters
    ----------
    parameters : SimpleNamespace
        As `decided` returns them.
    data : Dataset
        Whose differences set the scales.
    decay : Decay or None, default=None
        What puts indicators of missing values behind the channels.
    """
    if not parameters.differences:
        return None
    changes, _ = _changes(evenly_spaced(data).sequences)
    missing = np.isnan(changes)
    n_changes = len(changes) - missing.sum(axis=0)
    changes[missing] = 0
    with np.errstate(over="ignore"):
        size = np.sqrt(np.square(changes).sum(axis=0) / n_changes.clip(min=1))
    # Three digits: a sum in another order, as that of repeated samples, gives the same.
    scales = tuple(float(f"{1 / one:.3g}") if 0 < one < np.inf else 1.0 for one in size.tolist())
    return Differences(scales, 0 if decay is None else len(decay.columns))


def _changes(sequences: Sequences) -> tuple[np.ndarray, np.ndarray]:
    """Return the differences of all sequences, and whether each has the next one after it.

    A difference is NaN where one of its values is missing.
    """
    values = sequences.values.astype(np.float64)
    within = np.ones(len(values) - 1, dtype=bool)
    within[sequences.starts[1:] - 1] = False
    return np.diff(values, axis=0)[within], np.diff(np.flatnonzero(within)) == 1
