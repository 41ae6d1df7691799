"""Writes TensorBoard's event files without its package: the parts of which a file is made, right or wrong as a test wants."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from pathlib import Path

from easymaker_local.artifacts.event_files import masked_crc
from easymaker_local.testing.protobuf import field

FILE = "events.out.tfevents.1"
"""What a writer might call its file."""


def record(data: bytes) -> bytes:
    """Return data as it stands in a file."""
    length = struct.pack("<Q", len(data))
    return length + struct.pack("<I", masked_crc(length)) + data + struct.pack("<I", masked_crc(data))


def event(step: int, at: float, *values: bytes) -> bytes:
    """Return the record of an event with these values of a summary."""
    summary = b"".join(field(1, value) for value in values)
    return record(b"\x09" + struct.pack("<d", at) + field(2, step) + field(5, summary))


def simple(tag: str | bytes, value: float) -> bytes:
    """Return a value as PyTorch writes it."""
    return field(1, tag) + b"\x15" + struct.pack("<f", value)


def tensor(tag: str | bytes, packed: bytes, *, kind: int = 1, place: int = 4, plugin: str | None = "scalars") -> bytes:
    """Return a value as TensorFlow writes it: the bytes of a tensor in one of its fields, and whose it is if that is said."""
    proto = field(1, kind) + field(place, packed)
    metadata = b"" if plugin is None else field(9, field(1, field(1, plugin)))
    return field(1, tag) + metadata + field(8, proto)


def log(run: Path, tag: str, values: Iterable[float], *, first: int = 0, at: float = 1.0, file: str = FILE) -> Path:
    """Append values of a metric to a file of a run, one a step and second."""
    path = run / file
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as opened:
        for i, value in enumerate(values):
            opened.write(event(first + i, at + i, simple(tag, value)))
    return path
