"""Random data and parameters end in the model of the plain sequences, or in a written error."""

import pytest
from fuzz_estimators import run_case

N_CASES = 500
PARTS = 5


@pytest.mark.parametrize("part", range(PARTS))
def test_random_cases_end_in_a_right_model_or_a_written_error(part):
    size = N_CASES // PARTS
    ends = [run_case(seed) for seed in range(part * size, (part + 1) * size)]
    assert min(ends.count("model"), ends.count("refused")) > size // 5
