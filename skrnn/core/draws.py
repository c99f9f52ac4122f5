"""What a pass in training draws at random, before it begins."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from skrnn.core.architecture import Architecture
from skrnn.core.layer import dropout_mask

__all__ = ["Draws", "draw"]


class Draws(NamedTuple):
    """What is drawn for a batch.

    Attributes
    ----------
    shift : int
        Time steps by which the frames are shifted, <= 0.
    masks : list of (ndarray of shape (n_samples, width) or None)
        Dropout mask on the outputs of every layer; the last one on the features.
    of_gaps : ndarray of shape (n_samples, 2) or None
        Numbers in [0, 1), by which values are hidden; None where no column may have gaps.
    """

    shift: int
    masks: list[np.ndarray | None]
    of_gaps: np.ndarray | None = None

    def of_rows(self, start: int, stop: int) -> Draws:
        """Return what was drawn for some rows of the batch."""
        masks = [None if mask is None else mask[start:stop] for mask in self.masks]
        return Draws(self.shift, masks, None if self.of_gaps is None else self.of_gaps[start:stop])


def draw(
    architecture: Architecture,
    rng: np.random.RandomState | None,
    n_samples: int,
    dtype: np.dtype,
) -> Draws:
    """Draw for a whole batch: what a row gets does not depend on how the batch is worked off.

    Parameters
    ----------
    architecture : Architecture
        Of the network.
    rng : RandomState or None
        Where the draws come from. None draws nothing: no shift, no mask, nothing hidden.
    n_samples : int
        Rows of the batch.
    dtype : dtype
        Of the masks.
    """
    shift = 0 if architecture.frames is None else architecture.frames.draw_shift(rng)
    decay = architecture.decay
    of_gaps = None if decay is None else decay.draw(rng, n_samples)
    if rng is None or architecture.dropout == 0.0:
        return Draws(shift, [None] * architecture.n_layers, of_gaps)
    widths = [layer.width for layer in architecture.layers[:-1]]
    shapes = [(n_samples, width) for width in (*widths, architecture.features.width)]
    masks = [dropout_mask(rng, architecture.dropout, shape, dtype) for shape in shapes]
    return Draws(shift, masks, of_gaps)
