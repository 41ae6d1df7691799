"""Bookings and the queue of everything that runs (architecture 6).

A resource enters the queue when nothing but room is missing (``enqueue``), is booked and leaves the queue in one transaction
(``admit``), moves on once it ``holds`` its booking, and gives everything back in the transaction that ends it (``release``).
A daemon killed in between leaves it in exactly one of these states, and whoever looks at the resource next goes on from there.

Devices are kept a little longer: the end of a process is not the end of what it had on a GPU. ``release`` leaves a booking of
the devices alone, and ``settle`` drops it when the driver has seen them idle, or after a time that is long enough. What is on
a device from then on is not ours, and the device is not free as long as the driver sees it (``domain/gpu.py``).
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache

from easymaker_local.domain.ledger import Amount, Booking, Key, Machine, Plan, Waiting, bookings_of, plan
from easymaker_local.errors import BrokenRecord

# Where people find what a row of the ledger belongs to.
_NAMES = {
    "training": "SELECT id, name FROM trainings",
    "stage": "SELECT s.id, e.name || '/' || s.name AS name FROM stages s JOIN endpoints e ON e.id = s.endpoint_id",
}


def booked(db: sqlite3.Connection) -> list[Booking]:
    """Return all bookings, oldest first."""
    return [
        Booking(
            row["kind"],
            row["resource_id"],
            row["member"],
            Amount(row["cpu_milli"], row["memory_mib"], len(devices := _devices(row))),
            tuple(devices),
            row["booked_at"],
            row["limit_seconds"],
            row["ended_at"],
        )
        for row in db.execute("SELECT * FROM bookings ORDER BY booked_at, kind, resource_id, member")
    ]


def _devices(row: sqlite3.Row) -> list[str]:
    """What cannot be read is not counted: the driver sees that the devices are in use, and nobody else gets them."""
    try:
        return list(json.loads(row["devices"]))
    except ValueError:
        return []


def enqueue(db: sqlite3.Connection, request: Waiting) -> bool:
    """Let a resource stand in the queue, at the place of its creation; False if it stands there already."""
    members = json.dumps([[m.cpu_milli, m.memory_mib, m.gpus] for m in request.members])
    return bool(
        db.execute(
            "INSERT INTO queue (kind, resource_id, members, gpus, gpu_model, priority, limit_seconds, created_at, queued_at,"
            " first_member) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (
                request.kind, request.resource_id, members, request.total.gpus, request.gpu_model, request.priority,
                request.limit_seconds, request.created_at, request.queued_at, request.first_member,
            ),
        ).rowcount
    )  # fmt: skip


def queue(db: sqlite3.Connection) -> list[Waiting]:
    """Return what waits, in the order of class and creation."""
    rows = db.execute(
        "SELECT kind, resource_id, members, gpu_model, priority, limit_seconds, created_at, queued_at, blocked_since,"
        " first_member FROM queue WHERE json_valid(members) ORDER BY priority, created_at, rowid"
    )
    return [Waiting(row[0], row[1], _members(row[2]), *row[3:]) for row in rows]


def queued(db: sqlite3.Connection, kind: str, resource_id: str) -> Waiting | None:
    """Return what a resource waits for; None: it does not stand in the queue."""
    row = db.execute(
        "SELECT kind, resource_id, members, gpu_model, priority, limit_seconds, created_at, queued_at, blocked_since,"
        " first_member FROM queue WHERE kind = ? AND resource_id = ? AND json_valid(members)",
        (kind, resource_id),
    ).fetchone()
    return None if row is None else Waiting(row[0], row[1], _members(row[2]), *row[3:])


@lru_cache(maxsize=256)
def _members(text: str) -> tuple[Amount, ...]:
    """One object per shape: ten thousand rows have few shapes."""
    return tuple(Amount(*numbers) for numbers in json.loads(text))


def needs_pass(db: sqlite3.Connection) -> bool:
    """Return whether a pass over the queue could change anything."""
    found = db.execute("SELECT EXISTS (SELECT 1 FROM queue) OR EXISTS (SELECT 1 FROM bookings WHERE ended_at IS NOT NULL)")
    return bool(found.fetchone()[0])


def needs_gpus(db: sqlite3.Connection) -> bool:
    """Return whether a pass over the queue has to know how the devices are."""
    found = db.execute(
        "SELECT EXISTS (SELECT 1 FROM queue WHERE gpus > 0) OR EXISTS (SELECT 1 FROM bookings WHERE ended_at IS NOT NULL)"
    )
    return bool(found.fetchone()[0])


def admit(db: sqlite3.Connection, machine: Machine, *, now: float, backfill_seconds: float) -> Plan:
    """Serve the queue once: book what may start, remember since when the head stands there."""
    # Unreadable: whoever wanted room asks again at the next look at it.
    db.execute("DELETE FROM queue WHERE NOT json_valid(members)")
    found = plan(queue(db), machine, booked(db), now=now, backfill_seconds=backfill_seconds)
    for grant in found.grants:
        db.execute("DELETE FROM queue WHERE kind = ? AND resource_id = ?", grant.request.key)
        db.executemany(
            "INSERT INTO bookings (kind, resource_id, member, cpu_milli, memory_mib, devices, booked_at, limit_seconds)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    b.kind, b.resource_id, b.member, b.amount.cpu_milli, b.amount.memory_mib, json.dumps(b.devices), b.since,
                    b.limit_seconds,
                )
                for b in bookings_of(grant, now)
            ],
        )  # fmt: skip
    if found.head is not None and found.head.blocked_since is None:
        db.execute("UPDATE queue SET blocked_since = ? WHERE kind = ? AND resource_id = ?", (now, *found.head.key))
    return found


def holdings(db: sqlite3.Connection, kind: str, resource_id: str) -> Mapping[str, tuple[str, ...]]:
    """Return the members of a resource that are booked, each with its devices; empty if nothing is booked."""
    query = "SELECT member, devices FROM bookings WHERE kind = ? AND resource_id = ? AND ended_at IS NULL"
    try:
        return {row["member"]: tuple(json.loads(row["devices"])) for row in db.execute(query, (kind, resource_id))}
    except ValueError as error:
        raise BrokenRecord(f"The booking of {kind} {resource_id} is broken: its devices cannot be read.") from error


def leave_queue(db: sqlite3.Connection, kind: str, resource_id: str) -> bool:
    """Want no (more) room; what is held stays. False if the resource did not wait."""
    return bool(db.execute("DELETE FROM queue WHERE kind = ? AND resource_id = ?", (kind, resource_id)).rowcount)


def release(db: sqlite3.Connection, kind: str, resource_id: str, now: float, member: str | None = None) -> bool:
    """Give back what the resource holds and leave the queue; with ``member`` only what that one holds.

    False if there was nothing. Devices follow by ``settle``.
    """
    left = leave_queue(db, kind, resource_id) if member is None else False
    whose = "kind = :kind AND resource_id = :id AND (:member IS NULL OR member = :member) AND ended_at IS NULL"
    values = {"kind": kind, "id": resource_id, "member": member, "now": now}
    # Under a name of its own: the same resource may be booked again before its last devices are idle.
    columns = "cpu_milli = 0, memory_mib = 0, ended_at = :now, member = member || ' until ' || :now"
    held = db.execute(f"UPDATE bookings SET {columns} WHERE {whose} AND devices != '[]'", values).rowcount  # noqa: S608 fixed words
    held += db.execute(f"DELETE FROM bookings WHERE {whose}", values).rowcount  # noqa: S608 fixed words
    return left or held > 0


def settle(db: sqlite3.Connection, idle: Collection[str], ended_before: float) -> list[Booking]:
    """Drop what only kept devices that are idle now, or that ended before; return the latter: they were never seen idle."""
    late = []
    for booking in booked(db):
        if booking.ended_at is None:
            continue
        is_idle = set(booking.devices) <= set(idle)
        if is_idle or booking.ended_at <= ended_before:
            query = "DELETE FROM bookings WHERE kind = ? AND resource_id = ? AND member = ?"
            db.execute(query, (booking.kind, booking.resource_id, booking.member))
        if not is_idle and booking.ended_at <= ended_before:
            late.append(booking)
    return late


def names(db: sqlite3.Connection, keys: Iterable[Key]) -> dict[Key, str]:
    """Return the names of those of the resources that still exist."""
    ids: dict[str, list[str]] = {}
    for kind, resource_id in set(keys):
        ids.setdefault(kind, []).append(resource_id)
    found: dict[Key, str] = {}
    for kind in ids.keys() & _NAMES.keys():
        # One row, since between two rows another thread gets its turn, ten thousand times.
        query = f"SELECT json_group_object(id, name) FROM ({_NAMES[kind]}) WHERE id IN (SELECT value FROM json_each(?))"  # noqa: S608
        names_by_id = json.loads(db.execute(query, (json.dumps(ids[kind]),)).fetchone()[0])
        found.update({(kind, resource_id): name for resource_id, name in names_by_id.items()})
    return found


def length(db: sqlite3.Connection) -> int:
    """Return how many resources wait."""
    return int(db.execute("SELECT COUNT(*) FROM queue").fetchone()[0])


def broken(db: sqlite3.Connection) -> list[Key]:
    """Return the resources whose place in queue or bookings cannot be read."""
    query = """SELECT kind, resource_id FROM queue WHERE NOT json_valid(members)
               UNION SELECT kind, resource_id FROM bookings WHERE NOT json_valid(devices)"""
    return [(row[0], row[1]) for row in db.execute(query)]
