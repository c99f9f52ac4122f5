"""How much of every state and gate is flat."""

from __future__ import annotations

from typing import Any

import numpy as np

from skrnn.inspection import diagnose
from skrnn.plotting._style import COLOURS, GREY, axes


class SaturationDisplay:
    """How much of every state and gate is in the flat region of its non-linearity.

    Parameters
    ----------
    flat : list of dict of str to float
        For every layer the share of flat values by the letter of the quantity, in [0, 1].

    Attributes
    ----------
    bars_ : BarContainer
        One bar for every quantity; after `plot`.
    ax_, figure_ : Axes, Figure
        Where they are.

    Examples
    --------
    >>> from skrnn import RNNRegressor
    >>> from skrnn.datasets import make_adding_problem
    >>> from skrnn.plotting import SaturationDisplay
    >>> X, y = make_adding_problem(20, random_state=0)
    >>> display = SaturationDisplay.from_estimator(RNNRegressor(cell="lstm"), X, y)
    """

    figure_: Any
    ax_: Any
    bars_: Any

    def __init__(self, flat: list[dict[str, float]]):
        self.flat = flat

    @classmethod
    def from_estimator(
        cls, estimator: Any, X: Any, y: Any, *, ax: Any = None, **kwargs: Any
    ) -> SaturationDisplay:
        """Measure and draw the saturation.

        Parameters
        ----------
        estimator : estimator
            Fitted or not.
        X, y : array-like
            As in :func:`skrnn.inspection.diagnose`.
        ax : Axes, default=None
            Where to draw.
        **kwargs
            For the bars, as in `plot`.

        Returns
        -------
        SaturationDisplay
        """
        report = diagnose(estimator, X, y, try_remedies=False)
        return cls(report.measurements["flat"]).plot(ax=ax, **kwargs)

    def plot(self, ax: Any = None, **kwargs: Any) -> SaturationDisplay:
        """Draw.

        Parameters
        ----------
        ax : Axes, default=None
            Where to draw; None makes a figure.
        **kwargs
            For ``ax.barh``.

        Returns
        -------
        self : SaturationDisplay
            With the parts of the figure.
        """
        several = len(self.flat) > 1
        shares = {
            (f"layer {layer}: {name}" if several else name): share
            for layer, named in enumerate(self.flat)
            for name, share in named.items()
        }
        if not shares:
            raise ValueError(
                "Nothing can saturate here: the activation has no flat region on both sides."
            )
        self.figure_, self.ax_ = axes(ax, (6.4, 0.8 + 0.45 * len(shares)))
        colours = [COLOURS[1] if share >= 0.5 else COLOURS[0] for share in shares.values()]
        self.bars_ = self.ax_.barh(
            list(shares), list(shares.values()), **{"color": colours, "height": 0.6, **kwargs}
        )
        self.ax_.bar_label(self.bars_, fmt="{:.0%}", padding=3, color=GREY)
        self.ax_.axvline(0.5, color=GREY, linewidth=0.8)
        self.ax_.set_xlim(0, 1.08)
        self.ax_.xaxis.set_major_formatter("{x:.0%}")
        self.ax_.set_xticks(np.linspace(0, 1, 6))
        self.ax_.invert_yaxis()
        self.ax_.set(xlabel="values in the flat region (more than half is too much)")
        return self
