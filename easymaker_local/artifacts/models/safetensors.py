"""The header of a safetensors file, held against the file's length. No tensor is read."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO, TypeGuard

from easymaker_local.artifacts.models.files import MAX_JSON_BYTES, parse_json
from easymaker_local.errors import StorageError

_LENGTH_BYTES = 8
_MAX_RANK = 64
_MAX_SIZE = 1 << 62
_BITS = {
    "BOOL": 8, "U8": 8, "I8": 8, "U16": 16, "I16": 16, "U32": 32, "I32": 32, "U64": 64, "I64": 64, "F4": 4, "F6_E2M3": 6,
    "F6_E3M2": 6, "F8_E5M2": 8, "F8_E4M3": 8, "F8_E8M0": 8, "F16": 16, "BF16": 16, "F32": 32, "F64": 64, "C64": 64,
}  # fmt: skip


@dataclass(frozen=True)
class Header:
    """The tensors' names, their elements all told, and their types."""

    tensors: frozenset[str]
    elements: int
    dtypes: frozenset[str]


def read_header(file: BinaryIO, name: str) -> Header:
    """Return the header; StorageError says what is wrong with it, or with the bytes behind it."""
    size = os.fstat(file.fileno()).st_size
    length = int.from_bytes(file.read(_LENGTH_BYTES), "little")
    if size < _LENGTH_BYTES or length > size - _LENGTH_BYTES:
        raise StorageError(f"{name!r} is no safetensors file, or is cut off: its header is longer than the file.")
    if length > MAX_JSON_BYTES:
        raise StorageError(f"{name!r} has a header of more than {MAX_JSON_BYTES:,} bytes.")
    entries = parse_json(file.read(length), name)
    entries.pop("__metadata__", None)
    places = sorted((*_place(entry, tensor, name), tensor) for tensor, entry in entries.items())
    position = 0
    for begin, end, tensor in places:
        if begin != position:
            raise StorageError(f"{name!r} is damaged: {tensor[:80]!r} does not begin where the tensor before it ends.")
        position = end
    if _LENGTH_BYTES + length + position != size:
        expected = _LENGTH_BYTES + length + position
        raise StorageError(f"{name!r} has {size:,} bytes; its header says {expected:,}.")
    elements = sum(math.prod(entry["shape"]) for entry in entries.values())
    return Header(frozenset(entries), elements, frozenset(entry["dtype"] for entry in entries.values()))


def _place(entry: Any, tensor: str, name: str) -> tuple[int, int]:
    """Return where a tensor lies, once its type, shape and place agree."""
    broken = StorageError(f"{name!r} is damaged: type, shape and place of {tensor[:80]!r} do not agree.")
    if not isinstance(entry, Mapping) or not isinstance(entry.get("dtype"), str):
        raise broken
    shape, place = entry.get("shape"), entry.get("data_offsets")
    if not _are_sizes(shape) or not _are_sizes(place) or len(place) != 2 or len(shape) > _MAX_RANK:
        raise broken
    if entry["dtype"] not in _BITS:
        raise StorageError(f"{name!r} has tensors of the unknown type {entry['dtype'][:20]!r}.")
    begin, end = place
    if math.prod(shape) * _BITS[entry["dtype"]] != (end - begin) * 8:
        raise broken
    return begin, end


def _are_sizes(value: Any) -> TypeGuard[list[int]]:
    return isinstance(value, list) and all(type(size) is int and 0 <= size < _MAX_SIZE for size in value)
