"""File systems of a limited size for the data storage of jobs: ext4 in a sparse file, mounted as a node's directory (GN-L10).

Only root may mount, so only the daemon of root enforces sizes; ``problem`` says what is missing elsewhere. A file takes what is
written to it, not its size. Volumes outlive a daemon that dies; after a restart of the machine ``sweep`` mounts them again.
Weighed: project quotas, which cost nothing at run time but need a file system that was made and mounted for them.

Everything here blocks. Every step may be repeated after a crash.
"""

from __future__ import annotations

import logging
import os
import secrets
import shutil
import subprocess
import threading
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path
from stat import S_ISDIR, S_ISLNK, S_ISREG

from easymaker_local.artifacts import trees
from easymaker_local.errors import VolumeError

log = logging.getLogger(__name__)

_LEAST_BYTES = 64 << 20
# What is left of a node when its volume goes: how it was started, and the like. More than that are outputs that could not be
# stored, which stay where the user was told they are.
_MOST_KEPT_BYTES = 16 << 20
_TRIAL = ".volume-"
_SUFFIX, _PARTIAL = ".ext4", ".partial"
_MOUNT_OPTIONS = "loop,noinit_itable,discard,nosuid,nodev,errors=remount-ro,data_err=abort"
_NO_ROOM_BYTES = 1 << 20
# Mount and mkfs are often not on the path of those who are no administrators.
_PATH = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"))
_SECONDS = 120.0


class Volumes:
    """The volumes of an installation: ``root`` has their files, ``work`` a directory per job with one per node."""

    def __init__(self, root: Path, work: Path, *, wanted: bool = True) -> None:
        self._root = root
        self._work = work
        self._problem: str | None = None if wanted else "The setting enforce_data_storage is off."
        self._is_known = not wanted
        self._lock = threading.Lock()

    def problem(self) -> str | None:
        """Return why sizes cannot be enforced here; None if they can. The first call tries it, others wait for it."""
        with self._lock:
            if not self._is_known:
                self._problem = self._try()
                self._is_known = True
            return self._problem

    def mount(self, job: str, node: str, size_bytes: int) -> None:
        """Make a node's directory a volume, unless it is one or has been used as a plain directory; raises VolumeError."""
        folder, file = self._work / job / node, self._file(job, node)
        if folder.is_mount() or (not file.exists() and folder.is_dir() and any(folder.iterdir())):
            return
        folder.mkdir(parents=True, exist_ok=True)
        is_new = not file.exists()
        if is_new:
            self._make(file, max(size_bytes, _LEAST_BYTES))
        try:
            _mount(file, folder)
        except VolumeError:
            # It may have been slow and come nevertheless.
            _unmount(folder)
            if is_new:
                file.unlink()
            raise

    def has(self, job: str, node: str) -> bool:
        """True if a node's directory is a volume, mounted or not."""
        return self._file(job, node).exists()

    def is_full(self, job: str, node: str) -> bool:
        """True if a node's directory is a volume with no room left, for bytes or for files."""
        folder = self._work / job / node
        if not self.has(job, node) or not folder.is_mount():
            return False
        room = os.statvfs(folder)
        return room.f_bavail * room.f_frsize < _NO_ROOM_BYTES or room.f_favail == 0

    def is_lost(self, job: str, node: str) -> bool:
        """True if a node's directory is a volume of which not all that was written has come to the disk.

        Writing into a volume succeeds also while the disk below it is full: the loss comes later, and from then on the file
        system takes nothing more and says so whenever it is asked (``data_err=abort``).
        """
        folder = self._work / job / node
        if not self.has(job, node) or not folder.is_mount():
            return False
        try:
            trees.flush_file_system(folder)
        except OSError:
            return True
        return bool(os.statvfs(folder).f_flag & os.ST_RDONLY)

    def check(self, job: str, node: str) -> None:
        """See to it that what a node has written can be read; raises VolumeError."""
        folder, file = self._work / job / node, self._file(job, node)
        if not self.has(job, node) or folder.with_name(f"{node}.kept").exists():
            return
        if not folder.is_mount():  # the machine was restarted
            try:
                _mount(file, folder)
            except VolumeError as error:
                words = f"The data storage cannot be mounted ({error}). What was written is still in {file}."
                raise VolumeError(words) from error
        if self.is_lost(job, node):
            raise VolumeError("What was written was lost: the disk below the data storage is full or broken.")

    def settle(self, job: str, node: str) -> None:
        """Turn a node's volume into a plain directory with what is left in it; one that holds much stays.

        So does one that cannot be read or unmounted: what it holds is not given up for that.
        """
        folder, file = self._work / job / node, self._file(job, node)
        kept = folder.with_name(f"{node}.kept")
        try:
            if not kept.exists():
                if not file.exists():
                    return
                if not folder.is_mount():
                    _mount(file, folder)  # the machine was restarted
                if _size(folder) > _MOST_KEPT_BYTES:
                    return
                partial = folder.with_name(f"{node}.partial")
                shutil.rmtree(partial, ignore_errors=True)
                shutil.copytree(folder, partial, symlinks=True, ignore=_special)
                _flush(partial)
                partial.rename(kept)
            _unmount(folder)
            with suppress(FileNotFoundError):
                folder.rmdir()
            file.unlink(missing_ok=True)
            kept.rename(folder)
        except (VolumeError, OSError) as error:
            log.warning("the volume %s stays: %s", file, error)

    def drop(self, job: str) -> bool:
        """Unmount and remove all volumes of a job; False if one stays, and so has to what it is mounted on."""
        is_done = True
        for file, folder in self._of(job):
            try:
                _unmount(folder)
                file.unlink(missing_ok=True)
            except (VolumeError, OSError) as error:
                log.warning("the volume %s stays: %s", file, error)
                is_done = False
        return is_done

    def sweep(self, known: Collection[str]) -> None:
        """Remove volumes of jobs that are gone, and mount again those that a restart of the machine has unmounted."""
        for place in self._root.parent.glob(f"{_TRIAL}*"):
            pid = place.name.removeprefix(_TRIAL).partition("-")[0]
            if not Path("/proc", pid).exists() and Volumes(place / "volumes", place / "work").drop("job"):
                shutil.rmtree(place, ignore_errors=True)
        for partial in self._root.glob(f"*{_PARTIAL}"):
            partial.unlink(missing_ok=True)
        for file in sorted(self._root.glob(f"*{_SUFFIX}")):
            job, _, node = file.name.removesuffix(_SUFFIX).partition(".")
            folder = self._work / job / node
            if job not in known:
                self.drop(job)
            elif folder.is_dir() and not folder.is_mount() and not folder.with_name(f"{node}.kept").exists():
                try:
                    _mount(file, folder)
                except VolumeError as error:
                    log.warning("the volume %s cannot be mounted again: %s", file, error)

    def _file(self, job: str, node: str) -> Path:
        return self._root / f"{job}.{node}{_SUFFIX}"

    def _of(self, job: str) -> Iterator[tuple[Path, Path]]:
        for file in self._root.glob(f"{job}.*{_SUFFIX}"):
            yield file, self._work / job / file.name.removesuffix(_SUFFIX).partition(".")[2]

    def _make(self, file: Path, size_bytes: int) -> None:
        self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
        partial = file.with_suffix(_PARTIAL)
        try:
            with partial.open("wb") as made:
                made.truncate(size_bytes)
        except OSError as error:
            raise VolumeError(f"A volume of {size_bytes} bytes cannot be made: {error.strerror}.") from error
        options = "lazy_itable_init=1,lazy_journal_init=1,nodiscard"
        _run("mkfs.ext4", "-q", "-F", "-m", "0", "-J", "size=16", "-E", options, str(partial))
        partial.rename(file)

    def _try(self) -> str | None:
        if os.geteuid() != 0:
            return "Only the daemon of root can mount volumes of a limited size."
        missing = [name for name in ("mkfs.ext4", "mount", "umount") if shutil.which(name, path=_PATH) is None]
        if missing:
            return f"{', '.join(missing)} is not installed."
        # A place of its own, named after this process: nobody else's sweep is to take it for something that was left.
        place = self._root.with_name(f"{_TRIAL}{os.getpid()}-{secrets.token_hex(4)}")
        trial = Volumes(place / "volumes", place / "work")
        try:
            trial.mount("job", "node", _LEAST_BYTES)
        except (VolumeError, OSError) as error:
            return f"Volumes of a limited size cannot be mounted here: {error}"
        finally:
            trial.drop("job")
            shutil.rmtree(place, ignore_errors=True)
        return None


def _size(folder: Path) -> int:
    """Return how much a copy of a tree takes at most: holes of files count as if they were full."""
    return sum(path.lstat().st_size for path in folder.rglob("*"))


def _flush(tree: Path) -> None:
    """Write out the files of a small tree, and nothing of what others have written."""
    for path in tree.rglob("*"):
        if path.is_file() and not path.is_symlink():
            with path.open("rb") as file:
                os.fsync(file.fileno())


def _special(folder: str, names: list[str]) -> list[str]:
    """Return what cannot be copied: pipes, sockets and devices."""
    modes = {name: Path(folder, name).lstat().st_mode for name in names}
    return [name for name, mode in modes.items() if not (S_ISREG(mode) or S_ISDIR(mode) or S_ISLNK(mode))]


def _mount(file: Path, folder: Path) -> None:
    _run("mount", "-t", "ext4", "-o", _MOUNT_OPTIONS, str(file), str(folder))
    with suppress(OSError):
        (folder / "lost+found").rmdir()


def _unmount(folder: Path) -> None:
    if folder.is_mount():
        # Lazily: whoever still looks into it, a shell of the user's, does not keep it from going.
        _run("umount", "-l", str(folder))


def _run(*command: str) -> None:
    try:
        done = subprocess.run(
            command, env={**os.environ, "PATH": _PATH, "LC_ALL": "C"}, capture_output=True, text=True, check=False,
            timeout=_SECONDS,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise VolumeError(f"{command[0]} failed: {error}") from error
    if done.returncode:
        raise VolumeError(f"{command[0]} failed: {done.stderr.strip() or done.returncode}")
