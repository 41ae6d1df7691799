"""Scalars out of TensorBoard's event files (TB-01, TB-L01), while they are written.

An event file is a row of records (TFRecord), each with an ``Event`` of TensorFlow's protocol buffers. Of those the few fields
are known here that scalars need: those of ``tf.summary`` and Keras, which are tensors of the plugin "scalars", and the plain
ones of PyTorch and tensorboardX. TensorBoard's own package would bring gRPC, NumPy and much more for that, in every daemon.

What is in the files is up to jobs: nothing here trusts it, raises because of it, or holds more than a piece of it.
"""

from __future__ import annotations

import math
import os
import struct
from collections.abc import Collection, Iterator
from dataclasses import dataclass

_HEAD, _CRC_BYTES = struct.Struct("<QI"), 4
_PIECE_BYTES = 1 << 20
MAXIMUM_RECORD_BYTES = _PIECE_BYTES - _HEAD.size - _CRC_BYTES
"""Larger records are passed over: they hold images, audio or histograms, and fit no piece."""
MAXIMUM_TAG_BYTES = 1000
"""Longer names are no names of metrics."""
# What a calendar holds, in every time zone.
_LAST_SECOND = 253_402_000_000.0

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_FIXED_SIZES = {_FIXED64: 8, _FIXED32: 4}
# Keys of fields: number and wire type.
_WALL_TIME, _STEP, _SUMMARY = 1 << 3 | _FIXED64, 2 << 3 | _VARINT, 5 << 3 | _BYTES  # Event
_VALUE = 1 << 3 | _BYTES  # Summary
_TAG, _SIMPLE_VALUE, _TENSOR, _METADATA = 1 << 3 | _BYTES, 2 << 3 | _FIXED32, 8 << 3 | _BYTES, 9 << 3 | _BYTES  # Summary.Value
_PLUGIN_DATA, _PLUGIN_NAME = 1 << 3 | _BYTES, 1 << 3 | _BYTES  # SummaryMetadata, its PluginData
_TYPE, _CONTENT = 1 << 3 | _VARINT, 4 << 3 | _BYTES  # TensorProto
_FLOATS, _FLOAT, _DOUBLES, _DOUBLE = 5 << 3 | _BYTES, 5 << 3 | _FIXED32, 6 << 3 | _BYTES, 6 << 3 | _FIXED64
_NUMBERS = {1: struct.Struct("<f"), 2: struct.Struct("<d")}  # by TensorProto's type


@dataclass(frozen=True)
class Scalar:
    """A value of a metric; ``at`` in epoch seconds."""

    tag: str
    step: int
    value: float
    at: float


class EventFile:
    """How far a file was read; goes on from there each time."""

    def __init__(self) -> None:
        self.offset = 0

    def read(self, file: int, known: Collection[str]) -> Iterator[Scalar]:
        """Yield what a descriptor's file holds since the last time, up to its present end. Blocks.

        Tensors may say only at first that they are scalars: those with a ``known`` tag are. At a record that is damaged or
        not yet written to its end it stops, and begins with it the next time.
        """
        end = os.fstat(file).st_size
        while piece := os.pread(file, max(0, min(_PIECE_BYTES, end - self.offset)), self.offset):
            begin = self.offset
            try:
                for length, data in _records(piece, end - begin):
                    yield from () if data is None else _scalars(data, known)
                    self.offset += length
            except ValueError:
                return
            if self.offset == begin:
                return


def masked_crc(data: bytes) -> int:
    """Return the checksum that records carry: CRC-32C, masked."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _CRC_TABLE[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def _crc_of_byte(byte: int) -> int:
    for _ in range(8):
        byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
    return byte


_CRC_TABLE = tuple(map(_crc_of_byte, range(256)))


def _records(piece: bytes, available: int) -> Iterator[tuple[int, bytes | None]]:
    """Yield the lengths of a piece's records and their data with its checksum; None for one that is too large.

    There are so many bytes ``available`` in the file from the piece's begin. Raises ValueError at a damaged length.
    """
    at = 0
    while at + _HEAD.size <= len(piece):
        size, crc = _HEAD.unpack_from(piece, at)
        if crc != masked_crc(piece[at : at + 8]):
            raise ValueError("the length of a record is damaged")
        begin, length = at + _HEAD.size, _HEAD.size + size + _CRC_BYTES
        if at + length > (available if size > MAXIMUM_RECORD_BYTES else len(piece)):
            return
        yield length, None if size > MAXIMUM_RECORD_BYTES else piece[begin : at + length]
        at += length


def _scalars(record: bytes, known: Collection[str]) -> list[Scalar]:
    """Return what an event holds; raises ValueError if it is damaged.

    Only what is taken is checked: checksums of images would cost more than all else.
    """
    data = record[:-_CRC_BYTES]
    step, at, summary = 0, 0.0, None
    for key, number, content in _fields(data):
        if key == _STEP:
            step = number - (1 << 64) if number >> 63 else number
        elif key == _WALL_TIME:
            (at,) = struct.unpack("<d", content)
        elif key == _SUMMARY:
            summary = content
    values = [] if summary is None else [_scalar(content, known) for key, _, content in _fields(summary) if key == _VALUE]
    taken = [value for value in values if value is not None]
    if taken and masked_crc(data) != int.from_bytes(record[-_CRC_BYTES:], "little"):
        raise ValueError("an event is damaged")
    moment = min(max(at, 0.0), _LAST_SECOND) if math.isfinite(at) else 0.0
    return [Scalar(tag, step, value, moment) for tag, value in taken]


def _scalar(summary_value: bytes, known: Collection[str]) -> tuple[str, float] | None:
    """Return tag and value if it is a scalar."""
    tag, plugin = b"", b""
    simple: float | None = None
    tensor: bytes | None = None
    for key, _, content in _fields(summary_value):
        if key == _TAG:
            tag = content
        elif key == _SIMPLE_VALUE:
            (simple,) = struct.unpack("<f", content)
        elif key == _TENSOR:
            tensor = content
        elif key == _METADATA:
            plugin = _plugin(content)
    if len(tag) > MAXIMUM_TAG_BYTES:
        return None
    name = tag.decode(errors="replace")
    if tensor is not None and (plugin == b"scalars" or (not plugin and name in known)):
        simple = _number(tensor)
    return None if simple is None else (name, simple)


def _plugin(metadata: bytes) -> bytes:
    for key, _, content in _fields(metadata):
        if key == _PLUGIN_DATA:
            return next((name for inner, _, name in _fields(content) if inner == _PLUGIN_NAME), b"")
    return b""


def _number(tensor: bytes) -> float | None:
    """Return the number in a tensor; None if it is of a type or a size that scalars have not."""
    kind, packed = 0, b""
    for key, number, content in _fields(tensor):
        if key == _TYPE:
            kind = number
        elif key in {_CONTENT, _FLOATS, _FLOAT, _DOUBLES, _DOUBLE}:
            packed += content
    form = _NUMBERS.get(kind)
    if form is None:
        return None
    if not packed:
        return 0.0  # values are left out where all are zero
    return float(form.unpack(packed)[0]) if len(packed) == form.size else None


def _fields(message: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Yield key, number and content of a message's fields: one has the number or the content. Raises ValueError."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        kind = key & 7
        if kind == _VARINT:
            number, at = _varint(message, at)
            yield key, number, b""
            continue
        if kind == _BYTES:
            size, at = _varint(message, at)
        elif kind in _FIXED_SIZES:
            size = _FIXED_SIZES[kind]
        else:
            raise ValueError("a field is of an unknown kind")
        if size > len(message) - at:
            raise ValueError("a field is longer than its message")
        yield key, 0, message[at : at + size]
        at += size


def _varint(message: bytes, at: int) -> tuple[int, int]:
    """Return a number of up to 64 bits and where the next thing begins."""
    if at < len(message) and message[at] < 0x80:
        return message[at], at + 1  # nearly all of them
    number = 0
    for shift, byte in zip(range(0, 70, 7), message[at : at + 10], strict=False):
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number & 0xFFFFFFFFFFFFFFFF, at + shift // 7 + 1
    raise ValueError("a number has no end")
