"""The cores of the machine, shared by the threads of a program that compute beside each other."""

from __future__ import annotations

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


# The state is the thread's: one object serves them all.
cores_shared = CoresShared()
