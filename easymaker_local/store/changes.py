"""Which resources changed lately: noted by the database itself, so that nobody forgets to, and kept in memory only.

Triggers of the writer's own connection (TEMP: no part of the schema, nothing on disk) note whose rows a transaction inserts,
updates or deletes; what it noted is published after it was committed.
"""

from __future__ import annotations

import asyncio
import secrets
import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from easymaker_local.domain.change import Change, ChangeKind

KEPT = 4096
"""Changes that are remembered for those who come back, each resource's newest."""


class Watched(NamedTuple):
    """How a row tells whose it is, as SQL: ``{row}`` is NEW or OLD. A kind that is NULL is not told."""

    kind: str
    resource_id: str = "{row}.id"
    parent_id: str = "NULL"
    operations: tuple[str, ...] = ("INSERT", "UPDATE", "DELETE")


_QUEUE = Watched(f"'{ChangeKind.QUEUE}'", "NULL")
WATCHED = {
    "experiments": Watched(f"'{ChangeKind.EXPERIMENT}'"),
    "trainings": Watched(
        f"iif({{row}}.tuning_id IS NULL, '{ChangeKind.TRAINING}', '{ChangeKind.TRIAL}')", parent_id="{row}.tuning_id"
    ),
    "training_templates": Watched(f"'{ChangeKind.TRAINING_TEMPLATE}'"),
    "tunings": Watched(f"'{ChangeKind.HYPERPARAMETER_TUNING}'"),
    # Also how far the output was read, so that values of metrics, many in one transaction, need not be watched.
    "trials": Watched(f"'{ChangeKind.TRIAL}'", parent_id="{row}.tuning_id"),
    "models": Watched(f"'{ChangeKind.MODEL}'"),
    "model_examinations": Watched(f"'{ChangeKind.MODEL}'", "{row}.model_id"),
    "endpoints": Watched(f"'{ChangeKind.ENDPOINT}'"),
    "stages": Watched(f"'{ChangeKind.ENDPOINT_STAGE}'", parent_id="{row}.endpoint_id"),
    "stage_resources": Watched(f"'{ChangeKind.ENDPOINT_MODEL}'", parent_id="{row}.stage_id"),
    "pods": Watched(f"'{ChangeKind.POD}'", parent_id="{row}.stage_id"),
    "bookings": _QUEUE,
    "queue": _QUEUE,
    # Something may happen to a resource whose own row stays as it is. Histories end with their resources.
    "events": Watched(
        f"""CASE {{row}}.kind
            WHEN 'experiment' THEN '{ChangeKind.EXPERIMENT}'
            WHEN 'training' THEN iif(
                (SELECT tuning_id FROM trainings WHERE id = {{row}}.resource_id) IS NULL,
                '{ChangeKind.TRAINING}', '{ChangeKind.TRIAL}')
            WHEN 'tuning' THEN '{ChangeKind.HYPERPARAMETER_TUNING}'
            WHEN 'model' THEN '{ChangeKind.MODEL}'
            WHEN 'endpoint' THEN '{ChangeKind.ENDPOINT}'
            WHEN 'stage' THEN '{ChangeKind.ENDPOINT_STAGE}'
            WHEN 'stageresource' THEN '{ChangeKind.ENDPOINT_MODEL}' END""",  # noqa: S608 fixed words
        "{row}.resource_id",
        """CASE {row}.kind
            WHEN 'training' THEN (SELECT tuning_id FROM trainings WHERE id = {row}.resource_id)
            WHEN 'stage' THEN (SELECT endpoint_id FROM stages WHERE id = {row}.resource_id)
            WHEN 'stageresource' THEN (SELECT stage_id FROM stage_resources WHERE id = {row}.resource_id) END""",
        ("INSERT",),
    ),
}
"""By table. Every other table holds nothing that a page shows by itself; a test has the list with the reasons."""


@dataclass(frozen=True)
class Lately:
    """What changed, oldest first, each resource once, and the number to go on from. None: that is no longer known."""

    changes: list[Change] | None
    number: int


class Changes:
    """The newest change of each resource that changed lately, numbered in the order in which they were committed.

    May be published to from any thread. Readers come with the number that they know and take what is newer when they have
    time for it: nothing is kept for each of them, and one that is too slow finds that what it missed is not known any more.
    """

    def __init__(self, kept: int = KEPT) -> None:
        # Numbers begin anew with every daemon.
        self.life = secrets.token_hex(4)
        self._kept = kept
        self._numbers: OrderedDict[Change, int] = OrderedDict()
        self._newest = 0
        self._forgotten = 0
        self._lock = threading.Lock()
        self._waiting: set[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = set()

    @property
    def number(self) -> int:
        """The number of the newest change; 0 before the first."""
        return self._newest

    def publish(self, changes: Iterable[Change]) -> None:
        """Tell everybody."""
        with self._lock:
            for change in changes:
                self._newest += 1
                self._numbers[change] = self._newest
                self._numbers.move_to_end(change)
                if len(self._numbers) > self._kept:
                    _, self._forgotten = self._numbers.popitem(last=False)
            for loop, event in self._waiting:
                loop.call_soon_threadsafe(event.set)

    def after(self, number: int) -> Lately:
        """Return what changed after that number."""
        found = []
        with self._lock:
            if not self._forgotten <= number <= self._newest:
                return Lately(None, self._newest)
            for change, at in reversed(self._numbers.items()):
                if at <= number:
                    break
                found.append(change)
            return Lately(found[::-1], self._newest)

    async def wait(self, number: int) -> None:
        """Return as soon as there is a change after that number."""
        event = asyncio.Event()
        entry = asyncio.get_running_loop(), event
        with self._lock:
            if self._newest > number:
                return
            self._waiting.add(entry)
        try:
            await event.wait()
        finally:
            with self._lock:
                self._waiting.discard(entry)


class Noted:
    """What the transaction that runs on the writer's connection has changed so far."""

    def __init__(self) -> None:
        self._changes: dict[Change, None] = {}

    def watch(self, connection: sqlite3.Connection) -> None:
        """Note from now on whatever this connection changes."""
        connection.create_function("note_change", 3, self._note)
        for table, watched in WATCHED.items():
            for operation in watched.operations:
                row = "OLD" if operation == "DELETE" else "NEW"
                values = ", ".join(text.format(row=row) for text in watched[:3])
                connection.execute(
                    f"CREATE TEMP TRIGGER changes_{table}_{operation} AFTER {operation} ON main.{table}"
                    f" BEGIN SELECT note_change({values}); END"
                )

    def take(self) -> list[Change]:
        """Return what was noted, and begin anew."""
        taken = list(self._changes)
        self._changes.clear()
        return taken

    def _note(self, kind: str | None, resource_id: str | None, parent_id: str | None) -> None:
        if kind is not None:
            self._changes[Change(kind, resource_id, parent_id)] = None
