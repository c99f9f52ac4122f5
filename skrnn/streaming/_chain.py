"""What a stream runs: transformers that act step by step, and an estimator of skrnn."""

from __future__ import annotations

from typing import Any, NamedTuple

import pandas as pd
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from skrnn._innermost import is_search
from skrnn.estimators import RNNClassifier, RNNRegressor
from skrnn.sequences import has_sequence_cells
from skrnn.streaming._steps import StaticColumns, as_steps, flattened, static_before


class Chain(NamedTuple):
    """What a stream runs: transformers, and an estimator of skrnn behind them.

    Attributes
    ----------
    transformers : tuple of StepTransformer
        What brings channels through.
    estimator : RNNClassifier or RNNRegressor
        Fitted.
    fitted : tuple
        The transformers themselves, which bring tables of sequences through.
    is_static : tuple of bool or None
        Which columns of the user's table are static; None where the stream has no need of one, ()
        where there is no table.
    """

    transformers: tuple[Any, ...]
    estimator: Any
    fitted: tuple[Any, ...]
    is_static: StaticColumns

    @property
    def first(self) -> Any:
        """What takes the rows as they come."""
        return self.fitted[0] if self.fitted else self.estimator

    @property
    def n_channels(self) -> int:
        """How many channels a row has."""
        if self.is_static:
            return self.is_static.count(False)
        vocabularies = getattr(self.first, "vocabularies_", None)
        if vocabularies is not None:
            return len(vocabularies)
        links = (*self.fitted, self.estimator)
        return next(one.n_channels_in_ for one in links if hasattr(one, "n_channels_in_"))

    @property
    def names(self) -> list[str] | None:
        """The names of the channels, None if they had none in `fit`."""
        names = getattr(self.first, "feature_names_in_", None)
        # Names of columns, each of them a channel at one time step, say nothing of channels.
        if names is None or getattr(self.first, "_X_kind", None) == "2d":
            return None
        if self.is_static:
            pairs = zip(names, self.is_static, strict=True)
            return [name for name, is_static in pairs if is_static is False]
        return list(names) if len(names) == self.n_channels else None


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
    fitted = flattened(transformers)
    after: StaticColumns = ()
    if getattr(estimator, "_X_kind", None) == "nested":
        # What an older release has fitted does not say that nothing is static.
        after = getattr(estimator, "_X_static", ()) or (False,) * estimator.n_channels_in_
    is_static = static_before(fitted, after)
    steps, _ = as_steps(fitted, is_static)
    return Chain(tuple(steps), estimator, tuple(fitted), is_static)


def refuse_cells(x: pd.DataFrame) -> None:
    """Raise ValueError where a table has sequences in its cells, in place of rows of numbers."""
    if has_sequence_cells(x):
        raise ValueError(
            "A stream takes rows of numbers, but got a DataFrame whose cells are sequences. Pass "
            "the steps of one of them as numpy.column_stack(X[channels].iloc[0])."
        )
