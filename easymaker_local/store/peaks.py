"""The highest use that each member of a resource ever showed, kept with the resource (GN-19)."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass


@dataclass(frozen=True)
class Peak:
    """Memory in bytes, CPU in cores, mean utilization of its GPUs from 0 to 1; None: never seen."""

    member: str
    memory_bytes: int | None
    cpu: float | None
    gpu: float | None = None


def raise_to(
    db: sqlite3.Connection, kind: str, resource_id: str, member: str, memory_bytes: float | None, cpu: float | None,
    gpu: float | None = None,
) -> None:  # fmt: skip
    """Keep what is higher than before."""
    db.execute(
        """INSERT INTO peaks (kind, resource_id, member, memory_bytes, cpu, gpu) VALUES (?, ?, ?, ?, ?, ?)
           ON CONFLICT DO UPDATE SET
           memory_bytes = max(coalesce(memory_bytes, 0), coalesce(excluded.memory_bytes, memory_bytes, 0)),
           cpu = CASE WHEN cpu IS NULL OR excluded.cpu > cpu THEN excluded.cpu ELSE cpu END,
           gpu = CASE WHEN gpu IS NULL OR excluded.gpu > gpu THEN excluded.gpu ELSE gpu END""",
        (kind, resource_id, member, None if memory_bytes is None else int(memory_bytes), cpu, gpu),
    )


def of_resource(db: sqlite3.Connection, kind: str, resource_id: str) -> list[Peak]:
    """Return the peaks of a resource's members."""
    query = "SELECT member, memory_bytes, cpu, gpu FROM peaks WHERE kind = ? AND resource_id = ? ORDER BY member"
    return [Peak(*row) for row in db.execute(query, (kind, resource_id))]


def forget(db: sqlite3.Connection, kind: str, resource_id: str) -> None:
    """Delete the peaks of a resource that is deleted."""
    db.execute("DELETE FROM peaks WHERE kind = ? AND resource_id = ?", (kind, resource_id))
