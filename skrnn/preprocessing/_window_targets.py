"""The targets of windows over time series, and the times that they are for."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np
import pandas as pd

from skrnn.preprocessing._calendar import TimeStep
from skrnn.preprocessing._series import TimeSeries


class WindowTargets:
    """The targets of windows, which lie `horizons` time steps after their last rows."""

    def __init__(
        self,
        series: TimeSeries,
        segment: np.ndarray,
        step: TimeStep,
        horizons: list[int],
        *,
        several: bool,
    ):
        self.series = series
        self.segment = segment
        self.step = step
        self.horizons = horizons
        self.several = several

    def at(self, horizons: list[int]) -> WindowTargets:
        """Return the targets at other horizons."""
        return WindowTargets(self.series, self.segment, self.step, horizons, several=True)

    def value(self, name: Hashable, rows: np.ndarray, h: int) -> np.ndarray:
        """The values of a column `h` steps after the rows; NaN where there is no such row."""
        at = (rows + h).clip(0, len(self.segment) - 1)
        has_row = (rows + h == at) & (self.segment[at] == self.segment[rows])
        return np.where(has_row, self.series.columns[name][at], np.nan)

    def values(self, rows: np.ndarray) -> pd.Series | pd.DataFrame:
        """The targets of the windows that end in `rows`."""
        names = self.series.names.targets
        columns = [self._column(name, rows + h) for name in names for h in self.horizons]
        if not self.several and len(names) == 1:
            return pd.Series(columns[0]).set_axis(self.times(rows)).rename(names[0])
        if not self.several:
            return _side_by_side(columns, self.times(rows), pd.Index(names, tupleize_cols=False))
        labels = pd.Index(self.horizons, name="horizon")
        if len(names) > 1:
            labels = pd.MultiIndex.from_product([names, labels], names=["target", "horizon"])
        return _side_by_side(columns, self.origins(rows), labels)

    def _column(self, name: Hashable, rows: np.ndarray) -> Any:
        labels = self.series.labels.get(name)
        if labels is None:
            return self.series.columns[name][rows]
        return labels.iloc[rows].reset_index(drop=True)

    def origins(self, rows: np.ndarray) -> pd.Index:
        """The times of the rows."""
        return self._index(rows, [self.series.stamps[rows]])

    def times(self, rows: np.ndarray) -> pd.Index:
        """The times of the targets of the rows, row after row."""
        stamps = self.series.stamps[rows]
        found = [self._ahead(rows, h) for h in self.horizons]
        ahead = [one for one in found if one is not None]
        if len(ahead) < len(found):
            ahead = [pd.Index(np.full(len(rows), h), name="rows ahead") for h in self.horizons]
        elif not self.several:
            return self._index(rows, [ahead[0].rename(stamps.name)])
        else:
            ahead = [one.rename(stamps.name or "time") for one in ahead]
        by_row = np.arange(len(rows) * len(ahead)).reshape(len(ahead), -1).T.ravel()
        targets = ahead[0].append(ahead[1:])[by_row]
        origins = stamps.repeat(len(ahead)).rename("origin")
        return self._index(rows.repeat(len(ahead)), [origins, targets])

    def _ahead(self, rows: np.ndarray, h: int) -> pd.Index | None:
        """The times `h` steps after the rows; None if there is no row and no step to count."""
        at = (rows + h).clip(0, len(self.segment) - 1)
        has_row = (rows + h == at) & (self.segment[at] == self.segment[rows])
        stamps = self.series.stamps[at]
        if has_row.all():
            return stamps
        if self.step.size is None:
            return None
        # Where there is a row, its time stamp may be off the grid by the tolerance.
        return stamps.where(has_row, self.step.after(self.series.stamps[rows], h))

    def _index(self, rows: np.ndarray, levels: list[pd.Index]) -> pd.Index:
        """Levels as one index, below the group if there are groups."""
        if self.series.group is not None:
            levels = [self.series.ids[self.series.codes[rows]], *levels]
        return levels[0] if len(levels) == 1 else pd.MultiIndex.from_arrays(levels)


def _side_by_side(columns: list, index: pd.Index, labels: pd.Index) -> pd.DataFrame:
    """Columns as a frame, in which each keeps its dtype."""
    if all(isinstance(column, np.ndarray) for column in columns):
        return pd.DataFrame(np.column_stack(columns), index, labels)
    frame = pd.DataFrame(dict(enumerate(columns)))
    return frame.set_axis(labels, axis=1).set_axis(index, axis=0)
