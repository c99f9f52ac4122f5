"""Fitted estimators as ONNX models, for every runtime that reads them.

Needs the package onnx: ``pip install skrnn[onnx]``, which also installs ONNX Runtime and skl2onnx.
"""

from __future__ import annotations

from skrnn.onnx._export import to_onnx
from skrnn.onnx._skl2onnx import register_converters
from skrnn.onnx._stream import initial_state, to_streaming_onnx

__all__ = ["initial_state", "register_converters", "to_onnx", "to_streaming_onnx"]
