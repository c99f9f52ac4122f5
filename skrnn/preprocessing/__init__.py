"""Preparing sequences: scale channels, fill gaps, encode tokens, gather tables, cut windows.

`HiddenStates` turns sequences into plain features by means of a recurrent network.
"""

from skrnn.preprocessing._forecast_windows import ForecastWindows
from skrnn.preprocessing._forecasting import make_windows
from skrnn.preprocessing._hidden_states import HiddenStates
from skrnn.preprocessing._imputer import SequenceImputer
from skrnn.preprocessing._long import from_long, to_long
from skrnn.preprocessing._scaler import SequenceScaler
from skrnn.preprocessing._tokens import TokenEncoder
from skrnn.sequences import Windows

__all__ = [
    "ForecastWindows",
    "HiddenStates",
    "SequenceImputer",
    "SequenceScaler",
    "TokenEncoder",
    "Windows",
    "from_long",
    "make_windows",
    "to_long",
]
