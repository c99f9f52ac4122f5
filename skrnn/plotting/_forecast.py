"""A series and its forecast."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np

from skrnn.plotting._style import GREY, PALE, axes, line_style


class ForecastDisplay:
    """True and predicted values of a series over time.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n_samples,) or (n_samples, n_columns)
        In the order of time. A column is a horizon or a target, as
        :func:`skrnn.preprocessing.make_windows` returns them.
    time : array-like of shape (n_samples,), default=None
        Time stamps, as anything that matplotlib draws (or a PeriodIndex); None counts steps.
    split : object, default=None
        The first time that the model was not trained on: marked in the picture.
    horizon : label or int, default=None
        Which one of several columns to draw: the label of a column of `y_true` if that is a
        DataFrame, such as 3 or ("load", 3), else its number, from 0.

    Attributes
    ----------
    line_true_, line_pred_ : Line2D
        The series; after `plot`.
    ax_, figure_ : Axes, Figure
        Where they are.

    See Also
    --------
    ForecastPathDisplay : Forecasts of many steps ahead as paths, with bands.

    Examples
    --------
    >>> import numpy as np
    >>> from skrnn.plotting import ForecastDisplay
    >>> display = ForecastDisplay.from_predictions(np.arange(9.0), np.arange(9.0) + 0.5)
    """

    figure_: Any
    ax_: Any
    line_true_: Any
    line_pred_: Any

    def __init__(
        self,
        y_true: Any,
        y_pred: Any,
        *,
        time: Any = None,
        split: Any = None,
        horizon: Any = None,
    ):
        self.y_true = y_true
        self.y_pred = y_pred
        self.time = time
        self.split = split
        self.horizon = horizon

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: Any,
        *,
        time: Any = None,
        split: Any = None,
        horizon: Any = None,
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
        time, split, horizon : object, default=None
            As in the constructor.
        ax : Axes, default=None
            Where to draw.
        **kwargs
            For the line of predictions, as in `plot`.

        Returns
        -------
        ForecastDisplay
        """
        display = cls(y, estimator.predict(X), time=time, split=split, horizon=horizon)
        return display.plot(ax=ax, **kwargs)

    @classmethod
    def from_predictions(
        cls,
        y_true: Any,
        y_pred: Any,
        *,
        time: Any = None,
        split: Any = None,
        horizon: Any = None,
        ax: Any = None,
        **kwargs: Any,
    ) -> ForecastDisplay:
        """Draw given predictions.

        Parameters
        ----------
        y_true, y_pred : array-like of shape (n_samples,) or (n_samples, n_columns)
            In the order of time.
        time, split, horizon : object, default=None
            As in the constructor.
        ax : Axes, default=None
            Where to draw.
        **kwargs
            For the line of predictions, as in `plot`.

        Returns
        -------
        ForecastDisplay
        """
        display = cls(y_true, y_pred, time=time, split=split, horizon=horizon)
        return display.plot(ax=ax, **kwargs)

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
            With the parts of the figure.

        Raises
        ------
        ValueError
            If there are several columns and `horizon` names none of them, or if `y_true`,
            `y_pred` and `time` differ in length.
        """
        y_true, y_pred = self._drawn()
        time = np.arange(len(y_true)) if self.time is None else time_stamps(self.time)
        if len(time) != len(y_true):
            raise ValueError(f"time has {len(time)} entries, but y_true has {len(y_true)} rows.")
        self.figure_, self.ax_ = axes(ax, (7.6, 3.8))
        (self.line_true_,) = self.ax_.plot(time, y_true, color="black", linewidth=1.2, label="true")
        style = {**line_style(1), "linewidth": 1.6, "label": "predicted"}
        (self.line_pred_,) = self.ax_.plot(time, y_pred, **{**style, **kwargs})
        if self.split is not None:
            split = time_stamps([self.split])[0]
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
        if self.horizon is not None:
            name = f"horizon {self.horizon}"
        self.ax_.set(xlabel="time step" if self.time is None else "", ylabel=name or "value")
        self.ax_.margins(x=0.01)
        self.ax_.legend(frameon=False, loc="upper left")
        return self

    def _drawn(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the true and the predicted values of the one column that is drawn."""
        y_true, y_pred = (_columns(name, getattr(self, name)) for name in ("y_true", "y_pred"))
        if y_true.shape != y_pred.shape:
            raise ValueError(
                f"y_true has shape {np.shape(self.y_true)} and y_pred {np.shape(self.y_pred)}: "
                "pass the predictions of the same rows and columns."
            )
        labels = list(getattr(self.y_true, "columns", range(y_true.shape[1])))
        if self.horizon in labels:
            column = labels.index(self.horizon)
        elif self.horizon is None and len(labels) == 1:
            column = 0
        else:
            some = ", ".join(map(repr, labels[:5])) + (", ..." if len(labels) > 5 else "")
            raise ValueError(
                f"y_true has {len(labels)} column(s), horizons or targets, of which one is drawn: "
                f"set horizon to one of {some}. Got horizon={self.horizon!r}."
            )
        return y_true[:, column], y_pred[:, column]


def _columns(name: str, y: Any) -> np.ndarray:
    """Return targets as columns of numbers."""
    array = np.asarray(y)
    if array.dtype == object:  # of nullable numbers, too
        with suppress(TypeError, ValueError):
            array = array.astype(float)
    if array.dtype.kind not in "biuf" or array.ndim not in (1, 2) or array.size == 0:
        raise ValueError(
            f"{name} must be numbers of shape (n_samples,) or (n_samples, n_columns), got an array "
            f"of shape {array.shape} and dtype {array.dtype}. Of targets at every time step pass "
            "those of one step."
        )
    return array if array.ndim == 2 else array[:, np.newaxis]


def time_stamps(time: Any) -> np.ndarray:
    """Return what matplotlib can draw: the beginnings of periods, anything else as it is."""
    return np.asarray([getattr(stamp, "start_time", stamp) for stamp in time])
