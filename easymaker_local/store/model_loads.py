"""What models needed when they were served last: how long they took to load, and their memory (EP-L02)."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass


@dataclass(frozen=True)
class Load:
    """Seconds from the start of a model server until it was ready, and the highest memory that was seen; None: not known."""

    seconds: float
    memory_bytes: int | None
    measured_at: float


def put(db: sqlite3.Connection, model_id: str, seconds: float, memory_bytes: int | None, now: float) -> None:
    """Keep the latest start."""
    db.execute(
        "INSERT OR REPLACE INTO model_loads (model_id, load_seconds, memory_bytes, measured_at) VALUES (?, ?, ?, ?)",
        (model_id, seconds, memory_bytes, now),
    )


def raise_memory(db: sqlite3.Connection, model_id: str, memory_bytes: int) -> None:
    """Keep the highest memory of what was started last; calm about a model that was never started."""
    query = "UPDATE model_loads SET memory_bytes = max(coalesce(memory_bytes, 0), ?) WHERE model_id = ?"
    db.execute(query, (memory_bytes, model_id))


def get(db: sqlite3.Connection, model_id: str) -> Load | None:
    """Return what is known of a model; None: it has not been served."""
    row = db.execute("SELECT * FROM model_loads WHERE model_id = ?", (model_id,)).fetchone()
    return None if row is None else Load(row["load_seconds"], row["memory_bytes"], row["measured_at"])
