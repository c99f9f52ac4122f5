"""How far the gradient reaches back in time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from skrnn.inspection import gradient_flow
from skrnn.plotting._style import GREY, axes, line_style, named


class GradientFlowDisplay:
    """How much of an error's gradient is left, going back in time.

    Parameters
    ----------
    flows : dict of str to Bunch
        What :func:`skrnn.inspection.gradient_flow` returned, by the name of the network.
    layer : int, default=0
        Which layer is drawn.

    Attributes
    ----------
    lines_ : list of Line2D
        One for every network; after `plot`.
    ax_, figure_ : Axes, Figure
        Where they are.

    Examples
    --------
    >>> from skrnn import RNNRegressor
    >>> from skrnn.datasets import make_adding_problem
    >>> from skrnn.plotting import GradientFlowDisplay
    >>> X, y = make_adding_problem(20, n_timesteps=50, random_state=0)
    >>> networks = [RNNRegressor(16, cell=cell, random_state=0) for cell in ("rnn", "gru")]
    >>> display = GradientFlowDisplay.from_estimator(networks, X, y)
    """

    figure_: Any
    ax_: Any
    lines_: list[Any]

    def __init__(self, flows: Mapping[str, Any], layer: int = 0):
        self.flows = flows
        self.layer = layer

    @classmethod
    def from_estimator(
        cls, estimator: Any, X: Any, y: Any, *, layer: int = 0, ax: Any = None, **kwargs: Any
    ) -> GradientFlowDisplay:
        """Measure and draw the gradient flow.

        Parameters
        ----------
        estimator : estimator, list of estimator or dict of str to estimator
            Fitted or not; several are drawn in one picture.
        X, y : array-like
            As in :func:`skrnn.inspection.gradient_flow`.
        layer : int, default=0
            Which layer.
        ax : Axes, default=None
            Where to draw.
        **kwargs
            For the lines, as in `plot`.

        Returns
        -------
        GradientFlowDisplay
        """
        flows = {
            name: gradient_flow(est, X, y, n_jacobian_samples=0)
            for name, est in named(estimator).items()
        }
        return cls(flows, layer).plot(ax=ax, **kwargs)

    def plot(self, ax: Any = None, *, floor: float = 1e-12, **kwargs: Any) -> GradientFlowDisplay:
        """Draw.

        Parameters
        ----------
        ax : Axes, default=None
            Where to draw; None makes a figure.
        floor : float, default=1e-12
            The smallest share that is shown.
        **kwargs
            For ``ax.plot``.

        Returns
        -------
        self : GradientFlowDisplay
            With the parts of the figure.
        """
        self.figure_, self.ax_ = axes(ax, (8.0, 4.0))
        self.lines_ = []
        lowest, highest = 1.0, 1.0
        for k, (name, flow) in enumerate(self.flows.items()):
            left = np.asarray(flow.retained[self.layer], dtype=float)
            shown = np.where(left > floor, left, np.nan)
            label = f"{name} ({flow.verdict[self.layer]})"
            self.lines_ += self.ax_.plot(
                flow.lags, shown, **{**line_style(k), "label": label, **kwargs}
            )
            lowest = min(lowest, np.nanmin(shown, initial=1.0))
            highest = max(highest, np.nanmax(shown, initial=1.0))
        flow = next(iter(self.flows.values()))
        limit = flow.thresholds["vanishing"]
        self.ax_.set_yscale("log")
        self.ax_.set_ylim(max(floor, min(lowest, limit) / 3), max(highest * 3, 3))
        self.ax_.axhline(limit, color=GREY, linewidth=0.8)
        right = max(len(flow.lags) - 1, 1)
        self.ax_.annotate(
            "1 % is left",
            (right, limit),
            xytext=(0, 3),
            textcoords="offset points",
            ha="right",
            va="bottom",
            color=GREY,
            fontsize="small",
        )
        self.ax_.set_xlim(0, right)
        self.ax_.set(
            xlabel="lag: steps back in time",
            ylabel=r"gradient left, $\|\partial L_t/\partial h_{t-lag}\|$ relative to lag 0",
        )
        self.ax_.legend(
            frameon=False, loc="center left", bbox_to_anchor=(1.01, 0.5), fontsize="small"
        )
        return self
