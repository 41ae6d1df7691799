"""A writer of TensorBoard's event files that a test's training brings with its code: images of tests have no framework."""

from __future__ import annotations

import os
import struct
import time
from pathlib import Path


class Writer:
    """Writes scalars where trainings are to, each readable as soon as it is written."""

    def __init__(self) -> None:
        folder = Path(os.environ["EM_TENSORBOARD_LOG_DIR"])
        folder.mkdir(parents=True, exist_ok=True)
        self._file = (folder / f"events.out.tfevents.{time.time_ns()}.test").open("ab", buffering=0)

    def add_scalar(self, tag: str, value: float, step: int) -> None:
        """Add an ``Event`` with one ``Summary.Value``, as a record of its own."""
        one = _field(0x0A, tag.encode()) + b"\x15" + struct.pack("<f", value)
        event = b"\x09" + struct.pack("<d", time.time()) + b"\x10" + _varint(step) + _field(0x2A, _field(0x0A, one))
        head = struct.pack("<Q", len(event))
        self._file.write(head + _checksum(head) + event + _checksum(event))


def _field(key: int, content: bytes) -> bytes:
    return bytes([key]) + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    made = b""
    while number > 0x7F:
        made += bytes([number & 0x7F | 0x80])
        number >>= 7
    return made + bytes([number])


def _checksum(data: bytes) -> bytes:
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    crc ^= 0xFFFFFFFF
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)
