"""The checks of a diagnosis: each looks at the measurements and returns a finding, or None."""

from __future__ import annotations

from collections.abc import Callable

from skrnn.inspection._checks._data import (
    class_imbalance,
    ids_read_as_numbers,
    inputs_not_scaled,
    targets_not_scaled,
)
from skrnn.inspection._checks._generalization import (
    no_better_than_a_constant,
    overfitting,
    underfitting,
)
from skrnn.inspection._checks._reach import truncated_backpropagation, vanishing_gradient
from skrnn.inspection._checks._training import (
    clipping_all_the_time,
    diverged,
    learning_rate_too_high,
    learning_rate_too_low,
    too_few_epochs,
)
from skrnn.inspection._checks._units import (
    dead_units,
    exploding_gradient,
    saturated_units,
    symmetric_units,
)
from skrnn.inspection._measurements import Measurements
from skrnn.inspection._report import Finding

__all__ = ["CHECKS", "ids_read_as_numbers", "no_better_than_a_constant", "underfitting"]

# From cause to consequence: of two problems the first is the one to solve first.
CHECKS: tuple[Callable[[Measurements], Finding | None], ...] = (
    diverged,
    overfitting,
    inputs_not_scaled,
    targets_not_scaled,
    symmetric_units,
    learning_rate_too_high,
    saturated_units,
    exploding_gradient,
    clipping_all_the_time,
    truncated_backpropagation,
    dead_units,
    learning_rate_too_low,
    too_few_epochs,
    class_imbalance,
    vanishing_gradient,
)
