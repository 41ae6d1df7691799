"""Access lists of buckets (OS-L01), beside the resources and not in the index of objects.

The index may be thrown away at any time; a bucket that was closed must stay closed then. A file in the bucket was rejected too:
whoever may write the bucket could open it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class AccessLists:
    """Swift's lists as they were written. None: there is none, the setting decides; empty: nobody but the owner."""

    read: str | None = None
    write: str | None = None


def get(db: sqlite3.Connection, container: str) -> AccessLists:
    """Return the lists of a bucket."""
    row = db.execute("SELECT read, write FROM bucket_access WHERE container = ?", (container,)).fetchone()
    return AccessLists() if row is None else AccessLists(row["read"], row["write"])


def all_of(db: sqlite3.Connection) -> Mapping[str, AccessLists]:
    """Return the lists of every bucket that has any."""
    return {row["container"]: AccessLists(row["read"], row["write"]) for row in db.execute("SELECT * FROM bucket_access")}


def put(db: sqlite3.Connection, container: str, lists: AccessLists) -> None:
    """Replace the lists of a bucket."""
    query = "INSERT OR REPLACE INTO bucket_access (container, read, write) VALUES (?, ?, ?)"
    db.execute(query, (container, lists.read, lists.write))


def forget(db: sqlite3.Connection, container: str) -> None:
    """Drop the lists, after the bucket was deleted."""
    db.execute("DELETE FROM bucket_access WHERE container = ?", (container,))
