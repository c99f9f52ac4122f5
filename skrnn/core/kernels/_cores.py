"""The cores of the machine, shared by the threads of a program that compute beside each other."""

from __future__ import annotations

import os
import threading

from skrnn.core.kernels._twins import _kernels


class _Computing(threading.local):
    """How many sections of `cores_shared` this thread is in."""

    depth = 0


_computing = _Computing()
_lock = threading.Lock()
_n_computing = 0


class CoresShared:
    """Let a thread have its share of the cores alone, while others are in this context, too.

    OpenMP gives every thread of a program that calls it as many threads of its own as there are
    cores. Within this context a kernel takes no more than an equal share of them. Results do not
    depend on it.
    """

    def __enter__(self) -> None:
        _computing.depth += 1
        if _computing.depth == 1:
            _count(1)

    def __exit__(self, *error: object) -> None:
        _computing.depth -= 1
        if _computing.depth == 0:
            _count(-1)


def _count(change: int) -> None:
    global _n_computing
    with _lock:
        _n_computing += change
        if _kernels is not None:
            _kernels.share(_n_computing)


def _after_fork() -> None:
    """Begin anew in the child, whose other threads are gone and may have held the lock."""
    global _lock, _n_computing
    _lock, _n_computing = threading.Lock(), int(_computing.depth > 0)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)

# The state is the thread's: one object serves them all.
cores_shared: CoresShared = CoresShared()
