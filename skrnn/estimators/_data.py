"""The data of a fit: sequences with their targets and weights, and what is taken of them."""

from __future__ import annotations

from dataclasses import replace
from math import fsum
from typing import Any, NamedTuple

import numpy as np
from sklearn.utils.validation import (
    _check_sample_weight,
    check_consistent_length,
    column_or_1d,
)

from skrnn.estimators._hold_out import (
    last_samples,
    last_windows,
    n_to_hold_out,
    share_rows,
    whole_groups,
)
from skrnn.estimators._targets import Targets
from skrnn.sequences import Sequences, plain_targets

# Time steps, about and at the most, on which data are measured, though of so many samples at the
# least: more do not change the verdict.
MOST_STEPS, LEAST_SAMPLES = 50_000, 32
# Samples up to which equal ones are merged: of more, it would take time, and change little.
MOST_MERGED = 1000


class Dataset(NamedTuple):
    """Sequences, targets and weights.

    A row is a sample or, with a target at every step, a real time step of `sequences`.

    Attributes
    ----------
    sequences : Sequences
        Of n_samples.
    y : ndarray of shape (n_rows, ...)
        Targets: encoded, or, after `scaled`, as the loss takes them.
    weight : ndarray of shape (n_samples,)
        Sample weights.
    targets : Targets
        What encoded them.
    per_step : bool
        Whether there is a target at every time step.
    target_weight : ndarray of shape (n_rows,) or None
        Weights by target (class weights); None stands for ones.
    groups : ndarray of shape (n_samples,), dtype intp, or None
        Code of every sample's group, of which early stopping holds out all or none.
    """

    sequences: Sequences
    y: np.ndarray
    weight: np.ndarray
    targets: Targets
    per_step: bool
    target_weight: np.ndarray | None = None
    groups: np.ndarray | None = None

    @property
    def n_samples(self) -> int:
        """Number of sequences."""
        return self.sequences.n_samples

    @property
    def constant_target(self) -> bool:
        """Whether all rows have the same target."""
        return bool((self.y == self.y[:1]).all())

    def row_weight(self) -> np.ndarray:
        """Return the weight of every row: that of its sample times that of its target."""
        weight = self.weight
        if self.per_step:
            weight = np.repeat(weight, self.sequences.lengths)
        return weight if self.target_weight is None else weight * self.target_weight

    def take(self, samples: np.ndarray) -> Dataset:
        """Return the samples at these indices, with the targets and weights of their rows."""
        if np.array_equal(samples, np.arange(self.n_samples)):
            return self
        rows = self.sequences.steps_of(samples) if self.per_step else samples
        return self._replace(
            sequences=self.sequences.take(samples),
            y=self.y[rows],
            weight=self.weight[samples],
            target_weight=None if self.target_weight is None else self.target_weight[rows],
            groups=None if self.groups is None else self.groups[samples],
        )

    def with_target_weights(self) -> Dataset:
        """Return the data with the weights that rows have by their encoded targets."""
        return self._replace(target_weight=self.targets.weights(self.y, self.row_weight()))

    def weighted_as(self, training: Dataset) -> Dataset:
        """Return the data with the weights by target that their rows would have in `training`.

        Raises
        ------
        ValueError
            If no row has any weight.
        """
        y = np.concatenate([training.y, self.y])
        # Balanced weights count without weight nothing of these data.
        row_weight = np.concatenate([training.row_weight(), np.zeros(len(self.y))])
        weights = self.targets.weights(y, row_weight.astype(training.weight.dtype))
        if weights is None:
            return self
        data = self._replace(target_weight=weights[len(training.y) :])
        if not data.row_weight().any():
            raise ValueError("class_weight is zero for every class in y.")
        return data

    def weighted_samples(self) -> np.ndarray:
        """Return the indices of the samples that have any weight.

        Raises
        ------
        ValueError
            If none has, or if the largest weight is too large or too small to compute with.
        """
        row_weight = self.row_weight()
        if self.per_step:
            row_weight = np.add.reduceat(row_weight, self.sequences.starts)
        samples = np.flatnonzero(row_weight)
        if len(samples) == 0:
            raise ValueError(
                "class_weight is zero for every class in y: there is nothing to learn from."
            )
        limits, largest = np.finfo(row_weight.dtype), row_weight.max()
        # Between these, products and sums of weights stay within the range of floats.
        if not np.sqrt(limits.tiny) <= largest <= np.sqrt(limits.max):
            raise ValueError(
                f"The largest weight of all (sample_weight times class_weight) is {largest:.3g}, "
                f"which is too far from 1 for {row_weight.dtype}, the dtype of X. Divide the "
                "weights by their mean."
            )
        return samples

    def with_groups(self, groups: Any) -> Dataset:
        """Return the data with the group of every sample, an array-like, or None for no groups."""
        if groups is None:
            return self
        groups = column_or_1d(groups, warn=True)
        check_consistent_length(self.sequences.lengths, groups)
        return self._replace(groups=np.unique(groups, return_inverse=True)[1])

    def prepared(self, *, shuffle: bool) -> Dataset:
        """Return the samples that have a weight; of few without an order, equal ones as one.

        Parameters
        ----------
        shuffle : bool
            Whether the order of the samples means nothing.
        """
        data = self.with_target_weights()
        data = data.take(data.weighted_samples())
        # Merged samples are in no order, and windows no longer where they were.
        few = data.n_samples <= MOST_MERGED
        return data.merged() if few and not data.has_order(shuffle=shuffle) else data

    def merged(self) -> Dataset:
        """Return every sample once, with the sum of its equals' weights."""
        samples, merged = merge_repeated_samples(
            self.sequences,
            self.y,
            self.weight,
            np.arange(self.n_samples),
            per_step=self.per_step,
            groups=self.groups,
        )
        weight = self.weight.copy()
        weight[samples] = merged
        return self._replace(weight=weight).take(samples)

    def spread(self) -> Dataset:
        """Return every sample as often as it weighs times the mean, rounded, once at least.

        The copies share its weight. In batches of few samples a heavy one would otherwise stand
        alone against all others of its batch, and have no part in the rest.
        """
        heaviness = self.row_weight().astype(np.float64)
        if self.per_step:
            lengths = self.sequences.lengths
            heaviness = np.add.reduceat(heaviness, self.sequences.starts) / lengths
        n_copies = np.rint(heaviness / heaviness.mean()).astype(np.intp).clip(min=1)
        if (n_copies == 1).all():
            return self
        weight = self.weight / n_copies.astype(self.weight.dtype)
        return self._replace(weight=weight).take(np.repeat(np.arange(self.n_samples), n_copies))

    def hold_out(self, fraction: float, rng: np.random.RandomState) -> tuple[Dataset, Dataset]:
        """Split the samples at random.

        Parameters
        ----------
        fraction : float
            Share of the samples to hold out, at least two of them, in (0, 1).
        rng : RandomState
            Source of the split.

        Returns
        -------
        training, held_out : Dataset

        Raises
        ------
        ValueError
            If no sample is left to train on.
        """
        if self.groups is not None:
            return self._hold_out_groups(fraction, rng)
        n_held_out = n_to_hold_out(fraction, self.n_samples)
        if n_held_out >= self.n_samples:
            raise _nothing_left(
                n_held_out, f"n_samples={self.n_samples} different ones with a weight"
            )
        # Here, as importing it takes longer than importing all of skrnn.
        from sklearn.model_selection import train_test_split

        training, held_out = train_test_split(
            np.arange(self.n_samples),
            test_size=n_held_out,
            random_state=rng,
            stratify=None if self.per_step else self.targets.strata(self.y, n_held_out),
        )
        return self.take(training), self.take(held_out)

    def has_order(self, *, shuffle: bool) -> bool:
        """Whether the part to hold out is at the end, and not drawn.

        Parameters
        ----------
        shuffle : bool
            Whether the order of the samples means nothing.
        """
        return not shuffle or (self.groups is None and share_rows(self.sequences))

    def hold_out_last(self, fraction: float) -> tuple[Dataset, Dataset]:
        """Split off the last samples, or the end of every run of windows that share rows.

        Parameters
        ----------
        fraction : float
            Share of the samples to hold out, in (0, 1).

        Returns
        -------
        training, held_out : Dataset
            Without a row in common.

        Raises
        ------
        ValueError
            If no sample is left on one of the sides.
        """
        if self.groups is not None:
            return self._hold_out_groups(fraction, None)
        windows = share_rows(self.sequences)
        if windows:
            training, held_out = last_windows(self.sequences, fraction)
        else:
            training, held_out = last_samples(self.n_samples, fraction)
        if len(training) == 0 or len(held_out) == 0:
            what = f"n_samples={self.n_samples} with a weight"
            if windows:
                what += (
                    f", windows of {self.sequences.lengths[0]} time steps, and those that share a "
                    "step with the ones set aside are left out"
                )
            raise _nothing_left(n_to_hold_out(fraction, self.n_samples), what)
        return self.take(training), self.take(held_out)

    def _hold_out_groups(
        self, fraction: float, rng: np.random.RandomState | None
    ) -> tuple[Dataset, Dataset]:
        assert self.groups is not None
        training, held_out = whole_groups(self.groups, fraction, rng)
        if len(training) == 0:
            raise ValueError(
                "early_stopping=True sets whole groups aside, which leaves none to train on: all "
                f"{self.n_samples} samples are of one group. Pass groups of which there are "
                "several, pass X_val and y_val to fit, or set early_stopping=False."
            )
        return self.take(training), self.take(held_out)

    def learn_scale(self) -> Dataset:
        """Let the targets learn their scale from these data, which are to be trained on."""
        self.targets.learn_scale(self.y, self.row_weight())
        return self

    def scaled(self) -> Dataset:
        """Return the data with targets as the loss takes them."""
        return self._replace(y=self.targets.scaled(self.y, self.sequences.dtype))


def _nothing_left(n_held_out: int, what: str) -> ValueError:
    return ValueError(
        f"early_stopping=True sets {n_held_out} samples aside, which leaves none to train on: X "
        f"has {what}. Lower validation_fraction, pass X_val and y_val to fit, or set "
        "early_stopping=False."
    )


def read_data(
    sequences: Sequences, y: Any, sample_weight: Any, targets: Targets, *, per_step: bool
) -> Dataset:
    """Check targets and sample weights.

    Parameters
    ----------
    sequences : Sequences
        What they belong to.
    y, sample_weight : array-like
        As the user passed them.
    targets : Targets
        What encodes `y`.
    per_step : bool
        Whether there is a target at every time step.

    Returns
    -------
    Dataset

    Raises
    ------
    ValueError
        If targets or weights are not valid, or all weights are zero.
    """
    encoded = targets.read(plain_targets(y), sequences, per_step=per_step)
    weight = _check_sample_weight(
        sample_weight, sequences.lengths, dtype=sequences.dtype, ensure_non_negative=True
    )
    if not weight.any():
        raise ValueError("All sample weights are zero: there is nothing to learn from.")
    return Dataset(sequences, encoded, weight, targets, per_step)


def evenly_spaced(data: Dataset) -> Dataset:
    """Return the samples, or as many evenly spaced ones as have about `MOST_STEPS` time steps."""
    n_samples = data.n_samples
    if data.sequences.n_steps <= MOST_STEPS:
        return data
    n = max(n_samples * MOST_STEPS // data.sequences.n_steps, min(n_samples, LEAST_SAMPLES))
    return data.take(np.linspace(0, n_samples - 1, n).astype(np.intp))


def merge_repeated_samples(
    sequences: Sequences,
    y: np.ndarray,
    sample_weight: np.ndarray,
    samples: np.ndarray,
    *,
    per_step: bool,
    groups: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Merge equal samples into one, their weights summed, in an order of their own.

    The full-batch gradient is a weighted sum over samples, so this is exact. It makes a
    full-batch fit the same to the bit whatever the order of the samples, and whether a sample
    is repeated or weighted: rounding cannot grow into a difference over the epochs.

    Parameters
    ----------
    sequences : Sequences
        The samples.
    y : ndarray of shape (n_samples, ...) or (n_steps_total, ...)
        Numeric targets of the samples or, with `per_step`, of all their time steps.
    sample_weight : ndarray of shape (n_samples,)
        Weights.
    samples : ndarray of shape (n,)
        Indices of the samples to look at.
    per_step : bool
        Whether there is a target at every time step.
    groups : ndarray of shape (n_samples,), default=None
        Samples of different groups are different.

    Returns
    -------
    samples : ndarray of shape (n_unique,)
        One index for each different sample.
    sample_weight : ndarray of shape (n_unique,)
        Sum of the weights of its equals.
    """
    # All numbers at once: a call for every sample would take longer than some fits.
    values, targets = replace(sequences, table=_sortable(sequences.table)), _sortable(y)
    equals: dict[tuple[bytes, bytes, int], list[int]] = {}
    for i in samples:
        start = sequences.starts[i]
        target = targets[start : start + sequences.lengths[i]] if per_step else targets[i]
        group = 0 if groups is None else int(groups[i])
        key = values.rows(i).tobytes(), target.tobytes(), group
        equals.setdefault(key, []).append(i)
    merged = [equals[key] for key in sorted(equals)]
    return (
        np.array([indices[0] for indices in merged], dtype=np.intp),
        np.array([fsum(sample_weight[indices]) for indices in merged], dtype=sample_weight.dtype),
    )


def _sortable(numbers: np.ndarray) -> np.ndarray:
    """Return integers whose bytes are in the order of the numbers, the first one first.

    A rounding error in one of them then leaves the order of samples as it is, which decides on
    batches.
    """
    # Adding zero turns -0.0 into 0.0, which is equal but has other bits.
    floats = numbers + np.zeros((), np.result_type(numbers, np.float32))
    bits: np.ndarray = floats.view(np.dtype(f"i{floats.itemsize}"))
    # Of negative numbers the larger ones have the smaller bits: all are turned, of others the sign.
    sign = np.iinfo(bits.dtype).min
    return (bits ^ (bits >> (8 * bits.itemsize - 1) | sign)).astype(f">i{bits.itemsize}")
