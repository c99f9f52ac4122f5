"""How training went, over the epochs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skrnn._innermost import innermost
from skrnn.plotting._style import axes, count_steps, legend_above, line_style, named


class LossCurveDisplay:
    """How the loss went over the epochs, in training and on the validation set.

    Parameters
    ----------
    curves : dict of str to array-like
        Training loss of every epoch, by the name of the network.
    scores : dict of str to array-like, default=None
        Validation scores of some of them, drawn on an axis of their own.
    validation_losses : dict of str to array-like, default=None
        Losses on the validation set of some of them.

    Attributes
    ----------
    lines_ : list of Line2D
        The losses; after `plot`.
    score_lines_ : list of Line2D
        The scores.
    validation_lines_ : list of Line2D
        The losses on the validation set.
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

    figure_: Any
    ax_: Any

    def __init__(
        self,
        curves: Mapping[str, Any],
        scores: Mapping[str, Any] | None = None,
        validation_losses: Mapping[str, Any] | None = None,
    ):
        self.curves = curves
        self.scores = scores
        self.validation_losses = validation_losses

    @classmethod
    def from_estimator(
        cls, estimator: Any, *, scores: bool = False, ax: Any = None, **kwargs: Any
    ) -> LossCurveDisplay:
        """Draw the curves that training recorded.

        Parameters
        ----------
        estimator : estimator, list of estimator or dict of str to estimator
            Fitted; several are drawn in one picture.
        scores : bool, default=False
            Draw the validation scores, too, on an axis of their own.
        ax : Axes, default=None
            Where to draw.
        **kwargs
            For the lines, as in `plot`.

        Returns
        -------
        LossCurveDisplay
        """
        curves, of_validation, losses = {}, {}, {}
        for name, est in named(estimator).items():
            est = innermost(est)
            check_is_fitted(est, "loss_curve_")
            curves[name] = est.loss_curve_
            if est.validation_loss_curve_ is not None:
                losses[name] = est.validation_loss_curve_
            if scores and est.validation_scores_ is not None:
                of_validation[name] = est.validation_scores_
        return cls(curves, of_validation, losses).plot(ax=ax, **kwargs)

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
            With the parts of the figure.
        """
        if not isinstance(self.curves, Mapping):
            raise TypeError(
                "curves must be a dict from names to the losses of every epoch, such as "
                f"{{'gru': est.loss_curve_}}. Got {type(self.curves).__name__} instead."
            )
        self.figure_, self.ax_ = axes(ax)
        self.lines_: list[Any] = []
        self.score_lines_: list[Any] = []
        self.validation_lines_: list[Any] = []
        for k, (name, curve) in enumerate(self.curves.items()):
            epochs = np.arange(1, len(curve) + 1)
            self.lines_ += self.ax_.plot(
                epochs, curve, **{**line_style(k), "label": name, **kwargs}
            )
        self.ax_.set(xlabel="epoch", ylabel="training loss")
        count_steps(self.ax_)
        if self.validation_losses:
            self._plot_validation_losses(self.validation_losses)
        drawn = [*self.curves.values(), *(self.validation_losses or {}).values()]
        if all(np.min(curve, initial=1) > 0 for curve in drawn):
            self.ax_.set_yscale("log")
        if self.scores:
            self._plot_scores()
        if len(self.curves) > 1:
            legend_above(self.ax_, len(self.curves))
        return self

    def _plot_validation_losses(self, losses: Mapping[str, Any]) -> None:
        self.validation_lines_ = self._plot_with(self.ax_, losses, marker="o")
        self.ax_.set_ylabel("loss: training, validation (dots)")

    def _plot_scores(self) -> None:
        right = self.ax_.twinx()
        right.spines[["top"]].set_visible(False)
        assert self.scores is not None
        marker = "x" if self.validation_losses else "o"
        self.score_lines_ = self._plot_with(right, self.scores, marker=marker)
        right.set_ylabel(f"validation score ({'crosses' if marker == 'x' else 'dots'})")

    def _plot_with(self, ax: Any, curves: Mapping[str, Any], *, marker: str) -> list[Any]:
        """Draw thin lines with marks, in the colours of the losses of the same names."""
        names, lines = list(self.curves), []
        for name, curve in curves.items():
            style = {**line_style(names.index(name)), "linewidth": 1.0, "alpha": 0.8}
            epochs, every = np.arange(1, len(curve) + 1), max(1, len(curve) // 20)
            lines += ax.plot(epochs, curve, marker=marker, markersize=3, markevery=every, **style)
        return lines
