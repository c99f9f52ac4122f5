"""Memory of large arrays, lent from one pass over a batch to the next.

States and gates of a large batch are tens of megabytes, which the system hands out anew, page by
page and cleared, for every batch: up to half of the time of a forward pass. So training opens a
store, and every pass borrows from it and gives back::

    with memory_kept():                        # opens this thread's store
        for batch in batches:
            with pass_memory():                # all that `empty` lends in here ...
                h = empty(shape, dtype)
                ...
                                               # ... is in the store again from here on

Outside of `memory_kept`, or of `pass_memory`, nothing is lent: `empty` makes a new array, which
is its owner's as any other.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

# A vector of 64 bytes that does not begin at a line of the cache lies on two of them. For arrays
# below the second number neither that nor new memory matters.
_LINE = 64
_SMALL = 1 << 18


class _Store:
    """Blocks of memory that no pass uses."""

    def __init__(self) -> None:
        self.blocks: list[np.ndarray] = []

    def take(self, n_bytes: int) -> np.ndarray:
        """Hand out a block of at least so many bytes, a kept one if there is one of that size."""
        # Not twice as large, or gates and states would trade places until all blocks were as large
        # as the gates' when lengths differ from batch to batch.
        fitting = [i for i, b in enumerate(self.blocks) if n_bytes <= b.size <= 2 * n_bytes]
        if fitting:
            return self.blocks.pop(min(fitting, key=lambda i: self.blocks[i].size))
        outgrown = [i for i, b in enumerate(self.blocks) if b.size < n_bytes]
        if outgrown:
            del self.blocks[max(outgrown, key=lambda i: self.blocks[i].size)]
        return np.empty(n_bytes, np.uint8)

    def put(self, block: np.ndarray) -> None:
        """Keep a block for another pass."""
        self.blocks.append(block)


class _Memory(threading.local):
    """What is open on this thread."""

    store: _Store | None = None
    borrowed: dict[int, np.ndarray] | None = None


_memory = _Memory()


@contextmanager
def memory_kept() -> Iterator[None]:
    """Let the passes in this context lend their memory one to the other, on this thread.

    All is given back to the system at the end. Within another such context it does nothing.
    """
    outer = _memory.store
    if outer is None:
        _memory.store = _Store()
    try:
        yield
    finally:
        _memory.store = outer


@contextmanager
def pass_memory() -> Iterator[None]:
    """Take back at the end all memory that `empty` lends in this context, on this thread.

    No array that `empty` made in it, and no view of one, may be used afterwards: the next pass
    writes there. So what a pass returns is a copy. Within `memory_kept` alone it has an effect.
    """
    store, outer = _memory.store, _memory.borrowed
    if store is None:
        yield
        return
    borrowed: dict[int, np.ndarray] = {}
    _memory.borrowed = borrowed
    try:
        yield
    finally:
        _memory.borrowed = outer
        for block in borrowed.values():
            store.put(block)


def give_back(*arrays: np.ndarray | None) -> None:
    """Give the memory of arrays back before their pass ends; they must not be used any more.

    Parameters
    ----------
    *arrays : ndarray or None
        Arrays that `empty` made, or views of them. Of all others, and outside of `pass_memory`,
        nothing is given back.
    """
    store, borrowed = _memory.store, _memory.borrowed
    if store is None or borrowed is None:
        return
    for array in arrays:
        block = borrowed.pop(id(None if array is None else array.base), None)
        if block is not None:
            store.put(block)


def empty(shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """Make an uninitialised array for what a pass computes.

    A large one begins at a line of the cache, and within `pass_memory` it is borrowed: it is valid
    until the pass ends.

    Parameters
    ----------
    shape : tuple of int
        Its shape.
    dtype : dtype
        Its type.

    Returns
    -------
    ndarray
        Uninitialised, C-contiguous.
    """
    n_bytes = math.prod(shape) * dtype.itemsize
    if n_bytes < _SMALL:
        return np.empty(shape, dtype)
    store, borrowed = _memory.store, _memory.borrowed
    if store is None or borrowed is None:
        block = np.empty(n_bytes + _LINE, np.uint8)
    else:
        block = store.take(n_bytes + _LINE)
        borrowed[id(block)] = block
    start = -block.__array_interface__["data"][0] % _LINE
    return block[start : start + n_bytes].view(dtype).reshape(shape)
