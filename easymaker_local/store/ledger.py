"""Bookings and the queue: read and written in the transaction that moves the resource on (architecture 6)."""

from __future__ import annotations

import json
import sqlite3

from easymaker_local.domain.flavor import Flavor
from easymaker_local.domain.ledger import Amount, Booking, Waiting, amount_of


def booked(db: sqlite3.Connection) -> list[Booking]:
    """Return all bookings, oldest first."""
    return [
        Booking(
            row["kind"],
            row["resource_id"],
            row["member"],
            Amount(row["cpu_milli"], row["memory_mib"], len(devices := json.loads(row["devices"]))),
            tuple(devices),
        )
        for row in db.execute("SELECT * FROM bookings ORDER BY booked_at, kind, resource_id, member")
    ]


def book(db: sqlite3.Connection, request: Waiting, now: float) -> None:
    """Book every member; they hold it until ``release``."""
    db.executemany(
        "INSERT INTO bookings (kind, resource_id, member, cpu_milli, memory_mib, devices, booked_at)"
        " VALUES (?, ?, ?, ?, ?, '[]', ?)",
        [
            (request.kind, request.resource_id, f"node-{index}", member.cpu_milli, member.memory_mib, now)
            for index, member in enumerate(request.members)
        ],
    )


def release(db: sqlite3.Connection, kind: str, resource_id: str) -> bool:
    """Give back what the resource holds; False if it held nothing."""
    query = "DELETE FROM bookings WHERE kind = ? AND resource_id = ?"
    return db.execute(query, (kind, resource_id)).rowcount > 0


def enqueue(db: sqlite3.Connection, training_id: str, now: float) -> None:
    """Let a training stand in the queue from now on, at the place of its creation."""
    db.execute("UPDATE trainings SET queued_at = ? WHERE id = ? AND queued_at IS NULL", (now, training_id))


def queue(db: sqlite3.Connection, limit: int = -1) -> list[Waiting]:
    """Return what waits, in the order in which it is served: by time of creation, once its environment is ready."""
    rows = db.execute(
        """SELECT id, flavor, json_extract(spec, '$.instanceCount') AS instances FROM trainings
           WHERE is_finished = 0 AND status = 'CREATE_REQUESTED' AND desired = 'RUN' AND queued_at IS NOT NULL
           ORDER BY created_at, rowid LIMIT ?""",
        (limit,),
    )
    return [
        Waiting("training", row["id"], (amount_of(Flavor.model_validate_json(row["flavor"])),) * row["instances"])
        for row in rows
    ]
