"""The layout of a safetensors file: arrays by name, and text by name, in one file without code.

A file is the length of its header (8 bytes, little-endian), the header (JSON: dtype, shape and
place of every array, and text under ``__metadata__``) and the numbers of the arrays, one after
the other; see https://github.com/huggingface/safetensors. That library reads these files, and
PyTorch and JAX with it. Reading them takes a few lines, which need not be installed and which
check a file more closely than a general reader can: it is one that skrnn wrote, to the byte.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import struct
from collections.abc import Mapping
from typing import Any

import numpy as np

DTYPES = {
    "BOOL": "|b1",
    **{f"{kind}{8 * size}": f"{'|' if size == 1 else '<'}{code}{size}"
       for kind, code in (("I", "i"), ("U", "u")) for size in (1, 2, 4, 8)},
    "F16": "<f2",
    "F32": "<f4",
    "F64": "<f8",
    "C64": "<c8",
}  # fmt: skip
NAMES = {np.dtype(code): name for name, code in DTYPES.items()}

# The bound of the format itself.
LONGEST_HEADER = 100_000_000
TEXT = "__metadata__"
# Quotation marks within a text are escaped, so that this can stand nowhere else in a header.
DIGEST = re.compile(rb'"sha256":"([0-9a-f]{64})"')
NO_DIGEST = "0" * 64


class DamagedFileError(ValueError):
    """A file that is not, to the byte, one that skrnn has written."""


def packed(arrays: Mapping[str, np.ndarray], text: Mapping[str, str]) -> bytes:
    """Return the content of a file.

    Parameters
    ----------
    arrays : mapping of str to ndarray
        Of booleans, integers, floats of at most 64 bits, or complex64.
    text : mapping of str to str
        Anything else; a "sha256" of all is added.
    """
    # The widest first, so that all numbers stand at multiples of their size.
    arrays = dict(sorted(arrays.items(), key=lambda item: -item[1].itemsize))
    header: dict[str, Any] = {TEXT: {**text, "sha256": NO_DIGEST}}
    blocks, start = [], 0
    for name, array in arrays.items():
        little = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
        block = little.tobytes()
        header[name] = {
            "dtype": NAMES[little.dtype],
            "shape": list(array.shape),
            "data_offsets": [start, start + len(block)],
        }
        blocks.append(block)
        start += len(block)
    line = json.dumps(header, separators=(",", ":"), allow_nan=False).encode()
    line += b" " * (-len(line) % 8)
    if len(line) > LONGEST_HEADER:
        raise ValueError(
            f"What is not an array takes {len(line):,} bytes as text, and a safetensors file has "
            f"room for {LONGEST_HEADER:,}. Save with pickle or joblib."
        )
    return sealed(struct.pack("<Q", len(line)) + line + b"".join(blocks))


def sealed(content: bytes) -> bytes:
    """Return a file with the SHA-256 of all its other bytes in the place that it has for it."""
    (place,) = DIGEST.finditer(content[: 8 + _header_length(content)])
    start, stop = place.span(1)
    return content[:start] + _digest(content, start, stop).encode() + content[stop:]


def _digest(content: bytes, start: int, stop: int) -> str:
    view = memoryview(content)
    digest = hashlib.sha256(view[:start])
    digest.update(NO_DIGEST.encode())
    digest.update(view[stop:])
    return digest.hexdigest()


def _header_length(content: bytes) -> int:
    """Return the length of the header, which is within the file and its bound."""
    if len(content) < 8:
        raise DamagedFileError(f"it has {len(content)} bytes, too few for a header")
    (length,) = struct.unpack("<Q", content[:8])
    if length > min(len(content) - 8, LONGEST_HEADER):
        raise DamagedFileError("it is no safetensors file, or it was cut off")
    return length


def unpacked(content: bytes) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Return arrays and text of a file.

    Raises
    ------
    DamagedFileError
        If a byte of it is not as it was written.
    """
    length = _header_length(content)
    header = content[8 : 8 + length]
    places = list(DIGEST.finditer(content, 8, 8 + length))
    if len(places) != 1:
        raise DamagedFileError("its header has no SHA-256 as skrnn writes it")
    start, stop = places[0].span(1)
    # Before anything else of it is read: flipped bits may make another sound model.
    if places[0][1].decode() != _digest(content, start, stop):
        raise DamagedFileError("its content is not what was saved (the SHA-256 differs)")
    layout = json.loads(header)
    text = layout.pop(TEXT)
    if not all(isinstance(value, str) for value in text.values()):
        raise DamagedFileError("its header has other metadata than text")
    return _arrays(layout, memoryview(content)[8 + length :]), text


def _arrays(layout: Mapping[str, Any], data: memoryview) -> dict[str, np.ndarray]:
    """Return copies of the arrays, which lie side by side and fill the data."""
    arrays, end = {}, 0
    for name, entry in layout.items():
        dtype, shape = np.dtype(DTYPES[entry["dtype"]]), entry["shape"]
        start, stop = entry["data_offsets"]
        if not all(type(number) is int and number >= 0 for number in (*shape, start, stop)):
            raise DamagedFileError(f"shape or place of the array {name!r} are no counts")
        if start != end or stop > len(data) or stop - start != math.prod(shape) * dtype.itemsize:
            raise DamagedFileError(f"the array {name!r} does not lie where its header says")
        numbers = np.frombuffer(data[start:stop], dtype)
        if dtype.kind == "b" and np.frombuffer(data[start:stop], np.uint8).max(initial=0) > 1:
            raise DamagedFileError(f"the array {name!r} holds other bytes than those of booleans")
        arrays[name] = numbers.reshape(shape).astype(dtype.newbyteorder("="), copy=True)
        end = stop
    if end != len(data):
        raise DamagedFileError("it goes on behind its last array")
    return arrays
