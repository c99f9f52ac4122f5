"""Compare the kernels with NumPy on random layers: `python tests/tables/fuzz_kernels.py 2000`."""

from __future__ import annotations

import argparse

import numpy as np
from affine_cases import assert_affine_twins_agree, random_affine_case
from kernel_cases import assert_twins_agree, random_case

from skrnn.core import kernels


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("n_cases", type=int, nargs="?", default=2000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    for name in kernels.backends()[:-1]:
        kernels.use_backend(name)
        for i in range(arguments.n_cases):
            assert_twins_agree(random_case(np.random.default_rng(arguments.seed + i)))
            assert_affine_twins_agree(random_affine_case(np.random.default_rng(arguments.seed + i)))
        print(f"{name}: {arguments.n_cases} random layers and affine maps agree with NumPy")


if __name__ == "__main__":
    main()
