"""What inspection looks at: a network, its data and its loss, whatever the user passed.

All that inspection reads of the private side of an estimator is read here.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sklearn.exceptions import NotFittedError
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from skrnn._innermost import Data, innermost, innermost_with, innermost_with_data
from skrnn.core.losses import Loss
from skrnn.core.network import ForwardPass, Network, reverse_in_time
from skrnn.core.readouts import real_steps
from skrnn.sequences import Batch, Sequences, unpack_steps

# Sequences that one pass works on: bounds the memory of the caches.
BLOCK = 256
# In a batch whose size was left to the fit and is not told.
USUAL_BATCH = 32


@dataclass(frozen=True)
class Opened:
    """An estimator opened with data: fitted, or as it is before its first epoch.

    Attributes
    ----------
    estimator : RNNClassifier or RNNRegressor
        The estimator itself, or a copy with initial weights.
    fitted : bool
        Whether the estimator that the user passed was fitted.
    sequences : Sequences
        Of n_samples.
    y : ndarray of shape (n_rows, ...) or None
        Targets as the loss takes them.
    row_weight : ndarray of shape (n_rows,) or (n_rows, n_outputs), or None
        Weights of the rows in the training loss (class weights); of every output where single
        ones are missing.
    labelled : ndarray of bool of shape (n_rows, 1 or n_outputs), or None
        Which targets are there. None stands for all.
    """

    estimator: Any
    fitted: bool
    sequences: Sequences
    y: np.ndarray | None = None
    row_weight: np.ndarray | None = None
    labelled: np.ndarray | None = None

    @property
    def network(self) -> Network:
        """The network."""
        return self.estimator.network_

    @property
    def loss(self) -> Loss:
        """The loss that the network minimises."""
        return self.estimator._make_loss()

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters by name; in place of `'auto'` what the fit took it for, where known."""
        decided = getattr(self.estimator, "auto_params_", {})
        return {**self.estimator.get_params(deep=False), **decided}

    @property
    def classifies(self) -> bool:
        """Whether the targets are classes."""
        return hasattr(self.estimator, "classes_")

    @property
    def multilabel(self) -> bool:
        """Whether the targets are several yes-or-no labels."""
        return bool(self.estimator._targets.multilabel)

    @property
    def target_scale(self) -> np.ndarray:
        """Factors from raw predictions to units of every target; 1 if the link is not additive.

        Of several raw numbers a target, the factor of the first one.
        """
        targets = self.estimator._targets
        return targets.scale if self.loss.link.additive else np.ones(targets.n_outputs)

    @property
    def full_batch(self) -> bool:
        """Whether the optimizer takes all samples at once."""
        return self.estimator._full_batch

    @property
    def batch_size(self) -> int:
        """Samples in a batch, about."""
        size = self.parameters["batch_size"]
        usual = USUAL_BATCH if isinstance(size, str) else size
        n_samples = self.sequences.n_samples
        return n_samples if self.full_batch else min(usual, n_samples)

    @property
    def per_step(self) -> bool:
        """Whether there is a prediction at every time step."""
        return self.network.architecture.readout is None

    @property
    def input_widths(self) -> np.ndarray:
        """Columns that every channel takes in the input of the first layer."""
        embedding = self.network.architecture.embedding
        return np.ones(self.sequences.n_channels, int) if embedding is None else embedding.widths

    @property
    def n_static(self) -> int:
        """Static features, which stand apart at the read-out or are the last of the channels."""
        return getattr(self.estimator, "n_static_in_", 0)

    def batches(self, samples: np.ndarray | None = None) -> Iterator[Batch]:
        """Yield batches of neighbours in length, longest first."""
        if samples is None:
            samples = np.argsort(-self.sequences.lengths, kind="stable")
        for start in range(0, len(samples), BLOCK):
            yield from self.sequences.batches(samples[start : start + BLOCK])

    def rows(self, batch: Batch) -> np.ndarray:
        """Return the rows of targets that belong to the raw prediction of `batch`."""
        return batch.steps if self.per_step else batch.samples

    def error(self, batch: Batch, run: ForwardPass, *, everywhere: bool = False) -> np.ndarray:
        """Return the gradient of every row's own loss with respect to its raw prediction.

        It is zero where the target is missing; with `everywhere` a valid one stands in for it.
        """
        assert self.y is not None
        rows, dtype = self.rows(batch), run.raw_prediction.dtype
        weight = np.ones(len(rows)) if everywhere else self.counts(rows)
        return self.loss(run.raw_prediction, self.y[rows], weight.astype(dtype))[1]

    def counts(self, rows: np.ndarray) -> np.ndarray:
        """Return ones, and zeros for targets that are missing, as weights of these rows."""
        if self.labelled is None:
            return np.ones(len(rows))
        counts = self.labelled[rows].astype(float)
        return counts[:, 0] if counts.shape[1] == 1 else counts

    def raw_prediction(self) -> np.ndarray:
        """Return the raw prediction of every row."""
        return self.estimator._raw_prediction(self.sequences)

    def some(self, n: int) -> Opened:
        """Return the same with `n` evenly spaced sequences of the data, or all if fewer."""
        n_samples = self.sequences.n_samples
        if n_samples <= n:
            return self
        samples = np.linspace(0, n_samples - 1, n).round().astype(int)
        rows = self.sequences.steps_of(samples) if self.per_step else samples
        assert self.y is not None
        assert self.row_weight is not None
        return replace(
            self,
            sequences=self.sequences.take(samples),
            y=self.y[rows],
            row_weight=self.row_weight[rows],
            labelled=None if self.labelled is None else self.labelled[rows],
        )

    def with_parameters(self, parameters: dict[str, Any]) -> Opened:
        """Return the same with other parameters, at weights that a fit could start from."""
        # Without 'auto', which might be taken for something else beside the new parameters.
        decided = getattr(self.estimator, "auto_params_", {})
        est = copy(self.estimator).set_params(**{**decided, **parameters})
        known = self.network.architecture
        asked = est._make_architecture(
            est.auto_params_,
            known.n_inputs,
            known.n_outputs,
            known.embedding,
            known.differences,
            known.decay,
            known.n_static,
        )
        est.network_ = est._new_network(asked, self.sequences.dtype, check_random_state(0))
        return replace(self, estimator=est, fitted=False)

    def unpack(self, values: np.ndarray) -> np.ndarray:
        """Return values of every time step as (n, T, ...), or ragged as `X` is."""
        ragged = self.sequences.kind in ("ragged", "nested")
        return unpack_steps(values, self.sequences.lengths, ragged=ragged)


def open_estimator(est: Any, X: Any, y: Any) -> Opened:
    """Read `X` and `y` as `est` does; an unfitted one gets the weights its fit starts from."""
    est, X, y = innermost_with(est, X, y)
    return _opened(est, X, y)


def open_with_validation(est: Any, data: Data) -> tuple[Opened, Opened | None, Data]:
    """Read data and, where there is one, a validation set as `est` does.

    Parameters
    ----------
    est : estimator
        Fitted or not; fitted if there is a validation set.
    data : Data
        As for `est`.

    Returns
    -------
    opened : Opened
        With `X` and `y`.
    held_out : Opened or None
        With `X_val` and `y_val`; class weights are those of `y`.
    data : Data
        As they arrive at the estimator inside all wrappers.

    Raises
    ------
    ValueError
        If the validation set is not valid, or half of it is missing.
    NotFittedError
        If there is one, and `est` is not fitted.
    """
    given = [name for name in ("X_val", "y_val") if getattr(data, name) is not None]
    if len(given) == 1:
        other = "y_val" if given == ["X_val"] else "X_val"
        raise ValueError(f"{given[0]} is given without {other}. Pass both, or neither.")
    inner = innermost(est)
    if given and hasattr(inner, "_for_inspection") and not hasattr(inner, "network_"):
        raise NotFittedError(
            f"X_val and y_val show what a fitted network does on data that it has not seen, but "
            f"this {type(inner).__name__} is not fitted. Call fit first, or leave them out."
        )
    est, data = innermost_with_data(est, data)
    opened = _opened(est, data.X, data.y)
    if not given:
        return opened, None, data
    training = est._read_data(data.X, data.y, None, goes_on=True)
    validation = {"X_val": data.X_val, "y_val": data.y_val}
    held_out = est._read_validation(training, est.network_.architecture, validation).scaled()
    return opened, _of_data(est, True, held_out), data


def _opened(est: Any, X: Any, y: Any) -> Opened:
    check_recurrent(est)
    estimator, data, _ = est._for_inspection(X, y)
    return _of_data(estimator, hasattr(est, "network_"), data)


def _of_data(estimator: Any, fitted: bool, data: Any) -> Opened:
    """Return an estimator opened with a scaled Dataset."""
    weight = data.loss_weight()
    return Opened(estimator, fitted, data.sequences, data.y, weight, data.labelled)


def open_fitted(est: Any, X: Any) -> Opened:
    """Read `X` as the fitted `est` does in `predict`."""
    est, X, _ = innermost_with(est, X)
    check_recurrent(est)
    check_is_fitted(est, "network_")
    return Opened(est, True, est._read(X, reset=False))


def check_recurrent(est: Any) -> None:
    """Raise TypeError if `est` is none of skrnn's estimators."""
    if not hasattr(est, "_for_inspection"):
        raise TypeError(
            "Inspection works on RNNClassifier and RNNRegressor, alone or inside a Pipeline (as "
            "its last step), a search, FrozenEstimator, CalibratedClassifierCV or "
            f"TransformedTargetRegressor; got {type(est).__name__}."
        )


def quantities(cell: Any, cache: Any) -> dict[str, np.ndarray]:
    """Return all that a cell computes at every step, by the letters of its formula.

    Parameters
    ----------
    cell : Cell
        Of the network.
    cache : NamedTuple of ndarray
        Of its forward pass.

    Returns
    -------
    dict of str to ndarray of shape (n_timesteps, n_samples, hidden_size)
        ``h``, the gates by their names, and the other fields of the cache, in the cell's own time.
    """
    n_timesteps = len(cache.x)
    named = {"h": cache.h[1:]}
    for field, value in zip(cache._fields, cache, strict=True):
        if field in ("x", "n_active", "h"):
            continue
        if field == "gates":
            blocks = np.split(value, len(cell.gates), axis=2)
            named.update(zip(cell.gates, blocks, strict=True))
        else:
            named[field] = value[len(value) - n_timesteps :]
    return named


def in_data_time(
    values: np.ndarray, direction: str, network: Network, n_active: np.ndarray
) -> np.ndarray:
    """Return what a direction of a layer holds at every time step of the data.

    Parameters
    ----------
    values : ndarray of shape (n_steps, n_samples, ...)
        In the direction's own time; with frames there are as many steps as frames, and what holds
        for a frame is told at each of the time steps that begin with it.
    direction : str
        Of the network's.
    network : Network
        Whose layer it is.
    n_active : ndarray of shape (n_timesteps,)
        Rows that run at each time step.

    Returns
    -------
    ndarray of shape (n_timesteps, n_samples, ...)
    """
    frames = network.architecture.frames
    of_steps = n_active if frames is None else frames.n_active(n_active)
    if direction == "reverse":
        values = reverse_in_time(values, of_steps)
    return values if frames is None else frames.by_step(values, len(n_active))


def packed(values: np.ndarray, n_active: np.ndarray) -> np.ndarray:
    """Return the real steps of (n_timesteps, n_samples, ...) in time-major order."""
    return values[real_steps(n_active, values.shape[1])]


def predicted_codes(raw_prediction: np.ndarray) -> np.ndarray:
    """Return the code of the class that every row of a classifier's raw prediction favours."""
    if raw_prediction.shape[1] == 1:
        return (raw_prediction[:, 0] > 0).astype(int)
    return raw_prediction.argmax(axis=1)
