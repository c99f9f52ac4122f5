"""One thread for the BLAS, where sums would depend on how many it has."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from skrnn.core import kernels
from skrnn.core.network import Network


class _Limit:
    """A setting of the whole process, held by as many threads as need it.

    The first one sets it and the last one puts back what was there, so that fits which overlap in
    time neither lift it for each other nor leave it behind.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.n_holders = 0
        self.before: list[tuple[Any, int]] = []

    def take(self) -> None:
        with self.lock:
            self.n_holders += 1
            if self.n_holders == 1:
                self.before = [(library, library.num_threads) for library in _libraries(False)]
                for library, _ in self.before:
                    _set_threads(library, 1)

    def give_back(self) -> None:
        with self.lock:
            self.n_holders -= 1
            if self.n_holders == 0:
                _put_back(self.before)

    def renew_lock(self) -> None:
        """Make a lock for the child of a fork: a thread that is gone may have held it.

        The holders that are gone still count: the limit stays.
        """
        self.lock = threading.Lock()


_limit = _Limit()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_limit.renew_lock)


def _set_threads(library: Any, n_threads: int) -> None:
    # threadpoolctl lets one thread of the program alone set what holds for all, and does nothing
    # where another asks. Here the threads take turns.
    setter = getattr(library, "_real_set_num_threads", library.set_num_threads)
    setter(n_threads)


def _put_back(before: list[tuple[Any, int]]) -> None:
    for library, n_threads in before:
        # Whoever has set another number in the meantime is to keep it.
        if library.num_threads == 1:
            _set_threads(library, n_threads)


@cache
def _libraries(of_thread: bool) -> list[Any]:
    """Return the BLAS libraries whose number of threads is that of a thread, or of the process."""
    # Found once: the search reads a list of all libraries of the process.
    from threadpoolctl import ThreadpoolController

    found = ThreadpoolController().select(user_api="blas").lib_controllers
    return [one for one in found if (_layer(one) == "openmp") == of_thread]


def _layer(library: Any) -> str:
    return getattr(library, "threading_layer", "unknown")


@contextmanager
def one_blas_thread(needed: bool = True) -> Iterator[None]:
    """Let the BLAS of NumPy and SciPy run on one thread within this context.

    Parameters
    ----------
    needed : bool, default=True
        Whether anything in it is left to the BLAS; if not, no setting is touched.
    """
    if not needed:
        yield
        return
    own = [(library, library.num_threads) for library in _libraries(True)]
    for library, _ in own:
        _set_threads(library, 1)
    _limit.take()
    try:
        yield
    finally:
        _limit.give_back()
        _put_back(own)


def is_compiled(network: Network, *others: Any) -> bool:
    """Tell whether nothing of a network is left to the BLAS.

    Parameters
    ----------
    network : Network
        Its cell has to be one that kernels run, and its read-out one of ours.
    *others : object
        A loss, an optimizer, an initializer: of one of the user's own nothing is known.
    """
    readout = network.architecture.readout
    parts = () if readout is None else getattr(readout, "readouts", (readout,))
    compiled = kernels.runs_compiled(network.architecture.cell, network.parameters.vector.dtype)
    return compiled and are_ours(*parts, *others)


def are_ours(*parts: Any) -> bool:
    """Tell whether parts are skrnn's, and their products in the kernels; of functions, too."""
    if kernels.backend() == "numpy":
        return False
    modules = (getattr(part, "__module__", type(part).__module__) for part in parts)
    return all(module.partition(".")[0] == "skrnn" for module in modules)
