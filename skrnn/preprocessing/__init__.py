"""Preparing sequences: scale their channels, gather them from tables, cut windows from series."""

from skrnn.preprocessing._long import from_long, to_long
from skrnn.preprocessing._scaler import SequenceScaler
from skrnn.preprocessing._windows import ForecastWindows, make_windows
from skrnn.windows import Windows

__all__ = ["ForecastWindows", "SequenceScaler", "Windows", "from_long", "make_windows", "to_long"]
