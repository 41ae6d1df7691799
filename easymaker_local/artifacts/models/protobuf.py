"""As much of the protobuf wire format as it takes to look into a message in a file that may have gigabytes.

Messages stay where they are: a field of variable length is a ``Span`` of the file, and what nobody asks for is skipped.
Rejected: the ``protobuf`` package with TensorFlow's schemas, which has to hold the whole message.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

MAX_FIELDS = 1_000_000
MAX_TEXT_BYTES = 4096
MAX_TEXTS_BYTES = 16 << 20
"""Of all texts of a file."""

_VARINT, _FIXED64, _SPAN, _FIXED32 = 0, 1, 2, 5
_MAX_VARINT_BYTES = 10


@dataclass(frozen=True)
class Span:
    """Where a field's content lies."""

    start: int
    end: int


class Reader:
    """Messages of one file. Every method raises ValueError where the bytes are no such thing."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._fields = self._text_bytes = 0
        self.whole = Span(0, file.seek(0, os.SEEK_END))

    def fields(self, message: Span) -> Iterator[tuple[int, int | Span]]:
        """Yield number and value of each field; numbers of fixed size are skipped."""
        position = message.start
        while position < message.end:
            self._fields += 1
            if self._fields > MAX_FIELDS:
                raise ValueError(f"more than {MAX_FIELDS:,} fields")
            self._file.seek(position)  # the caller may have read elsewhere meanwhile
            key = self._varint()
            kind, number = key & 7, key >> 3
            if number == 0:
                raise ValueError("a field without a number")
            if kind == _VARINT:
                value = self._varint()
                position = self._file.tell()
                yield number, value
            elif kind == _SPAN:
                length = self._varint()
                start = self._file.tell()
                position = start + length
                if position > message.end:
                    raise ValueError("a field that is longer than its message")
                yield number, Span(start, position)
            elif kind in {_FIXED32, _FIXED64}:
                position = self._file.tell() + (4 if kind == _FIXED32 else 8)
            else:
                raise ValueError(f"a field of the unknown kind {kind}")
        if position != message.end:
            raise ValueError("a message that ends within a field")

    def messages(self, message: Span, number: int) -> Iterator[Span]:
        """Yield the fields of variable length with this number."""
        return (value for found, value in self.fields(message) if found == number and isinstance(value, Span))

    def text(self, span: Span) -> str:
        """Return a string."""
        if span.end - span.start > MAX_TEXT_BYTES:
            raise ValueError(f"a name of more than {MAX_TEXT_BYTES:,} bytes")
        self._text_bytes += span.end - span.start
        if self._text_bytes > MAX_TEXTS_BYTES:
            raise ValueError(f"names of more than {MAX_TEXTS_BYTES:,} bytes")
        self._file.seek(span.start)
        try:
            return self._file.read(span.end - span.start).decode()
        except UnicodeDecodeError as error:
            raise ValueError("a name that is no UTF-8") from error

    def _varint(self) -> int:
        value = 0
        for place in range(_MAX_VARINT_BYTES):
            byte = self._file.read(1)
            if not byte:
                raise ValueError("a message that ends within a number")
            value |= (byte[0] & 0x7F) << (7 * place)
            if byte[0] < 0x80:
                return value & (1 << 64) - 1
        raise ValueError("a number that does not end")
