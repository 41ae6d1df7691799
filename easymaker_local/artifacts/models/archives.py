"""Zip and tar archives of unknown origin: their members' names, and small members' content, in bounded memory."""

from __future__ import annotations

import gzip
import io
import os
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import IO, BinaryIO

from easymaker_local.errors import StorageError

MAX_MEMBERS = 100_000
MAX_UNPACKED_BYTES = 256 << 30
MAX_MEMBER_BYTES = 32 << 20
"""Of all members whose content is asked for."""

_MAX_READ = 4 << 20
_BLOCK = 1 << 16
_BROKEN = (
    zipfile.BadZipFile, tarfile.TarError, zlib.error, struct.error, EOFError, ValueError, RuntimeError, OverflowError, OSError,
)  # fmt: skip


class _Careful(io.RawIOBase):
    """A file of which nobody gets more than ``_MAX_READ`` at once: the headers say how much the libraries read, and may lie."""

    def __init__(self, file: BinaryIO | gzip.GzipFile) -> None:
        self._file = file

    def read(self, size: int | None = -1, /) -> bytes:
        data = self._file.read(_MAX_READ + 1 if size is None or size < 0 else min(size, _MAX_READ + 1))
        if len(data) > _MAX_READ:
            raise ValueError("a header of an unreasonable size")
        return data

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()


class _Unpacked(_Careful):
    """What a packed stream holds, read forwards only: going back would mean to begin anew."""

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        if whence != os.SEEK_SET or not self.tell() <= offset <= MAX_UNPACKED_BYTES:
            raise ValueError("a header that leads astray")
        while (missing := offset - self.tell()) and self._file.read(min(_BLOCK, missing)):
            continue
        return self.tell()


class Archive:
    """``members``: names and unpacked sizes of the files inside."""

    def __init__(self, members: Mapping[str, int], content: Mapping[str, bytes]) -> None:
        self.members = members
        self._content = content

    def read(self, name: str) -> bytes | None:
        """Return a member that was ``wanted``; None if there is none."""
        return self._content.get(name)


def is_zip(file: BinaryIO) -> bool:
    """Tell whether it begins like a zip; the position is the beginning again."""
    start = file.read(4)
    file.seek(0)
    return start in {b"PK\x03\x04", b"PK\x05\x06"}


def read_zip(file: BinaryIO, name: str, wanted: Collection[str] = ()) -> Archive:
    """Read a zip's directory and its members called, in whatever directory, one of ``wanted``."""
    with _told(name), zipfile.ZipFile(_Careful(file)) as archive:
        entries = [info for info in archive.infolist() if not info.is_dir()]
        _check({info.filename: info.file_size for info in entries}, len(entries), name)
        content: dict[str, bytes] = {}
        for info in entries:
            if _is_wanted(info.filename, wanted):
                if info.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
                    raise StorageError(f"{name!r} packs {info.filename!r} in a way that is not supported.")
                with archive.open(info) as member:
                    content[info.filename] = _read_member(member, content, name, info.filename)
        return Archive({info.filename: info.file_size for info in entries}, content)


def read_tar(file: BinaryIO, name: str, wanted: Collection[str] = ()) -> Archive:
    """Read a ``.tar.gz`` from one end to the other, and its members called, in whatever directory, one of ``wanted``."""
    members: dict[str, int] = {}
    content: dict[str, bytes] = {}
    count = 0
    with _told(name), tarfile.open(fileobj=_Unpacked(gzip.GzipFile(fileobj=file)), mode="r:") as archive:
        while (info := archive.next()) is not None:
            archive.members = []  # type: ignore[attr-defined] # or it keeps every one
            count += 1
            if info.isfile():
                members[info.name] = info.size
                if _is_wanted(info.name, wanted) and (member := archive.extractfile(info)) is not None:
                    content[info.name] = _read_member(member, content, name, info.name)
            elif not info.isdir():
                raise StorageError(f"{name!r} holds {info.name!r}, which is neither file nor directory.")
            _check({info.name: info.size}, count, name)
    return Archive(members, content)


def _is_wanted(name: str, wanted: Collection[str]) -> bool:
    return any(name == end or name.endswith(f"/{end}") for end in wanted)


def _read_member(member: IO[bytes], others: Mapping[str, bytes], archive: str, name: str) -> bytes:
    limit = MAX_MEMBER_BYTES - sum(map(len, others.values()))
    data = member.read(limit + 1)
    if len(data) > limit:
        raise StorageError(f"{name!r} in {archive!r} has more than {MAX_MEMBER_BYTES:,} bytes.")
    return data


def _check(members: Mapping[str, int], count: int, archive: str) -> None:
    if count > MAX_MEMBERS:
        raise StorageError(f"{archive!r} holds more than {MAX_MEMBERS:,} files.")
    if sum(members.values()) > MAX_UNPACKED_BYTES:
        raise StorageError(f"{archive!r} unpacks to more than {MAX_UNPACKED_BYTES >> 30} GiB.")
    for name in members:
        if name.startswith("/") or "\\" in name or ".." in name.split("/"):
            raise StorageError(f"{archive!r} holds {name!r}, a name that leads out of it.")


@contextmanager
def _told(name: str) -> Iterator[None]:
    try:
        yield
    except _BROKEN as error:
        raise StorageError(f"{name!r} is damaged: {str(error) or type(error).__name__}.") from error
