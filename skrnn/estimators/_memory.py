"""Networks that no machine could hold are refused before anything is allocated."""

from __future__ import annotations

import os
from math import prod

import numpy as np

from skrnn.core.network import Architecture

# Copies of all weights that training cannot do without: the weights and their gradient.
COPIES = 2
# Where the system does not say: what a process may address.
ADDRESSABLE = 1 << 47


def machine_memory() -> int:
    """Return the memory of the machine in bytes, or a bound of it that no machine exceeds."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):  # Windows has no sysconf
        return ADDRESSABLE


def check_fits_memory(architecture: Architecture, dtype: np.dtype) -> None:
    """Check that the weights of a network go into memory.

    Parameters
    ----------
    architecture : Architecture
        Of the network.
    dtype : dtype
        Of its weights.

    Raises
    ------
    ValueError
        If they and their gradient are larger than the memory of the machine.
    """
    sizes = {name: prod(shape) for name, shape in architecture.shapes().items()}
    needed, available = sum(sizes.values()) * dtype.itemsize * COPIES, machine_memory()
    if needed <= available:
        return
    largest = max(sizes, key=sizes.__getitem__)
    raise ValueError(
        f"The network would have {sum(sizes.values()):.3g} weights, {sizes[largest]:.3g} of them "
        f"in {largest!r}, and need {needed / 2**30:.3g} GiB to train, but this machine has "
        f"{available / 2**30:.3g} GiB. Lower hidden_layer_sizes, or whichever of embedding_dim, "
        "n_tokens, frame_length and frame_units is very large."
    )
