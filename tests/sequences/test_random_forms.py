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
        name, X, samples = random_case(rng)
        try:
            n_channels = 1 if samples is None else samples[0].shape[1]
            sequences = as_sequences(X, n_channels=n_channels)
        except (TypeError, ValueError) as error:
            assert samples is None, f"{name} is refused: {error}"
            assert is_written(error), f"{name}: {error!r}"
        else:
            assert samples is not None, f"{name} is read as {sequences.values[:3]}"
            np.testing.assert_array_equal(sequences.values, np.concatenate(samples), name)
            np.testing.assert_array_equal(sequences.lengths, [len(s) for s in samples], name)
