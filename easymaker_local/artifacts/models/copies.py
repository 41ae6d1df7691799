"""Local copies of artifacts: read-only, one per content, whole or not there (MD-L02).

What is served is a copy, so that it stays the same whatever the user does with the original. A copy's name is the checksum of
all that is in it; models of the same content share it.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO

from easymaker_local.artifacts import trees
from easymaker_local.artifacts.locations import HIDDEN
from easymaker_local.artifacts.models.examination import open_artifact
from easymaker_local.artifacts.models.files import ModelFiles
from easymaker_local.domain.model import Examination, ModelFile, SavedModelDetails
from easymaker_local.errors import StorageError

_BLOCK = 1 << 20
_READ_ONLY = 0o444
_CHANGED = "Create the model again for what is there now, or put back what was there."


class ModelCopies:
    """The copies below one directory, which is made with the first of them. Every method blocks."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, checksum: str) -> Path:
        """Return where a copy is, or would be."""
        return self._folder / checksum

    def make(self, examination: Examination, source: Path, root: Path, step: Callable[[], None] = lambda: None) -> Path:
        """Return the copy of what was examined at ``source``, made if there is none.

        Raises StorageError with the file's name if something there is no longer what was examined. ``step`` is called after
        every block, and may raise to end it.
        """
        place = self.path(examination.checksum)
        if place.is_dir():
            return place
        files = open_artifact(source, root)
        details = examination.details
        if isinstance(details, SavedModelDetails) and details.version is not None:
            files = files.below(_version_folder(files, details.version))
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        aside = self._folder / f"{HIDDEN}{secrets.token_hex(8)}"
        try:
            _copy(files, examination.files, aside, step)
            try:
                aside.rename(place)
            except OSError:
                if not place.is_dir():  # somebody else made the same one meanwhile
                    raise
        finally:
            trees.remove(aside)
        trees.flush_directory(self._folder)
        return place

    def list(self) -> Sequence[str]:
        """Return the checksums of all copies, sorted."""
        if not self._folder.is_dir():
            return []
        return sorted(path.name for path in self._folder.iterdir() if not path.name.startswith(HIDDEN))

    def remove(self, checksum: str) -> None:
        """Remove a copy; calm about absence. Raises OSError; a retry then finds what is left, which no longer has its name."""
        aside = self._folder / f"{HIDDEN}removed-{checksum}"
        trees.remove(aside)
        try:
            self.path(checksum).rename(aside)
        except FileNotFoundError:
            return
        trees.remove(aside)

    def sweep(self) -> None:
        """Remove what a crash left half-made or half-removed."""
        if self._folder.is_dir():
            for path in self._folder.iterdir():
                if path.name.startswith(HIDDEN):
                    trees.remove(path)


def _version_folder(files: ModelFiles, version: int) -> str:
    """Return the directory of a version, which may be written with noughts in front."""
    same = [folder for folder in files.folders() if folder.isascii() and folder.isdigit() and int(folder) == version]
    if not same:
        raise StorageError(f"Version {version} of the model is no longer there.", hint=_CHANGED)
    return max(same)


def _copy(files: ModelFiles, wanted: Sequence[ModelFile], target: Path, step: Callable[[], None]) -> None:
    target.mkdir(mode=0o755)
    folders = {target}
    for file in wanted:
        place = target / file.name
        place.parent.mkdir(parents=True, exist_ok=True)
        folders |= {folder for folder in place.parents if folder.is_relative_to(target)}
        with files.open(file.name) as source, place.open("xb") as copy:
            size, sha256 = _copy_blocks(source, copy, file.bytes, step)
            copy.flush()
            os.fsync(copy.fileno())
            os.fchmod(copy.fileno(), _READ_ONLY)
        if (size, sha256) != (file.bytes, file.sha256):
            raise StorageError(f"{file.name!r} is no longer what was examined when the model was created.", hint=_CHANGED)
    for folder in folders:
        trees.flush_directory(folder)


def _copy_blocks(source: BinaryIO, target: BinaryIO, size: int, step: Callable[[], None]) -> tuple[int, str]:
    """Copy up to a byte more than ``size``; returns how many there were, and their checksum."""
    digest, copied = hashlib.sha256(), 0
    while block := source.read(min(_BLOCK, size + 1 - copied)):
        digest.update(block)
        target.write(block)
        copied += len(block)
        step()
    return copied, digest.hexdigest()
