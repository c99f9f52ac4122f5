"""The content of a file: what `Encoder` makes of an object, and who wrote it."""

from __future__ import annotations

import json
import warnings
from typing import Any

import numpy as np
import sklearn
from sklearn.utils.fixes import parse_version

from skrnn._pickling import InconsistentVersionWarning
from skrnn._version import __version__
from skrnn.persistence._decode import Decoder
from skrnn.persistence._encode import Encoder
from skrnn.persistence._safetensors import DamagedFileError, packed, unpacked

# Of what the text of a file means; a change that older versions would misread is a new one.
FORMAT = 1


def to_bytes(value: Any) -> bytes:
    """Return the content of a file."""
    encoder = Encoder()
    root = encoder.value(value)
    text = {
        "skrnn_format": str(FORMAT),
        "skrnn_version": __version__,
        "scikit-learn_version": sklearn.__version__,
        "numpy_version": np.__version__,
        "tree": json.dumps([*encoder.nodes, {"list": [root]}], allow_nan=False),
    }
    return packed(encoder.arrays, text)


def from_bytes(content: bytes, source: str) -> Any:
    """Return what is in a file with this content; `source` is its name in messages."""
    try:
        arrays, text = unpacked(content)
        version = text["skrnn_version"]
        if int(text["skrnn_format"]) > FORMAT:
            raise DamagedFileError(f"skrnn {version} wrote it in a newer format: upgrade skrnn")
        (value,) = Decoder(json.loads(text["tree"], parse_constant=_refuse), arrays).build()
        newer = parse_version(version) > parse_version(__version__)
    except DamagedFileError as error:
        raise ValueError(f"{source} cannot be loaded: {error}.") from error
    except Exception as error:  # a file may be wrong in any way that Python knows
        raise ValueError(
            f"{source} cannot be loaded: it is not as skrnn.save writes it "
            f"({type(error).__name__}: {error})."
        ) from error
    if newer:
        warnings.warn(
            InconsistentVersionWarning(
                estimator_name=type(value).__name__,
                current_skrnn_version=__version__,
                original_skrnn_version=version,
            ),
            stacklevel=3,
        )
    return value


def _refuse(constant: str) -> float:
    raise DamagedFileError(f"it holds {constant} where a number should be")
