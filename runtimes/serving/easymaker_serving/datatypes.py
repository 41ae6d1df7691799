"""The protocol's datatypes as numpy's, and BYTES as bytes on the wire (OI-17)."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import ml_dtypes
import numpy as np

from easymaker_serving.model import Array, InvalidInput

BYTES = "BYTES"

DTYPES: dict[str, np.dtype[Any]] = {
    "BOOL": np.dtype(np.bool_),
    "UINT8": np.dtype(np.uint8), "UINT16": np.dtype(np.uint16), "UINT32": np.dtype(np.uint32), "UINT64": np.dtype(np.uint64),
    "INT8": np.dtype(np.int8), "INT16": np.dtype(np.int16), "INT32": np.dtype(np.int32), "INT64": np.dtype(np.int64),
    "FP16": np.dtype(np.float16), "BF16": np.dtype(ml_dtypes.bfloat16),
    "FP32": np.dtype(np.float32), "FP64": np.dtype(np.float64),
    BYTES: np.dtype(np.object_),
}  # fmt: skip

_NAMES = {dtype: name for name, dtype in DTYPES.items()}

INTEGERS = frozenset(name for name, dtype in DTYPES.items() if dtype.kind in "iu")
FLOATS = frozenset({"FP16", "BF16", "FP32", "FP64"})

_LENGTH = 4
"""Bytes of the little-endian length before each element of a BYTES tensor."""


def datatype_of(array: Array) -> str:
    """Return the protocol's name of an array's type; TypeError for those that it has not."""
    name = _NAMES.get(array.dtype)
    if name is None:
        raise TypeError(f"The protocol has no datatype for numpy's {array.dtype}")
    return name


def protocol_array(array: Array) -> Array:
    """Return the array in a type that can be sent: strings as BYTES, numbers in native byte order, others as they are."""
    if array.dtype in _NAMES:
        return array
    if array.dtype.kind == "U":
        array = np.char.encode(array, "utf-8").astype(object)
    elif array.dtype.kind == "S":
        array = array.astype(object)
    elif not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    return array


@lru_cache(maxsize=256)
def widens(given: str, declared: str) -> bool:
    """Whether every value of one datatype is one of another, as numpy's "safe" casts see it (INT64 to FP64 counts)."""
    if given == declared:
        return True
    if BYTES in (given, declared):
        return False
    return bool(np.can_cast(DTYPES[given], DTYPES[declared], "safe"))


def elements(value: bytes | str) -> bytes:
    """Return an element of a BYTES tensor as bytes."""
    return value.encode() if isinstance(value, str) else bytes(value)


def to_binary(array: Array) -> memoryview | bytes:
    """Return an array as the binary tensor data extension has it; numbers that lie in order are not copied."""
    if array.dtype.kind != "O":
        return np.ascontiguousarray(array).reshape(-1).view(np.uint8).data
    parts: list[bytes] = []
    for value in array.ravel().tolist():
        data = elements(value)
        parts += (len(data).to_bytes(_LENGTH, "little"), data)
    return b"".join(parts)


def from_binary(data: memoryview, datatype: str, shape: list[int], count: int, name: str) -> Array:
    """Return a tensor of ``count`` elements from its binary form, without a copy where it lies aligned in memory.

    Raises InvalidInput when the bytes are not those of such a tensor.
    """
    if datatype == BYTES:
        return _bytes_from_binary(data, shape, count, name)
    dtype = DTYPES[datatype]
    if len(data) != count * dtype.itemsize:
        raise InvalidInput(f"input '{name}': {len(data)} bytes do not make {count} elements of {datatype}")
    array: Array = np.frombuffer(data, dtype)
    if datatype == "BOOL" and count and int(array.view(np.uint8).max()) > 1:
        raise InvalidInput(f"input '{name}': a BOOL is a byte 0 or 1")
    if not array.flags.aligned:
        array = array.copy()
    return array.reshape(shape)


def _bytes_from_binary(data: memoryview, shape: list[int], count: int, name: str) -> Array:
    # Each element has a length, so no more elements are made than there are bytes for.
    if count * _LENGTH > len(data):
        raise InvalidInput(f"input '{name}': {len(data)} bytes are too few for {count} elements of BYTES")
    found: list[bytes] = []
    position = 0
    for _ in range(count):
        start = position + _LENGTH
        position = start + int.from_bytes(data[position:start], "little")
        if start > len(data) or position > len(data):
            raise InvalidInput(f"input '{name}': element {len(found)} of BYTES is cut off")
        found.append(bytes(data[start:position]))
    if position != len(data):
        raise InvalidInput(f"input '{name}': {len(data) - position} bytes are left after {count} elements of BYTES")
    return objects(found).reshape(shape)


def objects(values: list[Any]) -> Array:
    """Return a flat object array; numpy itself would look into values that are sequences."""
    array: Array = np.empty(len(values), dtype=object)
    array[:] = values
    return array
