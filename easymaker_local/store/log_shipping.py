"""What still has logs to bring into the log store: written with the resource, so that a crash forgets none."""

from __future__ import annotations

import json
import sqlite3

from easymaker_local.domain.log_entry import Source

KIND = "log"
"""Kind under which the loop knows this work."""


def key(kind: str, resource_id: str) -> str:
    """Return the loop's id for a resource's logs."""
    return f"{kind}-{resource_id}"


def begin(db: sqlite3.Connection, kind: str, resource_id: str, source: Source) -> None:
    """Ask for everything that the resource writes; ``source`` is what its entries have in common. Calm if that was done."""
    db.execute("INSERT OR IGNORE INTO log_shipping VALUES (?, ?, ?)", (kind, resource_id, json.dumps(source._asdict())))


def source(db: sqlite3.Connection, kind: str, resource_id: str) -> Source | None:
    """Return what the entries have in common; None if nothing is asked for, or all is there."""
    query = "SELECT source FROM log_shipping WHERE kind = ? AND resource_id = ?"
    row = db.execute(query, (kind, resource_id)).fetchone()
    return None if row is None else Source(**json.loads(row["source"]))


def is_unfinished(db: sqlite3.Connection, kind: str, resource_id: str) -> bool:
    """True until everything is in the log store."""
    return source(db, kind, resource_id) is not None


def unfinished(db: sqlite3.Connection) -> list[tuple[str, str]]:
    """Return kind and id of all that have not been brought in whole."""
    return [(row["kind"], row["resource_id"]) for row in db.execute("SELECT kind, resource_id FROM log_shipping")]


def end(db: sqlite3.Connection, kind: str, resource_id: str) -> None:
    """Everything is in the log store."""
    db.execute("DELETE FROM log_shipping WHERE kind = ? AND resource_id = ?", (kind, resource_id))
