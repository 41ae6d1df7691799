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
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from stat import S_ISDIR, S_ISREG
from typing import BinaryIO

from easymaker_local.artifacts import trees
from easymaker_local.artifacts.locations import HIDDEN, Address, Kind, Location, check_container_name, parse, walk_inside
from easymaker_local.errors import NotFound, StorageError, StorageFull
from easymaker_local.settings import Nas

_TEMPORARY = f"{HIDDEN}tmp"
_ABANDONED_SECONDS = 24 * 3600.0
_COPY_BYTES = 1 << 30
_BLOCK_BYTES = 1 << 20
_CANNOT_COPY = {errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EBADF}


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
        with translated(name):
            self._buckets.mkdir(parents=True, exist_ok=True)
            try:
                (self._buckets / name).mkdir()
            except FileExistsError:
                return False
        return True

    def resolve(self, uri: str) -> Location:
        """Say where ``uri`` lies; the place need not exist, its container or NAS must. Links in it were followed."""
        return self.locate(parse(uri))

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
        with translated(uri):
            found = location.path.stat()
            if not S_ISDIR(found.st_mode):
                return [Entry(location.path.name, found.st_size, found.st_mtime, is_directory=False)]
            return sorted(_entries(location, location.path, "", recursive), key=lambda entry: entry.name.encode())

    def open_read(self, uri: str) -> BinaryIO:
        """Open a file; the caller closes it."""
        path = self.resolve(uri).path
        with translated(uri):
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
        address = parse(uri)
        if uri.endswith("/"):
            raise StorageError(f"{uri} is a directory.", hint="Name the file to write.")
        upload = self.begin(address)
        try:
            with translated(uri):
                for chunk in chunks:
                    upload.write(chunk)
            found = upload.finish()
        finally:
            upload.discard()
        return Entry(address.parts[-1], found.st_size, found.st_mtime, is_directory=False)

    def begin(self, address: Address) -> Upload:
        """Begin to write one file; the caller ends it with ``finish`` and, in any case, ``discard``."""
        location = self.locate_entry(address)
        if location.is_root or location.path.is_dir():
            raise StorageError(f"{address.uri} is a directory.", hint="Name the file to write.")
        _check_writable(location)
        base = self._buckets if location.kind is Kind.OBS else location.root
        return Upload(location, base, lambda: self.locate_entry(address))

    def delete(self, uri: str, *, recursive: bool = False) -> None:
        """Delete a file, or a link (not what it leads to); with ``recursive`` also a directory or a whole container."""
        location = self.locate_entry(parse(uri))
        path = location.path
        _check_writable(location)
        if location.is_root and location.kind is Kind.NAS:
            raise StorageError(f"{uri} is a whole NAS and cannot be deleted.")
        with translated(uri):
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
                        trees.remove(entry)

    def root(self, address: Address) -> tuple[Path, bool]:
        """Return the top of a container or NAS and whether it is read-only; raises StorageError if it is not there."""
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
        check_container_name(address.name)
        bucket = self._buckets / address.name
        if bucket.is_symlink():
            raise StorageError(f"Container {address.name!r} is a link.", hint="List the directory as a NAS in the settings.")
        if not bucket.is_dir():
            raise StorageError(
                f"There is no container {address.name!r}.",
                hint=f"A container is a directory; make it with: mkdir -p {shlex.quote(str(bucket))}",
            )
        return bucket.resolve(), False

    def locate(self, address: Address) -> Location:
        """Say where an address lies; links in it were followed."""
        root, read_only = self.root(address)
        path = walk_inside(root, address.parts)
        return Location(
            uri=address.uri, kind=address.kind, name=address.name, relative="/".join(address.parts),
            path=path, root=root, read_only=read_only,
        )  # fmt: skip

    def locate_entry(self, address: Address) -> Location:
        """Locate the directory entry itself: only links before the last name are followed."""
        above = self.locate(replace(address, parts=address.parts[:-1]))
        if not address.parts:
            return above
        if above.path.exists() and not above.path.is_dir():
            raise StorageError(f"{above.path.name!r} is a file, nothing can lie below it.")
        return replace(above, relative="/".join(address.parts), path=above.path / address.parts[-1])


class Upload:
    """A file that is being written under a hidden name and appears under its own by ``finish``, whole."""

    def __init__(self, location: Location, base: Path, locate: Callable[[], Location]) -> None:
        self.location = location
        self._locate = locate
        with translated(location.uri):
            # Mounted into the NAS, another file system may begin below its top.
            nearest = next(parent for parent in location.path.parents if parent.exists())
            folder = base / _TEMPORARY
            if nearest.stat().st_dev == base.stat().st_dev:
                folder.mkdir(exist_ok=True)
            else:
                folder = nearest
            self.aside = folder / f"{HIDDEN}{secrets.token_hex(8)}"
            self._file = self.aside.open("xb", buffering=0)

    def write(self, block: bytes) -> None:
        """Append; raises StorageFull."""
        with translated(self.location.uri):
            rest = memoryview(block)
            while rest:
                rest = rest[self._file.write(rest) :]

    def append(self, source: BinaryIO) -> None:
        """Append what is left of a file, inside the kernel where the file system can."""
        with translated(self.location.uri):
            try:
                while os.copy_file_range(source.fileno(), self._file.fileno(), _COPY_BYTES):
                    pass
            except OSError as error:
                if error.errno not in _CANNOT_COPY:
                    raise
                while block := os.read(source.fileno(), _BLOCK_BYTES):
                    self.write(block)

    def finish(self, *, replace_directory: bool = False) -> os.stat_result:
        """Flush, make directories as needed and take the name; returns what is there now.

        With ``replace_directory`` a directory of that name is exchanged for the file, and removed with all that is in it.
        """
        path = self.location.path
        with translated(self.location.uri):
            os.fsync(self._file.fileno())
            self._file.close()
            for left in (2, 1, 0):
                path.parent.mkdir(parents=True, exist_ok=True)
                if self._locate() != self.location:
                    raise StorageError(
                        f"{self.location.uri} leads to another place than before.", hint="A link in it was changed."
                    )
                try:
                    if replace_directory and trees.is_directory(path):
                        trees.exchange(self.aside, path)
                    else:
                        self.aside.replace(path)
                    break
                except FileNotFoundError:
                    # A deletion took the folder away, empty as it was, since it was made.
                    if not left:
                        raise
            trees.flush_directory(path.parent)
            return path.lstat()

    def discard(self) -> None:
        """Remove what was not finished; calm afterwards."""
        self._file.close()
        trees.remove(self.aside)


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
    with translated(location.uri):
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
def translated(what: str) -> Iterator[None]:
    """Turn what the file system says into NotFound, StorageFull or StorageError."""
    try:
        yield
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NotFound(f"There is nothing at {what}.") from error
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise StorageFull(f"{what}: {error.strerror or error}.", hint="Free space on that disk.") from error
        raise StorageError(f"{what}: {error.strerror or error}.") from error
