"""Rows of endpoints (EP). A status moves by compare-and-set, with its event; requests write wishes."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from easymaker_local.domain.endpoint import ENDPOINT_TRANSITIONS, DefaultChange, Endpoint, EndpointStatus, Wish
from easymaker_local.domain.page import EVERYTHING, Page, PageRequest
from easymaker_local.domain.quarantine import Quarantined
from easymaker_local.domain.reason import Cause
from easymaker_local.store.events import EventType, record
from easymaker_local.store.jobs import Jobs, cause_of, sound
from easymaker_local.store.paging import Condition, Selection, begins, everything, named

KIND = "endpoint"
_JOBS = Jobs(KIND, "endpoints", "Endpoint")


@dataclass(frozen=True)
class Wanted:
    """Which endpoints a list is of: all that meet everything that is given."""

    name: str | None = None
    statuses: Sequence[EndpointStatus] | None = None
    id_prefix: str | None = None


def _read(row: sqlite3.Row) -> Endpoint | Quarantined:
    try:
        change = None if row["change"] is None else DefaultChange(**json.loads(row["change"]))
        return Endpoint(
            row["id"], row["name"], row["description"], tuple(json.loads(row["tags"])), row["sealed_api_key"],
            EndpointStatus(row["status"]), Wish(row["wish"]), cause_of(row), row["default_stage_id"], change,
            row["created_at"], row["finished_at"],
        )  # fmt: skip
    except (ValueError, TypeError) as error:
        return _JOBS.broken(row, error)


def add(db: sqlite3.Connection, endpoint: Endpoint) -> None:
    """Insert a new endpoint with its first event; raises sqlite3.IntegrityError if the name is taken."""
    db.execute(
        "INSERT INTO endpoints (id, name, description, tags, sealed_api_key, status, wish, is_finished, default_stage_id,"
        " created_at) VALUES (?, ?, ?, ?, ?, ?, ?, 0, ?, ?)",
        (
            endpoint.id, endpoint.name, endpoint.description, json.dumps(endpoint.tags), endpoint.sealed_api_key,
            endpoint.status, endpoint.wish, endpoint.default_stage_id, endpoint.created_at,
        ),
    )  # fmt: skip
    record(db, KIND, endpoint.id, endpoint.created_at, EventType.STATUS, status=endpoint.status)


def get(db: sqlite3.Connection, endpoint_id: str) -> Endpoint:
    """Return an endpoint; raises NotFound, and BrokenRecord if its row cannot be read."""
    return sound(find(db, endpoint_id))


def find(db: sqlite3.Connection, endpoint_id: str) -> Endpoint | Quarantined:
    """Return an endpoint, or what is known of one whose row cannot be read; raises NotFound."""
    return _JOBS.find(db, endpoint_id, _read)


def page(db: sqlite3.Connection, wanted: Wanted = Wanted(), request: PageRequest = EVERYTHING) -> Page[Endpoint | Quarantined]:
    """Return a page of those wanted."""
    where: list[Condition] = [] if wanted.name is None else [named(wanted.name)]
    if wanted.id_prefix is not None:
        where.append(begins("id", wanted.id_prefix))
    return Selection("endpoints", where, wanted.statuses, wanted.id_prefix is not None).page(db, request, _read)


def newest(db: sqlite3.Connection) -> Sequence[Endpoint | Quarantined]:
    """Return all endpoints, newest first."""
    return everything(db, "endpoints", _read)


def of_name(db: sqlite3.Connection, name: str) -> Endpoint | Quarantined | None:
    """Return the endpoint of a name, which only one may have (EP-04)."""
    row = db.execute("SELECT * FROM endpoints WHERE name = ?", (name,)).fetchone()
    return None if row is None else _read(row)


def count_by_status(db: sqlite3.Connection) -> Counter[str]:
    """Return how many endpoints have each status; all statuses are there, also those that none has."""
    counts = Counter({str(status): 0 for status in EndpointStatus})
    counts.update(dict(db.execute("SELECT status, count(*) FROM endpoints GROUP BY status").fetchall()))
    return counts


def count(db: sqlite3.Connection) -> int:
    """Return how many endpoints there are."""
    return int(db.execute("SELECT count(*) FROM endpoints").fetchone()[0])


def unfinished_ids(db: sqlite3.Connection) -> list[str]:
    """Return the ids of endpoints that still have a way to go, oldest first."""
    query = "SELECT id FROM endpoints WHERE is_finished = 0 OR wish = ? OR change IS NOT NULL ORDER BY created_at"
    return [row["id"] for row in db.execute(query, (Wish.DELETE,))]


def transition(db: sqlite3.Connection, endpoint: Endpoint, to: EndpointStatus, cause: Cause | None, now: float) -> None:
    """Change the status if it is still the one of ``endpoint``, with its event; raises StaleRecord otherwise."""
    _JOBS.transition(db, endpoint, to, ENDPOINT_TRANSITIONS[endpoint.status], cause, now, {})


def explain(db: sqlite3.Connection, endpoint: Endpoint, cause: Cause | None, now: float) -> None:
    """Say beside an unchanged status what is being done, or no longer."""
    _JOBS.explain(db, endpoint, cause, now)


def want(db: sqlite3.Connection, endpoint_id: str, wish: Wish, now: float, message: str) -> None:
    """Write the user's wish."""
    _JOBS.wish(db, endpoint_id, wish, now, message)


def set_change(db: sqlite3.Connection, endpoint_id: str, change: DefaultChange | None, now: float, message: str) -> None:
    """Begin a change of the default stage, or end one."""
    text = None if change is None else json.dumps({"stage_id": change.stage_id, "stop_first": change.stop_first})
    db.execute("UPDATE endpoints SET change = ? WHERE id = ?", (text, endpoint_id))
    type_ = EventType.NOTE if change is None else EventType.REQUEST
    record(db, KIND, endpoint_id, now, type_, message=message)


def clear_change(db: sqlite3.Connection, endpoint_id: str) -> None:
    """End a change of the default stage that is told of already."""
    db.execute("UPDATE endpoints SET change = NULL WHERE id = ?", (endpoint_id,))


def set_default(db: sqlite3.Connection, endpoint_id: str, stage_id: str, now: float, message: str) -> None:
    """Make another stage the default one (EP-32)."""
    db.execute("UPDATE endpoints SET default_stage_id = ? WHERE id = ?", (stage_id, endpoint_id))
    record(db, KIND, endpoint_id, now, EventType.NOTE, message=message)


def change(
    db: sqlite3.Connection, endpoint: Endpoint, description: str | None, tags: Sequence[dict[str, str]], now: float
) -> None:
    """Replace description and tags (GN-13); the name is part of URLs and stays."""
    db.execute(
        "UPDATE endpoints SET description = ?, tags = ? WHERE id = ?", (description, json.dumps(list(tags)), endpoint.id)
    )
    record(db, KIND, endpoint.id, now, EventType.REQUEST, message="Description or tags were changed.")


def set_api_key(db: sqlite3.Connection, endpoint_id: str, sealed: str | None, now: float, message: str) -> None:
    """Replace the key that calls need (GW-L05); None: none is needed."""
    db.execute("UPDATE endpoints SET sealed_api_key = ? WHERE id = ?", (sealed, endpoint_id))
    record(db, KIND, endpoint_id, now, EventType.REQUEST, message=message)


def delete(db: sqlite3.Connection, endpoint: Endpoint | Quarantined) -> None:
    """Remove the row; its stages are gone before. Raises StaleRecord if the status changed."""
    _JOBS.delete(db, endpoint)
