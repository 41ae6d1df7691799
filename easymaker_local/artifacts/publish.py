"""Putting a finished output directory in its place (architecture decision 5, TR-49, TR-L04).

The tree that is to be seen is completed first and then takes the destination's name in one act, so nobody ever sees half a
model. Where something lies at the destination already, the outcome is that of object storage: files of the same name are
replaced, others stay. How:

1. Staging on another file system: a verified copy is made under a hidden name beside the destination and used from here on.
2. Nothing at the destination (or an empty directory): one rename.
3. Otherwise the destination's other files are hard-linked into the new tree, the two are exchanged
   (``renameat2(RENAME_EXCHANGE)``), and the old tree is cleared; what appeared in it in the meantime moves over.

The record says which directory (by inode) is to arrive. If it still lies at its old name, the exchange has not happened;
otherwise it has. So a call that was killed anywhere is simply repeated.

**Not atomic**, file by file with ``os.replace`` instead: where the file system cannot exchange or link (NFS, many FUSE), a
mount point, a directory with files that this user may not link or clear, and ``in_place``. No single file is ever half there
even then; ``Published.whole`` tells.

Weighed: keeping the directory and replacing file by file everywhere (shows mixed models), and a link that is switched
(object paths would be links, and the first publication could not be switched). The price of the exchange: a program that
keeps the *old directory* open, or mounted, sees it emptied; files that it has open stay readable.
"""

from __future__ import annotations

import errno
import json
import os
import secrets
from collections.abc import Collection
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from easymaker_local.artifacts import trees
from easymaker_local.artifacts.locations import HIDDEN, walk_inside
from easymaker_local.artifacts.trees import Step, identity, is_directory
from easymaker_local.errors import StorageError
from easymaker_local.kit.files import read_json, write_atomically

_FULL = {errno.ENOSPC, errno.EDQUOT}
_OCCUPIED = {errno.ENOTEMPTY, errno.EEXIST}
_CANNOT_SWAP = {
    errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EXDEV, errno.EBUSY, errno.EPERM, errno.EACCES, errno.EMLINK,
}  # fmt: skip


@dataclass(frozen=True)
class Published:
    """What arrived: files (links count) and their bytes. ``whole`` is False if it was done file by file."""

    files: int
    bytes: int
    whole: bool = True


@dataclass(frozen=True)
class _Plan:
    """The record on disk. ``tree`` is the directory to arrive: the staged one or its copy, whose ``inode`` is known once it is
    complete. ``names`` are the staged files and ``folders`` the staged directories, parents first, as first found: later
    the tree also holds links to the destination's files.
    """

    destination: str
    names: list[str]
    folders: list[str]
    bytes: int
    token: str
    tree: str
    inode: tuple[int, int] | None
    whole: bool = True
    done: bool = False

    @property
    def summary(self) -> Published:
        return Published(len(self.names), self.bytes, self.whole)


def publish(staged: Path, destination: Path, record: Path, *, in_place: bool = False, step: Step = lambda _: None) -> Published:
    """Move ``staged`` to ``destination`` and return what arrived.

    Repeat it after a crash or an error with the same arguments; after success it changes nothing. ``record`` is a file of
    this one publication, kept until the caller removes it together with the job's work. An empty ``staged`` makes an empty
    destination. ``in_place`` keeps the destination directory itself, for the root of a NAS. ``step`` is called before every
    change, for tests.

    Raises StorageError, nothing published and ``staged`` as it was, if the disk is full, if staged links leave the tree (or
    are absolute: they would break), or if a staged file and a directory of the destination bear the same name. File by file,
    an error leaves the rest in ``staged``.
    """
    try:
        plan = _load(record, destination)
        if plan is None:
            plan = _survey(staged, destination)
            _save(record, plan)
        if not plan.done:
            plan = _arrive(plan, staged, record, in_place or destination.is_mount(), step)
            step("forget")
            trees.remove(staged)
            plan = replace(plan, done=True)
            _save(record, plan)
    except OSError as error:
        full = error.errno in _FULL
        raise StorageError(
            f"{destination.name!r} cannot be stored: {error.strerror or error}.",
            hint="Free space on that disk." if full else f"The output is still in {staged}.",
        ) from error
    return plan.summary


def _load(record: Path, destination: Path) -> _Plan | None:
    fields = read_json(record)
    if fields is None:
        return None
    plan = _Plan(**{**fields, "inode": fields["inode"] and tuple(fields["inode"])})
    if plan.destination != str(destination):
        raise StorageError(f"{record} records another publication, to {plan.destination}.")
    return plan


def _save(record: Path, plan: _Plan) -> None:
    # ASCII, so that file names that are no UTF-8 survive as escaped surrogates.
    write_atomically(record, json.dumps(asdict(plan)).encode())
    trees.flush_directory(record.parent)


def _survey(staged: Path, destination: Path) -> _Plan:
    """List what is staged; refuse what cannot be stored."""
    if not is_directory(staged):
        raise StorageError(f"{staged} is no directory, there is nothing to publish.")
    if destination.is_relative_to(staged) or staged.is_relative_to(destination):
        raise StorageError(f"{staged} and {destination} lie in each other.")
    names: list[str] = []
    folders: list[str] = []
    size = 0
    pending = [""]
    while pending:
        prefix = pending.pop()
        with os.scandir(staged / prefix) as entries:
            for entry in entries:
                name = f"{prefix}{entry.name}"
                if entry.is_dir(follow_symlinks=False):
                    folders.append(name)
                    pending.append(f"{name}/")
                    continue
                if entry.is_symlink():
                    _check_link(staged, name)
                elif entry.is_file(follow_symlinks=False):
                    size += entry.stat(follow_symlinks=False).st_size
                else:
                    raise StorageError(f"The output holds {name!r}, which is neither file, directory nor link.")
                names.append(name)
    plan = _Plan(
        destination=str(destination), names=sorted(names), folders=sorted(folders), bytes=size,
        token=secrets.token_hex(4), tree=str(staged), inode=identity(staged),
    )  # fmt: skip
    if is_directory(destination):
        _check_clashes(destination, plan)  # again later, but better now than after a long copy
    return plan


def _check_link(staged: Path, name: str) -> None:
    try:
        walk_inside(staged, name.split("/"), absolute_links=False)
    except StorageError as error:
        raise StorageError(
            f"The output holds the link {name!r}, which is absolute or leads out of it.",
            hint="Store the file itself, or a relative link within the output.",
        ) from error


def _arrive(plan: _Plan, staged: Path, record: Path, in_place: bool, step: Step) -> _Plan:
    """Make the tree arrive, whatever an earlier call did of it; afterwards ``plan.tree`` is gone."""
    destination = Path(plan.destination)
    home = destination if in_place else destination.parent
    step("make room")
    home.mkdir(parents=True, exist_ok=True)
    if Path(plan.tree) == staged and plan.inode == identity(staged) and staged.lstat().st_dev != home.stat().st_dev:
        plan = _copy_beside(plan, home, record)
    while True:
        if plan.inode is None:
            plan = _copy(plan, staged, record, step)
        tree = Path(plan.tree)
        if identity(tree) == plan.inode:
            trees.flush_file_system(tree)
            try:
                plan = _place(plan, tree, record, in_place, step)
            except OSError as error:
                # One device number, and yet the kernel moves nothing across (bind mounts, lower layers of overlays).
                if error.errno == errno.EXDEV and tree == staged:
                    plan = _copy_beside(plan, home, record)
                    continue
                _discard_copy(tree, staged, record)
                raise
            except StorageError:
                _discard_copy(tree, staged, record)
                raise
        if identity(tree) is not None:
            if plan.whole:
                _clear(tree, destination, {*plan.names, *plan.folders}, "", step)
            else:
                trees.remove(tree)
        return plan


def _copy_beside(plan: _Plan, home: Path, record: Path) -> _Plan:
    plan = replace(plan, tree=str(home / f"{HIDDEN}{plan.token}"), inode=None)
    _save(record, plan)
    return plan


def _discard_copy(tree: Path, staged: Path, record: Path) -> None:
    """Leave nothing behind where the copy cannot be placed; the staged tree is whole, so a repetition begins anew."""
    if tree != staged:
        record.unlink()
        trees.remove(tree)


def _copy(plan: _Plan, staged: Path, record: Path, step: Step) -> _Plan:
    copy = Path(plan.tree)
    trees.remove(copy)
    try:
        step("copy")
        trees.copy_tree(staged, copy, plan.folders, plan.names, step)
        trees.flush_directory(copy.parent)
    except (OSError, StorageError):
        trees.remove(copy)
        raise
    plan = replace(plan, inode=identity(copy))
    step("copied")
    _save(record, plan)
    return plan


def _place(plan: _Plan, tree: Path, record: Path, in_place: bool, step: Step) -> _Plan:
    """Give ``tree`` the destination's name. Any error leaves it with its own files only."""
    destination = Path(plan.destination)
    try:
        if not in_place:
            step("rename")
            tree.rename(destination)
            trees.flush_directory(destination.parent)
            return plan
    except OSError as error:
        if error.errno == errno.ENOTDIR:
            raise StorageError(f"{destination.name!r} is a file or a link, not a directory.") from error
        if error.errno not in _OCCUPIED | {errno.EBUSY}:
            raise
    _check_clashes(destination, plan)
    try:
        if not in_place and plan.whole:
            _prune(tree, plan)  # what an interrupted call linked may be out of date
            _link_others(destination, tree, step)
            step("exchange")
            trees.exchange(tree, destination)
            trees.flush_directory(destination.parent)
            return plan
    except OSError as error:
        _prune(tree, plan)
        if error.errno not in _CANNOT_SWAP:
            raise
    plan = replace(plan, whole=False)
    _save(record, plan)
    for folder in plan.folders:
        (destination / folder).mkdir(exist_ok=True)
    for name in plan.names:
        step("replace")
        if identity(tree / name) is not None:  # else an earlier call moved it
            (tree / name).replace(destination / name)
    trees.flush_file_system(destination)
    return plan


def _check_clashes(destination: Path, plan: _Plan) -> None:
    """A file and a directory cannot share a name, and neither may be lost."""
    for name in plan.names:
        if is_directory(destination / name):
            raise StorageError(f"The output holds a file {name!r}, its destination a directory of that name.")
    for folder in plan.folders:
        if identity(destination / folder) is not None and not is_directory(destination / folder):
            raise StorageError(f"The output holds a directory {folder!r}, its destination a file or link of that name.")


def _prune(tree: Path, plan: _Plan) -> None:
    """Remove what was not staged."""
    names, folders = {*plan.names}, {*plan.folders}
    for prefix in ["", *(f"{folder}/" for folder in plan.folders)]:
        for path in (tree / prefix).iterdir():
            if prefix + path.name not in names and prefix + path.name not in folders:
                trees.remove(path)


def _link_others(old: Path, new: Path, step: Step) -> None:
    """Link everything of ``old`` whose name is free in ``new``."""
    if not os.access(old, os.W_OK | os.X_OK):  # could not be cleared after the exchange
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(old))
    with os.scandir(old) as entries:
        for entry in entries:
            step("link")
            target = new / entry.name
            if entry.is_dir(follow_symlinks=False):
                if identity(target) is None:
                    target.mkdir()
                    target.chmod(entry.stat(follow_symlinks=False).st_mode & 0o777)
                _link_others(Path(entry.path), target, step)
            elif identity(target) is None and identity(Path(entry.path)) is not None:
                os.link(entry.path, target, follow_symlinks=False)


def _clear(old: Path, new: Path, staged: Collection[str], prefix: str, step: Step) -> None:
    """Remove the old tree; nothing goes without having a place in the new one or having been replaced by something staged.

    A file that was overwritten between link and exchange is newer than its namesake and moves over. One that was deleted from
    the new tree since the exchange returns: it cannot be told from one that was added, and keeping is the safer error.
    """
    while True:
        for mine in old.iterdir():
            step("clear")
            theirs, name = new / mine.name, prefix + mine.name
            if is_directory(mine) and is_directory(theirs):
                _clear(mine, theirs, staged, f"{name}/", step)
            elif name in staged or identity(mine) in {identity(theirs), None}:
                trees.remove(mine)
            elif identity(theirs) is None or mine.lstat().st_mtime_ns > theirs.lstat().st_mtime_ns:
                trees.remove(theirs)
                mine.rename(theirs)
            else:
                trees.remove(mine)
        try:
            old.rmdir()
        except OSError as error:
            if error.errno not in _OCCUPIED:
                raise
            continue  # somebody still wrote into it
        return
