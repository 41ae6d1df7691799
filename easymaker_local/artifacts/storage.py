"""Buckets and NAS directories as the rest of the appliance sees them (GN-06…GN-12, GN-L05, GN-L06).

A bucket is a plain directory below ``buckets`` that users may fill themselves; a NAS is a directory that the settings list.
All functions block: callers that must not use a thread. Uploads are written in ``.easymaker-tmp`` at the top of the same
file system and renamed in place, so that neither a reader nor a publication ever meets half a file.
"""

from __future__ import annotations

import errno
import os
import secrets
import shlex
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from stat import S_ISDIR, S_ISREG
from typing import BinaryIO

from easymaker_local.artifacts import trees
from easymaker_local.artifacts.locations import HIDDEN, Address, Kind, Location, check_container_name, parse, walk_inside
from easymaker_local.errors import NotFound, StorageError
from easymaker_local.settings import Nas

_TEMPORARY = f"{HIDDEN}tmp"
_ABANDONED_SECONDS = 24 * 3600.0


@dataclass(frozen=True)
class Entry:
    """One line of a list. ``name`` is relative to what was listed; ``modified`` is in epoch seconds."""

    name: str
    size: int
    modified: float
    is_directory: bool


@dataclass(frozen=True)
class Size:
    """``complete`` is False if there was more than the walk may count."""

    files: int
    bytes: int
    complete: bool


class Storage:
    """Every data location of this appliance. Refusals are StorageError, absent objects NotFound."""

    def __init__(self, buckets: Path, nas: Mapping[str, Nas]) -> None:
        self._buckets = buckets
        self._nas = dict(nas)

    def containers(self) -> Sequence[str]:
        """Return the names of all buckets, sorted."""
        if not self._buckets.exists():
            return []
        return sorted(
            (e.name for e in os.scandir(self._buckets) if e.is_dir(follow_symlinks=False) and not e.name.startswith(".")),
            key=os.fsencode,
        )

    def create_container(self, name: str) -> bool:
        """Make a bucket; False if it exists already."""
        check_container_name(name)
        with _translated(name):
            self._buckets.mkdir(parents=True, exist_ok=True)
            try:
                (self._buckets / name).mkdir()
            except FileExistsError:
                return False
        return True

    def resolve(self, uri: str) -> Location:
        """Say where ``uri`` lies; the place need not exist, its container or NAS must. Links in it were followed."""
        return self._locate(parse(uri))

    def resolve_output(self, uri: str) -> Location:
        """Like ``resolve``, for something to be written. The container must exist, as in the cloud; the path need not."""
        location = self.resolve(uri)
        _check_writable(location)
        if location.path.exists() and not location.path.is_dir():
            raise StorageError(f"{uri} is a file.", hint="Give a directory.")
        return location

    def recheck(self, location: Location) -> Location:
        """Resolve again right before use; raises StorageError if a link has been changed on the way since."""
        now = self.resolve(location.uri)
        if (now.path, now.root) != (location.path, location.root):
            raise StorageError(f"{location.uri} leads to another place than before.", hint="A link in it was changed.")
        return now

    def list(self, uri: str, *, recursive: bool = False) -> Sequence[Entry]:
        """Return a directory's entries, or the one of an exact file, sorted by the bytes of their names.

        Links that lead out of the storage or nowhere are left out; linked directories are not walked into. Bytes that are
        no UTF-8 show as a replacement character (and cannot be addressed).
        """
        location = self.resolve(uri)
        with _translated(uri):
            found = location.path.stat()
            if not S_ISDIR(found.st_mode):
                return [Entry(location.path.name, found.st_size, found.st_mtime, is_directory=False)]
            return sorted(_entries(location, location.path, "", recursive), key=lambda entry: entry.name.encode())

    def open_read(self, uri: str) -> BinaryIO:
        """Open a file; the caller closes it."""
        path = self.resolve(uri).path
        with _translated(uri):
            # O_NOFOLLOW: what was resolved is no link; O_NONBLOCK: opening a pipe must not wait for its writer.
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            if not S_ISREG(os.fstat(descriptor).st_mode):
                os.close(descriptor)
                raise StorageError(f"{uri} is not a file.")
            return os.fdopen(descriptor, "rb")

    def write(self, uri: str, chunks: Iterable[bytes]) -> Entry:
        """Store ``chunks`` as one file, making directories as needed; a file or link of that name is replaced.

        If ``chunks`` raises, that error passes and nothing is stored.
        """
        location = self._locate_entry(uri)
        path = location.path
        if uri.endswith("/") or location.is_root or path.is_dir():
            raise StorageError(f"{uri} is a directory.", hint="Name the file to write.")
        _check_writable(location)
        with _translated(uri):
            base = self._buckets if location.kind is Kind.OBS else location.root
            # Mounted into the NAS, another file system may begin below its top.
            nearest = next(parent for parent in path.parents if parent.exists())
            folder = base / _TEMPORARY
            if nearest.stat().st_dev == base.stat().st_dev:
                folder.mkdir(exist_ok=True)
            else:
                folder = nearest
            aside = folder / f"{HIDDEN}{secrets.token_hex(8)}"
            try:
                with aside.open("xb") as file:
                    for chunk in chunks:
                        file.write(chunk)
                    file.flush()
                    os.fsync(file.fileno())
                    found = os.fstat(file.fileno())
                path.parent.mkdir(parents=True, exist_ok=True)
                if self._locate_entry(uri) != location:
                    raise StorageError(f"{uri} leads to another place than before.", hint="A link in it was changed.")
                aside.replace(path)
            finally:
                aside.unlink(missing_ok=True)
            trees.flush_directory(path.parent)
        return Entry(path.name, found.st_size, found.st_mtime, is_directory=False)

    def delete(self, uri: str, *, recursive: bool = False) -> None:
        """Delete a file, or a link (not what it leads to); with ``recursive`` also a directory or a whole container."""
        location = self._locate_entry(uri)
        path = location.path
        _check_writable(location)
        if location.is_root and location.kind is Kind.NAS:
            raise StorageError(f"{uri} is a whole NAS and cannot be deleted.")
        with _translated(uri):
            if S_ISDIR(path.lstat().st_mode):
                if not recursive:
                    raise StorageError(f"{uri} is a directory.", hint="Ask for a recursive deletion.")
                shutil.rmtree(path)
            else:
                path.unlink()

    def sweep(self) -> None:
        """Remove what interrupted uploads left. On a NAS, which others may use too, only what is a day old."""
        for base, age in [(self._buckets, 0.0), *((nas.path, _ABANDONED_SECONDS) for nas in self._nas.values())]:
            folder = base / _TEMPORARY
            if trees.is_directory(folder):
                for entry in folder.iterdir():
                    if entry.lstat().st_mtime <= time.time() - age:
                        entry.unlink()

    def _root(self, address: Address) -> tuple[Path, bool]:
        if address.kind is Kind.NAS:
            nas = self._nas.get(address.name)
            if nas is None:
                known = ", ".join(sorted(self._nas)) or "none"
                raise StorageError(
                    f"There is no NAS {address.name!r}; known: {known}.", hint="List its directory in the settings: nas."
                )
            if not nas.path.is_dir():
                raise StorageError(f"The directory of NAS {address.name!r} is not there: {nas.path}.", hint="Mount it.")
            return nas.path.resolve(), nas.read_only
        bucket = self._buckets / address.name
        if bucket.is_symlink():
            raise StorageError(f"Container {address.name!r} is a link.", hint="List the directory as a NAS in the settings.")
        if not bucket.is_dir():
            raise StorageError(
                f"There is no container {address.name!r}.",
                hint=f"A container is a directory; make it with: mkdir -p {shlex.quote(str(bucket))}",
            )
        return bucket.resolve(), False

    def _locate(self, address: Address) -> Location:
        root, read_only = self._root(address)
        path = walk_inside(root, address.parts)
        return Location(
            uri=address.uri, kind=address.kind, name=address.name, relative="/".join(address.parts),
            path=path, root=root, read_only=read_only,
        )  # fmt: skip

    def _locate_entry(self, uri: str) -> Location:
        """Locate the directory entry itself: only links before the last name are followed."""
        address = parse(uri)
        above = self._locate(replace(address, parts=address.parts[:-1]))
        if not address.parts:
            return above
        if above.path.exists() and not above.path.is_dir():
            raise StorageError(f"{above.path.name!r} is a file, nothing can lie below it.")
        return replace(above, relative="/".join(address.parts), path=above.path / address.parts[-1])


def check_directory(location: Location) -> None:
    """Raise StorageError unless there is a directory that can be read: data sets and other inputs are directories (GN-07)."""
    try:
        # Not ``os.access`` on the resolved path alone: an absent input deserves another message than a closed one.
        mode = location.path.lstat().st_mode
    except OSError as error:
        literal = "%" in location.relative
        raise StorageError(
            f"There is nothing at {location.uri}.",
            hint="Names are taken literally: write a blank as a blank, not as %20." if literal else None,
        ) from error
    if not S_ISDIR(mode):
        raise StorageError(f"{location.uri} is a file.", hint="Name the directory that holds it.")
    if not os.access(location.path, os.R_OK | os.X_OK):
        raise StorageError(f"{location.uri} cannot be read by this user.")


def size(location: Location, *, max_entries: int = 1_000_000) -> Size:
    """Add up the files below a location, or the one file; links count nothing. Looks at ``max_entries`` names at most."""
    files = total = seen = 0
    pending = [location.path]
    with _translated(location.uri):
        found = location.path.lstat()
        if not S_ISDIR(found.st_mode):
            return Size(1, found.st_size, complete=True)
        while pending:
            with os.scandir(pending.pop()) as entries:
                for entry in entries:
                    seen += 1
                    if seen > max_entries:
                        return Size(files, total, complete=False)
                    if entry.is_dir(follow_symlinks=False):
                        pending.append(Path(entry.path))
                    elif entry.is_file(follow_symlinks=False):
                        files += 1
                        total += entry.stat(follow_symlinks=False).st_size
    return Size(files, total, complete=True)


def _entries(location: Location, folder: Path, prefix: str, recursive: bool) -> Iterator[Entry]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(HIDDEN):
                continue
            path = Path(entry.path)
            try:
                if entry.is_symlink():
                    path = walk_inside(location.root, path.relative_to(location.root).parts)
                found = path.lstat()
            except (StorageError, FileNotFoundError):
                continue  # leads out or nowhere, or was deleted while we look
            is_directory = S_ISDIR(found.st_mode)
            name = prefix + os.fsencode(entry.name).decode(errors="replace")
            yield Entry(name, 0 if is_directory else found.st_size, found.st_mtime, is_directory)
            if recursive and is_directory and not entry.is_symlink():
                yield from _entries(location, path, f"{name}/", recursive)


def _check_writable(location: Location) -> None:
    if location.read_only:
        raise StorageError(f"NAS {location.name!r} is read-only.", hint="Its entry in the settings says so: read_only.")


@contextmanager
def _translated(what: str) -> Iterator[None]:
    try:
        yield
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NotFound(f"There is nothing at {what}.") from error
    except OSError as error:
        full = error.errno in {errno.ENOSPC, errno.EDQUOT}
        raise StorageError(f"{what}: {error.strerror or error}.", hint="Free space on that disk." if full else None) from error
