"""How training went, over the epochs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skrnn._innermost import innermost
from skrnn.plotting._style import axes, count_steps, legend_above, line_style, named


class LossCurveDisplay:
    """How loss and validation score went over the epochs.

    Parameters
    ----------
    curves : dict of str to array-like
        Training loss of every epoch, by the name of the network.
    scores : dict of str to array-like, default=None
        Validation scores of some of them, drawn on an axis of their own.

    Attributes
    ----------
    lines_ : list of Line2D
        The losses; after `plot`.
    score_lines_ : list of Line2D
        The scores.
    ax_, figure_ : Axes, Figure
        Where they are.

    Examples
    --------
    >>> from skrnn import RNNClassifier
    >>> from skrnn.datasets import load_japanese_vowels
    >>> from skrnn.plotting import LossCurveDisplay
    >>> X, y = load_japanese_vowels(split="train", return_X_y=True)
    >>> clf = RNNClassifier(8, tol=0.1, random_state=0).fit(X, y)
    >>> display = LossCurveDisplay.from_estimator(clf)
    """

    def __init__(self, curves: Mapping[str, Any], scores: Mapping[str, Any] | None = None):
        self.curves = curves
        self.scores = scores

    @classmethod
    def from_estimator(cls, estimator: Any, *, ax: Any = None, **kwargs: Any) -> LossCurveDisplay:
        """Draw the curves that training recorded.

        Parameters
        ----------
        estimator : estimator, list of estimator or dict of str to estimator
            Fitted; several are drawn in one picture.
        ax : Axes, default=None
            Where to draw.
        **kwargs
            For the lines, as in `plot`.

        Returns
        -------
        LossCurveDisplay
        """
        curves, scores = {}, {}
        for name, est in named(estimator).items():
            est = innermost(est)
            check_is_fitted(est, "loss_curve_")
            curves[name] = est.loss_curve_
            if est.validation_scores_ is not None:
                scores[name] = est.validation_scores_
        return cls(curves, scores).plot(ax=ax, **kwargs)

    def plot(self, ax: Any = None, **kwargs: Any) -> LossCurveDisplay:
        """Draw.

        Parameters
        ----------
        ax : Axes, default=None
            Where to draw; None makes a figure.
        **kwargs
            For ``ax.plot`` of the losses.

        Returns
        -------
        self : LossCurveDisplay
        """
        if not isinstance(self.curves, Mapping):
            raise TypeError(
                "curves must be a dict from names to the losses of every epoch, such as "
                f"{{'gru': est.loss_curve_}}. Got {type(self.curves).__name__} instead."
            )
        self.figure_, self.ax_ = axes(ax)
        self.lines_: list[Any] = []
        self.score_lines_: list[Any] = []
        for k, (name, curve) in enumerate(self.curves.items()):
            epochs = np.arange(1, len(curve) + 1)
            self.lines_ += self.ax_.plot(
                epochs, curve, **{**line_style(k), "label": name, **kwargs}
            )
        self.ax_.set(xlabel="epoch", ylabel="training loss")
        count_steps(self.ax_)
        if all(np.min(curve, initial=1) > 0 for curve in self.curves.values()):
            self.ax_.set_yscale("log")
        if self.scores:
            self._plot_scores()
        if len(self.curves) > 1:
            legend_above(self.ax_, len(self.curves))
        return self

    def _plot_scores(self) -> None:
        right = self.ax_.twinx()
        right.spines[["top"]].set_visible(False)
        names = list(self.curves)
        assert self.scores is not None
        for name, scores in self.scores.items():
            style = {**line_style(names.index(name)), "linewidth": 1.0, "alpha": 0.8}
            epochs = np.arange(1, len(scores) + 1)
            self.score_lines_ += right.plot(
                epochs,
                scores,
                marker="o",
                markersize=3,
                markevery=max(1, len(scores) // 20),
                **style,
            )
        right.set_ylabel("validation score (dots)")
