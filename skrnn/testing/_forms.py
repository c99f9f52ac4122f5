"""The forms that sequences come in, and the data that the checks are made with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from sklearn.utils import check_scalar

N_SAMPLES = 20
TARGETS = ("classes", "numbers", None)


@dataclass(frozen=True, kw_only=True)
class Capabilities:
    """What an estimator of sequences claims to do: the checks hold it to that.

    Parameters
    ----------
    forms : sequence of str, default=None
        The forms of `X` that it takes, among

        - `'list'`, `'tuple'`, `'object'`: one array for each sequence, of different lengths, in
          a list, a tuple or a 1-D object array;
        - `'padded'`: a 3-D array in which trailing steps of NaN are padding;
        - `'frames'`: one DataFrame for each sequence, rows are time steps, in a list;
        - `'dataframe'`: a DataFrame with one column for each channel, whose cells are 1-D
          arrays;
        - `'series'`: the same with Series as cells;
        - `'arrow'`: the same with columns of Arrow lists (needs pyarrow);
        - `'3d'`: a 3-D array of sequences of one length.

        None tries every form: one that `fit` or an answer refuses is then taken for one that the
        estimator does not claim, and its check is skipped with that error as the reason. A
        declared form that is refused fails its check.

    axis_order : {'time_first', 'time_last'}, default='time_first'
        Axes of an array that is one sequence: `'time_first'` is (n_timesteps, n_channels), and
        (n_samples, n_timesteps, n_channels) of a 3-D array; `'time_last'` is
        (n_channels, n_timesteps), and (n_samples, n_channels, n_timesteps).

    targets : {'classes', 'numbers'}, default=None
        What `fit` learns. None goes by scikit-learn's tags: classes for a classifier, numbers for
        a regressor, nothing for any other estimator. Name it for a transformer that has targets.

    step_targets : bool, default=False
        Whether the estimator takes, and answers with, one target for every time step. The
        targets then come as a list of arrays as long as their sequences, for `'3d'` as an array
        of shape (n_samples, n_timesteps).

    missing_step_targets : bool, default=False
        Whether single step targets may be missing: NaN among numbers, None among labels. They add
        nothing to what is learnt.

    full_batch : bool, default=True
        Whether one step of training sees all of the at most 40 sequences that a check trains on,
        each by its values and not by its number. False skips what holds exactly only then: that
        the order of the training sequences does not matter, and that a weight is a repetition.
        Say False of a network that draws batches, of stochastic gradient descent over single
        samples, of bootstrap samples, and of whatever else chooses samples by their number, such
        as random starts. These checks are skipped anyway for clusterers, whose labels are
        numbered arbitrarily, and for estimators with parameters that draw samples or cut folds:
        `bootstrap=True`, `early_stopping=True`, `subsample` below 1, `max_samples`, `cv`.

    new_lengths : bool, default=True
        Whether the sequences given to a fitted estimator may be longer or shorter than all those
        it was fitted on.

    static_columns : bool, default=None
        Whether the estimator takes a DataFrame with columns of single numbers beside those of
        sequences, as features of the sequence as a whole. None tries it, and skips their check if
        `fit` refuses them.

    n_channels : int, default=2
        Channels of the sequences, >= 1.

    min_length : int, default=4
        Time steps of the shortest sequence, >= 2. The longest one that `fit` sees has six more;
        a fitted estimator is asked about sequences of three times the length.

    Raises
    ------
    TypeError
        If a number is no integer.
    ValueError
        If a form, an axis order or a kind of targets is unknown, no form is named, or a number is
        too small.

    Examples
    --------
    >>> from skrnn.testing import Capabilities
    >>> Capabilities(forms=("list", "3d"), axis_order="time_last").forms
    ('list', '3d')
    """

    forms: Sequence[str] | None = None
    axis_order: str = "time_first"
    targets: str | None = None
    step_targets: bool = False
    missing_step_targets: bool = False
    full_batch: bool = True
    new_lengths: bool = True
    static_columns: bool | None = None
    n_channels: int = 2
    min_length: int = 4

    def __post_init__(self) -> None:
        if self.forms is not None and not _are_forms(self.forms):
            raise ValueError(
                f"forms must be a sequence of one or more of {list(FORMS)}, or None to try all of "
                f"them. Got {self.forms!r}."
            )
        for name, known in (("axis_order", AXIS_ORDERS), ("targets", TARGETS)):
            if getattr(self, name) not in known:
                raise ValueError(
                    f"{name} must be one of {list(known)}. Got {getattr(self, name)!r}."
                )
        check_scalar(self.n_channels, "n_channels", Integral, min_val=1)
        check_scalar(self.min_length, "min_length", Integral, min_val=2)


def _are_forms(forms: Any) -> bool:
    if isinstance(forms, str) or not isinstance(forms, Iterable):
        return False
    listed = list(forms)
    return bool(listed) and all(form in list(FORMS) for form in listed)


class Data(NamedTuple):
    """Sequences and their targets, independent of any form.

    Attributes
    ----------
    samples : list of ndarray of shape (n_timesteps, n_channels)
        The sequences.
    targets : list or None
        One target for each sequence: a number, or an array of shape (n_timesteps,); None for
        estimators without targets.
    """

    samples: list[np.ndarray]
    targets: list | None

    @property
    def lengths(self) -> list[int]:
        """Time steps of every sequence."""
        return [len(sample) for sample in self.samples]

    def take(self, indices: Iterable[int]) -> Data:
        """The sequences at `indices` with their targets."""
        chosen = list(indices)
        targets = None if self.targets is None else [self.targets[i] for i in chosen]
        return Data([self.samples[i] for i in chosen], targets)

    def with_samples(self, function: Callable[[np.ndarray], np.ndarray]) -> Data:
        """The same targets; `function` of every sequence."""
        return self._replace(samples=[function(sample) for sample in self.samples])

    def with_sample(self, index: int, sample: np.ndarray) -> Data:
        """The same but for the sequence at `index`."""
        samples = list(self.samples)
        samples[index] = sample
        return self._replace(samples=samples)

    def y(self, form: str) -> Any:
        """The targets as they go with `X` in that form."""
        if self.targets is None:
            return None
        if np.ndim(self.targets[0]) == 0:
            return np.array(self.targets)
        return np.stack(self.targets) if form == "3d" else list(self.targets)


def make_data(
    targets: str | None,
    capabilities: Capabilities,
    *,
    equal_lengths: bool,
    positive: bool = False,
    seed: int = 0,
) -> Data:
    """Draw sequences that a model can learn from.

    Parameters
    ----------
    targets : {'classes', 'numbers'} or None
        Classes 0 and 1, positive numbers, or no targets.
    capabilities : Capabilities
        Gives the channels, the shortest length and whether every step has a target.
    equal_lengths : bool
        Whether all sequences have one length.
    positive : bool, default=False
        Whether all numbers are positive.
    seed : int, default=0
        Other seeds give other sequences of the same lengths.
    """
    rng = np.random.RandomState(seed)
    classes = np.arange(N_SAMPLES) % 2
    # Neither the class nor a block of neighbours can be told by the length.
    extra = np.full(N_SAMPLES, 2) if equal_lengths else np.arange(N_SAMPLES) // 2 % 5
    lengths = capabilities.min_length + extra
    samples = [rng.normal(size=(length, capabilities.n_channels)) for length in lengths]
    for sample, label in zip(samples, classes, strict=True):
        sample[:, 0] += 2 * label - 1
    given = [np.exp(sample) for sample in samples] if positive else samples
    if targets is None:
        return Data(given, None)
    if capabilities.step_targets:
        return Data(given, [_target(sample[:, 0], targets) for sample in samples])
    if targets == "classes":
        return Data(given, classes.tolist())
    return Data(given, [float(_target(sample[:, 0], targets).mean()) for sample in samples])


def _target(steps: np.ndarray, targets: str) -> np.ndarray:
    return (steps > 0).astype(int) if targets == "classes" else 1 + np.square(steps)


# --- forms -------------------------------------------------------------------------------------

# (samples, layout) -> X, where layout brings the last two axes into the order of the estimator.
Builder = Callable[[list[np.ndarray], Callable[[np.ndarray], np.ndarray]], Any]


def in_form(samples: list[np.ndarray], form: str, axis_order: str) -> Any:
    """Return sequences of shape (n_timesteps, n_channels) in one of the `FORMS`."""
    return FORMS[form](samples, AXIS_ORDERS[axis_order])


def pad(samples: list[np.ndarray], extra_steps: int = 0, fill: float = np.nan) -> np.ndarray:
    """Return one 3-D array, time before channels, with `fill` behind every sequence."""
    n_timesteps = max(map(len, samples), default=0) + extra_steps
    # Integers have no NaN.
    dtype = np.result_type(samples[0], np.float16)
    padded = np.full((len(samples), n_timesteps, samples[0].shape[1]), fill, dtype)
    for row, sample in zip(padded, samples, strict=True):
        row[: len(sample)] = sample
    return padded


def object_array(items: Sequence) -> np.ndarray:
    """Return a 1-D object array, whatever numpy could make of its items."""
    array = np.empty(len(items), dtype=object)
    for i, item in enumerate(items):
        array[i] = item
    return array


def map_arrays(X: Any, function: Callable[[np.ndarray], np.ndarray]) -> Any:
    """Return `X` with `function` of every array that it holds; Arrow and Series keep theirs."""
    if isinstance(X, pd.DataFrame):
        return pd.DataFrame({name: map_arrays(X[name], function) for name in X.columns})
    if isinstance(X, pd.Series):
        return map_arrays(X.to_numpy(), function) if X.dtype == object else X
    if isinstance(X, np.ndarray) and X.dtype != object:
        return function(X)
    items = [function(item) if isinstance(item, np.ndarray) else item for item in X]
    return object_array(items) if isinstance(X, np.ndarray) else type(X)(items)


def _frames(samples: list[np.ndarray], _: Any) -> list[pd.DataFrame]:
    return [pd.DataFrame(sample).add_prefix("channel ") for sample in samples]


def _cells(samples: list[np.ndarray]) -> dict[str, list[np.ndarray]]:
    """One column for each channel, one 1-D array for each sequence."""
    return {
        f"channel {j}": [np.ascontiguousarray(sample[:, j]) for sample in samples]
        for j in range(samples[0].shape[1])
    }


def _dataframe(samples: list[np.ndarray], _: Any) -> pd.DataFrame:
    return pd.DataFrame({name: object_array(cells) for name, cells in _cells(samples).items()})


def _series(samples: list[np.ndarray], _: Any) -> pd.DataFrame:
    cells = _dataframe(samples, _)
    return pd.DataFrame({name: object_array([*map(pd.Series, cells[name])]) for name in cells})


def _arrow(samples: list[np.ndarray], _: Any) -> pd.DataFrame:
    import pyarrow as pa

    columns = {}
    for name, cells in _cells(samples).items():
        dtype = pd.ArrowDtype(pa.list_(pa.from_numpy_dtype(cells[0].dtype)))
        columns[name] = pd.array([cell.tolist() for cell in cells], dtype=dtype)
    return pd.DataFrame(columns)


# In the order in which a check prefers them.
FORMS: dict[str, Builder] = {
    "list": lambda samples, layout: [layout(sample) for sample in samples],
    "tuple": lambda samples, layout: tuple(layout(sample) for sample in samples),
    "object": lambda samples, layout: object_array([layout(sample) for sample in samples]),
    "padded": lambda samples, layout: layout(pad(samples)),
    "frames": _frames,
    "dataframe": _dataframe,
    "series": _series,
    "arrow": _arrow,
    "3d": lambda samples, layout: layout(np.stack(samples)),
}
# Their channels have names, by which an estimator may tell them.
FORMS_WITH_NAMES = ("frames", "dataframe", "series", "arrow")
AXIS_ORDERS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "time_first": np.asarray,
    "time_last": lambda array: np.ascontiguousarray(np.swapaxes(array, -1, -2)),
}
