"""Which sets of serving images were the newest, and since when."""

from __future__ import annotations

import sqlite3

from easymaker_local.domain.runtime_version import RuntimeVersion


def history(db: sqlite3.Connection) -> list[RuntimeVersion]:
    """Return them in the order of time."""
    query = "SELECT version, since FROM runtime_versions ORDER BY id"
    return [RuntimeVersion(row["version"], row["since"]) for row in db.execute(query)]


def note(db: sqlite3.Connection, version: str, now: float) -> None:
    """Say that this one is the newest; calm if it has been that already."""
    last = db.execute("SELECT version FROM runtime_versions ORDER BY id DESC LIMIT 1").fetchone()
    if last is None or last["version"] != version:
        db.execute("INSERT INTO runtime_versions (version, since) VALUES (?, ?)", (version, now))
