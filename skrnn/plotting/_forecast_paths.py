"""Forecasts of many steps ahead, each as a path from its origin."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from skrnn.plotting._forecast import time_stamps
from skrnn.plotting._style import COLOURS, axes, line_style


class ForecastPathDisplay:
    """Forecasts of many steps ahead, as paths with bands, beside what has been.

    Parameters
    ----------
    paths : list of DataFrame
        One for each forecast origin: the index has the times that are forecast, and the columns
        are ``"forecast"``, or the levels of quantiles.
    history : Series, default=None
        What is known, under its times.

    Attributes
    ----------
    line_history_ : Line2D or None
        What is known; after `plot`.
    lines_ : list of Line2D
        The forecasts, one for each origin; of quantiles the median, if it is among them.
    bands_ : list of FillBetweenPolyCollection
        From a quantile to the one as far from the median on its other side, the widest first, of
        one origin after the other.
    ax_, figure_ : Axes, Figure
        Where they are.

    See Also
    --------
    ForecastDisplay : Forecasts at one horizon, as one line over time.

    Examples
    --------
    >>> import pandas as pd
    >>> from skrnn.forecasting import seasonal_naive
    >>> from skrnn.plotting import ForecastPathDisplay
    >>> from skrnn.preprocessing import make_windows
    >>> series = pd.Series([3.0, 1.0, 2.0] * 4, name="sold")
    >>> path = seasonal_naive(make_windows(series, window=3).latest, 6, season=3)
    >>> display = ForecastPathDisplay.from_forecast(path, series)
    >>> len(display.lines_)
    1
    """

    figure_: Any
    ax_: Any
    line_history_: Any

    def __init__(self, paths: list[pd.DataFrame], history: pd.Series | None = None):
        self.paths = paths
        self.history = history

    @classmethod
    def from_forecast(
        cls, forecast: Any, history: Any = None, *, ax: Any = None, **kwargs: Any
    ) -> ForecastPathDisplay:
        """Draw what :func:`skrnn.forecasting.forecast` returns, of one series.

        Parameters
        ----------
        forecast : Series or DataFrame
            Forecasts under their origin and their time, as
            :func:`skrnn.forecasting.forecast` returns them; a DataFrame has a column for each
            quantile.
        history : Series, default=None
            What is known, under its times.
        ax : Axes, default=None
            Where to draw.
        **kwargs
            For the lines of forecasts, as in `plot`.

        Returns
        -------
        ForecastPathDisplay

        Raises
        ------
        TypeError
            If `forecast` or `history` is no Series or DataFrame.
        ValueError
            If `forecast` is of several series or targets, or its index has no origin and time.
        """
        table = _one_series(forecast)
        paths = [part.droplevel(0) for _, part in table.groupby(level=0, sort=False)]
        return cls(paths, None if history is None else _history(history)).plot(ax=ax, **kwargs)

    def plot(self, ax: Any = None, **kwargs: Any) -> ForecastPathDisplay:
        """Draw.

        Parameters
        ----------
        ax : Axes, default=None
            Where to draw; None makes a figure.
        **kwargs
            For ``ax.plot`` of the forecasts.

        Returns
        -------
        self : ForecastPathDisplay
            With the parts of the figure.
        """
        self.figure_, self.ax_ = axes(ax, (7.6, 3.8))
        self.line_history_ = None
        if self.history is not None:
            times = time_stamps(self.history.index)
            (self.line_history_,) = self.ax_.plot(
                times, self.history, color="black", linewidth=1.2, label="true"
            )
        self.lines_: list[Any] = []
        self.bands_: list[Any] = []
        style = {**line_style(1), "linewidth": 1.6, **kwargs}
        for path in self.paths:
            self._draw_path(path, style)
        name = None if self.history is None else self.history.name
        self.ax_.set(ylabel=name or "value")
        self.ax_.margins(x=0.01)
        self.ax_.legend(frameon=False, loc="upper left")
        return self

    def _draw_path(self, path: pd.DataFrame, style: dict[str, Any]) -> None:
        """Draw the forecast from one origin; only the first is in the legend."""
        times, first = time_stamps(path.index), path is self.paths[0]
        for low, high in _pairs(path.columns):
            band = self.ax_.fill_between(
                times,
                path[low].to_numpy(),
                path[high].to_numpy(),
                color=COLOURS[1],
                alpha=0.2,
                linewidth=0,
                label=f"{low:g} to {high:g}" if first else None,
            )
            self.bands_.append(band)
        middle = next((name for name in path.columns if name in ("forecast", 0.5)), None)
        if middle is not None:
            label = ("median" if middle == 0.5 else "forecast") if first else None
            self.lines_ += self.ax_.plot(times, path[middle], **{"label": label, **style})


def _one_series(forecast: Any) -> pd.DataFrame:
    """A forecast as a table with the levels origin and time, of one series and one target."""
    if not isinstance(forecast, pd.Series | pd.DataFrame):
        raise TypeError(
            "forecast must be the Series or DataFrame that skrnn.forecasting.forecast returns, "
            f"got {type(forecast).__name__}."
        )
    table = forecast.to_frame("forecast") if isinstance(forecast, pd.Series) else forecast
    index = table.index
    if index.nlevels not in (2, 3) or len(table) == 0:
        raise ValueError(
            f"forecast has the levels {list(index.names)} in its index and {len(table)} rows; "
            "expected origin and time, as skrnn.forecasting.forecast returns them."
        )
    if index.nlevels == 3:
        groups = index.get_level_values(0).unique()
        if len(groups) > 1:
            raise ValueError(
                f"forecast is of {len(groups)} series, of which one is drawn: pass one of them, "
                f"such as forecast.loc[{groups[0]!r}]."
            )
        table = table.droplevel(0)
    is_level = [isinstance(name, float) and 0 < name < 1 for name in table.columns]
    if list(table.columns) != ["forecast"] and not all(is_level):
        raise ValueError(
            f"forecast has the columns {list(table.columns)}; expected the levels of quantiles, "
            "in (0, 1). Of several targets pass one, such as forecast['sold']."
        )
    return table


def _history(history: Any) -> pd.Series:
    if not isinstance(history, pd.Series):
        raise TypeError(f"history must be a Series under its times, got {type(history).__name__}.")
    if history.index.nlevels == 1:
        return history
    raise ValueError(
        f"history has the levels {list(history.index.names)} in its index; expected times alone. "
        "Select one series, such as history.loc['a']."
    )


def _pairs(columns: pd.Index) -> list[tuple[float, float]]:
    """Levels below the median, each with the one as far above it, the outermost first."""
    levels = np.sort([name for name in columns if isinstance(name, float)])
    pairs = zip(levels[: len(levels) // 2], levels[::-1], strict=False)
    return [(float(low), float(high)) for low, high in pairs]
