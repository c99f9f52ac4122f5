"""Preparing sequences: scale them, gather them from a long table, encode their tokens."""

from skrnn.preprocessing._long import from_long
from skrnn.preprocessing._scaler import SequenceScaler
from skrnn.preprocessing._tokens import TokenEncoder

__all__ = ["SequenceScaler", "TokenEncoder", "from_long"]
