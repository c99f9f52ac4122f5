"""Preparing sequences: scale them per channel, and gather them from a long table."""

from skrnn.preprocessing._long import from_long
from skrnn.preprocessing._scaler import SequenceScaler

__all__ = ["SequenceScaler", "from_long"]
