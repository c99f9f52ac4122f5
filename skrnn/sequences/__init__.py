"""Every accepted form of X and of step targets, turned into one internal form and back.

Inside skrnn a set of sequences is one array of real time steps, sample after sample, and the
length of every sample (:class:`Sequences`). Padding exists only in a :class:`Batch`, where it is
zero. What has passed :func:`as_sequences` is never validated again.

What `__all__` does not name is for skrnn itself.
"""

from skrnn.sequences._alignment import check_same_order
from skrnn.sequences._cells import flatten_cells as flatten_cells
from skrnn.sequences._cells import has_sequence_cells as has_sequence_cells
from skrnn.sequences._cells import is_sequence as is_sequence
from skrnn.sequences._cells import items_of as items_of
from skrnn.sequences._cells import refuse_cells_of_others as refuse_cells_of_others
from skrnn.sequences._containers import plain as plain
from skrnn.sequences._containers import plain_targets as plain_targets
from skrnn.sequences._foreign import as_pandas as as_pandas
from skrnn.sequences._gaps import carried_on as carried_on
from skrnn.sequences._gaps import elapsed_since as elapsed_since
from skrnn.sequences._gaps import has_gaps as has_gaps
from skrnn.sequences._gaps import interpolated as interpolated
from skrnn.sequences._in_time import Batch
from skrnn.sequences._in_time import InTime as InTime
from skrnn.sequences._missing import labels_as_array as labels_as_array
from skrnn.sequences._missing import missing_in as missing_in
from skrnn.sequences._missing import without_missing as without_missing
from skrnn.sequences._padding import padding_in as padding_in
from skrnn.sequences._read import as_sequences
from skrnn.sequences._register import read_sequences
from skrnn.sequences._scales import other_scale as other_scale
from skrnn.sequences._sequences import Sequences, unpack_steps
from skrnn.sequences._sequences import place_of as place_of
from skrnn.sequences._static import static_columns as static_columns
from skrnn.sequences._step_targets import StepTargets, as_step_targets, step_lengths
from skrnn.sequences._step_weights import as_step_weights
from skrnn.sequences._step_weights import has_step_weights as has_step_weights
from skrnn.sequences._step_weights import weights_of_steps as weights_of_steps
from skrnn.sequences._windows import Windows
from skrnn.sequences._windows import as_windows as as_windows
from skrnn.sequences._write import in_form_of as in_form_of
from skrnn.sequences._write import labels_with as labels_with
from skrnn.sequences._write import map_steps as map_steps

__all__ = [
    "Batch",
    "Sequences",
    "StepTargets",
    "Windows",
    "as_sequences",
    "as_step_targets",
    "as_step_weights",
    "check_same_order",
    "read_sequences",
    "step_lengths",
    "unpack_steps",
]
