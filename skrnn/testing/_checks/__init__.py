"""One function for each promise that an estimator of sequences makes.

A check gets a :class:`Subject`. It returns where the promise is kept, raises AssertionError (or
whatever the estimator raises) where it is broken, and SkipTest, with the reason, where the
promise is not made.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from skrnn.testing._checks._answers import (
    check_batch_mates,
    check_feature_names,
    check_form,
    check_memory_layout,
    check_missing_step_targets,
    check_new_lengths,
    check_padding_amount,
    check_padding_content,
    check_predict_order,
    check_predict_twice,
    check_step_answers,
    check_step_targets_of_other_lengths,
    check_takes_sequences,
)
from skrnn.testing._checks._fits import (
    check_clone,
    check_fit_order,
    check_global_random_state,
    check_joblib,
    check_memory_map,
    check_partial_fit,
    check_pickle,
    check_random_state,
    check_refit,
    check_sample_weight_is_repetition,
    check_zero_weight_is_absence,
)
from skrnn.testing._checks._inputs import (
    check_dtypes,
    check_empty_sequence,
    check_infinite_values,
    check_missing_values,
    check_mixed_n_channels,
    check_n_channels,
    check_no_sequences,
    check_read_only_X,
    check_X_is_not_modified,
)
from skrnn.testing._checks._static import check_static_columns
from skrnn.testing._checks._tools import (
    check_cross_val_predict,
    check_grid_search,
)
from skrnn.testing._forms import FORMS
from skrnn.testing._subject import Subject

# name -> check, in the order in which they run.
CHECKS: dict[str, Callable[[Subject], None]] = {
    "check_takes_sequences": check_takes_sequences,
    **{f"check_form_{form}": partial(check_form, form=form) for form in FORMS},
    **{
        check.__name__: check
        for check in (
            check_padding_amount,
            check_padding_content,
            check_memory_layout,
            check_feature_names,
            check_static_columns,
            check_batch_mates,
            check_predict_order,
            check_predict_twice,
            check_new_lengths,
            check_step_answers,
            check_step_targets_of_other_lengths,
            check_missing_step_targets,
            check_fit_order,
            check_sample_weight_is_repetition,
            check_zero_weight_is_absence,
            check_random_state,
            check_global_random_state,
            check_refit,
            check_clone,
            check_partial_fit,
            check_pickle,
            check_joblib,
            check_memory_map,
            check_X_is_not_modified,
            check_read_only_X,
            check_dtypes,
            check_n_channels,
            check_mixed_n_channels,
            check_missing_values,
            check_infinite_values,
            check_empty_sequence,
            check_no_sequences,
            check_cross_val_predict,
            check_grid_search,
        )
    },
}
