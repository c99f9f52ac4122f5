"""Every accepted form of X and of step targets, turned into one internal form and back.

Inside skrnn a set of sequences is one array of real time steps, sample after sample, and the
length of every sample (:class:`Sequences`). Padding exists only in a :class:`Batch`, where it is
zero. What has passed :func:`as_sequences` is never validated again.
"""

from skrnn.sequences._alignment import check_same_order
from skrnn.sequences._cells import (
    flatten_cells,
    has_sequence_cells,
    is_sequence,
    items_of,
    refuse_cells_of_others,
)
from skrnn.sequences._containers import plain, plain_targets
from skrnn.sequences._foreign import as_pandas
from skrnn.sequences._gaps import carried_on, elapsed_since, has_gaps, interpolated
from skrnn.sequences._in_time import Batch, InTime
from skrnn.sequences._missing import labels_as_array, missing_in, without_missing
from skrnn.sequences._read import as_sequences
from skrnn.sequences._register import read_sequences
from skrnn.sequences._scales import other_scale
from skrnn.sequences._sequences import Sequences, place_of, unpack_steps
from skrnn.sequences._static import static_columns
from skrnn.sequences._step_targets import StepTargets, as_step_targets, step_lengths
from skrnn.sequences._step_weights import as_step_weights, has_step_weights, weights_of_steps
from skrnn.sequences._windows import Windows, as_windows
from skrnn.sequences._write import in_form_of, labels_with, map_steps

__all__ = [
    "Batch",
    "InTime",
    "Sequences",
    "StepTargets",
    "Windows",
    "as_pandas",
    "as_sequences",
    "as_step_targets",
    "as_step_weights",
    "as_windows",
    "carried_on",
    "check_same_order",
    "elapsed_since",
    "flatten_cells",
    "has_gaps",
    "has_sequence_cells",
    "has_step_weights",
    "in_form_of",
    "interpolated",
    "is_sequence",
    "items_of",
    "labels_as_array",
    "labels_with",
    "map_steps",
    "missing_in",
    "other_scale",
    "place_of",
    "plain",
    "plain_targets",
    "read_sequences",
    "refuse_cells_of_others",
    "static_columns",
    "step_lengths",
    "unpack_steps",
    "weights_of_steps",
    "without_missing",
]
