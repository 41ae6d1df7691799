"""Writes TensorBoard's event files without its package: the parts of which a file is made, right or wrong as a test wants."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from pathlib import Path

from easymaker_local.artifacts.event_files import masked_crc

FILE = "events.out.tfevents.1"
"""What a writer might call its file."""


def record(data: bytes) -> bytes:
    """Return data as it stands in a file."""
    length = struct.pack("<Q", len(data))
    return length + struct.pack("<I", masked_crc(length)) + data + struct.pack("<I", masked_crc(data))


def event(step: int, at: float, *values: bytes) -> bytes:
    """Return the record of an event with these values of a summary."""
    summary = b"".join(content(1, value) for value in values)
    return record(b"\x09" + struct.pack("<d", at) + b"\x10" + varint(step % (1 << 64)) + content(5, summary))


def simple(tag: str | bytes, value: float) -> bytes:
    """Return a value as PyTorch writes it."""
    return content(1, _bytes(tag)) + b"\x15" + struct.pack("<f", value)


def tensor(tag: str | bytes, packed: bytes, *, kind: int = 1, field: int = 4, plugin: str | None = "scalars") -> bytes:
    """Return a value as TensorFlow writes it: the bytes of a tensor in one of its fields, and whose it is if that is said."""
    proto = b"\x08" + varint(kind) + content(field, packed)
    metadata = b"" if plugin is None else content(9, content(1, content(1, plugin.encode())))
    return content(1, _bytes(tag)) + metadata + content(8, proto)


def content(field: int, value: bytes) -> bytes:
    """Return a field of bytes."""
    return varint(field << 3 | 2) + varint(len(value)) + value


def varint(number: int) -> bytes:
    """Return a number as protocol buffers write it."""
    made = bytearray()
    while number > 0x7F:
        made.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*made, number])


def log(run: Path, tag: str, values: Iterable[float], *, first: int = 0, at: float = 1.0, file: str = FILE) -> Path:
    """Append values of a metric to a file of a run, one a step and second."""
    path = run / file
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as opened:
        for i, value in enumerate(values):
            opened.write(event(first + i, at + i, simple(tag, value)))
    return path


def _bytes(tag: str | bytes) -> bytes:
    return tag.encode() if isinstance(tag, str) else tag
