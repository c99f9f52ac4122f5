"""A series and its forecast."""

from __future__ import annotations

from typing import Any

import numpy as np

from skrnn.plotting._style import GREY, PALE, axes, line_style


class ForecastDisplay:
    """True and predicted values of a series over time.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n_samples,)
        In the order of time.
    time : array-like of shape (n_samples,), default=None
        Time stamps, as anything that matplotlib draws (or a PeriodIndex); None counts steps.
    split : object, default=None
        The first time that the model was not trained on: marked in the picture.

    Attributes
    ----------
    line_true_, line_pred_ : Line2D
        The series; after `plot`.
    ax_, figure_ : Axes, Figure
        Where they are.

    Examples
    --------
    >>> import numpy as np
    >>> from skrnn.plotting import ForecastDisplay
    >>> display = ForecastDisplay.from_predictions(np.arange(9.0), np.arange(9.0) + 0.5)
    """

    def __init__(self, y_true: Any, y_pred: Any, *, time: Any = None, split: Any = None):
        self.y_true = y_true
        self.y_pred = y_pred
        self.time = time
        self.split = split

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: Any,
        *,
        time: Any = None,
        split: Any = None,
        ax: Any = None,
        **kwargs: Any,
    ) -> ForecastDisplay:
        """Predict windows of a series and draw.

        Parameters
        ----------
        estimator : estimator
            A fitted regressor.
        X, y : array-like
            Windows in the order of time, and what follows each.
        time, split : object, default=None
            As in the constructor.
        ax : Axes, default=None
            Where to draw.
        **kwargs
            For the line of predictions, as in `plot`.

        Returns
        -------
        ForecastDisplay
        """
        display = cls(y, estimator.predict(X), time=time, split=split)
        return display.plot(ax=ax, **kwargs)

    @classmethod
    def from_predictions(
        cls,
        y_true: Any,
        y_pred: Any,
        *,
        time: Any = None,
        split: Any = None,
        ax: Any = None,
        **kwargs: Any,
    ) -> ForecastDisplay:
        """Draw given predictions.

        Parameters
        ----------
        y_true, y_pred : array-like of shape (n_samples,)
            In the order of time.
        time, split : object, default=None
            As in the constructor.
        ax : Axes, default=None
            Where to draw.
        **kwargs
            For the line of predictions, as in `plot`.

        Returns
        -------
        ForecastDisplay
        """
        return cls(y_true, y_pred, time=time, split=split).plot(ax=ax, **kwargs)

    def plot(self, ax: Any = None, **kwargs: Any) -> ForecastDisplay:
        """Draw.

        Parameters
        ----------
        ax : Axes, default=None
            Where to draw; None makes a figure.
        **kwargs
            For ``ax.plot`` of the predictions.

        Returns
        -------
        self : ForecastDisplay
        """
        self.figure_, self.ax_ = axes(ax, (7.6, 3.8))
        time = np.arange(len(self.y_true)) if self.time is None else _stamps(self.time)
        (self.line_true_,) = self.ax_.plot(
            time, np.asarray(self.y_true), color="black", linewidth=1.2, label="true"
        )
        style = {**line_style(1), "linewidth": 1.6, "label": "predicted"}
        (self.line_pred_,) = self.ax_.plot(time, np.asarray(self.y_pred), **{**style, **kwargs})
        if self.split is not None:
            split = _stamps([self.split])[0]
            self.ax_.axvspan(split, time[-1], color=PALE, alpha=0.5, linewidth=0)
            self.ax_.annotate(
                "not trained on",
                (split, 1),
                xycoords=("data", "axes fraction"),
                xytext=(4, -4),
                textcoords="offset points",
                va="top",
                color=GREY,
                fontsize="small",
            )
        name = getattr(self.y_true, "name", None)
        self.ax_.set(xlabel="time step" if self.time is None else "", ylabel=name or "value")
        self.ax_.margins(x=0.01)
        self.ax_.legend(frameon=False, loc="upper left")
        return self


def _stamps(time: Any) -> np.ndarray:
    """Return what matplotlib can draw: the beginnings of periods, anything else as it is."""
    return np.asarray([getattr(stamp, "start_time", stamp) for stamp in time])
