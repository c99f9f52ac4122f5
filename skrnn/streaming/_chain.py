"""What a stream runs: transformers that act step by step, and an estimator of skrnn."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from skrnn._innermost import is_search
from skrnn.estimators import RNNClassifier, RNNRegressor


@runtime_checkable
class StepTransformer(Protocol):
    """What a transformer needs to take part in a stream; it is asked of its fitted self.

    What it does to a time step may depend on the steps before, by a state, but not on those after.
    """

    def _start_steps(self, n_streams: int) -> dict[str, np.ndarray]:
        """Return the state before the first step.

        Parameters
        ----------
        n_streams : int
            Sequences that run side by side.

        Returns
        -------
        dict of str to ndarray
            Arrays with a row for every stream.
        """

    def _step(self, x: np.ndarray, state: dict[str, np.ndarray]) -> np.ndarray:
        """Transform one time step as `transform` does, and bring `state` up to it in place.

        Parameters
        ----------
        x : ndarray of shape (n_rows, n_channels)
            As the step before returned them; not to be changed.
        state : dict of str to ndarray
            That of these rows.

        Returns
        -------
        ndarray of shape (n_rows, n_channels_out)
            As the next step takes them.
        """


class Chain(NamedTuple):
    """What a stream runs: transformers, and an estimator of skrnn behind them."""

    transformers: tuple[Any, ...]
    estimator: Any


def chain_of(estimator: Any) -> Chain:
    """Return the transformers on the way to the estimator of skrnn inside, and that estimator."""
    transformers: list[Any] = []
    while not isinstance(estimator, (RNNClassifier, RNNRegressor)):
        if isinstance(estimator, FrozenEstimator):
            estimator = estimator.estimator
        elif isinstance(estimator, Pipeline):
            transformers += [one for _, one in estimator.steps[:-1]]
            estimator = estimator.steps[-1][1]
        elif is_search(estimator):
            check_is_fitted(estimator, "best_estimator_")
            estimator = estimator.best_estimator_
        else:
            raise TypeError(
                f"A stream runs RNNClassifier, RNNRegressor, or a Pipeline or fitted search with "
                f"one of them at its end. Got {type(estimator).__name__}: what it does to the "
                "prediction would be left out. Pass the estimator inside, if that is meant."
            )
    check_is_fitted(estimator, "network_")
    used = [one for one in transformers if one is not None and not isinstance(one, str)]
    used = [one.estimator if isinstance(one, FrozenEstimator) else one for one in used]
    for one in used:
        if not isinstance(one, StepTransformer):
            raise TypeError(
                f"{type(one).__name__} cannot be streamed: it does not act on one time step after "
                "the other, as SequenceScaler and TokenEncoder do. Transform the rows yourself "
                "and stream the last step of the Pipeline."
            )
        check_is_fitted(one)
        one._start_steps(1)  # which says if it needs the whole sequence
    for one in (*used, estimator):
        if getattr(one, "n_static_in_", 0):
            raise ValueError(
                f"{type(one).__name__} was fitted with static features, which do not come with the "
                "rows of a stream. Fit without them, or call predict on the sequence so far."
            )
    return Chain(tuple(used), estimator)


def n_channels(first: Any) -> int:
    """Return how many channels a fitted transformer or estimator has."""
    vocabularies = getattr(first, "vocabularies_", None)
    return first.n_channels_in_ if vocabularies is None else len(vocabularies)


def names_of_channels(first: Any) -> list[str] | None:
    """Return the names of the channels, None if they had none in `fit`."""
    names = getattr(first, "feature_names_in_", None)
    # Names of columns, each of them a channel at one time step, say nothing of channels.
    if names is None or getattr(first, "_X_kind", None) == "2d":
        return None
    return list(names) if len(names) == n_channels(first) else None
