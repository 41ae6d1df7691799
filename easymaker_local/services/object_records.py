"""What is told of objects: the content that was opened, a line of a listing, what a client says of what it stores."""

from __future__ import annotations

import hashlib
import math
import mimetypes
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

from easymaker_local.artifacts.object_walk import Listed
from easymaker_local.errors import Conflict, InvalidRequest
from easymaker_local.store.objects import Row, stamp_of

DIRECTORY_TYPES = ("application/directory", "application/x-directory")
EMPTY_ETAG = hashlib.md5(b"", usedforsecurity=False).hexdigest()


class ChecksumMismatch(InvalidRequest):
    """What arrived is not what the client announced; nothing was stored."""

    code = "CHECKSUM_MISMATCH"


class PreconditionFailed(Conflict):
    """The object is there although the client wanted none."""

    code = "PRECONDITION_FAILED"


@dataclass(frozen=True)
class Part:
    """A piece of an object's content: an open file and its size."""

    file: BinaryIO
    size: int


@dataclass(frozen=True)
class StoredObject:
    """An object with its content opened, so that what is told and what is read belong together. Close it."""

    name: str
    size: int
    modified: float
    etag: str
    content_type: str
    headers: Mapping[str, str]
    parts: Sequence[Part] = ()

    def close(self) -> None:
        """Close the files."""
        for part in self.parts:
            part.file.close()


@dataclass(frozen=True)
class ListedObject:
    """A line of a listing. ``etag`` is empty where it was not computed yet: a list must not read every file."""

    name: str
    is_prefix: bool = False
    size: int = 0
    modified: float = 0.0
    etag: str = ""
    content_type: str = ""


@dataclass(frozen=True)
class Written:
    """What a client says of an object that it stores. ``etag``: announced checksum; ``absent``: must not exist yet."""

    content_type: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    etag: str | None = None
    absent: bool = False


def describe(listed: Listed, row: Row | None) -> ListedObject:
    """Return the line of what a walk found, with what the index knows of it if that is still the same file."""
    if listed.is_prefix:
        return ListedObject(listed.name, is_prefix=True)
    found = listed.found
    if found is None:
        modified = row.changed_at if row is not None else 0.0
        content_type = (row.content_type if row is not None else None) or DIRECTORY_TYPES[0]
        return ListedObject(listed.name, size=0, modified=modified, etag=EMPTY_ETAG, content_type=content_type)
    if row is not None and row.stamp != stamp_of(found):
        row = None
    # The checksum of a joined object is not that of its content; clients that compare lists must not take it for one.
    etag = row.etag if row is not None and row.manifest is None else None
    content_type = (row.content_type if row is not None else None) or guess_type(listed.name)
    return ListedObject(listed.name, size=found.st_size, modified=found.st_mtime, etag=etag or "", content_type=content_type)


def last_modified(modified: float) -> int:
    """Return whole seconds, rounded up: so that nothing changes after the second that was told."""
    return math.ceil(modified)


def guess_type(name: str) -> str:
    """Return the content type that a name stands for."""
    return mimetypes.guess_type(name)[0] or "application/octet-stream"
