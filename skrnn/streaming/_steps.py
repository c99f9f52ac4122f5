"""Fitted transformers as steps of a stream, ColumnTransformer and pipelines among them.

Beside the channels, of which a row comes at every step, tables of sequences have static features,
which come once. What is to be a step is asked of the channels alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.validation import check_is_fitted

from skrnn.core.parameters import part_of

# Whether a column is static, for every column of a table; None for one that nothing looks at. () is
# for what is no table of sequences.
StaticColumns = tuple[bool | None, ...]


@runtime_checkable
class StepTransformer(Protocol):
    """What a transformer needs to take part in a stream; it is asked of its fitted self.

    What it does to a time step may depend on the steps before, by a state, but not on those after.
    Static features do not come with the steps: those of a stream go through `transform` when it
    begins, in a table whose sequences have one step. One that takes another number of channels than
    it returns has the attribute `n_channels_in_`.
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


def flattened(transformers: Sequence[Any]) -> list[Any]:
    """Return what is in pipelines or frozen, without steps that do nothing."""
    flat: list[Any] = []
    for one in transformers:
        if isinstance(one, FrozenEstimator):
            flat += flattened([one.estimator])
        elif isinstance(one, Pipeline):
            flat += flattened([step for _, step in one.steps])
        elif one is not None and not isinstance(one, str):
            flat.append(one)
    return flat


def static_before(transformers: Sequence[Any], after: StaticColumns) -> StaticColumns:
    """Return which columns are static in what the first transformer takes.

    Parameters
    ----------
    transformers : sequence
        Fitted, in their order, as `flattened` returns them.
    after : tuple of bool or None
        Which columns are static behind the last one.
    """
    if not transformers or not after:
        return after
    first, *others = transformers
    if isinstance(first, ColumnTransformer):
        check_is_fitted(first)
        return _static_in_columns(first, static_before(others, after))
    own = tuple(getattr(first, "_X_static", ()))
    return own or static_before(others, after)


def as_steps(
    transformers: Sequence[Any], is_static: StaticColumns
) -> tuple[list[Any], StaticColumns]:
    """Return fitted transformers as those that act on one time step after the other.

    Parameters
    ----------
    transformers : sequence
        As `flattened` returns them.
    is_static : tuple of bool or None
        Which columns are static in what the first one takes.

    Returns
    -------
    steps : list of StepTransformer
    is_static : tuple of bool or None
        The same behind the last one, up to the channels that it has added at the end.

    Raises
    ------
    TypeError, ValueError
        If one of them looks at the whole sequence.
    """
    steps: list[Any] = []
    for one in transformers:
        if isinstance(one, ColumnTransformer) and is_static:
            columns = ColumnSteps(one, is_static)
            steps.append(columns)
            is_static = columns.is_static
        elif isinstance(one, StepTransformer):
            check_is_fitted(one)
            one._start_steps(1)  # which says if it needs the whole sequence
            steps.append(one)
        else:
            raise _refused(one)
    return steps, is_static


def example_of(step: Any, n_channels: int) -> list[Any]:
    """Return a value that a step takes for every channel."""
    if isinstance(step, ColumnSteps):
        return step.example(n_channels)
    if hasattr(step, "vocabularies_"):
        return [next(iter(step._counts[column]), 1.0) for column in step._columns_of_steps()]
    return [1.0] * n_channels


def takes_tokens(step: Any) -> bool:
    """Tell whether a step takes tokens, which need not be numbers."""
    return hasattr(step, "vocabularies_") or getattr(step, "takes_tokens", False)


class _Branch(NamedTuple):
    """Channels that go one way in a ColumnTransformer, and what they go through."""

    channels: np.ndarray
    steps: list[Any]


class ColumnSteps:
    """A fitted ColumnTransformer as far as it matters to channels.

    Parameters
    ----------
    columns : ColumnTransformer
        Fitted.
    is_static : tuple of bool or None
        Which columns are static in what it takes, up to channels at the end.

    Attributes
    ----------
    is_static : tuple of bool or None
        Which columns are static in what it returns.

    Raises
    ------
    TypeError, ValueError
        If a channel goes through something that looks at the whole sequence.
    """

    def __init__(self, columns: ColumnTransformer, is_static: StaticColumns):
        is_static = _filled_up(is_static, columns.n_features_in_)
        channel = np.cumsum([one is False for one in is_static]) - 1
        self._branches: list[_Branch] = []
        behind: list[bool | None] = []
        for one, inside, out in _ways(columns):
            own, n_out = tuple(is_static[j] for j in inside), out.stop - out.start
            if False not in own and one is not None:
                behind += [True] * n_out  # what stands there does not come with the steps
                continue
            steps, own = as_steps([] if one is None else flattened([one]), own)
            at = [channel[j] for j in inside if is_static[j] is False]
            self._branches.append(_Branch(np.array(at, np.intp), steps))
            behind += _filled_up(own, n_out)
        self.is_static: StaticColumns = tuple(behind)

    @property
    def takes_tokens(self) -> bool:
        """Whether one of the first steps takes tokens."""
        return any(takes_tokens(steps[0]) for _, steps in self._branches if steps)

    def example(self, n_channels: int) -> list[Any]:
        """Return a value that it takes for every channel."""
        values: list[Any] = [1.0] * n_channels
        for channels, steps in self._branches:
            known = example_of(steps[0], len(channels)) if steps else []
            for channel, value in zip(channels.tolist(), known, strict=False):
                values[channel] = value
        return values

    def _start_steps(self, n_streams: int) -> dict[str, np.ndarray]:
        """Return the states of all steps side by side."""
        return {
            f"{i}.{j}.{name}": array
            for i, (_, steps) in enumerate(self._branches)
            for j, step in enumerate(steps)
            for name, array in step._start_steps(n_streams).items()
        }

    def _step(self, x: np.ndarray, state: dict[str, np.ndarray]) -> np.ndarray:
        """Bring every channel on its way."""
        parts = []
        for i, (channels, steps) in enumerate(self._branches):
            rows = x[:, channels]
            for j, step in enumerate(steps):
                rows = step._step(rows, part_of(state, f"{i}.{j}."))
            parts.append(rows)
        return np.concatenate(parts, axis=1)


def _ways(columns: ColumnTransformer) -> Iterator[tuple[Any, list[int], slice]]:
    """Yield what columns go through, which ones, and where they come out.

    In the place of what goes through as it is stands None; what is dropped is left out.
    """
    inside = columns._transformer_to_input_indices
    for name, one, _ in columns.transformers_:
        passes = isinstance(one, FunctionTransformer) and one.func is None
        if one == "passthrough" or passes:
            yield None, list(inside[name]), columns.output_indices_[name]
        elif not isinstance(one, str) and len(inside[name]):
            yield one, list(inside[name]), columns.output_indices_[name]


def _static_in_columns(columns: ColumnTransformer, after: StaticColumns) -> StaticColumns:
    """Return which columns are static in what a ColumnTransformer takes."""
    found: list[bool | None] = [None] * columns.n_features_in_
    seen_by: dict[int, Any] = {}
    after = _filled_up(after, max(out.stop for _, _, out in _ways(columns)))
    for one, inside, out in _ways(columns):
        own = after[out]
        if one is not None:
            makes_channels = False in own
            own = static_before(flattened([one]), own) if makes_channels else (True,) * len(inside)
        for j, is_static in zip(inside, own, strict=False):
            if {found[j], is_static} == {True, False}:
                raise _refused(one or seen_by[j])  # it makes a single value of a sequence
            if found[j] is None:
                found[j], seen_by[j] = is_static, one
    return tuple(found)


def _filled_up(is_static: StaticColumns, n_columns: int) -> StaticColumns:
    """Return the same with channels at the end, up to so many columns."""
    return (*is_static, *[False] * (n_columns - len(is_static)))


def _refused(one: Any) -> TypeError:
    return TypeError(
        f"{type(one).__name__} cannot be streamed: it does not act on one time step after "
        "the other, as SequenceScaler, SequenceImputer and TokenEncoder do. Transform the rows "
        "yourself and stream the steps behind it, such as pipeline[1:]."
    )
