"""A bucket's objects in bytewise order of their names, without reading more of it than one page needs (rest-api §8.2).

A directory's entries are sorted with ``/`` appended to the names of directories: so ``a.txt`` and ``a-b/x`` come before
``a/x``, exactly as the whole names do. Directories that lie before the marker or outside the prefix are not opened, and
what was rolled up into a common prefix is passed over.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISREG

from easymaker_local.artifacts.locations import HIDDEN, walk_inside
from easymaker_local.errors import StorageError

_HIDDEN = HIDDEN.encode()
_NO_NAMES = {b"", b".", b".."}


@dataclass(frozen=True)
class Query:
    """What a client wants to see: as in Swift, names greater than ``marker`` and smaller than ``end_marker``."""

    prefix: str = ""
    delimiter: str = ""
    marker: str = ""
    end_marker: str = ""


@dataclass(frozen=True)
class Listed:
    """An object, or with ``is_prefix`` the common beginning of several. ``found`` is None for those and for directories."""

    name: str
    found: os.stat_result | None = None
    is_prefix: bool = False


def list_objects(root: Path, query: Query, markers: Sequence[str] = ()) -> Iterator[Listed]:
    """Yield what a query finds below ``root``. ``markers``: names of directories that are objects themselves."""
    walk = _Walk(root, query, markers)
    delimiter, start = query.delimiter.encode(), len(query.prefix.encode())
    for name, path in walk.names():
        end = name.find(delimiter, start) if delimiter else -1
        if end >= 0:
            rolled = name[: end + len(delimiter)]
            walk.skip = rolled
            if rolled > query.marker.encode() and (not query.end_marker or rolled < query.end_marker.encode()):
                yield Listed(rolled.decode(), is_prefix=True)
            continue
        if path is None:
            yield Listed(name.decode())
            continue
        try:
            # What is a link was followed once already and leads to a file inside.
            found = path.stat()
        except FileNotFoundError:
            continue  # deleted while we look
        yield Listed(name.decode(), found)


class _Walk:
    """``skip`` may be set between two names: everything that begins with it is passed over."""

    def __init__(self, root: Path, query: Query, markers: Sequence[str]) -> None:
        self.skip: bytes | None = None
        self._root = root
        self._prefix = query.prefix.encode()
        self._after = query.marker.encode()
        self._before = query.end_marker.encode()
        self._inside: dict[bytes, list[bytes]] = {}
        for marker in markers:
            name = marker.encode()
            self._inside.setdefault(name.rstrip(b"/").rpartition(b"/")[0], []).append(name)

    def names(self) -> Iterator[tuple[bytes, Path | None]]:
        # Nothing above the prefix's own directory can hold a match.
        folder = self._prefix.rpartition(b"/")[0]
        if b"/" in self._prefix and any(part in _NO_NAMES or part.startswith(_HIDDEN) for part in folder.split(b"/")):
            return  # no object is called like that, and the file system would take it for another place
        path = self._path(folder) if folder else self._root
        if folder and self._wanted(folder + b"/") and self._is_marker(folder + b"/", path):
            yield folder + b"/", None
        if path.is_dir() and path.resolve() == path:
            yield from self._below(path, folder)

    def _is_marker(self, name: bytes, path: Path) -> bool:
        return name in self._inside.get(name.rstrip(b"/").rpartition(b"/")[0], ()) and path.is_dir()

    def _below(self, folder: Path, relative: bytes) -> Iterator[tuple[bytes, Path | None]]:
        start = relative + b"/" if relative else b""
        names = [
            name for name in self._entries(folder, start)
            if (self._may_hold(name) if name.endswith(b"/") else self._wanted(name))
        ]  # fmt: skip
        plain = (name for name in self._inside.get(relative, ()) if not name.endswith(b"/") and self._wanted(name))
        marked = {name for name in plain if self._path(name).is_dir()}
        # The names alone: a directory may hold a hundred thousand, of which a page shows a thousand.
        for name in sorted([*names, *marked]):
            if self.skip is not None and name.startswith(self.skip):
                continue
            path = self._path(name)
            if not name.endswith(b"/"):
                yield name, None if name in marked else path
                continue
            if self._wanted(name) and self._is_marker(name, path):
                yield name, None
            if self.skip is None or not name.startswith(self.skip):
                yield from self._below(path, name[:-1])

    def _path(self, name: bytes) -> Path:
        return self._root / os.fsdecode(name)

    def _entries(self, folder: Path, start: bytes) -> Iterator[bytes]:
        """Yield the whole names that count, with a slash behind directories; what is no UTF-8 cannot be asked for."""
        try:
            entries = os.scandir(os.fsencode(folder))
        except (FileNotFoundError, NotADirectoryError, PermissionError):
            return  # deleted while we look, or closed to us
        with entries:
            for entry in entries:
                name = entry.name
                if name.startswith(_HIDDEN) or not (name.isascii() or _is_text(name)):
                    continue
                if entry.is_file(follow_symlinks=False):
                    yield start + name
                elif entry.is_dir(follow_symlinks=False):
                    yield start + name + b"/"
                elif entry.is_symlink() and _leads_to_file(self._root, Path(os.fsdecode(entry.path))):
                    # A link to a file is that file; linked directories are not walked into: they may lead in circles.
                    yield start + name

    def _wanted(self, name: bytes) -> bool:
        return name.startswith(self._prefix) and name > self._after and (not self._before or name < self._before)

    def _may_hold(self, folder: bytes) -> bool:
        """Tell whether a name that begins with ``folder``, which ends in a slash, can be wanted."""
        if self.skip is not None and folder.startswith(self.skip):
            return False
        matches = folder.startswith(self._prefix) or self._prefix.startswith(folder)
        is_past = folder < self._after and not self._after.startswith(folder)
        return matches and not is_past and (not self._before or folder < self._before)


def _is_text(name: bytes) -> bool:
    try:
        name.decode()
    except UnicodeDecodeError:
        return False
    return True


def _leads_to_file(root: Path, path: Path) -> bool:
    try:
        return S_ISREG(walk_inside(root, path.relative_to(root).parts).lstat().st_mode)
    except (StorageError, OSError):
        return False
