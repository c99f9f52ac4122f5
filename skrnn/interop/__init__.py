"""Weights to PyTorch and Keras, and from there.

`to_torch` needs the package torch: ``pip install skrnn[torch]``. All else works with arrays.
"""

from __future__ import annotations

from typing import Any

from skrnn.interop._keras import from_keras_weights, to_keras_weights
from skrnn.interop._torch import from_torch, to_torch

__all__ = ["from_keras_weights", "from_torch", "to_keras_weights", "to_torch"]


def __getattr__(name: str) -> Any:
    # Where pickle finds the class of the modules.
    if name == "SequenceNetwork":
        from skrnn.interop._torch_module import module_class

        return module_class()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
