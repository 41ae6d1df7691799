"""Reading a growing text file by byte offset."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple


class Piece(NamedTuple):
    """Bytes of a file, whether they are the last ones for now, and when the file was last written (epoch seconds)."""

    data: bytes
    at_end: bool
    written_at: float


def read_piece(path: Path, offset: int, limit: int) -> Piece:
    """Return at most ``limit`` bytes from ``offset`` on; raises FileNotFoundError."""
    with path.open("rb") as file:
        file.seek(offset)
        data = file.read(limit)
        at_end = not file.read(1)
        return Piece(data, at_end, os.fstat(file.fileno()).st_mtime)


def read_text(path: Path, offset: int, limit: int, *, final: bool) -> tuple[str, int]:
    """Return text from byte ``offset`` on, at most ``limit`` bytes, and where to go on.

    A character of several bytes is never cut: its first bytes wait for the rest, unless ``final`` (nothing more is written)
    and they are the end of the file. Bytes that are no UTF-8 become U+FFFD. A missing file is empty.
    """
    try:
        data, at_end, _ = read_piece(path, offset, limit)
    except FileNotFoundError:
        return "", offset
    kept = data if final and at_end else data[: len(data) - _cut(data)]
    return kept.decode("utf-8", errors="replace"), offset + len(kept)


def _cut(data: bytes) -> int:
    """Return how many bytes at the end begin a character that is not whole yet (at most 3)."""
    for back in range(1, min(3, len(data)) + 1):
        byte = data[-back]
        if byte & 0b1100_0000 == 0b1000_0000:
            continue
        length = 4 if byte >> 3 == 0b11110 else 3 if byte >> 4 == 0b1110 else 2 if byte >> 5 == 0b110 else 1
        return back if length > back else 0
    return 0
