"""Whatever comes as X is read rightly, or refused by an error that somebody wrote."""

import numpy as np
import pytest
from random_forms import is_written, random_case

from skrnn.sequences import as_sequences

N_CASES = 2000
PARTS = 4


@pytest.mark.parametrize("part", range(PARTS))
def test_random_forms_are_read_rightly_or_refused(part):
    rng = np.random.default_rng(part)
    for _ in range(N_CASES // PARTS):
        case = random_case(rng)
        name, X, samples, static = case
        if samples is None or case.has_gaps:
            with pytest.raises((TypeError, ValueError)) as refusal:
                as_sequences(X)
            assert is_written(refusal.value), f"{name}: {refusal.value!r}"
        if samples is not None:
            n_channels = samples[0].shape[1]
            sequences = as_sequences(X, n_channels=n_channels, allow_nan=case.has_gaps)
            np.testing.assert_array_equal(sequences.values, np.concatenate(samples), name)
            np.testing.assert_array_equal(sequences.lengths, [len(s) for s in samples], name)
            if static is not None:
                np.testing.assert_array_equal(sequences.static, static, name)
