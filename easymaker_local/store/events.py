"""The event history: what happened to a resource, written in the transaction that made it happen."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from enum import StrEnum

from easymaker_local.domain.reason import Cause


class EventType(StrEnum):
    """What kind of thing happened."""

    STATUS = "STATUS"
    """The status changed; ``status`` is the new one."""
    REQUEST = "REQUEST"
    """A user asked for something."""
    NOTE = "NOTE"
    """The reason beside an unchanged status changed, or something worth knowing happened."""


@dataclass(frozen=True)
class Event:
    """A line of the history; ``id`` grows, so "everything after id" is a resumable stream."""

    id: int
    kind: str
    resource_id: str
    at: float
    type: EventType
    status: str | None
    reason: str | None
    message: str | None


def record(
    db: sqlite3.Connection,
    kind: str,
    resource_id: str,
    now: float,
    type_: EventType,
    *,
    status: str | None = None,
    cause: Cause | None = None,
    message: str | None = None,
) -> None:
    """Append one event."""
    values = (
        kind,
        resource_id,
        now,
        type_,
        status,
        cause.reason if cause else None,
        cause.message if cause else message,
    )
    db.execute("INSERT INTO events (kind, resource_id, at, type, status, reason, message) VALUES (?, ?, ?, ?, ?, ?, ?)", values)


def of_resource(db: sqlite3.Connection, kind: str, resource_id: str, after: int = 0, limit: int = 1000) -> list[Event]:
    """Return the events after id ``after``, oldest first."""
    rows = db.execute(
        "SELECT * FROM events WHERE kind = ? AND resource_id = ? AND id > ? ORDER BY id LIMIT ?",
        (kind, resource_id, after, limit),
    )
    # A type that is none is no reason to hide a history.
    known = set(EventType)
    return [Event(**{**dict(row), "type": EventType(row["type"]) if row["type"] in known else EventType.NOTE}) for row in rows]


def forget(db: sqlite3.Connection, kind: str, resource_id: str) -> None:
    """Delete the history of a resource that is deleted."""
    db.execute("DELETE FROM events WHERE kind = ? AND resource_id = ?", (kind, resource_id))
