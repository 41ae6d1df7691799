"""Protocol buffers as they stand on the wire, for tests and measurements that need a few fields and no generated code."""

from __future__ import annotations


def field(number: int, value: bytes | str | int) -> bytes:
    """Return a field of a message."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def varint(value: int) -> bytes:
    """Return a number; a negative one as the largest of 64 bits."""
    made = bytearray()
    value &= (1 << 64) - 1
    while value > 0x7F:
        made.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*made, value])
