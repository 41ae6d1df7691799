"""The files of an artifact, which belong to a user who may change them, or link them to elsewhere, at any moment."""

from __future__ import annotations

import errno
import hashlib
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from stat import S_ISDIR, S_ISREG
from typing import Any, BinaryIO

from easymaker_local.artifacts.locations import HIDDEN, walk_inside
from easymaker_local.domain.model import ModelFile
from easymaker_local.errors import StorageError

MAX_FILES = 10_000
MAX_BYTES = 1 << 40
MAX_JSON_BYTES = 32 << 20

_MAX_ENTRIES = 10 * MAX_FILES  # directories and links count as well
_MAX_DEPTH = 32
_MAX_NAME_CHARACTERS = 1024
_BLOCK = 1 << 20


@dataclass
class Findings:
    """What an examination has to say, gathered as it goes. ``is_incomplete``: a problem is that files are not there."""

    problems: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    is_incomplete: bool = False

    def lack(self, problem: str) -> None:
        """Add a problem that another file would solve."""
        self.problems.append(problem)
        self.is_incomplete = True


class ModelFiles:
    """The regular files below ``root / relative``, listed once; ``root`` is what no link may leave.

    ``sizes`` maps names, relative to the artifact, to sizes as listed. Where the artifact is a single file, it is the only one.
    Every method may raise StorageError, whose message is a finding.
    """

    def __init__(self, root: Path, relative: str = "") -> None:
        self._root = root
        self._relative = relative
        self.outside: list[str] = []
        with _told(Path(relative).name or root.name):
            path = walk_inside(root, relative.split("/"))
            if S_ISREG(path.lstat().st_mode):
                self._relative = str(Path(relative).parent)
                self.sizes = {path.name: path.lstat().st_size}
            else:
                self.sizes = dict(sorted(self._list(path)))
        if sum(self.sizes.values()) > MAX_BYTES:
            raise StorageError(f"The artifact has more than {MAX_BYTES >> 40} TiB.")

    def names(self, *suffixes: str) -> list[str]:
        """Return the files at the top that end in one of ``suffixes``."""
        return [name for name in self.sizes if "/" not in name and name.endswith(suffixes)]

    def folders(self) -> set[str]:
        """Return the directories at the top that hold files."""
        return {name.partition("/")[0] for name in self.sizes if "/" in name}

    def below(self, folder: str) -> ModelFiles:
        """Return what lies in a directory at the top as an artifact of its own."""
        return ModelFiles(self._root, f"{self._relative}/{folder}")

    @contextmanager
    def open(self, name: str) -> Iterator[BinaryIO]:
        """Open one of the files; errors of reading it, also in the body, become StorageError."""
        with _told(name):
            path = walk_inside(self._root, [*self._relative.split("/"), *name.split("/")])
            # O_NONBLOCK: opening a pipe must not wait for its writer.
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            with os.fdopen(descriptor, "rb") as file:
                # A directory on the way may have become a link since: what was really opened decides.
                if Path(f"/proc/self/fd/{descriptor}").readlink() != path or not S_ISREG(os.fstat(descriptor).st_mode):
                    raise StorageError(f"{name!r} was changed while it was examined.")
                yield file

    def read(self, name: str, limit: int) -> bytes:
        """Return a whole file of at most ``limit`` bytes."""
        with self.open(name) as file:
            data = file.read(limit + 1)
        if len(data) > limit:
            raise StorageError(f"{name!r} has more than {limit:,} bytes.")
        return data

    def read_json(self, name: str) -> dict[str, Any]:
        """Return the JSON object in a file."""
        return parse_json(self.read(name, MAX_JSON_BYTES), name)

    def checksums(self, step: Callable[[], None] = lambda: None) -> Iterator[ModelFile]:
        """Read every file, and yield its checksum; ``step`` is called after every block."""
        for name in self.sizes:
            digest, size = hashlib.sha256(), 0
            with self.open(name) as file:
                before = os.fstat(file.fileno())
                # Not beyond what was there at first: its owner may still append.
                while size < before.st_size and (block := file.read(min(_BLOCK, before.st_size - size))):
                    digest.update(block)
                    size += len(block)
                    step()
                after = os.fstat(file.fileno())
            if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns) or size != self.sizes[name]:
                raise StorageError(f"{name!r} was changed while it was examined.")
            yield ModelFile(name, size, digest.hexdigest())

    def _list(self, top: Path) -> Iterator[tuple[str, int]]:
        pending = [(top, "", 0)]
        files = entries = 0
        while pending:
            folder, prefix, depth = pending.pop()
            with os.scandir(folder) as found:
                for entry in found:
                    entries += 1
                    if entry.name.startswith(HIDDEN):
                        continue
                    name = prefix + entry.name
                    if as_text(name, _MAX_NAME_CHARACTERS) is None:
                        raise StorageError(f"The artifact holds {name[:80]!r}, a name that is no UTF-8 or too long.")
                    size = self._size(Path(entry.path), name, is_link=entry.is_symlink())
                    if size is None and entry.is_dir(follow_symlinks=False) and depth < _MAX_DEPTH:
                        pending.append((Path(entry.path), f"{name}/", depth + 1))
                    elif size is not None:
                        files += 1
                        yield name, size
                    if files > MAX_FILES or entries > _MAX_ENTRIES:
                        raise StorageError(f"The artifact has more than {MAX_FILES:,} files.")

    def _size(self, path: Path, name: str, *, is_link: bool) -> int | None:
        """Return a file's size. A link to a file is that file, if it lies inside; linked directories lead in circles."""
        try:
            target = walk_inside(self._root, path.relative_to(self._root).parts) if is_link else path
            found = target.lstat()
        except FileNotFoundError:
            return None
        except StorageError:
            self.outside.append(name)
            return None
        if is_link and S_ISDIR(found.st_mode):
            self.outside.append(name)
        return found.st_size if S_ISREG(found.st_mode) else None


def parse_json(data: bytes, name: str) -> dict[str, Any]:
    """Return the JSON object in ``data``; StorageError names the file that it came from."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise StorageError(f"{name!r} is no JSON.") from error
    if not isinstance(value, dict):
        raise StorageError(f"{name!r} holds no JSON object.")
    return value


def as_text(value: object, limit: int = 255) -> str | None:
    """Return what a file says if it is text that can be stored and shown; None otherwise."""
    if not isinstance(value, str) or len(value) > limit:
        return None
    try:
        value.encode()
    except UnicodeEncodeError:
        return None
    return value


@contextmanager
def _told(name: str) -> Iterator[None]:
    try:
        yield
    except (FileNotFoundError, NotADirectoryError) as error:
        raise StorageError(f"{name!r} does not exist.") from error
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise StorageError(f"{name!r} was changed while it was examined.") from error
        raise StorageError(f"{name!r} cannot be read: {error.strerror or error}.") from error
