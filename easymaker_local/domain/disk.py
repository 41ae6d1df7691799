"""Disk as a resource: what takes it, and what of that nothing refers to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class DiskKind(StrEnum):
    """What takes space, in the order in which it is shown."""

    BUCKET = "BUCKET"
    ENVIRONMENT = "ENVIRONMENT"
    TRAINING = "TRAINING"
    MODEL = "MODEL"
    MLFLOW = "MLFLOW"
    DATABASE = "DATABASE"
    LOG = "LOG"
    TRASH = "TRASH"


@dataclass(frozen=True)
class StoredEnvironment:
    """A prepared environment, or what is left of one. ``name`` is what ``Environments.ready`` returned or would have.

    ``image_id`` of the catalogue image for which it was made, as far as that can be told; ``is_whole`` False: a leftover.
    """

    name: str
    image_id: str | None
    bytes: int
    is_whole: bool = True


@dataclass(frozen=True)
class DiskEntry:
    """Something on the disk.

    ``place``, a path or an image's name, is unique. ``reclaimable`` says why nothing needs it; None: something does.
    """

    kind: DiskKind
    name: str
    place: str
    bytes: int
    reclaimable: str | None = None


@dataclass(frozen=True)
class DiskReport:
    """Bytes of the file system that has the home, and the entries, largest first in each kind."""

    total: int
    free: int
    entries: tuple[DiskEntry, ...]


@dataclass(frozen=True)
class Reclaimed:
    """What was freed, and what was not, with the reason."""

    freed: tuple[DiskEntry, ...]
    kept: tuple[tuple[str, str], ...]
