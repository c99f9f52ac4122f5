"""Windows of time series, with the values to forecast from them and their times."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from skrnn._html import card, facts
from skrnn.preprocessing._tokens import TokenEncoder
from skrnn.preprocessing._window_targets import WindowTargets
from skrnn.sequences import Windows


@dataclass(frozen=True, eq=False)
class WindowSource:
    """The series that windows were cut from.

    Attributes
    ----------
    inputs : ndarray of shape (n_rows, n_channels)
        The channels as a window holds them, also in rows that no window has: NaN where there is
        no value.
    usable : ndarray of bool of shape (n_rows,)
        Whether a window may hold the row.
    window : int
        Rows per window.
    targets : WindowTargets
        The targets, at whatever horizon they are asked for.
    """

    inputs: np.ndarray
    usable: np.ndarray
    window: int
    targets: WindowTargets

    @cached_property
    def _table(self) -> np.ndarray:
        # Rows that no window may touch are left out, so that an estimator finds nothing to refuse.
        return self.inputs if self.usable.all() else self.inputs[self.usable]

    def windows(self, rows: np.ndarray, moments: np.ndarray | None = None) -> ForecastWindows:
        """Return the windows that end in `rows`, without targets."""
        names = self.targets.series.names
        starts = (np.cumsum(self.usable) - self.window)[rows]
        return ForecastWindows(
            Windows(
                self._table, starts, self.window, names.channels, moments, targets=names.targets
            ),
            None,
            self.targets.origins(rows),
            self.targets.times(rows),
            names.targets,
            horizons=self.targets.horizons,
            encoders=self.targets.series.encoders,
            source=self,
            rows=rows,
        )


def _ends(times: pd.Index) -> str:
    """Return the first and the last time as words, whatever series and origin they are of."""
    if not len(times):
        return ""
    moments = times.get_level_values(-1)
    first, last = moments.min(), moments.max()
    return f"at {first}" if first == last else f"from {first} to {last}"


@dataclass(frozen=True, eq=False)
class ForecastWindows:
    """Windows of a time series and the values to forecast from them.

    They have a length, and ``windows[key]`` with a slice, a mask or indices is a part of them.

    Attributes
    ----------
    X : Windows of shape (n_windows, n_timesteps, n_channels)
        The windows, which share the rows of the table.
    y : Series or DataFrame of n_windows rows, or None
        The targets. With one horizon a Series, or a DataFrame with a column for each target,
        whose index has the times of the targets; with several horizons a DataFrame with a column
        for each target and horizon, whose index has the forecast origins. With
        `return_sequences` the horizons are those of all steps, counted from the last one. None
        where they are not known yet.
    times : Index of length n_windows
        The forecast origins: the time of the last step of every window, below its group if
        there are groups.
    target_times : Index of length n_windows * n_horizons
        The times of the targets, window after window; with several horizons below the origin.
    targets : list of labels
        Names of the targets.
    latest : ForecastWindows or None
        The newest window of every series, with targets still to come; None for none.
    horizons : list of int
        How many time steps after the window its targets lie.
    encoders : dict of label to TokenEncoder
        What made ids of the channels of strings and categories; for ``make_windows(...,
        encoders=windows.encoders)`` on newer data.
    source, rows : object and ndarray of shape (n_windows,), or None
        The series that the windows were cut from and the last row of every window there, for
        :func:`skrnn.forecasting.forecast` and :func:`skrnn.forecasting.backtest`.
    """

    X: Windows
    y: pd.Series | pd.DataFrame | None
    times: pd.Index
    target_times: pd.Index
    targets: list[Hashable]
    latest: ForecastWindows | None = None
    horizons: list[int] = field(default_factory=list)
    encoders: dict[Hashable, TokenEncoder] = field(default_factory=dict)
    source: WindowSource | None = None
    rows: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.X)

    def __repr__(self) -> str:
        span = ""
        if len(self.target_times):
            span = f", {self._horizons_shown()}, {_ends(self.target_times)}"
            if (n_series := self._n_series()) is not None:
                span += f", {n_series} series"
        return f"ForecastWindows(X={self.X!r}, targets={self.targets}{span})"

    def _repr_html_(self) -> str:
        n_windows, n_timesteps, n_channels = self.X.shape
        n_series = self._n_series()
        channels = self.X.channels or ()
        rows = {
            "windows": f"{n_windows:,} of {n_timesteps} time steps",
            "series": "" if n_series is None else f"{n_series:,}",
            "channels": ", ".join(f"{c} (ids)" if c in self.encoders else str(c) for c in channels)
            or f"{n_channels}",
            "targets": ", ".join(map(str, self.targets)),
            "horizons": self._horizons_shown().partition(" ")[2],
            "shape of y": "still to come" if self.y is None else f"{self.y.shape}",
            "forecast origins": _ends(self.times),
            "times of targets": _ends(self.target_times),
            "latest": "" if self.latest is None else f"targets {_ends(self.latest.target_times)}",
        }
        return card("ForecastWindows", facts({name: text for name, text in rows.items() if text}))

    def _horizons_shown(self) -> str:
        """Return the horizons as words, a run of them as its ends."""
        first, last = min(self.horizons, default=0), max(self.horizons, default=0)
        if len(self.horizons) == 1:
            return f"horizon {first}"
        if self.horizons == list(range(first, last + 1)):
            return f"horizons {first} to {last}"
        return f"horizons {', '.join(map(str, self.horizons))}"

    def _n_series(self) -> int | None:
        """Return the number of series; None without groups."""
        if self.times.nlevels == 1:
            return None
        return len(self.times.droplevel(-1).unique())

    def __array__(self, *args: Any, **kwargs: Any) -> np.ndarray:
        raise TypeError(
            "This holds windows and their targets side by side: pass the field X as X, and the "
            "field y as y, for example windows.latest.X for the forecast from the newest rows."
        )

    def __getitem__(self, key: Any) -> ForecastWindows:
        chosen = np.atleast_1d(np.arange(len(self))[key])
        n_horizons = len(self.target_times) // max(1, len(self))
        rows = chosen[:, np.newaxis] * n_horizons + np.arange(n_horizons)
        return replace(
            self,
            X=self.X[chosen],
            y=None if self.y is None else self.y.iloc[chosen],
            times=self.times[chosen],
            target_times=self.target_times[rows.ravel()],
            rows=None if self.rows is None else self.rows[chosen],
        )

    def on_time_axis(self, y_pred: Any, quantiles: Any = None) -> pd.Series | pd.DataFrame:
        """Return predictions with the times they are for.

        Parameters
        ----------
        y_pred : array-like of shape (n_windows,) or (n_windows, n_horizons * n_targets)
            The predictions from `X` of an estimator that was fitted on such windows; with
            `quantiles` there is one more axis, of these.
        quantiles : sequence of float, default=None
            The levels of the quantiles that are predicted; None for one number a target.

        Returns
        -------
        Series or DataFrame
            One row for each entry of `target_times`; a DataFrame with a column for each target
            if there are several. With `quantiles` a DataFrame with a column for each level, of
            several targets below each.

        Raises
        ------
        ValueError
            If there are not as many predictions as targets.
        """
        values = np.asarray(y_pred)
        levels = None if quantiles is None else np.ravel(quantiles)
        n_levels = 1 if levels is None else levels.size
        expected = len(self.target_times) * len(self.targets)
        if len(values) != len(self) or values.size != expected * n_levels:
            of_each = "" if levels is None else f", each of {n_levels} quantiles"
            raise ValueError(
                f"y_pred has shape {values.shape}, but {len(self)} windows have {expected} "
                f"targets{of_each}. Pass what the estimator predicts from X of the same windows; "
                "where it predicts quantiles, pass their levels as quantiles."
            )
        # The columns of y are target after target, as those of a DataFrame would be.
        values = values.reshape(len(self), len(self.targets), -1, n_levels)
        values = values.swapaxes(1, 2).reshape(len(self.target_times), -1)
        if levels is not None:
            columns = pd.Index(levels, name="quantile")
            if len(self.targets) > 1:
                columns = pd.MultiIndex.from_product(
                    [self.targets, levels], names=["target", "quantile"]
                )
            return pd.DataFrame(values, index=self.target_times, columns=columns)
        if len(self.targets) == 1:
            return pd.Series(values[:, 0], index=self.target_times, name=self.targets[0])
        return pd.DataFrame(values, index=self.target_times, columns=self.targets)

    def at_horizons(self, horizons: list[int]) -> ForecastWindows:
        """Return the same windows without targets, to be forecast at other horizons.

        Parameters
        ----------
        horizons : list of int
            Time steps after the last row of a window.

        Raises
        ------
        ValueError
            If the windows were not made by `make_windows`.
        """
        if self.source is None or self.rows is None:
            raise ValueError(
                "These windows do not know the series that they are from. Pass what "
                "skrnn.preprocessing.make_windows returns, or a part of it."
            )
        times = self.source.targets.at(horizons).times(self.rows)
        return replace(self, y=None, target_times=times, horizons=horizons, latest=None)
