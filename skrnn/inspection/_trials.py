"""Remedies tried out: copies of an estimator fitted with other parameters, and what they reach."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.utils import _safe_indexing, check_random_state

from skrnn._innermost import Data
from skrnn.inspection._judged import Judge, Judged
from skrnn.inspection._opened import Opened, open_with_validation

# Share of the data that is set aside for the trials where no validation set is given.
SET_ASIDE = 0.25


@dataclass(frozen=True)
class Trial:
    """A copy that was fitted.

    Attributes
    ----------
    parameters : dict of str to object
        What it was fitted with, beside those of the estimator.
    trained, held_out : Judged
        On the data that it was fitted on, and on others.
    """

    parameters: dict[str, Any]
    trained: Judged
    held_out: Judged

    @property
    def rank(self) -> tuple[float, float]:
        """The higher, the better: by the score on the other data, then by the loss on them."""
        return self.held_out.score, -self.held_out.loss


class Trials:
    """Fits of copies of an estimator, each judged on data that it was not fitted on.

    A copy is fitted on `X` and `y` and judged on the validation set. Without one a part of `X` is
    set aside for all copies, chosen as early stopping does, and the network is fitted anew on the
    rest, to have something to compare with.

    Parameters
    ----------
    opened : Opened
        The estimator, fitted, with its data.
    data : Data
        The data as they arrive at the estimator.
    held_out : Judged or None
        The estimator on the validation set, if there is one.
    """

    def __init__(self, opened: Opened, data: Data, held_out: Judged | None):
        self.opened = opened
        self.held_out = held_out
        self.data = data if held_out is not None else None
        self._all = data

    @cached_property
    def as_it_is(self) -> Trial | None:
        """The estimator with the parameters that it has; None if a copy cannot be fitted."""
        if self.held_out is None:
            self.data = self._part_set_aside()
            return None if self.data is None else self._fit({})
        return Trial({}, Judge(self.opened).judged, self.held_out)

    def best_first(self, remedies: Iterable[dict[str, Any]]) -> list[Trial]:
        """Return the trials of remedies that do better than the estimator as it is.

        The two best are tried together as well.

        Parameters
        ----------
        remedies : iterable of dict
            Parameters. Those that the estimator does not take are passed over.
        """
        remedies = list(remedies)
        if not remedies or self.as_it_is is None:
            return []
        tried = [trial for remedy in remedies if (trial := self._fit(remedy)) is not None]
        better = [trial for trial in tried if trial.rank > self.as_it_is.rank]
        better.sort(key=lambda trial: trial.rank, reverse=True)
        if len(better) > 1 and not better[0].parameters.keys() & better[1].parameters.keys():
            both = self._fit({**better[0].parameters, **better[1].parameters})
            if both is not None and both.rank > better[0].rank:
                better.insert(0, both)
        return better

    def _fit(self, remedy: dict[str, Any]) -> Trial | None:
        """Fit a copy; None of one that cannot be fitted or diverges."""
        assert self.data is not None
        copy = self._copy(remedy)
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            try:
                copy.fit(self.data.X, self.data.y)
                opened, validation, _ = open_with_validation(copy, self.data)
            except (ValueError, TypeError):
                return None
            assert validation is not None
            return Trial(remedy, Judge(opened).judged, Judge(validation).judged)

    def _copy(self, remedy: dict[str, Any]) -> Any:
        copy = clone(self.opened.estimator)
        copy.set_callbacks()  # they would write files, draw, or stop a search
        quiet: dict[str, Any] = {"verbose": False, "warm_start": False}
        if copy.random_state is None:
            quiet["random_state"] = 0
        return copy.set_params(**{**quiet, **remedy})

    def _part_set_aside(self) -> Data | None:
        """Return the data with a part of them as the validation set; None if they are too few."""
        est, X, y = self.opened.estimator, self._all.X, self._all.y
        read = est._read_data(X, y, None, goes_on=True)
        # The weights say which samples are on which side.
        read = read._replace(weight=np.arange(1.0, read.n_samples + 1))
        try:
            if read.has_order(shuffle=est.shuffle):
                sides = read.hold_out_last(SET_ASIDE)
            else:
                sides = read.hold_out(SET_ASIDE, check_random_state(0))
        except ValueError:
            return None
        training, others = ([int(i) - 1 for i in np.sort(side.weight)] for side in sides)
        return Data(_part(X, training), _part(y, training), _part(X, others), _part(y, others))


def _part(values: Any, samples: list[int]) -> Any:
    """Return some samples; a view where they are neighbours, as of windows that share rows."""
    neighbours = samples[-1] - samples[0] == len(samples) - 1
    if neighbours and isinstance(values, np.ndarray):
        return values[samples[0] : samples[-1] + 1]
    return _safe_indexing(values, samples)
