"""What the file system can do that Python's library does not offer: exchange, flush, copies that were read back."""

from __future__ import annotations

import ctypes
import errno
import hashlib
import os
import shutil
from collections.abc import Callable, Collection
from pathlib import Path

from easymaker_local.errors import StorageError

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2
_BLOCK = 1 << 20

Step = Callable[[str], None]


def exchange(first: Path, second: Path) -> None:
    """Swap two names in one atomic act. OSError EINVAL or ENOSYS: this file system or kernel cannot."""
    libc = ctypes.CDLL(None, use_errno=True)
    if not hasattr(libc, "renameat2"):
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    if libc.renameat2(_AT_FDCWD, os.fsencode(first), _AT_FDCWD, os.fsencode(second), _RENAME_EXCHANGE) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(first), None, str(second))


def flush_directory(path: Path) -> None:
    """Make the names in a directory survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def flush_file_system(path: Path) -> None:
    """Write out everything below ``path``. One call for the file system: files that we may not open need it as well."""
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        if libc.syncfs(descriptor) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), str(path))
    finally:
        os.close(descriptor)


def identity(path: Path) -> tuple[int, int] | None:
    """Return device and inode of what bears this name, links not followed; None if nothing does."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def is_directory(path: Path) -> bool:
    """Whether it is a directory and no link to one."""
    return path.is_dir() and not path.is_symlink()


def remove(path: Path) -> None:
    """Remove a file, a link or a whole directory; calm about absence."""
    try:
        if is_directory(path):
            shutil.rmtree(path)
        else:
            path.unlink()
    except FileNotFoundError:
        if identity(path) is not None:
            raise


def copy_tree(source: Path, target: Path, folders: Collection[str], names: Collection[str], step: Step) -> None:
    """Copy to the new directory ``target``, flushed and read back; ``folders`` come parents first."""
    target.mkdir()
    for folder in folders:
        (target / folder).mkdir()
    for name in names:
        step("copying")
        if (source / name).is_symlink():
            (target / name).symlink_to((source / name).readlink())
        else:
            _copy_file(source / name, target / name)
    # Modes and flushes last and from the inside out: a folder may be read-only.
    for folder in [*reversed([*folders]), ""]:
        (target / folder).chmod((source / folder).stat().st_mode & 0o777)
        flush_directory(target / folder)


def _copy_file(source: Path, target: Path) -> None:
    written = hashlib.sha256()
    with source.open("rb", buffering=0) as reader, target.open("xb") as writer:
        while block := reader.read(_BLOCK):
            written.update(block)
            writer.write(block)
        found = os.fstat(reader.fileno())
        writer.flush()
        os.fsync(writer.fileno())
        os.fchmod(writer.fileno(), found.st_mode & 0o777)
        # Otherwise the check would read our own cache and not what the storage keeps.
        os.posix_fadvise(writer.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    os.utime(target, ns=(found.st_atime_ns, found.st_mtime_ns))
    stored = hashlib.sha256()
    with target.open("rb", buffering=0) as reader:
        while block := reader.read(_BLOCK):
            stored.update(block)
    if stored.digest() != written.digest():
        raise StorageError(f"{target.name!r} was stored with other content than was written.", hint="Check the storage.")
