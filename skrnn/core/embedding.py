"""Learnt vectors in place of categories: the first layer of a network that reads tokens."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from skrnn.core.initializers import Initializer
from skrnn.core.parameters import Shapes
from skrnn.core.ragged import real_steps

__all__ = ["INITIAL_SCALE", "Embedding", "without_vector"]

# Standard deviation of the initial vectors.
INITIAL_SCALE = 0.1


@dataclass(frozen=True)
class Embedding:
    """A table of learnt vectors for every channel that holds categories.

    Such a channel holds ids, whole numbers in [0, n_tokens). The vector of its id takes the
    place of the number, so that what leaves the layer are the channels side by side, in their
    order, some of them `embedding_dim` wide. A table is one-hot encoding and a weight matrix in
    one [1]_, without the zeros.

    Parameters
    ----------
    sizes : tuple of (tuple of int or None)
        For every channel the shape (n_tokens, embedding_dim) of its table, or None for a channel
        of numbers, which passes as it is.

    References
    ----------
    .. [1] Bengio, Ducharme, Vincent & Jauvin (2003). A neural probabilistic language model.
           Journal of Machine Learning Research 3.

    Examples
    --------
    Channel 0 holds one of three categories, channel 1 a number:

    >>> import numpy as np
    >>> from skrnn.core.embedding import Embedding
    >>> embedding = Embedding(((3, 2), None))
    >>> tables = {"0.W": np.array([[0.0, 0.1], [1.0, 1.1], [2.0, 2.1]])}
    >>> x = np.array([[[2, 7.5]], [[0, 8.5]]])
    >>> embedded, _ = embedding.forward(x, np.array([1, 1]), tables)
    >>> embedded[:, 0]
    array([[2. , 2.1, 7.5],
           [0. , 0.1, 8.5]])
    """

    sizes: tuple[tuple[int, int] | None, ...]

    def tables(self) -> Iterator[tuple[int, str, tuple[int, int]]]:
        """Yield channel, name and shape of every table, in the order of the channels."""
        for channel, size in enumerate(self.sizes):
            if size is not None:
                yield channel, f"{channel}.W", size

    @property
    def widths(self) -> np.ndarray:
        """Columns that every channel takes on the way out, ndarray of shape (n_channels,)."""
        return np.array([1 if size is None else size[1] for size in self.sizes])

    @property
    def width(self) -> int:
        """Columns of all channels together."""
        return int(self.widths.sum())

    def shapes(self) -> Shapes:
        """Return name and shape of every table, in the order of the channels."""
        return {name: size for _, name, size in self.tables()}

    def initialize(
        self, weights: Mapping[str, np.ndarray], rng: np.random.RandomState, init: Initializer
    ) -> None:
        """Draw the tables from N(0, 0.1 ** 2), whatever `init` is.

        Small, so that a token says little before it is learnt what it says: the vectors of those
        that matter grow, those of rare and unknown tokens do not disturb.
        """
        for _, name, _ in self.tables():
            weights[name][:] = rng.normal(scale=INITIAL_SCALE, size=weights[name].shape)

    def forward(
        self, x: np.ndarray, n_active: np.ndarray, weights: Mapping[str, np.ndarray]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Look the vectors up.

        Parameters
        ----------
        x : ndarray of shape (n_timesteps, n_samples, n_channels)
            Ids and numbers, zero at padding.
        n_active : ndarray of shape (n_timesteps,)
            Rows that run at each step.
        weights : mapping of str to ndarray
            The tables, as `shapes` says.

        Returns
        -------
        embedded : ndarray of shape (n_timesteps, n_samples, width)
            Zero at padding, where an id of 0 is none.
        x : ndarray
            What `backward` needs.
        """
        named = {channel: name for channel, name, _ in self.tables()}
        parts = [
            np.take(weights[named[channel]], _ids(x[..., channel]), axis=0)
            if channel in named
            else x[..., channel, None]
            for channel in range(len(self.sizes))
        ]
        embedded = np.concatenate(parts, axis=-1)
        if n_active[-1] < x.shape[1]:
            embedded[~real_steps(n_active, x.shape[1])] = 0
        return embedded, x

    def backward(
        self, d_embedded: np.ndarray, x: np.ndarray, weights: Mapping[str, np.ndarray]
    ) -> tuple[None, dict[str, np.ndarray]]:
        """Return the gradient of every table: the sum over the steps that looked a row up.

        Parameters
        ----------
        d_embedded : ndarray of shape (n_timesteps, n_samples, width)
            Gradient of what `forward` returned, zero at padding.
        x, weights
            Of the forward pass.

        Returns
        -------
        dx : None
            An id has no gradient.
        dweights : dict of str to ndarray
        """
        parts = self.split(d_embedded)
        return None, {
            name: _sum_by_id(parts[channel], _ids(x[..., channel]), n_tokens)
            for channel, name, (n_tokens, _) in self.tables()
        }

    def split(self, embedded: np.ndarray) -> list[np.ndarray]:
        """Return views of the columns of every channel."""
        return np.split(embedded, np.cumsum(self.widths)[:-1], axis=-1)


def without_vector(ids: np.ndarray, n_tokens: int) -> np.ndarray:
    """Return the mask of the ids that a table has no vector for: they are not 0 to n_tokens - 1."""
    return (ids < 0) | (ids >= n_tokens) | (ids != np.floor(ids))


def _ids(values: np.ndarray) -> np.ndarray:
    return values.astype(np.intp)


def _sum_by_id(vectors: np.ndarray, ids: np.ndarray, n_tokens: int) -> np.ndarray:
    """Return the sum of the vectors of every id, ndarray of shape (n_tokens, embedding_dim).

    One-hot encoding transposed, times the vectors: a sparse product adds them one after the
    other, in one thread, so that the sum is always the same to the bit; `np.add.at` does so too,
    but takes several times as long.
    """
    vectors = vectors.reshape(-1, vectors.shape[-1])
    ones = np.ones(len(vectors), dtype=vectors.dtype)
    one_hot = sparse.csc_array(
        (ones, ids.ravel(), np.arange(len(vectors) + 1)), shape=(n_tokens, len(vectors))
    )
    return one_hot @ vectors
