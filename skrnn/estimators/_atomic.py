"""A fit is done or not done: one that fails leaves the estimator as it was."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

import numpy as np

from skrnn._put_back import put_back_on_error
from skrnn.core.network import Network
from skrnn.core.parameters import Parameters

# What scikit-learn keeps on the estimator while callbacks are set up, and takes off itself.
OF_CALLBACKS = ("_callback_fit_ctx", "_skl_callbacks_to_teardown")


@contextmanager
def all_or_nothing(estimator: Any, *, incremental: bool = False) -> Iterator[None]:
    """Put back all attributes of an estimator if what is done to it inside raises.

    A fit that goes on works on copies of the learnt attributes that it changes in place. After an
    error the old ones are there again, to the bit: weights, curves, moments of the optimizer,
    classes, the generator of random numbers. An estimator that was not fitted is not fitted.

    Parameters
    ----------
    estimator : BaseRNN
        Whose `fit` or `partial_fit` runs inside.
    incremental : bool, default=False
        Whether it is `partial_fit`.
    """
    rng = _own_generator(estimator)
    rng_state = None if rng is None else rng.get_state()
    with put_back_on_error(estimator, but=OF_CALLBACKS):
        if hasattr(estimator, "network_") and (incremental or estimator.warm_start):
            _work_on_copies(estimator)
        try:
            yield
        except BaseException:
            if rng is not None:
                rng.set_state(rng_state)
            raise


def _own_generator(estimator: Any) -> Any:
    """Return the generator of an estimator; None for one that belongs to others as well."""
    rng = getattr(estimator, "_random_state", None)
    # NumPy's own, and the user's.
    return None if rng is np.random.mtrand._rand or rng is estimator.random_state else rng


def _work_on_copies(estimator: Any) -> None:
    """Replace what a fit that goes on changes in place by copies, which may be written to."""
    for name, value in vars(estimator).items():
        if isinstance(value, list | dict) and name.endswith("_"):
            setattr(estimator, name, value.copy())
    network = estimator.network_
    copied = Parameters(network.parameters.shapes, np.array(network.parameters.vector))
    estimator.network_ = Network(network.architecture, copied)
    # The first one is the parameter, which is known again as the same object.
    asked, optimizer = estimator._optimizer
    estimator._optimizer = asked, deepcopy(optimizer)
