"""Predictions while a sequence comes in: one time step a call, the state kept in between.

`predict` reads a sequence from its first step. :class:`SequenceStream` goes on from where it was,
so that a new reading of a sensor costs one step of the network, however long it has been running.
"""

from skrnn.streaming._steps import StepTransformer
from skrnn.streaming._stream import SequenceStream

__all__ = ["SequenceStream", "StepTransformer"]
