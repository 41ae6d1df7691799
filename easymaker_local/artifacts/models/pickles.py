"""What a pickle says about itself without being loaded: its opcodes are looked at, none is carried out."""

from __future__ import annotations

import bz2
import io
import lzma
import os
import pickle
import pickletools
import re
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO, Protocol

_HEAD_BYTES = 256 << 10
_SCANNED_BYTES = 256 << 20
_BLOCK = 1 << 20
_OVERLAP = 256  # longer than what a version takes
_LZMA_MEMORY = 128 << 20

_MACHINERY = ("copy_reg.", "copyreg.")  # how old protocols make an object, not what it is
_TEXTS = {"SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8", "UNICODE"}
_GETS = {"BINGET", "LONG_BINGET", "GET"}
_PUTS = {"BINPUT", "LONG_BINPUT", "PUT"}
_BROKEN = (
    ValueError, IndexError, KeyError, OverflowError, EOFError, struct.error, zlib.error, lzma.LZMAError,
    DeprecationWarning,  # an escape in a text of protocol 0 that Python does not know, where warnings are errors
)  # fmt: skip
# scikit-learn puts its version into every estimator's state, as the text behind this key.
_VERSION = re.compile(
    rb"_sklearn_version(?:\x94|q.|r.{4})?(?:\x8c.|X.\0\0\0)(\d[0-9A-Za-z.+-]{0,30}?)(?=[\x94qrubes\x8cX(}]|$)", re.DOTALL
)


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...
    def decompress(self, data: bytes, max_length: int = ...) -> bytes: ...


# joblib's ways to compress, as far as Python can undo them, by how a file begins.
_PACKED: dict[bytes, Callable[[], _Decompressor]] = {
    b"\x1f\x8b": lambda: zlib.decompressobj(wbits=31),
    b"x": zlib.decompressobj,
    b"BZ": bz2.BZ2Decompressor,
    b"\xfd7zXZ": lambda: lzma.LZMADecompressor(memlimit=_LZMA_MEMORY),
    b"]\0\0": lambda: lzma.LZMADecompressor(memlimit=_LZMA_MEMORY),
}
_LZ4 = b"\x04\x22\x4d\x18"


@dataclass(frozen=True)
class Pickle:
    """``globals`` are the first classes and functions that loading would import, the outermost first, as ``module.name``.

    ``is_readable`` False: it is packed in a way that cannot be undone here, and the rest is unknown.
    """

    globals: tuple[str, ...] = ()
    sklearn_version: str | None = None
    is_readable: bool = True


def look_into(file: BinaryIO) -> Pickle | None:
    """Look at the beginning of a pickle, packed as joblib does or plain; None if it is no pickle, or cut off."""
    start = file.read(6)
    file.seek(0)
    if start.startswith(_LZ4):
        return Pickle(is_readable=False)
    unpack = next((make for magic, make in _PACKED.items() if start.startswith(magic)), None)
    try:
        reader = _Unpacked(file, unpack()) if unpack else file
        head = _read(reader, _HEAD_BYTES)
        found = _globals(head)
        if found is None or (reader is file and not _is_whole(file, len(head))):
            return None
        return Pickle(tuple(dict.fromkeys(found)), _find_version(head, reader))
    except _BROKEN:
        return None


def _is_whole(file: BinaryIO, position: int) -> bool:
    file.seek(-1, os.SEEK_END)
    last = file.read(1)
    file.seek(position)
    return last == pickle.STOP


class _Unpacked:
    """A packed file's content, in portions no larger than asked for."""

    def __init__(self, file: BinaryIO, decompressor: _Decompressor) -> None:
        self._file = file
        self._decompressor = decompressor
        self._rest = b""

    def read(self, size: int) -> bytes:
        while True:
            if self._decompressor.eof:
                return b""
            # zlib hands back what it did not take, the others keep it and say whether they need more.
            is_hungry = getattr(self._decompressor, "needs_input", not self._rest)
            packed = self._file.read(_BLOCK) if is_hungry else self._rest
            data = self._decompressor.decompress(packed, size)
            self._rest = getattr(self._decompressor, "unconsumed_tail", b"")
            if data or (is_hungry and not packed):
                return data


class _Reads(Protocol):
    def read(self, size: int, /) -> bytes: ...


def _read(file: _Reads, size: int) -> bytes:
    parts = []
    while size > 0 and (data := file.read(size)):
        parts.append(data)
        size -= len(data)
    return b"".join(parts)


def _globals(head: bytes) -> list[str] | None:
    """Return what the opcodes name; None if there is nothing like a pickle.

    They end early where joblib puts an array's bytes between them, or where ``head`` ends.
    """
    found: list[str] = []
    texts: list[str] = []  # what STACK_GLOBAL may take
    memo: dict[int, str] = {}
    seen = memoized = 0
    try:
        for opcode, argument, _ in pickletools.genops(io.BytesIO(head)):
            seen += 1
            if opcode.name in _TEXTS:
                texts.append(str(argument))
            elif opcode.name == "MEMOIZE":
                memo[memoized] = texts[-1] if texts else ""
                memoized += 1
            elif opcode.name in _PUTS:
                memo[int(argument or 0)] = texts[-1] if texts else ""
            elif opcode.name in _GETS:
                texts.append(memo.get(int(argument or 0), ""))
            elif opcode.name == "GLOBAL":
                found.append(str(argument).replace(" ", "."))
            elif opcode.name == "STACK_GLOBAL" and len(texts) > 1:
                found.append(f"{texts[-2]}.{texts[-1]}")
    except _BROKEN:
        pass
    found = [name for name in found if not name.startswith(_MACHINERY)]
    is_pickle = bool(found) or (seen > 1 and head[:1] == b"\x80")
    return found if is_pickle else None


def _find_version(head: bytes, file: _Reads) -> str | None:
    window, scanned = head, len(head)
    while not (match := _VERSION.search(window)) and scanned < _SCANNED_BYTES:
        data = _read(file, _BLOCK)
        if not data:
            return None
        scanned += len(data)
        window = window[-_OVERLAP:] + data
    return match[1].decode() if match else None
