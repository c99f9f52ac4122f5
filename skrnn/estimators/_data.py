"""The data of a fit: sequences with their targets and weights, and what is taken of them."""

from __future__ import annotations

from dataclasses import replace
from math import fsum
from typing import Any, NamedTuple

import numpy as np
from sklearn.utils.validation import check_consistent_length, column_or_1d

from skrnn.estimators._hold_out import (
    last_samples,
    last_windows,
    n_to_hold_out,
    share_rows,
    whole_groups,
)
from skrnn.estimators._targets import Targets
from skrnn.sequences import Sequences

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
    step_weight : ndarray of shape (n_rows,) or None
        Weights of the time steps, which that of their sample multiplies: zero where the target is
        missing. None stands for ones.
    present : ndarray of bool of shape (n_rows, n_outputs) or None
        Which outputs have a target, where single ones are missing. None stands for all.
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
    step_weight: np.ndarray | None = None
    present: np.ndarray | None = None
    target_weight: np.ndarray | None = None
    groups: np.ndarray | None = None

    @property
    def n_samples(self) -> int:
        """Number of sequences."""
        return self.sequences.n_samples

    @property
    def constant_target(self) -> bool:
        """Whether all rows that have a target have the same."""
        there = self.labelled
        if there is None:
            return bool((self.y == self.y[:1]).all())
        y = self.y.reshape(len(there), -1)
        columns = zip(y.T, np.broadcast_to(there, y.shape).T, strict=True)
        return all(bool((column[own] == column[own][:1]).all()) for column, own in columns)

    @property
    def labelled(self) -> np.ndarray | None:
        """Which targets count, ndarray of bool of shape (n_rows, 1 or n_outputs); None for all."""
        rows = None if self.step_weight is None else self.step_weight[:, None] > 0
        if rows is None or self.present is None:
            return self.present if rows is None else rows
        return rows & self.present

    def row_weight(self) -> np.ndarray:
        """Return the weight of every row: of its sample, its time step and its target."""
        weight = self.weight
        if self.per_step:
            weight = np.repeat(weight, self.sequences.lengths)
        if self.step_weight is not None:
            weight = weight * self.step_weight
        return weight if self.target_weight is None else weight * self.target_weight

    def loss_weight(self) -> np.ndarray:
        """Return the weights that the loss takes: of rows, or of outputs if single ones miss."""
        weight = self.row_weight()
        return weight if self.present is None else weight[:, None] * self.present

    def take(self, samples: np.ndarray) -> Dataset:
        """Return the samples at these indices, with the targets and weights of their rows."""
        if np.array_equal(samples, np.arange(self.n_samples)):
            return self
        rows = self.sequences.steps_of(samples) if self.per_step else samples

        def of(values: np.ndarray | None, indices: np.ndarray) -> np.ndarray | None:
            return None if values is None else values[indices]

        return self._replace(
            sequences=self.sequences.take(samples),
            y=self.y[rows],
            weight=self.weight[samples],
            step_weight=of(self.step_weight, rows),
            present=of(self.present, rows),
            target_weight=of(self.target_weight, rows),
            groups=of(self.groups, samples),
        )

    def with_target_weights(self) -> Dataset:
        """Return the data with the weights that rows have by their encoded targets."""
        return self._replace(
            target_weight=self.targets.weights(self.y, self.row_weight(), self.present)
        )

    def weighted_as(self, training: Dataset) -> Dataset:
        """Return the data with the weights by target that their rows would have in `training`.

        Raises
        ------
        ValueError
            If no row has any weight.
        """
        weights = self._weights_as(training)
        if weights is None:
            return self
        data = self._replace(target_weight=weights)
        if not data.row_weight().any():
            raise ValueError("class_weight is zero for every class in y.")
        return data

    def _all_present(self) -> np.ndarray:
        return np.ones(self.y.shape, dtype=bool) if self.present is None else self.present

    def _weights_as(self, training: Dataset) -> np.ndarray | None:
        y = np.concatenate([training.y, self.y])
        # Balanced weights count without weight nothing of these data.
        row_weight = np.concatenate([training.row_weight(), np.zeros(len(self.y))])
        present = None
        if not (training.present is None and self.present is None):
            present = np.concatenate([training._all_present(), self._all_present()])
        weights = self.targets.weights(y, row_weight.astype(training.weight.dtype), present)
        return None if weights is None else weights[len(training.y) :]

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
            shares=self._shares(),
        )
        weight = self.weight.copy()
        weight[samples] = merged
        return self._replace(weight=weight).take(samples)

    def _shares(self) -> np.ndarray | None:
        """Return what of its sample's weight every output of every row has; None of ones."""
        if self.step_weight is None:
            return self.present
        steps = self.step_weight[:, None]
        return steps if self.present is None else steps * self.present

    def spread(self) -> Dataset:
        """Return every sample as often as it weighs times the mean, rounded, once at least.

        The copies share its weight. In batches of few samples a heavy one would otherwise stand
        alone against all others of its batch, and have no part in the rest.
        """
        heaviness = self.row_weight().astype(np.float64)
        if self.per_step:
            # With fewer targets a sequence is like a shorter one, which is no lighter.
            counted = self.sequences.lengths
            if self.step_weight is not None:
                counted = np.add.reduceat(self.step_weight > 0, self.sequences.starts, dtype=int)
            heaviness = np.add.reduceat(heaviness, self.sequences.starts) / counted
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
        self.targets.learn_scale(self.y, self.loss_weight())
        return self

    def check_outputs(self) -> Dataset:
        """Return the data to begin a training with; every output has a target in them.

        Raises
        ------
        ValueError
            If an output has none.
        """
        if self.present is not None:
            without = ~(self.loss_weight() > 0).any(axis=0)
            if without.any():
                raise ValueError(
                    f"Output {int(np.argmax(without))} of y has no target at all in the samples to "
                    "train on: they are missing (NaN or None), or weigh zero. Give it some, or "
                    "leave the output out."
                )
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
    shares: np.ndarray | None = None,
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
    shares : ndarray of shape (n_samples or n_steps_total, 1 or n_outputs), default=None
        What of its sample's weight every output of every row has. Samples that differ in it are
        different.

    Returns
    -------
    samples : ndarray of shape (n_unique,)
        One index for each different sample.
    sample_weight : ndarray of shape (n_unique,)
        Sum of the weights of its equals.
    """
    # All numbers at once: a call for every sample would take longer than some fits.
    values, targets = replace(sequences, table=_sortable(sequences.table)), _sortable(y)
    parts = None if shares is None else _sortable(shares)
    static = None if sequences.static is None else _sortable(sequences.static)
    equals: dict[tuple[bytes, bytes, int, bytes], list[int]] = {}
    for i in samples:
        start = sequences.starts[i]
        rows = slice(start, start + sequences.lengths[i]) if per_step else i
        group = 0 if groups is None else int(groups[i])
        share = b"" if parts is None else parts[rows].tobytes()
        known = values.rows(i).tobytes()
        if static is not None:
            known += static[i].tobytes()
        key = known, targets[rows].tobytes(), group, share
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
    # Adding zero turns -0.0 into 0.0, which is equal but has other bits; NaN has several, too.
    floats = numbers + np.zeros((), np.result_type(numbers, np.float32))
    floats = np.where(np.isnan(floats), floats.dtype.type(np.nan), floats)
    bits: np.ndarray = floats.view(np.dtype(f"i{floats.itemsize}"))
    # Of negative numbers the larger ones have the smaller bits: all are turned, of others the sign.
    sign = np.iinfo(bits.dtype).min
    return (bits ^ (bits >> (8 * bits.itemsize - 1) | sign)).astype(f">i{bits.itemsize}")
