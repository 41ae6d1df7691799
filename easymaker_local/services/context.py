"""Everything that services and controllers share, built once by ``daemon.py`` and passed down."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol
from weakref import WeakValueDictionary

from easymaker_local.artifacts.catalogue import Catalogue
from easymaker_local.artifacts.models.copies import ModelCopies
from easymaker_local.artifacts.storage import Storage
from easymaker_local.artifacts.tensorboard_logs import TensorboardLogs
from easymaker_local.artifacts.volumes import Volumes
from easymaker_local.domain.flavor import Flavor
from easymaker_local.domain.ledger import NOTHING, Amount, Key, Machine, Plan
from easymaker_local.domain.reason import Cause
from easymaker_local.drivers.base import Driver, Environments
from easymaker_local.drivers.gpus import Gpus
from easymaker_local.errors import NotFound
from easymaker_local.gateway.base import Gateway
from easymaker_local.kit.clock import Clock
from easymaker_local.settings import Settings
from easymaker_local.store import Store
from easymaker_local.store.changes import Changes


class Hinter(Protocol):
    """Wakes the loop for a resource after a change was committed; losing a hint only costs time."""

    def hint(self, kind: str, resource_id: str) -> bool:
        """Ask for a pass soon; True if there will be one."""
        ...


class NoHints:
    """For services without a running loop, in tests."""

    def hint(self, kind: str, resource_id: str) -> bool:
        """Do nothing."""
        return False


@dataclass
class Board:
    """What the last pass over the queue found: its controller writes it, whoever shows something that waits reads it."""

    plan: Plan = field(default_factory=lambda: Plan(Machine(NOTHING)))

    def cause(self, kind: str, resource_id: str) -> Cause | None:
        """Return why a resource waits in the queue, with its place; None if it does not wait there."""
        key: Key = (kind, resource_id)
        return self.plan.cause(key)


QUEUE = ("queue", "all")
"""What to hint when something wants room or has given it back: one key, so that many hints make one pass."""


@dataclass(frozen=True)
class Context:
    """Settings, state and the means to act.

    ``metrics`` is the database of samples, ``statistics`` that of calls to endpoints, ``capacity`` what the ledger may promise.
    ``secret_key`` signs and seals; take a key of your own from it with ``derive``. Without a ``gateway`` there are no endpoints
    (EP-02).
    """

    settings: Settings
    clock: Clock
    store: Store
    metrics: Store
    statistics: Store
    log_store: Store
    driver: Driver
    environments: Environments
    storage: Storage
    volumes: Volumes
    catalogue: Catalogue
    flavors: Sequence[Flavor]
    capacity: Amount
    hinter: Hinter
    secret_key: bytes = field(repr=False)
    gpus: Gpus = field(default_factory=Gpus)
    gateway: Gateway | None = None
    board: Board = field(default_factory=Board)
    _copy_locks: WeakValueDictionary[str, asyncio.Lock] = field(default_factory=WeakValueDictionary, repr=False)

    @property
    def changes(self) -> Changes:
        """Which resources changed lately: those in the store by themselves, others by whoever changes them."""
        return self.store.changes

    @property
    def machine(self) -> Machine:
        """What there is to give, with the devices as they were seen last."""
        return Machine(self.capacity, self.gpus.last)

    def flavor(self, flavor_id: str) -> Flavor:
        """Return a flavor by id; raises NotFound."""
        for flavor in self.flavors:
            if flavor.id == flavor_id:
                return flavor
        raise NotFound(f"There is no flavor {flavor_id!r}.")

    def work_directory(self, training_id: str) -> Path:
        """Return where a training's nodes have their directories."""
        return self.settings.work / "training" / training_id

    def log_directory(self, training_id: str) -> Path:
        """Return where a training's logs are."""
        return self.settings.logs / "training" / training_id

    @property
    def tensorboard_logs(self) -> TensorboardLogs:
        """Return TensorBoard's log files."""
        return TensorboardLogs(self.settings.tensorboard)

    @property
    def model_copies(self) -> ModelCopies:
        """Return the copies of models' artifacts."""
        return ModelCopies(self.settings.model_copies)

    def copy_lock(self, checksum: str) -> asyncio.Lock:
        """Return what is held while the copy of a content is made, or found to be unneeded and removed (DP-20)."""
        return self._copy_locks.setdefault(checksum, asyncio.Lock())

    @property
    def trash(self) -> Path:
        """What is deleted goes here by rename first, so that a crash leaves nothing half-deleted in sight."""
        return self.settings.home / "trash"

    def discard(self, folders: Sequence[Path], resource_id: str) -> None:
        """Remove folders of a resource, by way of the trash; calm about those that are not there. Blocks."""
        if not self.volumes.drop(resource_id):
            # What is mounted cannot go; the next start tries again.
            folders = [folder for folder in folders if folder != self.work_directory(resource_id)]
        # Renamed first: a crash in the long removal leaves no half of a resource where somebody looks.
        self.trash.mkdir(parents=True, exist_ok=True)
        for folder in folders:
            if folder.exists():
                aside = self.trash / f"{folder.parent.parent.name}-{resource_id}"
                folder.rename(aside)
                shutil.rmtree(aside, ignore_errors=True)
